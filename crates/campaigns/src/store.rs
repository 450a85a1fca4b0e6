//! The SQL of campaigns.

pub(crate) mod nodes;
pub(crate) mod parts;
pub(crate) mod scores;

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use identity::Author;
use kernel::{Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::{Order, Window};

use crate::kind::CampaignKind;
use crate::model::{Campaign, Eyes, Filter, State};

/// The tables of this crate. What a campaign said stands in its versions (`campaign_content`); its row repeats the last.
/// Who answered a survey and what was answered are two tables that nothing joins: no time, no order, ids at random.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "campaigns_20261122_tables",
    sql: "
    CREATE TABLE campaign_rule (
        hash TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE campaign_node (
        id {blob} PRIMARY KEY, code TEXT NOT NULL UNIQUE, level TEXT NOT NULL, parent {blob} REFERENCES campaign_node,
        unit {blob} NOT NULL REFERENCES unit, name TEXT NOT NULL, claims TEXT NOT NULL, from_day TEXT NOT NULL,
        to_day TEXT NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL);
    CREATE INDEX campaign_node_parent ON campaign_node (parent);
    CREATE TABLE campaign_node_event (
        node {blob} NOT NULL REFERENCES campaign_node, seq BIGINT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL,
        account {blob}, at BIGINT NOT NULL, PRIMARY KEY (node, seq)) {clustered};
    CREATE TABLE campaign (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, rule TEXT NOT NULL REFERENCES campaign_rule,
        unit {blob} NOT NULL REFERENCES unit, parent {blob} REFERENCES campaign, node {blob} REFERENCES campaign_node,
        state TEXT NOT NULL, told BOOLEAN NOT NULL, title TEXT NOT NULL, starts TEXT NOT NULL, ends TEXT NOT NULL,
        content TEXT NOT NULL, closed_on TEXT, joined BIGINT NOT NULL, absent BIGINT NOT NULL, version BIGINT NOT NULL,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
    CREATE INDEX campaign_unit_of ON campaign (unit, starts);
    CREATE INDEX campaign_state ON campaign (state, starts, id);
    CREATE INDEX campaign_parent ON campaign (parent);
    CREATE INDEX campaign_hangs ON campaign (node);
    CREATE TABLE campaign_content (
        campaign {blob} NOT NULL REFERENCES campaign, n BIGINT NOT NULL, content TEXT NOT NULL, reason TEXT NOT NULL,
        account {blob}, on_behalf {blob}, at BIGINT NOT NULL, PRIMARY KEY (campaign, n)) {clustered};
    CREATE TABLE campaign_event (
        campaign {blob} NOT NULL REFERENCES campaign, seq BIGINT NOT NULL, act TEXT NOT NULL, body TEXT NOT NULL,
        reason TEXT NOT NULL, account {blob}, on_behalf {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (campaign, seq)) {clustered};
    CREATE TABLE campaign_unit (
        campaign {blob} NOT NULL REFERENCES campaign, unit {blob} NOT NULL REFERENCES unit, joined BOOLEAN NOT NULL,
        reason TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (campaign, unit)) {clustered};
    CREATE INDEX campaign_unit_unit ON campaign_unit (unit, campaign);
    CREATE TABLE campaign_done (
        campaign {blob} NOT NULL REFERENCES campaign, no BIGINT NOT NULL, done_on TEXT NOT NULL, said TEXT NOT NULL,
        account {blob}, at BIGINT NOT NULL, PRIMARY KEY (campaign, no)) {clustered};
    CREATE TABLE campaign_plan (
        campaign {blob} NOT NULL REFERENCES campaign, n BIGINT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL,
        files TEXT NOT NULL, mark TEXT NOT NULL, state TEXT NOT NULL, approval {blob}, year BIGINT, serial BIGINT,
        number TEXT, issued_on TEXT, account {blob}, at BIGINT NOT NULL, PRIMARY KEY (campaign, n)) {clustered};
    CREATE UNIQUE INDEX campaign_plan_number ON campaign_plan (mark, year, serial);
    CREATE TABLE campaign_counter (
        mark TEXT NOT NULL, year BIGINT NOT NULL, last BIGINT NOT NULL, PRIMARY KEY (mark, year)) {clustered};
    CREATE TABLE campaign_document (
        id {blob} PRIMARY KEY, campaign {blob} NOT NULL REFERENCES campaign, code TEXT NOT NULL, name TEXT NOT NULL,
        sha256 TEXT NOT NULL, size BIGINT NOT NULL, account {blob}, at BIGINT NOT NULL);
    CREATE INDEX campaign_document_of ON campaign_document (campaign);
    CREATE TABLE campaign_report (
        campaign {blob} NOT NULL REFERENCES campaign, unit {blob} NOT NULL, seq BIGINT NOT NULL, percent BIGINT NOT NULL,
        said TEXT NOT NULL, files TEXT NOT NULL, person {blob}, account {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (campaign, unit, seq)) {clustered};
    CREATE INDEX campaign_report_person ON campaign_report (person);
    CREATE TABLE campaign_checklist (
        campaign {blob} NOT NULL REFERENCES campaign, n BIGINT NOT NULL, effective TEXT NOT NULL, sections TEXT NOT NULL,
        reason TEXT NOT NULL, account {blob}, at BIGINT NOT NULL, PRIMARY KEY (campaign, n)) {clustered};
    CREATE TABLE campaign_score (
        campaign {blob} NOT NULL REFERENCES campaign, unit {blob} NOT NULL, side TEXT NOT NULL, n BIGINT NOT NULL,
        form TEXT NOT NULL, marks TEXT NOT NULL, points BIGINT NOT NULL, full_points BIGINT NOT NULL, share BIGINT NOT NULL,
        person {blob}, account {blob}, at BIGINT NOT NULL, PRIMARY KEY (campaign, unit, side, n)) {clustered};
    CREATE TABLE campaign_objection (
        campaign {blob} NOT NULL REFERENCES campaign, unit {blob} NOT NULL, n BIGINT NOT NULL, said TEXT NOT NULL,
        person {blob}, at BIGINT NOT NULL, upheld BOOLEAN, answer TEXT, answered_by {blob}, answered_at BIGINT,
        PRIMARY KEY (campaign, unit, n)) {clustered};
    CREATE TABLE campaign_survey (
        campaign {blob} PRIMARY KEY REFERENCES campaign, opens TEXT NOT NULL, closes TEXT NOT NULL);
    CREATE TABLE campaign_voice (
        campaign {blob} NOT NULL REFERENCES campaign, person {blob} NOT NULL, PRIMARY KEY (campaign, person)) {clustered};
    CREATE TABLE campaign_answer (
        campaign {blob} NOT NULL REFERENCES campaign, id {blob} NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (campaign, id)) {clustered};
    CREATE TABLE campaign_summary (
        campaign {blob} NOT NULL REFERENCES campaign, n BIGINT NOT NULL, body TEXT NOT NULL, lessons TEXT NOT NULL,
        account {blob}, at BIGINT NOT NULL, PRIMARY KEY (campaign, n)) {clustered}",
}];

const CAMPAIGN: &str = "c.id, c.kind, c.rule, c.unit, c.parent, c.node, c.state, c.told, c.content, c.closed_on, c.version,
    c.joined, c.absent, c.created_at, c.updated_at";

fn campaign(row: &Row) -> Result<Campaign> {
    let (state, content): (String, String) = (row.get(6)?, row.get(8)?);
    Ok(Campaign {
        id: row.get(0)?,
        kind: row.get(1)?,
        rule: row.get(2)?,
        unit: row.get(3)?,
        parent: row.get(4)?,
        node: row.get(5)?,
        state: State::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        told: row.get(7)?,
        content: serde_json::from_str(&content).map_err(Error::internal)?,
        closed_on: row.get(9)?,
        version: row.get(10)?,
        joined: row.get(11)?,
        absent: row.get(12)?,
        created_at: row.get(13)?,
        updated_at: row.get(14)?,
    })
}

/// Keeps a kind as it is now, once.
pub(crate) async fn put_rule(tx: &mut Tx, hash: &str, kind: &CampaignKind) -> Result<()> {
    let sql = "INSERT INTO campaign_rule (hash, kind, body) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
    let values = args![hash, kind.code.as_str(), db::json(kind)?];
    tx.execute(sql, values).await.map(|_| ())
}

/// Kinds as they were kept.
pub(crate) async fn rules(tx: &mut Tx, hashes: &[&str]) -> Result<Vec<(String, CampaignKind)>> {
    let mut a = Args::new();
    let list = a.list(hashes.iter().map(|h| (*h).to_owned()));
    let sql = format!("SELECT hash, body FROM campaign_rule WHERE hash IN ({list})");
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.json(1)?)))
        .collect()
}

