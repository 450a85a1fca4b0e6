//! Pages and API: one's own letters, rounds with who has not signed, signing, the paper.

use std::collections::BTreeMap;

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use axum::{Form as Body, Json};
use commons::docx::{Block, Document, Official, write};
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use jiff::ToSpan;
use kernel::{Error, Id, PersonId, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Window};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Shell};

use crate::kind::LetterKind;
use crate::model::{Letter, NewRound, Round, RoundState, Whom};
use crate::service::{Commitments, TITLE};
use crate::{ISSUE, READ};

const PAGE: i64 = 50;
pub(crate) const DOCX: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

pub(crate) struct Typed(pub(crate) Vec<(String, String)>);

impl Typed {
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v.as_str())
    }

    pub(crate) fn form(&self) -> Form {
        let kept = self.0.iter().filter(|(n, _)| n != "password");
        kept.fold(Form::default(), |form, (n, v)| form.with(n, v))
    }
}

pub(crate) fn id_of(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

/// Who signs for themselves; nobody signs in another's place.
pub(crate) fn me(access: &Access) -> Option<PersonId> {
    let principal = &access.principal;
    principal.person.filter(|_| principal.on_behalf.is_none())
}

pub(crate) fn reads(access: &Access) -> kernel::Scope {
    let held = access.principal.scope(READ).cloned();
    held.unwrap_or_else(kernel::Scope::nothing)
}

fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("commitments-menu"),
        href: "/commitments".into(),
    }]
}

pub(crate) fn told(error: Error) -> Error {
    match error {
        Error::Conflict(message) => Error::field("act", message),
        other => other,
    }
}

fn round_tag(shell: &Shell, r: &Round) -> Tag {
    Tag {
        text: shell.t(&format!("commitments-round-{}", r.state.code())),
        tone: if r.state == RoundState::Open {
            Tone::Brand
        } else {
            Tone::Plain
        },
        icon: None,
    }
}

fn letter_tag(shell: &Shell, l: &Letter) -> Tag {
    let (key, tone, icon) = match (l.is_whole(), l.signed_at) {
        (true, _) => ("commitments-whole", Tone::Ok, Some("check")),
        (false, Some(_)) => ("commitments-waits-superior", Tone::Brand, None),
        (false, None) => ("commitments-unsigned", Tone::Warn, None),
    };
    Tag {
        text: shell.t(key),
        tone,
        icon,
    }
}

fn round_row(s: &Commitments, shell: &Shell, r: &Round, unit: Option<&String>) -> Value {
    let lang = shell.lang().code();
    let kind = s
        .kinds
        .get(&r.kind)
        .map_or(r.kind.as_str(), |k| k.name.get(lang));
    json!({ "href": format!("/commitments/rounds/{}", r.id), "title": r.title, "kind": kind, "unit": unit, "due": format_date(r.due),
        "issued": format_date(r.issued_on), "named": r.named, "signed": r.signed, "tag": round_tag(shell, r),
        "late": r.state == RoundState::Open && r.due < s.env.today() && r.signed < r.named })
}

/// One's own letters, and the rounds of one's units.
pub(crate) async fn list(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let own = match me(&access) {
        Some(person) => s.own(person).await?,
        None => Vec::new(),
    };
    let people: Vec<PersonId> = own.iter().map(|(l, _)| l.person).collect();
    let people = s.organization.person_names(&people).await?;
    let own = own.iter().map(|(l, r)| {
        json!({ "href": l.href(), "title": r.title, "name": people.get(&l.person), "mine": Some(l.person) == me(&access),
            "due": format_date(r.due), "tag": letter_tag(&shell, l), "over": r.state != RoundState::Open })
    });
    let scope = reads(&access);
    let (total, rounds) = match scope.is_empty() {
        true => (0, Vec::new()),
        false => s.rounds(&scope, asked.window(PAGE)).await?,
    };
    let units: Vec<UnitId> = rounds.iter().map(|r| r.unit).collect();
    let names = s.organization.names(&units).await?;
    let rows = rounds
        .iter()
        .map(|r| round_row(&s, &shell, r, names.get(&r.unit)));
    let context = json!({ "own": own.collect::<Vec<_>>(), "rows": rows.collect::<Vec<_>>(), "reads": !scope.is_empty(),
        "may_issue": access.principal.scope(ISSUE).is_some(), "pager": asked.pager(total, PAGE) });
    shell.page("commitments/list.html", context)
}

