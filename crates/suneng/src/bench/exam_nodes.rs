//! Sittings on several nodes of one PostgreSQL, of which one after the other is killed: whoever sits goes on at another
//! node with the next request, and nothing that any node acknowledged is lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use exams::Exams;
use kernel::{Env, Error, Id, Msg, Result};
use serde_json::{Value, json};

use super::client::Client;
use super::exam::{Record, STUCK, Sitter, Sizes, lost, prepare};
use super::start::Server;
use crate::{Config, World};

/// Where the nodes listen just now.
#[derive(Clone, Default)]
struct Nodes(Arc<Mutex<Vec<String>>>);

impl Nodes {
    fn address(&self, turn: usize) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all[turn % all.len()].clone()
    }

    fn set(&self, node: usize, address: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        address.clone_into(&mut all[node]);
    }
}

/// What a lane shares with the others.
#[derive(Clone)]
struct Shared {
    nodes: Nodes,
    exam: Id,
    tickets: Arc<Vec<String>>,
    next: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    /// Requests that broke and went on at another node.
    moved: Arc<AtomicUsize>,
}

/// Takes one ticket after the other; where a node is gone, it goes on at the next one.
async fn lane(shared: Shared, first: usize) -> Result<Record> {
    let (mut record, mut turn) = (Record::default(), first);
    let mut sitter: Option<Sitter> = None;
    let mut client: Option<Client> = None;
    loop {
        let current = match &mut sitter {
            Some(current) if !current.done => current,
            _ => match shared
                .tickets
                .get(shared.next.fetch_add(1, Ordering::Relaxed))
            {
                Some(ticket) => sitter.insert(Sitter::new(ticket.clone())),
                None => return Ok(record),
            },
        };
        let connected = match &mut client {
            Some(client) => client,
            None => match Client::connect(&shared.nodes.address(turn), "").await {
                Ok(fresh) => client.insert(fresh),
                Err(_) => {
                    turn += 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
            },
        };
        match current.go_on(connected, shared.exam, &mut record).await {
            Ok(()) => {
                shared.answered.fetch_add(1, Ordering::Relaxed);
            }
            // An answer that refuses is another matter than a connection that broke.
            Err(e) if e.to_string().contains("answered") => return Err(e),
            Err(_) => {
                shared.moved.fetch_add(1, Ordering::Relaxed);
                client = None;
                turn += 1;
            }
        }
    }
}

/// Kills one node after the other under those who sit; another one comes in its place each time.
pub async fn kill(
    config: &Config,
    env: &Env,
    sizes: Sizes,
    (rounds, nodes): (usize, usize),
) -> Result<(Value, bool)> {
    if config.sqlite_file().is_some() {
        return Err(Error::Conflict(Msg::new("bench-nodes")));
    }
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    let exams = Exams::new(world.db.clone(), env.clone(), world.organization.clone());
    let (exam, tickets) = prepare(&world, &exams, sizes).await?;
    let mut servers = Vec::with_capacity(nodes);
    for _ in 0..nodes {
        servers.push(Some(Server::start(config).await?));
    }
    let addresses = servers.iter().flatten().map(|s| s.address.clone());
    let shared = Shared {
        nodes: Nodes(Arc::new(Mutex::new(addresses.collect()))),
        exam,
        tickets: Arc::new(tickets),
        next: Arc::default(),
        answered: Arc::default(),
        moved: Arc::default(),
    };
    let mut lanes = tokio::task::JoinSet::new();
    for n in 0..sizes.at_once {
        lanes.spawn(lane(shared.clone(), n));
    }
    let total = sizes.takers * (sizes.items + 3);
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        let due = total * (round + 1) / (rounds + 1);
        let begun = Instant::now();
        while shared.answered.load(Ordering::Relaxed) < due && begun.elapsed() < STUCK {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let more = u64::from(u16::from_be_bytes(env.random::<2>())) % 20_000;
        tokio::time::sleep(Duration::from_micros(more)).await;
        let node = round % nodes;
        if let Some(server) = servers[node].take() {
            server.kill().await?;
        }
        // The others go on without it: how long until the next request is answered.
        let (before, at) = (shared.answered.load(Ordering::Relaxed), Instant::now());
        while shared.answered.load(Ordering::Relaxed) == before
            && before < total
            && at.elapsed() < STUCK
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        longest = longest.max(at.elapsed());
        let server = Server::start(config).await?;
        shared.nodes.set(node, &server.address);
        servers[node] = Some(server);
    }
    let mut all = Record::default();
    while let Some(done) = lanes.join_next().await {
        all.join(done.map_err(Error::internal)??);
    }
    for server in servers.into_iter().flatten() {
        server.kill().await?;
    }
    let lost = lost(&exams, &all.acknowledged).await?;
    let (attempts, results) = exams.counted(exam).await?;
    world.db.close().await;
    let takers = sizes.takers as i64;
    let twice = (attempts - takers).max(results - takers).max(0);
    let well = lost == 0 && twice == 0 && all.finished == sizes.takers && results == takers;
    let moved = shared.moved.load(Ordering::Relaxed);
    Ok((
        json!({
            "bench": "exam-kill", "nodes": nodes, "rounds": rounds, "takers": sizes.takers, "items": sizes.items,
            "finished": all.finished, "acknowledged": all.acknowledged.len(), "lost": lost, "submitted_twice": twice,
            "attempts": attempts, "results": results, "went_on_elsewhere": moved,
            "longest_silence_ms": super::load::round(longest.as_secs_f64() * 1_000.0),
        }),
        well,
    ))
}
