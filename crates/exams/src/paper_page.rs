//! The paper of a draft (组卷): questions picked by search, points and switches, a preview of what somebody gets.

use std::collections::{HashMap, HashSet};

use axum::Form as Posted;
use axum::extract::{Path, Query, State as With};
use axum::response::Response;
use identity::Actor;
use kernel::words::Words;
use kernel::{Error, Id, Msg, Result, Scope};
use questions::{Bank, Filter, Kind, MOST_POINTS, Rule, State};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Asked, Order};
use web::{Access, Failure, Form, Shell};

use crate::exam_pages::{Pairs, crumbs, href, id_of, points_of, points_text, value};
use crate::model::Stage;
use crate::office::{Held, Office};
use crate::question_view::{brief, section_title, view};
use crate::{Item, Paper, Section};

const PAGE: i64 = 20;
/// Rules that need no numbers, as a form offers them.
pub(crate) const RULES: [&str; 4] = ["exact", "half", "proportional", "negative"];

/// A rule by its name in a form.
pub(crate) fn rule_of(code: &str, points: i64) -> Rule {
    match code {
        "half" => Rule::Half { step: 0 },
        "proportional" => Rule::Proportional,
        "negative" => Rule::Negative {
            minus: u32::try_from(points / 2).unwrap_or(0),
            floor: None,
        },
        _ => Rule::Exact,
    }
}

/// Where the reader may see questions of the bank.
pub(crate) fn bank_scope(access: &Access) -> Scope {
    let scope = access.principal.scope(questions::READ);
    scope.cloned().unwrap_or_else(Scope::nothing)
}

/// A paper as pages show it: sections with their questions in brief.
fn sections(shell: &Shell, paper: &Paper) -> Vec<Value> {
    let mut number = 0;
    paper
        .sections
        .iter()
        .enumerate()
        .map(|(n, s)| {
            let items: Vec<Value> = s
                .items
                .iter()
                .map(|item| {
                    number += 1;
                    let q = &item.question;
                    json!({ "number": number, "stem": brief(q), "kind": shell.t(&format!("question-kind-{}", q.kind.code())),
                        "difficulty": q.difficulty, "points": points_text(item.points), "tags": q.points,
                        "href": item.from.map(|(id, _)| format!("/questions/{id}")),
                        "version": item.from.map(|(_, version)| version) })
                })
                .collect();
            let full: i64 = s.items.iter().take(s.pick).map(|i| i.points).sum();
            json!({ "n": n, "title": s.title, "items": items, "pick": s.pick, "pool": s.items.len(), "full": points_text(full),
                "rule": s.rule.code(), "each": s.items.first().map(|i| points_text(i.points)) })
        })
        .collect()
}

/// How many questions and points of each kind, point and difficulty an examinee gets; of pools what is to be expected.
fn spread(shell: &Shell, paper: &Paper) -> Value {
    let mut kinds: HashMap<Kind, (usize, i64)> = HashMap::new();
    let (mut hard, mut rated) = (0.0, 0.0);
    for s in &paper.sections {
        if let Some(first) = s.items.first() {
            let full: i64 = s.items.iter().take(s.pick).map(|i| i.points).sum();
            let of = kinds.entry(first.question.kind).or_default();
            *of = (of.0 + s.pick, of.1 + full);
        }
        let share = s.pick as f64 / s.items.len().max(1) as f64;
        for level in s.items.iter().filter_map(|i| i.question.difficulty) {
            hard += f64::from(level) * share;
            rated += share;
        }
    }
    let rows: Vec<Value> = Kind::ALL
        .into_iter()
        .filter_map(|k| kinds.get(&k).map(|of| (k, of)))
        .map(|(k, (count, full))| {
            json!({ "kind": shell.t(&format!("question-kind-{}", k.code())), "count": count, "points": points_text(*full) })
        })
        .collect();
    let mean = (rated > 0.0).then(|| format!("{:.2}", hard / rated));
    json!({ "rows": rows, "count": paper.length(), "points": points_text(paper.full()), "difficulty": mean })
}

