//! Sheets taken in (导入): every row is checked before anything is written; what is right is written in one step.

use std::collections::{HashMap, HashSet};

use commons::sheets::squeeze;
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, Result, Scope, UnitId};
use organization::Unit;

use crate::form_page::declared_year;
use crate::model::{Attached, Entry, New, thousandths, title_key};
use crate::register::{Evidence, Register};
use crate::service::{RegisterBook, who};
use crate::sheet::{MOST_ROWS, Mode, Row, rows};
use desk::Waiting;

/// A row that can be taken in.
pub(crate) struct Fine {
    pub(crate) number: u32,
    pub(crate) entry: Entry,
    pub(crate) unit: String,
    /// Whether a similar entry is there.
    pub(crate) similar: bool,
}

/// What a sheet comes to.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) fine: Vec<Fine>,
    /// What is wrong, at its cells.
    pub(crate) faults: Vec<FieldError>,
    /// Rows with something wrong.
    pub(crate) faulty: usize,
    /// Totals of an export, which are no entries.
    pub(crate) left_out: usize,
}

impl Plan {
    /// The entries that are taken in: similar ones only if they are meant.
    pub(crate) fn entries(&self, another: bool) -> Vec<Entry> {
        let taken = self.fine.iter().filter(|f| another || !f.similar);
        taken.map(|f| f.entry.clone()).collect()
    }
}

impl RegisterBook {
    /// Reads a sheet and says what it comes to; writes nothing. The files are evidence of every row.
    ///
    /// # Errors
    /// `Invalid` on `file` when it is no table, lacks a column, is too long, or evidence is missing.
    pub(crate) async fn plan(
        &self,
        register: &Register,
        mode: Mode,
        sheet: &Waiting,
        evidence: &[Attached],
        scope: &Scope,
        actor: &Actor,
    ) -> Result<Plan> {
        let (_, by) = who(actor.clone())?;
        let needed = mode == Mode::Declared || register.evidence == Evidence::Required;
        if needed && evidence.is_empty() {
            return Err(Error::field("file", Msg::new("register-import-scan")));
        }
        let bytes = self.attachments.held(sheet).await?;
        let (mut rows, left_out) = rows(register, mode, &sheet.name, &bytes)?;
        if rows.is_empty() || rows.len() > MOST_ROWS {
            let message = Msg::new("register-import-rows").with("most", MOST_ROWS);
            return Err(Error::field("file", message));
        }
        let units = self.organization.units(scope).await?;
        let units: HashMap<&str, &Unit> = units.iter().map(|u| (u.code.as_str(), u)).collect();
        let mut errors: Vec<Vec<FieldError>> = Vec::new();
        for row in &mut rows {
            row.given.evidence = evidence.to_vec();
            errors.push(self.prepare(row, register));
        }
        let known = self
            .known(register, rows.iter().map(|r| &r.given), scope)
            .await?;
        let mut plan = Plan {
            left_out,
            ..Plan::default()
        };
        let mut seen: HashSet<(UnitId, String, Date)> = HashSet::new();
        for (row, mut wrong) in rows.iter().zip(errors) {
            let unit = units.get(row.unit.as_str()).copied();
            match unit {
                Some(unit) if register.is_for(&unit.category) => {}
                Some(_) => wrong.push(row.wrong("unit", Msg::new("register-not-for-unit"))),
                None => wrong.push(row.wrong("unit", Msg::new("register-unit-unknown"))),
            }
            let checked = self.checked(register, &row.given, &known, None);
            if let Err(more) = &checked {
                // A year that could not be read is named once.
                let more = more
                    .iter()
                    .filter(|e| row.total.is_none() || e.field != "date" || wrong.is_empty());
                let more: Vec<FieldError> = more.map(|e| row.at(e.clone())).collect();
                wrong.extend(more);
            }
            if let (Ok(content), Some(unit)) = (checked, unit) {
                let key = (unit.id, title_key(&content.title), content.date);
                if mode == Mode::Entries && !seen.insert(key) {
                    wrong.push(row.wrong("title", Msg::new("register-row-twice")));
                }
                let closed = self.closing(row, content.date, &mut wrong);
                if wrong.is_empty() {
                    let new = New {
                        id: self.env.new_id(),
                        register: register.code.clone(),
                        unit: unit.id,
                        given: row.given.clone(),
                        source: match mode {
                            Mode::Entries => "import",
                            Mode::Declared => "declared",
                        },
                        another: true,
                    };
                    let mut entry = self.fresh(register, &new, content, by, actor);
                    (entry.closed_on, entry.closed_note) = closed.unzip();
                    plan.fine.push(Fine {
                        number: row.number,
                        entry,
                        unit: unit.name.clone(),
                        similar: false,
                    });
                }
            }
            plan.faulty += usize::from(!wrong.is_empty());
            plan.faults.extend(wrong);
        }
        self.look_around(register, &mut plan).await?;
        Ok(plan)
    }

    /// Makes of a row what a form would say.
    fn prepare(&self, row: &mut Row, register: &Register) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if let Some((year, count)) = &row.total {
            if let Some(date) = declared_year(year, &mut errors) {
                row.given.date = kernel::format_date(date);
            }
            let count = thousandths(count)
                .filter(|n| n % 1000 == 0)
                .map(|n| n / 1000);
            row.given.declared = Some(count.unwrap_or(0));
            row.given
                .values
                .retain(|code, _| register.class.as_ref() == Some(code));
        }
        let level = squeeze(&row.given.level);
        let mut held = self.levels.held().iter();
        let named = held.find(|l| squeeze(&l.name.zh) == level || squeeze(&l.name.en) == level);
        if let Some(level) = named {
            row.given.level.clone_from(&level.code);
        }
        errors.into_iter().map(|e| row.at(e)).collect()
    }

    /// When a row says that its matter was closed.
    fn closing(
        &self,
        row: &Row,
        date: Date,
        wrong: &mut Vec<FieldError>,
    ) -> Option<(Date, String)> {
        match commons::sheets::date(row.closed.trim()) {
            Ok(None) => None,
            Ok(Some(day)) if (date..=self.env.today()).contains(&day) => {
                let note: String = row.note.chars().filter(|c| !c.is_control()).collect();
                Some((day, note.chars().take(200).collect()))
            }
            Ok(Some(_)) => {
                wrong.push(row.wrong("closed", Msg::new("register-closing-day")));
                None
            }
            Err(message) => {
                wrong.push(row.wrong("closed", message));
                None
            }
        }
    }

    /// Marks the rows to which a similar entry is there already.
    async fn look_around(&self, register: &Register, plan: &mut Plan) -> Result<()> {
        let mut tx = self.db.read().await?;
        let entries: Vec<Entry> = plan.fine.iter().map(|f| f.entry.clone()).collect();
        let similar = self.similar(&mut tx, register, &entries).await?;
        for one in &mut plan.fine {
            one.similar = similar.contains(&one.entry.id);
        }
        Ok(())
    }

    /// Writes what a plan found right, in one step or not at all; gives how many entries there are.
    pub(crate) async fn publish(
        &self,
        register: &Register,
        import: (Id, &str),
        entries: &[Entry],
        actor: &Actor,
    ) -> Result<usize> {
        let (_, by) = who(actor.clone())?;
        if entries.is_empty() {
            return Err(Error::field("file", Msg::new("register-import-nothing")));
        }
        self.enter(register, entries, true, actor, by, Some(import))
            .await
    }
}
