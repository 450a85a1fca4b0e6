//! Results over HTTP: figures by unit with the people behind them, questions, one attempt, release, void, marking anew.

use std::collections::HashMap;

use axum::Form as Posted;
use axum::extract::{Path, State as With};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Env, Error, Id, Msg, Result, Scope, UnitId};
use questions::Answer;
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::Pager;
use web::{Access, Failure, Form, Shell};

use crate::exam_pages::{Pairs, crumbs, href, id_of, may, points_of, points_text, value};
use crate::handed::named;
use crate::model::{Shows, Stage};
use crate::office::{Held, Office};
use crate::question_view::{answer_text, brief, view};
use crate::results::{Figures, State, by_person, by_unit, line};
use crate::store::reached::{self, Filter, Mark as Cursor, Reached};
use crate::store::{self, handed, making, results, tallies};
use crate::{Mark, WRITE, gaps};

const PAGE: i64 = 50;

/// `12/15` and `80.0%`; nothing of nothing.
fn rate(part: i64, whole: i64) -> Value {
    match whole {
        0 => json!({ "part": part, "whole": whole, "percent": null }),
        _ => {
            let tenths = (part * 2_000 + whole) / (whole * 2);
            json!({ "part": part, "whole": whole, "percent": format!("{}.{}%", tenths / 10, tenths % 10) })
        }
    }
}

fn figures(f: &Figures) -> Value {
    let mean = (f.counted > 0).then(|| points_text((f.points / f.counted + 50) / 100 * 100));
    json!({ "admitted": f.admitted, "sat": f.sat, "counted": f.counted, "pass": rate(f.passed, f.counted), "mean": mean })
}

/// What the list can show.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("name", "exam-candidate"),
    Column::new("number", "exam-candidate-number").sorts(),
    Column::new("unit", "exam-candidate-unit"),
    Column::new("attempts", "exam-attempted").number(),
    Column::new("points", "exam-points-reached")
        .sorts()
        .number(),
    Column::new("state", "exam-state"),
    Column::new("at", "exam-handed-in").sorts(),
];
const USUAL: Order = Order {
    by: "number",
    down: false,
};
/// Lines that an export reads at once.
const CHUNK: i64 = 2_000;

/// What was asked for; texts that mean nothing are left out, so that an old link still works.
fn filter(asked: &Asked) -> Filter {
    Filter {
        text: asked.get("q").unwrap_or_default().to_owned(),
        under: asked.get("unit").and_then(|u| u.parse().ok()),
        state: asked.get("state").and_then(State::of_code),
        counted: false,
    }
}

/// Cursors stand beside what is asked for, not in it: views and exports begin at the beginning.
fn cursor(asked: &Asked, order: Order) -> (Asked, Option<Cursor>, bool) {
    let read = |name| asked.get(name).and_then(|text| Cursor::read(text, order));
    let (after, before) = (read("after"), read("before"));
    let back = after.is_none() && before.is_some();
    let rest = asked.without("after");
    let rest = Asked::read(&Asked::read(&rest).without("before"));
    (rest, after.or(before), back)
}

fn pager(asked: &Asked, page: i64, rows: &[Reached], order: Order, total: i64) -> Pager {
    let pages = ((total + PAGE - 1) / PAGE).max(1);
    let page = page.min(pages);
    let at = |name: &str, line: &Reached, page: i64| {
        let to = asked.with(name, &Cursor::of(line, order).text());
        format!("{to}&page={page}")
    };
    Pager {
        total: total.unsigned_abs(),
        page: page.unsigned_abs(),
        pages: pages.unsigned_abs(),
        previous: rows.first().filter(|_| page > 1).map(|l| match page {
            2 => asked.here(),
            _ => at("before", l, page - 1),
        }),
        next: rows
            .last()
            .filter(|_| page < pages)
            .map(|l| at("after", l, page + 1)),
        links: Vec::new(),
    }
}

/// What somebody reached, in words; the name of the unit and the last attempt are looked up together.
struct Words {
    units: HashMap<UnitId, String>,
    last: HashMap<Id, Id>,
}

