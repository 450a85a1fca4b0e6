//! The pages of those who sit: the door, the sitting itself, what is theirs, receipts. The sitting is a script that
//! speaks with the direct lane; here is only what wants the session of a browser.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kernel::{Error, FieldError, Msg, PersonId, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Policy, Principal, Routes, Shell};

use crate::lane::{about_json, begun_json, id};
use crate::sit::{About, Door};
use crate::{Exams, Proof};

/// What the script of the sitting says, by key without its prefix.
const WORDS: &[&str] = &[
    "picture",
    "true",
    "false",
    "blank",
    "characters",
    "your-answer",
    "moved",
    "up",
    "down",
    "take-order",
    "choose",
    "material",
    "part",
    "files-choose",
    "files-hint",
    "files-going",
    "files-waiting",
    "files-done",
    "files-refused",
    "files-gone",
    "remove",
    "no-network",
    "failed",
    "who",
    "who-text",
    "sign-in",
    "by-ticket",
    "cannot",
    "again",
    "rule-window",
    "rule-length",
    "rule-paper",
    "rule-pass",
    "rule-late",
    "rule-attempts",
    "rule-shows-at-once",
    "rule-shows-after-close",
    "rule-shows-by-hand",
    "rule-saved",
    "rule-device",
    "rule-signals",
    "begin",
    "read-first",
    "last-receipt",
    "rules",
    "try",
    "read",
    "opens-in",
    "closed",
    "used",
    "try-store",
    "try-no-store",
    "try-clock",
    "try-keys",
    "try-keys-good",
    "beginning",
    "beginning-again",
    "locked",
    "going-on",
    "going-on-text",
    "elsewhere",
    "elsewhere-text",
    "here",
    "stopped",
    "stopped-text",
    "handing-in",
    "handing-in-text",
    "handing-in-again",
    "points",
    "points-waiting",
    "points-later",
    "passed",
    "not-passed",
    "receipt",
    "receipt-text",
    "receipt-lost",
    "receipt-exam",
    "receipt-name",
    "receipt-at",
    "receipt-answered",
    "receipt-attempt",
    "receipt-hash",
    "print",
    "receipt-check",
    "my-exams",
    "by-question",
    "skip",
    "size",
    "dark",
    "hand-in",
    "acts",
    "previous",
    "next",
    "no-print",
    "marked",
    "mark",
    "keys",
    "check",
    "clear",
    "number",
    "of",
    "worth",
    "answered",
    "unanswered",
    "is-marked",
    "is-unsent",
    "comma",
    "card",
    "done-of",
    "each",
    "key-done",
    "key-left",
    "key-now",
    "key-marked",
    "key-unsent",
    "saved",
    "saved-none",
    "unsent-kept",
    "unsent-memory",
    "sending",
    "offline",
    "offline-text",
    "offline-memory",
    "memory",
    "memory-text",
    "refused",
    "online",
    "announced",
    "heard",
    "left",
    "left-aloud",
    "over",
    "over-text",
    "hand-in-sure",
    "hand-in-unsent",
    "hand-in-wait",
    "hand-in-text",
    "hand-in-left",
    "hand-in-marked",
    "go-on",
    "kind-single",
    "kind-multiple",
    "kind-indefinite",
    "kind-judgement",
    "kind-fill-in",
    "kind-short",
    "kind-essay",
    "kind-case",
    "kind-ordering",
    "kind-matching",
    "kind-upload",
];
/// What those words leave open for the script.
const OPEN: [&str; 14] = [
    "n", "all", "time", "status", "from", "to", "points", "at", "used", "grace", "ms", "text",
    "letter", "most",
];
const ALSO_OPEN: [&str; 5] = ["full", "why", "count", "name", "percent"];

/// Where one's own examinations are.
pub(crate) fn menu() -> web::MenuEntry {
    web::MenuEntry {
        group: web::MenuGroup::Work,
        order: 26,
        label_key: "menu-my-exams",
        href: "/my/exams",
        icon: "ballpen",
        permission: None,
    }
}

