//! The project speaks of itself alone: no paths of anyone's workplace, no package hosts.

use crate::{Files, Problems};

/// Each cut in two, so that this file is clean.
const FORBIDDEN: [(&str, &str); 12] = [
    ("/wo", "rk/"),
    ("shared/", "design"),
    ("shared/", "domain"),
    ("shared/", "data"),
    ("shared/", "sources"),
    ("npm", "js.org"),
    ("crates.io", "/api"),
    ("py", "pi.org"),
    ("arti", "factory"),
    ("proxy.go", "lang"),
    ("clau", "de"),
    ("anth", "ropic"),
];

/// No such word in any file or path of ours.
pub fn check(files: &Files) -> Problems {
    let words: Vec<String> = FORBIDDEN.iter().map(|(a, b)| format!("{a}{b}")).collect();
    let mut problems = Problems::new();
    for file in files
        .iter()
        .filter(|f| !f.is_vendored() && f.path != "Cargo.lock")
    {
        let Some(text) = file.text() else { continue };
        let lines = std::iter::once(file.path.as_str()).chain(text.lines());
        for (number, line) in lines.enumerate() {
            let line = line.to_ascii_lowercase();
            for word in words.iter().filter(|word| line.contains(*word)) {
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
    fn every_forbidden_word_is_caught() {
        for (a, b) in FORBIDDEN {
            let text = format!("first\nsee {a}{b} x");
            assert_eq!(
                check(&Files::sample(&[("docs/a.md", &text)])).len(),
                1,
                "{a}{b}"
            );
        }
        let fine = Files::sample(&[("docs/a.md", "the framework/library; shared pool")]);
        assert!(check(&fine).is_empty());
    }
}
