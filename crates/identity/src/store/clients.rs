//! The SQL of API clients and their tokens.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::Order;

use super::Known;
use crate::clients::NewToken;
use crate::{Client, Door};

pub(crate) async fn add(
    tx: &mut Tx,
    account: AccountId,
    purpose: &str,
    permissions: &[String],
    unit: UnitId,
    by: Option<AccountId>,
) -> Result<()> {
    let sql = "INSERT INTO client (account, purpose, made_by) VALUES ($1, $2, $3)";
    tx.execute(sql, args![account, purpose, by]).await?;
    let mut rows = Args::new();
    for permission in permissions {
        rows.add(account);
        rows.add(permission);
        rows.add(unit);
    }
    let head = "INSERT INTO client_grant (account, permission, unit) VALUES";
    tx.insert_many(head, 3, "ON CONFLICT DO NOTHING", rows)
        .await?;
    Ok(())
}

pub(crate) async fn add_token(
    tx: &mut Tx,
    account: AccountId,
    token: &NewToken,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO client_token (token_hash, account, prefix, from_date, to_date, created_by, created_at, last_address)
        VALUES ($1, $2, $3, $4, $5, $6, $7, '')";
    let args = args![
        &token.hash[..],
        account,
        &token.prefix,
        token.from,
        token.to,
        token.by,
        now,
    ];
    tx.execute(sql, args).await?;
    let sql = "UPDATE client SET token_hash = $2 WHERE account = $1";
    tx.execute(sql, args![account, &token.hash[..]]).await?;
    Ok(())
}

/// The unit whose subtree a client reaches.
pub(crate) async fn unit(tx: &mut Tx, account: AccountId) -> Result<UnitId> {
    let sql = "SELECT unit FROM account WHERE id = $1";
    tx.one(sql, args![account]).await?.get(0)
}

/// Which clients are wanted.
pub(crate) enum Wanted<'t> {
    /// This one.
    One(AccountId),
    /// Those with this part of a name or purpose.
    Named(&'t str),
}

/// By name.
pub(crate) const BY_NAME: Order = Order {
    by: "login",
    down: false,
};

fn which_sql(scope: &Scope, which: &Wanted, args: &mut Args) -> String {
    let scope = scope_sql(scope, "a.unit", args);
    let which = match which {
        Wanted::One(id) => format!("a.id = {}", args.push(*id)),
        Wanted::Named(text) => {
            let text = args.push(super::anywhere(text));
            format!("(a.login LIKE {text} ESCAPE '!' OR LOWER(c.purpose) LIKE {text} ESCAPE '!')")
        }
    };
    format!("{scope} AND {which}")
}

pub(crate) async fn count(tx: &mut Tx, scope: &Scope, which: &Wanted<'_>) -> Result<i64> {
    let mut args = Args::new();
    let which = which_sql(scope, which, &mut args);
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM client c JOIN account a ON a.id = c.account WHERE {which}"
    );
    tx.one(sql, args).await?.get(0)
}

/// Clients of a scope, each with its last token: so many of an order after so many others.
pub(crate) async fn list(
    tx: &mut Tx,
    scope: &Scope,
    which: &Wanted<'_>,
    (order, limit, offset): (Order, i64, i64),
) -> Result<Vec<Client>> {
    let mut args = Args::new();
    let which = which_sql(scope, which, &mut args);
    let (limit, offset) = (args.push(limit), args.push(offset));
    let way = order.way();
    let by = match order.by {
        "unit" => format!("u.sort {way}, u.code {way}, a.login"),
        "to" => format!("k.to_date {way}, a.login"),
        "used" => format!("COALESCE(k.last_used_at, 0) {way}, a.login"),
        _ => format!("a.login {way}"),
    };
    let sql = format!(
        "SELECT a.id, a.login, c.purpose, u.name, a.created_at, m.login, k.prefix, k.from_date, k.to_date,
            k.last_used_at, k.last_address, k.revoked_at
         FROM client c JOIN account a ON a.id = c.account JOIN unit u ON u.id = a.unit
            LEFT JOIN account m ON m.id = c.made_by
            JOIN client_token k ON k.token_hash = c.token_hash
         WHERE {which} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let read = |row: &Row| {
        Ok(Client {
            account: row.get(0)?,
            login: row.get(1)?,
            purpose: row.get(2)?,
            unit: row.get(3)?,
            permissions: Vec::new(),
            created_at: row.get(4)?,
            made_by: row.get(5)?,
            prefix: row.get(6)?,
            from: row.get(7)?,
            to: row.get(8)?,
            last_used_at: row.get(9)?,
            last_address: row.get(10)?,
            revoked_at: row.get(11)?,
        })
    };
    let rows = tx.query(sql, args).await?;
    let mut clients: Vec<Client> = rows.iter().map(read).collect::<Result<_>>()?;
    let mut args = Args::new();
    if clients.is_empty() {
        return Ok(clients);
    }
    let ids = args.list(clients.iter().map(|c| c.account));
    let sql = format!(
        "SELECT account, permission FROM client_grant WHERE account IN ({ids}) ORDER BY permission"
    );
    let mut held: HashMap<AccountId, Vec<String>> = HashMap::new();
    for row in tx.query(sql, args).await? {
        held.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    for client in &mut clients {
        client.permissions = held.remove(&client.account).unwrap_or_default();
    }
    Ok(clients)
}

/// Revokes every token of a client; gives whether one still held.
pub(crate) async fn revoke(
    tx: &mut Tx,
    account: AccountId,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE client_token SET revoked_at = $2, revoked_by = $3
        WHERE account = $1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, args![account, now, by]).await? > 0)
}

