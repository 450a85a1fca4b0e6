//! Routes, menu and templates of the officer's side.

use web::{MenuEntry, MenuGroup, Policy, Routes};

use crate::office::Office;
use crate::{
    READ, RESULTS, WRITE, admission_page, blueprint_page, exam_api, exam_pages, gaps, paper_page,
    print, results_page,
};

/// The pages of officers.
pub(crate) fn routes() -> Routes<Office> {
    let [read, write, results] = [READ, WRITE, RESULTS].map(Policy::Permission);
    Routes::new()
        .get("/exams", read, exam_pages::list)
        .get("/exams/list.xlsx", read, exam_pages::export)
        .get("/exams/unit-options", read, exam_pages::unit_options)
        .get("/exams/new", write, exam_pages::new_form)
        .get("/exams/new/unit-options", write, exam_pages::unit_options)
        .post("/exams", write, exam_pages::make)
        .get("/exams/{id}", read, exam_pages::show)
        .get("/exams/{id}/edit", write, exam_pages::edit_form)
        .post("/exams/{id}", write, exam_pages::change)
        .post("/exams/{id}/publication", write, exam_pages::publish)
        .post("/exams/{id}/cancellation", write, exam_pages::call_off)
        .get("/exams/{id}/paper", write, paper_page::show)
        .post("/exams/{id}/paper", write, paper_page::change)
        .get("/exams/{id}/paper/preview", write, paper_page::preview)
        .get("/exams/{id}/blueprint", write, blueprint_page::show)
        .post("/exams/{id}/blueprint", write, blueprint_page::draw)
        .get("/exams/{id}/print/{what}", write, print::print)
        .get("/exams/{id}/candidates", write, admission_page::list)
        .get("/exams/{id}/candidates.xlsx", write, admission_page::export)
        .get(
            "/exams/candidates-template",
            write,
            admission_page::template,
        )
        .post("/exams/{id}/candidates", write, admission_page::admit)
        .post_up_to(
            "/exams/{id}/candidates/import",
            write,
            admission_page::BODY,
            admission_page::import,
        )
        .get(
            "/exams/{id}/candidates/{candidate}",
            write,
            admission_page::one,
        )
        .post(
            "/exams/{id}/candidates/{candidate}",
            write,
            admission_page::change,
        )
        .get("/exams/{id}/tickets", write, admission_page::tickets)
        .post("/exams/{id}/tickets", write, admission_page::issue)
        .get("/exams/{id}/results", results, results_page::list)
        .get("/exams/{id}/results.xlsx", results, results_page::export)
        .post("/exams/{id}/release", results, results_page::release)
        .get("/exams/{id}/items", results, results_page::items)
        .post("/exams/{id}/remark", results, results_page::remark)
        .post("/exams/{id}/gaps", write, gaps::raise)
        .get("/exams/items/{id}", results, results_page::item)
        .get("/exams/pinned/{id}", results, results_page::pinned)
        .get("/exams/attempts/{id}", results, results_page::attempt)
        .post("/exams/attempts/{id}", results, results_page::void)
        .get(
            "/exams/attempts/{id}/files/{hash}",
            results,
            results_page::file,
        )
        .merge(exam_api::routes())
}

/// The entry of the menu.
pub(crate) fn menu() -> MenuEntry {
    MenuEntry {
        group: MenuGroup::Work,
        order: 44,
        label_key: "menu-exams",
        href: "/exams",
        icon: "checklist",
        permission: Some(READ),
    }
}

/// The templates of officers.
pub(crate) const TEMPLATES: &[(&str, &str)] = &[
    (
        "exams/list.html",
        include_str!("../templates/exams-list.html"),
    ),
    (
        "exams/form.html",
        include_str!("../templates/exams-form.html"),
    ),
    (
        "exams/show.html",
        include_str!("../templates/exams-show.html"),
    ),
    (
        "exams/parts.html",
        include_str!("../templates/exams-parts.html"),
    ),
    (
        "exams/paper.html",
        include_str!("../templates/exams-paper.html"),
    ),
    (
        "exams/preview.html",
        include_str!("../templates/exams-preview.html"),
    ),
    (
        "exams/blueprint.html",
        include_str!("../templates/exams-blueprint.html"),
    ),
    (
        "exams/print.html",
        include_str!("../templates/exams-print.html"),
    ),
    (
        "exams/candidates.html",
        include_str!("../templates/exams-candidates.html"),
    ),
    (
        "exams/candidate.html",
        include_str!("../templates/exams-candidate.html"),
    ),
    (
        "exams/tickets.html",
        include_str!("../templates/exams-tickets.html"),
    ),
    (
        "exams/results.html",
        include_str!("../templates/exams-results.html"),
    ),
    (
        "exams/items.html",
        include_str!("../templates/exams-items.html"),
    ),
    (
        "exams/pinned.html",
        include_str!("../templates/exams-pinned.html"),
    ),
    (
        "exams/attempt.html",
        include_str!("../templates/exams-attempt.html"),
    ),
];
