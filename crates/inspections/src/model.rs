//! Plans, teams, tasks and the rules about them. No input or output.

use std::collections::{BTreeMap, HashMap};

use commons::forms::{Answers, Score};
use desk::Attached;
use jiff::ToSpan;
use kernel::{AccountId, Date, Id, PersonId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How far a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// Teams and units are being arranged (筹备).
    Preparing,
    /// Its tasks are given (进行中).
    Running,
    /// It is over (已结束).
    Ended,
    /// It was given up (已撤销).
    Withdrawn,
}

impl PlanState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Preparing, Self::Running, Self::Ended, Self::Withdrawn];

    /// Its code in the database and addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// How often a plan comes again (周期).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Once.
    #[default]
    Never,
    /// Every three months.
    Quarter,
    /// Every six months.
    HalfYear,
    /// Every year.
    Year,
}

impl Repeats {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Never, Self::Quarter, Self::HalfYear, Self::Year];

    /// Its code in the database and in forms.
    pub fn code(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Quarter => "quarter",
            Self::HalfYear => "half-year",
            Self::Year => "year",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }

    /// The same day a round later; none for what happens once.
    pub fn after(self, day: Date) -> Option<Date> {
        let months = match self {
            Self::Never => return None,
            Self::Quarter => 3,
            Self::HalfYear => 6,
            Self::Year => 12,
        };
        Some(day.saturating_add(months.months()))
    }
}

/// Which units are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The unit itself.
    Itself,
    /// Those right below it.
    Below,
    /// All of its subtree but itself.
    All,
}

impl Reach {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Below, Self::All, Self::Itself];

    /// Its code in forms.
    pub fn code(self) -> &'static str {
        match self {
            Self::Itself => "itself",
            Self::Below => "below",
            Self::All => "all",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }
}

/// What is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlan {
    /// Made with the form: sent twice, it is planned once.
    pub id: Id,
    /// Code of the kind.
    pub kind: String,
    /// The unit that inspects.
    pub host: UnitId,
    /// Code of the checklist; the version that holds on the first day is taken.
    pub form: String,
    /// What it is called.
    pub title: String,
    /// What it rests on (依据).
    pub basis: String,
    /// First day.
    pub opens: Date,
    /// Last day.
    pub until: Date,
    /// How often it comes again.
    pub repeats: Repeats,
    /// Of which unit those that are looked at are part.
    pub under: UnitId,
    /// Which of them.
    pub reach: Reach,
    /// Only those of these categories; empty: all.
    pub categories: Vec<String>,
    /// Not the units themselves but their bodies of these kinds (支部、党小组); empty: the units.
    pub bodies: Vec<String>,
}

/// A plan (检查计划).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Id.
    pub id: Id,
    /// Code of the kind.
    pub kind: String,
    /// The unit that inspects.
    pub host: UnitId,
    /// Code and version of the checklist.
    pub form: (String, i64),
    /// What it is called.
    pub title: String,
    /// What it rests on.
    pub basis: String,
    /// First day.
    pub opens: Date,
    /// Last day.
    pub until: Date,
    /// How often it comes again.
    pub repeats: Repeats,
    /// How far it is.
    pub state: PlanState,
    /// How often it was changed.
    pub seq: i64,
    /// The first plan of its row.
    pub series: Id,
    /// Its place in the row, from 1.
    pub round: i64,
    /// Who planned it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// A team of inspectors (检查组).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Id.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// Where it goes; may be empty.
    pub region: String,
    /// Its own days; none: those of the plan.
    pub window: Option<(Date, Date)>,
    /// Its members, the head first.
    pub members: Vec<PersonId>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// Its plan is not started yet.
    Preparing,
    /// It is to be filled in (待检查).
    Open,
    /// It has a result (已提交).
    HandedIn,
    /// Somebody of the next level looked it over (已审核).
    Passed,
    /// It is not wanted any more (已撤销).
    Withdrawn,
}

impl TaskState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Preparing,
        Self::Open,
        Self::HandedIn,
        Self::Passed,
        Self::Withdrawn,
    ];

    /// Its code in the database and addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Open => "open",
            Self::HandedIn => "handed-in",
            Self::Passed => "passed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Whether it has a result.
    pub fn is_done(self) -> bool {
        matches!(self, Self::HandedIn | Self::Passed)
    }
}

