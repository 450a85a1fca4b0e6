//! The SQL of provisioning: users with what a directory told of them, and groups.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;

/// An account of a person as a directory sees it.
#[derive(Debug, Clone)]
pub(crate) struct UserRow {
    pub account: AccountId,
    pub login: String,
    pub disabled: bool,
    pub created_at: Timestamp,
    pub person: PersonId,
    pub staff_no: String,
    pub name: String,
    pub unit: Option<String>,
    pub post: Option<String>,
    /// What the directory told (JSON); none of those that it never wrote.
    pub document: Option<String>,
    pub modified_at: Option<Timestamp>,
}

/// A group (目录用户组).
#[derive(Debug, Clone)]
pub(crate) struct GroupRow {
    pub id: Id,
    pub name: String,
    pub external_id: Option<String>,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
}

/// Which resources are wanted.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    All,
    Ids(Vec<Id>),
    /// Login name of a user, name of a group.
    Named(String),
    External(String),
}

fn users_sql(scope: &Scope, today: Date, which: &Which, args: &mut Args) -> String {
    let today = args.push(today);
    let serving = scope_sql(scope, "s.unit", args);
    let kept = scope_sql(scope, "a.unit", args);
    let only = match which {
        Which::All => String::new(),
        Which::Ids(ids) => format!(" AND a.id IN ({})", args.list(ids.iter().copied())),
        Which::Named(login) => format!(" AND a.login = {}", args.push(login)),
        Which::External(id) => format!(
            " AND a.id IN (SELECT account FROM scim_user WHERE external_id = {})",
            args.push(id)
        ),
    };
    format!(
        "FROM account a JOIN person p ON p.id = a.person
            LEFT JOIN assignment s ON s.person = p.id AND s.is_primary AND s.from_date <= {today}
                AND (s.to_date IS NULL OR s.to_date >= {today})
            LEFT JOIN unit u ON u.id = s.unit
            LEFT JOIN scim_user k ON k.account = a.id
         WHERE k.closed_at IS NULL AND ({serving} OR (s.unit IS NULL AND {kept})){only}"
    )
}

fn user(row: &Row) -> Result<UserRow> {
    let disabled: Option<Timestamp> = row.get(2)?;
    Ok(UserRow {
        account: row.get(0)?,
        login: row.get(1)?,
        disabled: disabled.is_some(),
        created_at: row.get(3)?,
        person: row.get(4)?,
        staff_no: row.get(5)?,
        name: row.get(6)?,
        unit: row.get(7)?,
        post: row.get(8)?,
        document: row.get(9)?,
        modified_at: row.get(10)?,
    })
}

/// Users of a scope by login name, after one of them where `after` is given.
pub(crate) async fn users(
    tx: &mut Tx,
    (scope, today): (&Scope, Date),
    which: &Which,
    after: Option<&str>,
    (limit, offset): (i64, i64),
) -> Result<Vec<UserRow>> {
    let mut args = Args::new();
    let from = users_sql(scope, today, which, &mut args);
    let after = after.map_or(String::new(), |login| {
        format!(" AND a.login > {}", args.push(login))
    });
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "SELECT a.id, a.login, a.disabled_at, a.created_at, p.id, p.staff_no, p.name, u.code, s.post,
            k.document, k.modified_at
         {from}{after} ORDER BY a.login LIMIT {limit} OFFSET {offset}"
    );
    tx.query(sql, args).await?.iter().map(user).collect()
}

/// How many users a scope has.
pub(crate) async fn count_users(tx: &mut Tx, scope: &Scope, today: Date) -> Result<i64> {
    let mut args = Args::new();
    let from = users_sql(scope, today, &Which::All, &mut args);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    tx.one(sql, args).await?.get(0)
}

/// Keeps what a directory told of an account, which is open from now on.
pub(crate) async fn put_user(
    tx: &mut Tx,
    account: AccountId,
    external_id: Option<&str>,
    document: &str,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO scim_user (account, external_id, document, told_by, modified_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account) DO UPDATE SET external_id = excluded.external_id,
            document = excluded.document, told_by = excluded.told_by,
            modified_at = excluded.modified_at, closed_at = NULL";
    tx.execute(sql, args![account, external_id, document, by, now])
        .await?;
    Ok(())
}

/// An account that may stand in the way of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub account: AccountId,
    pub closed: bool,
}

