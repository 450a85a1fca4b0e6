//! Activities on both engines: the service, races between nodes, pages and API over HTTP.

mod api;
mod confirm;
mod decisions;
mod doors;
mod evidence;
mod findings;
mod history;
mod house;
mod kinds;
mod leave;
mod levels;
mod opinions;
mod pages;
mod plans;
mod races;
mod reflections;
mod service;
mod sheets;
mod speeches;
mod votes;
