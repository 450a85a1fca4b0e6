//! The pack that the product brings, and mistakes in packs, each named with its line.

use commons::packs::Packs;
use hours::{Confidence, HourRules, Window};
use kernel::Date;

pub fn product() -> HourRules {
    let files = [
        (
            "weekly-study.toml",
            include_str!("../../../../packs/weekly-study.toml"),
        ),
        (
            "party-life-cn.toml",
            include_str!("../../../../packs/party-life-cn.toml"),
        ),
        (
            "training-cn.toml",
            include_str!("../../../../packs/training-cn.toml"),
        ),
        (
            "hours-cn.toml",
            include_str!("../../../../packs/hours-cn.toml"),
        ),
    ];
    let texts = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    HourRules::read(&Packs::load(texts.into()).unwrap()).unwrap()
}

/// Line and key of what is wrong with a text after a header of four lines.
fn wrong(text: &str) -> Vec<(usize, &'static str)> {
    let head = "[pack]\ncode = \"t\"\nversion = \"1\"\nname = { zh = \"测\", en = \"T\" }\n";
    let packs = Packs::load(vec![("t.toml".into(), format!("{head}{text}"))]).unwrap();
    let problems = HourRules::read(&packs).unwrap_err();
    problems
        .into_iter()
        .map(|p| (p.line, p.reason.key))
        .collect()
}

#[test]
fn the_pack_of_the_product_holds_people_to_what_was_read_only() {
    let rules = product();
    let on: Vec<&str> = rules.in_force().map(|r| r.code.as_str()).collect();
    assert_eq!(
        on,
        [
            "five-years-550",
            "year-90",
            "appointed-make-up",
            "prosecutor-year-90",
            "prosecutor-leaders-15-days",
            "senior-prosecutor-230"
        ]
    );
    for r in rules.requirements() {
        let read = r.basis.confidence == Confidence::Verified;
        assert!(
            read || r.off,
            "{}: nobody is held to numbers nobody has read",
            r.code
        );
    }
    let day = Date::constant(2026, 1, 1);
    let year = rules.requirement("year-90").unwrap();
    let version = year.version_on(day).unwrap();
    assert_eq!((version.hours, version.days), (Some(90_000), Some(12_000)));
    let five = rules.requirement("five-years-550").unwrap();
    assert_eq!(five.window, Window::Years(5));
    assert_eq!(five.version_on(day).unwrap().hours, Some(550_000));
    assert_eq!(five.version_on(Date::constant(2020, 1, 1)), None);
    assert_eq!(rules.kinds(), ["attendance", "hours", "makeup"]);
    // More than a seventh of a class.
    assert!(rules.too_much_leave(day, 70_000, 10_000).is_none());
    assert!(rules.too_much_leave(day, 70_000, 10_001).is_some());
}

const BASIS: &str = "basis = { document = { zh = \"文\", en = \"D\" }, article = { zh = \"条\", en = \"A\" }, confidence = \"local\" }";
const NAME: &str = "name = { zh = \"名\", en = \"N\" }";
const WAY: &str = "[[hour-way]]\ncode = \"w\"\nname = { zh = \"名\", en = \"N\" }\nform = \"offline\"\nslot = \"unit\"\nminutes = 45\n";

