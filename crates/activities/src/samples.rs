//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let form = json!({ "values": { "id": "", "of": "b", "series": "x", "issue": "1", "session": "2", "kind": "k", "unit": "u", "date": "2026-11-20", "title": "t", "starts": "15:00", "ends": "16:30", "location": "", "level": "internal", "observers": "" },
        "errors": { "title": "x" }, "list": [{ "field": "title", "text": "x" }] });
    let no_form = json!({ "values": {}, "errors": {}, "list": [] });
    let calls = json!([{ "href": "/activities/calls/x", "title": "t", "due": "2026-11-27", "asked": 3, "answered": 1, "closed": false }]);
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let pager =
        json!({ "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] });
    let row = json!({ "href": "/activities/x", "title": "t", "kind": "k", "host": "u", "date": "2026-11-20", "minutes": 90, "location": "", "level": "x", "recorded": 0, "present": 18, "expected": 20, "tags": [tag], "confirmation": tag });
    let list = |rows: Value, chips: Value| {
        json!({ "rows": rows, "form": form, "chips": chips, "levels": [["internal", "x"]], "unit_name": null, "kinds": [["k", "n"]], "groups": [["g", "x"]],
        "pager": pager, "table": web::table::Table::sample_with(&crate::list_page::COLUMNS), "may_record": true, "may_confirm": true })
    };
    let roster = json!([{ "person": "p", "staff_no": "1", "name": "n", "unit": "u", "post": "", "mark": "present", "minutes": 60 }]);
    let shape = |roster: &str| {
        json!({ "roles": [{ "label": "x", "names": ["role-speaker-0", "role-speaker-1"], "required": true }], "items": [["first-topic", "x"]],
        "lines": 2, "agenda_required": ["x"], "fields": [{ "name": "field-a", "label": "x", "kind": "select", "mode": "", "most": 0, "required": true, "options": [["", "—"]] }],
        "roster": roster, "series": true, "confidential": true, "basis": "x" })
    };
    let plain = json!({ "roles": [], "items": [], "lines": 0, "agenda_required": [], "fields": [], "roster": "unit", "series": false, "confidential": false, "basis": "" });
    let edit = |roster: Value, shape: &Value| {
        json!({ "form": form, "kind": "k", "roster": roster, "shape": shape, "decision_lines": 2, "ways": true, "ofs": [["b", "x"]], "series": ["x"], "may_copy": true, "planning": false, "minutes": [["minutes-p", "60"]], "sheet_read": true, "came": 2, "uploads": [["x", "a.pdf"]], "may_file": true, "kinds": ".pdf",
        "groups": [{ "name": "", "kinds": [["k", "n"]] }, { "name": "g", "kinds": [["l", "n"]] }], "roles": [{ "code": "present", "label": "x" }],
        "unit_code": "u", "unit_name": "n", "levels": [["internal", "x"]], "crumbs": [{ "label": "x", "href": "/" }], "today": "2026-11-21" })
    };
    let event = json!({ "title": "x", "quote": "", "state": "done", "at": "2026-11-20 17:00" });
    let history = |any: bool| if any { json!([event]) } else { json!([]) };
    let waiting = json!({ "href": "/activities/x", "pick": "x.0", "title": "t", "kind": "k", "host": "u", "date": "2026-11-20",
        "present": 18, "expected": 20, "recorded": 0, "late": true });
    let confirm = |rows: Value| json!({ "crumbs": [{ "label": "x", "href": "/" }], "rows": rows, "pager": pager });
    let outcome = |ok: bool, text: Value| json!({ "href": "/activities/x", "title": "t", "date": "2026-11-20", "ok": ok, "text": text });
    let outcomes = |rows: Value| json!({ "crumbs": [{ "label": "x", "href": "/" }], "rows": rows, "done": 1, "failed": 1 });
    let past = json!({ "number": 3, "title": "t", "unit": "u", "date": "2025-03-01", "kind": "k", "sessions": 3, "present": 20, "declared": true });
    let said = |answered: bool| {
        json!({ "id": "x", "whom": "n", "text": if answered { json!(["a", "b"]) } else { json!([]) }, "code": "given", "said": "x",
        "reason": if answered { "r" } else { "" }, "answered": answered, "at": if answered { json!("2026-11-20 15:00") } else { Value::Null } })
    };
    let call = |closed: bool| {
        json!({ "id": "x", "title": "t", "text": ["a"], "due": "2026-11-27", "host": "h", "asked": "2026-11-20 15:00", "closed": closed,
        "source": if closed { Value::Null } else { json!("/activities/x") }, "rows": [said(true), said(false)], "counts": [["x", 1]],
        "verdicts": [["adopted", "x"]], "form": if closed { &form } else { &no_form }, "crumbs": [] })
    };
    let opinion = |open: bool| {
        json!({ "id": "x", "title": "t", "text": ["a"], "due": "2026-11-27", "host": "h", "form": if open { &form } else { &no_form },
        "open": open, "row": said(open), "most": 4000, "crumbs": [] })
    };
    let show = |reversed: Value, may: bool, form: &Value| {
        let mut page = json!({ "id": "x", "title": "t", "form": form, "kind": "k", "host": "u", "date": "2026-11-20",
        "starts": "2026-11-20 15:00", "ends": "2026-11-20 16:30", "minutes": 90, "location": "", "tags": [tag], "recorded_at": "2026-11-20 17:00",
        "level": "x", "level_code": "internal", "levels": [["internal", "x"]], "mark": reversed, "reversed_at": reversed, "reason": reversed, "roles": [["present", "x"]], "crumbs": [{ "label": "x", "href": "/" }],
        "parts": [{ "person": "p", "name": "n", "unit": "u", "role": "present", "minutes": 60, "tag": tag }],
        "present": 1, "leave": 0, "absent": 0, "observers": 0, "expected": 1, "may_record": may, "may_reverse": may,
        "may_confirm": may, "may_return": may, "pick": "x.0", "confirmation": tag, "history": history(may) });
        let some = |value: Value| if may { value } else { Value::Null };
        for (name, value) in [
            ("of", some(json!("x"))),
            ("held", json!([{ "label": "x", "people": ["n"] }])),
            (
                "agenda",
                if may {
                    json!([{ "label": "x", "title": "t" }])
                } else {
                    json!([])
                },
            ),
            ("fields", json!([["x", "t"]])),
            (
                "siblings",
                json!([{ "here": may, "place": "x", "title": "t", "date": "2026-11-20", "href": "/activities/x" }]),
            ),
            ("facts", json!([["x", 1]])),
            ("versions", history(may)),
            (
                "missing",
                json!([{ "person": "p", "name": "n", "made": some(json!({ "content": "c", "date": "2026-11-21", "minutes": 60 })) }]),
            ),
            (
                "speeches",
                json!([{ "id": "x", "who": "n", "place": 1, "title": "t", "text": ["a"], "file": some(json!("/activities/x/files/y")) }]),
            ),
            ("speakers", json!([["p", "n"]])),
            ("import", some(json!("x"))),
            ("new_speech", json!({ "id": "x", "place": 2 })),
            ("may_call", json!(may)),
            ("calls", calls.clone()),
            (
                "participants",
                json!([{ "id": "u", "name": "n", "there": 0, "may": may }]),
            ),
            ("may_decide", json!(may)),
            ("new_decision", json!("x")),
            ("ways", json!(may)),
            (
                "left_cases",
                if may {
                    json!([{ "href": "/cases/x", "number": "n", "closed": true }])
                } else {
                    json!([])
                },
            ),
            (
                "decisions",
                json!([{ "id": "x", "item": "x", "title": "t", "duties": [{ "id": "x", "href": "/requests/x", "title": "t", "whom": "u",
                    "due": "2026-11-27", "late": true, "open": true, "tag": tag }], "cases": [{ "href": "/cases/x", "number": "n", "closed": false }] },
                    { "id": "y", "item": "", "title": "t", "duties": [], "cases": [] }]),
            ),
            (
                "votes",
                some(
                    json!({ "expected": 3, "present": 2, "rows": [{ "id": "x", "title": "t", "in_favour": 2, "against": 0, "abstained": 0,
                    "present": 2, "expected": 3, "outcome": "passed", "said": "x" }], "new": "x", "quorum": "x", "met": false }),
                ),
            ),
            ("code", json!("0000-0000")),
            ("reflects", json!(may)),
            ("lists", json!([["x", ["n"]], ["y", []]])),
            ("may_amend", json!(may)),
            ("evidence_missing", json!(!may)),
            (
                "files",
                json!([{ "id": "y", "href": "/activities/x/files/y", "name": "a.pdf", "later": may, "size": "1.0 KiB", "dated": "2026-11-20", "at": "2026-11-20 17:00", "sha256": "x" }]),
            ),
            ("may_file", json!(may)),
            ("kinds", json!(".pdf")),
            (
                "pair",
                if may {
                    Value::Null
                } else {
                    json!({ "person": "n", "other": "m" })
                },
            ),
            (
                "session",
                some(json!({ "id": "x", "name": "x", "issue": 1, "session": 2 })),
            ),
        ] {
            page[name] = value;
        }
        page
    };
    let item = json!({ "href": "/activities/x", "title": "t", "kind": "k", "host": "u", "at": "15:00", "planned": true, "late": true, "note": "1/2" });
    let month = json!({ "weeks": [[{ "day": 2, "date": "2026-11-02", "own": true, "today": true, "items": [item] }, { "day": 1, "date": "2026-12-01", "own": false, "today": false, "items": [] }]],
        "month": "2026-11", "unit": "", "unit_name": null, "before": "/", "after": "/", "form": no_form, "cut": true, "any": false, "may_plan": true, "crumbs": [] });
    let plan = json!({ "units": ["n"], "may_call": true, "calls": calls, "id": "x", "title": "t", "host": "u", "form": form, "crumbs": [], "kind": "k", "starts": "2026-11-20 15:00", "ends": "2026-11-20 16:30",
        "location": "x", "state": "planned", "activity": "x", "history": [event], "may_plan": true, "may_record": true, "early": true, "leaves": [{ "id": "x", "name": "n", "reason": "r", "answer": "a", "asked": "2026-11-20 08:00", "state": "x", "open": true }], "may_door": true, "pair": false, "door": { "state": "open", "opens": "2026-11-20 14:30", "closes": "2026-11-20 16:30", "came": 3 } });
    let reflection = |open: bool| {
        json!({ "id": "x", "title": "t", "form": form, "due": "2026-11-20", "least": 300, "most": 3000, "state": "x", "note": "n",
            "open": open, "crumbs": [] })
    };
    let receipt = json!({ "at": "2026-11-20 14:58", "first": true, "role": "x" });
    let phone = |receipt: Value, refused: Value| {
        json!({ "id": "x", "title": "t", "location": "l", "starts": "2026-11-20 15:00", "refused": refused,
            "receipt": receipt, "name": "n", "k": "0.0", "form": no_form })
    };
    let screen = |state: &str| {
        json!({ "id": "x", "title": "t", "location": "l", "starts": "15:00", "state": state, "present": 1, "expected": 2,
            "others": 1, "last": [{ "name": "n", "at": "14:58", "observer": true }], "opens": "2026-11-20 14:30", "closes": "16:30",
            "picture": "<svg></svg>", "room": "000000", "kiosk": "/", "at": "14:58:01", "recorded": false, "host": "u",
            "crumbs": [{ "label": "x", "href": "/" }], "may_record": true, "lang": "zh-CN" })
    };
    vec![
        ("activities/confirm.html", confirm(json!([waiting]))),
        ("activities/confirm.html", confirm(json!([]))),
        (
            "activities/confirmed.html",
            outcomes(json!([
                outcome(true, Value::Null),
                outcome(false, json!("x"))
            ])),
        ),
        ("activities/confirmed.html", outcomes(json!([]))),
        ("activities/list.html", list(json!([row]), json!([]))),
        (
            "activities/list.html",
            list(
                json!([]),
                json!([{ "label": "x", "without": "/activities" }]),
            ),
        ),
        ("activities/list.html", list(json!([]), json!([]))),
        ("activities/form.html", edit(roster.clone(), &plain)),
        ("activities/form.html", edit(json!([]), &shape("body"))),
        ("activities/form.html", edit(json!([]), &shape("pair"))),
        ("activities/form.html", edit(json!([]), &shape("open"))),
        ("activities/look.html", show(Value::Null, true, &no_form)),
        (
            "activities/look.html",
            show(json!("2026-11-21 09:00"), false, &form),
        ),
        ("activities/form.html", {
            let mut page = edit(json!([]), &plain);
            page["planning"] = json!(true);
            page
        }),
        (
            "activities/mine.html",
            json!({ "coming": [{ "id": "x", "title": "t", "host": "u", "starts": "2026-11-20 15:00", "location": "l", "leave": "x", "answer": "a",
                    "may_ask": true, "may_withdraw": true, "here": true }],
                "missed": [{ "id": "x", "title": "t", "date": "2026-11-13", "minutes": 90, "role": "x", "made": null, "here": false },
                    { "id": "y", "title": "t", "date": "2026-11-13", "minutes": 90, "role": "x", "made": "x", "here": true }],
                "written": [{ "id": "x", "title": "t", "date": "2026-11-13", "due": "2026-11-20", "state": "x" }],
                "form": form, "today": "2026-11-20", "may_file": true, "kinds": ".pdf" }),
        ),
        (
            "activities/mine.html",
            json!({ "coming": [], "missed": [], "written": [], "form": no_form, "today": "2026-11-20", "may_file": true, "kinds": ".pdf" }),
        ),
        ("activities/minutes.html", show(Value::Null, true, &no_form)),
        (
            "activities/minutes.html",
            show(json!("2026-11-21 09:00"), false, &no_form),
        ),
        ("activities/reflection.html", reflection(true)),
        ("activities/reflection.html", reflection(false)),
        (
            "activities/reflections.html",
            json!({ "id": "x", "title": "t", "form": form, "due": "2026-11-20", "crumbs": [], "rows": [{ "id": "x", "name": "n", "text": "a\nb",
                "note": "n", "at": "2026-11-20 15:00", "late": true, "like": "x", "code": "submitted", "state": "x", "characters": 2 }] }),
        ),
        (
            "activities/reflections.html",
            json!({ "id": "x", "title": "t", "form": no_form, "due": "2026-11-20", "crumbs": [], "rows": [] }),
        ),
        ("activities/screen.html", screen("open")),
        ("activities/screen.html", screen("early")),
        ("activities/screen.html", screen("closed")),
        ("activities/screen_part.html", screen("open")),
        ("activities/checkin.html", phone(json!(null), json!(null))),
        (
            "activities/checkin.html",
            phone(receipt.clone(), json!(null)),
        ),
        ("activities/checkin.html", phone(json!(null), json!("x"))),
        ("activities/kiosk.html", phone(json!(null), json!("x"))),
        ("activities/kiosk.html", phone(receipt, json!(null))),
        (
            "activities/sheet.html",
            json!({ "title": "t", "host": "u", "kind": "k", "location": "", "href": "/activities/x", "starts": "2026-11-20 15:00", "ends": "16:30",
                "code": "0000-0000", "blank": 2, "picture": "<svg></svg>", "rows": [{ "name": "n", "unit": "u", "post": "p" }] }),
        ),
        ("activities/calendar.html", month),
        ("activities/plan.html", plan),
        ("activities/details.html", json!({})),
        (
            "activities/amend.html",
            json!({ "form": form, "shape": shape("unit"), "id": "x", "title": "t", "kind": "k", "crumbs": [] }),
        ),
        (
            "activities/call_form.html",
            json!({ "form": form, "groups": [["", "—"]], "hosts": [["u", "n"]], "most": 4000, "crumbs": [] }),
        ),
        (
            "activities/call_form.html",
            json!({ "form": { "values": { "plan": "x" }, "errors": {}, "list": [] }, "groups": [["", "—"]], "hosts": [], "most": 4000, "crumbs": [] }),
        ),
        (
            "activities/history.html",
            json!({ "form": form, "rows": [{ "href": "/activities/history/x", "name": "a.xlsx", "at": "2026-11-20 15:00", "reversed": true }],
                "most": 2000, "columns": "x", "crumbs": [] }),
        ),
        (
            "activities/history.html",
            json!({ "form": no_form, "rows": [], "most": 2000, "columns": "x", "crumbs": [] }),
        ),
        (
            "activities/history_preview.html",
            json!({ "form": form, "id": "x", "sheet": { "value": "x|a.xlsx", "name": "a.xlsx" }, "scans": [{ "value": "x|b.pdf", "name": "b.pdf" }],
                "mark": "1", "faults": [{ "cell": "B2", "text": "x" }], "fault_count": 201, "faulty": 1, "rows": [past], "fine": 201, "declared": 1,
                "known": 1, "conflicts": [{ "field": "choose-3", "rows": [past], "known": [{ "date": "2025-03-01", "title": "t", "sessions": 1, "present": 3 }] }],
                "shown": 200, "crumbs": [] }),
        ),
        (
            "activities/history_show.html",
            json!({ "id": "x", "name": "a.xlsx", "at": "2026-11-20 15:00", "scans": ["b.pdf"], "reversed": "2026-11-20 16:00", "reason": "r",
                "rows": [{ "href": "/activities/x", "title": "t", "kind": "k", "unit": "u", "date": "2025-03-01", "reversed": true }],
                "totals": [{ "title": "t", "kind": "k", "unit": "u", "date": "2025-03-01", "sessions": 3, "present": 20 }],
                "may_reverse": true, "form": no_form, "crumbs": [] }),
        ),
        ("activities/call.html", call(false)),
        ("activities/call.html", call(true)),
        ("activities/opinion.html", opinion(true)),
        ("activities/opinion.html", opinion(false)),
        (
            "activities/part.html",
            json!({ "id": "x", "unit_id": "u", "unit": "n", "title": "t", "date": "2026-11-20", "host": "h", "roster": roster,
                "roles": [{ "code": "present", "label": "x" }], "form": no_form, "crumbs": [] }),
        ),
        (
            "activities/part.html",
            json!({ "id": "x", "unit_id": "u", "unit": "n", "title": "t", "date": "2026-11-20", "host": "h", "roster": [],
                "roles": [], "form": form, "crumbs": [] }),
        ),
        ("activities/show.html", show(Value::Null, true, &no_form)),
        (
            "activities/show.html",
            show(json!("2026-11-21 09:00"), false, &form),
        ),
    ]
}
