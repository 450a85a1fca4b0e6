//! A change of a record from the person who asks to the audit trail, with real roles, passwords and sessions.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use identity::{Actor, AuditFilter, AuditRow, NewAccount, NewGrant, NewPassword, SignIn};
use kernel::{AccountId, Env, Error, PersonId, Scope, UnitId};
use organization::{NewAssignment, NewPerson, NewUnit};
use suneng::World;
use suneng::rooms::{Rooms, Vocabulary};
use tower::ServiceExt;

use crate::program::config;

const PASSWORD: &str = "Lan-Zhou-2026";
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
    cookie: String,
}

impl House {
    /// The whole program in a folder.
    pub async fn new(folder: &std::path::Path) -> Self {
        let (world, _) = World::create(config(folder, None), Env::system())
            .await
            .unwrap();
        let vocabulary = Vocabulary::read(&world.packs).unwrap();
        let rooms = Rooms::open(&world, vocabulary).await.unwrap();
        let router = suneng::serve::router(&world, &rooms).unwrap();
        Self {
            world,
            rooms,
            router,
        }
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
                from: today,
                to: None,
                primary: true,
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

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
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
        let (mut rows, _) = identity.audit(&filter, &Scope::All, 100, 0).await.unwrap();
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
        .audit(&filter, &Scope::All, 50, 0)
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
}
