//! Everything that a command works with, opened once.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use commons::files::Files;
use commons::packs::{PackProblem, Packs};
use crypt::{Keyring, Vault};
use db::{Db, DbOptions};
use kernel::{Env, Error, Msg, Result};
use ledger::{Ledger, Signer};
use organization::Organization;

use crate::Config;
use crate::modules::{PACK_TABLES, migrations};

/// The open program (cheap to clone).
#[derive(Clone)]
pub struct World {
    /// What is set.
    pub config: Arc<Config>,
    /// Clock, randomness, time zone.
    pub env: Env,
    /// The database, migrated.
    pub db: Db,
    /// Files.
    pub files: Files,
    /// Business packs.
    pub packs: Packs,
    /// The ledger.
    pub ledger: Ledger,
    /// Units and people.
    pub organization: Organization,
}

impl World {
    /// Opens what is there; nothing is made and nothing migrated, so that any command may run beside a
    /// server.
    ///
    /// # Errors
    /// `Conflict` when there is no database yet or it waits for migrations: the message says how to
    /// mend that.
    pub async fn open(config: Config, env: Env) -> Result<Self> {
        let db = open_existing(&config).await?;
        let left = db::pending(&db, &migrations()).await?;
        if !left.is_empty() {
            let message = Msg::new("database-not-migrated").with("count", left.len());
            return Err(Error::Conflict(message));
        }
        Self::with(config, env, db).await
    }

    /// Makes what is missing (data folder, database, ledger, signing key) and migrates. Gives the names
    /// of the migrations that were applied.
    pub async fn create(config: Config, env: Env) -> Result<(Self, Vec<&'static str>)> {
        make_folder(&config.data)?;
        let db = open_database(&config).await?;
        let applied = db::migrate(&db, &env, &migrations()).await?;
        make_key(&config.data, &env)?;
        Ok((Self::with(config, env, db).await?, applied))
    }

    async fn with(config: Config, env: Env, db: Db) -> Result<Self> {
        // A mistake in a pack stops the server's start, never a backup or a verification.
        let packs = match load_packs(&config) {
            Ok(own) => crate::editing::running(&db, own).await?,
            Err(problems) => {
                for problem in problems {
                    tracing::warn!(%problem, "packs are left out");
                }
                Packs::default()
            }
        };
        Ok(Self {
            files: open_files(&config, &env)?,
            ledger: Ledger::open(db.clone(), env.clone()).await?,
            organization: Organization::new(db.clone(), env.clone()).with_trail(Deeds(env.clone())),
            config: Arc::new(config),
            env,
            db,
            packs,
        })
    }

    /// Everybody's desk.
    pub fn desk(&self) -> desk::Desk {
        desk::Desk::new(self.db.clone(), self.env.clone())
    }

    /// The vault with the keyring that is set; a database that never met one gets a new one.
    ///
    /// # Errors
    /// `Unavailable` when the keyring is missing, damaged, or not the one this database was used with.
    pub async fn vault(&self) -> Result<Vault> {
        let (path, algorithm) = (
            &self.config.operation.keyring,
            self.config.operation.keyring_algorithm,
        );
        let mut made = false;
        if !path.exists() && Vault::is_new(&self.db).await? {
            // Another program may be making the same file; then it is opened below.
            match Keyring::create(path, &self.env, algorithm) {
                Ok(_) => made = true,
                Err(_) if path.exists() => {}
                Err(e) => return Err(e),
            }
        }
        let ring = Keyring::open(path)?;
        for warning in ring.warnings() {
            tracing::warn!(file = %path.display(), "keyring: {}", warning.key);
        }
        let vault = Vault::open(&self.db, &self.env, ring).await;
        if made && vault.is_err() {
            // The database met another keyring meanwhile; this one would only be taken for it.
            let _ = std::fs::remove_file(path);
        }
        vault
    }

