//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let pager =
        json!({ "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] });
    let row = json!({ "href": "/reports/x", "unit": "u", "title": "t", "level": "x", "template": "n", "period": "p", "created_at": "2026-11-21 09:00" });
    let list = |rows: Value, chips: Value| {
        json!({ "rows": rows, "may_write": true, "pager": pager, "chips": chips, "q": "", "template": null,
            "level": null, "levels": [["internal", "x"]], "drafts": 2, "only_drafts": true,
            "templates": [["t", "n"]], "table": web::table::Table::sample_with(&crate::pages::COLUMNS) })
    };
    let crumbs = json!([{ "label": "x", "href": "/" }]);
    let form = json!({ "values": { "id": "", "template": "t", "unit": "u", "period": "year", "at": "2026-11-21", "level": "internal" }, "errors": { "at": "x" }, "list": [{ "field": "at", "text": "x" }] });
    let show = |changed: Value| {
        json!({
            "draft": true, "doubts": ["x"], "again": "/x", "xlsx": "/x",
            "paper": { "version": 2, "lines": [["x", "y"]] },
            "form": form, "id": "x", "may_level": true, "level": "x", "level_code": "internal", "levels": [["internal", "x"]], "mark": "x",
            "title": "t", "unit": "u", "period": "p", "as_of": 10, "created_at": "2026-11-21 09:00", "created_on": "2026-11-21",
            "paragraphs": [[{ "text": "x", "href": null }, { "text": "12", "href": "/indicators/x" }]],
            "rows": [{ "name": "n", "value": "1", "href": "/indicators/x", "yoy": "x", "definition": "d" }], "changed": changed, "docx": "/x", "crumbs": crumbs,
        })
    };
    let paper_form =
        json!({ "values": { "version": "0", "organ": "x" }, "errors": {}, "list": [] });
    vec![
        ("reports/list.html", list(json!([row]), json!([]))),
        ("reports/list.html", list(json!([]), json!([]))),
        (
            "reports/list.html",
            list(json!([]), json!([{ "label": "x", "without": "/reports" }])),
        ),
        (
            "reports/form.html",
            json!({ "form": form, "doubts": ["x"], "templates": [["t", "n"]], "kinds": [["year", "x"]], "levels": [["internal", "x"]], "crumbs": crumbs }),
        ),
        (
            "reports/paper.html",
            json!({ "form": paper_form, "id": "x", "title": "t", "urgencies": [["", "x"]], "level": "x", "crumbs": crumbs,
                "versions": [{ "version": 1, "number": "x", "addressees": "x", "at": "2026-11-21 09:00" }] }),
        ),
        ("reports/show.html", {
            let mut plain = show(json!([]));
            (plain["draft"], plain["paper"], plain["again"]) =
                (json!(false), json!(null), json!(null));
            plain
        }),
        ("reports/show.html", show(json!(["x"]))),
    ]
}
