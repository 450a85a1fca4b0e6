//! Business packs (业务包): versioned data that brings vocabulary, rules and indicators. A pack is a
//! TOML file with a `[pack]` header; every reader takes only its own tables from it.

pub mod holidays;
mod kept;
pub mod levels;
pub mod secrecy;

pub use kept::{Kept, hash_of};

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use kernel::Msg;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

/// A name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Name {
    /// The name in a language, by its tag (`en…` is English, all else Chinese).
    pub fn get(&self, language: &str) -> &str {
        if language.starts_with("en") {
            &self.en
        } else {
            &self.zh
        }
    }
}

/// One pack: its header and its text.
#[derive(Debug, PartialEq, Eq)]
pub struct Pack {
    /// Code: small letters, digits and hyphens.
    pub code: String,
    /// Name shown to people.
    pub name: Name,
    /// Version, set by its author.
    pub version: String,
    /// Name of the file it came from.
    pub source_file: String,
    /// The whole text, as an administrator may read and export it.
    pub text: String,
}

/// A pack that many may hold.
pub type PackRef = Arc<Pack>;

/// What is wrong in a pack, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackProblem {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: Msg,
}

impl std::fmt::Display for PackProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.reason.key
        )?;
        for (name, value) in &self.reason.args {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

impl Pack {
    /// A problem at a place that [`toml::Spanned`] gave.
    pub fn problem_at(&self, span: Range<usize>, reason: Msg) -> PackProblem {
        problem(&self.source_file, &self.text, span.start, reason)
    }

    fn problem_of(&self, error: &toml::de::Error) -> PackProblem {
        toml_problem(&self.source_file, &self.text, error)
    }
}

fn problem(file: &str, text: &str, at: usize, reason: Msg) -> PackProblem {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    PackProblem {
        file: file.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        reason,
    }
}

fn toml_problem(file: &str, text: &str, error: &toml::de::Error) -> PackProblem {
    let at = error.span().map_or(0, |span| span.start);
    problem(
        file,
        text,
        at,
        Msg::new("pack-not-understood").with("detail", error.message().trim()),
    )
}

#[derive(Deserialize)]
struct File {
    pack: Header,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    code: Spanned<String>,
    name: Spanned<Name>,
    version: Spanned<String>,
}

/// All packs of the running program, by code.
#[derive(Debug, Clone, Default)]
pub struct Packs {
    packs: Vec<PackRef>,
}

impl Packs {
    /// Takes the texts of pack files; names every problem in every file.
    pub fn load(texts: Vec<(String, String)>) -> Result<Self, Vec<PackProblem>> {
        let mut packs: BTreeMap<String, PackRef> = BTreeMap::new();
        let mut problems = Vec::new();
        for (file, text) in texts {
            let header = match toml::from_str::<File>(&text) {
                Ok(found) => found.pack,
                Err(error) => {
                    problems.push(toml_problem(&file, &text, &error));
                    continue;
                }
            };
            let mut wrong = |span: Range<usize>, reason: Msg| {
                problems.push(problem(&file, &text, span.start, reason));
            };
            let code = header.code.get_ref();
            if !is_kebab(code) {
                wrong(header.code.span(), Msg::new("pack-code").with("code", code));
            }
            let name = header.name.get_ref();
            if name.zh.trim().is_empty() || name.en.trim().is_empty() {
                wrong(header.name.span(), Msg::new("pack-name-empty"));
            }
            let version = header.version.get_ref();
            if version.is_empty()
                || !version
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
            {
                wrong(header.version.span(), Msg::new("pack-version"));
            }
            if let Some(other) = packs.get(code) {
                let reason = Msg::new("pack-code-twice")
                    .with("code", code)
                    .with("other", &other.source_file);
                wrong(header.code.span(), reason);
                continue;
            }
            let pack = Pack {
                code: header.code.into_inner(),
                name: header.name.into_inner(),
                version: header.version.into_inner(),
                source_file: file,
                text,
            };
            packs.insert(pack.code.clone(), Arc::new(pack));
        }
        if problems.is_empty() {
            let packs = packs.into_values().collect();
            Ok(Self { packs })
        } else {
            Err(problems)
        }
    }

    /// The packs, by code.
    pub fn iter(&self) -> impl Iterator<Item = &PackRef> {
        self.packs.iter()
    }

    /// What one reader takes from each pack. `T` names the reader's own top-level tables, each with
    /// `#[serde(default)]`; tables of other readers are passed over. Below the top level, readers
    /// deny unknown fields, so that a slip of the pen is named.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Vec<(PackRef, T)>, Vec<PackProblem>> {
        let mut found = Vec::new();
        let mut problems = Vec::new();
        for pack in &self.packs {
            match toml::from_str(&pack.text) {
                Ok(value) => found.push((pack.clone(), value)),
                Err(error) => problems.push(pack.problem_of(&error)),
            }
        }
        none_or(problems, found)
    }

    /// Names every top-level table that no reader takes: most likely misspelt. `known` holds the
    /// tables of all readers; `pack` itself need not be listed.
    pub fn check_tables(&self, known: &[&str]) -> Result<(), Vec<PackProblem>> {
        let mut problems = Vec::new();
        for (pack, tables) in self.read::<BTreeMap<Spanned<String>, toml::Value>>()? {
            for name in tables.keys() {
                let table = name.get_ref().as_str();
                if table != "pack" && !known.contains(&table) {
                    let reason = Msg::new("pack-table-unknown").with("table", table);
                    problems.push(pack.problem_at(name.span(), reason));
                }
            }
        }
        none_or(problems, ())
    }
}

