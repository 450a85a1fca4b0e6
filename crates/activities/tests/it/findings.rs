//! What meetings find becomes cases, once, and stays when the meeting is taken back.

use std::sync::{Arc, Mutex};

use activities::{
    Activities, Duty, DutyWay, NewDecision, NewResolution, READ, RECORD, REVERSE, Role,
};
use commons::findings::{Finder, Finding, Found, Intake};
use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{ActivityId, Id, Scope};
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

/// Somebody who keeps findings in the transaction that raised them: the same key within a source once.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Finding>>>);

const TABLE: &str = "CREATE TABLE kept (source TEXT NOT NULL, finding TEXT NOT NULL, PRIMARY KEY (source, finding))";

impl Intake for Keeper {
    fn raise<'a>(
        &'a self,
        tx: &'a mut Tx,
        finding: &'a Finding,
        _: &'a Finder,
    ) -> BoxFuture<'a, kernel::Result<Id>> {
        async move {
            let sql = "INSERT INTO kept (source, finding) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            let source = finding.source_id.to_string();
            tx.execute(sql, db::args![source, finding.key.as_str()])
                .await?;
            self.0.lock().unwrap().push(finding.clone());
            Ok(finding.source_id)
        }
        .boxed()
    }

    fn of_source<'a>(
        &'a self,
        tx: &'a mut Tx,
        kind: &'a str,
        id: Id,
    ) -> BoxFuture<'a, kernel::Result<Vec<Found>>> {
        async move {
            assert_eq!(kind, "activity");
            let sql = "SELECT finding FROM kept WHERE source = $1 ORDER BY finding";
            let rows = tx.query(sql, db::args![id.to_string()]).await?;
            let found = rows.iter().map(|row| {
                let key: String = row.get(0)?;
                Ok(Found {
                    id,
                    number: format!("问〔{}〕", key.split('/').nth(1).unwrap()),
                    href: format!("/cases/{id}"),
                    key,
                    closed: false,
                })
            });
            found.collect()
        }
        .boxed()
    }
}

async fn kept_by(h: &mut House, keeper: &Keeper) {
    let activities: Activities = h.activities.clone();
    h.activities = activities.with_intake(Arc::new(keeper.clone()));
}

async fn table(t: &TestDb) {
    db::transaction!(t.db, |tx| tx.execute(TABLE, db::args![]).await.map(|_| ())).unwrap();
}

async fn meeting(h: &House, t: &TestDb) -> ActivityId {
    let mut new = h.session(t, day(11, 20));
    (new.kind, new.host) = ("sitting".into(), h.bureau);
    new.marks = h.marks(&["001", "002", "003"].map(|no| (no, Role::Present)));
    h.record(&new).await.unwrap()
}

fn duty(h: &House, way: DutyWay) -> Duty {
    Duty {
        unit: Some(h.offices[0]),
        due: Some(day(12, 1)),
        way,
        ..Duty::default()
    }
}

fn decision(duties: Vec<Duty>) -> NewDecision {
    NewDecision {
        item: String::new(),
        title: "窗口等候时间偏长".into(),
        duties,
    }
}

