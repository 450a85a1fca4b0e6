use kernel::Date;
use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    Name {
        zh: text.to_owned(),
        en: text.to_owned(),
    }
}

fn item(code: &str, kind: Kind, points: i64) -> Item {
    Item {
        code: code.to_owned(),
        text: name(code),
        kind,
        required: true,
        points,
        evidence: Evidence::Free,
        clause: None,
        field: String::new(),
        severity: String::new(),
    }
}

fn options(shares: &[(i64, bool)]) -> Vec<Choice> {
    let option = |(n, (share, deficient)): (usize, &(i64, bool))| Choice {
        code: format!("o{n}"),
        text: name("甲"),
        share: *share,
        deficient: *deficient,
    };
    shares.iter().enumerate().map(option).collect()
}

fn template(code: &str, items: Vec<Item>) -> Template {
    let section = Section {
        code: "one".to_owned(),
        title: name("一"),
        items,
    };
    Template {
        code: code.to_owned(),
        name: name(code),
        extends: None,
        basis: None,
        sections: vec![section],
        stricter: Vec::new(),
        smallest_group: 1,
    }
}

fn base(form: &str) -> Base {
    Base {
        form: form.to_owned(),
        version: 1,
    }
}

/// Five things to look at, of every kind that is scored.
fn upper() -> Template {
    let graded = options(&[(1_000, false), (600, false), (0, true)]);
    let several = options(&[(500, false), (500, false), (0, true)]);
    let count = Kind::Count {
        at_least: Some(2),
        at_most: None,
    };
    template(
        "upper",
        vec![
            item("belief", Kind::Check, 10_000),
            item("study", Kind::Choice { options: graded }, 10_000),
            item("ways", Kind::Several { options: several }, 10_000),
            item("times", count, 5_000),
            item(
                "order",
                Kind::Score {
                    at_least: Some(6_000),
                },
                10_000,
            ),
            item("words", Kind::Text { most: 10 }, 0),
        ],
    )
}

fn plus() -> Template {
    let mut plus = template("plus", vec![item("own", Kind::Check, 5_000)]);
    plus.extends = Some(base("upper"));
    plus.stricter = vec![Stricter {
        item: "times".to_owned(),
        required: false,
        evidence: Evidence::Always,
        at_least: Some(4),
        at_most: None,
    }];
    plus
}

fn made(template: &Template) -> Result<Form, Vec<String>> {
    let upper = upper();
    let known = |b: &Base| (b.form == "upper" && b.version == 1).then_some(&upper);
    resolve(template, 3, &known).map_err(|mistakes| {
        let named = |m: Mistake| format!("{} {}", m.at, m.reason.key).trim().to_owned();
        mistakes.into_iter().map(named).collect()
    })
}

#[test]
fn an_extension_keeps_what_it_inherits_and_may_only_be_stricter() {
    let form = made(&plus()).unwrap();
    let codes: Vec<&str> = form.items().map(|i| i.code.as_str()).collect();
    assert_eq!(
        codes,
        ["belief", "study", "ways", "times", "order", "words", "own"]
    );
    assert_eq!(form.inherited.len(), 6);
    assert_eq!(form.inherited["belief"], base("upper"));
    let times = form.item("times").unwrap();
    assert_eq!(times.evidence, Evidence::Always);
    assert!(matches!(
        times.kind,
        Kind::Count {
            at_least: Some(4),
            ..
        }
    ));

    let wrong = |change: fn(&mut Template)| {
        let mut changed = plus();
        change(&mut changed);
        made(&changed).unwrap_err()
    };
    assert_eq!(
        wrong(|t| t.stricter[0].at_least = Some(1)),
        ["times form-not-stricter"]
    );
    assert_eq!(
        wrong(|t| t.stricter[0].item = "belief".into()),
        ["belief form-not-stricter"]
    );
    assert_eq!(
        wrong(|t| t.stricter[0].item = "own".into()),
        ["own form-stricter-unknown"]
    );
    assert_eq!(
        wrong(|t| t.sections[0].items[0].code = "belief".into()),
        ["belief form-item-twice"]
    );
    assert_eq!(
        wrong(|t| t.extends = Some(base("nobody"))),
        ["form-base-unknown"]
    );
    assert_eq!(wrong(|t| t.extends = Some(base("plus"))), ["form-circle"]);
}

