//! Monthly reports: opened once, omissions flagged, judged by somebody else, what they say becomes how entries stand.

use kernel::{Date, Error, Id};
use tasks::{Judgement, Line, Report, ReportFilter, ReportState, Written};
use testkit::on_both;
use web::table::Window;

use crate::house::{House, Sees as _, Who, migrations};

pub const DAY: i64 = 24 * 3600;

pub async fn reports(h: &House) -> Vec<Report> {
    let (filter, scope) = (ReportFilter::default(), h.scope());
    let found = h.tasks.reports(&filter, &scope, Window::new(1, 50));
    let mut found = found.await.unwrap().1;
    found.sort_by_key(|r| (r.month, r.unit != h.offices[0]));
    found
}

pub fn line(entry: Id, percent: i64, said: &str, reached: Option<Date>) -> Line {
    Line {
        entry,
        percent,
        said: said.into(),
        reached_on: reached,
        counted: None,
    }
}

pub async fn write(
    h: &House,
    who: Who,
    r: &Report,
    lines: Vec<Line>,
    hand_in: bool,
) -> kernel::Result<()> {
    let written = Written {
        summary: "总体顺利".into(),
        lines,
        ..Written::default()
    };
    let by = (&who.eyes(), &who.actor());
    h.tasks
        .write((r.id, r.version), &written, hand_in, by)
        .await
}

pub async fn judge(h: &House, who: Who, r: &Report, j: Judgement, why: &str) -> kernel::Result<()> {
    let by = (&who.eyes(), &who.actor());
    h.tasks.judge((r.id, r.version), j, why, by).await
}

fn key(error: Error) -> String {
    match error {
        Error::Conflict(message) => message.key.to_owned(),
        Error::Invalid(errors) => errors[0].message.key.to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_report_goes_from_the_unit_to_somebody_else_and_its_words_stand() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, [first, _]) = h.issued().await;
        let found = reports(&h).await;
        assert_eq!(found.len(), 2, "one a unit with entries");
        assert_eq!(found[0].month, Date::constant(2026, 11, 1));
        // The fifth of December is a Saturday.
        assert_eq!(found[0].due, Date::constant(2026, 12, 7));
        let r = &found[0];
        let mine = h.reporters[0];
        let foreign = write(&h, h.reporters[1], r, vec![], false).await;
        assert!(matches!(foreign, Err(Error::NotFound)));
        let wrong = write(&h, mine, r, vec![line(first, 101, "x", None)], false).await;
        assert_eq!(key(wrong.unwrap_err()), "tasks-percent-wrong");
        let future = Some(Date::constant(2026, 11, 21));
        let wrong = write(&h, mine, r, vec![line(first, 50, "x", future)], false).await;
        assert_eq!(key(wrong.unwrap_err()), "tasks-reached-wrong");
        write(&h, mine, r, vec![line(first, 40, "完成两次", None)], true)
            .await
            .unwrap();
        let r = &reports(&h).await[0];
        assert_eq!((r.state, r.omitted), (ReportState::Handed, 0));
        assert_eq!(
            h.told(h.leader).await.last().unwrap().as_str(),
            "tasks-notice-handed"
        );
        let silent = judge(&h, h.leader, r, Judgement::Return, "").await;
        assert_eq!(key(silent.unwrap_err()), "tasks-reason-wrong");
        judge(&h, h.leader, r, Judgement::Return, "数字有误")
            .await
            .unwrap();
        assert_eq!(
            h.told(mine).await.last().unwrap().as_str(),
            "tasks-notice-returned"
        );
        let r = &reports(&h).await[0];
        let reached = Some(Date::constant(2026, 11, 18));
        write(
            &h,
            mine,
            r,
            vec![line(first, 60, "全部完成", reached)],
            true,
        )
        .await
        .unwrap();
        let r = &reports(&h).await[0];
        judge(&h, h.leader, r, Judgement::Accept, "").await.unwrap();
        assert_eq!(h.roles(first).await, ["task-entry/in-time"]);
        let fact = &h.standing(first).await[0];
        assert_eq!(fact.date, Date::constant(2026, 11, 18));
        assert_eq!(h.roles(r.id).await, ["task-report-accepted/in-time"]);
        let twice = judge(&h, h.leader, r, Judgement::Accept, "").await;
        assert_eq!(key(twice.unwrap_err()), "tasks-moved-on");
    })
    .await;
}

