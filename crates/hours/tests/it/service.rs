//! Outside training from entry to hours, and how people stand, on both engines.

use hours::{Given, Stage, State, Verdict};
use kernel::Scope;
use testkit::on_both;

use crate::house::{House, class, day, migrations, refused, scan, why};

#[tokio::test]
async fn what_was_learnt_outside_counts_once_another_accepted_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let all = Scope::All;
        let new = h.new_record(&t, "001", class("全省司法所长培训班")).await;
        let me = Some(new.person);
        // What is wrong is named at its field.
        for (given, field, key) in [
            (
                Given {
                    title: "".into(),
                    ..class("x")
                },
                "title",
                "hours-text-missing",
            ),
            (
                Given {
                    way: "unit-training".into(),
                    ..class("x")
                },
                "way",
                "hours-way-unknown",
            ),
            (
                Given {
                    content: "烹饪".into(),
                    ..class("x")
                },
                "content",
                "hours-content-unknown",
            ),
            (
                Given {
                    from: "2027-01-01".into(),
                    to: "".into(),
                    ..class("x")
                },
                "from",
                "hours-date-future",
            ),
            (
                Given {
                    to: "2026-05-01".into(),
                    ..class("x")
                },
                "to",
                "hours-date-order",
            ),
            (
                Given {
                    hours: "很多".into(),
                    ..class("x")
                },
                "hours",
                "hours-amount-wrong",
            ),
            (
                Given {
                    days: "4".into(),
                    ..class("x")
                },
                "days",
                "hours-days-many",
            ),
            (
                Given {
                    leave: "4".into(),
                    ..class("x")
                },
                "class",
                "hours-class-missing",
            ),
            (
                Given {
                    evidence: vec![],
                    ..class("x")
                },
                "file",
                "hours-proof-missing",
            ),
            (
                Given {
                    declared: true,
                    from: "2026".into(),
                    ..class("x")
                },
                "from",
                "hours-year-wrong",
            ),
        ] {
            let mut wrong = new.clone();
            wrong.given = given;
            let found = refused(h.hours.enter(&wrong, &all, None, h.clerk).await);
            assert!(
                found.contains(&(field.to_owned(), key)),
                "{field} {key}: {found:?}"
            );
        }
        // Out of scope there is nobody, but oneself always is.
        let nothing = Scope::nothing();
        let found = h.hours.enter(&new, &nothing, None, h.clerk).await;
        assert_eq!(refused(found), why("", "not-found"));
        let id = h.hours.enter(&new, &nothing, me, h.clerk).await.unwrap();
        assert_eq!(
            h.hours.enter(&new, &nothing, me, h.clerk).await.unwrap(),
            id,
            "sent twice"
        );
        // The same class again is known, whoever enters it.
        let again = h.new_record(&t, "001", class(" 全省司法所长 培训班")).await;
        let found = h.hours.enter(&again, &all, None, h.leader).await;
        assert_eq!(refused(found), why("title", "hours-known"));
        // It waits, not for who wrote it.
        let waiting = |who: kernel::AccountId| {
            let h = h.clone();
            async move {
                h.hours
                    .waiting(&Scope::All, &who.into(), (10, 0))
                    .await
                    .unwrap()
                    .1
            }
        };
        assert_eq!((waiting(h.clerk).await, waiting(h.leader).await), (0, 1));
        let own = h
            .hours
            .review(&[(id, 1)], Verdict::Accept, &all, h.clerk)
            .await
            .unwrap();
        assert_eq!(own[0].refused.as_ref().unwrap().key, "hours-review-own");
        assert!(h.standing_facts(id).await.is_empty());
        let unseen = h
            .hours
            .review(
                &[(id, 1)],
                Verdict::Accept,
                &Scope::Under(vec![h.elsewhere]),
                h.leader,
            )
            .await;
        assert!(unseen.unwrap().is_empty());
        let found = h
            .hours
            .review(&[(id, 1)], Verdict::Recognise(30_000, 0), &all, h.leader)
            .await;
        assert_eq!(refused(found), why("hours", "hours-recognised-wrong"));
        // Less of it may be recognised than was claimed.
        let done = h
            .hours
            .review(
                &[(id, 1)],
                Verdict::Recognise(20_000, 2_500),
                &all,
                h.leader,
            )
            .await
            .unwrap();
        assert!(done[0].refused.is_none());
        let facts = h.standing_facts(id).await;
        assert_eq!(facts.len(), 1);
        let f = &facts[0];
        assert_eq!(
            (f.kind.as_str(), f.category.as_deref(), f.role.as_deref()),
            ("hours", Some("upper-class"), Some("political-theory"))
        );
        assert_eq!(
            (f.quantity, f.score, f.minutes, f.date),
            (Some(20_000), Some(250), Some(900), day(5, 13))
        );
        assert_eq!(f.evidence, [scan("结业证.pdf").sha256]);
        let twice = h
            .hours
            .review(&[(id, 1)], Verdict::Accept, &all, h.leader)
            .await
            .unwrap();
        assert_eq!(twice[0].refused.as_ref().unwrap().key, "hours-review-done");
        // A correction waits; what counted counts until it is accepted.
        let more = Given {
            hours: "24".into(),
            ..class("全省司法所长培训班")
        };
        assert_eq!(
            refused(
                h.hours
                    .correct((id, 1), &more, "", &all, None, h.clerk)
                    .await
            ),
            why("reason", "hours-reason-missing")
        );
        assert_eq!(
            refused(
                h.hours
                    .correct((id, 7), &more, "证书更正", &all, None, h.clerk)
                    .await
            ),
            why("conflict", "hours-changed-meanwhile")
        );
        h.hours
            .correct((id, 1), &more, "证书更正", &all, None, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.standing_facts(id).await[0].quantity, Some(20_000));
        h.hours
            .review(&[(id, 2)], Verdict::Accept, &all, h.leader)
            .await
            .unwrap();
        let facts = h.standing_facts(id).await;
        assert_eq!((facts.len(), facts[0].quantity), (1, Some(24_000)));
        // What counts is taken back by an officer, not by whose it is.
        let found = h.hours.reverse(id, "登记有误", &nothing, me, h.clerk).await;
        assert_eq!(refused(found), why("conflict", "hours-reverse-officer"));
        h.hours
            .reverse(id, "登记有误", &all, None, h.clerk)
            .await
            .unwrap();
        assert!(h.standing_facts(id).await.is_empty());
        let record = h.hours.record(id, &all, None).await.unwrap();
        assert_eq!((record.stage, record.recognised), (Stage::Reversed, None));
        // Now the class can be entered again, and returned with a reason.
        let id = h.hours.enter(&again, &all, None, h.clerk).await.unwrap();
        assert_eq!(
            refused(
                h.hours
                    .review(&[(id, 1)], Verdict::Return(""), &all, h.leader)
                    .await
            ),
            why("reason", "hours-reason-missing")
        );
        h.hours
            .review(&[(id, 1)], Verdict::Return("缺少盖章"), &all, h.leader)
            .await
            .unwrap();
        assert_eq!(
            h.hours.record(id, &all, None).await.unwrap().stage,
            Stage::Returned
        );
    })
    .await;
}

