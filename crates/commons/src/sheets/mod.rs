//! Small tables (名册、表格) that people upload or take home: xlsx and csv.
//!
//! A cell is trimmed text with an address, whatever the file: dates are `YYYY-MM-DD`, whole numbers
//! have no fraction. What kind of file it is follows from its content, never from its name.

mod read_csv;
mod read_xlsx;
mod scan;
pub mod write;

pub use scan::{Flow, ScanRow, scan};

use kernel::{Date, Error, FieldError, Msg, Result, parse_date};

/// How much a sheet may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Rows that are not blank.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Bytes of a zipped file's content once inflated.
    pub inflated: u64,
    /// Bytes of memory for all cells together, merged cells counted as often as they show.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 10 << 20,
            rows: 20_000,
            columns: 200,
            inflated: 64 << 20,
            text: 128 << 20,
        }
    }
}

/// Excel's own limit of a cell; longer is an unclosed quote or no table at all.
const CELL_CHARS: usize = 32_767;

/// A table as it stands in the file; blank rows are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Name of the worksheet; empty for csv.
    pub name: String,
    rows: Vec<Row>,
    /// Whether addresses carry the name, because the file has more than one sheet.
    named: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// Row number as the spreadsheet program shows it.
    number: u32,
    cells: Vec<String>,
}

/// One cell: its text and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'s> {
    /// Trimmed text; empty when there is nothing.
    pub text: &'s str,
    sheet: &'s Sheet,
    row: u32,
    column: usize,
}

impl<'s> Cell<'s> {
    /// `B7`, or `人员!B7` in a file with several sheets.
    pub fn address(&self) -> String {
        let place = format!("{}{}", letters(self.column), self.row);
        if self.sheet.named {
            format!("{}!{place}", self.sheet.name)
        } else {
            place
        }
    }

    /// An error that points at this cell.
    pub fn error(&self, message: Msg) -> FieldError {
        FieldError {
            field: self.address(),
            message,
        }
    }

    /// The text, or an error when the cell is empty.
    pub fn required(&self, errors: &mut Vec<FieldError>) -> Option<&'s str> {
        if self.text.is_empty() {
            errors.push(self.error(Msg::new("sheet-cell-empty")));
            return None;
        }
        Some(self.text)
    }

    /// The date, `None` when the cell is empty, and an error when it holds something else.
    pub fn date(&self, errors: &mut Vec<FieldError>) -> Option<Date> {
        match date(self.text) {
            Ok(date) => date,
            Err(message) => {
                errors.push(self.error(message));
                None
            }
        }
    }
}

/// The date that a cell's text says; nothing for an empty one.
///
/// # Errors
/// What is wrong with it.
pub fn date(text: &str) -> Result<Option<Date>, Msg> {
    if text.is_empty() {
        return Ok(None);
    }
    // A date cell with a time of day is still that day.
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let date = parse_date(day).or_else(|| parse_date(text));
    let wrong = || Msg::new("sheet-cell-not-a-date").with("value", shorten(text));
    date.map(Some).ok_or_else(wrong)
}

/// Cuts a value that an error message repeats.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Column letters of a zero-based column: A, B, … Z, AA.
pub fn letters(column: usize) -> String {
    let mut rest = column + 1;
    let mut out = Vec::new();
    while rest > 0 {
        rest -= 1;
        out.insert(0, b'A' + (rest % 26) as u8);
        rest /= 26;
    }
    out.into_iter().map(char::from).collect()
}

/// A column that a reader looks for, by any of the names people give it.
#[derive(Debug, Clone, Copy)]
pub struct Column<'n> {
    key: &'n str,
    names: &'n [&'n str],
    required: bool,
}