/// A checklist to be filled in about a unit or a file (检查任务).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Id.
    pub id: Id,
    /// Its plan.
    pub plan: Id,
    /// The unit that is looked at.
    pub unit: UnitId,
    /// Who looks; none for what a unit does itself.
    pub team: Option<Id>,
    /// Number of the file, or name of the body; empty where the unit is looked at.
    pub object: String,
    /// The body that is looked at (支部等), which its unit keeps; none: the unit, or a file.
    pub body: Option<Id>,
    /// Its place on the route of its team (路线), from 1; none where nobody said.
    pub leg: Option<i64>,
    /// First day.
    pub opens: Date,
    /// Last day.
    pub until: Date,
    /// How far it is.
    pub state: TaskState,
    /// What stands on its printed form.
    pub code: String,
    /// The request by which it stands in somebody's to-do list.
    pub request: Option<Id>,
    /// Number of its last result; 0 before the first.
    pub version: i64,
    /// The share of the points in thousandths; none where nothing is scored.
    pub share: Option<i64>,
    /// How many deficiencies.
    pub findings: i64,
    /// The day of the result.
    pub done_on: Option<Date>,
}

/// What is done with a deficiency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// It becomes a case (列入问题台账).
    Case,
    /// It was mended on the spot (即知即改).
    Mended,
}

/// What somebody says about a deficiency as they hand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The item.
    pub item: String,
    /// What is done.
    pub way: Way,
    /// How grave; empty: as the form says.
    pub severity: String,
    /// In a line; empty: what the item asks.
    pub title: String,
    /// How it was mended.
    pub note: String,
    /// Staff number of who mended it: then somebody else accepts it as a case of the short path; empty: it stays with the
    /// result.
    pub owner: String,
}

/// Answers with the place of each, where one was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// Answers by item.
    pub answers: Answers,
    /// Where something was found, by item.
    pub places: BTreeMap<String, String>,
}

/// A result (检查结果), which nothing changes: a correction is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its number, from 1.
    pub n: i64,
    /// What was answered.
    pub filled: Filled,
    /// What it comes to.
    pub score: Score,
    /// The day on which somebody looked.
    pub on: Date,
    /// Typed in from paper, whose picture these are (补录).
    pub paper: Vec<Attached>,
    /// Why it was corrected; empty for the first.
    pub reason: String,
    /// Who handed it in.
    pub by: AccountId,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// When.
    pub at: Timestamp,
}

/// A stretch in which somebody belonged to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belonged {
    /// Who.
    pub person: PersonId,
    /// Where.
    pub unit: UnitId,
    /// From.
    pub from: Date,
    /// Until; none: still.
    pub to: Option<Date>,
}

/// Whether somebody who belonged there may not look at a unit (回避): they belonged to it, or to a unit below it, on
/// some day from so many months before the first day on.
pub fn is_recused(
    spells: &[Belonged],
    person: PersonId,
    looked_at: UnitId,
    paths: &HashMap<UnitId, Vec<UnitId>>,
    since: Date,
) -> bool {
    let within = |unit: &UnitId| {
        paths
            .get(unit)
            .is_some_and(|path| path.contains(&looked_at))
    };
    let mut own = spells.iter().filter(|s| s.person == person);
    own.any(|s| s.to.is_none_or(|to| to >= since) && (s.unit == looked_at || within(&s.unit)))
}

/// Gives units to teams, so that no two teams differ by more than one where nobody is recused: each unit goes to the team
/// with the fewest that may look at it. What no team may look at stays without one.
pub fn spread(
    units: &[UnitId],
    teams: &[Id],
    may: impl Fn(UnitId, Id) -> bool,
) -> Vec<(UnitId, Option<Id>)> {
    let mut load: Vec<(usize, usize)> = (0..teams.len()).map(|at| (0, at)).collect();
    let mut given: Vec<(UnitId, Option<Id>)> = Vec::new();
    // Those with the fewest teams to choose from come first.
    let choices = |unit: UnitId| teams.iter().filter(|t| may(unit, **t)).count();
    let mut order: Vec<(usize, UnitId)> = units.iter().map(|u| (choices(*u), *u)).collect();
    order.sort();
    for (_, unit) in order {
        let fitting = load.iter_mut().filter(|(_, at)| may(unit, teams[*at]));
        let team = fitting.min().map(|slot| {
            slot.0 += 1;
            teams[slot.1]
        });
        given.push((unit, team));
    }
    given
}

