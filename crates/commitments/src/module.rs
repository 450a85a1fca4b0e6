//! What this crate brings to the house.

use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::lists::{self, Answering};
use crate::service::Commitments;
use crate::{ISSUE, MESSAGES, READ, pages, samples};

fn routes(commitments: Commitments, answering: Answering) -> Routes {
    let (own, read, issue) = (
        Policy::SignedIn,
        Policy::Permission(READ),
        Policy::Permission(ISSUE),
    );
    Routes::new()
        .get("/commitments", own, pages::list)
        .get("/commitments/new", issue, pages::new)
        .post("/commitments/rounds", issue, pages::issue)
        .get("/commitments/rounds/{id}", read, pages::round)
        .get("/commitments/rounds/{id}/letters.xlsx", read, pages::sheet)
        .post("/commitments/rounds/{id}/acts/{act}", issue, pages::act)
        .get("/commitments/letters/{id}", own, pages::letter)
        .post("/commitments/letters/{id}", own, pages::sign)
        .get("/commitments/letters/{id}/paper.docx", own, pages::paper)
        .get("/api/v1/commitments", read, pages::api_rounds)
        .with_state(commitments)
        .merge(lists::routes(answering))
}

/// Pages and API.
pub fn module(commitments: Commitments, answering: Answering) -> Module {
    Module {
        name: "commitments",
        routes: routes(commitments, answering),
        menu: vec![
            MenuEntry {
                group: MenuGroup::Work,
                order: 37,
                label_key: "commitments-menu",
                href: "/commitments",
                icon: "ballpen",
                permission: None,
            },
            MenuEntry {
                group: MenuGroup::Work,
                order: 37,
                label_key: "commitments-lists",
                href: "/answering",
                icon: "list-check",
                permission: None,
            },
        ],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            (
                "commitments/list.html",
                include_str!("../templates/list.html"),
            ),
            (
                "commitments/form.html",
                include_str!("../templates/form.html"),
            ),
            (
                "commitments/round.html",
                include_str!("../templates/round.html"),
            ),
            (
                "commitments/letter.html",
                include_str!("../templates/letter.html"),
            ),
            (
                "commitments/lists.html",
                include_str!("../templates/lists.html"),
            ),
            (
                "commitments/list_form.html",
                include_str!("../templates/list_form.html"),
            ),
            (
                "commitments/list_show.html",
                include_str!("../templates/list_show.html"),
            ),
            (
                "commitments/self_report.html",
                include_str!("../templates/self_report.html"),
            ),
        ],
        samples: [samples::all(), lists::samples::all()].concat(),
        openapi: Some(pages::openapi()),
        ..Module::default()
    }
}
