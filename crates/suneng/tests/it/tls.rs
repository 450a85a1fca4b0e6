//! TLS with a real client that trusts what it is told to trust.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use kernel::{Env, TestClock, Timestamp};
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use suneng::Config;
use suneng::metrics::Counted;
use suneng::tls::{Certificates, TlsListener};

use crate::program::{PATIENCE, Server, bad, good, send};

pub fn client(authority: &Path, clock: Option<Arc<dyn TimeProvider>>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority).unwrap())
        .unwrap();
    let provider = Arc::new(default_provider());
    let builder = match clock {
        Some(clock) => ClientConfig::builder_with_details(provider, clock),
        None => ClientConfig::builder_with_provider(provider),
    };
    let mut config = builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session would show the certificate of the first one.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Asks over TLS; gives the whole answer and the server's certificate.
fn ask(
    address: &str,
    name: &str,
    client: &Arc<ClientConfig>,
    path: &str,
) -> std::io::Result<(String, Vec<u8>)> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(client.clone(), name).unwrap();
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(connection, stream);
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let certificate = stream.conn.peer_certificates().unwrap()[0].to_vec();
    Ok((String::from_utf8_lossy(&answer).into_owned(), certificate))
}

#[test]
fn an_intranet_has_its_own_authority() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    good(&["init", "--data", at]);
    let server = Server::start(&["--data", at, "--tls", "self"]);
    let authority = data.join("tls/authority.crt");
    let mode = |file: &str| {
        std::fs::metadata(data.join(file))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("tls/authority.key") & 0o777, 0o600);
    assert_eq!(mode("tls") & 0o777, 0o700);
    let trusting = client(&authority, None);
    for name in ["127.0.0.1", "localhost"] {
        let (answer, _) = ask(&server.address, name, &trusting, "/healthz").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(!answer.contains("strict-transport-security"), "{answer}");
    }
    let wrong = ask(&server.address, "elsewhere.example", &trusting, "/healthz").unwrap_err();
    assert!(wrong.to_string().contains("certificate"), "{wrong}");
    let (answer, _) = ask(&server.address, "localhost", &trusting, "/ca.crt").unwrap();
    let text = std::fs::read_to_string(&authority).unwrap();
    assert!(answer.ends_with(&text), "{answer}");
    let (answer, _) = ask(&server.address, "localhost", &trusting, "/metrics").unwrap();
    assert!(answer.contains("http_connections 1"), "{answer}");

    let (status, head, said) = send(&server.address, "GET /a?b=1 HTTP/1.1", "", "");
    assert_eq!(status, 307);
    let there = format!("location: https://{}/a?b=1", server.address);
    assert!(head.contains(&there) && said.contains("https://"), "{head}");
    let (status, ..) = send(&server.address, "POST / HTTP/1.1", "", "");
    assert_eq!(status, 400);
    let said = good(&[
        "doctor",
        "--data",
        at,
        "--tls",
        "self",
        "--listen",
        &server.address,
    ]);
    assert!(said.contains("A server answers"), "{said}");
    assert!(server.stop(), "stopped well");

    // The authority stays; the server's certificate is another.
    let server = Server::start(&["--data", at, "--tls", "self", "--tls-names", "s.example"]);
    assert_eq!(std::fs::read_to_string(&authority).unwrap(), text);
    assert!(ask(&server.address, "s.example", &trusting, "/healthz").is_ok());
    assert!(ask(&server.address, "localhost", &trusting, "/healthz").is_err());
    drop(server);
    let server = Server::start(&["--data", at]);
    assert_eq!(server.get("/ca.crt").0, 404, "no authority without TLS");
}

#[test]
fn a_wrong_certificate_file_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let file = folder.path().join("x.pem");
    std::fs::write(&file, "nothing").unwrap();
    let pem = file.to_str().unwrap();
    let serve = ["serve", "--data", at, "--listen", "127.0.0.1:0", "--tls"];
    let said = bad(&[&serve[..], &["files", "--tls-cert", pem]].concat());
    assert!(said.contains("--tls-key"), "{said}");
    let files = ["files", "--tls-cert", pem, "--tls-key", pem];
    let said = bad(&[&serve[..], &files].concat());
    assert!(said.contains("x.pem"), "{said}");
}