impl<'n> Column<'n> {
    /// A column without which the sheet cannot be read; the first name is the one errors show.
    pub fn required(key: &'n str, names: &'n [&'n str]) -> Self {
        Self {
            key,
            names,
            required: true,
        }
    }

    /// A column that may be missing: its cells are then empty.
    pub fn optional(key: &'n str, names: &'n [&'n str]) -> Self {
        Self {
            required: false,
            ..Self::required(key, names)
        }
    }
}

/// The rows under a header row, with columns found by name.
#[derive(Debug)]
pub struct Table<'s> {
    sheet: &'s Sheet,
    header: usize,
    places: Vec<(String, Option<usize>)>,
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct TableRow<'s, 't> {
    table: &'t Table<'s>,
    row: &'s Row,
}

impl<'s> TableRow<'s, '_> {
    /// The cell in a column; empty when the column is missing.
    pub fn get(&self, key: &str) -> Cell<'s> {
        let place = self.table.places.iter().find(|(k, _)| k == key);
        debug_assert!(place.is_some(), "column {key} was never asked for");
        match place.and_then(|(_, column)| *column) {
            Some(column) => self.table.sheet.cell(self.row, column),
            None => Cell {
                text: "",
                sheet: self.table.sheet,
                row: self.row.number,
                column: 0,
            },
        }
    }

    /// Row number as the spreadsheet program shows it.
    pub fn number(&self) -> u32 {
        self.row.number
    }
}

impl<'s> Table<'s> {
    /// Rows below the header in which at least one of the known columns is filled.
    pub fn rows<'t>(&'t self) -> impl Iterator<Item = TableRow<'s, 't>> {
        let header = &self.sheet.rows[self.header];
        self.sheet.rows[self.header + 1..]
            .iter()
            .filter(move |row| {
                let known = || self.places.iter().filter_map(|(_, column)| *column);
                let filled = known().any(|c| row.cells.get(c).is_some_and(|t| !t.is_empty()));
                // A header merged over two rows shows twice.
                let again = known().all(|c| row.cells.get(c) == header.cells.get(c));
                filled && !again
            })
            .map(move |row| TableRow { table: self, row })
    }

    /// Whether an optional column is there.
    pub fn has(&self, key: &str) -> bool {
        self.places.iter().any(|(k, c)| k == key && c.is_some())
    }
}

impl Sheet {
    fn cell<'s>(&'s self, row: &'s Row, column: usize) -> Cell<'s> {
        Cell {
            text: row.cells.get(column).map_or("", String::as_str),
            sheet: self,
            row: row.number,
            column,
        }
    }

    /// Whether no cell holds anything.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All cells of all rows that are not blank.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.rows
            .iter()
            .flat_map(move |row| (0..row.cells.len()).map(move |column| self.cell(row, column)))
    }

    /// Finds the header row (the row among the first thirty with most of the names) and where each
    /// column stands in it. Missing and doubled columns are named in the error.
    pub fn columns(&self, wanted: &[Column<'_>]) -> Result<Table<'_>> {
        let matches = |row: &Row, column: &Column<'_>| -> Vec<usize> {
            let known: Vec<String> = column.names.iter().map(|n| squeeze(n)).collect();
            (0..row.cells.len())
                .filter(|c| known.contains(&squeeze(&row.cells[*c])))
                .collect()
        };
        let best = self.rows.iter().take(30).enumerate().map(|(at, row)| {
            let found = wanted.iter().filter(|c| !matches(row, c).is_empty());
            (found.count(), at)
        });
        // The first of the rows with most names.
        let best = best.max_by_key(|(found, at)| (*found, usize::MAX - at));
        let place = if self.named { &self.name } else { "" };
        let Some((_, header)) = best.filter(|(found, _)| *found > 0) else {
            let names: Vec<_> = wanted.iter().filter(|c| c.required).collect();
            let message = Msg::new("sheet-no-header").with("columns", first_names(&names));
            return Err(Error::field(place, message));
        };
        let row = &self.rows[header];
        let mut errors = Vec::new();
        let mut places = Vec::new();
        let mut missing = Vec::new();
        for column in wanted {
            let at = matches(row, column);
            if let [first, second, ..] = at[..] {
                let message = Msg::new("sheet-column-twice")
                    .with("column", &row.cells[first])
                    .with("other", self.cell(row, first).address());
                errors.push(self.cell(row, second).error(message));
            }
            if at.is_empty() && column.required {
                missing.push(column);
            }
            places.push((column.key.to_owned(), at.first().copied()));
        }
        if !missing.is_empty() {
            let message = Msg::new("sheet-columns-missing").with("columns", first_names(&missing));
            errors.push(self.cell(row, 0).error(message));
        }
        Error::if_any(errors)?;
        Ok(Table {
            sheet: self,
            header,
            places,
        })
    }
}

