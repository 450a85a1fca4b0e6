//! A campaign from the first word to its facts, through the service.

use campaigns::{Act, Measure, New, Side, State};
use commons::forms::{Answer, Answers, Value};
use kernel::{Date, Error, Id, Result};
use testkit::on_both;

use crate::house::{House, Sees as _, Who, migrations};

pub fn day(month: i8, day: i8) -> Date {
    Date::constant(2026, month, day)
}

pub async fn act(h: &House, id: Id, act: Act, reason: &str) -> Result<()> {
    let (eyes, actor) = (h.planner.eyes(), h.planner.actor());
    h.campaigns
        .act(id, None, act, reason, (&eyes, &actor))
        .await
}

async fn name(h: &House, id: Id) -> usize {
    let (eyes, actor) = (h.planner.eyes(), h.planner.actor());
    h.campaigns
        .name_units(id, &h.offices, (&eyes, &actor))
        .await
        .unwrap()
}

/// Written, asked for and issued.
async fn issued(h: &House, id: Id) {
    let path = format!("/campaigns/{id}/plans");
    let app = h.app(h.planner);
    let said = [
        ("title", "工作方案"),
        ("body", "# 目标\n提升"),
        ("mark", "澜司发"),
    ];
    let sent = app.parts(&path, &said, None).await;
    assert_eq!(sent.0, 303, "{}", sent.1);
    let n = h
        .campaigns
        .campaign(id, &h.planner.eyes())
        .await
        .unwrap()
        .plans[0]
        .n;
    h.campaigns
        .ask_plan(id, n, &h.planner.eyes(), &h.planner.by())
        .await
        .unwrap();
    h.decide("agree").await;
}

/// A campaign that is running, with the offices in it.
pub async fn running(h: &House) -> Id {
    let id = h.made("队伍素质提升专项行动").await;
    name(h, id).await;
    issued(h, id).await;
    act(h, id, Act::Start, "").await.unwrap();
    id
}

pub fn marks(h: &[(&str, i64, &str)]) -> Answers {
    let mark = |(code, points, note): &(&str, i64, &str)| {
        let answer = Answer {
            value: Value::Number(*points),
            note: (*note).to_owned(),
            files: vec![],
        };
        ((*code).to_owned(), answer)
    };
    h.iter().map(mark).collect()
}

pub const ITEMS: [&str; 5] = [
    "pol-study",
    "pol-discipline",
    "duty-service",
    "work-ability",
    "style-rules",
];

pub fn all(points: i64, note: &str) -> Answers {
    marks(&ITEMS.map(|code| (code, points, note)))
}

pub async fn score(h: &House, id: Id, who: Who, side: Side, marks: &Answers) -> Result<i64> {
    let (eyes, actor) = (who.eyes(), who.actor());
    let at = (id, h.offices[0], side);
    h.campaigns
        .score(at, marks, (&eyes, &actor))
        .await
        .map(|s| s.share)
}

pub fn refused(result: Result<impl std::fmt::Debug>, key: &str) {
    match result {
        Err(Error::Conflict(m)) => assert_eq!(m.key, key),
        Err(Error::Invalid(all)) => assert!(all.iter().any(|e| e.message.key == key), "{all:?}"),
        other => panic!("{key}: {other:?}"),
    }
}

