//! One campaign: what it says, its phases, measures, documents, what it claims, and what the reader may do.

use axum::Form as Body;
use axum::extract::{Multipart, Path, State as Shared};
use axum::response::Response;
use desk::{Typed, Waiting, id_of, paragraphs, told};
use identity::Actor;
use kernel::{Error, Id, Result, Scope, UnitId, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::kind::CampaignKind;
use crate::list_page::rows;
use crate::model::{Act, Content, Eyes, REASON};
use crate::plans::PlanState;
use crate::service::{Campaigns, Whole};
use crate::store::Event;
use crate::typed::{crumbs, tabs, tag};

/// Phases as the stepper shows them.
pub(crate) fn steps(
    kind: &CampaignKind,
    c: &Content,
    today: kernel::Date,
    lang: &str,
) -> Vec<Value> {
    let step = |p: &crate::Stretch| {
        let name = kind
            .phase(&p.code)
            .map_or(p.code.as_str(), |k| k.name.get(lang));
        json!({ "label": name, "state": p.stands(today), "note": format!("{} – {}", format_date(p.from), format_date(p.to)) })
    };
    c.phases.iter().map(step).collect()
}

/// What happened, in words.
pub(crate) fn history(
    s: &Campaigns,
    shell: &Shell,
    events: &[Event],
    units: &std::collections::HashMap<UnitId, String>,
) -> Vec<Value> {
    let line = |e: &Event| {
        let number = |name: &str| {
            e.body[name]
                .as_i64()
                .map_or(String::new(), |n| n.to_string())
        };
        let unit = e.body["unit"]
            .as_str()
            .and_then(|u| u.parse::<UnitId>().ok());
        let unit = unit
            .and_then(|u| units.get(&u).cloned())
            .unwrap_or_default();
        let args = [
            ("n", number("n")),
            ("no", number("no")),
            ("units", number("units")),
            ("percent", number("percent")),
            ("unit", unit),
            (
                "number",
                e.body["number"].as_str().unwrap_or_default().to_owned(),
            ),
        ];
        let args: Vec<(&str, &str)> = args.iter().map(|(k, v)| (*k, v.as_str())).collect();
        json!({ "text": shell.t_with(&format!("campaigns-event-{}", e.act), &args), "who": e.name, "reason": e.reason,
            "at": e.at.minute_text(s.env.zone()) })
    };
    events.iter().map(line).collect()
}

/// The units that events name.
pub(crate) fn named(events: &[Event]) -> Vec<UnitId> {
    let unit = |e: &Event| e.body["unit"].as_str().and_then(|u| u.parse().ok());
    events.iter().filter_map(unit).collect()
}

/// The campaigns below, with how far each is: units that take part, measures done and overdue.
async fn below(s: &Campaigns, shell: &Shell, w: &Whole) -> Result<Vec<Value>> {
    let today = s.env.today();
    let mut all = rows(s, shell, &w.below).await?;
    for (row, c) in all.iter_mut().zip(&w.below) {
        let done = w.below_done.get(&c.id).map_or(&[][..], Vec::as_slice);
        let open = c.content.measures.iter().filter(|m| !done.contains(&m.no));
        row["measures"] = json!(c.content.measures.len());
        row["done"] = json!(c.content.measures.len() - open.clone().count());
        row["late"] = json!(open.filter(|m| m.due < today).count());
    }
    Ok(all)
}

async fn context(
    s: &Campaigns,
    (shell, scope): (&Shell, &Scope),
    w: &Whole,
    form: Form,
    files: &[Waiting],
) -> Result<Value> {
    let (lang, today, c) = (shell.lang().code(), s.env.today(), &w.campaign);
    let mut units: Vec<UnitId> = c
        .content
        .measures
        .iter()
        .map(|m| m.unit)
        .chain([c.unit])
        .collect();
    units.extend(&w.reports_for);
    units.extend(named(&w.events));
    let units = s.organization.names(&units).await?;
    let people: Vec<_> = c.content.lead.into_iter().collect();
    let people = s.organization.person_names(&people).await?;
    let mut bodies = Vec::new();
    for (key, id) in [
        ("campaigns-group", c.content.group),
        ("campaigns-office", c.content.office),
    ] {
        if let Some(id) = id
            && let Ok((body, _)) = s.organization.body(id, &kernel::Scope::All).await
        {
            bodies.push((
                shell.t(key),
                body.name,
                format!("/organization/bodies/{id}"),
            ));
        }
    }
    let open = c.state.is_open();
    let reports: &[UnitId] = &w.reports_for;
    let running = matches!(c.state, crate::State::Running | crate::State::Closing);
    let measures = c.content.measures.iter().map(|m| {
        let done = w.done.get(&m.no);
        json!({ "no": m.no, "text": m.text, "unit": units.get(&m.unit), "due": format_date(m.due), "done": done.map(|d| format_date(d.on)),
            "said": done.map(|d| d.said.clone()), "late": done.is_none() && open && m.due < today,
            "may": done.is_none() && running && (w.may_plan || reports.contains(&m.unit)) })
    });
    let lines = s.lines(c, scope).await?;
    let tracks = w.kind.tracks.iter().map(|t| {
        let own = lines.iter().filter(|l| l.taken.track == t.code).map(|l| {
            json!({ "name": l.taken.claim.name.get(lang), "value": l.cell.text(&l.taken.claim), "unit": l.taken.claim.unit.get(lang),
                "categories": l.taken.categories.join("、"), "href": format!("{}/rows?claim={}", c.href(), l.no) })
        });
        let after = t.after.as_ref().and_then(|code| w.kind.track(code)).map(|t| t.name.get(lang));
        json!({ "name": t.name.get(lang), "after": after, "lines": own.collect::<Vec<_>>() })
    });
    let ends = |phase: &str| {
        c.content
            .phases
            .iter()
            .find(|p| p.code == phase)
            .map(|p| p.to)
    };
    let issued = w.issued();
    let documents = w.kind.documents.iter().map(|d| {
        let files = w.papers.iter().filter(|p| p.code == d.code).map(|p| {
            json!({ "name": p.file.name, "href": format!("{}/files/{}", c.href(), p.file.sha256), "at": p.at.minute_text(s.env.zone()) })
        });
        let files: Vec<Value> = files.collect();
        let plan = d.code == "plan";
        let there = if plan { issued.is_some() } else { !files.is_empty() };
        json!({ "code": d.code, "name": d.name.get(lang), "files": files, "there": there, "plan": plan,
            "number": issued.filter(|_| plan).and_then(|p| p.number.clone()), "due": ends(&d.phase).map(format_date),
            "late": !there && open && ends(&d.phase).is_some_and(|day| day < today) })
    });
    let acts = Act::ALL
        .into_iter()
        .filter(|a| w.may_plan && c.state.after(*a).is_some());
    let acts = acts.map(|a| json!({ "code": a.code(), "label": shell.t(&format!("campaigns-act-{}", a.code())), "reason": a.needs_reason() }));
    let figures = w.kind.figures.iter().map(|f| {
        let href = format!(
            "/indicators/{}?unit={}&from={}&to={}",
            f.indicator,
            c.unit,
            format_date(c.content.from),
            format_date(c.content.to)
        );
        json!([href, f.name.get(lang)])
    });
    let node = w.node.as_ref().map(|n| {
        let name = format!("{} {}", n.code, n.name);
        json!({ "name": name, "href": format!("/campaigns/nodes/{}", n.id) })
    });
    let mut offered = Vec::new();
    for unit in reports.iter().take(300) {
        offered.push((
            unit.to_string(),
            units.get(unit).cloned().unwrap_or_default(),
        ));
    }
    let mine = reports.iter().filter_map(|u| w.reports.get(u)).map(|r| {
        json!({ "unit": units.get(&r.unit), "percent": r.percent, "said": paragraphs(&r.said), "at": r.at.minute_text(s.env.zone()) })
    });
    Ok(json!({
        "id": c.id, "title": c.content.title, "goals": paragraphs(&c.content.goals), "tag": tag(shell, c.state),
        "kind": w.kind.name.get(lang), "unit": units.get(&c.unit), "from": format_date(c.content.from), "to": format_date(c.content.to),
        "closed": c.closed_on.map(format_date), "bodies": bodies, "lead": c.content.lead.and_then(|p| people.get(&p)), "node": node,
        "joined": c.joined, "named": c.joined + c.absent, "absent": c.absent,
        "above": w.above.as_ref().map(|a| json!({ "title": a.content.title, "href": a.href() })),
        "below": below(s, shell, w).await?, "may_below": open,
        "steps": steps(&w.kind, &c.content, today, lang), "measures": measures.collect::<Vec<_>>(), "done": w.done.len(),
        "tracks": tracks.collect::<Vec<_>>(), "documents": documents.collect::<Vec<_>>(), "figures": figures.collect::<Vec<_>>(),
        "plan": issued.map(|p| json!({ "number": p.number, "title": p.title })), "asked": w.plans.iter().any(|p| p.state == PlanState::Asked),
        "acts": acts.collect::<Vec<_>>(), "may_plan": w.may_plan, "may_change": w.may_plan && open,
        "may_report": running && !offered.is_empty(), "offered": offered, "reports": mine.collect::<Vec<_>>(),
        "events": history(s, shell, &w.events, &units), "seen": c.version, "today": format_date(today), "most": REASON,
        "waiting": desk::waiting(files), "nav": tabs(shell, c.id, ""), "crumbs": crumbs(shell, None), "form": form,
    }))
}

pub(crate) async fn show(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = context(&s, (&shell, &access.scope), &w, Form::default(), &[]).await?;
    shell.page("campaigns/show.html", context)
}

/// Back to the page, or the page with what was wrong.
async fn settled(
    s: &Campaigns,
    (shell, access, id): (&Shell, &Access, Id),
    done: Result<()>,
    (typed, files): (&Typed, &[Waiting]),
) -> Result<Response, Failure> {
    match done {
        Ok(()) => {
            s.attachments.release(files).await;
            shell.done(&format!("/campaigns/{id}"), "campaigns-done")
        }
        Err(error) => {
            let form = typed.form().reject(shell, told(error))?;
            let w = s.campaign(id, &Eyes::from(access)).await?;
            shell.refused(
                "campaigns/show.html",
                context(s, (shell, &Eyes::from(access).reads), &w, form, files).await?,
            )
        }
    }
}

pub(crate) async fn act(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, word)): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let act = Act::from_code(&word).ok_or(Error::NotFound)?;
    let done = s
        .act(id, typed.seen(), act, typed.get("reason"), (&eyes, &actor))
        .await;
    settled(&s, (&shell, &access, id), done, (&typed, &[])).await
}

