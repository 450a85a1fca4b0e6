//! Tables people take home. Text is never run as a formula when the file is opened.

use kernel::{Date, Error, Msg, Result, format_date};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};

/// One cell of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Empty,
    /// Text, shown as it is.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A decimal number: `Decimal(1250, 2)` is 12.50.
    Decimal(i64, u8),
    /// A day.
    Date(Date),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<Date> for Value {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// Whether a spreadsheet program could take the text for a formula, or our reader for a guarded one.
pub(super) fn looks_like_formula(text: &str) -> bool {
    text.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

fn decimal(scaled: i64, places: u8) -> String {
    let digits = scaled.unsigned_abs().to_string();
    let places = usize::from(places);
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let sign = if scaled < 0 { "-" } else { "" };
    let point = if places > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{part}")
}

fn csv_text(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Text(text) if looks_like_formula(text) => format!("'{text}"),
        Value::Text(text) => text.clone(),
        Value::Int(n) => n.to_string(),
        Value::Decimal(scaled, places) => decimal(*scaled, *places),
        Value::Date(date) => format_date(*date),
    }
}

fn records<'r>(rows: impl IntoIterator<Item = &'r [Value]>) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::new());
    for row in rows {
        let record = row.iter().map(csv_text);
        writer.write_record(record).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(Error::internal)
}

/// The first bytes of a csv file: the mark by which Excel knows UTF-8, and the header.
pub fn csv_head(header: &[&str]) -> Result<Vec<u8>> {
    let header: Vec<Value> = header.iter().map(|h| Value::from(*h)).collect();
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(records([header.as_slice()])?);
    Ok(bytes)
}

/// Further rows of a csv file (RFC 4180), so that long exports can be streamed in chunks.
pub fn csv_rows(rows: &[Vec<Value>]) -> Result<Vec<u8>> {
    records(rows.iter().map(Vec::as_slice))
}

/// A whole csv file.
pub fn csv(header: &[&str], rows: impl IntoIterator<Item = Vec<Value>>) -> Result<Vec<u8>> {
    let mut bytes = csv_head(header)?;
    for row in rows {
        bytes.extend(records([row.as_slice()])?);
    }
    Ok(bytes)
}

/// One sheet of a workbook to be written.
pub struct SheetOut<'h, I> {
    /// Name on the tab, at most 31 characters.
    pub name: &'h str,
    /// Names of the columns.
    pub header: &'h [&'h str],
    /// Rows, read one by one.
    pub rows: I,
}

/// A workbook with one sheet.
pub fn xlsx(
    name: &str,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<Value>>,
) -> Result<Vec<u8>> {
    workbook([SheetOut { name, header, rows }])
}

/// A workbook with several sheets. Rows go to a temporary file as they come, not into memory.
pub fn workbook<'h, I>(sheets: impl IntoIterator<Item = SheetOut<'h, I>>) -> Result<Vec<u8>>
where
    I: IntoIterator<Item = Vec<Value>>,
{
    let mut book = Workbook::new();
    for sheet in sheets {
        write_sheet(&mut book, sheet).map_err(problem)?;
    }
    book.save_to_buffer().map_err(problem)
}

fn write_sheet<'h, I>(book: &mut Workbook, out: SheetOut<'h, I>) -> Result<(), XlsxError>
where
    I: IntoIterator<Item = Vec<Value>>,
{
    let bold = Format::new().set_bold();
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let sheet = book.add_worksheet_with_constant_memory()?;
    sheet.set_name(sheet_name(out.name))?;
    sheet.set_freeze_panes(1, 0)?;
    for (column, name) in (0u16..).zip(out.header) {
        // A Chinese character is as wide as two Latin letters.
        let width: usize = name.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        sheet.set_column_width(column, (width + 4).clamp(10, 40) as f64)?;
        sheet.write_string_with_format(0, column, *name, &bold)?;
    }
    for (row, values) in (1u32..).zip(out.rows) {
        for (column, value) in (0u16..).zip(values) {
            match value {
                Value::Empty => continue,
                // A string cell: never a formula, whatever it begins with.
                Value::Text(text) => sheet.write_string(row, column, text)?,
                // Beyond fifteen digits a spreadsheet number loses the last ones (identity numbers).
                Value::Int(n) if n.unsigned_abs() >= 1_000_000_000_000_000 => {
                    sheet.write_string(row, column, n.to_string())?
                }
                Value::Int(n) => sheet.write_number(row, column, n as f64)?,
                Value::Decimal(scaled, places) => {
                    let zeros = "0".repeat(usize::from(places));
                    let shape = if places == 0 {
                        "0".into()
                    } else {
                        format!("0.{zeros}")
                    };
                    let number = scaled as f64 / 10f64.powi(i32::from(places));
                    let format = Format::new().set_num_format(shape);
                    sheet.write_number_with_format(row, column, number, &format)?
                }
                Value::Date(date) => {
                    let (y, m, d) = (date.year(), date.month(), date.day());
                    let at = ExcelDateTime::from_ymd(y as u16, m as u8, d as u8)?;
                    sheet.write_datetime_with_format(row, column, &at, &day)?
                }
            };
        }
    }
    Ok(())
}

/// A name that Excel takes for a tab.
fn sheet_name(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\''))
        .take(31)
        .collect();
    if name.is_empty() { "1".into() } else { name }
}

fn problem(error: XlsxError) -> Error {
    match error {
        XlsxError::RowColumnLimitError | XlsxError::MaxStringLengthExceeded => {
            Error::field("file", Msg::new("sheet-export-too-large"))
        }
        other => Error::internal(other),
    }
}
