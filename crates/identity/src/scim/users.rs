//! Users: accounts of people, opened, changed and closed by a directory.

use db::{Tx, transaction};
use kernel::{AccountId, Error, Id, Msg, PersonId, Result};
use organization::Told;
use serde_json::{Value, json};

use super::schema::{self, Document, ENTERPRISE, Resource, USER};
use super::{Caller, Change, Scim, Shown, differing, must_match, patch, version};
use crate::accounts::check_login;
use crate::service::record;
use crate::store::scim::{self as rows, UserRow, Which};
use crate::{Account, store};

/// What a document says of account and person; what it does not say stays.
struct Claim {
    login: String,
    staff_no: Option<String>,
    name: Option<String>,
    unit: Option<String>,
    post: Option<String>,
    active: Option<bool>,
}

impl Claim {
    fn of(document: &Document) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let own = |name: &str| text(document.get(name));
        let within = |of: &str, name: &str| text(document.get(of).and_then(|o| o.get(name)));
        let parts = match (within("name", "familyName"), within("name", "givenName")) {
            (None, None) => None,
            (family, given) => {
                let (family, given) = (family.unwrap_or_default(), given.unwrap_or_default());
                let latin = |text: &str| text.is_ascii() && !text.is_empty();
                Some(if latin(&family) && latin(&given) {
                    format!("{given} {family}")
                } else {
                    format!("{family}{given}")
                })
            }
        };
        let formatted = within("name", "formatted").or(parts);
        Self {
            login: own("userName").unwrap_or_default().to_lowercase(),
            staff_no: within(ENTERPRISE, "employeeNumber"),
            name: own("displayName").or(formatted),
            unit: within(ENTERPRISE, "department").or(within(ENTERPRISE, "organization")),
            post: own("title"),
            active: document.get("active").and_then(Value::as_bool),
        }
    }
}

/// What a directory told of an account, and the house's word wherever it is another.
fn document_of(row: &UserRow) -> Result<Document> {
    let told = row.document.as_deref();
    let mut document: Document = match told {
        Some(json) => serde_json::from_str(json).map_err(Error::internal)?,
        None => Document::new(),
    };
    let claim = Claim::of(&document);
    if claim.login != row.login {
        document.insert("userName".to_owned(), json!(row.login));
    }
    // Of what a directory has taken out of its word nothing is said.
    let corrected = |claimed: Option<&str>, known: &str| match claimed {
        Some(claimed) => claimed != known,
        None => told.is_none() && !known.is_empty(),
    };
    if corrected(claim.name.as_deref(), &row.name) {
        document.insert("displayName".to_owned(), json!(row.name));
        document.insert("name".to_owned(), json!({ "formatted": row.name }));
    }
    let post = row.post.as_deref().unwrap_or_default();
    if corrected(claim.post.as_deref(), post) {
        document.insert("title".to_owned(), json!(post));
    }
    if claim
        .active
        .map_or(told.is_none(), |active| active == row.disabled)
    {
        document.insert("active".to_owned(), json!(!row.disabled));
    }
    let unit = row.unit.as_deref().unwrap_or_default();
    let mut extended = |name: &str, known: &str| {
        let parts = document.entry(ENTERPRISE).or_insert_with(|| json!({}));
        parts[name] = json!(known);
    };
    if corrected(claim.staff_no.as_deref(), &row.staff_no) {
        extended("employeeNumber", &row.staff_no);
    }
    if corrected(claim.unit.as_deref(), unit) {
        extended("department", unit);
    }
    Ok(document)
}

fn taken(login: &str) -> Error {
    Error::Conflict(Msg::new("identity-login-taken").with("login", login))
}

impl Scim {
    pub(super) async fn count_users(&self, tx: &mut Tx, caller: &Caller) -> Result<i64> {
        rows::count_users(tx, &caller.scope, self.identity.env.today()).await
    }

    pub(super) async fn users(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        which: &Which,
        after: Option<&str>,
        window: (i64, i64),
    ) -> Result<Vec<Shown>> {
        let reach = (&caller.scope, self.identity.env.today());
        let found = rows::users(tx, reach, which, after, window).await?;
        let accounts: Vec<AccountId> = found.iter().map(|row| row.account).collect();
        let mut groups = rows::groups_of(tx, &accounts).await?;
        let shown = found.iter().map(|row| {
            let groups = groups.remove(&row.account).unwrap_or_default();
            show(row, &groups, &caller.base)
        });
        shown.collect()
    }

