//! What approvals ask of a house.

use approvals::{Deputies, Directory, Known, Signers, Trail, Who as Route};
use db::{Args, Tx};
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::{Actor, Held, Identity};
use kernel::{Date, Env, PersonId, Result, Scope, UnitId};
use organization::{Organization, finding};

/// Who holds what, in the organization and among the accounts; everybody's signature is good.
#[derive(Clone)]
pub struct Doors {
    pub(crate) org: Organization,
    pub(crate) env: Env,
}
impl Directory for Doors {
    fn who<'a>(
        &'a self,
        tx: &'a mut Tx,
        who: &'a Route,
        unit: UnitId,
        day: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        async move {
            match who {
                Route::Permission(name) => {
                    Identity::holders(tx, Held::Permission(name), unit, day).await
                }
                Route::Role(role) => Identity::holders(tx, Held::Role(role), unit, day).await,
                _ => Ok(vec![]),
            }
        }
        .boxed()
    }

    fn path<'a>(&'a self, tx: &'a mut Tx, unit: UnitId) -> BoxFuture<'a, Result<Vec<UnitId>>> {
        async move {
            Ok(finding::paths(tx, &[unit])
                .await?
                .remove(&unit)
                .unwrap_or_default())
        }
        .boxed()
    }

    fn by_staff_no<'a>(
        &'a self,
        tx: &'a mut Tx,
        no: &'a str,
        day: Date,
    ) -> BoxFuture<'a, Result<Option<PersonId>>> {
        finding::serving(tx, no, day).boxed()
    }

    fn names<'a>(
        &'a self,
        people: &'a [PersonId],
        units: &'a [UnitId],
    ) -> BoxFuture<'a, Result<Known>> {
        async move {
            Ok(Known {
                people: self.org.person_names(people).await?,
                units: self.org.names(units).await?,
            })
        }
        .boxed()
    }

    fn name<'a>(&'a self, tx: &'a mut Tx, person: PersonId) -> BoxFuture<'a, Result<String>> {
        async move {
            let mut names = finding::person_names(tx, &[person]).await?;
            Ok(names.remove(&person).unwrap_or_default())
        }
        .boxed()
    }

    fn within(&self, scope: &Scope, column: &str, args: &mut Args) -> String {
        organization::scope_sql(scope, column, args)
    }
}

impl Signers for Doors {
    fn confirm<'a>(&'a self, _: &'a approvals::By, _: &'a str) -> BoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed()
    }
}

impl Trail for Doors {
    fn record<'a>(&'a self, tx: &'a mut Tx, deed: approvals::Deed) -> BoxFuture<'a, Result<()>> {
        async move {
            let entry =
                Actor::default().audit(deed.action, ("approval", deed.approval), deed.detail);
            identity::record(tx, &self.env, &entry).await
        }
        .boxed()
    }
}

impl Deputies for Doors {
    fn acts_for<'a>(
        &'a self,
        tx: &'a mut Tx,
        me: PersonId,
        today: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        Identity::deciding_for(tx, me, today).boxed()
    }
}
