//! Answers (作答): what somebody answered, in the few characters that are sent and kept for each.
//!
//! | kind | JSON |
//! |---|---|
//! | choices | `"AC"` |
//! | judgement | `"T"`, `"F"` |
//! | fill-in | `["2026", ""]`, one text for each blank |
//! | ordering | `"BCA"` |
//! | matching | `["AC", "BA"]`: option A with target C |
//! | short, essay | `"…"` |
//! | upload | `["hash or id", …]` |
//! | case | one answer for each part, `[…]` |
//! | not answered | `null` |

use kernel::Msg;
use serde::ser::{Serialize, SerializeSeq, Serializer};
use serde_json::Value;

use crate::letters::{Letters, letter};
use crate::model::{Fault, Kind, MOST_CHARACTERS, MOST_PARTS, Question};

/// What somebody answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Answer {
    /// Nothing.
    #[default]
    None,
    /// Options chosen, in the order of the alphabet.
    Choices(Letters),
    /// Whether the statement is held for true.
    Truth(bool),
    /// What stands in the blanks.
    Blanks(Vec<String>),
    /// Options in the order given; those not placed yet are left out.
    Order(Letters),
    /// For each option its target, if it has one already.
    Pairs(Vec<Option<usize>>),
    /// Words.
    Text(String),
    /// Files by hash or id.
    Files(Vec<String>),
    /// Answers to the parts of a case.
    Parts(Vec<Answer>),
}

impl Answer {
    /// Reads an answer to a question.
    ///
    /// # Errors
    /// A fault when it cannot belong to the question: another shape, letters that the question does not have,
    /// too many characters.
    pub fn parse(question: &Question, value: &Value) -> Result<Self, Fault> {
        parse(question, value).map_err(|message| Fault {
            field: "answer".to_owned(),
            message,
        })
    }

    /// The answer as it is kept.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// Whether nothing was answered.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::Truth(_) => false,
            Self::Choices(letters) | Self::Order(letters) => letters.is_empty(),
            Self::Blanks(texts) => texts.iter().all(|text| text.trim().is_empty()),
            Self::Pairs(pairs) => pairs.iter().all(Option::is_none),
            Self::Text(text) => text.trim().is_empty(),
            Self::Files(files) => files.is_empty(),
            Self::Parts(parts) => parts.iter().all(Self::is_empty),
        }
    }
}

fn parse(question: &Question, value: &Value) -> Result<Answer, Msg> {
    if value.is_null() {
        return Ok(Answer::None);
    }
    match question.kind {
        Kind::Single | Kind::Multiple | Kind::Indefinite => {
            let letters = letters(value, question.options.len())?.sorted();
            if question.kind == Kind::Single && letters.len() > 1 {
                return Err(Msg::new("answer-single-with-several"));
            }
            Ok(Answer::Choices(letters))
        }
        Kind::Judgement => match value.as_str() {
            Some("T") => Ok(Answer::Truth(true)),
            Some("F") => Ok(Answer::Truth(false)),
            Some("") => Ok(Answer::None),
            _ => Err(strange()),
        },
        Kind::FillIn => blanks(question, value),
        Kind::Ordering => letters(value, question.options.len()).map(Answer::Order),
        Kind::Matching => pairs(question, value),
        Kind::Short | Kind::Essay => {
            let text = cleaned(value.as_str().ok_or_else(strange)?);
            within(question, text.chars().count())?;
            Ok(Answer::Text(text))
        }
        Kind::Upload => files(value),
        Kind::Case => {
            let parts = value.as_array().ok_or_else(strange)?;
            if parts.len() != question.parts.len() {
                return Err(strange());
            }
            let pairs = question.parts.iter().zip(parts);
            pairs
                .map(|(part, value)| parse(part, value))
                .collect::<Result<_, _>>()
                .map(Answer::Parts)
        }
    }
}

fn strange() -> Msg {
    Msg::new("answer-of-another-question")
}

fn letters(value: &Value, options: usize) -> Result<Letters, Msg> {
    let text = value.as_str().ok_or_else(strange)?;
    let letters: Letters = text.parse().map_err(|_| strange())?;
    if letters.within(options) {
        Ok(letters)
    } else {
        Err(Msg::new("answer-outside").with("answer", letters))
    }
}

fn blanks(question: &Question, value: &Value) -> Result<Answer, Msg> {
    let texts = value.as_array().ok_or_else(strange)?;
    if texts.len() != question.blanks() {
        return Err(strange());
    }
    let texts: Vec<String> = texts
        .iter()
        .map(|text| text.as_str().map(cleaned).ok_or_else(strange))
        .collect::<Result<_, _>>()?;
    within(question, texts.iter().map(|t| t.chars().count()).sum())?;
    Ok(Answer::Blanks(texts))
}

fn pairs(question: &Question, value: &Value) -> Result<Answer, Msg> {
    let mut out = vec![None; question.options.len()];
    for pair in value.as_array().ok_or_else(strange)? {
        let text = pair.as_str().ok_or_else(strange)?;
        let mut places = text.chars().map(crate::letters::place);
        let (Some(Some(option)), Some(Some(target)), None) =
            (places.next(), places.next(), places.next())
        else {
            return Err(strange());
        };
        if option >= out.len() || target >= question.targets.len() {
            return Err(Msg::new("answer-outside").with("answer", text));
        }
        if out[option].replace(target).is_some() {
            return Err(strange());
        }
    }
    Ok(Answer::Pairs(out))
}

