//! What people have to learn because of a case (学训要求): a study, a class, a test, a talk with a mentor. Facts of the ledger
//! meet it, whichever room wrote them; a case can wait for them before it is accepted (学—训—改—验).

use std::collections::{BTreeSet, HashMap, HashSet};

use db::Tx;
use identity::Actor;
use jiff::ToSpan;
use kernel::{Date, Error, FactId, FieldError, Id, Msg, Period, PersonId, Result, format_date};
use ledger::{Column, Fact, Predicate, Scalar, Test};
use serde_json::json;

use crate::case::{Act, Case, Remedy};
use crate::kind::Side;
use crate::model::{Eyes, Matter, Part};
use crate::service::{Cases, MANY, Said, Whole};
use crate::store;

/// How far ahead a day may lie.
const AHEAD: i64 = 400;

/// What is asked of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskRemedy {
    /// Code of what is asked for.
    pub code: String,
    /// Who.
    pub person: PersonId,
    /// Until when.
    pub by: Date,
    /// Whether the case is accepted only when it is met.
    pub needed: bool,
}

/// A remedy with its case, and the fact that meets it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The case.
    pub matter: Matter,
    /// What is asked for.
    pub remedy: Remedy,
    /// The fact that meets it, if there is one.
    pub met: Option<Fact>,
}

/// The kinds of facts that a predicate names; none when it may be any.
pub(crate) fn kinds_of(predicate: &Predicate) -> Vec<String> {
    let text = |s: &Scalar| match s {
        Scalar::Text(text) => Some(text.clone()),
        Scalar::Int(_) => None,
    };
    match predicate.0.get(&Column::Kind) {
        Some(Test::Is(one)) => text(one).into_iter().collect(),
        Some(Test::In(list)) => list.iter().filter_map(text).collect(),
        _ => Vec::new(),
    }
}

/// Which fact meets which remedy, by the place of the remedy: each fact meets one of a case, those that are due first
/// take the earliest.
pub(crate) fn settle(remedies: &[(Id, &Remedy)], facts: &[Fact]) -> HashMap<usize, Fact> {
    let mut order: Vec<usize> = (0..remedies.len()).collect();
    order.sort_by_key(|n| (remedies[*n].1.by, remedies[*n].1.no));
    let mut used: HashSet<(Id, FactId)> = HashSet::new();
    let mut met = HashMap::new();
    for n in order {
        let (case, r) = remedies[n];
        let fits = |f: &&Fact| {
            f.person == Some(r.person)
                && f.date >= r.since
                && r.met_by.matches(f)
                && !used.contains(&(case, f.id))
        };
        if let Some(fact) = facts.iter().filter(fits).min_by_key(|f| (f.date, f.id)) {
            used.insert((case, fact.id));
            met.insert(n, fact.clone());
        }
    }
    met
}

impl Cases {
    /// The facts that meet remedies, by their place in the list: one look-up for all of them.
    pub(crate) async fn met(
        &self,
        tx: &mut Tx,
        remedies: &[(Id, &Remedy)],
    ) -> Result<HashMap<usize, Fact>> {
        let Some(since) = remedies.iter().map(|(_, r)| r.since).min() else {
            return Ok(HashMap::new());
        };
        let all = remedies.iter().map(|(_, r)| *r);
        let kinds: BTreeSet<String> = all.clone().flat_map(|r| kinds_of(&r.met_by)).collect();
        let people: BTreeSet<PersonId> = all.map(|r| r.person).collect();
        let (kinds, people): (Vec<_>, Vec<_>) =
            (kinds.into_iter().collect(), people.into_iter().collect());
        let period = Period {
            from: since,
            to: self.env.today(),
        };
        let facts = self.ledger.of_people(tx, &kinds, &people, period).await?;
        Ok(settle(remedies, &facts))
    }

    /// What has to be met before a case is accepted, and is not.
    pub(crate) async fn unmet(&self, tx: &mut Tx, id: Id, case: &Case) -> Result<Vec<Remedy>> {
        let needed: Vec<(Id, &Remedy)> = case
            .remedies
            .iter()
            .filter(|r| r.needed)
            .map(|r| (id, r))
            .collect();
        let met = self.met(tx, &needed).await?;
        let open = needed.iter().enumerate();
        let open = open.filter(|(n, _)| !met.contains_key(n));
        Ok(open.map(|(_, (_, r))| (*r).clone()).collect())
    }

