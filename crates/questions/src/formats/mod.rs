//! Formats (导入导出格式): questions out of files that people have, and into files that others read. A reader never
//! gives up on a file because of one item: what it could not make sense of is named at its place and kept for mending.
//! A writer reads back what it wrote: whatever did not come back the same is named, never silently dropped.

mod aiken;
mod answers;
mod docx;
mod docx_write;
mod gallery;
mod gift;
mod grammar;
mod jsonl;
mod markup;
mod moodle;
mod pack;
mod qti;
mod qti_write;
mod sheet;
mod text;
mod xml;

use kernel::{Error, Msg, Result};

use crate::model::{Fault, Key, Question};

pub(crate) use answers::{points_list, points_of, points_text};
pub(crate) use markup::{Piece, pieces};
pub use sheet::template;

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One question a line, as JSON.
    Jsonl,
    /// The usual sheet (试题模板), as a workbook.
    Xlsx,
    /// The same as csv.
    Csv,
    /// A paper as people type it, in a text document.
    Docx,
    /// The same as plain text.
    Text,
    /// Moodle XML.
    Moodle,
    /// GIFT.
    Gift,
    /// Aiken.
    Aiken,
    /// IMS QTI 2.1 and 2.2, a package.
    Qti2,
    /// 1EdTech QTI 3.0, a package.
    Qti3,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Xlsx,
        Self::Csv,
        Self::Docx,
        Self::Text,
        Self::Jsonl,
        Self::Qti2,
        Self::Qti3,
        Self::Moodle,
        Self::Gift,
        Self::Aiken,
    ];

    /// Its code in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Docx => "docx",
            Self::Text => "text",
            Self::Moodle => "moodle",
            Self::Gift => "gift",
            Self::Aiken => "aiken",
            Self::Qti2 => "qti2",
            Self::Qti3 => "qti3",
        }
    }

    /// The format of a code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.code() == code)
    }

    /// How names of its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text | Self::Aiken | Self::Gift => "txt",
            Self::Moodle => "xml",
            Self::Qti2 | Self::Qti3 => "zip",
            other => other.code(),
        }
    }

    /// What a browser is told.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jsonl => "application/jsonl",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Text | Self::Aiken | Self::Gift => "text/plain; charset=utf-8",
            Self::Moodle => "application/xml",
            Self::Qti2 | Self::Qti3 => "application/zip",
        }
    }
}

/// How much a file may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Questions, parts of cases not counted.
    pub questions: usize,
    /// Bytes of a zipped file's content once inflated.
    pub inflated: u64,
    /// Bytes of one picture.
    pub picture: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            questions: 20_000,
            inflated: 256 << 20,
            picture: 4 << 20,
        }
    }
}

/// A question as it was read, with what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands in the file: a cell, a line, a paragraph, a file of a package.
    pub place: Msg,
    /// The question as far as it could be read.
    pub question: Question,
    /// What is wrong; empty: it may be used.
    pub faults: Vec<Fault>,
}

impl Item {
    fn new(place: Msg, question: Question) -> Self {
        Self {
            place,
            question,
            faults: Vec::new(),
        }
    }

    fn wrong(mut self, field: &str, message: Msg) -> Self {
        self.faults.push(fault(field, message));
        self
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The format it was taken for.
    pub format: Format,
    /// Its questions in their order.
    pub items: Vec<Item>,
}

/// A file, and what it does not carry of which question (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub bytes: Vec<u8>,
    /// Number of the question and what was left out.
    pub lost: Vec<(usize, Msg)>,
}

fn fault(field: &str, message: Msg) -> Fault {
    Fault {
        field: field.to_owned(),
        message,
    }
}

fn about(message: Msg) -> Error {
    Error::field("file", message)
}

fn line_place(number: usize) -> Msg {
    Msg::new("question-place-line").with("number", number)
}

