//! Activation codes on both engines and over HTTP.

use axum::http::StatusCode;
use identity::{Activation, Actor, NewAccount, NewPassword};
use kernel::{AccountId, Scope};
use testkit::{on_both, on_postgres};

use crate::http::Browser;
use crate::{House, PASSWORD, key, migrations};

const CHOSEN: &str = "Sunday-99x";

async fn person(h: &House, staff_no: &str, login: &str, unit: kernel::UnitId) -> AccountId {
    let new = NewAccount {
        login: login.to_owned(),
        person: Some(h.person(staff_no, "林晓岚", unit).await),
        unit: None,
        password: NewPassword::None,
        grants: Vec::new(),
    };
    let actor = Actor::default();
    let opened = h.identity.create_account(&actor, &new, &Scope::All);
    opened.await.unwrap().account
}

fn attempt(who: &str, code: &str) -> Activation {
    Activation {
        who: who.to_owned(),
        code: code.to_owned(),
        password: CHOSEN.to_owned(),
        address: String::new(),
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_a_week_and_until_the_next_one() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = person(&h, "LZ0101", "linxl", h.left).await;
        let (i, actor, all) = (&h.identity, Actor::default(), &Scope::All);
        let issue = async || i.issue_code(&actor, id, all).await.unwrap().code;
        let (old, code) = (issue().await, issue().await);
        let refused = "identity-code-refused";
        assert_eq!(key(i.activate(&attempt("linxl", &old)).await), refused);
        assert_eq!(key(i.activate(&attempt("nobody", &code)).await), refused);
        let mut weak = attempt("linxl", &code);
        weak.password = "Ab-lz0101".to_owned();
        assert_eq!(key(i.activate(&weak).await), "identity-password-login");
        weak.password = "short".to_owned();
        assert_eq!(key(i.activate(&weak).await), "identity-password-short");
        let typed = code.to_lowercase().replace('-', "");
        i.activate(&attempt(" LZ0101 ", &typed)).await.unwrap();
        h.sign_in("linxl", CHOSEN).await.unwrap();
        assert_eq!(key(i.activate(&attempt("linxl", &code)).await), refused);
        // The present password stays until the next code is used, which ends the sessions.
        let code = issue().await;
        let token = h.sign_in("linxl", CHOSEN).await.unwrap();
        let same = i.activate(&attempt("linxl", &code)).await;
        assert_eq!(key(same), "identity-password-used");
        let mut next = attempt("linxl", &code);
        next.password = "Monday-77y".to_owned();
        i.activate(&next).await.unwrap();
        assert!(!h.is_in(&token).await);
        let code = issue().await;
        h.t.clock.advance(7 * 24 * 3600);
        assert_eq!(key(i.activate(&attempt("linxl", &code)).await), refused);
        let actions = h.actions().await;
        let count = |action: &str| actions.iter().filter(|a| *a == action).count();
        assert_eq!(count("code.issued"), 4);
        assert_eq!(count("code.refused"), 4);
        assert_eq!(count("account.activated"), 2);
        i.set_disabled(&actor, id, true, all).await.unwrap();
        let none = i.issue_code(&actor, id, all).await;
        assert_eq!(key(none), "identity-code-disabled");
    })
    .await;
}

