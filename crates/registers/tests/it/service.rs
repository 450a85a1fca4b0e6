//! Entering, correcting, reviewing, closing and taking back, on both engines.

use commons::packs::Packs;
use kernel::{Scope, UnitId};
use registers::{Given, RegisterBook, Registers, State, Verdict};
use testkit::on_both;

use crate::house::{House, day, migrations, refused, scan, values, why, with};

#[tokio::test]
async fn an_entry_writes_the_facts_that_its_register_says() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut given = with(&[
            ("kind", "family"),
            ("count", "12"),
            ("minutes", "90.5"),
            ("with", "O2"),
        ]);
        given.people = vec![("001".into(), "lead".into()), ("003".into(), String::new())];
        given.evidence = vec![scan("a.pdf")];
        let new = h.new_entry(&t, "disputes", "一季度纠纷", given);
        let id = h.record(&new).await.unwrap();
        let date = day(11, 18);
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(
            h.facts(id).await,
            [
                ("entry".into(), some("family"), Some(12_000), date),
                ("entry-number".into(), some("minutes"), Some(90_500), date),
                ("entry-person".into(), None, None, date),
                ("entry-person".into(), some("lead"), None, date),
            ]
        );
        let facts = h.standing(id).await;
        let main = facts.iter().find(|f| f.kind == "entry").unwrap();
        assert_eq!(main.category.as_deref(), Some("disputes"));
        assert_eq!(main.evidence, [scan("a.pdf").sha256]);
        assert_eq!((main.person, main.source.as_str()), (None, "form"));
        // 003 has moved to the second office by then: counted there.
        let moved = facts
            .iter()
            .find(|f| f.kind == "entry-person" && f.role.is_none());
        assert_ne!(moved.unwrap().unit, Some(main.host));
        // Sent twice it is entered once; somebody else's id is nobody's business.
        assert_eq!(h.record(&new).await.unwrap(), id);
        assert_eq!(h.facts(id).await.len(), 4);
        let by_other = h.book.record(&new, &Scope::All, h.leader).await;
        assert_eq!(refused(by_other), why("", "not-found"));
        assert_eq!(h.audited("register.recorded").await, 1);
        // An entry about one person counts for them.
        let mut given = with(&[("score", "87.5")]);
        given.people = vec![("001".into(), String::new())];
        let id = h
            .record(&h.new_entry(&t, "scores", "体能", given))
            .await
            .unwrap();
        let facts = h.standing(id).await;
        let main = facts.iter().find(|f| f.kind == "entry").unwrap();
        assert!(main.person.is_some() && main.quantity == Some(87_500));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_named_by_field() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let good = with(&[("count", "3")]);
        let with_people = |list: &[(&str, &str)]| Given {
            people: list
                .iter()
                .map(|(n, r)| ((*n).into(), (*r).into()))
                .collect(),
            ..good.clone()
        };
        for (given, field, key) in [
            (with(&[]), "v-count", "register-value-missing"),
            (with(&[("count", "0")]), "v-count", "register-number-small"),
            (
                with(&[("count", "1001")]),
                "v-count",
                "register-number-large",
            ),
            (
                with(&[("count", "1.5")]),
                "v-count",
                "register-number-wrong",
            ),
            (with(&[("count", "三")]), "v-count", "register-number-wrong"),
            (
                with(&[("count", "3"), ("kind", "x")]),
                "v-kind",
                "register-choice-unknown",
            ),
            (
                with(&[("count", "3"), ("with", "nope")]),
                "v-with",
                "register-unit-unknown",
            ),
            (
                with(&[("count", "3"), ("more", "x")]),
                "values",
                "register-field-unknown",
            ),
            (
                with_people(&[("777", "")]),
                "people",
                "register-person-unknown",
            ),
            (
                with_people(&[("001", ""), ("001", "")]),
                "people",
                "register-person-twice",
            ),
            (
                with_people(&[("001", "king")]),
                "people",
                "register-role-unknown",
            ),
            (
                Given {
                    date: "2026-11-30".into(),
                    ..good.clone()
                },
                "date",
                "register-in-future",
            ),
            (
                Given {
                    date: "2026-02-30".into(),
                    ..good.clone()
                },
                "date",
                "sheet-cell-not-a-date",
            ),
            (
                Given {
                    level: "secret".into(),
                    ..good.clone()
                },
                "level",
                "secrecy-level-unknown",
            ),
        ] {
            let new = h.new_entry(&t, "disputes", "某事", given);
            assert_eq!(refused(h.record(&new).await), why(field, key), "{key}");
        }
        for title in ["", " ", &"长".repeat(201), "a\u{7}b"] {
            let new = h.new_entry(&t, "disputes", title, good.clone());
            assert_eq!(refused(h.record(&new).await)[0].0, "title");
        }
        // Evidence is needed, and only offices write reports.
        let mut new = h.new_entry(&t, "reports", "调研", Given::default());
        assert_eq!(
            refused(h.record(&new).await),
            why("file", "register-evidence-missing")
        );
        new.given.evidence = vec![scan("r.pdf")];
        new.unit = h.bureau;
        assert_eq!(
            refused(h.record(&new).await),
            why("unit", "register-not-for-unit")
        );
        // People out of scope are as unknown as those who do not exist.
        let own = Scope::Under(vec![h.bureau]);
        let new = h.new_entry(&t, "disputes", "某事", with_people(&[("009", "")]));
        let seen = h.book.record(&new, &own, h.clerk).await;
        assert_eq!(refused(seen), why("people", "register-person-unknown"));
        let elsewhere = h
            .book
            .record(&new, &Scope::Under(vec![h.elsewhere]), h.clerk)
            .await;
        assert_eq!(refused(elsewhere), why("", "not-found"));
        assert_eq!(h.audited("register.recorded").await, 0, "nothing half done");
    })
    .await;
}

