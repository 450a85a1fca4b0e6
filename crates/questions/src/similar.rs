//! Questions that say the same (查重): texts are compared by runs of three characters, stem and options apart, so that
//! the same stem with other options is shown but never taken for the same question. Prints are numbers that alike
//! questions share; a table of them finds candidates without looking at all others.

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use crate::model::{Key, Question};
use crate::shuffle::SplitMix;

/// Prints by whole text: 16 bands of 4 minima find what shares 7 of 10 runs in 98 of 100 cases.
const BANDS: usize = 16;
const ROWS: usize = 4;
/// A stem of fewer characters says too little to be a print of its own: 下列说法正确的是.
const STEM: usize = 12;

/// How two questions are alike (相似).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Likeness {
    /// Stem and options say the same, in whatever order the options stand.
    Same,
    /// Stem and options are nearly the same.
    Near,
    /// The stem is the same, or nearly, but the options are others.
    SameStem,
}

impl Likeness {
    /// Its code in addresses and message keys.
    pub fn code(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Near => "near",
            Self::SameStem => "same-stem",
        }
    }
}

/// What is compared: letters, digits and signs that mean something, in one form.
fn squeezed(text: &str) -> Vec<char> {
    let plain = text.nfkc().flat_map(char::to_lowercase);
    plain
        .filter(|c| c.is_alphanumeric() || "+-×÷=<>%√".contains(*c))
        .collect()
}

fn options(question: &Question) -> Vec<Vec<char>> {
    let parts = question.parts.iter().flat_map(|part| {
        let own = part.options.iter().chain(&part.targets);
        std::iter::once(&part.stem).chain(own)
    });
    let all = question
        .options
        .iter()
        .chain(&question.targets)
        .chain(parts);
    let mut out: Vec<Vec<char>> = all.map(|text| squeezed(text)).collect();
    out.sort_unstable();
    out
}

fn runs(text: &[char], into: &mut HashSet<u64>) {
    let mut add = |run: &[char]| {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for c in run {
            hash = (hash ^ u64::from(u32::from(*c))).wrapping_mul(0x0100_0000_01b3);
        }
        // Stirred, since neighbours in the code table shall not stay neighbours.
        into.insert(SplitMix::new(hash).draw());
    };
    if text.len() < 3 {
        if !text.is_empty() {
            add(text);
        }
        return;
    }
    text.windows(3).for_each(&mut add);
}

/// How much two sets of runs share, in thousandths of all they have.
fn shared(one: &HashSet<u64>, other: &HashSet<u64>) -> usize {
    let both = one.intersection(other).count();
    let all = one.len() + other.len() - both;
    (both * 1000).checked_div(all).unwrap_or(1000)
}

/// A question prepared for comparing.
#[derive(Debug, Clone)]
pub struct Prints {
    digest: [u8; 32],
    stem: HashSet<u64>,
    options: HashSet<u64>,
    pictures: Vec<String>,
    bands: Vec<i64>,
}

impl Prints {
    /// The prints of a question.
    pub fn of(question: &Question) -> Self {
        let stem_text = squeezed(&question.stem);
        let option_texts = options(question);
        let (mut stem, mut options) = (HashSet::new(), HashSet::new());
        runs(&stem_text, &mut stem);
        for text in &option_texts {
            runs(text, &mut options);
        }
        let mut pictures: Vec<String> = question.media.iter().map(|m| m.hash.clone()).collect();
        pictures.sort_unstable();
        let mut hasher = Sha256::new();
        let mut feed = |text: &str| {
            hasher.update(text.len().to_be_bytes());
            hasher.update(text.as_bytes());
        };
        feed(question.kind.code());
        feed(&stem_text.iter().collect::<String>());
        for text in &option_texts {
            feed(&text.iter().collect::<String>());
        }
        for picture in &pictures {
            feed(picture);
        }
        if stem_text.is_empty() || matches!(question.key, Key::Blanks { .. }) {
            // Where the stem says little the answer tells questions apart.
            feed(&serde_json::to_string(&question.key).unwrap_or_default());
        }
        let all: HashSet<u64> = stem.union(&options).copied().collect();
        let mut bands = bands(&all);
        if stem_text.len() >= STEM {
            bands.push(i64::from_be_bytes(first(Sha256::digest(
                stem_text.iter().collect::<String>(),
            ))));
        }
        Self {
            digest: hasher.finalize().into(),
            stem,
            options,
            pictures,
            bands,
        }
    }

    /// The same for questions that say the same.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Numbers of which alike questions share at least one.
    pub fn bands(&self) -> &[i64] {
        &self.bands
    }

