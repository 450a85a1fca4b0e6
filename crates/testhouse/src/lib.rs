//! For tests of rooms: an invented house (澜州式的虚构单位) on a fresh database, with units, people in roles of a pack,
//! approvals along its routes, problems that are kept somewhere, and the pages as somebody sees them. A room's own test
//! house holds a [`Ground`], derefs to it, and adds the room.

mod app;
mod doors;
mod problems;
mod store;

use std::collections::HashMap;
use std::fmt::Debug;

use approvals::{Approvals, Asked};
use commons::files::Files;
use commons::packs::Packs;
use db::{Db, Migration};
use desk::{Attachments, Desk};
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::{Actor, Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings};
use kernel::{AccountId, Calendar, Date, Env, Error, FactId, Id, PersonId, Result, Scope, UnitId};
use ledger::{Fact, Ledger, PlaceId};
use notices::{Contacts, Notices, Reader, Settings};
use organization::{By, NewAssignment, NewPerson, NewUnit, Organization};
use testkit::TestDb;

pub use app::{App, hidden};
pub use doors::Doors;
pub use problems::Problems;

/// The tables that every room stands on, and those of a room.
pub fn migrations(room: &[Migration]) -> Vec<Migration> {
    [
        db::jobs::MIGRATIONS,
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        ledger::MIGRATIONS,
        identity::MIGRATIONS,
        notices::MIGRATIONS,
        approvals::MIGRATIONS,
        room,
    ]
    .concat()
}

/// Packs of files: name and text.
pub fn packs(files: &[(&str, &str)]) -> Packs {
    let files = files.iter().map(|(n, t)| ((*n).into(), (*t).into()));
    Packs::load(files.collect()).expect("packs that fit together")
}

/// Nobody has a mailbox, every account is open.
struct Mailboxes;

impl Contacts for Mailboxes {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        async { Ok(HashMap::new()) }.boxed()
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, Result<bool>> {
        async { Ok(true) }.boxed()
    }
}

/// Somebody with a role in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The account.
    pub account: AccountId,
    /// The person.
    pub person: PersonId,
    /// The role; empty: none.
    pub role: &'static str,
    /// Where the role is held.
    pub on: UnitId,
}

impl Who {
    /// As services are told who acts.
    pub fn actor(self) -> Actor {
        self.account.into()
    }

    /// As approvals are told who acts.
    pub fn by(self) -> approvals::By {
        approvals::By {
            person: self.person,
            account: self.account,
            on_behalf: None,
            address: String::new(),
        }
    }

    /// Where one of some roles is held.
    pub fn holds(self, roles: &[&str]) -> Scope {
        match roles.contains(&self.role) {
            true => Scope::Under(vec![self.on]),
            false => Scope::nothing(),
        }
    }

    /// Where any role is held.
    pub fn reads(self) -> Scope {
        match self.role {
            "" => Scope::nothing(),
            _ => Scope::Under(vec![self.on]),
        }
    }
}

/// What rooms stand on, as one node has it.
#[derive(Clone)]
pub struct Ground {
    /// The database.
    pub db: Db,
    /// Clock and randomness.
    pub env: Env,
    /// Units and people.
    pub org: Organization,
    /// Facts.
    pub ledger: Ledger,
    /// What people are told.
    pub notices: Notices,
    /// Files, the same on every node.
    pub files: Files,
}

impl Ground {
    /// The first node.
    pub async fn new(t: &TestDb) -> Self {
        Self::on(t.db.clone(), &t.env, Files::memory(t.env.clone())).await
    }

    /// Another node on the same database.
    pub async fn second_node(&self, t: &TestDb) -> Self {
        Self::on(t.second().await, &t.env, self.files.clone()).await
    }

    async fn on(db: Db, env: &Env, files: Files) -> Self {
        Self {
            org: Organization::new(db.clone(), env.clone()),
            ledger: Ledger::open(db.clone(), env.clone())
                .await
                .expect("a ledger"),
            notices: Notices::new(db.clone(), env.clone(), Settings::default(), Mailboxes),
            env: env.clone(),
            files,
            db,
        }
    }

    /// Database and environment, as services take them.
    pub fn place(&self) -> (Db, Env) {
        (self.db.clone(), self.env.clone())
    }

    /// Where attachments come from and are kept.
    pub fn attachments(&self) -> Attachments {
        let (db, env) = self.place();
        Attachments::new(Desk::new(db, env), self.files.clone())
    }

    /// What approvals ask of the house.
    pub fn doors(&self) -> Doors {
        Doors {
            org: self.org.clone(),
            env: self.env.clone(),
        }
    }

    /// Approvals along the routes of packs; no kind is decided yet.
    pub fn approvals(&self, packs: &Packs) -> Approvals {
        let routes = approvals::Routes::read(packs).expect("routes");
        let (db, env) = self.place();
        let doors = self.doors();
        Approvals::new(
            (db, env, self.notices.clone()),
            (routes, Calendar::default()),
            doors.clone(),
            doors.clone(),
            doors,
        )
    }

    /// Where problems are kept.
    pub fn problems(&self) -> Problems {
        Problems::new(self)
    }

