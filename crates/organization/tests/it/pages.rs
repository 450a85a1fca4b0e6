//! Pages and API, through HTTP.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use commons::files::Files;
use commons::packs::Packs;
use http_body_util::BodyExt;
use kernel::{Env, Scope, UnitId};
use organization::{Attributes, BodyKinds, MANAGE, MIGRATIONS, Organization, READ, module};
use testkit::{TestDb, on_both, on_sqlite};
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

use crate::{add, day, organization};

const PERSONS: &str = "工号,姓名,单位编码,职务,起始日期,截止日期\n001,甲某,b,科长,2026-01-01,\n002,<i>乙,c,,2026-01-01,2026-06-30\n003,丙某,d,,2026-01-01,\n";

/// What commons brings to the program: texts only.
pub fn commons_texts() -> Module {
    let texts = commons::MESSAGES.iter();
    Module {
        name: "commons",
        messages: texts
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        ..Module::default()
    }
}

fn packs() -> Packs {
    let text = include_str!("../../../../packs/people-cn.toml").to_owned();
    Packs::load(vec![("people-cn.toml".to_owned(), text)]).expect("the pack loads")
}

pub fn attributes() -> Attributes {
    Attributes::read(&packs()).expect("no mistakes")
}

pub fn kinds() -> BodyKinds {
    BodyKinds::read(&packs()).expect("no mistakes")
}

pub struct App {
    router: Router,
    pub org: Organization,
}

impl App {
    /// The program for somebody who may read and manage in a scope.
    pub fn new(t: &TestDb, scope: Scope) -> Self {
        let principal = Principal::new(t.env.new_id(), "林晓岚")
            .with(READ, scope.clone())
            .with(MANAGE, scope);
        Self::over(t, organization(t), principal)
    }

    /// The program over an organization for somebody.
    pub fn over(t: &TestDb, org: Organization, principal: Principal) -> Self {
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        let files = Files::memory(t.env.clone());
        let modules = vec![
            commons_texts(),
            module(org.clone(), files, attributes(), kinds()),
        ];
        let router = web::assemble(modules, options).expect("the modules fit together");
        Self { router, org }
    }

