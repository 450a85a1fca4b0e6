//! What all parts of the feature stand on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use commons::files::Files;
use commons::findings::Intake;
use commons::forms::{Form, Template};
use commons::packs::Name;
use db::{Db, Tx};
use desk::{Attachments, Desk};
use identity::{Actor, Held, Identity};
use kernel::{AccountId, Env, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use ledger::Ledger;
use notices::{Notice, Notices, Reader};
use organization::{BodyKinds, Organization};
use requests::Requests;
use serde_json::json;
use web::Access;

use crate::kind::{Checklists, InspectionKind};
use crate::{FILL, PLAN, READ, REVIEW};

/// The words that whoever keeps findings knows (问题台账词表): by code, the gravest first.
#[derive(Debug, Clone, Default)]
pub struct FindingWords {
    /// How grave something is.
    pub severities: Vec<(String, Name)>,
    /// Fields of work.
    pub areas: Vec<(String, Name)>,
}

/// A template by code and version.
type Templates = HashMap<(String, i64), Arc<Template>>;
/// A resolved form by code and version.
type Forms = HashMap<(String, i64), Arc<Form>>;

/// The feature; cheap to clone.
#[derive(Clone)]
pub struct Inspections {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) checklists: Arc<Checklists>,
    pub(crate) attachments: Attachments,
    pub(crate) notices: Option<Notices>,
    pub(crate) requests: Option<Requests>,
    pub(crate) intake: Option<Arc<dyn Intake>>,
    pub(crate) words: Arc<FindingWords>,
    pub(crate) body_kinds: Arc<BodyKinds>,
    /// A version never changes: what was read once is kept.
    pub(crate) known: Arc<Mutex<(Templates, Forms)>>,
}

impl Inspections {
    /// The feature in a database and a store of files; nobody hears of it, and findings stay with it.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        checklists: Checklists,
        files: Files,
    ) -> Self {
        Self {
            attachments: Attachments::new(Desk::new(db.clone(), env.clone()), files),
            db,
            env,
            ledger,
            organization,
            checklists: Arc::new(checklists),
            notices: None,
            requests: None,
            intake: None,
            words: Arc::default(),
            body_kinds: Arc::default(),
            known: Arc::default(),
        }
    }

    /// The same, in which people hear of what concerns them.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    /// The same, whose tasks stand in the to-do lists of those who have them ([`crate::TaskOwner`]).
    pub fn with_requests(mut self, requests: Requests) -> Self {
        self.requests = Some(requests);
        self
    }

    /// The same, whose findings somebody keeps until they are mended, in these words.
    pub fn with_intake(mut self, intake: Arc<dyn Intake>, words: FindingWords) -> Self {
        self.intake = Some(intake);
        self.words = Arc::new(words);
        self
    }

    /// The same, which also looks at bodies of these kinds.
    pub fn with_bodies(mut self, kinds: BodyKinds) -> Self {
        self.body_kinds = Arc::new(kinds);
        self
    }

    /// The checklists and kinds of the packs.
    pub fn checklists(&self) -> &Arc<Checklists> {
        &self.checklists
    }

    pub(crate) fn kind(&self, code: &str) -> Result<&InspectionKind> {
        self.checklists.kind(code).ok_or(Error::NotFound)
    }

    pub(crate) async fn trace(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        object: (&'static str, impl ToString),
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = actor.audit(action, object, detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// Tells people and accounts something, if anybody is told anything.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        to: &[Reader],
        message: Msg,
        href: String,
        about: Id,
    ) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let notice = Notice {
            message,
            href,
            about: ("inspection", about.to_string()),
            dedupe: None,
            confidential: false,
        };
        notices.send(tx, to, &notice).await
    }

    /// An account as a reader of notices.
    pub(crate) async fn reader(&self, tx: &mut Tx, account: AccountId) -> Result<Reader> {
        let person = Identity::person_of(tx, account).await?;
        Ok(person.map_or(Reader::Account(account), Reader::Person))
    }

    /// Who holds a permission on a unit, or else on the nearest unit above it on which somebody does.
    pub(crate) async fn nearest(
        &self,
        tx: &mut Tx,
        permission: &str,
        unit: UnitId,
    ) -> Result<Vec<Reader>> {
        let path = reached(tx, &[unit])
            .await?
            .remove(&unit)
            .unwrap_or_default();
        for unit in path.into_iter().rev() {
            let held = Held::Permission(permission);
            let found = Identity::holders(tx, held, unit, self.env.today()).await?;
            if !found.is_empty() {
                return Ok(found.into_iter().map(Reader::Person).collect());
            }
        }
        Ok(Vec::new())
    }

    /// Writes down that a list left the program.
    pub(crate) async fn took(&self, actor: &Actor, what: (&'static str, String)) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let detail = json!({});
            self.trace(tx, actor, "inspection.exported", what.clone(), detail)
                .await
        })
    }
}

/// Who looks, and where they may what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eyes {
    /// The account.
    pub account: AccountId,
    /// In whose place it acts.
    pub on_behalf: Option<AccountId>,
    /// Its person.
    pub person: Option<PersonId>,
    /// Where they may read.
    pub reads: Scope,
    /// Where they plan.
    pub plans: Scope,
    /// For which units they fill in and object.
    pub fills: Scope,
    /// Where they look over and decide.
    pub reviews: Scope,
}

impl From<&Access> for Eyes {
    fn from(access: &Access) -> Self {
        let p = &access.principal;
        let of = |permission| p.scope(permission).cloned().unwrap_or_else(Scope::nothing);
        Self {
            account: p.account,
            on_behalf: access.on_behalf,
            person: p.person,
            reads: of(READ),
            plans: of(PLAN),
            fills: of(FILL),
            reviews: of(REVIEW),
        }
    }
}

impl Eyes {
    /// Whether an account is the one who looks, or the one in whose place.
    pub(crate) fn is(&self, account: AccountId) -> bool {
        self.account == account || self.on_behalf == Some(account)
    }
}

/// Who acts; the program itself does nothing here.
pub(crate) fn who(actor: &Actor) -> Result<AccountId> {
    actor.account.ok_or(Error::Forbidden)
}

pub(crate) fn changed() -> Error {
    Error::Conflict(Msg::new("inspection-changed-meanwhile"))
}

/// A reason: some words, not too many.
pub(crate) fn reasoned(field: &str, text: &str, most: usize) -> Result<String> {
    let text = text.trim().replace("\r\n", "\n");
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    match (2..=most).contains(&text.chars().count()) && !text.contains(control) {
        true => Ok(text),
        false => Err(Error::field(
            field,
            Msg::new("inspection-text-wrong").with("most", most),
        )),
    }
}

/// One wrong field.
pub(crate) fn wrong(field: impl Into<String>, message: Msg) -> FieldError {
    FieldError {
        field: field.into(),
        message,
    }
}

/// The path of each of some units, and whether a scope reaches them.
pub(crate) async fn reached(tx: &mut Tx, units: &[UnitId]) -> Result<HashMap<UnitId, Vec<UnitId>>> {
    organization::finding::paths(tx, units).await
}
