//! Several nodes at the same moment: one wins, nothing is counted twice.

use activities::{Mark, Role};
use futures::future::join_all;
use kernel::{Error, Result, Scope};
use testkit::{on_both, on_postgres};

use crate::house::{House, day, migrations, refused};

/// How many went well; the others lost to a conflict with this key.
fn winners<T: std::fmt::Debug>(results: Vec<Result<T>>, key: &str) -> usize {
    let mut won = 0;
    for result in results {
        match result {
            Ok(_) => won += 1,
            Err(e) => assert_eq!(refused::<()>(Err(e))[0].1, key),
        }
    }
    won
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_nodes_that_take_an_activity_back_one_wins() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        for round in 0..8 {
            let id = h.record(&h.session(&t, day(10, 1 + round))).await.unwrap();
            let rivals = (0..4).map(|n| {
                let node = nodes[n % 2].clone();
                tokio::spawn(async move {
                    let a = &node.activities;
                    a.reverse(id, "误录一场", &Scope::All, node.clerk).await
                })
            });
            let results = join_all(rivals).await.into_iter().map(|r| r.unwrap());
            assert_eq!(winners(results.collect(), "activity-reversed"), 1);
            assert_eq!(h.standing(id).await, []);
        }
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        h.proven().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn corrections_attendances_and_a_reversal_follow_one_another() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        for round in 0..8 {
            let id = h.record(&h.session(&t, day(10, 1 + round))).await.unwrap();
            let mut tasks = Vec::new();
            for of in &nodes {
                for role in [Role::Absent, Role::Leave] {
                    let node = of.clone();
                    tasks.push(tokio::spawn(async move {
                        let (a, person) = (&node.activities, node.people["001"]);
                        a.correct(id, person, role, &Scope::All, node.clerk).await
                    }));
                }
                let node = of.clone();
                tasks.push(tokio::spawn(async move {
                    let (a, person) = (&node.activities, node.people["003"]);
                    a.attend(id, person, Role::Present, &Scope::All, node.clerk)
                        .await
                        .map(|_| ())
                }));
            }
            let reversed = round % 2 == 0;
            if reversed {
                let node = nodes[1].clone();
                tasks.push(tokio::spawn(async move {
                    let a = &node.activities;
                    a.reverse(id, "误录一场", &Scope::All, node.clerk).await
                }));
            }
            for task in tasks {
                match task.await.unwrap() {
                    Ok(()) => {}
                    Err(Error::Conflict(m)) => {
                        let known = ["activity-reversed", "changed-meanwhile"];
                        assert!(known.contains(&m.key), "{}", m.key);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            let standing = h.standing(id).await;
            if reversed {
                assert_eq!(standing, []);
            } else {
                // Held, 001 with one part of the two, 002 on leave, 003 present once.
                assert_eq!(standing.len(), 4);
                for person in [h.people["001"], h.people["003"]] {
                    let lines = standing.iter().filter(|f| f.person == Some(person));
                    assert_eq!(lines.count(), 1);
                }
            }
            // The roster says what the facts say.
            let (_, parts) = h.activities.activity(id, &Scope::All).await.unwrap();
            for fact in standing.iter().filter(|f| f.person.is_some()) {
                let part = parts
                    .iter()
                    .find(|p| Some(p.person) == fact.person)
                    .unwrap();
                assert_eq!(fact.role.as_deref(), Some(part.role.code()));
            }
        }
        assert_eq!(h.numbers(h.bureau).await, (4, 360, 1, 4));
        h.proven().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_form_sent_to_two_nodes_is_recorded_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        for round in 0..6 {
            let new = h.session(&t, day(10, 1 + round));
            let sent = (0..4).map(|n| {
                let (node, new) = (nodes[n % 2].clone(), new.clone());
                tokio::spawn(async move { node.record(&new).await })
            });
            for result in join_all(sent).await {
                assert_eq!(result.unwrap().unwrap(), new.id);
            }
            assert_eq!(h.standing(new.id).await.len(), 3);
        }
        assert_eq!(h.numbers(h.bureau).await, (6, 540, 1, 6));
        h.proven().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_clerks_who_enter_the_same_session_enter_it_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        for round in 0..8 {
            let sent = (0..4).map(|n| {
                let node = nodes[n % 2].clone();
                // Each has a form of their own.
                let new = h.session(&t, day(10, 1 + round));
                tokio::spawn(async move { node.record(&new).await })
            });
            let results = join_all(sent).await.into_iter().map(|r| r.unwrap());
            assert_eq!(winners(results.collect(), "activity-overlaps"), 1);
        }
        assert_eq!(h.numbers(h.bureau).await, (8, 720, 1, 8));
        h.proven().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_who_come_at_once_are_all_there() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        // 64 people of the second office, each of whom signs in twice, on two nodes.
        let lines: String = (0..64)
            .map(|n| format!("S{n:02},学员{n:02},O2,,2024-01-01,\n"))
            .collect();
        let sheet = format!("工号,姓名,单位编码,职务,起始日期,截止日期\n{lines}");
        let (rows, _) = organization::read_rows("t.csv", sheet.as_bytes()).unwrap();
        h.org.import(&rows, &Scope::All, None).await.unwrap();
        let roster = h
            .org
            .roster(h.offices[1], day(11, 20), false, &Scope::All)
            .await
            .unwrap();
        let crowd: Vec<_> = roster
            .iter()
            .filter(|l| l.staff_no.starts_with('S'))
            .map(|l| l.person)
            .collect();
        assert_eq!(crowd.len(), 64);
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let nodes = [h.clone(), h.second(&t).await];
        let tasks = (0..128).map(|n| {
            let (node, person) = (nodes[n % 2].clone(), crowd[n / 2]);
            tokio::spawn(async move {
                let a = &node.activities;
                a.attend(id, person, Role::Present, &Scope::All, node.clerk)
                    .await
            })
        });
        let mut added = 0;
        for result in join_all(tasks).await {
            added += usize::from(result.unwrap().unwrap());
        }
        assert_eq!(added, 64, "each once");
        assert_eq!(h.standing(id).await.len(), 3 + 64);
        assert_eq!(h.numbers(h.offices[1]).await, (64, 64 * 90, 64, 0));
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn a_big_roster_is_one_transaction() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let lines: String = (0..1_200)
            .map(|n| format!("S{n:04},学员{n:04},O1,,2024-01-01,\n"))
            .collect();
        let sheet = format!("工号,姓名,单位编码,职务,起始日期,截止日期\n{lines}");
        let (rows, _) = organization::read_rows("t.csv", sheet.as_bytes()).unwrap();
        h.org.import(&rows, &Scope::All, None).await.unwrap();
        let roster = h
            .org
            .roster(h.offices[0], day(11, 20), false, &Scope::All)
            .await
            .unwrap();
        let mut new = h.session(&t, day(11, 20));
        new.marks = roster
            .iter()
            .map(|l| Mark {
                person: l.person,
                role: Role::Present,
            })
            .collect();
        let n = new.marks.len() as i64;
        assert!(n > 1_200);
        h.record(&new).await.unwrap();
        assert_eq!(h.numbers(h.offices[0]).await, (n, 90 * n, n, 1));
        let a = &h.activities;
        a.reverse(new.id, "误录一场", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.numbers(h.offices[0]).await, (0, 0, 0, 0));
        h.proven().await;
    })
    .await;
}
