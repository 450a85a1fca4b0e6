//! Entries found by their words (检索).

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::model::{Entry, State};
use crate::register::Kind;
use crate::review::href;
use crate::service::RegisterBook;
use crate::{READ, store};

/// Kind of these records in the search.
const KIND: &str = "register-entry";

impl RegisterBook {
    /// What an entry is found by: title, register, texts, choices and day.
    fn words(&self, e: &Entry) -> String {
        let register = self.registers.get(&e.register);
        let mut words = vec![e.content.title.clone(), kernel::format_date(e.content.date)];
        words.extend(register.map(|r| r.name.zh.clone()));
        for field in register.iter().flat_map(|r| &r.fields) {
            let Some(value) = e.content.values.get(&field.code) else {
                continue;
            };
            match field.kind {
                Kind::Choice => words.extend(field.choice(value).map(|c| c.name.zh.clone())),
                Kind::Unit => {}
                _ => words.push(value.clone()),
            }
        }
        words.join(" ")
    }

    pub(crate) async fn index(&self, tx: &mut Tx, e: &Entry) -> Result<()> {
        search::index(tx, KIND, e.id, e.unit, &self.words(e)).await
    }
}

/// What the search over everything finds here.
pub(crate) struct Source(pub(crate) RegisterBook);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "registers"
    }

    fn label_key(&self) -> &'static str {
        "menu-registers"
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
            found.retain(|e| asked.words.are_in(&self.0.words(e)));
            let units: Vec<_> = found.iter().map(|e| e.unit).collect();
            drop(tx);
            let names = self.0.organization.names(&units).await?;
            let hits = found.iter().map(|e| {
                let register = self.0.registers.get(&e.register);
                let parts = [
                    Some(kernel::format_date(e.content.date)),
                    names.get(&e.unit).cloned(),
                    register.map(|r| r.name.get(shell.lang().code()).to_owned()),
                    (e.state != State::Accepted)
                        .then(|| shell.t(&format!("register-state-{}", e.state.code()))),
                ];
                Hit {
                    title: e.content.title.clone(),
                    detail: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                    href: href(e),
                }
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
