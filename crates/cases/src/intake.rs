//! Findings of other rooms become cases.

use commons::findings::{Finder, Finding, Found, Intake, Mended};
use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::Actor;
use kernel::{Error, Id, Msg, Result};

use crate::case::Evidence;
use crate::model::{Origin, Raise};
use crate::service::{Cases, TITLE};
use crate::store;

impl Cases {
    /// Raises what another room found; mended already where its kind knows the short path.
    async fn found(
        &self,
        tx: &mut Tx,
        f: &Finding,
        mended: Option<&Mended>,
        by: &Finder,
    ) -> Result<Id> {
        let kind = match f.kind.as_str() {
            "" => self.kinds.iter().next(),
            code => self.kinds.get(code),
        };
        let kind = kind.ok_or_else(|| Error::field("kind", Msg::new("cases-choice-missing")))?;
        let least = kind.severities.last().map_or("", |s| s.code.as_str());
        let severity = if f.severity.is_empty() {
            least
        } else {
            &f.severity
        };
        let recurs = !self.similar(tx, kind, f.unit, &f.clause).await?.is_empty();
        let fixed = mended.filter(|_| kind.quick).map(|m| {
            let files = m.files.iter().map(|p| Evidence {
                name: p.name.clone(),
                sha256: p.sha256.clone(),
                size: p.size,
                of: Some(self.env.today()),
            });
            (m.how.clone(), files.collect())
        });
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
            fixed,
        };
        let actor = Actor {
            account: by.account,
            on_behalf: by.on_behalf,
            address: by.address.clone(),
        };
        self.raise_in(tx, &raise, &actor).await
    }
}

impl Intake for Cases {
    fn raise<'a>(
        &'a self,
        tx: &'a mut Tx,
        f: &'a Finding,
        by: &'a Finder,
    ) -> BoxFuture<'a, Result<Id>> {
        self.found(tx, f, None, by).boxed()
    }

    fn raise_mended<'a>(
        &'a self,
        tx: &'a mut Tx,
        f: &'a Finding,
        mended: &'a Mended,
        by: &'a Finder,
    ) -> BoxFuture<'a, Result<Id>> {
        self.found(tx, f, Some(mended), by).boxed()
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