#[tokio::test]
async fn a_plan_is_issued_under_a_number_and_only_then_units_see_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.made("素质提升").await;
        assert_eq!(name(&h, id).await, 3);
        assert_eq!(name(&h, id).await, 0, "named once");
        refused(act(&h, id, Act::Start, "").await, "campaigns-plan-first");
        let hidden = h.campaigns.campaign(id, &h.reporter.eyes()).await;
        assert!(
            matches!(hidden, Err(Error::NotFound)),
            "it is being planned"
        );
        issued(&h, id).await;
        let w = h.campaigns.campaign(id, &h.reporter.eyes()).await.unwrap();
        assert_eq!(
            w.issued().unwrap().number.as_deref(),
            Some("澜司发〔2026〕1号")
        );
        assert_eq!(h.told(h.reporter).await, ["campaigns-notice-named"]);
        // Another version is refused first, then issued under the next number; the first one stays.
        let app = h.app(h.planner);
        let said = [
            ("title", "方案（修订）"),
            ("body", "修订"),
            ("mark", "澜司发"),
        ];
        for decided in ["refuse", "agree"] {
            app.parts(&format!("/campaigns/{id}/plans"), &said, None)
                .await;
            let n = h
                .campaigns
                .campaign(id, &h.planner.eyes())
                .await
                .unwrap()
                .plans[0]
                .n;
            h.campaigns
                .ask_plan(id, n, &h.planner.eyes(), &h.planner.by())
                .await
                .unwrap();
            h.decide(decided).await;
        }
        let w = h.campaigns.campaign(id, &h.planner.eyes()).await.unwrap();
        let numbers: Vec<Option<&str>> = w.plans.iter().map(|p| p.number.as_deref()).collect();
        assert_eq!(
            numbers,
            [Some("澜司发〔2026〕2号"), None, Some("澜司发〔2026〕1号")]
        );
        act(&h, id, Act::Start, "").await.unwrap();
        assert_eq!(
            h.campaigns
                .campaign(id, &h.planner.eyes())
                .await
                .unwrap()
                .campaign
                .state,
            State::Running
        );
    })
    .await;
}

#[tokio::test]
async fn units_take_part_or_say_why_not_and_changes_keep_what_was() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = running(&h).await;
        let (eyes, actor) = (h.planner.eyes(), h.planner.actor());
        let by = (&eyes, &actor);
        let taking = async |joined, reason: &str| {
            h.campaigns
                .set_taking(id, h.offices[2], joined, reason, by)
                .await
        };
        refused(taking(false, " ").await, "campaigns-reason-wrong");
        taking(false, "正在撤并").await.unwrap();
        let w = h.campaigns.campaign(id, &eyes).await.unwrap();
        assert_eq!((w.campaign.joined, w.campaign.absent), (2, 1));
        refused(
            h.campaigns.unname(id, h.offices[1], by).await,
            "campaigns-units-told",
        );
        // A change wants a reason; an old look is refused; what is done stays.
        let mut content = w.campaign.content.clone();
        content.goals = "更高目标".into();
        let change = async |seen, content: &_, reason: &str| {
            h.campaigns
                .change(id, seen, content, (None, None), reason, by)
                .await
        };
        let seen = w.campaign.version;
        refused(change(seen, &content, "").await, "campaigns-reason-wrong");
        refused(
            change(seen - 1, &content, "调整").await,
            "campaigns-moved-on",
        );
        change(seen, &content, "调整").await.unwrap();
        // Who reports for the office says that its measure is done, nobody else's.
        let measure = async |who: Who| {
            h.campaigns
                .measure_done(id, 1, day(11, 18), "已学", (&who.eyes(), &who.actor()))
                .await
        };
        assert!(matches!(measure(h.inspector).await, Err(Error::Forbidden)));
        measure(h.reporter).await.unwrap();
        refused(measure(h.reporter).await, "campaigns-measure-done-before");
        let w = h.campaigns.campaign(id, &eyes).await.unwrap();
        let mut content = w.campaign.content.clone();
        content.measures = vec![Measure {
            no: 2,
            text: "其他".into(),
            unit: h.offices[1],
            due: day(12, 1),
        }];
        refused(
            change(w.campaign.version, &content, "换").await,
            "campaigns-measure-done-changed",
        );
        assert!(
            w.events
                .iter()
                .any(|e| e.act == "absent" && e.reason == "正在撤并")
        );
        // A district plans its own below it, within its days.
        let mut below = h.content("二科行动");
        below.measures.truncate(1);
        below.measures[0].unit = h.offices[1];
        let mut new = New {
            id: h.env.new_id(),
            kind: "quality".into(),
            unit: h.offices[1],
            parent: Some(id),
            node: None,
            content: below,
        };
        new.content.from = day(10, 1);
        let (eyes, actor) = (h.local.eyes(), h.local.actor());
        refused(
            h.campaigns.create(&new, &eyes, &actor).await,
            "campaigns-outside-parent",
        );
        new.content.from = day(11, 1);
        h.campaigns.create(&new, &eyes, &actor).await.unwrap();
        assert_eq!(
            h.campaigns.create(&new, &eyes, &actor).await.unwrap(),
            new.id,
            "sent twice it is written once"
        );
        let w = h.campaigns.campaign(id, &h.planner.eyes()).await.unwrap();
        assert_eq!((w.below.len(), w.below_done.len()), (1, 0));
        // Where each below stands is seen from above.
        let by = (&eyes, &actor);
        h.campaigns
            .name_units(new.id, &[h.offices[1]], by)
            .await
            .unwrap();
        issued(&h, new.id).await;
        act(&h, new.id, Act::Start, "").await.unwrap();
        let no = new.content.measures[0].no;
        h.campaigns
            .measure_done(new.id, no, day(11, 20), "已办结", by)
            .await
            .unwrap();
        let w = h.campaigns.campaign(id, &h.planner.eyes()).await.unwrap();
        assert_eq!(w.below_done[&new.id], [no]);
        assert!(matches!(
            h.campaigns.campaign(new.id, &h.far.eyes()).await,
            Err(Error::NotFound)
        ));
    })
    .await;
}

