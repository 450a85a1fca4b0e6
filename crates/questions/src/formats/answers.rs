//! Keys as people write them (答案的写法) in sheets and papers, and kinds as they name them.

use kernel::Msg;

use crate::letters::Letters;
use crate::model::{Key, Kind, blank_marks};

/// Names of kinds as they stand in headings and cells, longer ones first. `None`: some choice.
const NAMES: &[(&str, Option<Kind>)] = &[
    ("不定项选择题", Some(Kind::Indefinite)),
    ("不定项选择", Some(Kind::Indefinite)),
    ("不定项题", Some(Kind::Indefinite)),
    ("不定项", Some(Kind::Indefinite)),
    ("任选题", Some(Kind::Indefinite)),
    ("单项选择题", Some(Kind::Single)),
    ("单项选择", Some(Kind::Single)),
    ("单选题", Some(Kind::Single)),
    ("单选", Some(Kind::Single)),
    ("多项选择题", Some(Kind::Multiple)),
    ("多项选择", Some(Kind::Multiple)),
    ("多选题", Some(Kind::Multiple)),
    ("多选", Some(Kind::Multiple)),
    ("判断正误题", Some(Kind::Judgement)),
    ("判断正误", Some(Kind::Judgement)),
    ("判断题", Some(Kind::Judgement)),
    ("判断", Some(Kind::Judgement)),
    ("是非题", Some(Kind::Judgement)),
    ("填空题", Some(Kind::FillIn)),
    ("填空", Some(Kind::FillIn)),
    ("名词解释题", Some(Kind::Short)),
    ("名词解释", Some(Kind::Short)),
    ("简答题", Some(Kind::Short)),
    ("简答", Some(Kind::Short)),
    ("问答题", Some(Kind::Short)),
    ("论述题", Some(Kind::Essay)),
    ("论述", Some(Kind::Essay)),
    ("文书写作题", Some(Kind::Essay)),
    ("文书写作", Some(Kind::Essay)),
    ("写作题", Some(Kind::Essay)),
    ("案例分析题", Some(Kind::Case)),
    ("案例分析", Some(Kind::Case)),
    ("案例题", Some(Kind::Case)),
    ("材料分析题", Some(Kind::Case)),
    ("材料题", Some(Kind::Case)),
    ("组合题", Some(Kind::Case)),
    ("排序题", Some(Kind::Ordering)),
    ("排序", Some(Kind::Ordering)),
    ("匹配题", Some(Kind::Matching)),
    ("匹配", Some(Kind::Matching)),
    ("连线题", Some(Kind::Matching)),
    ("附件题", Some(Kind::Upload)),
    ("上传题", Some(Kind::Upload)),
    ("附件", Some(Kind::Upload)),
    ("选择题", None),
];

/// The kind whose name a text begins with, and the rest; the inner `None` is some choice.
pub(super) fn named(text: &str) -> Option<(Option<Kind>, &str)> {
    NAMES
        .iter()
        .find_map(|(name, kind)| Some((*kind, text.strip_prefix(name)?)))
}

/// The kind that a cell names: in Chinese, or by its code.
pub(super) fn kind_of(cell: &str) -> Option<Option<Kind>> {
    if let Some(kind) = Kind::of_code(&cell.to_lowercase()) {
        return Some(Some(kind));
    }
    named(cell)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(kind, _)| kind)
}

/// How a kind is written.
pub(super) fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Single => "单选题",
        Kind::Multiple => "多选题",
        Kind::Indefinite => "不定项选择题",
        Kind::Judgement => "判断题",
        Kind::FillIn => "填空题",
        Kind::Short => "简答题",
        Kind::Essay => "论述题",
        Kind::Case => "案例分析题",
        Kind::Ordering => "排序题",
        Kind::Matching => "匹配题",
        Kind::Upload => "附件题",
    }
}