/// Writes a new campaign with its first version; false when its id is there already.
pub(crate) async fn insert(tx: &mut Tx, c: &Campaign, author: Author) -> Result<bool> {
    let sql = "INSERT INTO campaign (id, kind, rule, unit, parent, node, state, told, title, starts, ends, content, joined, absent,
            version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, $13, $14, $14) ON CONFLICT (id) DO NOTHING";
    let values = args![
        c.id,
        &c.kind,
        &c.rule,
        c.unit,
        c.parent,
        c.node,
        c.state.code(),
        c.told,
        &c.content.title,
        c.content.from,
        c.content.to,
        db::json(&c.content)?,
        c.version,
        c.created_at,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Ok(false);
    }
    put_content(tx, c, "", author).await?;
    Ok(true)
}

/// Another version of what a campaign says.
pub(crate) async fn put_content(
    tx: &mut Tx,
    c: &Campaign,
    reason: &str,
    author: Author,
) -> Result<()> {
    let sql = "INSERT INTO campaign_content (campaign, n, content, reason, account, on_behalf, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![
        c.id,
        c.version,
        db::json(&c.content)?,
        reason,
        author.account,
        author.on_behalf,
        c.updated_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Takes the row, so that those who act follow one another; none when there is none.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<Option<Campaign>> {
    let sql = "UPDATE campaign SET version = version WHERE id = $1";
    match tx.execute(sql, args![id]).await? {
        1 => one(tx, id).await,
        _ => Ok(None),
    }
}

/// Keeps how a campaign stands now, one version further.
pub(crate) async fn save(tx: &mut Tx, c: &mut Campaign, now: Timestamp) -> Result<()> {
    let sql = "UPDATE campaign SET parent = $3, node = $4, state = $5, told = $6, title = $7, starts = $8, ends = $9, content = $10,
            closed_on = $11, joined = $12, absent = $13, updated_at = $14, version = version + 1
        WHERE id = $1 AND version = $2";
    let values = args![
        c.id,
        c.version,
        c.parent,
        c.node,
        c.state.code(),
        c.told,
        &c.content.title,
        c.content.from,
        c.content.to,
        db::json(&c.content)?,
        c.closed_on,
        c.joined,
        c.absent,
        now,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry("a campaign was changed meanwhile".into()));
    }
    c.version += 1;
    c.updated_at = now;
    Ok(())
}

