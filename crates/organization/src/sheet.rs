//! The sheets in which an agency brings its units and people: which fields there are, where they stand in
//! a file, and what a row says.

mod fields;

use std::collections::HashSet;

use commons::identifiers::{CreditCode, ResidentId};
use commons::sheets::{Flow, Limits, date, letters, scan, squeeze};
use kernel::{Date, Error, FieldError, Msg, Result};
use serde::{Deserialize, Serialize};

use crate::attributes::{Attribute, Attributes, EVER};
use crate::import::{PersonRow, TieRow, TraitRow, UnitRow};
use crate::model::Nature;
use crate::service::check_text;

/// What an upload may hold: a city of 100,000 people with some room. Rows are read one after the other, so
/// the size costs time and no memory.
pub(crate) const LIMITS: Limits = Limits {
    bytes: 40 << 20,
    rows: 200_000,
    columns: 200,
    inflated: 400 << 20,
    text: 128 << 20,
};

pub use fields::template;
pub(crate) use fields::{ATTRIBUTE, ID_NUMBER};
pub(crate) use fields::{Field, SHEETS, book, fields, header};

/// Among so many rows the header is looked for.
const HEAD_ROWS: usize = 30;

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

/// What the rows of a sheet are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Units,
    Persons,
    /// Members of bodies (组织成员).
    Members,
    /// Pairings (结对) and lines of responsibility (分管).
    Pairings,
}

impl Kind {
    /// What a sheet is about whose columns fill these fields.
    pub fn of(columns: &Columns) -> Self {
        let has = |field: &str| columns.iter().any(|(key, _)| key == field);
        match () {
            () if has("body") => Self::Members,
            () if has("end") => Self::Pairings,
            () if has("staff_no") => Self::Persons,
            () => Self::Units,
        }
    }
}

/// Fields and the columns that fill them.
pub(crate) type Columns = Vec<(String, usize)>;

/// Takes a row under a head: its number and the texts of the columns that are used.
pub(crate) type EachLine<'e> = &'e mut dyn FnMut(&Head, u32, Vec<String>) -> Result<()>;

/// The head of a sheet and which field each column fills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Name of the file; empty when there is only one.
    #[serde(default)]
    pub file: String,
    /// Place of the sheet in the file.
    pub sheet: usize,
    /// Name of the sheet; empty when addresses do not need it.
    pub name: String,
    /// Number of the header row.
    pub number: u32,
    /// The header as it stands in the file.
    pub header: Vec<String>,
    /// None: the sheet is passed over.
    pub kind: Option<Kind>,
    /// Field and column, one per field.
    pub columns: Columns,
}

impl Head {
    /// The texts of the columns that are used.
    pub fn pick(&self, cells: &[String]) -> Vec<String> {
        let text = |column: usize| cells.get(column).cloned().unwrap_or_default();
        self.columns.iter().map(|(_, c)| text(*c)).collect()
    }

    /// What the header is known by when it comes again.
    pub fn key(&self) -> String {
        let names: Vec<String> = self.header.iter().map(|n| squeeze(n)).collect();
        commons::files::FileHash::of(names.join("\u{1f}").as_bytes()).to_string()
    }

    /// Required fields that have no column, by the name people know.
    pub fn missing(&self, attributes: &Attributes) -> Vec<String> {
        let Some(kind) = self.kind else {
            return Vec::new();
        };
        let without = |f: &Field| f.required && !self.columns.iter().any(|(key, _)| *key == f.key);
        let fields = fields(kind, attributes).into_iter();
        fields.filter(without).map(|f| f.names[0].clone()).collect()
    }

    fn address(&self, column: usize, number: u32) -> String {
        let mut place = format!("{}{number}", letters(column));
        if !self.name.is_empty() {
            place = format!("{}!{place}", self.name);
        }
        if self.file.is_empty() {
            place
        } else {
            format!("{}: {place}", self.file)
        }
    }

    /// What keeps the sheet from being read as it is: columns that are missing, or there twice.
    fn problems(&self, attributes: &Attributes) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let Some(kind) = self.kind else {
            return errors;
        };
        for field in fields(kind, attributes) {
            let at: Vec<usize> = matches(&self.header, &field).collect();
            if let [first, second, ..] = at[..] {
                errors.push(FieldError {
                    field: self.address(second, self.number),
                    message: Msg::new("sheet-column-twice")
                        .with("column", &self.header[first])
                        .with("other", self.address(first, self.number)),
                });
            }
        }
        let missing = self.missing(attributes);
        if !missing.is_empty() {
            errors.push(FieldError {
                field: self.address(0, self.number),
                message: Msg::new("sheet-columns-missing").with("columns", missing.join("、")),
            });
        }
        errors
    }
}

