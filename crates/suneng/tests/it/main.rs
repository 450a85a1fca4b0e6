//! The program as an operator sees it: the real binary, both engines, and what may befall it.

mod approvals;
mod backup;
mod bench;
mod bulletins;
mod cockpit;
mod demo;
mod deploy;
mod deputies;
mod edge;
mod exams;
mod faults;
mod figures;
mod golden;
mod guard;
mod jobs;
mod keys;
mod nodes;
mod operation;
mod packs;
mod program;
mod provisioning;
mod proxy;
mod schedule;
mod secrecy;
mod sitting;
mod tls;
