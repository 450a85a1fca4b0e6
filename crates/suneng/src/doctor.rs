//! `suneng doctor`: looks at the surroundings and says what to do.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use db::{Db, Engine};
use kernel::{Env, Error, Msg, Result};
use ledger::Ledger;

use crate::config::Source;
use crate::modules::migrations;

use crate::rooms::Vocabulary;
use crate::texts::{Texts, say};
use crate::world::{load_packs, open_existing, open_files};
use crate::{Config, keys, schedule, settings};

/// Less room than this on the disk is a warning.
const ROOM: u64 = 1 << 30;
/// A tail older than this is not being sealed.
const TAIL_AGE: f64 = 15.0;
/// Clocks of a few nodes may differ by this much.
const CLOCK_SLACK: i64 = 60;

/// What to show.
#[derive(Debug, Clone, clap::Args)]
pub struct Doctor {
    /// 列出每项设置的值及其来源 / List every setting with its value and source
    #[arg(long)]
    settings: bool,
    /// 输出 docs/configuration.md / Print docs/configuration.md
    #[arg(long, hide = true)]
    markdown: bool,
}

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Well.
    Ok,
    /// To be mended some time.
    Warn,
    /// To be mended now.
    Bad,
}

struct Findings<'a> {
    texts: &'a Texts,
    worst_is_bad: bool,
}

impl Findings<'_> {
    fn add(&mut self, state: State, msg: &Msg) {
        self.line(state, &self.texts.msg(msg));
    }

    fn error(&mut self, error: &Error) {
        self.line(State::Bad, &self.texts.error(error));
    }

    fn line(&mut self, state: State, text: &str) {
        let mark = match state {
            State::Ok => "ok   ",
            State::Warn => "warn ",
            State::Bad => "bad  ",
        };
        self.worst_is_bad |= state == State::Bad;
        say(format_args!("{mark}{text}"));
    }
}

/// Checks and prints; gives whether nothing is bad.
pub async fn run(config: Config, env: Env, options: &Doctor, texts: &Texts) -> Result<bool> {
    if options.markdown {
        say(settings::markdown().trim_end());
        return Ok(true);
    }
    if options.settings {
        for (s, value, source) in &config.given {
            let source = match source {
                Source::Flag => "doctor-source-flag",
                Source::Environment => "doctor-source-environment",
                Source::File => "doctor-source-file",
                Source::Default => "doctor-source-default",
            };
            say(format_args!(
                "{} = {value}  ({})",
                s.flag,
                texts.get(source)
            ));
        }
        return Ok(true);
    }
    let mut found = Findings {
        texts,
        worst_is_bad: false,
    };
    packs(&config, &mut found);
    // Looking must not make the folder, which would not have the right owner or mode.
    if folder(&config.data, &mut found) {
        files(&config, &env, &mut found).await;
    }
    match open_existing(&config).await {
        Ok(db) => {
            if let Err(e) = database(&db, &env, &mut found).await {
                found.error(&e);
            } else if db::pending(&db, &migrations()).await?.is_empty() {
                for (state, message) in keys::findings(&config, &env, &db).await {
                    match message {
                        Ok(msg) => found.add(state, &msg),
                        Err(e) => found.error(&e),
                    }
                }
                for (state, msg) in crate::editing::findings(&config, &db).await? {
                    found.add(state, &msg);
                }
                for (state, msg) in schedule::findings(&config, &env, &db).await? {
                    found.add(state, &msg);
                }
            }
            db.close().await;
        }
        Err(e) => found.error(&e),
    }
    address(config.listen, &mut found);
    Ok(!found.worst_is_bad)
}

/// Gives whether the folder can be written.
fn folder(data: &Path, found: &mut Findings<'_>) -> bool {
    let probe = data.join(".doctor");
    let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => found.add(
            State::Ok,
            &Msg::new("doctor-folder").with("folder", data.display()),
        ),
        Err(e) => {
            let msg = Msg::new("doctor-folder-bad")
                .with("folder", data.display())
                .with("reason", e);
            found.add(State::Bad, &msg);
            return false;
        }
    }
    if let Ok(disk) = rustix::fs::statvfs(data) {
        let free = disk.f_bavail * disk.f_frsize;
        let state = if free < ROOM { State::Warn } else { State::Ok };
        let key = if free < ROOM {
            "doctor-disk-low"
        } else {
            "doctor-disk"
        };
        found.add(state, &Msg::new(key).with("mebibytes", free >> 20));
    }
    true
}

