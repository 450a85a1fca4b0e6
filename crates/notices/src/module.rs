//! What this crate brings to the house.

use std::sync::Arc;

use serde_json::{Value, json};
use web::table::Table;
use web::view::Pager;
use web::{Form, Lang, MenuEntry, MenuGroup, Module};

use crate::calendar::CalendarSource;
use crate::service::Notices;
use crate::{MESSAGES, api, pages};

/// Pages and API; the feeds ask every source.
pub fn module(notices: Notices, sources: Vec<Arc<dyn CalendarSource>>) -> Module {
    Module {
        name: "notices",
        routes: pages::routes(notices.clone(), sources).merge(api::routes(notices)),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 90,
            label_key: "notices-menu",
            href: "/notices",
            icon: "bell",
            permission: None,
        }],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            ("notices/list.html", include_str!("../templates/list.html")),
            (
                "notices/count.html",
                include_str!("../templates/count.html"),
            ),
            (
                "notices/settings.html",
                include_str!("../templates/settings.html"),
            ),
        ],
        samples: samples(),
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}

fn samples() -> Vec<(&'static str, Value)> {
    let row = json!({ "href": "/notices/1", "text": "有一项审批等您办理", "at": 1_763_000_000_000_000_i64, "read": false });
    let mut read = row.clone();
    read["read"] = json!(true);
    let list = json!({ "rows": [row, read], "unread": 1, "only_unread": false, "chips": [], "ways": ["/notices", "/notices?unread=1"],
        "table": Table::sample_with(&pages::COLUMNS), "pager": Pager::new(2, 50, 1, |n| format!("?page={n}")) });
    let mut none = list.clone();
    none["rows"] = json!([]);
    none["unread"] = json!(0);
    let mut no_match = none.clone();
    no_match["only_unread"] = json!(true);
    no_match["chips"] = json!([{ "label": "x", "without": "/notices" }]);
    let settings = json!({ "form": Form::default(), "mail": true, "address": "a***@example.test", "person": true,
        "feed": null, "made": 1_763_000_000_000_000_i64, "keep_days": 180 });
    let mut made = settings.clone();
    made["feed"] = json!("https://suneng.example/calendar/00.ics");
    let mut bare = settings.clone();
    bare["mail"] = json!(false);
    bare["address"] = json!(null);
    bare["person"] = json!(false);
    bare["made"] = json!(null);
    let mut no_address = settings.clone();
    no_address["address"] = json!(null);
    no_address["made"] = json!(null);
    vec![
        ("notices/list.html", list),
        ("notices/list.html", none),
        ("notices/list.html", no_match),
        ("notices/count.html", json!({ "unread": 3 })),
        ("notices/count.html", json!({ "unread": 0 })),
        ("notices/settings.html", settings),
        ("notices/settings.html", made),
        ("notices/settings.html", bare),
        ("notices/settings.html", no_address),
    ]
}
