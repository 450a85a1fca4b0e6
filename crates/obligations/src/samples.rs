//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "x", "tone": "ok", "icon": null });
    let squares = json!([{ "state": "done", "label": "x", "month": 1 }, { "state": "overdue", "label": "x", "month": 1 }]);
    let legend = json!([["done", "x"], ["overdue", "y"]]);
    let kpi = json!({ "label": "x", "value": "1", "unit": "x", "href": null, "definition": null, "as_of": null, "target": null, "delta": null, "trend": [], "declared": false });
    let states = json!({ "list": legend, "chosen": "done" });
    let overview = |rows: Value| {
        json!({
            "rule": { "code": "r", "name": "n", "document": "d", "article": "a", "url": null }, "people": true, "sets": [{ "name": "x", "rules": [{ "href": "/x", "name": "a", "here": true }, { "href": "/y", "name": "b", "here": false }] }], "rules": [["r", "n"]], "year": 2026,
            "previous": "/obligations?year=2025", "next": null, "states": states, "starts": "2027-01-01", "calendar_known": false, "kpis": [kpi], "table": web::table::Table::sample_with(&crate::pages::UNITS), "rows": rows, "legend": legend,
            "pager": { "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] },
        })
    };
    let rule = json!({ "code": "r", "name": "n", "document": "d", "article": "a", "url": "https://example.org" });
    let person = json!({ "href": "/x", "name": "n", "done": 1, "due": 2, "now": [tag], "squares": squares, "summary": "x" });
    let subjects = |rows: Value| {
        json!({
            "unit": "u", "rule": rule, "year": 2026, "computing": false, "draws": "/x", "table": web::table::Table::sample_with(&crate::pages::SUBJECTS), "rows": rows, "action": "/x", "states": states, "legend": legend, "done": 1, "due": 2,
            "pager": { "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] },
            "crumbs": [{ "label": "x", "href": "/" }],
        })
    };
    let own = json!({ "name": "n", "document": "d", "article": "a", "done": 1, "due": 2, "squares": squares, "next": "2026-12-31", "progress": "1 / 2", "now": tag, "ask": "/x", "summary": "x" });
    let idle = json!({ "name": "n", "document": "d", "article": "a", "done": 1, "due": 1, "squares": squares, "next": null, "progress": null, "now": null, "ask": null, "summary": "x" });
    let mine = |rows: Value, nobody: bool| json!({ "year": 2026, "previous": "/obligations/mine?year=2025", "next": "/obligations/mine?year=2027", "rows": rows, "legend": legend, "nobody": nobody });
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
                json!([{ "href": "/x", "name": "n", "done": 1, "due": 2, "now": [tag], "squares": squares, "rate": 50.0, "summary": "x" }]),
            ),
        ),
        (
            "obligations/unit.html",
            json!({
                "unit": "u", "rule": "r", "document": "d", "article": "a", "year": 2026, "computing": false, "done": 1, "due": 2, "squares": squares, "summary": "x", "legend": legend, "may_record": true,
                "crumbs": [{ "label": "x", "href": "/" }], "rule_href": "/obligations/r", "excuses": "/x", "draws": "/x",
                "weeks": [{ "from": "2026-01-05", "to": "2026-01-11", "due": "2026-01-09", "done": null, "tag": tag, "progress": "1 / 2", "state": "overdue", "rows": null, "record": "/activities/new", "ask": "/x", "extended": "2026-01-15" },
                          { "from": "2026-01-05", "to": "2026-01-11", "due": null, "done": "2026-01-09", "tag": tag, "progress": null, "state": "done", "rows": "/activities", "record": null, "ask": null, "extended": null }],
            }),
        ),
        (
            "obligations/unit.html",
            json!({ "unit": "u", "rule": "r", "rule_href": "/obligations/r", "crumbs": [], "year": 2026, "computing": true }),
        ),
        ("obligations/subjects.html", subjects(json!([person]))),
        ("obligations/subjects.html", subjects(json!([]))),
        (
            "obligations/subjects.html",
            json!({ "unit": "u", "rule": rule, "year": 2026, "crumbs": [], "computing": true }),
        ),
        (
            "obligations/rule.html",
            json!({
                "rule": rule, "categories": ["x", "y"], "subject": "s", "joiners": "j", "timers": ["x", "y"], "crumbs": [],
                "versions": [{ "from": "2026-01-01", "to": null, "current": true, "rules": ["x", "y"] },
                             { "from": "2025-01-01", "to": "2025-12-31", "current": false, "rules": ["x"] }],
            }),
        ),
        ("obligations/mine.html", mine(json!([own, idle]), false)),
        ("obligations/mine.html", mine(json!([]), false)),
        ("obligations/mine.html", mine(json!([]), true)),
    ]
}
