//! TLS in the program (传输加密): certificates of a local authority or from files, taken up anew while
//! the server runs.

mod authority;
mod listener;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use kernel::{Env, Error, Msg, Result, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use web::{Failure, Module, Policy, Routes};

pub use authority::Authority;
pub use listener::TlsListener;

use crate::operation::Tls;
use crate::{Config, World};

/// How often certificates are looked after.
pub const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A certificate of the local authority is renewed when it ends within this time.
const RENEW_SECONDS: i64 = 30 * 86_400;

/// The certificate that is shown to clients, replaced while the server runs.
pub struct Certificates {
    env: Env,
    source: Source,
    current: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<Seen>,
}

enum Source {
    Own {
        authority: Box<Authority>,
        /// As they are set; none: those of the machine.
        names: Vec<String>,
    },
    Files {
        cert: PathBuf,
        key: PathBuf,
    },
}

/// What the current certificate rests on.
#[derive(PartialEq, Eq)]
enum Seen {
    Own {
        names: Vec<String>,
        until: Timestamp,
    },
    Files([u8; 32]),
}

impl Certificates {
    /// As it is set; `None` without TLS.
    ///
    /// # Errors
    /// `Conflict` that names the file that is wrong.
    pub fn open(config: &Config, env: &Env) -> Result<Option<Arc<Self>>> {
        let operation = &config.operation;
        let source = match operation.tls {
            Tls::Off => return Ok(None),
            Tls::Own => Source::Own {
                authority: Box::new(Authority::open(&config.data, env)?),
                names: operation.tls_names.clone(),
            },
            Tls::Files => Source::Files {
                cert: operation.tls_cert.clone(),
                key: operation.tls_key.clone(),
            },
        };
        let (seen, key) = match source.look(env, None)? {
            (seen, Some(key)) => (seen, key),
            (_, None) => return Err(Error::internal("no certificate was made")),
        };
        Ok(Some(Arc::new(Self {
            env: env.clone(),
            source,
            current: RwLock::new(Arc::new(key)),
            seen: Mutex::new(seen),
        })))
    }

    /// Renews or reads again what has changed or is about to end; gives whether there is a new
    /// certificate. The old one stays when there is trouble.
    pub fn refresh(&self) -> Result<bool> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, key) = self.source.look(&self.env, Some(&seen))?;
        *seen = now;
        let Some(key) = key else { return Ok(false) };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        Ok(true)
    }

    /// Refreshes for ever.
    pub async fn look_after(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.refresh() {
                Ok(true) => tracing::info!("a new TLS certificate is in use"),
                Ok(false) => {}
                Err(e) => tracing::warn!(error = %e, "the TLS certificate stays as it is"),
            }
        }
    }

    /// What TLS is spoken with.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The local authority, where there is one.
    pub fn authority(&self) -> Option<&Authority> {
        match &self.source {
            Source::Own { authority, .. } => Some(authority),
            Source::Files { .. } => None,
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read();
        Some(current.unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl Source {
    /// What there is now, with a certificate when it is another than before.
    fn look(&self, env: &Env, before: Option<&Seen>) -> Result<(Seen, Option<CertifiedKey>)> {
        match self {
            Self::Own { authority, names } => {
                let names = match &names[..] {
                    [] => names_of_machine(),
                    set => set.to_vec(),
                };
                if let Some(Seen::Own { names: old, until }) = before
                    && *old == names
                    && env.now().plus_seconds(RENEW_SECONDS) < *until
                {
                    let until = *until;
                    return Ok((Seen::Own { names, until }, None));
                }
                let (key, until) = authority.certify(&names, env)?;
                Ok((Seen::Own { names, until }, Some(key)))
            }
            Self::Files { cert, key } => {
                let read = |file: &PathBuf| {
                    std::fs::read(file).map_err(|e| wrong_file(file, &e.to_string()))
                };
                let (chain, secret) = (read(cert)?, read(key)?);
                let mut digest = Sha256::new();
                digest.update(Sha256::digest(&chain));
                digest.update(Sha256::digest(&secret));
                let seen = Seen::Files(digest.finalize().into());
                if before == Some(&seen) {
                    return Ok((seen, None));
                }
                let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
                    .collect::<Result<_, _>>()
                    .map_err(|e| wrong_file(cert, &e.to_string()))?;
                if chain.is_empty() {
                    return Err(wrong_file(cert, "no CERTIFICATE"));
                }
                let secret = PrivateKeyDer::from_pem_slice(&secret)
                    .map_err(|e| wrong_file(key, &e.to_string()))?;
                let certified = CertifiedKey::from_der(chain, secret, &provider())
                    .map_err(|e| wrong_file(key, &e.to_string()))?;
                Ok((seen, Some(certified)))
            }
        }
    }
}

/// The cryptography of the program: no library of the system is needed.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn wrong_file(file: &std::path::Path, reason: &str) -> Error {
    Error::Conflict(
        Msg::new("tls-file-wrong")
            .with("file", file.display())
            .with("reason", reason),
    )
}

/// The names by which this machine is called: its host name, its addresses, itself.
fn names_of_machine() -> Vec<String> {
    let mut names = BTreeSet::from(["localhost".to_owned()]);
    let mut addresses = BTreeSet::from([
        IpAddr::from(Ipv4Addr::LOCALHOST),
        Ipv6Addr::LOCALHOST.into(),
    ]);
    let host = rustix::system::uname();
    if let Ok(host) = host.nodename().to_str()
        && crate::operation::name_of_host(host)
    {
        names.insert(host.to_owned());
        let resolved = (host, 0).to_socket_addrs().into_iter().flatten();
        addresses.extend(resolved.map(|at| at.ip()));
    }
    // Nothing is sent: the system only says which of its addresses it would send from.
    for (from, to) in [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let found = UdpSocket::bind(from).and_then(|socket| {
            socket.connect(to)?;
            socket.local_addr()
        });
        addresses.extend(found.ok().map(|at| at.ip()));
    }
    let addresses = addresses.iter().filter(|a| !a.is_unspecified());
    names.extend(addresses.map(ToString::to_string));
    names.into_iter().collect()
}

/// `/ca.crt`: the certificate of the local authority, to be installed on every computer.
pub fn module(world: &World) -> Module {
    let own = world.config.operation.tls == Tls::Own;
    let file = own.then(|| Authority::file(&world.config.data));
    Module {
        name: "tls",
        routes: Routes::new()
            .get("/ca.crt", Policy::Public, certificate)
            .with_state(Arc::new(file)),
        ..Module::default()
    }
}

async fn certificate(
    State(file): State<Arc<Option<PathBuf>>>,
) -> Result<impl IntoResponse, Failure> {
    let file = file.as_deref().ok_or(Error::NotFound)?;
    let text = tokio::fs::read(file).await.map_err(Error::internal)?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"suneng-ca.crt\"",
        ),
    ];
    Ok((headers, text))
}
