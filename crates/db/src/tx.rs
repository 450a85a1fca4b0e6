//! Transactions: a snapshot for reading, a retrying one for writing.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use kernel::{Error, Msg, Result};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Postgres, SqlSafeStr as _, SqlStr, Sqlite};

use crate::connect::Pools;
use crate::error::convert;
use crate::{Arg, Args, Db, Engine, Row};

/// An open transaction. Dropped without commit it is rolled back.
pub struct Tx(Inner);

enum Inner {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Pg(sqlx::Transaction<'static, Postgres>),
}

fn sql_str(sql: Cow<'static, str>) -> SqlStr {
    match sql {
        Cow::Borrowed(text) => SqlStr::from_static(text),
        // Stores build text from fixed pieces and `$n` placeholders only; a tidy test keeps SQL there.
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

/// PostgreSQL's text holds no NUL, so no engine takes one: nobody means to write it.
fn check_texts(args: &Args) -> Result<()> {
    let nul = |arg: &Arg| matches!(arg, Arg::Text(Some(text)) if text.contains('\0'));
    if args.0.iter().any(nul) {
        return Err(Error::field("", Msg::new("text-with-nul")));
    }
    Ok(())
}

/// SQLite looks `$n` up by name, one after another, when a statement is parsed and again whenever it is
/// bound: thousands of them cost far more than the rows they stand for. Where they come in order, once
/// each, plain `?` mean the same and cost nothing.
fn for_sqlite(sql: Cow<'static, str>, args: usize) -> Cow<'static, str> {
    const FEW: usize = 16;
    if args <= FEW {
        return sql;
    }
    let mut plain = String::with_capacity(sql.len());
    let mut pieces = sql.split('$');
    plain.push_str(pieces.next().unwrap_or_default());
    for (n, piece) in (1..).zip(pieces) {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        if piece[..digits].parse() != Ok(n) || n > args {
            return sql;
        }
        plain.push('?');
        plain.push_str(&piece[digits..]);
    }
    plain.into()
}

fn sqlite_args(args: Args) -> Result<SqliteArguments> {
    check_texts(&args)?;
    let mut bound = SqliteArguments::default();
    bound.reserve(args.0.len(), 0);
    for arg in args.0 {
        match arg {
            Arg::Int(v) => bound.add(v),
            Arg::Text(v) => bound.add(v),
            Arg::Bytes(v) => bound.add(v),
            Arg::Bool(v) => bound.add(v),
            Arg::Real(v) => bound.add(v),
        }
        .map_err(Error::internal)?;
    }
    Ok(bound)
}

fn pg_args(args: Args) -> Result<PgArguments> {
    check_texts(&args)?;
    let mut bound = PgArguments::default();
    for arg in args.0 {
        match arg {
            Arg::Int(v) => bound.add(v),
            Arg::Text(v) => bound.add(v),
            Arg::Bytes(v) => bound.add(v),
            Arg::Bool(v) => bound.add(v),
            Arg::Real(v) => bound.add(v),
        }
        .map_err(Error::internal)?;
    }
    Ok(bound)
}

impl Tx {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that begins snapshots"
    )]
    pub(crate) async fn read(db: &Db) -> Result<Self> {
        Ok(Self(match &db.0 {
            Pools::Sqlite { read, .. } => Inner::Sqlite(read.begin().await.map_err(convert)?),
            Pools::Pg { pool } => Inner::Pg(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await
                    .map_err(convert)?,
            ),
        }))
    }

    async fn write(db: &Db) -> Result<Self> {
        Ok(Self(match &db.0 {
            Pools::Sqlite { write, .. } => {
                Inner::Sqlite(write.begin_with("BEGIN IMMEDIATE").await.map_err(convert)?)
            }
            Pools::Pg { pool } => Inner::Pg(
                pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED")
                    .await
                    .map_err(convert)?,
            ),
        }))
    }

    /// The rows of a query.
    pub async fn query(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        args: Args,
    ) -> Result<Vec<Row>> {
        let sql = sql.into();
        let watch = Watch::new(&sql);
        let rows = self.rows(sql, args).await;
        watch.tell();
        rows
    }

    async fn rows(&mut self, sql: Cow<'static, str>, args: Args) -> Result<Vec<Row>> {
        match &mut self.0 {
            Inner::Sqlite(tx) => {
                let sql = sql_str(for_sqlite(sql, args.len()));
                let rows = sqlx::query_with(sql, sqlite_args(args)?)
                    .fetch_all(&mut **tx)
                    .await;
                Ok(rows
                    .map_err(convert)?
                    .into_iter()
                    .map(Row::Sqlite)
                    .collect())
            }
            Inner::Pg(tx) => {
                let rows = sqlx::query_with(sql_str(sql), pg_args(args)?)
                    .fetch_all(&mut **tx)
                    .await;
                Ok(rows.map_err(convert)?.into_iter().map(Row::Pg).collect())
            }
        }
    }

    /// Hands out the rows of a query one after the other, without holding them.
    pub(crate) async fn each(
        &mut self,
        sql: String,
        mut each: impl FnMut(&Row) -> Result<()> + Send,
    ) -> Result<()> {
        let sql = AssertSqlSafe(sql).into_sql_str();
        match &mut self.0 {
            Inner::Sqlite(tx) => {
                let mut rows = sqlx::query(sql).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(convert)? {
                    each(&Row::Sqlite(row))?;
                }
            }
            Inner::Pg(tx) => {
                let mut rows = sqlx::query(sql).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(convert)? {
                    each(&Row::Pg(row))?;
                }
            }
        }
        Ok(())
    }

    /// The engine.
    pub(crate) fn engine(&self) -> Engine {
        match self.0 {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Pg(_) => Engine::Postgres,
        }
    }

    /// The first row of a query, if there is one.
    pub async fn optional(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        args: Args,
    ) -> Result<Option<Row>> {
        Ok(self.query(sql, args).await?.into_iter().next())
    }

    /// The one row of a query that always has one.
    pub async fn one(&mut self, sql: impl Into<Cow<'static, str>>, args: Args) -> Result<Row> {
        self.optional(sql, args)
            .await?
            .ok_or_else(|| Error::internal("a query gave no row"))
    }

    /// Runs a statement; gives the number of rows it changed.
    pub async fn execute(&mut self, sql: impl Into<Cow<'static, str>>, args: Args) -> Result<u64> {
        let sql = sql.into();
        let watch = Watch::new(&sql);
        let changed = self.run(sql, args).await;
        watch.tell();
        changed
    }

    async fn run(&mut self, sql: Cow<'static, str>, args: Args) -> Result<u64> {
        match &mut self.0 {
            Inner::Sqlite(tx) => {
                let sql = sql_str(for_sqlite(sql, args.len()));
                let done = sqlx::query_with(sql, sqlite_args(args)?)
                    .execute(&mut **tx)
                    .await;
                Ok(done.map_err(convert)?.rows_affected())
            }
            Inner::Pg(tx) => {
                let done = sqlx::query_with(sql_str(sql), pg_args(args)?)
                    .execute(&mut **tx)
                    .await;
                Ok(done.map_err(convert)?.rows_affected())
            }
        }
    }

    /// Inserts many rows: `head` is `INSERT INTO t (a, b) VALUES`, `tail` what follows the values
    /// (`ON CONFLICT …` or nothing). Splits by the engines' limit on arguments; full chunks share
    /// one prepared statement. Gives the number of rows changed.
    pub async fn insert_many(
        &mut self,
        head: &'static str,
        columns: usize,
        tail: &'static str,
        args: Args,
    ) -> Result<u64> {
        // SQLite takes 32,766 arguments, PostgreSQL 65,535.
        let chunk = (16_000 / columns).min(500);
        let mut changed = 0;
        let mut left = args.0;
        while !left.is_empty() {
            let rest = if left.len() > chunk * columns {
                left.split_off(chunk * columns)
            } else {
                Vec::new()
            };
            let rows = left.len() / columns;
            let sql = format!("{head} {} {tail}", Args::values(rows, columns));
            changed += self.execute(sql, Args(left)).await?;
            left = rest;
        }
        Ok(changed)
    }

    /// Runs DDL: several statements, no arguments.
    pub(crate) async fn script(&mut self, sql: String) -> Result<()> {
        let sql = AssertSqlSafe(sql);
        match &mut self.0 {
            Inner::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ()),
            Inner::Pg(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ()),
        }
        .map_err(convert)
    }

    /// What follows a `SELECT` whose rows must stay as they are until this transaction ends. Held for sharing, others may hold
    /// them too and nobody changes them, at a third of the cost of an `UPDATE` that changes nothing; to change them oneself,
    /// hold them alone, since two who share wait for each other. SQLite has one writer and needs no word.
    pub fn held(&self, alone: bool) -> &'static str {
        match (&self.0, alone) {
            (Inner::Sqlite(_), _) => "",
            (Inner::Pg(_), false) => "FOR SHARE",
            (Inner::Pg(_), true) => "FOR UPDATE",
        }
    }

