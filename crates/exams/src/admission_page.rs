//! Admission over HTTP: the list of candidates, one of them, tickets in print.

use axum::Form as Posted;
use axum::extract::{Multipart, Path, State as With};
use axum::http::HeaderMap;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Error, Id, Msg, Result};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::{Access, Failure, Form, Shell};

use crate::admission::{Admitted, Change, Of, SHEET};
use crate::exam_pages::{Pairs, crumbs, href, id_of, value, window};
use crate::office::Office;
use crate::store::admission::{self, Filter, Listed};

const PAGE: i64 = 50;
/// What a sheet of names may weigh.
pub(crate) const BODY: usize = 6 << 20;

/// What the list can show.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("name", "exam-candidate"),
    Column::new("number", "exam-candidate-number").sorts(),
    Column::new("unit", "exam-candidate-unit").sorts(),
    Column::new("place", "exam-place").sorts(),
    Column::new("extra", "exam-extra").number(),
    Column::new("ticket", "exam-ticket"),
    Column::new("attempts", "exam-attempted").number(),
];
const USUAL: Order = Order {
    by: "number",
    down: false,
};

fn list_href(exam: Id) -> String {
    format!("{}/candidates", href(exam))
}

fn filter(asked: &Asked) -> Filter {
    Filter {
        text: asked.get("q").unwrap_or_default().to_owned(),
        place: asked.get("place").map(str::to_owned),
        no_ticket: asked.get("show") == Some("no-ticket"),
        revoked: asked.get("show") == Some("all"),
    }
}

fn cells(shell: &Shell, c: &Listed) -> [String; 7] {
    let ticket = match (c.revoked.is_some(), c.ticket) {
        (true, _) => "exam-revoked-short",
        (_, true) => "exam-ticket-yes",
        _ => "exam-ticket-no",
    };
    [
        c.name.clone(),
        c.number.clone(),
        c.unit.clone(),
        c.place.clone(),
        if c.extra > 0 {
            (c.extra / 60).to_string()
        } else {
            String::new()
        },
        shell.t(ticket),
        c.attempts.to_string(),
    ]
}

async fn context(
    s: &Office,
    shell: &Shell,
    access: &Access,
    id: Id,
    asked: &Asked,
    form: Form,
) -> Result<Value> {
    let held = s.held(id, &access.scope).await?;
    let (filter, order) = (filter(asked), Table::order(&COLUMNS, asked, USUAL));
    let mut tx = s.exams.db.read().await?;
    let (found, total) = admission::list(&mut tx, id, &filter, order, asked.window(PAGE)).await?;
    let places = admission::places(&mut tx, id).await?;
    let without = admission::without_ticket(&mut tx, id).await?.len();
    drop(tx);
    let rows: Vec<Value> = found
        .iter()
        .map(|c| {
            let [name, number, unit, place, extra, ticket, attempts] = cells(shell, c);
            json!({ "href": format!("{}/{}", list_href(id), c.id), "name": name, "number": number, "unit": unit, "place": place,
                "extra": extra, "ticket": ticket, "attempts": attempts, "off": c.revoked.is_some() })
        })
        .collect();
    let mut chips = Vec::new();
    for name in ["q", "place"] {
        chips.extend(asked.get(name).map(|text| asked.chip(name, text)));
    }
    if let Some(show) = asked.get("show") {
        chips.push(asked.chip("show", shell.t(&format!("exam-show-{show}"))));
    }
    let mut audiences = vec![(String::new(), shell.t("exam-audience-none"))];
    let own = s.exams.organization.audiences(&access.scope).await?;
    audiences.extend(own.into_iter().map(|a| (a.id.to_string(), a.name)));
    Ok(json!({
        "href": href(id), "here": list_href(id), "title": held.exam.terms.title,
        "crumbs": crumbs(shell, Some((id, &held.exam.terms.title))), "rows": rows, "chips": chips, "q": filter.text, "places": places,
        "place": filter.place, "show": asked.get("show").unwrap_or_default(), "audiences": audiences, "form": form,
        "without": without, "print": match &filter.place {
            Some(place) => format!("{}/tickets?place={}", href(id), web::encode(place)),
            None => format!("{}/tickets", href(id)),
        }, "may": held.exam.stage != crate::Stage::Cancelled,
        "table": Table::new(shell, &COLUMNS, asked, order, Some(&format!("{}/candidates.xlsx", href(id)))),
        "pager": asked.pager(total, PAGE),
    }))
}

