//! Starting and asking the real program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use kernel::{Env, Id, UnitId};
use ledger::Fact;
use suneng::{Config, World};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program with no settings of the surroundings.
pub fn suneng(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suneng"));
    for s in suneng::settings::SETTINGS {
        command.env_remove(s.env);
    }
    command.env("SUNENG_LANG", "en").args(args);
    command
}

/// The same command, none of whose files may grow beyond so many blocks of 512 bytes.
pub fn limited(command: &Command, blocks: u32) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args([
            "-c",
            &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""),
            "sh",
        ])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

/// Runs it to its end.
pub fn run(args: &[&str]) -> Output {
    suneng(args).output().expect("the program starts")
}

/// Runs it to a good end; gives what it printed.
pub fn good(args: &[&str]) -> String {
    let out = run(args);
    let (printed, errors) = (text(&out.stdout), text(&out.stderr));
    assert!(out.status.success(), "{args:?}\n{printed}{errors}");
    printed
}

/// Runs it to a bad end; gives its one line about why.
pub fn bad(args: &[&str]) -> String {
    let out = run(args);
    assert_eq!(
        out.status.code(),
        Some(1),
        "{args:?}\n{}",
        text(&out.stdout)
    );
    let errors = text(&out.stderr);
    assert!(
        !errors.contains("panicked") && !errors.contains("RUST_BACKTRACE"),
        "{errors}"
    );
    errors
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running server; killed when it is dropped.
pub struct Server {
    pub child: Child,
    pub address: String,
}

impl Server {
    pub fn start(args: &[&str]) -> Self {
        let mut command = suneng(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(args);
        Self::of(command)
    }

    /// At an address that is free again.
    pub fn start_at(address: &str, args: &[&str]) -> Self {
        let mut command = suneng(&["serve", "--listen", address]);
        command.args(args);
        Self::of(command)
    }

    /// One of whose files none may grow beyond so many blocks of 512 bytes: then writing fails as on a
    /// full disk.
    pub fn start_limited(args: &[&str], blocks: u32) -> Self {
        let mut command = suneng(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(args);
        Self::of(limited(&command, blocks))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("a line");
        let address = line.trim().strip_prefix("listening on ");
        let address = address.map(|url| {
            url.trim_start_matches("http://")
                .trim_start_matches("https://")
        });
        let address = address.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, address }
    }

    /// Status, headers and body of an answer.
    pub fn get(&self, path: &str) -> (u16, String, String) {
        get(&self.address, path)
    }

    /// Waits until a path answers with a status.
    pub fn wait_for(&self, path: &str, status: u16) -> (u16, String, String) {
        let begun = Instant::now();
        loop {
            let answer = self.get(path);
            if answer.0 == status {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} answers {answer:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks it to stop and gives whether it ended well.
    pub fn stop(mut self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        self.child.wait().expect("an end").success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn get(address: &str, path: &str) -> (u16, String, String) {
    send(address, &format!("GET {path} HTTP/1.1"), "", "")
}

/// Posts JSON with a cookie.
pub fn post(address: &str, path: &str, cookie: &str, body: &str) -> (u16, String, String) {
    let headers = format!("cookie: {cookie}\r\ncontent-type: application/json\r\n");
    send(address, &format!("POST {path} HTTP/1.1"), &headers, body)
}

/// Signs in; gives the cookie.
pub fn sign_in(address: &str, login: &str, password: &str) -> String {
    let body = serde_json::json!({ "login": login, "password": password }).to_string();
    let (status, headers, said) = post(address, "/api/v1/session", "", &body);
    assert!((200..300).contains(&status), "{status} {said}");
    let line = headers.lines().find_map(|l| l.strip_prefix("set-cookie: "));
    let cookie = line.and_then(|l| l.split(';').next());
    cookie.expect("a cookie").to_owned()
}

pub fn send(address: &str, line: &str, headers: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    let length = body.len();
    let request = format!(
        "{line}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("headers");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .expect("a status");
    (status, head.to_owned(), body.to_owned())
}

/// The configuration for a data folder and a database.
pub fn config(data: &Path, database: Option<&str>) -> Config {
    Config::resolve(
        &|s| match s.flag {
            "data" => Some(vec![data.display().to_string()]),
            "database-url" => database.map(|url| vec![url.to_owned()]),
            _ => None,
        },
        &|_| None,
    )
    .expect("a configuration")
}

/// Opens what a server runs on, beside it.
pub async fn open(data: &Path, database: Option<&str>, env: Env) -> World {
    World::open(config(data, database), env)
        .await
        .expect("the world opens")
}

/// Writes so many facts in one transaction; gives their ids.
pub async fn write_facts(world: &World, count: usize) -> kernel::Result<Vec<Id>> {
    let unit: UnitId = Id([7; 16]).into();
    let facts = db::transaction!(world.db, |tx| {
        let host = world.ledger.place(tx, &[unit]).await?;
        let facts: Vec<Fact> = (0..count)
            .map(|_| {
                let (id, subject) = (world.env.new_id(), world.env.new_id());
                Fact::new(
                    id,
                    "held",
                    host,
                    world.env.today(),
                    subject,
                    "test",
                    world.env.now(),
                )
            })
            .collect();
        world.ledger.append(tx, &facts).await?;
        Ok(facts)
    })?;
    Ok(facts.iter().map(|f| f.id.0).collect())
}
