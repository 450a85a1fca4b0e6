//! From the first command to the last.

use std::os::unix::fs::PermissionsExt;

use kernel::Env;

use crate::program::{Server, bad, good, open, run, suneng, text, write_facts};

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_is_made_served_looked_at_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();

    for command in ["verify", "doctor"] {
        let out = run(&[command, "--data", at]);
        assert_eq!(out.status.code(), Some(1));
        let said = text(&out.stdout) + &text(&out.stderr);
        assert!(said.contains("suneng init"), "{command}: {said}");
    }
    let said = good(&["init", "--data", at, "--unit-name", "澜州市司法局"]);
    assert!(said.contains("澜州市司法局"), "{said}");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("ledger.key")), 0o600);
    let key = std::fs::read(data.join("ledger.key")).unwrap();
    good(&["init", "--data", at]);
    assert_eq!(
        std::fs::read(data.join("ledger.key")).unwrap(),
        key,
        "never written over"
    );

    let server = Server::start(&["--data", at]);
    let (status, headers, body) = server.get("/healthz");
    assert_eq!((status, body.as_str()), (200, "ok\n"));
    assert!(headers.contains("x-content-type-options: nosniff"));
    let (status, _, body) = server.get("/readyz");
    assert_eq!(status, 200, "{body}");
    let (status, _, body) = server.get("/openapi.json");
    assert!(status == 200 && body.contains("\"openapi\""), "{body}");
    assert_eq!(server.get("/nothing-here").0, 404);

    let world = open(&data, None, Env::system()).await;
    write_facts(&world, 3).await.unwrap();
    let begun = std::time::Instant::now();
    while world.ledger.size().await.unwrap() < 3 {
        assert!(begun.elapsed() < crate::program::PATIENCE, "not sealed");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (status, _, metrics) = server.get("/metrics");
    assert_eq!(status, 200);
    for part in [
        "http_requests_total{path=\"/healthz\",method=\"GET\",status=\"200\"} 1",
        "http_requests_total{path=\"(none)\",method=\"GET\",status=\"404\"} 1",
        "http_request_duration_seconds_bucket{path=\"/readyz\"",
        "ledger_size 3",
        "ledger_tail 0",
        "ledger_tail_age_seconds 0",
        "ledger_sealing_seconds_count",
        "jobs_due 0",
        "http_connections 1",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(part), "{part} is not in\n{metrics}");
    }

    let in_use = bad(&["serve", "--data", at, "--listen", &server.address]);
    assert!(
        in_use.contains(&server.address) && in_use.contains("in use"),
        "{in_use}"
    );
    let said = good(&["doctor", "--data", at, "--listen", &server.address]);
    assert!(said.contains("A server answers"), "{said}");
    assert!(server.stop(), "stopped well");

    let said = good(&["verify", "--data", at, "--files"]);
    assert!(
        said.contains("3 sealed facts") && said.contains("no problems"),
        "{said}"
    );
    let report: serde_json::Value =
        serde_json::from_str(&good(&["verify", "--data", at, "--json"])).unwrap();
    assert_eq!(
        report["ledger"]["checkpoints"], 1,
        "the last checkpoint was signed at the end"
    );
}

