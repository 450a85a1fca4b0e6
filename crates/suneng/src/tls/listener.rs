//! Connections over TLS. Handshakes run beside each other, so that a slow client holds up nobody; who
//! speaks plain HTTP is sent to HTTPS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use metrics::counter;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::metrics::{Connection, Counted, Peer};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many may be under way.
const HANDSHAKES: usize = 512;
/// First byte of a TLS handshake.
const TLS: u8 = 0x16;
/// Longest head of a plain request that is answered.
const HEAD: usize = 8 << 10;

type Ready = (TlsStream<Connection>, SocketAddr);

/// A listener that gives connections whose handshake is done.
pub struct TlsListener {
    ready: mpsc::Receiver<Ready>,
    accepting: JoinHandle<()>,
    address: SocketAddr,
}

impl TlsListener {
    /// Speaks TLS with whoever comes to a listener.
    pub fn new(mut inner: Counted, config: Arc<ServerConfig>) -> io::Result<Self> {
        let address = inner.local_addr()?;
        let (send, ready) = mpsc::channel(1);
        let acceptor = TlsAcceptor::from(config);
        let free = Arc::new(Semaphore::new(HANDSHAKES));
        let accepting = tokio::spawn(async move {
            while let Ok(permit) = free.clone().acquire_owned().await {
                let (connection, peer) = inner.accept().await;
                let (acceptor, send) = (acceptor.clone(), send.clone());
                tokio::spawn(async move {
                    let done = tokio::time::timeout(HANDSHAKE, greet(&acceptor, connection)).await;
                    drop(permit);
                    match done {
                        // Nobody takes it any more when the server stops.
                        Ok(Ok(Some(stream))) => drop(send.send((stream, peer)).await),
                        Ok(Ok(None)) => {}
                        Ok(Err(e)) => failed(peer, &e.to_string()),
                        Err(_) => failed(peer, "timeout"),
                    }
                });
            }
        });
        Ok(Self {
            ready,
            accepting,
            address,
        })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<Connection>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Ready {
        match self.ready.recv().await {
            Some(ready) => ready,
            // The accepting task has ended: nobody will ever come.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self {
            address: *stream.remote_addr(),
            tls: true,
        }
    }
}

fn failed(peer: SocketAddr, reason: &str) {
    counter!("tls_handshake_failures_total").increment(1);
    tracing::debug!(%peer, reason, "no TLS handshake");
}

/// The handshake; `None` for a plain request, which was answered.
async fn greet(
    acceptor: &TlsAcceptor,
    mut connection: Connection,
) -> io::Result<Option<TlsStream<Connection>>> {
    let mut first = [0];
    if connection.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first[0] == TLS {
        return acceptor.accept(connection).await.map(Some);
    }
    let mut head = Vec::with_capacity(1024);
    let mut part = [0; 1024];
    while head.len() < HEAD && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match connection.read(&mut part).await? {
            0 => return Ok(None),
            n => head.extend_from_slice(part.get(..n).unwrap_or_default()),
        }
    }
    let answer = plain_answer(&head);
    connection.write_all(answer.as_bytes()).await?;
    connection.shutdown().await?;
    Ok(None)
}

/// Sends a plain request to the same place over HTTPS, or says what is wrong.
fn plain_answer(head: &[u8]) -> String {
    let hint = "本服务使用 HTTPS,请用 https:// 开头的地址访问。\nThis service speaks HTTPS; use an address that begins with https://.\n";
    let (status, location) = match place(head) {
        Some(place) => (
            "307 Temporary Redirect",
            format!("location: https://{place}\r\n"),
        ),
        None => ("400 Bad Request", String::new()),
    };
    format!(
        "HTTP/1.1 {status}\r\n{location}content-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{hint}",
        hint.len()
    )
}

/// Host and path of a request that only reads.
fn place(head: &[u8]) -> Option<String> {
    let text = str::from_utf8(head).ok()?;
    let (head, _) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let words: Vec<&str> = lines.next()?.split(' ').collect();
    let ["GET" | "HEAD", path, "HTTP/1.0" | "HTTP/1.1"] = words[..] else {
        return None;
    };
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let (_, host) = headers.find(|(name, _)| name.eq_ignore_ascii_case("host"))?;
    let host = host.trim();
    let in_host = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    let good = !host.is_empty()
        && host.bytes().all(in_host)
        && path.starts_with('/')
        && path.bytes().all(|b| b.is_ascii_graphic());
    good.then(|| format!("{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_requests_are_sent_to_the_same_place() {
        let ask = |text: &str| place(text.as_bytes());
        assert_eq!(
            ask("GET /a?b=1 HTTP/1.1\r\nHost: x.example:8080\r\n\r\n").as_deref(),
            Some("x.example:8080/a?b=1")
        );
        for wrong in [
            "POST / HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x@evil.example\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x/../y\r\n\r\n",
            "GET http://evil.example/ HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n",
            "GET /\n\nx HTTP/1.1\r\nhost: x\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(ask(wrong), None, "{wrong:?}");
        }
        assert!(plain_answer(b"\xff\xfe").starts_with("HTTP/1.1 400"));
    }
}
