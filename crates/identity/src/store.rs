//! The SQL of accounts, sessions and grants. The audit trail has a store of its own in `store/`.

pub(crate) mod activation;
pub(crate) mod audit;
pub(crate) mod chain;
pub(crate) mod clients;
pub(crate) mod delegations;
pub(crate) mod doors;
pub(crate) mod duties;
pub(crate) mod erasure;
pub(crate) mod held;
pub(crate) mod holders;
mod migrations;
pub(crate) mod passwords;
pub(crate) mod scim;
pub(crate) mod second;

use std::collections::{BTreeMap, HashMap};

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::{Order, Window};

pub use migrations::MIGRATIONS;

use crate::{Account, AccountFilter, AccountState, Door, Duty, Grant, NewGrant, Role, Session};

// ---- Roles ------------------------------------------------------------------------------------

pub(crate) async fn put_roles<'r>(
    tx: &mut Tx,
    roles: impl Iterator<Item = &'r Role>,
) -> Result<u64> {
    let mut rows = Args::new();
    let mut codes = Vec::new();
    for role in roles {
        codes.push(role.code.as_str());
        rows.add(&role.code);
        rows.add(&role.name.zh);
        rows.add(&role.name.en);
        rows.add(serde_json::json!(role.permissions).to_string());
        rows.add(true);
        rows.add(role.duty.map(Duty::code));
        rows.add(role.needs_end);
    }
    let mut gone = args![];
    let list = if codes.is_empty() {
        "''".to_owned()
    } else {
        gone.list(codes)
    };
    // A role that no pack brings any more stays for the record, but lets nobody do anything.
    let sql = format!(
        "UPDATE role SET permissions = '[]' WHERE builtin AND permissions <> '[]' AND code NOT IN ({list})"
    );
    let emptied = tx.execute(sql, gone).await?;
    tx.insert_many(
        "INSERT INTO role (code, name_zh, name_en, permissions, builtin, duty, needs_end) VALUES",
        7,
        "ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en,
            permissions = excluded.permissions, builtin = excluded.builtin, duty = excluded.duty,
            needs_end = excluded.needs_end",
        rows,
    )
    .await?;
    Ok(emptied)
}

pub(crate) async fn roles(tx: &mut Tx) -> Result<Vec<(Role, String)>> {
    let sql = "SELECT code, name_zh, name_en, permissions, duty, needs_end FROM role ORDER BY code";
    let read = |row: &Row| {
        let role = Role {
            code: row.get(0)?,
            name: commons::packs::Name {
                zh: row.get(1)?,
                en: row.get(2)?,
            },
            permissions: Vec::new(),
            duty: row
                .get::<Option<String>>(4)?
                .and_then(|code| Duty::from_code(&code)),
            needs_end: row.get(5)?,
            offices: Vec::new(),
        };
        Ok((role, row.get(3)?))
    };
    tx.query(sql, args![]).await?.iter().map(read).collect()
}

// ---- Sign-in ----------------------------------------------------------------------------------

/// What sign-in needs to know of an account.
pub(crate) struct Credentials {
    pub account: AccountId,
    pub password: Option<String>,
    pub disabled: bool,
    pub locked_until: Option<Timestamp>,
}

/// Counts an attempt before the password is looked at, so that guesses made at the same moment on
/// several nodes are counted too. The last one allowed locks the account; a right password unlocks
/// it again. Gives whether the attempt may go on. A lock further away than a lock lasts comes from
/// a clock that was set back and does not hold. With `with_password` an account that has none is not
/// tried at all.
pub(crate) async fn count_attempt(
    tx: &mut Tx,
    login: &str,
    most: i64,
    now: Timestamp,
    lock_until: Timestamp,
    with_password: bool,
) -> Result<bool> {
    let sql = "UPDATE account SET
            locked_until = CASE WHEN failures + 1 >= $2 THEN $4 ELSE NULL END,
            failures = CASE WHEN failures + 1 >= $2 THEN 0 ELSE failures + 1 END
        WHERE login = $1 AND disabled_at IS NULL AND (password IS NOT NULL OR NOT $5)
            AND (locked_until IS NULL OR locked_until <= $3 OR locked_until > $4)";
    Ok(tx
        .execute(sql, args![login, most, now, lock_until, with_password])
        .await?
        == 1)
}