    async fn respond(&self, request: Request) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        (parts.status, parts.headers, bytes.to_vec())
    }

    async fn send(&self, request: Request) -> (StatusCode, String) {
        let (status, _, bytes) = self.respond(request).await;
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file as it is downloaded.
    pub async fn file(&self, path: &str) -> Vec<u8> {
        let request = Request::get(path).header(header::HOST, "suneng.test");
        let request = request.body(Body::empty()).expect("a request");
        let (status, _, bytes) = self.respond(request).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        bytes
    }

    /// A file that a form asks for.
    pub async fn posted(&self, path: &str, body: &str) -> Vec<u8> {
        let request = Request::post(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, FORM);
        let request = request.body(Body::from(body.to_owned()));
        let (status, _, bytes) = self.respond(request.expect("a request")).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        bytes
    }

    /// The part of a page that htmx asks for.
    pub async fn part(&self, path: &str) -> String {
        let request = Request::get(path)
            .header(header::HOST, "suneng.test")
            .header("hx-request", "true");
        self.send(request.body(Body::empty()).expect("a request"))
            .await
            .1
    }

    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::HOST, "suneng.test");
        self.send(request.body(Body::empty()).expect("a request"))
            .await
    }

    pub async fn post(&self, path: &str, kind: &str, body: Vec<u8>) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind);
        self.send(request.body(Body::from(body)).expect("a request"))
            .await
    }

    /// Posts files as a form does; gives status, where it leads, and the page.
    pub async fn send_files(
        &self,
        path: &str,
        files: &[(&str, &[u8])],
    ) -> (StatusCode, String, String) {
        let mut body = Vec::new();
        for (name, content) in files {
            let head = format!(
                "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
            );
            body.extend([head.as_bytes(), content, b"\r\n"].concat());
        }
        body.extend(b"--X--\r\n");
        let request = Request::post(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X");
        let request = request.body(Body::from(body)).expect("a request");
        let (status, headers, bytes) = self.respond(request).await;
        let to = headers
            .get(header::LOCATION)
            .map(|v| v.to_str().expect("a path"));
        let to = to.unwrap_or_default().to_owned();
        (status, to, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Uploads a table and gives the place of its import, or the page that refuses it.
    pub async fn open(&self, name: &str, content: &[u8]) -> Result<String, String> {
        let files = [(name, content)];
        let (status, to, page) = self.send_files("/organization/import", &files).await;
        if status == StatusCode::SEE_OTHER {
            return Ok(to);
        }
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        Err(page)
    }

    /// Waits until an import rests, as the page does; gives the page, or nothing when it is done.
    pub async fn rest(&self, place: &str) -> String {
        for _ in 0..600 {
            let (status, page) = self.get(&format!("{place}/progress")).await;
            if status == StatusCode::SEE_OTHER {
                return self.get(place).await.1;
            }
            assert!(page.contains("every 1s"), "{page}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the import does not end");
    }

    pub async fn act(&self, place: &str, act: &str, body: &str) -> (StatusCode, String) {
        let path = format!("{place}/{act}");
        self.post(&path, FORM, body.as_bytes().to_vec()).await
    }

    /// Goes on with the columns that the page proposes.
    pub async fn check(&self, place: &str) -> String {
        let (_, page) = self.get(place).await;
        let body = proposed(&page);
        let (status, page) = self.act(place, "check", &body).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        self.rest(place).await
    }

    /// Uploads and checks; gives the place and the preview.
    pub async fn preview(&self, name: &str, content: &[u8]) -> (String, String) {
        let place = self.open(name, content).await.expect("a table");
        let page = self.check(&place).await;
        (place, page)
    }

    /// Publishes; gives the page that says why not, or nothing.
    pub async fn publish(&self, place: &str) -> String {
        let (status, page) = self.act(place, "publish", "").await;
        if status != StatusCode::SEE_OTHER {
            return page;
        }
        self.rest(place).await
    }

    /// Uploads and publishes what the preview offers.
    pub async fn import(&self, content: &[u8]) {
        let (place, page) = self.preview("t.csv", content).await;
        assert!(page.contains("/publish\""), "{page}");
        assert_eq!(self.publish(&place).await, "");
    }
}

/// The choices of a form with selects as a browser would send them.
pub fn proposed(page: &str) -> String {
    let mut body = String::new();
    for select in page.split("<select ").skip(1) {
        let select = select.split("</select>").next().expect("its end");
        let name = select.split("name=\"").nth(1).expect("a name");
        let name = name.split('"').next().expect("its end");
        let value = select.split(" selected").next().expect("a part");
        let value = match select.contains(" selected") {
            true => value.rsplit("value=\"").next().expect("a value"),
            false => "\"",
        };
        let value = value.split('"').next().expect("its end");
        body += &format!("&{name}={value}");
    }
    body.trim_start_matches('&').to_owned()
}

/// a over b over c, and a over d, with one person in each but a.
pub async fn house(t: &TestDb) -> (App, [UnitId; 4]) {
    let app = App::new(t, Scope::All);
    let a = add(&app.org, None, "a").await;
    let b = add(&app.org, Some(a), "b").await;
    let c = add(&app.org, Some(b), "c").await;
    let d = add(&app.org, Some(a), "d").await;
    app.import(PERSONS.as_bytes()).await;
    (app, [a, b, c, d])
}

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(MIGRATIONS, |t| async move {
        let modules = vec![
            commons_texts(),
            module(
                organization(&t),
                Files::memory(Env::system()),
                attributes(),
                kinds(),
            ),
        ];
        assert_eq!(
            web::samples::problems(modules, &t.env),
            Vec::<String>::new()
        );
    }));
}

#[tokio::test]
async fn the_tree_and_the_roster_of_a_day_are_shown() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, c, d]) = house(&t).await;
        let (status, page) = app.get("/organization").await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("甲某") && page.contains("丙某"), "{page}");
        assert!(!page.contains("&lt;i&gt;乙"), "left in June");
        let (_, page) = app
            .get(&format!("/organization?unit={a}&date=2026-06-30"))
            .await;
        assert!(page.contains("&lt;i&gt;乙") && !page.contains("<i>乙"));
        let (_, page) = app
            .get(&format!("/organization?unit={b}&date=2026-06-30&only=own"))
            .await;
        assert!(page.contains("甲某") && !page.contains("乙</b>") && !page.contains("丙某"));
        assert!(page.contains("单位c"), "the selected unit is unfolded");
        let (_, page) = app.get(&format!("/organization?unit={a}&q=jm")).await;
        assert!(page.contains("甲某") && !page.contains("丙某"));
        let (_, page) = app.get(&format!("/organization?unit={a}&q=nobody")).await;
        assert!(page.contains("清空条件"));
        let (_, page) = app.get(&format!("/organization?unit={c}")).await;
        assert!(page.contains("这一天没有人员"));
        let (status, page) = app.get("/organization?date=x").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("不是日期"));
        let (status, _) = app.get("/organization?unit=x").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, book) = app
            .get(&format!("/organization/roster.xlsx?unit={d}"))
            .await;
        assert_eq!(status, StatusCode::OK);
        assert!(book.starts_with("PK"));
    })
    .await;
}

