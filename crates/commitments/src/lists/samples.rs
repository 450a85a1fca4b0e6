//! A sample of each template of lists and reports, for the test that renders all of them.

use serde_json::{Value, json};
use web::Form;
use web::view::Pager;

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
    let tag = json!({ "text": "已提交", "tone": "brand", "icon": null });
    let crumbs = json!([{ "label": "责任清单", "href": "/answering" }]);
    let form = json!(
        Form::default()
            .with("id", "1")
            .with("newest", "2")
            .with("items", "x")
    );
    let row = json!({ "href": "/x", "title": "主要负责人", "year": 2026, "unit": "法治科", "holder": "甲某", "due": "2026-12-20", "handed": "2026-12-18",
        "late": true, "tag": tag, "timeliness": "按时" });
    let bare = with(
        &row,
        &[
            ("unit", json!(null)),
            ("holder", json!(null)),
            ("handed", json!(null)),
            ("late", json!(false)),
            ("timeliness", json!(null)),
        ],
    );
    let list = json!({ "href": "/x", "title": "主要负责人", "unit": "法治科", "holder": "甲某", "used": 1, "newest": 2 });
    let fresh = json!({ "href": "/x", "title": "主要负责人", "unit": null, "holder": null, "used": null, "newest": 1 });
    let link = json!([{ "label": "全部", "href": "?", "current": true }, { "label": "未交", "href": "?", "current": false }]);
    let lists = json!({ "lists": [list, fresh], "rows": [row, bare], "shows": link, "year": 2026, "years": link, "may_issue": true, "reads": true,
        "export": "/x", "pager": pager });
    let nothing = with(
        &lists,
        &[
            ("lists", json!([])),
            ("rows", json!([])),
            ("may_issue", json!(false)),
            ("reads", json!(false)),
        ],
    );
    let new = json!({ "samples": [["a", "甲"]], "texts": [{ "name": "甲", "due": "12-20", "lines": ["[a] 一 | 二 | 三"] }], "most": 120, "crumbs": crumbs, "form": form });
    let item = json!({ "text": "从严治党", "basis": "工作规则", "expected": "每年研究两次", "figure": "次" });
    let plain = json!({ "text": "从严治党", "basis": "", "expected": "", "figure": null });
    let version = json!({ "n": 2, "items": [item, plain], "reason": "调整", "used": "2026-01-01", "current": true, "at": "2026-01-01 09:00", "may_use": true });
    let before = json!({ "n": 1, "items": [plain], "reason": "", "used": null, "current": false, "at": "2025-01-01 09:00", "may_use": false });
    let show = json!({ "id": "1", "title": "主要负责人", "unit": "法治科", "holder": "甲某", "used": 2, "versions": [version, before], "rows": [row, bare],
        "may": true, "crumbs": crumbs, "form": form });
    let unused = with(
        &show,
        &[
            ("used", json!(null)),
            ("may", json!(false)),
            ("rows", json!([])),
            ("unit", json!(null)),
            ("holder", json!(null)),
        ],
    );
    let written = json!({ "name": "t-a", "text": "从严治党", "basis": "工作规则", "expected": "每年研究两次", "figure": "本年 2 次", "said": ["研究两次。"] });
    let open = json!({ "name": "t-b", "text": "联系基层", "basis": "", "expected": "", "figure": null, "said": null });
    let report = json!({ "id": "1", "title": "主要负责人", "year": 2026, "unit": "法治科", "holder": "甲某", "due": "2026-12-20", "late": true,
        "handed": "2026-12-18", "tag": tag, "comment": "补充数据", "items": [written, open],
        "events": [{ "text": "提交", "who": "甲某", "reason": "", "at": "2026-12-18 09:00" }, { "text": "退回", "who": null, "reason": "补充", "at": "2026-12-18 09:00" }],
        "may_write": true, "may_judge": false, "most": 5000, "seen": 2, "list": "/x", "paper": "/x", "crumbs": crumbs, "form": form });
    let judged = with(
        &report,
        &[
            ("may_write", json!(false)),
            ("may_judge", json!(true)),
            ("late", json!(false)),
            ("comment", json!("")),
            ("handed", json!(null)),
            ("unit", json!(null)),
            ("holder", json!(null)),
            ("events", json!([])),
        ],
    );
    vec![
        ("commitments/lists.html", lists),
        ("commitments/lists.html", nothing),
        ("commitments/list_form.html", new),
        ("commitments/list_show.html", show),
        ("commitments/list_show.html", unused),
        ("commitments/self_report.html", report),
        ("commitments/self_report.html", judged),
    ]
}
