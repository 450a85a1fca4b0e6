//! Papers as plain text (文本).

use super::Item;
use super::answers::{name_of, points_text, written};
use super::grammar::{self, Line, option_line};
use crate::model::{Key, Kind, Question};

pub(super) fn read(text: &str) -> Vec<Item> {
    let lines = text.lines().enumerate().map(|(at, text)| Line {
        text: text.to_owned(),
        place: super::line_place(at + 1),
    });
    grammar::read(lines)
}

/// A question with its number, in lines of the grammar; `None` when the grammar has no form for its kind.
pub(super) fn write(number: usize, question: &Question) -> Option<String> {
    let mut out = lines(number, question)?.join("\n");
    out.push('\n');
    Some(out)
}

/// The same line by line, as paragraphs of a document.
pub(super) fn lines(number: usize, question: &Question) -> Option<Vec<String>> {
    let mut out = Vec::new();
    body(&format!("{number}."), question, &mut out)?;
    for (at, part) in question.parts.iter().enumerate() {
        body(&format!("（{}）", at + 1), part, &mut out)?;
    }
    Some(out)
}

/// The parts of a case alone.
pub(super) fn parts(case: &Question) -> Vec<String> {
    let mut out = Vec::new();
    for (at, part) in case.parts.iter().enumerate() {
        // A part that has no form in lines is left out: the form then says so by what is missing.
        let _ = body(&format!("（{}）", at + 1), part, &mut out);
    }
    out
}

fn body(number: &str, question: &Question, out: &mut Vec<String>) -> Option<()> {
    if question.kind == Kind::Matching {
        return None;
    }
    let stem = format!("{number}【{}】{}", name_of(question.kind), question.stem);
    out.extend(stem.lines().map(str::to_owned));
    for (at, option) in question.options.iter().enumerate() {
        out.extend(option_line(at, option).lines().map(str::to_owned));
    }
    let mut field = |name: &str, text: &str| {
        if !text.is_empty() {
            out.extend(format!("{name}：{text}").lines().map(str::to_owned));
        }
    };
    if question.key != Key::None {
        field("答案", &written(&question.key));
    }
    field("解析", &question.explanation);
    let difficulty = question.difficulty.map(|d| d.to_string());
    field("难度", &difficulty.unwrap_or_default());
    field("知识点", &question.points.join("；"));
    field("来源", &question.source);
    field("法条", &question.article);
    field("分值", &question.score.map(points_text).unwrap_or_default());
    let longest = question.longest.map(|n| n.to_string());
    field("字数上限", &longest.unwrap_or_default());
    field("选项不乱序", if question.fixed { "是" } else { "" });
    Some(())
}
