//! Delegations: what they let one do, what never, and when they end.

use axum::http::StatusCode;
use identity::{Actor, AuditFilter, DelegationFilter, NewDelegation};
use kernel::{AccountId, Scope, UnitId};
use testkit::on_both;
use web::Principal;
use web::table::Window;

use crate::http::Browser;
use crate::lists::BY_LAST_DAY;
use crate::{House, PASSWORD, key, migrations};

impl House {
    fn lend(&self, taker: &str, unit: UnitId, permissions: &[&str]) -> NewDelegation {
        let today = self.t.env.today();
        NewDelegation {
            taker: taker.to_owned(),
            unit,
            permissions: permissions.iter().map(|p| (*p).to_owned()).collect(),
            decides: false,
            reason: "参加培训".to_owned(),
            from: today,
            to: today.tomorrow().expect("a day"),
        }
    }

    async fn principal(&self, token: &str) -> Principal {
        let found = self.identity.principal(token).await.expect("an answer");
        found.expect("signed in")
    }
}

fn by(account: AccountId) -> Actor {
    account.into()
}

#[tokio::test]
async fn somebody_acts_for_another_until_the_last_day() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let (i, all) = (&h.identity, &Scope::All);
        let chief = h.account("chief", "leader", h.top).await;
        let deputy = h.account("deputy", "clerk", h.right).await;
        let new = h.lend("deputy", h.left, &["activity.read", "report.write"]);
        let id = i.delegate(&by(chief), &new).await.unwrap();
        let token = h.sign_in("deputy", PASSWORD).await.unwrap();
        let own = h.principal(&token).await;
        assert_eq!(own.on_behalf, None);
        assert_eq!(own.scope("report.write"), None, "not before one says so");

        i.act_for(&by(deputy), &token, Some(id)).await.unwrap();
        let acting = h.principal(&token).await;
        assert_eq!(acting.account, deputy);
        assert_eq!(acting.on_behalf.as_ref().unwrap().account, chief);
        let left = Scope::Under(vec![h.left]);
        assert_eq!(
            acting.scope("report.write"),
            Some(&left),
            "cut down to the unit"
        );
        assert_eq!(acting.scope("indicator.read"), None, "not chosen");
        assert_eq!(
            acting.scope("activity.record"),
            None,
            "one's own rest meanwhile"
        );

        // No more than the giver holds: a role that is taken back takes it along, at once.
        let held = i.grants(&[chief], all).await.unwrap();
        i.revoke(&Actor::default(), held[0].id, all).await.unwrap();
        let own = h.principal(&token).await;
        assert!(own.on_behalf.is_none() && own.scope("report.write").is_none());
        let below = h.grant("leader", h.left);
        i.grant(&Actor::default(), chief, &below, all)
            .await
            .unwrap();
        assert_eq!(h.principal(&token).await.scope("report.write"), Some(&left));
        // An account that is closed lends nothing.
        i.set_disabled(&Actor::default(), chief, true, all)
            .await
            .unwrap();
        let own = h.principal(&token).await;
        assert!(own.on_behalf.is_none() && own.scope("activity.record").is_some());
        i.set_disabled(&Actor::default(), chief, false, all)
            .await
            .unwrap();
        assert!(h.principal(&token).await.on_behalf.is_some());

        i.act_for(&by(deputy), &token, None).await.unwrap();
        assert!(h.principal(&token).await.on_behalf.is_none());
        i.act_for(&by(deputy), &token, Some(id)).await.unwrap();
        h.t.clock.advance(2 * 24 * 3600);
        let token = h.sign_in("deputy", PASSWORD).await.unwrap();
        let over = i.act_for(&by(deputy), &token, Some(id)).await;
        assert_eq!(key(over), "identity-delegation-not-now");
    })
    .await;
}

