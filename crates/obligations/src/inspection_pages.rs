//! Pages of inspection packs: asking for one, one's own, how far one is, the zip.

use axum::Form as Posted;
use axum::body::Body;
use axum::extract::{Path, State as Ax};
use axum::http::header;
use axum::response::Response;
use futures::TryStreamExt;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, Scope, UnitId, format_date};
use serde_json::{Value, json};
use web::table::Asked;
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Lang, Policy, Routes, Shell};

use crate::inspection::{InspectionPack, InspectionState, Wanted};
use crate::{NAMES, Obligations, PACK};

const LIST: &str = "/obligations/packs";

pub(crate) fn routes() -> Routes<Obligations> {
    let may = Policy::Permission(PACK);
    Routes::new()
        .get(LIST, may, list)
        .post(LIST, may, ask)
        .get("/obligations/packs/{id}", may, show)
        .get("/obligations/packs/{id}/progress", may, progress)
        .get("/obligations/packs/{id}/pack.zip", may, take)
}

fn href(id: Id) -> String {
    format!("{LIST}/{id}")
}

/// What was typed: pairs, because several rules have one name.
type Typed = Vec<(String, String)>;

fn value<'a>(typed: &'a Typed, name: &str) -> &'a str {
    let found = typed.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, v)| v.as_str())
}

fn tag(shell: &Shell, state: InspectionState) -> Tag {
    let tone = match state {
        InspectionState::Waiting => Tone::Plain,
        InspectionState::Working => Tone::Brand,
        InspectionState::Ready => Tone::Ok,
        InspectionState::Failed => Tone::Bad,
    };
    Tag {
        text: shell.t(&format!("pack-state-{}", state.code())),
        tone,
        icon: None,
    }
}

/// Bytes as people read them.
fn size(bytes: i64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", (bytes + 1023) / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// What a pack is about, in words.
fn what(s: &Obligations, lang: &str, w: &Wanted) -> String {
    let list = w.checklist.as_deref().and_then(|c| s.checklist(c));
    let names = list.map(|l| l.name.get(lang).to_owned()).into_iter();
    let rules = w.rules.iter().filter_map(|c| s.rule_name(c, lang));
    names.chain(rules).collect::<Vec<_>>().join("、")
}

fn may_name(access: &Access) -> bool {
    access.principal.scope(NAMES).is_some()
}

async fn page(
    s: &Obligations,
    shell: &Shell,
    access: &Access,
    (typed, form): (&Typed, Form),
) -> Result<Value> {
    let lang = shell.lang().code();
    let chosen = |code: &str| typed.iter().any(|(n, v)| n == "rule" && v == code);
    let rules: Vec<Value> = s
        .rules
        .iter()
        .map(|r| json!({ "code": r.code, "name": r.name.get(lang), "chosen": chosen(&r.code) }))
        .collect();
    let mut lists = vec![(String::new(), shell.t("pack-checklist-none"))];
    let all = s.rules.checklists();
    lists.extend(all.map(|l| (l.code.clone(), l.name.get(lang).to_owned())));
    let packs = s.packs(access.principal.account).await?;
    let ids: Vec<UnitId> = packs.iter().flat_map(|p| p.wanted.units.clone()).collect();
    let names = s.organization.names_in(&ids, &access.scope).await?;
    let rows: Vec<Value> = packs
        .iter()
        // What is out of scope by now is not shown any more.
        .filter(|p| p.wanted.units.iter().all(|u| names.contains_key(u)))
        .map(|p| {
            let units: Vec<&str> = p.wanted.units.iter().filter_map(|u| Some(names.get(u)?.as_str())).collect();
            json!({ "href": href(p.id), "what": what(s, lang, &p.wanted), "units": units.join("、"), "from": p.wanted.from,
                "to": p.wanted.to, "state": tag(shell, p.state), "at": p.at.minute_text(s.env.zone()) })
        })
        .collect();
    Ok(json!({
        "form": form, "rules": rules, "lists": lists, "rows": rows, "may_name": may_name(access),
        "draw": Some(value(typed, "draw")).filter(|d| !d.is_empty()),
        "crumbs": [Crumb { label: shell.t("menu-obligations"), href: "/obligations".into() }],
    }))
}

/// The form filled in with these.
fn filled(typed: &Typed) -> Form {
    let plain = typed.iter().filter(|(name, _)| name != "rule");
    plain.fold(Form::default(), |form, (name, value)| {
        form.with(name, value)
    })
}

async fn list(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    at: Asked,
) -> Result<Response, Failure> {
    let today = s.env.today();
    let units = match &access.scope {
        Scope::Under(units) => s.organization.units_by_id(units, &access.scope).await?,
        Scope::All => Vec::new(),
    };
    let mut codes: Vec<&str> = units.iter().map(|u| u.code.as_str()).collect();
    codes.truncate(5);
    let mut typed: Typed = vec![
        ("units".into(), codes.join(" ")),
        ("from".into(), format_date(today.first_of_year())),
        ("to".into(), format_date(today)),
    ];
    for name in ["draw", "rule"] {
        let given = at.get(name).unwrap_or_default().to_owned();
        typed.extend(Some((name.to_owned(), given)).filter(|(_, v)| !v.is_empty()));
    }
    if let Ok(draw) = value(&typed, "draw").parse() {
        s.drawn(draw, &access.scope).await?;
    }
    let form = filled(&typed);
    let context = page(&s, &shell, &access, (&typed, form)).await?;
    shell.page("obligations/packs.html", context)
}

/// What a form asks for; codes of units apart by spaces or commas.
async fn wanted(s: &Obligations, shell: &Shell, access: &Access, typed: &Typed) -> Result<Wanted> {
    let draw = match value(typed, "draw") {
        "" => None,
        text => Some(text.parse().map_err(|_| Error::NotFound)?),
    };
    let codes = value(typed, "units").split([' ', ',', '，', '、', '\n']);
    let mut units = Vec::new();
    for code in codes
        .map(str::trim)
        .filter(|c| !c.is_empty() && draw.is_none())
    {
        let found = s.organization.unit_by_code(code, &access.scope).await;
        let unknown = || Error::field("units", Msg::new("pack-unit-unknown").with("code", code));
        units.push(
            found
                .map_err(|e| match e {
                    Error::NotFound => unknown(),
                    other => other,
                })?
                .id,
        );
    }
    let text = |name: &str| value(typed, name).trim().to_owned();
    let rules = typed.iter().filter(|(n, _)| n == "rule");
    Ok(Wanted {
        units,
        rules: rules.map(|(_, code)| code.clone()).collect(),
        checklist: Some(text("checklist")).filter(|c| !c.is_empty()),
        from: text("from"),
        to: text("to"),
        draw,
        names: value(typed, "names") == "on",
        reason: text("reason"),
        english: shell.lang() == Lang::En,
    })
}

async fn ask(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let asked = async {
        let wanted = wanted(&s, &shell, &access, &typed).await?;
        s.ask_pack(wanted, &access.scope, may_name(&access), actor)
            .await
    };
    match asked.await {
        Ok(id) => shell.done(&href(id), "pack-asked"),
        Err(error) => {
            let form = filled(&typed).reject(&shell, error)?;
            let context = page(&s, &shell, &access, (&typed, form)).await?;
            shell.refused("obligations/packs.html", context)
        }
    }
}

async fn one(s: &Obligations, access: &Access, id: &str) -> Result<InspectionPack> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    s.pack(id, access.principal.account, &access.scope).await
}

