//! All SQL of the bank.

use std::collections::{BTreeMap, HashMap, HashSet};

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Error, Id, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::{Order, Window};

use crate::bank::{Act, Bank, Filter, Head, State, Version};
use crate::model::{Kind, Question};

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[BANK_TABLES, COUNTS, LISTED];

/// Lists are counted and put in order from an index alone: rows hold long texts.
const LISTED: Migration = Migration {
    name: "questions_20261123_listed",
    sql: "
        CREATE INDEX question_listed ON question (bank, changed_at, id, unit, state, kind, difficulty)",
};

/// Counters of what examinations may draw: counting hundreds of thousands anew for each blueprint takes too long.
const COUNTS: Migration = Migration {
    name: "questions_20261122_counts",
    sql: "
        CREATE TABLE question_count (
            point {blob} NOT NULL REFERENCES question_point (id),
            kind TEXT NOT NULL,
            difficulty BIGINT NOT NULL,
            number BIGINT NOT NULL,
            PRIMARY KEY (point, kind, difficulty)) {clustered};
        INSERT INTO question_count (point, kind, difficulty, number)
            SELECT point, kind, difficulty, COUNT(*) FROM question_pick WHERE used = 1 GROUP BY point, kind, difficulty",
};

const BANK_TABLES: Migration = Migration {
    name: "questions_20261122_bank",
    sql: "
        CREATE TABLE question_bank (
            id {blob} PRIMARY KEY,
            unit {blob} NOT NULL,
            name TEXT NOT NULL,
            sealed BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            UNIQUE (unit, name));
        CREATE TABLE question (
            id {blob} PRIMARY KEY,
            bank {blob} NOT NULL REFERENCES question_bank (id),
            unit {blob} NOT NULL,
            version BIGINT NOT NULL,
            used BIGINT NOT NULL,
            state TEXT NOT NULL,
            kind TEXT NOT NULL,
            difficulty BIGINT NOT NULL,
            stem TEXT NOT NULL,
            points TEXT NOT NULL,
            digest {blob} NOT NULL,
            changed_at BIGINT NOT NULL,
            UNIQUE (bank, digest));
        CREATE INDEX question_state ON question (state, bank);
        CREATE INDEX question_changed ON question (changed_at);
        CREATE TABLE question_version (
            question {blob} NOT NULL REFERENCES question (id),
            version BIGINT NOT NULL,
            content TEXT NOT NULL,
            note TEXT NOT NULL,
            by_account {blob},
            on_behalf {blob},
            at BIGINT NOT NULL,
            PRIMARY KEY (question, version)) {clustered};
        CREATE TABLE question_act (
            id {blob} PRIMARY KEY,
            question {blob} NOT NULL REFERENCES question (id),
            version BIGINT NOT NULL,
            act TEXT NOT NULL,
            by_account {blob},
            on_behalf {blob},
            reason TEXT NOT NULL,
            at BIGINT NOT NULL);
        CREATE INDEX question_act_question ON question_act (question);
        CREATE TABLE question_point (
            id {blob} PRIMARY KEY,
            bank {blob} NOT NULL REFERENCES question_bank (id),
            path TEXT NOT NULL,
            UNIQUE (bank, path));
        CREATE TABLE question_pick (
            point {blob} NOT NULL REFERENCES question_point (id),
            used BIGINT NOT NULL,
            kind TEXT NOT NULL,
            difficulty BIGINT NOT NULL,
            draw BIGINT NOT NULL,
            question {blob} NOT NULL REFERENCES question (id),
            PRIMARY KEY (point, used, kind, difficulty, draw, question)) {clustered};
        CREATE INDEX question_pick_question ON question_pick (question);
        CREATE TABLE question_band (
            bank {blob} NOT NULL,
            band BIGINT NOT NULL,
            question {blob} NOT NULL REFERENCES question (id),
            PRIMARY KEY (bank, band, question)) {clustered};
        CREATE INDEX question_band_question ON question_band (question)",
};

const BANK: &str = "b.id, b.unit, b.name, b.sealed";

fn bank(row: &Row) -> Result<Bank> {
    Ok(Bank {
        id: row.get(0)?,
        unit: row.get(1)?,
        name: row.get(2)?,
        sealed: row.get::<i64>(3)? != 0,
    })
}