#[tokio::test]
async fn either_side_and_those_who_grant_end_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let i = &h.identity;
        let chief = h.account("chief", "leader", h.left).await;
        let deputy = h.account("deputy", "staff", h.left).await;
        let other = h.account("other", "staff", h.left).await;
        let guard = h.account("guard", "security-admin", h.top).await;
        let new = h.lend("deputy", h.left, &["activity.read"]);
        let (left, right) = (Scope::Under(vec![h.left]), Scope::Under(vec![h.right]));
        let listed = async |scope: &Scope| {
            let (order, window) = (BY_LAST_DAY, Window::new(1, 9));
            let filter = DelegationFilter::default();
            let found = i.delegations(&filter, scope, order, window).await.unwrap();
            assert_eq!(found.0.len() as i64, found.1);
            found.1
        };
        for who in [chief, deputy, guard] {
            let id = i.delegate(&by(chief), &new).await.unwrap();
            let token = h.sign_in("deputy", PASSWORD).await.unwrap();
            i.act_for(&by(deputy), &token, Some(id)).await.unwrap();
            assert_eq!(key(i.end_own_delegation(&by(other), id).await), "not-found");
            assert_eq!(
                key(i.end_delegations(&by(guard), &[id], &right).await),
                "not-found"
            );
            assert_eq!(
                key(i.act_for(&by(other), &token, Some(id)).await),
                "not-found"
            );
            assert_eq!(listed(&left).await, 1);
            assert_eq!(listed(&right).await, 0);
            if who == guard {
                i.end_delegations(&by(guard), &[id], &left).await.unwrap();
            } else {
                i.end_own_delegation(&by(who), id).await.unwrap();
            }
            assert!(h.principal(&token).await.on_behalf.is_none(), "at once");
            assert_eq!(listed(&left).await, 0);
        }
        assert_eq!(i.delegations_of(deputy).await.unwrap().len(), 3, "kept");
        let ended = h.actions().await;
        assert_eq!(ended.iter().filter(|a| *a == "delegation.ended").count(), 3);
    })
    .await;
}

