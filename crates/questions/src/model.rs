//! Questions (试题): what is asked, what is right, and what may be wrong with a question itself. Texts are plain:
//! paragraphs by line breaks and `![](#1)` where the first picture stands. No markup of a page is in them.

use std::ops::Range;

use kernel::{FieldError, Msg};
use serde::{Deserialize, Serialize};

use crate::letters::{Letters, MOST_OPTIONS};

/// What is wrong, at which field of a question (`key`, `options.2`, `parts.0.stem`) or at `answer`.
pub type Fault = FieldError;

/// Characters of an answer in words, unless the question says otherwise.
pub const MOST_CHARACTERS: u32 = 5_000;
/// Characters of a stem, an explanation or a material.
pub const MOST_STEM: usize = 20_000;
/// Characters of an option.
pub const MOST_OPTION: usize = 2_000;
/// Blanks of one question, parts of one case, files of one answer.
pub const MOST_PARTS: usize = 50;

/// What kind of question it is (题型); the code is what tables, formats and packs write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 单项选择题.
    Single,
    /// 多项选择题: two options or more are right.
    Multiple,
    /// 不定项选择题: one option or more is right.
    Indefinite,
    /// 判断题.
    Judgement,
    /// 填空题.
    FillIn,
    /// 简答题.
    Short,
    /// 论述题, also 文书写作.
    Essay,
    /// 案例分析题: a material that its parts share.
    Case,
    /// 排序题.
    Ordering,
    /// 匹配题（连线题）.
    Matching,
    /// 附件题: files are handed in.
    Upload,
}

impl Kind {
    /// All kinds, in the order in which papers have them.
    pub const ALL: [Self; 11] = [
        Self::Single,
        Self::Multiple,
        Self::Indefinite,
        Self::Judgement,
        Self::FillIn,
        Self::Ordering,
        Self::Matching,
        Self::Short,
        Self::Essay,
        Self::Case,
        Self::Upload,
    ];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Multiple => "multiple",
            Self::Indefinite => "indefinite",
            Self::Judgement => "judgement",
            Self::FillIn => "fill-in",
            Self::Short => "short",
            Self::Essay => "essay",
            Self::Case => "case",
            Self::Ordering => "ordering",
            Self::Matching => "matching",
            Self::Upload => "upload",
        }
    }

    /// The kind of a code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether options are chosen.
    pub fn is_choice(self) -> bool {
        matches!(self, Self::Single | Self::Multiple | Self::Indefinite)
    }

    /// Whether a person marks it.
    pub fn needs_person(self) -> bool {
        matches!(self, Self::Short | Self::Essay | Self::Upload)
    }
}

/// What is right (答案).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// Nothing is said: a case, or what a person marks without a model answer.
    #[default]
    None,
    /// Options that are right.
    Choices(Letters),
    /// Whether the statement is true.
    Truth(bool),
    /// Blanks in their order, each with all that is right there.
    Blanks {
        /// What is right in each blank; synonyms (同义答案) side by side.
        blanks: Vec<Vec<String>>,
        /// Whether the blanks may be filled in any order (无序).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unordered: bool,
    },
    /// Options in the right order.
    Order(Letters),
    /// For each option the place of its target.
    Pairs(Vec<usize>),
    /// Model answer and points for whoever marks (参考答案、采分点).
    Text(String),
}

/// A picture or other file of a question (媒体).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Name of the file.
    pub name: String,
    /// What it is: `image/png`.
    pub mime: String,
    /// SHA-256 of its content in hexadecimal digits: its name in the store of files.
    pub hash: String,
    /// Its content, while it travels between files and the bank.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// A question (试题). A part of a case is a question, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its kind.
    pub kind: Kind,
    /// What is asked; the shared material of a case.
    pub stem: String,
    /// Options, things to be put in order, left sides of pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Right sides of pairs; there may be more than options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// What is right.
    #[serde(default)]
    pub key: Key,
    /// Parts of a case (小题).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Question>,
    /// Knowledge points (知识点) as paths: `刑法/总则/正当防卫`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<String>,
    /// Difficulty (难度): 1 easy to 5 hard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<u8>,
    /// Where it comes from (来源).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Article of law it rests on (法条).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub article: String,
    /// Why the key is right (解析).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub explanation: String,
    /// Pictures of stem, options and explanation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// Points in thousandths that it usually has (分值); a paper may say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u32>,
    /// Characters that an answer in words may have at most (字数上限).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<u32>,
    /// Whether its options keep their order on every paper (选项不乱序).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fixed: bool,
}