/// The routes.
pub(crate) fn routes() -> Routes<Exams> {
    Routes::new()
        .get("/sit", Policy::Public, door)
        .get("/sit/{exam}", Policy::Public, sit)
        .get("/receipts", Policy::Public, receipts)
        .get("/my/exams", Policy::SignedIn, mine)
        .post("/api/v1/tickets", Policy::Public, by_ticket)
        .get("/api/v1/exams/{id}/mine", Policy::SignedIn, about)
        .post("/api/v1/exams/{id}/mine", Policy::SignedIn, begin)
}

/// The person for whom somebody acts who has signed in: themselves, or nobody.
pub(crate) fn own(principal: &Principal) -> Option<PersonId> {
    principal.person.filter(|_| principal.on_behalf.is_none())
}

/// The words as JSON that may stand in a page.
fn words(shell: &Shell) -> String {
    let open: Vec<(&str, String)> = OPEN
        .iter()
        .chain(&ALSO_OPEN)
        .map(|name| (*name, format!("{{{name}}}")))
        .collect();
    let open: Vec<(&str, &str)> = open.iter().map(|(name, text)| (*name, &**text)).collect();
    let said = WORDS.iter().map(|key| {
        let text = shell.t_with(&format!("sit-w-{key}"), &open);
        ((*key).to_owned(), Value::from(text))
    });
    let all: Map<String, Value> = said.collect();
    Value::Object(all).to_string().replace('<', "\\u003c")
}

async fn door(shell: Shell) -> Result<Response, Failure> {
    shell.page("exams/sit-door.html", json!({ "form": Form::default() }))
}

async fn sit(
    State(s): State<Exams>,
    shell: Shell,
    Path(exam): Path<String>,
) -> Result<Response, Failure> {
    let exam = id(&exam)?;
    let me = shell.principal().filter(|p| own(p).is_some());
    let zone = s.env.zone().iana_name().unwrap_or("Asia/Shanghai");
    let context = json!({
        "exam": exam, "account": me.map(|p| p.account), "name": me.map(|p| p.name.clone()), "zone": zone,
        "words": words(&shell),
    });
    shell.page("exams/sit.html", context)
}

fn proof(access: &Access) -> Result<Proof> {
    let person = own(&access.principal).ok_or(Error::NotFound)?;
    Ok(Proof::Person(person))
}

async fn about(
    State(s): State<Exams>,
    access: Access,
    Path(exam): Path<String>,
) -> Result<Json<Value>, Failure> {
    let about = s.about(id(&exam)?, &proof(&access)?).await?;
    let mut told = about_json(&s, &about);
    told["name"] = json!(access.principal.name);
    Ok(Json(told))
}

#[derive(Deserialize)]
struct Typed {
    ticket: String,
}

