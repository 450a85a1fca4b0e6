//! The form of a blueprint (蓝图组卷): rows of kind, knowledge point, difficulty, number and points; drawn as one paper
//! or as two that are as hard.

use axum::Form as Posted;
use axum::extract::{Path, State as With};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, FieldError, Id, Msg, Result, Scope};
use questions::Kind;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::blueprint::{Blueprint, MOST_ROWS, Row};
use crate::exam_pages::{Pairs, crumbs, href, id_of, points_of, points_text, value};
use crate::model::Stage;
use crate::office::{Held, Office};
use crate::paper_page::{RULES, bank_scope, rule_of};
use crate::question_view::section_title;
use crate::store::making;

/// Rows of an empty form, and those that are added at once.
const BLANK: usize = 5;
/// Fields of a row.
const FIELDS: [&str; 7] = [
    "kind",
    "point",
    "difficulty",
    "count",
    "each",
    "pool",
    "rule",
];

/// A row as it is typed.
type Typed = [String; 7];

/// Knowledge points of the banks as fields offer them: `业务题库：刑法/总则`.
async fn points(s: &Office, scope: &Scope) -> Result<Vec<(Id, String)>> {
    let banks = s.questions.banks(scope).await?;
    let points = s.questions.points(scope).await?;
    let label = |p: questions::Point| {
        let bank = banks.iter().find(|b| b.id == p.bank)?;
        Some(match p.path.is_empty() {
            true => (p.id, bank.name.clone()),
            false => (p.id, format!("{}：{}", bank.name, p.path)),
        })
    };
    Ok(points.into_iter().filter_map(label).collect())
}

/// The rows of a form; those without kind, point and number are left out.
fn typed(pairs: &Pairs) -> Vec<Typed> {
    let columns = FIELDS.map(|f| {
        let found = pairs.iter().filter(|(n, _)| n == f);
        found.map(|(_, v)| v.trim().to_owned()).collect::<Vec<_>>()
    });
    let rows = columns
        .iter()
        .map(Vec::len)
        .max()
        .unwrap_or(0)
        .min(MOST_ROWS + 1);
    let row = |n: usize| -> Typed {
        std::array::from_fn(|c| columns[c].get(n).cloned().unwrap_or_default())
    };
    (0..rows)
        .map(row)
        .filter(|r| !r[1].is_empty() || !r[3].is_empty())
        .collect()
}

