//! Monthly reports: opened with the day on which they are due, written from what is known, handed in, given back or accepted
//! by somebody else.

use std::collections::{BTreeMap, HashMap};

use db::Tx;
use identity::{Actor, Author};
use jiff::ToSpan;
use kernel::{Date, Error, FieldError, Id, Msg, Result, Scope, UnitId};

use crate::model::{
    Entry, EntryState, Eyes, LONGEST, Line, Report, ReportState, conflict, month_text, moved_on,
    reason_of, rolled, tidy, unfit,
};
use crate::service::Tasks;
use crate::store::reports::ReportFilter;
use crate::store::{self, Event, entries, reports};
use crate::{REPORT, REVIEW};

/// What a report says when it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// What was done, on the whole.
    pub summary: String,
    /// What went wrong.
    pub problems: String,
    /// What comes next.
    pub next: String,
    /// What it says of entries.
    pub lines: Vec<Line>,
}

/// What somebody else says of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is accepted: what it says stands.
    Accept,
    /// It goes back to be written again, with the reason.
    Return,
}

/// An entry in a report: what is known of it, and what the report says.
#[derive(Debug, Clone, PartialEq)]
pub struct Owed {
    /// The entry.
    pub entry: Entry,
    /// What the report says, or what is known so far.
    pub line: Line,
    /// Whether the report says it.
    pub written: bool,
    /// What the ledger counts to the end of the month.
    pub counted: Option<i64>,
    /// How far its parts have come, in percent.
    pub parts: Option<i64>,
    /// Parts that are open, and all that count.
    pub open_parts: (usize, usize),
}

/// A report with what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) report: Report,
    pub(crate) owed: Vec<Owed>,
    pub(crate) words: Vec<Event>,
    pub(crate) may_write: bool,
    pub(crate) may_review: bool,
}

impl Whole {
    /// Entries of which nothing is said.
    pub(crate) fn omitted(&self) -> usize {
        self.owed.iter().filter(|o| o.line.is_omitted()).count()
    }
}

impl Tasks {
    /// Opens the reports of the present month of all units that owe one; those that are there stay. Gives how many.
    pub(crate) async fn open_reports(&self, tx: &mut Tx) -> Result<u64> {
        let month = self.month();
        let mut due: BTreeMap<UnitId, (Date, Date)> = BTreeMap::new();
        for (unit, kind) in entries::unopened(tx, month).await? {
            let day = kind.due(month, &self.calendar);
            let remind = day.saturating_sub(kind.remind_before.days());
            let known = due.entry(unit).or_insert((day, remind));
            *known = (known.0.min(day), known.1.min(remind));
        }
        let report = |(unit, (due, remind)): (UnitId, (Date, Date))| {
            let report = Report {
                id: self.env.new_id(),
                unit,
                month,
                due,
                state: ReportState::Open,
                summary: String::new(),
                problems: String::new(),
                next: String::new(),
                handed_on: None,
                accepted_on: None,
                returns: 0,
                omitted: 0,
                version: 0,
            };
            (report, remind)
        };
        let list: Vec<_> = due.into_iter().map(report).collect();
        reports::open(tx, &list, self.env.now()).await
    }

    /// What a report is about: the entries that its unit owes, or, once it is handed in, those that it was about.
    async fn owed(&self, tx: &mut Tx, r: &Report, lines: &[Line]) -> Result<Vec<Entry>> {
        let known: Vec<Id> = lines.iter().map(|l| l.entry).collect();
        match r.state.is_open() {
            true => entries::owed(tx, r.unit, r.month).await,
            false => entries::some(tx, &known).await,
        }
    }

