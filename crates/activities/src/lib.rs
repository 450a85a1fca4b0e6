//! Activities (活动): study sessions and the like, recorded by roster. Writes facts: `held` once for the
//! organising unit, `attendance` once for each person of the roster.

mod amend;
mod amend_page;
mod api;
mod attendance;
mod confirm;
mod confirm_pages;
mod decision_pages;
mod decisions;
mod details;
mod door;
mod evidence;
mod evidence_pages;
mod findings;
mod form_page;
mod history;
mod history_pages;
mod kind;
mod leave;
mod levels;
mod list_page;
mod makeup;
mod mine_pages;
mod model;
mod opinion_pages;
mod opinions;
mod pages;
mod participants;
mod plan;
mod plan_pages;
mod recording;
mod reflection;
mod reflection_pages;
mod samples;
mod searching;
mod service;
mod sheet;
mod sheet_pages;
mod shown;
mod source;
mod speeches;
mod store;
mod traces;
mod typed;
mod view;
mod vote_pages;
mod votes;

pub use amend::Amended;
pub use attendance::{Late, LateWriter};
pub use confirm::{History, Outcome};
pub use decisions::{Decision, Duty, NewDecision};
pub use details::{Details, Item, Pair, Session, next_session, session_fits};
pub use door::{Came, Receipt, Way};
pub use evidence::NewFile;
pub use findings::DutyWay;
pub use history::{Import, Total};
pub use kind::{
    ActivityKind, ActivityKinds, AgendaItem, CheckIn, Choice, Confidential, Evidence, FieldKind,
    KindField, KindGroup, KindRole, OneOrMany, RoleOf, RosterOf,
};
pub use leave::{Leave, LeaveState, WaitingLeave};
pub use makeup::{MadeUpBy, MakeUp, Missed, NewMakeUp};
pub use model::{Activity, Confirmation, InSeries, Mark, New, Part, Role};
pub use opinions::{Call, NewCall, Opinion, OpinionOwner, Verdict};
pub use pages::module;
pub use plan::{NewPlan, Plan, PlanChange, PlanState};
pub use recording::HeldRole;
pub use reflection::{Reflection, ReflectionOf, ReflectionState, similarity};

pub use service::Activities;
pub use sheet::short_code;
pub use source::ActivityFacts;
pub use speeches::Speech;
pub use store::MIGRATIONS;
pub use store::details::Version;
pub use store::files::FiledEvidence;
pub use traces::Texts;
pub use view::View;
pub use votes::{NewResolution, Outcome as VoteOutcome, PassOf, Quorum, Resolution, Voters};

/// Permission to see activities and their rosters.
pub const READ: &str = "activity.read";
/// Permission to record and correct them.
pub const RECORD: &str = "activity.record";
/// Permission to take a whole activity back.
pub const REVERSE: &str = "activity.reverse";
/// Permission to confirm what others recorded.
pub const CONFIRM: &str = "activity.confirm";
/// Permission to plan activities, to move and to cancel them.
pub const PLAN: &str = "activity.plan";
/// Permission to see what is confidential between two people.
pub const CONFIDENTIAL: &str = "activity.confidential";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/activities.ftl")),
    ("en", include_str!("../locales/en/activities.ftl")),
];
