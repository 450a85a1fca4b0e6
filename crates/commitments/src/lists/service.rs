//! Lists written and put to use; reports opened, written, handed in, judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use db::Tx;
use identity::Actor;
use kernel::{
    Calendar, Date, Error, FactId, Id, Msg, Period, PersonId, Result, Scope, format_date,
};
use ledger::Fact;
use notices::{Notice, Reader};
use organization::Organization;
use serde_json::json;
use web::table::Window;

use super::kind::{AnswerList, AnswerLists};
use super::model::{Item, List, NewList, Report, ReportState, Version, read_items, timeliness};
use crate::service::{Commitments, TITLE, conflict};
use crate::store::lists as store;

/// One a self-report that was accepted: person and role, in time or late; category: the sample of its list.
pub(crate) const SELF_REPORT: &str = "self-report";
/// Longest text of an item, and longest comment.
pub(crate) const LONGEST: usize = 5_000;

/// Who looks: as what person, where they may look, where they write lists and judge.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The person; none while somebody acts for another.
    pub me: Option<PersonId>,
    /// Where they may look.
    pub reads: Scope,
    /// Where they write lists and judge reports.
    pub issues: Scope,
}

/// Lists and self-reports; cheap to clone.
#[derive(Clone)]
pub struct Answering {
    pub(crate) base: Commitments,
    pub(crate) samples: Arc<AnswerLists>,
    pub(crate) calendar: Arc<Calendar>,
}

/// A report with what belongs to it.
#[derive(Debug, Clone)]
pub struct ReportView {
    /// As lists have it.
    pub report: Report,
    /// What the ledger counts now, by code; of what was handed in, what it counted then.
    pub figures: BTreeMap<String, i64>,
    /// What happened: act, words, who, when.
    pub events: Vec<(String, String, Option<String>, kernel::Timestamp)>,
    /// Whether the reader writes it.
    pub may_write: bool,
    /// Whether the reader judges it.
    pub may_judge: bool,
}

fn text(field: &str, said: &str, needed: bool) -> Result<String> {
    let said = said.replace("\r\n", "\n").trim().to_owned();
    let bad = said
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t');
    match said.chars().count() {
        0 if needed => Err(Error::field(
            field,
            Msg::new("commitments-list-said-missing"),
        )),
        n if n > LONGEST || bad => {
            let message = Msg::new("commitments-list-said-long").with("most", LONGEST);
            Err(Error::field(field, message))
        }
        _ => Ok(said),
    }
}

fn moved_on() -> Error {
    conflict("commitments-list-moved-on")
}

impl Answering {
    /// Over the same house as commitments.
    pub fn new(base: Commitments, samples: AnswerLists, calendar: Calendar) -> Self {
        Self {
            base,
            samples: samples.into(),
            calendar: calendar.into(),
        }
    }

    pub(crate) fn sample(&self, code: &str) -> Option<&AnswerList> {
        self.samples.get(code)
    }

