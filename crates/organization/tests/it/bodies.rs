//! Bodies and their members, with what they were before.

use axum::http::StatusCode;
use kernel::{Date, Scope};
use organization::{Body, By, MIGRATIONS};
use testkit::on_both;

use crate::pages::{App, FORM, house, kinds};
use crate::{day, key};

#[tokio::test]
async fn members_come_change_roles_and_leave() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, _, d]) = house(&t).await;
        let (org, list, all, by) = (&app.org, kinds(), Scope::All, By::default());
        let branch = Body {
            id: t.env.new_id(),
            kind: "party-branch".into(),
            name: " 机关第一党支部 ".into(),
            unit: b,
            charter: String::new(),
            from: day(1, 1),
            to: None,
        };
        let keep = async |body: &Body, scope: &Scope| {
            org.keep_body(&list, body, By::default(), scope).await
        };
        keep(&branch, &all).await.unwrap();
        assert_eq!(org.bodies(&all).await.unwrap()[0].name, "机关第一党支部");
        let theirs = Scope::Under(vec![d]);
        assert_eq!(key(org.body(branch.id, &theirs).await), "not-found");
        assert_eq!(key(keep(&branch, &theirs).await), "not-found");
        let stolen = Body {
            unit: d,
            ..branch.clone()
        };
        assert_eq!(
            key(keep(&stolen, &theirs).await),
            "not-found",
            "not even by moving it"
        );
        for (change, message) in [
            (
                Body {
                    name: " ".into(),
                    ..branch.clone()
                },
                "organization-empty",
            ),
            (
                Body {
                    kind: "circus".into(),
                    ..branch.clone()
                },
                "body-kind-unknown",
            ),
            (
                Body {
                    kind: "party-group".into(),
                    ..branch.clone()
                },
                "body-kind-stays",
            ),
            (
                Body {
                    to: Some(day(1, 1).yesterday().unwrap()),
                    ..branch.clone()
                },
                "organization-ends-before",
            ),
        ] {
            assert_eq!(key(keep(&change, &all).await), message);
        }

        let join = async |no: &str, role: &str, from: Date| {
            org.join(&list, branch.id, no, role, from, by.clone(), &all)
                .await
        };
        join("001", "member", day(2, 1)).await.unwrap();
        // Somebody of a unit elsewhere belongs to it too.
        join("003", "secretary", day(2, 1)).await.unwrap();
        join("001", "member", day(3, 1)).await.unwrap();
        join("001", "organisation", day(5, 1)).await.unwrap();
        assert_eq!(
            key(join("001", "secretary", day(4, 1)).await),
            "organization-overlap"
        );
        assert_eq!(
            key(join("001", "secretary", day(5, 1)).await),
            "organization-overlap"
        );
        assert_eq!(
            key(join("zzz", "member", day(4, 1)).await),
            "body-person-unknown"
        );
        assert_eq!(
            key(join("001", "king", day(6, 1)).await),
            "body-role-unknown"
        );
        let long_ago = Date::constant(2025, 12, 31);
        assert_eq!(
            key(join("002", "member", long_ago).await),
            "organization-not-standing"
        );
        let (_, members) = org.body(branch.id, &all).await.unwrap();
        let on = |date: Date| -> Vec<&str> {
            let there = members.iter().filter(|m| m.covers(date));
            there.map(|m| m.role.as_str()).collect()
        };
        assert_eq!(on(day(1, 31)), Vec::<&str>::new());
        assert_eq!(on(day(4, 30)), ["member", "secretary"]);
        assert_eq!(on(day(5, 1)), ["secretary", "organisation"]);

        let secretary = members.iter().find(|m| m.role == "secretary").unwrap();
        let leave = async |last| {
            org.leave(branch.id, secretary.id, last, By::default(), &all)
                .await
        };
        assert_eq!(key(leave(day(1, 31)).await), "organization-ends-before");
        leave(day(6, 30)).await.unwrap();
        assert_eq!(key(leave(day(7, 1)).await), "body-has-left");
        let left = org.memberships(secretary.person).await.unwrap();
        assert_eq!((left[0].0.to, left[0].1.id), (Some(day(6, 30)), branch.id));
        join("003", "member", day(7, 1)).await.unwrap();
        assert_eq!(org.memberships(secretary.person).await.unwrap().len(), 2);
        let ends = |to| Body {
            to: Some(to),
            ..branch.clone()
        };
        assert_eq!(key(keep(&ends(day(6, 15)), &all).await), "body-has-members");
        keep(&ends(day(9, 30)), &all).await.unwrap();
        let (_, members) = org.body(branch.id, &all).await.unwrap();
        assert!(
            members
                .iter()
                .all(|m| m.to.is_some_and(|to| to <= day(9, 30)))
        );
    })
    .await;
}

#[tokio::test]
async fn a_body_is_made_and_filled_on_its_pages() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, _, d]) = house(&t).await;
        let (_, page) = app.get("/bodies/new").await;
        let id = page.split("name=\"id\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap();
        let post =
            async |path: &str, body: &str| app.post(path, FORM, body.as_bytes().to_vec()).await;
        let (status, page) = post(
            "/bodies",
            &format!("id={id}&kind=task-force&name=&owner_code=zz&from=x"),
        )
        .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        let good =
            format!("id={id}&kind=task-force&name=%3Ci%3E&owner_code=b&from=2026-01-01&charter=x");
        assert_eq!(post("/bodies", &good).await.0, StatusCode::SEE_OTHER);
        let join = format!("/bodies/{id}/join");
        let (status, page) = post(&join, "staff_no=zzz&role=head&from=2026-02-01").await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("没有工号为“zzz”"),
            "{page}"
        );
        assert_eq!(
            post(&join, "staff_no=001&role=member&from=2026-02-01")
                .await
                .0,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            post(&join, "staff_no=003&role=head&from=2026-03-01")
                .await
                .0,
            StatusCode::SEE_OTHER
        );
        let (_, page) = app.get(&format!("/bodies/{id}")).await;
        let (head, member) = (page.find("组长").unwrap(), page.find("<b>甲某").unwrap());
        assert!(
            page.contains("&lt;i&gt;") && page.contains("2 人"),
            "{page}"
        );
        assert!(
            page.find("<b>丙某").unwrap() < member && head > 0,
            "the head comes first"
        );
        let (_, early) = app.get(&format!("/bodies/{id}?date=2026-02-15")).await;
        assert!(early.contains("1 人"), "{early}");
        let value = page.split("<option value=\"").nth(4).unwrap_or_default();
        assert!(!value.is_empty());
        let roster = app
            .org
            .roster(d, day(11, 20), false, &Scope::All)
            .await
            .unwrap();
        let (_, person) = app
            .get(&format!("/organization/people/{}", roster[0].person))
            .await;
        assert!(
            person.contains("&lt;i&gt; · 组长"),
            "on the timeline of the person: {person}"
        );
        let (_, list) = app.get("/bodies?kind=party-branch").await;
        assert!(!list.contains(id), "{list}");
        let theirs = App::new(&t, Scope::Under(vec![d]));
        assert_eq!(
            theirs.get(&format!("/bodies/{id}")).await.0,
            StatusCode::NOT_FOUND
        );
        let body = b"staff_no=003&role=member&from=2026-05-01".to_vec();
        assert_eq!(
            theirs.post(&join, FORM, body).await.0,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            app.org.bodies(&Scope::Under(vec![b])).await.unwrap().len(),
            1
        );
    })
    .await;
}
