//! Words that call for a secrecy check (保密提醒用词), from packs: one `[[secrecy-word]]` each.

use kernel::Msg;
use kernel::words::fold;
use serde::Deserialize;
use toml::Spanned;

use super::{PackProblem, Packs, none_or};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    secrecy_word: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    word: String,
    #[serde(default)]
    except: Vec<String>,
}

/// Words at which a program for open networks stops and asks.
#[derive(Debug, Clone, Default)]
pub struct SecrecyWords(Vec<Word>);

#[derive(Debug, Clone)]
struct Word {
    /// As the pack has it.
    shown: String,
    /// Folded, without blanks.
    word: String,
    except: Vec<String>,
}

/// As texts are compared: blanks between characters hide nothing (`绝 密`).
fn bare(text: &str) -> String {
    fold(text).chars().filter(|c| !c.is_whitespace()).collect()
}

impl SecrecyWords {
    /// Reads the words of all packs.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut words, mut problems) = (Vec::new(), Vec::new());
        for (pack, tables) in packs.read::<Tables>()? {
            for entry in tables.secrecy_word {
                let (span, entry) = (entry.span(), entry.into_inner());
                let word = bare(&entry.word);
                let except: Vec<String> = entry.except.iter().map(|e| bare(e)).collect();
                // One character would stop every text; an exception without the word excepts nothing.
                if word.chars().count() < 2 || except.iter().any(|e| !e.contains(&word)) {
                    let wrong = Msg::new("pack-secrecy-word").with("word", &entry.word);
                    problems.push(pack.problem_at(span, wrong));
                    continue;
                }
                words.push(Word {
                    shown: entry.word,
                    word,
                    except,
                });
            }
        }
        none_or(problems, Self(words))
    }

    /// The words that stand in a text, as the pack has them, each once.
    pub fn find(&self, text: &str) -> Vec<String> {
        if text.is_ascii() {
            return Vec::new();
        }
        let text = bare(text);
        let stands = |w: &&Word| {
            if !text.contains(&w.word) {
                return false;
            }
            let mut rest = text.clone();
            for except in &w.except {
                rest = rest.replace(except, "\n");
            }
            rest.contains(&w.word)
        };
        self.0
            .iter()
            .filter(stands)
            .map(|w| w.shown.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<SecrecyWords, Vec<PackProblem>> {
        let head = "[pack]\ncode = \"s\"\nversion = \"1\"\nname = { zh = \"s\", en = \"s\" }\n";
        let packs = Packs::load(vec![("s.toml".into(), format!("{head}{text}"))]);
        SecrecyWords::read(&packs.expect("packs"))
    }

    #[test]
    fn words_are_found_however_they_are_spaced_but_not_in_usual_phrases() {
        let own = include_str!("../../../../packs/secrecy-cn.toml");
        let packs = Packs::load(vec![("secrecy-cn.toml".into(), own.into())]).expect("packs");
        let words = SecrecyWords::read(&packs).expect("words");
        assert_eq!(
            words.find("关于绝 密件和机　密★１０年的通知"),
            ["绝密", "机密", "★10年"]
        );
        assert_eq!(words.find("机密★10年"), ["机密", "★10年"]);
        assert_eq!(words.find("保守商业机密专题学习"), [""; 0]);
        assert_eq!(words.find("商业机密与国家机密"), ["机密"]);
        assert_eq!(words.find("保密纪律与网络安全、秘书工作"), [""; 0]);
        assert_eq!(words.find("plain"), [""; 0]);
    }

    #[test]
    fn a_word_that_would_stop_everything_is_a_mistake() {
        for wrong in [
            "word = \"密\"",
            "word = \" \"",
            "word = \"机密\"\nexcept = [\"商业\"]",
        ] {
            let problems = words(&format!("[[secrecy-word]]\n{wrong}\n")).expect_err("a mistake");
            assert_eq!(problems.len(), 1, "{wrong}");
        }
    }
}