/// The value when there are no problems.
pub fn none_or<T>(problems: Vec<PackProblem>, value: T) -> Result<T, Vec<PackProblem>> {
    if problems.is_empty() {
        Ok(value)
    } else {
        Err(problems)
    }
}

/// Whether a code is made of small letters, digits and single hyphens, a letter first.
pub fn is_kebab(code: &str) -> bool {
    code.len() <= 64
        && code.starts_with(|c: char| c.is_ascii_lowercase())
        && code.split('-').all(|part| {
            let mut bytes = part.bytes();
            !part.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "[pack]\ncode = \"study\"\nname = { zh = \"学法\", en = \"Study\" }\nversion = \"2026.1\"\n";

    fn load(texts: &[&str]) -> Result<Packs, Vec<PackProblem>> {
        let named = texts.iter().enumerate();
        Packs::load(
            named
                .map(|(n, t)| (format!("{n}.toml"), (*t).to_owned()))
                .collect(),
        )
    }

    fn only(result: Result<impl std::fmt::Debug, Vec<PackProblem>>) -> String {
        let problems = result.unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let p = &problems[0];
        format!("{}:{}:{} {}", p.file, p.line, p.column, p.reason.key)
    }

    #[test]
    fn wrong_headers_are_named_with_their_place() {
        let change = |from: &str, to: &str| only(load(&[&HEADER.replace(from, to)]));
        assert_eq!(change("\"study\"", "\"Study One\""), "0.toml:2:8 pack-code");
        assert_eq!(change("\"学法\"", "\" \""), "0.toml:3:8 pack-name-empty");
        assert_eq!(change("2026.1", ""), "0.toml:4:11 pack-version");
        assert_eq!(
            change("version", "verzion"),
            "0.toml:4:1 pack-not-understood"
        );
        assert_eq!(
            change("zh = \"学法\", ", ""),
            "0.toml:3:8 pack-not-understood"
        );
        assert_eq!(change("[pack]", "[pack"), "0.toml:1:6 pack-not-understood");
        assert_eq!(only(load(&[HEADER, HEADER])), "1.toml:2:8 pack-code-twice");
    }

    #[derive(Debug, Deserialize)]
    struct Rules {
        #[serde(default)]
        rule: Vec<Rule>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        hours: Spanned<u32>,
    }

    #[test]
    fn a_reader_takes_its_own_tables_and_names_slips_in_them() {
        let more = "[[other]]\nx = 1\n[[rule]]\nhours = 40\n";
        let packs = load(&[&format!("{HEADER}{more}")]).unwrap();
        let (pack, rules) = packs.read::<Rules>().unwrap().remove(0);
        let hours = &rules.rule[0].hours;
        assert_eq!((pack.code.as_str(), *hours.get_ref()), ("study", 40));
        let at = pack.problem_at(hours.span(), Msg::new("pack-code"));
        assert_eq!((at.line, at.column), (8, 9));
        assert_eq!(
            only(packs.check_tables(&["rule"])),
            "0.toml:5:3 pack-table-unknown"
        );
        packs.check_tables(&["rule", "other"]).unwrap();
        let packs =
            load(&[&format!("{HEADER}[[rule]]\n学时 = 1\n").replace("学时", "\"学时\"")]).unwrap();
        assert_eq!(
            only(packs.read::<Rules>()),
            "0.toml:6:1 pack-not-understood"
        );
    }
}
