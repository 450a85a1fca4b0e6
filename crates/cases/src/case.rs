//! The state machine of one case: what happened, in order, gives how it stands; what may happen next, and by whom. No
//! input or output.

use std::collections::{BTreeMap, BTreeSet};

use commons::packs::Name;
use kernel::{AccountId, Date, Error, Id, Msg, PersonId, Result, Timestamp, UnitId};
use ledger::Predicate;
use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Move, Need, Side, Stage, Verb};

/// How a case is closed (结束方式); closed is not the same as solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Mended, and somebody else accepted it (已解决).
    Solved,
    /// Another body's (移交).
    Transferred,
    /// Explained, with approval (说明情况).
    Explained,
    /// The same as another case (重复).
    Duplicate,
    /// Not taken on (不予立项).
    Rejected,
}

impl End {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Solved,
        Self::Transferred,
        Self::Explained,
        Self::Duplicate,
        Self::Rejected,
    ];

    /// Its word in tables, facts and texts.
    pub fn code(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Transferred => "transferred",
            Self::Explained => "explained",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
        }
    }
}

/// A measure (整改措施).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Its number in the case, from 1.
    pub no: i64,
    /// What is done.
    pub text: String,
    /// Who does it.
    pub owner: PersonId,
    /// Until when.
    pub due: Date,
    /// The day on which it was done.
    #[serde(default)]
    pub done: Option<Date>,
}

/// What somebody has to do because of a case (学训要求): it is met by a fact of the ledger, not by saying so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// Its number in the case, from 1.
    pub no: i64,
    /// Code of its kind.
    pub code: String,
    /// What it is called.
    pub name: Name,
    /// Who.
    pub person: PersonId,
    /// Since when facts count.
    pub since: Date,
    /// Until when.
    pub by: Date,
    /// Whether the case is accepted only when it is met.
    pub needed: bool,
    /// Which facts meet it.
    pub met_by: Predicate,
}

/// What happened (动作记录). Persons and days that belong to it; words and files stand beside it in the [`Event`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    /// Raised (登记).
    Raised {
        /// The day on which it is due; never changes.
        due: Date,
        /// The unit that owns it.
        unit: UnitId,
    },
    /// Given to an owner (交办).
    Assigned {
        /// The unit that owns it.
        unit: UnitId,
        /// The owner; none: whoever handles it for the unit.
        owner: Option<PersonId>,
        /// Co-owners (协办人).
        co: Vec<PersonId>,
        /// The supervisor (督办人).
        supervisor: Option<PersonId>,
    },
    /// Not taken on (不予立项).
    Rejected,
    /// Cause and measures (查因定策).
    Planned {
        /// The cause.
        cause: String,
        /// The measures; those that are done stay.
        measures: Vec<Measure>,
    },
    /// Told how far it is (上报进展).
    Reported,
    /// A measure was done (措施完成).
    MeasureDone {
        /// Its number.
        no: i64,
        /// On which day.
        on: Date,
    },
    /// Handed in to be checked (送验).
    Submitted,
    /// Accepted (验收销号).
    Accepted,
    /// Sent back (退回).
    Refused,
    /// More time was asked for (申请延期).
    TimeWanted {
        /// Until when.
        until: Date,
        /// The approval.
        approval: Id,
    },
    /// And given (同意延期).
    TimeGiven {
        /// Until when.
        until: Date,
    },
    /// An end was asked for (申请移交、说明情况).
    EndWanted {
        /// Which.
        end: End,
        /// The approval.
        approval: Id,
    },
    /// It ended so, with approval.
    EndGiven {
        /// Which.
        end: End,
    },
    /// What was asked for was refused or taken back (未获批准).
    NotGiven,
    /// The same as another one (重复).
    Duplicate {
        /// That one.
        of: Id,
    },
    /// Pressed for (催办).
    Urged,
    /// A look back fell due (回头看).
    LookDue {
        /// Which one, from 1.
        no: i64,
        /// The unit that is looked at: the one that owned it, or what became of that.
        unit: UnitId,
    },
    /// It held (巩固).
    Held,
    /// Opened again (重新整改).
    Reopened {
        /// Until when it is to be mended now.
        until: Date,
    },
    /// What those concerned say of it (回访评价): fields that are asked after it was closed.
    Evaluated {
        /// Values by field.
        values: BTreeMap<String, String>,
    },
    /// Said something (留言).
    Commented {
        /// Who is told.
        named: Vec<PersonId>,
    },
    /// Reminded by the clock (提醒).
    Reminded {
        /// By which step.
        step: String,
    },
    /// Escalated by the clock (督办升级).
    Escalated {
        /// By which step.
        step: String,
    },
    /// Recurs after another one (反复发生).
    Recurs {
        /// The one before.
        of: Id,
    },
    /// Another one caused it (根源问题).
    CausedBy {
        /// That one.
        of: Id,
    },
    /// A paper about it was issued (印发文书); the paper stands beside it as a file.
    PaperIssued {
        /// Code of the paper.
        paper: String,
        /// What it is called.
        name: Name,
        /// Its own number.
        number: String,
        /// Code and version of the pack that its words are from.
        pack: String,
        /// Whether the owner sent it.
        answer: bool,
    },
    /// Put on the public list of the house (曝光), by somebody's decision.
    Exposed,
    /// Taken off it (撤下曝光).
    Unexposed,
    /// Somebody has to learn something because of it (提出学训要求).
    RemedyAsked {
        /// What.
        remedy: Remedy,
    },
    /// No more (撤销学训要求).
    RemedyDropped {
        /// Its number.
        no: i64,
    },
    /// Taken over from an old ledger as closed, by declaration (历史申报).
    Declared {
        /// On which day.
        on: Date,
    },
}