pub(crate) async fn list(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let context = context(&s, &shell, &access, id_of(&id)?, &asked, Form::default()).await?;
    shell.page("exams/candidates.html", context)
}

pub(crate) async fn export(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let held = s.held(id_of(&id)?, &access.scope).await?;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let mut tx = s.exams.db.read().await?;
    let (found, total) = admission::list(
        &mut tx,
        held.exam.id,
        &filter(&asked),
        order,
        Window::EXPORT,
    )
    .await?;
    drop(tx);
    Window::fits(total)?;
    identity::tell_list(
        &s.exams.db,
        &s.exams.env,
        &actor,
        "exam-candidates",
        found.len(),
    )
    .await?;
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = found
        .iter()
        .map(|c| cells(&shell, c).map(Cell::Text).to_vec());
    let name = shell.t("exam-candidates");
    let bytes = xlsx(&name, &header, rows)?;
    Ok(web::attachment(
        web::XLSX,
        &format!("{}-{name}.xlsx", held.exam.terms.title),
        bytes,
    ))
}

/// An empty sheet of names to be filled in.
pub(crate) async fn template(shell: Shell) -> Result<Response, Failure> {
    let at = usize::from(shell.lang() == web::Lang::En);
    let header = SHEET.map(|(_, names)| names[at]);
    let name = shell.t("exam-candidates");
    let bytes = xlsx(&name, &header, Vec::<Vec<Cell>>::new())?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}

/// Lines as `姓名 编号` or staff numbers.
fn named(pairs: &Pairs) -> Vec<Admitted> {
    let place = value(pairs, "place").to_owned();
    let numbers = value(pairs, "people").split([' ', '\n', '\r', ',', '，', '、', ';', '；']);
    let numbers = numbers
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(|n| Admitted {
            staff_no: n.to_owned(),
            at: "people".into(),
            place: place.clone(),
            ..Admitted::default()
        });
    let lines = value(pairs, "names")
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty());
    let lines = lines.map(|line| {
        let (name, number) = line
            .split_once([' ', '\t', ',', '，'])
            .unwrap_or((line, ""));
        Admitted {
            name: name.trim().to_owned(),
            number: number.trim().to_owned(),
            place: place.clone(),
            at: "names".into(),
            ..Admitted::default()
        }
    });
    numbers.chain(lines).collect()
}

async fn refused(
    (s, shell, access): (&Office, &Shell, &Access),
    id: Id,
    pairs: &Pairs,
    error: Error,
) -> Result<Response, Failure> {
    let mut form = Form::default();
    for (name, text) in pairs {
        form = form.with(name, text);
    }
    let form = form.reject(shell, error)?;
    let asked = Asked::new(&list_href(id), Vec::new());
    let context = context(s, shell, access, id, &asked, form).await?;
    shell.refused("exams/candidates.html", context)
}

pub(crate) async fn admit(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let result = async {
        let (place, people) = (value(&pairs, "place"), named(&pairs));
        let (audience, unit) = (value(&pairs, "audience"), value(&pairs, "unit"));
        if audience.is_empty() && unit.is_empty() || !people.is_empty() {
            s.admit(id, &people, &access.scope, actor.clone()).await?;
        }
        if let Ok(audience) = audience.parse() {
            s.admit_all(
                id,
                Of::Audience(audience),
                place,
                &access.scope,
                actor.clone(),
            )
            .await?;
        }
        if !unit.is_empty() {
            let picked = s
                .exams
                .organization
                .unit_picked("unit", unit, &access.scope);
            let picked = picked
                .await
                .map_err(|_| Error::field("unit", Msg::new("exam-unit-wrong")))?;
            s.admit_all(id, Of::Unit(picked.id), place, &access.scope, actor)
                .await?;
        }
        Ok(())
    };
    match result.await {
        Ok(()) => shell.done(&list_href(id), "exam-admitted-done"),
        Err(e @ Error::Invalid(_)) => refused((&s, &shell, &access), id, &pairs, e).await,
        Err(e) => Err(e.into()),
    }
}

pub(crate) async fn import(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let broken = |_| Error::field("file", Msg::new("exam-file-broken"));
    let (mut name, mut bytes) = (String::new(), bytes::Bytes::new());
    while let Some(part) = form.next_field().await.map_err(broken)? {
        if part.name() == Some("file") {
            part.file_name().unwrap_or_default().clone_into(&mut name);
            bytes = part.bytes().await.map_err(broken)?;
        }
    }
    let result = match bytes.is_empty() {
        true => Err(Error::field("file", Msg::new("exam-file-none"))),
        false => {
            s.admit_sheet(id, (&name, &bytes), &access.scope, actor)
                .await
        }
    };
    match result {
        Ok(_) => shell.done(&list_href(id), "exam-admitted-done"),
        Err(e @ Error::Invalid(_)) => refused((&s, &shell, &access), id, &Pairs::new(), e).await,
        Err(e) => Err(e.into()),
    }
}

