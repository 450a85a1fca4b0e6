//! Examinations over both engines: what is acknowledged is there, whatever comes in between.

mod house;
mod races;
mod room;
mod sitting;
