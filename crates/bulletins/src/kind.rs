//! Kinds of bulletins (简报种类), brought by packs.

use commons::packs::levels::Levels;
use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

/// How issues are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counter {
    /// From 1 each year (第 3 期).
    #[default]
    Year,
    /// Without end (总第 203 期).
    Running,
}

/// Who may review what a unit wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reviewers {
    /// Whoever may review in the unit.
    #[default]
    Unit,
    /// Whoever may review in the unit above it.
    Above,
}

/// A section (栏目).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
}

/// A kind of bulletins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BulletinKind {
    /// Code, the category of its facts.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The red line at the head; `{unit}` is the name of the unit.
    pub head: Name,
    /// How issues are counted, for each unit by itself.
    #[serde(default)]
    pub counter: Counter,
    /// Sections; with some a bulletin is of one of them.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Who reviews.
    #[serde(default)]
    pub review: Reviewers,
    /// Whether a published one may be opened to the whole house.
    #[serde(default)]
    pub house: bool,
    /// Code of the level of secrecy that is usual for it.
    #[serde(default)]
    pub level: Option<String>,
    /// Categories of units that write it; empty: all.
    #[serde(default)]
    pub categories: Vec<String>,
}

impl BulletinKind {
    /// Whether units of a category write it.
    pub fn is_for(&self, category: &str) -> bool {
        self.categories.is_empty() || self.categories.iter().any(|c| c == category)
    }

    /// The head of a unit's bulletin.
    pub fn head_of(&self, unit: &str, lang: &str) -> String {
        self.head.get(lang).replace("{unit}", unit)
    }

    /// The name of a section.
    pub fn section<'n>(&'n self, code: &'n str, lang: &str) -> &'n str {
        let section = self.sections.iter().find(|s| s.code == code);
        section.map_or(code, |s| s.name.get(lang))
    }

    fn faults(&self, levels: &Levels) -> Vec<Msg> {
        let mut faults = Vec::new();
        let mut fault = |key: &'static str, what: &str| {
            faults.push(Msg::new(key).with("code", &self.code).with("what", what));
        };
        if !is_kebab(&self.code) {
            fault("bulletin-kind-code", &self.code);
        }
        for (at, section) in self.sections.iter().enumerate() {
            let twice = self.sections[..at].iter().any(|s| s.code == section.code);
            if twice || !is_kebab(&section.code) {
                fault("bulletin-kind-section", &section.code);
            }
        }
        for head in [&self.head.zh, &self.head.en] {
            if head.trim().is_empty() || head.replace("{unit}", "").contains(['{', '}']) {
                fault("bulletin-kind-head", head);
            }
        }
        if let Some(level) = self.level.as_ref().filter(|l| levels.get(l).is_none()) {
            fault("bulletin-kind-level", level);
        }
        faults
    }
}

#[derive(Deserialize)]
struct Tables {
    #[serde(default)]
    bulletin: Vec<Spanned<BulletinKind>>,
}

/// All kinds of all packs.
#[derive(Debug, Clone, Default)]
pub struct BulletinKinds(Vec<BulletinKind>);

impl BulletinKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut list, mut problems): (Vec<BulletinKind>, _) = (Vec::new(), Vec::new());
        // Mistakes in the levels are named by whoever reads them.
        let levels = Levels::read(packs).unwrap_or_default();
        for (pack, tables) in packs.read::<Tables>()? {
            for spanned in tables.bulletin {
                let (span, kind) = (spanned.span(), spanned.into_inner());
                let mut faults = kind.faults(&levels);
                if list.iter().any(|k| k.code == kind.code) {
                    faults.push(Msg::new("bulletin-kind-twice").with("code", &kind.code));
                }
                let at = |fault| pack.problem_at(span.clone(), fault);
                problems.extend(faults.into_iter().map(at));
                list.push(kind);
            }
        }
        none_or(problems, Self(list))
    }

    /// A kind by its code.
    pub fn get(&self, code: &str) -> Option<&BulletinKind> {
        self.0.iter().find(|k| k.code == code)
    }

    /// All of them, in the order of the packs.
    pub fn iter(&self) -> std::slice::Iter<'_, BulletinKind> {
        self.0.iter()
    }

    /// Codes of those that the unit above reviews.
    pub(crate) fn above(&self) -> Vec<&str> {
        let above = self.0.iter().filter(|k| k.review == Reviewers::Above);
        above.map(|k| k.code.as_str()).collect()
    }

    /// The name of a kind; its code where no pack knows it any more.
    pub fn name<'n>(&'n self, code: &'n str, lang: &str) -> &'n str {
        self.get(code).map_or(code, |k| k.name.get(lang))
    }
}