/// Draws files: each number's place is the SHA-256 of the seed and the number, and the first so many are taken. The order
/// in which numbers are given, and giving one twice, change nothing.
pub fn draw(seed: &[u8; 32], numbers: &[String], n: usize) -> Vec<String> {
    let place = |number: &String| -> [u8; 32] {
        let hash = Sha256::new().chain_update(seed);
        hash.chain_update(number).finalize().into()
    };
    let mut places: Vec<([u8; 32], &String)> = numbers.iter().map(|x| (place(x), x)).collect();
    places.sort_unstable();
    places.dedup();
    places.truncate(n);
    places
        .into_iter()
        .map(|(_, number)| number.clone())
        .collect()
}

/// A draw of files as it is kept (抽取记录): anybody can draw it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Of which unit.
    pub unit: UnitId,
    /// The ledger's log, its size and the head of its tree: nobody chooses them.
    pub head: (Id, i64, String),
    /// All numbers.
    pub numbers: Vec<String>,
    /// Those that were drawn, in the order of the draw.
    pub picked: Vec<String>,
    /// By whom.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

impl Drawn {
    /// The text that is hashed to the seed.
    pub fn seed_text(&self, plan: Id) -> String {
        let (log, size, root) = &self.head;
        format!(
            "suneng file draw\n{log}\n{size}\n{root}\n{plan}\n{}\n{}\n",
            self.unit,
            self.picked.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(n: u8) -> UnitId {
        UnitId(Id([n; 16]))
    }

    fn person(n: u8) -> PersonId {
        PersonId(Id([n; 16]))
    }

    #[test]
    fn who_belonged_to_a_unit_lately_does_not_look_at_it() {
        let day = |y, m| Date::constant(y, m, 1);
        let paths = [
            (unit(3), vec![unit(1), unit(2), unit(3)]),
            (unit(4), vec![unit(1), unit(4)]),
        ]
        .into();
        let spell = |unit, from, to| Belonged {
            person: person(1),
            unit,
            from,
            to,
        };
        let spells = [
            spell(unit(3), day(2020, 1), Some(day(2025, 3))),
            spell(unit(4), day(2025, 4), None),
        ];
        let recused = |u, since| is_recused(&spells, person(1), u, &paths, since);
        assert!(recused(unit(3), day(2025, 3)) && !recused(unit(3), day(2025, 4)));
        // The unit above, of which theirs is a part.
        assert!(recused(unit(2), day(2025, 1)));
        assert!(recused(unit(4), day(2030, 1)));
        assert!(!is_recused(
            &spells,
            person(2),
            unit(4),
            &paths,
            day(2020, 1)
        ));
    }

    #[test]
    fn a_round_later_is_the_same_day() {
        let day = Date::constant(2026, 8, 31);
        assert_eq!(
            Repeats::HalfYear.after(day),
            Some(Date::constant(2027, 2, 28))
        );
        assert_eq!(Repeats::Never.after(day), None);
    }

    proptest! {
        #[test]
        fn units_are_spread_evenly_and_never_to_who_is_recused(
            units in 0u8..40, teams in 1u8..6, barred in prop::collection::btree_set((0u8..40, 0u8..6), 0..30),
        ) {
            let ids: Vec<UnitId> = (0..units).map(unit).collect();
            let all: Vec<Id> = (0..teams).map(|n| Id([n; 16])).collect();
            let may = |u: UnitId, t: Id| !barred.contains(&(u.0.0[0], t.0[0]));
            let given = spread(&ids, &all, may);
            prop_assert_eq!(given.len(), ids.len());
            for (u, team) in &given {
                match team {
                    Some(team) => prop_assert!(may(*u, *team)),
                    None => prop_assert!(all.iter().all(|t| !may(*u, *t))),
                }
            }
            if barred.is_empty() {
                let load = |t: &Id| given.iter().filter(|(_, g)| *g == Some(*t)).count();
                let loads: Vec<usize> = all.iter().map(load).collect();
                prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
            }
        }

        #[test]
        fn a_draw_can_be_drawn_again_in_any_order(
            numbers in prop::collection::btree_set("[a-z0-9]{1,6}", 0..40), seed in any::<[u8; 32]>(), n in 0usize..50,
        ) {
            let numbers: Vec<String> = numbers.into_iter().collect();
            let mut turned: Vec<String> = numbers.iter().rev().cloned().collect();
            turned.extend(numbers.iter().take(3).cloned());
            let picked = draw(&seed, &numbers, n);
            prop_assert_eq!(&picked, &draw(&seed, &turned, n));
            prop_assert_eq!(picked.len(), n.min(numbers.len()));
            prop_assert!(picked.iter().all(|p| numbers.contains(p)));
        }
    }
}
