//! Sign-in by a provider: one that lives in the test, over HTTP, with a key of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL64;
use identity::{
    Actor, Binding, Identity, NewAccount, NewPassword, OidcSettings, Secret, SecuritySettings,
};
use kernel::{AccountId, Scope};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use testkit::on_both;

use crate::http::{Answer, Browser, app};
use crate::{House, PASSWORD, migrations};

const CALLBACK: &str = "http://suneng.test/sign-in/oidc/callback";

fn new_key() -> EcdsaKeyPair {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key")
}

struct Inner {
    base: String,
    key: EcdsaKeyPair,
    kid: String,
    /// Challenge and claims by code.
    codes: HashMap<String, (String, Value)>,
    /// What the next tokens say instead.
    claims: Value,
    algorithm: &'static str,
    up: bool,
}

/// A provider.
#[derive(Clone)]
struct Provider(Arc<Mutex<Inner>>);

impl Provider {
    async fn start(now: i64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let claims = json!({
            "iss": base, "sub": "u1", "aud": "suneng", "exp": now + 300, "iat": now,
            "preferred_username": "LinXL", "name": "林小丽",
        });
        let provider = Self(Arc::new(Mutex::new(Inner {
            base,
            key: new_key(),
            kid: "one".to_owned(),
            codes: HashMap::new(),
            claims,
            algorithm: "ES256",
            up: true,
        })));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.0.lock().expect("unpoisoned"))
    }

    fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.with(|p| p.base.clone()),
            client_id: "suneng".to_owned(),
            client_secret: Secret("secret".to_owned()),
            name: "全市统一身份认证平台".to_owned(),
            scopes: vec!["profile".to_owned()],
            claim: "preferred_username".to_owned(),
            binding: Binding::Login,
            trust_second: false,
            open_in: String::new(),
            ca: None,
        }
    }

    /// What a person does there: gives the address to which the browser is sent back.
    fn approve(&self, url: &str) -> String {
        let asked: url::Url = url.parse().expect("an address");
        let get = |name: &str| {
            let mut pairs = asked.query_pairs();
            let found = pairs.find(|(n, _)| n == name);
            found.map(|(_, value)| value.into_owned()).expect(name)
        };
        assert_eq!(get("response_type"), "code");
        assert_eq!(get("code_challenge_method"), "S256");
        assert_eq!(get("redirect_uri"), CALLBACK);
        assert_eq!(get("scope"), "openid profile");
        let code = self.with(|p| {
            let mut claims = p.claims.clone();
            if claims.get("nonce").is_none() {
                claims["nonce"] = json!(get("nonce"));
            }
            let code = format!("code-{}", p.codes.len());
            p.codes
                .insert(code.clone(), (get("code_challenge"), claims));
            code
        });
        format!("/sign-in/oidc/callback?code={code}&state={}", get("state"))
    }
}

async fn describe(State(p): State<Provider>) -> Result<Json<Value>, StatusCode> {
    p.with(|p| {
        let base = &p.base;
        p.up.then(|| {
            Json(json!({
                "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
                "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys"),
                "end_session_endpoint": format!("{base}/end"), "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256", "none"],
            }))
        })
        .ok_or(StatusCode::BAD_GATEWAY)
    })
}

async fn keys(State(p): State<Provider>) -> Json<Value> {
    p.with(|p| {
        let point = p.key.public_key().as_ref();
        Json(json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": p.kid,
            "x": URL64.encode(&point[1..33]), "y": URL64.encode(&point[33..]),
        }] }))
    })
}

async fn token(
    State(p): State<Provider>,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    use sha2::Digest;
    let refused = (
        StatusCode::BAD_REQUEST,
        Json(json!({ "error": "invalid_grant" })),
    );
    let found = p.with(|p| p.codes.remove(&form["code"]));
    let Some((challenge, claims)) = found else {
        return refused;
    };
    let verifier = sha2::Sha256::digest(form["code_verifier"].as_bytes());
    if URL64.encode(verifier) != challenge || form["redirect_uri"] != CALLBACK {
        return refused;
    }
    let jwt = p.with(|p| {
        let header = json!({ "alg": p.algorithm, "typ": "JWT", "kid": p.kid }).to_string();
        let signed = format!(
            "{}.{}",
            URL64.encode(header),
            URL64.encode(claims.to_string())
        );
        let signature = match p.algorithm {
            "ES256" => {
                let made = p.key.sign(&SystemRandom::new(), signed.as_bytes());
                URL64.encode(made.expect("signed"))
            }
            "HS256" => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
                URL64.encode(ring::hmac::sign(&key, signed.as_bytes()))
            }
            _ => String::new(),
        };
        format!("{signed}.{signature}")
    });
    let answer = json!({ "access_token": "a", "token_type": "Bearer", "id_token": jwt });
    (StatusCode::OK, Json(answer))
}

