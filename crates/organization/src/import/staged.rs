//! Large imports: rows are staged as they are read, checked some people at a time, and published as a
//! batch that is written unseen and shown at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use commons::files::{FileHash, Files, Held};
use db::transaction;
use desk::Desk;
use kernel::{AccountId, Env, Error, FieldError, Id, Msg, PersonId, Result, Scope};
use serde_json::json;

use super::record::{Finding, Import, Note, Other, Outcome, State, Summary, TWIN, Twin, Upload};
use super::{
    Change, Decision, Ground, PeoplePlan, PersonRow, Places, Seen, Stated, TiesPlan, UnitPlan, ids,
    numbers, plan_numbers, plan_people, plan_ties, plan_units, staff_nos,
};
use crate::attributes::Attributes;
use crate::bodies::BodyKinds;
use crate::model::Tree;
use crate::service::Organization;
use crate::sheet::{self, Head, Kind, Line};
use crate::store::{self, Namesake, RowOf, Staged};

/// Rows that are read, planned or written together: a transaction stays far below 100 ms.
pub(super) const CHUNK: usize = 1_000;
/// After so many days what nobody touched is taken away, unless a setting says otherwise.
const KEPT_DAYS: i64 = 3;
pub(super) const UNITS: &str = "u";
pub(super) const PERSONS: &str = "p";
/// Members of bodies, pairings, lines of responsibility.
pub(super) const TIES: &str = "t";
/// Imports of uploaded files; cheap to clone.
#[derive(Clone)]
pub struct Imports {
    pub(crate) org: Organization,
    pub(crate) files: Files,
    pub(crate) attributes: Arc<Attributes>,
    pub(crate) kinds: Arc<BodyKinds>,
    /// Files that came in pieces wait there.
    pub(crate) desk: Desk,
    /// Days after which what nobody touched is taken away.
    pub(crate) keep_days: i64,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Found {
    pub summary: Summary,
    numbers: HashMap<&'static str, i64>,
    pub waiting: Vec<Finding>,
    outcome: Outcome,
    hash: [u8; 32],
    /// Where identity numbers were stated.
    pub stated: Seen,
    /// New people of the file by name and mark: staff number and cell.
    seen: HashMap<(String, String), (String, String, String)>,
}

impl Found {
    pub fn change(&mut self, change: &Change) {
        *self
            .summary
            .counts
            .entry(change.kind.code().to_owned())
            .or_default() += 1;
        *self.outcome.counts.entry(change.kind.code()).or_default() += 1;
        let line = format!(
            "{}\u{1f}{}\u{1f}{}",
            change.kind.code(),
            change.code,
            change.name
        );
        let bytes = [&self.hash[..], line.as_bytes()].concat();
        self.hash = FileHash::of(&bytes).0;
        self.waiting.push(change.into());
    }

    fn fault(&mut self, error: FieldError) {
        self.summary.faults += 1;
        self.waiting.push((&error).into());
        if self.outcome.faults.len() < 1_000 {
            self.outcome.faults.push(error);
        }
    }

    pub fn digest(&self) -> String {
        FileHash(self.hash).to_string()
    }
}

/// By what, beside the name, two people are taken for the same: the unit, as long as people have no date of
/// birth and no number of their own that could tell more.
fn mark(row: &PersonRow) -> &str {
    &row.unit.value
}

/// Some people as they were planned, and the last code among them.
pub(super) struct Chunk {
    pub last: String,
    pub read: i64,
    rows: Vec<PersonRow>,
    /// New staff numbers whose identity number somebody has.
    same: BTreeMap<String, PersonId>,
    pub plan: PeoplePlan,
    pub errors: Vec<FieldError>,
}

/// Some memberships and ties as they were planned, and the last staff number among them.
pub(super) struct Ties {
    pub last: String,
    pub read: i64,
    pub plan: TiesPlan,
    pub errors: Vec<FieldError>,
}

impl Imports {
    /// Imports into an organization, with files kept in a store.
    pub fn new(org: Organization, files: Files, attributes: Arc<Attributes>) -> Self {
        Self {
            desk: Desk::new(org.db.clone(), org.env.clone()),
            org,
            files,
            attributes,
            kinds: Arc::default(),
            keep_days: KEPT_DAYS,
        }
    }

