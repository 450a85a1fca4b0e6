//! A sample of each template, for the test that renders all of them.

use serde_json::{Value, json};
use web::Form;
use web::table::Table;
use web::view::Pager;

use crate::list_page::COLUMNS;

fn pager() -> Pager {
    Pager::new(2, 20, 1, |n| format!("?page={n}"))
}

fn with(base: &Value, changes: &[(&str, Value)]) -> Value {
    let mut value = base.clone();
    for (key, change) in changes {
        value[*key] = change.clone();
    }
    value
}

fn row() -> Value {
    let tag = json!({ "text": "整改中", "tone": "brand", "icon": null });
    json!({ "id": "1", "href": "/cases/1", "number": "ZG-2026-0001", "title": "窗口排队过长", "kind": "问题整改", "severity": "较大",
        "area": "服务群众", "source": "巡视巡察", "unit": "法治科", "owner": "甲某", "supervisor": "乙某", "tag": tag,
        "segs": ["d", "d", "a", ""], "stage": "解题", "measures": "1/2", "raised": "2026-11-20", "until": "2027-01-01",
        "due_tag": { "text": "超期 3 天", "tone": "bad", "icon": "alert-triangle" }, "closed": "2026-12-01", "extensions": 1, "recurred": 2,
        "looking": true, "declared": true, "state_open": true })
}

fn bare_row() -> Value {
    let nothing = [
        ("owner", json!(null)),
        ("supervisor", json!(null)),
        ("unit", json!(null)),
        ("measures", json!(null)),
        ("closed", json!(null)),
        ("area", json!("")),
        ("extensions", json!(0)),
        ("recurred", json!(0)),
        ("looking", json!(false)),
        ("declared", json!(false)),
        ("state_open", json!(false)),
    ];
    with(&row(), &nothing)
}

