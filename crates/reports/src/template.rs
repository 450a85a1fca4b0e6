//! Report templates, brought by packs: sentences with `{unit}`, `{period}` and `{indicator}` in them, the last
//! also as `{indicator:yoy}`, `{indicator:over}` (余), `{indicator:many}` (多), `{indicator:at-least}` (以上) and
//! `{indicator:up-to}` (可达), which print the exact value as sentences round it; `{benchmark:indicator}` prints the
//! external figures beside it, each with its source.

use commons::packs::levels::Levels;
use commons::packs::{Name, PackProblem, Packs};
use indicators::{IndicatorList, Style};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

use crate::{Check, Schedule};

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Title.
    pub title: Name,
    /// Paragraphs.
    pub paragraphs: Vec<Name>,
    /// Whether it is a form with blanks (填空): a blank under which there is no record stays open and is listed,
    /// where a narrative says nought.
    #[serde(default)]
    pub form: bool,
    /// Level of secrecy of a report of which nothing else is said; none: the usual one.
    #[serde(default)]
    pub level: Option<String>,
    /// Codes of the indicators in the table.
    pub table: Vec<String>,
    /// When it is drafted by itself; none: only when somebody makes one.
    #[serde(default)]
    pub schedule: Option<Schedule>,
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Unit,
    Period,
    Value(String, Style),
    Yoy(String),
    /// External figures with their source.
    Benchmark(String),
}

/// Splits a sentence; `None` when a brace is not closed or a style is unknown.
pub(crate) fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            found.push(Piece::Text(rest[..open].to_owned()));
        }
        let close = rest[open..].find('}')? + open;
        found.push(match &rest[open + 1..close] {
            "unit" => Piece::Unit,
            "period" => Piece::Period,
            name => match name.split_once(':') {
                None => Piece::Value(name.to_owned(), Style::Exact),
                Some((code, "yoy")) => Piece::Yoy(code.to_owned()),
                Some(("benchmark", code)) => Piece::Benchmark(code.to_owned()),
                Some((code, style)) => Piece::Value(code.to_owned(), Style::from_code(style)?),
            },
        });
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest.to_owned()));
    }
    Some(found)
}

impl Template {
    /// The codes of all indicators that are printed, each once.
    pub fn codes(&self) -> Vec<String> {
        let mut codes = self.table.clone();
        for name in self.paragraphs.iter().chain([&self.title]) {
            for text in [&name.zh, &name.en] {
                for piece in pieces(text).unwrap_or_default() {
                    if let Piece::Value(code, _) | Piece::Yoy(code) = piece
                        && !codes.contains(&code)
                    {
                        codes.push(code);
                    }
                }
            }
        }
        codes
    }
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    report: Vec<Spanned<Template>>,
    #[serde(default, rename = "report-check")]
    check: Vec<Spanned<Check>>,
}

/// All templates of all packs, and what is looked at before a report is kept.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    list: Vec<Template>,
    checks: Vec<Check>,
}

