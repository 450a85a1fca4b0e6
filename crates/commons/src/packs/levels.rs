//! Levels of secrecy (密级) that a record can have, from packs: one `[[secrecy-level]]` each, the lowest first.
//! State secrets are named among them only to be refused: this is a program for open networks.

use kernel::{Error, Msg, Result};
use serde::Deserialize;
use toml::Spanned;

use super::{Name, PackProblem, Packs, none_or};

/// A level.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Code, stored with records.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Whether what has it is a state secret (国家秘密): never on this system.
    #[serde(default)]
    pub classified: bool,
    /// Whether a record has it of which nothing else is said.
    #[serde(default)]
    pub usual: bool,
    /// Whether it stands on what is printed.
    #[serde(default)]
    pub marked: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    secrecy_level: Vec<Spanned<Level>>,
}

/// All levels, the lowest first, and how far up this installation goes.
#[derive(Debug, Clone)]
pub struct Levels {
    list: Vec<Level>,
    usual: usize,
    highest: usize,
}

impl Default for Levels {
    /// Where no pack says anything everything is internal (内部).
    fn default() -> Self {
        let name = Name {
            zh: "内部".into(),
            en: "Internal".into(),
        };
        let internal = Level {
            code: "internal".into(),
            name,
            classified: false,
            usual: true,
            marked: false,
        };
        Self {
            list: vec![internal],
            usual: 0,
            highest: 0,
        }
    }
}

