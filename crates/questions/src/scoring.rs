//! Scoring (判分): what an answer is worth, in thousandths of a point and by named rules. Pure; the same everywhere.

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::letters::Letters;
use crate::model::{Key, Kind, Question};
use crate::normal::normal;

/// How an answer that is right only in part is scored (给分规则). Options that are wrong bring to nothing what was
/// right; a wrong blank, pair or place only brings nothing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// All or nothing (全对给分).
    Exact,
    /// As much of the points as is right of the key (按比例).
    Proportional,
    /// So many thousandths for each one that is right, at most the question's points (按选项给分).
    PerOption {
        /// Thousandths of a point for each.
        points: u32,
    },
    /// Half the points, rounded up to `step`; nothing when that would be all (少选得一半).
    Half {
        /// Thousandths of a point to which halves are rounded up; 0 and 1: not at all.
        #[serde(default)]
        step: u32,
    },
    /// So many thousandths, at most the question's points (少选得固定分).
    Fixed {
        /// Thousandths of a point.
        points: u32,
    },
    /// All or nothing, and a wrong answer costs so many thousandths (答错倒扣). No answer costs nothing.
    Negative {
        /// Thousandths of a point that are taken away.
        minus: u32,
        /// What a question brings at least, in thousandths; left out: its own points below nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor: Option<i64>,
    },
}

impl Rule {
    /// Its name in packs and tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Proportional => "proportional",
            Self::PerOption { .. } => "per-option",
            Self::Half { .. } => "half",
            Self::Fixed { .. } => "fixed",
            Self::Negative { .. } => "negative",
        }
    }

    /// The least that a question of so many points can bring.
    pub fn floor(self, full: i64) -> i64 {
        match self {
            Self::Negative { floor, .. } => floor.map_or(-full, |f| f.clamp(-full, 0)),
            _ => 0,
        }
    }
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// Thousandths of a point.
    pub points: i64,
    /// Whether all of it is right.
    pub right: bool,
    /// Whether a person has to mark it, or a part of it; `points` is then what is sure without.
    pub needs_person: bool,
}

impl Scored {
    const NOTHING: Self = Self {
        points: 0,
        right: false,
        needs_person: false,
    };
}

/// The most points that a question can have, in thousandths.
pub const MOST_POINTS: i64 = 1_000_000_000;

/// What an answer to a question of `full` thousandths of a point is worth.
pub fn score(question: &Question, rule: Rule, full: i64, answer: &Answer) -> Scored {
    let full = full.clamp(0, MOST_POINTS);
    if question.kind == Kind::Case {
        let parts = score_parts(question, rule, full, answer);
        return Scored {
            points: parts.iter().map(|p| p.points).sum(),
            right: !parts.is_empty() && parts.iter().all(|p| p.right),
            needs_person: parts.iter().any(|p| p.needs_person),
        };
    }
    if answer.is_empty() {
        return Scored::NOTHING;
    }
    if question.kind.needs_person() {
        return Scored {
            needs_person: true,
            ..Scored::NOTHING
        };
    }
    let Some(found) = compare(&question.key, answer) else {
        return Scored::NOTHING;
    };
    Scored {
        points: points(rule, full, found),
        right: found.is_right(),
        needs_person: false,
    }
}

/// What the parts of a case are worth, of the points that [`shares`] gives each.
pub fn score_parts(question: &Question, rule: Rule, full: i64, answer: &Answer) -> Vec<Scored> {
    let shares = shares(question, full);
    let given: &[Answer] = match answer {
        Answer::Parts(parts) => parts,
        _ => &[],
    };
    let scored = question.parts.iter().zip(shares).enumerate();
    scored
        .map(|(at, (part, share))| {
            // A part is no case itself: faults of a question say so, and recursion ends here whatever it says.
            if part.kind == Kind::Case {
                return Scored::NOTHING;
            }
            score(part, rule, share, given.get(at).unwrap_or(&Answer::None))
        })
        .collect()
}

/// The points of a case shared out to its parts, in proportion to their own points, or alike when one has none;
/// together exactly `full`.
pub fn shares(question: &Question, full: i64) -> Vec<i64> {
    let full = full.clamp(0, MOST_POINTS);
    let own: Option<Vec<i64>> = question
        .parts
        .iter()
        .map(|part| part.score.filter(|s| *s > 0).map(i64::from))
        .collect();
    let weights = own.unwrap_or_else(|| vec![1; question.parts.len()]);
    let total: i64 = weights.iter().sum();
    let (mut before, mut out) = (0, Vec::with_capacity(weights.len()));
    let mut up_to = 0;
    for weight in weights {
        up_to += weight;
        let now = i64::try_from(i128::from(full) * i128::from(up_to) / i128::from(total));
        let now = now.unwrap_or(full);
        out.push(now - before);
        before = now;
    }
    out
}

