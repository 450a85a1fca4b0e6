//! Groups: named lists of accounts as a directory keeps them. They give no permissions.

use std::collections::HashSet;

use db::{Tx, transaction};
use kernel::{AccountId, Error, Id, Msg, Result};
use serde_json::{Value, json};

use super::schema::{self, Document, GROUP, Resource};
use super::{Caller, Change, Scim, Shown, differing, must_match, patch, version};
use crate::service::record;
use crate::store::scim::{self as rows, GroupRow, Which};

/// Most members that an entry of the audit trail names.
const MOST_TOLD: usize = 100;

fn document_of(row: &GroupRow, members: &[AccountId], base: &str) -> Document {
    let mut document = Document::new();
    document.insert("displayName".to_owned(), json!(row.name));
    if let Some(id) = &row.external_id {
        document.insert("externalId".to_owned(), json!(id));
    }
    if !members.is_empty() {
        let member = |account: &AccountId| {
            let location = format!("{base}/Users/{account}");
            json!({ "value": account, "$ref": location, "type": "User" })
        };
        let members: Vec<Value> = members.iter().map(member).collect();
        document.insert("members".to_owned(), json!(members));
    }
    document
}

fn show(row: &GroupRow, members: &[AccountId], base: &str) -> Shown {
    // What a version says does not hang on the name by which the server is called.
    let version = version(&document_of(row, members, ""));
    let mut body = document_of(row, members, base);
    body.insert("schemas".to_owned(), json!([GROUP]));
    body.insert("id".to_owned(), json!(row.id));
    let meta = json!({
        "resourceType": "Group",
        "created": super::http::instant(row.created_at),
        "lastModified": super::http::instant(row.modified_at),
        "location": format!("{base}/Groups/{}", row.id),
        "version": version,
    });
    body.insert("meta".to_owned(), meta);
    Shown {
        id: row.id,
        key: row.id.to_string(),
        body: Value::Object(body),
    }
}

/// The accounts that a document names.
fn named(document: &Document) -> Result<HashSet<AccountId>> {
    let members = document.get("members").and_then(Value::as_array);
    let members = members.map_or(&[][..], Vec::as_slice).iter();
    let read = |member: &Value| {
        let id = member["value"].as_str().and_then(|id| id.parse().ok());
        id.map(AccountId).ok_or_else(|| unknown(&member["value"]))
    };
    members.map(read).collect()
}

fn unknown(member: &Value) -> Error {
    let name = member.as_str().unwrap_or_default().to_owned();
    Error::field("members", Msg::new("identity-scim-member").with("id", name))
}

impl Scim {
    pub(super) async fn count_groups(&self, tx: &mut Tx, caller: &Caller) -> Result<i64> {
        rows::count_groups(tx, &caller.scope).await
    }

    pub(super) async fn groups(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        which: &Which,
        after: Option<&str>,
        window: (i64, i64),
    ) -> Result<Vec<Shown>> {
        let after = after.and_then(|id| id.parse().ok());
        let found = rows::groups(tx, &caller.scope, which, after, window).await?;
        let ids: Vec<Id> = found.iter().map(|row| row.id).collect();
        let members = rows::members(tx, &ids).await?;
        let shown = found.iter().map(|row| {
            let members = members.get(&row.id).map_or(&[][..], Vec::as_slice);
            show(row, members, &caller.base)
        });
        Ok(shown.collect())
    }

    /// Refuses members that the client does not reach.
    async fn reached(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        accounts: &HashSet<AccountId>,
    ) -> Result<()> {
        let ids: Vec<Id> = accounts.iter().map(|account| account.0).collect();
        let mut known = HashSet::new();
        for some in ids.chunks(1_000) {
            let (which, most) = (Which::Ids(some.to_vec()), some.len() as i64);
            let reach = (&caller.scope, self.identity.env.today());
            let found = rows::users(tx, reach, &which, None, (most, 0)).await?;
            known.extend(found.into_iter().map(|row| row.account));
        }
        match accounts.difference(&known).next() {
            None => Ok(()),
            Some(id) => Err(unknown(&json!(id))),
        }
    }