/// `1-3`, `2`, `4,5`; empty: any.
fn levels(text: &str) -> Option<Vec<i64>> {
    let mut found = Vec::new();
    for part in text
        .split([',', '，', '、'])
        .map(str::trim)
        .filter(|p| !p.is_empty())
    {
        let (from, to) = part.split_once(['-', '–', '～']).unwrap_or((part, part));
        let (from, to): (i64, i64) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        if !(0..=5).contains(&from) || !(from..=5).contains(&to) {
            return None;
        }
        found.extend(from..=to);
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The blueprint of a form.
fn read(typed: &[Typed], pairs: &Pairs, points: &[(Id, String)]) -> Result<Blueprint> {
    let (mut rows, mut found) = (Vec::new(), Vec::new());
    for (n, [kind, point, difficulty, count, each, pool, rule]) in typed.iter().enumerate() {
        let at = n + 1;
        let mut wrong = |key| {
            found.push(FieldError {
                field: format!("row-{at}"),
                message: Msg::new(key).with("row", at),
            });
        };
        let Some(kind) = Kind::of_code(kind) else {
            wrong("exam-row-kind");
            continue;
        };
        let named = |(_, label): &&(Id, String)| label == point;
        let Some((point, _)) = points.iter().find(named) else {
            wrong("exam-row-point");
            continue;
        };
        let Some(difficulties) = levels(difficulty) else {
            wrong("exam-row-difficulty");
            continue;
        };
        let Some(points) = points_of(each) else {
            wrong("exam-row-points");
            continue;
        };
        let pool = if pool.is_empty() {
            Some(0)
        } else {
            pool.parse().ok()
        };
        let (Ok(count), Some(pool)) = (count.parse(), pool) else {
            wrong("exam-row-count");
            continue;
        };
        rows.push(Row {
            kind,
            point: *point,
            difficulties,
            count,
            points,
            pool,
            rule: rule_of(rule, points),
        });
    }
    let mut number = |name: &str| match value(pairs, name) {
        "" => 0,
        text => text.parse().unwrap_or_else(|_| {
            found.push(FieldError {
                field: name.to_owned(),
                message: Msg::new("exam-number-wrong"),
            });
            0
        }),
    };
    let (papers, months) = (number("papers"), number("months"));
    Error::if_any(found)?;
    let blueprint = Blueprint {
        rows,
        papers,
        months,
    };
    blueprint.check()?;
    Ok(blueprint)
}

/// A blueprint as it is typed.
fn written(blueprint: &Blueprint, points: &[(Id, String)]) -> Vec<Typed> {
    let label = |id: Id| {
        let found = points.iter().find(|(p, _)| *p == id);
        found.map_or_else(String::new, |(_, l)| l.clone())
    };
    let row = |r: &Row| {
        let levels: Vec<String> = r.difficulties.iter().map(i64::to_string).collect();
        let pool = if r.pool == 0 {
            String::new()
        } else {
            r.pool.to_string()
        };
        [
            r.kind.code().to_owned(),
            label(r.point),
            levels.join(","),
            r.count.to_string(),
            points_text(r.points),
            pool,
            r.rule.code().to_owned(),
        ]
    };
    blueprint.rows.iter().map(row).collect()
}

struct Around<'a> {
    held: &'a Held,
    points: &'a [(Id, String)],
    typed: Vec<Typed>,
    /// How many the bank has for each row.
    there: Vec<i64>,
    seed: Option<u64>,
}

fn context(shell: &Shell, a: Around<'_>, form: Form) -> Value {
    let kinds: Vec<(&str, String)> = Kind::ALL
        .into_iter()
        .map(|k| (k.code(), shell.t(&format!("question-kind-{}", k.code()))))
        .collect();
    let blank: Typed = ["single", "", "", "", "2", "", "exact"].map(str::to_owned);
    let blanks = match a.typed.len() {
        0 => BLANK,
        n => 2.min(MOST_ROWS.saturating_sub(n)),
    };
    let known = a.typed.len();
    let mut all = a.typed;
    all.extend(std::iter::repeat_n(blank, blanks));
    let rows: Vec<Value> = all
        .iter()
        .enumerate()
        .map(|(n, [kind, point, difficulty, count, each, pool, rule])| {
            let field = format!("row-{}", n + 1);
            json!({ "n": n + 1, "kind": kind, "point": point, "difficulty": difficulty, "count": count, "each": each,
                "pool": pool, "rule": rule, "there": a.there.get(n).filter(|_| n < known), "error": form.errors.get(&field) })
        })
        .collect();
    let labels: Vec<&str> = a.points.iter().map(|(_, l)| l.as_str()).collect();
    let exam = &a.held.exam;
    json!({
        "href": href(exam.id), "crumbs": crumbs(shell, Some((exam.id, &exam.terms.title))), "title": exam.terms.title,
        "version": a.held.version, "rows": rows, "kinds": kinds, "points": labels,
        "rules": RULES.map(|r| (r, shell.t(&format!("exam-rule-{r}")))), "form": form, "seed": a.seed.map(|s| s.to_string()),
    })
}

pub(crate) async fn show(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let held = s.held(id_of(&id)?, &access.scope).await?;
    if held.exam.stage != Stage::Draft {
        return shell.redirect(&href(held.exam.id));
    }
    let row = making::paper_row(&mut s.exams.db.read().await?, held.exam.paper).await?;
    let points = points(&s, &bank_scope(&access)).await?;
    let known: Option<Blueprint> = serde_json::from_str(&row.recipe).ok();
    let (mut form, mut rows, mut there) = (Form::default(), Vec::new(), Vec::new());
    if let Some(known) = &known {
        rows = written(known, &points);
        there = s.there_are(known).await?;
        form = form
            .with("papers", known.papers)
            .with("months", known.months);
    }
    let around = Around {
        held: &held,
        points: &points,
        typed: rows,
        there,
        seed: row.seed.map(i64::cast_unsigned),
    };
    shell.page("exams/blueprint.html", context(&shell, around, form))
}

pub(crate) async fn draw(
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
    let scope = bank_scope(&access);
    let points = points(&s, &scope).await?;
    let typed = typed(&pairs);
    let blueprint = read(&typed, &pairs, &points);
    let counted = blueprint.as_ref().ok().cloned();
    let result = async {
        let blueprint = blueprint?;
        let seed = match value(&pairs, "seed") {
            "" => u64::from_be_bytes(s.exams.env.random()) >> 16,
            text => {
                let wrong = |_| Error::field("seed", Msg::new("exam-seed"));
                text.parse().map_err(wrong)?
            }
        };
        let titles = |at: usize, kind: Kind| section_title(&shell, at, kind);
        let (whose, scopes) = ((held.exam.id, version), (&access.scope, &scope));
        match value(&pairs, "act") {
            "draw" => {
                let drawn = s.draw_paper(whose, &blueprint, seed, scopes, &titles, &actor);
                drawn.await.map(|()| None)
            }
            "twins" => {
                let suffix = shell.t("exam-twin-suffix");
                let drawn =
                    s.draw_twins(whose, &blueprint, seed, scopes, (&titles, &suffix), &actor);
                drawn.await.map(Some)
            }
            _ => Err(Error::Invalid(Vec::new())),
        }
    };
    match result.await {
        Ok(None) => shell.done(&format!("{}/paper", href(held.exam.id)), "exam-drawn-done"),
        Ok(Some(twin)) => shell.done(&href(twin), "exam-twins-done"),
        // Asked only for how many there are.
        Err(Error::Invalid(errors)) => {
            let there = match &counted {
                Some(blueprint) => s.there_are(blueprint).await?,
                None => Vec::new(),
            };
            let counted = errors.is_empty();
            let mut form = Form::default();
            for name in ["papers", "months", "seed"] {
                form = form.with(name, value(&pairs, name));
            }
            let form = form.reject(&shell, Error::Invalid(errors))?;
            let around = Around {
                held: &held,
                points: &points,
                typed,
                there,
                seed: None,
            };
            let context = context(&shell, around, form);
            match counted {
                true => shell.page("exams/blueprint.html", context),
                false => shell.refused("exams/blueprint.html", context),
            }
        }
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difficulties_are_read_as_people_write_them() {
        assert_eq!(levels(""), Some(vec![]));
        assert_eq!(levels("1-3"), Some(vec![1, 2, 3]));
        assert_eq!(levels("5，2"), Some(vec![2, 5]));
        for text in ["6", "3-1", "难", "1-", "-1"] {
            assert_eq!(levels(text), None, "{text}");
        }
    }
}