#[test]
fn mistakes_are_named_with_their_line() {
    let rule = |rest: &str| format!("[[hour-rule]]\ncode = \"r\"\n{NAME}\n{BASIS}\n{rest}\n{WAY}");
    let version = "version = [{ from = \"2026-01-01\", count = \"minutes\", minutes = 45 }]";
    let there = "where = { kind = \"attendance\" }";
    for (text, key) in [
        (
            format!("{there}\nway = \"x\"\n{version}"),
            "hour-rule-words",
        ),
        (
            format!("{there}\nway = \"w\"\ngroups = [\"g\"]\n{version}"),
            "hour-rule-group",
        ),
        (
            format!("{there}\nway = \"w\"\ncategories = [\"c\"]\n{version}"),
            "hour-rule-category",
        ),
        (format!("{there}\n{version}"), "hour-rule-way"),
        (
            format!("where = {{ role = \"present\" }}\nway = \"w\"\n{version}"),
            "hour-rule-predicate",
        ),
        (
            format!(
                "where = {{ kind = \"attendance\", minutes = \"many\" }}\nway = \"w\"\n{version}"
            ),
            "hour-rule-predicate",
        ),
    ] {
        let found = wrong(&rule(&text));
        assert_eq!(found, [(5, key)], "{text}");
    }
    // A wrong version is named where it stands.
    for v in [
        "{ from = \"2026-02-30\", count = \"minutes\", minutes = 45 }",
        "{ from = \"2026-01-01\", count = \"minutes\" }",
        "{ from = \"2026-01-01\", count = \"session\" }",
        "{ from = \"2026-01-01\", count = \"half-days\", half-day = 4, day = 8 }",
        "{ from = \"2026-01-01\", count = \"minutes\", minutes = 45, day-most = 0 }",
        "{ from = \"2026-01-01\", count = \"recognised\", day-most = 8 }",
        "{ from = \"2026-01-01\", to = \"2025-01-01\", count = \"minutes\", minutes = 45 }",
    ] {
        let text = rule(&format!("{there}\nway = \"w\"\nversion = [{v}]"));
        assert_eq!(wrong(&text), [(11, "hour-rule-version")], "{v}");
    }
    let asks = |rest: &str| format!("[[hour-requirement]]\ncode = \"q\"\n{NAME}\n{BASIS}\n{rest}");
    let version = "version = [{ from = \"2026-01-01\", hours = 90, day-most = 8 }]";
    for (text, key) in [
        (
            format!("window = {{ years = 0 }}\n{version}"),
            "hour-requirement-window",
        ),
        (
            format!("window = {{ years = 1, months = 2 }}\n{version}"),
            "hour-requirement-window",
        ),
        (
            format!("window = {{ years = 1 }}\nof = {{ ways = [\"x\"] }}\n{version}"),
            "hour-requirement-words",
        ),
        (
            "window = { years = 1 }".to_owned(),
            "hour-requirement-words",
        ),
    ] {
        assert_eq!(wrong(&asks(&text)), [(5, key)], "{text}");
    }
    let unread =
        asks(&format!("window = {{ years = 1 }}\n{version}")).replace("local", "unverified");
    assert_eq!(wrong(&unread), [(5, "hour-requirement-unverified")]);
    for v in [
        "{ from = \"2026-01-01\", day-most = 8 }",
        "{ from = \"2026-01-01\", hours = -1, day-most = 8 }",
        "{ from = \"2026-01-01\", hours = 9, day-most = 8, parts = [{ code = \"p\", name = { zh = \"分\", en = \"P\" }, share = 101 }] }",
        "{ from = \"2026-01-01\", hours = 9, day-most = 8, parts = [{ code = \"p\", name = { zh = \"分\", en = \"P\" } }] }",
    ] {
        let text = asks(&format!("window = {{ years = 1 }}\nversion = [{v}]"));
        assert_eq!(wrong(&text), [(10, "hour-requirement-version")], "{v}");
    }
    assert_eq!(
        wrong(
            "[[hour-way]]\ncode = \"W\"\nname = { zh = \"名\", en = \"N\" }\nform = \"offline\"\nslot = \"unit\"\nminutes = 45\n"
        ),
        [(5, "hour-way-wrong")]
    );
    let limit = format!("[[hour-leave-limit]]\n{BASIS}\nfrom = \"2026-01-01\"\none-in = 0");
    assert_eq!(wrong(&limit), [(5, "hour-leave-limit-wrong")]);
    assert_eq!(
        wrong("[[hour-requirement]]\ncode = \"q\"\nodd = 1"),
        [(7, "pack-not-understood")]
    );
}
