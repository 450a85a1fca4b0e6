//! Hours on both engines: packs, rules as properties, the service, pages and API over HTTP.

mod house;
mod packs;
mod pages;
mod races;
mod rules;
mod service;
