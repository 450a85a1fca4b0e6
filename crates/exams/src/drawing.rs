//! Papers drawn from the bank by a blueprint (智能组卷): who may be drawn, which are alike, what was met lately.

use std::collections::HashSet;

use identity::Actor;
use kernel::{Error, FieldError, Id, Msg, Result, Scope, Timestamp};
use questions::{Kind, Question, SplitMix};

use crate::Paper;
use crate::blueprint::{Blueprint, Shortage, halves};
use crate::exchange::Exchange;
use crate::office::{Details, Held, Office};
use crate::store::making;

/// Choices that are looked at for one without alike questions, before it is said that none was found.
pub(crate) const TRIES: usize = 200;
/// Questions beyond what is needed, in place of those that are alike.
const SPARE: usize = 20;
/// Microseconds of a month, as exposure counts it.
const MONTH: i64 = 30 * 86_400 * Timestamp::SECOND;
/// What a question without difficulty counts as.
const MIDDLE: i64 = 3;

/// Names a section by its place and kind.
pub type Titles<'t> = &'t (dyn Fn(usize, Kind) -> String + Sync);

/// No paper without alike questions was found, though there may be one.
fn gave_up() -> Error {
    Error::Conflict(Msg::new("exam-bank-alike").with("tries", TRIES))
}

impl Office {
    /// How many questions each row finds in the bank, in one query.
    pub(crate) async fn there_are(&self, blueprint: &Blueprint) -> Result<Vec<i64>> {
        let mut points: Vec<Id> = blueprint.rows.iter().map(|r| r.point).collect();
        points.sort_unstable();
        points.dedup();
        let there = self.questions.available(&points).await?;
        let count = |row: &crate::blueprint::Row| {
            let of = there.iter().filter(|a| {
                let level = row.difficulties.is_empty() || row.difficulties.contains(&a.difficulty);
                a.point == row.point && a.kind == row.kind && level
            });
            of.map(|a| a.count).sum()
        };
        Ok(blueprint.rows.iter().map(count).collect())
    }

    /// Draws questions for so many papers at once: for each row as many as it needs for all of them, none twice, none
    /// alike, none that was met lately.
    ///
    /// # Errors
    /// `Invalid` for a blueprint that is wrong, or every row that cannot be served with what is there.
    pub(crate) async fn draw(
        &self,
        held: &Held,
        blueprint: &Blueprint,
        (seed, papers): (u64, usize),
        bank: &Scope,
    ) -> Result<Vec<Vec<(Id, i64, Question)>>> {
        blueprint.check()?;
        let known: HashSet<Id> = {
            let points = self.questions.points(bank).await?;
            points.into_iter().map(|p| p.id).collect()
        };
        let unknown = blueprint.rows.iter().enumerate();
        let unknown = unknown.filter(|(_, r)| !known.contains(&r.point));
        Error::if_any(
            unknown
                .map(|(n, _)| FieldError {
                    field: format!("row-{}", n + 1),
                    message: Msg::new("exam-row-point").with("row", n + 1),
                })
                .collect(),
        )?;
        let met = self.met(held, blueprint).await?;
        let needs: Vec<usize> = blueprint.rows.iter().map(|r| r.needs() * papers).collect();
        // A row that is offered as many as all rows of its kind need together can always be served last, so that more
        // of them need not be looked at. Some more, in place of those that are alike.
        let rivals = |kind: Kind| {
            let same = blueprint.rows.iter().zip(&needs);
            let same = same.filter(|(r, _)| r.kind == kind);
            same.map(|(_, needs)| needs).sum::<usize>()
        };
        let mut random = SplitMix::new(seed);
        let (mut offers, mut whole) = (Vec::with_capacity(needs.len()), true);
        for (row, own_needs) in blueprint.rows.iter().zip(&needs) {
            let own = random.draw();
            let most = rivals(row.kind) + own_needs + SPARE;
            let (kind, levels) = (row.kind, &row.difficulties);
            let picked = self
                .questions
                .pick(row.point, kind, levels, most, &met, own);
            let picked = picked.await?;
            whole &= picked.len() < most;
            offers.push(picked);
        }
        let chosen = self.unalike(&needs, (offers, whole)).await;
        let chosen = match chosen? {
            Ok(chosen) => chosen,
            Err((short, alike)) => return Err(self.short(blueprint, &short, &met, alike).await?),
        };
        let all: Vec<Id> = chosen.concat();
        let mut contents = self.questions.in_use(&all).await?;
        let gone = || Error::Conflict(Msg::new("exam-bank-changed"));
        let row = |ids: Vec<Id>| {
            let one = |id: Id| {
                let version = contents.remove(&id).ok_or_else(gone)?;
                Ok((id, version.version, version.question))
            };
            ids.into_iter().map(one).collect::<Result<Vec<_>>>()
        };
        chosen.into_iter().map(row).collect()
    }

    /// Questions that the unit's last papers or the people on the list met.
    async fn met(&self, held: &Held, blueprint: &Blueprint) -> Result<HashSet<Id>> {
        let mut tx = self.exams.db.read().await?;
        let (unit, mut met) = (held.exam.terms.unit, HashSet::new());
        if blueprint.papers > 0 {
            met.extend(making::used_lately(&mut tx, unit, blueprint.papers).await?);
        }
        if blueprint.months > 0 {
            let since = Timestamp(self.exams.env.now().0 - blueprint.months * MONTH);
            met.extend(making::used_by_candidates(&mut tx, held.exam.id, since).await?);
        }
        Ok(met)
    }

