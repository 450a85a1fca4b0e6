//! Cases: what lists, board and reminders cost with few cases and with many. The data is made once and used again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cases::{Act, Event, Measure, Past};
use identity::{Actor, NewAccount, NewGrant, NewPassword};
use jiff::ToSpan;
use kernel::{Env, Error, PersonId, Result, Scope, TestClock, Timestamp, UnitId};
use organization::{PersonRow, Rows, UnitRow};
use serde_json::{Value, json};

use super::client::Client;
use super::kept::Kept;
use super::load::round;
use super::reading::cpu;
use super::start::{Server, processes_of};
use crate::rooms::{Rooms, Vocabulary};
use crate::world::{load_packs, pack_errors};
use crate::{Config, World};

/// The root, and so many bureaus below it; all others are offices of the bureaus.
const BUREAUS: usize = 20;
const OFFICES: usize = 280;
/// Who owns cases: so many of each office.
const OWNERS: usize = 10;
/// Cases taken in together.
const PART: usize = 500;
/// One in so many is open.
const OPEN: usize = 5;
/// Mornings that are looked through for one on which somebody is told.
const AHEAD: usize = 60;
/// Pages that are measured of each kind.
const TIMES: usize = 40;

pub async fn run(config: &Config, env: &Env, sizes: &[usize]) -> Result<Value> {
    let mut found = Vec::new();
    for n in sizes {
        let kept = Kept::of(config, &format!("cases-{n}"), *n).await?;
        found.push(measure(&kept, env, *n).await?);
    }
    let (few, many) = (found.first(), found.last());
    let of = |v: Option<&Value>, name: &str| v.and_then(|v| v["pages"][name].as_f64());
    let names = found.first().and_then(|v| v["pages"].as_object());
    let names: Vec<String> = names.map_or(Vec::new(), |o| o.keys().cloned().collect());
    let ratio = |name: &String| {
        let (few, many) = (of(few, name)?, of(many, name)?);
        Some((name.clone(), round(many / few.max(0.001))))
    };
    let ratios: BTreeMap<String, f64> = names.iter().filter_map(ratio).collect();
    Ok(json!({ "bench": "cases", "runs": found, "ratio": ratios }))
}

async fn measure(kept: &Kept, env: &Env, count: usize) -> Result<Value> {
    let (world, _) = World::create(kept.config.clone(), env.clone()).await?;
    let packs = load_packs(&world.config).map_err(pack_errors)?;
    let rooms = Rooms::open(&world, Vocabulary::read(&packs).map_err(pack_errors)?).await?;
    world.ledger.backfill_all().await?;
    let made = match kept.made()? {
        Some(made) => made,
        None => {
            let made = make(&world, &rooms, count).await?;
            kept.keep(&made)?;
            made
        }
    };
    // A server in service has sealed what is old.
    world.ledger.settle().await?;
    // The morning of the next working day on which somebody is told: what was told on the days of earlier runs stays told.
    let clock = TestClock::at(env.now());
    let morning = World {
        env: Env::with_clock(clock.clone()),
        ..world.clone()
    };
    let words = Vocabulary::read(&packs).map_err(pack_errors)?;
    let minding = Rooms::open(&morning, words).await?.cases;
    let spent = || Ok::<_, Error>(cpu()?.as_secs_f64() + processes_of(&world.config));
    let (mut told, mut reminding, mut used) = (0, Duration::ZERO, 0.0);
    for _ in 0..AHEAD {
        let (at, before) = (Instant::now(), spent()?);
        told = minding.remind().await?;
        (reminding, used) = (at.elapsed(), spent()? - before);
        if told > 0 {
            break;
        }
        clock.advance(24 * 3_600);
    }
    let at = Instant::now();
    let again = minding.remind().await?;
    let idle = at.elapsed();
    let top = world.organization.unit_by_code("C", &Scope::All).await?.id;
    let login = format!("bench-{}", hex::encode(env.random::<4>()));
    let password = format!("Aa1-{}", hex::encode(env.random::<8>()));
    let grant = |role: &str| NewGrant {
        role: role.into(),
        unit: top,
        from: env.today(),
        to: None,
    };
    let new = NewAccount {
        login: login.clone(),
        person: None,
        unit: None,
        password: NewPassword::Given(password.clone()),
        grants: vec![grant("leader")],
    };
    let nobody = Actor::default();
    rooms
        .identity
        .create_account(&nobody, &new, &Scope::All)
        .await?;
    let server = Server::start(&world.config).await?;
    let cookie = Client::sign_in(&server.address, &login, &password).await?;
    let mut client = Client::connect(&server.address, &cookie).await?;
    let mut pages = serde_json::Map::new();
    for (name, path) in PAGES {
        let ms = page(&world.config, &server, &mut client, path).await?;
        pages.insert((*name).to_owned(), json!(ms));
    }
    let file = world.config.sqlite_file();
    let file = file.and_then(|f| std::fs::metadata(f).ok());
    world.db.close().await;
    Ok(json!({
        "cases": count, "made": made, "database_mib": file.map(|m| m.len() / 1_048_576), "pages": pages,
        "reminding": { "told": told, "seconds": round(reminding.as_secs_f64()), "cpu_seconds": round(used) },
        "reminding_again": { "told": again, "seconds": round(idle.as_secs_f64()) },
    }))
}

