//! Reading: exact at every moment. Sealed rollup plus unsealed tail, in one snapshot.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use db::Tx;
use futures::future::try_join;
use jiff::ToSpan;
use kernel::{Date, FactId, Id, Period, PersonId, Result, UnitId};

use crate::fold::{Places, complete_places, distinct_period, person_changes};
use crate::memo::Counted;
use crate::store::{self, Where};
use crate::{Component, Definition, Distinct, Done, Fact, Ledger, Progress};

/// Typed-in facts that are looked at: more of them say no more than that there are many.
const DECLARED: i64 = 20_000;

/// From so many subjects on they are looked up by two readers.
const MANY_SUBJECTS: usize = 10_000;
/// How long a second connection is waited for.
const A_MOMENT: Duration = Duration::from_millis(5);

/// A number with what belongs to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Net number of facts.
    pub n: i64,
    /// Net sum of the component's value.
    pub sum: i64,
    /// Distinct persons; only where they were asked for.
    pub persons: Option<i64>,
    /// Old facts are still being folded: the number is not known yet and must not be shown.
    pub computing: bool,
}

/// One page of the rows behind a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Facts that stand, newest first.
    pub facts: Vec<Fact>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<(Date, FactId)>,
}

/// A snapshot of the ledger.
pub struct Reading {
    tx: Tx,
    log: Id,
    size: i64,
    today: Date,
    components: Arc<Vec<Component>>,
    tail: Vec<Fact>,
    places: Places,
    ledger: Ledger,
}

impl Reading {
    pub(crate) async fn open(ledger: &Ledger) -> Result<Self> {
        let mut tx = ledger.0.db.read().await?;
        let head = store::head(&mut tx).await?;
        let components = ledger.components(&mut tx, &head).await?;
        let tail = store::tail(&mut tx, i64::MAX).await?;
        let places = ledger.places_of(&mut tx, &tail).await?;
        let memo = &ledger.0.memo;
        let upto = memo.upto();
        if upto < head.size {
            memo.learn(&store::days_after(&mut tx, upto).await?, head.size);
        }
        Ok(Self {
            tx,
            log: head.log,
            size: head.size,
            today: ledger.0.env.today(),
            components,
            tail,
            places,
            ledger: ledger.clone(),
        })
    }

    /// How many facts are sealed in this snapshot.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// How many wait to be sealed in this snapshot; they are counted all the same.
    pub fn tail_len(&self) -> usize {
        self.tail.len()
    }

    /// The transaction, for reading a feature's rows in the same snapshot.
    pub fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    fn component(&self, definition: &Definition) -> Option<Component> {
        self.components
            .iter()
            .find(|c| c.definition == *definition)
            .cloned()
    }

    /// No fact lies in the future, so a period that reaches today reaches to its end: whole months and
    /// years come from the rollups.
    pub fn widen(&self, period: Period) -> Period {
        if period.to < self.today {
            return period;
        }
        let year =
            period.from == period.from.first_of_year() && period.from.year() == self.today.year();
        let end = if year {
            self.today.last_of_year()
        } else {
            self.today.last_of_month()
        };
        Period {
            from: period.from,
            to: period.to.max(end),
        }
    }

    /// The totals of one component for many nodes over one period, in a handful of queries.
    pub async fn totals(
        &mut self,
        definition: &Definition,
        nodes: &[UnitId],
        period: Period,
        persons: bool,
    ) -> Result<HashMap<UnitId, Total>> {
        let period = self.widen(period);
        let Some(component) = self.component(definition) else {
            return Ok(nodes
                .iter()
                .map(|n| {
                    (
                        *n,
                        Total {
                            computing: true,
                            ..Total::default()
                        },
                    )
                })
                .collect());
        };
        let mut totals: HashMap<UnitId, Total> = nodes
            .iter()
            .map(|n| {
                (
                    *n,
                    Total {
                        computing: component.computing(),
                        ..Total::default()
                    },
                )
            })
            .collect();
        let (head, months, rest) = period.whole_months();
        if let (Some(first), Some(last)) = (months.first(), months.last()) {
            let cells = store::cells(&mut self.tx, &[component.id], nodes, *first, *last).await?;
            for ((_, node), d) in cells {
                add(&mut totals, node, d.n, d.sum);
            }
            let inside: HashSet<i64> = months.iter().copied().collect();
            for f in self.tail.iter().filter(|f| definition.predicate.matches(f)) {
                if inside.contains(&Period::month_code(f.date)) {
                    for node in self.path(definition, f) {
                        add(&mut totals, node, f.sign, definition.amount(f));
                    }
                }
            }
        }
        for piece in [head, rest].into_iter().flatten() {
            for (node, counted) in self.counted(&component, nodes, piece, false).await? {
                if let Counted::Sums { n, sum } = counted {
                    add(&mut totals, node, n, sum);
                }
            }
        }
        if persons {
            let found = self.persons(&component, nodes, period).await?;
            for (node, total) in &mut totals {
                total.persons = Some(found.get(node).copied().unwrap_or(0));
            }
        }
        Ok(totals)
    }

