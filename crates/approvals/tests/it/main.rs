//! The state machine by random acts, the engine on both databases, races between nodes, pages through HTTP.

mod case;
mod house;
mod limits;
mod pages;
mod races;
mod service;
