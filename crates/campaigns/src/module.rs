//! What this crate brings to the house.

use desk::FORM;
use web::{Lang, MenuEntry, MenuGroup, Module, Policy, Routes};

use crate::service::Campaigns;
use crate::{
    MESSAGES, PLAN, READ, REPORT, SCORE, api, cockpit_page, form_page, list_page, nodes_page,
    plans_page, samples, score_page, searching, show_page, summary_page, survey_page, typed,
    units_page,
};

fn routes(campaigns: Campaigns) -> Routes {
    let (read, plan) = (Policy::Permission(READ), Policy::Permission(PLAN));
    let (report, score) = (Policy::Permission(REPORT), Policy::Permission(SCORE));
    let own = Policy::SignedIn;
    Routes::new()
        .get(list_page::PLACE, read, list_page::list)
        .get(list_page::SHEET, read, list_page::sheet)
        .post(list_page::PLACE, plan, form_page::create)
        .get("/campaigns/new", plan, form_page::new)
        .get("/campaigns/unit-options", read, typed::unit_options)
        .get("/campaigns/people-options", plan, typed::people_options)
        .get("/campaigns/body-options", plan, typed::body_options)
        .get("/campaigns/nodes", read, nodes_page::tree)
        .post("/campaigns/nodes", plan, nodes_page::create)
        .get("/campaigns/nodes/new", plan, nodes_page::new)
        .get("/campaigns/nodes/{id}", read, nodes_page::show)
        .post("/campaigns/nodes/{id}", plan, nodes_page::change)
        .get("/campaigns/nodes/{id}/edit", plan, nodes_page::edit)
        .get("/campaigns/nodes/{id}/rows", read, nodes_page::facts)
        .get("/campaigns/{id}", read, show_page::show)
        .post("/campaigns/{id}", plan, form_page::change)
        .get("/campaigns/{id}/edit", plan, form_page::edit)
        .post("/campaigns/{id}/acts/{act}", plan, show_page::act)
        .post("/campaigns/{id}/measures/{no}", read, show_page::measure)
        .post_up_to("/campaigns/{id}/reports", report, FORM, show_page::report)
        .post_up_to(
            "/campaigns/{id}/documents/{code}",
            plan,
            FORM,
            show_page::document,
        )
        .get("/campaigns/{id}/files/{sha256}", read, show_page::file)
        .get("/campaigns/{id}/units", read, units_page::units)
        .post("/campaigns/{id}/units", plan, units_page::name)
        .get("/campaigns/{id}/units.xlsx", read, units_page::sheet)
        .post("/campaigns/{id}/units/{unit}", plan, units_page::take)
        .get("/campaigns/{id}/plans", read, plans_page::plans)
        .post_up_to("/campaigns/{id}/plans", plan, FORM, plans_page::keep)
        .get("/campaigns/{id}/plans/{n}", read, plans_page::paper)
        .post("/campaigns/{id}/plans/{n}/ask", plan, plans_page::ask)
        .get("/campaigns/{id}/cockpit", read, cockpit_page::cockpit)
        .get("/campaigns/{id}/rows", read, cockpit_page::rows)
        .get("/campaigns/{id}/problems", read, cockpit_page::problems)
        .post("/campaigns/{id}/problems", read, cockpit_page::raise)
        .get("/campaigns/{id}/checklist", read, score_page::checklist)
        .post("/campaigns/{id}/checklist", plan, score_page::keep_list)
        .get("/campaigns/{id}/scores", read, score_page::all)
        .get("/campaigns/{id}/scores/{unit}", read, score_page::one)
        .post("/campaigns/{id}/scores/{unit}/own", report, score_page::own)
        .post(
            "/campaigns/{id}/scores/{unit}/inspection",
            score,
            score_page::inspect,
        )
        .post(
            "/campaigns/{id}/scores/{unit}/objection",
            report,
            score_page::object,
        )
        .post(
            "/campaigns/{id}/scores/{unit}/answer",
            score,
            score_page::answer,
        )
        .get("/campaigns/{id}/survey", own, survey_page::ask)
        .post("/campaigns/{id}/survey", own, survey_page::speak)
        .post(
            "/campaigns/{id}/survey/open",
            plan,
            summary_page::open_survey,
        )
        .get("/campaigns/{id}/summary", read, summary_page::show)
        .post("/campaigns/{id}/summary", plan, summary_page::keep)
        .get("/campaigns/{id}/summary.docx", read, summary_page::paper)
        .merge(api::routes())
        .with_state(campaigns)
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        vec![$((concat!("campaigns/", $name), include_str!(concat!("../templates/", $name)))),*]
    };
}

/// Pages, API and search.
pub fn module(campaigns: Campaigns) -> Module {
    Module {
        name: "campaigns",
        search: vec![std::sync::Arc::new(searching::Source(campaigns.clone()))],
        routes: routes(campaigns),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 35,
            label_key: "campaigns-menu",
            href: "/campaigns",
            icon: "flag",
            permission: Some(READ),
        }],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: templates![
            "list.html",
            "form.html",
            "show.html",
            "units.html",
            "plans.html",
            "cockpit.html",
            "rows.html",
            "problems.html",
            "checklist.html",
            "scores.html",
            "score.html",
            "survey.html",
            "summary.html",
            "nodes.html",
            "node.html",
            "node_form.html",
        ],
        samples: samples::all(),
        openapi: Some(api::openapi()),
        ..Module::default()
    }
}
