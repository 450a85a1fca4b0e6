//! `suneng bench`: figures about speed and durability as JSON, from the very code that serves. Works in a folder of its own
//! and leaves nothing behind, but for the data of `enter-once` and `cases`; on PostgreSQL it wants an empty database to itself:
//! one a run where data stays, `{n}` in its address stands for the size of the run.

mod bank;
mod cases;
mod client;
mod enter_once;
mod exam;
mod exam_nodes;
mod kept;
mod kill;
mod load;
mod people;
mod reading;
mod start;
mod world;

use std::path::PathBuf;

use kernel::{Env, Error, Msg, Result};
use serde_json::Value;

use crate::Config;
use crate::texts::say;
use crate::world::open_database;

/// What is measured.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Bench {
    /// 写入：批量、64 个并发单条、封存滞后；或反复强杀 / Writing: bulk, single requests, sealing lag; or killing
    Ledger {
        /// 批量写入的事实条数 / Facts written in bulk
        #[arg(long, default_value_t = 200_000)]
        facts: usize,
        /// 并发单条写入的秒数 / Seconds of single requests
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// 并发客户端数 / Clients at once
        #[arg(long, default_value_t = 64)]
        clients: usize,
        /// 负载下反复 SIGKILL，核对已确认的写入 / Kill the server under load and compare what was acknowledged
        #[arg(long)]
        kill: bool,
        /// 强杀次数 / How often to kill
        #[arg(long, default_value_t = 50)]
        rounds: usize,
        /// 以 JSON 输出（始终如此）/ Print JSON (always)
        #[arg(long)]
        json: bool,
    },
    /// 读取：一个指标加明细首页的处理器时间 / Reading: CPU of one indicator and its first page of rows
    Reading {
        /// 小库条数 / Facts of the small ledger
        #[arg(long, default_value_t = 10_000)]
        small: usize,
        /// 大库条数 / Facts of the large ledger
        #[arg(long, default_value_t = 1_000_000)]
        large: usize,
        /// 以 JSON 输出（始终如此）/ Print JSON (always)
        #[arg(long)]
        json: bool,
    },
    /// 导入一座城市的单位和人员，同时有人使用；名册、范围、机构树的处理器时间 / Importing a city while others work
    People {
        /// 人数 / People
        #[arg(long, default_value_t = 100_000)]
        people: usize,
        /// 单位数 / Units
        #[arg(long, default_value_t = 5_000)]
        units: usize,
        /// 以 JSON 输出（始终如此）/ Print JSON (always)
        #[arg(long)]
        json: bool,
    },
    /// 一次录入、处处可用：驾驶舱、下钻、义务、签到、年报；数据留在 --data 里，再次运行直接用 / Enter once; the data stays
    EnterOnce {
        /// 各次的事实条数，由小到大 / Facts of each run, the smallest first
        #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
        facts: Vec<usize>,
        /// 人数 / People
        #[arg(long, default_value_t = 100_000)]
        people: usize,
        /// 单位数（不少于 60）/ Units, at least 60
        #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(60..10_000))]
        units: u64,
        /// 签到的秒数 / Seconds of signing in
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// 以 JSON 输出（始终如此）/ Print JSON (always)
        #[arg(long)]
        json: bool,
    },
    /// 问题台账：清单、看板、催办的处理器时间；数据留在 --data 里，再次运行直接用 / Cases: lists, board, reminders; the data stays
    Cases {
        /// 各次的问题数，由小到大 / Cases of each run, the fewest first
        #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
        cases: Vec<usize>,
        /// 以 JSON 输出（始终如此）/ Print JSON (always)
        #[arg(long)]
        json: bool,
    },
    /// 考试：凭准考证进入、逐题保存、交卷、看成绩；或反复强杀 / Whole sittings over HTTP; or killing
    Exam {
        /// 考生人数 / Examinees
        #[arg(long, default_value_t = 5_000)]
        takers: usize,
        /// 每卷题数 / Questions of a paper
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=20))]
        items: u64,
        /// 同时作答人数 / Sitting at once
        #[arg(long, default_value_t = 512)]
        at_once: usize,
        /// 数据库种类，须与 --database-url 相符 / Engine, which must be that of --database-url
        #[arg(long, value_parser = ["sqlite", "postgres"])]
        engine: Option<String>,
        /// 作答中反复 SIGKILL，核对已确认的答案 / Kill the server under those who sit
        #[arg(long)]
        kill: bool,
        /// 强杀次数 / How often to kill
        #[arg(long, default_value_t = 20)]
        rounds: usize,
        /// 与 --kill 同用：节点数，轮流强杀一个（PostgreSQL）/ With --kill: nodes, of which one after the other is killed
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=8))]
        nodes: u64,
        /// 以 JSON 输出（始终如此）/ Print JSON (always)
        #[arg(long)]
        json: bool,
    },
    /// 题库：按词查找、计数、抽题、按蓝图组卷 / A bank: found by words, counted, picked, papers by a blueprint
    Bank {
        /// 题目数 / Questions
        #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000))]
        questions: u64,
        /// 以 JSON 输出（始终如此）/ Print JSON (always)
        #[arg(long)]
        json: bool,
    },
    /// 考生一方的进程，由 exam 启动 / The process of those who sit; started by exam
    #[command(hide = true)]
    ExamSitters,
    /// 只有 HTTP 的对照进程，由 exam 启动 / A bare server to compare with; started by exam
    #[command(hide = true)]
    ExamBare,
    /// 启动时间、空闲内存、程序大小 / Time to start, idle memory, size of the program
    Start {
        /// 以 JSON 输出（始终如此）/ Print JSON (always)
        #[arg(long)]
        json: bool,
    },
}

