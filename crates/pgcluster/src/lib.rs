//! A throw-away PostgreSQL cluster: made in a temporary folder, reached through a Unix socket in
//! that folder, gone when the process that started it ends, however it ends.
//!
//! A small shell child holds the other end of a pipe. The operating system closes the pipe when
//! this process dies (also by SIGKILL); the child then stops the server and removes the folder.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Name of the environment variable through which a run of tests shares one cluster.
pub const URL_VARIABLE: &str = "SUNENG_TEST_PG";
/// Name of the environment variable with the folder of the run: what is put into it is removed
/// when the run ends. Files only, because the folder belongs to the server's user.
pub const FOLDER_VARIABLE: &str = "SUNENG_TEST_FOLDER";

/// Waits for the pipe to close, then stops the server (`$1` = pg_ctl, `$2` = folder).
const WATCHDOG: &str =
    r#"read -r _; "$1" -D "$2/data" stop -m immediate -w >/dev/null 2>&1; rm -rf "$2""#;

/// A running cluster; dropping it stops the server and removes its folder.
pub struct Cluster {
    folder: PathBuf,
    watchdog: Child,
}

impl Cluster {
    /// Makes and starts a cluster. The error is a sentence for the person who runs the tests.
    pub fn start() -> Result<Self, String> {
        let bin = find_binaries().ok_or(
            "PostgreSQL is not installed; the tests need it (Debian package `postgresql`). \
             `cargo xtask test` installs it when run as root.",
        )?;
        let pattern = std::env::temp_dir().join("suneng-pg.XXXXXX");
        let made = run(as_server_user("mktemp").arg("-d").arg(&pattern))?;
        let folder = PathBuf::from(made.trim_end());

        let pg_ctl = bin.join("pg_ctl");
        let watchdog = as_server_user("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .args([&pg_ctl, &folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C reaches the whole group of this process; the watchdog must outlive it.
            .process_group(0)
            .spawn()
            .map_err(|e| format!("cannot start sh: {e}"))?;
        let cluster = Self { folder, watchdog };

        // Sorting by code point, as SQLite does; UTF-8 character classes, which text search needs.
        run(as_server_user(bin.join("initdb"))
            .arg("-D")
            .arg(cluster.data())
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-sync"]))?;
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' \
             -c max_connections=400 -c shared_buffers=64MB",
            cluster.folder.display()
        );
        run(as_server_user(pg_ctl)
            .arg("-D")
            .arg(cluster.data())
            .arg("-l")
            .arg(cluster.folder.join("log"))
            .args(["-w", "-t", "60", "-o", &options, "start"]))?;
        Ok(cluster)
    }

    /// Connection URL of the maintenance database, as sqlx and libpq read it.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@localhost/postgres?host={}",
            self.folder.display()
        )
    }

    /// The folder that holds everything of this cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // Nothing can be done about a watchdog that fails; the folder is temporary anyway.
        let _ = self.watchdog.wait();
    }
}

/// The folder with `initdb` and `pg_ctl`: the newest of Debian's, else the first on the PATH.
pub fn find_binaries() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    versions.sort();
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").exists())
    };
    versions.pop().map(|(_, bin)| bin).or_else(on_path)
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// A command that runs as a user whom PostgreSQL accepts: `postgres` when we are root.
fn as_server_user(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = if is_root() {
        let mut setpriv = Command::new("setpriv");
        setpriv
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
            .arg(program);
        setpriv
    } else {
        Command::new(program)
    };
    // The folder we stand in may be closed to that user.
    command.current_dir("/");
    command
}

fn run(command: &mut Command) -> Result<String, String> {
    let name = format!("{command:?}");
    let out = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("cannot run {name}: {e}"))?;
    if out.status.success() {
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    } else {
        Err(format!(
            "{name} failed:\n{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn a_cluster_answers_and_is_gone_after_drop() {
        let cluster = Cluster::start().expect("a cluster");
        let folder = cluster.folder().to_owned();
        let psql = find_binaries().expect("binaries").join("psql");
        let answer = run(Command::new(psql)
            .arg(cluster.url())
            .args(["-At", "-c", "SHOW fsync"]))
        .expect("psql answers");
        assert_eq!(answer.trim(), "on", "durability tests need a real fsync");
        drop(cluster);
        assert!(!folder.exists(), "{} is left over", folder.display());
    }

    /// The name of the test below, and of the variable by which it tells itself from its child.
    const KILLED: &str = "a_killed_process_leaves_no_cluster";

    #[test]
    fn a_killed_process_leaves_no_cluster() {
        if std::env::var_os(KILLED).is_some() {
            let cluster = Cluster::start().expect("a cluster");
            eprintln!("folder={}", cluster.folder().display());
            loop {
                std::thread::park();
            }
        }
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args([KILLED, "--nocapture"])
            .env(KILLED, "")
            .stderr(Stdio::piped())
            .spawn()
            .expect("a child");
        let stderr = child.stderr.take().expect("its output");
        let folder = BufReader::new(stderr)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("folder=").map(PathBuf::from))
            .expect("the child starts a cluster");
        assert!(folder.join("data/postmaster.pid").exists());
        child.kill().expect("SIGKILL");
        child.wait().expect("the child ends");
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while folder.exists() {
            assert!(std::time::Instant::now() < patience, "still there");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
