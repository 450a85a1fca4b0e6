//! All SQL of activities.

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{
    AccountId, ActivityId, Date, Error, FactId, Id, PersonId, Result, Scope, Timestamp, UnitId,
};
use web::table::Order;

pub(crate) mod confirmation;
pub(crate) mod decisions;
pub(crate) mod details;
pub(crate) mod door;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod leave;
pub(crate) mod opinions;
pub(crate) mod participants;
pub(crate) mod plans;
pub(crate) mod reflection;
pub(crate) mod speeches;
pub(crate) mod votes;

use crate::details::Pair;
use crate::{Activity, Confirmation, InSeries, Part, Role, View};

/// The tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
    name: "activities_20261121_tables",
    sql: "
    CREATE TABLE activity (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, host {blob} NOT NULL REFERENCES unit, title TEXT NOT NULL,
        date TEXT NOT NULL, starts BIGINT NOT NULL, ends BIGINT NOT NULL, minutes BIGINT NOT NULL,
        location TEXT NOT NULL, late BOOLEAN NOT NULL, recorded_at BIGINT NOT NULL, recorded_by {blob} NOT NULL,
        reversed_at BIGINT, reversed_by {blob}, reversal_reason TEXT);
    CREATE INDEX activity_host ON activity (host, date);
    CREATE INDEX activity_date ON activity (date, id);
    CREATE TABLE activity_part (
        activity {blob} NOT NULL REFERENCES activity, person {blob} NOT NULL REFERENCES person,
        unit {blob} NOT NULL, role TEXT NOT NULL, fact {blob} NOT NULL,
        PRIMARY KEY (activity, person)) {clustered};
    CREATE INDEX activity_part_person ON activity_part (person);
    CREATE TABLE activity_turn (host {blob} PRIMARY KEY) {clustered};
    ",
    },
    // What a person took part in is read from the ledger.
    Migration {
        name: "activities_20261122_parts_by_person",
        sql: "DROP INDEX activity_part_person;",
    },
    Migration {
        name: "activities_20261122_confirmation",
        sql: "
        ALTER TABLE activity ADD COLUMN recorded_for {blob};
        ALTER TABLE activity ADD COLUMN changes BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE activity ADD COLUMN confirmed_at BIGINT;
        ALTER TABLE activity ADD COLUMN confirmed_by {blob};
        ALTER TABLE activity ADD COLUMN returned_at BIGINT;
        CREATE TABLE activity_confirmation (
            id {blob} PRIMARY KEY, activity {blob} NOT NULL REFERENCES activity, act TEXT NOT NULL,
            by_account {blob} NOT NULL, on_behalf {blob}, reason TEXT NOT NULL, at BIGINT NOT NULL);
        CREATE INDEX activity_confirmation_activity ON activity_confirmation (activity, id);
        ",
    },
    Migration {
        name: "activities_20261122_level",
        sql: "ALTER TABLE activity ADD COLUMN level TEXT NOT NULL DEFAULT 'internal';",
    },
    Migration { name: "activities_20261122_kinds", sql: details::TABLES },
    Migration { name: "activities_20261122_files", sql: files::TABLES },
    Migration {
        name: "activities_20261122_plans",
        sql: plans::TABLES,
    },
    Migration {
        name: "activities_20261122_doors",
        sql: door::TABLES,
    },
    Migration {
        name: "activities_20261122_leave",
        sql: leave::TABLES,
    },
    Migration {
        name: "activities_20261122_votes",
        sql: votes::TABLES,
    },
    Migration {
        name: "activities_20261122_reflections",
        sql: reflection::TABLES,
    },
    Migration {
        name: "activities_20261122_part_minutes",
        sql: "ALTER TABLE activity_part ADD COLUMN minutes BIGINT;",
    },
    Migration {
        name: "activities_20261122_decisions",
        sql: decisions::TABLES,
    },
    Migration {
        name: "activities_20261122_opinions",
        sql: opinions::TABLES,
    },
    Migration {
        name: "activities_20261122_participants",
        sql: participants::TABLES,
    },
    Migration {
        name: "activities_20261122_speeches",
        sql: speeches::TABLES,
    },
    Migration {
        name: "activities_20261122_history",
        sql: history::TABLES,
    },
];

/// The titles of activities.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql =
            format!("SELECT id, title FROM activity WHERE NOT confidential AND id IN ({list})");
        for row in tx.query(sql, args).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

const COLUMNS: &str = "a.id, a.kind, a.host, a.title, a.date, a.starts, a.ends, a.minutes, a.location, a.late, \
     a.recorded_at, a.recorded_by, a.reversed_at, a.reversed_by, a.reversal_reason, a.recorded_for, a.changes, \
     a.confirmed_at, a.confirmed_by, a.returned_at, a.level, a.confidential, a.body, a.fields, a.series, a.issue, a.session, \
     a.pair_person, a.pair_other, a.audience";