/// What is looked at: the saved views, their filters, and the boards.
const PAGES: &[(&str, &str)] = &[
    ("problems", "/cases"),
    ("problems_page_50", "/cases?page=50"),
    ("duties", "/cases?view=duties"),
    ("closed", "/cases?view=closed"),
    ("all", "/cases?view=all"),
    ("late", "/cases?late=1"),
    ("soon", "/cases?soon=1"),
    ("stage", "/cases?stage=solve"),
    ("area", "/cases?area=service"),
    ("grave", "/cases?severity=grave"),
    ("source", "/cases?source=audit"),
    ("bureau", "/cases?unit=C001"),
    ("office", "/cases?unit=C100&view=all"),
    ("words", "/cases?q=%E7%AA%97%E5%8F%A3&view=all"),
    ("given", "/cases?tab=given"),
    ("tasks", "/cases/tasks"),
    ("board", "/cases/board"),
    ("wall", "/cases/wall"),
    ("chain", "/cases/chain"),
];

/// CPU of the server for a page in milliseconds, after a few that warm caches up.
async fn page(config: &Config, server: &Server, client: &mut Client, path: &str) -> Result<f64> {
    for _ in 0..3 {
        let answer = client.get(path, false).await?;
        if answer.status != 200 {
            let said = format!("{path} answered {}", answer.status);
            return Err(Error::internal(said));
        }
    }
    let before = server.cpu_with(config)?;
    for _ in 0..TIMES {
        client.get(path, false).await?;
    }
    Ok(round(
        (server.cpu_with(config)? - before) * 1000.0 / TIMES as f64,
    ))
}

