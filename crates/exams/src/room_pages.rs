//! The pages of the room: the board, one candidate, and what is done there. The board changes by itself: a stream says
//! that there is something new, the part is asked for again; where streams do not pass, it is asked for now and then.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Form as Body;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use identity::Actor;
use kernel::{AccountId, Error, Id, Msg, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::{Pager, Tag, Tone};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::lane::id;
use crate::model::Exam;
use crate::room::{Board, Deed, Happened, Seat, SeatState};
use crate::{Exams, SUPERVISE};

/// Rows of a page of the board.
const PAGE: usize = 100;
/// How long one stream lasts; the browser asks for the next one by itself.
const STREAM: Duration = Duration::from_secs(300);

/// The routes.
pub(crate) fn routes() -> Routes<Exams> {
    let supervise = Policy::Permission(SUPERVISE);
    Routes::new()
        .get("/exams/{id}/room", supervise, room)
        .get("/exams/{id}/room/board", supervise, part)
        .get("/exams/{id}/room/events", supervise, events)
        .post("/exams/{id}/room/news", supervise, announce)
        .post("/exams/{id}/room/deeds", supervise, act)
        .get("/exams/{id}/room/{attempt}", supervise, seat)
}

/// What of the board is looked at.
#[derive(Deserialize, Serialize, Clone, Default)]
#[serde(default)]
struct Asked {
    state: String,
    q: String,
    page: u64,
}

impl Asked {
    fn query(&self, state: &str, page: u64) -> String {
        format!(
            "state={}&q={}&page={page}",
            web::encode(state),
            web::encode(&self.q)
        )
    }
}

fn state_tag(shell: &Shell, state: SeatState) -> Tag {
    let (tone, icon) = match state {
        SeatState::NotStarted => (Tone::Plain, None),
        SeatState::Sitting => (Tone::Brand, None),
        SeatState::Offline => (Tone::Warn, Some("wifi-off")),
        SeatState::Submitted => (Tone::Ok, Some("check")),
    };
    Tag {
        text: shell.t(&format!("room-state-{}", state.code())),
        tone,
        icon,
    }
}

/// Hours, minutes and seconds of the house.
fn clock(s: &Exams, at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.zoned(s.env.zone()).strftime("%H:%M:%S").to_string())
}

fn seat_json(s: &Exams, shell: &Shell, seat: &Seat, board: &Board) -> Value {
    let last = board.news.last().map_or(0, |n| n.number);
    let silent = seat
        .seen
        .map(|seen| (board.at.0 - seen.0).max(0) / Timestamp::SECOND);
    json!({
        "name": seat.name, "unit": seat.unit_name, "attempt": seat.attempt, "number": seat.number,
        "tag": state_tag(shell, seat.state(board.at)), "began": clock(s, seat.began),
        "deadline": clock(s, seat.deadline), "submitted": clock(s, seat.submitted),
        "silent": silent.filter(|_| seat.submitted.is_none()), "unlocked": seat.unlocked, "signals": seat.signals,
        "behind": seat.attempt.is_some() && seat.submitted.is_none() && seat.heard < last,
        "how": if seat.how.is_empty() { String::new() } else { shell.t(&format!("room-how-{}", seat.how)) },
    })
}

/// The board as it is looked at: counts as tabs, a page of the list.
fn board_json(s: &Exams, shell: &Shell, exam: Id, board: &Board, asked: &Asked) -> Value {
    let counts = board.counts();
    let state = SeatState::of_code(&asked.state);
    let wanted = asked.q.trim().to_lowercase();
    let rows: Vec<&Seat> = board
        .seats
        .iter()
        .filter(|seat| state.is_none_or(|state| seat.state(board.at) == state))
        .filter(|seat| {
            wanted.is_empty()
                || seat.name.to_lowercase().contains(&wanted)
                || seat.unit_name.to_lowercase().contains(&wanted)
        })
        .collect();
    let base = format!("/exams/{exam}/room");
    let tab = |label: String, code: &str, count: usize| {
        json!({ "label": label, "count": count, "current": asked.state == code,
            "href": format!("{base}?{}", asked.query(code, 1)) })
    };
    let mut tabs = vec![tab(shell.t("room-all"), "", board.seats.len())];
    for (state, count) in SeatState::ALL.into_iter().zip(counts) {
        let label = shell.t(&format!("room-state-{}", state.code()));
        tabs.push(tab(label, state.code(), count));
    }
    let page = asked.page.max(1);
    let href = |n| format!("{base}?{}", asked.query(&asked.state, n));
    let pager = Pager::new(rows.len() as u64, PAGE as u64, page, href);
    let first = (usize::try_from(page).unwrap_or(1) - 1).saturating_mul(PAGE);
    let shown: Vec<Value> = rows
        .iter()
        .skip(first)
        .take(PAGE)
        .map(|seat| seat_json(s, shell, seat, board))
        .collect();
    json!({
        "id": exam, "tabs": tabs, "rows": shown, "pager": pager, "at": clock(s, Some(board.at)),
        "nobody": board.seats.is_empty(), "clear": base,
        "refresh": format!("{base}/board?{}", asked.query(&asked.state, page)),
    })
}

