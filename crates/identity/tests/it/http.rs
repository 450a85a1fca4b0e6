//! The pages and the API over HTTP.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use identity::{Actor, Identity, SecuritySettings};
use kernel::Scope;
use testkit::{on_both, on_sqlite};
use tower::ServiceExt;
use web::{Access, Module, Options, Policy, Routes};

use crate::{House, PASSWORD, migrations};

pub struct Browser {
    app: Router,
    cookie: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |v| v.to_str().expect("readable"))
    }

    pub fn cookies(&self) -> Vec<&str> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        all.map(|v| v.to_str().expect("readable")).collect()
    }

    /// The session's cookie as a browser sends it back.
    fn session(&self) -> Option<String> {
        let line = self
            .cookies()
            .into_iter()
            .find(|c| c.contains("suneng_session="))?;
        Some(line.split(';').next()?.to_owned())
    }
}

async fn touch(State(identity): State<Identity>, actor: Actor) -> &'static str {
    let entry = actor.audit("rows.touched", ("rows", ""), serde_json::json!({}));
    identity.record_now(entry).await.expect("recorded");
    "touched"
}

pub fn app(identity: &Identity, env: &kernel::Env, secure: bool) -> Router {
    // Somebody else's page, as a feature adds it.
    let feature = Module {
        name: "rows",
        routes: Routes::new()
            .get(
                "/rows",
                Policy::Permission("activity.record"),
                async |access: Access| {
                    let of = access.principal.on_behalf.map(|of| of.name);
                    match of {
                        Some(of) => format!("{:?} {of}", access.scope),
                        None => format!("{:?}", access.scope),
                    }
                },
            )
            .post("/rows", Policy::Permission("activity.record"), touch)
            .with_state(identity.clone()),
        ..Module::default()
    };
    let options = Options {
        auth: identity.clone().layer(),
        secure,
        ..Options::new(env.clone())
    };
    web::assemble(vec![identity::module(identity.clone()), feature], options).expect("fits")
}

impl Browser {
    pub fn new(h: &House) -> Self {
        Self::of(app(&h.identity, &h.t.env, false))
    }

    pub fn of(app: Router) -> Self {
        Self {
            app,
            cookie: String::new(),
        }
    }

    /// Keeps the cookies of an answer, as a browser does.
    pub fn keep(&mut self, answer: &Answer) {
        let mut all: std::collections::BTreeMap<String, String> = self
            .cookie
            .split("; ")
            .filter_map(|c| c.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for line in answer.cookies() {
            let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                all.insert(name.to_owned(), value.to_owned());
            }
        }
        let pairs: Vec<String> = all.iter().map(|(n, v)| format!("{n}={v}")).collect();
        self.cookie = pairs.join("; ");
    }

    pub async fn send(&self, request: axum::http::request::Builder, body: String) -> Answer {
        let request = request
            .header(header::HOST, "suneng.test")
            .header(header::COOKIE, &self.cookie)
            .body(Body::from(body))
            .expect("a request");
        let response = self.app.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", web::encode(value)))
            .collect();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request, fields.join("&")).await
    }

    pub async fn sign_in(&mut self, login: &str, password: &str) -> Answer {
        let fields = [
            ("login", login),
            ("password", password),
            ("next", "/rows?a=1"),
        ];
        let answer = self.post("/sign-in", &fields).await;
        if let Some(cookie) = answer.session() {
            self.cookie = cookie;
        }
        answer
    }
}

