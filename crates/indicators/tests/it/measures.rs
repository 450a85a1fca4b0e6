//! Every kind of figure over one small world, on both engines, before and after sealing, and after a reversal.

use std::collections::BTreeMap;

use commons::packs::Packs;
use indicators::{Figure, IndicatorList};
use kernel::{Period, Scope};
use testkit::on_both;

use crate::house::{EVERYBODY, House, day, migrations, so_far};

/// One indicator of a pack; what follows the names is its own.
fn one(code: &str, unit: &str, rest: &str) -> String {
    format!(
        "[[indicator]]\ncode = \"{code}\"\nname = {{ zh = \"{code}之名\", en = \"{code}\" }}\n\
         unit = {{ zh = \"{unit}\", en = \"{unit}\" }}\ndefinition = {{ zh = \"x\", en = \"x\" }}\n{rest}\n"
    )
}

fn packs(body: &str) -> Packs {
    let head =
        "[pack]\ncode = \"m\"\nversion = \"1\"\nname = { zh = \"t\", en = \"t\" }\n".to_owned();
    Packs::load(vec![("m.toml".into(), head + body)]).unwrap()
}

const HELD: &str = "of = { where = { kind = \"held\" }, axis = \"host\" }";
const LENGTH: &str = "of = { where = { kind = \"held\" }, axis = \"host\", value = \"minutes\" }";

fn list() -> IndicatorList {
    let group = |of: &str| {
        format!("measure = \"census\"\ncensus = {{ of = \"{of}\", kinds = [\"study-group\"] }}")
    };
    let body = [
        one(
            "mean-length",
            "小时",
            &format!("measure = \"mean\"\n{LENGTH}"),
        ),
        one(
            "longest",
            "分钟",
            &format!("measure = \"peak\"\nper = 1\n{LENGTH}"),
        ),
        one(
            "parts",
            "类",
            "measure = \"varieties\"\nof = { where = { kind = \"attendance\" } }",
        ),
        one(
            "places",
            "个",
            &format!("measure = \"places\"\ncategories = [\"处室\"]\n{HELD}"),
        ),
        one(
            "units",
            "个",
            "measure = \"census\"\ncensus = { of = \"units\", categories = [\"处室\"] }",
        ),
        one(
            "participation",
            "%",
            "measure = \"ratio\"\npart = \"places\"\nwhole = \"units\"",
        ),
        one("years", "年", &format!("measure = \"streak\"\n{HELD}")),
        one("sessions", "场", &format!("measure = \"count\"\n{HELD}")),
        one(
            "sessions-change",
            "%",
            "measure = \"change\"\nfigure = \"sessions\"\nshown-for = [\"处室\"]",
        ),
        one("groups", "个", &group("bodies")),
        one("groups-formed", "个", &group("formed")),
        one("members", "人", &group("members")),
        one(
            "categories",
            "类",
            "measure = \"census\"\ncensus = { of = \"categories\" }",
        ),
        one(
            "elsewhere",
            "场",
            &format!("measure = \"count\"\nshown-for = [\"法院\"]\n{HELD}"),
        ),
    ];
    IndicatorList::read(&packs(&body.concat())).unwrap()
}

fn told(figures: &[Figure]) -> BTreeMap<&str, String> {
    let text = |f: &Figure| {
        f.value
            .map_or_else(|| "-".to_owned(), indicators::Ratio::text)
    };
    figures.iter().map(|f| (f.code.as_str(), text(f))).collect()
}

