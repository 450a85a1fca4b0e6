//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};
use web::table::Table;

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let crumbs = json!([{ "label": "x", "href": "/" }]);
    let no_form = json!({ "values": {}, "errors": {}, "list": [] });
    let pieces = json!([{ "text": "t", "src": null, "br": false }, { "text": "", "src": null, "br": true },
        { "text": "![](#1)", "src": "/p", "br": false }]);
    let bare = json!({ "kind": "k", "stem": [], "options": [], "targets": [], "key": [], "parts": [], "explanation": [],
        "points": [], "difficulty": null, "source": "", "article": "", "score": null, "longest": null, "fixed": false });
    let body = json!({ "kind": "k", "stem": pieces, "options": [{ "letter": "A", "text": pieces, "right": true, "target": 1 },
        { "letter": "B", "text": pieces, "right": false, "target": null }], "targets": [pieces], "key": pieces, "parts": [bare],
        "explanation": pieces, "points": ["a/b"], "difficulty": 3, "source": "s", "article": "a", "score": 1.5, "longest": 200,
        "fixed": true });
    let mut all = vec![("questions/parts.html", json!({}))];
    let row = json!({ "href": "/questions/x", "pick": "x:1", "stem": "s", "kind": "k", "points": ["a/b"], "difficulty": 3,
        "bank": "b", "tags": [tag], "changed": 0 });
    let plain = json!({ "href": "/questions/x", "pick": "x:1", "stem": "s", "kind": "k", "points": [], "difficulty": 0,
        "bank": "b", "tags": [], "changed": 0 });
    let typed = json!({ "values": { "q": "x", "bank": "", "kind": "single", "state": "draft", "difficulty": "0", "point": "a" },
        "errors": {}, "list": [] });
    let list = |rows: Value, chips: Value, banks: Value, full: bool| {
        json!({ "rows": rows, "form": typed, "chips": chips, "banks": banks, "kinds": [["single", "k"]], "states": [["draft", "s"]],
            "points": ["a/b"], "exports": [["xlsx", "/x"], ["gift", "/y"]], "here": "/questions", "may_write": full,
            "may_review": full, "back": "/questions", "table": Table::sample_with(&crate::pages::COLUMNS),
            "pager": { "total": 1, "page": 1, "pages": 2, "previous": null, "next": "/", "links": [] } })
    };
    let banks = json!([["x", "b"]]);
    all.push((
        "questions/list.html",
        list(json!([row, plain]), json!([]), banks.clone(), true),
    ));
    all.push((
        "questions/list.html",
        list(json!([row]), json!([]), banks.clone(), false),
    ));
    let chips = json!([{ "label": "x", "without": "/" }]);
    all.push((
        "questions/list.html",
        list(json!([]), chips, banks.clone(), false),
    ));
    all.push((
        "questions/list.html",
        list(json!([]), json!([]), json!([]), true),
    ));
    all.push((
        "questions/list.html",
        list(json!([]), json!([]), banks.clone(), true),
    ));
    let show = |full: bool| {
        let event =
            json!({ "title": "x", "at": "2026-11-20 17:00", "quote": "x", "state": "done" });
        let earlier = json!({ "n": 1, "next": 2, "used": full, "body": body, "changes": [{ "old": true, "text": "a" }, { "old": false, "text": "b" }] });
        let similar = json!({ "label": "x", "href": "/questions/y", "body": bare, "tags": [tag] });
        let none = || json!([]);
        json!({ "id": "x", "pick": "x:2", "kind": "k", "bank": "b", "unit": "u", "bank_href": "/", "sealed": full, "tags": [tag],
            "version": 2, "used": i32::from(full), "body": body, "note": if full { "n" } else { "" },
            "faults": if full { json!(["f"]) } else { none() }, "events": [event],
            "earlier": if full { json!([earlier]) } else { none() }, "similar": if full { json!([similar]) } else { none() },
            "form": no_form, "crumbs": crumbs, "may_write": full, "may_propose": full, "may_decide": full, "own": full, "may_retire": full })
    };
    all.push(("questions/show.html", show(true)));
    all.push(("questions/show.html", show(false)));
    for kind in crate::model::Kind::ALL {
        for known in [false, true] {
            let wrong = json!({ "values": { "id": "x", "bank": "x", "before": "1", "right": "1", "right0": "on", "option0": "o", "truth": "T" },
                "errors": { "key": "x", "stem": "x" }, "list": [{ "field": "key", "text": "x" }] });
            let fresh = json!({ "values": { "id": "x", "bank": "" }, "errors": {}, "list": [] });
            all.push((
                "questions/form.html",
                json!({ "form": if known { wrong } else { fresh }, "kind": kind.code(), "kind_name": "k", "kinds": [["single", "k"]],
                    "banks": banks, "letters": ["A", "B"], "known": known, "crumbs": crumbs, "choice": kind.is_choice(),
                    "person": kind.needs_person() }),
            ));
        }
    }
    all.push((
        "questions/form.html",
        json!({ "form": no_form, "kind": "single", "kind_name": "k", "kinds": [], "banks": [], "letters": [], "known": false,
            "crumbs": crumbs, "choice": true, "person": false }),
    ));
    let counts = json!([{ "count": 1, "href": "/" }]);
    let bank = json!({ "id": "x", "name": "b", "unit": "u", "sealed": true, "href": "/", "counts": counts });
    let typed = json!({ "values": { "id": "x" }, "errors": { "name": "x" }, "list": [{ "field": "name", "text": "x" }] });
    for (rows, may) in [(json!([bank]), true), (json!([]), false)] {
        all.push((
            "questions/banks.html",
            json!({ "rows": rows, "states": ["s"], "units": [["u", "u"]], "form": typed, "crumbs": crumbs, "may_write": may }),
        ));
    }
    let wrong = json!({ "values": { "bank": "x" }, "errors": { "file": "x" }, "list": [{ "field": "file", "text": "x" }] });
    for (form, banks) in [(wrong, banks), (no_form.clone(), json!([]))] {
        all.push((
            "questions/import.html",
            json!({ "form": form, "banks": banks, "crumbs": crumbs, "most": 5000, "mebibytes": 64 }),
        ));
    }
    let import = |full: bool| {
        let n = i32::from(full);
        let some = |value: Value| if full { json!([value]) } else { json!([]) };
        json!({ "bank": "x", "bank_name": "b", "file": { "value": "x|y", "name": "y" }, "format": "xlsx", "imported": n, "quarantined": n,
            "duplicates": 1, "near": n, "items": 3, "shown": 100, "may_review": full,
            "faulty": some(json!({ "place": "p", "faults": ["f"], "body": bare })),
            "twins": some(json!({ "label": "l", "place": "p", "href": "/", "other_place": "", "body": body, "other": body })),
            "fine": some(json!({ "place": "p", "body": body })) })
    };
    for full in [true, false] {
        all.push((
            "questions/preview.html",
            json!({ "import": import(full), "form": no_form, "crumbs": crumbs, "lost": [], "lost_count": 0, "anyway": null, "format": "xlsx" }),
        ));
    }
    all.push((
        "questions/preview.html",
        json!({ "import": null, "crumbs": crumbs, "lost": [{ "number": 1, "text": "x" }], "lost_count": 1, "anyway": "/", "format": "gift" }),
    ));
    all
}
