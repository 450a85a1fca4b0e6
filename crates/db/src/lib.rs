//! One SQL text on two engines: SQLite (embedded default) and PostgreSQL.
//!
//! * [`Db`] opens a database; [`transaction!`] writes with retries; [`Db::read`] opens a snapshot.
//! * [`Args`] collects arguments and hands out their `$n` placeholders.
//! * [`Migration`]s are forward only, one transaction each, so an interrupted run is resumed.
//! * [`GroupCommit`] lets requests that arrive together share one durable transaction.
//! * [`copy`] reads and writes whole databases in a portable form.
//! * [`jobs`] is the table of background work, safe with several nodes.
//!
//! What is portable is written down in `ARCHITECTURE.md`; a tidy test holds it.

mod args;
mod connect;
pub mod copy;
mod error;
mod group;
pub mod jobs;
mod migrate;
mod row;
mod tx;

pub use args::{Arg, Args};
pub use connect::{Db, DbOptions, Engine};
pub use group::{BatchReader, BatchWriter, GroupCommit, GroupRead};
pub use migrate::{Migration, applied, migrate, pending};
pub use row::{Column, Row, json};
pub use tx::{Retry, Step, Tx};

/// Runs a block as one write transaction and runs it again when it lost a race (serialization
/// failure, deadlock, busy database). The block may borrow what surrounds it; it must not have
/// effects outside the transaction, because it may run more than once.
///
/// ```ignore
/// let total = db::transaction!(db, |tx| {
///     tx.execute("UPDATE counter SET n = n + 1 WHERE name = $1", args!["x"]).await?;
///     Ok(1)
/// })?;
/// ```
#[macro_export]
macro_rules! transaction {
    ($db:expr, |$tx:ident| $body:expr) => {{
        let mut retry = $crate::Retry::new(&$db);
        loop {
            let mut owned = match retry.begin().await {
                Ok(tx) => tx,
                Err(e) => break Err(e),
            };
            let result: ::kernel::Result<_> = {
                let $tx = &mut owned;
                async { $body }.await
            };
            match retry.finish(owned, result).await {
                $crate::Step::Done(result) => break result,
                $crate::Step::Again => {}
            }
        }
    }};
}

/// Builds [`Args`] from values: `args![unit, date, 3_i64]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut args = $crate::Args::new();
        $( args.push($value); )*
        args
    }};
}