/// Whether a text says yes or no.
pub(super) fn truth(text: &str) -> Option<bool> {
    let text = text.trim().trim_end_matches(['。', '.']).to_lowercase();
    match text.as_str() {
        "对" | "正确" | "√" | "✓" | "✔" | "☑" | "t" | "true" | "是" | "y" | "yes" | "v" => {
            Some(true)
        }
        "错" | "错误" | "不正确" | "×" | "✗" | "✘" | "✕" | "x" | "╳" | "f" | "false" | "否"
        | "n" | "no" => Some(false),
        _ => None,
    }
}

/// What a reader knows of a question whose key it wants.
pub(super) struct About<'q> {
    /// Its kind, when a heading or cell says so.
    pub kind: Option<Kind>,
    /// Its options.
    pub options: &'q [String],
    /// Its stem.
    pub stem: &'q str,
}

/// Kind and key of a question by what is written as its answer; and what is wrong with that.
pub(super) fn key(about: &About<'_>, answer: Option<&str>) -> (Kind, Key, Option<Msg>) {
    let given = answer.map(str::trim).filter(|a| !a.is_empty());
    let letters = given.and_then(|a| a.parse::<Letters>().ok());
    let kind = about
        .kind
        .unwrap_or_else(|| guessed(about, given, letters.as_ref()));
    let Some(text) = given else {
        return (kind, Key::None, None);
    };
    let unread = || Some(Msg::new("question-key-unread").with("key", shortened(text)));
    let found = match kind {
        Kind::Single | Kind::Multiple | Kind::Indefinite => {
            letters.map(|letters| Key::Choices(letters.sorted()))
        }
        Kind::Ordering => letters.map(Key::Order),
        Kind::Judgement => judged(about, text, letters.as_ref()).map(Key::Truth),
        Kind::FillIn => Some(blanks(text, blank_marks(about.stem))),
        Kind::Short | Kind::Essay | Kind::Upload => Some(Key::Text(text.to_owned())),
        Kind::Matching => pairs(text),
        Kind::Case => None,
    };
    match found {
        Some(key) => (kind, key, None),
        None => (kind, Key::None, unread()),
    }
}

fn guessed(about: &About<'_>, given: Option<&str>, letters: Option<&Letters>) -> Kind {
    if !about.options.is_empty() {
        let several = letters.is_some_and(|l| l.len() > 1);
        return if several {
            Kind::Multiple
        } else {
            Kind::Single
        };
    }
    if given.is_some_and(|text| truth(text).is_some()) {
        Kind::Judgement
    } else if blank_marks(about.stem) > 0 {
        Kind::FillIn
    } else {
        Kind::Short
    }
}

fn judged(about: &About<'_>, text: &str, letters: Option<&Letters>) -> Option<bool> {
    if let ([one, other], Some(letters)) = (about.options, letters)
        && let (Some(one), Some(other), [place]) = (truth(one), truth(other), letters.places())
    {
        return match place {
            0 => Some(one),
            1 => Some(other),
            _ => None,
        };
    }
    truth(text)
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

const UNORDERED: &str = "（无序）";

/// Blanks are divided by `；`, synonyms by `/`. Where the stem has more blanks than that gives, other signs are tried.
fn blanks(text: &str, marks: usize) -> Key {
    let plain = text
        .strip_prefix(UNORDERED)
        .or_else(|| text.strip_prefix("(无序)"));
    let unordered = plain.is_some();
    let text = plain.unwrap_or(text).trim_end_matches(['；', ';']);
    let split = |signs: &[char]| -> Vec<&str> {
        let parts =
            text.split(|c: char| signs.contains(&c) || (signs == [' '] && c.is_whitespace()));
        parts
            .map(str::trim)
            .filter(|p| signs != [' '] || !p.is_empty())
            .collect()
    };
    let usual = split(&['；', ';', '\n']);
    let others: [&[char]; 4] = [&['|', '｜'], &['、'], &['，', ','], &[' ']];
    let parts = if marks > 1 && usual.len() == 1 {
        let fitting = others.iter().map(|signs| split(signs));
        fitting
            .into_iter()
            .find(|p| p.len() == marks)
            .unwrap_or(usual)
    } else {
        usual
    };
    let synonyms = |part: &str| {
        let texts = part.split(['/', '／']).map(|t| t.trim().to_owned());
        texts.collect::<Vec<_>>()
    };
    Key::Blanks {
        blanks: parts.into_iter().map(synonyms).collect(),
        unordered,
    }
}

/// `A-2、B-1`: option with the number of its target.
fn pairs(text: &str) -> Option<Key> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for pair in text.split(['、', ',', '，', ';', '；', ' ', '\n']) {
        let pair = pair.trim();
        if pair.is_empty() {
            continue;
        }
        let mut chars = pair.chars();
        let option = crate::letters::place(chars.next()?)?;
        let rest = chars
            .as_str()
            .trim_start_matches(['-', '－', '—', ':', '：', '→']);
        let number: usize = rest.parse().ok()?;
        found.push((option, number.checked_sub(1)?));
    }
    found.sort_unstable();
    let whole = found
        .iter()
        .enumerate()
        .all(|(at, (option, _))| at == *option);
    whole.then(|| Key::Pairs(found.into_iter().map(|(_, target)| target).collect()))
}