fn first_names(columns: &[&Column<'_>]) -> String {
    let names = columns.iter().filter_map(|c| c.names.first().copied());
    names.collect::<Vec<_>>().join("、")
}

/// A header name without what people add to it: spaces, line breaks, stars, colons.
pub fn squeeze(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '*' | '＊' | ':' | '：'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Text without the white space around it, the invisible kinds included.
fn clean(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\0'))
}

/// Reads the first sheet that holds anything.
pub fn read(file_name: &str, bytes: &[u8], limits: &Limits) -> Result<Sheet> {
    let sheets = read_all(file_name, bytes, limits)?;
    let mut sheet = sheets.into_iter().next().ok_or_else(|| empty(file_name))?;
    sheet.named = false;
    Ok(sheet)
}

/// Reads every visible sheet that holds anything; at least one.
pub fn read_all(file_name: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<Sheet>> {
    refuse_container(file_name, bytes, limits)?;
    let sheets = match bytes {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => read_xlsx::read(bytes, limits),
        _ => read_csv::read(bytes, limits),
    };
    let mut sheets = sheets.map_err(|message| about(file_name, message))?;
    sheets.retain(|sheet| !sheet.is_empty());
    if sheets.is_empty() {
        return Err(empty(file_name));
    }
    let named = sheets.len() > 1;
    for sheet in &mut sheets {
        sheet.named = named;
    }
    Ok(sheets)
}

/// Refuses what is too large, and the containers that hold no table we read.
fn refuse_container(file_name: &str, bytes: &[u8], limits: &Limits) -> Result<()> {
    if bytes.len() > limits.bytes {
        let message = Msg::new("sheet-file-too-large").with("mebibytes", limits.bytes >> 20);
        return Err(about(file_name, message));
    }
    match bytes {
        // The container of Excel 97 and of password-protected files alike.
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            let message = if is_encrypted(bytes) {
                Msg::new("sheet-password")
            } else {
                Msg::new("sheet-old-excel")
            };
            Err(about(file_name, message))
        }
        _ => Ok(()),
    }
}

fn about(file_name: &str, message: Msg) -> Error {
    Error::field("file", message.with("file", shorten(file_name)))
}

fn empty(file_name: &str) -> Error {
    Error::field(
        "file",
        Msg::new("sheet-nothing").with("file", shorten(file_name)),
    )
}

/// An encrypted workbook is kept in a stream of this name.
fn is_encrypted(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    bytes.windows(name.len()).any(|w| w == name)
}

/// Collects cells row by row and refuses what is over the limits.
struct Collector<'l> {
    limits: &'l Limits,
    rows: std::collections::BTreeMap<u32, Vec<String>>,
    text: usize,
}

impl<'l> Collector<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            rows: Default::default(),
            text: 0,
        }
    }

    /// Adds a cell by zero-based row and column; empty text is nothing.
    fn put(&mut self, row: u32, column: usize, text: &str) -> Result<(), Msg> {
        let text = clean(text);
        if text.is_empty() {
            return Ok(());
        }
        if text.len() > CELL_CHARS && text.chars().count() > CELL_CHARS {
            let place = format!("{}{}", letters(column), u64::from(row) + 1);
            return Err(Msg::new("sheet-cell-too-long").with("cell", place));
        }
        if column >= self.limits.columns {
            return Err(Msg::new("sheet-too-many-columns").with("columns", self.limits.columns));
        }
        self.text += text.len() + size_of::<String>();
        if self.text > self.limits.text {
            return Err(Msg::new("sheet-too-large"));
        }
        let cells = self.rows.entry(row).or_default();
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        cells[column] = text.to_owned();
        if self.rows.len() > self.limits.rows {
            return Err(Msg::new("sheet-too-many-rows").with("rows", self.limits.rows));
        }
        Ok(())
    }

    fn sheet(self, name: String) -> Sheet {
        let rows = self.rows.into_iter().map(|(row, cells)| Row {
            number: row.saturating_add(1),
            cells,
        });
        Sheet {
            name,
            rows: rows.collect(),
            named: false,
        }
    }
}

#[cfg(test)]
mod tests;
