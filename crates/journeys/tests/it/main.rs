//! Journeys of people through the program, in a real browser, at 1440 and 390 pixels.

mod browser_works;
mod campaign;
mod looks;
mod program;
mod story;
mod ways;
