//! The vault on both engines, and the keyring as a file.

mod keyring;
mod vault;

use std::path::PathBuf;

use crypt::{Keyring, Vault};
use testkit::TestDb;

/// A folder with a keyring, removed with the value.
struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring");
        Self {
            _folder: folder,
            path,
        }
    }

    async fn vault(&self, t: &TestDb, algorithm: &str) -> Vault {
        let ring = Keyring::create(&self.path, &t.env, algorithm).expect("a keyring");
        Vault::open(&t.db, &t.env, ring).await.expect("a vault")
    }
}

/// The key of the one message of an error.
fn message(error: &kernel::Error) -> &'static str {
    match error {
        kernel::Error::Unavailable(m) | kernel::Error::Conflict(m) => m.key,
        other => panic!("{other}"),
    }
}
