//! Indicators (指标): figures made from the ledger's components. Each carries its definition, numerator and
//! denominator, cut-off and comparison, and opens down to the rows under it.

mod api;
mod figure;
mod indicator;
mod pages;
mod period;
mod rows;
mod samples;
mod service;

pub use figure::{Change, Figure, Ratio};
pub use indicator::{Indicator, IndicatorList, Measure};
pub use pages::module;
pub use period::{Span, span_of};
pub use service::Indicators;

/// Permission to see figures and the rows under them.
pub const READ: &str = "indicator.read";

/// Where the thing behind a fact is shown, if anywhere; the program knows which feature that is.
pub type SubjectHref = fn(&ledger::Fact) -> Option<String>;

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/indicators.ftl")),
    ("en", include_str!("../locales/en/indicators.ftl")),
];