    /// The parts of a claim that are about the person.
    async fn told(&self, tx: &mut Tx, caller: &Caller, claim: &Claim) -> Result<Told> {
        let unit = match &claim.unit {
            None => None,
            Some(code) => {
                let unit = rows::unit(tx, code, &caller.scope).await?;
                let unknown = || Msg::new("identity-scim-unit").with("code", code);
                Some(unit.ok_or_else(|| Error::field("department", unknown()))?)
            }
        };
        Ok(Told {
            staff_no: claim.staff_no.clone(),
            name: claim.name.clone(),
            unit,
            post: claim.post.clone(),
        })
    }

    /// Opens an account, for the person with the staff number told or for a new one. One that was closed is
    /// opened again, without the roles it had.
    pub(crate) async fn create_user(&self, caller: &Caller, given: &Value) -> Result<Shown> {
        let document = schema::read(Resource::User, given)?;
        let claim = Claim::of(&document);
        check_login(&claim.login)?;
        let (identity, actor) = (&self.identity, &caller.actor);
        let unit = caller.unit()?;
        let new: AccountId = identity.env.new_id();
        transaction!(identity.db, |tx| {
            let named = rows::by_login(tx, &claim.login).await?;
            if named.is_some_and(|holder| !holder.closed) {
                return Err(taken(&claim.login));
            }
            let told = self.told(tx, caller, &claim).await?;
            let number = claim.staff_no.as_ref().unwrap_or(&claim.login);
            let (by, scope) = (caller.by(), &caller.scope);
            let enrolled = self
                .organization
                .enrol(tx, (number, unit), &told, &by, scope);
            let person = enrolled.await?;
            let theirs = rows::by_person(tx, person).await?;
            let account = match (named, theirs) {
                (None, None) => {
                    self.open(tx, caller, new, &claim, person).await?;
                    new
                }
                (_, Some(theirs)) if !theirs.closed => {
                    return Err(Error::Conflict(Msg::new("identity-person-taken")));
                }
                (named, Some(theirs)) if named.is_none_or(|named| named == theirs) => {
                    let account = theirs.account;
                    rows::set_login(tx, account, &claim.login).await?;
                    store::set_disabled(tx, account, None).await?;
                    let detail = json!({ "login": claim.login, "again": true });
                    let entry = actor.audit("account.opened", ("account", account), detail);
                    record(tx, &identity.env, &entry).await?;
                    account
                }
                // A closed account of somebody else: what it did must not look like theirs.
                _ => return Err(taken(&claim.login)),
            };
            if claim.active == Some(false) {
                store::set_disabled(tx, account, Some(identity.env.now())).await?;
            }
            self.keep(tx, caller, account, &document).await?;
            self.one_in(tx, caller, Resource::User, account.0).await
        })
    }

    async fn open(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: AccountId,
        claim: &Claim,
        person: PersonId,
    ) -> Result<()> {
        let account = Account {
            id,
            login: claim.login.clone(),
            person: Some(person),
            staff_no: None,
            name: None,
            password_changed_at: None,
            disabled_at: None,
            locked_until: None,
            created_at: self.identity.env.now(),
        };
        store::add_account(tx, &account, Some(caller.unit()?), None).await?;
        let detail = json!({ "login": account.login, "person": person });
        let entry = caller
            .actor
            .audit("account.opened", ("account", id), detail);
        record(tx, &self.identity.env, &entry).await
    }

    async fn keep(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        account: AccountId,
        document: &Document,
    ) -> Result<()> {
        let external = document.get("externalId").and_then(Value::as_str);
        let (json, now) = (json!(document).to_string(), self.identity.env.now());
        rows::put_user(tx, account, external, &json, caller.actor.account, now).await
    }

