//! Backups by the clock, and what a rotation left, as the jobs of a server do them.

use std::path::Path;
use std::sync::Arc;

use crypt::Keyring;
use kernel::{Env, Id, TestClock};
use suneng::rooms::{Rooms, Vocabulary};
use suneng::{Config, World, modules};

use crate::program::{good, run, text};

async fn node(data: &Path, more: &[(&str, &str)]) -> (World, Rooms, Arc<TestClock>) {
    let config = Config::resolve(
        &|s| match s.flag {
            "data" => Some(vec![data.display().to_string()]),
            flag => {
                let found = more.iter().find(|(name, _)| *name == flag);
                found.map(|(_, value)| vec![(*value).to_owned()])
            }
        },
        &|_| None,
    )
    .unwrap();
    let clock = TestClock::noon(2026, 11, 20);
    let (world, _) = World::create(config, Env::with_clock(clock.clone()))
        .await
        .unwrap();
    let vocabulary = Vocabulary::read(&world.packs).unwrap();
    let rooms = Rooms::open(&world, vocabulary).await.unwrap();
    modules::schedule(&world).await.unwrap();
    (world, rooms, clock)
}

/// Runs what is due of one kind; gives how many there were and how many failed.
async fn work(world: &World, rooms: &Rooms, kind: &str) -> (usize, usize) {
    let handlers = modules::jobs(world, rooms);
    let (mut all, mut failed) = (0, 0);
    while let Some(job) = db::jobs::claim(&world.db, &world.env, &[kind])
        .await
        .unwrap()
    {
        let done = handlers[kind](job.clone()).await;
        all += 1;
        failed += usize::from(done.is_err());
        db::jobs::settle(&world.db, &world.env, &job, &done)
            .await
            .unwrap();
        if done.is_err() {
            break;
        }
    }
    (all, failed)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_every_day_and_the_newest_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let to = folder.path().join("kept");
    let settings = [
        ("backup-schedule", "02:30"),
        ("backup-keep", "2"),
        ("backup-folder", to.to_str().unwrap()),
    ];
    let (world, rooms, clock) = node(&data, &settings).await;
    assert_eq!(work(&world, &rooms, "backup").await, (0, 0), "not yet");
    clock.advance(14 * 3600);
    assert_eq!(work(&world, &rooms, "backup").await, (0, 0), "two o'clock");
    std::fs::create_dir(&to).unwrap();
    std::fs::write(to.join("mine.tar.gz"), "of another").unwrap();
    clock.advance(3600);
    assert_eq!(work(&world, &rooms, "backup").await, (1, 0));
    assert_eq!(names(&to), ["mine.tar.gz", "suneng-20261121-0230.tar.gz"]);
    for _ in 0..3 {
        clock.advance(86_400);
        modules::schedule(&world).await.unwrap();
        assert_eq!(work(&world, &rooms, "backup").await, (1, 0), "once a day");
    }
    assert_eq!(
        names(&to),
        [
            "mine.tar.gz",
            "suneng-20261123-0230.tar.gz",
            "suneng-20261124-0230.tar.gz"
        ]
    );
    let new = folder.path().join("new");
    let newest = to.join("suneng-20261124-0230.tar.gz");
    good(&[
        "restore",
        "--data",
        new.to_str().unwrap(),
        "--from",
        newest.to_str().unwrap(),
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_fails_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let to = folder.path().join("kept");
    // A file stands where the folder should be.
    std::fs::write(&to, "").unwrap();
    let place = to.to_str().unwrap();
    let settings = [("backup-schedule", "02:30"), ("backup-folder", place)];
    let (world, rooms, clock) = node(&data, &settings).await;
    clock.advance(15 * 3600);
    assert_eq!(work(&world, &rooms, "backup").await, (1, 1));
    assert_eq!(db::jobs::failed(&world.db).await.unwrap(), 1);
    let at = data.to_str().unwrap();
    let doctor = [
        "doctor",
        "--data",
        at,
        "--listen",
        "127.0.0.1:0",
        "--backup-schedule",
        "02:30",
        "--backup-folder",
        place,
    ];
    let said = text(&run(&doctor[..5]).stdout);
    assert!(said.contains("The job backup failed 1 times"), "{said}");
    std::fs::remove_file(&to).unwrap();
    let said = text(&run(&doctor).stdout);
    assert!(said.contains("no scheduled backup"), "{said}");
    clock.advance(60);
    assert_eq!(work(&world, &rooms, "backup").await, (1, 0));
    assert_eq!(names(&to), ["suneng-20261121-0230.tar.gz"]);
    assert_eq!(db::jobs::failed(&world.db).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_schedule_makes_no_backups() {
    let folder = tempfile::tempdir().unwrap();
    let (world, rooms, clock) = node(folder.path(), &[]).await;
    clock.advance(3 * 86_400);
    assert!(!modules::jobs(&world, &rooms).contains_key("backup"));
    assert_eq!(
        names(folder.path())
            .iter()
            .filter(|n| *n == "backups")
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_a_rotation_that_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let (world, rooms, clock) = node(folder.path(), &[]).await;
    let records: Vec<Id> = (0..30).map(|_| world.env.new_id()).collect();
    db::transaction!(world.db, |tx| {
        rooms.vault.make(tx, &records).await.map(|_| ())
    })
    .unwrap();
    let ring = Keyring::rotate(&world.config.operation.keyring, &world.env, crypt::AES).unwrap();
    clock.advance(2 * 3600);
    assert_eq!(work(&world, &rooms, "rewrap-keys").await, (1, 0));
    let mut tx = world.db.read().await.unwrap();
    let usage = rooms.vault.usage(&mut tx).await.unwrap();
    assert_eq!(usage.len(), 1);
    assert!(usage[0].master == ring.active() && usage[0].records == 30);
}
