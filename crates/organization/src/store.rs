//! The SQL of units and people.

mod audience;
mod bodies;
mod census;
mod history;
mod identity;
mod import;
mod past;
mod people;
mod spells;
mod ties;

use std::collections::{BTreeMap, HashMap};

use db::{Args, Migration, Row, Tx, args};
use kernel::{Date, PersonId, Result, Scope, Timestamp, UnitId};
use web::table::Order;

pub(crate) use audience::*;
pub(crate) use bodies::*;
pub(crate) use census::*;
pub(crate) use history::*;
pub(crate) use identity::*;
pub(crate) use import::*;
pub(crate) use past::*;
pub(crate) use people::*;
pub use people::{described, in_body, in_post, serving, values_of};
pub(crate) use spells::spells;
pub use spells::{Spell, seat_spells, spells_of, trait_spells};
pub(crate) use ties::*;

use crate::model::{Assignment, Nature, Person, RosterEntry, Tree, Unit, changed_paths};

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "organization_20261121_tables",
        sql: "
        CREATE TABLE unit (
            id {blob} PRIMARY KEY,
            parent {blob} REFERENCES unit (id),
            code TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            category TEXT NOT NULL,
            sort BIGINT NOT NULL,
            from_date TEXT NOT NULL,
            to_date TEXT);
        CREATE INDEX unit_parent ON unit (parent);
        CREATE TABLE unit_tree (
            ancestor {blob} NOT NULL REFERENCES unit (id),
            unit {blob} NOT NULL REFERENCES unit (id),
            depth BIGINT NOT NULL,
            PRIMARY KEY (ancestor, unit)) {clustered};
        CREATE INDEX unit_tree_unit ON unit_tree (unit, depth);
        CREATE TABLE person (
            id {blob} PRIMARY KEY,
            staff_no TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            initials TEXT NOT NULL,
            created_at BIGINT NOT NULL);
        CREATE TABLE assignment (
            id {blob} PRIMARY KEY,
            person {blob} NOT NULL REFERENCES person (id),
            unit {blob} NOT NULL REFERENCES unit (id),
            post TEXT NOT NULL,
            from_date TEXT NOT NULL,
            to_date TEXT,
            is_primary BOOLEAN NOT NULL);
        CREATE INDEX assignment_person ON assignment (person, from_date);
        CREATE INDEX assignment_unit ON assignment (unit, from_date);
        CREATE UNIQUE INDEX assignment_primary ON assignment (person, from_date) WHERE is_primary;
        CREATE TABLE organization_version (id BIGINT PRIMARY KEY, version BIGINT NOT NULL);
        INSERT INTO organization_version (id, version) VALUES (1, 0)",
    },
    Migration {
        name: "organization_20261122_unit_history",
        sql: "
        CREATE TABLE unit_state (
            unit {blob} NOT NULL REFERENCES unit (id),
            from_date TEXT NOT NULL,
            parent {blob} REFERENCES unit (id),
            name TEXT NOT NULL,
            category TEXT NOT NULL,
            PRIMARY KEY (unit, from_date)) {clustered};
        INSERT INTO unit_state (unit, from_date, parent, name, category)
            SELECT id, from_date, parent, name, category FROM unit;
        CREATE TABLE unit_change (
            id {blob} PRIMARY KEY,
            kind TEXT NOT NULL,
            date TEXT NOT NULL,
            basis TEXT NOT NULL,
            recorded_at BIGINT NOT NULL,
            recorded_by {blob});
        CREATE TABLE unit_change_part (
            change {blob} NOT NULL REFERENCES unit_change (id),
            unit {blob} NOT NULL REFERENCES unit (id),
            part TEXT NOT NULL,
            PRIMARY KEY (change, unit, part)) {clustered};
        CREATE INDEX unit_change_part_unit ON unit_change_part (unit);
        ALTER TABLE organization_version ADD COLUMN units BIGINT NOT NULL DEFAULT 0",
    },
    Migration {
        name: "organization_20261122_person_attributes",
        sql: "
        CREATE TABLE person_attribute (
            person {blob} NOT NULL REFERENCES person (id),
            attribute TEXT NOT NULL,
            from_date TEXT NOT NULL,
            value TEXT NOT NULL,
            recorded_at BIGINT NOT NULL,
            recorded_by {blob},
            PRIMARY KEY (person, attribute, from_date)) {clustered};
        CREATE INDEX person_attribute_value ON person_attribute (attribute, value)",
    },
    Migration {
        name: "organization_20261122_audiences",
        sql: "
        CREATE TABLE audience (
            id {blob} PRIMARY KEY,
            name TEXT NOT NULL,
            unit {blob} NOT NULL REFERENCES unit (id),
            rule TEXT NOT NULL,
            recorded_at BIGINT NOT NULL,
            recorded_by {blob} NOT NULL,
            dropped_at BIGINT);
        CREATE INDEX audience_unit ON audience (unit)",
    },
    Migration {
        name: "organization_20261122_bodies",
        sql: "
        CREATE TABLE body (
            id {blob} PRIMARY KEY,
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            unit {blob} NOT NULL REFERENCES unit (id),
            charter TEXT NOT NULL,
            from_date TEXT NOT NULL,
            to_date TEXT,
            recorded_at BIGINT NOT NULL);
        CREATE INDEX body_unit ON body (unit);
        CREATE TABLE body_member (
            id {blob} PRIMARY KEY,
            body {blob} NOT NULL REFERENCES body (id),
            person {blob} NOT NULL REFERENCES person (id),
            role TEXT NOT NULL,
            from_date TEXT NOT NULL,
            to_date TEXT,
            UNIQUE (body, person, from_date));
        CREATE INDEX body_member_person ON body_member (person)",
    },
    import::MIGRATION,
    identity::MIGRATION,
    ties::MIGRATION,
    Migration {
        name: "organization_20261122_words",
        sql: "
        ALTER TABLE person RENAME COLUMN initials TO words;
        UPDATE person SET words = LOWER(staff_no) || '\n' || LOWER(name) || '\n' || words WHERE erased_at IS NULL",
    },
    Migration {
        name: "organization_20261122_credit_codes",
        sql: "
        ALTER TABLE unit ADD COLUMN credit_code TEXT;
        CREATE UNIQUE INDEX unit_credit_code ON unit (credit_code) WHERE to_date IS NULL",
    },
    Migration {
        name: "organization_20261122_natures",
        sql: "
        ALTER TABLE assignment_row ADD COLUMN nature TEXT NOT NULL DEFAULT '';
        DROP VIEW assignment;
        CREATE VIEW assignment AS
            SELECT r.id, r.person, r.unit, r.post, r.from_date, r.to_date, r.is_primary, r.nature
            FROM assignment_row r
            WHERE r.batch <= (SELECT v.shown FROM organization_version v WHERE v.id = 1)",
    },
    Migration {
        name: "organization_20261122_counted_by_unit",
        // Whoever counts the people of units finds all it asks in the index.
        sql: "
        DROP INDEX assignment_unit;
        CREATE INDEX assignment_unit ON assignment_row (unit, from_date, to_date, is_primary, person, batch)",
    },
];