    /// Changes an account and its person. Nobody above the client, and nobody with a duty, is touched.
    pub(crate) async fn change_user(
        &self,
        caller: &Caller,
        id: Id,
        change: &Change,
        wanted: Option<&str>,
    ) -> Result<Shown> {
        let (identity, actor) = (&self.identity, &caller.actor);
        let account = AccountId(id);
        transaction!(identity.db, |tx| {
            let reach = (&caller.scope, identity.env.today());
            let which = Which::Ids(vec![id]);
            let row = rows::users(tx, reach, &which, None, (1, 0)).await?;
            let row = row.into_iter().next().ok_or(Error::NotFound)?;
            let shown = self.one_in(tx, caller, Resource::User, id).await?;
            must_match(wanted, shown.version())?;
            let before = document_of(&row)?;
            let after = match change {
                Change::Put(given) => schema::read(Resource::User, given)?,
                Change::Patch(request) => patch::apply(Resource::User, &before, request)?,
            };
            if before == after {
                return Ok(shown);
            }
            identity.managed(tx, actor, account, &caller.scope).await?;
            let claim = Claim::of(&after);
            if claim.login != row.login {
                check_login(&claim.login)?;
                if rows::by_login(tx, &claim.login).await?.is_some() {
                    return Err(taken(&claim.login));
                }
                rows::set_login(tx, account, &claim.login).await?;
            }
            let told = self.told(tx, caller, &claim).await?;
            let (by, scope) = (caller.by(), &caller.scope);
            let amended = self.organization.amend(tx, row.person, &told, &by, scope);
            amended.await?;
            if let Some(active) = claim.active.filter(|active| *active == row.disabled) {
                let at = (!active).then(|| identity.env.now());
                store::set_disabled(tx, account, at).await?;
                store::end_sessions(tx, account, &[]).await?;
                let action = if active {
                    "account.enabled"
                } else {
                    "account.disabled"
                };
                let entry = actor.audit(action, ("account", account), json!({}));
                record(tx, &identity.env, &entry).await?;
            }
            self.keep(tx, caller, account, &after).await?;
            let mut detail = json!({ "attributes": differing(&before, &after) });
            if claim.login != row.login {
                detail["before"] = json!(row.login);
                detail["login"] = json!(claim.login);
            }
            let entry = actor.audit("account.provisioned", ("account", account), detail);
            record(tx, &identity.env, &entry).await?;
            self.one_in(tx, caller, Resource::User, id).await
        })
    }

    /// Closes an account: its sessions end, its roles are taken back, its person and all that was done stay.
    pub(crate) async fn close_user(
        &self,
        caller: &Caller,
        id: Id,
        wanted: Option<&str>,
    ) -> Result<()> {
        let (identity, actor) = (&self.identity, &caller.actor);
        let account = AccountId(id);
        transaction!(identity.db, |tx| {
            let shown = self.one_in(tx, caller, Resource::User, id).await?;
            must_match(wanted, shown.version())?;
            identity.managed(tx, actor, account, &caller.scope).await?;
            let now = identity.env.now();
            let revoked = rows::close(tx, account, actor.account, now).await?;
            store::end_sessions(tx, account, &[]).await?;
            store::delegations::end_all(tx, account, actor.account, now).await?;
            store::duties::release(tx, account, identity.env.today()).await?;
            let detail = json!({ "grants": revoked });
            let entry = actor.audit("account.closed", ("account", account), detail);
            record(tx, &identity.env, &entry).await
        })
    }
}

fn show(row: &UserRow, groups: &[(Id, String)], base: &str) -> Result<Shown> {
    let mut body = document_of(row)?;
    if !groups.is_empty() {
        let group = |(id, name): &(Id, String)| json!({ "value": id, "display": name });
        let groups: Vec<Value> = groups.iter().map(group).collect();
        body.insert("groups".to_owned(), json!(groups));
    }
    let version = version(&body);
    if let Some(Value::Array(groups)) = body.get_mut("groups") {
        for group in groups {
            let id = group["value"].as_str().unwrap_or_default().to_owned();
            group["$ref"] = json!(format!("{base}/Groups/{id}"));
        }
    }
    let schemas = if body.contains_key(ENTERPRISE) {
        json!([USER, ENTERPRISE])
    } else {
        json!([USER])
    };
    let id = row.account.0;
    body.insert("schemas".to_owned(), schemas);
    body.insert("id".to_owned(), json!(id));
    let meta = json!({
        "resourceType": "User",
        "created": super::http::instant(row.created_at),
        "lastModified": super::http::instant(row.modified_at.unwrap_or(row.created_at)),
        "location": format!("{base}/Users/{id}"),
        "version": version,
    });
    body.insert("meta".to_owned(), meta);
    Ok(Shown {
        id,
        key: row.login.clone(),
        body: Value::Object(body),
    })
}
