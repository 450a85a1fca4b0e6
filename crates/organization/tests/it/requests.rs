//! Changes of a record that are asked for, decided, and made: through HTTP, with people found by their posts.

use std::collections::HashMap;

use approvals::{Approvals, By as Approver, Directory, Known, Routes, Signers, Trail, Who};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use commons::files::Files;
use commons::packs::Packs;
use db::{Args, Migration, Tx};
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use kernel::{AccountId, Calendar, Date, PersonId, Result, Scope, UnitId};
use notices::{Contacts, Notices, Settings};
use organization::{
    NewAssignment, NewPerson, Organization, PROPOSE, PersonChanges, READ, finding, module,
    scope_sql,
};
use testkit::{TestDb, on_both};
use tower::ServiceExt;
use web::{Options, Principal};

use crate::pages::{attributes, commons_texts, kinds};
use crate::{add, day, organization};

const ROUTE: &str = r#"
[pack]
code = "t"
version = "1"
name = { zh = "甲", en = "A" }
[[approval-route]]
kind = "person-change"
from = "2026-01-01"
[[approval-route.step]]
name = { zh = "科长", en = "Head" }
who = { post = "科长" }
[[approval-route.step]]
name = { zh = "人事", en = "Personnel" }
who = { attribute = "leading.chief" }
"#;

/// The program, as far as approvals ask it.
#[derive(Clone)]
struct Asked(Organization);

impl Directory for Asked {
    fn who<'a>(
        &'a self,
        tx: &'a mut Tx,
        who: &'a Who,
        unit: UnitId,
        day: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        Box::pin(async move {
            match who {
                Who::Post(post) => finding::in_post(tx, post, unit, day).await,
                Who::Attribute(text) => {
                    finding::described(tx, text.split_once('.').unwrap(), unit, day).await
                }
                other => panic!("{other:?}"),
            }
        })
    }

    fn path<'a>(&'a self, tx: &'a mut Tx, unit: UnitId) -> BoxFuture<'a, Result<Vec<UnitId>>> {
        Box::pin(async move { Ok(finding::paths(tx, &[unit]).await?.remove(&unit).unwrap()) })
    }

    fn by_staff_no<'a>(
        &'a self,
        tx: &'a mut Tx,
        staff_no: &'a str,
        day: Date,
    ) -> BoxFuture<'a, Result<Option<PersonId>>> {
        Box::pin(async move { finding::serving(tx, staff_no, day).await })
    }

    fn names<'a>(
        &'a self,
        people: &'a [PersonId],
        units: &'a [UnitId],
    ) -> BoxFuture<'a, Result<Known>> {
        Box::pin(async move {
            Ok(Known {
                people: self.0.person_names(people).await?,
                units: self.0.names(units).await?,
            })
        })
    }

    fn within(&self, scope: &Scope, column: &str, args: &mut Args) -> String {
        scope_sql(scope, column, args)
    }
}

impl Signers for Asked {
    fn confirm<'a>(&'a self, _: &'a Approver, _: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Trail for Asked {
    fn record<'a>(&'a self, _: &'a mut Tx, _: approvals::Deed) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Contacts for Asked {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        Box::pin(async { Ok(HashMap::new()) })
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }
}

fn migrations() -> Vec<Migration> {
    [
        organization::MIGRATIONS,
        notices::MIGRATIONS,
        approvals::MIGRATIONS,
    ]
    .concat()
}

struct House {
    t: TestDb,
    org: Organization,
    approvals: Approvals,
    top: UnitId,
    office: UnitId,
    /// Head of the office, chief of all, clerk, staff.
    people: [PersonId; 4],
}

impl House {
    async fn new(t: &TestDb) -> Self {
        let org = organization(t);
        let top = add(&org, None, "top").await;
        let office = add(&org, Some(top), "office").await;
        add(&org, Some(top), "other").await;
        let person = async |no: &str, name: &str, unit, post: &str| {
            let new = NewPerson {
                staff_no: no.into(),
                name: name.into(),
                assignment: NewAssignment {
                    unit,
                    post: post.into(),
                    from: day(1, 1),
                    to: None,
                    primary: true,
                    nature: Default::default(),
                },
            };
            org.add_person(&new, None, &Scope::All).await.unwrap()
        };
        let people = [
            person("1", "甲科长", office, "科长").await,
            person("2", "乙局长", top, "局长").await,
            person("3", "丙内勤", office, "科员").await,
            person("4", "丁某", office, "科员").await,
        ];
        let (list, all) = (attributes(), Scope::All);
        org.set_attribute(&list, people[1], "leading", "chief", day(1, 1), None, &all)
            .await
            .unwrap();
        let packs = Packs::load(vec![("t.toml".into(), ROUTE.into())]).unwrap();
        let asked = Asked(org.clone());
        let notices = Notices::new(
            t.db.clone(),
            t.env.clone(),
            Settings::default(),
            asked.clone(),
        );
        let approvals = Approvals::new(
            (t.db.clone(), t.env.clone(), notices),
            (Routes::read(&packs).unwrap(), Calendar::default()),
            asked.clone(),
            asked.clone(),
            asked,
        )
        .with_kind(PersonChanges::new(org.clone(), attributes()));
        Self {
            t: t.clone(),
            org,
            approvals,
            top,
            office,
            people,
        }
    }

