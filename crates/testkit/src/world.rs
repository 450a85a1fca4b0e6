//! What a test body gets.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use db::{Db, DbOptions, Engine, Migration};
use futures::FutureExt;
use kernel::{Env, TestClock};
use url::Url;

use crate::{pg, sqlite};

/// A fresh database of one engine, and a clock that stands still.
#[derive(Clone)]
pub struct TestDb {
    /// The database, migrated and empty.
    pub db: Db,
    /// Which engine this is.
    pub engine: Engine,
    /// Clock and randomness; the clock is `clock`.
    pub env: Env,
    /// Stands at noon of Friday 2026-11-20, Beijing time, until moved.
    pub clock: Arc<TestClock>,
    place: Arc<Place>,
}

enum Place {
    Sqlite(PathBuf),
    Postgres(Url),
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Sqlite(file) = self {
            sqlite::remove(file);
        }
    }
}

impl TestDb {
    async fn sqlite(migrations: &[Migration]) -> Self {
        let file = sqlite::migrated_file(pg::server().folder(), migrations).await;
        Self::open(Place::Sqlite(file)).await
    }

    async fn postgres(migrations: &[Migration]) -> Self {
        let url = pg::server().migrated_database(migrations).await;
        Self::open(Place::Postgres(url)).await
    }

    async fn open(place: Place) -> Self {
        let db = place.connect().await;
        let (env, clock) = env();
        Self {
            engine: db.engine(),
            db,
            env,
            clock,
            place: Arc::new(place),
        }
    }

    /// Another pool on the same database, as a second node has it.
    pub async fn second(&self) -> Db {
        self.place.connect().await
    }

    /// The database as `db::Db::open` takes it, for a test that starts the program.
    pub fn url(&self) -> String {
        self.place.url()
    }

    async fn remove(self) {
        // A body that failed may have left a transaction open in a task of its own.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.db.close()).await;
        if let Place::Postgres(url) = &*self.place {
            pg::server().discard(url).await;
        }
    }
}

impl Place {
    fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(url) => url.to_string(),
        }
    }

    async fn connect(&self) -> Db {
        let options = DbOptions {
            connections: 4,
            // Machines that test are busy.
            patience: Duration::from_secs(30),
        };
        Db::open(&self.url(), &options)
            .await
            .expect("the fresh database opens")
    }
}

/// Clock and randomness for a test; the clock stands at noon of Friday 2026-11-20, Beijing time.
pub fn env() -> (Env, Arc<TestClock>) {
    let clock = TestClock::noon(2026, 11, 20);
    (Env::with_clock(clock.clone()), clock)
}

/// Runs a test body on a fresh SQLite file and on a fresh PostgreSQL database. A failure says on
/// which engine it happened.
pub async fn on_both<F, Fut>(migrations: &[Migration], body: F)
where
    F: Fn(TestDb) -> Fut,
    Fut: Future<Output = ()>,
{
    on_sqlite(migrations, &body).await;
    on_postgres(migrations, &body).await;
}

/// Runs a test body on a fresh SQLite file only: for what only that engine has.
pub async fn on_sqlite<F, Fut>(migrations: &[Migration], body: F)
where
    F: FnOnce(TestDb) -> Fut,
    Fut: Future<Output = ()>,
{
    run(TestDb::sqlite(migrations).await, body).await;
}

/// Runs a test body on a fresh PostgreSQL database only: for races between nodes, which SQLite's
/// single writer would hide.
pub async fn on_postgres<F, Fut>(migrations: &[Migration], body: F)
where
    F: FnOnce(TestDb) -> Fut,
    Fut: Future<Output = ()>,
{
    run(TestDb::postgres(migrations).await, body).await;
}

