//! Findings of other rooms become cases.

use commons::findings::{Finder, Finding, Found, Intake};
use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::Actor;
use kernel::{Error, Id, Msg, Result};

use crate::model::{Origin, Raise};
use crate::service::{Cases, TITLE};
use crate::store;

impl Intake for Cases {
    fn raise<'a>(
        &'a self,
        tx: &'a mut Tx,
        f: &'a Finding,
        by: &'a Finder,
    ) -> BoxFuture<'a, Result<Id>> {
        async move {
            let kind = match f.kind.as_str() {
                "" => self.kinds.iter().next(),
                code => self.kinds.get(code),
            };
            let kind =
                kind.ok_or_else(|| Error::field("kind", Msg::new("cases-choice-missing")))?;
            let least = kind.severities.last().map_or("", |s| s.code.as_str());
            let severity = if f.severity.is_empty() {
                least
            } else {
                &f.severity
            };
            let recurs = !self.similar(tx, kind, f.unit, &f.clause).await?.is_empty();
            let raise = Raise {
                id: self.env.new_id(),
                kind: kind.code.clone(),
                title: f.title.trim().chars().take(TITLE).collect(),
                detail: f.detail.clone(),
                severity: severity.to_owned(),
                area: f.area.clone(),
                source: f.origin.clone(),
                clause: f.clause.clone(),
                values: Default::default(),
                unit: f.unit,
                from: f.from,
                owner: f.owner,
                co: Vec::new(),
                supervisor: None,
                reporter: None,
                origin: Some(Origin {
                    kind: f.source_kind.to_owned(),
                    id: f.source_id,
                    title: f.source_title.clone(),
                    href: f.source_href.clone(),
                }),
                key: Some(f.key.clone()),
                // A program cannot be asked: the same unit and clause is taken for a recurrence.
                recurs: Some(recurs),
                fixed: None,
            };
            let actor = Actor {
                account: by.account,
                on_behalf: by.on_behalf,
                address: by.address.clone(),
            };
            self.raise_in(tx, &raise, &actor).await
        }
        .boxed()
    }

    fn of_source<'a>(
        &'a self,
        tx: &'a mut Tx,
        kind: &'a str,
        id: Id,
    ) -> BoxFuture<'a, Result<Vec<Found>>> {
        async move {
            let found = store::of_origin(tx, kind, id).await?;
            let found = found.into_iter().map(|(m, key)| Found {
                id: m.id,
                key,
                href: m.href(),
                closed: m.end.is_some(),
                number: m.number,
            });
            Ok(found.collect())
        }
        .boxed()
    }
}
