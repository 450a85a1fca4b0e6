//! What a campaign shows of other rooms: facts of the ledger that it claims by kind, category, unit and day.

use std::collections::{HashMap, HashSet};

use commons::findings::{Finder, Finding};
use identity::Actor;
use kernel::{Date, Error, FactId, Id, Msg, Period, Result, Scope, UnitId};
use ledger::{Axis, Column, Definition, Fact, Page, Predicate, Reading, Scalar, Test, Total};
use organization::finding;

use crate::kind::{CampaignKind, Claim, Count};
use crate::model::{Campaign, Eyes, State, TITLE, Taken, href, tidy};
use crate::service::Campaigns;
use crate::store::{self, parts};

/// Problems that are looked at, at most.
const PROBLEMS: usize = 20_000;
const PIECE: usize = 1_000;

/// A number that was claimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    /// The number, as its claim counts it.
    pub n: i64,
    /// How many facts stand behind it.
    pub rows: i64,
}

/// A claim with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place among the claims.
    pub no: usize,
    /// The claim.
    pub taken: Taken,
    /// The number.
    pub cell: Cell,
}

/// A problem that was found (查摆问题).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) fact: Fact,
    pub(crate) unit: Option<UnitId>,
    pub(crate) solved: Option<Date>,
    /// Whether it was raised from the campaign itself.
    pub(crate) own: bool,
}

/// Problems that were found, and how many of them are solved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    pub(crate) list: Vec<Problem>,
    /// How many there are.
    pub found: i64,
    /// How many were accepted by somebody else than who mended them.
    pub solved: i64,
    /// There are more than are looked at.
    pub more: bool,
}

impl Problems {
    /// The solved part in per mille; none while there is no problem.
    pub fn rate(&self) -> Option<i64> {
        (self.found > 0).then(|| self.solved * 1_000 / self.found)
    }
}

impl Claim {
    fn cell(&self, total: Total) -> Cell {
        let n = match self.count {
            Count::Facts => total.n,
            Count::Persons => total.persons.unwrap_or(0),
            Count::Minutes => total.sum,
        };
        Cell { n, rows: total.n }
    }
}

impl Cell {
    /// As it is shown: minutes as hours with one decimal.
    pub fn text(self, claim: &Claim) -> String {
        match claim.count {
            Count::Minutes if self.n % 60 != 0 => {
                format!("{}.{}", self.n / 60, self.n % 60 * 10 / 60)
            }
            Count::Minutes => (self.n / 60).to_string(),
            _ => self.n.to_string(),
        }
    }
}

/// The units of a campaign, as the ledger is asked for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ground {
    /// Those that take part.
    pub(crate) joined: Vec<UnitId>,
    /// Those of them with none of them above.
    pub(crate) tops: Vec<UnitId>,
    /// What reaches all of them: the unit of the campaign, and those outside it.
    wide: Vec<UnitId>,
}

fn within(days: Period, today: Date) -> Option<Period> {
    let to = days.to.min(today);
    (days.from <= to).then_some(Period {
        from: days.from,
        to,
    })
}

/// The days of a campaign so far; none before its first.
pub(crate) fn days_of(c: &Campaign, today: Date) -> Option<Period> {
    let all = Period {
        from: c.content.from,
        to: c.content.to,
    };
    within(all, today)
}

async fn sum_of(
    reading: &mut Reading,
    taken: &Taken,
    units: &[UnitId],
    days: Period,
) -> Result<HashMap<UnitId, Cell>> {
    let definition = taken.claim.definition(&taken.categories);
    let persons = taken.claim.count == Count::Persons;
    let found = reading.tally(&definition, units, days, persons).await?;
    let cells = found.into_iter();
    Ok(cells
        .map(|(u, total)| (u, taken.claim.cell(total)))
        .collect())
}

fn added(cells: impl IntoIterator<Item = Cell>) -> Cell {
    let mut sum = Cell::default();
    for cell in cells {
        sum.n += cell.n;
        sum.rows += cell.rows;
    }
    sum
}