async fn holder(tx: &mut Tx, condition: &str, args: Args) -> Result<Option<Holder>> {
    let sql = format!(
        "SELECT a.id, k.closed_at FROM account a LEFT JOIN scim_user k ON k.account = a.id
         WHERE {condition}"
    );
    let row = tx.optional(sql, args).await?;
    row.map(|row| {
        let closed: Option<Timestamp> = row.get(1)?;
        Ok(Holder {
            account: row.get(0)?,
            closed: closed.is_some(),
        })
    })
    .transpose()
}

/// Whose login name it is.
pub(crate) async fn by_login(tx: &mut Tx, login: &str) -> Result<Option<Holder>> {
    holder(tx, "a.login = $1", args![login]).await
}

/// The account of a person.
pub(crate) async fn by_person(tx: &mut Tx, person: PersonId) -> Result<Option<Holder>> {
    holder(tx, "a.person = $1", args![person]).await
}

/// The open account that a directory knows by an identifier of its own; none when two have it.
pub(crate) async fn by_external(tx: &mut Tx, external_id: &str) -> Result<Option<String>> {
    let sql = "SELECT a.login FROM scim_user k JOIN account a ON a.id = k.account
        WHERE k.external_id = $1 AND k.closed_at IS NULL LIMIT 2";
    let rows = tx.query(sql, args![external_id]).await?;
    match &rows[..] {
        [one] => one.get(0).map(Some),
        _ => Ok(None),
    }
}

