//! The world that is measured: 500 units on four levels, 10,000 people, 20 components of which three keep
//! distinct persons, five years.

use std::collections::BTreeMap;

use jiff::ToSpan;
use kernel::{Date, Env, FactId, Id, PersonId, Result, UnitId};
use ledger::{
    Axis, Column, Definition, Distinct, Fact, Ledger, PlaceId, Predicate, Scalar, Test, Value,
};

pub const CATEGORIES: [&str; 5] = ["friday-study", "lecture", "party-day", "drill", "training"];
const UNITS: usize = 500;
pub const PERSONS: usize = 10_000;
const YEARS: i64 = 5;
/// Weeks after which an office of 22 people has more than fifty attendances.
const FULL_PAGE_WEEKS: i64 = 4;

fn predicate(tests: &[(Column, Scalar)]) -> Predicate {
    Predicate(
        tests
            .iter()
            .map(|(c, s)| (*c, Test::Is(s.clone())))
            .collect::<BTreeMap<_, _>>(),
    )
}

fn text(t: &str) -> Scalar {
    Scalar::Text(t.into())
}

/// 20 components: per category sessions, attendances with minutes, leaves; and five over all categories.
pub fn definitions() -> Vec<Definition> {
    let mut all = Vec::new();
    for category in CATEGORIES {
        let of = |kind: &str, role: Option<&str>| {
            let mut tests = vec![
                (Column::Kind, text(kind)),
                (Column::Category, text(category)),
            ];
            tests.extend(role.map(|r| (Column::Role, text(r))));
            predicate(&tests)
        };
        all.push(Definition {
            predicate: of("held", None),
            axis: Axis::Host,
            progress: true,
            ..Definition::default()
        });
        all.push(Definition {
            predicate: of("attendance", Some("present")),
            value: Value::Minutes,
            distinct: (category == CATEGORIES[0]).then_some(Distinct::Month),
            ..Definition::default()
        });
        all.push(Definition {
            predicate: of("attendance", Some("leave")),
            ..Definition::default()
        });
    }
    let attendance = |extra: &[(Column, Scalar)]| {
        let mut tests = vec![(Column::Kind, text("attendance"))];
        tests.extend(extra.iter().cloned());
        predicate(&tests)
    };
    all.push(present());
    all.push(Definition {
        predicate: attendance(&[(Column::Role, text("present"))]),
        axis: Axis::Host,
        distinct: Some(Distinct::Year),
        ..Definition::default()
    });
    all.push(Definition {
        predicate: attendance(&[]),
        ..Definition::default()
    });
    all.push(Definition {
        predicate: attendance(&[(Column::Late, Scalar::Int(1))]),
        ..Definition::default()
    });
    all.push(Definition {
        predicate: attendance(&[(Column::Role, text("absent"))]),
        ..Definition::default()
    });
    all
}

/// The component that the reading opens: attendances of all kinds, minutes, persons of the year.
pub fn present() -> Definition {
    Definition {
        predicate: predicate(&[
            (Column::Kind, text("attendance")),
            (Column::Role, text("present")),
        ]),
        value: Value::Minutes,
        distinct: Some(Distinct::Year),
        ..Definition::default()
    }
}

/// Units and people, without rows in the tables of the organisation: the ledger alone is measured.
pub struct Population {
    pub city: UnitId,
    pub districts: Vec<UnitId>,
    pub bureaus: Vec<UnitId>,
    /// Chains of the offices, root first, each with its people.
    pub offices: Vec<([UnitId; 4], Vec<PersonId>)>,
}

impl Population {
    pub fn new(env: &Env) -> Self {
        let ids = |n: usize| (0..n).map(|_| env.new_id()).collect::<Vec<UnitId>>();
        let city = env.new_id();
        let (districts, bureaus) = (ids(5), ids(50));
        let n = UNITS - 1 - districts.len() - bureaus.len();
        let offices: Vec<_> = ids(n)
            .into_iter()
            .enumerate()
            .map(|(i, office)| {
                let bureau = i % bureaus.len();
                let people = PERSONS / n + usize::from(i < PERSONS % n);
                let path = [
                    city,
                    districts[bureau % districts.len()],
                    bureaus[bureau],
                    office,
                ];
                (path, (0..people).map(|_| env.new_id()).collect())
            })
            .collect();
        Self {
            city,
            districts,
            bureaus,
            offices,
        }
    }

    /// Writes the chains, so that facts can name them.
    pub async fn places(&self, db: &db::Db, ledger: &Ledger) -> Result<()> {
        db::transaction!(db, |tx| {
            for (path, _) in &self.offices {
                ledger.place(tx, path).await?;
            }
            Ok(())
        })
    }

    /// The sessions of one office, week after week over five years, as a unit's history is imported.
    pub fn history(&self, env: &Env, office: usize, until: Date, weeks: i64) -> Vec<Fact> {
        let (path, people) = &self.offices[office];
        let place = PlaceId::of(path);
        let mut facts = Vec::new();
        for week in 0..weeks {
            let date = until.saturating_sub((weeks - week).weeks());
            let category = CATEGORIES[(week as usize + office) % CATEGORIES.len()];
            let subject: Id = env.new_id();
            let fact = |id: FactId, kind: &str| {
                let mut f = Fact::new(id, kind, place, date, subject, "import", env.now());
                f.category = Some(category.to_owned());
                f.minutes = Some(90);
                f
            };
            facts.push(fact(env.new_id(), "held"));
            for (p, person) in people.iter().enumerate() {
                let mut f = fact(env.new_id(), "attendance");
                f.person = Some(*person);
                f.role = Some(
                    if (p + week as usize).is_multiple_of(17) {
                        "leave"
                    } else {
                        "present"
                    }
                    .to_owned(),
                );
                facts.push(f);
            }
        }
        facts
    }

    /// Weeks of history that make about so many facts over all offices, at most five years.
    pub fn weeks_for(&self, facts: usize) -> i64 {
        let per_week = PERSONS + self.offices.len();
        ((facts.div_ceil(per_week)) as i64).clamp(1, 52 * YEARS)
    }

    /// How many offices write how many weeks for about so many facts, so that each has more rows than
    /// one page shows: a small ledger is compared with a large one at full pages.
    pub fn spread_for(&self, facts: usize) -> (usize, i64) {
        let weeks = self.weeks_for(facts).max(FULL_PAGE_WEEKS);
        let per_office = (PERSONS / self.offices.len() + 1) * weeks as usize;
        (
            facts.div_ceil(per_office).clamp(1, self.offices.len()),
            weeks,
        )
    }
}