impl Words {
    async fn of(s: &Office, lines: &[Reached]) -> Result<Self> {
        let mut units: Vec<UnitId> = lines.iter().filter_map(|l| l.unit).collect();
        units.sort_unstable();
        units.dedup();
        let units = s.exams.organization.names(&units).await?;
        // Where nothing counts, the last attempt is shown.
        let open = |l: &&Reached| l.counts.is_none() && l.attempts > 0;
        let ids: Vec<Id> = lines.iter().filter(open).map(|l| l.candidate).collect();
        let mut tried = store::attempts_of(&mut s.exams.db.read().await?, &ids).await?;
        tried.sort_by_key(|(a, _)| a.number);
        let last = tried.into_iter().map(|(a, _)| (a.candidate, a.id));
        Ok(Self {
            units,
            last: last.collect(),
        })
    }

    fn row(&self, env: &Env, shell: &Shell, line: &Reached) -> Value {
        let counts = line.counts.as_ref();
        let shown = counts.map(|c| c.attempt);
        let shown = shown.or_else(|| self.last.get(&line.candidate).copied());
        json!({ "name": line.name, "number": line.number, "unit": line.unit.and_then(|u| self.units.get(&u)), "place": line.place,
            "attempts": line.attempts, "points": counts.map(|c| points_text(c.points)),
            "state": shell.t(&format!("exam-role-{}", line.state.code())),
            "bad": matches!(line.state, State::Failed | State::Void),
            "at": counts.map(|c| c.submitted.minute_text(env.zone())),
            "href": shown.map(|id| format!("/exams/attempts/{id}")) })
    }
}

/// An examination whose results may be read.
async fn shown(s: &Office, id: Id, scope: &Scope) -> Result<Held> {
    let held = s.held(id, scope).await?;
    match held.exam.stage {
        Stage::Draft => Err(Error::NotFound),
        _ => Ok(held),
    }
}

async fn context(
    s: &Office,
    shell: &Shell,
    access: &Access,
    id: Id,
    asked: &Asked,
    form: Form,
) -> Result<Value> {
    let held = shown(s, id, &access.scope).await?;
    let t = &held.exam.terms;
    let (filter, order) = (filter(asked), Table::order(&COLUMNS, asked, USUAL));
    let (rest, mark, back) = cursor(asked, order);
    let mut tx = s.exams.db.read().await?;
    let figured = reached::by_unit(&mut tx, &held.exam).await?;
    let (_, open) = reached::running(&mut tx, id).await?;
    let at = (mark.as_ref(), back);
    let lines = reached::page(&mut tx, &held.exam, &filter, order, at, PAGE).await?;
    // Without a search the figures say how many there are.
    let searched = filter.state.is_some() || !filter.text.trim().is_empty();
    let found = match searched {
        true => Some(reached::count(&mut tx, &held.exam, &filter).await?),
        false => None,
    };
    drop(tx);
    let units: Vec<UnitId> = figured.iter().filter_map(|(unit, _)| *unit).collect();
    let paths = s.exams.organization.paths(&units).await?;
    let chosen = filter.under;
    let node = chosen.unwrap_or(t.unit);
    let (mut parts, mut whole, others) = by_unit(&figured, &paths, node);
    let own = parts.remove(&node);
    let mut named: Vec<UnitId> = parts.keys().copied().collect();
    named.push(node);
    let names = s.exams.organization.names(&named).await?;
    let mut rows: Vec<Value> = parts
        .iter()
        .map(|(unit, f)| {
            json!({ "name": names.get(unit), "href": format!("{}/results?unit={unit}", href(id)), "figures": figures(f) })
        })
        .collect();
    rows.sort_by_key(|r| r["name"].as_str().unwrap_or_default().to_owned());
    let mut without = |key: &str, f: &Figures| {
        rows.push(json!({ "name": shell.t(key), "href": null, "figures": figures(f) }));
    };
    if let Some(own) = own {
        without("exam-own-people", &own);
    }
    // People without a unit, or of units that do not stand below the host.
    if chosen.is_none() && others.admitted > 0 {
        without("exam-other-people", &others);
        whole.add(&others);
    }
    let total = found.unwrap_or(whole.admitted);
    let env = &s.exams.env;
    let words = Words::of(s, &lines).await?;
    let people: Vec<Value> = lines.iter().map(|l| words.row(env, shell, l)).collect();
    let mut chips = Vec::new();
    chips.extend(rest.get("q").map(|text| rest.chip("q", text)));
    if let Some(state) = filter.state {
        let label = shell.t(&format!("exam-role-{}", state.code()));
        chips.push(rest.chip("state", label));
    }
    let states: Vec<(&str, String)> = State::ALL
        .iter()
        .map(|state| {
            (
                state.code(),
                shell.t(&format!("exam-role-{}", state.code())),
            )
        })
        .collect();
    let by_hand = t.shows == Shows::ByHand;
    let here = format!("{}/results", href(id));
    Ok(json!({
        "href": href(id), "here": here, "crumbs": crumbs(shell, Some((id, &t.title))), "title": t.title, "form": form, "rows": rows, "people": people,
        "pager": pager(&rest, asked.page(), &lines, order, total), "whole": figures(&whole), "unit": chosen.and_then(|u| names.get(&u)),
        "unit_id": chosen, "q": filter.text, "states": states, "state": filter.state.map(State::code), "chips": chips,
        "table": Table::new(shell, &COLUMNS, &rest, order, Some(&format!("{here}.xlsx"))),
        "pass": t.pass.map(points_text), "open": open,
        "may_release": by_hand && held.exam.released.is_none() && env.now() > t.closes && open == 0 && held.exam.stage == Stage::Published,
        "released": held.exam.released.map(|at| at.minute_text(env.zone())), "settled": held.settled == Some(held.changes),
    }))
}