    /// The same, which knows kinds of bodies and pairings.
    pub fn with_kinds(mut self, kinds: Arc<BodyKinds>) -> Self {
        self.kinds = kinds;
        self
    }

    /// The same, which keeps what nobody goes on with for so many days.
    pub fn keeping(mut self, days: i64) -> Self {
        self.keep_days = days;
        self
    }

    pub(super) fn env(&self) -> &Env {
        &self.org.env
    }

    /// Takes kept files for an import and looks at their heads; columns are those of the last time, or
    /// those their names tell.
    pub(crate) async fn open(
        &self,
        files: Vec<(String, Held)>,
        account: Option<AccountId>,
    ) -> Result<Id> {
        let all: Vec<Held> = files.iter().map(|(_, held)| held.clone()).collect();
        let opened = self.opened(files, account).await;
        if opened.is_err() {
            self.release(&all).await;
        }
        opened
    }

    async fn opened(&self, files: Vec<(String, Held)>, account: Option<AccountId>) -> Result<Id> {
        // On the command line, cells are named with their file.
        let named = account.is_none();
        let mut uploads = Vec::new();
        let mut errors = Vec::new();
        for (name, held) in files {
            let bytes = self.files.held(&held).await?;
            let (attributes, file) = (self.attributes.clone(), name.clone());
            let read = move || sheet::heads(&file, &bytes, &attributes);
            let heads = tokio::task::spawn_blocking(read)
                .await
                .map_err(Error::internal)?;
            let mut heads = match heads {
                Ok(heads) => heads,
                Err(Error::Invalid(found)) => {
                    errors.extend(found);
                    continue;
                }
                Err(other) => return Err(other),
            };
            let mut tx = self.org.db.read().await?;
            for head in &mut heads {
                if named {
                    head.file.clone_from(&name);
                }
                let known = store::columns_of(&mut tx, &head.key()).await?;
                if let Some(columns) = known.filter(|c| !c.is_empty()) {
                    head.kind = Some(Kind::of(&columns));
                    head.columns = columns;
                }
            }
            uploads.push(Upload {
                name,
                held: held.to_string(),
                heads,
            });
        }
        Error::if_any(errors)?;
        let import = Import {
            id: self.env().new_id(),
            account,
            state: State::Mapping,
            files: uploads,
            done: 0,
            total: 0,
            summary: Summary::default(),
            touched_at: self.env().now(),
        };
        transaction!(self.org.db, |tx| store::put_import(tx, &import).await)?;
        Ok(import.id)
    }

    /// An import of an account.
    pub(crate) async fn get(&self, id: Id, account: Option<AccountId>) -> Result<Import> {
        let found = store::import_by_id(&mut self.org.db.read().await?, id).await?;
        found
            .filter(|i| i.account == account)
            .ok_or(Error::NotFound)
    }

    /// Says what the columns mean.
    pub(crate) async fn set_files(&self, import: &Import, files: &[Upload]) -> Result<()> {
        transaction!(self.org.db, |tx| {
            store::put_files(tx, import.id, files).await
        })
    }

    /// Asks once more what the columns mean.
    pub(crate) async fn back_to_mapping(&self, id: Id) -> Result<()> {
        let from = [State::Ready, State::Failed, State::Mapping];
        if self.take(id, &from, State::Mapping).await? {
            return Ok(());
        }
        Err(Error::Conflict(Msg::new("organization-import-busy")))
    }

    /// Takes an import for work; false when somebody works on it.
    pub(crate) async fn take(&self, id: Id, from: &[State], to: State) -> Result<bool> {
        let now = self.env().now();
        transaction!(self.org.db, |tx| store::take_import(tx, id, from, to, now)
            .await)
    }

    /// Stages and checks in one go, for whoever waits.
    ///
    /// # Errors
    /// `Invalid` when a file is no table or its columns are not known.
    pub async fn check_files(
        &self,
        files: Vec<(String, Held)>,
        scope: &Scope,
    ) -> Result<(Id, Outcome)> {
        let id = self.open(files, None).await?;
        let import = self.get(id, None).await?;
        if let Err(error) = sheet::complete(&import.heads(), &self.attributes) {
            self.discard(id).await?;
            return Err(error);
        }
        self.take(id, &[State::Mapping], State::Checking).await?;
        Ok((id, self.check(id, scope, true).await?))
    }

