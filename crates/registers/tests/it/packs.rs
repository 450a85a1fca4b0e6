//! The pack that the product brings, and mistakes in packs, each named with its line.

use commons::packs::Packs;
use registers::Registers;

fn read(text: &str) -> Result<Registers, Vec<String>> {
    let packs = Packs::load(vec![("t.toml".into(), text.into())]).unwrap();
    Registers::read(&packs).map_err(|problems| {
        let named = problems.into_iter();
        named
            .map(|p| format!("{} {}", p.line, p.reason.key))
            .collect()
    })
}

#[test]
fn the_pack_of_the_product_has_what_agencies_count() {
    let registers = read(include_str!("../../../../packs/registers-cn.toml")).unwrap();
    for code in [
        "honours",
        "rule-documents",
        "annual-plans",
        "research-reports",
        "visits-received",
        "disputes",
        "typical-speeches",
        "titles-awarded",
        "key-tasks",
        "dispatched-for-practice",
        "pilots",
        "promoted-experiences",
        "policies-won",
        "innovation-topics",
        "hands-on-projects",
        "brands",
        "media-coverage",
        "submitted-articles",
        "agreements",
        "leader-instructions",
        "special-inspections",
        "communities-served",
        "verdicts",
        "collective-verdicts",
        "reasoned-documents",
        "reasoned-cases",
        "norms",
        "key-fields",
        "hotline-month",
        "road-quality",
        "check-rounds",
        "problems-found",
        "test-results",
    ] {
        let register = registers.get(code).unwrap_or_else(|| panic!("{code}"));
        assert!(!register.name.zh.is_empty() && !register.group.en.is_empty());
    }
    assert_eq!(registers.iter().count(), 40);
    let visits = registers.get("visits-received").unwrap();
    assert_eq!(visits.number_field().unwrap().code, "persons");
    assert_eq!(
        registers
            .get("honours")
            .unwrap()
            .class_field()
            .unwrap()
            .values
            .len(),
        4
    );
}

const GOOD: &str = r#"[pack]
code = "t"
version = "1"
name = { zh = "甲", en = "A" }
[[register]]
code = "honours"
name = { zh = "甲", en = "A" }
unit = { zh = "项", en = "x" }
group = { zh = "乙", en = "B" }
class = "level"
number = "n"
fields = [
  { code = "level", name = { zh = "级", en = "L" }, kind = "choice", values = [{ code = "a", name = { zh = "甲", en = "A" } }] },
  { code = "n", name = { zh = "数", en = "N" }, kind = "number" },
]
"#;

#[test]
fn mistakes_are_named_with_their_line() {
    read(GOOD).unwrap();
    let change = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        read(&GOOD.replacen(from, to, 1)).unwrap_err()
    };
    for (from, to, problem) in [
        (
            "code = \"honours\"",
            "code = \"Honours\"",
            "5 register-code",
        ),
        ("code = \"honours\"", "code = \"review\"", "5 register-code"),
        ("class = \"level\"", "class = \"n\"", "5 register-class"),
        ("class = \"level\"", "class = \"none\"", "5 register-class"),
        (
            "number = \"n\"",
            "number = \"level\"",
            "5 register-number-field",
        ),
        (
            "number = \"n\"",
            "number = \"n\"\nnumbers = [\"n\"]",
            "5 register-number-field",
        ),
        (
            "{ code = \"n\"",
            "{ code = \"level\"",
            "5 register-field-code",
        ),
        (
            "kind = \"number\"",
            "kind = \"number\", decimals = 4",
            "5 register-field-number",
        ),
        (
            "kind = \"number\"",
            "kind = \"number\", most = 1, least = 2",
            "5 register-field-number",
        ),
        (
            "values = [{ code = \"a\", name = { zh = \"甲\", en = \"A\" } }]",
            "values = []",
            "5 register-field-values",
        ),
        (
            "class = \"level\"",
            "class = \"level\"\nreview-every = { years = 0 }",
            "5 register-spans",
        ),
        (
            "class = \"level\"",
            "class = \"level\"\nlate-after-days = -1",
            "5 register-spans",
        ),
        (
            "class = \"level\"",
            "class = \"level\"\nlevel = \"no\"",
            "5 register-level",
        ),
        (
            "class = \"level\"",
            "class = \"level\"\npeople = { name = { zh = \"人\", en = \"P\" }, most = 0 }",
            "5 register-people",
        ),
        (
            "class = \"level\"",
            "class = \"level\"\nklass = \"level\"",
            "11 pack-not-understood",
        ),
        (
            "kind = \"number\"",
            "kind = \"numeral\"",
            "14 pack-not-understood",
        ),
    ] {
        let found = change(from, to);
        assert!(found.iter().any(|p| p == problem), "{to}: {found:?}");
    }
    let twice = format!("{GOOD}{}", &GOOD[GOOD.find("[[register]]").unwrap()..]);
    assert_eq!(read(&twice).unwrap_err(), ["16 register-twice"]);
}
