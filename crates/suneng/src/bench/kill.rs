//! Durability: kill the server with SIGKILL at random under load; everything it acknowledged must be there.
//! SIGKILL keeps the page cache, so the settings that protect against a power cut are asserted too.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kernel::{ActivityId, Env, Error, PersonId, Result, Scope};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::client::Client;
use super::load::{Crowd, round};
use super::start::Server;
use crate::{Config, World};

pub async fn run(
    config: &Config,
    env: &Env,
    rounds: usize,
    clients: usize,
) -> Result<(Value, bool)> {
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    let crowd = Crowd::gather(&world).await?;
    let login = crowd.clerk(&world).await?;
    let durability = world.db.durability().await?;
    let durable = durability.iter().all(|(name, value)| match *name {
        "synchronous" => value == "FULL" || value == "EXTRA",
        "fsync" | "synchronous_commit" => value == "on",
        _ => true,
    });

    let acknowledged: Arc<Mutex<HashSet<(ActivityId, PersonId)>>> = Arc::default();
    let sent: Arc<Mutex<usize>> = Arc::default();
    let mut pairs: Vec<_> = (0..clients)
        .map(|c| crowd.pairs(c, clients).collect::<Vec<_>>().into_iter())
        .collect();
    let mut starts = Vec::new();
    for _ in 0..rounds {
        let server = Server::start(config).await?;
        starts.push(server.took.as_secs_f64());
        let cookie = Client::sign_in(&server.address, &login.0, &login.1).await?;
        let mut tasks = tokio::task::JoinSet::new();
        for mut mine in pairs.drain(..) {
            let (address, cookie) = (server.address.clone(), cookie.clone());
            let (acknowledged, sent) = (acknowledged.clone(), sent.clone());
            tasks.spawn(async move {
                // Once the server is gone the connection fails: that request was not acknowledged.
                if let Ok(mut client) = Client::connect(&address, &cookie).await {
                    let mut acks = Vec::new();
                    let mut tried = 0;
                    for (activity, person) in mine.by_ref() {
                        tried += 1;
                        match client.attend(activity, person).await {
                            Ok(200 | 201) => acks.push((activity, person)),
                            Ok(503) => tokio::time::sleep(Duration::from_millis(20)).await,
                            Ok(_) | Err(_) => break,
                        }
                    }
                    acknowledged.lock().await.extend(acks);
                    *sent.lock().await += tried;
                }
                mine
            });
        }
        let wait = 200 + u64::from(u16::from_be_bytes(env.random::<2>())) % 1_200;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        server.kill().await?;
        while let Some(done) = tasks.join_next().await {
            pairs.push(done.map_err(Error::internal)?);
        }
    }

    world.ledger.settle().await?;
    let acknowledged = acknowledged.lock().await;
    let mut stored = HashSet::new();
    for activity in crowd.activities.iter() {
        let (_, parts) = crowd
            .rooms
            .activities
            .activity(*activity, &Scope::All)
            .await?;
        let mut reading = world.ledger.reading().await?;
        let facts: HashSet<PersonId> = reading
            .standing(activity.0)
            .await?
            .iter()
            .filter_map(|f| f.person)
            .collect();
        // A line of the roster and its fact are one thing: both or neither.
        stored.extend(
            parts
                .iter()
                .filter(|p| facts.contains(&p.person))
                .map(|p| (*activity, p.person)),
        );
        if facts.len() != parts.len() {
            return Err(Error::internal("a roster and its facts differ"));
        }
    }
    let lost = acknowledged.difference(&stored).count();
    let report = ledger::verify(&world.db, &[]).await?;
    world.db.close().await;
    let well = lost == 0 && report.problems.is_empty() && durable && !acknowledged.is_empty();
    starts.sort_unstable_by(f64::total_cmp);
    let sent = *sent.lock().await;
    Ok((
        json!({
            "bench": "kill", "rounds": rounds, "clients": clients, "sent": sent, "acknowledged": acknowledged.len(),
            // Fifty lines were there before; what was stored without an answer reaching the client is no loss.
            "stored": stored.len() - crowd.activities.len(), "lost": lost,
            "durability": durability.into_iter().collect::<std::collections::BTreeMap<_, _>>(), "durable": durable,
            "verify_problems": report.problems, "sealed": report.size,
            "restart_seconds_longest": round(starts.last().copied().unwrap_or(0.0)),
        }),
        well,
    ))
}
