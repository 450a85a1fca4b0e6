//! Plans, teams, recusals, draws.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use web::table::{Order, Window};

use super::json_of;
use crate::model::{Belonged, Drawn, Plan, PlanState, Repeats, Team};

const COLUMNS: &str = "p.id, p.kind, p.host, p.form, p.form_version, p.title, p.basis, p.opens, p.until, p.repeats, p.state,
    p.seq, p.series, p.round, p.by_account, p.at";

fn read(row: &Row) -> Result<Plan> {
    let (repeats, state): (String, String) = (row.get(9)?, row.get(10)?);
    Ok(Plan {
        id: row.get(0)?,
        kind: row.get(1)?,
        host: row.get(2)?,
        form: (row.get(3)?, row.get(4)?),
        title: row.get(5)?,
        basis: row.get(6)?,
        opens: row.get(7)?,
        until: row.get(8)?,
        repeats: Repeats::from_code(&repeats).ok_or_else(|| Error::internal("no such period"))?,
        state: PlanState::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        seq: row.get(11)?,
        series: row.get(12)?,
        round: row.get(13)?,
        by: row.get(14)?,
        at: row.get(15)?,
    })
}

/// Writes a new plan; false when its id, or its place in its row, is there already.
pub(crate) async fn add(tx: &mut Tx, p: &Plan) -> Result<bool> {
    let sql = "INSERT INTO inspection_plan (id, kind, host, form, form_version, title, basis, opens, until, repeats, state, seq,
        series, round, by_account, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT DO NOTHING";
    let args = args![
        p.id,
        p.kind.as_str(),
        p.host,
        p.form.0.as_str(),
        p.form.1,
        p.title.as_str(),
        p.basis.as_str(),
        p.opens,
        p.until,
        p.repeats.code(),
        p.state.code(),
        p.seq,
        p.series,
        p.round,
        p.by,
        p.at
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Moves a plan on by one change; false when it is not any more as it was looked at.
pub(crate) async fn turn(tx: &mut Tx, p: &Plan, to: PlanState) -> Result<bool> {
    let sql = "UPDATE inspection_plan SET seq = seq + 1, state = $3 WHERE id = $1 AND seq = $2";
    Ok(tx.execute(sql, args![p.id, p.seq, to.code()]).await? == 1)
}

/// What somebody may see of plans: of hosts that they read or plan for, those that look at units they read or fill in
/// for once they run, and those in whose teams they are.
fn seen(hosts: &[&Scope], looked: &[&Scope], person: Option<PersonId>, a: &mut Args) -> String {
    let mut parts: Vec<String> = hosts
        .iter()
        .map(|scope| organization::scope_sql(scope, "p.host", a))
        .collect();
    for scope in looked {
        let scope = organization::scope_sql(scope, "t.unit", a);
        parts.push(format!(
            "EXISTS (SELECT 1 FROM inspection_task t WHERE t.plan = p.id AND t.state NOT IN ('preparing', 'withdrawn') AND {scope})"
        ));
    }
    if let Some(person) = person {
        let person = a.push(person);
        parts.push(format!(
            "EXISTS (SELECT 1 FROM inspection_team g JOIN inspection_member m ON m.team = g.id
             WHERE g.plan = p.id AND m.person = {person} AND p.state <> 'preparing')"
        ));
    }
    format!("({})", parts.join(" OR "))
}

/// Who looks at plans.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight<'s> {
    /// Hosts of which they see all.
    pub(crate) hosts: [&'s Scope; 3],
    /// Units about which they see what was given.
    pub(crate) looked: [&'s Scope; 3],
    /// Their person.
    pub(crate) person: Option<PersonId>,
}

/// A plan that somebody may see.
pub(crate) async fn one(tx: &mut Tx, id: Id, sight: Sight<'_>) -> Result<Plan> {
    let mut a = args![id];
    let seen = seen(&sight.hosts, &sight.looked, sight.person, &mut a);
    let sql = format!("SELECT {COLUMNS} FROM inspection_plan p WHERE p.id = $1 AND {seen}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// A plan of a host in a scope.
pub(crate) async fn held(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Plan> {
    let mut a = args![id];
    let scope = organization::scope_sql(scope, "p.host", &mut a);
    let sql = format!("SELECT {COLUMNS} FROM inspection_plan p WHERE p.id = $1 AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) kind: Option<String>,
    pub(crate) state: Option<PlanState>,
    pub(crate) year: Option<i16>,
}

/// A page of plans, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    sight: Sight<'_>,
    f: &Filter,
    order: Order,
    window: Window,
) -> Result<(Vec<Plan>, i64)> {
    let mut a = Args::new();
    let mut conditions = seen(&sight.hosts, &sight.looked, sight.person, &mut a);
    if !f.text.trim().is_empty() {
        let text = f.text.trim().to_lowercase();
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let text = a.push(format!("%{text}%"));
        conditions += &format!(" AND LOWER(p.title) LIKE {text} ESCAPE '!'");
    }
    if let Some(kind) = &f.kind {
        conditions += &format!(" AND p.kind = {}", a.push(kind));
    }
    match f.state {
        Some(state) => conditions += &format!(" AND p.state = {}", a.push(state.code())),
        None => conditions += " AND p.state <> 'withdrawn'",
    }
    if let Some(year) = f.year {
        let (from, to) = (
            a.push(format!("{year:04}-01-01")),
            a.push(format!("{year:04}-12-31")),
        );
        conditions += &format!(" AND p.opens >= {from} AND p.opens <= {to}");
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM inspection_plan p WHERE {conditions}");
    let total = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "title" => format!("p.title {way}, p.id"),
        "until" => format!("p.until {way}, p.id {way}"),
        _ => format!("p.opens {way}, p.id {way}"),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM inspection_plan p WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((rows.iter().map(read).collect::<Result<_>>()?, total))
}

/// Some plans of hosts in a scope, the newest first.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id], scope: &Scope) -> Result<Vec<Plan>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let scope = organization::scope_sql(scope, "p.host", &mut a);
    let sql = format!(
        "SELECT {COLUMNS} FROM inspection_plan p WHERE p.id IN ({list}) AND {scope} ORDER BY p.id DESC"
    );
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Plans after one, in the order in which they were made.
pub(crate) async fn after(tx: &mut Tx, id: Id, limit: i64) -> Result<Vec<Plan>> {
    let sql =
        format!("SELECT {COLUMNS} FROM inspection_plan p WHERE p.id > $1 ORDER BY p.id LIMIT $2");
    let rows = tx.query(sql, args![id, limit]).await?;
    rows.iter().map(read).collect()
}

/// The plans of which another round is due on a day: the last of each row, running or ended.
pub(crate) async fn repeating(tx: &mut Tx) -> Result<Vec<Plan>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM inspection_plan p WHERE p.repeats <> 'never' AND p.state IN ('running', 'ended')
         AND NOT EXISTS (SELECT 1 FROM inspection_plan q WHERE q.series = p.series AND q.round > p.round)"
    );
    tx.query(sql, args![]).await?.iter().map(read).collect()
}

/// Writes a team with its members.
pub(crate) async fn add_team(tx: &mut Tx, plan: Id, team: &Team) -> Result<bool> {
    let sql = "INSERT INTO inspection_team (id, plan, name, region, opens, until) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING";
    let args = args![
        team.id,
        plan,
        team.name.as_str(),
        team.region.as_str(),
        team.window.map(|w| w.0),
        team.window.map(|w| w.1)
    ];
    if tx.execute(sql, args).await? != 1 {
        return Ok(false);
    }
    let mut a = Args::new();
    for (place, person) in (0_i64..).zip(&team.members) {
        a.push(team.id);
        a.push(*person);
        a.push(place);
    }
    let head = "INSERT INTO inspection_member (team, person, place) VALUES ";
    tx.insert_many(head, 3, "", a).await?;
    Ok(true)
}

/// Takes a team away; its units are without one again.
pub(crate) async fn drop_team(tx: &mut Tx, plan: Id, team: Id) -> Result<bool> {
    let sql = "UPDATE inspection_task SET team = NULL WHERE plan = $1 AND team = $2";
    tx.execute(sql, args![plan, team]).await?;
    let sql = "DELETE FROM inspection_member WHERE team = $1 AND EXISTS (SELECT 1 FROM inspection_team g WHERE g.id = $1 AND g.plan = $2)";
    tx.execute(sql, args![team, plan]).await?;
    let sql = "DELETE FROM inspection_team WHERE id = $1 AND plan = $2";
    Ok(tx.execute(sql, args![team, plan]).await? == 1)
}

/// The teams of plans with their members, in the order in which they were made.
pub(crate) async fn teams(tx: &mut Tx, plan: Id) -> Result<Vec<Team>> {
    let sql = "SELECT g.id, g.name, g.region, g.opens, g.until, m.person FROM inspection_team g
        LEFT JOIN inspection_member m ON m.team = g.id WHERE g.plan = $1 ORDER BY g.id, m.place";
    let mut teams: Vec<Team> = Vec::new();
    for row in tx.query(sql, args![plan]).await? {
        let id: Id = row.get(0)?;
        if teams.last().is_none_or(|t| t.id != id) {
            let (opens, until): (Option<Date>, Option<Date>) = (row.get(3)?, row.get(4)?);
            teams.push(Team {
                id,
                name: row.get(1)?,
                region: row.get(2)?,
                window: opens.zip(until),
                members: Vec::new(),
            });
        }
        let member: Option<PersonId> = row.get(5)?;
        if let (Some(team), Some(person)) = (teams.last_mut(), member) {
            team.members.push(person);
        }
    }
    Ok(teams)
}

/// Where people belonged on some day from a day on.
pub(crate) async fn belonged(
    tx: &mut Tx,
    people: &[PersonId],
    since: Date,
) -> Result<Vec<Belonged>> {
    let mut a = args![since];
    let list = a.list(people.iter().copied());
    let sql = format!(
        "SELECT person, unit, from_date, to_date FROM assignment WHERE person IN ({list})
         AND (to_date IS NULL OR to_date >= $1)"
    );
    let rows = tx.query(sql, a).await?;
    let one = |row: &Row| {
        Ok(Belonged {
            person: row.get(0)?,
            unit: row.get(1)?,
            from: row.get(2)?,
            to: row.get(3)?,
        })
    };
    rows.iter().map(one).collect()
}

/// A person recused from a unit, and why.
pub(crate) type Recusal = (UnitId, PersonId, String);

/// Keeps that somebody does not look at a unit; a second time changes nothing.
pub(crate) async fn recuse(
    tx: &mut Tx,
    plan: Id,
    (unit, person, reason): (UnitId, PersonId, &str),
    (by, at): (AccountId, Timestamp),
) -> Result<bool> {
    let sql = "INSERT INTO inspection_recusal (plan, unit, person, reason, by_account, at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (plan, unit, person) DO NOTHING";
    let args = args![plan, unit, person, reason, by, at];
    Ok(tx.execute(sql, args).await? == 1)
}

/// The recusals of a plan that were told.
pub(crate) async fn recusals(tx: &mut Tx, plan: Id) -> Result<Vec<Recusal>> {
    let sql =
        "SELECT unit, person, reason FROM inspection_recusal WHERE plan = $1 ORDER BY unit, person";
    let rows = tx.query(sql, args![plan]).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .collect()
}

/// Keeps a draw; false when files of the unit were drawn already.
pub(crate) async fn keep_draw(tx: &mut Tx, plan: Id, d: &Drawn) -> Result<bool> {
    let sql =
        "INSERT INTO inspection_draw (plan, unit, log, size, root, numbers, picked, by_account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (plan, unit) DO NOTHING";
    let list = |numbers: &[String]| serde_json::to_string(numbers).map_err(Error::internal);
    let args = args![
        plan,
        d.unit,
        d.head.0,
        d.head.1,
        d.head.2.as_str(),
        list(&d.numbers)?,
        list(&d.picked)?,
        d.by,
        d.at
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// The draws of a plan.
pub(crate) async fn draws(tx: &mut Tx, plan: Id) -> Result<Vec<Drawn>> {
    let sql = "SELECT unit, log, size, root, numbers, picked, by_account, at FROM inspection_draw WHERE plan = $1 ORDER BY at, unit";
    let one = |row: &Row| {
        Ok(Drawn {
            unit: row.get(0)?,
            head: (row.get(1)?, row.get(2)?, row.get(3)?),
            numbers: json_of(row, 4)?,
            picked: json_of(row, 5)?,
            by: row.get(6)?,
            at: row.get(7)?,
        })
    };
    tx.query(sql, args![plan]).await?.iter().map(one).collect()
}

/// What came of the tasks of some plans so far: given, done, findings.
pub(crate) async fn progress(tx: &mut Tx, plans: &[Id]) -> Result<HashMap<Id, (i64, i64, i64)>> {
    let mut found = HashMap::new();
    for chunk in plans.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT plan, CAST(COUNT(*) AS BIGINT),
                CAST(SUM(CASE WHEN state IN ('handed-in', 'passed') THEN 1 ELSE 0 END) AS BIGINT),
                CAST(SUM(findings) AS BIGINT)
             FROM inspection_task WHERE plan IN ({list}) AND state <> 'withdrawn' GROUP BY plan"
        );
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?));
        }
    }
    Ok(found)
}
