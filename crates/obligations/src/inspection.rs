//! Inspection packs (迎检材料包): what an inspection wants to see of some units over a stretch of time, in one zip that
//! is made in the background, kept for a month and seen by whoever asked for it.

use std::collections::BTreeSet;

use commons::files::{Files, Held};
use futures::stream::BoxStream;
use identity::Actor;
use kernel::{
    AccountId, Error, FieldError, Id, Msg, Period, Result, Scope, Timestamp, UnitId, format_date,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::{Catalog, Lang};

use crate::rule::Checklist;
use crate::store::inspections as rows;
use crate::{Obligations, inspection_zip};

/// The kind of job that makes one.
pub const INSPECTION_JOB: &str = "inspection-pack";
/// So long one is kept.
const DAYS: i64 = 30;
/// The most units that one is about; each with all below it.
const MOST_UNITS: usize = 50;
/// The longest stretch, in days.
const LONGEST: i32 = 1_100;
/// So many of one's own are listed.
const LISTED: i64 = 50;

/// What is asked for (材料包内容).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Units, each with all below it.
    pub units: Vec<UnitId>,
    /// Codes of rules; with a checklist those that it has not.
    pub rules: Vec<String>,
    /// Code of a checklist.
    pub checklist: Option<String>,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// A sample: only the records that were drawn.
    pub draw: Option<Id>,
    /// Whether people's names are written out.
    pub names: bool,
    /// Why they are.
    pub reason: String,
    /// Language of its tables.
    pub english: bool,
}

impl Wanted {
    /// The stretch; none when a day is mistaken.
    pub fn period(&self) -> Option<Period> {
        let (from, to) = (
            kernel::parse_date(&self.from)?,
            kernel::parse_date(&self.to)?,
        );
        let days = (to - from).get_days();
        (to >= from && days <= LONGEST).then_some(Period { from, to })
    }

    pub(crate) fn lang(&self) -> Lang {
        match self.english {
            true => Lang::En,
            false => Lang::Zh,
        }
    }
}

/// How far one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectionState {
    /// Nobody works on it yet (排队中).
    Waiting,
    /// It is being made (生成中).
    Working,
    /// It can be taken home (已生成).
    Ready,
    /// It could not be made (未成功).
    Failed,
}

