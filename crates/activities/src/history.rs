//! Past activities taken in from a sheet (历史导入): a row with people becomes an activity, marked as a late entry and as
//! imported; a row with numbers alone a declared total (申报数). All of it is looked at before anything is written; rows
//! that contradict one another, or what is recorded already, are decided by a person; an import is taken back as a whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use commons::sheets::{Column, Limits, TableRow, read, squeeze, write};
use desk::{Attached, Attachments, Waiting};
use identity::Actor;
use kernel::{
    AccountId, ActivityId, Date, Error, FactId, FieldError, Id, Msg, PersonId, Result, Scope,
    Timestamp, UnitId,
};
use ledger::Fact;
use organization::{Organization, Unit};
use serde_json::json;

use crate::service::who;
use crate::store::files::{self, FiledEvidence};
use crate::store::history as rows;
use crate::{Activities, Activity, ActivityKind, Part, Role, store};

/// Rows of one sheet.
pub(crate) const MOST_ROWS: usize = 2_000;
/// Facts that the totals of one sheet may stand for.
const MOST_FACTS: i64 = 20_000;
/// How activities that came in so name their source in the ledger.
const HISTORY: &str = "history";
/// How totals do.
const DECLARED: &str = "declared";

/// Columns of a sheet: field, names, whether there must be one.
const COLUMNS: [(&str, &[&str], bool); 9] = [
    ("kind", &["活动类型", "Kind", "类型"], true),
    ("date", &["日期", "Date", "时间"], true),
    ("unit", &["单位编码", "Unit code", "主办单位编码"], true),
    ("title", &["标题", "Title", "名称", "主题"], true),
    (
        "minutes",
        &["时长（分钟）", "Minutes", "时长", "分钟"],
        false,
    ),
    (
        "present",
        &["实到人员工号", "Staff numbers present", "参加人员工号"],
        false,
    ),
    ("away", &["未到人员工号", "Staff numbers absent"], false),
    ("sessions", &["场次", "Sessions", "次数"], false),
    ("count", &["参加人次", "Attendances", "人次"], false),
];

/// The header in a language.
pub(crate) fn header(lang: &str) -> Vec<&'static str> {
    let at = usize::from(lang.starts_with("en"));
    COLUMNS.iter().map(|(_, names, _)| names[at]).collect()
}

/// An empty sheet to be filled in.
pub(crate) fn template(name: &str, lang: &str) -> Result<Vec<u8>> {
    write::xlsx(name, &header(lang), Vec::<Vec<write::Value>>::new())
}

/// A sheet that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Id, the subject of the facts of its totals.
    pub id: Id,
    /// Name of the file.
    pub name: String,
    /// Scans that prove it.
    pub evidence: Vec<Attached>,
    /// When.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: AccountId,
    /// When it was taken back.
    pub reversed_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// A declared total (申报数).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// Id.
    pub id: Id,
    /// Code of the kind.
    pub kind: String,
    /// Organising unit.
    pub host: UnitId,
    /// The day, or the last day of what it sums up.
    pub date: Date,
    /// Title.
    pub title: String,
    /// So many sessions.
    pub sessions: i64,
    /// So many attendances in all.
    pub present: i64,
    /// Minutes of each session.
    pub minutes: i64,
}

/// A row that can be taken in.
#[derive(Debug, Clone)]
pub(crate) struct Fine {
    pub(crate) number: u32,
    pub(crate) unit: String,
    pub(crate) total: Total,
    /// Who was there and who was not; empty for a total.
    pub(crate) parts: Vec<Part>,
}

impl Fine {
    fn key(&self) -> (String, UnitId, Date, String) {
        let t = &self.total;
        (t.kind.clone(), t.host, t.date, squeeze(&t.title))
    }

    /// What of it is counted.
    fn numbers(&self) -> (i64, i64) {
        (self.total.sessions, self.total.present)
    }
}

