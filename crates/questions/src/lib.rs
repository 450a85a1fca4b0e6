//! Questions (题库): what examinations ask. The model of a question and its answers, scoring by named rules, orders
//! of options by seeds; all of it pure.

mod answer;
pub mod formats;
mod letters;
mod model;
mod normal;
mod scoring;
mod shuffle;

pub use answer::Answer;
pub use letters::{Letters, MOST_OPTIONS, NoLetters, letter, place};
pub use model::{
    Fault, Key, Kind, MOST_CHARACTERS, MOST_OPTION, MOST_PARTS, MOST_STEM, Media, Question,
    blank_marks, picture_numbers,
};
pub use normal::normal;
pub use scoring::{MOST_POINTS, Rule, Scored, score, score_parts, shares};
pub use shuffle::{Shown, SplitMix, shuffled};

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
