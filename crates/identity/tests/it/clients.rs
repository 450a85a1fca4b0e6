//! API clients on both engines and over HTTP.

use axum::http::{Request, StatusCode, header};
use identity::{AccountFilter, Actor, NewClient};
use kernel::{Date, Scope, UnitId};
use testkit::on_both;
use web::table::Window;

use crate::http::{Answer, Browser};
use crate::lists::BY_LOGIN;
use crate::{House, PASSWORD, key, migrations};

async fn with_token(b: &Browser, path: &str, token: &str) -> Answer {
    let authorization = format!("bearer {token}");
    let request = Request::get(path).header(header::AUTHORIZATION, authorization);
    b.send(request, String::new()).await
}

fn token_of(page: &Answer) -> String {
    let token = page.body.split("text-break\">").nth(1).expect("shown once");
    token.split('<').next().expect("text").to_owned()
}

#[tokio::test]
async fn a_client_acts_with_its_token_and_nothing_else() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("trainer", "training-officer", h.top).await;
        let mut b = Browser::new(&h);
        b.sign_in("trainer", PASSWORD).await;
        assert!(b.get("/clients").await.body.contains("还没有接口客户端"));
        let form = b.get("/clients/new").await;
        assert!(form.body.contains("p:activity.record") && form.body.contains("登记活动"));
        assert!(!form.body.contains("p:identity.grant"));
        let left = h.left.to_string();
        let fields = [
            ("login", "sync"),
            ("purpose", "考勤系统同步"),
            ("unit", &*left),
            ("from", "2026-11-20"),
            ("to", "2027-11-20"),
            ("p:activity.record", "on"),
        ];
        let refused = b.post("/clients", &fields[..5]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("请至少选一项权限") && refused.body.contains("考勤系统同步"));
        let mut beyond = fields;
        beyond[5].0 = "p:identity.grant";
        let refused = b.post("/clients", &beyond).await;
        assert!(refused.body.contains("不能交给客户端"), "{}", refused.body);
        let made = b.post("/clients", &fields).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        let token = token_of(&made);
        assert!(token.len() > 40 && token.starts_with("sn_"), "{token}");

        // Its scope, and no other; cookies do not count beside it.
        let anywhere = Browser::new(&h);
        let rows = with_token(&anywhere, "/rows", &token).await;
        assert_eq!(rows.body, format!("{:?}", Scope::Under(vec![h.left])));
        let rows = with_token(&b, "/rows", &token).await;
        assert_eq!(rows.body, format!("{:?}", Scope::Under(vec![h.left])));
        for path in ["/clients", "/accounts", "/account", "/audit"] {
            let hidden = with_token(&b, path, &token).await;
            assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{path}");
        }
        let me = with_token(&anywhere, "/api/v1/me", &token).await;
        let me: serde_json::Value = serde_json::from_str(&me.body).expect("JSON");
        assert_eq!(me["name"], "sync");
        assert_eq!(me["permissions"]["activity.record"][0], left);
        for wrong in ["sn_0_0", "x"] {
            let away = with_token(&b, "/rows", wrong).await;
            assert_eq!(
                away.status,
                StatusCode::UNAUTHORIZED,
                "not even with a cookie"
            );
        }
        let list = b.get("/clients").await;
        assert!(list.body.contains("sync") && list.body.contains(&token[..11]));
        assert!(!list.body.contains(&token));
        // It is no account of a person.
        let named = AccountFilter {
            text: "sync".to_owned(),
            ..AccountFilter::default()
        };
        let (people, _) = h
            .identity
            .accounts(&Scope::All, &named, BY_LOGIN, Window::new(1, 9))
            .await
            .unwrap();
        assert_eq!(people, []);

        // Another token, then none.
        let here = list
            .body
            .split("<tbody>")
            .nth(1)
            .and_then(|rows| rows.split("href=\"/clients/").nth(1))
            .expect("a client");
        let here = format!("/clients/{}", here.split('"').next().expect("a path"));
        assert!(b.get(&here).await.body.contains("考勤系统同步"));
        let over = b
            .post(&format!("{here}/rotate"), &[("to", "2020-01-01")])
            .await;
        assert_eq!(over.status, StatusCode::UNPROCESSABLE_ENTITY);
        let rotated = b
            .post(&format!("{here}/rotate"), &[("to", "2026-12-20")])
            .await;
        let next = token_of(&rotated);
        for _ in 0..3 {
            let old = with_token(&anywhere, "/rows", &token).await;
            assert_eq!(old.status, StatusCode::UNAUTHORIZED);
        }
        let rows = with_token(&anywhere, "/rows", &next).await;
        assert_eq!(rows.status, StatusCode::OK);
        let done = b.post(&format!("{here}/revoke"), &[]).await;
        assert_eq!(done.header("location"), here);
        let rows = with_token(&anywhere, "/rows", &next).await;
        assert_eq!(rows.status, StatusCode::UNAUTHORIZED);
        let actions = h.actions().await;
        let count = |action: &str| actions.iter().filter(|a| *a == action).count();
        assert_eq!(count("client.made"), 1);
        assert_eq!(count("client.rotated"), 1);
        assert_eq!(count("client.revoked"), 1);
        assert_eq!(count("client.refused"), 2, "once a minute and token");
        let nothing = b.get("/clients/nonsense").await;
        assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn tokens_hold_for_their_days_and_their_scope() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let officer = Actor {
            on_behalf: None,
            account: Some(h.account("trainer", "training-officer", h.left).await),
            address: String::new(),
        };
        let i = &h.identity;
        let (left, right) = (&Scope::Under(vec![h.left]), &Scope::Under(vec![h.right]));
        let new = |login: &str, unit: UnitId| NewClient {
            login: login.to_owned(),
            purpose: "…".to_owned(),
            permissions: vec!["activity.record".to_owned()],
            unit,
            from: Date::constant(2026, 11, 21),
            to: Date::constant(2026, 11, 22),
        };
        let outside = i.create_client(&officer, &new("one", h.right), left).await;
        assert_eq!(key(outside), "identity-unit-unknown");
        let wider = i
            .create_client(&officer, &new("one", h.right), &Scope::All)
            .await;
        assert_eq!(key(wider), "identity-client-beyond");
        let mut past = new("one", h.left);
        past.to = Date::constant(2026, 11, 1);
        assert_eq!(
            key(i.create_client(&officer, &past, left).await),
            "identity-client-over"
        );
        let (id, token) = i
            .create_client(&officer, &new("one", h.left), left)
            .await
            .unwrap();
        let again = i.create_client(&officer, &new("one", h.left), left).await;
        assert_eq!(key(again), "identity-login-taken");
        assert_eq!(key(i.client(id, right).await), "not-found");
        assert_eq!(key(i.revoke_client(&officer, id, right).await), "not-found");
        assert_eq!(
            i.clients(right, "", BY_LOGIN, Window::new(1, 9))
                .await
                .unwrap()
                .1,
            0
        );

        let b = Browser::new(&h);
        let status = async || with_token(&b, "/rows", &token).await.status;
        assert_eq!(status().await, StatusCode::UNAUTHORIZED, "not begun");
        h.t.clock.advance(24 * 3600);
        assert_eq!(status().await, StatusCode::OK);
        let used = async || i.client(id, left).await.unwrap().last_used_at;
        let first = used().await;
        assert_eq!(first, Some(h.t.env.now()));
        h.t.clock.advance(59);
        assert_eq!(status().await, StatusCode::OK);
        assert_eq!(used().await, first, "written at most once a minute");
        h.t.clock.advance(24 * 3600);
        assert_eq!(status().await, StatusCode::OK, "the last day");
        h.t.clock.advance(24 * 3600);
        assert_eq!(status().await, StatusCode::UNAUTHORIZED, "over");
        // Whoever lost the permission cannot get at it by a new token.
        let held = i
            .grants(&[officer.account.unwrap()], &Scope::All)
            .await
            .unwrap();
        let nobody = Actor::default();
        i.revoke(&nobody, held[0].id, &Scope::All).await.unwrap();
        let to = Date::constant(2027, 1, 1);
        let rotated = i.rotate_client(&officer, id, to, left).await;
        assert_eq!(key(rotated), "identity-client-beyond");
    })
    .await;
}