#[derive(Debug)]
struct ClientClock(Arc<TestClockShown>);

struct TestClockShown(Env);

impl std::fmt::Debug for TestClockShown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestClock")
    }
}

impl TimeProvider for ClientClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.0.now().0 / Timestamp::SECOND).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn settings(data: &Path, more: &[(&str, &str)]) -> Config {
    Config::resolve(
        &|s| match s.flag {
            "data" => Some(vec![data.display().to_string()]),
            flag => {
                let found = more.iter().find(|(name, _)| *name == flag);
                found.map(|(_, value)| vec![(*value).to_owned()])
            }
        },
        &|_| None,
    )
    .unwrap()
}

/// Serves one page with these certificates.
async fn serve(certificates: &Arc<Certificates>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let listener = TlsListener::new(
        Counted::new(listener),
        certificates.server_config().unwrap(),
    )
    .unwrap();
    let router = Router::new().route("/", get(async || "here"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_renewed_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::noon(2026, 11, 20);
    let env = Env::with_clock(clock.clone());
    let config = settings(
        folder.path(),
        &[("tls", "self"), ("tls-names", "s.example")],
    );
    let certificates = Certificates::open(&config, &env).unwrap().unwrap();
    let address = serve(&certificates).await;
    let shown = Arc::new(ClientClock(Arc::new(TestClockShown(env.clone()))));
    let authority = folder.path().join("tls/authority.crt");
    let trusting = client(&authority, Some(shown));
    let ask = |address: String| {
        let trusting = trusting.clone();
        async move {
            tokio::task::spawn_blocking(move || ask(&address, "s.example", &trusting, "/"))
                .await
                .unwrap()
        }
    };
    let (answer, first) = ask(address.clone()).await.unwrap();
    assert!(answer.ends_with("here"));
    assert!(!certificates.refresh().unwrap(), "nothing to do yet");
    clock.advance(149 * 86_400);
    assert!(!certificates.refresh().unwrap());
    assert_eq!(ask(address.clone()).await.unwrap().1, first);
    clock.advance(86_400);
    assert!(
        certificates.refresh().unwrap(),
        "thirty days before its end"
    );
    assert!(!certificates.refresh().unwrap());
    let (_, second) = ask(address.clone()).await.unwrap();
    assert_ne!(second, first);
    // The first one would have ended by now; the new one is good.
    clock.advance(60 * 86_400);
    assert_eq!(ask(address.clone()).await.unwrap().1, second);
    clock.advance(200 * 86_400);
    assert!(
        ask(address.clone()).await.is_err(),
        "nobody looked after it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_files_are_taken_up_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
    let write = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    };
    write("one.example");
    let config = settings(
        &folder.path().join("data"),
        &[
            ("tls", "files"),
            ("tls-cert", cert.to_str().unwrap()),
            ("tls-key", key.to_str().unwrap()),
        ],
    );
    assert!(config.secure_cookies, "by themselves under TLS");
    let certificates = Certificates::open(&config, &Env::system())
        .unwrap()
        .unwrap();
    let address = serve(&certificates).await;
    let ask = |name: &'static str| {
        let (address, cert) = (address.clone(), cert.clone());
        async move {
            let ask = move || ask(&address, name, &client(&cert, None), "/").is_ok();
            tokio::task::spawn_blocking(ask).await.unwrap()
        }
    };
    assert!(ask("one.example").await);
    assert!(!certificates.refresh().unwrap());
    write("two.example");
    assert!(certificates.refresh().unwrap());
    assert!(ask("two.example").await && !ask("one.example").await);
    let good = std::fs::read(&key).unwrap();
    std::fs::write(&key, "half").unwrap();
    assert!(certificates.refresh().is_err());
    assert!(ask("two.example").await, "the old one stays");
    std::fs::write(&key, good).unwrap();
    certificates.refresh().unwrap();
    assert!(ask("two.example").await);
    std::fs::remove_file(&cert).unwrap();
    assert!(certificates.refresh().is_err());
}
