//! Kinds of cases (问题类型), from packs: their vocabulary, how much time there is, their states and who may do what in
//! which. A case keeps its kind as it was when it began.

use std::collections::HashSet;

use commons::deadlines::Step;
use commons::packs::{Name, PackProblem, PackRef, Packs, is_kebab, none_or};
use kernel::{Date, Msg};
use ledger::Predicate;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::case::End;
use crate::paper_kind::PaperKind;

/// A step from a day, as packs write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct When(pub Step);

impl TryFrom<String> for When {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text}: -3d, 0d, +5wd");
        Step::parse(&text).map(Self).ok_or_else(wrong)
    }
}

impl From<When> for String {
    fn from(when: When) -> Self {
        when.0.to_string()
    }
}

/// A value of a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Code, kept with cases.
    pub code: String,
    /// Name.
    pub name: Name,
}

/// How grave a case is, and how much time that gives (严重程度).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Severity {
    /// Code, kept with cases.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Days until it is due.
    pub days: i64,
    /// Whether working days are meant.
    #[serde(default)]
    pub working: bool,
}

/// What a field of a kind holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// A line of text.
    #[default]
    Text,
    /// A whole number.
    Number,
    /// A day.
    Date,
    /// Yes or no.
    YesNo,
}

/// A further field of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Code, kept with cases.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What it holds.
    #[serde(default, rename = "type")]
    pub kind: FieldType,
    /// Whether there must be something.
    #[serde(default)]
    pub required: bool,
    /// Asked of those concerned after it was closed, not when it is raised (回访).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after: bool,
}

/// Whom a rung of the ladder reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// Owner and co-owners (责任人).
    Owner,
    /// Who is in charge of the unit that owns it (单位负责人).
    Head,
    /// The supervisor, or who raised it (督办人).
    Supervisor,
    /// Who is in charge of the unit above (上级).
    Superior,
}

/// A rung of reminders and escalation (催办督办阶梯).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// When, from the day that counts.
    pub at: When,
    /// Whom it reaches.
    pub to: Vec<Reached>,
}

/// The five steps of the loop (点题、破题、解题、验题、销号); every state stands in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Raised and given to somebody (点题).
    Point,
    /// Cause and plan (破题).
    Cause,
    /// Being mended (解题).
    Solve,
    /// Being checked (验题).
    Check,
    /// Closed (销号).
    Closed,
}

impl Stage {
    /// Every one, in order.
    pub const ALL: [Self; 5] = [
        Self::Point,
        Self::Cause,
        Self::Solve,
        Self::Check,
        Self::Closed,
    ];

    /// Its word in tables and addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Cause => "cause",
            Self::Solve => "solve",
            Self::Check => "check",
            Self::Closed => "closed",
        }
    }

    /// The stage with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// A state of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRule {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The step of the loop that it belongs to.
    pub stage: Stage,
    /// How it is closed, where it is.
    #[serde(default)]
    pub end: Option<End>,
}

/// What can be done to a case by somebody (动作).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Give it to an owner (交办).
    Assign,
    /// Not taken on (不予立项).
    Reject,
    /// Say the cause and the measures (查因定策).
    Plan,
    /// Tell how far it is (上报进展).
    Report,
    /// A measure is done (措施完成).
    Measure,
    /// Hand it in to be checked (送验).
    Submit,
    /// It is solved (验收销号).
    Accept,
    /// It is not (退回整改).
    Refuse,
    /// Ask for more time (申请延期).
    MoreTime,
    /// Ask to close it as another's (申请移交).
    Transfer,
    /// Ask to close it with an explanation (申请说明情况).
    Explain,
    /// It is the same as another one (重复).
    Duplicate,
    /// Press for it (催办).
    Urge,
    /// A look back: it held (回头看巩固).
    Hold,
    /// Open it again (重新整改).
    Reopen,
    /// What those concerned say of it (回访评价).
    Evaluate,
}

impl Verb {
    /// Every one.
    pub const ALL: [Self; 16] = [
        Self::Assign,
        Self::Reject,
        Self::Plan,
        Self::Report,
        Self::Measure,
        Self::Submit,
        Self::Accept,
        Self::Refuse,
        Self::MoreTime,
        Self::Transfer,
        Self::Explain,
        Self::Duplicate,
        Self::Urge,
        Self::Hold,
        Self::Reopen,
        Self::Evaluate,
    ];

