//! Comma-separated text in the encodings that office programs write.

use encoding_rs::{Encoding, GB18030};
use kernel::{Msg, Result};

use super::scan::{Flow, Scanner};
use super::{Collector, Limits, Sheet};

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Sheet>, Msg> {
    let mut collector = Collector::new(limits);
    fields(bytes, |row, column, field| {
        collector.put(row, column, field)?;
        Ok(Flow::Go)
    })?;
    Ok(vec![collector.sheet(String::new())])
}

/// Hands out rows as they stand in the file.
pub(super) fn scan(bytes: &[u8], scanner: &mut Scanner<'_>) -> Result<(), Msg> {
    scanner.sheet(String::new(), []);
    fields(bytes, |row, column, field| scanner.cell(row, column, field))?;
    scanner.end_row()?;
    Ok(())
}

fn fields(
    bytes: &[u8],
    mut each: impl FnMut(u32, usize, &str) -> Result<Flow, Msg>,
) -> Result<(), Msg> {
    let text = decode(bytes)?;
    if text.trim_start().starts_with('<') {
        // Web pages and XML that call themselves .xls.
        return Err(Msg::new("sheet-not-a-table"));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(&text))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut row: u64 = 0;
    let mut line = reader.position().line();
    while reader
        .read_record(&mut record)
        .map_err(|_| Msg::new("sheet-broken"))?
    {
        // The reader passes over blank lines, the spreadsheet program shows them as rows.
        let breaks: usize = record.iter().map(|f| f.matches('\n').count()).sum();
        let passed = reader.position().line().saturating_sub(line);
        row += passed.saturating_sub(1 + breaks as u64);
        line = reader.position().line();
        let number = u32::try_from(row).map_err(|_| Msg::new("sheet-too-large"))?;
        for (column, field) in record.iter().enumerate() {
            if each(number, column, unguard(field))? == Flow::NextSheet {
                return Ok(());
            }
        }
        row += 1;
    }
    Ok(())
}

/// Takes away the apostrophe that our own export puts before what looks like a formula.
fn unguard(field: &str) -> &str {
    match field.strip_prefix('\'') {
        Some(rest) if super::write::looks_like_formula(rest) => rest,
        _ => field,
    }
}

fn decode(bytes: &[u8]) -> Result<std::borrow::Cow<'_, str>, Msg> {
    // UTF-8 without a mark is told from GB18030 by being valid; text in GB18030 hardly ever is.
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => match std::str::from_utf8(bytes) {
            Ok(_) => (encoding_rs::UTF_8, bytes),
            Err(_) => (GB18030, bytes),
        },
    };
    let (text, broken) = encoding.decode_without_bom_handling(rest);
    if broken {
        return Err(Msg::new("sheet-encoding"));
    }
    if text.contains('\0') {
        return Err(Msg::new("sheet-not-a-table"));
    }
    Ok(text)
}

/// The separator that stands most often outside quotes in the first lines.
fn separator(text: &str) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    let mut lines = 0;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => lines += 1,
            _ if !quoted => {
                if let Some((_, n)) = counts.iter_mut().find(|(s, _)| *s == byte) {
                    *n += 1;
                }
            }
            _ => {}
        }
        if lines == 20 {
            break;
        }
    }
    // The comma wins a draw.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, n)| *n)
        .map_or(b',', |(s, _)| *s)
}