/// `column IN (the units a scope reaches)` for a WHERE clause; adds its arguments.
/// [`Scope::All`] gives `1=1`, a scope that reaches nothing `1=0`.
pub fn scope_sql(scope: &Scope, column: &str, args: &mut Args) -> String {
    match scope {
        Scope::All => "1=1".to_owned(),
        Scope::Under(roots) if roots.is_empty() => "1=0".to_owned(),
        Scope::Under(roots) => {
            let roots = args.list(roots.iter().copied());
            format!("{column} IN (SELECT unit FROM unit_tree WHERE ancestor IN ({roots}))")
        }
    }
}

pub(crate) async fn version(tx: &mut Tx) -> Result<i64> {
    let sql = "SELECT version FROM organization_version WHERE id = 1";
    tx.one(sql, args![]).await?.get(0)
}

const UNIT: &str = "u.id, u.parent, u.code, u.name, u.category, u.sort, u.from_date, u.to_date, COALESCE(u.credit_code, '')";

fn unit(row: &Row) -> Result<Unit> {
    Ok(Unit {
        id: row.get(0)?,
        parent: row.get(1)?,
        code: row.get(2)?,
        name: row.get(3)?,
        category: row.get(4)?,
        sort: row.get(5)?,
        from: row.get(6)?,
        to: row.get(7)?,
        credit_code: row.get(8)?,
    })
}

/// The units in a scope whose `condition` holds, by place and code.
pub(crate) async fn units(
    tx: &mut Tx,
    scope: &Scope,
    condition: &str,
    mut args: Args,
) -> Result<Vec<Unit>> {
    let scope = scope_sql(scope, "u.id", &mut args);
    let sql = format!(
        "SELECT {UNIT} FROM unit u WHERE ({condition}) AND {scope} ORDER BY u.sort, u.code"
    );
    tx.query(sql, args).await?.iter().map(unit).collect()
}

pub(crate) async fn tree(tx: &mut Tx) -> Result<Tree> {
    Ok(Tree::new(units(tx, &Scope::All, "1=1", args![]).await?))
}

