//! The benches, tiny: they run, and nothing acknowledged is lost.

use std::process::Command;

use serde_json::Value;

use crate::program::{bad, good};

fn bench(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_suneng"))
        .arg("bench")
        .args(arguments)
        .arg("--data")
        .arg(folder.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    assert_eq!(
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count(),
        0,
        "nothing is left behind"
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn writing_tiny_keeps_rollups_right() {
    let found = bench(&[
        "ledger",
        "--facts",
        "2000",
        "--seconds",
        "1",
        "--clients",
        "8",
    ]);
    assert_eq!(found["verify"]["problems"], serde_json::json!([]));
    assert!(
        found["bulk"]["facts_per_second"].as_u64() > Some(0),
        "{found}"
    );
    assert!(found["single"]["requests"].as_u64() > Some(0), "{found}");
    assert_eq!(found["durability"]["synchronous"], "FULL");
}

#[test]
fn killed_twice_nothing_acknowledged_is_lost() {
    let found = bench(&["ledger", "--kill", "--rounds", "2", "--clients", "8"]);
    assert_eq!(
        (&found["lost"], &found["durable"]),
        (&0.into(), &true.into()),
        "{found}"
    );
    assert!(found["acknowledged"].as_u64() > Some(0), "{found}");
    assert!(found["stored"].as_u64() >= found["acknowledged"].as_u64());
}

#[test]
fn reading_and_starting_tiny_give_figures() {
    let found = bench(&["reading", "--small", "11000", "--large", "22000"]);
    assert!(found["ratio"]["city"].as_f64() > Some(0.0), "{found}");
    assert_eq!(found["large"]["levels"]["city"]["rows"], 50);
    let found = bench(&["start"]);
    assert!(found["idle_memory_mib"].as_f64() > Some(0.0), "{found}");
}

#[test]
fn a_tiny_city_is_imported_while_others_work() {
    let found = bench(&["people", "--people", "1500", "--units", "60", "--json"]);
    assert!(found["import"]["seconds"].as_f64() > Some(0.0), "{found}");
    assert_eq!(found["reading"]["table"]["people"], 11_500, "{found}");
    assert_eq!(found["reading"]["tree"]["units"], 111, "{found}");
    for others in ["reads", "writes"] {
        let asked = found["others_meanwhile"][others]["requests"].as_u64();
        assert!(asked > Some(0), "{found}");
    }
    assert!(
        found["pages"]["later_page_kb"].as_f64() < Some(30.0),
        "{found}"
    );
}

/// Runs a bench whose data stays in a folder.
fn kept(bench: &str, args: &[&str], folder: &std::path::Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_suneng"))
        .args(["bench", bench])
        .args(args)
        .arg("--data")
        .arg(folder)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_few_cases_are_taken_in_once_and_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = || kept("cases", &["--cases", "100,400", "--json"], folder.path());
    let (first, again) = (run(), run());
    assert_eq!(first["runs"][1]["made"], again["runs"][1]["made"]);
    let many = &first["runs"][1];
    assert_eq!(
        many["made"]["events"],
        400 / 5 * 9 + 400 / 5 * 4 * 12,
        "{first}"
    );
    assert!(many["pages"]["board"].as_f64() > Some(0.0), "{first}");
    assert!(many["reminding"]["told"].as_u64() > Some(0), "{first}");
    assert_eq!(
        many["reminding_again"]["told"], 0,
        "no step is taken twice: {first}"
    );
}

#[test]
fn entering_once_tiny_is_measured_and_made_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = [
        "--facts",
        "500,1500",
        "--people",
        "300",
        "--units",
        "60",
        "--seconds",
        "1",
    ];
    let run = || kept("enter-once", &args, folder.path());
    let (first, again) = (run(), run());
    assert_eq!(first["runs"][1]["made"], again["runs"][1]["made"]);
    let large = &first["runs"][1];
    assert_eq!(large["states"]["states"], 3000, "{first}");
    assert_eq!(
        large["states"]["one_unit_lines"].as_u64().map(|n| n > 0),
        Some(true)
    );
    assert!(large["door"]["check_ins"].as_u64() > Some(0), "{first}");
    assert!(large["cockpit"]["wall_ms"].as_f64() > Some(0.0), "{first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_empty_is_refused() {
    let url = testkit::pg::server().create_database().await.to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().display().to_string();
    let args = ["--data", at.as_str(), "--database-url", url.as_str()];
    tokio::task::block_in_place(|| {
        good(&[&["init"][..], &args].concat());
        let said = bad(&[&["bench", "ledger", "--facts", "1"][..], &args].concat());
        assert!(said.contains("empty"), "{said}");
        let said = good(&[&["verify"][..], &args].concat());
        assert!(said.contains("no problems"), "{said}");
    });
}

#[test]
fn a_tiny_examination_loses_nothing_also_when_it_is_killed() {
    let found = bench(&[
        "exam",
        "--takers",
        "40",
        "--items",
        "5",
        "--at-once",
        "8",
        "--engine",
        "sqlite",
        "--json",
    ]);
    assert_eq!(
        (&found["lost"], &found["acknowledged"]),
        (&0.into(), &200.into()),
        "{found}"
    );
    assert_eq!(found["attempts"], 40, "{found}");
    for key in ["cpu_ms_per_attempt", "attempts_per_s", "ratio_to_http"] {
        assert!(found[key].as_f64() > Some(0.0), "{key}: {found}");
    }
    assert!(found["commits"].as_u64() > Some(0), "{found}");
    let found = bench(&[
        "exam",
        "--kill",
        "--takers",
        "60",
        "--items",
        "5",
        "--at-once",
        "8",
        "--rounds",
        "2",
    ]);
    assert_eq!(
        (&found["lost"], &found["submitted_twice"]),
        (&0.into(), &0.into()),
        "{found}"
    );
    assert_eq!(
        (&found["finished"], &found["rounds"]),
        (&60.into(), &2.into()),
        "{found}"
    );
}

#[test]
fn a_tiny_bank_is_counted_drawn_and_made_into_papers() {
    let found = bench(&["bank", "--questions", "2400", "--json"]);
    assert_eq!(found["counted"], 2_400, "{found}");
    for what in ["search_ms", "count_ms", "draw_ms", "blueprint_ms"] {
        assert!(found[what]["p50"].as_f64() > Some(0.0), "{what}: {found}");
    }
}

#[test]
fn two_nodes_of_which_one_is_killed_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["--data", folder.path().to_str().expect("a path")];
    let said = bad(&[&["bench", "exam", "--kill", "--nodes", "2"][..], &args].concat());
    assert!(said.contains("PostgreSQL"), "{said}");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(async { testkit::pg::server().create_database().await });
    let sizes = [
        "--takers",
        "60",
        "--items",
        "5",
        "--at-once",
        "8",
        "--rounds",
        "3",
    ];
    let rest = ["--kill", "--nodes", "2", "--database-url", url.as_str()];
    let found = bench(&[&["exam"][..], &sizes, &rest].concat());
    assert_eq!(
        (&found["lost"], &found["submitted_twice"]),
        (&0.into(), &0.into()),
        "{found}"
    );
    assert_eq!(
        (&found["finished"], &found["nodes"]),
        (&60.into(), &2.into()),
        "{found}"
    );
    assert!(found["went_on_elsewhere"].as_u64() > Some(0), "{found}");
}
