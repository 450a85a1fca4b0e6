//! Evidence (佐证材料): files with an activity. Those given when it is recorded stand with their hashes in its fact;
//! later ones are added with the day of the thing and of the upload. None is ever changed or taken away.

use bytes::Bytes;
use commons::files::{FileHash, Files};
use desk::Desk;
use futures::stream::BoxStream;
use identity::Actor;
use kernel::{AccountId, ActivityId, Date, Error, FieldError, Id, Msg, Result};
use serde_json::json;

use crate::service::who;
use crate::store::files::{self, FiledEvidence};
use crate::{Activities, View, store};

/// Files of one activity.
const MOST: usize = 50;
/// The largest one, in bytes.
pub(crate) const LARGEST: usize = 64 << 20;
/// What may be kept, by the end of the name.
pub(crate) const KINDS: [&str; 15] = [
    "pdf", "ofd", "jpg", "jpeg", "png", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "wps", "et",
    "txt", "mp4",
];

/// Where files are kept and where they wait on their way.
#[derive(Clone)]
pub(crate) struct Keeper {
    pub(crate) files: Files,
    pub(crate) desk: Desk,
}

/// A file as it came, before it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its name on the sender's machine.
    pub name: String,
    /// Its content.
    pub bytes: Bytes,
    /// Day of the thing that it shows; none: that of the activity.
    pub dated: Option<Date>,
}

impl NewFile {
    /// Its name without folders.
    fn plain_name(&self) -> String {
        let last = self.name.rsplit(['/', '\\']).next().unwrap_or("");
        let plain: String = last.chars().filter(|c| !c.is_control()).take(150).collect();
        plain.trim().to_owned()
    }

    fn check(&self, today: Date, errors: &mut Vec<FieldError>) {
        let name = self.plain_name();
        let end = name
            .rsplit_once('.')
            .map_or(String::new(), |(_, end)| end.to_ascii_lowercase());
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        if !KINDS.contains(&end.as_str()) {
            let message = Msg::new("evidence-kind").with("name", &name);
            wrong("file", message.with("kinds", KINDS.join("、")));
        }
        if self.bytes.is_empty() || self.bytes.len() > LARGEST {
            let message = Msg::new("evidence-large").with("name", &name);
            wrong("file", message.with("most", LARGEST >> 20));
        }
        if self.dated.is_some_and(|dated| dated > today) {
            wrong("dated", Msg::new("evidence-future"));
        }
    }
}

impl Activities {
    /// The same, with which files can be kept.
    pub fn with_files(mut self, files: Files, desk: Desk) -> Self {
        self.keeper = Some(Keeper { files, desk });
        self
    }

    pub(crate) fn keeper(&self) -> Result<&Keeper> {
        self.keeper.as_ref().ok_or(Error::NotFound)
    }

    /// Checks files and keeps their content, so that rows can name them.
    pub(crate) async fn keep_files(
        &self,
        given: &[NewFile],
        date: Date,
        later: bool,
        (by, on_behalf): (AccountId, Option<AccountId>),
    ) -> Result<Vec<FiledEvidence>> {
        if given.is_empty() {
            return Ok(Vec::new());
        }
        let keeper = self.keeper()?;
        let mut errors = Vec::new();
        for file in given {
            file.check(self.env.today(), &mut errors);
        }
        if given.len() > MOST {
            let message = Msg::new("evidence-many").with("most", MOST);
            errors.push(FieldError {
                field: "file".into(),
                message,
            });
        }
        Error::if_any(errors)?;
        let mut kept: Vec<FiledEvidence> = Vec::with_capacity(given.len());
        for file in given {
            let found = keeper.files.put(file.bytes.clone()).await?;
            let sha256 = found.sha256.to_string();
            if kept.iter().any(|k| k.sha256 == sha256) {
                continue;
            }
            kept.push(FiledEvidence {
                id: self.env.new_id(),
                name: file.plain_name(),
                sha256,
                size: found.size.try_into().map_err(Error::internal)?,
                dated: file.dated.unwrap_or(date),
                later,
                by,
                on_behalf,
                at: self.env.now(),
            });
        }
        Ok(kept)
    }

    /// Adds files to a recorded activity; what is there already is not added again. How many were new.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when the activity was taken back.
    pub async fn add_files(
        &self,
        id: ActivityId,
        given: &[NewFile],
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<usize> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let (activity, _) = self.activity(id, view).await?;
        let whose = (by, actor.on_behalf);
        if given.is_empty() {
            return Err(Error::field("file", Msg::new("evidence-missing")));
        }
        let kept = self.keep_files(given, activity.date, true, whose).await?;
        db::transaction!(self.db, |tx| {
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let known = files::of(tx, id).await?.len();
            if known + kept.len() > MOST {
                let message = Msg::new("evidence-many").with("most", MOST);
                return Err(Error::field("file", message));
            }
            let mut new = Vec::new();
            for file in &kept {
                if files::add(tx, id, file).await? {
                    new.push(&file.sha256);
                }
            }
            if !new.is_empty() {
                let detail = json!({ "files": new });
                self.audit(tx, &actor, "activity.file-added", id, detail)
                    .await?;
            }
            Ok(new.len())
        })
    }

    /// The files of an activity, the oldest first.
    pub async fn files(&self, id: ActivityId, view: impl Into<View>) -> Result<Vec<FiledEvidence>> {
        let mut tx = self.db.read().await?;
        store::activity(&mut tx, id, &view.into()).await?;
        files::of(&mut tx, id).await
    }

    /// A file of an activity: what is known of it, and its content, checked while it is read.
    ///
    /// # Errors
    /// `NotFound` when the activity is not in the view or has no such file.
    pub async fn file(
        &self,
        id: ActivityId,
        file: Id,
        view: impl Into<View>,
    ) -> Result<(FiledEvidence, BoxStream<'static, Result<Bytes>>)> {
        let all = self.files(id, view).await?;
        let found = all
            .into_iter()
            .find(|f| f.id == file)
            .ok_or(Error::NotFound)?;
        let hash: FileHash = found.sha256.parse()?;
        let (_, stream) = self.keeper()?.files.get_stream(hash).await?;
        Ok((found, stream))
    }
}
