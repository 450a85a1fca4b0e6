//! A sample of each template, for the test that renders all of them.

use serde_json::{Value, json};
use web::Form;
use web::table::Table;
use web::view::Pager;

use crate::list_page::COLUMNS;

fn with(base: &Value, changes: &[(&str, Value)]) -> Value {
    let mut value = base.clone();
    for (key, change) in changes {
        value[*key] = change.clone();
    }
    value
}

/// Every one.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let pager = json!(Pager::new(2, 20, 1, |n| format!("?page={n}")));
    let tag = json!({ "text": "推进中", "tone": "brand", "icon": null });
    let crumbs = json!([{ "label": "目标任务", "href": "/tasks" }]);
    let nav = json!([{ "label": "年度目标", "href": "/tasks", "current": true }, { "label": "月报", "href": "/tasks/reports", "current": false }]);
    let form = json!(Form::default().with("id", "1").with("seen", 1));
    let event =
        json!({ "text": "下达", "who": "甲某", "reason": "理由", "at": "2026-11-20 12:00" });
    let silent = with(&event, &[("who", json!(null)), ("reason", json!(""))]);
    let history = json!([event, silent]);
    let entry = json!({ "href": "/tasks/entries/1", "number": "2026-1", "short": "1", "depth": 0, "text": "完成案件评查", "target": "全年两次", "unit": "法治科",
        "person": "甲某", "leader": "乙某", "owner": "班子成员", "due": "2026-12-31", "percent": 40, "said": "已完成第一次", "weight": 3, "tag": tag,
        "rolled": 50, "goal": 1 });
    let bare = with(
        &entry,
        &[
            ("unit", json!(null)),
            ("person", json!(null)),
            ("leader", json!(null)),
            ("owner", json!("")),
            ("rolled", json!(null)),
            ("weight", json!(null)),
            ("said", json!("")),
        ],
    );
    let both = json!([entry, bare]);
    let years = json!([2027, 2026]);
    let home = json!({ "own": both, "own_left": 2, "things": [entry], "rows": [{ "href": "/tasks/plans/1", "title": "年度目标", "kind": "目标任务", "unit": null, "year": 2026,
        "reached": 1, "all": 2, "issued": null, "tag": tag }], "years": years, "year": 2026, "states": [["draft", "起草"]], "state": "draft",
        "chips": [{ "label": "x", "without": "?" }], "clear": "/tasks", "may_plan": true, "reads": true, "nav": nav, "pager": pager });
    let nothing = [
        ("own", json!([])),
        ("things", json!([])),
        ("rows", json!([])),
        ("chips", json!([])),
        ("reads", json!(false)),
    ];
    let plan_form = json!({ "kinds": [["annual", "目标任务"]], "years": [[2026, 2026]], "most": 200, "id": null, "issued": false, "form": form, "crumbs": crumbs });
    let group = |n: i64, rows: Value| json!({ "n": n, "name": if n > 0 { json!("目标") } else { json!(null) }, "rows": rows });
    let version =
        json!({ "n": 1, "href": "/x", "reason": "调整", "who": "甲某", "at": "2026-11-20 12:00" });
    let plan = json!({ "id": "1", "seen": 1, "title": "年度目标", "kind": "目标任务", "unit": "法治科", "year": 2026, "tag": tag, "n": 1, "issued": "2026-01-05",
        "closed": "2026-12-31", "groups": [group(1, both.clone()), group(0, json!([]))], "all": 2, "reached": 1, "open": 1, "carried": 0, "late": 0,
        "whole": 40, "may_change": true, "acts": [{ "code": "back", "label": "退回修改", "reason": true }, { "code": "issue", "label": "下达", "reason": false }],
        "waits": true, "versions": [version], "events": history, "most": 1000, "crumbs": crumbs, "form": form });
    let blank = [
        ("groups", json!([])),
        ("acts", json!([])),
        ("versions", json!([])),
        ("events", json!([])),
        ("whole", json!(null)),
        ("n", json!(0)),
        ("issued", json!(null)),
        ("closed", json!(null)),
        ("all", json!(0)),
    ];
    let cell =
        json!({ "within": true, "milestone": "评估", "past": true, "now": false, "end": false });
    let cells = json!([cell, with(&cell, &[("past", json!(false))]), with(&cell, &[("milestone", json!(null)), ("end", json!(true))]),
        { "within": false, "milestone": null, "past": false, "now": false, "end": false }]);
    let wall = json!({ "title": "年度目标", "year": 2026, "today": "2026-11-20", "rows": [with(&entry, &[("cells", cells)])], "tag": tag, "crumbs": crumbs });
    let kept = json!({ "title": "年度目标", "goals": ["目标"], "n": 1, "reason": "调整", "who": null, "at": "2026-11-20 12:00",
        "rows": [{ "number": "1", "text": "任务", "target": "要求", "unit": null, "person": null, "due": "2026-12-31" }], "crumbs": crumbs });
    let entries = json!({ "rows": both, "q": "", "owners": [["leaders", "班子成员"]], "owner": "leaders", "states": [["late", "超期"]], "state": "late",
        "years": years, "year": 2026, "unit": ["O1", "法治科"], "chips": [{ "label": "x", "without": "?" }], "clear": "/x", "nav": nav, "crumbs": crumbs,
        "table": Table::sample_with(&COLUMNS), "pager": pager });
    let list = json!({ "name": "班子成员", "count": 2, "reached": 1, "late": 0, "rows": both, "href": "/x", "sheet": "/x" });
    let lists = json!({ "lists": [list, with(&list, &[("rows", json!([]))])], "year": 2026, "years": years, "left": 3, "nav": nav, "crumbs": crumbs });
    let entry_form = json!({ "plan": "1", "id": null, "parent": { "id": "1", "text": "任务", "number": "2026-1" }, "goals": [["0", "不指定"]], "owners": [["", "不指定"]],
        "claims": [["", "不指定"]], "issued": true, "title_most": 200, "most": 4000, "person_name": "甲某", "leader_name": null, "year": 2026, "crumbs": crumbs, "form": form });
    let link = json!({ "href": "/x", "text": "2025-3 任务" });
    let one = json!({ "id": "1", "seen": 1, "plan": "1", "head": entry, "number": "2026-1", "text": "任务", "target": ["要求"], "goal": "目标", "plan_title": "年度目标",
        "plan_href": "/x", "months": "2026-01 – 2026-12", "ended": "2026-11-20", "claim": { "name": "活动", "unit": "场", "wanted": 10, "value": "4", "percent": 40, "href": "/x" },
        "milestones": [{ "month": "2026-06", "text": "评估", "past": true }, { "month": "2026-12", "text": "总结", "past": false }], "duty": "study", "parent": link,
        "carried_from": link, "carried_to": link, "rolled": 50, "parts": both,
        "reports": [{ "href": "/x", "month": "2026-10", "percent": 40, "said": ["做了"], "counted": "4", "reached": "2026-10-20", "tag": tag },
            { "href": "/x", "month": "2026-09", "percent": 20, "said": [], "counted": null, "reached": null, "tag": tag }],
        "may_change": true, "may_part": true, "may_drop": true, "draft": true, "may_reopen": true, "later": [["2", "2027 年度目标"]], "new": "3", "events": history,
        "most": 1000, "crumbs": crumbs, "form": form });
    let plain = [
        ("head", bare.clone()),
        ("target", json!([])),
        ("goal", json!(null)),
        ("ended", json!(null)),
        ("claim", json!(null)),
        ("milestones", json!([])),
        ("duty", json!("")),
        ("parent", json!(null)),
        ("carried_from", json!(null)),
        ("carried_to", json!(null)),
        ("rolled", json!(null)),
        ("parts", json!([])),
        ("reports", json!([])),
        ("may_change", json!(false)),
        ("may_part", json!(false)),
        ("may_drop", json!(false)),
        ("may_reopen", json!(false)),
        ("later", json!([])),
        ("events", json!([])),
        ("draft", json!(false)),
    ];
    let row = json!({ "date": "2026-11-20", "unit": null, "part": null, "title": "集中学习", "href": "/x", "person": null });
    let rows = json!({ "title": "任务", "claim": "活动", "from": "2026-01-01", "to": "2026-11-20", "rows": [row, with(&row, &[("href", json!(null))])], "next": "/x", "crumbs": crumbs });
    let cell = json!({ "href": "/x", "tag": tag, "omitted": 1, "month": "2026-01" });
    let reports = json!({ "rows": [{ "name": null, "cells": [cell, with(&cell, &[("omitted", json!(0))]), { "href": null, "month": "2026-02" }] }], "year": 2026, "years": years,
        "month": "2026-10", "months": [["2026-10", "2026-10"]], "heads": [1, 2, 3], "owed": 3, "handed": 2, "accepted": 1, "late": 1,
        "missing": [{ "href": "/x", "unit": null, "month": "2026-10", "due": "2026-11-05", "days": 15, "returned": true }], "missing_left": 1, "export": "/x",
        "nav": nav, "crumbs": crumbs, "pager": pager });
    let said = with(
        &entry,
        &[
            ("id", json!("1")),
            (
                "claim",
                json!({ "name": "活动", "unit": "场", "value": "4", "wanted": 10, "met": false, "href": "/x", "month": "/x" }),
            ),
            ("milestone", json!("评估")),
            (
                "last",
                json!({ "month": "2026-09", "percent": 20, "said": "开始" }),
            ),
            ("rolled", json!(50)),
            ("parts", json!({ "open": 1, "all": 2 })),
            ("omitted", json!(true)),
            ("report_said", json!(["做了"])),
            ("reached", json!("2026-10-20")),
            ("late", json!(true)),
        ],
    );
    let unsaid = with(
        &said,
        &[
            ("claim", json!(null)),
            ("milestone", json!(null)),
            ("last", json!(null)),
            ("rolled", json!(null)),
            ("omitted", json!(false)),
            ("reached", json!(null)),
            ("late", json!(false)),
            ("person", json!(null)),
        ],
    );
    let report = json!({ "id": "1", "seen": 1, "unit": "法治科", "month": "2026-10", "due": "2026-11-05", "tag": tag, "handed": "2026-11-04", "accepted": "2026-11-06",
        "returns": 1, "late": 15, "omitted": 1, "all": 2, "lines": [said, unsaid], "may_write": true, "may_review": false, "waits": false, "summary": ["综述"],
        "problems": [], "next": ["打算"], "paper": "/x", "events": history, "most": 4000, "reason_most": 1000, "refused": false, "crumbs": crumbs, "form": form });
    let read = [
        ("may_write", json!(false)),
        ("may_review", json!(true)),
        ("waits", json!(true)),
        ("late", json!(null)),
    ];
    let duty = json!({ "code": "study", "text": "组织学习", "source": "条例", "article": "第三条", "post": "内勤", "frequency": "每月", "records": 0, "claim": "活动", "gap": true,
        "reasons": ["没有记录"], "case": "/x", "entry": "/x", "raise": true });
    let fine = with(
        &duty,
        &[
            ("gap", json!(false)),
            ("records", json!(null)),
            ("case", json!(null)),
            ("entry", json!(null)),
            ("raise", json!(false)),
            ("post", json!("")),
        ],
    );
    let duties = json!({ "unit": ["O1", "法治科"], "unit_id": "1", "year": 2026, "years": years, "rows": [duty, fine], "count": 1, "all": 2,
        "shows": [{ "label": "全部", "href": "?", "current": true }], "has": true, "versions": [{ "n": 1, "from": "2026-01-01", "count": 2, "reason": "修订", "at": "x" }],
        "may": true, "catalogues": [["general", "通用"]], "edit": "/x?unit=1", "export": "/x", "nav": nav, "crumbs": crumbs, "form": form });
    let duties_form = json!({ "unit": "法治科", "unit_id": "1", "claims": ["activities 活动"], "most": 500, "reason_most": 1000, "replaces": true, "back": "/x", "crumbs": crumbs, "form": form });
    let thing = json!({ "href": "/x", "number": "2026-1", "title": "窗口延时服务", "served": "办事群众", "kind": "便民", "unit": "法治科", "person": "甲某", "due": "2026-10-01",
        "percent": 100, "done": "2026-10-20", "mean": "4.65", "asked": 12, "best": 5, "tag": tag, "late": true });
    let coming = with(
        &thing,
        &[
            ("unit", json!(null)),
            ("person", json!(null)),
            ("done", json!(null)),
            ("mean", json!(null)),
            ("late", json!(false)),
        ],
    );
    let practicals = json!({ "rows": [thing, coming], "years": years, "year": 2026, "states": [["running", "推进中"]], "state": "running",
        "chips": [{ "label": "x", "without": "?" }], "clear": "/x", "may_report": true, "export": "/x", "nav": nav, "crumbs": crumbs, "pager": pager });
    let practical_form = json!({ "kinds": [["people", "便民"]], "title_most": 200, "most": 4000, "crumbs": crumbs, "form": form });
    let practical = json!({ "id": "1", "seen": 1, "head": thing, "title": "窗口延时服务", "detail": ["延时"], "said": ["已开"], "promised": "2026-01-01",
        "files": [{ "name": "照片.jpg", "href": "/x" }], "settled": "2026-11-01", "declared": true, "given": 20, "used": 12, "answers": 12, "mean": "4.65",
        "least": 5, "best": 5, "words": ["好"], "page": "/score/x", "may_report": false, "may_confirm": true, "may_ask": true, "may_settle": true,
        "may_drop": true, "may_reopen": true, "today": "2026-11-20", "waiting": [{ "value": "x", "name": "y" }], "most": 4000, "reason_most": 1000,
        "slips_most": 2000, "events": history, "crumbs": crumbs, "form": form });
    let running = [
        ("head", coming.clone()),
        ("settled", json!(null)),
        ("mean", json!(null)),
        ("may_report", json!(true)),
        ("may_confirm", json!(false)),
        ("words", json!([])),
        ("page", json!(null)),
    ];
    let unasked = [
        ("settled", json!(null)),
        ("given", json!(0)),
        ("files", json!([])),
        ("may_ask", json!(false)),
        ("may_settle", json!(false)),
    ];
    let import = json!({ "crumbs": crumbs, "id": "1", "most": 500, "form": Form::default(), "columns": "工作任务、责任单位",
        "found": null, "issued": false });
    let found = json!({ "sheet": "x|y.xlsx", "name": "y.xlsx", "fine": 1, "faulty": 0, "faults": [], "seen": 1, "whole": true,
        "rows": [{ "row": 2, "text": "x", "unit": "法治科", "from": "2026-01", "to": "2026-12-31" }] });
    let mut faulty = found.clone();
    (faulty["whole"], faulty["rows"]) = (json!(false), json!([]));
    faulty["faults"] = json!([{ "cell": "B2", "text": "有误" }]);
    let mut no_sheet = Form::default();
    no_sheet.errors.insert("file".into(), "请选择文件".into());
    let slips = json!({ "title": "窗口延时服务", "page": "http://suneng.test/score/x", "slips": [{ "code": "AAAAA-BBBBB", "picture": "<svg></svg>" }], "crumbs": crumbs });
    let score = json!({ "title": "窗口延时服务", "served": "办事群众", "unit": null, "page": "x", "scores": [[5, "5"]], "done": false, "open": true, "form": form });
    vec![
        ("tasks/home.html", with(&home, &nothing)),
        (
            "tasks/home.html",
            with(&home, &[("rows", json!([])), ("chips", json!([]))]),
        ),
        ("tasks/home.html", with(&home, &[("rows", json!([]))])),
        ("tasks/home.html", home),
        (
            "tasks/plan_form.html",
            with(&plan_form, &[("id", json!("1")), ("issued", json!(true))]),
        ),
        ("tasks/plan_form.html", plan_form),
        ("tasks/plan.html", with(&plan, &blank)),
        ("tasks/plan.html", plan),
        ("tasks/wall.html", with(&wall, &[("rows", json!([]))])),
        ("tasks/wall.html", wall),
        ("tasks/version.html", kept),
        (
            "tasks/entries.html",
            with(
                &entries,
                &[
                    ("rows", json!([])),
                    ("chips", json!([])),
                    ("unit", json!(null)),
                ],
            ),
        ),
        ("tasks/entries.html", with(&entries, &[("rows", json!([]))])),
        ("tasks/entries.html", entries),
        (
            "tasks/lists.html",
            with(&lists, &[("lists", json!([])), ("left", json!(0))]),
        ),
        ("tasks/lists.html", lists),
        (
            "tasks/entry_form.html",
            with(
                &entry_form,
                &[
                    ("id", json!("1")),
                    ("parent", json!(null)),
                    ("person_name", json!(null)),
                    ("leader_name", json!("乙某")),
                    ("issued", json!(false)),
                ],
            ),
        ),
        (
            "tasks/entry_form.html",
            with(&entry_form, &[("parent", json!(null))]),
        ),
        ("tasks/entry_form.html", entry_form),
        ("tasks/entry.html", with(&one, &plain)),
        ("tasks/entry.html", with(&one, &[("draft", json!(false))])),
        ("tasks/entry.html", one),
        (
            "tasks/rows.html",
            with(&rows, &[("rows", json!([])), ("next", json!(null))]),
        ),
        ("tasks/rows.html", rows),
        (
            "tasks/reports.html",
            with(
                &reports,
                &[
                    ("rows", json!([])),
                    ("missing", json!([])),
                    ("missing_left", json!(0)),
                ],
            ),
        ),
        ("tasks/reports.html", reports),
        ("tasks/report.html", with(&report, &read)),
        (
            "tasks/report.html",
            with(
                &report,
                &[
                    ("lines", json!([])),
                    ("events", json!([])),
                    ("unit", json!(null)),
                    ("omitted", json!(0)),
                ],
            ),
        ),
        ("tasks/report.html", report),
        (
            "tasks/duties.html",
            with(&duties, &[("has", json!(false)), ("versions", json!([]))]),
        ),
        ("tasks/duties.html", with(&duties, &[("rows", json!([]))])),
        ("tasks/duties.html", duties),
        (
            "tasks/duties_form.html",
            with(&duties_form, &[("replaces", json!(false))]),
        ),
        ("tasks/duties_form.html", duties_form),
        (
            "tasks/practicals.html",
            with(&practicals, &[("rows", json!([])), ("chips", json!([]))]),
        ),
        (
            "tasks/practicals.html",
            with(&practicals, &[("rows", json!([]))]),
        ),
        ("tasks/practicals.html", practicals),
        ("tasks/practical_form.html", practical_form),
        ("tasks/practical.html", with(&practical, &running)),
        ("tasks/practical.html", with(&practical, &unasked)),
        ("tasks/practical.html", practical),
        ("tasks/slips.html", slips),
        (
            "tasks/import.html",
            with(&import, &[("found", found), ("issued", json!(true))]),
        ),
        ("tasks/import.html", with(&import, &[("found", faulty)])),
        (
            "tasks/import.html",
            with(&import, &[("form", json!(no_sheet))]),
        ),
        ("tasks/import.html", import),
        (
            "tasks/score.html",
            with(&score, &[("done", json!(true)), ("unit", json!("法治科"))]),
        ),
        ("tasks/score.html", with(&score, &[("open", json!(false))])),
        ("tasks/score.html", score),
    ]
}
