//! Message files: Chinese and English have the same keys, with the same arguments, and every message
//! that code names is in one of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{File, Files, Problems};

const CHINESE: &str = "zh-CN";
const ENGLISH: &str = "en";

/// Per message file: its counterpart exists and says the same things.
pub fn check(files: &Files) -> Problems {
    let mut problems = Problems::new();
    for file in files.iter().filter(|f| f.path.ends_with(".ftl")) {
        let Some(other_path) = counterpart(&file.path) else {
            problems.push(format!("{}: neither {CHINESE} nor {ENGLISH}", file.path));
            continue;
        };
        let Some(other) = files.get(&other_path) else {
            problems.push(format!("{}: {other_path} does not exist", file.path));
            continue;
        };
        let (mine, theirs) = (messages(file), messages(other));
        for (key, arguments) in &mine {
            match theirs.get(key) {
                None => problems.push(format!("{}: {key} is missing", other.path)),
                Some(others) if arguments != others => problems.push(format!(
                    "{}: {key} has the arguments {arguments:?}, in {} {others:?}",
                    file.path, other.path
                )),
                Some(_) => {}
            }
        }
    }
    problems
}

/// Every key of a literal `Msg::new("key")` outside of tests is in some message file.
pub fn check_keys(files: &Files) -> Problems {
    let texts = files.iter().filter(|f| f.path.ends_with(".ftl"));
    let written: BTreeSet<String> = texts.flat_map(|f| messages(f).into_keys()).collect();
    let mut problems = Problems::new();
    for file in files.iter().filter(|f| f.path.ends_with(".rs")) {
        if !file.path.starts_with("crates/") || !file.path.contains("/src/") {
            continue;
        }
        for key in keys_used(file) {
            if !written.contains(&key) {
                problems.push(format!("{}: no message file has {key}", file.path));
            }
        }
    }
    problems
}

/// The literal keys in a Rust file up to its unit tests, however the lines are broken.
fn keys_used(file: &File) -> Vec<String> {
    let code = file.code_lines().map(|(_, line)| line.trim());
    let code: String = code.take_while(|line| *line != "#[cfg(test)]").collect();
    code.split(concat!("Msg::", "new("))
        .skip(1)
        .filter_map(|rest| Some(rest.strip_prefix('"')?.split_once('"')?.0.to_owned()))
        .collect()
}

/// The same path in the other language; the language is a folder or the name of the file.
fn counterpart(path: &str) -> Option<String> {
    let swap = |part: &str| match part {
        CHINESE => Some(ENGLISH.to_owned()),
        ENGLISH => Some(CHINESE.to_owned()),
        _ => None,
    };
    let stem = path.strip_suffix(".ftl")?;
    let mut parts: Vec<String> = stem.split('/').map(str::to_owned).collect();
    let at = parts.iter().rposition(|part| swap(part).is_some())?;
    parts[at] = swap(&parts[at])?;
    Some(parts.join("/") + ".ftl")
}

/// Key (with `.attribute` where there is one) → names of the arguments.
fn messages(file: &File) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut message = String::new();
    let mut current = String::new();
    for line in file.text().unwrap_or_default().lines() {
        if line.starts_with('#') {
            continue;
        }
        let trimmed = line.trim_start();
        if let Some((key, _)) = trimmed.split_once('=') {
            let key = key.trim_end();
            let is_name = |name: &str| {
                name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-')
                    && name
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
            };
            if trimmed == line && is_name(key) {
                key.clone_into(&mut message);
                current.clone_from(&message);
                found.entry(current.clone()).or_default();
            } else if let Some(name) = key.strip_prefix('.').filter(|name| is_name(name)) {
                current = format!("{message}.{name}");
                found.entry(current.clone()).or_default();
            }
        }
        for rest in line.split('$').skip(1) {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
                .unwrap_or(rest.len());
            if end > 0 && !current.is_empty() {
                found
                    .entry(current.clone())
                    .or_default()
                    .insert(rest[..end].to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_argument_or_file_is_caught() {
        let files = Files::sample(&[
            (
                "crates/a/messages/zh-CN.ftl",
                "# 注释 = $x\nhello = 您好,{ $name }\nonly-here = 一\nbutton = 保存\n    .title = 保存({ $n })\n",
            ),
            (
                "crates/a/messages/en.ftl",
                "hello = Hello\nbutton = Save\n    .title = { $n ->\n        [one] Save one\n       *[other] Save { $n }\n    }\n",
            ),
            ("crates/b/messages/zh-CN/pages.ftl", "a = 甲"),
        ]);
        let problems = check(&files);
        assert_eq!(problems.len(), 4, "{problems:#?}");
        assert!(problems[0].contains("hello has the arguments"));
        assert_eq!(
            problems[1],
            "crates/a/messages/en.ftl: only-here is missing"
        );
        assert!(problems[2].contains("hello has the arguments"));
        assert_eq!(
            problems[3],
            "crates/b/messages/zh-CN/pages.ftl: crates/b/messages/en/pages.ftl does not exist"
        );
    }

    #[test]
    fn a_message_without_text_is_caught() {
        let code = concat!(
            "// Msg::",
            "new(\"in-a-comment\")\nfn f() { Msg::",
            "new(\"hello\"); Msg::",
            "new(\n    \"no-text\",\n).with(\"n\", 1); Msg::",
            "new(key); }\n#[cfg(test)]\nmod tests { fn t() { Msg::",
            "new(\"made-up\"); } }\n"
        );
        let files = Files::sample(&[
            ("crates/a/src/b.rs", code),
            ("crates/a/tests/it/main.rs", code),
            (
                "crates/w/locales/en/w.ftl",
                "hello = Hello\n# no-text = no\n",
            ),
        ]);
        assert_eq!(
            check_keys(&files),
            ["crates/a/src/b.rs: no message file has no-text"]
        );
    }
}
