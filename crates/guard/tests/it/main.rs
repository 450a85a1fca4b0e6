//! The burden guard on both engines: off by default, on by two, over by itself, taken back at once.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use guard::{Basis, CONFIRM, Guard, New, PROPOSE, READ, Standing, Switch};
use http_body_util::BodyExt;
use jiff::ToSpan;
use kernel::{AccountId, Date, Id, Scope, UnitId};
use organization::{NewUnit, Organization};
use testkit::{TestDb, on_both, on_sqlite};
use tower::ServiceExt;
use web::{Options, Principal};

fn migrations() -> Vec<db::Migration> {
    [
        organization::MIGRATIONS,
        identity::MIGRATIONS,
        guard::MIGRATIONS,
    ]
    .concat()
}

struct House {
    guard: Guard,
    top: UnitId,
    offices: [UnitId; 2],
    system: AccountId,
    security: AccountId,
}

impl House {
    async fn new(t: &TestDb) -> Self {
        let org = Organization::new(t.db.clone(), t.env.clone());
        let add = async |parent, code: &str| {
            let new = NewUnit {
                parent,
                code: code.into(),
                name: format!("单位{code}"),
                category: String::new(),
                from: Date::constant(2020, 1, 1),
            };
            org.add_unit(new, "", None, &Scope::All).await.unwrap()
        };
        let top = add(None, "T").await;
        let offices = [add(Some(top), "O1").await, add(Some(top), "O2").await];
        let guard = Guard::new(t.db.clone(), t.env.clone(), org);
        Self {
            guard,
            top,
            offices,
            system: t.env.new_id(),
            security: t.env.new_id(),
        }
    }

    fn new_case(&self, t: &TestDb, switch: Switch, unit: UnitId, days: i64) -> New {
        let today = t.env.today();
        New {
            id: t.env.new_id(),
            switch,
            unit,
            basis: Basis {
                document: "澜州市考核办法".into(),
                number: "澜办发〔2026〕3号".into(),
                article: "第九条".into(),
                text: "竞赛期间可以公布名次".into(),
            },
            from: Some(today),
            to: Some(today.saturating_add(days.days())),
        }
    }

    async fn on(&self) -> Vec<(Switch, UnitId)> {
        let mut found = Vec::new();
        for switch in Switch::ALL {
            for unit in [self.top, self.offices[0], self.offices[1]] {
                if self.guard.is_on(switch, unit).await.unwrap() {
                    found.push((switch, unit));
                }
            }
        }
        found
    }
}

fn key<T: std::fmt::Debug>(result: kernel::Result<T>) -> String {
    match result.unwrap_err() {
        kernel::Error::Invalid(errors) => {
            let all = errors.iter().map(|e| e.field.as_str());
            all.collect::<Vec<_>>().join(" ")
        }
        kernel::Error::Conflict(m) => m.key.to_owned(),
        kernel::Error::NotFound => "not-found".to_owned(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn everything_is_off_until_two_switch_it_on_and_it_ends_by_itself() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (g, all) = (&h.guard, Scope::All);
        assert_eq!(h.on().await, []);
        let new = h.new_case(&t, Switch::Boards, h.offices[0], 30);
        let id = g.propose(&new, &all, h.system).await.unwrap();
        g.propose(&new, &all, h.system).await.unwrap();
        assert_eq!(
            g.cases(&all).await.unwrap().len(),
            1,
            "sent twice it is proposed once"
        );
        assert_eq!(h.on().await, [], "proposed is not on");
        assert_eq!(key(g.confirm(id, &all, h.system).await), "guard-own");
        let elsewhere = Scope::Under(vec![h.offices[1]]);
        assert_eq!(
            key(g.confirm(id, &elsewhere, h.security).await),
            "not-found"
        );
        g.confirm(id, &all, h.security).await.unwrap();
        assert_eq!(
            h.on().await,
            [(Switch::Boards, h.offices[0])],
            "for that unit and nothing else"
        );
        assert_eq!(key(g.confirm(id, &all, h.security).await), "guard-decided");
        t.clock.advance(31 * 24 * 3600);
        assert_eq!(h.on().await, [], "it ends by itself");
        assert_eq!(
            g.cases(&all).await.unwrap()[0].standing(t.env.today()),
            Standing::Over
        );
        assert_eq!(
            key(g.end(id, "不再需要", &all, h.system).await),
            "guard-decided"
        );
        // On for a unit it is on for all below it; either takes it back at once.
        for by in [h.system, h.security] {
            let new = h.new_case(&t, Switch::WeeklyDigest, h.top, 364);
            let id = g.propose(&new, &all, h.system).await.unwrap();
            g.confirm(id, &all, h.security).await.unwrap();
            assert_eq!(h.on().await.len(), 3);
            assert_eq!(key(g.end(id, " ", &all, by).await), "reason");
            g.end(id, "群众有意见", &all, by).await.unwrap();
            assert_eq!(h.on().await, []);
        }
        let new = h.new_case(&t, Switch::Points, h.top, 10);
        let id = g.propose(&new, &all, h.system).await.unwrap();
        g.end(id, "依据不足", &all, h.security).await.unwrap();
        assert_eq!(
            key(g.confirm(id, &all, h.security).await),
            "guard-decided",
            "declined stays declined"
        );
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT action FROM audit WHERE action LIKE 'guard.%' ORDER BY id";
        let rows = tx.query(sql, db::args![]).await.unwrap();
        let actions: Vec<String> = rows.iter().map(|r| r.get(0).unwrap()).collect();
        let one = ["guard.proposed", "guard.confirmed"];
        let ended = ["guard.proposed", "guard.confirmed", "guard.ended"];
        assert_eq!(
            actions,
            [
                &one[..],
                &ended,
                &ended,
                &["guard.proposed", "guard.declined"]
            ]
            .concat()
        );
    })
    .await;
}

