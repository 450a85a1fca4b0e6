//! Plans and their entries found by their words (检索).

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::READ;
use crate::model::{Eyes, Plan};
use crate::service::Tasks;
use crate::store::{self, entries};

/// Kind of these records in the search.
const KIND: &str = "task";

/// The words of a plan: title, goals, lines of its entries.
fn words(plan: &Plan, lines: &[String]) -> String {
    let title = format!("{} {} {}", plan.title, plan.kind.name.zh, plan.year);
    let all = [title].into_iter().chain(plan.goals.iter().cloned());
    let all: Vec<String> = all.chain(lines.iter().cloned()).collect();
    all.join(" ")
}

pub(crate) async fn index(tx: &mut Tx, plan: &Plan) -> Result<()> {
    let lines = entries::lines(tx, &[plan.id]).await?.remove(&plan.id);
    let words = words(plan, &lines.unwrap_or_default());
    search::index(tx, KIND, plan.id, plan.unit, &words).await
}

/// What the search over everything finds here: plans of units in one's scope.
pub(crate) struct Source(pub(crate) Tasks);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "tasks"
    }

    fn label_key(&self) -> &'static str {
        "tasks-menu"
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
            let eyes = Eyes::reading(scope.clone());
            let mut tx = self.0.db.read().await?;
            let within = |column: &str, args: &mut _| organization::scope_sql(scope, column, args);
            let ids = search::find(&mut tx, KIND, &asked.words, within, asked.candidates()).await?;
            let mut found = store::some(&mut tx, &ids, &eyes).await?;
            let plans: Vec<_> = found.iter().map(|p| p.id).collect();
            let lines = entries::lines(&mut tx, &plans).await?;
            drop(tx);
            found.retain(|p| {
                let lines = lines.get(&p.id).map_or(&[][..], Vec::as_slice);
                asked.words.are_in(&words(p, lines))
            });
            let units: Vec<_> = found.iter().map(|p| p.unit).collect();
            let names = self.0.organization.names(&units).await?;
            let hits = found.iter().map(|plan| {
                let state = shell.t(&format!("tasks-plan-{}", plan.state.code()));
                let unit = names.get(&plan.unit).map_or("", String::as_str);
                Hit {
                    title: plan.title.clone(),
                    detail: format!("{} · {unit} · {state}", plan.year),
                    href: plan.href(),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