async fn form_context(
    s: &Commitments,
    shell: &Shell,
    access: &Access,
    mut form: Form,
) -> Result<Value> {
    let lang = shell.lang().code();
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let audiences = s.organization.audiences(&access.scope).await?;
    let audiences = audiences.into_iter().map(|a| (a.id.to_string(), a.name));
    let whom = [
        ("all", "commitments-whom-all"),
        ("heads", "commitments-whom-heads"),
    ];
    let whom = whom
        .map(|(code, key)| (code.to_owned(), shell.t(key)))
        .into_iter()
        .chain(audiences);
    if !form.values.contains_key("id") {
        let due = s.env.today().saturating_add(14.days());
        form = form
            .with("id", s.env.new_id::<Id>())
            .with("due", format_date(due));
    }
    let texts = s.kinds.iter().map(|k| json!({ "name": k.name.get(lang), "text": k.text.get(lang).lines().collect::<Vec<_>>(), "pairs": k.pairs, "years": k.keep_years }));
    Ok(
        json!({ "kinds": kinds, "whom": whom.collect::<Vec<_>>(), "texts": texts.collect::<Vec<_>>(), "most": TITLE, "crumbs": crumbs(shell), "form": form }),
    )
}

pub(crate) async fn new(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let mut form = Form::default();
    if let Some(old) = asked.get("replaces") {
        let (round, ..) = s
            .round(id_of(old)?, None, &access.scope, Window::new(1, 1))
            .await?;
        let unit = s.organization.unit(round.unit, &access.scope).await?;
        form = form
            .with("replaces", old)
            .with("kind", &round.kind)
            .with("title", &round.title)
            .with("unit", &unit.code)
            .with("id", s.env.new_id::<Id>())
            .with("due", format_date(s.env.today().saturating_add(14.days())));
    }
    shell.page(
        "commitments/form.html",
        form_context(&s, &shell, &access, form).await?,
    )
}

pub(crate) async fn issue(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed(pairs);
    let done = async {
        let unit = s
            .organization
            .unit_picked("unit", typed.get("unit"), &access.scope)
            .await?;
        let wrong = || Error::field("due", kernel::Msg::new("commitments-day-unread"));
        let new = NewRound {
            id: id_of(typed.get("id"))?,
            kind: typed.get("kind").to_owned(),
            unit: unit.id,
            title: typed.get("title").to_owned(),
            due: kernel::parse_date(typed.get("due").trim()).ok_or_else(wrong)?,
            whom: match typed.get("whom") {
                "heads" => Whom::Heads,
                "all" | "" => Whom::All,
                id => Whom::Audience(id_of(id)?),
            },
            replaces: match typed.get("replaces") {
                "" => None,
                id => Some(id_of(id)?),
            },
        };
        s.issue(&new, &access.scope, &actor).await
    };
    match done.await {
        Ok(id) => shell.done(
            &format!("/commitments/rounds/{id}"),
            "commitments-done-issued",
        ),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused(
                "commitments/form.html",
                form_context(&s, &shell, &access, form).await?,
            )
        }
    }
}

fn narrowed(asked: &Asked) -> Option<bool> {
    match asked.get("show") {
        Some("signed") => Some(true),
        Some("unsigned") => Some(false),
        _ => None,
    }
}

async fn round_context(
    s: &Commitments,
    shell: &Shell,
    access: &Access,
    id: Id,
    asked: &Asked,
    form: Form,
) -> Result<Value> {
    let whole = narrowed(asked);
    let (r, total, letters) = s
        .round(id, whole, &reads(access), asked.window(PAGE))
        .await?;
    let people: Vec<PersonId> = letters
        .iter()
        .flat_map(|l| [Some(l.person), l.superior])
        .flatten()
        .collect();
    let people = s.organization.person_names(&people).await?;
    let units: Vec<UnitId> = letters.iter().map(|l| l.unit).chain([r.unit]).collect();
    let units = s.organization.names(&units).await?;
    let row = |l: &Letter| {
        let at = |t: Option<kernel::Timestamp>| t.map(|t| t.minute_text(s.env.zone()));
        json!({ "href": l.href(), "name": people.get(&l.person), "unit": units.get(&l.unit), "superior": l.superior.and_then(|p| people.get(&p)),
            "signed": at(l.signed_at), "countersigned": at(l.countersigned_at), "tag": letter_tag(shell, l) })
    };
    let shows = [("", "all"), ("unsigned", "unsigned"), ("signed", "whole")];
    let now = asked.get("show").unwrap_or_default();
    let shows = shows.map(|(code, key)| json!({ "label": shell.t(&format!("commitments-{key}")), "href": asked.with("show", code), "current": code == now }));
    let may = access.principal.scope(ISSUE).is_some() && r.state == RoundState::Open;
    Ok(
        json!({ "id": r.id, "head": round_row(s, shell, &r, units.get(&r.unit)), "rows": letters.iter().map(row).collect::<Vec<_>>(), "shows": shows,
        "percent": (r.signed * 100).checked_div(r.named).unwrap_or(0), "replaces": r.replaces.map(|o| format!("/commitments/rounds/{o}")), "may": may,
        "export": asked.filtered(&format!("/commitments/rounds/{}/letters.xlsx", r.id)), "pager": asked.pager(total, PAGE), "crumbs": crumbs(shell), "form": form }),
    )
}