    /// A report with its entries: what it says, or what is known so far; what one may not see does not exist.
    pub(crate) async fn report(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut reading = self.ledger.reading().await?;
        let tx = reading.tx();
        let scopes = [&eyes.reads, &eyes.reports, &eyes.reviews];
        let report = reports::seen(tx, id, &scopes).await?;
        let lines = reports::lines(tx, &[id]).await?.remove(&id);
        let lines: Vec<Line> = lines.unwrap_or_default();
        let owed = self.owed(tx, &report, &lines).await?;
        let ids: Vec<Id> = owed.iter().map(|e| e.id).collect();
        let mut parts: HashMap<Id, Vec<Entry>> = HashMap::new();
        for part in entries::parts(tx, &ids).await? {
            let parent = part.parent.ok_or(Error::NotFound)?;
            parts.entry(parent).or_default().push(part);
        }
        let words = reports::words(tx, id).await?;
        let writes = Self::within(tx, &eyes.reports, report.unit).await?;
        let reviews = Self::within(tx, &eyes.reviews, report.unit).await?;
        let me = Author {
            account: Some(eyes.account),
            on_behalf: None,
            person: eyes.person,
        };
        let authors = reports::authors(tx, id).await?;
        let to = report.month.last_of_month();
        let counted = self.counted(&mut reading, &owed, to).await?;
        let by_entry: HashMap<Id, &Line> = lines.iter().map(|l| (l.entry, l)).collect();
        let owed = owed.into_iter().map(|entry| {
            let own = parts.get(&entry.id).map_or(&[][..], Vec::as_slice);
            let rolled = rolled(own);
            let open = own.iter().filter(|e| e.state == EntryState::Open).count();
            let standing = |e: &&Entry| matches!(e.state, EntryState::Open | EntryState::Reached);
            let all = own.iter().filter(standing).count();
            let written = by_entry.get(&entry.id).copied().cloned();
            let line = written.clone().unwrap_or_else(|| Line {
                entry: entry.id,
                percent: rolled.unwrap_or(entry.percent).max(entry.percent),
                said: String::new(),
                reached_on: None,
                counted: None,
            });
            // Once it is handed in, the number of that day stands.
            let now = counted.get(&entry.id).copied();
            Owed {
                counted: line.counted.filter(|_| !report.state.is_open()).or(now),
                written: written.is_some(),
                line,
                parts: rolled,
                open_parts: (open, all),
                entry,
            }
        });
        Ok(Whole {
            owed: owed.collect(),
            words,
            may_write: writes && report.state.is_open(),
            may_review: reviews
                && report.state == ReportState::Handed
                && !authors.iter().any(|a| a.is_same(&me)),
            report,
        })
    }

    fn check_written(&self, r: &Report, owed: &[Entry], written: &Written) -> Result<()> {
        let mut errors = Vec::new();
        let mut wrong = |field: String, message: Msg| errors.push(FieldError { field, message });
        for (field, text) in [
            ("summary", &written.summary),
            ("problems", &written.problems),
            ("next", &written.next),
        ] {
            if unfit(text, LONGEST) {
                let message = Msg::new("tasks-text-wrong").with("most", LONGEST);
                wrong(field.to_owned(), message);
            }
        }
        let today = self.env.today();
        for line in &written.lines {
            let Some(e) = owed.iter().find(|e| e.id == line.entry) else {
                wrong("act".to_owned(), Msg::new("tasks-line-unknown"));
                continue;
            };
            if !(0..=100).contains(&line.percent) {
                wrong(format!("percent-{}", e.id), Msg::new("tasks-percent-wrong"));
            }
            if unfit(&line.said, LONGEST) {
                let message = Msg::new("tasks-text-wrong").with("most", LONGEST);
                wrong(format!("said-{}", e.id), message);
            }
            if let Some(on) = line.reached_on {
                if on > today || on < e.content.from || on > r.month.last_of_month() {
                    let message = Msg::new("tasks-reached-wrong")
                        .with("from", kernel::format_date(e.content.from))
                        .with("month", month_text(r.month));
                    wrong(format!("reached-{}", e.id), message);
                }
                if line.is_omitted() {
                    let message = Msg::new("tasks-reached-unsaid");
                    wrong(format!("said-{}", e.id), message);
                }
            }
        }
        Error::if_any(errors)
    }

