//! Roles that offices in bodies bring, and roles with a last day.

use db::{args, transaction};
use identity::{Actor, Held, Identity};
use kernel::{Id, PersonId, Scope, UnitId};
use testkit::on_both;

use crate::{House, PASSWORD, key, migrations};

impl House {
    async fn branch(&self, unit: UnitId) -> Id {
        let id = self.t.env.new_id();
        let done = transaction!(self.t.db, |tx| {
            let sql = "INSERT INTO body (id, kind, name, unit, charter, from_date, recorded_at)
                VALUES ($1, 'party-branch', '第一党支部', $2, '', '2026-01-01', 0)";
            tx.execute(sql, args![id, unit]).await
        });
        done.expect("a body");
        id
    }

    async fn office(&self, body: Id, person: PersonId, role: &str, to: Option<&str>) {
        let id: Id = self.t.env.new_id();
        let from = match role {
            "member" => "2026-01-01",
            _ => "2026-01-02",
        };
        let done = transaction!(self.t.db, |tx| {
            let sql = "INSERT INTO body_member (id, body, person, role, from_date, to_date)
                VALUES ($1, $2, $3, $4, $5, $6)";
            tx.execute(sql, args![id, body, person, role, from, to])
                .await
        });
        done.expect("a member");
    }
}

#[tokio::test]
async fn an_office_brings_its_role_while_it_lasts() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let i = &h.identity;
        let id = h.account("linxl", "staff", h.left).await;
        let person = h.person("LZ0001", "林晓岚", h.left).await;
        h.belongs(id, person).await;
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        let records = async || {
            let found = i.principal(&token).await.unwrap().unwrap();
            found.scope("activity.record").cloned()
        };
        let branch = h.branch(h.right).await;
        h.office(branch, person, "member", None).await;
        assert_eq!(records().await, None, "a plain member holds nothing more");
        let today = kernel::format_date(h.t.env.today());
        h.office(branch, person, "secretary", Some(&today)).await;
        assert_eq!(records().await, Some(Scope::Under(vec![h.right])));
        let why = i.office_roles(&[id], &Scope::All).await.unwrap();
        assert_eq!((why.len(), why[0].role.as_str()), (1, "branch-officer"));
        assert_eq!(
            (why[0].body.as_str(), why[0].office.zh.as_str()),
            ("第一党支部", "书记")
        );
        let elsewhere = Scope::Under(vec![h.left]);
        assert!(i.office_roles(&[id], &elsewhere).await.unwrap().is_empty());
        let holders = async |held| {
            let mut tx = h.t.db.read().await.unwrap();
            let day = h.t.env.today();
            Identity::holders(&mut tx, held, h.right, day)
                .await
                .unwrap()
        };
        assert_eq!(holders(Held::Role("branch-officer")).await, [person]);
        assert_eq!(holders(Held::Permission("activity.record")).await, [person]);
        // Nobody below takes in hand who holds an office elsewhere.
        let local: Actor = h.account("local", "unit-admin", h.left).await.into();
        let reset = i.reset_password(&local, id, &elsewhere).await;
        assert_eq!(key(reset), "identity-held-outside");
        // An administrator of the three gets none this way: others keep the bodies.
        let duty = h.grant("system-admin", h.top);
        i.grant(&Actor::default(), id, &duty, &Scope::All)
            .await
            .unwrap();
        assert_eq!(records().await, None);
        let held = i.grants(&[id], &Scope::All).await.unwrap();
        i.revoke(&Actor::default(), held[0].id, &Scope::All)
            .await
            .unwrap();
        assert!(records().await.is_some());
        // It is a role like others, to be lent and not to be granted on.
        let lendable = i.lendable(id).await.unwrap();
        let record = lendable.iter().find(|(p, _)| p == "activity.record");
        assert_eq!(record.unwrap().1, [h.right]);
        h.t.clock.advance(24 * 3600);
        let token = h.sign_in("linxl", PASSWORD).await.unwrap();
        let found = i.principal(&token).await.unwrap().unwrap();
        assert_eq!(found.scope("activity.record"), None, "the last day is over");
    })
    .await;
}

#[tokio::test]
async fn an_inspector_has_a_last_day() {
    on_both(&migrations(), |t| async move {
        let h = House::new(t).await;
        let (i, nobody, all) = (&h.identity, Actor::default(), &Scope::All);
        let id = h.account("xuncha", "staff", h.left).await;
        let mut grant = h.grant("inspector", h.top);
        let endless = i.grant(&nobody, id, &grant, all).await;
        assert_eq!(key(endless), "identity-grant-needs-end");
        grant.to = Some(grant.from);
        i.grant(&nobody, id, &grant, all).await.unwrap();
        let sees = async || {
            let token = h.sign_in("xuncha", PASSWORD).await.unwrap();
            let found = i.principal(&token).await.unwrap().unwrap();
            found.scope("report.read").cloned()
        };
        assert_eq!(sees().await, Some(Scope::Under(vec![h.top])));
        h.t.clock.advance(24 * 3600);
        assert_eq!(sees().await, None, "it ends by itself");
    })
    .await;
}
