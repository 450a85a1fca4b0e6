//! Tests of inspections.

mod checklists;
mod house;
