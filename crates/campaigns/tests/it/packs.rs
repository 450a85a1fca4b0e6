//! Kinds from packs: what is wrong is named with its line.

use campaigns::CampaignKinds;
use commons::packs::Packs;

const OWN: &str = include_str!("../../../../packs/campaigns-cn.toml");

fn read(text: String) -> Result<CampaignKinds, Vec<(usize, &'static str)>> {
    let packs = Packs::load(vec![("campaigns-cn.toml".into(), text)]).unwrap();
    CampaignKinds::read(&packs)
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
            "quality",
            "theme-education",
            "governance",
            "practice",
            "tracing",
            "tracing-round"
        ]
    );
    let quality = kinds.get("quality").unwrap();
    assert_eq!(quality.number_of("澜司发", 2026, 8), "澜司发〔2026〕8号");
    assert_eq!(quality.tracks[1].after.as_deref(), Some("learn"));
    assert_eq!(quality.form().unwrap().smallest_group, 5);
    assert!(quality.needs_plan && quality.target == Some(90));
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let kind = line("[[campaign-kind]]");
    for (from, to, at, key) in [
        ("days = 15", "days = 0", kind, "campaigns-pack-phases"),
        (
            "after = \"learn\"",
            "after = \"teach\"",
            kind,
            "campaigns-pack-track",
        ),
        (
            "claims = [\"problems\", \"accepted\", \"held\"]",
            "claims = [\"x\"]",
            kind,
            "campaigns-pack-claim",
        ),
        (
            "phase = \"mobilise\"",
            "phase = \"begin\"",
            kind,
            "campaigns-pack-phase",
        ),
        (
            "{mark}〔{year}〕{n}号",
            "第{n}号",
            kind,
            "campaigns-pack-number",
        ),
        (
            "{joined}家，不参加",
            "{joind}家，不参加",
            kind,
            "campaigns-pack-figure",
        ),
        ("target = 90", "target = 900", kind, "campaigns-pack-points"),
        ("points = 20_000", "points = 0", kind, "form-threshold"),
        (
            "where = { kind = \"held\" }",
            "where = { late = 2 }",
            line("[[campaign-claim]]"),
            "campaigns-pack-where",
        ),
        (
            "code = \"attendances\"",
            "code = \"activities\"",
            line("[[campaign-claim]]") + 7,
            "campaigns-pack-code",
        ),
    ] {
        let text = OWN.replacen(from, to, 1);
        assert_ne!(text, OWN, "{from}");
        let told = read(text).unwrap_err();
        assert!(told.contains(&(at, key)), "{from}: {told:?}");
    }
}