/// How many they are.
const WIDTH: usize = 30;

fn read(row: &Row) -> Result<Activity> {
    let fields: String = row.get(23)?;
    Ok(Activity {
        id: row.get(0)?,
        kind: row.get(1)?,
        host: row.get(2)?,
        title: row.get(3)?,
        date: row.get(4)?,
        starts: row.get(5)?,
        ends: row.get(6)?,
        minutes: row.get(7)?,
        location: row.get(8)?,
        late: row.get(9)?,
        recorded_at: row.get(10)?,
        recorded_by: row.get(11)?,
        reversed_at: row.get(12)?,
        reversed_by: row.get(13)?,
        reversal_reason: row.get(14)?,
        recorded_for: row.get(15)?,
        changes: row.get(16)?,
        confirmed_at: row.get(17)?,
        confirmed_by: row.get(18)?,
        returned_at: row.get(19)?,
        level: row.get(20)?,
        confidential: row.get(21)?,
        body: row.get(22)?,
        audience: row.get(29)?,
        fields: serde_json::from_str(&fields).map_err(Error::internal)?,
        session: match (row.get(24)?, row.get(25)?, row.get(26)?) {
            (Some(series), Some(issue), Some(session)) => Some(InSeries {
                series,
                issue,
                session,
            }),
            _ => None,
        },
        pair: match (row.get(27)?, row.get(28)?) {
            (Some(person), Some(other)) => Some(Pair { person, other }),
            _ => None,
        },
    })
}

/// Writes an activity; false when its id is already there (sent twice).
pub(crate) async fn insert(tx: &mut Tx, a: &Activity) -> Result<bool> {
    let added = tx
        .execute(
            "INSERT INTO activity (id, kind, host, title, date, starts, ends, minutes, location, late, recorded_at,
             recorded_by, recorded_for, level, confidential, body, fields, series, issue, session, pair_person,
             pair_other, audience)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
             $22, $23) ON CONFLICT (id) DO NOTHING",
            args![
                a.id, a.kind.as_str(), a.host, a.title.as_str(), a.date, a.starts, a.ends, a.minutes,
                a.location.as_str(), a.late, a.recorded_at, a.recorded_by, a.recorded_for, a.level.as_str(),
                a.confidential, a.body, details::fields_text(&a.fields)?, a.session.map(|s| s.series),
                a.session.map(|s| s.issue), a.session.map(|s| s.session), a.pair.map(|p| p.person),
                a.pair.map(|p| p.other), a.audience
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Adds lines to rosters; gives those that were new.
pub(crate) async fn insert_parts(
    tx: &mut Tx,
    parts: &[(ActivityId, Part, FactId)],
) -> Result<Vec<(ActivityId, PersonId)>> {
    let mut added = Vec::new();
    for chunk in parts.chunks(500) {
        let mut a = Args::with_capacity(chunk.len() * 6);
        for (activity, part, fact) in chunk {
            a.add(*activity);
            a.add(part.person);
            a.add(part.unit);
            a.add(part.role.code());
            a.add(*fact);
            a.add(part.minutes);
        }
        let rows = tx
            .query(
                format!(
                    "INSERT INTO activity_part (activity, person, unit, role, fact, minutes) VALUES {}
                     ON CONFLICT (activity, person) DO NOTHING RETURNING activity, person",
                    Args::values(chunk.len(), 6)
                ),
                a,
            )
            .await?;
        for row in &rows {
            added.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(added)
}

/// These activities, kept from being taken back until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx, ids: &[ActivityId]) -> Result<HashMap<ActivityId, Activity>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let columns = COLUMNS.replace("a.", "");
    let rows = tx
        .query(
            format!("UPDATE activity SET late = late WHERE id IN ({list}) RETURNING {columns}"),
            a,
        )
        .await?;
    rows.iter()
        .map(|row| read(row).map(|a| (a.id, a)))
        .collect()
}

/// The parts that people have, of these lines of rosters.
pub(crate) async fn roles(
    tx: &mut Tx,
    lines: &[(ActivityId, PersonId)],
) -> Result<HashMap<(ActivityId, PersonId), Role>> {
    let mut found = HashMap::new();
    for chunk in lines.chunks(500) {
        let mut a = Args::with_capacity(chunk.len() * 2);
        for (activity, person) in chunk {
            a.add(*activity);
            a.add(*person);
        }
        let rows = tx
            .query(
                format!(
                    "SELECT activity, person, role FROM activity_part
                     WHERE (activity, person) IN (VALUES {})",
                    Args::values(chunk.len(), 2)
                ),
                a,
            )
            .await?;
        for row in &rows {
            found.insert((row.get(0)?, row.get(1)?), role(row, 2)?);
        }
    }
    Ok(found)
}

fn role(row: &Row, column: usize) -> Result<Role> {
    let code: String = row.get(column)?;
    Role::from_code(&code).ok_or_else(|| Error::internal(format!("no such part: {code}")))
}

/// Changes a person's part; false when it was changed meanwhile.
pub(crate) async fn change_part(
    tx: &mut Tx,
    activity: ActivityId,
    person: PersonId,
    old: FactId,
    role: Role,
    fact: FactId,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE activity_part SET role = $4, fact = $5 WHERE activity = $1 AND person = $2 AND fact = $3",
            args![activity, person, old, role.code(), fact],
        )
        .await?;
    Ok(changed == 1)
}

/// Marks an activity as taken back; false when it already was.
pub(crate) async fn reverse(
    tx: &mut Tx,
    id: ActivityId,
    at: Timestamp,
    by: AccountId,
    reason: &str,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE activity SET reversed_at = $2, reversed_by = $3, reversal_reason = $4
             WHERE id = $1 AND reversed_at IS NULL",
            args![id, at, by, reason],
        )
        .await?;
    Ok(changed == 1)
}

