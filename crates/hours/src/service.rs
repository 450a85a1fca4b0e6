//! Entering, correcting, reviewing and taking back outside training.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use commons::files::Files;
use db::{Db, Tx};
use desk::{Attachments, Desk};
use identity::{Actor, Identity};
use kernel::{
    AccountId, Calendar, Date, Env, Error, FactId, Id, Msg, PersonId, Result, Scope, Timestamp,
    UnitId,
};
use ledger::{Fact, Ledger, PlaceId, Sources};
use notices::{Notice, Notices, Reader};
use organization::Organization;
use serde_json::json;

use crate::model::{Entry, Given, New, Record, Stage, changeable, check, reason_wrong};
use crate::rules::HourRules;
use crate::source::HOURS;
use crate::store::{self, Author, Line, Sight};

/// Records decided on in one go.
pub(crate) const MOST: usize = 200;

/// The ledger of hours; cheap to clone.
#[derive(Clone)]
pub struct Hours {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) rules: Arc<HourRules>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) attachments: Attachments,
    pub(crate) notices: Option<Notices>,
    pub(crate) sources: Sources,
}

/// What happened to a record (时间线).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `recorded`, `corrected`, `accepted`, `returned` or `reversed`.
    pub act: String,
    /// The version it was about.
    pub version: i64,
    /// By whom; none when there is no such account.
    pub name: Option<String>,
    /// In whose place.
    pub on_behalf: Option<String>,
    /// Why; empty where none is needed.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What is decided on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'r> {
    /// It counts as it was claimed (通过).
    Accept,
    /// So many hours and days of it count, in thousandths (核定).
    Recognise(i64, i64),
    /// Whoever entered it looks at it again, for a reason (退回).
    Return(&'r str),
}

/// What became of one that was to be decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The record.
    pub record: Record,
    /// Why nothing was decided; none: it was.
    pub refused: Option<Msg>,
}

