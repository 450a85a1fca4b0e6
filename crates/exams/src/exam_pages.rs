//! Examinations over HTTP: the list, the form of a draft, the page of one, publishing and calling off.

use axum::Form as Posted;
use axum::extract::{Path, Query, State as With};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use jiff::civil::DateTime;
use kernel::{Env, Error, Id, Msg, Result, Timestamp, UnitId};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::{Crumb, Step, StepState, Tag, Tone};
use web::{Access, Failure, Form, Shell};

use crate::model::{Shows, Stage, Takes, Terms};
use crate::office::{Details, Held, Office};
use crate::store::making::{self, Filter};
use crate::{RESULTS, SUPERVISE, WRITE};

const PAGE: i64 = 50;

/// What the list can show.
pub(crate) const COLUMNS: [Column; 6] = [
    Column::new("title", "exam-title-column").sorts(),
    Column::new("unit", "exam-unit"),
    Column::new("kind", "exam-kind"),
    Column::new("opens", "exam-opens").sorts(),
    Column::new("candidates", "exam-candidates").number(),
    Column::new("state", "exam-state"),
];
/// The latest first.
const USUAL: Order = Order {
    by: "opens",
    down: true,
};
/// States of the filter.
pub(crate) const STATES: [&str; 5] = ["draft", "coming", "open", "over", "cancelled"];

pub(crate) type Pairs = Vec<(String, String)>;

/// The first value of a field.
pub(crate) fn value<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    let found = pairs.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, v)| v.trim())
}

/// Where an examination is shown.
pub(crate) fn href(id: Id) -> String {
    format!("/exams/{id}")
}

pub(crate) fn id_of(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) fn crumbs(shell: &Shell, exam: Option<(Id, &str)>) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb {
        label: shell.t("menu-exams"),
        href: "/exams".into(),
    }];
    crumbs.extend(exam.map(|(id, title)| Crumb {
        label: title.to_owned(),
        href: href(id),
    }));
    crumbs
}

/// How far it is, in words with a colour.
pub(crate) fn tag(shell: &Shell, state: &str) -> Tag {
    Tag {
        text: shell.t(&format!("exam-state-{state}")),
        tone: match state {
            "draft" => Tone::Plain,
            "coming" => Tone::Brand,
            "open" => Tone::Warn,
            "over" => Tone::Ok,
            _ => Tone::Bad,
        },
        icon: None,
    }
}

/// Thousandths of a point as they are written: `2.5`.
pub(crate) fn points_text(points: i64) -> String {
    let sign = if points < 0 { "-" } else { "" };
    let (whole, rest) = (points.unsigned_abs() / 1_000, points.unsigned_abs() % 1_000);
    match rest {
        0 => format!("{sign}{whole}"),
        _ => {
            let rest = format!("{rest:03}");
            format!("{sign}{whole}.{}", rest.trim_end_matches('0'))
        }
    }
}

/// Points as they are typed, in thousandths.
pub(crate) fn points_of(text: &str) -> Option<i64> {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 7 || rest.len() > 3 || !digits(whole) || !digits(rest) {
        return None;
    }
    format!("{whole}{rest:0<3}").parse().ok()
}

/// A moment as a field has it: `2026-11-20T09:00`.
pub(crate) fn field_time(env: &Env, at: Timestamp) -> String {
    at.zoned(env.zone()).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// A moment as it was typed.
pub(crate) fn moment(env: &Env, text: &str) -> Option<Timestamp> {
    let civil: DateTime = text.trim().replace(' ', "T").parse().ok()?;
    let zoned = civil.to_zoned(env.zone().clone()).ok()?;
    Some(Timestamp(zoned.timestamp().as_microsecond()))
}

/// The units that the pages offer while one types.
pub(crate) async fn unit_options(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.exams.organization, &shell, &access, pairs).await
}

/// What the address asks for; with the unit as it was read.
async fn filter(s: &Office, access: &Access, asked: &Asked) -> (Filter, Option<String>) {
    let unit = match asked.get("unit") {
        Some(text) => {
            let org = &s.exams.organization;
            org.unit_picked("unit", text, &access.scope).await.ok()
        }
        None => None,
    };
    let state = asked.get("state");
    let filter = Filter {
        text: asked.get("q").unwrap_or_default().to_owned(),
        under: unit.as_ref().map(|u| u.id),
        kind: asked.get("kind").map(str::to_owned),
        state: STATES.into_iter().find(|s| Some(*s) == state),
    };
    (filter, unit.map(|u| u.name))
}

