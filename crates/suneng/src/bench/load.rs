//! Writing: bulk with rollups, then single durable requests beside a running sealer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use activities::{Mark, New, Role};
use identity::{Actor, NewAccount, NewGrant, NewPassword};
use jiff::civil::Time;
use kernel::{Env, Error, PersonId, Result, Scope};
use organization::{PersonRow, Rows, UnitRow};
use serde_json::{Value, json};

use super::client::Client;
use super::start::Server;
use super::world::{PERSONS, Population, definitions};
use crate::rooms::{Rooms, Vocabulary};
use crate::world::{load_packs, pack_errors};
use crate::{Config, World};

/// No transaction of a bulk write lasts longer than about this; the chunk follows.
const LONGEST: Duration = Duration::from_millis(90);

pub async fn run(
    config: &Config,
    env: &Env,
    facts: usize,
    seconds: u64,
    clients: usize,
) -> Result<Value> {
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    let durability: serde_json::Map<String, Value> = world
        .db
        .durability()
        .await?
        .into_iter()
        .map(|(k, v)| (k.to_owned(), json!(v)))
        .collect();
    let bulk = bulk(&world, facts).await?;
    let single = single(&world, seconds, clients).await?;
    world.ledger.settle().await?;
    let report = ledger::verify(&world.db, &[]).await?;
    let engine = format!("{:?}", world.db.engine());
    world.db.close().await;
    Ok(json!({
        "bench": "ledger", "engine": engine, "durability": durability, "bulk": bulk, "single": single,
        "verify": { "size": report.size, "rollups": report.rollups, "problems": report.problems },
    }))
}

/// Facts with rollups in bulk: sealed in the transaction that writes them.
pub async fn bulk(world: &World, facts: usize) -> Result<Value> {
    let all = definitions();
    world.ledger.define(&all).await?;
    let population = Arc::new(Population::new(&world.env));
    population.places(&world.db, &world.ledger).await?;
    let (sender, mut ready) = tokio::sync::mpsc::channel(8);
    let (maker, env, today) = (population.clone(), world.env.clone(), world.env.today());
    let weeks = population.weeks_for(facts);
    // The history of one office after the other is made beside the writing, as a file is read beside it.
    let made = tokio::task::spawn_blocking(move || {
        for office in 0..maker.offices.len() {
            if sender
                .blocking_send(maker.history(&env, office, today, weeks))
                .is_err()
            {
                return;
            }
        }
    });
    let begun = Instant::now();
    let (mut written, mut chunk, mut longest, mut matches) =
        (0, 1_000usize, Duration::ZERO, 0usize);
    let mut waiting = Vec::new();
    loop {
        let more = ready.recv().await;
        let ended = more.is_none();
        waiting.extend(more.unwrap_or_default());
        while waiting.len() >= chunk || (ended && !waiting.is_empty()) {
            let rest = waiting.split_off(chunk.min(waiting.len()));
            let part = std::mem::replace(&mut waiting, rest);
            let at = Instant::now();
            world.ledger.append_sealed(&part).await?;
            let took = at.elapsed();
            longest = longest.max(took);
            if took > LONGEST {
                chunk = (chunk * 2 / 3).max(200);
            } else if took < LONGEST / 2 {
                chunk = (chunk * 5 / 4).min(3_000);
            }
            written += part.len();
            if written == part.len() {
                matches = part
                    .iter()
                    .map(|f| all.iter().filter(|d| d.predicate.matches(f)).count())
                    .sum::<usize>()
                    * 100
                    / part.len();
            }
            if written >= facts {
                break;
            }
        }
        if ended || written >= facts {
            break;
        }
    }
    drop(ready);
    let seconds = begun.elapsed().as_secs_f64();
    made.await.map_err(Error::internal)?;
    Ok(json!({
        "facts": written, "seconds": round(seconds), "facts_per_second": (written as f64 / seconds) as u64,
        "longest_transaction_ms": longest.as_millis() as u64, "components": all.len(),
        "components_per_fact": matches as f64 / 100.0, "units": 500, "persons": PERSONS, "weeks": weeks,
        "order": "office by office, week by week",
    }))
}

/// Single attendances over HTTP, as another system or a kiosk sends them: signed in, one request after the
/// other on each of the kept connections, each answered when it is on disk, while the sealer runs. The
/// server is a process of its own; the clients share the machine with it.
async fn single(world: &World, seconds: u64, clients: usize) -> Result<Value> {
    let crowd = Crowd::gather(world).await?;
    let (login, password) = crowd.clerk(world).await?;
    let server = Server::start(&world.config).await?;
    let cookie = Client::sign_in(&server.address, &login, &password).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..clients {
        let (crowd, stop) = (crowd.clone(), stop.clone());
        let mut connection = Client::connect(&server.address, &cookie).await?;
        tasks.spawn(async move {
            let mut took = Vec::new();
            let mut busy = 0u64;
            for (activity, person) in crowd.pairs(client, clients) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let at = Instant::now();
                match connection.attend(activity, person).await? {
                    200 | 201 => took.push(at.elapsed()),
                    503 => {
                        busy += 1;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    status => return Err(Error::internal(format!("answered {status}"))),
                }
            }
            Ok((took, busy))
        });
    }
    let begun = Instant::now();
    let (mut lag, mut tail) = (0.0f64, 0i64);
    while begun.elapsed() < Duration::from_secs(seconds) && !tasks.is_empty() {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (n, age) = world.ledger.tail().await?;
        lag = lag.max(age);
        tail = tail.max(n);
    }
    stop.store(true, Ordering::Relaxed);
    let mut took = Vec::new();
    let mut busy = 0;
    while let Some(done) = tasks.join_next().await {
        let (times, refused) = done.map_err(Error::internal)??;
        took.extend(times);
        busy += refused;
    }
    let seconds = begun.elapsed().as_secs_f64();
    server.kill().await?;
    took.sort_unstable();
    let at = |share: f64| {
        let index = ((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1));
        took.get(index)
            .map_or(0.0, |d| round(d.as_secs_f64() * 1000.0))
    };
    Ok(json!({
        "over": "HTTP", "clients": clients, "requests": took.len(), "seconds": round(seconds),
        "requests_per_second": (took.len() as f64 / seconds) as u64,
        "p50_ms": at(0.50), "p99_ms": at(0.99), "p999_ms": at(0.999), "longest_ms": at(1.0), "busy": busy,
        "sealing_lag_seconds": round(lag), "longest_tail": tail,
    }))
}

