//! Pages of the bank: the list, a question with its versions, and what is decided about it.

use std::collections::HashMap;

use axum::Form as Posted;
use axum::extract::{Path, State as Has};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::words::Words;
use kernel::{Error, Id, Msg, Result, Scope};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table};
use web::view::{Chip, Crumb, Event, StepState, Tag, Tone};
use web::{Access, Failure, Form, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::bank::{Bank, Filter, Head, Opened, Point, Questions, State};
use crate::formats::Format;
use crate::letters::letter;
use crate::model::{Key, Kind, Question};
use crate::writing::Verdict;
use crate::{READ, REVIEW, WRITE, bank_page, form_page, import_page};

/// What the crate brings to the house.
pub fn module(questions: Questions) -> Module {
    let source = crate::searching::Source(questions.clone());
    let [read, write, review] = [READ, WRITE, REVIEW].map(Policy::Permission);
    let routes = Routes::new()
        .get("/questions", read, list)
        .get("/questions/export", read, export)
        .get("/questions/banks", read, bank_page::list)
        .post("/questions/banks", write, bank_page::keep)
        .get("/questions/new", write, form_page::new_form)
        .post_up_to("/questions", write, desk::FORM, form_page::keep)
        .get("/questions/import", write, import_page::start)
        .get(
            "/questions/import/template/{format}",
            write,
            import_page::template,
        )
        .post_up_to("/questions/import", write, desk::FORM, import_page::preview)
        .post("/questions/import/publish", write, import_page::publish)
        .post("/questions/propose", write, propose)
        .post("/questions/review", review, decide)
        .get("/questions/{id}", read, show)
        .get("/questions/{id}/edit", write, form_page::edit_form)
        .get("/questions/{id}/pictures/{hash}", read, picture)
        .merge(crate::api::routes())
        .with_state(questions);
    Module {
        name: "questions",
        routes,
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 45,
            label_key: "menu-questions",
            href: "/questions",
            icon: "list-details",
            permission: Some(READ),
        }],
        messages: vec![
            (
                web::Lang::Zh,
                include_str!("../locales/zh-CN/questions.ftl"),
            ),
            (web::Lang::En, include_str!("../locales/en/questions.ftl")),
        ],
        templates: vec![
            (
                "questions/parts.html",
                include_str!("../templates/parts.html"),
            ),
            (
                "questions/list.html",
                include_str!("../templates/list.html"),
            ),
            (
                "questions/show.html",
                include_str!("../templates/show.html"),
            ),
            (
                "questions/form.html",
                include_str!("../templates/form.html"),
            ),
            (
                "questions/banks.html",
                include_str!("../templates/banks.html"),
            ),
            (
                "questions/import.html",
                include_str!("../templates/import.html"),
            ),
            (
                "questions/preview.html",
                include_str!("../templates/preview.html"),
            ),
        ],
        samples: crate::samples::all(),
        search: vec![std::sync::Arc::new(source)],
        openapi: Some(crate::api::openapi()),
        ..Module::default()
    }
}

const PAGE: i64 = 20;

/// What the list can show.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("stem", "question-stem"),
    Column::new("kind", "question-kind").sorts(),
    Column::new("points", "question-points"),
    Column::new("difficulty", "question-difficulty-column").sorts(),
    Column::new("bank", "question-bank"),
    Column::new("state", "question-state"),
    Column::new("changed", "question-changed-at")
        .sorts()
        .on_demand(),
];
/// The newest first.
const USUAL: Order = Order {
    by: "changed",
    down: true,
};

pub(crate) fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("menu-questions"),
        href: "/questions".into(),
    }]
}

pub(crate) fn kind_name(shell: &Shell, kind: Kind) -> String {
    shell.t(&format!("question-kind-{}", kind.code()))
}

/// Codes and names of all kinds.
pub(crate) fn kinds(shell: &Shell) -> Vec<(&'static str, String)> {
    Kind::ALL
        .into_iter()
        .map(|k| (k.code(), kind_name(shell, k)))
        .collect()
}

/// What was asked for; texts that mean nothing are left out, so that an old link still works.
struct Wanted {
    filter: Filter,
    words: Words,
    point: Option<String>,
}