impl Question {
    /// A question of a kind with nothing but its stem.
    pub fn new(kind: Kind, stem: impl Into<String>) -> Self {
        Self {
            kind,
            stem: stem.into(),
            options: Vec::new(),
            targets: Vec::new(),
            key: Key::None,
            parts: Vec::new(),
            points: Vec::new(),
            difficulty: None,
            source: String::new(),
            article: String::new(),
            explanation: String::new(),
            media: Vec::new(),
            score: None,
            longest: None,
            fixed: false,
        }
    }

    /// What is wrong with it, by field; empty: it may be used.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Faults {
            prefix: String::new(),
            found: Vec::new(),
        };
        self.look_at(&mut faults, self.media.len());
        faults.found
    }

    /// How many blanks it has.
    pub fn blanks(&self) -> usize {
        match &self.key {
            Key::Blanks { blanks, .. } => blanks.len(),
            _ => 0,
        }
    }

    /// Whether options keep their order, because it says so or because one speaks of the others (以上都对, A和B).
    pub fn keeps_order(&self) -> bool {
        self.fixed || self.options.iter().any(|text| speaks_of_others(text))
    }

    /// All its texts, one after the other: what it is found by.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let own = std::iter::once(&self.stem)
            .chain(&self.options)
            .chain(&self.targets)
            .map(String::as_str);
        let parts: Vec<&str> = self.parts.iter().flat_map(Self::texts).collect();
        own.chain(parts)
    }

    /// Texts without what only layout leaves behind: blanks at the ends of lines, empty lines at the ends, tabs,
    /// characters that cannot be shown.
    pub fn tidy(&mut self) {
        self.each_text(&mut |text| *text = tidied(text));
        self.points.retain(|point| !point.is_empty());
    }

    /// Hands every text to a function that may change it; those of parts, too.
    pub fn each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        let own = [
            &mut self.stem,
            &mut self.source,
            &mut self.article,
            &mut self.explanation,
        ];
        own.into_iter().for_each(&mut *change);
        self.options.iter_mut().for_each(&mut *change);
        self.targets.iter_mut().for_each(&mut *change);
        self.points.iter_mut().for_each(&mut *change);
        match &mut self.key {
            Key::Text(text) => change(text),
            Key::Blanks { blanks, .. } => blanks.iter_mut().flatten().for_each(&mut *change),
            _ => {}
        }
        for part in &mut self.parts {
            part.each_text(change);
        }
    }

    fn look_at(&self, faults: &mut Faults, media: usize) {
        faults.text("stem", &self.stem, MOST_STEM, true);
        faults.text("explanation", &self.explanation, MOST_STEM, false);
        for (field, text) in [("source", &self.source), ("article", &self.article)] {
            faults.text(field, text, MOST_OPTION, false);
        }
        let mut pictures: Vec<(String, &str)> = vec![
            ("stem".to_owned(), &self.stem),
            ("explanation".to_owned(), &self.explanation),
        ];
        for (at, option) in self.options.iter().enumerate() {
            pictures.push((format!("options.{at}"), option));
        }
        for (at, target) in self.targets.iter().enumerate() {
            pictures.push((format!("targets.{at}"), target));
        }
        for (field, text) in pictures {
            if let Some(number) = picture_numbers(text).find(|n| *n == 0 || *n > media) {
                let message = Msg::new("question-picture-missing").with("number", number);
                faults.add(&field, message);
            }
        }
        if self.difficulty.is_some_and(|d| !(1..=5).contains(&d)) {
            faults.add("difficulty", Msg::new("question-difficulty"));
        }
        if self.longest == Some(0) {
            faults.add("longest", Msg::new("question-longest"));
        }
        for (at, point) in self.points.iter().enumerate() {
            let whole = point.split('/').all(|step| !step.trim().is_empty());
            if !whole || point.chars().count() > 200 {
                faults.add(&format!("points.{at}"), Msg::new("question-point"));
            }
        }
        match self.kind {
            Kind::Single | Kind::Multiple | Kind::Indefinite => self.look_at_choices(faults),
            Kind::Judgement => {
                if !matches!(self.key, Key::Truth(_)) {
                    faults.add("key", Msg::new("question-truth-missing"));
                }
            }
            Kind::FillIn => self.look_at_blanks(faults),
            Kind::Ordering => {
                faults.list("options", &self.options, 2);
                let n = self.options.len();
                let whole = matches!(&self.key, Key::Order(o) if o.len() == n && o.within(n));
                if !whole {
                    faults.add("key", Msg::new("question-order-incomplete"));
                }
            }
            Kind::Matching => {
                faults.list("options", &self.options, 2);
                faults.list("targets", &self.targets, 2);
                let n = self.targets.len();
                let whole = matches!(&self.key, Key::Pairs(pairs)
                    if pairs.len() == self.options.len() && pairs.iter().all(|p| *p < n));
                if !whole {
                    faults.add("key", Msg::new("question-pairs-incomplete"));
                }
            }
            Kind::Short | Kind::Essay | Kind::Upload => match &self.key {
                Key::None => {}
                Key::Text(text) => faults.text("key", text, MOST_STEM, false),
                _ => faults.add("key", Msg::new("question-key-of-another-kind")),
            },
            Kind::Case => self.look_at_parts(faults, media),
        }
        if self.kind != Kind::Case && !self.parts.is_empty() {
            faults.add("parts", Msg::new("question-parts-of-no-case"));
        }
    }

    fn look_at_choices(&self, faults: &mut Faults) {
        faults.list("options", &self.options, 2);
        let Key::Choices(right) = &self.key else {
            return faults.add("key", Msg::new("question-none-right"));
        };
        let n = self.options.len();
        if right.is_empty() {
            faults.add("key", Msg::new("question-none-right"));
        } else if !right.within(n) {
            let message = Msg::new("question-key-outside")
                .with("key", right)
                .with("options", n);
            faults.add("key", message);
        } else if self.kind == Kind::Single && right.len() > 1 {
            faults.add(
                "key",
                Msg::new("question-single-with-several").with("key", right),
            );
        } else if self.kind == Kind::Multiple && right.len() < 2 {
            faults.add(
                "key",
                Msg::new("question-multiple-with-one").with("key", right),
            );
        }
    }

    fn look_at_blanks(&self, faults: &mut Faults) {
        let Key::Blanks { blanks, .. } = &self.key else {
            return faults.add("key", Msg::new("question-blanks-missing"));
        };
        if blanks.is_empty() || blanks.len() > MOST_PARTS {
            faults.add("key", Msg::new("question-blanks-missing"));
        }
        for (at, synonyms) in blanks.iter().enumerate() {
            let empty = |text: &String| crate::normal::normal(text).is_empty();
            if synonyms.is_empty() || synonyms.iter().any(empty) {
                let message = Msg::new("question-blank-empty").with("number", at + 1);
                faults.add("key", message);
            }
            for text in synonyms {
                faults.text("key", text, MOST_OPTION, false);
            }
        }
        let marks = blank_marks(&self.stem);
        if marks > 0 && marks != blanks.len() {
            let message = Msg::new("question-blanks-differ")
                .with("stem", marks)
                .with("key", blanks.len());
            faults.add("key", message);
        }
    }

    fn look_at_parts(&self, faults: &mut Faults, media: usize) {
        if self.parts.is_empty() {
            faults.add("parts", Msg::new("question-case-without-parts"));
        } else if self.parts.len() > MOST_PARTS {
            faults.add(
                "parts",
                Msg::new("question-too-many").with("most", MOST_PARTS),
            );
        }
        if self.key != Key::None {
            faults.add("key", Msg::new("question-key-of-another-kind"));
        }
        let prefix = std::mem::take(&mut faults.prefix);
        for (at, part) in self.parts.iter().take(MOST_PARTS).enumerate() {
            faults.prefix = format!("{prefix}parts.{at}.");
            if part.kind == Kind::Case {
                faults.add("kind", Msg::new("question-case-in-case"));
            } else if !part.media.is_empty() {
                // Pictures of parts are kept with the case, so that numbers mean the same everywhere.
                faults.add("media", Msg::new("question-media-of-part"));
            } else {
                part.look_at(faults, media);
            }
        }
        faults.prefix = prefix;
    }
}

