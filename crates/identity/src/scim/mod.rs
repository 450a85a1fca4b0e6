//! SCIM 2.0 (RFC 7643, 7644): a directory of the agency opens, changes, suspends and closes accounts.
//!
//! A user is an account bound to a person. What a directory told is kept as a document; where the house knows
//! better since, the house's word is shown. Groups are lists of accounts and give no permissions.

mod filter;
mod groups;
mod http;
mod patch;
mod schema;
mod users;

use kernel::{Error, Id, Msg, Result, Scope, UnitId};
use organization::{By, Organization};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::store::scim::Which;
use crate::{Actor, Identity};
use filter::{Filter, Name};
use schema::{Choice, Document, Resource};

pub(crate) use http::routes;
pub(crate) use schema::ENTERPRISE;

/// Most resources of one answer.
pub(crate) const MOST_RESULTS: usize = 200;
/// Resources of an answer unless the client says otherwise.
const USUAL_RESULTS: usize = 100;
/// Resources that are looked at together.
const BATCH: i64 = 500;
/// Most codes of units that the schema lists.
const MOST_UNITS: i64 = 1_000;

/// The SCIM server; cheap to clone.
#[derive(Clone)]
pub(crate) struct Scim {
    identity: Identity,
    organization: Organization,
}

/// Who asks, and how far they reach.
pub(crate) struct Caller {
    actor: Actor,
    scope: Scope,
    /// `https://host/scim/v2`.
    base: String,
}

/// Which resources are wanted, in which order, and what of them.
#[derive(Debug, Default)]
pub(crate) struct Query {
    filter: Option<Filter>,
    sort: Option<(Name, bool)>,
    /// Place of the first, from 0.
    start: usize,
    count: usize,
    choice: Choice,
}

/// How a resource is changed.
pub(crate) enum Change {
    /// By another one.
    Put(Value),
    /// By operations.
    Patch(Value),
}

/// A resource as it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    id: Id,
    /// What the next batch begins after.
    key: String,
    body: Value,
}

impl Shown {
    fn version(&self) -> &str {
        self.body["meta"]["version"].as_str().unwrap_or_default()
    }

    fn location(&self) -> &str {
        self.body["meta"]["location"].as_str().unwrap_or_default()
    }

    fn cut(self, choice: &Choice) -> Value {
        match self.body {
            Value::Object(mut body) => {
                choice.cut(&mut body);
                Value::Object(body)
            }
            other => other,
        }
    }
}

impl Caller {
    /// The unit that new people and groups belong to unless the directory says another.
    fn unit(&self) -> Result<UnitId> {
        match &self.scope {
            Scope::Under(roots) if !roots.is_empty() => Ok(roots[0]),
            _ => Err(Error::NotFound),
        }
    }

    fn by(&self) -> By {
        By {
            account: self.actor.account,
            on_behalf: None,
            address: self.actor.address.clone(),
        }
    }
}

/// The version of a resource: what it says, hashed.
fn version(body: &Document) -> String {
    let digest = Sha256::digest(json!(body).to_string());
    format!("W/\"{}\"", hex::encode(&digest[..12]))
}

/// Refuses a change of a resource that is not as the client thinks.
fn must_match(wanted: Option<&str>, version: &str) -> Result<()> {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let fits = wanted.is_none_or(|wanted| {
        let mut tags = wanted.split(',');
        wanted.trim() == "*" || tags.any(|tag| weak(tag) == weak(version))
    });
    if fits {
        return Ok(());
    }
    Err(Error::Conflict(Msg::new("identity-scim-changed")))
}

/// The names of the attributes in which two documents differ: for the audit trail, which keeps no personal data.
fn differing(before: &Document, after: &Document) -> Vec<String> {
    let names = before
        .keys()
        .chain(after.keys().filter(|k| !before.contains_key(*k)));
    names
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect()
}

impl Scim {
    pub(crate) fn new(identity: Identity, organization: Organization) -> Self {
        Self {
            identity,
            organization,
        }
    }

    /// Opens an account in a unit for somebody whom a provider knows; gives its login name.
    pub(crate) async fn open_for_provider(
        &self,
        actor: Actor,
        unit: UnitId,
        user: &Value,
    ) -> Result<String> {
        let caller = Caller {
            actor,
            scope: Scope::Under(vec![unit]),
            base: String::new(),
        };
        let shown = self.create_user(&caller, user).await?;
        let login = shown.body["userName"].as_str().unwrap_or_default();
        Ok(login.to_lowercase())
    }