/// How far it is, for the page and for the part of it that renews itself.
fn far(shell: &Shell, p: &InspectionPack) -> Value {
    json!({
        "here": href(p.id), "over": p.state.over(), "tag": tag(shell, p.state), "done": p.done, "total": p.total,
        "ready": p.state == InspectionState::Ready, "size": size(p.size), "sha256": p.sha256, "files": p.files,
        "missing": p.missing, "trouble": p.trouble,
    })
}

async fn show(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let p = one(&s, &access, &id).await?;
    let names = s.organization.names(&p.wanted.units).await?;
    let units: Vec<&String> = p.wanted.units.iter().filter_map(|u| names.get(u)).collect();
    shell.page(
        "obligations/pack.html",
        json!({
            "pack": far(&shell, &p), "what": what(&s, shell.lang().code(), &p.wanted), "units": units, "from": p.wanted.from,
            "to": p.wanted.to, "drawn": p.wanted.draw.map(|d| format!("/obligations/draws/{d}")), "names": p.wanted.names,
            "reason": p.wanted.reason, "at": p.at.minute_text(s.env.zone()), "until": p.until().minute_text(s.env.zone()),
            "crumbs": [Crumb { label: shell.t("packs-title"), href: LIST.into() }],
        }),
    )
}

async fn progress(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let p = one(&s, &access, &id).await?;
    shell.partial(
        "obligations/pack-part.html",
        json!({ "pack": far(&shell, &p) }),
    )
}

async fn take(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let p = one(&s, &access, &id).await?;
    let (size, stream) = s.take_pack(&p, actor).await?;
    let name = format!(
        "{} {} – {}.zip",
        shell.t("packs-title"),
        p.wanted.from,
        p.wanted.to
    );
    let body = Body::from_stream(stream.map_err(std::io::Error::other));
    let mut response = web::attachment("application/zip", &name, body);
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, size.into());
    Ok(response)
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "x", "tone": "ok", "icon": null });
    let row = json!({ "href": "/x", "what": "w", "units": "u", "from": "2026-01-01", "to": "2026-06-30", "state": tag, "at": "2026-07-01 10:00" });
    let rule = |chosen: bool| json!({ "code": "r", "name": "n", "chosen": chosen });
    let list = |rows: Value, may: bool, draw: Value| {
        json!({ "form": Form::default(), "rules": [rule(true), rule(false)], "lists": [["", "x"]], "rows": rows, "may_name": may,
            "draw": draw, "crumbs": [] })
    };
    let pack = |over: bool, ready: bool| {
        json!({ "here": "/x", "over": over, "tag": tag, "done": 1, "total": 2, "ready": ready, "size": "1 KiB", "sha256": "00",
            "files": 1, "missing": 2, "trouble": "t" })
    };
    let one = |pack: Value, drawn: Value| {
        json!({ "pack": pack, "what": "w", "units": ["u"], "from": "2026-01-01", "to": "2026-06-30", "drawn": drawn, "names": true,
            "reason": "r", "at": "2026-07-01 10:00", "until": "2026-07-31 10:00", "crumbs": [] })
    };
    vec![
        (
            "obligations/packs.html",
            list(json!([row]), true, Value::Null),
        ),
        ("obligations/packs.html", list(json!([]), false, json!("1"))),
        (
            "obligations/pack.html",
            one(pack(false, false), Value::Null),
        ),
        ("obligations/pack.html", one(pack(true, true), json!("/x"))),
        (
            "obligations/pack-part.html",
            json!({ "pack": pack(true, false) }),
        ),
    ]
}
