//! Tables of what went wrong elsewhere, each row naming the test that keeps it from going wrong here.

use std::path::Path;

/// Reads a table in the head of a file, rows of the form `//! | thread | path/to/file.rs::name_of_test |` with paths below
/// `root`.
///
/// # Panics
/// When it has fewer rows than `least`, or names a file or a test that is not there.
pub fn threads_are_tested(text: &str, root: &Path, least: usize) {
    let rows = text.lines().filter_map(|l| l.strip_prefix("//! | "));
    let tests = rows.filter_map(|l| l.trim_end_matches(" |").rsplit_once(" | "));
    let named: Vec<(&str, &str)> = tests
        .filter_map(|(_, test)| test.split_once("::"))
        .collect();
    assert!(named.len() >= least, "only {} rows were read", named.len());
    for (file, test) in named {
        let text = std::fs::read_to_string(root.join(file));
        let text = text.unwrap_or_else(|e| panic!("{file}: {e}"));
        assert!(
            text.contains(&format!("fn {test}(")),
            "{file} has no {test}"
        );
    }
}
