//! Time limits: what is late passes on or is reminded of, once a working day.

use kernel::{Date, Scope};
use notices::{CalendarSource, Reader, When};
use testkit::on_both;

use crate::house::{House, MIGRATIONS, TOP, asked, by, house, new, p};

const DAY: i64 = 86_400;

#[tokio::test]
async fn what_is_late_passes_on_to_the_superior_or_is_reminded_of() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let none = Scope::nothing();
        let id = approvals
            .start(&new(&t, "word", "迟"), &by(1))
            .await
            .unwrap();
        let seen = async || approvals.approval(id, Some(p(1)), &none).await.unwrap();
        let days = (Date::constant(2026, 11, 1), Date::constant(2026, 12, 31));
        let dates = approvals.events(p(2), days.0, days.1).await.unwrap();
        assert_eq!(dates[0].when, When::Day(Date::constant(2026, 11, 24)));
        // Due on Tuesday: nothing on that day, on Wednesday the superior has it.
        t.clock.advance(4 * DAY);
        assert_eq!(approvals.mind_limits().await.unwrap(), 0);
        t.clock.advance(DAY);
        assert_eq!(approvals.mind_limits().await.unwrap(), 1);
        assert_eq!(approvals.mind_limits().await.unwrap(), 0, "once");
        let (a, events, _) = seen().await;
        assert_eq!(
            (a.case.waiting().collect::<Vec<_>>(), a.at_unit),
            (vec![p(4)], TOP)
        );
        assert_eq!(a.due, Some(Date::constant(2026, 11, 27)));
        assert_eq!(events.last().unwrap().act, "passed-on");
        assert!(
            approvals
                .events(p(2), days.0, days.1)
                .await
                .unwrap()
                .is_empty()
        );

        // Nobody stands above: reminded each working day, not at the weekend.
        t.clock.advance(3 * DAY);
        assert_eq!(approvals.mind_limits().await.unwrap(), 0, "a Saturday");
        t.clock.advance(2 * DAY);
        assert_eq!(approvals.mind_limits().await.unwrap(), 1);
        assert_eq!(approvals.mind_limits().await.unwrap(), 0);
        t.clock.advance(DAY);
        assert_eq!(approvals.mind_limits().await.unwrap(), 1);
        let (_, events, _) = seen().await;
        assert_eq!(events.iter().filter(|e| e.act == "overdue").count(), 2);
        let contacts = House::default();
        let notices = notices::Notices::new(
            t.db.clone(),
            t.env.clone(),
            notices::Settings::default(),
            contacts,
        );
        assert_eq!(notices.unread(&[Reader::Person(p(4))]).await.unwrap(), 3);

        approvals
            .act(id, &asked("agree", 1, 0), &by(4), &none)
            .await
            .unwrap();
        let (a, _, _) = seen().await;
        assert_eq!(
            a.due,
            Some(Date::constant(2026, 12, 2)),
            "the next step has its own limit"
        );
        approvals
            .act(id, &asked("refuse", 1, 1), &by(5), &none)
            .await
            .unwrap();
        t.clock.advance(30 * DAY);
        assert_eq!(
            approvals.mind_limits().await.unwrap(),
            0,
            "what has ended is not late"
        );
    })
    .await;
}
