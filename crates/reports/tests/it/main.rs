//! Reports over real facts, as a service, as pages and as documents.

mod frozen;
mod house;
mod pages;
