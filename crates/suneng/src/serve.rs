//! `suneng serve`: binds, migrates, seals, works off jobs, answers; stops without losing anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::extract::connect_info::Connected;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::serve::{IncomingStream, Listener};
use axum::{Router, ServiceExt};
use kernel::{Env, Error, Msg, Result};
use ledger::Sealer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use web::Tenant;

use crate::checkpoints::Checkpoints;
use crate::limits::{self, Limits};
use crate::metrics::{Counted, Peer, recorder, track};
use crate::operation::Tls;
use crate::proxies;
use crate::renewing::{Pages, Running};
use crate::rooms::{Rooms, Vocabulary};
use crate::secrecy::Secrecy;
use crate::texts::{Texts, say};
use crate::tls::{Certificates, TlsListener};
use crate::world::{load_packs, pack_errors};
use crate::{Config, World, modules};

/// How long requests may take to finish after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a database may be away at the start.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How long background work may take to finish.
const BACKGROUND_GRACE: Duration = Duration::from_secs(20);

/// Serves until SIGINT or SIGTERM.
pub async fn run(config: Config, env: Env, texts: &Texts) -> Result<()> {
    let mut stop = Stop::new()?;
    let listener = TcpListener::bind(config.listen).await.map_err(|e| {
        let in_use = e.kind() == std::io::ErrorKind::AddrInUse;
        let key = if in_use {
            "listen-in-use"
        } else {
            "listen-failed"
        };
        Error::Conflict(
            Msg::new(key)
                .with("address", config.listen)
                .with("reason", e),
        )
    })?;
    let address = listener.local_addr().map_err(Error::internal)?;
    // Mistakes in the files stop the start before anything is touched.
    let packs = load_packs(&config).map_err(pack_errors)?;
    Vocabulary::read(&packs).map_err(pack_errors)?;
    recorder();
    let world = tokio::select! {
        world = open(config, env, texts) => world?,
        () = stop.wait() => return Ok(()),
    };
    let certificates = Certificates::open(&world.config, &world.env)?;
    let (running, pages) = Running::start(world).await?;
    let (stopping, told) = watch::channel(false);
    let (ended, answered) = oneshot::channel::<()>();
    let keeping = tokio::spawn(running.keep(told, async {
        // Nothing is sent: it is dropped when the last request was answered.
        let _ = answered.await;
    }));
    let listener = Counted::new(listener);
    let served = match certificates {
        None => {
            say(format_args!("listening on http://{address}"));
            answer(listener, pages, (stop, &stopping)).await
        }
        Some(certificates) => {
            let config = certificates.server_config()?;
            let listener = TlsListener::new(listener, config).map_err(Error::internal)?;
            say(format_args!("listening on https://{address}"));
            if let Some(authority) = certificates.authority() {
                let message = Msg::new("tls-authority")
                    .with("file", authority.certificate().display())
                    .with("address", address)
                    .with("fingerprint", authority.fingerprint());
                say(texts.msg(&message));
            }
            let looking = tokio::spawn(certificates.look_after());
            let served = answer(listener, pages, (stop, &stopping)).await;
            looking.abort();
            served
        }
    };
    stopping.send_replace(true);
    drop(ended);
    keeping.await.map_err(Error::internal)?;
    tracing::info!("stopped");
    served
}

/// Answers until told to stop, then lets requests finish.
async fn answer<L>(
    listener: L,
    pages: Pages,
    (mut stop, stopping): (Stop, &watch::Sender<bool>),
) -> Result<()>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
    Peer: for<'a> Connected<IncomingStream<'a, L>>,
{
    let (begin, mut begun) = watch::channel(false);
    let stopping = stopping.clone();
    let server = axum::serve(
        listener,
        ServiceExt::<Request>::into_make_service_with_connect_info::<Peer>(pages),
    )
    .with_graceful_shutdown(async move {
        stop.wait().await;
        tracing::info!("stopping: finishing requests");
        stopping.send_replace(true);
        let _ = begin.send(true);
    });
    let grace = async {
        // An error means that the server has ended, so that there is nothing left to wait for.
        let _ = begun.wait_for(|begun| *begun).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = server => served.map_err(Error::internal)?,
        () = grace => tracing::warn!("some requests did not finish in time and were cut off"),
    }
    Ok(())
}

