//! Entries of a plan from a sheet (清单导入): every row is checked before anything is written; with one mistake nothing is.

use std::collections::HashMap;

use axum::Form as Body;
use axum::extract::{Multipart, Path, State as Shared};
use axum::response::Response;
use commons::sheets::{Column, Limits, date, read, squeeze, write};
use desk::{Typed, Waiting, id_of, told};
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, Result, Scope, UnitId, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::model::{Content, Entry, EntryState, Eyes, PlanState, conflict, month_of, month_text};
use crate::plans::Whole;
use crate::service::Tasks;
use crate::store::entries;
use crate::typed::{crumbs, named_in};

/// Rows of one sheet.
const MOST_ROWS: usize = 500;
/// Faults that the preview shows.
const MOST_SHOWN: usize = 200;

/// Key, Chinese and English name and other names of a column, whether there must be one.
type Head = (&'static str, &'static [&'static str], bool);

const HEADS: [Head; 11] = [
    ("goal", &["目标", "Goal", "序号目标", "所属目标"], false),
    (
        "text",
        &["工作任务", "Task", "任务", "事项", "工作内容"],
        true,
    ),
    ("target", &["目标要求", "Target", "完成标准"], false),
    ("owner", &["责任主体", "Kind of owner"], false),
    (
        "unit",
        &["责任单位", "Unit", "责任单位编码", "牵头单位"],
        true,
    ),
    ("person", &["责任人工号", "Person", "责任人"], false),
    ("leader", &["分管领导工号", "Leader", "分管领导"], false),
    ("from", &["开始月份", "From", "开始时间"], false),
    ("to", &["完成月份", "To", "完成时限", "完成时间"], true),
    ("weight", &["权重", "Weight"], false),
    ("duty", &["对应职责", "Duty", "职责编号"], false),
];

/// A row that can be taken in.
struct Fine {
    row: u32,
    unit: String,
    content: Content,
}

/// What a sheet comes to.
#[derive(Default)]
pub(crate) struct Found {
    fine: Vec<Fine>,
    /// What is wrong, at its cells.
    faults: Vec<FieldError>,
}

fn month(text: &str) -> Option<Date> {
    let day = || date(text).ok().flatten().map(|d| d.first_of_month());
    month_of(text).or_else(day)
}

impl Tasks {
    /// Reads a sheet and says what it comes to; writes nothing.
    ///
    /// # Errors
    /// `Invalid` on `file` when it is no table, lacks a column or is too long; `Forbidden` for who does not plan.
    async fn found(
        &self,
        w: &Whole,
        sheet: &Waiting,
        (eyes, scope): (&Eyes, &Scope),
    ) -> Result<Found> {
        if !w.may_plan {
            return Err(Error::Forbidden);
        }
        let bytes = self.attachments.held(sheet).await?;
        let limits = Limits {
            rows: MOST_ROWS + 30,
            ..Limits::default()
        };
        let sheet = read(&sheet.name, &bytes, &limits)?;
        let column = |h: &Head| match h.2 {
            true => Column::required(h.0, h.1),
            false => Column::optional(h.0, h.1),
        };
        let columns: Vec<Column<'_>> = HEADS.iter().map(column).collect();
        let table = sheet.columns(&columns)?;
        let rows: Vec<_> = table.rows().collect();
        if rows.is_empty() || rows.len() > MOST_ROWS {
            let message = Msg::new("tasks-import-rows").with("most", MOST_ROWS);
            return Err(Error::field("file", message));
        }
        // By code, or by a name that only one of them has.
        let units = self.organization.units(scope).await?;
        let mut known: HashMap<&str, Option<(UnitId, &str)>> = HashMap::new();
        for u in &units {
            let one = Some((u.id, u.name.as_str()));
            known
                .entry(&u.name)
                .and_modify(|k| *k = None)
                .or_insert(one);
        }
        known.extend(
            units
                .iter()
                .map(|u| (&*u.code, Some((u.id, u.name.as_str())))),
        );
        let mut people = HashMap::new();
        let mut found = Found::default();
        for row in rows {
            let text = |key: &str| row.get(key).text.trim();
            let mut wrong: Vec<FieldError> = Vec::new();
            let mut tell = |key: &str, message: Msg| {
                wrong.push(FieldError {
                    field: row.get(key).address(),
                    message,
                });
            };
            let goal = match text("goal") {
                "" => Some(0),
                name => {
                    let named = w
                        .plan
                        .goals
                        .iter()
                        .position(|g| squeeze(g) == squeeze(name));
                    named.map(|n| n + 1).or_else(|| name.parse().ok())
                }
            };
            if goal.is_none() {
                tell("goal", Msg::new("tasks-goal-unknown"));
            }
            let owner = match text("owner") {
                "" => String::new(),
                name => {
                    let wanted = squeeze(name);
                    let mut owners = self.words.owners().iter();
                    let fits = owners.find(|o| {
                        o.code == name
                            || squeeze(&o.name.zh) == wanted
                            || squeeze(&o.name.en) == wanted
                    });
                    if fits.is_none() {
                        tell("owner", Msg::new("tasks-owner-unknown"));
                    }
                    fits.map_or(String::new(), |o| o.code.clone())
                }
            };
            let unit = known.get(text("unit")).copied().flatten();
            if unit.is_none() {
                tell("unit", Msg::new("tasks-unit-unknown"));
            }
            let mut named = [None, None];
            for (slot, key) in named.iter_mut().zip(["person", "leader"]) {
                let no = text(key);
                if !people.contains_key(no) {
                    // Each number once, however many rows name it.
                    let picked = self.organization.person_picked(key, no, scope).await;
                    people.insert(no, picked.ok());
                }
                match people.get(no).copied().flatten() {
                    Some(person) => *slot = person,
                    None => tell(key, Msg::new("picked-person-unknown").with("no", no)),
                }
            }
            let first = Date::new(w.plan.year, 1, 1).ok();
            let from = match text("from") {
                "" => first,
                text => month(text),
            };
            let to = month(text("to"));
            for (key, day) in [("from", from), ("to", to)] {
                if day.is_none() {
                    tell(key, Msg::new("tasks-month-unread"));
                }
            }
            let weight = match text("weight") {
                "" => None,
                text => {
                    let number = text.parse::<i64>().ok();
                    if number.is_none() {
                        tell("weight", Msg::new("tasks-number-unread"));
                    }
                    number
                }
            };
            let (Some(goal), Some((unit, name)), Some(from), Some(to), true) =
                (goal, unit, from, to, wrong.is_empty())
            else {
                found.faults.extend(wrong);
                continue;
            };
            let content = Content {
                goal,
                text: text("text").to_owned(),
                target: text("target").to_owned(),
                claim: None,
                wanted: None,
                owner,
                unit,
                person: named[0],
                leader: named[1],
                from,
                to: to.last_of_month(),
                milestones: Vec::new(),
                weight,
                duty: text("duty").to_owned(),
            };
            let content = Self::tidied(&content);
            let checked = {
                let mut tx = self.db.read().await?;
                self.check(&mut tx, &w.plan, &content, eyes).await
            };
            match checked {
                Ok(()) => found.fine.push(Fine {
                    row: row.number(),
                    unit: name.to_owned(),
                    content,
                }),
                Err(Error::Invalid(errors)) => found.faults.extend(errors.into_iter().map(|e| {
                    let key = HEADS
                        .iter()
                        .find(|h| h.0 == e.field)
                        .map_or("text", |h| h.0);
                    FieldError {
                        field: row.get(key).address(),
                        message: e.message,
                    }
                })),
                Err(other) => return Err(other),
            }
        }
        Ok(found)
    }

    /// Writes the entries of a sheet in which nothing is wrong, all of them or none; one version of an issued plan.
    async fn take_in(
        &self,
        (plan, seen): (Id, Option<i64>),
        found: &Found,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        if !found.faults.is_empty() || found.fine.is_empty() {
            return Err(Error::field("file", Msg::new("tasks-import-whole")));
        }
        db::transaction!(self.db, |tx| {
            let mut plan = self.planned(tx, plan, seen, eyes).await?;
            let reason = self.opened(&mut plan, reason)?;
            let mut added = Vec::new();
            for fine in &found.fine {
                self.check(tx, &plan, &fine.content, eyes).await?;
                let entry = Entry {
                    id: self.env.new_id(),
                    plan: plan.id,
                    number: self.number(tx, &mut plan, None).await?,
                    parent: None,
                    carried_from: None,
                    content: fine.content.clone(),
                    state: EntryState::Open,
                    percent: 0,
                    said: String::new(),
                    reported: None,
                    ended_on: None,
                    parts: 0,
                    year: plan.year,
                    version: 0,
                };
                if !entries::insert(tx, &entry, self.env.now()).await? {
                    return Err(Error::Retry("an entry came first".into()));
                }
                added.push(entry);
            }
            self.happened(tx, &mut plan, ("imported", None, &reason), eyes, actor)
                .await?;
            self.versioned(tx, &mut plan, &reason, (eyes, actor))
                .await?;
            for entry in &added {
                self.tell_owners(tx, &plan, entry).await?;
            }
            Ok(())
        })
    }
}

fn context(shell: &Shell, w: &Whole, form: Form) -> Value {
    let at = usize::from(shell.lang().code().starts_with("en"));
    let columns: Vec<&str> = HEADS.iter().map(|h| h.1[at]).collect();
    json!({ "crumbs": crumbs(shell, &[(&w.plan.title, w.plan.href())]), "id": w.plan.id, "most": MOST_ROWS, "form": form,
        "columns": columns.join("、"), "found": Value::Null, "issued": w.plan.state == PlanState::Issued })
}

fn preview(shell: &Shell, w: &Whole, found: &Found, sheet: &Waiting, form: Form) -> Value {
    let faults = found.faults.iter().take(MOST_SHOWN);
    let faults = faults.map(|e| json!({ "cell": e.field, "text": shell.text(&e.message) }));
    let rows = found.fine.iter().map(|f| {
        json!({ "row": f.row, "text": f.content.text, "unit": f.unit, "from": month_text(f.content.from),
            "to": format_date(f.content.to) })
    });
    let mut context = context(shell, w, form);
    context["found"] = json!({ "sheet": sheet.text(), "name": sheet.name, "fine": found.fine.len(), "faulty": found.faults.len(),
        "faults": faults.collect::<Vec<_>>(), "rows": rows.collect::<Vec<_>>(), "seen": w.plan.version,
        "whole": found.faults.is_empty() && !found.fine.is_empty() });
    context
}

async fn planned(s: &Tasks, id: &str, eyes: &Eyes) -> Result<Whole> {
    let w = s.plan(id_of(id)?, eyes).await?;
    match (w.may_plan, w.plan.state) {
        (false, _) => Err(Error::Forbidden),
        (_, PlanState::Draft | PlanState::Issued) => Ok(w),
        _ => Err(conflict("tasks-plan-closed")),
    }
}

pub(crate) async fn start(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = planned(&s, &id, &Eyes::from(&access)).await?;
    shell.page("tasks/import.html", context(&shell, &w, Form::default()))
}

pub(crate) async fn template(shell: Shell) -> Result<Response, Failure> {
    let at = usize::from(shell.lang().code().starts_with("en"));
    let header: Vec<&str> = HEADS.iter().map(|h| h.1[at]).collect();
    let name = shell.t("tasks-import");
    let bytes = write::xlsx(&name, &header, Vec::<Vec<write::Value>>::new())?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}

pub(crate) async fn check(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    mut parts: Multipart,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(&access);
    let w = planned(&s, &id, &eyes).await?;
    let looked = async {
        let files = s.attachments.parts(access.principal.account, &mut parts);
        let missing = || Error::field("file", Msg::new("tasks-import-sheet"));
        let sheet = files.await?.0.into_iter().next().ok_or_else(missing)?;
        let found = s.found(&w, &sheet, (&eyes, &named_in(&access))).await?;
        Ok::<_, Error>((sheet, found))
    };
    match looked.await {
        Ok((sheet, found)) => {
            let context = preview(&shell, &w, &found, &sheet, Form::default());
            shell.page("tasks/import.html", context)
        }
        Err(error) => {
            let form = Form::default().reject(&shell, told(error))?;
            shell.refused("tasks/import.html", context(&shell, &w, form))
        }
    }
}

pub(crate) async fn publish(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (typed, eyes) = (Typed(pairs), Eyes::from(&access));
    let w = planned(&s, &id, &eyes).await?;
    let files = [Waiting::read(typed.get("sheet"))?];
    let words = s.attachments.words_in(&secrecy, &files).await?;
    if secrecy.asks(&words) {
        return secrecy.ask(&words, &typed.0, false);
    }
    secrecy.keep(&words).await?;
    let found = s.found(&w, &files[0], (&eyes, &named_in(&access))).await?;
    let of = (w.plan.id, typed.seen());
    let by = (&eyes, &actor);
    match s.take_in(of, &found, typed.get("reason"), by).await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&w.plan.href(), "tasks-done-kept")
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let context = preview(&shell, &w, &found, &files[0], form);
            shell.refused("tasks/import.html", context)
        }
    }
}