    async fn batch(
        &self,
        tx: &mut db::Tx,
        caller: &Caller,
        resource: Resource,
        which: &Which,
        after: Option<&str>,
        window: (i64, i64),
    ) -> Result<Vec<Shown>> {
        match resource {
            Resource::User => self.users(tx, caller, which, after, window).await,
            Resource::Group => self.groups(tx, caller, which, after, window).await,
        }
    }

    /// A page of resources and how many fit in all.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        resource: Resource,
        query: &Query,
    ) -> Result<(usize, Vec<Value>)> {
        let mut tx = self.identity.db.read().await?;
        let tx = &mut tx;
        let count = query.count.min(MOST_RESULTS);
        if query.filter.is_none() && query.sort.is_none() {
            let total = match resource {
                Resource::User => self.count_users(tx, caller).await?,
                Resource::Group => self.count_groups(tx, caller).await?,
            };
            let start = i64::try_from(query.start).unwrap_or(i64::MAX);
            let window = (count as i64, start);
            let found = self.batch(tx, caller, resource, &Which::All, None, window);
            let found = found.await?.into_iter().map(|s| s.cut(&query.choice));
            return Ok((usize::try_from(total).unwrap_or(0), found.collect()));
        }
        // What must equal something is looked up; the rest is asked of each resource, a batch at a time.
        let pinned = |attribute| query.filter.as_ref().and_then(|f| f.must_equal(attribute));
        let which = match (pinned("id"), pinned("userName"), pinned("externalId")) {
            (Some(id), ..) => Which::Ids(id.parse().into_iter().collect()),
            (_, Some(login), _) => Which::Named(login.to_lowercase()),
            (.., Some(id)) => Which::External(id.to_owned()),
            _ => Which::All,
        };
        let mut fitting: Vec<(String, Id)> = Vec::new();
        let mut after: Option<String> = None;
        if matches!(&which, Which::Ids(ids) if ids.is_empty()) {
            return Ok((0, Vec::new()));
        }
        loop {
            let window = (BATCH, 0);
            let found = self.batch(tx, caller, resource, &which, after.as_deref(), window);
            let found = found.await?;
            for shown in &found {
                let filter = query.filter.as_ref();
                if filter.is_none_or(|f| f.fits(resource, &shown.body)) {
                    let sort = query.sort.as_ref();
                    let key = sort.map_or(String::new(), |(name, _)| name.sort_key(&shown.body));
                    fitting.push((key, shown.id));
                }
            }
            match found.last() {
                Some(last) if found.len() as i64 == BATCH => after = Some(last.key.clone()),
                _ => break,
            }
        }
        if let Some((_, descending)) = query.sort {
            fitting.sort_by(|a, b| {
                let order = a.0.cmp(&b.0);
                if descending { order.reverse() } else { order }
            });
        }
        let total = fitting.len();
        let page = fitting.into_iter().skip(query.start).take(count);
        let ids: Vec<Id> = page.map(|(_, id)| id).collect();
        let mut found = Vec::new();
        if !ids.is_empty() {
            let which = Which::Ids(ids.clone());
            let window = (ids.len() as i64, 0);
            found = self
                .batch(tx, caller, resource, &which, None, window)
                .await?;
        }
        let place = |shown: &Shown| ids.iter().position(|id| *id == shown.id);
        found.sort_by_key(place);
        let found = found.into_iter().map(|s| s.cut(&query.choice));
        Ok((total, found.collect()))
    }

    /// One resource; out of the scope it does not exist.
    pub(crate) async fn one(&self, caller: &Caller, resource: Resource, id: Id) -> Result<Shown> {
        let mut tx = self.identity.db.read().await?;
        self.one_in(&mut tx, caller, resource, id).await
    }

    async fn one_in(
        &self,
        tx: &mut db::Tx,
        caller: &Caller,
        resource: Resource,
        id: Id,
    ) -> Result<Shown> {
        let which = Which::Ids(vec![id]);
        let found = self.batch(tx, caller, resource, &which, None, (1, 0));
        found.await?.into_iter().next().ok_or(Error::NotFound)
    }

    /// The codes that a user's department may have: those the schema lists, where they are not too many.
    pub(crate) async fn unit_codes(&self, caller: &Caller) -> Result<Vec<String>> {
        let mut tx = self.identity.db.read().await?;
        let today = self.identity.env.today();
        let (scope, most) = (&caller.scope, MOST_UNITS + 1);
        let codes = crate::store::scim::unit_codes(&mut tx, scope, today, most).await?;
        Ok(if codes.len() as i64 > MOST_UNITS {
            Vec::new()
        } else {
            codes
        })
    }
}
