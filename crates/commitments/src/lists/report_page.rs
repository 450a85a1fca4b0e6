//! A self-report: written item by item beside what the ledger shows, handed in, accepted or returned.

use std::collections::BTreeMap;

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Result, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use super::model::Item;
use super::pages::{crumbs, seen, tag};
use super::service::{Answering, LONGEST, ReportView};
use crate::pages::{Typed, id_of, told};

/// What the ledger shows for an item, in words.
pub(crate) fn shown(shell: &Shell, item: &Item, figures: &BTreeMap<String, i64>) -> Option<String> {
    let figure = item.figure.as_ref()?;
    let n = figures.get(&item.code)?.to_string();
    let with = [
        ("n", n.as_str()),
        ("unit", figure.unit.get(shell.lang().code())),
    ];
    Some(shell.t_with("commitments-list-figure", &with))
}

async fn context(s: &Answering, shell: &Shell, view: &ReportView, mut form: Form) -> Result<Value> {
    let r = &view.report;
    let org = &s.base.organization;
    let (units, people) = (
        org.names(&[r.unit]).await?,
        org.person_names(&[r.holder]).await?,
    );
    let mut items = Vec::new();
    for item in &r.items {
        let figure = shown(shell, item, &view.figures);
        let said = r.said.get(&item.code);
        let name = format!("t-{}", item.code);
        if !form.values.contains_key(&name) {
            // What the ledger shows is where the text begins, as long as nothing was written.
            let first = said.or(figure.as_ref()).map_or("", String::as_str);
            form = form.with(&name, first);
        }
        items.push(json!({ "name": name, "text": item.text, "basis": item.basis, "expected": item.expected, "figure": figure,
            "said": said.map(|t| t.lines().collect::<Vec<_>>()) }));
    }
    let events = view.events.iter().map(|(act, comment, who, at)| {
        json!({ "text": shell.t(&format!("commitments-event-{act}")), "who": who, "reason": comment, "at": at.minute_text(s.base.env.zone()) })
    });
    Ok(
        json!({ "id": r.id, "title": r.title, "year": r.year, "unit": units.get(&r.unit), "holder": people.get(&r.holder), "due": format_date(r.due),
        "late": r.is_late(s.base.env.today()), "handed": r.handed_on.map(format_date), "tag": tag(shell, r), "comment": r.comment, "items": items,
        "events": events.collect::<Vec<_>>(), "may_write": view.may_write, "may_judge": view.may_judge, "most": LONGEST, "seen": r.version,
        "list": format!("/answering/lists/{}", r.list), "paper": format!("{}/paper.docx", r.href()), "crumbs": crumbs(shell), "form": form }),
    )
}

pub(crate) async fn show(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let view = s.report(id_of(&id)?, &seen(&access)).await?;
    let context = context(&s, &shell, &view, Form::default()).await?;
    shell.page("commitments/self_report.html", context)
}

pub(crate) async fn act(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, word)): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed, seen): (Id, _, _) = (id_of(&id)?, Typed(pairs), seen(&access));
    let done = async {
        let version = typed.get("seen").parse::<i64>();
        let version = version.map_err(|_| Error::NotFound)?;
        let said = || {
            let of = typed.0.iter();
            of.filter_map(|(n, v)| Some((n.strip_prefix("t-")?.to_owned(), v.clone())))
                .collect::<BTreeMap<String, String>>()
        };
        let comment = typed.get("comment");
        match word.as_str() {
            "keep" => s.keep((id, version), &said(), false, &seen, &actor).await,
            "hand-in" => s.keep((id, version), &said(), true, &seen, &actor).await,
            "accept" => s.judge((id, version), (true, comment), &seen, &actor).await,
            "return" => {
                s.judge((id, version), (false, comment), &seen, &actor)
                    .await
            }
            _ => Err(Error::NotFound),
        }
    };
    match done.await {
        Ok(()) => shell.done(&format!("/answering/reports/{id}"), "commitments-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let view = s.report(id, &seen).await?;
            shell.refused(
                "commitments/self_report.html",
                context(&s, &shell, &view, form).await?,
            )
        }
    }
}