struct Faults {
    prefix: String,
    found: Vec<Fault>,
}

impl Faults {
    fn add(&mut self, field: &str, message: Msg) {
        self.found.push(Fault {
            field: format!("{}{field}", self.prefix),
            message,
        });
    }

    fn text(&mut self, field: &str, text: &str, most: usize, needed: bool) {
        if needed && text.trim().is_empty() {
            self.add(field, Msg::new("question-text-empty"));
        }
        if text.chars().count() > most {
            self.add(field, Msg::new("question-text-long").with("most", most));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            self.add(field, Msg::new("question-text-control"));
        }
    }

    fn list(&mut self, field: &str, texts: &[String], least: usize) {
        if texts.len() < least {
            self.add(field, Msg::new("question-too-few").with("least", least));
        } else if texts.len() > MOST_OPTIONS {
            self.add(
                field,
                Msg::new("question-too-many").with("most", MOST_OPTIONS),
            );
        }
        let squeezed: Vec<String> = texts
            .iter()
            .map(|t| t.split_whitespace().collect())
            .collect();
        for (at, text) in texts.iter().enumerate() {
            let name = format!("{field}.{at}");
            self.text(&name, text, MOST_OPTION, true);
            if let Some(other) = squeezed[..at].iter().position(|t| *t == squeezed[at]) {
                let message = Msg::new("question-option-twice")
                    .with("one", crate::letters::letter(other))
                    .with("other", crate::letters::letter(at));
                self.add(&name, message);
            }
        }
    }
}

