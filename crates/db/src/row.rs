//! A row of either engine and the closed set of types that can be read from it.

use kernel::{Date, Error, Id, Result, Timestamp};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// A row of a result.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Pg(PgRow),
}

/// A type that a column can be read as.
pub trait Column: Sized {
    /// Reads column `index`.
    fn read(row: &Row, index: usize) -> Result<Self>;
}

impl Row {
    /// Column `index` (from 0).
    ///
    /// # Errors
    /// `Internal` when the column is missing or of another type: a defect of the SQL text.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        T::read(self, index)
    }

    /// Column `index` (from 0), which keeps a value as JSON text ([`json`]).
    ///
    /// # Errors
    /// `Internal` when the column holds something else.
    pub fn json<T: serde::de::DeserializeOwned>(&self, index: usize) -> Result<T> {
        let text: String = self.get(index)?;
        serde_json::from_str(&text).map_err(|e| Error::internal(format!("column {index}: {e}")))
    }
}

/// A value as a TEXT column keeps it.
///
/// # Errors
/// `Internal` when the value cannot be written so: a defect of its type.
pub fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

macro_rules! plain {
    ($($t:ty),*) => {$(
        impl Column for Option<$t> {
            fn read(row: &Row, index: usize) -> Result<Self> {
                match row {
                    Row::Sqlite(r) => r.try_get(index),
                    Row::Pg(r) => r.try_get(index),
                }
                .map_err(|e| Error::internal(format!("column {index}: {e}")))
            }
        }
        impl Column for $t {
            fn read(row: &Row, index: usize) -> Result<Self> {
                // SQLite's driver would take NULL for zero or nothing.
                row.get::<Option<$t>>(index)?
                    .ok_or_else(|| Error::internal(format!("column {index}: NULL")))
            }
        }
    )*};
}

plain!(i64, String, Vec<u8>, bool, f64);

macro_rules! through {
    ($($t:ty, $raw:ty, $v:ident => $convert:expr;)*) => {$(
        impl Column for $t {
            fn read(row: &Row, index: usize) -> Result<Self> {
                let $v: $raw = row.get(index)?;
                $convert
            }
        }
        impl Column for Option<$t> {
            fn read(row: &Row, index: usize) -> Result<Self> {
                let value: Option<$raw> = row.get(index)?;
                value.map(|$v| $convert).transpose()
            }
        }
    )*};
}

fn id(bytes: &[u8]) -> Result<Id> {
    Id::from_slice(bytes).map_err(Error::internal)
}

through! {
    Timestamp, i64, v => Ok(Timestamp(v));
    Date, String, v => kernel::parse_date(&v).ok_or_else(|| Error::internal(format!("no date: {v}")));
    Id, Vec<u8>, v => id(&v);
    kernel::UnitId, Vec<u8>, v => id(&v).map(Into::into);
    kernel::PersonId, Vec<u8>, v => id(&v).map(Into::into);
    kernel::AccountId, Vec<u8>, v => id(&v).map(Into::into);
    kernel::ActivityId, Vec<u8>, v => id(&v).map(Into::into);
    kernel::FactId, Vec<u8>, v => id(&v).map(Into::into);
    kernel::FileId, Vec<u8>, v => id(&v).map(Into::into);
    kernel::JobId, Vec<u8>, v => id(&v).map(Into::into);
    kernel::ReportId, Vec<u8>, v => id(&v).map(Into::into);
}