impl Templates {
    /// Reads them from packs; names every mistake with its line, indicators that do not exist too.
    pub fn read(packs: &Packs, indicators: &IndicatorList) -> Result<Self, Vec<PackProblem>> {
        let mut list: Vec<Template> = Vec::new();
        let mut checks: Vec<Check> = Vec::new();
        let mut problems = Vec::new();
        // Mistakes in the levels are named by whoever reads them.
        let levels = Levels::read(packs).unwrap_or_default();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.check {
                let span = spanned.span();
                let check = spanned.into_inner();
                let twice = checks.iter().any(|k| k.code == check.code);
                let empty = |list: &[String]| list.is_empty() || list.iter().any(String::is_empty);
                if twice || !commons::packs::is_kebab(&check.code) {
                    let code = Msg::new("report-code").with("code", &check.code);
                    problems.push(pack.problem_at(span.clone(), code));
                }
                if empty(&check.words) || empty(&check.fits) {
                    let what = Msg::new("report-check-empty").with("code", &check.code);
                    problems.push(pack.problem_at(span, what));
                }
                checks.push(check);
            }
            for spanned in section.report {
                let span = spanned.span();
                let t = spanned.into_inner();
                let mut wrong =
                    |message: Msg| problems.push(pack.problem_at(span.clone(), message));
                if !commons::packs::is_kebab(&t.code) || list.iter().any(|k| k.code == t.code) {
                    wrong(Msg::new("report-code").with("code", &t.code));
                }
                if let Some(level) = t.level.as_ref().filter(|l| levels.get(l).is_none()) {
                    wrong(
                        Msg::new("report-level-unknown")
                            .with("code", &t.code)
                            .with("level", level),
                    );
                }
                if t.schedule.as_ref().is_some_and(|s| !s.is_possible()) {
                    wrong(Msg::new("report-schedule-wrong").with("code", &t.code));
                }
                let texts = t
                    .paragraphs
                    .iter()
                    .chain([&t.title])
                    .flat_map(|n| [&n.zh, &n.en]);
                for text in texts {
                    match pieces(text) {
                        None => wrong(Msg::new("report-brace").with("text", text)),
                        Some(pieces) => {
                            for piece in pieces {
                                let known = match &piece {
                                    Piece::Value(code, _) | Piece::Yoy(code) => {
                                        indicators.get(code).is_some()
                                    }
                                    Piece::Benchmark(code) => indicators
                                        .get(code)
                                        .is_some_and(|i| !i.benchmarks.is_empty()),
                                    _ => true,
                                };
                                if let Piece::Value(code, _)
                                | Piece::Yoy(code)
                                | Piece::Benchmark(code) = piece
                                    && !known
                                {
                                    wrong(Msg::new("report-indicator").with("code", code));
                                }
                            }
                        }
                    }
                }
                for code in t.table.iter().filter(|c| indicators.get(c).is_none()) {
                    wrong(Msg::new("report-indicator").with("code", code));
                }
                list.push(t);
            }
        }
        if problems.is_empty() {
            Ok(Self { list, checks })
        } else {
            Err(problems)
        }
    }

    /// A template by its code.
    pub fn get(&self, code: &str) -> Option<&Template> {
        self.list.iter().find(|t| t.code == code)
    }

    /// Words by which kinds of units speak of themselves.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Template> {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_split_and_mistakes_are_named() {
        assert_eq!(
            pieces("{unit}共{a}，{a:yoy}。").unwrap(),
            [
                Piece::Unit,
                Piece::Text("共".into()),
                Piece::Value("a".into(), Style::Exact),
                Piece::Text("，".into()),
                Piece::Yoy("a".into()),
                Piece::Text("。".into())
            ]
        );
        assert_eq!(
            pieces("{a:over}").unwrap(),
            [Piece::Value("a".into(), Style::Over)]
        );
        assert_eq!(
            pieces("{benchmark:a}").unwrap(),
            [Piece::Benchmark("a".into())]
        );
        assert_eq!(pieces("{unit"), None);
        assert_eq!(pieces("{a:nearly}"), None);
        let text = "[pack]\ncode = \"t\"\nname = { zh = \"t\", en = \"t\" }\nversion = \"1\"\n[[report]]\ncode = \"r\"\nname = { zh = \"x\", en = \"x\" }\ntitle = { zh = \"x\", en = \"x\" }\nparagraphs = [{ zh = \"{nobody}\", en = \"{open\" }]\ntable = [\"none\"]\n";
        let packs = Packs::load(vec![("t.toml".into(), text.into())]).unwrap();
        let problems = Templates::read(&packs, &IndicatorList::default()).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|p| (p.line, p.reason.key)).collect();
        assert_eq!(
            keys,
            [
                (5, "report-indicator"),
                (5, "report-brace"),
                (5, "report-indicator")
            ]
        );
    }
}
