//! Cases, from the machine to the pages.

mod case;
mod evaluating;
mod hostile;
mod house;
mod minding;
mod packs;
mod pages;
mod papers;
mod races;
mod remedies;
mod service;
mod threads;
