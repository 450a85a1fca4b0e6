//! Zipped files: what is in them, within limits, whatever the sizes they declare.

use std::io::{Cursor, Read};

use kernel::{Msg, Result};
use zip::ZipArchive;

use super::{Format, Item, Limits, about, docx, qti, sheet};

/// Files of one archive.
const FILES: usize = 50_000;

/// An archive of which no more is inflated than the limit says.
pub(super) struct Pack<'b> {
    zip: ZipArchive<Cursor<&'b [u8]>>,
    left: u64,
}

impl<'b> Pack<'b> {
    fn open(bytes: &'b [u8], limits: Limits) -> Result<Self, Msg> {
        let mut zip =
            ZipArchive::new(Cursor::new(bytes)).map_err(|_| Msg::new("question-file-broken"))?;
        if zip.len() > FILES {
            return Err(Msg::new("question-file-inflated"));
        }
        let mut declared = 0u64;
        for at in 0..zip.len() {
            let entry = zip
                .by_index_raw(at)
                .map_err(|_| Msg::new("question-file-broken"))?;
            if entry.encrypted() {
                return Err(Msg::new("question-file-password"));
            }
            declared = declared.saturating_add(entry.size());
        }
        if declared > limits.inflated {
            return Err(Msg::new("question-file-inflated"));
        }
        Ok(Self {
            zip,
            left: limits.inflated,
        })
    }

    pub fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The content of a file; `None` when there is none of that name.
    pub fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Msg> {
        if !self.has(name) {
            return Ok(None);
        }
        let broken = |_| Msg::new("question-file-broken");
        let entry = self.zip.by_name(name).map_err(broken)?;
        let mut out = Vec::new();
        let mut taken = entry.take(self.left + 1);
        taken
            .read_to_end(&mut out)
            .map_err(|_| Msg::new("question-file-broken"))?;
        let size = u64::try_from(out.len()).unwrap_or(u64::MAX);
        self.left = self
            .left
            .checked_sub(size)
            .ok_or_else(|| Msg::new("question-file-inflated"))?;
        Ok(Some(out))
    }

    pub fn text(&mut self, name: &str) -> Result<Option<String>, Msg> {
        let bytes = self.bytes(name)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

pub(super) fn read(name: &str, bytes: &[u8], limits: Limits) -> Result<(Format, Vec<Item>)> {
    let mut pack = Pack::open(bytes, limits).map_err(about)?;
    if pack.has("xl/workbook.xml") {
        return Ok((Format::Xlsx, sheet::read(name, bytes, limits)?));
    }
    if pack.has("word/document.xml") {
        let items = docx::read(&mut pack, limits).map_err(about)?;
        return Ok((Format::Docx, items));
    }
    if pack.has("imsmanifest.xml") {
        return qti::read(&mut pack, limits).map_err(about);
    }
    Err(about(Msg::new("question-file-unknown")))
}

/// A path as it is meant beside another one: `../media/a.png`; nothing above the archive.
pub(super) fn beside(base: &str, path: &str) -> String {
    let plain = path.split(['?', '#']).next().unwrap_or_default();
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    let start = if plain.starts_with('/') { "" } else { folder };
    let mut steps: Vec<&str> = start.split('/').filter(|s| !s.is_empty()).collect();
    for step in plain.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}
