//! What people do to cases, on both engines.

use cases::{Act, Ask, End, Filter, Reporter, Said, Stage, Tab};
use commons::findings::{Finder, Finding, Intake};
use jiff::ToSpan;
use kernel::Id;
use organization::Basis;
use testkit::{on_both, on_sqlite};
use web::table::{Order, Window};

use crate::house::{House, Sees as _, migrations, refused, why};

const BY_DAY: Order = Order {
    by: "due",
    down: false,
};

#[tokio::test]
async fn it_is_raised_mended_by_one_and_accepted_by_another() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problem = h.problem("窗口排队过长");
        let id = h.raise(&problem).await.unwrap();
        assert_eq!(h.raise(&problem).await.unwrap(), id, "sent twice it is one");
        let w = h.whole(id).await;
        assert_eq!(w.matter.number, "ZG-2026-0001");
        assert_eq!(
            kernel::format_date(w.matter.due),
            "2027-01-01",
            "thirty working days"
        );
        assert_eq!(h.facts(id).await, [("case".into(), "serious".into())]);
        // Who stands on no side does nothing, and whoever has no part sees nothing.
        assert_eq!(
            refused(h.act(id, h.assigned(), h.lonely).await),
            why("", "not-found")
        );
        h.act(id, h.assigned(), h.raiser).await.unwrap();
        assert_eq!(
            refused(h.act(id, Act::Accepted, h.owner).await),
            why("conflict", "cases-moved-on")
        );
        assert_eq!(
            refused(h.act(id, h.planned(), h.supervisor).await),
            why("", "forbidden")
        );
        h.act(id, h.planned(), h.owner).await.unwrap();
        assert_eq!(
            refused(h.act(id, Act::Submitted, h.helper).await),
            why("conflict", "cases-measures-open")
        );
        let on = h.env.today();
        h.act(id, Act::MeasureDone { no: 1, on }, h.owner)
            .await
            .unwrap();
        h.act(id, Act::MeasureDone { no: 2, on }, h.lonely)
            .await
            .unwrap();
        h.act(id, Act::Submitted, h.helper).await.unwrap();
        // Neither owner nor co-owner nor who did a measure nor anybody of a unit below.
        for (who, key) in [
            (h.owner, "forbidden"),
            (h.helper, "forbidden"),
            (h.handler, "forbidden"),
            (h.lonely, "forbidden"),
        ] {
            assert_eq!(refused(h.act(id, Act::Accepted, who).await), why("", key));
        }
        assert_eq!(
            refused(h.act(id, Act::Accepted, h.below).await),
            why("conflict", "cases-judge-below")
        );
        h.act(id, Act::Refused, h.supervisor).await.unwrap();
        h.act(id, Act::Submitted, h.owner).await.unwrap();
        h.act(id, Act::Accepted, h.second).await.unwrap();
        let w = h.whole(id).await;
        assert_eq!(
            (w.matter.end, w.matter.stage),
            (Some(End::Solved), Stage::Closed)
        );
        assert_eq!((w.matter.closed_on, w.case.refusals), (Some(on), 1));
        let facts: Vec<String> = h
            .facts(id)
            .await
            .into_iter()
            .map(|(k, r)| format!("{k}:{r}"))
            .collect();
        assert_eq!(
            facts,
            [
                "case:serious",
                "case-closed:solved",
                "case-accepted:serious",
                "case-on-time:serious"
            ]
        );
        assert!(
            h.told(h.owner)
                .await
                .contains(&"cases-notice-accepted".to_owned())
        );
        assert!(
            h.told(h.supervisor)
                .await
                .contains(&"cases-notice-submitted".to_owned())
        );
        assert_eq!(
            (
                h.audited("case.raised").await,
                h.audited("case.closed").await
            ),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn looking_leaves_no_trace_in_a_case() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&h.problem("窗口排队过长")).await.unwrap();
        let before = h.whole(id).await;
        t.clock.advance(86_400);
        for who in [h.raiser, h.supervisor, h.handler] {
            h.cases.case(id, &who.eyes()).await.unwrap();
        }
        let after = h.whole(id).await;
        assert_eq!((after.matter, after.events), (before.matter, before.events));
    })
    .await;
}

