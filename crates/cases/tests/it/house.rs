//! An invented bureau with two offices and a section, people in roles, approvals along the routes of the product's pack.

use std::collections::HashMap;

use approvals::{Approvals, Deputies, Directory, Known, Signers, Trail, Who as Route};
use cases::{Act, Ask, CaseKinds, Cases, Decision, Evidence, Eyes, Measure, Raise, Said, Whole};
use commons::files::Files;
use commons::packs::Packs;
use db::{Args, Db, Migration, Tx, args};
use desk::{Attachments, Desk};
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::{Actor, Held, Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings};
use kernel::{AccountId, Calendar, Date, Env, Id, PersonId, Result, Scope, UnitId};
use ledger::Ledger;
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
        crypt::MIGRATIONS,
        cases::MIGRATIONS,
    ]
    .concat()
}

/// A vault whose keyring is read once, and kept by nobody else.
pub async fn vault(t: &TestDb) -> crypt::Vault {
    let folder = tempfile::tempdir().unwrap();
    let ring = crypt::Keyring::create(&folder.path().join("keyring"), &t.env, crypt::AES);
    crypt::Vault::open(&t.db, &t.env, ring.unwrap())
        .await
        .unwrap()
}

const PACK: &str = r#"
[pack]
code = "more"
version = "1"
name = { zh = "甲", en = "A" }
[[role]]
code = "raiser"
name = { zh = "登记", en = "Raiser" }
permissions = ["case.read", "case.raise", "case.reporter"]
[[role]]
code = "handler"
name = { zh = "承办", en = "Handler" }
permissions = ["case.read", "case.handle"]
[[role]]
code = "supervisor"
name = { zh = "督办", en = "Supervisor" }
permissions = ["case.read", "case.supervise"]
"#;

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/cases-cn.toml");
    let files = vec![
        ("cases-cn.toml".to_owned(), own.to_owned()),
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
            let Route::Permission(name) = who else {
                return Ok(vec![]);
            };
            Identity::holders(tx, Held::Permission(name), unit, day).await
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
    pub raises: Option<UnitId>,
    pub handles: Option<UnitId>,
    pub supervises: Option<UnitId>,
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

    pub fn eyes(self) -> Eyes {
        let under =
            |unit: Option<UnitId>| unit.map_or_else(Scope::nothing, |u| Scope::Under(vec![u]));
        Eyes {
            account: self.account,
            person: Some(self.person),
            me: Some(self.person),
            on_behalf: None,
            reads: under(self.raises.or(self.handles).or(self.supervises)),
            raises: under(self.raises),
            handles: under(self.handles),
            supervises: under(self.supervises),
            reporters: under(self.raises),
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
    pub cases: Cases,
    pub files: Files,
    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    /// Raises for the bureau.
    pub raiser: Who,
    /// Supervises the bureau and all below.
    pub supervisor: Who,
    /// The same.
    pub second: Who,
    /// Of the first office, without a role.
    pub owner: Who,
    /// The same.
    pub helper: Who,
    /// Handles for the first office.
    pub handler: Who,
    /// Of the section below the first office, but supervises the bureau.
    pub below: Who,
    /// Of the second office, without a role.
    pub lonely: Who,
}

async fn on(
    db: &Db,
    env: &Env,
    files: &Files,
) -> (Organization, Ledger, Notices, Approvals, Cases) {
    let org = Organization::new(db.clone(), env.clone());
    let ledger = Ledger::open(db.clone(), env.clone()).await.unwrap();
    let notices = Notices::new(db.clone(), env.clone(), Settings::default(), Mailboxes);
    let doors = Doors {
        org: org.clone(),
        env: env.clone(),
    };
    let cases = Cases::new(
        (db.clone(), env.clone()),
        ledger.clone(),
        org.clone(),
        notices.clone(),
        (CaseKinds::read(&packs()).unwrap(), Calendar::default()),
        Attachments::new(Desk::new(db.clone(), env.clone()), files.clone()),
    )
    .with_deputies(doors.clone());
    let routes = approvals::Routes::read(&packs()).unwrap();
    let mut approvals = Approvals::new(
        (db.clone(), env.clone(), notices.clone()),
        (routes, Calendar::default()),
        doors.clone(),
        doors.clone(),
        doors,
    );
    for decision in Decision::both(&cases) {
        approvals = approvals.with_kind(decision);
    }
    let cases = cases.with_approvals(approvals.clone());
    (org, ledger, notices, approvals, cases)
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let files = Files::memory(t.env.clone());
        let (org, ledger, notices, approvals, cases) = on(&t.db, &t.env, &files).await;
        let cases = cases.with_vault(vault(t).await);
        let identity = Identity::new(t.db.clone(), t.env.clone(), SecuritySettings::default())
            .with_organization(org.clone());
        let permissions = [
            cases::READ,
            cases::RAISE,
            cases::HANDLE,
            cases::SUPERVISE,
            cases::REPORTER,
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
                category: String::new(),
                from: Date::constant(2024, 1, 1),
            };
            org.add_unit(new, "", None, &Scope::All).await.unwrap()
        };
        let bureau = add(None, "B").await;
        let offices = [add(Some(bureau), "O1").await, add(Some(bureau), "O2").await];
        let section = add(Some(offices[0]), "S1").await;
        let who = async |no: &str, unit, role: &str, on| {
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
            let person = org
                .add_person(&new, By::default(), &Scope::All)
                .await
                .unwrap();
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
            let has = |name: &str| (role == name).then_some(on);
            Who {
                account: opened.unwrap().account,
                person,
                raises: has("raiser"),
                handles: has("handler"),
                supervises: has("supervisor"),
            }
        };
        Self {
            raiser: who("1", bureau, "raiser", bureau).await,
            supervisor: who("2", bureau, "supervisor", bureau).await,
            second: who("3", bureau, "supervisor", bureau).await,
            owner: who("4", offices[0], "", bureau).await,
            helper: who("5", offices[0], "", bureau).await,
            handler: who("6", offices[0], "handler", offices[0]).await,
            below: who("7", section, "supervisor", bureau).await,
            lonely: who("8", offices[1], "", bureau).await,
            db: t.db.clone(),
            env: t.env.clone(),
            org,
            ledger,
            notices,
            approvals,
            cases,
            files,
            bureau,
            offices,
        }
    }

    /// Another node on the same database.
    pub async fn node(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let (org, ledger, notices, approvals, cases) = on(&db, &t.env, &self.files).await;
        Self {
            db,
            org,
            ledger,
            notices,
            approvals,
            cases,
            ..self.clone()
        }
    }

    pub fn problem(&self, title: &str) -> Raise {
        Raise {
            id: self.env.new_id(),
            kind: "problem".into(),
            title: title.into(),
            detail: "检查发现。".into(),
            severity: "serious".into(),
            area: "service".into(),
            source: "inspection".into(),
            clause: String::new(),
            values: Default::default(),
            unit: self.offices[0],
            from: self.bureau,
            owner: None,
            co: vec![],
            supervisor: None,
            reporter: None,
            origin: None,
            key: None,
            recurs: None,
            fixed: None,
        }
    }

    pub async fn raise(&self, raise: &Raise) -> Result<Id> {
        self.cases
            .raise(raise, &self.raiser.eyes(), &self.raiser.actor())
            .await
    }

    pub async fn act(&self, id: Id, act: Act, who: Who) -> Result<()> {
        let said = Said {
            text: "已按要求办理".into(),
            ..Said::default()
        };
        self.cases
            .act(id, &act, &said, &who.eyes(), &who.actor())
            .await
    }

    pub async fn ask(&self, id: Id, ask: Ask, who: Who) -> Result<()> {
        let said = Said {
            text: "情况复杂".into(),
            ..Said::default()
        };
        self.cases.ask(id, ask, &said, &who.eyes(), &who.by()).await
    }

    pub fn assigned(&self) -> Act {
        Act::Assigned {
            unit: self.offices[0],
            owner: Some(self.owner.person),
            co: vec![self.helper.person],
            supervisor: Some(self.supervisor.person),
        }
    }

    pub fn planned(&self) -> Act {
        let measure = |owner: Who| Measure {
            no: 0,
            text: "修订制度".into(),
            owner: owner.person,
            due: Date::constant(2026, 12, 20),
            done: None,
        };
        Act::Planned {
            cause: "职责不清".into(),
            measures: vec![measure(self.owner), measure(self.lonely)],
        }
    }

    /// A case that waits to be checked.
    pub async fn submitted(&self, title: &str) -> Id {
        let id = self.raise(&self.problem(title)).await.unwrap();
        self.act(id, self.assigned(), self.supervisor)
            .await
            .unwrap();
        self.act(id, self.planned(), self.owner).await.unwrap();
        let on = self.env.today();
        self.act(id, Act::MeasureDone { no: 1, on }, self.owner)
            .await
            .unwrap();
        self.act(id, Act::MeasureDone { no: 2, on }, self.lonely)
            .await
            .unwrap();
        self.act(id, Act::Submitted, self.owner).await.unwrap();
        id
    }

    /// A case that was accepted.
    pub async fn solved(&self, title: &str) -> Id {
        let id = self.submitted(title).await;
        self.act(id, Act::Accepted, self.supervisor).await.unwrap();
        id
    }

    pub async fn whole(&self, id: Id) -> Whole {
        self.cases.case(id, &self.supervisor.eyes()).await.unwrap()
    }

    pub async fn acts(&self, id: Id) -> Vec<&'static str> {
        self.whole(id)
            .await
            .events
            .iter()
            .map(|e| e.act.code())
            .collect()
    }

    /// Kinds and parts of the facts that stand about a case; that of its field of work, which stands beside it, left out.
    pub async fn facts(&self, id: Id) -> Vec<(String, String)> {
        let mut tx = self.db.read().await.unwrap();
        let mut found: Vec<_> = self.ledger.standing(&mut tx, id).await.unwrap();
        found.sort_by_key(|f| f.id);
        found.retain(|f| f.kind != "case-area");
        let part = |f: &ledger::Fact| f.role.clone().unwrap_or_default();
        found.iter().map(|f| (f.kind.clone(), part(f))).collect()
    }

    /// Keys of what somebody was told, the oldest first.
    pub async fn told(&self, who: Who) -> Vec<String> {
        let rows = self
            .notices
            .list(&[Reader::Person(who.person)], false, None, 500)
            .await
            .unwrap();
        rows.into_iter().rev().map(|r| r.key).collect()
    }

    pub async fn audited(&self, action: &'static str) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE action = $1";
        tx.one(sql, args![action]).await.unwrap().get(0).unwrap()
    }

    pub fn evidence(&self) -> Evidence {
        Evidence {
            name: "整改前后.pdf".into(),
            sha256: commons::files::FileHash::of(b"x").to_string(),
            size: 1,
            of: Some(Date::constant(2026, 11, 20)),
        }
    }
}

/// Field and key of what was refused.
pub fn refused<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, &'static str)> {
    match result.unwrap_err() {
        kernel::Error::Invalid(errors) => errors
            .into_iter()
            .map(|e| (e.field, e.message.key))
            .collect(),
        kernel::Error::Conflict(m) => vec![("conflict".into(), m.key)],
        kernel::Error::NotFound => vec![(String::new(), "not-found")],
        kernel::Error::Forbidden => vec![(String::new(), "forbidden")],
        other => panic!("{other}"),
    }
}

pub fn why(field: &str, key: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.into(), key)]
}
