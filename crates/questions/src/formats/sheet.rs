//! The usual sheet (试题模板): a question a row, as a workbook or as csv. Parts of a case stand in the rows below it,
//! with 小题 before their kind.

use commons::sheets::write::{self, Value};
use commons::sheets::{self, Column, Table, TableRow};
use kernel::{Error, Msg, Result};

use super::answers::{
    self, About, difficulty_of, name_of, points_list, points_of, points_text, written,
};
use super::{Format, Item, Limits, Written, losses};
use crate::letters::letter;
use crate::model::{Kind, Question};

/// Options that the template has columns for; more are read and written when there are more.
const OPTIONS: usize = 6;
const PART: &str = "小题";

type Names = (&'static str, &'static [&'static str]);

const STEM: Names = (
    "stem",
    &[
        "题干",
        "题目",
        "试题",
        "题目内容",
        "试题内容",
        "问题",
        "题干内容",
        "试题题干",
        "题目题干",
    ],
);
const COLUMNS: [Names; 11] = [
    ("kind", &["题型", "题目类型", "试题类型", "类型"]),
    STEM,
    (
        "answer",
        &["答案", "正确答案", "参考答案", "标准答案", "试题答案"],
    ),
    (
        "explanation",
        &["解析", "答案解析", "试题解析", "题目解析", "分析"],
    ),
    ("difficulty", &["难度", "难易程度", "难度等级", "难易度"]),
    (
        "points",
        &[
            "知识点",
            "考点",
            "所属知识点",
            "题目分类",
            "试题分类",
            "章节",
        ],
    ),
    ("score", &["分值", "分数", "默认分值", "得分"]),
    ("source", &["来源", "出处", "题目来源", "试题来源"]),
    ("article", &["法条", "依据", "法律依据", "法条依据"]),
    ("longest", &["字数上限"]),
    ("fixed", &["选项不乱序"]),
];
const TARGETS: Names = ("targets", &["匹配项", "右侧选项"]);

pub(super) fn looks_like(text: &str) -> bool {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let cells: Vec<String> = first
        .split([',', '\t', ';'])
        .map(|c| sheets::squeeze(c.trim_matches('"')))
        .collect();
    let has = |(_, names): Names| cells.iter().any(|c| names.contains(&c.as_str()));
    has(STEM) && (has(COLUMNS[2]) || has(COLUMNS[0]))
}

pub(super) fn read(name: &str, bytes: &[u8], limits: Limits) -> Result<Vec<Item>> {
    let limits = sheets::Limits {
        bytes: limits.bytes,
        rows: limits.questions.saturating_mul(4),
        inflated: limits.inflated,
        ..sheets::Limits::default()
    };
    let found = sheets::read_all(name, bytes, &limits)?;
    let option_names: Vec<[String; 3]> = (0..crate::letters::MOST_OPTIONS)
        .map(|at| {
            let own = letter(at);
            [format!("选项{own}"), own.to_string(), format!("{own}选项")]
        })
        .collect();
    let option_names: Vec<(String, Vec<&str>)> = option_names
        .iter()
        .enumerate()
        .map(|(at, names)| {
            (
                format!("option{at}"),
                names.iter().map(String::as_str).collect(),
            )
        })
        .collect();
    let mut columns: Vec<Column<'_>> = COLUMNS
        .iter()
        .chain([&TARGETS])
        .map(|(key, names)| match *key == STEM.0 {
            true => Column::required(key, names),
            false => Column::optional(key, names),
        })
        .collect();
    columns.extend(
        option_names
            .iter()
            .map(|(key, names)| Column::optional(key, names)),
    );
    let mut items: Vec<Item> = Vec::new();
    let mut refused = None;
    for sheet in &found {
        match sheet.columns(&columns) {
            Ok(table) => rows(&table, &mut items),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match (items.is_empty(), refused) {
        // A sheet of notes beside the questions does no harm.
        (true, Some(error)) => Err(error),
        _ => Ok(items),
    }
}

fn rows(table: &Table<'_>, items: &mut Vec<Item>) {
    for row in table.rows() {
        let kind_cell = row.get("kind").text;
        let part = kind_cell.strip_prefix(PART);
        let item = item(
            &row,
            part.map_or(kind_cell, |k| {
                k.trim_start_matches(['·', '-', '：', ':', ' '])
            }),
        );
        let case = items.last_mut().filter(|i| i.question.kind == Kind::Case);
        match (part, case) {
            (Some(_), Some(case)) => {
                let at = case.question.parts.len();
                case.question.parts.push(item.question);
                let faults = item.faults.into_iter().map(|mut f| {
                    f.field = format!("parts.{at}.{}", f.field);
                    f
                });
                case.faults.extend(faults);
            }
            (Some(_), None) => items.push(item.wrong("kind", Msg::new("question-part-alone"))),
            (None, _) => items.push(item),
        }
    }
}

fn item(row: &TableRow<'_, '_>, kind_text: &str) -> Item {
    let stem = row.get("stem");
    let place = Msg::new("question-place-cell").with("cell", stem.address());
    let mut item = Item::new(place, Question::new(Kind::Short, stem.text));
    let mut wrong = |field: &str, key: &str, message: Msg| {
        item.faults.push(super::fault(
            field,
            message.with("cell", row.get(key).address()),
        ));
    };
    let kind = match kind_text {
        "" => None,
        text => match answers::kind_of(text) {
            Some(kind) => kind,
            None => {
                wrong(
                    "kind",
                    "kind",
                    Msg::new("question-kind-unread").with("kind", text),
                );
                None
            }
        },
    };
    let q = &mut item.question;
    let mut options: Vec<String> = (0..crate::letters::MOST_OPTIONS)
        .map(|at| row.get(&format!("option{at}")).text.to_owned())
        .collect();
    while options.last().is_some_and(String::is_empty) {
        options.pop();
    }
    q.options = options;
    let targets = row.get("targets").text;
    q.targets = targets
        .lines()
        .map(|t| t.trim().to_owned())
        .filter(|t| !t.is_empty())
        .collect();
    let answer = row.get("answer");
    let about = About {
        kind,
        options: &q.options,
        stem: &q.stem,
    };
    let (kind, key, unread) = answers::key(&about, Some(answer.text));
    (q.kind, q.key) = (kind, key);
    if kind == Kind::Judgement {
        q.options.clear();
    }
    let mut faults = Vec::new();
    faults.extend(unread.map(|m| ("key", "answer", m)));
    row.get("explanation").text.clone_into(&mut q.explanation);
    row.get("source").text.clone_into(&mut q.source);
    row.get("article").text.clone_into(&mut q.article);
    q.points = points_list(row.get("points").text);
    q.fixed = matches!(row.get("fixed").text, "是" | "Y" | "y" | "1" | "√");
    let text = row.get("difficulty").text;
    if !text.is_empty() {
        q.difficulty = difficulty_of(text);
        if q.difficulty.is_none() {
            faults.push(("difficulty", "difficulty", Msg::new("question-difficulty")));
        }
    }
    let text = row.get("score").text;
    if !text.is_empty() {
        q.score = points_of(text);
        if q.score.is_none() {
            faults.push(("score", "score", Msg::new("question-score-unread")));
        }
    }
    let text = row.get("longest").text;
    if !text.is_empty() {
        q.longest = text.parse().ok();
        if q.longest.is_none() {
            faults.push(("longest", "longest", Msg::new("question-longest")));
        }
    }
    for (field, key, message) in faults {
        let message = message.with("cell", row.get(key).address());
        item.faults.push(super::fault(field, message));
    }
    item
}

fn header(options: usize) -> Vec<String> {
    let mut out = vec!["题型".to_owned(), "题干".to_owned()];
    out.extend((0..options).map(|at| format!("选项{}", letter(at))));
    let rest = [
        "匹配项",
        "答案",
        "解析",
        "难度",
        "知识点",
        "分值",
        "来源",
        "法条",
        "字数上限",
        "选项不乱序",
    ];
    out.extend(rest.map(str::to_owned));
    out
}

fn line(question: &Question, options: usize, part: bool) -> Vec<Value> {
    let kind = name_of(question.kind);
    let text = |text: &str| Value::from(text);
    let mut out = vec![
        if part {
            Value::from(format!("{PART}·{kind}"))
        } else {
            text(kind)
        },
        text(&question.stem),
    ];
    out.extend((0..options).map(|at| text(question.options.get(at).map_or("", String::as_str))));
    out.push(Value::from(question.targets.join("\n")));
    out.push(Value::from(written(&question.key)));
    out.push(text(&question.explanation));
    out.push(question.difficulty.map(i64::from).into());
    out.push(Value::from(question.points.join("；")));
    out.push(Value::from(
        question.score.map(points_text).unwrap_or_default(),
    ));
    out.push(text(&question.source));
    out.push(text(&question.article));
    out.push(question.longest.map(i64::from).into());
    out.push(text(if question.fixed { "是" } else { "" }));
    out
}

fn file(format: Format, header: &[String], lines: Vec<Vec<Value>>) -> Result<Vec<u8>> {
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    match format {
        Format::Csv => write::csv(&header, lines),
        _ => write::xlsx("试题", &header, lines),
    }
}

/// An empty sheet with the columns of the import.
pub fn template(format: Format) -> Result<Vec<u8>> {
    file(format, &header(OPTIONS), Vec::new())
}

pub(super) fn write(format: Format, questions: &[Question]) -> Result<Written> {
    let all = || {
        questions
            .iter()
            .flat_map(|q| std::iter::once(q).chain(&q.parts))
    };
    let options = all()
        .map(|q| q.options.len())
        .max()
        .unwrap_or(0)
        .max(OPTIONS);
    let mut lines = Vec::new();
    for question in questions {
        lines.push(line(question, options, false));
        lines.extend(question.parts.iter().map(|part| line(part, options, true)));
    }
    let bytes = file(format, &header(options), lines)?;
    let back = match questions.is_empty() {
        true => Vec::new(),
        false => read("", &bytes, Limits::default())?,
    };
    if back.len() != questions.len() {
        return Err(Error::internal(
            "a sheet of questions came back with other rows",
        ));
    }
    let pairs = questions.iter().zip(&back).enumerate();
    let lost = pairs.flat_map(|(at, (question, item))| {
        losses(question, std::slice::from_ref(item)).map(move |message| (at + 1, message))
    });
    Ok(Written {
        lost: lost.collect(),
        bytes,
    })
}
