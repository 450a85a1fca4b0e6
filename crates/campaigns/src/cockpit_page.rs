//! How a campaign goes: phases against today, units by phase, tracks side by side, what is late; the rows behind each number.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use desk::{Typed, id_of, told};
use identity::Actor;
use kernel::{Date, Error, FactId, Id, Period, Result, Scope, UnitId, format_date};
use ledger::{Fact, Label};
use serde_json::{Value, json};
use web::table::Asked;
use web::{Access, Failure, Form, Shell};

use crate::claims::Problems;
use crate::closing::percent;
use crate::model::{Eyes, TITLE};
use crate::service::{Campaigns, Whole};
use crate::show_page::steps;
use crate::typed::{crumbs, tabs, tag};

const ROWS: usize = 50;
const PAGE: i64 = 50;

pub(crate) async fn cockpit(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let (c, lang, today) = (&w.campaign, shell.lang().code(), s.env.today());
    let at = c.href();
    let mut reading = s.ledger.reading().await?;
    let ground = s.ground(&mut reading, c, &access.scope).await?;
    let lines = s.lines_of(&mut reading, c, &ground).await?;
    let problems = s.problems_of(&mut reading, (c, &w.kind), &ground).await?;
    let chosen = asked
        .get("claim")
        .and_then(|n| n.parse::<usize>().ok())
        .filter(|n| *n < lines.len())
        .unwrap_or(0);
    let phases = &c.content.phases;
    let stretches: Vec<Period> = phases
        .iter()
        .map(|p| Period {
            from: p.from,
            to: p.to,
        })
        .collect();
    let cells = match lines.get(chosen) {
        Some(line) => {
            s.spread(&mut reading, &line.taken, &ground.joined, &stretches)
                .await?
        }
        None => Vec::new(),
    };
    drop(reading);
    let mut ids = ground.joined.clone();
    ids.extend(c.content.measures.iter().map(|m| m.unit));
    let names = s.organization.names(&ids).await?;
    let most = cells
        .iter()
        .flat_map(|c| c.values())
        .map(|c| c.n)
        .max()
        .unwrap_or(0)
        .max(1);
    let mut heat: Vec<(i64, Value)> = ground
        .joined
        .iter()
        .map(|unit| {
            let mut sum = 0;
            let row = phases.iter().zip(&cells).map(|(p, cells)| {
                let cell = cells.get(unit).copied().unwrap_or_default();
                sum += cell.n;
                let level = if cell.n == 0 { 0 } else { (1 + cell.n * 4 / most).min(5) };
                let href = (cell.rows > 0).then(|| format!("{at}/rows?claim={chosen}&unit={unit}&phase={}", p.code));
                json!({ "text": cell.text(&lines[chosen].taken.claim), "level": level, "href": href })
            });
            let row: Vec<Value> = row.collect();
            let percent = w.reports.get(unit).map(|r| r.percent);
            (sum, json!({ "name": names.get(unit), "cells": row, "percent": percent, "nothing": sum == 0 }))
        })
        .collect();
    heat.sort_by_key(|(sum, row)| (*sum, row["name"].as_str().unwrap_or_default().to_owned()));
    let silent = ground
        .joined
        .iter()
        .filter(|u| !w.reports.contains_key(u))
        .count();
    let sums = |claims: &[&crate::Line]| -> Vec<Value> {
        let line = |l: &&crate::Line| {
            json!({ "name": l.taken.claim.name.get(lang), "value": l.cell.text(&l.taken.claim), "unit": l.taken.claim.unit.get(lang),
                "href": format!("{at}/rows?claim={}", l.no) })
        };
        claims.iter().map(line).collect()
    };
    let tracks = w.kind.tracks.iter().map(|t| {
        let own: Vec<&crate::Line> = lines.iter().filter(|l| l.taken.track == t.code).collect();
        let after = t
            .after
            .as_ref()
            .and_then(|code| w.kind.track(code))
            .map(|t| t.name.get(lang));
        json!({ "name": t.name.get(lang), "after": after, "lines": sums(&own) })
    });
    let late = c
        .content
        .measures
        .iter()
        .filter(|m| m.due < today && !w.done.contains_key(&m.no));
    let late = late.map(|m| json!({ "no": m.no, "text": m.text, "unit": names.get(&m.unit), "due": format_date(m.due) }));
    let ends = |phase: &str| phases.iter().find(|p| p.code == phase).map(|p| p.to);
    let missing = w.kind.documents.iter().filter(|d| {
        let there = if d.code == "plan" {
            w.issued().is_some()
        } else {
            w.papers.iter().any(|p| p.code == d.code)
        };
        !there && ends(&d.phase).is_some_and(|day| day < today)
    });
    let missing = missing
        .map(|d| json!({ "name": d.name.get(lang), "due": ends(&d.phase).map(format_date) }));
    let passed = (today - c.content.from).get_days() + 1;
    let length = (c.content.to - c.content.from).get_days() + 1;
    let choices = lines.iter().map(|l| json!({ "label": l.taken.claim.name.get(lang), "href": asked.with("claim", &l.no.to_string()), "current": l.no == chosen }));
    let context = json!({
        "id": c.id, "title": c.content.title, "tag": tag(&shell, c.state), "steps": steps(&w.kind, &c.content, today, lang),
        "elapsed": (passed.clamp(0, length) * 100) / length.max(1), "today": format_date(today), "days": length,
        "joined": c.joined, "named": c.joined + c.absent, "units": format!("{at}/units?show=joined"), "silent": silent,
        "done": w.done.len(), "measures": c.content.measures.len(), "measures_href": format!("{at}#measures"),
        "problems": problem_head(&w, &problems), "problems_href": format!("{at}/problems"),
        "phases": phases.iter().map(|p| w.kind.phase(&p.code).map_or(p.code.as_str(), |k| k.name.get(lang))).collect::<Vec<_>>(),
        "heat": heat.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), "choices": choices.collect::<Vec<_>>(),
        "tracks": tracks.collect::<Vec<_>>(), "late": late.collect::<Vec<_>>(), "missing": missing.collect::<Vec<_>>(),
        "nav": tabs(&shell, c.id, "cockpit"), "crumbs": crumbs(&shell, None),
    });
    shell.page("campaigns/cockpit.html", context)
}

