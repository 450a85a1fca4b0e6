//! A sample of each template, for the test that renders all of them.

use serde_json::{Value, json};
use web::Form;
use web::view::Pager;

use crate::list_page::COLUMNS;

fn with(base: &Value, changes: &[(&str, Value)]) -> Value {
    let mut value = base.clone();
    for (key, change) in changes {
        value[*key] = change.clone();
    }
    value
}

/// Every one.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let pager = json!(Pager::new(2, 20, 1, |n| format!("?page={n}")));
    let tag = json!({ "text": "待签收", "tone": "brand", "icon": null });
    let crumbs = json!([{ "label": "请示报告", "href": "/matters" }]);
    let table = web::table::Table::sample_with(&COLUMNS);
    let row = json!({ "href": "/matters/1", "title": "关于设立工作专班的请示", "number": "请示〔2026〕1号", "kind": "重大事项请示", "unit": "法治科",
        "person": "甲某", "to": "市司法局", "sent": "2026-11-20", "late": true, "due": "2026-11-27", "overdue": true, "sealed": true, "tag": tag });
    let bare = json!({ "href": "/matters/2", "title": "报告", "number": null, "kind": "x", "unit": null, "person": null, "to": null, "sent": null,
        "late": false, "due": null, "overdue": false, "sealed": false, "tag": tag });
    let list = json!({ "rows": [row, bare], "q": "", "kinds": [["a", "甲"]], "kind": "a", "states": [["draft", "起草"]], "state": "draft",
        "years": [2026], "year": 2026, "unit": ["LZ", "市司法局"], "chips": [{ "label": "甲", "without": "?" }], "clear": "/matters", "show": "mine",
        "shows": [{ "label": "全部", "href": "?", "current": true }], "may_write": true, "table": table, "pager": pager });
    let nothing = with(
        &list,
        &[
            ("rows", json!([])),
            ("chips", json!([])),
            ("show", json!("")),
            ("unit", json!(null)),
        ],
    );
    let about = json!({ "note": "一事一报", "basis": "工作规则", "asks": true, "sealed": true, "send": { "field": "外出日期", "by": "前 3 个工作日" }, "after": "销假" });
    let field = |kind: &str, said: Value| json!({ "name": format!("v-{kind}"), "label": "字段", "required": true, "options": [["", ""]], "said": said, "kind": kind });
    let form = json!(Form::default().with("id", "1").with("seen", "3"));
    let new = json!({ "id": null, "kind": "a", "kind_name": "甲", "kinds": [["a", "甲"], ["b", "乙"]], "about": about,
        "fields": [field("text", json!(null)), field("person", json!("乙某")), field("person", json!(null))], "personal": true, "received": true,
        "receivers": [["1", "市司法局"]], "may_name": true, "levels": [["internal", "内部"]], "text_needed": true,
        "kept": [{ "sha256": "0f", "name": "方案.docx" }], "waiting": [{ "value": "x|y", "name": "y" }], "title_most": 120, "most": 20000,
        "short": 500, "crumbs": crumbs, "form": form });
    let unit = with(
        &new,
        &[
            ("personal", json!(false)),
            (
                "about",
                json!({ "note": null, "basis": null, "asks": false, "sealed": false, "send": null, "after": null }),
            ),
        ],
    );
    let said = json!({ "text": ["同意。"], "document": "批〔2026〕1号", "files": [{ "name": "批复.pdf", "href": "/x" }] });
    let none = json!({ "text": [], "document": "", "files": [] });
    let show = json!({ "id": "1", "title": "关于设立工作专班的请示", "number": "请示〔2026〕1号", "kind": "重大事项请示", "asks": true, "tag": tag,
        "unit": "法治科", "to": "市司法局", "person": "甲某", "author": "甲某", "level": "内部", "mark": "内部", "sealed": true, "basis": "工作规则",
        "text": ["请批示。"], "fields": [{ "label": "去往何处", "text": ["外市", "县"] }], "files": [{ "name": "方案.docx", "href": "/x" }],
        "steps": [{ "label": "起草", "state": "done", "note": "" }], "sent": "2026-11-20", "late": true, "send_by": "2026-11-18",
        "approval": "/approvals/1", "returned": true, "on_route": false, "outcomes": [["agreed", "同意"]], "most": 20000, "short": 500, "crumbs": crumbs, "form": form });
    let event = |who: Value, reason: &str| json!({ "text": "送出", "who": who, "reason": reason, "at": "2026-11-20 12:00" });
    let yes = || json!(true);
    let show = with(
        &show,
        &[
            ("received", json!("2026-11-21")),
            ("received_by", json!("乙某")),
            ("reply_due", json!("2026-11-27")),
            ("overdue", yes()),
            ("outcome", json!("同意")),
            ("reply", said.clone()),
            ("replied", json!("2026-11-22")),
            ("replied_by", json!("乙某")),
            ("after_name", json!("销假")),
            ("after_due", json!("2026-12-01")),
            ("after_on", json!("2026-12-01")),
            ("after_late", yes()),
            ("after", said),
            (
                "events",
                json!([event(json!("甲某"), "缺附件"), event(json!(null), "")]),
            ),
            ("open", yes()),
            ("send_late", yes()),
            ("may_receive", yes()),
            ("may_answer", yes()),
            ("may_send_back", yes()),
            ("may_after", yes()),
            ("may_withdraw", yes()),
            ("reply_paper", yes()),
            ("waiting", json!([{ "value": "x|y", "name": "y" }])),
        ],
    );
    let no = json!(false);
    let nil = json!(null);
    let plain = with(
        &show,
        &[
            ("number", nil.clone()),
            ("person", nil.clone()),
            ("to", nil.clone()),
            ("mark", nil.clone()),
            ("basis", nil.clone()),
            ("sent", nil.clone()),
            ("received", nil.clone()),
            ("reply_due", nil.clone()),
            ("outcome", nil.clone()),
            ("after_due", nil.clone()),
            ("after_on", nil.clone()),
            ("after_late", no.clone()),
            ("returned", no.clone()),
            ("open", no.clone()),
            ("may_receive", no.clone()),
            ("may_answer", no.clone()),
            ("may_send_back", no.clone()),
            ("may_after", no.clone()),
            ("may_withdraw", no.clone()),
            ("sealed", no),
            ("reply", none.clone()),
            ("after", none),
            ("author", nil),
            ("asks", json!(false)),
            ("waiting", json!([])),
        ],
    );
    let tells = with(
        &plain,
        &[
            ("may_receive", json!(true)),
            ("send_by", json!(null)),
            ("approval", json!(null)),
            ("on_route", json!(true)),
        ],
    );
    vec![
        ("matters/list.html", list),
        ("matters/list.html", nothing),
        ("matters/form.html", with(&unit, &[("id", json!("1"))])),
        ("matters/form.html", unit),
        ("matters/form.html", new),
        ("matters/show.html", plain),
        ("matters/show.html", tells),
        ("matters/show.html", show),
    ]
}