    /// The totals of a definition that no rollup keeps, counted from the facts themselves, sealed or not: for what is asked
    /// of a few units and days.
    pub async fn tally(
        &mut self,
        definition: &Definition,
        nodes: &[UnitId],
        period: Period,
        persons: bool,
    ) -> Result<HashMap<UnitId, Total>> {
        let w = Where {
            definition,
            period,
            as_of: None,
        };
        let counted = store::counts(&mut self.tx, &w, nodes).await?;
        let people = match persons {
            true => Some(store::count_persons(&mut self.tx, &w, nodes).await?),
            false => None,
        };
        let total = |node: &UnitId| {
            let (n, sum) = counted.get(node).copied().unwrap_or_default();
            let persons = people.as_ref().map(|p| p.get(node).copied().unwrap_or(0));
            let total = Total {
                n,
                sum,
                persons,
                computing: false,
            };
            (*node, total)
        };
        Ok(nodes.iter().map(total).collect())
    }

    /// Of the facts of a component that stand: how many distinct parts they have, and the greatest value.
    pub async fn spread(
        &mut self,
        definition: &Definition,
        nodes: &[UnitId],
        period: Period,
        as_of: Option<i64>,
    ) -> Result<HashMap<UnitId, (i64, Option<i64>)>> {
        let w = Where {
            definition,
            period,
            as_of,
        };
        store::spread(&mut self.tx, &w, nodes).await
    }

    /// The total of one component for one node.
    pub async fn total(
        &mut self,
        definition: &Definition,
        node: UnitId,
        period: Period,
        persons: bool,
    ) -> Result<Total> {
        Ok(self
            .totals(definition, &[node], period, persons)
            .await?
            .remove(&node)
            .unwrap_or_default())
    }

    fn path(&self, definition: &Definition, fact: &Fact) -> Vec<UnitId> {
        let path = definition.place(fact).and_then(|p| self.places.get(&p));
        path.map_or_else(Vec::new, |p| p.to_vec())
    }

    /// What is counted from the facts themselves, sealed or not; kept while its days get no new facts.
    async fn counted(
        &mut self,
        c: &Component,
        nodes: &[UnitId],
        period: Period,
        persons: bool,
    ) -> Result<HashMap<UnitId, Counted>> {
        let key = (c.id, persons, period);
        // What waits to be sealed counts here, and is not kept.
        let waits = |f: &Fact| period.contains(f.date) && c.definition.predicate.matches(f);
        let settled = !self.tail.iter().any(waits);
        let mut found = match settled {
            true => self.ledger.0.memo.of(key, nodes, self.size),
            false => HashMap::new(),
        };
        let missing: Vec<UnitId> = nodes
            .iter()
            .filter(|node| !found.contains_key(node))
            .copied()
            .collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let w = Where {
            definition: &c.definition,
            period,
            as_of: None,
        };
        let mut counted: HashMap<UnitId, Counted> = match persons {
            true => {
                let counted = store::count_persons(&mut self.tx, &w, &missing).await?;
                let persons = counted.into_iter();
                persons
                    .map(|(node, n)| (node, Counted::Persons(n)))
                    .collect()
            }
            false => {
                let counted = store::counts(&mut self.tx, &w, &missing).await?;
                let sums = counted.into_iter();
                sums.map(|(node, (n, sum))| (node, Counted::Sums { n, sum }))
                    .collect()
            }
        };
        let nothing = match persons {
            true => Counted::Persons(0),
            false => Counted::Sums { n: 0, sum: 0 },
        };
        for node in missing {
            counted.entry(node).or_insert(nothing);
        }
        if settled {
            let kept = counted.iter().map(|(node, number)| (*node, *number));
            self.ledger.0.memo.keep(key, kept, self.size);
        }
        found.extend(counted);
        Ok(found)
    }

