//! The zip of an inspection pack, written as it goes: no more than one evidence file and one table are in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use commons::files::{FileHash, Held};
use commons::sheets::write::{SheetOut, Value as Cell, workbook, xlsx};
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use kernel::{Date, Error, Id, Msg, Period, PersonId, Result, Scope, UnitId, format_date};
use ledger::{Column, Definition, Fact, Predicate, Scalar, SourceFile, Test};
use organization::Unit;
use sha2::{Digest, Sha256};
use web::{Catalog, Lang};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use crate::inspection::InspectionPack;
use crate::inspection_page::{self, Catalogue, FileLine, Missing, Part, Record};
use crate::state::State;
use crate::{Obligations, Rule};

/// The most records of one part.
const MOST_RECORDS: usize = 100_000;
/// Facts read at once.
const PAGE: usize = 5_000;
/// Units whose standing is read at once.
const UNITS: usize = 100;
/// Rows of one table; more go into further ones.
const ROWS: usize = 100_000;
/// What is missing is listed up to so many lines; the tables have all of it.
const LISTED: usize = 100_000;
/// The largest zip.
const MOST_BYTES: u64 = 16 << 30;
/// So much waits until it is handed on.
const BLOCK: usize = 256 << 10;

/// What was made.
pub(crate) struct Made {
    pub held: Held,
    pub size: u64,
    pub sha256: String,
    pub files: usize,
    pub missing: usize,
}

/// Bytes of the zip that were not handed on yet.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<Vec<u8>>>);

impl Write for Waiting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Waiting {
    fn take(&self, least: usize) -> Option<Bytes> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (all.len() > least).then(|| std::mem::take(&mut *all).into())
    }
}

struct Zip {
    zip: ZipWriter<StreamWriter<Waiting>>,
    waiting: Waiting,
    to: mpsc::Sender<Result<Bytes>>,
}

impl Zip {
    fn new(to: mpsc::Sender<Result<Bytes>>) -> Self {
        let waiting = Waiting::default();
        Self {
            zip: ZipWriter::new_stream(waiting.clone()),
            waiting,
            to,
        }
    }

    /// Adds a file. What is packed already is not packed again.
    async fn add(&mut self, path: &str, bytes: &[u8], pack: bool) -> Result<()> {
        let method = match pack {
            true => CompressionMethod::Deflated,
            false => CompressionMethod::Stored,
        };
        let options = SimpleFileOptions::default().compression_method(method);
        self.zip
            .start_file(path, options)
            .map_err(Error::internal)?;
        for block in bytes.chunks(BLOCK) {
            self.zip.write_all(block).map_err(Error::internal)?;
            self.hand_on(BLOCK).await?;
        }
        Ok(())
    }

    async fn hand_on(&mut self, least: usize) -> Result<()> {
        match self.waiting.take(least) {
            // The other end is gone when the store refused: its error is the one to tell.
            Some(bytes) => self.to.send(Ok(bytes)).await.map_err(Error::internal),
            None => Ok(()),
        }
    }

    async fn end(mut self) -> Result<()> {
        self.zip.finish().map_err(Error::internal)?;
        match self.waiting.take(0) {
            Some(bytes) => self.to.send(Ok(bytes)).await.map_err(Error::internal),
            None => Ok(()),
        }
    }
}

/// Makes the zip of a pack and holds it.
pub(crate) async fn make(s: &Obligations, pack: &InspectionPack, texts: &Catalog) -> Result<Made> {
    let files = s.store()?.clone();
    let (to, from) = mpsc::channel(4);
    let mut hash = Sha256::new();
    let stored = {
        let from = from.inspect(|block: &Result<Bytes>| {
            if let Ok(bytes) = block {
                hash.update(bytes);
            }
        });
        let hold = files.hold_stream(from, MOST_BYTES);
        let mut broken = to.clone();
        let write = async {
            let made = write(s, pack, texts, Zip::new(to)).await;
            if made.is_err() {
                // Nothing half done is kept.
                let _ = broken
                    .send(Err(Error::internal("the zip was not finished")))
                    .await;
            }
            drop(broken);
            made
        };
        futures::join!(hold, write)
    };
    match stored {
        (Ok((held, size)), Ok((files, missing))) => Ok(Made {
            held,
            size,
            sha256: hex::encode(hash.finalize()),
            files,
            missing,
        }),
        // Whichever has something to say to a person.
        (Err(e @ (Error::Unavailable(_) | Error::Invalid(_))), _) => Err(e),
        (_, Err(e)) | (Err(e), _) => Err(e),
    }
}

