//! Activities found by their words (检索).

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::READ;
use crate::{Activities, Activity, store};

/// Kind of these records in the search.
pub(crate) const KIND: &str = "activity";
/// Activities of one transaction while old ones are filled in.
const CHUNK: i64 = 500;

impl Activities {
    /// What an activity is found by: title, kind, place and day.
    fn words(&self, a: &Activity) -> String {
        let kind = self.kinds.get(&a.kind);
        let name = kind.map_or("", |k| k.name.get("zh-CN"));
        let day = kernel::format_date(a.date);
        let code = crate::short_code(a.id);
        format!("{} {name} {} {day} {code}", a.title, a.location)
    }

    pub(crate) async fn index(&self, tx: &mut Tx, a: &Activity) -> Result<()> {
        search::index(tx, KIND, a.id, a.host, &self.words(a)).await
    }

    /// Writes the words of activities that are older than the search; may be cut off and run again.
    pub async fn fill_search(&self) -> Result<()> {
        search::fill(&self.db, KIND, |tx, last| {
            let me = self.clone();
            async move {
                let chunk = store::after(tx, last, CHUNK).await?;
                let entry = |a: &Activity| search::Entry {
                    record: a.id.into(),
                    unit: a.host,
                    words: me.words(a),
                };
                Ok(chunk.iter().map(entry).collect())
            }
            .boxed()
        })
        .await
    }
}

/// What the search over everything finds here.
pub(crate) struct Source(pub(crate) Activities);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "activities"
    }

    fn label_key(&self) -> &'static str {
        "menu-activities"
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
            found.retain(|a| asked.words.are_in(&self.0.words(a)));
            let hosts: Vec<_> = found.iter().map(|a| a.host).collect();
            drop(tx);
            let names = self.0.organization.names(&hosts).await?;
            let hits = found.iter().map(|a| {
                let taken_back = a.reversed_at.map(|_| shell.t("state-reversed"));
                let kind = self
                    .0
                    .kinds
                    .get(&a.kind)
                    .map(|k| k.name.get(shell.lang().code()).to_owned());
                let unit = names.get(&a.host).cloned();
                let parts = [Some(kernel::format_date(a.date)), unit, kind, taken_back];
                Hit {
                    title: a.title.clone(),
                    detail: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                    href: format!("/activities/{}", a.id),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
