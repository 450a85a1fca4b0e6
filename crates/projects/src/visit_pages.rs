//! Visits to those one is paired with: the quarter by pair, a pair with all its visits, one visit with its difficulties.

use std::collections::HashMap;

use axum::Form as Body;
use axum::extract::{Multipart, Path, State as Shared};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use desk::{Typed, Waiting, id_of, paragraphs, told};
use identity::Actor;
use jiff::ToSpan;
use kernel::{Error, Id, Period, Result, UnitId, format_date};
use organization::{End, Tie};
use serde_json::{Value, json};
use web::table::Asked;
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::finding::Standing;
use crate::model::{Eyes, LONGEST, Raised, SHORT};
use crate::service::Projects;
use crate::typed::{case_tag, named_in};
use crate::visiting::{FINDER, NewVisit, Pair, Visit, href, quarter_of};

const PLACE: &str = "/visits";
pub(crate) const SHEET: &str = "/visits/list.xlsx";

fn crumbs(shell: &Shell, tie: Option<&Tie>) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb {
        label: shell.t("projects-visits"),
        href: PLACE.into(),
    }];
    crumbs.extend(tie.map(|t| Crumb {
        label: titled(t),
        href: format!("/visits/pairs/{}", t.id),
    }));
    crumbs
}

fn titled(tie: &Tie) -> String {
    format!("{} – {}", tie.name, tie.end_name)
}

/// `2026Q4`, or the quarter of today.
fn quarter(s: &Projects, asked: &Asked) -> Period {
    let today = s.env.today();
    let read = |text: &str| {
        let (year, n) = text.split_once('Q')?;
        let (year, n): (i16, i8) = (year.parse().ok()?, n.parse().ok()?);
        let fits = (1990..2200).contains(&year) && (1..=4).contains(&n);
        fits.then(|| kernel::Date::constant(year, n * 3 - 2, 1))
    };
    quarter_of(asked.get("quarter").and_then(read).unwrap_or(today))
}

fn code_of(quarter: Period) -> String {
    format!("{}Q{}", quarter.from.year(), (quarter.from.month() + 2) / 3)
}

fn quarter_name(shell: &Shell, quarter: Period) -> String {
    let year = quarter.from.year().to_string();
    let n = ((quarter.from.month() + 2) / 3).to_string();
    shell.t_with("projects-quarter", &[("year", &year), ("n", &n)])
}

struct Narrowed {
    quarter: Period,
    kind: String,
    unit: Option<(String, String)>,
    show: &'static str,
    pairs: Vec<Pair>,
    visited: usize,
    all: usize,
}

async fn narrowed(s: &Projects, access: &Access, asked: &Asked) -> Result<Narrowed> {
    let quarter = quarter(s, asked);
    let unit = match asked.get("unit").unwrap_or_default() {
        "" => None,
        text => {
            let scope = named_in(access);
            Some(s.organization.unit_picked("unit", text, &scope).await?)
        }
    };
    let kind = asked.get("kind").unwrap_or_default().to_owned();
    let narrow = (kind.as_str(), unit.as_ref().map(|u| u.id));
    let mut pairs = s.pairs(quarter, narrow, &Eyes::from(access)).await?;
    let (all, visited) = (
        pairs.len(),
        pairs.iter().filter(|p| !p.visits.is_empty()).count(),
    );
    let show = match asked.get("show") {
        Some("visited") => "visited",
        Some("missing") => "missing",
        _ => "",
    };
    pairs.retain(|p| show.is_empty() || p.visits.is_empty() == (show == "missing"));
    Ok(Narrowed {
        quarter,
        kind,
        unit: unit.map(|u| (u.code, u.name)),
        show,
        pairs,
        visited,
        all,
    })
}

fn pair_row(s: &Projects, shell: &Shell, pair: &Pair) -> Value {
    let lang = shell.lang().code();
    let kind = s.kinds.visit(&pair.tie.kind);
    let told: usize = pair.visits.iter().map(|v| v.difficulties.len()).sum();
    let raised = pair.visits.iter().flat_map(|v| &v.difficulties);
    let raised: Vec<&Raised> = raised.filter_map(|d| d.raised.as_ref()).collect();
    let visited = !pair.visits.is_empty();
    let tag = Tag {
        text: shell.t(if visited {
            "projects-visited"
        } else {
            "projects-not-visited"
        }),
        tone: if visited { Tone::Ok } else { Tone::Warn },
        icon: visited.then_some("check"),
    };
    json!({ "href": format!("/visits/pairs/{}", pair.tie.id), "leader": pair.tie.name, "end": pair.tie.end_name,
        "kind": kind.map_or(pair.tie.kind.as_str(), |k| k.name.get(lang)), "n": pair.visits.len(), "tag": tag,
        "last": pair.visits.first().map(|v| format_date(v.day)), "told": told, "raised": raised.len(),
        "solved": raised.iter().filter(|r| r.solved).count() })
}

