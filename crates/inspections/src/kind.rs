//! What packs bring: checklists (检查表) in versions, and kinds of inspections (检查方式) with their rules.

use std::collections::BTreeSet;

use commons::forms::{Base, Item, Section, Stricter, Template, resolve};
use commons::packs::{Name, PackProblem, PackRef, Packs, is_kebab, none_or};
use kernel::{Date, Msg};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// How something is looked at (检查方式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Each unit looks at itself, the next level looks it over (自查).
    #[serde(rename = "self")]
    Own,
    /// A team looks at units (督导检查).
    Inspection,
    /// A team looks at files by their numbers, drawn at random (案卷评查).
    Review,
}

/// A kind of inspection; its code is the role of its facts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InspectionKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// How it goes.
    pub mode: Mode,
    /// Whoever belonged to a unit within so many months before does not look at it (回避期).
    #[serde(default)]
    pub recusal_months: i32,
    /// Days in which the unit that was looked at may object (异议期).
    #[serde(default)]
    pub objection_days: i32,
    /// Kind of case that findings become; empty: the first.
    #[serde(default)]
    pub case_kind: String,
    /// Where findings come from, by the vocabulary of cases.
    #[serde(default)]
    pub origin: String,
}

/// A form of a pack, as it is written down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    code: String,
    version: i64,
    from: String,
    name: Name,
    #[serde(default)]
    extends: Option<Base>,
    #[serde(default)]
    basis: Option<Name>,
    #[serde(default)]
    section: Vec<SectionRow>,
    #[serde(default)]
    stricter: Vec<Spanned<Stricter>>,
    #[serde(default = "one")]
    smallest_group: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionRow {
    code: Spanned<String>,
    title: Name,
    #[serde(default)]
    item: Vec<Spanned<Item>>,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    form: Vec<Spanned<Row>>,
    #[serde(default)]
    inspection_kind: Vec<Spanned<InspectionKind>>,
}

/// A version of a form that a pack or a file brings.
#[derive(Debug, Clone)]
pub struct Brought {
    /// What it says.
    pub template: Template,
    /// Its version, from 1.
    pub version: i64,
    /// The first day on which it holds.
    pub from: Date,
    /// Code of its pack; empty for a file.
    pub pack: String,
    /// Where it stands: for a problem that only the kept versions show.
    at: Option<(PackRef, std::ops::Range<usize>)>,
}

impl Brought {
    /// A problem with it as a whole.
    pub(crate) fn problem(&self, reason: Msg) -> Option<PackProblem> {
        let (pack, span) = self.at.as_ref()?;
        Some(pack.problem_at(span.clone(), reason))
    }
}

/// Where parts of a form stand in its file, by code.
type Places = Vec<(String, std::ops::Range<usize>)>;

fn brought(row: Row, pack: &str) -> (Option<Brought>, Places) {
    let mut places = Places::new();
    let mut sections = Vec::new();
    for section in row.section {
        places.push((section.code.get_ref().clone(), section.code.span()));
        let mut items = Vec::new();
        for item in section.item {
            places.push((item.get_ref().code.clone(), item.span()));
            items.push(item.into_inner());
        }
        sections.push(Section {
            code: section.code.into_inner(),
            title: section.title,
            items,
        });
    }
    let mut stricter = Vec::new();
    for rule in row.stricter {
        places.push((rule.get_ref().item.clone(), rule.span()));
        stricter.push(rule.into_inner());
    }
    let from = kernel::parse_date(&row.from);
    let made = from.filter(|_| row.version >= 1).map(|from| Brought {
        template: Template {
            code: row.code,
            name: row.name,
            extends: row.extends,
            basis: row.basis,
            sections,
            stricter,
            smallest_group: row.smallest_group,
        },
        version: row.version,
        from,
        pack: pack.to_owned(),
        at: None,
    });
    (made, places)
}

/// Checklists and kinds of inspections of all packs.
#[derive(Debug, Clone, Default)]
pub struct Checklists {
    forms: Vec<Brought>,
    kinds: Vec<InspectionKind>,
}