fn problem_head(w: &Whole, p: &Problems) -> Value {
    let target = w.kind.target;
    let met = target.zip(p.rate()).map(|(t, r)| r >= t * 10);
    json!({ "found": p.found, "solved": p.solved, "rate": percent(p.rate()), "target": target.map(|t| format!("{t}%")), "met": met, "more": p.more })
}

/// What facts are called, and where they are shown.
pub(crate) async fn told_of(s: &Campaigns, shell: &Shell, facts: &[Fact]) -> Result<Vec<Value>> {
    let mut reading = s.ledger.reading().await?;
    let titles = s.sources.titles(reading.tx(), facts).await?;
    let paths = reading.paths(facts).await?;
    drop(reading);
    let last = |p: &ledger::PlaceId| paths.get(p).and_then(|path| path.last().copied());
    let units: Vec<UnitId> = facts
        .iter()
        .filter_map(|f| last(&f.unit.unwrap_or(f.host)))
        .collect();
    let people: Vec<_> = facts.iter().filter_map(|f| f.person).collect();
    let (units, people) = (
        s.organization.names(&units).await?,
        s.organization.person_names(&people).await?,
    );
    let lang = shell.lang().code();
    let row = |f: &Fact| {
        let source = s.sources.of(&f.kind);
        let part = source.and_then(|s| s.part(f, lang)).map(|l| match l {
            Label::Key(key) => shell.t(&key),
            Label::Text(text) => text,
        });
        let title = titles.get(&f.subject);
        json!({ "date": format_date(f.date), "unit": last(&f.unit.unwrap_or(f.host)).and_then(|u| units.get(&u)), "part": part,
            "title": title, "href": source.filter(|_| title.is_some()).map(|s| s.href(f)), "person": f.person.and_then(|p| people.get(&p)) })
    };
    Ok(facts.iter().map(row).collect())
}

fn mark_of(text: &str) -> Option<(Date, FactId)> {
    let (date, id) = text.split_once('_')?;
    Some((kernel::parse_date(date)?, id.parse().ok()?))
}

/// The facts behind a claimed number.
pub(crate) async fn rows(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let (c, lang) = (&w.campaign, shell.lang().code());
    let no = asked.get("claim").and_then(|n| n.parse::<usize>().ok());
    let taken = no
        .and_then(|n| c.content.claims.get(n))
        .ok_or(Error::NotFound)?;
    let mut days = Period {
        from: c.content.from,
        to: c.content.to,
    };
    let phase = asked
        .get("phase")
        .and_then(|code| c.content.phases.iter().find(|p| p.code == code));
    if let Some(p) = phase {
        days = Period {
            from: p.from,
            to: p.to,
        };
    }
    let mut reading = s.ledger.reading().await?;
    let ground = s.ground(&mut reading, c, &access.scope).await?;
    let unit = match asked.get("unit") {
        Some(text) => Some(id_of(text)?)
            .filter(|u| ground.joined.contains(u))
            .map_or(Err(Error::NotFound), |u| Ok(Some(u)))?,
        None => None,
    };
    let after = asked.get("after").and_then(mark_of);
    let page = s
        .rows(&mut reading, (&ground, taken), unit, days, after, ROWS)
        .await?;
    let spread = s
        .spread(&mut reading, taken, &ground.joined, &[days])
        .await?;
    drop(reading);
    let names = s.organization.names(&ground.joined).await?;
    let mut by_unit: Vec<(i64, Value)> = ground
        .joined
        .iter()
        .map(|u| {
            let cell = spread[0].get(u).copied().unwrap_or_default();
            let row = json!({ "name": names.get(u), "text": cell.text(&taken.claim), "rows": cell.rows, "href": asked.with("unit", &u.to_string()) });
            (cell.n, row)
        })
        .collect();
    by_unit.sort_by_key(|(n, _)| -n);
    let next = page
        .next
        .map(|(date, id)| asked.with("after", &format!("{}_{id}", format_date(date))));
    let context = json!({
        "title": c.content.title, "claim": taken.claim.name.get(lang), "unit_word": taken.claim.unit.get(lang),
        "categories": taken.categories.join("、"), "from": format_date(days.from), "to": format_date(days.to),
        "unit": unit.and_then(|u| names.get(&u)), "all": asked.without("unit"), "rows": told_of(&s, &shell, &page.facts).await?,
        "by_unit": by_unit.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), "next": next, "crumbs": crumbs(&shell, Some(c)),
    });
    shell.page("campaigns/rows.html", context)
}

