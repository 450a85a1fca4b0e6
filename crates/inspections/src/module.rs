//! What the crate brings to the house: routes, menu, texts, templates.

use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::service::Inspections;
use crate::{MESSAGES, PLAN, READ, REVIEW, checklist_pages as lists};

fn routes(inspections: Inspections) -> Routes {
    let [read, plan, review] = [READ, PLAN, REVIEW].map(Policy::Permission);
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
        .with_state(inspections)
}

/// Pages and menu.
pub fn module(inspections: Inspections) -> Module {
    Module {
        name: "inspections",
        routes: routes(inspections),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 32,
            label_key: "checklists-menu",
            href: lists::PLACE,
            icon: "list-details",
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
        ],
        samples: crate::samples::all(),
        ..Module::default()
    }
}
