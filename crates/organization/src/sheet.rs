//! The sheets in which an agency brings its units and people.

use commons::sheets::write::{SheetOut, Value, workbook};
use commons::sheets::{Cell, Column, Limits, Sheet, TableRow, read_all};
use kernel::{Date, Error, FieldError, Msg, Result};

use crate::import::{PersonRow, UnitRow};
use crate::service::check_text;

/// A value and the cell it came from (empty when it came from the program).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Cell address.
    pub at: String,
}

impl<T> At<T> {
    pub(crate) fn error(&self, message: Msg) -> FieldError {
        FieldError {
            field: self.at.clone(),
            message,
        }
    }
}

impl<T> From<T> for At<T> {
    fn from(value: T) -> Self {
        Self {
            value,
            at: String::new(),
        }
    }
}

impl From<&str> for At<String> {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

/// Everything that an import states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Units.
    pub units: Vec<UnitRow>,
    /// People and their assignments.
    pub persons: Vec<PersonRow>,
    /// Codes of units whose rows could not be read: they are not unknown, only wrong.
    pub unread: Vec<String>,
}

const UNIT_COLUMNS: [(&str, &[&str], bool); 7] = [
    ("parent", &["上级单位编码", "上级编码", "parent code"], true),
    ("code", &["单位编码", "unit code", "code"], true),
    ("name", &["单位名称", "unit name", "name"], true),
    ("category", &["类别", "单位类别", "category"], true),
    ("sort", &["排序", "sort"], false),
    ("from", &["成立日期", "from"], false),
    ("to", &["撤销日期", "to"], false),
];

const PERSON_COLUMNS: [(&str, &[&str], bool); 7] = [
    ("staff_no", &["工号", "staff number", "staff no"], true),
    ("name", &["姓名", "name"], true),
    ("unit", &["单位编码", "unit code"], true),
    ("post", &["职务", "post"], true),
    ("from", &["起始日期", "from"], true),
    ("to", &["截止日期", "to"], true),
    ("primary", &["主职", "primary"], false),
];

fn columns(list: &[(&'static str, &'static [&'static str], bool)]) -> Vec<Column<'static>> {
    let column = |(key, names, required): &(&'static str, &'static [&'static str], bool)| {
        if *required {
            Column::required(key, names)
        } else {
            Column::optional(key, names)
        }
    };
    list.iter().map(column).collect()
}

/// The workbook to fill in: one sheet for units, one for people.
pub fn template() -> Result<Vec<u8>> {
    let names = |list: &[(&'static str, &'static [&'static str], bool)]| -> Vec<&'static str> {
        list.iter().map(|(_, names, _)| names[0]).collect()
    };
    let (units, persons) = (names(&UNIT_COLUMNS), names(&PERSON_COLUMNS));
    let sheet = |name, header| SheetOut {
        name,
        header,
        rows: Vec::<Vec<Value>>::new(),
    };
    workbook([
        sheet("单位", units.as_slice()),
        sheet("人员", persons.as_slice()),
    ])
}

/// Reads one file: a workbook with one or both sheets, or a csv of either kind. Sheets without any
/// of the columns (notes, statistics) are passed over. Gives the rows that could be read together
/// with everything that is wrong in the others.
///
/// # Errors
/// When the file is no table at all, or none of its sheets has the columns.
pub fn read_rows(file_name: &str, bytes: &[u8]) -> Result<(Rows, Vec<FieldError>)> {
    let mut rows = Rows::default();
    let mut errors = Vec::new();
    let mut unknown = None;
    let mut read = false;
    for sheet in read_all(file_name, bytes, &Limits::default())? {
        match read_sheet(&sheet, &mut rows, &mut errors) {
            Ok(()) => read = true,
            Err(Error::Invalid(found))
                if found.iter().all(|e| e.message.key == "sheet-no-header") =>
            {
                unknown = Some(Error::Invalid(found));
            }
            Err(Error::Invalid(found)) => {
                read = true;
                errors.extend(found);
            }
            Err(other) => return Err(other),
        }
    }
    match unknown {
        Some(error) if !read => Err(error),
        _ => Ok((rows, errors)),
    }
}

fn read_sheet(sheet: &Sheet, rows: &mut Rows, errors: &mut Vec<FieldError>) -> Result<()> {
    let is_persons = sheet.columns(&columns(&PERSON_COLUMNS[..1])).is_ok();
    if is_persons {
        let table = sheet.columns(&columns(&PERSON_COLUMNS))?;
        rows.persons
            .extend(table.rows().filter_map(|row| person(row, errors)));
    } else {
        let table = sheet.columns(&columns(&UNIT_COLUMNS))?;
        for row in table.rows() {
            match unit(row, errors) {
                Some(unit) => rows.units.push(unit),
                None => rows.unread.push(row.get("code").text.to_owned()),
            }
        }
    }
    Ok(())
}

fn unit(row: TableRow<'_, '_>, errors: &mut Vec<FieldError>) -> Option<UnitRow> {
    let before = errors.len();
    let sort = row.get("sort");
    let row = UnitRow {
        parent: text(row.get("parent"), 32, errors),
        code: needed(row.get("code"), 32, errors),
        name: needed(row.get("name"), 100, errors),
        category: text(row.get("category"), 32, errors),
        sort: sort.text.parse().ok(),
        from: row.get("from").date(errors),
        to: date(row.get("to"), errors),
    };
    if row.sort.is_none() && !sort.text.is_empty() {
        errors.push(sort.error(Msg::new("organization-not-a-number").with("value", sort.text)));
    }
    (errors.len() == before).then_some(row)
}

fn person(row: TableRow<'_, '_>, errors: &mut Vec<FieldError>) -> Option<PersonRow> {
    let before = errors.len();
    let primary = row.get("primary");
    let is_primary = match primary.text {
        "" | "是" | "主职" | "yes" | "TRUE" => true,
        "否" | "兼职" | "no" | "FALSE" => false,
        other => {
            errors.push(primary.error(Msg::new("organization-yes-or-no").with("value", other)));
            true
        }
    };
    let row = PersonRow {
        staff_no: needed(row.get("staff_no"), 32, errors),
        name: needed(row.get("name"), 64, errors),
        unit: needed(row.get("unit"), 32, errors),
        post: text(row.get("post"), 64, errors).value,
        from: date(row.get("from"), errors),
        to: date(row.get("to"), errors),
        primary: is_primary,
    };
    (errors.len() == before).then_some(row)
}

fn needed(cell: Cell<'_>, longest: usize, errors: &mut Vec<FieldError>) -> At<String> {
    cell.required(errors);
    text(cell, longest, errors)
}

fn text(cell: Cell<'_>, longest: usize, errors: &mut Vec<FieldError>) -> At<String> {
    errors.extend(check_text(cell.text, longest).map(|message| cell.error(message)));
    At {
        value: cell.text.to_owned(),
        at: cell.address(),
    }
}

fn date(cell: Cell<'_>, errors: &mut Vec<FieldError>) -> At<Option<Date>> {
    At {
        value: cell.date(errors),
        at: cell.address(),
    }
}