    /// What was asked for because of a case, for programs: each with the day on which a record met it, if one did.
    pub(crate) async fn remedies_told(&self, w: &Whole) -> Result<serde_json::Value> {
        let all: Vec<(Id, &Remedy)> = w.case.remedies.iter().map(|r| (w.matter.id, r)).collect();
        let mut tx = self.db.read().await?;
        let met = self.met(&mut tx, &all).await?;
        let row = |(n, (_, r)): (usize, &(Id, &Remedy))| {
            let met_on = met.get(&n).map(|fact| format_date(fact.date));
            json!({ "no": r.no, "code": r.code, "person": r.person, "since": format_date(r.since), "by": format_date(r.by),
                "needed": r.needed, "met_on": met_on })
        };
        Ok(all.iter().enumerate().map(row).collect())
    }

    /// Asks somebody to learn something because of a case; they are told, and see the case from then on.
    ///
    /// # Errors
    /// `Invalid` per field; `Forbidden` for who neither raised, owns nor supervises it, or who asks for what acceptance
    /// waits for without supervising; `Conflict` when it is closed; `NotFound` when one may not see it.
    pub async fn ask_remedy(
        &self,
        id: Id,
        ask: &AskRemedy,
        said: &Said,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let today = self.env.today();
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            });
        };
        let kind = self.kinds.remedies().iter().find(|r| r.code == ask.code);
        if kind.is_none() {
            wrong("remedy", Msg::new("cases-choice-missing"));
        }
        if ask.by < today {
            wrong("by", Msg::new("cases-time-past"));
        } else if ask.by > today.saturating_add(AHEAD.days()) {
            wrong("by", Msg::new("cases-day-far").with("days", AHEAD));
        }
        Error::if_any(errors)?;
        let kind = kind.ok_or(Error::NotFound)?;
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?.ok_or(Error::NotFound)?;
            let (mut matter, mut case, rule) = self.held(tx, id).await?;
            let hand = self.hand(tx, &matter, &case, eyes).await?;
            if hand.sides.is_empty() || ask.needed && !hand.sides.contains(&Side::Supervisor) {
                return Err(Error::Forbidden);
            }
            // Sent twice, the second finds that something happened.
            let moved = said.seen.is_some_and(|seen| seen != matter.version);
            if case.end.is_some() || moved {
                return Err(Error::Conflict(Msg::new("cases-moved-on")));
            }
            if case.remedies.len() >= MANY {
                let message = Msg::new("cases-many").with("most", MANY);
                return Err(Error::field("remedy", message));
            }
            let remedy = Remedy {
                no: case.remedies_asked + 1,
                code: kind.code.clone(),
                name: kind.name.clone(),
                person: ask.person,
                since: today,
                by: ask.by,
                needed: ask.needed,
                met_by: kind.met_by.clone(),
            };
            store::name_parts(tx, id, &[(ask.person, Part::Named)]).await?;
            let state = case.state.clone();
            let act = Act::RemedyAsked { remedy };
            let held = (&mut matter, &mut case, &*rule);
            self.happen(tx, held, act, &state, said, (actor, hand.person))
                .await
        })
    }

    /// Asks for it no more.
    ///
    /// # Errors
    /// As [`Cases::ask_remedy`]; whoever asked for what acceptance waits for has to supervise it, and to say why.
    pub async fn drop_remedy(
        &self,
        id: Id,
        no: i64,
        said: &Said,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        if said.text.trim().chars().count() < 2 {
            return Err(Error::field("text", Msg::new("cases-text-missing")));
        }
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?.ok_or(Error::NotFound)?;
            let (mut matter, mut case, rule) = self.held(tx, id).await?;
            let hand = self.hand(tx, &matter, &case, eyes).await?;
            let remedy = case.remedies.iter().find(|r| r.no == no);
            let needed = remedy.ok_or(Error::NotFound)?.needed;
            if hand.sides.is_empty() || needed && !hand.sides.contains(&Side::Supervisor) {
                return Err(Error::Forbidden);
            }
            // Sent twice, the second finds that something happened.
            let moved = said.seen.is_some_and(|seen| seen != matter.version);
            if case.end.is_some() || moved {
                return Err(Error::Conflict(Msg::new("cases-moved-on")));
            }
            let state = case.state.clone();
            let act = Act::RemedyDropped { no };
            let held = (&mut matter, &mut case, &*rule);
            self.happen(tx, held, act, &state, said, (actor, hand.person))
                .await
        })
    }

    /// What was asked of people because of some cases, with what meets it, in the order of the cases.
    pub(crate) async fn asked(&self, tx: &mut Tx, matters: &[Matter]) -> Result<Vec<Asked>> {
        let ids: Vec<Id> = matters.iter().map(|m| m.id).collect();
        let rows = store::remedies::of_cases(tx, &ids).await?;
        let list: Vec<(Id, &Remedy)> = rows.iter().map(|(id, r)| (*id, r)).collect();
        let mut met = self.met(tx, &list).await?;
        let by_id: HashMap<Id, &Matter> = matters.iter().map(|m| (m.id, m)).collect();
        let mut found = Vec::new();
        for (n, (id, remedy)) in rows.iter().enumerate() {
            let Some(matter) = by_id.get(id) else {
                continue;
            };
            found.push(Asked {
                matter: (*matter).clone(),
                remedy: remedy.clone(),
                met: met.remove(&n),
            });
        }
        Ok(found)
    }

    /// What somebody still has to learn because of open cases, by day. For the home page.
    pub async fn to_learn(&self, person: PersonId) -> Result<Vec<Asked>> {
        let mut tx = self.db.read().await?;
        let matters = store::remedies::open_of(&mut tx, person).await?;
        let mut asked = self.asked(&mut tx, &matters).await?;
        asked.retain(|a| a.remedy.person == person && a.met.is_none());
        asked.sort_by_key(|a| (a.remedy.by, a.matter.id, a.remedy.no));
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use commons::packs::Name;
    use kernel::Timestamp;
    use ledger::PlaceId;
    use proptest::prelude::*;

    use super::*;

    fn day(n: i8) -> Date {
        Date::constant(2026, 3, n)
    }

    fn id(n: u8) -> Id {
        Id([n; 16])
    }

    fn remedy(no: i64, person: u8, since: i8, by: i8, category: &str) -> Remedy {
        let is = |text: &str| Test::Is(Scalar::Text(text.into()));
        let tests = [
            (Column::Kind, is("attendance")),
            (Column::Category, is(category)),
        ];
        Remedy {
            no,
            code: category.into(),
            name: Name {
                zh: "学".into(),
                en: "x".into(),
            },
            person: PersonId(id(person)),
            since: day(since),
            by: day(by),
            needed: true,
            met_by: Predicate(BTreeMap::from(tests)),
        }
    }

    fn fact(n: u8, person: u8, on: i8, category: &str) -> Fact {
        let mut f = Fact::new(
            FactId(id(n)),
            "attendance",
            PlaceId(0),
            day(on),
            id(n),
            "test",
            Timestamp(0),
        );
        f.person = Some(PersonId(id(person)));
        f.category = Some(category.into());
        f
    }

    proptest! {
        /// No fact meets two remedies of a case; what meets one is of its person, its kind and its days; and a remedy
        /// stays open only when every fact that would meet it meets another one.
        #[test]
        fn each_fact_meets_one_remedy(
            wanted in prop::collection::vec((1..3u8, 1..20i8, 0..2usize), 0..6),
            done in prop::collection::vec((1..3u8, 1..28i8, 0..2usize), 0..8),
        ) {
            let kinds = ["study", "test"];
            let remedies: Vec<Remedy> = wanted.iter().enumerate()
                .map(|(n, (who, since, kind))| remedy(n as i64 + 1, *who, *since, since + 5, kinds[*kind]))
                .collect();
            let facts: Vec<Fact> = done.iter().enumerate()
                .map(|(n, (who, on, kind))| fact(n as u8 + 1, *who, *on, kinds[*kind]))
                .collect();
            let list: Vec<(Id, &Remedy)> = remedies.iter().map(|r| (id(9), r)).collect();
            let met = settle(&list, &facts);
            let used: HashSet<FactId> = met.values().map(|f| f.id).collect();
            prop_assert_eq!(used.len(), met.len());
            for (n, r) in remedies.iter().enumerate() {
                let fits = |f: &Fact| f.person == Some(r.person) && f.date >= r.since && r.met_by.matches(f);
                match met.get(&n) {
                    Some(f) => prop_assert!(fits(f)),
                    None => prop_assert!(facts.iter().all(|f| !fits(f) || used.contains(&f.id))),
                }
            }
            // Another case asks for itself: the same fact may meet one of each.
            let twice: Vec<(Id, &Remedy)> = list.iter().copied().chain(remedies.iter().map(|r| (id(8), r))).collect();
            prop_assert_eq!(settle(&twice, &facts).len(), 2 * met.len());
        }
    }
}
