//! Routes (审批流程): who decides about what, in which order. Data of packs.

use std::collections::HashSet;

use commons::packs::{Name, PackProblem, Packs, is_kebab};
use kernel::{Date, Msg};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Who decides in a step; one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Who {
    /// Holders of a role of the packs on the unit.
    Role(String),
    /// Holders of a permission on the unit.
    Permission(String),
    /// Those of the unit who serve in this post (职务).
    Post(String),
    /// Those of the unit with a value of an attribute: `leading.chief`.
    Attribute(String),
    /// One person, by staff number.
    Person(String),
    /// Members of a body with this name, in a role of it or in any: `机关党委.secretary`.
    Body(String),
    /// Those who are in charge (分管) of the unit.
    InCharge,
}

/// In which unit they are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// In the unit, or in the nearest unit above it that has somebody.
    #[default]
    Nearest,
    /// In the unit alone.
    Unit,
    /// In the nearest unit above it.
    Above,
}

/// How many must agree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// One of them.
    #[default]
    Any,
    /// Every one (会签).
    All,
}

/// What happens when the time limit has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overdue {
    /// They are reminded, once a working day.
    #[default]
    Remind,
    /// It passes on to those who would decide one unit higher.
    Superior,
}

/// A step of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Step {
    /// Name.
    pub name: Name,
    /// Who decides.
    pub who: Who,
    /// In which unit they are looked for.
    #[serde(default)]
    pub at: At,
    /// How many must agree.
    #[serde(default)]
    pub mode: Mode,
    /// Time limit in working days; none: no limit.
    #[serde(default)]
    pub days: Option<u16>,
    /// What happens after it.
    #[serde(default)]
    pub overdue: Overdue,
    /// Whether it may be handed over to somebody else (转办).
    #[serde(default = "yes")]
    pub delegate: bool,
    /// Whether agreeing is a signature (签名): the password is asked for again.
    #[serde(default)]
    pub signature: bool,
}

fn yes() -> bool {
    true
}

/// The route of a kind, from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Route {
    /// Code of the kind.
    pub kind: String,
    /// From when it holds; what was asked for before keeps its route.
    pub from: String,
    /// Who asked, or whom it is about, may decide too. Seldom right.
    #[serde(default)]
    pub own: bool,
    /// Who decided in a step decides in no later one.
    #[serde(default = "yes")]
    pub four_eyes: bool,
    /// Steps in order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Section {
    #[serde(default)]
    approval_route: Vec<Spanned<Route>>,
}

/// All routes of all packs.
#[derive(Debug, Clone, Default)]
pub struct Routes(Vec<(Date, Route)>);

impl Routes {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut found: Vec<(Date, Route)> = Vec::new();
        let mut problems = Vec::new();
        let mut seen = HashSet::new();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.approval_route {
                let span = spanned.span();
                let route = spanned.into_inner();
                let mut wrong = |key, what: &str| {
                    problems.push(pack.problem_at(span.clone(), Msg::new(key).with("what", what)));
                };
                if !is_kebab(&route.kind) {
                    wrong("approvals-route-kind", &route.kind);
                }
                if route.steps.is_empty() {
                    wrong("approvals-route-empty", &route.kind);
                }
                if route.steps.iter().any(|s| s.days == Some(0)) {
                    wrong("approvals-route-days", &route.kind);
                }
                for step in &route.steps {
                    if let Who::Attribute(text) = &step.who
                        && !text.contains('.')
                    {
                        wrong("approvals-route-attribute", text);
                    }
                }
                let Some(from) = kernel::parse_date(&route.from) else {
                    wrong("approvals-route-from", &route.from);
                    continue;
                };
                if !seen.insert((route.kind.clone(), from)) {
                    wrong("approvals-route-twice", &route.kind);
                }
                found.push((from, route));
            }
        }
        found.sort_by_key(|(from, _)| *from);
        if problems.is_empty() {
            Ok(Self(found))
        } else {
            Err(problems)
        }
    }

    /// The route of a kind on a day.
    pub fn on(&self, kind: &str, day: Date) -> Option<&Route> {
        let known = self.0.iter().rev();
        let mut known = known.filter(|(from, route)| *from <= day && route.kind == kind);
        known.next().map(|(_, route)| route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Routes, Vec<PackProblem>> {
        let head = "[pack]\ncode = \"t\"\nversion = \"1\"\nname = { zh = \"甲\", en = \"A\" }\n";
        let packs = Packs::load(vec![("t.toml".to_owned(), format!("{head}{text}"))]);
        Routes::read(&packs.expect("a pack"))
    }

    #[test]
    fn a_route_holds_from_its_day() {
        let step = "[[approval-route.step]]\nname = { zh = \"甲\", en = \"A\" }\nwho = { role = \"leader\" }\n";
        let routes = read(&format!(
            "[[approval-route]]\nkind = \"x\"\nfrom = \"2026-03-01\"\n{step}{step}\
             [[approval-route]]\nkind = \"x\"\nfrom = \"2026-01-01\"\n{step}"
        ))
        .unwrap();
        let steps = |m| {
            routes
                .on("x", Date::constant(2026, m, 1))
                .map(|r| r.steps.len())
        };
        assert_eq!((steps(2), steps(3)), (Some(1), Some(2)));
        assert_eq!(routes.on("x", Date::constant(2025, 12, 31)), None);
        assert_eq!(routes.on("y", Date::constant(2026, 3, 1)), None);
        let first = &routes.on("x", Date::constant(2026, 3, 1)).unwrap();
        assert!(first.four_eyes && !first.own && first.steps[0].delegate);
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let step = "[[approval-route.step]]\nname = { zh = \"甲\", en = \"A\" }\nwho = { attribute = \"x\" }\ndays = 0\n";
        let text = format!("[[approval-route]]\nkind = \"X x\"\nfrom = \"soon\"\n{step}");
        let problems = read(&text).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|p| (p.line, p.reason.key)).collect();
        let at = |key| (5, key);
        assert_eq!(
            keys,
            [
                at("approvals-route-kind"),
                at("approvals-route-days"),
                at("approvals-route-attribute"),
                at("approvals-route-from")
            ]
        );
    }
}