async fn people(s: &Exams, deeds: &[Deed], board: &Board) -> Result<Vec<(AccountId, String)>> {
    let mut by: Vec<AccountId> = deeds.iter().map(|d| d.by).collect();
    by.extend(board.news.iter().map(|n| n.by));
    by.sort_unstable();
    by.dedup();
    s.accounts(&by).await
}

fn deed_json(
    s: &Exams,
    shell: &Shell,
    d: &Deed,
    names: &[(AccountId, String)],
    board: &Board,
) -> Value {
    let by = names.iter().find(|(id, _)| *id == d.by);
    let seat = board
        .seats
        .iter()
        .find(|seat| d.attempt.is_some() && seat.attempt == d.attempt);
    let minutes = d.seconds.map(|s| s / 60).unwrap_or_default().to_string();
    json!({
        "title": shell.t_with(&format!("room-deed-{}", d.kind.code()), &[("minutes", &minutes)]),
        "who": seat.map(|seat| seat.name.clone()), "text": d.text, "at": clock(s, Some(d.at)),
        "by": by.map_or("", |(_, name)| name),
    })
}

async fn context(
    s: &Exams,
    shell: &Shell,
    access: &Access,
    exam: Id,
    asked: &Asked,
    form: &Form,
) -> Result<Value> {
    let board = s.board(exam, &access.scope).await?.borrow().clone();
    let Exam { terms, .. } = s.exam(exam, &access.scope).await?;
    let deeds = s.happened(exam, None, &access.scope).await?;
    let names = people(s, &deeds, &board).await?;
    let zone = s.env.zone();
    let sitting = board
        .seats
        .iter()
        .filter(|seat| seat.attempt.is_some() && seat.submitted.is_none());
    let sitting = sitting.count();
    let news: Vec<Value> = board
        .news
        .iter()
        .rev()
        .map(|n| {
            let heard = board.seats.iter().filter(|seat| seat.heard >= n.number).count();
            let by = names.iter().find(|(id, _)| *id == n.by);
            json!({ "text": n.text, "at": clock(s, Some(n.at)), "by": by.map_or("", |(_, name)| name), "heard": heard })
        })
        .collect();
    let log: Vec<Value> = deeds
        .iter()
        .map(|d| deed_json(s, shell, d, &names, &board))
        .collect();
    let mut page = board_json(s, shell, exam, &board, asked);
    page["title"] = json!(terms.title);
    page["window"] = json!(format!(
        "{} – {}",
        terms.opens.minute_text(zone),
        terms.closes.minute_text(zone)
    ));
    page["crumbs"] = json!([{ "label": terms.title, "href": format!("/exams/{exam}") }]);
    page["news"] = json!(news);
    page["log"] = json!(log);
    page["form"] = json!(form);
    page["q"] = json!(asked.q);
    page["state"] = json!(asked.state);
    page["sitting"] = json!(sitting);
    Ok(page)
}

async fn room(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    Path(exam): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let context = context(&s, &shell, &access, id(&exam)?, &asked, &Form::default()).await?;
    shell.page("exams/room.html", context)
}

async fn part(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    Path(exam): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let exam = id(&exam)?;
    let board = s.board(exam, &access.scope).await?.borrow().clone();
    shell.partial(
        "exams/room-part.html",
        board_json(&s, &shell, exam, &board, &asked),
    )
}

/// Says each time that the board looks different, with the counts; nothing of a person is in it.
async fn events(
    State(s): State<Exams>,
    access: Access,
    Path(exam): Path<String>,
) -> Result<Response, Failure> {
    let board = s.board(id(&exam)?, &access.scope).await?;
    let ends = tokio::time::Instant::now() + STREAM;
    let stream = stream::unfold(
        (board, s.closing(), true),
        move |(mut board, mut closing, first)| async move {
            if !first {
                tokio::select! {
                    changed = board.changed() => changed.ok()?,
                    _ = closing.wait_for(|closing| *closing) => return None,
                    () = tokio::time::sleep_until(ends) => return None,
                }
            }
            let now: Arc<Board> = board.borrow_and_update().clone();
            let event = Event::default().data(json!(now.counts()).to_string());
            let event: Result<Event, Infallible> = Ok(event.retry(Duration::from_secs(2)));
            Some((event, (board, closing, false)))
        },
    );
    Ok(Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response())
}

