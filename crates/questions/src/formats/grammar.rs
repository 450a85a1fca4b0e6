//! The grammar of papers as people type them (试卷文本): numbered questions, lettered options on one line or several,
//! answers behind the question, in its brackets or in a list at the end, headings that name the kind.

use std::collections::HashMap;

use kernel::Msg;

use super::answers::{self, About};
use super::{Item, fault};
use crate::letters::{Letters, letter, place};
use crate::model::{Fault, Kind, Question};

/// A line or paragraph with the place it stands at.
pub(super) struct Line {
    pub text: String,
    pub place: Msg,
}

/// Reads lines into questions.
pub(super) fn read(lines: impl IntoIterator<Item = Line>) -> Vec<Item> {
    let mut paper = Paper::default();
    for line in lines {
        let text = line.text.trim();
        if !text.is_empty() {
            paper.line(text, &line.place);
        }
    }
    paper.finish()
}

/// Whether a text begins with a question's number or a heading.
pub(super) fn begins(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    first.is_some_and(|line| numbered(line).is_some() || heading(line).is_some())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Filling {
    Stem,
    Option,
    Answer,
    Explanation,
    Nothing,
}

/// A question while its lines come in.
struct Draft {
    place: Msg,
    number: u32,
    section: usize,
    kind: Option<Kind>,
    q: Question,
    answer: Option<String>,
    parts: Vec<Draft>,
    into: Filling,
    faults: Vec<Fault>,
}

/// An answer of a list at the end: of which section and number.
type Listed = (usize, u32);

#[derive(Default)]
struct Paper {
    drafts: Vec<Draft>,
    kind: Option<Kind>,
    each: Option<u32>,
    /// Headings seen so far; kinds of the sections that have one.
    section: usize,
    kinds: Vec<(usize, Option<Kind>)>,
    /// Within the list of answers: the section, the number before, numbers of a table's head.
    listing: Option<(usize, u32)>,
    heads: Vec<u32>,
    listed: HashMap<Listed, String>,
    last: Option<Listed>,
}

impl Paper {
    fn line(&mut self, text: &str, place: &Msg) {
        if let Some((kind, each)) = heading(text) {
            return self.heading(kind, each);
        }
        if let Some(draft) = self.drafts.last()
            && is_answers_heading(text, draft.wants_words())
        {
            self.listing = Some((0, 0));
            return;
        }
        let table = text.starts_with("题号\t") && !self.drafts.is_empty();
        if table && self.listing.is_none() {
            self.listing = Some((0, 0));
        }
        if self.listing.is_some() {
            return self.listed_line(text);
        }
        if let Some((number, rest)) = numbered(text)
            && !self.within_answer(number)
        {
            return self.start(number, rest, place);
        }
        let section = self.kind;
        let Some(draft) = self.drafts.last_mut() else {
            return;
        };
        if draft.kind.or(section) == Some(Kind::Case)
            && let Some((number, rest)) = part_numbered(text)
        {
            let mut part = Draft::new(place.clone(), number, draft.section, None);
            part.stem(rest);
            draft.parts.push(part);
            return;
        }
        let open = match draft.parts.last_mut() {
            Some(part) => part,
            None => draft,
        };
        open.line(text);
    }

    fn heading(&mut self, kind: Option<Kind>, each: Option<u32>) {
        if let Some((section, last)) = &mut self.listing {
            // The same heading as before: its answers follow.
            let same = self
                .kinds
                .iter()
                .find(|(at, k)| *k == kind && *at > *section);
            *section = same.map_or(*section + 1, |(at, _)| *at);
            *last = 0;
            return;
        }
        self.section += 1;
        self.kinds.push((self.section, kind));
        (self.kind, self.each) = (kind, each);
    }

    /// Whether a number that does not go on belongs to an answer in points: 1. 首先…… 2. 其次……
    fn within_answer(&self, number: u32) -> bool {
        self.drafts.last().is_some_and(|draft| {
            let open = draft.parts.last().unwrap_or(draft);
            let said = matches!(open.into, Filling::Answer | Filling::Explanation);
            said && number <= draft.number && draft.section == self.section
        })
    }

    fn start(&mut self, number: u32, rest: &str, place: &Msg) {
        let mut draft = Draft::new(place.clone(), number, self.section, self.kind);
        draft.q.score = self.each;
        draft.stem(rest);
        self.drafts.push(draft);
    }

    fn listed_line(&mut self, text: &str) {
        let cells: Vec<&str> = text.split('\t').map(str::trim).collect();
        let numbers: Vec<Option<u32>> = cells.iter().map(|c| plain_number(c)).collect();
        if cells.len() > 1 && (cells[0].contains("题号") || numbers.iter().all(Option::is_some)) {
            self.heads = numbers.into_iter().map(|n| n.unwrap_or(0)).collect();
            return;
        }
        if cells.len() > 1 && !self.heads.is_empty() {
            let heads = std::mem::take(&mut self.heads);
            for (number, answer) in heads.into_iter().zip(&cells) {
                if number > 0 && !answer.is_empty() {
                    self.list(number, answer);
                }
            }
            return;
        }
        let mut found = Vec::new();
        for piece in listed_pieces(text) {
            found.extend(range(&piece));
        }
        let again = |(number, _): &(u32, String)| {
            self.listing.is_some_and(|(section, last)| {
                let later = self.drafts.iter();
                let more = later.filter(|d| d.section > section && d.number == *number);
                *number <= last
                    && self.listed.contains_key(&(section, *number))
                    && more.count() == 0
            })
        };
        // Numbers of points of an answer are no numbers of questions.
        let points = found.len() == 1 && found.iter().all(again);
        if found.is_empty() || points {
            // More of what was said about the question before: 解析, or an answer of several paragraphs.
            if let Some(answer) = self.last.and_then(|at| self.listed.get_mut(&at)) {
                answer.push('\n');
                answer.push_str(text);
            }
            return;
        }
        for (number, answer) in found {
            self.list(number, &answer);
        }
    }

    fn list(&mut self, number: u32, answer: &str) {
        let Some((section, last)) = &mut self.listing else {
            return;
        };
        if *section == 0 {
            *section = self.drafts.first().map_or(0, |d| d.section);
        }
        // Numbers that begin anew without a heading: the next section, if sections have numbers of their own.
        let anew = number <= *last;
        let more = self
            .drafts
            .iter()
            .any(|d| d.section > *section && d.number == number);
        if anew && more {
            *section += 1;
        }
        *last = number;
        let at = (*section, number);
        self.listed.insert(at, answer.to_owned());
        self.last = Some(at);
    }

    fn finish(self) -> Vec<Item> {
        let listed = &self.listed;
        let times = |number: u32| self.drafts.iter().filter(|d| d.number == number).count();
        let counts: Vec<usize> = self.drafts.iter().map(|d| times(d.number)).collect();
        let mut items = Vec::with_capacity(self.drafts.len());
        for (mut draft, count) in self.drafts.into_iter().zip(counts) {
            let own = listed.get(&(draft.section, draft.number));
            let any = || {
                let mut same = listed.iter().filter(|((_, n), _)| *n == draft.number);
                same.next().map(|(_, answer)| answer).filter(|_| count == 1)
            };
            if let Some(answer) = own.or_else(any).cloned() {
                draft.into = Filling::Nothing;
                draft.line(&format!("【答案】{answer}"));
            }
            items.push(draft.finish());
        }
        items
    }
}

impl Draft {
    fn new(place: Msg, number: u32, section: usize, kind: Option<Kind>) -> Self {
        Self {
            place,
            number,
            section,
            kind,
            q: Question::new(Kind::Short, ""),
            answer: None,
            parts: Vec::new(),
            into: Filling::Stem,
            faults: Vec::new(),
        }
    }

    /// Whether an answer in words is still to come.
    fn wants_words(&self) -> bool {
        let open = self.parts.last().unwrap_or(self);
        let words = open
            .kind
            .is_none_or(|k| k.needs_person() || k == Kind::FillIn || k == Kind::Case);
        words && open.q.options.is_empty() && open.answer.is_none()
    }

    /// The first line: a tag with the kind may stand before it, options behind it.
    fn stem(&mut self, text: &str) {
        let (kind, mut rest) = tagged(text);
        if kind.is_some() {
            self.kind = kind;
        }
        if let Some((stem, options)) = options_behind(rest) {
            rest = stem;
            self.q.stem = rest.trim().to_owned();
            self.options(options);
            return;
        }
        self.q.stem = rest.trim().to_owned();
    }

    fn line(&mut self, text: &str) {
        if let Some((name, rest)) = field(text) {
            return self.field(name, rest);
        }
        let lettered = self
            .kind
            .is_none_or(|k| k.is_choice() || matches!(k, Kind::Ordering | Kind::Judgement));
        let first = lettered && matches!(self.into, Filling::Stem | Filling::Option);
        if first && option_start(text, self.q.options.len()).is_some() {
            return self.options(text);
        }
        let (target, between) = match self.into {
            Filling::Stem => (&mut self.q.stem, "\n"),
            Filling::Explanation => (&mut self.q.explanation, "\n"),
            Filling::Option => match self.q.options.last_mut() {
                Some(option) => (option, "\n"),
                None => (&mut self.q.stem, "\n"),
            },
            Filling::Answer => (self.answer.get_or_insert_default(), "\n"),
            Filling::Nothing => return,
        };
        if !target.is_empty() {
            target.push_str(between);
        }
        target.push_str(text);
    }

    /// Options of one line: each letter that comes next begins another one.
    fn options(&mut self, line: &str) {
        let mut rest = line;
        while let Some(behind) = option_start(rest, self.q.options.len()) {
            let next = self.q.options.len() + 1;
            let end = next_option(behind, next).unwrap_or(behind.len());
            self.q.options.push(behind[..end].trim().to_owned());
            rest = &behind[end..];
        }
        self.into = Filling::Option;
    }

    fn field(&mut self, name: Field, rest: &str) {
        let (own, more) = match next_field(rest) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let own = own.trim();
        self.into = Filling::Nothing;
        match name {
            Field::Answer => {
                self.answer = Some(own.to_owned());
                self.into = Filling::Answer;
            }
            Field::Explanation => {
                own.clone_into(&mut self.q.explanation);
                self.into = Filling::Explanation;
            }
            Field::Source => own.clone_into(&mut self.q.source),
            Field::Article => own.clone_into(&mut self.q.article),
            Field::Points => self.q.points = answers::points_list(own),
            Field::Difficulty => match answers::difficulty_of(own) {
                Some(level) => self.q.difficulty = Some(level),
                None => self.wrong("difficulty", Msg::new("question-difficulty")),
            },
            Field::Score => match answers::points_of(own) {
                Some(score) => self.q.score = Some(score),
                None => self.wrong("score", Msg::new("question-score-unread")),
            },
            Field::Longest => match own.trim_end_matches('字').trim().parse() {
                Ok(most) => self.q.longest = Some(most),
                Err(_) => self.wrong("longest", Msg::new("question-longest")),
            },
            Field::Fixed => self.q.fixed = own != "否",
        }
        if !more.is_empty() {
            self.line(more.trim());
        }
    }

    fn wrong(&mut self, field: &str, message: Msg) {
        self.faults.push(fault(field, message));
    }

    fn finish(mut self) -> Item {
        self.settle();
        Item {
            place: self.place,
            question: self.q,
            faults: self.faults,
        }
    }

    fn settle(&mut self) {
        if !self.parts.is_empty() || self.kind == Some(Kind::Case) {
            self.q.kind = Kind::Case;
            for (at, mut part) in std::mem::take(&mut self.parts).into_iter().enumerate() {
                part.settle();
                let faults = part.faults.into_iter().map(|f| Fault {
                    field: format!("parts.{at}.{}", f.field),
                    ..f
                });
                self.faults.extend(faults);
                self.q.parts.push(part.q);
            }
            if let Some(text) = self.answer.take() {
                let line = format!("参考答案：{text}");
                let old = std::mem::take(&mut self.q.explanation);
                self.q.explanation = [line, old].join("\n").trim().to_owned();
            }
            return;
        }
        let bracket = answer_in_brackets(&self.q.stem, self.kind, self.q.options.len());
        if let Some((answer, emptied)) = bracket {
            let same = |given: &String| squeezed(given) == squeezed(&answer);
            if self.answer.as_ref().is_none_or(|a| a.is_empty() || same(a)) {
                self.q.stem = emptied;
                self.answer = Some(answer);
            }
        }
        let about = About {
            kind: self.kind,
            options: &self.q.options,
            stem: &self.q.stem,
        };
        let (kind, key, unread) = answers::key(&about, self.answer.as_deref());
        (self.q.kind, self.q.key) = (kind, key);
        if kind == Kind::Judgement {
            self.q.options.clear();
        }
        if let Some(message) = unread {
            self.wrong("key", message);
        }
    }
}

fn squeezed(text: &str) -> String {
    let plain = text
        .chars()
        .filter(|c| !c.is_whitespace() && !"、,，".contains(*c));
    plain.flat_map(char::to_lowercase).collect()
}

#[derive(Clone, Copy)]
enum Field {
    Answer,
    Explanation,
    Difficulty,
    Points,
    Source,
    Article,
    Score,
    Longest,
    Fixed,
}

const FIELDS: &[(&str, Field)] = &[
    ("参考答案", Field::Answer),
    ("正确答案", Field::Answer),
    ("标准答案", Field::Answer),
    ("答案解析", Field::Explanation),
    ("试题解析", Field::Explanation),
    ("答案", Field::Answer),
    ("答", Field::Answer),
    ("解析", Field::Explanation),
    ("分析", Field::Explanation),
    ("难易程度", Field::Difficulty),
    ("难度", Field::Difficulty),
    ("知识点", Field::Points),
    ("考点", Field::Points),
    ("来源", Field::Source),
    ("出处", Field::Source),
    ("法条", Field::Article),
    ("法条依据", Field::Article),
    ("法律依据", Field::Article),
    ("分值", Field::Score),
    ("字数上限", Field::Longest),
    ("选项不乱序", Field::Fixed),
];

/// `答案：B`, `【答案】B`, `[解析] …` at the beginning of a line.
fn field(text: &str) -> Option<(Field, &str)> {
    let brackets = [('【', '】'), ('[', ']'), ('［', '］')];
    for (open, close) in brackets {
        if let Some(rest) = text.strip_prefix(open) {
            let (name, rest) = rest.split_once(close)?;
            let found = FIELDS.iter().find(|(n, _)| *n == name.trim())?;
            return Some((found.1, rest.trim_start_matches([':', '：', ' '])));
        }
    }
    FIELDS.iter().find_map(|(name, field)| {
        let rest = text.strip_prefix(name)?.trim_start();
        Some((*field, rest.strip_prefix([':', '：'])?))
    })
}

/// Where on the same line another field begins.
fn next_field(text: &str) -> Option<usize> {
    text.char_indices().map(|(at, _)| at).find(|at| {
        let rest = &text[*at..];
        let apart = *at > 0 && text[..*at].ends_with(char::is_whitespace);
        let bracket = rest.starts_with('【');
        (bracket || apart) && field(rest).is_some()
    })
}

/// `12.`, `12、`, `第12题`: the number and what follows.
fn numbered(text: &str) -> Option<(u32, &str)> {
    let (ordinal, rest) = match text.strip_prefix('第') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let (number, rest) = digits(rest)?;
    let rest = rest.trim_start();
    if ordinal {
        let rest = rest.strip_prefix('题')?;
        return Some((
            number,
            rest.trim_start_matches(['.', '．', '、', ':', '：', ' ']),
        ));
    }
    let after = rest.strip_prefix(['.', '．', '、', ')', '）'])?;
    let decimal = after.starts_with(|c: char| c.is_ascii_digit()) && rest.starts_with('.');
    (!decimal).then(|| (number, after.trim_start()))
}

/// `（1）`, `(2)`, `问题3：`, `第1问`.
fn part_numbered(text: &str) -> Option<(u32, &str)> {
    if let Some(rest) = text.strip_prefix(['(', '（']) {
        let (number, rest) = digits(rest.trim_start())?;
        let rest = rest.trim_start().strip_prefix([')', '）'])?;
        return Some((number, rest.trim_start_matches(['.', '、', ' '])));
    }
    let (rest, ends): (&str, &[&str]) = match (text.strip_prefix("问题"), text.strip_prefix('第'))
    {
        (Some(rest), _) => (rest, &[":", "：", ".", "、"]),
        (_, Some(rest)) => (rest, &["小题", "小问", "问"]),
        _ => return None,
    };
    let (number, rest) = digits(rest.trim_start())?;
    let rest = ends
        .iter()
        .find_map(|end| rest.trim_start().strip_prefix(end))?;
    Some((number, rest.trim_start_matches([':', '：', '.', '、', ' '])))
}

/// A number of up to four digits, also full-width.
fn digits(text: &str) -> Option<(u32, &str)> {
    let value = |c: char| match c {
        '０'..='９' => Some(u32::from(c) - u32::from('０')),
        c => c.to_digit(10),
    };
    let end = text.find(|c| value(c).is_none()).unwrap_or(text.len());
    let count = text[..end].chars().count();
    if !(1..=4).contains(&count) {
        return None;
    }
    let number = text[..end]
        .chars()
        .filter_map(value)
        .fold(0, |n, d| n * 10 + d);
    Some((number, &text[end..]))
}

fn plain_number(text: &str) -> Option<u32> {
    digits(text)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(n, _)| n)
}

