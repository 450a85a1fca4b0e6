//! The list of a register: filtered, ordered, page by page from one entry to the next, and as sheets.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use commons::sheets::write;
use identity::Actor;
use kernel::{Error, Msg, Result, Scope, UnitId};
use organization::Unit;
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table};
use web::view::{Chip, Pager};
use web::{Access, Failure, Form, Shell};

use crate::WRITE;
use crate::model::{Entry, State as Standing, title_key};
use crate::pages::{crumbs, tags};
use crate::register::{Kind, Register};
use crate::review::href;
use crate::service::RegisterBook;
use crate::sheet::{Mode, Names, header, line};
use crate::store::list::{By, Filter, Mark};

pub(crate) const PAGE: i64 = 20;
/// Workbooks of more rows than this are asked for as csv.
const MOST_EXPORTED: i64 = 20_000;
/// Rows read at once for a csv.
const CHUNK: i64 = 1_000;

/// What the list can show.
pub(crate) const COLUMNS: [Column; 9] = [
    Column::new("title", "register-title"),
    Column::new("unit", "register-unit"),
    Column::new("date", "register-date").sorts(),
    Column::new("class", "register-class-column"),
    Column::new("number", "register-number").number(),
    Column::new("people", "register-people-column").on_demand(),
    Column::new("recorded", "register-recorded-at")
        .sorts()
        .on_demand(),
    Column::new("level", "register-level-column").on_demand(),
    Column::new("state", "register-state"),
];
/// The newest first.
const USUAL: Order = Order {
    by: "date",
    down: true,
};

/// What was asked for; texts that mean nothing are left out, so that an old link still works.
fn rest(s: &RegisterBook, register: &Register, asked: &Asked, under: Option<UnitId>) -> Filter {
    let date = |name| asked.get(name).and_then(kernel::parse_date);
    let flag = |name, yes, no| match asked.get(name) {
        Some(v) if v == yes => Some(true),
        Some(v) if v == no => Some(false),
        _ => None,
    };
    Filter {
        register: Some(register.code.clone()),
        under,
        class: asked.get("class").map(str::to_owned),
        from: date("from"),
        to: date("to"),
        state: asked.get("state").and_then(Standing::from_code),
        level: asked.get("level").map(str::to_owned),
        closed: flag("closed", "yes", "no"),
        recheck_by: asked.get("due").map(|_| s.env.today()),
        declared: flag("declared", "yes", "no"),
        title: asked.get("q").map(title_key).filter(|q| !q.is_empty()),
        not_of: Vec::new(),
    }
}

async fn filter(
    s: &RegisterBook,
    register: &Register,
    asked: &Asked,
    scope: &Scope,
) -> Result<(Filter, Option<Unit>)> {
    let unit = match asked.get("unit").filter(|u| !u.trim().is_empty()) {
        Some(text) => Some(s.organization.unit_picked("unit", text, scope).await?),
        None => None,
    };
    let under = unit.as_ref().map(|u| u.id);
    Ok((rest(s, register, asked, under), unit))
}

fn by(order: Order) -> By {
    By {
        date: order.by != "recorded",
        down: order.down,
    }
}

/// Cursors stand beside what is asked for, not in it: views and exports begin at the beginning.
fn cursor(pairs: Vec<(String, String)>) -> (Vec<(String, String)>, Option<Mark>, bool, i64) {
    let find = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let after = find("after").and_then(Mark::read);
    let before = find("before").and_then(Mark::read);
    let page = find("page")
        .and_then(|p| p.parse().ok())
        .unwrap_or(1)
        .max(1);
    let (mark, back) = match (after, before) {
        (Some(mark), _) => (Some(mark), false),
        (None, mark) => (mark, mark.is_some()),
    };
    let others = pairs
        .iter()
        .filter(|(n, _)| !["after", "before", "page"].contains(&n.as_str()));
    (others.cloned().collect(), mark, back, page)
}

