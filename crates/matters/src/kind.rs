//! Kinds of matters (请示报告事项) from packs: what is filled in, who decides, who receives, by when.

use std::collections::HashSet;

use commons::deadlines::Step;
use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// What a field holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// A line.
    #[default]
    Text,
    /// Some lines.
    Long,
    /// One of some values.
    Choice,
    /// A day.
    Day,
    /// A whole number.
    Number,
    /// A person, by staff number.
    Person,
}

/// One of the values of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
}

/// What is filled in (填写项).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What it holds.
    #[serde(default)]
    pub kind: FieldKind,
    /// Whether it must be filled in.
    #[serde(default)]
    pub required: bool,
    /// The values of a choice.
    #[serde(default)]
    pub values: Vec<Choice>,
}

/// What a kind rests on (依据).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The document.
    pub document: Name,
    /// Article of it.
    #[serde(default)]
    pub article: Option<Name>,
}

/// By when it is to be sent, counted from a day that is filled in (时限): `-3wd` ahead of it, `+30d` after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ahead {
    /// The field with the day.
    pub field: String,
    /// So many days from it.
    pub by: String,
}

/// What is owed afterwards (事后报告、销假), counted from a day that is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Afterwards {
    /// What it is called.
    pub name: Name,
    /// The field with the day.
    pub field: String,
    /// So many days from it.
    pub by: String,
}

/// A kind of matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MatterKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What to mind when writing it.
    #[serde(default)]
    pub note: Option<Name>,
    /// Whether it asks and waits for an answer (请示); else it tells (报告).
    #[serde(default)]
    pub asks: bool,
    /// Whether it is about a person, who writes it (个人事项); else about a unit.
    #[serde(default)]
    pub personal: bool,
    /// Whether only parties, route and those entitled see it (保密).
    #[serde(default)]
    pub sealed: bool,
    /// How they are numbered when they are sent: `请示〔{year}〕{n}号`.
    pub number: String,
    /// Whether it passes a route of approval, that of the kind `matter-CODE`.
    #[serde(default)]
    pub route: bool,
    /// Whether a unit receives it (签收), and answers it when it asks.
    #[serde(default)]
    pub received: bool,
    /// The level of secrecy that it has when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// By when it is to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<Ahead>,
    /// So many days after it came it is to be received and answered: `+5wd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// What is owed afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Afterwards>,
    /// When those who owe an answer or a report afterwards are reminded.
    #[serde(default)]
    pub remind: Vec<String>,
    /// When whoever is in charge of them is told.
    #[serde(default)]
    pub escalate: Vec<String>,
    /// Fields.
    #[serde(default, rename = "field")]
    pub fields: Vec<Field>,
}

impl MatterKind {
    /// A field by code.
    pub fn field(&self, code: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.code == code)
    }

    /// The number of the n-th of a year.
    pub fn number_of(&self, year: i16, n: i64) -> String {
        let number = self.number.replace("{year}", &year.to_string());
        number.replace("{n}", &n.to_string())
    }

    /// Whether there must be a text: a personal matter may say all in its fields.
    pub fn needs_text(&self) -> bool {
        !self.personal || !self.fields.iter().any(|f| f.required)
    }

    /// The kind of approval by which it is decided.
    pub fn route_code(&self) -> String {
        format!("matter-{}", self.code)
    }

    /// The day fields by which it begins and ends, for the calendar and for sorting.
    pub(crate) fn days(&self) -> [Option<&str>; 2] {
        let starts = self.send.as_ref().map(|s| s.field.as_str());
        let ends = self.after.as_ref().map(|a| a.field.as_str());
        [starts, ends]
    }
}

/// Steps as packs write them; those that cannot be read were refused with the pack.
pub(crate) fn steps(texts: &[String]) -> Vec<Step> {
    texts.iter().filter_map(|t| Step::parse(t)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    matter_kind: Vec<Spanned<MatterKind>>,
}

/// All kinds, in the order of the packs.
#[derive(Debug, Clone, Default)]
pub struct MatterKinds(Vec<MatterKind>);

/// What is wrong with a kind: message and the code that it is about.
fn mistakes(k: &MatterKind) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut tell = |key, code: &str| found.push((key, code.to_owned()));
    let mut seen = HashSet::new();
    for f in &k.fields {
        if !is_kebab(&f.code) || !seen.insert(&f.code) {
            tell("matters-pack-code", &f.code);
        }
        let mut values = HashSet::new();
        let twice = f
            .values
            .iter()
            .any(|v| !is_kebab(&v.code) || !values.insert(&v.code));
        if (f.kind == FieldKind::Choice) == f.values.is_empty() || twice {
            tell("matters-pack-field", &f.code);
        }
    }
    if !k.number.contains("{n}") || !k.number.contains("{year}") {
        tell("matters-pack-number", &k.number);
    }
    // Somebody must hear of it, and whoever is asked must be there.
    if !k.route && !k.received {
        tell("matters-pack-nobody", &k.code);
    }
    if k.reply.is_some() && !k.received {
        tell("matters-pack-reply", &k.code);
    }
    let a_day = |code: &str| {
        k.field(code)
            .is_some_and(|f| f.kind == FieldKind::Day && f.required)
    };
    let days = k.send.iter().map(|s| (&s.field, &s.by));
    for (field, by) in days.chain(k.after.iter().map(|a| (&a.field, &a.by))) {
        if !a_day(field) {
            tell("matters-pack-day", field);
        }
        if Step::parse(by).is_none() {
            tell("matters-pack-step", by);
        }
    }
    let reply = k.reply.iter().chain(&k.remind).chain(&k.escalate);
    for step in reply.filter(|s| Step::parse(s).is_none()) {
        tell("matters-pack-step", step);
    }
    found
}

impl MatterKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut kinds, mut problems): (Self, Vec<PackProblem>) = Default::default();
        for (pack, tables) in packs.read::<Tables>()? {
            for row in &tables.matter_kind {
                let kind = row.get_ref();
                let mut tell = |key, code: &str| {
                    let message = Msg::new(key).with("code", code);
                    problems.push(pack.problem_at(row.span(), message));
                };
                if !is_kebab(&kind.code) || kinds.get(&kind.code).is_some() {
                    tell("matters-pack-code", &kind.code);
                }
                for (key, code) in mistakes(kind) {
                    tell(key, &code);
                }
                kinds.0.push(kind.clone());
            }
        }
        none_or(problems, kinds)
    }

    /// The kind with a code.
    pub fn get(&self, code: &str) -> Option<&MatterKind> {
        self.0.iter().find(|k| k.code == code)
    }

    /// Every kind.
    pub fn iter(&self) -> std::slice::Iter<'_, MatterKind> {
        self.0.iter()
    }
}