/// One thing that a pack is about.
struct Asked<'a> {
    name: String,
    basis: String,
    rule: Option<&'a Rule>,
    definition: Definition,
}

fn of_kind(kind: &str, category: &str) -> Definition {
    let is = |text: &str| Test::Is(Scalar::Text(text.into()));
    let tests = [(Column::Kind, is(kind)), (Column::Category, is(category))];
    Definition {
        predicate: Predicate(BTreeMap::from(tests)),
        axis: ledger::Axis::Host,
        ..Definition::default()
    }
}

fn asked<'a>(s: &'a Obligations, pack: &InspectionPack) -> Vec<Asked<'a>> {
    let lang = pack.wanted.lang().code();
    let list = pack.wanted.checklist.as_deref();
    let list = list.and_then(|c| s.checklist(c));
    let codes = list.map_or(&[][..], |l| &l.obligations);
    let rules = codes.iter().chain(&pack.wanted.rules);
    let of_rules = rules.filter_map(|c| s.rules.get(c)).map(|rule| Asked {
        name: rule.name.get(lang).to_owned(),
        basis: format!("{} {}", rule.document.get(lang), rule.article.get(lang)),
        rule: Some(rule),
        definition: rule.done_by.clone(),
    });
    let other = |(fact, named): (&str, &crate::rule::Named)| Asked {
        name: named.name.get(lang).to_owned(),
        basis: String::new(),
        rule: None,
        definition: of_kind(fact, &named.code),
    };
    let kinds = list.into_iter().flat_map(|l| &l.kinds).map(|n| ("held", n));
    let registers = list.into_iter().flat_map(|l| &l.registers);
    let others = kinds.chain(registers.map(|n| ("entry", n))).map(other);
    of_rules.chain(others).collect()
}

/// `张三` as `张*`: the first letter, and a star for each further one.
pub(crate) fn masked(name: &str) -> String {
    // A pair is two names.
    let one = |name: &str| {
        let mut letters = name.chars();
        let first: String = letters.next().into_iter().collect();
        first + &"*".repeat(letters.count())
    };
    name.split(" – ").map(one).collect::<Vec<_>>().join(" – ")
}

/// A part of a path: nothing that a file system would take for more than a name.
fn plain(name: &str) -> String {
    let odd = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
    let name: String = name.chars().map(|c| if odd(c) { '_' } else { c }).collect();
    let (stem, end) = match name.rsplit_once('.') {
        Some((stem, end)) if end.len() <= 8 => (stem, format!(".{end}")),
        _ => (name.as_str(), String::new()),
    };
    let stem: String = stem.trim().trim_matches('.').chars().take(60).collect();
    format!("{stem}{end}")
}

