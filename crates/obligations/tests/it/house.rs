//! Units of a bureau, the rule of the pack of weekly study, and sessions written as facts.

use commons::packs::Packs;
use db::Migration;
use kernel::{Calendar, Date, FactId, Id, Period, PeriodKind, Scope, UnitId};
use ledger::{Fact, Ledger};
use obligations::{Line, Obligations, Rule, Rules, State};
use organization::{NewUnit, Organization};
use testkit::TestDb;

pub const RULE: &str = "weekly-friday-study";

pub fn migrations() -> Vec<Migration> {
    [
        db::jobs::MIGRATIONS,
        organization::MIGRATIONS,
        identity::MIGRATIONS,
        ledger::MIGRATIONS,
        notices::MIGRATIONS,
        obligations::MIGRATIONS,
    ]
    .concat()
}

pub fn rules() -> Rules {
    let text = include_str!("../../../../packs/weekly-study.toml");
    let packs = Packs::load(vec![("weekly-study.toml".into(), text.into())]).unwrap();
    Rules::read(&packs).unwrap()
}

pub fn day(month: i8, day: i8) -> Date {
    Date::constant(2026, month, day)
}

pub struct House {
    pub ledger: Ledger,
    pub org: Organization,
    pub obligations: Obligations,
    pub env: kernel::Env,
    pub top: UnitId,
    pub a: UnitId,
    pub b: UnitId,
}

impl House {
    /// A top unit that no rule binds, with two bound ones below it since 2024.
    pub async fn new(t: &TestDb) -> Self {
        let org = Organization::new(t.db.clone(), t.env.clone());
        let ledger = Ledger::open(t.db.clone(), t.env.clone()).await.unwrap();
        ledger.define(&rules().definitions()).await.unwrap();
        let start = Date::constant(2024, 1, 1);
        let top = add(&org, None, "T", "", start).await;
        let a = add(&org, Some(top), "A", "处室", start).await;
        let b = add(&org, Some(top), "B", "处室", start).await;
        let obligations = Obligations::new(
            (t.db.clone(), t.env.clone()),
            ledger.clone(),
            org.clone(),
            rules(),
            Calendar::default(),
        );
        Self {
            ledger,
            org,
            obligations,
            env: t.env.clone(),
            top,
            a,
            b,
        }
    }

    /// The same house, as another node of the program sees it.
    pub async fn on_another(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let org = Organization::new(db.clone(), t.env.clone());
        let ledger = Ledger::open(db.clone(), t.env.clone()).await.unwrap();
        let obligations = Obligations::new(
            (db, t.env.clone()),
            ledger.clone(),
            org.clone(),
            rules(),
            Calendar::default(),
        );
        Self {
            ledger,
            org,
            obligations,
            env: t.env.clone(),
            ..*self
        }
    }

    pub fn rule(&self) -> Rule {
        rules().get(RULE).unwrap().clone()
    }

    /// A session as a feature writes it.
    pub async fn held(&self, t: &TestDb, unit: UnitId, date: Date) -> FactId {
        let path = self.org.ancestors(unit).await.unwrap();
        let subject: Id = t.env.new_id();
        let id: FactId = t.env.new_id();
        db::transaction!(t.db, |tx| {
            let place = self.ledger.place(tx, &path).await?;
            let mut fact = Fact::new(id, "held", place, date, subject, "roster", t.env.now());
            fact.category = Some("friday-study".into());
            self.ledger.append(tx, &[fact]).await
        })
        .unwrap();
        id
    }

    pub async fn lines(&self, period: Period) -> Vec<Line> {
        let units = self
            .obligations
            .bound(&self.rule(), &Scope::All, None)
            .await
            .unwrap();
        let rule = self.rule();
        let subjects = self.obligations.subjects(&rule, &units, period).await;
        let lines = self.obligations.lines(&rule, subjects.unwrap(), period);
        let lines = lines.await;
        lines.unwrap().expect("counted")
    }

    /// Due day and state of each week of a unit in 2026.
    pub async fn year(&self, unit: UnitId) -> Vec<(Date, State)> {
        let lines = self
            .lines(Period::containing(PeriodKind::Year, day(1, 1)))
            .await;
        let line = lines.into_iter().find(|l| l.subject.unit == unit).unwrap();
        line.occurrences
            .iter()
            .map(|s| (s.occurrence.due.unwrap_or(s.occurrence.window.to), s.state))
            .collect()
    }

    /// The state of the week that falls due on this day.
    pub async fn state(&self, unit: UnitId, due: Date) -> State {
        let year = self.year(unit).await;
        year.into_iter().find(|(d, _)| *d == due).unwrap().1
    }
}

pub async fn add(
    org: &Organization,
    parent: Option<UnitId>,
    code: &str,
    category: &str,
    from: Date,
) -> UnitId {
    let new = NewUnit {
        parent,
        code: code.into(),
        name: format!("单位{code}"),
        category: category.into(),
        from,
    };
    org.add_unit(new, "", None, &Scope::All).await.unwrap()
}
