//! Campaigns found by their words (检索).

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::READ;
use crate::kind::CampaignKind;
use crate::model::Campaign;
use crate::service::Campaigns;
use crate::store;

/// Kind of these records in the search.
const KIND: &str = "campaign";

fn words(kind: &CampaignKind, c: &Campaign) -> String {
    format!(
        "{} {} {}",
        c.content.title,
        kind.name.zh,
        c.content.from.year()
    )
}

pub(crate) async fn index(tx: &mut Tx, kind: &CampaignKind, c: &Campaign) -> Result<()> {
    search::index(tx, KIND, c.id, c.unit, &words(kind, c)).await
}

/// What the search over everything finds here: campaigns of units in one's scope.
pub(crate) struct Source(pub(crate) Campaigns);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "campaigns"
    }

    fn label_key(&self) -> &'static str {
        "campaigns-menu"
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
            let rules = found.iter().map(|c| c.rule.as_str());
            let rules = self.0.rules(&mut tx, rules).await?;
            drop(tx);
            found.retain(|c| {
                let kind = rules.get(&c.rule);
                kind.is_some_and(|k| asked.words.are_in(&words(k, c)))
            });
            let units: Vec<_> = found.iter().map(|c| c.unit).collect();
            let names = self.0.organization.names(&units).await?;
            let hits = found.iter().map(|c| {
                let state = shell.t(&format!("campaigns-state-{}", c.state.code()));
                let unit = names.get(&c.unit).map_or("", String::as_str);
                let from = kernel::format_date(c.content.from);
                Hit {
                    title: c.content.title.clone(),
                    detail: format!("{from} · {unit} · {state}"),
                    href: c.href(),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
