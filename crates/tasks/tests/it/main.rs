//! Tasks, from the packs to the pages.

mod duties;
mod house;
mod importing;
mod pages;
mod plans;
mod practical;
mod races;
mod reports;
mod rules;
