//! Indicators over real facts, as a service and as pages.

mod figures;
mod house;
mod measures;
mod pages;
mod rows;
