//! Arguments of a statement: a closed set of types, the same on both engines.

use std::fmt::Write;

use kernel::{Date, Id, Timestamp};

/// One argument. The option is inside, because PostgreSQL wants a type for NULL too.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// BIGINT.
    Int(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// BLOB or BYTEA.
    Bytes(Option<Vec<u8>>),
    /// BOOLEAN.
    Bool(Option<bool>),
    /// DOUBLE PRECISION.
    Real(Option<f64>),
}

macro_rules! into_arg {
    ($($from:ty => $variant:ident($value:ident) $convert:expr;)*) => {$(
        impl From<$from> for Arg {
            fn from($value: $from) -> Self {
                Self::$variant(Some($convert))
            }
        }
        impl From<Option<$from>> for Arg {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(|$value| $convert))
            }
        }
    )*};
}

into_arg! {
    i64 => Int(v) v;
    i32 => Int(v) i64::from(v);
    u32 => Int(v) i64::from(v);
    Timestamp => Int(v) v.0;
    &str => Text(v) v.to_owned();
    String => Text(v) v;
    &String => Text(v) v.clone();
    Date => Text(v) kernel::format_date(v);
    &[u8] => Bytes(v) v.to_vec();
    Vec<u8> => Bytes(v) v;
    Id => Bytes(v) v.0.to_vec();
    kernel::UnitId => Bytes(v) v.0.0.to_vec();
    kernel::PersonId => Bytes(v) v.0.0.to_vec();
    kernel::AccountId => Bytes(v) v.0.0.to_vec();
    kernel::ActivityId => Bytes(v) v.0.0.to_vec();
    kernel::FactId => Bytes(v) v.0.0.to_vec();
    kernel::FileId => Bytes(v) v.0.0.to_vec();
    kernel::JobId => Bytes(v) v.0.0.to_vec();
    kernel::ReportId => Bytes(v) v.0.0.to_vec();
    bool => Bool(v) v;
    f64 => Real(v) v;
}

/// The arguments of one statement, in the order of their `$n`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Args(pub(crate) Vec<Arg>);

impl Args {
    /// No arguments yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No arguments yet, room for `n`.
    pub fn with_capacity(n: usize) -> Self {
        Self(Vec::with_capacity(n))
    }

    /// Adds an argument and gives its placeholder, `$3` for the third.
    pub fn push(&mut self, value: impl Into<Arg>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// Adds an argument whose placeholder the caller writes itself.
    pub fn add(&mut self, value: impl Into<Arg>) {
        self.0.push(value.into());
    }

    /// Adds all values and gives `$4,$5,$6` for an IN list; `NULL`, which matches nothing, when
    /// there are none.
    pub fn list<T: Into<Arg>>(&mut self, values: impl IntoIterator<Item = T>) -> String {
        let first = self.0.len();
        self.0.extend(values.into_iter().map(Into::into));
        if self.0.len() == first {
            return "NULL".to_owned();
        }
        let mut text = String::new();
        for n in first + 1..=self.0.len() {
            let _ = write!(text, "{}${n}", if n > first + 1 { "," } else { "" });
        }
        text
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `($1,$2),($3,$4)` for a VALUES list of so many rows and columns, numbered from `$1`.
    pub fn values(rows: usize, columns: usize) -> String {
        let mut text = String::with_capacity(rows * columns * 7);
        let mut n = 0;
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ",(" });
            for column in 0..columns {
                n += 1;
                let _ = write!(text, "{}${n}", if column == 0 { "" } else { "," });
            }
            text.push(')');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_on() {
        let mut args = Args::new();
        assert_eq!(args.push(7_i64), "$1");
        assert_eq!(args.list(["a", "b"]), "$2,$3");
        assert_eq!(args.list(Vec::<i64>::new()), "NULL");
        assert_eq!(args.push(true), "$4");
        assert_eq!(Args::values(2, 3), "($1,$2,$3),($4,$5,$6)");
    }
}