impl Act {
    /// Its word in texts and the audit trail.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Raised { .. } => "raised",
            Self::Assigned { .. } => "assigned",
            Self::Rejected => "rejected",
            Self::Planned { .. } => "planned",
            Self::Reported => "reported",
            Self::MeasureDone { .. } => "measure-done",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::TimeWanted { .. } => "time-wanted",
            Self::TimeGiven { .. } => "time-given",
            Self::EndWanted { .. } => "end-wanted",
            Self::EndGiven { .. } => "end-given",
            Self::NotGiven => "not-given",
            Self::Duplicate { .. } => "duplicate",
            Self::Urged => "urged",
            Self::LookDue { .. } => "look-due",
            Self::Held => "held",
            Self::Reopened { .. } => "reopened",
            Self::Evaluated { .. } => "evaluated",
            Self::Commented { .. } => "commented",
            Self::Reminded { .. } => "reminded",
            Self::Escalated { .. } => "escalated",
            Self::Recurs { .. } => "recurs",
            Self::CausedBy { .. } => "caused-by",
            Self::PaperIssued { .. } => "paper-issued",
            Self::Exposed => "exposed",
            Self::Unexposed => "unexposed",
            Self::RemedyAsked { .. } => "remedy-asked",
            Self::RemedyDropped { .. } => "remedy-dropped",
            Self::Declared { .. } => "declared",
        }
    }

    /// The verb that it is, where somebody does it; the others are the program's, or anybody's.
    pub fn verb(&self) -> Option<Verb> {
        Some(match self {
            Self::Assigned { .. } => Verb::Assign,
            Self::Rejected => Verb::Reject,
            Self::Planned { .. } => Verb::Plan,
            Self::Reported => Verb::Report,
            Self::MeasureDone { .. } => Verb::Measure,
            Self::Submitted => Verb::Submit,
            Self::Accepted => Verb::Accept,
            Self::Refused => Verb::Refuse,
            Self::TimeWanted { .. } => Verb::MoreTime,
            Self::EndWanted {
                end: End::Transferred,
                ..
            } => Verb::Transfer,
            Self::EndWanted { .. } => Verb::Explain,
            Self::Duplicate { .. } => Verb::Duplicate,
            Self::Urged => Verb::Urge,
            Self::Held => Verb::Hold,
            Self::Reopened { .. } => Verb::Reopen,
            Self::Evaluated { .. } => Verb::Evaluate,
            _ => return None,
        })
    }
}

/// A file that proves something (佐证). When it was sent is the time of its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its name on the sender's machine.
    pub name: String,
    /// Hash of its content.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// The day of what it shows.
    pub of: Option<Date>,
}

/// Something that happened to a case; nothing changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number in the case, from 1.
    pub seq: i64,
    /// What.
    pub act: Act,
    /// The state afterwards.
    pub state: String,
    /// Who; none: by the clock.
    pub account: Option<AccountId>,
    /// Their person.
    pub person: Option<PersonId>,
    /// In words.
    pub text: String,
    /// Files.
    pub files: Vec<Evidence>,
    /// When.
    pub at: Timestamp,
}

