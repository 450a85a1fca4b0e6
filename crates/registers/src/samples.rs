//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let no_form = json!({ "values": {}, "errors": {}, "list": [] });
    let form = json!({ "values": { "id": "x", "unit": "U", "title": "t", "date": "2026-11-20", "version": "1", "another": "on" },
        "errors": { "title": "x", "people": "x", "file": "x", "another": "x" }, "list": [{ "field": "title", "text": "x" }] });
    let typed = json!({ "values": { "unit": "U" }, "errors": {}, "list": [] });
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let crumbs = json!([{ "label": "x", "href": "/" }]);
    let pager =
        json!({ "total": 1, "page": 1, "pages": 2, "previous": null, "next": "/", "links": [] });
    let mut all = Vec::new();
    let row = json!({ "name": "n", "href": "/registers/x", "unit": "u", "note": "x", "entries": 3, "waiting": 1, "open": 2, "due": 1, "new": "/registers/x/new" });
    let bare = json!({ "name": "n", "href": "/registers/x", "unit": "u", "note": null, "entries": 0, "waiting": 0, "open": null, "due": null, "new": null });
    for groups in [json!([["g", [row, bare]]]), json!([])] {
        let context = json!({ "groups": groups, "year": 2026, "waiting": 1, "may_review": true });
        all.push(("registers/overview.html", context));
    }
    let row = |full: bool| {
        json!({ "href": "/", "title": "t", "unit": "u", "date": "2026-11-20", "class": full.then_some("c"), "number": full.then_some("1"),
            "people": if full { "p" } else { "" }, "recorded": 0, "level": "x", "tags": [tag], "closed": full.then_some("2026-11-20"),
            "recheck": full.then_some("2027-11-20"), "due": full })
    };
    let list = |rows: Value, chips: Value, full: bool| {
        json!({ "code": "x", "name": "n", "counted": "u", "note": full.then_some("x"), "crumbs": crumbs, "rows": rows, "form": typed, "chips": chips,
            "classes": full.then(|| json!([["c", "n"]])), "class_name": full.then_some("c"), "states": ["accepted", "reversed"],
            "closes": full, "rechecks": full, "levels": [["internal", "x"]], "unit_name": null,
            "table": web::table::Table::sample_with(&crate::list_page::COLUMNS), "csv": "/x.csv", "pager": pager, "may_write": full, "here": "/registers/x" })
    };
    let chip = json!([{ "label": "x", "without": "/" }]);
    all.push((
        "registers/list.html",
        list(json!([row(true), row(false)]), json!([]), true),
    ));
    all.push(("registers/list.html", list(json!([]), chip, false)));
    all.push(("registers/list.html", list(json!([]), json!([]), true)));
    let field = |kind: &str| json!({ "name": format!("v-{kind}"), "label": "l", "kind": kind, "required": true, "options": [["", "x"]] });
    let fields: Vec<Value> = ["text", "textarea", "decimal", "date", "select", "unit"]
        .map(field)
        .to_vec();
    let edit = |entry: Value, declared: bool, full: bool, form: &Value| {
        let people = json!({ "name": "p", "required": full, "lines": 2, "one": false, "roles": [["", "x"]] });
        json!({ "form": form, "code": "x", "name": "n", "unit": "u", "note": null, "fields": fields, "people": if full { people } else { Value::Null },
            "levels": [["internal", "x"]], "crumbs": crumbs, "declared": declared, "entry": entry, "unit_name": "u",
            "kept": [{ "sha256": "0", "name": "n" }], "held": [{ "value": "x", "name": "n" }], "review": full, "evidence_required": full, "today": "2026-11-20" })
    };
    let entry = json!({ "id": "x", "version": 1, "title": "t" });
    let fresh = json!({ "values": { "id": "x" }, "errors": {}, "list": [] });
    all.push((
        "registers/form.html",
        edit(Value::Null, false, true, &fresh),
    ));
    all.push(("registers/form.html", edit(Value::Null, true, false, &form)));
    all.push(("registers/form.html", edit(entry, false, true, &form)));
    let said = |long: bool| json!({ "label": "l", "lines": ["a", "b"], "number": !long });
    let moment = json!({ "title": "x", "at": "2026-11-20 17:00", "quote": "x", "state": "done" });
    let show = |full: bool, form: &Value| {
        json!({ "href": "/registers/x/entries/x", "title": "t", "register": "n", "crumbs": crumbs, "form": form, "unit": "u", "tags": [tag],
            "declared": if full { Value::Null } else { json!(48) }, "date": "2026-11-20", "counted": "u", "fields": [said(true), said(false)],
            "people_name": full.then_some("p"), "people": [{ "no": "1", "name": "n", "unit": "u", "role": "r" }],
            "files": if full { json!([{ "name": "n", "sha256": "0", "kib": 1, "href": "/" }]) } else { json!([]) },
            "level": "x", "mark": full.then_some("x"), "version": 2, "accepted": 1, "pending": full,
            "earlier": [{ "n": 1, "counts": full, "title": "t", "date": "2026-11-20", "fields": [said(false)], "people": 1, "files": 1 }],
            "events": [moment], "facts": { "entry": 1, "person": 1, "number": 0, "closed": 0 }, "recorded_at": "2026-11-20 17:00",
            "closed_on": full.then_some("2026-11-20"), "closed_note": full.then_some("x"), "recheck_on": full.then_some("2027-11-20"), "due": full,
            "reversed": if full { Value::Null } else { json!({ "at": "2026-11-20 17:00", "reason": "x" }) }, "returned": full.then_some("x"),
            "today": "2026-11-20", "may_write": full, "may_close": full, "may_reopen": full, "may_recheck": full, "may_reverse": full, "may_review": full })
    };
    all.push(("registers/show.html", show(true, &no_form)));
    all.push(("registers/show.html", show(true, &form)));
    all.push(("registers/show.html", show(false, &no_form)));
    let row = json!({ "href": "/", "pick": "x.1", "title": "t", "register": "n", "unit": "u", "date": "2026-11-20", "files": 1, "recorded": 0,
        "late": true, "corrected": true, "declared": 48 });
    for rows in [json!([row]), json!([])] {
        let context = json!({ "crumbs": crumbs, "rows": rows, "pager": pager, "form": no_form });
        all.push(("registers/review.html", context));
    }
    let outcome = |ok: bool| json!({ "href": "/", "title": "t", "ok": ok, "date": "2026-11-20", "text": (!ok).then_some("x") });
    for (rows, accepted) in [
        (json!([outcome(true), outcome(false)]), true),
        (json!([]), false),
    ] {
        let context =
            json!({ "crumbs": crumbs, "rows": rows, "done": 1, "failed": 1, "accepted": accepted });
        all.push(("registers/reviewed.html", context));
    }
    for (mode, form) in [("entries", &no_form), ("declared", &form)] {
        let context = json!({ "code": "x", "name": "n", "crumbs": crumbs, "mode": mode, "most": 5000, "columns": "x",
            "evidence_required": mode == "declared", "form": form });
        all.push(("registers/import.html", context));
        let some = mode == "entries";
        let preview = json!({ "code": "x", "name": "n", "crumbs": crumbs, "mode": mode, "most": 5000, "columns": "x", "evidence_required": some,
            "form": form, "id": "x", "sheet": { "value": "x", "name": "n" }, "scans": [{ "value": "x", "name": "n" }],
            "faults": if some { json!([{ "cell": "B7", "text": "x" }]) } else { json!([]) }, "fault_count": 300, "faulty": i32::from(some),
            "rows": if some { json!([{ "number": 2, "title": "t", "unit": "u", "similar": true, "date": "2026-11-20", "count": 3 }]) } else { json!([]) },
            "fine": 300 * i32::from(some), "similar": i32::from(some), "fresh": 1, "left_out": i32::from(some), "shown": 200, "review": some });
        all.push(("registers/preview.html", preview));
    }
    all
}
