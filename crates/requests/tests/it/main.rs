//! The state machine by random acts, requests on both databases, races between nodes, reminders by the clock, pages
//! through HTTP.

mod case;
mod house;
mod pages;
mod races;
mod reminders;
mod service;
