//! `suneng figures`: the figures that published reports of such agencies print, each counted from the records of
//! the demo's scenarios by an indicator's definition. Shows that nothing is typed in twice: every number has rows,
//! and none of them is declared.

use indicators::{Figure, Ratio, Style};
use kernel::{Date, Env, Error, Msg, Period, Result, Scope, UnitId};
use serde::{Deserialize, Serialize};

use crate::rooms::{Rooms, Vocabulary};
use crate::texts::{Texts, say};
use crate::world::{load_packs, pack_errors};
use crate::{Config, World};

/// The figures and where they come from.
const EXPECTED: &str = include_str!("demo/figures.csv");

/// Which figures, and how they are printed.
#[derive(Debug, Clone, clap::Args)]
pub struct Figures {
    /// 只列一个场景 / Only one scenario
    #[arg(long, value_name = "N")]
    scenario: Option<u8>,
    /// 输出 csv / Print csv
    #[arg(long)]
    csv: bool,
}

/// How exact a published figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
enum Qualifier {
    /// As printed.
    #[serde(rename = "=")]
    Equal,
    /// More, below the next of its last digit that is not zero.
    #[serde(rename = "余")]
    Over,
    /// The same, the other word.
    #[serde(rename = "多")]
    Many,
    /// At least.
    #[serde(rename = "以上")]
    AtLeast,
    /// The greatest.
    #[serde(rename = "可达")]
    UpTo,
}

impl Qualifier {
    fn style(self) -> Style {
        match self {
            Self::Equal => Style::Exact,
            Self::Over => Style::Over,
            Self::Many => Style::Many,
            Self::AtLeast => Style::AtLeast,
            Self::UpTo => Style::UpTo,
        }
    }

    /// Whether an exact value is what was printed so. Percentages with decimals agree when they round to them.
    fn agrees(self, value: Ratio, printed: Ratio) -> bool {
        let order = value.order(printed);
        match self {
            Self::Equal | Self::UpTo if printed.decimals > 0 => {
                let decimals = printed.decimals;
                Ratio { decimals, ..value }.text() == printed.text()
            }
            Self::Equal | Self::UpTo => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::Over | Self::Many => {
                let mut unit = 1;
                while printed.numerator != 0 && printed.numerator % (unit * 10) == 0 {
                    unit *= 10;
                }
                let next = Ratio::whole(printed.numerator + unit);
                order.is_gt() && value.order(next).is_lt()
            }
        }
    }
}

/// A published figure, and what it is counted from.
#[derive(Debug, Clone, Deserialize)]
struct Expected {
    source: u8,
    figure: String,
    expected: String,
    qualifier: Qualifier,
    unit: String,
    indicator: String,
    at: String,
    from: String,
    to: String,
}

/// What came out.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Scenario.
    pub source: u8,
    /// Name.
    pub figure: String,
    /// As published.
    pub expected: String,
    qualifier: Qualifier,
    /// Exact value.
    pub computed: String,
    /// As a sentence has it.
    pub printed: String,
    /// Unit of the figure.
    pub unit: String,
    /// How many rows stand behind it.
    pub rows: i64,
    /// Where it opens.
    pub address: String,
    /// Whether it is what was published.
    pub ok: bool,
}

/// A decimal number of the table.
fn decimal(text: &str) -> Result<Ratio> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = format!("{whole}{part}").parse().map_err(Error::internal)?;
    let decimals = part.len() as u32;
    Ok(Ratio {
        numerator: number,
        denominator: 10_i64.pow(decimals),
        decimals,
    })
}

fn date(text: &str) -> Result<Date> {
    kernel::parse_date(text).ok_or_else(|| Error::internal(format!("no date: {text}")))
}

/// A value with all its digits, six decimals at most.
fn exact(value: Ratio) -> String {
    let text = Ratio {
        decimals: 6,
        ..value
    }
    .text()
    .replace(',', "");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// All figures of the scenarios, or of one, counted.
pub async fn lines(world: &World, rooms: &Rooms, scenario: Option<u8>) -> Result<Vec<Line>> {
    let mut found = Vec::new();
    let mut reading = world.ledger.reading().await?;
    for row in csv::Reader::from_reader(EXPECTED.as_bytes()).deserialize() {
        let row: Expected = row.map_err(Error::internal)?;
        if scenario.is_some_and(|s| s != row.source) {
            continue;
        }
        let unit = world.organization.unit_by_code(&row.at, &Scope::All);
        let unit = match unit.await {
            Err(Error::NotFound) => return Err(Error::Conflict(Msg::new("figures-no-demo"))),
            unit => unit?,
        };
        let period = Period {
            from: date(&row.from)?,
            to: date(&row.to)?,
        };
        let indicator = rooms.indicators.indicator(&row.indicator)?;
        let figures = rooms
            .indicators
            .figures(&mut reading, &[unit.id], period, &[indicator], false)
            .await?;
        let figure = figures
            .get(&unit.id)
            .and_then(|f| f.first())
            .ok_or(Error::NotFound)?;
        found.push(line(&row, indicator, figure, unit.id, period)?);
    }
    if found.is_empty() {
        return Err(Error::Conflict(Msg::new("figures-none")));
    }
    Ok(found)
}

fn line(
    row: &Expected,
    indicator: &indicators::Indicator,
    figure: &Figure,
    unit: UnitId,
    period: Period,
) -> Result<Line> {
    let printed = decimal(&row.expected)?;
    let agrees = figure
        .value
        .is_some_and(|value| row.qualifier.agrees(value, printed));
    Ok(Line {
        source: row.source,
        figure: row.figure.clone(),
        expected: row.expected.clone(),
        qualifier: row.qualifier,
        computed: figure.value.map_or_else(String::new, exact),
        printed: indicator.print_as(figure.value, row.qualifier.style(), "zh-CN"),
        unit: row.unit.clone(),
        rows: figure.rows,
        address: format!(
            "/indicators/{}?unit={unit}&from={}&to={}",
            row.indicator,
            kernel::format_date(period.from),
            kernel::format_date(period.to)
        ),
        ok: agrees && figure.rows > 0 && !figure.declared,
    })
}

/// Prints the figures; gives whether all are as published.
pub async fn run(config: Config, env: Env, options: &Figures, texts: &Texts) -> Result<bool> {
    load_packs(&config).map_err(pack_errors)?;
    let world = World::open(config, env).await?;
    let vocabulary = Vocabulary::read(&world.packs).map_err(pack_errors)?;
    let rooms = Rooms::open(&world, vocabulary).await?;
    let lines = lines(&world, &rooms, options.scenario).await?;
    if options.csv {
        let mut out = csv::Writer::from_writer(Vec::new());
        for line in &lines {
            out.serialize(line).map_err(Error::internal)?;
        }
        let bytes = out.into_inner().map_err(Error::internal)?;
        say(String::from_utf8(bytes)
            .map_err(Error::internal)?
            .trim_end());
    } else {
        for l in &lines {
            let mark = if l.ok { "✓" } else { "✗" };
            say(format_args!(
                "{mark} {} {}：{} ← {}（{} {}）",
                l.source, l.figure, l.printed, l.computed, l.rows, l.address
            ));
        }
    }
    let wrong = lines.iter().filter(|l| !l.ok).count();
    world.db.close().await;
    if !options.csv {
        let sum = Msg::new("figures-sum").with("all", lines.len());
        say(texts.msg(&sum.with("wrong", wrong)));
    }
    Ok(wrong == 0)
}