fn wanted(asked: &Asked, points: &[Point]) -> Wanted {
    let bank: Option<Id> = asked.get("bank").and_then(|b| b.parse().ok());
    let point = asked
        .get("point")
        .map(|p| p.trim().to_owned())
        .filter(|p| !p.is_empty());
    let at = point.as_ref().map(|path| {
        let same = points
            .iter()
            .filter(|p| p.path == *path && bank.is_none_or(|b| b == p.bank));
        same.map(|p| p.id).collect()
    });
    Wanted {
        filter: Filter {
            bank,
            kind: asked.get("kind").and_then(Kind::of_code),
            state: asked.get("state").and_then(State::of_code),
            difficulty: asked.get("difficulty").and_then(|d| d.parse().ok()),
            points: at,
            among: None,
        },
        words: Words::new(asked.get("q").unwrap_or_default()),
        point,
    }
}

pub(crate) fn state_tag(shell: &Shell, state: State) -> Tag {
    Tag {
        text: shell.t(&format!("question-state-{}", state.code())),
        tone: match state {
            State::Draft | State::Retired => Tone::Plain,
            State::Review => Tone::Warn,
            State::InUse => Tone::Ok,
            State::Quarantined => Tone::Bad,
        },
        icon: None,
    }
}

fn tags(shell: &Shell, head: &Head) -> Vec<Tag> {
    let mut tags = vec![state_tag(shell, head.state)];
    if head.used > 0 && head.used != head.version {
        tags.push(Tag {
            text: shell.t_with(
                "question-used-version",
                &[("version", &head.used.to_string())],
            ),
            tone: Tone::Ok,
            icon: None,
        });
    }
    tags
}

/// The stem as a list shows it; of a sealed bank only a page that is traced shows it.
fn shown_stem(shell: &Shell, head: &Head, banks: &HashMap<Id, &Bank>) -> String {
    if banks.get(&head.bank).is_some_and(|b| b.sealed) {
        let tail: String = head
            .id
            .to_string()
            .chars()
            .rev()
            .take(6)
            .collect::<String>()
            .chars()
            .rev()
            .collect();
        return shell.t_with("question-sealed-stem", &[("number", &tail)]);
    }
    let marked = head
        .stem
        .split("![](#")
        .enumerate()
        .map(|(at, piece)| match at {
            0 => piece.to_owned(),
            _ => format!("🖼{}", piece.split_once(')').map_or("", |(_, rest)| rest)),
        });
    let text: String = marked.collect();
    if text.trim().is_empty() {
        shell.t("question-stem-none")
    } else {
        text
    }
}

async fn list(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let banks = s.banks(&access.scope).await?;
    let points = s.points(&access.scope).await?;
    let wanted = wanted(&asked, &points);
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let (rows, total) = s
        .page(
            &access.scope,
            &wanted.filter,
            &wanted.words,
            order,
            asked.window(PAGE),
        )
        .await?;
    let by_id: HashMap<Id, &Bank> = banks.iter().map(|b| (b.id, b)).collect();
    let lines: Vec<Value> = rows
        .iter()
        .map(|h| {
            let stem = shown_stem(&shell, h, &by_id);
            json!({
                "href": format!("/questions/{}", h.id), "pick": format!("{}:{}", h.id, h.version), "stem": stem,
                "kind": kind_name(&shell, h.kind), "points": h.points, "difficulty": h.difficulty,
                "bank": by_id.get(&h.bank).map(|b| &b.name), "tags": tags(&shell, h), "changed": h.changed_at.0,
            })
        })
        .collect();
    let chips = chips(&shell, &asked, &wanted, &by_id);
    let mut paths: Vec<&str> = points
        .iter()
        .map(|p| p.path.as_str())
        .filter(|p| !p.is_empty())
        .collect();
    paths.dedup();
    let mut form = Form::default();
    for name in ["q", "bank", "kind", "state", "difficulty", "point"] {
        form = form.with(name, asked.get(name).unwrap_or_default());
    }
    let exports = exports(&asked);
    let states: Vec<_> = State::ALL
        .iter()
        .map(|st| (st.code(), state_tag(&shell, *st).text))
        .collect();
    shell.page(
        "questions/list.html",
        json!({
            "rows": lines, "form": form, "chips": chips, "banks": banks.iter().map(|b| (b.id, &b.name)).collect::<Vec<_>>(),
            "kinds": kinds(&shell), "states": states, "points": paths, "exports": exports, "here": "/questions",
            "table": Table::new(&shell, &COLUMNS, &asked, order, None), "pager": asked.pager(total, PAGE),
            "may_write": access.principal.scope(WRITE).is_some(), "may_review": access.principal.scope(REVIEW).is_some(),
            "back": asked.here(),
        }),
    )
}

/// Where what is filtered can be had in each format.
fn exports(asked: &Asked) -> Vec<(&'static str, String)> {
    let address = asked.filtered("/questions/export");
    let sign = if address.contains('?') { '&' } else { '?' };
    let all = Format::ALL.into_iter();
    all.map(|f| (f.code(), format!("{address}{sign}format={}", f.code())))
        .collect()
}

