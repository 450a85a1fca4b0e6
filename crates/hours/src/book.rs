//! Reading the ledger of hours: who is bound on which days, what their facts bring, how they stand; for many people in
//! few queries.

use std::collections::{BTreeMap, HashMap};

use db::Tx;
use jiff::ToSpan;
use kernel::{Date, Period, PersonId, Result, Scope, UnitId};
use organization::finding;

use crate::credit::{Credit, credits};
use crate::rules::{Requirement, Window};
use crate::service::Hours;
use crate::standing::{Around, Span, Standing, spans, standing};
use kernel::Spans;

/// People read at once.
const CHUNK: usize = 500;

/// A year of somebody (个人台账).
#[derive(Debug, Clone)]
pub struct PersonYear {
    /// Whose.
    pub person: PersonId,
    /// The unit they were counted in last in that year.
    pub unit: Option<UnitId>,
    /// Their post there.
    pub post: String,
    /// What their facts bring, of all years that some requirement looks at, by day.
    pub credits: Vec<Credit>,
    /// How they stand, by place of the requirement; an event opens one each.
    pub standings: Vec<(usize, Standing)>,
}

impl PersonYear {
    /// The credits of one span of a requirement; `part` is one of its parts.
    pub fn rows<'c>(
        &'c self,
        hours: &'c Hours,
        requirement: &'c Requirement,
        span: Span,
        part: Option<&'c str>,
    ) -> impl Iterator<Item = &'c Credit> {
        let anchor = match requirement.window {
            Window::Years(_) => Date::constant(span.period.to.year(), 1, 1),
            Window::Within { .. } => span.period.from,
        };
        let version = requirement.version_on(anchor);
        let part = part.and_then(|code| version?.parts.iter().find(|p| p.code == code));
        let means = move |which, c: &Credit| hours.rules.means(which, &c.way, c.content.as_deref());
        self.credits.iter().filter(move |c| {
            (span.counts_from..=span.period.to).contains(&c.fact.date)
                && means(&requirement.which, c)
                && part.is_none_or(|p| means(&p.which, c))
        })
    }
}

fn ends(to: Option<Date>) -> Date {
    to.unwrap_or(Date::MAX)
}

/// The first day that a requirement may look at in a year.
fn reaches_back(requirement: &Requirement, asked: i16) -> Date {
    let first = Date::constant(asked, 1, 1);
    match requirement.window {
        Window::Years(years) => Date::constant(asked - (years - 1), 1, 1),
        Window::Within {
            months,
            before,
            short_of_years,
        } => {
            let back = before.max(short_of_years.unwrap_or(0) * 12);
            first
                .saturating_sub((months + back).months())
                .first_of_year()
        }
    }
}

impl Hours {
    /// The people who are counted under a unit of the scope (all of it: none) on some day of a year.
    pub async fn people_of(
        &self,
        scope: &Scope,
        under: Option<UnitId>,
        asked: i16,
    ) -> Result<Vec<PersonId>> {
        let below = match under {
            Some(unit) => Some(self.organization.units_under(unit).await?),
            None => None,
        };
        let units = self.organization.units(scope).await?;
        let units: Vec<UnitId> = units
            .iter()
            .map(|u| u.id)
            .filter(|u| below.as_ref().is_none_or(|b| b.contains(u)))
            .collect();
        let period = year(asked, self.env.today());
        let spells = self.organization.spells(&units, period).await?;
        let mut last: BTreeMap<PersonId, Date> = BTreeMap::new();
        for s in spells {
            let day = last.entry(s.person).or_insert(s.from);
            *day = (*day).max(s.from);
        }
        // Who went elsewhere is listed there.
        let people: Vec<PersonId> = last.keys().copied().collect();
        let all = finding::spells_of(&mut self.db.read().await?, &people, period).await?;
        for s in all {
            if last.get(&s.person).is_some_and(|day| s.from > *day) {
                last.remove(&s.person);
            }
        }
        Ok(last.into_keys().collect())
    }

