//! Excel workbooks.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use kernel::{Msg, Result};

use super::scan::{Flow, Scanner};
use super::{Collector, Limits, Sheet};

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Sheet>, Msg> {
    check_zip(bytes, limits)?;
    // The library is well tested but not against malice: whatever it does, the upload is refused.
    catch_unwind(AssertUnwindSafe(|| sheets(bytes, limits)))
        .unwrap_or_else(|_| Err(Msg::new("sheet-broken")))
}

/// Refuses what is no workbook and what inflates beyond all measure, before any of it is kept.
fn check_zip(bytes: &[u8], limits: &Limits) -> Result<(), Msg> {
    let broken = |_| Msg::new("sheet-broken");
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if zip.len() > 10_000 {
        return Err(Msg::new("sheet-too-large"));
    }
    if zip.index_for_name("xl/workbook.xml").is_none() {
        // A document, a presentation, an archive.
        return Err(Msg::new("sheet-not-a-table"));
    }
    let mut declared = 0u64;
    for at in 0..zip.len() {
        let entry = zip.by_index_raw(at).map_err(broken)?;
        if entry.encrypted() {
            return Err(Msg::new("sheet-password"));
        }
        declared = declared.saturating_add(entry.size());
    }
    if declared > limits.inflated {
        return Err(Msg::new("sheet-too-large"));
    }
    // Declared sizes may lie, so everything is inflated once and thrown away.
    let mut left = limits.inflated;
    for at in 0..zip.len() {
        let entry = zip.by_index(at).map_err(broken)?;
        let size = std::io::copy(&mut entry.take(left + 1), &mut std::io::sink())
            .map_err(|_| Msg::new("sheet-broken"))?;
        left = left
            .checked_sub(size)
            .ok_or_else(|| Msg::new("sheet-too-large"))?;
    }
    Ok(())
}

type Book<'b> = Xlsx<Cursor<&'b [u8]>>;

fn visible_names(book: &Book<'_>) -> Vec<String> {
    book.sheets_metadata()
        .iter()
        .filter(|s| s.visible == SheetVisible::Visible && s.typ == SheetType::WorkSheet)
        .map(|s| s.name.clone())
        .take(20)
        .collect()
}

/// Hands out rows as they stand in the file; no sheet is held.
pub(super) fn scan(bytes: &[u8], limits: &Limits, scanner: &mut Scanner<'_>) -> Result<(), Msg> {
    check_zip(bytes, limits)?;
    catch_unwind(AssertUnwindSafe(|| rows(bytes, scanner)))
        .unwrap_or_else(|_| Err(Msg::new("sheet-broken")))
}

fn rows(bytes: &[u8], scanner: &mut Scanner<'_>) -> Result<(), Msg> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(problem)?;
    for name in visible_names(&book) {
        // Merged areas stand behind the rows in the file, so they are read first.
        let merged = book.merge_cells_by_sheet_name(&name).map_err(problem)?;
        scanner.sheet(name.clone(), merged.iter().map(|m| (m.start, m.end)));
        let mut cells = book.worksheet_cells_reader(&name).map_err(problem)?;
        while let Some(cell) = cells.next_cell().map_err(problem)? {
            let (row, column) = cell.get_position();
            if scanner.cell(row, column as usize, &text(cell.get_value()))? == Flow::NextSheet {
                break;
            }
        }
        drop(cells);
        scanner.end_row()?;
    }
    Ok(())
}

fn sheets(bytes: &[u8], limits: &Limits) -> Result<Vec<Sheet>, Msg> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(problem)?;
    let names = visible_names(&book);
    let mut sheets = Vec::new();
    for name in names {
        let mut collector = Collector::new(limits);
        let mut cells = book.worksheet_cells_reader(&name).map_err(problem)?;
        while let Some(cell) = cells.next_cell().map_err(problem)? {
            let (row, column) = cell.get_position();
            collector.put(row, column as usize, &text(cell.get_value()))?;
        }
        drop(cells);
        for merged in book.merge_cells_by_sheet_name(&name).map_err(problem)? {
            repeat(&mut collector, merged, limits)?;
        }
        sheets.push(collector.sheet(name));
    }
    Ok(sheets)
}

/// Repeats the value of merged cells, in the rows that hold anything else or its start.
fn repeat(
    collector: &mut Collector<'_>,
    merged: calamine::Dimensions,
    limits: &Limits,
) -> Result<(), Msg> {
    let (from, to) = (merged.start, merged.end);
    let first = from.1 as usize;
    let value = collector.rows.get(&from.0).and_then(|row| row.get(first));
    let Some(value) = value.filter(|v| !v.is_empty()).cloned() else {
        return Ok(());
    };
    if to.0 < from.0 || to.1 < from.1 {
        return Err(Msg::new("sheet-broken"));
    }
    let last = (to.1 as usize).min(limits.columns.saturating_sub(1));
    let rows: Vec<u32> = collector
        .rows
        .range(from.0..=to.0)
        .map(|(r, _)| *r)
        .collect();
    for row in rows {
        for column in first..=last {
            if (row, column) != (from.0, first) {
                collector.put(row, column, &value)?;
            }
        }
    }
    Ok(())
}

fn problem(error: XlsxError) -> Msg {
    match error {
        XlsxError::Password => Msg::new("sheet-password"),
        _ => Msg::new("sheet-broken"),
    }
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(n) => n.to_string(),
        DataRef::Float(f) => number(*f),
        DataRef::String(s) | DataRef::DurationIso(s) => s.clone(),
        DataRef::DateTimeIso(s) => s.replace('T', " "),
        DataRef::SharedString(s) => (*s).to_owned(),
        DataRef::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::Error(e) => e.to_string(),
        DataRef::DateTime(at) if at.is_duration() => {
            let seconds = (at.as_f64() * 86_400.0).round() as i64;
            format!(
                "{}:{:02}:{:02}",
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60
            )
        }
        DataRef::DateTime(at) => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            let time = format!("{hour:02}:{minute:02}");
            match (at.as_f64() < 1.0, hour, minute, second) {
                (true, ..) => time,
                (_, 0, 0, 0) => date,
                (_, _, _, 0) => format!("{date} {time}"),
                _ => format!("{date} {time}:{second:02}"),
            }
        }
    }
}

/// 12 for 12.0, and no noise of binary fractions (0.1 + 0.2) that Excel would not show either.
fn number(f: f64) -> String {
    if f.fract() == 0.0 && f.abs() < 1e15 {
        return format!("{}", f as i64);
    }
    let fifteen: f64 = format!("{f:.14e}").parse().unwrap_or(f);
    fifteen.to_string()
}