#[derive(Deserialize, Serialize)]
struct Announced {
    text: String,
}

async fn announce(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(exam): Path<String>,
    Body(typed): Body<Announced>,
) -> Result<Response, Failure> {
    let exam = id(&exam)?;
    match s.announce(exam, &typed.text, &access.scope, &actor).await {
        Ok(()) => shell.done(&format!("/exams/{exam}/room"), "room-announced"),
        Err(e) => {
            let form = Form::of(&typed).reject(&shell, e)?;
            let page = context(&s, &shell, &access, exam, &Asked::default(), &form).await?;
            shell.refused("exams/room.html", page)
        }
    }
}

#[derive(Deserialize, Serialize)]
struct Act {
    kind: String,
    #[serde(default)]
    attempt: Option<String>,
    #[serde(default)]
    minutes: String,
    #[serde(default)]
    confirm: String,
    reason: String,
}

async fn act(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(exam): Path<String>,
    Body(typed): Body<Act>,
) -> Result<Response, Failure> {
    let exam = id(&exam)?;
    let kind = Happened::of_code(&typed.kind).ok_or(Error::NotFound)?;
    let attempt = typed.attempt.as_deref().filter(|a| !a.is_empty());
    let attempt = attempt.map(id).transpose()?;
    if kind == Happened::Collected && typed.confirm.trim() != shell.t("room-collect-word") {
        return Err(Error::Conflict(Msg::new("exam-room-confirm")).into());
    }
    // What is no number of minutes is refused as one that cannot be given.
    let minutes: i64 = typed.minutes.trim().parse().unwrap_or_default();
    let seconds = Some(minutes.clamp(0, 100_000) * 60);
    let deed = (kind, attempt, seconds);
    let back = match attempt {
        Some(attempt) => format!("/exams/{exam}/room/{attempt}"),
        None => format!("/exams/{exam}/room"),
    };
    match s
        .in_room(exam, deed, &typed.reason, &access.scope, &actor)
        .await
    {
        Ok(_) => shell.done(&back, "room-done"),
        Err(e) => {
            let form = Form::of(&typed).reject(&shell, e)?;
            match attempt {
                Some(attempt) => {
                    let page = seat_page(&s, &shell, &access, (exam, attempt), &form).await?;
                    shell.refused("exams/room-seat.html", page)
                }
                None => {
                    let asked = Asked::default();
                    let page = context(&s, &shell, &access, exam, &asked, &form).await?;
                    shell.refused("exams/room.html", page)
                }
            }
        }
    }
}

async fn seat_page(
    s: &Exams,
    shell: &Shell,
    access: &Access,
    (exam, attempt): (Id, Id),
    form: &Form,
) -> Result<Value> {
    let seat = s.seat(exam, attempt, &access.scope).await?;
    let board = s.board(exam, &access.scope).await?.borrow().clone();
    let deeds = s.happened(exam, Some(attempt), &access.scope).await?;
    let names = people(s, &deeds, &board).await?;
    let noticed = s.noticed(exam, attempt, &access.scope).await?;
    let terms = s.exam(exam, &access.scope).await?.terms;
    let signals: Vec<Value> = noticed
        .iter()
        .map(|signal| {
            let amount = signal.amount.to_string();
            let key = format!("room-signal-{}", signal.kind.code());
            json!({ "text": shell.t_with(&key, &[("n", &amount)]), "at": clock(s, Some(signal.at)) })
        })
        .collect();
    let log: Vec<Value> = deeds
        .iter()
        .map(|d| deed_json(s, shell, d, &names, &board))
        .collect();
    let open = seat.submitted.is_none();
    Ok(json!({
        "id": exam, "attempt": attempt, "seat": seat_json(s, shell, &seat, &board), "signals": signals, "log": log,
        "form": form, "open": open,
        "crumbs": [{ "label": terms.title, "href": format!("/exams/{exam}") },
            { "label": shell.t("room-title"), "href": format!("/exams/{exam}/room") }],
    }))
}

async fn seat(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    Path((exam, attempt)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let ids = (id(&exam)?, id(&attempt)?);
    let context = seat_page(&s, &shell, &access, ids, &Form::default()).await?;
    shell.page("exams/room-seat.html", context)
}