pub(crate) async fn list(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let context = context(&s, &shell, &access, id_of(&id)?, &asked, Form::default()).await?;
    shell.page("exams/results.html", context)
}

pub(crate) async fn export(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let held = shown(&s, id_of(&id)?, &access.scope).await?;
    let (filter, order) = (filter(&asked), Table::order(&COLUMNS, &asked, USUAL));
    let total = {
        let mut tx = s.exams.db.read().await?;
        reached::count(&mut tx, &held.exam, &filter).await?
    };
    Window::fits(total)?;
    let count = usize::try_from(total).unwrap_or(0);
    identity::tell_list(&s.exams.db, &s.exams.env, &actor, "exam-results", count).await?;
    let keys = [
        "exam-candidate",
        "exam-candidate-number",
        "exam-candidate-unit",
        "exam-place",
        "exam-attempted",
        "exam-points-reached",
        "exam-state",
        "exam-handed-in",
    ];
    let header = keys.map(|k| shell.t(k));
    let name = shell.t("exam-results");
    let file = format!("{}-{name}.xlsx", held.exam.terms.title);
    // Lines come from the database in parts and go on to the workbook: never all of them are in memory.
    let (send, mut parts) = tokio::sync::mpsc::channel::<Vec<Vec<Cell>>>(2);
    let book = tokio::task::spawn_blocking(move || {
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows = std::iter::from_fn(move || parts.blocking_recv()).flatten();
        xlsx(&name, &header, rows)
    });
    let mut mark: Option<Cursor> = None;
    loop {
        let mut tx = s.exams.db.read().await?;
        let at = (mark.as_ref(), false);
        let lines = reached::page(&mut tx, &held.exam, &filter, order, at, CHUNK).await?;
        drop(tx);
        let words = Words::of(&s, &lines).await?;
        let cells = lines
            .iter()
            .map(|l| cells(&words.row(&s.exams.env, &shell, l), l));
        // A workbook that could not be written says why below.
        let gone = send.send(cells.collect()).await.is_err();
        mark = lines.last().map(|l| Cursor::of(l, order));
        if gone || (lines.len() as i64) < CHUNK {
            break;
        }
    }
    drop(send);
    let bytes = book.await.map_err(Error::internal)??;
    Ok(web::attachment(web::XLSX, &file, bytes))
}

fn cells(row: &Value, line: &Reached) -> Vec<Cell> {
    let text = |f: &str| {
        row[f]
            .as_str()
            .map_or(Cell::Empty, |t| Cell::Text(t.to_owned()))
    };
    let points = line.counts.as_ref().map(|c| c.points);
    vec![
        text("name"),
        text("number"),
        text("unit"),
        text("place"),
        Cell::Int(line.attempts),
        points.map_or(Cell::Empty, |p| Cell::Decimal(p, 3)),
        text("state"),
        text("at"),
    ]
}

