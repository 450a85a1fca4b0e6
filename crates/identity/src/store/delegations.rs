//! The SQL of delegations (委托).

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::OnBehalf;
use web::table::Order;

use super::held::held_sql;
use crate::{Delegation, DelegationFilter, NewDelegation};

/// Writes one down.
pub(crate) async fn add(
    tx: &mut Tx,
    id: Id,
    giver: AccountId,
    taker: AccountId,
    new: &NewDelegation,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO delegation (id, giver, taker, unit, permissions, decides, reason, from_date, to_date, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let args = args![
        id,
        giver,
        taker,
        new.unit,
        serde_json::json!(new.permissions).to_string(),
        new.decides,
        new.reason.trim(),
        new.from,
        new.to,
        now,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Ends one; false when it had ended.
pub(crate) async fn end(
    tx: &mut Tx,
    id: Id,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<bool> {
    let sql =
        "UPDATE delegation SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL";
    Ok(tx.execute(sql, args![id, now, by]).await? == 1)
}

/// Ends all that an account gave or received.
pub(crate) async fn end_all(
    tx: &mut Tx,
    account: AccountId,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<u64> {
    let sql = "UPDATE delegation SET ended_at = $2, ended_by = $3
        WHERE (giver = $1 OR taker = $1) AND ended_at IS NULL";
    tx.execute(sql, args![account, now, by]).await
}

/// Whose delegations are wanted.
pub(crate) enum Which<'f> {
    /// This one.
    One(Id),
    /// Those that an account gave or received.
    Of(AccountId),
    /// Those of a list, as of a day.
    Asked(&'f DelegationFilter, Date),
}

/// From which tables, and which rows of a scope.
fn from_sql(which: &Which, scope: &Scope, args: &mut Args) -> String {
    let which = match which {
        Which::One(id) => format!("d.id = {}", args.push(*id)),
        Which::Of(account) => {
            let account = args.push(*account);
            format!("(d.giver = {account} OR d.taker = {account})")
        }
        Which::Asked(filter, day) => {
            let text = args.push(super::anywhere(&filter.text));
            let columns = ["g.login", "gp.name", "t.login", "tp.name"];
            let like = columns.map(|c| format!("LOWER({c}) LIKE {text} ESCAPE '!'"));
            let mut which = format!("({})", like.join(" OR "));
            if !filter.over_too {
                let day = args.push(*day);
                which += &format!(" AND d.ended_at IS NULL AND d.to_date >= {day}");
            }
            which
        }
    };
    let scope = scope_sql(scope, "d.unit", args);
    format!(
        "FROM delegation d JOIN unit u ON u.id = d.unit
            JOIN account g ON g.id = d.giver LEFT JOIN person gp ON gp.id = g.person
            JOIN account t ON t.id = d.taker LEFT JOIN person tp ON tp.id = t.person
         WHERE {which} AND {scope}"
    )
}

/// How many there are.
pub(crate) async fn count(tx: &mut Tx, which: &Which<'_>, scope: &Scope) -> Result<i64> {
    let mut args = Args::new();
    let from = from_sql(which, scope, &mut args);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    tx.one(sql, args).await?.get(0)
}

/// Delegations on units of a scope: so many of an order after so many others.
pub(crate) async fn list(
    tx: &mut Tx,
    which: &Which<'_>,
    scope: &Scope,
    (order, most, offset): (Order, i64, i64),
) -> Result<Vec<(Delegation, String)>> {
    let mut args = Args::new();
    let from = from_sql(which, scope, &mut args);
    let (most, offset) = (args.push(most), args.push(offset));
    let way = order.way();
    let by = match order.by {
        "giver" => format!("COALESCE(gp.name, g.login) {way}, d.id DESC"),
        "taker" => format!("COALESCE(tp.name, t.login) {way}, d.id DESC"),
        "unit" => format!("u.sort {way}, u.code {way}, d.id DESC"),
        "from" => format!("d.from_date {way}, d.id {way}"),
        "to" => format!("d.to_date {way}, d.id {way}"),
        _ => format!("d.id {way}"),
    };
    let sql = format!(
        "SELECT d.id, d.giver, g.login, gp.name, d.taker, t.login, tp.name, d.unit, u.name, d.decides, d.reason,
            d.from_date, d.to_date, d.made_at, d.ended_at, d.permissions
         {from} ORDER BY {by} LIMIT {most} OFFSET {offset}"
    );
    let read = |row: &Row| {
        let called = |login: usize, name: usize| -> Result<String> {
            let name: Option<String> = row.get(name)?;
            Ok(name.unwrap_or(row.get(login)?))
        };
        let found = Delegation {
            id: row.get(0)?,
            giver: row.get(1)?,
            giver_name: called(2, 3)?,
            taker: row.get(4)?,
            taker_name: called(5, 6)?,
            unit: row.get(7)?,
            unit_name: row.get(8)?,
            permissions: Vec::new(),
            decides: row.get(9)?,
            reason: row.get(10)?,
            from: row.get(11)?,
            to: row.get(12)?,
            made_at: row.get(13)?,
            ended_at: row.get(14)?,
        };
        Ok((found, row.get(15)?))
    };
    tx.query(sql, args).await?.iter().map(read).collect()
}

/// Permissions (JSON) with the unit they are held on, of the roles without a duty that an account holds.
pub(crate) async fn own(
    tx: &mut Tx,
    account: AccountId,
    today: Date,
) -> Result<Vec<(String, UnitId)>> {
    let held = held_sql("$2", "$1");
    let sql = format!(
        "SELECT r.permissions, h.unit FROM ({held}) h JOIN role r ON r.code = h.role
         WHERE r.duty IS NULL ORDER BY h.unit"
    );
    let rows = tx.query(sql, args![today, account]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// An open account by login name or the staff number of its person; clients are none.
pub(crate) async fn taker(tx: &mut Tx, text: &str) -> Result<Option<AccountId>> {
    let sql = "SELECT a.id FROM account a LEFT JOIN person p ON p.id = a.person
        WHERE (a.login = $1 OR p.staff_no = $2) AND a.disabled_at IS NULL
            AND a.id NOT IN (SELECT account FROM client) ORDER BY a.id";
    let found = tx
        .query(sql, args![text.to_lowercase(), text])
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect::<Result<Vec<AccountId>>>()?;
    // A login name that is another one's staff number names nobody for sure.
    Ok((found.len() == 1).then(|| found[0]))
}

/// Lets a session act under a delegation, or for itself again.
pub(crate) async fn set_acting(tx: &mut Tx, session: &[u8], acting: Option<Id>) -> Result<bool> {
    let sql = "UPDATE session SET acting = $2 WHERE token_hash = $1";
    Ok(tx.execute(sql, args![session, acting]).await? == 1)
}

/// What a delegation lets its holder do.
#[derive(Debug, Clone)]
pub(crate) struct Lent {
    pub of: OnBehalf,
    /// What was chosen (JSON).
    pub chosen: String,
    /// Permissions (JSON) that the giver holds, and on which unit of those chosen.
    pub held: Vec<(String, UnitId)>,
}

/// Those of these delegations that stand today: what the giver holds now, cut down to the unit chosen.
pub(crate) async fn standing(tx: &mut Tx, ids: &[Id], today: Date) -> Result<HashMap<Id, Lent>> {
    let mut args = args![today];
    let list = args.list(ids.iter().copied());
    let held = held_sql(
        &format!("SELECT x.giver FROM delegation x WHERE x.id IN ({list})"),
        "$1",
    );
    let sql = format!(
        "SELECT d.id, d.giver, a.login, p.name, d.permissions, r.permissions,
            CASE WHEN up.unit IS NOT NULL THEN d.unit WHEN down.unit IS NOT NULL THEN h.unit END
         FROM ({held}) h JOIN delegation d ON d.giver = h.account
            JOIN account a ON a.id = d.giver LEFT JOIN person p ON p.id = a.person
            JOIN role r ON r.code = h.role
            LEFT JOIN unit_tree up ON up.unit = d.unit AND up.ancestor = h.unit
            LEFT JOIN unit_tree down ON down.unit = h.unit AND down.ancestor = d.unit
         WHERE d.id IN ({list}) AND d.ended_at IS NULL AND d.from_date <= $1 AND d.to_date >= $1
            AND a.disabled_at IS NULL AND r.duty IS NULL"
    );
    let mut found: HashMap<Id, Lent> = HashMap::new();
    for row in tx.query(sql, args).await? {
        let name: Option<String> = row.get(3)?;
        let lent = Lent {
            of: OnBehalf {
                account: row.get(1)?,
                name: name.unwrap_or(row.get(2)?),
            },
            chosen: row.get(4)?,
            held: Vec::new(),
        };
        if let Some(unit) = row.get(6)? {
            let lent = found.entry(row.get(0)?).or_insert(lent);
            lent.held.push((row.get(5)?, unit));
        }
    }
    Ok(found)
}

/// The people in whose place a person decides on a day.
pub(crate) async fn deciding_for(tx: &mut Tx, me: PersonId, today: Date) -> Result<Vec<PersonId>> {
    let sql = "SELECT DISTINCT g.person FROM delegation d
            JOIN account t ON t.id = d.taker JOIN account g ON g.id = d.giver
        WHERE t.person = $1 AND d.decides AND d.ended_at IS NULL AND d.from_date <= $2 AND d.to_date >= $2
            AND t.disabled_at IS NULL AND g.disabled_at IS NULL AND g.person IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM role_grant x JOIN role r ON r.code = x.role
                WHERE x.account = g.id AND r.duty IS NOT NULL AND x.revoked_at IS NULL
                    AND (x.to_date IS NULL OR x.to_date >= $2))
        ORDER BY g.person";
    let rows = tx.query(sql, args![me, today]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
