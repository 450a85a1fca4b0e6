//! The archive of a backup (备份包): a tar file of rows as JSON lines, of files and of checkpoints, with a
//! manifest at its end. Portable: what one engine wrote, the other can read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use db::Arg;
use db::copy::Kind;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use kernel::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Name of the manifest, the last entry.
pub const MANIFEST: &str = "manifest.json";
/// The form that this program writes and reads.
pub const FORMAT: u32 = 1;

/// What an archive holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// Form of the archive.
    pub format: u32,
    /// Version of the program that wrote it.
    pub version: String,
    /// When, in microseconds UTC.
    pub created_at: i64,
    /// Log of the ledger.
    pub log: String,
    /// Sealed facts.
    pub ledger_size: i64,
    /// Head of the ledger's tree, hex.
    pub ledger_root: String,
    /// Applied migrations with their checksums.
    pub migrations: BTreeMap<String, String>,
    /// Tables, parents before children.
    pub tables: Vec<TableInfo>,
    /// Files that were damaged in the store already.
    pub damaged: Vec<String>,
    /// Every other entry.
    pub entries: Vec<Entry>,
}

/// A table in an archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableInfo {
    /// Its name.
    pub name: String,
    /// Its columns and what they hold.
    pub columns: Vec<(String, String)>,
    /// Number of rows.
    pub rows: i64,
}

/// An entry of the tar file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Hash of its content, hex.
    pub sha256: String,
}

enum Sink {
    Plain(BufWriter<File>),
    Gz(Box<GzEncoder<BufWriter<File>>>),
}

/// Writes an archive.
pub struct Writer {
    sink: Sink,
    /// What was written so far.
    pub entries: Vec<Entry>,
    open: Option<(Entry, Sha256, u64)>,
}

impl Writer {
    /// Into a new file; compressed or not.
    pub fn new(file: File, compressed: bool) -> Self {
        let file = BufWriter::with_capacity(1 << 18, file);
        Self {
            sink: if compressed {
                Sink::Gz(Box::new(GzEncoder::new(file, Compression::fast())))
            } else {
                Sink::Plain(file)
            },
            entries: Vec::new(),
            open: None,
        }
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.sink {
            Sink::Plain(file) => file.write_all(bytes),
            Sink::Gz(file) => file.write_all(bytes),
        }
    }

    /// Begins an entry of a known size.
    pub fn begin(&mut self, path: &str, size: u64) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_path(path)?;
        header.set_size(size);
        header.set_mode(0o600);
        header.set_cksum();
        self.raw(header.as_bytes())?;
        let entry = Entry {
            path: path.to_owned(),
            size,
            sha256: String::new(),
        };
        self.open = Some((entry, Sha256::new(), 0));
        Ok(())
    }

    /// Writes a piece of it.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some((_, hash, written)) = &mut self.open {
            hash.update(bytes);
            *written += bytes.len() as u64;
        }
        self.raw(bytes)
    }

    /// Ends it.
    pub fn end(&mut self) -> io::Result<()> {
        if let Some((mut entry, hash, written)) = self.open.take() {
            if written != entry.size {
                return Err(io::Error::other(format!(
                    "{}: {written} bytes instead of {}",
                    entry.path, entry.size
                )));
            }
            let padding = (512 - written % 512) % 512;
            self.raw(&vec![0; padding as usize])?;
            entry.sha256 = hex::encode(hash.finalize());
            self.entries.push(entry);
        }
        Ok(())
    }

    /// Writes a whole entry.
    pub fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.begin(path, bytes.len() as u64)?;
        self.write(bytes)?;
        self.end()
    }

    /// Ends the archive; everything is on the disk afterwards.
    pub fn finish(mut self) -> io::Result<()> {
        self.raw(&[0; 1024])?;
        let file = match self.sink {
            Sink::Plain(file) => file,
            Sink::Gz(file) => file.finish()?,
        };
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()
    }
}

/// Opens an archive for reading from its beginning; whether it is compressed is seen from it.
pub fn open(path: &Path) -> io::Result<tar::Archive<Box<dyn Read>>> {
    let mut magic = [0; 2];
    let compressed = File::open(path)?.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let file = BufReader::with_capacity(1 << 18, File::open(path)?);
    let reader: Box<dyn Read> = if compressed {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    Ok(tar::Archive::new(reader))
}

/// A row as a line of JSON.
pub fn line(row: &[Arg]) -> Result<String> {
    let value = |arg: &Arg| match arg {
        Arg::Int(v) => Value::from(*v),
        Arg::Text(v) => Value::from(v.clone()),
        Arg::Bytes(v) => Value::from(v.as_ref().map(hex::encode)),
        Arg::Bool(v) => Value::from(*v),
        // As text, because every digit counts.
        Arg::Real(v) => Value::from(v.map(|v| format!("{v:?}"))),
    };
    let values: Vec<Value> = row.iter().map(value).collect();
    let mut line = serde_json::to_string(&values).map_err(Error::internal)?;
    line.push('\n');
    Ok(line)
}

/// The row of a line.
pub fn row(line: &str, columns: &[(String, Kind)]) -> Option<Vec<Arg>> {
    let values: Vec<Value> = serde_json::from_str(line).ok()?;
    if values.len() != columns.len() {
        return None;
    }
    let arg = |(value, (_, kind)): (Value, &(String, Kind))| {
        Some(match (kind, value) {
            (Kind::Int, Value::Null) => Arg::Int(None),
            (Kind::Int, value) => Arg::Int(Some(value.as_i64()?)),
            (Kind::Text, Value::Null) => Arg::Text(None),
            (Kind::Text, Value::String(text)) => Arg::Text(Some(text)),
            (Kind::Bytes, Value::Null) => Arg::Bytes(None),
            (Kind::Bytes, Value::String(text)) => Arg::Bytes(Some(hex::decode(text).ok()?)),
            (Kind::Bool, Value::Null) => Arg::Bool(None),
            (Kind::Bool, value) => Arg::Bool(Some(value.as_bool()?)),
            (Kind::Real, Value::Null) => Arg::Real(None),
            (Kind::Real, value) => Arg::Real(Some(value.as_str()?.parse().ok()?)),
            _ => return None,
        })
    };
    values.into_iter().zip(columns).map(arg).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was() {
        let column = |kind: Kind| ("c".to_owned(), kind);
        let cases = [
            (Kind::Int, Arg::Int(Some(i64::MIN)), Arg::Int(None)),
            (
                Kind::Text,
                Arg::Text(Some("学\n\"法\u{0}".into())),
                Arg::Text(None),
            ),
            (
                Kind::Bytes,
                Arg::Bytes(Some(vec![0, 255])),
                Arg::Bytes(None),
            ),
            (Kind::Bool, Arg::Bool(Some(true)), Arg::Bool(None)),
            (Kind::Real, Arg::Real(Some(0.1 + 0.2)), Arg::Real(None)),
        ];
        let columns: Vec<_> = cases
            .iter()
            .flat_map(|(k, ..)| [column(*k), column(*k)])
            .collect();
        let all: Vec<Arg> = cases
            .iter()
            .flat_map(|(_, a, b)| [a.clone(), b.clone()])
            .collect();
        let text = line(&all).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(row(&text, &columns), Some(all));
        assert_eq!(row("[1]", &columns), None);
        assert_eq!(row("[\"x\"]", &[column(Kind::Int)]), None);
    }
}
