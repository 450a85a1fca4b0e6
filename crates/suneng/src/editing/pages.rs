//! Editing a pack on a page: its text, why, the mistakes; versions put to use.

use axum::Form as BodyForm;
use axum::extract::{Multipart, Path, State};
use axum::response::Response;
use commons::packs::Packs;
use identity::Actor;
use kernel::{Error, FieldError, Msg, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Failure, Form, Policy, Routes, Shell};

use super::{EDIT, Hindrance, store};
use crate::World;
use crate::packs_page::{self, LONGEST, hunks};

pub(crate) fn routes() -> Routes<World> {
    let edit = Policy::Permission(EDIT);
    Routes::new()
        .get("/admin/packs/{code}/edit", edit, form)
        .post("/admin/packs/{code}/edit", edit, save)
        .post("/admin/packs/{code}/use", edit, put_to_use)
        .get("/admin/packs/new", edit, new_form)
        .post("/admin/packs/new", edit, add)
}

/// Hindrances in words.
fn told(shell: &Shell, hindrances: &[Hindrance]) -> Vec<String> {
    let one = |h: &Hindrance| match h {
        Hindrance::Mistake(p) => {
            let at = [("file", p.file.as_str()), ("line", &p.line.to_string())];
            format!("{}{}", shell.t_with("packs-at", &at), shell.text(&p.reason))
        }
        Hindrance::Lost((table, code, records, count)) => {
            let place = shell.t(&format!("packs-where-{}", records.replace('_', "-")));
            let count = count.to_string();
            let said = [
                ("table", *table),
                ("code", code),
                ("where", &place),
                ("count", &count),
            ];
            shell.t_with("packs-lost", &said)
        }
    };
    hindrances.iter().map(one).collect()
}

/// The newest version of a pack and its text; before the first one the text that runs.
async fn newest(world: &World, code: &str) -> Result<(i64, String)> {
    let mut tx = world.db.read().await?;
    let versions = store::versions(&mut tx, code).await?;
    match versions.first() {
        Some(v) => {
            let text = store::text(&mut tx, code, v.n).await?;
            Ok((v.n, text.ok_or(Error::NotFound)?))
        }
        None => {
            drop(tx);
            Ok((0, world.pack(code).await?.text.clone()))
        }
    }
}

fn fault(field: &str, key: &'static str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: Msg::new(key),
    }
}

/// What is wrong with a text and the reason for it, before anybody reads the text.
fn faults(text: &str, note: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if text.trim().is_empty() || text.len() > LONGEST {
        errors.push(fault("text", "packs-other-missing"));
    }
    if !(2..=200).contains(&note.chars().count()) || note.contains(char::is_control) {
        errors.push(fault("note", "packs-note-missing"));
    }
    errors
}

fn new_context(shell: &Shell, form: Form, problems: &[String]) -> Value {
    json!({
        "name": null, "code": "new", "form": form, "problems": problems, "between": null, "hunks": [],
        "crumbs": [Crumb { label: shell.t("packs"), href: "/admin/packs".into() }],
    })
}

async fn new_form(shell: Shell) -> Result<Response, Failure> {
    shell.page("packs/edit.html", new_context(&shell, Form::default(), &[]))
}

/// Takes in a new pack, as a file or as text: its first version, which is put to use in a second step.
async fn add(
    State(world): State<World>,
    shell: Shell,
    actor: Actor,
    mut parts: Multipart,
) -> Result<Response, Failure> {
    let (mut text, mut note) = (String::new(), String::new());
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(unreadable)?;
        let read = String::from_utf8_lossy(&bytes);
        match name.as_str() {
            // A file that was chosen goes before what stands in the box.
            "file" if !bytes.is_empty() => text = read.into_owned(),
            "text" if text.is_empty() => text = read.into_owned(),
            "note" => note = read.trim().to_owned(),
            _ => {}
        }
    }
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let form = || Form::default().with("text", &text).with("note", &note);
    let refused = |errors: Vec<FieldError>, problems: &[String]| {
        let form = match errors.is_empty() {
            true => form(),
            false => form().reject(&shell, Error::Invalid(errors))?,
        };
        shell.refused("packs/edit.html", new_context(&shell, form, problems))
    };
    let errors = faults(&text, &note);
    if !errors.is_empty() {
        return refused(errors, &[]);
    }
    let code = match Packs::load(vec![("pack.toml".into(), text.clone())]) {
        Ok(packs) => packs
            .iter()
            .next()
            .map(|p| p.code.clone())
            .unwrap_or_default(),
        Err(problems) => {
            let problems: Vec<_> = problems.into_iter().map(Hindrance::Mistake).collect();
            return refused(Vec::new(), &told(&shell, &problems));
        }
    };
    if code == "new" || world.pack(&code).await.is_ok() {
        return refused(vec![fault("text", "packs-code-taken")], &[]);
    }
    let hindrances = world.hindrances(&code, Some(&text)).await?;
    if !hindrances.is_empty() {
        return refused(Vec::new(), &told(&shell, &hindrances));
    }
    match world.save_version(&code, 0, &text, &note, &actor).await? {
        Some(_) => shell.done(&format!("/admin/packs/{code}"), "packs-saved-done"),
        None => refused(vec![fault("text", "packs-code-taken")], &[]),
    }
}

fn unreadable(_: axum::extract::multipart::MultipartError) -> Error {
    Error::Invalid(vec![fault("text", "packs-other-missing")])
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    text: String,
    note: String,
    base: i64,
}

