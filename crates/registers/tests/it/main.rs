//! Registers on both engines: packs, the service, races between nodes, pages and API over HTTP.

mod house;
mod import;
mod packs;
mod pages;
mod races;
mod service;