    /// Its word in packs, addresses and texts.
    pub fn code(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Reject => "reject",
            Self::Plan => "plan",
            Self::Report => "report",
            Self::Measure => "measure",
            Self::Submit => "submit",
            Self::Accept => "accept",
            Self::Refuse => "refuse",
            Self::MoreTime => "more-time",
            Self::Transfer => "transfer",
            Self::Explain => "explain",
            Self::Duplicate => "duplicate",
            Self::Urge => "urge",
            Self::Hold => "hold",
            Self::Reopen => "reopen",
            Self::Evaluate => "evaluate",
        }
    }

    /// The verb with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.code() == code)
    }

    /// How it ends a case, where it does.
    pub fn end(self) -> Option<End> {
        match self {
            Self::Accept => Some(End::Solved),
            Self::Transfer => Some(End::Transferred),
            Self::Explain => Some(End::Explained),
            Self::Duplicate => Some(End::Duplicate),
            Self::Reject => Some(End::Rejected),
            _ => None,
        }
    }

    /// Whether others have to agree before it holds.
    pub fn is_asked(self) -> bool {
        matches!(self, Self::MoreTime | Self::Transfer | Self::Explain)
    }

    /// Whether the case stands as it did afterwards.
    fn stays(self) -> bool {
        matches!(
            self,
            Self::Report
                | Self::Measure
                | Self::MoreTime
                | Self::Urge
                | Self::Hold
                | Self::Evaluate
        )
    }
}

/// On which side of a case somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Who raised it.
    Raiser,
    /// Owner, co-owner, owner of a measure, or who handles it for the unit.
    Owner,
    /// The supervisor, or who supervises the unit.
    Supervisor,
}

/// What has to be said with a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Words.
    Text,
    /// A file.
    Evidence,
    /// Every measure is done.
    MeasuresDone,
}

/// From which states to which a verb leads, and by whom (流转).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The verb.
    pub verb: Verb,
    /// The states from which.
    pub from: Vec<String>,
    /// The state to which; none: it stays.
    #[serde(default)]
    pub to: Option<String>,
    /// Who may.
    pub who: Vec<Side>,
    /// What must be said.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// The approval that it takes, by the code of its route.
    #[serde(default)]
    pub approval: Option<String>,
}

/// A kind of case, as a case keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// Code, kept with cases.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Code and version of the pack.
    pub pack: String,
    /// How its cases are numbered: `ZG-{year}-{n}`.
    pub number: String,
    /// Months within which the same unit and clause is a recurrence.
    pub recurs: Option<i32>,
    /// Whether it can be mended on the spot (即知即改).
    pub quick: bool,
    /// Days after it was accepted on which somebody looks again (回头看).
    pub look_back: Vec<When>,
    /// Severities, the gravest first.
    pub severities: Vec<Severity>,
    /// Fields of work (领域).
    pub areas: Vec<Choice>,
    /// Where cases come from (问题来源).
    pub sources: Vec<Choice>,
    /// Articles that may be broken (条款).
    pub clauses: Vec<Choice>,
    /// Further fields.
    pub fields: Vec<Field>,
    /// Reminders and escalation.
    pub ladder: Vec<Rung>,
    /// Its states; the first is the one in which it begins.
    pub states: Vec<StateRule>,
    /// What leads from one to another.
    pub moves: Vec<Move>,
}

fn named<'c>(list: &'c [Choice], code: &'c str, lang: &str) -> &'c str {
    let found = list.iter().find(|c| c.code == code);
    found.map_or(code, |c| c.name.get(lang))
}

impl Kind {
    /// The state with a code.
    pub fn state(&self, code: &str) -> Option<&StateRule> {
        self.states.iter().find(|s| s.code == code)
    }

    /// The stage of a state.
    pub fn stage(&self, state: &str) -> Stage {
        self.state(state).map_or(Stage::Point, |s| s.stage)
    }

