//! Pages of filling in: one section as a form, answers and photos as a device sends them, what devices answered otherwise.

use axum::Form as Body;
use axum::Json;
use axum::extract::{Multipart, Path, Query, State as With};
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::{AccountId, Error, FieldError, Msg, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::filling::Standing;
use crate::model::TaskState;
use crate::plan_pages::{Pairs, value};
use crate::planning::task_href;
use crate::putting::{Fields, Put, Rival, mark};
use crate::service::{Eyes, Inspections};
use crate::store;
use crate::task_pages::{Where, arrived, head, id_of, open_of, said, typed};
use crate::view::item_view;

/// One section, as it is filled in.
async fn fill_context(
    s: &Inspections,
    shell: &Shell,
    x: &Standing,
    section: &str,
    form: Form,
) -> Result<Value> {
    let lang = shell.lang().code();
    let mut tx = s.db.read().await?;
    let origins = s.origins(&mut tx, &x.form, lang).await?;
    drop(tx);
    let at = x
        .form
        .sections
        .iter()
        .position(|c| c.code == section)
        .unwrap_or(0);
    let shown = x.form.sections.get(at).ok_or(Error::NotFound)?;
    let open = open_of(&x.form, &x.filled);
    let tabs: Vec<Value> = x
        .form
        .sections
        .iter()
        .zip(&open)
        .enumerate()
        .map(|(n, (c, (_, _, open, _)))| {
            json!({ "code": c.code, "title": c.title.get(lang), "open": open, "current": n == at,
                "href": format!("{}/fill?section={}", task_href(x.task.id), c.code) })
        })
        .collect();
    let mut items: Vec<Value> = shown
        .items
        .iter()
        .map(|item| {
            let answer = x.filled.answers.get(&item.code);
            let mut view = item_view(shell, &x.form, item, &s.words, &origins);
            let (text, chosen, na) = typed(&x.form, &item.code, answer);
            let again = form.values.get(&format!("v-{}", item.code));
            view["value"] = json!(again.cloned().unwrap_or(text));
            view["chosen"] = json!(chosen);
            view["na"] = json!(na);
            let typed = |prefix: &str| form.values.get(&format!("{prefix}-{}", item.code)).cloned();
            let place = x.filled.places.get(&item.code).map_or("", String::as_str);
            view["mark"] = json!(typed("seen").unwrap_or_else(|| mark(answer, place)));
            let note = answer.map(|a| a.note.clone()).unwrap_or_default();
            view["note"] = json!(typed("n").unwrap_or(note));
            view["place"] = json!(typed("p").unwrap_or_else(|| place.to_owned()));
            view["said"] = json!(answer.map(|a| said(shell, &x.form, &item.code, a)));
            view["error"] = json!(form.errors.get(&format!("v-{}", item.code)));
            let files = answer.map_or(&[][..], |a| &a.files);
            let files = files.iter().map(
                |f| json!({ "sha256": f, "href": format!("{}/files/{f}", task_href(x.task.id)) }),
            );
            view["files"] = json!(files.collect::<Vec<_>>());
            view
        })
        .collect();
    let rivals = s.rivals(x.task.id).await?;
    let by: Vec<AccountId> = rivals.iter().map(|r| r.by).collect();
    let people = store::account_names(&mut s.db.read().await?, &by).await?;
    for view in &mut items {
        let of = rivals.iter().filter(|r| view["code"] == r.item.as_str());
        let of = of.map(|r: &Rival| {
            json!({ "device": r.device, "said": said(shell, &x.form, &r.item, &r.answer), "note": r.answer.note,
                "place": r.place, "by": people.get(&r.by), "at": r.at.minute_text(s.env.zone()) })
        });
        view["rivals"] = json!(of.collect::<Vec<_>>());
    }
    let next = x.form.sections.get(at + 1).map(|c| c.code.clone());
    Ok(json!({
        "head": head(s, shell, x).await?, "form": form, "tabs": tabs, "section": shown.code,
        "title": shown.title.get(lang), "items": items, "next": next, "n": at + 1, "of": x.form.sections.len(),
        "open": open.iter().map(|(_, _, n, _)| n).sum::<usize>(), "task": x.task.id, "corrects": x.task.version > 0,
    }))
}

/// A task that the reader fills in.
pub(crate) async fn filling(s: &Inspections, access: &Access, id: &str) -> Result<Standing> {
    let x = s.standing(id_of(id)?, &Eyes::from(access)).await?;
    let open = !matches!(x.task.state, TaskState::Withdrawn | TaskState::Preparing);
    match x.hand.fills && open {
        true => Ok(x),
        false => Err(Error::NotFound),
    }
}

pub(crate) async fn fill(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Query(q): Query<Where>,
) -> Result<Response, Failure> {
    let x = filling(&s, &access, &id).await?;
    let context = fill_context(&s, &shell, &x, &q.section, Form::default()).await?;
    shell.page("inspections/fill.html", context)
}

/// The fields of a form by item: those whose names end in its code.
fn by_item(pairs: &Pairs, items: &[String]) -> Vec<(String, Fields)> {
    let one = |item: &String| {
        let names = ["v", "na", "n", "p"].map(|prefix| format!("{prefix}-{item}"));
        let own = pairs.iter().filter(|(n, _)| names.contains(n));
        (item.clone(), own.cloned().collect())
    };
    items.iter().map(one).collect()
}

/// A section of the plain form: everything in it is saved, then one goes on.
pub(crate) async fn save(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let x = filling(&s, &access, &id).await?;
    let section = value(&pairs, "section").to_owned();
    let shown = x
        .form
        .sections
        .iter()
        .find(|c| c.code == section)
        .ok_or(Error::NotFound)?;
    let items: Vec<String> = shown.items.iter().map(|i| i.code.clone()).collect();
    let puts: Vec<Put> = by_item(&pairs, &items)
        .into_iter()
        .map(|(item, fields)| Put {
            seq: 0,
            seen: pairs
                .iter()
                .find(|(n, _)| n.strip_prefix("seen-") == Some(&item))
                .map(|(_, seen)| seen.clone()),
            item,
            fields,
        })
        .collect();
    let taken = s.put(x.task.id, "", &puts, &Eyes::from(&access)).await?;
    let mut faults = taken.faults;
    let rival = |item| FieldError {
        field: format!("v-{item}"),
        message: Msg::new("inspection-rival-open"),
    };
    faults.extend(taken.rivals.iter().map(rival));
    if !faults.is_empty() {
        let mut form = Form::default();
        // What is kept beside what stands is not typed again.
        let typed = |name: &str| {
            let of = |item: &String| name.split_once('-').is_some_and(|(_, own)| own == item);
            !taken.rivals.iter().any(of)
        };
        for (name, text) in pairs.iter().filter(|(name, _)| typed(name)) {
            form = form.with(name, text);
        }
        let form = form.reject(&shell, Error::Invalid(faults))?;
        let x = filling(&s, &access, &id).await?;
        let context = fill_context(&s, &shell, &x, &section, form).await?;
        return shell.refused("inspections/fill.html", context);
    }
    match value(&pairs, "to") {
        "" => shell.redirect(&format!("{}/fill?section={section}", task_href(x.task.id))),
        "hand-in" => shell.redirect(&format!("{}/hand-in", task_href(x.task.id))),
        next => shell.redirect(&format!(
            "{}/fill?section={}",
            task_href(x.task.id),
            web::encode(next)
        )),
    }
}

/// What a device sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    device: String,
    puts: Vec<SentPut>,
}

