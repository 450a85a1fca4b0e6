//! `/admin/packs`: the packs (业务包) that the program runs on: read, taken out as files, and compared with another
//! version, whose mistakes are named before it is put into the folder of packs.

use axum::Form as BodyForm;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::packs::{PackRef, Packs};
use identity::Actor;
use kernel::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use similar::{ChangeTag, TextDiff};
use web::view::Crumb;
use web::{Failure, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::World;
use crate::modules::PACK_TABLES;
use crate::rooms::Vocabulary;

/// May read and take out packs.
pub const READ: &str = "pack.read";
/// The longest pack that is compared, in bytes.
const LONGEST: usize = 1 << 20;
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
        ],
        samples: samples(),
        ..Module::default()
    }
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
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

async fn list(State(world): State<World>, shell: Shell) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let line = |pack: &PackRef| {
        json!({
            "href": format!("/admin/packs/{}", pack.code), "name": pack.name.get(lang), "code": pack.code,
            "version": pack.version, "file": pack.source_file, "tables": tables(pack),
            "hash": &hash(&pack.text)[..12],
        })
    };
    let lines: Vec<Value> = world.packs.iter().map(line).collect();
    let folder = world.config.packs.as_ref().map(|f| f.display().to_string());
    shell.page(
        "packs/list.html",
        json!({ "lines": lines, "folder": folder }),
    )
}

fn found(world: &World, code: &str) -> Result<PackRef> {
    let pack = world.packs.iter().find(|p| p.code == code);
    pack.cloned().ok_or(Error::NotFound)
}

fn context(shell: &Shell, pack: &PackRef) -> Value {
    let lines: Vec<&str> = pack.text.lines().collect();
    json!({
        "name": pack.name.get(shell.lang().code()), "code": pack.code, "version": pack.version,
        "file": pack.source_file, "hash": hash(&pack.text), "lines": lines, "other": null, "problems": [],
        "hunks": null, "take": format!("/admin/packs/{}/pack.toml", pack.code),
        "crumbs": [Crumb { label: shell.t("packs"), href: "/admin/packs".into() }],
    })
}

async fn show(
    State(world): State<World>,
    shell: Shell,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let pack = found(&world, &code)?;
    shell.page("packs/show.html", context(&shell, &pack))
}

async fn take(
    State(world): State<World>,
    actor: Actor,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let pack = found(&world, &code)?;
    let detail = json!({ "version": pack.version, "sha256": hash(&pack.text) });
    let entry = actor.audit("pack.exported", ("pack", &pack.code), detail);
    db::transaction!(world.db, |tx| identity::record(tx, &world.env, &entry)
        .await)?;
    let name = format!("attachment; filename=\"{}\"", pack.source_file);
    let headers = [
        (
            header::CONTENT_TYPE,
            "application/toml; charset=utf-8".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, pack.text.clone()).into_response())
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
    Path(code): Path<String>,
    BodyForm(other): BodyForm<Other>,
) -> Result<Response, Failure> {
    let pack = found(&world, &code)?;
    let mut context = context(&shell, &pack);
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
fn hunks(before: &str, after: &str) -> Vec<Vec<(&'static str, String)>> {
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
    let line = json!({ "href": "/admin/packs/x", "name": "n", "code": "x", "version": "1", "file": "x.toml", "tables": "indicator × 3", "hash": "abc" });
    let pack = |other: Value, problems: Value, hunks: Value| {
        json!({
            "name": "n", "code": "x", "version": "1", "file": "x.toml", "hash": "abc", "lines": ["[pack]", ""],
            "other": other, "problems": problems, "hunks": hunks, "take": "/admin/packs/x/pack.toml",
            "crumbs": [{ "label": "x", "href": "/" }],
        })
    };
    vec![
        (
            "packs/list.html",
            json!({ "lines": [line], "folder": null }),
        ),
        (
            "packs/list.html",
            json!({ "lines": [], "folder": "/etc/packs" }),
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
    ]
}
