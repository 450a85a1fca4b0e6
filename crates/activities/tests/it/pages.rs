//! Pages over HTTP, as somebody with a scope sees them.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use commons::files::Files;
use http_body_util::BodyExt;
use kernel::{AccountId, ActivityId, Scope};
use testkit::{TestDb, on_both, on_sqlite};
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

use crate::house::{House, day, migrations};

fn modules(h: &House, t: &TestDb) -> Vec<Module> {
    let texts = commons::MESSAGES.iter();
    let commons = Module {
        name: "commons",
        messages: texts
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        ..Module::default()
    };
    let files = Files::memory(t.env.clone());
    vec![
        commons,
        organization::module(
            h.org.clone(),
            files,
            organization::Attributes::default(),
            organization::BodyKinds::default(),
        ),
        requests::module(crate::house::asking(t, &h.db, &h.org)),
        activities::module(h.activities.clone()),
    ]
}

/// The program as one person sees it.
pub struct App(Router, String);

impl App {
    pub fn new(h: &House, t: &TestDb, grants: &[(&str, Scope)]) -> Self {
        Self::by(h, t, h.clerk, grants)
    }

    /// As another account sees it.
    pub fn by(h: &House, t: &TestDb, account: AccountId, grants: &[(&str, Scope)]) -> Self {
        let mut principal = Principal::new(account, "林晓岚");
        for (permission, scope) in grants {
            principal = principal.with(*permission, scope.clone());
        }
        Self::seen_by(h, t, Some(principal))
    }

    /// As somebody sees it who has not signed in.
    pub fn nobody(h: &House, t: &TestDb) -> Self {
        Self::seen_by(h, t, None)
    }

    /// As one of the people sees it, who holds nothing.
    pub fn person(h: &House, t: &TestDb, no: &str) -> Self {
        Self::seen_by(h, t, Some(Self::principal(h, t, no)))
    }

    /// The account of one of the people.
    pub fn principal(h: &House, t: &TestDb, no: &str) -> Principal {
        let mut principal = Principal::new(t.env.new_id(), "某人");
        principal.person = Some(h.people[no]);
        principal
    }

    pub fn seen_by(h: &House, t: &TestDb, principal: Option<Principal>) -> Self {
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(principal.clone());
                next.run(request)
            }))
        });
        let router = web::assemble(modules(h, t), options).expect("the modules fit together");
        Self(router, String::new())
    }

    /// The same, with a cookie.
    pub fn with_cookie(&self, cookie: &str) -> Self {
        Self(self.0.clone(), cookie.to_owned())
    }

    /// Somebody who may do everything in a scope.
    pub fn all(h: &House, t: &TestDb, scope: Scope) -> Self {
        let grants = [activities::READ, activities::RECORD, activities::REVERSE];
        Self::new(h, t, &grants.map(|p| (p, scope.clone())))
    }

    pub async fn send(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind)
            .header(header::COOKIE, &self.1)
            .body(Body::from(body))
            .expect("a request");
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.map_or("", |k| k.to_str().unwrap()).to_owned();
        let headers = response.headers().clone();
        let body = response.into_body().collect().await.expect("a whole body");
        Answer {
            status,
            kind,
            headers,
            bytes: body.to_bytes().to_vec(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", vec![]).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs = fields
            .iter()
            .map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)));
        let body = pairs.collect::<Vec<_>>().join("&").into_bytes();
        let kind = "application/x-www-form-urlencoded";
        self.send("POST", path, kind, body).await
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub kind: String,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header of the answer; empty without it.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// A cookie that it sets, as a request sends it.
    pub fn cookie(&self, name: &str) -> String {
        let set = self.headers.get_all(header::SET_COOKIE).iter();
        let set = set.map(|v| v.to_str().unwrap());
        let found = set.into_iter().find(|v| v.starts_with(name));
        found
            .and_then(|v| v.split(';').next())
            .expect("the cookie is set")
            .to_owned()
    }

    /// The page, which must have this status.
    pub fn page(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.text()
    }
}