    async fn audit(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        (kind, id): (&'static str, Id),
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = actor.audit(action, (kind, id), detail);
        identity::record(tx, &self.base.env, &entry).await
    }

    async fn tell(
        &self,
        tx: &mut Tx,
        r: &Report,
        to: &[PersonId],
        key: &'static str,
        once: &str,
    ) -> Result<()> {
        let to: Vec<Reader> = to.iter().copied().map(Reader::Person).collect();
        let notice = Notice {
            message: Msg::new(key)
                .with("title", &r.title)
                .with("year", r.year)
                .with("due", format_date(r.due)),
            href: r.href(),
            about: ("self-report", r.id.to_string()),
            dedupe: Some(format!("self-report-{}-{once}", r.id)),
            confidential: false,
        };
        self.base.notices.send(tx, &to, &notice).await
    }

    fn items(&self, sample: &AnswerList, typed: &str, before: &[Item]) -> Result<Vec<Item>> {
        if !typed.trim().is_empty() {
            return read_items(typed, before);
        }
        Ok(Self::sample_items(sample))
    }

    /// The items of a sample, as a list takes them over.
    pub(crate) fn sample_items(sample: &AnswerList) -> Vec<Item> {
        let item = |i: &super::PackItem| Item {
            code: i.code.clone(),
            text: i.text.zh.clone(),
            basis: i.basis.zh.clone(),
            expected: i.expected.zh.clone(),
            figure: i.figure.clone(),
        };
        sample.items.iter().map(item).collect()
    }

    /// Writes a list with its first version; sent twice with the same id it is written once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope.
    pub async fn write(&self, new: &NewList, seen: &Seen, actor: &Actor) -> Result<Id> {
        let unknown = || Error::field("sample", Msg::new("commitments-kind-unknown"));
        let sample = self.sample(&new.sample).ok_or_else(unknown)?;
        let title = new.title.trim().to_owned();
        let length = title.chars().count();
        if !(2..=TITLE).contains(&length) || title.chars().any(char::is_control) {
            let message = Msg::new("commitments-title-wrong").with("most", TITLE);
            return Err(Error::field("title", message));
        }
        let items = self.items(sample, &new.items, &Self::sample_items(sample))?;
        self.base.organization.unit(new.unit, &seen.issues).await?;
        let list = List {
            id: new.id,
            sample: sample.code.clone(),
            title,
            unit: new.unit,
            holder: new.holder,
            newest: 0,
            used: None,
        };
        let version = Version {
            n: 1,
            items,
            reason: String::new(),
            author: actor.account,
            at: self.base.env.now(),
            used_on: None,
        };
        db::transaction!(self.base.db, |tx| {
            if store::insert(tx, &list).await? {
                store::put_version(tx, list.id, &version).await?;
                let detail = json!({ "version": 1, "items": version.items.len() });
                self.audit(
                    tx,
                    actor,
                    "answering.written",
                    ("answer-list", list.id),
                    detail,
                )
                .await?;
            }
            Ok(list.id)
        })
    }

    /// A list for those who may see it, with its versions, the newest first.
    pub async fn list(&self, id: Id, seen: &Seen) -> Result<(List, Vec<Version>)> {
        let mut tx = self.base.db.read().await?;
        let list = store::one(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let own = seen.me == Some(list.holder);
        if !own && !store::reaches(&mut tx, &seen.reads, list.unit).await? {
            return Err(Error::NotFound);
        }
        Ok((list, store::versions(&mut tx, id).await?))
    }

    async fn held(&self, tx: &mut Tx, id: Id, seen: &Seen) -> Result<List> {
        let list = store::one(tx, id).await?.ok_or(Error::NotFound)?;
        match store::reaches(tx, &seen.issues, list.unit).await? {
            true => Ok(list),
            false => Err(Error::NotFound),
        }
    }

    /// Writes the next version; the one in use stays in use until this one is put to use.
    ///
    /// # Errors
    /// `Invalid` for `items` and `reason`; `NotFound` out of scope; `Conflict` when another one was written meanwhile.
    pub async fn revise(
        &self,
        (id, newest): (Id, i64),
        (typed, reason): (&str, &str),
        seen: &Seen,
        actor: &Actor,
    ) -> Result<()> {
        let reason = text("reason", reason, true)?;
        db::transaction!(self.base.db, |tx| {
            let list = self.held(tx, id, seen).await?;
            let before = store::items(tx, id, list.newest).await?;
            let version = Version {
                n: newest + 1,
                items: read_items(typed, &before)?,
                reason: reason.clone(),
                author: actor.account,
                at: self.base.env.now(),
                used_on: None,
            };
            if !store::put_version(tx, id, &version).await? {
                return Err(moved_on());
            }
            let detail = json!({ "version": version.n, "items": version.items.len() });
            self.audit(tx, actor, "answering.written", ("answer-list", id), detail)
                .await
        })
    }

    /// Puts the newest version to use: somebody else than who wrote it, and not who answers for it.
    ///
    /// # Errors
    /// `Conflict` for one's own, or when it is in use or not the newest; `NotFound` out of scope.
    pub async fn put_to_use(&self, id: Id, n: i64, seen: &Seen, actor: &Actor) -> Result<()> {
        let account = actor.account.ok_or(Error::Unauthenticated)?;
        db::transaction!(self.base.db, |tx| {
            let list = self.held(tx, id, seen).await?;
            let versions = store::versions(tx, id).await?;
            let version = versions.iter().find(|v| v.n == n).ok_or(Error::NotFound)?;
            let wrote = [actor.account, actor.on_behalf].contains(&version.author);
            if wrote || seen.me == Some(list.holder) {
                return Err(conflict("commitments-list-own"));
            }
            let today = self.base.env.today();
            if !store::put_to_use(tx, id, n, account, today).await? {
                return Err(moved_on());
            }
            let detail = json!({ "version": n });
            self.audit(tx, actor, "answering.used", ("answer-list", id), detail)
                .await
        })
    }

    /// Somebody else answers for it from now on; reports that were opened stay with who held it then.
    ///
    /// # Errors
    /// `NotFound` out of scope.
    pub async fn hand_over(
        &self,
        id: Id,
        holder: PersonId,
        seen: &Seen,
        actor: &Actor,
    ) -> Result<()> {
        db::transaction!(self.base.db, |tx| {
            self.held(tx, id, seen).await?;
            store::hand_over(tx, id, holder).await?;
            let detail = json!({ "holder": holder });
            self.audit(tx, actor, "answering.used", ("answer-list", id), detail)
                .await
        })
    }

    /// A page of lists that somebody may see.
    pub async fn lists(&self, seen: &Seen, window: Window) -> Result<(i64, Vec<List>)> {
        store::all(
            &mut self.base.db.read().await?,
            &seen.reads,
            seen.me,
            window,
        )
        .await
    }

    /// A page of reports that somebody may see: of a year, of a list, those that are not handed in.
    pub async fn reports(
        &self,
        seen: &Seen,
        wanted: (Option<i16>, Option<Id>, bool),
        window: Window,
    ) -> Result<(i64, Vec<Report>)> {
        let who = (&seen.reads, seen.me);
        store::reports(&mut self.base.db.read().await?, who, wanted, window).await
    }

    /// Reports of a person that are not handed in: for the home page.
    pub async fn waiting(&self, me: PersonId) -> Result<Vec<Report>> {
        store::missing(&mut self.base.db.read().await?, Some(me)).await
    }

    /// What the ledger counts for the items of a report in its year, up to today.
    async fn counted(&self, r: &Report) -> Result<BTreeMap<String, i64>> {
        let year = Period {
            from: Date::constant(r.year, 1, 1),
            to: Date::constant(r.year, 12, 31),
        };
        let mut found = BTreeMap::new();
        let Some(days) = year.up_to(self.base.env.today()) else {
            return Ok(found);
        };
        let mut reading = self.base.ledger.reading().await?;
        for item in &r.items {
            if let Some(figure) = &item.figure {
                let totals = reading.tally(&figure.of, &[r.unit], days, false).await?;
                let n = totals.get(&r.unit).map_or(0, |t| t.n);
                found.insert(item.code.clone(), n);
            }
        }
        Ok(found)
    }

    async fn judges(&self, tx: &mut Tx, r: &Report, seen: &Seen) -> Result<bool> {
        let Some(me) = seen.me.filter(|me| *me != r.holder) else {
            return Ok(false);
        };
        let charge = Organization::in_charge(tx, r.unit, self.base.env.today()).await?;
        Ok(charge.contains(&me) || store::reaches(tx, &seen.issues, r.unit).await?)
    }

    /// A report for who wrote it, who judges it, and who may look; what one may not see does not exist.
    pub async fn report(&self, id: Id, seen: &Seen) -> Result<ReportView> {
        let mut tx = self.base.db.read().await?;
        let report = store::report_of(&mut tx, id)
            .await?
            .ok_or(Error::NotFound)?;
        let own = seen.me == Some(report.holder);
        let judges = self.judges(&mut tx, &report, seen).await?;
        if !own && !judges && !store::reaches(&mut tx, &seen.reads, report.unit).await? {
            return Err(Error::NotFound);
        }
        let events = store::events(&mut tx, id).await?;
        drop(tx);
        let figures = match report.state.is_open() {
            true => self.counted(&report).await?,
            false => report.figures.clone(),
        };
        Ok(ReportView {
            events,
            figures,
            may_write: own && report.state.is_open(),
            may_judge: judges && report.state == ReportState::Handed,
            report,
        })
    }

    /// Keeps what somebody wrote in their report; `hand_in` hands it in, with what the ledger counts today.
    ///
    /// # Errors
    /// `Invalid` per item (`t-CODE`); `NotFound` for somebody else's; `Conflict` when it was changed since or is handed in.
    pub async fn keep(
        &self,
        (id, version): (Id, i64),
        said: &BTreeMap<String, String>,
        hand_in: bool,
        seen: &Seen,
        actor: &Actor,
    ) -> Result<()> {
        let view = self.report(id, seen).await?;
        if seen.me != Some(view.report.holder) {
            return Err(Error::NotFound);
        }
        let mut texts = BTreeMap::new();
        let mut errors = Vec::new();
        for item in &view.report.items {
            let typed = said.get(&item.code).map_or("", String::as_str);
            match text(&format!("t-{}", item.code), typed, hand_in) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => drop(texts.insert(item.code.clone(), text)),
                Err(Error::Invalid(wrong)) => errors.extend(wrong),
                Err(other) => return Err(other),
            }
        }
        Error::if_any(errors)?;
        let figures = self.counted(&view.report).await?;
        db::transaction!(self.base.db, |tx| {
            let mut r = store::report_of(tx, id).await?.ok_or(Error::NotFound)?;
            if r.version != version || !r.state.is_open() {
                return Err(moved_on());
            }
            r.said.clone_from(&texts);
            if hand_in {
                r.state = ReportState::Handed;
                r.figures.clone_from(&figures);
                r.handed_on = r.handed_on.or(Some(self.base.env.today()));
            }
            if !store::save(tx, &mut r).await? {
                return Err(moved_on());
            }
            if !hand_in {
                return Ok(());
            }
            store::note(tx, &r, "handed", actor.account, self.base.env.now()).await?;
            let detail = json!({ "year": r.year });
            self.audit(tx, actor, "answering.handed", ("self-report", id), detail)
                .await?;
            let charge = Organization::in_charge(tx, r.unit, self.base.env.today()).await?;
            let once = format!("handed-{}", r.version);
            self.tell(tx, &r, &charge, "commitments-list-notice-handed", &once)
                .await
        })
    }

    /// Accepts a report, or returns it for more; not one's own. What was accepted is a fact.
    ///
    /// # Errors
    /// `Invalid` for `comment`; `Forbidden` for those who do not judge it; `Conflict` when it does not wait for that.
    pub async fn judge(
        &self,
        (id, version): (Id, i64),
        (accepts, comment): (bool, &str),
        seen: &Seen,
        actor: &Actor,
    ) -> Result<()> {
        let comment = text("comment", comment, !accepts)?;
        self.report(id, seen).await?;
        self.base.ledger.admit()?;
        db::transaction!(self.base.db, |tx| {
            let mut r = store::report_of(tx, id).await?.ok_or(Error::NotFound)?;
            if !self.judges(tx, &r, seen).await? {
                return Err(Error::Forbidden);
            }
            if r.version != version || r.state != ReportState::Handed {
                return Err(moved_on());
            }
            let (state, act, key) = match accepts {
                true => (
                    ReportState::Accepted,
                    "accepted",
                    "commitments-list-notice-accepted",
                ),
                false => (
                    ReportState::Returned,
                    "returned",
                    "commitments-list-notice-returned",
                ),
            };
            (r.state, r.judged_by) = (state, actor.account);
            r.judged_on = Some(self.base.env.today());
            r.comment.clone_from(&comment);
            if !store::save(tx, &mut r).await? {
                return Err(moved_on());
            }
            store::note(tx, &r, act, actor.account, self.base.env.now()).await?;
            let detail = json!({ "act": act, "year": r.year });
            self.audit(tx, actor, "answering.judged", ("self-report", id), detail)
                .await?;
            if accepts {
                self.accepted(tx, &r, actor).await?;
            }
            let holder = [r.holder];
            let once = format!("{act}-{}", r.version);
            self.tell(tx, &r, &holder, key, &once).await
        })
    }

    async fn accepted(&self, tx: &mut Tx, r: &Report, actor: &Actor) -> Result<()> {
        let (env, day) = (&self.base.env, self.base.env.today());
        let key = (r.unit, day);
        let paths = self.base.organization.paths_on(tx, &[key]).await?;
        let path = paths.get(&key).ok_or(Error::NotFound)?;
        let place = self.base.ledger.place(tx, path).await?;
        let id: FactId = env.new_id();
        let mut fact = Fact::new(id, SELF_REPORT, place, day, r.id, "form", env.now());
        (fact.person, fact.unit) = (Some(r.holder), Some(place));
        fact.role = Some(timeliness(r.handed_on, r.due).to_owned());
        fact.recorded_by = actor.account;
        self.base.ledger.append(tx, &[fact]).await
    }

    /// Opens the report of a year of a list in use; gives whether it was not there before.
    pub(crate) async fn open(
        &self,
        tx: &mut Tx,
        list: &List,
        year: i16,
        due: Date,
    ) -> Result<bool> {
        let Some(n) = list.used else {
            return Ok(false);
        };
        let report = Report {
            id: self.base.env.new_id(),
            list: list.id,
            title: list.title.clone(),
            year,
            holder: list.holder,
            unit: list.unit,
            items: store::items(tx, list.id, n).await?,
            said: BTreeMap::new(),
            figures: BTreeMap::new(),
            due,
            state: ReportState::Open,
            handed_on: None,
            comment: String::new(),
            judged_by: None,
            judged_on: None,
            version: 1,
        };
        if !store::open(tx, &report).await? {
            return Ok(false);
        }
        let holder = [list.holder];
        self.tell(tx, &report, &holder, "commitments-list-notice-open", "open")
            .await?;
        Ok(true)
    }

    /// Reminds of a report that is not handed in.
    pub(crate) async fn remind_of(
        &self,
        tx: &mut Tx,
        r: &Report,
        sample: &AnswerList,
    ) -> Result<()> {
        let today = self.base.env.today();
        let reached = |steps: &[String]| {
            let steps = steps
                .iter()
                .filter_map(|s| commons::deadlines::Step::parse(s));
            let days = steps.map(|s| (s.day(r.due, &self.calendar), s));
            days.filter(|(day, _)| *day <= today)
                .max_by_key(|(day, _)| *day)
        };
        if let Some((_, step)) = reached(&sample.remind) {
            let holder = [r.holder];
            let once = format!("{step}-{}", format_date(r.due));
            self.tell(tx, r, &holder, "commitments-list-notice-due", &once)
                .await?;
        }
        if let Some((_, step)) = reached(&sample.escalate) {
            let charge = Organization::in_charge(tx, r.unit, today).await?;
            let once = format!("up-{step}-{}", format_date(r.due));
            self.tell(tx, r, &charge, "commitments-list-notice-late", &once)
                .await?;
        }
        Ok(())
    }
}
