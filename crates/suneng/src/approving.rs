//! What notices and approvals ask of the program: people by role, post, attribute or body, addresses, passwords,
//! the audit trail.

use std::collections::HashMap;

use approvals::{By, Deputies, Directory, Known, Signers, Trail, Who};
use db::{Args, Tx};
use futures::future::BoxFuture;
use identity::{Actor, Held, Identity};
use kernel::{AccountId, Date, Env, PersonId, Result, Scope, UnitId};
use organization::{Organization, Traces, finding};

/// The attribute of people that holds their mail address.
const ADDRESS: &str = "email";

/// People and units, accounts and roles together.
#[derive(Clone)]
pub struct House {
    /// Clock.
    pub env: Env,
    /// People and units.
    pub organization: Organization,
    /// Accounts and roles.
    pub identity: Identity,
    /// The database.
    pub db: db::Db,
}

fn actor(by: &By) -> Actor {
    Actor {
        account: Some(by.account),
        on_behalf: by.on_behalf,
        address: by.address.clone(),
    }
}

/// What is kept of people beside the organization: accounts, approvals, notices, what they wrote themselves.
pub struct Kept {
    /// Accounts.
    pub identity: Identity,
    /// Approvals.
    pub approvals: approvals::Approvals,
    /// Notices.
    pub notices: notices::Notices,
    /// Clock.
    pub env: Env,
}

impl Traces for Kept {
    fn erase<'a>(
        &'a self,
        tx: &'a mut Tx,
        person: PersonId,
        by: &'a organization::By,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let actor = Actor {
                account: by.account,
                on_behalf: by.on_behalf,
                address: by.address.clone(),
            };
            for id in self.approvals.erase_about(tx, person).await? {
                let detail = serde_json::json!({});
                let entry = actor.audit("approval.erased", ("approval", id), detail);
                identity::record(tx, &self.env, &entry).await?;
            }
            // The person goes last, so the name is still known.
            let name = finding::person_names(tx, &[person]).await?.remove(&person);
            let name = name.unwrap_or_default();
            self.notices.erase(tx, person, &name).await?;
            activities::Texts.erase(tx, person, by).await?;
            requests::erase(tx, person, "***").await?;
            cases::erase(tx, person, "***").await?;
            campaigns::erase(tx, person, "***").await?;
            commitments::erase(tx, person).await?;
            tasks::erase(tx, person, "***").await?;
            projects::erase(tx, person, "***").await?;
            matters::erase(tx, person, "***").await?;
            self.identity.erase_account_of(tx, &actor, person).await?;
            Ok(())
        })
    }
}

impl Directory for House {
    fn who<'a>(
        &'a self,
        tx: &'a mut Tx,
        who: &'a Who,
        unit: UnitId,
        day: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        Box::pin(async move {
            let split = |text: &'a str| text.split_once('.').unwrap_or((text, ""));
            let found = match who {
                Who::Role(code) => Identity::holders(tx, Held::Role(code), unit, day).await?,
                Who::Permission(name) => {
                    Identity::holders(tx, Held::Permission(name), unit, day).await?
                }
                Who::Post(post) => finding::in_post(tx, post, unit, day).await?,
                Who::Attribute(text) => finding::described(tx, split(text), unit, day).await?,
                Who::Person(no) => finding::serving(tx, no, day).await?.into_iter().collect(),
                Who::Body(text) => {
                    let (name, role) = split(text);
                    finding::in_body(tx, name, role, day).await?
                }
                Who::InCharge => finding::in_charge(tx, unit, day).await?,
            };
            Identity::able(tx, found).await
        })
    }

    fn path<'a>(&'a self, tx: &'a mut Tx, unit: UnitId) -> BoxFuture<'a, Result<Vec<UnitId>>> {
        Box::pin(async move {
            let mut paths = finding::paths(tx, &[unit]).await?;
            Ok(paths.remove(&unit).unwrap_or_default())
        })
    }

    fn by_staff_no<'a>(
        &'a self,
        tx: &'a mut Tx,
        staff_no: &'a str,
        day: Date,
    ) -> BoxFuture<'a, Result<Option<PersonId>>> {
        Box::pin(async move {
            let found = finding::serving(tx, staff_no, day).await?;
            let able = Identity::able(tx, found.into_iter().collect()).await?;
            Ok(able.into_iter().next())
        })
    }

    fn names<'a>(
        &'a self,
        people: &'a [PersonId],
        units: &'a [UnitId],
    ) -> BoxFuture<'a, Result<Known>> {
        Box::pin(async move {
            Ok(Known {
                people: self.organization.person_names(people).await?,
                units: self.organization.names(units).await?,
            })
        })
    }

    fn name<'a>(&'a self, tx: &'a mut Tx, person: PersonId) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let mut names = finding::person_names(tx, &[person]).await?;
            Ok(names.remove(&person).unwrap_or_default())
        })
    }

    fn within(&self, scope: &Scope, column: &str, args: &mut Args) -> String {
        organization::scope_sql(scope, column, args)
    }
}

impl Signers for House {
    fn confirm<'a>(&'a self, by: &'a By, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.identity.confirm(&actor(by), password).await })
    }
}

impl Deputies for House {
    fn acts_for<'a>(
        &'a self,
        tx: &'a mut Tx,
        me: PersonId,
        today: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        Box::pin(async move { Identity::deciding_for(tx, me, today).await })
    }
}

impl Trail for House {
    fn record<'a>(&'a self, tx: &'a mut Tx, deed: approvals::Deed) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let actor = deed.by.as_ref().map(actor).unwrap_or_default();
            let entry = actor.audit(deed.action, ("approval", deed.approval), deed.detail);
            identity::record(tx, &self.env, &entry).await
        })
    }
}

impl notices::Contacts for House {
    fn addresses<'a>(
        &'a self,
        people: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        Box::pin(async move {
            let mut tx = self.db.read().await?;
            finding::values_of(&mut tx, people, ADDRESS, self.env.today()).await
        })
    }

    fn is_open(&self, account: AccountId, person: PersonId) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move { self.identity.is_open(account, person).await })
    }
}