impl InspectionState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Working, Self::Ready, Self::Failed];

    /// As tables have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// From a table.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Whether nothing more will happen to it.
    pub fn over(self) -> bool {
        matches!(self, Self::Ready | Self::Failed)
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectionPack {
    /// Id.
    pub id: Id,
    /// What was asked for.
    pub wanted: Wanted,
    /// By whom.
    pub by: AccountId,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// When.
    pub at: Timestamp,
    /// How far it is.
    pub state: InspectionState,
    /// So many of its parts are made.
    pub done: i64,
    /// Out of so many.
    pub total: i64,
    /// Where the zip is held.
    pub held: Option<Held>,
    /// Bytes.
    pub size: i64,
    /// Hash of the zip, hex.
    pub sha256: String,
    /// Evidence files in it.
    pub files: i64,
    /// What its catalogue names as missing.
    pub missing: i64,
    /// Why it failed, in the language of who asked.
    pub trouble: String,
}

impl InspectionPack {
    /// The last moment at which it is there.
    pub fn until(&self) -> Timestamp {
        self.at.plus_seconds(DAYS * 24 * 3600)
    }
}

impl Obligations {
    /// The same, which can make inspection packs.
    pub fn with_files(mut self, files: Files) -> Self {
        self.files = Some(files);
        self
    }

    pub(crate) fn store(&self) -> Result<&Files> {
        let files = self.files.as_ref();
        files.ok_or_else(|| Error::internal("obligations without a file store"))
    }

    pub(crate) fn checklist(&self, code: &str) -> Option<&Checklist> {
        self.rules.checklists().find(|c| c.code == code)
    }

    /// Asks for one; a job makes it.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when a unit, or the draw, is out of scope.
    pub async fn ask_pack(
        &self,
        mut wanted: Wanted,
        scope: &Scope,
        may_name: bool,
        actor: impl Into<Actor>,
    ) -> Result<Id> {
        let actor = actor.into();
        let by = actor.account.ok_or(Error::Forbidden)?;
        self.store()?;
        if let Some(draw) = wanted.draw {
            // What was drawn says of what, where and when.
            let d = self.drawn(draw, scope).await?;
            wanted.units = vec![d.wanted.unit];
            wanted.rules = vec![d.wanted.rule];
            wanted.checklist = None;
            wanted.from = format_date(d.wanted.period.from);
            wanted.to = format_date(d.wanted.period.to);
        }
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            let field = field.into();
            errors.push(FieldError { field, message });
        };
        wanted.units = wanted
            .units
            .iter()
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if !(1..=MOST_UNITS).contains(&wanted.units.len()) {
            wrong("units", Msg::new("pack-units").with("most", MOST_UNITS));
        }
        let list = wanted.checklist.as_deref().map(|c| self.checklist(c));
        if matches!(list, Some(None)) {
            wrong("checklist", Msg::new("pack-what"));
        }
        let list = list.flatten();
        wanted
            .rules
            .retain(|r| list.is_none_or(|l| !l.obligations.contains(r)));
        if wanted.rules.iter().any(|r| self.rules.get(r).is_none())
            || (wanted.rules.is_empty() && list.is_none())
        {
            wrong("rules", Msg::new("pack-what"));
        }
        if wanted.period().is_none() {
            wrong("to", Msg::new("pack-period").with("most", LONGEST));
        }
        wanted.reason = wanted.reason.trim().to_owned();
        let said = (2..=500).contains(&wanted.reason.chars().count());
        match (wanted.names, may_name) {
            (false, _) => wanted.reason.clear(),
            (true, false) => wrong("names", Msg::new("pack-names-not-allowed")),
            (true, true) if !said => wrong("reason", Msg::new("pack-reason")),
            (true, true) => {}
        }
        Error::if_any(errors)?;
        for unit in &wanted.units {
            self.organization.unit(*unit, scope).await?;
        }
        let parts = wanted.rules.len()
            + list.map_or(0, |l| {
                l.obligations.len() + l.kinds.len() + l.registers.len()
            });
        let pack = InspectionPack {
            id: self.env.new_id(),
            by,
            on_behalf: actor.on_behalf,
            at: self.env.now(),
            state: InspectionState::Waiting,
            done: 0,
            total: parts as i64,
            held: None,
            size: 0,
            sha256: String::new(),
            files: 0,
            missing: 0,
            trouble: String::new(),
            wanted,
        };
        let (id, w) = (pack.id, &pack.wanted);
        db::transaction!(self.db, |tx| {
            rows::ask(tx, &pack).await?;
            let detail = json!({ "units": w.units, "rules": w.rules, "checklist": w.checklist, "from": w.from, "to": w.to,
                "draw": w.draw, "names": w.names, "reason": w.reason });
            let entry = actor.audit("pack.asked", ("inspection-pack", id), detail);
            identity::record(tx, &self.env, &entry).await?;
            let (key, payload) = (format!("{INSPECTION_JOB}-{id}"), id.to_string());
            let at = self.env.now();
            db::jobs::enqueue(tx, &self.env, INSPECTION_JOB, Some(&key), &payload, at).await
        })?;
        Ok(id)
    }

    /// Makes one that was asked for, as its job says; what cannot be made says why on its page.
    pub async fn make_pack(&self, id: &str, texts: &Catalog) -> Result<()> {
        let id: Id = id.parse().map_err(|_| Error::NotFound)?;
        let found = rows::one(&mut self.db.read().await?, id).await?;
        let Some(mut pack) = found.filter(|p| !p.state.over()) else {
            return Ok(());
        };
        match inspection_zip::make(self, &pack, texts).await {
            Ok(made) => {
                pack.state = InspectionState::Ready;
                pack.done = pack.total;
                pack.size = made.size as i64;
                pack.sha256 = made.sha256;
                pack.files = made.files as i64;
                pack.missing = made.missing as i64;
                pack.held = Some(made.held);
            }
            Err(Error::Conflict(message) | Error::Unavailable(message)) => {
                pack.state = InspectionState::Failed;
                pack.trouble = texts.msg(pack.wanted.lang(), &message);
            }
            Err(Error::Invalid(errors)) if !errors.is_empty() => {
                pack.state = InspectionState::Failed;
                pack.trouble = texts.msg(pack.wanted.lang(), &errors[0].message);
            }
            // Tried again later.
            Err(other) => return Err(other),
        }
        let taken = db::transaction!(self.db, |tx| rows::finish(tx, &pack).await)?;
        if let (false, Some(held)) = (taken, &pack.held) {
            self.store()?.release(held).await?;
        }
        Ok(())
    }

    pub(crate) async fn pack_progress(&self, id: Id, done: i64) -> Result<()> {
        db::transaction!(self.db, |tx| rows::progress(tx, id, done).await)
    }

    /// One's own, newest first.
    pub async fn packs(&self, account: AccountId) -> Result<Vec<InspectionPack>> {
        rows::of(&mut self.db.read().await?, account, LISTED).await
    }

    /// One of one's own, while all that it is about is still in scope.
    pub async fn pack(&self, id: Id, account: AccountId, scope: &Scope) -> Result<InspectionPack> {
        let found = rows::one(&mut self.db.read().await?, id).await?;
        let pack = found.filter(|p| p.by == account).ok_or(Error::NotFound)?;
        let units = &pack.wanted.units;
        let seen = self.organization.units_by_id(units, scope).await?;
        match seen.len() == units.len() {
            true => Ok(pack),
            false => Err(Error::NotFound),
        }
    }

    /// Its zip, written into the audit trail before the first byte leaves.
    ///
    /// # Errors
    /// `NotFound` while it is not made, and when it is gone.
    pub async fn take_pack(
        &self,
        pack: &InspectionPack,
        actor: impl Into<Actor>,
    ) -> Result<(u64, BoxStream<'static, Result<bytes::Bytes>>)> {
        let held = pack.held.as_ref().ok_or(Error::NotFound)?;
        let found = self.store()?.held_stream(held).await?;
        let detail = json!({ "sha256": pack.sha256, "names": pack.wanted.names });
        let entry = actor
            .into()
            .audit("pack.taken", ("inspection-pack", pack.id), detail);
        db::transaction!(self.db, |tx| identity::record(tx, &self.env, &entry).await)?;
        Ok(found)
    }

    /// Takes away what was kept long enough; gives how many.
    pub async fn expire_packs(&self) -> Result<usize> {
        let before = self.env.now().plus_seconds(-DAYS * 24 * 3600);
        let old = rows::before(&mut self.db.read().await?, before).await?;
        for pack in &old {
            if let Some(held) = &pack.held {
                self.store()?.release(held).await?;
            }
            db::transaction!(self.db, |tx| rows::remove(tx, pack.id).await)?;
        }
        Ok(old.len())
    }

    /// Names of the held files that belong to packs: nobody else may tidy them away.
    pub async fn held_for_packs(&self) -> Result<Vec<String>> {
        rows::held(&mut self.db.read().await?).await
    }
}
