//! An invented bureau with an office and a county, people in roles, approvals along the routes of the product's pack.

use std::collections::HashMap;

use approvals::{Approvals, Asked, Deputies, Directory, Known, Signers, Trail, Who as Route};
use commons::files::Files;
use commons::packs::Packs;
use db::{Args, Db, Migration, Tx};
use desk::{Attachments, Desk};
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::{Actor, Held, Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings};
use jiff::ToSpan;
use kernel::{AccountId, Calendar, Date, Env, Id, PersonId, Result, Scope, UnitId};
use ledger::Ledger;
use matters::{Content, Decision, Eyes, MatterKinds, Matters, New};
use notices::{Contacts, Notices, Reader, Settings};
use organization::{By, NewAssignment, NewPerson, NewUnit, Organization, finding};
use testkit::TestDb;

pub fn migrations() -> Vec<Migration> {
    [
        db::jobs::MIGRATIONS,
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        ledger::MIGRATIONS,
        identity::MIGRATIONS,
        notices::MIGRATIONS,
        approvals::MIGRATIONS,
        matters::MIGRATIONS,
    ]
    .concat()
}

const PACK: &str = r#"
[pack]
code = "more"
version = "1"
name = { zh = "甲", en = "A" }
[[role]]
code = "officer"
name = { zh = "干事", en = "Officer" }
permissions = ["matter.read", "matter.write"]
[[role]]
code = "leader"
name = { zh = "领导", en = "Leader" }
permissions = ["matter.read", "matter.answer", "matter.sealed"]
"#;

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/matters-cn.toml");
    let files = vec![
        ("matters-cn.toml".to_owned(), own.to_owned()),
        ("more.toml".to_owned(), PACK.to_owned()),
    ];
    Packs::load(files).unwrap()
}

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

/// What approvals ask of a house.
#[derive(Clone)]
pub struct Doors {
    org: Organization,
    env: Env,
}

impl Directory for Doors {
    fn who<'a>(
        &'a self,
        tx: &'a mut Tx,
        who: &'a Route,
        unit: UnitId,
        day: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        async move {
            match who {
                Route::Permission(name) => {
                    Identity::holders(tx, Held::Permission(name), unit, day).await
                }
                Route::Role(role) => Identity::holders(tx, Held::Role(role), unit, day).await,
                _ => Ok(vec![]),
            }
        }
        .boxed()
    }

    fn path<'a>(&'a self, tx: &'a mut Tx, unit: UnitId) -> BoxFuture<'a, Result<Vec<UnitId>>> {
        async move {
            Ok(finding::paths(tx, &[unit])
                .await?
                .remove(&unit)
                .unwrap_or_default())
        }
        .boxed()
    }

    fn by_staff_no<'a>(
        &'a self,
        tx: &'a mut Tx,
        no: &'a str,
        day: Date,
    ) -> BoxFuture<'a, Result<Option<PersonId>>> {
        finding::serving(tx, no, day).boxed()
    }

    fn names<'a>(
        &'a self,
        people: &'a [PersonId],
        units: &'a [UnitId],
    ) -> BoxFuture<'a, Result<Known>> {
        async move {
            Ok(Known {
                people: self.org.person_names(people).await?,
                units: self.org.names(units).await?,
            })
        }
        .boxed()
    }

    fn name<'a>(&'a self, tx: &'a mut Tx, person: PersonId) -> BoxFuture<'a, Result<String>> {
        async move {
            let mut names = finding::person_names(tx, &[person]).await?;
            Ok(names.remove(&person).unwrap_or_default())
        }
        .boxed()
    }

    fn within(&self, scope: &Scope, column: &str, args: &mut Args) -> String {
        organization::scope_sql(scope, column, args)
    }
}

impl Signers for Doors {
    fn confirm<'a>(&'a self, _: &'a approvals::By, _: &'a str) -> BoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed()
    }
}

impl Trail for Doors {
    fn record<'a>(&'a self, tx: &'a mut Tx, deed: approvals::Deed) -> BoxFuture<'a, Result<()>> {
        async move {
            let entry =
                Actor::default().audit(deed.action, ("approval", deed.approval), deed.detail);
            identity::record(tx, &self.env, &entry).await
        }
        .boxed()
    }
}

