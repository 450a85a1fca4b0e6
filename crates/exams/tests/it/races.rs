//! Two nodes, two tabs, many at once.

use exams::Proof;
use testkit::{on_both, on_postgres};

use crate::house::{House, choices, given, migrations, right};

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_begin_one_attempt_and_hand_it_in_once() {
    on_postgres(&migrations(), async |t| {
        let house = House::new(&t).await;
        let other = house.on_another(&t).await;
        for ticket in &house.tickets {
            let (here, there) = tokio::join!(
                house.exams.begin(house.exam, ticket, "hall"),
                other.begin(house.exam, ticket, "hall"),
            );
            // Who was second is asked to come again, and goes on with the same.
            let begun = [here, there].into_iter().find_map(Result::ok).unwrap();
            let again = other.begin(house.exam, ticket, "hall").await.unwrap();
            assert_eq!((again.attempt, again.number), (begun.attempt, 1));
            let token = Proof::Token(begun.token);
            let item = choices(&begun.items).next().unwrap();
            let answers: Vec<_> = (1..=20)
                .map(|seq| [given(item, seq, right(item))])
                .collect();
            let saves = answers.iter().enumerate().map(|(n, answer)| match n % 2 {
                0 => house.exams.save(begun.attempt, &token, answer),
                _ => other.save(begun.attempt, &token, answer),
            });
            let (saved, one, two) = tokio::join!(
                futures::future::join_all(saves),
                house.exams.submit(begun.attempt, &token),
                other.submit(begun.attempt, &token),
            );
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_eq!(one, two, "one receipt");
            assert!(
                house
                    .exams
                    .check_receipt(begun.attempt, &one.hash)
                    .await
                    .unwrap(),
                "nothing came after it"
            );
            let acknowledged = saved.iter().filter(|s| s.is_ok()).count();
            assert_eq!(
                one.answered,
                i64::from(acknowledged > 0),
                "what was acknowledged is in it"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_were_told_is_saved_is_there() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let names: Vec<String> = (0..60).map(|n| format!("考生{n}")).collect();
        let issued = house
            .exams
            .issue(house.exam, &names, &kernel::Scope::All, house.by)
            .await
            .unwrap();
        let sit = async |ticket: String| {
            let proof = Proof::Ticket(ticket);
            let begun = house.exams.begin(house.exam, &proof, "").await.unwrap();
            let token = Proof::Token(begun.token);
            for (n, item) in choices(&begun.items).enumerate() {
                let answer = [given(item, n as i64 + 1, right(item))];
                house
                    .exams
                    .save(begun.attempt, &token, &answer)
                    .await
                    .unwrap();
            }
            let receipt = house.exams.submit(begun.attempt, &token).await.unwrap();
            assert_eq!(receipt.answered, 5);
            let result = house.exams.result(begun.attempt, &token).await.unwrap();
            assert_eq!(result.points, Some((10_000, 30_000, Some(true))));
        };
        futures::future::join_all(issued.into_iter().map(|i| sit(i.ticket))).await;
    })
    .await;
}
