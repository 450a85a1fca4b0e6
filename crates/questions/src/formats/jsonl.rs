//! One question a line: `passage`, `question`, `options` with "(A)" before each, `label` with the letters that are
//! right, `answer` for what is no choice, `other` for the rest.

use kernel::Msg;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Item, line_place};
use crate::letters::{Letters, letter};
use crate::model::{Key, Kind, Question};

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(default)]
    passage: Option<String>,
    question: String,
    #[serde(default)]
    options: Option<Vec<String>>,
    #[serde(default)]
    label: Option<Label>,
    #[serde(default)]
    answer: Option<Value>,
    #[serde(default)]
    other: Option<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Label {
    One(String),
    Many(Vec<String>),
}

pub(super) fn read(text: &str) -> Vec<Item> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let place = line_place(at + 1);
            match serde_json::from_str::<Line>(line) {
                Ok(line) => item(place, line),
                Err(error) => {
                    // The raw line is kept, so that nothing is lost before it is mended.
                    let raw: String = line.chars().take(2_000).collect();
                    let message = Msg::new("question-json").with("column", error.column());
                    Item::new(place, Question::new(Kind::Short, raw)).wrong("stem", message)
                }
            }
        })
        .collect()
}

fn item(place: Msg, line: Line) -> Item {
    if let Some(whole) = line.other.as_ref().and_then(|o| o.get("suneng")) {
        return match Question::deserialize(whole) {
            Ok(question) => Item::new(place, question),
            Err(_) => Item::new(place, Question::new(Kind::Short, line.question))
                .wrong("stem", Msg::new("question-json").with("column", 1)),
        };
    }
    let stem = match line.passage.filter(|p| !p.trim().is_empty()) {
        Some(passage) => format!("{passage}\n{}", line.question),
        None => line.question,
    };
    let options: Vec<String> = line.options.unwrap_or_default();
    let options: Vec<String> = options
        .iter()
        .enumerate()
        .map(|(at, text)| unlettered(at, text))
        .collect();
    let labels = match line.label {
        Some(Label::One(text)) => Some(text),
        Some(Label::Many(texts)) => Some(texts.concat()),
        None => None,
    };
    let text = line.answer.and_then(|answer| match answer {
        Value::String(text) => Some(text),
        Value::Null => None,
        other => Some(other.to_string()),
    });
    let mut question = Question::new(Kind::Short, stem);
    if let Some(solution) = line.other.as_ref().and_then(|o| o.get("solution")) {
        solution
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut question.explanation);
    }
    if options.is_empty() {
        question.key = text.map_or(Key::None, Key::Text);
        return Item::new(place, question);
    }
    question.options = options;
    match labels.unwrap_or_default().parse::<Letters>() {
        Ok(letters) => {
            question.kind = if letters.len() > 1 {
                Kind::Multiple
            } else {
                Kind::Single
            };
            question.key = Key::Choices(letters.sorted());
            Item::new(place, question)
        }
        Err(_) => {
            question.kind = Kind::Single;
            Item::new(place, question).wrong("key", Msg::new("question-label"))
        }
    }
}

/// `(A)text` is `text`, where the letter is the one of the place.
fn unlettered(at: usize, text: &str) -> String {
    let own = letter(at);
    let prefixes = [format!("({own})"), format!("（{own}）"), format!("{own}.")];
    let found = prefixes
        .iter()
        .find_map(|p| text.trim_start().strip_prefix(p.as_str()));
    found.unwrap_or(text).trim().to_owned()
}

pub(super) fn write(_: usize, question: &Question) -> Option<String> {
    let lettered = |(at, text): (usize, &String)| format!("({}){text}", letter(at));
    let mut line = Line {
        passage: None,
        question: question.stem.clone(),
        options: Some(question.options.iter().enumerate().map(lettered).collect()),
        label: None,
        answer: None,
        other: None,
    };
    if let Key::Choices(letters) = &question.key {
        let labels = letters.places().iter().map(|at| letter(*at).to_string());
        line.label = Some(Label::Many(labels.collect()));
    }
    let text = serde_json::to_string(&line).ok()?;
    // What the plain form does not say stands beside it, whole.
    let back = serde_json::from_str::<Line>(&text).ok()?;
    if item(line_place(1), back).question != *question {
        line.other = Some(serde_json::json!({ "suneng": question }));
    }
    let mut text = serde_json::to_string(&line).ok()?;
    text.push('\n');
    Some(text)
}
