//! Samples (样例): every template of every module is rendered in every language by one test.

use kernel::{AccountId, Env, Id, Scope};

use crate::lang::MISSING;
use crate::shell::{Brand, View, menu};
use crate::{Lang, MenuEntry, Module, Principal, assemble, own};

/// What must not stand in any page: it would not work under the content security policy or shows
/// that a text is missing.
const BANNED: [(&str, &str); 5] = [
    (" style=\"", "inline style"),
    ("<style", "inline style"),
    ("<script>", "inline script"),
    (" onclick=", "inline script"),
    ("{$", "an argument of a message is missing"),
];

/// Renders every template in every language with its samples and names every fault: a template
/// without sample, a sample without template, an undefined value, a missing text or icon, anything
/// that the content security policy would block.
pub fn problems(mut modules: Vec<Module>, env: &Env) -> Vec<String> {
    modules.insert(0, own::module());
    let (templates, catalog) = match assemble::templates(&modules, env) {
        Ok(found) => found,
        Err(e) => return vec![e.to_string()],
    };
    let mut problems = catalog.problems();
    let entries: Vec<MenuEntry> = modules.iter().flat_map(|m| m.menu.clone()).collect();
    for module in &modules {
        for (name, source) in &module.templates {
            let own = module.name == own::NAME;
            if !own && !name.starts_with(&format!("{}/", module.name)) {
                problems.push(format!("{name}: not under the prefix {}/", module.name));
            }
            // Layout and macros are rendered through the pages that use them.
            let used = own && ["layout.html", "components.html"].contains(name);
            if !used && !module.samples.iter().any(|(of, _)| of == name) {
                problems.push(format!("{name}: no sample"));
            }
            for key in literal_keys(source) {
                if !catalog.has(key) {
                    problems.push(format!("{name}: no text for {key}"));
                }
            }
        }
        for entry in &module.menu {
            if !catalog.has(entry.label_key) {
                problems.push(format!("menu: no text for {}", entry.label_key));
            }
        }
        for (name, sample) in &module.samples {
            for lang in Lang::ALL {
                for view in [signed_in(lang, &entries), stranger(lang)] {
                    let page = templates.render(lang, name, view, sample);
                    let faults = match &page {
                        Err(e) => vec![e.to_string()],
                        Ok(html) => faults(html),
                    };
                    let at = |fault: &String| format!("{name} ({}): {fault}", lang.code());
                    problems.extend(faults.iter().map(at));
                }
            }
        }
    }
    problems.dedup();
    problems
}

fn faults(html: &str) -> Vec<String> {
    let mut faults: Vec<String> = BANNED
        .iter()
        .filter(|(part, _)| html.contains(part))
        .map(|(_, what)| (*what).to_owned())
        .collect();
    if let Some(at) = html.find(MISSING) {
        let key: String = html[at..]
            .chars()
            .take_while(|c| !c.is_whitespace())
            .take(60)
            .collect();
        faults.push(format!("text is missing: {key}"));
    }
    faults
}

/// Keys that a template names literally: `t("key"`.
fn literal_keys(source: &str) -> Vec<&str> {
    let mut keys = Vec::new();
    for (at, part) in source.match_indices("t(\"") {
        let before = source[..at].chars().next_back();
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
            && let Some((key, after)) = source[at + part.len()..].split_once('"')
            && !after.trim_start().starts_with('~')
        {
            keys.push(key);
        }
    }
    keys
}

fn signed_in(lang: Lang, entries: &[MenuEntry]) -> View {
    let mut principal = Principal::new(AccountId(Id([0; 16])), "林晓岚");
    for permission in entries.iter().filter_map(|e| e.permission) {
        principal = principal.with(permission, Scope::All);
    }
    View {
        name: Some(principal.name.clone()),
        initials: Some("晓岚".to_owned()),
        menu: menu(entries, &principal, "/"),
        sign_in: None,
        ..stranger(lang)
    }
}

fn stranger(lang: Lang) -> View {
    View {
        lang: lang.code(),
        size: "",
        theme: "light",
        brand: Brand::Blue,
        tenant: "澜州市司法局".to_owned(),
        name: None,
        initials: None,
        place: "/".to_owned(),
        menu: Vec::new(),
        search: true,
        account: true,
        desk: Some("x".to_owned()),
        notices: true,
        notice: Some("…".to_owned()),
        sign_in: Some("/sign-in?next=/".to_owned()),
        sign_out: true,
    }
}
