//! An invented house: two units, people in roles, and a kind that writes down what it is told.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use approvals::{
    Approval, Approvals, Asked, By, Deed, Deputies, Directory, Kind, Known, Line, New, Routes,
    Signers, Summary, Trail, Who,
};
use commons::packs::Packs;
use db::{Args, Db, Migration, Tx, args};
use futures::future::BoxFuture;
use kernel::{AccountId, Calendar, Date, Env, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use notices::{Contacts, Notices, Settings};
use serde_json::json;
use testkit::TestDb;

pub(crate) const MIGRATIONS: &[Migration] = &[
    approvals::MIGRATIONS[0],
    approvals::MIGRATIONS[1],
    notices::MIGRATIONS[0],
    Migration {
        name: "approvals_20261122_test",
        sql: "CREATE TABLE done (approval {blob} NOT NULL, word TEXT NOT NULL)",
    },
];

pub(crate) const ROUTES: &str = r#"
[pack]
code = "t"
version = "1"
name = { zh = "甲", en = "A" }
[[approval-route]]
kind = "word"
from = "2026-01-01"
[[approval-route.step]]
name = { zh = "单位领导", en = "Leader" }
who = { role = "leader" }
days = 2
overdue = "superior"
[[approval-route.step]]
name = { zh = "会签", en = "Both" }
who = { role = "both" }
mode = "all"
days = 1
[[approval-route]]
kind = "signed"
from = "2026-01-01"
[[approval-route.step]]
name = { zh = "签发", en = "Sign" }
who = { role = "leader" }
signature = true
delegate = false
[[approval-route]]
kind = "nobody"
from = "2026-01-01"
[[approval-route.step]]
name = { zh = "无人", en = "Nobody" }
who = { role = "none" }
"#;

pub(crate) const TOP: UnitId = UnitId(Id([200; 16]));
pub(crate) const OFFICE: UnitId = UnitId(Id([201; 16]));

/// People by number; their staff number is the number.
pub(crate) fn p(n: u8) -> PersonId {
    PersonId(Id([n; 16]))
}

pub(crate) fn by(n: u8) -> By {
    By {
        person: p(n),
        account: AccountId(Id([100 + n; 16])),
        on_behalf: None,
        address: "192.0.2.1".into(),
    }
}

type Roles = HashMap<(UnitId, &'static str), Vec<u8>>;

#[derive(Clone, Default)]
pub(crate) struct House {
    /// Unit and role: who holds it.
    pub(crate) roles: Arc<Mutex<Roles>>,
    pub(crate) deputies: Arc<Mutex<BTreeMap<u8, u8>>>,
    pub(crate) deeds: Arc<Mutex<Vec<&'static str>>>,
}

impl Directory for House {
    fn who<'a>(
        &'a self,
        _: &'a mut Tx,
        who: &'a Who,
        unit: UnitId,
        _: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        let Who::Role(role) = who else {
            panic!("only roles here")
        };
        let roles = self.roles.lock().unwrap();
        let found = roles.iter().find(|((u, r), _)| *u == unit && r == role);
        let found = found.map_or(Vec::new(), |(_, people)| {
            people.iter().map(|n| p(*n)).collect()
        });
        Box::pin(async move { Ok(found) })
    }

    fn path<'a>(&'a self, _: &'a mut Tx, unit: UnitId) -> BoxFuture<'a, Result<Vec<UnitId>>> {
        let path = if unit == TOP {
            vec![TOP]
        } else {
            vec![TOP, unit]
        };
        Box::pin(async move { Ok(path) })
    }

    fn by_staff_no<'a>(
        &'a self,
        _: &'a mut Tx,
        staff_no: &'a str,
        _: Date,
    ) -> BoxFuture<'a, Result<Option<PersonId>>> {
        Box::pin(async move { Ok(staff_no.parse().ok().filter(|n| *n < 50).map(p)) })
    }

    fn names<'a>(
        &'a self,
        people: &'a [PersonId],
        units: &'a [UnitId],
    ) -> BoxFuture<'a, Result<Known>> {
        let known = Known {
            people: people
                .iter()
                .map(|id| (*id, format!("人{}", id.0.0[0])))
                .collect(),
            units: units
                .iter()
                .map(|id| (*id, format!("单位{}", id.0.0[0])))
                .collect(),
        };
        Box::pin(async move { Ok(known) })
    }

    fn within(&self, scope: &Scope, column: &str, args: &mut Args) -> String {
        match scope {
            Scope::All => "1=1".into(),
            Scope::Under(units) => format!("{column} IN ({})", args.list(units.iter().copied())),
        }
    }
}

