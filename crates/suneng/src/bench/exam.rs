//! Whole sittings over HTTP against a fresh server: ticket, beginning, one save for each answer, handing in, result.
//! Whoever sits is a process of its own, so that its CPU is not the server's; a bare handler is measured by the same
//! sitters, since machines differ. With `--kill` the server is killed under them again and again.

use std::collections::{BTreeMap, HashMap};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use exams::{Exams, Item, Paper, Section, Shows, Takes, Terms};
use kernel::{AccountId, Env, Error, Id, Result, Scope, Timestamp};
use organization::NewUnit;
use questions::{Key, Kind, Question, Rule};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::client::Client;
use super::load::round;
use super::start::{Server, processes_of};
use crate::{Config, World};

/// Nobody is waited for any longer, whatever holds them up.
pub(super) const STUCK: Duration = Duration::from_secs(120);

/// How many sit, how long a paper they get, and how many sit at once.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub takers: usize,
    pub items: usize,
    pub at_once: usize,
}

/// What the sitters are told, on their standard input.
#[derive(Serialize, Deserialize)]
struct Load {
    address: String,
    exam: Id,
    at_once: usize,
    tickets: Vec<String>,
}

/// What they found.
#[derive(Serialize, Deserialize, Default)]
struct Found {
    seconds: f64,
    /// Milliseconds of each step: half, 95 and 99 of 100 took no longer.
    steps: BTreeMap<String, [f64; 3]>,
    /// Attempt, question and number of each answer that was acknowledged.
    acknowledged: Vec<(Id, u16, i64)>,
    finished: usize,
    busy: usize,
}

/// An examination for so many, with their tickets.
pub(super) async fn prepare(
    world: &World,
    exams: &Exams,
    sizes: Sizes,
) -> Result<(Id, Vec<String>)> {
    let unit = NewUnit {
        parent: None,
        code: "E".into(),
        name: "考点".into(),
        category: String::new(),
        from: world.env.today(),
    };
    let unit = world
        .organization
        .add_unit(unit, "", None, &Scope::All)
        .await?;
    let question = |n: usize| Item {
        question: Question {
            options: ["甲", "乙", "丙", "丁"]
                .map(|o| format!("{o}：第{n}题的一种说法，与其余各项都不相同"))
                .into(),
            key: Key::Choices("B".parse().unwrap_or_default()),
            ..Question::new(
                Kind::Single,
                format!("第{n}题：关于行政机关依法履行职责的下列哪一项表述是正确的？"),
            )
        },
        points: 5_000,
        from: None,
    };
    let section = Section {
        title: "单项选择题".into(),
        rule: Rule::Exact,
        pick: sizes.items,
        items: (0..sizes.items).map(question).collect(),
    };
    let paper = Paper {
        title: "测速试卷".into(),
        sections: vec![section],
        mixed: true,
        mixed_options: true,
    };
    let now = world.env.now();
    let terms = Terms {
        unit,
        kind: "bench".into(),
        title: "测速".into(),
        opens: now,
        closes: Timestamp(now.0 + 4 * 3_600 * Timestamp::SECOND),
        seconds: 3 * 3_600,
        grace: 120,
        late: None,
        attempts: 1,
        takes: Takes::Best,
        pass: None,
        shows: Shows::AtOnce,
    };
    let by: AccountId = world.env.new_id();
    let exam = exams.create(&paper, terms, &Scope::All, by).await?;
    exams.publish(exam, &Scope::All, by).await?;
    let names: Vec<String> = (0..sizes.takers).map(|n| format!("考生{n}")).collect();
    let mut tickets = Vec::with_capacity(names.len());
    for part in names.chunks(5_000) {
        let issued = exams.issue(exam, part, &Scope::All, by).await?;
        tickets.extend(issued.into_iter().map(|i| i.ticket));
    }
    Ok((exam, tickets))
}

