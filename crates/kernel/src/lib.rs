//! The kernel: ids, clock, dates, periods, errors, scopes. Pure; no input or output.
//!
//! Everything that differs between a test and the real world (time, randomness) reaches the other
//! crates through [`Env`], so that a test owns it.

mod calendar;
mod date;
mod env;
mod error;
mod id;
mod period;
mod scope;
mod spans;
pub mod words;

pub use calendar::{Calendar, DayKind, Shift};
pub use date::{Timestamp, format_date, parse_date};
pub use env::{Clock, Env, Random, TestClock};
pub use error::{Error, FieldError, Msg, Result};
pub use id::{
    AccountId, ActivityId, FactId, FileId, Id, IdParseError, JobId, PersonId, ReportId, UnitId,
};
pub use jiff::civil::Date;
pub use period::{Period, PeriodKind};
pub use scope::Scope;
pub use spans::{Spans, days};
