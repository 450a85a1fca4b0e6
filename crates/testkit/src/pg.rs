//! PostgreSQL for tests: one cluster per run, one database per test, cloned from a migrated
//! template.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use db::{Db, DbOptions, Migration};
use kernel::{Env, Id};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;
use url::Url;

/// How many databases of finished tests may lie about, at 8 MB each.
const KEPT_DATABASES: i64 = 150;

/// The PostgreSQL of this run.
pub struct PgServer {
    url: Url,
    folder: PathBuf,
    /// Templates that are known to exist.
    templates: Mutex<HashSet<String>>,
    /// Kept until the process ends; then the cluster stops itself.
    _cluster: Option<pgcluster::Cluster>,
}

/// The server that `cargo xtask test` started, or one of this process's own.
///
/// # Panics
/// When there is no PostgreSQL: the message says what to install.
pub fn server() -> &'static PgServer {
    static SERVER: OnceLock<PgServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let shared = std::env::var(pgcluster::URL_VARIABLE).ok();
        let cluster = match &shared {
            Some(_) => None,
            None => Some(pgcluster::Cluster::start().unwrap_or_else(|why| panic!("{why}"))),
        };
        let url = match &cluster {
            Some(cluster) => cluster.url(),
            None => shared.unwrap_or_default(),
        };
        let folder = match &cluster {
            Some(cluster) => cluster.folder().to_owned(),
            None => std::env::var_os(pgcluster::FOLDER_VARIABLE)
                .map_or_else(std::env::temp_dir, PathBuf::from),
        };
        PgServer {
            url: Url::parse(&url).expect("SUNENG_TEST_PG is a URL"),
            folder,
            templates: Mutex::default(),
            _cluster: cluster,
        }
    })
}

impl PgServer {
    /// The folder of this run; files in it are removed when the run ends.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// URL of a new, empty database.
    pub async fn create_database(&self) -> Url {
        let name = unique_name("test");
        self.admin(format!("CREATE DATABASE {name}")).await;
        self.url_of(&name)
    }

    /// URL of a new database with these migrations applied, cloned from a template that is made
    /// once per run.
    pub async fn migrated_database(&self, migrations: &[Migration]) -> Url {
        let template = format!("template_{}", crate::sqlite::fingerprint(migrations));
        let mut known = self.templates.lock().await;
        if !known.contains(&template) {
            self.ensure_template(&template, migrations).await;
            known.insert(template.clone());
        }
        drop(known);
        let name = unique_name("test");
        self.admin(format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await;
        self.url_of(&name)
    }

    /// Removes a database, whoever is still connected. Best effort: the cluster goes away anyway.
    pub async fn drop_database(&self, url: &Url) {
        let name = url.path().trim_start_matches('/');
        let _ = self
            .try_admin(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await;
    }

    /// Gives a database up. Dropping one costs a checkpoint, a quarter of a second, so the databases
    /// of a run stay until they are many; they go with the run.
    pub(crate) async fn discard(&self, url: &Url) {
        let mut connection = self.connect().await;
        let many = sqlx::query("SELECT 1 FROM pg_database WHERE datname LIKE 'test_%' OFFSET $1")
            .bind(KEPT_DATABASES)
            .fetch_optional(&mut connection)
            .await;
        if matches!(many, Ok(Some(_))) {
            self.drop_database(url).await;
        }
    }

    /// Several processes may want the same template: each makes one under a name of its own, the
    /// first to rename it wins, the others throw theirs away.
    pub(crate) async fn ensure_template(&self, template: &str, migrations: &[Migration]) {
        let mut connection = self.connect().await;
        let exists = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(template)
            .fetch_optional(&mut connection)
            .await
            .expect("PostgreSQL lists its databases");
        if exists.is_some() {
            return;
        }
        let url = self.create_database().await;
        let db = Db::open_postgres(url.as_str(), &DbOptions::default())
            .await
            .expect("the new database opens");
        db::migrate(&db, &Env::system(), migrations)
            .await
            .expect("the migrations apply to an empty PostgreSQL database");
        db.close().await;
        let name = url.path().trim_start_matches('/');
        let renamed = self
            .try_admin(format!("ALTER DATABASE {name} RENAME TO {template}"))
            .await;
        if let Err(error) = renamed {
            let duplicate = error
                .as_database_error()
                .and_then(|e| e.code())
                .is_some_and(|code| code == "42P04" || code == "23505");
            assert!(duplicate, "the template cannot be named: {error}");
            self.drop_database(&url).await;
        }
    }

    fn url_of(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(name);
        url
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.url.as_str())
            .await
            .expect("the PostgreSQL of this run answers")
    }

    async fn try_admin(&self, sql: String) -> Result<(), sqlx::Error> {
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await;
        connection.close().await?;
        done.map(|_| ())
    }

    async fn admin(&self, sql: String) {
        if let Err(error) = self.try_admin(sql.clone()).await {
            panic!("{sql}: {error}");
        }
    }
}

/// A name that no other test, thread or process takes.
pub(crate) fn unique_name(prefix: &str) -> String {
    static ENV: OnceLock<Env> = OnceLock::new();
    let id: Id = ENV.get_or_init(Env::system).new_id();
    format!("{prefix}_{}", hex::encode(id.0))
}