#[tokio::test]
async fn a_similar_entry_is_asked_about() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let given = with(&[("count", "1")]);
        let first = h.new_entry(&t, "disputes", "土地 纠纷Ａ", given.clone());
        let first = h.record(&first).await.unwrap();
        let mut again = h.new_entry(&t, "disputes", "土地纠纷a", given.clone());
        again.given.date = "2026-10-25".into();
        assert_eq!(
            refused(h.record(&again).await),
            why("another", "register-similar")
        );
        // Further away, in another unit, another register's: not similar. Nor is one that was taken back.
        let mut far = again.clone();
        (far.id, far.given.date) = (t.env.new_id(), "2026-09-01".into());
        h.record(&far).await.unwrap();
        let mut other = again.clone();
        (other.id, other.unit) = (t.env.new_id(), h.offices[1]);
        h.record(&other).await.unwrap();
        again.another = true;
        h.record(&again).await.unwrap();
        let mut third = again.clone();
        (third.id, third.another, third.given.date) = (t.env.new_id(), false, "2026-11-19".into());
        assert_eq!(
            refused(h.record(&third).await),
            why("another", "register-similar")
        );
        for id in [first, again.id] {
            h.book
                .reverse(id, "重复登记", &Scope::All, h.clerk)
                .await
                .unwrap();
        }
        h.record(&third).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_correction_keeps_what_was_and_moves_the_facts() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = h.new_entry(&t, "disputes", "某事", with(&[("count", "3")]));
        let id = h.record(&new).await.unwrap();
        let changed = Given {
            title: "某事（更正）".into(),
            date: "2026-11-17".into(),
            values: values(&[("count", "5"), ("kind", "land")]),
            ..Given::default()
        };
        let correct = async |version: i64, given: &Given, reason: &str| {
            h.book
                .correct(id, version, given, reason, &Scope::All, h.clerk)
                .await
        };
        assert_eq!(
            refused(correct(1, &changed, " ").await),
            why("reason", "register-reason-missing")
        );
        assert_eq!(
            refused(correct(7, &changed, "数字有误").await),
            why("conflict", "register-changed-meanwhile")
        );
        assert_eq!(
            refused(correct(1, &new.given, "没有变化").await),
            why("reason", "register-nothing-changed")
        );
        correct(1, &changed, "数字有误").await.unwrap();
        let facts = h.facts(id).await;
        assert_eq!(
            facts,
            [(
                "entry".into(),
                Some("land".into()),
                Some(5_000),
                day(11, 17)
            )]
        );
        assert_eq!(
            refused(correct(1, &changed, "数字有误").await),
            why("conflict", "register-changed-meanwhile")
        );
        let entry = h.book.entry(id, &Scope::All).await.unwrap();
        assert_eq!(
            (entry.version, entry.accepted, entry.state),
            (2, Some(2), State::Accepted)
        );
        // Taken back once, and then nothing more.
        let reverse = async || h.book.reverse(id, "误登一条", &Scope::All, h.leader).await;
        let short = h.book.reverse(id, "x", &Scope::All, h.leader).await;
        assert_eq!(refused(short), why("reason", "register-reason-missing"));
        reverse().await.unwrap();
        assert_eq!(h.facts(id).await, []);
        assert_eq!(
            refused(reverse().await),
            why("conflict", "register-reversed")
        );
        assert_eq!(
            refused(correct(2, &new.given, "再改一次").await),
            why("conflict", "register-reversed")
        );
        h.ledger.settle().await.unwrap();
        let report = ledger::verify(&h.db, &[]).await.unwrap();
        assert_eq!((report.problems, report.tail), (vec![], 0));
    })
    .await;
}