/// How much of a key an answer meets.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Of the key.
    right: i64,
    /// What the key has.
    whole: i64,
    /// Chosen though it is wrong.
    wrong: i64,
}

impl Found {
    fn is_right(self) -> bool {
        self.right == self.whole && self.wrong == 0 && self.whole > 0
    }

    fn all_or_none(right: bool) -> Self {
        Self {
            right: i64::from(right),
            whole: 1,
            wrong: i64::from(!right),
        }
    }
}

fn points(rule: Rule, full: i64, found: Found) -> i64 {
    if found.is_right() {
        return full;
    }
    if let Rule::Negative { minus, .. } = rule {
        return (-i64::from(minus)).max(rule.floor(full)).min(0);
    }
    if found.wrong > 0 || found.right == 0 {
        return 0;
    }
    match rule {
        Rule::Exact | Rule::Negative { .. } => 0,
        Rule::Proportional => full * found.right / found.whole,
        Rule::PerOption { points } => (i64::from(points) * found.right).min(full),
        Rule::Half { step } => {
            let step = i64::from(step.max(1));
            let half = (full / 2 + full % 2 + step - 1) / step * step;
            if half < full { half } else { 0 }
        }
        Rule::Fixed { points } => i64::from(points).min(full),
    }
}

/// `None` when the answer is of another kind than the key.
fn compare(key: &Key, answer: &Answer) -> Option<Found> {
    Some(match (key, answer) {
        (Key::Choices(key), Answer::Choices(chosen)) => chosen_of(key, chosen),
        (Key::Truth(key), Answer::Truth(given)) => Found::all_or_none(key == given),
        (Key::Blanks { blanks, unordered }, Answer::Blanks(texts)) => {
            filled(blanks, *unordered, texts)
        }
        (Key::Order(key), Answer::Order(given)) => {
            let pairs = key.places().iter().zip(given.places());
            met(pairs.filter(|(k, g)| k == g).count(), key.len())
        }
        (Key::Pairs(key), Answer::Pairs(given)) => {
            let pairs = key.iter().zip(given);
            met(pairs.filter(|(k, g)| Some(**k) == **g).count(), key.len())
        }
        _ => return None,
    })
}

fn met(right: usize, whole: usize) -> Found {
    Found {
        right: i64::try_from(right).unwrap_or(0),
        whole: i64::try_from(whole).unwrap_or(i64::MAX),
        wrong: 0,
    }
}

fn chosen_of(key: &Letters, chosen: &Letters) -> Found {
    let right = chosen.places().iter().filter(|p| key.has(**p)).count();
    Found {
        wrong: i64::try_from(chosen.len() - right).unwrap_or(i64::MAX),
        ..met(right, key.len())
    }
}

/// Blanks that hold what is right; in any order as many as can be, each group of synonyms counted once.
fn filled(blanks: &[Vec<String>], unordered: bool, texts: &[String]) -> Found {
    let key: Vec<Vec<String>> = blanks
        .iter()
        .map(|synonyms| synonyms.iter().map(|s| normal(s)).collect())
        .collect();
    let given: Vec<String> = texts.iter().map(|text| normal(text)).collect();
    let fits = |blank: usize, text: usize| {
        !given[text].is_empty() && key[blank].iter().any(|s| *s == given[text])
    };
    let right = if unordered {
        let mut taken = vec![None; key.len()];
        (0..given.len())
            .filter(|text| placed(*text, &fits, &mut taken, &mut vec![false; key.len()]))
            .count()
    } else {
        let both = key.len().min(given.len());
        (0..both).filter(|at| fits(*at, *at)).count()
    };
    met(right, key.len())
}

/// Finds a blank for a text, moving others on where that makes room (augmenting path).
fn placed(
    text: usize,
    fits: &impl Fn(usize, usize) -> bool,
    taken: &mut [Option<usize>],
    seen: &mut Vec<bool>,
) -> bool {
    for blank in 0..taken.len() {
        if seen[blank] || !fits(blank, text) {
            continue;
        }
        seen[blank] = true;
        let free = match taken[blank] {
            None => true,
            Some(other) => placed(other, fits, taken, seen),
        };
        if free {
            taken[blank] = Some(text);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
