//! Sheets of entries: the columns of a register, a row of an export, the rows of an upload. An export has the form
//! of the import.

use std::collections::{BTreeMap, HashMap};

use commons::packs::Name;
use commons::sheets::{Column, Limits, read, write};
use kernel::{FieldError, Msg, PersonId, Result, UnitId};

use crate::form_page::people_of;
use crate::model::{Entry, Given, input, thousandths};
use crate::register::{Field, Kind, Register};

/// Rows of one sheet.
pub(crate) const MOST_ROWS: usize = 5_000;

/// What the rows of a sheet are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// An entry each.
    Entries,
    /// The total of a past year each (历年补录).
    Declared,
}

impl Mode {
    /// Its code in addresses and forms.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Declared => "declared",
        }
    }

    pub(crate) fn from_code(code: &str) -> Self {
        match code {
            "declared" => Self::Declared,
            _ => Self::Entries,
        }
    }
}

/// A column: the field that it fills, its names, whether there must be one.
struct Head {
    key: String,
    zh: String,
    en: String,
    also: Vec<String>,
    required: bool,
}

fn head(key: &str, zh: &str, en: &str, also: &[&str], required: bool) -> Head {
    Head {
        key: key.to_owned(),
        zh: zh.to_owned(),
        en: en.to_owned(),
        also: also.iter().map(|n| (*n).to_owned()).collect(),
        required,
    }
}

fn of_name(key: String, name: &Name, also: &[String], required: bool) -> Head {
    Head {
        key,
        zh: name.zh.clone(),
        en: name.en.clone(),
        also: also.to_vec(),
        required,
    }
}

/// Whether sheets say of entries when they were closed: where another accepts them first they cannot.
fn closes(register: &Register) -> bool {
    register.closes && !register.review
}

fn heads(register: &Register, mode: Mode) -> Vec<Head> {
    let field = |f: &Field| of_name(input(&f.code), &f.name, &f.columns, f.required);
    if mode == Mode::Declared {
        let mut heads = vec![
            head("unit", "单位编码", "Unit code", &["单位"], true),
            head("year", "年份", "Year", &["年度"], true),
            head("count", "数量", "Count", &["总数", "合计"], true),
            head("title", "依据", "Basis", &["来源", "标题"], true),
        ];
        heads.extend(register.class_field().map(field));
        return heads;
    }
    let mut heads = vec![
        head("title", "标题", "Title", &["名称", "事项"], true),
        head("unit", "单位编码", "Unit code", &["单位"], true),
        head("date", "日期", "Date", &["业务日期", "时间"], true),
    ];
    heads.extend(register.fields.iter().map(field));
    if let Some(people) = &register.people {
        let key = "people".to_owned();
        heads.push(of_name(
            key,
            &people.name,
            &["人员工号".into()],
            people.required,
        ));
    }
    if closes(register) {
        heads.push(head("closed", "办结日期", "Closed on", &[], false));
        heads.push(head("note", "办结说明", "Outcome", &["办结情况"], false));
    }
    heads.push(head("level", "密级", "Level", &[], false));
    heads.push(head("declared", "申报数", "Declared total", &[], false));
    heads
}

/// The header of an export or template in a language.
pub(crate) fn header(register: &Register, mode: Mode, lang: &str) -> Vec<String> {
    let heads = heads(register, mode).into_iter();
    let name = |h: Head| if lang.starts_with("en") { h.en } else { h.zh };
    heads.map(name).collect()
}