async fn run<Fut>(test: TestDb, body: impl FnOnce(TestDb) -> Fut)
where
    Fut: Future<Output = ()>,
{
    let result = AssertUnwindSafe(body(test.clone())).catch_unwind().await;
    if let Err(panic) = result {
        eprintln!("the test failed on {:?}", test.engine);
        test.remove().await;
        std::panic::resume_unwind(panic);
    }
    test.remove().await;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use db::{args, transaction};
    use kernel::{Date, Result};

    use super::*;

    const MIGRATIONS: &[Migration] = &[Migration {
        name: "testkit_20261121_note",
        sql: "CREATE TABLE note (id {blob} PRIMARY KEY, body TEXT NOT NULL)",
    }];

    async fn add(db: &Db, env: &Env, body: &str) -> Result<u64> {
        let id: kernel::Id = env.new_id();
        transaction!(db, |tx| {
            tx.execute(
                "INSERT INTO note (id, body) VALUES ($1, $2)",
                args![id, body],
            )
            .await
        })
    }

    async fn count(db: &Db) -> i64 {
        let mut tx = db.read().await.expect("a snapshot");
        let row = tx
            .one("SELECT CAST(COUNT(*) AS BIGINT) FROM note", args![])
            .await
            .expect("a count");
        row.get(0).expect("a number")
    }

    #[tokio::test]
    async fn a_body_runs_on_both_engines_and_a_second_pool_sees_the_same_rows() {
        let engines = Mutex::new(Vec::new());
        on_both(MIGRATIONS, |t| async {
            let t = t;
            assert_eq!(count(&t.db).await, 0, "fresh");
            add(&t.db, &t.env, "周五学习").await.expect("stored");
            assert_eq!(count(&t.second().await).await, 1);
            engines.lock().expect("unpoisoned").push(t.engine);
        })
        .await;
        let engines = engines.into_inner().expect("unpoisoned");
        assert_eq!(engines, [Engine::Sqlite, Engine::Postgres]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_share_a_template_and_nothing_else() {
        const MANY: &[Migration] = &[Migration {
            name: "testkit_20261121_many",
            sql: "CREATE TABLE note (id {blob} PRIMARY KEY, body TEXT NOT NULL)",
        }];
        let tests = (0..8).map(|n| {
            on_both(MANY, move |t| async move {
                for _ in 0..n {
                    add(&t.db, &t.env, "a").await.expect("stored");
                }
                assert_eq!(count(&t.db).await, n);
            })
        });
        futures::future::join_all(tests).await;
    }

    #[tokio::test]
    async fn rivals_for_the_same_template_end_with_one() {
        let migrations = [Migration {
            name: "testkit_20261121_rivals",
            sql: "CREATE TABLE rival (id {blob} PRIMARY KEY)",
        }];
        let server = pg::server();
        // As two processes do it: past the lock that one process has.
        let name = pg::unique_name("template");
        futures::future::join(
            server.ensure_template(&name, &migrations),
            server.ensure_template(&name, &migrations),
        )
        .await;
        server.ensure_template(&name, &migrations).await;
    }

    #[tokio::test]
    async fn a_failing_body_fails_the_test_and_leaves_nothing_behind() {
        let urls = Mutex::new(Vec::new());
        let on = |t: TestDb| {
            urls.lock().expect("unpoisoned").push(t.url());
            async { panic!("on purpose") }
        };
        for failed in [
            AssertUnwindSafe(on_sqlite(MIGRATIONS, on))
                .catch_unwind()
                .await,
            AssertUnwindSafe(on_postgres(MIGRATIONS, on))
                .catch_unwind()
                .await,
        ] {
            assert!(failed.is_err());
        }
        let urls = urls.into_inner().expect("unpoisoned");
        let file = urls[0].strip_prefix("sqlite:").expect("a SQLite URL");
        assert!(!std::path::Path::new(file).exists());
        let url = Url::parse(&urls[1]).expect("a PostgreSQL URL");
        // The database may stay until they are many.
        if let Ok(connected) = Db::open(&urls[1], &DbOptions::default()).await {
            pg::server().drop_database(&url).await;
            assert!(
                connected.ping().await.is_err(),
                "dropped under a connection"
            );
        }
    }

    #[test]
    fn the_clock_stands_until_it_is_moved() {
        let (env, clock) = env();
        let friday = env.today();
        assert_eq!(friday, Date::constant(2026, 11, 20));
        assert_eq!(env.now(), env.now());
        clock.advance(12 * 3600);
        assert_eq!(env.today(), friday.tomorrow().expect("a next day"));
    }
}