/// Measures and prints; gives whether nothing was lost.
pub async fn run(config: Config, env: Env, bench: Bench) -> Result<bool> {
    match &bench {
        Bench::ExamBare => return exam::bare().await.map(|()| true),
        Bench::ExamSitters => {
            let found = exam::sitters().await?;
            say(serde_json::to_string(&found).map_err(Error::internal)?);
            return Ok(true);
        }
        Bench::Exam {
            engine: Some(engine),
            ..
        } => {
            let ours = if config.sqlite_file().is_some() {
                "sqlite"
            } else {
                "postgres"
            };
            if engine != ours {
                let message = Msg::new("bench-engine")
                    .with("engine", engine)
                    .with("ours", ours);
                return Err(Error::Conflict(message));
            }
        }
        _ => {}
    }
    if let Bench::EnterOnce {
        facts,
        people,
        units,
        seconds,
        ..
    } = &bench
    {
        let sizes = enter_once::Sizes {
            people: *people,
            units: *units as usize,
            seconds: *seconds,
        };
        let found = enter_once::run(&config, &env, facts, sizes).await?;
        say(serde_json::to_string_pretty(&found).map_err(Error::internal)?);
        return Ok(true);
    }
    if let Bench::Cases { cases, .. } = &bench {
        let found = cases::run(&config, &env, cases).await?;
        say(serde_json::to_string_pretty(&found).map_err(Error::internal)?);
        return Ok(true);
    }
    if config.sqlite_file().is_none()
        && !db::applied(&open_database(&config).await?)
            .await?
            .is_empty()
    {
        // What is measured stays in a PostgreSQL database: only an empty one is taken.
        return Err(Error::Conflict(Msg::new("bench-not-empty")));
    }
    let folder = Folder::new(&config, &env)?;
    let config = Config {
        data: folder.0.clone(),
        ..config
    };
    let config = config.with_own_places();
    let (found, well): (Value, bool) = match bench {
        Bench::Ledger {
            kill: true,
            rounds,
            clients,
            ..
        } => kill::run(&config, &env, rounds, clients).await?,
        Bench::Ledger {
            facts,
            seconds,
            clients,
            ..
        } => (
            load::run(&config, &env, facts, seconds, clients).await?,
            true,
        ),
        Bench::Reading { small, large, .. } => {
            (reading::run(&config, &env, small, large).await?, true)
        }
        Bench::People { people, units, .. } => {
            (people::run(&config, &env, people, units).await?, true)
        }
        Bench::Exam {
            takers,
            items,
            at_once,
            kill,
            rounds,
            nodes,
            ..
        } => {
            let sizes = exam::Sizes {
                takers,
                items: items as usize,
                at_once,
            };
            match kill {
                true if nodes > 1 => {
                    let nodes = (rounds, nodes as usize);
                    exam_nodes::kill(&config, &env, sizes, nodes).await?
                }
                true => exam::kill(&config, &env, sizes, rounds).await?,
                false => (exam::run(&config, &env, sizes).await?, true),
            }
        }
        Bench::Bank { questions, .. } => {
            (bank::run(&config, &env, questions as usize).await?, true)
        }
        // Handled above.
        Bench::EnterOnce { .. } | Bench::Cases { .. } | Bench::ExamSitters | Bench::ExamBare => {
            (Value::Null, true)
        }
        Bench::Start { .. } => (start::run(&config, &env).await?, true),
    };
    say(serde_json::to_string_pretty(&found).map_err(kernel::Error::internal)?);
    Ok(well)
}

/// A folder that goes when the bench ends.
struct Folder(PathBuf);

impl Folder {
    fn new(config: &Config, env: &Env) -> Result<Self> {
        let name = format!("bench-{}", hex::encode(env.random::<6>()));
        let path = config.data.join(name);
        crate::world::make_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
