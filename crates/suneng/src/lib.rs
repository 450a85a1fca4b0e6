//! The program: puts the rooms of the house together, starts and stops them, and gives the operator
//! what is needed to run them. A library, so that tests can start parts of it.

mod approving;
pub mod archive;
mod attention;
pub mod backup;
pub mod bench;
pub mod checkpoints;
pub mod cli;
pub mod config;
pub mod demo;
pub mod doctor;
mod doors;
pub mod editing;
pub mod figures;
pub mod health;
mod home;
pub mod import;
pub mod init;
pub mod jobs_page;
pub mod keys;
pub mod limits;
pub mod metrics;
pub mod modules;
pub mod operation;
pub mod packs_page;
pub mod proxies;
mod renewing;
pub mod restore;
pub mod rooms;
pub mod schedule;
mod secrecy;
pub mod serve;
pub mod settings;
pub mod texts;
pub mod tls;
pub mod verify;
pub mod world;

pub use config::Config;
pub use world::World;
