//! `suneng verify`: proves the ledger and the audit trail, and the files where asked to.

use futures::{StreamExt, TryStreamExt};
use kernel::{Env, Error, Msg, Result};
use ledger::CheckpointStore;
use serde::Serialize;

use crate::checkpoints::Checkpoints;
use crate::texts::{Texts, say};
use crate::{Config, World};

/// How to verify.
#[derive(Debug, Clone, clap::Args)]
pub struct Verify {
    /// 输出 JSON / Print JSON
    #[arg(long)]
    json: bool,
    /// 同时核对每个附件的内容 / Check the content of every file too
    #[arg(long)]
    files: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The ledger.
    pub ledger: ledger::Report,
    /// The audit trail.
    pub audit: identity::AuditReport,
    /// Files that were read, where they were.
    pub files: Option<usize>,
    /// Files whose content is not what it was.
    pub damaged_files: Vec<String>,
}

impl Found {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.ledger.problems.is_empty()
            && self.audit.problems.is_empty()
            && self.damaged_files.is_empty()
    }
}

/// Verifies and prints; gives whether all is well.
pub async fn run(config: Config, env: Env, options: &Verify, texts: &Texts) -> Result<bool> {
    let world = World::open(config, env).await?;
    let found = check(&world, options.files).await?;
    if options.json {
        say(serde_json::to_string_pretty(&found).map_err(Error::internal)?);
    } else {
        print(&found, texts);
    }
    world.db.close().await;
    Ok(found.is_well())
}

/// Verifies the ledger against its checkpoints, the audit trail, and the files where asked to.
pub async fn check(world: &World, files: bool) -> Result<Found> {
    // Checkpoints first: one that is signed meanwhile would be beyond an older snapshot.
    let checkpoints = Checkpoints(world.files.clone()).all().await?;
    let ledger = ledger::verify(&world.db, &checkpoints).await?;
    let mut found = Found {
        ledger,
        audit: identity::verify_audit(&world.db, &[]).await?,
        files: None,
        damaged_files: Vec::new(),
    };
    if files {
        let mut checked = 0;
        let mut list = world.files.list();
        while let Some(file) = list.try_next().await? {
            checked += 1;
            let (_, mut bytes) = world.files.get_stream(file.sha256).await?;
            while let Some(piece) = bytes.next().await {
                match piece {
                    Ok(_) => {}
                    Err(Error::Unavailable(msg)) if msg.key == "file-damaged" => {
                        found.damaged_files.push(file.sha256.to_string());
                        break;
                    }
                    Err(e) => return Err(e),
                }
            }
        }
        found.files = Some(checked);
    }
    Ok(found)
}

/// Prints the report for people.
pub fn print(found: &Found, texts: &Texts) {
    let ledger = &found.ledger;
    say(texts.msg(
        &Msg::new("verify-ledger")
            .with("log", &ledger.log)
            .with("size", ledger.size)
            .with("root", &ledger.root)
            .with("tail", ledger.tail),
    ));
    for (log, size, reason) in &ledger.earlier_logs {
        let text = Msg::new("verify-earlier")
            .with("log", log)
            .with("size", size)
            .with("reason", reason);
        say(texts.msg(&text));
    }
    say(texts.msg(
        &Msg::new("verify-compared")
            .with("checkpoints", ledger.checkpoints)
            .with("rollups", ledger.rollups),
    ));
    if ledger.computing > 0 {
        say(texts.msg(&Msg::new("verify-computing").with("count", ledger.computing)));
    }
    if let Some(files) = found.files {
        say(texts.msg(&Msg::new("verify-files").with("count", files)));
    }
    let audit = &found.audit;
    say(texts.msg(
        &Msg::new("verify-audit")
            .with("entries", audit.entries)
            .with("waiting", audit.waiting)
            .with("size", audit.size)
            .with("head", &audit.head),
    ));
    for problem in ledger.problems.iter().chain(&audit.problems) {
        say(texts.msg(&Msg::new("verify-problem").with("problem", problem)));
    }
    for sha256 in &found.damaged_files {
        say(texts.msg(&Msg::new("verify-file-damaged").with("sha256", sha256)));
    }
    say(texts.get(if found.is_well() {
        "verify-well"
    } else {
        "verify-bad"
    }));
}