/// A heading that names a kind: `一、单项选择题（每题2分，共20分）`. The kind, and the points of each question.
fn heading(text: &str) -> Option<(Option<Kind>, Option<u32>)> {
    if text.chars().count() > 100 {
        return None;
    }
    let numerals = |c: char| "一二三四五六七八九十".contains(c);
    let plain = text.trim_start_matches(['(', '（', '第']);
    let cut = plain.trim_start_matches(numerals);
    let numbered = cut.len() < plain.len();
    let cut = cut.trim_start_matches([
        '、', '.', '．', ')', '）', '部', '分', ' ', ':', '：', '题', '大',
    ]);
    let title = if numbered { cut } else { text };
    let (kind, rest) = answers::named(title)?;
    let rest = rest.trim_start();
    let ends = if numbered {
        rest.is_empty()
            || rest.starts_with(['(', '（', ':', '：', '。', '【', ',', '，', '共', '每'])
    } else {
        rest.trim_end_matches([':', '：']).is_empty()
            || (rest.starts_with(['(', '（']) && (rest.contains('共') || rest.contains('每')))
    };
    if !ends {
        return None;
    }
    let each = ["每小题", "每题", "各"].iter().find_map(|word| {
        let (_, behind) = rest.split_once(word)?;
        let (points, _) = behind.split_once('分')?;
        answers::points_of(points)
    });
    Some((kind, each))
}

