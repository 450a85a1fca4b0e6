//! The predicate language: small and closed, evaluated in Rust when facts are folded and compiled to
//! SQL when rows are listed. A property test holds both equal.

use std::collections::BTreeMap;

use db::Args;
use serde::{Deserialize, Serialize};

use crate::Fact;

/// A column of a fact that a predicate may test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// `kind`.
    Kind,
    /// `category`.
    Category,
    /// `role`.
    Role,
    /// `source`.
    Source,
    /// `qualifier`.
    Qualifier,
    /// `date`, compared as `YYYY-MM-DD`.
    Date,
    /// `minutes`.
    Minutes,
    /// `quantity`, thousandths.
    Quantity,
    /// `score`, hundredths.
    Score,
    /// `late`, 0 or 1.
    Late,
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// For the numeric columns.
    Int(i64),
    /// For the text columns.
    Text(String),
}

/// What a column must be. A column without a value passes no test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Test {
    /// Equal.
    Is(Scalar),
    /// One of.
    In(Vec<Scalar>),
    /// Bounds, all that are given.
    Range(Range),
}

/// Bounds of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Greater or equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Scalar>,
    /// Less or equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Scalar>,
    /// Less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<Scalar>,
}

/// Tests that must all hold. Written in packs as `{ kind = "attendance", role = ["present"], minutes = { min = 30 } }`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Predicate(pub BTreeMap<Column, Test>);

impl Column {
    fn sql(self) -> &'static str {
        match self {
            Self::Kind => "f.kind",
            Self::Category => "f.category",
            Self::Role => "f.role",
            Self::Source => "f.source",
            Self::Qualifier => "f.qualifier",
            Self::Date => "f.date",
            Self::Minutes => "f.minutes",
            Self::Quantity => "f.quantity",
            Self::Score => "f.score",
            Self::Late => "f.late",
        }
    }

    fn is_text(self) -> bool {
        matches!(
            self,
            Self::Kind | Self::Category | Self::Role | Self::Source | Self::Qualifier | Self::Date
        )
    }

    /// Whether bounds make sense. Codes have none: databases sort text by their own rules.
    fn has_order(self) -> bool {
        matches!(
            self,
            Self::Date | Self::Minutes | Self::Quantity | Self::Score
        )
    }

    /// The order of the fact's value relative to a scalar; none without a value or of another type.
    fn order(self, fact: &Fact, other: &Scalar) -> Option<std::cmp::Ordering> {
        let int = |v: Option<i64>| match other {
            Scalar::Int(o) => v.map(|v| v.cmp(o)),
            Scalar::Text(_) => None,
        };
        let text = |v: Option<&str>| match other {
            Scalar::Text(o) => v.map(|v| v.as_bytes().cmp(o.as_bytes())),
            Scalar::Int(_) => None,
        };
        match self {
            Self::Kind => text(Some(&fact.kind)),
            Self::Category => text(fact.category.as_deref()),
            Self::Role => text(fact.role.as_deref()),
            Self::Source => text(Some(&fact.source)),
            Self::Qualifier => text(fact.qualifier.as_deref()),
            Self::Date => match other {
                Scalar::Text(o) if is_date(o) => text(Some(&kernel::format_date(fact.date))),
                _ => None,
            },
            Self::Minutes => int(fact.minutes),
            Self::Quantity => int(fact.quantity),
            Self::Score => int(fact.score),
            Self::Late => int(Some(i64::from(fact.late))),
        }
    }
}

