//! The bank on both engines: the service, imports, what examinations read, pages over HTTP.

mod api;
mod house;
mod pages;
mod service;
