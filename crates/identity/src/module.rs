//! What this crate brings to the house.

use serde_json::{Value, json};
use web::table::Table;
use web::view::Pager;
use web::{Form, Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::pages::{account, accounts, activation, audit, clients, delegations, second, sign_in};
use crate::scim::{self, Scim};
use crate::{AUDIT, CLIENT, GRANT, Identity, MANAGE, READ, RESET, api};

/// Sign-in, my account, accounts, audit trail, and the API of sessions.
pub fn module(identity: Identity) -> Module {
    let source = std::sync::Arc::new(crate::searching::Source(identity.clone()));
    let scim = identity
        .organization
        .clone()
        .map_or_else(Routes::new, |organization| {
            scim::routes(Scim::new(identity.clone(), organization))
        });
    let manage = Policy::Permission(MANAGE);
    let (read, reset) = (Policy::Permission(READ), Policy::Permission(RESET));
    let grant = Policy::Permission(GRANT);
    let client = Policy::Permission(CLIENT);
    let routes = Routes::new()
        .get("/sign-in", Policy::Public, sign_in::show)
        .post("/sign-in", Policy::Public, sign_in::submit)
        .get("/sign-in/oidc", Policy::Public, sign_in::to_provider)
        .get(
            "/sign-in/oidc/callback",
            Policy::Public,
            sign_in::from_provider,
        )
        .get("/activate", Policy::Public, activation::show)
        .post("/activate", Policy::Public, activation::activate)
        // Whoever signs out after the session has ended is signed out, not turned away.
        .post("/sign-out", Policy::Public, sign_in::sign_out)
        .get("/sign-in/second", Policy::SignedIn, second::step)
        .post("/sign-in/second", Policy::SignedIn, second::pass)
        .get("/account/second", Policy::SignedIn, second::show)
        .post("/account/second", Policy::SignedIn, second::begin)
        .post("/account/second/confirm", Policy::SignedIn, second::confirm)
        .get("/account", Policy::SignedIn, account::show)
        .post(
            "/account/password",
            Policy::SignedIn,
            account::change_password,
        )
        .post(
            "/account/sessions",
            Policy::SignedIn,
            account::sign_out_others,
        )
        .post(
            "/account/sessions/end",
            Policy::SignedIn,
            account::end_session,
        )
        .post("/account/second/recovery", Policy::SignedIn, second::renew)
        .get(
            "/account/delegations/new",
            Policy::SignedIn,
            delegations::new,
        )
        .post(
            "/account/delegations",
            Policy::SignedIn,
            delegations::create,
        )
        .post(
            "/account/delegations/{id}/end",
            Policy::SignedIn,
            delegations::end_own,
        )
        .get(
            "/account/delegations/unit-options",
            Policy::SignedIn,
            delegations::unit_options,
        )
        .post("/account/acting", Policy::SignedIn, delegations::act)
        .get("/accounts/delegations", grant, delegations::list)
        .post("/accounts/delegations", grant, delegations::end_many)
        .get(
            "/accounts/delegations/list.xlsx",
            grant,
            delegations::export,
        )
        .post("/accounts/delegations/{id}/end", grant, delegations::end)
        .get("/accounts", read, accounts::list)
        .post("/accounts", manage, accounts::create)
        .get("/accounts/list.xlsx", read, accounts::export)
        .post("/accounts/batch", reset, accounts::batch)
        .get("/accounts/new", manage, accounts::new)
        .get("/accounts/new/unit-options", manage, accounts::unit_options)
        .get(
            "/accounts/grants/unit-options",
            grant,
            accounts::unit_options,
        )
        .get(
            "/accounts/codes/unit-options",
            reset,
            accounts::unit_options,
        )
        .get("/accounts/codes", reset, activation::batch)
        .post("/accounts/codes", reset, activation::issue_batch)
        .get("/accounts/{id}", read, accounts::one)
        .post("/accounts/{id}/code", reset, activation::issue)
        .post("/accounts/{id}/grants", grant, accounts::grant)
        .post("/accounts/{id}/second/reset", grant, second::reset)
        .post("/accounts/{id}/disable", reset, accounts::disable)
        .post("/accounts/{id}/enable", reset, accounts::enable)
        .post("/accounts/{id}/password", reset, accounts::reset)
        .post("/accounts/grants/{grant}/revoke", grant, accounts::revoke)
        .get("/clients", client, clients::list)
        .post("/clients", client, clients::create)
        .get("/clients/list.xlsx", client, clients::export)
        .get("/clients/new", client, clients::new)
        .get("/clients/unit-options", client, accounts::unit_options)
        .get("/clients/{id}", client, clients::show)
        .post("/clients/{id}/rotate", client, clients::rotate)
        .post("/clients/{id}/revoke", client, clients::revoke)
        .get("/audit", Policy::Permission(AUDIT), audit::show)
        .get("/audit.csv", Policy::Permission(AUDIT), audit::export)
        .get("/audit/{id}", Policy::Permission(AUDIT), audit::one)
        .post("/api/v1/session", Policy::Public, api::sign_in)
        .post("/api/v1/login", Policy::Public, api::login)
        .delete("/api/v1/session", Policy::SignedIn, api::sign_out)
        .post("/api/v1/session/second", Policy::SignedIn, api::second)
        .get("/api/v1/me", Policy::SignedIn, api::me)
        .get("/api/v1/delegations", Policy::SignedIn, api::delegations)
        .post("/api/v1/delegations", Policy::SignedIn, api::delegate)
        .delete(
            "/api/v1/delegations/{id}",
            Policy::SignedIn,
            api::end_delegation,
        )
        .put("/api/v1/session/acting", Policy::SignedIn, api::act)
        .with_state(identity)
        .merge(scim);
    let entry = |order, label_key, href, icon, permission| MenuEntry {
        group: MenuGroup::Manage,
        order,
        label_key,
        href,
        icon,
        permission: Some(permission),
    };
    Module {
        name: "identity",
        routes,
        menu: vec![
            entry(80, "identity-accounts", "/accounts", "user-cog", READ),
            entry(85, "identity-clients", "/clients", "link", CLIENT),
            entry(90, "identity-audit", "/audit", "list-search", AUDIT),
        ],
        messages: vec![
            (Lang::Zh, crate::MESSAGES[0].1),
            (Lang::En, crate::MESSAGES[1].1),
        ],
        templates: vec![
            (
                "identity/sign_in.html",
                include_str!("../templates/sign_in.html"),
            ),
            (
                "identity/account.html",
                include_str!("../templates/account.html"),
            ),
            (
                "identity/delegation_new.html",
                include_str!("../templates/delegation_new.html"),
            ),
            (
                "identity/delegation_rows.html",
                include_str!("../templates/delegation_rows.html"),
            ),
            (
                "identity/delegations.html",
                include_str!("../templates/delegations.html"),
            ),
            (
                "identity/accounts.html",
                include_str!("../templates/accounts.html"),
            ),
            (
                "identity/grant_fields.html",
                include_str!("../templates/grant_fields.html"),
            ),
            (
                "identity/account_new.html",
                include_str!("../templates/account_new.html"),
            ),
            (
                "identity/account_one.html",
                include_str!("../templates/account_one.html"),
            ),
            (
                "identity/one_time.html",
                include_str!("../templates/one_time.html"),
            ),
            (
                "identity/second_step.html",
                include_str!("../templates/second_step.html"),
            ),
            (
                "identity/second.html",
                include_str!("../templates/second.html"),
            ),
            (
                "identity/second_enrol.html",
                include_str!("../templates/second_enrol.html"),
            ),
            (
                "identity/recovery.html",
                include_str!("../templates/recovery.html"),
            ),
            (
                "identity/clients.html",
                include_str!("../templates/clients.html"),
            ),
            (
                "identity/client_new.html",
                include_str!("../templates/client_new.html"),
            ),
            (
                "identity/client_one.html",
                include_str!("../templates/client_one.html"),
            ),
            (
                "identity/client_token.html",
                include_str!("../templates/client_token.html"),
            ),
            (
                "identity/activate.html",
                include_str!("../templates/activate.html"),
            ),
            (
                "identity/codes.html",
                include_str!("../templates/codes.html"),
            ),
            (
                "identity/slips.html",
                include_str!("../templates/slips.html"),
            ),
            (
                "identity/audit.html",
                include_str!("../templates/audit.html"),
            ),
            (
                "identity/audit_one.html",
                include_str!("../templates/audit_one.html"),
            ),
            (
                "identity/audit_look.html",
                include_str!("../templates/audit_look.html"),
            ),
        ],
        samples: samples(),
        openapi: Some(api::openapi()),
        search: vec![source],
        ..Module::default()
    }
}

/// At least one context for every template.
fn samples() -> Vec<(&'static str, Value)> {
    let may = json!({ "open": true, "reset": true, "grant": true });
    let nothing = json!({ "open": false, "reset": false, "grant": false });
    let rule = account::rule(&crate::SecuritySettings::default());
    let tag = json!({ "text": "…", "tone": "ok", "icon": "lock" });
    let crumbs = json!([{ "label": "…", "href": "/accounts" }]);
    let choices = json!({ "roles": [["clerk", "内勤"]] });
    let form = Form::default().with("from", "2026-11-20").with("next", "/");
    let wrong = Form {
        errors: [("login".to_owned(), "…".to_owned())].into(),
        list: vec![web::FormError {
            field: "login".to_owned(),
            text: "…".to_owned(),
        }],
        ..form.clone()
    };
    let pager = Pager::new(120, 50, 1, |n| format!("/accounts?page={n}"));
    let line = |name: Value, roles: Value| json!({ "pick": "1", "href": "/accounts/1", "login": "linxl", "name": name, "staff_no": name, "opened": 0, "roles": roles, "state": tag });
    let chips = json!([{ "label": "…", "without": "/accounts" }]);
    let accounts = |lines: Value, may: &Value, chips: Value, problem: Value| {
        json!({
            "lines": lines, "pager": pager, "q": "", "may": may, "chips": chips, "role": null, "roles": { "clerk": "内勤" },
            "state": null, "states": [["active", "…"]], "table": Table::sample_with(&accounts::COLUMNS),
            "back": "/accounts", "problem": problem,
        })
    };
    let delegated = |lines: Value, chips: Value| {
        json!({
            "crumbs": crumbs, "lines": lines, "q": "", "over": false, "chips": chips, "pager": pager,
            "table": Table::sample_with(&delegations::COLUMNS),
        })
    };
    let robots = |lines: Value, chips: Value| {
        json!({
            "lines": lines, "q": "", "chips": chips, "pager": pager, "table": Table::sample_with(&clients::COLUMNS),
        })
    };
    let lent = json!({
        "id": "1", "giver": "陈明川", "taker": "林晓岚", "received": true, "unit": "法治科", "what": ["…"],
        "reason": "…", "from": "2026-11-20", "to": "2026-11-26", "state": tag, "open": true, "usable": true,
    });
    let office = json!({
        "role": "支部工作人员", "unit": "法治科", "why": "…", "from": "2026-01-01", "to": null,
    });
    let one = |oneself: bool, disabled: bool, grants: Value| {
        json!({
            "crumbs": crumbs, "state": tag, "here": "/accounts/1", "login": "linxl", "name": "林晓岚",
            "opened": 0, "changed": null, "disabled": disabled, "oneself": oneself, "second": !disabled,
            "doors": if disabled { json!([]) } else { json!(["password", "ldap", "oidc"]) },
            "groups": if disabled { json!([]) } else { json!(["政治部"]) },
            "offices": if disabled { json!([]) } else { json!([office]) },
            "delegations": if disabled { json!([]) } else { json!([lent]) },
            "grants": grants, "choices": choices, "form": wrong, "may": if disabled { &nothing } else { &may },
        })
    };
    let grant = json!({
        "id": "1", "role": "内勤", "unit": "法治科", "from": "2026-01-01", "to": null,
        "state": tag, "open": true,
    });
    let session = json!({ "hash": "00", "address": "192.0.2.7", "agent": "", "began": 0, "seen": 60_000_000, "ends": 960_000_000, "door": "ldap", "here": true });
    let limits = json!({ "idle": 15, "hours": 12 });
    let entry = json!({
        "href": "/audit/1", "at": 0, "login": null, "on_behalf": "chenmc", "action": "…", "object": "account 1", "detail": "{\"role\":\"clerk\"}",
        "address": "",
    });
    let own = |since: Value, possible| {
        json!({
            "crumbs": crumbs, "since": since, "left": 10, "possible": possible, "demanded": true,
            "form": wrong,
        })
    };
    let robot = |open: bool, used: Value| {
        json!({
            "href": "/clients/1", "login": "sync", "purpose": "…", "unit": "法治科",
            "permissions": ["…"], "made": 0, "made_by": null, "prefix": "sn_1234",
            "from": "2026-01-01", "to": "2026-12-31", "used": used, "address": "", "open": open,
            "state": tag,
        })
    };
    let lend = |permissions: Value| json!({ "crumbs": crumbs, "permissions": permissions, "most": 90, "form": wrong });
    let slip = json!({
        "login": "linxl", "staff_no": "LZ0101", "name": null, "unit": "法治科",
        "code": "ACDEF-GHJKM-23456", "until": 0,
    });
    let search = json!({ "from": "2026-10-21", "to": "", "action": "account", "login": "", "object": "", "address": "" });
    let entry_page = json!({ "crumbs": crumbs, "id": "1", "code": "role.granted", "entry": entry, "detail": [["role", "clerk"]] });
    let trail = |lines: Value| {
        json!({
            "lines": lines, "pager": pager, "actions": [["", "…"], ["account", "…"]],
            "search": search, "chips": chips, "table": Table::sample_with(&audit::COLUMNS),
        })
    };
    vec![
        (
            "identity/sign_in.html",
            json!({ "form": form, "oidc": null, "leave": null }),
        ),
        (
            "identity/sign_in.html",
            json!({ "form": wrong, "oidc": { "name": "", "href": "/" }, "leave": "https://id.example/end" }),
        ),
        (
            "identity/sign_in.html",
            json!({ "form": form, "oidc": { "name": "统一身份认证平台", "href": "/" }, "leave": null }),
        ),
        (
            "identity/account.html",
            json!({
                "login": "linxl", "name": "林晓岚", "changed": 0, "must_change": null, "rule": rule,
                "sessions": [session], "form": form, "own": true, "doors": ["password", "oidc"], "limits": limits,
                "acting": "陈明川", "delegations": [lent],
            }),
        ),
        (
            "identity/account.html",
            json!({
                "login": "linxl", "name": null, "changed": null, "must_change": "too-old", "rule": rule,
                "sessions": [], "form": wrong, "own": false, "doors": ["ldap"], "limits": limits,
                "acting": null, "delegations": [],
            }),
        ),
        (
            "identity/accounts.html",
            accounts(
                json!([
                    line(json!("林晓岚"), json!(["内勤 · 法治科"])),
                    line(Value::Null, json!([]))
                ]),
                &may,
                json!([]),
                json!("…"),
            ),
        ),
        (
            "identity/accounts.html",
            accounts(json!([]), &may, json!([]), Value::Null),
        ),
        (
            "identity/accounts.html",
            accounts(json!([]), &nothing, chips.clone(), Value::Null),
        ),
        (
            "identity/accounts.html",
            accounts(json!([]), &nothing, json!([]), Value::Null),
        ),
        (
            "identity/delegation_new.html",
            lend(json!([["p:a.read", "…"]])),
        ),
        ("identity/delegation_new.html", lend(json!([]))),
        (
            "identity/delegation_rows.html",
            json!({ "delegations": [lent], "here": "/account" }),
        ),
        (
            "identity/delegations.html",
            delegated(json!([lent]), json!([])),
        ),
        ("identity/delegations.html", delegated(json!([]), json!([]))),
        (
            "identity/delegations.html",
            delegated(json!([]), chips.clone()),
        ),
        (
            "identity/grant_fields.html",
            json!({ "choices": choices, "form": form }),
        ),
        (
            "identity/account_new.html",
            json!({ "crumbs": crumbs, "choices": choices, "form": wrong, "may": may }),
        ),
        (
            "identity/account_one.html",
            one(false, false, json!([grant])),
        ),
        ("identity/account_one.html", one(true, true, json!([]))),
        (
            "identity/one_time.html",
            json!({
                "crumbs": crumbs, "login": "linxl", "name": "林晓岚", "password": "abCd-2345-efGH",
                "href": "/accounts/1",
            }),
        ),
        ("identity/second_step.html", json!({ "form": form })),
        ("identity/second.html", own(json!(0), true)),
        ("identity/second.html", own(Value::Null, true)),
        ("identity/second.html", own(Value::Null, false)),
        (
            "identity/second_enrol.html",
            json!({ "crumbs": crumbs, "picture": "<svg></svg>", "secret": "ABCD 2345", "form": wrong }),
        ),
        (
            "identity/recovery.html",
            json!({ "crumbs": crumbs, "codes": ["ACDEF-GHJKM-23456"] }),
        ),
        (
            "identity/clients.html",
            robots(
                json!([robot(true, json!(0)), robot(false, Value::Null)]),
                json!([]),
            ),
        ),
        ("identity/clients.html", robots(json!([]), json!([]))),
        ("identity/clients.html", robots(json!([]), chips.clone())),
        (
            "identity/client_new.html",
            json!({
                "crumbs": crumbs, "permissions": [["p:a.read", "…"]],
                "form": wrong,
            }),
        ),
        (
            "identity/client_one.html",
            json!({ "crumbs": crumbs, "client": robot(true, json!(0)), "form": wrong }),
        ),
        (
            "identity/client_one.html",
            json!({ "crumbs": crumbs, "client": robot(false, Value::Null), "form": form }),
        ),
        (
            "identity/client_token.html",
            json!({ "crumbs": crumbs, "login": "sync", "token": "sn_1_2", "href": "/clients/1" }),
        ),
        (
            "identity/activate.html",
            json!({ "form": wrong, "rule": rule }),
        ),
        (
            "identity/codes.html",
            json!({ "crumbs": crumbs, "days": 7, "may_open": true, "form": wrong }),
        ),
        (
            "identity/slips.html",
            json!({ "crumbs": crumbs, "back": "/accounts", "left": "甲1", "slips": [slip, slip] }),
        ),
        (
            "identity/slips.html",
            json!({ "crumbs": crumbs, "back": "/accounts", "left": "", "slips": [] }),
        ),
        ("identity/audit_one.html", entry_page.clone()),
        ("identity/audit_look.html", entry_page),
        ("identity/audit.html", trail(json!([entry]))),
        ("identity/audit.html", trail(json!([]))),
    ]
}
