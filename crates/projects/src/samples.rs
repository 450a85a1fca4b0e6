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

/// The same with nothing in its lists, nothing where nothing may be, and nothing that may be done.
fn bare(base: &Value) -> Value {
    let mut value = base.clone();
    for (key, part) in value.as_object_mut().into_iter().flatten() {
        match part {
            Value::Array(list) if !["crumbs", "steps"].contains(&key.as_str()) => list.clear(),
            Value::Bool(flag) => *flag = false,
            Value::String(_)
                if ![
                    "id", "title", "from", "due", "kind", "today", "name", "quarter",
                ]
                .contains(&key.as_str()) =>
            {
                *part = Value::Null;
            }
            _ => {}
        }
    }
    value
}

fn form() -> Form {
    ["id", "seen", "day", "unit", "overview"]
        .into_iter()
        .fold(Form::default(), |form, name| form.with(name, "1"))
}

fn wrong(fields: &[&str]) -> Form {
    let mut form = form();
    for field in fields {
        form.errors.insert((*field).into(), "有误".into());
    }
    form
}

/// Every one.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let pager = json!(Pager::new(2, 20, 1, |n| format!("?page={n}")));
    let tag = json!({ "text": "推进中", "tone": "brand", "icon": null });
    let ok = json!({ "text": "已解决", "tone": "ok", "icon": "check" });
    let crumbs = json!([{ "label": "项目和课题", "href": "/projects" }]);
    let nav = json!([{ "label": "概况", "href": "/projects/1", "current": true }, { "label": "调研报告", "href": "/projects/1/report", "current": false }]);
    let row = json!({ "href": "/projects/1", "title": "课题", "number": "DY-2026-001", "kind": "调研课题", "unit": "市司法局", "lead": "甲某", "stage": "实地调研",
        "due": "2026-12-31", "late": true, "milestones": 3, "done": 1, "behind": 1, "tag": tag });
    let plain = with(
        &row,
        &[
            ("number", json!(null)),
            ("unit", json!(null)),
            ("lead", json!(null)),
            ("late", json!(false)),
            ("behind", json!(0)),
        ],
    );
    let list = json!({ "rows": [row, plain], "q": "课题", "kinds": [["research", "调研课题"]], "kind": "research", "states": [["running", "推进中"]], "state": "running",
        "years": [2026], "year": 2026, "unit": ["B", "市司法局"], "chips": [{ "label": "x", "without": "/projects" }], "clear": "/projects",
        "may_write": true, "late": true, "late_href": "?late=1", "mine": true, "mine_href": "?mine=1",
        "table": Table::sample_with(&COLUMNS), "pager": pager });
    let dots = json!([{ "text": "开题", "stands": "done", "until": "2026-11-01" }, { "text": "走访", "stands": "late", "until": "2026-11-10" },
        { "text": "报告", "stands": "soon", "until": "2026-11-30" }, { "text": "转化", "stands": "open", "until": "2026-12-30" }]);
    let card = with(&row, &[("dots", dots)]);
    let card_plain = with(&plain, &[("dots", json!([]))]);
    let board = json!({ "columns": [{ "name": "实地调研", "n": 2, "href": "/projects", "cards": [card, card_plain] }, { "name": "起草报告", "n": 0, "href": "/projects", "cards": [] }],
        "kinds": [["research", "调研课题"], ["reform-projects", "改革项目"]], "kind": "research", "crumbs": crumbs });
    let fields = json!([{ "name": "v-level", "label": "级别", "required": true, "kind": "select", "options": [["", ""], ["city", "市级"]] },
        { "name": "v-new", "label": "创新点", "required": false, "kind": "textarea", "options": [] }]);
    let new = json!({ "id": null, "kind": "research", "kind_name": "调研课题", "kinds": [["research", "调研课题"], ["pilots", "试点"]], "fields": fields,
        "stages": [{ "name": "方案", "needs": "成员至少 2 人" }, { "name": "调研", "needs": "" }], "research": true, "running": false, "lead_name": null,
        "title_most": 120, "most": 20000, "short": 500, "crumbs": crumbs, "form": form() });
    let change = with(
        &new,
        &[
            ("id", json!("1")),
            ("running", json!(true)),
            ("lead_name", json!("甲某")),
            ("form", json!(wrong(&["title", "lead", "due", "reason"]))),
        ],
    );
    let file = json!({ "name": "纪要.docx", "href": "/x" });
    let time = json!({ "text": "批准延到 2026-12-31", "reason": "疫情", "href": "/approvals/1" });
    let milestone = json!({ "no": 1, "text": "开题", "owner": "甲某", "due": "2026-11-01", "until": "2026-11-20", "done": "2026-11-19", "said": "完成", "files": [file],
        "tag": tag, "more": [time], "may_done": true, "may_time": true, "may_drop": true, "may_again": true, "may_remove": true });
    let milestone_bare = json!({ "no": 2, "text": "报告", "owner": null, "due": "2026-11-01", "until": null, "done": null, "said": "", "files": [], "tag": tag,
        "more": [with(&time, &[("reason", json!(""))])], "may_done": false, "may_time": false, "may_drop": false, "may_again": false, "may_remove": false });
    let member = json!({ "id": "1", "name": "乙某", "unit": "法治科", "said": ["执笔"], "role": "成员", "since": "2026-11-01", "left": "2026-11-20", "may_say": true, "may_leave": true });
    let member_bare = json!({ "id": "2", "name": null, "unit": null, "said": [], "role": "成员", "since": "2026-11-01", "left": null, "may_say": false, "may_leave": true });
    let entry = json!({ "id": "1", "what": "座谈会", "day": "2026-11-02", "place": "澜东县", "heard": "基层所 12 人", "text": ["人手不足"], "files": [file], "who": "乙某",
        "at": "2026-11-02 12:00", "struck": "重复", "may_strike": true });
    let entry_bare = with(
        &entry,
        &[
            ("place", json!("")),
            ("heard", json!("")),
            ("files", json!([])),
            ("who", json!(null)),
            ("struck", json!(null)),
        ],
    );
    let steps = json!([{ "label": "方案", "state": "done", "note": "" }, { "label": "调研", "state": "now", "note": "" }, { "label": "报告", "state": "wait", "note": "" }]);
    let mut show = json!({ "id": "1", "title": "课题", "number": "DY-2026-001", "kind": "调研课题", "tag": tag, "unit": "市司法局", "lead": "甲某", "from": "2026-11-01",
        "due": "2026-12-31", "until": "2027-01-31", "late": true, "more": [time], "started": "2026-11-02", "handed": "2026-12-01", "closed": "2026-12-02",
        "outcome": "达到目标", "approval": "/approvals/1", "steps": steps, "needs": [{ "text": "走访", "there": true }, { "text": "座谈会", "there": false }],
        "said": [{ "label": "目标", "text": ["摸清底数"] }], "settled": 1, "milestones": [milestone, milestone_bare], "members": [member, member_bare],
        "entries": [entry, entry_bare] });
    let more = json!({ "events": [{ "text": "提出项目", "who": "甲某", "reason": "按计划", "at": "2026-11-20 12:00" }, { "text": "逾期", "who": null, "reason": "", "at": "2026-11-20 12:00" }],
        "whats": [["note", "进展"]], "roles": [["lead", "牵头"]], "outcomes": [["reached", "达到"]], "research": true, "may_change": true, "may_ask": true,
        "may_write": true, "may_advance": true, "may_hand_in": true, "may_time": true, "may_reopen": true, "may_enter": true, "running": true, "seen": 3,
        "today": "2026-11-20", "most": 20000, "short": 500, "waiting": [{ "value": "x", "name": "附件.pdf" }], "nav": nav, "crumbs": crumbs,
        "form": wrong(&["text", "owner", "role", "what"]) });
    if let (Value::Object(page), Value::Object(more)) = (&mut show, more) {
        page.extend(more);
    }
    let last = with(
        &show,
        &[("may_advance", json!(false)), ("form", json!(form()))],
    );
    let case = json!({ "href": "/cases/1", "number": "ZG-2026-001", "tag": ok });
    let line = json!({ "no": 1, "text": "人手不足" });
    let version = json!({ "n": 1, "tag": tag, "who": "乙某", "at": "2026-11-20 12:00", "said": "请补数字", "reviewer": "丙某", "reviewed": "2026-11-21 09:00",
        "parts": { "overview": ["现状"], "problems": [line], "causes": ["原因"], "advice": [line] }, "paper": "/x", "accepted": true, "may_send": true, "may_review": true });
    let version_bare = with(
        &version,
        &[
            ("who", json!(null)),
            ("said", json!("")),
            ("reviewer", json!(null)),
            ("reviewed", json!(null)),
            ("may_send", json!(false)),
            ("may_review", json!(false)),
        ],
    );
    let problem = json!({ "no": 1, "text": "人手不足", "unit": "澜东县司法局", "on": "2026-11-22", "case": case, "raised": true, "may_raise": false });
    let problem_open = json!({ "no": 2, "text": "标准不一", "unit": null, "on": null, "case": null, "raised": false, "may_raise": true });
    let advice = json!({ "no": 1, "text": "统一标准", "document": "澜司发〔2026〕8号", "on": "2026-11-25", "may": true });
    let advice_open = json!({ "no": 2, "text": "增编", "document": null, "on": null, "may": true });
    let report = json!({ "id": "1", "title": "课题", "number": "DY-2026-001", "tag": tag, "kind": "调研课题", "versions": [version, version_bare],
        "problems": [problem, problem_open, with(&problem_open, &[("raised", json!(true))]), with(&problem_open, &[("may_raise", json!(false))])],
        "advice": [advice, advice_open, with(&advice_open, &[("may", json!(false))])], "raised": 1, "solved": 1, "percent": 100, "adopted": 1,
        "accepted": true, "may_write": true, "most": 20000, "short": 500, "nav": nav, "crumbs": crumbs, "form": wrong(&["overview", "problems"]) });
    let pair_row = json!({ "href": "/visits/pairs/1", "leader": "甲某", "end": "澜东县司法局", "kind": "联系点", "n": 1, "tag": ok, "last": "2026-11-20", "told": 2, "raised": 1, "solved": 1 });
    let visits = json!({ "rows": [pair_row, with(&pair_row, &[("last", json!(null))])], "quarter": "2026Q4", "name": "2026年第4季度", "kinds": [["contact-point", "联系点"]],
        "kind": "contact-point", "unit": ["B", "市司法局"], "shows": [{ "label": "全部", "href": "?", "current": true }], "visited": 1, "all": 2, "percent": 50,
        "before": "?quarter=2026Q3", "after": "?quarter=2027Q1", "narrowed": true, "clear": "/visits", "export": "/visits/list.xlsx" });
    let told = json!({ "no": 1, "text": "缺一名调解员", "unit": "市司法局", "raised": true, "case": case, "may_raise": false });
    let told_open = json!({ "no": 2, "text": "车辆不足", "unit": null, "raised": false, "case": null, "may_raise": true });
    let visit = json!({ "id": "1", "href": "/visits/1", "day": "2026-11-20", "looked": ["调解室"], "promised": ["月底前答复"], "files": [file], "told": [told, told_open,
        with(&told_open, &[("raised", json!(true))]), with(&told_open, &[("may_raise", json!(false))])], "who": "甲某", "at": "2026-11-20 12:00", "struck": "重复", "may_strike": true });
    let visit_bare = json!({ "id": "2", "href": "/visits/2", "day": "2026-11-20", "looked": ["调解室"], "promised": [], "files": [], "told": [], "who": null,
        "at": "2026-11-20 12:00", "struck": null, "may_strike": false });
    let pair = json!({ "id": "1", "title": "甲某 – 澜东县司法局", "kind": "联系点", "from": "2026-01-01", "to": "2026-12-31", "basis": "联系点制度", "visits": [visit, visit_bare],
        "n": 2, "this_quarter": true, "raised": 1, "solved": 1, "may": true, "one": false, "most": 20000, "short": 500, "waiting": [{ "value": "x", "name": "照片.jpg" }],
        "crumbs": crumbs, "form": wrong(&["day", "looked"]) });
    vec![
        ("projects/list.html", with(&list, &[("rows", json!([]))])),
        (
            "projects/list.html",
            bare(&with(&list, &[("unit", json!(null))])),
        ),
        ("projects/list.html", list),
        ("projects/board.html", board),
        (
            "projects/form.html",
            with(&new, &[("research", json!(false))]),
        ),
        ("projects/form.html", new),
        ("projects/form.html", change),
        ("projects/show.html", bare(&last)),
        ("projects/show.html", last),
        ("projects/show.html", show),
        ("projects/report.html", bare(&report)),
        ("projects/report.html", report),
        (
            "projects/visits.html",
            with(&visits, &[("rows", json!([]))]),
        ),
        (
            "projects/visits.html",
            bare(&with(
                &visits,
                &[("unit", json!(null)), ("after", json!(null))],
            )),
        ),
        ("projects/visits.html", visits),
        (
            "projects/pair.html",
            bare(&with(&pair, &[("to", json!(null))])),
        ),
        ("projects/pair.html", pair),
    ]
}