    /// Writes a report, and hands it in when `hand_in` is set. Entries of which nothing is said are flagged, not hidden; what
    /// the ledger counts on that day stays with it.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it was changed since or is not to be written; `NotFound` out of scope.
    pub async fn write(
        &self,
        (id, seen): (Id, i64),
        written: &Written,
        hand_in: bool,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let mut reading = self.ledger.reading().await?;
        let before = reports::seen(reading.tx(), id, &[&eyes.reports]).await?;
        let owed = entries::owed(reading.tx(), before.unit, before.month).await?;
        let to = before.month.last_of_month();
        let counted = self.counted(&mut reading, &owed, to).await?;
        drop(reading);
        db::transaction!(self.db, |tx| {
            let mut r = reports::hold(tx, id).await?.ok_or(Error::NotFound)?;
            if !Self::within(tx, &eyes.reports, r.unit).await? {
                return Err(Error::NotFound);
            }
            if r.version != seen || !r.state.is_open() {
                return Err(moved_on());
            }
            let owed = entries::owed(tx, r.unit, r.month).await?;
            self.check_written(&r, &owed, written)?;
            r.summary = tidy(&written.summary);
            r.problems = tidy(&written.problems);
            r.next = tidy(&written.next);
            let line = |e: &Entry| {
                let said = written.lines.iter().find(|l| l.entry == e.id);
                Line {
                    entry: e.id,
                    percent: said.map_or(e.percent, |l| match l.reached_on {
                        Some(_) => 100,
                        None => l.percent,
                    }),
                    said: said.map_or(String::new(), |l| tidy(&l.said)),
                    reached_on: said.and_then(|l| l.reached_on),
                    counted: counted.get(&e.id).copied().filter(|_| hand_in),
                }
            };
            let lines: Vec<Line> = owed.iter().map(line).collect();
            if hand_in {
                if r.summary.is_empty() && lines.iter().all(Line::is_omitted) {
                    return Err(Error::field("summary", Msg::new("tasks-report-empty")));
                }
                self.check_parts(tx, &owed, &lines).await?;
                r.state = ReportState::Handed;
                r.handed_on = r.handed_on.or(Some(self.env.today()));
                r.omitted = lines.iter().filter(|l| l.is_omitted()).count() as i64;
            }
            reports::put_lines(tx, id, &lines).await?;
            let act = if hand_in { "handed" } else { "kept" };
            let author = Author::of(actor, eyes.person);
            reports::save(tx, &mut r, (act, ""), author, self.env.now()).await?;
            if !hand_in {
                return Ok(());
            }
            self.record(tx, actor, "task.reported", ("task-report", id), act)
                .await?;
            let people = self
                .holders(tx, REVIEW, r.unit, &mut HashMap::new())
                .await?;
            self.tell_of_report(tx, &r, &people, "tasks-notice-handed")
                .await
        })
    }

    /// An entry is reached only when all its parts are ended.
    async fn check_parts(&self, tx: &mut Tx, owed: &[Entry], lines: &[Line]) -> Result<()> {
        let reached: Vec<Id> = lines
            .iter()
            .filter(|l| l.reached_on.is_some())
            .map(|l| l.entry)
            .collect();
        // A part that the same report says is reached counts as such.
        let parts = entries::parts(tx, &reached).await?;
        let open = |e: &&Entry| e.state == EntryState::Open && !reached.contains(&e.id);
        let errors = parts.iter().filter(open).filter_map(|part| {
            let above = owed.iter().find(|e| Some(e.id) == part.parent)?;
            Some(FieldError {
                field: format!("reached-{}", above.id),
                message: Msg::new("tasks-parts-open").with("number", part.call()),
            })
        });
        Error::if_any(errors.collect())
    }

    async fn tell_of_report(
        &self,
        tx: &mut Tx,
        r: &Report,
        people: &[kernel::PersonId],
        key: &'static str,
    ) -> Result<()> {
        let message = Msg::new(key)
            .with("unit", store::unit_name(tx, r.unit).await?)
            .with("month", month_text(r.month))
            .with("due", kernel::format_date(r.due));
        let once = format!("{key}-{}", r.version);
        self.tell(tx, people, message, r.href(), (r.id, &once))
            .await
    }

    /// Accepts a report or gives it back; nobody judges what they wrote or handed in. What an accepted report says stands:
    /// entries come as far as it says, those that are reached end with a fact.
    ///
    /// # Errors
    /// `Invalid` for `reason`; `Conflict` when it is not handed in, was changed since, or is one's own; `NotFound`.
    pub async fn judge(
        &self,
        (id, seen): (Id, i64),
        judgement: Judgement,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        let reason = reason_of(reason, judgement == Judgement::Return)?;
        db::transaction!(self.db, |tx| {
            let mut r = reports::hold(tx, id).await?.ok_or(Error::NotFound)?;
            if !Self::within(tx, &eyes.reviews, r.unit).await? {
                return Err(Error::NotFound);
            }
            if r.version != seen || r.state != ReportState::Handed {
                return Err(moved_on());
            }
            let me = Author::of(actor, eyes.person);
            let authors = reports::authors(tx, id).await?;
            if authors.iter().any(|a| a.is_same(&me)) {
                return Err(conflict("tasks-report-own"));
            }
            let act = match judgement {
                Judgement::Accept => {
                    (r.state, r.accepted_on) = (ReportState::Accepted, Some(self.env.today()));
                    "accepted"
                }
                Judgement::Return => {
                    r.state = ReportState::Returned;
                    r.returns += 1;
                    "returned"
                }
            };
            reports::save(tx, &mut r, (act, &reason), me, self.env.now()).await?;
            self.record(tx, actor, "task.judged", ("task-report", id), act)
                .await?;
            let people = self
                .holders(tx, REPORT, r.unit, &mut HashMap::new())
                .await?;
            match judgement {
                Judgement::Return => {
                    self.tell_of_report(tx, &r, &people, "tasks-notice-returned")
                        .await
                }
                Judgement::Accept => {
                    self.take_over(tx, &r, (eyes, actor)).await?;
                    self.report_accepted(tx, &r, actor).await
                }
            }
        })
    }

