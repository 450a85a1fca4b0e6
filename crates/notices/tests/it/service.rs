//! Sending, counting, reading, expiring.

use db::transaction;
use kernel::{AccountId, Error, PersonId, Result};
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