pub(crate) async fn banks(tx: &mut Tx, scope: &Scope) -> Result<Vec<Bank>> {
    let mut args = Args::new();
    let scope = scope_sql(scope, "b.unit", &mut args);
    let sql = format!("SELECT {BANK} FROM question_bank b WHERE {scope} ORDER BY b.name, b.id");
    tx.query(sql, args).await?.iter().map(bank).collect()
}

pub(crate) async fn add_bank(tx: &mut Tx, bank: &Bank, at: Timestamp) -> Result<bool> {
    let sql =
        "INSERT INTO question_bank (id, unit, name, sealed, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING";
    let values = args![
        bank.id,
        bank.unit,
        bank.name.as_str(),
        i64::from(bank.sealed),
        at
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

pub(crate) async fn set_bank(tx: &mut Tx, bank: &Bank) -> Result<()> {
    let sql = "UPDATE question_bank SET name = $1, sealed = $2 WHERE id = $3";
    tx.execute(
        sql,
        args![bank.name.as_str(), i64::from(bank.sealed), bank.id],
    )
    .await?;
    Ok(())
}

/// How many questions of a bank are in each state.
pub(crate) async fn tallies(tx: &mut Tx, scope: &Scope) -> Result<Vec<(Id, State, i64)>> {
    let mut args = Args::new();
    let scope = scope_sql(scope, "q.unit", &mut args);
    let sql = format!(
        "SELECT q.bank, q.state, CAST(COUNT(*) AS BIGINT) FROM question q WHERE {scope} GROUP BY q.bank, q.state"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, state(row, 1)?, row.get(2)?)))
        .collect()
}

fn state(row: &Row, at: usize) -> Result<State> {
    let code: String = row.get(at)?;
    State::of_code(&code).ok_or_else(|| Error::internal(format!("question state {code}")))
}

fn kind(row: &Row, at: usize) -> Result<Kind> {
    let code: String = row.get(at)?;
    Kind::of_code(&code).ok_or_else(|| Error::internal(format!("question kind {code}")))
}

/// What a head is written with.
pub(crate) struct Written<'q> {
    pub head: &'q Head,
    pub digest: [u8; 32],
    pub bands: &'q [i64],
}

const ADD: &str = "INSERT INTO question (id, bank, unit, version, used, state, kind, difficulty, stem, points, digest, changed_at) VALUES";

