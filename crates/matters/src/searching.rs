//! Matters found by their words (检索); sealed ones and drafts are not.

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::READ;
use crate::model::{Matter, State};
use crate::service::Matters;
use crate::store;

/// Kind of these records in the search.
const KIND: &str = "matter";

fn words(m: &Matter) -> String {
    let number = m.number.as_deref().unwrap_or_default();
    format!("{} {number}", m.content.title)
}

/// Its words, once it was sent and as long as it is not sealed.
pub(crate) async fn index(tx: &mut Tx, m: &Matter) -> Result<()> {
    match m.sealed || m.state == State::Draft {
        true => Ok(()),
        false => search::index(tx, KIND, m.id, m.unit, &words(m)).await,
    }
}

/// What the search over everything finds here: matters of units in one's scope.
pub(crate) struct Source(pub(crate) Matters);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "matters"
    }

    fn label_key(&self) -> &'static str {
        "matters-menu"
    }

    fn permission(&self) -> &'static str {
        READ
    }

    fn find<'a>(
        &'a self,
        shell: &'a Shell,
        scope: &'a Scope,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<Hits>> {
        async move {
            let mut tx = self.0.db.read().await?;
            let within = |column: &str, args: &mut _| organization::scope_sql(scope, column, args);
            let ids = search::find(&mut tx, KIND, &asked.words, within, asked.candidates()).await?;
            let mut found = store::some(&mut tx, &ids, scope).await?;
            drop(tx);
            found.retain(|m| asked.words.are_in(&words(m)));
            let units: Vec<_> = found.iter().map(|m| m.unit).collect();
            let names = self.0.organization.names(&units).await?;
            let hits = found.iter().map(|m| {
                let state = shell.t(&format!("matters-state-{}", m.state.code()));
                let unit = names.get(&m.unit).map_or("", String::as_str);
                let number = m.number.as_deref().unwrap_or_default();
                Hit {
                    title: m.content.title.clone(),
                    detail: format!("{number} · {unit} · {state}"),
                    href: m.href(),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