/// The bank's questions that match, without those that are on the paper.
async fn found(
    s: &Office,
    shell: &Shell,
    access: &Access,
    asked: &Asked,
    paper: &Paper,
) -> Result<Value> {
    let scope = bank_scope(access);
    let banks = s.questions.banks(&scope).await?;
    let words = Words::new(asked.get("q").unwrap_or_default());
    let point = asked.get("point").map(str::trim).filter(|p| !p.is_empty());
    let points = match point {
        Some(path) => {
            let all = s.questions.points(&scope).await?;
            let same = all.iter().filter(|p| p.path == path);
            Some(same.map(|p| p.id).collect())
        }
        None => None,
    };
    let filter = Filter {
        bank: asked.get("bank").and_then(|b| b.parse().ok()),
        kind: asked.get("kind").and_then(Kind::of_code),
        state: Some(State::InUse),
        difficulty: asked.get("difficulty").and_then(|d| d.parse().ok()),
        points,
        among: None,
    };
    let order = Order {
        by: "changed",
        down: true,
    };
    let window = asked.window(PAGE);
    let (heads, total) = s
        .questions
        .page(&scope, &filter, &words, order, window)
        .await?;
    let on: HashSet<Id> = paper.used().into_iter().map(|(id, _)| id).collect();
    let by_id: HashMap<Id, &Bank> = banks.iter().map(|b| (b.id, b)).collect();
    let rows: Vec<Value> = heads
        .iter()
        .map(|h| {
            let sealed = by_id.get(&h.bank).is_some_and(|b| b.sealed);
            let stem = match sealed {
                true => shell.t("exam-sealed-stem"),
                false => h.stem.clone(),
            };
            json!({ "id": h.id, "stem": stem, "kind": shell.t(&format!("question-kind-{}", h.kind.code())),
                "difficulty": h.difficulty, "tags": h.points, "on": on.contains(&h.id), "href": format!("/questions/{}", h.id) })
        })
        .collect();
    Ok(json!({ "rows": rows, "pager": asked.pager(total, PAGE),
        "banks": banks.iter().map(|b| (b.id, &b.name)).collect::<Vec<_>>() }))
}

async fn context(
    (s, shell, access, asked): (&Office, &Shell, &Access, &Asked),
    (held, paper): (&Held, &Paper),
    form: Form,
) -> Result<Value> {
    let draft = held.exam.stage == Stage::Draft;
    let mut form = form;
    for name in ["q", "bank", "kind", "difficulty", "point"] {
        form = form.with(name, asked.get(name).unwrap_or_default());
    }
    if !form.values.contains_key("points") {
        form = form.with("points", "2");
    }
    let found = match draft {
        true => found(s, shell, access, asked, paper).await?,
        false => Value::Null,
    };
    let kinds: Vec<(&str, String)> = Kind::ALL
        .into_iter()
        .map(|k| (k.code(), shell.t(&format!("question-kind-{}", k.code()))))
        .collect();
    let rules = RULES.map(|r| (r, shell.t(&format!("exam-rule-{r}"))));
    Ok(json!({
        "href": href(held.exam.id), "crumbs": crumbs(shell, Some((held.exam.id, &held.exam.terms.title))), "form": form,
        "title": held.exam.terms.title, "version": held.version, "draft": draft, "sections": sections(shell, paper),
        "spread": spread(shell, paper), "mixed": paper.mixed, "mixed_options": paper.mixed_options, "found": found,
        "kinds": kinds, "rules": rules,
    }))
}

pub(crate) async fn show(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let (held, paper) = s.look(id_of(&id)?, "paper", &access.scope, actor).await?;
    let context = context(
        (&s, &shell, &access, &asked),
        (&held, &paper),
        Form::default(),
    );
    shell.page("exams/paper.html", context.await?)
}

