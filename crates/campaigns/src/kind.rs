//! Kinds of campaigns (行动类型) from packs: phases, tracks, what they claim of the ledger, documents, checklist, survey,
//! summary.

use std::collections::HashSet;

use commons::forms::{self, Section, Template};
use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use ledger::{Axis, Definition, Predicate, Value};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// What is counted of the facts that are claimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// The facts themselves.
    #[default]
    Facts,
    /// Distinct people.
    Persons,
    /// Minutes, shown as hours.
    Minutes,
}

/// What a campaign or a programme claims of the ledger (归集口径).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What is counted, in words.
    pub unit: Name,
    /// Which facts.
    #[serde(rename = "where")]
    pub predicate: Predicate,
    /// For whom: the organising unit or that of the person.
    #[serde(default)]
    pub axis: Axis,
    /// What of them.
    #[serde(default)]
    pub count: Count,
}

impl Claim {
    /// As the ledger counts it, narrowed to some categories.
    pub(crate) fn definition(&self, categories: &[String]) -> Definition {
        let mut predicate = self.predicate.clone();
        if !categories.is_empty() {
            let list = categories.iter().cloned().map(ledger::Scalar::Text);
            let test = ledger::Test::In(list.collect());
            predicate.0.insert(ledger::Column::Category, test);
        }
        let value = match self.count {
            Count::Minutes => Value::Minutes,
            _ => Value::None,
        };
        Definition {
            predicate,
            value,
            axis: self.axis,
            ..Definition::default()
        }
    }
}

/// A stretch of a campaign (阶段).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// How many days it usually takes.
    pub days: i32,
}

/// A line along which a campaign goes on (工作线): to learn, to rectify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The track that it takes up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What it claims unless the campaign says otherwise.
    #[serde(default)]
    pub claims: Vec<String>,
}

/// A document that is expected (应有文件).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Code; `plan` is the plan that is issued.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The phase by whose end it is expected.
    pub phase: String,
}

/// A figure that is shown beside a campaign (关联指标).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Code of an indicator.
    pub indicator: String,
    /// What it is called here.
    pub name: Name,
}

/// A kind of campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CampaignKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// How its plan is numbered: `{mark}〔{year}〕{n}号`.
    pub number: String,
    /// Whether it begins only after its plan was issued.
    #[serde(default)]
    pub needs_plan: bool,
    /// Points by which two scores of an item may differ without a word.
    #[serde(default)]
    pub explain: i64,
    /// The part of the problems that should be solved, in percent.
    #[serde(default)]
    pub target: Option<i64>,
    /// Kinds of cases that are its problems.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Phases in order.
    #[serde(rename = "phase")]
    pub phases: Vec<Phase>,
    /// Tracks in order.
    #[serde(rename = "track")]
    pub tracks: Vec<Track>,
    /// Documents that are expected.
    #[serde(default, rename = "document")]
    pub documents: Vec<Document>,
    /// Figures shown beside it.
    #[serde(default, rename = "figure")]
    pub figures: Vec<Figure>,
    /// The checklist that it begins with.
    #[serde(default, rename = "section")]
    pub checklist: Vec<Section>,
    /// What those are asked who took part.
    #[serde(default)]
    pub survey: Option<Template>,
    /// Paragraphs of the summary, with figures in braces.
    #[serde(default)]
    pub summary: Vec<Name>,
    /// The pack it came from, with its version.
    #[serde(default)]
    pub pack: String,
}

/// What stands in braces in a summary, beside `claim:code`.
pub(crate) const FIGURES: [&str; 14] = [
    "title", "unit", "from", "to", "named", "joined", "absent", "measures", "done", "problems",
    "solved", "rate", "score", "answers",
];

/// The names in braces of a text.
pub(crate) fn braces(text: &str) -> Vec<&str> {
    let parts = text.split('{').skip(1);
    parts
        .filter_map(|p| p.split_once('}').map(|(name, _)| name))
        .collect()
}

impl CampaignKind {
    /// A phase.
    pub fn phase(&self, code: &str) -> Option<&Phase> {
        self.phases.iter().find(|p| p.code == code)
    }

    /// A track.
    pub fn track(&self, code: &str) -> Option<&Track> {
        self.tracks.iter().find(|t| t.code == code)
    }

    /// The number of a plan.
    pub fn number_of(&self, mark: &str, year: i16, n: i64) -> String {
        let text = self.number.replace("{year}", &year.to_string());
        text.replace("{n}", &n.to_string()).replace("{mark}", mark)
    }

    /// The survey, ready to be answered.
    pub fn form(&self) -> Option<forms::Form> {
        forms::resolve(self.survey.as_ref()?, 1, &|_| None).ok()
    }

