//! Matters: written, changed, looked at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use approvals::{Approval, Approvals};
use commons::packs::levels::Levels;
use db::{Db, Tx};
use desk::{Attached, Attachments};
use identity::{Actor, Held as Holding, Identity};
use kernel::{AccountId, Calendar, Date, Env, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use ledger::Ledger;
use notices::{Notice, Notices, Reader};
use organization::{Organization, finding};
use serde_json::json;
use sha2::{Digest, Sha256};
use web::table::{Order, Window};

use crate::ANSWER;
use crate::kind::{MatterKind, MatterKinds};
use crate::model::{Content, Eyes, FILES, Filter, Matter, New, State, checked};
use crate::store::{self, Event};

/// Matters; cheap to clone.
#[derive(Clone)]
pub struct Matters {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) notices: Notices,
    pub(crate) kinds: Arc<MatterKinds>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) levels: Arc<Levels>,
    pub(crate) attachments: Attachments,
    pub(crate) approvals: Option<Approvals>,
    rules: Arc<Mutex<HashMap<String, Arc<MatterKind>>>>,
}

/// A matter with what belongs to it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// As lists have it.
    pub matter: Matter,
    /// Its kind, as it was when it was written.
    pub kind: Arc<MatterKind>,
    /// What happened, the last first.
    pub events: Vec<Event>,
    /// Who wrote, received and answered it, by name.
    pub accounts: HashMap<AccountId, String>,
    /// Whether the reader may mend and send it.
    pub may_write: bool,
    /// Whether the reader may receive and answer it.
    pub may_answer: bool,
    /// Whether its approval was returned to be mended.
    pub returned: bool,
}

pub(crate) fn conflict(key: &'static str) -> Error {
    Error::Conflict(Msg::new(key))
}

pub(crate) fn moved_on() -> Error {
    conflict("matters-moved-on")
}

/// A code of a kind of approval. Kinds are named by texts that live as long as the program; there are as many as kinds of
/// matters, however often packs are read again.
pub(crate) fn lasting(code: &str) -> &'static str {
    static KNOWN: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    match known.get(code) {
        Some(code) => code,
        None => {
            let code: &'static str = Box::leak(code.to_owned().into_boxed_str());
            known.insert(code);
            code
        }
    }
}