#[tokio::test]
async fn a_basis_without_its_parts_and_a_term_beyond_a_year_are_refused() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (g, all) = (&h.guard, Scope::All);
        let mut new = h.new_case(&t, Switch::Boards, h.top, 365);
        assert_eq!(
            key(g.propose(&new, &all, h.system).await),
            "to",
            "a year at most"
        );
        new.from = Some(t.env.today().yesterday().unwrap());
        new.to = None;
        new.basis = Basis::default();
        assert_eq!(
            key(g.propose(&new, &all, h.system).await),
            "document number article text to"
        );
        new.to = Some(t.env.today());
        assert!(key(g.propose(&new, &all, h.system).await).ends_with("from"));
        let elsewhere = Scope::Under(vec![h.offices[1]]);
        let new = h.new_case(&t, Switch::Boards, h.top, 3);
        assert_eq!(
            key(g.propose(&new, &elsewhere, h.system).await),
            "not-found"
        );
    })
    .await;
}

struct App(axum::Router);

impl App {
    fn new(h: &House, t: &TestDb, account: AccountId, grants: &[&str]) -> Self {
        let mut principal = Principal::new(account, "林晓岚");
        for permission in grants {
            principal = principal.with(*permission, Scope::All);
        }
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        let modules = modules(h);
        Self(web::assemble(modules, options).expect("the modules fit together"))
    }

    async fn send(&self, method: &str, path: &str, body: String) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let pairs = fields
            .iter()
            .map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)));
        self.send("POST", path, pairs.collect::<Vec<_>>().join("&"))
            .await
    }
}

fn modules(h: &House) -> Vec<web::Module> {
    vec![guard::module(h.guard.clone())]
}

#[tokio::test]
async fn pages_show_every_switch_and_its_history() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(modules(&h), &t.env);
        assert_eq!(problems, Vec::<String>::new());
        let system = App::new(&h, &t, h.system, &[READ, PROPOSE]);
        let security = App::new(&h, &t, h.security, &[READ, CONFIRM]);
        let anybody = App::new(&h, &t, t.env.new_id(), &[]);
        let (status, page) = anybody.send("GET", "/guard", String::new()).await;
        assert!(
            status == 200 && page.contains("目前没有任何事项开启"),
            "{page}"
        );
        assert_eq!(
            anybody.send("GET", "/admin/guard", String::new()).await.0,
            404
        );
        let (status, page) = system.send("GET", "/admin/guard", String::new()).await;
        assert!(
            status == 200 && page.contains("从未开启过") && page.contains("强制签到"),
            "{page}"
        );
        let id: Id = t.env.new_id();
        let id = id.to_string();
        let to = kernel::format_date(t.env.today().saturating_add(9.days()));
        let from = kernel::format_date(t.env.today());
        let fields = [
            ("id", &*id),
            ("switch", "boards"),
            ("unit", "O1"),
            ("document", "澜州市<b>考核办法"),
            ("number", "3号"),
            ("article", "第九条"),
            ("text", "可以公布名次"),
            ("from", &from),
            ("to", &to),
        ];
        let mut wrong = fields;
        wrong[2].1 = "NOPE";
        let (status, page) = system.post("/admin/guard", &wrong).await;
        assert!(status == 422 && page.contains("可以公布名次"), "{page}");
        assert_eq!(security.post("/admin/guard", &fields).await.0, 404);
        assert_eq!(system.post("/admin/guard", &fields).await.0, 303);
        let (_, page) = system.send("GET", "/admin/guard", String::new()).await;
        assert!(
            page.contains("待确认") && !page.contains("确认开启"),
            "not by who proposed it: {page}"
        );
        let confirmation = format!("/admin/guard/{id}/confirmation");
        assert_eq!(system.post(&confirmation, &[]).await.0, 404);
        let (_, page) = security.send("GET", "/admin/guard", String::new()).await;
        assert!(
            page.contains("确认开启") && page.contains("澜州市&lt;b&gt;考核办法"),
            "{page}"
        );
        assert_eq!(security.post(&confirmation, &[]).await.0, 303);
        let (_, page) = anybody.send("GET", "/guard", String::new()).await;
        assert!(page.contains("已开启") && page.contains("第九条"), "{page}");
        let end = format!("/admin/guard/{id}/end");
        assert_eq!(anybody.post(&end, &[("reason", "不要了")]).await.0, 404);
        assert_eq!(system.post(&end, &[("reason", "")]).await.0, 422);
        assert_eq!(system.post(&end, &[("reason", "不再需要")]).await.0, 303);
        let (_, page) = security.send("GET", "/admin/guard", String::new()).await;
        assert!(
            page.contains("已收回") && page.contains("不再需要"),
            "{page}"
        );
    })
    .await;
}