#[tokio::test]
async fn tries_are_limited_and_a_new_code_unlocks() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = person(&h, "LZ0101", "linxl", h.left).await;
        let (i, actor) = (&h.identity, Actor::default());
        let slip = i.issue_code(&actor, id, &Scope::All).await.unwrap();
        for _ in 0..5 {
            let wrong = i.activate(&attempt("linxl", "22222-22222-22222")).await;
            assert_eq!(key(wrong), "identity-code-refused");
        }
        let locked = i.activate(&attempt("linxl", &slip.code)).await;
        assert_eq!(key(locked), "identity-code-refused", "the right one too");
        assert!(h.actions().await.contains(&"account.locked".to_owned()));
        let slip = i.issue_code(&actor, id, &Scope::All).await.unwrap();
        i.activate(&attempt("linxl", &slip.code)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_used_twice_at_the_same_moment_is_used_once() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = person(&h, "LZ0101", "linxl", h.left).await;
        let actor = Actor::default();
        let slip = h.identity.issue_code(&actor, id, &Scope::All).await;
        let code = slip.unwrap().code;
        let tries = (0..4).map(|n| {
            let mut own = attempt("linxl", &code);
            own.password = format!("Sunday-9{n}x");
            let i = &h.identity;
            async move { i.activate(&own).await.is_ok() }
        });
        let done = futures::future::join_all(tries).await;
        assert_eq!(done.iter().filter(|ok| **ok).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn slips_are_issued_for_a_unit_and_used_on_a_public_page() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let first = person(&h, "LZ0101", "linxl", h.left).await;
        let second = person(&h, "LZ0102", "chensy", h.left).await;
        let stranger = person(&h, "LZ0201", "zhouy", h.right).await;
        h.account("boss", "system-admin", h.left).await;
        let mut b = Browser::new(&h);
        b.sign_in("boss", PASSWORD).await;
        let page = b.get("/accounts/codes").await.body;
        assert!(page.contains("/accounts/codes/unit-options"), "{page}");
        let right = h.right.to_string();
        for unit in [&*right, "nonsense"] {
            let refused = b.post("/accounts/codes", &[("unit", unit)]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.body.contains("请选择管理范围内的单位"));
        }
        let left = h.left.to_string();
        let page = b.post("/accounts/codes", &[("unit", &left)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.body.contains("linxl") && page.body.contains("LZ0102"));
        assert!(!page.body.contains("zhouy"));
        let codes: Vec<&str> = page.body.split("onetime\">").skip(1).collect();
        assert_eq!(codes.len(), 2);
        let one = b.post(&format!("/accounts/{second}/code"), &[]).await;
        let code = one.body.split("onetime\">").nth(1).expect("shown once");
        let code = code.split('<').next().expect("text").to_owned();
        let other = b.post(&format!("/accounts/{stranger}/code"), &[]).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);

        let public = Browser::new(&h);
        let page = public.get("/activate?who=chensy").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("value=\"chensy\""));
        let fill = |code: &'static str| {
            [
                ("who", "chensy"),
                ("code", code),
                ("new", CHOSEN),
                ("again", CHOSEN),
            ]
        };
        let mut differs = fill("x");
        differs[3].1 = "other";
        let refused = public.post("/activate", &differs).await;
        assert!(refused.body.contains("两次输入的新密码不一致"));
        assert!(
            !refused.body.contains(CHOSEN),
            "passwords are not sent back"
        );
        let refused = public.post("/activate", &fill("x")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("激活码不正确"), "{}", refused.body);
        let mut good = fill("");
        good[1].1 = Box::leak(code.into_boxed_str());
        let done = public.post("/activate", &good).await;
        assert_eq!(done.header("location"), "/sign-in", "{}", done.body);
        let mut own = Browser::new(&h);
        let entered = own.sign_in("chensy", CHOSEN).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);

        // Accounts for those who have none, where one may open them.
        h.person("LZ0199", "周静怡", h.left).await;
        h.person("乙01", "吴建平", h.left).await;
        h.person("CHENSY", "许海宁", h.left).await;
        h.account("helper", "unit-admin", h.left).await;
        let mut helper = Browser::new(&h);
        helper.sign_in("helper", PASSWORD).await;
        let open = [("unit", &*left), ("open", "on")];
        let page = helper.post("/accounts/codes", &open).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("周静怡"));
        let page = b.post("/accounts/codes", &open).await;
        assert!(page.body.contains("周静怡") && page.body.contains("lz0199"));
        assert!(page.body.contains("CHENSY、乙01"), "{}", page.body);
        let again = b.post("/accounts/codes", &open).await;
        assert!(
            again.body.contains("周静怡"),
            "a new code, not a new account"
        );

        // Whoever has chosen a password is left out, unless asked for.
        let page = b.post("/accounts/codes", &[("unit", &left)]).await;
        assert!(page.body.contains("linxl") && !page.body.contains("chensy"));
        let all = [("unit", &*left), ("all", "on")];
        assert!(
            b.post("/accounts/codes", &all)
                .await
                .body
                .contains("chensy")
        );
        let actor = Actor::default();
        let disable = h.identity.set_disabled(&actor, first, true, &Scope::All);
        disable.await.unwrap();
        let page = b.post("/accounts/codes", &[("unit", &left)]).await;
        assert!(!page.body.contains("linxl"));
        let right = &Scope::Under(vec![h.right]);
        let theirs = h.identity.open_accounts(&actor, h.left, right).await;
        assert_eq!(key(theirs), "identity-unit-unknown");
        let empty = h
            .identity
            .account_by_login("lz0199")
            .await
            .unwrap()
            .unwrap();
        let disable = h.identity.set_disabled(&actor, empty.id, true, &Scope::All);
        disable.await.unwrap();
        let page = b.post("/accounts/codes", &[("unit", &left)]).await;
        assert!(page.body.contains("没有需要激活码的人员"));
    })
    .await;
}
