//! Pages of excuses: the list of them, asking for one, one of them with the decision on it.

use axum::Form as Posted;
use axum::extract::{Path, Query, State as Ax};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, Result, UnitId, format_date, parse_date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::{Crumb, Event, StepState, Tag, Tone};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::excuse::ExcuseKind;
use crate::excusing::{Asker, Excuse, ExcuseFilter, ExcuseState, NewExcuse, href};
use crate::pages::{day_of, tag};
use crate::{EXCUSE, Obligations, READ};

const LIST: &str = "/obligations/excuses";
const SHEET: &str = "/obligations/excuses/list.xlsx";
const PAGE: i64 = 50;
const COLUMNS: [Column; 8] = [
    Column::new("who", "obligation-who"),
    Column::new("rule", "obligation-rule").sorts(),
    Column::new("kind", "excuse-kind"),
    Column::new("from", "excuse-periods").sorts(),
    Column::new("day", "excuse-day"),
    Column::new("unit", "unit").on_demand(),
    Column::new("at", "excuse-asked-at").sorts(),
    Column::new("state", "obligation-state"),
];
const USUAL: Order = Order {
    by: "at",
    down: true,
};

pub(crate) fn routes() -> Routes<Obligations> {
    let read = Policy::Permission(READ);
    Routes::new()
        .get(LIST, read, list)
        .get(SHEET, read, export)
        .get("/obligations/excuses/new", Policy::SignedIn, new)
        .post(LIST, Policy::SignedIn, ask)
        .get("/obligations/excuses/{id}", Policy::SignedIn, show)
        .post(
            "/obligations/excuses/{id}/decision",
            Policy::Permission(EXCUSE),
            decide,
        )
        .post(
            "/obligations/excuses/{id}/withdrawal",
            Policy::SignedIn,
            withdraw,
        )
}

fn asker(access: &Access) -> Asker<'_> {
    Asker {
        scope: access.principal.scope(READ),
        person: access.principal.person,
    }
}

/// Who acts on a route without a permission of its own: also in whose place.
fn acting(access: &Access, mut actor: Actor) -> Actor {
    let place = access.principal.on_behalf.as_ref().map(|of| of.account);
    actor.on_behalf = actor.on_behalf.or(place);
    actor
}

pub(crate) fn kind_text(shell: &Shell, kind: ExcuseKind) -> String {
    shell.t(&format!("excuse-kind-{}", kind.code()))
}

fn state_tag(shell: &Shell, state: ExcuseState) -> Tag {
    Tag {
        text: shell.t(&format!("excuse-state-{}", state.code())),
        tone: match state {
            ExcuseState::Asked => Tone::Warn,
            ExcuseState::Granted => Tone::Ok,
            ExcuseState::Refused => Tone::Bad,
            ExcuseState::Withdrawn => Tone::Plain,
        },
        icon: None,
    }
}

/// The days of its periods, in words.
fn periods(shell: &Shell, e: &Excuse) -> String {
    match e.to {
        Some(to) if to == e.from => format_date(e.from),
        Some(to) => format!("{} – {}", format_date(e.from), format_date(to)),
        None => shell.t_with("excuse-from-on", &[("from", &format_date(e.from))]),
    }
}

fn filter(asked: &Asked) -> ExcuseFilter {
    ExcuseFilter {
        rule: asked.get("rule").map(str::to_owned),
        kind: asked.get("kind").and_then(ExcuseKind::from_code),
        state: asked.get("state").and_then(ExcuseState::from_code),
        unit: asked.get("unit").and_then(|u| u.parse().ok()),
        subject: asked.get("of").and_then(|u| u.parse().ok()),
    }
}