/// The cells of some rows, in the order of the columns.
async fn cells(s: &Office, shell: &Shell, found: &[Held]) -> Result<Vec<[String; 6]>> {
    let units: Vec<UnitId> = found.iter().map(|h| h.exam.terms.unit).collect();
    let names = s.exams.organization.names(&units).await?;
    let ids: Vec<Id> = found.iter().map(|h| h.exam.id).collect();
    let admitted = making::admitted(&mut s.exams.db.read().await?, &ids).await?;
    let (env, now, lang) = (&s.exams.env, s.exams.env.now(), shell.lang().code());
    let row = |h: &Held| {
        let t = &h.exam.terms;
        [
            t.title.clone(),
            names.get(&t.unit).cloned().unwrap_or_default(),
            s.kinds.name(&t.kind, lang).to_owned(),
            window(env, t),
            admitted.get(&h.exam.id).unwrap_or(&0).to_string(),
            shell.t(&format!("exam-state-{}", h.state(now))),
        ]
    };
    Ok(found.iter().map(row).collect())
}

/// `2026-11-20 09:00 – 11:00`
pub(crate) fn window(env: &Env, t: &Terms) -> String {
    let (from, to) = (t.opens.zoned(env.zone()), t.closes.zoned(env.zone()));
    let end = match from.date() == to.date() {
        true => to.strftime("%H:%M"),
        false => to.strftime("%Y-%m-%d %H:%M"),
    };
    format!("{} – {end}", t.opens.minute_text(env.zone()))
}

pub(crate) async fn list(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, unit_name) = filter(&s, &access, &asked).await;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let (now, lang) = (s.exams.env.now(), shell.lang().code());
    let mut tx = s.exams.db.read().await?;
    let looked = (&access.scope, now);
    let (found, total) = making::list(&mut tx, looked, &filter, order, asked.window(PAGE)).await?;
    drop(tx);
    let rows: Vec<Value> = cells(&s, &shell, &found)
        .await?
        .into_iter()
        .zip(&found)
        .map(|([title, unit, kind, opens, candidates, _], h)| {
            json!({ "href": href(h.exam.id), "title": title, "unit": unit, "kind": kind, "opens": opens,
                "candidates": candidates, "tag": tag(&shell, h.state(now)) })
        })
        .collect();
    let mut chips = Vec::new();
    if let Some(q) = asked.get("q") {
        chips.push(asked.chip("q", q));
    }
    if let Some(name) = &unit_name {
        chips.push(asked.chip("unit", name));
    }
    if let Some(kind) = &filter.kind {
        chips.push(asked.chip("kind", s.kinds.name(kind, lang)));
    }
    if let Some(state) = filter.state {
        chips.push(asked.chip("state", shell.t(&format!("exam-state-{state}"))));
    }
    let kinds: Vec<(&str, &str)> = kinds(&s, lang);
    let states = STATES.map(|st| (st, shell.t(&format!("exam-state-{st}"))));
    shell.page(
        "exams/list.html",
        json!({
            "rows": rows, "chips": chips, "q": filter.text, "kinds": kinds, "kind": filter.kind, "states": states,
            "state": filter.state, "unit": asked.get("unit").unwrap_or_default(), "unit_name": unit_name,
            "table": Table::new(&shell, &COLUMNS, &asked, order, Some("/exams/list.xlsx")),
            "pager": asked.pager(total, PAGE), "clear": "/exams",
            "may_write": access.principal.scope(WRITE).is_some(),
        }),
    )
}

fn kinds<'s>(s: &'s Office, lang: &str) -> Vec<(&'s str, &'s str)> {
    s.kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect()
}

pub(crate) async fn export(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, _) = filter(&s, &access, &asked).await;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let mut tx = s.exams.db.read().await?;
    let looked = (&access.scope, s.exams.env.now());
    let (found, total) = making::list(&mut tx, looked, &filter, order, Window::EXPORT).await?;
    drop(tx);
    Window::fits(total)?;
    identity::tell_list(&s.exams.db, &s.exams.env, &actor, "exams", found.len()).await?;
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = cells(&s, &shell, &found).await?;
    let rows = rows.into_iter().map(|r| r.map(Cell::Text).to_vec());
    let name = shell.t("menu-exams");
    let bytes = xlsx(&name, &header, rows)?;
    let name = format!("{name}-{}.xlsx", kernel::format_date(s.exams.env.today()));
    Ok(web::attachment(web::XLSX, &name, bytes))
}