/// Whether a line stands above the list of answers. With a colon it may as well be the answer of the question above it,
/// which follows on the next line where it is in words.
fn is_answers_heading(text: &str, in_words: bool) -> bool {
    let plain =
        text.trim_matches(|c: char| "【】[]（）() -—*#一二三四五六七八九十、附".contains(c));
    let bare = plain.trim_end_matches([':', '：']);
    let list = [
        "答案",
        "参考答案",
        "标准答案",
        "试题答案",
        "答案及解析",
        "答案与解析",
        "参考答案及解析",
        "参考答案与解析",
    ];
    let either = bare.len() < plain.len() || text.starts_with(['【', '[', '［']);
    list.contains(&bare) && !(either && in_words)
}

/// `【单选题】…`, `[多选]…`, `（判断题）…`.
fn tagged(text: &str) -> (Option<Kind>, &str) {
    for (open, close) in [
        ('【', '】'),
        ('[', ']'),
        ('（', '）'),
        ('(', ')'),
        ('［', '］'),
    ] {
        if let Some((name, rest)) = text.strip_prefix(open).and_then(|t| t.split_once(close))
            && let Some(Some(kind)) = answers::kind_of(name.trim())
        {
            return (Some(kind), rest.trim_start());
        }
    }
    (None, text)
}

