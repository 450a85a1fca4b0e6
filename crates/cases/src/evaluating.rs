//! What callers said, many at once (批量回访): a sheet with numbers of closed cases and answers. Every row is checked before
//! anything is written; what is written is written in one step or not at all.

use std::collections::{BTreeMap, HashSet};

use axum::Form as BodyForm;
use axum::extract::{Multipart, State as Shared};
use axum::response::Response;
use commons::sheets::{Column, Limits, read, squeeze, write};
use desk::{Typed, Waiting};
use identity::Actor;
use kernel::{Error, FieldError, Id, Msg, Result, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::case::Act;
use crate::kind::{FieldType, Verb};
use crate::model::{Eyes, Matter};
use crate::pages::{actor_of, crumbs};
use crate::service::{Cases, Said};
use crate::store;

/// Rows of one sheet.
const MOST_ROWS: usize = 2_000;
/// Faults and rows that the preview shows.
const MOST_SHOWN: usize = 200;
const NUMBER: [&str; 4] = ["编号", "Number", "问题编号", "工单编号"];
const NOTE: [&str; 3] = ["说明", "Note", "回访说明"];

/// A row that can be taken in.
pub(crate) struct Answer {
    row: u32,
    matter: Matter,
    values: BTreeMap<String, String>,
    note: String,
}

/// What a sheet comes to.
#[derive(Default)]
pub(crate) struct Answers {
    fine: Vec<Answer>,
    /// What is wrong, at its cells.
    faults: Vec<FieldError>,
}

/// A yes or no as people write it; everything else stays as it is.
pub(crate) fn yes_or_no(text: &str) -> String {
    match squeeze(text).as_str() {
        "是" | "满意" | "已解决" | "yes" | "y" | "1" => "yes".to_owned(),
        "否" | "不满意" | "未解决" | "no" | "n" | "0" => "no".to_owned(),
        _ => text.to_owned(),
    }
}

impl Cases {
    /// The fields that any kind asks after it was closed: code and name, each once.
    fn asked_fields(&self) -> Vec<(String, commons::packs::Name)> {
        let mut found: Vec<(String, commons::packs::Name)> = Vec::new();
        for field in self.kinds.iter().flat_map(|k| k.asked()) {
            if found.iter().all(|(code, _)| *code != field.code) {
                found.push((field.code.clone(), field.name.clone()));
            }
        }
        found
    }

    /// Reads a sheet and says what it comes to; writes nothing.
    ///
    /// # Errors
    /// `Invalid` on `file` when it is no table, lacks a column or is too long.
    async fn answers(&self, sheet: &Waiting, eyes: &Eyes) -> Result<Answers> {
        let bytes = self.attachments.held(sheet).await?;
        let limits = Limits {
            rows: MOST_ROWS + 30,
            ..Limits::default()
        };
        let sheet = read(&sheet.name, &bytes, &limits)?;
        let fields = self.asked_fields();
        let names: Vec<[&str; 2]> = fields.iter().map(|(_, n)| [&*n.zh, &*n.en]).collect();
        let mut columns = vec![
            Column::required("number", &NUMBER),
            Column::optional("note", &NOTE),
        ];
        let asked = fields.iter().zip(&names);
        columns.extend(asked.map(|((code, _), names)| Column::optional(code, names)));
        let table = sheet.columns(&columns)?;
        let rows: Vec<_> = table.rows().collect();
        if rows.is_empty() || rows.len() > MOST_ROWS {
            let message = Msg::new("cases-import-rows").with("most", MOST_ROWS);
            return Err(Error::field("file", message));
        }
        let (mut all, mut seen) = (Answers::default(), HashSet::new());
        let mut tx = self.db.read().await?;
        for row in rows {
            let at = |key: &str, message: Msg| FieldError {
                field: row.get(key).address(),
                message,
            };
            let mut wrong = Vec::new();
            let number = row.get("number").text.trim().to_owned();
            let found = match store::list::by_number(&mut tx, &number).await? {
                Some(id) => store::seen(&mut tx, id, eyes).await?,
                None => None,
            };
            let Some(matter) = found else {
                all.faults
                    .push(at("number", Msg::new("cases-duplicate-unknown")));
                continue;
            };
            if !seen.insert(matter.id) {
                wrong.push(at("number", Msg::new("cases-evaluate-twice")));
            }
            let kind = self.rule(&mut tx, &matter.rule).await?;
            let events = store::events(&mut tx, matter.id).await?;
            let case = crate::Case::of(&kind, &events)?;
            let hand = self.hand(&mut tx, &matter, &case, eyes).await?;
            if !case.can(&kind, &hand, Verb::Evaluate) {
                wrong.push(at("number", Msg::new("cases-evaluate-not")));
            }
            let mut values = BTreeMap::new();
            for (code, _) in &fields {
                let text = row.get(code).text.trim();
                if text.is_empty() {
                    continue;
                }
                let Some(field) = kind.asked().find(|f| f.code == *code) else {
                    wrong.push(at(code, Msg::new("cases-evaluate-field")));
                    continue;
                };
                let value = match field.kind {
                    FieldType::YesNo => yes_or_no(text),
                    _ => text.to_owned(),
                };
                if let Some(message) = self.check_field(field, &value) {
                    wrong.push(at(code, message));
                }
                values.insert(code.clone(), value);
            }
            if values.is_empty() && wrong.is_empty() {
                wrong.push(at("number", Msg::new("cases-evaluated-missing")));
            }
            let note = row.get("note").text.trim().to_owned();
            if crate::service::unfit(&note) {
                let most = crate::service::LONGEST;
                wrong.push(at("note", Msg::new("cases-text-wrong").with("most", most)));
            }
            match wrong.is_empty() {
                true => all.fine.push(Answer {
                    row: row.number(),
                    matter,
                    values,
                    note,
                }),
                false => all.faults.extend(wrong),
            }
        }
        Ok(all)
    }

    /// Writes the answers of a sheet in which nothing is wrong, all of them or none.
    async fn take_answers(
        &self,
        (id, name): (Id, &str),
        all: &Answers,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        if !all.faults.is_empty() || all.fine.is_empty() {
            return Err(Error::field("file", Msg::new("cases-evaluate-whole")));
        }
        db::transaction!(self.db, |tx| {
            for answer in &all.fine {
                let act = Act::Evaluated {
                    values: answer.values.clone(),
                };
                let said = Said {
                    seen: Some(answer.matter.version),
                    text: answer.note.clone(),
                    files: Vec::new(),
                };
                self.act_in(tx, answer.matter.id, &act, &said, eyes, actor)
                    .await?;
            }
            let detail = json!({ "file": name, "rows": all.fine.len() });
            self.audit(tx, actor, "case.imported", id, detail).await
        })
    }
}

fn context(s: &Cases, shell: &Shell, form: Form) -> Value {
    let lang = shell.lang().code();
    let fields = s.asked_fields();
    let fields = fields.iter().map(|(_, name)| name.get(lang).to_owned());
    let at = usize::from(lang.starts_with("en"));
    let columns = [NUMBER[at].to_owned(), NOTE[at].to_owned()].into_iter();
    json!({ "crumbs": crumbs(shell), "most": MOST_ROWS, "form": form, "plan": Value::Null,
        "columns": columns.chain(fields).collect::<Vec<_>>().join("、") })
}

fn preview(s: &Cases, shell: &Shell, all: &Answers, sheet: &Waiting, form: Form) -> Value {
    let faults = all.faults.iter().take(MOST_SHOWN);
    let faults = faults.map(|e| json!({ "cell": e.field, "text": shell.text(&e.message) }));
    let rows = all.fine.iter().take(MOST_SHOWN).map(|a| {
        json!({ "row": a.row, "number": a.matter.number, "title": a.matter.title, "said": a.values.len(),
            "closed": a.matter.closed_on.map(format_date) })
    });
    let mut context = context(s, shell, form);
    context["plan"] = json!({ "id": s.env.new_id::<Id>(), "sheet": sheet.text(), "name": sheet.name, "fine": all.fine.len(),
        "faults": faults.collect::<Vec<_>>(), "rows": rows.collect::<Vec<_>>(), "whole": all.faults.is_empty() && !all.fine.is_empty(),
        "faulty": all.faults.len() });
    context
}

pub(crate) async fn start(Shared(s): Shared<Cases>, shell: Shell) -> Result<Response, Failure> {
    let context = context(&s, &shell, Form::default());
    shell.page("cases/evaluations.html", context)
}

pub(crate) async fn template(Shared(s): Shared<Cases>, shell: Shell) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let at = usize::from(lang.starts_with("en"));
    let fields = s.asked_fields();
    let mut header = vec![NUMBER[at]];
    header.extend(fields.iter().map(|(_, name)| name.get(lang)));
    header.push(NOTE[at]);
    let name = shell.t("cases-evaluations");
    let bytes = write::xlsx(&name, &header, Vec::<Vec<write::Value>>::new())?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}