    /// What a verb does from a state.
    pub fn moves_from(&self, verb: Verb, state: &str) -> Option<&Move> {
        let leads = |m: &&Move| m.verb == verb && m.from.iter().any(|s| s == state);
        self.moves.iter().find(leads)
    }

    /// The severity with a code.
    pub fn severity(&self, code: &str) -> Option<&Severity> {
        self.severities.iter().find(|s| s.code == code)
    }

    /// The name of a severity.
    pub fn severity_name<'c>(&'c self, code: &'c str, lang: &str) -> &'c str {
        self.severity(code).map_or(code, |s| s.name.get(lang))
    }

    /// The name of a further field.
    pub fn field_name<'c>(&'c self, code: &'c str, lang: &str) -> &'c str {
        let found = self.fields.iter().find(|f| f.code == code);
        found.map_or(code, |f| f.name.get(lang))
    }

    /// The name of a field of work.
    pub fn area_name<'c>(&'c self, code: &'c str, lang: &str) -> &'c str {
        named(&self.areas, code, lang)
    }

    /// The name of where it comes from.
    pub fn source_name<'c>(&'c self, code: &'c str, lang: &str) -> &'c str {
        named(&self.sources, code, lang)
    }

    /// The name of an article.
    pub fn clause_name<'c>(&'c self, code: &'c str, lang: &str) -> &'c str {
        named(&self.clauses, code, lang)
    }

    /// The fields that are asked after it was closed.
    pub fn asked(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|f| f.after)
    }

    /// A number of a case in a year.
    pub fn number_of(&self, year: i16, n: i64) -> String {
        let number = self.number.replace("{year}", &year.to_string());
        number.replace("{n}", &format!("{n:04}"))
    }

    /// The day on which something is due that is raised on a day.
    pub fn due(&self, severity: &str, day: Date, calendar: &kernel::Calendar) -> Option<Date> {
        let severity = self.severity(severity)?;
        let step = Step {
            days: severity.days,
            working: severity.working,
        };
        Some(step.day(day, calendar))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListRow {
    code: String,
    values: Vec<Choice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowRow {
    code: String,
    state: Vec<Spanned<StateRule>>,
    #[serde(rename = "move")]
    moves: Vec<Spanned<Move>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    code: String,
    name: Name,
    number: String,
    flow: String,
    #[serde(default)]
    areas: String,
    #[serde(default)]
    sources: String,
    #[serde(default)]
    clauses: String,
    #[serde(default)]
    recurs: Option<i32>,
    #[serde(default)]
    quick: bool,
    #[serde(default)]
    look_back: Vec<When>,
    severity: Vec<Severity>,
    #[serde(default)]
    field: Vec<Field>,
    #[serde(default)]
    ladder: Vec<Rung>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    case_list: Vec<Spanned<ListRow>>,
    #[serde(default)]
    case_flow: Vec<Spanned<FlowRow>>,
    #[serde(default)]
    case_kind: Vec<Spanned<Row>>,
    #[serde(default)]
    case_remedy: Vec<Spanned<RemedyKind>>,
}

/// What can be asked of somebody because of a case (学训要求的类型): a study, a class, a drill, a test, a mentor's talk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RemedyKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Which facts about the person meet it.
    pub met_by: Predicate,
}

/// All kinds, in the order of the packs, and what can be asked for because of cases.
#[derive(Debug, Clone, Default)]
pub struct CaseKinds(Vec<Kind>, Vec<RemedyKind>, Vec<PaperKind>);

type Problems = Vec<PackProblem>;

fn twice<'c>(codes: impl Iterator<Item = &'c str>) -> Option<String> {
    let mut seen = HashSet::new();
    let mut wrong = codes.filter(|c| !is_kebab(c) || !seen.insert(c.to_owned()));
    wrong.next().map(str::to_owned)
}

