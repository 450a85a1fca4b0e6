//! Reading: what one indicator and the first page of its rows cost in CPU, small ledger against large, at pages that are full in both.

use kernel::{Env, Error, Period, PeriodKind, Result, UnitId};
use serde_json::{Value, json};

use super::load::round;
use super::world::{Population, definitions, present};
use crate::{Config, World};

const TIMES: u32 = 40;

pub async fn run(config: &Config, env: &Env, small: usize, large: usize) -> Result<Value> {
    let few = measure(config, env, "small", small).await?;
    let many = measure(config, env, "large", large).await?;
    let ratio = |level: &str| {
        let ms = |v: &Value| v["levels"][level]["cpu_ms"].as_f64().unwrap_or(0.0);
        round(ms(&many) / ms(&few).max(0.001))
    };
    Ok(json!({
        "bench": "reading", "small": few, "large": many,
        "ratio": { "city": ratio("city"), "district": ratio("district"), "bureau": ratio("bureau"), "office": ratio("office") },
    }))
}

async fn measure(config: &Config, env: &Env, name: &str, facts: usize) -> Result<Value> {
    let config = Config {
        data: config.data.join(name),
        ..config.clone()
    }
    .with_own_places();
    let (world, _) = World::create(config, env.clone()).await?;
    world.ledger.define(&definitions()).await?;
    let population = Population::new(env);
    population.places(&world.db, &world.ledger).await?;
    let (offices, weeks) = population.spread_for(facts);
    let mut waiting = Vec::new();
    let mut written = 0;
    for office in 0..offices {
        waiting.extend(population.history(env, office, env.today(), weeks));
        while waiting.len() >= 2_000 || (office + 1 == offices && !waiting.is_empty()) {
            let rest = waiting.split_off(waiting.len().min(2_000));
            world.ledger.append_sealed(&waiting).await?;
            written += waiting.len();
            waiting = rest;
        }
    }
    let mut levels = serde_json::Map::new();
    // Every bureau and district has an office among the first fifty.
    let offices: Vec<UnitId> = (population.offices.iter().take(offices))
        .map(|(path, _)| path[3])
        .collect();
    for (level, nodes) in [
        ("city", vec![population.city]),
        ("district", population.districts.clone()),
        ("bureau", population.bureaus.clone()),
        ("office", offices),
    ] {
        levels.insert(level.to_owned(), one(&world, &nodes).await?);
    }
    let file = world
        .config
        .sqlite_file()
        .and_then(|f| std::fs::metadata(f).ok())
        .map(|m| m.len() / 1_048_576);
    world.db.close().await;
    Ok(json!({ "facts": written, "database_mib": file, "levels": levels }))
}

/// The number of the year so far with persons, and the first 50 rows under it.
async fn one(world: &World, nodes: &[UnitId]) -> Result<Value> {
    let definition = present();
    let period = Period::containing(PeriodKind::Year, world.env.today());
    let (mut value, mut rows, mut number) = (0, 0, std::time::Duration::ZERO);
    for n in 0..TIMES + 5 {
        let node = nodes[n as usize % nodes.len()];
        let before = cpu()?;
        let mut reading = world.ledger.reading().await?;
        let total = reading.total(&definition, node, period, true).await?;
        let page = reading
            .rows(&definition, node, period, None, None, 50)
            .await?;
        // The first few warm caches up.
        if n >= 5 {
            number += cpu()?.saturating_sub(before);
        }
        value = total.n;
        rows = page.facts.len();
    }
    let ms = number.as_secs_f64() * 1000.0 / f64::from(TIMES);
    Ok(json!({ "cpu_ms": round(ms), "value": value, "rows": rows }))
}

/// CPU time of this process, user and system.
pub fn cpu() -> Result<std::time::Duration> {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(at.tv_sec).map_err(Error::internal)?;
    Ok(std::time::Duration::new(seconds, at.tv_nsec as u32))
}