fn pager(asked: &Asked, rows: &[Entry], total: i64, page: i64) -> Pager {
    let pages = ((total + PAGE - 1) / PAGE).max(1);
    let page = page.min(pages);
    let at = |name: &str, entry: &Entry, page: i64| {
        let to = asked.with(name, &Mark::of(entry).text());
        format!("{to}&page={page}")
    };
    let previous = rows.first().filter(|_| page > 1);
    let next = rows.last().filter(|_| page < pages);
    Pager {
        total: total as u64,
        page: page as u64,
        pages: pages as u64,
        previous: previous.map(|e| match page {
            2 => asked.here(),
            _ => at("before", e, page - 1),
        }),
        next: next.map(|e| at("after", e, page + 1)),
        links: Vec::new(),
    }
}

/// What a value is called.
pub(crate) fn shown(register: &Register, entry: &Entry, code: &str, lang: &str) -> Option<String> {
    let (field, value) = (register.field(code)?, entry.content.values.get(code)?);
    Some(match field.kind {
        Kind::Choice => field
            .choice(value)
            .map_or(value.as_str(), |c| c.name.get(lang))
            .to_owned(),
        _ => value.clone(),
    })
}

pub(crate) async fn list(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let path = format!("/registers/{code}");
    let (pairs, mark, back, page) = cursor(pairs);
    let asked = Asked::new(&path, pairs);
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let mut form = Form::default();
    let (filter, unit) = match filter(&s, register, &asked, &access.scope).await {
        Ok(found) => found,
        Err(error @ Error::Invalid(_)) => {
            form = form.reject(&shell, error)?;
            (rest(&s, register, &asked, None), None)
        }
        Err(other) => return Err(other.into()),
    };
    let (rows, total) = match form.list.is_empty() {
        true => {
            let place = (mark, back);
            s.page(&access.scope, &filter, by(order), place, PAGE)
                .await?
        }
        false => Default::default(),
    };
    let pager = pager(&asked, &rows, total, if mark.is_none() { 1 } else { page });
    let units: Vec<UnitId> = rows.iter().map(|e| e.unit).collect();
    let names = s.organization.names(&units).await?;
    let people = s.people_of(rows.iter().map(|e| &e.content)).await?;
    let lang = shell.lang().code();
    let today = s.env.today();
    let lines: Vec<Value> = rows
        .iter()
        .map(|e| {
            let value = |code: &Option<String>| code.as_deref().and_then(|c| shown(register, e, c, lang));
            let named = e.content.people.iter().filter_map(|p| people.get(&p.person));
            let named: Vec<&str> = named.map(|(_, name)| name.as_str()).collect();
            json!({
                "href": href(e), "title": e.content.title, "unit": names.get(&e.unit),
                "date": match e.content.declared {
                    Some(_) => e.content.date.year().to_string(),
                    None => kernel::format_date(e.content.date),
                },
                "class": value(&register.class),
                "number": e.content.declared.map(|n| n.to_string()).or_else(|| value(&register.number)),
                "people": named.join("、"), "recorded": e.recorded_at.0,
                "level": s.levels.name(&e.content.level, lang), "tags": tags(&shell, e),
                "closed": e.closed_on.map(kernel::format_date),
                "recheck": e.recheck_on.map(kernel::format_date),
                "due": e.recheck_on.is_some_and(|d| d <= today),
            })
        })
        .collect();
    let chips = chips(&shell, &s, register, &asked, &filter, unit.as_ref(), &form);
    let given = |name| asked.get(name).unwrap_or_default();
    let date = |date: Option<_>| date.map(kernel::format_date).unwrap_or_default();
    let named = unit.as_ref().map_or(given("unit"), |u| &u.code);
    let mut form = form
        .with("unit", named)
        .with("from", date(filter.from))
        .with("to", date(filter.to));
    for name in ["q", "class", "state", "level", "closed", "declared", "due"] {
        form = form.with(name, given(name));
    }
    let classes = register.class_field().map(|f| {
        let values = f.values.iter();
        values
            .map(|v| (v.code.as_str(), v.name.get(lang)))
            .collect::<Vec<_>>()
    });
    let states = Standing::ALL
        .iter()
        .filter(|st| register.review || matches!(st, Standing::Accepted | Standing::Reversed));
    let states: Vec<&str> = states.map(|st| st.code()).collect();
    shell.page(
        "registers/list.html",
        json!({
            "code": code, "name": register.name.get(lang), "counted": register.unit.get(lang),
            "note": register.note.as_ref().map(|n| n.get(lang)), "crumbs": crumbs(&shell),
            "rows": lines, "form": form, "chips": chips, "classes": classes, "states": states,
            "class_name": register.class_field().map(|f| f.name.get(lang)),
            "closes": register.closes, "rechecks": register.review_every.is_some(),
            "levels": s.levels.options(lang), "unit_name": unit.as_ref().map(|u| &u.name),
            "table": Table::new(&shell, &COLUMNS, &asked, order, Some(&format!("{path}/export.xlsx"))),
            "csv": asked.filtered(&format!("{path}/export.csv")), "pager": pager,
            "may_write": access.principal.scope(WRITE).is_some(), "here": path,
        }),
    )
}

