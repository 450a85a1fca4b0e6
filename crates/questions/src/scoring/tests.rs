use proptest::prelude::*;

use super::*;

fn choice(kind: Kind, options: usize, key: &[usize]) -> Question {
    Question {
        options: (0..options).map(|n| format!("选项{n}")).collect(),
        key: Key::Choices(Letters::new(key.iter().copied()).unwrap()),
        ..Question::new(kind, "下列哪些正确？")
    }
}

fn chosen(places: impl IntoIterator<Item = usize>) -> Answer {
    Answer::Choices(Letters::new(places).unwrap())
}

fn fill_in(blanks: &[&[&str]], unordered: bool) -> Question {
    let texts = |s: &&[&str]| s.iter().map(|t| (*t).to_owned()).collect();
    Question {
        key: Key::Blanks {
            blanks: blanks.iter().map(texts).collect(),
            unordered,
        },
        ..Question::new(Kind::FillIn, "填空")
    }
}

fn texts(texts: &[&str]) -> Answer {
    Answer::Blanks(texts.iter().map(|t| (*t).to_owned()).collect())
}

const PER: Rule = Rule::PerOption { points: 500 };
const HALF: Rule = Rule::Half { step: 0 };

#[test]
fn named_rules_give_what_their_names_say() {
    let question = choice(Kind::Multiple, 4, &[0, 1, 2]);
    let give = |rule, full, answer: &[usize]| {
        score(&question, rule, full, &chosen(answer.iter().copied())).points
    };
    assert_eq!(give(Rule::Exact, 2000, &[0, 1]), 0);
    assert_eq!(give(Rule::Exact, 2000, &[2, 1, 0]), 2000);
    assert_eq!(give(Rule::Proportional, 2000, &[0, 1]), 1333);
    assert_eq!(give(PER, 2000, &[0, 1]), 1000);
    assert_eq!(give(PER, 800, &[0, 1]), 800);
    assert_eq!(give(HALF, 2000, &[0]), 1000);
    assert_eq!(give(Rule::Half { step: 1000 }, 1000, &[0]), 0);
    assert_eq!(give(Rule::Half { step: 1000 }, 3000, &[0]), 2000);
    assert_eq!(give(Rule::Half { step: 1000 }, 1500, &[0]), 1000);
    assert_eq!(give(Rule::Fixed { points: 300 }, 2000, &[1]), 300);
    for rule in [Rule::Exact, Rule::Proportional, PER, HALF] {
        assert_eq!(give(rule, 2000, &[0, 3]), 0, "a wrong one brings nothing");
        assert_eq!(give(rule, 2000, &[0, 1, 2, 3]), 0);
    }
    let minus = |floor| Rule::Negative { minus: 500, floor };
    assert_eq!(give(minus(None), 2000, &[3]), -500);
    assert_eq!(give(minus(None), 300, &[3]), -300);
    assert_eq!(give(minus(Some(-200)), 2000, &[3]), -200);
    assert_eq!(give(minus(Some(0)), 2000, &[3]), 0);
    assert_eq!(give(minus(None), 2000, &[]), 0);
    assert_eq!(score(&question, minus(None), 2000, &Answer::None).points, 0);
}

#[test]
fn blanks_are_filled_in_order_or_in_any_order() {
    let ordered = fill_in(&[&["十二", "12"], &["依法行政"]], false);
    let give = |q: &Question, answer: &[&str]| score(q, Rule::Proportional, 1000, &texts(answer));
    assert!(give(&ordered, &["１２", " 依法行政。"]).right);
    assert_eq!(give(&ordered, &["依法行政", "12"]).points, 0);
    assert_eq!(give(&ordered, &["12", "执法"]).points, 500);
    let any = fill_in(&[&["甲", "乙"], &["甲"], &["丙"]], true);
    assert!(
        give(&any, &["丙", "甲", "乙"]).right,
        "who fits twice makes room"
    );
    assert_eq!(
        give(&any, &["丙", "丙", "丙"]).points,
        333,
        "each group once"
    );
    assert_eq!(give(&any, &["乙", "乙", ""]).points, 333);
}

#[test]
fn orders_pairs_and_cases_are_scored_by_part() {
    let order = Question {
        key: Key::Order("CAB".parse().unwrap()),
        ..choice(Kind::Ordering, 3, &[])
    };
    let given = |text: &str| Answer::Order(text.parse().unwrap());
    assert!(score(&order, Rule::Exact, 900, &given("CAB")).right);
    assert_eq!(
        score(&order, Rule::Proportional, 900, &given("CBA")).points,
        300
    );
    let pairs = Question {
        targets: vec!["一".into(), "二".into()],
        key: Key::Pairs(vec![1, 0]),
        ..choice(Kind::Matching, 2, &[])
    };
    let given = Answer::Pairs(vec![Some(1), None]);
    assert_eq!(score(&pairs, Rule::Proportional, 900, &given).points, 450);
    let mut case = Question {
        parts: vec![
            choice(Kind::Single, 3, &[1]),
            choice(Kind::Single, 3, &[2]),
            Question::new(Kind::Short, "为什么？"),
        ],
        ..Question::new(Kind::Case, "材料")
    };
    assert_eq!(shares(&case, 10_000), [3333, 3333, 3334]);
    for (part, points) in case.parts.iter_mut().zip([1000, 2000, 7000]) {
        part.score = Some(points);
    }
    assert_eq!(shares(&case, 10_000), [1000, 2000, 7000]);
    let given = Answer::Parts(vec![chosen([1]), chosen([0]), Answer::Text("因为".into())]);
    let all = score(&case, Rule::Exact, 10_000, &given);
    assert_eq!(
        (all.points, all.right, all.needs_person),
        (1000, false, true)
    );
    let none = score(&case, Rule::Exact, 10_000, &Answer::None);
    assert_eq!((none.points, none.needs_person), (0, false));
}

