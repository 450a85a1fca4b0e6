//! The desk (办公桌): what everybody keeps for themselves. Drafts (草稿) of forms are saved while somebody
//! types, so that neither a crash nor the end of a session loses typing; saved views (常用视图) are the filters
//! of a list under a name; uploads (上传) are files on their way, in pieces. All of it belongs to one account and
//! nobody else sees it.

mod attachments;
mod pages;
mod store;
mod typed;
mod uploads;

use db::Db;
use kernel::{AccountId, Env, Error, Id, Msg, Result, Timestamp};

pub use attachments::{Attached, Attachments, FORM, Waiting};
pub use pages::{MESSAGES, module};
pub use store::{Draft, MIGRATIONS, View};
pub use typed::{Typed, day_of, id_of, paragraphs, told, waiting};
pub use uploads::Upload;

/// Drafts of one account; the oldest go first.
const MOST_DRAFTS: i64 = 50;
/// Saved views of one account on one list.
const MOST_VIEWS: usize = 30;
/// A draft is kept for so many days after the last touch.
const DRAFT_DAYS: i64 = 30;
/// The longest address of a page, in bytes.
const LONGEST_PLACE: usize = 1_000;
/// The longest name of a view, in characters.
const LONGEST_NAME: usize = 30;

/// Everybody's desk; cheap to clone.
#[derive(Clone)]
pub struct Desk {
    db: Db,
    env: Env,
}

/// A page of this server, as a key.
fn place(at: &str) -> Result<&str> {
    let fits = web::is_local_path(at) && at.len() <= LONGEST_PLACE;
    fits.then_some(at)
        .ok_or_else(|| Error::field("at", Msg::new("desk-place")))
}

/// The path of a page without what is asked of it.
fn path(at: &str) -> &str {
    at.split_once('?').map_or(at, |(path, _)| path)
}

impl Desk {
    /// The desk in a database.
    pub fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }

    /// Keeps what was typed into the form of a page: pairs of name and value. The same again replaces it.
    ///
    /// # Errors
    /// `Invalid` when the place is no page of this server.
    pub async fn keep_draft(
        &self,
        of: AccountId,
        at: &str,
        fields: &[(String, String)],
    ) -> Result<()> {
        let (at, now) = (place(at)?, self.env.now());
        let fields = serde_json::to_string(fields).map_err(Error::internal)?;
        db::transaction!(self.db, |tx| {
            store::keep_draft(tx, of, at, &fields, now).await?;
            store::drop_oldest_drafts(tx, of, MOST_DRAFTS).await
        })
    }

    /// The draft of a page's form.
    pub async fn draft(&self, of: AccountId, at: &str) -> Result<Option<Draft>> {
        store::draft(&mut self.db.read().await?, of, at).await
    }

    /// Throws a draft away; one that is not there is no error.
    pub async fn drop_draft(&self, of: AccountId, at: &str) -> Result<()> {
        db::transaction!(self.db, |tx| store::drop_draft(tx, of, at).await)
    }

    /// Throws drafts away that nobody touched for a month; how many.
    pub async fn expire_drafts(&self) -> Result<u64> {
        let before = self.env.now().0 - DRAFT_DAYS * 24 * 3600 * Timestamp::SECOND;
        db::transaction!(self.db, |tx| {
            store::expire_drafts(tx, Timestamp(before)).await
        })
    }

    /// The views that an account saved of a list, by name.
    pub async fn views(&self, of: AccountId, at: &str) -> Result<Vec<View>> {
        store::views(&mut self.db.read().await?, of, path(at)).await
    }

    /// Saves what a list shows under a name; the same name again replaces it.
    ///
    /// # Errors
    /// `Invalid` when the name is missing, too long, or there are too many.
    pub async fn keep_view(&self, of: AccountId, at: &str, name: &str) -> Result<Id> {
        let (at, name) = (place(at)?, name.trim());
        let wrong = |key| {
            Err(Error::field(
                "name",
                Msg::new(key).with("most", LONGEST_NAME.to_string()),
            ))
        };
        if name.is_empty()
            || name.chars().count() > LONGEST_NAME
            || name.chars().any(char::is_control)
        {
            return wrong("desk-view-name");
        }
        let id = self.env.new_id();
        db::transaction!(self.db, |tx| {
            let known = store::views(tx, of, path(at)).await?;
            if known.len() >= MOST_VIEWS && known.iter().all(|v| v.name != name) {
                let many = Msg::new("desk-view-many").with("most", MOST_VIEWS.to_string());
                return Err(Error::field("name", many));
            }
            store::keep_view(tx, id, of, path(at), name, at).await
        })
    }

    /// Drops a view; where it was shown.
    ///
    /// # Errors
    /// `NotFound` when it is another's.
    pub async fn drop_view(&self, of: AccountId, id: Id) -> Result<String> {
        db::transaction!(self.db, |tx| store::drop_view(tx, of, id).await)
    }
}