/// The rules as a form says them.
fn terms(s: &Office, pairs: &Pairs, unit: UnitId) -> Result<(Terms, Details)> {
    let mut found = Vec::new();
    let mut wrong = |field: &str, key: &'static str| {
        found.extend(match Error::field(field, Msg::new(key)) {
            Error::Invalid(errors) => errors,
            _ => Vec::new(),
        });
    };
    let env = &s.exams.env;
    let mut at = |name: &str| match moment(env, value(pairs, name)) {
        Some(at) => at,
        None => {
            wrong(name, "exam-moment-wrong");
            Timestamp(0)
        }
    };
    let (opens, mut closes) = (at("opens"), at("closes"));
    if opens.0 == 0 || closes.0 == 0 {
        // What is missing is said once.
        closes = Timestamp(opens.0 + 1);
    }
    let mut number = |name: &str, each: i64, or: i64| match value(pairs, name) {
        "" => or,
        text => match text.parse::<i64>() {
            Ok(n) if (0..=1_000_000).contains(&n) => n * each,
            _ => {
                wrong(name, "exam-number-wrong");
                or
            }
        },
    };
    let seconds = number("minutes", 60, 0);
    let grace = number("grace", 1, 120);
    let late = Some(number("late", 60, -1)).filter(|l| *l >= 0);
    let attempts = number("attempts", 1, 1);
    let pass = match value(pairs, "pass") {
        "" => None,
        text => {
            let points = points_of(text);
            if points.is_none() {
                wrong("pass", "exam-pass");
            }
            points
        }
    };
    let takes = Takes::of_code(value(pairs, "takes")).unwrap_or(Takes::Best);
    let shows = Shows::of_code(value(pairs, "shows")).unwrap_or(Shows::ByHand);
    let terms = Terms {
        unit,
        kind: value(pairs, "kind").to_owned(),
        title: value(pairs, "title").to_owned(),
        opens,
        closes,
        seconds,
        grace,
        late,
        attempts,
        takes,
        pass,
        shows,
    };
    let about = Details {
        notice: value(pairs, "notice").to_owned(),
        level: value(pairs, "level").to_owned(),
        makes_up: value(pairs, "makes-up").parse().ok(),
    };
    if let Err(Error::Invalid(more)) = terms.check(i64::MAX) {
        let known: Vec<String> = found.iter().map(|e| e.field.clone()).collect();
        found.extend(more.into_iter().filter(|e| !known.contains(&e.field)));
    }
    Error::if_any(found)?;
    Ok((terms, about))
}

struct Around<'a> {
    /// The draft that is changed.
    held: Option<&'a Held>,
    unit: Option<&'a organization::Unit>,
}

async fn form_context(s: &Office, shell: &Shell, a: &Around<'_>, form: Form) -> Result<Value> {
    let lang = shell.lang().code();
    let pick = |of: &str, codes: &[&str]| -> Vec<(String, String)> {
        let text = |c: &str| (c.to_owned(), shell.t(&format!("exam-{of}-{c}")));
        codes.iter().map(|c| text(c)).collect()
    };
    let mut makes_up = vec![(String::new(), shell.t("exam-makes-up-none"))];
    if let Some(unit) = a.unit {
        let own = a.held.map_or(Id::NIL, |h| h.exam.id);
        let others = making::others(&mut s.exams.db.read().await?, unit.id, own).await?;
        makes_up.extend(
            others
                .into_iter()
                .map(|(id, title)| (id.to_string(), title)),
        );
    }
    let exam = a.held.map(|h| (h.exam.id, h.exam.terms.title.as_str()));
    Ok(json!({
        "form": form, "crumbs": crumbs(shell, exam), "kinds": kinds(s, lang), "levels": s.levels.options(lang),
        "takes": pick("takes", &["best", "last", "first"]), "shows": pick("shows", &["at-once", "after-close", "by-hand"]),
        "makes_up": makes_up, "unit_name": a.unit.map(|u| u.name.clone()),
        "exam": a.held.map(|h| json!({ "id": h.exam.id, "version": h.version })),
    }))
}

/// The form again, as it was typed.
fn again(pairs: &Pairs, error: Error, shell: &Shell) -> Result<Form, Failure> {
    let mut form = Form::default();
    for (name, text) in pairs {
        form = form.with(name, text);
    }
    form.reject(shell, error)
}

