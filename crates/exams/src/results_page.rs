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
use web::table::Asked;
use web::{Access, Failure, Form, Shell};

use crate::Mark;
use crate::exam_pages::{Pairs, crumbs, href, id_of, points_of, points_text, value};
use crate::model::{Shows, Stage};
use crate::office::{Held, Office};
use crate::question_view::{answer_text, brief, view};
use crate::results::{Figures, Line, by_unit, lines, part, role, tallies};
use crate::store::{self, making, results};

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

/// All that is known of the results of an examination.
struct Known {
    held: Held,
    lines: Vec<Line>,
    paths: HashMap<UnitId, Vec<UnitId>>,
}

impl Known {
    async fn of(s: &Office, id: Id, scope: &Scope) -> Result<Self> {
        let held = s.held(id, scope).await?;
        if held.exam.stage == Stage::Draft {
            return Err(Error::NotFound);
        }
        let lines = lines(&mut s.exams.db.read().await?, id).await?;
        let mut units: Vec<UnitId> = lines.iter().filter_map(|l| l.of.unit).collect();
        units.sort_unstable();
        units.dedup();
        let paths = s.exams.organization.paths(&units).await?;
        Ok(Self { held, lines, paths })
    }
}

/// What somebody reached, in words.
fn row(
    env: &Env,
    shell: &Shell,
    held: &Held,
    line: &Line,
    units: &HashMap<UnitId, String>,
) -> Value {
    let t = &held.exam.terms;
    let counts = line.counts(t.takes);
    let points = counts.and_then(|c| c.marked).map(|m| m.1);
    let last = line.attempts.last();
    let state = match (points, last) {
        (Some(points), _) => format!("exam-role-{}", role(t.pass, points)),
        (None, None) => "exam-role-absent".to_owned(),
        (None, Some(t)) if t.submitted.is_none() => "exam-role-sitting".to_owned(),
        (None, Some(_)) if line.attempts.iter().all(|t| t.void.is_some()) => {
            "exam-role-void".to_owned()
        }
        _ => "exam-role-waiting".to_owned(),
    };
    let shown = counts.or(last);
    json!({ "name": line.of.name, "number": line.of.number, "unit": line.of.unit.and_then(|u| units.get(&u)), "place": line.of.place,
        "attempts": line.attempts.len(), "points": points.map(points_text), "state": shell.t(&state),
        "bad": state == "exam-role-failed" || state == "exam-role-void",
        "at": shown.and_then(|t| t.submitted).map(|at| at.minute_text(env.zone())),
        "href": shown.map(|t| format!("/exams/attempts/{}", t.id)) })
}