fn with(h: &House, settings: OidcSettings) -> Identity {
    let settings = SecuritySettings {
        oidc: Some(settings),
        public_url: "http://suneng.test".to_owned(),
        ..SecuritySettings::default()
    };
    let identity = Identity::new(h.t.db.clone(), h.t.env.clone(), settings).with_organization(
        organization::Organization::new(h.t.db.clone(), h.t.env.clone()),
    );
    identity.with_doors().expect("doors")
}

async fn opened(h: &House, login: &str) -> AccountId {
    let new = NewAccount {
        login: login.to_owned(),
        person: None,
        unit: None,
        password: NewPassword::None,
        grants: vec![h.grant("clerk", h.left)],
    };
    let nobody = Actor::default();
    let opened = h.identity.create_account(&nobody, &new, &Scope::All);
    opened.await.expect("an account").account
}

/// Leaves for the provider; gives where the browser is sent.
async fn leave(b: &mut Browser) -> String {
    let away = b.get("/sign-in/oidc?next=/rows%3Fa%3D1").await;
    assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.body);
    b.keep(&away);
    away.header("location").to_owned()
}

/// The whole way; gives the answer to the one who comes back.
async fn through(b: &mut Browser, provider: &Provider) -> Answer {
    let url = leave(b).await;
    let back = provider.approve(&url);
    let answer = back_at(b, &back).await;
    b.keep(&answer);
    answer
}

/// Comes back; whoever is turned away sees the sign-in page with the reason.
async fn back_at(b: &Browser, path: &str) -> Answer {
    let answer = b.get(path).await;
    let to = answer.header("location");
    if !to.starts_with("/sign-in?oidc=") {
        return answer;
    }
    assert!(answer.cookies().is_empty(), "no session");
    let page = b.get(to).await;
    assert!(!page.body.contains("state=") && page.body.contains("role=\"alert\""));
    page
}