/// Writes everything; gives how many evidence files are in it and what is missing.
async fn write(
    s: &Obligations,
    pack: &InspectionPack,
    texts: &Catalog,
    mut zip: Zip,
) -> Result<(usize, usize)> {
    let (w, lang) = (&pack.wanted, pack.wanted.lang());
    let t = |key: &str| texts.say(lang, key, &[]);
    let period = w
        .period()
        .ok_or_else(|| Error::internal("a checked period"))?;
    let picked: Option<BTreeSet<Id>> = match w.draw {
        Some(draw) => {
            let drawn = s.drawn(draw, &Scope::All).await?;
            Some(drawn.picked.into_iter().collect())
        }
        None => None,
    };
    // A unit below another one is in it already.
    let paths = s.organization.paths(&w.units).await?;
    let mut units = w.units.clone();
    units.retain(|u| {
        let above = paths.get(u).map_or(&[][..], Vec::as_slice);
        !above.iter().any(|a| a != u && w.units.contains(a))
    });
    let names = s.organization.names(&units).await?;
    // All that was acknowledged is counted, and every part sees the same ledger.
    s.ledger.settle().await?;
    let size = s.ledger.reading().await?.size();
    let mut book = Catalogue {
        title: t("pack-title"),
        about: units.iter().filter_map(|u| names.get(u).cloned()).collect(),
        period: format!("{} – {}", format_date(period.from), format_date(period.to)),
        at: pack.at.minute_text(s.env.zone()),
        size,
        names: w.names,
        drawn: w.draw.is_some(),
        ..Catalogue::default()
    };
    // Every file is in the zip once, wherever it belongs.
    let mut kept: HashMap<String, Option<String>> = HashMap::new();
    for (i, one) in asked(s, pack).iter().enumerate() {
        s.pack_progress(pack.id, i as i64).await?;
        let folder = format!("{:02} {}", i + 1, plain(&one.name));
        let mut part = Part {
            name: one.name.clone(),
            basis: one.basis.clone(),
            folder: folder.clone(),
            ..Part::default()
        };
        if let Some(rule) = one.rule {
            let place = (folder.as_str(), &units[..], period);
            standing(
                s,
                &mut zip,
                (texts, lang),
                rule,
                place,
                w.names,
                (&mut part, &mut book),
            )
            .await?;
        }
        let records = records(s, &one.definition, &units, period, size, picked.as_ref()).await?;
        evidence(
            s,
            &mut zip,
            (texts, lang),
            w.names,
            records,
            &mut kept,
            (&mut part, &mut book),
        )
        .await?;
        table_of_records(&mut zip, &t, &part).await?;
        book.parts.push(part);
    }
    let files = kept.values().flatten().count();
    let missing = book.missing_in_all;
    zip.add(&t("pack-file-catalogue"), &catalogue(&book, &t)?, false)
        .await?;
    let page = inspection_page::html(&book, lang, &t);
    zip.add("index.html", page.as_bytes(), true).await?;
    zip.end().await?;
    Ok((files, missing))
}

