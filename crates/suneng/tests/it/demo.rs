//! The demo, as a newcomer starts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::program::suneng;

/// The running demo; killed when dropped.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it on a free port; gives the process, its address and the lines about accounts.
fn start(data: &str) -> (Demo, String, Vec<String>) {
    let child = suneng(&["demo", "--listen", "127.0.0.1:0", "--data", data])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut demo = Demo(child);
    let mut accounts = Vec::new();
    for line in BufReader::new(demo.0.stdout.take().expect("output")).lines() {
        let line = line.expect("a line");
        if let Some(address) = line.strip_prefix("listening on http://") {
            return (demo, address.to_owned(), accounts);
        }
        if line.starts_with("  ") {
            accounts.push(line);
        }
    }
    panic!("the demo ended before it listened");
}

/// The status that signing in answers.
fn sign_in(address: &str, login: &str, password: &str) -> u16 {
    let body = serde_json::json!({ "login": login, "password": password }).to_string();
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(
        stream,
        "POST /api/v1/session HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .expect("a status")
}

#[test]
fn it_is_filled_once_and_its_printed_accounts_sign_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo");
    let data = data.to_str().expect("a path");
    let (demo, address, accounts) = start(data);
    assert_eq!(
        accounts.len(),
        15,
        "one account for each role and other agency: {accounts:?}"
    );
    for line in &accounts {
        let mut words = line.split_whitespace();
        let (login, password) = (
            words.next().expect("a login"),
            words.next().expect("a password"),
        );
        assert_eq!(sign_in(&address, login, password), 204, "{login}");
        assert_ne!(sign_in(&address, login, "Wrong-0000-word"), 204, "{login}");
    }
    drop(demo);
    // Killed and started again, the folder is used as it is.
    let (demo, _, again) = start(data);
    assert_eq!(again, accounts);
    drop(demo);
    std::fs::remove_file(format!("{data}/demo-accounts.txt")).expect("there");
    let refused = suneng(&["demo", "--listen", "127.0.0.1:0", "--data", data])
        .output()
        .expect("it runs");
    assert!(
        !refused.status.success(),
        "a folder with other data is left alone"
    );
}
