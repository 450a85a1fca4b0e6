//! Tables read row by row, for sheets that are too large to hold.

use kernel::{Error, Msg, Result};

use super::{CELL_CHARS, Limits, clean, empty, letters, read_csv, read_xlsx, refuse_container};

/// What the reader does after a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Reads on.
    Go,
    /// Leaves the rest of the sheet.
    NextSheet,
}

/// One row that is not blank.
#[derive(Debug)]
pub struct ScanRow<'r> {
    /// Place of the worksheet among those that were read.
    pub sheet: usize,
    /// Its name; empty for csv.
    pub name: &'r str,
    /// Row number as the spreadsheet program shows it.
    pub number: u32,
    /// Trimmed texts.
    pub cells: &'r [String],
}

type Place = (u32, u32);
type Each<'e> = &'e mut dyn FnMut(ScanRow<'_>) -> Result<Flow>;

/// Gathers cells into rows, hands them out and refuses what is over the limits.
pub(super) struct Scanner<'e> {
    limits: Limits,
    each: Each<'e>,
    sheet: usize,
    name: String,
    begun: bool,
    row: u32,
    cells: Vec<String>,
    rows: usize,
    flow: Flow,
    merged: Vec<(Place, Place, String)>,
    /// What the receiver said no to; it goes before any message of ours.
    pub refusal: Option<Error>,
}

impl Scanner<'_> {
    pub fn sheet(&mut self, name: String, merged: impl IntoIterator<Item = (Place, Place)>) {
        self.sheet += usize::from(self.begun);
        self.begun = true;
        self.name = name;
        (self.row, self.rows, self.flow) = (0, 0, Flow::Go);
        self.cells.clear();
        let merged = merged.into_iter();
        self.merged = merged.map(|(from, to)| (from, to, String::new())).collect();
    }

    /// Takes a cell by zero-based row and column; rows come in their order.
    pub fn cell(&mut self, row: u32, column: usize, text: &str) -> Result<Flow, Msg> {
        if row != self.row {
            self.end_row()?;
            self.row = row;
        }
        let text = clean(text);
        if text.is_empty() || self.flow == Flow::NextSheet {
            return Ok(self.flow);
        }
        if text.len() > CELL_CHARS && text.chars().count() > CELL_CHARS {
            let place = format!("{}{}", letters(column), u64::from(row) + 1);
            return Err(Msg::new("sheet-cell-too-long").with("cell", place));
        }
        if column >= self.limits.columns {
            return Err(Msg::new("sheet-too-many-columns").with("columns", self.limits.columns));
        }
        self.put(column, text);
        Ok(self.flow)
    }

    fn put(&mut self, column: usize, text: &str) {
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        text.clone_into(&mut self.cells[column]);
    }

    pub fn end_row(&mut self) -> Result<(), Msg> {
        if self.cells.is_empty() || self.flow == Flow::NextSheet {
            self.cells.clear();
            return Ok(());
        }
        self.repeat();
        self.rows += 1;
        if self.rows > self.limits.rows {
            return Err(Msg::new("sheet-too-many-rows").with("rows", self.limits.rows));
        }
        let row = ScanRow {
            sheet: self.sheet,
            name: &self.name,
            number: self.row.saturating_add(1),
            cells: &self.cells,
        };
        match (self.each)(row) {
            Ok(flow) => self.flow = flow,
            Err(error) => {
                self.refusal = Some(error);
                return Err(Msg::new("sheet-broken"));
            }
        }
        self.cells.clear();
        Ok(())
    }

    /// Gives merged cells the value that stands in their first one.
    fn repeat(&mut self) {
        let mut merged = std::mem::take(&mut self.merged);
        for (from, to, value) in &mut merged {
            if self.row < from.0 || self.row > to.0 {
                continue;
            }
            if self.row == from.0 {
                let first = self.cells.get(from.1 as usize);
                *value = first.cloned().unwrap_or_default();
            }
            let last = (to.1 as usize).min(self.limits.columns.saturating_sub(1));
            if !value.is_empty() {
                for column in from.1 as usize..=last {
                    self.put(column, value);
                }
            }
        }
        // What lies behind is never looked at again.
        merged.retain(|(_, to, _)| to.0 > self.row);
        self.merged = merged;
    }
}

/// Reads all visible sheets row by row and hands out the rows that are not blank, until the receiver has
/// enough of a sheet.
///
/// # Errors
/// `Invalid` when the file is no table, broken, or over the limits; whatever the receiver says.
pub fn scan(
    file_name: &str,
    bytes: &[u8],
    limits: &Limits,
    each: &mut dyn FnMut(ScanRow<'_>) -> Result<Flow>,
) -> Result<()> {
    refuse_container(file_name, bytes, limits)?;
    let mut any = false;
    let mut each = |row: ScanRow<'_>| {
        any = true;
        each(row)
    };
    let mut scanner = Scanner {
        limits: *limits,
        each: &mut each,
        sheet: 0,
        name: String::new(),
        begun: false,
        row: 0,
        cells: Vec::new(),
        rows: 0,
        flow: Flow::Go,
        merged: Vec::new(),
        refusal: None,
    };
    let read = match bytes {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => read_xlsx::scan(bytes, limits, &mut scanner),
        _ => read_csv::scan(bytes, &mut scanner),
    };
    if let Some(refusal) = scanner.refusal {
        return Err(refusal);
    }
    read.map_err(|message| super::about(file_name, message))?;
    if any { Ok(()) } else { Err(empty(file_name)) }
}
