//! The sheet of one person (个人学时台账): how they stand, what each number is made of, five years, outside training.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use commons::sheets::write;
use identity::Actor;
use jiff::ToSpan;
use kernel::{Date, Error, Period, PersonId, Result, Scope};
use ledger::Label;
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Shell};

use crate::RECORD;
use crate::book::PersonYear;
use crate::credit::{Credit, credits, total};
use crate::model::print;
use crate::pages::{crumbs, stage_tags, standing_json};
use crate::rules::Form;
use crate::service::{Hours, href};

/// Years of the archive.
const YEARS: i16 = 5;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    year: Option<i16>,
    of: Option<String>,
    part: Option<String>,
    at: Option<String>,
}

pub(crate) fn year_of(asked: Option<i16>, today: Date) -> i16 {
    asked
        .filter(|y| (2000..=today.year()).contains(y))
        .unwrap_or(today.year())
}

/// One person's year with everything on its page.
struct Sheet {
    whole: PersonYear,
    rows: Vec<Credit>,
    archive: Vec<Credit>,
}

impl Hours {
    /// A year of one person, with the rows that were asked for, and their credits of five years.
    async fn sheet(&self, person: PersonId, q: &Asked) -> Result<Sheet> {
        let year = year_of(q.year, self.env.today());
        let mut years = self.years(&[person], year).await?;
        let whole = years.pop().ok_or(Error::NotFound)?;
        let asked = q.of.as_deref().and_then(|code| {
            let found = whole.standings.iter().find(|(n, s)| {
                let at =
                    q.at.as_deref()
                        .is_none_or(|at| kernel::format_date(s.span.period.from) == at);
                self.rules.requirements[*n].code == code && at
            });
            found.map(|(n, s)| (&self.rules.requirements[*n], s.span))
        });
        let rows: Vec<Credit> = match asked {
            Some((r, span)) => whole
                .rows(self, r, span, q.part.as_deref())
                .cloned()
                .collect(),
            None => {
                let of_year = whole.credits.iter().filter(|c| c.fact.date.year() == year);
                of_year.cloned().collect()
            }
        };
        let period = Period {
            from: Date::constant(year, 1, 1).saturating_sub(i64::from(YEARS - 1).years()),
            to: Date::constant(year, 12, 31),
        };
        let mut reading = self.ledger.reading().await?;
        let facts = reading
            .of_people(&self.rules.kinds(), &[person], period)
            .await?;
        Ok(Sheet {
            whole,
            rows,
            archive: credits(&self.rules, &facts),
        })
    }

    /// What rows are called and where they lead, by the features that wrote them.
    async fn rows_json(&self, shell: &Shell, rows: &[Credit]) -> Result<Vec<Value>> {
        let facts: Vec<_> = rows.iter().map(|c| c.fact.clone()).collect();
        let titles = self
            .sources
            .titles(&mut self.db.read().await?, &facts)
            .await?;
        let lang = shell.lang().code();
        let one = |c: &Credit| {
            let source = self.sources.of(&c.fact.kind);
            let part = source.and_then(|s| s.part(&c.fact, lang));
            let part = part.map(|label| match label {
                Label::Key(key) => shell.t(&key),
                Label::Text(text) => text,
            });
            let rule = &self.rules.rules[c.rule];
            json!({
                "date": kernel::format_date(c.fact.date), "title": titles.get(&c.fact.subject).cloned().unwrap_or_else(|| shell.t("hours-untitled")),
                "href": source.map(|s| s.href(&c.fact)), "part": part, "way": self.way_name(&c.way, lang),
                "content": self.content_name(c.content.as_deref(), lang), "rule": rule.name.get(lang),
                "hours": print(c.hours), "days": (c.days > 0).then(|| print(c.days)),
                "cut": (c.hours < c.before).then(|| print(c.before)), "declared": c.fact.source == "declared",
            })
        };
        Ok(rows.iter().map(one).collect())
    }
}