/// The units from the top down to each of these, themselves included.
pub async fn paths(tx: &mut Tx, units: &[UnitId]) -> Result<HashMap<UnitId, Vec<UnitId>>> {
    let mut args = Args::new();
    let list = args.list(units.iter().copied());
    let sql = format!(
        "SELECT unit, ancestor FROM unit_tree WHERE unit IN ({list}) ORDER BY unit, depth DESC"
    );
    let mut paths: HashMap<UnitId, Vec<UnitId>> = HashMap::new();
    for row in tx.query(sql, args).await? {
        paths.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(paths)
}

/// Writes units and what follows from their place. `before` is the tree they are changed in.
pub(crate) async fn put_units(
    tx: &mut Tx,
    before: &Tree,
    after: &Tree,
    changed: &[Unit],
) -> Result<()> {
    // A unit is written after the one above it.
    let mut changed: Vec<&Unit> = changed.iter().collect();
    changed.sort_by_cached_key(|u| (after.path(u.id).map_or(0, |p| p.len()), u.id));
    // Who gives a code up does so before another one takes it.
    let gives = |u: &&&Unit| {
        before
            .get(u.id)
            .is_some_and(|b| b.credit_code != u.credit_code)
    };
    let give: Vec<UnitId> = changed.iter().filter(gives).map(|u| u.id).collect();
    for chunk in give.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        tx.execute(
            format!("UPDATE unit SET credit_code = NULL WHERE id IN ({list})"),
            args,
        )
        .await?;
    }
    let mut rows = Args::with_capacity(changed.len() * 9);
    for u in changed {
        rows.add(u.id);
        rows.add(u.parent);
        rows.add(&u.code);
        rows.add(&u.name);
        rows.add(&u.category);
        rows.add(u.sort);
        rows.add(u.from);
        rows.add(u.to);
        rows.add(Some(u.credit_code.clone()).filter(|c| !c.is_empty()));
    }
    tx.insert_many(
        "INSERT INTO unit (id, parent, code, name, category, sort, from_date, to_date, credit_code) VALUES",
        9,
        "ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, name = excluded.name,
            category = excluded.category, sort = excluded.sort,
            from_date = excluded.from_date, to_date = excluded.to_date,
            credit_code = excluded.credit_code",
        rows,
    )
    .await?;
    let moved = changed_paths(before, after);
    for chunk in moved.chunks(500) {
        let mut gone = Args::new();
        let list = gone.list(chunk.iter().map(|(unit, _)| *unit));
        tx.execute(
            format!("DELETE FROM unit_tree WHERE unit IN ({list})"),
            gone,
        )
        .await?;
    }
    let mut rows = Args::new();
    for (unit, path) in &moved {
        for (depth, ancestor) in (0_i64..).zip(path.iter().rev()) {
            rows.add(*ancestor);
            rows.add(*unit);
            rows.add(depth);
        }
    }
    tx.insert_many(
        "INSERT INTO unit_tree (ancestor, unit, depth) VALUES",
        3,
        "",
        rows,
    )
    .await?;
    Ok(())
}

/// What is known of people, by staff number.
pub(crate) type Known = BTreeMap<String, (Person, Vec<Assignment>)>;

/// The people with these staff numbers and all their assignments.
pub(crate) async fn people(tx: &mut Tx, staff_nos: &[&str]) -> Result<Known> {
    let mut known = Known::new();
    for chunk in staff_nos.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT p.id, p.staff_no, p.name, a.id, a.unit, a.post, a.from_date, a.to_date, a.is_primary, a.nature
             FROM person p LEFT JOIN assignment a ON a.person = p.id
             WHERE p.staff_no IN ({list}) ORDER BY p.id, a.from_date, a.id"
        );
        for row in tx.query(sql, args).await? {
            let person = Person {
                id: row.get(0)?,
                staff_no: row.get(1)?,
                name: row.get(2)?,
            };
            let entry = known.entry(person.staff_no.clone());
            let (_, assignments) = entry.or_insert_with(|| (person, Vec::new()));
            if let Some(id) = row.get(3)? {
                assignments.push(Assignment {
                    id,
                    unit: row.get(4)?,
                    post: row.get(5)?,
                    from: row.get(6)?,
                    to: row.get(7)?,
                    primary: row.get(8)?,
                    nature: Nature::from_code(&row.get::<String>(9)?),
                });
            }
        }
    }
    Ok(known)
}

