//! Cases found by their words (检索). Who told of one is no word of it.

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::READ;
use crate::kind::Kind;
use crate::model::Matter;
use crate::service::Cases;
use crate::store;

/// Kind of these records in the search.
pub(crate) const KIND: &str = "case";

fn words(kind: &Kind, m: &Matter) -> String {
    let names = [
        kind.name.zh.as_str(),
        kind.area_name(&m.area, "zh"),
        kind.source_name(&m.source, "zh"),
    ];
    format!("{} {} {}", m.number, m.title, names.join(" "))
}

pub(crate) async fn index(tx: &mut Tx, kind: &Kind, m: &Matter) -> Result<()> {
    search::index(tx, KIND, m.id, m.unit, &words(kind, m)).await
}

/// What the search over everything finds here.
pub(crate) struct Source(pub(crate) Cases);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "cases"
    }

    fn label_key(&self) -> &'static str {
        "cases-menu"
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
            let mut found = store::list::some(&mut tx, &ids, scope).await?;
            let rules = self
                .0
                .rules(&mut tx, found.iter().map(|m| m.rule.as_str()))
                .await?;
            drop(tx);
            found.retain(|m| {
                rules
                    .get(&m.rule)
                    .is_some_and(|k| asked.words.are_in(&words(k, m)))
            });
            let units: Vec<_> = found.iter().map(|m| m.unit).collect();
            let names = self.0.organization.names(&units).await?;
            let lang = shell.lang().code();
            let hits = found.iter().map(|m| {
                let state = rules.get(&m.rule).and_then(|k| k.state(&m.state));
                let parts = [
                    Some(kernel::format_date(m.until)),
                    names.get(&m.unit).cloned(),
                    state.map(|s| s.name.get(lang).to_owned()),
                ];
                Hit {
                    title: format!("{} {}", m.number, m.title),
                    detail: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                    href: m.href(),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
