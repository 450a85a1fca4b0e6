//! Writing bulletins, seeing them, and what they are written from.

use std::sync::Arc;

use commons::files::Files;
use commons::packs::levels::Levels;
use db::{Db, Tx};
use desk::{Attached, Attachments, Desk, Waiting};
use identity::Actor;
use jiff::ToSpan;
use kernel::{AccountId, Env, Error, Id, Msg, Period, PersonId, Result, Scope, UnitId};
use ledger::{Axis, Column, Definition, Fact, Ledger, Predicate, Scalar, Sources, Test};
use notices::Notices;
use organization::Organization;
use serde_json::json;

use crate::kind::{BulletinKind, BulletinKinds};
use crate::model::{Bulletin, Content, Given, MOST_PICTURES, New, State, check};
use crate::store::{self, Author, Event};

/// Days that what was held is offered to be told of.
const RECENT_DAYS: i64 = 60;
const RECENT: usize = 30;

/// The feature: all bulletins; cheap to clone.
#[derive(Clone)]
pub struct Bulletins {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) kinds: Arc<BulletinKinds>,
    pub(crate) levels: Arc<Levels>,
    pub(crate) attachments: Attachments,
    pub(crate) notices: Option<Notices>,
    pub(crate) sources: Sources,
}

/// What somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Where they may read.
    pub read: Scope,
    /// Where they may write or review: there they see what is not published too.
    pub desk: Vec<Scope>,
}