#[tokio::test]
async fn what_it_claims_follows_the_ledger_by_unit_and_day() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = running(&h).await;
        let (eyes, actor) = (h.planner.eyes(), h.planner.actor());
        h.campaigns
            .set_taking(id, h.offices[2], false, "撤并", (&eyes, &actor))
            .await
            .unwrap();
        for (unit, on) in [
            (0, day(11, 3)),
            (0, day(11, 18)),
            (1, day(11, 18)),
            (2, day(11, 18)),
            (0, day(10, 31)),
        ] {
            h.fact("held", "friday-study", h.offices[unit], on, h.env.new_id())
                .await;
        }
        let subjects: Vec<Id> = (0..10).map(|_| h.env.new_id()).collect();
        for (n, subject) in subjects.iter().enumerate() {
            h.fact("case", "problem", h.offices[n % 2], day(11, 10), *subject)
                .await;
        }
        h.fact("case", "task", h.offices[0], day(11, 10), h.env.new_id())
            .await;
        h.fact("case", "problem", h.offices[2], day(11, 10), h.env.new_id())
            .await;
        for subject in &subjects[..9] {
            h.fact(
                "case-accepted",
                "problem",
                h.offices[0],
                day(11, 19),
                *subject,
            )
            .await;
        }
        let w = h.campaigns.campaign(id, &eyes).await.unwrap();
        let lines = h.campaigns.lines(&w.campaign, &eyes.reads).await.unwrap();
        let held = lines
            .iter()
            .find(|l| l.taken.claim.code == "activities")
            .unwrap();
        assert_eq!(held.cell.n, 3, "of units that take part, within its days");
        let p = h
            .campaigns
            .problems(&w.campaign, &w.kind, &eyes.reads)
            .await
            .unwrap();
        assert_eq!((p.found, p.solved, p.rate()), (10, 9, Some(900)));
        // A reversal takes it back everywhere.
        let last = h
            .fact(
                "case-accepted",
                "problem",
                h.offices[1],
                day(11, 19),
                subjects[9],
            )
            .await;
        assert_eq!(
            h.campaigns
                .problems(&w.campaign, &w.kind, &eyes.reads)
                .await
                .unwrap()
                .solved,
            10
        );
        db::transaction!(h.db, |tx| h.ledger.reverse(tx, &[last], None).await).unwrap();
        assert_eq!(
            h.campaigns
                .problems(&w.campaign, &w.kind, &eyes.reads)
                .await
                .unwrap()
                .solved,
            9
        );
        // What is raised here goes to those who keep problems, once, and is one of its own.
        let key = h.env.new_id();
        let (inspector, by) = (h.inspector.eyes(), h.inspector.actor());
        let raise = async |unit| {
            h.campaigns
                .raise((id, unit), (key, "台账不全", "缺三册"), (&inspector, &by))
                .await
        };
        let first = raise(h.offices[0]).await.unwrap();
        assert_eq!(raise(h.offices[0]).await.unwrap(), first);
        assert!(
            matches!(raise(h.offices[2]).await, Err(Error::NotFound)),
            "it takes no part"
        );
        assert_eq!(
            h.campaigns
                .problems(&w.campaign, &w.kind, &eyes.reads)
                .await
                .unwrap()
                .found,
            11
        );
        let (_, page) = h
            .app(h.planner)
            .get(&format!("/campaigns/{id}/problems"))
            .await;
        assert!(
            page.contains("行动中提出")
                && page.contains("查摆问题 11 件，已化解 9 件，化解率 81.8%")
                && page.contains("未达标"),
            "{page}"
        );
        // The number has as many rows.
        let app = h.app(h.planner);
        let (status, page) = app.get(&format!("/campaigns/{id}/rows?claim=0")).await;
        assert_eq!(
            (
                status,
                page.matches("<td class=\"num\" data-label=\"日期\"")
                    .count()
            ),
            (200, 3)
        );
        let one = format!(
            "/campaigns/{id}/rows?claim=0&unit={}&phase=study",
            h.offices[0]
        );
        let (_, page) = app.get(&one).await;
        assert_eq!(
            page.matches("<td class=\"num\" data-label=\"日期\"")
                .count(),
            1,
            "one of its days lies in the phase"
        );
        let absent = format!("/campaigns/{id}/rows?claim=0&unit={}", h.offices[2]);
        assert_eq!(
            app.get(&absent).await.0,
            404,
            "who takes no part has no number here"
        );
    })
    .await;
}