pub async fn run(config: &Config, env: &Env, sizes: Sizes) -> Result<Value> {
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    let exams = Exams::new(world.db.clone(), env.clone(), world.organization.clone());
    let (exam, tickets) = prepare(&world, &exams, sizes).await?;
    let durability = world.db.durability().await?;
    let load = |address: &str, tickets: &[String]| Load {
        address: address.to_owned(),
        exam,
        at_once: sizes.at_once,
        tickets: tickets.to_vec(),
    };
    let server = Server::start(config).await?;
    let (before, database) = (server.cpu()?, processes_of(config));
    let found = sit_elsewhere(&load(&server.address, &tickets)).await?;
    let spent = server.cpu()? - before;
    let database = processes_of(config) - database;
    let peak = server.peak_memory()?;
    let commits = commits(&server.address).await?;
    server.kill().await?;
    let lost = lost(&exams, &found.acknowledged).await?;
    let engine = format!("{:?}", world.db.engine());
    world.db.close().await;
    let bare = Bare::start().await?;
    let before = bare.0.cpu()?;
    let plain = sit_elsewhere(&load(&bare.0.address, &tickets)).await?;
    let bare_spent = bare.0.cpu()? - before;
    let per = |seconds: f64, finished: usize| seconds * 1_000.0 / finished.max(1) as f64;
    let (own, bare_own) = (
        per(spent + database, found.finished),
        per(bare_spent, plain.finished),
    );
    Ok(json!({
        "bench": "exam", "engine": engine, "takers": sizes.takers, "items": sizes.items, "at_once": sizes.at_once,
        "attempts": found.finished, "seconds": round(found.seconds),
        "attempts_per_s": round(found.finished as f64 / found.seconds),
        "cpu_ms_per_attempt": round(own), "database_cpu_ms_per_attempt": round(per(database, found.finished)),
        "bare_cpu_ms_per_attempt": round(bare_own), "ratio_to_http": round(own / bare_own),
        "steps_ms_p50_p95_p99": found.steps, "busy": found.busy, "peak_memory_mib": round(peak), "commits": commits,
        "acknowledged": found.acknowledged.len(), "lost": lost,
        "durability": durability.into_iter().collect::<BTreeMap<_, _>>(),
    }))
}

/// Answers that were acknowledged and are not there.
pub(super) async fn lost(exams: &Exams, acknowledged: &[(Id, u16, i64)]) -> Result<usize> {
    let mut attempts: Vec<Id> = acknowledged.iter().map(|(attempt, ..)| *attempt).collect();
    attempts.sort_unstable();
    attempts.dedup();
    let mut kept: HashMap<(Id, u16), i64> = HashMap::new();
    for part in attempts.chunks(1_000) {
        let found = exams.kept(part).await?;
        kept.extend(
            found
                .into_iter()
                .map(|(attempt, item, seq)| ((attempt, item), seq)),
        );
    }
    let there = |(attempt, item, seq): &&(Id, u16, i64)| {
        kept.get(&(*attempt, *item)).is_some_and(|kept| kept >= seq)
    };
    Ok(acknowledged.iter().filter(|a| !there(a)).count())
}

/// Batches that were committed, as the server counts them.
async fn commits(address: &str) -> Result<Option<u64>> {
    let mut client = Client::connect(address, "").await?;
    let page = client.get("/metrics", false).await?.text();
    let line = page.lines().find(|l| l.starts_with("exam_batches_total"));
    Ok(line.and_then(|l| l.split_whitespace().last()?.parse().ok()))
}

