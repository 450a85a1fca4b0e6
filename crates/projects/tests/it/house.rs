//! An invented bureau with an office and a county, people in roles, approvals along the routes of the product's pack.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use approvals::{Approvals, Asked, Deputies, Directory, Known, Signers, Trail, Who as Route};
use commons::files::Files;
use commons::findings::{Finder, Finding, Found, Intake};
use commons::packs::Packs;
use db::{Args, Db, Migration, Tx};
use desk::{Attachments, Desk};
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::{Actor, Held, Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings};
use jiff::ToSpan;
use kernel::{AccountId, Calendar, Date, Env, FactId, Id, PersonId, Result, Scope, UnitId};
use ledger::{Fact, Ledger, PlaceId};
use notices::{Contacts, Notices, Reader, Settings};
use organization::{By, NewAssignment, NewPerson, NewUnit, Organization, finding};
use projects::{Content, Decision, Eyes, New, ProjectKinds, Projects};
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
        projects::MIGRATIONS,
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
permissions = ["project.read", "project.write"]
[[role]]
code = "leader"
name = { zh = "领导", en = "Leader" }
permissions = ["project.read", "project.review"]
"#;

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/projects-cn.toml");
    let files = vec![
        ("projects-cn.toml".to_owned(), own.to_owned()),
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

/// A room that keeps problems: it writes a fact of each, and one when it is solved, as cases do.
#[derive(Clone)]
pub struct Problems {
    org: Organization,
    ledger: Ledger,
    env: Env,
    kept: Arc<Mutex<Vec<(Id, Found)>>>,
}

impl Problems {
    /// Ends every case: solved, or otherwise.
    pub async fn end(&self, db: &Db, solved: bool) {
        let cases: Vec<Id> = {
            let mut kept = self.kept.lock().unwrap();
            kept.iter_mut().for_each(|(_, f)| f.closed = true);
            kept.iter().map(|(_, f)| f.id).collect()
        };
        db::transaction!(db, |tx| {
            for id in &cases {
                let standing = self.ledger.standing(tx, *id).await?;
                let mut fact = standing[0].clone();
                fact.id = self.env.new_id();
                fact.kind = "case-closed".into();
                fact.role = Some(if solved { "solved" } else { "transferred" }.into());
                self.ledger.append(tx, &[fact]).await?;
            }
            Ok(())
        })
        .unwrap();
    }

    /// Opens every case again: its closing is taken back.
    pub async fn again(&self, db: &Db) {
        let cases: Vec<Id> = {
            let mut kept = self.kept.lock().unwrap();
            kept.iter_mut().for_each(|(_, f)| f.closed = false);
            kept.iter().map(|(_, f)| f.id).collect()
        };
        db::transaction!(db, |tx| {
            for id in &cases {
                let standing = self.ledger.standing(tx, *id).await?;
                let ends = standing.iter().filter(|f| f.kind == "case-closed");
                let ends: Vec<FactId> = ends.map(|f| f.id).collect();
                self.ledger.reverse(tx, &ends, None).await?;
            }
            Ok(())
        })
        .unwrap();
    }
}

impl Intake for Problems {
    fn raise<'a>(
        &'a self,
        tx: &'a mut Tx,
        f: &'a Finding,
        _: &'a Finder,
    ) -> BoxFuture<'a, Result<Id>> {
        async move {
            let known = |all: &Vec<(Id, Found)>| {
                all.iter().find(|(_, x)| x.key == f.key).map(|(_, x)| x.id)
            };
            if let Some(id) = known(&self.kept.lock().unwrap()) {
                return Ok(id);
            }
            let (id, day): (Id, _) = (self.env.new_id(), self.env.today());
            let path = self
                .org
                .paths_on(tx, &[(f.unit, day)])
                .await?
                .remove(&(f.unit, day))
                .unwrap();
            self.ledger.place(tx, &path).await?;
            let now = self.env.now();
            let mut fact = Fact::new(
                self.env.new_id(),
                "case",
                PlaceId::of(&path),
                day,
                id,
                "form",
                now,
            );
            fact.category = Some(f.kind.clone());
            self.ledger.append(tx, &[fact]).await?;
            let found = Found {
                id,
                key: f.key.clone(),
                number: "ZG-1".into(),
                href: format!("/cases/{id}"),
                closed: false,
            };
            self.kept.lock().unwrap().push((f.source_id, found));
            Ok(id)
        }
        .boxed()
    }

    fn of_source<'a>(
        &'a self,
        _: &'a mut Tx,
        kind: &'a str,
        id: Id,
    ) -> BoxFuture<'a, Result<Vec<Found>>> {
        assert!(["project", "pair-visit"].contains(&kind));
        let kept = self.kept.lock().unwrap();
        let of = kept
            .iter()
            .filter(|(source, _)| *source == id)
            .map(|(_, f)| f.clone());
        let found: Vec<Found> = of.collect();
        async move { Ok(found) }.boxed()
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
            account: self.account,
            person: Some(self.person),
            reads: match self.role {
                "" => Scope::nothing(),
                _ => Scope::Under(vec![self.on]),
            },
            writes: self.holds("officer"),
            reviews: self.holds("leader"),
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
    pub projects: Projects,
    pub problems: Problems,
    pub files: Files,
    pub bureau: UnitId,
    pub office: UnitId,
    pub county: UnitId,
    /// Proposes and runs for the bureau.
    pub officer: Who,
    /// Leads the bureau: decides, reviews, leads projects, visits the county.
    pub leader: Who,
    /// Reviews too.
    pub second: Who,
    /// Somebody of the office without any role.
    pub member: Who,
    /// Proposes for the county only.
    pub far: Who,
}

