//! Three administrators (三员), and who may grant what to whom.

use std::sync::Arc;

use identity::{Actor, Identity, SecuritySettings};
use kernel::{AccountId, Scope};
use testkit::{on_both, on_postgres};

use crate::{House, key, migrations, read_roles, roles};

fn by(account: AccountId) -> Actor {
    Actor {
        on_behalf: None,
        account: Some(account),
        address: String::new(),
    }
}

#[tokio::test]
async fn one_account_holds_one_duty() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let (i, nobody, all) = (&h.identity, Actor::default(), &Scope::All);
        let id = h.account("wei", "system-admin", h.top).await;
        let audit = h.grant("auditor", h.left);
        let taken = i.grant(&nobody, id, &audit, all).await;
        assert_eq!(key(taken), "identity-duty-taken");
        // The same duty elsewhere and roles without one are fine.
        let elsewhere = h.grant("system-admin", h.left);
        i.grant(&nobody, id, &elsewhere, all).await.unwrap();
        let clerk = h.grant("clerk", h.left);
        i.grant(&nobody, id, &clerk, all).await.unwrap();
        // Taken back once it is held twice: still held. Then it is free.
        let held = i.grants(&[id], all).await.unwrap();
        let duties = held.iter().filter(|g| g.role == "system-admin");
        let duties: Vec<_> = duties.map(|g| g.id).collect();
        i.revoke(&nobody, duties[0], all).await.unwrap();
        let taken = i.grant(&nobody, id, &audit, all).await;
        assert_eq!(key(taken), "identity-duty-taken");
        i.revoke(&nobody, duties[1], all).await.unwrap();
        let mut short = audit.clone();
        short.to = Some(short.from);
        i.grant(&nobody, id, &short, all).await.unwrap();
        let security = h.grant("security-admin", h.top);
        let taken = i.grant(&nobody, id, &security, all).await;
        assert_eq!(key(taken), "identity-duty-taken");
        h.t.clock.advance(24 * 3600);
        let security = h.grant("security-admin", h.top);
        i.grant(&nobody, id, &security, all).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_grant_at_once_give_one_duty() {
    on_postgres(&migrations(), |t| async move {
        let h = Arc::new(House::new(t).await);
        let other = h.t.second().await;
        let settings = SecuritySettings::default();
        let second = Identity::new(other, h.t.env.clone(), settings);
        for round in 0..6 {
            let id = h.account(&format!("wei{round}"), "clerk", h.left).await;
            let nobody = Actor::default();
            let (one, two) = (h.grant("system-admin", h.top), h.grant("auditor", h.top));
            let (a, b) = tokio::join!(
                h.identity.grant(&nobody, id, &one, &Scope::All),
                second.grant(&nobody, id, &two, &Scope::All),
            );
            assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
            let held = h.identity.grants(&[id], &Scope::All).await.unwrap();
            assert_eq!(held.iter().filter(|g| g.role != "clerk").count(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_hold() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        // A pack may let somebody grant who is no security administrator.
        let text = format!(
            "{}\n[[role]]\ncode = \"deputy\"\nname = {{ zh = \"副手\", en = \"Deputy\" }}\n\
             permissions = [\"identity.read\", \"identity.grant\", \"identity.reset\", \"activity.read\"]\n",
            include_str!("../../../../packs/roles.toml")
        );
        h.identity.sync_roles(&read_roles(&text)).await.unwrap();
        let (i, all) = (&h.identity, &Scope::All);
        let (top, left) = (&Scope::Under(vec![h.top]), &Scope::Under(vec![h.left]));
        let guard = by(h.account("guard", "security-admin", h.top).await);
        let boss = by(h.account("boss", "system-admin", h.top).await);
        let deputy_id = h.account("deputy", "clerk", h.left).await;
        let deputy = by(deputy_id);
        let wanted = h.grant("deputy", h.left);
        i.grant(&guard, deputy_id, &wanted, top).await.unwrap();
        let mine = h.account("mine", "staff", h.left).await;

        let grant = async |actor: &Actor, to, role: &str, unit, scope: &Scope| {
            let wanted = h.grant(role, unit);
            i.grant(actor, to, &wanted, scope).await
        };
        // Held here: yes. Not held, held elsewhere, or with a duty: no.
        grant(&deputy, mine, "staff", h.left, left).await.unwrap();
        for role in ["leader", "auditor"] {
            let refused = grant(&deputy, mine, role, h.left, left).await;
            assert_eq!(key(refused), "identity-grant-beyond", "{role}");
        }
        let refused = grant(&deputy, mine, "staff", h.right, all).await;
        assert_eq!(key(refused), "identity-grant-beyond");
        let refused = grant(&boss, mine, "staff", h.left, top).await;
        assert_eq!(key(refused), "identity-grant-beyond", "cannot grant at all");
        // The security administrator gives every role, but none to themselves.
        grant(&guard, mine, "leader", h.left, top).await.unwrap();
        let own = grant(&guard, guard.account.unwrap(), "leader", h.left, top).await;
        assert_eq!(key(own), "identity-oneself");

        // Nobody gives to, or takes from, the one who gave them their own roles, nor anybody above.
        let back = grant(&deputy, guard.account.unwrap(), "staff", h.left, all).await;
        assert_eq!(key(back), "identity-above");
        let third = h.account("third", "clerk", h.left).await;
        grant(&deputy, third, "deputy", h.left, left).await.unwrap();
        let up = grant(&by(third), deputy_id, "staff", h.left, left).await;
        assert_eq!(key(up), "identity-above", "granted by one's own subordinate");
        let up = grant(&by(third), guard.account.unwrap(), "staff", h.left, all).await;
        assert_eq!(key(up), "identity-above", "through others");
        let head = h.person("LZ0001", "陈明川", h.top).await;
        let chief = h.account("chief", "staff", h.left).await;
        h.belongs(chief, head).await;
        let up = grant(&deputy, chief, "staff", h.left, left).await;
        assert_eq!(key(up), "identity-above", "belongs above");
        let reset = i.reset_password(&deputy, chief, left).await;
        assert_eq!(key(reset), "identity-above");
        let held = i.grants(&[chief], left).await.unwrap();
        let revoked = i.revoke(&deputy, held[0].id, left).await;
        assert_eq!(key(revoked), "identity-above");
    })
    .await;
}

#[tokio::test]
async fn a_duty_is_in_the_hands_of_the_security_administrator() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let (i, top) = (&h.identity, &Scope::Under(vec![h.top]));
        let guard = by(h.account("guard", "security-admin", h.top).await);
        let boss = by(h.account("boss", "system-admin", h.top).await);
        let auditor = h.account("auditor", "auditor", h.top).await;
        let reset = i.reset_password(&boss, auditor, top).await;
        assert_eq!(key(reset), "identity-duty-hands");
        let code = i.issue_code(&boss, auditor, top).await;
        assert_eq!(key(code), "identity-duty-hands");
        let disable = i.set_disabled(&boss, auditor, true, top).await;
        assert_eq!(key(disable), "identity-duty-hands");
        i.reset_password(&guard, auditor, top).await.unwrap();
        let other = by(h.account("guard2", "security-admin", h.top).await);
        i.issue_code(&other, guard.account.unwrap(), top)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_old_account_with_two_duties_keeps_the_first() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let text = include_str!("../../../../packs/roles.toml").replace("\nduty = ", "\n# ");
        h.identity.sync_roles(&read_roles(&text)).await.unwrap();
        let (i, nobody, all) = (&h.identity, Actor::default(), &Scope::All);
        let id = h.account("wei", "auditor", h.top).await;
        h.t.clock.advance(1);
        for role in ["system-admin", "clerk"] {
            i.grant(&nobody, id, &h.grant(role, h.top), all)
                .await
                .unwrap();
        }
        for _ in 0..2 {
            i.sync_roles(&roles()).await.unwrap();
        }
        let held = i.grants(&[id], all).await.unwrap();
        let open = held.iter().filter(|g| g.revoked_at.is_none());
        let mut open: Vec<&str> = open.map(|g| g.role.as_str()).collect();
        open.sort_unstable();
        assert_eq!(open, ["auditor", "clerk"]);
        let conflicts = h.actions().await;
        let conflicts = conflicts.iter().filter(|a| *a == "duty.conflict");
        assert_eq!(conflicts.count(), 1, "said once");
    })
    .await;
}
