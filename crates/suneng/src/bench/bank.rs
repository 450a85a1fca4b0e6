//! A bank of many questions: found by words, counted, picked, and made into papers by a blueprint.

use std::time::Instant;

use exams::{Blueprint, Details, Exams, Office, Row, Shows, Takes, Terms};
use kernel::words::Words;
use kernel::{AccountId, Env, Error, Id, Result, Scope, Timestamp};
use organization::NewUnit;
use questions::formats::{Format, Limits, write};
use questions::{Bank, Filter, Key, Kind, Question, Questions, Rule, SplitMix, State, Taking};
use serde_json::{Value, json};
use web::table::{Order, Window};

use super::load::round;
use crate::{Config, World};

/// How often each thing is measured.
const TIMES: usize = 21;
/// Questions of one file.
const TOGETHER: usize = 5_000;
/// Subjects, each with so many parts.
const SUBJECTS: [&str; 8] = [
    "行政法",
    "刑法",
    "民法",
    "诉讼法",
    "党内法规",
    "公文写作",
    "保密",
    "信息安全",
];
const PARTS: usize = 5;
/// Rows of the blueprint, and questions of each.
const ROWS: usize = 10;
const EACH: usize = 5;

/// A question unlike the others: its words follow from its number.
fn question(n: usize) -> Question {
    let mut random = SplitMix::new(n as u64 + 1);
    let mut word = |length: usize| -> String {
        let letters = (0..length).map(|_| 0x4e00 + random.below(6_000) as u32);
        letters.filter_map(char::from_u32).collect()
    };
    let kind = [Kind::Single, Kind::Multiple, Kind::Judgement][n % 3];
    let mut question = Question::new(kind, format!("第{n}题：{}，{}？", word(16), word(12)));
    if kind.is_choice() {
        question.options = (0..4).map(|_| word(10)).collect();
    }
    question.key = match kind {
        Kind::Single => Key::Choices("B".parse().unwrap_or_default()),
        Kind::Multiple => Key::Choices("AC".parse().unwrap_or_default()),
        _ => Key::Truth(n.is_multiple_of(2)),
    };
    let subject = SUBJECTS[(n / 3) % SUBJECTS.len()];
    question.points = vec![format!("{subject}/第{}章", (n / 24) % PARTS + 1)];
    question.difficulty = u8::try_from(n / 120 % 5 + 1).ok();
    question
}

/// Half of the times took no longer, and the longest, in milliseconds.
fn spread(mut times: Vec<f64>) -> Value {
    times.sort_by(f64::total_cmp);
    let half = times.get(times.len() / 2).copied().unwrap_or_default();
    json!({ "p50": round(half), "max": round(times.last().copied().unwrap_or_default()) })
}

