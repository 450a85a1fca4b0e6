//! The page of background jobs, over HTTP.

use db::args;
use identity::{NewAccount, NewGrant, NewPassword};
use kernel::{Env, Scope};
use organization::NewUnit;
use suneng::rooms::{Rooms, Vocabulary};
use suneng::{World, modules};

use crate::program::{Server, config, send, sign_in};

const PASSWORD: &str = "Lanzhou-2026-pass";

#[tokio::test(flavor = "multi_thread")]
async fn failed_jobs_are_seen_run_and_dropped_by_the_administrator_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (world, _) = World::create(config(&data, None), Env::system())
        .await
        .unwrap();
    let rooms = Rooms::open(&world, Vocabulary::read(&world.packs).unwrap())
        .await
        .unwrap();
    let unit = NewUnit {
        parent: None,
        code: "1".into(),
        name: "澜州市司法局".into(),
        category: String::new(),
        from: world.env.today(),
    };
    let unit = world
        .organization
        .add_unit(unit, "", None, &Scope::All)
        .await;
    let unit = unit.unwrap();
    let nobody = identity::Actor::default();
    for (login, role) in [("admin", "system-admin"), ("auditor", "auditor")] {
        let new = NewAccount {
            login: login.into(),
            person: None,
            unit: None,
            password: NewPassword::Given(PASSWORD.into()),
            grants: vec![NewGrant {
                role: role.into(),
                unit,
                from: world.env.today(),
                to: None,
            }],
        };
        let opened = rooms.identity.create_account(&nobody, &new, &Scope::All);
        opened.await.unwrap();
    }
    modules::schedule(&world).await.unwrap();
    // Two jobs of a kind that no server of this version knows.
    let mut ids = Vec::new();
    for key in ["a", "b"] {
        let now = world.env.now();
        db::transaction!(world.db, |tx| {
            db::jobs::enqueue(tx, &world.env, "old-kind", Some(key), "", now)
                .await
                .map(|_| ())
        })
        .unwrap();
        let job = db::jobs::claim(&world.db, &world.env, &["old-kind"]);
        let job = job.await.unwrap().unwrap();
        let failed = Err(kernel::Error::internal(format!("disk {key} <full>")));
        db::jobs::settle(&world.db, &world.env, &job, &failed)
            .await
            .unwrap();
        ids.push(job.id);
    }
    let server = Server::start(&["--data", data.to_str().unwrap()]);
    let (admin, auditor) = (
        sign_in(&server.address, "admin", PASSWORD),
        sign_in(&server.address, "auditor", PASSWORD),
    );
    let ask = |cookie: &str, line: &str| {
        let headers = format!(
            "cookie: {cookie}\r\norigin: http://{}\r\naccept-language: en\r\n",
            server.address
        );
        send(&server.address, &format!("{line} HTTP/1.1"), &headers, "")
    };
    let (status, _, page) = ask(&admin, "GET /admin/jobs");
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains("disk a &lt;full&gt;") && page.contains("disk b"),
        "{page}"
    );
    assert!(page.contains(&format!("/admin/jobs/{}/run", ids[0])));
    let waiting = page.matches("</tr>").count();
    assert!(waiting >= 5, "with those that wait: {page}");
    let post = |cookie: &str, id: usize, what: &str| {
        ask(cookie, &format!("POST /admin/jobs/{}/{what}", ids[id])).0
    };
    assert_eq!(ask(&auditor, "GET /admin/jobs").0, 404);
    assert_eq!(post(&auditor, 0, "drop"), 404);
    assert_eq!(ask("", "GET /admin/jobs").0, 303);
    assert_eq!(post(&admin, 0, "run"), 303);
    assert_eq!(post(&admin, 1, "drop"), 303);
    assert_eq!(post(&admin, 1, "drop"), 404, "gone");
    assert_eq!(ask(&admin, "POST /admin/jobs/x/run").0, 400);
    let left = db::jobs::list(&world.db, 10).await.unwrap();
    let old: Vec<_> = left.iter().filter(|job| job.kind == "old-kind").collect();
    assert!(old.len() == 1 && old[0].run_at <= world.env.now());
    let planned = left.iter().find(|job| job.kind == "rewrap-keys").unwrap();
    assert_eq!(
        post_id(&ask, &admin, planned.id),
        404,
        "waits, did not fail"
    );
    let mut tx = world.db.read().await.unwrap();
    let sql = "SELECT action FROM audit WHERE object_kind = 'job' ORDER BY id";
    let rows = tx.query(sql, args![]).await.unwrap();
    let actions: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(actions, ["job.hastened", "job.dropped"]);
}

fn post_id(
    ask: &impl Fn(&str, &str) -> (u16, String, String),
    cookie: &str,
    id: kernel::JobId,
) -> u16 {
    ask(cookie, &format!("POST /admin/jobs/{id}/drop")).0
}