    /// Reads (unless that was done) and checks an import that was taken for it.
    pub(crate) async fn check(&self, id: Id, scope: &Scope, read: bool) -> Result<Outcome> {
        let done = self.checked(id, scope, read).await;
        if let Err(error) = &done {
            self.fail(id, State::Checking, error).await;
        }
        done
    }

    async fn checked(&self, id: Id, scope: &Scope, read: bool) -> Result<Outcome> {
        let found = store::import_by_id(&mut self.org.db.read().await?, id).await?;
        let import = found.ok_or(Error::NotFound)?;
        self.drop_findings(id).await?;
        if read {
            self.stage(&import).await?;
        }
        let heads = import.heads();
        let mut found = Found::default();
        let (before, units) = self.units(&import, &heads, scope, &mut found).await?;
        units.changes.iter().for_each(|c| found.change(c));
        found.summary.unchanged += units.unchanged as u64;
        let decisions = store::decisions(&mut self.org.db.read().await?, id).await?;
        let (mut after, mut done) = (None, 0);
        while let Some(chunk) = self
            .chunk(
                (&import, &heads),
                &units.ground,
                &decisions,
                after.as_deref(),
                &mut found.stated,
            )
            .await?
        {
            self.twins(&chunk, &decisions, scope, &mut found).await?;
            chunk.plan.changes.iter().for_each(|c| found.change(c));
            chunk.errors.into_iter().for_each(|e| found.fault(e));
            found.summary.unchanged += chunk.plan.unchanged as u64;
            found.summary.left_out += chunk.plan.left_out as u64;
            done += chunk.read;
            self.note(id, &mut found, done).await?;
            after = Some(chunk.last);
        }
        let mut after = None;
        while let Some(some) = self
            .ties((&import, &heads), &before, scope, after.as_deref())
            .await?
        {
            some.plan.changes.iter().for_each(|c| found.change(c));
            some.errors.into_iter().for_each(|e| found.fault(e));
            found.summary.unchanged += some.plan.unchanged as u64;
            done += some.read;
            self.note(id, &mut found, done).await?;
            after = Some(some.last);
        }
        self.note(id, &mut found, done).await?;
        found.summary.digest = found.digest();
        found.outcome.unchanged = found.summary.unchanged;
        found.outcome.fault_count = found.summary.faults;
        let (summary, now) = (found.summary, self.env().now());
        transaction!(self.org.db, |tx| {
            store::end_import(tx, id, State::Checking, State::Ready, &summary, now).await
        })?;
        Ok(found.outcome)
    }

    /// Writes down what was found since the last time, and how far the check is.
    async fn note(&self, id: Id, found: &mut Found, done: i64) -> Result<()> {
        let waiting = std::mem::take(&mut found.waiting);
        let (before, now) = (found.numbers.clone(), self.env().now());
        let mut numbers = before.clone();
        transaction!(self.org.db, |tx| {
            numbers.clone_from(&before);
            store::put_findings(tx, id, &mut numbers, &waiting).await?;
            store::touch_import(tx, id, State::Checking, done, 0, now).await
        })?;
        found.numbers = numbers;
        Ok(())
    }

    /// Reads the files row by row into the staging table; no more than a few chunks are held.
    async fn stage(&self, import: &Import) -> Result<()> {
        let id = import.id;
        self.drop_rows(id).await?;
        let (sender, mut ready) = tokio::sync::mpsc::channel::<Vec<Staged>>(2);
        let mut files = Vec::new();
        for file in &import.files {
            let bytes = match self.files.held(&file.held.parse()?).await {
                // Uploads are in no backup.
                Err(Error::NotFound) => {
                    return Err(Error::Conflict(Msg::new("organization-upload-gone")));
                }
                read => read?,
            };
            files.push((file.clone(), bytes));
        }
        let read = tokio::task::spawn_blocking(move || {
            let (mut waiting, mut n, mut first_head) = (Vec::with_capacity(CHUNK), 0, 0);
            for (file, bytes) in &files {
                sheet::lines(
                    &file.name,
                    bytes,
                    &file.heads,
                    &mut |head, number, texts| {
                        n += 1;
                        waiting.push(staged(file, head, first_head, n, number, texts));
                        if waiting.len() < CHUNK {
                            return Ok(());
                        }
                        let full = std::mem::replace(&mut waiting, Vec::with_capacity(CHUNK));
                        sender.blocking_send(full).map_err(Error::internal)
                    },
                )?;
                first_head += file.heads.len() as i64;
            }
            sender.blocking_send(waiting).map_err(Error::internal)
        });
        let heads = import.heads();
        let vault = self.org.vault.as_ref();
        let keys = match vault.filter(|_| numbers::any(&heads)) {
            Some(vault) => Some(transaction!(self.org.db, |tx| {
                vault.make(tx, &[id]).await
            })?),
            None => None,
        };
        let mut done = 0;
        while let Some(mut rows) = ready.recv().await {
            numbers::seal(keys.as_ref(), id, &heads, &mut rows)?;
            done += rows.len() as i64;
            let now = self.env().now();
            transaction!(self.org.db, |tx| {
                store::put_rows(tx, id, &rows).await?;
                store::touch_import(tx, id, State::Checking, 0, done, now).await
            })?;
        }
        read.await.map_err(Error::internal)?
    }