    async fn persons(
        &mut self,
        c: &Component,
        nodes: &[UnitId],
        period: Period,
    ) -> Result<HashMap<UnitId, i64>> {
        let code = match c.definition.distinct {
            Some(Distinct::Year)
                if period.from == period.from.first_of_year()
                    && period.to == period.from.last_of_year() =>
            {
                i64::from(period.from.year())
            }
            Some(Distinct::Month)
                if period.from == period.from.first_of_month()
                    && period.to == period.from.last_of_month() =>
            {
                Period::month_code(period.from)
            }
            _ => {
                let found = self.counted(c, nodes, period, true).await?.into_iter();
                return Ok(found
                    .filter_map(|(node, counted)| match counted {
                        Counted::Persons(n) => Some((node, n)),
                        Counted::Sums { .. } => None,
                    })
                    .collect());
            }
        };
        let cells = store::cells(&mut self.tx, &[c.id], nodes, code, code).await?;
        let mut found: HashMap<UnitId, i64> = cells
            .into_iter()
            .map(|((_, node), d)| (node, d.persons))
            .collect();
        let mut changes: BTreeMap<PersonId, Vec<_>> = BTreeMap::new();
        for f in self
            .tail
            .iter()
            .filter(|f| c.definition.predicate.matches(f))
        {
            let Some(distinct) = c.definition.distinct else {
                continue;
            };
            if let (Some(person), Some(place)) = (f.person, c.definition.place(f))
                && distinct_period(distinct, f.date) == code
            {
                changes.entry(person).or_default().push((place, f.sign));
            }
        }
        let keys: Vec<_> = changes.keys().map(|p| (c.id, code, *p)).collect();
        let before = store::presence(&mut self.tx, &keys).await?;
        let mut places = self.places.clone();
        complete_places(
            &mut self.tx,
            &mut places,
            before.values().flatten().map(|(p, _)| *p),
        )
        .await?;
        for (person, rows) in &changes {
            let old = before
                .get(&(c.id, code, *person))
                .map_or(&[][..], Vec::as_slice);
            for (node, change) in person_changes(old, rows, &places) {
                *found.entry(node).or_default() += change;
            }
        }
        Ok(found)
    }

    /// The totals of one component and node for each month of a period that has any, by month code.
    pub async fn months(
        &mut self,
        definition: &Definition,
        node: UnitId,
        period: Period,
    ) -> Result<BTreeMap<i64, Total>> {
        let mut found = self.months_of(definition, &[node], period).await?;
        Ok(found.remove(&node).unwrap_or_default())
    }

    /// The same for many nodes at once; those without any are left out.
    pub async fn months_of(
        &mut self,
        definition: &Definition,
        nodes: &[UnitId],
        period: Period,
    ) -> Result<HashMap<UnitId, BTreeMap<i64, Total>>> {
        let mut found: HashMap<UnitId, BTreeMap<i64, Total>> = HashMap::new();
        let Some(component) = self.component(definition) else {
            return Ok(found);
        };
        let (from, to) = (
            Period::month_code(period.from),
            Period::month_code(period.to),
        );
        let mut add = |node: UnitId, code: i64, n: i64, sum: i64| {
            let total = found.entry(node).or_default().entry(code).or_default();
            total.n += n;
            total.sum += sum;
            total.computing = component.computing();
        };
        for (node, code, d) in store::months(&mut self.tx, component.id, nodes, from, to).await? {
            add(node, code, d.n, d.sum);
        }
        let wanted: HashSet<UnitId> = nodes.iter().copied().collect();
        for f in self.tail.iter().filter(|f| definition.predicate.matches(f)) {
            let code = Period::month_code(f.date);
            if (from..=to).contains(&code) {
                for node in self.path(definition, f) {
                    if wanted.contains(&node) {
                        add(node, code, f.sign, definition.amount(f));
                    }
                }
            }
        }
        Ok(found)
    }

    /// The rows behind a number: the facts that stand, newest first. With `as_of`, those that stood when
    /// the ledger had that size.
    pub async fn rows(
        &mut self,
        definition: &Definition,
        node: UnitId,
        period: Period,
        as_of: Option<i64>,
        after: Option<(Date, FactId)>,
        limit: usize,
    ) -> Result<Page> {
        let mut period = self.widen(period);
        if let Some((date, _)) = after {
            period.to = period.to.min(date);
        }
        // The months' numbers tell how far back this page reaches, and which index is the shorter way.
        let enough = 2 * limit as i64;
        let mut window = period;
        let mut days = None;
        let mut expected = 0;
        for (code, total) in self
            .months(definition, node, period)
            .await?
            .into_iter()
            .rev()
        {
            let first = Date::constant((code / 100) as i16, (code % 100) as i8, 1);
            if expected == 0 && total.n > enough {
                days = self.last_days(first, period, total.n, enough);
            }
            expected += total.n;
            if expected > enough {
                window.from = window.from.max(first);
                break;
            }
        }
        let (narrow, likely) = days.unwrap_or((window, expected));
        let mut facts = Vec::new();
        for (window, expected) in [(narrow, likely), (window, expected), (period, expected)] {
            let w = Where {
                definition,
                period: window,
                as_of,
            };
            let by_place = expected <= 1_000;
            facts = store::list(&mut self.tx, &w, node, by_place, after, limit as i64 + 1).await?;
            if facts.len() > limit || window == period {
                break;
            }
        }
        let more = facts.len() > limit;
        facts.truncate(limit);
        let next = if more {
            facts.last().map(|f| (f.date, f.id))
        } else {
            None
        };
        Ok(Page { facts, next })
    }