fn matches<'m>(header: &'m [String], field: &Field) -> impl Iterator<Item = usize> + use<'m> {
    let known: HashSet<String> = field.names.iter().map(|n| squeeze(n)).collect();
    (0..header.len()).filter(move |c| known.contains(&squeeze(&header[*c])))
}

/// Guesses which fields the columns of a header fill.
pub(crate) fn guess(kind: Kind, header: &[String], attributes: &Attributes) -> Columns {
    let mut used = HashSet::new();
    let mut found = Vec::new();
    for field in fields(kind, attributes) {
        let column = matches(header, &field).find(|c| !used.contains(c));
        if let Some(column) = column {
            used.insert(column);
            found.push((field.key, column));
        }
    }
    found
}

/// The heads of all sheets that hold anything, each with the fields that its names tell.
///
/// # Errors
/// When the file is no table.
pub(crate) fn heads(file_name: &str, bytes: &[u8], attributes: &Attributes) -> Result<Vec<Head>> {
    type First = Vec<(u32, Vec<String>)>;
    let mut sheets: Vec<(usize, String, First)> = Vec::new();
    scan(file_name, bytes, &LIMITS, &mut |row| {
        if sheets.last().is_none_or(|(sheet, ..)| *sheet != row.sheet) {
            sheets.push((row.sheet, row.name.to_owned(), Vec::new()));
        }
        let Some((_, _, rows)) = sheets.last_mut() else {
            return Ok(Flow::Go);
        };
        rows.push((row.number, row.cells.to_vec()));
        Ok(if rows.len() < HEAD_ROWS {
            Flow::Go
        } else {
            Flow::NextSheet
        })
    })?;
    let named = sheets.len() > 1;
    let sheets = sheets.into_iter();
    Ok(sheets
        .map(|(sheet, name, rows)| {
            head(
                sheet,
                if named { name } else { String::new() },
                rows,
                attributes,
            )
        })
        .collect())
}

fn head(
    sheet: usize,
    name: String,
    rows: Vec<(u32, Vec<String>)>,
    attributes: &Attributes,
) -> Head {
    // Each kind is known by a column that no kind after it has.
    let mut told = [Kind::Members, Kind::Pairings, Kind::Persons].into_iter();
    let told = told.find(|kind| {
        let field = fields(*kind, attributes).swap_remove(0);
        let mut rows = rows.iter();
        rows.any(|(_, row)| matches(row, &field).next().is_some())
    });
    let kind = told.unwrap_or(Kind::Units);
    let mut best: Option<(Columns, &(u32, Vec<String>))> = None;
    for row in &rows {
        let found = guess(kind, &row.1, attributes);
        // The first of the rows with most names.
        if best.as_ref().is_none_or(|(b, _)| found.len() > b.len()) {
            best = Some((found, row));
        }
    }
    let (columns, number, header) = match best {
        Some((columns, (number, header))) => (columns, *number, header.clone()),
        None => Default::default(),
    };
    Head {
        file: String::new(),
        sheet,
        name,
        number,
        header,
        kind: (!columns.is_empty()).then_some(kind),
        columns,
    }
}

/// Refuses heads that cannot be read without somebody saying what the columns mean.
pub(crate) fn complete(heads: &[Head], attributes: &Attributes) -> Result<()> {
    if heads.iter().all(|head| head.kind.is_none()) {
        let names = fields(Kind::Units, attributes).into_iter();
        let names = names.filter(|f| f.required).map(|f| f.names[0].clone());
        let names = names.collect::<Vec<_>>().join("、");
        let place = heads.first().map_or("", |h| &h.name);
        let message = Msg::new("sheet-no-header").with("columns", names);
        return Err(Error::field(place, message));
    }
    let problems = heads.iter().flat_map(|h| h.problems(attributes));
    Error::if_any(problems.collect())
}

/// A row under a head: the texts of the columns that are used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'l> {
    pub head: &'l Head,
    pub number: u32,
    pub texts: &'l [String],
}

/// One text of a row and where it stands.
struct Spot<'l> {
    text: &'l str,
    line: Line<'l>,
    column: usize,
}

impl Spot<'_> {
    fn address(&self) -> String {
        self.line.head.address(self.column, self.line.number)
    }

    fn error(&self, message: Msg) -> FieldError {
        FieldError {
            field: self.address(),
            message,
        }
    }
}

impl<'l> Line<'l> {
    fn get(&self, key: &str) -> Spot<'l> {
        let place = self.head.columns.iter().position(|(k, _)| k == key);
        let text = place.and_then(|p| self.texts.get(p));
        Spot {
            text: text.map_or("", String::as_str),
            line: *self,
            column: place.map_or(0, |p| self.head.columns[p].1),
        }
    }

    /// A text by its field; empty when no column fills it.
    pub fn text(&self, key: &str) -> &'l str {
        self.get(key).text
    }
}

