//! Shuffled options (选项乱序): the order in which one examinee sees a question follows from a seed, is the same on
//! every machine and in every version, and is kept so that answers can be read back later.

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::letters::Letters;
use crate::model::{Kind, Question};

/// SplitMix64: small, and fixed for good by vectors in its test.
#[derive(Debug, Clone)]
pub struct SplitMix(u64);

impl SplitMix {
    /// A source that starts with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, each as likely as any other; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let Ok(n) = u64::try_from(n) else { return 0 };
        if n == 0 {
            return 0;
        }
        // Draws beyond the last whole multiple of n would make some numbers likelier.
        let unfair = (u64::MAX % n + 1) % n;
        loop {
            let drawn = self.draw();
            if drawn <= u64::MAX - unfair {
                return usize::try_from(drawn % n).unwrap_or(0);
            }
        }
    }

    /// Puts things into an order of chance (Fisher and Yates).
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            let other = self.below(at + 1);
            things.swap(at, other);
        }
    }
}

/// The order in which somebody sees a question: at each place the letter that the option has in the question.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shown {
    /// Options.
    #[serde(default, skip_serializing_if = "Letters::is_empty", rename = "o")]
    pub options: Letters,
    /// Targets of pairs.
    #[serde(default, skip_serializing_if = "Letters::is_empty", rename = "t")]
    pub targets: Letters,
    /// Parts of a case; they stay in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "p")]
    pub parts: Vec<Shown>,
}

/// The order of a question for a seed. Options of choices are shuffled when `choices` says so and none of them speaks
/// of the others; what is to be put in order or paired is always shuffled, since its order is the answer.
pub fn shuffled(question: &Question, seed: u64, choices: bool) -> Shown {
    order(question, &mut SplitMix::new(seed), choices)
}

fn order(question: &Question, random: &mut SplitMix, choices: bool) -> Shown {
    let options = question.options.len();
    let mut mixed = |n: usize| {
        let mut places: Vec<usize> = (0..n).collect();
        random.shuffle(&mut places);
        Letters::new(places).unwrap_or_default()
    };
    let mut shown = Shown {
        options: Letters::first(options),
        targets: Letters::first(question.targets.len()),
        parts: Vec::new(),
    };
    match question.kind {
        Kind::Ordering => shown.options = mixed(options),
        Kind::Matching => {
            shown.options = mixed(options);
            shown.targets = mixed(question.targets.len());
        }
        kind if kind.is_choice() && choices && !question.keeps_order() => {
            shown.options = mixed(options);
        }
        _ => {}
    }
    if question.kind == Kind::Case {
        for part in &question.parts {
            shown.parts.push(order(part, random, choices));
        }
    }
    shown
}

impl Shown {
    /// Whether it is an order of this question.
    pub fn fits(&self, question: &Question) -> bool {
        let whole = |order: &Letters, n: usize| order.len() == n && order.within(n);
        whole(&self.options, question.options.len())
            && whole(&self.targets, question.targets.len())
            && self.parts.len() == question.parts.len()
            && self
                .parts
                .iter()
                .zip(&question.parts)
                .all(|(s, q)| s.fits(q))
    }

    /// The question as it is seen, without its key, explanation and model answers.
    pub fn of(&self, question: &Question) -> Question {
        let pick = |order: &Letters, texts: &[String]| {
            let found = order.places().iter().filter_map(|at| texts.get(*at));
            found.cloned().collect()
        };
        let parts = self.parts.iter().zip(&question.parts);
        Question {
            options: pick(&self.options, &question.options),
            targets: pick(&self.targets, &question.targets),
            parts: parts.map(|(shown, part)| shown.of(part)).collect(),
            media: question.media.clone(),
            score: question.score,
            longest: question.longest,
            ..Question::new(question.kind, question.stem.clone())
        }
    }

    /// An answer in letters of the question, from one in letters as they were seen.
    pub fn back(&self, answer: Answer) -> Answer {
        self.map(answer, &|order, seen| order.places().get(seen).copied())
    }

    /// An answer in letters as they are seen, from one in letters of the question.
    pub fn forth(&self, answer: Answer) -> Answer {
        self.map(answer, &|order, own| {
            order.places().iter().position(|place| *place == own)
        })
    }

