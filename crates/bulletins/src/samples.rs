//! Sample contexts: one test renders every template with them in every language.

use serde_json::{Value, json};

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let no_form = json!({ "values": { "id": "x" }, "errors": {}, "list": [] });
    let form = json!({ "values": { "id": "x", "unit": "U", "title": "t", "version": "1", "about": "a", "house": "on", "reason": "r" },
        "errors": { "title": "x", "file": "x", "reason": "x" }, "list": [{ "field": "title", "text": "x" }] });
    let tag = json!({ "text": "x", "tone": "warn", "icon": null });
    let crumbs = json!([{ "label": "x", "href": "/" }]);
    let pager =
        json!({ "total": 1, "page": 1, "pages": 1, "previous": null, "next": null, "links": [] });
    let mut all = Vec::new();
    let row = |full: bool| {
        json!({ "href": "/bulletins/x", "title": "t", "unit": "u", "kind": "k", "issue": if full { "第3期" } else { "" },
            "date": if full { "2026-11-20" } else { "" }, "house": full, "tag": tag })
    };
    let list = |rows: Value, chips: Value, show: &str| {
        json!({ "rows": rows, "tabs": [{ "label": "x", "href": "/bulletins", "current": true }], "show": show, "chips": chips, "q": "",
            "kinds": [["k", "n"]], "kind": "k", "years": [2026], "year": 2026, "unit": "", "unit_name": null,
            "table": web::table::Table::sample_with(&crate::list_page::COLUMNS), "pager": pager, "clear": "/bulletins",
            "may_write": show == "desk" })
    };
    let chip = json!([{ "label": "x", "without": "/" }]);
    for (rows, chips, show) in [
        (json!([row(true), row(false)]), json!([]), "desk"),
        (json!([]), chip, "published"),
        (json!([]), json!([]), "withdrawn"),
        (json!([]), json!([]), "desk"),
    ] {
        all.push(("bulletins/list.html", list(rows, chips, show)));
    }
    let edit = |full: bool, form: &Value| {
        json!({ "form": form, "crumbs": crumbs, "kind": "k", "name": "n",
            "kinds": [{ "label": "a", "current": true, "href": "/" }, { "label": "b", "current": false, "href": "/" }],
            "unit": full.then_some("U"), "unit_name": full.then_some("u"),
            "bulletin": if full { Value::Null } else { json!({ "id": "x", "version": 2, "title": "t" }) },
            "sections": if full { json!([["", "x"], ["s", "n"]]) } else { Value::Null }, "house": full, "levels": [["internal", "x"]],
            "kept": [{ "sha256": "0", "name": "n" }], "held": [{ "value": "x", "name": "n" }],
            "recent": if full { json!([["a", "2026-11-20 t"]]) } else { json!([]) } })
    };
    all.push(("bulletins/form.html", edit(true, &no_form)));
    all.push(("bulletins/form.html", edit(true, &form)));
    all.push(("bulletins/form.html", edit(false, &form)));
    let moment = json!({ "title": "x", "at": "2026-11-20 17:00", "quote": "x", "state": "done" });
    let said = json!({ "at": "2026-11-20 17:00", "reason": "x" });
    let show = |full: bool, first: Value, form: &Value| {
        json!({ "href": "/bulletins/x", "title": "t", "crumbs": crumbs, "form": form, "tag": tag, "head": "h", "issue": full.then_some("第3期"),
            "unit": "u", "date": full.then_some("2026-11-20"), "version": 2, "section": full.then_some("s"), "paragraphs": ["p"],
            "pictures": if full { json!([{ "name": "n", "href": "/" }]) } else { json!([]) }, "hidden": !full, "author": full.then_some("n"),
            "readers": if full { json!([["报", "x"]]) } else { json!([]) }, "mark": full.then_some("x"), "level": "x", "house": full, "kind": "k",
            "about": if full { json!({ "title": "t", "href": "/" }) } else { json!({ "title": "t", "href": null }) },
            "returned": if full { said.clone() } else { Value::Null }, "withdrawn": if full { Value::Null } else { said.clone() },
            "events": if full { json!([moment]) } else { json!([]) }, "earlier": if full { json!([{ "n": 1, "title": "t", "paragraphs": ["p"] }]) } else { json!([]) },
            "typed_reason": full.then_some("r"), "may_edit": full, "may_recall": !full, "may_review": true, "first": first,
            "may_withdraw": full, "may_take": full })
    };
    all.push((
        "bulletins/show.html",
        show(true, json!({ "last": null }), &no_form),
    ));
    all.push((
        "bulletins/show.html",
        show(true, json!({ "last": 3 }), &form),
    ));
    all.push(("bulletins/show.html", show(false, Value::Null, &no_form)));
    all
}