fn tidied(text: &str) -> String {
    let breaks = ['\n', '\r', '\u{b}', '\u{c}', '\u{2028}', '\u{2029}'];
    let text = text.replace("\r\n", "\n");
    let lines = text.split(breaks).map(|line| {
        let mut out = String::with_capacity(line.len());
        for c in line.chars() {
            match c {
                '\t' | '\u{a0}' | ' ' if out.ends_with(' ') => {}
                '\t' | '\u{a0}' => out.push(' '),
                '\u{feff}' | '\u{200b}' => {}
                c if c.is_control() => {}
                c => out.push(c),
            }
        }
        out.trim().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// How many blanks are marked in a stem.
pub fn blank_marks(stem: &str) -> usize {
    blank_ranges(stem).len()
}

/// Where blanks are marked in a stem: lines of underscores and empty brackets.
pub fn blank_ranges(stem: &str) -> Vec<Range<usize>> {
    let line = |c: char| matches!(c, '_' | '＿');
    let (mut at, mut marks) = (0, Vec::new());
    while let Some(c) = stem[at..].chars().next() {
        let start = at;
        at += c.len_utf8();
        if line(c) {
            let rest = &stem[start..];
            at = start + rest.find(|c| !line(c)).unwrap_or(rest.len());
            if at - start >= 2 {
                marks.push(start..at);
            }
        } else if matches!(c, '(' | '（') {
            let inside = stem[at..].trim_start_matches(|c: char| c.is_whitespace() || line(c));
            if let Some(close) = inside.chars().next().filter(|c| matches!(c, ')' | '）')) {
                at = stem.len() - inside.len() + close.len_utf8();
                marks.push(start..at);
            }
        }
    }
    marks
}

/// Numbers of the pictures that a text shows.
pub fn picture_numbers(text: &str) -> impl Iterator<Item = usize> {
    text.split("![](#").skip(1).filter_map(|rest| {
        let digits = rest.split_once(')')?.0;
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        // A number beyond all pictures is missing, whatever it is.
        plain.then(|| digits.parse().unwrap_or(usize::MAX))
    })
}

fn speaks_of_others(option: &str) -> bool {
    let text: String = option.split_whitespace().collect();
    let starts = ["以上", "上述", "前述", "前三项", "前两项", "都", "均"];
    let whole = [
        "对", "是", "错", "不", "正确", "项", "选项", "皆", "均", "都",
    ];
    let refers = starts.iter().any(|s| text.starts_with(s))
        && whole.iter().any(|w| text.contains(w))
        && text.chars().count() <= 14;
    let others = text.chars().all(|c| {
        matches!(c, 'A'..='H' | 'Ａ'..='Ｈ') || "和与及或、，,都均对错项选是正确".contains(c)
    });
    let letters = text.chars().filter(|c| crate::letters::place(*c).is_some());
    refers || (others && letters.count() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(kind: Kind, options: &[&str], key: &str) -> Question {
        Question {
            options: options.iter().map(|t| (*t).to_owned()).collect(),
            key: Key::Choices(key.parse().unwrap()),
            ..Question::new(kind, "下列哪一项正确？")
        }
    }

    fn faults(question: &Question) -> Vec<(String, &'static str)> {
        let found = question.check().into_iter();
        found.map(|f| (f.field, f.message.key)).collect()
    }

    fn only(question: &Question, field: &str, key: &'static str) {
        assert_eq!(faults(question), [(field.to_owned(), key)]);
    }

    #[test]
    fn what_is_wrong_with_choices_is_named() {
        let four = ["甲", "乙", "丙", "丁"];
        assert_eq!(faults(&choice(Kind::Single, &four, "B")), []);
        assert_eq!(faults(&choice(Kind::Indefinite, &four, "B")), []);
        only(
            &choice(Kind::Single, &four, ""),
            "key",
            "question-none-right",
        );
        only(
            &choice(Kind::Single, &four, "AB"),
            "key",
            "question-single-with-several",
        );
        only(
            &choice(Kind::Multiple, &four, "A"),
            "key",
            "question-multiple-with-one",
        );
        only(
            &choice(Kind::Single, &four, "E"),
            "key",
            "question-key-outside",
        );
        only(
            &choice(Kind::Single, &["甲"], "A"),
            "options",
            "question-too-few",
        );
        only(
            &choice(Kind::Single, &["甲 乙", "甲乙"], "A"),
            "options.1",
            "question-option-twice",
        );
        only(
            &choice(Kind::Single, &["甲", " "], "A"),
            "options.1",
            "question-text-empty",
        );
        let mut picture = choice(Kind::Single, &four, "A");
        picture.stem = "见图 ![](#1)".into();
        only(&picture, "stem", "question-picture-missing");
    }

    #[test]
    fn what_is_wrong_with_other_kinds_is_named() {
        let judgement = Question::new(Kind::Judgement, "对吗？");
        only(&judgement, "key", "question-truth-missing");
        let blanks = |stem: &str, key: &[&str]| Question {
            key: Key::Blanks {
                blanks: key.iter().map(|t| vec![(*t).to_owned()]).collect(),
                unordered: false,
            },
            ..Question::new(Kind::FillIn, stem)
        };
        assert_eq!(faults(&blanks("依____行政（　）", &["法", "甲"])), []);
        assert_eq!(faults(&blanks("没有标空", &["法"])), []);
        only(
            &blanks("依____行政", &["法", "甲"]),
            "key",
            "question-blanks-differ",
        );
        only(
            &blanks("依____行政", &["。"]),
            "key",
            "question-blank-empty",
        );
        only(
            &Question::new(Kind::FillIn, "空"),
            "key",
            "question-blanks-missing",
        );
        let order = Question {
            key: Key::Order("AB".parse().unwrap()),
            ..choice(Kind::Ordering, &["甲", "乙", "丙"], "")
        };
        only(&order, "key", "question-order-incomplete");
        let pairs = Question {
            targets: vec!["一".into(), "二".into()],
            key: Key::Pairs(vec![0, 2]),
            ..choice(Kind::Matching, &["甲", "乙"], "")
        };
        only(&pairs, "key", "question-pairs-incomplete");
        let case = Question::new(Kind::Case, "材料");
        only(&case, "parts", "question-case-without-parts");
        let inner = Question {
            parts: vec![choice(Kind::Single, &["甲", "乙"], ""), case.clone()],
            ..case
        };
        assert_eq!(
            faults(&inner),
            [
                ("parts.0.key".to_owned(), "question-none-right"),
                ("parts.1.kind".to_owned(), "question-case-in-case"),
            ]
        );
    }

    #[test]
    fn a_question_is_kept_in_few_words() {
        let question = choice(Kind::Multiple, &["甲", "乙"], "AB");
        let json = serde_json::to_string(&question).unwrap();
        assert_eq!(
            json,
            r#"{"kind":"multiple","stem":"下列哪一项正确？","options":["甲","乙"],"key":{"choices":"AB"}}"#
        );
        assert_eq!(serde_json::from_str::<Question>(&json).unwrap(), question);
    }
}