/// What follows the letter of the option that comes next, when a text begins with it.
fn option_start(text: &str, at: usize) -> Option<&str> {
    let text = text.trim_start();
    let (bracket, rest) = match text.strip_prefix(['(', '（', '[', '［']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let mut chars = rest.chars();
    let first = chars.next()?;
    if first.is_ascii_lowercase() || place(first)? != at {
        return None;
    }
    let rest = chars.as_str().trim_start();
    let rest = match bracket {
        true => rest.strip_prefix([')', '）', ']', '］'])?,
        false => rest.strip_prefix(['.', '．', '、', ')', '）', ':', '：', '。'])?,
    };
    let rest = if bracket {
        rest.trim_start_matches(['.', '．', '、'])
    } else {
        rest
    };
    Some(rest)
}

/// Where the next option of the same line begins.
fn next_option(text: &str, at: usize) -> Option<usize> {
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        let apart = before.is_whitespace();
        // Without a blank before it, a letter with a comma may be part of a list of names.
        let tight = !before.is_ascii_alphanumeric()
            && (matches!(c, '(' | '（') || text[place..].chars().nth(1).is_none_or(|d| d != '、'));
        if (apart || tight)
            && !c.is_whitespace()
            && option_start(&text[place..], at).is_some()
            && place > 0
        {
            return Some(place);
        }
        before = c;
    }
    None
}

