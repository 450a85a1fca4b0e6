//! All SQL of the ledger.

mod facts;
mod head;
mod rollups;

use db::Migration;

pub(crate) use facts::*;
pub(crate) use head::*;
pub(crate) use rollups::*;

/// The tables of the ledger.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
    name: "ledger_20261121_tables",
    sql: "
    CREATE TABLE place (id BIGINT PRIMARY KEY, path {blob} NOT NULL);
    CREATE TABLE place_node (
        node {blob} NOT NULL, place BIGINT NOT NULL REFERENCES place, PRIMARY KEY (node, place)) {clustered};
    CREATE TABLE fact (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, category TEXT,
        host BIGINT NOT NULL REFERENCES place, unit BIGINT REFERENCES place,
        body {blob}, person {blob}, other {blob}, role TEXT,
        date TEXT NOT NULL, starts BIGINT, ends BIGINT, minutes BIGINT,
        quantity BIGINT, qualifier TEXT, score BIGINT,
        subject {blob} NOT NULL, evidence TEXT, source TEXT NOT NULL,
        recorded_at BIGINT NOT NULL, recorded_by {blob}, late BOOLEAN NOT NULL,
        sign BIGINT NOT NULL CHECK (sign IN (-1, 1)), reverses {blob} UNIQUE,
        CHECK ((sign = -1) = (reverses IS NOT NULL))) {clustered};
    CREATE INDEX fact_unit ON fact (kind, unit, date, id);
    CREATE INDEX fact_date ON fact (kind, date, id);
    CREATE INDEX fact_person ON fact (person, date) WHERE person IS NOT NULL;
    CREATE INDEX fact_subject ON fact (subject);
    CREATE TABLE unsealed (fact {blob} PRIMARY KEY) {clustered};
    CREATE TABLE leaf (
        seq BIGINT PRIMARY KEY, fact {blob} NOT NULL UNIQUE, hash {blob} NOT NULL);
    CREATE TABLE head (
        id BIGINT PRIMARY KEY CHECK (id = 1), log {blob} NOT NULL, epoch BIGINT NOT NULL,
        until BIGINT NOT NULL, size BIGINT NOT NULL, defs BIGINT NOT NULL, frontier {blob} NOT NULL);
    CREATE TABLE ledger_log (
        log {blob} PRIMARY KEY, started_at BIGINT NOT NULL, from_size BIGINT NOT NULL, reason TEXT NOT NULL);
    CREATE TABLE component (
        id BIGINT PRIMARY KEY, hash {blob} NOT NULL UNIQUE, definition TEXT NOT NULL,
        done BIGINT NOT NULL, upto BIGINT NOT NULL);
    CREATE TABLE cell (
        component BIGINT NOT NULL, node {blob} NOT NULL, period BIGINT NOT NULL,
        n BIGINT NOT NULL, sum BIGINT NOT NULL, persons BIGINT NOT NULL,
        PRIMARY KEY (component, node, period)) {clustered};
    CREATE TABLE presence (
        component BIGINT NOT NULL, period BIGINT NOT NULL, person {blob} NOT NULL, place BIGINT NOT NULL,
        n BIGINT NOT NULL, PRIMARY KEY (component, period, person, place)) {clustered};
    CREATE TABLE progress (
        component BIGINT NOT NULL, subject {blob} NOT NULL, date TEXT NOT NULL,
        n BIGINT NOT NULL, sum BIGINT NOT NULL, PRIMARY KEY (component, subject, date)) {clustered};
    ",
},
    Migration {
        // Few facts were typed in as totals, and every page asks whether any of its were.
        name: "ledger_20261122_declared",
        sql: "CREATE INDEX fact_declared ON fact (date) WHERE source = 'declared'",
    },
    Migration {
        name: "ledger_20261122_days",
        // How large the ledger was after the last fact of a day; of days before this table nothing is kept in memory.
        sql: "
        CREATE TABLE ledger_day (date TEXT PRIMARY KEY, size BIGINT NOT NULL);
        CREATE INDEX ledger_day_size ON ledger_day (size)",
    },
];
