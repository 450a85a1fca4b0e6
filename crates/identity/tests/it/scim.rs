//! Provisioning by SCIM: the server over HTTP on both engines, and a conformance tester against it.

use axum::http::{Request, StatusCode, header};
use identity::{Actor, NewClient, SCIM};
use kernel::{AccountId, Date, Scope, UnitId};
use serde_json::{Value, json};
use testkit::on_both;

use crate::http::{Answer, Browser, app};
use crate::{House, PASSWORD, migrations};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A directory that provisions a unit.
struct Directory {
    browser: Browser,
    token: String,
}

impl Directory {
    async fn of(h: &House, name: &str, unit: UnitId) -> Self {
        let new = NewClient {
            login: name.to_owned(),
            purpose: "统一身份目录".to_owned(),
            permissions: vec![SCIM.to_owned()],
            unit,
            from: Date::constant(2026, 1, 1),
            to: Date::constant(2027, 1, 1),
        };
        let nobody = Actor::default();
        let made = h.identity.create_client(&nobody, &new, &Scope::All);
        let (_, token) = made.await.expect("a client");
        Self {
            browser: Browser::new(h),
            token,
        }
    }

    async fn ask(&self, method: &str, path: &str, tag: &str, body: &str) -> (StatusCode, Value) {
        let answer = self.answer(method, path, tag, body).await;
        let json = match answer.body.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).expect("JSON"),
        };
        if !answer.body.is_empty() {
            assert_eq!(answer.header("content-type"), "application/scim+json");
        }
        (answer.status, json)
    }

    async fn answer(&self, method: &str, path: &str, tag: &str, body: &str) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/scim+json");
        if !tag.is_empty() {
            request = request.header(header::IF_MATCH, tag);
        }
        self.browser.send(request, body.to_owned()).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask("GET", path, "", "").await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask("POST", path, "", &body.to_string()).await
    }

    async fn patch(&self, path: &str, operations: Value) -> (StatusCode, Value) {
        let body = json!({ "Operations": operations }).to_string();
        self.ask("PATCH", path, "", &body).await
    }

    async fn filtered(&self, resource: &str, filter: &str) -> Vec<String> {
        let path = format!("/{resource}?filter={}", web::encode(filter));
        let (status, list) = self.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{filter}: {list}");
        let found = list["Resources"].as_array().expect("a list");
        let name = |r: &Value| {
            let name = r["userName"].as_str().or(r["displayName"].as_str());
            name.expect("a name").to_owned()
        };
        found.iter().map(name).collect()
    }
}

fn user(login: &str, name: &str, number: &str, unit: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": login, "displayName": name, "active": true,
        "emails": [{ "value": "x@example.org" }],
        ENTERPRISE: { "employeeNumber": number, "department": unit },
    })
}

