//! Rust files: short, and finished.

use crate::files::has_word;
use crate::{Files, Problems};

const LONGEST: usize = 800;
/// Marks of unfinished work; cut in two so that this file is clean.
const UNFINISHED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("todo", "!"),
    concat!("unimple", "mented!"),
    concat!("#[ig", "nore"),
];
const TEXTS: [&str; 9] = [
    ".rs", ".toml", ".md", ".html", ".css", ".js", ".ftl", ".sql", ".csv",
];

/// No long files, no unfinished work, no skipped tests.
pub fn check(files: &Files) -> Problems {
    let mut problems = Problems::new();
    for file in files
        .iter()
        .filter(|f| f.ends_with(&TEXTS) && !f.is_vendored())
    {
        let Some(text) = file.text() else {
            problems.push(format!("{}: not UTF-8", file.path));
            continue;
        };
        let lines = text.lines().count();
        if file.path.ends_with(".rs") && lines > LONGEST {
            problems.push(format!(
                "{}: {lines} lines; split it (at most {LONGEST})",
                file.path
            ));
        }
        for (number, line) in (1..).zip(text.lines()) {
            for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
                problems.push(format!("{}:{number}: {word}", file.path));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_or_unfinished_file_is_caught() {
        let long = "\n".repeat(LONGEST + 1);
        let files = Files::sample(&[
            ("crates/a/src/lib.rs", &long),
            (
                "crates/a/src/b.rs",
                &format!("fn f() {{ {}() }}", UNFINISHED[2]),
            ),
            ("docs/c.md", &format!("a\n{}: write", UNFINISHED[0])),
            (
                "crates/a/src/d.rs",
                &format!("{}]\nfn t() {{}}", UNFINISHED[4]),
            ),
            ("crates/a/vendor/e.js", UNFINISHED[1]),
            (
                "crates/a/src/todo_list.rs",
                "struct Todos; // the to-do list",
            ),
        ]);
        let problems = check(&files);
        assert_eq!(problems.len(), 4, "{problems:?}");
    }
}
