//! Kinds of letters (责任书、承诺书的类型) from packs.

use std::collections::HashSet;

use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// What a signer fills in (填写项).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Code, as the text names it in braces.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Whether it must be filled in.
    #[serde(default)]
    pub required: bool,
}

/// A kind of letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LetterKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The text; `{name}`, `{unit}`, `{superior}` and codes of fields in braces are filled in.
    pub text: Name,
    /// Whether it is between a superior and a subordinate, who both sign (责任书).
    #[serde(default)]
    pub pairs: bool,
    /// Years for which signed ones are kept (保存年限).
    pub keep_years: i16,
    /// What signers fill in.
    #[serde(default, rename = "field")]
    pub fields: Vec<Field>,
}

impl LetterKind {
    /// The text with what is filled in; a field that is empty is a blank line.
    pub fn filled(&self, text: &str, values: impl Fn(&str) -> Option<String>) -> String {
        let mut parts = text.split('{');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let Some((name, rest)) = part.split_once('}') else {
                out.push('{');
                out += part;
                continue;
            };
            let value = values(name).filter(|v| !v.trim().is_empty());
            out += value.as_deref().unwrap_or("________");
            out += rest;
        }
        out
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    letter_kind: Vec<Spanned<LetterKind>>,
}

/// All kinds, in the order of the packs.
#[derive(Debug, Clone, Default)]
pub struct LetterKinds(Vec<LetterKind>);

impl LetterKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut found, mut problems): (Vec<LetterKind>, Vec<PackProblem>) = Default::default();
        for (pack, tables) in packs.read::<Tables>()? {
            for row in &tables.letter_kind {
                let kind = row.get_ref();
                let mut tell = |key, code: &str| {
                    let message = Msg::new(key).with("code", code);
                    problems.push(pack.problem_at(row.span(), message));
                };
                if !is_kebab(&kind.code) || found.iter().any(|k| k.code == kind.code) {
                    tell("commitments-pack-code", &kind.code);
                }
                let mut seen = HashSet::new();
                for f in &kind.fields {
                    if !is_kebab(&f.code) || !seen.insert(&f.code) {
                        tell("commitments-pack-code", &f.code);
                    }
                }
                let known = |name: &str| {
                    ["name", "unit"].contains(&name)
                        || (name == "superior" && kind.pairs)
                        || kind.fields.iter().any(|f| f.code == name)
                };
                for text in [&kind.text.zh, &kind.text.en] {
                    let names = text.split('{').skip(1).filter_map(|p| p.split_once('}'));
                    if let Some((name, _)) = names.into_iter().find(|(name, _)| !known(name)) {
                        tell("commitments-pack-field", name);
                    }
                }
                if kind.text.zh.trim().is_empty() || !(1..=100).contains(&kind.keep_years) {
                    tell("commitments-pack-text", &kind.code);
                }
                found.push(kind.clone());
            }
        }
        none_or(problems, Self(found))
    }

    /// The kind with a code.
    pub fn get(&self, code: &str) -> Option<&LetterKind> {
        self.0.iter().find(|k| k.code == code)
    }

    /// Every kind.
    pub fn iter(&self) -> std::slice::Iter<'_, LetterKind> {
        self.0.iter()
    }
}
