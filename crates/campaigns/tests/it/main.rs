//! Campaigns, from the packs to the pages.

mod ending;
mod house;
mod nodes;
mod packs;
mod pages;
mod races;
mod rules;
mod story;
