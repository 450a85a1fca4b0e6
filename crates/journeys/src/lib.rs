//! Journeys of people through the program, in a real browser: all in `tests/it`.
