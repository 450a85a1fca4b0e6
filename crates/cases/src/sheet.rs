//! Sheets of cases: an export has the form of the import. Who told of a case is in neither.

use std::collections::HashMap;

use commons::sheets::{Column, Limits, read, write};
use kernel::{FieldError, Msg, PersonId, Result, UnitId};

use crate::kind::Kind;
use crate::model::Matter;

/// Rows of one sheet.
pub(crate) const MOST_ROWS: usize = 5_000;

/// Key, Chinese and English name, other names, whether there must be one.
type Head = (
    &'static str,
    [&'static str; 2],
    &'static [&'static str],
    bool,
);

/// The columns, in order.
const HEADS: [Head; 17] = [
    ("number", ["编号", "Number"], &["序号", "问题编号"], false),
    ("kind", ["类型", "Kind"], &["问题类型"], false),
    (
        "title",
        ["问题", "Problem"],
        &["标题", "问题描述", "事项"],
        true,
    ),
    ("detail", ["详情", "Detail"], &["具体表现", "说明"], false),
    (
        "unit",
        ["责任单位编码", "Unit code"],
        &["责任单位", "单位编码"],
        true,
    ),
    (
        "from",
        ["登记单位编码", "Raising unit code"],
        &["交办单位"],
        false,
    ),
    ("severity", ["严重程度", "Severity"], &["等级"], false),
    ("area", ["领域", "Field"], &["问题领域"], false),
    ("source", ["来源", "Source"], &["问题来源"], false),
    ("clause", ["条款", "Clause"], &[], false),
    ("owner", ["责任人工号", "Owner"], &["责任人"], false),
    (
        "supervisor",
        ["督办人工号", "Supervisor"],
        &["督办人"],
        false,
    ),
    ("raised", ["登记日期", "Raised on"], &["发现日期"], true),
    ("due", ["整改期限", "Due"], &["完成时限", "期限"], true),
    ("end", ["结束方式", "End"], &["整改结果"], false),
    ("closed", ["销号日期", "Closed on"], &["完成日期"], false),
    ("state", ["状态", "State"], &[], false),
];

/// The header in a language.
pub(crate) fn header(lang: &str) -> Vec<&'static str> {
    let at = usize::from(lang.starts_with("en"));
    HEADS.iter().map(|h| h.1[at]).collect()
}

/// An empty sheet to be filled in; the state is for exports.
pub(crate) fn template(name: &str, lang: &str) -> Result<Vec<u8>> {
    let mut header = header(lang);
    header.pop();
    write::xlsx(name, &header, Vec::<Vec<write::Value>>::new())
}

/// What an export looks names up in.
pub(crate) struct Names {
    /// Codes of units.
    pub(crate) units: HashMap<UnitId, String>,
    /// Staff numbers.
    pub(crate) people: HashMap<PersonId, String>,
}

/// A row of an export.
pub(crate) fn line(
    m: &Matter,
    kind: &Kind,
    names: &Names,
    end: Option<String>,
    lang: &str,
) -> Vec<write::Value> {
    let text = |t: &str| write::Value::Text(t.to_owned());
    let unit = |id: UnitId| text(names.units.get(&id).map_or("", String::as_str));
    let person = |id: Option<PersonId>| {
        text(
            id.and_then(|id| names.people.get(&id))
                .map_or("", String::as_str),
        )
    };
    vec![
        text(&m.number),
        text(kind.name.get(lang)),
        text(&m.title),
        text(&m.detail),
        unit(m.unit),
        unit(m.from),
        text(kind.severity_name(&m.severity, lang)),
        text(kind.area_name(&m.area, lang)),
        text(kind.source_name(&m.source, lang)),
        text(kind.clause_name(&m.clause, lang)),
        person(m.owner),
        person(m.supervisor),
        m.raised_on.into(),
        m.until.into(),
        end.into(),
        m.closed_on.into(),
        text(kind.state(&m.state).map_or("", |s| s.name.get(lang))),
    ]
}

/// A row of an upload: what it says, and where.
pub(crate) struct Row {
    pub(crate) number: u32,
    texts: HashMap<&'static str, (String, String)>,
}

impl Row {
    /// What stands in a column.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.texts.get(key).map_or("", |(text, _)| text.trim())
    }

    /// An error at a cell.
    pub(crate) fn wrong(&self, key: &str, message: Msg) -> FieldError {
        let cell = self.texts.get(key).or_else(|| self.texts.get("title"));
        FieldError {
            field: cell.map(|(_, cell)| cell.clone()).unwrap_or_default(),
            message,
        }
    }
}

/// The rows of an upload.
///
/// # Errors
/// `Invalid` when the file is no table or lacks a column.
pub(crate) fn rows(file_name: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    let limits = Limits {
        rows: MOST_ROWS + 30,
        ..Limits::default()
    };
    let sheet = read(file_name, bytes, &limits)?;
    let names: Vec<Vec<&str>> = HEADS
        .iter()
        .map(|h| h.1.iter().chain(h.2).copied().collect())
        .collect();
    let columns: Vec<Column<'_>> = HEADS
        .iter()
        .zip(&names)
        .map(|(h, names)| match h.3 {
            true => Column::required(h.0, names),
            false => Column::optional(h.0, names),
        })
        .collect();
    let table = sheet.columns(&columns)?;
    let rows = table.rows().map(|row| {
        let text = |h: &Head| (h.0, (row.get(h.0).text.to_owned(), row.get(h.0).address()));
        Row {
            number: row.number(),
            texts: HEADS.iter().map(text).collect(),
        }
    });
    Ok(rows.collect())
}
