//! Reports found by their words (检索).

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::READ;
use crate::{Reports, Saved, store};

/// Kind of these records in the search.
const KIND: &str = "report";
/// Reports of one transaction while old ones are filled in.
const CHUNK: i64 = 200;

/// What a report is found by: its titles and its unit.
fn words(r: &Saved) -> String {
    let (zh, en) = &r.body.title;
    format!("{zh} {en} {}", r.body.unit_name)
}

pub(crate) async fn index(tx: &mut Tx, r: &Saved) -> Result<()> {
    search::index(tx, KIND, r.id, r.unit, &words(r)).await
}

impl Reports {
    /// Writes the words of reports that are older than the search; may be cut off and run again.
    pub async fn fill_search(&self) -> Result<()> {
        search::fill(&self.db, KIND, |tx, last| {
            async move {
                let chunk = store::after(tx, last, CHUNK).await?;
                let entry = |r: &Saved| search::Entry {
                    record: r.id.into(),
                    unit: r.unit,
                    words: words(r),
                };
                Ok(chunk.iter().map(entry).collect())
            }
            .boxed()
        })
        .await
    }
}

/// What the search over everything finds here.
pub(crate) struct Source(pub(crate) Reports);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "reports"
    }

    fn label_key(&self) -> &'static str {
        "menu-reports"
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
            let mut found = store::some(&mut tx, &ids).await?;
            found.retain(|r| asked.words.are_in(&words(r)));
            let lang = shell.lang().code();
            let hits = found.iter().map(|r| {
                let (zh, en) = &r.body.title;
                Hit {
                    title: if lang == "en" { en } else { zh }.clone(),
                    detail: format!(
                        "{} · {}",
                        r.body.unit_name,
                        crate::service::period_text(r.period, lang)
                    ),
                    href: format!("/reports/{}", r.id),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
