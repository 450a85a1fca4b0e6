//! Sending, counting and reading notices.

use std::collections::HashMap;
use std::sync::Arc;

use db::{Db, Tx, transaction};
use futures::future::BoxFuture;
use kernel::{AccountId, Env, Error, Id, PersonId, Result, Timestamp};
use sha2::{Digest, Sha256};
use web::Lang;
use web::table::{Order, Window};

use crate::mail::Courier;
use crate::model::{Choice, Notice, NoticeRow, Reader};
use crate::store;

/// What stands in place of what was erased.
const ERASED: &str = "***";

/// How notices are kept and told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Days after which a notice is removed.
    pub keep_days: i64,
    /// Whether those who chose nothing get mail.
    pub mail_by_default: bool,
    /// Language of those who chose none.
    pub lang: Lang,
    /// Address of this server as readers type it, for links in mail and calendars; no slash at its end.
    pub public_url: String,
    /// Sender of mail.
    pub from: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_days: 180,
            mail_by_default: false,
            lang: Lang::Zh,
            public_url: "http://localhost:8080".to_owned(),
            from: String::new(),
        }
    }
}

/// What only the program knows about readers.
pub trait Contacts: Send + Sync {
    /// The mail addresses of those of these people who have one.
    fn addresses<'a>(
        &'a self,
        people: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>>;

    /// Whether an account is still open and belongs to this person.
    fn is_open(&self, account: AccountId, person: PersonId) -> BoxFuture<'_, Result<bool>>;
}

/// Notices; cheap to clone.
#[derive(Clone)]
pub struct Notices {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) settings: Arc<Settings>,
    pub(crate) contacts: Arc<dyn Contacts>,
    pub(crate) courier: Option<Arc<dyn Courier>>,
}

impl Notices {
    /// Notices in a database; without a courier none is mailed.
    pub fn new(db: Db, env: Env, settings: Settings, contacts: impl Contacts + 'static) -> Self {
        Self {
            db,
            env,
            settings: settings.into(),
            contacts: Arc::new(contacts),
            courier: None,
        }
    }

    /// The same, mailed by a courier.
    pub fn with_courier(mut self, courier: impl Courier + 'static) -> Self {
        self.courier = Some(Arc::new(courier));
        self
    }

