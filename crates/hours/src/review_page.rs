//! The queue of what waits for somebody else's word: many accepted or returned in one go, one with fewer hours.

use axum::Form as Body;
use axum::extract::{Query, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, PersonId, UnitId};
use serde_json::{Value, json};
use web::table::Asked;
use web::{Access, Failure, Form, Shell};

use crate::form_page::{Pairs, value};
use crate::model::{Record, print, thousandths};
use crate::pages::{crumbs, stage_tags};
use crate::service::{Hours, Outcome, Verdict, href};

const PAGE: i64 = 50;

pub(crate) async fn list(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let asked = Asked::new("/hours/review", pairs);
    let context = queue(&s, &shell, &access, &actor, &asked, Form::default()).await?;
    shell.page("hours/review.html", context)
}

async fn queue(
    s: &Hours,
    shell: &Shell,
    access: &Access,
    actor: &Actor,
    asked: &Asked,
    form: Form,
) -> Result<Value, Error> {
    let (_, total) = s.waiting(&access.scope, actor, (1, 0)).await?;
    let offset = asked.window(PAGE).offset(total);
    let (records, _) = s.waiting(&access.scope, actor, (PAGE, offset)).await?;
    let people: Vec<PersonId> = records.iter().map(|r| r.person).collect();
    let units: Vec<UnitId> = records.iter().map(|r| r.unit).collect();
    let (names, units) = s.names(&people, &units).await?;
    let lang = shell.lang().code();
    let row = |r: &Record| {
        let e = &r.entry;
        json!({
            "href": href(r.id), "pick": format!("{}.{}", r.id, r.version), "title": e.title,
            "person": names.get(&r.person).map(|(_, name)| name), "unit": units.get(&r.unit),
            "way": s.way_name(&e.way, lang), "date": kernel::format_date(e.to), "hours": print(e.hours),
            "files": e.evidence.len(), "tags": stage_tags(shell, &s.rules, r),
        })
    };
    let rows: Vec<Value> = records.iter().map(row).collect();
    let pager = asked.pager(total, PAGE);
    Ok(json!({ "crumbs": crumbs(shell, access), "rows": rows, "pager": pager, "form": form }))
}

/// A record and the version that was looked at, as a form names them.
fn pick(text: &str) -> Option<(Id, i64)> {
    let (id, version) = text.split_once('.')?;
    Some((id.parse().ok()?, version.parse().ok()?))
}

pub(crate) async fn decide(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let picked = pairs.iter().filter(|(name, _)| name == "pick");
    let picks: Option<Vec<_>> = picked.map(|(_, text)| pick(text)).collect();
    let picks = picks.ok_or(Error::NotFound)?;
    let done = async {
        let amount = |name: &str| {
            let wrong = || Error::field(name, Msg::new("hours-amount-wrong"));
            thousandths(value(&pairs, name)).ok_or_else(wrong)
        };
        let verdict = match value(&pairs, "act") {
            "accept" => Verdict::Accept,
            "recognise" => Verdict::Recognise(amount("hours")?, amount("days")?),
            "return" => Verdict::Return(value(&pairs, "reason")),
            _ => return Err(Error::NotFound),
        };
        let outcomes = s
            .review(&picks, verdict, &access.scope, actor.clone())
            .await?;
        Ok((verdict, outcomes))
    };
    match done.await {
        Ok((verdict, outcomes)) => {
            let row = |o: &Outcome| {
                json!({
                    "href": href(o.record.id), "title": o.record.entry.title, "ok": o.refused.is_none(),
                    "date": kernel::format_date(o.record.entry.to),
                    "text": o.refused.as_ref().map(|message| shell.text(message)),
                })
            };
            let rows: Vec<Value> = outcomes.iter().map(row).collect();
            let done = outcomes.iter().filter(|o| o.refused.is_none()).count();
            let context = json!({
                "crumbs": crumbs(&shell, &access), "rows": rows, "done": done, "failed": rows.len() - done,
                "accepted": !matches!(verdict, Verdict::Return(_)),
            });
            shell.page("hours/reviewed.html", context)
        }
        Err(error) => {
            let form = Form::default()
                .with("reason", value(&pairs, "reason"))
                .reject(&shell, error)?;
            let asked = Asked::new("/hours/review", []);
            let context = queue(&s, &shell, &access, &actor, &asked, form).await?;
            shell.refused("hours/review.html", context)
        }
    }
}
