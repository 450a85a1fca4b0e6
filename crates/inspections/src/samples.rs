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
    let mut all = vec![
        ("inspections/items.html", json!({})),
        ("inspections/outbox.html", json!({})),
    ];
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
    all.extend(plans());
    all.extend(tasks());
    all
}

fn plans() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let pager =
        json!({ "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] });
    let row = json!({ "href": "/", "title": "t", "kind": "k", "host": "h", "opens": "2026-11-20", "until": "2026-11-30", "done": "1/3",
        "findings": "2", "tag": tag(), "round": 2 });
    let chip = json!([{ "label": "x", "without": "/" }]);
    for (rows, chips) in [
        (json!([row]), json!([])),
        (json!([]), chip),
        (json!([]), json!([])),
    ] {
        all.push((
            "inspections/list.html",
            json!({ "rows": rows, "chips": chips, "q": "", "kinds": [["k", "n"]], "kind": "k", "states": [["running", "x"]],
                "state": "running", "years": [2026], "year": 2026,
                "table": web::table::Table::sample_with(&crate::plan_pages::COLUMNS), "pager": pager, "clear": "/inspections",
                "may_plan": true }),
        ));
    }
    for full in [true, false] {
        all.push((
            "inspections/plan-new.html",
            json!({ "form": form(!full), "crumbs": crumbs(), "kinds": [["k", "n"]], "forms": [["f", "n"]], "repeats": [["never", "x"]],
                "reaches": [["below", "x"]], "categories": if full { json!(["c"]) } else { json!([]) },
                "bodies": if full { json!([["party-branch", "x"]]) } else { json!([]) } }),
        ));
    }
    let progress = json!({ "all": 3, "done": 1, "findings": 2, "percent": 33 });
    let team = |full: bool| {
        json!({ "id": "g", "name": "n", "region": if full { "r" } else { "" }, "members": ["a", "b"], "progress": progress,
            "window": full.then_some(["2026-11-20", "2026-11-21"]) })
    };
    let task = |full: bool| {
        json!({ "href": "/", "id": "x", "unit_id": "u", "unit": "u", "object": if full { "1" } else { "" }, "team": full.then_some("n"),
            "team_id": full.then_some("g"), "until": "2026-11-30", "tag": tag(), "share": full.then_some("85%"),
            "findings": full.then_some(2), "done": full, "barred": full, "first": full, "leg": full.then_some(1), "body": full })
    };
    for (mode, preparing) in [
        ("inspection", true),
        ("review", true),
        ("self", false),
        ("inspection", false),
    ] {
        let teams = if mode == "self" {
            json!([])
        } else {
            json!([team(true), team(false)])
        };
        let mut form = form(mode == "review");
        form["values"]["team-id"] = json!("x");
        all.push((
            "inspections/plan.html",
            json!({ "href": "/inspections/x", "crumbs": crumbs(), "form": form, "title": "t", "kind": "k", "mode": mode, "tag": tag(),
                "seq": 1, "basis": "b", "host": "h", "opens": "2026-11-20", "until": "2026-11-30", "repeats": "r",
                "round": if preparing { 2 } else { 1 }, "checklist": preparing.then_some("c"), "checklist_version": 1,
                "checklist_href": "/", "preparing": preparing, "running": !preparing,
                "tasks": if mode == "self" { json!([]) } else { json!([task(true), task(false)]) }, "teams": teams,
                "progress": progress, "recusals": if preparing { json!([{ "unit": "u", "person": "p", "reason": "r" }]) } else { json!([]) },
                "draws": if mode == "review" { json!([{ "unit": "u", "files": 9, "picked": ["1", "2"], "size": 3, "root": "r", "at": "x", "seed": "s" }]) } else { json!([]) },
                "open_units": [["u", "n"]], "own_units": if preparing { json!([]) } else { json!([["u", "n"]]) },
                "bodies": !preparing, "routed": !preparing, "daily": if preparing { json!([]) } else { json!(["p"]) }, "plans": true, "results": (!preparing).then_some("/") }),
        ));
    }
    for full in [true, false] {
        let rows = match full {
            true => {
                json!([{ "href": "/", "cells": ["u", "", "t", "2026-11-20", "85%", "90%", "-5%", "2"] }])
            }
            false => json!([]),
        };
        all.push((
            "inspections/results.html",
            json!({ "title": "t", "crumbs": crumbs(), "href": "/", "rows": rows, "heads": ["a", "b", "c", "d", "e", "f", "g", "h"],
                "mean": full.then_some("85%"), "n": 1, "findings": 2 }),
        ));
    }
    all
}

fn tasks() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let head = |full: bool| {
        json!({ "href": "/inspections/tasks/x", "plan": "p", "plan_href": "/", "unit": "u", "object": if full { "1" } else { "" },
            "host": "h", "until": "2026-11-30", "tag": tag(), "team": full.then_some("g"), "code": "ABCDEFGH23", "version": 1,
            "mode": "inspection", "form": "f", "form_version": 1, "basis": "b", "crumbs": crumbs() })
    };
    let answered = |full: bool| {
        let mut item = item(full);
        item["answer"] = json!(full.then_some("3"));
        item["note"] = json!(if full { "n" } else { "" });
        item["place"] = json!(full.then_some("p"));
        item["bad"] = json!(full);
        item["files"] = if full { json!(["/"]) } else { json!([]) };
        item
    };
    let found = json!([
        { "title": "t", "severity": "s", "mended": true, "note": "n", "kept": null },
        { "title": "t", "severity": null, "mended": false, "note": "", "kept": { "href": "/", "number": "1", "closed": true } },
    ]);
    let outcome = |full: bool| {
        json!({ "n": 2, "on": "2026-11-20", "by": "b", "at": "2026-11-20 17:00", "reason": if full { "r" } else { "" }, "points": "85",
            "full": "100", "share": full.then_some("85%"), "found": if full { found.clone() } else { json!([]) },
            "sections": [{ "title": "t", "items": [answered(true), answered(false)], "points": "1", "full": if full { "2" } else { "0" } }],
            "paper": if full { json!([{ "name": "n", "href": "/" }]) } else { json!([]) } })
    };
    let objection = |upheld: Option<bool>| json!({ "id": "o", "n": 1, "text": "t", "by": "b", "at": "x", "upheld": upheld, "answer": "a", "decided_by": upheld.map(|_| "d") });
    for full in [true, false] {
        all.push((
            "inspections/task.html",
            json!({ "head": head(full), "form": form(!full), "outcomes": if full { json!([outcome(true), outcome(false)]) } else { json!([]) },
                "objections": [objection(None), objection(Some(true)), objection(Some(false))], "fills": true, "open": 3, "done": full,
                "may_look": full, "may_object": full, "object_until": full.then_some("2026-11-30"), "may_decide": full,
                "self_share": full.then_some("90%") }),
        ));
        let kinds = [
            "check", "choice", "several", "count", "score", "text", "day",
        ];
        let items = kinds.map(|kind| {
            let mut item = item(full);
            item["kind"] = json!(kind);
            item["options"] =
                json!([{ "code": "o", "text": "o", "share": "100", "deficient": true }]);
            item["value"] = json!(if kind == "check" { "yes" } else { "" });
            item["chosen"] = json!(["o"]);
            item["na"] = json!(!full);
            item["note"] = json!("n");
            item["place"] = json!("p");
            item["mark"] = json!("-");
            item["said"] = json!(full.then_some("s"));
            item["rivals"] = if full {
                json!([{ "device": "d", "said": "s", "note": "n", "place": "p", "by": "b", "at": "x" },
                    { "device": "", "said": "s", "note": "", "place": "", "by": null, "at": "x" }])
            } else {
                json!([])
            };
            item["error"] = json!((!full).then_some("e"));
            item["files"] = if full {
                json!([{ "sha256": "0", "href": "/" }])
            } else {
                json!([])
            };
            item["code"] = json!(kind);
            item
        });
        all.push((
            "inspections/fill.html",
            json!({ "head": head(full), "form": form(!full), "tabs": [{ "code": "s", "title": "t", "open": 2, "current": true, "href": "/" },
                { "code": "r", "title": "t", "open": 0, "current": false, "href": "/" }], "section": "s", "title": "t", "items": items,
                "next": full.then_some("r"), "n": 1, "of": 2, "open": 2, "task": "x", "corrects": !full }),
        ));
        let wanting = json!({ "code": "x", "text": "t", "answer": "否", "note": "n", "place": full.then_some("p"), "title": "t",
            "severity": "s", "way": if full { "case" } else { "mended" }, "how": "h", "error": (!full).then_some("e"),
            "owner": "o", "owner_error": (!full).then_some("e") });
        all.push((
            "inspections/hand-in.html",
            json!({ "head": head(full), "form": form(!full), "missing": if full { json!([{ "text": "t", "why": "w", "href": "/" }, { "text": "t", "why": "w", "href": null }]) } else { json!([]) },
                "found": [wanting], "severities": [["", "x"], ["s", "n"]], "points": "85", "full": "100",
                "share": full.then_some("85%"), "scored": full, "corrects": !full, "intake": full,
                "task": "x", "held": [{ "value": "x", "name": "n" }] }),
        ));
        all.push((
            "inspections/hand-in.html",
            json!({ "head": head(full), "form": form(false), "missing": [], "found": [], "severities": [], "points": "0", "full": "0",
                "share": null, "scored": false, "corrects": false, "intake": full, "task": "x", "held": [] }),
        ));
        all.push((
            "inspections/sheet.html",
            json!({ "head": head(full), "sections": sections() }),
        ));
    }
    all
}