/// A stem with its options on the same line.
fn options_behind(text: &str) -> Option<(&str, &str)> {
    let at = next_option(text, 0)?;
    let first = option_start(&text[at..], 0)?;
    next_option(first, 1)?;
    Some((&text[..at], &text[at..]))
}

/// The answer that stands in the brackets of a stem, and the stem with empty ones.
fn answer_in_brackets(stem: &str, kind: Option<Kind>, options: usize) -> Option<(String, String)> {
    let lettered = options > 0 && kind.is_none_or(|k| k.is_choice() || k == Kind::Judgement);
    let judged = options == 0 && kind.is_none_or(|k| k == Kind::Judgement);
    let mut found = None;
    for (at, _) in stem.match_indices(['(', '（']) {
        let open = stem[at..].chars().next()?.len_utf8();
        let inside = &stem[at + open..];
        let Some(end) = inside.find([')', '）']) else {
            continue;
        };
        let text = inside[..end].trim();
        let letters = lettered
            && text.chars().all(|c| !c.is_ascii_lowercase())
            && text
                .parse::<Letters>()
                .is_ok_and(|l| !l.is_empty() && l.within(options));
        // A word may well stand in brackets; as an answer it stands at the end.
        let tail = inside[end..]
            .chars()
            .skip(1)
            .all(|c| c.is_whitespace() || "。.？?".contains(c));
        if letters || (judged && tail && answers::truth(text).is_some()) {
            let close = inside[end..].chars().next()?.len_utf8();
            let emptied = format!("{}（　）{}", &stem[..at], &inside[end + close..]);
            found = Some((text.to_owned(), emptied));
        }
    }
    found
}