#[tokio::test]
async fn more_time_is_asked_for_and_given_by_others_beside_the_first_day() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&h.problem("窗口排队过长")).await.unwrap();
        h.act(id, h.assigned(), h.supervisor).await.unwrap();
        let due = h.whole(id).await.matter.due;
        let later = due.saturating_add(20.days());
        assert_eq!(
            refused(h.ask(id, Ask::Time(due), h.owner).await),
            why("day", "cases-time-earlier")
        );
        h.ask(id, Ask::Time(later), h.owner).await.unwrap();
        assert_eq!(
            refused(h.ask(id, Ask::Time(later), h.owner).await),
            why("conflict", "cases-pending")
        );
        assert_eq!(
            h.whole(id).await.matter.until,
            due,
            "asking for time is no time"
        );
        let (_, waiting) = h
            .approvals
            .waiting(Some(h.second.person), 5, "zh-CN")
            .await
            .unwrap();
        assert_eq!(waiting.len(), 1);
        let agree = approvals::Asked {
            act: "agree".into(),
            seen: (1, 0),
            ..approvals::Asked::default()
        };
        // Who owns it has no part in deciding.
        assert!(
            h.approvals
                .waiting(Some(h.owner.person), 5, "zh-CN")
                .await
                .unwrap()
                .1
                .is_empty()
        );
        let done = h
            .approvals
            .act(
                waiting[0].id,
                &agree,
                &h.second.by(),
                &kernel::Scope::nothing(),
            )
            .await
            .unwrap();
        assert_eq!(done, approvals::Outcome::Done(approvals::State::Applied));
        let w = h.whole(id).await;
        assert_eq!(
            (w.matter.due, w.matter.until, w.matter.extensions),
            (due, later, 1)
        );
        // Closing it as explained takes approval too; refused it goes on.
        h.ask(id, Ask::End(End::Explained), h.owner).await.unwrap();
        let (_, waiting) = h
            .approvals
            .waiting(Some(h.second.person), 5, "zh-CN")
            .await
            .unwrap();
        let no = approvals::Asked {
            act: "refuse".into(),
            reason: "理由不充分".into(),
            ..agree.clone()
        };
        h.approvals
            .act(
                waiting[0].id,
                &no,
                &h.second.by(),
                &kernel::Scope::nothing(),
            )
            .await
            .unwrap();
        let w = h.whole(id).await;
        assert_eq!((w.matter.end, w.case.pending), (None, None));
        h.ask(id, Ask::End(End::Transferred), h.supervisor)
            .await
            .unwrap();
        let (_, waiting) = h
            .approvals
            .waiting(Some(h.second.person), 5, "zh-CN")
            .await
            .unwrap();
        h.approvals
            .act(
                waiting[0].id,
                &agree,
                &h.second.by(),
                &kernel::Scope::nothing(),
            )
            .await
            .unwrap();
        assert_eq!(h.whole(id).await.matter.end, Some(End::Transferred));
        let facts = h.facts(id).await;
        assert_eq!(facts[1], ("case-closed".into(), "transferred".into()));
        assert_eq!(facts.len(), 2, "handed over is not solved");
    })
    .await;
}