impl Signers for House {
    fn confirm<'a>(&'a self, _: &'a By, password: &'a str) -> BoxFuture<'a, Result<()>> {
        let right = password == "right";
        Box::pin(async move {
            if right {
                Ok(())
            } else {
                Err(Error::field("password", Msg::new("approvals-password")))
            }
        })
    }
}

impl Deputies for House {
    fn acts_for<'a>(
        &'a self,
        _: &'a mut Tx,
        me: PersonId,
        _: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        let deputies = self.deputies.lock().unwrap();
        let found = deputies
            .iter()
            .filter(|(d, _)| p(**d) == me)
            .map(|(_, of)| p(*of))
            .collect();
        Box::pin(async move { Ok(found) })
    }
}

impl Trail for House {
    fn record<'a>(&'a self, _: &'a mut Tx, deed: Deed) -> BoxFuture<'a, Result<()>> {
        self.deeds.lock().unwrap().push(deed.action);
        Box::pin(async { Ok(()) })
    }
}

impl Contacts for House {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        Box::pin(async { Ok(HashMap::new()) })
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }
}

/// Writes a word down; one that is forbidden is written and then refused.
struct Words(&'static str);

impl Kind for Words {
    fn code(&self) -> &'static str {
        self.0
    }

    fn title(&self) -> &'static str {
        "approvals-menu"
    }

    fn summaries<'a>(
        &'a self,
        list: &'a [Approval],
        _: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Summary>>> {
        let said = list.iter().map(|a| Summary {
            about: a.payload["word"].as_str().unwrap().to_owned(),
            href: None,
            lines: vec![Line {
                label: Msg::new("approvals-content"),
                before: "旧".into(),
                after: a.payload["word"].as_str().unwrap().to_owned(),
            }],
        });
        let said = said.collect();
        Box::pin(async move { Ok(said) })
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        a: &'a Approval,
        _: &'a By,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let word = a.payload["word"].as_str().unwrap();
            tx.execute(
                "INSERT INTO done (approval, word) VALUES ($1, $2)",
                args![a.id, word],
            )
            .await?;
            if word == "禁止" {
                return Err(Error::Conflict(Msg::new("approvals-object-gone")));
            }
            Ok(())
        })
    }

    fn mend_href(&self, _: &Approval) -> Option<String> {
        Some("/mend".into())
    }
}

pub(crate) fn on(db: Db, env: &Env, house: &House) -> Approvals {
    let packs = Packs::load(vec![("t.toml".into(), ROUTES.into())]).expect("a pack");
    let routes = Routes::read(&packs).expect("routes");
    let notices = Notices::new(db.clone(), env.clone(), Settings::default(), house.clone());
    let all = (db, env.clone(), notices);
    let h = house.clone();
    Approvals::new(
        all,
        (routes, Calendar::default()),
        h.clone(),
        h.clone(),
        h.clone(),
    )
    .with_deputies(h)
    .with_kind(Words("word"))
    .with_kind(Words("signed"))
    .with_kind(Words("nobody"))
}

/// 1 asks; 2 and 3 lead the office, 4 the whole; 5 and 6 countersign.
pub(crate) fn house(t: &TestDb) -> (Approvals, House) {
    let house = House::default();
    let mut roles = house.roles.lock().unwrap();
    roles.insert((OFFICE, "leader"), vec![1, 2, 3]);
    roles.insert((TOP, "leader"), vec![4]);
    roles.insert((TOP, "both"), vec![2, 5, 6]);
    drop(roles);
    (on(t.db.clone(), &t.env, &house), house)
}

pub(crate) fn new(t: &TestDb, kind: &'static str, word: &str) -> New {
    New {
        id: t.env.new_id(),
        kind,
        unit: OFFICE,
        subject: Some(p(9)),
        payload: json!({ "word": word }),
    }
}

pub(crate) fn asked(act: &str, round: i64, step: i64) -> Asked {
    Asked {
        act: act.into(),
        seen: (round, step),
        reason: "理由".into(),
        ..Asked::default()
    }
}

/// What was applied.
pub(crate) async fn done(db: &Db) -> Vec<String> {
    let mut tx = db.read().await.unwrap();
    let rows = tx
        .query("SELECT word FROM done ORDER BY word", args![])
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

/// Key of the message of an error.
pub(crate) fn key<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result.unwrap_err() {
        Error::Invalid(errors) => errors[0].message.key,
        Error::Conflict(message) => message.key,
        Error::NotFound => "not-found",
        other => panic!("{other}"),
    }
}
