//! An entry: what it says, how far it has come, its parts, what was reported, what is done to it, the rows that it counts.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use desk::{Typed, id_of, paragraphs, told};
use identity::Actor;
use kernel::{Date, Error, FactId, Id, Period, Result, format_date};
use serde_json::{Value, json};
use web::table::Asked;
use web::{Access, Failure, Form, Shell};

use crate::entries::Whole;
use crate::model::{
    EntryState, Eyes, PlanState, REASON, counted, figure, month_of, month_text, rolled,
};
use crate::service::Tasks;
use crate::typed::{Names, crumbs, entry_row, history, report_tag};

const ROWS: usize = 50;

async fn context(s: &Tasks, shell: &Shell, w: &Whole, form: Form) -> Result<Value> {
    let (e, lang, today) = (&w.entry, shell.lang().code(), s.env.today());
    let c = &e.content;
    let related = [&w.parent, &w.carried_from, &w.carried_to];
    let all = [Some(e)]
        .into_iter()
        .chain(related.map(Option::as_ref))
        .flatten()
        .chain(&w.parts);
    let names = Names::of_entries(s, all.collect::<Vec<_>>()).await?;
    let mut reading = s.ledger.reading().await?;
    let own = std::slice::from_ref(e);
    let sum = s.counted(&mut reading, own, today).await?.remove(&e.id);
    drop(reading);
    let claim = c.claim.as_ref().map(|claim| {
        let wanted = c.wanted.unwrap_or(0);
        let n = sum.unwrap_or(0);
        let percent = (n * 100).checked_div(counted(claim, wanted)).unwrap_or(0).min(100);
        json!({ "name": claim.name.get(lang), "unit": claim.unit.get(lang), "wanted": wanted, "value": figure(claim, n), "percent": percent,
            "href": format!("{}/rows", e.href()) })
    });
    let goal = w.plan.goals.get(c.goal.wrapping_sub(1));
    let link = |x: &Option<crate::Entry>| {
        let x = x.as_ref()?;
        Some(json!({ "href": x.href(), "text": format!("{} {}", x.call(), x.content.text) }))
    };
    let reports = w.reports.iter().map(|(r, l)| {
        let claim = c.claim.as_ref();
        json!({ "href": r.href(), "month": month_text(r.month), "percent": l.percent, "said": paragraphs(&l.said),
            "counted": claim.zip(l.counted).map(|(c, n)| figure(c, n)), "reached": l.reached_on.map(format_date), "tag": report_tag(shell, r, today) })
    });
    let open = e.state == EntryState::Open;
    let draft = w.plan.state == PlanState::Draft;
    let ended = matches!(e.state, EntryState::Reached | EntryState::Dropped);
    let later: Vec<(String, String)> = w
        .later
        .iter()
        .map(|p| (p.id.to_string(), format!("{} {}", p.year, p.title)))
        .collect();
    Ok(json!({
        "id": e.id, "seen": e.version, "plan": w.plan.id, "head": entry_row(s, shell, e, &names), "number": e.call(), "text": c.text,
        "target": paragraphs(&c.target), "goal": goal, "plan_title": w.plan.title, "plan_href": w.plan.href(),
        "months": format!("{} – {}", month_text(c.from), month_text(c.to)), "ended": e.ended_on.map(format_date), "claim": claim,
        "milestones": c.milestones.iter().map(|m| json!({ "month": month_text(m.month), "text": m.text, "past": m.month.last_of_month() < today })).collect::<Vec<_>>(),
        "duty": c.duty, "parent": link(&w.parent), "carried_from": link(&w.carried_from), "carried_to": link(&w.carried_to),
        "rolled": rolled(&w.parts), "parts": w.parts.iter().map(|p| entry_row(s, shell, p, &names)).collect::<Vec<_>>(),
        "reports": reports.collect::<Vec<_>>(), "may_change": w.may_plan && open, "may_part": w.may_part,
        "may_drop": w.may_plan && open, "draft": draft, "may_reopen": w.may_plan && ended, "later": later, "new": s.env.new_id::<Id>(),
        "events": history(s, shell, &w.events), "most": REASON, "crumbs": crumbs(shell, &[(&w.plan.title, w.plan.href())]), "form": form,
    }))
}

pub(crate) async fn show(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.entry(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = context(&s, &shell, &w, Form::default()).await?;
    shell.page("tasks/entry.html", context)
}

pub(crate) async fn act(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, act)): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed, eyes) = (id_of(&id)?, Typed(pairs), Eyes::from(&access));
    let w = s.entry(id, &eyes).await?;
    let (of, reason, by) = (
        (id, typed.seen().unwrap_or(-1)),
        typed.get("reason"),
        (&eyes, &actor),
    );
    let gone = act == "drop" && w.plan.state == PlanState::Draft;
    let to = match gone {
        true => w.plan.href(),
        false => w.entry.href(),
    };
    let done = async {
        match act.as_str() {
            "drop" => s.drop_entry(of, reason, by).await.map(|()| to),
            "reopen" => s.reopen(of, reason, by).await.map(|()| to),
            "carry" => {
                let (new, into) = (typed.id("new")?, typed.id("to")?);
                let new = s.carry(of, (new, into), reason, by).await?;
                Ok(format!("/tasks/entries/{new}"))
            }
            _ => Err(Error::NotFound),
        }
    };
    match done.await {
        Ok(to) => shell.done(&to, "tasks-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.entry(id, &eyes).await?;
            shell.refused("tasks/entry.html", context(&s, &shell, &w, form).await?)
        }
    }
}

fn mark_of(text: &str) -> Option<(Date, FactId)> {
    let (date, id) = text.split_once('_')?;
    Some((kernel::parse_date(date)?, id.parse().ok()?))
}

/// The facts that an entry counts, in all its days or in a month.
pub(crate) async fn rows(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(&access);
    let w = s.entry(id_of(&id)?, &eyes).await?;
    let e = &w.entry;
    let claim = e.content.claim.as_ref().ok_or(Error::NotFound)?;
    let today = s.env.today();
    // Names of people behind facts are for those who see the unit.
    if !s.organization.reaches(&eyes.reads, e.content.unit).await? {
        return Err(Error::NotFound.into());
    }
    let days = match asked.get("month").and_then(month_of) {
        Some(month) => Period {
            from: month,
            to: month.last_of_month(),
        },
        None => Period {
            from: e.content.from,
            to: e.content.to.max(today),
        },
    };
    let after = asked.get("after").and_then(mark_of);
    let mut reading = s.ledger.reading().await?;
    let of = (claim, e.content.unit);
    let page = s.rows(&mut reading, of, days, after, ROWS).await?;
    drop(reading);
    let next = page
        .next
        .map(|(date, id)| asked.with("after", &format!("{}_{id}", format_date(date))));
    let call = e.call();
    let context = json!({
        "title": e.content.text, "claim": claim.name.get(shell.lang().code()), "from": format_date(days.from), "to": format_date(days.to.min(today)),
        "rows": s.told_of(&shell, &page.facts).await?, "next": next,
        "crumbs": crumbs(&shell, &[(&w.plan.title, w.plan.href()), (&call, e.href())]),
    });
    shell.page("tasks/rows.html", context)
}
