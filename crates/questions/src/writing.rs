//! Writing questions and deciding on them. An edit is a new version; what examinations draw changes only when somebody
//! else accepted it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use db::Tx;
use identity::Actor;
use kernel::{AccountId, Error, Id, Msg, Result, Scope};
use serde_json::json;

use crate::bank::{Act, Bank, Head, Questions, RECORDS, State, Version};
use crate::model::Question;
use crate::shuffle::SplitMix;
use crate::similar::Prints;
use crate::store::{self, Pick, Written};

/// Questions decided on in one go.
pub const MOST_DECIDED: usize = 200;

/// What is done to versions of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'r> {
    /// Somebody else shall look at it (提交审核).
    Propose,
    /// Examinations draw it from now on (通过).
    Accept,
    /// Whoever wrote it looks at it again (退回).
    Return(&'r str),
    /// Examinations draw it no more (停用).
    Retire(&'r str),
}

impl Verdict<'_> {
    fn act(self) -> &'static str {
        match self {
            Self::Propose => "proposed",
            Self::Accept => "accepted",
            Self::Return(_) => "returned",
            Self::Retire(_) => "retired",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Propose => "questions.proposed",
            Self::Accept => "questions.accepted",
            Self::Return(_) => "questions.returned",
            Self::Retire(_) => "questions.retired",
        }
    }

    fn to(self) -> State {
        match self {
            Self::Propose => State::Review,
            Self::Accept => State::InUse,
            Self::Return(_) => State::Draft,
            Self::Retire(_) => State::Retired,
        }
    }

    fn allowed(self, from: State) -> bool {
        match self {
            Self::Propose => from == State::Draft,
            Self::Accept | Self::Return(_) => from == State::Review,
            Self::Retire(_) => from != State::Retired,
        }
    }
}

/// A question as somebody wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'q> {
    /// Its id.
    pub id: Id,
    /// The bank it belongs to.
    pub bank: Id,
    /// The version that was looked at; none: it is new.
    pub before: Option<i64>,
    /// What it says.
    pub question: &'q Question,
    /// What changed, in words; may be empty.
    pub note: &'q str,
}

/// A new question on its way into a bank.
pub(crate) struct Fresh {
    pub id: Id,
    pub question: Question,
    pub prints: Prints,
    pub state: State,
    pub note: String,
    pub act: &'static str,
}

