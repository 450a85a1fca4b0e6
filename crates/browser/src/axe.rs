//! Accessibility, by axe-core.

use serde::Deserialize;

pub(crate) const SOURCE: &str = include_str!("../vendor/axe.min.js");

/// Runs the rules of WCAG 2.0 to 2.2, levels A and AA.
pub(crate) const RUN: &str = "axe.run(document, {
  resultTypes: ['violations'],
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
}).then(result => result.violations.map(v => ({
  rule: v.id,
  impact: v.impact || 'minor',
  help: v.help,
  places: v.nodes.map(n => n.target.join(' ')),
})))";

/// Something that keeps people from using the page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Violation {
    /// Name of the rule.
    pub rule: String,
    /// `serious` or `critical`.
    pub impact: String,
    /// What the rule asks for.
    pub help: String,
    /// Selectors of the elements.
    pub places: Vec<String>,
}

impl Violation {
    /// Whether it keeps people out, and is not merely unpleasant.
    pub(crate) fn is_grave(&self) -> bool {
        matches!(self.impact.as_str(), "serious" | "critical")
    }
}
