//! Two nodes at once: nothing is recognised twice, nothing is entered twice.

use hours::{Hours, Verdict};
use kernel::{Calendar, Scope};
use ledger::Ledger;
use organization::Organization;
use testkit::on_both;

use crate::house::{House, class, migrations};

#[tokio::test]
async fn two_who_review_or_enter_at_once_make_one() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let db = t.second().await;
        let ledger = Ledger::open(db.clone(), t.env.clone()).await.unwrap();
        let other = Hours::new(
            (db.clone(), t.env.clone()),
            ledger,
            Organization::new(db, t.env.clone()),
            crate::packs::product(),
            Calendar::default(),
            h.files.clone(),
        );
        let all = Scope::All;
        for n in 0..5 {
            let title = format!("培训班 {n}");
            let one = h.new_record(&t, "001", class(&title)).await;
            let two = h.new_record(&t, "001", class(&title)).await;
            let (a, b) = tokio::join!(
                h.hours.enter(&one, &all, None, h.clerk),
                other.enter(&two, &all, None, h.clerk),
            );
            assert_eq!(
                usize::from(a.is_ok()) + usize::from(b.is_ok()),
                1,
                "{a:?} {b:?}"
            );
            let id = a.or(b).unwrap();
            let third = t.env.new_id();
            let picks = [(id, 1)];
            let (a, b) = tokio::join!(
                h.hours.review(&picks, Verdict::Accept, &all, h.leader),
                other.review(
                    &picks,
                    Verdict::Recognise(10_000, 1_000),
                    &all,
                    kernel::AccountId(third)
                ),
            );
            let done = [a.unwrap(), b.unwrap()];
            let done = done.iter().flatten().filter(|o| o.refused.is_none());
            assert_eq!(done.count(), 1);
            assert_eq!(h.standing_facts(id).await.len(), 1);
        }
    })
    .await;
}