fn lists(all: &mut Vec<(&'static str, Value)>) {
    let list = json!({ "rows": [row(), bare_row()], "tab": "unit", "tabs": [["unit", "单位问题", "/cases?tab=unit"]], "view": "problems",
        "views": [["problems", "问题清单", "/cases?view=problems"]],
        "stages": [{ "code": "point", "name": "点题", "note": "x", "icon": "search", "n": 3, "href": "/cases?stage=point" }], "stage": "point",
        "kinds": [["problem", "问题整改"]], "kind": "problem", "areas": [["service", "服务群众"]], "area": "service",
        "sources": [["audit", "审计"]], "source": "", "unit": ["O1", "法治科"], "late": true, "soon": true, "recurring": true,
        "looking": true, "q": "排队", "chips": [{ "label": "x", "without": "/cases" }], "clear": "/cases", "may_evaluate": true, "may_raise": true,
        "may_batch": true, "outcome": { "text": "1", "problems": ["ZG-2026-0001 有了新的进展"], "good": false }, "more": true,
        "here": "/cases?view=all", "wall": "/cases/wall", "table": Table::sample_with(&COLUMNS), "pager": pager() });
    let none = [
        ("rows", json!([])),
        ("chips", json!([])),
        ("stages", json!([])),
        ("unit", json!(null)),
        ("outcome", json!(null)),
        ("may_raise", json!(false)),
        ("may_batch", json!(false)),
    ];
    all.push(("cases/list.html", with(&list, &[("rows", json!([]))])));
    all.push(("cases/list.html", with(&list, &none)));
    all.push(("cases/list.html", list));
    let wall = json!({ "rows": [row(), bare_row()], "total": 3, "left": 1, "today": "2026-11-20", "crumbs": [] });
    all.push((
        "cases/wall.html",
        with(&wall, &[("rows", json!([])), ("left", json!(0))]),
    ));
    all.push(("cases/wall.html", wall));
    let task = json!({ "href": "/cases/1", "number": "ZG-2026-0001", "title": "窗口排队过长", "text": "修订制度", "unit": "法治科",
        "owner": "甲某", "due": "2026-12-01", "late": true });
    let tasks = json!({ "rows": [task], "mine": true, "may_all": true, "pager": pager(), "export": "/cases/tasks.xlsx", "crumbs": [] });
    all.push((
        "cases/tasks.html",
        with(&tasks, &[("rows", json!([])), ("may_all", json!(false))]),
    ));
    all.push(("cases/tasks.html", tasks));
    let heat = json!({ "areas": ["服务群众"], "rows": [{ "name": "法治科", "href": "/cases", "sum": 2,
        "cells": [{ "n": 2, "level": 5, "href": "/cases" }, { "n": 0, "level": 0, "href": null }] }] });
    let column = json!({ "name": "点题", "n": 2, "href": "/cases", "note": "立项交办", "cards": [row(), bare_row()] });
    let board = json!({ "columns": [column, { "name": "破题", "n": 0, "href": "/cases", "note": "", "cards": [] }], "heat": heat,
        "kinds": [["problem", "问题整改"]], "kind": "problem", "rates": [{ "name": "按期整改率", "href": "/indicators/x", "percent": "50.0",
                "part": { "n": 1, "href": "/indicators/y", "name": "按期验收" }, "whole": { "n": 2, "href": null, "name": "验收" } },
            { "name": "销号率", "href": null, "percent": null, "part": { "n": 0, "href": null, "name": "销号" }, "whole": { "n": 0, "href": null, "name": "立项" } }],
        "ages": [{ "name": "0—30 天", "n": 2, "href": "/cases", "bad": false }, { "name": "180 天以上", "n": 1, "href": "/cases", "bad": true }], "crumbs": [] });
    all.push((
        "cases/board.html",
        with(
            &board,
            &[
                ("heat", json!({ "areas": [], "rows": [] })),
                ("kind", json!("")),
            ],
        ),
    ));
    all.push(("cases/board.html", board));
}

/// What people have to learn because of a case: on record with and without an address, late, and open.
fn remedies() -> Value {
    let row = json!({ "no": 1, "name": "参加培训", "who": "甲某", "by": "2026-12-01", "needed": true, "late": false,
        "met": { "day": "2026-11-20", "href": "/activities/1", "title": "业务培训" } });
    let bare = [(
        "met",
        json!({ "day": "2026-11-20", "href": null, "title": null }),
    )];
    let late = [
        ("met", json!(null)),
        ("late", json!(true)),
        ("who", json!(null)),
    ];
    let open = [
        ("met", json!(null)),
        ("no", json!(2)),
        ("needed", json!(false)),
    ];
    json!({ "rows": [row, with(&row, &bare), with(&row, &late), with(&row, &open)], "kinds": [["class", "参加培训"]], "may_ask": true,
        "may_need": true })
}

fn chain(all: &mut Vec<(&'static str, Value)>) {
    let tag = json!({ "text": "整改中", "tone": "brand", "icon": null });
    let row = json!({ "href": "/cases/1", "number": "ZG-2026-0001", "title": "窗口排队过长", "unit": "法治科", "raised": "2026-11-20",
        "tag": tag, "due_tag": tag, "closed": null, "end": null, "looking": false, "look_on": null, "reopenings": 0,
        "remedies": remedies()["rows"] });
    let closed = [
        ("closed", json!("2026-12-01")),
        ("end", json!("已解决")),
        ("looking", json!(true)),
        ("reopenings", json!(1)),
        ("due_tag", json!(null)),
        ("unit", json!(null)),
        ("remedies", json!([])),
    ];
    let held = [
        ("closed", json!("2026-12-01")),
        ("end", json!("已解决")),
        ("look_on", json!("2027-03-01")),
    ];
    let page = json!({ "rows": [row, with(&row, &closed), with(&row, &held)], "mine": false, "may_all": true, "person": "", "name": null,
        "error": null, "pager": pager(), "crumbs": [] });
    let one = [
        ("rows", json!([])),
        ("person", json!("001")),
        ("name", json!("甲某")),
        ("error", json!("没有这个人")),
        ("pager", json!(null)),
    ];
    let mine = [
        ("rows", json!([])),
        ("mine", json!(true)),
        ("may_all", json!(false)),
        ("pager", json!(null)),
    ];
    for sample in [page.clone(), with(&page, &one), with(&page, &mine)] {
        all.push(("cases/chain.html", sample));
    }
}

fn show(all: &mut Vec<(&'static str, Value)>) {
    let verbs = crate::Verb::ALL.map(|v| json!({ "code": v.code(), "label": v.code() }));
    let event = json!({ "state": "ok", "who": "甲某", "text": "送验", "at": "2026-11-20 12:00", "quote": ["已办。"],
        "files": [{ "name": "照片.pdf", "sha256": "0f", "size": "1.0 KiB", "of": "2026-11-19" }], "stands": "待验收" });
    let clock = json!({ "state": "bad", "who": null, "text": "督办", "at": "2026-11-20 12:00", "quote": [], "files": [], "stands": null });
    let measure = json!({ "no": 1, "text": "修订制度", "owner": "甲某", "due": "2026-12-01", "done": "2026-11-20", "late": false });
    let open = with(
        &measure,
        &[
            ("no", json!(2)),
            ("done", json!(null)),
            ("late", json!(true)),
            ("owner", json!(null)),
        ],
    );
    let remedies = remedies();
    let full = json!({ "id": "1", "remedies": remedies, "number": "ZG-2026-0001", "title": "窗口排队过长", "detail": ["排队一小时。"],
        "tag": { "text": "整改中", "tone": "brand", "icon": null }, "due_tag": { "text": "剩 3 天", "tone": "warn", "icon": null },
        "kind": "问题整改", "severity": "较大", "area": "服务群众", "source": "审计", "clause": "履行职责", "unit": "法治科", "from": "市司法局",
        "owner": "甲某", "co": "丙某", "supervisor": "乙某", "raised": "2026-11-20", "due": "2027-01-01", "until": "2027-01-21",
        "closed": "2026-12-01", "extensions": 1, "refusals": 1, "reopenings": 1, "recurred": 2, "declared": true, "look": "回头看",
        "look_on": "2027-03-01", "origin": { "title": "检查", "href": "/x" }, "cause": ["职责不清"], "measures": [measure, open], "done": 1,
        "fields": [["验收标准", "不超过十五分钟"]], "spent": [["待交办", "1 天"]], "links": [{ "how": "反复", "href": "/cases/2", "title": "x" }],
        "asked": [{ "name": "v-solved", "label": "问题解决", "input": "select", "options": [["", "未填"], ["yes", "是"]], "value": "yes" },
            { "name": "v-words", "label": "意见", "input": "text", "options": [], "value": null }], "pending": "申请延期", "steps": [{ "label": "点题", "state": "done", "note": "" }, { "label": "破题", "state": "now", "note": "" },
            { "label": "解题", "state": "wait", "note": "" }, { "label": "验题", "state": "bad", "note": "" }],
        "events": [event, clock], "form": Form::default().with("seen", 1), "verbs": verbs, "may_measure": true, "why": "不能验收",
        "most": 4000, "today": "2026-11-20", "waiting": [{ "value": "x|y.pdf", "name": "y.pdf" }],
        "reporter": { "name": "某人", "contact": "1" }, "papers": [{ "code": "notice", "name": "整改通知书", "may": true }], "may_trace": true,
        "exposure": { "may": true, "since": null }, "shown": { "name": "某人", "contact": "1" }, "crumbs": [] });
    let mut form = Form::default().with("seen", 1).with("verb", "plan");
    for field in ["text", "cause", "measures", "day", "of", "owner", "named"] {
        form.errors.insert(field.into(), "有误".into());
    }
    let nothing = [
        ("verbs", json!([])),
        ("shown", json!(null)),
        ("reporter", json!(null)),
        ("pending", json!(null)),
        ("look", json!(null)),
        ("why", json!(null)),
        ("measures", json!([])),
        ("cause", json!([])),
        ("links", json!([])),
        ("spent", json!([])),
        ("fields", json!([])),
        ("origin", json!(null)),
        ("until", json!(null)),
        ("closed", json!(null)),
        ("look_on", json!(null)),
        ("owner", json!(null)),
        ("supervisor", json!(null)),
        ("unit", json!(null)),
        ("from", json!(null)),
        ("co", json!("")),
        ("may_measure", json!(false)),
        (
            "remedies",
            json!({ "rows": [], "kinds": [], "may_ask": false, "may_need": false }),
        ),
    ];
    all.push(("cases/show.html", with(&full, &nothing)));
    all.push((
        "cases/show.html",
        with(&full, &[("shown", json!(null)), ("form", json!(form))]),
    ));
    // Told in confidence: there is somebody, who is not said.
    all.push((
        "cases/show.html",
        with(&full, &[("shown", json!(null)), ("reporter", json!(false))]),
    ));
    all.push(("cases/show.html", full));
}

/// Every one.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    lists(&mut all);
    show(&mut all);
    chain(&mut all);
    let form = json!({ "form": Form::default().with("id", "1"), "kinds": [["problem", "问题整改"]], "kind": "problem", "kind_name": "问题整改",
        "quick": false, "may_quick": true, "severities": [["common", "一般（60 天）"]], "areas": [["", "无"]], "sources": [["", "无"]],
        "clauses": [["", "无"]], "fields": [{ "name": "v-x", "label": "验收标准", "input": "text", "required": false }],
        "from": [["B", "市司法局"]], "similar": [{ "href": "/cases/1", "title": "x", "day": "2026-11-20" }], "most": 4000, "title_most": 120,
        "waiting": [{ "value": "x|y.pdf", "name": "y.pdf" }], "crumbs": [] });
    let mut asked = Form::default().with("id", "1");
    for field in ["recurs", "file"] {
        asked.errors.insert(field.into(), "请选择".into());
    }
    all.push((
        "cases/form.html",
        with(&form, &[("form", json!(asked)), ("quick", json!(true))]),
    ));
    let answered = Form::default().with("id", "1").with("recurs", "yes");
    all.push((
        "cases/form.html",
        with(
            &form,
            &[("form", json!(answered)), ("may_quick", json!(false))],
        ),
    ));
    all.push(("cases/form.html", form));
    let start = json!({ "crumbs": [], "most": 5000, "columns": "编号、问题", "form": Form::default(), "plan": null });
    let plan = json!({ "id": "1", "sheet": "x|y.xlsx", "name": "y.xlsx", "fine": 1, "faulty": 1, "faults": [{ "cell": "B2", "text": "有误" }],
        "rows": [{ "row": 2, "title": "x", "unit": "法治科", "raised": "2025-01-01", "due": "2025-02-01", "closed": "2025-01-20" }],
        "more_faults": 1, "more_rows": 1 });
    let mut empty = plan.clone();
    for key in ["faults", "rows"] {
        empty[key] = json!([]);
    }
    empty["fine"] = json!(0);
    all.push(("cases/import.html", with(&start, &[("plan", plan)])));
    all.push(("cases/import.html", with(&start, &[("plan", empty)])));
    all.push(("cases/import.html", start.clone()));
    let plan = json!({ "id": "1", "sheet": "x|y.xlsx", "name": "y.xlsx", "fine": 1, "faulty": 0, "faults": [], "whole": true,
        "rows": [{ "row": 2, "number": "RX-2026-0001", "title": "x", "said": 2, "closed": "2026-03-05" }] });
    let mut faulty = plan.clone();
    faulty["whole"] = json!(false);
    faulty["rows"] = json!([]);
    faulty["faults"] = json!([{ "cell": "B2", "text": "有误" }]);
    for plan in [plan, faulty] {
        all.push(("cases/evaluations.html", with(&start, &[("plan", plan)])));
    }
    let mut refused = Form::default();
    refused.errors.insert("file".into(), "请选择文件".into());
    all.push((
        "cases/evaluations.html",
        with(&start, &[("form", json!(refused))]),
    ));
    all.push(("cases/evaluations.html", start));
    let row = |href: Value| {
        json!({ "number": "ZG-2026-0001", "title": "x", "unit": "法治科", "until": "2026-11-01", "days": 30,
            "since": "2026-11-20", "href": href })
    };
    let rows = json!([row(json!("/cases/1")), row(Value::Null)]);
    all.push(("cases/exposed.html", json!({ "rows": rows, "crumbs": [] })));
    all.push(("cases/exposed.html", json!({ "rows": [], "crumbs": [] })));
    all
}