/// Gives an activity another level of secrecy; false when it was changed meanwhile.
pub(crate) async fn change_level(
    tx: &mut Tx,
    id: ActivityId,
    from: &str,
    to: &str,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE activity SET level = $3 WHERE id = $1 AND level = $2",
            args![id, from, to],
        )
        .await?;
    Ok(changed == 1)
}

/// An activity in a scope.
pub(crate) async fn activity(tx: &mut Tx, id: ActivityId, view: &View) -> Result<Activity> {
    let mut a = args![id];
    let scope = view.sql(&mut a);
    let row = tx
        .optional(
            format!("SELECT {COLUMNS} FROM activity a WHERE a.id = $1 AND {scope}"),
            a,
        )
        .await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// These activities.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Activity>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!("SELECT {COLUMNS} FROM activity a WHERE a.id IN ({list}) ORDER BY a.id DESC");
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Activities after one, in order of id; what is confidential is not found by its words.
pub(crate) async fn after(tx: &mut Tx, id: Id, limit: i64) -> Result<Vec<Activity>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM activity a WHERE a.id > $1 AND NOT a.confidential ORDER BY a.id LIMIT $2"
    );
    tx.query(sql, args![id, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The roster of an activity with the fact behind each line.
pub(crate) async fn parts(tx: &mut Tx, id: ActivityId) -> Result<Vec<(Part, FactId)>> {
    let rows = tx
        .query(
            "SELECT p.person, p.unit, p.role, p.fact, p.minutes FROM activity_part p
             JOIN person q ON q.id = p.person WHERE p.activity = $1 ORDER BY q.staff_no",
            args![id],
        )
        .await?;
    rows.iter()
        .map(|r| {
            Ok((
                Part {
                    person: r.get(0)?,
                    unit: r.get(1)?,
                    role: role(r, 2)?,
                    minutes: r.get(4)?,
                },
                r.get(3)?,
            ))
        })
        .collect()
}

/// Makes those who record for a host follow one another until the transaction ends, so that none
/// overlooks what another is just writing.
pub(crate) async fn take_turn(tx: &mut Tx, host: UnitId) -> Result<()> {
    tx.execute(
        "INSERT INTO activity_turn (host) VALUES ($1) ON CONFLICT (host) DO UPDATE SET host = excluded.host",
        args![host],
    )
    .await
    .map(|_| ())
}

/// Whether another standing activity of the same kind and host overlaps in time.
pub(crate) async fn overlaps(tx: &mut Tx, activity: &Activity) -> Result<bool> {
    let other = tx
        .optional(
            "SELECT id FROM activity WHERE host = $1 AND kind = $2 AND reversed_at IS NULL
             AND starts < $4 AND ends > $3 AND id <> $5 LIMIT 1",
            args![
                activity.host,
                activity.kind.as_str(),
                activity.starts,
                activity.ends,
                activity.id
            ],
        )
        .await?;
    Ok(other.is_some())
}

/// What a list of activities asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) under: Option<UnitId>,
    pub(crate) kind: Option<String>,
    /// Any of these kinds.
    pub(crate) kinds: Option<Vec<String>>,
    pub(crate) series: Option<Id>,
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) standing: Option<bool>,
    pub(crate) confirmation: Option<Confirmation>,
    pub(crate) level: Option<String>,
    /// Not recorded by or for these.
    pub(crate) not_of: Vec<AccountId>,
}