/// Rows that contradict one another, or what is there already: somebody chooses one of them, or none.
#[derive(Debug, Clone)]
pub(crate) struct Conflict {
    /// The rows of the sheet.
    pub(crate) rows: Vec<Fine>,
    /// What is there: day, title, sessions, how many were there.
    pub(crate) known: Vec<(Date, String, i64, i64)>,
}

impl Conflict {
    /// The name of the field by which it is decided.
    pub(crate) fn field(&self) -> String {
        format!("choose-{}", self.rows[0].number)
    }
}

/// What a sheet comes to.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) fine: Vec<Fine>,
    pub(crate) conflicts: Vec<Conflict>,
    /// What is wrong, at its cells.
    pub(crate) faults: Vec<FieldError>,
    /// Rows with something wrong.
    pub(crate) faulty: usize,
    /// Rows that say what another row says, or what is recorded.
    pub(crate) known: usize,
}

impl Plan {
    /// What stays the same between looking at it and taking it in.
    pub(crate) fn mark(&self) -> String {
        format!(
            "{}-{}-{}-{}",
            self.fine.len(),
            self.conflicts.len(),
            self.faulty,
            self.known
        )
    }

    /// The rows to be taken in, with what was chosen of those in conflict.
    ///
    /// # Errors
    /// `Invalid` on each conflict that nobody decided.
    pub(crate) fn chosen(&self, choice: impl Fn(&str) -> String) -> Result<Vec<Fine>> {
        let (mut taken, mut errors) = (self.fine.clone(), Vec::new());
        for conflict in &self.conflicts {
            let (field, said) = (conflict.field(), choice(&conflict.field()));
            match conflict.rows.iter().find(|r| r.number.to_string() == said) {
                Some(row) => taken.push(row.clone()),
                None if said == "none" => {}
                None => errors.push(FieldError {
                    field,
                    message: Msg::new("history-undecided").with("row", conflict.rows[0].number),
                }),
            }
        }
        Error::if_any(errors)?;
        Ok(taken)
    }
}

/// Whether what is there overlaps with a row: a total of several sessions is about the whole year, all else about a day.
fn overlaps(row: &Total, date: Date, sessions: i64) -> bool {
    match row.sessions > 1 || sessions > 1 {
        true => row.date.year() == date.year(),
        false => row.date == date,
    }
}

/// Lays rows beside one another and beside what is there.
fn lay_out(plan: &mut Plan, rows: Vec<Fine>, known: &[(String, UnitId, Date, String, i64, i64)]) {
    let mut groups: BTreeMap<(String, UnitId, Date, String), Vec<Fine>> = BTreeMap::new();
    for row in rows {
        let same = groups.entry(row.key()).or_default();
        // What says the same again is left out; a row with people says more than its numbers.
        match same.iter_mut().find(|r| r.numbers() == row.numbers()) {
            Some(twin) => {
                plan.known += 1;
                if twin.parts.is_empty() && !row.parts.is_empty() {
                    *twin = row;
                }
            }
            None => same.push(row),
        }
    }
    for rows in groups.into_values() {
        let first = &rows[0].total;
        let there = known.iter().filter(|(kind, unit, date, _, sessions, _)| {
            *kind == first.kind
                && *unit == first.host
                && rows.iter().any(|r| overlaps(&r.total, *date, *sessions))
        });
        let there: Vec<_> = there
            .map(|(_, _, date, title, sessions, present)| {
                (*date, title.clone(), *sessions, *present)
            })
            .collect();
        let said = |r: &Fine| {
            let t = &r.total;
            there.iter().any(|(date, title, sessions, present)| {
                (*date, squeeze(title), *sessions, *present)
                    == (t.date, squeeze(&t.title), t.sessions, t.present)
            })
        };
        match (&rows[..], there.is_empty()) {
            ([only], _) if said(only) => plan.known += 1,
            ([only], true) => plan.fine.push(only.clone()),
            _ => plan.conflicts.push(Conflict { rows, known: there }),
        }
    }
    plan.fine.sort_by_key(|r| r.number);
    plan.conflicts.sort_by_key(|c| c.rows[0].number);
}

