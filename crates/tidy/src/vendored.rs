//! Vendored files are what their authors published: each `vendor` folder has a file `HASHES` with
//! lines `sha256  path`, as `sha256sum` writes and checks them.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::{Files, Problems};

const LIST: &str = "HASHES";

/// Every vendored file is in its folder's list, unchanged, and no listed file is missing.
pub fn check(files: &Files) -> Problems {
    let mut problems = Problems::new();
    let mut folders: BTreeMap<String, Vec<(&str, &[u8])>> = BTreeMap::new();
    for file in files.iter() {
        if let Some((before, within)) = file.path.rsplit_once("vendor/")
            && (before.is_empty() || before.ends_with('/'))
        {
            let folder = format!("{before}vendor/");
            folders
                .entry(folder)
                .or_default()
                .push((within, &file.bytes));
        }
    }
    for (folder, vendored) in folders {
        let list = files.get(&format!("{folder}{LIST}")).and_then(|f| f.text());
        let Some(list) = list else {
            problems.push(format!("{folder}{LIST} does not exist"));
            continue;
        };
        let mut listed: BTreeMap<&str, &str> = list
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(hash, path)| (path, hash))
            .collect();
        for (path, bytes) in vendored.into_iter().filter(|(path, _)| *path != LIST) {
            match listed.remove(path) {
                None => problems.push(format!("{folder}{path} is not in {LIST}")),
                Some(hash) if hash != hex::encode(Sha256::digest(bytes)) => {
                    problems.push(format!("{folder}{path} was changed"));
                }
                Some(_) => {}
            }
        }
        for path in listed.keys() {
            problems.push(format!("{folder}{path} is in {LIST} but missing"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_unlisted_or_missing_file_is_caught() {
        let hash = hex::encode(Sha256::digest("original"));
        let list = format!("{hash}  same.js\n{hash}  changed.js\n{hash}  gone.js\n");
        let files = Files::sample(&[
            ("crates/a/vendor/HASHES", &list),
            ("crates/a/vendor/same.js", "original"),
            ("crates/a/vendor/changed.js", "tampered"),
            ("crates/a/vendor/extra.js", "x"),
            ("crates/b/assets/vendor/c.js", "x"),
        ]);
        assert_eq!(
            check(&files),
            [
                "crates/a/vendor/changed.js was changed",
                "crates/a/vendor/extra.js is not in HASHES",
                "crates/a/vendor/gone.js is in HASHES but missing",
                "crates/b/assets/vendor/HASHES does not exist",
            ]
        );
    }
}