    /// The last days of a month with more facts than a page needs, and how many they likely hold. Never
    /// fewer than eight days, so that a weekly rhythm is met.
    fn last_days(&self, first: Date, period: Period, n: i64, enough: i64) -> Option<(Period, i64)> {
        let to = period.to.min(self.today).min(first.last_of_month());
        let passed = i64::from(to.since(first).ok()?.get_days()) + 1;
        let days = (passed * enough / n + 1).max(8).min(passed.max(1));
        let from = to.saturating_sub((days - 1).days()).max(period.from);
        let window = Period {
            from,
            to: period.to,
        };
        Some((window, n * days / passed.max(1)))
    }

    /// The number as it was when the ledger had a given size, counted by index.
    pub async fn total_as_of(
        &mut self,
        definition: &Definition,
        node: UnitId,
        period: Period,
        as_of: i64,
        persons: bool,
    ) -> Result<Total> {
        let w = Where {
            definition,
            period,
            as_of: Some(as_of),
        };
        let (n, sum) = store::counts(&mut self.tx, &w, &[node])
            .await?
            .remove(&node)
            .unwrap_or_default();
        let persons = if persons {
            let found = store::count_persons(&mut self.tx, &w, &[node]).await?;
            Some(found.get(&node).copied().unwrap_or(0))
        } else {
            None
        };
        Ok(Total {
            n,
            sum,
            persons,
            computing: false,
        })
    }

    /// What units did themselves, by unit and day (obligations look at it). `None` while computing.
    pub async fn progress(
        &mut self,
        definition: &Definition,
        units: &[UnitId],
        period: Period,
    ) -> Result<Option<BTreeMap<(UnitId, Date), i64>>> {
        let units: Vec<Id> = units.iter().map(|u| u.0).collect();
        let found = self.progress_of(definition, &units, period).await?;
        Ok(found.map(|found| {
            let by_unit = found.iter();
            by_unit
                .map(|((unit, date), done)| ((UnitId(*unit), *date), done.n))
                .collect()
        }))
    }

    /// What those did whom the axis of a definition names (units, people, bodies, pairs), by whom and day: sealed
    /// or not, in one indexed look-up for each 5,000 of them. `None` while computing.
    pub async fn progress_of(
        &mut self,
        definition: &Definition,
        subjects: &[Id],
        period: Period,
    ) -> Result<Option<Progress>> {
        let Some(component) = self.component(definition).filter(|c| !c.computing()) else {
            return Ok(None);
        };
        let (from, to) = (period.from, period.to);
        let mut found = store::progress(&mut self.tx, component.id, subjects, from, to).await?;
        let mut wanted: Option<HashSet<Id>> = None;
        for f in self.tail.iter().filter(|f| definition.predicate.matches(f)) {
            let wanted = wanted.get_or_insert_with(|| subjects.iter().copied().collect());
            let own = self.path(definition, f).last().copied();
            if let Some(subject) = definition.subject(f, own)
                && wanted.contains(&subject)
                && period.contains(f.date)
            {
                let (n, sum) = (f.sign, definition.amount(f));
                found.push(((subject, f.date), Done { n, sum }));
            }
        }
        Ok(Some(Progress::of(found)))
    }

    /// How many of each group did at least so much on the days of a period, sealed or not: subjects that the axis of a
    /// definition names, each with its group. Their days are added up where they are kept. `None` while computing.
    pub async fn reached(
        &mut self,
        definition: &Definition,
        subjects: &[(Id, i64)],
        period: Period,
        least: Done,
    ) -> Result<Option<HashMap<i64, i64>>> {
        let Some(component) = self.component(definition).filter(|c| !c.computing()) else {
            return Ok(None);
        };
        // A day on which nothing stands does not count, and the tail may change what stands: whom it names is
        // looked at day by day.
        let waiting = self.tail.iter();
        let waiting =
            waiting.filter(|f| period.contains(f.date) && definition.predicate.matches(f));
        let named: HashSet<Id> = waiting
            .filter_map(|f| definition.subject(f, self.path(definition, f).last().copied()))
            .collect();
        type Grouped = Vec<(Id, i64)>;
        let (changing, settled): (Grouped, Grouped) =
            subjects.iter().partition(|(id, _)| named.contains(id));
        let key = (component.id, period, least);
        let mut found = self.reached_settled(key, settled).await?;
        let ids: Vec<Id> = changing.iter().map(|(id, _)| *id).collect();
        if let Some(days) = self.progress_of(definition, &ids, period).await? {
            for (id, group) in changing {
                let mut sum = Done::default();
                let days = days.days(id, period);
                days.iter().for_each(|(_, done)| sum += *done);
                if !days.is_empty() && sum.n >= least.n && sum.sum >= least.sum {
                    *found.entry(group).or_default() += 1;
                }
            }
        }
        Ok(Some(found))
    }

