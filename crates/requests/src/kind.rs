//! Kinds of requests (事项类型), from packs: what they are called, how much time there usually is, who is reminded when.

use commons::deadlines::Step;
use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

/// A kind of request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKind {
    /// Code, kept with requests.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Days that there usually are.
    pub days: i64,
    /// Whether working days are meant.
    pub working: bool,
    /// Steps from the day it is due on which those of whom it was asked are reminded.
    pub remind: Vec<Step>,
    /// Steps on which whoever is in charge of them, and whoever asked, are told.
    pub escalate: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    name: Name,
    days: i64,
    #[serde(default)]
    working: bool,
    #[serde(default)]
    remind: Vec<String>,
    #[serde(default)]
    escalate: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    request_kind: Vec<Spanned<Row>>,
}

/// All kinds, in the order of the packs.
#[derive(Debug, Clone, Default)]
pub struct RequestKinds(Vec<RequestKind>);

impl RequestKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut list, mut problems): (Vec<RequestKind>, _) = (Vec::new(), Vec::new());
        for (pack, tables) in packs.read::<Tables>()? {
            for row in tables.request_kind {
                let (span, row) = (row.span(), row.into_inner());
                let steps = |texts: &[String]| -> Option<Vec<Step>> {
                    texts.iter().map(|text| Step::parse(text)).collect()
                };
                let (remind, escalate) = (steps(&row.remind), steps(&row.escalate));
                let known = list.iter().any(|k| k.code == row.code);
                let sane = is_kebab(&row.code) && !known && (1..=366).contains(&row.days);
                match (remind, escalate) {
                    (Some(remind), Some(escalate)) if sane => list.push(RequestKind {
                        code: row.code,
                        name: row.name,
                        days: row.days,
                        working: row.working,
                        remind,
                        escalate,
                    }),
                    _ => {
                        let message = Msg::new("requests-kind-wrong").with("code", &row.code);
                        problems.push(pack.problem_at(span, message));
                    }
                }
            }
        }
        none_or(problems, Self(list))
    }

    /// The kind with a code.
    pub fn get(&self, code: &str) -> Option<&RequestKind> {
        self.0.iter().find(|k| k.code == code)
    }

    /// Every kind.
    pub fn iter(&self) -> std::slice::Iter<'_, RequestKind> {
        self.0.iter()
    }
}
