//! Two nodes at once: what may happen once happens once.

use kernel::{Error, Result};
use tasks::{Judgement, PlanAct};
use testkit::on_postgres;

use crate::house::{House, migrations};
use crate::reports::{DAY, judge, line, reports, write};

fn won<T>(results: impl IntoIterator<Item = Result<T>>) -> usize {
    let ok = |r: Result<T>| match r {
        Ok(_) => true,
        Err(Error::Conflict(_)) => false,
        Err(other) => panic!("{other}"),
    };
    results.into_iter().map(ok).filter(|ok| *ok).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_issued_once_and_a_report_accepted_once() {
    on_postgres(&migrations(), |t| async move {
        let a = House::new(&t).await;
        let b = a.node(&t).await;
        let plan = a.plan(2026).await;
        let entry = a.entry(plan, &a.content(a.offices[0], "评查案件")).await;
        a.act(plan, PlanAct::Ask, a.planner, "").await.unwrap();
        let (x, y) = tokio::join!(
            a.act(plan, PlanAct::Issue, a.leader, ""),
            b.act(plan, PlanAct::Issue, b.all, "")
        );
        assert_eq!(won([x, y]), 1);
        let found = reports(&a).await;
        assert_eq!(found.len(), 1);
        let on = Some(a.env.today());
        let lines = vec![line(entry, 100, "完成", on)];
        write(&a, a.reporters[0], &found[0], lines, true)
            .await
            .unwrap();
        let r = &reports(&a).await[0];
        let (x, y) = tokio::join!(
            judge(&a, a.leader, r, Judgement::Accept, ""),
            judge(&b, b.all, r, Judgement::Accept, "")
        );
        assert_eq!(won([x, y]), 1);
        assert_eq!(a.roles(entry).await, ["task-entry/in-time"]);
        assert_eq!(a.roles(r.id).await, ["task-report-accepted/in-time"]);
        // The clock of both nodes judges it once.
        t.clock.advance(40 * DAY);
        let (x, y) = tokio::join!(a.tasks.remind(), b.tasks.remind());
        x.unwrap();
        y.unwrap();
        let due = a.roles(r.id).await;
        assert_eq!(due, ["task-report-accepted/in-time", "task-report/in-time"]);
    })
    .await;
}
