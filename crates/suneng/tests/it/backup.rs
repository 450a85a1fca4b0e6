//! Backups of a running server come back, on either engine.

use std::path::Path;

use kernel::Env;

use crate::program::{Server, bad, good, open, write_facts};

async fn round_trip(from: Option<&str>, to: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let archive = folder.path().join("backup.tar.gz");
    let archive = archive.to_str().unwrap();
    let args = |data: &Path, url: Option<&str>| -> Vec<String> {
        let mut args = vec!["--data".to_owned(), data.display().to_string()];
        args.extend(url.map(|url| format!("--database-url={url}")));
        args
    };
    let with = |words: &[&str], args: &[String]| -> Vec<String> {
        words
            .iter()
            .map(|w| (*w).to_owned())
            .chain(args.iter().cloned())
            .collect()
    };
    fn refs(list: &[String]) -> Vec<&str> {
        list.iter().map(String::as_str).collect()
    }
    let (old_args, new_args) = (args(&old, from), args(&new, to));
    good(&refs(&with(
        &["init", "--unit-name", "澜州市司法局"],
        &old_args,
    )));
    let sheet = folder.path().join("units.csv");
    // The parent's id is above the child's: rows must not be restored in the order of ids.
    std::fs::write(
        &sheet,
        "上级单位编码,单位编码,单位名称,类别\n3,2,政治部,\n1,3,机关,\n",
    )
    .unwrap();
    good(&refs(&with(
        &["import", "organization", sheet.to_str().unwrap()],
        &old_args,
    )));
    let server = Server::start(&refs(&old_args));
    let world = open(&old, from, Env::system()).await;
    let file = world.files.put("证据".as_bytes()).await.unwrap();
    for _ in 0..3 {
        write_facts(&world, 700).await.unwrap();
    }
    world.ledger.settle().await.unwrap();
    let writer = tokio::spawn({
        let world = world.clone();
        async move {
            for _ in 0..20 {
                write_facts(&world, 50).await.unwrap();
            }
        }
    });
    let said = good(&refs(&with(&["backup", "--to", archive], &old_args)));
    // The evidence; the imported sheet is gone.
    assert!(said.contains("1 files"), "{said}");
    writer.await.unwrap();
    let said = bad(&refs(&with(&["backup", "--to", archive], &old_args)));
    assert!(said.contains("not overwritten"), "{said}");

    let restore = with(&["restore", "--from", archive], &new_args);
    let said = good(&refs(&restore));
    assert!(said.contains("no problems"), "{said}");
    let said = bad(&refs(&restore));
    assert!(said.contains("not empty"), "{said}");
    let copy = open(&new, to, Env::system()).await;
    assert!(copy.ledger.size().await.unwrap() >= 2_100);
    assert_eq!(
        copy.files.get(file.sha256).await.unwrap(),
        "证据".as_bytes()
    );
    let units = copy.organization.units(&kernel::Scope::All).await.unwrap();
    assert_eq!(
        units,
        world.organization.units(&kernel::Scope::All).await.unwrap()
    );
    write_facts(&copy, 10).await.unwrap();
    copy.ledger.settle().await.unwrap();
    good(&refs(&with(&["verify", "--files"], &new_args)));
    assert!(server.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn from_sqlite_to_postgres_and_to_sqlite() {
    let url = testkit::pg::server().create_database().await;
    round_trip(None, Some(url.as_str())).await;
    round_trip(None, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_postgres_to_sqlite_and_to_postgres() {
    for to_postgres in [false, true] {
        let from = testkit::pg::server().create_database().await;
        let to = testkit::pg::server().create_database().await;
        round_trip(Some(from.as_str()), to_postgres.then_some(to.as_str())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_archive_is_refused_and_an_older_one_starts_a_new_log() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    let archive = folder.path().join("b.tar");
    let path = archive.to_str().unwrap();
    good(&["init", "--data", at]);
    let world = open(&data, None, Env::system()).await;
    write_facts(&world, 5).await.unwrap();
    world.ledger.settle().await.unwrap();
    good(&["backup", "--data", at, "--to", path]);
    // The server goes on and signs what the backup does not have.
    write_facts(&world, 5).await.unwrap();
    let server = Server::start(&["--data", at]);
    server.wait_for("/readyz", 200);
    assert!(server.stop());

    let mut bytes = std::fs::read(&archive).unwrap();
    let at_row = bytes.windows(6).position(|w| w == b"\"held\"").unwrap();
    bytes[at_row + 1] = b'H';
    let damaged = folder.path().join("damaged.tar");
    std::fs::write(&damaged, &bytes).unwrap();
    let new = folder.path().join("new");
    let new_at = new.to_str().unwrap();
    let said = bad(&[
        "restore",
        "--data",
        new_at,
        "--from",
        damaged.to_str().unwrap(),
    ]);
    assert!(
        said.contains("damaged") && said.contains("tables/"),
        "{said}"
    );
    std::fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
    bad(&[
        "restore",
        "--data",
        new_at,
        "--from",
        damaged.to_str().unwrap(),
    ]);
    assert!(!new.join("suneng.db").exists(), "nothing half done");

    let files = format!("--blob-url=file:{at}/files");
    let said = good(&["restore", "--data", new_at, &files, "--from", path]);
    assert!(
        said.contains("new log") && said.contains("Earlier log"),
        "{said}"
    );
}
