//! Accounts, grants, the audit trail, and how far a manager's hand reaches.

use identity::{AccountFilter, Actor, AuditFilter, NewAccount, NewPassword, Roles};
use kernel::{Id, Scope, UnitId};
use testkit::on_both;
use web::table::Window;

use crate::lists::BY_LOGIN;
use crate::{House, PASSWORD, key, migrations, roles};

fn new(login: &str, password: NewPassword) -> NewAccount {
    NewAccount {
        login: login.to_owned(),
        person: None,
        unit: None,
        password,
        grants: Vec::new(),
    }
}

#[tokio::test]
async fn an_account_is_opened_whole_or_not_at_all() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let actor = Actor::default();
        let all = &Scope::All;
        let open = async |new: NewAccount| h.identity.create_account(&actor, &new, all).await;
        assert_eq!(
            key(open(new("林", NewPassword::None)).await),
            "identity-login"
        );
        let weak = NewPassword::Given("password".to_owned());
        assert_eq!(key(open(new("ab", weak)).await), "identity-password-simple");
        let person = h.person("001", "林晓岚", h.left).await;
        let mut first = new("LinXL", NewPassword::OneTime);
        first.person = Some(person);
        first.grants = vec![h.grant("clerk", h.left), h.grant("staff", h.right)];
        let mut broken = first.clone();
        broken.grants.push(h.grant("king", h.left));
        assert_eq!(key(open(broken).await), "identity-role-unknown");
        let mut broken = first.clone();
        broken.grants.push(h.grant("clerk", UnitId(Id([1; 16]))));
        assert_eq!(key(open(broken).await), "identity-unit-unknown");
        let mut broken = first.clone();
        broken.grants[0].to = Some(broken.grants[0].from.yesterday().unwrap());
        assert_eq!(key(open(broken).await), "identity-grant-ends-before");
        assert_eq!(h.actions().await, [""; 0], "nothing half done");
        let opened = open(first.clone()).await.unwrap();
        let one_time = opened.one_time.unwrap();
        assert_eq!(key(open(first.clone()).await), "identity-login-taken");
        first.login = "other".to_owned();
        assert_eq!(key(open(first).await), "identity-person-taken");
        assert_eq!(
            h.actions().await,
            ["account.opened", "role.granted", "role.granted"]
        );
        let token = h.sign_in("linxl", &one_time).await.unwrap();
        let principal = h.identity.principal(&token).await.unwrap().unwrap();
        assert_eq!(
            (principal.person, &*principal.name),
            (Some(person), "林晓岚")
        );
        // Without a password nobody gets in.
        open(new("machine", NewPassword::None)).await.unwrap();
        h.sign_in("machine", "").await.unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn a_manager_reaches_the_accounts_of_the_scope_only() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let left = &Scope::Under(vec![h.left]);
        let manager = Actor {
            on_behalf: None,
            account: Some(h.account("manager", "security-admin", h.left).await),
            address: String::new(),
        };
        let mine = h.account("mine", "clerk", h.left).await;
        let theirs = h.account("theirs", "clerk", h.right).await;
        let chief = h.account("chief", "leader", h.top).await;
        let both = h.account("both", "clerk", h.left).await;
        let actor = Actor::default();
        let wanted = h.grant("clerk", h.right);
        let grant = h.identity.grant(&actor, both, &wanted, &Scope::All);
        let outside = grant.await.unwrap();

        let logins = async |scope: &Scope, text: &str| {
            let filter = AccountFilter {
                text: text.to_owned(),
                ..AccountFilter::default()
            };
            let (found, total) = h
                .identity
                .accounts(scope, &filter, BY_LOGIN, Window::new(1, 10))
                .await
                .unwrap();
            assert_eq!(found.len() as i64, total);
            found.into_iter().map(|a| a.login).collect::<Vec<_>>()
        };
        assert_eq!(logins(left, "").await, ["both", "manager", "mine"]);
        assert_eq!(logins(left, "IN").await, ["mine"]);
        assert_eq!(logins(left, "%").await, [""; 0]);
        assert_eq!(logins(&Scope::All, "").await.len(), 5);
        assert_eq!(logins(&Scope::nothing(), "").await, [""; 0]);

        for stranger in [theirs, chief] {
            let i = &h.identity;
            assert_eq!(key(i.account(stranger, left).await), "not-found");
            assert_eq!(
                key(i.reset_password(&manager, stranger, left).await),
                "not-found"
            );
            let disable = i.set_disabled(&manager, stranger, true, left).await;
            assert_eq!(key(disable), "not-found");
            let grant = i
                .grant(&manager, stranger, &h.grant("clerk", h.left), left)
                .await;
            assert_eq!(key(grant), "not-found");
        }
        // Whoever holds a role elsewhere cannot be taken over from here.
        let taken = h.identity.reset_password(&manager, both, left).await;
        assert_eq!(key(taken), "identity-held-outside");
        assert_eq!(
            key(h.identity.revoke(&manager, outside, left).await),
            "not-found"
        );
        assert_eq!(h.identity.grants(&[both], left).await.unwrap().len(), 1);
        let wanted = h.grant("clerk", h.top);
        let grant = h.identity.grant(&manager, mine, &wanted, left);
        assert_eq!(
            key(grant.await),
            "identity-unit-unknown",
            "not above oneself"
        );
        let own = manager.account.unwrap();
        let wanted = h.grant("leader", h.left);
        let grant = h.identity.grant(&manager, own, &wanted, left);
        assert_eq!(key(grant.await), "identity-oneself");

        let one_time = h
            .identity
            .reset_password(&manager, mine, left)
            .await
            .unwrap();
        h.sign_in("mine", PASSWORD).await.unwrap_err();
        h.sign_in("mine", &one_time).await.unwrap();
        h.identity
            .revoke(&actor, outside, &Scope::All)
            .await
            .unwrap();
        h.identity
            .reset_password(&manager, both, left)
            .await
            .unwrap();
        // A person is reached where they belong.
        let person = h.person("007", "丙某", h.left).await;
        let found = h.identity.person_by_staff_no(" 007 ", left).await.unwrap();
        assert_eq!(found, person);
        let right = &Scope::Under(vec![h.right]);
        let hidden = h.identity.person_by_staff_no("007", right).await;
        assert_eq!(key(hidden), "identity-person-unknown");
        let mut theirs = new("bing", NewPassword::None);
        theirs.person = Some(person);
        let opened = h.identity.create_account(&actor, &theirs, &Scope::All);
        opened.await.unwrap();
        assert_eq!(logins(left, "丙").await, ["bing"]);
        assert_eq!(logins(right, "丙").await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn roles_follow_their_packs() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        assert_eq!(
            h.identity.roles().await.unwrap().len(),
            roles().iter().count()
        );
        h.account("linxl", "clerk", h.left).await;
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        let may = async || {
            let found = h.identity.principal(&token).await.unwrap().unwrap();
            found.scope("activity.record").is_some()
        };
        assert!(may().await);
        h.identity.sync_roles(&Roles::default()).await.unwrap();
        assert!(
            !may().await,
            "a role that no pack brings lets nobody do anything"
        );
        assert_eq!(h.identity.roles().await.unwrap(), []);
        h.identity.sync_roles(&roles()).await.unwrap();
        assert!(may().await);
    })
    .await;
}

