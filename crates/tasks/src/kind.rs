//! What packs say of tasks (任务的规则和词汇): kinds of plans with the day of the monthly report, owner kinds, what can be
//! counted of the ledger, duties, practical things.

use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use jiff::ToSpan;
use kernel::{Calendar, Date, Msg, Shift};
use ledger::{Axis, Definition, Predicate, Value};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// What is counted of the facts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// The facts themselves.
    #[default]
    Facts,
    /// Distinct people.
    Persons,
    /// Minutes, wanted and shown as hours.
    Minutes,
}

/// What an entry can count of the ledger (计数口径).
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
    /// As the ledger counts it.
    pub(crate) fn definition(&self) -> Definition {
        Definition {
            predicate: self.predicate.clone(),
            value: match self.count {
                Count::Minutes => Value::Minutes,
                _ => Value::None,
            },
            axis: self.axis,
            ..Definition::default()
        }
    }
}

/// A kind of plan (目标任务的类型): a plan keeps the one that it began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlanKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Day of the next month on which the monthly report is due (次月几日).
    pub report_day: i8,
    /// Where that goes when it is no working day.
    pub report_shift: Shift,
    /// Days before, on which units are reminded.
    pub remind_before: i64,
    /// How many levels an entry can be handed down (分解层级).
    pub levels: i64,
}

impl PlanKind {
    /// The day on which the report of a month is due.
    pub fn due(&self, month: Date, calendar: &Calendar) -> Date {
        let next = month.last_of_month().saturating_add(1.day());
        let day = next.saturating_add(i64::from(self.report_day - 1).days());
        calendar.shift(day, self.report_shift)
    }
}

/// A kind of owner, with a list of its own (责任主体的类别): 班子成员、县级干部、县区、专班科室.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Whether a person must be named.
    #[serde(default)]
    pub person: bool,
}

/// How often a duty comes (频次).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frequency {
    /// Every month (每月).
    Month,
    /// Every quarter (每季度).
    Quarter,
    /// Every half-year (每半年).
    Half,
    /// Every year (每年).
    Year,
    /// When there is cause (按需).
    Cause,
}

impl Frequency {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Month,
        Self::Quarter,
        Self::Half,
        Self::Year,
        Self::Cause,
    ];

    /// Its word in tables and packs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Half => "half",
            Self::Year => "year",
            Self::Cause => "cause",
        }
    }

    /// The frequency with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.code() == code)
    }
}

/// A duty of a catalogue (职责).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackDuty {
    /// Code, the same from version to version.
    pub code: String,
    /// What has to be done.
    pub text: Name,
    /// Where it is written (依据).
    pub source: Name,
    /// In which article.
    #[serde(default)]
    pub article: String,
    /// How often.
    pub frequency: Frequency,
    /// Code of the claim that shows records of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

/// Duties that a unit can take over as its catalogue (职责目录样本).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Its duties.
    #[serde(rename = "duty")]
    pub duties: Vec<PackDuty>,
}

/// A kind of practical thing (实事类别) with the rule of its satisfaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PracticalKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The best score; 1 is the worst.
    pub best: i64,
    /// Fewer scores than this are not shown (不足几份不公布).
    pub smallest_group: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    task_claim: Vec<Spanned<Claim>>,
    #[serde(default)]
    task_plan: Vec<Spanned<PlanKind>>,
    #[serde(default)]
    task_owner: Vec<Spanned<OwnerKind>>,
    #[serde(default)]
    task_catalogue: Vec<Spanned<Catalogue>>,
    #[serde(default)]
    task_practical: Vec<Spanned<PracticalKind>>,
}

/// Everything that packs say of tasks, in their order.
#[derive(Debug, Clone, Default)]
pub struct TaskWords {
    claims: Vec<Claim>,
    plans: Vec<PlanKind>,
    owners: Vec<OwnerKind>,
    catalogues: Vec<Catalogue>,
    practicals: Vec<PracticalKind>,
}

