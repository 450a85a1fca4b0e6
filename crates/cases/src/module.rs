//! What this crate brings to the house.

use desk::FORM;
use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::service::Cases;
use crate::{
    MESSAGES, RAISE, SUPERVISE, api, board_page, evaluating, exposing, form_page, import_page,
    list_page, pages, papers, remedy_page, samples, searching, tracing,
};

fn routes(cases: Cases) -> Routes {
    let (own, raise) = (Policy::SignedIn, Policy::Permission(RAISE));
    let judge = Policy::Permission(SUPERVISE);
    Routes::new()
        .get(list_page::PLACE, own, list_page::list)
        .get(list_page::SHEET, own, import_page::export)
        .post_up_to(list_page::PLACE, raise, FORM, form_page::keep)
        .post("/cases/batch", judge, list_page::batch)
        .get("/cases/new", raise, form_page::form)
        .get("/cases/unit-options", own, pages::unit_options)
        .get("/cases/people-options", own, pages::people_options)
        .get("/cases/board", own, board_page::board)
        .get("/cases/wall", own, board_page::wall)
        .get("/cases/tasks", own, board_page::tasks)
        .get("/cases/tasks.xlsx", own, board_page::tasks_sheet)
        .get("/cases/chain", own, remedy_page::chain)
        .get("/cases/import", raise, import_page::start)
        .post_up_to("/cases/import", raise, FORM, import_page::check)
        .get("/cases/import/template.xlsx", raise, import_page::template)
        .post("/cases/import/publish", raise, import_page::publish)
        .get("/cases/{id}", own, pages::show)
        .post("/cases/{id}/reporter", own, pages::reporter)
        .post_up_to("/cases/{id}/comments", own, FORM, pages::comment)
        .post("/cases/{id}/remedies", own, remedy_page::ask)
        .post(
            "/cases/{id}/remedies/{no}/drop",
            own,
            remedy_page::ask_no_more,
        )
        .get("/cases/{id}/files/{sha256}", own, pages::file)
        .get("/cases/{id}/papers/{paper}", own, papers::paper)
        .post("/cases/{id}/papers/{paper}", own, papers::issue)
        .post("/cases/{id}/causes", own, tracing::trace)
        .post("/cases/{id}/list/{word}", own, exposing::act)
        .get("/cases/exposed", own, exposing::list)
        .get("/cases/evaluations", judge, evaluating::start)
        .post_up_to("/cases/evaluations", judge, FORM, evaluating::check)
        .get(
            "/cases/evaluations/template.xlsx",
            judge,
            evaluating::template,
        )
        .post("/cases/evaluations/publish", judge, evaluating::publish)
        .post_up_to("/cases/{id}/acts/{verb}", own, FORM, pages::act)
        .merge(api::routes())
        .with_state(cases)
}

/// Pages, API and search.
pub fn module(cases: Cases) -> Module {
    Module {
        name: "cases",
        search: vec![std::sync::Arc::new(searching::Source(cases.clone()))],
        routes: routes(cases),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 30,
            label_key: "cases-menu",
            href: "/cases",
            icon: "checklist",
            permission: None,
        }],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            ("cases/list.html", include_str!("../templates/list.html")),
            ("cases/show.html", include_str!("../templates/show.html")),
            ("cases/form.html", include_str!("../templates/form.html")),
            ("cases/board.html", include_str!("../templates/board.html")),
            ("cases/wall.html", include_str!("../templates/wall.html")),
            ("cases/tasks.html", include_str!("../templates/tasks.html")),
            ("cases/chain.html", include_str!("../templates/chain.html")),
            (
                "cases/evaluations.html",
                include_str!("../templates/evaluations.html"),
            ),
            (
                "cases/exposed.html",
                include_str!("../templates/exposed.html"),
            ),
            (
                "cases/import.html",
                include_str!("../templates/import.html"),
            ),
        ],
        samples: samples::all(),
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}
