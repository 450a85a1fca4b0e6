//! Templates of those who sit and of the room, and sample contexts for each: one test renders them in every language.

use serde_json::{Value, json};

/// The templates.
pub(crate) const TEMPLATES: &[(&str, &str)] = &[
    ("exams/sit.html", include_str!("../templates/sit.html")),
    (
        "exams/sit-door.html",
        include_str!("../templates/sit-door.html"),
    ),
    (
        "exams/sit-mine.html",
        include_str!("../templates/sit-mine.html"),
    ),
    (
        "exams/sit-receipt.html",
        include_str!("../templates/sit-receipt.html"),
    ),
    (
        "exams/sit-result.html",
        include_str!("../templates/sit-result.html"),
    ),
    (
        "exams/sit-appeal.html",
        include_str!("../templates/sit-appeal.html"),
    ),
    ("exams/room.html", include_str!("../templates/room.html")),
    (
        "exams/room-part.html",
        include_str!("../templates/room-part.html"),
    ),
    (
        "exams/room-seat.html",
        include_str!("../templates/room-seat.html"),
    ),
];

/// The contexts.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let empty = json!({ "values": {}, "errors": {}, "list": [] });
    let faulty = json!({ "values": { "text": "t", "reason": "r", "minutes": "1", "attempt": "x", "hash": "x" },
        "errors": { "text": "x", "attempt": "x", "minutes": "x" }, "list": [{ "field": "text", "text": "x" }] });
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let crumbs = json!([{ "label": "x", "href": "/" }]);
    let pager =
        json!({ "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] });
    let mut all = vec![
        ("exams/sit-door.html", json!({ "form": empty })),
        (
            "exams/sit-mine.html",
            json!({ "person": false, "groups": [] }),
        ),
        (
            "exams/sit-mine.html",
            json!({ "person": true, "groups": [] }),
        ),
    ];
    for account in [json!("x"), Value::Null] {
        all.push((
            "exams/sit.html",
            json!({ "exam": "x", "account": account, "name": account, "zone": "Asia/Shanghai", "words": "{}" }),
        ));
    }
    let row = |now: bool| {
        json!({ "exam": "x", "title": "t", "minutes": 60, "window": "w", "tag": tag, "sit": now, "now": now, "verb": "v",
            "results": if now { json!([]) } else { json!([{ "attempt": "x", "number": 1 }]) } })
    };
    all.push((
        "exams/sit-mine.html",
        json!({ "person": true, "groups": [{ "title": "t", "rows": [row(true), row(false)] }] }),
    ));
    for (verdict, form) in [
        (Value::Null, &empty),
        (json!("holds"), &empty),
        (json!("differs"), &faulty),
    ] {
        all.push((
            "exams/sit-receipt.html",
            json!({ "verdict": verdict, "answered": 3, "at": "2026-11-20 10:00:00", "form": form }),
        ));
    }
    let looked = |full: bool| {
        json!({ "number": 1, "item": 1, "kind": "k", "tag": tag, "points": "2", "full": "2", "stem": ["a", "b"],
            "options": if full { json!(["A. x"]) } else { json!([]) }, "answer": if full { "A" } else { "" },
            "key": if full { "B" } else { "" }, "explanation": if full { "e" } else { "" },
            "article": if full { "a" } else { "" }, "study": if full { json!(["p"]) } else { json!([]) } })
    };
    let item = |full: bool, appeal: Value| {
        let mut item = looked(full);
        item["appeal"] = appeal;
        item["appeal_id"] = json!("x");
        item["error"] = json!(full.then_some("x"));
        item["typed"] = json!("t");
        item
    };
    let result = |full: bool, items: Value| {
        let n = |n: i64| full.then_some(n);
        json!({ "title": "t", "attempt": "x", "shows": if full { "at-once" } else { "by-hand" }, "at": "x", "crumbs": crumbs,
            "points": n(1), "full": n(2), "correct": n(1), "waiting": n(1), "passed": full.then_some(true), "items": items, "void": full.then_some("x"),
            "study": if full { json!([{ "path": "p", "wrong": 2 }]) } else { json!([]) }, "may_appeal": full,
            "ticket": full.then(|| json!({ "code": "x", "others": [["x", 1]] })),
            "hash": "x", "answered": 1 })
    };
    let appeal = json!({ "tag": tag, "href": "/requests/x", "answer": "a" });
    all.push((
        "exams/sit-result.html",
        result(true, json!([item(true, Value::Null), item(false, appeal)])),
    ));
    all.push(("exams/sit-result.html", result(false, json!([]))));
    for (answer, own, open, form) in [
        ("", false, true, &faulty),
        ("", true, true, &empty),
        ("a", false, false, &empty),
    ] {
        all.push((
            "exams/sit-appeal.html",
            json!({ "id": "x", "title": "t", "at": "x", "detail": "d", "who": "w", "tag": tag, "request": "/requests/x",
                "crumbs": crumbs, "looked": (!own).then(|| looked(open)), "answer": answer, "own": own, "open": open,
                "form": form }),
        ));
    }
    let seat = |full: bool| {
        json!({ "name": "n", "unit": "u", "attempt": full.then_some("x"), "number": 1, "tag": tag, "unlocked": full,
            "began": full.then_some("x"), "deadline": full.then_some("x"), "submitted": null, "silent": full.then_some(3),
            "signals": 2, "behind": full, "how": if full { "" } else { "h" } })
    };
    let part = |rows: Value, nobody: bool| {
        json!({ "id": "x", "tabs": [{ "label": "x", "count": 1, "current": true, "href": "/" }], "rows": rows,
            "pager": pager, "at": "10:00:00", "nobody": nobody, "clear": "/", "refresh": "/" })
    };
    let log = json!([{ "title": "t", "who": "w", "text": "x", "at": "x", "by": "b" }, { "title": "t", "who": null, "text": "x", "at": "x", "by": "" }]);
    for (rows, nobody, form) in [
        (json!([seat(true), seat(false)]), false, &faulty),
        (json!([]), false, &empty),
        (json!([]), true, &empty),
    ] {
        let part = part(rows, nobody);
        all.push(("exams/room-part.html", part.clone()));
        let mut room = part;
        for (name, value) in [
            ("title", json!("t")),
            ("window", json!("w")),
            ("crumbs", crumbs.clone()),
            ("q", json!("")),
            ("state", json!("")),
            ("sitting", json!(3)),
            ("form", form.clone()),
        ] {
            room[name] = value;
        }
        room["log"] = if nobody { json!([]) } else { log.clone() };
        room["news"] = match nobody {
            true => json!([]),
            false => json!([{ "text": "t", "at": "x", "by": "b", "heard": 1 }]),
        };
        all.push(("exams/room.html", room));
    }
    for (open, form) in [(true, &faulty), (false, &empty)] {
        all.push((
            "exams/room-seat.html",
            json!({ "id": "x", "attempt": "x", "seat": seat(open), "form": form, "open": open, "crumbs": crumbs,
                "signals": if open { json!([{ "text": "t", "at": "x" }]) } else { json!([]) },
                "log": if open { log.clone() } else { json!([]) } }),
        ));
    }
    all
}