pub(crate) async fn release(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    s.release(id, &access.scope, actor).await?;
    shell.done(&format!("{}/results", href(id)), "exam-released-done")
}

/// Who reads results sees questions and keys when nobody can begin any more.
pub(crate) fn over(held: &Held, env: &Env) -> Result<()> {
    match held.exam.stage {
        Stage::Draft => Err(Error::NotFound),
        _ if env.now() <= held.exam.terms.closes => {
            Err(Error::Conflict(Msg::new("exam-paper-early")))
        }
        _ => Ok(()),
    }
}

/// How the questions went, one by one and by knowledge point.
pub(crate) async fn items(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let context = items_context(&s, &shell, &access, (id, &actor), Form::default()).await?;
    shell.page("exams/items.html", context)
}

pub(crate) async fn items_context(
    s: &Office,
    shell: &Shell,
    access: &Access,
    (id, actor): (Id, &Actor),
    form: Form,
) -> Result<Value> {
    over(&s.held(id, &access.scope).await?, &s.exams.env)?;
    let (held, paper) = s.look(id, "items", &access.scope, actor.clone()).await?;
    s.tally(&held).await?;
    let mut tx = s.exams.db.read().await?;
    let counted = tallies::all(&mut tx, id).await?;
    let corrected: HashMap<u16, i64> = {
        let found = making::corrections(&mut tx, id).await?;
        found
            .into_iter()
            .map(|(item, version, _)| (item, version))
            .collect()
    };
    drop(tx);
    let ids: Vec<Id> = paper.used().into_iter().map(|(id, _)| id).collect();
    let newest = s.questions.in_use(&ids).await?;
    let mut rows = Vec::new();
    let count = paper.sections.iter().map(|s| s.items.len()).sum::<usize>();
    for number in 1..=u16::try_from(count).unwrap_or(u16::MAX) {
        let Some((_, item)) = paper.item(number) else {
            break;
        };
        let tally = counted.get(&number).copied().unwrap_or_default();
        let (asked, right) = (tally.asked, tally.right);
        let other = item.from.and_then(|(id, version)| {
            let newest = newest.get(&id).filter(|v| v.version != version)?;
            Some(newest.version)
        });
        rows.push(json!({ "number": number, "stem": brief(&item.question), "kind": shell.t(&format!("question-kind-{}", item.question.kind.code())),
            "href": item.from.map(|(id, _)| format!("/exams/pinned/{id}")), "version": item.from.map(|(_, v)| v), "right": rate(right, asked),
            "score": rate(tally.points, tally.full)["percent"], "newer": other, "corrected": corrected.get(&number) }));
    }
    let t = &held.exam.terms;
    let found = s.gaps(id).await?;
    let gap = s.kinds.get(&t.kind).and_then(|k| k.gap.as_ref());
    let gap = gap.filter(|_| s.intake.is_some());
    let points = gaps::by_point(&paper, &counted);
    let points: Vec<Value> = points
        .into_iter()
        .map(|(path, (right, asked))| {
            let case = found.iter().find(|f| f.key == gaps::key(&path));
            let weak = gap.is_some_and(|g| g.is_shown_by(right, asked));
            json!({ "path": path, "right": rate(right, asked), "weak": weak,
                "case": case.map(|c| json!({ "number": c.number, "href": c.href, "closed": c.closed })) })
        })
        .collect();
    let may_raise = may(s, access, WRITE, t.unit).await?;
    Ok(
        json!({ "href": href(id), "crumbs": crumbs(shell, Some((id, &t.title))), "title": t.title, "rows": rows, "points": points, "form": form,
        "below": gap.map(|g| g.below), "may_raise": may_raise, "may_remark": s.exams.env.now() > t.closes && held.exam.stage == Stage::Published }),
    )
}

pub(crate) async fn remark(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let item = value(&pairs, "item").parse().map_err(|_| Error::NotFound)?;
    let why = value(&pairs, "reason");
    match s.remark(id, item, why, &access.scope, actor.clone()).await {
        Ok(_) => shell.done(&format!("{}/items", href(id)), "exam-remarked-done"),
        Err(e @ Error::Invalid(_)) => {
            let form = Form::default().reject(&shell, e)?;
            let context = items_context(&s, &shell, &access, (id, &actor), form).await?;
            shell.refused("exams/items.html", context)
        }
        Err(e) => Err(e.into()),
    }
}

