//! Targets in bands, external figures, the base of comparison, too few cases.

use commons::packs::Packs;
use indicators::{IndicatorList, Ratio};
use kernel::Scope;
use testkit::on_both;

use crate::house::{House, day, migrations};

const PACK: &str = r#"
[pack]
code = "t"
version = "1"
name = { zh = "t", en = "t" }

[[indicator]]
code = "study-sessions"
name = { zh = "场次", en = "Sessions" }
unit = { zh = "场", en = "sessions" }
definition = { zh = "场次", en = "sessions" }
measure = "count"
of = { where = { kind = "held" }, axis = "host" }
bands = [
  { from = 0, name = { zh = "偏少", en = "Few" }, tone = "bad" },
  { from = 1.5, name = { zh = "正常", en = "Usual" }, tone = "ok" },
]
benchmark = [{ name = { zh = "全省平均", en = "Mean of the province" }, value = 12.5, period = "2025年", source = { zh = "澜州省<b>统计处", en = "Statistics of the province" }, document = { zh = "《学习情况通报》", en = "Circular" } }]

[[indicator]]
code = "study-share"
name = { zh = "到会率", en = "Rate" }
unit = { zh = "%", en = "%" }
definition = { zh = "到会", en = "present" }
measure = "ratio"
part = "present"
whole = "all"
minimum = 8

[[indicator]]
code = "present"
name = { zh = "到会", en = "Present" }
unit = { zh = "人次", en = "times" }
definition = { zh = "到会", en = "present" }
measure = "count"
of = { where = { kind = "attendance", role = "present" } }

[[indicator]]
code = "all"
name = { zh = "应到", en = "All" }
unit = { zh = "人次", en = "times" }
definition = { zh = "应到", en = "all" }
measure = "count"
of = { where = { kind = "attendance" } }
"#;

fn read(text: &str) -> Result<IndicatorList, Vec<(usize, &'static str)>> {
    let packs = Packs::load(vec![("t.toml".into(), text.into())]).unwrap();
    let told =
        |p: Vec<commons::packs::PackProblem>| p.iter().map(|p| (p.line, p.reason.key)).collect();
    IndicatorList::read(&packs).map_err(told)
}

#[test]
fn bands_and_benchmarks_are_read_exactly_and_mistakes_have_their_line() {
    let list = read(PACK).unwrap();
    let i = list.get("study-sessions").unwrap();
    let band = |numerator, denominator| {
        let value = Ratio {
            numerator,
            denominator,
            decimals: 1,
        };
        i.band(Some(value)).map(|b| b.name.zh.as_str())
    };
    assert_eq!(band(-1, 10), None, "below the first there is none");
    assert_eq!(band(0, 1), Some("偏少"));
    assert_eq!(band(149, 100), Some("偏少"));
    assert_eq!(band(3, 2), Some("正常"), "a band holds where it begins");
    assert_eq!(i.band(None), None);
    assert_eq!(
        i.print_benchmarks("zh-CN"),
        "全省平均12.5场（2025年，澜州省<b>统计处《学习情况通报》）"
    );
    assert_eq!(
        i.print_benchmarks("en"),
        "Mean of the province: 12.5 sessions (2025, Statistics of the province, Circular)"
            .replace("2025,", "2025年,")
    );
    let wrong = |from: &str, to: &str| read(&PACK.replace(from, to)).unwrap_err();
    assert_eq!(wrong("from = 1.5", "from = 0.0"), [(16, "indicator-band")]);
    assert_eq!(wrong("from = 1.5", "from = nan"), [(16, "indicator-band")]);
    assert_eq!(
        wrong("zh = \"正常\"", "zh = \" \""),
        [(16, "indicator-band")]
    );
    assert_eq!(
        wrong("period = \"2025年\"", "period = \"\""),
        [(18, "indicator-benchmark")]
    );
    assert_eq!(
        wrong("zh = \"《学习情况通报》\"", "zh = \"\""),
        [(18, "indicator-benchmark")]
    );
    assert_eq!(
        wrong("value = 12.5", "value = inf"),
        [(18, "indicator-benchmark")]
    );
}

#[tokio::test]
async fn a_page_shows_band_benchmark_and_the_base_that_was_chosen() {
    on_both(&migrations(), |t| async move {
        let h = House::with(&t, read(PACK).unwrap()).await;
        h.session(
            &t,
            h.a,
            day(2026, 10, 16),
            90,
            &[(1, "present"), (2, "absent")],
        )
        .await;
        h.session(
            &t,
            h.a,
            day(2026, 11, 6),
            90,
            &[(1, "present"), (2, "present")],
        )
        .await;
        h.session(
            &t,
            h.a,
            day(2026, 11, 13),
            90,
            &[(1, "present"), (2, "present")],
        )
        .await;
        let app = h.app(&t, Scope::All);
        let path = "/indicators/study-sessions?from=2026-11-01&to=2026-11-20";
        let page = app.get(path, 200).await;
        assert!(page.contains("正常") && page.contains("本期所在"), "{page}");
        assert!(
            page.contains("全省平均")
                && page.contains("12.5场")
                && page.contains("澜州省&lt;b&gt;统计处"),
            "{page}"
        );
        assert!(page.contains("上年同期无数据"), "{page}");
        // Against the twenty days before: from one to two.
        let page = app.get(&format!("{path}&base=before"), 200).await;
        assert!(page.contains("环比") && page.contains("100.0%"), "{page}");
        let page = app.get(&format!("{path}&base=nonsense"), 200).await;
        assert!(page.contains("上年同期无数据"), "{page}");
        // The external figure is no figure of one's own.
        let figures = h
            .figures(
                h.top,
                kernel::Period {
                    from: day(2026, 11, 1),
                    to: day(2026, 11, 20),
                },
            )
            .await;
        assert_eq!(figures[0].value.unwrap().text(), "2");
        // Six cases are too few for a rate of eight at least; none at all are no data.
        let page = app
            .get("/indicators/study-share?from=2026-10-01&to=2026-11-20", 200)
            .await;
        assert!(page.contains("样本不足"), "{page}");
        let page = app
            .get("/indicators/study-share?from=2026-09-01&to=2026-09-20", 200)
            .await;
        assert!(!page.contains("样本不足") && page.contains("–"), "{page}");
        let page = app
            .get("/indicators?from=2026-10-01&to=2026-11-20", 200)
            .await;
        assert!(
            page.contains("样本不足") && !page.contains("样本不足%"),
            "{page}"
        );
    })
    .await;
}