#[tokio::test]
async fn scores_are_compared_differences_said_and_objections_answered_by_somebody_else() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = running(&h).await;
        refused(
            score(
                &h,
                id,
                h.reporter,
                Side::Own,
                &marks(&[("pol-study", 20_000, "")]),
            )
            .await,
            "form-missing",
        );
        refused(
            score(&h, id, h.reporter, Side::Own, &all(21_000, "")).await,
            "form-score",
        );
        assert_eq!(
            score(&h, id, h.reporter, Side::Own, &all(19_000, ""))
                .await
                .unwrap(),
            95_000
        );
        assert!(matches!(
            score(&h, id, h.far, Side::Own, &all(19_000, "")).await,
            Err(Error::NotFound)
        ));
        refused(
            score(&h, id, h.inside, Side::Inspection, &all(19_000, "")).await,
            "campaigns-judge-own",
        );
        refused(
            score(&h, id, h.inspector, Side::Inspection, &all(15_000, "")).await,
            "campaigns-difference",
        );
        assert_eq!(
            score(
                &h,
                id,
                h.inspector,
                Side::Inspection,
                &all(15_000, "记录不全")
            )
            .await
            .unwrap(),
            75_000
        );
        refused(
            score(&h, id, h.reporter, Side::Own, &all(20_000, "")).await,
            "campaigns-inspected-before",
        );
        refused(
            score(&h, id, h.second, Side::Inspection, &all(18_000, "")).await,
            "campaigns-score-stands",
        );
        // They object once; who scored does not answer.
        let at = (id, h.offices[0]);
        let object = async || {
            h.campaigns
                .object(at, "记录是全的", (&h.reporter.eyes(), &h.reporter.actor()))
                .await
        };
        object().await.unwrap();
        refused(object().await, "campaigns-objected-before");
        let answer = async |who: Who, upheld| {
            h.campaigns
                .answer(
                    (id, h.offices[0], 1),
                    (upheld, "核实"),
                    (&who.eyes(), &who.actor()),
                )
                .await
        };
        for who in [h.inspector, h.inside] {
            refused(answer(who, false).await, "campaigns-answer-own");
        }
        act(&h, id, Act::Conclude, "提前总结").await.unwrap();
        answer(h.second, false).await.unwrap();
        assert!(
            matches!(answer(h.second, true).await, Err(Error::Conflict(_))),
            "answered once"
        );
        assert_eq!(
            score(&h, id, h.second, Side::Inspection, &all(18_000, ""))
                .await
                .unwrap(),
            90_000
        );
        assert!(
            h.told(h.reporter)
                .await
                .contains(&"campaigns-notice-answered".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn the_checklist_changes_from_a_day_on_and_old_scores_keep_theirs() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = running(&h).await;
        score(&h, id, h.reporter, Side::Own, &all(20_000, ""))
            .await
            .unwrap();
        let app = h.app(h.planner);
        let path = format!("/campaigns/{id}/checklist");
        let items = "# 查政治素养\n理论学习计划落实 | 30 | 方案第二条\n# 新增\n开门纳谏 | 20 |";
        let keep = async |items: &str, day: &str, reason: &str| {
            app.post(
                &path,
                &[("items", items), ("effective", day), ("reason", reason)],
            )
            .await
        };
        let (status, page) = keep("理论学习", "2026-11-20", "x").await;
        assert!(
            status == 422 && page.contains("第 1 行须写分值") && page.contains("理论学习"),
            "{page}"
        );
        assert_eq!(
            keep(items, "2026-11-19", "x").await.0,
            422,
            "not before today"
        );
        assert_eq!(
            keep(items, "2026-11-20", "").await.0,
            422,
            "somebody says why"
        );
        assert_eq!(keep(items, "2026-11-25", "增加开门纳谏").await.0, 303);
        let (_, now) = app.get(&path).await;
        assert!(
            now.contains("遵守政治纪律") && now.contains("增加开门纳谏"),
            "the old one holds until then"
        );
        let (_, then) = app.get(&format!("{path}?on=2026-11-25")).await;
        assert!(
            !then.contains("<td class=\"full\">遵守政治纪律")
                && then.contains("<td class=\"full\">开门纳谏"),
            "{then}"
        );
        t.clock.advance(6 * 24 * 3600);
        // What kept its text kept its code; what is new has one of its own.
        let marks = marks(&[("pol-study", 30_000, ""), ("i1", 10_000, "")]);
        assert_eq!(
            score(&h, id, h.reporter, Side::Own, &marks).await.unwrap(),
            80_000
        );
        let (_, page) = h
            .app(h.reporter)
            .get(&format!("/campaigns/{id}/scores/{}", h.offices[0]))
            .await;
        assert!(
            page.contains("1. 100") && page.contains("2. 80"),
            "earlier scores stay: {page}"
        );
        // Below, what is handed down stays as it is, and more is added.
        let mut content = h.content("二科行动");
        (content.measures, content.from) = (vec![], day(11, 1));
        let new = New {
            id: h.env.new_id(),
            kind: "governance".into(),
            unit: h.offices[1],
            parent: Some(id),
            node: None,
            content,
        };
        let kind = h.campaigns.kinds().get("governance").unwrap();
        let mut new = new;
        new.content.phases = campaigns::Content::laid_out(kind, day(11, 1)).0;
        h.campaigns
            .create(&new, &h.local.eyes(), &h.local.actor())
            .await
            .unwrap();
        let own = h.app(h.local);
        let path = format!("/campaigns/{}/checklist", new.id);
        let sent = own
            .post(
                &path,
                &[
                    ("items", "开门纳谏 | 5 |\n本科自查 | 10 |"),
                    ("effective", "2026-11-26"),
                ],
            )
            .await;
        assert_eq!(sent.0, 303, "{}", sent.1);
        let (_, page) = own.get(&path).await;
        assert!(
            page.contains("本科自查") && page.contains("上级清单"),
            "{page}"
        );
        assert_eq!(
            page.matches("<td class=\"full\">开门纳谏").count(),
            1,
            "what is handed down is not loosened"
        );
    })
    .await;
}
