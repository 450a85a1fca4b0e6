//! Numbers for Prometheus (运行指标). They hold no personal data: paths are patterns, never values.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::connect_info::Connected;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const HTTP_BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// The recorder of this process, made once.
pub fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let seconds = Matcher::Suffix("_seconds".to_owned());
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(seconds, &HTTP_BUCKETS)
                .inspect_err(|e| tracing::warn!(error = %e, "metrics have no buckets"))
                .ok()?;
            let handle = builder
                .install_recorder()
                .inspect_err(|e| tracing::warn!(error = %e, "metrics cannot be recorded"))
                .ok()?;
            describe();
            Some(handle)
        })
        .as_ref()
}

fn describe() {
    describe_counter!(
        "http_requests_total",
        "Requests by path pattern, method and status"
    );
    describe_histogram!(
        "http_request_duration_seconds",
        "Time until the answer begins"
    );
    describe_gauge!("http_connections", "Open connections");
    describe_counter!(
        "http_rate_limited_total",
        "Requests turned away by a rate limit"
    );
    describe_counter!(
        "tls_handshake_failures_total",
        "Connections that never came to speak TLS"
    );
    describe_gauge!("ledger_size", "Sealed facts");
    describe_gauge!("ledger_tail", "Facts that wait to be sealed");
    describe_gauge!(
        "ledger_tail_age_seconds",
        "How long the first of them has waited"
    );
    describe_histogram!(
        "ledger_sealing_seconds",
        "Time that a round of sealing takes"
    );
    describe_gauge!("jobs_due", "Jobs that are due and not claimed");
    describe_gauge!("jobs_failed", "Jobs that failed and wait for another try");
    describe_gauge!("backup_age_seconds", "Age of the newest scheduled backup");
    describe_gauge!("process_resident_memory_bytes", "Memory of the process");
}

/// Counts and times a request.
pub async fn track(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    // Clients may invent methods; labels must stay few.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => {
            known.to_owned()
        }
        _ => "other".to_owned(),
    };
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    histogram!("http_request_duration_seconds", "path" => path.clone(), "method" => method.clone())
        .record(begun.elapsed().as_secs_f64());
    counter!("http_requests_total", "path" => path, "method" => method, "status" => status)
        .increment(1);
    response
}

/// Resident memory of this process in bytes, where the system tells.
pub fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(kib * 1024)
}

/// Sets the gauges that are measured when they are asked for.
pub fn measure_process() {
    if let Some(bytes) = resident_memory() {
        gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
}

/// A listener that counts the connections that are open.
pub struct Counted {
    inner: TcpListener,
    open: Arc<AtomicI64>,
}

impl Counted {
    /// Counts those of a listener.
    pub fn new(inner: TcpListener) -> Self {
        gauge!("http_connections").set(0.0);
        Self {
            inner,
            open: Arc::default(),
        }
    }
}

impl Listener for Counted {
    type Io = Connection;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // Axum's own listener waits and goes on when too many files are open.
        let (stream, address) = Listener::accept(&mut self.inner).await;
        // Small answers should not wait for more; a failure only costs time.
        let _ = stream.set_nodelay(true);
        count(&self.open, 1);
        let open = self.open.clone();
        (Connection { stream, open }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// The network address of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Where it comes from: a reader, or a proxy.
    pub address: std::net::SocketAddr,
    /// Whether it is encrypted.
    pub tls: bool,
}

impl Connected<IncomingStream<'_, Counted>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Counted>) -> Self {
        Self {
            address: *stream.remote_addr(),
            tls: false,
        }
    }
}

fn count(open: &AtomicI64, change: i64) {
    let before = open.fetch_add(change, Ordering::Relaxed);
    gauge!("http_connections").set((before + change) as f64);
}

/// A connection that is counted while it is open.
pub struct Connection {
    stream: TcpStream,
    open: Arc<AtomicI64>,
}

impl Connection {
    /// Looks at what comes first without taking it.
    pub(crate) async fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.peek(into).await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        count(&self.open, -1);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
