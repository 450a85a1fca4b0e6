//! Checklists in versions (检查表): those of packs are kept when they are first seen, those of units are drafted, put to
//! use by somebody else, and hold from a day. A version never changes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use commons::forms::{Base, Form, Mistake, Template, resolve};
use commons::packs::PackProblem;
use db::Tx;
use identity::Actor;
use kernel::{AccountId, Date, Error, Id, Msg, Result, Scope, Timestamp, UnitId};
use serde_json::json;

use crate::REVIEW;
use crate::drafting::{Edit, named};
use crate::kind::Checklists;
use crate::service::{Inspections, changed, reached, reasoned, who};
use crate::store;

/// A version of a checklist without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Code of the form.
    pub code: String,
    /// Its version, from 1.
    pub version: i64,
    /// What it is called.
    pub name: commons::packs::Name,
    /// The unit that made it; none: a pack.
    pub unit: Option<UnitId>,
    /// Its pack; empty for a unit's own.
    pub pack: String,
    /// What it extends.
    pub extends: Option<Base>,
    /// The first day on which it holds.
    pub from: Date,
    /// Why it was made.
    pub note: String,
    /// Who drafted it and who put it to use; none for packs.
    pub by: Option<(AccountId, AccountId)>,
    /// Since when it is there.
    pub at: Timestamp,
}

/// How far a draft is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftState {
    /// It is being written (草稿).
    Open,
    /// It waits for somebody else (待启用).
    Proposed,
    /// It is a version now (已启用).
    Used,
    /// It was given up (已作废).
    Dropped,
}

impl DraftState {
    /// Its code in the database.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Proposed => "proposed",
            Self::Used => "used",
            Self::Dropped => "dropped",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let all = [Self::Open, Self::Proposed, Self::Used, Self::Dropped];
        all.into_iter().find(|s| s.code() == code)
    }
}

/// A checklist of a unit that is being written (检查表草稿).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Id.
    pub id: Id,
    /// The unit whose form it is.
    pub unit: UnitId,
    /// What it says so far.
    pub template: Template,
    /// The first day on which it is to hold.
    pub from: Date,
    /// Why.
    pub note: String,
    /// How far it is.
    pub state: DraftState,
    /// How often it was changed: whoever changes it says what they saw.
    pub seq: i64,
    /// Who wrote any of it.
    pub writers: Vec<AccountId>,
    /// Why it was returned; empty where it was not.
    pub returned: String,
    /// When it was begun.
    pub at: Timestamp,
}

/// From what a draft begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// A form of its own under this name.
    Own(String),
    /// An extension (“+”) of a form.
    Plus(Base),
    /// The next version of a form of the unit.
    Next(String),
    /// The first form of a file.
    File(String),
}

