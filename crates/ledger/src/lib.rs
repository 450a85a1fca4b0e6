//! The ledger (台账), the waist of the hourglass: features write facts, readings read them.
//!
//! * [`Fact`]: append-only, attributed as of the event, corrected only by a reversal (冲正).
//! * [`Sealer`]: gives facts a dense sequence in an RFC 6962 Merkle tree and, in the same
//!   transaction, folds them into rollups and obligation progress.
//! * [`Reading`]: sealed rollup plus unsealed tail in one snapshot, so a number is exact at every moment
//!   and opens down to its rows.
//! * [`verify`]: proves the tree, recounts the rollups, lists the tail.
//!
//! How and why, step by step: `ARCHITECTURE.md`, "The ledger".

mod append;
mod checkpoint;
mod component;
mod fact;
mod fold;
mod memo;
pub mod merkle;
mod predicate;
mod progress;
mod reading;
mod seal;
mod source;
mod store;
mod verify;

pub use append::{Ledger, TAIL_LIMIT};
pub use checkpoint::{Checkpoint, CheckpointStore, Signer};
pub use component::{Axis, Component, Definition, Distinct, Value, pair};
pub use fact::{Fact, Hash, PlaceId};
pub use predicate::{Column, Predicate, Scalar, Test};
pub use progress::{Done, Progress};
pub use reading::{Page, Reading, Total};
pub use seal::{Round, Sealer};
pub use source::{Label, Source, SourceFile, Sources};
pub use store::MIGRATIONS;
pub use verify::{Report, verify};