#[tokio::test]
async fn nobody_lends_what_is_not_theirs_to_lend() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let i = &h.identity;
        let chief = h.account("chief", "leader", h.left).await;
        let deputy = h.account("deputy", "staff", h.left).await;
        h.account("third", "staff", h.left).await;
        let good = h.lend("deputy", h.left, &["report.read"]);
        let refused = async |who, change: &dyn Fn(&mut NewDelegation)| {
            let mut new = good.clone();
            change(&mut new);
            key(i.delegate(&by(who), &new).await)
        };
        let today = h.t.env.today();
        let days = |n: i64| today.checked_add(jiff::Span::new().days(n)).unwrap();
        let no = |key| move |found| assert_eq!(found, key);
        no("identity-unit-unknown")(refused(chief, &|n| n.unit = h.right).await);
        no("identity-unit-unknown")(refused(chief, &|n| n.unit = h.top).await);
        no("identity-delegation-beyond")(
            refused(chief, &|n| n.permissions = vec!["activity.record".into()]).await,
        );
        no("identity-delegation-nothing")(refused(chief, &|n| n.permissions.clear()).await);
        no("identity-delegation-oneself")(refused(chief, &|n| n.taker = "chief".into()).await);
        no("identity-delegation-taker")(refused(chief, &|n| n.taker = "nobody".into()).await);
        no("identity-delegation-reason-wrong")(refused(chief, &|n| n.reason = " ".into()).await);
        no("identity-delegation-over")(refused(chief, &|n| n.to = days(-1)).await);
        no("identity-delegation-long")(refused(chief, &|n| n.to = days(90)).await);
        let mut longest = good.clone();
        longest.to = days(89);
        let id = i.delegate(&by(chief), &longest).await.unwrap();
        // What was lent is not lent on, acting or not.
        let token = h.sign_in("deputy", PASSWORD).await.unwrap();
        i.act_for(&by(deputy), &token, Some(id)).await.unwrap();
        let on = h.lend("third", h.left, &["report.read"]);
        assert_eq!(
            key(i.delegate(&by(deputy), &on).await),
            "identity-delegation-beyond"
        );

        // The three administrators lend nothing of their duties, whoever wants it.
        let auditor = h.account("auditor", "auditor", h.top).await;
        let boss = h.account("boss", "system-admin", h.top).await;
        let guard = h.account("guard", "security-admin", h.top).await;
        for (who, permission) in [
            (auditor, "audit.read"),
            (auditor, "organization.read"),
            (boss, "organization.manage"),
            (boss, "identity.manage"),
            (guard, "identity.grant"),
        ] {
            let new = h.lend("deputy", h.left, &[permission]);
            assert_eq!(
                key(i.delegate(&by(who), &new).await),
                "identity-delegation-none"
            );
        }
        // Also beside a role without a duty.
        let plain = h.grant("unit-admin", h.left);
        i.grant(&Actor::default(), boss, &plain, &Scope::All)
            .await
            .unwrap();
        for permission in ["identity.reset", "identity.manage", "organization.manage"] {
            let new = h.lend("auditor", h.left, &[permission]);
            assert_eq!(
                key(i.delegate(&by(boss), &new).await),
                "identity-delegation-beyond"
            );
        }
        let mut decides = h.lend("auditor", h.left, &["organization.read"]);
        i.delegate(&by(boss), &decides).await.unwrap();
        decides.decides = true;
        assert_eq!(
            key(i.delegate(&by(boss), &decides).await),
            "identity-delegation-duty"
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_acts_for_somebody_above_is_in_nobodys_hands_below() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let i = &h.identity;
        let chief = h.account("chief", "leader", h.top).await;
        let deputy = h.account("deputy", "staff", h.left).await;
        let local = h.account("local", "unit-admin", h.left).await;
        let left = Scope::Under(vec![h.left]);
        i.reset_password(&by(local), deputy, &left).await.unwrap();
        let new = h.lend("deputy", h.top, &["report.read"]);
        let id = i.delegate(&by(chief), &new).await.unwrap();
        let reset = i.reset_password(&by(local), deputy, &left).await;
        assert_eq!(key(reset), "identity-held-outside");
        i.end_own_delegation(&by(chief), id).await.unwrap();
        i.reset_password(&by(local), deputy, &left).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn deputies_decide_for_those_who_said_so() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let i = &h.identity;
        let chief = h.account("chief", "leader", h.left).await;
        let deputy = h.account("deputy", "staff", h.left).await;
        let (one, two) = (
            h.person("LZ0001", "陈明川", h.left).await,
            h.person("LZ0002", "林晓岚", h.left).await,
        );
        h.belongs(chief, one).await;
        h.belongs(deputy, two).await;
        let today = h.t.env.today();
        let decides = async |day| {
            let mut tx = h.t.db.read().await.unwrap();
            identity::Identity::deciding_for(&mut tx, two, day)
                .await
                .unwrap()
        };
        // By staff number too; what was chosen says whether approvals are among it.
        let mut new = h.lend("LZ0002", h.left, &["activity.read"]);
        i.delegate(&by(chief), &new).await.unwrap();
        assert!(decides(today).await.is_empty());
        (new.decides, new.permissions) = (true, Vec::new());
        let id = i.delegate(&by(chief), &new).await.unwrap();
        assert_eq!(decides(today).await, [one]);
        assert!(decides(today.yesterday().unwrap()).await.is_empty());
        let after = new.to.tomorrow().unwrap();
        assert!(decides(after).await.is_empty());
        // Whoever becomes an administrator of the three takes their decisions back.
        let duty = h.grant("auditor", h.top);
        i.grant(&Actor::default(), chief, &duty, &Scope::All)
            .await
            .unwrap();
        assert!(decides(today).await.is_empty());
        let held = i.grants(&[chief], &Scope::All).await.unwrap();
        i.revoke(&Actor::default(), held[0].id, &Scope::All)
            .await
            .unwrap();
        assert_eq!(decides(today).await, [one]);
        i.end_own_delegation(&by(deputy), id).await.unwrap();
        assert!(decides(today).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn delegated_on_pages_and_named_in_the_trail() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("chief", "training-officer", h.top).await;
        h.account("deputy", "staff", h.right).await;
        h.account("guard", "security-admin", h.top).await;
        let mut chief = Browser::new(&h);
        chief.sign_in("chief", PASSWORD).await;
        let page = chief.get("/account/delegations/new").await;
        assert!(page.body.contains("p:activity.record") && page.body.contains("decides"));
        assert!(!page.body.contains("p:identity.client"), "never lent");
        let (unit, today) = (h.left.to_string(), h.t.env.today().to_string());
        let mut fields = vec![
            ("taker", "deputy"),
            ("unit", unit.as_str()),
            ("p:activity.record", "on"),
            ("reason", "参加培训"),
            ("from", today.as_str()),
            ("to", ""),
        ];
        let no_end = chief.post("/account/delegations", &fields).await;
        assert_eq!(no_end.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(no_end.body.contains("e-to") && no_end.body.contains("参加培训"));
        fields[5].1 = &today;
        let made = chief.post("/account/delegations", &fields).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER);
        assert!(chief.get("/account").await.body.contains("参加培训"));

        let mut deputy = Browser::new(&h);
        deputy.sign_in("deputy", PASSWORD).await;
        assert_eq!(deputy.get("/rows").await.status, StatusCode::NOT_FOUND);
        let page = deputy.get("/account").await.body;
        let mark = "name=\"delegation\" value=\"";
        let id = page.split(mark).nth(1).and_then(|p| p.split('"').next());
        let id = id.expect("a button to act").to_owned();
        let began = deputy.post("/account/acting", &[("delegation", &id)]).await;
        assert_eq!(began.status, StatusCode::SEE_OTHER);
        let rows = deputy.get("/rows").await;
        assert_eq!(rows.body, format!("{:?} chief", Scope::Under(vec![h.left])));
        let page = deputy.get("/account").await.body;
        assert!(page.contains("deputy（代chief）"), "said on every page");
        assert!(
            deputy
                .get("/api/v1/me")
                .await
                .body
                .contains("\"on_behalf\":\"")
        );
        assert_eq!(
            deputy.get("/accounts/delegations").await.status,
            StatusCode::NOT_FOUND
        );

        // What is done under it names both; what is one's own names oneself.
        deputy.post("/rows", &[]).await;
        deputy.post("/account/sessions", &[]).await;
        let filter = AuditFilter {
            login: "chief".to_owned(),
            action: "rows.touched".to_owned(),
            ..AuditFilter::default()
        };
        let trail = h
            .identity
            .audit(&filter, &Scope::All, web::table::Window::new(1, 10))
            .await
            .unwrap()
            .0;
        assert_eq!(trail.len(), 1);
        assert_eq!(trail[0].login.as_deref(), Some("deputy"));
        assert_eq!(trail[0].on_behalf.as_deref(), Some("chief"));
        let filter = AuditFilter {
            action: "session.ended".to_owned(),
            ..AuditFilter::default()
        };
        let trail = h
            .identity
            .audit(&filter, &Scope::All, web::table::Window::new(1, 10))
            .await
            .unwrap()
            .0;
        assert!(trail.iter().all(|row| row.on_behalf.is_none()));
        while h.identity.chain_audit().await.unwrap() > 0 {}
        let report = identity::verify_audit(&h.t.db, &[]).await.unwrap();
        assert_eq!(report.problems, [""; 0]);

        let mut guard = Browser::new(&h);
        guard.sign_in("guard", PASSWORD).await;
        let list = guard.get("/accounts/delegations").await;
        assert!(list.body.contains("参加培训") && !list.body.contains("/account/acting"));
        let end = guard
            .post(&format!("/accounts/delegations/{id}/end"), &[])
            .await;
        assert_eq!(end.status, StatusCode::SEE_OTHER);
        assert_eq!(deputy.get("/rows").await.status, StatusCode::NOT_FOUND);
        let again = deputy.post("/account/acting", &[("delegation", &id)]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        let none = deputy.post("/account/acting", &[("delegation", "x")]).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn programs_delegate_and_act_through_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        h.account("chief", "training-officer", h.top).await;
        h.account("deputy", "staff", h.right).await;
        let (mut chief, mut deputy) = (Browser::new(&h), Browser::new(&h));
        chief.sign_in("chief", PASSWORD).await;
        deputy.sign_in("deputy", PASSWORD).await;
        let send = async |browser: &Browser, method: &str, path: &str, body: serde_json::Value| {
            let request = axum::http::Request::builder().method(method).uri(path);
            let request = request
                .header("content-type", "application/json")
                .header("accept", "application/json")
                .header("sec-fetch-site", "same-origin");
            browser.send(request, body.to_string()).await
        };
        let json = |body: &str| serde_json::from_str::<serde_json::Value>(body).expect("JSON");
        let today = kernel::format_date(h.t.env.today());
        let new = |taker: &str, permission: &str, from: &str| {
            serde_json::json!({ "taker": taker, "unit": h.left, "permissions": [permission], "decides": true,
                "reason": "出差", "from": from, "to": today })
        };
        let path = "/api/v1/delegations";
        for (wrong, field) in [
            (new("nobody", "activity.record", &today), "taker"),
            (new("deputy", "identity.grant", &today), "permissions"),
            (new("deputy", "activity.record", "20.11."), "from"),
        ] {
            let refused = send(&chief, "POST", path, wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
            assert!(refused.body.contains(field), "{}", refused.body);
        }
        let made = send(&chief, "POST", path, new("deputy", "activity.record", &today)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let id = json(&made.body)["id"].as_str().unwrap().to_owned();
        for (browser, received) in [(&chief, false), (&deputy, true)] {
            let items = json(&browser.get(path).await.body)["items"].clone();
            assert_eq!((&items[0]["id"], &items[0]["received"]), (&serde_json::json!(id), &serde_json::json!(received)));
        }
        let acting = "/api/v1/session/acting";
        let stranger = send(&chief, "PUT", acting, serde_json::json!({ "delegation": id })).await;
        assert_eq!(stranger.status, StatusCode::NOT_FOUND, "the giver is not the taker");
        assert_eq!(deputy.get("/rows").await.status, StatusCode::NOT_FOUND);
        let began = send(&deputy, "PUT", acting, serde_json::json!({ "delegation": id })).await;
        assert_eq!(began.status, StatusCode::NO_CONTENT, "{}", began.body);
        assert_eq!(deputy.get("/rows").await.status, StatusCode::OK);
        let left = send(&deputy, "PUT", acting, serde_json::json!({ "delegation": null })).await;
        assert_eq!(left.status, StatusCode::NO_CONTENT);
        assert_eq!(deputy.get("/rows").await.status, StatusCode::NOT_FOUND);
        let one = format!("{path}/{id}");
        let mut guest = Browser::new(&h);
        h.account("guest", "staff", h.left).await;
        guest.sign_in("guest", PASSWORD).await;
        let nothing = serde_json::Value::Null;
        assert_eq!(send(&guest, "DELETE", &one, nothing.clone()).await.status, StatusCode::NOT_FOUND);
        assert_eq!(send(&chief, "DELETE", &one, nothing).await.status, StatusCode::NO_CONTENT);
        let over = send(&deputy, "PUT", acting, serde_json::json!({ "delegation": id })).await;
        assert_eq!(over.status, StatusCode::CONFLICT, "{}", over.body);
    })
    .await;
}
