//! Activities on both engines: the service, races between nodes, pages and API over HTTP.

mod api;
mod confirm;
mod decisions;
mod doors;
mod evidence;
mod house;
mod kinds;
mod leave;
mod levels;
mod pages;
mod opinions;
mod plans;
mod races;
mod reflections;
mod service;
mod sheets;
mod votes;