/// What is asked of others and not decided yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// More time.
    Time(Date),
    /// An end.
    End(End),
}

/// Who acts, and how they stand to the case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hand {
    /// Their person; none for a program's account.
    pub person: Option<PersonId>,
    /// On which sides they stand.
    pub sides: BTreeSet<Side>,
    /// In whose place they act or may act: as deputy, or on behalf.
    pub stands_for: Vec<PersonId>,
    /// Whether their unit is below the one that owns the case.
    pub below: bool,
}

/// A case as the rules see it: what its events come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its state.
    pub state: String,
    /// Until when it was to be mended first; never changes.
    pub due: Date,
    /// Until when more time was given.
    pub extended: Option<Date>,
    /// Until when it is to be mended after it was opened again.
    pub again: Option<Date>,
    /// What is not decided yet.
    pub pending: Option<Pending>,
    /// How it is closed.
    pub end: Option<End>,
    /// Who raised it.
    pub raiser: Option<PersonId>,
    /// The unit that owns it.
    pub unit: UnitId,
    /// The owner.
    pub owner: Option<PersonId>,
    /// Co-owners.
    pub co: BTreeSet<PersonId>,
    /// The supervisor.
    pub supervisor: Option<PersonId>,
    /// The cause.
    pub cause: String,
    /// The measures.
    pub measures: Vec<Measure>,
    /// What those concerned said of it, by field.
    pub evaluated: BTreeMap<String, String>,
    /// What people have to learn because of it.
    pub remedies: Vec<Remedy>,
    /// Numbers of those that were given so far.
    pub remedies_asked: i64,
    /// Everybody who ever had to mend it or did: none of them ever accepts it.
    pub doers: BTreeSet<PersonId>,
    /// When it was accepted last.
    pub accepted: Option<Timestamp>,
    /// The look back that waits to be done, and the unit that is looked at.
    pub look: Option<(i64, UnitId)>,
    /// Look backs that were done.
    pub looked: i64,
    /// How often more time was given.
    pub extensions: i64,
    /// How often it was sent back.
    pub refusals: i64,
    /// How often it was opened again.
    pub reopenings: i64,
    /// Microseconds in each state that it left.
    pub spent: BTreeMap<String, i64>,
    /// Since when it has been in the present one.
    pub since: Timestamp,
}

fn no(key: &'static str) -> Error {
    Error::Conflict(Msg::new(key))
}

impl Case {
    /// A case that was just raised.
    ///
    /// # Errors
    /// `Internal` when the first event is not that.
    fn begin(e: &Event) -> Result<Self> {
        let Act::Raised { due, unit } = e.act else {
            return Err(Error::internal("a case begins by being raised"));
        };
        Ok(Self {
            state: e.state.clone(),
            due,
            extended: None,
            again: None,
            pending: None,
            end: None,
            raiser: e.person,
            unit,
            owner: None,
            co: BTreeSet::new(),
            supervisor: None,
            cause: String::new(),
            measures: Vec::new(),
            evaluated: BTreeMap::new(),
            remedies: Vec::new(),
            remedies_asked: 0,
            doers: BTreeSet::new(),
            accepted: None,
            look: None,
            looked: 0,
            extensions: 0,
            refusals: 0,
            reopenings: 0,
            spent: BTreeMap::new(),
            since: e.at,
        })
    }

    /// What events come to.
    ///
    /// # Errors
    /// `Internal` when there is none, or the first is not that of raising.
    pub fn of(kind: &Kind, events: &[Event]) -> Result<Self> {
        let (first, others) = events
            .split_first()
            .ok_or_else(|| Error::internal("a case without events"))?;
        let mut case = Self::begin(first)?;
        for event in others {
            case.apply(kind, event);
        }
        Ok(case)
    }

    /// The day that counts now: that of the last opening, else of the extension, else the first.
    pub fn until(&self) -> Date {
        self.again.or(self.extended).unwrap_or(self.due)
    }

    /// Whether it is to be mended since before a day.
    pub fn is_late(&self, today: Date) -> bool {
        self.end.is_none() && self.until() < today
    }

    /// Owner and co-owners.
    pub fn owners(&self) -> impl Iterator<Item = PersonId> {
        self.owner.into_iter().chain(self.co.iter().copied())
    }

