//! Units and people of a city: imported through the page while others work, then read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use commons::sheets::write::{SheetOut, Value as Cell, workbook};
use identity::{Actor, NewAccount, NewGrant, NewPassword};
use kernel::{Env, Error, Result, Scope, UnitId};
use organization::{RosterQuery, Rule};
use serde_json::{Value, json};
use web::table::Window;

use super::client::Client;
use super::load::{Crowd, round};
use super::reading::cpu;
use super::start::Server;
use crate::{Config, World};

/// Pages that are measured of each kind.
const TIMES: usize = 60;
/// Each of the others who work asks so often.
const EVERY: Duration = Duration::from_millis(100);

pub async fn run(config: &Config, env: &Env, people: usize, units: usize) -> Result<Value> {
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    let crowd = Crowd::gather(&world).await?;
    let clerk = crowd.clerk(&world).await?;
    let officer = officer(&world, &crowd).await?;
    let book = city(people, units)?;
    let server = Server::start(config).await?;
    let clerk = Client::sign_in(&server.address, &clerk.0, &clerk.1).await?;
    let officer = Client::sign_in(&server.address, &officer.0, &officer.1).await?;
    let top = world.organization.unit_by_code("B", &Scope::All).await?.id;

    let quiet = {
        let others = Others::begin(&server.address, &clerk, &crowd, top, 0).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        others.end().await?
    };
    let idle = server.peak_memory()?;
    let others = Others::begin(&server.address, &clerk, &crowd, top, 4).await?;
    let import = import(&server, &officer, &book).await?;
    let busy = others.end().await?;
    let peak = server.peak_memory()?;
    let pages = pages(&server, &officer, &world).await?;
    server.kill().await?;
    let reading = reading(&world).await?;
    world.db.close().await;
    Ok(json!({
        "bench": "people", "people": people, "units": units, "file_mib": round(book.len() as f64 / 1_048_576.0),
        "import": import, "peak_memory_mib": round(peak), "peak_memory_before_mib": round(idle),
        "others_before": quiet, "others_meanwhile": busy, "reading": reading, "pages": pages,
    }))
}

/// An account that may manage the organization: its login and password.
async fn officer(world: &World, crowd: &Crowd) -> Result<(String, String)> {
    let (login, password) = (
        "officer".to_owned(),
        format!("Aa1-{}", hex::encode(world.env.random::<8>())),
    );
    let new = NewAccount {
        login: login.clone(),
        person: None,
        unit: None,
        password: NewPassword::Given(password.clone()),
        grants: vec![NewGrant {
            role: "system-admin".into(),
            unit: world.organization.unit_by_code("B", &Scope::All).await?.id,
            from: world.env.today(),
            to: None,
        }],
    };
    crowd
        .rooms
        .identity
        .create_account(&Actor::default(), &new, &Scope::All)
        .await?;
    Ok((login, password))
}

