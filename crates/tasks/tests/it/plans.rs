//! Plans and entries: issued by somebody else, changed by versions, handed down, carried over.

use kernel::{Date, Error};
use tasks::{EntryFilter, EntryState, PlanAct};
use testkit::on_both;
use web::table::{Order, Window};

use crate::house::{House, Sees as _, Who, migrations};

const ORDER: Order = Order {
    by: "number",
    down: false,
};

async fn entries(h: &House, who: Who) -> Vec<tasks::Entry> {
    let (filter, eyes) = (EntryFilter::default(), who.eyes());
    let found = h.tasks.list(&filter, &eyes, ORDER, Window::new(1, 50));
    found.await.unwrap().1
}

fn key(error: Error) -> String {
    match error {
        Error::Conflict(message) => message.key.to_owned(),
        Error::Invalid(errors) => errors[0].message.key.to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plan_is_issued_by_somebody_else_and_only_then_units_see_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let plan = h.plan(2026).await;
        let empty = h.act(plan, PlanAct::Ask, h.planner, "").await.unwrap_err();
        assert_eq!(key(empty), "tasks-plan-empty");
        let mut content = h.content(h.offices[0], "评查案件");
        content.person = Some(h.member.person);
        h.entry(plan, &content).await;
        assert!(entries(&h, h.reporters[0]).await.is_empty());
        assert!(entries(&h, h.member).await.is_empty());
        let early = h.act(plan, PlanAct::Issue, h.leader, "").await.unwrap_err();
        assert_eq!(key(early), "tasks-moved-on");
        h.act(plan, PlanAct::Ask, h.planner, "").await.unwrap();
        assert_eq!(h.told(h.leader).await, ["tasks-notice-ask"]);
        assert!(matches!(
            h.act(plan, PlanAct::Issue, h.planner, "").await,
            Err(Error::Forbidden)
        ));
        h.act(plan, PlanAct::Issue, h.leader, "").await.unwrap();
        assert_eq!(entries(&h, h.reporters[0]).await.len(), 1);
        assert!(
            entries(&h, h.reporters[1]).await.is_empty(),
            "another office's"
        );
        // Whoever is responsible sees it without any permission, and is told.
        assert_eq!(entries(&h, h.member).await.len(), 1);
        assert_eq!(h.told(h.member).await, ["tasks-notice-issued"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_issues_what_they_wrote_or_asked_for() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let plan = h.plan(2026).await;
        // The one who may do everything adds an entry; another asks.
        let by = (&h.all.eyes(), &h.all.actor());
        let content = h.content(h.offices[0], "评查案件");
        let of = (h.env.new_id(), plan);
        h.tasks.add(of, None, &content, "", by).await.unwrap();
        h.act(plan, PlanAct::Ask, h.planner, "").await.unwrap();
        let own = h.act(plan, PlanAct::Issue, h.all, "").await.unwrap_err();
        assert_eq!(key(own), "tasks-plan-own");
        h.act(plan, PlanAct::Issue, h.leader, "").await.unwrap();
        // One of a kind a year.
        let again = tasks::NewPlan {
            id: h.env.new_id(),
            kind: "annual".into(),
            unit: h.bureau,
            year: 2026,
            title: "又一份".into(),
            goals: vec![],
        };
        let (eyes, actor) = (h.planner.eyes(), h.planner.actor());
        let twice = h.tasks.create(&again, &eyes, &actor).await.unwrap_err();
        assert_eq!(key(twice), "tasks-plan-there");
    })
    .await;
}

#[tokio::test]
async fn an_issued_plan_changes_with_a_reason_and_is_ended_entry_by_entry() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (plan, [first, second]) = h.issued().await;
        let by = (&h.planner.eyes(), &h.planner.actor());
        let mut content = h.content(h.offices[0], "评查案件两次");
        let bare = h.tasks.change_entry((first, 0), &content, "", by).await;
        assert_eq!(key(bare.unwrap_err()), "tasks-reason-wrong");
        content.to = Date::constant(2027, 1, 31);
        let outside = h.tasks.change_entry((first, 0), &content, "延长", by).await;
        assert_eq!(key(outside.unwrap_err()), "tasks-months-wrong");
        content.to = Date::constant(2026, 12, 31);
        h.tasks
            .change_entry((first, 0), &content, "上级要求", by)
            .await
            .unwrap();
        let stale = h.tasks.change_entry((first, 0), &content, "再改", by).await;
        assert_eq!(key(stale.unwrap_err()), "tasks-moved-on");
        let found = entries(&h, h.planner).await;
        assert_eq!(found[0].content.text, "评查案件两次");
        let open = h
            .act(plan, PlanAct::Close, h.planner, "")
            .await
            .unwrap_err();
        assert_eq!(key(open), "tasks-plan-open-entries");
        h.tasks
            .drop_entry((first, 1), "职能划转", by)
            .await
            .unwrap();
        assert_eq!(h.roles(first).await, ["task-entry/dropped"]);
        // A correction takes the fact back and leaves both in the ledger.
        h.tasks.reopen((first, 2), "登记有误", by).await.unwrap();
        assert!(h.roles(first).await.is_empty());
        h.tasks
            .drop_entry((first, 3), "确已划转", by)
            .await
            .unwrap();
        h.tasks.drop_entry((second, 0), "合并", by).await.unwrap();
        h.act(plan, PlanAct::Close, h.planner, "").await.unwrap();
        let closed = h.tasks.reopen((second, 1), "迟了", by).await;
        assert_eq!(key(closed.unwrap_err()), "tasks-is-closed");
    })
    .await;
}

