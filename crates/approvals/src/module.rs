//! What this crate brings to the house.

use serde_json::{Value, json};
use web::table::Table;
use web::view::Pager;
use web::{Form, Lang, MenuEntry, MenuGroup, Module};

use crate::service::Approvals;
use crate::{MESSAGES, api, lists, pages};

/// Pages and API.
pub fn module(approvals: Approvals) -> Module {
    Module {
        name: "approvals",
        routes: pages::routes(approvals.clone()).merge(api::routes(approvals)),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 80,
            label_key: "approvals-menu",
            href: "/approvals",
            icon: "clipboard-check",
            permission: None,
        }],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            (
                "approvals/list.html",
                include_str!("../templates/list.html"),
            ),
            (
                "approvals/show.html",
                include_str!("../templates/show.html"),
            ),
            (
                "approvals/batch.html",
                include_str!("../templates/batch.html"),
            ),
        ],
        samples: samples(),
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}

fn samples() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "审批中", "tone": "brand", "icon": null });
    let row = json!({ "href": "/approvals/1", "pick": "1:1:0", "about": "甲某", "kind": "人员信息变更", "unit": "法治科",
        "applicant": "乙某", "at": 1_763_000_000_000_000_i64, "step": "单位领导", "due": "2026-11-24", "late": true,
        "tag": tag });
    let mut signed = row.clone();
    signed["pick"] = json!(null);
    signed["due"] = json!(null);
    signed["late"] = json!(false);
    signed["step"] = json!(null);
    let list = json!({ "rows": [row, signed], "tab": "waiting", "tabs": [["waiting", "待我审批"], ["mine", "我发起的"]],
        "kinds": [["word", "词"]], "kind": "", "states": [["open", "审批中"]], "state": null, "chips": [],
        "table": Table::sample_with(&lists::COLUMNS),
        "clear": "/approvals?tab=waiting", "may_batch": true, "asks": [["人员信息变更", "/organization/me"]], "pager": Pager::new(1, 20, 1, |n| format!("?page={n}")) });
    let mut none = list.clone();
    none["rows"] = json!([]);
    none["may_batch"] = json!(false);
    none["asks"] = json!([]);
    let mut no_match = none.clone();
    no_match["chips"] = json!([{ "label": "x", "without": "/approvals" }]);
    let mut mine = none.clone();
    mine["tab"] = json!("mine");
    let event = json!({ "state": "ok", "who": "乙某", "text": "提交", "at": 1_763_000_000_000_000_i64,
        "quote": "拟任", "signed": null });
    let mut sign = event.clone();
    sign["quote"] = json!(null);
    sign["signed"] = json!("0f0f");
    let now = json!({ "name": "单位领导", "people": [{ "name": "丙某", "state": "open", "note": "待办" }], "since": "已停留 2 小时",
        "due": "2026-11-24", "late": true });
    let show = json!({
        "id": "1", "kind": "人员信息变更", "about": "甲某", "href": "/organization/people/1", "unit": "法治科",
        "applicant": "乙某", "sent": 1_763_000_000_000_000_i64, "round": 2, "seen": [2, 0], "tag": tag, "lines":
        [{ "label": "姓名", "before": "甲某", "after": "丁某" }, { "label": "职务", "before": "", "after": "" }],
        "intact": true, "erased": false, "hash": "0f0f", "events": [event, sign], "now": now, "later": ["主管部门"], "turn": true, "acting_for":
        "戊某", "delegate": true, "signature": true, "mine": true, "open": true, "mend": null, "form": Form::default(),
        "crumbs": [], "problem": null,
    });
    let mut ended = show.clone();
    ended["now"] = json!(null);
    ended["later"] = json!([]);
    ended["turn"] = json!(false);
    ended["acting_for"] = json!(null);
    ended["open"] = json!(false);
    ended["mine"] = json!(false);
    ended["href"] = json!(null);
    ended["intact"] = json!(false);
    ended["lines"] = json!([]);
    let mut erased = ended.clone();
    erased["erased"] = json!(true);
    erased["about"] = json!("***");
    let mut returned = ended.clone();
    returned["mine"] = json!(true);
    returned["mend"] = json!("/organization/people/1?mend=1");
    returned["problem"] = json!("与已有任职重叠。");
    let batch = json!({ "rows": [{ "href": "/approvals/1", "about": "甲某", "ok": true, "text": "已同意" },
        { "href": "/approvals/2", "about": "乙某", "ok": false, "text": "已有人办理" }], "done": 1, "failed": 1,
        "crumbs": [] });
    let mut nothing = batch.clone();
    nothing["rows"] = json!([]);
    vec![
        ("approvals/list.html", list),
        ("approvals/list.html", none),
        ("approvals/list.html", no_match),
        ("approvals/list.html", mine),
        ("approvals/show.html", show),
        ("approvals/show.html", ended),
        ("approvals/show.html", erased),
        ("approvals/show.html", returned),
        ("approvals/batch.html", batch),
        ("approvals/batch.html", nothing),
    ]
}
