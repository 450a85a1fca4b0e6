//! The second factor on both engines and over HTTP.

use axum::http::{Request, StatusCode, header};
use crypt::{Keyring, Vault};
use identity::{Actor, Identity, SecuritySettings};
use kernel::{AccountId, Scope, Timestamp};
use testkit::{TestDb, on_both};
use totp_rs::{Builder, Secret};

use crate::http::Browser;
use crate::{House, PASSWORD, key, migrations};

/// A house with a keyring; the folder goes with the value.
pub async fn house(t: TestDb, duty_second: bool) -> (House, tempfile::TempDir) {
    let mut h = House::new(t).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keyring");
    let ring = Keyring::create(&path, &h.t.env, crypt::AES).expect("a keyring");
    let vault = Vault::open(&h.t.db, &h.t.env, ring).await.expect("a vault");
    let settings = SecuritySettings {
        duty_second,
        ..SecuritySettings::default()
    };
    let identity = Identity::new(h.t.db.clone(), h.t.env.clone(), settings);
    h.identity = identity.with_vault(vault);
    (h, folder)
}

/// The code that an authenticator shows now.
pub fn code(h: &House, secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).expect("base 32");
    let totp = Builder::new()
        .with_secret(secret)
        .with_account_name("x")
        .build()
        .expect("an authenticator");
    let seconds = h.t.env.now().0 / Timestamp::SECOND;
    totp.generate(u64::try_from(seconds).expect("after 1970"))
        .to_string()
}

pub fn me(account: AccountId) -> Actor {
    Actor {
        on_behalf: None,
        account: Some(account),
        address: String::new(),
    }
}

