//! Questions (题库): what examinations ask. The model of a question and its answers, scoring by named rules, orders
//! of options by seeds, formats in and out, what is alike (all of it pure), and the bank with its tables and pages.

mod answer;
mod api;
mod bank;
mod bank_page;
mod form_page;
pub mod formats;
mod import_page;
mod importing;
mod letters;
mod model;
mod normal;
mod pages;
mod samples;
mod scoring;
mod searching;
mod shuffle;
mod similar;
mod store;
mod writing;

pub use answer::Answer;
pub use bank::{Act, Available, Bank, Filter, Head, Opened, Point, Questions, State, Version};
pub use importing::{Counts, Fate, Plan, Planned, Taking, Twin};
pub use letters::{Letters, MOST_OPTIONS, NoLetters, letter, place};
pub use model::{
    Fault, Key, Kind, MOST_CHARACTERS, MOST_OPTION, MOST_PARTS, MOST_STEM, Media, Question,
    blank_marks, blank_ranges, picture_numbers,
};
pub use normal::normal;
pub use pages::module;
pub use scoring::{MOST_POINTS, Rule, Scored, score, score_parts, shares};
pub use shuffle::{Shown, SplitMix, shuffled};
pub use similar::{Likeness, Prints};
pub use store::MIGRATIONS;
pub use writing::{Draft, MOST_DECIDED, Verdict};

/// Permission to see questions of a bank.
pub const READ: &str = "question.read";
/// Permission to write, import and propose questions, and to keep banks.
pub const WRITE: &str = "question.write";
/// Permission to accept, return and retire what others wrote.
pub const REVIEW: &str = "question.review";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/questions.ftl")),
    ("en", include_str!("../locales/en/questions.ftl")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    fn keys_used(folder: &Path, keys: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                keys_used(&path, keys);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let squeezed: String = source.split_whitespace().collect();
            for part in squeezed.split(concat!("Msg::", "new(\"")).skip(1) {
                keys.insert(part.split('"').next().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_message_is_in_every_language() {
        let mut used = BTreeSet::new();
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        keys_used(&src, &mut used);
        assert!(used.len() > 10, "the scan finds the keys");
        for (language, text) in super::MESSAGES {
            for key in &used {
                let written = text.lines().any(|line| {
                    line.strip_prefix(key.as_str())
                        .is_some_and(|rest| rest.starts_with(" = "))
                });
                assert!(written, "{key} has no text in {language}");
            }
        }
    }
}