/// Hands out the rows below the heads, with the texts of the columns that are used.
pub(crate) fn lines(
    file_name: &str,
    bytes: &[u8],
    heads: &[Head],
    each: EachLine<'_>,
) -> Result<()> {
    scan(file_name, bytes, &LIMITS, &mut |row| {
        let head = heads.iter().find(|h| h.sheet == row.sheet);
        let Some(head) = head.filter(|h| h.kind.is_some()) else {
            return Ok(Flow::NextSheet);
        };
        if row.number <= head.number {
            return Ok(Flow::Go);
        }
        let texts = head.pick(row.cells);
        // A header merged over two rows shows twice.
        if texts.iter().any(|t| !t.is_empty()) && texts != head.pick(&head.header) {
            each(head, row.number, texts)?;
        }
        Ok(Flow::Go)
    })
}

/// Reads one file: a workbook with one or both sheets, or a csv of either kind. Sheets without any
/// of the columns (notes, statistics) are passed over. Gives the rows that could be read together
/// with everything that is wrong in the others.
///
/// # Errors
/// When the file is no table at all, or none of its sheets has the columns.
pub fn read_rows(file_name: &str, bytes: &[u8]) -> Result<(Rows, Vec<FieldError>)> {
    let attributes = &Attributes::default();
    let heads = heads(file_name, bytes, attributes)?;
    let mut rows = Rows::default();
    let mut errors = Vec::new();
    match complete(&heads, attributes) {
        Ok(()) => {}
        Err(Error::Invalid(found)) if found.iter().all(|e| e.message.key != "sheet-no-header") => {
            return Ok((rows, found));
        }
        Err(other) => return Err(other),
    }
    lines(file_name, bytes, &heads, &mut |head, number, texts| {
        let line = Line {
            head,
            number,
            texts: &texts,
        };
        match head.kind {
            Some(Kind::Persons) => {
                rows.persons
                    .extend(person(line, attributes, Date::MAX, &mut errors));
            }
            Some(Kind::Units) => match unit(line, &mut errors) {
                Some(unit) => rows.units.push(unit),
                None => rows.unread.push(line.text("code").to_owned()),
            },
            // What hangs on people who are there comes in a way of its own.
            _ => {}
        }
        Ok(())
    })?;
    Ok((rows, errors))
}

pub(crate) fn unit(line: Line<'_>, errors: &mut Vec<FieldError>) -> Option<UnitRow> {
    let before = errors.len();
    let sort = line.get("sort");
    let row = UnitRow {
        parent: text(line.get("parent"), 32, errors),
        code: needed(line.get("code"), 32, errors),
        name: needed(line.get("name"), 100, errors),
        category: text(line.get("category"), 32, errors),
        sort: sort.text.parse().ok(),
        from: day(line.get("from"), errors).value,
        to: day(line.get("to"), errors),
        credit_code: credit_code(line.get("credit_code"), errors),
    };
    if row.sort.is_none() && !sort.text.is_empty() {
        errors.push(sort.error(Msg::new("organization-not-a-number").with("value", sort.text)));
    }
    (errors.len() == before).then_some(row)
}

pub(crate) fn person(
    line: Line<'_>,
    attributes: &Attributes,
    today: Date,
    errors: &mut Vec<FieldError>,
) -> Option<PersonRow> {
    let before = errors.len();
    let primary = line.get("primary");
    let (is_primary, nature) = match primary.text {
        "" | "是" | "主职" | "yes" | "TRUE" => (true, Nature::Ordinary),
        "否" | "兼职" | "no" | "FALSE" => (false, Nature::Ordinary),
        "借调" | "secondment" => (false, Nature::Secondment),
        "挂职" | "attachment" => (false, Nature::Attachment),
        other => {
            errors.push(primary.error(Msg::new("organization-yes-or-no").with("value", other)));
            (true, Nature::Ordinary)
        }
    };
    let row = PersonRow {
        staff_no: needed(line.get("staff_no"), 32, errors),
        name: needed(line.get("name"), 64, errors),
        unit: needed(line.get("unit"), 32, errors),
        post: text(line.get("post"), 64, errors).value,
        from: day(line.get("from"), errors),
        to: day(line.get("to"), errors),
        primary: is_primary,
        nature,
        traits: traits(line, attributes, today, errors),
    };
    (errors.len() == before).then_some(row)
}

