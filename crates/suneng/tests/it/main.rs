//! The program as an operator sees it: the real binary, both engines, and what may befall it.

mod backup;
mod bench;
mod demo;
mod faults;
mod golden;
mod nodes;
mod operation;
mod program;
