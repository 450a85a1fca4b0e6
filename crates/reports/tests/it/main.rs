//! Reports over real facts, as a service, as pages and as documents.

mod drafts;
mod frozen;
mod house;
mod pages;
mod papers;
