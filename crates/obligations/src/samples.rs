//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "x", "tone": "ok", "icon": null });
    let squares = json!([{ "state": "done", "label": "x", "month": 1 }, { "state": "overdue", "label": "x", "month": 1 }]);
    let legend = json!([["done", "x"], ["overdue", "y"]]);
    let kpi = json!({ "label": "x", "value": "1", "unit": "x", "href": null, "definition": null, "as_of": null, "target": null, "delta": null, "trend": [], "declared": false });
    let overview = |rows: Value| {
        json!({
            "rule": { "code": "r", "name": "n", "document": "d", "article": "a" }, "rules": [["r", "n"]], "year": 2026,
            "previous": "/obligations?year=2025", "next": null, "calendar_known": false, "kpis": [kpi], "rows": rows, "legend": legend,
            "pager": { "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] },
        })
    };
    vec![
        (
            "obligations/overview.html",
            json!({ "rule": null, "computing": true }),
        ),
        (
            "obligations/overview.html",
            json!({ "rule": null, "computing": false }),
        ),
        ("obligations/overview.html", overview(json!([]))),
        (
            "obligations/overview.html",
            overview(
                json!([{ "href": "/x", "name": "n", "done": 1, "due": 2, "now": tag, "squares": squares, "rate": 50.0, "summary": "x" }]),
            ),
        ),
        (
            "obligations/unit.html",
            json!({
                "unit": "u", "rule": "r", "document": "d", "article": "a", "year": 2026, "computing": false, "done": 1, "due": 2, "squares": squares, "summary": "x", "legend": legend, "may_record": true,
                "crumbs": [{ "label": "x", "href": "/" }],
                "weeks": [{ "from": "2026-01-05", "to": "2026-01-11", "due": "2026-01-09", "done": null, "tag": tag, "state": "overdue", "rows": null, "record": "/activities/new" },
                          { "from": "2026-01-05", "to": "2026-01-11", "due": null, "done": "2026-01-09", "tag": tag, "state": "done", "rows": "/activities", "record": null }],
            }),
        ),
        (
            "obligations/unit.html",
            json!({ "unit": "u", "rule": "r", "crumbs": [], "year": 2026, "computing": true }),
        ),
    ]
}
