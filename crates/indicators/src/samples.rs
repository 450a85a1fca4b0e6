//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};
use web::table::Table;
use web::view::Pager;

use crate::catalogue;

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let kpi = |value: Value| {
        json!({ "label": "x", "value": value, "unit": "x", "href": "/indicators/x", "definition": "d", "as_of": "2026-11-21 09:00", "target": "95%",
        "delta": { "label": "x", "text": "3.2%", "direction": 1, "good": true }, "trend": [1.0, 2.0], "declared": false })
    };
    let references = |full: bool| {
        let tag = json!({ "text": "x", "tone": "ok", "icon": null });
        let list = |item: Value| if full { json!([item]) } else { json!([]) };
        json!({ "name": "n", "value": "1", "band": full.then(|| tag.clone()), "bands": list(json!({ "tag": tag, "from": "90%", "current": true })),
            "benchmarks": list(json!({ "name": "n", "value": "1", "period": "2025", "source": "s", "document": "d" })) })
    };
    let cell = json!({ "label": "x", "value": "1", "unit": "", "href": "/indicators/x", "declared": true });
    let overview = |rows: Value| {
        json!({
            "unit": "u", "unit_code": "c", "form": { "values": {}, "errors": {}, "list": [{ "field": "unit", "text": "x" }] }, "period": "p", "kpis": [kpi(json!("1")), kpi(Value::Null)], "columns": ["x"], "rows": rows,
            "kinds": [{ "code": "year", "label": "x", "current": true, "href": "/indicators" }], "headline": "h",
            "span": "year", "as_of": "2026-11-21 09:00", "size": 10, "tail": 1, "crumbs": [{ "label": "x", "href": "/" }],
        })
    };
    let row = json!({ "date": "2026-11-20", "person": "n", "unit": "u", "host": "h", "role": "x", "minutes": 90, "late": true, "recorded_at": "2026-11-20 17:00", "href": "/activities/x", "title": "t", "quantity": "1", "fact": "f" });
    let held = json!({ "date": "2026-11-20", "person": null, "unit": "u", "host": "h", "role": null, "minutes": null, "late": false, "recorded_at": "2026-11-20 17:00", "href": null, "title": null, "quantity": null, "fact": "f" });
    let open = |rows: Value, some: Value, frozen: Value| {
        json!({
            "name": "n", "unit": "u", "period": "p", "kpi": kpi(json!("1")), "references": references(!some.is_null()), "bases": if some.is_null() { json!([]) } else { json!([{ "label": "x", "href": "/x", "current": true }]) }, "formula": some, "rows": rows, "counted": 2,
            "parts": if some.is_null() { json!([]) } else { json!([{ "name": "u", "value": "1", "rows": 1, "href": "/indicators/x" }]) },
            "difference": some, "size": 10, "tail": 0, "frozen": frozen, "next": some, "first": some, "live": some, "export": some, "from_rows": !some.is_null(), "operands": if some.is_null() { json!([]) } else { json!([{ "name": "n", "period": "p", "value": null, "unit": "%", "href": "/x" }]) }, "things": if some.is_null() { json!([]) } else { json!([{ "name": "n", "detail": "d", "href": null }, { "name": "n", "detail": "d", "href": "/x" }]) }, "crumbs": [{ "label": "x", "href": "/" }],
        })
    };
    let listed = |rows: Value, chips: Value| {
        json!({
            "rows": rows, "q": "", "packs": [["p", "x"]], "pack": null, "measures": [["count", "x"]], "measure": "count",
            "chips": chips, "table": Table::sample_with(&catalogue::COLUMNS), "pager": Pager::new(1, 50, 1, |n| format!("?page={n}")),
            "crumbs": [{ "label": "x", "href": "/" }],
        })
    };
    let cells: serde_json::Map<String, Value> = catalogue::COLUMNS
        .iter()
        .map(|c| (c.key.to_owned(), json!("x")))
        .collect();
    vec![
        (
            "indicators/catalogue.html",
            listed(
                json!([{ "href": "/indicators/x", "cells": cells }]),
                json!([]),
            ),
        ),
        (
            "indicators/catalogue.html",
            listed(json!([]), json!([{ "label": "x", "without": "/x" }])),
        ),
        ("indicators/catalogue.html", listed(json!([]), json!([]))),
        (
            "indicators/overview.html",
            overview(
                json!([{ "name": "u", "total": true, "cells": [cell], "href": null }, { "name": "v", "total": false, "cells": [cell], "href": "/indicators" }]),
            ),
        ),
        (
            "indicators/open.html",
            open(json!([row, held]), json!("/x"), json!(10)),
        ),
        (
            "indicators/open.html",
            open(json!([]), Value::Null, Value::Null),
        ),
    ]
}