pub(crate) async fn list(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let n = narrowed(&s, &access, &asked).await?;
    let lang = shell.lang().code();
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .visits()
        .map(|k| (k.pairing.as_str(), k.name.get(lang)))
        .collect();
    let rows = n.pairs.iter().map(|p| pair_row(&s, &shell, p));
    let shows = [
        ("", "all"),
        ("visited", "visited"),
        ("missing", "not-visited"),
    ];
    let shows = shows.map(|(code, key)| json!({ "label": shell.t(&format!("projects-{key}")), "href": asked.with("show", code), "current": code == n.show }));
    let before = quarter_of(n.quarter.from.saturating_sub(1.day()));
    let after = quarter_of(n.quarter.to.saturating_add(1.day()));
    let later = after.from <= s.env.today();
    let context = json!({
        "rows": rows.collect::<Vec<_>>(), "quarter": code_of(n.quarter), "name": quarter_name(&shell, n.quarter), "kinds": kinds, "kind": n.kind,
        "unit": n.unit, "shows": shows, "visited": n.visited, "all": n.all, "percent": (n.visited * 100).checked_div(n.all).unwrap_or(0),
        "before": asked.with("quarter", &code_of(before)), "after": later.then(|| asked.with("quarter", &code_of(after))),
        "narrowed": n.unit.is_some() || !n.kind.is_empty() || !n.show.is_empty(), "clear": PLACE, "export": asked.filtered(SHEET),
    });
    shell.page("projects/visits.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let n = narrowed(&s, &access, &asked).await?;
    identity::tell_list(&s.db, &s.env, &actor, "visits", n.pairs.len()).await?;
    let keys = [
        "leader", "end", "kind", "n", "last", "told", "raised", "solved",
    ];
    let header = keys.map(|key| shell.t(&format!("projects-pair-{key}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = n.pairs.iter().map(|p| {
        let row = pair_row(&s, &shell, p);
        let cell = |key: &str| match &row[key] {
            Value::String(text) => Cell::Text(text.clone()),
            Value::Null => Cell::Text(String::new()),
            other => Cell::Text(other.to_string()),
        };
        keys.map(cell).to_vec()
    });
    let name = format!(
        "{} {}",
        shell.t("projects-visits"),
        quarter_name(&shell, n.quarter)
    );
    let bytes = xlsx(&name, &header, rows)?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}

/// How the difficulties of some visits stand, by case.
async fn standings(s: &Projects, tie: &Tie, visits: &[Visit]) -> Result<HashMap<Id, Standing>> {
    let mut all = HashMap::new();
    let Some(kind) = s.kinds.visit(&tie.kind) else {
        return Ok(all);
    };
    for v in visits {
        let raised = v.difficulties.iter().filter_map(|d| d.raised.as_ref());
        let raised: Vec<&Raised> = raised.collect();
        all.extend(s.standing((FINDER, v.id), &kind.finds, &raised).await?);
    }
    Ok(all)
}

fn visit_row(
    s: &Projects,
    shell: &Shell,
    v: &Visit,
    (units, standing): (&HashMap<UnitId, String>, &HashMap<Id, Standing>),
    may: bool,
) -> Value {
    let files = v
        .files
        .iter()
        .map(|f| json!({ "name": f.name, "href": format!("{}/files/{}", href(v.id), f.sha256) }));
    let told = v.difficulties.iter().map(|d| {
        let raised = d.raised.as_ref();
        let found = raised.and_then(|r| standing.get(&r.case));
        json!({ "no": d.no, "text": d.text, "unit": raised.and_then(|r| units.get(&r.unit)), "raised": raised.is_some(),
            "case": found.map(|f| json!({ "href": f.href, "number": f.number, "tag": case_tag(shell, f) })),
            "may_raise": may && raised.is_none() && v.struck.is_none() })
    });
    json!({ "id": v.id, "href": href(v.id), "day": format_date(v.day), "looked": paragraphs(&v.looked), "promised": paragraphs(&v.promised),
        "files": files.collect::<Vec<_>>(), "told": told.collect::<Vec<_>>(), "who": v.name, "at": v.at.minute_text(s.env.zone()),
        "struck": v.struck, "may_strike": may && v.struck.is_none() })
}

/// The page of a pair: its visits, and the form of a new one.
async fn pair_context(
    s: &Projects,
    shell: &Shell,
    access: &Access,
    (id, only): (Id, Option<Id>),
    mut form: Form,
    files: &[Waiting],
) -> Result<Value> {
    let eyes = Eyes::from(access);
    let (tie, mut visits) = s.visits_of(id, &eyes).await?;
    if let Some(only) = only {
        visits.retain(|v| v.id == only);
    }
    let may = s.may_visit(&tie, &eyes).await?;
    let standing = standings(s, &tie, &visits).await?;
    let raised = visits.iter().flat_map(|v| &v.difficulties);
    let units: Vec<UnitId> = raised
        .filter_map(|d| Some(d.raised.as_ref()?.unit))
        .collect();
    let units = s.organization.names(&units).await?;
    let today = s.env.today();
    if !form.values.contains_key("id") {
        form = form
            .with("id", s.env.new_id::<Id>())
            .with("day", format_date(today));
    }
    if !form.values.contains_key("unit")
        && let End::Unit(unit) = tie.end
    {
        let found = s
            .organization
            .units_by_id(&[unit], &kernel::Scope::All)
            .await?;
        form = form.with("unit", found.first().map_or("", |u| u.code.as_str()));
    }
    let kind = s.kinds.visit(&tie.kind);
    let lang = shell.lang().code();
    let here = visits.iter().filter(|v| v.struck.is_none());
    let this = here.clone().any(|v| quarter_of(today).contains(v.day));
    let rows = visits
        .iter()
        .map(|v| visit_row(s, shell, v, (&units, &standing), may));
    let solved = standing.values().filter(|f| f.state == "solved").count();
    Ok(json!({
        "id": id, "title": titled(&tie), "kind": kind.map_or(tie.kind.as_str(), |k| k.name.get(lang)), "from": format_date(tie.from),
        "to": tie.to.map(format_date), "basis": tie.basis, "visits": rows.collect::<Vec<_>>(), "n": here.count(), "this_quarter": this,
        "raised": standing.len(), "solved": solved, "may": may && tie.covers(today) && only.is_none(), "one": only.is_some(), "most": LONGEST,
        "short": SHORT, "waiting": desk::waiting(files), "crumbs": crumbs(shell, only.map(|_| &tie)), "form": form,
    }))
}

pub(crate) async fn pair(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let at = (id_of(&id)?, None);
    let context = pair_context(&s, &shell, &access, at, Form::default(), &[]).await?;
    shell.page("projects/pair.html", context)
}

pub(crate) async fn show(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let (_, tie) = s.visit(id, &Eyes::from(&access)).await?;
    let at = (tie.id, Some(id));
    let context = pair_context(&s, &shell, &access, at, Form::default(), &[]).await?;
    shell.page("projects/pair.html", context)
}

pub(crate) async fn keep(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(tie): Path<String>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (tie, eyes) = (id_of(&tie)?, Eyes::from(&access));
    s.tie(tie, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let done = async {
        let new = NewVisit {
            id: typed.id("id")?,
            tie,
            day: typed.day("day")?,
            looked: typed.get("looked").to_owned(),
            difficulties: typed.get("difficulties").to_owned(),
            promised: typed.get("promised").to_owned(),
        };
        s.write_visit(&new, &files, (&eyes, &actor)).await
    };
    match done.await {
        Ok(_) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/visits/pairs/{tie}"), "projects-done")
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused(
                "projects/pair.html",
                pair_context(&s, &shell, &access, (tie, None), form, &files).await?,
            )
        }
    }
}

type Posted = Body<Vec<(String, String)>>;

async fn settled(
    s: &Projects,
    (shell, access, id): (&Shell, &Access, Id),
    done: Result<()>,
    typed: &Typed,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done(&href(id), "projects-done"),
        Err(error) => {
            // The form of a new visit shares the page, so it keeps an id of its own.
            let form = typed.form().reject(shell, told(error))?;
            let (_, tie) = s.visit(id, &Eyes::from(access)).await?;
            let at = (tie.id, Some(id));
            shell.refused(
                "projects/pair.html",
                pair_context(s, shell, access, at, form, &[]).await?,
            )
        }
    }
}

pub(crate) async fn raise(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, no)): Path<(String, String)>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (id, no, eyes, typed) = (id_of(&id)?, id_of(&no)?, Eyes::from(&access), Typed(pairs));
    s.visit(id, &eyes).await?;
    let done = async {
        let unit = s.responsible(typed.get("unit"), &named_in(&access)).await?;
        let done = s.raise_difficulty(id, no, unit, (&eyes, &actor)).await;
        done.map(|_| ())
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, &typed).await
}

pub(crate) async fn strike(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let done = s
        .strike_visit(id, typed.get("reason"), (&eyes, &actor))
        .await;
    settled(&s, (&shell, &access, id), done, &typed).await
}

pub(crate) async fn file(
    Shared(s): Shared<Projects>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (visit, _) = s.visit(id_of(&id)?, &Eyes::from(&access)).await?;
    let found = visit.files.iter().find(|f| f.sha256 == sha256);
    let found = found.ok_or(Error::NotFound)?;
    Ok(s.attachments.download(found).await?)
}

/// The page of the visit in which a difficulty was told.
pub(crate) async fn of(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let visit = s.visit_of(id_of(&id)?).await?;
    s.visit(visit, &Eyes::from(&access)).await?;
    shell.redirect(&href(visit))
}
