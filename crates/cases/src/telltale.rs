//! Who told of a case (反映人): sealed at rest; what was told in confidence is opened for who may know only.

use crypt::{Opened, Vault};
use db::Tx;
use kernel::{Id, Result};

use crate::model::Reporter;
use crate::service::Cases;
use crate::store::{self, Told};

/// Names of the sealed fields; part of the seal, they never change.
const NAME: &str = "case.reporter-name";
const CONTACT: &str = "case.reporter-contact";
/// Sealed later in one transaction.
const PIECE: i64 = 200;

fn seal(keys: &crypt::Keys, id: Id, r: &Reporter) -> Result<(Vec<u8>, Vec<u8>)> {
    Ok((
        keys.seal(id, NAME, &r.name)?,
        keys.seal(id, CONTACT, &r.contact)?,
    ))
}

impl Cases {
    /// The same, which seals who told of cases in confidence.
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// Keeps who told of a case, sealed: whether in confidence only says who is shown it.
    pub(crate) async fn keep_reporter(&self, tx: &mut Tx, id: Id, r: &Reporter) -> Result<()> {
        let mut told = Told {
            reporter: r.clone(),
            sealed: None,
        };
        if let Some(vault) = &self.vault {
            let keys = vault.make(tx, &[id]).await?;
            told.sealed = Some(seal(&keys, id, r)?);
            (told.reporter.name, told.reporter.contact) = Default::default();
        }
        store::put_reporter(tx, id, &told).await
    }

    /// Who told of a case, opened. Of what was erased nothing is left but that somebody did.
    pub(crate) async fn reporter_of(&self, tx: &mut Tx, id: Id) -> Result<Option<Reporter>> {
        let Some(told) = store::reporter(tx, id).await? else {
            return Ok(None);
        };
        let mut reporter = told.reporter;
        if let (Some((name, contact)), Some(vault)) = (told.sealed, &self.vault) {
            let keys = vault.keys(tx, &[id]).await?;
            let open = |field, sealed: &[u8]| -> Result<String> {
                let opened: Opened = keys.open(id, field, sealed)?;
                Ok(opened.text().unwrap_or_default().to_owned())
            };
            reporter.name = open(NAME, &name)?;
            reporter.contact = open(CONTACT, &contact)?;
        }
        Ok(Some(reporter))
    }

    /// Seals what was kept in the open before there was a vault; gives how many. Run again it finds nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seal_reporters(&self) -> Result<usize> {
        let Some(vault) = &self.vault else {
            return Ok(0);
        };
        let mut sealed = 0;
        loop {
            let (found, done) = db::transaction!(self.db, |tx| {
                let open = store::open_reporters(tx, PIECE).await?;
                let ids: Vec<Id> = open.iter().map(|(id, _)| *id).collect();
                let keys = vault.make(tx, &ids).await?;
                let mut done = 0;
                for (id, reporter) in &open {
                    let sealed = seal(&keys, *id, reporter)?;
                    done += usize::from(store::seal_reporter(tx, *id, sealed).await?);
                }
                Ok((open.len(), done))
            })?;
            sealed += done;
            if found < PIECE as usize {
                return Ok(sealed);
            }
        }
    }
}
