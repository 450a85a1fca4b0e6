//! Evidence (佐证) of an entry: downloads, within one's scope.

use axum::response::Response;
use kernel::{Error, Id, Result, Scope};

use crate::service::RegisterBook;

impl RegisterBook {
    /// A file of an entry, whichever version named it, as a download.
    ///
    /// # Errors
    /// `NotFound` when the entry is out of scope or never had it.
    pub(crate) async fn download(&self, id: Id, sha256: &str, scope: &Scope) -> Result<Response> {
        let (_, versions, _) = self.whole(id, scope).await?;
        let mut files = versions.iter().flat_map(|(_, c)| &c.evidence);
        let file = files.find(|f| f.sha256 == sha256).ok_or(Error::NotFound)?;
        self.attachments.download(file).await
    }
}
