//! Projects found by their words (检索).

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::READ;
use crate::kind::ProjectKind;
use crate::model::Project;
use crate::service::Projects;
use crate::store;

/// Kind of these records in the search.
const KIND: &str = "project";

fn words(kind: &ProjectKind, p: &Project) -> String {
    let number = p.number.as_deref().unwrap_or_default();
    format!(
        "{} {} {number} {}",
        p.content.title,
        kind.name.zh,
        p.content.from.year()
    )
}

pub(crate) async fn index(tx: &mut Tx, kind: &ProjectKind, p: &Project) -> Result<()> {
    search::index(tx, KIND, p.id, p.unit, &words(kind, p)).await
}

/// What the search over everything finds here: projects of units in one's scope.
pub(crate) struct Source(pub(crate) Projects);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "projects"
    }

    fn label_key(&self) -> &'static str {
        "projects-menu"
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
            let mut found = store::some(&mut tx, &ids, scope, self.0.env.today()).await?;
            let rules = found.iter().map(|p| p.rule.as_str());
            let rules = self.0.rules(&mut tx, rules).await?;
            drop(tx);
            found.retain(|p| {
                let kind = rules.get(&p.rule);
                kind.is_some_and(|k| asked.words.are_in(&words(k, p)))
            });
            let units: Vec<_> = found.iter().map(|p| p.unit).collect();
            let names = self.0.organization.names(&units).await?;
            let hits = found.iter().map(|p| {
                let state = shell.t(&format!("projects-state-{}", p.state.code()));
                let unit = names.get(&p.unit).map_or("", String::as_str);
                let number = p.number.as_deref().unwrap_or_default();
                Hit {
                    title: p.content.title.clone(),
                    detail: format!("{number} · {unit} · {state}"),
                    href: p.href(),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
