//! Pairings and lines of responsibility: made, ended, listed, walked up.

use axum::http::StatusCode;
use kernel::{Date, Scope};
use organization::{By, End, MIGRATIONS, NewTie, Organization, RESPONSIBILITY, TieQuery};
use testkit::on_both;

use crate::pages::{App, FORM, house, kinds};
use crate::{day, key};

async fn tie(
    org: &Organization,
    kind: &str,
    (who, end): (&str, &str),
    from: Date,
    scope: &Scope,
) -> kernel::Result<kernel::Id> {
    let new = NewTie {
        kind: kind.into(),
        staff_no: who.into(),
        end: end.into(),
        basis: " 澜司〔2026〕1号 ".into(),
        ..NewTie::default()
    };
    org.tie(&kinds(), &new, from, By::default(), scope).await
}

#[tokio::test]
async fn ties_hold_between_their_days() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, c, d]) = house(&t).await;
        let (org, all) = (&app.org, Scope::All);
        let make = async |kind: &str, ends, from| tie(org, kind, ends, from, &all).await;
        // 001 serves in b, 002 in c until the end of June, 003 in d.
        let first = make("contact-point", ("001", "c"), day(2, 1))
            .await
            .unwrap();
        for (kind, ends, from, wrong) in [
            ("circus", ("001", "c"), day(2, 1), "pairing-kind-unknown"),
            (
                "contact-point",
                ("001", "c"),
                day(3, 1),
                "pairing-there-already",
            ),
            (
                "contact-point",
                ("zzz", "c"),
                day(3, 1),
                "body-person-unknown",
            ),
            (
                "contact-point",
                ("001", "zzz"),
                day(3, 1),
                "organization-code-unknown",
            ),
            (
                "contact-point",
                ("002", "d"),
                day(7, 1),
                "pairing-not-serving",
            ),
            (
                "mentoring",
                ("001", "001"),
                day(3, 1),
                "pairing-with-oneself",
            ),
            (
                "mentoring",
                ("001", "002"),
                day(7, 1),
                "body-person-unknown",
            ),
        ] {
            assert_eq!(key(make(kind, ends, from).await), wrong, "{kind} {ends:?}");
        }
        let end = async |id, last| org.untie(id, last, By::default(), &all).await;
        assert_eq!(
            key(end(first, day(1, 31)).await),
            "organization-ends-before"
        );
        end(first, day(4, 30)).await.unwrap();
        assert_eq!(key(end(first, day(5, 1)).await), "pairing-has-ended");
        make("contact-point", ("001", "c"), day(5, 1))
            .await
            .unwrap();
        make("mentoring", ("001", "003"), day(5, 1)).await.unwrap();
        let on = async |day, unit| {
            let asked = TieQuery {
                day: Some(day),
                unit,
                ..TieQuery::default()
            };
            let found = org.ties(&asked, &all).await.unwrap();
            found.iter().map(|t| t.end_name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(on(day(4, 30), None).await, ["单位c"]);
        assert_eq!(on(day(1, 31), None).await, Vec::<String>::new());
        assert_eq!(on(day(5, 1), None).await, ["单位c", "丙某"]);
        assert_eq!(on(day(5, 1), Some(d)).await, ["丙某"]);
        // Seen from d only what has an end there; made only by who has the second end.
        let theirs = Scope::Under(vec![d]);
        let asked = TieQuery::default();
        assert_eq!(org.ties(&asked, &theirs).await.unwrap().len(), 1);
        assert_eq!(org.ties(&asked, &Scope::nothing()).await.unwrap().len(), 0);
        let outside = tie(org, "contact-point", ("003", "b"), day(5, 1), &theirs).await;
        assert_eq!(key(outside), "organization-code-unknown");
        tie(org, "contact-point", ("001", "d"), day(5, 1), &theirs)
            .await
            .unwrap();
        let held = org.ties_of(End::Unit(c)).await.unwrap();
        let ended = org
            .untie(held[1].id, day(6, 1), By::default(), &theirs)
            .await;
        assert_eq!(key(ended), "not-found");
        assert_eq!(held[0].basis, "澜司〔2026〕1号");
        // The pack says that a mentor has three at most.
        for (n, no) in ["101", "102", "103"].into_iter().enumerate() {
            let new = organization::NewPerson {
                staff_no: no.into(),
                name: format!("新人{n}"),
                assignment: organization::NewAssignment {
                    unit: d,
                    post: String::new(),
                    from: day(1, 1),
                    to: None,
                    primary: true,
                    nature: Default::default(),
                },
            };
            org.add_person(&new, None, &all).await.unwrap();
        }
        make("mentoring", ("001", "101"), day(5, 1)).await.unwrap();
        make("mentoring", ("001", "102"), day(5, 1)).await.unwrap();
        assert_eq!(
            key(make("mentoring", ("001", "103"), day(5, 1)).await),
            "pairing-too-many"
        );

        // Who is in charge: of the unit, or of the nearest above.
        let line = make(RESPONSIBILITY, ("001", "a"), day(2, 1)).await.unwrap();
        make(RESPONSIBILITY, ("003", "b"), day(6, 1)).await.unwrap();
        let in_charge = async |unit, date| {
            let mut tx = t.db.read().await.unwrap();
            let found = Organization::in_charge(&mut tx, unit, date).await.unwrap();
            drop(tx);
            let names = org.person_names(&found).await.unwrap();
            found.iter().map(|p| names[p].clone()).collect::<Vec<_>>()
        };
        assert_eq!(in_charge(c, day(1, 31)).await, Vec::<String>::new());
        assert_eq!(in_charge(c, day(5, 31)).await, ["甲某"]);
        assert_eq!(in_charge(c, day(6, 1)).await, ["丙某"]);
        assert_eq!(in_charge(d, day(6, 1)).await, ["甲某"]);
        org.untie(line, day(6, 30), By::default(), &all)
            .await
            .unwrap();
        assert_eq!(in_charge(a, day(6, 30)).await, ["甲某"]);
        assert_eq!(in_charge(a, day(7, 1)).await, Vec::<String>::new());
        assert_eq!(in_charge(b, day(7, 1)).await, ["丙某"]);
    })
    .await;
}

