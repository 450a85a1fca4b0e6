//! What this crate brings to the house.

use desk::FORM;
use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::service::Projects;
use crate::{
    MESSAGES, READ, WRITE, api, board_page, form_page, list_page, report_page, samples, searching,
    show_page, typed, visit_pages,
};

fn routes(projects: Projects) -> Routes {
    // Members see and work on their project without any permission; the service looks who they are.
    let (own, read, write) = (
        Policy::SignedIn,
        Policy::Permission(READ),
        Policy::Permission(WRITE),
    );
    Routes::new()
        .get(list_page::PLACE, own, list_page::list)
        .get(list_page::SHEET, own, list_page::sheet)
        .post(list_page::PLACE, write, form_page::create)
        .get("/projects/board", read, board_page::board)
        .get("/projects/new", write, form_page::new)
        .get("/projects/unit-options", own, typed::unit_options)
        .get("/projects/people-options", own, typed::people_options)
        .get("/projects/of/{id}", own, show_page::of)
        .get("/projects/{id}", own, show_page::show)
        .post("/projects/{id}", own, form_page::change)
        .get("/projects/{id}/edit", own, form_page::edit)
        .post("/projects/{id}/acts/{act}", own, show_page::act)
        .post("/projects/{id}/milestones", own, show_page::add_milestone)
        .post_up_to(
            "/projects/{id}/milestones/{no}/{act}",
            own,
            FORM,
            show_page::milestone,
        )
        .post("/projects/{id}/members", own, show_page::take_in)
        .post(
            "/projects/{id}/members/{person}/{act}",
            own,
            show_page::member,
        )
        .post_up_to("/projects/{id}/entries", own, FORM, show_page::enter)
        .post(
            "/projects/{id}/entries/{entry}/strike",
            own,
            show_page::strike,
        )
        .get("/projects/{id}/files/{sha256}", own, show_page::file)
        .get("/projects/{id}/report", own, report_page::show)
        .post("/projects/{id}/report", own, report_page::keep)
        .get("/projects/{id}/report/{n}", own, report_page::paper)
        .post("/projects/{id}/report/{n}/{act}", own, report_page::act)
        .post("/projects/{id}/problems/{no}", own, report_page::raise)
        .post("/projects/{id}/advice/{no}", own, report_page::adopt)
        .get("/visits", own, visit_pages::list)
        .get(visit_pages::SHEET, own, visit_pages::sheet)
        .get("/visits/of/{id}", own, visit_pages::of)
        .get("/visits/pairs/{tie}", own, visit_pages::pair)
        .post_up_to("/visits/pairs/{tie}", own, FORM, visit_pages::keep)
        .get("/visits/{id}", own, visit_pages::show)
        .post("/visits/{id}/strike", own, visit_pages::strike)
        .post("/visits/{id}/difficulties/{no}", own, visit_pages::raise)
        .get("/visits/{id}/files/{sha256}", own, visit_pages::file)
        .merge(api::routes())
        .with_state(projects)
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        vec![$((concat!("projects/", $name), include_str!(concat!("../templates/", $name)))),*]
    };
}

/// Pages, API and search.
pub fn module(projects: Projects) -> Module {
    let entry = |order, label_key, href, icon| MenuEntry {
        group: MenuGroup::Work,
        order,
        label_key,
        href,
        icon,
        permission: None,
    };
    Module {
        name: "projects",
        search: vec![std::sync::Arc::new(searching::Source(projects.clone()))],
        routes: routes(projects),
        menu: vec![
            entry(38, "projects-menu", "/projects", "list-details"),
            entry(39, "projects-visits", "/visits", "users"),
        ],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: templates![
            "list.html",
            "board.html",
            "form.html",
            "show.html",
            "report.html",
            "visits.html",
            "pair.html",
        ],
        samples: samples::all(),
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}