#[tokio::test]
async fn sign_in_see_a_page_sign_out() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("linxl", "clerk", h.left).await;
        let mut b = Browser::new(&h);
        let away = b.get("/rows?a=1").await;
        assert_eq!(away.status, StatusCode::SEE_OTHER);
        assert!(away.header("location").starts_with("/sign-in?next="));
        let page = b.get(away.header("location")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("value=\"/rows?a=1\""), "{}", page.body);
        assert!(page.body.contains("素能") && page.body.contains("f-password"));

        let wrong = b.sign_in("linxl", "Friday-16\"><b>").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.session().is_none());
        assert!(wrong.body.contains("value=\"linxl\""), "the login stays");
        assert!(!wrong.body.contains("Friday-16"), "the password does not");
        assert!(wrong.body.contains("用户名或密码不正确") && wrong.body.contains("role=\"alert\""));

        let right = b.sign_in("linxl", PASSWORD).await;
        assert_eq!(right.status, StatusCode::SEE_OTHER);
        assert_eq!(right.header("location"), "/rows?a=1");
        let cookies = right.cookies();
        assert_eq!(cookies.len(), 1);
        for part in [
            "suneng_session=",
            "; Path=/",
            "; HttpOnly",
            "; SameSite=Lax",
            "; Max-Age=43200",
        ] {
            assert!(cookies[0].contains(part), "{part}: {}", cookies[0]);
        }
        assert!(!cookies[0].contains("Secure") && !cookies[0].contains("Domain"));
        let rows = b.get("/rows").await;
        assert_eq!(rows.body, format!("{:?}", Scope::Under(vec![h.left])));
        assert_eq!(b.get("/accounts").await.status, StatusCode::NOT_FOUND);
        assert_eq!(b.get("/audit.csv").await.status, StatusCode::NOT_FOUND);
        let again = b.get("/sign-in?next=/account").await;
        assert_eq!(again.header("location"), "/account", "already signed in");
        let account = b.get("/account").await;
        assert!(account.status == StatusCode::OK && account.body.contains("本机"));

        let old = b.cookie.clone();
        b.sign_in("linxl", PASSWORD).await;
        assert_ne!(b.cookie, old, "a new token at each sign-in");
        let stale = Browser {
            cookie: old,
            ..Browser::new(&h)
        };
        assert_eq!(stale.get("/rows").await.status, StatusCode::SEE_OTHER);

        let out = b.post("/sign-out", &[]).await;
        assert_eq!(out.header("location"), "/sign-in");
        assert!(
            out.cookies()
                .iter()
                .any(|c| c.contains("suneng_session=;") && c.contains("Max-Age=0"))
        );
        assert_eq!(
            b.get("/rows").await.status,
            StatusCode::SEE_OTHER,
            "killed, not only forgotten"
        );
        assert_eq!(
            b.post("/sign-out", &[]).await.status,
            StatusCode::SEE_OTHER,
            "again"
        );
        assert!(h.actions().await.contains(&"session.ended".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_and_nobody_sends_from_elsewhere() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("linxl", "clerk", h.left).await;
        let b = Browser::new(&h);
        for next in [
            "//evil.example",
            "https://evil.example/",
            "/\\evil.example",
            "",
        ] {
            let fields = [("login", "linxl"), ("password", PASSWORD), ("next", next)];
            let answer = b.post("/sign-in", &fields).await;
            assert_eq!(answer.header("location"), "/", "{next}");
            let page = b.get(&format!("/sign-in?next={}", web::encode(next))).await;
            let form = page.body.split("action=\"/sign-in\">").nth(1);
            let form = form.expect("the form").trim_start();
            let home = "<input type=\"hidden\" name=\"next\" value=\"/\">";
            assert!(form.starts_with(home), "{next}");
        }
        let body = format!("login=linxl&password={PASSWORD}");
        let request = Request::post("/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "cross-site")
            .header(header::ORIGIN, "https://evil.example");
        let answer = b.send(request, body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.session().is_none());
    })
    .await;
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("linxl", "clerk", h.left).await;
        let settings = SecuritySettings {
            secure: true,
            ..SecuritySettings::default()
        };
        let identity = Identity::new(h.t.db.clone(), h.t.env.clone(), settings);
        let mut b = Browser {
            app: app(&identity, &h.t.env, true),
            cookie: String::new(),
        };
        let answer = b.sign_in("linxl", PASSWORD).await;
        let cookie = answer.cookies()[0];
        assert!(cookie.starts_with("__Host-suneng_session="), "{cookie}");
        assert!(cookie.contains("; Secure") && cookie.contains("; Path=/;"));
        assert_eq!(b.get("/rows").await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_away_is_no_signed_out_reader() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("linxl", "clerk", h.left).await;
        let mut b = Browser::new(&h);
        b.sign_in("linxl", PASSWORD).await;
        h.t.db.close().await;
        let answer = b.get("/rows").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.session().is_none(), "the cookie stays");
    })
    .await;
}