fn files(value: &Value) -> Result<Answer, Msg> {
    let names = value.as_array().ok_or_else(strange)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut out = Vec::new();
    for name in names {
        let name = name.as_str().ok_or_else(strange)?;
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(strange());
        }
        out.push(name.to_owned());
    }
    if out.len() > MOST_PARTS {
        return Err(Msg::new("answer-too-many-files").with("most", MOST_PARTS));
    }
    Ok(Answer::Files(out))
}

fn within(question: &Question, characters: usize) -> Result<(), Msg> {
    let most = question.longest.unwrap_or(MOST_CHARACTERS);
    if u32::try_from(characters).is_ok_and(|n| n <= most) {
        return Ok(());
    }
    Err(Msg::new("answer-too-long")
        .with("most", most)
        .with("characters", characters))
}

/// Line breaks of every kind become one kind; what cannot be printed goes.
fn cleaned(text: &str) -> String {
    let lines = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{b}', '\u{c}'], "\n");
    lines
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => s.serialize_unit(),
            Self::Choices(letters) | Self::Order(letters) => letters.serialize(s),
            Self::Truth(true) => s.serialize_str("T"),
            Self::Truth(false) => s.serialize_str("F"),
            Self::Blanks(texts) | Self::Files(texts) => texts.serialize(s),
            Self::Text(text) => s.serialize_str(text),
            Self::Parts(parts) => parts.serialize(s),
            Self::Pairs(pairs) => {
                let mut list = s.serialize_seq(None)?;
                for (option, target) in pairs.iter().enumerate() {
                    if let Some(target) = target {
                        let pair: String = [letter(option), letter(*target)].into_iter().collect();
                        list.serialize_element(&pair)?;
                    }
                }
                list.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Key;

    fn choice(kind: Kind, key: &str) -> Question {
        Question {
            options: ["甲", "乙", "丙", "丁"].map(str::to_owned).to_vec(),
            key: Key::Choices(key.parse().unwrap()),
            ..Question::new(kind, "下列哪项正确？")
        }
    }

    fn refused(question: &Question, value: &Value) -> &'static str {
        Answer::parse(question, value).unwrap_err().message.key
    }

    #[test]
    fn answers_are_read_as_they_are_kept() {
        let multiple = choice(Kind::Multiple, "AC");
        let pairs = Question {
            targets: ["一", "二", "三"].map(str::to_owned).to_vec(),
            key: Key::Pairs(vec![0, 1, 2, 0]),
            ..choice(Kind::Matching, "")
        };
        let blanks = Question {
            key: Key::Blanks {
                blanks: vec![vec!["一".into()], vec!["二".into()]],
                unordered: false,
            },
            ..Question::new(Kind::FillIn, "填空")
        };
        let essay = Question::new(Kind::Essay, "论述");
        let case = Question {
            parts: vec![choice(Kind::Single, "B"), essay.clone()],
            ..Question::new(Kind::Case, "材料")
        };
        for (question, value) in [
            (&multiple, json!("AC")),
            (&multiple, json!(null)),
            (&Question::new(Kind::Judgement, "对吗"), json!("F")),
            (&blanks, json!(["2026", ""])),
            (&choice(Kind::Ordering, ""), json!("DBA")),
            (&pairs, json!(["AC", "BA"])),
            (&essay, json!("两段\n话")),
            (&Question::new(Kind::Upload, "交卷"), json!(["0190f3-a"])),
            (&case, json!(["B", "答"])),
        ] {
            let answer = Answer::parse(question, &value).unwrap();
            assert_eq!(answer.to_value(), value);
        }
        let tidied = Answer::parse(&multiple, &json!("c,a")).unwrap();
        assert_eq!(tidied.to_value(), json!("AC"));
        let text = Answer::parse(&essay, &json!("a\r\nb\u{0}\u{b}c")).unwrap();
        assert_eq!(text.to_value(), json!("a\nb\nc"));
    }

    #[test]
    fn what_cannot_belong_to_the_question_is_refused() {
        let single = choice(Kind::Single, "A");
        assert_eq!(refused(&single, &json!("AB")), "answer-single-with-several");
        assert_eq!(refused(&single, &json!("E")), "answer-outside");
        assert_eq!(refused(&single, &json!(1)), "answer-of-another-question");
        assert_eq!(refused(&single, &json!("AA")), "answer-of-another-question");
        let mut essay = Question::new(Kind::Essay, "论述");
        let long = json!("字".repeat(5_001));
        assert_eq!(refused(&essay, &long), "answer-too-long");
        essay.longest = Some(6_000);
        assert!(Answer::parse(&essay, &long).is_ok());
        let upload = Question::new(Kind::Upload, "附件");
        let path = json!(["../etc"]);
        assert_eq!(refused(&upload, &path), "answer-of-another-question");
        let case = Question::new(Kind::Case, "材料");
        assert_eq!(refused(&case, &json!(["A"])), "answer-of-another-question");
    }
}
