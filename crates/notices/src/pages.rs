//! Pages: the list of notices, the number at the bell, the settings, and the calendar feed.

use std::sync::Arc;

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use commons::sheets::write::{Value as Cell, xlsx};
use kernel::{Error, Id, Result, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::{Access, Failure, Form, Lang, Policy, Routes, Shell};

use crate::calendar::CalendarSource;
use crate::model::{Choice, NoticeRow, Reader};
use crate::service::Notices;

const PAGE: i64 = 50;

#[derive(Clone)]
struct Rooms {
    notices: Notices,
    sources: Arc<[Arc<dyn CalendarSource>]>,
}

pub(crate) fn routes(notices: Notices, sources: Vec<Arc<dyn CalendarSource>>) -> Routes {
    let own = Policy::SignedIn;
    Routes::new()
        .get("/notices", own, list)
        .get("/notices/count", own, count)
        .get("/notices/list.xlsx", own, sheet)
        .post("/notices/read", own, read_all)
        .get("/notices/settings", own, settings)
        .post("/notices/settings", own, choose)
        .post("/notices/calendar", own, make_feed)
        .post("/notices/calendar/end", own, end_feed)
        .get("/notices/{id}", own, open)
        .get("/calendar/{file}", Policy::Public, feed)
        .with_state(Rooms {
            notices,
            sources: sources.into(),
        })
}

/// What the list can show.
pub(crate) const COLUMNS: [Column; 3] = [
    Column::new("text", "notices-text"),
    Column::new("state", "notices-state"),
    Column::new("at", "notices-at").sorts(),
];
/// Newest first.
const USUAL: Order = Order {
    by: "at",
    down: true,
};

/// The notices that an address asks for, and how many there are.
async fn found(
    s: &Rooms,
    access: &Access,
    asked: &Asked,
    window: Window,
) -> Result<(Vec<NoticeRow>, i64)> {
    let order = Table::order(&COLUMNS, asked, USUAL);
    let (of, unread) = (Reader::of(&access.principal), asked.get("unread").is_some());
    s.notices.page(&of, unread, order, window).await
}

async fn list(
    State(s): State<Rooms>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (rows, total) = found(&s, &access, &asked, asked.window(PAGE)).await?;
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({ "href": format!("/notices/{}", row.id), "text": row.said(shell.catalog(), shell.lang()),
                "at": row.at.0, "read": row.read_at.is_some() })
        })
        .collect();
    let unread = s.notices.unread(&Reader::of(&access.principal)).await?;
    let only_unread = asked.get("unread").is_some();
    let chip = only_unread.then(|| asked.chip("unread", shell.t("notices-only-unread")));
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let context = json!({
        "rows": rows, "unread": unread, "only_unread": only_unread, "chips": chip.as_slice(),
        "ways": [asked.without("unread"), asked.with("unread", "1")],
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some("/notices/list.xlsx")),
        "pager": asked.pager(total, PAGE),
    });
    shell.page("notices/list.html", context)
}

/// One's own notices as a sheet.
async fn sheet(
    State(s): State<Rooms>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (rows, total) = found(&s, &access, &asked, Window::EXPORT).await?;
    Window::fits(total)?;
    let zone = shell.env().zone();
    let rows = rows.iter().map(|row| -> Vec<Cell> {
        let state = if row.read_at.is_some() {
            "notices-read"
        } else {
            "notices-new"
        };
        vec![
            row.said(shell.catalog(), shell.lang()).into(),
            shell.t(state).into(),
            row.at.minute_text(zone).into(),
        ]
    });
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header = header.each_ref().map(String::as_str);
    let title = shell.t("notices-menu");
    let bytes = xlsx(&title, &header, rows)?;
    let today = format_date(shell.env().today());
    Ok(web::attachment(
        web::XLSX,
        &format!("{title}-{today}.xlsx"),
        bytes,
    ))
}

/// The bell with its number, for the bar of every page.
async fn count(State(s): State<Rooms>, shell: Shell, access: Access) -> Result<Response, Failure> {
    let unread = s.notices.unread(&Reader::of(&access.principal)).await?;
    shell.partial("notices/count.html", json!({ "unread": unread }))
}

/// Reads one and goes where it leads.
async fn open(
    State(s): State<Rooms>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let opened = s.notices.open(&Reader::of(&access.principal), id).await?;
    shell.redirect(&opened.href)
}

async fn read_all(
    State(s): State<Rooms>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    s.notices.read_all(&Reader::of(&access.principal)).await?;
    shell.done("/notices", "notices-all-read")
}

/// An address as its owner may see it on a screen: `z***@example.test`.
fn masked(address: &str) -> String {
    let (name, host) = address.split_once('@').unwrap_or((address, ""));
    let first: String = name.chars().take(1).collect();
    format!("{first}***@{host}")
}

async fn settings_page(s: &Rooms, access: &Access, feed: Option<String>) -> Result<Value> {
    let principal = &access.principal;
    let choice = s.notices.choice(Reader::first_of(principal)).await?;
    let mut address = None;
    if let (Some(person), true) = (principal.person, s.notices.courier.is_some()) {
        let found = s.notices.contacts.addresses(&[person]).await?;
        address = found.get(&person).map(|a| masked(a));
    }
    let form = Form::default()
        .with("mail", if choice.mail { "on" } else { "" })
        .with("lang", choice.lang.code());
    let made = s.notices.feed_made(principal.account).await?;
    Ok(
        json!({ "form": form, "mail": s.notices.courier.is_some(), "address": address,
        "person": principal.person.is_some(), "feed": feed, "made": made.map(|at| at.0),
        "keep_days": s.notices.settings.keep_days }),
    )
}

async fn settings(
    State(s): State<Rooms>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let context = settings_page(&s, &access, None).await?;
    shell.page("notices/settings.html", context)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chosen {
    mail: String,
    lang: String,
}

async fn choose(
    State(s): State<Rooms>,
    shell: Shell,
    access: Access,
    Posted(chosen): Posted<Chosen>,
) -> Result<Response, Failure> {
    let choice = Choice {
        mail: !chosen.mail.is_empty(),
        lang: Lang::from_code(&chosen.lang).unwrap_or(shell.lang()),
    };
    let of = Reader::first_of(&access.principal);
    s.notices.choose(of, choice).await?;
    shell.done("/notices/settings", "notices-chosen")
}

/// Makes a feed; its address is shown this once.
async fn make_feed(
    State(s): State<Rooms>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let principal = &access.principal;
    let person = principal.person.ok_or(Error::NotFound)?;
    let token = s.notices.make_feed(principal.account, person).await?;
    let url = format!("{}/calendar/{token}.ics", s.notices.settings.public_url);
    let context = settings_page(&s, &access, Some(url)).await?;
    shell.page("notices/settings.html", context)
}

async fn end_feed(
    State(s): State<Rooms>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    s.notices.end_feed(access.principal.account).await?;
    shell.done("/notices/settings", "notices-feed-ended")
}

/// The token is the key: a calendar program has no session.
async fn feed(
    State(s): State<Rooms>,
    shell: Shell,
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Result<Response, Failure> {
    let token = file.strip_suffix(".ics").ok_or(Error::NotFound)?;
    let (text, tag) = s
        .notices
        .feed_text(token, &s.sources, shell.catalog())
        .await?;
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let known = known.filter_map(|line| line.to_str().ok());
    let same = known
        .flat_map(|line| line.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let about = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (
            header::CONTENT_TYPE,
            "text/calendar; charset=utf-8".to_owned(),
        ),
    ];
    if same {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    Ok((about, text).into_response())
}