#[derive(Debug, Deserialize)]
struct SentPut {
    seq: i64,
    item: String,
    fields: Fields,
    seen: Option<String>,
}

pub(crate) async fn answers(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Json(sent): Json<Sent>,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let puts: Vec<Put> = sent
        .puts
        .into_iter()
        .map(|p| Put {
            seq: p.seq,
            item: p.item,
            fields: p.fields,
            seen: p.seen,
        })
        .collect();
    if sent.device.is_empty() {
        return Err(Error::field("device", Msg::new("inspection-device")).into());
    }
    let taken = s.put(id, &sent.device, &puts, &eyes).await?;
    let faults: Vec<(String, String)> = taken
        .faults
        .into_iter()
        .map(|FieldError { field, message }| (field, shell.text(&message)))
        .collect();
    let x = s.standing(id, &eyes).await?;
    let open: Vec<(String, usize)> = open_of(&x.form, &x.filled)
        .into_iter()
        .map(|(code, _, n, _)| (code, n))
        .collect();
    let said = json!({ "seq": taken.seq, "faults": faults, "open": open, "marks": taken.marks, "rivals": taken.rivals });
    Ok(Json(said).into_response())
}

/// Somebody chooses among what devices answered.
pub(crate) async fn choose(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let (x, item) = (filling(&s, &access, &id).await?, value(&pairs, "item"));
    let device = match value(&pairs, "take") {
        "other" => Some(value(&pairs, "device")),
        _ => None,
    };
    s.choose((x.task.id, item), device, &Eyes::from(&access), &actor)
        .await?;
    let mut sections = x.form.sections.iter();
    let section = sections.find(|c| c.items.iter().any(|i| i.code == item));
    let section = section.map_or("", |c| c.code.as_str());
    shell.redirect(&format!("{}/fill?section={section}", task_href(x.task.id)))
}

/// Files to one item.
pub(crate) async fn attach(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let x = filling(&s, &access, &id).await?;
    let (pairs, files) = match arrived(&s, &mut secrecy, &access, &mut form).await? {
        Ok(taken) => taken,
        Err(asked) => return Ok(asked),
    };
    let item = value(&pairs, "item");
    let section = x
        .form
        .sections
        .iter()
        .find(|c| c.items.iter().any(|i| i.code == item));
    let section = section.ok_or(Error::NotFound)?.code.clone();
    let drop: Vec<String> = pairs
        .iter()
        .filter(|(n, _)| n == "drop")
        .map(|(_, v)| v.clone())
        .collect();
    let done = async {
        // What nothing is answered to takes no files: nothing is kept for it.
        if !x.filled.answers.contains_key(item) {
            let message = Msg::new("inspection-answer-first");
            return Err(Error::field(format!("v-{item}"), message));
        }
        let kept = s.attachments.keep(&files).await?;
        s.attach(x.task.id, item, &kept, &drop, &Eyes::from(&access))
            .await
    };
    let done = done.await;
    s.attachments.release(&files).await;
    match done {
        Ok(()) => shell.redirect(&format!("{}/fill?section={section}", task_href(x.task.id))),
        Err(e) => {
            let form = Form::default().reject(&shell, e)?;
            let context = fill_context(&s, &shell, &x, &section, form).await?;
            shell.refused("inspections/fill.html", context)
        }
    }
}
