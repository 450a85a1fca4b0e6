//! Provisioning (SCIM) as a directory sees it: a conformance tester against the served binary.

use identity::{Actor, NewClient, SCIM};
use jiff::ToSpan;
use kernel::{Env, Scope};
use organization::NewUnit;
use suneng::rooms::{Rooms, Vocabulary};

use crate::program::{Server, good, open, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_conformance_tester_finds_nothing_wrong_with_the_served_program() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    good(&["init", "--data", at]);
    let token = {
        let world = open(&data, None, Env::system()).await;
        let rooms = Rooms::open(&world, Vocabulary::read(&world.packs).unwrap());
        let rooms = rooms.await.unwrap();
        let today = world.env.today();
        let new = NewUnit {
            parent: None,
            code: "LZ".into(),
            name: "澜州市司法局".into(),
            category: String::new(),
            from: today,
        };
        let unit = world.organization.add_unit(new, "", None, &Scope::All);
        let client = NewClient {
            login: "directory".into(),
            purpose: "统一身份目录".into(),
            permissions: vec![SCIM.into()],
            unit: unit.await.unwrap(),
            from: today,
            to: today.saturating_add(30.days()),
        };
        let nobody = Actor::default();
        let made = rooms.identity.create_client(&nobody, &client, &Scope::All);
        made.await.unwrap().1
    };
    let server = Server::start(&["--data", at]);
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let python = target.unwrap().join("scim2-tester/bin/python");
    assert!(
        python.is_file(),
        "scim2-tester is missing: run `cargo xtask packages`, which installs it into {}",
        python.display()
    );
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../identity/tests/it/scim_tester.py"
    );
    let base = format!("http://{}/scim/v2", server.address);
    let run = tokio::process::Command::new(python)
        .args([script, &base, &token])
        .env("no_proxy", "127.0.0.1")
        .output();
    let run = run.await.expect("the tester runs");
    let said = text(&run.stdout) + &text(&run.stderr);
    assert!(run.status.success(), "{said}");
    let (status, ..) = server.get("/scim/v2/Users");
    assert_eq!(status, 401, "without the token nothing");
    assert!(server.stop());
}