/// Writes people and assignments, new and changed ones alike.
pub(crate) async fn put_people(
    tx: &mut Tx,
    people: &[Person],
    assignments: &[(PersonId, Assignment)],
    now: Timestamp,
) -> Result<()> {
    let mut rows = Args::with_capacity(people.len() * 5);
    for p in people {
        rows.add(p.id);
        rows.add(&p.staff_no);
        rows.add(&p.name);
        rows.add(p.words());
        rows.add(now);
    }
    tx.insert_many(
        "INSERT INTO person (id, staff_no, name, words, created_at) VALUES",
        5,
        "ON CONFLICT (id) DO UPDATE SET staff_no = excluded.staff_no, name = excluded.name,
            words = excluded.words",
        rows,
    )
    .await?;
    let mut rows = Args::with_capacity(assignments.len() * 8);
    for (person, a) in assignments {
        rows.add(a.id);
        rows.add(*person);
        rows.add(a.unit);
        rows.add(&a.post);
        rows.add(a.from);
        rows.add(a.to);
        rows.add(a.primary);
        rows.add(a.nature.code());
    }
    tx.insert_many(
        "INSERT INTO assignment_row (id, person, unit, post, from_date, to_date, is_primary, nature) VALUES",
        8,
        "ON CONFLICT (id) DO UPDATE SET unit = excluded.unit, post = excluded.post,
            to_date = excluded.to_date, nature = excluded.nature",
        rows,
    )
    .await?;
    Ok(())
}

/// Who holds a primary assignment on the day `$1`.
const ON_DAY: &str =
    "a.is_primary AND a.from_date <= $1 AND (a.to_date IS NULL OR a.to_date >= $1)";

const ROSTER: &str = "SELECT p.id, p.staff_no, p.name, u.id, u.name, a.post";

const ROSTER_FROM: &str =
    "FROM assignment a JOIN person p ON p.id = a.person JOIN unit u ON u.id = a.unit";

fn entry(row: &Row) -> Result<RosterEntry> {
    Ok(RosterEntry {
        person: row.get(0)?,
        staff_no: row.get(1)?,
        name: row.get(2)?,
        unit: row.get(3)?,
        unit_name: row.get(4)?,
        post: row.get(5)?,
    })
}

/// Which people are asked for.
#[derive(Debug, Clone)]
pub struct RosterQuery {
    /// The unit they belong to.
    pub unit: UnitId,
    /// The day.
    pub date: Date,
    /// Whether the units below it count too.
    pub subtree: bool,
    /// Part of a name, staff number or of pinyin initials; empty: everybody.
    pub text: String,
    /// By `name`, `staff_no` or `unit`; none: unit by unit, as rosters are written.
    pub order: Option<Order>,
}

impl RosterQuery {
    /// Everybody of a unit on a day.
    pub fn new(unit: UnitId, date: Date, subtree: bool) -> Self {
        Self {
            unit,
            date,
            subtree,
            text: String::new(),
            order: None,
        }
    }

    fn order(&self) -> String {
        let way = self.order.map_or("ASC", Order::way);
        match self.order.map_or("unit", |o| o.by) {
            "name" => format!("p.name {way}, p.staff_no {way}"),
            "staff_no" => format!("p.staff_no {way}"),
            _ => format!("u.sort {way}, u.code {way}, p.staff_no"),
        }
    }

    /// The rows that are asked for, from `assignment` on, and its arguments.
    fn sql(&self, scope: &Scope) -> (String, Args) {
        let mut args = args![self.date, self.unit];
        let units = if self.subtree {
            "a.unit IN (SELECT unit FROM unit_tree WHERE ancestor = $2)"
        } else {
            "a.unit = $2"
        };
        let text = if self.text.trim().is_empty() {
            "1=1".to_owned()
        } else {
            person_like(&args.push(anywhere(&self.text)))
        };
        let scope = scope_sql(scope, "a.unit", &mut args);
        let sql = format!("{ROSTER_FROM} WHERE {ON_DAY} AND {units} AND {text} AND {scope}");
        (sql, args)
    }
}

pub(crate) async fn roster(
    tx: &mut Tx,
    query: &RosterQuery,
    scope: &Scope,
    page: Option<(i64, i64)>,
) -> Result<Vec<RosterEntry>> {
    let (from, mut args) = query.sql(scope);
    let mut sql = format!("{ROSTER} {from} ORDER BY {}", query.order());
    if let Some((limit, offset)) = page {
        let (limit, offset) = (args.push(limit), args.push(offset));
        sql = format!("{sql} LIMIT {limit} OFFSET {offset}");
    }
    tx.query(sql, args).await?.iter().map(entry).collect()
}