#[tokio::test]
async fn whoever_the_provider_knows_comes_in_and_leaves() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        opened(&h, "linxl").await;
        let provider = Provider::start(h.t.env.now().0 / 1_000_000).await;
        let i = with(&h, provider.settings());
        let mut b = Browser::of(app(&i, &h.t.env, false));
        assert!(
            b.get("/sign-in")
                .await
                .body
                .contains("用全市统一身份认证平台登录")
        );
        let url = leave(&mut b).await;
        let back = provider.approve(&url);
        let came = b.get(&back).await;
        assert_eq!(
            (came.status, came.header("location")),
            (StatusCode::SEE_OTHER, "/rows?a=1"),
            "{}",
            came.body
        );
        b.keep(&came);
        assert_eq!(
            b.get("/rows").await.status,
            StatusCode::OK,
            "no password has to be chosen"
        );
        let page = b.get("/account").await.body;
        assert!(page.contains("统一身份认证") && page.contains("密码不在本系统"));
        // The same answer again, and with another browser: used up.
        let again = back_at(&b, &back).await;
        assert!(again.body.contains("这次登录已经用过"), "{}", again.body);

        // Out here, with the way out there.
        let out = b.post("/sign-out", &[]).await;
        assert_eq!(out.header("location"), "/sign-in?left=oidc");
        let mut b = Browser::of(app(&i, &h.t.env, false));
        let page = b.get("/sign-in?left=oidc").await.body;
        assert!(page.contains("/end?client_id=suneng"), "{page}");

        // A browser that did not leave does not come back.
        let url = leave(&mut b).await;
        let stolen = provider.approve(&url);
        let other = Browser::of(app(&i, &h.t.env, false));
        let refused = back_at(&other, &stolen).await;
        assert!(refused.body.contains("不是从这个浏览器发起的"));
        assert_eq!(
            b.get(&stolen).await.status,
            StatusCode::SEE_OTHER,
            "hers is still good"
        );
        // Whoever stays away for too long, or is sent back without a code.
        let url = leave(&mut b).await;
        let late = provider.approve(&url);
        h.t.clock.advance(601);
        assert!(back_at(&b, &late).await.body.contains("超时"));
        let url = leave(&mut b).await;
        let state = provider
            .approve(&url)
            .split("state=")
            .nth(1)
            .unwrap()
            .to_owned();
        let path = format!("/sign-in/oidc/callback?error=access_denied&state={state}");
        let denied = back_at(&b, &path).await;
        assert!(denied.body.contains("没有放行"));
        for nonsense in ["", "?state=x", "?code=x", "?code=x&state="] {
            let refused = back_at(&b, &format!("/sign-in/oidc/callback{nonsense}")).await;
            assert!(refused.body.contains("请重新登录"), "{nonsense}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_is_refused() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let account = opened(&h, "linxl").await;
        let now = h.t.env.now().0 / 1_000_000;
        let provider = Provider::start(now).await;
        let i = with(&h, provider.settings());
        let mut b = Browser::of(app(&i, &h.t.env, false));
        let good = provider.with(|p| p.claims.clone());
        let cases = [
            ("nonce", json!("another"), "ES256"),
            ("aud", json!("another"), "ES256"),
            ("aud", json!(["suneng", "another"]), "ES256"),
            ("iss", json!("https://another.example"), "ES256"),
            ("exp", json!(now - 120), "ES256"),
            ("sub", json!("u1"), "none"),
            ("sub", json!("u1"), "HS256"),
        ];
        for (claim, value, algorithm) in cases {
            provider.with(|p| {
                p.claims = good.clone();
                p.claims[claim] = value.clone();
                p.algorithm = algorithm;
            });
            let refused = through(&mut b, &provider).await;
            assert!(
                refused.body.contains("没有通过核验"),
                "{claim} {value} {algorithm}: {}",
                refused.body
            );
            assert_eq!(b.get("/rows").await.status, StatusCode::SEE_OTHER);
        }
        provider.with(|p| {
            p.claims = good.clone();
            p.claims["exp"] = json!(now - 30);
            p.algorithm = "ES256";
        });
        assert_eq!(
            through(&mut b, &provider).await.status,
            StatusCode::SEE_OTHER,
            "clocks differ a little"
        );
        // A code that was used there already.
        let url = leave(&mut b).await;
        let back = provider.approve(&url);
        provider.with(|p| p.codes.clear());
        assert!(back_at(&b, &back).await.body.contains("没有通过核验"));
        // Signed by another key under the same name; then the provider has changed its key.
        let mut b = Browser::of(app(&i, &h.t.env, false));
        provider.with(|p| {
            p.claims = good.clone();
            p.key = new_key();
        });
        assert!(
            through(&mut b, &provider)
                .await
                .body
                .contains("没有通过核验")
        );
        provider.with(|p| p.kid = "two".to_owned());
        h.t.clock.advance(61);
        assert_eq!(
            through(&mut b, &provider).await.status,
            StatusCode::SEE_OTHER,
            "the new key was fetched"
        );

        // Unknown, nameless, disabled.
        for claims in [
            json!({ "preferred_username": "stranger" }),
            json!({ "preferred_username": "" }),
        ] {
            provider
                .with(|p| p.claims["preferred_username"] = claims["preferred_username"].clone());
            let mut b = Browser::of(app(&i, &h.t.env, false));
            let refused = through(&mut b, &provider).await;
            assert!(
                refused.body.contains("没有您的可用账号"),
                "{}",
                refused.body
            );
        }
        provider.with(|p| p.claims = good);
        let nobody = Actor::default();
        i.set_disabled(&nobody, account, true, &Scope::All)
            .await
            .unwrap();
        let mut b = Browser::of(app(&i, &h.t.env, false));
        assert!(
            through(&mut b, &provider)
                .await
                .body
                .contains("没有您的可用账号")
        );
        let refused = h.actions().await;
        assert!(refused.iter().filter(|a| *a == "session.refused").count() >= 11);
    })
    .await;
}