    /// How many measures are done.
    pub fn done(&self) -> usize {
        self.measures.iter().filter(|m| m.done.is_some()).count()
    }

    /// Takes in what happened.
    pub fn apply(&mut self, kind: &Kind, e: &Event) {
        if e.state != self.state {
            let spent = self.spent.entry(std::mem::take(&mut self.state));
            *spent.or_default() += e.at.0 - self.since.0;
            (self.state, self.since) = (e.state.clone(), e.at);
            self.end = kind.state(&e.state).and_then(|s| s.end);
        }
        match &e.act {
            Act::Assigned {
                unit,
                owner,
                co,
                supervisor,
            } => {
                (self.unit, self.owner, self.supervisor) = (*unit, *owner, *supervisor);
                self.co = co.iter().copied().collect();
                self.doers.extend(owner.iter().chain(co));
            }
            Act::Planned { cause, measures } => {
                self.cause.clone_from(cause);
                self.measures.retain(|m| m.done.is_some());
                for m in measures {
                    self.doers.insert(m.owner);
                    self.measures.push(m.clone());
                }
            }
            Act::MeasureDone { no, on } => {
                if let Some(m) = self.measures.iter_mut().find(|m| m.no == *no) {
                    m.done = Some(*on);
                }
                self.doers.extend(e.person);
            }
            Act::Submitted | Act::Reported => self.doers.extend(e.person),
            Act::Accepted => {
                self.accepted = Some(e.at);
                (self.pending, self.look) = (None, None);
            }
            Act::Refused => self.refusals += 1,
            Act::TimeWanted { until, .. } => self.pending = Some(Pending::Time(*until)),
            Act::TimeGiven { until } => {
                // What was given after it was opened again counts from then on.
                match self.again {
                    Some(_) => self.again = Some(*until),
                    None => self.extended = Some(*until),
                }
                (self.pending, self.extensions) = (None, self.extensions + 1);
            }
            Act::EndWanted { end, .. } => self.pending = Some(Pending::End(*end)),
            Act::EndGiven { .. } | Act::NotGiven | Act::Duplicate { .. } | Act::Rejected => {
                self.pending = None;
            }
            Act::LookDue { no, unit } => self.look = Some((*no, *unit)),
            Act::Held => {
                self.looked = self.look.map_or(self.looked, |(no, _)| no);
                self.look = None;
            }
            Act::Reopened { until } => {
                // Where the unit is no more, what became of it mends on.
                if let Some((_, unit)) = self.look {
                    self.unit = unit;
                }
                (self.again, self.look, self.accepted) = (Some(*until), None, None);
                (self.looked, self.reopenings) = (0, self.reopenings + 1);
                self.evaluated.clear();
            }
            Act::Evaluated { values } => self.evaluated.clone_from(values),
            Act::RemedyAsked { remedy } => {
                self.remedies_asked = self.remedies_asked.max(remedy.no);
                self.remedies.push(remedy.clone());
            }
            Act::RemedyDropped { no } => self.remedies.retain(|r| r.no != *no),
            Act::Raised { .. }
            | Act::Urged
            | Act::Commented { .. }
            | Act::Reminded { .. }
            | Act::Escalated { .. }
            | Act::Recurs { .. }
            | Act::CausedBy { .. }
            | Act::PaperIssued { .. }
            | Act::Exposed
            | Act::Unexposed
            | Act::Declared { .. } => {}
        }
    }

    /// Whether somebody may judge it: nobody who had to mend it or did, nobody who stands in for one of them, nobody of a
    /// unit below the one that owns it, and no program.
    ///
    /// # Errors
    /// `Conflict` with the reason.
    pub fn may_judge(&self, hand: &Hand) -> Result<()> {
        let person = hand.person.ok_or_else(|| no("cases-judge-person"))?;
        if self.doers.contains(&person) {
            return Err(no("cases-judge-doer"));
        }
        if hand.stands_for.iter().any(|p| self.doers.contains(p)) {
            return Err(no("cases-judge-deputy"));
        }
        if hand.below {
            return Err(no("cases-judge-below"));
        }
        Ok(())
    }

    /// Whether somebody can do something now, before it is said what exactly.
    pub fn can(&self, kind: &Kind, hand: &Hand, verb: Verb) -> bool {
        self.allowed(kind, hand, verb).is_ok()
    }

