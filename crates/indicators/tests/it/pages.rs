//! The overview and a figure opened, over HTTP.

use kernel::Scope;
use testkit::{on_both, on_sqlite};

use crate::house::{House, day, migrations, so_far, texts};

#[tokio::test]
async fn every_template_renders_in_every_language() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(h.modules(), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn the_overview_shows_every_value_and_leads_to_its_rows() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        let app = h.app(&t, Scope::All);
        let page = app.get("/indicators", 200).await;
        for unit in [h.top, h.a, h.b] {
            for f in h.figures(unit, so_far()).await {
                let percent = if f.code == "study-coverage" { "%" } else { "" };
                let link = format!(
                    "<a href=\"/indicators/{}?unit={unit}&from=2026-01-01&to=2026-11-20&n={}&size=0\">{}{percent}</a>",
                    f.code,
                    f.rows,
                    f.value.unwrap().text()
                );
                assert!(page.contains(&link), "{link}: {page}");
            }
        }
        for text in ["澜州市司法局", "甲科", "乙科", "133.3%", "30.0 个百分点", "95%"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        let page = app.get(&format!("/indicators?unit={}", h.b), 200).await;
        assert!(page.contains("上年同期无数据"), "{page}");
        let month = app.get("/indicators?period=month&at=2026-04-09", 200).await;
        assert!(month.contains("2026-04-01 至 2026-04-30"), "{month}");
    })
    .await;
}

#[tokio::test]
async fn the_api_says_what_the_page_says() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        let app = h.app(&t, Scope::All);
        for unit in [h.top, h.a, h.b] {
            let body = app
                .get(&format!("/api/v1/indicators?unit={unit}"), 200)
                .await;
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["from"], "2026-01-01");
            assert_eq!(body["to"], "2026-11-20");
            let items = body["items"].as_array().unwrap();
            let values: Vec<_> = items.iter().map(|i| i["value"].as_str().unwrap()).collect();
            let figures = h.figures(unit, so_far()).await;
            assert_eq!(values, texts(&figures));
            let page = app.get(&format!("/indicators?unit={unit}"), 200).await;
            for (item, figure) in items.iter().zip(&figures) {
                assert_eq!(item["code"], figure.code.as_str());
                assert_eq!(item["rows"], figure.rows);
                assert_eq!(item["yoy"], serde_json::json!(figure.yoy));
                assert_eq!(item["exact"], serde_json::json!(figure.value));
                let value = item["value"].as_str().unwrap();
                assert!(page.contains(&format!(">{value}")), "{value}: {page}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn out_of_scope_does_not_exist() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        let app = h.app(&t, Scope::Under(vec![h.a]));
        let page = app.get("/indicators", 200).await;
        assert!(page.contains("甲科") && !page.contains("乙科"), "{page}");
        for unit in [h.b.to_string(), h.top.to_string()] {
            for path in [
                "/indicators",
                "/indicators/study-persons",
                "/indicators/study-persons/rows.csv",
                "/api/v1/indicators",
            ] {
                app.get(&format!("{path}?unit={unit}"), 404).await;
            }
        }
        // What was typed and is no unit is said.
        for unit in ["x", "%00"] {
            app.get(&format!("/indicators?unit={unit}"), 200).await;
            for path in ["/indicators/study-persons", "/api/v1/indicators"] {
                app.get(&format!("{path}?unit={unit}"), 422).await;
            }
        }
        app.get("/indicators/nothing", 404).await;
        app.get("/indicators/nothing/rows.csv", 404).await;
        h.app(&t, Scope::nothing()).get("/indicators", 404).await;
    })
    .await;
}

#[tokio::test]
async fn the_catalogue_lists_every_definition_and_is_searched() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(&t, Scope::All);
        let page = app.get("/indicators/catalogue", 200).await;
        let list = h.indicators.list();
        for i in list.iter() {
            let link = format!("href=\"/indicators/{}\">{}</a>", i.code, i.name.zh);
            assert!(page.contains(&link), "{link}: {page}");
        }
        let rows = |page: &str| page.matches("<td class=\"full\">").count();
        assert_eq!(rows(&page), list.iter().count());
        let one = list.get("study-coverage").unwrap();
        let found = app.get(
            "/indicators/catalogue?q=study-coverage&columns=code,target",
            200,
        );
        let found = found.await;
        assert_eq!(rows(&found), 1, "{found}");
        assert!(found.contains("95%") && !found.contains(&one.definition.zh));
        let covered = app.get("/indicators/catalogue?measure=coverage&sort=-name", 200);
        assert_eq!(rows(&covered.await), 1);
        let none = app
            .get("/indicators/catalogue?pack=nothing&page=9", 200)
            .await;
        assert_eq!(rows(&none), 0);
        let sheet = app
            .get("/indicators/catalogue.xlsx?measure=coverage", 200)
            .await;
        assert!(sheet.starts_with("PK"));
        let stranger = h.app(&t, Scope::nothing());
        stranger.get("/indicators/catalogue", 404).await;
    })
    .await;
}

#[tokio::test]
async fn nonsense_in_an_address_is_still_a_page() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        let app = h.app(&t, Scope::All);
        let nonsense = [
            "period=century&at=%00&from=2026-02-30&to=x",
            "from=2026-11-20&to=2026-01-01",
            "from=0001-01-01&to=9999-12-31",
            "from=9999-12-31&to=9999-12-31",
            "at=9999-12-31&period=half",
            "at=0001-01-01&period=month",
            "unit=&n=x&size=y&as_of=z&after=q",
            "n=99999999999999999999&size=-1&as_of=-9223372036854775808",
            "after=2026-11-06_x",
            "after=0001-01-01_00000000-0000-0000-0000-000000000000",
        ];
        for query in nonsense {
            app.get(&format!("/indicators?{query}"), 200).await;
            for i in h.indicators.list().iter() {
                app.get(&format!("/indicators/{}?{query}", i.code), 200)
                    .await;
            }
            let csv = format!("/indicators/study-hours/rows.csv?{query}");
            app.get(&csv, 200).await;
            app.get(&format!("/api/v1/indicators?{query}"), 200).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_opened_figure_names_what_came_since() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        h.ledger.settle().await.unwrap();
        let app = h.app(&t, Scope::All);
        let links = app
            .links("/indicators", "/indicators/study-attendances?")
            .await;
        let link = links
            .iter()
            .find(|l| l.contains(&h.top.to_string()))
            .unwrap();
        assert!(link.contains("&n=7&size="), "{link}");
        assert!(!app.get(link, 200).await.contains("您点开时是"));
        h.session(&t, h.b, day(2026, 11, 20), 45, &[(5, "present")])
            .await;
        let page = app.get(link, 200).await;
        for text in ["您点开时是 7 条", "现在是 8 条", "戊某"] {
            assert!(page.contains(text), "{text}: {page}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_unit_is_picked_by_typing_within_ones_scope() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(&t, Scope::Under(vec![h.a]));
        let offered = app
            .get("/indicators/unit-options?unit=%E7%A7%91", 200)
            .await;
        assert!(
            offered.contains("value=\"A\"") && !offered.contains("value=\"B\""),
            "{offered}"
        );
        let page = app.get("/indicators?unit=A", 200).await;
        assert!(
            page.contains("value=\"A\"") && !page.contains("没有编码为"),
            "{page}"
        );
        let page = app.get("/indicators?unit=B", 200).await;
        assert!(page.contains("没有编码为“B”的单位"), "{page}");
        app.get(&format!("/indicators?unit={}", h.b), 404).await;
    })
    .await;
}
