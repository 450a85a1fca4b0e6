//! GIFT: a question is a paragraph with its answer in braces. What GIFT has no words for stands in tags
//! (`[tag:difficulty:3]`) of the comment before it.

use kernel::Msg;

use super::answers::{points_of, points_text};
use super::{Item, line_place};
use crate::letters::Letters;
use crate::model::{Key, Kind, Question};

pub(super) fn looks_like(text: &str) -> bool {
    let marked = text
        .lines()
        .any(|line| line.starts_with("::") || line.starts_with("$CATEGORY:"));
    let blocks = ["{=", "{ =", "{~", "{ ~", "{T}", "{F}", "{TRUE}", "{FALSE}"];
    marked || (!super::grammar::begins(text) && blocks.iter().any(|b| text.contains(b)))
}

pub(super) fn read(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut category = None;
    let mut block: Vec<&str> = Vec::new();
    let mut tags = Tags::default();
    let mut from = 0;
    for (at, line) in text.lines().chain([""]).enumerate() {
        let plain = line.trim();
        if let Some(comment) = plain.strip_prefix("//") {
            tags.read(comment);
        } else if let Some(path) = plain.strip_prefix("$CATEGORY:") {
            category = Some(
                path.trim()
                    .trim_start_matches("$course$/")
                    .trim_start_matches("top/")
                    .to_owned(),
            );
        } else if plain.is_empty() {
            if !block.is_empty() {
                let text = std::mem::take(&mut block).join("\n");
                let own = std::mem::take(&mut tags);
                let mut item = item(line_place(from), &text);
                own.put_on(&mut item);
                if item.question.points.is_empty()
                    && let Some(path) = category
                        .as_ref()
                        .filter(|c| !matches!(c.as_str(), "" | "top" | "$course$"))
                {
                    item.question.points.push(path.clone());
                }
                items.push(item);
            }
        } else {
            if block.is_empty() {
                from = at + 1;
            }
            block.push(line);
        }
    }
    items
}

/// What stands in tags.
#[derive(Default)]
pub(super) struct Tags(Vec<(String, String)>);

impl Tags {
    fn read(&mut self, comment: &str) {
        for piece in comment.split("[tag:").skip(1) {
            if let Some((name, value)) = piece
                .split_once(']')
                .and_then(|(tag, _)| tag.split_once(':'))
            {
                self.push(name, value);
            }
        }
    }

    pub fn push(&mut self, name: &str, value: &str) {
        self.0
            .push((name.trim().to_owned(), value.trim().to_owned()));
    }

    /// Tags of a question.
    pub fn of(question: &Question) -> Self {
        let mut tags = Self::default();
        tags.push("kind", question.kind.code());
        for point in &question.points {
            tags.push("point", point);
        }
        if let Some(level) = question.difficulty {
            tags.push("difficulty", &level.to_string());
        }
        if let Some(score) = question.score {
            tags.push("score", &points_text(score));
        }
        if let Some(longest) = question.longest {
            tags.push("longest", &longest.to_string());
        }
        for (name, text) in [("source", &question.source), ("article", &question.article)] {
            if !text.is_empty() {
                tags.push(name, text);
            }
        }
        if question.fixed {
            tags.push("fixed", "yes");
        }
        if matches!(
            question.key,
            Key::Blanks {
                unordered: true,
                ..
            }
        ) {
            tags.push("unordered", "yes");
        }
        tags
    }

    pub fn iter(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, value)| format!("{name}:{value}"))
    }

    pub fn put_on(self, item: &mut Item) {
        let question = &mut item.question;
        for (name, value) in self.0 {
            match name.as_str() {
                "kind" => {
                    let near = |kind: Kind| match question.kind {
                        own if own.is_choice() => kind.is_choice(),
                        own if own.needs_person() => kind.needs_person(),
                        own => own == kind,
                    };
                    if let Some(kind) = Kind::of_code(&value).filter(|k| near(*k)) {
                        question.kind = kind;
                    }
                }
                "point" => question.points.push(value),
                "difficulty" => question.difficulty = value.parse().ok(),
                "score" => question.score = points_of(&value),
                "longest" => question.longest = value.parse().ok(),
                "source" => question.source = value,
                "article" => question.article = value,
                "fixed" => question.fixed = true,
                "unordered" => {
                    if let Key::Blanks { unordered, .. } = &mut question.key {
                        *unordered = true;
                    }
                }
                _ => {}
            }
        }
    }
}