/// The fields of a good form, to be changed one at a time.
fn form(h: &House, t: &TestDb) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = [
        ("id", t.env.new_id::<ActivityId>().to_string()),
        ("kind", "friday-study".into()),
        ("unit", h.offices[0].to_string()),
        ("date", "2026-11-20".into()),
        ("title", "学习全会精神".into()),
        ("starts", "09:00".into()),
        ("ends", "10:30".into()),
        ("location", "三楼".into()),
        ("observers", String::new()),
    ]
    .map(|(n, v)| (n.to_owned(), v))
    .into();
    for (no, role) in [("001", "present"), ("002", "leave")] {
        fields.push((format!("part-{}", h.people[no]), role.into()));
    }
    fields
}

async fn send(app: &App, fields: &[(String, String)], change: &[(&str, &str)]) -> Answer {
    let mut all: Vec<(&str, &str)> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .filter(|(n, _)| !change.iter().any(|(c, _)| c == n))
        .collect();
    all.extend(change);
    app.post("/activities", &all).await
}

#[tokio::test]
async fn every_template_renders_in_every_language() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(modules(&h, &t), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn the_list_is_filtered_and_says_by_what() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::All);
        assert!(
            app.get("/activities")
                .await
                .page(200)
                .contains("还没有活动记录")
        );
        let mut early = h.session(&t, day(11, 13));
        early.title = "早一场".into();
        h.record(&early).await.unwrap();
        let mut late = h.session(&t, day(11, 20));
        late.title = "晚一场".into();
        late.host = h.offices[1];
        let late = h.record(&late).await.unwrap();
        h.activities
            .reverse(late, "误录一场", &Scope::All, h.clerk)
            .await
            .unwrap();
        let both = app.get("/activities").await.page(200);
        assert!(both.contains("早一场") && both.contains("晚一场"));
        assert!(both.contains("1 / 2"), "present of expected");
        assert!(both.contains("已冲正"), "the state is said in words");
        for (query, chip, early, late) in [
            ("from=2026-11-14", "2026-11-14 起", false, true),
            ("to=2026-11-14", "2026-11-14 止", true, false),
            ("state=reversed", "已冲正", false, true),
            ("state=standing", "有效", true, false),
            ("kind=friday-study", "周五集中学习", true, true),
            (&format!("unit={}", h.offices[0]), "单位O1", true, false),
            ("from=nonsense&kind=&page=-3", "", true, true),
        ] {
            let page = app.get(&format!("/activities?{query}")).await.page(200);
            assert_eq!(
                (page.contains("早一场"), page.contains("晚一场")),
                (early, late),
                "{query}"
            );
            assert!(page.contains(chip), "{query}");
        }
        let none = app
            .get("/activities?from=2026-11-19&state=standing")
            .await
            .page(200);
        assert!(none.contains("没有符合条件的内容") && none.contains("清空条件"));
        // Order, columns and density stand in the address, and the export has the same filters.
        let before = |page: &str| page.find("早一场") < page.find("晚一场");
        for (query, early_first) in [
            ("", false),
            ("sort=date", true),
            ("sort=-recorded", false),
            ("sort=recorded", true),
            ("sort=title", false),
        ] {
            let page = app.get(&format!("/activities?{query}")).await.page(200);
            assert_eq!(before(&page), early_first, "{query}");
        }
        let page = app
            .get("/activities?columns=location,minutes&dense=1&state=standing")
            .await
            .page(200);
        assert!(page.contains("data-label=\"时长\"") && !page.contains("data-label=\"日期\""));
        assert!(
            page.contains("data-density") && page.contains("/activities/export?state=standing\"")
        );
        // Past the end is the last page.
        let past = app.get("/activities?page=99").await.page(200);
        assert!(past.contains("早一场"));
        // Hostile questions: an empty list or a refusal, never a broken page.
        for query in [
            "page=9223372036854775807",
            "kind=%27%20OR%201=1",
            "kind=%00",
            "unit=x%00",
            "page=x",
            "from=9999-99-99&to=-1",
        ] {
            let status = app.get(&format!("/activities?{query}")).await.status;
            assert!(!status.is_server_error(), "{query}: {status}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_form_shows_the_roster_and_records_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::All);
        let path = format!("/activities/new?unit={}&date=2026-11-20", h.offices[0]);
        let page = app.get(&path).await.page(200);
        assert!(page.contains("甲某") && !page.contains("丙某") && !page.contains("丁某"));
        assert!(
            page.contains("&lt;b&gt;乙&lt;&#x2f;b&gt;") || page.contains("&lt;b&gt;乙&lt;/b&gt;")
        );
        assert!(!page.contains("<b>乙</b>"), "a name is text");
        for markup in [
            "data-roster",
            "data-line",
            "data-all=\"present\"",
            "data-tally",
            "键盘",
        ] {
            assert!(page.contains(markup), "{markup}");
        }
        assert!(page.contains(&format!("name=\"part-{}\"", h.people["001"])));
        let june = format!("/activities/new?unit={}&date=2026-06-30", h.offices[0]);
        assert!(
            app.get(&june).await.page(200).contains("丁某"),
            "the roster of that day"
        );
        let done = send(&app, &form(&h, &t), &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        assert_eq!(h.numbers(h.offices[0]).await, (1, 90, 1, 1));
        let list = app.get("/activities").await.page(200);
        assert!(list.contains("学习全会精神"));
    })
    .await;
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_and_says_what_is_wrong() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::All);
        let fields = form(&h, &t);
        let part = format!("part-{}", h.people["002"]);
        for (name, value, text) in [
            ("title", " ", "主题"),
            ("title", &"长".repeat(101), "100"),
            ("date", "2026-02-30", "2026-11-20"),
            ("date", "2026-11-21", "还没有开始"),
            ("starts", "25:00", "15:00"),
            ("ends", "soon", "15:00"),
            ("observers", "999，998", "999"),
            (part.as_str(), "", "1 人没有登记"),
            (part.as_str(), "nonsense", "1 人没有登记"),
            ("location", "a\0b", "100"),
        ] {
            let page = send(&app, &fields, &[(name, value)]).await.page(422);
            assert!(page.contains(text), "{name}={value}: {text} is missing");
            assert!(page.contains("role=\"alert\""), "{name}");
            if name != "title" {
                assert!(page.contains("value=\"学习全会精神\""), "{name}");
            }
            if value != "2026-02-30" && name != part {
                let kept = page.matches(" checked").count();
                assert!(kept >= 2, "{name}={value}: the marks are lost");
            }
        }
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        for (name, value) in [("id", "x"), ("unit", "x"), ("unit", ""), ("kind", "x")] {
            send(&app, &fields, &[(name, value)]).await.page(404);
        }
        // Another one at that time is asked about.
        assert_eq!(send(&app, &fields, &[]).await.status, StatusCode::SEE_OTHER);
        let id = t.env.new_id::<ActivityId>().to_string();
        let page = send(&app, &fields, &[("id", &id)]).await.page(422);
        assert!(page.contains("name=\"another\""));
        let meant = send(&app, &fields, &[("id", &id), ("another", "on")]).await;
        assert_eq!(meant.status, StatusCode::SEE_OTHER);
        // Garbage ids are not found, wherever they stand.
        for path in [
            "/activities/x",
            "/activities/%00",
            "/activities/00000000-0000-0000-0000-000000000000",
        ] {
            app.get(path).await.page(404);
            let good = [("reason", "误录一场"), ("confirm", "冲正")];
            app.post(&format!("{path}/reversal"), &good).await.page(404);
            let part = format!("{path}/parts/x");
            app.post(&part, &[("role", "present")]).await.page(404);
        }
    })
    .await;
}

