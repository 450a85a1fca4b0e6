//! Kinds from packs: what is wrong is named with its line.

use cases::CaseKinds;
use commons::packs::Packs;

const OWN: &str = include_str!("../../../../packs/cases-cn.toml");

fn read(text: String) -> Result<CaseKinds, Vec<(usize, &'static str)>> {
    let packs = Packs::load(vec![("cases-cn.toml".into(), text)]).unwrap();
    CaseKinds::read(&packs).map_err(|all| {
        let mut all: Vec<_> = all.into_iter().map(|p| (p.line, p.reason.key)).collect();
        all.dedup();
        all
    })
}

/// The line on which a text stands first.
fn line(text: &str, what: &str) -> usize {
    text[..text.find(what).unwrap()].matches('\n').count() + 1
}

#[test]
fn the_kinds_of_the_product_are_read() {
    let kinds = read(OWN.to_owned()).unwrap();
    let codes: Vec<&str> = kinds.iter().map(|k| k.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "problem",
            "instruction",
            "task",
            "hotline",
            "risk",
            "traced"
        ]
    );
    let problem = kinds.get("problem").unwrap();
    assert_eq!(problem.number_of(2026, 7), "ZG-2026-0007");
    assert_eq!(problem.pack, "cases-cn 1");
    assert!(problem.quick && problem.recurs == Some(12));
}

#[test]
fn every_mistake_is_named_with_its_line() {
    // A change of the text, and what is told of which line of it.
    let told = |from: &str, to: &str| {
        let text = OWN.replacen(from, to, 1);
        assert_ne!(text, OWN, "{from}");
        read(text).unwrap_err()
    };
    let accept =
        "verb = \"accept\"\nfrom = [\"checking\"]\nto = \"solved\"\nwho = [\"supervisor\"]";
    let at = line(OWN, accept) - 1;
    for (from, to, line, key) in [
        (
            accept,
            accept.replace("[\"supervisor\"]", "[\"owner\"]"),
            at,
            "cases-pack-judge",
        ),
        (
            accept,
            accept.replace("checking\"]", "solving\"]"),
            at,
            "cases-pack-from",
        ),
        (
            accept,
            accept.replace("\"solved\"", "\"explained\""),
            at,
            "cases-pack-to",
        ),
        (
            accept,
            accept.replace("\"solved\"", "\"nowhere\""),
            at,
            "cases-pack-state",
        ),
    ] {
        assert!(
            told(from, &to).contains(&(line, key)),
            "{key}: {:?}",
            told(from, &to)
        );
    }
    let approval = "approval = \"case-extension\"\n";
    assert_eq!(told(approval, "")[0].1, "cases-pack-approval");
    let kind = line(OWN, "[[case-kind]]");
    for (from, to, key) in [
        ("ZG-{year}-{n}", "ZG", "cases-pack-number"),
        (
            "flow = \"rectify\"\nareas",
            "flow = \"none\"\nareas",
            "cases-pack-flow",
        ),
        ("areas = \"areas\"", "areas = \"fields\"", "cases-pack-list"),
        (
            "look-back = [\"+90d\"]",
            "look-back = [\"-1d\"]",
            "cases-pack-look-back",
        ),
        (
            "days = 15, working = true },\n  { code = \"serious\"",
            "days = 0 },\n  { code = \"serious\"",
            "cases-pack-days",
        ),
    ] {
        assert_eq!(told(from, to), [(kind, key)], "{from}");
    }
    // A state out of which nothing leads is a trap.
    let refuse = "verb = \"submit\"\nfrom = [\"solving\"]\nto = \"checking\"";
    let found = told(
        refuse,
        "verb = \"submit\"\nfrom = [\"solving\"]\nto = \"raised\"",
    );
    assert!(
        found.contains(&(line(OWN, "code = \"checking\"") - 1, "cases-pack-trap")),
        "{found:?}"
    );
}
