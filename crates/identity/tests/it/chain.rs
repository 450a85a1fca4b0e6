//! The chain of the audit trail: what is changed, taken out or slipped in is named.

use db::{Args, Db, args, transaction};
use identity::{Actor, Identity, SecuritySettings};
use testkit::{on_both, on_postgres};

use crate::{House, migrations};

async fn write(h: &House, count: usize) {
    for n in 0..count {
        let detail = serde_json::json!({ "n": n });
        let entry = Actor::default().audit("test.done", ("thing", n), detail);
        h.identity.record_now(entry).await.unwrap();
    }
}

async fn problems(h: &House) -> Vec<String> {
    h.identity.verify_audit(&[]).await.unwrap().problems
}

/// What somebody does who has the database in their hands.
async fn tamper(db: &Db, sql: &'static str, args: Args) {
    let done = transaction!(db, |tx| tx.execute(sql, args.clone()).await);
    assert!(done.unwrap() >= 1, "{sql}");
}

#[tokio::test]
async fn entries_are_linked_in_order_and_hold() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let empty = h.identity.verify_audit(&[]).await.unwrap();
        assert_eq!((empty.size, empty.problems), (0, vec![]));
        write(&h, 3).await;
        let waiting = h.identity.verify_audit(&[]).await.unwrap();
        assert_eq!((waiting.size, waiting.waiting), (0, 3));
        assert_eq!(waiting.problems, [""; 0]);
        assert_eq!(h.identity.chain_audit().await.unwrap(), 3);
        assert_eq!(h.identity.chain_audit().await.unwrap(), 0);
        let first = h.identity.verify_audit(&[]).await.unwrap();
        assert_eq!((first.size, first.entries, first.waiting), (3, 3, 0));
        write(&h, 1200).await;
        assert_eq!(h.identity.chain_audit().await.unwrap(), 1200);
        let outside = [(first.size, first.head.clone())];
        let found = h.identity.verify_audit(&outside).await.unwrap();
        assert_eq!((found.size, found.compared), (1203, 1));
        assert_eq!(found.problems, [""; 0]);
        assert_ne!(found.head, first.head);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_any_field_is_named() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        write(&h, 5).await;
        h.identity.chain_audit().await.unwrap();
        let one = "id = (SELECT entry FROM audit_link WHERE seq = 3)";
        for change in [
            "at = at + 1",
            "action = 'test.undone'",
            "object_kind = 'other'",
            "object_id = '7'",
            "detail = '{}'",
            "address = '192.0.2.9'",
            "account = id",
        ] {
            let back = change.split(' ').next().unwrap();
            let keep = format!("CREATE TABLE kept AS SELECT {back} AS v FROM audit WHERE {one}");
            let change = format!("UPDATE audit SET {change} WHERE {one}");
            let restore = format!("UPDATE audit SET {back} = (SELECT v FROM kept) WHERE {one}");
            let run = async |sql: String| {
                let done = transaction!(h.t.db, |tx| tx.execute(sql.clone(), args![]).await);
                done.unwrap();
            };
            run(keep).await;
            run(change.clone()).await;
            let found = problems(&h).await;
            assert_eq!(found.len(), 1, "{change}: {found:?}");
            assert!(found[0].contains("(number 3)"), "{found:?}");
            run(restore).await;
            run("DROP TABLE kept".to_owned()).await;
            assert_eq!(problems(&h).await, [""; 0], "{change}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_out_or_slipped_in_is_named() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        write(&h, 6).await;
        h.identity.chain_audit().await.unwrap();
        let head = h.identity.verify_audit(&[]).await.unwrap();
        let sql = "INSERT INTO audit (id, at, action, object_kind, object_id, detail, address)
            VALUES ($1, 0, 'test.done', 'thing', '1', '{}', '')";
        let stranger: kernel::Id = h.t.env.new_id();
        tamper(&h.t.db, sql, args![stranger]).await;
        assert_eq!(
            problems(&h).await,
            [format!("entry {stranger} was put in beside the chain")]
        );
        tamper(&h.t.db, "DELETE FROM audit WHERE id = $1", args![stranger]).await;

        let sql = "DELETE FROM audit WHERE id = (SELECT entry FROM audit_link WHERE seq = 2)";
        tamper(&h.t.db, sql, args![]).await;
        let found = problems(&h).await;
        assert!(found.len() == 1 && found[0].ends_with("(number 2) is missing"));
        // With its link: a gap.
        tamper(&h.t.db, "DELETE FROM audit_link WHERE seq = 2", args![]).await;
        assert_eq!(problems(&h).await, ["number 2 is missing"]);

        // The end, with the entries themselves.
        let sql = "DELETE FROM audit WHERE id IN (SELECT entry FROM audit_link WHERE seq > 4)";
        tamper(&h.t.db, sql, args![]).await;
        tamper(&h.t.db, "DELETE FROM audit_link WHERE seq > 4", args![]).await;
        let gap = "number 2 is missing";
        assert_eq!(problems(&h).await, [gap, "numbers 5 to 6 are missing"]);
        // The head as well: only who kept it outside knows.
        let sql =
            "UPDATE audit_chain SET size = 4, head = (SELECT hash FROM audit_link WHERE seq = 4)";
        tamper(&h.t.db, sql, args![]).await;
        assert_eq!(problems(&h).await, [gap]);
        let outside = [(head.size, head.head)];
        let found = h.identity.verify_audit(&outside).await.unwrap();
        assert_eq!(
            found.problems,
            [gap, "number 6, whose hash was kept outside, is missing"]
        );
        write(&h, 2).await;
        h.t.clock.advance(60);
        h.identity.chain_audit().await.unwrap();
        let found = h.identity.verify_audit(&outside).await.unwrap();
        let other = "number 6 is not the entry whose hash was kept outside";
        assert_eq!(found.problems, [gap, other]);
        // Before its second has passed.
        write(&h, 1).await;
        let sql = "DELETE FROM audit WHERE id IN (SELECT entry FROM audit_tail)";
        tamper(&h.t.db, sql, args![]).await;
        assert!(problems(&h).await[1].contains("which waits to be linked, is missing"));
        h.identity.chain_audit().await.unwrap();
        assert!(problems(&h).await[1].ends_with("(number 7) is missing"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_and_two_nodes_at_once_make_one_chain() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(t).await;
        let settings = SecuritySettings::default();
        let second = Identity::new(h.t.second().await, h.t.env.clone(), settings);
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let nodes = [h.identity.clone(), second.clone()];
        let nodes = nodes.map(|node| tokio::spawn(node.keep_chain(stopped.clone())));
        let writers = (0..4).map(|w| {
            let node = if w % 2 == 0 { &h.identity } else { &second };
            async move {
                for n in 0..40 {
                    let detail = serde_json::json!({});
                    let entry = Actor::default().audit("test.done", ("thing", n), detail);
                    node.record_now(entry).await.unwrap();
                    if n % 10 == 0 {
                        // A lost race is no error; the rounds never overlap.
                        let _ = node.chain_audit().await;
                    }
                }
            }
        });
        futures::future::join_all(writers).await;
        stop.send(true).unwrap();
        futures::future::join_all(nodes).await;
        h.t.clock.advance(60);
        h.identity.chain_audit().await.unwrap();
        let found = h.identity.verify_audit(&[]).await.unwrap();
        assert_eq!(found.problems, [""; 0]);
        assert_eq!((found.size, found.waiting), (160, 0));
    })
    .await;
}

#[tokio::test]
async fn a_node_leaves_the_chain_to_the_one_that_holds_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let settings = SecuritySettings::default();
        let second = Identity::new(h.t.db.clone(), h.t.env.clone(), settings);
        write(&h, 1).await;
        assert_eq!(h.identity.chain_audit().await.unwrap(), 1);
        write(&h, 1).await;
        assert_eq!(second.chain_audit().await.unwrap(), 0, "held");
        h.t.clock.advance(6);
        assert_eq!(second.chain_audit().await.unwrap(), 1, "the lease ran out");
        write(&h, 1).await;
        h.t.clock.advance(-3600);
        assert_eq!(h.identity.chain_audit().await.unwrap(), 1, "clock set back");
    })
    .await;
}

