//! A change of a record from the person who asks to the audit trail, with real roles, passwords and sessions.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use identity::{Actor, AuditFilter, AuditRow, NewAccount, NewGrant, NewPassword, SignIn};
use kernel::{AccountId, Env, Error, PersonId, Scope, UnitId};
use organization::{NewAssignment, NewPerson, NewUnit};
use suneng::World;
use suneng::metrics::{Counted, Peer};
use suneng::rooms::{Rooms, Vocabulary};
use suneng::serve::Background;
use tower::ServiceExt;

use crate::program::config;

pub const PASSWORD: &str = "Lan-Zhou-2026";
pub const FORM: &str = "application/x-www-form-urlencoded";

pub struct House {
    pub world: World,
    pub rooms: Rooms,
    router: Router,
}

/// Somebody with an account and a session.
pub struct Someone {
    pub person: PersonId,
    pub account: AccountId,
    pub cookie: String,
}

impl House {
    /// The whole program in a folder.
    pub async fn new(folder: &std::path::Path) -> Self {
        Self::with(config(folder, None), Env::system()).await
    }

    /// The same with other settings and another clock.
    pub async fn with(config: suneng::Config, env: Env) -> Self {
        let (world, _) = World::create(config, env).await.unwrap();
        let vocabulary = Vocabulary::read(&world.packs).unwrap();
        let rooms = Rooms::open(&world, vocabulary).await.unwrap();
        let router = suneng::serve::router(&world, &rooms).unwrap();
        Self {
            world,
            rooms,
            router,
        }
    }

    /// Answers on a free port and works in the background, by the clock of this house; gives where.
    pub async fn open(&self) -> (String, Background) {
        let background = Background::start(&self.world, &self.rooms).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let service = self.router.clone();
        let service = service.into_make_service_with_connect_info::<Peer>();
        tokio::spawn(async move { axum::serve(Counted::new(listener), service).await });
        (at, background)
    }

    pub async fn unit(&self, parent: Option<UnitId>, code: &str) -> UnitId {
        let new = NewUnit {
            parent,
            code: code.into(),
            name: format!("澜州{code}"),
            category: String::new(),
            from: self.world.env.today(),
        };
        let org = &self.world.organization;
        org.add_unit(new, "", None, &Scope::All).await.unwrap()
    }

    pub async fn someone(&self, login: &str, role: &str, unit: UnitId) -> Someone {
        let (today, all) = (self.world.env.today(), Scope::All);
        let new = NewPerson {
            staff_no: login.into(),
            name: format!("甲{login}"),
            assignment: NewAssignment {
                unit,
                post: String::new(),
                from: today.yesterday().unwrap(),
                to: None,
                primary: true,
                nature: Default::default(),
            },
        };
        let person = self
            .world
            .organization
            .add_person(&new, None, &all)
            .await
            .unwrap();
        let account = NewAccount {
            login: login.into(),
            person: Some(person),
            unit: None,
            password: NewPassword::Given(PASSWORD.into()),
            grants: vec![NewGrant {
                role: role.into(),
                unit,
                from: today,
                to: None,
            }],
        };
        let identity = &self.rooms.identity;
        let opened = identity
            .create_account(&Actor::default(), &account, &all)
            .await
            .unwrap();
        let attempt = SignIn {
            login: login.into(),
            password: PASSWORD.into(),
            ..SignIn::default()
        };
        let token = identity.sign_in(attempt).await.unwrap();
        Someone {
            person,
            account: opened.account,
            cookie: format!("{}={token}", identity.cookie_name()),
        }
    }

    pub async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        if let Some(place) = response.headers().get(header::LOCATION) {
            return (status, place.to_str().unwrap().to_owned());
        }
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    pub async fn get(&self, who: &Someone, path: &str) -> String {
        let request = Request::get(path).header(header::HOST, "suneng.test");
        let request = request
            .header(header::COOKIE, &who.cookie)
            .body(Body::empty());
        let (status, page) = self.send(request.unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        page
    }

    pub async fn post(&self, who: &Someone, path: &str, body: &str) {
        let (status, page) = self.posted(who, path, FORM, body).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}: {page}");
    }