#[tokio::test]
async fn what_needs_review_counts_once_somebody_else_accepted_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = h.new_entry(&t, "honours", "先进集体", with(&[("level", "national")]));
        let id = h.record(&new).await.unwrap();
        assert_eq!(h.facts(id).await, []);
        let review = async |version: i64, verdict: Verdict<'_>, by| {
            let outcomes = h
                .book
                .review(&[(id, version)], verdict, &Scope::All, by)
                .await?;
            Ok::<_, kernel::Error>(outcomes[0].refused.as_ref().map(|m| m.key))
        };
        let accept = Verdict::Accept;
        assert_eq!(
            review(1, accept, h.clerk).await.unwrap(),
            Some("register-review-own")
        );
        assert_eq!(
            review(2, accept, h.leader).await.unwrap(),
            Some("register-changed-meanwhile")
        );
        let out = h
            .book
            .review(
                &[(id, 1)],
                accept,
                &Scope::Under(vec![h.elsewhere]),
                h.leader,
            )
            .await;
        assert_eq!(out.unwrap(), [], "out of scope is left out");
        assert_eq!(h.facts(id).await, []);
        // Returned with a reason, corrected, accepted.
        assert_eq!(
            refused(review(1, Verdict::Return(""), h.leader).await),
            why("reason", "register-reason-missing")
        );
        assert_eq!(
            review(1, Verdict::Return("级别有误"), h.leader)
                .await
                .unwrap(),
            None
        );
        assert_eq!(
            review(1, accept, h.leader).await.unwrap(),
            Some("register-review-done")
        );
        let given = Given {
            values: values(&[("level", "municipal")]),
            ..new.given.clone()
        };
        h.book
            .correct(id, 1, &given, "级别更正", &Scope::All, h.clerk)
            .await
            .unwrap();
        let (waiting, total) = h
            .book
            .waiting(&Scope::All, &h.leader.into(), 9)
            .await
            .unwrap();
        assert_eq!((waiting.len(), total), (1, 1));
        let own = h
            .book
            .waiting(&Scope::All, &h.clerk.into(), 9)
            .await
            .unwrap();
        assert_eq!(own.1, 0, "one's own is not in one's queue");
        assert_eq!(review(2, accept, h.leader).await.unwrap(), None);
        let municipal = (
            "entry".to_owned(),
            Some("municipal".to_owned()),
            None,
            day(11, 18),
        );
        assert_eq!(h.facts(id).await, std::slice::from_ref(&municipal));
        assert_eq!(h.standing(id).await[0].recorded_by, Some(h.clerk));
        // While a correction waits the version that was accepted counts; its writer may be another one.
        h.book
            .correct(id, 2, &new.given, "改回国家级", &Scope::All, h.leader)
            .await
            .unwrap();
        assert_eq!(h.facts(id).await, [municipal]);
        assert_eq!(
            review(3, accept, h.leader).await.unwrap(),
            Some("register-review-own")
        );
        assert_eq!(review(3, accept, h.clerk).await.unwrap(), None);
        assert_eq!(h.facts(id).await[0].1.as_deref(), Some("national"));
        assert_eq!(h.facts(id).await.len(), 1);
        assert_eq!(
            (
                h.audited("register.accepted").await,
                h.audited("register.returned").await
            ),
            (2, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn closing_has_a_day_a_note_and_a_fact() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = h.new_entry(
            &t,
            "disputes",
            "某事",
            with(&[("count", "3"), ("kind", "land")]),
        );
        let id = h.record(&new).await.unwrap();
        let close =
            async |day: &str, note: &str| h.book.close(id, day, note, &Scope::All, h.clerk).await;
        for day in ["2026-11-17", "2026-12-31", "x", ""] {
            assert_eq!(
                refused(close(day, "已调解").await),
                why("closed", "register-closing-day"),
                "{day}"
            );
        }
        assert_eq!(
            refused(close("2026-11-19", "").await),
            why("note", "register-note-missing")
        );
        close("2026-11-19", "已调解").await.unwrap();
        assert_eq!(
            refused(close("2026-11-19", "已调解").await),
            why("conflict", "register-not-to-close")
        );
        let closed = (
            "entry-closed".to_owned(),
            Some("land".to_owned()),
            None,
            day(11, 19),
        );
        assert!(h.facts(id).await.contains(&closed));
        // A correction carries the closing along with its class, and cannot go behind it.
        let given = Given {
            values: values(&[("count", "3"), ("kind", "family")]),
            ..new.given.clone()
        };
        h.book
            .correct(id, 1, &given, "类型有误", &Scope::All, h.clerk)
            .await
            .unwrap();
        let kinds: Vec<_> = h.facts(id).await.into_iter().map(|f| (f.0, f.1)).collect();
        assert_eq!(
            kinds,
            [
                ("entry".into(), Some("family".into())),
                ("entry-closed".into(), Some("family".to_owned()))
            ]
        );
        let later = Given {
            date: "2026-11-20".into(),
            ..given.clone()
        };
        let late = h
            .book
            .correct(id, 2, &later, "日期有误", &Scope::All, h.clerk)
            .await;
        assert_eq!(refused(late), why("date", "register-after-closing"));
        h.book
            .reopen(id, "当事人反悔", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.facts(id).await.len(), 1);
        // Registers that do not close have no such thing.
        let other = h.new_entry(&t, "honours", "某奖", with(&[("level", "national")]));
        let other = h.record(&other).await.unwrap();
        let none = h
            .book
            .close(other, "2026-11-19", "已办结", &Scope::All, h.clerk)
            .await;
        assert_eq!(refused(none), why("", "not-found"));
    })
    .await;
}