pub async fn run(config: &Config, env: &Env, count: usize) -> Result<Value> {
    let (world, _) = World::create(config.clone(), env.clone()).await?;
    let unit = NewUnit {
        parent: None,
        code: "E".into(),
        name: "题库单位".into(),
        category: String::new(),
        from: env.today(),
    };
    let org = &world.organization;
    let unit = org.add_unit(unit, "", None, &Scope::All).await?;
    let book = Questions::new(
        world.db.clone(),
        env.clone(),
        org.clone(),
        world.files.clone(),
    );
    let by: AccountId = env.new_id();
    let bank = Bank {
        id: env.new_id(),
        unit,
        name: "测速题库".into(),
        sealed: false,
    };
    book.keep_bank(&bank, &Scope::All, by).await?;
    let begun = Instant::now();
    for from in (0..count).step_by(TOGETHER) {
        let all: Vec<Question> = (from..count.min(from + TOGETHER)).map(question).collect();
        let file = write(Format::Jsonl, &all)?;
        let limits = Limits {
            questions: TOGETHER,
            ..Limits::default()
        };
        let plan = book
            .plan("bench.jsonl", file.bytes, limits, bank.id, &Scope::All)
            .await?;
        let taking = Taking {
            bank: bank.id,
            file: "bench.jsonl",
            near: true,
            state: State::InUse,
            note: &|_| String::new(),
        };
        let counts = book.publish(&plan, &taking, &Scope::All, by).await?;
        if counts.imported != all.len() {
            return Err(Error::internal(format!("{counts:?} of {}", all.len())));
        }
    }
    let import = begun.elapsed().as_secs_f64();
    let points = book.points(&Scope::All).await?;
    let point = |path: &str| {
        let found = points.iter().find(|p| p.path == path).map(|p| p.id);
        found.ok_or_else(|| Error::internal("a point is missing"))
    };
    let order = Order {
        by: "changed",
        down: true,
    };
    let filter = Filter {
        bank: Some(bank.id),
        ..Filter::default()
    };
    let (mut search, mut list, mut counted, mut drawn) = (vec![], vec![], vec![], vec![]);
    let ten: Vec<Id> = points.iter().take(10).map(|p| p.id).collect();
    let whole = point("")?;
    let mut there = 0;
    for n in 0..TIMES {
        let ms = |at: Instant| at.elapsed().as_secs_f64() * 1_000.0;
        // Words of a question that is there.
        let stem = question(n * count / TIMES).stem;
        let text: String = stem
            .chars()
            .skip_while(|c| *c != '：')
            .skip(1)
            .take(6)
            .collect();
        let at = Instant::now();
        let window = Window::new(1, 20);
        let (found, _) = book
            .page(&Scope::All, &filter, &Words::new(&text), order, window)
            .await?;
        search.push(ms(at));
        if found.is_empty() {
            return Err(Error::internal(format!("{text} was not found")));
        }
        let at = Instant::now();
        book.page(&Scope::All, &filter, &Words::new(""), order, window)
            .await?;
        list.push(ms(at));
        let at = Instant::now();
        book.available(&ten).await?;
        counted.push(ms(at));
        let of_all = book.available(&[whole]).await?;
        there = of_all.iter().map(|a| a.count).sum::<i64>();
        let at = Instant::now();
        let none = Default::default();
        let picked = book
            .pick(whole, Kind::Single, &[], 50, &none, n as u64)
            .await?;
        drawn.push(ms(at));
        if picked.len() != 50.min(count / 3) {
            return Err(Error::internal("too few were picked"));
        }
    }
    let blueprint = blueprints(&world, (&book, unit, by), &point).await?;
    let engine = format!("{:?}", world.db.engine());
    world.db.close().await;
    Ok(json!({
        "bench": "bank", "engine": engine, "questions": count, "import_s": round(import),
        "import_per_s": round(count as f64 / import), "counted": there, "search_ms": spread(search),
        "list_ms": spread(list), "count_ms": spread(counted), "draw_ms": spread(drawn), "blueprint_ms": blueprint,
    }))
}

/// Papers of fifty questions, each drawn, looked at for what is alike, sealed and written.
async fn blueprints(
    world: &World,
    (book, unit, by): (&Questions, kernel::UnitId, AccountId),
    point: &impl Fn(&str) -> Result<Id>,
) -> Result<Value> {
    let env = &world.env;
    let exams = Exams::new(world.db.clone(), env.clone(), world.organization.clone())
        .with_vault(world.vault().await?);
    let kinds = exams::ExamKinds::read(&world.packs).map_err(crate::world::pack_errors)?;
    let kind = kinds.iter().next().map(|k| k.code.clone());
    let ledger = world.ledger.clone();
    let levels = Default::default();
    let office = Office::new(exams, book.clone(), ledger, kinds, levels);
    let now = env.now();
    let terms = Terms {
        unit,
        kind: kind.unwrap_or_default(),
        title: "测速".into(),
        opens: Timestamp(now.0 + 3_600 * Timestamp::SECOND),
        closes: Timestamp(now.0 + 7_200 * Timestamp::SECOND),
        seconds: 3_600,
        grace: 60,
        late: None,
        attempts: 1,
        takes: Takes::Best,
        pass: None,
        shows: Shows::ByHand,
    };
    let id: Id = env.new_id();
    office
        .make(id, &terms, &Details::default(), &Scope::All, by)
        .await?;
    let row = |n: usize| {
        let path = match n % 3 {
            0 => String::new(),
            1 => SUBJECTS[n % SUBJECTS.len()].to_owned(),
            _ => format!("{}/第{}章", SUBJECTS[n % SUBJECTS.len()], n % PARTS + 1),
        };
        Ok(Row {
            kind: [Kind::Single, Kind::Multiple, Kind::Judgement][n % 3],
            point: point(&path)?,
            difficulties: Vec::new(),
            count: EACH,
            points: 2_000,
            pool: 0,
            rule: Rule::Exact,
        })
    };
    let blueprint = Blueprint {
        rows: (0..ROWS).map(row).collect::<Result<_>>()?,
        papers: 0,
        months: 0,
    };
    let mut times = Vec::new();
    for n in 0..TIMES {
        let at = Instant::now();
        let version = n as i64 + 1;
        let scopes = (&Scope::All, &Scope::All);
        let actor = by.into();
        let title = |_: usize, _: Kind| String::new();
        office
            .draw_paper((id, version), &blueprint, n as u64, scopes, &title, &actor)
            .await?;
        times.push(at.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(spread(times))
}
