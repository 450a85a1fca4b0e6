//! How forms are shown: items in words.

use std::collections::HashMap;

use commons::forms::{Evidence, Form, Item, Kind};
use serde_json::{Value, json};
use web::Shell;
use web::view::Crumb;

use crate::drafting::decimal;
use crate::service::{FindingWords, Inspections};

/// The word of what an answer is.
pub(crate) fn kind_code(kind: &Kind) -> &'static str {
    match kind {
        Kind::Check => "check",
        Kind::Choice { .. } => "choice",
        Kind::Several { .. } => "several",
        Kind::Count { .. } => "count",
        Kind::Score { .. } => "score",
        Kind::Text { .. } => "text",
        Kind::Day => "day",
    }
}

/// The kinds that an item can have.
pub(crate) const KINDS: [&str; 7] = [
    "check", "choice", "several", "count", "score", "text", "day",
];

/// The word of when files go with an answer.
pub(crate) fn evidence_code(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Free => "free",
        Evidence::WhenDeficient => "when-deficient",
        Evidence::Always => "always",
    }
}

/// The name of a code among some words; the code itself where nobody knows it.
pub(crate) fn name_of<'w>(
    words: &'w [(String, commons::packs::Name)],
    code: &'w str,
    lang: &str,
) -> &'w str {
    let found = words.iter().find(|(c, _)| c == code);
    found.map_or(code, |(_, name)| name.get(lang))
}

/// What is asked beyond an answer: bounds and files, in words.
fn bounds(shell: &Shell, item: &Item) -> Vec<String> {
    let mut said = Vec::new();
    let mut say = |key: &str, n: String| said.push(shell.t_with(key, &[("n", &n)]));
    match &item.kind {
        Kind::Count { at_least, at_most } => {
            if let Some(n) = at_least {
                say("inspection-at-least", n.to_string());
            }
            if let Some(n) = at_most {
                say("inspection-at-most", n.to_string());
            }
        }
        Kind::Score {
            at_least: Some(n), ..
        } => say("inspection-at-least", decimal(*n)),
        _ => {}
    }
    if item.evidence != Evidence::Free {
        said.push(shell.t(&format!(
            "inspection-evidence-{}",
            evidence_code(item.evidence)
        )));
    }
    if !item.required {
        said.push(shell.t("inspection-item-optional"));
    }
    said
}

/// An item as pages show it.
pub(crate) fn item_view(
    shell: &Shell,
    form: &Form,
    item: &Item,
    words: &FindingWords,
    origins: &HashMap<String, String>,
) -> Value {
    let lang = shell.lang().code();
    let origin = form.inherited.get(&item.code).map(|base| {
        let name = origins.get(&base.form).unwrap_or(&base.form);
        let version = base.version.to_string();
        shell.t_with(
            "inspection-inherited",
            &[("form", name), ("version", &version)],
        )
    });
    let options: Vec<Value> = match &item.kind {
        Kind::Choice { options } | Kind::Several { options } => options
            .iter()
            .map(|o| {
                json!({ "code": o.code, "text": o.text.get(lang), "share": decimal(o.share * 100), "deficient": o.deficient })
            })
            .collect(),
        _ => Vec::new(),
    };
    json!({
        "code": item.code, "text": item.text.get(lang), "kind": kind_code(&item.kind),
        "kind_name": shell.t(&format!("inspection-kind-{}", kind_code(&item.kind))),
        "points": (item.points > 0).then(|| decimal(item.points)), "bounds": bounds(shell, item), "options": options,
        "origin": origin, "required": item.required, "clause": item.clause.as_ref().map(|c| c.get(lang)),
        "severity": (!item.severity.is_empty()).then(|| name_of(&words.severities, &item.severity, lang)),
        "field": (!item.field.is_empty()).then(|| name_of(&words.areas, &item.field, lang)),
        "evidence": evidence_code(item.evidence),
    })
}

/// The sections of a form as pages show them.
pub(crate) fn sections_view(
    shell: &Shell,
    form: &Form,
    words: &FindingWords,
    origins: &HashMap<String, String>,
) -> Vec<Value> {
    let lang = shell.lang().code();
    let sections = form.sections.iter().map(|s| {
        let items = s.items.iter();
        let items: Vec<Value> = items
            .map(|i| item_view(shell, form, i, words, origins))
            .collect();
        json!({ "code": s.code, "title": s.title.get(lang), "items": items })
    });
    sections.collect()
}

/// The points of a whole form; none where nothing is scored.
pub(crate) fn full(form: &Form) -> Option<String> {
    let points: i64 = form.items().map(|i| i.points).sum();
    (points > 0).then(|| decimal(points))
}

impl Inspections {
    /// What the forms are called from which a form inherits.
    pub(crate) async fn origins(
        &self,
        tx: &mut db::Tx,
        form: &Form,
        lang: &str,
    ) -> kernel::Result<HashMap<String, String>> {
        let mut names = HashMap::new();
        for base in form.inherited.values() {
            if !names.contains_key(&base.form)
                && let Some(t) = self.template(tx, &base.form, base.version).await?
            {
                names.insert(base.form.clone(), t.name.get(lang).to_owned());
            }
        }
        Ok(names)
    }
}

/// The way to a page below a list.
pub(crate) fn crumbs(shell: &Shell, label: &str, href: &str) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t(label),
        href: href.into(),
    }]
}

/// Thousandths of a whole in percent, with a decimal where there is one.
pub(crate) fn percent(share: i64) -> String {
    match share % 10 {
        0 => format!("{}%", share / 10),
        part => format!("{}.{part}%", share / 10),
    }
}