impl Campaigns {
    /// The units of a campaign that a scope reaches; all of them for who looks after it.
    pub(crate) async fn ground(
        &self,
        reading: &mut Reading,
        c: &Campaign,
        scope: &Scope,
    ) -> Result<Ground> {
        let units = parts::units(reading.tx(), c.id).await?;
        let mut joined: Vec<UnitId> = units.iter().filter(|t| t.joined).map(|t| t.unit).collect();
        let asked: Vec<UnitId> = joined.iter().copied().chain([c.unit]).collect();
        let paths = finding::paths(reading.tx(), &asked).await?;
        let reached = |u: &UnitId| paths.get(u).is_some_and(|p| scope.reaches(p));
        let whole = reached(&c.unit);
        joined.retain(|u| whole || reached(u));
        let all: HashSet<UnitId> = joined.iter().copied().collect();
        let above = |unit: &UnitId| {
            let path = paths.get(unit).map_or(&[][..], Vec::as_slice);
            path.iter().any(|u| u != unit && all.contains(u))
        };
        let tops: Vec<UnitId> = joined.iter().copied().filter(|u| !above(u)).collect();
        let mut wide: Vec<UnitId> = whole.then_some(c.unit).into_iter().collect();
        let outside = |u: &UnitId| !whole || paths.get(u).is_none_or(|p| !p.contains(&c.unit));
        wide.extend(tops.iter().copied().filter(outside));
        Ok(Ground { joined, tops, wide })
    }

    /// What a campaign claims, with its numbers so far, of the units that a scope reaches.
    pub async fn lines(&self, c: &Campaign, scope: &Scope) -> Result<Vec<Line>> {
        let mut reading = self.ledger.reading().await?;
        let ground = self.ground(&mut reading, c, scope).await?;
        self.lines_of(&mut reading, c, &ground).await
    }

