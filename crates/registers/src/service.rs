//! Entering, correcting, closing and taking back entries.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use commons::files::Files;
use commons::packs::levels::Levels;
use db::{Db, Tx};
use desk::{Attachments, Desk};
use identity::Actor;
use jiff::ToSpan;
use kernel::{
    AccountId, Date, Env, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId,
};
use ledger::Ledger;
use notices::Notices;
use organization::Organization;
use serde_json::json;

use crate::facts::Counted;
use crate::model::{
    Content, Entry, Given, Known, MOST_DECLARED, New, SIMILAR_DAYS, State, check, title_key,
};
use crate::register::{Kind, Register, Registers};
use crate::store::list::{self, By, Filter, Mark, Numbers};
use crate::store::{self, Author, Line};

/// The feature: all registers with their entries; cheap to clone.
#[derive(Clone)]
pub struct RegisterBook {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) registers: Arc<Registers>,
    pub(crate) levels: Arc<Levels>,
    pub(crate) attachments: Attachments,
    pub(crate) notices: Option<Notices>,
}

/// What happened to an entry (时间线).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `recorded`, `corrected`, `attached`, `accepted`, `returned`, `closed`, `reopened`, `rechecked` or `reversed`.
    pub act: String,
    /// The version it was about.
    pub version: i64,
    /// By which account.
    pub by: AccountId,
    /// Name of its holder; none when there is no such account.
    pub name: Option<String>,
    /// Name of the one in whose place.
    pub on_behalf: Option<String>,
    /// Why; empty where none is needed.
    pub reason: String,
    /// The day that was given with it.
    pub day: Option<Date>,
    /// When.
    pub at: Timestamp,
}

impl RegisterBook {
    /// The feature on a database and a store of files.
    pub fn new(
        db: Db,
        env: Env,
        ledger: Ledger,
        organization: Organization,
        registers: Registers,
        files: Files,
    ) -> Self {
        Self {
            attachments: Attachments::new(Desk::new(db.clone(), env.clone()), files),
            db,
            env,
            ledger,
            organization,
            registers: Arc::new(registers),
            levels: Arc::default(),
            notices: None,
        }
    }

