//! How everybody stands, period by period, as a sheet: streamed unit by unit.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State as Ax};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::sheets::write::{Value as Cell, csv_head, csv_rows};
use futures::stream::{self, StreamExt};
use identity::Actor;
use kernel::{Date, Error, Period, Result, UnitId};
use organization::Unit;
use web::table::Asked;
use web::{Access, Failure, Policy, Routes, Shell};

use crate::pages::{asked, state_text, year_of};
use crate::state::State;
use crate::{Obligations, READ, Rule};

/// So many units are read at once.
const UNITS: usize = 100;

pub(crate) fn routes() -> Routes<Obligations> {
    let read = Policy::Permission(READ);
    Routes::new()
        .get("/obligations/states.csv", read, everywhere)
        .get("/obligations/{code}/{unit}/states.csv", read, of_unit)
}

async fn everywhere(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    at: Asked,
) -> Result<Response, Failure> {
    let rule = s.chosen(at.get("rule")).ok_or(Error::NotFound)?.clone();
    let units = s.bound(&rule, &access.scope, None).await?;
    answer(s, shell, actor, at, rule, units).await
}

async fn of_unit(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    at: Asked,
    Path((code, unit)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let rule = s.rule(&code)?.clone();
    let unit: UnitId = unit.parse().map_err(|_| Error::NotFound)?;
    let unit = s.organization.unit(unit, &access.scope).await?;
    answer(s, shell, actor, at, rule, vec![unit]).await
}

async fn answer(
    s: Obligations,
    shell: Shell,
    actor: Actor,
    at: Asked,
    rule: Rule,
    units: Vec<Unit>,
) -> Result<Response, Failure> {
    let asked_year = at.get("year").and_then(|y| y.parse().ok());
    let (year, period) = year_of(asked_year, s.env.today());
    let chosen = asked(at.get("state"));
    // While old facts are counted there is nothing to tell yet.
    if s.lines(&rule, Vec::new(), period).await?.is_none() {
        return Err(Error::Busy { retry_after: 5 }.into());
    }
    identity::tell_list(&s.db, &s.env, &actor, "obligations", units.len()).await?;
    let name = format!("{}-{year}.csv", rule.name.get(shell.lang().code()));
    let header = [
        "unit",
        "obligation-who",
        "excuse-first",
        "excuse-last",
        "due-day",
        "excuse-until",
        "obligation-state",
        "done-day",
        "times",
        "minutes",
    ]
    .map(|k| shell.t(k));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let head = Bytes::from(csv_head(&header)?);
    let texts = State::ALL.map(|state| (state, state_text(&shell, state)));
    let parts: Vec<Vec<Unit>> = units.chunks(UNITS).map(<[Unit]>::to_vec).collect();
    let parts = stream::iter(parts).then(move |units| {
        let (s, rule, texts) = (s.clone(), rule.clone(), texts.clone());
        async move {
            let rows = rows(&s, &rule, &units, (period, chosen), &texts).await;
            rows.map(Bytes::from).map_err(std::io::Error::other)
        }
    });
    let body =
        Body::from_stream(stream::once(async { Ok::<_, std::io::Error>(head) }).chain(parts));
    let name = format!(
        "attachment; filename=\"states.csv\"; filename*=UTF-8''{}",
        web::encode(&name).replace('/', "%2F")
    );
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}

/// The rows of some units, as bytes of a csv file.
async fn rows(
    s: &Obligations,
    rule: &Rule,
    units: &[Unit],
    (period, chosen): (Period, Option<State>),
    texts: &[(State, String)],
) -> Result<Vec<u8>> {
    let mut subjects = s.subjects(rule, units, period).await?;
    s.name(rule, &mut subjects.iter_mut().collect::<Vec<_>>())
        .await?;
    let lines = s.lines(rule, subjects, period).await?;
    let lines = lines.ok_or(Error::Busy { retry_after: 5 })?;
    let date = |date: Option<Date>| date.map_or(Cell::Empty, Cell::Date);
    let text = |state: State| {
        let found = texts.iter().find(|(known, _)| *known == state);
        found.map_or("", |(_, text)| text.as_str())
    };
    let mut cells: Vec<Vec<Cell>> = Vec::new();
    for line in &lines {
        let unit = units.iter().find(|u| u.id == line.subject.unit);
        let unit = unit.map_or("", |u| u.name.as_str());
        let wanted = line.occurrences.iter();
        for o in wanted.filter(|o| chosen.is_none_or(|state| o.state == state)) {
            cells.push(vec![
                unit.into(),
                line.subject.name.as_str().into(),
                o.occurrence.window.from.into(),
                o.occurrence.window.to.into(),
                date(o.occurrence.due),
                date(o.extended),
                text(o.state).into(),
                date(o.done),
                o.so_far.n.into(),
                o.so_far.sum.into(),
            ]);
        }
    }
    csv_rows(&cells)
}