fn refuse(s: &Cases, shell: &Shell, error: Error) -> Result<Response, Failure> {
    let form = Form::default().reject(shell, error)?;
    shell.refused("cases/evaluations.html", context(s, shell, form))
}

pub(crate) async fn check(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    mut parts: Multipart,
) -> Result<Response, Failure> {
    let of = access.principal.account;
    let files = s.attachments.parts(of, &mut parts).await;
    let sheet = files.and_then(|(files, _)| {
        let missing = || Error::field("file", Msg::new("cases-import-sheet"));
        files.into_iter().next().ok_or_else(missing)
    });
    let sheet = match sheet {
        Ok(sheet) => sheet,
        Err(error) => return refuse(&s, &shell, error),
    };
    match s.answers(&sheet, &Eyes::from(&access)).await {
        Ok(all) => {
            let context = preview(&s, &shell, &all, &sheet, Form::default());
            shell.page("cases/evaluations.html", context)
        }
        Err(error) => refuse(&s, &shell, error),
    }
}

pub(crate) async fn publish(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    secrecy: Secrecy,
    BodyForm(pairs): BodyForm<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed(pairs);
    let (id, files) = (typed.id("id")?, [Waiting::read(typed.get("sheet"))?]);
    let found = s.attachments.words_in(&secrecy, &files).await?;
    if secrecy.asks(&found) {
        return secrecy.ask(&found, &typed.0, false);
    }
    secrecy.keep(&found).await?;
    let (eyes, actor) = (Eyes::from(&access), actor_of(&access));
    let all = s.answers(&files[0], &eyes).await?;
    let done = s
        .take_answers((id, &files[0].name), &all, &eyes, &actor)
        .await;
    match done {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done("/cases?view=closed", "cases-done-evaluations")
        }
        Err(error) => {
            let form = Form::default().reject(&shell, desk::told(error))?;
            let context = preview(&s, &shell, &all, &files[0], form);
            shell.refused("cases/evaluations.html", context)
        }
    }
}
