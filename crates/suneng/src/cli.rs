//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use kernel::{Env, Error, Result};
use tracing_subscriber::EnvFilter;
use web::Lang;

use crate::config::{Config, LogFormat};
use crate::settings::{self, Kind};
use crate::texts::Texts;
use crate::{backup, bench, demo, doctor, figures, import, init, keys, restore, serve, verify};

/// 素能 Suneng
#[derive(Debug, Parser)]
#[command(name = "suneng", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// 启动服务 / Start the server
    Serve,
    /// 演示：虚构的单位和两年数据，打印账号并启动 / Demo with an invented bureau: fills, prints accounts, serves
    Demo,
    /// 建立数据目录、数据库、签名密钥 / Make data folder, database and signing key
    Init(init::Init),
    /// 升级数据库结构 / Apply the migrations that are missing
    Migrate,
    /// 核验台账 / Verify the ledger
    Verify(verify::Verify),
    /// 备份，不必停止服务 / Back up, also beside a running server
    Backup {
        /// 目标文件 *.tar 或 *.tar.gz / File to write, *.tar or *.tar.gz
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// 从备份恢复到空的数据目录或者数据库 / Restore into an empty data folder or database
    Restore {
        /// 备份文件 / Backup file
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// 检查运行环境 / Check the surroundings
    Doctor(doctor::Doctor),
    /// 密钥文件：加密个人信息的主密钥 / Keyring: master keys of personal data
    #[command(subcommand)]
    Keys(keys::Keys),
    /// 测速，输出 JSON / Measure speed and durability, JSON
    #[command(subcommand)]
    Bench(bench::Bench),
    /// 核对情景数字：从演示记录计算已公布的各项数字 / Figures of the demo's scenarios, counted from their records
    Figures(figures::Figures),
    /// 导入 / Import
    #[command(subcommand)]
    Import(import::Import),
}

/// All commands with all flags.
pub fn command() -> clap::Command {
    Cli::command().args(settings::flags())
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(e) => e.exit(),
    };
    let demo = matches!(cli.command, Command::Demo);
    let config = Config::of_process(&|s| {
        match matches.try_get_many::<String>(s.flag).ok().flatten() {
            Some(values) => Some(values.cloned().collect()),
            // The demo keeps away from the folder where real data would be.
            None if demo && s.flag == "data" && std::env::var_os(s.env).is_none() => {
                Some(vec!["demo-data".to_owned()])
            }
            None => None,
        }
    });
    let config = match config {
        Ok(config) => config,
        Err(e) => return fail(&Texts::new(lang_before_config(&matches)), &e),
    };
    start_log(config.log);
    let texts = Texts::new(config.lang);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(cli.command, config, &texts));
            // A stuck file operation must not keep a stopped program alive.
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            done
        }
        Err(e) => Err(Error::internal(e)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => fail(&texts, &e),
    }
}

/// Runs a command; gives whether all is well.
async fn run(command: Command, config: Config, texts: &Texts) -> Result<bool> {
    let env = Env::system();
    match command {
        Command::Serve => serve::run(config, env, texts).await?,
        Command::Demo => demo::run(config, env, texts).await?,
        Command::Init(options) => init::run(config, env, options, texts).await?,
        Command::Migrate => init::migrate(config, env, texts).await?,
        Command::Verify(options) => return verify::run(config, env, &options, texts).await,
        Command::Backup { to } => backup::run(config, env, &to, texts).await?,
        Command::Restore { from } => return restore::run(config, env, &from, texts).await,
        Command::Doctor(options) => return doctor::run(config, env, &options, texts).await,
        Command::Keys(what) => return keys::run(config, env, what, texts).await,
        Command::Bench(what) => return bench::run(config, env, what).await,
        Command::Figures(options) => return figures::run(config, env, &options, texts).await,
        Command::Import(what) => import::run(config, env, what, texts).await?,
    }
    Ok(true)
}

#[expect(clippy::print_stderr, reason = "a command line tool")]
fn fail(texts: &Texts, error: &Error) -> ExitCode {
    eprintln!("{}{}", texts.get("cli-error"), texts.error(error));
    ExitCode::FAILURE
}

/// The language while the configuration itself cannot be read.
fn lang_before_config(matches: &clap::ArgMatches) -> Lang {
    let s = settings::setting("lang");
    debug_assert_eq!(s.kind, Kind::Text);
    let flag = matches
        .try_get_one::<String>(s.flag)
        .ok()
        .flatten()
        .cloned();
    flag.or_else(|| std::env::var(s.env).ok())
        .and_then(|tag| Lang::from_code(&tag))
        .unwrap_or(Lang::Zh)
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,tower_http=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Set before, by a test: then the log goes where the test wants it.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