fn packs(config: &Config, found: &mut Findings<'_>) {
    // Reading them for every room finds the mistakes that only a room knows.
    let read = load_packs(config).and_then(|packs| Vocabulary::read(&packs).map(|_| packs));
    match read {
        Ok(packs) => found.add(
            State::Ok,
            &Msg::new("doctor-packs").with("count", packs.iter().count()),
        ),
        Err(problems) => {
            for p in problems {
                let reason = found.texts.msg(&p.reason);
                found.line(
                    State::Bad,
                    &format!("{}:{}:{}: {reason}", p.file, p.line, p.column),
                );
            }
        }
    }
}

async fn files(config: &Config, env: &Env, found: &mut Findings<'_>) {
    let written = match open_files(config, env) {
        Ok(files) => {
            files
                .put_named("health/doctor", env.now().0.to_string())
                .await
        }
        Err(e) => Err(e),
    };
    match written {
        Ok(()) => found.add(
            State::Ok,
            &Msg::new("doctor-files").with("place", &config.blob_url),
        ),
        Err(e) => found.error(&e),
    }
}

async fn database(db: &Db, env: &Env, found: &mut Findings<'_>) -> Result<()> {
    db.ping().await?;
    let durability = db.durability().await?;
    let shown: Vec<String> = durability
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let safe = durability
        .iter()
        .all(|(name, value)| match (db.engine(), *name) {
            (Engine::Sqlite, "journal_mode") => value == "wal",
            (Engine::Sqlite, _) => ["FULL", "EXTRA"].contains(&value.as_str()),
            (Engine::Postgres, "fsync") => value == "on",
            (Engine::Postgres, _) => value != "off" && value != "local",
        });
    let (state, key) = if safe {
        (State::Ok, "doctor-database")
    } else {
        (State::Bad, "doctor-database-unsafe")
    };
    found.add(state, &Msg::new(key).with("settings", shown.join(" ")));
    let left = db::pending(db, &migrations()).await?;
    if !left.is_empty() {
        found.add(
            State::Bad,
            &Msg::new("database-not-migrated").with("count", left.len()),
        );
        return Ok(());
    }
    found.add(State::Ok, &Msg::new("doctor-migrations"));
    let last = Ledger::last_recorded(&mut db.read().await?).await?;
    let behind = last.map_or(0, |last| (last.0 - env.now().0) / kernel::Timestamp::SECOND);
    if behind > CLOCK_SLACK {
        found.add(
            State::Bad,
            &Msg::new("doctor-clock-back").with("seconds", behind),
        );
    } else {
        found.add(State::Ok, &Msg::new("doctor-clock"));
    }
    let (tail, age) = Ledger::open(db.clone(), env.clone()).await?.tail().await?;
    let (state, key) = if age > TAIL_AGE || tail > ledger::TAIL_LIMIT {
        (State::Warn, "doctor-tail-old")
    } else {
        (State::Ok, "doctor-tail")
    };
    let msg = Msg::new(key)
        .with("count", tail)
        .with("seconds", age.round() as i64);
    found.add(state, &msg);
    Ok(())
}

fn address(listen: SocketAddr, found: &mut Findings<'_>) {
    let msg = |key| Msg::new(key).with("address", listen);
    match TcpListener::bind(listen) {
        Ok(_) => found.add(State::Ok, &msg("doctor-address-free")),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {
            if answers(listen) {
                found.add(State::Ok, &msg("doctor-address-ours"));
            } else {
                found.add(State::Bad, &msg("listen-in-use"));
            }
        }
        Err(e) => found.add(State::Bad, &msg("listen-failed").with("reason", e)),
    }
}

/// Whether a server of ours answers there.
fn answers(address: SocketAddr) -> bool {
    use std::io::{Read, Write};
    let patience = Duration::from_secs(2);
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(10_000).read_to_string(&mut answer)?;
        Ok(answer)
    };
    // A server that speaks TLS sends us to the same path there.
    ask().is_ok_and(|answer| {
        answer.starts_with("HTTP/1.1 200") && answer.trim_end().ends_with("ok")
            || answer.starts_with("HTTP/1.1 307")
                && answer.contains("location: https://localhost/healthz")
    })
}