pub(crate) async fn round(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let context = round_context(&s, &shell, &access, id_of(&id)?, &asked, Form::default()).await?;
    shell.page("commitments/round.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let (r, total, letters) = s
        .round(id_of(&id)?, narrowed(&asked), &access.scope, Window::EXPORT)
        .await?;
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "commitments", letters.len()).await?;
    let people: Vec<PersonId> = letters
        .iter()
        .flat_map(|l| [Some(l.person), l.superior])
        .flatten()
        .collect();
    let people = s.organization.person_names(&people).await?;
    let units: Vec<UnitId> = letters.iter().map(|l| l.unit).collect();
    let units = s.organization.names(&units).await?;
    let header = [
        "name",
        "unit",
        "superior",
        "signed-at",
        "countersigned-at",
        "hash",
    ];
    let header = header.map(|key| shell.t(&format!("commitments-{key}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let text = |t: Option<&String>| Cell::Text(t.cloned().unwrap_or_default());
    let at = |t: Option<kernel::Timestamp>| {
        Cell::Text(t.map_or(String::new(), |t| t.minute_text(s.env.zone())))
    };
    let rows = letters.iter().map(|l| {
        vec![
            text(people.get(&l.person)),
            text(units.get(&l.unit)),
            text(l.superior.and_then(|p| people.get(&p))),
            at(l.signed_at),
            at(l.countersigned_at),
            text(l.counter_hash.as_ref().or(l.hash.as_ref())),
        ]
    });
    let bytes = xlsx(&shell.t("commitments-menu"), &header, rows)?;
    Ok(web::attachment(
        web::XLSX,
        &format!("{}.xlsx", r.title),
        bytes,
    ))
}

pub(crate) async fn act(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, act)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let done = match act.as_str() {
        "urge" => s.urge(id, &access.scope, &actor).await.map(|_| ()),
        "close" => s.close(id, &access.scope, &actor).await,
        _ => Err(Error::NotFound),
    };
    let path = format!("/commitments/rounds/{id}");
    match done {
        Ok(()) => shell.done(&path, "commitments-done"),
        Err(error) => {
            let form = Form::default().reject(&shell, told(error))?;
            let asked = Asked::read(&path);
            shell.refused(
                "commitments/round.html",
                round_context(&s, &shell, &access, id, &asked, form).await?,
            )
        }
    }
}

/// The text of a letter with all that is filled in.
async fn text_of(
    s: &Commitments,
    l: &Letter,
    kind: &LetterKind,
    lang: &str,
) -> Result<(String, BTreeMap<&'static str, String>)> {
    let people: Vec<PersonId> = [Some(l.person), l.superior].into_iter().flatten().collect();
    let people = s.organization.person_names(&people).await?;
    let mut units = s.organization.names(&[l.unit]).await?;
    let name = |p: Option<PersonId>| p.and_then(|p| people.get(&p).cloned()).unwrap_or_default();
    let known = BTreeMap::from([
        ("name", name(Some(l.person))),
        ("superior", name(l.superior)),
        ("unit", units.remove(&l.unit).unwrap_or_default()),
    ]);
    let value = |code: &str| known.get(code).or_else(|| l.given.get(code)).cloned();
    Ok((kind.filled(kind.text.get(lang), value), known))
}

async fn letter_context(
    s: &Commitments,
    shell: &Shell,
    access: &Access,
    id: Id,
    mut form: Form,
) -> Result<Value> {
    let (l, r, kind) = s.letter(id, me(access), &reads(access)).await?;
    let lang = shell.lang().code();
    let (text, known) = text_of(s, &l, &kind, lang).await?;
    let open = r.state == RoundState::Open;
    let mine = me(access) == Some(l.person);
    let fields = kind.fields.iter().map(|f| json!({ "name": format!("v-{}", f.code), "label": f.name.get(lang), "required": f.required }));
    if mine && l.signed_at.is_some() {
        form.values.remove("password");
    }
    let at = |t: Option<kernel::Timestamp>| t.map(|t| t.minute_text(s.env.zone()));
    Ok(
        json!({ "id": l.id, "title": r.title, "kind": kind.name.get(lang), "text": text.lines().collect::<Vec<_>>(), "name": known["name"],
        "superior": known["superior"], "unit": known["unit"], "due": format_date(r.due), "tag": letter_tag(shell, &l), "open": open,
        "signed": at(l.signed_at), "hash": l.hash, "countersigned": at(l.countersigned_at), "counter_hash": l.counter_hash,
        "may_sign": open && mine && l.signed_at.is_none(), "fields": fields.collect::<Vec<_>>(), "years": kind.keep_years,
        "may_counter": open && me(access).is_some() && me(access) == l.superior && l.signed_at.is_some() && !l.is_whole(),
        "paper": format!("{}/paper.docx", l.href()), "crumbs": crumbs(shell), "form": form }),
    )
}

pub(crate) async fn letter(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let context = letter_context(&s, &shell, &access, id_of(&id)?, Form::default()).await?;
    shell.page("commitments/letter.html", context)
}

pub(crate) async fn sign(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed) = (id_of(&id)?, Typed(pairs));
    let person = me(&access).ok_or(Error::NotFound)?;
    let given = typed
        .0
        .iter()
        .filter_map(|(n, v)| Some((n.strip_prefix("v-")?.to_owned(), v.clone())));
    let given: BTreeMap<String, String> = given.collect();
    match s
        .sign(id, person, &given, typed.get("password"), &actor)
        .await
    {
        Ok(()) => shell.done(
            &format!("/commitments/letters/{id}"),
            "commitments-done-signed",
        ),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused(
                "commitments/letter.html",
                letter_context(&s, &shell, &access, id, form).await?,
            )
        }
    }
}

