//! Checkpoints of the ledger beside the files, out of reach of whoever can write the database.

use commons::files::Files;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use kernel::{Error, Result};
use ledger::{Checkpoint, CheckpointStore};

/// Folder of their names.
pub const FOLDER: &str = "checkpoints";

/// Keeps checkpoints as `checkpoints/LOG/SIZE.json`.
#[derive(Clone)]
pub struct Checkpoints(pub Files);

/// The name a checkpoint is kept under.
pub fn name(checkpoint: &Checkpoint) -> String {
    format!("{FOLDER}/{}/{:020}.json", checkpoint.log, checkpoint.size)
}

impl CheckpointStore for Checkpoints {
    fn put<'a>(&'a self, checkpoint: &'a Checkpoint) -> BoxFuture<'a, Result<()>> {
        async move {
            let json = serde_json::to_vec_pretty(checkpoint).map_err(Error::internal)?;
            self.0.put_named(&name(checkpoint), json).await
        }
        .boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<Vec<Checkpoint>>> {
        async move {
            let names = self.0.list_named(FOLDER).await?;
            futures::stream::iter(names)
                .map(async |name| {
                    let bytes = self.0.get_named(&name).await?;
                    serde_json::from_slice(&bytes).map_err(|e| {
                        Error::Conflict(
                            kernel::Msg::new("checkpoint-unreadable")
                                .with("name", name)
                                .with("reason", e),
                        )
                    })
                })
                .buffer_unordered(16)
                .try_collect()
                .await
        }
        .boxed()
    }
}
