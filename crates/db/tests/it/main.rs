//! The database layer, on real engines.

mod copy;
mod group;
mod jobs;
mod migrations;
mod transactions;
mod values;

use db::{Db, Migration, args};

/// Two counters and a table of names.
const TABLES: &[Migration] = &[Migration {
    name: "t_20261121_tables",
    sql: "CREATE TABLE counter (name TEXT PRIMARY KEY, n BIGINT NOT NULL);
          INSERT INTO counter (name, n) VALUES ('a', 0);
          INSERT INTO counter (name, n) VALUES ('b', 0);
          CREATE TABLE note (id BIGINT PRIMARY KEY, body TEXT NOT NULL);",
}];

/// One number out of a query.
async fn number(db: &Db, sql: &'static str) -> i64 {
    let mut tx = db.read().await.expect("a snapshot");
    tx.one(sql, args![])
        .await
        .expect("a row")
        .get(0)
        .expect("a number")
}