async fn one_context(
    s: &Office,
    shell: &Shell,
    access: &Access,
    (id, candidate): (Id, Id),
    form: Option<Form>,
) -> Result<Value> {
    let held = s.held(id, &access.scope).await?;
    let c = admission::one(&mut s.exams.db.read().await?, id, candidate).await?;
    let form = form.unwrap_or_else(|| {
        let form = Form::default()
            .with("place", &c.place)
            .with("extra", c.extra / 60)
            .with("more", c.more)
            .with("reason", &c.reason);
        match c.revoked {
            Some(_) => form.with("revoked", "on"),
            None => form,
        }
    });
    let mut crumbs = crumbs(shell, Some((id, &held.exam.terms.title)));
    crumbs.push(web::view::Crumb {
        label: shell.t("exam-candidates"),
        href: list_href(id),
    });
    Ok(json!({
        "here": format!("{}/{candidate}", list_href(id)), "href": href(id), "candidate": candidate, "crumbs": crumbs, "name": c.name,
        "number": c.number, "unit": c.unit, "ticket": c.ticket, "off": c.revoked.is_some(), "attempts": c.attempts, "form": form,
    }))
}

pub(crate) async fn one(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    Path((id, candidate)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let ids = (id_of(&id)?, id_of(&candidate)?);
    let context = one_context(&s, &shell, &access, ids, None).await?;
    shell.page("exams/candidate.html", context)
}

pub(crate) async fn change(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, candidate)): Path<(String, String)>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let (id, candidate) = (id_of(&id)?, id_of(&candidate)?);
    let number = |name: &str| match value(&pairs, name) {
        "" => Ok(0),
        text => text
            .parse()
            .map_err(|_| Error::field(name, Msg::new("exam-number-wrong"))),
    };
    let result = async {
        let to = Change {
            place: value(&pairs, "place").to_owned(),
            extra: number("extra")?,
            more: number("more")?,
            reason: value(&pairs, "reason").to_owned(),
            revoked: value(&pairs, "revoked") == "on",
        };
        s.change_candidate(id, candidate, &to, &access.scope, actor)
            .await
    };
    match result.await {
        Ok(()) => shell.done(&list_href(id), "exam-saved-done"),
        Err(e) => {
            let mut form = Form::default();
            for (name, text) in &pairs {
                form = form.with(name, text);
            }
            let form = form.reject(&shell, e)?;
            let context = one_context(&s, &shell, &access, (id, candidate), Some(form)).await?;
            shell.refused("exams/candidate.html", context)
        }
    }
}

pub(crate) async fn issue(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(pairs): Posted<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let only: Option<Id> = value(&pairs, "candidate").parse().ok();
    s.issue_tickets(id, only, &access.scope, actor).await?;
    let back = match only {
        Some(one) => format!("{}/tickets?candidate={one}", href(id)),
        None => list_href(id),
    };
    shell.done(&back, "exam-issued-done")
}

pub(crate) async fn tickets(
    With(s): With<Office>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let only = asked.get("candidate").and_then(|c| c.parse().ok());
    let which = (only, asked.get("place"));
    let (held, cards) = s.cards(id_of(&id)?, which, &access.scope, &actor).await?;
    let (t, origin) = (&held.exam.terms, s.address.of(&headers));
    let card = |c: &crate::admission::Card| {
        let link = format!("{origin}/sit#{}", c.ticket);
        Ok(
            json!({ "name": c.who.name, "number": c.who.number, "unit": c.who.unit, "place": c.who.place, "ticket": c.ticket,
            "extra": c.who.extra / 60, "picture": web::qr(&link, 120)? }),
        )
    };
    let cards: Vec<Value> = cards.iter().map(card).collect::<Result<_>>()?;
    shell.page(
        "exams/tickets.html",
        json!({ "title": t.title, "crumbs": crumbs(&shell, Some((held.exam.id, &t.title))), "window": window(&s.exams.env, t),
            "minutes": t.seconds / 60, "cards": cards, "address": format!("{origin}/sit"), "back": list_href(held.exam.id) }),
    )
}
