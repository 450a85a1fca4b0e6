//! Aiken: a stem of one line, options from A on, and `ANSWER: B`.

use kernel::Msg;

use super::{Item, line_place};
use crate::letters::{Letters, letter, place};
use crate::model::{Key, Kind, Question};

const ANSWER: &str = "ANSWER:";

pub(super) fn looks_like(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim_start().starts_with(ANSWER))
}

pub(super) fn read(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut open: Option<(usize, Question)> = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if let Some(answer) = line.strip_prefix(ANSWER) {
            let (from, question) = open
                .take()
                .unwrap_or((at + 1, Question::new(Kind::Single, "")));
            items.push(closed(from, question, answer.trim()));
            continue;
        }
        let (_, question) = open.get_or_insert((at + 1, Question::new(Kind::Single, "")));
        match option(line, question.options.len()) {
            Some(option) => question.options.push(option.to_owned()),
            None if question.options.is_empty() => {
                if !question.stem.is_empty() {
                    question.stem.push('\n');
                }
                question.stem.push_str(line);
            }
            None => {
                // A line that is no option ends a question without its answer.
                let next = (at + 1, Question::new(Kind::Single, line));
                if let Some((from, question)) = open.replace(next) {
                    items.push(closed(from, question, ""));
                }
            }
        }
    }
    if let Some((from, question)) = open {
        items.push(closed(from, question, ""));
    }
    items
}

fn option(line: &str, at: usize) -> Option<&str> {
    let mut chars = line.chars();
    let first = chars.next().filter(char::is_ascii_uppercase)?;
    let rest = chars.as_str().strip_prefix(['.', ')'])?;
    (place(first)? == at).then(|| rest.trim())
}

fn closed(from: usize, mut question: Question, answer: &str) -> Item {
    let place = line_place(from);
    match answer.parse::<Letters>() {
        Ok(letters) => {
            if letters.len() > 1 {
                question.kind = Kind::Multiple;
            }
            question.key = Key::Choices(letters.sorted());
            Item::new(place, question)
        }
        Err(_) => {
            let message = Msg::new("question-key-unread").with("key", answer);
            Item::new(place, question).wrong("key", message)
        }
    }
}

pub(super) fn write(_: usize, question: &Question) -> Option<String> {
    let Key::Choices(right) = &question.key else {
        return None;
    };
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = flat(&question.stem);
    for (at, option) in question.options.iter().enumerate() {
        out.push_str(&format!("\n{}. {}", letter(at), flat(option)));
    }
    out.push_str(&format!("\n{ANSWER} {right}\n"));
    Some(out)
}
