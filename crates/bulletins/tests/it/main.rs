//! Bulletins on both engines: the way from draft to published, numbers between nodes, who sees what, pages and API.

mod flow;
mod house;
mod pages;
