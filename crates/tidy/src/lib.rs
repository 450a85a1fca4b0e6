//! Tests that hold the house together, over the files of the project and not over its behaviour.
//!
//! Each check takes [`Files`] and returns what is wrong, one sentence per place. Each has two
//! tests: the project is clean, and a bad sample is caught.

pub mod coverage;
mod files;
pub mod front_end;
pub mod graph;
pub mod messages;
pub mod rust_source;
pub mod sql;
pub mod vendored;
pub mod words;

pub use files::{File, Files};

/// What is wrong, one sentence per place.
pub type Problems = Vec<String>;

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_clean(check: fn(&Files) -> Problems) {
        let problems = check(&Files::of_project());
        assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    }

    #[test]
    fn crate_graph_is_an_hourglass() {
        assert_clean(graph::check);
    }

    #[test]
    fn sql_stays_in_stores_and_is_portable() {
        assert_clean(sql::check);
    }

    #[test]
    fn rust_files_are_short_and_finished() {
        assert_clean(rust_source::check);
    }

    #[test]
    fn message_files_are_in_step() {
        assert_clean(messages::check);
    }

    #[test]
    fn every_message_that_code_names_has_its_text() {
        assert_clean(messages::check_keys);
    }

    #[test]
    fn vendored_files_match_their_hashes() {
        assert_clean(vendored::check);
    }

    #[test]
    fn pages_run_on_old_browsers_under_a_strict_policy() {
        assert_clean(front_end::check);
    }

    #[test]
    fn coverage_table_is_complete_and_proven() {
        assert_clean(coverage::check);
    }

    #[test]
    fn the_project_speaks_of_itself_alone() {
        assert_clean(words::check);
    }
}
