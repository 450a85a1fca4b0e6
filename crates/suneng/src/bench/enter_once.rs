//! Enter once, read anywhere: what the leader's page, the rows behind a number, obligations of 100,000 people, the door and the
//! report of a year cost over a small ledger and a large one. The data is made once and used again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use activities::{NewPlan, Way};
use commons::packs::Packs;
use identity::{Actor, NewAccount, NewGrant, NewPassword};
use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{
    AccountId, Calendar, Env, Error, Id, Period, PeriodKind, PersonId, Result, Scope, UnitId,
};
use ledger::{Fact, PlaceId};
use obligations::{Obligations, Rules};
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
const BUREAUS: usize = 50;
/// Pages that are measured of each kind.
const TIMES: usize = 60;
/// Who is imported together.
const PART: usize = 10_000;
/// Who signs in at once.
const CROWD: usize = 64;

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub people: usize,
    pub units: usize,
    pub seconds: u64,
}

pub async fn run(config: &Config, env: &Env, facts: &[usize], sizes: Sizes) -> Result<Value> {
    let mut found = Vec::new();
    for n in facts {
        let name = format!("enter-once-{n}-{}-{}", sizes.people, sizes.units);
        let kept = Kept::of(config, &name, *n).await?;
        found.push(measure(&kept, env, *n, sizes).await?);
    }
    let ratio = |name: &str| {
        let of = |v: &Value| v[name]["cpu_ms"].as_f64().unwrap_or(0.0);
        let (few, many) = (found.first().map_or(0.0, of), found.last().map_or(0.0, of));
        round(many / few.max(0.001))
    };
    let names = ["cockpit", "drill_down", "unit_page"];
    let ratios: BTreeMap<&str, f64> = names.into_iter().map(|n| (n, ratio(n))).collect();
    Ok(
        json!({ "bench": "enter-once", "people": sizes.people, "units": sizes.units, "runs": found, "ratio": ratios }),
    )
}

async fn measure(kept: &Kept, env: &Env, facts: usize, sizes: Sizes) -> Result<Value> {
    let config = &kept.config;
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    let packs = load_packs(&world.config).map_err(pack_errors)?;
    let rooms = Rooms::open(&world, Vocabulary::read(&packs).map_err(pack_errors)?).await?;
    let rules = rules()?;
    world.ledger.define(&rules.definitions()).await?;
    // What packs defined since the data was made.
    world.ledger.backfill_all().await?;
    let made = match kept.made()? {
        Some(made) => made,
        None => {
            let made = make(&world, facts, sizes).await?;
            kept.keep(&made)?;
            made
        }
    };
    let top = world.organization.unit_by_code("E", &Scope::All).await?.id;
    let (login, password) = leader(&world, &rooms, top).await?;
    let o = Obligations::new(
        (world.db.clone(), env.clone()),
        world.ledger.clone(),
        world.organization.clone(),
        rules,
        Calendar::default(),
    );
    let states = states(&o, &world).await?;
    let report = report(&world, &rooms, top).await?;
    let door = door(&world, &rooms, top, sizes.seconds).await?;
    let server = Server::start(&world.config).await?;
    let cookie = Client::sign_in(&server.address, &login, &password).await?;
    let mut client = Client::connect(&server.address, &cookie).await?;
    let bureau = world
        .organization
        .unit_by_code("E0001", &Scope::All)
        .await?
        .id;
    let office = world
        .organization
        .unit_by_code("E0051", &Scope::All)
        .await?
        .id;
    let nodes = [top, bureau, office];
    let cockpit = pages(config, &server, &mut client, |n| {
        format!("/cockpit?unit={}", nodes[n % 3])
    })
    .await?;
    let drill = pages(config, &server, &mut client, |n| {
        format!("/indicators/study-attendances?unit={}", nodes[n % 3])
    })
    .await?;
    let unit = pages(config, &server, &mut client, |n| {
        let office = [office, bureau][n % 2];
        format!("/obligations/weekly-friday-study/{office}")
    })
    .await?;
    server.kill().await?;
    let size = world.ledger.reading().await?.size();
    world.db.close().await;
    Ok(json!({
        "facts": size, "made": made, "cockpit": cockpit, "drill_down": drill, "unit_page": unit, "states": states,
        "report": report, "door": door,
    }))
}

