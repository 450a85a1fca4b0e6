//! Indicators found by their words (检索).

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::{Indicators, READ};

/// What the search over everything finds here: a definition is no secret to those who read numbers at all.
pub(crate) struct Source(pub(crate) Indicators);

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        "indicators"
    }

    fn label_key(&self) -> &'static str {
        "menu-indicators"
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
            let said = |i: &&crate::Indicator| {
                let (name, about) = (&i.name, &i.definition);
                let text = format!("{} {} {} {}", name.zh, about.zh, name.en, about.en);
                asked.words.are_in(&text)
            };
            let hit = |i: &crate::Indicator| Hit {
                title: i.name.get(lang).to_owned(),
                detail: i.definition.get(lang).to_owned(),
                href: format!("/indicators/{}", i.code),
            };
            let found = self.0.list.iter().filter(said).map(hit).collect();
            Ok(Hits::cut(found, asked.limit))
        }
        .boxed()
    }
}
