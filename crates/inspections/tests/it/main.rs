//! Tests of inspections.

mod checklists;
mod filling;
mod house;
mod pages;
mod plans;