    /// A year of these people, in their order.
    pub async fn years(&self, people: &[PersonId], asked: i16) -> Result<Vec<PersonYear>> {
        let mut found = Vec::with_capacity(people.len());
        for chunk in people.chunks(CHUNK) {
            found.extend(self.chunk(chunk, asked).await?);
        }
        Ok(found)
    }

    async fn chunk(&self, people: &[PersonId], asked: i16) -> Result<Vec<PersonYear>> {
        let today = self.env.today();
        let requirements: Vec<(usize, &Requirement)> = {
            let all = self.rules.requirements.iter().enumerate();
            all.filter(|(_, r)| !r.off).collect()
        };
        let starts = requirements.iter().map(|(_, r)| reaches_back(r, asked));
        let first = starts.min().unwrap_or(Date::constant(asked, 1, 1));
        let whole = Period {
            from: first,
            to: Date::constant(asked, 12, 31),
        };
        let mut reading = self.ledger.reading().await?;
        let spells = finding::spells_of(reading.tx(), people, whole).await?;
        let categories = self.categories(&requirements).await?;
        let mut places: HashMap<PersonId, Vec<finding::Spell>> = HashMap::new();
        for s in spells {
            places.entry(s.person).or_default().push(s);
        }
        let mut bound: HashMap<(PersonId, usize), Spans> = HashMap::new();
        for (n, r) in &requirements {
            for (person, days) in
                bound_by(reading.tx(), r, (people, &places), &categories, whole).await?
            {
                bound.insert((person, *n), days);
            }
        }
        // Only those whom a longer span binds are read further back than the year.
        let this_year = Date::constant(asked, 1, 1);
        let mut from: HashMap<PersonId, Date> = HashMap::new();
        for ((person, n), days) in &bound {
            let r = &self.rules.requirements[*n];
            let touched = match r.window {
                Window::Years(_) => days.days_in(whole) > 0,
                Window::Within { .. } => !spans(r, days, asked).is_empty(),
            };
            if touched {
                let start = reaches_back(r, asked);
                let known = from.entry(*person).or_insert(this_year);
                *known = (*known).min(start);
            }
        }
        let mut groups: BTreeMap<Date, Vec<PersonId>> = BTreeMap::new();
        for person in people {
            let start = from.get(person).copied().unwrap_or(this_year);
            groups.entry(start).or_default().push(*person);
        }
        let kinds = self.rules.kinds();
        let mut facts = Vec::new();
        for (from, people) in groups {
            let period = Period { from, to: whole.to };
            facts.extend(reading.of_people(&kinds, &people, period).await?);
        }
        let mut theirs: HashMap<PersonId, Vec<Credit>> = HashMap::new();
        for credit in credits(&self.rules, &facts) {
            theirs.entry(credit.person).or_default().push(credit);
        }
        let around = Around {
            rules: &self.rules,
            calendar: &self.calendar,
            today,
        };
        let one = |person: &PersonId| {
            let credits = theirs.remove(person).unwrap_or_default();
            let mut standings = Vec::new();
            for (n, r) in &requirements {
                let Some(days) = bound.get(&(*person, *n)) else {
                    continue;
                };
                let each = spans(r, days, asked).into_iter();
                let each = each.filter_map(|span| standing(r, span, days, &credits, around));
                standings.extend(each.map(|s| (*n, s)));
            }
            let of_year = places.get(person).into_iter().flatten();
            let last = of_year
                .filter(|s| s.from <= today.max(this_year))
                .max_by_key(|s| s.from);
            PersonYear {
                person: *person,
                unit: last.map(|s| s.unit),
                post: last.map_or_else(String::new, |s| s.post.to_string()),
                credits,
                standings,
            }
        };
        Ok(people.iter().map(one).collect())
    }

    async fn categories(
        &self,
        requirements: &[(usize, &Requirement)],
    ) -> Result<HashMap<UnitId, String>> {
        if requirements
            .iter()
            .all(|(_, r)| r.who.categories.is_empty())
        {
            return Ok(HashMap::new());
        }
        let units = self.organization.units(&Scope::All).await?.into_iter();
        Ok(units.map(|u| (u.id, u.category)).collect())
    }
}