#[tokio::test]
async fn what_is_outside_the_scope_does_not_exist() {
    on_both(MIGRATIONS, |t| async move {
        let (_, [a, b, c, d]) = house(&t).await;
        let app = App::new(&t, Scope::Under(vec![b]));
        let (_, page) = app.get("/organization?date=2026-03-01").await;
        assert!(page.contains("单位b") && page.contains("乙"));
        assert!(!page.contains("单位a") && !page.contains("单位d") && !page.contains("丙某"));
        for path in [
            "/organization",
            "/organization/roster.xlsx",
            "/api/v1/persons",
        ] {
            for unit in [a, d] {
                let (status, _) = app.get(&format!("{path}?unit={unit}")).await;
                assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            }
        }
        let (_, units) = app.get("/api/v1/units").await;
        assert!(
            units.contains(&c.to_string()) && !units.contains(&a.to_string()),
            "{units}"
        );
        let (_, page) = app
            .preview("t.csv", PERSONS.replace("丙某", "丁某").as_bytes())
            .await;
        assert!(page.contains("003") && page.contains("A4"), "{page}");
        let nobody = App::new(&t, Scope::nothing());
        for path in ["/organization", "/organization/import", "/api/v1/units"] {
            assert_eq!(nobody.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_api_gives_what_the_page_shows() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, ..]) = house(&t).await;
        let ask = async |query: String| -> serde_json::Value {
            let (status, body) = app.get(&format!("/api/v1/persons?{query}")).await;
            assert_eq!(status, StatusCode::OK, "{body}");
            serde_json::from_str(&body).unwrap()
        };
        let all = ask(format!("unit={a}&date=2026-06-30")).await;
        assert_eq!(all["total"], 3);
        assert_eq!(all["persons"][0]["staff_no"], "001");
        assert_eq!(all["persons"][0]["unit"], b.to_string());
        let second = ask(format!("unit={a}&date=2026-06-30&size=2&page=2")).await;
        assert_eq!(
            (
                second["persons"].as_array().unwrap().len(),
                &second["total"]
            ),
            (1, &all["total"])
        );
        let own = ask(format!("unit={b}&date=2026-06-30&subtree=false")).await;
        assert_eq!(own["total"], 1);
        assert_eq!(
            app.get("/api/v1/persons?date=x").await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(app.get("/api/v1/persons").await.0, StatusCode::NOT_FOUND);
    })
    .await;
}

pub const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_unit_is_changed_on_its_pages_and_shows_what_it_was() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, c, d]) = house(&t).await;
        let post = async |unit: UnitId, act: &str, body: &str| {
            let path = format!("/organization/units/{unit}/{act}");
            app.post(&path, FORM, body.as_bytes().to_vec()).await
        };
        let (status, page) = app.get(&format!("/organization/units/{c}/edit")).await;
        assert!(
            status.is_success() && page.contains("value=\"2026-11-20\""),
            "{page}"
        );
        let (status, page) = post(c, "edit", "name=&unit_code=zz&date=2026-07-01").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.contains("zz") && page.contains("f-unit_code"),
            "{page}"
        );
        let (status, page) = post(c, "edit", "name=x&unit_code=d&date=2026-12-01").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.contains("id=\"e-date\""),
            "the future is refused: {page}"
        );
        let body = "name=%3Cb%3E&unit_code=d&date=2026-07-01&basis=x%E3%80%942026%E3%80%951";
        assert_eq!(post(c, "edit", body).await.0, StatusCode::SEE_OTHER);
        let (_, page) = app.get(&format!("/organization/units/{c}")).await;
        assert!(
            page.contains("&lt;b&gt;") && !page.contains("<b><b>"),
            "{page}"
        );
        for part in ["2026-01-01", "2026-07-01", "x〔2026〕1", "单位d", "单位b"] {
            assert!(page.contains(part), "{part}: {page}");
        }

        // What stands in the way of closing is said in numbers.
        let (status, page) = post(d, "close", "date=2026-11-20").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("任职人员 1 人、下级单位 1 个"), "{page}");
        let body = "unit_code=b&date=2026-08-01";
        assert_eq!(post(d, "merge", body).await.0, StatusCode::SEE_OTHER);
        let (_, page) = app.get(&format!("/organization/units/{d}")).await;
        assert!(
            page.contains("2026-07-31") && !page.contains("/split\""),
            "{page}"
        );
        let (_, tree) = app.get(&format!("/organization?unit={a}")).await;
        assert!(!tree.contains("单位d"), "what has ended is not in the tree");
        let (_, tree) = app
            .get(&format!("/organization?unit={a}&date=2026-07-31"))
            .await;
        assert!(tree.contains("单位d"), "but it was on that day");

        let (_, page) = app.get(&format!("/organization/units/{b}/split?")).await;
        let person = page.split("name=\"person\" value=\"").nth(1).unwrap();
        let person = person.split('"').next().unwrap();
        let (status, page) = post(
            b,
            "split",
            &format!("code=b&name=n&date=2026-09-01&person={person}"),
        )
        .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.contains("checked"),
            "who was picked stays picked: {page}"
        );
        let body = format!("code=b2&name=n&date=2026-09-01&person={person}");
        assert_eq!(post(b, "split", &body).await.0, StatusCode::SEE_OTHER);
        let new = app.org.unit_by_code("b2", &Scope::All).await.unwrap();
        let roster = app
            .org
            .roster(new.id, day(9, 1), false, &Scope::All)
            .await
            .unwrap();
        assert_eq!(roster.len(), 1);
        let body = "code=b3&name=n&date=2026-09-01&category=x";
        assert_eq!(post(b, "add", body).await.0, StatusCode::SEE_OTHER);
        let (_, found) = app.get("/organization/unit-options?unit_code=b").await;
        assert!(
            found.contains("value=\"b3\"") && !found.contains("value=\"d\""),
            "{found}"
        );
        assert_eq!(post(b, "blow-up", body).await.0, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn units_outside_the_scope_are_neither_shown_nor_changed() {
    on_sqlite(MIGRATIONS, |t| async move {
        let (_, [a, b, _, d]) = house(&t).await;
        let app = App::new(&t, Scope::Under(vec![b]));
        for path in ["", "/edit", "/close"] {
            let path = format!("/organization/units/{d}{path}");
            assert_eq!(app.get(&path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        let path = format!("/organization/units/{a}/edit");
        let body = b"name=x&date=2026-07-01".to_vec();
        assert_eq!(app.post(&path, FORM, body).await.0, StatusCode::NOT_FOUND);
        let (_, page) = app.get(&format!("/organization/units/{b}")).await;
        assert!(
            page.contains("管理范围外的单位") && !page.contains("单位a"),
            "{page}"
        );
        let path = format!("/organization/units/{b}/merge");
        let body = b"unit_code=d&date=2026-07-01".to_vec();
        let (status, page) = app.post(&path, FORM, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("没有编码为“d”的单位"), "{page}");
        let (_, found) = app.get("/organization/unit-options?unit_code=d").await;
        assert!(!found.contains("value=\"d\""), "{found}");
    })
    .await;
}

#[tokio::test]
async fn a_person_is_added_moved_and_described_on_their_page() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, c, d]) = house(&t).await;
        let path = format!("/organization/units/{b}/people/new");
        let add = async |body: &str| app.post(&path, FORM, body.as_bytes().to_vec()).await;
        let (status, page) = add("staff_no=001&name=%E5%AD%99&from=2026-03-01").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.contains("工号“001”已被使用") && page.contains("孙"),
            "{page}"
        );
        let (status, page) = add("staff_no=&name=&from=x").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        let body = "staff_no=900&name=%E5%8D%95%3Cb%3E&from=2026-03-01&post=%E7%A7%91%E5%91%98";
        assert_eq!(add(body).await.0, StatusCode::SEE_OTHER);
        let roster = app
            .org
            .roster(b, day(11, 20), false, &Scope::All)
            .await
            .unwrap();
        let id = roster.iter().find(|r| r.staff_no == "900").unwrap().person;
        let post = async |act: &str, body: &str| {
            let path = format!("/organization/people/{id}/{act}");
            app.post(&path, FORM, body.as_bytes().to_vec()).await
        };
        let moved = "unit_code=d&from=2026-07-01&post=%E7%A7%91%E9%95%BF&kind=primary";
        assert_eq!(post("assign", moved).await.0, StatusCode::SEE_OTHER);
        let second = "unit_code=c&from=2026-09-01&to=2026-10-31&kind=second";
        assert_eq!(post("assign", second).await.0, StatusCode::SEE_OTHER);
        for (date, unit, there) in [
            (day(6, 30), b, true),
            (day(7, 1), b, false),
            (day(7, 1), d, true),
            (day(9, 15), c, false),
        ] {
            let roster = app
                .org
                .roster(unit, date, false, &Scope::All)
                .await
                .unwrap();
            assert_eq!(roster.iter().any(|r| r.person == id), there, "{date}");
        }
        let (status, page) = post("assign", "unit_code=zz&from=2026-07-01").await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("zz"),
            "{page}"
        );
        let wrong = "unit_code=d&from=2026-07-01&to=2026-06-01";
        assert_eq!(
            post("assign", wrong).await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );

        assert_eq!(
            post("attribute", "value=class.judge&since=2026-03-01")
                .await
                .0,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            post("attribute", "value=class.police&since=2026-08-01")
                .await
                .0,
            StatusCode::SEE_OTHER
        );
        for wrong in [
            "value=class.king&since=2026-08-01",
            "value=hair.red&since=2026-08-01",
            "value=&since=",
        ] {
            assert_eq!(
                post("attribute", wrong).await.0,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{wrong}"
            );
        }
        let card = app.org.person(id, &Scope::All).await.unwrap();
        assert_eq!(card.traits.on("class", day(7, 31)), Some("judge"));
        assert_eq!(card.traits.on("class", day(8, 1)), Some("police"));
        assert_eq!(
            post("attribute", "value=class.&since=2026-11-01").await.0,
            StatusCode::SEE_OTHER
        );
        let card = app.org.person(id, &Scope::All).await.unwrap();
        assert_eq!(card.traits.on("class", day(11, 20)), None);
        let (_, page) = app.get(&format!("/organization/people/{id}")).await;
        for part in [
            "单&lt;b&gt;",
            "员额法官",
            "人民警察",
            "科长",
            "2026-07-01",
            "单位b",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert_eq!(
            post("rename", "name=%E5%8D%95%E4%BA%91").await.0,
            StatusCode::SEE_OTHER
        );

        let now = card
            .assignments
            .iter()
            .find(|a| a.primary && a.unit == d)
            .unwrap()
            .id;
        let early = format!("assignment={now}&last=2026-06-01");
        assert_eq!(
            post("end", &early).await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        let end = format!("assignment={now}&last=2026-10-31");
        assert_eq!(post("end", &end).await.0, StatusCode::SEE_OTHER);
        let (_, page) = app.get(&format!("/organization/people/{id}")).await;
        assert!(
            page.contains("目前没有任职") && page.contains("单云"),
            "{page}"
        );

        // For others this person does not exist, nor may they be sent where one may not.
        let theirs = App::new(&t, Scope::Under(vec![b]));
        let path = format!("/organization/people/{id}");
        assert_eq!(theirs.get(&path).await.0, StatusCode::NOT_FOUND);
        let mine = App::new(&t, Scope::Under(vec![d]));
        let away = b"unit_code=b&from=2026-11-01".to_vec();
        let (status, _) = mine.post(&format!("{path}/assign"), FORM, away).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}