impl Predicate {
    /// Whether the fact passes.
    pub fn matches(&self, fact: &Fact) -> bool {
        self.0.iter().all(|(column, test)| {
            let order = |s: &Scalar| column.order(fact, s);
            match test {
                Test::Is(s) => order(s).is_some_and(std::cmp::Ordering::is_eq),
                Test::In(list) => list
                    .iter()
                    .any(|s| order(s).is_some_and(std::cmp::Ordering::is_eq)),
                Test::Range(r) => {
                    let holds = |bound: &Option<Scalar>, ok: fn(std::cmp::Ordering) -> bool| {
                        bound.as_ref().is_none_or(|s| order(s).is_some_and(ok))
                    };
                    column.has_order()
                        && (r.min.is_some() || r.max.is_some() || r.below.is_some())
                        && holds(&r.min, std::cmp::Ordering::is_ge)
                        && holds(&r.max, std::cmp::Ordering::is_le)
                        && holds(&r.below, std::cmp::Ordering::is_lt)
                }
            }
        })
    }

    /// The same as a condition on `fact f`; its arguments are added.
    pub fn sql(&self, args: &mut Args) -> String {
        if self.0.is_empty() {
            return "1=1".to_owned();
        }
        let mut parts = Vec::new();
        for (column, test) in &self.0 {
            let sql = column.sql();
            let mut compare = |op: &str, s: &Scalar| match value(*column, s, args) {
                Some(placeholder) => format!("{sql} {op} {placeholder}"),
                None => "1=0".to_owned(),
            };
            match test {
                Test::Is(s) => parts.push(compare("=", s)),
                Test::In(list) => {
                    let any: Vec<_> = list
                        .iter()
                        .map(|s| compare("=", s))
                        .filter(|c| c != "1=0")
                        .collect();
                    parts.push(match any.len() {
                        0 => "1=0".to_owned(),
                        _ => format!("({})", any.join(" OR ")),
                    });
                }
                Test::Range(_) if !column.has_order() => parts.push("1=0".to_owned()),
                Test::Range(r) => {
                    let bounds: Vec<_> = [(">=", &r.min), ("<=", &r.max), ("<", &r.below)]
                        .into_iter()
                        .filter_map(|(op, bound)| bound.as_ref().map(|s| compare(op, s)))
                        .collect();
                    parts.push(if bounds.is_empty() {
                        "1=0".to_owned()
                    } else {
                        bounds.join(" AND ")
                    });
                }
            }
        }
        parts.join(" AND ")
    }

    /// Columns compared with a value of the wrong type, which can never match: a mistake in a pack.
    pub fn mistakes(&self) -> Vec<Column> {
        let wrong = |column: &Column, s: &Scalar| match s {
            Scalar::Text(t) => !column.is_text() || (*column == Column::Date && !is_date(t)),
            Scalar::Int(v) => column.is_text() || (*column == Column::Late && !(0..=1).contains(v)),
        };
        self.0
            .iter()
            .filter(|(column, test)| match test {
                Test::Is(s) => wrong(column, s),
                Test::In(list) => list.is_empty() || list.iter().any(|s| wrong(column, s)),
                Test::Range(r) => {
                    let bounds = [&r.min, &r.max, &r.below];
                    !column.has_order()
                        || bounds.iter().all(|b| b.is_none())
                        || bounds.into_iter().flatten().any(|s| wrong(column, s))
                }
            })
            .map(|(column, _)| *column)
            .collect()
    }
}

/// The placeholder of a value; `None` when its type can never equal the column's.
fn value(column: Column, s: &Scalar, args: &mut Args) -> Option<String> {
    match (s, column) {
        (Scalar::Int(0 | 1), Column::Late) => Some(args.push(*s == Scalar::Int(1))),
        (_, Column::Late) => None,
        (Scalar::Int(v), c) if !c.is_text() => Some(args.push(*v)),
        (Scalar::Text(v), Column::Date) => is_date(v).then(|| args.push(v)),
        (Scalar::Text(v), c) if c.is_text() => Some(args.push(v)),
        _ => None,
    }
}

/// Dates are compared as text, so only the full form has an order.
fn is_date(text: &str) -> bool {
    text.len() == 10 && kernel::parse_date(text).is_some_and(|d| kernel::format_date(d) == text)
}