struct Rooms {
    org: Organization,
    ledger: Ledger,
    notices: Notices,
    approvals: Approvals,
    projects: Projects,
    problems: Problems,
}

async fn on(db: &Db, env: &Env, files: &Files) -> Rooms {
    let org = Organization::new(db.clone(), env.clone());
    let ledger = Ledger::open(db.clone(), env.clone()).await.unwrap();
    let notices = Notices::new(db.clone(), env.clone(), Settings::default(), Mailboxes);
    let doors = Doors {
        org: org.clone(),
        env: env.clone(),
    };
    let problems = Problems {
        org: org.clone(),
        ledger: ledger.clone(),
        env: env.clone(),
        kept: Arc::default(),
    };
    let projects = Projects::new(
        (db.clone(), env.clone()),
        ledger.clone(),
        org.clone(),
        notices.clone(),
        ProjectKinds::read(&packs()).unwrap(),
        Attachments::new(Desk::new(db.clone(), env.clone()), files.clone()),
    )
    .with_intake(Arc::new(problems.clone()));
    let [start, extension, closing] = Decision::all(&projects);
    let approvals = Approvals::new(
        (db.clone(), env.clone(), notices.clone()),
        (
            approvals::Routes::read(&packs()).unwrap(),
            Calendar::default(),
        ),
        doors.clone(),
        doors.clone(),
        doors,
    )
    .with_kind(start)
    .with_kind(extension)
    .with_kind(closing);
    let projects = projects.with_approvals(approvals.clone());
    Rooms {
        org,
        ledger,
        notices,
        approvals,
        projects,
        problems,
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
        let permissions = [projects::READ, projects::WRITE, projects::REVIEW];
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
            officer: who("1", bureau, "officer", bureau).await,
            leader: who("2", bureau, "leader", bureau).await,
            second: who("3", bureau, "leader", bureau).await,
            member: who("4", office, "", office).await,
            far: who("5", county, "officer", county).await,
            db,
            env,
            org,
            ledger: r.ledger,
            notices: r.notices,
            approvals: r.approvals,
            projects: r.projects,
            problems: r.problems,
            files,
            bureau,
            office,
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
            projects: r.projects,
            problems: r.problems,
            ..self.clone()
        }
    }

    pub fn today(&self) -> Date {
        self.env.today()
    }

    pub fn content(&self, title: &str) -> Content {
        let from = self.today();
        Content {
            title: title.into(),
            goals: "摸清底数，提出办法".into(),
            basis: String::new(),
            values: [
                ("level", "municipal"),
                ("new", "新办法"),
                ("kind", "front-line"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
            question: "基层人手为什么不足".into(),
            outline: "一看二问三比".into(),
            method: String::new(),
            from,
            due: from.saturating_add(60.days()),
        }
    }

    /// A proposal of the bureau with a member and a milestone, led by somebody.
    pub async fn proposed(&self, kind: &str, title: &str, lead: Who) -> Id {
        let new = New {
            id: self.env.new_id(),
            kind: kind.into(),
            unit: self.bureau,
            lead: lead.person,
            content: self.content(title),
        };
        let (eyes, actor) = (self.officer.eyes(), self.officer.actor());
        let by = (&eyes, &actor);
        let id = self.projects.propose(&new, &eyes, &actor).await.unwrap();
        let role = match kind {
            "research" => "writer",
            "hands-on-projects" => "trained",
            _ => "member",
        };
        let member = (self.member.person, role);
        if lead != self.member {
            self.projects.take_in(id, member, by).await.unwrap();
        }
        let due = self.today().saturating_add(30.days());
        let milestone = ("完成第一步", self.member.person, due);
        self.projects
            .add_milestone(id, milestone, by)
            .await
            .unwrap();
        id
    }

    /// The same, approved.
    pub async fn running(&self, kind: &str, title: &str) -> Id {
        let id = self.proposed(kind, title, self.leader).await;
        let (eyes, by) = (self.officer.eyes(), self.officer.by());
        self.projects.ask_start(id, None, &eyes, &by).await.unwrap();
        self.decide(self.second, "agree").await;
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

    /// Whether something waits for somebody to decide.
    pub async fn waits_for(&self, who: Who) -> bool {
        let nothing = Scope::nothing();
        let (me, filter) = (Some(who.person), ("", None));
        let tab = approvals::Tab::Waiting;
        let listed = self.approvals.list(tab, filter, me, &nothing, (1, 5)).await;
        listed.unwrap().0 > 0
    }

    /// Somebody agrees to the n-th of what waits for them; whether they were in time.
    pub async fn try_decide(&self, who: Who, n: usize) -> bool {
        let nothing = Scope::nothing();
        let tab = approvals::Tab::Waiting;
        let (me, filter) = (Some(who.person), ("", None));
        let listed = self.approvals.list(tab, filter, me, &nothing, (1, 5)).await;
        let (_, found) = listed.unwrap();
        let a = &found[n];
        let asked = Asked {
            act: "agree".into(),
            seen: (a.case.round, a.case.step as i64),
            reason: "同意".into(),
            ..Asked::default()
        };
        let by = who.by();
        let done = self.approvals.act(a.id, &asked, &by, &nothing).await;
        done.is_ok()
    }

    /// The leader's pairing with the county.
    pub async fn paired(&self) -> Id {
        let pack = include_str!("../../../../packs/people-cn.toml");
        let packs = Packs::load(vec![("people-cn.toml".to_owned(), pack.to_owned())]).unwrap();
        let kinds = organization::BodyKinds::read(&packs).unwrap();
        let tie = organization::NewTie {
            kind: "contact-point".into(),
            staff_no: "2".into(),
            end: "C1".into(),
            to: None,
            basis: "联系点制度".into(),
        };
        let from = Date::constant(2025, 1, 1);
        self.org
            .tie(&kinds, &tie, from, By::default(), &Scope::All)
            .await
            .unwrap()
    }

    /// Kinds of the facts about a thing that stand, in order.
    pub async fn facts(&self, subject: Id) -> Vec<Fact> {
        let mut tx = self.db.read().await.unwrap();
        let mut all = self.ledger.standing(&mut tx, subject).await.unwrap();
        all.sort_by_key(|f| (f.kind.clone(), f.role.clone()));
        all
    }

    pub async fn kinds_of(&self, subject: Id) -> Vec<String> {
        self.facts(subject)
            .await
            .into_iter()
            .map(|f| f.kind)
            .collect()
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
