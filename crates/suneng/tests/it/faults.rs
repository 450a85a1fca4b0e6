//! A full disk, a database that goes away, a clock that is set back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kernel::{Env, TestClock};
use suneng::World;
use suneng::rooms::{Rooms, Vocabulary};
use suneng::serve::Background;
use tokio::net::{TcpListener, UnixStream};

use crate::program::{Server, config, good, suneng, text, write_facts};

#[test]
fn a_full_disk_is_told_and_what_was_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    good(&["init", "--data", at, "--unit-name", "澜州市司法局"]);
    let sheet = folder.path().join("people.csv");
    let mut rows = "工号,姓名,单位编码,职务,起始日期,截止日期\n".to_owned();
    for n in 0..8_000 {
        rows += &format!("{n:06},甲{n},1,干部,2026-01-01,\n");
    }
    std::fs::write(&sheet, rows).unwrap();
    let import = [
        "import",
        "organization",
        "--data",
        at,
        sheet.to_str().unwrap(),
    ];
    // No file may grow beyond 512 KiB (1,024 blocks): writing fails as on a full disk.
    let program = suneng(&import);
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$@\"", "sh"])
        .arg(program.get_program())
        .args(program.get_args())
        .env("SUNENG_LANG", "en");
    let out = limited.output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    let said = text(&out.stderr);
    assert!(said.contains("disk is full"), "{said}");
    let said = good(&["verify", "--data", at]);
    assert!(said.contains("no problems"), "{said}");
    let said = good(&import);
    assert!(
        said.contains("8000 changes"),
        "nothing was half done: {}",
        said.lines().last().unwrap_or_default()
    );
}

/// Passes connections on to the cluster until it is cut.
async fn proxy(socket: std::path::PathBuf, open: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let (socket, open) = (socket.clone(), open.clone());
            tokio::spawn(async move {
                let Ok(mut server) = UnixStream::connect(socket).await else {
                    return;
                };
                let cut = async {
                    while open.load(Ordering::SeqCst) {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    () = cut => {}
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_and_comes_back_needs_no_restart() {
    let direct = testkit::pg::server().create_database().await;
    let socket = direct
        .query_pairs()
        .find(|(name, _)| name == "host")
        .map(|(_, host)| host.into_owned());
    let socket =
        std::path::PathBuf::from(socket.expect("the cluster's socket")).join(".s.PGSQL.5432");
    let open = Arc::new(AtomicBool::new(false));
    let port = proxy(socket, open.clone()).await;
    let url = format!("postgres://postgres@127.0.0.1:{port}{}", direct.path());
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let args = ["--data", data.as_str(), "--database-url", url.as_str()];
    // Away at the start too: the server waits for it.
    let opener = tokio::spawn({
        let open = open.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            open.store(true, Ordering::SeqCst);
        }
    });
    let server = tokio::task::block_in_place(|| Server::start(&args));
    opener.await.unwrap();
    tokio::task::block_in_place(|| {
        server.wait_for("/readyz", 200);
        open.store(false, Ordering::SeqCst);
        // The cut may fall between two checks of one answer: the first check fails from the next one on.
        let begun = Instant::now();
        loop {
            let (_, headers, body) = server.wait_for("/readyz", 503);
            assert!(headers.contains("retry-after:"), "{headers}");
            if body.contains("\"database\":\"failed\"") {
                break;
            }
            assert!(begun.elapsed() < crate::program::PATIENCE, "{body}");
        }
        assert_eq!(server.get("/healthz").0, 200, "the process is well");
        assert_eq!(server.get("/metrics").0, 200);
        open.store(true, Ordering::SeqCst);
        server.wait_for("/readyz", 200);
    });
    let world = World::open(config(data.as_ref(), Some(direct.as_str())), Env::system())
        .await
        .unwrap();
    write_facts(&world, 3).await.unwrap();
    let begun = Instant::now();
    while world.ledger.size().await.unwrap() < 3 {
        assert!(
            begun.elapsed() < crate::program::PATIENCE,
            "sealing goes on"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(tokio::task::block_in_place(|| server.stop()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_keeps_ids_rising_and_sealing_going() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::noon(2026, 11, 20);
    let env = Env::with_clock(clock.clone());
    let (world, _) = World::create(config(folder.path(), None), env)
        .await
        .unwrap();
    let before = write_facts(&world, 2).await.unwrap();
    let rooms = Rooms::open(&world, Vocabulary::read(&world.packs).unwrap())
        .await
        .unwrap();
    let background = Background::start(&world, &rooms).await.unwrap();
    let sealed = async |count: i64| {
        let begun = Instant::now();
        while world.ledger.size().await.unwrap() < count {
            assert!(
                begun.elapsed() < crate::program::PATIENCE,
                "{count} facts are not sealed"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    sealed(2).await;
    clock.advance(-3 * 3600);
    let after = write_facts(&world, 2).await.unwrap();
    assert!(before.iter().max() < after.iter().min());
    sealed(4).await;
    background.stop().await;
    let found = suneng::verify::check(&world, false).await.unwrap();
    assert!(found.is_well(), "{found:?}");
}