impl Checklists {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut read, mut problems) = (Self::default(), Vec::new());
        let mut placed = Vec::new();
        for (pack, tables) in packs.read::<Tables>()? {
            for kind in tables.inspection_kind {
                let (span, kind) = (kind.span(), kind.into_inner());
                let twice = read.kinds.iter().any(|k| k.code == kind.code);
                let months = (0..=120).contains(&kind.recusal_months);
                if twice
                    || !is_kebab(&kind.code)
                    || !months
                    || !(0..=90).contains(&kind.objection_days)
                {
                    let reason = Msg::new("inspection-kind-wrong").with("code", &kind.code);
                    problems.push(pack.problem_at(span, reason));
                }
                read.kinds.push(kind);
            }
            for row in tables.form {
                let span = row.span();
                let (code, version) = (row.get_ref().code.clone(), row.get_ref().version);
                let (made, places) = brought(row.into_inner(), &pack.code);
                let Some(mut made) = made else {
                    let reason = Msg::new("inspection-form-version").with("code", &code);
                    problems.push(pack.problem_at(span, reason));
                    continue;
                };
                let same = |b: &Brought| b.template.code == code && b.version == version;
                if read.forms.iter().any(same) {
                    let reason = Msg::new("inspection-form-twice")
                        .with("code", &code)
                        .with("version", version);
                    problems.push(pack.problem_at(span.clone(), reason));
                }
                made.at = Some((pack.clone(), span.clone()));
                placed.push((pack.clone(), span, places));
                read.forms.push(made);
            }
        }
        let known = |base: &Base| {
            let found = read.forms.iter();
            let mut found =
                found.filter(|b| b.template.code == base.form && b.version == base.version);
            found.next().map(|b| &b.template)
        };
        for (form, (pack, span, places)) in read.forms.iter().zip(&placed) {
            for mistake in resolve(&form.template, form.version, &known)
                .err()
                .unwrap_or_default()
            {
                // What is said about an item points to the line of the item, not of the form.
                let place = places.iter().find(|(code, _)| *code == mistake.at);
                let at = place.map_or_else(|| span.clone(), |(_, span)| span.clone());
                let form = form.template.code.clone();
                problems.push(pack.problem_at(at, mistake.reason.with("in", form)));
            }
        }
        none_or(problems, read)
    }

    /// The forms of a file as it was exported; a mistake says where.
    pub fn read_file(text: &str) -> Result<Vec<Brought>, Msg> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let tables: Tables = toml::from_str(text).map_err(|e| {
            Msg::new("inspection-file-wrong")
                .with("line", line(e.span().map_or(0, |s| s.start)))
                .with("detail", e.message().trim())
        })?;
        let mut forms = Vec::new();
        for row in tables.form {
            let (span, code) = (row.span(), row.get_ref().code.clone());
            let (made, _) = brought(row.into_inner(), "");
            forms.push(made.ok_or_else(|| {
                Msg::new("inspection-file-wrong")
                    .with("line", line(span.start))
                    .with("detail", format!("{code}: version, from"))
            })?);
        }
        match forms.is_empty() {
            true => Err(Msg::new("inspection-file-empty")),
            false => Ok(forms),
        }
    }

    /// The forms, in the order of the packs.
    pub fn forms(&self) -> &[Brought] {
        &self.forms
    }

    /// The kinds of inspections, in the order of the packs.
    pub fn kinds(&self) -> &[InspectionKind] {
        &self.kinds
    }

    /// A kind by its code.
    pub fn kind(&self, code: &str) -> Option<&InspectionKind> {
        self.kinds.iter().find(|k| k.code == code)
    }

    /// Codes of forms that packs bring: nobody else makes versions of them.
    pub fn codes(&self) -> BTreeSet<&str> {
        self.forms
            .iter()
            .map(|b| b.template.code.as_str())
            .collect()
    }
}

#[derive(Serialize)]
struct Out<'t> {
    form: [OutRow<'t>; 1],
}

#[derive(Serialize)]
struct OutRow<'t> {
    version: i64,
    from: String,
    #[serde(flatten)]
    template: &'t Template,
}

/// A version of a form as a file that [`Checklists::read_file`] and packs read.
pub fn write_file(template: &Template, version: i64, from: Date) -> kernel::Result<String> {
    let row = OutRow {
        version,
        from: kernel::format_date(from),
        template,
    };
    toml::to_string_pretty(&Out { form: [row] }).map_err(kernel::Error::internal)
}
