//! Plans: made, moved, cancelled, held.

use activities::{NewPlan, PLAN, PlanState, READ, RECORD, REVERSE};
use jiff::civil::time;
use kernel::{Id, Scope};
use notices::{CalendarSource, When};
use testkit::{TestDb, on_both};

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

pub fn plan(h: &House, t: &TestDb, month: i8, date: i8) -> NewPlan {
    NewPlan {
        id: t.env.new_id(),
        kind: "friday-study".into(),
        host: h.offices[0],
        title: "周五学习".into(),
        date: day(month, date),
        starts: time(9, 0, 0, 0),
        ends: time(10, 0, 0, 0),
        location: "三楼".into(),
        of: None,
        typed: vec![
            ("location".into(), "三楼".into()),
            ("title".into(), "周五学习".into()),
        ],
    }
}

#[tokio::test]
async fn a_plan_makes_no_fact_until_it_was_held() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let today = t.env.today();
        let (a, all) = (&h.activities, Scope::All);
        let mut new = plan(&h, &t, 1, 1);
        assert_eq!(
            refused(a.plan(&new, &all, h.clerk).await),
            why("date", "plan-in-past")
        );
        new.date = today;
        (new.kind, new.title) = ("admonition".into(), " ".into());
        let refusals = refused(a.plan(&new, &all, h.clerk).await);
        assert_eq!(refusals.len(), 2, "{refusals:?}");
        (new.kind, new.title) = ("friday-study".into(), "周五学习".into());
        (new.starts, new.ends) = (time(0, 0, 0, 0), time(1, 0, 0, 0));
        let id = a.plan(&new, &all, h.clerk).await.unwrap();
        assert_eq!(
            a.plan(&new, &all, h.clerk).await.unwrap(),
            id,
            "sent twice it is planned once"
        );
        let outside = Scope::Under(vec![h.elsewhere]);
        assert!(a.planned(id, &outside).await.is_err());
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        // It is in the feed of those whose unit holds it, and of nobody else.
        let span = (today, today.tomorrow().unwrap());
        let events = a.events(h.people["001"], span.0, span.1).await.unwrap();
        assert!(matches!(events.as_slice(), [e] if matches!(e.when, When::Span(..))));
        assert_eq!(
            a.events(h.people["006"], span.0, span.1).await.unwrap(),
            vec![]
        );
        // Moved with a reason, not into the past, not without a reason.
        let at = (
            today.tomorrow().unwrap(),
            time(8, 0, 0, 0),
            time(9, 0, 0, 0),
        );
        let shift = async |at, reason: &str| a.move_plan(id, at, reason, &all, h.clerk).await;
        assert_eq!(
            refused(shift(at, "x").await),
            why("reason", "plan-reason-missing")
        );
        let past = (day(1, 1), at.1, at.2);
        assert_eq!(
            refused(shift(past, "改期").await),
            why("date", "plan-in-past")
        );
        shift(at, "会议室占用").await.unwrap();
        shift((today, new.starts, new.ends), "改回").await.unwrap();
        let (known, changes) = a.planned(id, &all).await.unwrap();
        assert_eq!((known.date, changes.len()), (today, 2));
        // Held, taken back, held again; then it cannot be moved or cancelled.
        let held = || {
            let mut new = h.session(&t, today);
            (new.starts, new.ends) = (time(0, 0, 0, 0), time(1, 0, 0, 0));
            new.details.plan = Some(id);
            new
        };
        let first = h.record(&held()).await.unwrap();
        let state = async || a.planned(id, &all).await.unwrap().0;
        assert_eq!(
            (state().await.state, state().await.activity),
            (PlanState::Held, Some(first))
        );
        let mut twice = held();
        twice.another = true;
        assert_eq!(
            refused(h.record(&twice).await),
            why("conflict", "plan-not-open")
        );
        assert_eq!(
            refused(shift(at, "太晚了").await),
            why("conflict", "plan-not-open")
        );
        let cancel = async || a.cancel_plan(id, "不办了", &all, h.clerk).await;
        assert_eq!(refused(cancel().await), why("conflict", "plan-not-open"));
        a.reverse(first, "误录一场", &all, h.clerk).await.unwrap();
        assert_eq!(state().await.state, PlanState::Planned);
        cancel().await.unwrap();
        assert_eq!(
            refused(h.record(&held()).await),
            why("conflict", "plan-not-open")
        );
        assert_eq!(
            a.events(h.people["001"], span.0, span.1).await.unwrap(),
            vec![]
        );
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        for (action, n) in [
            ("activity.planned", 1),
            ("activity.moved", 2),
            ("activity.cancelled", 1),
        ] {
            assert_eq!(h.audited(action).await.len(), n, "{action}");
        }
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn the_calendar_shows_what_was_and_what_is_to_come() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let grants = [READ, RECORD, REVERSE, PLAN].map(|p| (p, Scope::All));
        let app = App::new(&h, &t, &grants);
        let today = t.env.today();
        let (id, unit, date) = (
            t.env.new_id::<Id>().to_string(),
            h.offices[0].to_string(),
            kernel::format_date(today),
        );
        let form = format!("/activities/plans/new?unit={unit}&kind=lecture");
        let page = app.get(&form).await.page(200);
        assert!(page.contains("保存安排") && !page.contains("data-roster"));
        let mut fields: Vec<(&str, &str)> = vec![
            ("id", &id),
            ("kind", "lecture"),
            ("unit", &unit),
            ("date", &date),
            ("title", "报告会"),
            ("starts", "00:00"),
            ("ends", "01:30"),
            ("location", "礼堂"),
            ("role-speaker-0", "003"),
            ("field-topic", "题目一"),
            ("observers", ""),
        ];
        let wrong: Vec<_> = fields
            .iter()
            .map(|(n, v)| {
                if *n == "date" {
                    (*n, "2020-01-01")
                } else {
                    (*n, *v)
                }
            })
            .collect();
        let page = app.post("/activities/plans", &wrong).await.page(422);
        assert!(page.contains("已经过去") && page.contains("value=\"题目一\""));
        let sent = app.post("/activities/plans", &fields).await;
        assert_eq!(sent.status.as_u16(), 303, "{}", sent.text());
        let month = today.strftime("%Y-%m").to_string();
        let calendar = format!("/activities/calendar?month={month}");
        let page = app.get(&calendar).await.page(200);
        assert!(page.contains("报告会") && page.contains("已安排"));
        assert!(
            !app.get("/activities/calendar?month=2019-02")
                .await
                .page(200)
                .contains("报告会")
        );
        assert!(
            !app.get(&format!("{calendar}&unit={}", h.elsewhere))
                .await
                .page(200)
                .contains("报告会")
        );
        assert!(
            app.get("/activities/calendar?month=nonsense")
                .await
                .page(200)
                .contains("报告会")
        );
        let stranger = App::all(&h, &t, Scope::Under(vec![h.elsewhere]));
        assert!(!stranger.get(&calendar).await.page(200).contains("报告会"));
        stranger
            .get(&format!("/activities/plans/{id}"))
            .await
            .page(404);
        // Recorded with everything that was planned.
        let page = app.get(&format!("/activities/plans/{id}")).await.page(200);
        assert!(page.contains(&format!("/activities/new?plan={id}")));
        let page = app
            .get(&format!("/activities/new?plan={id}"))
            .await
            .page(200);
        for text in [
            "value=\"报告会\"",
            "value=\"礼堂\"",
            "value=\"003\"",
            "value=\"题目一\"",
            "value=\"00:00\"",
        ] {
            assert!(page.contains(text), "{text}");
        }
        let own = t.env.new_id::<Id>().to_string();
        let (a, b) = (
            format!("part-{}", h.people["001"]),
            format!("part-{}", h.people["002"]),
        );
        fields.retain(|(n, _)| *n != "id");
        fields.extend([
            ("id", own.as_str()),
            ("plan", &id),
            (&a, "present"),
            (&b, "leave"),
        ]);
        let sent = app.post("/activities", &fields).await;
        assert_eq!(sent.status.as_u16(), 303, "{}", sent.text());
        let page = app.get(&format!("/activities/plans/{id}")).await.page(200);
        assert!(page.contains(&format!("/activities/{own}")) && !page.contains("/cancel"));
        let page = app.get(&calendar).await.page(200);
        assert!(page.contains("报告会") && !page.contains("已安排"));
        app.get(&format!("/activities/new?plan={id}"))
            .await
            .page(409);
        // Without the permission there is no such route.
        let clerk = App::all(&h, &t, Scope::All);
        clerk.get(&form).await.page(404);
        clerk
            .post(
                &format!("/activities/plans/{id}/cancel"),
                &[("reason", "不办了")],
            )
            .await
            .page(404);
        // Moving and cancelling through the page.
        let other = t.env.new_id::<Id>().to_string();
        fields.retain(|(n, _)| !["id", "plan"].contains(n));
        fields.push(("id", &other));
        app.post("/activities/plans", &fields).await;
        let path = format!("/activities/plans/{other}");
        let page = app
            .post(
                &format!("{path}/move"),
                &[
                    ("date", &date),
                    ("starts", "xx"),
                    ("ends", "10:00"),
                    ("reason", "改"),
                ],
            )
            .await
            .page(422);
        assert!(page.contains("时间不正确"));
        let moved = app
            .post(
                &format!("{path}/move"),
                &[
                    ("date", &date),
                    ("starts", "09:00"),
                    ("ends", "10:00"),
                    ("reason", "占用"),
                ],
            )
            .await;
        assert_eq!(moved.status.as_u16(), 303);
        assert!(
            app.post(&format!("{path}/cancel"), &[("reason", "")])
                .await
                .page(422)
                .contains("请填写原因")
        );
        assert_eq!(
            app.post(&format!("{path}/cancel"), &[("reason", "停办")])
                .await
                .status
                .as_u16(),
            303
        );
        let page = app.get(&path).await.page(200);
        assert!(page.contains("占用") && page.contains("停办") && page.contains("已取消"));
    })
    .await;
}