async fn make(world: &World, rooms: &Rooms, count: usize) -> Result<Value> {
    let from = world.env.today().saturating_sub(6.years());
    let unit = |code: String, parent: &str| UnitRow {
        parent: parent.to_owned().into(),
        name: format!("第{code}单位").into(),
        code: code.into(),
        category: String::new().into(),
        sort: None,
        from: Some(from),
        to: None.into(),
        credit_code: None.into(),
    };
    let mut units = vec![unit("C".into(), "")];
    for n in 1..=BUREAUS + OFFICES {
        let parent = match n {
            0..=BUREAUS => "C".to_owned(),
            n => format!("C{:03}", n % BUREAUS + 1),
        };
        units.push(unit(format!("C{n:03}"), &parent));
    }
    let persons = (0..OFFICES * OWNERS).map(|n| PersonRow {
        staff_no: format!("Z{n:05}").into(),
        name: format!("某{n:05}").into(),
        unit: format!("C{:03}", BUREAUS + 1 + n / OWNERS).into(),
        post: String::new(),
        from: Some(from).into(),
        to: None.into(),
        primary: true,
        nature: Default::default(),
        traits: Vec::new(),
    });
    let rows = Rows {
        units,
        persons: persons.collect(),
        ..Rows::default()
    };
    world.organization.import(&rows, &Scope::All, None).await?;
    let top = world.organization.unit_by_code("C", &Scope::All).await?.id;
    let all = world.organization.units(&Scope::All).await?;
    let by_code: BTreeMap<&str, UnitId> = all.iter().map(|u| (u.code.as_str(), u.id)).collect();
    let today = world.env.today();
    let roster = world.organization.roster(top, today, true, &Scope::All);
    let people: BTreeMap<String, PersonId> = roster
        .await?
        .into_iter()
        .map(|r| (r.staff_no, r.person))
        .collect();
    let begun = Instant::now();
    let (mut waiting, mut events) = (Vec::with_capacity(PART), 0usize);
    for n in 0..count {
        let office = n * 7 % OFFICES;
        let code = format!("C{:03}", BUREAUS + 1 + office);
        let owner = format!("Z{:05}", office * OWNERS + n % OWNERS);
        let (Some(unit), Some(owner)) = (by_code.get(code.as_str()), people.get(&owner)) else {
            return Err(Error::internal("the bench's own unit"));
        };
        let past = past(&world.env, n, count, (*unit, *owner, top));
        events += past.events.len();
        waiting.push(past);
        if waiting.len() == PART || n + 1 == count {
            rooms.cases.take_in(&waiting).await?;
            waiting.clear();
        }
    }
    let took = begun.elapsed().as_secs_f64();
    Ok(
        json!({ "cases": count, "events": events, "seconds": round(took), "cases_per_second": (count as f64 / took) as u64 }),
    )
}

/// One case of the last five years: ten events until it was accepted, or nine and still open, some of them late.
fn past(env: &Env, n: usize, count: usize, (unit, owner, top): (UnitId, PersonId, UnitId)) -> Past {
    let open = n.is_multiple_of(OPEN);
    let today = env.today();
    // Open ones were raised within the last three months, closed ones over five years.
    let back = match open {
        true => 5 + (n / OPEN) % 85,
        false => 90 + n * 1_700 / count.max(1),
    };
    let begin = env.now().0 - (back as i64) * 86_400 * Timestamp::SECOND;
    let raised = today.saturating_sub((back as i64).days());
    let due = raised.saturating_add(80.days());
    let measure = |no: i64| Measure {
        no,
        text: "修订制度并培训".into(),
        owner,
        due,
        done: None,
    };
    let planned = Act::Planned {
        cause: "职责不清，程序没有写明".into(),
        measures: vec![measure(1), measure(2)],
    };
    let assigned = Act::Assigned {
        unit,
        owner: Some(owner),
        co: Vec::new(),
        supervisor: None,
    };
    let on = raised;
    let mut acts = vec![
        (Act::Raised { due, unit }, "raised"),
        (assigned, "analysing"),
        (planned, "solving"),
        (Act::Reported, "solving"),
        (Act::Reported, "solving"),
        (Act::Reported, "solving"),
        (Act::MeasureDone { no: 1, on }, "solving"),
        (Act::Urged, "solving"),
        (Act::Reported, "solving"),
    ];
    if !open {
        acts.push((Act::MeasureDone { no: 2, on }, "solving"));
        acts.push((Act::Submitted, "checking"));
        acts.push((Act::Accepted, "solved"));
    }
    let pick = |list: &[&str]| list[n / 3 % list.len()].to_owned();
    let event = |(k, (act, state)): (usize, (Act, &str))| Event {
        seq: k as i64 + 1,
        act,
        state: state.to_owned(),
        account: None,
        person: Some(owner),
        text: "按要求办理，进展正常。".into(),
        files: Vec::new(),
        at: Timestamp(begin + (k as i64) * 3_600 * Timestamp::SECOND),
    };
    Past {
        id: env.new_id(),
        kind: "problem".into(),
        title: format!("窗口排队过长，第 {n} 次反映"),
        severity: pick(&["common", "serious", "common", "grave", "common"]),
        area: pick(&["service", "discipline", "team", "finance", "safety"]),
        source: pick(&["inspection", "audit", "self-check", "complaint"]),
        from: top,
        events: acts.into_iter().enumerate().map(event).collect(),
    }
}