/// Something that happened (办理记录); nothing changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number, which is the version that it made.
    pub seq: i64,
    /// What: `made`, `changed`, `named`, `joined`, `absent`, an act of the campaign, …
    pub act: String,
    /// With what.
    pub body: serde_json::Value,
    /// Why.
    pub reason: String,
    /// Name of who did it; none: by the clock.
    pub name: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Writes down what happened, as the present version.
pub(crate) async fn note(
    tx: &mut Tx,
    c: &Campaign,
    act: &str,
    body: &serde_json::Value,
    reason: &str,
    author: Author,
) -> Result<()> {
    let sql =
        "INSERT INTO campaign_event (campaign, seq, act, body, reason, account, on_behalf, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = args![
        c.id,
        c.version,
        act,
        body.to_string(),
        reason,
        author.account,
        author.on_behalf,
        c.updated_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// What happened to a campaign, the last first.
pub(crate) async fn events(tx: &mut Tx, id: Id, most: i64) -> Result<Vec<Event>> {
    let sql = "SELECT e.seq, e.act, e.body, e.reason, COALESCE(p.name, a.login), e.at FROM campaign_event e
            LEFT JOIN account a ON a.id = e.account LEFT JOIN person p ON p.id = a.person
        WHERE e.campaign = $1 ORDER BY e.seq DESC LIMIT $2";
    let read = |row: &Row| {
        Ok(Event {
            seq: row.get(0)?,
            act: row.get(1)?,
            body: row.json(2)?,
            reason: row.get(3)?,
            name: row.get(4)?,
            at: row.get(5)?,
        })
    };
    tx.query(sql, args![id, most])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// A campaign, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Campaign>> {
    let sql = format!("SELECT {CAMPAIGN} FROM campaign c WHERE c.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(campaign).transpose()
}

/// What somebody may see: campaigns of units, and those in which a unit of theirs is named, once these are told.
pub(crate) fn seen_sql(scope: &Scope, a: &mut Args) -> String {
    let own = scope_sql(scope, "c.unit", a);
    let named = scope_sql(scope, "t.unit", a);
    format!(
        "({own} OR (c.told AND EXISTS (SELECT 1 FROM campaign_unit t WHERE t.campaign = c.id AND {named})))"
    )
}

/// A campaign that somebody may see.
pub(crate) async fn seen(tx: &mut Tx, id: Id, eyes: &Eyes) -> Result<Campaign> {
    let mut a = args![id];
    let seen = seen_sql(&eyes.reads, &mut a);
    let sql = format!("SELECT {CAMPAIGN} FROM campaign c WHERE c.id = $1 AND {seen}");
    let row = tx.optional(sql, a).await?;
    row.as_ref()
        .map(campaign)
        .transpose()?
        .ok_or(Error::NotFound)
}

/// These of what somebody may see, the newest first.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id], scope: &Scope) -> Result<Vec<Campaign>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let seen = seen_sql(scope, &mut a);
    let sql = format!(
        "SELECT {CAMPAIGN} FROM campaign c WHERE c.id IN ({list}) AND {seen} ORDER BY c.id DESC"
    );
    tx.query(sql, a).await?.iter().map(campaign).collect()
}

/// A page of what somebody may see, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    scope: &Scope,
    f: &Filter,
    order: Order,
    window: Window,
) -> Result<(i64, Vec<Campaign>)> {
    let mut a = Args::new();
    let mut conditions = seen_sql(scope, &mut a);
    if !f.text.trim().is_empty() {
        let text = f.text.trim().to_lowercase();
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let text = a.push(format!("%{text}%"));
        conditions += &format!(" AND LOWER(c.title) LIKE {text} ESCAPE '!'");
    }
    if let Some(state) = f.state {
        conditions += &format!(" AND c.state = {}", a.push(state.code()));
    }
    if !f.kind.is_empty() {
        conditions += &format!(" AND c.kind = {}", a.push(&f.kind));
    }
    if let Some(unit) = f.unit {
        let under = scope_sql(&Scope::Under(vec![unit]), "c.unit", &mut a);
        conditions += &format!(" AND {under}");
    }
    if let Some(unit) = f.taking {
        let unit = a.push(unit);
        conditions += &format!(
            " AND EXISTS (SELECT 1 FROM campaign_unit t WHERE t.campaign = c.id AND t.unit = {unit} AND t.joined)"
        );
    }
    if let Some(year) = f.year {
        let last = a.push(format!("{year:04}-12-31"));
        let first = a.push(format!("{year:04}-01-01"));
        conditions += &format!(" AND c.starts <= {last} AND c.ends >= {first}");
    }
    if let Some(parent) = f.parent {
        conditions += &format!(" AND c.parent = {}", a.push(parent));
    }
    if let Some(nodes) = &f.nodes {
        conditions += &format!(" AND c.node IN ({})", a.list(nodes.iter().copied()));
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM campaign c WHERE {conditions}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "title" => format!("c.title {way}, c.id"),
        "to" => format!("c.ends {way}, c.id {way}"),
        _ => format!("c.starts {way}, c.id {way}"),
    };
    let sql = format!(
        "SELECT {CAMPAIGN} FROM campaign c WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(campaign).collect::<Result<_>>()?))
}

/// Campaigns that are running: for the clock.
pub(crate) async fn running(tx: &mut Tx) -> Result<Vec<Campaign>> {
    let sql = format!("SELECT {CAMPAIGN} FROM campaign c WHERE c.state = 'running' ORDER BY c.id");
    tx.query(sql, args![]).await?.iter().map(campaign).collect()
}

/// Titles of campaigns.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT id, title FROM campaign WHERE id IN ({list})");
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// Campaigns in which a unit of the chain takes part and whose survey is open on a day, with its last day: for the people of it.
pub(crate) async fn open_surveys(
    tx: &mut Tx,
    path: &[UnitId],
    person: PersonId,
    today: Date,
) -> Result<Vec<(Campaign, Date)>> {
    let mut a = args![today, person];
    let units = a.list(path.iter().copied());
    let sql = format!(
        "SELECT {CAMPAIGN}, s.closes FROM campaign c JOIN campaign_survey s ON s.campaign = c.id
         WHERE s.opens <= $1 AND s.closes >= $1 AND c.state IN ('running', 'closing')
           AND EXISTS (SELECT 1 FROM campaign_unit t WHERE t.campaign = c.id AND t.joined AND t.unit IN ({units}))
           AND NOT EXISTS (SELECT 1 FROM campaign_voice v WHERE v.campaign = c.id AND v.person = $2) ORDER BY c.id"
    );
    let read = |row: &Row| Ok((campaign(row)?, row.get(15)?));
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Takes away what a person wrote in reports; that there was one stays. Who answered a survey goes too.
///
/// # Errors
/// When the database fails.
pub async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let sql = "UPDATE campaign_report SET said = $2 WHERE person = $1 AND said <> ''";
    tx.execute(sql, args![person, mark]).await?;
    let sql = "DELETE FROM campaign_voice WHERE person = $1";
    tx.execute(sql, args![person]).await?;
    let sql = "UPDATE campaign_objection SET said = $2 WHERE person = $1";
    tx.execute(sql, args![person, mark]).await.map(|_| ())
}