#[tokio::test]
async fn entries_are_handed_down_within_unit_months_and_levels() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (plan, [first, second]) = h.issued().await;
        // Who plans for the office hands its entry down, but not another's, and not outside.
        let by = (&h.local.eyes(), &h.local.actor());
        let add = async |parent, content: &tasks::Content| {
            let of = (h.env.new_id(), plan);
            h.tasks.add(of, Some(parent), content, "分解", by).await
        };
        let mut part = h.content(h.offices[0], "评查上半年案件");
        assert!(matches!(add(second, &part).await, Err(Error::NotFound)));
        part.unit = h.offices[1];
        assert_eq!(key(add(first, &part).await.unwrap_err()), "tasks-part-unit");
        part.unit = h.offices[0];
        let one = add(first, &part).await.unwrap();
        let two = add(first, &part).await.unwrap();
        let deeper = add(one, &part).await.unwrap();
        let deepest = add(deeper, &part).await.unwrap();
        assert_eq!(
            key(add(deepest, &part).await.unwrap_err()),
            "tasks-too-deep"
        );
        let numbers: Vec<String> = entries(&h, h.planner)
            .await
            .iter()
            .map(|e| e.number.clone())
            .collect();
        assert_eq!(numbers, ["1", "1.1", "1.1.1", "1.1.1.1", "1.2", "2"]);
        // Before the parts are ended the whole is not.
        let whole = (&h.planner.eyes(), &h.planner.actor());
        let early = h.tasks.drop_entry((first, 2), "撤销", whole).await;
        assert_eq!(key(early.unwrap_err()), "tasks-parts-first");
        h.tasks.drop_entry((two, 0), "重复", by).await.unwrap();
        let found = entries(&h, h.planner).await;
        let dropped = found.iter().find(|e| e.id == two).unwrap();
        assert_eq!(dropped.state, EntryState::Dropped);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_finished_is_carried_over_and_linked_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (plan, [first, _]) = h.issued().await;
        let next = h.plan(2027).await;
        let by = (&h.planner.eyes(), &h.planner.actor());
        let new = h.env.new_id();
        let back = h.tasks.carry((first, 0), (new, plan), "未完成", by).await;
        assert_eq!(key(back.unwrap_err()), "tasks-carry-to");
        let carried = h
            .tasks
            .carry((first, 0), (new, next), "未完成", by)
            .await
            .unwrap();
        assert_eq!(h.roles(first).await, ["task-entry/carried"]);
        let again = h
            .tasks
            .carry((first, 1), (h.env.new_id(), next), "再来", by)
            .await;
        assert_eq!(key(again.unwrap_err()), "tasks-entry-ended");
        let found = entries(&h, h.planner).await;
        let on = found.iter().find(|e| e.id == carried).unwrap();
        assert_eq!(
            (on.carried_from, on.year, on.call()),
            (Some(first), 2027, "2027-1".into())
        );
        // Taken out of the draft again, the old one is open and its fact is gone.
        h.tasks.drop_entry((carried, 0), "", by).await.unwrap();
        assert!(h.roles(first).await.is_empty());
        let found = entries(&h, h.planner).await;
        let old = found.iter().find(|e| e.id == first).unwrap();
        assert_eq!(old.state, EntryState::Open);
    })
    .await;
}
