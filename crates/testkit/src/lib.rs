//! For tests of everything that stores rows: the same body on a fresh SQLite file and on a fresh
//! PostgreSQL database, with a clock that stands still.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_unit_is_found_by_its_name() {
//!     testkit::on_both(MIGRATIONS, |t| async move {
//!         let unit = store::add(&t.db, &t.env, "澜州市司法局").await.unwrap();
//!         let other_node = t.second().await;
//!         assert_eq!(store::find(&other_node, "澜州市司法局").await.unwrap(), Some(unit));
//!     })
//!     .await;
//! }
//! ```
//!
//! `cargo xtask test` starts one PostgreSQL for the whole run; a plain `cargo test -p x` starts one
//! per test binary. A test without PostgreSQL fails and says what to install: nothing is skipped.

pub mod pg;
mod sqlite;
mod threads;
mod world;

pub use threads::threads_are_tested;
pub use world::{TestDb, env, on_both, on_postgres, on_sqlite};