impl Deputies for Doors {
    fn acts_for<'a>(
        &'a self,
        tx: &'a mut Tx,
        me: PersonId,
        today: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        Identity::deciding_for(tx, me, today).boxed()
    }
}

/// Somebody with a role in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub account: AccountId,
    pub person: PersonId,
    pub role: &'static str,
    pub on: UnitId,
}

impl Who {
    pub fn actor(self) -> Actor {
        self.account.into()
    }

    pub fn by(self) -> approvals::By {
        approvals::By {
            person: self.person,
            account: self.account,
            on_behalf: None,
            address: String::new(),
        }
    }

    pub fn holds(self, role: &str) -> Scope {
        match self.role == role {
            true => Scope::Under(vec![self.on]),
            false => Scope::nothing(),
        }
    }

    pub fn eyes(self) -> Eyes {
        Eyes {
            account: Some(self.account),
            person: Some(self.person),
            reads: match self.role {
                "" => Scope::nothing(),
                _ => Scope::Under(vec![self.on]),
            },
            writes: self.holds("officer"),
            answers: self.holds("leader"),
            sealed: self.holds("leader"),
        }
    }
}

#[derive(Clone)]
pub struct House {
    pub db: Db,
    pub env: Env,
    pub org: Organization,
    pub ledger: Ledger,
    pub notices: Notices,
    pub approvals: Approvals,
    pub matters: Matters,
    pub files: Files,
    pub bureau: UnitId,
    pub county: UnitId,
    /// Writes for the county.
    pub officer: Who,
    /// Leads the county: decides there.
    pub chief: Who,
    /// Receives and answers at the bureau.
    pub leader: Who,
    /// The same.
    pub second: Who,
    /// Somebody of the county without any role.
    pub member: Who,
    /// Writes for the office only.
    pub far: Who,
}

struct Rooms {
    org: Organization,
    ledger: Ledger,
    notices: Notices,
    approvals: Approvals,
    matters: Matters,
}

