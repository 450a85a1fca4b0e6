//! Sheets for examinations on paper (纸质考试): the paper, a sheet for answers, the key.

use axum::extract::{Path, Query, State as With};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Result};
use questions::Kind;
use serde_json::{Value, json};
use web::{Access, Failure, Shell};

use crate::Paper;
use crate::exam_pages::{crumbs, href, id_of, points_text};
use crate::office::Office;
use crate::paper_page::{Seeded, drawn, sheet};
use crate::question_view::key_text;

/// Lines that a written answer gets on the sheet.
fn lines(kind: Kind) -> usize {
    match kind {
        Kind::Short => 8,
        Kind::Essay => 24,
        Kind::Case => 12,
        _ => 0,
    }
}

/// What each question has on the sheet for answers, and its key.
fn answers(shell: &Shell, paper: &Paper, seed: Option<u64>) -> Vec<Value> {
    let each = drawn(paper, seed);
    let each = each.iter().enumerate().filter_map(|(n, place)| {
        let (_, item) = paper.item(place.item)?;
        let q = &item.question;
        let letters: Vec<String> = match q.kind {
            kind if kind.is_choice() || kind == Kind::Ordering => {
                (0..q.options.len()).map(|o| questions::letter(o).to_string()).collect()
            }
            Kind::Judgement => vec![shell.t("exam-true"), shell.t("exam-false")],
            _ => Vec::new(),
        };
        let parts: Vec<String> = q.parts.iter().zip(&place.shown.parts).map(|(p, s)| key_text(shell, p, s)).collect();
        Some(json!({ "number": n + 1, "letters": letters, "blanks": q.blanks(), "lines": lines(q.kind), "pairs": q.options.len(),
            "kind": q.kind.code(), "worth": points_text(item.points), "key": key_text(shell, q, &place.shown), "parts": parts }))
    });
    each.collect()
}

pub(crate) async fn print(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, what)): Path<(String, String)>,
    Query(q): Query<Seeded>,
) -> Result<Response, Failure> {
    let what = ["questions", "answers", "key"]
        .into_iter()
        .find(|w| *w == what)
        .ok_or(Error::NotFound)?;
    let seed: Option<u64> = q.seed.parse().ok();
    let (held, paper) = s.look(id_of(&id)?, what, &access.scope, actor).await?;
    let (t, a) = (&held.exam.terms, &held.about);
    let unit = s.exams.organization.names(&[t.unit]).await?;
    let sections = match what {
        "questions" => sheet(&shell, &paper, seed, false),
        _ => Vec::new(),
    };
    let answers = match what {
        "questions" => Vec::new(),
        _ => answers(&shell, &paper, seed),
    };
    shell.page(
        "exams/print.html",
        json!({ "what": what, "href": href(held.exam.id), "crumbs": crumbs(&shell, Some((held.exam.id, &t.title))), "title": t.title,
            "unit": unit.get(&t.unit), "minutes": t.seconds / 60, "points": points_text(paper.full()), "count": paper.length(),
            "mark": s.levels.mark(&a.level, shell.lang().code()), "seed": seed.map(|s| s.to_string()),
            "notice": a.notice.lines().filter(|l| !l.trim().is_empty()).collect::<Vec<_>>(), "sections": sections, "answers": answers }),
    )
}