/// Reads a file of any format; which one it is follows from its content, the name only decides between texts.
///
/// # Errors
/// `Invalid` at `file` when it is none of the formats, is too large or broken as a whole.
pub fn read(name: &str, bytes: &[u8], limits: Limits) -> Result<Batch> {
    if bytes.len() > limits.bytes {
        let most = limits.bytes >> 20;
        return Err(about(
            Msg::new("question-file-large").with("mebibytes", most),
        ));
    }
    let (format, mut items) = if bytes.starts_with(b"PK") {
        pack::read(name, bytes, limits)?
    } else if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(about(Msg::new("question-file-old-office")));
    } else {
        plain(name, bytes, limits)?
    };
    if items.is_empty() {
        return Err(about(Msg::new("question-file-nothing")));
    }
    if items.len() > limits.questions {
        let message = Msg::new("question-file-many").with("most", limits.questions);
        return Err(about(message));
    }
    for item in &mut items {
        item.question.tidy();
        for found in item.question.check() {
            // What a reader said of a field is nearer to the matter.
            if !item.faults.iter().any(|f| f.field == found.field) {
                item.faults.push(found);
            }
        }
    }
    Ok(Batch { format, items })
}

fn plain(name: &str, bytes: &[u8], limits: Limits) -> Result<(Format, Vec<Item>)> {
    let text = decoded(bytes)?;
    let name = name.to_lowercase();
    let start = text.trim_start();
    if start.starts_with('<') {
        if start.contains("<quiz") {
            return Ok((Format::Moodle, moodle::read(&text, limits)?));
        }
        let format = match start.contains("<qti-assessment-item") {
            true => Format::Qti3,
            false => Format::Qti2,
        };
        let item = qti::single(&name, &text, limits)?;
        return Ok((format, vec![item]));
    }
    if name.ends_with(".jsonl") || start.starts_with("{\"") {
        return Ok((Format::Jsonl, jsonl::read(&text)));
    }
    if name.ends_with(".csv") {
        return Ok((Format::Csv, sheet::read(&name, bytes, limits)?));
    }
    if name.ends_with(".gift") || gift::looks_like(&text) {
        return Ok((Format::Gift, gift::read(&text)));
    }
    if aiken::looks_like(&text) {
        return Ok((Format::Aiken, aiken::read(&text)));
    }
    if sheet::looks_like(&text) {
        return Ok((Format::Csv, sheet::read(&name, bytes, limits)?));
    }
    Ok((Format::Text, text::read(&text)))
}

/// Text in the encodings that office programs write.
fn decoded(bytes: &[u8]) -> Result<String> {
    let (encoding, rest) = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None if std::str::from_utf8(bytes).is_ok() => (encoding_rs::UTF_8, bytes),
        None => (encoding_rs::GB18030, bytes),
    };
    let (text, broken) = encoding.decode_without_bom_handling(rest);
    if text.starts_with("%PDF") || text.contains('\0') || broken {
        return Err(about(Msg::new("question-file-unknown")));
    }
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// A question in the lines of a paper, to compare versions.
pub(crate) fn as_lines(question: &Question) -> Vec<String> {
    let plain = |q: &Question| text::lines(1, q);
    plain(question).unwrap_or_else(|| {
        let left = question.options.iter().zip(&question.targets);
        let pairs = left.map(|(option, target)| format!("{option} — {target}"));
        std::iter::once(question.stem.clone())
            .chain(pairs)
            .collect()
    })
}

/// Parts of a case as they are typed.
pub(crate) fn parts_text(case: &Question) -> String {
    text::parts(case).join("\n")
}

/// Parts of a case from what was typed.
pub(crate) fn parts_of(typed: &str) -> Result<Vec<Question>, Msg> {
    let whole = format!("1.【案例分析题】材料\n{typed}");
    let mut items = text::read(&whole);
    match (items.pop(), items.is_empty()) {
        (Some(item), true) if item.question.stem == "材料" => {
            match item.faults.into_iter().next() {
                Some(fault) => Err(fault.message),
                None => Ok(item.question.parts),
            }
        }
        _ => Err(Msg::new("question-parts-unread")),
    }
}

/// Adds a picture to a question; its number, or none when no browser could show it.
pub(crate) fn add_picture(
    question: &mut Question,
    name: &str,
    bytes: &[u8],
    most: usize,
) -> Option<usize> {
    let mut gallery = gallery::Gallery(std::mem::take(&mut question.media));
    let number = gallery.put(name, bytes, most);
    question.media = gallery.0;
    number
}