/// Which examination a ticket is for, and what is read before it begins. It stands with the pages, where those who ask
/// too often are slowed down.
async fn by_ticket(
    State(s): State<Exams>,
    Json(typed): Json<Typed>,
) -> Result<Json<Value>, Failure> {
    let about = s.by_ticket(&typed.ticket).await?;
    Ok(Json(about_json(&s, &about)))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Begin {
    device: String,
}

async fn begin(
    State(s): State<Exams>,
    access: Access,
    Path(exam): Path<String>,
    Json(asked): Json<Begin>,
) -> Result<Response, Failure> {
    let begun = s.begin(id(&exam)?, &proof(&access)?, &asked.device).await?;
    Ok((StatusCode::CREATED, Json(begun_json(&begun))).into_response())
}

/// How somebody stands, in words with a colour.
fn tag(shell: &Shell, about: &About) -> Tag {
    let tone = match about.door {
        Door::Running => Tone::Warn,
        Door::Open => Tone::Brand,
        Door::Used => Tone::Ok,
        Door::Before | Door::Closed => Tone::Plain,
    };
    Tag {
        text: shell.t(&format!("sit-door-{}", about.door.code())),
        tone,
        icon: None,
    }
}

async fn mine(State(s): State<Exams>, shell: Shell, access: Access) -> Result<Response, Failure> {
    let person = own(&access.principal);
    let all = match person {
        Some(person) => s.mine(person).await?,
        None => Vec::new(),
    };
    let zone = s.env.zone();
    let row = |a: &About| {
        let now = matches!(a.door, Door::Open | Door::Running);
        let verb = match a.door {
            Door::Running => "sit-w-go-on",
            Door::Open => "sit-w-begin",
            _ => "sit-read-rules",
        };
        let results: Vec<Value> = a
            .sat
            .iter()
            .zip(1..)
            .filter(|((_, submitted), _)| submitted.is_some())
            .map(|((attempt, _), number)| json!({ "attempt": attempt, "number": number }))
            .collect();
        json!({
            "exam": a.exam.id, "title": a.exam.terms.title, "minutes": a.exam.terms.seconds / 60,
            "window": format!("{} – {}", a.exam.terms.opens.minute_text(zone), a.exam.terms.closes.minute_text(zone)),
            "tag": tag(&shell, a), "sit": now || a.door == Door::Before, "now": now, "verb": shell.t(verb),
            "results": results,
        })
    };
    let mut groups = Vec::new();
    for (key, doors) in [
        ("sit-mine-now", &[Door::Running, Door::Open][..]),
        ("sit-mine-coming", &[Door::Before]),
        ("sit-mine-done", &[Door::Used, Door::Closed]),
    ] {
        let mut rows: Vec<&About> = all.iter().filter(|a| doors.contains(&a.door)).collect();
        if doors == [Door::Before] {
            rows.reverse();
        }
        if !rows.is_empty() {
            let rows: Vec<Value> = rows.into_iter().map(row).collect();
            groups.push(json!({ "title": shell.t(key), "rows": rows }));
        }
    }
    shell.page(
        "exams/sit-mine.html",
        json!({ "person": person.is_some(), "groups": groups }),
    )
}

#[derive(Deserialize, Serialize, Default)]
#[serde(default)]
struct Held {
    attempt: String,
    hash: String,
}

/// Whether a receipt is that of the answers as they are stored: anybody who holds one may ask.
async fn receipts(
    State(s): State<Exams>,
    shell: Shell,
    Query(held): Query<Held>,
) -> Result<Response, Failure> {
    let mut page = json!({ "verdict": null, "answered": 0, "at": "", "form": Form::of(&held) });
    if held.attempt.is_empty() && held.hash.is_empty() {
        return shell.page("exams/sit-receipt.html", page);
    }
    let mut faults = Vec::new();
    let attempt = held.attempt.trim().parse();
    if attempt.is_err() {
        faults.push(FieldError {
            field: "attempt".into(),
            message: Msg::new("exam-receipt-attempt"),
        });
    }
    let hash = held.hash.trim();
    if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        faults.push(FieldError {
            field: "hash".into(),
            message: Msg::new("exam-receipt-hash"),
        });
    }
    let (Ok(attempt), true) = (attempt, faults.is_empty()) else {
        let form = Form::of(&held).reject(&shell, Error::Invalid(faults))?;
        page["form"] = json!(form);
        return shell.refused("exams/sit-receipt.html", page);
    };
    let holds = match s.check_receipt(attempt, hash).await {
        Ok(holds) => holds,
        // Whoever guesses learns nothing of which attempts there are.
        Err(Error::NotFound) => false,
        Err(e) => return Err(e.into()),
    };
    page["verdict"] = json!(if holds { "holds" } else { "differs" });
    if holds {
        let (answered, at) = s.receipt_of(attempt).await?;
        page["answered"] = json!(answered);
        page["at"] = json!(moment(at, &s));
    }
    shell.page("exams/sit-receipt.html", page)
}

/// A moment to the second.
pub(crate) fn moment(at: Timestamp, s: &Exams) -> String {
    at.zoned(s.env.zone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}
