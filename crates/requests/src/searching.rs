//! Requests found by their words (检索).

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Hit, Hits, SearchSource, Shell};

use crate::ANSWER;
use crate::service::Requests;
use crate::store;

/// Kind of these records in the search.
pub(crate) const KIND: &str = "request";

/// What the search over everything finds here: what units of the reader are asked.
pub(crate) struct Source(pub(crate) Requests);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "requests"
    }

    fn label_key(&self) -> &'static str {
        "requests-menu"
    }

    fn permission(&self) -> &'static str {
        ANSWER
    }

    fn find<'a>(
        &'a self,
        shell: &'a Shell,
        scope: &'a Scope,
        asked: &'a web::Asked,
    ) -> BoxFuture<'a, Result<Hits>> {
        async move {
            let mut tx = self.0.db.read().await?;
            let within = |column: &str, args: &mut _| organization::scope_sql(scope, column, args);
            let ids = search::find(&mut tx, KIND, &asked.words, within, asked.candidates()).await?;
            let mut found = store::some(&mut tx, &ids).await?;
            found.retain(|r| asked.words.are_in(&r.title));
            drop(tx);
            let homes: Vec<_> = found.iter().map(|r| r.home).collect();
            let names = self.0.organization.names(&homes).await?;
            let hits = found.iter().map(|r| {
                let unit = names.get(&r.home).cloned();
                let state = shell.t(&format!("requests-state-{}", r.case.state.code()));
                let parts = [Some(kernel::format_date(r.case.until())), unit, Some(state)];
                Hit {
                    title: r.title.clone(),
                    detail: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                    href: r.href(),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
