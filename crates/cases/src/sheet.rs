//! Sheets of cases: an export has the form of the import, with the fields of all kinds. Who told of a case (反映人) can come in
//! with orders of a hotline; it never goes out.

use std::collections::HashMap;

use commons::packs::Name;
use commons::sheets::{Column, Limits, read, write};
use kernel::{FieldError, Msg, PersonId, Result, UnitId};

use crate::kind::{CaseKinds, Kind};
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
        &["标题", "问题描述", "事项", "诉求标题", "工单标题"],
        true,
    ),
    (
        "detail",
        ["详情", "Detail"],
        &["具体表现", "说明", "诉求内容"],
        false,
    ),
    (
        "unit",
        ["责任单位编码", "Unit code"],
        &["责任单位", "单位编码", "承办单位"],
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
    (
        "raised",
        ["登记日期", "Raised on"],
        &["发现日期", "受理时间", "来电时间"],
        true,
    ),
    (
        "due",
        ["整改期限", "Due"],
        &["完成时限", "期限", "办理时限", "截止时间"],
        true,
    ),
    ("end", ["结束方式", "End"], &["整改结果"], false),
    (
        "closed",
        ["销号日期", "Closed on"],
        &["完成日期", "办结时间"],
        false,
    ),
    ("state", ["状态", "State"], &[], false),
];

/// Who told of a case: columns that are read and never written.
const TOLD: [Head; 3] = [
    (
        "reporter",
        ["反映人", "Told by"],
        &["来电人", "诉求人"],
        false,
    ),
    (
        "contact",
        ["联系方式", "Contact"],
        &["联系电话", "来电号码"],
        false,
    ),
    (
        "confidential",
        ["是否保密", "Confidential"],
        &["保密"],
        false,
    ),
];

/// The fields of all kinds, each once: key of its column, and its name.
pub(crate) fn fields(kinds: &CaseKinds) -> Vec<(String, Name)> {
    let mut found: Vec<(String, Name)> = Vec::new();
    for field in kinds.iter().flat_map(|k| &k.fields) {
        let key = format!("v-{}", field.code);
        if found.iter().all(|(known, _)| *known != key) {
            found.push((key, field.name.clone()));
        }
    }
    found
}

/// The header in a language.
pub(crate) fn header(lang: &str, kinds: &CaseKinds) -> Vec<String> {
    let at = usize::from(lang.starts_with("en"));
    let own = HEADS.iter().map(|h| h.1[at].to_owned());
    let fields = fields(kinds).into_iter();
    own.chain(fields.map(|(_, name)| name.get(lang).to_owned()))
        .collect()
}

/// An empty sheet to be filled in; the state is for exports.
pub(crate) fn template(name: &str, lang: &str, kinds: &CaseKinds) -> Result<Vec<u8>> {
    let at = usize::from(lang.starts_with("en"));
    let mut header = header(lang, kinds);
    header.remove(HEADS.len() - 1);
    header.extend(TOLD.iter().map(|h| h.1[at].to_owned()));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
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
    (lang, fields): (&str, &[(String, Name)]),
) -> Vec<write::Value> {
    let text = |t: &str| write::Value::Text(t.to_owned());
    let unit = |id: UnitId| text(names.units.get(&id).map_or("", String::as_str));
    let person = |id: Option<PersonId>| {
        text(
            id.and_then(|id| names.people.get(&id))
                .map_or("", String::as_str),
        )
    };
    let mut line = vec![
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
    ];
    let values = fields
        .iter()
        .map(|(key, _)| m.values.get(&key["v-".len()..]));
    line.extend(values.map(|value| text(value.map_or("", String::as_str))));
    line
}

/// A row of an upload: what it says, and where.
pub(crate) struct Row {
    pub(crate) number: u32,
    texts: HashMap<String, (String, String)>,
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
pub(crate) fn rows(file_name: &str, bytes: &[u8], kinds: &CaseKinds) -> Result<Vec<Row>> {
    let limits = Limits {
        rows: MOST_ROWS + 30,
        ..Limits::default()
    };
    let sheet = read(file_name, bytes, &limits)?;
    let fields = fields(kinds);
    let mut wanted: Vec<(&str, Vec<&str>, bool)> = HEADS
        .iter()
        .chain(&TOLD)
        .map(|h| (h.0, h.1.iter().chain(h.2).copied().collect(), h.3))
        .collect();
    for (key, name) in &fields {
        wanted.push((key, vec![name.zh.as_str(), name.en.as_str()], false));
    }
    let columns: Vec<Column<'_>> = wanted
        .iter()
        .map(|(key, names, required)| match required {
            true => Column::required(key, names),
            false => Column::optional(key, names),
        })
        .collect();
    let table = sheet.columns(&columns)?;
    let rows = table.rows().map(|row| {
        let text = |key: &str| (row.get(key).text.to_owned(), row.get(key).address());
        Row {
            number: row.number(),
            texts: wanted
                .iter()
                .map(|(key, ..)| ((*key).to_owned(), text(key)))
                .collect(),
        }
    });
    Ok(rows.collect())
}