    /// Chooses so that no two are alike. `whole`: all that the bank has was offered.
    async fn unalike(
        &self,
        needs: &[usize],
        (offers, whole): (Vec<Vec<Id>>, bool),
    ) -> Result<Result<Vec<Vec<Id>>, (Vec<Shortage>, bool)>> {
        let mut search = Exchange::new(needs, offers);
        while let Some((out, chosen)) = search.choice() {
            let alike = self.questions.alike(&chosen.concat()).await?;
            if alike.is_empty() {
                return Ok(Ok(chosen));
            }
            if search.tries() >= TRIES {
                return Err(gave_up());
            }
            let alike: Vec<(Id, Id)> = alike.into_iter().map(|(a, b, _)| (a, b)).collect();
            search.refuse(&out, &chosen, &alike);
        }
        let exchanged = search.tries() > 0;
        // What was not offered might have helped.
        if exchanged && !whole {
            return Err(gave_up());
        }
        Ok(Err((search.short(), exchanged)))
    }

    /// What is short, all of it at once.
    async fn short(
        &self,
        blueprint: &Blueprint,
        short: &[Shortage],
        met: &HashSet<Id>,
        alike: bool,
    ) -> Result<Error> {
        let there = self.there_are(blueprint).await?;
        let told = short.iter().map(|s| {
            let first = s.rows.first().copied().unwrap_or(0);
            let key = match (s.rows.len(), met.is_empty() && !alike) {
                (1, true) => "exam-row-short",
                (1, false) => "exam-row-short-but",
                _ => "exam-rows-short",
            };
            let rows: Vec<String> = s.rows.iter().map(|r| (r + 1).to_string()).collect();
            FieldError {
                field: format!("row-{}", first + 1),
                message: Msg::new(key)
                    .with("rows", rows.join("、"))
                    .with("needs", s.needs)
                    .with("has", s.has)
                    .with("bank", there.get(first).copied().unwrap_or(0)),
            }
        });
        Ok(Error::Invalid(told.collect()))
    }

    /// Draws the paper of a draft.
    ///
    /// # Errors
    /// `Invalid` for a blueprint that is wrong, or every row that cannot be served with what is there; `NotFound`; `Conflict` when it is no draft or was changed since `version`.
    pub async fn draw_paper(
        &self,
        (id, version): (Id, i64),
        blueprint: &Blueprint,
        seed: u64,
        (scope, bank): (&Scope, &Scope),
        titles: Titles<'_>,
        actor: &Actor,
    ) -> Result<()> {
        let held = self.held(id, scope).await?;
        let chosen = self.draw(&held, blueprint, (seed, 1), bank).await?;
        let paper = blueprint.paper(&held.exam.terms.title, &chosen, titles);
        let recipe = serde_json::to_string(blueprint).map_err(Error::internal)?;
        let paper = self.keep_switches(&held, paper).await?;
        self.set_paper(id, version, &paper, Some((&recipe, seed)), scope, actor)
            .await
    }

    /// What was switched on the paper before stays.
    async fn keep_switches(&self, held: &Held, mut paper: Paper) -> Result<Paper> {
        let mut tx = self.exams.db.read().await?;
        let before = self.exams.paper(&mut tx, held.exam.paper).await?;
        (paper.mixed, paper.mixed_options) = (before.mixed, before.mixed_options);
        Ok(paper)
    }

    /// Draws two papers that share no question and are as hard (A、B 卷): this draft's, and that of a second draft with
    /// the same rules, which it gives.
    ///
    /// # Errors
    /// As [`Self::draw_paper`].
    pub(crate) async fn draw_twins(
        &self,
        (id, version): (Id, i64),
        blueprint: &Blueprint,
        seed: u64,
        (scope, bank): (&Scope, &Scope),
        (titles, suffix): (Titles<'_>, &str),
        actor: &Actor,
    ) -> Result<Id> {
        let held = self.held(id, scope).await?;
        let chosen = self.draw(&held, blueprint, (seed, 2), bank).await?;
        let hard = |(.., q): &(Id, i64, Question)| q.difficulty.map_or(MIDDLE, i64::from);
        let [one, two] = halves(chosen, hard);
        let recipe = serde_json::to_string(blueprint).map_err(Error::internal)?;
        let title = &held.exam.terms.title;
        let paper = blueprint.paper(title, &one, titles);
        let paper = self.keep_switches(&held, paper).await?;
        self.set_paper(id, version, &paper, Some((&recipe, seed)), scope, actor)
            .await?;
        let mut terms = held.exam.terms.clone();
        terms.title = format!("{title}{suffix}");
        let twin: Id = self.exams.env.new_id();
        let about = Details::clone(&held.about);
        self.make(twin, &terms, &about, scope, actor.clone())
            .await?;
        let mut second = blueprint.paper(&terms.title, &two, titles);
        (second.mixed, second.mixed_options) = (paper.mixed, paper.mixed_options);
        self.set_paper(twin, 1, &second, Some((&recipe, seed)), scope, actor)
            .await?;
        Ok(twin)
    }
}
