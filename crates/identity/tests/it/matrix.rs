//! Every role by every route of the program: let in exactly when the role holds what the route asks for, be the
//! role granted, lent or brought by an office.

use axum::http::{Request, StatusCode};
use db::{args, transaction};
use identity::{Actor, NewDelegation, NewGrant, Role};
use kernel::{AccountId, Id, Scope};
use testkit::on_sqlite;
use web::{Module, Options, Policy, Routes};

use crate::http::Browser;
use crate::{House, PASSWORD, migrations, roles};

const TABLE: &str = include_str!("../../../suneng/tests/golden/routes.txt");

/// Method, path and policy of every route.
fn table() -> Vec<(&'static str, &'static str, &'static str)> {
    let row = |line: &'static str| {
        let mut words = line.split(' ');
        (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        )
    };
    TABLE.lines().map(row).collect()
}

/// The program's routes with their policies, each behind a path of its own.
fn doors(h: &House) -> Browser {
    async fn come_in() -> &'static str {
        "in"
    }
    let mut routes = Routes::new();
    for (n, (method, _, policy)) in table().into_iter().enumerate() {
        let policy = match policy {
            "public" => Policy::Public,
            "proof" => Policy::Proof,
            "signed-in" => Policy::SignedIn,
            name => Policy::Permission(name),
        };
        let path: &'static str = Box::leak(format!("/door/{n}").into_boxed_str());
        routes = match method {
            "GET" => routes.get(path, policy, come_in),
            "POST" => routes.post(path, policy, come_in),
            "PUT" => routes.put(path, policy, come_in),
            "PATCH" => routes.patch(path, policy, come_in),
            "DELETE" => routes.delete(path, policy, come_in),
            other => panic!("{other}"),
        };
    }
    let module = Module {
        name: "doors",
        routes,
        ..Module::default()
    };
    let options = Options {
        auth: h.identity.clone().layer(),
        ..Options::new(h.t.env.clone())
    };
    let modules = vec![identity::module(h.identity.clone()), module];
    Browser::of(web::assemble(modules, options).expect("fits"))
}

/// The doors that do not open as they should: open exactly for these permissions, 404 otherwise.
async fn wrong_doors(b: &Browser, held: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (n, (method, path, policy)) in table().into_iter().enumerate() {
        let request = Request::builder()
            .method(method)
            .uri(format!("/door/{n}"))
            .header("sec-fetch-site", "same-origin");
        let status = b.send(request, String::new()).await.status;
        // Whoever brings a proof is let in here and asked for it by the handler.
        let open = matches!(policy, "public" | "proof" | "signed-in") || held(policy);
        let due = if open {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        if status != due {
            wrong.push(format!("{method} {path} {policy}: {status}"));
        }
    }
    wrong
}

async fn lend(
    h: &House,
    giver: AccountId,
    taker: &str,
    permissions: Vec<String>,
) -> kernel::Result<Id> {
    let today = h.t.env.today();
    let new = NewDelegation {
        taker: taker.to_owned(),
        unit: h.left,
        permissions,
        decides: false,
        reason: "休假".to_owned(),
        from: today,
        to: today,
    };
    h.identity.delegate(&giver.into(), &new).await
}

#[tokio::test]
async fn every_role_opens_its_routes_and_no_other() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(t).await;
        let (i, today) = (&h.identity, h.t.env.today());
        let all: Vec<Role> = roles().iter().cloned().collect();
        let never = [
            "identity.grant",
            "identity.manage",
            "identity.reset",
            "identity.client",
            "identity.scim",
            "audit.read",
        ];
        for (n, role) in all.iter().enumerate() {
            let login = format!("granted{n}");
            let id = h.account(&login, "staff", h.right).await;
            let held = i.grants(&[id], &Scope::All).await.unwrap();
            i.revoke(&Actor::default(), held[0].id, &Scope::All)
                .await
                .unwrap();
            let grant = NewGrant {
                role: role.code.clone(),
                unit: h.left,
                from: today,
                to: Some(today),
            };
            i.grant(&Actor::default(), id, &grant, &Scope::All)
                .await
                .unwrap();
            let mut b = doors(&h);
            b.sign_in(&login, PASSWORD).await;
            let holds = |p: &str| role.permissions.iter().any(|own| own == p);
            assert_eq!(wrong_doors(&b, &holds).await, [""; 0], "{}", role.code);

            // Lent: no duty, nothing that makes power; the deputy's own rights rest meanwhile.
            let deputy = format!("deputy{n}");
            let taker = h.account(&deputy, "security-admin", h.top).await;
            let lendable: Vec<String> = match role.duty {
                Some(_) => Vec::new(),
                None => role
                    .permissions
                    .iter()
                    .filter(|p| !never.contains(&p.as_str()))
                    .cloned()
                    .collect(),
            };
            for permission in &role.permissions {
                let made = lend(&h, id, &deputy, vec![permission.clone()]).await;
                assert_eq!(
                    made.is_ok(),
                    lendable.contains(permission),
                    "{} {permission}",
                    role.code
                );
            }
            if lendable.is_empty() {
                continue;
            }
            let lent = lend(&h, id, &deputy, lendable.clone()).await.unwrap();
            let token = h.sign_in(&deputy, PASSWORD).await.unwrap();
            i.act_for(&taker.into(), &token, Some(lent)).await.unwrap();
            let principal = i.principal(&token).await.unwrap().unwrap();
            let has: Vec<&String> = principal.grants.keys().collect();
            let mut due: Vec<&String> = lendable.iter().collect();
            due.sort_unstable();
            assert_eq!(has, due, "{}", role.code);
        }
    })
    .await;
}

#[tokio::test]
async fn an_office_opens_the_routes_of_its_role() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(t).await;
        let mut n = 0;
        for role in roles().iter() {
            for office in &role.offices {
                n += 1;
                let login = format!("office{n}");
                let id = h.account(&login, "staff", h.left).await;
                let person = h.person(&format!("LZ9{n:03}"), "林晓岚", h.left).await;
                h.belongs(id, person).await;
                let (body, member): (Id, Id) = (h.t.env.new_id(), h.t.env.new_id());
                let done = transaction!(h.t.db, |tx| {
                    let sql =
                        "INSERT INTO body (id, kind, name, unit, charter, from_date, recorded_at)
                        VALUES ($1, $2, '组织', $3, '', '2026-01-01', 0)";
                    tx.execute(sql, args![body, office.kind.as_str(), h.right])
                        .await?;
                    let sql = "INSERT INTO body_member (id, body, person, role, from_date)
                        VALUES ($1, $2, $3, $4, '2026-01-01')";
                    tx.execute(sql, args![member, body, person, office.code.as_str()])
                        .await
                });
                done.expect("in office");
                let mut b = doors(&h);
                b.sign_in(&login, PASSWORD).await;
                // What everybody of the staff may, and what the office adds.
                let holds = |p: &str| {
                    let all = roles();
                    let own = all
                        .iter()
                        .filter(|r| r.code == "staff" || r.code == role.code);
                    own.flat_map(|r| &r.permissions).any(|own| own == p)
                };
                assert_eq!(
                    wrong_doors(&b, &holds).await,
                    [""; 0],
                    "{}.{}",
                    office.kind,
                    office.code
                );
            }
        }
        assert!(n > 0, "the packs bring roles by office");
    })
    .await;
}
