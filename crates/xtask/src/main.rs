//! What developers and CI run:
//!
//! * `cargo xtask test [arguments of the test runner]`: every test, with everything they need;
//! * `cargo xtask packages`: only makes sure that what they need is installed.
#![expect(clippy::print_stdout, reason = "a command line tool")]

mod packages;
mod python;
mod runner;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <task>

  test [ARGS]   installs what the tests need (as root, with apt-get), starts a throw-away
                PostgreSQL and runs all tests; ARGS go to the test runner:
                cargo xtask test -p ledger sealing
  packages      only installs what the tests need";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let done = match args.next().as_deref() {
        Some("test") => packages::ensure().and_then(|()| runner::test(&args.collect::<Vec<_>>())),
        Some("packages") => packages::ensure(),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