    /// On PostgreSQL bounds how long this transaction waits for locks and may sit idle, so that a
    /// frozen node cannot keep a row lock; SQLite has no such waits.
    pub async fn bound_waits(&mut self, seconds: u32) -> Result<()> {
        if let Inner::Pg(_) = self.0 {
            self.script(format!(
                "SET LOCAL lock_timeout = '{seconds}s'; \
                 SET LOCAL idle_in_transaction_session_timeout = '{seconds}s'"
            ))
            .await?;
        }
        Ok(())
    }

    async fn commit(self) -> Result<()> {
        match self.0 {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Pg(tx) => tx.commit().await,
        }
        .map_err(convert)
    }

    async fn rollback(self) {
        // A failed rollback closes the connection, which rolls back too.
        let _ = match self.0 {
            Inner::Sqlite(tx) => tx.rollback().await,
            Inner::Pg(tx) => tx.rollback().await,
        };
    }
}

/// A statement that takes longer is named in the log.
const SLOW: Duration = Duration::from_secs(1);
/// So many characters of it: lists may be thousands of places long.
const NAMED: usize = 300;

/// Times a statement.
struct Watch {
    begun: Instant,
    statement: Cow<'static, str>,
}

impl Watch {
    #[expect(clippy::ptr_arg, reason = "what is static is named without a copy")]
    fn new(sql: &Cow<'static, str>) -> Self {
        Self {
            begun: Instant::now(),
            statement: match sql {
                Cow::Borrowed(sql) => Cow::Borrowed(sql),
                Cow::Owned(sql) => Cow::Owned(sql.chars().take(NAMED).collect()),
            },
        }
    }

