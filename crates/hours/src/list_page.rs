//! The list of people with how they stand (单位学时台账), and the requirements with their counts.

use std::collections::{BTreeMap, HashMap};

use axum::extract::{Query, State};
use axum::response::Response;
use commons::sheets::write;
use identity::Actor;
use kernel::{Id, PersonId, Result, Scope, UnitId};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table};
use web::view::Tag;
use web::{Access, Failure, Form, Shell};

use crate::book::PersonYear;
use crate::credit::total;
use crate::model::print;
use crate::pages::{held, said, state_tag};
use crate::rules::{Count, Requirement, RuleVersion, Window};
use crate::service::Hours;
use crate::sheet_page::{answer, year_of};
use crate::standing::{Standing, State as Stand};
use crate::{READ, RECORD, REVIEW};

const PAGE: i64 = 50;

/// What the list can show.
pub(crate) const COLUMNS: [Column; 8] = [
    Column::new("name", "hours-person"),
    Column::new("unit", "hours-unit"),
    Column::new("post", "hours-post").on_demand(),
    Column::new("year", "hours-of-year").number(),
    Column::new("required", "hours-required").number(),
    Column::new("has", "hours-recognised").number(),
    Column::new("missing", "hours-missing").number(),
    Column::new("state", "hours-state"),
];
const USUAL: Order = Order {
    by: "name",
    down: false,
};

/// A line of the list: somebody, and how they stand with one requirement; none: with none.
struct Line {
    of: PersonYear,
    standing: Option<(usize, Standing)>,
}

/// What is asked for.
struct Wanted {
    year: i16,
    requirement: Option<usize>,
    state: Option<Stand>,
}

fn wanted(s: &Hours, asked: &Asked) -> Wanted {
    let code = asked.get("requirement");
    let place = s
        .rules
        .requirements
        .iter()
        .position(|r| Some(r.code.as_str()) == code && !r.off);
    Wanted {
        year: year_of(
            asked.get("year").and_then(|y| y.parse().ok()),
            s.env.today(),
        ),
        requirement: place,
        state: asked.get("state").and_then(Stand::from_code),
    }
}

/// One line a person; with several requirements the most pressing one, unless one was asked for.
fn lines(w: &Wanted, years: Vec<PersonYear>) -> Vec<Line> {
    let line = |of: PersonYear| {
        let mut all: Vec<_> = of
            .standings
            .iter()
            .filter(|(n, _)| w.requirement.is_none_or(|r| r == *n))
            .cloned()
            .collect();
        all.sort_by_key(|(n, s)| (s.state, *n));
        let standing = match w.state {
            Some(state) => all.into_iter().find(|(_, s)| s.state == state),
            None => all.into_iter().next(),
        };
        let fits = standing.is_some() || (w.state.is_none() && w.requirement.is_none());
        fits.then_some(Line { of, standing })
    };
    years.into_iter().filter_map(line).collect()
}

impl Hours {
    /// The people of a list in the order of their units and numbers.
    async fn listed(
        &self,
        scope: &Scope,
        under: Option<UnitId>,
        year: i16,
    ) -> Result<Vec<PersonId>> {
        let people = self.people_of(scope, under, year).await?;
        let numbers = crate::store::people(&mut self.db.read().await?, &people).await?;
        let mut people = people;
        people.sort_by(|a, b| numbers.get(a).cmp(&numbers.get(b)));
        Ok(people)
    }
}

async fn unit_of(
    s: &Hours,
    shell: &Shell,
    asked: &Asked,
    scope: &Scope,
) -> Result<(Option<organization::Unit>, Form), Failure> {
    let Some(text) = asked.get("unit").filter(|u| !u.trim().is_empty()) else {
        return Ok((None, Form::default()));
    };
    match s.organization.unit_picked("unit", text, scope).await {
        Ok(unit) => Ok((Some(unit), Form::default())),
        Err(error) => Ok((None, Form::default().reject(shell, error)?)),
    }
}