/// A membership or a tie.
pub(crate) fn tie(line: Line<'_>, errors: &mut Vec<FieldError>) -> Option<TieRow> {
    let before = errors.len();
    let is_member = line.head.kind == Some(Kind::Members);
    let mut required = |field: &str| needed(line.get(field), 100, errors);
    let body = is_member.then(|| required("body"));
    let what = required(if is_member { "what" } else { "end" });
    let staff_no = required("staff_no");
    let kind = match is_member {
        true => text(line.get("kind"), 100, errors),
        false => needed(line.get("kind"), 100, errors),
    };
    let row = TieRow {
        body,
        kind,
        staff_no,
        what,
        from: day(line.get("from"), errors),
        to: day(line.get("to"), errors),
        name: text(line.get("name"), 64, errors),
        basis: text(line.get("basis"), 200, errors).value,
    };
    (errors.len() == before).then_some(row)
}

/// The identity number of a row; an empty cell says nothing.
pub(crate) fn number(
    line: Line<'_>,
    today: Date,
    errors: &mut Vec<FieldError>,
) -> Option<At<ResidentId>> {
    let spot = line.get(ID_NUMBER);
    if spot.text.is_empty() {
        return None;
    }
    match ResidentId::read(spot.text, today) {
        Ok(read) => Some(At {
            value: read.id,
            at: spot.address(),
        }),
        Err(message) => {
            errors.push(spot.error(message));
            None
        }
    }
}

/// What the columns of attributes say: a value by its name or code, or what is typed; an empty cell says nothing.
fn traits(
    line: Line<'_>,
    attributes: &Attributes,
    today: Date,
    errors: &mut Vec<FieldError>,
) -> Vec<TraitRow> {
    let mut found = Vec::new();
    for (key, _) in &line.head.columns {
        let attribute = key.strip_prefix(ATTRIBUTE).and_then(|c| attributes.get(c));
        let Some(attribute) = attribute else { continue };
        let spot = line.get(key);
        if spot.text.is_empty() {
            continue;
        }
        let value = match attribute.format {
            Some(_) => attribute.read(spot.text, today),
            None => listed(attribute, spot.text),
        };
        match value {
            Ok(value) => found.push(TraitRow {
                code: attribute.code.clone(),
                value: At {
                    value,
                    at: spot.address(),
                },
                from: attribute.is_timeless().then_some(EVER),
                fills: false,
            }),
            Err(message) => errors.push(spot.error(message)),
        }
    }
    found
}

/// The value of a list that a cell names.
fn listed(attribute: &Attribute, text: &str) -> Result<String, Msg> {
    let said = squeeze(text);
    let value = attribute.values.iter().find(|v| {
        [v.code.as_str(), v.name.get("zh-CN"), v.name.get("en")]
            .iter()
            .any(|name| squeeze(name) == said)
    });
    let known = || {
        let names = attribute.values.iter().map(|v| v.name.get("zh-CN"));
        names.collect::<Vec<_>>().join("、")
    };
    value.map(|v| v.code.clone()).ok_or_else(|| {
        Msg::new("organization-value-unknown")
            .with("value", text.chars().take(40).collect::<String>())
            .with("known", known())
    })
}

/// Where nothing else is known, an identity number tells the month of birth.
pub(crate) fn fill(row: &mut PersonRow, number: &At<ResidentId>, attributes: &Attributes) {
    let born = number.value.birth_date();
    for attribute in attributes.iter().filter(|a| a.from_identity) {
        if row.traits.iter().all(|t| t.code != attribute.code) {
            row.traits.push(TraitRow {
                code: attribute.code.clone(),
                value: At {
                    value: born.strftime("%Y-%m").to_string(),
                    at: number.at.clone(),
                },
                from: Some(EVER),
                fills: true,
            });
        }
    }
}

fn needed(spot: Spot<'_>, longest: usize, errors: &mut Vec<FieldError>) -> At<String> {
    if spot.text.is_empty() {
        errors.push(spot.error(Msg::new("sheet-cell-empty")));
    }
    text(spot, longest, errors)
}

fn text(spot: Spot<'_>, longest: usize, errors: &mut Vec<FieldError>) -> At<String> {
    errors.extend(check_text(spot.text, longest).map(|message| spot.error(message)));
    At {
        value: spot.text.to_owned(),
        at: spot.address(),
    }
}

/// An empty cell says nothing.
fn credit_code(spot: Spot<'_>, errors: &mut Vec<FieldError>) -> At<Option<String>> {
    let read = (!spot.text.is_empty()).then(|| CreditCode::read(spot.text));
    let value = read.and_then(|read| match read {
        Ok(code) => Some(code.as_str().to_owned()),
        Err(message) => {
            errors.push(spot.error(message));
            None
        }
    });
    At {
        value,
        at: spot.address(),
    }
}

fn day(spot: Spot<'_>, errors: &mut Vec<FieldError>) -> At<Option<Date>> {
    let value = date(spot.text).unwrap_or_else(|message| {
        errors.push(spot.error(message));
        None
    });
    At {
        value,
        at: spot.address(),
    }
}