/// The router of all modules.
pub fn router(world: &World, rooms: &Rooms) -> Result<Router> {
    let config = &world.config;
    let tenant = Tenant {
        name: config.tenant_name.clone(),
        brand: config.brand,
        lang: config.lang,
    };
    let modules = modules::modules(world, rooms);
    let limits = Limits::new(&config.operation, &web::route_table(&modules));
    let sign_in = rooms.identity.clone().layer();
    let proxies: Arc<[_]> = config.operation.trusted_proxies.clone().into();
    let options = web::Options {
        around: Box::new(|router| {
            let told = router.layer(from_fn_with_state(proxies, proxies::tell));
            told.layer(from_fn(track))
        }),
        // Before the session is looked up, and within the shell, which words the refusal.
        auth: Box::new(|router| sign_in(router).layer(from_fn_with_state(limits, limits::limit))),
        tenant: Box::new(move || tenant.clone()),
        secure: config.secure_cookies,
        hsts: config.operation.tls == Tls::Files,
        trusted_origins: config.trusted_origins.clone(),
        secrecy: Some(Arc::new(Secrecy::of(rooms))),
        ..web::Options::new(world.env.clone())
    };
    web::assemble(modules, options)
}

/// Opens the world; waits for a database that is away.
async fn open(config: Config, env: Env, texts: &Texts) -> Result<World> {
    let begun = Instant::now();
    loop {
        match World::create(config.clone(), env.clone()).await {
            Ok((world, applied)) => {
                for name in applied {
                    tracing::info!(migration = name, "migrated");
                }
                return Ok(world);
            }
            Err(e @ (Error::Unavailable(_) | Error::Busy { .. }))
                if begun.elapsed() < START_PATIENCE =>
            {
                tracing::warn!(error = %e, "{}", texts.error(&e));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(e) => return Err(e),
        }
    }
}

/// Sealer, audit chain and jobs of a node.
pub struct Background {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Background {
    /// Starts them.
    pub async fn start(world: &World, rooms: &Rooms) -> Result<Self> {
        modules::schedule(world).await?;
        let (stop, stopped) = watch::channel(false);
        let store = Arc::new(Checkpoints(world.files.clone()));
        let sealer = Sealer::new(world.ledger.clone(), Some((world.signer()?, store)));
        let jobs = db::jobs::run(
            world.db.clone(),
            world.env.clone(),
            modules::jobs(world, rooms),
            stopped.clone(),
        );
        let chain = rooms.identity.clone().keep_chain(stopped.clone());
        let sittings = rooms.exams.clone().watch(stopped.clone());
        let results = rooms.exam_office.clone().watch(stopped.clone());
        let tasks = vec![
            tokio::spawn(sealer.run(stopped)),
            tokio::spawn(jobs),
            tokio::spawn(chain),
            tokio::spawn(sittings),
            tokio::spawn(results),
        ];
        Ok(Self { stop, tasks })
    }

    /// Lets them finish what they are doing: the tail is sealed and a last checkpoint signed.
    pub async fn stop(self) {
        // Nobody listens any more when both have ended by themselves.
        let _ = self.stop.send(true);
        let finished =
            tokio::time::timeout(BACKGROUND_GRACE, futures::future::join_all(self.tasks));
        if finished.await.is_err() {
            tracing::warn!(
                "background work did not finish in time; it is taken up at the next start"
            );
        }
    }
}

/// The signals to stop.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(Error::internal)?,
            terminate: signal(SignalKind::terminate()).map_err(Error::internal)?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