/// Where a counted question is shown: among those of its examination.
pub(crate) async fn item(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let named = results::items_named(&mut s.exams.db.read().await?, &[id]).await?;
    let (exam, ..) = named.get(&id).ok_or(Error::NotFound)?;
    s.held(*exam, &access.scope).await?;
    shell.redirect(&format!("{}/items", href(*exam)))
}

/// Which papers pin a question of the bank, each in its version.
pub(crate) async fn pinned(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Path(question): Path<String>,
) -> Result<Response, Failure> {
    let question = id_of(&question)?;
    let found = making::pinned(&mut s.exams.db.read().await?, question, &access.scope).await?;
    let newest = s.questions.in_use(&[question]).await?;
    let newest = newest.get(&question);
    if found.is_empty() {
        return Err(Error::NotFound.into());
    }
    let rows: Vec<Value> = found
        .iter()
        .map(|(id, title, version, opens)| {
            json!({ "title": title, "href": format!("{}/items", href(*id)), "version": version,
                "old": newest.is_some_and(|n| n.version != *version), "opens": opens.minute_text(s.exams.env.zone()) })
        })
        .collect();
    shell.page(
        "exams/pinned.html",
        json!({ "crumbs": crumbs(&shell, None), "rows": rows, "newest": newest.map(|n| n.version), "question": format!("/questions/{question}") }),
    )
}

async fn attempt_context(
    s: &Office,
    shell: &Shell,
    access: &Access,
    (id, actor): (Id, &Actor),
    form: Form,
) -> Result<Value> {
    let exam = results::exam_of(&mut s.exams.db.read().await?, id, &access.scope).await?;
    over(&s.held(exam, &access.scope).await?, &s.exams.env)?;
    let (held, paper) = s
        .look(exam, "attempt", &access.scope, actor.clone())
        .await?;
    let env = &s.exams.env;
    let mut tx = s.exams.db.read().await?;
    let known = store::known(&mut tx, &[id])
        .await?
        .into_iter()
        .next()
        .ok_or(Error::NotFound)?;
    let line = line(&mut tx, known.attempt.candidate).await?;
    let kept: HashMap<u16, String> = {
        let found = store::answers(&mut tx, &[id]).await?;
        found.into_iter().map(|(_, k)| (k.item, k.value)).collect()
    };
    let marked = store::results(&mut tx, &[id]).await?.into_iter().next();
    let history = results::history(&mut tx, id).await?;
    drop(tx);
    let marks: Vec<Mark> = match &marked {
        Some(m) => serde_json::from_str(&m.marks).map_err(Error::internal)?,
        None => Vec::new(),
    };
    let handed = handed::all(&mut s.exams.db.read().await?, id).await?;
    let may_score = env.now() > held.exam.terms.closes && marked.is_some();
    let mut questions = Vec::new();
    for (n, place) in paper.drawn(known.attempt.seed).iter().enumerate() {
        let Some((_, item)) = paper.item(place.item) else {
            continue;
        };
        let answer = match kept.get(&place.item) {
            Some(text) => {
                let value: Value = serde_json::from_str(text).map_err(Error::internal)?;
                Answer::parse(&item.question, &value).unwrap_or(Answer::None)
            }
            None => Answer::None,
        };
        let files: Vec<Value> = named(&answer)
            .into_iter()
            .filter_map(|hash| handed.iter().find(|f| f.hash == hash))
            .map(|f| json!({ "name": f.name, "kib": f.size.div_ceil(1_024), "href": format!("/exams/attempts/{id}/files/{}", f.hash) }))
            .collect();
        let answer = answer_text(shell, &item.question, &place.shown.forth(answer));
        let mark = marks.iter().find(|m| m.item == place.item);
        let mut one = view(
            shell,
            &item.question,
            &place.shown,
            item.from.map(|(id, _)| id),
            true,
        );
        one["number"] = json!(n + 1);
        one["worth"] = json!(points_text(item.points));
        one["answer"] = json!(answer);
        one["got"] = json!(mark.map(|m| points_text(m.scored.points)));
        one["right"] = json!(mark.is_some_and(|m| m.scored.right));
        one["waits"] = json!(mark.is_some_and(|m| m.scored.needs_person));
        one["item"] = json!(place.item);
        one["files"] = json!(files);
        one["score"] = json!(may_score && by_person(&item.question));
        questions.push(one);
    }
    let tried = line
        .attempts
        .iter()
        .find(|a| a.id == id)
        .ok_or(Error::NotFound)?;
    let counts = line
        .counts(held.exam.terms.takes)
        .is_some_and(|c| c.id == id);
    let history: Vec<Value> = history
        .iter()
        .map(|(n, points, why, at)| {
            json!({ "number": n, "points": points_text(*points), "reason": why, "at": at.minute_text(env.zone()) })
        })
        .collect();
    let others: Vec<Value> = line
        .attempts
        .iter()
        .filter(|a| a.id != id)
        .map(|a| json!({ "number": a.number, "href": format!("/exams/attempts/{}", a.id) }))
        .collect();
    let t = &held.exam.terms;
    Ok(json!({
        "here": format!("/exams/attempts/{id}"), "crumbs": crumbs(shell, Some((exam, &t.title))), "title": t.title, "name": line.of.name,
        "number": line.of.number, "attempt": tried.number, "began": tried.began.minute_text(env.zone()),
        "submitted": tried.submitted.map(|at| at.minute_text(env.zone())), "points": marked.as_ref().map(|m| points_text(m.points)),
        "full": marked.as_ref().map(|m| points_text(m.total)), "waiting": marked.as_ref().map_or(0, |m| m.waiting), "counts": counts,
        "void": tried.void, "questions": questions, "history": history, "others": others, "form": form,
    }))
}

