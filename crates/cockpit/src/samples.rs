//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let kpi = json!({ "label": "x", "value": "1", "unit": "x", "href": "/indicators/x", "definition": "d", "as_of": "2026-11-21 09:00", "target": "95%",
        "delta": { "label": "x", "text": "3.2%", "direction": 1, "good": true }, "trend": [1.0, 2.0], "declared": false });
    let tag = json!({ "text": "x", "tone": "ok", "icon": null });
    let cell = json!({ "label": "x", "value": "1", "unit": "%", "percent": 1.0, "tone": "bad", "declared": true, "nought": true, "href": "/x" });
    let plain = json!({ "label": "x", "value": null, "unit": "", "percent": null, "tone": "", "declared": false, "nought": false, "href": "/x" });
    let base = json!({
        "unit": "u", "unit_code": "c", "span": "year", "kinds": [{ "label": "x", "current": true, "href": "/x" }],
        "crumbs": [{ "label": "x", "href": "/" }], "form": { "values": {}, "errors": {}, "list": [] }, "period": "p",
        "as_of": "2026-11-21 09:00", "concerns": [], "concerns_more": 0, "events": [], "events_more": 0, "view": null, "groups": [], "more": null, "found": 0,
    });
    let mut full = base.clone();
    let more = json!({
        "view": "v", "headline": "h", "cards": [kpi], "columns": [{ "name": "x", "href": "/x", "by": true }, { "name": "y", "href": null, "by": false }], "ranked": true,
        "references": [{ "name": "n", "value": "1", "band": tag, "bands": [], "benchmarks": [{ "name": "n", "value": "1", "period": "2025", "source": "s", "document": "d" }] },
            { "name": "n", "value": "1", "band": null, "bands": [], "benchmarks": [] }],
        "rows": [{ "name": "u", "total": true, "people": 3, "cells": [cell, plain], "href": null }, { "name": "v", "total": false, "people": 3, "cells": [cell], "href": "/x" }],
        "trend": { "name": "n", "unit": "u", "svg": "<svg></svg>", "lines": [{ "month": "m", "now": "1", "before": "2" }] },
        "heat": { "name": "n", "unit": "u", "months": ["1"], "silent": 2, "rows": [{ "name": "u", "cells": [{ "level": 3, "value": "1", "month": "m", "href": "/x" }] }] },
        "radar": { "svg": "<svg></svg>", "lines": [{ "name": "n", "value": "1", "target": "2", "percent": "50%" }] },
        "size": 10, "tail": 1, "groups": [{ "label": "x", "href": "/x", "current": true }], "more": "/x", "found": 9, "concerns_more": 2, "events_more": 3,
        "concerns": [{ "title": "t", "detail": "d", "when": "w", "href": "/x", "icon": "alert-triangle", "tone": "bad", "headline": null }],
        "events": [{ "when": "w", "title": "t", "unit": "u", "href": "/x", "state": tag }],
    });
    if let (Some(full), Value::Object(more)) = (full.as_object_mut(), more) {
        full.extend(more);
    }
    vec![("cockpit/show.html", base), ("cockpit/show.html", full)]
}
