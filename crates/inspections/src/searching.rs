//! Inspections found by their words (检索).

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::READ;
use crate::model::Plan;
use crate::planning::href;
use crate::service::Inspections;
use crate::store;

/// Kind of these records in the search.
const KIND: &str = "inspection-plan";
/// Plans whose words are written at once.
const CHUNK: i64 = 500;

impl Inspections {
    fn words(&self, p: &Plan) -> String {
        let kind = self.checklists.kind(&p.kind);
        let kind = kind.map_or("", |k| k.name.zh.as_str());
        format!("{} {} {kind} {}", p.title, p.basis, p.opens.year())
    }

    /// Makes a plan findable by its words.
    pub(crate) async fn index(&self, tx: &mut Tx, p: &Plan) -> Result<()> {
        search::index(tx, KIND, p.id, p.host, &self.words(p)).await
    }

    /// Writes the words of plans that are older than the search; may be cut off and run again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fill_search(&self) -> Result<()> {
        search::fill(&self.db, KIND, |tx, last| {
            let me = self.clone();
            async move {
                let chunk = store::plans::after(tx, last, CHUNK).await?;
                let entry = |p: &Plan| search::Entry {
                    record: p.id,
                    unit: p.host,
                    words: me.words(p),
                };
                Ok(chunk.iter().map(entry).collect())
            }
            .boxed()
        })
        .await
    }
}

/// What the search over everything finds here: plans of hosts in one's scope.
pub(crate) struct Source(pub(crate) Inspections);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "inspections"
    }

    fn label_key(&self) -> &'static str {
        "inspections-menu"
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
            let mut found = store::plans::some(&mut tx, &ids, scope).await?;
            drop(tx);
            found.retain(|p| asked.words.are_in(&self.0.words(p)));
            let hosts: Vec<_> = found.iter().map(|p| p.host).collect();
            let names = self.0.organization.names(&hosts).await?;
            let hits = found.iter().map(|p| {
                let state = shell.t(&format!("inspection-plan-{}", p.state.code()));
                let host = names.get(&p.host).map_or("", String::as_str);
                let opens = kernel::format_date(p.opens);
                Hit {
                    title: p.title.clone(),
                    detail: format!("{opens} · {host} · {state}"),
                    href: href(p.id),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