#[test]
fn mistakes_of_items_are_named() {
    let wrong = |item: Item| made(&template("t", vec![item])).unwrap_err();
    assert_eq!(wrong(item("Big", Kind::Check, 0)), ["Big form-code"]);
    assert_eq!(wrong(item("a", Kind::Check, -1)), ["a form-points"]);
    assert_eq!(wrong(item("a", Kind::Day, 1)), ["a form-not-scored"]);
    assert_eq!(
        wrong(item("a", Kind::Text { most: 0 }, 0)),
        ["a form-text-length"]
    );
    assert_eq!(
        wrong(item("a", Kind::Score { at_least: None }, 0)),
        ["a form-threshold"]
    );
    let few = options(&[(1_000, false)]);
    assert_eq!(
        wrong(item("a", Kind::Choice { options: few }, 0)),
        ["a form-options-few"]
    );
    let low = options(&[(900, false), (0, true)]);
    assert_eq!(
        wrong(item("a", Kind::Choice { options: low }, 10)),
        ["a form-share-out-of-reach"]
    );
    assert_eq!(
        made(&template("t", Vec::new())).unwrap_err(),
        ["form-empty"]
    );
}

fn answer(value: Value) -> Answer {
    Answer {
        value,
        note: String::new(),
        files: Vec::new(),
    }
}

fn keys(faults: &[Fault]) -> Vec<String> {
    let named = |f: &Fault| format!("{} {}", f.item, f.message.key);
    faults.iter().map(named).collect()
}

#[test]
fn answers_are_checked_scored_and_found_wanting() {
    let form = made(&plus()).unwrap();
    let mut answers = Answers::new();
    assert_eq!(check(&form, &answers, false), []);
    assert_eq!(check(&form, &answers, true).len(), 7);
    assert_eq!(score(&form, &answers).share(), None);
    let chosen = |codes: &[&str]| Value::Chosen(codes.iter().map(|c| (*c).to_owned()).collect());
    for (code, value) in [
        ("belief", Value::Yes(true)),
        ("study", chosen(&["o1"])),
        ("ways", chosen(&["o0", "o2"])),
        ("times", Value::Number(3)),
        ("order", Value::Number(8_000)),
        ("words", Value::Text("够了".into())),
        ("own", Value::NotApplicable),
    ] {
        answers.insert(code.to_owned(), answer(value));
    }
    assert_eq!(
        keys(&check(&form, &answers, true)),
        ["times form-evidence", "own form-why-not"]
    );
    assert_eq!(check(&form, &answers, false), []);
    // 10 + 6 + 5 + 0 (three of four times) + 8 of 45: what does not apply is no part of it.
    let score = score(&form, &answers);
    assert_eq!((score.points, score.full, score.open), (29_000, 45_000, 0));
    assert_eq!(score.share(), Some(644));
    let wanting: Vec<&str> = deficiencies(&form, &answers)
        .iter()
        .map(|d| d.item.code.as_str())
        .collect();
    assert_eq!(wanting, ["ways", "times"]);

    for (code, value, why) in [
        ("belief", Value::Number(1), "belief form-answer-unknown"),
        ("study", chosen(&["o0", "o1"]), "study form-answer-unknown"),
        ("ways", chosen(&["o0", "o0"]), "ways form-answer-unknown"),
        ("ways", chosen(&["x"]), "ways form-answer-unknown"),
        ("times", Value::Number(-1), "times form-number"),
        ("order", Value::Number(10_001), "order form-score"),
        (
            "words",
            Value::Text("一二三四五六七八九十一".into()),
            "words form-text-most",
        ),
        (
            "words",
            Value::Day(Date::constant(2026, 1, 1)),
            "words form-answer-unknown",
        ),
        ("gone", Value::Yes(true), "gone form-item-unknown"),
    ] {
        let one = Answers::from([(code.to_owned(), answer(value))]);
        assert_eq!(keys(&check(&form, &one, false)), [why]);
    }
}