/// A letter as a document, with what was signed.
pub(crate) async fn paper(
    Shared(s): Shared<Commitments>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (l, r, kind) = s.letter(id_of(&id)?, me(&access), &reads(&access)).await?;
    let lang = shell.lang().code();
    let (text, known) = text_of(&s, &l, &kind, lang).await?;
    let mut blocks: Vec<Block> = text.lines().map(Block::text).collect();
    for (key, who, at, hash) in [
        (
            "commitments-paper-signed",
            &known["name"],
            l.signed_at,
            &l.hash,
        ),
        (
            "commitments-paper-countersigned",
            &known["superior"],
            l.countersigned_at,
            &l.counter_hash,
        ),
    ] {
        if let (Some(at), Some(hash)) = (at, hash) {
            let at = at.minute_text(s.env.zone());
            blocks.push(Block::text(
                shell.t_with(key, &[("name", who), ("at", &at), ("hash", hash)]),
            ));
        }
    }
    let unit = s
        .organization
        .names(&[r.unit])
        .await?
        .remove(&r.unit)
        .unwrap_or_default();
    let document = Document {
        title: r.title.clone(),
        blocks,
        official: Some(Official {
            organ: unit.clone(),
            signed_by: unit,
            dated: format_date(r.issued_on),
            ..Official::default()
        }),
        ..Document::default()
    };
    Ok(web::attachment(
        DOCX,
        &format!("{}-{}.docx", r.title, known["name"]),
        write(&document)?,
    ))
}

/// Rounds of units, for programs.
pub(crate) async fn api_rounds(
    Shared(s): Shared<Commitments>,
    access: Access,
) -> Result<Json<Value>, Failure> {
    let (total, rounds) = s.rounds(&access.scope, Window::new(1, 200)).await?;
    let row = |r: &Round| {
        json!({ "id": r.id, "kind": r.kind, "unit": r.unit, "title": r.title, "state": r.state.code(), "due": format_date(r.due),
        "issued_on": format_date(r.issued_on), "replaces": r.replaces, "letters": r.named, "signed": r.signed })
    };
    Ok(Json(
        json!({ "total": total, "rounds": rounds.iter().map(row).collect::<Value>() }),
    ))
}

/// The description of the API.
pub(crate) fn openapi() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let day = json!({ "type": "string", "format": "date" });
    let id = json!({ "type": "string", "format": "uuid" });
    json!({
        "tags": [{ "name": "commitments", "description": "Letters given out to be signed" }],
        "paths": { "/api/v1/commitments": { "get": {
            "tags": ["commitments"], "operationId": "commitments", "summary": "Rounds of letters of units, with how many are signed",
            "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": { "type": "object", "properties": { "total": number,
                "rounds": { "type": "array", "items": { "type": "object", "properties": { "id": id, "kind": text, "unit": id, "title": text,
                    "state": { "type": "string", "enum": ["open", "closed", "replaced"] }, "due": day, "issued_on": day,
                    "replaces": { "type": ["string", "null"], "format": "uuid" }, "letters": number, "signed": number } } } } } } } } },
        } } },
    })
}
