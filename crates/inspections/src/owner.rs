//! Tasks in to-do lists: the requests by which they stand there are answered on their own pages.

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::Result;
use requests::{Owner, Request};

use crate::planning::{REQUEST, task_href};
use crate::store;

/// The feature that answers requests for inspections.
#[derive(Debug, Clone, Copy)]
pub struct TaskOwner;

impl Owner for TaskOwner {
    fn kind(&self) -> &'static str {
        REQUEST
    }

    fn href(&self, request: &Request) -> String {
        let source = request.source.as_ref();
        source.map_or_else(|| request.href(), |s| task_href(s.id))
    }

    fn changed<'a>(
        &'a self,
        tx: &'a mut Tx,
        request: &'a Request,
        act: &'static str,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            match act {
                // More time for the request is more time for its task.
                "time-given" => store::tasks::extend(tx, request.id, request.case.until()).await,
                _ => Ok(()),
            }
        }
        .boxed()
    }
}