/// Where a sign stands that is not escaped.
fn find(text: &str, signs: &[char]) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if signs.contains(&c) {
            return Some(at);
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c) => out.push(c),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// Text with what tells how it is to be read in front: `[html]`, `[markdown]`.
fn texted(text: &str) -> String {
    let text = text.trim();
    if let Some(html) = text.strip_prefix("[html]") {
        return super::markup::html(&unescaped(html), &mut |_| None);
    }
    let plain = ["[moodle]", "[plain]", "[markdown]"]
        .iter()
        .find_map(|f| text.strip_prefix(f));
    unescaped(plain.unwrap_or(text))
}

fn item(place: Msg, text: &str) -> Item {
    let body = match text.trim_start().strip_prefix("::") {
        Some(titled) => titled.split_once("::").map_or(titled, |(_, body)| body),
        None => text,
    };
    let Some(open) = find(body, &['{']) else {
        let message = Msg::new("question-gift-braces");
        return Item::new(place, Question::new(Kind::Short, texted(body))).wrong("key", message);
    };
    let (before, rest) = (&body[..open], &body[open + 1..]);
    let Some(close) = find(rest, &['}']) else {
        let message = Msg::new("question-gift-braces");
        return Item::new(place, Question::new(Kind::Short, texted(before))).wrong("key", message);
    };
    let (answers, after) = (&rest[..close], rest[close + 1..].trim());
    if find(after, &['{', '}']).is_some() {
        let message = Msg::new("question-gift-braces");
        return Item::new(place, Question::new(Kind::Short, texted(before))).wrong("key", message);
    }
    let stem = match after.is_empty() {
        true => texted(before),
        false => format!("{}____{}", texted(before), unescaped(after)),
    };
    let (answers, explanation) = match answers.split_once("####") {
        Some((answers, general)) => (answers, texted(general)),
        None => (answers, String::new()),
    };
    let mut item = Item::new(place, Question::new(Kind::Essay, stem));
    item.question.explanation = explanation;
    answer(&mut item, answers.trim());
    item
}

fn answer(item: &mut Item, text: &str) {
    let q = &mut item.question;
    let word = find(text, &['#']).map_or(text, |at| &text[..at]).trim();
    match word.to_uppercase().as_str() {
        "T" | "TRUE" | "F" | "FALSE" => {
            q.kind = Kind::Judgement;
            q.key = Key::Truth(word.to_uppercase().starts_with('T'));
            return;
        }
        "" if !text.starts_with('#') => return,
        _ => {}
    }
    if let Some(number) = text.strip_prefix('#') {
        let (value, tolerance) = number
            .trim()
            .split_once(':')
            .unwrap_or((number.trim(), "0"));
        q.kind = Kind::FillIn;
        q.key = one_blank([value.trim_start_matches('=').trim().to_owned()]);
        if tolerance.trim().parse() != Ok(0.0) || value.contains("..") {
            let message = Msg::new("question-gift-range").with("key", number.trim());
            item.faults.push(super::fault("key", message));
        }
        return;
    }
    let choices = choices(text);
    if choices.is_empty() {
        let message =
            Msg::new("question-key-unread").with("key", text.chars().take(40).collect::<String>());
        item.faults.push(super::fault("key", message));
        return;
    }
    if choices.iter().all(|c| c.pair.is_some()) {
        return matched(q, choices);
    }
    if choices.iter().all(|c| c.right) && choices.iter().all(|c| c.weight.is_none()) {
        q.kind = Kind::FillIn;
        q.key = one_blank(choices.into_iter().map(|c| c.text));
        return;
    }
    let right = choices
        .iter()
        .enumerate()
        .filter(|(_, c)| c.right)
        .map(|(at, _)| at);
    let right: Vec<usize> = right.collect();
    q.kind = if right.len() > 1 {
        Kind::Multiple
    } else {
        Kind::Single
    };
    q.key = Letters::new(right).map_or(Key::None, Key::Choices);
    q.options = choices.into_iter().map(|c| c.text).collect();
}

fn one_blank(synonyms: impl IntoIterator<Item = String>) -> Key {
    Key::Blanks {
        blanks: vec![synonyms.into_iter().collect()],
        unordered: false,
    }
}

