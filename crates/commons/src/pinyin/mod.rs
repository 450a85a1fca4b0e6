//! Pinyin (拼音) of names and texts, for searching by what people type: `lisiyuan` or `lsy` for 李思远.

use std::collections::HashMap;
use std::sync::LazyLock;

use pinyin::{ToPinyin, ToPinyinMulti};

/// How a name or a text is typed in Latin letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sounds {
    /// All syllables: `lisiyuan`. Latin letters and digits stand as they are, in small letters; a
    /// character without a known reading stands for itself.
    pub full: String,
    /// First letters of syllables and of Latin words: `lsy`.
    pub initials: String,
    /// What one types who reads one of the characters differently, full and initials.
    pub others: Vec<String>,
}

impl Sounds {
    /// All of them with blanks between, to be stored beside the name and searched by a part of it.
    pub fn key(&self) -> String {
        let mut words = vec![self.full.as_str(), &self.initials];
        words.extend(self.others.iter().map(String::as_str));
        words.retain(|word| !word.is_empty());
        words.dedup();
        words.join(" ")
    }
}

/// Longer texts have no more readings than their first characters do.
const POLYPHONES: usize = 12;

/// The sounds of a person's name: a surname is read as surnames are (单 `shan`, 尉迟 `yuchi`).
pub fn of_name(name: &str) -> Sounds {
    let name = name.trim();
    let surname = [2, 1].into_iter().find_map(|length| {
        let end = name
            .char_indices()
            .nth(length)
            .map_or(name.len(), |(i, _)| i);
        SURNAMES.get(&name[..end])
    });
    sounds(name, surname.map_or(&[], Vec::as_slice))
}

/// The sounds of any other text, such as a unit's name.
pub fn of_text(text: &str) -> Sounds {
    sounds(text, &[])
}

/// Surname → its syllables, one per character.
static SURNAMES: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    include_str!("surnames.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, sounds)| (name, sounds.split(' ').collect()))
        .collect()
});

/// One character as it is typed.
struct Part {
    /// The usual reading first.
    readings: Vec<String>,
    /// Whether its first letter counts as an initial.
    leads: bool,
}

fn sounds(text: &str, surname: &[&str]) -> Sounds {
    let parts = parts(text, surname);
    let say = |changed: Option<(usize, &str)>, initials: bool| -> String {
        let mut out = String::new();
        for (n, part) in parts.iter().enumerate() {
            let reading = match changed {
                Some((place, other)) if place == n => other,
                _ => part.readings[0].as_str(),
            };
            if !initials {
                out.push_str(reading);
            } else if part.leads {
                out.extend(reading.chars().next());
            }
        }
        out
    };
    let (full, initials) = (say(None, false), say(None, true));
    let mut others = Vec::new();
    let polyphones = parts
        .iter()
        .enumerate()
        .filter(|(_, p)| p.readings.len() > 1);
    for (n, part) in polyphones.take(POLYPHONES) {
        for reading in &part.readings[1..] {
            for other in [
                say(Some((n, reading)), false),
                say(Some((n, reading)), true),
            ] {
                if other != full && other != initials && !others.contains(&other) {
                    others.push(other);
                }
            }
        }
    }
    Sounds {
        full,
        initials,
        others,
    }
}

fn parts(text: &str, surname: &[&str]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut in_word = false;
    for (n, c) in text.chars().enumerate() {
        let c = half_width(c);
        let mut readings: Vec<String> = surname.get(n).map(|s| typed(s)).into_iter().collect();
        readings.extend(c.to_pinyin().map(|sound| typed(sound.plain())));
        let multi = c.to_pinyin_multi().into_iter().flatten();
        readings.extend(multi.map(|sound| typed(sound.plain())));
        let mut known = Vec::new();
        readings.retain(|r| {
            let new = !known.contains(r);
            known.push(r.clone());
            new
        });
        let latin = readings.is_empty() && c.is_alphanumeric() && c.is_ascii();
        if readings.is_empty() && c.is_alphanumeric() {
            readings.push(c.to_lowercase().collect());
        }
        if !readings.is_empty() {
            let leads = !(latin && in_word);
            parts.push(Part { readings, leads });
        }
        in_word = latin;
    }
    parts
}

fn half_width(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// Keyboards have no ü: 吕 is typed `lv`.
fn typed(sound: &str) -> String {
    sound.replace('ü', "v").replace('ê', "e")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_as_people_type_them() {
        for (name, full, initials) in [
            ("李思远", "lisiyuan", "lsy"),
            ("单小明", "shanxiaoming", "sxm"),
            ("尉迟恭", "yuchigong", "ycg"),
            ("万俟雪", "moqixue", "mqx"),
            ("长孙明", "zhangsunming", "zsm"),
            ("仇晓", "qiuxiao", "qx"),
            ("解明", "xieming", "xm"),
            ("区小英", "ouxiaoying", "oxy"),
            ("朴明", "piaoming", "pm"),
            ("吕明", "lvming", "lm"),
            ("买买提·艾力", "maimaitiaili", "mmtal"),
            ("Anna Li", "annali", "al"),
            ("ＡＢ李2", "abli2", "al2"),
            ("", "", ""),
        ] {
            let sounds = of_name(name);
            assert_eq!(
                (sounds.full.as_str(), sounds.initials.as_str()),
                (full, initials),
                "{name}"
            );
        }
        assert_eq!(of_text("单位").initials, "dw");
        assert_eq!(of_text("澜州市司法局 Office 2").initials, "lzssfjo2");
    }

    #[test]
    fn another_reading_finds_the_name_too() {
        let key = of_name("单小明").key();
        assert!(key.starts_with("shanxiaoming sxm "), "{key}");
        assert!(key.split(' ').any(|word| word == "danxiaoming"), "{key}");
        assert!(of_name("王乐").key().split(' ').any(|word| word == "wy"));
        assert!(of_name("王乐").key().split(' ').any(|word| word == "wl"));
    }

    #[test]
    fn every_surname_has_a_syllable_per_character() {
        assert!(SURNAMES.len() > 90, "{}", SURNAMES.len());
        for (name, sounds) in SURNAMES.iter() {
            assert_eq!(name.chars().count(), sounds.len(), "{name}");
        }
    }

    #[test]
    fn a_rare_character_is_found_by_itself() {
        let rare = '\u{2CE93}';
        let sounds = of_name(&format!("王{rare}"));
        assert!(
            sounds.full.starts_with("wang") && sounds.full.len() > 4,
            "{sounds:?}"
        );
        assert_eq!(sounds.initials.chars().count(), 2);
    }

    proptest! {
        #[test]
        fn a_key_is_small_letters_without_marks(name in "[\\u{4e00}-\\u{9fa5}·A-Za-z ０-９]{0,30}") {
            let sounds = of_name(&name);
            prop_assert!(!sounds.full.chars().any(char::is_uppercase));
            prop_assert!(!sounds.full.contains(['·', ' ', 'ü']), "{}", sounds.full);
            prop_assert!(sounds.initials.chars().count() <= name.chars().count());
            prop_assert!(sounds.key().len() < 8000);
        }
    }
}
