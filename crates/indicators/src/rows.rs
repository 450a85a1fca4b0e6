//! The rows under a figure, with the names that a reader of the figure may see.

use kernel::{Date, FactId, Result, UnitId};
use ledger::{Fact, Label};
use serde::Serialize;
use web::Shell;

use crate::{Indicators, Ratio};

/// A row as shown and exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) date: String,
    pub(crate) person: Option<String>,
    pub(crate) unit: String,
    pub(crate) host: String,
    pub(crate) role: Option<String>,
    pub(crate) minutes: Option<i64>,
    pub(crate) late: bool,
    pub(crate) recorded_at: String,
    pub(crate) href: Option<String>,
    pub(crate) quantity: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) fact: FactId,
}

impl Indicators {
    /// Names for a page of facts, in two queries.
    pub(crate) async fn rows(
        &self,
        reading: &mut ledger::Reading,
        facts: &[Fact],
        shell: &Shell,
    ) -> Result<Vec<Row>> {
        let paths = reading.paths(facts).await?;
        let own = |place: ledger::PlaceId| -> Option<UnitId> {
            paths.get(&place).and_then(|p| p.last().copied())
        };
        let mut units: Vec<UnitId> = facts
            .iter()
            .flat_map(|f| [own(f.host), f.unit.and_then(own)])
            .flatten()
            .collect();
        units.sort_unstable();
        units.dedup();
        let mut people: Vec<_> = facts.iter().filter_map(|f| f.person).collect();
        people.sort_unstable();
        people.dedup();
        let titles = self.sources.titles(reading.tx(), facts).await?;
        let units = self.organization.names(&units).await?;
        let people = self.organization.person_names(&people).await?;
        let unit_name = |place: ledger::PlaceId| {
            own(place)
                .and_then(|u| units.get(&u).cloned())
                .unwrap_or_default()
        };
        let row = |f: &Fact| {
            let source = self.sources.of(&f.kind);
            Row {
                date: kernel::format_date(f.date),
                person: f.person.and_then(|p| people.get(&p).cloned()),
                unit: f.unit.map(unit_name).unwrap_or_default(),
                host: unit_name(f.host),
                role: match source.and_then(|s| s.part(f, shell.lang().code())) {
                    Some(Label::Key(key)) => Some(shell.t(&key)),
                    Some(Label::Text(text)) => Some(text),
                    None => f.role.clone(),
                },
                minutes: f.minutes,
                late: f.late,
                recorded_at: f.recorded_at.minute_text(self.env.zone()),
                href: source.map(|s| s.href(f)),
                quantity: quantity(f),
                title: titles.get(&f.subject).cloned(),
                fact: f.id,
            }
        };
        Ok(facts.iter().map(row).collect())
    }
}

/// The quantity or score of a fact.
fn quantity(f: &Fact) -> Option<String> {
    let (value, parts) = match (f.quantity, f.score) {
        (Some(quantity), _) => (quantity, 1_000),
        (None, Some(score)) => (score, 100),
        (None, None) => return None,
    };
    let decimals = (0..3).find(|d| value * 10_i64.pow(*d) % parts == 0);
    let ratio = Ratio {
        numerator: value,
        denominator: parts,
        decimals: decimals.unwrap_or(3),
    };
    Some(ratio.text())
}

/// The cursor of the next page as it stands in a URL.
pub(crate) fn cursor_text(cursor: (Date, FactId)) -> String {
    format!("{}_{}", kernel::format_date(cursor.0), cursor.1)
}

/// Reads what [`cursor_text`] wrote; anything else begins at the first page.
pub(crate) fn cursor_of(text: &str) -> Option<(Date, FactId)> {
    let (date, id) = text.split_once('_')?;
    Some((kernel::parse_date(date)?, id.parse().ok()?))
}