    /// Many are looked up by halves side by side, where a second reader sees the same ledger.
    async fn reached_settled(
        &mut self,
        key: (i64, Period, Done),
        mut subjects: Vec<(Id, i64)>,
    ) -> Result<HashMap<i64, i64>> {
        // Neighbours in the index are looked up one after the other.
        subjects.sort_unstable();
        let second = match subjects.len() {
            0..MANY_SUBJECTS => None,
            _ => self.twin().await?,
        };
        let Some(mut second) = second else {
            return store::reached(&mut self.tx, key, &subjects).await;
        };
        let (below, above) = subjects.split_at(subjects.len() / 2);
        let (mut found, more) = try_join(
            store::reached(&mut self.tx, key, below),
            store::reached(&mut second, key, above),
        )
        .await?;
        for (group, n) in more {
            *found.entry(group).or_default() += n;
        }
        Ok(found)
    }

    /// A second reader of the ledger as it is in this snapshot, if one is free and nothing was sealed since: rollups
    /// change with the size alone.
    async fn twin(&self) -> Result<Option<Tx>> {
        // Whoever holds one connection must not wait for another.
        let free = tokio::time::timeout(A_MOMENT, self.ledger.0.db.read()).await;
        let Ok(second) = free else {
            return Ok(None);
        };
        let mut second = second?;
        let head = store::head(&mut second).await?;
        Ok((head.log == self.log && head.size == self.size).then_some(second))
    }

    /// Whoever may have done something on the days of a period, of those whom the axis of a definition names. All facts
    /// of the definition are looked at: for what is rare. `None` while computing.
    pub async fn busy(
        &mut self,
        definition: &Definition,
        period: Period,
    ) -> Result<Option<HashSet<Id>>> {
        let Some(component) = self.component(definition).filter(|c| !c.computing()) else {
            return Ok(None);
        };
        let mut found = store::busy(&mut self.tx, component.id, period).await?;
        let waiting = self.tail.iter();
        let waiting =
            waiting.filter(|f| period.contains(f.date) && definition.predicate.matches(f));
        found.extend(
            waiting.filter_map(|f| definition.subject(f, self.path(definition, f).last().copied())),
        );
        Ok(Some(found))
    }

    /// The facts about a subject that stand.
    pub async fn standing(&mut self, subject: kernel::Id) -> Result<Vec<Fact>> {
        store::standing(&mut self.tx, subject).await
    }

    /// The facts of some kinds about these people that stand, sealed or not, by person and day: in one indexed
    /// look-up for each 500 of them.
    pub async fn of_people(
        &mut self,
        kinds: &[String],
        people: &[PersonId],
        period: Period,
    ) -> Result<Vec<Fact>> {
        store::of_people(&mut self.tx, kinds, people, period).await
    }

    /// The facts of a period that somebody typed in (申报) instead of recording what they sum up.
    pub async fn declared(&mut self, period: Period) -> Result<Vec<Fact>> {
        store::declared(&mut self.tx, period, DECLARED).await
    }

    /// The chains of units of some facts, root first.
    pub async fn paths(&mut self, facts: &[Fact]) -> Result<HashMap<crate::PlaceId, Vec<UnitId>>> {
        let ids: HashSet<_> = facts
            .iter()
            .flat_map(|f| [Some(f.host), f.unit])
            .flatten()
            .collect();
        let ids: Vec<_> = ids.into_iter().collect();
        store::places(&mut self.tx, Some(&ids)).await
    }

    /// The day after which nothing can have happened yet.
    pub fn tomorrow(&self) -> Date {
        self.today.saturating_add(1.day())
    }
}

fn add(totals: &mut HashMap<UnitId, Total>, node: UnitId, n: i64, sum: i64) {
    if let Some(total) = totals.get_mut(&node) {
        total.n += n;
        total.sum += sum;
    }
}