fn chips(
    shell: &Shell,
    s: &RegisterBook,
    register: &Register,
    asked: &Asked,
    filter: &Filter,
    unit: Option<&Unit>,
    form: &Form,
) -> Vec<Chip> {
    let lang = shell.lang().code();
    let mut chips = Vec::new();
    let mut chip = |label: String, name: &str| {
        chips.push(Chip {
            label,
            without: asked.without(name),
        });
    };
    match unit {
        Some(unit) => chip(unit.name.clone(), "unit"),
        // What was typed and is no unit can be taken away like a filter.
        None if !form.list.is_empty() => {
            chip(asked.get("unit").unwrap_or_default().to_owned(), "unit");
        }
        None => {}
    }
    if let (Some(_), Some(q)) = (&filter.title, asked.get("q")) {
        chip(format!("“{}”", q.trim()), "q");
    }
    if let Some(class) = &filter.class {
        let known = register.class_field().and_then(|f| f.choice(class));
        let name = known.map_or(class.as_str(), |c| c.name.get(lang));
        chip(name.to_owned(), "class");
    }
    for (name, date) in [("from", filter.from), ("to", filter.to)] {
        if let Some(date) = date {
            let date = kernel::format_date(date);
            let label = shell.t_with(&format!("register-filter-{name}"), &[("date", &date)]);
            chip(label, name);
        }
    }
    if let Some(state) = filter.state {
        chip(
            shell.t(&format!("register-state-{}", state.code())),
            "state",
        );
    }
    if let Some(level) = &filter.level {
        chip(s.levels.name(level, lang).to_owned(), "level");
    }
    if let Some(closed) = filter.closed {
        let key = if closed {
            "register-is-closed"
        } else {
            "register-is-open"
        };
        chip(shell.t(key), "closed");
    }
    if filter.recheck_by.is_some() {
        chip(shell.t("register-is-due"), "due");
    }
    if let Some(declared) = filter.declared {
        let key = if declared {
            "declared"
        } else {
            "register-evidenced"
        };
        chip(shell.t(key), "declared");
    }
    chips
}

/// What leaves the program leaves a trace.
async fn trace(
    s: &RegisterBook,
    actor: &Actor,
    register: &Register,
    filter: &Filter,
    rows: i64,
) -> Result<()> {
    let detail = json!({ "rows": rows, "unit": filter.under });
    let object = ("register", register.code.clone());
    let entry = actor.audit("registers.exported", object, detail);
    db::transaction!(s.db, |tx| identity::record(tx, &s.env, &entry).await)
}

