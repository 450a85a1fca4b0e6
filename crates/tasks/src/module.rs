//! What this crate brings to the house.

use desk::FORM;
use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::service::Tasks;
use crate::{
    MESSAGES, PLAN, READ, REPORT, REVIEW, api, duties_page, entry_form, entry_page, importing,
    list_page, matrix_page, plan_page, practical_page, report_page, samples, scores_page,
    searching, typed,
};

fn routes(tasks: Tasks) -> Routes {
    let permission = Policy::Permission;
    let (read, plan, report) = (permission(READ), permission(PLAN), permission(REPORT));
    let (review, own) = (permission(REVIEW), Policy::SignedIn);
    Routes::new()
        .get("/tasks", own, list_page::home)
        .get("/tasks/new", plan, plan_page::new)
        .get("/tasks/unit-options", own, typed::unit_options)
        .get("/tasks/people-options", own, typed::people_options)
        .post("/tasks/plans", plan, plan_page::create)
        .get("/tasks/plans/{id}", own, plan_page::show)
        .post("/tasks/plans/{id}", plan, plan_page::change)
        .get("/tasks/plans/{id}/edit", plan, plan_page::edit)
        .get("/tasks/plans/{id}/wall", own, plan_page::wall)
        .get("/tasks/plans/{id}/list.xlsx", read, plan_page::sheet)
        .get("/tasks/plans/{id}/versions/{n}", read, plan_page::version)
        .post("/tasks/plans/{id}/acts/{act}", own, plan_page::act)
        .post("/tasks/plans/{id}/entries", plan, entry_form::create)
        .get("/tasks/plans/{id}/entries/new", plan, entry_form::new)
        .get("/tasks/import/template.xlsx", plan, importing::template)
        .get("/tasks/plans/{id}/import", plan, importing::start)
        .post_up_to("/tasks/plans/{id}/import", plan, FORM, importing::check)
        .post("/tasks/plans/{id}/import/publish", plan, importing::publish)
        .get(list_page::ENTRIES, read, list_page::entries)
        .get(list_page::SHEET, read, list_page::sheet)
        .get("/tasks/lists", read, list_page::lists)
        .get("/tasks/entries/{id}", own, entry_page::show)
        .post("/tasks/entries/{id}", plan, entry_form::change)
        .get("/tasks/entries/{id}/edit", plan, entry_form::edit)
        .get("/tasks/entries/{id}/rows", read, entry_page::rows)
        .post("/tasks/entries/{id}/acts/{act}", plan, entry_page::act)
        .get("/tasks/reports", read, matrix_page::matrix)
        .get(matrix_page::SHEET, read, matrix_page::sheet)
        .get("/tasks/reports/{id}", own, report_page::show)
        .post("/tasks/reports/{id}", report, report_page::write_report)
        .post("/tasks/reports/{id}/judgement", review, report_page::judge)
        .get("/tasks/reports/{id}/paper.docx", own, report_page::paper)
        .get("/tasks/duties", read, duties_page::show)
        .post("/tasks/duties", plan, duties_page::keep)
        .get("/tasks/duties/edit", plan, duties_page::edit)
        .get("/tasks/duties/list.xlsx", read, duties_page::sheet)
        .post("/tasks/duties/cases", plan, duties_page::raise)
        .get("/tasks/practical", read, practical_page::list)
        .post("/tasks/practical", report, practical_page::create)
        .get("/tasks/practical/new", report, practical_page::new)
        .get(practical_page::SHEET, read, practical_page::sheet)
        .get("/tasks/practical/{id}", own, practical_page::show)
        .post_up_to(
            "/tasks/practical/{id}/acts/{act}",
            own,
            FORM,
            practical_page::act,
        )
        .post("/tasks/practical/{id}/slips", review, practical_page::slips)
        .get(
            "/tasks/practical/{id}/files/{sha256}",
            own,
            practical_page::file,
        )
        .get("/score/{page}", Policy::Public, scores_page::ask)
        .post("/score/{page}", Policy::Public, scores_page::score)
        .merge(api::routes())
        .with_state(tasks)
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        vec![$((concat!("tasks/", $name), include_str!(concat!("../templates/", $name)))),*]
    };
}

/// Pages, API and search.
pub fn module(tasks: Tasks) -> Module {
    Module {
        name: "tasks",
        search: vec![std::sync::Arc::new(searching::Source(tasks.clone()))],
        routes: routes(tasks),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 33,
            label_key: "tasks-menu",
            href: "/tasks",
            icon: "list-check",
            permission: None,
        }],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: templates![
            "home.html",
            "plan_form.html",
            "plan.html",
            "wall.html",
            "version.html",
            "entries.html",
            "lists.html",
            "entry_form.html",
            "import.html",
            "entry.html",
            "rows.html",
            "reports.html",
            "report.html",
            "duties.html",
            "duties_form.html",
            "practicals.html",
            "practical_form.html",
            "practical.html",
            "slips.html",
            "score.html",
        ],
        samples: samples::all(),
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}
