//! Sign-in sheets over HTTP: printed empty, downloaded as a table, and read back into the form of recording.

use std::collections::HashSet;

use axum::extract::{Multipart, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use commons::sheets::write::{self, Value as Out};
use kernel::{ActivityId, Date, Error, FieldError, Id, Msg, PersonId, Result, Timestamp, UnitId};
use organization::RosterEntry;
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Shell};

use crate::form_page::{self, FormQuery};
use crate::plan::Plan;
use crate::sheet::{self, short_code};
use crate::store::details as rows;
use crate::{Activities, ActivityKind, store};

/// What a filled sheet may weigh.
pub(crate) const BODY: usize = 11 << 20;
/// Empty rows for people whom nobody expected.
const BLANK: usize = 8;

impl Activities {
    /// Who is expected at what was planned.
    pub(crate) async fn expected_at(
        &self,
        plan: &Plan,
        scope: &kernel::Scope,
    ) -> Result<Vec<RosterEntry>> {
        let kind = self.kinds.get(&plan.kind).ok_or(Error::NotFound)?;
        self.expected(kind, plan.host, plan.expects(), plan.date, scope)
            .await
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    blank: Option<usize>,
}

struct Paper<'a> {
    href: String,
    code: String,
    title: &'a str,
    host: UnitId,
    kind: &'a str,
    when: (Timestamp, Timestamp),
    location: &'a str,
}

async fn paper(
    s: &Activities,
    shell: &Shell,
    headers: &HeaderMap,
    paper: Paper<'_>,
    lines: &[RosterEntry],
    blank: Option<usize>,
) -> Result<Response, Failure> {
    let zone = s.env.zone();
    let rows: Vec<Value> = lines
        .iter()
        .map(|l| json!({ "name": l.name, "unit": l.unit_name, "post": l.post }))
        .collect();
    let clock = |at: Timestamp| at.zoned(zone).strftime("%H:%M").to_string();
    let host = s.organization.names(&[paper.host]).await?;
    let kind = s.kinds.get(paper.kind);
    let url = format!("{}{}", s.origin(headers), paper.href);
    shell.page(
        "activities/sheet.html",
        json!({
            "title": paper.title, "host": host.get(&paper.host), "location": paper.location, "rows": rows,
            "kind": kind.map_or(paper.kind, |k| k.name.get(shell.lang().code())), "href": paper.href,
            "starts": paper.when.0.minute_text(zone), "ends": clock(paper.when.1), "code": paper.code,
            "blank": blank.unwrap_or(BLANK).min(60), "picture": web::qr(&url, 84)?,
        }),
    )
}

/// The empty sheet of something that was planned.
pub(crate) async fn of_plan(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let (plan, _) = s.planned(id, &access.scope).await?;
    let lines = s.expected_at(&plan, &access.scope).await?;
    let about = Paper {
        href: format!("/activities/plans/{id}"),
        code: short_code(id),
        title: &plan.title,
        host: plan.host,
        kind: &plan.kind,
        when: (plan.starts, plan.ends),
        location: &plan.location,
    };
    paper(&s, &shell, &headers, about, &lines, asked.blank).await
}

/// The empty sheet of something that was recorded: its frozen roster.
pub(crate) async fn of_activity(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let (a, parts) = s.activity(id, &access).await?;
    if a.pair.is_some() {
        return Err(Error::NotFound.into());
    }
    let people: Vec<PersonId> = parts.iter().map(|p| p.person).collect();
    let lines = rows::lines(&mut s.db.read().await?, &people, a.date).await?;
    let about = Paper {
        href: format!("/activities/{id}"),
        code: short_code(id),
        title: &a.title,
        host: a.host,
        kind: &a.kind,
        when: (a.starts, a.ends),
        location: &a.location,
    };
    paper(&s, &shell, &headers, about, &lines, asked.blank).await
}

/// The roster as a table to be filled in.
pub(crate) async fn template(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Query(q): Query<FormQuery>,
) -> Result<Response, Failure> {
    let asked = Roster::of(&s, &access, &q).await?;
    let zh = shell.lang().code() == "zh-CN";
    let mut header: Vec<&str> = ["no", "name", "unit", "post", "part", "minutes"]
        .iter()
        .filter_map(|key| sheet::COLUMNS.iter().find(|(k, _)| k == key))
        .map(|(_, names)| if zh { names[0] } else { names[names.len() - 1] })
        .collect();
    header.dedup();
    let text = |t: &str| Out::Text(t.to_owned());
    let lines = asked.lines.iter().map(|l| {
        let known = [&l.staff_no, &l.name, &l.unit_name, &l.post];
        let known = known.map(|t| text(t));
        known.into_iter().chain([Out::Empty, Out::Empty]).collect()
    });
    let named = match asked.code.is_empty() {
        true => shell.t("sheet-name"),
        false => asked.code.clone(),
    };
    let bytes = write::xlsx(&named, &header, lines)?;
    let name = format!(
        "{}-{}-{}.xlsx",
        shell.t("sheet-name"),
        named,
        kernel::format_date(asked.date)
    );
    Ok(web::attachment(web::XLSX, &name, bytes))
}