#[tokio::test]
async fn rules_are_looked_over_in_time_and_late_entries_are_marked() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut new = h.new_entry(&t, "reports", "学习制度", Given::default());
        new.given.date = "2024-03-01".into();
        new.given.evidence = vec![scan("r.pdf")];
        let id = h.record(&new).await.unwrap();
        let entry = h.book.entry(id, &Scope::All).await.unwrap();
        assert_eq!(entry.recheck_on, Some(day(3, 1)));
        h.book
            .recheck(id, "继续有效", &Scope::All, h.clerk)
            .await
            .unwrap();
        let entry = h.book.entry(id, &Scope::All).await.unwrap();
        assert_eq!(entry.recheck_on.unwrap().year(), 2028);
        let late = async |date: &str, title: &str| {
            let mut new = h.new_entry(&t, "honours", title, with(&[("level", "national")]));
            new.given.date = date.into();
            let id = h.record(&new).await.unwrap();
            h.book.entry(id, &Scope::All).await.unwrap().late
        };
        assert!(!late("2026-11-15", "早").await && late("2026-10-01", "晚").await);
    })
    .await;
}

#[tokio::test]
async fn a_declared_total_counts_as_declared() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let declare = async |register: &str, year: i16, total: i64, unit: UnitId| {
            let mut new = h.new_entry(&t, register, "2023 年度总结", Given::default());
            new.given.date = format!("{year}-06-01");
            new.given.declared = Some(total);
            new.given.evidence = vec![scan("2023.pdf")];
            new.unit = unit;
            new.source = "declared";
            h.record(&new).await
        };
        // Where a number is counted it is the number …
        let id = declare("disputes", 2023, 3_500, h.offices[0])
            .await
            .unwrap();
        let facts = h.standing(id).await;
        assert_eq!((facts.len(), facts[0].quantity), (1, Some(3_500_000)));
        assert_eq!(
            (facts[0].date.to_string().as_str(), facts[0].source.as_str()),
            ("2023-12-31", "declared")
        );
        // … elsewhere so many entries.
        let id = declare("reports", 2023, 48, h.offices[0]).await.unwrap();
        let facts = h.standing(id).await;
        assert_eq!(facts.len(), 48);
        assert!(
            facts
                .iter()
                .all(|f| f.source == "declared" && f.kind == "entry")
        );
        h.book
            .reverse(id, "数字不实", &Scope::All, h.leader)
            .await
            .unwrap();
        assert_eq!(h.facts(id).await, []);
        for (year, total, field) in [
            (2026, 5, "year"),
            (2023, 0, "count"),
            (2022, 2_001, "count"),
        ] {
            let wrong = declare("reports", year, total, h.offices[1]).await;
            assert_eq!(
                refused(wrong),
                why(field, "register-declared-wrong"),
                "{year}"
            );
        }
        let mut bare = h.new_entry(&t, "disputes", "2022 年度总结", Given::default());
        (bare.given.date, bare.given.declared) = ("2022-12-31".into(), Some(5));
        assert_eq!(
            refused(h.record(&bare).await),
            why("file", "register-evidence-missing")
        );
    })
    .await;
}

