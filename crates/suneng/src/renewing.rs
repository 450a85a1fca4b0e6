//! What serves while other packs (业务包) are put to use: rooms, their background work and their pages are exchanged
//! together, so that a page and a job of one node never follow different rules. Requests that are under way end in the
//! rooms in which they began, as they would on another node.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::future::RouteFuture;
use kernel::{Error, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Service;

use crate::World;
use crate::editing::{self, Chosen};
use crate::rooms::{Rooms, Vocabulary};
use crate::serve::{Background, router};
use crate::world::{load_packs, pack_errors};

/// How often a node looks whether other packs were put to use, on it or on another one.
const EVERY: Duration = Duration::from_secs(2);

/// The pages that answer now.
#[derive(Clone)]
pub(crate) struct Pages(watch::Receiver<Router>);

impl Service<Request> for Pages {
    type Response = axum::response::Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut router = self.0.borrow().clone();
        router.call(request)
    }
}

/// Rooms with their background work, by the packs that they were opened with.
pub(crate) struct Running {
    world: World,
    rooms: Rooms,
    background: Background,
    pages: watch::Sender<Router>,
    /// What was put to use when the rooms were opened, or could not be opened with it.
    known: Chosen,
}

impl Running {
    /// Opens the rooms and starts their work.
    pub(crate) async fn start(world: World) -> Result<(Self, Pages)> {
        let known = editing::chosen(&world.db).await?;
        let (world, vocabulary) = read(&world).await?;
        let rooms = Rooms::open(&world, vocabulary).await?;
        let background = Background::start(&world, &rooms).await?;
        let (pages, current) = watch::channel(ready(&world, &rooms)?);
        let running = Self {
            world,
            rooms,
            background,
            pages,
            known,
        };
        Ok((running, Pages(current)))
    }

    /// Exchanges the rooms whenever other packs are put to use, until told to stop; then streams are closed, which have
    /// no end of their own, and background work ends.
    pub(crate) async fn keep(
        mut self,
        mut stopping: watch::Receiver<bool>,
        answered: impl Future<Output = ()>,
    ) {
        // The work of rooms that were left may take a while to end.
        let mut leaving = JoinSet::new();
        loop {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(EVERY) => {}
            }
            match self.renewed().await {
                Ok(Some(left)) => {
                    leaving.spawn(left.stop());
                }
                Ok(None) => {}
                Err(e) => tracing::error!(error = %e, "packs that were put to use wait"),
            }
        }
        self.rooms.exams.close_rooms();
        answered.await;
        leaving.spawn(self.background.stop());
        leaving.join_all().await;
        self.world.db.close().await;
    }

    /// Opens rooms with the packs that are in use now, if those are others; the work of the rooms before, to be
    /// stopped.
    async fn renewed(&mut self) -> Result<Option<Background>> {
        // A database that is away is told by `/readyz`; what is in use is looked up again when it is back.
        let Ok(chosen) = editing::chosen(&self.world.db).await else {
            return Ok(None);
        };
        if chosen == self.known {
            return Ok(None);
        }
        let (world, vocabulary) = match read(&self.world).await {
            Ok(read) => read,
            Err(e @ (Error::Unavailable(_) | Error::Busy { .. })) => return Err(e),
            Err(e) => {
                // Tried again when something else is put to use; `doctor` and the page name what is wrong.
                self.known = chosen;
                return Err(e);
            }
        };
        let rooms = Rooms::open(&world, vocabulary).await?;
        let pages = ready(&world, &rooms)?;
        let background = Background::start(&world, &rooms).await?;
        self.pages.send_modify(|now| *now = pages);
        // Streams begin anew in the rooms that there are now.
        self.rooms.exams.close_rooms();
        (self.world, self.rooms, self.known) = (world, rooms, chosen);
        tracing::info!("packs that were put to use are in effect");
        Ok(Some(std::mem::replace(&mut self.background, background)))
    }
}

/// The router, whose routes are put together once and not for each request.
fn ready(world: &World, rooms: &Rooms) -> Result<Router> {
    Ok(router(world, rooms)?.with_state(()))
}

/// The world with the packs that are in use now.
async fn read(world: &World) -> Result<(World, Vocabulary)> {
    let own = load_packs(&world.config).map_err(pack_errors)?;
    let packs = editing::running(&world.db, own).await?;
    let vocabulary = Vocabulary::read(&packs).map_err(pack_errors)?;
    let world = World {
        packs,
        ..world.clone()
    };
    Ok((world, vocabulary))
}
