//! Indicators (指标): figures made from the ledger's components. Each carries its definition, numerator and
//! denominator, cut-off and comparison, and opens down to the rows under it.

mod api;
mod bands;
mod catalogue;
mod figure;
mod indicator;
mod opened;
mod pages;
mod period;
mod print;
mod rates;
mod rows;
mod samples;
mod searching;
mod service;

pub use bands::{Band, BandTone, Benchmark};
pub use figure::{Base, Change, ChangeKind, Direction, Figure, Ratio};
pub use indicator::{Indicator, IndicatorList, Measure, Of};
pub use pages::{band_tag, card, module, open_href, references, value_text};
pub use period::{Span, span_of};
pub use print::Style;
pub use service::Indicators;

/// Permission to see figures and the rows under them.
pub const READ: &str = "indicator.read";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/indicators.ftl")),
    ("en", include_str!("../locales/en/indicators.ftl")),
];
