//! Texts and templates.

use std::collections::BTreeSet;
use std::path::Path;

use testkit::on_sqlite;

use crate::{House, migrations};

#[tokio::test]
async fn every_page_renders_in_every_language() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(t).await;
        let modules = vec![identity::module(h.identity.clone())];
        assert_eq!(web::samples::problems(modules, &h.t.env), [""; 0]);
    })
    .await;
}

fn quoted_keys(folder: &Path, keys: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            quoted_keys(&path, keys);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for part in source.split("\"identity-").skip(1) {
            keys.insert(format!("identity-{}", part.split('"').next().unwrap()));
        }
    }
}

#[test]
fn every_text_is_used_and_every_used_text_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut used = BTreeSet::new();
    quoted_keys(&root.join("src"), &mut used);
    quoted_keys(&root.join("templates"), &mut used);
    for (language, text) in identity::MESSAGES {
        let keys = text.lines().filter_map(|l| l.split_once(" = "));
        let written: BTreeSet<String> = keys.map(|(key, _)| key.to_owned()).collect();
        assert_eq!(written, used, "{language}");
    }
}
