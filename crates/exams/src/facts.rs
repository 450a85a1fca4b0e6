//! Facts of results (成绩入账): one `exam` for each person whose attempt counts, `exam-item` how often each question was
//! right, one `held-exam` for each examination. What counts of a candidate is claimed by a row before its fact is
//! written, so that no two nodes write it twice; where it changes, the old fact is reversed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use db::{Tx, transaction};
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{AccountId, Date, Error, Id, Result, Scope, Timestamp, UnitId};
use ledger::{Fact, Label, PlaceId, Source};

use crate::kinds::ExamKinds;
use crate::model::{Shows, Stage};
use crate::office::{Held, Office};
use crate::store::reached::{self, Reached};
use crate::store::results::{self, Counted};
use crate::store::{making, tallies};
use crate::telling::Turned;

/// One a person whose attempt counts.
pub(crate) const EXAM: &str = "exam";
/// How often a question was right, and wrong.
pub(crate) const ITEM: &str = "exam-item";
/// One an examination.
pub(crate) const HELD: &str = "held-exam";
/// Candidates whose facts are written in one transaction.
const TOGETHER: usize = 200;
/// How often results that have become final are looked for.
const PAUSE: Duration = Duration::from_secs(10);

/// Places of units on days, written where they are new.
async fn places(
    office: &Office,
    tx: &mut Tx,
    mut wanted: Vec<(UnitId, Date)>,
) -> Result<HashMap<(UnitId, Date), PlaceId>> {
    wanted.sort_unstable();
    wanted.dedup();
    let paths = office.exams.organization.paths_on(tx, &wanted).await?;
    let mut places = HashMap::new();
    for (at, path) in paths {
        places.insert(at, office.ledger.place(tx, &path).await?);
    }
    Ok(places)
}

/// What counts of a candidate, and what of it has a fact.
struct Turn<'l> {
    line: &'l Reached,
    old: Option<&'l Counted>,
    new: Option<Counted>,
}

impl Office {
    /// Whether nobody can sit it any more and results may count.
    async fn is_final(&self, tx: &mut Tx, held: &Held) -> Result<bool> {
        let t = &held.exam.terms;
        let (extra, open) = reached::running(tx, held.exam.id).await?;
        let over = self.exams.env.now().0 > t.closes.0 + extra * Timestamp::SECOND;
        let shown = t.shows != Shows::ByHand || held.exam.released.is_some();
        Ok(held.exam.stage == Stage::Published && over && open == 0 && shown)
    }

    /// Brings the ledger to what counts now. May be done at any time, by several at once, and again after a crash;
    /// false: it is not final yet, or nothing was left to do.
    ///
    /// # Errors
    /// `Busy` when the ledger is flooded; what the database says.
    pub async fn settle(&self, id: Id, by: Option<AccountId>) -> Result<bool> {
        let mut tx = self.exams.db.read().await?;
        let (held, _) = making::held(&mut tx, id, &Scope::All).await?;
        if !self.is_final(&mut tx, &held).await? || held.settled == Some(held.changes) {
            return Ok(false);
        }
        drop(tx);
        self.ledger.admit()?;
        self.mark_anew(&held).await?;
        let left = reached::unsettled(&mut self.exams.db.read().await?, &held.exam).await?;
        for part in left.chunks(TOGETHER) {
            let mut tx = self.exams.db.read().await?;
            let lines = reached::of(&mut tx, &held.exam, part).await?;
            let counted = results::counted(&mut tx, part).await?;
            drop(tx);
            let turns: Vec<Turn<'_>> = lines
                .iter()
                .map(|line| {
                    let new = line.counts.as_ref().map(|c| Counted {
                        attempt: c.attempt,
                        revision: c.revision,
                        points: c.points,
                        role: line.state.code().to_owned(),
                        stands: true,
                    });
                    let old = counted.get(&line.candidate);
                    Turn { line, old, new }
                })
                .filter(|t| t.new.as_ref() != t.old.filter(|old| old.stands))
                .collect();
            transaction!(self.exams.db, |tx| self.turn(tx, &held, &turns, by).await)?;
        }
        match self.tally(&held).await {
            // It changed meanwhile: settled anew.
            Err(Error::Busy { .. }) => return Ok(false),
            other => other?,
        }
        transaction!(self.exams.db, |tx| {
            if !results::settle(tx, id, held.changes).await? {
                return Ok(false);
            }
            // Who saw it when they handed in needs no notice.
            if held.settled.is_none() && held.exam.terms.shows != Shows::AtOnce {
                self.exams
                    .tell_turned(tx, &held.exam, None, Turned::Shown)
                    .await?;
            }
            let counted = tallies::all(tx, id).await?;
            self.count_items(tx, &held, &counted, by).await?;
            Ok(true)
        })
    }