fn chips(shell: &Shell, asked: &Asked, wanted: &Wanted, banks: &HashMap<Id, &Bank>) -> Vec<Chip> {
    let mut chips = Vec::new();
    if !wanted.words.is_empty() {
        chips.push(asked.chip(
            "q",
            format!("“{}”", asked.get("q").unwrap_or_default().trim()),
        ));
    }
    if let Some(bank) = wanted.filter.bank {
        let name = banks
            .get(&bank)
            .map_or_else(|| shell.t("question-bank-none"), |b| b.name.clone());
        chips.push(asked.chip("bank", name));
    }
    if let Some(kind) = wanted.filter.kind {
        chips.push(asked.chip("kind", kind_name(shell, kind)));
    }
    if let Some(point) = &wanted.point {
        chips.push(asked.chip("point", point.clone()));
    }
    if let Some(difficulty) = wanted.filter.difficulty {
        let label = shell.t_with(
            "question-difficulty-of",
            &[("level", &difficulty.to_string())],
        );
        chips.push(asked.chip("difficulty", label));
    }
    if let Some(state) = wanted.filter.state {
        chips.push(asked.chip("state", state_tag(shell, state).text));
    }
    chips
}

async fn export(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let format = asked
        .get("format")
        .and_then(Format::of_code)
        .ok_or(Error::NotFound)?;
    let points = s.points(&access.scope).await?;
    let wanted = wanted(&asked, &points);
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let written = s
        .export(
            format,
            &access.scope,
            &wanted.filter,
            &wanted.words,
            order,
            actor,
        )
        .await?;
    let name = format!("questions.{}", format.extension());
    if written.lost.is_empty() || asked.get("anyway").is_some() {
        return Ok(web::attachment(format.mime(), &name, written.bytes));
    }
    // What the format does not carry is named before the file leaves.
    let most = 200;
    let lost: Vec<Value> = written
        .lost
        .iter()
        .take(most)
        .map(|(number, message)| {
            let text = match message.args.first() {
                Some((_, code)) if message.key == "question-lost-kind" => {
                    let kind =
                        Kind::of_code(code).map_or_else(|| code.clone(), |k| kind_name(&shell, k));
                    shell.text(&Msg::new("question-lost-kind").with("kind", kind))
                }
                _ => shell.text(message),
            };
            json!({ "number": number, "text": text })
        })
        .collect();
    let anyway = format!("{}&anyway=1", asked.here());
    shell.page(
        "questions/preview.html",
        json!({ "lost": lost, "lost_count": written.lost.len(), "anyway": anyway, "format": format.code(),
            "crumbs": crumbs(&shell), "import": null }),
    )
}

/// A text in pieces: lines and pictures.
pub(crate) fn prose(id: &str, question: &Question, text: &str) -> Vec<Value> {
    let piece =
        |text: &str, src: Option<String>, br: bool| json!({ "text": text, "src": src, "br": br });
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            out.push(piece("", None, true));
        }
        for part in crate::formats::pieces(line) {
            match part {
                crate::formats::Piece::Text(text) => out.push(piece(text, None, false)),
                crate::formats::Piece::Picture(number, raw) => {
                    let media = number.checked_sub(1).and_then(|at| question.media.get(at));
                    match media.filter(|_| !id.is_empty()) {
                        Some(m) => {
                            let src = format!("/questions/{id}/pictures/{}", m.hash);
                            out.push(piece(raw, Some(src), false));
                        }
                        None => out.push(piece(raw, None, false)),
                    }
                }
            }
        }
    }
    out
}

/// A question as templates show it, with its key.
pub(crate) fn body(shell: &Shell, id: &str, question: &Question) -> Value {
    part(shell, id, question, question)
}

