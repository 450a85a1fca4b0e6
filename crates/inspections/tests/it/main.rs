//! Tests of inspections.

mod branches;
mod checklists;
mod devices;
mod filling;
mod house;
mod pages;
mod plans;