    fn tell(self) {
        let took = self.begun.elapsed();
        if took >= SLOW {
            let seconds = took.as_secs_f64();
            tracing::warn!(seconds, statement = &*self.statement, "slow statement");
        }
    }
}

/// The loop behind [`transaction!`](crate::transaction).
pub struct Retry {
    db: Db,
    attempts: u32,
}

/// What the loop does next.
pub enum Step<T> {
    /// Finished, well or not.
    Done(Result<T>),
    /// Lost a race: run the block again.
    Again,
}

impl Retry {
    const MOST: u32 = 20;

    /// A fresh loop.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            attempts: 0,
        }
    }

    /// Begins the next try.
    pub async fn begin(&mut self) -> Result<Tx> {
        loop {
            match Tx::write(&self.db).await {
                Err(Error::Retry(why)) if self.attempts < Self::MOST => self.pause(&why).await,
                Err(Error::Retry(why)) => return Err(lost(&why)),
                other => return other,
            }
        }
    }

    /// Commits or rolls back.
    pub async fn finish<T>(&mut self, tx: Tx, result: Result<T>) -> Step<T> {
        let result = match result {
            Ok(value) => tx.commit().await.map(|()| value),
            Err(e) => {
                tx.rollback().await;
                Err(e)
            }
        };
        match result {
            Err(Error::Retry(why)) if self.attempts < Self::MOST => {
                self.pause(&why).await;
                Step::Again
            }
            Err(Error::Retry(why)) => Step::Done(Err(lost(&why))),
            other => Step::Done(other),
        }
    }

    async fn pause(&mut self, why: &str) {
        self.attempts += 1;
        tracing::debug!(why, attempt = self.attempts, "transaction runs again");
        // The address differs from task to task: enough to keep two rivals out of step.
        let jitter = (std::ptr::from_ref(self) as usize as u64 >> 4) % 7;
        let millis = (1u64 << self.attempts.min(7)) + jitter;
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

fn lost(why: &str) -> Error {
    tracing::warn!(why, "a transaction lost too many races");
    Error::Busy { retry_after: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_in_order_become_plain_ones_for_sqlite() {
        let values = Args::values(10, 2);
        let text = format!("INSERT INTO t (a, b) VALUES {values}");
        let plain = for_sqlite(text.clone().into(), 20);
        assert!(
            plain.starts_with("INSERT INTO t (a, b) VALUES (?,?),(?,?)"),
            "{plain}"
        );
        assert_eq!(plain.matches('?').count(), 20);
        for other in [
            "SELECT $2, $1".to_owned(),
            "SELECT $1, $1".to_owned(),
            text.replace("$7,", "$70,"),
        ] {
            assert_eq!(for_sqlite(other.clone().into(), 20), other);
        }
        assert_eq!(for_sqlite("SELECT $1".into(), 1), "SELECT $1");
    }
}
