//! Indicators over real facts, as a service and as pages.

mod bands;
mod figures;
mod house;
mod measures;
mod pages;
mod rows;