fn numbers_of(text: &str) -> Vec<String> {
    crate::form_page::staff_numbers(&text.replace(['；', ';', '\t'], ","))
}

impl Activities {
    /// What files of forms go through.
    pub(crate) fn attachments(&self) -> Result<Attachments> {
        let keeper = self.keeper()?;
        Ok(Attachments::new(keeper.desk.clone(), keeper.files.clone()))
    }

    fn kind_named(&self, text: &str) -> Option<&ActivityKind> {
        let name = squeeze(text);
        self.kinds.get(text).or_else(|| {
            let mut all = self.kinds.iter();
            all.find(|k| squeeze(&k.name.zh) == name || squeeze(&k.name.en) == name)
        })
    }

    /// One row without its people.
    fn row(
        &self,
        row: &TableRow<'_, '_>,
        units: &HashMap<&str, &Unit>,
        wrong: &mut Vec<FieldError>,
    ) -> Option<Fine> {
        let kind = self.kind_named(row.get("kind").text);
        let kind = kind.filter(|k| !k.pair && k.confidential.is_none() && !k.series);
        if kind.is_none() {
            wrong.push(row.get("kind").error(Msg::new("history-kind")));
        }
        let unit = units.get(row.get("unit").text).copied();
        match (unit, kind) {
            (None, _) => wrong.push(row.get("unit").error(Msg::new("history-unit"))),
            (Some(unit), Some(kind)) if !kind.is_for(&unit.category) => {
                let message = Msg::new("activity-kind-not-here").with("unit", &unit.name);
                wrong.push(row.get("kind").error(message));
            }
            _ => {}
        }
        let date = row.get("date").date(wrong);
        if date.is_some_and(|d| d >= self.env.today() || d < Date::constant(1990, 1, 1)) {
            wrong.push(row.get("date").error(Msg::new("history-date")));
        }
        if date.is_none() && row.get("date").text.is_empty() {
            wrong.push(row.get("date").error(Msg::new("history-date")));
        }
        let title = row.get("title").text.trim();
        if !(1..=100).contains(&title.chars().count()) {
            wrong.push(row.get("title").error(Msg::new("activity-title-missing")));
        }
        let mut number = |key: &str, usual: i64, most: i64| match row.get(key).text {
            "" => usual,
            text => match text.parse::<i64>() {
                Ok(n) if (0..=most).contains(&n) => n,
                _ => {
                    wrong.push(
                        row.get(key)
                            .error(Msg::new("history-number").with("most", most)),
                    );
                    usual
                }
            },
        };
        let minutes = number(
            "minutes",
            kind.map_or(60, |k| k.minutes),
            kind.map_or(720, |k| k.longest),
        );
        let sessions = number("sessions", 1, 366);
        let present = number("count", 0, 5_000);
        let people = !row.get("present").text.is_empty();
        if people && sessions != 1 || sessions == 0 || minutes == 0 {
            wrong.push(row.get("sessions").error(Msg::new("history-sessions")));
        }
        if people
            && !row.get("count").text.is_empty()
            && present != numbers_of(row.get("present").text).len() as i64
        {
            wrong.push(row.get("count").error(Msg::new("history-count-differs")));
        }
        if !people && (row.get("count").text.is_empty() || !row.get("away").text.is_empty()) {
            wrong.push(row.get("count").error(Msg::new("history-nobody")));
        }
        Some(Fine {
            number: row.number(),
            unit: unit?.name.clone(),
            total: Total {
                id: self.env.new_id(),
                kind: kind?.code.clone(),
                host: unit?.id,
                date: date?,
                title: title.to_owned(),
                sessions,
                present,
                minutes,
            },
            parts: Vec::new(),
        })
    }