    /// Status and body of what a post is answered; where it leads when it leads elsewhere.
    pub async fn posted(
        &self,
        who: &Someone,
        path: &str,
        kind: &str,
        body: &str,
    ) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(header::HOST, "suneng.test")
            .header(header::COOKIE, &who.cookie)
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()));
        self.send(request.unwrap()).await
    }

    /// Asked for and answered, whatever the status.
    pub async fn asked(&self, who: &Someone, path: &str) -> (StatusCode, String) {
        let request = Request::get(path)
            .header(header::HOST, "suneng.test")
            .header(header::COOKIE, &who.cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// What the audit trail says of an action, the newest first.
    pub async fn audited(&self, action: &str) -> Vec<AuditRow> {
        let filter = AuditFilter::default();
        let identity = &self.rooms.identity;
        let (mut rows, _) = identity
            .audit(&filter, &Scope::All, web::table::Window::new(1, 100))
            .await
            .unwrap();
        rows.retain(|row| row.action == action);
        rows
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_asked_for_decided_made_and_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let office = house.unit(Some(top), "11").await;
    let staff = house.someone("staff", "staff", office).await;
    let leader = house.someone("leader", "leader", office).await;
    let personnel = house.someone("personnel", "personnel-officer", top).await;

    let page = house.get(&staff, "/approvals").await;
    assert!(page.contains("/organization/me"), "{page}");
    let page = house.get(&staff, "/organization/me").await;
    let id = page
        .split("name=\"approval\" value=\"")
        .nth(1)
        .expect("a form that asks");
    let id = id.split('"').next().unwrap();
    let ask = format!("/organization/people/{}/ask/rename", staff.person);
    let name = "%E4%B8%81%E4%B8%80";
    house
        .post(&staff, &ask, &format!("name={name}&approval={id}"))
        .await;

    // Told, with the number at the bell and the day in the calendar.
    assert!(house.get(&leader, "/notices/count").await.contains(">1<"));
    assert!(
        house
            .get(&leader, "/notices")
            .await
            .contains("请您审批：人员信息变更")
    );
    let (count, list) = house
        .rooms
        .approvals
        .waiting(Some(leader.person), 5, "zh-CN")
        .await
        .unwrap();
    assert_eq!(
        (count, list[0].href.as_str()),
        (1, &*format!("/approvals/{id}"))
    );
    let token = house
        .rooms
        .notices
        .make_feed(leader.account, leader.person)
        .await
        .unwrap();
    let feed = || {
        let path = format!("/calendar/{token}.ics");
        let request = Request::get(path).header(header::HOST, "suneng.test");
        house.send(request.body(Body::empty()).unwrap())
    };
    let (_, text) = feed().await;
    assert!(text.contains("SUMMARY:请您审批：人员信息变更"), "{text}");

    let agree = format!("/approvals/{id}/agree");
    house.post(&leader, &agree, "round=1&step=0").await;
    house.post(&personnel, &agree, "round=1&step=1").await;
    let card = house
        .world
        .organization
        .person(staff.person, &Scope::All)
        .await
        .unwrap();
    assert_eq!(card.person.name, "丁一");
    assert!(
        house
            .get(&staff, "/notices")
            .await
            .contains("您的申请已通过")
    );
    let filter = AuditFilter::default();
    let (rows, _) = house
        .rooms
        .identity
        .audit(&filter, &Scope::All, web::table::Window::new(1, 50))
        .await
        .unwrap();
    let of = |action: &str| rows.iter().find(|row| row.action == action).cloned();
    for action in ["approval.sent", "approval.agreed", "approval.applied"] {
        assert_eq!(
            of(action).map(|row| row.object_id).as_deref(),
            Some(id),
            "{action}"
        );
    }
    assert!(
        of("person.renamed")
            .unwrap()
            .detail
            .contains(&format!("approval {id}"))
    );

    // A signature asks for the account's own password; an account that is closed has no feed.
    let actor = Actor::from(leader.account);
    house
        .rooms
        .identity
        .confirm(&actor, PASSWORD)
        .await
        .unwrap();
    let Err(Error::Invalid(wrong)) = house.rooms.identity.confirm(&actor, "guess").await else {
        panic!("a wrong password signs");
    };
    assert_eq!(wrong[0].field, "password");
    let (identity, nobody) = (&house.rooms.identity, Actor::default());
    identity
        .set_disabled(&nobody, leader.account, true, &Scope::All)
        .await
        .unwrap();
    assert_eq!(feed().await.0, StatusCode::NOT_FOUND);

    // Who has left is erased everywhere: nothing while something is open, then all of it or nothing.
    identity
        .set_disabled(&nobody, leader.account, false, &Scope::All)
        .await
        .unwrap();
    let org = &house.rooms.organization;
    let other = house.world.env.new_id::<kernel::Id>();
    let body = format!("name=%E4%B8%99%E4%B8%99&approval={other}&note=%E6%9B%B4%E5%90%8D");
    house.post(&staff, &ask, &body).await;
    let (id, all) = (staff.person, Scope::All);
    let yesterday = house.world.env.today().yesterday().unwrap();
    let held = org.person(id, &all).await.unwrap().assignments[0].id;
    org.end_assignment(id, held, yesterday, None, &all)
        .await
        .unwrap();
    let erase = || org.erase_person(id, ("staff", "x"), Some(personnel.account), &all);
    let Err(Error::Conflict(message)) = erase().await else {
        panic!("erased while an approval is open");
    };
    assert_eq!(message.key, "approvals-erase-open");
    assert_eq!(org.person(id, &all).await.unwrap().person.name, "丁一");
    let withdraw = format!("/approvals/{other}/withdraw");
    house.post(&staff, &withdraw, "round=1&step=0").await;
    erase().await.unwrap();
    let account = identity.account(staff.account, &all).await.unwrap();
    assert!(account.login.starts_with("erased-") && account.disabled_at.is_some());
    assert!(identity.account_by_login("staff").await.unwrap().is_none());
    let request = Request::get("/organization/me")
        .header(header::HOST, "suneng.test")
        .header(header::COOKIE, &staff.cookie);
    let (status, _) = house.send(request.body(Body::empty()).unwrap()).await;
    assert_ne!(status, StatusCode::OK, "the session has ended");
    let decided = agree.trim_end_matches("/agree");
    for place in [decided, &format!("/approvals/{other}")] {
        let page = house.get(&personnel, place).await;
        assert!(page.contains("已随当事人的个人信息一并删除"), "{page}");
        for gone in ["丁一", "丙丙", "更名", "甲staff", "与提交时不一致"] {
            assert!(!page.contains(gone), "{gone}: {page}");
        }
    }
    let mut tx = house.world.db.read().await.unwrap();
    for (table, column) in [("approval_round", "payload"), ("approval_event", "reason")] {
        let sql = format!("SELECT {column} FROM {table}");
        for row in tx.query(sql, db::args![]).await.unwrap() {
            let text: String = row.get(0).unwrap();
            assert!(
                !text.contains('丁') && !text.contains('丙') && !text.contains('更'),
                "{text}"
            );
        }
    }
    for row in tx
        .query("SELECT args FROM notice", db::args![])
        .await
        .unwrap()
    {
        let text: String = row.get(0).unwrap();
        assert!(!text.contains("丁一"), "{text}");
    }
    drop(tx);
    let (rows, _) = identity
        .audit(&filter, &all, web::table::Window::new(1, 50))
        .await
        .unwrap();
    for (action, times) in [
        ("approval.erased", 2),
        ("account.erased", 1),
        ("person.erased", 1),
    ] {
        let found: Vec<_> = rows.iter().filter(|row| row.action == action).collect();
        assert_eq!(found.len(), times, "{action}");
        assert!(
            found
                .iter()
                .all(|row| row.login.as_deref() == Some("personnel"))
        );
    }
}
