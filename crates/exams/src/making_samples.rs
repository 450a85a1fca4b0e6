//! Sample contexts of the officer's pages: one test renders every template with them in every language.

use serde_json::{Value, json};

fn crumbs() -> Value {
    json!([{ "label": "x", "href": "/" }])
}

fn pager() -> Value {
    json!({ "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] })
}

fn no_form() -> Value {
    json!({ "values": { "id": "x" }, "errors": {}, "list": [] })
}

fn bad_form(field: &str) -> Value {
    json!({ "values": { "id": "x", "version": "2" }, "errors": { field: "x" }, "list": [{ "field": field, "text": "x" }] })
}

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let row = json!({ "href": "/exams/x", "title": "t", "unit": "u", "kind": "k", "opens": "o", "candidates": "3", "tag": tag });
    let list = |rows: Value, chips: Value, write: bool| {
        json!({ "rows": rows, "chips": chips, "q": "", "kinds": [["k", "n"]], "kind": "k", "states": [["draft", "x"]], "state": null,
            "unit": "", "unit_name": null, "table": web::table::Table::sample_with(&crate::exam_pages::COLUMNS),
            "pager": pager(), "clear": "/exams", "may_write": write })
    };
    let chip = json!([{ "label": "x", "without": "/" }]);
    for (rows, chips, write) in [
        (json!([row]), json!([]), true),
        (json!([]), chip, false),
        (json!([]), json!([]), true),
        (json!([]), json!([]), false),
    ] {
        all.push(("exams/list.html", list(rows, chips, write)));
    }
    for (form, exam, unit) in [
        (no_form(), Value::Null, Value::Null),
        (
            bad_form("title"),
            json!({ "id": "x", "version": 3 }),
            json!("u"),
        ),
    ] {
        all.push((
            "exams/form.html",
            json!({ "form": form, "crumbs": crumbs(), "kinds": [["k", "n"]], "levels": [["internal", "x"]], "takes": [["best", "x"]],
                "shows": [["by-hand", "x"]], "makes_up": [["", "x"]], "unit_name": unit, "exam": exam }),
        ));
    }
    let steps = json!([{ "label": "x", "note": "", "state": "done" }, { "label": "y", "note": "1", "state": "now" }]);
    for (state, full) in [
        ("draft", true),
        ("open", false),
        ("coming", true),
        ("over", true),
    ] {
        all.push((
            "exams/show.html",
            json!({ "href": "/exams/x", "title": "t", "crumbs": crumbs(), "form": if full { bad_form("reason") } else { no_form() },
                "tag": tag, "state": state, "unit": "u", "kind": "k", "window": "w", "minutes": "m", "late": "l", "grace": 120,
                "attempts": 1, "takes": "x", "pass": full.then_some("60"), "shows": "x", "level": "x",
                "makes_up": full.then(|| json!({ "href": "/exams/y", "title": "y" })), "notice": if full { json!(["n"]) } else { json!([]) },
                "items": 3, "points": "100", "admitted": 2, "steps": steps, "version": 1, "may_write": full,
                "released": full.then_some("2026-11-20 09:00"), "may_supervise": full, "may_results": full }),
        ));
    }
    papers(&mut all);
    people(&mut all);
    all
}

fn papers(all: &mut Vec<(&'static str, Value)>) {
    let prose = json!([{ "br": false, "src": null, "text": "x" }, { "br": true, "src": null, "text": "" }, { "br": false, "src": "/x", "text": "p" }]);
    let option = json!([{ "letter": "A", "text": prose }]);
    let question = |parts: Value, key: Value| {
        json!({ "kind": "k", "code": "single", "stem": prose, "options": option, "targets": option, "parts": parts, "key": key,
            "explanation": prose, "article": "a", "points": ["p"], "difficulty": 2, "number": 1, "worth": "2" })
    };
    let whole = question(json!([question(json!([]), Value::Null)]), json!("A"));
    let sheet = json!([{ "title": "一", "count": 1, "full": "2", "items": [whole] }]);
    all.push(("exams/parts.html", json!({})));
    for sections in [sheet.clone(), json!([])] {
        all.push((
            "exams/preview.html",
            json!({ "href": "/exams/x", "crumbs": crumbs(), "title": "t", "seed": "7", "sections": sections, "count": 1, "points": "2" }),
        ));
    }
    let answer = |kind: &str, letters: Value, blanks: i64| {
        json!({ "number": 1, "letters": letters, "blanks": blanks, "lines": 2, "pairs": 2, "kind": kind, "worth": "2", "key": "A",
            "parts": if kind == "case" { json!(["A", ""]) } else { json!([]) } })
    };
    let answers = json!([
        answer("single", json!(["A", "B"]), 0),
        answer("ordering", json!(["A"]), 0),
        answer("fill-in", json!([]), 2),
        answer("essay", json!([]), 0),
        answer("case", json!([]), 0)
    ]);
    for what in ["questions", "answers", "key"] {
        all.push((
            "exams/print.html",
            json!({ "what": what, "href": "/exams/x", "crumbs": crumbs(), "title": "t", "unit": "u", "minutes": 60, "points": "100",
                "count": 3, "mark": if what == "key" { Value::Null } else { json!("内部") }, "seed": if what == "key" { json!("7") } else { Value::Null },
                "notice": ["n"], "sections": sheet, "answers": answers }),
        ));
    }
    let item = |full: bool| {
        json!({ "number": 1, "stem": "s", "kind": "k", "difficulty": full.then_some(2), "points": "2", "tags": ["p"],
            "href": full.then_some("/questions/x"), "version": full.then_some(1) })
    };
    let section = |n: i64, title: &str| json!({ "n": n, "title": title, "items": [item(true), item(false)], "pick": 1 + n, "pool": 2, "full": "4", "rule": "exact", "each": "2" });
    let spread = json!({ "rows": [{ "kind": "k", "count": 1, "points": "2" }], "count": 1, "points": "2", "difficulty": null });
    let values =
        json!({ "q": "", "bank": "", "kind": "", "difficulty": "", "point": "", "points": "2" });
    let found = |rows: Value| json!({ "rows": rows, "pager": pager(), "banks": [["b", "n"]] });
    let row = |on: bool| json!({ "id": "q", "stem": "s", "kind": "k", "difficulty": 0, "tags": ["p"], "on": on, "href": "/" });
    for (draft, sections, found) in [
        (
            true,
            json!([section(0, "一"), section(1, "")]),
            found(json!([row(true), row(false)])),
        ),
        (true, json!([]), found(json!([]))),
        (false, json!([section(0, "一")]), Value::Null),
    ] {
        all.push((
            "exams/paper.html",
            json!({ "href": "/exams/x", "crumbs": crumbs(), "form": { "values": values, "errors": {}, "list": [] }, "title": "t", "version": 1,
                "draft": draft, "sections": sections, "spread": spread, "mixed": true, "mixed_options": false, "found": found,
                "kinds": [["single", "x"]], "rules": [["exact", "x"]] }),
        ));
    }
    let row = |error: Value, there: Value| {
        json!({ "n": 1, "kind": "single", "point": "p", "difficulty": "", "count": "2", "each": "2", "pool": "", "rule": "exact",
            "there": there, "error": error })
    };
    for (form, seed) in [(no_form(), Value::Null), (bad_form("row-1"), json!("7"))] {
        all.push((
            "exams/blueprint.html",
            json!({ "href": "/exams/x", "crumbs": crumbs(), "title": "t", "version": 1, "rows": [row(json!("x"), json!(9)), row(Value::Null, Value::Null)],
                "kinds": [["single", "x"]], "points": ["p"], "rules": [["exact", "x"]], "form": form, "seed": seed }),
        ));
    }
}

fn people(all: &mut Vec<(&'static str, Value)>) {
    let row = |off: bool| json!({ "href": "/", "name": "n", "number": "1", "unit": "u", "place": "", "extra": "10", "ticket": "x", "attempts": "1", "off": off });
    for (rows, chips, may, without) in [
        (json!([row(true), row(false)]), json!([]), true, 2),
        (
            json!([]),
            json!([{ "label": "x", "without": "/" }]),
            false,
            0,
        ),
        (json!([]), json!([]), true, 0),
    ] {
        all.push((
            "exams/candidates.html",
            json!({ "href": "/exams/x", "here": "/exams/x/candidates", "title": "t", "crumbs": crumbs(), "rows": rows, "chips": chips,
                "q": "", "places": ["一"], "place": null, "show": "all", "audiences": [["", "x"]], "form": if may { bad_form("people") } else { no_form() },
                "without": without, "may": may, "print": "/", "table": web::table::Table::sample_with(&crate::admission_page::COLUMNS), "pager": pager() }),
        ));
    }
    for (ticket, off) in [(true, false), (false, false), (false, true)] {
        all.push((
            "exams/candidate.html",
            json!({ "here": "/", "href": "/", "candidate": "c", "crumbs": crumbs(), "name": "n", "number": "1", "unit": "", "ticket": ticket,
                "off": off, "attempts": 0, "form": if off { bad_form("reason") } else { no_form() } }),
        ));
    }
    let card = |extra: i64| json!({ "name": "n", "number": "", "unit": "u", "place": "", "ticket": "AAAA", "extra": extra, "picture": "<svg></svg>" });
    for cards in [json!([card(0), card(10)]), json!([])] {
        all.push((
            "exams/tickets.html",
            json!({ "title": "t", "crumbs": crumbs(), "window": "w", "minutes": 60, "cards": cards, "address": "a", "back": "/" }),
        ));
    }
    let rate = |percent: Value| json!({ "part": 1, "whole": 2, "percent": percent });
    let figures = |percent: Value, mean: Value| json!({ "admitted": 2, "sat": 2, "counted": 2, "pass": rate(percent), "mean": mean });
    let person = |bad: bool| {
        json!({ "name": "n", "number": "", "unit": null, "place": "", "attempts": 1, "points": bad.then_some("1"), "state": "x", "bad": bad,
            "at": null, "href": bad.then_some("/") })
    };
    for full in [true, false] {
        let rows = json!([
            { "name": "u", "href": "/", "figures": figures(json!("50.0%"), json!("3")) },
            { "name": "u", "href": null, "figures": figures(Value::Null, Value::Null) }
        ]);
        all.push((
            "exams/results.html",
            json!({ "href": "/exams/x", "crumbs": crumbs(), "title": "t", "form": no_form(), "rows": rows,
                "people": if full { json!([person(true), person(false)]) } else { json!([]) }, "pager": pager(),
                "whole": figures(Value::Null, json!("2")), "unit": full.then_some("u"), "pass": full.then_some("60"), "open": i64::from(full),
                "may_release": full, "released": (!full).then_some("x"), "settled": full, "here": "/exams/x/results",
                "unit_id": full.then_some("u"), "q": "", "states": [["passed", "x"]], "state": full.then_some("passed"),
                "chips": if full { json!([]) } else { json!([{ "label": "x", "without": "/" }]) },
                "table": web::table::Table::sample_with(&crate::results_page::COLUMNS) }),
        ));
        let item = |newer: Value| {
            json!({ "number": 1, "stem": "s", "kind": "k", "href": full.then_some("/"), "version": full.then_some(1), "right": rate(json!("50.0%")),
                "score": null, "newer": newer, "corrected": full.then_some(2) })
        };
        all.push((
            "exams/items.html",
            json!({ "href": "/exams/x", "crumbs": crumbs(), "title": "t", "rows": [item(json!(2)), item(Value::Null)],
                "points": if full { json!([{ "path": "p", "right": rate(Value::Null), "weak": true, "case": null },
                    { "path": "q", "right": rate(json!("5.0%")), "weak": true, "case": { "number": "ZG-1", "href": "/", "closed": true } },
                    { "path": "r", "right": rate(json!("5.0%")), "weak": false, "case": { "number": "ZG-2", "href": "/", "closed": false } }]) } else { json!([]) },
                "below": full.then_some(60), "may_raise": full,
                "form": if full { bad_form("reason") } else { no_form() }, "may_remark": full }),
        ));
        all.push((
            "exams/pinned.html",
            json!({ "crumbs": crumbs(), "newest": full.then_some(2), "question": "/",
                "rows": [{ "title": "t", "href": "/", "version": 1, "old": full, "opens": "o" }] }),
        ));
        let question = json!({ "kind": "k", "code": "single", "stem": [], "options": [], "targets": [], "parts": [], "key": "A", "explanation": [],
            "article": "", "points": [], "difficulty": null, "number": 1, "worth": "2", "answer": if full { "B" } else { "" },
            "got": full.then_some("0"), "right": full, "waits": false, "item": 1, "score": full,
            "files": if full { json!([{ "name": "f", "kib": 1, "href": "/" }]) } else { json!([]) } });
        let mut waits = question.clone();
        waits["waits"] = json!(true);
        all.push((
            "exams/attempt.html",
            json!({ "here": "/", "crumbs": crumbs(), "title": "t", "name": "n", "number": "1", "attempt": 1, "began": "b",
                "submitted": full.then_some("s"), "points": full.then_some("1"), "full": full.then_some("2"), "waiting": i64::from(full),
                "counts": full, "void": (!full).then_some("r"), "questions": [question, waits],
                "history": if full { json!([{ "number": 1, "points": "1", "reason": "", "at": "a" }, { "number": 2, "points": "2", "reason": "r", "at": "a" }]) } else { json!([]) },
                "others": if full { json!([{ "number": 2, "href": "/" }]) } else { json!([]) }, "form": no_form() }),
        ));
    }
}
