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

/// The same with nothing in its lists, and nothing that may be done.
fn bare(base: &Value) -> Value {
    let mut value = base.clone();
    for (key, part) in value.as_object_mut().into_iter().flatten() {
        match part {
            Value::Array(list) if !["crumbs", "nav", "steps"].contains(&key.as_str()) => {
                list.clear()
            }
            Value::Bool(flag) => *flag = false,
            _ => {}
        }
    }
    value
}

fn wrong(fields: &[&str]) -> Form {
    let mut form = Form::default().with("id", "1").with("seen", 1);
    for field in fields {
        form.errors.insert((*field).into(), "有误".into());
    }
    form
}

/// Every one.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let pager = json!(Pager::new(2, 20, 1, |n| format!("?page={n}")));
    let tag = json!({ "text": "推进", "tone": "brand", "icon": null });
    let crumbs = json!([{ "label": "专项行动", "href": "/campaigns" }]);
    let nav = json!([{ "label": "概况", "href": "/campaigns/1", "current": true }]);
    let form = json!(Form::default().with("id", "1").with("seen", 1));
    let row = json!({ "href": "/campaigns/1", "title": "行动", "kind": "专项行动", "unit": "市司法局", "from": "2026-11-01", "to": "2027-01-31",
        "joined": 105, "named": 108, "tag": tag, "measures": 6, "done": 2, "late": 1 });
    let steps = json!([{ "label": "动员", "state": "done", "note": "x" }, { "label": "学习", "state": "now", "note": "x" }, { "label": "总结", "state": "wait", "note": "x" }]);
    let line = json!({ "name": "开展活动", "value": "3", "unit": "场", "categories": "friday-study", "href": "/campaigns/1/rows?claim=0", "node": "01 战略" });
    let tracks = json!([{ "name": "学", "after": null, "lines": [line] }, { "name": "改", "after": "学", "lines": [] }]);
    let event =
        json!({ "text": "启动", "who": "甲某", "reason": "按方案", "at": "2026-11-20 12:00" });
    let mut all: Vec<(&'static str, Value)> = Vec::new();
    let list = json!({ "rows": [row], "q": "行动", "kinds": [["quality", "专项行动"]], "kind": "quality", "states": [["running", "推进"]], "state": "running",
        "years": [2026], "year": 2026, "unit": ["B", "市司法局"], "taking": ["O1", "法治科"], "chips": [{ "label": "x", "without": "/campaigns" }],
        "clear": "/campaigns", "may_plan": true, "surveys": [{ "title": "行动", "href": "/campaigns/1/survey" }],
        "table": Table::sample_with(&COLUMNS), "pager": pager });
    all.push(("campaigns/list.html", with(&list, &[("rows", json!([]))])));
    all.push((
        "campaigns/list.html",
        with(
            &bare(&list),
            &[
                ("unit", json!(null)),
                ("taking", json!(null)),
                ("state", json!(null)),
                ("year", json!(null)),
            ],
        ),
    ));
    all.push(("campaigns/list.html", list));
    let claims = json!([{ "name": "学", "rows": [{ "value": "learn/activities", "name": "开展活动", "on": true, "cat": "cat-learn-activities", "categories": "x" }] }]);
    let new = json!({ "kinds": [["quality", "专项行动"]], "kind": "quality", "kind_name": "专项行动", "id": null, "told": false,
        "phases": [{ "from": "from-study", "to": "to-study", "name": "学习" }], "nodes": [["", "无"]], "tracks": claims, "group_name": "领导小组",
        "office_name": "", "lead_name": "甲某", "parent": { "title": "上级", "href": "/campaigns/2" }, "title_most": 120, "most": 4000, "crumbs": crumbs, "form": form });
    let edit = [
        ("id", json!("1")),
        ("told", json!(true)),
        ("parent", json!(null)),
        ("lead_name", json!(null)),
        ("form", json!(wrong(&["title", "reason", "measures"]))),
    ];
    all.push(("campaigns/form.html", with(&new, &edit)));
    all.push(("campaigns/form.html", new));
    let measure = json!({ "no": 1, "text": "修订制度", "unit": "法治科", "due": "2026-12-01", "done": null, "said": null, "late": true, "may": true });
    let show = json!({ "id": "1", "title": "行动", "goals": ["提升素质。"], "tag": tag, "kind": "专项行动", "unit": "市司法局", "from": "2026-11-01",
        "to": "2027-01-31", "closed": "2027-02-01", "bodies": [["领导小组", "行动领导小组", "/organization/bodies/1"]], "lead": "甲某",
        "node": { "name": "01 战略", "href": "/campaigns/nodes/1" }, "joined": 105, "named": 108, "absent": 3, "above": { "title": "上级", "href": "/campaigns/2" },
        "below": [row], "may_below": true, "steps": steps, "measures": [measure, with(&measure, &[("done", json!("2026-11-20")), ("said", json!("已办"))]),
            with(&measure, &[("may", json!(false)), ("late", json!(false)), ("unit", json!(null))])], "done": 1, "tracks": tracks,
        "documents": [{ "code": "plan", "name": "方案", "files": [], "there": true, "plan": true, "number": "澜司发〔2026〕1号", "due": "2026-11-15", "late": false },
            { "code": "publicity", "name": "宣传", "files": [{ "name": "a.pdf", "href": "/x", "at": "2026-11-20 12:00" }], "there": false, "plan": false, "number": null, "due": "2026-11-15", "late": true }],
        "figures": [["/indicators/x", "按期整改率"]], "plan": { "number": "澜司发〔2026〕1号", "title": "方案" }, "asked": true,
        "acts": [{ "code": "start", "label": "启动", "reason": false }, { "code": "call-off", "label": "取消", "reason": true }], "may_plan": true, "may_change": true,
        "may_report": true, "offered": [["1", "法治科"]], "reports": [{ "unit": "法治科", "percent": 40, "said": ["顺利"], "at": "2026-11-20 12:00" }],
        "events": [event, with(&event, &[("who", json!(null)), ("reason", json!(""))])], "seen": 3, "today": "2026-11-20", "most": 1000,
        "waiting": [{ "value": "x|y.pdf", "name": "y.pdf" }], "nav": nav, "crumbs": crumbs, "form": form });
    let nothing = [
        ("unit", json!(null)),
        ("closed", json!(null)),
        ("lead", json!(null)),
        ("node", json!(null)),
        ("above", json!(null)),
        ("plan", json!(null)),
        ("absent", json!(0)),
    ];
    all.push(("campaigns/show.html", with(&bare(&show), &nothing)));
    all.push((
        "campaigns/show.html",
        with(
            &show,
            &[("form", json!(wrong(&["reason", "said", "percent"])))],
        ),
    ));
    all.push(("campaigns/show.html", show));
    let unit = json!({ "id": "1", "name": "法治科", "category": "科室", "joined": true, "visible": true, "reason": "", "since": "2026-11-01", "percent": 40, "said": "顺利",
        "at": "2026-11-20 12:00", "score": "92.5", "score_href": "/campaigns/1/scores/1" });
    let out = with(
        &unit,
        &[
            ("joined", json!(false)),
            ("reason", json!("撤并")),
            ("percent", json!(null)),
            ("said", json!(null)),
            ("at", json!(null)),
            ("score", json!(null)),
            ("name", json!(null)),
        ],
    );
    let units = json!({ "id": "1", "title": "行动", "rows": [unit, out], "shows": [{ "label": "全部 2", "href": "?", "current": true }], "joined": 1, "named": 2, "may": true,
        "may_drop": true, "audiences": [["1", "青年干部"]], "categories": ["科室"], "export": "/campaigns/1/units.xlsx", "pager": pager, "nav": nav, "crumbs": crumbs, "form": form });
    all.push(("campaigns/units.html", bare(&units)));
    all.push((
        "campaigns/units.html",
        with(&units, &[("form", json!(wrong(&["units"])))]),
    ));
    all.push(("campaigns/units.html", units));
    let plan = json!({ "n": 1, "title": "方案", "number": "澜司发〔2026〕1号", "issued": "2026-11-20", "mark": "澜司发", "body": ["# 目标", "提升。"],
        "files": [{ "name": "a.pdf", "href": "/x" }], "tag": tag, "at": "2026-11-20 12:00", "may_ask": true, "approval": "/approvals/1", "paper": "/campaigns/1/plans/1.docx" });
    let draft = with(
        &plan,
        &[
            ("number", json!(null)),
            ("issued", json!(null)),
            ("approval", json!(null)),
            ("may_ask", json!(false)),
            ("files", json!([])),
        ],
    );
    let plans = json!({ "id": "1", "title": "行动", "plans": [plan, draft], "may": true, "asked": true, "waiting": [{ "value": "x|y.pdf", "name": "y.pdf" }],
        "most": 4000, "title_most": 120, "nav": nav, "crumbs": crumbs, "form": form });
    all.push(("campaigns/plans.html", bare(&plans)));
    all.push(("campaigns/plans.html", plans));
    let problems = json!({ "found": 41, "solved": 38, "rate": "92.6%", "target": "90%", "met": true, "more": true });
    let open =
        json!({ "found": 0, "solved": 0, "rate": "—", "target": null, "met": null, "more": false });
    let cockpit = json!({ "id": "1", "title": "行动", "tag": tag, "steps": steps, "elapsed": 40, "today": "2026-11-20", "days": 92, "joined": 105, "named": 108, "units": "/x",
        "silent": 3, "done": 1, "measures": 2, "measures_href": "/x", "problems": problems, "problems_href": "/x", "phases": ["动员", "学习"],
        "heat": [{ "name": "法治科", "cells": [{ "text": "3", "level": 5, "href": "/x" }, { "text": "0", "level": 0, "href": null }], "percent": 40, "nothing": false },
            { "name": null, "cells": [], "percent": null, "nothing": true }],
        "choices": [{ "label": "开展活动", "href": "/x", "current": true }], "tracks": tracks,
        "late": [{ "no": 1, "text": "修订制度", "unit": "法治科", "due": "2026-11-10" }], "missing": [{ "name": "宣传方案", "due": "2026-11-15" }], "nav": nav, "crumbs": crumbs });
    all.push((
        "campaigns/cockpit.html",
        with(&bare(&cockpit), &[("problems", open.clone())]),
    ));
    all.push((
        "campaigns/cockpit.html",
        with(
            &cockpit,
            &[("problems", with(&problems, &[("met", json!(false))]))],
        ),
    ));
    all.push(("campaigns/cockpit.html", cockpit));
    let fact = json!({ "date": "2026-11-20", "unit": "法治科", "part": "到", "title": "周五学习", "href": "/activities/1", "person": "甲某", "solved": "2026-11-21", "own": true });
    let hidden = with(
        &fact,
        &[
            ("unit", json!(null)),
            ("part", json!(null)),
            ("title", json!(null)),
            ("href", json!(null)),
            ("person", json!(null)),
            ("solved", json!(null)),
            ("own", json!(false)),
        ],
    );
    let rows = json!({ "title": "行动", "claim": "开展活动", "unit_word": "场", "categories": "friday-study", "from": "2026-11-01", "to": "2027-01-31", "unit": "法治科", "all": "/x",
        "rows": [fact, hidden], "by_unit": [{ "name": "法治科", "text": "3", "rows": 3, "href": "/x" }, { "name": null, "text": "0", "rows": 0, "href": "/x" }], "next": "/x", "crumbs": crumbs });
    all.push((
        "campaigns/rows.html",
        with(
            &bare(&rows),
            &[("unit", json!(null)), ("next", json!(null))],
        ),
    ));
    all.push(("campaigns/rows.html", with(&rows, &[("unit", json!(null))])));
    all.push(("campaigns/rows.html", rows));
    let found = json!({ "id": "1", "title": "行动", "rows": [fact, hidden], "head": problems, "by_unit": [{ "name": "法治科", "found": 2, "solved": 1, "rate": "50.0%" }],
        "shows": [{ "label": "全部", "href": "/x", "current": true }], "may_raise": true, "offered": [["1", "法治科"]], "key": "1", "title_most": 120, "pager": pager,
        "nav": nav, "crumbs": crumbs, "form": form });
    all.push((
        "campaigns/problems.html",
        with(&bare(&found), &[("head", open)]),
    ));
    all.push(("campaigns/problems.html", found));
    let item =
        json!({ "text": "理论学习", "points": "20", "clause": "方案第二条", "inherited": true });
    let checklist = json!({ "id": "1", "title": "行动", "sections": [{ "title": "查政治素养", "items": [item, with(&item, &[("clause", json!(null)), ("inherited", json!(false))])] }, { "title": "", "items": [] }],
        "versions": [{ "n": 2, "effective": "2026-11-20", "reason": "增加一项", "who": "甲某", "at": "2026-11-19 12:00", "now": true, "href": "/x" },
            { "n": 1, "effective": "2026-11-01", "reason": "", "who": null, "at": "2026-11-01 12:00", "now": false, "href": "/x" }],
        "day": "2026-11-20", "may": true, "first": false, "most": 1000, "nav": nav, "crumbs": crumbs, "form": form });
    all.push(("campaigns/checklist.html", bare(&checklist)));
    all.push(("campaigns/checklist.html", checklist));
    let score = json!({ "name": "法治科", "href": "/x", "own": "95", "inspection": "92.5", "gap": "−2.5", "waiting": true });
    let unscored = json!({ "name": "", "href": "/x", "own": null, "inspection": null, "gap": null, "waiting": false });
    let scores = json!({ "title": "行动", "rows": [score, unscored], "own": 1, "inspected": 1, "joined": 2, "pager": pager, "nav": nav, "crumbs": crumbs });
    all.push(("campaigns/scores.html", bare(&scores)));
    all.push(("campaigns/scores.html", scores));
    let head = json!({ "share": "92.5", "points": "92.5", "full": "100", "who": "甲某", "n": 2 });
    let past = json!([{ "n": 2, "share": "92.5", "who": "甲某", "at": "2026-11-20 12:00" }, { "n": 1, "share": "90", "who": null, "at": "2026-11-19 12:00" }]);
    let asked = json!([{ "title": "查政治素养", "items": [{ "p": "p-a", "n": "n-a", "text": "理论学习", "full": "20", "clause": "方案", "value": "18", "note": null, "own": "19" }] },
        { "title": "", "items": [{ "p": "p-b", "n": "n-b", "text": "作风", "full": "20", "clause": null, "value": null, "note": "x", "own": null }] }]);
    let objected = json!({ "n": 1, "said": ["有异议"], "who": "乙某", "at": "2026-11-20 12:00", "answer": null, "upheld": null, "by": null, "may": true });
    let one = json!({ "id": "1", "unit": "1", "title": "行动", "name": "法治科", "items": [{ "text": "理论学习", "full": "20", "own": "19", "inspection": "12", "note": "缺记录", "differs": true },
            { "text": "作风", "full": "20", "own": null, "inspection": null, "note": "", "differs": false }], "any": true, "own": head, "inspection": head,
        "own_history": past, "inspection_history": past, "may_own": true, "may_inspect": true, "sections": asked, "explain": 3,
        "reports": [{ "percent": 40, "said": ["顺利"], "files": "a.pdf", "who": "乙某", "at": "2026-11-20 12:00" }, { "percent": 10, "said": [], "files": "", "who": null, "at": "x" }],
        "objections": [objected, with(&objected, &[("may", json!(false)), ("who", json!(null))]), with(&objected, &[("answer", json!(["维持"])), ("upheld", json!(true)), ("by", json!("丙某"))]),
            with(&objected, &[("answer", json!(["重新"])), ("upheld", json!(false))])],
        "may_object": true, "most": 4000, "nav": nav, "crumbs": crumbs, "form": form });
    all.push((
        "campaigns/score.html",
        with(
            &bare(&one),
            &[("own", json!(null)), ("inspection", json!(null))],
        ),
    ));
    all.push((
        "campaigns/score.html",
        with(
            &one,
            &[("form", json!(wrong(&["p-a", "n-b", "said", "answer"])))],
        ),
    ));
    all.push(("campaigns/score.html", one));
    let question = json!({ "name": "q-a", "text": "帮助", "options": [["much", "很大"]], "several": false, "most": 0, "required": true, "value": "much", "error": "请回答" });
    let words = json!({ "name": "q-b", "text": "意见", "options": [], "several": true, "most": 500, "required": false, "value": null, "error": null });
    let survey = json!({ "id": "1", "title": "行动", "items": [question, words, with(&question, &[("several", json!(true)), ("error", json!(null)), ("value", json!(null))])],
        "opens": "2026-11-01", "closes": "2026-11-30", "open": true, "spoke": false, "least": 5, "form": form });
    all.push((
        "campaigns/survey.html",
        with(&survey, &[("spoke", json!(true))]),
    ));
    all.push((
        "campaigns/survey.html",
        with(&survey, &[("open", json!(false))]),
    ));
    all.push(("campaigns/survey.html", survey));
    let result = json!({ "opens": "2026-11-01", "closes": "2026-11-30", "open": false, "answered": 12, "few": false, "least": 5,
        "items": [{ "text": "帮助", "answered": 12, "counts": [{ "name": "很大", "n": 12, "percent": 100 }], "words": null }, { "text": "意见", "answered": 1, "counts": [], "words": ["很好"] }] });
    let summary = json!({ "id": "1", "title": "行动", "tag": tag, "kept": 1, "lines": [[{ "words": "有" }, { "value": "41", "href": "/x", "now": "42" }, { "value": "甲", "href": null, "now": null }, { "value": "", "href": "/x", "now": "3" }]],
        "lessons": ["抓早抓小。"], "may": true, "may_survey": true, "survey": result, "most": 4000, "closing": true, "names": ["problems"], "paper": "/x", "nav": nav, "crumbs": crumbs, "form": form });
    all.push((
        "campaigns/summary.html",
        with(
            &bare(&summary),
            &[
                ("kept", json!(null)),
                ("lessons", json!(null)),
                ("survey", json!(null)),
            ],
        ),
    ));
    let few = with(&result, &[("few", json!(true)), ("items", json!([]))]);
    all.push(("campaigns/summary.html", with(&summary, &[("survey", few)])));
    let going = with(&result, &[("open", json!(true)), ("items", json!([]))]);
    all.push((
        "campaigns/summary.html",
        with(&summary, &[("survey", going)]),
    ));
    all.push(("campaigns/summary.html", summary));
    let node = json!({ "depth": 1, "pad": "　", "code": "01", "name": "强基", "level": "战略", "unit": "市司法局", "from": "2026-01-01", "to": "2026-12-31", "href": "/campaigns/nodes/1", "over": true });
    let nodes = json!({ "rows": [node, with(&node, &[("over", json!(false)), ("unit", json!(null))])], "may_plan": true, "crumbs": crumbs });
    all.push(("campaigns/nodes.html", bare(&nodes)));
    all.push(("campaigns/nodes.html", nodes));
    let rolled = json!({ "id": "1", "name": "强基", "code": "01", "level": "战略", "unit": "市司法局", "from": "2026-01-01", "to": "2026-12-31", "lines": [line], "tree": [node],
        "campaigns": [row], "by_state": [["推进", 1]], "events": [event], "may_plan": true, "lowest": false, "crumbs": crumbs });
    all.push((
        "campaigns/node.html",
        with(&bare(&rolled), &[("unit", json!(null))]),
    ));
    all.push(("campaigns/node.html", rolled));
    let fill = json!({ "id": null, "code": null, "levels": [["strategy", "战略"]], "tracks": claims, "parent": "01 强基", "crumbs": crumbs, "form": form });
    all.push((
        "campaigns/node_form.html",
        with(
            &fill,
            &[
                ("id", json!("1")),
                ("code", json!("01")),
                ("parent", json!(null)),
                ("form", json!(wrong(&["name", "reason"]))),
            ],
        ),
    ));
    all.push(("campaigns/node_form.html", fill));
    all
}
