//! An invented bureau with three offices, people in roles, approvals along the routes of the product's pack.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use approvals::{Approvals, Asked, Deputies, Directory, Known, Signers, Trail, Who as Route};
use campaigns::{
    CampaignFacts, CampaignKinds, Campaigns, Content, Eyes, Issue, Measure, New, Taken,
};
use commons::files::Files;
use commons::findings::{Finder, Finding, Found, Intake};
use commons::packs::Packs;
use db::{Args, Db, Migration, Tx};
use desk::{Attachments, Desk};
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::{Actor, Held, Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings};
use kernel::{AccountId, Calendar, Date, Env, FactId, Id, PersonId, Result, Scope, UnitId};
use ledger::{Fact, Ledger, PlaceId, Sources};
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
        campaigns::MIGRATIONS,
    ]
    .concat()
}

const PACK: &str = r#"
[pack]
code = "more"
version = "1"
name = { zh = "甲", en = "A" }
[[role]]
code = "planner"
name = { zh = "策划", en = "Planner" }
permissions = ["campaign.read", "campaign.plan"]
[[role]]
code = "leader"
name = { zh = "领导", en = "Leader" }
permissions = ["campaign.read"]
[[role]]
code = "reporter"
name = { zh = "报送", en = "Reporter" }
permissions = ["campaign.read", "campaign.report"]
[[role]]
code = "inspector"
name = { zh = "检查", en = "Inspector" }
permissions = ["campaign.read", "campaign.score"]
"#;

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/campaigns-cn.toml");
    let files = vec![
        ("campaigns-cn.toml".to_owned(), own.to_owned()),
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

/// A room that keeps problems: it writes a fact of each, as cases do.
pub struct Problems {
    org: Organization,
    ledger: Ledger,
    env: Env,
    kept: Mutex<Vec<(Id, Found)>>,
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
        assert_eq!(kind, "campaign");
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
            plans: self.holds("planner"),
            reports: self.holds("reporter"),
            scores: self.holds("inspector"),
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
    pub campaigns: Campaigns,
    pub files: Files,
    pub bureau: UnitId,
    pub offices: [UnitId; 3],
    /// Plans for the bureau.
    pub planner: Who,
    /// Leads the bureau: decides about plans.
    pub leader: Who,
    /// Reports for the first office.
    pub reporter: Who,
    /// Inspects the bureau and all below.
    pub inspector: Who,
    /// The same.
    pub second: Who,
    /// Inspects too, but belongs to the first office.
    pub inside: Who,
    /// Reports for the third office.
    pub far: Who,
    /// Plans for the second office.
    pub local: Who,
}

async fn on(
    db: &Db,
    env: &Env,
    files: &Files,
) -> (Organization, Ledger, Notices, Approvals, Campaigns) {
    let org = Organization::new(db.clone(), env.clone());
    let ledger = Ledger::open(db.clone(), env.clone()).await.unwrap();
    let notices = Notices::new(db.clone(), env.clone(), Settings::default(), Mailboxes);
    let doors = Doors {
        org: org.clone(),
        env: env.clone(),
    };
    let campaigns = Campaigns::new(
        (db.clone(), env.clone()),
        ledger.clone(),
        org.clone(),
        notices.clone(),
        CampaignKinds::read(&packs()).unwrap(),
        Attachments::new(Desk::new(db.clone(), env.clone()), files.clone()),
    )
    .with_sources(Sources::new(vec![Arc::new(CampaignFacts)]))
    .with_intake(Arc::new(Problems {
        org: org.clone(),
        ledger: ledger.clone(),
        env: env.clone(),
        kept: Mutex::default(),
    }));
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
    .with_kind(Issue(campaigns.clone()));
    let campaigns = campaigns.with_approvals(approvals.clone());
    (org, ledger, notices, approvals, campaigns)
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let files = Files::memory(t.env.clone());
        let (db, env) = (t.db.clone(), t.env.clone());
        let (org, ledger, notices, approvals, campaigns) = on(&db, &env, &files).await;
        let identity = Identity::new(db.clone(), env.clone(), SecuritySettings::default())
            .with_organization(org.clone());
        let permissions = [
            campaigns::READ,
            campaigns::PLAN,
            campaigns::REPORT,
            campaigns::SCORE,
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
        let offices = [
            add(Some(bureau), "O1").await,
            add(Some(bureau), "O2").await,
            add(Some(bureau), "O3").await,
        ];
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
            planner: who("1", bureau, "planner", bureau).await,
            leader: who("2", bureau, "leader", bureau).await,
            reporter: who("3", offices[0], "reporter", offices[0]).await,
            inspector: who("4", bureau, "inspector", bureau).await,
            second: who("5", bureau, "inspector", bureau).await,
            inside: who("6", offices[0], "inspector", bureau).await,
            far: who("7", offices[2], "reporter", offices[2]).await,
            local: who("8", offices[1], "planner", offices[1]).await,
            db,
            env,
            org,
            ledger,
            notices,
            approvals,
            campaigns,
            files,
            bureau,
            offices,
        }
    }

    /// Another node on the same database.
    pub async fn node(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let (org, ledger, notices, approvals, campaigns) = on(&db, &t.env, &self.files).await;
        Self {
            db,
            org,
            ledger,
            notices,
            approvals,
            campaigns,
            ..self.clone()
        }
    }

    pub fn content(&self, title: &str) -> Content {
        let kind = self.campaigns.kinds().get("quality").unwrap();
        let from = Date::constant(2026, 11, 1);
        let (phases, to) = Content::laid_out(kind, from);
        let claims = kind
            .tracks
            .iter()
            .flat_map(|t| t.claims.iter().map(|c| (&t.code, c)));
        let taken = |(track, code): (&String, &String)| Taken {
            track: track.clone(),
            claim: self.campaigns.kinds().claim(code).unwrap().clone(),
            categories: vec![],
        };
        Content {
            title: title.into(),
            goals: "提升素质".into(),
            group: None,
            office: None,
            lead: Some(self.leader.person),
            from,
            to,
            phases,
            measures: vec![Measure {
                no: 1,
                text: "集中学习".into(),
                unit: self.offices[0],
                due: Date::constant(2026, 12, 1),
            }],
            claims: claims.map(taken).collect(),
        }
    }

    /// A campaign of the bureau.
    pub async fn made(&self, title: &str) -> Id {
        let new = New {
            id: self.env.new_id(),
            kind: "quality".into(),
            unit: self.bureau,
            parent: None,
            node: None,
            content: self.content(title),
        };
        let (eyes, actor) = (self.planner.eyes(), self.planner.actor());
        self.campaigns.create(&new, &eyes, &actor).await.unwrap()
    }

    /// The leader decides about the approval that waits.
    pub async fn decide(&self, act: &str) {
        let nothing = Scope::nothing();
        let tab = approvals::Tab::Waiting;
        let me = Some(self.leader.person);
        let (_, found) = self
            .approvals
            .list(tab, ("", None), me, &nothing, (1, 5))
            .await
            .unwrap();
        let a = &found[0];
        let asked = Asked {
            act: act.into(),
            seen: (a.case.round, a.case.step as i64),
            reason: "意见".into(),
            ..Asked::default()
        };
        let done = self
            .approvals
            .act(a.id, &asked, &self.leader.by(), &nothing)
            .await;
        done.unwrap();
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
        .unwrap()
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