/// The login name of the account of the person with a staff number.
pub(crate) async fn by_staff_no(tx: &mut Tx, staff_no: &str) -> Result<Option<String>> {
    let sql =
        "SELECT a.login FROM account a JOIN person p ON p.id = a.person WHERE p.staff_no = $1";
    let row = tx.optional(sql, args![staff_no]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Gives an account another login name.
pub(crate) async fn set_login(tx: &mut Tx, account: AccountId, login: &str) -> Result<()> {
    let sql = "UPDATE account SET login = $2 WHERE id = $1";
    tx.execute(sql, args![account, login]).await?;
    Ok(())
}

/// Closes an account: nobody can sign in with it, its roles are taken back, its password is forgotten.
/// Gives the roles that were taken back.
pub(crate) async fn close(
    tx: &mut Tx,
    account: AccountId,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<Vec<Id>> {
    let sql = "UPDATE account SET password = NULL, password_changed_at = NULL,
            disabled_at = COALESCE(disabled_at, $2) WHERE id = $1";
    tx.execute(sql, args![account, now]).await?;
    let sql = "UPDATE scim_user SET closed_at = $2, modified_at = $2 WHERE account = $1";
    if tx.execute(sql, args![account, now]).await? == 0 {
        let sql = "INSERT INTO scim_user (account, document, told_by, modified_at, closed_at)
            VALUES ($1, '{}', $2, $3, $4)";
        tx.execute(sql, args![account, by, now, now]).await?;
    }
    let sql = "DELETE FROM scim_member WHERE account = $1";
    tx.execute(sql, args![account]).await?;
    let sql = "DELETE FROM activation WHERE account = $1";
    tx.execute(sql, args![account]).await?;
    let sql = "UPDATE role_grant SET revoked_at = $2, revoked_by = $3
        WHERE account = $1 AND revoked_at IS NULL RETURNING id";
    let rows = tx.query(sql, args![account, now, by]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The unit with a code, as far as a scope reaches.
pub(crate) async fn unit(tx: &mut Tx, code: &str, scope: &Scope) -> Result<Option<UnitId>> {
    let mut args = args![code];
    let scope = scope_sql(scope, "u.id", &mut args);
    let sql = format!("SELECT u.id FROM unit u WHERE u.code = $1 AND {scope}");
    let row = tx.optional(sql, args).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Codes of the units that stand today, no more than so many.
pub(crate) async fn unit_codes(
    tx: &mut Tx,
    scope: &Scope,
    today: Date,
    most: i64,
) -> Result<Vec<String>> {
    let mut args = args![today, most];
    let scope = scope_sql(scope, "u.id", &mut args);
    let sql = format!(
        "SELECT u.code FROM unit u WHERE (u.to_date IS NULL OR u.to_date >= $1) AND {scope}
         ORDER BY u.code LIMIT $2"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Groups that users are in, by user: identifier and name.
pub(crate) async fn groups_of(
    tx: &mut Tx,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, Vec<(Id, String)>>> {
    let mut found: HashMap<AccountId, Vec<(Id, String)>> = HashMap::new();
    for some in accounts.chunks(1_000) {
        let mut args = Args::new();
        let list = args.list(some.iter().copied());
        let sql = format!(
            "SELECT m.account, g.id, g.name FROM scim_member m JOIN scim_group g ON g.id = m.group_id
             WHERE m.account IN ({list}) ORDER BY g.id"
        );
        for row in tx.query(sql, args).await? {
            let groups = found.entry(row.get(0)?).or_default();
            groups.push((row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

fn groups_sql(scope: &Scope, which: &Which, args: &mut Args) -> String {
    let scope = scope_sql(scope, "g.unit", args);
    let only = match which {
        Which::All => String::new(),
        Which::Ids(ids) => format!(" AND g.id IN ({})", args.list(ids.iter().copied())),
        Which::Named(name) => format!(" AND g.name = {}", args.push(name)),
        Which::External(id) => format!(" AND g.external_id = {}", args.push(id)),
    };
    format!("FROM scim_group g WHERE {scope}{only}")
}

/// Groups of a scope in the order in which they were made.
pub(crate) async fn groups(
    tx: &mut Tx,
    scope: &Scope,
    which: &Which,
    after: Option<Id>,
    (limit, offset): (i64, i64),
) -> Result<Vec<GroupRow>> {
    let mut args = Args::new();
    let from = groups_sql(scope, which, &mut args);
    let after = after.map_or(String::new(), |id| format!(" AND g.id > {}", args.push(id)));
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "SELECT g.id, g.name, g.external_id, g.created_at, g.modified_at {from}{after}
         ORDER BY g.id LIMIT {limit} OFFSET {offset}"
    );
    let read = |row: &Row| {
        Ok(GroupRow {
            id: row.get(0)?,
            name: row.get(1)?,
            external_id: row.get(2)?,
            created_at: row.get(3)?,
            modified_at: row.get(4)?,
        })
    };
    tx.query(sql, args).await?.iter().map(read).collect()
}

/// How many groups a scope has.
pub(crate) async fn count_groups(tx: &mut Tx, scope: &Scope) -> Result<i64> {
    let mut args = Args::new();
    let from = groups_sql(scope, &Which::All, &mut args);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    tx.one(sql, args).await?.get(0)
}

/// Members of groups, by group.
pub(crate) async fn members(tx: &mut Tx, groups: &[Id]) -> Result<HashMap<Id, Vec<AccountId>>> {
    let mut found: HashMap<Id, Vec<AccountId>> = HashMap::new();
    for some in groups.chunks(1_000) {
        let mut args = Args::new();
        let list = args.list(some.iter().copied());
        let sql = format!(
            "SELECT group_id, account FROM scim_member WHERE group_id IN ({list}) ORDER BY account"
        );
        for row in tx.query(sql, args).await? {
            found.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
    }
    Ok(found)
}

/// Writes a group, new or changed.
pub(crate) async fn put_group(
    tx: &mut Tx,
    group: &GroupRow,
    unit: UnitId,
    by: Option<AccountId>,
) -> Result<()> {
    let sql =
        "INSERT INTO scim_group (id, unit, name, external_id, made_by, created_at, modified_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, external_id = excluded.external_id,
            modified_at = excluded.modified_at";
    let args = args![
        group.id,
        unit,
        &group.name,
        group.external_id.as_deref(),
        by,
        group.created_at,
        group.modified_at,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Removes a group with its members; gives whether it was there.
pub(crate) async fn drop_group(tx: &mut Tx, id: Id) -> Result<bool> {
    tx.execute("DELETE FROM scim_member WHERE group_id = $1", args![id])
        .await?;
    let gone = tx.execute("DELETE FROM scim_group WHERE id = $1", args![id]);
    Ok(gone.await? == 1)
}

/// Puts accounts into a group.
pub(crate) async fn add_members(tx: &mut Tx, group: Id, accounts: &[AccountId]) -> Result<()> {
    let mut rows = Args::with_capacity(accounts.len() * 2);
    for account in accounts {
        rows.add(group);
        rows.add(*account);
    }
    let head = "INSERT INTO scim_member (group_id, account) VALUES";
    tx.insert_many(head, 2, "ON CONFLICT DO NOTHING", rows)
        .await?;
    Ok(())
}

/// Takes accounts out of a group.
pub(crate) async fn remove_members(tx: &mut Tx, group: Id, accounts: &[AccountId]) -> Result<()> {
    for some in accounts.chunks(1_000) {
        let mut args = args![group];
        let list = args.list(some.iter().copied());
        let sql = format!("DELETE FROM scim_member WHERE group_id = $1 AND account IN ({list})");
        tx.execute(sql, args).await?;
    }
    Ok(())
}
