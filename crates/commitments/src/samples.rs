//! A sample of each template, for the test that renders all of them.

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
    let tag = json!({ "text": "未签", "tone": "warn", "icon": null });
    let crumbs = json!([{ "label": "承诺", "href": "/commitments" }]);
    let own = json!({ "href": "/commitments/letters/1", "title": "承诺书", "name": "甲某", "mine": true, "due": "2026-12-01", "tag": tag, "over": true });
    let other = with(
        &own,
        &[
            ("mine", json!(false)),
            ("over", json!(false)),
            ("name", json!(null)),
        ],
    );
    let head = json!({ "href": "/commitments/rounds/1", "title": "承诺书", "kind": "廉政承诺", "unit": "市司法局", "due": "2026-12-01", "issued": "2026-11-20",
        "named": 2, "signed": 1, "tag": tag, "late": true });
    let plain = with(&head, &[("unit", json!(null)), ("late", json!(false))]);
    let form = json!(Form::default().with("id", "1").with("replaces", "2"));
    let list = json!({ "own": [own, other], "rows": [head, plain], "reads": true, "may_issue": true, "pager": pager });
    let new = json!({ "kinds": [["integrity", "廉政承诺"]], "whom": [["all", "全体人员"]], "texts": [{ "name": "廉政承诺", "text": ["我承诺。"], "pairs": true, "years": 10 },
        { "name": "x", "text": [], "pairs": false, "years": 1 }], "most": 120, "crumbs": crumbs, "form": form });
    let row = json!({ "href": "/x", "name": "甲某", "unit": "法治科", "superior": "乙某", "signed": "2026-11-20 12:00", "countersigned": "2026-11-20 13:00", "tag": tag });
    let bare = json!({ "href": "/x", "name": null, "unit": null, "superior": null, "signed": null, "countersigned": null, "tag": tag });
    let round = json!({ "id": "1", "head": head, "rows": [row, bare], "shows": [{ "label": "全部", "href": "?", "current": true }], "percent": 50, "replaces": "/x", "may": true,
        "export": "/x", "pager": pager, "crumbs": crumbs, "form": form });
    let letter = json!({ "id": "1", "title": "承诺书", "kind": "廉政承诺", "text": ["我承诺。"], "name": "甲某", "superior": "乙某", "unit": "法治科", "due": "2026-12-01", "tag": tag,
        "open": true, "signed": "2026-11-20 12:00", "hash": "0f", "countersigned": "2026-11-20 13:00", "counter_hash": "0e", "may_sign": true,
        "fields": [{ "name": "v-post", "label": "职务", "required": true }], "years": 10, "may_counter": false, "paper": "/x", "crumbs": crumbs, "form": form });
    let counter = [
        ("may_sign", json!(false)),
        ("may_counter", json!(true)),
        ("countersigned", json!(null)),
        ("open", json!(false)),
    ];
    let nothing = [
        ("may_sign", json!(false)),
        ("signed", json!(null)),
        ("countersigned", json!(null)),
        ("superior", json!("")),
    ];
    vec![
        (
            "commitments/list.html",
            with(&list, &[("own", json!([])), ("rows", json!([]))]),
        ),
        (
            "commitments/list.html",
            with(
                &list,
                &[("reads", json!(false)), ("may_issue", json!(false))],
            ),
        ),
        ("commitments/list.html", list),
        (
            "commitments/form.html",
            with(&new, &[("form", json!(Form::default().with("id", "1")))]),
        ),
        ("commitments/form.html", new),
        (
            "commitments/round.html",
            with(
                &round,
                &[
                    ("rows", json!([])),
                    ("may", json!(false)),
                    ("replaces", json!(null)),
                    ("head", plain),
                ],
            ),
        ),
        ("commitments/round.html", round),
        ("commitments/letter.html", with(&letter, &counter)),
        ("commitments/letter.html", with(&letter, &nothing)),
        ("commitments/letter.html", letter),
    ]
}
