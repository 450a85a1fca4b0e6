//! Commons: engines that several features need. Sheets read and written, official documents,
//! business packs, forms, stored files, steps from deadlines, identity numbers, pinyin of names,
//! appointment forms, where findings are taken. No HTTP and no SQL in here.

pub mod contents;
pub mod deadlines;
pub mod docx;
pub mod files;
pub mod findings;
pub mod forms;
pub mod identifiers;
pub mod lrmx;
pub mod packs;
pub mod pinyin;
pub mod rates;
pub mod sheets;

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/commons.ftl")),
    ("en", include_str!("../locales/en/commons.ftl")),
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
    fn every_message_is_in_every_language_and_no_text_is_left_over() {
        let mut used = BTreeSet::new();
        keys_used(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut used,
        );
        assert!(used.len() > 10, "the scan finds the keys");
        for (language, text) in super::MESSAGES {
            let written: BTreeSet<String> = text
                .lines()
                .filter(|l| l.starts_with(|c: char| c.is_ascii_lowercase()))
                .filter_map(|l| l.split_once(" = ").map(|(key, _)| key.to_owned()))
                .collect();
            assert_eq!(written, used, "{language}");
        }
    }
}