#[tokio::test]
async fn entries_expire_at_the_front_and_the_rest_still_holds() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let settings = SecuritySettings {
            // Fewer than the law asks for do not count.
            audit_days: 30,
            ..SecuritySettings::default()
        };
        let i = Identity::new(h.t.db.clone(), h.t.env.clone(), settings);
        write(&h, 700).await;
        i.chain_audit().await.unwrap();
        h.t.clock.advance(100 * 24 * 3600);
        write(&h, 10).await;
        i.chain_audit().await.unwrap();
        h.t.clock.advance(79 * 24 * 3600);
        assert_eq!(i.expire_audit().await.unwrap(), 0);
        h.t.clock.advance(24 * 3600 + 1);
        assert_eq!(i.expire_audit().await.unwrap(), 700, "in two chunks");
        assert_eq!(i.expire_audit().await.unwrap(), 0);
        i.chain_audit().await.unwrap();
        let found = i.verify_audit(&[]).await.unwrap();
        assert_eq!(found.problems, [""; 0]);
        assert_eq!((found.anchor, found.size, found.entries), (700, 712, 12));
        assert_eq!(
            h.actions()
                .await
                .iter()
                .filter(|a| *a == "audit.expired")
                .count(),
            2
        );
        // What is gone before its time is no expired entry.
        let sql = "DELETE FROM audit_link WHERE seq = 701";
        tamper(&h.t.db, sql, args![]).await;
        h.t.clock.advance(400 * 24 * 3600);
        assert_eq!(
            i.expire_audit().await.unwrap(),
            0,
            "stays for the verification"
        );
        assert_eq!(
            i.verify_audit(&[]).await.unwrap().problems[0],
            "number 701 is missing"
        );
    })
    .await;
}
