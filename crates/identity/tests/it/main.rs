//! Accounts, sessions, roles, audit trail and pages on both engines.

mod accounts;
mod activation;
mod chain;
mod clients;
mod delegation;
mod duties;
mod http;
mod ldap;
mod lists;
mod matrix;
mod offices;
mod oidc;
mod scim;
mod second;
mod sessions;
mod texts;

use commons::packs::Packs;
use db::{Migration, args, transaction};
use identity::{
    Actor, AuditFilter, Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings,
    SignIn,
};
use kernel::{AccountId, Date, Scope, UnitId};
use organization::{NewUnit, Organization};
use testkit::TestDb;

const PASSWORD: &str = "Friday-15";

const PERMISSIONS: &[&str] = &[
    "activity.read",
    "activity.record",
    "activity.reverse",
    "activity.confirm",
    "register.read",
    "register.write",
    "register.review",
    "register.reverse",
    "bulletin.read",
    "bulletin.write",
    "bulletin.review",
    "inspection.read",
    "inspection.plan",
    "inspection.fill",
    "inspection.review",
    "question.read",
    "question.write",
    "question.review",
    "exam.read",
    "exam.write",
    "exam.supervise",
    "exam.results",
    "hours.read",
    "hours.record",
    "hours.review",
    "activity.plan",
    "activity.confidential",
    "obligation.read",
    "obligation.excuse",
    "obligation.pack",
    "obligation.names",
    "indicator.read",
    "report.read",
    "report.write",
    "organization.read",
    "organization.manage",
    "organization.propose",
    "organization.identity",
    "organization.erase",
    "approval.read",
    "request.ask",
    "case.read",
    "case.raise",
    "case.handle",
    "case.supervise",
    "case.reporter",
    "campaign.read",
    "campaign.plan",
    "campaign.report",
    "campaign.score",
    "commitment.read",
    "commitment.issue",
    "task.read",
    "task.plan",
    "task.issue",
    "task.report",
    "task.review",
    "project.read",
    "project.write",
    "project.review",
    "matter.read",
    "matter.write",
    "matter.answer",
    "matter.sealed",
    "request.answer",
    "identity.read",
    "identity.manage",
    "identity.reset",
    "identity.grant",
    "identity.client",
    "identity.scim",
    "audit.read",
    "ledger.verify",
    "jobs.manage",
    "pack.read",
    "guard.read",
    "guard.propose",
    "guard.confirm",
    "pack.edit",
];

fn migrations() -> Vec<Migration> {
    [
        crypt::MIGRATIONS,
        organization::MIGRATIONS,
        identity::MIGRATIONS,
    ]
    .concat()
}

fn roles() -> Roles {
    read_roles(include_str!("../../../../packs/roles.toml"))
}

/// Roles of a text, beside the usual kinds of bodies.
fn read_roles(text: &str) -> Roles {
    let people = include_str!("../../../../packs/people-cn.toml").to_owned();
    let files = vec![
        ("people-cn.toml".to_owned(), people),
        ("roles.toml".to_owned(), text.to_owned()),
    ];
    let packs = Packs::load(files).expect("the packs load");
    Roles::read(&packs, PERMISSIONS).expect("its roles are known")
}

/// A small house: a bureau with two divisions, the roles, an administrator.
struct House {
    t: TestDb,
    identity: Identity,
    top: UnitId,
    left: UnitId,
    right: UnitId,
}

impl House {
    async fn new(t: TestDb) -> Self {
        let organization = Organization::new(t.db.clone(), t.env.clone());
        let identity = Identity::new(t.db.clone(), t.env.clone(), SecuritySettings::default())
            .with_organization(organization.clone());
        identity.sync_roles(&roles()).await.expect("roles");
        let add = async |parent, code: &str| {
            let new = NewUnit {
                parent,
                code: code.to_owned(),
                name: format!("单位{code}"),
                category: String::new(),
                from: Date::constant(2026, 1, 1),
            };
            let id = organization.add_unit(new, "", None, &Scope::All).await;
            id.expect("a unit")
        };
        let top = add(None, "S").await;
        let left = add(Some(top), "S1").await;
        let right = add(Some(top), "S2").await;
        Self {
            t,
            identity,
            top,
            left,
            right,
        }
    }

    fn grant(&self, role: &str, unit: UnitId) -> NewGrant {
        NewGrant {
            role: role.to_owned(),
            unit,
            from: self.t.env.today(),
            to: None,
        }
    }

    async fn account(&self, login: &str, role: &str, unit: UnitId) -> AccountId {
        let new = NewAccount {
            login: login.to_owned(),
            person: None,
            unit: None,
            password: NewPassword::Given(PASSWORD.to_owned()),
            grants: vec![self.grant(role, unit)],
        };
        let actor = Actor::default();
        let opened = self.identity.create_account(&actor, &new, &Scope::All);
        opened.await.expect("an account").account
    }

    async fn sign_in(&self, login: &str, password: &str) -> kernel::Result<String> {
        let attempt = SignIn {
            login: login.to_owned(),
            password: password.to_owned(),
            address: "192.0.2.7".to_owned(),
            ..SignIn::default()
        };
        self.identity.sign_in(attempt).await
    }

    async fn is_in(&self, token: &str) -> bool {
        let found = self.identity.principal(token).await;
        found.expect("an answer").is_some()
    }

    /// Actions of the whole audit trail, oldest first.
    async fn actions(&self) -> Vec<String> {
        let filter = AuditFilter::default();
        let rows = self
            .identity
            .audit_after(&filter, &Scope::All, None, 10_000);
        let rows = rows.await.expect("the trail");
        rows.into_iter().rev().map(|row| row.action).collect()
    }

    /// Gives an account to a person.
    async fn belongs(&self, account: AccountId, person: kernel::PersonId) {
        let done = transaction!(self.t.db, |tx| {
            let sql = "UPDATE account SET person = $2 WHERE id = $1";
            tx.execute(sql, args![account, person]).await
        });
        done.expect("given");
    }

    /// A person of a unit since the first of January.
    async fn person(&self, staff_no: &str, name: &str, unit: UnitId) -> kernel::PersonId {
        let (env, id) = (&self.t.env, self.t.env.new_id());
        let done = transaction!(self.t.db, |tx| {
            let sql = "INSERT INTO person (id, staff_no, name, words, created_at) VALUES ($1, $2, $3, '', 0)";
            tx.execute(sql, args![id, staff_no, name]).await?;
            let sql = "INSERT INTO assignment_row (id, person, unit, post, from_date, is_primary)
                VALUES ($1, $2, $3, '', '2026-01-01', TRUE)";
            let assignment: kernel::Id = env.new_id();
            tx.execute(sql, args![assignment, id, unit]).await
        });
        done.expect("a person");
        id
    }
}

/// Keys of the messages of an error.
fn key<T: std::fmt::Debug>(result: kernel::Result<T>) -> &'static str {
    match result.expect_err("refused") {
        kernel::Error::Invalid(errors) => errors[0].message.key,
        kernel::Error::Conflict(message) => message.key,
        kernel::Error::NotFound => "not-found",
        kernel::Error::Forbidden => "forbidden",
        other => panic!("{other}"),
    }
}