pub(crate) async fn mine(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    match access.principal.person {
        Some(person) => page(&s, &shell, &access, person, q, "/hours/mine".into(), true).await,
        None => shell.page("hours/sheet.html", json!({ "nobody": true })),
    }
}

/// Somebody in the scope, or oneself.
async fn seen(s: &Hours, access: &Access, id: &str) -> Result<PersonId> {
    let person: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    s.organization.person(person, &access.scope).await?;
    Ok(person)
}

pub(crate) async fn person(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    let person = seen(&s, &access, &id).await?;
    let here = format!("/hours/people/{person}");
    page(&s, &shell, &access, person, q, here, false).await
}

async fn page(
    s: &Hours,
    shell: &Shell,
    access: &Access,
    person: PersonId,
    q: Asked,
    here: String,
    own: bool,
) -> Result<Response, Failure> {
    let (today, lang) = (s.env.today(), shell.lang().code());
    let year = year_of(q.year, today);
    let sheet = s.sheet(person, &q).await?;
    let units: Vec<_> = sheet.whole.unit.into_iter().collect();
    let (people, names) = s.names(&[person], &units).await?;
    let (no, name) = people.get(&person).cloned().ok_or(Error::NotFound)?;
    let standings: Vec<Value> = sheet
        .whole
        .standings
        .iter()
        .map(|(n, st)| {
            let r = &s.rules.requirements[*n];
            let at = kernel::format_date(st.span.period.from);
            let href = format!("{here}?year={year}&of={}&at={at}", r.code);
            standing_json(shell, r, st, &href)
        })
        .collect();
    let form_of = |c: &Credit| s.rules.way(&c.way).map(|w| w.form);
    let archive: Vec<Value> = (year - (YEARS - 1)..=year)
        .rev()
        .map(|y| {
            let of = |form| {
                let of_year = sheet.archive.iter().filter(move |c| c.fact.date.year() == y);
                total(of_year.filter(|c| form_of(c) == Some(form)))
            };
            let (offline, online) = (of(Form::Offline), of(Form::Online));
            json!({
                "year": y, "href": format!("{here}?year={y}"), "offline": print(offline.0), "online": print(online.0),
                "hours": print(offline.0 + online.0), "days": print(offline.1 + online.1), "here": y == year,
            })
        })
        .collect();
    let first = Date::constant(year, 1, 1);
    let last = Date::constant(year, 12, 31);
    let records = crate::store::of_person(&mut s.db.read().await?, person, first, last).await?;
    let records: Vec<Value> = records
        .iter()
        .map(|r| {
            json!({
                "href": href(r.id), "title": r.entry.title, "date": kernel::format_date(r.entry.to),
                "way": s.way_name(&r.entry.way, lang), "claimed": print(r.entry.hours),
                "recognised": r.recognised.map(|(h, _)| print(h)), "tags": stage_tags(shell, &s.rules, r),
            })
        })
        .collect();
    let (sum, sum_days) = total(&sheet.rows);
    let of = q.of.as_deref().and_then(|code| s.rules.requirement(code));
    let part = of.and_then(|r| {
        let parts = r.versions.iter().flat_map(|v| &v.parts);
        parts
            .into_iter()
            .find(|p| Some(p.code.as_str()) == q.part.as_deref())
    });
    let rows = s.rows_json(shell, &sheet.rows).await?;
    let may_record = own || access.principal.scope(RECORD).is_some();
    shell.page(
        "hours/sheet.html",
        json!({
            "nobody": false, "own": own, "no": no, "name": name, "unit": sheet.whole.unit.and_then(|u| names.get(&u)), "post": sheet.whole.post,
            "year": year, "previous": format!("{here}?year={}", year - 1),
            "next": (year < today.year()).then(|| format!("{here}?year={}", year + 1)),
            "standings": standings, "archive": archive, "records": records, "rows": rows, "sum": print(sum), "sum_days": print(sum_days),
            "of": of.map(|r| match part { Some(p) => format!("{} · {}", r.name.get(lang), p.name.get(lang)), None => r.name.get(lang).to_owned() }),
            "all": format!("{here}?year={year}"), "xlsx": format!("{here}/export.xlsx?year={year}"), "csv": format!("{here}/export.csv?year={year}"),
            "new": may_record.then(|| if own { "/hours/records/new".to_owned() } else { format!("/hours/records/new?person={}", web::encode(&no)) }),
            "crumbs": if own { Vec::new() } else { crumbs(shell, access) },
        }),
    )
}