/// Lets the sitters sit, in a process of their own.
async fn sit_elsewhere(load: &Load) -> Result<Found> {
    let program = std::env::current_exe().map_err(Error::internal)?;
    let mut child = Command::new(program)
        .args(["bench", "exam-sitters"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Error::internal)?;
    let mut input = child
        .stdin
        .take()
        .ok_or_else(|| Error::internal("no input"))?;
    let told = serde_json::to_vec(load).map_err(Error::internal)?;
    input.write_all(&told).await.map_err(Error::internal)?;
    drop(input);
    let out = child.wait_with_output().await.map_err(Error::internal)?;
    serde_json::from_slice(&out.stdout).map_err(Error::internal)
}

/// The process of the sitters: reads what to do, sits, writes what it found.
pub async fn sitters() -> Result<Value> {
    let told = std::io::read_to_string(std::io::stdin()).map_err(Error::internal)?;
    let load: Load = serde_json::from_str(&told).map_err(Error::internal)?;
    let (load, next) = (Arc::new(load), Arc::new(AtomicUsize::new(0)));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..load.at_once.min(load.tickets.len()) {
        let (load, next) = (load.clone(), next.clone());
        tasks.spawn(async move {
            let mut record = Record::default();
            let mut client = Client::connect(&load.address, "").await?;
            while let Some(ticket) = load.tickets.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut sitting = Sitter::new(ticket.clone());
                while !sitting.done {
                    sitting.go_on(&mut client, load.exam, &mut record).await?;
                }
            }
            Ok::<_, Error>(record)
        });
    }
    let mut all = Record::default();
    while let Some(done) = tasks.join_next().await {
        all.join(done.map_err(Error::internal)??);
    }
    let found = all.found(begun.elapsed());
    serde_json::to_value(found).map_err(Error::internal)
}

/// What was measured.
#[derive(Default)]
pub(super) struct Record {
    steps: BTreeMap<&'static str, Vec<Duration>>,
    pub(super) acknowledged: Vec<(Id, u16, i64)>,
    pub(super) finished: usize,
    busy: usize,
}

impl Record {
    fn took(&mut self, step: &'static str, at: Instant) {
        self.steps.entry(step).or_default().push(at.elapsed());
    }

    pub(super) fn join(&mut self, other: Self) {
        for (step, took) in other.steps {
            self.steps.entry(step).or_default().extend(took);
        }
        self.acknowledged.extend(other.acknowledged);
        self.finished += other.finished;
        self.busy += other.busy;
    }

    fn found(self, took: Duration) -> Found {
        let spread = |mut all: Vec<Duration>| {
            all.sort_unstable();
            [0.5, 0.95, 0.99].map(|part| {
                let place = (all.len() as f64 * part).ceil() as usize;
                let found = all.get(place.clamp(1, all.len().max(1)) - 1);
                round(found.map_or(0.0, |d| d.as_secs_f64() * 1_000.0))
            })
        };
        let steps = self.steps.into_iter();
        Found {
            seconds: took.as_secs_f64(),
            steps: steps
                .map(|(step, all)| (step.to_owned(), spread(all)))
                .collect(),
            acknowledged: self.acknowledged,
            finished: self.finished,
            busy: self.busy,
        }
    }
}

/// One examinee; whatever breaks, they go on where they were.
pub(super) struct Sitter {
    ticket: String,
    attempt: Option<(Id, String)>,
    items: Vec<u16>,
    answered: usize,
    submitted: bool,
    pub(super) done: bool,
}

impl Sitter {
    pub(super) fn new(ticket: String) -> Self {
        Self {
            ticket,
            attempt: None,
            items: Vec::new(),
            answered: 0,
            submitted: false,
            done: false,
        }
    }