#[test]
fn wrong_settings_are_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("suneng.toml");
    std::fs::write(&file, "\nlisten-on = \"127.0.0.1:1\"\n").unwrap();
    let at = folder.path().to_str().unwrap();
    for (lang, part) in [("en", "line 2"), ("zh", "第 2 行")] {
        let said = bad(&["serve", "--data", at, "--lang", lang]);
        assert!(said.contains(part) && said.contains("listen-on"), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
    std::fs::write(
        &file,
        "database-url = \"postgres://u:hunter2@localhost/x\"\n",
    )
    .unwrap();
    let said = good(&["doctor", "--settings", "--data", at, "--log", "json"]);
    assert!(
        said.contains("database-url = postgres://u:***@localhost/x  (file)"),
        "{said}"
    );
    assert!(
        said.contains("log = json  (flag)") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn a_mistake_in_a_pack_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("packs");
    std::fs::create_dir(&packs).unwrap();
    let header =
        "[pack]\ncode = \"mine\"\nname = { zh = \"本地\", en = \"Mine\" }\nversion = \"1\"\n";
    std::fs::write(
        packs.join("mine.toml"),
        format!("{header}\n[[holliday]]\nyear = 2026\n"),
    )
    .unwrap();
    let data = folder.path().join("data");
    let args = [
        "--data",
        data.to_str().unwrap(),
        "--packs",
        packs.to_str().unwrap(),
    ];
    let serve = [&["serve", "--listen", "127.0.0.1:0"][..], &args].concat();
    let said = bad(&serve);
    assert!(
        said.contains("mine.toml:6:3") && said.contains("holliday"),
        "{said}"
    );
    good(&[&["init"][..], &args].concat());
    let out = suneng(&[&["doctor"][..], &args].concat()).output().unwrap();
    assert!(!out.status.success() && text(&out.stdout).contains("mine.toml:6:3"));
    good(&[&["verify"][..], &args].concat());
}

#[test]
fn sheets_are_imported_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    good(&["init", "--data", at]);
    let sheet = folder.path().join("单位.csv");
    let path = sheet.to_str().unwrap();
    std::fs::write(
        &sheet,
        "上级单位编码,单位编码,单位名称,类别\n,1,澜州市司法局,bureau\n9,2,,office\n",
    )
    .unwrap();
    let said = bad(&["import", "organization", "--data", at, path]);
    assert!(said.contains("单位.csv") && said.contains("C3"), "{said}");
    std::fs::write(
        &sheet,
        "上级单位编码,单位编码,单位名称,类别\n,1,澜州市司法局,bureau\n1,2,政治部,office\n",
    )
    .unwrap();
    let said = good(&["import", "organization", "--dry-run", "--data", at, path]);
    assert!(said.contains("2 changes"), "{said}");
    good(&["import", "organization", "--data", at, path]);
    let said = good(&["import", "organization", "--data", at, path]);
    assert!(said.contains("0 changes, 2 unchanged"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    good(&["init", "--data", at, "--unit-name", "澜州市司法局"]);
    let server = Server::start(&["--data", at]);
    let sheet = folder.path().join("people.csv");
    std::fs::write(
        &sheet,
        "工号,姓名,单位编码,职务,起始日期,截止日期\n000001,甲一,1,干部,2026-01-01,\n",
    )
    .unwrap();
    let import = [
        "import",
        "organization",
        "--data",
        at,
        sheet.to_str().unwrap(),
    ];
    let said = good(&import);
    assert!(said.contains("1 change"), "{said}");
    let world = open(&data, None, Env::system()).await;
    write_facts(&world, 3).await.unwrap();
    world.db.close().await;
    let said = good(&["verify", "--data", at]);
    assert!(said.contains("no problems"), "{said}");
    let said = good(&["migrate", "--data", at]);
    assert!(said.contains("0 migrations applied"), "{said}");
    let backup = folder.path().join("copy.tar.gz");
    good(&["backup", "--data", at, "--to", backup.to_str().unwrap()]);
    good(&["doctor", "--data", at, "--listen", &server.address]);
    good(&["init", "--data", at]);
    assert_eq!(server.get("/readyz").0, 200);
    assert!(server.stop(), "stopped well");
}

#[test]
fn a_new_house_has_three_administrators_and_a_door_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("data");
    let at = at.to_str().unwrap();
    let said = bad(&["init", "--data", at, "--admin-login", "admin"]);
    assert!(said.contains("--unit-name"), "{said}");
    let said = good(&[
        "init",
        "--data",
        at,
        "--unit-name",
        "澜州市司法局",
        "--admin-login",
        "admin",
    ]);
    for part in ["admin", "secadmin", "auditor"] {
        assert!(said.contains(part), "{said}");
    }
    let again = good(&["init", "--data", at, "--security-login", "secadmin"]);
    assert!(
        again.contains("secadmin") && !again.contains("auditor"),
        "{again}"
    );
}
