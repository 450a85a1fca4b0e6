//! What is held as a file: the table of routes, the API, the settings; and that no text is missing.

use std::path::{Path, PathBuf};

use kernel::Env;
use suneng::rooms::{Rooms, Vocabulary};
use suneng::{World, modules};

use crate::program::config;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares with a file, or writes it when `SUNENG_UPDATE_GOLDEN=1`.
fn golden(file: &str, found: &str) {
    let path = root().join(file);
    if std::env::var_os("SUNENG_UPDATE_GOLDEN").is_some_and(|v| v == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        held == found,
        "{file} is not what the program says; look at the change and run the test with SUNENG_UPDATE_GOLDEN=1. \
         The program says:\n{found}"
    );
}

async fn world() -> (tempfile::TempDir, World, Rooms) {
    let folder = tempfile::tempdir().unwrap();
    let (world, _) = World::create(config(folder.path(), None), Env::system())
        .await
        .unwrap();
    let vocabulary = Vocabulary::read(&world.packs).unwrap();
    let rooms = Rooms::open(&world, vocabulary).await.unwrap();
    (folder, world, rooms)
}

#[tokio::test]
async fn every_route_has_the_policy_that_is_written_down() {
    let (_folder, world, rooms) = world().await;
    let table = web::route_table(&modules::modules(&world, &rooms));
    let lines: Vec<String> = table.iter().map(ToString::to_string).collect();
    golden(
        "crates/suneng/tests/golden/routes.txt",
        &(lines.join("\n") + "\n"),
    );
}

#[tokio::test]
async fn the_api_is_described_as_it_is_written_down() {
    let (_folder, world, rooms) = world().await;
    use tower::ServiceExt;
    let request = axum::http::Request::get("/openapi.json")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = suneng::serve::router(&world, &rooms)
        .unwrap()
        .oneshot(request)
        .await
        .unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), 10 << 20)
        .await
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let text = serde_json::to_string_pretty(&json).unwrap();
    golden("crates/suneng/tests/golden/openapi.json", &(text + "\n"));
}

#[test]
fn the_page_about_settings_is_current() {
    golden("docs/configuration.md", &suneng::settings::markdown());
}

#[tokio::test]
async fn every_template_renders_and_no_text_is_missing() {
    let (_folder, world, rooms) = world().await;
    let problems = web::samples::problems(modules::modules(&world, &rooms), &world.env);
    assert!(problems.is_empty(), "{problems:#?}");
    let problems = web::Catalog::new(modules::command_texts()).problems();
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Keys of all `Msg` in a folder.
fn keys(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            keys(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            let squeezed: String = code.split_whitespace().collect();
            for part in squeezed.split("Msg::new(\"").skip(1) {
                found.push((path.clone(), part.split('"').next().unwrap().to_owned()));
            }
        }
    }
}

#[test]
fn every_message_has_a_text() {
    let texts = web::Catalog::new(modules::command_texts());
    let mut found = Vec::new();
    for room in [
        "db",
        "ledger",
        "commons",
        "crypt",
        "web",
        "organization",
        "activities",
        "registers",
        "questions",
        "exams",
        "hours",
        "bulletins",
        "inspections",
        "campaigns",
        "commitments",
        "tasks",
        "projects",
        "matters",
        "guard",
        "obligations",
        "indicators",
        "reports",
        "identity",
        "notices",
        "approvals",
        "suneng",
    ] {
        keys(&root().join("crates").join(room).join("src"), &mut found);
    }
    assert!(found.len() > 40, "the scan finds the keys");
    let missing: Vec<_> = found.iter().filter(|(_, key)| !texts.has(key)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
