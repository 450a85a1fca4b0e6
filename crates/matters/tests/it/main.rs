//! Matters on both engines.

mod house;
mod packs;
mod pages;
mod rules;
mod story;
