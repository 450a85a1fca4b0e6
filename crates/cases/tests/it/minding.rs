//! What the clock does: reminders, escalation.

use std::time::Instant;

use cases::{Act, Event};
use db::{Args, args};
use kernel::{Id, UnitId};
use testkit::{on_both, on_sqlite};

use crate::house::{House, migrations};

fn steps(events: &[Event]) -> Vec<String> {
    let step = |e: &Event| match &e.act {
        Act::Reminded { step } => Some(format!("reminded {step}")),
        Act::Escalated { step } => Some(format!("escalated {step}")),
        _ => None,
    };
    events.iter().filter_map(step).collect()
}

#[tokio::test]
async fn the_ladder_is_climbed_by_working_days_and_never_twice() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut problem = h.problem("窗口排队过长");
        problem.owner = Some(h.owner.person);
        problem.supervisor = Some(h.supervisor.person);
        let id = h.raise(&problem).await.unwrap();
        // It begins on 2026-11-20, a Friday, and is due on 2027-01-01, a Friday.
        assert_eq!(h.cases.remind().await.unwrap(), 0);
        let mut taken = 0;
        for _ in 0..70 {
            t.clock.advance(86_400);
            let now = h.cases.remind().await.unwrap();
            assert_eq!(
                h.cases.remind().await.unwrap(),
                0,
                "the same morning again does nothing"
            );
            taken += now;
        }
        let w = h.whole(id).await;
        let climbed = [
            "reminded -5d",
            "reminded -1d",
            "escalated +1wd",
            "escalated +5wd",
            "escalated +10wd",
        ];
        assert_eq!(
            (steps(&w.events), taken),
            (climbed.map(String::from).to_vec(), 5)
        );
        let days: Vec<String> = w.events[2..]
            .iter()
            .map(|e| kernel::format_date(e.at.date(h.env.zone())))
            .collect();
        assert_eq!(
            days,
            [
                "2026-12-25",
                "2026-12-31",
                "2027-01-04",
                "2027-01-08",
                "2027-01-15"
            ]
        );
        assert_eq!(w.matter.until, w.matter.due, "no reminder changes a day");
        let told = h.told(h.owner).await;
        let count = |key: &str| told.iter().filter(|k| *k == key).count();
        assert_eq!(
            (count("cases-notice-due"), count("cases-notice-late")),
            (2, 3)
        );
        let told = h.told(h.supervisor).await;
        assert_eq!(
            told.iter().filter(|k| *k == "cases-notice-late").count(),
            2,
            "owner and the next superior"
        );
        assert_eq!(w.matter.version, w.events.len() as i64);
        // After that it can still be acted on.
        h.act(id, Act::Urged, h.supervisor).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn days_without_a_server_leave_every_step_and_one_notice() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut problem = h.problem("窗口排队过长");
        problem.owner = Some(h.owner.person);
        let id = h.raise(&problem).await.unwrap();
        t.clock.advance(64 * 86_400);
        assert_eq!(
            h.cases.remind().await.unwrap(),
            0,
            "nobody is reminded on a Saturday"
        );
        t.clock.advance(2 * 86_400);
        assert_eq!(h.cases.remind().await.unwrap(), 5);
        assert_eq!(h.cases.remind().await.unwrap(), 0);
        assert_eq!(steps(&h.whole(id).await.events).len(), 5);
        let told = h.told(h.owner).await;
        assert_eq!(told.iter().filter(|k| k.contains("late")).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn more_time_moves_the_steps_and_an_end_stops_them() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let closed = h.solved("甲问题").await;
        assert_eq!(h.whole(closed).await.matter.next_on, None);
        t.clock.advance(90 * 86_400);
        assert_eq!(h.cases.remind().await.unwrap(), 0);
    })
    .await;
}

/// Copies a case so often, in SQL: the rows are as the program writes them.
async fn multiply(h: &House, id: Id, copies: i64, next_on: &str) {
    let columns = "kind, rule, title, detail, severity, area, source, clause, field_values, unit, from_unit, raiser, owner,
        supervisor, state, stage, ended, due, until, open_until, raised_on, closed_on, measures, done, extensions, reopenings,
        recurred, look_on, looking, declared, confidential, version, created_at, updated_at";
    let selected = columns.replace("raiser", "NULL");
    let mut made = 0;
    while made < copies {
        let rows = (copies - made).min(500);
        db::transaction!(h.db, |tx| {
            for _ in 0..rows {
                let new: Id = h.env.new_id();
                let sql = format!(
                    "INSERT INTO case_matter (id, number, next_on, {columns}) SELECT $1, $2, $3, {selected} FROM case_matter WHERE id = $4"
                );
                tx.execute(sql, args![new, new.to_string(), next_on, id]).await?;
            }
            Ok(())
        })
        .unwrap();
        made += rows;
    }
}

#[tokio::test]
async fn many_open_cases_cost_nothing_on_a_morning_on_which_none_is_due() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.raise(&h.problem("窗口排队过长")).await.unwrap();
        multiply(&h, id, 6_000, "2027-06-01").await;
        t.clock.advance(3 * 86_400);
        let begin = Instant::now();
        assert_eq!(h.cases.remind().await.unwrap(), 0);
        assert!(begin.elapsed().as_millis() < 250, "{:?}", begin.elapsed());
        // 1,200 that are due on one day are taken in batches.
        multiply(&h, id, 1_200, "2026-11-23").await;
        let before = h.whole(id).await.matter.until;
        assert_eq!(
            h.cases.remind().await.unwrap(),
            0,
            "no rung is reached: the day is only moved on"
        );
        let mut tx = h.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM case_matter WHERE next_on = $1";
        let moved: i64 = tx
            .one(sql, args!["2026-12-25"])
            .await
            .unwrap()
            .get(0)
            .unwrap();
        assert_eq!((moved, h.whole(id).await.matter.until), (1_201, before));
    })
    .await;
}

#[tokio::test]
async fn lists_and_reminders_are_read_through_indexes() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut tx = h.db.read().await.unwrap();
        let unit: UnitId = h.bureau;
        let mut plan = async |sql: &str, a: Args| {
            let rows = tx.query(format!("EXPLAIN QUERY PLAN {sql}"), a).await.unwrap();
            let lines: Vec<String> = rows.iter().map(|r| r.get::<String>(3).unwrap()).collect();
            lines.join("; ")
        };
        let p = plan("SELECT c.id FROM case_matter c WHERE c.next_on <= $1 ORDER BY c.next_on, c.id LIMIT 500", args!["2026-12-01"]).await;
        assert!(p.contains("case_matter_next") && !p.contains("TEMP B-TREE"), "{p}");
        let p = plan(
            "SELECT c.id FROM case_matter c WHERE COALESCE(c.unit, c.unit) IN (SELECT unit FROM unit_tree WHERE ancestor IN ($1))
             AND c.open_until IS NOT NULL ORDER BY c.open_until ASC, c.id ASC LIMIT 20",
            args![unit],
        )
        .await;
        assert!(p.contains("case_matter_open") && !p.contains("FOR ORDER BY"), "{p}");
        let p = plan(
            "SELECT c.id FROM case_matter c WHERE c.unit IN (SELECT unit FROM unit_tree WHERE ancestor IN ($1))
             AND c.open_until IS NOT NULL ORDER BY c.open_until ASC, c.id ASC LIMIT 20",
            args![unit],
        )
        .await;
        assert!(p.contains("case_matter_unit") || p.contains("case_matter_open"), "{p}");
    })
    .await;
}
