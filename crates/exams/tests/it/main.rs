//! Examinations over both engines: what is acknowledged is there, whatever comes in between.

mod admission;
mod figures;
mod handed;
mod house;
mod making;
mod office;
mod races;
mod results;
mod room;
mod sitting;
mod telling;
