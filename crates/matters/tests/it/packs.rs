//! Kinds from packs: what is wrong is named with its line.

use commons::packs::Packs;
use matters::MatterKinds;

const OWN: &str = include_str!("../../../../packs/matters-cn.toml");

fn read(text: String) -> Result<MatterKinds, Vec<(usize, &'static str)>> {
    let packs = Packs::load(vec![("matters-cn.toml".into(), text)]).unwrap();
    MatterKinds::read(&packs)
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
            "major-request",
            "major-report",
            "work-report",
            "leave-town",
            "personal-change",
            "family-event"
        ]
    );
    let leave = kinds.get("leave-town").unwrap();
    assert_eq!(leave.number_of(2026, 8), "外出〔2026〕8号");
    assert_eq!(leave.route_code(), "matter-leave-town");
    assert!(leave.personal && leave.asks && !leave.received && !leave.sealed);
    let personal = kinds.get("personal-change").unwrap();
    assert!(personal.sealed && !personal.asks);
    let routes = approvals::Routes::read(&crate::house::packs()).unwrap();
    let today = kernel::Date::constant(2026, 11, 20);
    for kind in kinds.iter().filter(|k| k.route) {
        assert!(
            routes.on(&kind.route_code(), today).is_some(),
            "{}",
            kind.code
        );
    }
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let first = line("[[matter-kind]]");
    let leave = line("code = \"leave-town\"") - 1;
    for (from, to, at, key) in [
        (
            "请示〔{year}〕{n}号",
            "请示{n}号",
            first,
            "matters-pack-number",
        ),
        (
            "route = true\nreceived = true\nbasis",
            "basis",
            first,
            "matters-pack-nobody",
        ),
        (
            "reply = \"+5wd\"\nremind = [\"-1d\"",
            "reply = \"soon\"\nremind = [\"-1d\"",
            first,
            "matters-pack-step",
        ),
        (
            "code = \"area\"",
            "code = \"Area\"",
            first,
            "matters-pack-code",
        ),
        (
            "kind = \"choice\", required = true, values = [\n    { code = \"decision\"",
            "required = true, values = [\n    { code = \"decision\"",
            first,
            "matters-pack-field",
        ),
        (
            "field = \"to\", by = \"+1wd\"",
            "field = \"why\", by = \"+1wd\"",
            leave,
            "matters-pack-day",
        ),
        (
            "field = \"to\", by = \"+1wd\"",
            "field = \"to\", by = \"+1w\"",
            leave,
            "matters-pack-step",
        ),
        (
            "number = \"外出〔{year}〕{n}号\"\n",
            "number = \"外出〔{year}〕{n}号\"\nreply = \"+1d\"\n",
            leave,
            "matters-pack-reply",
        ),
        (
            "code = \"leave-town\"",
            "code = \"major-report\"",
            leave,
            "matters-pack-code",
        ),
    ] {
        assert!(OWN.contains(from), "{from}");
        let wrong = read(OWN.replacen(from, to, 1)).unwrap_err();
        assert!(
            wrong.contains(&(at, key)),
            "{from}: {wrong:?}, wanted {at} {key}"
        );
    }
}
