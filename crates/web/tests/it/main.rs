//! The web kit through HTTP: policies, failures, headers, forms, languages.

mod app;
mod failures;
mod pages;
mod policies;