impl Hours {
    /// The ledger of hours on a database and a store of files, with the rules and the working calendar of the packs.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        rules: HourRules,
        calendar: Calendar,
        files: Files,
    ) -> Self {
        Self {
            attachments: Attachments::new(Desk::new(db.clone(), env.clone()), files),
            db,
            env,
            ledger,
            organization,
            rules: Arc::new(rules),
            calendar: Arc::new(calendar),
            notices: None,
            sources: Sources::default(),
        }
    }

    /// The same, in which people hear what became of their records.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    /// The same, whose rows lead to what stands behind them.
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The rules there are.
    pub fn rules(&self) -> &Arc<HourRules> {
        &self.rules
    }

    /// Enters a record of somebody in the scope, or of oneself (`own`); it counts once somebody else accepted it.
    /// Sent twice with the same id it is entered once.
    ///
    /// # Errors
    /// `Invalid` per field (`title` when it is known already); `NotFound` when the person is out of scope.
    pub async fn enter(
        &self,
        new: &New,
        scope: &Scope,
        own: Option<PersonId>,
        actor: impl Into<Actor>,
    ) -> Result<Id> {
        let (actor, by) = who(actor)?;
        let entry = check(&self.rules, &new.given, self.env.today()).map_err(Error::Invalid)?;
        let unit = self.unit_of(new.person, entry.to, scope, own).await?;
        let record = self.fresh((new.id, new.person, unit), entry, new.source, by);
        if self.write(&[record], &actor, by, None).await? == 0 {
            // The form was sent twice, or it is known already.
            let sight = Sight {
                scope: &Scope::All,
                person: None,
            };
            let known = store::record(&mut self.db.read().await?, new.id, &sight).await;
            return match known {
                Ok(known) if known.recorded_by == by => Ok(new.id),
                Ok(_) => Err(Error::NotFound),
                Err(_) => Err(Error::field("title", Msg::new("hours-known"))),
            };
        }
        Ok(new.id)
    }

    pub(crate) fn fresh(
        &self,
        (id, person, unit): (Id, PersonId, UnitId),
        entry: Entry,
        source: &str,
        by: AccountId,
    ) -> Record {
        Record {
            id,
            person,
            unit,
            entry,
            version: 1,
            accepted: None,
            recognised: None,
            stage: Stage::Proposed,
            source: source.to_owned(),
            recorded_at: self.env.now(),
            recorded_by: by,
        }
    }

    /// Where somebody was counted on a day, if one may enter something for them.
    async fn unit_of(
        &self,
        person: PersonId,
        day: Date,
        scope: &Scope,
        own: Option<PersonId>,
    ) -> Result<UnitId> {
        if own != Some(person) {
            self.organization.person(person, scope).await?;
        }
        let unit = self.organization.unit_of(person, day).await?;
        unit.ok_or_else(|| Error::field("to", Msg::new("hours-nowhere")))
    }

    /// Writes new records in one transaction; gives how many were neither there nor known. `import` is the sheet they
    /// came from: then all are new or none is written.
    pub(crate) async fn write(
        &self,
        records: &[Record],
        actor: &Actor,
        by: AccountId,
        import: Option<(Id, &str)>,
    ) -> Result<usize> {
        let author = author(actor, by);
        db::transaction!(self.db, |tx| {
            if let Some((id, name)) = import {
                let (count, now) = (records.len() as i64, self.env.now());
                if !store::note_import(tx, (id, name), count, by, now).await? {
                    return Err(Error::Conflict(Msg::new("hours-import-done")));
                }
            }
            let added: HashSet<Id> = store::insert(tx, records, author)
                .await?
                .into_iter()
                .collect();
            if import.is_some() && added.len() < records.len() {
                return Err(Error::field("file", Msg::new("hours-import-changed")));
            }
            let new = || records.iter().filter(|r| added.contains(&r.id));
            let lines: Vec<Line> = new().map(|r| line(r, "recorded", "")).collect();
            store::note(tx, &lines, author, &self.env).await?;
            match import {
                Some((id, _)) => {
                    let detail = json!({ "records": added.len() });
                    self.audit(tx, actor, "hours.imported", id, detail).await?;
                }
                None => {
                    for r in new() {
                        let date = kernel::format_date(r.entry.to);
                        let detail = json!({ "person": r.person, "date": date, "files": r.entry.evidence.len() });
                        self.audit(tx, actor, "hours.recorded", r.id, detail)
                            .await?;
                    }
                }
            }
            Ok(added.len())
        })
    }

    /// Corrects a record: what it said stays as an earlier version, and what counted counts until somebody else
    /// accepts the new one.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when it was taken back or changed since `version` was looked at.
    pub async fn correct(
        &self,
        (id, version): (Id, i64),
        given: &Given,
        reason: &str,
        scope: &Scope,
        own: Option<PersonId>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let record = self.record(id, scope, own).await?;
        changeable(&record, version)?;
        let mut given = given.clone();
        given.declared = record.entry.declared;
        let entry = check(&self.rules, &given, self.env.today());
        let mut errors = entry.as_ref().err().cloned().unwrap_or_default();
        errors.extend(reason_wrong(reason));
        Error::if_any(errors)?;
        let entry = entry.map_err(Error::Invalid)?;
        if entry == record.entry {
            return Err(Error::field("reason", Msg::new("hours-nothing-changed")));
        }
        let unit = self.organization.unit_of(record.person, entry.to).await?;
        let unit = unit.ok_or_else(|| Error::field("to", Msg::new("hours-nowhere")))?;
        let now = Record {
            version: version + 1,
            stage: Stage::Proposed,
            entry,
            unit,
            ..record.clone()
        };
        if now.entry.key(now.person) != record.entry.key(record.person) {
            let keys = [now.entry.key(now.person)];
            if !store::known(&mut self.db.read().await?, &keys)
                .await?
                .is_empty()
            {
                return Err(Error::field("title", Msg::new("hours-known")));
            }
        }
        let author = author(&actor, by);
        db::transaction!(self.db, |tx| {
            if !store::change(tx, &record, &now, author, self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("hours-changed-meanwhile")));
            }
            store::note(tx, &[line(&now, "corrected", reason)], author, &self.env).await?;
            let detail = json!({ "version": now.version });
            self.audit(tx, &actor, "hours.corrected", id, detail).await
        })
    }

    /// Takes a record back (冲正) with its hours, for a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it was taken back before or changed meanwhile.
    pub async fn reverse(
        &self,
        id: Id,
        reason: &str,
        scope: &Scope,
        own: Option<PersonId>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        Error::if_any(reason_wrong(reason))?;
        let author = author(&actor, by);
        db::transaction!(self.db, |tx| {
            let sight = Sight { scope, person: own };
            let record = store::record(tx, id, &sight).await?;
            if record.stage == Stage::Reversed {
                return Err(Error::Conflict(Msg::new("hours-reversed")));
            }
            // What was accepted is taken back by whoever may record for others, not by whose hours they are.
            let officer = Sight {
                scope,
                person: None,
            };
            if record.accepted.is_some() && store::record(tx, id, &officer).await.is_err() {
                return Err(Error::Conflict(Msg::new("hours-reverse-officer")));
            }
            if !store::reverse(tx, &record).await? {
                return Err(Error::Conflict(Msg::new("hours-changed-meanwhile")));
            }
            let facts = self.take_back(tx, id, by).await?;
            store::note(tx, &[line(&record, "reversed", reason)], author, &self.env).await?;
            let detail = json!({ "facts": facts });
            self.audit(tx, &actor, "hours.reversed", id, detail).await
        })
    }

    async fn take_back(&self, tx: &mut Tx, id: Id, by: AccountId) -> Result<usize> {
        let standing = self.ledger.standing(tx, id).await?;
        let ids: Vec<FactId> = standing.iter().map(|f| f.id).collect();
        if !ids.is_empty() {
            self.ledger.reverse(tx, &ids, Some(by)).await?;
        }
        Ok(ids.len())
    }

    /// Decides on versions in one transaction, each as it was looked at. What is out of scope is left out of the answer;
    /// nobody decides on what they wrote themselves, nor on their own hours.
    ///
    /// # Errors
    /// `Invalid` without a reason for a return or with wrong amounts; `Conflict` when there are too many.
    pub async fn review(
        &self,
        picks: &[(Id, i64)],
        verdict: Verdict<'_>,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<Vec<Outcome>> {
        let (actor, by) = who(actor)?;
        let reason = match verdict {
            Verdict::Return(reason) => {
                Error::if_any(reason_wrong(reason))?;
                reason.trim()
            }
            _ => "",
        };
        if picks.len() > MOST {
            let message = Msg::new("hours-review-many").with("most", MOST);
            return Err(Error::Conflict(message));
        }
        let picked: HashMap<Id, i64> = picks.iter().copied().collect();
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        self.ledger.admit()?;
        let ids: Vec<Id> = picked.keys().copied().collect();
        let written = author(&actor, by);
        let acting: Vec<AccountId> = [actor.account, actor.on_behalf]
            .into_iter()
            .flatten()
            .collect();
        db::transaction!(self.db, |tx| {
            let mut me = HashSet::new();
            for account in &acting {
                me.extend(Identity::person_of(tx, *account).await?);
            }
            let sight = Sight {
                scope,
                person: None,
            };
            let records = store::some(tx, &ids, &sight).await?;
            let authors = match records.is_empty() {
                true => Vec::new(),
                false => store::pending_authors(tx, &ids).await?,
            };
            let own = |id: Id| {
                let mine = |a: &AccountId| acting.contains(a);
                authors
                    .iter()
                    .any(|(r, _, by, of)| *r == id && (mine(by) || of.as_ref().is_some_and(mine)))
            };
            let mut outcomes = Vec::new();
            let (mut lines, mut counted) = (Vec::new(), Vec::new());
            for mut record in records {
                let key = match record.stage {
                    Stage::Reversed => Some("hours-reversed"),
                    Stage::Accepted | Stage::Returned => Some("hours-review-done"),
                    Stage::Proposed if own(record.id) => Some("hours-review-own"),
                    Stage::Proposed if me.contains(&record.person) => Some("hours-review-self"),
                    Stage::Proposed if picked[&record.id] != record.version => {
                        Some("hours-changed-meanwhile")
                    }
                    Stage::Proposed => None,
                };
                let entry = &record.entry;
                let amounts = match verdict {
                    Verdict::Accept => Some((entry.hours, entry.days)),
                    Verdict::Recognise(hours, days) => {
                        let fine =
                            (1..=entry.hours).contains(&hours) && (0..=entry.days).contains(&days);
                        if !fine {
                            return Err(Error::field("hours", Msg::new("hours-recognised-wrong")));
                        }
                        Some((hours, days))
                    }
                    Verdict::Return(_) => None,
                };
                let mut refused = key.map(Msg::new);
                if refused.is_none() && !store::decide(tx, &record, amounts).await? {
                    refused = Some(Msg::new("hours-review-done"));
                }
                if refused.is_none() {
                    let (act, stage) = match amounts {
                        Some(_) => ("accepted", Stage::Accepted),
                        None => ("returned", Stage::Returned),
                    };
                    record.stage = stage;
                    if amounts.is_some() {
                        (record.accepted, record.recognised) = (Some(record.version), amounts);
                        self.take_back(tx, record.id, by).await?;
                        counted.push(record.clone());
                    }
                    lines.push(line(&record, act, reason));
                }
                outcomes.push(Outcome { record, refused });
            }
            self.count(tx, &counted, &authors).await?;
            store::note(tx, &lines, written, &self.env).await?;
            for line in &lines {
                let action = match line.act {
                    "accepted" => "hours.accepted",
                    _ => "hours.returned",
                };
                let detail = json!({ "version": line.version });
                self.audit(tx, &actor, action, line.record, detail).await?;
            }
            if let Verdict::Return(_) = verdict {
                let returned = outcomes.iter().filter(|o| o.refused.is_none());
                for outcome in returned {
                    self.tell_returned(tx, &outcome.record, &authors, reason)
                        .await?;
                }
            }
            Ok(outcomes)
        })
    }

    /// Writes the facts of records that were just accepted: one each, under the name of who wrote it.
    async fn count(
        &self,
        tx: &mut Tx,
        records: &[Record],
        authors: &[(Id, i64, AccountId, Option<AccountId>)],
    ) -> Result<()> {
        let mut wanted: Vec<(UnitId, Date)> =
            records.iter().map(|r| (r.unit, r.entry.to)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let paths = self.organization.paths_on(tx, &wanted).await?;
        let mut places: HashMap<(UnitId, Date), PlaceId> = HashMap::new();
        for (key, path) in &paths {
            places.insert(*key, self.ledger.place(tx, path).await?);
        }
        let mut facts = Vec::new();
        for r in records {
            let e = &r.entry;
            let place = *places.get(&(r.unit, e.to)).ok_or(Error::NotFound)?;
            let (hours, days) = r.recognised.unwrap_or_default();
            let way = self.rules.way(&e.way);
            let mut f = Fact::new(
                self.env.new_id(),
                HOURS,
                place,
                e.to,
                r.id,
                &r.source,
                self.env.now(),
            );
            f.category = Some(e.way.clone());
            f.role = (!e.content.is_empty()).then(|| e.content.clone());
            f.person = Some(r.person);
            f.quantity = Some(hours);
            f.score = (days > 0).then_some(days / 10);
            f.minutes = way.map(|w| hours * w.minutes / 1000);
            f.evidence = e.evidence.iter().map(|a| a.sha256.clone()).collect();
            let writer = authors
                .iter()
                .find(|(id, n, ..)| *id == r.id && *n == r.version);
            f.recorded_by = Some(writer.map_or(r.recorded_by, |(_, _, by, _)| *by));
            facts.push(f);
        }
        self.ledger.append(tx, &facts).await
    }

    async fn tell_returned(
        &self,
        tx: &mut Tx,
        record: &Record,
        authors: &[(Id, i64, AccountId, Option<AccountId>)],
        reason: &str,
    ) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let message = Msg::new("notice-hours-returned");
        let notice = Notice {
            message: message
                .with("title", &record.entry.title)
                .with("reason", reason),
            href: href(record.id),
            about: ("hour-record", record.id.to_string()),
            dedupe: None,
            confidential: false,
        };
        let mut readers = Vec::new();
        for (_, _, account, _) in authors.iter().filter(|(id, ..)| *id == record.id) {
            let person = Identity::person_of(tx, *account).await?;
            let reader = person.map_or(Reader::Account(*account), Reader::Person);
            if !readers.contains(&reader) {
                readers.push(reader);
            }
        }
        notices.send(tx, &readers, &notice).await
    }

    /// What was done is in the audit trail by the same transaction.
    pub(crate) async fn audit(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: Id,
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = actor.audit(action, ("hour-record", id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// A record in a scope, or of oneself.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn record(&self, id: Id, scope: &Scope, own: Option<PersonId>) -> Result<Record> {
        let sight = Sight { scope, person: own };
        store::record(&mut self.db.read().await?, id, &sight).await
    }

    /// All versions and the timeline of a record, in one snapshot with it.
    pub(crate) async fn whole(
        &self,
        id: Id,
        scope: &Scope,
        own: Option<PersonId>,
    ) -> Result<(Record, Vec<(i64, Entry)>, Vec<Event>)> {
        let mut tx = self.db.read().await?;
        let record = store::record(&mut tx, id, &Sight { scope, person: own }).await?;
        let versions = store::versions(&mut tx, id).await?;
        let events = store::events(&mut tx, id).await?;
        Ok((record, versions, events))
    }

    /// What waits for an actor's word in a scope, the oldest first, and how many there are: neither what they wrote
    /// themselves nor their own hours.
    pub async fn waiting(
        &self,
        scope: &Scope,
        actor: &Actor,
        (size, offset): (i64, i64),
    ) -> Result<(Vec<Record>, i64)> {
        let mut tx = self.db.read().await?;
        let Some((acting, me)) = hands(&mut tx, actor).await? else {
            return Ok((Vec::new(), 0));
        };
        store::waiting(&mut tx, scope, &acting, me, (size, offset)).await
    }

    /// Whether one record waits for an actor's word.
    pub(crate) async fn waits_for(&self, id: Id, scope: &Scope, actor: &Actor) -> Result<bool> {
        let mut tx = self.db.read().await?;
        match hands(&mut tx, actor).await? {
            Some((acting, me)) => store::is_waiting(&mut tx, id, scope, &acting, me).await,
            None => Ok(false),
        }
    }
}

/// The accounts that act, and the person who does; none for the program itself.
async fn hands(tx: &mut Tx, actor: &Actor) -> Result<Option<(Vec<AccountId>, Option<PersonId>)>> {
    let Some(account) = actor.account else {
        return Ok(None);
    };
    let acting = [Some(account), actor.on_behalf].into_iter().flatten();
    let me = Identity::person_of(tx, account).await?;
    Ok(Some((acting.collect(), me)))
}

fn author(actor: &Actor, by: AccountId) -> Author {
    Author {
        by,
        on_behalf: actor.on_behalf,
    }
}

fn line(record: &Record, act: &'static str, reason: &str) -> Line {
    Line {
        record: record.id,
        act,
        version: record.version,
        reason: reason.trim().to_owned(),
    }
}

/// Where a record is shown.
pub(crate) fn href(id: Id) -> String {
    format!("/hours/records/{id}")
}

/// Who acts; the program itself records nothing.
pub(crate) fn who(actor: impl Into<Actor>) -> Result<(Actor, AccountId)> {
    let actor = actor.into();
    let account = actor.account.ok_or(Error::Forbidden)?;
    Ok((actor, account))
}
