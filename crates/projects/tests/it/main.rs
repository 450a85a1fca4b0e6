//! Projects, from the packs to the pages.

mod house;
mod packs;
mod pages;
mod research;
mod rules;
mod story;
mod visits;