#[tokio::test]
async fn a_decision_raises_a_task_or_a_problem_and_a_request_stays_a_request() {
    on_both(&migrations(), |t| async move {
        table(&t).await;
        let (mut h, keeper) = (House::new(&t).await, Keeper::default());
        let id = meeting(&h, &t).await;
        let all = Scope::All;
        let one = |way| decision(vec![duty(&h, way)]);
        let (problem, request) = (t.env.new_id(), t.env.new_id());
        // Nobody keeps cases here yet.
        let wanted = one(DutyWay::Problem);
        let refusal = h.activities.decide((id, problem), &wanted, &all, h.clerk);
        assert!(refusal.await.is_err());
        kept_by(&mut h, &keeper).await;
        let one = |way| decision(vec![duty(&h, way)]);
        for _ in 0..2 {
            h.activities
                .decide((id, problem), &one(DutyWay::Problem), &all, h.clerk)
                .await
                .unwrap();
        }
        h.activities
            .decide((id, request), &one(DutyWay::Request), &all, h.clerk)
            .await
            .unwrap();
        let nobody = decision(vec![Duty {
            way: DutyWay::Task,
            ..Duty::default()
        }]);
        let refusal = h
            .activities
            .decide((id, t.env.new_id()), &nobody, &all, h.clerk);
        assert_eq!(refused(refusal.await), why("duty-unit", "duty-case-unit"));
        {
            let kept = keeper.0.lock().unwrap();
            assert_eq!(kept.len(), 1, "sent twice it is raised once");
            let found = &kept[0];
            assert_eq!(
                (found.kind.as_str(), found.origin.as_str()),
                ("problem", "meeting")
            );
            assert_eq!((found.unit, found.from), (h.offices[0], h.bureau));
            assert!(found.detail.contains("2026-12-01"), "{}", found.detail);
            assert_eq!(found.source_href, format!("/activities/{id}"));
        }
        let (_, asked) = h.activities.decisions(id).await.unwrap();
        assert!(asked.contains_key(&request) && !asked.contains_key(&problem));
        let cases = h.activities.cases(id).await.unwrap();
        assert_eq!(cases.keys().collect::<Vec<_>>(), [&problem]);
        // A resolution that passed gives a task.
        let resolution = NewResolution {
            title: "增开一个窗口".into(),
            in_favour: 3,
            duties: vec![duty(&h, DutyWay::Task)],
            ..NewResolution::default()
        };
        let voted: Id = t.env.new_id();
        h.activities
            .resolve((id, voted), &resolution, &all, h.clerk)
            .await
            .unwrap();
        assert_eq!(keeper.0.lock().unwrap()[1].kind, "task");
        // On the page each stands with its case; when it is taken back the case stays, and the page says so.
        let grants = [READ, RECORD, REVERSE].map(|p| (p, Scope::Under(vec![h.bureau])));
        let app = App::new(&h, &t, &grants);
        let at = format!("/activities/{id}");
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("问〔problem〕") && page.contains("问〔task〕"),
            "{page}"
        );
        assert!(!page.contains("撤销后仍在台账中"));
        h.activities
            .take_decision_back((id, problem), "登记有误", &all, h.clerk)
            .await
            .unwrap();
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("撤销后仍在台账中") && page.contains("问〔problem〕"),
            "{page}"
        );
        h.activities
            .reverse(id, "重复登记", &all, h.clerk)
            .await
            .unwrap();
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("撤销后仍在台账中") && page.contains("问〔task〕"),
            "{page}"
        );
        // By the form.
        let other = meeting(&h, &t).await;
        let fields = |way: &'static str, id: String| {
            vec![
                ("id", id),
                ("decision", "清理积压件".to_owned()),
                ("duty-unit", "O1".to_owned()),
                ("duty-way", way.to_owned()),
            ]
        };
        let post = async |fields: Vec<(&'static str, String)>| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            app.post(&format!("/activities/{other}/decisions"), &fields)
                .await
        };
        let new = || t.env.new_id::<Id>().to_string();
        assert!(
            post(fields("else", new()))
                .await
                .page(422)
                .contains("没有这种交办方式")
        );
        post(fields("task", new())).await.page(303);
        assert_eq!(keeper.0.lock().unwrap()[2].title, "清理积压件");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_decide_the_same_at_once_raise_one_case() {
    on_postgres(&migrations(), |t| async move {
        table(&t).await;
        let keeper = Keeper::default();
        let mut here = House::new(&t).await;
        let mut there = here.second(&t).await;
        kept_by(&mut here, &keeper).await;
        kept_by(&mut there, &keeper).await;
        for _ in 0..6 {
            let mut new = here.session(&t, day(11, 20));
            (new.kind, new.host, new.another) = ("sitting".into(), here.bureau, true);
            new.marks = here.marks(&["001", "002", "003"].map(|no| (no, Role::Present)));
            let id = here.record(&new).await.unwrap();
            let (problem, all) = (t.env.new_id(), Scope::All);
            let new = decision(vec![duty(&here, DutyWay::Problem)]);
            let (a, b) = tokio::join!(
                here.activities
                    .decide((id, problem), &new, &all, here.clerk),
                there
                    .activities
                    .decide((id, problem), &new, &all, there.clerk),
            );
            a.unwrap();
            b.unwrap();
            let cases = here.activities.cases(id).await.unwrap();
            assert_eq!(cases[&problem].len(), 1);
            let (decisions, _) = here.activities.decisions(id).await.unwrap();
            assert_eq!(decisions.len(), 1);
        }
    })
    .await;
}