/// What a form does to a paper.
async fn changed(
    s: &Office,
    shell: &Shell,
    access: &Access,
    paper: &mut Paper,
    pairs: &Pairs,
) -> Result<()> {
    let number = |name: &str| {
        value(pairs, name)
            .parse::<usize>()
            .map_err(|_| Error::NotFound)
    };
    let points = || {
        let points = points_of(value(pairs, "points"));
        let fine = points.filter(|p| (1..=MOST_POINTS).contains(p));
        fine.ok_or_else(|| Error::field("points", Msg::new("exam-paper-points")))
    };
    match value(pairs, "act") {
        "add" => {
            let each = points()?;
            let rule = rule_of(value(pairs, "rule"), each);
            let picked = pairs.iter().filter(|(n, _)| n == "pick");
            let ids: Vec<Id> = picked.filter_map(|(_, v)| v.parse().ok()).collect();
            if ids.is_empty() {
                return Err(Error::field("pick", Msg::new("exam-pick-none")));
            }
            add(s, shell, access, paper, &ids, (each, rule)).await?;
        }
        "remove" => {
            let number = number("item")?;
            let mut at = number.checked_sub(1).ok_or(Error::NotFound)?;
            for section in &mut paper.sections {
                if at < section.items.len() {
                    section.items.remove(at);
                    section.pick = section.pick.min(section.items.len());
                    break;
                }
                at -= section.items.len();
            }
            paper.sections.retain(|s| !s.items.is_empty());
        }
        "section" => {
            let each = points()?;
            let title = value(pairs, "title").trim().to_owned();
            if title.chars().count() > 100 {
                return Err(Error::field("title", Msg::new("exam-section-title")));
            }
            let pick = number("of")?;
            let section = paper.sections.get_mut(number("section")?);
            let section = section.ok_or(Error::NotFound)?;
            if pick == 0 || pick > section.items.len() {
                let message = Msg::new("exam-paper-short")
                    .with("section", &section.title)
                    .with("needs", pick)
                    .with("has", section.items.len());
                return Err(Error::field("of", message));
            }
            section.items.iter_mut().for_each(|i| i.points = each);
            (section.title, section.pick) = (title, pick);
            section.rule = rule_of(value(pairs, "rule"), each);
        }
        "up" => {
            let at = number("section")?;
            if (1..paper.sections.len()).contains(&at) {
                paper.sections.swap(at - 1, at);
            }
        }
        "switches" => {
            paper.mixed = value(pairs, "mixed") == "on";
            paper.mixed_options = value(pairs, "options") == "on";
        }
        "clear" => paper.sections.clear(),
        _ => return Err(Error::NotFound),
    }
    Ok(())
}

/// Adds questions that are in use, none twice, none alike.
async fn add(
    s: &Office,
    shell: &Shell,
    access: &Access,
    paper: &mut Paper,
    ids: &[Id],
    (points, rule): (i64, Rule),
) -> Result<()> {
    let on: HashSet<Id> = paper.used().into_iter().map(|(id, _)| id).collect();
    let new: Vec<Id> = ids.iter().copied().filter(|id| !on.contains(id)).collect();
    let seen = s.questions.seen(&new, &bank_scope(access)).await?;
    if seen.len() < new.len() {
        return Err(Error::NotFound);
    }
    let mut all: Vec<Id> = on.iter().copied().collect();
    all.extend(&new);
    let alike = s.questions.alike(&all).await?;
    let mut contents = s.questions.in_use(&all).await?;
    if let Some((one, other, _)) = alike
        .iter()
        .find(|(a, b, _)| new.contains(a) || new.contains(b))
    {
        let text = |id: &Id| {
            contents
                .get(id)
                .map_or_else(String::new, |v| brief(&v.question))
        };
        let message = Msg::new("exam-pick-alike")
            .with("one", text(one))
            .with("other", text(other));
        return Err(Error::field("pick", message));
    }
    for id in new {
        let Some(version) = contents.remove(&id) else {
            return Err(Error::Conflict(Msg::new("exam-bank-changed")));
        };
        let kind = version.question.kind;
        let item = Item {
            question: version.question,
            points,
            from: Some((id, version.version)),
        };
        let same = paper.sections.iter_mut().find(|s| {
            let first = s.items.first().map(|i| i.question.kind);
            s.rule == rule && first == Some(kind) && s.pick == s.items.len()
        });
        match same {
            Some(section) => {
                section.items.push(item);
                section.pick += 1;
            }
            None => paper.sections.push(Section {
                title: section_title(shell, paper.sections.len(), kind),
                rule,
                pick: 1,
                items: vec![item],
            }),
        }
    }
    Ok(())
}

