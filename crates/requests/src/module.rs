//! What this crate brings to the house.

use serde_json::{Value, json};
use web::table::Table;
use web::view::Pager;
use web::{Form, Lang, MenuEntry, MenuGroup, Module};

use crate::service::Requests;
use crate::{MESSAGES, api, list_page, pages, searching};

/// Pages, API and search.
pub fn module(requests: Requests) -> Module {
    Module {
        name: "requests",
        search: vec![std::sync::Arc::new(searching::Source(requests.clone()))],
        routes: pages::routes(requests.clone()).merge(api::routes(requests)),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 82,
            label_key: "requests-menu",
            href: "/requests",
            icon: "checklist",
            permission: None,
        }],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            ("requests/list.html", include_str!("../templates/list.html")),
            ("requests/form.html", include_str!("../templates/form.html")),
            ("requests/show.html", include_str!("../templates/show.html")),
        ],
        samples: samples(),
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}

fn samples() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "待接收", "tone": "warn", "icon": null });
    let row = json!({ "href": "/requests/1", "title": "报送整改情况", "whom": "法治科 · 甲某", "asker": "市司法局", "kind": "任务",
        "at": 1_763_000_000_000_000_i64, "tag": tag, "due": "2026-11-24", "late": true, "extended": true,
        "source": "党组会议" });
    let mut plain = row.clone();
    plain["late"] = json!(false);
    plain["extended"] = json!(false);
    plain["source"] = json!(null);
    let list = json!({ "rows": [row, plain], "tab": "todo", "tabs": [["todo", "待我办"], ["asked", "我提出的"]],
        "kinds": [["task", "任务"]], "kind": "task", "states": [["asked", "待接收"]], "state": null, "late": true,
        "chips": [], "clear": "/requests?tab=todo", "may_ask": true, "table": Table::sample_with(&list_page::COLUMNS),
        "pager": Pager::new(2, 20, 1, |n| format!("?page={n}")) });
    let mut none = list.clone();
    none["rows"] = json!([]);
    none["may_ask"] = json!(false);
    let mut asked = none.clone();
    asked["tab"] = json!("asked");
    let mut no_match = none.clone();
    no_match["chips"] = json!([{ "label": "x", "without": "/requests" }]);
    let form = json!({ "form": Form::default().with("id", "1").with("days", 5), "kinds": [["task", "任务"]],
        "from": [["S", "市司法局"]], "most": 2000, "title_most": 100, "crumbs": [], "many": true });
    let mut few = form.clone();
    few["many"] = json!(false);
    let event = json!({ "state": "ok", "who": "乙某", "text": "答复", "at": "2026-11-20 12:00", "quote": ["已办。"],
        "files": [{ "name": "情况.pdf", "sha256": "0f", "size": "1.0 KiB" }], "refs": [{ "title": "台账", "href": "/registers/x" }] });
    let clock = json!({ "state": "now", "who": null, "text": "提醒", "at": "2026-11-20 12:00", "quote": [], "files": [], "refs": [] });
    let show = json!({ "id": "1", "title": "报送整改情况", "detail": ["按要求报送。"], "tag": tag, "kind": "任务", "unit": "法治科",
        "person": "甲某", "from": "市司法局", "asked": "2026-11-20 12:00", "due": "2026-11-24", "extended": "2026-11-27",
        "wanted": "2026-12-01", "late": true, "source": { "title": "党组会议", "href": "/activities/1" },
        "events": [event, clock], "form": Form::default().with("seen", 1), "there": null,
        "waiting": [{ "value": "x|情况.pdf", "name": "情况.pdf" }], "most": 2000, "may_accept": true, "may_decline": true,
        "may_answer": true, "may_want": true, "may_give": true, "may_confirm": true, "may_send_back": true,
        "own_answer": true, "may_withdraw": true, "crumbs": [] });
    let mut there = show.clone();
    there["there"] = json!("/elsewhere");
    let mut ended = show.clone();
    for key in [
        "may_accept",
        "may_decline",
        "may_answer",
        "may_want",
        "may_give",
        "may_confirm",
        "may_send_back",
        "own_answer",
        "may_withdraw",
        "late",
    ] {
        ended[key] = json!(false);
    }
    for key in ["extended", "wanted", "source", "person", "unit", "from"] {
        ended[key] = json!(null);
    }
    vec![
        ("requests/list.html", list),
        ("requests/list.html", none),
        ("requests/list.html", asked),
        ("requests/list.html", no_match),
        ("requests/form.html", form),
        ("requests/form.html", few),
        ("requests/show.html", show),
        ("requests/show.html", there),
        ("requests/show.html", ended),
    ]
}