#[tokio::test]
async fn people_stand_by_what_they_attended_and_what_was_recognised() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let start = kernel::Date::constant(2020, 1, 1);
        h.set("001", "level", "township", start).await;
        h.set("003", "level", "staff", start).await;
        // 002 rises in the middle of the year: half a year of each.
        h.set("002", "level", "township", start).await;
        h.set("002", "level", "county", day(7, 2)).await;
        // On leave from September on.
        h.set("003", "state", "on-duty", start).await;
        h.set("003", "state", "leave", day(9, 1)).await;
        for n in 1..=9 {
            h.attended(&t, "001", "training-class", day(n, 3), 360)
                .await;
        }
        h.attended(&t, "001", "friday-study", day(10, 16), 90).await;
        h.attended(&t, "001", "dinner", day(10, 17), 90).await;
        h.attended(&t, "003", "friday-study", day(2, 6), 90).await;
        let people = [
            h.person("001").await,
            h.person("002").await,
            h.person("003").await,
            h.person("009").await,
        ];
        let years = h.hours.years(&people, 2026).await.unwrap();
        let of = |n: usize, code: &str| {
            let all = h.hours.rules().requirements().iter();
            let place = all.zip(0..).find(|(r, _)| r.code == code).unwrap().1;
            let found = years[n].standings.iter().filter(|(p, _)| *p == place);
            found.map(|(_, s)| s.clone()).collect::<Vec<_>>()
        };
        let one = of(0, "year-90").remove(0);
        assert_eq!(
            (one.has, one.has_days, one.missing),
            (74_000, 9_000, 16_000)
        );
        assert_eq!(one.state, State::OnTrack, "{one:?}");
        // The rows are the number.
        let requirement = h.hours.rules().requirement("year-90").unwrap();
        let rows = years[0].rows(&h.hours, requirement, one.span, None);
        assert_eq!(hours::total(rows), (one.has, one.has_days));
        let two = of(1, "year-90").remove(0);
        assert_eq!((two.bound.0, two.hours), (182, Some(90_000 * 182 / 365)));
        let five = of(1, "five-years-550").remove(0);
        assert_eq!(
            (five.bound, five.hours),
            ((183, 1826), Some(550_000 * 183 / 1826))
        );
        assert!(of(0, "five-years-550").is_empty());
        let three = of(2, "year-90").remove(0);
        assert_eq!(
            (three.bound.0, three.has, three.state),
            (243, 2_000, State::Lost)
        );
        assert!(years[3].standings.is_empty(), "no level, no requirement");
        // Past years stay: a new one resets nothing.
        let before = h.hours.years(&people[..1], 2025).await.unwrap();
        assert!(
            before[0]
                .standings
                .iter()
                .any(|(_, s)| s.state == State::Missed && s.has == 0)
        );
        // Who moved is listed where they are now.
        let there = h
            .hours
            .people_of(&Scope::All, Some(h.offices[0]), 2026)
            .await
            .unwrap();
        assert_eq!(there.len(), 2);
        let all = h
            .hours
            .people_of(&Scope::Under(vec![h.bureau]), None, 2026)
            .await
            .unwrap();
        assert_eq!(all.len(), 3);
        let seen = h
            .hours
            .people_of(&Scope::All, Some(h.offices[0]), 2025)
            .await
            .unwrap();
        assert_eq!(seen.len(), 3);
    })
    .await;
}
