//! Random samples: drawn from the ledger as it stood, repeated at any time, within one's scope.

use axum::http::StatusCode;
use kernel::{Error, Period, Scope};
use obligations::{Wanted, draw, seed_of, seed_text};
use testkit::on_both;
use web::table::Window;

use crate::house::{House, RULE, day, migrations};
use crate::pages::{app, get};

#[tokio::test]
async fn a_draw_is_repeated_whatever_came_since() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut facts = Vec::new();
        for n in 0..30 {
            facts.push(h.held(&t, h.a, day(6, 1 + n % 30)).await);
            h.held(&t, h.b, day(6, 1 + n % 30)).await;
        }
        // Out of the period.
        h.held(&t, h.a, day(7, 1)).await;
        let wanted = Wanted {
            rule: RULE.into(),
            unit: h.a,
            period: Period {
                from: day(6, 1),
                to: day(6, 30),
            },
            n: 5,
        };
        let (o, by) = (&h.obligations, t.env.new_id::<kernel::AccountId>());
        let d = o.sample(wanted.clone(), &Scope::All, by).await.unwrap();
        assert_eq!((d.records, d.picked.len()), (30, 5));
        assert_eq!(o.repeats(&d).await.unwrap(), Some(true));
        // By hand, from what is published.
        let seed = seed_of(&seed_text(d.log, d.size, &d.root, &wanted));
        assert_eq!(draw(&seed, &o.records_of(&d).await.unwrap(), 5), d.picked);
        // Later facts and reversals change nothing about it; another draw has another seed.
        h.held(&t, h.a, day(6, 15)).await;
        db::transaction!(t.db, |tx| h.ledger.reverse(tx, &facts[..10], None).await).unwrap();
        h.ledger.settle().await.unwrap();
        let kept = o.drawn(d.id, &Scope::All).await.unwrap();
        assert_eq!(kept, d);
        assert_eq!(o.repeats(&kept).await.unwrap(), Some(true));
        let next = o.sample(wanted.clone(), &Scope::All, by).await.unwrap();
        assert_eq!(next.records, 21);
        assert_ne!(next.root, d.root);
        // Somebody who changed what was drawn is found out.
        let mut forged = d.clone();
        forged.picked.reverse();
        assert_eq!(o.repeats(&forged).await.unwrap(), Some(false));
        for (wrong, field) in [
            (
                Wanted {
                    n: 0,
                    ..wanted.clone()
                },
                "n",
            ),
            (
                Wanted {
                    n: 101,
                    ..wanted.clone()
                },
                "n",
            ),
            (
                Wanted {
                    period: Period {
                        from: day(6, 2),
                        to: day(6, 1),
                    },
                    ..wanted.clone()
                },
                "to",
            ),
        ] {
            match o.sample(wrong, &Scope::All, by).await {
                Err(Error::Invalid(e)) => assert_eq!(e[0].field, field),
                other => panic!("{other:?}"),
            }
        }
        let mine = Scope::Under(vec![h.b]);
        assert!(matches!(
            o.sample(wanted, &mine, by).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(o.drawn(d.id, &mine).await, Err(Error::NotFound)));
        assert_eq!(o.draws(&mine, Window::all()).await.unwrap().1, 0);
        assert_eq!(o.draws(&Scope::All, Window::all()).await.unwrap().1, 2);
        let pages = app(&h, &t, Scope::Under(vec![h.a]));
        let path = format!("/obligations/draws?rule={RULE}&unit={}", h.a);
        let (status, page) = get(&pages, &path).await;
        assert!(
            status == StatusCode::OK && page.contains("单位A") && page.contains(&d.id.to_string()),
            "{page}"
        );
        let (status, page) = get(&pages, &format!("/obligations/draws/{}", d.id)).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for text in ["结果一致", &d.root, &d.digest] {
            assert!(page.contains(text), "{text}: {page}");
        }
        let (_, ids) = get(&pages, &format!("/obligations/draws/{}/records.txt", d.id)).await;
        assert_eq!(ids.lines().count(), 30);
        let theirs = app(&h, &t, mine);
        for path in [
            path,
            format!("/obligations/draws/{}", d.id),
            format!("/obligations/draws/{}/records.txt", d.id),
            "/obligations/draws/x".into(),
        ] {
            assert_eq!(get(&theirs, &path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    })
    .await;
}