/// Activities and people, for requests that each add one person to one activity.
#[derive(Clone)]
pub struct Crowd {
    pub rooms: Rooms,
    pub activities: Arc<Vec<kernel::ActivityId>>,
    pub people: Arc<Vec<PersonId>>,
}

impl Crowd {
    /// Imports 10,000 people of 50 units and records fifty activities.
    pub async fn gather(world: &World) -> Result<Self> {
        let packs = load_packs(&world.config).map_err(pack_errors)?;
        let rooms = Rooms::open(world, Vocabulary::read(&packs).map_err(pack_errors)?).await?;
        let today = world.env.today();
        let from = today.saturating_sub(jiff::Span::new().days(30));
        let unit = |code: String, parent: &str| UnitRow {
            parent: parent.to_owned().into(),
            name: code.clone().into(),
            code: code.into(),
            category: "x".to_owned().into(),
            sort: None,
            from: Some(from),
            to: None.into(),
            credit_code: None.into(),
        };
        let mut rows = Rows {
            units: vec![unit("B".into(), "")],
            persons: Vec::new(),
            unread: Vec::new(),
        };
        rows.units
            .extend((0..50).map(|n| unit(format!("B{n:02}"), "B")));
        rows.persons.extend((0..PERSONS).map(|n| PersonRow {
            staff_no: format!("P{n:05}").into(),
            name: format!("P{n:05}").into(),
            unit: format!("B{:02}", n % 50).into(),
            post: String::new(),
            from: Some(from).into(),
            to: None.into(),
            primary: true,
            nature: Default::default(),
            traits: Vec::new(),
        }));
        world.organization.import(&rows, &Scope::All, None).await?;
        let top = world.organization.unit_by_code("B", &Scope::All).await?.id;
        let mut people: Vec<PersonId> = world
            .organization
            .roster(top, today, true, &Scope::All)
            .await?
            .iter()
            .map(|r| r.person)
            .collect();
        let by: kernel::AccountId = world.env.new_id();
        let mut activities = Vec::new();
        for (n, person) in people.iter().take(50).enumerate() {
            let code = format!("B{n:02}");
            let host = world
                .organization
                .unit_by_code(&code, &Scope::All)
                .await?
                .id;
            let new = New {
                id: world.env.new_id(),
                kind: "friday-study".into(),
                host,
                title: code,
                date: today.yesterday().map_err(Error::internal)?,
                starts: Time::constant(15, 0, 0, 0),
                ends: Time::constant(16, 30, 0, 0),
                location: String::new(),
                level: String::new(),
                marks: vec![Mark {
                    person: *person,
                    role: Role::Present,
                }],
                observers: Vec::new(),
                another: false,
                details: Default::default(),
            };
            activities.push(rooms.activities.record(&new, &Scope::All, by).await?);
        }
        // Whoever stands on a roster already is not sent again.
        let people = people.split_off(activities.len());
        Ok(Self {
            rooms,
            activities: Arc::new(activities),
            people: Arc::new(people),
        })
    }

    /// An account that may record under the whole tree: its login and password.
    pub async fn clerk(&self, world: &World) -> Result<(String, String)> {
        let (login, password) = (
            "bench".to_owned(),
            format!("Aa1-{}", hex::encode(world.env.random::<8>())),
        );
        let new = NewAccount {
            login: login.clone(),
            person: None,
            unit: None,
            password: NewPassword::Given(password.clone()),
            grants: vec![NewGrant {
                role: "clerk".into(),
                unit: world.organization.unit_by_code("B", &Scope::All).await?.id,
                from: world.env.today(),
                to: None,
            }],
        };
        self.rooms
            .identity
            .create_account(&Actor::default(), &new, &Scope::All)
            .await?;
        Ok((login, password))
    }

    /// The pairs that one of several clients adds; no two clients share one, and they mix.
    pub fn pairs(
        &self,
        client: usize,
        clients: usize,
    ) -> impl Iterator<Item = (kernel::ActivityId, PersonId)> + use<> {
        let (activities, people) = (self.activities.clone(), self.people.clone());
        (client..people.len() * activities.len())
            .step_by(clients)
            .map(move |n| {
                let person = people[n % people.len()];
                let activity = activities[(n / people.len() + n) % activities.len()];
                (activity, person)
            })
    }
}

pub fn round(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}