    /// The next request of this sitting.
    pub(super) async fn go_on(
        &mut self,
        client: &mut Client,
        exam: Id,
        record: &mut Record,
    ) -> Result<()> {
        const JSON: &str = "Content-Type: application/json\r\n";
        let at = Instant::now();
        let Some((attempt, token)) = self.attempt.clone() else {
            let path = format!("/api/v1/exams/{exam}/attempts");
            let headers = format!("{JSON}Authorization: Ticket {}\r\n", self.ticket);
            let answer = client.send("POST", &path, &headers, b"").await?;
            if answer.status == 503 {
                return self.wait(record).await;
            }
            let body: Value = parsed(&answer, 201)?;
            let items = body["items"].as_array().into_iter().flatten();
            let number = |item: &Value| u16::try_from(item["item"].as_u64()?).ok();
            self.items = items.filter_map(number).collect();
            let attempt = body["attempt"].as_str().and_then(|id| id.parse().ok());
            let token = body["token"].as_str().unwrap_or_default();
            let attempt = attempt.ok_or_else(|| Error::internal("no attempt"))?;
            self.attempt = Some((attempt, token.to_owned()));
            record.took("begin", at);
            return Ok(());
        };
        let headers = format!("{JSON}Authorization: Bearer {token}\r\n");
        let path = |what: &str| format!("/api/v1/attempts/{attempt}/{what}");
        if let Some(item) = self.items.get(self.answered).copied() {
            let seq = self.answered as i64 + 1;
            let value = ["A", "B", "C", "D"][usize::from(item) % 4];
            let body = json!({ "answers": [{ "item": item, "seq": seq, "value": value }] });
            let body = body.to_string();
            let answer = client
                .send("PUT", &path("answers"), &headers, body.as_bytes())
                .await?;
            if answer.status == 503 {
                return self.wait(record).await;
            }
            let body: Value = parsed(&answer, 200)?;
            if body["saved"][0]["seq"] != seq {
                return Err(Error::internal("another answer was acknowledged"));
            }
            record.took("save", at);
            record.acknowledged.push((attempt, item, seq));
            self.answered += 1;
        } else if !self.submitted {
            let answer = client
                .send("POST", &path("submission"), &headers, b"")
                .await?;
            if answer.status == 503 {
                return self.wait(record).await;
            }
            parsed::<Value>(&answer, 200)?;
            record.took("submit", at);
            self.submitted = true;
        } else {
            let answer = client.send("GET", &path("result"), &headers, b"").await?;
            if answer.status == 503 {
                return self.wait(record).await;
            }
            parsed::<Value>(&answer, 200)?;
            record.took("result", at);
            record.finished += 1;
            self.done = true;
        }
        Ok(())
    }

