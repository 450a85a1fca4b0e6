//! The officer's side (命题与组织): examinations made, changed while they are drafts, published, called off; each step
//! in the audit trail, in its own transaction.

use std::sync::Arc;

use commons::findings::Intake;
use commons::packs::levels::Levels;
use crypt::Vault;
use db::{Tx, transaction};
use identity::Actor;
use kernel::{AccountId, Error, FieldError, Id, Msg, Result, Scope};
use ledger::Ledger;
use questions::Questions;
use serde_json::{Value, json};

use crate::kinds::ExamKinds;
use crate::model::{Exam, Stage, Terms};
use crate::service::Exams;
use crate::store::{self, admission, making};
use crate::ticket::Key;
use crate::{MOST_ITEMS, Paper};

/// The name of the field under which papers are sealed.
const CONTENT: &str = "content";
/// Characters of the notice that examinees read before they begin.
const MOST_NOTICE: usize = 5_000;

/// The content of a paper as it is kept: readable, or empty and sealed.
pub(crate) type Kept = (String, Option<Vec<u8>>);

/// The office of examinations; cheap to clone.
#[derive(Clone)]
pub struct Office {
    pub(crate) exams: Exams,
    pub(crate) questions: Questions,
    pub(crate) ledger: Ledger,
    pub(crate) kinds: Arc<ExamKinds>,
    pub(crate) levels: Arc<Levels>,
    pub(crate) address: web::Origin,
    pub(crate) intake: Option<Arc<dyn Intake>>,
}

/// What officers say of an examination beside its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// What examinees read before they begin (考试须知).
    pub notice: String,
    /// Code of its level of secrecy (密级).
    pub level: String,
    /// The examination that it makes up for (补考).
    pub makes_up: Option<Id>,
}

/// An examination as officers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The examination.
    pub exam: Exam,
    /// What was said of it.
    pub about: Details,
    /// Counts its changes.
    pub version: i64,
    /// Counts what changed its results (改判、作废).
    pub changes: i64,
    /// How many of those its facts reflect; none: no facts yet.
    pub settled: Option<i64>,
    /// Who made it.
    pub by: AccountId,
}

impl Held {
    /// `draft`, `coming`, `open`, `over`, `cancelled`.
    pub fn state(&self, now: kernel::Timestamp) -> &'static str {
        match self.exam.stage {
            Stage::Draft => "draft",
            Stage::Cancelled => "cancelled",
            Stage::Published if now < self.exam.terms.opens => "coming",
            Stage::Published if now < self.exam.terms.closes => "open",
            Stage::Published => "over",
        }
    }
}

/// Who acts; the program itself makes no examinations.
pub(crate) fn who(actor: &Actor) -> Result<AccountId> {
    actor.account.ok_or(Error::Forbidden)
}

pub(crate) fn changed() -> Error {
    Error::Conflict(Msg::new("exam-changed-meanwhile"))
}

/// A reason in words.
pub(crate) fn reason(text: &str) -> Result<&str> {
    let text = text.trim();
    let fine = (2..=200).contains(&text.chars().count()) && !text.contains(char::is_control);
    match fine {
        true => Ok(text),
        false => Err(Error::field("reason", Msg::new("exam-reason"))),
    }
}

impl Exams {
    /// The same, whose papers and tickets are sealed in a vault.
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// A paper as it is kept; sealed ones are opened.
    pub(crate) async fn paper(&self, tx: &mut Tx, id: Id) -> Result<Paper> {
        let row = making::paper_row(tx, id).await?;
        let opened;
        let content = match &row.sealed {
            None => row.content.as_str(),
            Some(sealed) => {
                let keys = self.vault()?.keys(tx, &[id]).await?;
                opened = keys.open(id, CONTENT, sealed)?;
                opened.text().ok_or(Error::NotFound)?
            }
        };
        serde_json::from_str(content).map_err(Error::internal)
    }

    /// The paper of an examination with the keys that were corrected since (改判后的答案).
    pub(crate) async fn paper_as_marked(&self, tx: &mut Tx, exam: &Exam) -> Result<Paper> {
        let mut paper = self.paper(tx, exam.paper).await?;
        for (number, version, question) in making::corrections(tx, exam.id).await? {
            if let Some(item) = paper.item_mut(number) {
                item.from = item.from.map(|(id, _)| (id, version));
                item.question = question;
            }
        }
        Ok(paper)
    }