/// The roster that a form is about.
struct Roster<'k> {
    kind: &'k ActivityKind,
    lines: Vec<RosterEntry>,
    date: Date,
    /// The code of its plan; empty without one.
    code: String,
}

impl<'k> Roster<'k> {
    async fn of(s: &'k Activities, access: &Access, q: &FormQuery) -> Result<Self> {
        let unit: UnitId = q.unit.parse().map_err(|_| Error::NotFound)?;
        let kind = s
            .kinds
            .get(&q.kind)
            .filter(|k| !k.pair)
            .ok_or(Error::NotFound)?;
        let wrong = || Error::field("date", Msg::new("activity-date-wrong"));
        let date = kernel::parse_date(&q.date).ok_or_else(wrong)?;
        s.organization.unit(unit, &access.scope).await?;
        let of: Option<Id> = q.of.parse().ok();
        let lines = s.expected(kind, unit, of, date, &access.scope).await?;
        let plan: Option<Id> = q.plan.parse().ok();
        Ok(Self {
            kind,
            lines,
            date,
            code: plan.map(short_code).unwrap_or_default(),
        })
    }
}

/// A sheet that was sent, with the form it belongs to.
struct Sent {
    query: FormQuery,
    name: String,
    bytes: bytes::Bytes,
}

impl Sent {
    async fn take(mut form: Multipart) -> Result<Self> {
        let mut sent = Self {
            query: FormQuery::default(),
            name: String::new(),
            bytes: bytes::Bytes::new(),
        };
        let broken = |_| Error::field("sheet", Msg::new("evidence-broken"));
        while let Some(part) = form.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            if name == "sheet" {
                part.file_name()
                    .unwrap_or_default()
                    .clone_into(&mut sent.name);
                sent.bytes = part.bytes().await.map_err(broken)?;
                continue;
            }
            let text = part.text().await.map_err(broken)?;
            match name.as_str() {
                "kind" => sent.query.kind = text,
                "unit" => sent.query.unit = text,
                "date" => sent.query.date = text,
                "of" => sent.query.of = text,
                "plan" => sent.query.plan = text,
                "series" => sent.query.series = text,
                _ => {}
            }
        }
        Ok(sent)
    }
}

/// A filled sheet becomes marks in the form of recording; nothing is recorded by it.
pub(crate) async fn import(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    form: Multipart,
) -> Result<Response, Failure> {
    let sent = Sent::take(form).await?;
    let asked = Roster::of(&s, &access, &sent.query).await?;
    let filled = match sent.bytes.is_empty() {
        true => Err(Error::field("sheet", Msg::new("evidence-missing"))),
        false => sheet::read(
            &sent.name,
            &sent.bytes,
            &asked.code,
            &asked.lines,
            asked.kind.longest,
        ),
    };
    let filled = match filled {
        Ok(filled) => beside(&s, filled, asked.date).await,
        Err(error) => Err(error),
    };
    let filled = filled.map(|(filled, numbers)| form_page::Prefill {
        marks: filled
            .marks
            .iter()
            .map(|(p, role)| (*p, role.code().to_owned()))
            .collect(),
        observers: numbers,
        minutes: filled.minutes,
    });
    form_page::with_sheet(&s, &shell, &access, sent.query, filled).await
}

/// People beside the roster must be there; their staff numbers go to the form.
async fn beside(
    s: &Activities,
    mut filled: sheet::Filled,
    date: Date,
) -> Result<(sheet::Filled, Vec<String>)> {
    let numbers: Vec<String> = filled.others.iter().map(|(n, ..)| n.clone()).collect();
    if numbers.is_empty() {
        return Ok((filled, numbers));
    }
    let found = store::people_by_staff_no(&mut s.db.read().await?, &numbers, date).await?;
    let mut errors = Vec::new();
    let mut known = HashSet::new();
    for (number, cell, minutes) in &filled.others {
        match found
            .iter()
            .find(|(n, _, unit)| n == number && unit.is_some())
        {
            Some((_, person, _)) if known.insert(*person) => {
                filled.minutes.extend(minutes.map(|m| (*person, m)));
            }
            _ => errors.push(FieldError {
                field: cell.clone(),
                message: Msg::new("observer-unknown").with("number", number),
            }),
        }
    }
    Error::if_any(errors)?;
    Ok((filled, numbers))
}