    /// The program as one of them uses it.
    fn as_person(&self, n: usize) -> App {
        let mut principal = Principal::new(self.t.env.new_id(), "某");
        principal.person = Some(self.people[n]);
        if n == 2 {
            let office = Scope::Under(vec![self.office]);
            principal = principal.with(READ, office.clone()).with(PROPOSE, office);
        }
        let mut options = Options::new(self.t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        let org = self.org.clone().with_approvals(self.approvals.clone());
        let files = Files::memory(self.t.env.clone());
        let modules = vec![
            commons_texts(),
            module(org, files, attributes(), kinds()),
            approvals::module(self.approvals.clone()),
        ];
        App(web::assemble(modules, options).expect("they fit together"))
    }
}

struct App(Router);

impl App {
    async fn send(&self, request: Request) -> (StatusCode, HeaderMap, String) {
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (parts.status, parts.headers, text)
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::HOST, "suneng.test");
        let (status, _, text) = self.send(request.body(Body::empty()).unwrap()).await;
        (status, text)
    }

    /// Posts a form; gives where it leads.
    async fn post(&self, path: &str, body: &str) -> (StatusCode, String, String) {
        let request = Request::post(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = Body::from(body.to_owned());
        let (status, headers, text) = self.send(request.body(body).unwrap()).await;
        let to = headers.get(header::LOCATION);
        (
            status,
            to.map_or(String::new(), |to| to.to_str().unwrap().to_owned()),
            text,
        )
    }

    /// The id that the page's form carries.
    async fn form(&self, path: &str) -> String {
        let (status, page) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let id = page
            .split("name=\"approval\" value=\"")
            .nth(1)
            .expect("a form that asks");
        id.split('"').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_person_asks_and_it_is_made_when_all_agreed() {
    on_both(&migrations(), |t| async move {
        let house = House::new(&t).await;
        let [head, chief, _, staff] = [0, 1, 2, 3].map(|n| house.as_person(n));
        let ask = format!("/organization/people/{}/ask", house.people[3]);
        let own = format!("/organization/people/{}", house.people[3]);
        assert_eq!(staff.get(&own).await.0, StatusCode::NOT_FOUND, "reads no records");
        let id = staff.form("/organization/me").await;
        let (_, page) = staff.get("/organization/me").await;
        assert!(page.contains("您可以申请变更") && !page.contains("/organization/units/"), "{page}");

        // What the rules would refuse in the end is refused at once.
        for (act, body, says) in [
            ("rename", "name=", "不能为空"),
            ("rename", "name=%E4%B8%81%E6%9F%90", "与现在的信息相同"),
            ("assign", "unit_code=zzz&from=2026-11-01", "zzz"),
            ("assign", "unit_code=other&from=x", "x"),
            ("attribute", "attribute=email&text=nobody&since=2026-11-01", "请填写邮箱地址"),
        ] {
            let body = format!("{body}&approval={id}");
            let (status, _, page) = staff.post(&format!("{ask}/{act}"), &body).await;
            assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains(says), "{act} {page}");
        }
        let body = format!("unit_code=other&post=%E7%A7%91%E5%91%98&from=2026-12-01&kind=primary&note=why&approval={id}");
        let (status, to, page) = staff.post(&format!("{ask}/assign"), &body).await;
        assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, &*format!("/approvals/{id}")), "{page}");
        let (_, again, _) = staff.post(&format!("{ask}/assign"), &body).await;
        assert_eq!(again, to, "sent twice, asked for once");
        let (_, page) = staff.get(&to).await;
        for part in ["丁某", "主职", "单位office", "单位other", "2026-12-01", "why", "科长"] {
            assert!(page.contains(part), "{part} is not in {page}");
        }

        // Returned, mended on the same form, agreed to, made.
        head.post(&format!("{to}/return"), "round=1&step=0&reason=when").await;
        let (_, page) = staff.get(&to).await;
        let mend = format!("/organization/me?mend={id}");
        assert!(page.contains(&mend), "{page}");
        let (_, page) = staff.get(&mend).await;
        assert!(page.contains("value=\"other\"") && page.contains("value=\"2026-12-01\""), "{page}");
        let body = format!("unit_code=other&from=2026-12-15&kind=primary&mend={id}");
        let (status, _, page) = staff.post(&format!("{ask}/assign"), &body).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        head.post(&format!("{to}/agree"), "round=2&step=0").await;
        let later = day(12, 20);
        assert_eq!(house.org.unit_of(house.people[3], later).await.unwrap(), Some(house.office));
        let (status, _, page) = chief.post(&format!("{to}/agree"), "round=2&step=1").await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        assert_ne!(house.org.unit_of(house.people[3], later).await.unwrap(), Some(house.office));
        let before = house.org.unit_of(house.people[3], day(12, 14)).await.unwrap();
        assert_eq!(before, Some(house.office), "until then where they were");
    })
    .await;
}

