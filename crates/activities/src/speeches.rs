//! What was said at an activity (发言): by whom, in which order, its text or the file that has it. It is read by whoever
//! may read the activity; the facts say nothing of it.

use axum::Form as Body;
use axum::extract::{Path, State};
use axum::response::Response;
use commons::docx::{Block, Document};
use identity::Actor;
use kernel::{ActivityId, Error, FieldError, Id, Msg, PersonId, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::service::who;
use crate::store::{details, files, speeches as rows};
use crate::{Activities, Activity, Part, View, opinion_pages, pages, store};

/// Characters of one speech.
pub(crate) const LONGEST: usize = 20_000;
/// Speeches of one activity.
const MOST: usize = 100;
/// A Word file.
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// What somebody said (发言).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    /// Made when the form was opened.
    pub id: Id,
    /// Who spoke.
    pub person: PersonId,
    /// Its place in the order.
    pub place: i64,
    /// What about.
    pub title: String,
    /// What was said; empty where a file has it.
    pub text: String,
    /// The file of the activity that has it.
    pub file: Option<Id>,
}

impl Activities {
    /// Keeps what somebody said who was there or had a part. Sent twice with the same id it is there once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when the activity was taken back.
    pub async fn keep_speech(
        &self,
        id: ActivityId,
        new: &Speech,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let speech = Speech {
            title: new.title.trim().to_owned(),
            text: new.text.trim().replace("\r\n", "\n"),
            ..new.clone()
        };
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        let (title, text) = (&speech.title, &speech.text);
        if !(2..=100).contains(&title.chars().count()) || title.contains(char::is_control) {
            wrong("speech-title", Msg::new("speech-title-wrong"));
        }
        let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if text.chars().count() > LONGEST || text.contains(strange) {
            wrong(
                "speech-text",
                Msg::new("opinion-long").with("most", LONGEST),
            );
        } else if text.is_empty() && speech.file.is_none() {
            wrong("speech-text", Msg::new("speech-empty"));
        }
        if !(1..=999).contains(&speech.place) {
            wrong("speech-place", Msg::new("speech-place-wrong"));
        }
        Error::if_any(errors)?;
        db::transaction!(self.db, |tx| {
            store::activity(tx, id, &view).await?;
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let parts = store::parts(tx, id).await?;
            let roles = details::roles(tx, id).await?;
            let there = parts
                .iter()
                .any(|(p, _)| p.person == speech.person && p.role.studied())
                || roles.iter().any(|r| r.person == speech.person);
            if !there {
                return Err(Error::field("speech-person", Msg::new("speech-not-there")));
            }
            if let Some(file) = speech.file
                && !files::of(tx, id).await?.iter().any(|f| f.id == file)
            {
                return Err(Error::field("speech-file", Msg::new("speech-file-unknown")));
            }
            if rows::of(tx, id).await?.len() >= MOST {
                let message = Msg::new("speech-many").with("most", MOST);
                return Err(Error::field("speech-title", message));
            }
            if !rows::insert(tx, id, &speech, (self.env.now(), by)).await? {
                return Ok(());
            }
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "speech": speech.id, "person": speech.person });
            self.audit(tx, &actor, "activity.speech-kept", id, detail)
                .await
        })
    }

    /// Takes a speech back, with a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when the activity was taken back.
    pub async fn drop_speech(
        &self,
        (id, speech): (ActivityId, Id),
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let reason = reason.trim();
        if !(2..=200).contains(&reason.chars().count()) {
            return Err(Error::field("reason", Msg::new("reversal-reason-missing")));
        }
        db::transaction!(self.db, |tx| {
            store::activity(tx, id, &view).await?;
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            if !rows::take_back(tx, id, speech, (self.env.now(), reason)).await? {
                return Err(Error::NotFound);
            }
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "speech": speech, "reason": reason });
            self.audit(tx, &actor, "activity.speech-dropped", id, detail)
                .await
        })
    }

    /// What was said at an activity of a view, in order.
    pub async fn speeches(&self, id: ActivityId, view: impl Into<View>) -> Result<Vec<Speech>> {
        let mut tx = self.db.read().await?;
        store::activity(&mut tx, id, &view.into()).await?;
        rows::of(&mut tx, id).await
    }
}

