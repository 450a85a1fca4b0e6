//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

fn item(full: bool) -> Value {
    json!({ "code": "x", "text": "t", "kind": "count", "kind_name": "k", "points": full.then_some("5"), "bounds": ["b"],
        "options": if full { json!([{ "code": "o", "text": "o", "share": "100", "deficient": true }]) } else { json!([]) },
        "origin": full.then_some("o"), "required": full, "clause": full.then_some("c"), "severity": full.then_some("s"),
        "field": full.then_some("f"), "evidence": "free", "own": !full, "bounded": "count",
        "rule": full.then(|| json!({ "required": true, "evidence": "always", "at_least": "2", "at_most": null })) })
}

pub(crate) fn form(bad: bool) -> Value {
    match bad {
        false => json!({ "values": { "id": "x" }, "errors": {}, "list": [] }),
        true => {
            json!({ "values": { "id": "x", "name": "n" }, "errors": { "name": "x", "text": "x", "reason": "x" },
                "list": [{ "field": "name", "text": "x" }] })
        }
    }
}

pub(crate) fn tag() -> Value {
    json!({ "text": "x", "tone": "warn", "icon": null })
}

pub(crate) fn crumbs() -> Value {
    json!([{ "label": "x", "href": "/" }])
}

pub(crate) fn sections() -> Value {
    json!([{ "code": "s", "title": "t", "items": [item(true), item(false)] }])
}

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let mut all = vec![("inspections/items.html", json!({}))];
    let row = |full: bool| {
        json!({ "href": "/", "name": "n", "version": 1, "from": "2026-11-20", "items": 3, "points": full.then_some("10"),
            "unit": full.then_some("u"), "plus": full, "next": full.then_some("2027-01-01"), "waits": !full })
    };
    let draft = json!([{ "href": "/", "name": "n", "unit": "u", "tag": tag(), "returned": true }]);
    for (rows, drafts, q) in [
        (json!([row(true), row(false)]), draft, ""),
        (json!([]), json!([]), "x"),
        (json!([]), json!([]), ""),
    ] {
        let context = json!({ "rows": rows, "drafts": drafts, "q": q, "may_plan": q.is_empty() });
        all.push(("inspections/checklists.html", context));
    }
    for full in [true, false] {
        let version = json!({ "n": 2, "from": "2026-11-20", "note": if full { "w" } else { "" }, "current": full, "href": "/",
            "at": "2026-11-20 17:00", "by": full.then_some(["a", "b"]), "compare": full.then_some("/") });
        all.push((
            "inspections/checklist.html",
            json!({ "crumbs": crumbs(), "name": "n", "code": "c", "version": 1, "from": "2026-11-20", "basis": full.then_some("b"),
                "unit": full.then_some("u"), "pack": if full { "" } else { "p" }, "sections": sections(), "full": full.then_some("10"),
                "count": 2, "history": [version], "file": "/", "plus": full.then_some("/"), "next": full.then_some("/") }),
        ));
        all.push((
            "inspections/checklist-new.html",
            json!({ "form": form(!full), "crumbs": crumbs(), "plus": if full { "f" } else { "" }, "next": "", "about": full.then_some("n") }),
        ));
        let rows = match full {
            true => {
                json!([{ "what": "w", "old": item(true), "new": null }, { "what": "w", "old": null, "new": item(false) }])
            }
            false => json!([]),
        };
        all.push((
            "inspections/compare.html",
            json!({ "crumbs": crumbs(), "name": "n", "href": "/", "old": 1, "new": 2, "rows": rows }),
        ));
        all.push((
            "inspections/draft.html",
            json!({ "href": "/checklists/drafts/x", "crumbs": crumbs(), "form": form(!full), "name": "n", "unit": "u", "tag": tag(), "seq": 1,
                "open": full, "sections": sections(), "titles": [["", "x"]], "kinds": [["check", "x"]],
                "evidence": [["free", "x"]], "severities": [["", "x"]], "areas": [["", "x"]],
                "mistakes": if full { json!(["m"]) } else { json!([]) }, "returned": if full { "r" } else { "" }, "note": "n",
                "from": "2026-11-20", "writers": ["a", "b"], "base": full.then(|| json!({ "name": "n", "version": 1, "href": "/" })),
                "newer": full.then_some(2), "points": full.then_some("10"), "may_recall": !full, "may_decide": !full,
                "own": false, "waits": !full, "used": (!full).then_some("/") }),
        ));
    }
    all.push((
        "inspections/checklist-new.html",
        json!({ "form": form(false), "crumbs": crumbs(), "plus": "", "next": "f", "about": "n" }),
    ));
    all
}
