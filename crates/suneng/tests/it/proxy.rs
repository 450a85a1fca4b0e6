//! The examples of proxies, run: a real nginx and a real Caddy before the served binary.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::args;
use kernel::Env;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::program::{PATIENCE, Server, good, open};
use crate::tls::client;

const HOST: &str = "suneng.lanzhou.example";
/// Where the reader sits: not where the proxy does.
const READER: &str = "127.0.0.2:0";

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Which one.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Nginx,
    Caddy,
}

struct Proxy {
    child: Child,
    plain: u16,
    tls: u16,
    trusting: Arc<ClientConfig>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An example with some of what stands in it replaced; all of that has to be there.
fn example(file: &str, changes: &[(&str, String)]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut text = std::fs::read_to_string(root.join("deploy").join(file)).unwrap();
    for (there, here) in changes {
        assert!(text.contains(there), "{file} has {there}");
        text = text.replace(there, here);
    }
    text
}

impl Proxy {
    /// The example with other ports, other files and the server's address, nothing else.
    fn before(kind: Kind, server: &Server, folder: &Path) -> Self {
        let (plain, tls) = (port(), port());
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
        let (certificate, key) = (folder.join("site.crt"), folder.join("site.key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let (at, address) = (folder.display(), &server.address);
        let (cert, secret) = (certificate.display().to_string(), key.display().to_string());
        let path = std::env::var("PATH").unwrap_or_default();
        let program = match kind {
            Kind::Nginx => "nginx",
            Kind::Caddy => "caddy",
        };
        let mut command = Command::new(program);
        command.env("PATH", format!("{path}:/usr/sbin"));
        let conf = folder.join("proxy.conf");
        match kind {
            Kind::Nginx => {
                let site = example(
                    "nginx.conf",
                    &[
                        ("listen 80;", format!("listen 127.0.0.1:{plain};")),
                        ("listen [::]:80;", String::new()),
                        ("listen 443 ssl;", format!("listen 127.0.0.1:{tls} ssl;")),
                        ("listen [::]:443 ssl;", String::new()),
                        ("/etc/nginx/suneng.crt", cert),
                        ("/etc/nginx/suneng.key", secret),
                        ("127.0.0.1:8080;", format!("{address};")),
                    ],
                );
                let mut text = format!("daemon off;\nmaster_process off;\npid {at}/pid;\n");
                text += "events {}\nhttp {\naccess_log off;\n";
                for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
                    text += &format!("{kind}_temp_path {at}/{kind};\n");
                }
                text += &format!("{site}\n}}\n");
                std::fs::write(&conf, text).unwrap();
                command.arg("-p").arg(folder).arg("-c").arg(&conf);
                command.arg("-e").arg(folder.join("errors"));
            }
            Kind::Caddy => {
                let site = example(
                    "Caddyfile",
                    &[
                        ("/etc/caddy/suneng.crt", cert),
                        ("/etc/caddy/suneng.key", secret),
                        ("127.0.0.1:8080", address.clone()),
                    ],
                );
                let ports = format!("http_port {plain}\nhttps_port {tls}");
                let text = format!("{{\nadmin off\n{ports}\ndefault_bind 127.0.0.1\n}}\n{site}");
                std::fs::write(&conf, text).unwrap();
                command.args(["run", "--adapter", "caddyfile", "--config"]);
                command.arg(&conf);
                command.env("HOME", folder).env("XDG_DATA_HOME", folder);
                command.stderr(Stdio::null());
            }
        }
        let child = command.stdout(Stdio::null()).spawn();
        let child = child.expect("the proxy: `cargo xtask packages` installs it");
        let proxy = Self {
            child,
            plain,
            tls,
            trusting: client(&certificate, None),
        };
        let begun = Instant::now();
        for port in [plain, tls] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(begun.elapsed() < PATIENCE, "{program} does not listen");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        proxy
    }

    async fn connect(port: u16) -> TcpStream {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        let from: SocketAddr = READER.parse().expect("an address");
        socket.bind(from).expect("an address of the loop");
        let there = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = socket.connect(there).await.expect("a connection");
        let stream = stream.into_std().expect("a connection");
        stream.set_nonblocking(false).expect("a waiting connection");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        stream
    }

    fn request(line: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        let length = match headers.contains("content-length") {
            true => String::new(),
            false => format!("content-length: {length}\r\n"),
        };
        format!(
            "{line} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{length}{headers}\r\n{body}"
        )
    }

    /// Head and body of an answer over TLS.
    async fn ask(&self, line: &str, headers: &str, body: &str) -> (String, Vec<u8>) {
        let name = ServerName::try_from(HOST).expect("a name");
        let connection = ClientConnection::new(self.trusting.clone(), name).expect("a client");
        let mut stream = StreamOwned::new(connection, Self::connect(self.tls).await);
        let request = Self::request(line, headers, body);
        stream.write_all(request.as_bytes()).expect("sent");
        answer(stream)
    }
}

fn answer(mut stream: impl Read) -> (String, Vec<u8>) {
    let mut all = Vec::new();
    // A proxy that refuses a body may cut the connection after its answer.
    let _ = stream.read_to_end(&mut all);
    let end = all.windows(4).position(|w| w == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("headers: {}", String::from_utf8_lossy(&all)));
    let body = all.split_off(end + 4);
    (String::from_utf8_lossy(&all).to_lowercase(), body)
}

/// The bytes of a body that came in pieces.
fn joined(head: &str, body: &[u8]) -> Vec<u8> {
    if !head.contains("transfer-encoding: chunked") {
        return body.to_vec();
    }
    let (mut whole, mut rest) = (Vec::new(), body);
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n").expect("a size");
        let size = std::str::from_utf8(&rest[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_nginx_serves_the_program() {
    serves(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_caddy_serves_the_program() {
    serves(Kind::Caddy).await;
}

async fn serves(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    good(&["init", "--data", at]);
    let server = Server::start(&[
        "--data",
        at,
        "--trusted-proxies",
        "127.0.0.1",
        "--secure-cookies",
    ]);
    let proxy = Proxy::before(kind, &server, folder.path());
    let (moved, hidden) = match kind {
        Kind::Nginx => (301, 403),
        Kind::Caddy => (308, 404),
    };

    // Without TLS nothing is served, only where it is.
    let mut plain = Proxy::connect(proxy.plain).await;
    let request = Proxy::request("GET /a?b=1", "", "");
    plain.write_all(request.as_bytes()).unwrap();
    let (head, _) = answer(plain);
    assert!(head.starts_with(&format!("http/1.1 {moved}")), "{head}");
    let there = head.lines().find_map(|l| l.strip_prefix("location: "));
    let there = there.expect("where it is");
    let there = there.replace(&format!(":{}", proxy.tls), "");
    assert_eq!(there, format!("https://{HOST}/a?b=1"));

    let (head, _) = proxy.ask("GET /healthz", "", "").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("strict-transport-security: max-age=31536000"),
        "{head}"
    );
    // What the program says about itself reaches the reader once.
    for header in ["content-security-policy:", "x-content-type-options:"] {
        let (head, _) = proxy.ask("GET /sign-in", "", "").await;
        assert_eq!(head.matches(header).count(), 1, "{header} {head}");
    }
    // For those who watch only.
    for path in ["/metrics", "/readyz"] {
        let (head, _) = proxy.ask(&format!("GET {path}"), "", "").await;
        assert!(
            head.starts_with(&format!("http/1.1 {hidden}")),
            "{path} {head}"
        );
        assert_eq!(server.get(path).0, 200, "{path}");
    }
    // Answers longer than any buffer arrive whole, as the server gives them.
    let page = server.get("/sign-in").2;
    let sheets = page
        .split("href=\"")
        .filter_map(|part| part.split('"').next());
    let sheets = sheets.filter(|href| href.starts_with('/') && href.contains(".css"));
    let mut longest = 0;
    for path in sheets.chain(["/openapi.json"]) {
        let (head, body) = proxy.ask(&format!("GET {path}"), "", "").await;
        let whole = joined(&head, &body);
        let direct = server.get(path);
        let direct = joined(&direct.1.to_lowercase(), direct.2.as_bytes());
        assert!(!whole.is_empty() && whole == direct, "{path} {head}");
        longest = longest.max(whole.len());
    }
    assert!(longest > 100_000, "{longest}");

    // Forms of the very host are taken, cookies are for TLS only; forms of another host are refused.
    let form = |origin: &str| {
        format!("origin: {origin}\r\ncontent-type: application/x-www-form-urlencoded\r\n")
    };
    let (own, other) = (format!("https://{HOST}"), "https://elsewhere.example");
    let typed = "lang=en&next=%2F";
    let (head, _) = proxy.ask("POST /preferences", &form(&own), typed).await;
    assert!(head.starts_with("http/1.1 303"), "{head}");
    let cookie = head.lines().find(|l| l.starts_with("set-cookie:"));
    assert!(cookie.is_some_and(|c| c.contains("; secure")), "{head}");
    let (head, _) = proxy.ask("POST /preferences", &form(other), typed).await;
    assert!(head.starts_with("http/1.1 403"), "{head}");

    // What is larger than any upload nginx refuses before it has come; Caddy reads so far.
    if kind == Kind::Nginx {
        let large = format!("content-length: {}\r\n", (128 << 20) + 1);
        let (head, _) = proxy.ask("POST /organization/import", &large, "").await;
        assert!(head.starts_with("http/1.1 413"), "{head}");
    }

    // The trail has the reader's address, whatever they claim.
    let claimed = "content-type: application/json\r\nx-forwarded-for: 198.51.100.9\r\nforwarded: for=198.51.100.8\r\n";
    let body = r#"{"login":"nobody","password":"wrong-Password-1"}"#;
    let (head, _) = proxy.ask("POST /api/v1/session", claimed, body).await;
    assert!(head.starts_with("http/1.1 4"), "{head}");
    drop(proxy);
    assert!(server.stop());
    let world = open(&data, None, Env::system()).await;
    let mut tx = world.db.read().await.unwrap();
    let sql = "SELECT DISTINCT address FROM audit WHERE address <> ''";
    let rows = tx.query(sql, args![]).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(found, ["127.0.0.2"]);
}
