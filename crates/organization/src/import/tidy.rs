//! What is left of an import goes: staged rows, findings, uploaded files.

use commons::files::Held;
use db::transaction;
use kernel::{Id, Result};

use super::ChangeKind;
use super::record::{FAULT, TWIN};
use super::staged::{CHUNK, Imports, PERSONS, TIES, UNITS};
use crate::store;

/// Of what is done only its line is left, for so long.
pub(super) const DONE_DAYS: i64 = 366;

impl Imports {
    /// Removes files; one that stays for now is taken by [`Self::tidy`].
    pub(super) async fn release(&self, files: &[Held]) {
        for held in files {
            if let Err(error) = self.files.release(held).await {
                tracing::warn!(%error, "an uploaded file stays for now");
            }
        }
    }

    pub(super) async fn drop_rows(&self, id: Id) -> Result<()> {
        for kind in [UNITS, PERSONS, TIES] {
            while transaction!(self.org.db, |tx| {
                store::drop_rows(tx, id, kind, CHUNK as i64).await
            })? {}
        }
        Ok(())
    }

    pub(super) async fn drop_findings(&self, id: Id) -> Result<()> {
        let kinds = ChangeKind::ALL.map(ChangeKind::code);
        for kind in kinds.into_iter().chain([FAULT, TWIN]) {
            let mut up_to = CHUNK as i64;
            while transaction!(self.org.db, |tx| {
                store::drop_findings(tx, id, kind, up_to).await
            })? {
                up_to += CHUNK as i64;
            }
        }
        Ok(())
    }

    pub(super) async fn drop_staged(&self, id: Id) -> Result<()> {
        self.drop_rows(id).await?;
        if let Some(vault) = &self.org.vault {
            transaction!(self.org.db, |tx| vault.erase(tx, &[id]).await)?;
        }
        self.drop_findings(id).await
    }

    /// Takes an import away with all that was staged.
    pub async fn discard(&self, id: Id) -> Result<()> {
        self.drop_staged(id).await?;
        self.drop_files(id).await?;
        transaction!(self.org.db, |tx| store::drop_import(tx, id).await)
    }

    /// Removes the files of an import: nothing needs them any more.
    pub(super) async fn drop_files(&self, id: Id) -> Result<()> {
        let found = store::import_by_id(&mut self.org.db.read().await?, id).await?;
        for file in found.into_iter().flat_map(|import| import.files) {
            self.files.release(&file.held.parse()?).await?;
        }
        Ok(())
    }

    /// Takes away imports that nobody went on with, and files that belong to none and are not spared; gives how many
    /// there were.
    pub async fn tidy(&self, spared: &[String]) -> Result<(usize, usize)> {
        let ago = |days: i64| self.env().now().plus_seconds(-days * 24 * 3600);
        let (before, done) = (ago(self.keep_days), ago(DONE_DAYS.max(self.keep_days)));
        let old = store::old_imports(&mut self.org.db.read().await?, before, done).await?;
        for id in &old {
            self.discard(*id).await?;
        }
        let used = store::files_of_imports(&mut self.org.db.read().await?).await?;
        let mut strays = self.files.held_before(before).await?;
        strays.retain(|held| {
            let name = held.to_string();
            !used.contains(&name) && !spared.contains(&name)
        });
        for held in &strays {
            self.files.release(held).await?;
        }
        Ok((old.len(), strays.len()))
    }
}