fn part(shell: &Shell, id: &str, whole: &Question, q: &Question) -> Value {
    let right = |at: usize| matches!(&q.key, Key::Choices(letters) if letters.has(at));
    let options: Vec<Value> = q
        .options
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let target = match &q.key {
                Key::Pairs(pairs) => pairs.get(at).map(|t| t + 1),
                _ => None,
            };
            json!({ "letter": letter(at).to_string(), "text": prose(id, whole, text), "right": right(at), "target": target })
        })
        .collect();
    let key = match &q.key {
        Key::None | Key::Pairs(_) => String::new(),
        Key::Choices(letters) | Key::Order(letters) => letters.to_string(),
        Key::Truth(true) => shell.t("question-true"),
        Key::Truth(false) => shell.t("question-false"),
        Key::Text(text) => text.clone(),
        Key::Blanks { blanks, unordered } => {
            let blanks: Vec<String> = blanks.iter().map(|s| s.join(" / ")).collect();
            let order = if *unordered {
                shell.t("question-unordered")
            } else {
                String::new()
            };
            format!("{} {order}", blanks.join("；"))
        }
    };
    let targets: Vec<_> = q
        .targets
        .iter()
        .map(|text| prose(id, whole, text))
        .collect();
    let parts: Vec<Value> = q.parts.iter().map(|p| part(shell, id, whole, p)).collect();
    json!({
        "kind": kind_name(shell, q.kind), "stem": prose(id, whole, &q.stem), "options": options, "targets": targets,
        "key": prose(id, whole, key.trim()), "parts": parts, "explanation": prose(id, whole, &q.explanation),
        "points": q.points, "difficulty": q.difficulty, "source": q.source, "article": q.article,
        "score": q.score.map(|s| f64::from(s) / 1000.0), "longest": q.longest, "fixed": q.fixed,
    })
}

async fn show(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let opened = s.open(id, &access.scope, actor.clone()).await?;
    let context = page(&s, &shell, &access, &actor, &opened, Form::default()).await?;
    shell.page("questions/show.html", context)
}

async fn may(s: &Questions, access: &Access, permission: &str, bank: &Bank) -> Result<bool> {
    match access.principal.scope(permission) {
        Some(scope) => s.organization.reaches(scope, bank.unit).await,
        None => Ok(false),
    }
}

pub(crate) async fn page(
    s: &Questions,
    shell: &Shell,
    access: &Access,
    actor: &Actor,
    opened: &Opened,
    form: Form,
) -> Result<Value> {
    let (head, bank) = (&opened.head, &opened.bank);
    let newest = opened.versions.first().ok_or(Error::NotFound)?;
    let id = head.id.to_string();
    let zone = s.env.zone();
    let acts = opened.acts.iter().map(|act| Event {
        title: shell.t_with(
            &format!("question-act-{}", act.act),
            &[("version", &act.version.to_string())],
        ),
        at: act.at.minute_text(zone),
        quote: (!act.reason.is_empty()).then(|| act.reason.clone()),
        state: if act.act == "returned" {
            StepState::Bad
        } else {
            StepState::Done
        },
    });
    let earlier = opened.versions.windows(2).map(|pair| {
        let (new, old) = (&pair[0], &pair[1]);
        json!({
            "n": old.version, "next": new.version, "used": old.version == head.used, "body": body(shell, &id, &old.question),
            "changes": changes(&old.question, &new.question),
        })
    });
    let similar = opened.similar.iter().map(|(likeness, other, question)| {
        json!({
            "label": shell.t(&format!("question-like-{}", likeness.code())), "href": format!("/questions/{}", other.id),
            "body": body(shell, &other.id.to_string(), question), "tags": tags(shell, other),
        })
    });
    let faults: Vec<String> = newest
        .question
        .check()
        .iter()
        .map(|f| fault_text(shell, f))
        .collect();
    let acting = [actor.account, actor.on_behalf];
    let own = [newest.by, newest.on_behalf]
        .into_iter()
        .flatten()
        .any(|a| acting.contains(&Some(a)));
    let may_write = may(s, access, WRITE, bank).await?;
    let may_review = may(s, access, REVIEW, bank).await?;
    let unit = s.organization.names(&[bank.unit]).await?.remove(&bank.unit);
    Ok(json!({
        "id": id, "pick": format!("{id}:{}", head.version), "kind": kind_name(shell, head.kind), "bank": bank.name, "unit": unit,
        "bank_href": format!("/questions?bank={}", bank.id), "sealed": bank.sealed, "tags": tags(shell, head),
        "version": head.version, "used": head.used, "body": body(shell, &id, &newest.question), "note": newest.note,
        "faults": faults, "events": acts.collect::<Vec<_>>(), "earlier": earlier.collect::<Vec<_>>(),
        "similar": similar.collect::<Vec<_>>(), "form": form, "crumbs": crumbs(shell), "may_write": may_write,
        "may_propose": may_write && head.state == State::Draft,
        "may_decide": may_review && head.state == State::Review && !own, "own": may_review && head.state == State::Review && own,
        "may_retire": may_review && head.state != State::Retired,
    }))
}