#[tokio::test]
async fn the_audit_trail_is_searched_within_a_scope() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let mine = h.account("mine", "clerk", h.left).await;
        h.account("theirs", "clerk", h.right).await;
        h.sign_in("mine", PASSWORD).await.unwrap();
        h.sign_in("theirs", PASSWORD).await.unwrap();
        h.sign_in("nobody", PASSWORD).await.unwrap_err();
        h.t.clock.advance(24 * 3600);
        h.sign_in("mine", PASSWORD).await.unwrap();
        let found = async |scope: &Scope, filter: &AuditFilter| {
            let (rows, total) = h
                .identity
                .audit(filter, scope, web::table::Window::new(1, 100))
                .await
                .unwrap();
            assert_eq!(rows.len() as i64, total);
            let mut read = Vec::new();
            while let more = h
                .identity
                .audit_after(filter, scope, read.last(), 2)
                .await
                .unwrap()
                && !more.is_empty()
            {
                read.extend(more);
            }
            assert_eq!(read, rows, "in parts as in one");
            rows
        };
        let any = AuditFilter::default();
        let (top, left) = (Scope::Under(vec![h.top]), Scope::Under(vec![h.left]));
        assert_eq!(found(&top, &any).await.len(), 8);
        assert_eq!(found(&Scope::nothing(), &any).await, []);
        let seen = found(&left, &any).await;
        assert_eq!(seen.len(), 2, "the left one's own two sessions");
        assert!(seen.iter().all(|r| r.login.as_deref() == Some("mine")));
        assert_eq!(seen[0].object_id, mine.to_string());
        assert_eq!(seen[0].address, "192.0.2.7");
        let today = Some(h.t.env.today());
        let by = |from, to, action: &str, login: &str| AuditFilter {
            from,
            to,
            action: action.to_owned(),
            login: login.to_owned(),
            ..AuditFilter::default()
        };
        assert_eq!(found(&top, &by(today, today, "", "")).await.len(), 1);
        let before = h.t.env.today().yesterday().ok();
        assert_eq!(found(&top, &by(None, before, "", "")).await.len(), 7);
        assert_eq!(found(&top, &by(None, None, "session", "")).await.len(), 4);
        assert_eq!(
            found(&top, &by(None, None, "session.refused", ""))
                .await
                .len(),
            1
        );
        assert_eq!(found(&top, &by(None, None, "sess", "")).await, []);
        assert_eq!(found(&top, &by(None, None, "", "THEI")).await.len(), 1);
        let about = |object: &str, address: &str| AuditFilter {
            object: object.to_owned(),
            address: address.to_owned(),
            ..AuditFilter::default()
        };
        assert_eq!(found(&top, &about("MINE", "")).await.len(), 4);
        assert_eq!(found(&top, &about(&mine.to_string(), "")).await.len(), 4);
        assert_eq!(found(&top, &about("login", "")).await.len(), 1);
        assert_eq!(found(&top, &about("m%", "")).await, []);
        assert_eq!(found(&top, &about("", "192.0.2")).await.len(), 4);
        assert_eq!(found(&top, &about("mine", "192.0.2.7")).await.len(), 2);
        assert_eq!(found(&top, &about("", "0.2")).await, []);
    })
    .await;
}

#[test]
fn nothing_changes_the_audit_trail() {
    let sources = [
        include_str!("../../src/store.rs"),
        include_str!("../../src/store/audit.rs"),
    ];
    let text = sources.concat().to_lowercase();
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Entries that have expired go in one place, behind the anchor of the chain.
    let chain = include_str!("../../src/store/chain.rs").to_lowercase();
    assert_eq!(chain.matches("delete from audit where").count(), 1);
    assert!(!chain.contains("update audit set"));
    assert!(text.contains("insert into audit"));
    for change in [
        "update audit ",
        "delete from audit ",
        "drop table audit",
        "alter table audit",
        "insert or replace into audit",
    ] {
        assert!(!text.contains(change), "{change}");
    }
    let insert = text.split("insert into audit ").nth(1).unwrap();
    assert!(!insert.split(';').next().unwrap().contains("on conflict"));
}