/// What is wrong with a flow, each with its place.
fn check_flow(pack: &PackRef, flow: &FlowRow, span: std::ops::Range<usize>, out: &mut Problems) {
    let state = |code: &str| {
        let mut all = flow.state.iter().map(Spanned::get_ref);
        all.find(|s| s.code == code)
    };
    let wrong = |key: &'static str, code: &str| Msg::new(key).with("code", code);
    if let Some(code) = twice(flow.state.iter().map(|s| s.get_ref().code.as_str())) {
        out.push(pack.problem_at(span.clone(), wrong("cases-pack-code", &code)));
    }
    for row in &flow.state {
        let s = row.get_ref();
        if s.end.is_some() != (s.stage == Stage::Closed) {
            out.push(pack.problem_at(row.span(), wrong("cases-pack-end", &s.code)));
        }
    }
    let first = flow.state.first().map(|s| s.get_ref());
    if first.is_none_or(|s| s.stage != Stage::Point) {
        out.push(pack.problem_at(span.clone(), wrong("cases-pack-first", &flow.code)));
    }
    for row in &flow.moves {
        let m = row.get_ref();
        let mut tell = |key| {
            let message = wrong(key, m.verb.code());
            out.push(pack.problem_at(row.span(), message));
        };
        let known = m.from.iter().chain(&m.to).all(|code| state(code).is_some());
        if !known || m.from.is_empty() {
            tell("cases-pack-state");
            continue;
        }
        if m.who.is_empty() {
            tell("cases-pack-who");
        }
        // Where a case may end is fixed; packs only say from which states.
        let end = m.to.as_deref().and_then(state).and_then(|s| s.end);
        if end != m.verb.end() || m.verb.stays() != m.to.is_none() {
            tell("cases-pack-to");
        }
        if m.verb.is_asked() != m.approval.is_some() {
            tell("cases-pack-approval");
        }
        let judges = matches!(m.verb, Verb::Accept | Verb::Refuse | Verb::Hold);
        if judges && m.who.contains(&Side::Owner) {
            tell("cases-pack-judge");
        }
        let stages: Vec<Stage> = m
            .from
            .iter()
            .filter_map(|c| state(c))
            .map(|s| s.stage)
            .collect();
        let fits = match m.verb {
            Verb::Accept | Verb::Refuse => stages.iter().all(|s| *s == Stage::Check),
            Verb::Reject => stages.iter().all(|s| *s == Stage::Point),
            Verb::Reopen | Verb::Hold | Verb::Evaluate => {
                stages.iter().all(|s| *s == Stage::Closed)
            }
            _ => stages.iter().all(|s| *s != Stage::Closed),
        };
        if !fits {
            tell("cases-pack-from");
        }
    }
    // No state is a trap: from each one an end can be reached, and each can be reached.
    let moves = || flow.moves.iter().map(Spanned::get_ref);
    let mut reached: HashSet<&str> = first.iter().map(|s| s.code.as_str()).collect();
    let mut ending: HashSet<&str> = HashSet::new();
    ending.extend(
        flow.state
            .iter()
            .map(Spanned::get_ref)
            .filter(|s| s.end.is_some())
            .map(|s| s.code.as_str()),
    );
    for _ in 0..flow.state.len() {
        for m in moves() {
            let Some(to) = m.to.as_deref() else { continue };
            if m.from.iter().any(|f| reached.contains(f.as_str())) {
                reached.insert(to);
            }
            if ending.contains(to) {
                ending.extend(m.from.iter().map(String::as_str));
            }
        }
    }
    for row in &flow.state {
        let code = row.get_ref().code.as_str();
        if !reached.contains(code) || !ending.contains(code) {
            out.push(pack.problem_at(row.span(), wrong("cases-pack-trap", code)));
        }
    }
}