    /// Reverses what counts no more and writes what counts now, for those who could be claimed.
    async fn turn(
        &self,
        tx: &mut Tx,
        held: &Held,
        turns: &[Turn<'_>],
        by: Option<AccountId>,
    ) -> Result<()> {
        let first: Vec<(Id, &Counted)> = turns
            .iter()
            .filter(|t| t.old.is_none())
            .filter_map(|t| Some((t.line.candidate, t.new.as_ref()?)))
            .collect();
        let mut claimed = results::count_first(tx, held.exam.id, &first).await?;
        for t in turns {
            let Some(old) = t.old else {
                continue;
            };
            let candidate = t.line.candidate;
            if results::count_anew(tx, candidate, old, t.new.as_ref()).await? {
                claimed.push(candidate);
                if old.stands {
                    self.take_back(tx, old.attempt, by).await?;
                }
            }
        }
        let zone = self.exams.env.zone();
        let mine = |t: &&Turn<'_>| claimed.contains(&t.line.candidate) && t.new.is_some();
        let new: Vec<(&Turn<'_>, &Counted, Timestamp, Timestamp)> = turns
            .iter()
            .filter(mine)
            .filter_map(|t| {
                let counted = t.new.as_ref()?;
                let sat = t.line.counts.as_ref()?;
                Some((t, counted, sat.began, sat.submitted))
            })
            .collect();
        let host = held.exam.terms.unit;
        let mut wanted = Vec::new();
        for (t, _, _, ended) in &new {
            let day = ended.date(zone);
            wanted.push((host, day));
            wanted.extend(t.line.unit.map(|unit| (unit, day)));
        }
        let places = places(self, tx, wanted).await?;
        let mut facts = Vec::with_capacity(new.len());
        for (t, counted, began, ended) in new {
            let day = ended.date(zone);
            let at = places.get(&(host, day)).copied().ok_or(Error::NotFound)?;
            let own = t.line.unit.and_then(|u| places.get(&(u, day)).copied());
            let env = &self.exams.env;
            let mut fact = Fact::new(
                env.new_id(),
                EXAM,
                at,
                day,
                counted.attempt,
                "exam",
                env.now(),
            );
            fact.category = Some(held.exam.terms.kind.clone());
            fact.unit = own.or(Some(at));
            fact.person = t.line.person;
            fact.role = Some(counted.role.clone());
            fact.starts = Some(began);
            fact.ends = Some(ended);
            let minute = 60 * Timestamp::SECOND;
            fact.minutes = Some(((ended.0 - began.0).max(0) + minute - 1) / minute);
            fact.quantity = Some(counted.points);
            fact.recorded_by = by;
            facts.push(fact);
        }
        self.ledger.append(tx, &facts).await
    }

    /// Takes back what stands of a subject.
    async fn take_back(&self, tx: &mut Tx, subject: Id, by: Option<AccountId>) -> Result<()> {
        let standing = self.ledger.standing(tx, subject).await?;
        let ids: Vec<_> = standing.iter().map(|f| f.id).collect();
        self.ledger.reverse(tx, &ids, by).await.map(|_| ())
    }

    /// That it was held, and how often each question was right.
    async fn count_items(
        &self,
        tx: &mut Tx,
        held: &Held,
        counted: &std::collections::BTreeMap<u16, tallies::Tally>,
        by: Option<AccountId>,
    ) -> Result<()> {
        let (exam, t, env) = (held.exam.id, &held.exam.terms, &self.exams.env);
        let (first, last) = (t.opens.date(env.zone()), t.closes.date(env.zone()));
        let places = places(self, tx, vec![(t.unit, first), (t.unit, last)]).await?;
        let place = |day| places.get(&(t.unit, day)).copied().ok_or(Error::NotFound);
        let make = |kind, day, subject| -> Result<Fact> {
            let mut fact = Fact::new(
                env.new_id(),
                kind,
                place(day)?,
                day,
                subject,
                "exam",
                env.now(),
            );
            fact.category = Some(t.kind.clone());
            fact.recorded_by = by;
            Ok(fact)
        };
        let mut facts = Vec::new();
        let standing = self.ledger.standing(tx, exam).await?;
        match (counted.is_empty(), standing.is_empty()) {
            (false, true) => facts.push(make(HELD, first, exam)?),
            // Nothing counts any more.
            (true, false) => self.take_back(tx, exam, by).await?,
            _ => {}
        }
        let known = results::items(tx, exam).await?;
        let mut all: Vec<i64> = known.keys().copied().collect();
        all.extend(counted.keys().map(|n| i64::from(*n)));
        all.sort_unstable();
        all.dedup();
        for item in all {
            let number = u16::try_from(item).map_err(Error::internal)?;
            let tally = counted.get(&number).copied().unwrap_or_default();
            let (asked, right) = (tally.asked, tally.right);
            let before = known.get(&item).copied();
            if before.is_some_and(|(_, a, r)| (a, r) == (asked, right)) {
                continue;
            }
            let id = before.map_or_else(|| env.new_id(), |(id, ..)| id);
            results::put_item(tx, exam, (id, item), (asked, right)).await?;
            if before.is_some() {
                self.take_back(tx, id, by).await?;
            }
            for (role, count) in [("right", right), ("wrong", asked - right)] {
                if count > 0 {
                    let mut fact = make(ITEM, last, id)?;
                    fact.role = Some(role.to_owned());
                    fact.quantity = Some(count * 1_000);
                    facts.push(fact);
                }
            }
        }
        self.ledger.append(tx, &facts).await
    }

    /// Brings all results that have become final into the ledger. How many examinations.
    ///
    /// # Errors
    /// What the database says.
    pub async fn settle_due(&self) -> Result<usize> {
        let now = self.exams.env.now();
        let due = results::due(&mut self.exams.db.read().await?, now).await?;
        let mut done = 0;
        for id in due {
            done += usize::from(self.settle(id, None).await?);
        }
        Ok(done)
    }

    /// Settles until told to stop.
    pub async fn watch(self, mut stopped: tokio::sync::watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(e) = self.settle_due().await {
                tracing::warn!(error = %e, "results could not be written into the ledger; tried again");
            }
        }
    }
}

/// The examinations behind facts.
#[derive(Debug, Clone)]
pub struct ExamFacts(pub Arc<ExamKinds>);

impl Source for ExamFacts {
    fn owns(&self, kind: &str) -> bool {
        matches!(kind, EXAM | ITEM | HELD)
    }

    fn href(&self, fact: &Fact) -> String {
        match fact.kind.as_str() {
            EXAM => format!("/exams/attempts/{}", fact.subject),
            ITEM => format!("/exams/items/{}", fact.subject),
            _ => format!("/exams/{}", fact.subject),
        }
    }

    fn part(&self, fact: &Fact, lang: &str) -> Option<Label> {
        match &fact.role {
            Some(role) => Some(Label::Key(format!("exam-role-{role}"))),
            None => {
                let kind = fact.category.as_deref()?;
                Some(Label::Text(self.0.name(kind, lang).to_owned()))
            }
        }
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        async move {
            let mut found = making::titles(tx, subjects).await?;
            found.extend(results::attempt_titles(tx, subjects).await?);
            let items = results::items_named(tx, subjects).await?;
            let named = items.into_iter();
            found.extend(named.map(|(id, (_, item, title))| (id, format!("{title} #{item}"))));
            Ok(found)
        }
        .boxed()
    }
}
