//! What the crate brings to the house: routes, menu, texts, templates.

use desk::FORM;
use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::service::Inspections;
use crate::{
    MESSAGES, PLAN, READ, REVIEW, api, checklist_pages as lists, fill_page, plan_pages as plans,
    results_page as results, task_pages as tasks,
};

fn routes(inspections: Inspections) -> Routes {
    let [read, plan, review] = [READ, PLAN, REVIEW].map(Policy::Permission);
    // Who is in a team needs no permission: what one may see and do of a plan or a task, the feature knows.
    let own = Policy::SignedIn;
    Routes::new()
        .get(lists::PLACE, read, lists::list)
        .post(lists::PLACE, plan, lists::begin)
        .get("/checklists/new", plan, lists::new_form)
        .get("/checklists/new/unit-options", plan, lists::unit_options)
        .get("/checklists/{code}", read, lists::show)
        .get("/checklists/{code}/file", read, lists::file)
        .get("/checklists/{code}/compare", read, lists::compared)
        .get("/checklists/drafts/{id}", read, lists::draft)
        .post("/checklists/drafts/{id}", plan, lists::change)
        .post("/checklists/drafts/{id}/decision", review, lists::decide)
        .get(plans::PLACE, own, plans::list)
        .post(plans::PLACE, plan, plans::plan)
        .get("/inspections/list.xlsx", own, plans::export)
        .get("/inspections/new", plan, plans::new_form)
        .get("/inspections/new/unit-options", plan, lists::unit_options)
        .get("/inspections/code", own, tasks::by_code)
        .get("/inspections/{id}", own, plans::show)
        .post("/inspections/{id}", plan, plans::act)
        .post("/inspections/{id}/recusals", own, plans::recuse)
        .get("/inspections/{id}/daily.docx", plan, plans::report)
        .get("/inspections/{id}/results", own, results::results)
        .get(
            "/inspections/{id}/results.xlsx",
            own,
            results::results_sheet,
        )
        .get("/inspections/tasks/{id}", own, tasks::show)
        .post("/inspections/tasks/{id}", own, tasks::act)
        .get("/inspections/tasks/{id}/fill", own, fill_page::fill)
        .post("/inspections/tasks/{id}/fill", own, fill_page::save)
        .post("/inspections/tasks/{id}/answers", own, fill_page::answers)
        .post_up_to(
            "/inspections/tasks/{id}/photos",
            own,
            FORM,
            fill_page::attach,
        )
        .post("/inspections/tasks/{id}/rivals", own, fill_page::choose)
        .get("/inspections/tasks/{id}/hand-in", own, tasks::hand_form)
        .post_up_to("/inspections/tasks/{id}/hand-in", own, FORM, tasks::hand_in)
        .get("/inspections/tasks/{id}/sheet", own, tasks::sheet)
        .get("/inspections/tasks/{id}/files/{sha256}", own, tasks::file)
        .merge(api::routes())
        .with_state(inspections)
}

/// Pages and menu.
pub fn module(inspections: Inspections) -> Module {
    Module {
        name: "inspections",
        routes: routes(inspections.clone()),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 32,
            label_key: "inspections-menu",
            href: plans::PLACE,
            icon: "clipboard-check",
            permission: Some(READ),
        }],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            (
                "inspections/items.html",
                include_str!("../templates/items.html"),
            ),
            (
                "inspections/checklists.html",
                include_str!("../templates/checklists.html"),
            ),
            (
                "inspections/checklist.html",
                include_str!("../templates/checklist.html"),
            ),
            (
                "inspections/checklist-new.html",
                include_str!("../templates/checklist-new.html"),
            ),
            (
                "inspections/compare.html",
                include_str!("../templates/compare.html"),
            ),
            (
                "inspections/draft.html",
                include_str!("../templates/draft.html"),
            ),
            (
                "inspections/list.html",
                include_str!("../templates/list.html"),
            ),
            (
                "inspections/plan-new.html",
                include_str!("../templates/plan-new.html"),
            ),
            (
                "inspections/plan.html",
                include_str!("../templates/plan.html"),
            ),
            (
                "inspections/task.html",
                include_str!("../templates/task.html"),
            ),
            (
                "inspections/fill.html",
                include_str!("../templates/fill.html"),
            ),
            (
                "inspections/outbox.html",
                include_str!("../templates/outbox.html"),
            ),
            (
                "inspections/hand-in.html",
                include_str!("../templates/hand-in.html"),
            ),
            (
                "inspections/sheet.html",
                include_str!("../templates/sheet.html"),
            ),
            (
                "inspections/results.html",
                include_str!("../templates/results.html"),
            ),
        ],
        samples: crate::samples::all(),
        search: vec![std::sync::Arc::new(crate::searching::Source(
            inspections.clone(),
        ))],
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}
