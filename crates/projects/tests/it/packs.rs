//! Kinds from packs: what is wrong is named with its line.

use commons::packs::Packs;
use projects::{Need, ProjectKinds};

const OWN: &str = include_str!("../../../../packs/projects-cn.toml");

fn read(text: String) -> Result<ProjectKinds, Vec<(usize, &'static str)>> {
    let packs = Packs::load(vec![("projects-cn.toml".into(), text)]).unwrap();
    ProjectKinds::read(&packs)
        .map_err(|all| all.into_iter().map(|p| (p.line, p.reason.key)).collect())
}

fn line(what: &str) -> usize {
    OWN[..OWN.find(what).unwrap()].matches('\n').count() + 1
}

#[test]
fn the_kinds_of_the_product_are_read() {
    let kinds = read(OWN.to_owned()).unwrap();
    let codes: Vec<&str> = kinds.iter().map(|k| k.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "reform-projects",
            "innovation-topics",
            "hands-on-projects",
            "pilots",
            "branch-tasks",
            "research"
        ]
    );
    let research = kinds.get("research").unwrap();
    assert_eq!(research.number_of(2026, 8), "DY-2026-008");
    assert_eq!(research.category(), "research-reports");
    assert_eq!(research.after("plan").unwrap().code, "field");
    assert_eq!(research.after("use"), None);
    assert_eq!(research.stages[1].needs[&Need::Hearings], 1);
    // Who takes it up, who works on it, who does the hardest part.
    let levels: Vec<&str> = kinds
        .get("branch-tasks")
        .unwrap()
        .roles
        .iter()
        .map(|r| r.code.as_str())
        .collect();
    assert_eq!(levels, ["secretary", "branch", "vanguard"]);
    assert_eq!(kinds.get("branch-tasks").unwrap().lead, "secretary");
    assert!(kinds.visit("contact-point").is_some() && kinds.visit("x").is_none());
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let kind = line("[[project-kind]]");
    let visit = line("[[visit-kind]]");
    let second = visit + 5;
    for (from, to, at, key) in [
        (
            "number = \"GG-{year}-{n}\"",
            "number = \"GG-{n}\"",
            kind,
            "projects-pack-number",
        ),
        ("days = 300", "days = 0", kind, "projects-pack-stages"),
        (
            "lead = \"lead\"",
            "lead = \"boss\"",
            kind,
            "projects-pack-lead",
        ),
        (
            "{ members = 2, milestones = 2 }",
            "{ members = 0 }",
            kind,
            "projects-pack-needs",
        ),
        (
            "{ members = 2, milestones = 2 }",
            "{ visits = 1 }",
            kind,
            "projects-pack-needs",
        ),
        (
            "charge-after = 10",
            "charge-after = 0",
            kind,
            "projects-pack-timers",
        ),
        (
            "code = \"try\"",
            "code = \"design\"",
            kind,
            "projects-pack-code",
        ),
        (
            "class = \"level\"",
            "class = \"new\"",
            line("code = \"innovation-topics\"") - 1,
            "projects-pack-field",
        ),
        (
            "code = \"innovation-topics\"",
            "code = \"reform-projects\"",
            line("code = \"innovation-topics\"") - 1,
            "projects-pack-code",
        ),
        (
            "finds = { case-kind = \"problem\", origin = \"visit\", solved-by = { kind = \"case-closed\", role = \"solved\" } }\nstage",
            "stage",
            line("code = \"research\"") - 1,
            "projects-pack-finds",
        ),
        (
            "pairing = \"mentoring\"",
            "pairing = \"contact-point\"",
            second,
            "projects-pack-code",
        ),
    ] {
        let text = OWN.replacen(from, to, 1);
        assert_ne!(text, OWN, "{from}");
        let told = read(text).unwrap_err();
        assert!(told.contains(&(at, key)), "{from}: {told:?} wants {at}");
    }
}