async fn context(
    s: &Office,
    shell: &Shell,
    access: &Access,
    id: Id,
    asked: &Asked,
    form: Form,
) -> Result<Value> {
    let known = Known::of(s, id, &access.scope).await?;
    let (held, lines) = (&known.held, &known.lines);
    let t = &held.exam.terms;
    let chosen: Option<UnitId> = asked.get("unit").and_then(|u| u.parse().ok());
    let node = chosen.unwrap_or(t.unit);
    let (mut parts, part_whole) = by_unit(lines, held, &known.paths, node);
    let mut whole = Figures::default();
    lines.iter().for_each(|l| whole.add(l, held));
    let mut others = Figures::default();
    if chosen.is_none() {
        // People without a unit, or of units that do not stand below the host.
        let elsewhere = lines
            .iter()
            .filter(|l| part(l, &known.paths, node).is_none());
        elsewhere.for_each(|l| others.add(l, held));
    }
    let own = parts.remove(&Some(node));
    let mut units: Vec<UnitId> = parts.keys().flatten().copied().collect();
    units.extend(lines.iter().filter_map(|l| l.of.unit));
    units.push(node);
    units.sort_unstable();
    units.dedup();
    let names = s.exams.organization.names(&units).await?;
    let mut rows: Vec<Value> = parts
        .iter()
        .filter_map(|(unit, f)| {
            let unit = (*unit)?;
            Some(json!({ "name": names.get(&unit), "href": format!("{}/results?unit={unit}", href(id)), "figures": figures(f) }))
        })
        .collect();
    rows.sort_by_key(|r| r["name"].as_str().unwrap_or_default().to_owned());
    if let Some(own) = own {
        rows.push(
            json!({ "name": shell.t("exam-own-people"), "href": null, "figures": figures(&own) }),
        );
    }
    if others.admitted > 0 {
        rows.push(json!({ "name": shell.t("exam-other-people"), "href": null, "figures": figures(&others) }));
    }
    let mine: Vec<&Line> = lines
        .iter()
        .filter(|l| chosen.is_none() || part(l, &known.paths, node).is_some())
        .collect();
    let window = asked.window(PAGE);
    let total = mine.len() as i64;
    let from = usize::try_from(window.offset(total)).unwrap_or(0);
    let env = &s.exams.env;
    let people: Vec<Value> = mine
        .iter()
        .skip(from)
        .take(usize::try_from(PAGE).unwrap_or(50))
        .map(|l| row(env, shell, held, l, &names))
        .collect();
    let open = lines
        .iter()
        .flat_map(|l| &l.attempts)
        .filter(|a| a.submitted.is_none())
        .count();
    let by_hand = t.shows == Shows::ByHand;
    let whole = if chosen.is_some() { part_whole } else { whole };
    Ok(json!({
        "href": href(id), "crumbs": crumbs(shell, Some((id, &t.title))), "title": t.title, "form": form, "rows": rows, "people": people,
        "pager": asked.pager(total, PAGE), "whole": figures(&whole), "unit": chosen.and_then(|u| names.get(&u)),
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
) -> Result<Response, Failure> {
    let known = Known::of(&s, id_of(&id)?, &access.scope).await?;
    let units: Vec<UnitId> = known.lines.iter().filter_map(|l| l.of.unit).collect();
    let names = s.exams.organization.names(&units).await?;
    identity::tell_list(
        &s.exams.db,
        &s.exams.env,
        &actor,
        "exam-results",
        known.lines.len(),
    )
    .await?;
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
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = known.lines.iter().map(|l| {
        let r = row(&s.exams.env, &shell, &known.held, l, &names);
        let fields = [
            "name", "number", "unit", "place", "attempts", "points", "state", "at",
        ];
        let cell = |f: &str| match (&r[f], f) {
            (Value::String(text), "points") => {
                points_of(text).map_or(Cell::Empty, |p| Cell::Decimal(p, 3))
            }
            (Value::String(text), _) => Cell::Text(text.clone()),
            (Value::Number(n), _) => n.as_i64().map_or(Cell::Empty, Cell::Int),
            _ => Cell::Empty,
        };
        fields.map(cell).to_vec()
    });
    let name = shell.t("exam-results");
    let bytes = xlsx(&name, &header, rows)?;
    let name = format!("{}-{name}.xlsx", known.held.exam.terms.title);
    Ok(web::attachment(web::XLSX, &name, bytes))
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
fn over(held: &Held, env: &Env) -> Result<()> {
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

async fn items_context(
    s: &Office,
    shell: &Shell,
    access: &Access,
    (id, actor): (Id, &Actor),
    form: Form,
) -> Result<Value> {
    over(&s.held(id, &access.scope).await?, &s.exams.env)?;
    let (held, paper) = s.look(id, "items", &access.scope, actor.clone()).await?;
    let mut tx = s.exams.db.read().await?;
    let all = lines(&mut tx, id).await?;
    let tallies = tallies(&mut tx, &all, held.exam.terms.takes).await?;
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
    let mut points: std::collections::BTreeMap<String, (i64, i64)> = Default::default();
    let mut rows = Vec::new();
    let count = paper.sections.iter().map(|s| s.items.len()).sum::<usize>();
    for number in 1..=u16::try_from(count).unwrap_or(u16::MAX) {
        let Some((_, item)) = paper.item(number) else {
            break;
        };
        let (asked, right, got, full) = tallies.get(&number).copied().unwrap_or_default();
        let mut above: Vec<&str> = Vec::new();
        for path in &item.question.points {
            // A point counts at all above it, each once.
            let ends = path
                .match_indices('/')
                .map(|(at, _)| at)
                .chain([path.len()]);
            above.extend(ends.map(|end| &path[..end]));
        }
        above.sort_unstable();
        above.dedup();
        for point in above {
            let of = points.entry(point.to_owned()).or_default();
            *of = (of.0 + right, of.1 + asked);
        }
        let other = item.from.and_then(|(id, version)| {
            let newest = newest.get(&id).filter(|v| v.version != version)?;
            Some(newest.version)
        });
        rows.push(json!({ "number": number, "stem": brief(&item.question), "kind": shell.t(&format!("question-kind-{}", item.question.kind.code())),
            "href": item.from.map(|(id, _)| format!("/exams/pinned/{id}")), "version": item.from.map(|(_, v)| v), "right": rate(right, asked),
            "score": rate(got, full)["percent"], "newer": other, "corrected": corrected.get(&number) }));
    }
    let points: Vec<Value> = points
        .into_iter()
        .map(|(path, (right, asked))| json!({ "path": path, "right": rate(right, asked) }))
        .collect();
    let t = &held.exam.terms;
    Ok(
        json!({ "href": href(id), "crumbs": crumbs(shell, Some((id, &t.title))), "title": t.title, "rows": rows, "points": points, "form": form,
        "may_remark": s.exams.env.now() > t.closes && held.exam.stage == Stage::Published }),
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
    let line = lines(&mut tx, exam)
        .await?
        .into_iter()
        .find(|l| l.of.candidate == known.attempt.candidate);
    let line = line.ok_or(Error::NotFound)?;
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
    let mut questions = Vec::new();
    for (n, place) in paper.drawn(known.attempt.seed).iter().enumerate() {
        let Some((_, item)) = paper.item(place.item) else {
            continue;
        };
        let answer = match kept.get(&place.item) {
            Some(text) => {
                let value: Value = serde_json::from_str(text).map_err(Error::internal)?;
                let answer = Answer::parse(&item.question, &value).unwrap_or(Answer::None);
                answer_text(shell, &item.question, &place.shown.forth(answer))
            }
            None => String::new(),
        };
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