    /// Accounts of the house, with the roles of packs.
    pub async fn identity(&self, packs: &Packs, permissions: &[&'static str]) -> Identity {
        let (db, env) = self.place();
        let identity =
            Identity::new(db, env, SecuritySettings::default()).with_organization(self.org.clone());
        let roles = Roles::read(packs, permissions).expect("roles");
        identity.sync_roles(&roles).await.expect("roles are kept");
        identity
    }

    /// A unit, since 2024.
    pub async fn unit(&self, parent: Option<UnitId>, code: &str) -> UnitId {
        let new = NewUnit {
            parent,
            code: code.into(),
            name: format!("单位{code}"),
            category: "科室".into(),
            from: Date::constant(2024, 1, 1),
        };
        let added = self.org.add_unit(new, "", None, &Scope::All).await;
        added.expect("a unit")
    }

    /// Somebody in a unit, since 2024.
    pub async fn person(&self, no: &str, unit: UnitId) -> PersonId {
        let new = NewPerson {
            staff_no: no.into(),
            name: format!("人员{no}"),
            assignment: NewAssignment {
                unit,
                post: String::new(),
                from: Date::constant(2024, 1, 1),
                to: None,
                primary: true,
                nature: Default::default(),
            },
        };
        let added = self.org.add_person(&new, By::default(), &Scope::All).await;
        added.expect("a person")
    }

    /// Somebody with an account and a role (empty: none) on a unit.
    pub async fn who(
        &self,
        identity: &Identity,
        (no, unit): (&str, UnitId),
        role: &'static str,
        on: UnitId,
    ) -> Who {
        let person = self.person(no, unit).await;
        let grant = NewGrant {
            role: role.into(),
            unit: on,
            from: self.env.today(),
            to: None,
        };
        let new = NewAccount {
            login: format!("user{no}"),
            person: Some(person),
            unit: None,
            password: NewPassword::None,
            grants: if role.is_empty() { vec![] } else { vec![grant] },
        };
        let opened = identity
            .create_account(&Actor::default(), &new, &Scope::All)
            .await;
        let account = opened.expect("an account").account;
        Who {
            account,
            person,
            role,
            on,
        }
    }

    /// Keys of what somebody was told, the oldest first.
    pub async fn told(&self, who: Who) -> Vec<String> {
        let of = [Reader::Person(who.person)];
        let rows = self.notices.list(&of, false, None, 500).await;
        let rows = rows.expect("notices");
        rows.into_iter().rev().map(|r| r.key).collect()
    }

    /// How often something stands in the audit trail.
    pub async fn audited(&self, action: &'static str) -> i64 {
        store::audited(&self.db, action).await
    }

    /// Facts about something that stand, by kind and part.
    pub async fn standing(&self, subject: Id) -> Vec<Fact> {
        let mut tx = self.db.read().await.expect("a snapshot");
        let mut all = self.ledger.standing(&mut tx, subject).await.expect("facts");
        all.sort_by_key(|f| (f.kind.clone(), f.role.clone()));
        all
    }

    /// A fact of another room.
    pub async fn fact(
        &self,
        kind: &str,
        category: &str,
        unit: UnitId,
        date: Date,
        subject: Id,
    ) -> FactId {
        db::transaction!(self.db, |tx| {
            let paths = self.org.paths_on(tx, &[(unit, date)]).await?;
            let path = &paths[&(unit, date)];
            self.ledger.place(tx, path).await?;
            let id: FactId = self.env.new_id();
            let now = self.env.now();
            let mut fact = Fact::new(id, kind, PlaceId::of(path), date, subject, "form", now);
            fact.category = Some(category.to_owned());
            self.ledger.append(tx, &[fact]).await?;
            Ok(id)
        })
        .expect("a fact")
    }
}

/// Somebody decides about the n-th of the approvals that wait for them; whether they were in time.
pub async fn decide(approvals: &Approvals, who: Who, n: usize, act: &str) -> bool {
    let nothing = Scope::nothing();
    let (tab, me) = (approvals::Tab::Waiting, Some(who.person));
    let listed = approvals.list(tab, ("", None), me, &nothing, (1, 50)).await;
    let (_, found) = listed.expect("approvals");
    let a = found.get(n).expect("something waits");
    let asked = Asked {
        act: act.into(),
        seen: (a.case.round, a.case.step as i64),
        reason: "意见".into(),
        ..Asked::default()
    };
    let done = approvals.act(a.id, &asked, &who.by(), &nothing).await;
    done.is_ok()
}

/// How many approvals wait for somebody.
pub async fn waiting(approvals: &Approvals, who: Who) -> i64 {
    let nothing = Scope::nothing();
    let (tab, me) = (approvals::Tab::Waiting, Some(who.person));
    let listed = approvals.list(tab, ("", None), me, &nothing, (1, 5)).await;
    listed.expect("approvals").0
}

/// Field and key of what was refused.
pub fn refused<T: Debug>(result: Result<T>) -> Vec<(String, &'static str)> {
    match result.expect_err("refused") {
        Error::Invalid(errors) => errors
            .into_iter()
            .map(|e| (e.field, e.message.key))
            .collect(),
        Error::Conflict(m) => vec![("conflict".into(), m.key)],
        Error::NotFound => vec![(String::new(), "not-found")],
        Error::Forbidden => vec![(String::new(), "forbidden")],
        other => panic!("{other}"),
    }
}

/// One field refused with a key, to compare with [`refused`].
pub fn why(field: &str, key: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.into(), key)]
}