    /// Reads a sheet and says what it comes to; writes nothing.
    ///
    /// # Errors
    /// `Invalid` on `file` when it is no table, lacks a column, is too long, or there is no scan that proves it.
    pub(crate) async fn plan_history(
        &self,
        sheet: &Waiting,
        scans: &[Waiting],
        scope: &Scope,
    ) -> Result<Plan> {
        if scans.is_empty() {
            return Err(Error::field("file", Msg::new("history-scan")));
        }
        let bytes = self.attachments()?.held(sheet).await?;
        let limits = Limits {
            rows: MOST_ROWS + 30,
            ..Limits::default()
        };
        let file = read(&sheet.name, &bytes, &limits)?;
        let wanted = COLUMNS.map(|(key, names, needed)| match needed {
            true => Column::required(key, names),
            false => Column::optional(key, names),
        });
        let table = file.columns(&wanted)?;
        let all: Vec<_> = table.rows().collect();
        if all.is_empty() || all.len() > MOST_ROWS {
            let message = Msg::new("history-rows").with("most", MOST_ROWS);
            return Err(Error::field("file", message));
        }
        let units = self.organization.units(scope).await?;
        let reach: HashSet<UnitId> = units.iter().map(|u| u.id).collect();
        let units: HashMap<&str, &Unit> = units.iter().map(|u| (u.code.as_str(), u)).collect();
        let mut numbers: Vec<String> = Vec::new();
        for row in &all {
            numbers.extend(numbers_of(row.get("present").text));
            numbers.extend(numbers_of(row.get("away").text));
        }
        numbers.sort_unstable();
        numbers.dedup();
        let mut tx = self.db.read().await?;
        let mut people: HashMap<String, PersonId> = HashMap::new();
        for chunk in numbers.chunks(5_000) {
            let found = store::people_by_staff_no(&mut tx, chunk, self.env.today()).await?;
            people.extend(
                found
                    .into_iter()
                    .map(|(number, person, _)| (number, person)),
            );
        }
        let mut plan = Plan::default();
        let mut checked: Vec<(&TableRow<'_, '_>, Option<Fine>, Vec<FieldError>)> = Vec::new();
        let mut places: Vec<(PersonId, Date)> = Vec::new();
        for row in &all {
            let mut wrong = Vec::new();
            let fine = self.row(row, &units, &mut wrong);
            for cell in ["present", "away"] {
                for number in numbers_of(row.get(cell).text) {
                    match (people.get(&number), &fine) {
                        (Some(person), Some(fine)) => places.push((*person, fine.total.date)),
                        (None, _) => {
                            let message = Msg::new("observer-unknown").with("number", &number);
                            wrong.push(row.get(cell).error(message));
                        }
                        _ => {}
                    }
                }
            }
            checked.push((row, fine, wrong));
        }
        let homes = Organization::units_on(&mut tx, &places).await?;
        let mut rows_fine: Vec<Fine> = Vec::new();
        let mut facts = 0;
        for (row, fine, mut wrong) in checked {
            let mut fine = fine;
            if let Some(fine) = &mut fine {
                for (cell, role) in [("present", Role::Present), ("away", Role::Absent)] {
                    for number in numbers_of(row.get(cell).text) {
                        let Some(person) = people.get(&number).copied() else {
                            continue;
                        };
                        let home = homes.get(&(person, fine.total.date)).copied();
                        let twice = fine.parts.iter().any(|p| p.person == person);
                        match home.filter(|unit| reach.contains(unit) && !twice) {
                            Some(unit) => fine.parts.push(Part {
                                person,
                                unit,
                                role,
                                minutes: None,
                            }),
                            None => {
                                let key = if twice {
                                    "roster-person-twice"
                                } else {
                                    "history-person"
                                };
                                let message = Msg::new(key).with("number", &number);
                                wrong.push(row.get(cell).error(message));
                            }
                        }
                    }
                }
                if !fine.parts.is_empty() {
                    let there = fine.parts.iter().filter(|p| p.role == Role::Present);
                    fine.total.present = there.count() as i64;
                } else {
                    facts += fine.total.sessions + fine.total.present;
                }
            }
            if facts > MOST_FACTS {
                let message = Msg::new("history-too-many").with("most", MOST_FACTS);
                return Err(Error::field("file", message));
            }
            plan.faulty += usize::from(!wrong.is_empty());
            match fine {
                Some(fine) if wrong.is_empty() => rows_fine.push(fine),
                _ => plan.faults.extend(wrong),
            }
        }
        let hosts: HashSet<UnitId> = rows_fine.iter().map(|r| r.total.host).collect();
        let hosts: Vec<UnitId> = hosts.into_iter().collect();
        let days = || rows_fine.iter().map(|r| r.total.date);
        let known = match (days().min(), days().max()) {
            (Some(first), Some(last)) => {
                let span = (first.first_of_year(), last.last_of_year());
                rows::known(&mut tx, &hosts, span).await?
            }
            _ => Vec::new(),
        };
        lay_out(&mut plan, rows_fine, &known);
        Ok(plan)
    }