    /// The same, in which whoever entered something hears that it was returned.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    /// The same, whose entries may have these levels of secrecy.
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.levels = Arc::new(levels);
        self
    }

    /// The registers there are.
    pub fn registers(&self) -> &Arc<Registers> {
        &self.registers
    }

    pub(crate) fn register(&self, code: &str) -> Result<&Register> {
        self.registers.get(code).ok_or(Error::NotFound)
    }

    /// Enters something: one transaction with its facts, or, where somebody else has to accept it, none yet. Sent
    /// twice with the same id it is entered once.
    ///
    /// # Errors
    /// `Invalid` per field (`another` when a similar entry is there); `NotFound` when the unit is out of scope;
    /// `Busy` when the ledger is flooded.
    pub async fn record(&self, new: &New, scope: &Scope, actor: impl Into<Actor>) -> Result<Id> {
        let (actor, by) = who(actor)?;
        let register = self.register(&new.register)?;
        let unit = self.organization.unit(new.unit, scope).await?;
        if !register.is_for(&unit.category) {
            return Err(Error::field("unit", Msg::new("register-not-for-unit")));
        }
        let known = self.known(register, [&new.given], scope).await?;
        let content = self.checked(register, &new.given, &known, None);
        let content = content.map_err(Error::Invalid)?;
        let entry = self.fresh(register, new, content, by, &actor);
        self.enter(register, &[entry], new.another, &actor, by, None)
            .await?;
        Ok(new.id)
    }

    /// An entry as it is when it comes in.
    pub(crate) fn fresh(
        &self,
        register: &Register,
        new: &New,
        content: Content,
        by: AccountId,
        actor: &Actor,
    ) -> Entry {
        let mut entry = Entry {
            id: new.id,
            register: register.code.clone(),
            unit: new.unit,
            version: 1,
            accepted: (!register.review).then_some(1),
            state: if register.review {
                State::Proposed
            } else {
                State::Accepted
            },
            late: self.is_late(register, &content),
            content,
            source: new.source.to_owned(),
            recorded_at: self.env.now(),
            recorded_by: by,
            recorded_for: actor.on_behalf,
            closed_on: None,
            closed_note: None,
            rechecked_on: None,
            recheck_on: None,
        };
        if entry.content.declared.is_none() {
            entry.recheck_on = entry.next_recheck(register);
        }
        entry
    }

    fn is_late(&self, register: &Register, content: &Content) -> bool {
        let days = register
            .late_after_days
            .filter(|_| content.declared.is_none());
        days.is_some_and(|days| self.env.today() > content.date.saturating_add(days.days()))
    }

    /// Writes entries in one transaction, all or none; `import` is the sheet they came from. Gives how many are new.
    pub(crate) async fn enter(
        &self,
        register: &Register,
        entries: &[Entry],
        another: bool,
        actor: &Actor,
        by: AccountId,
        import: Option<(Id, &str)>,
    ) -> Result<usize> {
        self.ledger.admit()?;
        let author = Author {
            by,
            on_behalf: actor.on_behalf,
        };
        let units: Vec<UnitId> = entries.iter().map(|e| e.unit).collect();
        let class = |e: &Entry| e.content.class(register).map(str::to_owned);
        let rows: Vec<_> = entries.iter().map(|e| (e.clone(), class(e))).collect();
        db::transaction!(self.db, |tx| {
            if let Some((id, name)) = import {
                let (count, now) = (entries.len() as i64, self.env.now());
                if !store::note_import(tx, id, &register.code, name, count, by, now).await? {
                    return Err(Error::Conflict(Msg::new("register-import-done")));
                }
            }
            store::take_turns(tx, &units).await?;
            let added: HashSet<Id> = store::insert(tx, &rows, author)
                .await?
                .into_iter()
                .collect();
            if added.is_empty() {
                // The form was sent twice: the first one stands, if it is the same person's.
                for entry in entries {
                    let known = store::entry(tx, entry.id, &Scope::All).await?;
                    if known.recorded_by != by || known.register != register.code {
                        return Err(Error::NotFound);
                    }
                }
                return Ok(0);
            }
            if !another && !self.similar(tx, register, entries).await?.is_empty() {
                return Err(Error::field("another", Msg::new("register-similar")));
            }
            let new = || entries.iter().filter(|e| added.contains(&e.id));
            let line = |e: &Entry, act, reason: Option<&str>, day| Line {
                entry: e.id,
                act,
                version: 1,
                reason: reason.unwrap_or_default().to_owned(),
                day,
            };
            let mut lines: Vec<Line> = new().map(|e| line(e, "recorded", None, None)).collect();
            // What a sheet brings may be closed already.
            let closed = new().filter(|e| e.closed_on.is_some());
            lines.extend(closed.map(|e| line(e, "closed", e.closed_note.as_deref(), e.closed_on)));
            store::note(tx, &lines, author, &self.env).await?;
            let counted: Vec<Counted<'_>> = new()
                .filter(|e| e.counts())
                .map(|entry| Counted {
                    register,
                    entry,
                    by,
                })
                .collect();
            self.write_facts(tx, &counted).await?;
            for entry in new() {
                self.index(tx, entry).await?;
            }
            match import {
                Some((id, _)) => {
                    let detail = json!({ "register": register.code, "entries": added.len() });
                    self.audit(tx, actor, "register.imported", id, detail)
                        .await?;
                }
                None => {
                    for entry in new() {
                        let date = kernel::format_date(entry.content.date);
                        let detail = json!({ "register": register.code, "date": date, "files": entry.content.evidence.len() });
                        self.audit(tx, actor, "register.recorded", entry.id, detail)
                            .await?;
                    }
                }
            }
            Ok(added.len())
        })
    }

    /// Those of these entries to which a similar one is there: same register, unit and title within a month.
    pub(crate) async fn similar(
        &self,
        tx: &mut Tx,
        register: &Register,
        entries: &[Entry],
    ) -> Result<HashSet<Id>> {
        let near = SIMILAR_DAYS.days();
        let dates = || entries.iter().map(|e| e.content.date);
        let (Some(first), Some(last)) = (dates().min(), dates().max()) else {
            return Ok(HashSet::new());
        };
        let (first, last) = (first.saturating_sub(near), last.saturating_add(near));
        let mut keys: Vec<String> = entries
            .iter()
            .map(|e| title_key(&e.content.title))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let mut there: HashMap<(UnitId, String), Vec<(Id, Date)>> = HashMap::new();
        let ours: HashSet<Id> = entries.iter().map(|e| e.id).collect();
        for (id, unit, key, date) in
            store::namesakes(tx, &register.code, &keys, first, last).await?
        {
            if !ours.contains(&id) {
                there.entry((unit, key)).or_default().push((id, date));
            }
        }
        let is_near = |a: Date, b: Date| a <= b.saturating_add(near) && b <= a.saturating_add(near);
        let similar = entries.iter().filter(|e| {
            let key = (e.unit, title_key(&e.content.title));
            let same = there.get(&key).into_iter().flatten();
            same.into_iter()
                .any(|(_, date)| is_near(*date, e.content.date))
        });
        Ok(similar.map(|e| e.id).collect())
    }

    /// What the names in these mean, in a few queries for all of them.
    pub(crate) async fn known<'g>(
        &self,
        register: &Register,
        givens: impl IntoIterator<Item = &'g Given> + Clone,
        scope: &Scope,
    ) -> Result<Known> {
        let mut known = Known::default();
        let names_people = givens.clone().into_iter().any(|g| !g.people.is_empty());
        let names_units = register.fields.iter().any(|f| f.kind == Kind::Unit);
        if !names_people && !names_units {
            return Ok(known);
        }
        for unit in self.organization.units(scope).await? {
            known.reach.insert(unit.id);
            known.units.insert(unit.id.to_string(), unit.id);
            known.units.insert(unit.code, unit.id);
        }
        if !names_people {
            return Ok(known);
        }
        let mut numbers: Vec<&str> = givens
            .clone()
            .into_iter()
            .flat_map(|g| g.people.iter().map(|(no, _)| no.trim()))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut tx = self.db.read().await?;
        known.people = store::people_by_staff_no(&mut tx, &numbers).await?;
        let mut wanted: Vec<(PersonId, Date)> = Vec::new();
        for given in givens {
            if let Ok(Some(date)) = commons::sheets::date(given.date.trim()) {
                let people = given.people.iter();
                let people = people.filter_map(|(no, _)| known.people.get(no.trim()));
                wanted.extend(people.map(|person| (*person, date)));
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        known.seats = Organization::units_on(&mut tx, &wanted).await?;
        Ok(known)
    }

    pub(crate) fn checked(
        &self,
        register: &Register,
        given: &Given,
        known: &Known,
        before: Option<&Content>,
    ) -> Result<Content, Vec<FieldError>> {
        let today = self.env.today();
        let mut content = check(register, given, known, &self.levels, today, before)?;
        if let Some(total) = content.declared {
            let most = if register.number.is_some() {
                1_000_000_000
            } else {
                MOST_DECLARED
            };
            // The whole of a past year: its last day stands for it.
            let past = content.date.year() < today.year();
            if !past || !(1..=most).contains(&total) {
                let field = if past { "count" } else { "year" };
                let message = Msg::new("register-declared-wrong").with("most", most);
                return Err(vec![FieldError {
                    field: field.into(),
                    message,
                }]);
            }
            content.date = Date::new(content.date.year(), 12, 31).unwrap_or(content.date);
        }
        Ok(content)
    }

    /// Corrects an entry: what it said stays as an earlier version. Where somebody else has to accept it, the
    /// version that counted counts until then.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when it was taken back or changed since `version` was looked at.
    pub async fn correct(
        &self,
        id: Id,
        version: i64,
        given: &Given,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let entry = self.entry(id, scope).await?;
        let register = self.register(&entry.register)?;
        changeable(&entry, version)?;
        let mut given = given.clone();
        // A total stays a total.
        given.declared = entry
            .content
            .declared
            .and(given.declared.or(entry.content.declared));
        let known = self.known(register, [&given], scope).await?;
        let content = self.checked(register, &given, &known, Some(&entry.content));
        let mut errors = content.as_ref().err().cloned().unwrap_or_default();
        errors.extend(reason_wrong(reason));
        if let (Some(closed), Ok(content)) = (entry.closed_on, &content)
            && content.date > closed
        {
            errors.push(FieldError {
                field: "date".into(),
                message: Msg::new("register-after-closing"),
            });
        }
        Error::if_any(errors)?;
        let content = content.map_err(Error::Invalid)?;
        if content == entry.content {
            return Err(Error::field("reason", Msg::new("register-nothing-changed")));
        }
        self.change(&entry, version, content, "corrected", reason, actor)
            .await
    }

    /// Adds evidence to an entry: a version like any other, without a reason.
    ///
    /// # Errors
    /// Those of [`Self::correct`].
    pub async fn attach(
        &self,
        id: Id,
        more: Vec<crate::model::Attached>,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let entry = self.entry(id, scope).await?;
        let mut content = entry.content.clone();
        let known: HashSet<String> = content.evidence.iter().map(|f| f.sha256.clone()).collect();
        content
            .evidence
            .extend(more.into_iter().filter(|f| !known.contains(&f.sha256)));
        if content.evidence.len() > crate::model::MOST_FILES {
            let message = Msg::new("register-evidence-many");
            let message = message.with("most", crate::model::MOST_FILES);
            return Err(Error::field("file", message));
        }
        if content.evidence.len() == entry.content.evidence.len() {
            return Err(Error::field("file", Msg::new("register-evidence-known")));
        }
        self.change(&entry, entry.version, content, "attached", "", actor)
            .await
    }

    async fn change(
        &self,
        entry: &Entry,
        version: i64,
        content: Content,
        act: &'static str,
        reason: &str,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let register = self.register(&entry.register)?;
        changeable(entry, version)?;
        self.ledger.admit()?;
        let mut now = Entry {
            version: version + 1,
            late: entry.late || self.is_late(register, &content),
            content,
            ..entry.clone()
        };
        if now.content.declared.is_none() {
            now.recheck_on = now.next_recheck(register);
        }
        if register.review {
            now.state = State::Proposed;
        } else {
            (now.state, now.accepted) = (State::Accepted, Some(now.version));
        }
        let author = Author {
            by,
            on_behalf: actor.on_behalf,
        };
        let class = now.content.class(register);
        db::transaction!(self.db, |tx| {
            if !store::change(tx, entry, &now, class, author, self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("register-changed-meanwhile")));
            }
            if now.state == State::Accepted {
                // It may have been closed since it was looked at.
                let current = store::entry(tx, entry.id, &Scope::All).await?;
                let counted = Counted {
                    register,
                    entry: &current,
                    by,
                };
                self.write_facts(tx, &[counted]).await?;
            }
            let line = Line {
                entry: entry.id,
                act,
                version: now.version,
                reason: reason.trim().to_owned(),
                day: None,
            };
            store::note(tx, &[line], author, &self.env).await?;
            self.index(tx, &now).await?;
            let action = match act {
                "attached" => "register.attached",
                _ => "register.corrected",
            };
            let detail = json!({ "register": register.code, "version": now.version });
            self.audit(tx, &actor, action, entry.id, detail).await
        })
    }

    /// Takes a whole entry back (冲正): every standing fact of it is reversed, with a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it was taken back before or changed meanwhile.
    pub async fn reverse(
        &self,
        id: Id,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        Error::if_any(reason_wrong(reason))?;
        let author = Author {
            by,
            on_behalf: actor.on_behalf,
        };
        db::transaction!(self.db, |tx| {
            let entry = store::entry(tx, id, scope).await?;
            if entry.state == State::Reversed {
                return Err(Error::Conflict(Msg::new("register-reversed")));
            }
            if !store::reverse(tx, &entry).await? {
                return Err(Error::Conflict(Msg::new("register-changed-meanwhile")));
            }
            let facts = self.take_back(tx, &entry, by).await?;
            let line = Line {
                entry: id,
                act: "reversed",
                version: entry.version,
                reason: reason.trim().to_owned(),
                day: None,
            };
            store::note(tx, &[line], author, &self.env).await?;
            let detail = json!({ "register": entry.register, "facts": facts });
            self.audit(tx, &actor, "register.reversed", id, detail)
                .await
        })
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
        let entry = actor.audit(action, ("register-entry", id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// An entry.
    ///
    /// # Errors
    /// `NotFound` when it is out of scope.
    pub async fn entry(&self, id: Id, scope: &Scope) -> Result<Entry> {
        store::entry(&mut self.db.read().await?, id, scope).await
    }

    /// All versions and the timeline of an entry, in one snapshot with it.
    pub(crate) async fn whole(
        &self,
        id: Id,
        scope: &Scope,
    ) -> Result<(Entry, Vec<(i64, Content)>, Vec<Event>)> {
        let mut tx = self.db.read().await?;
        let entry = store::entry(&mut tx, id, scope).await?;
        let versions = store::versions(&mut tx, id).await?;
        let events = store::events(&mut tx, id).await?;
        Ok((entry, versions, events))
    }

    /// A page of entries behind a mark, or before it, and how many there are in all.
    pub(crate) async fn page(
        &self,
        scope: &Scope,
        filter: &Filter,
        by: By,
        (mark, back): (Option<Mark>, bool),
        size: i64,
    ) -> Result<(Vec<Entry>, i64)> {
        let mut tx = self.db.read().await?;
        let total = list::count(&mut tx, scope, filter).await?;
        let rows = list::page(&mut tx, scope, filter, by, mark, back, size).await?;
        Ok((rows, total))
    }

    /// The same without their number, for what is read chunk by chunk.
    pub(crate) async fn rows(
        &self,
        scope: &Scope,
        filter: &Filter,
        by: By,
        mark: Option<Mark>,
        size: i64,
    ) -> Result<Vec<Entry>> {
        let mut tx = self.db.read().await?;
        list::page(&mut tx, scope, filter, by, mark, false, size).await
    }

    /// Numbers of all registers in a scope: this year's entries, and what waits.
    pub(crate) async fn numbers(&self, scope: &Scope) -> Result<HashMap<String, Numbers>> {
        let today = self.env.today();
        let first = Date::new(today.year(), 1, 1).unwrap_or(today);
        list::numbers(&mut self.db.read().await?, scope, first, today).await
    }
}

/// Refuses an entry that was taken back or changed since a version was looked at.
fn changeable(entry: &Entry, version: i64) -> Result<()> {
    let key = match entry.state {
        State::Reversed => "register-reversed",
        _ if entry.version != version => "register-changed-meanwhile",
        _ => return Ok(()),
    };
    Err(Error::Conflict(Msg::new(key)))
}

/// What is wrong with a reason.
pub(crate) fn reason_wrong(reason: &str) -> Vec<FieldError> {
    match note_wrong(reason) {
        true => vec![FieldError {
            field: "reason".into(),
            message: Msg::new("register-reason-missing"),
        }],
        false => Vec::new(),
    }
}

pub(crate) fn note_wrong(note: &str) -> bool {
    let note = note.trim();
    !(2..=200).contains(&note.chars().count()) || note.contains(char::is_control)
}

/// Who acts; the program itself records nothing.
pub(crate) fn who(actor: impl Into<Actor>) -> Result<(Actor, AccountId)> {
    let actor = actor.into();
    let account = actor.account.ok_or(Error::Forbidden)?;
    Ok((actor, account))
}
