//! What stands behind the facts of activities.

use std::collections::HashMap;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source, SourceFile};

use crate::{ActivityKinds, Role, store};

/// The activities behind facts.
#[derive(Debug, Clone)]
pub struct ActivityFacts(ActivityKinds);

impl ActivityFacts {
    /// Those of these kinds.
    pub fn new(kinds: ActivityKinds) -> Self {
        Self(kinds)
    }
}

impl Source for ActivityFacts {
    fn owns(&self, kind: &str) -> bool {
        matches!(
            kind,
            "held"
                | "attendance"
                | "agenda"
                | "issue"
                | "talk"
                | "makeup"
                | "resolution"
                | "reflection"
                | "opinion"
        )
    }

    fn href(&self, fact: &Fact) -> String {
        match fact.kind.as_str() {
            _ if fact.source == "declared" => format!("/activities/history/{}", fact.subject),
            "opinion" => format!("/activities/calls/{}", fact.subject),
            _ => format!("/activities/{}", fact.activity()),
        }
    }

    fn part(&self, fact: &Fact, lang: &str) -> Option<Label> {
        let category = fact.category.as_deref().unwrap_or("");
        let name = |name: &commons::packs::Name| Label::Text(name.get(lang).to_owned());
        match (fact.kind.as_str(), fact.role.as_deref()) {
            ("attendance", Some(role)) if Role::from_code(role).is_none() => {
                let kind = self.0.get(category);
                kind.and_then(|k| k.role(role)).map(|r| name(&r.name))
            }
            ("attendance", Some(role)) => Some(Label::Key(format!("role-{role}"))),
            ("resolution", Some(role)) => Some(Label::Key(format!("votes-{role}"))),
            ("reflection", Some(role)) => Some(Label::Key(format!("reflection-state-{role}"))),
            ("opinion", role) => {
                let said = role.unwrap_or("given");
                Some(Label::Key(format!("opinion-{said}")))
            }
            ("agenda", _) => self.0.item(category).map(|i| name(&i.name)),
            _ => None,
        }
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        async move {
            let mut found = store::titles(tx, subjects).await?;
            found.extend(store::opinions::titles(tx, subjects).await?);
            found.extend(store::history::titles(tx, subjects).await?);
            Ok(found)
        }
        .boxed()
    }
    fn files<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, Vec<SourceFile>>>> {
        store::files::of_many(tx, subjects).boxed()
    }
}