#[tokio::test]
async fn accounts_are_opened_granted_and_revoked_on_pages() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("boss", "system-admin", h.top).await;
        h.account("guard", "security-admin", h.top).await;
        h.account("auditor", "auditor", h.top).await;
        h.person("001", "林晓岚", h.left).await;
        let mut b = Browser::new(&h);
        b.sign_in("boss", PASSWORD).await;
        let mut s = Browser::new(&h);
        s.sign_in("guard", PASSWORD).await;
        assert_eq!(s.get("/accounts/new").await.status, StatusCode::NOT_FOUND);
        let page = b.get("/accounts/new").await.body;
        assert!(page.contains("/accounts/new/unit-options"), "{page}");
        let left = h.left.to_string();
        let fields = [
            ("login", "linxl"),
            ("person", "001"),
            ("role", "clerk"),
            ("unit", &*left),
            ("from", "2026-11-20"),
            ("to", ""),
        ];
        let mut wrong = fields;
        wrong[1].1 = "999";
        let refused = b.post("/accounts", &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("999") && refused.body.contains("value=\"linxl\""));
        // Who opens accounts gives no roles, who gives roles opens no accounts.
        let refused = b.post("/accounts", &fields).await;
        assert!(
            refused.body.contains("由安全管理员授予"),
            "{}",
            refused.body
        );
        let mut fields = fields;
        fields[2].1 = "";
        let opened = b.post("/accounts", &fields).await;
        assert_eq!(opened.status, StatusCode::OK, "{}", opened.body);
        let password = opened.body.split("onetime\">").nth(1).expect("shown once");
        let password = password.split('<').next().expect("text").to_owned();
        assert_eq!(opened.header("cache-control"), "no-store");

        // The one-time password opens one page only, until it is changed.
        let mut own = Browser::new(&h);
        own.sign_in("linxl", &password).await;
        assert_eq!(own.get("/rows").await.header("location"), "/account");
        let api = own.get("/api/v1/me").await;
        assert_eq!(api.status, StatusCode::FORBIDDEN);
        let fields = [
            ("current", &*password),
            ("new", "Sunday-99x"),
            ("again", "Sunday-99y"),
        ];
        let differs = own.post("/account/password", &fields).await;
        assert_eq!(differs.status, StatusCode::UNPROCESSABLE_ENTITY);
        let fields = [
            ("current", &*password),
            ("new", "Sunday-99x"),
            ("again", "Sunday-99x"),
        ];
        let changed = own.post("/account/password", &fields).await;
        assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.body);
        assert_eq!(own.get("/rows").await.status, StatusCode::NOT_FOUND);
        let account = h.identity.account_by_login("linxl").await.unwrap().unwrap();
        let here = format!("/accounts/{}", account.id);
        // By its code, as the field offers it.
        let grant = [("role", "clerk"), ("unit", "S1"), ("from", "2026-11-20")];
        let refused = b.post(&format!("{here}/grants"), &grant).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        assert!(!b.get(&here).await.body.contains("授予角色"));
        let granted = s.post(&format!("{here}/grants"), &grant).await;
        assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.body);
        assert_eq!(own.get("/rows").await.status, StatusCode::OK);

        let list = b.get("/accounts?q=linxl").await;
        assert!(list.body.contains("林晓岚") && list.body.contains("内勤 · 单位S1"));
        let page = s.get(&here).await;
        let path = page
            .body
            .split("action=\"/accounts/grants/")
            .nth(1)
            .expect("a grant");
        let path = format!(
            "/accounts/grants/{}",
            path.split('"').next().expect("a path")
        );
        assert_eq!(s.post(&path, &[]).await.header("location"), here);
        assert_eq!(
            own.get("/rows").await.status,
            StatusCode::NOT_FOUND,
            "revoked at once"
        );
        let right = h.right.to_string();
        let grant = [
            ("role", "clerk"),
            ("unit", &*right),
            ("from", "2026-11-20"),
            ("to", "2026-11-19"),
        ];
        let refused = s.post(&format!("{here}/grants"), &grant).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let granted = s.post(&format!("{here}/grants"), &grant[..3]).await;
        assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.body);
        assert_eq!(own.get("/rows").await.status, StatusCode::OK);
        b.post(&format!("{here}/disable"), &[]).await;
        assert_eq!(
            own.get("/rows").await.status,
            StatusCode::SEE_OTHER,
            "thrown out"
        );
        assert_eq!(
            b.get("/accounts/nonsense").await.status,
            StatusCode::NOT_FOUND
        );
        let none = b.get("/accounts?q=zzz").await;
        assert!(none.status == StatusCode::OK && none.body.contains("empty"));

        // The administrator cannot read the trail; the auditor can, and can take it out.
        assert_eq!(b.get("/audit").await.status, StatusCode::NOT_FOUND);
        let mut auditor = Browser::new(&h);
        auditor.sign_in("auditor", PASSWORD).await;
        let trail = auditor.get("/audit?action=account.disabled").await;
        assert!(trail.body.contains("停用账号") && trail.body.contains("boss"));
        let csv = auditor.get("/audit.csv").await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        for action in [
            "account.opened",
            "role.revoked",
            "password.changed",
            "audit.exported",
        ] {
            assert!(csv.body.contains(action), "{action}");
        }
        assert!(!csv.body.contains(&password));
        let read_only = auditor.get("/accounts").await;
        assert!(read_only.status == StatusCode::OK && !read_only.body.contains("/accounts/new"));
        let disable = auditor.post(&format!("{here}/disable"), &[]).await;
        assert_eq!(disable.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn programs_sign_in_through_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let id = h.account("robot", "clerk", h.left).await;
        let mut b = Browser::new(&h);
        let json = |body: &str| {
            let request =
                Request::post("/api/v1/session").header(header::CONTENT_TYPE, "application/json");
            (request, body.to_owned())
        };
        let (request, body) = json("{\"login\":\"robot\",\"password\":\"no\"}");
        let refused = b.send(request, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.header("content-type"), "application/problem+json");
        let (request, body) = json("{\"login\":\"robot\"}");
        assert!(b.send(request, body).await.status.is_client_error());
        assert_eq!(b.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        let (request, body) = json(&format!(
            "{{\"login\":\"robot\",\"password\":\"{PASSWORD}\"}}"
        ));
        let done = b.send(request, body).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT);
        b.cookie = done.session().expect("a cookie");
        let me = b.get("/api/v1/me").await;
        let me: serde_json::Value = serde_json::from_str(&me.body).expect("JSON");
        assert_eq!(me["account"], id.to_string());
        assert_eq!(me["permissions"]["activity.record"][0], h.left.to_string());
        let out = b
            .send(Request::delete("/api/v1/session"), String::new())
            .await;
        assert_eq!(out.status, StatusCode::NO_CONTENT);
        assert_eq!(b.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        let actor = Actor::default();
        let set = h.identity.set_password(&actor, id, "Another-1").await;
        set.expect("set from the command line");
        h.sign_in("robot", "Another-1").await.expect("signed in");
    })
    .await;
}

