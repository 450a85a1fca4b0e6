//! `suneng demo`: the invented city 澜州市, its agencies and people, and two years of Friday study in its justice
//! bureau, five scenarios on fixed days, one account for each role, served at once. The only place with sample data.

mod accounts;
mod bulletins;
mod cases;
mod checks;
mod city;
mod exams;
mod life;
mod matters;
mod names;
mod people;
mod projects;
mod scenarios;
mod study;
mod tasks;

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use identity::Identity;
use jiff::ToSpan;
use kernel::{Date, Env, Error, Period, PeriodKind, Result, Scope, TestClock, Timestamp};

use self::life::Life;
use self::scenarios::Stage;
use self::study::{Study, WEEKS};
use crate::rooms::{Rooms, Vocabulary};
use crate::texts::{Texts, say};
use crate::world::{load_packs, not_written, pack_errors};
use crate::{Config, World, serve};

/// What is printed about the accounts is kept beside the data, for the next start.
pub const ACCOUNTS_FILE: &str = "demo-accounts.txt";

/// Makes the demo when the folder has none, prints the accounts, and serves.
pub async fn run(config: Config, env: Env, texts: &Texts) -> Result<()> {
    let file = config.data.join(ACCOUNTS_FILE);
    let accounts = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(_) => {
            say(texts.get("demo-filling"));
            fill_telling(&config, &env, |step| say(texts.get(step))).await?
        }
    };
    say(format_args!(
        "{}\n{}",
        texts.get("demo-accounts"),
        accounts.trim_end()
    ));
    serve::run(config, env, texts).await
}

/// Fills an empty data folder; gives the lines about the accounts. The file that says it is done is
/// written last, so a run that was cut off is refused rather than served half filled.
pub async fn fill(config: &Config, env: &Env) -> Result<String> {
    fill_telling(config, env, |_| ()).await
}

/// The same; each step is told by the key of its text when it begins.
async fn fill_telling(config: &Config, env: &Env, tell: impl Fn(&'static str)) -> Result<String> {
    let today = env.today();
    let first = Period::containing(PeriodKind::Week, today)
        .from
        .saturating_sub(WEEKS.weeks());
    let scenarios = scenarios::read()?;
    let clock = TestClock::at(at(env, scenarios::begin(&scenarios)?, 8, 0));
    let past = Env::with_clock(clock.clone());
    let packs = load_packs(config).map_err(pack_errors)?;
    let vocabulary = Vocabulary::read(&packs).map_err(pack_errors)?;
    let calendar = commons::packs::holidays::calendar(&packs).map_err(pack_errors)?;
    let (world, _) = World::create(config.clone(), past.clone()).await?;
    if !world.organization.units(&Scope::All).await?.is_empty() {
        return Err(Error::Conflict(
            kernel::Msg::new("demo-not-empty").with("folder", config.data.display()),
        ));
    }
    let rooms = Box::pin(Rooms::open(&world, vocabulary)).await?;
    tell("demo-scenarios");
    let org = &world.organization;
    let stage = Stage::set(&world, &rooms, &clock, &calendar, &scenarios);
    let mut stage = Box::pin(stage).await?;
    stage.until(first.saturating_sub(1.day())).await?;
    forward(&clock, &past, first, 18, 30);
    tell("demo-people");
    let places = city::places();
    let people = people::people(&places, first, today);
    let (rows, seconded) = people::beginning(&places, &people, first, today);
    org.import(&rows, &Scope::All, None).await?;
    accounts::open(&world, &rooms.identity, first).await?;
    let life = Life {
        world: &world,
        rooms: &rooms,
        places: &places,
        people: &people,
        clock: &clock,
        today,
    };
    tell("demo-bodies");
    Box::pin(life.bodies()).await?;
    tell("demo-study");
    let study = Study::new(&world, &rooms, (&clock, &calendar), (first, today)).await?;
    for week in 0..=WEEKS - 2 {
        study.record(week..=week).await?;
        stage.until(past.today()).await?;
    }
    Box::pin(study.confirm()).await?;
    Box::pin(life.decided()).await?;
    Box::pin(bulletins::write(&world, &rooms)).await?;
    tell("demo-loop");
    Box::pin(cases::mend(&world, &rooms)).await?;
    Box::pin(checks::campaign(&world, &rooms)).await?;
    Box::pin(checks::self_check(&world, &rooms)).await?;
    Box::pin(checks::letters(&world, &rooms)).await?;
    Box::pin(tasks::set(&world, &rooms)).await?;
    Box::pin(projects::run(&world, &rooms)).await?;
    Box::pin(matters::run(&world, &rooms)).await?;
    Box::pin(exams::hold(&world, &rooms, &clock)).await?;
    let rows = people::since(&people, &seconded, today);
    org.import(&rows, &Scope::All, None).await?;
    study.record(WEEKS - 1..=WEEKS).await?;
    world.ledger.settle().await?;
    tell("demo-desk");
    let left = || (env.now().0 - past.now().0) / Timestamp::SECOND;
    clock.advance(left() / 2);
    life.waiting(left() / 4).await?;
    clock.advance(left());
    stage.until(today).await?;
    Box::pin(life.audiences()).await?;
    // Passwords are chosen today: two years ago they would have to be changed first.
    let settings = config.security.clone();
    let identity = Identity::new(world.db.clone(), env.clone(), settings);
    let lines = accounts::set_passwords(&world, &identity, env).await?;
    checks::sign(&rooms, &lines).await?;
    world.ledger.settle().await?;
    world.db.close().await;
    let text = lines.join("\n") + "\n";
    write_private(&config.data.join(ACCOUNTS_FILE), &text)?;
    Ok(text)
}

fn at(env: &Env, date: Date, hour: i8, minute: i8) -> Timestamp {
    let at = date.at(hour, minute, 0, 0).to_zoned(env.zone().clone());
    at.map_or(Timestamp(0), |z| Timestamp(z.timestamp().as_microsecond()))
}

/// Sets the clock of the past to a time of a day.
fn forward(clock: &Arc<TestClock>, env: &Env, date: Date, hour: i8, minute: i8) {
    clock.advance((at(env, date, hour, minute).0 - env.now().0) / Timestamp::SECOND);
}

/// A number between 0 and 99 that depends on what it is asked for and on nothing else.
fn chance(a: i64, b: usize, c: usize) -> i64 {
    let mut x = (a as u64) ^ ((b as u64) << 20) ^ ((c as u64) << 40) ^ 0x9e37_79b9_7f4a_7c15;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) % 100) as i64
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut f| f.write_all(text.as_bytes()).and_then(|()| f.sync_all()))
        .map_err(|e| not_written(path, &e))
}
