//! The table of a report as a sheet: numbers are numbers, each with its definition, its rows and the period.

use commons::sheets::write::{Value as Cell, xlsx};
use indicators::Ratio;
use kernel::Result;

use crate::service::change_text;
use crate::{Reports, Saved};

/// A figure as the number that is printed.
fn number(value: Option<Ratio>) -> Cell {
    let Some(value) = value else {
        return Cell::Empty;
    };
    let plain = value.text().replace(',', "").replace('−', "-");
    let places = plain.split_once('.').map_or(0, |(_, digits)| digits.len());
    let scaled = plain.replace('.', "").parse::<i64>();
    match (scaled, u8::try_from(places)) {
        (Ok(whole), Ok(0)) => Cell::Int(whole),
        (Ok(scaled), Ok(places)) => Cell::Decimal(scaled, places),
        _ => Cell::Text(plain),
    }
}

impl Reports {
    /// The xlsx of a report's table.
    pub(crate) fn sheet(
        &self,
        r: &Saved,
        lang: &str,
        labels: &dyn Fn(&str) -> String,
    ) -> Result<Vec<u8>> {
        let header = [
            "report-indicator-name",
            "report-value",
            "report-measure",
            "report-yoy",
            "report-definition",
            "report-rows",
            "unit",
            "report-from",
            "report-to",
            "report-ledger-size",
        ]
        .map(labels);
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let known = r.body.figures.iter().filter_map(|f| {
            let indicator = self.indicators.indicator(&f.code).ok()?;
            Some((indicator, f))
        });
        let rows = known.map(|(i, f)| -> Vec<Cell> {
            vec![
                i.name.get(lang).into(),
                number(f.value),
                i.unit.get(lang).into(),
                change_text(f.yoy, lang).trim().into(),
                i.definition.get(lang).into(),
                f.rows.into(),
                r.body.unit_name.clone().into(),
                r.period.from.into(),
                r.period.to.into(),
                r.as_of.into(),
            ]
        });
        xlsx(&labels("report"), &header, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_numbers_of_their_decimals() {
        let ratio = |numerator, denominator, decimals| {
            number(Some(Ratio {
                numerator,
                denominator,
                decimals,
            }))
        };
        assert_eq!(ratio(12_846, 1, 0), Cell::Int(12_846));
        assert_eq!(ratio(200, 3, 1), Cell::Decimal(667, 1));
        assert_eq!(ratio(-1, 2, 1), Cell::Decimal(-5, 1));
        assert_eq!(number(None), Cell::Empty);
    }
}