    async fn wait(&self, record: &mut Record) -> Result<()> {
        record.busy += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(())
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(answer: &super::client::Answer, status: u16) -> Result<T> {
    if answer.status != status {
        let text = format!("answered {}: {}", answer.status, answer.text());
        return Err(Error::internal(text));
    }
    serde_json::from_slice(&answer.body).map_err(Error::internal)
}

/// A server of the same requests that keeps nothing.
struct Bare(Server);

impl Bare {
    async fn start() -> Result<Self> {
        let program = std::env::current_exe().map_err(Error::internal)?;
        let mut command = Command::new(program);
        command.args(["bench", "exam-bare"]);
        Ok(Self(Server::of(command).await?))
    }
}

/// The process of the bare server.
pub async fn bare() -> Result<()> {
    use axum::extract::Path;
    use axum::routing::{get, post, put};
    use axum::{Json, Router};

    let item = |n: usize| {
        let options = ["甲", "乙", "丙", "丁"];
        let options = options.map(|o| format!("{o}：第{n}题的一种说法，与其余各项都不相同"));
        let stem = format!("第{n}题：关于行政机关依法履行职责的下列哪一项表述是正确的？");
        json!({
            "item": n, "kind": "single", "stem": stem, "points": 5_000, "section": "单项选择题",
            "options": options,
        })
    };
    let items: Vec<Value> = (1..=20).map(item).collect();
    let env = Env::system();
    let begin = post(async move |_: Path<String>| {
        let attempt: Id = env.new_id();
        let body = json!({ "attempt": attempt, "token": "x".repeat(70), "items": items });
        (axum::http::StatusCode::CREATED, Json(body))
    });
    let save = put(async |_: Path<String>, Json(body): Json<Value>| {
        let seq = body["answers"][0]["seq"].clone();
        Json(
            json!({ "saved": [{ "item": body["answers"][0]["item"], "seq": seq }], "deadline": 0 }),
        )
    });
    let submit =
        post(async |_: Path<String>| Json(json!({ "receipt": { "hash": "0".repeat(64) } })));
    let result = get(async |_: Path<String>| Json(json!({ "points": 100, "full": 100 })));
    let router = Router::new()
        .route("/api/v1/exams/{id}/attempts", begin)
        .route("/api/v1/attempts/{id}/answers", save)
        .route("/api/v1/attempts/{id}/submission", submit)
        .route("/api/v1/attempts/{id}/result", result);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(Error::internal)?;
    let address = listener.local_addr().map_err(Error::internal)?;
    crate::texts::say(format_args!("listening on http://{address}"));
    axum::serve(listener, router).await.map_err(Error::internal)
}

/// Kills the server again and again under those who sit; everybody goes on, and all is there in the end.
pub async fn kill(
    config: &Config,
    env: &Env,
    sizes: Sizes,
    rounds: usize,
) -> Result<(Value, bool)> {
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    let exams = Exams::new(world.db.clone(), env.clone(), world.organization.clone());
    let (exam, tickets) = prepare(&world, &exams, sizes).await?;
    let tickets = Arc::new(tickets);
    let next = Arc::new(AtomicUsize::new(0));
    // Requests that were answered: the kills are spread over all of them, however fast the machine is.
    let answered = Arc::new(AtomicUsize::new(0));
    let total = sizes.takers * (sizes.items + 3);
    // Each lane takes one ticket after the other, whatever servers come and go meanwhile.
    let mut lanes: Vec<(Option<Sitter>, Record)> = (0..sizes.at_once)
        .map(|_| (None, Record::default()))
        .collect();
    let mut kills = 0;
    let mut all_done = false;
    while !all_done {
        let server = Server::start(config).await?;
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for (mut sitter, mut record) in lanes.drain(..) {
            let (tickets, next, answered) = (tickets.clone(), next.clone(), answered.clone());
            let address = server.address.clone();
            tasks.spawn(async move {
                let Ok(mut client) = Client::connect(&address, "").await else {
                    return (sitter, record, None);
                };
                loop {
                    let current = match &mut sitter {
                        Some(current) if !current.done => current,
                        _ => match tickets.get(next.fetch_add(1, Ordering::Relaxed)) {
                            Some(ticket) => sitter.insert(Sitter::new(ticket.clone())),
                            None => return (None, record, None),
                        },
                    };
                    if let Err(e) = current.go_on(&mut client, exam, &mut record).await {
                        // The connection broke: nothing was acknowledged. An answer of the server is another matter.
                        let refused = e.to_string().contains("answered");
                        return (sitter, record, refused.then_some(e));
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        if kills < rounds {
            let due = total * (kills + 1) / (rounds + 1);
            while answered.load(Ordering::Relaxed) < due && begun.elapsed() < STUCK {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let more = u64::from(u16::from_be_bytes(env.random::<2>())) % 20_000;
            tokio::time::sleep(Duration::from_micros(more)).await;
            server.kill().await?;
            kills += 1;
        }
        while let Some(done) = tasks.join_next().await {
            let (sitter, record, refused) = done.map_err(Error::internal)?;
            if let Some(refused) = refused {
                return Err(refused);
            }
            lanes.push((sitter, record));
        }
        all_done = lanes
            .iter()
            .all(|(sitter, _)| sitter.as_ref().is_none_or(|s| s.done))
            && next.load(Ordering::Relaxed) >= tickets.len();
    }
    let mut all = Record::default();
    for (_, record) in lanes {
        all.join(record);
    }
    let lost = lost(&exams, &all.acknowledged).await?;
    let (attempts, results) = exams.counted(exam).await?;
    let durability = world.db.durability().await?;
    world.db.close().await;
    let takers = sizes.takers as i64;
    let twice = (attempts - takers).max(results - takers).max(0);
    let well = lost == 0 && twice == 0 && all.finished == sizes.takers && results == takers;
    Ok((
        json!({
            "bench": "exam-kill", "rounds": kills, "takers": sizes.takers, "items": sizes.items,
            "finished": all.finished, "acknowledged": all.acknowledged.len(), "lost": lost,
            "submitted_twice": twice, "attempts": attempts, "results": results,
            "durability": durability.into_iter().collect::<BTreeMap<_, _>>(),
        }),
        well,
    ))
}