    /// Sends a notice to each of these inside the caller's transaction: what is not committed is not said.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn send(&self, tx: &mut Tx, to: &[Reader], notice: &Notice) -> Result<()> {
        let all: Vec<(Reader, &Notice)> = to.iter().map(|r| (*r, notice)).collect();
        self.send_many(tx, &all).await
    }

    /// Sends many notices at once, each to its reader.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn send_many(&self, tx: &mut Tx, all: &[(Reader, &Notice)]) -> Result<()> {
        if all.is_empty() {
            return Ok(());
        }
        let now = self.env.now();
        let new = |(reader, notice): &(Reader, _)| (self.env.new_id(), *reader, *notice);
        let all: Vec<(Id, Reader, &Notice)> = all.iter().map(new).collect();
        store::put(tx, &all, now).await?;
        if self.courier.is_none() {
            return Ok(());
        }
        let people = all
            .iter()
            .filter(|(_, r, _)| matches!(r, Reader::Person(_)));
        let people: Vec<Id> = people.map(|(id, ..)| *id).collect();
        store::put_mail(tx, &people, self.settings.mail_by_default, now).await
    }

    /// What these were told about something counts as read: it is decided.
    pub async fn settle(&self, tx: &mut Tx, of: &[Reader], about: (&str, &str)) -> Result<()> {
        if of.is_empty() {
            return Ok(());
        }
        store::settle(tx, of, about, self.env.now()).await
    }

    /// How many were not read yet.
    pub async fn unread(&self, of: &[Reader]) -> Result<i64> {
        store::unread(&mut self.db.read().await?, of).await
    }

    /// Notices before one, newest first.
    pub async fn list(
        &self,
        of: &[Reader],
        unread: bool,
        before: Option<Id>,
        most: u32,
    ) -> Result<Vec<NoticeRow>> {
        let mut tx = self.db.read().await?;
        store::list(&mut tx, of, unread, before, most.into()).await
    }

    /// A page of notices in an order, and how many there are.
    pub async fn page(
        &self,
        of: &[Reader],
        unread: bool,
        order: Order,
        window: Window,
    ) -> Result<(Vec<NoticeRow>, i64)> {
        let mut tx = self.db.read().await?;
        store::page(&mut tx, of, unread, order, window).await
    }

    /// Marks one as read and gives it; somebody else's does not exist.
    pub async fn open(&self, of: &[Reader], id: Id) -> Result<NoticeRow> {
        let now = self.env.now();
        transaction!(self.db, |tx| {
            let found = store::one(tx, of, id).await?.ok_or(Error::NotFound)?;
            store::mark(tx, of, Some(id), now).await?;
            Ok(found)
        })
    }

    /// Marks all as read; gives how many were not.
    pub async fn read_all(&self, of: &[Reader]) -> Result<u64> {
        let now = self.env.now();
        transaction!(self.db, |tx| store::mark(tx, of, None, now).await)
    }

    /// How somebody wants to be told.
    pub async fn choice(&self, of: Reader) -> Result<Choice> {
        let chosen = store::choice(&mut self.db.read().await?, of).await?;
        Ok(chosen.unwrap_or(Choice {
            mail: self.settings.mail_by_default,
            lang: self.settings.lang,
        }))
    }

    /// Keeps how somebody wants to be told.
    pub async fn choose(&self, of: Reader, choice: Choice) -> Result<()> {
        transaction!(self.db, |tx| store::put_choice(tx, of, choice).await)
    }

    /// Removes notices that were kept long enough; once a day is enough. Gives how many.
    pub async fn expire(&self) -> Result<u64> {
        let before = self
            .env
            .now()
            .plus_seconds(-self.settings.keep_days * 86_400);
        transaction!(self.db, |tx| store::expire(tx, before).await)
    }

    /// Erases what is kept of a person, in the transaction that erases the person: what they were told goes, and
    /// in what others were told their name, also where it is that of a namesake, for notices know no people.
    /// Gives how many texts changed.
    pub async fn erase(&self, tx: &mut Tx, person: PersonId, name: &str) -> Result<usize> {
        store::drop_reader(tx, Reader::Person(person)).await?;
        if name.trim().is_empty() {
            return Ok(0);
        }
        store::mask(tx, name, ERASED).await
    }

    /// How much mail waits, and how much was given up.
    pub async fn mail_state(&self) -> Result<(i64, i64)> {
        store::mail_state(&mut self.db.read().await?).await
    }

    /// Makes a feed for an account, ends the one before, and gives its token, which is kept nowhere.
    pub async fn make_feed(&self, account: AccountId, person: PersonId) -> Result<String> {
        let token = hex::encode(self.env.random::<32>());
        let (hash, now) = (Sha256::digest(token.as_bytes()), self.env.now());
        transaction!(self.db, |tx| store::put_feed(
            tx, account, person, &hash, now
        )
        .await)?;
        Ok(token)
    }

    /// Ends the feed of an account.
    pub async fn end_feed(&self, account: AccountId) -> Result<()> {
        transaction!(self.db, |tx| store::end_feed(tx, account).await)
    }

    /// When the feed of an account was made, if it has one.
    pub async fn feed_made(&self, account: AccountId) -> Result<Option<Timestamp>> {
        store::feed_made(&mut self.db.read().await?, account).await
    }

    /// Whose feed this is; nobody's when it ended or its account was closed.
    pub(crate) async fn feed_of(&self, token: &str) -> Result<(PersonId, Lang)> {
        let hash = Sha256::digest(token.as_bytes());
        let found = store::feed(&mut self.db.read().await?, &hash).await?;
        let (account, person, lang) = found.ok_or(Error::NotFound)?;
        if !self.contacts.is_open(account, person).await? {
            return Err(Error::NotFound);
        }
        Ok((person, lang.unwrap_or(self.settings.lang)))
    }
}
