//! Lists of what a post answers for (责任清单), in versions put to use by somebody else; each year its holder reports item by
//! item, filled from the ledger (年度履责报告), and somebody above accepts or returns it.

mod kind;
mod minding;
mod model;
mod module;
mod pages;
mod paper;
mod report_page;
pub(crate) mod samples;
mod service;

pub use kind::{AnswerList, AnswerLists, Figure, PackItem};
pub use model::{
    Item, List, NewList, Report, ReportState, Version, items_text, read_items, timeliness,
};
pub(crate) use module::routes;
pub(crate) use service::SELF_REPORT;
pub use service::{Answering, ReportView, Seen};