#[tokio::test]
async fn a_password_that_has_grown_old_is_changed_first() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("linxl", "clerk", h.left).await;
        h.t.clock.advance(90 * 24 * 3600 - 60);
        let mut b = Browser::new(&h);
        b.sign_in("linxl", PASSWORD).await;
        assert_eq!(b.get("/rows").await.status, StatusCode::OK);
        h.t.clock.advance(60);
        assert_eq!(b.get("/rows").await.header("location"), "/account");
        assert_eq!(b.get("/api/v1/me").await.status, StatusCode::FORBIDDEN);
        assert!(b.get("/account").await.body.contains("密码已使用满 90 天"));
        let weak = [("current", PASSWORD), ("new", "abc"), ("again", "abc")];
        let refused = b.post("/account/password", &weak).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        for said in ["至少 8 位，现在是 3 位", "还没有：大写字母 数字 符号"] {
            assert!(refused.body.contains(said), "{said}: {}", refused.body);
        }
        let again = [
            ("current", PASSWORD),
            ("new", "Sunday-99x"),
            ("again", "Sunday-99x"),
        ];
        let changed = b.post("/account/password", &again).await;
        assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.body);
        assert_eq!(b.get("/rows").await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn the_trail_is_filtered_in_the_url_and_its_export_is_recorded() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("auditor", "auditor", h.top).await;
        for n in 0..60 {
            h.account(&format!("clerk{n:02}"), "clerk", h.left).await;
        }
        let mut b = Browser::new(&h);
        b.sign_in("auditor", PASSWORD).await;
        let path = "/audit?action=account.opened&object=clerk&address=";
        let page = b.get(path).await;
        assert!(
            page.body.contains("value=\"clerk\""),
            "what was asked for stays"
        );
        assert!(page.body.contains("page=2") && page.body.contains("object=clerk"));
        let second = b.get(&format!("{path}&page=2")).await;
        assert_eq!(
            second
                .body
                .matches("<td class=\"num nowrap full\">")
                .count(),
            10
        );
        let csv = b
            .get("/audit.csv?action=account.opened&object=clerk07")
            .await;
        assert_eq!(csv.body.lines().count(), 2, "{}", csv.body);
        let none = b.get("/audit?address=198.51.100.1").await;
        assert!(none.status == StatusCode::OK && none.body.contains("class=\"empty\""));
        let exported = b.get("/audit?action=audit.exported").await;
        assert!(
            exported.body.contains("object: clerk07"),
            "{}",
            exported.body
        );
    })
    .await;
}