#[tokio::test]
async fn a_recurrence_is_asked_about_linked_and_counted() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut first = h.problem("台账不全");
        first.clause = "record".into();
        let one = h.raise(&first).await.unwrap();
        let mut again = h.problem("台账又不全");
        again.clause = "record".into();
        assert_eq!(
            refused(h.raise(&again).await),
            why("recurs", "cases-recurs-ask")
        );
        let elsewhere = cases::Raise {
            id: h.env.new_id(),
            unit: h.offices[1],
            ..again.clone()
        };
        h.raise(&elsewhere).await.unwrap();
        again.recurs = Some(true);
        let two = h.raise(&again).await.unwrap();
        let w = h.whole(two).await;
        assert_eq!((w.matter.recurred, w.links.len()), (1, 1));
        assert_eq!(
            (w.links[0].0.as_str(), w.links[0].1, w.links[0].2.id),
            ("recurs", false, one)
        );
        assert!(h.whole(one).await.links[0].1, "seen from the other side");
        let filter = Filter {
            recurring: true,
            ..Filter::default()
        };
        let found = h
            .cases
            .list(
                Tab::Unit,
                &filter,
                &h.raiser.eyes(),
                BY_DAY,
                Window::new(1, 20),
            )
            .await;
        assert_eq!(found.unwrap().0, 1);
        // Months later it is nothing to ask about.
        t.clock.advance(400 * 86_400);
        let mut late = h.problem("台账再不全");
        late.clause = "record".into();
        h.raise(&late).await.unwrap();
        assert_eq!(
            h.whole(late.id).await.matter.number,
            "ZG-2027-0001",
            "numbers begin anew each year"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_mended_on_the_spot_still_waits_for_somebody_else() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut quick = h.problem("公示牌未更新");
        quick.fixed = Some(("当场更换".into(), vec![]));
        quick.owner = Some(h.owner.person);
        assert_eq!(
            refused(h.raise(&quick).await),
            why("file", "cases-file-missing")
        );
        quick.fixed = Some(("当场更换".into(), vec![h.evidence()]));
        let id = h.raise(&quick).await.unwrap();
        let w = h.whole(id).await;
        assert_eq!((w.matter.stage, w.matter.done), (Stage::Check, 1));
        assert_eq!(
            h.acts(id).await,
            ["raised", "assigned", "planned", "submitted"]
        );
        assert_eq!(
            w.events[3].files[0].of,
            h.evidence().of,
            "the day of the thing"
        );
        assert_eq!(w.events[3].at, h.env.now(), "beside the day it was sent");
        h.act(id, Act::Accepted, h.supervisor).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn duplicates_and_what_is_not_taken_on_do_not_count() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let one = h.raise(&h.problem("窗口排队过长")).await.unwrap();
        let two = h.raise(&h.problem("排队太久")).await.unwrap();
        assert_eq!(
            refused(h.act(two, Act::Duplicate { of: two }, h.supervisor).await),
            why("of", "cases-duplicate-self")
        );
        let gone = Act::Duplicate { of: Id([9; 16]) };
        assert_eq!(
            refused(h.act(two, gone, h.supervisor).await),
            why("of", "cases-duplicate-unknown")
        );
        h.act(two, Act::Duplicate { of: one }, h.supervisor)
            .await
            .unwrap();
        assert_eq!(h.whole(two).await.matter.end, Some(End::Duplicate));
        assert_eq!(h.facts(two).await, []);
        let three = h.raise(&h.problem("不属本局")).await.unwrap();
        assert_eq!(
            refused(h.act(three, Act::Rejected, h.raiser).await),
            why("", "forbidden")
        );
        h.act(three, Act::Rejected, h.supervisor).await.unwrap();
        assert_eq!(h.facts(three).await, []);
        assert!(
            h.told(h.raiser)
                .await
                .contains(&"cases-notice-rejected".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn who_told_in_confidence_is_known_to_few_and_that_is_written_down() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut told = h.problem("收费不规范");
        told.reporter = Some(Reporter {
            name: "秘密人".into(),
            contact: "13900000000".into(),
            confidential: true,
        });
        let id = h.raise(&told).await.unwrap();
        for who in [h.raiser, h.supervisor] {
            assert_eq!(
                h.cases.case(id, &who.eyes()).await.unwrap().reporter,
                Some(None)
            );
        }
        let shown = h
            .cases
            .show_reporter(id, &h.supervisor.eyes(), &h.supervisor.actor())
            .await;
        assert_eq!(refused(shown), why("", "not-found"));
        let shown = h
            .cases
            .show_reporter(id, &h.raiser.eyes(), &h.raiser.actor())
            .await
            .unwrap();
        assert_eq!(shown.name, "秘密人");
        assert_eq!(h.audited("case.reporter-shown").await, 1);
        assert!(
            h.whole(id).await.matter.confidential,
            "mail about it says nothing"
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_named_in_a_comment_is_told_and_sees_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&h.problem("窗口排队过长")).await.unwrap();
        assert_eq!(
            refused(h.cases.case(id, &h.lonely.eyes()).await.map(|_| ())),
            why("", "not-found")
        );
        let said = Said {
            text: "请协助核实".into(),
            ..Said::default()
        };
        let named = [h.lonely.person];
        h.cases
            .comment(
                id,
                &said,
                &named,
                &h.supervisor.eyes(),
                &h.supervisor.actor(),
            )
            .await
            .unwrap();
        assert_eq!(h.told(h.lonely).await, ["cases-notice-named"]);
        h.cases.case(id, &h.lonely.eyes()).await.unwrap();
        assert_eq!(
            refused(h.act(id, Act::Urged, h.lonely).await),
            why("", "forbidden"),
            "seeing is not acting"
        );
    })
    .await;
}