    /// Signs checkpoints of this data folder.
    pub fn signer(&self) -> Result<Signer> {
        let path = self.config.data.join(KEY_FILE);
        let wrong = |reason: &dyn std::fmt::Display| {
            Error::Conflict(
                Msg::new("key-unreadable")
                    .with("file", path.display())
                    .with("reason", reason),
            )
        };
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(&e))?;
        let mut secret = [0; 32];
        hex::decode_to_slice(text.trim(), &mut secret).map_err(|e| wrong(&e))?;
        Ok(Signer::new(&secret))
    }
}

/// The database, made when it is missing.
pub async fn open_database(config: &Config) -> Result<Db> {
    let options = DbOptions {
        connections: config.connections,
        ..DbOptions::default()
    };
    Db::open(config.database_url.reveal(), &options).await
}

/// The database that is there.
pub async fn open_existing(config: &Config) -> Result<Db> {
    if let Some(file) = config.sqlite_file().filter(|file| !file.exists()) {
        let message = Msg::new("database-missing").with("file", file.display());
        return Err(Error::Conflict(message));
    }
    open_database(config).await
}

/// The file store.
pub fn open_files(config: &Config, env: &Env) -> Result<Files> {
    let place = config.blob_url.reveal();
    let folder = place
        .strip_prefix("file:")
        .filter(|rest| !rest.starts_with("//"));
    Files::open(folder.unwrap_or(place), env.clone())
}

/// The packs in the program.
#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../packs"]
struct Embedded;

/// The packs in the program and in the folder, all problems named.
pub fn load_packs(config: &Config) -> Result<Packs, Vec<PackProblem>> {
    let mut texts: std::collections::BTreeMap<String, String> = Embedded::iter()
        .filter(|name| name.ends_with(".toml"))
        .filter_map(|name| {
            let file = Embedded::get(&name)?;
            Some((
                name.into_owned(),
                String::from_utf8_lossy(&file.data).into_owned(),
            ))
        })
        .collect();
    if let Some(folder) = &config.packs {
        let unreadable = |e: std::io::Error| {
            vec![PackProblem {
                file: folder.display().to_string(),
                line: 0,
                column: 0,
                reason: Msg::new("pack-folder-unreadable").with("reason", e),
            }]
        };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|end| end == "toml") {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                texts.insert(name, std::fs::read_to_string(&path).map_err(unreadable)?);
            }
        }
    }
    let packs = Packs::load(texts.into_iter().collect())?;
    packs.check_tables(PACK_TABLES)?;
    commons::packs::holidays::calendar(&packs)?;
    Ok(packs)
}

/// The problems of packs as one error with their places.
pub fn pack_errors(problems: Vec<PackProblem>) -> Error {
    let field = |p: PackProblem| kernel::FieldError {
        field: format!("{}:{}:{}", p.file, p.line, p.column),
        message: p.reason,
    };
    Error::Invalid(problems.into_iter().map(field).collect())
}

/// Name of the signing key in the data folder.
pub const KEY_FILE: &str = "ledger.key";

/// The data folder, readable by its owner only.
pub fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| not_written(folder, &e))
}

/// A signing key, never written over an older one.
fn make_key(folder: &Path, env: &Env) -> Result<()> {
    let path = folder.join(KEY_FILE);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = match options.open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(e) => return Err(not_written(&path, &e)),
    };
    let key = hex::encode(env.random::<32>());
    writeln!(file, "{key}")
        .and_then(|()| file.sync_all())
        .map_err(|e| not_written(&path, &e))
}

/// A file or folder that could not be written.
pub fn not_written(path: &Path, e: &std::io::Error) -> Error {
    Error::Unavailable(
        Msg::new("not-written")
            .with("path", path.display())
            .with("reason", e),
    )
}

/// Writes the deeds of the organization into the audit trail.
struct Deeds(Env);

impl organization::Trail for Deeds {
    fn record<'a>(
        &'a self,
        tx: &'a mut db::Tx,
        deed: organization::Deed,
    ) -> futures::future::BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let actor = identity::Actor {
                account: deed.by.account,
                on_behalf: deed.by.on_behalf,
                address: deed.by.address,
            };
            let entry = actor.audit(deed.action, deed.object, deed.detail);
            identity::record(tx, &self.0, &entry).await
        })
    }
}