    /// Makes a group.
    pub(crate) async fn create_group(&self, caller: &Caller, given: &Value) -> Result<Shown> {
        let document = schema::read(Resource::Group, given)?;
        let members = named(&document)?;
        let (identity, unit) = (&self.identity, caller.unit()?);
        let now = identity.env.now();
        let row = row(identity.env.new_id(), &document, (now, now));
        transaction!(identity.db, |tx| {
            self.reached(tx, caller, &members).await?;
            rows::put_group(tx, &row, unit, caller.actor.account).await?;
            let list: Vec<AccountId> = members.iter().copied().collect();
            rows::add_members(tx, row.id, &list).await?;
            let detail = json!({ "name": row.name, "members": list.len() });
            let entry = caller.actor.audit("group.made", ("group", row.id), detail);
            record(tx, &identity.env, &entry).await?;
            self.one_in(tx, caller, Resource::Group, row.id).await
        })
    }

    /// Changes a group and who is in it.
    pub(crate) async fn change_group(
        &self,
        caller: &Caller,
        id: Id,
        change: &Change,
        wanted: Option<&str>,
    ) -> Result<Shown> {
        let (identity, unit) = (&self.identity, caller.unit()?);
        transaction!(identity.db, |tx| {
            let which = Which::Ids(vec![id]);
            let found = rows::groups(tx, &caller.scope, &which, None, (1, 0)).await?;
            let old = found.into_iter().next().ok_or(Error::NotFound)?;
            let members = rows::members(tx, &[id]).await?.remove(&id);
            let members = members.unwrap_or_default();
            let shown = show(&old, &members, &caller.base);
            must_match(wanted, shown.version())?;
            let before = document_of(&old, &members, &caller.base);
            let after = match change {
                Change::Put(given) => schema::read(Resource::Group, given)?,
                Change::Patch(request) => patch::apply(Resource::Group, &before, request)?,
            };
            let had: HashSet<AccountId> = members.into_iter().collect();
            let has = named(&after)?;
            let coming: HashSet<AccountId> = has.difference(&had).copied().collect();
            let going: Vec<AccountId> = had.difference(&has).copied().collect();
            let names = differing(&before, &after);
            let same = names.iter().all(|name| name == "members");
            if same && coming.is_empty() && going.is_empty() {
                return Ok(shown);
            }
            self.reached(tx, caller, &coming).await?;
            let new = row(id, &after, (old.created_at, identity.env.now()));
            rows::put_group(tx, &new, unit, caller.actor.account).await?;
            rows::remove_members(tx, id, &going).await?;
            let coming: Vec<AccountId> = coming.into_iter().collect();
            rows::add_members(tx, id, &coming).await?;
            // A whole agency that joins is told by its number.
            let told = |accounts: &[AccountId]| {
                let few = accounts.len() <= MOST_TOLD;
                if few {
                    json!(accounts)
                } else {
                    json!(accounts.len())
                }
            };
            let detail = json!({ "name": new.name, "joined": told(&coming), "left": told(&going) });
            let entry = caller.actor.audit("group.changed", ("group", id), detail);
            record(tx, &identity.env, &entry).await?;
            self.one_in(tx, caller, Resource::Group, id).await
        })
    }

    /// Drops a group; its members stay what they are.
    pub(crate) async fn drop_group(
        &self,
        caller: &Caller,
        id: Id,
        wanted: Option<&str>,
    ) -> Result<()> {
        let identity = &self.identity;
        transaction!(identity.db, |tx| {
            let shown = self.one_in(tx, caller, Resource::Group, id).await?;
            must_match(wanted, shown.version())?;
            if rows::drop_group(tx, id).await? {
                let detail = json!({ "name": shown.body["displayName"] });
                let entry = caller.actor.audit("group.dropped", ("group", id), detail);
                record(tx, &identity.env, &entry).await?;
            }
            Ok(())
        })
    }
}

fn row(id: Id, document: &Document, at: (kernel::Timestamp, kernel::Timestamp)) -> GroupRow {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    GroupRow {
        id,
        name: text("displayName").unwrap_or_default().to_owned(),
        external_id: text("externalId").map(str::to_owned),
        created_at: at.0,
        modified_at: at.1,
    }
}
