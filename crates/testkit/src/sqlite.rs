//! SQLite for tests: one file per test, copied from a migrated template.

use std::path::{Path, PathBuf};

use db::{Db, DbOptions, Migration};
use kernel::Env;
use sha2::{Digest, Sha256};

use crate::pg::unique_name;

/// Names a list of migrations by what it says.
pub(crate) fn fingerprint(migrations: &[Migration]) -> String {
    let mut hash = Sha256::new();
    for m in migrations {
        for part in [m.name, m.sql] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hex::encode(&hash.finalize()[..12])
}

/// A new file with these migrations applied.
pub(crate) async fn migrated_file(folder: &Path, migrations: &[Migration]) -> PathBuf {
    let template = folder.join(format!("template-{}.sqlite", fingerprint(migrations)));
    if !template.exists() {
        let made = folder.join(unique_name("made"));
        let db = Db::open_sqlite(&made, &DbOptions::default())
            .await
            .expect("a new SQLite file opens");
        db::migrate(&db, &Env::system(), migrations)
            .await
            .expect("the migrations apply to an empty SQLite database");
        db.close().await;
        // The threads behind the connections end a moment later, and with them the log is folded in. Two that
        // end at the same moment may each leave it to the other: then one more closes alone.
        for attempt in 1..=500 {
            if !beside(&made, "-wal").exists() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            if attempt % 100 == 0 {
                let again = Db::open_sqlite(&made, &DbOptions::default()).await;
                again.expect("the file opens again").close().await;
            }
        }
        assert!(
            !beside(&made, "-wal").exists(),
            "closing moved everything into the file"
        );
        // Atomic: whoever comes second replaces the template by an equal one.
        std::fs::rename(&made, &template).expect("a file can be renamed");
    }
    let file = folder.join(unique_name("test") + ".sqlite");
    std::fs::copy(&template, &file).expect("the template can be copied");
    file
}

/// Removes a database file and what SQLite keeps beside it.
pub(crate) fn remove(file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        // Best effort: the folder goes away with the run.
        let _ = std::fs::remove_file(beside(file, suffix));
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