#[test]
fn an_answer_of_another_kind_is_worth_nothing() {
    let question = choice(Kind::Single, 4, &[0]);
    let stray = score(&question, Rule::Exact, 1000, &Answer::Truth(true));
    assert_eq!(stray, Scored::NOTHING);
}

fn rules() -> impl Strategy<Value = Rule> {
    prop_oneof![
        Just(Rule::Exact),
        Just(Rule::Proportional),
        (0u32..3000).prop_map(|points| Rule::PerOption { points }),
        (0u32..1500).prop_map(|step| Rule::Half { step }),
        (0u32..3000).prop_map(|points| Rule::Fixed { points }),
        (0u32..3000, prop::option::of(-3000i64..100))
            .prop_map(|(minus, floor)| Rule::Negative { minus, floor }),
    ]
}

/// Options, which are right and which are chosen.
fn choices() -> impl Strategy<Value = (Question, Vec<usize>)> {
    (2usize..9)
        .prop_flat_map(|n| {
            let right = prop::sample::subsequence((0..n).collect::<Vec<_>>(), 1..=n);
            let chosen = prop::sample::subsequence((0..n).collect::<Vec<_>>(), 0..=n);
            (Just(n), right, chosen.prop_shuffle())
        })
        .prop_map(|(n, right, chosen)| (choice(Kind::Indefinite, n, &right), chosen))
}

fn right_ones(question: &Question) -> Answer {
    match &question.key {
        Key::Choices(key) => Answer::Choices(key.clone()),
        _ => Answer::None,
    }
}

proptest! {
    #[test]
    fn choices_stay_within_bounds_and_choosing_everything_never_wins(
        (question, mine) in choices(), rule in rules(), full in 0i64..5000,
    ) {
        let scored = score(&question, rule, full, &chosen(mine.clone()));
        prop_assert!(scored.points <= full && scored.points >= rule.floor(full));
        let key = right_ones(&question);
        let best = score(&question, rule, full, &key);
        prop_assert_eq!((best.points, best.right), (full, true));
        prop_assert!(scored.points <= best.points);
        let n = question.options.len();
        let all = score(&question, rule, full, &chosen(0..n));
        prop_assert!(all.points <= best.points);
        if key != chosen(0..n) {
            prop_assert!(!all.right && all.points <= 0);
        }
        let mut sorted = mine;
        sorted.sort_unstable();
        prop_assert_eq!(score(&question, rule, full, &chosen(sorted)), scored);
    }

    #[test]
    fn judgement_and_single_choice_are_scored_alike(
        truth: bool, given: Option<bool>, rule in rules(), full in 0i64..5000,
    ) {
        let judgement = Question { key: Key::Truth(truth), ..Question::new(Kind::Judgement, "对吗？") };
        let single = choice(Kind::Single, 2, &[usize::from(!truth)]);
        let one = given.map_or(Answer::None, Answer::Truth);
        let other = given.map_or(Answer::None, |g| chosen([usize::from(!g)]));
        prop_assert_eq!(score(&judgement, rule, full, &one), score(&single, rule, full, &other));
    }

    #[test]
    fn blanks_stay_within_bounds_and_order_never_costs_where_it_is_free(
        key in prop::collection::vec(prop::collection::vec("[甲乙丙丁]", 1..3), 1..5),
        given in prop::collection::vec("[甲乙丙丁]?", 5), rule in rules(), full in 0i64..5000, seed: u64,
    ) {
        let ask = |unordered| Question {
            key: Key::Blanks { blanks: key.clone(), unordered },
            ..Question::new(Kind::FillIn, "填空")
        };
        let mine: Vec<String> = given[..key.len()].to_vec();
        let ordered = score(&ask(false), rule, full, &Answer::Blanks(mine.clone()));
        let free = score(&ask(true), rule, full, &Answer::Blanks(mine.clone()));
        for scored in [ordered, free] {
            prop_assert!(scored.points <= full && scored.points >= rule.floor(full));
        }
        prop_assert!(free.points >= ordered.points);
        let mut turned = mine;
        let by = usize::try_from(seed % 5).unwrap() % turned.len();
        turned.rotate_left(by);
        prop_assert_eq!(score(&ask(true), rule, full, &Answer::Blanks(turned)), free);
        let best: Vec<String> = key.iter().map(|s| s[0].clone()).collect();
        prop_assert!(score(&ask(false), rule, full, &Answer::Blanks(best)).right);
    }

    #[test]
    fn the_shares_of_parts_are_the_whole(
        own in prop::collection::vec(prop::option::of(1u32..50_000), 1..12), full in 0i64..MOST_POINTS,
    ) {
        let part = |score: &Option<u32>| Question { score: *score, ..Question::new(Kind::Short, "问") };
        let case = Question {
            parts: own.iter().map(part).collect(),
            ..Question::new(Kind::Case, "材料")
        };
        let shares = shares(&case, full);
        prop_assert_eq!(shares.iter().sum::<i64>(), full);
        prop_assert!(shares.iter().all(|s| *s >= 0));
    }
}