/// How everybody stands by a rule, as tables.
async fn standing(
    s: &Obligations,
    zip: &mut Zip,
    (texts, lang): (&Catalog, Lang),
    rule: &Rule,
    (folder, under, period): (&str, &[UnitId], Period),
    names: bool,
    (part, book): (&mut Part, &mut Catalogue),
) -> Result<()> {
    let t = |key: &str| texts.say(lang, key, &[]);
    let mut units: Vec<Unit> = Vec::new();
    for unit in under {
        units.extend(s.bound(rule, &Scope::All, Some(*unit)).await?);
    }
    let header = [
        "unit",
        "obligation-who",
        "excuse-first",
        "excuse-last",
        "due-day",
        "excuse-until",
        "obligation-state",
        "done-day",
        "times",
        "minutes",
    ]
    .map(t);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let words = State::ALL.map(|state| {
        let key = format!("state-{}", crate::pages::key(state));
        (state, texts.say(lang, &key, &[]))
    });
    let word = |state: State| {
        let found = words.iter().find(|(known, _)| *known == state);
        found.map(|(_, text)| text.clone()).unwrap_or_default()
    };
    let date = |d: Option<Date>| d.map_or(Cell::Empty, Cell::Date);
    let (mut rows, mut sheets) = (Vec::new(), 0);
    let mut counts = (0usize, 0usize);
    for chunk in units.chunks(UNITS) {
        let mut subjects = s.subjects(rule, chunk, period).await?;
        s.name(rule, &mut subjects.iter_mut().collect::<Vec<_>>())
            .await?;
        let lines = s.lines(rule, subjects, period).await?;
        let lines = lines.ok_or(Error::Busy { retry_after: 30 })?;
        let named: HashMap<UnitId, &str> = chunk.iter().map(|u| (u.id, u.name.as_str())).collect();
        for line in &lines {
            let tally = line.tally();
            counts = (counts.0 + tally.0, counts.1 + tally.1);
            let unit = named.get(&line.subject.unit).copied().unwrap_or_default();
            let person = matches!(
                rule.subject,
                crate::SubjectKind::Person | crate::SubjectKind::Pair
            );
            let who = match person && !names {
                true => masked(&line.subject.name),
                false => line.subject.name.clone(),
            };
            for o in &line.occurrences {
                let window = o.occurrence.window;
                if o.state == State::Overdue {
                    part.missing += 1;
                    book.miss(LISTED, || Missing {
                        part: part.name.clone(),
                        unit: unit.to_owned(),
                        what: format!(
                            "{who} {} – {}",
                            format_date(window.from),
                            format_date(window.to)
                        ),
                        why: word(o.state),
                    });
                }
                rows.push(vec![
                    unit.into(),
                    who.as_str().into(),
                    window.from.into(),
                    window.to.into(),
                    date(o.occurrence.due),
                    date(o.extended),
                    word(o.state).into(),
                    date(o.done),
                    o.so_far.n.into(),
                    o.so_far.sum.into(),
                ]);
                if rows.len() >= ROWS {
                    sheets += 1;
                    let path = format!("{folder}/{}-{sheets}.xlsx", t("pack-file-standing"));
                    let rows = std::mem::take(&mut rows);
                    zip.add(
                        &path,
                        &xlsx(&t("pack-file-standing"), &header, rows)?,
                        false,
                    )
                    .await?;
                }
            }
        }
    }
    part.standing = Some(counts);
    let path = match sheets {
        0 => format!("{folder}/{}.xlsx", t("pack-file-standing")),
        _ => format!("{folder}/{}-{}.xlsx", t("pack-file-standing"), sheets + 1),
    };
    zip.add(
        &path,
        &xlsx(&t("pack-file-standing"), &header, rows)?,
        false,
    )
    .await?;
    part.tables.push(path);
    Ok(())
}