impl CaseKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Problems> {
        let all = packs.read::<Tables>()?;
        let (mut list, mut problems): (Vec<Kind>, Problems) = (Vec::new(), Vec::new());
        let mut lists: Vec<&ListRow> = Vec::new();
        let mut flows: Vec<&FlowRow> = Vec::new();
        for (pack, tables) in &all {
            for row in &tables.case_list {
                let l = row.get_ref();
                let codes = l.values.iter().map(|v| v.code.as_str());
                let known = lists.iter().any(|k| k.code == l.code);
                if let Some(code) =
                    twice(codes.chain([l.code.as_str()])).or(known.then(|| l.code.clone()))
                {
                    let message = Msg::new("cases-pack-code").with("code", code);
                    problems.push(pack.problem_at(row.span(), message));
                }
                lists.push(l);
            }
            for row in &tables.case_flow {
                check_flow(pack, row.get_ref(), row.span(), &mut problems);
                flows.push(row.get_ref());
            }
        }
        for (pack, tables) in &all {
            for row in &tables.case_kind {
                let (span, r) = (row.span(), row.get_ref());
                let mut tell = |key: &'static str, code: &str| {
                    let message = Msg::new(key).with("code", code);
                    problems.push(pack.problem_at(span.clone(), message));
                };
                let severities = r.severity.iter().map(|s| s.code.as_str());
                if let Some(code) =
                    twice(severities).or(twice(r.field.iter().map(|f| f.code.as_str())))
                {
                    tell("cases-pack-code", &code);
                }
                if !is_kebab(&r.code) || list.iter().any(|k| k.code == r.code) {
                    tell("cases-pack-code", &r.code);
                }
                // What is asked later cannot be there when it is raised.
                if let Some(field) = r.field.iter().find(|f| f.after && f.required) {
                    tell("cases-pack-after", &field.code);
                }
                if r.severity.is_empty() || r.severity.iter().any(|s| !(1..=92).contains(&s.days)) {
                    tell("cases-pack-days", &r.code);
                }
                if !r.number.contains("{n}") || !r.number.contains("{year}") || r.number.len() > 40
                {
                    tell("cases-pack-number", &r.code);
                }
                if r.look_back.iter().any(|w| w.0.days < 1)
                    || r.recurs.is_some_and(|m| !(1..=120).contains(&m))
                {
                    tell("cases-pack-look-back", &r.code);
                }
                let mut values = |code: &str| {
                    let found = lists.iter().find(|l| l.code == code);
                    if found.is_none() && !code.is_empty() {
                        tell("cases-pack-list", code);
                    }
                    found.map(|l| l.values.clone()).unwrap_or_default()
                };
                let (areas, sources, clauses) =
                    (values(&r.areas), values(&r.sources), values(&r.clauses));
                let Some(flow) = flows.iter().find(|f| f.code == r.flow) else {
                    tell("cases-pack-flow", &r.flow);
                    continue;
                };
                list.push(Kind {
                    code: r.code.clone(),
                    name: r.name.clone(),
                    pack: format!("{} {}", pack.code, pack.version),
                    number: r.number.clone(),
                    recurs: r.recurs,
                    quick: r.quick,
                    look_back: r.look_back.clone(),
                    severities: r.severity.clone(),
                    areas,
                    sources,
                    clauses,
                    fields: r.field.clone(),
                    ladder: r.ladder.clone(),
                    states: flow.state.iter().map(|s| s.get_ref().clone()).collect(),
                    moves: flow.moves.iter().map(|m| m.get_ref().clone()).collect(),
                });
            }
        }
        let mut remedies: Vec<RemedyKind> = Vec::new();
        for (pack, tables) in &all {
            for row in &tables.case_remedy {
                let r = row.get_ref();
                let mut tell = |key: &'static str| {
                    let message = Msg::new(key).with("code", &r.code);
                    problems.push(pack.problem_at(row.span(), message));
                };
                if !is_kebab(&r.code) || remedies.iter().any(|k| k.code == r.code) {
                    tell("cases-pack-code");
                }
                if crate::remedy::kinds_of(&r.met_by).is_empty() || !r.met_by.mistakes().is_empty()
                {
                    tell("cases-pack-remedy");
                }
                remedies.push(r.clone());
            }
        }
        let rows = all.iter().flat_map(|(_, tables)| &tables.case_kind);
        let is_kind = |code: &str| rows.clone().any(|row| row.get_ref().code == code);
        let papers = PaperKind::read(packs, is_kind, &mut problems)?;
        none_or(problems, Self(list, remedies, papers))
    }

    /// The papers that can be issued about cases.
    pub fn papers(&self) -> &[PaperKind] {
        &self.2
    }

    /// What can be asked of somebody because of a case.
    pub fn remedies(&self) -> &[RemedyKind] {
        &self.1
    }

    /// The kind with a code.
    pub fn get(&self, code: &str) -> Option<&Kind> {
        self.0.iter().find(|k| k.code == code)
    }

    /// Every kind.
    pub fn iter(&self) -> std::slice::Iter<'_, Kind> {
        self.0.iter()
    }
}