/// Ten rules for everybody, as regulations have them: by week, month, quarter, half and year.
fn rules() -> Result<Rules> {
    let mut text =
        "[pack]\ncode = \"bench\"\nversion = \"1\"\nname = { zh = \"压测\", en = \"Bench\" }\n"
            .to_owned();
    for n in 0..10 {
        let every = ["week", "month", "quarter", "half", "year"][n % 5];
        text += &format!(
            "[[obligation]]\ncode = \"bench-{n}\"\nname = {{ zh = \"规则{n}\", en = \"Rule {n}\" }}\n\
             document = {{ zh = \"压测\", en = \"Bench\" }}\narticle = {{ zh = \"一\", en = \"1\" }}\nsubject = \"person\"\n\
             done-by = {{ where = {{ kind = \"attendance\", category = \"friday-study\", role = \"{}\" }}, axis = \"person\" }}\n\
             [[obligation.version]]\nfrom = \"2020-01-01\"\nevery = \"{every}\"\ntimes = {}\nshift = \"stay\"\n",
            ["present", "leave"][n / 5],
            1 + n % 3
        );
    }
    let packs = Packs::load(vec![("bench.toml".into(), text)]).map_err(pack_errors)?;
    Rules::read(&packs).map_err(pack_errors)
}

/// Units, people and their history: every office meets once a week, for as many weeks as make so many facts.
async fn make(world: &World, facts: usize, sizes: Sizes) -> Result<Value> {
    let begun = Instant::now();
    let today = world.env.today();
    let from = today.saturating_sub(5.years());
    let unit = |code: String, parent: &str, category: &str| UnitRow {
        parent: parent.to_owned().into(),
        name: format!("第{code}单位").into(),
        code: code.into(),
        category: category.to_owned().into(),
        sort: None,
        from: Some(from),
        to: None.into(),
        credit_code: None.into(),
    };
    let mut units = vec![unit("E".into(), "", "")];
    for n in 1..sizes.units {
        let parent = match n {
            0..=BUREAUS => "E".to_owned(),
            n => format!("E{:04}", (n - 1) % BUREAUS + 1),
        };
        units.push(unit(format!("E{n:04}"), &parent, "处室"));
    }
    let offices: Vec<String> = (BUREAUS + 1..sizes.units)
        .map(|n| format!("E{n:04}"))
        .collect();
    let mut units = Some(units);
    for first in (0..sizes.people).step_by(PART) {
        let persons = (first..sizes.people.min(first + PART)).map(|n| PersonRow {
            staff_no: format!("P{n:06}").into(),
            name: format!("某{n:06}").into(),
            unit: offices[n % offices.len()].clone().into(),
            post: String::new(),
            from: Some(from).into(),
            to: None.into(),
            primary: true,
            nature: Default::default(),
            traits: Vec::new(),
        });
        let rows = Rows {
            units: units.take().unwrap_or_default(),
            persons: persons.collect(),
            unread: Vec::new(),
        };
        world.organization.import(&rows, &Scope::All, None).await?;
    }
    let imported = begun.elapsed();
    let all = world.organization.units(&Scope::All).await?;
    let ids: Vec<UnitId> = all
        .iter()
        .filter(|u| offices.contains(&u.code))
        .map(|u| u.id)
        .collect();
    let paths = world.organization.paths(&ids).await?;
    let mut of: BTreeMap<UnitId, Vec<PersonId>> = BTreeMap::new();
    let top = world.organization.unit_by_code("E", &Scope::All).await?.id;
    for row in world
        .organization
        .roster(top, today, true, &Scope::All)
        .await?
    {
        of.entry(row.unit).or_default().push(row.person);
    }
    db::transaction!(world.db, |tx| {
        for path in paths.values() {
            world.ledger.place(tx, path).await?;
        }
        Ok(())
    })?;
    let a_week = sizes.people + offices.len();
    let weeks = facts.div_ceil(a_week).clamp(1, 260) as i64;
    let begun = Instant::now();
    let (mut written, mut waiting) = (0, Vec::new());
    for (office, people) in &of {
        let Some(path) = paths.get(office) else {
            continue;
        };
        waiting.extend(history(&world.env, path, people, weeks));
        while waiting.len() >= 2_000 {
            let rest = waiting.split_off(2_000);
            world.ledger.append_sealed(&waiting).await?;
            written += waiting.len();
            waiting = rest;
        }
    }
    written += waiting.len();
    if !waiting.is_empty() {
        world.ledger.append_sealed(&waiting).await?;
    }
    let took = begun.elapsed().as_secs_f64();
    Ok(json!({
        "import_seconds": round(imported.as_secs_f64()), "facts": written, "weeks": weeks, "seconds": round(took),
        "facts_per_second": (written as f64 / took.max(0.001)) as u64,
    }))
}