async fn list(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    at: Asked,
) -> Result<Response, Failure> {
    let (lang, filter) = (shell.lang().code(), filter(&at));
    let order = Table::order(&COLUMNS, &at, USUAL);
    let page = s.excuses(&filter, &access.scope, order, at.window(PAGE));
    let (found, total) = page.await?;
    let names = s.names_of(&found).await?;
    let units: Vec<UnitId> = found.iter().map(|e| e.unit).collect();
    let units = s.organization.names(&units).await?;
    let rows: Vec<Value> = found
        .iter()
        .map(|e| {
            json!({
                "href": href(e.id), "who": names.get(&e.subject), "rule": s.rule_name(&e.rule, lang).unwrap_or_else(|| e.rule.clone()),
                "kind": kind_text(&shell, e.kind), "from": periods(&shell, e), "day": e.day.map(format_date),
                "unit": units.get(&e.unit), "at": e.asked_at.minute_text(s.env.zone()), "state": state_tag(&shell, e.state),
            })
        })
        .collect();
    let mut chips = Vec::new();
    if let Some(rule) = &filter.rule {
        let name = s.rule_name(rule, lang).unwrap_or_else(|| rule.clone());
        chips.push(at.chip("rule", name));
    }
    if let Some(kind) = filter.kind {
        chips.push(at.chip("kind", kind_text(&shell, kind)));
    }
    if let Some(state) = filter.state {
        chips.push(at.chip("state", state_tag(&shell, state).text));
    }
    for name in ["unit", "of"] {
        if at.get(name).is_some() {
            chips.push(at.chip(name, shell.t(&format!("excuse-only-{name}"))));
        }
    }
    let kinds = ExcuseKind::ALL.map(|k| (k.code(), kind_text(&shell, k)));
    let states = ExcuseState::ALL.map(|st| (st.code(), state_tag(&shell, st).text));
    shell.page(
        "obligations/excuses.html",
        json!({
            "rows": rows, "chips": chips, "kinds": kinds, "states": states, "kind": filter.kind.map(ExcuseKind::code),
            "state": filter.state.map(ExcuseState::code), "rule": filter.rule,
            "table": Table::new(&shell, &COLUMNS, &at, order, Some(SHEET)), "pager": at.pager(total, PAGE),
            "crumbs": [Crumb { label: shell.t("menu-obligations"), href: "/obligations".into() }],
        }),
    )
}

async fn export(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    at: Asked,
) -> Result<Response, Failure> {
    let (lang, filter) = (shell.lang().code(), filter(&at));
    let order = Table::order(&COLUMNS, &at, USUAL);
    let page = s.excuses(&filter, &access.scope, order, Window::EXPORT);
    let (found, total) = page.await?;
    Window::fits(total)?;
    let names = s.names_of(&found).await?;
    let units: Vec<UnitId> = found.iter().map(|e| e.unit).collect();
    let units = s.organization.names(&units).await?;
    identity::tell_list(&s.db, &s.env, &actor, "excuses", found.len()).await?;
    let header = [
        "obligation-who",
        "unit",
        "obligation-rule",
        "excuse-kind",
        "excuse-first",
        "excuse-last",
        "excuse-day",
        "excuse-reason",
        "excuse-document",
        "obligation-state",
    ]
    .map(|k| shell.t(k));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = found.into_iter().map(|e| -> Vec<Cell> {
        let date = |d: Option<Date>| d.map_or(Cell::Empty, Cell::Date);
        vec![
            names.get(&e.subject).cloned().unwrap_or_default().into(),
            units.get(&e.unit).cloned().unwrap_or_default().into(),
            s.rule_name(&e.rule, lang).unwrap_or(e.rule).into(),
            kind_text(&shell, e.kind).into(),
            e.from.into(),
            date(e.to),
            date(e.day),
            e.reason.into(),
            e.document.into(),
            state_tag(&shell, e.state).text.into(),
        ]
    });
    let title = shell.t("excuses-title");
    let bytes = xlsx(&title, &header, rows)?;
    Ok(sheet(&format!("{title}.xlsx"), bytes))
}

/// A workbook to be downloaded.
pub(crate) fn sheet(name: &str, bytes: Vec<u8>) -> Response {
    let name = format!(
        "attachment; filename=\"list.xlsx\"; filename*=UTF-8''{}",
        web::encode(name)
    );
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    (headers, bytes).into_response()
}

/// What the form sends.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Typed {
    rule: String,
    unit: String,
    of: String,
    kind: String,
    from: String,
    to: String,
    day: String,
    reason: String,
    document: String,
    record: String,
}

impl Typed {
    /// Whom and which rule it is about; an address that means nothing does not exist.
    fn about(&self) -> Result<(UnitId, Id)> {
        let unit: UnitId = self.unit.parse().map_err(|_| Error::NotFound)?;
        let of = match self.of.is_empty() {
            true => unit.0,
            false => self.of.parse().map_err(|_| Error::NotFound)?,
        };
        Ok((unit, of))
    }

    fn read(&self) -> Result<NewExcuse> {
        let (unit, subject) = self.about()?;
        let mut errors = Vec::new();
        let mut wrong = |field: &str, key| {
            errors.push(FieldError {
                field: field.into(),
                message: Msg::new(key),
            });
        };
        let kind = ExcuseKind::from_code(&self.kind);
        if kind.is_none() {
            wrong("kind", "excuse-kind-missing");
        }
        let mut date = |field: &str, text: &str| {
            let date = parse_date(text.trim());
            if date.is_none() && !text.trim().is_empty() {
                wrong(field, "obligation-date");
            }
            date
        };
        let (from, to, day) = (
            date("from", &self.from),
            date("to", &self.to),
            date("day", &self.day),
        );
        if from.is_none() && self.from.trim().is_empty() {
            wrong("from", "obligation-date");
        }
        let (Some(kind), Some(from), true) = (kind, from, errors.is_empty()) else {
            return Err(Error::Invalid(errors));
        };
        Ok(NewExcuse {
            rule: self.rule.clone(),
            unit,
            subject,
            kind,
            from,
            to,
            day,
            reason: self.reason.clone(),
            document: self.document.clone(),
            record: self.record.clone(),
        })
    }
}