/// The rows of a sheet as a table to take home.
async fn table(
    s: &Hours,
    shell: &Shell,
    actor: &Actor,
    person: PersonId,
    q: Asked,
) -> Result<(Vec<String>, Vec<Vec<write::Value>>)> {
    let sheet = s.sheet(person, &q).await?;
    let keys = [
        "hours-date",
        "hours-title",
        "hours-way",
        "hours-content",
        "hours-rule",
        "hours-hours",
        "hours-days",
    ];
    let heads = keys.map(|k| shell.t(k)).to_vec();
    let facts: Vec<_> = sheet.rows.iter().map(|c| c.fact.clone()).collect();
    let titles = s.sources.titles(&mut s.db.read().await?, &facts).await?;
    let lang = shell.lang().code();
    let row = |c: &Credit| {
        let title = titles.get(&c.fact.subject).cloned();
        vec![
            c.fact.date.into(),
            title.unwrap_or_else(|| shell.t("hours-untitled")).into(),
            s.way_name(&c.way, lang).into(),
            s.content_name(c.content.as_deref(), lang).into(),
            s.rules.rules[c.rule].name.get(lang).into(),
            write::Value::Decimal(c.hours / 10, 2),
            write::Value::Decimal(c.days / 10, 2),
        ]
    };
    let rows = sheet.rows.iter().map(row).collect();
    let detail = json!({ "person": person, "rows": sheet.rows.len() });
    let id = kernel::Id::from(person);
    db::transaction!(s.db, |tx| s
        .audit(tx, actor, "hours.exported", id, detail.clone())
        .await)?;
    Ok((heads, rows))
}

pub(crate) fn answer(
    name: &str,
    xlsx: bool,
    (heads, rows): (Vec<String>, Vec<Vec<write::Value>>),
) -> Result<Response, Failure> {
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    Ok(match xlsx {
        true => web::attachment(
            web::XLSX,
            &format!("{name}.xlsx"),
            write::xlsx(name, &heads, rows)?,
        ),
        false => web::attachment(web::CSV, &format!("{name}.csv"), write::csv(&heads, rows)?),
    })
}

async fn export(
    s: &Hours,
    shell: &Shell,
    actor: &Actor,
    person: PersonId,
    q: Asked,
    xlsx: bool,
) -> Result<Response, Failure> {
    let name = format!(
        "{}-{}",
        shell.t("hours-sheet"),
        year_of(q.year, s.env.today())
    );
    answer(&name, xlsx, table(s, shell, actor, person, q).await?)
}

fn oneself(access: &Access) -> Result<PersonId> {
    access.principal.person.ok_or(Error::NotFound)
}

pub(crate) async fn my_xlsx(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    export(&s, &shell, &actor, oneself(&access)?, q, true).await
}

pub(crate) async fn my_csv(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    export(&s, &shell, &actor, oneself(&access)?, q, false).await
}

pub(crate) async fn xlsx(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    let person = seen(&s, &access, &id).await?;
    export(&s, &shell, &actor, person, q, true).await
}

pub(crate) async fn csv(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    let person = seen(&s, &access, &id).await?;
    export(&s, &shell, &actor, person, q, false).await
}

/// Whether somebody is in a scope, or oneself, for the API.
pub(crate) async fn visible(
    s: &Hours,
    scope: &Scope,
    own: Option<PersonId>,
    id: PersonId,
) -> Result<()> {
    if own != Some(id) {
        s.organization.person(id, scope).await?;
    }
    Ok(())
}
