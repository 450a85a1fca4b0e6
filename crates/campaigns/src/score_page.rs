//! The checklist with its versions, scores of units side by side, one unit's score, objections.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::forms::Answers;
use desk::{Typed, id_of, paragraphs, told};
use identity::Actor;
use kernel::{Error, FieldError, Msg, PersonId, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::Asked;
use web::{Access, Failure, Form, Shell};

use crate::checklist::{Scored, compared, mark, on, typed_points, written};
use crate::model::{Eyes, REASON, Side, Solid, State};
use crate::service::{Campaigns, Whole};
use crate::store::scores;
use crate::typed::{crumbs, tabs};

const PAGE: i64 = 100;

async fn list_context(
    s: &Campaigns,
    shell: &Shell,
    w: &Whole,
    mut form: Form,
    asked: &Asked,
) -> Result<Value> {
    let (c, lang, today) = (&w.campaign, shell.lang().code(), s.env.today());
    let day = asked
        .get("on")
        .and_then(kernel::parse_date)
        .unwrap_or(today);
    let mut tx = s.db.read().await?;
    let lists = scores::lists(&mut tx, c.id).await?;
    let form_now = s.form_on(&mut tx, c, day).await?;
    drop(tx);
    let now = on(&lists, day).map(|l| l.n);
    let own: Vec<&str> = lists
        .iter()
        .flat_map(|l| &l.sections)
        .flat_map(|s| &s.items)
        .map(|i| i.text.zh.as_str())
        .collect();
    let sections = form_now.iter().flat_map(|f| &f.sections).map(|section| {
        let items = section.items.iter().map(|i| {
            json!({ "text": i.text.get(lang), "points": Solid(i.points).to_string(), "clause": i.clause.as_ref().map(|c| c.get(lang)),
                "inherited": !own.contains(&i.text.zh.as_str()) })
        });
        json!({ "title": if section.title.zh == "—" { "" } else { section.title.get(lang) }, "items": items.collect::<Vec<_>>() })
    });
    let versions = lists.iter().map(|l| {
        json!({ "n": l.n, "effective": format_date(l.effective), "reason": l.reason, "who": l.name, "at": l.at.minute_text(s.env.zone()),
            "now": now == Some(l.n), "href": format!("{}/checklist?on={}", c.href(), format_date(l.effective)) })
    });
    if !form.values.contains_key("items") {
        let last = lists.first().map_or(&[][..], |l| l.sections.as_slice());
        let later = lists
            .first()
            .map_or(today, |l| l.effective.max(today))
            .min(c.content.to);
        form = form
            .with("items", written(last, lang))
            .with("effective", format_date(later));
    }
    Ok(json!({
        "id": c.id, "title": c.content.title, "sections": sections.collect::<Vec<_>>(), "versions": versions.collect::<Vec<_>>(), "day": format_date(day),
        "may": w.may_plan && matches!(c.state, State::Planned | State::Running), "first": lists.is_empty(), "most": REASON,
        "nav": tabs(shell, c.id, "checklist"), "crumbs": crumbs(shell, None), "form": form,
    }))
}

pub(crate) async fn checklist(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = list_context(&s, &shell, &w, Form::default(), &asked).await?;
    shell.page("campaigns/checklist.html", context)
}

pub(crate) async fn keep_list(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let done = async {
        let day = typed.day("effective")?;
        s.write_list(
            id,
            typed.get("items"),
            day,
            typed.get("reason"),
            (&eyes, &actor),
        )
        .await
    };
    match done.await {
        Ok(()) => shell.done(&format!("/campaigns/{id}/checklist"), "campaigns-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.campaign(id, &eyes).await?;
            let asked = Asked::read(&format!("/campaigns/{id}/checklist"));
            let context = list_context(&s, &shell, &w, form, &asked).await?;
            shell.refused("campaigns/checklist.html", context)
        }
    }
}

/// Scores of all units, side by side.
pub(crate) async fn all(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let c = &w.campaign;
    let mut tx = s.db.read().await?;
    let own = scores::shares(&mut tx, c.id, Side::Own).await?;
    let inspected = scores::shares(&mut tx, c.id, Side::Inspection).await?;
    let waiting = scores::waiting(&mut tx, c.id).await?;
    drop(tx);
    let joined: Vec<UnitId> = w.joined().filter(|u| w.visible.contains(u)).collect();
    let names = s.organization.names(&joined).await?;
    let mut rows: Vec<(bool, bool, String, Value)> = joined
        .iter()
        .map(|u| {
            let (a, b) = (own.get(u), inspected.get(u));
            let gap = a.zip(b).map(|(a, b)| b - a);
            let name = names.get(u).cloned().unwrap_or_default();
            let text = |n: Option<&i64>| n.map(|n| Solid(*n).to_string());
            let gap = gap.map(|g| format!("{}{}", if g < 0 { "−" } else { "+" }, Solid(g.abs())));
            let row = json!({ "name": name, "href": format!("{}/scores/{u}", c.href()), "own": text(a), "inspection": text(b), "gap": gap, "waiting": waiting.contains(u) });
            (!waiting.contains(u), b.is_some(), name, row)
        })
        .collect();
    rows.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    let total = rows.len() as i64;
    let at = asked.window(PAGE).offset(total) as usize;
    let page: Vec<Value> = rows
        .into_iter()
        .skip(at)
        .take(PAGE as usize)
        .map(|r| r.3)
        .collect();
    let context = json!({ "title": c.content.title, "rows": page, "own": joined.iter().filter(|u| own.contains_key(u)).count(), "inspected": joined.iter().filter(|u| inspected.contains_key(u)).count(), "joined": joined.len(),
        "pager": asked.pager(total, PAGE), "nav": tabs(&shell, c.id, "scores"), "crumbs": crumbs(&shell, None) });
    shell.page("campaigns/scores.html", context)
}

async fn one_context(
    s: &Campaigns,
    shell: &Shell,
    eyes: &Eyes,
    w: &Whole,
    unit: UnitId,
    form: Form,
) -> Result<Value> {
    let (c, lang) = (&w.campaign, shell.lang().code());
    if !w.visible.contains(&unit) || !w.joined().any(|u| u == unit) {
        return Err(Error::NotFound);
    }
    let mut tx = s.db.read().await?;
    let own = scores::scores(&mut tx, c.id, unit, Side::Own).await?;
    let inspected = scores::scores(&mut tx, c.id, unit, Side::Inspection).await?;
    let objections = scores::objections(&mut tx, c.id, unit).await?;
    let asked = s.form_on(&mut tx, c, s.env.today()).await?;
    let reports = crate::store::parts::reports(&mut tx, c.id, unit).await?;
    drop(tx);
    let mut people: Vec<PersonId> = own
        .iter()
        .chain(&inspected)
        .filter_map(|s| s.person)
        .chain(reports.iter().filter_map(|r| r.person))
        .collect();
    people.extend(
        objections
            .iter()
            .flat_map(|o| [o.person, o.answered_by])
            .flatten(),
    );
    let people = s.organization.person_names(&people).await?;
    let names = s.organization.names(&[unit]).await?;
    let marked = compared(own.first(), inspected.first());
    let items = marked.iter().map(|m| {
        json!({ "text": m.item.text.get(lang), "full": Solid(m.item.points).to_string(), "own": m.own.map(|n| Solid(n).to_string()),
            "inspection": m.inspection.map(|n| Solid(n).to_string()), "note": m.note, "differs": m.differs(w.kind.explain) })
    });
    let head = |s: Option<&Scored>| {
        s.map(|x| json!({ "share": Solid(x.share).to_string(), "points": Solid(x.points).to_string(), "full": Solid(x.full).to_string(),
        "who": x.person.and_then(|p| people.get(&p)), "n": x.n }))
    };
    let running = matches!(c.state, State::Running | State::Closing);
    let answered_right = inspected
        .first()
        .and_then(|l| objections.iter().find(|o| o.n == l.n))
        .is_some_and(|o| o.upheld == Some(false));
    let may_own = running && w.reports_for.contains(&unit) && inspected.is_empty();
    let may_inspect =
        running && w.inspects.contains(&unit) && (inspected.is_empty() || answered_right);
    let last = own.first().or(inspected.first());
    let form_items = asked.iter().flat_map(|f| &f.sections).map(|section| {
        let items = section.items.iter().map(|i| {
            let before = own.first().filter(|_| may_own).and_then(|s| s.marks.get(&i.code));
            let before = before.and_then(|a| match a.value {
                commons::forms::Value::Number(n) => Some(Solid(n).to_string()),
                _ => None,
            });
            let value = form.values.get(&format!("p-{}", i.code)).cloned().or(before);
            json!({ "p": format!("p-{}", i.code), "n": format!("n-{}", i.code), "text": i.text.get(lang), "full": Solid(i.points).to_string(),
                "clause": i.clause.as_ref().map(|c| c.get(lang)), "value": value,
                "note": form.values.get(&format!("n-{}", i.code)), "own": own.first().and_then(|s| match s.marks.get(&i.code)?.value {
                    commons::forms::Value::Number(n) => Some(Solid(n).to_string()),
                    _ => None,
                }) })
        });
        json!({ "title": if section.title.zh == "—" { "" } else { section.title.get(lang) }, "items": items.collect::<Vec<_>>() })
    });
    let form_items: Vec<Value> = form_items.collect();
    let objected = objections.iter().map(|o| {
        json!({ "n": o.n, "said": paragraphs(&o.said), "who": o.person.and_then(|p| people.get(&p)), "at": o.at.minute_text(s.env.zone()),
            "answer": o.answer.as_deref().map(paragraphs), "upheld": o.upheld, "by": o.answered_by.and_then(|p| people.get(&p)),
            "may": o.answer.is_none() && c.state.is_open() && w.inspects.contains(&unit)
                && eyes.person.is_some() && inspected.iter().find(|s| s.n == o.n).is_some_and(|s| s.person != eyes.person) })
    });
    let may_object = c.state.is_open()
        && w.reports_for.contains(&unit)
        && inspected
            .first()
            .is_some_and(|l| objections.iter().all(|o| o.n != l.n));
    let reports = reports.iter().map(|r| {
        let files = r.files.iter().map(|f| &f.name).cloned().collect::<Vec<_>>();
        json!({ "percent": r.percent, "said": paragraphs(&r.said), "files": files.join("、"), "who": r.person.and_then(|p| people.get(&p)),
            "at": r.at.minute_text(s.env.zone()) })
    });
    let reports: Vec<Value> = reports.collect();
    let history = |list: &[Scored]| -> Vec<Value> {
        list.iter().map(|x| json!({ "n": x.n, "share": Solid(x.share).to_string(), "who": x.person.and_then(|p| people.get(&p)), "at": x.at.minute_text(s.env.zone()) })).collect()
    };
    Ok(json!({
        "id": c.id, "unit": unit, "title": c.content.title, "name": names.get(&unit), "items": items.collect::<Vec<_>>(), "any": last.is_some(),
        "own": head(own.first()), "inspection": head(inspected.first()), "own_history": history(&own), "inspection_history": history(&inspected),
        "may_own": may_own && !form_items.is_empty(), "may_inspect": may_inspect && !form_items.is_empty(), "sections": form_items,
        "explain": w.kind.explain, "reports": reports, "objections": objected.collect::<Vec<_>>(), "may_object": may_object, "most": REASON * 4,
        "nav": tabs(shell, c.id, "scores"), "crumbs": crumbs(shell, Some(c)), "form": form,
    }))
}

pub(crate) async fn one(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path((id, unit)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(&access);
    let w = s.campaign(id_of(&id)?, &eyes).await?;
    let context = one_context(&s, &shell, &eyes, &w, id_of(&unit)?, Form::default()).await?;
    shell.page("campaigns/score.html", context)
}

/// Points and notes of a form.
fn marks_of(typed: &Typed) -> Result<Answers> {
    let (mut marks, mut errors) = (Answers::new(), Vec::new());
    for (name, text) in typed.0.iter().filter(|(_, v)| !v.trim().is_empty()) {
        let Some(code) = name.strip_prefix("p-") else {
            continue;
        };
        match typed_points(text) {
            Some(points) => {
                marks.insert(
                    code.to_owned(),
                    mark(points, typed.get(&format!("n-{code}"))),
                );
            }
            None => errors.push(FieldError {
                field: name.clone(),
                message: Msg::new("campaigns-points-wrong"),
            }),
        }
    }
    Error::if_any(errors)?;
    Ok(marks)
}

async fn settled(
    s: &Campaigns,
    (shell, eyes, id, unit): (&Shell, &Eyes, kernel::Id, UnitId),
    done: Result<()>,
    typed: &Typed,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done(&format!("/campaigns/{id}/scores/{unit}"), "campaigns-done"),
        Err(error) => {
            let form = typed.form().reject(shell, told(error))?;
            let w = s.campaign(id, eyes).await?;
            let context = one_context(s, shell, eyes, &w, unit, form).await?;
            shell.refused("campaigns/score.html", context)
        }
    }
}

async fn scored(
    s: Campaigns,
    (shell, access, actor): (Shell, Access, Actor),
    (id, unit): (String, String),
    pairs: Vec<(String, String)>,
    side: Side,
) -> Result<Response, Failure> {
    let (id, unit, eyes, typed) = (
        id_of(&id)?,
        id_of(&unit)?,
        Eyes::from(&access),
        Typed(pairs),
    );
    let done = async {
        let marks = marks_of(&typed)?;
        s.score((id, unit, side), &marks, (&eyes, &actor))
            .await
            .map(|_| ())
    };
    let done = done.await;
    settled(&s, (&shell, &eyes, id, unit), done, &typed).await
}

pub(crate) async fn own(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(at): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    scored(s, (shell, access, actor), at, pairs, Side::Own).await
}

pub(crate) async fn inspect(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(at): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    scored(s, (shell, access, actor), at, pairs, Side::Inspection).await
}

pub(crate) async fn object(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, unit)): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, unit, eyes, typed) = (
        id_of(&id)?,
        id_of(&unit)?,
        Eyes::from(&access),
        Typed(pairs),
    );
    let done = s
        .object((id, unit), typed.get("said"), (&eyes, &actor))
        .await;
    settled(&s, (&shell, &eyes, id, unit), done, &typed).await
}

pub(crate) async fn answer(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, unit)): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, unit, eyes, typed) = (
        id_of(&id)?,
        id_of(&unit)?,
        Eyes::from(&access),
        Typed(pairs),
    );
    let done = async {
        let n = typed.get("n").parse().map_err(|_| Error::NotFound)?;
        let said = (typed.get("upheld") == "yes", typed.get("answer"));
        s.answer((id, unit, n), said, (&eyes, &actor)).await
    };
    let done = done.await;
    settled(&s, (&shell, &eyes, id, unit), done, &typed).await
}
