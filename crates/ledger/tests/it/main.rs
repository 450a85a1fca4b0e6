//! The ledger on both engines.

mod predicates;
mod rivals;
mod story;
mod world;