#[tokio::test]
async fn nobody_judges_what_they_wrote_and_omissions_are_counted() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.issued().await;
        let r = &reports(&h).await[0];
        // Written by one, handed in by another: neither judges it.
        write(&h, h.all, r, vec![], false).await.unwrap();
        let r = &reports(&h).await[0];
        write(&h, h.reporters[0], r, vec![], true).await.unwrap();
        let r = &reports(&h).await[0];
        assert_eq!(r.omitted, 1);
        let own = judge(&h, h.all, r, Judgement::Accept, "").await;
        assert_eq!(key(own.unwrap_err()), "tasks-report-own");
        judge(&h, h.leader, r, Judgement::Accept, "").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_entry_is_reached_only_after_its_parts() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (plan, [first, _]) = h.issued().await;
        let by = (&h.local.eyes(), &h.local.actor());
        let part = h.content(h.offices[0], "上半年");
        let of = (h.env.new_id(), plan);
        let part = h
            .tasks
            .add(of, Some(first), &part, "分解", by)
            .await
            .unwrap();
        let on = Some(Date::constant(2026, 11, 18));
        let r = &reports(&h).await[0];
        let alone = write(
            &h,
            h.reporters[0],
            r,
            vec![line(first, 100, "完成", on)],
            true,
        )
        .await;
        assert_eq!(key(alone.unwrap_err()), "tasks-parts-open");
        // Both in one report: parts come first.
        let both = vec![line(first, 100, "完成", on), line(part, 100, "完成", on)];
        write(&h, h.reporters[0], r, both, true).await.unwrap();
        let r = &reports(&h).await[0];
        judge(&h, h.leader, r, Judgement::Accept, "").await.unwrap();
        assert_eq!(h.roles(first).await, ["task-entry/in-time"]);
        assert_eq!(h.roles(part).await, ["task-entry/in-time"]);
    })
    .await;
}

#[tokio::test]
async fn the_clock_opens_reminds_and_judges_each_report_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.issued().await;
        let r = &reports(&h).await[0];
        write(&h, h.reporters[0], r, vec![], true).await.unwrap();
        // The third of December: the second office is reminded; nobody's day has passed.
        t.clock.advance(14 * DAY);
        h.tasks.remind().await.unwrap();
        h.tasks.remind().await.unwrap();
        assert_eq!(h.told(h.reporters[1]).await, ["tasks-notice-soon"]);
        assert!(h.told(h.reporters[0]).await.is_empty());
        assert_eq!(reports(&h).await.len(), 4, "those of December are open");
        let november: Vec<Report> = reports(&h).await.into_iter().take(2).collect();
        assert!(h.roles(november[0].id).await.is_empty());
        t.clock.advance(5 * DAY);
        h.tasks.remind().await.unwrap();
        h.tasks.remind().await.unwrap();
        assert_eq!(h.roles(november[0].id).await, ["task-report/in-time"]);
        assert_eq!(h.roles(november[1].id).await, ["task-report/missed"]);
        assert_eq!(
            h.told(h.reporters[1]).await.last().unwrap().as_str(),
            "tasks-notice-late"
        );
        // Handed in late: what was missed stays missed, the acceptance says late.
        write(&h, h.reporters[1], &november[1], vec![], true)
            .await
            .unwrap();
        let late = &reports(&h).await[1];
        judge(&h, h.leader, late, Judgement::Accept, "")
            .await
            .unwrap();
        assert_eq!(
            h.roles(late.id).await,
            ["task-report-accepted/late", "task-report/missed"]
        );
    })
    .await;
}

#[tokio::test]
async fn an_older_month_does_not_undo_a_later_one() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, [first, _]) = h.issued().await;
        t.clock.advance(20 * DAY);
        h.tasks.remind().await.unwrap();
        let found = reports(&h).await;
        let (november, december) = (&found[0], &found[2]);
        write(
            &h,
            h.reporters[0],
            december,
            vec![line(first, 80, "十二月", None)],
            true,
        )
        .await
        .unwrap();
        let r = &reports(&h).await[2];
        judge(&h, h.leader, r, Judgement::Accept, "").await.unwrap();
        write(
            &h,
            h.reporters[0],
            november,
            vec![line(first, 30, "十一月", None)],
            true,
        )
        .await
        .unwrap();
        let r = &reports(&h).await[0];
        judge(&h, h.leader, r, Judgement::Accept, "").await.unwrap();
        let (_, all) = h
            .tasks
            .list(
                &tasks::EntryFilter::default(),
                &h.planner.eyes(),
                web::table::Order {
                    by: "number",
                    down: false,
                },
                Window::new(1, 9),
            )
            .await
            .unwrap();
        assert_eq!((all[0].percent, all[0].said.as_str()), (80, "十二月"));
    })
    .await;
}
