//! A small world of units and persons for the tests.

use std::collections::BTreeMap;

use kernel::{Date, Env, FactId, Id, PersonId, UnitId};
use ledger::{Axis, Column, Definition, Distinct, Fact, Ledger, Predicate, Scalar, Test, Value};
use testkit::TestDb;

pub fn is(column: Column, text: &str) -> (Column, Test) {
    (column, Test::Is(Scalar::Text(text.into())))
}

pub fn sessions() -> Definition {
    Definition {
        predicate: Predicate(BTreeMap::from([is(Column::Kind, "held")])),
        axis: Axis::Host,
        progress: true,
        ..Definition::default()
    }
}

pub fn attendance() -> Definition {
    Definition {
        predicate: Predicate(BTreeMap::from([
            is(Column::Kind, "attendance"),
            is(Column::Role, "present"),
        ])),
        value: Value::Minutes,
        axis: Axis::Unit,
        distinct: Some(Distinct::Year),
        progress: false,
    }
}

pub struct World {
    pub ledger: Ledger,
    pub env: Env,
    pub city: UnitId,
    pub counties: Vec<UnitId>,
    /// Each county's offices.
    pub offices: Vec<Vec<UnitId>>,
    pub persons: Vec<PersonId>,
}

impl World {
    pub async fn new(t: &TestDb) -> Self {
        let ledger = Ledger::open(t.db.clone(), t.env.clone()).await.unwrap();
        ledger.define(&[sessions(), attendance()]).await.unwrap();
        let ids = |n: usize| (0..n).map(|_| t.env.new_id()).collect::<Vec<UnitId>>();
        let counties = ids(2);
        let offices = vec![ids(3), ids(3)];
        let persons = (0..12).map(|_| t.env.new_id()).collect();
        Self {
            ledger,
            env: t.env.clone(),
            city: t.env.new_id(),
            counties,
            offices,
            persons,
        }
    }

    pub fn path(&self, county: usize, office: usize) -> [UnitId; 3] {
        [
            self.city,
            self.counties[county],
            self.offices[county][office],
        ]
    }

    /// One session of an office with some persons present.
    pub fn session(
        &self,
        county: usize,
        office: usize,
        date: Date,
        present: &[usize],
    ) -> Vec<Fact> {
        let place = ledger::PlaceId::of(&self.path(county, office));
        let subject: Id = self.env.new_id();
        let now = self.env.now();
        let mut facts = vec![Fact::new(
            self.env.new_id(),
            "held",
            place,
            date,
            subject,
            "roster",
            now,
        )];
        for p in present {
            let mut f = Fact::new(
                self.env.new_id(),
                "attendance",
                place,
                date,
                subject,
                "roster",
                now,
            );
            f.person = Some(self.persons[*p]);
            f.role = Some("present".into());
            f.category = Some("friday-study".into());
            f.minutes = Some(90);
            facts.push(f);
        }
        facts
    }

    /// Writes it as a feature would.
    pub async fn record(
        &self,
        db: &db::Db,
        county: usize,
        office: usize,
        date: Date,
        present: &[usize],
    ) -> Vec<FactId> {
        let facts = self.session(county, office, date, present);
        db::transaction!(db, |tx| {
            self.ledger.place(tx, &self.path(county, office)).await?;
            self.ledger.append(tx, &facts).await
        })
        .unwrap();
        facts.iter().map(|f| f.id).collect()
    }

    pub fn year(&self) -> kernel::Period {
        kernel::Period::containing(kernel::PeriodKind::Year, self.env.today())
    }
}

pub fn day(month: i8, day: i8) -> Date {
    Date::constant(2026, month, day)
}