    /// What examinees of an examination read before they begin (考试须知).
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn notice(&self, exam: Id) -> Result<String> {
        let mut tx = self.db.read().await?;
        let (held, _) = making::held(&mut tx, exam, &Scope::All).await?;
        Ok(held.about.notice)
    }

    /// A paper as it is kept: sealed from its draft on where there is a keyring, else readable.
    pub(crate) async fn sealed(&self, tx: &mut Tx, id: Id, paper: &Paper) -> Result<Kept> {
        let content = serde_json::to_string(paper).map_err(Error::internal)?;
        let Some(vault) = &self.vault else {
            return Ok((content, None));
        };
        let keys = vault.make(tx, &[id]).await?;
        Ok((String::new(), Some(keys.seal(id, CONTENT, &content)?)))
    }

    /// Writes an entry of the audit trail about an examination.
    pub(crate) async fn trace(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: Id,
        detail: Value,
    ) -> Result<()> {
        let entry = actor.audit(action, ("exam", id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    pub(crate) fn vault(&self) -> Result<&Vault> {
        let none = || Error::Unavailable(Msg::new("exam-no-vault"));
        self.vault.as_ref().ok_or_else(none)
    }
}

impl Office {
    /// The office over the engine, a bank and the ledger.
    pub fn new(
        exams: Exams,
        questions: Questions,
        ledger: Ledger,
        kinds: ExamKinds,
        levels: Levels,
    ) -> Self {
        Self {
            exams,
            questions,
            ledger,
            kinds: Arc::new(kinds),
            levels: Arc::new(levels),
            address: web::Origin::default(),
            intake: None,
        }
    }

    /// The same, in which gaps that an examination shows can be raised as problems.
    pub fn with_intake(mut self, intake: Arc<dyn Intake>) -> Self {
        self.intake = Some(intake);
        self
    }

    /// The same, which names this address on what is printed.
    pub fn with_address(mut self, url: &str, secure: bool) -> Self {
        self.address = web::Origin::new(url, secure);
        self
    }

    /// The engine.
    pub fn exams(&self) -> &Exams {
        &self.exams
    }

    /// The kinds there are.
    pub fn kinds(&self) -> &Arc<ExamKinds> {
        &self.kinds
    }

    /// Writes an entry of the audit trail about an examination.
    pub(crate) async fn trace(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: Id,
        detail: Value,
    ) -> Result<()> {
        self.exams.trace(tx, actor, action, id, detail).await
    }

    /// What is wrong with rules and texts, by field.
    fn check(&self, terms: &Terms, about: &mut Details, full: i64) -> Result<()> {
        let mut found = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            let field = field.to_owned();
            found.push(FieldError { field, message });
        };
        if self.kinds.get(&terms.kind).is_none() {
            wrong("kind", Msg::new("exam-kind-wrong"));
        }
        if about.notice.chars().count() > MOST_NOTICE {
            wrong(
                "notice",
                Msg::new("exam-notice-long").with("most", MOST_NOTICE),
            );
        }
        match self.levels.take(&about.level, None) {
            Ok(level) => about.level.clone_from(&level.code),
            Err(Error::Invalid(errors)) => found.extend(errors),
            Err(other) => return Err(other),
        }
        if let Err(Error::Invalid(errors)) = terms.check(full) {
            found.extend(errors);
        }
        Error::if_any(found)
    }

    /// An examination that is made up for is one of the same scope.
    async fn check_made_up(
        &self,
        tx: &mut Tx,
        about: &Details,
        id: Id,
        scope: &Scope,
    ) -> Result<()> {
        if let Some(other) = about.makes_up {
            let wrong = || Error::field("makes-up", Msg::new("exam-makes-up-wrong"));
            if other == id {
                return Err(wrong());
            }
            making::held(tx, other, scope).await.map_err(|_| wrong())?;
        }
        Ok(())
    }

    /// Makes a draft with an empty paper; sent twice with the same id it is made once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` for a unit out of scope or an id of something else.
    pub async fn make(
        &self,
        id: Id,
        terms: &Terms,
        about: &Details,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<Id> {
        let actor = actor.into();
        let by = who(&actor)?;
        let (env, org) = (&self.exams.env, &self.exams.organization);
        org.unit(terms.unit, scope).await?;
        let mut about = about.clone();
        self.check(terms, &mut about, i64::MAX)?;
        let exam = Exam {
            id,
            paper: env.new_id(),
            terms: Terms {
                title: terms.title.trim().to_owned(),
                ..terms.clone()
            },
            stage: Stage::Draft,
            released: None,
        };
        let (key, now) = (Key(env.random()), env.now());
        let empty = Paper {
            title: exam.terms.title.clone(),
            sections: Vec::new(),
            mixed: true,
            mixed_options: true,
        };
        transaction!(self.exams.db, |tx| {
            match making::held(tx, id, &Scope::All).await {
                Ok((known, _)) if known.by == by => return Ok(id),
                Ok(_) => return Err(Error::NotFound),
                Err(Error::NotFound) => {}
                Err(other) => return Err(other),
            }
            self.check_made_up(tx, &about, id, scope).await?;
            let kept = self.exams.sealed(tx, exam.paper, &empty).await?;
            store::put_paper(tx, (exam.paper, terms.unit, by, now), &empty, kept).await?;
            store::put_exam(tx, &exam, &key, (now, by)).await?;
            making::put_about(tx, id, &about).await?;
            let detail =
                json!({ "title": exam.terms.title, "kind": terms.kind, "unit": terms.unit });
            self.trace(tx, &actor, "exam.made", id, detail).await?;
            Ok(id)
        })
    }

    /// Changes a draft; its unit stays.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when it is published or was changed since `version`.
    pub async fn change(
        &self,
        id: Id,
        version: i64,
        (terms, about): (&Terms, &Details),
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        who(&actor)?;
        let mut about = about.clone();
        self.check(terms, &mut about, i64::MAX)?;
        transaction!(self.exams.db, |tx| {
            let (before, _) = making::held(tx, id, scope).await?;
            self.check_made_up(tx, &about, id, scope).await?;
            let unit = before.exam.terms.unit;
            let terms = Terms {
                unit,
                title: terms.title.trim().to_owned(),
                ..terms.clone()
            };
            let exam = Exam {
                terms,
                ..before.exam.clone()
            };
            if !making::change(tx, &exam, &about, version).await? {
                return Err(changed());
            }
            let detail = changes(&before, &exam, &about);
            self.trace(tx, &actor, "exam.changed", id, detail).await
        })
    }

    /// Publishes a draft: its rules and paper are fixed, and those on the list are told.
    ///
    /// # Errors
    /// `Invalid` for what is wrong with rules or paper, or when its window is over; `NotFound`; `Conflict` when it
    /// was published or changed since `version`.
    pub async fn publish(
        &self,
        id: Id,
        version: i64,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        who(&actor)?;
        transaction!(self.exams.db, |tx| {
            let (held, _) = making::held(tx, id, scope).await?;
            let exam = &held.exam;
            if exam.stage != Stage::Draft || held.version != version {
                return Err(changed());
            }
            let paper = self.exams.paper(tx, exam.paper).await?;
            paper.check()?;
            let (mut about, full) = (held.about.clone(), paper.full());
            self.check(&exam.terms, &mut about, full)?;
            if exam.terms.closes <= self.exams.env.now() {
                return Err(Error::field("closes", Msg::new("exam-window-over")));
            }
            if !making::step(tx, id, version, (Stage::Draft, Stage::Published)).await? {
                return Err(changed());
            }
            self.exams.vault()?;
            let kept = self.exams.sealed(tx, exam.paper, &paper).await?;
            making::seal(tx, exam.paper, kept).await?;
            making::put_used(tx, id, &paper.used()).await?;
            let people = admission::readers(tx, id).await?;
            self.exams.tell_admitted(tx, exam, &people).await?;
            let detail =
                json!({ "title": exam.terms.title, "items": paper.length(), "points": full });
            self.trace(tx, &actor, "exam.published", id, detail).await
        })
    }

    /// Calls off what is published, for a reason; what was answered stays.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it is not published or its results count already.
    pub async fn call_off(
        &self,
        id: Id,
        version: i64,
        why: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        who(&actor)?;
        let why = reason(why)?;
        transaction!(self.exams.db, |tx| {
            let (held, _) = making::held(tx, id, scope).await?;
            if held.settled.is_some() {
                return Err(Error::Conflict(Msg::new("exam-settled")));
            }
            let steps = (Stage::Published, Stage::Cancelled);
            if !making::step(tx, id, version, steps).await? {
                return Err(changed());
            }
            self.exams.tell_off(tx, &held.exam, why).await?;
            let detail = json!({ "title": held.exam.terms.title, "reason": why });
            self.trace(tx, &actor, "exam.cancelled", id, detail).await
        })
    }

    /// An examination of a scope.
    ///
    /// # Errors
    /// `NotFound` outside the scope.
    pub async fn held(&self, id: Id, scope: &Scope) -> Result<Held> {
        let mut tx = self.exams.db.read().await?;
        Ok(making::held(&mut tx, id, scope).await?.0)
    }

    /// The paper of an examination, for officers. A look after publishing is written down first.
    ///
    /// # Errors
    /// `NotFound` outside the scope.
    pub async fn look(
        &self,
        id: Id,
        what: &'static str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<(Held, Paper)> {
        let actor = actor.into();
        let mut tx = self.exams.db.read().await?;
        let (held, _) = making::held(&mut tx, id, scope).await?;
        let paper = self.exams.paper_as_marked(&mut tx, &held.exam).await?;
        drop(tx);
        if held.exam.stage != Stage::Draft {
            let started = self.exams.env.now() >= held.exam.terms.opens;
            let detail = json!({ "what": what, "started": started });
            transaction!(self.exams.db, |tx| {
                self.trace(tx, &actor, "exam.paper-seen", id, detail.clone())
                    .await
            })?;
        }
        Ok((held, paper))
    }

    /// Puts another paper in the place of a draft's.
    ///
    /// # Errors
    /// `Invalid` for too many questions; `NotFound`; `Conflict` when it is no draft or was changed since `version`.
    pub(crate) async fn set_paper(
        &self,
        id: Id,
        version: i64,
        paper: &Paper,
        drawn: Option<(&str, u64)>,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        who(actor)?;
        let count: usize = paper.sections.iter().map(|s| s.items.len()).sum();
        if count > MOST_ITEMS {
            let message = Msg::new("exam-paper-size").with("most", MOST_ITEMS);
            return Err(Error::field("sections", message));
        }
        transaction!(self.exams.db, |tx| {
            let (held, _) = making::held(tx, id, scope).await?;
            if !making::touch_draft(tx, id, version).await? {
                return Err(changed());
            }
            let kept = self.exams.sealed(tx, held.exam.paper, paper).await?;
            making::set_paper(tx, (held.exam.paper, paper), kept, drawn).await?;
            let detail = json!({ "items": paper.length(), "points": paper.full(), "drawn": drawn.is_some() });
            self.trace(tx, actor, "exam.paper-changed", id, detail)
                .await
        })
    }
}

/// What a change of a draft changed: before and after, by field.
fn changes(before: &Held, after: &Exam, about: &Details) -> Value {
    let fields = |t: &Terms, a: &Details| {
        json!({
            "kind": t.kind, "title": t.title, "opens": t.opens.rfc3339(), "closes": t.closes.rfc3339(),
            "seconds": t.seconds, "grace": t.grace, "late": t.late, "attempts": t.attempts,
            "takes": t.takes.code(), "pass": t.pass, "shows": t.shows.code(), "level": a.level,
            "makes_up": a.makes_up, "notice": a.notice.chars().count(),
        })
    };
    let (old, new) = (
        fields(&before.exam.terms, &before.about),
        fields(&after.terms, about),
    );
    let mut changed = serde_json::Map::new();
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        for (name, value) in new {
            if old.get(&name) != Some(&value) {
                changed.insert(name.clone(), json!([old.get(&name), value]));
            }
        }
    }
    Value::Object(changed)
}
