//! What this crate brings to the house.

use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::service::Commitments;
use crate::{ISSUE, MESSAGES, READ, pages, samples};

fn routes(commitments: Commitments) -> Routes {
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
}

/// Pages and API.
pub fn module(commitments: Commitments) -> Module {
    Module {
        name: "commitments",
        routes: routes(commitments),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 37,
            label_key: "commitments-menu",
            href: "/commitments",
            icon: "ballpen",
            permission: None,
        }],
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
        ],
        samples: samples::all(),
        openapi: Some(pages::openapi()),
        ..Module::default()
    }
}
