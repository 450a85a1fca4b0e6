//! What tests count in tables of others.

use db::{Db, args};

/// How often something stands in the audit trail.
pub(crate) async fn audited(db: &Db, action: &'static str) -> i64 {
    let mut tx = db.read().await.expect("a snapshot");
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE action = $1";
    let row = tx.one(sql, args![action]).await.expect("a count");
    row.get(0).expect("a number")
}
