//! Questions found by their words in the search over everything (检索). Those of sealed banks are not: a list would
//! show what only a traced page may.

use std::collections::HashMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Id, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::bank::{Bank, Questions, RECORDS};
use crate::pages::kind_name;
use crate::{READ, store};

/// What the search over everything finds here.
pub(crate) struct Source(pub(crate) Questions);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "questions"
    }

    fn label_key(&self) -> &'static str {
        "menu-questions"
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
            let ids =
                search::find(&mut tx, RECORDS, &asked.words, within, asked.candidates()).await?;
            let banks = store::banks(&mut tx, scope).await?;
            let open: HashMap<Id, Bank> = banks
                .into_iter()
                .filter(|b| !b.sealed)
                .map(|b| (b.id, b))
                .collect();
            let mut heads = store::heads(&mut tx, &ids, scope).await?;
            heads.retain(|h| open.contains_key(&h.bank));
            heads.sort_unstable_by_key(|h| std::cmp::Reverse(h.id));
            let ids: Vec<Id> = heads.iter().map(|h| h.id).collect();
            let texts: HashMap<Id, String> = {
                let found = store::newest(&mut tx, &ids).await?;
                found
                    .into_iter()
                    .map(|(id, v)| (id, store::words(&v.question)))
                    .collect()
            };
            // Pairs of characters may lie apart in a text.
            heads.retain(|h| {
                texts
                    .get(&h.id)
                    .is_some_and(|text| asked.words.are_in(text))
            });
            let hits = heads.iter().map(|h| Hit {
                title: h.stem.clone(),
                detail: format!("{} · {}", open[&h.bank].name, kind_name(shell, h.kind)),
                href: format!("/questions/{}", h.id),
            });
            Ok::<_, Error>(Hits::cut(hits.collect(), asked.limit))
        }
        .boxed()
    }
}
