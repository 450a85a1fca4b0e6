//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let act = json!({ "name": "n", "at": "2026-11-22 09:00" });
    let switches = json!([{ "code": "boards", "name": "n", "about": "x", "tag": tag, "built": true },
        { "code": "points", "name": "n", "about": "x", "tag": tag, "built": false }]);
    let case = |full: bool| {
        json!({ "id": "x", "name": "n", "unit": "u", "document": "d", "number": "1", "article": "a", "text": "x", "from": "2026-11-22",
            "to": "2026-12-22", "tag": tag, "proposed": act, "confirmed": if full { act.clone() } else { Value::Null },
            "ended": if full { act.clone() } else { Value::Null }, "reason": if full { "r" } else { "" }, "may_confirm": !full, "may_end": !full, "live": full })
    };
    let no_form = json!({ "values": { "id": "x" }, "errors": {}, "list": [] });
    let form = json!({ "values": { "id": "x", "reason": "" }, "errors": { "reason": "x" }, "list": [{ "field": "reason", "text": "x" }] });
    let admin = |cases: Value, form: &Value, may: bool| {
        json!({ "switches": switches, "cases": cases, "form": form, "options": [["boards", "n"]], "may_propose": may,
            "crumbs": [{ "label": "x", "href": "/" }] })
    };
    vec![
        (
            "guard/open.html",
            json!({ "switches": switches, "cases": [], "admin": false }),
        ),
        (
            "guard/open.html",
            json!({ "switches": switches, "cases": [case(true)], "admin": true }),
        ),
        (
            "guard/admin.html",
            admin(json!([case(true), case(false)]), &no_form, true),
        ),
        ("guard/admin.html", admin(json!([]), &form, false)),
    ]
}
