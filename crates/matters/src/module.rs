//! What this crate brings to the house.

use desk::FORM;
use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::service::Matters;
use crate::{MESSAGES, api, form_page, list_page, paper, samples, searching, show_page, typed};

fn routes(matters: Matters) -> Routes {
    // Everybody has personal matters, without any permission; the service looks who they are.
    let own = Policy::SignedIn;
    Routes::new()
        .get(list_page::PLACE, own, list_page::list)
        .get(list_page::SHEET, own, list_page::sheet)
        .post_up_to(list_page::PLACE, own, FORM, form_page::create)
        .get("/matters/new", own, form_page::new)
        .get("/matters/unit-options", own, typed::unit_options)
        .get("/matters/people-options", own, typed::people_options)
        .get("/matters/{id}", own, show_page::show)
        .post_up_to("/matters/{id}", own, FORM, form_page::change)
        .get("/matters/{id}/edit", own, form_page::edit)
        .post_up_to("/matters/{id}/acts/{act}", own, FORM, show_page::act)
        .get("/matters/{id}/files/{sha256}", own, show_page::file)
        .get("/matters/{id}/paper/{file}", own, paper::paper)
        .merge(api::routes())
        .with_state(matters)
}

/// Pages, API and search.
pub fn module(matters: Matters) -> Module {
    Module {
        name: "matters",
        search: vec![std::sync::Arc::new(searching::Source(matters.clone()))],
        routes: routes(matters),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 36,
            label_key: "matters-menu",
            href: list_page::PLACE,
            icon: "file-text",
            permission: None,
        }],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            ("matters/list.html", include_str!("../templates/list.html")),
            ("matters/form.html", include_str!("../templates/form.html")),
            ("matters/show.html", include_str!("../templates/show.html")),
        ],
        samples: samples::all(),
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}