/// What one office did, week after week until the last one.
fn history(env: &Env, path: &[UnitId], people: &[PersonId], weeks: i64) -> Vec<Fact> {
    let place = PlaceId::of(path);
    let mut facts = Vec::new();
    for week in 0..weeks {
        let date = env.today().saturating_sub((weeks - week).weeks());
        let subject: Id = env.new_id();
        let fact = |kind: &str| {
            let mut f = Fact::new(
                env.new_id(),
                kind,
                place,
                date,
                subject,
                "import",
                env.now(),
            );
            f.category = Some("friday-study".into());
            f.minutes = Some(90);
            f
        };
        facts.push(fact("held"));
        for (p, person) in people.iter().enumerate() {
            let mut f = fact("attendance");
            f.person = Some(*person);
            let away = (p + week as usize).is_multiple_of(17);
            f.role = Some(if away { "leave" } else { "present" }.into());
            facts.push(f);
        }
    }
    facts
}

/// A leader of everything: login and password.
async fn leader(world: &World, rooms: &Rooms, top: UnitId) -> Result<(String, String)> {
    let login = format!("bench-{}", hex::encode(world.env.random::<4>()));
    let password = format!("Aa1-{}", hex::encode(world.env.random::<8>()));
    let new = NewAccount {
        login: login.clone(),
        person: None,
        unit: None,
        password: NewPassword::Given(password.clone()),
        grants: vec![NewGrant {
            role: "leader".into(),
            unit: top,
            from: world.env.today(),
            to: None,
        }],
    };
    let nobody = Actor::default();
    rooms
        .identity
        .create_account(&nobody, &new, &Scope::All)
        .await?;
    Ok((login, password))
}

/// CPU of the server, and of the database's own processes, for pages of a kind, after a few that warm caches up.
async fn pages(
    config: &Config,
    server: &Server,
    client: &mut Client,
    path: impl Fn(usize) -> String,
) -> Result<Value> {
    for n in 0..6 {
        let answer = client.get(&path(n), false).await?;
        if answer.status != 200 {
            return Err(Error::internal(format!(
                "{} answered {}",
                path(n),
                answer.status
            )));
        }
    }
    let (before, at) = (server.cpu_with(config)?, Instant::now());
    for n in 0..TIMES {
        client.get(&path(n), false).await?;
    }
    let per = 1000.0 / TIMES as f64;
    let (spent, took) = (
        server.cpu_with(config)? - before,
        at.elapsed().as_secs_f64(),
    );
    Ok(json!({ "cpu_ms": round(spent * per), "wall_ms": round(took * per) }))
}

/// CPU that this process and the database's own took so far, in seconds.
fn cpu_with(config: &Config) -> Result<f64> {
    Ok(cpu()?.as_secs_f64() + processes_of(config))
}