pub(crate) async fn list(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let asked = Asked::new("/hours", pairs);
    let (lang, today) = (shell.lang().code(), s.env.today());
    let w = wanted(&s, &asked);
    let (unit, form) = unit_of(&s, &shell, &asked, &access.scope).await?;
    let under = unit.as_ref().map(|u| u.id);
    let people = match form.list.is_empty() {
        true => s.listed(&access.scope, under, w.year).await?,
        false => Vec::new(),
    };
    let window = asked.window(PAGE);
    // Without a filter only those on the page are read.
    let plain = w.requirement.is_none() && w.state.is_none();
    let (shown, total) = match plain {
        true => {
            let total = people.len() as i64;
            let first = window.offset(total) as usize;
            let few: Vec<PersonId> = people.into_iter().skip(first).take(PAGE as usize).collect();
            (lines(&w, s.years(&few, w.year).await?), total)
        }
        false => {
            let all = lines(&w, s.years(&people, w.year).await?);
            let total = all.len() as i64;
            let first = window.offset(total) as usize;
            (
                all.into_iter().skip(first).take(PAGE as usize).collect(),
                total,
            )
        }
    };
    let ids: Vec<PersonId> = shown.iter().map(|l: &Line| l.of.person).collect();
    let units: Vec<UnitId> = shown.iter().filter_map(|l| l.of.unit).collect();
    let (names, unit_names) = s.names(&ids, &units).await?;
    let rows: Vec<Value> = shown
        .iter()
        .map(|l| row(&s, &shell, l, w.year, (&names, &unit_names)))
        .collect();
    let mut chips = Vec::new();
    if let Some(unit) = &unit {
        chips.push(asked.chip("unit", &unit.name));
    } else if !form.list.is_empty() {
        chips.push(asked.chip("unit", asked.get("unit").unwrap_or_default()));
    }
    if let Some(n) = w.requirement {
        chips.push(asked.chip("requirement", s.rules.requirements[n].name.get(lang)));
    }
    if let Some(state) = w.state {
        chips.push(asked.chip("state", state_tag(&shell, state).text));
    }
    let given = |name| asked.get(name).unwrap_or_default();
    let form = form
        .with("unit", unit.as_ref().map_or(given("unit"), |u| &u.code))
        .with(
            "requirement",
            w.requirement.map_or("", |n| &s.rules.requirements[n].code),
        )
        .with("state", w.state.map_or("", Stand::code))
        .with("year", w.year);
    let in_force: Vec<_> = s
        .rules
        .in_force()
        .map(|r| (r.code.as_str(), r.name.get(lang)))
        .collect();
    let states: Vec<_> = Stand::ALL
        .iter()
        .map(|st| (st.code(), state_tag(&shell, *st).text))
        .collect();
    let years: Vec<i16> = (today.year() - 9..=today.year()).rev().collect();
    let (_, waiting) = match access.principal.scope(REVIEW) {
        Some(scope) => s.waiting(scope, &actor, (1, 0)).await?,
        None => (Vec::new(), 0),
    };
    shell.page(
        "hours/list.html",
        json!({
            "rows": rows, "form": form, "chips": chips, "requirements": in_force, "states": states, "years": years,
            "unit_name": unit.as_ref().map(|u| &u.name), "year": w.year, "waiting": waiting,
            "table": Table::new(&shell, &COLUMNS, &asked, USUAL, Some("/hours/export.xlsx")),
            "csv": asked.filtered("/hours/export.csv"), "pager": asked.pager(total, PAGE),
            "may_record": access.principal.scope(RECORD).is_some(),
        }),
    )
}

type Names<'n> = (
    &'n HashMap<PersonId, (String, String)>,
    &'n HashMap<UnitId, String>,
);

