//! Sending, counting, reading, expiring.

use db::transaction;
use kernel::{AccountId, Error, Msg, PersonId, Result};
use notices::{MIGRATIONS, Reader};
use testkit::on_both;

use crate::{Book, notice, notices};

#[tokio::test]
async fn a_notice_is_sent_once_with_its_transaction_and_read_by_its_reader() {
    on_both(MIGRATIONS, |t| async move {
        let notices = notices(&t, &Book::default());
        let (a, b): (PersonId, PersonId) = (t.env.new_id(), t.env.new_id());
        let (a, b) = (Reader::Person(a), Reader::Person(b));
        let admin = Reader::Account(t.env.new_id::<AccountId>());
        let send = async |to: &[Reader], dedupe: Option<&str>| {
            transaction!(t.db, |tx| notices.send(tx, to, &notice(dedupe)).await).unwrap();
        };
        send(&[a, b], Some("x")).await;
        send(&[a, admin], Some("x")).await;
        send(&[a], None).await;
        send(&[a], None).await;
        let failed: Result<()> = transaction!(t.db, |tx| {
            notices.send(tx, &[a], &notice(None)).await?;
            Err(Error::NotFound)
        });
        failed.unwrap_err();
        assert_eq!(
            notices.unread(&[a]).await.unwrap(),
            3,
            "nothing that was not committed"
        );
        assert_eq!(notices.unread(&[b, admin]).await.unwrap(), 2);

        let all = notices.list(&[a], false, None, 10).await.unwrap();
        assert!(all.is_sorted_by(|x, y| x.id > y.id), "newest first");
        let page = notices.list(&[a], false, None, 2).await.unwrap();
        assert_eq!(page, all[..2]);
        let rest = notices
            .list(&[a], false, Some(page[1].id), 2)
            .await
            .unwrap();
        assert_eq!(rest, all[2..]);

        let theirs = notices.open(&[b], all[0].id).await;
        assert!(matches!(theirs, Err(Error::NotFound)));
        let opened = notices.open(&[a], all[0].id).await.unwrap();
        assert_eq!(
            (opened.href.as_str(), opened.key.as_str()),
            ("/approvals/1", "notices-mail-many")
        );
        assert_eq!(opened.args, [("count".to_owned(), "7".to_owned())]);
        let unread = notices.list(&[a], true, None, 10).await.unwrap();
        assert_eq!(unread, all[1..]);
        assert_eq!(notices.read_all(&[a]).await.unwrap(), 2);
        assert_eq!(notices.read_all(&[a]).await.unwrap(), 0);
        assert_eq!(notices.unread(&[b]).await.unwrap(), 1, "others' stay");

        t.clock.advance(179 * 86_400);
        send(&[b], None).await;
        assert_eq!(notices.expire().await.unwrap(), 0);
        t.clock.advance(2 * 86_400);
        assert_eq!(notices.expire().await.unwrap(), 5);
        assert_eq!(
            notices
                .list(&[a, b, admin], false, None, 9)
                .await
                .unwrap()
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_erased_is_named_no_more_and_was_told_nothing() {
    on_both(MIGRATIONS, |t| async move {
        let notices = notices(&t, &Book::default());
        let (gone, other) = (t.env.new_id::<PersonId>(), t.env.new_id::<PersonId>());
        let name = "林\"100%_\\晓";
        let told = |said: &str| {
            let mut told = notice(None);
            told.message = Msg::new("notices-mail-many").with("count", said);
            told
        };
        transaction!(t.db, |tx| {
            let both = [Reader::Person(gone), Reader::Person(other)];
            notices.send(tx, &both, &told(name)).await?;
            notices
                .send(tx, &both, &told(&format!("{name}的申请")))
                .await?;
            notices.send(tx, &both, &told("林\"1000_\\晓")).await
        })
        .unwrap();
        let changed = transaction!(t.db, |tx| notices.erase(tx, gone, name).await).unwrap();
        assert_eq!(changed, 2);
        let list = |of: PersonId| {
            let notices = notices.clone();
            async move {
                notices
                    .list(&[Reader::Person(of)], false, None, 9)
                    .await
                    .unwrap()
            }
        };
        assert!(list(gone).await.is_empty());
        let said: Vec<String> = list(other)
            .await
            .into_iter()
            .map(|n| n.args[0].1.clone())
            .collect();
        assert_eq!(said, ["林\"1000_\\晓", "***的申请", "***"]);
        let again = transaction!(t.db, |tx| notices.erase(tx, gone, "").await).unwrap();
        assert_eq!(again, 0);
    })
    .await;
}
