//! Obligations found by their words (检索).

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::{Obligations, READ, Rule};

/// What the search over everything finds here: a rule is no secret to those who see how it is fulfilled.
pub(crate) struct Source(pub(crate) Obligations);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "obligations"
    }

    fn label_key(&self) -> &'static str {
        "menu-obligations"
    }

    fn permission(&self) -> &'static str {
        READ
    }

    fn find<'a>(
        &'a self,
        shell: &'a Shell,
        _: &'a Scope,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<Hits>> {
        async move {
            let lang = shell.lang().code();
            let said = |r: &&Rule| {
                let (name, document) = (&r.name, &r.document);
                let text = format!("{} {} {} {}", name.zh, document.zh, name.en, document.en);
                asked.words.are_in(&text)
            };
            let hit = |r: &Rule| Hit {
                title: r.name.get(lang).to_owned(),
                detail: format!("{} {}", r.document.get(lang), r.article.get(lang)),
                href: format!("/obligations?rule={}", r.code),
            };
            let found = self.0.rules.iter().filter(said).map(hit).collect();
            Ok(Hits::cut(found, asked.limit))
        }
        .boxed()
    }
}