pub(crate) async fn measure(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, no)): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let done = async {
        let no = no.parse().map_err(|_| Error::NotFound)?;
        s.measure_done(
            id,
            no,
            typed.day("day")?,
            typed.get("reason"),
            (&eyes, &actor),
        )
        .await
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, (&typed, &[])).await
}

pub(crate) async fn report(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    s.campaign(id, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let done = async {
        let unit = desk::id_of(typed.get("unit"))?;
        let percent = typed.get("percent").trim().parse().unwrap_or(-1);
        s.report(
            (id, unit),
            (percent, typed.get("said")),
            &files,
            (&eyes, &actor),
        )
        .await
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, (&typed, &files)).await
}

pub(crate) async fn document(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path((id, code)): Path<(String, String)>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    s.campaign(id, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let done = s.hand_in(id, &code, &files, (&eyes, &actor)).await;
    settled(&s, (&shell, &access, id), done, (&typed, &files)).await
}

/// A file of a campaign: of its plans, documents or last reports.
pub(crate) async fn file(
    Shared(s): Shared<Campaigns>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    // What is not issued yet is for those who plan.
    let plans = w.plans.iter().filter(|p| w.may_plan || p.number.is_some());
    let files = plans
        .flat_map(|p| &p.files)
        .chain(w.papers.iter().map(|p| &p.file));
    let mut files = files.chain(w.reports.values().flat_map(|r| &r.files));
    let found = files.find(|f| f.sha256 == sha256).ok_or(Error::NotFound)?;
    Ok(s.attachments.download(found).await?)
}
