//! The crate graph: an hourglass. Features write facts, readings read them, neither knows the other.

use crate::{Files, Problems};

const KERNEL: &str = "kernel";
const DB: &str = "db";
/// What everything stands on; a ground crate may use other ground crates.
const GROUND: [&str; 14] = [
    KERNEL,
    DB,
    "crypt",
    "search",
    "desk",
    "web",
    "notices",
    "approvals",
    "requests",
    "organization",
    "identity",
    "commons",
    "questions",
    "guard",
];
/// The waist.
const LEDGER: &str = "ledger";
/// Vertical slices that write facts; never one another.
const FEATURES: [&str; 12] = [
    "activities",
    "registers",
    "hours",
    "exams",
    "bulletins",
    "cases",
    "inspections",
    "campaigns",
    "commitments",
    "tasks",
    "projects",
    "matters",
];
/// What reads facts; never a feature.
const READINGS: [&str; 4] = ["obligations", "indicators", "reports", "cockpit"];
/// Readings that build on another reading.
const BUILDS_ON: [(&str, &str); 2] = [("reports", "indicators"), ("cockpit", "indicators")];
/// The binary, which knows everything, and the tests that drive it.
const TOP: [&str; 2] = ["suneng", "journeys"];
/// An invented house for tests of rooms: it stands on what rooms stand on.
const TESTHOUSE: &str = "testhouse";
/// Tools for tests and developers: never in the program.
const TOOLS: [&str; 7] = [
    "testkit",
    TESTHOUSE,
    "browser",
    "journeys",
    "pgcluster",
    "tidy",
    "xtask",
];

/// Every crate has its place and depends only on what that place allows.
pub fn check(files: &Files) -> Problems {
    let manifests: Vec<_> = files
        .iter()
        .filter(|f| f.path.starts_with("crates/") && f.path.matches('/').count() == 2)
        .filter(|f| f.path.ends_with("/Cargo.toml"))
        .filter_map(|f| Some((f.crate_name()?, f.text()?.parse::<toml::Table>().ok()?)))
        .collect();
    let ours = |name: &str| manifests.iter().any(|(n, _)| *n == name);
    let mut problems = Problems::new();
    for (name, manifest) in &manifests {
        if !is_placed(name) {
            problems.push(format!(
                "crate {name} has no place in the hourglass: name it in crates/tidy/src/graph.rs"
            ));
            continue;
        }
        for (section, for_tests) in [
            ("dependencies", false),
            ("build-dependencies", false),
            ("dev-dependencies", true),
        ] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for used in table.keys().filter(|used| ours(used)) {
                if !may_use(name, used, for_tests) {
                    problems.push(format!("crate {name} may not use {used} ({section})"));
                }
            }
        }
    }
    problems
}

fn is_placed(name: &str) -> bool {
    name == LEDGER
        || GROUND.contains(&name)
        || FEATURES.contains(&name)
        || READINGS.contains(&name)
        || TOP.contains(&name)
        || TOOLS.contains(&name)
}

fn may_use(name: &str, used: &str, for_tests: bool) -> bool {
    if TOOLS.contains(&used) {
        return for_tests || TOOLS.contains(&name);
    }
    match name {
        KERNEL => false,
        DB => used == KERNEL,
        "testkit" => [KERNEL, DB].contains(&used),
        TESTHOUSE => GROUND.contains(&used) || used == LEDGER,
        _ if TOP.contains(&name) => true,
        _ if GROUND.contains(&name) => GROUND.contains(&used),
        LEDGER => GROUND.contains(&used),
        _ if FEATURES.contains(&name) => GROUND.contains(&used) || used == LEDGER,
        _ if READINGS.contains(&name) => {
            GROUND.contains(&used) || used == LEDGER || BUILDS_ON.contains(&(name, used))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_dependency_is_caught() {
        let files = Files::sample(&[
            ("crates/kernel/Cargo.toml", "[dependencies]\ndb = {}"),
            ("crates/db/Cargo.toml", "[dependencies]\nkernel = {}"),
            ("crates/testkit/Cargo.toml", ""),
            (
                "crates/activities/Cargo.toml",
                "[dependencies]\ntestkit = {}\nobligations = {}\nledger = {}",
            ),
            ("crates/ledger/Cargo.toml", "[dependencies]\ndb = {}"),
            (
                "crates/obligations/Cargo.toml",
                "[dev-dependencies]\ntestkit = {}\nactivities = {}",
            ),
            ("crates/newcomer/Cargo.toml", ""),
        ]);
        assert_eq!(
            check(&files),
            [
                "crate kernel may not use db (dependencies)",
                "crate activities may not use obligations (dependencies)",
                "crate activities may not use testkit (dependencies)",
                "crate obligations may not use activities (dev-dependencies)",
                "crate newcomer has no place in the hourglass: name it in crates/tidy/src/graph.rs",
            ]
        );
    }

    #[test]
    fn features_and_readings_are_strangers() {
        for feature in FEATURES {
            for other in FEATURES.iter().chain(&READINGS) {
                assert!(!may_use(feature, other, false) && !may_use(feature, other, true));
                assert!(!may_use(other, feature, false) && !may_use(other, feature, true));
            }
        }
        assert!(may_use("reports", "indicators", false));
        assert!(!may_use("indicators", "reports", false));
    }
}
