//! The catalogue of an inspection pack (目录), as a page that is opened from the unpacked folder and printed.

use std::fmt::Write;

use kernel::{Date, format_date};
use web::Lang;

/// So many records of a part, and lines of what is missing, are on the page; the tables have all.
const SHOWN: usize = 500;

/// Everything that a pack holds and lacks.
#[derive(Default)]
pub(crate) struct Catalogue {
    pub title: String,
    pub about: Vec<String>,
    pub period: String,
    pub at: String,
    pub size: i64,
    pub names: bool,
    pub drawn: bool,
    pub parts: Vec<Part>,
    pub missing: Vec<Missing>,
    pub missing_in_all: usize,
}

impl Catalogue {
    /// Counts what is missing; lists it while there is room.
    pub fn miss(&mut self, most: usize, line: impl FnOnce() -> Missing) {
        self.missing_in_all += 1;
        if self.missing.len() < most {
            self.missing.push(line());
        }
    }
}

/// A rule, a kind of activity or a register.
#[derive(Default)]
pub(crate) struct Part {
    pub name: String,
    pub basis: String,
    pub folder: String,
    /// Done, and due by now.
    pub standing: Option<(usize, usize)>,
    pub tables: Vec<String>,
    pub records: Vec<Record>,
    pub files: usize,
    /// Records without a file.
    pub bare: usize,
    pub missing: usize,
}

/// A record behind a part.
pub(crate) struct Record {
    pub date: Date,
    pub title: String,
    pub unit: String,
    pub persons: usize,
    pub late: bool,
    pub declared: bool,
    pub href: String,
    pub files: Vec<FileLine>,
}

/// A file of a record; without a path it is missing.
pub(crate) struct FileLine {
    pub name: String,
    pub path: Option<String>,
    pub size: i64,
    pub sha256: String,
}

/// Something that should be there and is not.
pub(crate) struct Missing {
    pub part: String,
    pub unit: String,
    pub what: String,
    pub why: String,
}

fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c => out.push(c),
        }
    }
    out
}

fn link(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(web::encode).collect();
    parts.join("/")
}

fn row(out: &mut String, cell: &str, cells: &[String]) {
    *out += "<tr>";
    for text in cells {
        let _ = write!(out, "<{cell}>{text}</{cell}>");
    }
    *out += "</tr>\n";
}

/// The page; it needs nothing but itself and the files beside it.
pub(crate) fn html(book: &Catalogue, lang: Lang, t: &impl Fn(&str) -> String) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{}</title><style>body{{font:16px/1.6 sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem}}\
         table{{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}}th,td{{border:1px solid #999;padding:.25rem .5rem;text-align:left;\
         vertical-align:top;overflow-wrap:anywhere}}tr{{break-inside:avoid}}@media print{{body{{margin:0;max-width:none}}}}</style></head><body>\n<h1>{}</h1>\n",
        lang.code(),
        safe(&book.title),
        safe(&book.title)
    );
    let about = safe(&book.about.join("、"));
    let _ = writeln!(
        out,
        "<p>{about}<br>{}<br>{} {} · {} {}</p>",
        safe(&book.period),
        t("pack-made-at"),
        safe(&book.at),
        t("pack-ledger-size"),
        book.size
    );
    let said = match book.names {
        true => t("pack-names-are"),
        false => t("pack-names-are-not"),
    };
    let _ = write!(out, "<p>{}</p>\n<p>{}</p>\n", said, t("pack-files-as-are"));
    if book.drawn {
        let _ = writeln!(out, "<p>{}</p>", t("pack-only-drawn"));
    }
    let _ = writeln!(out, "<h2>{}</h2><table>", t("pack-sheet-parts"));
    let heads = [
        "pack-part",
        "pack-basis",
        "pack-done-of-due",
        "pack-records",
        "pack-bare",
        "pack-evidence",
        "pack-missing",
    ];
    row(&mut out, "th", &heads.map(t));
    for (i, p) in book.parts.iter().enumerate() {
        let standing = p
            .standing
            .map_or_else(|| "—".to_owned(), |(done, due)| format!("{done} / {due}"));
        let cells = [
            format!("<a href=\"#p{i}\">{}</a>", safe(&p.name)),
            safe(&p.basis),
            standing,
            p.records.len().to_string(),
            p.bare.to_string(),
            p.files.to_string(),
            p.missing.to_string(),
        ];
        row(&mut out, "td", &cells);
    }
    let _ = writeln!(out, "</table>\n<h2>{}</h2>", t("pack-sheet-missing"));
    match book.missing.is_empty() {
        true => {
            let _ = writeln!(out, "<p>{}</p>", t("pack-nothing-missing"));
        }
        false => {
            out += "<table>";
            row(
                &mut out,
                "th",
                &["pack-part", "unit", "pack-what-is", "pack-why"].map(t),
            );
            for m in book.missing.iter().take(SHOWN) {
                row(
                    &mut out,
                    "td",
                    &[&m.part, &m.unit, &m.what, &m.why].map(|s| safe(s)),
                );
            }
            out += "</table>";
            more(&mut out, book.missing_in_all, t);
        }
    }
    for (i, p) in book.parts.iter().enumerate() {
        of_part(&mut out, i, p, t);
    }
    out += "</body></html>\n";
    out
}

fn more(out: &mut String, all: usize, t: &impl Fn(&str) -> String) {
    if all > SHOWN {
        let _ = writeln!(out, "<p>{} ({SHOWN} / {all})</p>", t("pack-more"));
    }
}

fn of_part(out: &mut String, i: usize, p: &Part, t: &impl Fn(&str) -> String) {
    let _ = writeln!(out, "<h2 id=\"p{i}\">{}</h2>", safe(&p.name));
    for table in &p.tables {
        let _ = writeln!(
            out,
            "<p><a href=\"{}\">{}</a></p>",
            link(table),
            safe(table)
        );
    }
    if p.records.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", t("pack-no-records"));
        return;
    }
    *out += "<table>";
    row(
        out,
        "th",
        &["draw-date", "draw-record", "unit", "pack-evidence"].map(t),
    );
    for r in p.records.iter().take(SHOWN) {
        let files: Vec<String> = r
            .files
            .iter()
            .map(|f| match &f.path {
                Some(path) => format!("<a href=\"{}\">{}</a>", link(path), safe(&f.name)),
                None => format!("{} ({})", safe(&f.name), t("pack-file-gone")),
            })
            .collect();
        let files = match files.is_empty() {
            true => t("pack-no-file"),
            false => files.join("<br>"),
        };
        let marks = [(r.late, "pack-late"), (r.declared, "pack-declared")];
        let marks: String = marks
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, key)| format!(" [{}]", t(key)))
            .collect();
        let cells = [
            format_date(r.date),
            safe(&r.title) + &marks,
            safe(&r.unit),
            files,
        ];
        row(out, "td", &cells);
    }
    *out += "</table>";
    more(out, p.records.len(), t);
}
