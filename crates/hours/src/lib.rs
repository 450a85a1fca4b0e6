//! The ledger of study hours (学时台账). Hours of activities come from attendance facts by rules of packs, never stored
//! twice; outside training is entered, reviewed by somebody else and written as facts of kind `hours`; how people
//! stand with what they must reach is computed from both.

mod credit;
mod pack;
mod rules;
mod spans;
mod standing;

pub use credit::{Credit, credits, total};
pub use rules::{
    Basis, Confidence, Content, Count, Form, HourRules, Joiners, LeaveLimit, Part, Requirement,
    RequirementVersion, Rule, RuleVersion, Slot, Way, Which, Who, Window,
};
pub use spans::Spans;
pub use standing::{Around, PartStanding, Span, Standing, State, spans, standing};