    /// The plan of all units of an import.
    pub(super) async fn units(
        &self,
        import: &Import,
        heads: &[Head],
        scope: &Scope,
        found: &mut Found,
    ) -> Result<(Tree, UnitPlan)> {
        let mut tx = self.org.db.read().await?;
        let before = store::tree(&mut tx).await?;
        let mut staged = store::rows_after(&mut tx, import.id, UNITS, None, i64::MAX).await?;
        // The order of the rows is the order of the units.
        staged.sort_by_key(|(_, head, number, _)| (*head, *number));
        let (mut rows, mut unread, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for (code, head, number, texts) in &staged {
            let line = line(heads, *head, *number, texts)?;
            match sheet::unit(line, &mut errors) {
                Some(unit) => rows.push(unit),
                None => unread.push(code.clone()),
            }
        }
        let plan = plan_units(&rows, &unread, &before, scope, self.env(), &mut errors);
        errors.into_iter().for_each(|e| found.fault(e));
        Ok((before, plan))
    }

    /// The plan of the next people.
    pub(super) async fn chunk(
        &self,
        (import, heads): (&Import, &[Head]),
        ground: &Ground,
        decisions: &HashMap<String, Decision>,
        after: Option<&str>,
        seen: &mut Seen,
    ) -> Result<Option<Chunk>> {
        let mut tx = self.org.db.read().await?;
        let mut staged: Vec<RowOf> =
            store::rows_after(&mut tx, import.id, PERSONS, after, CHUNK as i64).await?;
        let vault = self.org.vault.as_ref();
        if let Some(vault) = vault.filter(|_| numbers::any(heads)) {
            let keys = vault.keys(&mut tx, &[import.id]).await?;
            for (_, head, _, texts) in &mut staged {
                if let Some(head) = heads.get(*head) {
                    numbers::open(&keys, import.id, head, texts)?;
                }
            }
        }
        let Some((last, ..)) = staged.last() else {
            return Ok(None);
        };
        let (mut rows, mut errors) = (Vec::with_capacity(staged.len()), Vec::new());
        let (mut stated, today) = (Vec::new(), self.env().today());
        for (code, head, number, texts) in &staged {
            let line = line(heads, *head, *number, texts)?;
            if let Some(mut row) = sheet::person(line, &self.attributes, today, &mut errors) {
                // Two numbers of one person: the rows were given to the other one.
                row.staff_no.value.clone_from(code);
                let number = sheet::number(line, today, &mut errors);
                if let Some(number) = &number {
                    sheet::fill(&mut row, number, &self.attributes);
                }
                stated.extend(number.map(|number| Stated {
                    staff_no: row.staff_no.clone(),
                    number,
                }));
                rows.push(row);
            }
        }
        let mut known = store::people(&mut tx, &staff_nos(&rows)).await?;
        let same: Vec<(&str, PersonId)> = staff_nos(&rows)
            .into_iter()
            .filter(|code| !known.contains_key(*code))
            .filter_map(|code| match decisions.get(code) {
                Some(Decision::Same(person)) => Some((code, *person)),
                _ => None,
            })
            .collect();
        store::enter_same(&mut tx, &mut known, &same).await?;
        let traits = store::traits_of(&mut tx, &ids(&known, &rows)).await?;
        let (env, own) = (self.env(), numbers::own(&known));
        let mut plan = plan_people(
            &rows,
            &mut known,
            &traits,
            decisions,
            ground,
            env,
            &mut errors,
        );
        let same = plan_numbers(
            &self.org,
            &mut tx,
            &stated,
            &own,
            decisions,
            ground,
            seen,
            &mut plan,
            &mut errors,
        )
        .await?;
        Ok(Some(Chunk {
            same,
            last: last.clone(),
            read: staged.len() as i64,
            rows,
            plan,
            errors,
        }))
    }

    /// The plan of the next memberships and ties: they hang on people who are there.
    pub(super) async fn ties(
        &self,
        (import, heads): (&Import, &[Head]),
        tree: &Tree,
        scope: &Scope,
        after: Option<&str>,
    ) -> Result<Option<Ties>> {
        let mut tx = self.org.db.read().await?;
        let staged: Vec<RowOf> =
            store::rows_after(&mut tx, import.id, TIES, after, CHUNK as i64).await?;
        let Some((last, ..)) = staged.last() else {
            return Ok(None);
        };
        let (mut rows, mut errors) = (Vec::with_capacity(staged.len()), Vec::new());
        for (_, head, number, texts) in &staged {
            rows.extend(sheet::tie(line(heads, *head, *number, texts)?, &mut errors));
        }
        let places = Places::read(&mut tx, (&self.kinds, tree), scope, self.env()).await?;
        let plan = plan_ties(&mut tx, &rows, &places, &mut errors).await?;
        Ok(Some(Ties {
            last: last.clone(),
            read: staged.len() as i64,
            plan,
            errors,
        }))
    }

    /// Looks for people among the new ones who look like somebody known or like each other.
    async fn twins(
        &self,
        chunk: &Chunk,
        decisions: &HashMap<String, Decision>,
        scope: &Scope,
        found: &mut Found,
    ) -> Result<()> {
        let new = chunk.plan.people.iter().filter(|p| chunk.plan.is_new(p.id));
        let new: Vec<&str> = new.map(|p| p.staff_no.as_str()).collect();
        let new: std::collections::HashSet<&str> = new.into_iter().collect();
        let mut first: BTreeMap<&str, &PersonRow> = BTreeMap::new();
        for row in &chunk.rows {
            let code = row.staff_no.value.as_str();
            if new.contains(code) && !decisions.contains_key(code) {
                first.entry(code).or_insert(row);
            }
        }
        let mut names: Vec<&str> = first.values().map(|row| row.name.value.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut tx = self.org.db.read().await?;
        let today = self.env().today();
        let known = store::namesakes(&mut tx, &names, today, scope).await?;
        let ids: Vec<PersonId> = chunk.same.values().copied().collect();
        let numbered = store::served(&mut tx, &ids, today, scope).await?;
        let mut alike: HashMap<(&str, &str), Vec<&Namesake>> = HashMap::new();
        for other in &known {
            let key = (other.name.as_str(), other.unit_code.as_str());
            alike.entry(key).or_default().push(other);
        }
        for (code, row) in first {
            let of_known = alike.get(&(row.name.value.as_str(), mark(row)));
            let holder = chunk.same.get(code);
            let holder = holder.and_then(|id| numbered.iter().find(|k| k.person == *id));
            let mut others: Vec<Other> = of_known
                .into_iter()
                .flatten()
                .copied()
                .filter(|known| holder.is_none_or(|h| h.person != known.person))
                .chain(holder)
                .map(|known| Other {
                    person: Some(known.person),
                    staff_no: known.staff_no.clone(),
                    name: known.name.clone(),
                    unit: known.unit.clone(),
                    post: known.post.clone(),
                    at: String::new(),
                    same_number: holder.is_some_and(|h| h.person == known.person),
                })
                .collect();
            let key = (row.name.value.clone(), mark(row).to_owned());
            let own = (code.to_owned(), row.staff_no.at.clone(), row.post.clone());
            if let Some((staff_no, at, post)) = found.seen.get(&key) {
                others.push(Other {
                    person: None,
                    staff_no: staff_no.clone(),
                    name: row.name.value.clone(),
                    unit: row.unit.value.clone(),
                    post: post.clone(),
                    at: at.clone(),
                    same_number: false,
                });
            } else {
                found.seen.insert(key, own);
            }
            let Some(other) = others.first() else {
                continue;
            };
            if found.outcome.twins.len() < 1_000 {
                let pair = (code.to_owned(), other.staff_no.clone());
                found.outcome.twins.push(pair);
            }
            found.summary.twins += 1;
            let twin = Twin {
                unit: row.unit.value.clone(),
                post: row.post.clone(),
                others,
            };
            found.waiting.push(Finding {
                kind: TWIN,
                address: row.staff_no.at.clone(),
                code: code.to_owned(),
                name: row.name.value.clone(),
                detail: json!(twin),
            });
        }
        Ok(())
    }

    /// Says of somebody new who looks like somebody else what they are.
    ///
    /// # Errors
    /// `NotFound` when that was not asked.
    pub(crate) async fn decide(
        &self,
        import: &Import,
        decisions: &[(String, String)],
    ) -> Result<()> {
        let mut tx = self.org.db.read().await?;
        let twins = store::findings(&mut tx, import.id, TWIN, 0, i64::MAX).await?;
        drop(tx);
        let mut said = Vec::new();
        for (code, word) in decisions {
            let twin = twins
                .iter()
                .find(|t| t.code == *code)
                .ok_or(Error::NotFound)?;
            let twin: Twin =
                serde_json::from_value(twin.detail.clone()).map_err(Error::internal)?;
            let same = word.strip_prefix("same:");
            let other = same.and_then(|no| twin.others.into_iter().find(|o| o.staff_no == no));
            let decision = match (word.as_str(), other) {
                (
                    _,
                    Some(Other {
                        person: Some(id), ..
                    }),
                ) => (Decision::Same(id), None),
                // The rows of one person under two numbers: the first number stays.
                (_, Some(other)) => (Decision::Other, Some(other.staff_no)),
                ("out", _) => (Decision::Out, None),
                ("other", _) => (Decision::Other, None),
                _ => return Err(Error::NotFound),
            };
            said.push((code, decision));
        }
        transaction!(self.org.db, |tx| {
            for (code, (decision, into)) in &said {
                match into {
                    Some(into) => store::move_rows(tx, import.id, code, into).await?,
                    None => store::put_decision(tx, import.id, code, *decision).await?,
                }
            }
            Ok(())
        })
    }

    /// Says on the import why it failed.
    pub(super) async fn fail(&self, id: Id, from: State, error: &Error) {
        let note = match error {
            Error::Invalid(errors) => errors.first().map(|e| Note::from(&e.message)),
            Error::Conflict(message) | Error::Unavailable(message) => Some(message.into()),
            Error::Busy { .. } => Some((&Msg::new("organization-import-busy")).into()),
            _ => None,
        };
        let note = note.unwrap_or_else(|| {
            tracing::error!(import = %id, %error, "an import failed");
            (&Msg::new("organization-import-failed")).into()
        });
        let summary = Summary {
            note: Some(note),
            ..Summary::default()
        };
        let now = self.env().now();
        let said: Result<()> = transaction!(self.org.db, |tx| {
            store::end_import(tx, id, from, State::Failed, &summary, now).await
        });
        if let Err(error) = said {
            tracing::warn!(import = %id, %error, "an import failed and cannot say so");
        }
    }
}

fn line<'l>(heads: &'l [Head], head: usize, number: u32, texts: &'l [String]) -> Result<Line<'l>> {
    let missing = || Error::internal("a staged row names no head");
    Ok(Line {
        head: heads.get(head).ok_or_else(missing)?,
        number,
        texts,
    })
}

/// A row for the staging table. Codes are cut: too long a one is an error anyway.
fn staged(
    file: &Upload,
    head: &Head,
    first_head: i64,
    n: i64,
    number: u32,
    texts: Vec<String>,
) -> Staged {
    let line = Line {
        head,
        number,
        texts: &texts,
    };
    let (kind, code) = match head.kind {
        Some(Kind::Persons) => (PERSONS, line.text("staff_no")),
        Some(Kind::Members | Kind::Pairings) => (TIES, line.text("staff_no")),
        _ => (UNITS, line.text("code")),
    };
    let code = code.chars().filter(|c| *c != '\0').take(64).collect();
    let place = file.heads.iter().position(|h| h.sheet == head.sheet);
    Staged {
        kind,
        code,
        n,
        head: first_head + place.unwrap_or_default() as i64,
        number,
        texts,
    }
}