pub(crate) async fn change(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let held = s.held(id, &access.scope).await?;
    let version = value(&pairs, "version")
        .parse()
        .map_err(|_| Error::NotFound)?;
    let mut paper = {
        let mut tx = s.exams.db.read().await?;
        s.exams.paper(&mut tx, held.exam.paper).await?
    };
    let before = paper.clone();
    let result = async {
        if held.exam.stage != Stage::Draft {
            return Err(Error::Conflict(Msg::new("exam-changed-meanwhile")));
        }
        changed(&s, &shell, &access, &mut paper, &pairs).await?;
        s.set_paper(id, version, &paper, None, &access.scope, &actor)
            .await
    };
    match result.await {
        Ok(()) => {
            // Back to the same search.
            let back = Asked::new(&format!("{}/paper", href(id)), asked.besides("act"));
            shell.done(&back.here(), "exam-saved-done")
        }
        Err(e) => {
            let form = Form::default()
                .with("points", value(&pairs, "points"))
                .reject(&shell, e)?;
            let context = context((&s, &shell, &access, &asked), (&held, &before), form);
            shell.refused("exams/paper.html", context.await?)
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Seeded {
    /// What is drawn by; empty: as the paper stands.
    pub(crate) seed: String,
}

/// What somebody with a seed gets; without one the questions as they stand, of pools those that come first.
pub(crate) fn drawn(paper: &Paper, seed: Option<u64>) -> Vec<crate::Place> {
    match seed {
        Some(seed) => paper.drawn(seed),
        None => Paper {
            mixed: false,
            mixed_options: false,
            ..paper.clone()
        }
        .drawn(0),
    }
}

/// The questions somebody gets, section by section.
pub(crate) fn sheet(shell: &Shell, paper: &Paper, seed: Option<u64>, key: bool) -> Vec<Value> {
    let mut out: Vec<(usize, Vec<Value>, i64)> = Vec::new();
    let firsts: Vec<usize> = paper
        .sections
        .iter()
        .scan(0, |before, s| {
            let first = *before;
            *before += s.items.len();
            Some(first)
        })
        .collect();
    for (n, place) in drawn(paper, seed).iter().enumerate() {
        let Some((_, item)) = paper.item(place.item) else {
            continue;
        };
        let at = usize::from(place.item) - 1;
        let section = firsts.partition_point(|f| *f <= at) - 1;
        let mut one = view(
            shell,
            &item.question,
            &place.shown,
            item.from.map(|(id, _)| id),
            key,
        );
        one["number"] = json!(n + 1);
        one["worth"] = json!(points_text(item.points));
        match out.last_mut().filter(|(s, ..)| *s == section) {
            Some((_, items, full)) => {
                items.push(one);
                *full += item.points;
            }
            None => out.push((section, vec![one], item.points)),
        }
    }
    out.into_iter()
        .map(|(n, items, full)| {
            json!({ "title": paper.sections[n].title, "count": items.len(), "full": points_text(full), "items": items })
        })
        .collect()
}

pub(crate) async fn preview(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Query(q): Query<Seeded>,
) -> Result<Response, Failure> {
    let (held, paper) = s.look(id_of(&id)?, "preview", &access.scope, actor).await?;
    let seed = q
        .seed
        .parse()
        .unwrap_or_else(|_| u64::from_be_bytes(s.exams.env.random()) >> 16);
    let t = &held.exam.terms;
    shell.page(
        "exams/preview.html",
        json!({ "href": href(held.exam.id), "crumbs": crumbs(&shell, Some((held.exam.id, &t.title))), "title": t.title,
            "seed": seed.to_string(), "sections": sheet(&shell, &paper, Some(seed), true),
            "count": paper.length(), "points": points_text(paper.full()) }),
    )
}