/// Rows of a sheet in the form of the import.
async fn lines(
    s: &RegisterBook,
    shell: &Shell,
    register: &Register,
    rows: &[Entry],
) -> Result<Vec<Vec<write::Value>>> {
    let units: Vec<UnitId> = rows.iter().map(|e| e.unit).collect();
    let own = s.organization.units_by_id(&units, &Scope::All).await?;
    let contents = || rows.iter().map(|e| &e.content);
    let names = Names {
        own: own.into_iter().map(|u| (u.id, u.code)).collect(),
        units: s.unit_codes(register, contents()).await?,
        people: s.people_of(contents()).await?,
    };
    let (zone, lang) = (s.env.zone(), shell.lang().code());
    Ok(rows
        .iter()
        .map(|e| {
            let level = s.levels.name(&e.content.level, lang);
            let mut cells = line(register, e, &names, level, lang);
            let state = tags(shell, e).into_iter().map(|t| t.text);
            cells.push(state.collect::<Vec<_>>().join("、").into());
            cells.push(e.recorded_at.minute_text(zone).into());
            cells
        })
        .collect())
}

fn heads(shell: &Shell, register: &Register) -> Vec<String> {
    let mut heads = header(register, Mode::Entries, shell.lang().code());
    heads.extend(["register-state", "register-recorded-at"].map(|key| shell.t(key)));
    heads
}

/// The filtered list as a workbook: the same query, the same scope, in the form of the import.
pub(crate) async fn xlsx(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(code): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let asked = Asked::new(&format!("/registers/{code}"), pairs);
    let (filter, _) = filter(&s, register, &asked, &access.scope).await?;
    let order = by(Table::order(&COLUMNS, &asked, USUAL));
    let (rows, total) = s
        .page(&access.scope, &filter, order, (None, false), MOST_EXPORTED)
        .await?;
    if total > MOST_EXPORTED {
        let message = Msg::new("register-export-large").with("total", total);
        return Err(Error::Conflict(message.with("most", MOST_EXPORTED)).into());
    }
    let heads = heads(&shell, register);
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let lines = lines(&s, &shell, register, &rows).await?;
    let tab: String = register
        .name
        .get(shell.lang().code())
        .chars()
        .take(31)
        .collect();
    let bytes = write::xlsx(&tab, &heads, lines)?;
    trace(&s, &actor, register, &filter, total).await?;
    Ok(workbook(&code, bytes))
}

pub(crate) fn workbook(name: &str, bytes: Vec<u8>) -> Response {
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.xlsx\""),
        ),
    ];
    (headers, bytes).into_response()
}

/// The filtered list as csv, chunk by chunk, however long it is.
pub(crate) async fn csv(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(code): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let asked = Asked::new(&format!("/registers/{code}"), pairs);
    let (filter, _) = filter(&s, register, &asked, &access.scope).await?;
    let order = by(Table::order(&COLUMNS, &asked, USUAL));
    let place = (None, false);
    let (_, total) = s.page(&access.scope, &filter, order, place, 1).await?;
    let heads = heads(&shell, register);
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let head = Bytes::from(write::csv_head(&heads)?);
    trace(&s, &actor, register, &filter, total).await?;
    let scope = access.scope.clone();
    let name = format!("attachment; filename=\"{code}.csv\"");
    let rest = futures::stream::try_unfold(Some(None), move |place: Option<Option<Mark>>| {
        let (s, shell, scope, filter) = (s.clone(), shell.clone(), scope.clone(), filter.clone());
        let code = code.clone();
        async move {
            let Some(mark) = place else { return Ok(None) };
            let part = async {
                let register = s.register(&code)?;
                let rows = s.rows(&scope, &filter, order, mark, CHUNK).await?;
                let lines = lines(&s, &shell, register, &rows).await?;
                let next = rows.last().filter(|_| rows.len() as i64 == CHUNK);
                Ok::<_, Error>((write::csv_rows(&lines)?, next.map(Mark::of)))
            };
            let (bytes, next) = part.await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(Some((Bytes::from(bytes), next.map(Some))))
        }
    });
    let first = futures::stream::once(async { Ok::<_, std::io::Error>(head) });
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}