async fn context(
    world: &World,
    shell: &Shell,
    code: &str,
    form: Form,
    problems: &[String],
) -> Result<Value> {
    let pack = world.pack(code).await?;
    Ok(json!({
        "name": pack.name.get(shell.lang().code()), "code": code, "form": form, "problems": problems, "between": null, "hunks": [],
        "crumbs": [Crumb { label: shell.t("packs"), href: "/admin/packs".into() },
            Crumb { label: pack.name.get(shell.lang().code()).to_owned(), href: format!("/admin/packs/{code}") }],
    }))
}

async fn form(
    State(world): State<World>,
    shell: Shell,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let (n, text) = newest(&world, &code).await?;
    let form = Form::default().with("text", text).with("base", n);
    shell.page(
        "packs/edit.html",
        context(&world, &shell, &code, form, &[]).await?,
    )
}

async fn save(
    State(world): State<World>,
    shell: Shell,
    actor: Actor,
    Path(code): Path<String>,
    BodyForm(t): BodyForm<Typed>,
) -> Result<Response, Failure> {
    world.pack(&code).await?;
    // Browsers send their own line ends.
    let text = t.text.replace("\r\n", "\n");
    let note = t.note.trim();
    let mut errors = faults(&text, note);
    let (last, known) = newest(&world, &code).await?;
    if text == known && errors.iter().all(|e| e.field != "text") {
        errors.push(fault("text", "packs-nothing-changed"));
    }
    let typed = |base: i64| {
        let form = Form::default().with("text", &text).with("note", note);
        form.with("base", base)
    };
    if !errors.is_empty() {
        let form = typed(t.base).reject(&shell, Error::Invalid(errors))?;
        let context = context(&world, &shell, &code, form, &[]).await?;
        return shell.refused("packs/edit.html", context);
    }
    let hindrances = world.hindrances(&code, Some(&text)).await?;
    if !hindrances.is_empty() {
        let problems = told(&shell, &hindrances);
        let context = context(&world, &shell, &code, typed(t.base), &problems).await?;
        return shell.refused("packs/edit.html", context);
    }
    let saved = match last == t.base {
        true => world.save_version(&code, last, &text, note, &actor).await?,
        false => None,
    };
    if saved.is_some() {
        return shell.done(&format!("/admin/packs/{code}"), "packs-saved-done");
    }
    // Somebody was quicker: what they changed is shown, and what was typed stays.
    let (last, known) = newest(&world, &code).await?;
    let own = world.pack(&code).await?;
    let mut tx = world.db.read().await?;
    let before = match t.base {
        0 => own.text.clone(),
        n => store::text(&mut tx, &code, n).await?.unwrap_or_default(),
    };
    let versions = store::versions(&mut tx, &code).await?;
    drop(tx);
    let between = versions.iter().filter(|v| v.n > t.base).map(|v| {
        json!({ "n": v.n, "name": v.name.as_deref().unwrap_or("—"), "at": v.at.minute_text(world.env.zone()), "note": v.note })
    });
    let mut context = context(&world, &shell, &code, typed(last), &[]).await?;
    context["between"] = between.collect();
    context["hunks"] = json!(hunks(&before, &known));
    shell.refused("packs/edit.html", context)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chosen {
    n: i64,
    before: i64,
}

async fn put_to_use(
    State(world): State<World>,
    shell: Shell,
    actor: Actor,
    Path(code): Path<String>,
    BodyForm(chosen): BodyForm<Chosen>,
) -> Result<Response, Failure> {
    world.pack(&code).await?;
    let text = match chosen.n {
        0 => None,
        n => {
            let text = store::text(&mut world.db.read().await?, &code, n).await?;
            Some(text.ok_or(Error::NotFound)?)
        }
    };
    let hindrances = world.hindrances(&code, text.as_deref()).await?;
    if !hindrances.is_empty() {
        let mut context = packs_page::context(&world, &shell, &code, None, true).await?;
        context["hindered"] = json!(told(&shell, &hindrances));
        return shell.refused("packs/show.html", context);
    }
    let change = (chosen.before, chosen.n);
    world.put_to_use(&code, change, &actor).await?;
    shell.done(&format!("/admin/packs/{code}"), "packs-used-done")
}

/// The versions of a pack for its page, which one is put to use, and whether that one runs; nothing runs of a pack that
/// was added and is not in use.
pub(crate) async fn shown(world: &World, code: &str, running: Option<&str>) -> Result<Value> {
    let mut tx = world.db.read().await?;
    let used = store::used(&mut tx, code).await?;
    let versions = store::versions(&mut tx, code).await?;
    drop(tx);
    let running = running.map(super::hash).unwrap_or_default();
    let line = |v: &super::Version| {
        json!({ "n": v.n, "hash": &v.sha256[..12], "note": v.note, "name": v.name.as_deref().unwrap_or("—"),
            "at": v.at.minute_text(world.env.zone()), "used": v.n == used, "runs": v.sha256 == running,
            "href": format!("/admin/packs/{code}?version={}", v.n) })
    };
    let chosen = versions.iter().find(|v| v.n == used);
    let waits = match chosen {
        Some(v) => v.sha256 != running,
        // The program's own runs unless a version still does.
        None => versions.iter().any(|v| v.sha256 == running) && !own_is(world, code, &running),
    };
    Ok(
        json!({ "used": used, "versions": versions.iter().map(line).collect::<Vec<_>>(), "waits": waits }),
    )
}

fn own_is(world: &World, code: &str, running: &str) -> bool {
    let own = crate::world::load_packs(&world.config);
    let own = own.iter().flat_map(|packs| packs.iter());
    own.into_iter()
        .any(|p| p.code == code && super::hash(&p.text) == running)
}

/// The text of a saved version.
pub(crate) async fn text_of(world: &World, code: &str, n: i64) -> Result<String> {
    let text = store::text(&mut world.db.read().await?, code, n).await?;
    text.ok_or(Error::NotFound)
}