    /// Takes rows in, in one step or not at all; gives how many activities and how many totals.
    pub(crate) async fn publish_history(
        &self,
        (id, name): (Id, &str),
        taken: &[Fine],
        evidence: &[Attached],
        actor: &Actor,
    ) -> Result<(usize, usize)> {
        let (_, by) = who(actor.clone())?;
        if taken.is_empty() {
            return Err(Error::field("file", Msg::new("history-nothing")));
        }
        self.ledger.admit()?;
        let (real, declared): (Vec<&Fine>, Vec<&Fine>) =
            taken.iter().partition(|f| !f.parts.is_empty());
        db::transaction!(self.db, |tx| {
            if !rows::insert(tx, (id, name), evidence, (self.env.now(), by)).await? {
                return Err(Error::Conflict(Msg::new("history-done")));
            }
            // Those who record for the same units follow one another, in one order.
            let mut hosts: Vec<UnitId> = taken.iter().map(|f| f.total.host).collect();
            hosts.sort_unstable();
            hosts.dedup();
            for host in &hosts {
                store::take_turn(tx, *host).await?;
            }
            let wanted = taken.iter().flat_map(|f| {
                let people = f.parts.iter().map(|p| (p.unit, f.total.date));
                people.chain([(f.total.host, f.total.date)])
            });
            let wanted: HashSet<(UnitId, Date)> = wanted.collect();
            let wanted: Vec<_> = wanted.into_iter().collect();
            let paths = self.organization.paths_on(tx, &wanted).await?;
            let mut places = HashMap::new();
            for at in &wanted {
                let path = paths.get(at).ok_or(Error::NotFound)?;
                places.insert(*at, self.ledger.place(tx, path).await?);
            }
            let mut facts: Vec<Fact> = Vec::new();
            let mut lines = Vec::new();
            let mut activities = Vec::new();
            for f in &real {
                let a = self.past(f, by, actor)?;
                if !store::insert(tx, &a).await? {
                    return Err(Error::Conflict(Msg::new("history-done")));
                }
                self.index(tx, &a).await?;
                for file in evidence {
                    let filed = FiledEvidence {
                        id: self.env.new_id(),
                        name: file.name.clone(),
                        sha256: file.sha256.clone(),
                        size: file.size.try_into().map_err(Error::internal)?,
                        dated: a.date,
                        later: false,
                        by,
                        on_behalf: actor.on_behalf,
                        at: a.recorded_at,
                    };
                    files::add(tx, a.id, &filed).await?;
                }
                let host = places[&(a.host, a.date)];
                let mut held = a.fact(self.env.new_id(), "held", host);
                held.evidence = evidence.iter().map(|e| e.sha256.clone()).collect();
                held.source = HISTORY.to_owned();
                facts.push(held);
                for part in &f.parts {
                    let fact: FactId = self.env.new_id();
                    let mut f = a.attendance(fact, host, places[&(part.unit, a.date)], part);
                    f.source = HISTORY.to_owned();
                    facts.push(f);
                    lines.push((a.id, part.clone(), fact));
                }
                activities.push(a.id);
            }
            store::insert_parts(tx, &lines).await?;
            rows::note(tx, id, &activities).await?;
            let totals: Vec<Total> = declared.iter().map(|f| f.total.clone()).collect();
            rows::put_totals(tx, id, &totals).await?;
            for t in &totals {
                // As many facts as the total stands for, so that readings count them like others.
                let host = places[&(t.host, t.date)];
                let all = (0..t.sessions)
                    .map(|_| "held")
                    .chain((0..t.present).map(|_| "attendance"));
                for kind in all {
                    let now = self.env.now();
                    let mut f = Fact::new(self.env.new_id(), kind, host, t.date, id, DECLARED, now);
                    f.category = Some(t.kind.clone());
                    (f.minutes, f.recorded_by, f.late) = (Some(t.minutes), Some(by), true);
                    if kind == "attendance" {
                        (f.unit, f.role) = (Some(host), Some(Role::Present.code().to_owned()));
                    }
                    f.evidence = evidence.iter().map(|e| e.sha256.clone()).collect();
                    facts.push(f);
                }
            }
            for chunk in facts.chunks(1_000) {
                self.ledger.append(tx, chunk).await?;
            }
            let detail = json!({ "activities": activities.len(), "totals": totals.len() });
            let entry = actor.audit("activity.history-imported", ("activity-import", id), detail);
            identity::record(tx, &self.env, &entry).await?;
            Ok((activities.len(), totals.len()))
        })
    }