#[tokio::test]
async fn every_measure_is_exact_sealed_or_not_and_follows_a_reversal() {
    on_both(&migrations(), |t| async move {
        let h = House::with(&t, list()).await;
        h.group(&t, h.a, day(2025, 5, 1), &["1", "2"]).await;
        h.session(&t, h.a, day(2024, 3, 1), 60, &EVERYBODY).await;
        h.session(&t, h.a, day(2025, 3, 7), 60, &EVERYBODY).await;
        let parts = [(1, "present"), (2, "leave"), (4, "present")];
        h.session(&t, h.a, day(2026, 3, 6), 90, &parts).await;
        let parts = [(4, "present"), (5, "absent")];
        let last = h.session(&t, h.b, day(2026, 11, 6), 150, &parts).await;
        let before = Period {
            from: day(2025, 1, 1),
            to: day(2025, 12, 31),
        };
        for sealed in [false, true] {
            if sealed {
                h.ledger.settle().await.unwrap();
            }
            let top = h.figures(h.top, so_far()).await;
            let want = [
                ("mean-length", "2.0"),
                ("longest", "150"),
                ("parts", "3"),
                ("places", "3"),
                ("units", "3"),
                ("participation", "100.00"),
                ("years", "3"),
                ("sessions", "2"),
                ("sessions-change", "100.00"),
                ("groups", "1"),
                ("groups-formed", "0"),
                ("members", "2"),
                ("categories", "1"),
            ];
            let want: BTreeMap<_, _> = want.into_iter().map(|(c, v)| (c, v.to_owned())).collect();
            assert_eq!(told(&top), want, "sealed: {sealed}");
            let b = h.figures(h.b, so_far()).await;
            let b = told(&b);
            let b = (&*b["years"], &*b["sessions-change"], &*b["places"]);
            assert_eq!(b, ("1", "-", "1"));
            let year = h.figures(h.top, before).await;
            let year = told(&year);
            let year = (
                &*year["groups-formed"],
                &*year["years"],
                &*year["participation"],
            );
            assert_eq!(year, ("1", "2", "66.67"));
        }
        h.reverse(&t, &last).await;
        let top = h.figures(h.top, so_far()).await;
        let top = told(&top);
        assert_eq!(
            (&*top["longest"], &*top["parts"], &*top["mean-length"]),
            ("90", "2", "1.5")
        );
        assert_eq!((&*top["sessions-change"], &*top["sessions"]), ("0.00", "1"));
    })
    .await;
}

#[tokio::test]
async fn a_figure_opens_to_what_it_is_made_of() {
    on_both(&migrations(), |t| async move {
        let h = House::with(&t, list()).await;
        h.session(&t, h.a, day(2026, 3, 6), 90, &EVERYBODY).await;
        let app = h.app(&t, Scope::All);
        let open = async |code: &str| {
            app.get(&format!("/indicators/{code}?unit={}", h.top), 200)
                .await
        };
        let page = open("participation").await;
        assert!(
            page.contains("places之名") && page.contains("/indicators/places?"),
            "{page}"
        );
        assert!(
            page.contains("/indicators/units?") && page.contains("66.67"),
            "{page}"
        );
        let page = open("places").await;
        assert!(page.contains("乙科") && page.contains("没有记录"), "{page}");
        let page = open("units").await;
        assert!(
            page.contains(&format!("href=\"/organization/units/{}\"", h.a))
                && !page.contains("rows.csv"),
            "{page}"
        );
        assert!(open("years").await.contains(">2026<"));
        let page = open("sessions").await;
        assert!(
            page.contains("周五学习"),
            "what stands behind a row is named: {page}"
        );
        let page = open("parts").await;
        assert!(
            page.contains("as present"),
            "the part as its feature calls it: {page}"
        );
        let page = open("sessions-change").await;
        assert!(
            page.contains("from=2025-01-01&to=2025-11-20"),
            "the base opens too: {page}"
        );
    })
    .await;
}

#[test]
fn mistakes_in_a_pack_are_named() {
    let keys = |rest: &str| {
        let problems = IndicatorList::read(&packs(&one("i", "x", rest))).unwrap_err();
        problems.iter().map(|p| p.reason.key).collect::<Vec<_>>()
    };
    let cases = [
        (format!("measure = \"sum\"\n{HELD}"), "indicator-value"),
        (
            format!("measure = \"count\"\nper = 45\n{HELD}"),
            "indicator-value",
        ),
        ("measure = \"count\"".to_owned(), "indicator-of"),
        (format!("measure = \"guess\"\n{HELD}"), "indicator-measure"),
        (
            "measure = \"ratio\"\npart = \"i\"".to_owned(),
            "indicator-measure",
        ),
        (
            "measure = \"ratio\"\npart = \"i\"\nwhole = \"i\"".to_owned(),
            "indicator-refers",
        ),
        (
            "measure = \"change\"\nfigure = \"none\"".to_owned(),
            "indicator-refers",
        ),
        (
            format!("measure = \"streak\"\nevery = \"week\"\n{HELD}"),
            "indicator-every",
        ),
        (
            format!("measure = \"persons\"\n{HELD}"),
            "indicator-distinct",
        ),
    ];
    for (rest, key) in cases {
        assert_eq!(keys(&rest), [key], "{rest}");
    }
}
