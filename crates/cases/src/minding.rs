//! What the clock does (催办、督办升级、回头看): on the rungs of a kind's ladder people are told of what is due and of what is
//! late, each rung an event that nothing changes; after the set time somebody is asked to look back. Each step is taken
//! once, by whichever node is first, in batches.

use std::collections::HashMap;

use db::Tx;
use futures::future::BoxFuture;
use kernel::{Date, Msg, PersonId, Result, UnitId};
use notices::{CalendarSource, Event as Entry, Notice, Reader, When};
use organization::{Organization, finding};

use crate::case::{Act, Event};
use crate::kind::{Kind, Reached, Rung, Stage};
use crate::model::Matter;
use crate::service::{Cases, Said};
use crate::store;
use crate::telling::notice;

/// Cases of one transaction.
const BATCH: i64 = 500;

/// Who stands for units, asked once in a batch.
#[derive(Default)]
struct Stands {
    heads: HashMap<(UnitId, bool), Vec<Reader>>,
    holders: HashMap<(UnitId, &'static str), Vec<Reader>>,
}

impl Stands {
    /// Who handles or supervises for a unit or the nearest above it.
    async fn holders(
        &mut self,
        (s, tx): (&Cases, &mut Tx),
        permission: &'static str,
        unit: UnitId,
    ) -> Result<Vec<Reader>> {
        if let Some(found) = self.holders.get(&(unit, permission)) {
            return Ok(found.clone());
        }
        let found = s.holders(tx, permission, unit).await?;
        self.holders.insert((unit, permission), found.clone());
        Ok(found)
    }

    /// Who is in charge of a unit, or of the one above it.
    async fn heads(
        &mut self,
        tx: &mut Tx,
        unit: UnitId,
        above: bool,
        today: Date,
    ) -> Result<Vec<Reader>> {
        if let Some(found) = self.heads.get(&(unit, above)) {
            return Ok(found.clone());
        }
        let mut at = Some(unit);
        if above {
            let path = finding::paths(tx, &[unit]).await?.remove(&unit);
            at = path.and_then(|p| p.iter().rev().nth(1).copied());
        }
        let found = match at {
            Some(at) => Organization::in_charge(tx, at, today).await?,
            None => Vec::new(),
        };
        let found: Vec<Reader> = found.into_iter().map(Reader::Person).collect();
        self.heads.insert((unit, above), found.clone());
        Ok(found)
    }
}

/// The rungs of a case that are reached from one day to another.
fn rungs<'k>(s: &Cases, kind: &'k Kind, m: &Matter, from: Date, to: Date) -> Vec<&'k Rung> {
    let reached = |r: &&Rung| (from..=to).contains(&r.at.0.day(m.until, &s.calendar));
    let mut all: Vec<&Rung> = kind.ladder.iter().filter(reached).collect();
    all.sort_by_key(|r| r.at.0.day(m.until, &s.calendar));
    all
}

