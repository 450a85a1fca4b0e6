//! The keyring in the program: made once, never made anew, rotated beside a running server.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kernel::{Env, Id};

use crate::program::{Server, bad, good, open, run, text};

/// Seals a field of so many records; gives the records.
async fn seal(data: &Path, count: u8) -> Vec<Id> {
    let world = open(data, None, Env::system()).await;
    let vault = world.vault().await.unwrap();
    let records: Vec<Id> = (0..count).map(|_| world.env.new_id()).collect();
    db::transaction!(world.db, |tx| vault.make(tx, &records).await.map(|_| ())).unwrap();
    world.db.close().await;
    records
}

/// Whether the keys of all records open.
async fn opens(data: &Path, records: &[Id]) -> bool {
    let world = open(data, None, Env::system()).await;
    let vault = world.vault().await.unwrap();
    let mut tx = world.db.read().await.unwrap();
    let keys = vault.keys(&mut tx, records).await.unwrap();
    records.iter().all(|id| keys.seal(*id, "x", "y").is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_is_made_once_and_never_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    let said = good(&["init", "--data", at, "--keyring-algorithm", "aes-256-gcm"]);
    let ring = data.join("keyring");
    assert!(said.contains(ring.to_str().unwrap()), "{said}");
    let made = std::fs::read_to_string(&ring).unwrap();
    assert!(made.contains("aes-256-gcm"));
    good(&["init", "--data", at]);
    assert_eq!(std::fs::read_to_string(&ring).unwrap(), made);
    let mode = std::fs::metadata(&ring).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let said = good(&["doctor", "--data", at, "--listen", "127.0.0.1:0"]);
    assert!(
        said.contains("1 master keys") && said.contains("beside the database"),
        "{said}"
    );
    std::fs::set_permissions(&ring, PermissionsExt::from_mode(0o644)).unwrap();
    let said = good(&["doctor", "--data", at, "--listen", "127.0.0.1:0"]);
    assert!(said.contains("644"), "{said}");

    // Lost: nothing starts, and no other keyring takes its place.
    let kept = folder.path().join("kept");
    std::fs::rename(&ring, &kept).unwrap();
    let serve = ["serve", "--data", at, "--listen", "127.0.0.1:0"];
    let said = bad(&serve);
    assert!(
        said.contains("keyring") && said.contains("missing"),
        "{said}"
    );
    assert!(!ring.exists());
    let said = run(&["doctor", "--data", at, "--listen", "127.0.0.1:0"]);
    assert!(!said.status.success() && text(&said.stdout).contains("missing"));
    // A backup is made all the same, and says what is not in it.
    let archive = folder.path().join("b.tar");
    let said = good(&["backup", "--data", at, "--to", archive.to_str().unwrap()]);
    assert!(said.contains("not in the backup"), "{said}");
    let other = folder.path().join("other");
    let new = other.to_str().unwrap();
    let said = good(&[
        "restore",
        "--data",
        new,
        "--from",
        archive.to_str().unwrap(),
    ]);
    assert!(said.contains("Put your copy of the keyring"), "{said}");
    assert!(!other.join("keyring").exists());

    // The keyring of another house is refused.
    let stranger = folder.path().join("stranger");
    good(&["init", "--data", stranger.to_str().unwrap()]);
    let wrong = stranger.join("keyring");
    let said = bad(&[&serve[..], &["--keyring", wrong.to_str().unwrap()]].concat());
    assert!(said.contains("not the one"), "{said}");
    let kept = kept.to_str().unwrap();
    assert!(Server::start(&["--data", at, "--keyring", kept]).stop());
    assert!(Server::start(&["--data", new, "--keyring", kept]).stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    good(&["init", "--data", at]);
    let before = seal(&data, 20).await;
    let server = Server::start(&["--data", at]);
    let said = good(&["keys", "list", "--data", at]);
    assert!(said.contains("sm4-gcm, 20 records, active"), "{said}");
    let said = good(&[
        "keys",
        "rotate",
        "--data",
        at,
        "--keyring-algorithm",
        "aes-256-gcm",
    ]);
    assert!(said.contains("20 records wrapped anew, 0 left"), "{said}");
    let said = good(&["keys", "list", "--data", at]);
    assert!(
        said.contains("sm4-gcm, 0 records") && said.contains("aes-256-gcm, 20 records, active"),
        "{said}"
    );
    assert!(opens(&data, &before).await);
    assert!(server.stop());

    // Somebody puts back an older copy of the keyring: what is missing is named.
    let ring = std::fs::read_to_string(data.join("keyring")).unwrap();
    let lines = ring.lines().filter(|line| !line.contains("aes-256-gcm"));
    let mut old: Vec<String> = lines.map(str::to_owned).collect();
    let id = old.iter().find_map(|line| line.strip_prefix("key "));
    let id = id.unwrap().split(' ').next().unwrap().to_owned();
    *old.last_mut().unwrap() = format!("active {id}");
    std::fs::write(data.join("keyring"), old.join("\n") + "\n").unwrap();
    let said = run(&["doctor", "--data", at, "--listen", "127.0.0.1:0"]);
    assert!(!said.status.success());
    assert!(text(&said.stdout).contains("which the keyring lacks"));
    let said = run(&["keys", "list", "--data", at]);
    assert!(!said.status.success() && text(&said.stdout).contains("20 records cannot be read"));
}