impl Inspections {
    /// Keeps the versions that packs bring and that were never seen. What a kept version says never changes: a pack whose
    /// text differs is told, and what was kept goes on to hold.
    pub async fn keep_packs(&self) -> Result<Vec<PackProblem>> {
        let mut problems = Vec::new();
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            problems.clear();
            for brought in self.checklists.forms() {
                let (t, version) = (&brought.template, brought.version);
                let first = Version {
                    code: t.code.clone(),
                    version,
                    name: t.name.clone(),
                    unit: None,
                    pack: brought.pack.clone(),
                    extends: t.extends.clone(),
                    from: brought.from,
                    note: String::new(),
                    by: None,
                    at: now,
                };
                if store::forms::keep(tx, &first, t).await? {
                    continue;
                }
                let kept = store::forms::template(tx, &t.code, version).await?;
                if kept.as_ref() != Some(t) {
                    let reason = Msg::new("inspection-form-changed")
                        .with("code", &t.code)
                        .with("version", version);
                    problems.extend(brought.problem(reason));
                }
            }
            Ok(())
        })?;
        Ok(problems)
    }

    /// What a version says.
    pub(crate) async fn template(
        &self,
        tx: &mut Tx,
        code: &str,
        version: i64,
    ) -> Result<Option<Arc<Template>>> {
        let key = (code.to_owned(), version);
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = known.0.get(&key) {
                return Ok(Some(found.clone()));
            }
        }
        let Some(found) = store::forms::template(tx, code, version).await? else {
            return Ok(None);
        };
        let found = Arc::new(found);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.insert(key, found.clone());
        Ok(Some(found))
    }

    /// A template with what it inherits, or what is wrong with it.
    pub(crate) async fn resolved(
        &self,
        tx: &mut Tx,
        template: &Template,
        version: i64,
    ) -> Result<Result<Form, Vec<Mistake>>> {
        let mut chain: Vec<(Base, Arc<Template>)> = Vec::new();
        let mut next = template.extends.clone();
        while let Some(base) = next.take() {
            if chain.iter().any(|(known, _)| *known == base) {
                break;
            }
            if let Some(found) = self.template(tx, &base.form, base.version).await? {
                next.clone_from(&found.extends);
                chain.push((base, found));
            }
        }
        let known = |base: &Base| {
            let found = chain.iter().find(|(b, _)| b == base);
            found.map(|(_, t)| t.as_ref())
        };
        Ok(resolve(template, version, &known))
    }

    /// A version as it is filled in.
    ///
    /// # Errors
    /// `NotFound` when there is no such version.
    pub async fn form(&self, tx: &mut Tx, code: &str, version: i64) -> Result<Arc<Form>> {
        let key = (code.to_owned(), version);
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = known.1.get(&key) {
                return Ok(found.clone());
            }
        }
        let template = self.template(tx, code, version).await?;
        let template = template.ok_or(Error::NotFound)?;
        let form = self.resolved(tx, &template, version).await?;
        let form = form.map_err(|_| Error::internal("a kept form that is wrong"))?;
        let form = Arc::new(form);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.1.insert(key, form.clone());
        Ok(form)
    }

    /// All versions that somebody may see, by code, the newest first: those of packs, of units in the scope, and of units
    /// above them, which they extend.
    pub async fn versions(&self, scope: &Scope) -> Result<BTreeMap<String, Vec<Version>>> {
        let mut tx = self.db.read().await?;
        let all = store::forms::versions(&mut tx, None).await?;
        let mut units: Vec<UnitId> = all.iter().filter_map(|v| v.unit).collect();
        let roots: &[UnitId] = match scope {
            Scope::Under(roots) => roots,
            Scope::All => &[],
        };
        units.extend(roots);
        let paths = reached(&mut tx, &units).await?;
        let path = |unit: &UnitId| paths.get(unit).map_or(&[][..], Vec::as_slice);
        let seen = |unit: &UnitId| {
            scope.reaches(path(unit)) || roots.iter().any(|root| path(root).contains(unit))
        };
        let mut found: BTreeMap<String, Vec<Version>> = BTreeMap::new();
        for version in all {
            if version.unit.as_ref().is_none_or(seen) {
                found.entry(version.code.clone()).or_default().push(version);
            }
        }
        Ok(found)
    }

    /// The versions of one form, the newest first.
    ///
    /// # Errors
    /// `NotFound` when one may not see it.
    pub async fn versions_of(&self, code: &str, scope: &Scope) -> Result<Vec<Version>> {
        let mut all = self.versions(scope).await?;
        all.remove(code).ok_or(Error::NotFound)
    }

    /// Begins a draft; sent twice with the same id it is begun once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope or there is nothing to begin from; `Conflict` for a
    /// form of a pack or of another unit, which one extends instead.
    pub async fn begin(
        &self,
        id: Id,
        from: &Begin,
        unit: UnitId,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<Id> {
        let by = who(actor)?;
        let unit = self.organization.unit(unit, scope).await?;
        let seen = self.versions(scope).await?;
        let mark = hex::encode(&id.0[10..]);
        let code = format!("own-f{mark}");
        let template = match from {
            Begin::Own(name) => {
                let mut template = blank(code, None);
                let basis = String::new();
                let head = Edit::Head {
                    name: name.clone(),
                    basis,
                };
                head.apply(&mut template, None)?;
                template
            }
            Begin::Plus(base) => {
                let versions = seen.get(&base.form).ok_or(Error::NotFound)?;
                let version = versions.iter().find(|v| v.version == base.version);
                let version = version.ok_or(Error::NotFound)?;
                let mut template = blank(code, Some(base.clone()));
                template.name.zh = format!("{}+", version.name.zh);
                template.name.en = format!("{}+", version.name.en);
                template
            }
            Begin::Next(code) => {
                let newest = seen.get(code).and_then(|v| v.first());
                let newest = newest.ok_or(Error::NotFound)?;
                if newest.unit != Some(unit.id) {
                    return Err(Error::Conflict(Msg::new("inspection-form-not-own")));
                }
                let mut tx = self.db.read().await?;
                let template = self.template(&mut tx, code, newest.version).await?;
                template.ok_or(Error::NotFound)?.as_ref().clone()
            }
            Begin::File(text) => {
                let forms = Checklists::read_file(text).map_err(|m| Error::field("file", m))?;
                let first = forms.into_iter().next().ok_or(Error::NotFound)?;
                let mut template = first.template;
                let known = seen.get(&template.code).and_then(|v| v.first());
                match known {
                    // One's own form in another text: its next version.
                    Some(v) if v.unit == Some(unit.id) => {}
                    _ => template.code = code,
                }
                template
            }
        };
        let draft = Draft {
            id,
            unit: unit.id,
            template,
            from: self.env.today(),
            note: String::new(),
            state: DraftState::Open,
            seq: 1,
            writers: vec![by],
            returned: String::new(),
            at: self.env.now(),
        };
        db::transaction!(self.db, |tx| {
            if !store::forms::add_draft(tx, &draft).await? {
                let known = store::forms::draft(tx, id, scope).await?;
                return match known.writers.contains(&by) {
                    true => Ok(()),
                    false => Err(Error::NotFound),
                };
            }
            let detail = json!({ "form": draft.template.code, "unit": unit.id });
            self.trace(
                tx,
                actor,
                "checklist.drafted",
                ("checklist-draft", id),
                detail,
            )
            .await
        })?;
        Ok(id)
    }

    /// A draft of a unit in a scope, with what it comes to or what is wrong with it, and what it stands on.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) async fn draft(
        &self,
        id: Id,
        scope: &Scope,
    ) -> Result<(Draft, Result<Form, Vec<Mistake>>, Option<Arc<Form>>)> {
        let mut tx = self.db.read().await?;
        let draft = store::forms::draft(&mut tx, id, scope).await?;
        let version = 1 + store::forms::last(&mut tx, &draft.template.code).await?;
        let form = self.resolved(&mut tx, &draft.template, version).await?;
        let base = match &draft.template.extends {
            Some(base) => Some(self.form(&mut tx, &base.form, base.version).await?),
            None => None,
        };
        Ok((draft, form, base))
    }

    /// Changes an open draft.
    ///
    /// # Errors
    /// `Invalid` per field, also for what the form would refuse; `Conflict` when it was changed since `seq` or is not
    /// open; `NotFound`.
    pub async fn edit(
        &self,
        id: Id,
        seq: i64,
        edit: &Edit,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        let by = who(actor)?;
        db::transaction!(self.db, |tx| {
            let mut draft = store::forms::draft(tx, id, scope).await?;
            if draft.seq != seq || draft.state != DraftState::Open {
                return Err(changed());
            }
            let base = match &draft.template.extends {
                Some(base) => Some(self.form(tx, &base.form, base.version).await?),
                None => None,
            };
            edit.apply(&mut draft.template, base.as_deref())?;
            if let (Edit::Rebase(version), Some(base)) = (edit, &draft.template.extends)
                && self.template(tx, &base.form, *version).await?.is_none()
            {
                return Err(Error::field("version", Msg::new("inspection-item-missing")));
            }
            // What was typed just now is told at once; what is still missing only when it is handed in.
            let version = 1 + store::forms::last(tx, &draft.template.code).await?;
            if let Err(mistakes) = self.resolved(tx, &draft.template, version).await? {
                let field = match edit {
                    Edit::Add { .. } => "text",
                    Edit::Tighten(_) => "item",
                    Edit::Rebase(_) => "version",
                    _ => "name",
                };
                let told = |m: &&Mistake| m.reason.key != "form-empty";
                if let Some(mistake) = mistakes.iter().find(told) {
                    return Err(Error::field(field, mistake.reason.clone()));
                }
            }
            if !draft.writers.contains(&by) {
                draft.writers.push(by);
            }
            self.save(tx, draft, seq).await
        })
    }

    async fn save(&self, tx: &mut Tx, mut draft: Draft, seq: i64) -> Result<()> {
        draft.seq = seq + 1;
        match store::forms::save_draft(tx, &draft, seq).await? {
            true => Ok(()),
            false => Err(changed()),
        }
    }

    /// Hands a draft in, to hold from a day, for a reason.
    ///
    /// # Errors
    /// `Invalid` per field and for what is wrong with the form; `Conflict`; `NotFound`.
    pub async fn propose(
        &self,
        id: Id,
        seq: i64,
        (from, note): (Date, &str),
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        let by = who(actor)?;
        let note = reasoned("note", note, 300)?;
        if from < self.env.today() {
            return Err(Error::field("from", Msg::new("inspection-from-past")));
        }
        db::transaction!(self.db, |tx| {
            let mut draft = store::forms::draft(tx, id, scope).await?;
            if draft.seq != seq || draft.state != DraftState::Open {
                return Err(changed());
            }
            let version = 1 + store::forms::last(tx, &draft.template.code).await?;
            if let Err(mistakes) = self.resolved(tx, &draft.template, version).await? {
                let told = mistakes.into_iter();
                return Err(Error::Invalid(
                    told.map(|m| crate::service::wrong("form", m.reason))
                        .collect(),
                ));
            }
            (draft.from, draft.note, draft.state) = (from, note.clone(), DraftState::Proposed);
            draft.returned = String::new();
            if !draft.writers.contains(&by) {
                draft.writers.push(by);
            }
            let detail = json!({ "form": draft.template.code, "from": kernel::format_date(from) });
            self.trace(
                tx,
                actor,
                "checklist.proposed",
                ("checklist-draft", id),
                detail,
            )
            .await?;
            let name = &draft.template.name.zh;
            let message = Msg::new("notice-checklist-proposed").with("title", name);
            let to = self.nearest(tx, REVIEW, draft.unit).await?;
            self.tell(tx, &to, message, format!("/checklists/drafts/{id}"), id)
                .await?;
            self.save(tx, draft, seq).await
        })
    }

    /// Gives a draft up, or takes it back where it waits.
    ///
    /// # Errors
    /// `Conflict`; `NotFound`.
    pub async fn withdraw_draft(
        &self,
        id: Id,
        seq: i64,
        give_up: bool,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let mut draft = store::forms::draft(tx, id, scope).await?;
            let fits = match give_up {
                true => draft.state == DraftState::Open,
                false => draft.state == DraftState::Proposed,
            };
            if draft.seq != seq || !fits {
                return Err(changed());
            }
            draft.state = match give_up {
                true => DraftState::Dropped,
                false => DraftState::Open,
            };
            let action = match give_up {
                true => "checklist.dropped",
                false => "checklist.recalled",
            };
            let detail = json!({ "form": draft.template.code });
            self.trace(tx, actor, action, ("checklist-draft", id), detail)
                .await?;
            self.save(tx, draft, seq).await
        })
    }

    /// Puts a draft to use as the next version of its form, or returns it for a reason: never by who wrote any of it.
    ///
    /// # Errors
    /// `Invalid` without a reason; `Conflict` for one's own and for what was decided meanwhile; `NotFound`.
    pub async fn decide_draft(
        &self,
        id: Id,
        seq: i64,
        refused: Option<&str>,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<Option<i64>> {
        let by = who(actor)?;
        let reason = refused.map(|r| reasoned("reason", r, 300)).transpose()?;
        db::transaction!(self.db, |tx| {
            let mut draft = store::forms::draft(tx, id, scope).await?;
            if draft.seq != seq || draft.state != DraftState::Proposed {
                return Err(changed());
            }
            let own = |a: &AccountId| *a == by || actor.on_behalf == Some(*a);
            if draft.writers.iter().any(own) {
                return Err(Error::Conflict(Msg::new("inspection-form-own")));
            }
            let object = ("checklist-draft", id);
            let (written, writers) = (draft.writers[0], draft.writers.clone());
            let code = draft.template.code.clone();
            let name = draft.template.name.zh.clone();
            let (action, version, message) = match &reason {
                Some(reason) => {
                    (draft.state, draft.returned) = (DraftState::Open, reason.clone());
                    let message = Msg::new("notice-checklist-returned").with("reason", reason);
                    ("checklist.returned", None, message)
                }
                None => {
                    let number = 1 + store::forms::last(tx, &code).await?;
                    let version = Version {
                        code: code.clone(),
                        version: number,
                        name: draft.template.name.clone(),
                        unit: Some(draft.unit),
                        pack: String::new(),
                        extends: draft.template.extends.clone(),
                        from: draft.from.max(self.env.today()),
                        note: draft.note.clone(),
                        by: Some((written, by)),
                        at: self.env.now(),
                    };
                    // Two who put drafts of one form to use at once: the second is told.
                    if !store::forms::keep(tx, &version, &draft.template).await? {
                        return Err(changed());
                    }
                    draft.state = DraftState::Used;
                    let message = Msg::new("notice-checklist-used").with("reason", "");
                    ("checklist.used", Some(number), message)
                }
            };
            let detail = json!({ "form": code, "version": version, "reason": reason });
            self.trace(tx, actor, action, object, detail).await?;
            let href = format!("/checklists/drafts/{id}");
            for account in writers {
                let reader = self.reader(tx, account).await?;
                let message = message.clone().with("title", &name);
                self.tell(tx, &[reader], message, href.clone(), id).await?;
            }
            self.save(tx, draft, seq).await?;
            Ok(version)
        })
    }
}

fn blank(code: String, extends: Option<Base>) -> Template {
    Template {
        code,
        name: named(""),
        extends,
        basis: None,
        sections: Vec::new(),
        stricter: Vec::new(),
        smallest_group: 1,
    }
}