impl Cases {
    /// Takes the rungs that are reached by now; gives how many. Run again, or on another node, it does nothing twice. For a
    /// job that runs on the morning of every day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind(&self) -> Result<usize> {
        if !self.calendar.is_workday(self.env.today()) {
            return Ok(0);
        }
        let mut taken = 0;
        loop {
            let (cases, rungs) = db::transaction!(self.db, |tx| self.remind_some(tx).await)?;
            taken += rungs;
            if cases < BATCH as usize {
                return Ok(taken);
            }
        }
    }

    async fn remind_some(&self, tx: &mut Tx) -> Result<(usize, usize)> {
        let (today, now) = (self.env.today(), self.env.now());
        let due = store::to_remind(tx, today, BATCH).await?;
        let kinds = self.rules(tx, due.iter().map(|m| m.rule.as_str())).await?;
        let ids: Vec<_> = due.iter().map(|m| m.id).collect();
        let helpers = store::helpers(tx, &ids).await?;
        let (mut events, mut next, mut told) = (Vec::new(), Vec::new(), Vec::new());
        let mut stands = Stands::default();
        for m in &due {
            let Some(kind) = kinds.get(&m.rule) else {
                continue;
            };
            let reached = rungs(self, kind, m, m.next_on.unwrap_or(today), today);
            for (n, rung) in reached.iter().enumerate() {
                let step = rung.at.0.to_string();
                let act = match today > m.until {
                    true => Act::Escalated { step },
                    false => Act::Reminded { step },
                };
                let event = Event {
                    seq: m.version + 1 + n as i64,
                    act,
                    state: m.state.clone(),
                    account: None,
                    person: None,
                    text: String::new(),
                    files: Vec::new(),
                    at: now,
                };
                events.push((m.id, event));
                // After days without a server one notice a reader is enough; every rung stays written down.
                let later = reached[n + 1..].iter().flat_map(|r| &r.to);
                let later: Vec<Reached> = later.copied().collect();
                let to: Vec<Reached> = rung
                    .to
                    .iter()
                    .filter(|r| !later.contains(r))
                    .copied()
                    .collect();
                let help = helpers.get(&m.id).map_or(&[][..], Vec::as_slice);
                let mut readers = self.reached(tx, m, &to, help, &mut stands).await?;
                readers.sort_unstable();
                readers.dedup();
                let key = match today > m.until {
                    true => "cases-notice-late",
                    false => "cases-notice-due",
                };
                told.push((readers, notice(m, key)));
            }
            let then = self.next_rung(kind, m.until, today);
            next.push((m, then, reached.len() as i64));
        }
        store::note_many(tx, &events).await?;
        let told: Vec<(Reader, &Notice)> = told
            .iter()
            .flat_map(|(readers, notice)| readers.iter().map(move |r| (*r, notice)))
            .collect();
        self.notices.send_many(tx, &told).await?;
        store::set_next(tx, &next).await?;
        Ok((due.len(), events.len()))
    }

    /// The people whom rungs of the ladder reach.
    async fn reached(
        &self,
        tx: &mut Tx,
        m: &Matter,
        to: &[Reached],
        helpers: &[PersonId],
        stands: &mut Stands,
    ) -> Result<Vec<Reader>> {
        let today = self.env.today();
        let mut all = Vec::new();
        for reached in to {
            // While it is being checked it waits for those who check.
            let checks = m.stage == Stage::Check && *reached == Reached::Owner;
            match if checks {
                Reached::Supervisor
            } else {
                *reached
            } {
                Reached::Owner => {
                    let named = m.owner.into_iter().chain(helpers.iter().copied());
                    let named: Vec<Reader> = named.map(Reader::Person).collect();
                    all.extend(match named.is_empty() {
                        true => stands.holders((self, tx), crate::HANDLE, m.unit).await?,
                        false => named,
                    });
                }
                Reached::Head => all.extend(stands.heads(tx, m.unit, false, today).await?),
                Reached::Superior => all.extend(stands.heads(tx, m.unit, true, today).await?),
                Reached::Supervisor => all.extend(match m.supervisor {
                    Some(person) => vec![Reader::Person(person)],
                    None => stands.holders((self, tx), crate::SUPERVISE, m.unit).await?,
                }),
            }
        }
        Ok(all)
    }

    /// Asks for the look backs whose day has come; gives how many. A unit that was merged or split meanwhile is looked at in
    /// what became of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_back(&self) -> Result<usize> {
        let today = self.env.today();
        let mut asked = 0;
        loop {
            let ids = store::to_look(&mut self.db.read().await?, today, BATCH).await?;
            for id in &ids {
                asked += db::transaction!(self.db, |tx| {
                    let (mut matter, mut case, kind) = self.held(tx, *id).await?;
                    if matter.look_on.is_none_or(|day| day > today) {
                        return Ok(0);
                    }
                    let unit = finding::successor(tx, matter.unit, today).await?;
                    let act = Act::LookDue {
                        no: case.looked + 1,
                        unit,
                    };
                    let (state, said) = (case.state.clone(), Said::default());
                    let who = (&identity::Actor::default(), None);
                    self.happen(tx, (&mut matter, &mut case, &kind), act, &state, &said, who)
                        .await?;
                    Ok(1)
                })?;
            }
            if ids.len() < BATCH as usize {
                return Ok(asked);
            }
        }
    }
}

/// Days on which cases are due that a person owns, in their calendar.
impl CalendarSource for Cases {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Entry>>> {
        Box::pin(async move {
            let mut tx = self.db.read().await?;
            let found = store::list::due_of(&mut tx, person, (from, to)).await?;
            let entry = |m: Matter| Entry {
                uid: format!("case-{}", m.id),
                title: Msg::new("cases-calendar")
                    .with("number", &m.number)
                    .with("title", &m.title),
                when: When::Day(m.until),
                href: m.href(),
                updated: m.updated_at,
            };
            Ok(found.into_iter().map(entry).collect())
        })
    }
}
