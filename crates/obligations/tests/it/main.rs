//! Obligations over real facts, as a service and as pages.

mod cadences;
mod changes;
mod draws;
mod excuses;
mod house;
mod inspections;
mod pages;
mod reminders;
mod standing;
mod subjects;
