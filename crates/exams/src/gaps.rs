//! Gaps that an examination shows (考试短板): a knowledge point that too few know becomes a problem of a unit in one step.

use std::collections::BTreeMap;

use axum::Form as Posted;
use axum::extract::{Path, State as With};
use axum::response::Response;
use commons::findings::{Finder, Finding, Found};
use db::transaction;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, Scope, UnitId};
use serde_json::json;
use web::{Access, Failure, Form, Shell};

use crate::exam_pages::{Pairs, href, id_of, value};
use crate::facts::EXAM;
use crate::office::Office;
use crate::paper::Paper;
use crate::results_page::{items_context, over};
use crate::store::making;
use crate::store::tallies::{self, Tally};

/// Right answers and all of them by knowledge point; one counts at all points above it, each once.
pub(crate) fn by_point(
    paper: &Paper,
    counted: &BTreeMap<u16, Tally>,
) -> BTreeMap<String, (i64, i64)> {
    let mut points: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let count = paper.sections.iter().map(|s| s.items.len()).sum::<usize>();
    for number in 1..=u16::try_from(count).unwrap_or(u16::MAX) {
        let Some((_, item)) = paper.item(number) else {
            break;
        };
        let tally = counted.get(&number).copied().unwrap_or_default();
        let mut above: Vec<&str> = Vec::new();
        for path in &item.question.points {
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
            *of = (of.0 + tally.right, of.1 + tally.asked);
        }
    }
    points
}

/// Texts in the language of whoever raises a gap, by key.
pub type Say<'s> = dyn Fn(&str, &[(&str, &str)]) -> String + Sync + 's;

/// What makes the problem of a point one and the same.
pub(crate) fn key(point: &str) -> String {
    format!("point:{point}")
}

impl Office {
    /// What became of the gaps of an examination.
    pub(crate) async fn gaps(&self, exam: Id) -> Result<Vec<Found>> {
        let Some(intake) = &self.intake else {
            return Ok(Vec::new());
        };
        let mut tx = self.exams.db.read().await?;
        intake.of_source(&mut tx, EXAM, exam).await
    }

    /// Raises a gap as a problem that a unit has to mend, in the words of whoever raises it. Raised again it is the same.
    ///
    /// # Errors
    /// `Invalid` when the point is none of the examination or enough people know it; `Conflict` while somebody may still
    /// be sitting; `NotFound` outside the scope, or where its kind raises none.
    pub async fn raise_gap(
        &self,
        id: Id,
        point: &str,
        unit: UnitId,
        (scope, actor): (&Scope, &Actor),
        say: &Say<'_>,
    ) -> Result<Id> {
        let held = self.held(id, scope).await?;
        over(&held, &self.exams.env)?;
        let t = &held.exam.terms;
        let gap = self.kinds.get(&t.kind).and_then(|k| k.gap.as_ref());
        let (gap, intake) = gap.zip(self.intake.as_ref()).ok_or(Error::NotFound)?;
        self.tally(&held).await?;
        let (counted, paper) = {
            let mut tx = self.exams.db.read().await?;
            let counted = tallies::all(&mut tx, id).await?;
            (
                counted,
                self.exams.paper_as_marked(&mut tx, &held.exam).await?,
            )
        };
        let points = by_point(&paper, &counted);
        let (right, asked) = points.get(point).copied().unwrap_or_default();
        if !gap.is_shown_by(right, asked) {
            return Err(Error::field("point", Msg::new("exam-gap-none")));
        }
        let tenths = (right * 2_000 + asked) / (asked * 2);
        let share = format!("{}.{}%", tenths / 10, tenths % 10);
        let (right, asked, below) = (right.to_string(), asked.to_string(), gap.below.to_string());
        let told = [
            ("point", point),
            ("share", &share),
            ("exam", &t.title),
            ("right", &right),
            ("asked", &asked),
            ("below", &below),
        ];
        let finding = Finding {
            key: key(point),
            source_kind: EXAM,
            source_id: id,
            source_title: t.title.clone(),
            source_href: format!("{}/items", href(id)),
            origin: gap.origin.clone(),
            kind: gap.case.clone(),
            title: say("exam-gap-title", &told),
            detail: say("exam-gap-detail", &told),
            severity: gap.severity.clone(),
            area: gap.area.clone(),
            clause: gap.clause.clone(),
            unit,
            owner: None,
            from: t.unit,
        };
        let finder = Finder {
            account: actor.account,
            on_behalf: actor.on_behalf,
            address: actor.address.clone(),
        };
        transaction!(self.exams.db, |tx| {
            // Whoever may no longer see it raises nothing.
            making::held(tx, id, scope).await?;
            let case = intake.raise(tx, &finding, &finder).await?;
            let detail = json!({ "title": t.title, "point": point, "unit": unit, "case": case });
            self.trace(tx, actor, "exam.gap", id, detail).await?;
            Ok(case)
        })
    }
}

pub(crate) async fn raise(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let done = async {
        let unit = s
            .exams
            .organization
            .unit_picked("unit", value(&pairs, "unit"), &access.scope);
        let unit = unit
            .await
            .map_err(|_| Error::field("unit", Msg::new("exam-unit-wrong")))?;
        let say = |key: &str, args: &[(&str, &str)]| shell.t_with(key, args);
        let by = (&access.scope, &actor);
        s.raise_gap(id, value(&pairs, "point"), unit.id, by, &say)
            .await
    };
    match done.await {
        Ok(_) => shell.done(&format!("{}/items", href(id)), "exam-gap-done"),
        Err(e @ Error::Invalid(_)) => {
            let form = Form::default()
                .with("unit", value(&pairs, "unit"))
                .reject(&shell, e)?;
            let context = items_context(&s, &shell, &access, (id, &actor), form).await?;
            shell.refused("exams/items.html", context)
        }
        Err(e) => Err(e.into()),
    }
}
