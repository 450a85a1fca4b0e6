//! Kinds of projects (项目类型) and of visits (联系走访) from packs: stages and what they need, roles, fields, timers.

use std::collections::{BTreeMap, HashSet};

use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use ledger::Predicate;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// What must be there before a stage is left (过关条件).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Members, whoever leads included (成员).
    Members,
    /// Milestones (里程碑).
    Milestones,
    /// No milestone is open (里程碑全部办结): any number but 0.
    Settled,
    /// Notes of progress (进展).
    Notes,
    /// Results (成果).
    Results,
    /// Files that show results (成果佐证).
    Evidence,
    /// Field visits (实地走访).
    Visits,
    /// Hearings (座谈会).
    Hearings,
    /// A report that was accepted (审定的报告): any number but 0.
    Report,
}

impl Need {
    /// Every need.
    pub const ALL: [Self; 9] = [
        Self::Members,
        Self::Milestones,
        Self::Settled,
        Self::Notes,
        Self::Results,
        Self::Evidence,
        Self::Visits,
        Self::Hearings,
        Self::Report,
    ];

    /// Its word in messages.
    pub fn code(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Milestones => "milestones",
            Self::Settled => "settled",
            Self::Notes => "notes",
            Self::Results => "results",
            Self::Evidence => "evidence",
            Self::Visits => "visits",
            Self::Hearings => "hearings",
            Self::Report => "report",
        }
    }
}

/// A stage that projects pass (阶段).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What must be there before it is left, and how many of it.
    #[serde(default)]
    pub needs: BTreeMap<Need, i64>,
}

/// A part that people have (角色).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
}

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

/// What else is asked of a project (填写项).
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

/// When who hears of a milestone: days before and after its day (提醒、督办).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Timers {
    /// Days before, for whose it is.
    pub before: i64,
    /// Days after, for who leads the project.
    pub lead_after: i64,
    /// Days after, for who is in charge of the unit.
    pub charge_after: i64,
}

/// Where what was found goes, and which fact shows that it is solved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Finds {
    /// Kind of case.
    pub case_kind: String,
    /// Origin of the case (问题来源).
    pub origin: String,
    /// The facts about the case that say it is solved.
    pub solved_by: Predicate,
}

/// A kind of project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProjectKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// How approved ones are numbered: `GG-{year}-{n}`.
    pub number: String,
    /// Whether it is research (调研): question, visits, hearings, a report in four parts.
    #[serde(default)]
    pub research: bool,
    /// The category of its facts where it counts among the entries of a register; else its own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_as: Option<String>,
    /// The choice whose value is the class of its facts (分类口径).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Days that it usually takes.
    pub days: i32,
    /// The role of who leads.
    pub lead: String,
    /// When who hears of milestones.
    pub timers: Timers,
    /// What becomes of its problems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finds: Option<Finds>,
    /// Stages, in their order.
    #[serde(rename = "stage")]
    pub stages: Vec<Stage>,
    /// Roles.
    #[serde(rename = "role")]
    pub roles: Vec<Role>,
    /// Fields.
    #[serde(default, rename = "field")]
    pub fields: Vec<Field>,
}

impl ProjectKind {
    /// A stage by code.
    pub fn stage(&self, code: &str) -> Option<&Stage> {
        self.stages.iter().find(|s| s.code == code)
    }

    /// The stage after one; none after the last.
    pub fn after(&self, code: &str) -> Option<&Stage> {
        let at = self.stages.iter().position(|s| s.code == code)?;
        self.stages.get(at + 1)
    }

    /// A role by code.
    pub fn role(&self, code: &str) -> Option<&Role> {
        self.roles.iter().find(|r| r.code == code)
    }

    /// The category of its facts.
    pub fn category(&self) -> &str {
        self.counts_as.as_deref().unwrap_or(&self.code)
    }

    /// The number of the n-th of a year.
    pub fn number_of(&self, year: i16, n: i64) -> String {
        let number = self.number.replace("{year}", &year.to_string());
        number.replace("{n}", &format!("{n:03}"))
    }
}

/// Visits to those with whom somebody is paired (结对走访): of pairings of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitKind {
    /// Code of the kind of pairing.
    pub pairing: String,
    /// Name.
    pub name: Name,
    /// What becomes of difficulties.
    pub finds: Finds,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    project_kind: Vec<Spanned<ProjectKind>>,
    #[serde(default)]
    visit_kind: Vec<Spanned<VisitKind>>,
}

/// All kinds, in the order of the packs.
#[derive(Debug, Clone, Default)]
pub struct ProjectKinds {
    projects: Vec<ProjectKind>,
    visits: Vec<VisitKind>,
}