impl Bulletins {
    /// The feature on a database and a store of files.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        kinds: BulletinKinds,
        files: Files,
    ) -> Self {
        Self {
            attachments: Attachments::new(Desk::new(db.clone(), env.clone()), files),
            db,
            env,
            ledger,
            organization,
            kinds: Arc::new(kinds),
            levels: Arc::default(),
            notices: None,
            sources: Sources::default(),
        }
    }

    /// The same, in which whoever wrote something hears what became of it.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    /// The same, whose bulletins may have these levels of secrecy.
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.levels = Arc::new(levels);
        self
    }

    /// The same, which can tell of what other features held.
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The kinds there are.
    pub fn kinds(&self) -> &Arc<BulletinKinds> {
        &self.kinds
    }

    pub(crate) fn kind(&self, code: &str) -> Result<&BulletinKind> {
        self.kinds.get(code).ok_or(Error::NotFound)
    }

    /// Writes a bulletin; sent twice with the same id it is written once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope or the id is another's.
    pub async fn write(&self, new: &New, scope: &Scope, actor: impl Into<Actor>) -> Result<Id> {
        let (actor, author) = who(actor)?;
        let kind = self.kind(&new.kind)?;
        let unit = self.organization.unit(new.unit, scope).await?;
        if !kind.is_for(&unit.category) {
            return Err(Error::field("kind", Msg::new("bulletin-not-for-unit")));
        }
        let content = self.checked(kind, &new.given).await?;
        let state = if new.propose {
            State::Proposed
        } else {
            State::Draft
        };
        let bulletin = Bulletin {
            id: new.id,
            kind: new.kind.clone(),
            unit: unit.id,
            state,
            version: 1,
            content,
            written_at: self.env.now(),
            written_by: author.by,
            issue: None,
            published_on: None,
        };
        db::transaction!(self.db, |tx| {
            if !store::insert(tx, &bulletin, author).await? {
                let known = store::held(tx, new.id, scope).await?;
                return match known.written_by == author.by {
                    true => Ok(()),
                    false => Err(Error::NotFound),
                };
            }
            self.trace(tx, &bulletin, "written", "", &actor).await?;
            if new.propose {
                self.trace(tx, &bulletin, "proposed", "", &actor).await?;
            }
            self.index(tx, &bulletin).await
        })?;
        Ok(new.id)
    }

    /// Changes what is not handed in: what it said stays as an earlier version.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when it was changed since `version`, or is not open to changes.
    pub async fn change(
        &self,
        id: Id,
        version: i64,
        given: &Given,
        propose: bool,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, author) = who(actor)?;
        let before = store::held(&mut self.db.read().await?, id, scope).await?;
        let content = self.checked(self.kind(&before.kind)?, given).await?;
        db::transaction!(self.db, |tx| {
            let before = store::held(tx, id, scope).await?;
            as_seen(&before, version)?;
            if !before.state.is_open() {
                return Err(Error::Conflict(Msg::new("bulletin-not-open")));
            }
            let now = Bulletin {
                version: version + 1,
                state: if propose {
                    State::Proposed
                } else {
                    State::Draft
                },
                content: content.clone(),
                ..before.clone()
            };
            if !store::change(tx, &before, &now, author, self.env.now()).await? {
                return Err(changed());
            }
            self.trace(tx, &now, "changed", "", &actor).await?;
            if propose {
                self.trace(tx, &now, "proposed", "", &actor).await?;
            }
            self.index(tx, &now).await
        })
    }

    async fn checked(&self, kind: &BulletinKind, given: &Given) -> Result<Content> {
        let author = match given.author.trim() {
            "" => None,
            no => store::person(&mut self.db.read().await?, no).await?,
        };
        check(kind, given, author, &self.levels).map_err(Error::Invalid)
    }

    /// Keeps pictures that were sent, if they are pictures.
    ///
    /// # Errors
    /// `Invalid` when one is no PNG or JPEG, or there are too many.
    pub(crate) async fn pictures(&self, waiting: &[Waiting]) -> Result<Vec<Attached>> {
        if waiting.len() > MOST_PICTURES {
            let message = Msg::new("bulletin-pictures-many").with("most", MOST_PICTURES);
            return Err(Error::field("file", message));
        }
        for file in waiting {
            let bytes = self.attachments.held(file).await?;
            if commons::docx::Picture::read(bytes).is_none() {
                let message = Msg::new("bulletin-picture-wrong").with("name", &file.name);
                return Err(Error::field("file", message));
            }
        }
        self.attachments.keep(waiting).await
    }

    /// A bulletin that somebody may see.
    ///
    /// # Errors
    /// `NotFound` when they may not.
    pub async fn bulletin(&self, id: Id, sight: &Sight) -> Result<Bulletin> {
        store::bulletin(&mut self.db.read().await?, id, sight).await
    }

    /// A bulletin with its versions and its timeline, in one snapshot.
    pub(crate) async fn whole(
        &self,
        id: Id,
        sight: &Sight,
    ) -> Result<(Bulletin, Vec<(i64, Content)>, Vec<Event>)> {
        let mut tx = self.db.read().await?;
        let bulletin = store::bulletin(&mut tx, id, sight).await?;
        let versions = store::versions(&mut tx, id).await?.into_iter();
        let versions = versions.map(|(n, content, ..)| (n, content)).collect();
        Ok((bulletin, versions, store::events(&mut tx, id).await?))
    }

    /// Line of the timeline and entry of the audit trail, in the transaction of what happened.
    pub(crate) async fn trace(
        &self,
        tx: &mut Tx,
        b: &Bulletin,
        act: &'static str,
        reason: &str,
        actor: &Actor,
    ) -> Result<()> {
        let (_, author) = who(actor.clone())?;
        store::note(tx, (b.id, b.version), act, reason, author, &self.env).await?;
        let action = match act {
            "written" => "bulletin.written",
            "changed" => "bulletin.changed",
            "proposed" => "bulletin.proposed",
            "recalled" => "bulletin.recalled",
            "returned" => "bulletin.returned",
            "published" => "bulletin.published",
            "withdrawn" => "bulletin.withdrawn",
            _ => "bulletin.dropped",
        };
        let detail = json!({ "kind": b.kind, "version": b.version, "issue": b.issue.map(|i| i.number), "reason": reason });
        let entry = actor.audit(action, ("bulletin", b.id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// What was held lately by a unit and those below it: subject and title, the newest first.
    pub(crate) async fn recent(&self, unit: UnitId) -> Result<Vec<(Id, String)>> {
        let today = self.env.today();
        let period = Period {
            from: today.saturating_sub(RECENT_DAYS.days()),
            to: today,
        };
        let mut reading = self.ledger.reading().await?;
        let held = held();
        let page = reading.rows(&held, unit, period, None, None, RECENT);
        let facts = page.await?.facts;
        let titles = self.sources.titles(reading.tx(), &facts).await?;
        let named = facts.iter().filter_map(|f| {
            let title = titles.get(&f.subject)?;
            Some((
                f.subject,
                format!("{} {title}", kernel::format_date(f.date)),
            ))
        });
        Ok(named.collect())
    }

    /// What was held, where it is shown and what it is called, and how many took part; nothing out of scope.
    pub(crate) async fn told_of(&self, subject: Id, scope: &Scope) -> Result<Option<Told>> {
        let mut reading = self.ledger.reading().await?;
        let facts = self.ledger.standing(reading.tx(), subject).await?;
        let Some(fact) = facts.iter().find(|f| f.kind == HELD).cloned() else {
            return Ok(None);
        };
        let paths = reading.paths(std::slice::from_ref(&fact)).await?;
        let host = paths.get(&fact.host).and_then(|path| path.last());
        let host = host.copied();
        let titles = self
            .sources
            .titles(reading.tx(), std::slice::from_ref(&fact));
        let title = titles.await?.remove(&subject);
        drop(reading);
        let (Some(host), Some(title)) = (host, title) else {
            return Ok(None);
        };
        if !self.organization.reaches(scope, host).await? {
            return Ok(None);
        }
        let present = |f: &&Fact| f.kind == "attendance" && f.role.as_deref() == Some("present");
        Ok(Some(Told {
            href: self.sources.of(HELD).map(|s| s.href(&fact)),
            present: facts.iter().filter(present).count(),
            date: fact.date,
            title,
            host,
        }))
    }

    /// Staff number and name of somebody whom a bulletin names.
    pub(crate) async fn author_of(&self, id: Option<PersonId>) -> Result<Option<(String, String)>> {
        match id {
            Some(id) => store::person_of(&mut self.db.read().await?, id).await,
            None => Ok(None),
        }
    }
}

/// Kind of the facts of what was held.
const HELD: &str = "held";

fn held() -> Definition {
    let is = Test::Is(Scalar::Text(HELD.to_owned()));
    Definition {
        predicate: Predicate([(Column::Kind, is)].into()),
        axis: Axis::Host,
        ..Definition::default()
    }
}

/// What was held, as a bulletin tells of it.
pub(crate) struct Told {
    pub(crate) href: Option<String>,
    pub(crate) title: String,
    pub(crate) host: UnitId,
    pub(crate) date: kernel::Date,
    pub(crate) present: usize,
}

/// Refuses what was changed since a version was looked at.
pub(crate) fn as_seen(b: &Bulletin, version: i64) -> Result<()> {
    match b.version == version {
        true => Ok(()),
        false => Err(changed()),
    }
}

pub(crate) fn changed() -> Error {
    Error::Conflict(Msg::new("bulletin-changed-meanwhile"))
}

/// Who acts; the program itself writes nothing.
pub(crate) fn who(actor: impl Into<Actor>) -> Result<(Actor, Author)> {
    let actor = actor.into();
    let by: AccountId = actor.account.ok_or(Error::Forbidden)?;
    let on_behalf = actor.on_behalf;
    Ok((actor, Author { by, on_behalf }))
}