/// How everybody stands by ten rules, counted by unit; then everybody of one unit over a year by one of them.
async fn states(o: &Obligations, world: &World) -> Result<Value> {
    let config = &world.config;
    let today = world.env.today();
    let rules = rules()?;
    let count = async || -> Result<(usize, usize)> {
        let (mut units, mut counted) = (0, 0usize);
        for rule in rules.iter() {
            let bound = o.bound(rule, &Scope::All, None).await?;
            let counts = o.counts(rule, &bound, today).await?;
            let counts = counts.ok_or(Error::Busy { retry_after: 5 })?;
            units = counts.len();
            let totals = counts.values().map(obligations::Counts::total);
            counted += totals.sum::<usize>();
        }
        Ok((units, counted))
    };
    // The first time what everybody did is read from the disk, and who serves where is learned.
    let at = Instant::now();
    count().await?;
    let first = at.elapsed();
    let (at, before) = (Instant::now(), cpu_with(config)?);
    let (units, counted) = count().await?;
    let (took, spent) = (at.elapsed(), cpu_with(config)? - before);
    let office = world
        .organization
        .unit_by_code("E0051", &Scope::All)
        .await?;
    let year = Period::containing(PeriodKind::Year, today);
    let before = cpu_with(config)?;
    let mut lines = 0;
    for rule in rules.iter() {
        let one = std::slice::from_ref(&office);
        let subjects = o.subjects(rule, one, year).await?;
        lines += o.lines(rule, subjects, year).await?.map_or(0, |l| l.len());
    }
    let page = (cpu_with(config)? - before) * 1000.0 / 10.0;
    Ok(json!({
        "rules": 10, "units": units, "states": counted, "seconds": round(took.as_secs_f64()),
        "first_seconds": round(first.as_secs_f64()), "cpu_seconds": round(spent), "one_unit_cpu_ms": round(page), "one_unit_lines": lines,
    }))
}

/// The report of the year so far about the whole city.
async fn report(world: &World, rooms: &Rooms, top: UnitId) -> Result<Value> {
    let wanted = reports::Wanted {
        id: world.env.new_id(),
        template: "study-brief".into(),
        unit: top,
        period: Period::containing(PeriodKind::Year, world.env.today()),
        level: String::new(),
    };
    let actor = Actor::from(world.env.new_id::<AccountId>());
    let (at, before) = (Instant::now(), cpu_with(&world.config)?);
    rooms.reports.make(&wanted, &Scope::All, &actor).await?;
    let spent = cpu_with(&world.config)? - before;
    Ok(json!({ "seconds": round(at.elapsed().as_secs_f64()), "cpu_seconds": round(spent) }))
}

/// People who sign in at one door, many at once, each acknowledged when it is on disk.
async fn door(world: &World, rooms: &Rooms, top: UnitId, seconds: u64) -> Result<Value> {
    let by: AccountId = world.env.new_id();
    let office = world
        .organization
        .unit_by_code("E0051", &Scope::All)
        .await?
        .id;
    let today = world.env.today();
    let new = NewPlan {
        id: world.env.new_id(),
        kind: "lecture".into(),
        host: office,
        title: "压测".into(),
        date: today,
        starts: Time::constant(8, 0, 0, 0),
        ends: Time::constant(18, 0, 0, 0),
        location: String::new(),
        of: None,
        typed: Vec::new(),
    };
    let plan = rooms.activities.plan(&new, &Scope::All, by).await?;
    rooms.activities.open_door(plan, &Scope::All, by).await?;
    let roster = world
        .organization
        .roster(top, today, true, &Scope::All)
        .await?;
    let people: Arc<Vec<PersonId>> = Arc::new(roster.iter().map(|r| r.person).collect());
    let (begun, mut tasks) = (Instant::now(), tokio::task::JoinSet::new());
    for first in 0..CROWD {
        let (people, activities, env) =
            (people.clone(), rooms.activities.clone(), world.env.clone());
        tasks.spawn(async move {
            let mut took = Vec::new();
            for person in people.iter().skip(first).step_by(CROWD) {
                if begun.elapsed() > Duration::from_secs(seconds) {
                    break;
                }
                let at = Instant::now();
                activities
                    .check_in(plan, *person, Way::Kiosk, env.now(), Some(by))
                    .await?;
                took.push(at.elapsed());
            }
            Ok::<_, Error>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(done) = tasks.join_next().await {
        took.extend(done.map_err(Error::internal)??);
    }
    let spent = begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let p99 = took
        .get(took.len() * 99 / 100)
        .map_or(0.0, |d| d.as_secs_f64() * 1000.0);
    Ok(json!({
        "at_once": CROWD, "check_ins": took.len(), "per_second": (took.len() as f64 / spent) as u64, "p99_ms": round(p99),
    }))
}