#[test]
fn few_answers_are_not_told_apart() {
    let mut upper = upper();
    upper.smallest_group = 3;
    let form = resolve(&upper, 1, &|_| None).unwrap();
    let yes = Answers::from([("belief".to_owned(), answer(Value::Yes(true)))]);
    let number = Answers::from([
        ("belief".to_owned(), answer(Value::Yes(false))),
        ("times".to_owned(), answer(Value::Number(4))),
        ("order".to_owned(), answer(Value::NotApplicable)),
    ]);
    assert_eq!(
        Tally::of(&form, [&yes, &number]),
        Tally {
            answered: 2,
            items: None
        }
    );
    let tally = Tally::of(&form, [&yes, &number, &yes]);
    let items = tally.items.unwrap();
    let counts: Vec<usize> = items[0].counts.iter().map(|c| c.count).collect();
    assert_eq!((items[0].answered, counts), (3, vec![2, 1]));
    assert_eq!((items[3].answered, items[3].sum), (1, Some(4)));
    assert_eq!((items[4].answered, items[4].sum), (0, None));
}

/// Any answer that an item allows.
fn allowed(item: &Item) -> BoxedStrategy<Value> {
    let value = match &item.kind {
        Kind::Check => any::<bool>().prop_map(Value::Yes).boxed(),
        Kind::Choice { options } => {
            let codes: Vec<String> = options.iter().map(|o| o.code.clone()).collect();
            prop::sample::select(codes)
                .prop_map(|c| Value::Chosen(vec![c]))
                .boxed()
        }
        Kind::Several { options } => {
            let codes: Vec<String> = options.iter().map(|o| o.code.clone()).collect();
            let most = codes.len();
            prop::sample::subsequence(codes, 0..=most)
                .prop_map(Value::Chosen)
                .boxed()
        }
        Kind::Count { .. } => (0i64..9).prop_map(Value::Number).boxed(),
        Kind::Score { .. } => (0..=item.points).prop_map(Value::Number).boxed(),
        Kind::Text { .. } => "[甲乙丙]{0,10}".prop_map(Value::Text).boxed(),
        Kind::Day => Just(Value::Day(Date::constant(2026, 2, 28))).boxed(),
    };
    prop_oneof![6 => value, 1 => Just(Value::NotApplicable)].boxed()
}

fn some_answers() -> impl Strategy<Value = Answers> {
    let form = made(&plus()).unwrap();
    let each: Vec<_> = form
        .items()
        .map(|i| (Just(i.code.clone()), prop::option::of(allowed(i))))
        .collect();
    each.prop_map(|found| {
        let given = |(code, value): (String, Option<Value>)| Some((code, answer(value?)));
        found.into_iter().filter_map(given).collect()
    })
}

proptest! {
    #[test]
    fn what_is_allowed_is_taken_and_never_scores_beyond_the_whole(answers in some_answers()) {
        let form = made(&plus()).unwrap();
        prop_assert_eq!(check(&form, &answers, false), vec![]);
        let score = score(&form, &answers);
        prop_assert!(0 <= score.points && score.points <= score.full);
        let parts: i64 = score.sections.iter().map(|(_, points, _)| points).sum();
        prop_assert_eq!(parts, score.points);
        if let Some(share) = score.share() {
            prop_assert!((0..=1_000).contains(&share));
        }
        // Kept as text and read again, nothing is lost.
        let text = serde_json::to_string(&answers).unwrap();
        let again: Answers = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(again, answers);
    }

    #[test]
    fn a_stricter_form_finds_no_less_wanting(answers in some_answers()) {
        let (upper, plus) = (upper(), made(&plus()).unwrap());
        let upper = resolve(&upper, 1, &|_| None).unwrap();
        let codes = |form: &Form| -> Vec<String> {
            deficiencies(form, &answers).iter().map(|d| d.item.code.clone()).collect()
        };
        let strict = codes(&plus);
        prop_assert!(codes(&upper).iter().all(|code| strict.contains(code)));
    }
}
