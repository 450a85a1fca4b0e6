//! Requests to other servers: short ones, one connection each, answers of limited size, no redirects.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use kernel::{Error, Msg, Result};
use openidconnect::AsyncHttpClient;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer, in bytes.
const LONGEST: usize = 1024 * 1024;

/// What went wrong on the way: for the log.
#[derive(Debug)]
pub(crate) struct Lost(String);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Lost {}

fn lost(what: impl fmt::Display) -> Lost {
    Lost(what.to_string())
}

/// TLS that trusts the authorities in a file, or else those of the system.
pub(crate) fn tls(ca: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        Some(file) => {
            let wrong = |reason: &dyn fmt::Display| {
                let message = Msg::new("identity-ca-unreadable").with("file", file.display());
                Error::Conflict(message.with("reason", reason))
            };
            let certificates = CertificateDer::pem_file_iter(file).map_err(|e| wrong(&e))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|e| wrong(&e))?;
                roots.add(certificate).map_err(|e| wrong(&e))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Sends requests over HTTP.
#[derive(Clone)]
pub(crate) struct Outgoing {
    tls: Arc<ClientConfig>,
}

impl Outgoing {
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self> {
        Ok(Self {
            tls: Arc::new(tls(ca)?),
        })
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Lost> {
        let uri = request.uri().clone();
        let host = uri.host().ok_or_else(|| lost("no host"))?;
        let name = host.trim_matches(['[', ']']).to_owned();
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((name.as_str(), port))
            .await
            .map_err(lost)?;
        if secure {
            let name = ServerName::try_from(name).map_err(lost)?;
            let connector = TlsConnector::from(self.tls.clone());
            let stream = connector.connect(name, stream).await.map_err(lost)?;
            exchange(stream, request, &uri).await
        } else {
            exchange(stream, request, &uri).await
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Vec<u8>>,
    uri: &Uri,
) -> Result<Response<Vec<u8>>, Lost> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    let connection = tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    parts.uri = path.parse().map_err(lost)?;
    let host = uri.authority().map_or("", |a| a.as_str());
    let host = HeaderValue::from_str(host).map_err(lost)?;
    parts.headers.insert(header::HOST, host);
    let request = Request::from_parts(parts, Full::new(axum::body::Bytes::from(body)));
    let response = sender.send_request(request).await.map_err(lost)?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.map_err(lost)?;
    connection.abort();
    Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
}

impl<'c> AsyncHttpClient<'c> for Outgoing {
    type Error = Lost;
    type Future =
        Pin<Box<dyn Future<Output = std::result::Result<Response<Vec<u8>>, Lost>> + Send + 'c>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(async move {
            let answer = tokio::time::timeout(PATIENCE, self.send(request)).await;
            answer.map_err(|_| lost("no answer in time"))?
        })
    }
}
