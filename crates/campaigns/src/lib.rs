//! Campaigns (专项行动、主题教育、专项整治) and the tree of programmes (战略—条线—项目—活动) that they hang on.
//!
//! * Kinds with phases, tracks, documents, checklist, survey and summary are data of packs ([`CampaignKinds`]); a campaign
//!   keeps its kind as it was when it began.
//! * What a campaign shows of activities, examinations and cases it claims from the ledger ([`Claim`]): which facts, of
//!   which units, on which days. It knows nothing of the rooms that wrote them, and every number opens to its rows.
//! * The plan is issued under a number once an approval agreed; the checklist has versions with a day from which each
//!   holds; a unit's own score is compared with that of somebody else; people answer a survey that nobody can read them
//!   out of; closing writes facts, and opening again takes them back.

// What a page shows is one value of many fields.
#![recursion_limit = "256"]

mod api;
mod approving;
mod checklist;
mod claims;
mod closing;
mod cockpit_page;
mod facts;
mod form_page;
mod kind;
mod list_page;
mod minding;
mod model;
mod module;
mod nodes;
mod nodes_page;
mod plans;
mod plans_page;
mod samples;
mod score_page;
mod searching;
mod service;
mod show_page;
mod source;
mod store;
mod summary_page;
mod survey;
mod survey_page;
mod taking;
mod typed;
mod units_page;

pub use approving::{Issue, PLAN_ISSUE};
pub use checklist::{Marked, Objected, Scored};
pub use claims::{Cell, Line, Problems};
pub use kind::{CampaignKind, CampaignKinds, Claim, Count, Document, Figure, Phase, Track};
pub use model::{
    Act, Campaign, Content, Eyes, Filter, Measure, New, Side, State, Stretch, Taken, Taking,
};
pub use module::module;
pub use nodes::{Level, Node, Rolled};
pub use plans::{Plan, PlanState};
pub use service::{Campaigns, Whole};
pub use source::CampaignFacts;
pub use store::{MIGRATIONS, erase};
pub use survey::Window;

/// Permission to see campaigns of units, and those that name them.
pub const READ: &str = "campaign.read";
/// Permission to plan and run campaigns.
pub const PLAN: &str = "campaign.plan";
/// Permission to report and to score oneself on behalf of units.
pub const REPORT: &str = "campaign.report";
/// Permission to inspect and score units, and to answer what they object to.
pub const SCORE: &str = "campaign.score";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/campaigns.ftl")),
    ("en", include_str!("../locales/en/campaigns.ftl")),
];