/// Whether an account is locked now.
pub(crate) async fn is_locked(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<bool> {
    let sql = "SELECT 1 FROM account WHERE id = $1 AND locked_until > $2";
    Ok(tx.optional(sql, args![account, now]).await?.is_some())
}

pub(crate) async fn credentials(tx: &mut Tx, login: &str) -> Result<Option<Credentials>> {
    let sql = "SELECT id, password, disabled_at, locked_until FROM account WHERE login = $1";
    let Some(row) = tx.optional(sql, args![login]).await? else {
        return Ok(None);
    };
    let disabled: Option<Timestamp> = row.get(2)?;
    Ok(Some(Credentials {
        account: row.get(0)?,
        password: row.get(1)?,
        disabled: disabled.is_some(),
        locked_until: row.get(3)?,
    }))
}

/// Takes the counted attempts back, if the account still has the password that was right.
pub(crate) async fn clear_attempts(
    tx: &mut Tx,
    account: AccountId,
    password: &str,
) -> Result<bool> {
    let sql = "UPDATE account SET failures = 0, locked_until = NULL
        WHERE id = $1 AND password = $2 AND disabled_at IS NULL";
    Ok(tx.execute(sql, args![account, password]).await? == 1)
}

// ---- Sessions ---------------------------------------------------------------------------------

pub(crate) async fn add_session(
    tx: &mut Tx,
    account: AccountId,
    session: &Session,
    second_due: bool,
) -> Result<()> {
    let sql = "INSERT INTO session (token_hash, account, created_at, last_seen_at, expires_at, address, agent, second_due,
            door, trusted)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let args = args![
        &session.hash[..],
        account,
        session.created_at,
        session.last_seen_at,
        session.expires_at,
        &session.address,
        &session.agent,
        second_due,
        session.door.code(),
        session.trusted,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Ends a session; gives whose it was.
pub(crate) async fn end_session(tx: &mut Tx, hash: &[u8]) -> Result<Option<AccountId>> {
    let sql = "DELETE FROM session WHERE token_hash = $1 RETURNING account";
    let row = tx.optional(sql, args![hash]).await?;
    row.map(|r| r.get(0)).transpose()
}

/// Ends one session of an account; gives whether it was there.
pub(crate) async fn end_one_session(tx: &mut Tx, account: AccountId, hash: &[u8]) -> Result<bool> {
    let sql = "DELETE FROM session WHERE account = $1 AND token_hash = $2";
    Ok(tx.execute(sql, args![account, hash]).await? == 1)
}

/// Ends every session of an account but one.
pub(crate) async fn end_sessions(tx: &mut Tx, account: AccountId, keep: &[u8]) -> Result<u64> {
    let sql = "DELETE FROM session WHERE account = $1 AND token_hash <> $2";
    tx.execute(sql, args![account, keep]).await
}

pub(crate) async fn sessions(
    tx: &mut Tx,
    account: AccountId,
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Vec<Session>> {
    let sql = "SELECT token_hash, created_at, last_seen_at, address, agent, expires_at, door, trusted FROM session
        WHERE account = $1 AND expires_at > $2 AND last_seen_at >= $3
        ORDER BY last_seen_at DESC, created_at DESC";
    let read = |row: &Row| {
        Ok(Session {
            hash: row.get(0)?,
            created_at: row.get(1)?,
            last_seen_at: row.get(2)?,
            address: row.get(3)?,
            agent: row.get(4)?,
            expires_at: row.get(5)?,
            door: Door::from_code(&row.get::<String>(6)?),
            trusted: row.get(7)?,
        })
    };
    let rows = tx.query(sql, args![account, now, idle_since]).await?;
    rows.iter().map(read).collect()
}

/// Moves the time a session was last used on, at most once a minute.
pub(crate) async fn touch(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<()> {
    let sql = "UPDATE session SET last_seen_at = $2 WHERE token_hash = $1 AND last_seen_at < $2";
    tx.execute(sql, args![hash, now]).await?;
    Ok(())
}

pub(crate) async fn purge(tx: &mut Tx, now: Timestamp, idle_since: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM session WHERE expires_at <= $1 OR last_seen_at < $2";
    tx.execute(sql, args![now, idle_since]).await
}

/// A session with its account and what it may do today.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub account: AccountId,
    pub login: String,
    pub person: Option<PersonId>,
    pub name: Option<String>,
    pub password_changed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// The second step of signing in is to come.
    pub second_due: bool,
    /// Whether there is a second factor.
    pub has_second: bool,
    /// Whether the account has a duty.
    pub duty: bool,
    /// Through which door the session came.
    pub door: Door,
    /// A second factor was asked for at the provider.
    pub trusted: bool,
    /// Permissions (JSON) and the unit they are held on.
    pub grants: Vec<(String, UnitId)>,
    /// The delegation under which it acts.
    pub acting: Option<Id>,
    /// What that lets it do, while it stands.
    pub lent: Option<delegations::Lent>,
}

/// Who holds these sessions, by hash of their token: one query.
pub(crate) async fn known(
    tx: &mut Tx,
    hashes: &[Vec<u8>],
    today: Date,
) -> Result<HashMap<Vec<u8>, Known>> {
    let mut args = args![today];
    let list = args.list(hashes.iter().map(Vec::as_slice));
    let owners = format!("SELECT hs.account FROM session hs WHERE hs.token_hash IN ({list})");
    let held = held::held_sql(&owners, "$1");
    let sql = format!(
        "SELECT s.token_hash, s.account, a.login, a.person, p.name, a.password_changed_at,
            s.created_at, s.last_seen_at, s.expires_at, r.permissions, g.unit,
            s.second_due, f.confirmed_at, d.duty, s.door, s.trusted, s.acting
        FROM session s JOIN account a ON a.id = s.account
            LEFT JOIN person p ON p.id = a.person
            LEFT JOIN ({held}) g ON g.account = a.id
            LEFT JOIN role r ON r.code = g.role
            LEFT JOIN second_factor f ON f.account = a.id
            LEFT JOIN account_duty d ON d.account = a.id
        WHERE s.token_hash IN ({list}) AND a.disabled_at IS NULL"
    );
    let mut found: HashMap<Vec<u8>, Known> = HashMap::new();
    for row in tx.query(sql, args).await? {
        let hash: Vec<u8> = row.get(0)?;
        if !found.contains_key(&hash) {
            let (second, duty): (Option<Timestamp>, Option<String>) = (row.get(12)?, row.get(13)?);
            let known = Known {
                second_due: row.get(11)?,
                has_second: second.is_some(),
                duty: duty.is_some(),
                door: Door::from_code(&row.get::<String>(14)?),
                trusted: row.get(15)?,
                account: row.get(1)?,
                login: row.get(2)?,
                person: row.get(3)?,
                name: row.get(4)?,
                password_changed_at: row.get(5)?,
                created_at: row.get(6)?,
                last_seen_at: row.get(7)?,
                expires_at: row.get(8)?,
                grants: Vec::new(),
                acting: row.get(16)?,
                lent: None,
            };
            found.insert(hash.clone(), known);
        }
        if let (Some(known), Some(permissions), Some(unit)) =
            (found.get_mut(&hash), row.get(9)?, row.get(10)?)
        {
            known.grants.push((permissions, unit));
        }
    }
    let acting: Vec<Id> = found.values().filter_map(|k| k.acting).collect();
    if !acting.is_empty() {
        let standing = delegations::standing(tx, &acting, today).await?;
        for known in found.values_mut() {
            known.lent = known.acting.and_then(|id| standing.get(&id)).cloned();
        }
    }
    Ok(found)
}

// ---- Accounts ---------------------------------------------------------------------------------

pub(crate) async fn add_account(
    tx: &mut Tx,
    account: &Account,
    unit: Option<UnitId>,
    password: Option<&str>,
) -> Result<()> {
    let sql = "INSERT INTO account (id, login, person, password, password_changed_at, failures, created_at, unit)
        VALUES ($1, $2, $3, $4, $5, 0, $6, $7)";
    let args = args![
        account.id,
        &account.login,
        account.person,
        password,
        account.password_changed_at,
        account.created_at,
        unit,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

pub(crate) async fn login_taken(tx: &mut Tx, login: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM account WHERE login = $1";
    Ok(tx.optional(sql, args![login]).await?.is_some())
}

pub(crate) async fn staff_no(tx: &mut Tx, person: PersonId) -> Result<Option<String>> {
    let sql = "SELECT staff_no FROM person WHERE id = $1";
    let row = tx.optional(sql, args![person]).await?;
    Ok(row.map(|r| r.get(0)).transpose()?.flatten())
}

pub(crate) async fn person_taken(tx: &mut Tx, person: PersonId) -> Result<bool> {
    let sql = "SELECT 1 FROM account WHERE person = $1";
    Ok(tx.optional(sql, args![person]).await?.is_some())
}

/// The person with a staff number who belongs to the scope today.
pub(crate) async fn person_by_staff_no(
    tx: &mut Tx,
    staff_no: &str,
    today: Date,
    scope: &Scope,
) -> Result<Option<PersonId>> {
    let mut args = args![staff_no, today];
    let scope = scope_sql(scope, "a.unit", &mut args);
    let sql = format!(
        "SELECT p.id FROM person p JOIN assignment a ON a.person = p.id
         WHERE p.staff_no = $1 AND a.is_primary AND a.from_date <= $2
            AND (a.to_date IS NULL OR a.to_date >= $2) AND {scope}"
    );
    let row = tx.optional(sql, args).await?;
    row.map(|r| r.get(0)).transpose()
}

/// Disables (an instant) or enables (none) an account; gives whether that changed anything.
pub(crate) async fn set_disabled(
    tx: &mut Tx,
    account: AccountId,
    at: Option<Timestamp>,
) -> Result<bool> {
    let sql = if at.is_some() {
        "UPDATE account SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL"
    } else {
        "UPDATE account SET disabled_at = $2, failures = 0, locked_until = NULL
         WHERE id = $1 AND disabled_at IS NOT NULL"
    };
    Ok(tx.execute(sql, args![account, at]).await? == 1)
}

/// Accounts that a scope reaches: looked after there, granted a role there at some time, or of a person who
/// belongs there today.
fn visible_sql(scope: &Scope, column: &str, today: Date, args: &mut Args) -> String {
    if *scope == Scope::All {
        return "1=1".to_owned();
    }
    let granted = scope_sql(scope, "vg.unit", args);
    let belongs = scope_sql(scope, "vs.unit", args);
    let kept = scope_sql(scope, "vk.unit", args);
    let today = args.push(today);
    format!(
        "({column} IN (SELECT vk.id FROM account vk WHERE {kept})
          OR {column} IN (SELECT vg.account FROM role_grant vg WHERE {granted})
          OR {column} IN (SELECT va.id FROM account va JOIN assignment vs ON vs.person = va.person
             WHERE vs.is_primary AND vs.from_date <= {today}
                AND (vs.to_date IS NULL OR vs.to_date >= {today}) AND {belongs}))"
    )
}

const ACCOUNT: &str = "a.id, a.login, a.person, p.staff_no, p.name, a.password_changed_at,
    a.disabled_at, a.locked_until, a.created_at";

/// How many columns `ACCOUNT` has.
const ACCOUNT_COLUMNS: usize = 9;

fn account(row: &Row) -> Result<Account> {
    Ok(Account {
        id: row.get(0)?,
        login: row.get(1)?,
        person: row.get(2)?,
        staff_no: row.get(3)?,
        name: row.get(4)?,
        password_changed_at: row.get(5)?,
        disabled_at: row.get(6)?,
        locked_until: row.get(7)?,
        created_at: row.get(8)?,
    })
}

/// A page of the accounts of people, with how many there are in all.
pub(crate) async fn accounts(
    tx: &mut Tx,
    scope: &Scope,
    (today, now): (Date, Timestamp),
    filter: &AccountFilter,
    order: Order,
    window: Window,
) -> Result<(Vec<Account>, i64)> {
    let mut args = args![anywhere(&filter.text)];
    let visible = visible_sql(scope, "a.id", today, &mut args);
    let mut from = format!(
        "FROM account a LEFT JOIN person p ON p.id = a.person
         WHERE (a.login LIKE $1 ESCAPE '!' OR LOWER(p.name) LIKE $1 ESCAPE '!') AND {visible}
            AND a.id NOT IN (SELECT account FROM client)"
    );
    if let Some(state) = filter.state {
        let now = match state {
            AccountState::Disabled => String::new(),
            _ => args.push(now),
        };
        let open = format!("(a.locked_until IS NULL OR a.locked_until <= {now})");
        from += &match state {
            AccountState::Disabled => " AND a.disabled_at IS NOT NULL".to_owned(),
            AccountState::Locked => {
                format!(" AND a.disabled_at IS NULL AND a.locked_until > {now}")
            }
            AccountState::New => {
                format!(" AND a.disabled_at IS NULL AND {open} AND a.password_changed_at IS NULL")
            }
            AccountState::Active => {
                format!(
                    " AND a.disabled_at IS NULL AND {open} AND a.password_changed_at IS NOT NULL"
                )
            }
        };
    }
    if let Some(role) = &filter.role {
        let day = args.push(today);
        let held = held::held_sql("SELECT x.id FROM account x", &day);
        let (role, within) = (args.push(role), scope_sql(scope, "h.unit", &mut args));
        from += &format!(
            " AND a.id IN (SELECT h.account FROM ({held}) h WHERE h.role = {role} AND {within})"
        );
    }
    let count = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    let total = tx.one(count, args.clone()).await?.get(0)?;
    let (limit, offset) = (args.push(window.size), args.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "name" => format!("COALESCE(p.name, '') {way}, a.login"),
        // Ids rise with the time of opening.
        "opened" => format!("a.id {way}"),
        _ => format!("a.login {way}"),
    };
    let sql = format!("SELECT {ACCOUNT} {from} ORDER BY {by} LIMIT {limit} OFFSET {offset}");
    let rows = tx.query(sql, args).await?;
    Ok((rows.iter().map(account).collect::<Result<_>>()?, total))
}

pub(crate) async fn one_account(
    tx: &mut Tx,
    id: AccountId,
    scope: &Scope,
    today: Date,
) -> Result<Option<Account>> {
    let mut args = args![id];
    let visible = visible_sql(scope, "a.id", today, &mut args);
    let sql = format!(
        "SELECT {ACCOUNT} FROM account a LEFT JOIN person p ON p.id = a.person
         WHERE a.id = $1 AND {visible} AND a.id NOT IN (SELECT account FROM client)"
    );
    let row = tx.optional(sql, args).await?;
    row.as_ref().map(account).transpose()
}

pub(crate) async fn account_by_login(tx: &mut Tx, login: &str) -> Result<Option<Account>> {
    let sql = format!(
        "SELECT {ACCOUNT} FROM account a LEFT JOIN person p ON p.id = a.person WHERE a.login = $1"
    );
    let row = tx.optional(sql, args![login]).await?;
    row.as_ref().map(account).transpose()
}

/// Login names of accounts, for rows that a scope already let through.
pub(crate) async fn logins(tx: &mut Tx, ids: &[AccountId]) -> Result<BTreeMap<AccountId, String>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!("SELECT id, login FROM account WHERE id IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// A LIKE pattern for text that stands anywhere; `!` takes the meaning of `%` and `_` away.
fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.trim().to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern + "%"
}

// ---- Grants -----------------------------------------------------------------------------------

/// Whether a scope reaches a unit.
pub(crate) async fn reaches(tx: &mut Tx, scope: &Scope, unit: UnitId) -> Result<bool> {
    let mut args = args![unit];
    let scope = scope_sql(scope, "u.id", &mut args);
    let sql = format!("SELECT 1 FROM unit u WHERE u.id = $1 AND {scope}");
    Ok(tx.optional(sql, args).await?.is_some())
}

/// Whether an account holds, or will hold, a role outside a scope.
pub(crate) async fn held_outside(
    tx: &mut Tx,
    account: AccountId,
    scope: &Scope,
    today: Date,
) -> Result<bool> {
    let mut args = args![account, today];
    let granted = scope_sql(scope, "g.unit", &mut args);
    let by_office = scope_sql(scope, "hb.unit", &mut args);
    let lent = scope_sql(scope, "d.unit", &mut args);
    let office = held::by_office_sql("$2");
    let sql = format!(
        "SELECT 1 FROM role_grant g WHERE g.account = $1 AND g.revoked_at IS NULL
            AND (g.to_date IS NULL OR g.to_date >= $2) AND NOT ({granted})
         UNION ALL SELECT 1 {office} AND ha.id = $1 AND NOT ({by_office})
         UNION ALL SELECT 1 FROM delegation d WHERE d.taker = $1 AND d.ended_at IS NULL
            AND d.to_date >= $2 AND NOT ({lent})"
    );
    Ok(tx.optional(sql, args).await?.is_some())
}

pub(crate) async fn add_grant(
    tx: &mut Tx,
    id: Id,
    account: AccountId,
    grant: &NewGrant,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO role_grant (id, account, role, unit, from_date, to_date, granted_by, granted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let args = args![
        id,
        account,
        &grant.role,
        grant.unit,
        grant.from,
        grant.to,
        by,
        now,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

const GRANT: &str =
    "SELECT g.id, g.account, g.role, g.unit, u.name, g.from_date, g.to_date, g.revoked_at
    FROM role_grant g JOIN unit u ON u.id = g.unit";

fn grant(row: &Row) -> Result<Grant> {
    Ok(Grant {
        id: row.get(0)?,
        account: row.get(1)?,
        role: row.get(2)?,
        unit: row.get(3)?,
        unit_name: row.get(4)?,
        from: row.get(5)?,
        to: row.get(6)?,
        revoked_at: row.get(7)?,
    })
}

/// The grants of these accounts within a scope, newest first.
pub(crate) async fn grants(
    tx: &mut Tx,
    accounts: &[AccountId],
    scope: &Scope,
) -> Result<Vec<Grant>> {
    let mut args = Args::new();
    let list = args.list(accounts.iter().copied());
    let scope = scope_sql(scope, "g.unit", &mut args);
    let sql = format!("{GRANT} WHERE g.account IN ({list}) AND {scope} ORDER BY g.id DESC");
    tx.query(sql, args).await?.iter().map(grant).collect()
}

pub(crate) async fn one_grant(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Option<Grant>> {
    let mut args = args![id];
    let scope = scope_sql(scope, "g.unit", &mut args);
    let sql = format!("{GRANT} WHERE g.id = $1 AND {scope}");
    let row = tx.optional(sql, args).await?;
    row.as_ref().map(grant).transpose()
}

pub(crate) async fn revoke(
    tx: &mut Tx,
    id: Id,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE role_grant SET revoked_at = $2, revoked_by = $3 WHERE id = $1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, args![id, now, by]).await? == 1)
}