struct Choice {
    right: bool,
    weight: Option<String>,
    text: String,
    pair: Option<String>,
}

fn choices(text: &str) -> Vec<Choice> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = find(rest, &['=', '~']) {
        let equal = rest[at..].starts_with('=');
        let behind = &rest[at + 1..];
        let end = find(behind, &['=', '~']).unwrap_or(behind.len());
        let own = &behind[..end];
        rest = &behind[end..];
        let own = find(own, &['#']).map_or(own, |at| &own[..at]).trim();
        let weighted = own.strip_prefix('%').and_then(|t| t.split_once('%'));
        let (weight, own) = weighted.map_or((None, own), |(weight, text)| (Some(weight), text));
        let positive = weight
            .and_then(|w| w.parse::<f64>().ok())
            .is_some_and(|w| w > 0.0);
        let (left, pair) = match own.split_once("->") {
            Some((left, pair)) => (left, Some(unescaped(pair))),
            None => (own, None),
        };
        out.push(Choice {
            right: if weight.is_some() { positive } else { equal },
            weight: weight.map(str::to_owned),
            text: texted(left),
            pair,
        });
    }
    out
}

fn matched(q: &mut Question, choices: Vec<Choice>) {
    q.kind = Kind::Matching;
    let mut pairs = Vec::new();
    for choice in choices {
        let target = choice.pair.unwrap_or_default();
        let place = q.targets.iter().position(|t| *t == target);
        let place = place.unwrap_or_else(|| {
            q.targets.push(target);
            q.targets.len() - 1
        });
        if !choice.text.is_empty() {
            q.options.push(choice.text);
            pairs.push(place);
        }
    }
    q.key = Key::Pairs(pairs);
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '~' | '=' | '#' | '{' | '}' | ':' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // What only looks like the name of a format is text.
    match out.starts_with('[') {
        true => format!("[plain]{out}"),
        false => out,
    }
}

pub(super) fn write(number: usize, question: &Question) -> Option<String> {
    let answers = match (&question.kind, &question.key) {
        (kind, Key::Choices(right)) if kind.is_choice() => chosen(question, right),
        (Kind::Judgement, Key::Truth(truth)) => if *truth { "T" } else { "F" }.to_owned(),
        (Kind::FillIn, Key::Blanks { blanks, .. }) if blanks.len() == 1 => {
            let synonyms = blanks[0].iter().map(|s| format!("={}", escaped(s)));
            synonyms.collect::<Vec<_>>().join(" ")
        }
        (Kind::Matching, Key::Pairs(targets)) => paired(question, targets),
        (Kind::Short | Kind::Essay, _) => String::new(),
        _ => return None,
    };
    let mut out = String::from("//");
    for tag in Tags::of(question).iter() {
        out.push_str(&format!(" [tag:{}]", tag.replace(['[', ']', '\n'], " ")));
    }
    let explanation = match question.explanation.is_empty() {
        true => String::new(),
        false => format!("####{}", escaped(&question.explanation)),
    };
    out.push_str(&format!(
        "\n::{number}::{} {{{answers}{explanation}}}\n",
        escaped(&question.stem)
    ));
    Some(out)
}

fn chosen(question: &Question, right: &Letters) -> String {
    // Several right options share the whole; a wrong one takes everything away.
    let share = 100.0 / right.len().max(1) as f64;
    let options = question.options.iter().enumerate().map(|(at, text)| {
        let sign = match (right.has(at), right.len()) {
            (true, 1) => "=".to_owned(),
            (true, _) => format!("~%{share:.5}%"),
            (false, 0 | 1) => "~".to_owned(),
            (false, _) => "~%-100%".to_owned(),
        };
        format!("{sign}{}", escaped(text))
    });
    options.collect::<Vec<_>>().join(" ")
}

fn paired(question: &Question, targets: &[usize]) -> String {
    let pair = |(option, target): (&String, &usize)| {
        let target = question.targets.get(*target).map_or("", String::as_str);
        format!("={} -> {}", escaped(option), escaped(target))
    };
    let mut out: Vec<String> = question.options.iter().zip(targets).map(pair).collect();
    let spare = question
        .targets
        .iter()
        .enumerate()
        .filter(|(at, _)| !targets.contains(at));
    out.extend(spare.map(|(_, text)| format!("= -> {}", escaped(text))));
    out.join(" ")
}
