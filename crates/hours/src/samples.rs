//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};
use web::table::Table;

use crate::list_page::COLUMNS;

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let form = json!({ "values": { "unit": "O1", "requirement": "year", "state": "met", "id": "1", "mode": "declared" }, "errors": { "file": "x" }, "list": [{ "field": "file", "text": "x" }] });
    let plain = json!({ "values": { "unit": "", "requirement": "", "state": "", "id": "1" }, "errors": {}, "list": [] });
    let pager =
        json!({ "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] });
    let crumbs = json!([{ "label": "x", "href": "/hours" }]);
    let standing = json!({ "name": "n", "required": "90", "days": "12", "has": "4", "has_days": "1", "missing": "86", "tag": tag, "href": "/x" });
    let list = |rows: Value, chips: Value, form: &Value| {
        json!({
            "rows": rows, "form": form, "chips": chips, "requirements": [["year", "n"]], "states": [["met", "x"]], "years": [2026, 2025],
            "unit_name": null, "year": 2026, "waiting": 3, "table": Table::sample_with(&COLUMNS), "csv": "/x", "pager": pager, "may_record": true,
        })
    };
    let row = |standing: Value| json!({ "href": "/x", "no": "001", "name": "n", "unit": "u", "post": "p", "year": "4", "standing": standing });
    let said = |url: Value, off: bool| json!({ "code": "year", "name": "n", "document": "d", "article": "a", "url": url, "confidence": "verified", "off": off });
    let versions = json!([{ "from": "2026-01-01", "to": null, "words": ["x", "y"] }]);
    let requirements = |list: Value, rules: Value, sees: bool| json!({ "list": list, "rules": rules, "year": 2026, "sees": sees, "crumbs": crumbs });
    let part = json!({ "name": "p", "href": "/x", "has": "1", "missing": null, "hours": null, "days": "6", "share": null });
    let share = json!({ "name": "p", "href": "/x", "has": "1", "missing": "2", "hours": null, "days": null, "share": 70 });
    let whole = json!({ "requirement": said(Value::Null, false), "from": "2026-01-01", "to": "2026-12-31", "hours": "90", "days": "12", "has": "4", "has_days": "1", "missing": "86", "reachable": "100", "href": "/x", "parts": [part, share], "bound": [100, 365], "tag": tag });
    let bare = json!({ "requirement": said(Value::Null, false), "from": "2026-01-01", "to": "2026-12-31", "hours": null, "days": "15", "has": "4", "has_days": "1", "missing": "86", "reachable": null, "href": "/x", "parts": [], "bound": null, "tag": tag });
    let credit = |href: Value, cut: Value| json!({ "date": "2026-05-13", "title": "t", "href": href, "part": "p", "way": "w", "content": "c", "rule": "r", "hours": "4", "days": null, "cut": cut, "declared": true });
    let record = json!({ "href": "/x", "title": "t", "date": "2026-05-13", "way": "w", "claimed": "4", "recognised": null, "tags": [tag] });
    let sheet = |standings: Value, rows: Value, records: Value, own: bool| {
        json!({
            "nobody": false, "own": own, "no": "001", "name": "n", "unit": "u", "post": "p", "year": 2026, "previous": "/x", "next": "/x",
            "standings": standings, "archive": [{ "year": 2026, "href": "/x", "offline": "1", "online": "2", "hours": "3", "days": "0", "here": true }, { "year": 2025, "href": "/x", "offline": "1", "online": "2", "hours": "3", "days": "0", "here": false }],
            "records": records, "rows": rows, "sum": "4", "sum_days": "0", "of": if own { json!("x") } else { Value::Null }, "all": "/x", "xlsx": "/x", "csv": "/x", "new": "/x", "crumbs": crumbs,
        })
    };
    let entry = |record: Value, declared: bool, officer: bool| {
        json!({
            "form": form, "ways": [["", "x"], ["platform", "y"]], "contents": [["", "x"]], "declared": declared, "officer": officer, "record": record,
            "whose": "n", "kept": [{ "sha256": "00", "name": "f" }], "held": [{ "value": "v", "name": "f" }], "crumbs": crumbs,
        })
    };
    let event = json!({ "state": "done", "title": "x", "at": "2026-11-20 10:00", "quote": null });
    let shown = |some: bool| {
        json!({
            "title": "t", "href": "/hours/records/1", "no": "001", "name": "n", "unit": "u", "facts": [["a", "b"]], "tags": [tag], "version": 2,
            "recognised": some.then(|| json!({ "hours": "4", "days": "1" })), "pending": some, "returned": some.then_some("x"),
            "leave": some.then(|| json!({ "document": "d", "article": "a" })), "files": if some { json!([{ "name": "f", "sha256": "00", "kib": 1, "href": "/x" }]) } else { json!([]) },
            "events": [event], "earlier": if some { json!([{ "n": 1, "facts": [["a", "b"]] }]) } else { json!([]) }, "form": plain, "crumbs": crumbs,
            "pick": some.then_some("1.1"), "may_correct": some, "may_reverse": some,
        })
    };
    let waiting = json!({ "href": "/x", "pick": "1.1", "title": "t", "person": "n", "unit": "u", "way": "w", "date": "2026-05-13", "hours": "4", "files": 1, "tags": [tag] });
    let review =
        |rows: Value| json!({ "crumbs": crumbs, "rows": rows, "pager": pager, "form": plain });
    let outcome = |ok: bool| json!({ "href": "/x", "title": "t", "ok": ok, "date": "2026-05-13", "text": (!ok).then_some("x") });
    let reviewed = |accepted: bool| json!({ "crumbs": crumbs, "rows": [outcome(true), outcome(false)], "done": 1, "failed": 1, "accepted": accepted });
    let import = |form: &Value| json!({ "form": form, "crumbs": crumbs, "most": 5000, "columns": "x、y", "ways": [["", "x"]], "contents": [["", "x"]] });
    let preview = |fine: usize| {
        let mut context = import(&plain);
        let more = json!({
            "id": "1", "chosen_mode": "platform", "chosen_way": "platform", "chosen_content": "", "sheet": { "value": "v", "name": "f" }, "proof": [{ "value": "v", "name": "f" }],
            "faults": [{ "cell": "B2", "text": "x" }], "fault_count": 300, "faulty": 1, "known": 1, "fine": fine, "shown": 200,
            "rows": if fine > 0 { json!([{ "number": 2, "name": "n", "title": "t", "date": "2026-05-13", "hours": "4" }]) } else { json!([]) },
        });
        if let (Value::Object(context), Value::Object(more)) = (&mut context, more) {
            context.extend(more);
        }
        context
    };
    vec![
        (
            "hours/list.html",
            list(
                json!([row(standing), row(Value::Null)]),
                json!([{ "label": "x", "without": "/x" }]),
                &form,
            ),
        ),
        (
            "hours/list.html",
            list(
                json!([]),
                json!([{ "label": "x", "without": "/x" }]),
                &plain,
            ),
        ),
        ("hours/list.html", list(json!([]), json!([]), &plain)),
        (
            "hours/requirements.html",
            requirements(
                json!([{ "said": said(json!("https://example.org"), true), "versions": versions, "counts": [{ "text": "x 1", "tone": "bad", "href": "/x" }] }, { "said": said(Value::Null, false), "versions": versions, "counts": [] }]),
                json!([{ "name": "n", "document": "d", "article": "a", "confidence": "local", "way": null, "content": "", "versions": [{ "from": "2026-01-01", "to": null, "words": "x" }] }]),
                true,
            ),
        ),
        (
            "hours/requirements.html",
            requirements(json!([]), json!([]), false),
        ),
        ("hours/sheet.html", json!({ "nobody": true })),
        (
            "hours/sheet.html",
            sheet(
                json!([whole, bare]),
                json!([
                    credit(json!("/x"), json!("8")),
                    credit(Value::Null, Value::Null)
                ]),
                json!([record]),
                true,
            ),
        ),
        (
            "hours/sheet.html",
            sheet(json!([]), json!([]), json!([]), false),
        ),
        ("hours/form.html", entry(Value::Null, false, true)),
        ("hours/form.html", entry(Value::Null, true, false)),
        (
            "hours/form.html",
            entry(json!({ "id": "1", "version": 1 }), false, false),
        ),
        ("hours/record.html", shown(true)),
        ("hours/record.html", shown(false)),
        ("hours/review.html", review(json!([waiting]))),
        ("hours/review.html", review(json!([]))),
        ("hours/reviewed.html", reviewed(true)),
        ("hours/reviewed.html", reviewed(false)),
        ("hours/import.html", import(&form)),
        ("hours/import.html", import(&plain)),
        ("hours/preview.html", preview(300)),
        ("hours/preview.html", preview(0)),
    ]
}