/// Rows of the rosters of some units, all of them seen, in the order of [`roster`].
pub(crate) async fn roster_of(
    tx: &mut Tx,
    units: &[UnitId],
    date: Date,
    limit: i64,
    offset: i64,
) -> Result<Vec<RosterEntry>> {
    let (mut found, mut skip) = (Vec::new(), offset);
    // A whole roster is one page of very many units.
    for chunk in units.chunks(5_000) {
        let mut args = args![date];
        let list = args.list(chunk.iter().copied());
        let left = limit.saturating_sub(found.len() as i64);
        let (limit, offset) = (args.push(left), args.push(skip));
        let sql = format!(
            "{ROSTER} {ROSTER_FROM} WHERE {ON_DAY} AND a.unit IN ({list})
             ORDER BY u.sort, u.code, p.staff_no LIMIT {limit} OFFSET {offset}"
        );
        for row in tx.query(sql, args).await? {
            found.push(entry(&row)?);
        }
        // What is left out stands in the first unit.
        skip = 0;
    }
    Ok(found)
}

/// How many people each unit has of its own on a day.
pub(crate) async fn own_counts(tx: &mut Tx, date: Date) -> Result<Vec<(UnitId, i64)>> {
    let sql = format!(
        "SELECT a.unit, CAST(COUNT(*) AS BIGINT) FROM assignment a WHERE {ON_DAY} GROUP BY a.unit"
    );
    let rows = tx.query(sql, args![date]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

pub(crate) async fn roster_count(tx: &mut Tx, query: &RosterQuery, scope: &Scope) -> Result<i64> {
    let (from, args) = query.sql(scope);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    tx.one(sql, args).await?.get(0)
}

fn person_like(pattern: &str) -> String {
    format!("p.words LIKE {pattern} ESCAPE '!'")
}

pub(crate) async fn units_of(
    tx: &mut Tx,
    people: &[PersonId],
    date: Date,
) -> Result<HashMap<PersonId, UnitId>> {
    let mut found = HashMap::new();
    for chunk in people.chunks(5_000) {
        let mut args = args![date];
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT a.person, a.unit FROM assignment a WHERE {ON_DAY} AND a.person IN ({list})"
        );
        for row in tx.query(sql, args).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// The units people are counted in, each on a day of its own.
pub(crate) async fn units_on(
    tx: &mut Tx,
    wanted: &[(PersonId, Date)],
) -> Result<HashMap<(PersonId, Date), UnitId>> {
    let mut days: HashMap<PersonId, Vec<Date>> = HashMap::new();
    for (person, date) in wanted {
        days.entry(*person).or_default().push(*date);
    }
    let people: Vec<PersonId> = days.keys().copied().collect();
    let mut found = HashMap::new();
    for chunk in people.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT person, unit, from_date, to_date FROM assignment
             WHERE is_primary AND person IN ({list})"
        );
        for row in tx.query(sql, args).await? {
            let (person, unit): (PersonId, UnitId) = (row.get(0)?, row.get(1)?);
            let (from, to): (Date, Option<Date>) = (row.get(2)?, row.get(3)?);
            for day in &days[&person] {
                if *day >= from && to.is_none_or(|to| *day <= to) {
                    found.insert((person, *day), unit);
                }
            }
        }
    }
    Ok(found)
}

pub(crate) async fn unit_names(tx: &mut Tx, ids: &[UnitId]) -> Result<HashMap<UnitId, String>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!("SELECT id, name FROM unit WHERE id IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// The names of these people.
pub async fn person_names(tx: &mut Tx, ids: &[PersonId]) -> Result<HashMap<PersonId, String>> {
    let mut names = HashMap::new();
    for chunk in ids.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!("SELECT id, name FROM person WHERE id IN ({list})");
        for row in tx.query(sql, args).await? {
            names.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(names)
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

pub(crate) async fn search_people(
    tx: &mut Tx,
    words: &[String],
    date: Date,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<RosterEntry>> {
    let mut args = args![date];
    let mut conditions = Vec::new();
    for word in words {
        let pattern = args.push(anywhere(word));
        let mut condition = person_like(&pattern);
        if words.len() > 1 {
            condition = format!("({condition} OR LOWER(u.name) LIKE {pattern} ESCAPE '!')");
        }
        conditions.push(condition);
    }
    let words = conditions.join(" AND ");
    let scope = scope_sql(scope, "a.unit", &mut args);
    let limit = args.push(limit);
    let sql = format!(
        "{ROSTER} {ROSTER_FROM} WHERE {ON_DAY} AND {words} AND {scope} ORDER BY p.staff_no LIMIT {limit}"
    );
    tx.query(sql, args).await?.iter().map(entry).collect()
}
