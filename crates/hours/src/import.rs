//! Sheets of platforms and of past years taken in (导入): every row is checked before anything is written, rows that are
//! known already are left out, what is right is written in one step.

use std::collections::{HashMap, HashSet};

use commons::sheets::{Column, Limits, read, write};
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, Scope};
use organization::Organization;

use crate::model::{Attached, Given, Record, check};
use crate::service::{Hours, who};
use desk::Waiting;

/// Rows of one sheet.
pub(crate) const MOST_ROWS: usize = 5_000;

/// Columns of a sheet: field, names, whether there must be one.
const COLUMNS: [(&str, &[&str], bool); 12] = [
    ("person", &["工号", "Staff number", "人员工号"], true),
    (
        "title",
        &["培训名称", "Training", "课程名称", "班次名称", "依据"],
        true,
    ),
    (
        "organiser",
        &["主办单位", "Organiser", "平台", "学习平台"],
        false,
    ),
    ("way", &["学习途径", "Way", "培训形式"], false),
    ("content", &["内容类别", "Content", "课程类别"], false),
    (
        "from",
        &["开始日期", "From", "学习时间", "完成时间", "年份"],
        true,
    ),
    ("to", &["结束日期", "To"], false),
    ("hours", &["学时", "Hours", "获得学时"], true),
    ("days", &["天数", "Days"], false),
    ("class", &["班次总学时", "Hours of the class"], false),
    ("leave", &["请假学时", "Hours of leave"], false),
    (
        "reference",
        &["平台编号", "Platform number", "证书编号"],
        false,
    ),
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

/// A row that can be taken in.
pub(crate) struct Fine {
    pub(crate) number: u32,
    pub(crate) record: Record,
    pub(crate) name: String,
}

/// What a sheet comes to.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) fine: Vec<Fine>,
    /// What is wrong, at its cells.
    pub(crate) faults: Vec<FieldError>,
    /// Rows with something wrong.
    pub(crate) faulty: usize,
    /// Rows that are known already, here or in the sheet itself.
    pub(crate) known: usize,
}

/// What a whole sheet says of all its rows, where they do not say it themselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usual {
    /// Way of learning.
    pub(crate) way: String,
    /// Content.
    pub(crate) content: String,
    /// Whether the rows are totals of past years.
    pub(crate) declared: bool,
}

impl Hours {
    /// Reads a sheet and says what it comes to; writes nothing. The files are proof of every row.
    ///
    /// # Errors
    /// `Invalid` on `file` when it is no table, lacks a column or is too long.
    pub(crate) async fn plan(
        &self,
        usual: &Usual,
        sheet: &Waiting,
        evidence: &[Attached],
        scope: &Scope,
        actor: &Actor,
    ) -> Result<Plan> {
        let (_, by) = who(actor.clone())?;
        let bytes = self.attachments.held(sheet).await?;
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
        let rows: Vec<_> = table.rows().collect();
        if rows.is_empty() || rows.len() > MOST_ROWS {
            let message = Msg::new("hours-import-rows").with("most", MOST_ROWS);
            return Err(Error::field("file", message));
        }
        let numbers: Vec<&str> = rows.iter().map(|r| r.get("person").text).collect();
        let people = self.reachable(&numbers, scope).await?;
        // A platform is its own organiser where rows name none.
        let organiser = self
            .rules
            .way(&usual.way)
            .map_or("", |w| w.name.zh.as_str());
        let organiser = organiser.to_owned();
        let mut checked = Vec::with_capacity(rows.len());
        let mut plan = Plan::default();
        for row in &rows {
            let text = |key: &str| row.get(key).text.to_owned();
            let or = |key: &str, usual: &str| match row.get(key).text {
                "" => usual.to_owned(),
                text => text.to_owned(),
            };
            let given = Given {
                title: text("title"),
                organiser: or("organiser", &organiser),
                way: or("way", &usual.way),
                content: or("content", &usual.content),
                from: text("from"),
                to: text("to"),
                hours: text("hours"),
                days: text("days"),
                class: text("class"),
                leave: text("leave"),
                reference: text("reference"),
                evidence: evidence.to_vec(),
                declared: usual.declared,
            };
            let person = people.get(row.get("person").text).copied();
            let mut wrong: Vec<FieldError> = Vec::new();
            if person.is_none() {
                wrong.push(row.get("person").error(Msg::new("hours-person-unknown")));
            }
            match check(&self.rules, &given, self.env.today()) {
                Ok(entry) => checked.extend(person.map(|p| (row, p, entry))),
                Err(errors) => wrong.extend(errors.into_iter().map(|e| {
                    let cell = match e.field.as_str() {
                        "file" => "title",
                        field => field,
                    };
                    row.get(cell).error(e.message)
                })),
            }
            plan.faulty += usize::from(!wrong.is_empty());
            plan.faults.extend(wrong);
        }
        let places: Vec<(PersonId, Date)> = checked.iter().map(|(_, p, e)| (*p, e.to)).collect();
        let mut tx = self.db.read().await?;
        let units = Organization::units_on(&mut tx, &places).await?;
        let keys: Vec<String> = checked.iter().map(|(_, p, e)| e.key(*p)).collect();
        let mut known: HashSet<String> = crate::store::known(&mut tx, &keys)
            .await?
            .into_iter()
            .collect();
        let ids: Vec<PersonId> = people.values().copied().collect();
        let names = crate::store::people(&mut tx, &ids).await?;
        let source = if usual.declared { "declared" } else { "import" };
        for ((row, person, entry), key) in checked.into_iter().zip(keys) {
            let Some(unit) = units.get(&(person, entry.to)) else {
                plan.faulty += 1;
                plan.faults
                    .push(row.get("person").error(Msg::new("hours-nowhere")));
                continue;
            };
            if !known.insert(key) {
                plan.known += 1;
                continue;
            }
            let id = self.env.new_id();
            plan.fine.push(Fine {
                number: row.number(),
                record: self.fresh((id, person, *unit), entry, source, by),
                name: names
                    .get(&person)
                    .map_or_else(String::new, |(_, name)| name.clone()),
            });
        }
        Ok(plan)
    }

    /// Those with these staff numbers whom a scope reaches today.
    async fn reachable(
        &self,
        numbers: &[&str],
        scope: &Scope,
    ) -> Result<HashMap<String, PersonId>> {
        let mut wanted: Vec<&str> = numbers.iter().copied().filter(|n| !n.is_empty()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found =
            crate::store::people_by_staff_no(&mut self.db.read().await?, &wanted).await?;
        let ids: Vec<PersonId> = found.values().copied().collect();
        let units = self.organization.units_of(&ids, self.env.today()).await?;
        let seen = self.organization.units(scope).await?;
        let seen: HashSet<_> = seen.into_iter().map(|u| u.id).collect();
        found.retain(|_, p| units.get(p).is_some_and(|u| seen.contains(u)));
        Ok(found)
    }

    /// Writes what a plan found right, in one step or not at all; gives how many records there are.
    pub(crate) async fn publish(
        &self,
        import: (Id, &str),
        plan: &Plan,
        actor: &Actor,
    ) -> Result<usize> {
        let (_, by) = who(actor.clone())?;
        if plan.fine.is_empty() {
            return Err(Error::field("file", Msg::new("hours-import-nothing")));
        }
        let records: Vec<Record> = plan.fine.iter().map(|f| f.record.clone()).collect();
        self.write(&records, actor, by, Some(import)).await
    }
}
