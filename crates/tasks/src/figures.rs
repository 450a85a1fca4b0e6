//! What entries count of the ledger: so far, and in a month; the rows behind it.

use std::collections::{BTreeMap, HashMap};

use kernel::{Date, FactId, Id, Period, Result, UnitId};
use ledger::{Fact, Label, Page, Reading};
use serde_json::{Value, json};
use web::Shell;

use crate::kind::{Claim, Count};
use crate::model::Entry;
use crate::service::Tasks;

/// The days of an entry up to a day; none before its first.
fn days_of(e: &Entry, to: Date) -> Option<Period> {
    let all = Period {
        from: e.content.from,
        to: e.content.to.max(to),
    };
    all.up_to(to)
}

impl Tasks {
    /// What entries count from their first day to a day: alike ones are asked for together.
    pub(crate) async fn counted(
        &self,
        reading: &mut Reading,
        entries: &[Entry],
        to: Date,
    ) -> Result<HashMap<Id, i64>> {
        let to = to.min(self.env.today());
        let mut alike: BTreeMap<(String, Date), Vec<&Entry>> = BTreeMap::new();
        for e in entries {
            if let (Some(claim), Some(days)) = (&e.content.claim, days_of(e, to)) {
                let key = serde_json::to_string(claim).map_err(kernel::Error::internal)?;
                alike.entry((key, days.from)).or_default().push(e);
            }
        }
        let mut found = HashMap::new();
        for ((_, from), list) in alike {
            let Some(claim) = &list[0].content.claim else {
                continue;
            };
            let mut units: Vec<UnitId> = list.iter().map(|e| e.content.unit).collect();
            units.sort_unstable();
            units.dedup();
            let period = Period { from, to };
            let persons = claim.count == Count::Persons;
            let totals = reading
                .tally(&claim.definition(), &units, period, persons)
                .await?;
            for e in list {
                let total = totals.get(&e.content.unit);
                let n = total.map_or(0, |t| match claim.count {
                    Count::Facts => t.n,
                    Count::Persons => t.persons.unwrap_or(0),
                    Count::Minutes => t.sum,
                });
                found.insert(e.id, n);
            }
        }
        Ok(found)
    }

    /// A page of the rows behind what a claim counts for a unit.
    pub(crate) async fn rows(
        &self,
        reading: &mut Reading,
        (claim, unit): (&Claim, UnitId),
        days: Period,
        after: Option<(Date, FactId)>,
        most: usize,
    ) -> Result<Page> {
        match days.up_to(self.env.today()) {
            Some(days) => {
                let definition = claim.definition();
                reading
                    .rows(&definition, unit, days, None, after, most)
                    .await
            }
            None => Ok(Page::default()),
        }
    }

    /// What facts are called, and where they are shown.
    pub(crate) async fn told_of(&self, shell: &Shell, facts: &[Fact]) -> Result<Vec<Value>> {
        let mut reading = self.ledger.reading().await?;
        let titles = self.sources.titles(reading.tx(), facts).await?;
        let paths = reading.paths(facts).await?;
        drop(reading);
        let last = |p: &ledger::PlaceId| paths.get(p).and_then(|path| path.last().copied());
        let units: Vec<UnitId> = facts
            .iter()
            .filter_map(|f| last(&f.unit.unwrap_or(f.host)))
            .collect();
        let people: Vec<_> = facts.iter().filter_map(|f| f.person).collect();
        let units = self.organization.names(&units).await?;
        let people = self.organization.person_names(&people).await?;
        let lang = shell.lang().code();
        let row = |f: &Fact| {
            let source = self.sources.of(&f.kind);
            let part = source.and_then(|s| s.part(f, lang)).map(|l| match l {
                Label::Key(key) => shell.t(&key),
                Label::Text(text) => text,
            });
            let title = titles.get(&f.subject);
            let unit = last(&f.unit.unwrap_or(f.host));
            json!({ "date": kernel::format_date(f.date), "unit": unit.and_then(|u| units.get(&u)), "part": part, "title": title,
                "href": source.filter(|_| title.is_some()).map(|s| s.href(f)), "person": f.person.and_then(|p| people.get(&p)) })
        };
        Ok(facts.iter().map(row).collect())
    }
}