/// An empty sheet to be filled in.
pub(crate) fn template(register: &Register, mode: Mode, lang: &str) -> Result<Vec<u8>> {
    let mut header = header(register, mode, lang);
    if mode == Mode::Entries {
        // What totals come to is for exports.
        header.pop();
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let tab: String = register.name.get(lang).chars().take(31).collect();
    write::xlsx(&tab, &header, Vec::<Vec<write::Value>>::new())
}

/// What an export looks names up in.
pub(crate) struct Names {
    /// Codes of the units that entries belong to.
    pub(crate) own: HashMap<UnitId, String>,
    /// Codes and names of the units that values name.
    pub(crate) units: HashMap<String, (String, String)>,
    /// Staff numbers and names.
    pub(crate) people: HashMap<PersonId, (String, String)>,
}

/// A row of an export.
pub(crate) fn line(
    register: &Register,
    e: &Entry,
    names: &Names,
    level: &str,
    lang: &str,
) -> Vec<write::Value> {
    let c = &e.content;
    let text = |t: &str| write::Value::Text(t.to_owned());
    let unit = names.own.get(&e.unit).map_or("", String::as_str);
    let mut cells = vec![text(&c.title), text(unit), write::Value::Date(c.date)];
    for field in &register.fields {
        let Some(value) = c.values.get(&field.code) else {
            cells.push(write::Value::Empty);
            continue;
        };
        cells.push(match field.kind {
            Kind::Number => {
                let scale = 10_i64.pow(3 - u32::from(field.decimals.min(3)));
                match thousandths(value).map(|n| n / scale) {
                    Some(n) if field.decimals == 0 => write::Value::Int(n),
                    Some(n) => write::Value::Decimal(n, field.decimals.min(3)),
                    None => text(value),
                }
            }
            Kind::Date => kernel::parse_date(value).map_or_else(|| text(value), Into::into),
            Kind::Choice => text(field.choice(value).map_or(value, |v| v.name.get(lang))),
            Kind::Unit => text(names.units.get(value).map_or(value, |(code, _)| code)),
            _ => text(value),
        });
    }
    if register.people.is_some() {
        let one = |p: &crate::model::Named| {
            let no = names.people.get(&p.person).map_or("", |(no, _)| no);
            match &p.role {
                Some(role) => format!("{no}（{}）", register.role_name(role, lang)),
                None => no.to_owned(),
            }
        };
        let people: Vec<String> = c.people.iter().map(one).collect();
        cells.push(text(&people.join("、")));
    }
    if closes(register) {
        cells.push(e.closed_on.into());
        cells.push(e.closed_note.clone().into());
    }
    cells.push(text(level));
    cells.push(c.declared.into());
    cells
}

/// A row of an upload: what it says, and where each of its fields stands.
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) unit: String,
    pub(crate) given: Given,
    /// Year and count as they were written, of a total.
    pub(crate) total: Option<(String, String)>,
    pub(crate) closed: String,
    pub(crate) note: String,
    cells: BTreeMap<String, String>,
}

impl Row {
    /// An error of a form at the cell that it is about.
    pub(crate) fn at(&self, error: FieldError) -> FieldError {
        let field = match error.field.as_str() {
            "date" if self.total.is_some() => "year",
            other => other,
        };
        let cell = self.cells.get(field).or_else(|| self.cells.get("title"));
        FieldError {
            field: cell.cloned().unwrap_or_default(),
            message: error.message,
        }
    }

    /// An error at a cell.
    pub(crate) fn wrong(&self, field: &str, message: Msg) -> FieldError {
        self.at(FieldError {
            field: field.to_owned(),
            message,
        })
    }
}

/// The rows of an upload, and how many were left out because they are totals that an export had.
///
/// # Errors
/// `Invalid` when the file is no table or lacks a column.
pub(crate) fn rows(
    register: &Register,
    mode: Mode,
    file_name: &str,
    bytes: &[u8],
) -> Result<(Vec<Row>, usize)> {
    let limits = Limits {
        rows: MOST_ROWS + 30,
        ..Limits::default()
    };
    let sheet = read(file_name, bytes, &limits)?;
    let heads = heads(register, mode);
    let names: Vec<Vec<&str>> = heads
        .iter()
        .map(|h| {
            let also = h.also.iter().map(String::as_str);
            [h.zh.as_str(), h.en.as_str()]
                .into_iter()
                .chain(also)
                .collect()
        })
        .collect();
    let columns: Vec<Column<'_>> = heads
        .iter()
        .zip(&names)
        .map(|(h, names)| match h.required {
            true => Column::required(&h.key, names),
            false => Column::optional(&h.key, names),
        })
        .collect();
    let table = sheet.columns(&columns)?;
    let (mut found, mut left_out) = (Vec::new(), 0);
    for row in table.rows() {
        let is_there = |key: &str| heads.iter().any(|h| h.key == key);
        let text = |key: &str| match is_there(key) {
            true => row.get(key).text.to_owned(),
            false => String::new(),
        };
        if mode == Mode::Entries && !text("declared").is_empty() {
            left_out += 1;
            continue;
        }
        let values = register
            .fields
            .iter()
            .map(|f| (f.code.clone(), text(&input(&f.code))));
        let cells = heads
            .iter()
            .map(|h| (h.key.clone(), row.get(&h.key).address()));
        let total = (mode == Mode::Declared).then(|| (text("year"), text("count")));
        found.push(Row {
            number: row.number(),
            unit: text("unit"),
            given: Given {
                title: text("title"),
                date: text("date"),
                level: text("level"),
                values: values.filter(|(_, v)| !v.is_empty()).collect(),
                people: people_of(&text("people")),
                evidence: Vec::new(),
                declared: None,
            },
            total,
            closed: text("closed"),
            note: text("note"),
            cells: cells.collect(),
        });
    }
    Ok((found, left_out))
}
