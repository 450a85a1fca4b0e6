//! Two nodes on one PostgreSQL, one of them killed while it seals.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use kernel::Env;

use crate::program::{PATIENCE, Server, good, open, write_facts};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_while_sealing_loses_doubles_and_delays_nothing() {
    let url = testkit::pg::server().create_database().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let args = [
        "--data",
        data.to_str().unwrap(),
        "--database-url",
        url.as_str(),
    ];
    let mut first = Server::start(&args);
    let world = open(&data, Some(url.as_str()), Env::system()).await;
    // The first node holds the lease once it has sealed something.
    write_facts(&world, 1).await.unwrap();
    let begun = Instant::now();
    while world.ledger.size().await.unwrap() == 0 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let second = Server::start(&args);

    let until = Instant::now() + Duration::from_secs(8);
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut written = Vec::new();
                while Instant::now() < until {
                    if world.ledger.admit().is_ok() {
                        written.extend(write_facts(&world, 10).await.expect("acknowledged"));
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                written
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let mut oldest = 0.0f64;
    while Instant::now() < until {
        oldest = oldest.max(world.ledger.tail().await.unwrap().1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut written = HashSet::new();
    for writer in writers {
        for id in writer.await.unwrap() {
            assert!(written.insert(id));
        }
    }
    assert!(written.len() > 300, "there was load: {}", written.len());
    let begun = Instant::now();
    loop {
        let (tail, age) = world.ledger.tail().await.unwrap();
        oldest = oldest.max(age);
        if tail == 0 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{tail} facts are not sealed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(oldest < 15.0, "a fact waited {oldest} s");
    assert_eq!(
        world.ledger.size().await.unwrap() as usize,
        written.len() + 1
    );
    let mut tx = world.db.read().await.unwrap();
    let rows = tx
        .query(
            "SELECT f.id FROM leaf l JOIN fact f ON f.id = l.fact",
            db::args![],
        )
        .await
        .unwrap();
    let sealed: HashSet<kernel::Id> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert!(written.is_subset(&sealed), "acknowledged facts are lost");
    drop(tx);
    assert!(second.stop());
    good(&[&["verify"][..], &args].concat());
}
