//! People, units and bodies found by their words (检索).

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use web::{Asked, Hit, Hits, SearchSource, Shell};

use crate::pages::READ;
use crate::service::Organization;

/// What the search over everything finds here.
pub(crate) fn sources(organization: &Organization) -> Vec<Arc<dyn SearchSource>> {
    [Kind::People, Kind::Units, Kind::Bodies]
        .map(|kind| {
            let organization = organization.clone();
            Arc::new(Source { kind, organization }) as Arc<dyn SearchSource>
        })
        .to_vec()
}

#[derive(Clone, Copy)]
enum Kind {
    People,
    Units,
    Bodies,
}

struct Source {
    kind: Kind,
    organization: Organization,
}

impl SearchSource for Source {
    fn code(&self) -> &'static str {
        match self.kind {
            Kind::People => "people",
            Kind::Units => "units",
            Kind::Bodies => "bodies",
        }
    }

    fn label_key(&self) -> &'static str {
        match self.kind {
            Kind::People => "search-people",
            Kind::Units => "search-units",
            Kind::Bodies => "body-menu",
        }
    }

    fn permission(&self) -> &'static str {
        READ
    }

    fn find<'a>(
        &'a self,
        _: &'a Shell,
        scope: &'a Scope,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<Hits>> {
        async move {
            let wanted = asked.limit + 1;
            let hits = match self.kind {
                Kind::People => self.people(scope, asked, wanted).await?,
                Kind::Units => self.units(scope, asked, wanted).await?,
                Kind::Bodies => self.bodies(scope, asked).await?,
            };
            Ok::<_, Error>(Hits::cut(hits, asked.limit))
        }
        .boxed()
    }
}

impl Source {
    async fn people(&self, scope: &Scope, asked: &Asked, wanted: usize) -> Result<Vec<Hit>> {
        let found = self
            .organization
            .people_named(&asked.words.list, scope, wanted)
            .await?;
        let hit = |p: crate::RosterEntry| Hit {
            title: p.name,
            detail: [p.staff_no, p.unit_name, p.post]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" · "),
            href: format!("/people/{}", p.person),
        };
        Ok(found.into_iter().map(hit).collect())
    }

    async fn units(&self, scope: &Scope, asked: &Asked, wanted: usize) -> Result<Vec<Hit>> {
        let found = self
            .organization
            .units_named(&asked.words.list, scope, wanted)
            .await?;
        let parents: Vec<_> = found.iter().filter_map(|u| u.parent).collect();
        let names = self.organization.names(&parents).await?;
        let hit = |u: crate::Unit| {
            let parent = u.parent.and_then(|p| names.get(&p).cloned());
            Hit {
                title: u.name,
                detail: [Some(u.code), parent]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" · "),
                href: format!("/organization?unit={}", u.id),
            }
        };
        Ok(found.into_iter().map(hit).collect())
    }

    /// There are hundreds of bodies at most in what one person sees.
    async fn bodies(&self, scope: &Scope, asked: &Asked) -> Result<Vec<Hit>> {
        let mut found = self.organization.bodies(scope).await?;
        found.retain(|b| asked.words.are_in(&b.name));
        let units: Vec<_> = found.iter().map(|b| b.unit).collect();
        let names = self.organization.names(&units).await?;
        let hit = |b: crate::Body| Hit {
            detail: names.get(&b.unit).cloned().unwrap_or_default(),
            href: format!("/bodies/{}", b.id),
            title: b.name,
        };
        Ok(found.into_iter().map(hit).collect())
    }
}
