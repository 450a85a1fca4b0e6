//! Bulletins found by their words (检索).

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::flow::href;
use crate::model::{Bulletin, State};
use crate::service::{Bulletins, Sight};
use crate::{READ, store};

/// Kind of these records in the search.
const KIND: &str = "bulletin";

impl Bulletins {
    /// What a bulletin is found by: title, text and kind.
    fn words(&self, b: &Bulletin) -> String {
        let name = self.kinds.name(&b.kind, "zh-CN");
        format!("{} {name} {}", b.content.title, b.content.text)
    }

    pub(crate) async fn index(&self, tx: &mut Tx, b: &Bulletin) -> Result<()> {
        search::index(tx, KIND, b.id, b.unit, &self.words(b)).await
    }

    pub(crate) async fn forget(&self, tx: &mut Tx, b: &Bulletin) -> Result<()> {
        search::forget(tx, b.id).await
    }
}

/// What the search over everything finds here: what is published, in the reader's scope and open to the house.
pub(crate) struct Source(pub(crate) Bulletins);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "bulletins"
    }

    fn label_key(&self) -> &'static str {
        "menu-bulletins"
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
            let mut ids = Vec::new();
            // First what lies in the scope, then what is open to all.
            for scope in [scope, &Scope::All] {
                let within =
                    |column: &str, args: &mut _| organization::scope_sql(scope, column, args);
                let most = asked.candidates();
                ids.extend(search::find(&mut tx, KIND, &asked.words, within, most).await?);
            }
            ids.sort_unstable();
            ids.dedup();
            let sight = Sight {
                read: scope.clone(),
                desk: Vec::new(),
            };
            let mut found = store::some(&mut tx, &ids, &sight).await?;
            drop(tx);
            found.retain(|b| b.state == State::Published && asked.words.are_in(&self.0.words(b)));
            let units: Vec<_> = found.iter().map(|b| b.unit).collect();
            let names = self.0.organization.names(&units).await?;
            let hits = found.iter().map(|b| {
                let parts = [
                    b.published_on.map(kernel::format_date),
                    names.get(&b.unit).cloned(),
                    Some(self.0.kinds.name(&b.kind, shell.lang().code()).to_owned()),
                ];
                Hit {
                    title: b.content.title.clone(),
                    detail: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                    href: href(b.id),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