#[tokio::test]
async fn codes_are_asked_for_used_once_and_guesses_lock() {
    on_both(&migrations(), |t| async move {
        let (h, _folder) = house(t, false).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let i = &h.identity;
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        let other = h.sign_in("linxl", PASSWORD).await.unwrap();
        let wrong = i.begin_second(&me(id), "Wrong-123").await;
        assert_eq!(key(wrong), "identity-password-wrong");
        let begun = i.begin_second(&me(id), PASSWORD).await.unwrap();
        assert!(begun.url.starts_with("otpauth://totp/") && begun.url.contains("linxl"));
        let wrong = i.confirm_second(&me(id), "000000", &token).await;
        assert_eq!(key(wrong), "identity-second-wrong");
        // Not confirmed, it is not asked for.
        let half = h.sign_in("linxl", PASSWORD).await.unwrap();
        assert!(
            i.principal(&half)
                .await
                .unwrap()
                .unwrap()
                .scope("activity.record")
                .is_some()
        );
        let now = code(&h, &begun.secret);
        let recovery = i.confirm_second(&me(id), &now, &token).await.unwrap();
        assert_eq!(recovery.len(), 10);
        assert!(h.is_in(&token).await && !h.is_in(&other).await);
        let again = i.begin_second(&me(id), PASSWORD).await;
        assert_eq!(key(again), "identity-second-already");

        let holds = async |token: &str| {
            let found = i.principal(token).await.unwrap().unwrap();
            found.scope("activity.record").is_some()
        };
        let half = h.sign_in("linxl", PASSWORD).await.unwrap();
        assert!(!holds(&half).await, "half signed in, nobody holds anything");
        let replay = i.second_step(&half, &now, "").await;
        assert_eq!(
            key(replay),
            "identity-second-refused",
            "the step was used to enrol"
        );
        h.t.clock.advance(30);
        let next = code(&h, &begun.secret);
        i.second_step(&half, &next, "").await.unwrap();
        assert!(holds(&half).await);
        let third = h.sign_in("linxl", PASSWORD).await.unwrap();
        let replay = i.second_step(&third, &next, "").await;
        assert_eq!(key(replay), "identity-second-refused", "once");
        h.t.clock.advance(-60);
        let older = i.second_step(&third, &code(&h, &begun.secret), "").await;
        assert_eq!(key(older), "identity-second-refused", "nor an earlier one");
        h.t.clock.advance(60);
        let typed = recovery[0].to_lowercase();
        i.second_step(&third, &typed, "").await.unwrap();
        let fourth = h.sign_in("linxl", PASSWORD).await.unwrap();
        let used = i.second_step(&fourth, &typed, "").await;
        assert_eq!(key(used), "identity-second-refused", "a recovery code once");
        // A right password does not forgive guesses at the code.
        h.t.clock.advance(30);
        for _ in 0..4 {
            let token = h.sign_in("linxl", PASSWORD).await.unwrap();
            i.second_step(&token, "123456", "").await.unwrap_err();
        }
        h.sign_in("linxl", PASSWORD).await.unwrap_err();
        let account = i.account(id, &Scope::All).await.unwrap();
        assert!(account.locked_until.is_some());
        h.t.clock.advance(31 * 60);
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        i.second_step(&token, &code(&h, &begun.secret), "")
            .await
            .unwrap();
        // Sealed at rest.
        let mut tx = h.t.db.read().await.unwrap();
        let row = tx
            .one("SELECT secret FROM second_factor", db::args![])
            .await;
        let sealed: Vec<u8> = row.unwrap().get(0).unwrap();
        drop(tx);
        let secret = Secret::try_from_base32(&begun.secret).unwrap();
        let plain = secret.as_ref();
        assert!(!sealed.windows(plain.len()).any(|w| w == plain));
        let hex = hex_of(plain);
        assert!(!sealed.windows(hex.len()).any(|w| w == hex.as_bytes()));
        // Reset face to face, by the security administrator.
        let guard = me(h.account("guard", "security-admin", h.top).await);
        i.reset_second(&guard, id, &Scope::Under(vec![h.top]))
            .await
            .unwrap();
        assert!(!h.is_in(&token).await);
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        assert!(holds(&token).await);
    })
    .await;
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test]
async fn a_duty_is_enrolled_on_pages_before_anything_else() {
    on_both(&migrations(), |t| async move {
        let (h, _folder) = house(t, true).await;
        h.account("auditor", "auditor", h.top).await;
        h.account("linxl", "clerk", h.left).await;
        let mut clerk = Browser::new(&h);
        clerk.sign_in("linxl", PASSWORD).await;
        assert_eq!(clerk.get("/rows").await.status, StatusCode::OK, "no duty");
        let mut b = Browser::new(&h);
        b.sign_in("auditor", PASSWORD).await;
        assert_eq!(b.get("/audit").await.header("location"), "/account/second");
        assert_eq!(b.get("/api/v1/me").await.status, StatusCode::FORBIDDEN);
        let page = b.get("/account/second").await;
        assert!(page.body.contains("必须启用二次验证"), "{}", page.body);
        let wrong = b.post("/account/second", &[("current", "Wrong-123")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = b.post("/account/second", &[("current", PASSWORD)]).await;
        assert!(
            page.body.contains("<svg") && page.body.contains("<path"),
            "{}",
            page.body
        );
        assert!(!page.body.contains("<?xml") && !page.body.contains("style="));
        assert_eq!(page.header("cache-control"), "no-store");
        let secret = page
            .body
            .split("onetime text-break\">")
            .nth(1)
            .expect("shown");
        let secret = secret.split('<').next().expect("text").replace(' ', "");
        let wrong = b.post("/account/second/confirm", &[("code", "1")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains("<svg") && wrong.body.contains("验证码不正确"));
        let now = code(&h, &secret);
        let done = b.post("/account/second/confirm", &[("code", &now)]).await;
        assert_eq!(
            done.body.matches("<li class=\"onetime\">").count(),
            10,
            "{}",
            done.body
        );
        assert_eq!(b.get("/audit").await.status, StatusCode::OK);
        assert!(
            b.get("/account/second")
                .await
                .body
                .contains("还有 10 个恢复码可用")
        );

        h.t.clock.advance(60);
        let mut b = Browser::new(&h);
        b.sign_in("auditor", PASSWORD).await;
        let away = b.get("/audit?login=x").await;
        assert!(away.header("location").starts_with("/sign-in/second?next="));
        let page = b.get(away.header("location")).await;
        assert!(
            page.body.contains("value=\"/audit?login=x\""),
            "{}",
            page.body
        );
        for hidden in ["/account", "/account/second"] {
            let away = b.get(hidden).await;
            assert_eq!(away.status, StatusCode::SEE_OTHER, "{hidden}");
        }
        let wrong = b.post("/sign-in/second", &[("code", "000000")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let now = code(&h, &secret);
        let fields = [("code", &*now), ("next", "/audit?login=x")];
        let done = b.post("/sign-in/second", &fields).await;
        assert_eq!(done.header("location"), "/audit?login=x", "{}", done.body);
        assert_eq!(b.get("/audit").await.status, StatusCode::OK);
        let again = b.post("/sign-in/second", &fields).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "passed already");

        // The same through the API.
        h.t.clock.advance(60);
        let mut api = Browser::new(&h);
        api.sign_in("auditor", PASSWORD).await;
        let now = code(&h, &secret);
        let request = Request::post("/api/v1/session/second")
            .header(header::CONTENT_TYPE, "application/json");
        let done = api.send(request, format!("{{\"code\":\"{now}\"}}")).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT);
        assert_eq!(api.get("/api/v1/me").await.status, StatusCode::OK);

        // The security administrator resets it; nobody else has the button.
        h.account("guard", "security-admin", h.top).await;
        h.account("boss", "system-admin", h.top).await;
        let account = h
            .identity
            .account_by_login("auditor")
            .await
            .unwrap()
            .unwrap();
        let guard = h.identity.account_by_login("guard").await.unwrap().unwrap();
        let (actor, top) = (me(guard.id), Scope::Under(vec![h.top]));
        let reset = h.identity.reset_second(&actor, account.id, &top);
        reset.await.unwrap();
        assert_eq!(api.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        let boss = h.identity.account_by_login("boss").await.unwrap().unwrap();
        let (actor, top) = (me(boss.id), Scope::Under(vec![h.top]));
        let reset = h.identity.reset_second(&actor, account.id, &top);
        assert_eq!(key(reset.await), "identity-duty-hands");
    })
    .await;
}

#[tokio::test]
async fn new_recovery_codes_take_the_place_of_those_before() {
    on_both(&migrations(), |t| async move {
        let (h, _folder) = house(t, false).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let i = &h.identity;
        let mut browser = Browser::new(&h);
        browser.sign_in("linxl", PASSWORD).await;
        let renew = async |browser: &Browser, password: &str| {
            browser
                .post("/account/second/recovery", &[("current", password)])
                .await
        };
        assert_eq!(
            renew(&browser, PASSWORD).await.status,
            StatusCode::NOT_FOUND,
            "without a second factor"
        );
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        let begun = i.begin_second(&me(id), PASSWORD).await.unwrap();
        let old = i
            .confirm_second(&me(id), &code(&h, &begun.secret), &token)
            .await
            .unwrap();
        let mut browser = Browser::new(&h);
        browser.sign_in("linxl", PASSWORD).await;
        h.t.clock.advance(30);
        let passed = browser
            .post("/sign-in/second", &[("code", &code(&h, &begun.secret))])
            .await;
        assert_eq!(passed.status, StatusCode::SEE_OTHER, "{}", passed.body);
        let page = browser.get("/account/second").await;
        assert!(
            page.body.contains("/account/second/recovery"),
            "{}",
            page.body
        );
        let wrong = renew(&browser, "Wrong-123").await;
        assert_eq!(
            wrong.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            wrong.body
        );
        let shown = renew(&browser, PASSWORD).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        let new: Vec<&str> = shown
            .body
            .split("class=\"onetime\">")
            .skip(1)
            .filter_map(|rest| rest.split('<').next())
            .collect();
        assert_eq!(new.len(), 10);
        let half = h.sign_in("linxl", PASSWORD).await.unwrap();
        assert_eq!(
            key(i.second_step(&half, &old[0], "").await),
            "identity-second-refused"
        );
        i.second_step(&half, new[0], "").await.unwrap();
    })
    .await;
}