    /// The activity that a row with people was.
    fn past(&self, f: &Fine, by: AccountId, actor: &Actor) -> Result<Activity> {
        let t = &f.total;
        let kind = self.kinds.get(&t.kind).ok_or(Error::NotFound)?;
        let starts = t
            .date
            .to_datetime(kind.starts)
            .to_zoned(self.env.zone().clone());
        let starts = Timestamp(
            starts
                .map_err(Error::internal)?
                .timestamp()
                .as_microsecond(),
        );
        Ok(Activity {
            id: ActivityId(t.id),
            kind: t.kind.clone(),
            host: t.host,
            title: t.title.clone(),
            date: t.date,
            starts,
            ends: starts.plus_seconds(t.minutes * 60),
            minutes: t.minutes,
            location: String::new(),
            late: true,
            recorded_at: self.env.now(),
            recorded_by: by,
            reversed_at: None,
            reversed_by: None,
            reversal_reason: None,
            recorded_for: actor.on_behalf,
            changes: 0,
            confirmed_at: None,
            confirmed_by: None,
            returned_at: None,
            level: self.levels.take("", kind.level.as_deref())?.code.clone(),
            confidential: false,
            body: None,
            audience: None,
            fields: BTreeMap::new(),
            session: None,
            pair: None,
        })
    }