    fn map(&self, answer: Answer, turn: &impl Fn(&Letters, usize) -> Option<usize>) -> Answer {
        let turned = |letters: &Letters| {
            let places = letters.places().iter();
            Letters::new(places.filter_map(|p| turn(&self.options, *p))).unwrap_or_default()
        };
        match answer {
            Answer::Choices(letters) => Answer::Choices(turned(&letters).sorted()),
            Answer::Order(letters) => Answer::Order(turned(&letters)),
            Answer::Pairs(pairs) => {
                let mut out = vec![None; pairs.len()];
                for (option, target) in pairs.into_iter().enumerate() {
                    let option = turn(&self.options, option).and_then(|at| out.get_mut(at));
                    if let (Some(slot), Some(target)) = (option, target) {
                        *slot = turn(&self.targets, target);
                    }
                }
                Answer::Pairs(out)
            }
            Answer::Parts(answers) => {
                let none = Self::default();
                let pairs = answers.into_iter().enumerate();
                let turned =
                    pairs.map(|(at, answer)| self.parts.get(at).unwrap_or(&none).map(answer, turn));
                Answer::Parts(turned.collect())
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Key;
    use crate::scoring::{Rule, score};

    fn lettered(kind: Kind, options: usize, targets: usize) -> Question {
        let texts = |n: usize| (0..n).map(|at| format!("第{at}项内容")).collect();
        Question {
            options: texts(options),
            targets: texts(targets),
            ..Question::new(kind, "题干")
        }
    }

    #[test]
    fn the_source_gives_the_known_numbers() {
        let mut random = SplitMix::new(1_234_567);
        let drawn: Vec<u64> = (0..5).map(|_| random.draw()).collect();
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn orders_of_seeds_never_change() {
        let question = lettered(Kind::Multiple, 6, 0);
        let orders: Vec<String> = (0..4)
            .map(|seed| shuffled(&question, seed, true).options.to_string())
            .collect();
        assert_eq!(orders, FIXED);
        assert_eq!(shuffled(&question, 1, false).options.to_string(), "ABCDEF");
    }

    const FIXED: [&str; 4] = ["ECFDAB", "ABDCEF", "CFADBE", "FACEBD"];

    #[test]
    fn options_that_speak_of_others_stay_where_they_are() {
        for last in ["以上都对", "上述选项均不正确", "A和B", "ABC"] {
            let mut question = lettered(Kind::Single, 4, 0);
            question.options[3] = last.to_owned();
            for seed in 0..20 {
                let order = shuffled(&question, seed, true).options.to_string();
                assert_eq!(order, "ABCD", "{last}");
            }
        }
        let free = lettered(Kind::Single, 4, 0);
        let kept = Question {
            fixed: true,
            ..free.clone()
        };
        assert!(!free.keeps_order() && kept.keeps_order());
        let moved =
            |q: &Question| (0..20).any(|s| shuffled(q, s, true).options.to_string() != "ABCD");
        assert!(moved(&free) && !moved(&kept));
        let order = lettered(Kind::Ordering, 5, 0);
        assert!((0..20).any(|s| shuffled(&order, s, false).options.to_string() != "ABCDE"));
    }

    #[test]
    fn who_answers_sees_no_key() {
        let question = Question {
            key: Key::Choices("A".parse().unwrap()),
            explanation: "因为甲".into(),
            points: vec!["刑法".into()],
            ..lettered(Kind::Single, 4, 0)
        };
        let shown = shuffled(&question, 7, true);
        let seen = shown.of(&question);
        assert_eq!((&seen.key, seen.explanation.as_str()), (&Key::None, ""));
        assert_eq!(seen.options.len(), 4);
        assert!(shown.fits(&question) && !shown.fits(&lettered(Kind::Single, 5, 0)));
        let json = serde_json::to_string(&shown).unwrap();
        assert_eq!(serde_json::from_str::<Shown>(&json).unwrap(), shown);
    }

    proptest! {
        #[test]
        fn answers_come_back_and_are_scored_as_if_nothing_was_moved(
            seed: u64, n in 2usize..9, chosen in prop::collection::btree_set(0usize..9, 0..9),
            right in prop::collection::btree_set(0usize..9, 1..9),
        ) {
            let within = |set: &std::collections::BTreeSet<usize>| {
                Letters::new(set.iter().copied().filter(|p| *p < n)).unwrap()
            };
            let question = Question {
                key: Key::Choices(within(&right)),
                ..lettered(Kind::Indefinite, n, 0)
            };
            let shown = shuffled(&question, seed, true);
            prop_assert!(shown.fits(&question));
            let answer = Answer::Choices(within(&chosen));
            let seen = shown.forth(answer.clone());
            prop_assert_eq!(shown.back(seen), answer.clone());
            let moved = shown.of(&question);
            let key = shown.forth(Answer::Choices(within(&right)));
            let Answer::Choices(key) = key else { unreachable!() };
            let moved = Question { key: Key::Choices(key), ..moved };
            let rule = Rule::Proportional;
            prop_assert_eq!(
                score(&moved, rule, 1000, &shown.forth(answer.clone())),
                score(&question, rule, 1000, &answer)
            );
        }

        #[test]
        fn pairs_and_orders_come_back(seed: u64, n in 2usize..9, extra in 0usize..3) {
            let matching = lettered(Kind::Matching, n, n + extra);
            let shown = shuffled(&matching, seed, false);
            let pairs = (0..n).map(|at| (at % 3 != 0).then_some((at * 5 + 1) % (n + extra)));
            let answer = Answer::Pairs(pairs.collect());
            prop_assert_eq!(shown.back(shown.forth(answer.clone())), answer);
            let ordering = lettered(Kind::Ordering, n, 0);
            let shown = shuffled(&ordering, seed, false);
            let answer = Answer::Order(Letters::new((0..n).rev()).unwrap());
            prop_assert_eq!(shown.back(shown.forth(answer.clone())), answer);
        }
    }
}