#[tokio::test]
async fn the_registers_of_the_product_count_what_agencies_report() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let text = include_str!("../../../../packs/registers-cn.toml");
        let packs = Packs::load(vec![("registers-cn.toml".into(), text.into())]).unwrap();
        let book = RegisterBook::new(
            h.db.clone(),
            t.env.clone(),
            h.ledger.clone(),
            h.org.clone(),
            Registers::read(&packs).unwrap(),
            h.files.clone(),
        );
        // Register, what is said, role and quantity of the fact.
        for (code, said, role, quantity) in [
            (
                "visits-received",
                &[("channel", "来电"), ("persons", "3,500")][..],
                Some("call"),
                Some(3_500_000),
            ),
            (
                "disputes",
                &[("kind", "labour"), ("count", "1200")],
                Some("labour"),
                Some(1_200_000),
            ),
            (
                "typical-speeches",
                &[("level", "省级"), ("meeting", "政治部主任座谈会")],
                Some("provincial"),
                None,
            ),
            (
                "promoted-experiences",
                &[("level", "provincial"), ("occasion", "现场会")],
                Some("provincial"),
                None,
            ),
            (
                "leader-instructions",
                &[("level", "provincial"), ("leader-post", "省领导")],
                Some("provincial"),
                None,
            ),
            (
                "policies-won",
                &[("level", "ministerial")],
                Some("ministerial"),
                None,
            ),
            (
                "pilots",
                &[("level", "national"), ("granted-by", "某部")],
                Some("national"),
                None,
            ),
            (
                "research-reports",
                &[("adoption", "decision"), ("topic", "基层治理")],
                Some("decision"),
                None,
            ),
            (
                "road-quality",
                &[("index", "93.25"), ("kilometres", "12.125")],
                None,
                Some(93_250),
            ),
        ] {
            let mut given = with(said);
            given.evidence = vec![scan("a.pdf")];
            let new = h.new_entry(&t, code, "某事", given);
            let id = book.record(&new, &Scope::All, h.clerk).await.unwrap();
            if book.registers().get(code).unwrap().review {
                assert_eq!(h.facts(id).await, [], "{code}: nobody has accepted it yet");
                let pick = [(id, 1)];
                let outcomes = book.review(&pick, Verdict::Accept, &Scope::All, h.leader);
                assert_eq!(outcomes.await.unwrap()[0].refused, None, "{code}");
            }
            let facts = h.standing(id).await;
            let main = facts.iter().find(|f| f.kind == "entry").unwrap();
            assert_eq!(
                (main.role.as_deref(), main.quantity),
                (role, quantity),
                "{code}"
            );
            assert_eq!(main.category.as_deref(), Some(code));
        }
    })
    .await;
}
