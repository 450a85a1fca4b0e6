//! Routes of lists and self-reports.

use web::{Policy, Routes};

use super::service::Answering;
use super::{pages, paper, report_page};
use crate::{ISSUE, READ};

pub(crate) fn routes(answering: Answering) -> Routes {
    // Who answers for a list sees and writes their report without any permission; the service looks who they are.
    let (own, read, issue) = (
        Policy::SignedIn,
        Policy::Permission(READ),
        Policy::Permission(ISSUE),
    );
    Routes::new()
        .get("/answering", own, pages::list)
        .post("/answering", issue, pages::create)
        .get("/answering/new", issue, pages::new)
        .get("/answering/people-options", issue, pages::people_options)
        .get("/answering/reports.xlsx", read, pages::sheet)
        .get("/answering/lists/{id}", own, pages::show)
        .post("/answering/lists/{id}/acts/{act}", issue, pages::act)
        .get("/answering/reports/{id}", own, report_page::show)
        .post("/answering/reports/{id}/acts/{act}", own, report_page::act)
        .get("/answering/reports/{id}/paper.docx", own, paper::paper)
        .with_state(answering)
}