/// A workbook of a city in the form of the import: units on five levels, people with two attributes.
fn city(people: usize, units: usize) -> Result<Vec<u8>> {
    let parent = |n: usize| match n {
        0 => "B".to_owned(),
        n => format!("C{:05}", (n - 1) / 9),
    };
    let unit_rows = (0..units).map(|n| -> Vec<Cell> {
        vec![
            parent(n).into(),
            format!("C{n:05}").into(),
            format!("第{n}单位").into(),
            "单位".into(),
        ]
    });
    let posts = ["科员", "副科长", "科长", ""];
    let classes = ["人民警察", "公务员", "聘用人员"];
    let person_rows = (0..people).map(|n| -> Vec<Cell> {
        vec![
            format!("{n:06}").into(),
            name(n).into(),
            format!("C{:05}", n % units.max(1)).into(),
            posts[n % posts.len()].into(),
            "2026-01-01".into(),
            Cell::Empty,
            classes[n % classes.len()].into(),
            if n % 3 == 0 {
                "中共党员".into()
            } else {
                Cell::Empty
            },
        ]
    });
    type Rows<'r> = Box<dyn Iterator<Item = Vec<Cell>> + 'r>;
    let rows: [Rows<'_>; 2] = [Box::new(unit_rows), Box::new(person_rows)];
    let headers: [&[&str]; 2] = [
        &["上级单位编码", "单位编码", "单位名称", "类别"],
        &[
            "工号",
            "姓名",
            "单位编码",
            "职务",
            "起始日期",
            "截止日期",
            "人员类别",
            "政治面貌",
        ],
    ];
    let sheets = ["单位", "人员"].into_iter().zip(headers).zip(rows);
    workbook(sheets.map(|((name, header), rows)| SheetOut { name, header, rows }))
}

/// A made-up name; no two in one unit are the same.
fn name(n: usize) -> String {
    let letter = |n: usize| char::from_u32(0x4e00 + (n % 20_000) as u32).unwrap_or('某');
    ['某', letter(n * 7), letter(n * 13 + n / 20_000)]
        .iter()
        .collect()
}

/// Uploads, checks and publishes as an officer does who never hesitates.
async fn import(server: &Server, cookie: &str, book: &[u8]) -> Result<Value> {
    let mut client = Client::connect(&server.address, cookie).await?;
    let begun = Instant::now();
    let head =
        "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"city.xlsx\"\r\n\r\n";
    let body = [head.as_bytes(), book, b"\r\n--X--\r\n"].concat();
    let kind = "Content-Type: multipart/form-data; boundary=X\r\n";
    let answer = client
        .send("POST", "/organization/import", kind, &body)
        .await?;
    let place = answer.location;
    if answer.status != 303 || place.is_empty() {
        return Err(Error::internal(format!(
            "the upload answered {}",
            answer.status
        )));
    }
    let uploaded = begun.elapsed();
    let columns = chosen(&client.get(&place, false).await?.text());
    act(&mut client, &place, "check", &columns).await?;
    rest(&mut client, &place).await?;
    let checked = begun.elapsed();
    let preview = client.get(&place, false).await?;
    if !preview.text().contains("/publish\"") {
        return Err(Error::internal("the preview offers nothing to publish"));
    }
    act(&mut client, &place, "publish", "").await?;
    let to = rest(&mut client, &place).await?;
    if to != "/organization" {
        return Err(Error::internal(format!("publishing led to {to}")));
    }
    let done = begun.elapsed();
    Ok(json!({
        "seconds": round(done.as_secs_f64()), "upload_seconds": round(uploaded.as_secs_f64()),
        "check_seconds": round((checked - uploaded).as_secs_f64()),
        "publish_seconds": round((done - checked).as_secs_f64()),
    }))
}

async fn act(client: &mut Client, place: &str, act: &str, body: &str) -> Result<()> {
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let path = format!("{place}/{act}");
    let answer = client.send("POST", &path, kind, body.as_bytes()).await?;
    if answer.status == 303 {
        return Ok(());
    }
    Err(Error::internal(format!("{act} answered {}", answer.status)))
}

/// Waits as the page does; gives where it leads in the end.
async fn rest(client: &mut Client, place: &str) -> Result<String> {
    loop {
        let answer = client.get(&format!("{place}/progress"), false).await?;
        match answer.status {
            303 => return Ok(answer.location),
            200 => tokio::time::sleep(Duration::from_millis(200)).await,
            status => return Err(Error::internal(format!("the progress answered {status}"))),
        }
    }
}

/// The columns that the page proposes, as a browser sends them.
fn chosen(page: &str) -> String {
    let value = |text: &str, name: &str| -> String {
        let rest = text.rsplit_once(name).map_or("", |(_, rest)| rest);
        rest.split('"').next().unwrap_or("").to_owned()
    };
    let selects = page.split("<select ").skip(1);
    let pairs = selects.map(|select| {
        let select = select.split("</select>").next().unwrap_or("");
        let head = select.split('>').next().unwrap_or("");
        let chosen = select
            .split_once(" selected")
            .map(|(before, _)| value(before, "value=\""));
        format!("{}={}", value(head, "name=\""), chosen.unwrap_or_default())
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Others who read and write meanwhile.
struct Others {
    stop: Arc<AtomicBool>,
    tasks: tokio::task::JoinSet<Result<(&'static str, Vec<Duration>)>>,
}

impl Others {
    /// Two who read pages and two who write attendances, each ten times a second; a request that waits
    /// counts from when it was due, as people wait.
    async fn begin(
        address: &str,
        cookie: &str,
        crowd: &Crowd,
        top: UnitId,
        first: usize,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..4 {
            let mut client = Client::connect(address, cookie).await?;
            let (stop, crowd) = (stop.clone(), crowd.clone());
            tasks.spawn(async move {
                let mut pairs = crowd.pairs(first + n, 8);
                let mut took = Vec::new();
                let mut due = tokio::time::Instant::now() + EVERY / 4 * n as u32;
                while !stop.load(Ordering::Relaxed) {
                    tokio::time::sleep_until(due).await;
                    if n < 2 {
                        let path = match took.len() % 3 {
                            0 => format!("/organization?unit={top}&page={}", took.len() % 90 + 1),
                            1 => "/activities".to_owned(),
                            _ => format!("/api/v1/persons?unit={top}&q=P00{}", took.len() % 100),
                        };
                        let answer = client.get(&path, true).await?;
                        if answer.status != 200 {
                            return Err(Error::internal(format!(
                                "{path} answered {}",
                                answer.status
                            )));
                        }
                    } else if let Some((activity, person)) = pairs.next() {
                        let status = client.attend(activity, person).await?;
                        if !matches!(status, 200 | 201) {
                            return Err(Error::internal(format!("attending answered {status}")));
                        }
                    }
                    took.push(due.elapsed());
                    due += EVERY;
                }
                Ok((if n < 2 { "reads" } else { "writes" }, took))
            });
        }
        Ok(Self { stop, tasks })
    }

    async fn end(mut self) -> Result<Value> {
        self.stop.store(true, Ordering::Relaxed);
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        while let Some(done) = self.tasks.join_next().await {
            let (kind, took) = done.map_err(Error::internal)??;
            if kind == "reads" {
                reads.extend(took);
            } else {
                writes.extend(took);
            }
        }
        Ok(json!({ "reads": spread(reads), "writes": spread(writes) }))
    }
}

fn spread(mut took: Vec<Duration>) -> Value {
    took.sort_unstable();
    let at = |part: f64| {
        let place = (took.len() as f64 * part).ceil() as usize;
        let found = took.get(place.clamp(1, took.len().max(1)) - 1);
        round(found.map_or(0.0, |d| d.as_secs_f64() * 1000.0))
    };
    json!({ "requests": took.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "longest_ms": at(1.0) })
}

/// CPU of reading in this process, as the pages do it.
async fn reading(world: &World) -> Result<Value> {
    let (org, today) = (&world.organization, world.env.today());
    let top = org.unit_by_code("B", &Scope::All).await?.id;
    let under = org.unit_by_code("C00000", &Scope::All).await?.id;
    let scope = Scope::Under(vec![top]);
    let mut total = 0;
    let table = measured(TIMES, async |n| {
        let unit = if n % 2 == 0 { top } else { under };
        let query = RosterQuery::new(unit, today, true);
        let (count, _) = org
            .roster_page(&query, &scope, Window::new(n as i64 * 17 + 1, 50))
            .await?;
        total = count.max(total);
        Ok(())
    })
    .await?;
    let rule = Rule {
        under: Some(top),
        attributes: [(
            "class".to_owned(),
            vec!["police".to_owned(), "civil-servant".to_owned()],
        )]
        .into(),
        ..Rule::default()
    };
    let mut of_rule = 0;
    let (first, begun) = (cpu()?, std::time::Instant::now());
    org.audience_page(&rule, today, &scope, 50, 0).await?;
    let first_took = begun.elapsed().as_secs_f64() * 1000.0;
    let first = cpu()?.saturating_sub(first).as_secs_f64() * 1000.0;
    let audience = measured(10, async |n| {
        let (count, _) = org
            .audience_page(&rule, today, &scope, 50, n as i64 * 50)
            .await?;
        of_rule = count;
        Ok(())
    })
    .await?;
    let mut standing = 0;
    let tree = measured(TIMES, async |_| {
        standing = org.unit_tree(&scope, today, None).await?.len();
        Ok(())
    })
    .await?;
    Ok(json!({
        "table": { "cpu_ms": table, "people": total }, "audience": { "cpu_ms": audience, "first_cpu_ms": round(first), "first_ms": round(first_took), "people": of_rule },
        "tree": { "cpu_ms": tree, "units": standing },
    }))
}

/// CPU per turn in milliseconds; the first two warm caches up.
async fn measured(times: usize, mut turn: impl AsyncFnMut(usize) -> Result<()>) -> Result<f64> {
    let mut spent = Duration::ZERO;
    for n in 0..times + 2 {
        let before = cpu()?;
        turn(n).await?;
        if n >= 2 {
            spent += cpu()?.saturating_sub(before);
        }
    }
    Ok(round(spent.as_secs_f64() * 1000.0 / times as f64))
}

/// What the server spends on whole pages, and what goes over the wire, packed.
async fn pages(server: &Server, cookie: &str, world: &World) -> Result<Value> {
    let mut client = Client::connect(&server.address, cookie).await?;
    let under = world
        .organization
        .unit_by_code("C00000", &Scope::All)
        .await?
        .id;
    let path = |n: usize| format!("/organization?unit={under}&page={}", n * 17 + 1);
    client.get(&path(0), false).await?;
    let before = server.cpu()?;
    for n in 0..TIMES {
        client.get(&path(n), false).await?;
    }
    let spent = (server.cpu()? - before) * 1000.0 / TIMES as f64;
    let page = client.get(&path(1), false).await?.text();
    let later = client.get(&path(1), true).await?.body.len();
    let mut first = later;
    let mut assets: Vec<&str> = page
        .split(['"', '#'])
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    assets.sort_unstable();
    assets.dedup();
    for asset in assets {
        first += client.get(asset, true).await?.body.len();
    }
    let kib = |bytes: usize| round(bytes as f64 / 1000.0);
    Ok(
        json!({ "table_cpu_ms": round(spent), "first_visit_kb": kib(first), "later_page_kb": kib(later) }),
    )
}