    pub(crate) async fn lines_of(
        &self,
        reading: &mut Reading,
        c: &Campaign,
        ground: &Ground,
    ) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        for (no, taken) in c.content.claims.iter().enumerate() {
            let cell = match days_of(c, self.env.today()) {
                Some(days) => added(
                    sum_of(reading, taken, &ground.tops, days)
                        .await?
                        .into_values(),
                ),
                None => Cell::default(),
            };
            lines.push(Line {
                no,
                taken: taken.clone(),
                cell,
            });
        }
        Ok(lines)
    }

    /// One claim by unit and stretch of days.
    pub(crate) async fn spread(
        &self,
        reading: &mut Reading,
        taken: &Taken,
        units: &[UnitId],
        stretches: &[Period],
    ) -> Result<Vec<HashMap<UnitId, Cell>>> {
        let mut found = Vec::new();
        for days in stretches {
            found.push(match within(*days, self.env.today()) {
                Some(days) => sum_of(reading, taken, units, days).await?,
                None => HashMap::new(),
            });
        }
        Ok(found)
    }

    /// A page of the facts behind a claimed number: of one unit that takes part, or of all of them.
    pub(crate) async fn rows(
        &self,
        reading: &mut Reading,
        (ground, taken): (&Ground, &Taken),
        unit: Option<UnitId>,
        days: Period,
        after: Option<(Date, FactId)>,
        most: usize,
    ) -> Result<Page> {
        let Some(days) = within(days, self.env.today()) else {
            return Ok(Page::default());
        };
        let definition = taken.claim.definition(&taken.categories);
        match unit {
            Some(unit) => {
                reading
                    .rows(&definition, unit, days, None, after, most)
                    .await
            }
            None => {
                self.gather(reading, ground, &definition, days, after, most)
                    .await
            }
        }
    }

    /// Facts of any unit that takes part, the newest first.
    async fn gather(
        &self,
        reading: &mut Reading,
        ground: &Ground,
        definition: &Definition,
        days: Period,
        after: Option<(Date, FactId)>,
        most: usize,
    ) -> Result<Page> {
        let tops: HashSet<UnitId> = ground.tops.iter().copied().collect();
        let (mut facts, mut more) = (Vec::new(), false);
        for node in &ground.wide {
            let (mut at, mut got) = (after, 0);
            loop {
                let page = reading
                    .rows(definition, *node, days, None, at, PIECE)
                    .await?;
                let paths = reading.paths(&page.facts).await?;
                for fact in page.facts {
                    let place = match definition.axis {
                        Axis::Host => Some(fact.host),
                        _ => fact.unit,
                    };
                    let path = place.and_then(|p| paths.get(&p));
                    if path.is_some_and(|p| p.iter().any(|u| tops.contains(u))) {
                        facts.push(fact);
                        got += 1;
                    }
                }
                at = page.next;
                if at.is_none() || got > most {
                    break;
                }
            }
            more |= at.is_some();
        }
        facts.sort_by_key(|f| std::cmp::Reverse((f.date, f.id)));
        facts.dedup_by_key(|f| f.id);
        more |= facts.len() > most;
        facts.truncate(most);
        let next = facts.last().filter(|_| more).map(|f| (f.date, f.id));
        Ok(Page { facts, next })
    }

    /// The problems of a campaign: cases of its kinds that were taken on in its days by units that take part.
    pub(crate) async fn problems_of(
        &self,
        reading: &mut Reading,
        (c, kind): (&Campaign, &CampaignKind),
        ground: &Ground,
    ) -> Result<Problems> {
        let Some(days) = days_of(c, self.env.today()) else {
            return Ok(Problems::default());
        };
        if kind.problems.is_empty() {
            return Ok(Problems::default());
        }
        let definition = |what: &str| {
            let categories = kind.problems.iter().cloned().map(Scalar::Text);
            let is = Test::Is(Scalar::Text(what.to_owned()));
            let among = Test::In(categories.collect());
            Definition {
                predicate: Predicate([(Column::Kind, is), (Column::Category, among)].into()),
                axis: Axis::Host,
                ..Definition::default()
            }
        };
        let raised = self
            .gather(reading, ground, &definition("case"), days, None, PROBLEMS)
            .await?;
        // What is solved after the last day of the campaign is solved all the same.
        let since = Period {
            from: days.from,
            to: self.env.today(),
        };
        let accepted = definition("case-accepted");
        let accepted = self
            .gather(reading, ground, &accepted, since, None, PROBLEMS)
            .await?;
        let solved: HashMap<Id, Date> =
            accepted.facts.iter().map(|f| (f.subject, f.date)).collect();
        let own: HashSet<Id> = match &self.intake {
            Some(intake) => {
                let found = intake.of_source(reading.tx(), "campaign", c.id).await?;
                found.into_iter().map(|f| f.id).collect()
            }
            None => HashSet::new(),
        };
        let paths = reading.paths(&raised.facts).await?;
        let problem = |fact: Fact| Problem {
            unit: paths.get(&fact.host).and_then(|p| p.last().copied()),
            solved: solved.get(&fact.subject).copied(),
            own: own.contains(&fact.subject),
            fact,
        };
        let list: Vec<Problem> = raised.facts.iter().cloned().map(problem).collect();
        Ok(Problems {
            found: list.len() as i64,
            solved: list.iter().filter(|p| p.solved.is_some()).count() as i64,
            more: raised.next.is_some() || accepted.next.is_some(),
            list,
        })
    }

    /// The problems of a campaign, of the units that a scope reaches.
    pub async fn problems(
        &self,
        c: &Campaign,
        kind: &CampaignKind,
        scope: &Scope,
    ) -> Result<Problems> {
        let mut reading = self.ledger.reading().await?;
        let ground = self.ground(&mut reading, c, scope).await?;
        self.problems_of(&mut reading, (c, kind), &ground).await
    }

    /// Raises a problem of a unit that takes part; it is mended and accepted as any other.
    ///
    /// # Errors
    /// `Invalid` for `title`; `NotFound` when the unit takes no part or is out of scope; `Conflict` when the campaign is
    /// not running or raises no problems.
    pub async fn raise(
        &self,
        (id, unit): (Id, UnitId),
        (key, title, detail): (Id, &str, &str),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        let title = tidy(title);
        if title.chars().count() < 2 || crate::model::unfit(&title, TITLE) {
            let message = Msg::new("campaigns-title-wrong").with("most", TITLE);
            return Err(Error::field("problem", message));
        }
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?;
            let mut c = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
            let kind = self.rule(tx, &c.rule).await?;
            let units = parts::units(tx, id).await?;
            let takes = units.iter().any(|t| t.unit == unit && t.joined);
            let may = Self::within(tx, &eyes.scores, unit).await?
                || Self::within(tx, &eyes.plans, c.unit).await?;
            if !takes || !may {
                return Err(Error::NotFound);
            }
            let intake = self.intake.as_ref().zip(kind.problems.first());
            let running = matches!(c.state, State::Running | State::Closing);
            let (intake, case) = intake
                .filter(|_| running)
                .ok_or_else(|| Error::Conflict(Msg::new("campaigns-not-running")))?;
            let finding = Finding {
                key: key.to_string(),
                source_kind: "campaign",
                source_id: id,
                source_title: c.content.title.clone(),
                source_href: href(id),
                origin: "campaign".to_owned(),
                kind: case.clone(),
                title: title.clone(),
                detail: tidy(detail),
                severity: String::new(),
                area: String::new(),
                clause: String::new(),
                unit,
                owner: None,
                from: c.unit,
            };
            let by = Finder {
                account: actor.account,
                on_behalf: actor.on_behalf,
                address: actor.address.clone(),
            };
            let raised = intake.raise(tx, &finding, &by).await?;
            let body = serde_json::json!({ "unit": unit });
            self.happened(tx, &mut c, "problem", body, "", actor)
                .await?;
            Ok(raised)
        })
    }
}
