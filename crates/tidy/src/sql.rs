//! SQL stands only in stores, migrations and the database crate, and only in words that SQLite,
//! PostgreSQL and the distributed relatives of PostgreSQL all have.

use crate::files::has_word;
use crate::{File, Files, Problems};

/// What begins a statement; `UPDATE` is told from an ordinary word by its `SET`.
const STATEMENTS: [&str; 7] = [
    "SELECT",
    "INSERT INTO",
    "DELETE FROM",
    "CREATE TABLE",
    "CREATE INDEX",
    "CREATE UNIQUE INDEX",
    "ALTER TABLE",
];

/// Not everywhere, or not the same everywhere.
const FORBIDDEN: [&str; 19] = [
    "SERIAL",
    "BIGSERIAL",
    "AUTOINCREMENT",
    "IDENTITY",
    "TRIGGER",
    "LISTEN",
    "NOTIFY",
    "FOR UPDATE",
    "FOR SHARE",
    "LOCK TABLE",
    "DEFERRABLE",
    "EXCLUDE",
    "TEMP TABLE",
    "CREATE DOMAIN",
    "GENERATED",
    "JSONB",
    "->>",
    "pg_advisory_lock",
    "pg_advisory_xact_lock",
];

/// The one place that knows each engine's words for holding rows: everybody else asks it.
const HOLDS: (&str, [&str; 2]) = ("crates/db/src/tx.rs", ["FOR UPDATE", "FOR SHARE"]);

/// SQL in its place, and portable.
pub fn check(files: &Files) -> Problems {
    let mut problems = Problems::new();
    for file in files.iter().filter(|f| f.ends_with(&[".rs", ".sql"])) {
        if is_tool(file) {
            continue;
        }
        let home = is_home_of_sql(file);
        for (number, line) in file.code_lines() {
            if file.path.ends_with(".rs") && line.trim() == "#[cfg(test)]" {
                break;
            }
            if home {
                let known = |word: &str| file.path == HOLDS.0 && HOLDS.1.contains(&word);
                let wrong = |word: &&&str| has_word(line, word) && !known(word);
                for word in FORBIDDEN.iter().filter(wrong) {
                    problems.push(format!("{}:{number}: {word} is not portable", file.path));
                }
            } else if is_statement(line) {
                problems.push(format!(
                    "{}:{number}: SQL belongs in store.rs or store/",
                    file.path
                ));
            }
        }
    }
    problems
}

fn is_tool(file: &File) -> bool {
    let tool = matches!(
        file.crate_name(),
        Some("tidy" | "testkit" | "pgcluster" | "xtask")
    );
    tool || file.path.contains("/tests/") || file.ends_with(&["/tests.rs"])
}

fn is_home_of_sql(file: &File) -> bool {
    file.crate_name() == Some("db")
        || file.ends_with(&[".sql", "/store.rs", "/migrations.rs"])
        || ["/store/", "/migrations/"]
            .iter()
            .any(|folder| file.path.contains(folder))
}

fn is_statement(line: &str) -> bool {
    STATEMENTS.iter().any(|words| has_word(line, words))
        || (has_word(line, "UPDATE") && has_word(line, "SET"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_outside_a_store_is_caught() {
        let sql = "let rows = q(\"SELECT id FROM unit\");\n// SELECT in a comment\n";
        let files = Files::sample(&[
            ("crates/a/src/service.rs", sql),
            ("crates/a/src/store.rs", sql),
            ("crates/a/src/store/list.rs", sql),
            ("crates/a/tests/it/main.rs", sql),
            ("crates/b/src/pages.rs", "q(\"UPDATE unit SET name = $1\");"),
            (
                "crates/c/src/pages.rs",
                "text(\"UPDATE AVAILABLE\");\n#[cfg(test)]\nSELECT",
            ),
        ]);
        assert_eq!(
            check(&files),
            [
                "crates/a/src/service.rs:1: SQL belongs in store.rs or store/",
                "crates/b/src/pages.rs:1: SQL belongs in store.rs or store/",
            ]
        );
    }

    #[test]
    fn sql_of_one_engine_is_caught() {
        for word in FORBIDDEN {
            let files = Files::sample(&[("crates/a/src/store.rs", &format!("\"X {word} Y\""))]);
            assert_eq!(check(&files).len(), 1, "{word}");
        }
        let fine = "\"INSERT INTO a (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id\"";
        assert!(check(&Files::sample(&[("crates/a/src/store.rs", fine)])).is_empty());
    }
}