impl Questions {
    /// Writes a question: a new one, or a new version in the version in which it was looked at.
    ///
    /// # Errors
    /// `Invalid` with the faults of the question, or when the bank has the same one; `Conflict` when somebody else
    /// changed it; `NotFound` outside the scope.
    pub async fn write(
        &self,
        draft: &Draft<'_>,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        let mut question = draft.question.clone();
        question.tidy();
        let mut faults = question.check();
        let note = draft.note.trim();
        if note.chars().count() > 200 || note.chars().any(char::is_control) {
            faults.push(kernel::FieldError {
                field: "note".into(),
                message: Msg::new("question-note"),
            });
        }
        Error::if_any(faults)?;
        self.keep_pictures(&question).await?;
        let fresh = Fresh {
            id: draft.id,
            prints: Prints::of(&question),
            question,
            state: State::Draft,
            note: note.to_owned(),
            act: "written",
        };
        db::transaction!(self.db, |tx| {
            let bank = store::bank_by_id(tx, draft.bank, scope).await?;
            let bank = bank.ok_or(Error::NotFound)?;
            let known = store::heads(tx, &[draft.id], scope).await?.pop();
            let same = store::by_digest(tx, bank.id, &[fresh.prints.digest()]).await?;
            if same.iter().any(|(_, other)| *other != draft.id) {
                return Err(Error::field("stem", Msg::new("question-twice")));
            }
            match (known, draft.before) {
                (None, None) => {
                    self.add(tx, &bank, std::slice::from_ref(&fresh), &actor)
                        .await?
                }
                // Sent twice: it is there already.
                (Some(head), None) if head.version == 1 => return Ok(()),
                (Some(head), Some(version)) if head.version == version && head.bank == bank.id => {
                    self.renew(tx, &bank, head, &fresh, &actor).await?;
                }
                (Some(_), _) => return Err(Error::Conflict(Msg::new("question-changed"))),
                (None, Some(_)) => return Err(Error::NotFound),
            }
            let detail = json!({ "bank": bank.id, "note": note });
            let entry = actor.audit("questions.written", ("question", draft.id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }

    async fn renew(
        &self,
        tx: &mut Tx,
        bank: &Bank,
        old: Head,
        fresh: &Fresh,
        actor: &Actor,
    ) -> Result<()> {
        let question = &fresh.question;
        let head = Head {
            version: old.version + 1,
            state: fresh.state,
            kind: question.kind,
            difficulty: question.difficulty.map_or(0, i64::from),
            stem: beginning(&question.stem),
            points: question.points.clone(),
            changed_at: self.env.now(),
            ..old.clone()
        };
        let written = Written {
            head: &head,
            digest: fresh.prints.digest(),
            bands: fresh.prints.bands(),
        };
        if !store::renew(tx, &written, (old.version, old.state)).await? {
            return Err(Error::Retry("a question was changed meanwhile".into()));
        }
        let version = self.version(head.version, question.clone(), fresh.note.clone(), actor);
        store::add_versions(tx, &[(head.id, version)]).await?;
        let act = self.act(head.version, fresh.act, &fresh.note, actor);
        store::add_acts(tx, &[(head.id, act)]).await?;
        // What is in use is still found where it was.
        if head.used == 0 {
            self.place(tx, bank, &[(head.clone(), question)]).await?;
        }
        search::index(tx, RECORDS, head.id, head.unit, &store::words(question)).await
    }

    fn version(&self, version: i64, question: Question, note: String, actor: &Actor) -> Version {
        Version {
            version,
            question,
            note,
            by: actor.account,
            on_behalf: actor.on_behalf,
            at: self.env.now(),
        }
    }

    fn act(&self, version: i64, act: &str, reason: &str, actor: &Actor) -> Act {
        Act {
            id: self.env.new_id(),
            version,
            act: act.to_owned(),
            by: actor.account,
            on_behalf: actor.on_behalf,
            reason: reason.to_owned(),
            at: self.env.now(),
        }
    }

    /// Adds questions to a bank in the transaction at hand.
    pub(crate) async fn add(
        &self,
        tx: &mut Tx,
        bank: &Bank,
        fresh: &[Fresh],
        actor: &Actor,
    ) -> Result<()> {
        let heads: Vec<Head> = fresh
            .iter()
            .map(|f| Head {
                id: f.id,
                bank: bank.id,
                unit: bank.unit,
                version: 1,
                used: i64::from(f.state == State::InUse),
                state: f.state,
                kind: f.question.kind,
                difficulty: f.question.difficulty.map_or(0, i64::from),
                stem: beginning(&f.question.stem),
                points: f.question.points.clone(),
                changed_at: self.env.now(),
            })
            .collect();
        let written: Vec<Written<'_>> = heads
            .iter()
            .zip(fresh)
            .map(|(head, f)| Written {
                head,
                digest: f.prints.digest(),
                bands: f.prints.bands(),
            })
            .collect();
        // The same question came in at the same moment: looked at again, it is there.
        store::add(tx, &written)
            .await
            .map_err(|error| match error {
                Error::Conflict(_) => Error::Retry("the same question was added".into()),
                other => other,
            })?;
        let mut versions = Vec::new();
        let mut acts = Vec::new();
        for f in fresh {
            versions.push((
                f.id,
                self.version(1, f.question.clone(), f.note.clone(), actor),
            ));
            acts.push((f.id, self.act(1, f.act, "", actor)));
        }
        store::add_versions(tx, &versions).await?;
        store::add_acts(tx, &acts).await?;
        let pairs: Vec<(Head, &Question)> = heads
            .into_iter()
            .zip(fresh.iter().map(|f| &f.question))
            .collect();
        self.place(tx, bank, &pairs).await?;
        for (head, question) in &pairs {
            search::index(tx, RECORDS, head.id, head.unit, &store::words(question)).await?;
        }
        Ok(())
    }

    /// Writes where questions are picked: at their points, all above them and the whole bank.
    pub(crate) async fn place(
        &self,
        tx: &mut Tx,
        bank: &Bank,
        questions: &[(Head, &Question)],
    ) -> Result<()> {
        let paths: Vec<BTreeSet<String>> =
            questions.iter().map(|(_, q)| steps(&q.points)).collect();
        let mut known: HashMap<String, Id> = store::points_of_bank(tx, bank.id)
            .await?
            .into_iter()
            .collect();
        let new: BTreeSet<&String> = paths
            .iter()
            .flatten()
            .filter(|p| !known.contains_key(*p))
            .collect();
        if !new.is_empty() {
            let new: Vec<(String, Id)> = new
                .into_iter()
                .map(|p| (p.clone(), self.env.new_id()))
                .collect();
            store::add_points(tx, bank.id, &new).await?;
            known = store::points_of_bank(tx, bank.id)
                .await?
                .into_iter()
                .collect();
        }
        let mut picks = Vec::new();
        for ((head, question), paths) in questions.iter().zip(&paths) {
            let mut low = [0; 8];
            low.copy_from_slice(&head.id.0[8..]);
            let draw = SplitMix::new(u64::from_be_bytes(low)).draw().cast_signed();
            for point in paths.iter().filter_map(|p| known.get(p)) {
                picks.push(Pick {
                    point: *point,
                    used: head.used > 0,
                    kind: question.kind,
                    difficulty: question.difficulty.map_or(0, i64::from),
                    draw,
                    question: head.id,
                });
            }
        }
        let ids: Vec<Id> = questions.iter().map(|(head, _)| head.id).collect();
        store::set_picks(tx, &ids, &picks).await
    }

    /// Does the same to several questions in one transaction, each in the version in which it was looked at. Gives
    /// for each what refused it, if anything did; what is out of scope is left out of the answer.
    ///
    /// # Errors
    /// `Invalid` without a reason where one is needed; `Conflict` when there are too many.
    pub async fn decide(
        &self,
        picks: &[(Id, i64)],
        verdict: Verdict<'_>,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<Vec<(Id, Option<Msg>)>> {
        let actor = actor.into();
        let reason = match verdict {
            Verdict::Propose | Verdict::Accept => "",
            Verdict::Return(reason) | Verdict::Retire(reason) => {
                let reason = reason.trim();
                let odd = reason.chars().any(char::is_control) || reason.chars().count() > 200;
                if reason.is_empty() || odd {
                    return Err(Error::field("reason", Msg::new("question-reason")));
                }
                reason
            }
        };
        if picks.len() > MOST_DECIDED {
            let message = Msg::new("question-decide-many").with("most", MOST_DECIDED);
            return Err(Error::Conflict(message));
        }
        let picked: HashMap<Id, i64> = picks.iter().copied().collect();
        let ids: Vec<Id> = picked.keys().copied().collect();
        db::transaction!(self.db, |tx| {
            let heads = store::heads(tx, &ids, scope).await?;
            let newest: HashMap<Id, Version> = store::newest(tx, &ids).await?.into_iter().collect();
            let mut outcomes = Vec::with_capacity(heads.len());
            // Bank by bank and all together, so that two who decide take the counters in one order.
            let mut moved: BTreeMap<Id, Vec<(Head, &Question)>> = BTreeMap::new();
            for old in heads {
                let version = newest.get(&old.id).ok_or(Error::NotFound)?;
                let refused = refusal(&old, version, picked[&old.id], verdict, &actor);
                if refused.is_none() {
                    let mut head = old.clone();
                    head.state = verdict.to();
                    head.changed_at = self.env.now();
                    head.used = match verdict {
                        Verdict::Accept => old.version,
                        Verdict::Retire(_) => 0,
                        _ => old.used,
                    };
                    if !store::turn(tx, &head, old.state).await? {
                        return Err(Error::Retry("a question was changed meanwhile".into()));
                    }
                    if head.used != old.used {
                        let of = moved.entry(head.bank).or_default();
                        of.push((head.clone(), &version.question));
                    }
                    let act = self.act(head.version, verdict.act(), reason, &actor);
                    store::add_acts(tx, &[(head.id, act)]).await?;
                    let detail = json!({ "version": head.version, "reason": reason });
                    let entry = actor.audit(verdict.action(), ("question", head.id), detail);
                    identity::record(tx, &self.env, &entry).await?;
                }
                outcomes.push((old.id, refused));
            }
            for (bank, questions) in moved {
                let bank = store::bank_by_id(tx, bank, &Scope::All).await?;
                let bank = bank.ok_or(Error::NotFound)?;
                self.place(tx, &bank, &questions).await?;
            }
            Ok(outcomes)
        })
    }

    /// Keeps the pictures that came with a question under their hashes.
    pub(crate) async fn keep_pictures(&self, question: &Question) -> Result<()> {
        for media in question.media.iter().filter(|m| !m.bytes.is_empty()) {
            self.attachments.files().put(media.bytes.clone()).await?;
        }
        Ok(())
    }
}

fn refusal(
    head: &Head,
    version: &Version,
    looked_at: i64,
    verdict: Verdict<'_>,
    actor: &Actor,
) -> Option<Msg> {
    if head.version != looked_at {
        return Some(Msg::new("question-changed"));
    }
    if !verdict.allowed(head.state) {
        return Some(Msg::new("question-state-other"));
    }
    let decides = matches!(verdict, Verdict::Accept | Verdict::Return(_));
    let acting: Vec<AccountId> = [actor.account, actor.on_behalf]
        .into_iter()
        .flatten()
        .collect();
    let own = [version.by, version.on_behalf]
        .into_iter()
        .flatten()
        .any(|a| acting.contains(&a));
    if decides && own {
        return Some(Msg::new("question-review-own"));
    }
    let faulty = matches!(verdict, Verdict::Propose | Verdict::Accept)
        && !version.question.check().is_empty();
    faulty.then(|| Msg::new("question-faulty"))
}

/// A stem as lists show it.
pub(crate) fn beginning(stem: &str) -> String {
    let flat = stem.split_whitespace().collect::<Vec<_>>().join(" ");
    flat.chars().take(200).collect()
}

/// A path and all above it, up to the whole bank.
fn steps(points: &[String]) -> BTreeSet<String> {
    let mut out = BTreeSet::from([String::new()]);
    for point in points {
        let mut path = String::new();
        for step in point.split('/').map(str::trim).filter(|s| !s.is_empty()) {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(step);
            if path.chars().count() <= 200 {
                out.insert(path.clone());
            }
        }
    }
    out
}