    /// Takes an import back as a whole, with a reason: its activities that still stand, and its totals.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound` unless all of it lies in the scope; `Conflict` when it was before.
    pub async fn reverse_history(
        &self,
        id: Id,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let reason = reason.trim();
        if !(2..=200).contains(&reason.chars().count()) {
            return Err(Error::field("reason", Msg::new("reversal-reason-missing")));
        }
        db::transaction!(self.db, |tx| {
            rows::one(tx, id, scope).await?;
            let now = self.env.now();
            if !rows::reverse(tx, id, (now, reason)).await? {
                return Err(Error::Conflict(Msg::new("history-reversed-before")));
            }
            let mut facts: Vec<FactId> = Vec::new();
            for activity in rows::activities(tx, id).await? {
                // One that was taken back by itself stays so.
                if store::reverse(tx, activity, now, by, reason).await? {
                    self.withdraw_all(tx, activity, reason, &actor).await?;
                    let standing = self.ledger.standing(tx, activity.0).await?;
                    facts.extend(standing.iter().map(|f| f.id));
                }
            }
            facts.extend(self.ledger.standing(tx, id).await?.iter().map(|f| f.id));
            for chunk in facts.chunks(1_000) {
                self.ledger.reverse(tx, chunk, Some(by)).await?;
            }
            let detail = json!({ "facts": facts.len(), "reason": reason });
            let entry = actor.audit("activity.history-reversed", ("activity-import", id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }

    /// The imports of a scope, the newest first.
    pub async fn imports(&self, scope: &Scope) -> Result<Vec<Import>> {
        rows::list(&mut self.db.read().await?, scope).await
    }

    /// An import with what it brought.
    pub async fn import(
        &self,
        id: Id,
        scope: &Scope,
    ) -> Result<(Import, Vec<Activity>, Vec<Total>)> {
        let mut tx = self.db.read().await?;
        let import = rows::one(&mut tx, id, scope).await?;
        let activities = rows::activities(&mut tx, id).await?;
        let activities =
            store::some(&mut tx, &activities.iter().map(|a| a.0).collect::<Vec<_>>()).await?;
        Ok((import, activities, rows::totals(&mut tx, id).await?))
    }

    /// The import by which an activity came in.
    pub(crate) async fn import_of(&self, id: ActivityId) -> Result<Option<Id>> {
        rows::import_of(&mut self.db.read().await?, id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use proptest::prelude::*;

    fn row(number: u32, day: i64, title: &str, (sessions, present): (i64, i64)) -> Fine {
        Fine {
            number,
            unit: "u".into(),
            total: Total {
                id: Id([number as u8; 16]),
                kind: "k".into(),
                host: UnitId(Id([1; 16])),
                date: Date::constant(2025, 3, 1).saturating_add(day.days()),
                title: title.into(),
                sessions,
                present,
                minutes: 60,
            },
            parts: Vec::new(),
        }
    }

    proptest! {
        /// No row is lost: it is taken in, said already, or waits for somebody to choose.
        #[test]
        fn every_row_is_fine_known_or_in_conflict(
            rows in proptest::collection::vec((0i64..4, 0usize..2, 1i64..3, 0i64..3), 0..20),
            known in proptest::collection::vec((0i64..4, 0usize..2, 1i64..3, 0i64..3), 0..6),
        ) {
            let titles = ["学习", "学 习 会"];
            let there: Vec<_> = known
                .iter()
                .map(|(d, t, s, n)| {
                    let r = row(0, *d, titles[*t], (*s, *n)).total;
                    (r.kind, r.host, r.date, r.title, r.sessions, r.present)
                })
                .collect();
            let all: Vec<Fine> = rows
                .iter()
                .enumerate()
                .map(|(i, (d, t, s, n))| row(i as u32 + 2, *d, titles[*t], (*s, *n)))
                .collect();
            let total = all.len();
            let mut plan = Plan::default();
            lay_out(&mut plan, all, &there);
            let waiting: usize = plan.conflicts.iter().map(|c| c.rows.len()).sum();
            prop_assert_eq!(plan.fine.len() + plan.known + waiting, total);
            // What is fine contradicts neither another row nor what is there.
            for (n, f) in plan.fine.iter().enumerate() {
                prop_assert!(plan.fine[n + 1..].iter().all(|o| o.key() != f.key()));
                prop_assert!(there.iter().all(|(_, _, date, _, sessions, _)| !overlaps(&f.total, *date, *sessions)));
            }
            // Undecided nothing is taken in; decided against, only what is fine.
            let none = plan.chosen(|_| "none".into()).unwrap();
            prop_assert_eq!(none.len(), plan.fine.len());
            prop_assert_eq!(plan.chosen(|_| String::new()).is_ok(), plan.conflicts.is_empty());
        }
    }
}
