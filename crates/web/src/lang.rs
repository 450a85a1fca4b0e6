//! Languages (语言) and the message catalog (文案目录): Fluent files of all modules, one bundle per language.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use fluent::concurrent::FluentBundle;
use fluent::{FluentArgs, FluentResource, FluentValue};
use kernel::Msg;

/// A language of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    /// Simplified Chinese (简体中文), the first language.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// Every language, the first one first.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// The BCP 47 tag, as in the `lang` attribute and the folder names of message files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The language of a tag; `zh`, `zh-Hans`, `en-GB` and the like count by their first part.
    pub fn from_code(tag: &str) -> Option<Self> {
        let first = tag.trim().split(['-', '_', ';']).next()?;
        Self::ALL
            .into_iter()
            .find(|lang| lang.code()[..2].eq_ignore_ascii_case(first))
    }

    /// The first language of an `Accept-Language` header that we have.
    pub fn negotiate(header: &str) -> Option<Self> {
        header.split(',').find_map(Self::from_code)
    }
}

/// Shown in place of a text that no message file has; the sample check looks for it.
pub(crate) const MISSING: char = '⟦';

/// All texts in all languages.
pub struct Catalog {
    bundles: BTreeMap<Lang, FluentBundle<FluentResource>>,
    variables: BTreeMap<Lang, BTreeMap<String, BTreeSet<String>>>,
    problems: Vec<String>,
}

impl Catalog {
    /// Reads the message files of all modules.
    pub fn new(files: impl IntoIterator<Item = (Lang, &'static str)>) -> Self {
        let mut catalog = Self {
            bundles: BTreeMap::new(),
            variables: BTreeMap::new(),
            problems: Vec::new(),
        };
        for lang in Lang::ALL {
            let tag = lang.code().parse().expect("our own tags are well formed");
            let mut bundle = FluentBundle::new_concurrent(vec![tag]);
            bundle.set_use_isolating(false);
            catalog.bundles.insert(lang, bundle);
            catalog.variables.insert(lang, BTreeMap::new());
        }
        for (lang, source) in files {
            catalog.add(lang, source);
        }
        catalog
    }

    fn add(&mut self, lang: Lang, source: &'static str) {
        let (resource, errors) = match FluentResource::try_new(source.to_owned()) {
            Ok(resource) => (resource, Vec::new()),
            Err(broken) => broken,
        };
        for e in errors {
            self.problems.push(format!("{}: {e}", lang.code()));
        }
        if let Some(bundle) = self.bundles.get_mut(&lang)
            && let Err(errors) = bundle.add_resource(resource)
        {
            for e in errors {
                self.problems.push(format!("{}: {e}", lang.code()));
            }
        }
        let variables = self.variables.entry(lang).or_default();
        let mut key = String::new();
        for line in source.lines() {
            let indented = line.starts_with([' ', '\t', '}']);
            if !indented && let Some((name, _)) = line.split_once('=') {
                key = name.trim().to_owned();
                if line.starts_with('#') || key.starts_with('-') {
                    key.clear();
                } else {
                    variables.entry(key.clone()).or_default();
                }
            }
            if let Some(names) = variables.get_mut(&key) {
                for part in line.split('$').skip(1) {
                    let word = part.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
                    names.extend(word.into_iter().next().map(str::to_owned));
                }
            }
        }
    }

    /// Whether some language has the key.
    pub fn has(&self, key: &str) -> bool {
        self.bundles.values().any(|b| b.has_message(key))
    }

    /// What is wrong with the message files: broken lines, keys given twice, keys or variables that
    /// one language has and another has not. A test holds it empty.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        for (lang, mine) in &self.variables {
            for (other, theirs) in &self.variables {
                for (key, names) in mine {
                    match theirs.get(key) {
                        None => problems.push(format!("{}: {key} is missing", other.code())),
                        Some(have) if lang < other && have != names => problems.push(format!(
                            "{key}: variables differ, {} has {names:?}, {} has {have:?}",
                            lang.code(),
                            other.code()
                        )),
                        Some(_) => {}
                    }
                }
            }
        }
        problems
    }

    /// The text of a message in a language.
    pub fn msg(&self, lang: Lang, msg: &Msg) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in &msg.args {
            args.set(*name, value_of(value));
        }
        self.text(lang, msg.key, &args)
    }

    /// The text of a key that was stored, with its arguments.
    pub fn say(&self, lang: Lang, key: &str, args: &[(&str, &str)]) -> String {
        let mut named = FluentArgs::new();
        for (name, value) in args {
            named.set(*name, value_of(value));
        }
        self.text(lang, key, &named)
    }

    /// The text of a key in a language; the first language stands in for one that lacks it.
    pub(crate) fn text(&self, lang: Lang, key: &str, args: &FluentArgs<'_>) -> String {
        for lang in [lang, Lang::Zh] {
            let Some(bundle) = self.bundles.get(&lang) else {
                continue;
            };
            let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
                continue;
            };
            let mut errors = Vec::new();
            let text = bundle.format_pattern(pattern, Some(args), &mut errors);
            if !errors.is_empty() {
                tracing::warn!(key, ?errors, "message cannot be filled in");
            }
            return text.into_owned();
        }
        tracing::warn!(key, "message is missing");
        format!("{MISSING}{key}⟧")
    }
}

/// A whole number in plain digits selects plural forms; anything else stays text as it is.
pub(crate) fn value_of(text: &str) -> FluentValue<'_> {
    match text.parse::<i64>() {
        Ok(n) if n.to_string() == text => FluentValue::from(n),
        _ => FluentValue::String(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalog_names_every_fault() {
        let catalog = Catalog::new([
            (Lang::Zh, "a = 甲 { $n }\nb = 乙\nb = 再乙\n"),
            (Lang::En, "a = first { $m }\nc = third\n??? broken\n"),
        ]);
        let problems = catalog.problems().join("\n");
        for part in [
            "en: b is missing",
            "zh-CN: c is missing",
            "a: variables differ",
            "\"b\"",
        ] {
            assert!(problems.contains(part), "{part} not in:\n{problems}");
        }
    }

    #[test]
    fn texts_are_filled_in() {
        let catalog = Catalog::new([
            (Lang::Zh, "rows = 共 { $n } 行，编号 { $code }\n"),
            (
                Lang::En,
                "rows = { $n ->\n    [one] one row\n   *[other] { $n } rows\n } ({ $code })\n",
            ),
        ]);
        let msg = |n: i64| Msg::new("rows").with("n", n).with("code", "007");
        assert_eq!(catalog.msg(Lang::Zh, &msg(2)), "共 2 行，编号 007");
        assert_eq!(catalog.msg(Lang::En, &msg(1)), "one row (007)");
        assert_eq!(catalog.msg(Lang::En, &msg(5)), "5 rows (007)");
        assert_eq!(catalog.msg(Lang::En, &Msg::new("nope")), "⟦nope⟧");
        assert!(catalog.problems().is_empty(), "{:?}", catalog.problems());
    }

    #[test]
    fn accept_language() {
        assert_eq!(Lang::negotiate("fr, en-GB;q=0.8, zh;q=0.1"), Some(Lang::En));
        assert_eq!(Lang::negotiate("zh-Hans-CN"), Some(Lang::Zh));
        assert_eq!(Lang::negotiate("de"), None);
    }
}