#[tokio::test]
async fn a_finding_of_another_room_becomes_one_case() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let finding = Finding {
            key: "row-3".into(),
            source_kind: "inspection",
            source_id: Id([7; 16]),
            source_title: "三季度检查".into(),
            source_href: "/inspections/7".into(),
            origin: "supervision".into(),
            kind: String::new(),
            title: "签到记录缺失".into(),
            detail: String::new(),
            severity: String::new(),
            area: "team".into(),
            clause: "record".into(),
            unit: h.offices[0],
            owner: None,
            from: h.bureau,
        };
        let by = Finder {
            account: Some(h.raiser.account),
            ..Finder::default()
        };
        let raise = || async {
            db::transaction!(h.db, |tx| Intake::raise(&h.cases, tx, &finding, &by).await)
        };
        let id = raise().await.unwrap();
        assert_eq!(raise().await.unwrap(), id);
        let mut tx = h.db.read().await.unwrap();
        let found = Intake::of_source(&h.cases, &mut tx, "inspection", finding.source_id)
            .await
            .unwrap();
        assert_eq!(
            (found.len(), found[0].number.as_str(), found[0].closed),
            (1, "ZG-2026-0001", false)
        );
        drop(tx);
        let w = h.whole(id).await;
        assert_eq!(
            (
                w.matter.severity.as_str(),
                w.matter.origin.unwrap().href.as_str()
            ),
            ("common", "/inspections/7")
        );
        // A finding that cannot be one takes the whole transaction of its room back.
        let wrong = Finding {
            key: "row-4".into(),
            title: "×".into(),
            ..finding.clone()
        };
        let done: kernel::Result<Id> =
            db::transaction!(h.db, |tx| Intake::raise(&h.cases, tx, &wrong, &by).await);
        assert_eq!(refused(done), why("title", "cases-title-wrong"));
    })
    .await;
}

#[tokio::test]
async fn a_look_back_comes_by_itself_goes_to_the_successor_and_opens_it_again() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let held = h.solved("窗口排队过长").await;
        let relapsed = h.solved("台账不全").await;
        assert_eq!(h.cases.look_back().await.unwrap(), 0);
        t.clock.advance(30 * 86_400);
        let basis = Basis {
            date: h.env.today(),
            text: "机构改革".into(),
            by: organization::By::default(),
        };
        h.org
            .merge_units(&[h.offices[0]], h.offices[1], &basis, &kernel::Scope::All)
            .await
            .unwrap();
        t.clock.advance(65 * 86_400);
        assert_eq!(h.cases.look_back().await.unwrap(), 2);
        assert_eq!(h.cases.look_back().await.unwrap(), 0, "once");
        let w = h.whole(held).await;
        assert_eq!(
            w.case.look,
            Some((1, h.offices[1])),
            "what became of the unit is looked at"
        );
        assert!(w.matter.looking && w.matter.look_on.is_none());
        let looking = Filter {
            looking: true,
            view: cases::View::Closed,
            ..Filter::default()
        };
        let order = Order {
            by: "closed",
            down: true,
        };
        let found = h
            .cases
            .list(
                Tab::Unit,
                &looking,
                &h.supervisor.eyes(),
                order,
                Window::new(1, 20),
            )
            .await
            .unwrap();
        assert_eq!(found.0, 2);
        h.act(held, Act::Held, h.supervisor).await.unwrap();
        assert_eq!(
            h.facts(held).await.last().unwrap(),
            &("case-held".into(), "held".into())
        );
        let due = h.whole(relapsed).await.matter.due;
        let until = h.env.today().saturating_add(20.days());
        h.act(relapsed, Act::Reopened { until }, h.supervisor)
            .await
            .unwrap();
        let w = h.whole(relapsed).await;
        assert_eq!(
            (w.matter.due, w.matter.until, w.matter.end),
            (due, until, None)
        );
        assert_eq!(
            w.matter.unit, h.offices[1],
            "what became of the unit mends on"
        );
        assert_eq!(
            (w.case.measures.len(), w.matter.reopenings),
            (2, 1),
            "what was done stays"
        );
        let facts: Vec<String> = h
            .facts(relapsed)
            .await
            .into_iter()
            .map(|(k, r)| format!("{k}:{r}"))
            .collect();
        assert_eq!(facts, ["case:serious", "case-held:relapsed"]);
    })
    .await;
}