fn twice<'c>(codes: impl IntoIterator<Item = &'c String>) -> Option<&'c str> {
    let mut seen = HashSet::new();
    let mut codes = codes.into_iter().map(String::as_str);
    codes.find(|c| !is_kebab(c) || !seen.insert(*c))
}

/// What is wrong with a kind: message and the code that it is about.
fn mistakes(k: &ProjectKind) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut tell = |key, code: &str| found.push((key, code.to_owned()));
    let codes = [
        twice(k.stages.iter().map(|s| &s.code)),
        twice(k.roles.iter().map(|r| &r.code)),
        twice(k.fields.iter().map(|f| &f.code)),
    ];
    codes
        .into_iter()
        .flatten()
        .for_each(|code| tell("projects-pack-code", code));
    if !k.number.contains("{n}") || !k.number.contains("{year}") {
        tell("projects-pack-number", &k.number);
    }
    if k.stages.is_empty() || !(1..=3_660).contains(&k.days) {
        tell("projects-pack-stages", &k.code);
    }
    if k.role(&k.lead).is_none() {
        tell("projects-pack-lead", &k.lead);
    }
    for stage in &k.stages {
        let field_work = [Need::Visits, Need::Hearings, Need::Report];
        let odd = |(need, n): (&Need, &i64)| *n < 1 || (!k.research && field_work.contains(need));
        if stage.needs.iter().any(odd) {
            tell("projects-pack-needs", &stage.code);
        }
    }
    for f in &k.fields {
        let codes = twice(f.values.iter().map(|v| &v.code));
        if (f.kind == FieldKind::Choice) == f.values.is_empty() || codes.is_some() {
            tell("projects-pack-field", &f.code);
        }
    }
    let is_choice = |code: &String| {
        let found = k.fields.iter().find(|f| f.code == *code);
        found.is_some_and(|f| f.kind == FieldKind::Choice)
    };
    if let Some(class) = k.class.as_ref().filter(|c| !is_choice(c)) {
        tell("projects-pack-field", class);
    }
    let t = k.timers;
    if t.before < 0 || t.lead_after < 0 || t.charge_after < t.lead_after {
        tell("projects-pack-timers", &k.code);
    }
    let finds = k.finds.as_ref();
    if k.research && finds.is_none() {
        tell("projects-pack-finds", &k.code);
    }
    if finds.is_some_and(|f| !sound(f)) {
        tell("projects-pack-finds", &k.code);
    }
    found
}

fn sound(f: &Finds) -> bool {
    is_kebab(&f.case_kind)
        && is_kebab(&f.origin)
        && !f.solved_by.0.is_empty()
        && f.solved_by.mistakes().is_empty()
}

impl ProjectKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut kinds, mut problems): (Self, Vec<PackProblem>) = Default::default();
        for (pack, tables) in packs.read::<Tables>()? {
            for row in &tables.project_kind {
                let kind = row.get_ref();
                let mut tell = |key, code: &str| {
                    let message = Msg::new(key).with("code", code);
                    problems.push(pack.problem_at(row.span(), message));
                };
                if !is_kebab(&kind.code) || kinds.get(&kind.code).is_some() {
                    tell("projects-pack-code", &kind.code);
                }
                for (key, code) in mistakes(kind) {
                    tell(key, &code);
                }
                kinds.projects.push(kind.clone());
            }
            for row in &tables.visit_kind {
                let kind = row.get_ref();
                let mut tell = |key| {
                    let message = Msg::new(key).with("code", &kind.pairing);
                    problems.push(pack.problem_at(row.span(), message));
                };
                if !is_kebab(&kind.pairing) || kinds.visit(&kind.pairing).is_some() {
                    tell("projects-pack-code");
                }
                if !sound(&kind.finds) {
                    tell("projects-pack-finds");
                }
                kinds.visits.push(kind.clone());
            }
        }
        none_or(problems, kinds)
    }

    /// The kind with a code.
    pub fn get(&self, code: &str) -> Option<&ProjectKind> {
        self.projects.iter().find(|k| k.code == code)
    }

    /// Every kind.
    pub fn iter(&self) -> std::slice::Iter<'_, ProjectKind> {
        self.projects.iter()
    }

    /// How pairings of a kind are visited.
    pub fn visit(&self, pairing: &str) -> Option<&VisitKind> {
        self.visits.iter().find(|k| k.pairing == pairing)
    }

    /// Every kind of visit.
    pub fn visits(&self) -> std::slice::Iter<'_, VisitKind> {
        self.visits.iter()
    }
}