fn at(user: &Value) -> String {
    format!("/Users/{}", user["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_directory_opens_changes_suspends_and_closes_an_account() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let d = Directory::of(&h, "directory", h.top).await;
        let (status, made) = d
            .post("/Users", user("LinXL", "林小丽", "LZ01", "S1"))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!(made["displayName"], "林小丽");
        assert_eq!(made[ENTERPRISE]["department"], "S1");
        assert_eq!(made["meta"]["resourceType"], "User");
        assert!(
            made.get("emails").is_none(),
            "what is not needed is not kept"
        );
        let here = at(&made);
        let account = AccountId(made["id"].as_str().unwrap().parse().unwrap());
        let known = h.identity.account(account, &Scope::All).await.unwrap();
        assert_eq!(
            (known.login.as_str(), known.name.as_deref()),
            ("linxl", Some("林小丽"))
        );
        assert_eq!(known.staff_no.as_deref(), Some("LZ01"));

        // The same again is refused, and leaves nothing.
        let (status, twice) = d.post("/Users", user("linxl", "别人", "LZ02", "S1")).await;
        assert_eq!(
            (status, &twice["scimType"]),
            (StatusCode::CONFLICT, &json!("uniqueness"))
        );
        let (status, _) = d.post("/Users", user("other", "别人", "LZ01", "S1")).await;
        assert_eq!(status, StatusCode::CONFLICT, "the person has an account");
        let (status, nowhere) = d.post("/Users", user("other", "别人", "LZ03", "S9")).await;
        assert_eq!(
            (status, &nowhere["scimType"]),
            (StatusCode::BAD_REQUEST, &json!("invalidValue"))
        );
        assert_eq!(d.get("/Users").await.1["totalResults"], 1);

        // She signs in with a password of her own, is suspended, and is back.
        let actor = Actor::default();
        h.identity
            .set_password(&actor, account, PASSWORD)
            .await
            .unwrap();
        let session = h.sign_in("linxl", PASSWORD).await.expect("signed in");
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        let (status, off) = d.patch(&here, off).await;
        assert_eq!((status, &off["active"]), (StatusCode::OK, &json!(false)));
        assert!(!h.is_in(&session).await, "her session has ended");
        assert!(h.sign_in("linxl", PASSWORD).await.is_err());
        let on = json!([{ "op": "Replace", "value": { "active": "True" } }]);
        assert_eq!(d.patch(&here, on).await.1["active"], true);
        h.sign_in("linxl", PASSWORD).await.expect("signed in");

        // Another name, login, post and unit; the assignment has its history.
        let moved = json!([
            { "op": "replace", "path": "userName", "value": "linxiaoli" },
            { "op": "replace", "path": "displayName", "value": "林晓丽" },
            { "op": "add", "path": "title", "value": "科长" },
            { "op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "S2" },
        ]);
        h.t.clock.advance(24 * 3600);
        let (status, moved) = d.patch(&here, moved).await;
        assert_eq!(status, StatusCode::OK, "{moved}");
        let people = organization::Organization::new(h.t.db.clone(), h.t.env.clone());
        let card = people
            .person(known.person.unwrap(), &Scope::All)
            .await
            .unwrap();
        assert_eq!(card.person.name, "林晓丽");
        let served: Vec<_> = card
            .assignments
            .iter()
            .map(|a| (a.unit, a.post.as_str()))
            .collect();
        assert_eq!(served, [(h.left, ""), (h.right, "科长")]);
        assert!(h.sign_in("linxl", PASSWORD).await.is_err());
        h.sign_in("linxiaoli", PASSWORD).await.expect("signed in");

        // What the house changes itself is what the directory sees.
        let by = organization::By::default();
        people
            .rename_person(card.person.id, "林晓莉", by, &Scope::All)
            .await
            .unwrap();
        let (_, seen) = d.get(&here).await;
        assert_eq!(
            (&seen["displayName"], &seen["title"]),
            (&json!("林晓莉"), &json!("科长"))
        );

        // Closed: gone for the directory, powerless, and the person stays.
        h.identity
            .grant(&actor, account, &h.grant("clerk", h.right), &Scope::All)
            .await
            .unwrap();
        assert_eq!(
            d.ask("DELETE", &here, "", "").await.0,
            StatusCode::NO_CONTENT
        );
        assert_eq!(d.get(&here).await.0, StatusCode::NOT_FOUND);
        assert_eq!(d.get("/Users").await.1["totalResults"], 0);
        assert!(h.sign_in("linxiaoli", PASSWORD).await.is_err());
        let grants = h.identity.grants(&[account], &Scope::All).await.unwrap();
        assert!(grants.iter().all(|g| g.revoked_at.is_some()));
        people
            .person(card.person.id, &Scope::All)
            .await
            .expect("stays");
        // Opened again it is hers, without the role and the password.
        let (status, again) = d
            .post("/Users", user("linxiaoli", "林晓莉", "LZ01", "S2"))
            .await;
        assert_eq!((status, &again["id"]), (StatusCode::CREATED, &made["id"]));
        assert!(
            h.sign_in("linxiaoli", PASSWORD).await.is_err(),
            "no password"
        );
        // Nobody else gets the account of one who has left.
        d.ask("DELETE", &here, "", "").await;
        let (status, _) = d
            .post("/Users", user("linxiaoli", "别人", "LZ09", "S2"))
            .await;
        assert_eq!(status, StatusCode::CONFLICT);

        let actions = h.actions().await;
        for action in [
            "account.opened",
            "account.disabled",
            "account.enabled",
            "account.provisioned",
            "account.closed",
        ] {
            assert!(actions.iter().any(|a| a == action), "{action}: {actions:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_directory_reaches_its_units_and_nobody_with_power() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let top = Directory::of(&h, "top", h.top).await;
        let left = Directory::of(&h, "left", h.left).await;
        let (_, theirs) = top.post("/Users", user("righty", "王", "R1", "S2")).await;
        let (_, own) = left.post("/Users", user("lefty", "李", "L1", "S1")).await;
        assert_eq!(left.get(&at(&theirs)).await.0, StatusCode::NOT_FOUND);
        assert_eq!(
            left.ask("DELETE", &at(&theirs), "", "").await.0,
            StatusCode::NOT_FOUND
        );
        assert_eq!(left.get("/Users").await.1["totalResults"], 1);
        assert_eq!(top.get("/Users").await.1["totalResults"], 2);
        let (status, _) = left.post("/Users", user("x1", "王", "R1", "S1")).await;
        assert_eq!(
            status,
            StatusCode::CONFLICT,
            "somebody else's person is not taken over"
        );
        let (status, _) = left.post("/Users", user("x2", "王", "X2", "S2")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "a unit out of reach");
        let away =
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "S2" }]);
        assert_eq!(left.patch(&at(&own), away).await.0, StatusCode::BAD_REQUEST);

        // An administrator is nobody's to rename or to suspend.
        let admin = h.account("secure", "security-admin", h.top).await;
        let person = h.person("A1", "管理员", h.top).await;
        h.belongs(admin, person).await;
        let here = format!("/Users/{admin}");
        assert_eq!(top.get(&here).await.1["userName"], "secure");
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        let (status, refused) = top.patch(&here, off).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
        assert_eq!(
            top.ask("DELETE", &here, "", "").await.0,
            StatusCode::FORBIDDEN
        );

        // A member out of reach is no member, and a group gives nothing.
        let group = |members: Value| json!({ "displayName": "政治部", "members": members });
        let (status, _) = left
            .post("/Groups", group(json!([{ "value": theirs["id"] }])))
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let (status, made) = left
            .post("/Groups", group(json!([{ "value": own["id"] }])))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!(
            left.get(&at(&own)).await.1["groups"][0]["display"],
            "政治部"
        );
        let own_id = AccountId(own["id"].as_str().unwrap().parse().unwrap());
        assert_eq!(h.identity.grants(&[own_id], &Scope::All).await.unwrap(), []);
        let path = format!("/Groups/{}", made["id"].as_str().unwrap());
        let gone = format!("members[value eq {}]", own["id"]);
        let (_, empty) = left
            .patch(&path, json!([{ "op": "remove", "path": gone }]))
            .await;
        assert!(empty.get("members").is_none(), "{empty}");
        let (_, back) = left
            .patch(
                &path,
                json!([{ "op": "add", "path": "members", "value": [{ "value": own["id"] }] }]),
            )
            .await;
        assert_eq!(back["members"][0]["value"], own["id"]);
        left.ask("DELETE", &at(&own), "", "").await;
        assert!(
            left.get(&path).await.1.get("members").is_none(),
            "who has left is in no group"
        );
        assert_eq!(
            left.ask("DELETE", &path, "", "").await.0,
            StatusCode::NO_CONTENT
        );
        assert_eq!(left.get(&path).await.0, StatusCode::NOT_FOUND);

        // Without the permission, and without a token, there is nothing here.
        let mut b = Browser::new(&h);
        assert_eq!(
            b.get("/scim/v2/Users").await.status,
            StatusCode::UNAUTHORIZED
        );
        h.account("clerk", "clerk", h.top).await;
        b.sign_in("clerk", PASSWORD).await;
        assert_eq!(b.get("/scim/v2/Users").await.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let d = Directory::of(&h, "directory", h.top).await;
        for (n, (name, unit)) in [("张", "S1"), ("李", "S2"), ("王", "S1"), ("赵", "S2")]
            .into_iter()
            .enumerate()
        {
            let mut new = user(&format!("user{n}"), name, &format!("N{}", 9 - n), unit);
            new["externalId"] = json!(format!("ext-{n}"));
            assert_eq!(d.post("/Users", new).await.0, StatusCode::CREATED);
        }
        assert_eq!(d.filtered("Users", "userName eq \"USER2\"").await, ["user2"]);
        assert_eq!(d.filtered("Users", "externalId eq \"ext-1\" and active eq true").await, ["user1"]);
        let number = format!("{ENTERPRISE}:employeeNumber ge \"N8\"");
        assert_eq!(d.filtered("Users", &number).await, ["user0", "user1"]);
        let unit = format!("{ENTERPRISE}:department eq \"S1\" and not (displayName eq \"张\")");
        assert_eq!(d.filtered("Users", &unit).await, ["user2"]);
        assert_eq!(d.filtered("Users", "id eq \"nonsense\"").await, [""; 0]);
        let by_number = web::encode(&format!("{ENTERPRISE}:employeeNumber"));
        let (_, page) = d.get(&format!("/Users?sortBy={by_number}&startIndex=2&count=2&attributes=userName")).await;
        assert_eq!((&page["totalResults"], &page["itemsPerPage"], &page["startIndex"]), (&json!(4), &json!(2), &json!(2)));
        let logins: Vec<_> = page["Resources"].as_array().unwrap().iter().map(|u| u["userName"].clone()).collect();
        assert_eq!(logins, ["user2", "user1"]);
        assert!(page["Resources"][0].get("meta").is_none());
        let (_, none) = d.get("/Users?count=0&filter=active%20eq%20true").await;
        assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(4), &json!([])));
        let (_, search) = d.post("/Users/.search", json!({ "filter": "userName sw \"user\"", "count": 1,
            "sortBy": "userName", "sortOrder": "descending", "excludedAttributes": ["displayName", "meta"] })).await;
        assert_eq!(search["Resources"][0]["userName"], "user3");
        assert!(search["Resources"][0].get("displayName").is_none());

        // A stale tag changes nothing; the present one does.
        let (_, list) = d.get("/Users?filter=userName%20eq%20%22user0%22").await;
        let one = &list["Resources"][0];
        let tag = one["meta"]["version"].as_str().unwrap();
        let mut other = user("user0", "章", "N9", "S1");
        let put = async |tag: &str, body: &Value| d.ask("PUT", &at(one), tag, &body.to_string()).await;
        let (status, stale) = put("W/\"0\"", &other).await;
        assert_eq!((status, &stale["status"]), (StatusCode::PRECONDITION_FAILED, &json!("412")));
        let (status, new) = put(tag, &other).await;
        assert_eq!((status, &new["displayName"]), (StatusCode::OK, &json!("章")));
        assert_eq!(put(tag, &other).await.0, StatusCode::PRECONDITION_FAILED);
        let same = d.answer("GET", &at(one), "", "").await;
        assert_eq!(same.header("etag"), new["meta"]["version"].as_str().unwrap());
        // Put without a department: the person stays where they are.
        other[ENTERPRISE] = json!({});
        assert_eq!(put("", &other).await.0, StatusCode::OK);
        let (_, seen) = d.get(&at(one)).await;
        assert!(seen.get(ENTERPRISE).is_none());
        let left = Scope::Under(vec![h.left]);
        let there = h.identity.person_by_staff_no("N9", &left).await;
        assert!(there.is_ok());
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_words_and_nothing_is_done() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let d = Directory::of(&h, "directory", h.top).await;
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        let long_name = json!({ "userName": "a", "displayName": "长".repeat(600) }).to_string();
        for (body, kind) in [
            ("", "invalidSyntax"),
            ("{", "invalidSyntax"),
            ("[]", "invalidSyntax"),
            (&*deep, "invalidSyntax"),
            ("{}", "invalidValue"),
            ("{\"userName\":7}", "invalidValue"),
            ("{\"userName\":\"a b\"}", "invalidValue"),
            (
                "{\"userName\":\"ab\",\"active\":\"perhaps\"}",
                "invalidValue",
            ),
            ("{\"userName\":\"ab\",\"USERNAME\":\"cd\"}", "invalidValue"),
            ("{\"userName\":\"ab\",\"name\":\"x\"}", "invalidValue"),
            (
                "{\"userName\":\"ab\",\"displayName\":\"a\\u0000b\"}",
                "invalidValue",
            ),
            (&*long_name, "invalidValue"),
        ] {
            let (status, refused) = d.ask("POST", "/Users", "", body).await;
            let shown: String = body.chars().take(60).collect();
            assert_eq!(status, StatusCode::BAD_REQUEST, "{shown}");
            assert_eq!(refused["scimType"], kind, "{shown}: {refused}");
            assert_eq!(
                refused["schemas"][0],
                "urn:ietf:params:scim:api:messages:2.0:Error"
            );
            assert!(!refused["detail"].as_str().unwrap().is_empty());
        }
        let giant = format!("{{\"userName\":\"{}\"}}", "a".repeat(8_000_000));
        let (status, _) = d.ask("POST", "/Users", "", &giant).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        let long = web::encode(&format!("userName eq \"{}\"", "a".repeat(10_000)));
        for filter in [&*long, "userName", "nonsense%20eq%201", "%28"] {
            let (status, refused) = d.get(&format!("/Users?filter={filter}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
            assert!(refused["scimType"].is_string());
        }
        assert_eq!(d.get("/Users?count=many").await.0, StatusCode::BAD_REQUEST);
        assert_eq!(d.get("/Users?count=-1").await.0, StatusCode::OK);
        assert_eq!(d.get("/Users/nonsense").await.0, StatusCode::NOT_FOUND);
        assert_eq!(d.get("/Nonsense").await.0, StatusCode::NOT_FOUND);
        assert_eq!(d.get("/Me").await.0, StatusCode::NOT_IMPLEMENTED);
        assert_eq!(
            d.post("/Bulk", json!({})).await.0,
            StatusCode::NOT_IMPLEMENTED
        );
        assert_eq!(d.get("/Users").await.1["totalResults"], 0);
        assert_eq!(h.actions().await, ["client.made"]);
    })
    .await;
}

/// Where `cargo xtask packages` puts the tester.
fn python() -> std::path::PathBuf {
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let python = target
        .expect("a target folder")
        .join("scim2-tester/bin/python");
    assert!(
        python.is_file(),
        "scim2-tester is missing: run `cargo xtask packages`, which installs it into {}",
        python.display()
    );
    python
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conformance_tester_finds_nothing_wrong() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let d = Directory::of(&h, "directory", h.top).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let base = format!(
            "http://{}/scim/v2",
            listener.local_addr().expect("an address")
        );
        let app = app(&h.identity, &h.t.env, false);
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/scim_tester.py");
        let run = tokio::process::Command::new(python())
            .args([script, &base, &d.token])
            .env("no_proxy", "127.0.0.1")
            .output();
        let run = run.await.expect("the tester runs");
        server.abort();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            run.status.success(),
            "{}{}",
            said(&run.stdout),
            said(&run.stderr)
        );
    })
    .await;
}