impl TaskWords {
    /// Reads them from packs; names every mistake with its line.
    ///
    /// # Errors
    /// Every mistake, with pack, line and reason.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let all = packs.read::<Tables>()?;
        let (mut found, mut problems) = (Self::default(), Vec::new());
        for (pack, tables) in &all {
            let mut tell = |span, key, code: &str| {
                problems.push(pack.problem_at(span, Msg::new(key).with("code", code)));
            };
            for row in &tables.task_claim {
                let c = row.get_ref();
                if !is_kebab(&c.code) || found.claim(&c.code).is_some() {
                    tell(row.span(), "tasks-pack-code", &c.code);
                }
                let axis = matches!(c.axis, Axis::Host | Axis::Unit);
                if c.predicate.0.is_empty() || !c.predicate.mistakes().is_empty() || !axis {
                    tell(row.span(), "tasks-pack-where", &c.code);
                }
                found.claims.push(c.clone());
            }
            for row in &tables.task_plan {
                let p = row.get_ref();
                if !is_kebab(&p.code) || found.plan(&p.code).is_some() {
                    tell(row.span(), "tasks-pack-code", &p.code);
                }
                let days = (1..=28).contains(&p.report_day) && (0..=31).contains(&p.remind_before);
                if !days || !(1..=4).contains(&p.levels) {
                    tell(row.span(), "tasks-pack-days", &p.code);
                }
                found.plans.push(p.clone());
            }
            for row in &tables.task_owner {
                let o = row.get_ref();
                if !is_kebab(&o.code) || found.owner(&o.code).is_some() {
                    tell(row.span(), "tasks-pack-code", &o.code);
                }
                found.owners.push(o.clone());
            }
            for row in &tables.task_practical {
                let p = row.get_ref();
                if !is_kebab(&p.code) || found.practical(&p.code).is_some() {
                    tell(row.span(), "tasks-pack-code", &p.code);
                }
                if !(2..=100).contains(&p.best) || !(1..=1_000).contains(&p.smallest_group) {
                    tell(row.span(), "tasks-pack-scores", &p.code);
                }
                found.practicals.push(p.clone());
            }
        }
        for (pack, tables) in &all {
            for row in &tables.task_catalogue {
                let c = row.get_ref();
                let mut tell = |key, code: &str| {
                    problems.push(pack.problem_at(row.span(), Msg::new(key).with("code", code)));
                };
                if !is_kebab(&c.code) || found.catalogue(&c.code).is_some() || c.duties.is_empty() {
                    tell("tasks-pack-code", &c.code);
                }
                for (n, duty) in c.duties.iter().enumerate() {
                    let twice = c.duties[..n].iter().any(|d| d.code == duty.code);
                    if !is_kebab(&duty.code) || twice {
                        tell("tasks-pack-code", &duty.code);
                    }
                    if duty
                        .claim
                        .as_ref()
                        .is_some_and(|c| found.claim(c).is_none())
                    {
                        tell("tasks-pack-claim", &duty.code);
                    }
                }
                found.catalogues.push(c.clone());
            }
        }
        none_or(problems, found)
    }

    /// The claim with a code.
    pub fn claim(&self, code: &str) -> Option<&Claim> {
        self.claims.iter().find(|c| c.code == code)
    }

    /// Every claim.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The kind of plan with a code.
    pub fn plan(&self, code: &str) -> Option<&PlanKind> {
        self.plans.iter().find(|p| p.code == code)
    }

    /// Every kind of plan.
    pub fn plans(&self) -> &[PlanKind] {
        &self.plans
    }

    /// The owner kind with a code.
    pub fn owner(&self, code: &str) -> Option<&OwnerKind> {
        self.owners.iter().find(|o| o.code == code)
    }

    /// Every owner kind.
    pub fn owners(&self) -> &[OwnerKind] {
        &self.owners
    }

    /// The catalogue with a code.
    pub fn catalogue(&self, code: &str) -> Option<&Catalogue> {
        self.catalogues.iter().find(|c| c.code == code)
    }

    /// Every catalogue.
    pub fn catalogues(&self) -> &[Catalogue] {
        &self.catalogues
    }

    /// The kind of practical thing with a code.
    pub fn practical(&self, code: &str) -> Option<&PracticalKind> {
        self.practicals.iter().find(|p| p.code == code)
    }

    /// Every kind of practical thing.
    pub fn practicals(&self) -> &[PracticalKind] {
        &self.practicals
    }
}
