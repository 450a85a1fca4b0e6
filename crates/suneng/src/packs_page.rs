//! `/admin/packs`: the packs (业务包) that the program runs on: read, taken out as files, compared with another version
//! whose mistakes are named, and edited ([`crate::editing`]).

use axum::Form as BodyForm;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::packs::{PackRef, Packs};
use identity::Actor;
use kernel::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use web::view::Crumb;
use web::{Access, Failure, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::World;
use crate::editing::{EDIT, hash, shown, text_of};
use crate::modules::PACK_TABLES;
use crate::rooms::Vocabulary;

/// May read and take out packs.
pub const READ: &str = "pack.read";
/// The longest pack that is compared, in bytes.
pub(crate) const LONGEST: usize = 1 << 20;
/// Lines around a difference.
const AROUND: usize = 3;

/// The pages.
pub fn module(world: &World) -> Module {
    let allowed = Policy::Permission(READ);
    Module {
        name: "packs",
        routes: Routes::new()
            .get("/admin/packs", allowed, list)
            .get("/admin/packs/{code}", allowed, show)
            .get("/admin/packs/{code}/pack.toml", allowed, take)
            .post("/admin/packs/{code}/compare", allowed, compare)
            .merge(crate::editing::routes())
            .with_state(world.clone()),
        menu: vec![MenuEntry {
            group: MenuGroup::Manage,
            order: 94,
            label_key: "packs",
            href: "/admin/packs",
            icon: "stack-2",
            permission: Some(READ),
        }],
        messages: vec![
            (Lang::Zh, include_str!("../locales/zh-CN/packs.ftl")),
            (Lang::En, include_str!("../locales/en/packs.ftl")),
        ],
        templates: vec![
            ("packs/list.html", include_str!("../templates/packs.html")),
            ("packs/show.html", include_str!("../templates/pack.html")),
            (
                "packs/edit.html",
                include_str!("../templates/pack_edit.html"),
            ),
        ],
        samples: samples(),
        ..Module::default()
    }
}

/// What a pack brings: its tables with how many of each.
fn tables(pack: &PackRef) -> String {
    let read: Option<toml::Table> = pack.text.parse().ok();
    let tables = read.into_iter().flatten().filter_map(|(name, value)| {
        let list = value.as_array()?.len();
        Some(format!("{name} × {list}"))
    });
    tables.collect::<Vec<_>>().join("、")
}

async fn list(
    State(world): State<World>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let line = |pack: &PackRef, runs: bool| {
        json!({
            "runs": runs, "href": format!("/admin/packs/{}", pack.code), "name": pack.name.get(lang), "code": pack.code,
            "version": pack.version, "file": pack.source_file, "tables": tables(pack),
            "hash": &hash(&pack.text)[..12],
        })
    };
    let mut lines: Vec<Value> = world.packs.iter().map(|p| line(p, true)).collect();
    let aside = world.set_aside().await?;
    lines.extend(aside.iter().map(|p| line(p, false)));
    let folder = world.config.packs.as_ref().map(|f| f.display().to_string());
    shell.page(
        "packs/list.html",
        json!({ "lines": lines, "folder": folder, "may_edit": may_edit(&access) }),
    )
}

/// The page of a pack: the text that runs, or that of a version with what it changes.
pub(crate) async fn context(
    world: &World,
    shell: &Shell,
    code: &str,
    version: Option<i64>,
    may_edit: bool,
) -> Result<Value> {
    let pack = world.pack(code).await?;
    let runs = world.packs.iter().any(|p| p.code == code);
    let text = match version {
        Some(n) => text_of(world, code, n).await?,
        None => pack.text.clone(),
    };
    let lines: Vec<&str> = text.lines().collect();
    let part = version.map_or_else(String::new, |n| format!("?version={n}"));
    Ok(json!({
        "name": pack.name.get(shell.lang().code()), "code": pack.code, "version": pack.version,
        "file": pack.source_file, "hash": hash(&text), "lines": lines, "other": null, "problems": [], "hindered": [],
        "hunks": version.map(|_| hunks(&pack.text, &text)), "take": format!("/admin/packs/{code}/pack.toml{part}"),
        "saved": shown(world, code, runs.then_some(pack.text.as_str())).await?, "runs": runs, "n": version, "may_edit": may_edit,
        "crumbs": [Crumb { label: shell.t("packs"), href: "/admin/packs".into() }],
    }))
}

fn may_edit(access: &Access) -> bool {
    access.principal.scope(EDIT).is_some()
}

/// Which version is asked for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    version: Option<i64>,
}

async fn show(
    State(world): State<World>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let may_edit = may_edit(&access);
    let context = context(&world, &shell, &code, asked.version, may_edit).await?;
    shell.page("packs/show.html", context)
}

async fn take(
    State(world): State<World>,
    actor: Actor,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let pack = world.pack(&code).await?;
    let text = match asked.version {
        Some(n) => text_of(&world, &code, n).await?,
        None => pack.text.clone(),
    };
    let detail = json!({ "version": pack.version, "saved": asked.version, "sha256": hash(&text) });
    let entry = actor.audit("pack.exported", ("pack", &pack.code), detail);
    db::transaction!(world.db, |tx| identity::record(tx, &world.env, &entry)
        .await)?;
    let file = pack.source_file.rsplit('/').next().unwrap_or_default();
    let name = format!("attachment; filename=\"{file}\"");
    let headers = [
        (
            header::CONTENT_TYPE,
            "application/toml; charset=utf-8".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, text).into_response())
}