/// What the page of an activity and its minutes say of speeches, and who can be chosen.
pub(crate) async fn card(
    s: &Activities,
    access: &Access,
    a: &Activity,
    parts: &[Part],
    page: &mut Value,
) -> Result<()> {
    let all = s.speeches(a.id, opinion_pages::reader(access)).await?;
    let (roles, _, _) = s.details(a).await?;
    let mut people: Vec<PersonId> = roles.iter().map(|r| r.person).collect();
    for part in parts.iter().filter(|p| p.role.studied()) {
        if !people.contains(&part.person) {
            people.push(part.person);
        }
    }
    let known: Vec<PersonId> = people
        .iter()
        .copied()
        .chain(all.iter().map(|s| s.person))
        .collect();
    let names = s.organization.person_names(&known).await?;
    page["speeches"] = all
        .iter()
        .map(|x| {
            json!({ "id": x.id, "who": names.get(&x.person), "place": x.place, "title": x.title,
                "text": x.text.lines().collect::<Vec<_>>(), "file": x.file.map(|f| format!("/activities/{}/files/{f}", a.id)) })
        })
        .collect();
    let mut speakers: Vec<(String, &String)> = Vec::new();
    for person in &people {
        if let Some(name) = names.get(person)
            && !speakers.iter().any(|(id, _)| *id == person.to_string())
        {
            speakers.push((person.to_string(), name));
        }
    }
    page["speakers"] = json!(speakers);
    page["new_speech"] = json!({ "id": s.env.new_id::<Id>(), "place": all.iter().map(|s| s.place).max().unwrap_or(0) + 1 });
    Ok(())
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Typed {
    id: String,
    speech_person: String,
    speech_place: String,
    speech_title: String,
    speech_text: String,
    speech_file: String,
    reason: String,
}

pub(crate) async fn keep(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let done = async {
        let nobody = || Error::field("speech-person", Msg::new("speech-not-there"));
        let new = Speech {
            id: typed.id.parse().map_err(|_| Error::NotFound)?,
            person: typed.speech_person.parse().map_err(|_| nobody())?,
            place: typed.speech_place.trim().parse().unwrap_or(0),
            title: typed.speech_title.clone(),
            text: typed.speech_text.clone(),
            file: typed.speech_file.parse().ok(),
        };
        s.keep_speech(id, &new, &access, actor).await
    };
    match done.await {
        Ok(()) => shell.done(&format!("/activities/{id}"), "speech-kept"),
        Err(error) => pages::refused_form(&s, &shell, &access, id, Form::of(&typed), error).await,
    }
}

pub(crate) async fn take_back(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, speech)): Path<(String, String)>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let speech: Id = speech.parse().map_err(|_| Error::NotFound)?;
    match s
        .drop_speech((id, speech), &typed.reason, &access, actor)
        .await
    {
        Ok(()) => shell.done(&format!("/activities/{id}"), "speech-dropped"),
        Err(error) => pages::refused_form(&s, &shell, &access, id, Form::default(), error).await,
    }
}

/// All speeches as a document.
pub(crate) async fn document(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let view = opinion_pages::reader(&access);
    let (a, _) = s.activity(id, view.clone()).await?;
    let all = s.speeches(id, view).await?;
    let people: Vec<PersonId> = all.iter().map(|s| s.person).collect();
    let names = s.organization.person_names(&people).await?;
    let files = s.files(id, opinion_pages::reader(&access)).await?;
    let mut blocks = Vec::new();
    for x in &all {
        let name = names.get(&x.person).map_or("—", String::as_str);
        blocks.push(Block::Heading(1, format!("{} {name}", x.title)));
        blocks.extend(x.text.lines().map(Block::text));
        if let Some(file) = x.file.and_then(|id| files.iter().find(|f| f.id == id)) {
            blocks.push(Block::text(
                shell.t_with("speech-in-file", &[("name", &file.name)]),
            ));
        }
    }
    let host = s.organization.names(&[a.host]).await?;
    let host = host.get(&a.host).map_or("", String::as_str);
    let bytes = commons::docx::write(&Document {
        mark: s
            .levels
            .mark(&a.level, shell.lang().code())
            .map(str::to_owned),
        title: shell.t_with("speech-document", &[("title", &a.title)]),
        subtitle: Some(format!("{host} {}", kernel::format_date(a.date))),
        blocks,
        official: None,
    })?;
    identity::tell_list(&s.db, &s.env, &actor, "speeches", all.len()).await?;
    let name = format!("{}-{}.docx", shell.t("speeches"), a.title);
    Ok(web::attachment(DOCX, &name, bytes))
}