pub(crate) async fn new_form(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let (org, env) = (&s.exams.organization, &s.exams.env);
    let mut unit = None;
    if let Some(person) = access.principal.person
        && let Some(own) = org.unit_of(person, env.today()).await?
        && org.reaches(&access.scope, own).await?
    {
        unit = Some(org.unit(own, &access.scope).await?);
    }
    let level = s.levels.take("", None);
    let mut form = Form::default()
        .with("id", env.new_id::<Id>())
        .with("minutes", 60)
        .with("grace", 120)
        .with("late", 15)
        .with("attempts", 1)
        .with("takes", "best")
        .with("shows", "by-hand")
        .with("level", level.map_or("", |l| l.code.as_str()));
    if let Some(unit) = &unit {
        form = form.with("unit", &unit.code);
    }
    let around = Around {
        held: None,
        unit: unit.as_ref(),
    };
    let context = form_context(&s, &shell, &around, form).await?;
    shell.page("exams/form.html", context)
}

pub(crate) async fn make(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(value(&pairs, "id"))?;
    let org = &s.exams.organization;
    let unit = org.unit_picked("unit", value(&pairs, "unit"), &access.scope);
    let unit = unit.await;
    let made = async {
        let unit = unit
            .as_ref()
            .map_err(|_| Error::field("unit", Msg::new("exam-unit-wrong")))?;
        let (terms, about) = terms(&s, &pairs, unit.id)?;
        s.make(id, &terms, &about, &access.scope, actor).await
    };
    match made.await {
        Ok(id) => shell.done(&href(id), "exam-saved-done"),
        Err(e) => {
            let form = again(&pairs, e, &shell)?;
            let around = Around {
                held: None,
                unit: unit.as_ref().ok(),
            };
            let context = form_context(&s, &shell, &around, form).await?;
            shell.refused("exams/form.html", context)
        }
    }
}

pub(crate) async fn edit_form(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let held = s.held(id_of(&id)?, &access.scope).await?;
    if held.exam.stage != Stage::Draft {
        return shell.redirect(&href(held.exam.id));
    }
    let (t, a, env) = (&held.exam.terms, &held.about, &s.exams.env);
    let text = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
    let form = Form::default()
        .with("version", held.version)
        .with("kind", &t.kind)
        .with("title", &t.title)
        .with("opens", field_time(env, t.opens))
        .with("closes", field_time(env, t.closes))
        .with("minutes", t.seconds / 60)
        .with("grace", t.grace)
        .with("late", text(t.late.map(|l| l / 60)))
        .with("attempts", t.attempts)
        .with("takes", t.takes.code())
        .with("pass", t.pass.map_or_else(String::new, points_text))
        .with("shows", t.shows.code())
        .with("notice", &a.notice)
        .with("level", &a.level)
        .with(
            "makes-up",
            a.makes_up.map_or_else(String::new, |id| id.to_string()),
        );
    let unit = s.exams.organization.unit(t.unit, &access.scope).await?;
    let around = Around {
        held: Some(&held),
        unit: Some(&unit),
    };
    let context = form_context(&s, &shell, &around, form).await?;
    shell.page("exams/form.html", context)
}

pub(crate) async fn change(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let held = s.held(id_of(&id)?, &access.scope).await?;
    let version = value(&pairs, "version")
        .parse()
        .map_err(|_| Error::NotFound)?;
    let changed = async {
        let (terms, about) = terms(&s, &pairs, held.exam.terms.unit)?;
        s.change(
            held.exam.id,
            version,
            (&terms, &about),
            &access.scope,
            actor,
        )
        .await
    };
    match changed.await {
        Ok(()) => shell.done(&href(held.exam.id), "exam-saved-done"),
        Err(e) => {
            let form = again(&pairs, e, &shell)?;
            let unit = s
                .exams
                .organization
                .unit(held.exam.terms.unit, &access.scope);
            let unit = unit.await?;
            let around = Around {
                held: Some(&held),
                unit: Some(&unit),
            };
            let context = form_context(&s, &shell, &around, form).await?;
            shell.refused("exams/form.html", context)
        }
    }
}

/// Whether the reader holds a permission over a unit.
pub(crate) async fn may(
    s: &Office,
    access: &Access,
    permission: &str,
    unit: UnitId,
) -> Result<bool> {
    match access.principal.scope(permission) {
        Some(scope) => s.exams.organization.reaches(scope, unit).await,
        None => Ok(false),
    }
}