#[tokio::test]
async fn a_reversal_needs_the_word_and_a_reason() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let app = App::all(&h, &t, Scope::All);
        let (page, path) = (
            format!("/activities/{id}"),
            format!("/activities/{id}/reversal"),
        );
        let shown = app.get(&page).await.page(200);
        assert!(shown.contains("name=\"confirm\"") && shown.contains("name=\"reason\""));
        for fields in [
            &[("reason", "误录一场")][..],
            &[("reason", "误录一场"), ("confirm", "reverse")],
            &[("reason", ""), ("confirm", "冲正")],
        ] {
            let refused = app.post(&path, fields).await.page(422);
            assert!(refused.contains("role=\"alert\""));
            assert!(
                fields[0].1.is_empty() || refused.contains("value=\"误录一场\""),
                "kept"
            );
        }
        assert_eq!(h.numbers(h.bureau).await, (1, 90, 1, 1));
        // Who records but does not reverse sees no such thing, and there is no such route.
        let clerk = App::new(
            &h,
            &t,
            &[
                (activities::READ, Scope::All),
                (activities::RECORD, Scope::All),
            ],
        );
        let shown = clerk.get(&page).await.page(200);
        assert!(!shown.contains("name=\"confirm\"") && shown.contains("/parts/"));
        let good = [("reason", "误录一场"), ("confirm", "冲正")];
        clerk.post(&path, &good).await.page(404);
        let reader = App::new(&h, &t, &[(activities::READ, Scope::All)]);
        assert!(!reader.get(&page).await.page(200).contains("/parts/"));
        reader.get("/activities/new").await.page(404);
        let part = format!("/activities/{id}/parts/{}", h.people["002"]);
        reader.post(&part, &[("role", "present")]).await.page(404);
        // A correction through the page, then the reversal.
        assert_eq!(
            clerk.post(&part, &[("role", "present")]).await.status,
            StatusCode::SEE_OTHER
        );
        clerk.post(&part, &[("role", "king")]).await.page(404);
        assert_eq!(h.numbers(h.bureau).await, (2, 180, 2, 1));
        assert_eq!(app.post(&path, &good).await.status, StatusCode::SEE_OTHER);
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        let shown = app.get(&page).await.page(200);
        assert!(shown.contains("误录一场") && !shown.contains("name=\"confirm\""));
        app.post(&path, &good).await.page(409);
        clerk.post(&part, &[("role", "absent")]).await.page(409);
    })
    .await;
}