pub(crate) async fn attempt(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let context =
        attempt_context(&s, &shell, &access, (id_of(&id)?, &actor), Form::default()).await?;
    shell.page("exams/attempt.html", context)
}

/// A file that was handed in, for who marks; each time is written down.
pub(crate) async fn file(
    With(s): With<Office>,
    access: Access,
    actor: Actor,
    Path((id, hash)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let mut tx = s.exams.db.read().await?;
    let exam = results::exam_of(&mut tx, id, &access.scope).await?;
    let found = handed::all(&mut tx, id).await?;
    drop(tx);
    over(&s.held(exam, &access.scope).await?, &s.exams.env)?;
    let file = found.into_iter().find(|f| f.hash == hash);
    let file = file.ok_or(Error::NotFound)?;
    let inbox = s.exams.inbox.as_ref().ok_or(Error::NotFound)?;
    let detail = json!({ "attempt": id, "file": file.name, "hash": file.hash });
    db::transaction!(s.exams.db, |tx| {
        s.trace(tx, &actor, "exam.file-seen", exam, detail.clone())
            .await
    })?;
    let kept = desk::Attached {
        name: file.name,
        sha256: file.hash,
        size: file.size,
    };
    Ok(inbox.kept.download(&kept).await?)
}

pub(crate) async fn void(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let result = async {
        let void = match value(&pairs, "act") {
            "void" => {
                let word = shell.t("exam-void-word");
                if value(&pairs, "confirm") != word {
                    let message = Msg::new("exam-confirm-wrong").with("word", word);
                    return Err(Error::field("reason", message));
                }
                true
            }
            "restore" => false,
            "score" => {
                let item = value(&pairs, "item").parse().map_err(|_| Error::NotFound)?;
                let points = points_of(value(&pairs, "points"));
                let wrong = || Error::field("points", Msg::new("exam-score-typed"));
                let points = points.ok_or_else(wrong)?;
                let why = value(&pairs, "reason");
                return s
                    .score((id, item), points, why, &access.scope, actor.clone())
                    .await;
            }
            _ => return Err(Error::NotFound),
        };
        s.void(
            id,
            void,
            value(&pairs, "reason"),
            &access.scope,
            actor.clone(),
        )
        .await
    };
    match result.await {
        Ok(()) => shell.done(&format!("/exams/attempts/{id}"), "exam-saved-done"),
        Err(e @ Error::Invalid(_)) => {
            let form = Form::default().reject(&shell, e)?;
            let context = attempt_context(&s, &shell, &access, (id, &actor), form).await?;
            shell.refused("exams/attempt.html", context)
        }
        Err(e) => Err(e.into()),
    }
}