#[tokio::test]
async fn a_case_keeps_the_kind_it_was_begun_with() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&h.problem("窗口排队过长")).await.unwrap();
        let text = include_str!("../../../../packs/cases-cn.toml")
            .replace("version = \"1\"", "version = \"2\"")
            .replace("days = 30, working = true", "days = 3, working = true")
            .replace("{ zh = \"待交办\"", "{ zh = \"未交办\"");
        let packs = commons::packs::Packs::load(vec![("cases-cn.toml".into(), text)]).unwrap();
        let newer = cases::Cases::new(
            (h.db.clone(), h.env.clone()),
            h.ledger.clone(),
            h.org.clone(),
            h.notices.clone(),
            (
                cases::CaseKinds::read(&packs).unwrap(),
                kernel::Calendar::default(),
            ),
            desk::Attachments::new(
                desk::Desk::new(h.db.clone(), h.env.clone()),
                h.files.clone(),
            ),
        );
        let w = newer.case(id, &h.supervisor.eyes()).await.unwrap();
        assert_eq!(
            (
                w.kind.pack.as_str(),
                w.kind.state("raised").unwrap().name.zh.as_str()
            ),
            ("cases-cn 1", "待交办")
        );
        let new = h.problem("新问题");
        newer
            .raise(&new, &h.raiser.eyes(), &h.raiser.actor())
            .await
            .unwrap();
        let w = newer.case(new.id, &h.supervisor.eyes()).await.unwrap();
        assert_eq!(
            (
                w.kind.pack.as_str(),
                kernel::format_date(w.matter.due).as_str()
            ),
            ("cases-cn 2", "2026-11-25")
        );
    })
    .await;
}

#[tokio::test]
async fn lists_counters_and_tabs_agree() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.solved("甲问题").await;
        h.submitted("乙问题").await;
        h.raise(&h.problem("丙问题")).await.unwrap();
        let mut other = h.problem("丁问题");
        other.unit = h.offices[1];
        h.raise(&other).await.unwrap();
        let counts = async |who: crate::house::Who| {
            let mut found = h
                .cases
                .counts(&who.eyes(), &Filter::default())
                .await
                .unwrap();
            found.retain(|(_, n)| *n != 0);
            found.sort();
            found
        };
        let all = counts(h.supervisor).await;
        assert_eq!(
            all,
            [(Stage::Point, 2), (Stage::Check, 1), (Stage::Closed, 1)]
        );
        assert_eq!(
            counts(h.handler).await,
            [(Stage::Point, 1), (Stage::Check, 1), (Stage::Closed, 1)]
        );
        let total = async |who: crate::house::Who, tab, filter: Filter| {
            let (total, rows) = h
                .cases
                .list(tab, &filter, &who.eyes(), BY_DAY, Window::new(1, 20))
                .await
                .unwrap();
            assert_eq!(total as usize, rows.len());
            total
        };
        for (stage, n) in all {
            let filter = Filter {
                stage: Some(stage),
                view: cases::View::All,
                ..Filter::default()
            };
            assert_eq!(
                total(h.supervisor, Tab::Unit, filter.clone()).await,
                n,
                "a number opens its list"
            );
            // The same list where no counter is asked.
            let severe = Filter {
                severity: "serious".into(),
                ..filter
            };
            assert_eq!(total(h.supervisor, Tab::Unit, severe).await, n);
        }
        assert_eq!(total(h.handler, Tab::Unit, Filter::default()).await, 2);
        assert_eq!(total(h.owner, Tab::Owned, Filter::default()).await, 1);
        assert_eq!(total(h.helper, Tab::Co, Filter::default()).await, 1);
        assert_eq!(
            total(h.lonely, Tab::Co, Filter::default()).await,
            1,
            "who does a measure"
        );
        assert_eq!(
            total(h.supervisor, Tab::Supervised, Filter::default()).await,
            1
        );
        assert_eq!(total(h.raiser, Tab::Raised, Filter::default()).await, 3);
        assert_eq!(total(h.raiser, Tab::Given, Filter::default()).await, 3);
        assert_eq!(total(h.lonely, Tab::Unit, Filter::default()).await, 0);
        let (tasks, _) = h
            .cases
            .tasks(None, &h.supervisor.eyes(), None, Window::new(1, 20))
            .await
            .unwrap();
        assert_eq!(tasks, 0, "all measures are done");
    })
    .await;
}