/// A key as it is written; what would be read otherwise is noticed by whoever compares.
pub(super) fn written(key: &Key) -> String {
    match key {
        Key::None => String::new(),
        Key::Choices(letters) | Key::Order(letters) => letters.to_string(),
        Key::Truth(true) => "正确".to_owned(),
        Key::Truth(false) => "错误".to_owned(),
        Key::Text(text) => text.clone(),
        Key::Blanks { blanks, unordered } => {
            let parts: Vec<String> = blanks.iter().map(|synonyms| synonyms.join("/")).collect();
            let prefix = if *unordered { UNORDERED } else { "" };
            format!("{prefix}{}", parts.join("；"))
        }
        Key::Pairs(targets) => {
            let pairs = targets.iter().enumerate();
            let pairs: Vec<String> = pairs
                .map(|(at, target)| format!("{}-{}", crate::letters::letter(at), target + 1))
                .collect();
            pairs.join("、")
        }
    }
}

/// Thousandths of a point as people write them: `2`, `1.5`.
pub(crate) fn points_text(points: u32) -> String {
    let (whole, part) = (points / 1000, points % 1000);
    if part == 0 {
        return whole.to_string();
    }
    format!("{whole}.{part:03}")
        .trim_end_matches('0')
        .to_owned()
}

/// Thousandths of a point from `2`, `1.5`, `2分`.
pub(crate) fn points_of(text: &str) -> Option<u32> {
    let text = text.trim().trim_end_matches('分').trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.len() <= 6 && t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) {
        return None;
    }
    let part: u32 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(part)
}

/// 1 to 5, as a number or a word; `None`: neither.
pub(super) fn difficulty_of(text: &str) -> Option<u8> {
    match text.trim() {
        "1" | "１" | "易" | "容易" | "简单" | "低" | "很易" => Some(1),
        "2" | "２" | "较易" | "较简单" | "偏易" | "中下" => Some(2),
        "3" | "３" | "中" | "中等" | "一般" | "适中" | "普通" => Some(3),
        "4" | "４" | "较难" | "偏难" | "中上" => Some(4),
        "5" | "５" | "难" | "困难" | "高" | "很难" => Some(5),
        _ => None,
    }
}

/// Knowledge points from a cell: several are divided by `；`, levels by `/`, `>` or `-`.
pub(crate) fn points_list(text: &str) -> Vec<String> {
    let points = text.split(['；', ';', '、', '\n']).map(|point| {
        let steps = point.split(['/', '／', '>', '＞', '→', '\\']);
        let steps: Vec<&str> = steps.map(str::trim).filter(|s| !s.is_empty()).collect();
        steps.join("/")
    });
    let mut out: Vec<String> = Vec::new();
    for point in points {
        if !point.is_empty() && !out.contains(&point) {
            out.push(point);
        }
    }
    out
}
