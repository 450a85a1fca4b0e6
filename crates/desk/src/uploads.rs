//! Files on their way (上传): sent in pieces, so that a network that breaks or a session that ends costs one piece
//! and not the whole file. A room takes the file when it has arrived.

use kernel::{AccountId, Error, Id, Msg, Result, Timestamp};

use crate::{Desk, store};

/// The largest file, in bytes.
const LARGEST: u64 = 256 << 20;
/// The largest piece, in bytes: what a request may carry.
pub(crate) const PIECE: usize = 512 << 10;
/// Files on their way of one account; the oldest go first.
const MOST: i64 = 20;
/// What nobody took is kept for so many hours.
const HOURS: i64 = 24;

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name, as the sender's machine has it.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// How many of them have arrived.
    pub received: u64,
}

impl Desk {
    /// Begins to receive a file.
    ///
    /// # Errors
    /// `Invalid` when it is empty, too large or has no name.
    pub async fn begin_upload(&self, of: AccountId, name: &str, size: u64) -> Result<Id> {
        let wrong = |key| {
            Err(Error::field(
                "file",
                Msg::new(key).with("most", LARGEST >> 20),
            ))
        };
        let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
        if name.trim().is_empty() || size == 0 {
            return wrong("desk-upload-empty");
        }
        if size > LARGEST {
            return wrong("desk-upload-large");
        }
        let (id, now) = (self.env.new_id(), self.env.now());
        db::transaction!(self.db, |tx| {
            store::begin_upload(tx, id, of, (&name, size), now).await?;
            for old in store::oldest_uploads(tx, of, MOST).await? {
                store::drop_upload(tx, old).await?;
            }
            Ok(())
        })?;
        Ok(id)
    }

    /// How far a file has come.
    ///
    /// # Errors
    /// `NotFound` when it is another's or was taken.
    pub async fn upload(&self, of: AccountId, id: Id) -> Result<Upload> {
        store::upload(&mut self.db.read().await?, of, id).await
    }

    /// Takes a piece that begins at a place; gives how much has arrived. A piece that does not fit there (it came
    /// twice, or one before it is missing) changes nothing.
    ///
    /// # Errors
    /// `NotFound` when the file is another's; `Invalid` when the piece is empty or too large.
    pub async fn put_piece(&self, of: AccountId, id: Id, from: u64, bytes: &[u8]) -> Result<u64> {
        if bytes.is_empty() || bytes.len() > PIECE {
            return Err(Error::field("file", Msg::new("desk-upload-piece")));
        }
        db::transaction!(self.db, |tx| {
            let known = store::upload(tx, of, id).await?;
            let end = from + bytes.len() as u64;
            if known.received != from || end > known.size {
                return Ok(known.received);
            }
            if store::advance_upload(tx, id, from, end).await? {
                store::put_piece(tx, id, from, bytes).await?;
                return Ok(end);
            }
            // Another piece came at the same moment: theirs stands.
            Ok(store::upload(tx, of, id).await?.received)
        })
    }

    /// Lays a whole file down, as if it had come in pieces; it can be taken for a day.
    pub async fn lay_down(&self, of: AccountId, name: &str, bytes: &[u8]) -> Result<Id> {
        let (id, now, size) = (self.env.new_id(), self.env.now(), bytes.len() as u64);
        db::transaction!(self.db, |tx| {
            store::begin_upload(tx, id, of, (name, size), now).await?;
            store::advance_upload(tx, id, 0, size).await?;
            for (n, piece) in bytes.chunks(PIECE).enumerate() {
                store::put_piece(tx, id, (n * PIECE) as u64, piece).await?;
            }
            Ok(id)
        })
    }

    /// Takes a file that has arrived: its name and bytes. It is gone then.
    ///
    /// # Errors
    /// `NotFound` when it is another's or was taken; `Invalid` while pieces are missing.
    pub async fn take_upload(&self, of: AccountId, id: Id) -> Result<(String, Vec<u8>)> {
        db::transaction!(self.db, |tx| {
            let known = store::upload(tx, of, id).await?;
            if known.received != known.size {
                return Err(Error::field("file", Msg::new("desk-upload-missing")));
            }
            let bytes = store::pieces(tx, id).await?;
            store::drop_upload(tx, id).await?;
            Ok((known.name, bytes))
        })
    }

    /// Throws files away that nobody took for a day; how many.
    pub async fn expire_uploads(&self) -> Result<usize> {
        let before = Timestamp(self.env.now().0 - HOURS * 3600 * Timestamp::SECOND);
        db::transaction!(self.db, |tx| {
            let old = store::old_uploads(tx, before).await?;
            for id in &old {
                store::drop_upload(tx, *id).await?;
            }
            Ok(old.len())
        })
    }
}