impl Filter {
    fn sql(&self, view: &View, a: &mut Args) -> String {
        let mut sql = view.sql(a);
        if let Some(unit) = self.under {
            let under = organization::scope_sql(&Scope::Under(vec![unit]), "a.host", a);
            sql += &format!(" AND {under}");
        }
        if let Some(kind) = &self.kind {
            sql += &format!(" AND a.kind = {}", a.push(kind));
        }
        if let Some(kinds) = &self.kinds {
            let list = a.list(kinds.iter());
            sql += &match kinds.is_empty() {
                true => " AND 1=0".to_owned(),
                false => format!(" AND a.kind IN ({list})"),
            };
        }
        if let Some(series) = self.series {
            sql += &format!(" AND a.series = {}", a.push(series));
        }
        if let Some(level) = &self.level {
            sql += &format!(" AND a.level = {}", a.push(level));
        }
        if let Some(from) = self.from {
            sql += &format!(" AND a.date >= {}", a.push(from));
        }
        if let Some(to) = self.to {
            sql += &format!(" AND a.date <= {}", a.push(to));
        }
        match self.standing {
            Some(true) => sql += " AND a.reversed_at IS NULL",
            Some(false) => sql += " AND a.reversed_at IS NOT NULL",
            None => {}
        }
        match self.confirmation {
            Some(Confirmation::Waiting) => {
                sql += " AND a.confirmed_at IS NULL AND a.returned_at IS NULL AND a.reversed_at IS NULL"
            }
            Some(Confirmation::Confirmed) => sql += " AND a.confirmed_at IS NOT NULL",
            Some(Confirmation::Returned) => {
                sql += " AND a.returned_at IS NOT NULL AND a.reversed_at IS NULL"
            }
            None => {}
        }
        if !self.not_of.is_empty() {
            let list = a.list(self.not_of.iter().copied());
            sql += &format!(
                " AND a.recorded_by NOT IN ({list})
                  AND (a.recorded_for IS NULL OR a.recorded_for NOT IN ({list}))"
            );
        }
        sql
    }
}

/// Activities in a scope, newest first, with how many were there and how many should have been.
pub(crate) async fn list(
    tx: &mut Tx,
    view: &View,
    filter: &Filter,
    order: Order,
    limit: i64,
    offset: i64,
) -> Result<Vec<(Activity, i64, i64)>> {
    let mut a = Args::new();
    let conditions = filter.sql(view, &mut a);
    let (limit, offset) = (a.push(limit), a.push(offset));
    let order = match (order.by, order.down) {
        // Ids rise with the time of recording.
        ("recorded", true) => "a.id DESC",
        ("recorded", false) => "a.id",
        (_, true) => "a.date DESC, a.id DESC",
        (_, false) => "a.date, a.id",
    };
    let rows = tx
        .query(
            format!(
                "SELECT {COLUMNS},
                   CAST((SELECT COUNT(*) FROM activity_part p WHERE p.activity = a.id AND p.role = 'present') AS BIGINT),
                   CAST((SELECT COUNT(*) FROM activity_part p WHERE p.activity = a.id AND p.role <> 'observer') AS BIGINT)
                 FROM activity a WHERE {conditions} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
            ),
            a,
        )
        .await?;
    rows.iter()
        .map(|r| Ok((read(r)?, r.get(WIDTH)?, r.get(WIDTH + 1)?)))
        .collect()
}

/// How many there are.
pub(crate) async fn count(tx: &mut Tx, view: &View, filter: &Filter) -> Result<i64> {
    let mut a = Args::new();
    let conditions = filter.sql(view, &mut a);
    tx.one(
        format!("SELECT CAST(COUNT(*) AS BIGINT) FROM activity a WHERE {conditions}"),
        a,
    )
    .await?
    .get(0)
}

/// People by staff number, with the unit they are counted in on a day.
pub(crate) async fn people_by_staff_no(
    tx: &mut Tx,
    numbers: &[String],
    date: Date,
) -> Result<Vec<(String, PersonId, Option<UnitId>)>> {
    let mut a = args![date];
    let list = a.list(numbers.iter());
    let rows = tx
        .query(
            format!(
                "SELECT p.staff_no, p.id, s.unit FROM person p
                 LEFT JOIN assignment s ON s.person = p.id AND s.is_primary AND s.from_date <= $1
                   AND (s.to_date IS NULL OR s.to_date >= $1)
                 WHERE p.staff_no IN ({list})"
            ),
            a,
        )
        .await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .collect()
}
