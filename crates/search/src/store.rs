//! The SQL of terms.

use db::{Args, Migration, Tx, args};
use kernel::words::{Words, terms};
use kernel::{Id, Result, UnitId};

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "search_20261122_terms",
    sql: "
        CREATE TABLE search_term (
            kind TEXT NOT NULL,
            term TEXT NOT NULL,
            record {blob} NOT NULL,
            unit {blob} NOT NULL,
            PRIMARY KEY (kind, term, record)) {clustered};
        CREATE INDEX search_term_record ON search_term (record);
        CREATE TABLE search_fill (kind TEXT PRIMARY KEY);
        INSERT INTO search_fill (kind) VALUES ('activity'), ('report')",
}];

/// Kinds of records that may be older than the search: their words are still to be written.
pub async fn to_fill(tx: &mut Tx) -> Result<Vec<String>> {
    let rows = tx
        .query("SELECT kind FROM search_fill ORDER BY kind", args![])
        .await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The words of all old records of a kind are written.
pub async fn filled(tx: &mut Tx, kind: &str) -> Result<()> {
    let sql = "DELETE FROM search_fill WHERE kind = $1";
    tx.execute(sql, args![kind]).await?;
    Ok(())
}

/// How far a term's records are counted to tell which of several is the rarest.
const COUNTED: i64 = 2_000;
/// Writes the words of a record of a unit, instead of those it had.
pub async fn index(
    tx: &mut Tx,
    kind: &str,
    record: impl Into<Id>,
    unit: UnitId,
    text: &str,
) -> Result<()> {
    let record = record.into();
    forget(tx, record).await?;
    let mut rows = Args::new();
    for term in terms(text) {
        rows.push(kind);
        rows.push(term);
        rows.push(record);
        rows.push(unit);
    }
    let head = "INSERT INTO search_term (kind, term, record, unit) VALUES";
    tx.insert_many(head, 4, "", rows).await?;
    Ok(())
}

/// Takes a record's words away.
pub async fn forget(tx: &mut Tx, record: impl Into<Id>) -> Result<()> {
    let sql = "DELETE FROM search_term WHERE record = $1";
    tx.execute(sql, args![record.into()]).await?;
    Ok(())
}

/// Records of a kind that have all terms of a question, newest first. `scope` gives the condition on the
/// column it is handed (`organization::scope_sql`). The caller compares what it loads with
/// [`Words::are_in`], since pairs of characters may lie apart.
pub async fn find(
    tx: &mut Tx,
    kind: &str,
    words: &Words,
    scope: impl Fn(&str, &mut Args) -> String,
    limit: i64,
) -> Result<Vec<Id>> {
    let Some((first, others)) = rarest_first(tx, kind, words).await? else {
        return Ok(Vec::new());
    };
    let mut args = args![kind, first];
    let mut conditions = scope("t.unit", &mut args);
    for other in others {
        conditions += &format!(
            " AND EXISTS (SELECT 1 FROM search_term o
                WHERE o.kind = t.kind AND o.term = {} AND o.record = t.record)",
            args.push(other)
        );
    }
    let limit = args.push(limit);
    let sql = format!(
        "SELECT t.record FROM search_term t WHERE t.kind = $1 AND t.term = $2 AND {conditions}
         ORDER BY t.record DESC LIMIT {limit}"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The rarest term of a question and the others: the records of the first are walked, the others looked up.
async fn rarest_first(
    tx: &mut Tx,
    kind: &str,
    words: &Words,
) -> Result<Option<(String, Vec<String>)>> {
    let mut terms = words.terms.clone();
    if terms.len() > 1 {
        let mut rarest = (i64::MAX, 0);
        for (i, term) in terms.iter().enumerate() {
            let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM
                (SELECT 1 AS one FROM search_term WHERE kind = $1 AND term = $2 LIMIT $3) c";
            let count = tx.one(sql, args![kind, term, COUNTED]).await?.get(0)?;
            rarest = rarest.min((count, i));
        }
        terms.swap(0, rarest.1);
    }
    let mut terms = terms.into_iter();
    Ok(terms.next().map(|first| (first, terms.collect())))
}