/// The form, with how the period stands that it was opened for.
async fn form_page(
    s: &Obligations,
    shell: &Shell,
    access: &Access,
    typed: &Typed,
    form: Form,
) -> Result<Value> {
    let (rule, about) = (s.rule(&typed.rule)?, typed.about()?);
    let lang = shell.lang().code();
    let from = parse_date(typed.from.trim()).unwrap_or_else(|| s.env.today());
    let subject = s.bound_one(rule, about, from, asker(access)).await?;
    let name = subject.name.clone();
    let window = s.window_of(rule, from).map(|o| o.window);
    let stands = match window {
        Some(window) => {
            let begin = kernel::Period {
                from: window.from,
                to: window.from,
            };
            s.standings(rule, subject, begin).await?
        }
        None => Vec::new(),
    };
    let now = stands.first().map(|st| {
        json!({ "from": format_date(st.occurrence.window.from), "to": format_date(st.occurrence.window.to),
            "due": format_date(day_of(st)), "extended": st.extended.map(format_date), "tag": tag(shell, st.state) })
    });
    let kinds = ExcuseKind::ALL.map(|k| (k.code(), kind_text(shell, k)));
    Ok(json!({
        "form": form, "rule": rule.name.get(lang), "code": rule.code, "unit": typed.unit, "of": typed.of, "name": name,
        "now": now, "kinds": kinds, "back": LIST,
        "crumbs": [Crumb { label: shell.t("menu-obligations"), href: format!("/obligations?rule={}", rule.code) }],
    }))
}

async fn new(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Query(mut typed): Query<Typed>,
) -> Result<Response, Failure> {
    if ExcuseKind::from_code(&typed.kind).is_none() {
        typed.kind = ExcuseKind::Extended.code().into();
    }
    let form = Form::of(&typed);
    let context = form_page(&s, &shell, &access, &typed, form).await?;
    shell.page("obligations/excuse_form.html", context)
}

async fn ask(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let asked = async {
        let new = typed.read()?;
        let actor = acting(&access, actor);
        s.ask(&new, asker(&access), actor).await
    };
    match asked.await {
        Ok(id) => shell.done(&href(id), "excuse-asked-done"),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let context = form_page(&s, &shell, &access, &typed, form).await?;
            shell.refused("obligations/excuse_form.html", context)
        }
    }
}

async fn one_page(
    s: &Obligations,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let account = access.principal.account;
    let (e, acts) = s.excuse(id, asker(access), account).await?;
    let lang = shell.lang().code();
    let names = s.names_of(std::slice::from_ref(&e)).await?;
    let units = s.organization.names(&[e.unit]).await?;
    let decides = match access.principal.scope(EXCUSE) {
        Some(scope) => s.organization.reaches(scope, e.unit).await?,
        None => false,
    };
    let place = access.principal.on_behalf.as_ref().map(|of| of.account);
    let acting = [Some(account), place];
    let own = [Some(e.asked_by), e.asked_for]
        .iter()
        .flatten()
        .any(|by| acting.contains(&Some(*by)));
    let waits = e.state == ExcuseState::Asked;
    let moments: Vec<Event> = acts
        .iter()
        .map(|a| {
            let name = a.name.as_deref().unwrap_or("—");
            let who = match &a.on_behalf {
                Some(of) => shell.t_with("excuse-for", &[("name", name), ("of", of)]),
                None => name.to_owned(),
            };
            Event {
                title: shell.t_with(&format!("excuse-act-{}", a.state.code()), &[("who", &who)]),
                at: a.at.minute_text(s.env.zone()),
                quote: Some(a.note.clone()).filter(|n| !n.is_empty()),
                state: match a.state {
                    ExcuseState::Granted => StepState::Done,
                    ExcuseState::Refused | ExcuseState::Withdrawn => StepState::Bad,
                    ExcuseState::Asked => StepState::Now,
                },
            }
        })
        .collect();
    let known = s.rule(&e.rule).ok();
    let calendar = known.map(|_| {
        let year = e.from.year();
        format!(
            "/obligations/{}/{}?year={year}&of={}",
            e.rule, e.unit, e.subject
        )
    });
    Ok(json!({
        "href": href(id), "who": names.get(&e.subject), "unit": units.get(&e.unit),
        "rule": known.map_or(e.rule.as_str(), |r| r.name.get(lang)), "kind": kind_text(shell, e.kind),
        "code": e.kind.code(), "periods": periods(shell, &e), "day": e.day.map(format_date), "document": e.document,
        "record": e.record, "state": state_tag(shell, e.state), "events": moments, "form": form,
        "calendar": calendar.filter(|_| access.principal.scope(READ).is_some()),
        "may_decide": waits && decides && !own,
        "may_withdraw": (waits && (own || decides)) || (e.state == ExcuseState::Granted && decides),
        "crumbs": [Crumb { label: shell.t("excuses-title"), href: LIST.into() }],
    }))
}

