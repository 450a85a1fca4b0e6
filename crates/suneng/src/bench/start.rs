//! Starting the server as a process of its own: how long until it answers, what it takes when idle.

use std::process::Stdio;
use std::time::{Duration, Instant};

use kernel::{Env, Error, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::load::round;
use crate::{Config, World};

/// A running server of this very program.
pub struct Server {
    child: Child,
    /// Where it listens, `127.0.0.1:40123`.
    pub address: String,
    /// From the start of the process to its word that it listens.
    pub took: Duration,
}

impl Server {
    /// Starts it on a free port.
    pub async fn start(config: &Config) -> Result<Self> {
        let program = std::env::current_exe().map_err(Error::internal)?;
        let mut command = Command::new(program);
        command
            .arg("serve")
            .arg("--data")
            .arg(&config.data)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--database-url",
                config.database_url.reveal(),
            ])
            .args(["--blob-url", config.blob_url.reveal()])
            // All load comes from one address.
            .args(["--rate-limit", "0", "--rate-limit-sign-in", "0"]);
        Self::of(command).await
    }

    /// Starts a command that says where it listens.
    pub async fn of(mut command: Command) -> Result<Self> {
        let begun = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::internal)?;
        let out = child
            .stdout
            .take()
            .ok_or_else(|| Error::internal("no output"))?;
        let mut lines = BufReader::new(out).lines();
        while let Some(line) = lines.next_line().await.map_err(Error::internal)? {
            if let Some(address) = line.strip_prefix("listening on http://") {
                let address = address.trim().to_owned();
                return Ok(Self {
                    child,
                    address,
                    took: begun.elapsed(),
                });
            }
        }
        Err(Error::internal("the server ended before it listened"))
    }

    /// Ends it with SIGKILL, as a power cut would end the process.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.map_err(Error::internal)
    }

    /// Memory that it holds, in MiB.
    fn memory(&self) -> Result<f64> {
        self.memory_of("VmRSS:")
    }

    /// The most memory that it ever held, in MiB.
    pub fn peak_memory(&self) -> Result<f64> {
        self.memory_of("VmHWM:")
    }

    /// CPU time that it took so far, in seconds, to a hundredth.
    pub fn cpu(&self) -> Result<f64> {
        let stat = self.proc("stat")?;
        // Behind the name in parentheses: the 12th and 13th are user and system time in ticks.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = rest.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.filter_map(|t| t.parse::<f64>().ok()).sum();
        Ok(ticks / rustix::param::clock_ticks_per_second() as f64)
    }

    /// CPU time of the server and of the database's own processes, in seconds.
    pub fn cpu_with(&self, config: &Config) -> Result<f64> {
        Ok(self.cpu()? + processes_of(config))
    }

    fn proc(&self, file: &str) -> Result<String> {
        let id = self
            .child
            .id()
            .ok_or_else(|| Error::internal("the server ended"))?;
        std::fs::read_to_string(format!("/proc/{id}/{file}")).map_err(Error::internal)
    }

    fn memory_of(&self, name: &str) -> Result<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find(|l| l.starts_with(name));
        let kib: f64 = line
            .and_then(|l| l.split_whitespace().nth(1))
            .and_then(|n| n.parse().ok())
            .unwrap_or(0.0);
        Ok(kib / 1024.0)
    }
}

/// CPU that the database's own processes took so far, in seconds: SQLite has none.
pub fn processes_of(config: &Config) -> f64 {
    match config.sqlite_file() {
        Some(_) => 0.0,
        None => database_cpu(),
    }
}

/// CPU that all processes of PostgreSQL on this machine took so far, in seconds.
fn database_cpu() -> f64 {
    let ticks = |id: &str| -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let fields = rest.split_whitespace().skip(11).take(4);
        let own: Vec<f64> = fields.filter_map(|t| t.parse().ok()).collect();
        // Time of children that have ended is counted with their parent.
        name.contains("(postgres").then(|| own.iter().sum())
    };
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = all.filter_map(|entry| entry.file_name().into_string().ok());
    let sum: f64 = ids.filter_map(|id| ticks(&id)).sum();
    sum / rustix::param::clock_ticks_per_second() as f64
}

pub async fn run(config: &Config, env: &Env) -> Result<Value> {
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    super::load::bulk(&world, 50_000).await?;
    let facts = world.ledger.size().await?;
    world.db.close().await;
    Server::start(config).await?.kill().await?;
    let mut starts = Vec::new();
    let mut memory = 0.0f64;
    for _ in 0..5 {
        let server = Server::start(config).await?;
        starts.push(server.took.as_secs_f64());
        tokio::time::sleep(Duration::from_secs(3)).await;
        memory = memory.max(server.memory()?);
        server.kill().await?;
    }
    starts.sort_unstable_by(f64::total_cmp);
    let program = std::env::current_exe()
        .and_then(std::fs::metadata)
        .map_err(Error::internal)?
        .len();
    Ok(json!({
        "bench": "start", "facts": facts, "start_seconds_median": round(starts[2]), "start_seconds_longest": round(starts[4]),
        "idle_memory_mib": round(memory), "program_mib": round(program as f64 / 1_048_576.0),
    }))
}
