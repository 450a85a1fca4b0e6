//! Tests of inspections.

mod checklists;
mod devices;
mod filling;
mod house;
mod pages;
mod plans;