impl Levels {
    /// Reads them from packs; names every mistake with its line. Records may have the usual level and those below.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut list, mut problems): (Vec<Level>, _) = (Vec::new(), Vec::new());
        let mut last = None;
        for (pack, tables) in packs.read::<Tables>()? {
            for level in tables.secrecy_level {
                let (span, level) = (level.span(), level.into_inner());
                let known = list.iter().any(|l| l.code == level.code);
                // State secrets stand above all that may be here.
                let order = !level.classified && list.last().is_some_and(|l| l.classified);
                let twice = level.usual && (level.classified || list.iter().any(|l| l.usual));
                if known || order || twice || !super::is_kebab(&level.code) {
                    let wrong = Msg::new("pack-secrecy-level").with("code", &level.code);
                    problems.push(pack.problem_at(span.clone(), wrong));
                }
                last = Some((pack.clone(), span));
                list.push(level);
            }
        }
        let Some(last) = last else {
            return none_or(problems, Self::default());
        };
        let usual = list.iter().position(|l| l.usual);
        if usual.is_none() {
            problems.push(last.0.problem_at(last.1, Msg::new("pack-secrecy-usual")));
        }
        let usual = usual.unwrap_or_default();
        let levels = Self {
            list,
            usual,
            highest: usual,
        };
        none_or(problems, levels)
    }

    /// The same in an installation that may hold records of this level and of those below.
    ///
    /// # Errors
    /// `Conflict` when there is no such level, or it is a state secret.
    pub fn up_to(mut self, code: &str) -> Result<Self> {
        let open = |l: &Level| !l.classified;
        let highest = self.list.iter().position(|l| l.code == code && open(l));
        self.highest = highest.ok_or_else(|| {
            let open = self.list.iter().filter(|l| open(l));
            let codes: Vec<&str> = open.map(|l| l.code.as_str()).collect();
            let message = Msg::new("secrecy-highest").with("code", code);
            Error::Conflict(message.with("codes", codes.join(", ")))
        })?;
        Ok(self)
    }

    /// The level that a record gets: the one that was asked for, else the one usual for its kind, else the usual one.
    ///
    /// # Errors
    /// `Invalid` on the field `level`, saying where to take the record that may not be here.
    pub fn take(&self, asked: &str, of_kind: Option<&str>) -> Result<&Level> {
        let code = match asked.trim() {
            "" => of_kind.unwrap_or(&self.list[self.usual].code),
            asked => asked,
        };
        let at = self.list.iter().position(|l| l.code == code);
        let unknown = || Error::field("level", Msg::new("secrecy-level-unknown"));
        let at = at.ok_or_else(unknown)?;
        let (level, highest) = (&self.list[at], &self.list[self.highest]);
        let about = |message: Msg| {
            // By the names that the law has for them.
            let message = message
                .with("level", &level.name.zh)
                .with("most", &highest.name.zh);
            Err(Error::field("level", message))
        };
        match at > self.highest {
            true if level.classified => about(Msg::new("secrecy-level-classified")),
            true => about(Msg::new("secrecy-level-above")),
            false => Ok(level),
        }
    }

    /// The level with a code.
    pub fn get(&self, code: &str) -> Option<&Level> {
        self.list.iter().find(|l| l.code == code)
    }

    /// A level's name in a language; one that no pack knows any more is shown by its code.
    pub fn name<'l>(&'l self, code: &'l str, lang: &str) -> &'l str {
        self.get(code).map_or(code, |l| l.name.get(lang))
    }

    /// What stands on what is printed of a record of a level; nothing on what is public.
    pub fn mark<'l>(&'l self, code: &'l str, lang: &str) -> Option<&'l str> {
        match self.get(code) {
            Some(level) => level.marked.then(|| level.name.get(lang)),
            None => Some(code),
        }
    }

    /// Those that records of this installation may have, the lowest first.
    pub fn held(&self) -> &[Level] {
        &self.list[..=self.highest]
    }

    /// Code and name of those that records may have, as a choice in a form.
    pub fn options(&self, lang: &str) -> Vec<(&str, &str)> {
        let held = self.held().iter();
        held.map(|l| (l.code.as_str(), l.name.get(lang))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Levels {
        let own = include_str!("../../../../packs/secrecy-cn.toml");
        let packs = Packs::load(vec![("secrecy-cn.toml".into(), own.into())]).expect("packs");
        Levels::read(&packs).expect("levels")
    }

    fn key(result: Result<&Level>) -> &'static str {
        match result.expect_err("refused") {
            Error::Invalid(errors) => {
                assert_eq!(errors[0].field, "level");
                errors[0].message.key
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_installation_holds_what_it_may_and_never_a_state_secret() {
        let levels = own().up_to("internal").expect("a level");
        assert_eq!(levels.take("", None).unwrap().code, "internal");
        assert_eq!(levels.take("", Some("public")).unwrap().code, "public");
        assert_eq!(levels.take(" public ", None).unwrap().code, "public");
        assert_eq!(key(levels.take("work-secret", None)), "secrecy-level-above");
        assert_eq!(
            key(levels.take("", Some("work-secret"))),
            "secrecy-level-above"
        );
        assert_eq!(key(levels.take("x", None)), "secrecy-level-unknown");
        for code in ["secret", "confidential", "top-secret"] {
            assert_eq!(key(levels.take(code, None)), "secrecy-level-classified");
            assert!(own().up_to(code).is_err(), "{code}");
        }
        let higher = own().up_to("work-secret").expect("a level");
        assert_eq!(
            higher.take("work-secret", None).unwrap().name.zh,
            "工作秘密"
        );
        assert_eq!(higher.held().len(), 3);
        assert_eq!(
            (
                higher.mark("public", "zh-CN"),
                higher.mark("internal", "en")
            ),
            (None, Some("Internal"))
        );
        assert!(own().up_to("nothing").is_err());
    }

    #[test]
    fn levels_that_contradict_each_other_are_mistakes() {
        let read = |levels: &[&str]| {
            let mut text =
                "[pack]\ncode = \"s\"\nversion = \"1\"\nname = { zh = \"s\", en = \"s\" }\n"
                    .to_owned();
            for level in levels {
                text +=
                    &format!("[[secrecy-level]]\nname = {{ zh = \"x\", en = \"x\" }}\n{level}\n");
            }
            let packs = Packs::load(vec![("s.toml".into(), text)]).expect("packs");
            Levels::read(&packs).map_err(|p| p.iter().map(|p| p.reason.key).collect::<Vec<_>>())
        };
        assert_eq!(read(&[]).unwrap().take("", None).unwrap().code, "internal");
        assert_eq!(read(&["code = \"a\""]).unwrap_err(), ["pack-secrecy-usual"]);
        for wrong in [
            ["code = \"a\"\nusual = true", "code = \"a\""],
            ["code = \"a\"\nusual = true", "code = \"b\"\nusual = true"],
            ["code = \"a\"\nusual = true", "code = \"B b\""],
            [
                "code = \"a\"\nclassified = true",
                "code = \"b\"\nusual = true",
            ],
        ] {
            assert_eq!(
                read(&wrong).unwrap_err(),
                ["pack-secrecy-level"],
                "{wrong:?}"
            );
        }
    }
}