fn row(s: &Hours, shell: &Shell, l: &Line, year: i16, (names, units): Names<'_>) -> Value {
    let lang = shell.lang().code();
    let (no, name) = names.get(&l.of.person).cloned().unwrap_or_default();
    let of_year = l.of.credits.iter().filter(|c| c.fact.date.year() == year);
    let href = format!("/hours/people/{}?year={year}", l.of.person);
    let standing = l.standing.as_ref().map(|(n, st)| {
        let r = &s.rules.requirements[*n];
        let at = kernel::format_date(st.span.period.from);
        json!({
            "name": r.name.get(lang), "required": st.hours.map(print), "days": st.days.map(print), "has": print(st.has), "has_days": print(st.has_days),
            "missing": print(st.missing), "tag": state_tag(shell, st.state), "href": format!("{href}&of={}&at={at}", r.code),
        })
    });
    json!({
        "href": href, "no": no, "name": name, "unit": l.of.unit.and_then(|u| units.get(&u)), "post": l.of.post,
        "year": print(total(of_year).0), "standing": standing,
    })
}

async fn export(
    s: &Hours,
    shell: &Shell,
    access: &Access,
    actor: &Actor,
    pairs: Vec<(String, String)>,
    xlsx: bool,
) -> Result<Response, Failure> {
    let asked = Asked::new("/hours", pairs);
    let w = wanted(s, &asked);
    let (unit, form) = unit_of(s, shell, &asked, &access.scope).await?;
    if !form.list.is_empty() {
        return Err(kernel::Error::NotFound.into());
    }
    let people = s.listed(&access.scope, unit.map(|u| u.id), w.year).await?;
    web::table::Window::fits(people.len() as i64)?;
    let all = lines(&w, s.years(&people, w.year).await?);
    let units: Vec<UnitId> = all.iter().filter_map(|l| l.of.unit).collect();
    let (names, unit_names) = s.names(&people, &units).await?;
    let keys = [
        "hours-staff-no",
        "hours-person",
        "hours-unit",
        "hours-post",
        "hours-of-year",
        "hours-requirement",
        "hours-required",
        "hours-recognised",
        "hours-missing",
        "hours-state",
    ];
    let heads: Vec<String> = keys.iter().map(|k| shell.t(k)).collect();
    let lang = shell.lang().code();
    let hours = |h: i64| write::Value::Decimal(h / 10, 2);
    let row = |l: &Line| {
        let (no, name) = names.get(&l.of.person).cloned().unwrap_or_default();
        let of_year = l.of.credits.iter().filter(|c| c.fact.date.year() == w.year);
        let unit = l.of.unit.and_then(|u| unit_names.get(&u)).cloned();
        let mut cells: Vec<write::Value> = vec![
            no.into(),
            name.into(),
            unit.into(),
            l.of.post.clone().into(),
            hours(total(of_year).0),
        ];
        match &l.standing {
            Some((n, st)) => cells.extend([
                s.rules.requirements[*n].name.get(lang).into(),
                st.hours.map_or(write::Value::Empty, hours),
                hours(st.has),
                hours(st.missing),
                state_tag(shell, st.state).text.into(),
            ]),
            None => cells.extend((0..5).map(|_| write::Value::Empty)),
        }
        cells
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    let detail = json!({ "year": w.year, "rows": rows.len() });
    db::transaction!(s.db, |tx| {
        let id: Id = s.env.new_id();
        s.audit(tx, actor, "hours.exported", id, detail.clone())
            .await
    })?;
    answer(
        &format!("{}-{}", shell.t("menu-hours"), w.year),
        xlsx,
        (heads, rows),
    )
}

pub(crate) async fn xlsx(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    export(&s, &shell, &access, &actor, pairs, true).await
}

pub(crate) async fn csv(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    export(&s, &shell, &access, &actor, pairs, false).await
}

/// The units that the filter offers while one types.
pub(crate) async fn unit_options(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

/// The numbers of a requirement in words.
fn demands(shell: &Shell, r: &Requirement) -> Vec<Value> {
    let date = kernel::format_date;
    let lang = shell.lang().code();
    let window = match r.window {
        Window::Years(1) => shell.t("hours-window-year"),
        Window::Years(n) => shell.t_with("hours-window-years", &[("n", &n.to_string())]),
        Window::Within { months, .. } => {
            shell.t_with("hours-window-within", &[("n", &months.to_string())])
        }
    };
    let said = |key: &str, n: i64| shell.t_with(key, &[("n", &print(n))]);
    let each = r.versions.iter().rev().map(|v| {
        let mut words = vec![window.clone()];
        words.extend(v.hours.map(|h| said("hours-n-hours", h)));
        words.extend(v.days.map(|d| said("hours-or-n-days", d)));
        for p in &v.parts {
            let mut text = p.name.get(lang).to_owned();
            for more in [
                p.hours.map(|h| said("hours-n-hours", h)),
                p.days.map(|d| said("hours-n-days", d)),
                p.share.map(|s| format!("{s}%")),
            ]
            .into_iter()
            .flatten()
            {
                text = format!("{text} {more}");
            }
            words.push(text);
        }
        words.push(shell.t(&format!("hours-joiners-{}", r.joiners.code())));
        json!({ "from": date(v.from), "to": v.to.map(date), "words": words })
    });
    each.collect()
}

/// How facts become hours, in words.
fn conversion(shell: &Shell, v: &RuleVersion) -> String {
    let n = |key: &str, n: String| shell.t_with(key, &[("n", &n)]);
    let mut words = vec![match &v.count {
        Count::Minutes { per } => n("hours-count-minutes", per.to_string()),
        Count::Session { hours } => n("hours-count-session", print(*hours)),
        Count::HalfDays { half, day } => shell.t_with(
            "hours-count-half-days",
            &[
                ("half", &print(half.0)),
                ("halfmin", &half.1.to_string()),
                ("day", &print(day.0)),
                ("daymin", &day.1.to_string()),
            ],
        ),
        Count::Recognised => shell.t("hours-count-recognised"),
    }];
    if v.factor != 100 {
        words.push(n("hours-factor", format!("{}%", v.factor)));
    }
    words.extend(v.each_most.map(|m| n("hours-each-most", print(m))));
    words.extend(v.day_most.map(|m| n("hours-day-most", print(m))));
    words.extend(v.year_most.map(|m| n("hours-year-most", print(m))));
    words.join(" · ")
}

/// All requirements with their text, and for those who see others how many stand how this year.
pub(crate) async fn requirements(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let (lang, today) = (shell.lang().code(), s.env.today());
    let scope = held(&access, READ);
    let mut counts: BTreeMap<usize, BTreeMap<Stand, usize>> = BTreeMap::new();
    if !scope.is_empty() {
        let people = s.people_of(&scope, None, today.year()).await?;
        for year in s.years(&people, today.year()).await? {
            for (n, standing) in year.standings {
                *counts
                    .entry(n)
                    .or_default()
                    .entry(standing.state)
                    .or_default() += 1;
            }
        }
    }
    let list: Vec<Value> = s
        .rules
        .requirements
        .iter()
        .enumerate()
        .map(|(n, r)| {
            let of = counts.get(&n);
            let tags: Vec<Value> = Stand::ALL
                .iter()
                .filter_map(|state| {
                    let number = *of?.get(state)?;
                    let Tag { text, tone, .. } = state_tag(&shell, *state);
                    let href = format!("/hours?requirement={}&state={}", r.code, state.code());
                    Some(json!({ "text": format!("{text} {number}"), "tone": tone, "href": href }))
                })
                .collect();
            json!({ "said": said(r, lang), "versions": demands(&shell, r), "counts": tags })
        })
        .collect();
    let rules: Vec<Value> = s
        .rules
        .rules
        .iter()
        .map(|r| {
            let versions = r.versions.iter().rev().map(|v| {
                json!({ "from": kernel::format_date(v.from), "to": v.to.map(kernel::format_date), "words": conversion(&shell, v) })
            });
            json!({
                "name": r.name.get(lang), "document": r.basis.document.get(lang), "article": r.basis.article.get(lang),
                "confidence": r.basis.confidence.code(), "way": r.way.as_deref().map(|w| s.way_name(w, lang)),
                "content": s.content_name(r.content.as_deref(), lang), "versions": versions.collect::<Vec<_>>(),
            })
        })
        .collect();
    shell.page(
        "hours/requirements.html",
        json!({ "list": list, "rules": rules, "year": today.year(), "sees": !scope.is_empty(), "crumbs": crate::pages::crumbs(&shell, &access) }),
    )
}