async fn show(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let context = one_page(&s, &shell, &access, id, Form::default()).await?;
    shell.page("obligations/excuse.html", context)
}

/// What the small forms of the page send.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Said {
    verdict: String,
    note: String,
    reason: String,
}

async fn decide(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(said): Posted<Said>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let decided = match said.verdict.as_str() {
        "grant" => s.decide(id, true, &said.note, &access.scope, actor).await,
        "refuse" => s.decide(id, false, &said.note, &access.scope, actor).await,
        _ => Err(Error::NotFound),
    };
    answer(
        &s,
        &shell,
        &access,
        (id, &said),
        decided,
        "excuse-decided-done",
    )
    .await
}

async fn withdraw(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(said): Posted<Said>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let (scope, actor) = (access.principal.scope(EXCUSE), acting(&access, actor));
    let done = s.withdraw(id, &said.reason, scope, actor).await;
    answer(
        &s,
        &shell,
        &access,
        (id, &said),
        done,
        "excuse-withdrawn-done",
    )
    .await
}

async fn answer(
    s: &Obligations,
    shell: &Shell,
    access: &Access,
    (id, said): (Id, &Said),
    result: Result<()>,
    done: &'static str,
) -> Result<Response, Failure> {
    match result {
        Ok(()) => shell.done(&href(id), done),
        Err(error) => {
            let form = Form::of(said).reject(shell, error)?;
            let context = one_page(s, shell, access, id, form).await?;
            shell.refused("obligations/excuse.html", context)
        }
    }
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let row = json!({ "href": "/obligations/excuses/1", "who": "甲某", "rule": "r", "kind": "延期", "from": "2026-01-01",
        "day": "2026-02-01", "unit": "法治科", "at": "2026-01-02 10:00", "state": tag });
    let pager = web::view::Pager::new(1, 50, 1, |n| format!("?page={n}"));
    let list = |rows: Value, chips: Value| {
        json!({ "rows": rows, "chips": chips, "kinds": [["extended", "x"]], "states": [["asked", "x"]], "kind": "extended",
            "state": null, "rule": "r", "table": Table::sample_with(&COLUMNS), "pager": pager, "crumbs": [] })
    };
    let chip = json!([{ "label": "x", "without": "/obligations/excuses" }]);
    let now = json!({ "from": "2026-01-01", "to": "2026-01-31", "due": "2026-01-31", "extended": "2026-02-05", "tag": tag });
    let form = |now: Value| {
        json!({ "form": Form::default(), "rule": "r", "code": "r", "unit": "1", "of": "", "name": "n", "now": now,
            "kinds": [["extended", "x"]], "back": LIST, "crumbs": [] })
    };
    let event = Event {
        title: "x".into(),
        at: "2026-01-01".into(),
        quote: Some("x".into()),
        state: StepState::Done,
    };
    let one = |may: bool| {
        json!({ "href": "/obligations/excuses/1", "who": "n", "unit": "u", "rule": "r", "kind": "k", "code": "made-up",
            "periods": "2026-01-01", "day": may.then_some("2026-02-01"), "document": if may { "d" } else { "" },
            "record": if may { "/activities/1" } else { "" }, "state": tag, "events": [event], "form": Form::default(),
            "calendar": may.then_some("/obligations/r/1"), "may_decide": may, "may_withdraw": may, "crumbs": [] })
    };
    vec![
        ("obligations/excuses.html", list(json!([row]), chip.clone())),
        ("obligations/excuses.html", list(json!([]), chip)),
        ("obligations/excuses.html", list(json!([]), json!([]))),
        ("obligations/excuse_form.html", form(now)),
        ("obligations/excuse_form.html", form(Value::Null)),
        ("obligations/excuse.html", one(true)),
        ("obligations/excuse.html", one(false)),
    ]
}