#[tokio::test]
async fn a_clerk_asks_for_others_and_what_changed_since_is_not_made() {
    on_both(&migrations(), |t| async move {
        let house = House::new(&t).await;
        let [head, chief, clerk, staff] = [0, 1, 2, 3].map(|n| house.as_person(n));
        let record = |n: usize| format!("/organization/people/{}", house.people[n]);
        let id = clerk.form(&record(3)).await;
        // Nobody asks for somebody else's without the permission; a clerk not outside the office.
        let body = format!("name=x&approval={id}");
        let (status, _, _) = staff
            .post(&format!("{}/ask/rename", record(2)), &body)
            .await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, _, _) = clerk
            .post(&format!("{}/ask/rename", record(1)), &body)
            .await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, _, _) = clerk.post(&format!("{}/rename", record(3)), &body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "asking is not changing");

        let body = format!("name=%E4%B8%81%E4%B8%80&approval={id}");
        let (_, to, page) = clerk
            .post(&format!("{}/ask/rename", record(3)), &body)
            .await;
        assert!(!to.is_empty(), "{page}");
        assert_eq!(
            staff.get(&to).await.0,
            StatusCode::NOT_FOUND,
            "whom it is about has no part in it"
        );
        head.post(&format!("{to}/agree"), "round=1&step=0").await;
        let (all, by) = (Scope::All, None);
        house
            .org
            .rename_person(house.people[3], "丁二", by, &all)
            .await
            .unwrap();
        let (status, _, page) = chief.post(&format!("{to}/agree"), "round=1&step=1").await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("已经变更"),
            "{page}"
        );
        let card = house.org.person(house.people[3], &all).await.unwrap();
        assert_eq!(card.person.name, "丁二");
        chief
            .post(&format!("{to}/return"), "round=1&step=1&reason=x")
            .await;
        let body = format!("name=%E4%B8%81%E4%B8%80&mend={id}");
        let (status, _, page) = clerk
            .post(&format!("{}/ask/rename", record(2)), &body)
            .await;
        assert_eq!(
            status,
            StatusCode::NOT_FOUND,
            "another person's form: {page}"
        );
        clerk
            .post(&format!("{}/ask/rename", record(3)), &body)
            .await;
        for (who, step) in [(&head, 0), (&chief, 1)] {
            who.post(&format!("{to}/agree"), &format!("round=2&step={step}"))
                .await;
        }
        let card = house.org.person(house.people[3], &all).await.unwrap();
        assert_eq!(card.person.name, "丁一");

        // The head asks for themselves: the chief of the unit above decides both steps only if four eyes allow.
        let id = head.form("/organization/me").await;
        let body = format!("attribute=email&text=a%40b.example&since=2026-11-01&approval={id}");
        let ask = format!("{}/ask/attribute", record(0));
        let (status, _, page) = head.post(&ask, &body).await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("没有可以审批的人"),
            "{page}"
        );
        let new = NewAssignment {
            unit: house.top,
            post: "科长".into(),
            from: day(1, 1),
            to: None,
            primary: false,
            nature: Default::default(),
        };
        house
            .org
            .assign(house.people[2], &new, None, &all)
            .await
            .unwrap();
        let (_, to, page) = head.post(&ask, &body).await;
        assert!(!to.is_empty(), "{page}");
        clerk.post(&format!("{to}/agree"), "round=1&step=0").await;
        chief.post(&format!("{to}/agree"), "round=1&step=1").await;
        let mut tx = t.db.read().await.unwrap();
        let found = finding::values_of(&mut tx, &house.people, "email", day(11, 20))
            .await
            .unwrap();
        assert_eq!(
            found,
            HashMap::from([(house.people[0], "a@b.example".to_owned())])
        );
    })
    .await;
}