#[tokio::test]
async fn hostile_texts_stay_texts_and_the_export_obeys_the_scope() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        for (title, host, date) in [
            ("<script>alert(1)</script>", h.offices[0], day(11, 18)),
            ("=cmd()|' /C calc'!A0", h.offices[0], day(11, 19)),
            ("外单位的学习", h.elsewhere, day(11, 20)),
        ] {
            let mut new = h.session(&t, date);
            new.title = title.into();
            new.host = host;
            h.record(&new).await.unwrap();
        }
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let page = app.get("/activities").await.page(200);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>alert"));
        assert!(!page.contains("外单位"));
        app.get(&format!("/activities?unit={}", h.elsewhere))
            .await
            .page(404);
        let book = app.get("/activities/export?").await;
        assert!(book.kind.contains("spreadsheetml"), "{}", book.kind);
        let sheet = commons::sheets::read("a.xlsx", &book.bytes, &Default::default()).unwrap();
        let cells: Vec<String> = sheet.cells().map(|c| c.text.to_owned()).collect();
        assert!(
            cells.iter().any(|c| c == "=cmd()|' /C calc'!A0"),
            "{cells:?}"
        );
        assert!(cells.iter().any(|c| c.starts_with("<script>")));
        assert!(!cells.iter().any(|c| c.contains("外单位")), "{cells:?}");
        app.get(&format!("/activities/export?unit={}", h.elsewhere))
            .await
            .page(404);
        let filtered = app.get("/activities/export?from=2026-11-19").await;
        let sheet = commons::sheets::read("a.xlsx", &filtered.bytes, &Default::default()).unwrap();
        assert!(!sheet.cells().any(|c| c.text.starts_with("<script>")));
    })
    .await;
}

