//! Questions as pages and sheets of officers show them: texts with pictures, options by letters, keys in words.

use kernel::Id;
use questions::{Answer, Key, Kind, Question, Shown, letter};
use serde_json::{Value, json};
use web::Shell;

/// A text in pieces: words, line breaks, pictures of the bank.
pub(crate) fn prose(text: &str, question: &Question, bank: Option<Id>) -> Vec<Value> {
    let mut pieces = Vec::new();
    let words = |text: &str, pieces: &mut Vec<Value>| {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                pieces.push(json!({ "br": true, "src": null, "text": "" }));
            }
            if !line.is_empty() {
                pieces.push(json!({ "br": false, "src": null, "text": line }));
            }
        }
    };
    for (at, part) in text.split("![](#").enumerate() {
        if at == 0 {
            words(part, &mut pieces);
            continue;
        }
        let (number, rest) = part.split_once(')').unwrap_or((part, ""));
        let place = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let media = place.and_then(|n| question.media.get(n));
        if let (Some(media), Some(bank)) = (media, bank) {
            let src = format!("/questions/{bank}/pictures/{}", media.hash);
            pieces.push(json!({ "br": false, "src": src, "text": media.name }));
        }
        words(rest, &mut pieces);
    }
    pieces
}

/// A question in an order, with its key if wanted.
pub(crate) fn view(
    shell: &Shell,
    question: &Question,
    shown: &Shown,
    bank: Option<Id>,
    key: bool,
) -> Value {
    let texts = |order: &questions::Letters, texts: &[String]| -> Vec<Value> {
        let found = order.places().iter().filter_map(|at| texts.get(*at));
        found
            .enumerate()
            .map(|(n, text)| json!({ "letter": letter(n).to_string(), "text": prose(text, question, bank) }))
            .collect()
    };
    let parts = question.parts.iter().zip(&shown.parts);
    let parts: Vec<Value> = parts
        .map(|(part, shown)| view(shell, part, shown, bank, key))
        .collect();
    json!({
        "kind": shell.t(&format!("question-kind-{}", question.kind.code())), "code": question.kind.code(),
        "stem": prose(&question.stem, question, bank), "options": texts(&shown.options, &question.options),
        "targets": texts(&shown.targets, &question.targets), "parts": parts,
        "key": key.then(|| key_text(shell, question, shown)),
        "explanation": if key { prose(&question.explanation, question, bank) } else { Vec::new() },
        "article": if key { question.article.as_str() } else { "" },
        "points": question.points, "difficulty": question.difficulty,
    })
}

/// What is right, in letters as they are seen.
pub(crate) fn key_text(shell: &Shell, question: &Question, shown: &Shown) -> String {
    let answer = match &question.key {
        Key::None => Answer::None,
        Key::Choices(letters) => Answer::Choices(letters.clone()),
        Key::Truth(truth) => Answer::Truth(*truth),
        Key::Blanks { blanks, .. } => {
            let all = blanks.iter().map(|b| b.join(" / "));
            return all.collect::<Vec<_>>().join("；");
        }
        Key::Order(letters) => Answer::Order(letters.clone()),
        Key::Pairs(pairs) => Answer::Pairs(pairs.iter().copied().map(Some).collect()),
        Key::Text(text) => Answer::Text(text.clone()),
    };
    answer_text(shell, question, &shown.forth(answer))
}

/// An answer in words, in letters as it has them.
pub(crate) fn answer_text(shell: &Shell, question: &Question, answer: &Answer) -> String {
    match answer {
        Answer::None => String::new(),
        Answer::Choices(letters) | Answer::Order(letters) => letters.to_string(),
        Answer::Truth(truth) => shell.t(if *truth { "exam-true" } else { "exam-false" }),
        Answer::Blanks(texts) => texts.join("；"),
        Answer::Pairs(pairs) => {
            let pair = |(at, to): (usize, &Option<usize>)| {
                let to = to.map_or_else(|| "—".to_owned(), |t| letter(t).to_string());
                format!("{}→{to}", letter(at))
            };
            let all = pairs.iter().enumerate().map(pair);
            all.collect::<Vec<_>>().join("，")
        }
        Answer::Text(text) => text.clone(),
        Answer::Files(files) => files.len().to_string(),
        Answer::Parts(parts) => {
            let each = question.parts.iter().zip(parts).enumerate();
            let each = each.map(|(n, (q, a))| format!("({}) {}", n + 1, answer_text(shell, q, a)));
            each.collect::<Vec<_>>().join("；")
        }
    }
}

/// The beginning of a stem, in one line.
pub(crate) fn brief(question: &Question) -> String {
    let line: String = question
        .stem
        .split("![](#")
        .enumerate()
        .map(|(at, piece)| match at {
            0 => piece,
            _ => piece.split_once(')').map_or("", |(_, rest)| rest),
        })
        .collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(60).collect();
    if line.chars().count() > 60 {
        short.push('…');
    }
    short
}

/// `一、单项选择题`, `1. Single choice`.
pub(crate) fn section_title(shell: &Shell, at: usize, kind: Kind) -> String {
    let name = shell.t(&format!("question-kind-{}", kind.code()));
    match shell.lang() {
        web::Lang::Zh => format!("{}、{name}", chinese(at + 1)),
        web::Lang::En => format!("{}. {name}", at + 1),
    }
}

/// A number up to 99 in Chinese digits.
fn chinese(n: usize) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let (tens, ones) = (n / 10 % 10, n % 10);
    match tens {
        0 => DIGITS[ones].to_owned(),
        1 => format!("十{}", DIGITS[ones]),
        _ => format!("{}十{}", DIGITS[tens], DIGITS[ones]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_numbered_as_papers_have_them() {
        let told = [1, 9, 10, 11, 20, 34].map(chinese);
        assert_eq!(told, ["一", "九", "十", "十一", "二十", "三十四"]);
    }
}
