//! Lists of bodies, audiences, pairings and people: filtered, ordered, paged, exported.

use axum::http::StatusCode;
use kernel::{AccountId, Id, Scope};
use organization::{Audience, Body, By, MIGRATIONS, NewTie, Rule};
use testkit::on_both;

use crate::pages::{App, attributes, house, kinds};
use crate::{add, day};

/// The given texts in the order in which a page shows them.
fn order<'p>(page: &str, of: &[&'p str]) -> Vec<&'p str> {
    let shown = page.split("<tbody>").nth(1).unwrap_or_default();
    let place = |text: &&'p str| Some((shown.find(*text)?, *text));
    let mut found: Vec<(usize, &str)> = of.iter().filter_map(place).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, text)| text).collect()
}

#[tokio::test]
async fn bodies_are_filtered_ordered_and_paged() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [_, b, c, d]) = house(&t).await;
        let kinds = kinds();
        let keep = async |kind: &str, name: &str, unit, to| {
            let body = Body {
                id: t.env.new_id(),
                kind: kind.to_owned(),
                name: name.to_owned(),
                unit,
                charter: String::new(),
                from: day(1, 1),
                to,
            };
            let kept = app.org.keep_body(&kinds, &body, By::default(), &Scope::All);
            kept.await.unwrap();
        };
        keep("party-branch", "B支部", b, None).await;
        keep("task-force", "A专班", c, Some(day(2, 1))).await;
        keep("task-force", "C专班", d, None).await;
        let all = ["A专班", "B支部", "C专班"];
        for (query, wanted) in [
            ("", &["B支部", "A专班", "C专班"][..]),
            ("?sort=name", &["A专班", "B支部", "C专班"]),
            ("?sort=-name", &["C专班", "B支部", "A专班"]),
            ("?kind=task-force", &["A专班", "C专班"]),
            ("?kind=no-such-kind&sort=name", &["A专班", "B支部", "C专班"]),
            ("?state=over", &["A专班"]),
            ("?state=standing", &["B支部", "C专班"]),
            ("?q=a%E4%B8%93", &["A专班"]),
            ("?q=%25", &[]),
            ("?page=7&sort=name", &["A专班", "B支部", "C专班"]),
        ] {
            let (status, page) = app.get(&format!("/bodies{query}")).await;
            assert_eq!(status, StatusCode::OK, "{query}");
            assert_eq!(order(&page, &all), wanted, "{query}");
        }
        for n in 0..60 {
            keep("party-branch", &format!("第{n:02}支部"), b, None).await;
        }
        let (_, page) = app.get("/bodies?sort=name").await;
        assert!(
            page.contains("共 63 项") && !page.contains("第59支部"),
            "{page}"
        );
        let (_, page) = app.get("/bodies?sort=name&page=2").await;
        assert!(
            page.contains("第59支部") && !page.contains("第01支部"),
            "{page}"
        );
        assert!(
            !app.file("/bodies/list.xlsx?kind=task-force")
                .await
                .is_empty()
        );
        let theirs = App::new(&t, Scope::Under(vec![d]));
        let (_, page) = theirs.get("/bodies").await;
        assert_eq!(order(&page, &all), ["C专班"]);
    })
    .await;
}

#[tokio::test]
async fn audiences_pairings_and_people_are_lists_too() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, _, d]) = house(&t).await;
        let (attributes, kinds) = (attributes(), kinds());
        let clerk = Some(t.env.new_id::<AccountId>());
        for (name, unit) in [("乙类", b), ("甲类", d)] {
            let audience = Audience {
                id: t.env.new_id::<Id>(),
                name: name.to_owned(),
                unit,
                rule: Rule::default(),
            };
            let kept = app
                .org
                .keep_audience(&attributes, &audience, clerk, &Scope::All);
            kept.await.unwrap();
        }
        let names = ["乙类", "甲类"];
        let (_, page) = app.get("/audiences?sort=-name").await;
        assert_eq!(order(&page, &names), ["甲类", "乙类"]);
        let (_, page) = app.get("/audiences?q=%E4%B9%99").await;
        assert_eq!(order(&page, &names), ["乙类"]);
        assert!(!app.file("/audiences/list.xlsx").await.is_empty());

        let tie = async |kind: &str, who: &str, end: &str, from| {
            let new = NewTie {
                kind: kind.to_owned(),
                staff_no: who.to_owned(),
                end: end.to_owned(),
                to: None,
                basis: String::new(),
            };
            let made = app.org.tie(&kinds, &new, from, By::default(), &Scope::All);
            made.await.unwrap();
        };
        tie("contact-point", "001", "c", day(2, 1)).await;
        tie("contact-point", "003", "b", day(3, 1)).await;
        let people = ["甲某", "丙某"];
        let (_, page) = app.get("/pairings?sort=from").await;
        assert_eq!(order(&page, &people), ["甲某", "丙某"]);
        let (_, page) = app.get("/pairings?sort=-from").await;
        assert_eq!(order(&page, &people), ["丙某", "甲某"]);
        let (_, page) = app.get("/pairings?q=003").await;
        assert_eq!(order(&page, &people), ["丙某"]);

        let list = async |query: &str| {
            let (status, page) = app.get(&format!("/organization?unit={a}&{query}")).await;
            assert_eq!(status, StatusCode::OK, "{query}");
            page
        };
        assert_eq!(
            order(&list("sort=staff_no").await, &people),
            ["甲某", "丙某"]
        );
        assert_eq!(
            order(&list("sort=-staff_no").await, &people),
            ["丙某", "甲某"]
        );
        assert_eq!(order(&list("q=003&sort=name").await, &people), ["丙某"]);
        let page = list("columns=staff_no&q=00").await;
        assert!(!page.contains("data-label=\"职务\"") && page.contains("class=\"chip\""));
        let sheet = format!("/organization/roster.xlsx?unit={a}&sort=-staff_no");
        assert!(!app.file(&sheet).await.is_empty());

        // The drawer asks for a part, whoever follows the link for the page.
        let page = list("").await;
        let path = page.split("class=\"look\" href=\"").nth(1).unwrap();
        let path = path.split('"').next().unwrap();
        let part = app.part(path).await;
        assert!(
            !part.contains("<html") && part.contains("class=\"facts\""),
            "{part}"
        );
        assert!(app.get(path).await.1.contains("<html"));
    })
    .await;
}

#[tokio::test]
async fn a_tree_of_many_units_folds_where_nobody_asked() {
    on_both(MIGRATIONS, |t| async move {
        let (app, [a, b, ..]) = house(&t).await;
        for n in 0..40 {
            add(&app.org, Some(a), &format!("n{n:02}")).await;
        }
        let nodes = async |query: &str| {
            let (status, page) = app.get(&format!("/organization{query}")).await;
            assert_eq!(status, StatusCode::OK);
            let tree = page.split("treelist").nth(1).unwrap();
            let tree = tree.split("</ul>").next().unwrap();
            (tree.matches("<li ").count(), tree.contains("还有"))
        };
        assert_eq!(
            nodes("").await,
            (2, true),
            "the top, and how many there are"
        );
        let (all, cut) = nodes(&format!("?unit={a}")).await;
        assert!(all > 40 && !cut);
        let (few, cut) = nodes(&format!("?unit={b}")).await;
        assert!((3..10).contains(&few) && cut, "{few}");
    })
    .await;
}
