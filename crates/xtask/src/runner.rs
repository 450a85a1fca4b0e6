//! Runs the tests, with one PostgreSQL for the whole run.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Runs all tests, or those that the arguments select.
pub fn test(args: &[String]) -> Result<(), String> {
    let cluster = match std::env::var(pgcluster::URL_VARIABLE) {
        Ok(_) => None,
        Err(_) => Some(pgcluster::Cluster::start()?),
    };
    let nextest = Command::new(cargo())
        .args(["nextest", "--version"])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|out| out.status.success());
    let mut command = Command::new(cargo());
    command.args(runner_args(nextest, args));
    if let Some(cluster) = &cluster {
        command.env(pgcluster::URL_VARIABLE, cluster.url());
        command.env(pgcluster::FOLDER_VARIABLE, cluster.folder());
    }
    let passed = if nextest {
        // Nextest ends with its own summary: "N tests run: N passed".
        run(&mut command)?
    } else {
        run_and_count(&mut command)?
    };
    if passed {
        Ok(())
    } else {
        Err("tests failed".to_owned())
    }
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn runner_args(nextest: bool, args: &[String]) -> Vec<String> {
    let mut all: Vec<String> = if nextest {
        vec!["nextest".into(), "run".into()]
    } else {
        vec!["test".into(), "--tests".into()]
    };
    all.push("--no-fail-fast".into());
    let selects =
        |a: &String| a == "--package" || a.starts_with("-p") || a.starts_with("--package=");
    if !args.iter().any(selects) {
        all.push("--workspace".into());
    }
    all.extend_from_slice(args);
    all
}

fn run(command: &mut Command) -> Result<bool, String> {
    let status = command
        .status()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    Ok(status.success())
}

/// Plain `cargo test` counts per test binary only: adds the counts up.
fn run_and_count(command: &mut Command) -> Result<bool, String> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    let stdout = child.stdout.take().ok_or("cargo has no output")?;
    let mut total = Count::default();
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|e| format!("cannot read cargo's output: {e}"))?;
        println!("{line}");
        total.add(&line);
    }
    let status = child
        .wait()
        .map_err(|e| format!("cannot wait for cargo: {e}"))?;
    println!("\n{} passed, {} failed", total.passed, total.failed);
    Ok(status.success())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    /// Reads a line such as `test result: ok. 5 passed; 0 failed; 0 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split("; ") {
            match part.split_once(' ') {
                Some((n, "passed")) => self.passed += n.parse().unwrap_or(0),
                Some((n, "failed")) => self.failed += n.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_test_binaries() {
        let mut total = Count::default();
        total.add("test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        total.add("test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured");
        total.add("test module::name ... ok");
        assert_eq!(
            total,
            Count {
                passed: 7,
                failed: 1
            }
        );
    }

    #[test]
    fn the_whole_workspace_unless_a_package_is_named() {
        let named = runner_args(true, &["-p".into(), "ledger".into()]);
        assert_eq!(named, ["nextest", "run", "--no-fail-fast", "-p", "ledger"]);
        let all = runner_args(false, &[]);
        assert_eq!(all, ["test", "--tests", "--no-fail-fast", "--workspace"]);
    }
}