async fn problems_context(
    s: &Campaigns,
    (shell, scope): (&Shell, &Scope),
    w: &Whole,
    form: Form,
    asked: &Asked,
) -> Result<Value> {
    let c = &w.campaign;
    let p = s.problems(c, &w.kind, scope).await?;
    let wanted = asked.get("solved").unwrap_or_default();
    let fits = |x: &&crate::claims::Problem| match wanted {
        "yes" => x.solved.is_some(),
        "no" => x.solved.is_none(),
        _ => true,
    };
    let all: Vec<_> = p.list.iter().filter(fits).collect();
    let total = all.len() as i64;
    let at = asked.window(PAGE).offset(total) as usize;
    let page: Vec<_> = all.into_iter().skip(at).take(PAGE as usize).collect();
    let facts: Vec<Fact> = page.iter().map(|x| x.fact.clone()).collect();
    let mut rows = told_of(s, shell, &facts).await?;
    for (row, x) in rows.iter_mut().zip(&page) {
        row["solved"] = json!(x.solved.map(format_date));
        row["own"] = json!(x.own);
    }
    // By unit: found and solved.
    let mut units: std::collections::BTreeMap<UnitId, (i64, i64)> = Default::default();
    for x in &p.list {
        if let Some(unit) = x.unit {
            let cell = units.entry(unit).or_default();
            cell.0 += 1;
            cell.1 += i64::from(x.solved.is_some());
        }
    }
    let ids: Vec<UnitId> = units.keys().copied().chain(w.joined()).collect();
    let names = s.organization.names(&ids).await?;
    let mut by_unit: Vec<(i64, Value)> = units
        .iter()
        .map(|(u, (n, solved))| (n - solved, json!({ "name": names.get(u), "found": n, "solved": solved, "rate": percent(Some(solved * 1_000 / n)) })))
        .collect();
    by_unit.sort_by_key(|(open, _)| -open);
    let may = s.intake.is_some()
        && !w.kind.problems.is_empty()
        && matches!(c.state, crate::State::Running | crate::State::Closing);
    let offered: Vec<UnitId> = if w.may_plan {
        w.joined().collect()
    } else {
        w.inspects.clone()
    };
    let offered: Vec<(String, String)> = offered
        .iter()
        .map(|u| (u.to_string(), names.get(u).cloned().unwrap_or_default()))
        .collect();
    let tab = |code: &str| {
        json!({ "label": shell.t(&format!("campaigns-problems-{}", if code.is_empty() { "all" } else { code })),
        "href": asked.with("solved", code), "current": code == wanted })
    };
    let shows = ["", "no", "yes"].map(tab);
    Ok(json!({
        "id": c.id, "title": c.content.title, "rows": rows, "head": problem_head(w, &p), "by_unit": by_unit.into_iter().map(|(_, r)| r).collect::<Vec<_>>(),
        "shows": shows, "may_raise": may && !offered.is_empty(), "offered": offered, "key": s.env.new_id::<Id>(),
        "title_most": TITLE, "pager": asked.pager(total, PAGE), "nav": tabs(shell, c.id, "problems"), "crumbs": crumbs(shell, None), "form": form,
    }))
}

pub(crate) async fn problems(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let context =
        problems_context(&s, (&shell, &access.scope), &w, Form::default(), &asked).await?;
    shell.page("campaigns/problems.html", context)
}

pub(crate) async fn raise(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let done = async {
        let unit = id_of(typed.get("unit"))?;
        let said = (typed.id("key")?, typed.get("problem"), typed.get("detail"));
        s.raise((id, unit), said, (&eyes, &actor)).await
    };
    match done.await {
        Ok(_) => shell.done(
            &format!("/campaigns/{id}/problems"),
            "campaigns-done-raised",
        ),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.campaign(id, &eyes).await?;
            let asked = Asked::read(&format!("/campaigns/{id}/problems"));
            let context = problems_context(&s, (&shell, &access.scope), &w, form, &asked).await?;
            shell.refused("campaigns/problems.html", context)
        }
    }
}
