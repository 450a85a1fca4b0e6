//! Numbers that the word processor counts itself (自动编号).

use std::collections::HashMap;

use super::Element;

#[derive(Clone)]
struct Level {
    start: u32,
    format: String,
    text: String,
}

/// A list: its abstract one, and where it says that it begins anew.
struct List {
    of: String,
    starts: HashMap<usize, u32>,
}

/// Lists of a document and how far each has been counted.
#[derive(Default)]
pub(super) struct Numbering {
    levels: HashMap<(String, usize), Level>,
    lists: HashMap<String, List>,
    /// List and level of paragraph styles.
    styles: HashMap<String, (String, usize)>,
    counted: HashMap<(String, usize), u32>,
    begun: Vec<String>,
}

fn value<'e>(element: &'e Element, name: &str) -> Option<&'e str> {
    element
        .elements()
        .find(|e| e.name == name)?
        .attribute("val")
}

fn number(text: Option<&str>) -> Option<u32> {
    text?.parse().ok()
}

fn small(text: Option<&str>) -> Option<usize> {
    text?.parse().ok().filter(|n| *n < 9)
}

impl Numbering {
    pub fn read(numbering: Option<&Element>, styles: Option<&Element>) -> Self {
        let mut out = Self::default();
        for list in numbering.iter().flat_map(|n| n.all("abstractnum")) {
            let id = list.attribute("abstractNumId").unwrap_or_default();
            for level in list.all("lvl") {
                let Some(at) = small(level.attribute("ilvl")) else {
                    continue;
                };
                let level = Level {
                    start: number(value(level, "start")).unwrap_or(1),
                    format: value(level, "numfmt").unwrap_or("decimal").to_owned(),
                    text: value(level, "lvltext").unwrap_or_default().to_owned(),
                };
                out.levels.insert((id.to_owned(), at), level);
            }
        }
        for list in numbering.iter().flat_map(|n| n.all("num")) {
            let (Some(id), Some(of)) = (list.attribute("numId"), value(list, "abstractnumid"))
            else {
                continue;
            };
            let starts = list.all("lvloverride").filter_map(|over| {
                Some((
                    small(over.attribute("ilvl"))?,
                    number(value(over, "startoverride"))?,
                ))
            });
            let starts = starts.collect();
            let of = of.to_owned();
            out.lists.insert(id.to_owned(), List { of, starts });
        }
        for style in styles.iter().flat_map(|s| s.all("style")) {
            let number = style.child("ppr").and_then(|p| p.child("numpr"));
            if let (Some(id), Some(number)) = (style.attribute("styleId"), number)
                && let Some(list) = value(number, "numid")
            {
                let level = small(value(number, "ilvl")).unwrap_or(0);
                out.styles.insert(id.to_owned(), (list.to_owned(), level));
            }
        }
        out
    }

    /// The number of a paragraph as it shows, with a blank behind it; empty when it has none.
    pub fn label(&mut self, paragraph: &Element) -> String {
        let Some(properties) = paragraph.child("ppr") else {
            return String::new();
        };
        let style = value(properties, "pstyle").and_then(|s| self.styles.get(s));
        let own = properties.child("numpr");
        let list = own.and_then(|n| value(n, "numid")).map(str::to_owned);
        let level = own
            .and_then(|n| small(value(n, "ilvl")))
            .or(style.map(|(_, l)| *l))
            .unwrap_or(0);
        let list = list.or_else(|| style.map(|(list, _)| list.clone()));
        // List 0 is how a paragraph says that it has no number.
        match list.filter(|list| list != "0") {
            Some(list) => self.count(&list, level),
            None => String::new(),
        }
    }

    fn count(&mut self, id: &str, level: usize) -> String {
        let Some(list) = self.lists.get(id) else {
            return String::new();
        };
        let of = list.of.clone();
        if !self.begun.iter().any(|b| b == id) {
            self.begun.push(id.to_owned());
            for (at, start) in &list.starts {
                self.counted
                    .insert((of.clone(), *at), start.saturating_sub(1));
            }
        }
        let Some(own) = self.levels.get(&(of.clone(), level)).cloned() else {
            return String::new();
        };
        let counted = self
            .counted
            .entry((of.clone(), level))
            .or_insert(own.start.saturating_sub(1));
        *counted = counted.saturating_add(1);
        for deeper in level + 1..9 {
            self.counted.remove(&(of.clone(), deeper));
        }
        if matches!(own.format.as_str(), "bullet" | "none") {
            return String::new();
        }
        let mut text = own.text.clone();
        for at in 0..=level {
            let mark = format!("%{}", at + 1);
            if !text.contains(&mark) {
                continue;
            }
            let format = self
                .levels
                .get(&(of.clone(), at))
                .map_or("decimal", |l| l.format.as_str());
            let start = self.levels.get(&(of.clone(), at)).map_or(1, |l| l.start);
            let n = self
                .counted
                .get(&(of.clone(), at))
                .copied()
                .unwrap_or(start);
            text = text.replace(&mark, &shown(format, n));
        }
        // A number without any sign behind it is read as one with a point.
        if text.ends_with(|c: char| c.is_alphanumeric()) {
            text.push('.');
        }
        text.push(' ');
        text
    }
}

fn shown(format: &str, n: u32) -> String {
    let lettered = |first: u8| {
        let place = u8::try_from(n.saturating_sub(1) % 26).unwrap_or(0);
        char::from(first + place).to_string()
    };
    match format {
        "upperLetter" => lettered(b'A'),
        "lowerLetter" => lettered(b'a'),
        "chineseCounting"
        | "chineseCountingThousand"
        | "japaneseCounting"
        | "taiwaneseCountingThousand"
        | "ideographDigital" => counted(n),
        _ => n.to_string(),
    }
}

/// 1 to 99 in Chinese.
fn counted(n: u32) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digit = |d: u32| DIGITS[usize::try_from(d % 10).unwrap_or(0)];
    match n {
        1..=9 => digit(n).to_owned(),
        10..=19 => format!("十{}", digit(n)),
        20..=99 => format!("{}十{}", digit(n / 10), digit(n)),
        _ => n.to_string(),
    }
}