/// `1.B 2.AC 3.D` in its pieces, each with its number. Pieces of an answer in words stay together.
fn listed_pieces(text: &str) -> Vec<String> {
    let mut starts = Vec::new();
    for (at, c) in text.char_indices() {
        let begins =
            at == 0 || text[..at].ends_with(|b: char| b.is_whitespace() || ",，;；、.".contains(b));
        if begins && c.is_numeric() && listed_start(&text[at..]).is_some() {
            starts.push(at);
        }
    }
    if starts.first() != Some(&0) {
        return Vec::new();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let pieces: Vec<&str> = starts
        .iter()
        .zip(ends)
        .map(|(from, to)| &text[*from..to])
        .collect();
    let short = pieces.iter().all(|piece| piece.chars().count() <= 40);
    if short {
        pieces
            .into_iter()
            .map(|p| {
                p.trim_end_matches([',', '，', ';', '；', ' ', '\t'])
                    .to_owned()
            })
            .collect()
    } else {
        vec![text.to_owned()]
    }
}

fn listed_start(text: &str) -> Option<(u32, u32, &str)> {
    let (from, rest) = digits(text)?;
    let rest = rest.trim_start();
    if let Some(behind) = rest.strip_prefix(['-', '－', '—', '~', '～', '–', '至']) {
        let (to, rest) = digits(behind.trim_start_matches(['-', '—']).trim_start())?;
        let rest = rest.trim_start_matches(['.', '．', '、', ':', '：', '题', ' ']);
        return Some((from, to, rest));
    }
    let behind = rest.strip_prefix(['.', '．', '、', ':', '：', ')', '）']);
    let tight = rest.starts_with(|c: char| place(c).is_some() || "√×对错".contains(c));
    match behind {
        Some(behind) => Some((from, from, behind.trim_start())),
        None if tight => Some((from, from, rest)),
        None => None,
    }
}

/// Numbers with their answers: `3.B`, or `1-5 BCDAB`, a letter or a group of letters for each.
fn range(piece: &str) -> Vec<(u32, String)> {
    let Some((from, to, rest)) = listed_start(piece) else {
        return Vec::new();
    };
    let rest = rest.trim();
    if from == to {
        let (kind, rest) = tagged(rest);
        let _ = kind;
        let rest = match field(rest) {
            Some((Field::Answer, rest)) => rest,
            _ => rest,
        };
        return vec![(from, rest.trim().to_owned())];
    }
    let count = usize::try_from(to.saturating_sub(from)).unwrap_or(0) + 1;
    let words: Vec<&str> = rest
        .split([' ', ',', '，', '、', ';', '；'])
        .filter(|w| !w.is_empty())
        .collect();
    let each: Vec<String> = if words.len() == count && count > 1 {
        words.into_iter().map(str::to_owned).collect()
    } else {
        let letters: Vec<char> = rest.chars().filter(|c| !c.is_whitespace()).collect();
        if letters.len() != count {
            return Vec::new();
        }
        letters.into_iter().map(String::from).collect()
    };
    (from..=to).zip(each).collect()
}

/// An option as it is written.
pub(super) fn option_line(at: usize, text: &str) -> String {
    format!("{}. {text}", letter(at))
}