/// Who brings these tokens, by hash: one query.
pub(crate) async fn known(
    tx: &mut Tx,
    hashes: &[Vec<u8>],
    today: Date,
) -> Result<HashMap<Vec<u8>, Known>> {
    let mut args = args![today];
    let list = args.list(hashes.iter().map(Vec::as_slice));
    let sql = format!(
        "SELECT k.token_hash, k.account, a.login, k.created_at, k.last_used_at, g.permission, g.unit
        FROM client_token k JOIN account a ON a.id = k.account
            JOIN client_grant g ON g.account = k.account
        WHERE k.token_hash IN ({list}) AND k.revoked_at IS NULL AND a.disabled_at IS NULL
            AND k.from_date <= $1 AND k.to_date >= $1"
    );
    let mut found: HashMap<Vec<u8>, Known> = HashMap::new();
    for row in tx.query(sql, args).await? {
        let hash: Vec<u8> = row.get(0)?;
        if !found.contains_key(&hash) {
            let used: Option<Timestamp> = row.get(4)?;
            let known = Known {
                acting: None,
                lent: None,
                account: row.get(1)?,
                login: row.get(2)?,
                person: None,
                name: None,
                password_changed_at: None,
                created_at: row.get(3)?,
                // A token that was never used is touched at its first use.
                last_seen_at: used.unwrap_or(Timestamp(0)),
                expires_at: Timestamp(i64::MAX),
                second_due: false,
                has_second: false,
                duty: false,
                door: Door::Password,
                trusted: false,
                grants: Vec::new(),
            };
            found.insert(hash.clone(), known);
        }
        if let Some(known) = found.get_mut(&hash) {
            known.grants.push((row.get(5)?, row.get(6)?));
        }
    }
    Ok(found)
}

/// Moves the time a token was last used on, at most once a minute.
pub(crate) async fn touch(tx: &mut Tx, hash: &[u8], now: Timestamp, address: &str) -> Result<()> {
    let sql = "UPDATE client_token SET last_used_at = $2, last_address = $3
        WHERE token_hash = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    tx.execute(sql, args![hash, now, address]).await?;
    Ok(())
}

/// Account and prefix of a token that was made once, unless its refusal was noted since.
pub(crate) async fn refused(
    tx: &mut Tx,
    hash: &[u8],
    since: Timestamp,
) -> Result<Option<(AccountId, String)>> {
    let sql = "SELECT account, prefix FROM client_token
        WHERE token_hash = $1 AND (refused_at IS NULL OR refused_at <= $2)";
    let row = tx.optional(sql, args![hash, since]).await?;
    row.map(|r| Ok((r.get(0)?, r.get(1)?))).transpose()
}

/// Notes a refusal; gives whether nobody else did.
pub(crate) async fn note_refusal(
    tx: &mut Tx,
    hash: &[u8],
    since: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE client_token SET refused_at = $3
        WHERE token_hash = $1 AND (refused_at IS NULL OR refused_at <= $2)";
    Ok(tx.execute(sql, args![hash, since, now]).await? == 1)
}