#[tokio::test]
async fn accounts_are_bound_and_opened_as_the_settings_say() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let provider = Provider::start(h.t.env.now().0 / 1_000_000).await;
        let person = h.person("LZ01", "林小丽", h.left).await;
        let account = opened(&h, "someone").await;
        h.belongs(account, person).await;
        provider.with(|p| p.claims["employee"] = json!("LZ01"));
        let by_number = OidcSettings {
            claim: "employee".to_owned(),
            binding: Binding::StaffNo,
            ..provider.settings()
        };
        let i = with(&h, by_number.clone());
        let mut b = Browser::of(app(&i, &h.t.env, false));
        assert_eq!(
            through(&mut b, &provider).await.status,
            StatusCode::SEE_OTHER
        );
        assert!(b.get("/account").await.body.contains("someone"));

        // Opened for a newcomer, in the unit set, with no role.
        provider.with(|p| p.claims["employee"] = json!("LZ02"));
        let mut b = Browser::of(app(&i, &h.t.env, false));
        assert!(
            through(&mut b, &provider)
                .await
                .body
                .contains("没有您的可用账号"),
            "not unless it is set"
        );
        let opening = with(
            &h,
            OidcSettings {
                open_in: "S2".to_owned(),
                ..by_number.clone()
            },
        );
        let mut b = Browser::of(app(&opening, &h.t.env, false));
        assert_eq!(
            through(&mut b, &provider).await.status,
            StatusCode::SEE_OTHER
        );
        let made = h
            .identity
            .account_by_login("linxl")
            .await
            .unwrap()
            .expect("opened");
        assert_eq!(
            (made.name.as_deref(), made.staff_no.as_deref()),
            (Some("林小丽"), Some("LZ02"))
        );
        assert_eq!(
            h.identity.grants(&[made.id], &Scope::All).await.unwrap(),
            []
        );
        assert_eq!(b.get("/rows").await.status, StatusCode::NOT_FOUND);

        // The provider away: said, and the next try asks again.
        provider.with(|p| p.up = false);
        let i = with(&h, by_number);
        let b = Browser::of(app(&i, &h.t.env, false));
        let away = back_at(&b, "/sign-in/oidc").await;
        assert!(away.body.contains("暂时连接不上"));
        provider.with(|p| p.up = true);
        let now = b.get("/sign-in/oidc").await;
        assert!(now.header("location").starts_with("http://127.0.0.1"));
        let without = Browser::new(&h).get("/sign-in/oidc").await;
        assert_eq!(without.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn a_second_factor_there_counts_only_where_it_is_trusted() {
    on_both(&migrations(), |t| async move {
        let (h, folder) = crate::second::house(t, false).await;
        let id = h.account("linxl", "clerk", h.left).await;
        let (me, token) = (
            crate::second::me(id),
            h.sign_in("linxl", PASSWORD).await.unwrap(),
        );
        let begun = h.identity.begin_second(&me, PASSWORD).await.unwrap();
        let code = crate::second::code(&h, &begun.secret);
        h.identity.confirm_second(&me, &code, &token).await.unwrap();
        let provider = Provider::start(h.t.env.now().0 / 1_000_000).await;
        let house = async |trust_second| {
            let ring = crypt::Keyring::open(&folder.path().join("keyring")).unwrap();
            let vault = crypt::Vault::open(&h.t.db, &h.t.env, ring).await.unwrap();
            let settings = OidcSettings {
                trust_second,
                ..provider.settings()
            };
            app(&with(&h, settings).with_vault(vault), &h.t.env, false)
        };
        let cases = [
            (false, json!(["pwd", "mfa"]), false),
            (true, json!(["pwd"]), false),
            (true, json!("mfa"), false),
            (true, json!(["pwd", "mfa"]), true),
        ];
        for (trusted, amr, inside) in cases {
            provider.with(|p| p.claims["amr"] = amr.clone());
            let mut b = Browser::of(house(trusted).await);
            let came = through(&mut b, &provider).await;
            if amr.is_string() {
                assert!(came.body.contains("没有通过核验"), "no list");
                continue;
            }
            let rows = b.get("/rows").await;
            assert_eq!(rows.status == StatusCode::OK, inside, "{trusted} {amr}");
            assert_eq!(
                rows.header("location").starts_with("/sign-in/second"),
                !inside
            );
        }
    })
    .await;
}
