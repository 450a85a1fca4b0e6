//! Records found by their words (检索): a room writes the words of a record in the transaction that writes
//! the record, and asks for the records that have all words of a question. Chinese is cut into pairs of
//! characters, so that words of two characters are found on both engines alike, without extensions; letters
//! and digits are found from their beginning.
//!
//! ```no_run
//! # async fn f(tx: &mut db::Tx, id: kernel::Id, unit: kernel::UnitId) -> kernel::Result<()> {
//! search::index(tx, "activity", id, unit, "周五学习：行政复议法").await?;
//! let words = kernel::words::Words::new("行政 复议");
//! let found = search::find(tx, "activity", &words, |_, _| "1=1".to_owned(), 20).await?;
//! # Ok(()) }
//! ```

mod fill;
mod store;

pub use fill::{Entry, fill};
pub use store::{MIGRATIONS, filled, find, forget, index, to_fill};