#[tokio::test]
async fn pairings_and_responsibility_have_pages() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, c, d]) = house(&t).await;
        let post = async |app: &App, path: &str, body: &str| {
            app.post(path, FORM, body.as_bytes().to_vec()).await
        };
        let (_, page) = app.get("/pairings").await;
        assert!(
            page.contains("没有结对记录") && page.contains("师徒结对"),
            "{page}"
        );
        let (status, page) = post(
            &app,
            "/pairings",
            "kind=contact-point&staff_no=zz&end=c&from=2026-02-01",
        )
        .await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("value=\"zz\""),
            "{page}"
        );
        let good = "kind=contact-point&staff_no=001&end=c&from=2026-02-01&basis=%3Ci%3E";
        assert_eq!(post(&app, "/pairings", good).await.0, StatusCode::SEE_OTHER);
        let sneaky = "kind=responsibility&staff_no=001&end=c&from=2026-02-01";
        assert_eq!(
            post(&app, "/pairings", sneaky).await.0,
            StatusCode::NOT_FOUND
        );
        let (_, page) = app
            .get("/pairings?kind=contact-point&unit=c&date=2026-03-01")
            .await;
        assert!(
            page.contains("甲某") && page.contains("&lt;i&gt;"),
            "{page}"
        );
        let (_, none) = app.get("/pairings?date=2026-01-31").await;
        assert!(!none.contains("<b>甲某</b>"), "{none}");
        let (status, page) = app.get("/pairings?unit=zz").await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("zz"),
            "{page}"
        );
        assert!(
            !app.file("/pairings/list.xlsx?kind=&unit=&date=")
                .await
                .is_empty()
        );
        let held = app.org.ties_of(End::Unit(c)).await.unwrap();
        let (_, person) = app
            .get(&format!("/organization/people/{}", held[0].person))
            .await;
        assert!(person.contains("联系点：单位c"), "{person}");
        let (_, unit) = app.get(&format!("/organization/units/{c}")).await;
        assert!(unit.contains("联系点：甲某"), "{unit}");
        let body = format!("tie={}&last=2026-01-01", held[0].id);
        let (status, page) = post(&app, "/pairings/end", &body).await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("早于"),
            "{page}"
        );
        let body = format!("tie={}&last=2026-03-31", held[0].id);
        let theirs = App::new(&t, Scope::Under(vec![d]));
        assert_eq!(
            post(&theirs, "/pairings/end", &body).await.0,
            StatusCode::NOT_FOUND
        );
        let (_, page) = theirs.get("/pairings").await;
        assert!(!page.contains("甲某"), "{page}");
        assert_eq!(
            post(&app, "/pairings/end", &body).await.0,
            StatusCode::SEE_OTHER
        );

        let place = format!("/organization/responsibility?unit={a}");
        let (_, page) = app.get(&place).await;
        assert!(page.contains("当天没有分管记录"), "{page}");
        for (who, what) in [("001", "b"), ("001", "d"), ("003", "d")] {
            let body = format!("staff_no={who}&end={what}&from=2026-02-01");
            assert_eq!(post(&app, &place, &body).await.0, StatusCode::SEE_OTHER);
        }
        let (status, page) = post(&app, &place, "staff_no=001&end=b&from=2026-03-01").await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("2026-02-01"),
            "{page}"
        );
        let (_, page) = app.get(&format!("{place}&date=2026-02-01")).await;
        assert_eq!(page.matches('✓').count(), 3, "{page}");
        let (_, page) = app.get(&format!("{place}&date=2026-01-31")).await;
        assert_eq!(page.matches('✓').count(), 0, "{page}");
        let (_, unit) = app.get(&format!("/organization/units/{b}")).await;
        assert!(unit.contains("分管：甲某"), "{unit}");
        let held = app.org.ties_of(End::Unit(b)).await.unwrap();
        let body = format!("tie={}&last=2026-03-31", held[0].id);
        let end = format!("/organization/responsibility/end?unit={a}");
        assert_eq!(post(&app, &end, &body).await.0, StatusCode::SEE_OTHER);
        let (_, page) = app.get(&place).await;
        assert_eq!(page.matches('✓').count(), 2, "{page}");
        assert_eq!(theirs.get(&place).await.0, StatusCode::NOT_FOUND);
        let (_, page) = theirs.get("/organization/responsibility").await;
        assert_eq!(page.matches('✓').count(), 2, "{page}");
    })
    .await;
}
