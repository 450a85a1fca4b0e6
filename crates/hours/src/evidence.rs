//! Proof (证明材料) of a record: downloads, within one's scope.

use axum::response::Response;
use kernel::{Error, Id, PersonId, Result, Scope};

use crate::service::Hours;

impl Hours {
    /// A file of a record, whichever version named it, as a download.
    ///
    /// # Errors
    /// `NotFound` when the record is out of sight or never had it.
    pub(crate) async fn download(
        &self,
        id: Id,
        sha256: &str,
        scope: &Scope,
        own: Option<PersonId>,
    ) -> Result<Response> {
        let (_, versions, _) = self.whole(id, scope, own).await?;
        let mut files = versions.iter().flat_map(|(_, e)| &e.evidence);
        let file = files.find(|f| f.sha256 == sha256).ok_or(Error::NotFound)?;
        self.attachments.download(file).await
    }
}
