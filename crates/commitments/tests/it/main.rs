//! Commitments, from the packs to the pages.

mod house;
mod letters;
mod lists;