    fn mistakes(&self, claims: &[Claim]) -> Vec<Msg> {
        let wrong = |key: &'static str, code: &str| Msg::new(key).with("code", code);
        let mut found = Vec::new();
        for codes in [
            self.phases.iter().map(|p| &p.code).collect::<Vec<_>>(),
            self.tracks.iter().map(|t| &t.code).collect(),
            self.documents.iter().map(|d| &d.code).collect(),
        ] {
            let mut seen = HashSet::new();
            let twice = codes.into_iter().find(|c| !is_kebab(c) || !seen.insert(*c));
            found.extend(twice.map(|code| wrong("campaigns-pack-code", code)));
        }
        if !self.number.contains("{year}") || !self.number.contains("{n}") {
            found.push(wrong("campaigns-pack-number", &self.number));
        }
        let days = |p: &Phase| (1..=1_000).contains(&p.days);
        if !(1..=12).contains(&self.phases.len()) || !self.phases.iter().all(days) {
            found.push(wrong("campaigns-pack-phases", &self.code));
        }
        if self.tracks.is_empty() || self.tracks.len() > 6 {
            found.push(wrong("campaigns-pack-tracks", &self.code));
        }
        for track in &self.tracks {
            let known = |code: &&String| self.track(code).is_some() && **code != track.code;
            if track.after.iter().any(|code| !known(&code)) {
                found.push(wrong("campaigns-pack-track", &track.code));
            }
            let unknown = |code: &&String| claims.iter().all(|c| c.code != **code);
            let unknown = track.claims.iter().filter(unknown);
            found.extend(unknown.map(|code| wrong("campaigns-pack-claim", code)));
        }
        let lost = |d: &&Document| self.phase(&d.phase).is_none();
        let lost = self.documents.iter().filter(lost);
        found.extend(lost.map(|d| wrong("campaigns-pack-phase", &d.code)));
        if self.explain < 0 || self.target.is_some_and(|t| !(1..=100).contains(&t)) {
            found.push(wrong("campaigns-pack-points", &self.code));
        }
        for template in self.survey.iter().cloned().chain(self.listed()) {
            if let Err(mistakes) = forms::resolve(&template, 1, &|_| None) {
                found.extend(mistakes.into_iter().map(|m| m.reason.with("at", m.at)));
            }
        }
        for text in &self.summary {
            for name in braces(&text.zh).into_iter().chain(braces(&text.en)) {
                let claimed = name.strip_prefix("claim:");
                let known = match claimed {
                    Some(code) => claims.iter().any(|c| c.code == code),
                    None => FIGURES.contains(&name),
                };
                if !known {
                    found.push(wrong("campaigns-pack-figure", name));
                }
            }
        }
        found
    }

    /// The checklist that it begins with, as a form.
    pub(crate) fn listed(&self) -> Option<Template> {
        (!self.checklist.is_empty()).then(|| Template {
            code: self.code.clone(),
            name: self.name.clone(),
            extends: None,
            basis: None,
            sections: self.checklist.clone(),
            stricter: Vec::new(),
            smallest_group: 1,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    campaign_claim: Vec<Spanned<Claim>>,
    #[serde(default)]
    campaign_kind: Vec<Spanned<CampaignKind>>,
}

/// All kinds and claims, in the order of the packs.
#[derive(Debug, Clone, Default)]
pub struct CampaignKinds {
    kinds: Vec<CampaignKind>,
    claims: Vec<Claim>,
}

impl CampaignKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let all = packs.read::<Tables>()?;
        let (mut found, mut problems) = (Self::default(), Vec::new());
        for (pack, tables) in &all {
            for row in &tables.campaign_claim {
                let c = row.get_ref();
                let mut tell = |key| {
                    let message = Msg::new(key).with("code", &c.code);
                    problems.push(pack.problem_at(row.span(), message));
                };
                if !is_kebab(&c.code) || found.claim(&c.code).is_some() {
                    tell("campaigns-pack-code");
                }
                let axis = matches!(c.axis, Axis::Host | Axis::Unit);
                if c.predicate.0.is_empty() || !c.predicate.mistakes().is_empty() || !axis {
                    tell("campaigns-pack-where");
                }
                found.claims.push(c.clone());
            }
        }
        for (pack, tables) in &all {
            for row in &tables.campaign_kind {
                let mut kind = row.get_ref().clone();
                let mut wrong = kind.mistakes(&found.claims);
                if !is_kebab(&kind.code) || found.get(&kind.code).is_some() {
                    wrong.push(Msg::new("campaigns-pack-code").with("code", &kind.code));
                }
                let at = |message| pack.problem_at(row.span(), message);
                problems.extend(wrong.into_iter().map(at));
                kind.pack = format!("{} {}", pack.code, pack.version);
                found.kinds.push(kind);
            }
        }
        none_or(problems, found)
    }

    /// The kind with a code.
    pub fn get(&self, code: &str) -> Option<&CampaignKind> {
        self.kinds.iter().find(|k| k.code == code)
    }

    /// Every kind.
    pub fn iter(&self) -> std::slice::Iter<'_, CampaignKind> {
        self.kinds.iter()
    }

    /// The claim with a code.
    pub fn claim(&self, code: &str) -> Option<&Claim> {
        self.claims.iter().find(|c| c.code == code)
    }

    /// Every claim.
    pub fn claims(&self) -> std::slice::Iter<'_, Claim> {
        self.claims.iter()
    }
}
