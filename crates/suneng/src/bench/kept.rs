//! Data of a bench that stays: made once in a folder and, on PostgreSQL, in a database of its own; used again by later runs.

use std::path::PathBuf;

use kernel::{Error, Msg, Result};
use serde_json::{Value, json};

use crate::Config;
use crate::config::SecretUrl;
use crate::world::{make_folder, open_database};

/// What stands for the size of a run in the address of a database: each run has a database of its own.
const SIZE: &str = "{n}";
/// The last thing that is written into the folder: the data is whole.
const WHOLE: &str = "bench.json";

/// Where the data of one run stays.
pub struct Kept {
    /// The configuration with its places.
    pub config: Config,
    whole: PathBuf,
}

impl Kept {
    /// The place of a run in the data folder.
    ///
    /// # Errors
    /// When the folder cannot be made; when a PostgreSQL database is neither empty nor the one whose data this place holds: a
    /// bench never touches real data.
    pub async fn of(config: &Config, name: &str, size: usize) -> Result<Self> {
        let mut config = config.clone();
        config.data = config.data.join(name);
        let url = config.database_url.reveal();
        config.database_url = SecretUrl::new(url.replace(SIZE, &size.to_string()));
        let config = config.with_own_places();
        make_folder(&config.data)?;
        let whole = config.data.join(WHOLE);
        let kept = Self { config, whole };
        if kept.config.sqlite_file().is_none() && !kept.is_ours()? {
            let db = open_database(&kept.config).await?;
            let free = db::applied(&db).await?.is_empty();
            db.close().await;
            if !free {
                return Err(Error::Conflict(Msg::new("bench-not-empty")));
            }
        }
        Ok(kept)
    }

    fn read(&self) -> Result<Option<Value>> {
        match std::fs::read_to_string(&self.whole) {
            Ok(text) => serde_json::from_str(&text).map_err(Error::internal),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::internal(e)),
        }
    }

    fn is_ours(&self) -> Result<bool> {
        let found = self.read()?;
        Ok(found.is_some_and(|v| v["database"] == self.config.database_url.to_string()))
    }

    /// How the data was made, when it is there.
    pub fn made(&self) -> Result<Option<Value>> {
        Ok(self.read()?.map(|v| v["made"].clone()))
    }

    /// The data is there.
    pub fn keep(&self, made: &Value) -> Result<()> {
        let said = json!({ "database": self.config.database_url.to_string(), "made": made });
        std::fs::write(&self.whole, said.to_string()).map_err(Error::internal)
    }
}