/// The facts behind a part, gathered by what they are about, by day.
async fn records(
    s: &Obligations,
    definition: &Definition,
    units: &[UnitId],
    period: Period,
    size: i64,
    picked: Option<&BTreeSet<Id>>,
) -> Result<Vec<Vec<Fact>>> {
    let mut found: BTreeMap<Id, Vec<Fact>> = BTreeMap::new();
    let mut reading = s.ledger.reading().await?;
    for unit in units {
        let mut after = None;
        loop {
            let page = reading
                .rows(definition, *unit, period, Some(size), after, PAGE)
                .await?;
            let inside = page.facts.into_iter().filter(|f| {
                period.contains(f.date) && picked.is_none_or(|p| p.contains(&f.subject))
            });
            for fact in inside {
                found.entry(fact.subject).or_default().push(fact);
            }
            if found.len() > MOST_RECORDS {
                let message = Msg::new("draw-too-many").with("most", MOST_RECORDS);
                return Err(Error::Conflict(message));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    let mut all: Vec<Vec<Fact>> = found.into_values().collect();
    all.sort_by_key(|facts| facts.first().map(|f| (f.date, f.subject)));
    Ok(all)
}

/// Puts the evidence of records into the zip, each file once, and notes what there is and what is not.
async fn evidence(
    s: &Obligations,
    zip: &mut Zip,
    (texts, lang): (&Catalog, Lang),
    names: bool,
    all: Vec<Vec<Fact>>,
    kept: &mut HashMap<String, Option<String>>,
    (part, book): (&mut Part, &mut Catalogue),
) -> Result<()> {
    let t = |key: &str| texts.say(lang, key, &[]);
    let store = s.store()?;
    for chunk in all.chunks(1_000) {
        let first: Vec<Fact> = chunk.iter().filter_map(|f| f.first().cloned()).collect();
        let people: BTreeSet<PersonId> = chunk
            .iter()
            .flatten()
            .flat_map(|f| [f.person, f.other])
            .flatten()
            .collect();
        let people: Vec<PersonId> = people.into_iter().collect();
        let people = match names {
            true => HashMap::new(),
            false => s.organization.person_names(&people).await?,
        };
        let (titles, files, places) = {
            let mut reading = s.ledger.reading().await?;
            let places = reading.paths(&first).await?;
            let titles = s.sources.titles(reading.tx(), &first).await?;
            let files = s.sources.files(reading.tx(), &first).await?;
            (titles, files, places)
        };
        let units: Vec<UnitId> = places.values().filter_map(|p| p.last().copied()).collect();
        let units = s.organization.names(&units).await?;
        for facts in chunk {
            let Some(fact) = facts.first() else { continue };
            let mut title = titles
                .get(&fact.subject)
                .cloned()
                .unwrap_or_else(|| t("pack-untold"));
            for person in facts.iter().flat_map(|f| [f.person, f.other]).flatten() {
                if let Some(name) = people.get(&person) {
                    title = title.replace(name.as_str(), &masked(name));
                }
            }
            let unit = places.get(&fact.host).and_then(|p| units.get(p.last()?));
            let persons: BTreeSet<PersonId> = facts.iter().filter_map(|f| f.person).collect();
            let mut record = Record {
                date: fact.date,
                title,
                unit: unit.cloned().unwrap_or_default(),
                persons: persons.len(),
                late: facts.iter().any(|f| f.late),
                declared: facts.iter().any(|f| f.source == "declared"),
                href: s
                    .sources
                    .of(&fact.kind)
                    .map(|source| source.href(fact))
                    .unwrap_or_default(),
                files: Vec::new(),
            };
            for file in files.get(&fact.subject).into_iter().flatten() {
                let path = match kept.get(&file.sha256) {
                    Some(path) => path.clone(),
                    None => {
                        let path = keep(store, zip, &t("pack-folder-evidence"), file).await?;
                        kept.insert(file.sha256.clone(), path.clone());
                        path
                    }
                };
                if path.is_none() {
                    part.missing += 1;
                    book.miss(LISTED, || Missing {
                        part: part.name.clone(),
                        unit: record.unit.clone(),
                        what: format!(
                            "{} {} {}",
                            format_date(record.date),
                            record.title,
                            file.name
                        ),
                        why: t("pack-file-gone"),
                    });
                }
                part.files += usize::from(path.is_some());
                record.files.push(FileLine {
                    name: file.name.clone(),
                    path,
                    size: file.size,
                    sha256: file.sha256.clone(),
                });
            }
            if record.files.is_empty() {
                part.bare += 1;
            }
            part.records.push(record);
        }
    }
    Ok(())
}

/// Puts one file into the zip; none when the store has it no more, or damaged.
async fn keep(
    store: &commons::files::Files,
    zip: &mut Zip,
    folder: &str,
    file: &SourceFile,
) -> Result<Option<String>> {
    let Ok(hash) = file.sha256.parse::<FileHash>() else {
        return Ok(None);
    };
    let bytes = match store.get(hash).await {
        Ok(bytes) => bytes,
        Err(Error::NotFound) => return Ok(None),
        Err(Error::Unavailable(m)) if m.key == "file-damaged" => return Ok(None),
        Err(other) => return Err(other),
    };
    let path = format!("{folder}/{}-{}", &file.sha256[..8], plain(&file.name));
    zip.add(&path, &bytes, false).await?;
    Ok(Some(path))
}

async fn table_of_records(zip: &mut Zip, t: &impl Fn(&str) -> String, part: &Part) -> Result<()> {
    let header = [
        "draw-date",
        "draw-record",
        "unit",
        "pack-people",
        "pack-late",
        "pack-declared",
        "pack-evidence",
        "pack-where",
    ]
    .map(t);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let yes = |b: bool| match b {
        true => Cell::from(t("pack-yes")),
        false => Cell::Empty,
    };
    let rows = part.records.iter().map(|r| {
        vec![
            r.date.into(),
            r.title.as_str().into(),
            r.unit.as_str().into(),
            (r.persons as i64).into(),
            yes(r.late),
            yes(r.declared),
            (r.files.iter().filter(|f| f.path.is_some()).count() as i64).into(),
            r.href.as_str().into(),
        ]
    });
    let name = t("pack-file-records");
    let path = format!("{}/{name}.xlsx", part.folder);
    zip.add(&path, &xlsx(&name, &header, rows)?, false).await
}

/// The catalogue as a workbook: parts, files, what is missing.
fn catalogue(book: &Catalogue, t: &impl Fn(&str) -> String) -> Result<Vec<u8>> {
    let heads = [
        &[
            "pack-part",
            "pack-basis",
            "pack-folder",
            "pack-done",
            "pack-due",
            "pack-records",
            "pack-bare",
            "pack-evidence",
            "pack-missing",
        ][..],
        &[
            "pack-part",
            "draw-date",
            "draw-record",
            "pack-file",
            "pack-path",
            "pack-bytes",
            "pack-hash",
        ],
        &["pack-part", "unit", "pack-what-is", "pack-why"],
    ];
    let heads: Vec<Vec<String>> = heads
        .iter()
        .map(|h| h.iter().map(|k| t(k)).collect())
        .collect();
    let heads: Vec<Vec<&str>> = heads
        .iter()
        .map(|h| h.iter().map(String::as_str).collect())
        .collect();
    let number = |n: usize| Cell::Int(n as i64);
    let parts = book.parts.iter().map(|p| {
        let (done, due) = match p.standing {
            Some((done, due)) => (number(done), number(due)),
            None => (Cell::Empty, Cell::Empty),
        };
        vec![
            p.name.as_str().into(),
            p.basis.as_str().into(),
            p.folder.as_str().into(),
            done,
            due,
            number(p.records.len()),
            number(p.bare),
            number(p.files),
            number(p.missing),
        ]
    });
    let of_part = |p: &'_ Part| -> Vec<Vec<Cell>> {
        let of_record = |r: &Record| -> Vec<Vec<Cell>> {
            let line = |f: &FileLine| {
                let path = f.path.clone().unwrap_or_else(|| t("pack-file-gone"));
                vec![
                    p.name.as_str().into(),
                    r.date.into(),
                    r.title.as_str().into(),
                    f.name.as_str().into(),
                    path.into(),
                    f.size.into(),
                    f.sha256.as_str().into(),
                ]
            };
            r.files.iter().map(line).collect()
        };
        p.records.iter().flat_map(of_record).collect()
    };
    let files = book.parts.iter().flat_map(of_part).take(10 * LISTED);
    let missing = book.missing.iter().map(|m| {
        [&m.part, &m.unit, &m.what, &m.why]
            .map(|s| Cell::from(s.as_str()))
            .to_vec()
    });
    type Rows<'r> = Box<dyn Iterator<Item = Vec<Cell>> + 'r>;
    let rows: [Rows<'_>; 3] = [Box::new(parts), Box::new(files), Box::new(missing)];
    let names = ["pack-sheet-parts", "pack-sheet-files", "pack-sheet-missing"].map(t);
    let sheets = names.iter().zip(&heads).zip(rows);
    workbook(sheets.map(|((name, header), rows)| SheetOut { name, header, rows }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_masked_and_paths_stay_inside() {
        assert_eq!(masked("林晓岚"), "林**");
        assert_eq!(masked("林晓岚 – 周宁"), "林** – 周*");
        assert_eq!(masked(""), "");
        assert_eq!(plain("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(plain("会议 记录.pdf"), "会议 记录.pdf");
        assert!(plain(&"长".repeat(300)).chars().count() <= 60);
    }
}
