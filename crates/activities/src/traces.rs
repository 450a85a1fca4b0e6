//! What people wrote about themselves goes with their personal data: reasons for leave, contents of make-up study,
//! reflections. Who was there when stays.

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{PersonId, Result};
use organization::By;

use crate::store;

/// What stands in place of what was erased.
const ERASED: &str = "***";

/// What activities keep of people in words.
pub struct Texts;

impl organization::Traces for Texts {
    fn erase<'a>(
        &'a self,
        tx: &'a mut Tx,
        person: PersonId,
        _: &'a By,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            store::leave::erase(tx, person, ERASED).await?;
            store::opinions::erase(tx, person, ERASED).await?;
            store::speeches::erase(tx, person, ERASED).await?;
            store::reflection::erase(tx, person, ERASED).await
        }
        .boxed()
    }
}
