//! Several nodes at the same moment: one wins, nothing is counted twice.

use futures::future::join_all;
use kernel::Scope;
use registers::{Given, Verdict};
use testkit::on_postgres;

use crate::house::{House, migrations, refused, values, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_reviewers_one_decides() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        for round in 0..8 {
            let title = format!("先进集体 {round}");
            let new = h.new_entry(&t, "honours", &title, with(&[("level", "national")]));
            let id = h.record(&new).await.unwrap();
            let rivals = (0..4).map(|n| {
                let (node, by) = (nodes[n % 2].clone(), t.env.new_id::<kernel::AccountId>());
                tokio::spawn(async move {
                    let verdict = match n {
                        3 => Verdict::Return("级别有误"),
                        _ => Verdict::Accept,
                    };
                    let outcomes = node.book.review(&[(id, 1)], verdict, &Scope::All, by).await;
                    let refused = outcomes.unwrap()[0].refused.clone();
                    (verdict == Verdict::Accept, refused)
                })
            });
            let results: Vec<_> = join_all(rivals)
                .await
                .into_iter()
                .map(|r| r.unwrap())
                .collect();
            let won: Vec<_> = results
                .iter()
                .filter(|(_, refused)| refused.is_none())
                .collect();
            assert_eq!(won.len(), 1, "{results:?}");
            let facts = h.facts(id).await.len();
            assert_eq!(facts, usize::from(won[0].0), "counted once, or not at all");
        }
        h.ledger.settle().await.unwrap();
        let report = ledger::verify(&h.db, &[]).await.unwrap();
        assert_eq!(report.problems, [] as [String; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn corrections_closings_and_a_reversal_follow_one_another() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        for round in 0..8 {
            let title = format!("纠纷 {round}");
            let new = h.new_entry(&t, "disputes", &title, with(&[("count", "3")]));
            let id = h.record(&new).await.unwrap();
            let mut tasks = Vec::new();
            for (n, node) in nodes.iter().enumerate() {
                let (one, two) = (node.clone(), node.clone());
                let count = (n + 5).to_string();
                let given = Given {
                    values: values(&[("count", &count)]),
                    ..new.given.clone()
                };
                tasks.push(tokio::spawn(async move {
                    one.book
                        .correct(id, 1, &given, "数字有误", &Scope::All, one.clerk)
                        .await
                }));
                tasks.push(tokio::spawn(async move {
                    two.book
                        .close(id, "2026-11-19", "已调解", &Scope::All, two.clerk)
                        .await
                }));
            }
            let reversed = round % 2 == 0;
            if reversed {
                let node = nodes[1].clone();
                tasks.push(tokio::spawn(async move {
                    node.book
                        .reverse(id, "误登一条", &Scope::All, node.leader)
                        .await
                }));
            }
            let mut reversal = None;
            for (n, task) in tasks.into_iter().enumerate() {
                let result = task.await.unwrap();
                if n == 4 {
                    reversal = Some(result.is_ok());
                }
                if let Err(e) = result {
                    let key = refused::<()>(Err(e))[0].1;
                    let known = [
                        "register-changed-meanwhile",
                        "register-reversed",
                        "register-not-to-close",
                    ];
                    assert!(known.contains(&key), "{key}");
                }
            }
            let facts = h.facts(id).await;
            if reversal == Some(true) {
                assert_eq!(facts, [], "round {round}");
            } else {
                let of = |kind: &str| facts.iter().filter(|f| f.0 == kind).count();
                assert_eq!(
                    (of("entry"), of("entry-closed")),
                    (1, 1),
                    "round {round}: {facts:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_alike_that_come_at_once_one_is_asked_about() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        for round in 0..6 {
            let title = format!("同一件事 {round}");
            let rivals = nodes.iter().map(|node| {
                let node = node.clone();
                let new = node.new_entry(&t, "disputes", &title, with(&[("count", "3")]));
                tokio::spawn(async move { node.record(&new).await })
            });
            let results = join_all(rivals).await.into_iter().map(|r| r.unwrap());
            let won = results.filter(Result::is_ok).count();
            assert_eq!(won, 1);
        }
    })
    .await;
}