pub(crate) async fn add(tx: &mut Tx, written: &[Written<'_>]) -> Result<()> {
    let (mut heads, mut bands) = (Args::new(), Args::new());
    for w in written {
        let h = w.head;
        heads.add(h.id);
        heads.add(h.bank);
        heads.add(h.unit);
        heads.add(h.version);
        heads.add(h.used);
        heads.add(h.state.code());
        heads.add(h.kind.code());
        heads.add(h.difficulty);
        heads.add(h.stem.as_str());
        heads.add(h.points.join("；"));
        heads.add(w.digest.to_vec());
        heads.add(h.changed_at);
        band_rows(&mut bands, h, w.bands);
    }
    tx.insert_many(ADD, 12, "", heads).await?;
    tx.insert_many(BANDS, 3, "ON CONFLICT DO NOTHING", bands)
        .await?;
    Ok(())
}

const BANDS: &str = "INSERT INTO question_band (bank, band, question) VALUES";

fn band_rows(args: &mut Args, head: &Head, bands: &[i64]) {
    for band in bands {
        args.add(head.bank);
        args.add(*band);
        args.add(head.id);
    }
}

/// A new version at the head; false when somebody else was quicker.
pub(crate) async fn renew(
    tx: &mut Tx,
    written: &Written<'_>,
    before: (i64, State),
) -> Result<bool> {
    let h = written.head;
    let sql = "UPDATE question SET version = $1, used = $2, state = $3, kind = $4, difficulty = $5, stem = $6,
        points = $7, digest = $8, changed_at = $9 WHERE id = $10 AND version = $11 AND state = $12";
    let values = args![
        h.version,
        h.used,
        h.state.code(),
        h.kind.code(),
        h.difficulty,
        h.stem.as_str(),
        h.points.join("；"),
        written.digest.to_vec(),
        h.changed_at,
        h.id,
        before.0,
        before.1.code()
    ];
    if tx.execute(sql, values).await? != 1 {
        return Ok(false);
    }
    tx.execute("DELETE FROM question_band WHERE question = $1", args![h.id])
        .await?;
    let mut bands = Args::new();
    band_rows(&mut bands, h, written.bands);
    tx.insert_many(BANDS, 3, "ON CONFLICT DO NOTHING", bands)
        .await?;
    Ok(true)
}

/// Another state of the same version; false when somebody else was quicker.
pub(crate) async fn turn(tx: &mut Tx, head: &Head, before: State) -> Result<bool> {
    let sql = "UPDATE question SET state = $1, used = $2, changed_at = $3 WHERE id = $4 AND version = $5 AND state = $6";
    let values = args![
        head.state.code(),
        head.used,
        head.changed_at,
        head.id,
        head.version,
        before.code()
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

pub(crate) async fn add_versions(tx: &mut Tx, versions: &[(Id, Version)]) -> Result<()> {
    let mut rows = Args::new();
    for (question, v) in versions {
        rows.add(*question);
        rows.add(v.version);
        rows.add(serde_json::to_string(&v.question).map_err(Error::internal)?);
        rows.add(v.note.as_str());
        rows.add(v.by.map(Id::from));
        rows.add(v.on_behalf.map(Id::from));
        rows.add(v.at);
    }
    let head = "INSERT INTO question_version (question, version, content, note, by_account, on_behalf, at) VALUES";
    tx.insert_many(head, 7, "", rows).await?;
    Ok(())
}

pub(crate) async fn add_acts(tx: &mut Tx, acts: &[(Id, Act)]) -> Result<()> {
    let mut rows = Args::new();
    for (question, act) in acts {
        rows.add(act.id);
        rows.add(*question);
        rows.add(act.version);
        rows.add(act.act.as_str());
        rows.add(act.by.map(Id::from));
        rows.add(act.on_behalf.map(Id::from));
        rows.add(act.reason.as_str());
        rows.add(act.at);
    }
    let head = "INSERT INTO question_act (id, question, version, act, by_account, on_behalf, reason, at) VALUES";
    tx.insert_many(head, 8, "", rows).await?;
    Ok(())
}

const HEAD: &str = "q.id, q.bank, q.unit, q.version, q.used, q.state, q.kind, q.difficulty, q.stem, q.points, q.changed_at";

fn head(row: &Row) -> Result<Head> {
    let points: String = row.get(9)?;
    Ok(Head {
        id: row.get(0)?,
        bank: row.get(1)?,
        unit: row.get(2)?,
        version: row.get(3)?,
        used: row.get(4)?,
        state: state(row, 5)?,
        kind: kind(row, 6)?,
        difficulty: row.get(7)?,
        stem: row.get(8)?,
        points: points
            .split('；')
            .filter(|p| !p.is_empty())
            .map(str::to_owned)
            .collect(),
        changed_at: row.get(10)?,
    })
}

pub(crate) async fn heads(tx: &mut Tx, ids: &[Id], scope: &Scope) -> Result<Vec<Head>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let scope = scope_sql(scope, "q.unit", &mut args);
    let sql = format!("SELECT {HEAD} FROM question q WHERE q.id IN ({list}) AND {scope}");
    tx.query(sql, args).await?.iter().map(head).collect()
}

fn matching(filter: &Filter, scope: &Scope, args: &mut Args) -> String {
    let mut conditions = vec![scope_sql(scope, "q.unit", args)];
    let mut and = |sql: String| conditions.push(sql);
    if let Some(bank) = filter.bank {
        and(format!("q.bank = {}", args.push(bank)));
    }
    if let Some(kind) = filter.kind {
        and(format!("q.kind = {}", args.push(kind.code())));
    }
    if let Some(state) = filter.state {
        and(format!("q.state = {}", args.push(state.code())));
    }
    if let Some(difficulty) = filter.difficulty {
        and(format!("q.difficulty = {}", args.push(difficulty)));
    }
    if let Some(points) = &filter.points {
        let list = args.list(points.iter().copied());
        let list = if points.is_empty() {
            "NULL".to_owned()
        } else {
            list
        };
        and(format!(
            "q.id IN (SELECT p.question FROM question_pick p WHERE p.point IN ({list}))"
        ));
    }
    if let Some(ids) = &filter.among {
        let list = args.list(ids.iter().copied());
        let list = if ids.is_empty() {
            "NULL".to_owned()
        } else {
            list
        };
        and(format!("q.id IN ({list})"));
    }
    conditions.join(" AND ")
}

/// A window of what matches, and how many match in all.
pub(crate) async fn list(
    tx: &mut Tx,
    filter: &Filter,
    scope: &Scope,
    order: Order,
    window: Window,
) -> Result<(Vec<Head>, i64)> {
    let mut args = Args::new();
    let condition = matching(filter, scope, &mut args);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM question q WHERE {condition}");
    let total: i64 = tx.one(sql, args).await?.get(0)?;
    let mut args = Args::new();
    let condition = matching(filter, scope, &mut args);
    let column = match order.by {
        "kind" => "q.kind",
        "difficulty" => "q.difficulty",
        _ => "q.changed_at",
    };
    let (limit, offset) = (args.push(window.size), args.push(window.offset(total)));
    let way = order.way();
    // First which, then what they say.
    let sql = format!(
        "SELECT q.id FROM question q WHERE {condition} ORDER BY {column} {way}, q.id {way} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, args).await?;
    let ids: Vec<Id> = rows.iter().map(|r| r.get(0)).collect::<Result<_>>()?;
    let found = heads(tx, &ids, scope).await?.into_iter();
    let mut found: HashMap<Id, Head> = found.map(|h| (h.id, h)).collect();
    let found = ids.iter().filter_map(|id| found.remove(id)).collect();
    Ok((found, total))
}

fn version(row: &Row) -> Result<(Id, Version)> {
    let content: String = row.get(2)?;
    let by: Option<Id> = row.get(4)?;
    let on_behalf: Option<Id> = row.get(5)?;
    let version = Version {
        version: row.get(1)?,
        question: serde_json::from_str(&content).map_err(Error::internal)?,
        note: row.get(3)?,
        by: by.map(AccountId),
        on_behalf: on_behalf.map(AccountId),
        at: row.get(6)?,
    };
    Ok((row.get(0)?, version))
}

const VERSION: &str = "v.question, v.version, v.content, v.note, v.by_account, v.on_behalf, v.at";

/// All versions of a question, the newest first.
pub(crate) async fn versions(tx: &mut Tx, question: Id) -> Result<Vec<Version>> {
    let sql = format!(
        "SELECT {VERSION} FROM question_version v WHERE v.question = $1 ORDER BY v.version DESC"
    );
    let rows = tx.query(sql, args![question]).await?;
    rows.iter()
        .map(|row| version(row).map(|(_, v)| v))
        .collect()
}

/// The newest versions of questions.
pub(crate) async fn newest(tx: &mut Tx, ids: &[Id]) -> Result<Vec<(Id, Version)>> {
    contents(tx, ids, "q.version").await
}

/// The versions of questions that are in use; those without one are left out.
pub(crate) async fn in_use(tx: &mut Tx, ids: &[Id]) -> Result<Vec<(Id, Version)>> {
    contents(tx, ids, "q.used").await
}

async fn contents(tx: &mut Tx, ids: &[Id], which: &str) -> Result<Vec<(Id, Version)>> {
    let mut out = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(10_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT {VERSION} FROM question q JOIN question_version v ON v.question = q.id AND v.version = {which}
             WHERE q.id IN ({list})"
        );
        for row in tx.query(sql, args).await? {
            out.push(version(&row)?);
        }
    }
    Ok(out)
}

/// One version of a question, whatever became of it since.
pub(crate) async fn at_version(tx: &mut Tx, pairs: &[(Id, i64)]) -> Result<Vec<(Id, Version)>> {
    let ids: Vec<Id> = pairs.iter().map(|(id, _)| *id).collect();
    let mut out = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(10_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!("SELECT {VERSION} FROM question_version v WHERE v.question IN ({list})");
        for row in tx.query(sql, args).await? {
            let key = (row.get(0)?, row.get(1)?);
            if pairs.contains(&key) {
                out.push(version(&row)?);
            }
        }
    }
    Ok(out)
}

pub(crate) async fn acts(tx: &mut Tx, question: Id) -> Result<Vec<Act>> {
    let sql = "SELECT id, version, act, by_account, on_behalf, reason, at FROM question_act WHERE question = $1 ORDER BY id DESC";
    let rows = tx.query(sql, args![question]).await?;
    rows.iter()
        .map(|row| {
            let by: Option<Id> = row.get(3)?;
            let on_behalf: Option<Id> = row.get(4)?;
            Ok(Act {
                id: row.get(0)?,
                version: row.get(1)?,
                act: row.get(2)?,
                by: by.map(AccountId),
                on_behalf: on_behalf.map(AccountId),
                reason: row.get(5)?,
                at: row.get(6)?,
            })
        })
        .collect()
}

/// Questions of a bank by digest.
pub(crate) async fn by_digest(
    tx: &mut Tx,
    bank: Id,
    digests: &[[u8; 32]],
) -> Result<Vec<(Vec<u8>, Id)>> {
    let mut out = Vec::new();
    for chunk in digests.chunks(5_000) {
        let mut args = args![bank];
        let list = args.list(chunk.iter().map(|d| d.to_vec()));
        let sql = format!("SELECT digest, id FROM question WHERE bank = $1 AND digest IN ({list})");
        for row in tx.query(sql, args).await? {
            out.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(out)
}

/// Questions of a bank that share bands; bands that very many share tell nothing and are cut.
pub(crate) async fn by_bands(tx: &mut Tx, bank: Id, bands: &[i64]) -> Result<Vec<(i64, Id)>> {
    let mut out = Vec::new();
    for chunk in bands.chunks(5_000) {
        let mut args = args![bank];
        let list = args.list(chunk.iter().copied());
        let most = args.push(200_000_i64);
        let sql = format!(
            "SELECT band, question FROM question_band WHERE bank = $1 AND band IN ({list}) LIMIT {most}"
        );
        for row in tx.query(sql, args).await? {
            out.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(out)
}

pub(crate) async fn bands_of(tx: &mut Tx, ids: &[Id]) -> Result<Vec<(i64, Id)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!("SELECT band, question FROM question_band WHERE question IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Points of the banks in a scope: bank, id and path; the empty path is the whole bank.
pub(crate) async fn points(tx: &mut Tx, scope: &Scope) -> Result<Vec<(Id, Id, String)>> {
    let mut args = Args::new();
    let scope = scope_sql(scope, "b.unit", &mut args);
    let sql = format!(
        "SELECT p.bank, p.id, p.path FROM question_point p JOIN question_bank b ON b.id = p.bank WHERE {scope} ORDER BY p.path"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}

pub(crate) async fn points_of_bank(tx: &mut Tx, bank: Id) -> Result<Vec<(String, Id)>> {
    let sql = "SELECT path, id FROM question_point WHERE bank = $1";
    let rows = tx.query(sql, args![bank]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

pub(crate) async fn add_points(tx: &mut Tx, bank: Id, points: &[(String, Id)]) -> Result<()> {
    let mut rows = Args::new();
    for (path, id) in points {
        rows.add(*id);
        rows.add(bank);
        rows.add(path.as_str());
    }
    let head = "INSERT INTO question_point (id, bank, path) VALUES";
    tx.insert_many(head, 3, "ON CONFLICT DO NOTHING", rows)
        .await?;
    Ok(())
}

/// Where a question may be picked: at each of its points and all above them.
pub(crate) struct Pick {
    pub point: Id,
    pub used: bool,
    pub kind: Kind,
    pub difficulty: i64,
    pub draw: i64,
    pub question: Id,
}

/// Puts other places into those of some questions, and keeps the counters right in the same transaction.
pub(crate) async fn set_picks(tx: &mut Tx, old: &[Id], picks: &[Pick]) -> Result<()> {
    // In one order, so that two who write into one bank never wait for each other.
    let mut more: BTreeMap<(Id, &'static str, i64), i64> = BTreeMap::new();
    let mut seen = HashSet::new();
    for p in picks.iter().filter(|p| p.used) {
        if seen.insert((p.point, p.question)) {
            *more
                .entry((p.point, p.kind.code(), p.difficulty))
                .or_default() += 1;
        }
    }
    for chunk in old.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT point, kind, difficulty, CAST(COUNT(*) AS BIGINT) FROM question_pick
             WHERE question IN ({list}) AND used = 1 GROUP BY point, kind, difficulty"
        );
        for row in tx.query(sql, args).await? {
            let of = (row.get(0)?, kind(&row, 1)?.code(), row.get(2)?);
            *more.entry(of).or_default() -= row.get::<i64>(3)?;
        }
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        tx.execute(
            format!("DELETE FROM question_pick WHERE question IN ({list})"),
            args,
        )
        .await?;
    }
    let mut rows = Args::new();
    for p in picks {
        rows.add(p.point);
        rows.add(i64::from(p.used));
        rows.add(p.kind.code());
        rows.add(p.difficulty);
        rows.add(p.draw);
        rows.add(p.question);
    }
    let head = "INSERT INTO question_pick (point, used, kind, difficulty, draw, question) VALUES";
    tx.insert_many(head, 6, "ON CONFLICT DO NOTHING", rows)
        .await?;
    let mut rows = Args::new();
    for ((point, kind, difficulty), number) in more.into_iter().filter(|(_, n)| *n != 0) {
        rows.add(point);
        rows.add(kind);
        rows.add(difficulty);
        rows.add(number);
    }
    tx.insert_many(
        "INSERT INTO question_count (point, kind, difficulty, number) VALUES",
        4,
        "ON CONFLICT (point, kind, difficulty) DO UPDATE SET number = question_count.number + excluded.number",
        rows,
    )
    .await?;
    Ok(())
}

/// How many questions in use there are at points, by kind and difficulty.
pub(crate) async fn counts(tx: &mut Tx, points: &[Id]) -> Result<Vec<(Id, Kind, i64, i64)>> {
    if points.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Args::new();
    let list = args.list(points.iter().copied());
    let sql = format!(
        "SELECT point, kind, difficulty, number FROM question_count WHERE point IN ({list}) AND number > 0"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, kind(row, 1)?, row.get(2)?, row.get(3)?)))
        .collect()
}

/// Questions in use of one point, kind and some difficulties, of each up to so many from its place in the order of
/// chance on and then from the beginning; all of them in two statements at most.
pub(crate) async fn drawn(
    tx: &mut Tx,
    (point, kind): (Id, Kind),
    levels: &[(i64, i64)],
    most: i64,
) -> Result<Vec<Id>> {
    let mut found: BTreeMap<i64, Vec<Id>> = BTreeMap::new();
    for side in [">=", "<"] {
        let mut args = Args::new();
        let mut parts = Vec::new();
        for (level, from) in levels {
            let have = found.get(level).map_or(0, Vec::len);
            let left = most - i64::try_from(have).unwrap_or(most);
            if left <= 0 {
                continue;
            }
            let of = [args.push(point), args.push(kind.code()), args.push(*level)];
            let (from, left) = (args.push(*from), args.push(left));
            parts.push(format!(
                "SELECT * FROM (SELECT difficulty, question FROM question_pick
                 WHERE point = {} AND used = 1 AND kind = {} AND difficulty = {} AND draw {side} {from}
                 ORDER BY draw, question LIMIT {left}) AS d{}",
                of[0],
                of[1],
                of[2],
                parts.len()
            ));
        }
        if parts.is_empty() {
            break;
        }
        for row in tx.query(parts.join(" UNION ALL "), args).await? {
            found.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
    }
    let of = |(level, _): &(i64, i64)| found.remove(level).unwrap_or_default();
    Ok(levels.iter().flat_map(of).collect())
}

/// The unit that keeps a bank, for its questions.
pub(crate) async fn bank_by_id(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Option<Bank>> {
    let mut args = args![id];
    let scope = scope_sql(scope, "b.unit", &mut args);
    let sql = format!("SELECT {BANK} FROM question_bank b WHERE b.id = $1 AND {scope}");
    tx.optional(sql, args).await?.as_ref().map(bank).transpose()
}

pub(crate) async fn bank_by_name(tx: &mut Tx, unit: UnitId, name: &str) -> Result<Option<Bank>> {
    let sql = format!("SELECT {BANK} FROM question_bank b WHERE b.unit = $1 AND b.name = $2");
    tx.optional(sql, args![unit, name])
        .await?
        .as_ref()
        .map(bank)
        .transpose()
}

/// Words of a question for the search.
pub(crate) fn words(question: &Question) -> String {
    let mut out: Vec<&str> = question.texts().collect();
    out.extend([question.source.as_str(), question.article.as_str()]);
    out.extend(question.points.iter().map(String::as_str));
    out.join(" ")
}
