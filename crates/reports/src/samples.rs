//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let pager =
        json!({ "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] });
    let row = json!({ "href": "/reports/x", "unit": "u", "title": "t", "level": "x", "template": "n", "period": "p", "created_at": "2026-11-21 09:00" });
    let list = |rows: Value, chips: Value| {
        json!({ "rows": rows, "may_write": true, "pager": pager, "chips": chips, "q": "", "template": null,
            "level": null, "levels": [["internal", "x"]],
            "templates": [["t", "n"]], "table": web::table::Table::sample_with(&crate::pages::COLUMNS) })
    };
    let crumbs = json!([{ "label": "x", "href": "/" }]);
    let form = json!({ "values": { "id": "", "template": "t", "unit": "u", "period": "year", "at": "2026-11-21", "level": "internal" }, "errors": { "at": "x" }, "list": [{ "field": "at", "text": "x" }] });
    let show = |changed: Value| {
        json!({
            "form": form, "id": "x", "may_level": true, "level": "x", "level_code": "internal", "levels": [["internal", "x"]], "mark": "x",
            "title": "t", "unit": "u", "period": "p", "as_of": 10, "created_at": "2026-11-21 09:00", "created_on": "2026-11-21",
            "paragraphs": [[{ "text": "x", "href": null }, { "text": "12", "href": "/indicators/x" }]],
            "rows": [{ "name": "n", "value": "1", "href": "/indicators/x", "yoy": "x", "definition": "d" }], "changed": changed, "docx": "/x", "crumbs": crumbs,
        })
    };
    vec![
        ("reports/list.html", list(json!([row]), json!([]))),
        ("reports/list.html", list(json!([]), json!([]))),
        (
            "reports/list.html",
            list(json!([]), json!([{ "label": "x", "without": "/reports" }])),
        ),
        (
            "reports/form.html",
            json!({ "form": form, "templates": [["t", "n"]], "kinds": [["year", "x"]], "levels": [["internal", "x"]], "crumbs": crumbs }),
        ),
        ("reports/show.html", show(json!([]))),
        ("reports/show.html", show(json!(["x"]))),
    ]
}