/// A fault with the place it speaks of.
pub(crate) fn fault_text(shell: &Shell, fault: &crate::model::Fault) -> String {
    let text = shell.text(&fault.message);
    let mut steps = fault.field.split('.');
    let mut place = String::new();
    while let Some(step) = steps.next() {
        let number = || String::from("?");
        match step {
            "parts" => {
                let n = steps
                    .next()
                    .and_then(|n| n.parse::<usize>().ok())
                    .map_or_else(number, |n| (n + 1).to_string());
                place += &shell.t_with("question-part-n", &[("number", &n)]);
            }
            "options" | "targets" | "points" => {
                let at = steps.next().and_then(|n| n.parse::<usize>().ok());
                place += &shell.t(&format!("question-{step}"));
                if let Some(at) = at {
                    place += &match step {
                        "options" => format!(" {}", letter(at)),
                        _ => format!(" {}", at + 1),
                    };
                }
            }
            "stem" | "key" | "explanation" | "source" | "article" | "difficulty" | "kind" => {
                place += &shell.t(&format!("question-field-{step}"));
            }
            _ => {}
        }
        place.push(' ');
    }
    match place.trim() {
        "" => text,
        place => format!("{place}：{text}"),
    }
}

/// What changed between two versions, line by line.
fn changes(old: &Question, new: &Question) -> Vec<Value> {
    let lines = |q: &Question| crate::formats::as_lines(q).join("\n");
    let (old, new) = (lines(old), lines(new));
    let diff = ::similar::TextDiff::from_lines(&old, &new);
    let changed = diff
        .iter_all_changes()
        .filter(|c| c.tag() != ::similar::ChangeTag::Equal);
    changed
        .map(|c| json!({ "old": c.tag() == ::similar::ChangeTag::Delete, "text": c.value().trim_end() }))
        .collect()
}

async fn picture(
    Has(s): Has<Questions>,
    access: Access,
    Path((id, hash)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let (mime, bytes) = s.picture(id, &hash, &access.scope).await?;
    let mut response = bytes.into_response();
    let kind = HeaderValue::from_str(&mime).map_err(Error::internal)?;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// What was ticked, and where to go afterwards.
struct Ticked {
    picks: Vec<(Id, i64)>,
    back: String,
    reason: String,
}

fn ticked(pairs: &[(String, String)]) -> Result<Ticked> {
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    };
    let mut picks = Vec::new();
    for (_, text) in pairs.iter().filter(|(n, v)| n == "pick" && !v.is_empty()) {
        let (id, version) = text.split_once(':').ok_or(Error::NotFound)?;
        let id: Id = id.parse().map_err(|_| Error::NotFound)?;
        picks.push((id, version.parse().map_err(|_| Error::NotFound)?));
    }
    let back = web::safe_next(Some(value("back")).filter(|b| b.starts_with("/questions")));
    let back = if back == "/" { "/questions" } else { back };
    Ok(Ticked {
        picks,
        back: back.to_owned(),
        reason: value("reason").to_owned(),
    })
}

async fn propose(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    apply(&s, &shell, &access.scope, actor, &pairs, "propose").await
}

async fn decide(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let act = pairs
        .iter()
        .find(|(n, _)| n == "act")
        .map(|(_, v)| v.clone())
        .unwrap_or_default();
    apply(&s, &shell, &access.scope, actor, &pairs, &act).await
}

async fn apply(
    s: &Questions,
    shell: &Shell,
    scope: &Scope,
    actor: Actor,
    pairs: &[(String, String)],
    act: &str,
) -> Result<Response, Failure> {
    let Ticked {
        picks,
        back,
        reason,
    } = ticked(pairs)?;
    let verdict = match act {
        "propose" => Verdict::Propose,
        "accept" => Verdict::Accept,
        "return" => Verdict::Return(&reason),
        "retire" => Verdict::Retire(&reason),
        _ => return Err(Error::NotFound.into()),
    };
    if picks.is_empty() {
        return Err(Error::Conflict(Msg::new("question-none-ticked")).into());
    }
    // Out of a page of one question a missing reason has no field to stand at in a list.
    let outcomes = match s.decide(&picks, verdict, scope, actor).await {
        Err(Error::Invalid(errors)) => {
            let message = errors.into_iter().next().map(|e| e.message);
            return Err(
                Error::Conflict(message.unwrap_or_else(|| Msg::new("question-reason"))).into(),
            );
        }
        other => other?,
    };
    let refused = outcomes.iter().find_map(|(_, refused)| refused.clone());
    match refused {
        None if outcomes.is_empty() => Err(Error::NotFound.into()),
        None => shell.done(&back, "question-decided"),
        // Where some were done the list shows how each stands.
        Some(message) if outcomes.iter().all(|(_, r)| r.is_some()) => {
            Err(Error::Conflict(message).into())
        }
        Some(_) => shell.done(&back, "question-decided-some"),
    }
}
