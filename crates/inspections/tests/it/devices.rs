//! Two devices on one form: nothing that was acknowledged is lost, and somebody chooses where they differ.

use commons::forms::Value;
use inspections::{Put, mark};
use kernel::{Id, Scope};
use testkit::{on_both, on_postgres};

use crate::filling::{put, running};
use crate::house::{App, House, migrations, refused};

fn saw(put: Put, seen: &str) -> Put {
    Put {
        seen: Some(seen.into()),
        ..put
    }
}

fn times(seq: i64, n: &str, seen: &str) -> Put {
    saw(put(seq, "times", &[("v-times", n)]), seen)
}

async fn stands(h: &House, task: Id) -> (Value, String) {
    let s = h.room.standing(task, &h.inspector.bare()).await.unwrap();
    let answer = &s.filled.answers["times"];
    (answer.value.clone(), mark(Some(answer), ""))
}

#[tokio::test]
async fn lost_offline_entries_what_another_device_answered_meanwhile_is_kept_beside() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let eyes = h.inspector.bare();
        let send = async |device: &str, put: Put| h.room.put(task, device, &[put], &eyes).await;
        // Both saw the empty form; the second comes from a cellar, hours later.
        let first = send("one", times(1, "5", "-")).await.unwrap();
        assert_eq!((first.rivals.len(), first.seq), (0, 1));
        let second = send("two", times(1, "3", "-")).await.unwrap();
        assert_eq!((second.rivals, second.seq), (vec!["times".to_owned()], 1));
        let (value, seen) = stands(&h, task).await;
        assert_eq!(value, Value::Number(5));
        assert_eq!(first.marks["times"], seen);
        // The same again, and who saw what stands, are no rivals; nor is a device of its own earlier answer.
        assert_eq!(
            send("three", times(1, "5", "-")).await.unwrap().rivals,
            [""; 0]
        );
        assert_eq!(
            send("one", times(2, "6", "-")).await.unwrap().rivals,
            [""; 0]
        );
        let (_, seen) = stands(&h, task).await;
        assert_eq!(
            send("four", times(1, "7", &seen)).await.unwrap().rivals,
            [""; 0]
        );
        // A form without script sends what nobody touched as well.
        let before = stands(&h, task).await;
        let plain = send("", times(0, "7", &seen)).await.unwrap();
        assert_eq!((plain.rivals.len(), stands(&h, task).await), (0, before));
        // It is not handed in while nobody chose, by others than who fills it in neither.
        let plan = [put(2, "plan", &[("v-plan", "yes")])];
        h.room.put(task, "two", &plan, &eyes).await.unwrap();
        let actor = h.inspector.actor();
        let hand = async || {
            h.room
                .hand_in(task, 0, &[], (None, ""), &eyes, &actor)
                .await
        };
        let told = refused(hand().await);
        assert_eq!(told, [("v-times".to_owned(), "inspection-rival-open")]);
        let stranger = h.moved.bare();
        let choose = h.room.choose((task, "times"), None, &stranger, &actor);
        assert_eq!(refused(choose.await)[0].1, "not-found");
        // On the page it is said, and chosen.
        let app = App::new(
            &h,
            &t,
            h.inspector,
            &[(inspections::READ, Scope::nothing())],
        );
        let at = format!("/inspections/tasks/{task}");
        let page = app.get(&format!("{at}/fill")).await.page(200);
        assert!(
            page.contains("人员005在另一台设备上") && page.contains("<b>3</b>"),
            "{page}"
        );
        let choice = [("item", "times"), ("device", "two"), ("take", "other")];
        let led = app.post(&format!("{at}/rivals"), &choice).await.taken();
        assert_eq!(led, format!("{at}/fill?section=held"));
        assert_eq!(stands(&h, task).await.0, Value::Number(3));
        assert_eq!(h.audited("inspection.chosen").await, 1);
        assert!(
            !app.get(&format!("{at}/fill"))
                .await
                .page(200)
                .contains("另一台设备上")
        );
        assert_eq!(app.post(&format!("{at}/rivals"), &choice).await.status, 404);
        hand().await.unwrap();
        // A remark without an answer is told, not swallowed.
        let alone = put(9, "plan", &[("n-plan", "找不到")]);
        let taken = h.room.put(task, "two", &[alone], &eyes).await.unwrap();
        assert_eq!(taken.faults[0].message.key, "inspection-note-alone");
    })
    .await;
}

#[tokio::test]
async fn two_devices_at_once_on_two_nodes_keep_both_answers() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let other = h.second(&t).await;
        let (_, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let eyes = h.inspector.bare();
        let actor = h.inspector.actor();
        let mut seen = "-".to_owned();
        for round in 1..=8 {
            let (a, b) = (format!("{}", round * 10), format!("{}", round * 10 + 1));
            let (one, two) = ([times(round, &a, &seen)], [times(round, &b, &seen)]);
            let names = (format!("a{round}"), format!("b{round}"));
            let (x, y) = tokio::join!(
                h.room.put(task, &names.0, &one, &eyes),
                other.room.put(task, &names.1, &two, &eyes),
            );
            let (x, y) = (x.unwrap(), y.unwrap());
            assert_eq!(
                x.rivals.len() + y.rivals.len(),
                1,
                "one stands, the other is beside it"
            );
            let beside = if x.rivals.is_empty() {
                &names.1
            } else {
                &names.0
            };
            let before = stands(&h, task).await.0;
            h.room
                .choose((task, "times"), Some(beside), &eyes, &actor)
                .await
                .unwrap();
            let (after, now) = stands(&h, task).await;
            assert_ne!(before, after);
            seen = now;
        }
    })
    .await;
}