/// Writes questions into a file.
pub fn write(format: Format, questions: &[Question]) -> Result<Written> {
    match format {
        Format::Jsonl => Ok(joined(questions, "", jsonl::write, jsonl::read)),
        Format::Text => Ok(joined(questions, "\n", text::write, text::read)),
        Format::Gift => Ok(joined(questions, "\n", gift::write, gift::read)),
        Format::Aiken => Ok(joined(questions, "\n", aiken::write, aiken::read)),
        Format::Moodle => Ok(moodle::write(questions)),
        Format::Xlsx | Format::Csv => sheet::write(format, questions),
        Format::Docx => docx_write::write(questions),
        Format::Qti2 | Format::Qti3 => qti_write::write(format, questions),
    }
}

/// Each question written alone, read back and compared.
fn joined(
    questions: &[Question],
    between: &str,
    write: impl Fn(usize, &Question) -> Option<String>,
    read: impl Fn(&str) -> Vec<Item>,
) -> Written {
    let (mut text, mut lost) = (String::new(), Vec::new());
    for (at, question) in questions.iter().enumerate() {
        let Some(one) = write(at + 1, question) else {
            lost.push((at + 1, kind_lost(question)));
            continue;
        };
        lost.extend(losses(question, &read(&one)).map(|message| (at + 1, message)));
        text.push_str(&one);
        text.push_str(between);
    }
    Written {
        bytes: text.into_bytes(),
        lost,
    }
}

fn kind_lost(question: &Question) -> Msg {
    Msg::new("question-lost-kind").with("kind", question.kind.code())
}

/// What of a question did not come back.
fn losses(question: &Question, back: &[Item]) -> impl Iterator<Item = Msg> {
    let [item] = back else {
        return vec![Msg::new("question-lost-shape")].into_iter();
    };
    let mut own = question.clone();
    own.tidy();
    let mut other = item.question.clone();
    other.tidy();
    // A picture came back when its content did.
    let media = |q: &Question| {
        let pictures = q.media.iter().map(|m| (m.hash.clone(), m.bytes.is_empty()));
        pictures.collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    if media(&own) != media(&other) {
        found.push(Msg::new("question-lost-pictures"));
    }
    for q in [&mut own, &mut other] {
        q.media.clear();
    }
    let missing = [
        (
            own.difficulty != other.difficulty,
            Msg::new("question-lost-difficulty"),
        ),
        (own.points != other.points, Msg::new("question-lost-points")),
        (own.source != other.source, Msg::new("question-lost-source")),
        (
            own.article != other.article,
            Msg::new("question-lost-article"),
        ),
        (
            own.explanation != other.explanation,
            Msg::new("question-lost-explanation"),
        ),
        (own.score != other.score, Msg::new("question-lost-score")),
        (
            own.longest != other.longest,
            Msg::new("question-lost-longest"),
        ),
        (own.fixed != other.fixed, Msg::new("question-lost-fixed")),
    ];
    for (lost, message) in missing {
        if lost {
            found.push(message);
        }
    }
    if own.key != other.key && own.kind.needs_person() {
        found.push(Msg::new("question-lost-key"));
        other.key = own.key.clone();
    }
    for q in [&mut own, &mut other] {
        *q = Question {
            kind: q.kind,
            options: std::mem::take(&mut q.options),
            targets: std::mem::take(&mut q.targets),
            key: std::mem::take(&mut q.key),
            parts: std::mem::take(&mut q.parts),
            ..Question::new(q.kind, std::mem::take(&mut q.stem))
        };
    }
    paired_in_order(&mut own);
    paired_in_order(&mut other);
    if own != other {
        found.push(Msg::new("question-lost-shape"));
    }
    found.into_iter()
}

/// The order of targets says nothing: first those of the options, then those that are left over.
fn paired_in_order(question: &mut Question) {
    if let Key::Pairs(pairs) = &mut question.key {
        let mut order: Vec<usize> = Vec::new();
        for at in pairs.iter().copied().chain(0..question.targets.len()) {
            if !order.contains(&at) {
                order.push(at);
            }
        }
        for at in pairs.iter_mut() {
            *at = order.iter().position(|o| o == at).unwrap_or(*at);
        }
        let texts = order
            .iter()
            .filter_map(|at| question.targets.get(*at).cloned());
        question.targets = texts.collect();
    }
    question.parts.iter_mut().for_each(paired_in_order);
}

#[cfg(test)]
mod tests;
