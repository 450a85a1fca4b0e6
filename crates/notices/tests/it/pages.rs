//! Pages, API and feed, through HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use db::transaction;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use kernel::{AccountId, Date, Msg, PersonId, Result, Timestamp};
use notices::{CalendarSource, Event, MIGRATIONS, Notices, Reader, When, module};
use testkit::{TestDb, on_both, on_sqlite};
use tower::ServiceExt;
use web::{Options, Principal};

use crate::{Book, notice, notices};

struct Days;

impl CalendarSource for Days {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Event>>> {
        assert!(from < to);
        let event = Event {
            uid: format!("{person}-1"),
            title: Msg::new("notices-mail-many").with("count", 3),
            when: When::Day(Date::constant(2026, 12, 1)),
            href: "/approvals/1".into(),
            updated: Timestamp(0),
        };
        Box::pin(async move { Ok(vec![event]) })
    }
}

struct App {
    router: Router,
    notices: Notices,
    book: Book,
    account: AccountId,
    person: PersonId,
}

impl App {
    fn new(t: &TestDb) -> Self {
        let book = Book::default();
        let notices = notices(t, &book);
        let (account, person) = (t.env.new_id(), t.env.new_id());
        let mut principal = Principal::new(account, "林晓岚");
        principal.person = Some(person);
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                let signed_in = !request.uri().path().starts_with("/calendar/");
                request
                    .extensions_mut()
                    .insert(signed_in.then(|| principal.clone()));
                next.run(request)
            }))
        });
        let modules = vec![module(notices.clone(), vec![Arc::new(Days)])];
        let router = web::assemble(modules, options).expect("the modules fit together");
        Self {
            router,
            notices,
            book,
            account,
            person,
        }
    }

    async fn send(&self, request: Request) -> (StatusCode, header::HeaderMap, String) {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        (
            parts.status,
            parts.headers,
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    async fn get(&self, path: &str) -> (StatusCode, header::HeaderMap, String) {
        let request = Request::get(path).header(header::HOST, "suneng.test");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: &str) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (status, _, page) = self
            .send(request.body(Body::from(body.to_owned())).unwrap())
            .await;
        (status, page)
    }
}

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(MIGRATIONS, |t| async move {
        let notices = notices(&t, &Book::default());
        let problems = web::samples::problems(vec![module(notices, vec![])], &t.env);
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn notices_are_listed_counted_and_read() {
    on_both(MIGRATIONS, |t| async move {
        let app = App::new(&t);
        let (_, _, page) = app.get("/notices").await;
        assert!(page.contains("还没有通知"), "{page}");
        let to = [Reader::Person(app.person), Reader::Account(app.account)];
        for _ in 0..30 {
            transaction!(t.db, |tx| app.notices.send(tx, &to, &notice(None)).await).unwrap();
        }
        let other = [Reader::Person(t.env.new_id())];
        transaction!(t.db, |tx| app.notices.send(tx, &other, &notice(None)).await).unwrap();
        let (_, _, bell) = app.get("/notices/count").await;
        assert!(bell.contains(">60<") && !bell.contains("<html"), "{bell}");
        let (_, _, page) = app.get("/notices").await;
        assert_eq!(page.matches("<b>7 条新通知").count(), 50, "{page}");
        let (_, _, rest) = app.get("/notices?page=2").await;
        assert_eq!(rest.matches("<b>7 条新通知").count(), 10);
        let (_, _, past) = app.get("/notices?page=9&sort=at").await;
        assert_eq!(past.matches("<b>7 条新通知").count(), 10, "the last page");
        let (_, _, narrow) = app.get("/notices?columns=at&dense=1&unread=1").await;
        assert!(!narrow.contains("data-label=\"状态\"") && narrow.contains("data-label=\"时间\""));
        let (status, headers, _) = app.get("/notices/list.xlsx?unread=1").await;
        assert_eq!(
            (status, &headers[header::CONTENT_TYPE]),
            (StatusCode::OK, &web::XLSX.parse().unwrap())
        );
        let first = page.split("href=\"/notices/0").nth(1).unwrap();
        let first = format!("/notices/0{}", first.split('"').next().unwrap());
        let (status, headers, _) = app.get(&first).await;
        assert_eq!(
            (status, &headers[header::LOCATION]),
            (StatusCode::SEE_OTHER, &"/approvals/1".parse().unwrap())
        );
        let theirs = app.notices.list(&other, false, None, 1).await.unwrap();
        let (status, _, _) = app.get(&format!("/notices/{}", theirs[0].id)).await;
        assert_eq!(status, StatusCode::NOT_FOUND);

        let (_, _, json) = app.get("/api/v1/notices?unread=true&size=2").await;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&json["unread"], json["notices"].as_array().unwrap().len()),
            (&59.into(), 2)
        );
        let id = json["notices"][0]["id"].as_str().unwrap();
        let (status, answer) = app.post(&format!("/api/v1/notices/{id}/read"), "").await;
        assert_eq!(
            (status, answer.as_str()),
            (StatusCode::OK, "{\"unread\":58}")
        );
        let (status, _) = app.post("/notices/read", "").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (_, _, page) = app.get("/notices?unread=1").await;
        assert!(page.contains("通知都已读过"), "{page}");
        assert_eq!(app.notices.unread(&other).await.unwrap(), 1);
        let (status, _) = app.post("/notices/settings", "mail=on&lang=en").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert!(app.notices.choice(to[0]).await.unwrap().mail);
    })
    .await;
}

#[tokio::test]
async fn a_feed_is_made_renewed_and_ended() {
    on_both(MIGRATIONS, |t| async move {
        let app = App::new(&t);
        let make = async || {
            let (_, page) = app.post("/notices/calendar", "").await;
            let url = page
                .split("value=\"https://suneng.example")
                .nth(1)
                .expect("an address");
            url.split('"').next().unwrap().to_owned()
        };
        let first = make().await;
        let (status, headers, text) = app.get(&first).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            headers[header::CONTENT_TYPE],
            "text/calendar; charset=utf-8"
        );
        assert!(
            text.contains("SUMMARY:3 条新通知\r\n") && text.contains("20261201"),
            "{text}"
        );
        let again = Request::get(&first)
            .header(header::HOST, "suneng.test")
            .header(header::IF_NONE_MATCH, &headers[header::ETAG]);
        let (status, _, text) = app.send(again.body(Body::empty()).unwrap()).await;
        assert_eq!((status, text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        let (_, _, page) = app.get("/notices/settings").await;
        assert!(!page.contains(".ics"), "shown once: {page}");

        let second = make().await;
        assert_ne!(first, second);
        assert_eq!(app.get(&first).await.0, StatusCode::NOT_FOUND);
        assert_eq!(app.get(&second).await.0, StatusCode::OK);
        let bare = second.strip_suffix(".ics").unwrap();
        assert_eq!(app.get(bare).await.0, StatusCode::NOT_FOUND);
        app.book.closed.lock().unwrap().insert(app.account);
        assert_eq!(
            app.get(&second).await.0,
            StatusCode::NOT_FOUND,
            "the account was closed"
        );
        app.book.closed.lock().unwrap().clear();
        app.post("/notices/calendar/end", "").await;
        assert_eq!(app.get(&second).await.0, StatusCode::NOT_FOUND);
    })
    .await;
}