async fn on(db: &Db, env: &Env, files: &Files) -> Rooms {
    let org = Organization::new(db.clone(), env.clone());
    let ledger = Ledger::open(db.clone(), env.clone()).await.unwrap();
    let notices = Notices::new(db.clone(), env.clone(), Settings::default(), Mailboxes);
    let doors = Doors {
        org: org.clone(),
        env: env.clone(),
    };
    let matters = Matters::new(
        (db.clone(), env.clone()),
        ledger.clone(),
        org.clone(),
        notices.clone(),
        (MatterKinds::read(&packs()).unwrap(), Calendar::default()),
        Attachments::new(Desk::new(db.clone(), env.clone()), files.clone()),
    );
    let approvals = Approvals::new(
        (db.clone(), env.clone(), notices.clone()),
        (
            approvals::Routes::read(&packs()).unwrap(),
            Calendar::default(),
        ),
        doors.clone(),
        doors.clone(),
        doors,
    );
    let approvals = Decision::all(&matters)
        .into_iter()
        .fold(approvals, Approvals::with_kind);
    let matters = matters.with_approvals(approvals.clone());
    Rooms {
        org,
        ledger,
        notices,
        approvals,
        matters,
    }
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let files = Files::memory(t.env.clone());
        let (db, env) = (t.db.clone(), t.env.clone());
        let r = on(&db, &env, &files).await;
        let org = r.org.clone();
        let identity = Identity::new(db.clone(), env.clone(), SecuritySettings::default())
            .with_organization(org.clone());
        let permissions = [
            matters::READ,
            matters::WRITE,
            matters::ANSWER,
            matters::SEALED,
        ];
        identity
            .sync_roles(&Roles::read(&packs(), &permissions).unwrap())
            .await
            .unwrap();
        let add = async |parent, code: &str| {
            let new = NewUnit {
                parent,
                code: code.into(),
                name: format!("单位{code}"),
                category: "科室".into(),
                from: Date::constant(2024, 1, 1),
            };
            org.add_unit(new, "", None, &Scope::All).await.unwrap()
        };
        let bureau = add(None, "B").await;
        let (office, county) = (add(Some(bureau), "O1").await, add(Some(bureau), "C1").await);
        let who = async |no: &str, unit, role: &'static str, on| {
            let person = person(&org, no, unit).await;
            let grant = NewGrant {
                role: role.into(),
                unit: on,
                from: t.env.today(),
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
            Who {
                account: opened.unwrap().account,
                person,
                role,
                on,
            }
        };
        Self {
            officer: who("1", county, "officer", county).await,
            chief: who("2", county, "leader", county).await,
            leader: who("3", bureau, "leader", bureau).await,
            second: who("6", bureau, "leader", bureau).await,
            member: who("4", county, "", county).await,
            far: who("5", office, "officer", office).await,
            db,
            env,
            org,
            ledger: r.ledger,
            notices: r.notices,
            approvals: r.approvals,
            matters: r.matters,
            files,
            bureau,
            county,
        }
    }

    /// Another node on the same database.
    pub async fn node(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let r = on(&db, &t.env, &self.files).await;
        Self {
            db,
            org: r.org,
            ledger: r.ledger,
            notices: r.notices,
            approvals: r.approvals,
            matters: r.matters,
            ..self.clone()
        }
    }

    pub fn today(&self) -> Date {
        self.env.today()
    }

    pub fn content(&self, values: &[(&str, &str)]) -> Content {
        Content {
            title: "关于设立工作专班的请示".into(),
            text: "拟设立工作专班，请批示。".into(),
            level: String::new(),
            values: values
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }

    pub fn day(&self, days: i64) -> String {
        kernel::format_date(self.today().saturating_add(days.days()))
    }

    /// A matter of the county, or of who writes it, that is not sent yet.
    pub async fn written(&self, kind: &str, who: Who, values: &[(&str, &str)]) -> Result<Id> {
        let new = New {
            id: self.env.new_id(),
            kind: kind.into(),
            unit: Some(self.county),
            person: None,
            to: None,
            content: self.content(values),
        };
        let (eyes, actor) = (who.eyes(), who.actor());
        self.matters.write(&new, &[], (&eyes, &actor)).await
    }

    pub async fn send(&self, id: Id, who: Who) -> Result<()> {
        self.matters.send(id, None, &who.eyes(), &who.by()).await
    }

    /// A request of the county that came to the bureau.
    pub async fn came(&self) -> Id {
        let area = [("area", "other")];
        let id = self.written("major-request", self.officer, &area).await;
        let id = id.unwrap();
        self.send(id, self.officer).await.unwrap();
        self.decide(self.chief, "agree").await;
        id
    }

    /// Somebody decides about the approval that waits for them.
    pub async fn decide(&self, who: Who, act: &str) {
        let nothing = Scope::nothing();
        let tab = approvals::Tab::Waiting;
        let me = Some(who.person);
        let (_, found) = self
            .approvals
            .list(tab, ("", None), me, &nothing, (1, 5))
            .await
            .unwrap();
        let a = found.first().expect("something waits");
        let asked = Asked {
            act: act.into(),
            seen: (a.case.round, a.case.step as i64),
            reason: "意见".into(),
            ..Asked::default()
        };
        self.approvals
            .act(a.id, &asked, &who.by(), &nothing)
            .await
            .unwrap();
    }

    /// Facts about a matter that stand: kind and role, in order.
    pub async fn facts(&self, subject: Id) -> Vec<(String, String)> {
        let mut tx = self.db.read().await.unwrap();
        let all = self.ledger.standing(&mut tx, subject).await.unwrap();
        let fact = |f: ledger::Fact| (f.kind, f.role.unwrap_or_default());
        let mut all: Vec<_> = all.into_iter().map(fact).collect();
        all.sort();
        all
    }

    pub async fn told(&self, who: Who) -> Vec<String> {
        let of = [Reader::Person(who.person)];
        let rows = self.notices.list(&of, false, None, 50).await.unwrap();
        rows.into_iter().map(|r| r.key).collect()
    }
}

/// Somebody in a unit.
pub async fn person(org: &Organization, no: &str, unit: UnitId) -> PersonId {
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
    org.add_person(&new, By::default(), &Scope::All)
        .await
        .unwrap()
}