#[derive(Deserialize)]
struct Other {
    #[serde(default)]
    text: String,
}

/// Compares another version with the one that is loaded, and names its mistakes as the start would. Nothing is kept.
async fn compare(
    State(world): State<World>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    BodyForm(other): BodyForm<Other>,
) -> Result<Response, Failure> {
    let pack = world.pack(&code).await?;
    let mut context = context(&world, &shell, &code, None, may_edit(&access)).await?;
    let text = other.text.replace("\r\n", "\n");
    context["other"] = json!(text);
    if text.trim().is_empty() || text.len() > LONGEST {
        context["problems"] = json!([shell.t("packs-other-missing")]);
        return shell.refused("packs/show.html", context);
    }
    context["problems"] = json!(mistakes(&world, &shell, &pack, &text));
    context["hunks"] = json!(hunks(&pack.text, &text));
    shell.page("packs/show.html", context)
}

/// What would stop the start if a pack had this text.
fn mistakes(world: &World, shell: &Shell, pack: &PackRef, text: &str) -> Vec<String> {
    let texts = world.packs.iter().map(|p| {
        let own = p.code == pack.code;
        let text = if own { text } else { &p.text };
        (p.source_file.clone(), text.to_owned())
    });
    let read = Packs::load(texts.collect()).and_then(|packs| {
        packs.check_tables(PACK_TABLES)?;
        Vocabulary::read(&packs).map(|_| ())
    });
    let problems = read.err().unwrap_or_default();
    let told = problems.iter().map(|p| {
        let at = [("file", p.file.as_str()), ("line", &p.line.to_string())];
        format!("{}{}", shell.t_with("packs-at", &at), shell.text(&p.reason))
    });
    told.collect()
}

/// The differences with some lines around them: kind, and the line.
pub(crate) fn hunks(before: &str, after: &str) -> Vec<Vec<(&'static str, String)>> {
    let diff = TextDiff::from_lines(before, after);
    let grouped = diff.grouped_ops(AROUND);
    let hunk = |ops: &Vec<similar::DiffOp>| {
        let changes = ops.iter().flat_map(|op| diff.iter_changes(op));
        let line = changes.map(|c| {
            let kind = match c.tag() {
                ChangeTag::Delete => "-",
                ChangeTag::Insert => "+",
                ChangeTag::Equal => " ",
            };
            (kind, c.value().trim_end_matches('\n').to_owned())
        });
        line.collect()
    };
    grouped.iter().map(hunk).collect()
}

fn samples() -> Vec<(&'static str, Value)> {
    let line = json!({ "runs": false, "href": "/admin/packs/x", "name": "n", "code": "x", "version": "1", "file": "x.toml", "tables": "indicator × 3", "hash": "abc" });
    let pack = |other: Value, problems: Value, hunks: Value| {
        json!({
            "name": "n", "code": "x", "version": "1", "file": "x.toml", "hash": "abc", "lines": ["[pack]", ""],
            "other": other, "problems": problems, "hunks": hunks, "take": "/admin/packs/x/pack.toml", "hindered": problems, "n": 2, "may_edit": true, "runs": true,
            "saved": { "used": 2, "waits": true, "versions": [
                { "n": 2, "hash": "abc", "note": "x", "name": "n", "at": "2026-11-22 09:00", "used": true, "runs": false, "href": "/x" },
                { "n": 1, "hash": "abc", "note": "x", "name": "n", "at": "2026-11-22 09:00", "used": false, "runs": true, "href": "/x" }] },
            "crumbs": [{ "label": "x", "href": "/" }],
        })
    };
    let edit = |full: bool| {
        let list = |item: Value| if full { json!([item]) } else { json!([]) };
        json!({ "name": if full { json!("n") } else { Value::Null }, "code": "x", "form": { "values": { "text": "[pack]", "base": "1" }, "errors": {}, "list": [] }, "problems": list(json!("p")),
            "between": if full { json!([{ "n": 2, "name": "n", "at": "2026-11-22 09:00", "note": "x" }]) } else { Value::Null },
            "hunks": list(json!([["+", "a"], ["-", "b"]])), "crumbs": [{ "label": "x", "href": "/" }] })
    };
    vec![
        (
            "packs/list.html",
            json!({ "lines": [line], "folder": null, "may_edit": true }),
        ),
        (
            "packs/list.html",
            json!({ "lines": [], "folder": "/etc/packs", "may_edit": false }),
        ),
        ("packs/show.html", pack(Value::Null, json!([]), Value::Null)),
        (
            "packs/show.html",
            pack(
                json!("t"),
                json!(["p"]),
                json!([[["+", "a"], ["-", "b"], [" ", "c"]]]),
            ),
        ),
        ("packs/show.html", pack(json!("t"), json!([]), json!([]))),
        ("packs/edit.html", edit(false)),
        ("packs/edit.html", edit(true)),
    ]
}