/// A year; one that lasts is asked for up to its end, for who is there now.
fn year(asked: i16, today: Date) -> Period {
    let from = Date::constant(asked, 1, 1);
    let to = Date::constant(asked, 12, 31);
    Period {
        from,
        to: if from <= today { to.min(today) } else { to },
    }
}

/// On which days a requirement binds people, as far as posts, attributes and seats say.
async fn bound_by(
    tx: &mut Tx,
    requirement: &Requirement,
    (people, places): (&[PersonId], &HashMap<PersonId, Vec<finding::Spell>>),
    categories: &HashMap<UnitId, String>,
    whole: Period,
) -> Result<HashMap<PersonId, Spans>> {
    let who = &requirement.who;
    let post = who.post.trim().to_lowercase();
    let served = |person: &PersonId| {
        let spells = places.get(person).into_iter().flatten();
        let meant = spells.filter(|s| {
            let category = categories.get(&s.unit);
            let fits = who.categories.is_empty()
                || category.is_some_and(|c| who.categories.iter().any(|w| w == c));
            fits && (post.is_empty() || s.post.to_lowercase().contains(&post))
        });
        Spans::of(meant.map(|s| Period {
            from: s.from,
            to: ends(s.to),
        }))
    };
    // An event is that somebody came to belong to those who are meant, not that they came to a unit of ours.
    let event = matches!(requirement.window, Window::Within { .. });
    let described = !who.attributes.is_empty() || !who.seats.is_empty();
    let anywhere = event && described && post.is_empty() && who.categories.is_empty();
    let from = |p: &PersonId| match anywhere {
        true => Spans::always(),
        false => served(p),
    };
    let mut bound: HashMap<PersonId, Spans> = people.iter().map(|p| (*p, from(p))).collect();
    for (attribute, values) in &who.attributes {
        let mut held = of_trait(tx, attribute, values, people, whole.to).await?;
        for (person, days) in &mut bound {
            *days = days.and(&held.remove(person).unwrap_or_default());
        }
    }
    if !who.seats.is_empty() {
        let mut held: HashMap<PersonId, Vec<Period>> = HashMap::new();
        for seat in &who.seats {
            let which = (seat.kind.as_str(), seat.role.as_str());
            for (person, from, to) in finding::seat_spells(tx, which, people, whole).await? {
                let days = Period { from, to: ends(to) };
                held.entry(person).or_default().push(days);
            }
        }
        for (person, days) in &mut bound {
            *days = days.and(&Spans::of(held.remove(person).unwrap_or_default()));
        }
    }
    for (attribute, values) in &requirement.away {
        let mut gone = of_trait(tx, attribute, values, people, whole.to).await?;
        for (person, days) in &mut bound {
            *days = days.without(&gone.remove(person).unwrap_or_default());
        }
    }
    bound.retain(|_, days| days.iter().next().is_some());
    Ok(bound)
}

/// The days on which an attribute had one of some values; a value lasts until the next one begins.
async fn of_trait(
    tx: &mut Tx,
    attribute: &str,
    values: &[String],
    people: &[PersonId],
    until: Date,
) -> Result<HashMap<PersonId, Spans>> {
    let rows = finding::trait_spells(tx, attribute, people, until).await?;
    let mut days: HashMap<PersonId, Vec<Period>> = HashMap::new();
    for (i, (person, from, value)) in rows.iter().enumerate() {
        if values.contains(value) {
            let next = rows.get(i + 1).filter(|(other, ..)| other == person);
            let to = next.map_or(Date::MAX, |(_, next, _)| next.saturating_sub(1.day()));
            days.entry(*person)
                .or_default()
                .push(Period { from: *from, to });
        }
    }
    let spans = days.into_iter();
    Ok(spans
        .map(|(person, days)| (person, Spans::of(days)))
        .collect())
}