    /// How this one and another are alike, if they are.
    pub fn likeness(&self, other: &Self) -> Option<Likeness> {
        if self.digest == other.digest {
            return Some(Likeness::Same);
        }
        let stem = shared(&self.stem, &other.stem);
        let options = shared(&self.options, &other.options);
        let all = |p: &Self| p.stem.union(&p.options).copied().collect::<HashSet<u64>>();
        let whole = shared(&all(self), &all(other));
        let pictures = self.pictures == other.pictures;
        if stem >= 600 && options >= 700 && whole >= 750 && pictures {
            Some(Likeness::Near)
        } else if stem >= 900 && self.stem.len() + 2 >= STEM {
            Some(Likeness::SameStem)
        } else {
            None
        }
    }
}

fn first(digest: impl AsRef<[u8]>) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&digest.as_ref()[..8]);
    out
}

/// Minima of many orders of the runs (MinHash), some of them together a print.
fn bands(runs: &HashSet<u64>) -> Vec<i64> {
    if runs.is_empty() {
        return Vec::new();
    }
    let mut seeds = SplitMix::new(0x5155_4553);
    let mut out = Vec::with_capacity(BANDS + 1);
    for band in 0..BANDS {
        let mut print = u64::try_from(band).unwrap_or(0);
        for _ in 0..ROWS {
            let (factor, shift) = (seeds.draw() | 1, seeds.draw());
            let least = runs.iter().map(|run| {
                let turned = (run ^ shift).wrapping_mul(factor);
                turned ^ (turned >> 29)
            });
            print = SplitMix::new(print ^ least.min().unwrap_or(0)).draw();
        }
        out.push(print.cast_signed());
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Kind;

    fn question(stem: &str, options: &[&str]) -> Question {
        Question {
            options: options.iter().map(|t| (*t).to_owned()).collect(),
            ..Question::new(Kind::Single, stem)
        }
    }

    fn alike(one: &Question, other: &Question) -> Option<Likeness> {
        let (one, other) = (Prints::of(one), Prints::of(other));
        let found = one.bands().iter().any(|b| other.bands().contains(b));
        let likeness = one.likeness(&other);
        assert!(likeness.is_none() || found, "what is alike shares a print");
        likeness
    }

    const STEM_TEXT: &str =
        "某县司法局收到公民的行政复议申请后应当在几日内进行审查并决定是否受理？";
    const OPTIONS: [&str; 4] = [
        "自收到之日起五日内审查完毕",
        "自收到之日起十日内审查完毕",
        "自收到之日起十五日内审查完毕",
        "没有期限",
    ];

    #[test]
    fn the_same_question_in_another_dress_is_the_same() {
        let one = question(STEM_TEXT, &OPTIONS);
        let mut turned = OPTIONS;
        turned.reverse();
        let dressed = format!(" {}", STEM_TEXT.replace('？', "?（　）"));
        assert_eq!(
            alike(&one, &question(&dressed, &turned)),
            Some(Likeness::Same)
        );
    }

    #[test]
    fn a_word_more_is_nearly_the_same_and_other_options_are_another_question() {
        let one = question(STEM_TEXT, &OPTIONS);
        let longer = STEM_TEXT.replace("决定是否受理", "依法决定是否受理");
        assert_eq!(
            alike(&one, &question(&longer, &OPTIONS)),
            Some(Likeness::Near)
        );
        let others = [
            "由本级人民政府决定",
            "由上一级主管部门决定",
            "由申请人选择",
            "由人民法院指定",
        ];
        assert_eq!(
            alike(&one, &question(STEM_TEXT, &others)),
            Some(Likeness::SameStem)
        );
        let short = question("下列说法正确的是", &OPTIONS);
        assert_eq!(alike(&short, &question("下列说法正确的是", &others)), None);
        let far = question("人民调解委员会由几人组成？每届任期多长时间？", &others);
        assert_eq!(alike(&one, &far), None);
    }

    #[test]
    fn prints_never_change() {
        let prints = Prints::of(&question(STEM_TEXT, &OPTIONS));
        assert_eq!(
            (prints.bands().len(), prints.bands()[0]),
            (BANDS + 1, FIRST)
        );
    }

    const FIRST: i64 = 1_352_106_159_223_541_085;

    proptest! {
        #[test]
        fn one_changed_character_in_a_long_text_is_found(
            text in "[一-龥]{80,160}", at in 0usize..80, c in "[一-龥]",
        ) {
            let mut changed: Vec<char> = text.chars().collect();
            changed[at] = c.chars().next().unwrap();
            let changed: String = changed.into_iter().collect();
            let options = ["甲乙丙丁戊", "己庚辛壬癸"];
            let (one, other) = (question(&text, &options), question(&changed, &options));
            prop_assert!(matches!(alike(&one, &other), Some(Likeness::Same | Likeness::Near)));
        }
    }
}