    /// What an accepted report says becomes how its entries stand; an older month does not undo a later one.
    async fn take_over(
        &self,
        tx: &mut Tx,
        r: &Report,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let lines = reports::lines(tx, &[r.id]).await?.remove(&r.id);
        let lines = lines.unwrap_or_default();
        let ids: Vec<Id> = lines.iter().map(|l| l.entry).collect();
        let known = entries::some(tx, &ids).await?;
        let mut order: Vec<(&Line, &Entry)> = lines
            .iter()
            .filter_map(|l| Some((l, known.iter().find(|e| e.id == l.entry)?)))
            .collect();
        // Plans one after the other, in the same order everywhere; parts before what they are parts of.
        order.sort_by_key(|(_, e)| (e.plan, std::cmp::Reverse(e.depth()), e.id));
        let mut plan: Option<crate::Plan> = None;
        for (line, known) in order {
            if line.is_omitted() {
                continue;
            }
            if plan.as_ref().is_none_or(|p| p.id != known.plan) {
                plan = store::hold(tx, known.plan).await?;
            }
            let plan = plan.as_mut().ok_or(Error::NotFound)?;
            let mut entry = entries::one(tx, line.entry).await?.ok_or(Error::NotFound)?;
            let later = entry.reported.is_some_and(|month| month > r.month);
            if entry.state != EntryState::Open || (later && line.reached_on.is_none()) {
                continue;
            }
            if !later {
                entry.percent = line.percent;
                entry.said.clone_from(&line.said);
                entry.reported = Some(r.month);
            }
            let Some(on) = line.reached_on else {
                entries::save(tx, &mut entry, self.env.now()).await?;
                continue;
            };
            let parts = entries::parts(tx, &[entry.id]).await?;
            if let Some(part) = parts.iter().find(|e| e.state == EntryState::Open) {
                let message = Msg::new("tasks-parts-open").with("number", part.call());
                return Err(Error::Conflict(message));
            }
            entry.percent = 100;
            self.end(tx, plan, &mut entry, (EntryState::Reached, on), actor)
                .await?;
            let what = ("reached", Some(entry.id), "");
            self.happened(tx, plan, what, eyes, actor).await?;
        }
        Ok(())
    }

    /// A page of reports of units where one looks, reports or accepts, and how many there are.
    pub async fn reports(
        &self,
        filter: &ReportFilter,
        scope: &Scope,
        window: web::table::Window,
    ) -> Result<(i64, Vec<Report>)> {
        reports::list(&mut self.db.read().await?, scope, filter, window).await
    }

    /// Reports that wait for somebody: to be written for the very units on which they report, once these are reminded; to be
    /// judged where they review. For the home page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting(&self, eyes: &Eyes, most: i64) -> Result<(i64, Vec<Report>)> {
        let mut tx = self.db.read().await?;
        let window = web::table::Window::new(1, most);
        let own = match &eyes.reports {
            Scope::Under(units) => units.clone(),
            Scope::All => Vec::new(),
        };
        let to_write = ReportFilter {
            units: Some(own),
            states: vec![ReportState::Open, ReportState::Returned],
            reminded: Some(self.env.today()),
            ..ReportFilter::default()
        };
        let to_judge = ReportFilter {
            states: vec![ReportState::Handed],
            ..ReportFilter::default()
        };
        let (mut total, mut found) = (0, Vec::new());
        for (scope, filter) in [(&eyes.reports, to_write), (&eyes.reviews, to_judge)] {
            let (n, list) = reports::list(&mut tx, scope, &filter, window).await?;
            total += n;
            found.extend(list);
        }
        Ok((total, found))
    }
}