#[tokio::test]
async fn activities_are_found_by_their_words_within_ones_scope() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::All);
        let mut fields = form(&h, &t);
        for (name, value) in &mut fields {
            if name == "title" {
                *value = "行政复议法专题".to_owned();
            }
        }
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        app.post("/activities", &fields).await.page(303);
        let find = async |app: &App, q: &str| {
            app.get(&format!("/search?q={}", web::encode(q)))
                .await
                .page(200)
        };
        for q in ["复议", "专题 2026-11-20", "行政复议法 三楼"] {
            let page = find(&app, q).await;
            assert!(page.contains("href=\"/activities/"), "{q}: {page}");
        }
        // The pairs are there, the word is not.
        assert!(find(&app, "复议法专").await.contains("/activities/"));
        assert!(find(&app, "法行政").await.contains("没有找到"));
        let stranger = App::all(&h, &t, Scope::Under(vec![h.elsewhere]));
        assert!(find(&stranger, "复议").await.contains("没有找到"));
        // Records that are older than the search are filled in.
        db::transaction!(h.db, |tx| {
            let ids = search::find(
                tx,
                "activity",
                &kernel::words::Words::new("复议"),
                |_, _| "1=1".into(),
                9,
            )
            .await?;
            assert_eq!(ids.len(), 1);
            search::forget(tx, ids[0]).await
        })
        .unwrap();
        assert!(find(&app, "复议").await.contains("没有找到"));
        h.activities.fill_search().await.unwrap();
        assert!(find(&app, "复议").await.contains("/activities/"));
    })
    .await;
}

#[tokio::test]
async fn units_are_picked_by_typing_within_ones_scope() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let unit = async |id| h.org.unit(id, &Scope::All).await.unwrap();
        let (mine, theirs) = (unit(h.offices[0]).await, unit(h.elsewhere).await);
        for path in ["/activities/unit-options", "/activities/new/unit-options"] {
            let offered = |code: &str| format!("{path}?unit={}", web::encode(code));
            let found = app.get(&offered(&mine.code)).await.page(200);
            assert!(
                found.contains(&format!("value=\"{}\"", mine.code)) && found.contains(&mine.name),
                "{found}"
            );
            let found = app.get(&offered(&theirs.code)).await.page(200);
            assert!(!found.contains(&theirs.name), "{found}");
        }
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let there = |page: &str| page.contains(&id.to_string());
        let page = app
            .get(&format!("/activities?unit={}", mine.code))
            .await
            .page(200);
        assert!(there(&page) && page.contains(&mine.name), "{page}");
        let page = app
            .get(&format!("/activities/new?unit={}", mine.code))
            .await
            .page(200);
        assert!(
            page.contains(&format!("name=\"unit\" value=\"{}\"", mine.id)),
            "{page}"
        );
        // What is no unit of one's own is said, and neither list nor form takes another for it.
        let wrong = format!("没有编码为“{}”的单位", theirs.code);
        let page = app
            .get(&format!("/activities?unit={}", theirs.code))
            .await
            .page(200);
        assert!(page.contains(&wrong) && !there(&page), "{page}");
        let page = app
            .get(&format!("/activities/new?unit={}", theirs.code))
            .await
            .page(200);
        assert!(page.contains(&wrong), "{page}");
        let export = app
            .get(&format!("/activities/export?unit={}", theirs.code))
            .await;
        assert_eq!(export.status, StatusCode::UNPROCESSABLE_ENTITY);
        // Who may only read is offered nothing for a new one.
        let reader = App::new(&h, &t, &[(activities::READ, Scope::All)]);
        assert_eq!(
            reader
                .get("/activities/new/unit-options?unit=x")
                .await
                .status,
            StatusCode::NOT_FOUND
        );
    })
    .await;
}