async fn show_context(
    s: &Office,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let held = s.held(id, &access.scope).await?;
    let (t, env, lang) = (&held.exam.terms, &s.exams.env, shell.lang().code());
    let mut tx = s.exams.db.read().await?;
    let (items, points) = making::paper_size(&mut tx, held.exam.paper).await?;
    let admitted = making::admitted(&mut tx, &[id]).await?;
    let admitted = admitted.get(&id).copied().unwrap_or(0);
    let made_up = match held.about.makes_up {
        Some(other) => making::titles(&mut tx, &[other]).await?.remove(&other),
        None => None,
    };
    drop(tx);
    let unit = s.exams.organization.names(&[t.unit]).await?;
    let state = held.state(env.now());
    let write = may(s, access, WRITE, t.unit).await?;
    let minutes = |seconds: i64| {
        shell.t_with(
            "exam-minutes-of",
            &[("minutes", &(seconds / 60).to_string())],
        )
    };
    let step = |key: &str, done: bool, now: bool, note: String| Step {
        label: shell.t(key),
        note,
        state: match (done, now) {
            (true, _) => StepState::Done,
            (_, true) => StepState::Now,
            _ => StepState::Wait,
        },
    };
    let draft = state == "draft";
    let over = state == "over";
    let steps = [
        step("exam-step-paper", items > 0, items == 0, items.to_string()),
        step(
            "exam-step-admission",
            admitted > 0,
            items > 0 && admitted == 0,
            admitted.to_string(),
        ),
        step(
            "exam-step-publish",
            !draft,
            draft && items > 0,
            String::new(),
        ),
        step("exam-step-sit", over, !draft && !over, String::new()),
        step(
            "exam-step-results",
            held.settled.is_some(),
            over,
            String::new(),
        ),
    ];
    let late = match t.late {
        Some(late) => minutes(late),
        None => shell.t("exam-late-any"),
    };
    Ok(json!({
        "href": href(id), "title": t.title, "crumbs": crumbs(shell, None), "form": form, "tag": tag(shell, state), "state": state,
        "unit": unit.get(&t.unit), "kind": s.kinds.name(&t.kind, lang), "window": window(env, t), "minutes": minutes(t.seconds),
        "late": late, "grace": t.grace, "attempts": t.attempts,
        "takes": shell.t(&format!("exam-takes-{}", t.takes.code())), "pass": t.pass.map(points_text),
        "shows": shell.t(&format!("exam-shows-{}", t.shows.code())), "level": s.levels.name(&held.about.level, lang),
        "makes_up": held.about.makes_up.zip(made_up).map(|(id, title)| json!({ "href": href(id), "title": title })),
        "notice": held.about.notice.lines().filter(|l| !l.trim().is_empty()).collect::<Vec<_>>(), "items": items, "points": points_text(points), "admitted": admitted,
        "steps": steps, "version": held.version, "may_write": write,
        "released": held.exam.released.map(|at| at.minute_text(env.zone())),
        "may_supervise": !draft && may(s, access, SUPERVISE, t.unit).await?,
        "may_results": !draft && may(s, access, RESULTS, t.unit).await?,
    }))
}

pub(crate) async fn show(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let context = show_context(&s, &shell, &access, id_of(&id)?, Form::default()).await?;
    shell.page("exams/show.html", context)
}

/// The page of an examination with what was refused on it.
async fn refused(
    (s, shell, access): (&Office, &Shell, &Access),
    id: Id,
    error: Error,
) -> Result<Response, Failure> {
    let form = Form::default().reject(shell, error)?;
    let context = show_context(s, shell, access, id, form).await?;
    shell.refused("exams/show.html", context)
}

fn version(pairs: &Pairs) -> Result<i64> {
    value(pairs, "version").parse().map_err(|_| Error::NotFound)
}

pub(crate) async fn publish(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let result = s.publish(id, version(&pairs)?, &access.scope, actor).await;
    match result {
        Ok(()) => shell.done(&href(id), "exam-published-done"),
        Err(e @ Error::Invalid(_)) => refused((&s, &shell, &access), id, e).await,
        Err(e) => Err(e.into()),
    }
}

pub(crate) async fn call_off(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let result = async {
        let word = shell.t("exam-call-off-word");
        if value(&pairs, "confirm") != word {
            let message = Msg::new("exam-confirm-wrong").with("word", word);
            return Err(Error::field("reason", message));
        }
        let why = value(&pairs, "reason");
        s.call_off(id, version(&pairs)?, why, &access.scope, actor)
            .await
    };
    match result.await {
        Ok(()) => shell.done(&href(id), "exam-cancelled-done"),
        Err(e @ Error::Invalid(_)) => refused((&s, &shell, &access), id, e).await,
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_and_written_in_thousandths() {
        for (text, points) in [
            ("2", 2_000),
            ("2.5", 2_500),
            ("0.125", 125),
            (" 60 ", 60_000),
        ] {
            assert_eq!(points_of(text), Some(points));
            assert_eq!(points_text(points), text.trim());
        }
        for text in ["", "-1", "1,5", "1.2345", "一", "99999999", ".5"] {
            assert_eq!(points_of(text), None, "{text}");
        }
    }
}