impl Matters {
    /// Matters in a database; they cannot be approved yet.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        notices: Notices,
        (kinds, calendar): (MatterKinds, Calendar),
        attachments: Attachments,
    ) -> Self {
        Self {
            db,
            env,
            ledger,
            organization,
            notices,
            kinds: kinds.into(),
            calendar: calendar.into(),
            levels: Arc::default(),
            attachments,
            approvals: None,
            rules: Arc::default(),
        }
    }

    /// The same, which are approved by approvals; these must know [`crate::Decision`].
    pub fn with_approvals(mut self, approvals: Approvals) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// The same, whose matters may have these levels of secrecy.
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.levels = levels.into();
        self
    }

    /// The kinds that there are now.
    pub fn kinds(&self) -> &Arc<MatterKinds> {
        &self.kinds
    }

    pub(crate) fn approvals(&self) -> Result<&Approvals> {
        let approvals = self.approvals.as_ref();
        approvals.ok_or_else(|| Error::internal("no approvals"))
    }

    /// Kinds as matters keep them, by hash.
    pub(crate) async fn rules(
        &self,
        tx: &mut Tx,
        hashes: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, Arc<MatterKind>>> {
        let wanted: BTreeSet<&str> = hashes.into_iter().collect();
        let lock = || self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |h: &&str| Some(((*h).to_owned(), lock().get(*h)?.clone()));
        let mut known: HashMap<String, Arc<MatterKind>> = wanted.iter().filter_map(of).collect();
        let missing: Vec<&str> = wanted
            .into_iter()
            .filter(|h| !known.contains_key(*h))
            .collect();
        if !missing.is_empty() {
            for (hash, kind) in store::rules(tx, &missing).await? {
                let kind = Arc::new(kind);
                lock().insert(hash.clone(), kind.clone());
                known.insert(hash, kind);
            }
        }
        Ok(known)
    }

    pub(crate) async fn rule(&self, tx: &mut Tx, hash: &str) -> Result<Arc<MatterKind>> {
        let missing = || Error::internal("a matter without its kind");
        self.rules(tx, [hash])
            .await?
            .remove(hash)
            .ok_or_else(missing)
    }

    /// The units that may receive what a unit sends, the nearest above first, the unit itself last.
    pub async fn receivers(&self, unit: UnitId) -> Result<Vec<UnitId>> {
        let mut tx = self.db.read().await?;
        above(&mut tx, unit).await
    }

    /// Those who receive what comes to a unit: holders of the permission there, or in the nearest unit above that has some.
    pub(crate) async fn at_door(&self, tx: &mut Tx, m: &Matter) -> Result<Vec<PersonId>> {
        let Some(to) = m.to else {
            return Ok(Vec::new());
        };
        let paths = finding::paths(tx, &[to]).await?;
        let path = paths.get(&to).cloned().unwrap_or_default();
        let mut own: Vec<PersonId> = m.person.into_iter().collect();
        if let Some(author) = m.author {
            own.extend(store::person_of(tx, author).await?);
        }
        for unit in path.into_iter().rev() {
            let held = Holding::Permission(ANSWER);
            let mut found = Identity::holders(tx, held, unit, self.env.today()).await?;
            found.retain(|p| !own.contains(p));
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Takes a matter that somebody may see, to act on it.
    pub(crate) async fn hold(
        &self,
        tx: &mut Tx,
        id: Id,
        seen: Option<i64>,
        eyes: &Eyes,
    ) -> Result<(Matter, Arc<MatterKind>)> {
        if !store::is_seen(tx, id, eyes).await? {
            return Err(Error::NotFound);
        }
        let m = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
        let kind = self.rule(tx, &m.rule).await?;
        match seen.is_some_and(|seen| seen != m.version) {
            true => Err(moved_on()),
            false => Ok((m, kind)),
        }
    }

    /// Whether somebody may write in the name of a matter: their own, or one of a unit for which they write.
    pub(crate) async fn writes(&self, tx: &mut Tx, m: &Matter, eyes: &Eyes) -> Result<bool> {
        let unit = m.person.is_none() && store::within(tx, &eyes.writes, m.unit).await?;
        Ok(unit || eyes.owns(m))
    }

    /// Whether somebody may receive and answer a matter: nobody what is their own.
    pub(crate) async fn answers(&self, tx: &mut Tx, m: &Matter, eyes: &Eyes) -> Result<bool> {
        match m.to {
            Some(to) if !eyes.owns(m) => store::within(tx, &eyes.answers, to).await,
            _ => Ok(false),
        }
    }

    /// The same as [`Self::hold`], for those who write it.
    pub(crate) async fn run(
        &self,
        tx: &mut Tx,
        id: Id,
        seen: Option<i64>,
        eyes: &Eyes,
    ) -> Result<(Matter, Arc<MatterKind>)> {
        let (m, kind) = self.hold(tx, id, seen, eyes).await?;
        match self.writes(tx, &m, eyes).await? {
            true => Ok((m, kind)),
            false => Err(Error::Forbidden),
        }
    }

    /// Saves a matter one version further, with what happened and an entry of the audit trail.
    pub(crate) async fn happened(
        &self,
        tx: &mut Tx,
        m: &mut Matter,
        act: &str,
        reason: &str,
        actor: &Actor,
    ) -> Result<()> {
        store::save(tx, m, self.env.now()).await?;
        store::note(tx, m, act, reason, actor.into()).await?;
        let action = match act {
            "written" | "changed" => "matter.written",
            "received" | "answered" | "sent-back" => "matter.answered",
            _ => "matter.moved",
        };
        let detail = json!({ "act": act, "kind": m.kind, "version": m.version });
        let entry = actor.audit(action, ("matter", m.id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// Tells people about a matter, each once with the same word. What is sealed is not called by its title.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        (m, kind): (&Matter, &MatterKind),
        people: &[PersonId],
        message: Msg,
        once: &str,
    ) -> Result<()> {
        let to: Vec<Reader> = people.iter().copied().map(Reader::Person).collect();
        let notice = Notice {
            message: message.with("title", m.called(kind)),
            href: m.href(),
            about: ("matter", m.id.to_string()),
            dedupe: Some(format!("matter-{}-{once}", m.id)),
            confidential: m.sealed,
        };
        self.notices.send(tx, &to, &notice).await
    }

    /// Whose matter it is: whom it is about, and who wrote it.
    pub(crate) async fn owners(&self, tx: &mut Tx, m: &Matter) -> Result<Vec<PersonId>> {
        let mut people: Vec<PersonId> = m.person.into_iter().collect();
        if let Some(author) = m.author {
            people.extend(store::person_of(tx, author).await?);
        }
        people.dedup();
        Ok(people)
    }

    /// Whose matter a new one is, and of which unit. A personal one is about who writes it, or about somebody of units for which
    /// they write.
    async fn whose(
        &self,
        new: &New,
        kind: &MatterKind,
        eyes: &Eyes,
    ) -> Result<(UnitId, Option<PersonId>)> {
        let mut tx = self.db.read().await?;
        if !kind.personal {
            let unit = new.unit.ok_or(Error::NotFound)?;
            return match store::within(&mut tx, &eyes.writes, unit).await? {
                true => Ok((unit, None)),
                false => Err(Error::NotFound),
            };
        }
        let nobody = || Error::field("person", Msg::new("matters-person-missing"));
        let person = new.person.or(eyes.person).ok_or_else(nobody)?;
        let unit = self.organization.unit_of(person, self.env.today()).await?;
        let unit =
            unit.ok_or_else(|| Error::field("person", Msg::new("matters-person-nowhere")))?;
        match eyes.person == Some(person) || store::within(&mut tx, &eyes.writes, unit).await? {
            true => Ok((unit, Some(person))),
            false => Err(Error::NotFound),
        }
    }

    /// Writes a matter; sent twice with the same id it is written once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit or person is out of scope or the id is another's.
    pub async fn write(
        &self,
        new: &New,
        files: &[Attached],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        let unknown = || Error::field("kind", Msg::new("matters-kind-unknown"));
        let kind = self.kinds.get(&new.kind).ok_or_else(unknown)?;
        let body = serde_json::to_vec(kind).map_err(Error::internal)?;
        let rule = hex::encode(Sha256::digest(body));
        let content = checked(&new.content, kind, &self.levels)?;
        few_enough(files)?;
        let (unit, person) = self.whose(new, kind, eyes).await?;
        let to = self.addressee(kind, unit, new.to).await?;
        let now = self.env.now();
        let [starts, ends] = kind.days().map(|field| content.day(field));
        db::transaction!(self.db, |tx| {
            store::put_rule(tx, &rule, kind).await?;
            let mut m = Matter {
                id: new.id,
                kind: kind.code.clone(),
                rule: rule.clone(),
                number: None,
                unit,
                to,
                person,
                author: actor.account,
                state: State::Draft,
                sealed: kind.sealed,
                content: content.clone(),
                files: files.to_vec(),
                starts,
                ends,
                sent_on: None,
                late: false,
                received_on: None,
                received_by: None,
                reply_due: None,
                outcome: None,
                reply: Default::default(),
                replied_on: None,
                replied_by: None,
                after_due: None,
                after_on: None,
                after: Default::default(),
                approval: None,
                version: 0,
                created_at: now,
                updated_at: now,
            };
            if !store::insert(tx, &m).await? {
                let known = store::one(tx, new.id).await?.ok_or(Error::NotFound)?;
                return match known.author == actor.account {
                    true => Ok(new.id),
                    false => Err(Error::NotFound),
                };
            }
            self.happened(tx, &mut m, "written", "", actor).await?;
            store::put_content(tx, &m, actor.into()).await?;
            Ok(new.id)
        })
    }

    /// The unit that receives: one above, or the unit itself.
    async fn addressee(
        &self,
        kind: &MatterKind,
        unit: UnitId,
        wanted: Option<UnitId>,
    ) -> Result<Option<UnitId>> {
        if !kind.received {
            return Ok(None);
        }
        let above = self.receivers(unit).await?;
        match wanted {
            None => Ok(above.first().copied()),
            Some(to) if above.contains(&to) => Ok(Some(to)),
            Some(_) => Err(Error::field("to", Msg::new("matters-to-unknown"))),
        }
    }

    /// Mends what was not sent yet or was sent back; what it said before stays.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it was changed since, or is on its way.
    pub async fn change(
        &self,
        id: Id,
        seen: i64,
        (content, to): (&Content, Option<UnitId>),
        files: &[Attached],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        few_enough(files)?;
        let returned = self.is_returned(id, eyes).await?;
        db::transaction!(self.db, |tx| {
            let (mut m, kind) = self.run(tx, id, Some(seen), eyes).await?;
            if m.state != State::Draft && !(m.state == State::Asked && returned) {
                return Err(conflict("matters-not-now"));
            }
            let content = checked(content, &kind, &self.levels)?;
            if let Some(to) = to.filter(|_| kind.received) {
                if !above(tx, m.unit).await?.contains(&to) {
                    return Err(Error::field("to", Msg::new("matters-to-unknown")));
                }
                m.to = Some(to);
            }
            [m.starts, m.ends] = kind.days().map(|field| content.day(field));
            (m.content, m.files) = (content, files.to_vec());
            self.happened(tx, &mut m, "changed", "", actor).await?;
            store::put_content(tx, &m, actor.into()).await
        })
    }

    /// The approval on which a matter is, for those who take part in it.
    pub(crate) async fn on_route(&self, m: &Matter, eyes: &Eyes) -> Result<Option<Approval>> {
        let (Some(approvals), Some(id)) = (&self.approvals, m.approval) else {
            return Ok(None);
        };
        let nothing = Scope::nothing();
        match approvals.approval(id, eyes.person, &nothing).await {
            Ok((approval, ..)) => Ok(Some(approval)),
            Err(Error::NotFound) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Whether the route gave a matter back to its writer.
    pub(crate) async fn is_returned(&self, id: Id, eyes: &Eyes) -> Result<bool> {
        let m = store::one(&mut self.db.read().await?, id).await?;
        let m = m.ok_or(Error::NotFound)?;
        if m.state != State::Asked {
            return Ok(false);
        }
        let approval = self.on_route(&m, eyes).await?;
        Ok(approval.is_some_and(|a| a.case.state == approvals::State::Returned))
    }

    /// A matter with all there is to know; what one may not see does not exist. Those on its route see it too.
    pub async fn matter(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut tx = self.db.read().await?;
        let m = store::one(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let seen = store::is_seen(&mut tx, id, eyes).await?;
        let approval = self.on_route(&m, eyes).await?;
        if !seen && approval.is_none() {
            return Err(Error::NotFound);
        }
        let returned = m.state == State::Asked
            && approval.is_some_and(|a| a.case.state == approvals::State::Returned);
        let accounts: Vec<AccountId> = [m.author, m.received_by, m.replied_by]
            .into_iter()
            .flatten()
            .collect();
        Ok(Whole {
            kind: self.rule(&mut tx, &m.rule).await?,
            events: store::events(&mut tx, id, 200).await?,
            accounts: store::account_names(&mut tx, &accounts).await?,
            may_write: self.writes(&mut tx, &m, eyes).await?,
            may_answer: self.answers(&mut tx, &m, eyes).await?,
            returned,
            matter: m,
        })
    }

    /// A page of matters, and how many there are in all.
    pub async fn list(
        &self,
        filter: &Filter,
        eyes: &Eyes,
        order: Order,
        window: Window,
    ) -> Result<(i64, Vec<Matter>)> {
        store::list(&mut self.db.read().await?, eyes, filter, (order, window)).await
    }

    /// What waits for somebody: to be received and answered, mended, reported on afterwards. For the home page.
    pub async fn waiting(&self, eyes: &Eyes) -> Result<Vec<Waits>> {
        const MOST: i64 = 50;
        let mut tx = self.db.read().await?;
        let mut found = store::mine(&mut tx, eyes, MOST).await?;
        if !eyes.answers.is_empty() {
            let filter = Filter {
                incoming: true,
                ..Filter::default()
            };
            let order = Order {
                by: "due",
                down: false,
            };
            let came = store::list(&mut tx, eyes, &filter, (order, Window::new(1, MOST))).await?;
            found.extend(came.1);
        }
        let waits = |m: Matter| Waits {
            href: m.href(),
            unit: m.unit,
            due: match m.state {
                State::Done => m.after_due,
                State::Draft => None,
                _ => m.reply_due,
            },
            verb: match m.state {
                State::Done => "matters-go-after",
                State::Draft => "matters-go-mend",
                State::Received => "matters-go-answer",
                _ => "matters-go-receive",
            },
            title: m.content.title,
        };
        Ok(found.into_iter().map(waits).collect())
    }
}

/// The units above one, the nearest first, and then the unit itself.
async fn above(tx: &mut Tx, unit: UnitId) -> Result<Vec<UnitId>> {
    let paths = finding::paths(tx, &[unit]).await?;
    let mut path = paths.get(&unit).cloned().ok_or(Error::NotFound)?;
    path.pop();
    path.reverse();
    path.push(unit);
    Ok(path)
}

pub(crate) fn few_enough(files: &[Attached]) -> Result<()> {
    match files.len() > FILES {
        true => {
            let message = Msg::new("matters-files-many").with("most", FILES);
            Err(Error::field("file", message))
        }
        false => Ok(()),
    }
}

/// Something that waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// What.
    pub title: String,
    /// Where.
    pub href: String,
    /// Whose matter it is.
    pub unit: UnitId,
    /// By when.
    pub due: Option<Date>,
    /// What is to be done: a message key.
    pub verb: &'static str,
}
