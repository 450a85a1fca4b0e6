//! A full disk, a database that goes away, a clock that is set back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use identity::{Actor, NewAccount, NewGrant, NewPassword};
use kernel::{Env, Scope, TestClock};
use serde_json::{Value, json};
use suneng::World;
use suneng::rooms::{Rooms, Vocabulary};
use suneng::serve::Background;
use tokio::net::{TcpListener, UnixStream};

use crate::program::{
    Server, config, good, limited, open, post, sign_in, suneng, text, write_facts,
};

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
    // No file may grow beyond 512 KiB: writing fails as on a full disk.
    let out = limited(&suneng(&import), 1_024).output().unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_under_a_server_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (world, _) = World::create(config(&data, None), Env::system())
        .await
        .unwrap();
    let rooms = Rooms::open(&world, Vocabulary::read(&world.packs).unwrap())
        .await
        .unwrap();
    let today = world.env.today();
    let from = today.saturating_sub(jiff::Span::new().days(30));
    let rows = organization::Rows {
        units: vec![organization::UnitRow {
            parent: String::new().into(),
            name: "澜州市司法局".to_owned().into(),
            code: "1".to_owned().into(),
            category: String::new().into(),
            sort: None,
            from: Some(from),
            to: None.into(),
            credit_code: None.into(),
        }],
        persons: (0..300)
            .map(|n| organization::PersonRow {
                staff_no: format!("{n:06}").into(),
                name: format!("甲{n}").into(),
                unit: "1".to_owned().into(),
                post: String::new(),
                from: Some(from).into(),
                to: None.into(),
                primary: true,
                nature: Default::default(),
                traits: Vec::new(),
            })
            .collect(),
        unread: Vec::new(),
    };
    world
        .organization
        .import(&rows, &Scope::All, None)
        .await
        .unwrap();
    let unit = world
        .organization
        .unit_by_code("1", &Scope::All)
        .await
        .unwrap()
        .id;
    let roster: Vec<Value> = world
        .organization
        .roster(unit, today, true, &Scope::All)
        .await
        .unwrap()
        .iter()
        .map(|line| json!({ "person": line.person, "role": "present" }))
        .collect();
    let account = NewAccount {
        login: "clerk".into(),
        person: None,
        unit: None,
        password: NewPassword::Given("Lan-Zhou-2026".into()),
        grants: vec![NewGrant {
            role: "clerk".into(),
            unit,
            from: today,
            to: None,
        }],
    };
    rooms
        .identity
        .create_account(&Actor::default(), &account, &Scope::All)
        .await
        .unwrap();
    drop(rooms);
    world.db.close().await;

    let (mut acknowledged, mut refused) = (0, 0);
    let record = |server: &Server, cookie: &str| {
        let body = json!({
            "kind": "friday-study", "host": unit, "title": "周五学习", "date": today.to_string(), "starts": "00:00",
            "ends": "00:01", "roster": roster, "another": true,
        });
        post(
            &server.address,
            "/api/v1/activities",
            cookie,
            &body.to_string(),
        )
    };
    tokio::task::block_in_place(|| {
        let args = ["--data", data.to_str().unwrap()];
        let server = Server::start_limited(&args, 8_192);
        let cookie = sign_in(&server.address, "clerk", "Lan-Zhou-2026");
        while refused < 3 {
            match record(&server, &cookie) {
                (201, _, _) => acknowledged += 1,
                (503, headers, body) => {
                    assert!(headers.contains("retry-after:"), "{headers}");
                    assert!(body.contains("磁盘") || body.contains("disk"), "{body}");
                    refused += 1;
                }
                other => panic!("{other:?}"),
            }
            assert!(acknowledged < 1_000, "the limit was never met");
        }
        assert!(acknowledged > 0, "some were written before");
        assert_eq!(server.get("/sign-in").0, 200, "pages are still there");
        assert_eq!(server.get("/healthz").0, 200);
        drop(server);
        // With room again it goes on where it was.
        let server = Server::start(&args);
        let cookie = sign_in(&server.address, "clerk", "Lan-Zhou-2026");
        assert_eq!(record(&server, &cookie).0, 201);
        acknowledged += 1;
        assert!(server.stop());
    });
    let said = good(&["verify", "--data", data.to_str().unwrap()]);
    assert!(said.contains("no problems"), "{said}");
    let world = open(&data, None, Env::system()).await;
    assert_eq!(
        world.ledger.settle().await.unwrap(),
        acknowledged * 301,
        "every acknowledged session whole, and nothing else"
    );
    let rooms = Rooms::open(&world, Vocabulary::read(&world.packs).unwrap())
        .await
        .unwrap();
    let (trail, _) = rooms
        .identity
        .audit(
            &identity::AuditFilter::default(),
            &Scope::All,
            web::table::Window::new(1, 5_000),
        )
        .await
        .unwrap();
    let recorded = (trail.iter())
        .filter(|e| e.action == "activity.recorded" && e.address == "127.0.0.1")
        .count() as i64;
    assert_eq!(recorded, acknowledged, "who recorded them, and from where");
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
        // Away for a whole minute: every request is answered, clearly and soon.
        let cookie = "suneng_session=0123456789abcdef";
        while begun.elapsed() < Duration::from_secs(61) {
            let asked = Instant::now();
            let (status, headers, body) = post(&server.address, "/api/v1/activities", cookie, "{}");
            assert_eq!(status, 503, "{body}");
            assert!(headers.contains("retry-after:"), "{headers}");
            assert!(
                body.contains("数据库") || body.contains("database"),
                "{body}"
            );
            assert!(
                asked.elapsed() < Duration::from_secs(30),
                "it must not hang"
            );
            std::thread::sleep(Duration::from_millis(500));
        }
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