    fn allowed<'k>(&self, kind: &'k Kind, hand: &Hand, verb: Verb) -> Result<&'k Move> {
        let rule = kind
            .moves_from(verb, &self.state)
            .ok_or_else(|| no("cases-moved-on"))?;
        if !rule.who.iter().any(|side| hand.sides.contains(side)) {
            return Err(Error::Forbidden);
        }
        if matches!(
            verb,
            Verb::Accept | Verb::Refuse | Verb::Hold | Verb::Evaluate
        ) {
            self.may_judge(hand)?;
        }
        // Where nothing is asked, there is nothing to say.
        if verb == Verb::Evaluate && kind.asked().next().is_none() {
            return Err(no("cases-nothing-asked"));
        }
        if verb == Verb::Hold && self.look.is_none() {
            return Err(no("cases-no-look"));
        }
        // Nobody turns down at the door what they brought themselves.
        if verb == Verb::Reject && (hand.person.is_none() || hand.person == self.raiser) {
            return Err(no("cases-own-rejected"));
        }
        if verb.is_asked() && self.pending.is_some() {
            return Err(no("cases-pending"));
        }
        Ok(rule)
    }

    /// The state that an act leads to, if it may be done.
    ///
    /// # Errors
    /// `Forbidden` for another side; `Conflict` when it stands otherwise, or they may not; `Invalid` for what is missing.
    pub fn decide(
        &self,
        kind: &Kind,
        hand: &Hand,
        act: &Act,
        (text, files): (&str, usize),
        today: Date,
    ) -> Result<String> {
        let verb = act
            .verb()
            .ok_or_else(|| Error::internal("not an act of people"))?;
        let rule = self.allowed(kind, hand, verb)?;
        let missing = |field: &str, key| Err(Error::field(field, Msg::new(key)));
        for need in &rule.needs {
            match need {
                Need::Text if text.trim().chars().count() < 2 => {
                    return missing("text", "cases-text-missing");
                }
                Need::Evidence if files == 0 => return missing("file", "cases-file-missing"),
                Need::MeasuresDone if self.measures.iter().any(|m| m.done.is_none()) => {
                    return Err(no("cases-measures-open"));
                }
                _ => {}
            }
        }
        match act {
            Act::TimeWanted { until, .. } if *until <= self.until() => {
                return missing("day", "cases-time-earlier");
            }
            Act::Reopened { until } if *until < today => {
                return missing("day", "cases-time-past");
            }
            Act::Planned { cause, measures } => {
                if cause.trim().chars().count() < 2 {
                    return missing("cause", "cases-cause-missing");
                }
                if measures.is_empty() && self.done() == 0 {
                    return missing("measures", "cases-measures-missing");
                }
            }
            Act::Evaluated { values } => {
                let asked = |code: &String| kind.asked().any(|f| f.code == *code);
                if values.is_empty() || !values.keys().all(asked) {
                    return missing("evaluated", "cases-evaluated-missing");
                }
            }
            Act::MeasureDone { no: number, on } => {
                let measure = self.measures.iter().find(|m| m.no == *number);
                if measure.is_none_or(|m| m.done.is_some()) {
                    return Err(no("cases-measure-done"));
                }
                if *on > today {
                    return missing("day", "cases-day-future");
                }
            }
            _ => {}
        }
        // What takes the agreement of others stays as it is until they have given it.
        let to = rule.to.clone().filter(|_| !verb.is_asked());
        Ok(to.unwrap_or_else(|| self.state.clone()))
    }

    /// The state that follows when what was asked for is given.
    ///
    /// # Errors
    /// `Conflict` when it was not asked for, or it stands otherwise by now.
    pub fn give(&self, kind: &Kind) -> Result<(Act, String)> {
        match self.pending {
            Some(Pending::Time(until)) if self.end.is_none() => {
                Ok((Act::TimeGiven { until }, self.state.clone()))
            }
            Some(Pending::End(end)) => {
                let verb = match end {
                    End::Transferred => Verb::Transfer,
                    _ => Verb::Explain,
                };
                let rule = kind.moves_from(verb, &self.state);
                let to = rule.and_then(|m| m.to.clone());
                let to = to.ok_or_else(|| no("cases-moved-on"))?;
                Ok((Act::EndGiven { end }, to))
            }
            _ => Err(no("cases-moved-on")),
        }
    }

    /// The stage in which it stands.
    pub fn stage(&self, kind: &Kind) -> Stage {
        kind.stage(&self.state)
    }
}
