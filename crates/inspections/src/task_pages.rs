//! Pages of a task: how it stands, a section to fill in, what is handed in, its empty form on paper, the results of a plan.

use axum::Form as Body;
use axum::extract::{Multipart, Path, Query, State as With};
use axum::response::Response;
use commons::forms::{Answer, Form as Checklist, Value as Said0, check, deficiencies, score};
use desk::Waiting;
use identity::Actor;
use kernel::{AccountId, Error, Id, Msg, Result, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::drafting::decimal;
use crate::fill_page::filling;
use crate::filling::{Paper, Standing};
use crate::kind::Mode;
use crate::model::{Filled, Outcome, Said, TaskState, Way};
use crate::plan_pages::{PLACE, Pairs, task_tag, value};
use crate::planning::{href, task_href};
use crate::service::{Eyes, Inspections};
use crate::store;
use crate::view::{crumbs, item_view, name_of, percent};

pub(crate) fn id_of(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

/// What was answered, in words.
pub(crate) fn said(shell: &Shell, form: &Checklist, item: &str, answer: &Answer) -> String {
    use commons::forms::Kind;
    let lang = shell.lang().code();
    match &answer.value {
        Said0::NotApplicable => shell.t("inspection-not-applicable"),
        Said0::Yes(true) => shell.t("inspection-yes"),
        Said0::Yes(false) => shell.t("inspection-no"),
        Said0::Chosen(codes) => {
            let options = form.item(item).map(|i| match &i.kind {
                Kind::Choice { options } | Kind::Several { options } => options.as_slice(),
                _ => &[],
            });
            let options = options.unwrap_or_default();
            let chosen = options.iter().filter(|o| codes.contains(&o.code));
            let names: Vec<&str> = chosen.map(|o| o.text.get(lang)).collect();
            names.join(&shell.t("inspection-list-comma"))
        }
        Said0::Number(n) => match form.item(item).map(|i| &i.kind) {
            Some(Kind::Score { .. }) => decimal(*n),
            _ => n.to_string(),
        },
        Said0::Text(text) => text.clone(),
        Said0::Day(day) => kernel::format_date(*day),
    }
}

/// What a field shows of an answer: codes of choices are told apart by the template.
pub(crate) fn typed(
    form: &Checklist,
    item: &str,
    answer: Option<&Answer>,
) -> (String, Vec<String>, bool) {
    use commons::forms::Kind;
    let Some(answer) = answer else {
        return (String::new(), Vec::new(), false);
    };
    let text = |text: String| (text, Vec::new(), false);
    match &answer.value {
        Said0::NotApplicable => (String::new(), Vec::new(), true),
        Said0::Yes(yes) => text(if *yes { "yes" } else { "no" }.to_owned()),
        Said0::Chosen(codes) => (String::new(), codes.clone(), false),
        Said0::Number(n) => match form.item(item).map(|i| &i.kind) {
            Some(Kind::Score { .. }) => text(decimal(*n)),
            _ => text(n.to_string()),
        },
        Said0::Text(words) => text(words.clone()),
        Said0::Day(day) => text(kernel::format_date(*day)),
    }
}

/// How far each section is: items that must be answered and are not.
pub(crate) fn open_of(form: &Checklist, filled: &Filled) -> Vec<(String, String, usize, usize)> {
    let faults = check(form, &filled.answers, true);
    let open = |code: &str| faults.iter().any(|f| f.item == code);
    let sections = form.sections.iter().map(|s| {
        let n = s.items.iter().filter(|i| open(&i.code)).count();
        (s.code.clone(), s.title.zh.clone(), n, s.items.len())
    });
    sections.collect()
}

pub(crate) async fn names(
    s: &Inspections,
    w: &crate::Whole,
) -> Result<std::collections::HashMap<UnitId, String>> {
    let mut units = w.units();
    units.push(w.plan.host);
    s.organization.names(&units).await
}

/// What every page of a task shows at its head.
pub(crate) async fn head(s: &Inspections, shell: &Shell, x: &Standing) -> Result<Value> {
    let (w, t) = (&x.whole, &x.task);
    let names = names(s, w).await?;
    let unit = names.get(&t.unit).cloned().unwrap_or_default();
    let late = t.until < s.env.today();
    let mode = s
        .checklists
        .kind(&w.plan.kind)
        .map_or(Mode::Inspection, |k| k.mode);
    Ok(json!({
        "href": task_href(t.id), "plan": w.plan.title, "plan_href": href(w.plan.id), "unit": unit, "object": t.object,
        "host": names.get(&w.plan.host), "until": kernel::format_date(t.until), "tag": task_tag(shell, t.state, late),
        "team": w.team(t.team).map(|g| g.name.clone()), "code": t.code, "version": t.version, "mode": mode,
        "form": x.form.name.get(shell.lang().code()), "form_version": x.form.version, "basis": w.plan.basis,
        "crumbs": crumbs(shell, "inspections-menu", PLACE),
    }))
}

/// A result as the page shows it.
fn outcome_view(s: &Inspections, shell: &Shell, x: &Standing, o: &Outcome, by: &str) -> Value {
    let lang = shell.lang().code();
    let origins = Default::default();
    let mut score = score(&x.form, &o.filled.answers);
    score.open = 0;
    let bad = deficiencies(&x.form, &o.filled.answers);
    let sections = x.form.sections.iter().zip(&score.sections);
    let sections: Vec<Value> = sections
        .map(|(section, (_, points, full))| {
            let items = section.items.iter();
            let items: Vec<Value> = items
                .map(|item| {
                    let answer = o.filled.answers.get(&item.code);
                    let mut view = item_view(shell, &x.form, item, &s.words, &origins);
                    view["answer"] = json!(answer.map(|a| said(shell, &x.form, &item.code, a)));
                    view["note"] = json!(answer.map(|a| a.note.clone()).unwrap_or_default());
                    view["place"] = json!(o.filled.places.get(&item.code));
                    view["bad"] = json!(bad.iter().any(|d| d.item.code == item.code));
                    let files = answer.map_or(&[][..], |a| &a.files);
                    let files = files.iter().map(|f| format!("{}/files/{f}", task_href(x.task.id)));
                    view["files"] = json!(files.collect::<Vec<_>>());
                    view
                })
                .collect();
            json!({ "title": section.title.get(lang), "items": items, "points": decimal(*points), "full": decimal(*full) })
        })
        .collect();
    let found: Vec<Value> = x
        .found
        .iter()
        .filter(|f| f.n == o.n)
        .map(|f| {
            let kept = x.kept.iter().find(|k| Some(k.id) == f.kept);
            json!({ "title": f.title, "severity": (!f.severity.is_empty()).then(|| name_of(&s.words.severities, &f.severity, lang)),
                "mended": f.way == Way::Mended, "note": f.note,
                "kept": kept.map(|k| json!({ "href": k.href, "number": k.number, "closed": k.closed })) })
        })
        .collect();
    json!({
        "n": o.n, "on": kernel::format_date(o.on), "by": by, "at": o.at.minute_text(s.env.zone()), "reason": o.reason,
        "points": decimal(o.score.points), "full": decimal(o.score.full), "share": o.score.share().map(percent),
        "sections": sections, "found": found,
        "paper": o.paper.iter().map(|f| json!({ "name": f.name, "href": format!("{}/files/{}", task_href(x.task.id), f.sha256) })).collect::<Vec<_>>(),
    })
}

async fn context(
    s: &Inspections,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let eyes = Eyes::from(access);
    let x = s.standing(id, &eyes).await?;
    let mut ids: Vec<AccountId> = x.outcomes.iter().map(|o| o.by).collect();
    ids.extend(
        x.objections
            .iter()
            .flat_map(|o| [Some(o.by), o.decided_by])
            .flatten(),
    );
    let people = store::account_names(&mut s.db.read().await?, &ids).await?;
    let name = |a: &AccountId| people.get(a).cloned().unwrap_or_else(|| "—".into());
    let outcomes = x.outcomes.iter();
    let outcomes: Vec<Value> = outcomes
        .map(|o| outcome_view(s, shell, &x, o, &name(&o.by)))
        .collect();
    let objections: Vec<Value> = x
        .objections
        .iter()
        .map(|o| {
            json!({ "id": o.id, "n": o.n, "text": o.text, "by": name(&o.by), "at": o.at.minute_text(s.env.zone()),
                "upheld": o.upheld, "answer": o.answer, "decided_by": o.decided_by.as_ref().map(name) })
        })
        .collect();
    let day = s.objection_day(&x);
    let own = x.hand.own && x.task.state.is_done();
    let objected = x.objections.iter().any(|o| o.n == x.task.version);
    let open: usize = open_of(&x.form, &x.filled)
        .iter()
        .map(|(_, _, n, _)| n)
        .sum();
    let selfs = s.self_shares(&x.whole).await?;
    let mode = s
        .checklists
        .kind(&x.whole.plan.kind)
        .map_or(Mode::Inspection, |k| k.mode);
    Ok(json!({
        "head": head(s, shell, &x).await?, "form": form, "outcomes": outcomes, "objections": objections,
        "fills": x.hand.fills && !matches!(x.task.state, TaskState::Withdrawn | TaskState::Preparing), "open": open,
        "done": x.task.state.is_done(),
        "may_look": x.hand.over && mode == Mode::Own && x.task.state == TaskState::HandedIn,
        "may_object": own && !objected && day.is_some_and(|d| s.env.today() <= d),
        "object_until": day.filter(|_| own).map(kernel::format_date), "may_decide": x.hand.over,
        "self_share": selfs.get(&x.task.unit).filter(|_| mode == Mode::Inspection).copied().map(percent),
    }))
}

pub(crate) async fn show(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let context = context(&s, &shell, &access, id_of(&id)?, Form::default()).await?;
    shell.page("inspections/task.html", context)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Where {
    pub(crate) section: String,
    code: String,
}

/// From the code on a printed form to its task.
pub(crate) async fn by_code(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Query(q): Query<Where>,
) -> Result<Response, Failure> {
    let id = s.by_code(&q.code, &Eyes::from(&access)).await?;
    shell.redirect(&task_href(id))
}

/// Files that came with a form; or the page that asks about words in them.
pub(crate) async fn arrived(
    s: &Inspections,
    secrecy: &mut Secrecy,
    access: &Access,
    form: &mut Multipart,
) -> Result<Result<(Pairs, Vec<Waiting>), Response>, Failure> {
    let (mut files, fields) = s.attachments.parts(access.principal.account, form).await?;
    let mut pairs = Pairs::new();
    for (name, text) in fields {
        match name.as_str() {
            "held" => files.push(Waiting::read(&text)?),
            Secrecy::FIELD => secrecy.said(text),
            _ => pairs.push((name, text)),
        }
    }
    let mut found = s.attachments.words_in(secrecy, &files).await?;
    for (_, text) in &pairs {
        secrecy.look(text, &mut found);
    }
    if secrecy.asks(&found) {
        let mut again = pairs.clone();
        again.extend(files.iter().map(|w| ("held".to_owned(), w.text())));
        return Ok(Err(secrecy.ask(&found, &again, true)?));
    }
    secrecy.keep(&found).await?;
    Ok(Ok((pairs, files)))
}

/// What is about to be handed in: what is missing, the points, and what is found.
async fn hand_context(
    s: &Inspections,
    shell: &Shell,
    x: &Standing,
    form: Form,
    held: &[Waiting],
) -> Result<Value> {
    let lang = shell.lang().code();
    let faults = check(&x.form, &x.filled.answers, true);
    let missing: Vec<Value> = faults
        .iter()
        .map(|f| {
            let section = x.form.sections.iter().find(|c| c.items.iter().any(|i| i.code == f.item));
            let text = x.form.item(&f.item).map_or("", |i| i.text.get(lang));
            json!({ "text": text, "why": shell.text(&f.message),
                "href": section.map(|c| format!("{}/fill?section={}#i-{}", task_href(x.task.id), c.code, f.item)) })
        })
        .collect();
    let score = score(&x.form, &x.filled.answers);
    let found: Vec<Value> = deficiencies(&x.form, &x.filled.answers)
        .iter()
        .map(|d| {
            let code = &d.item.code;
            let of = |prefix: &str| form.values.get(&format!("{prefix}-{code}")).cloned();
            json!({ "code": code, "text": d.item.text.get(lang), "answer": said(shell, &x.form, code, d.answer),
                "note": d.answer.note, "place": x.filled.places.get(code),
                "title": of("title").unwrap_or_else(|| d.item.text.get(lang).to_owned()),
                "severity": of("severity").unwrap_or_else(|| d.item.severity.clone()),
                "way": of("way").unwrap_or_else(|| "case".to_owned()), "how": of("note").unwrap_or_default(),
                "owner": of("owner").unwrap_or_default(), "owner_error": form.errors.get(&format!("owner-{code}")),
                "error": form.errors.get(&format!("note-{code}")) })
        })
        .collect();
    let mut severities = vec![(String::new(), shell.t("inspection-severity-unsaid"))];
    severities.extend(
        s.words
            .severities
            .iter()
            .map(|(c, n)| (c.clone(), n.get(lang).to_owned())),
    );
    let held: Vec<Value> = held
        .iter()
        .map(|w| json!({ "value": w.text(), "name": w.name }))
        .collect();
    Ok(json!({
        "head": head(s, shell, x).await?, "form": form, "missing": missing, "found": found, "severities": severities,
        "points": decimal(score.points), "full": decimal(score.full), "share": score.share().map(percent),
        "scored": score.full > 0, "task": x.task.id, "corrects": x.task.version > 0, "intake": s.intake.is_some(), "held": held,
    }))
}

pub(crate) async fn hand_form(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let x = filling(&s, &access, &id).await?;
    let context = hand_context(&s, &shell, &x, Form::default(), &[]).await?;
    shell.page("inspections/hand-in.html", context)
}

pub(crate) async fn hand_in(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let x = filling(&s, &access, &id).await?;
    let (pairs, files) = match arrived(&s, &mut secrecy, &access, &mut form).await? {
        Ok(taken) => taken,
        Err(asked) => return Ok(asked),
    };
    let version: i64 = value(&pairs, "version")
        .parse()
        .map_err(|_| Error::NotFound)?;
    let ways = pairs
        .iter()
        .filter_map(|(n, v)| Some((n.strip_prefix("way-")?, v)));
    let said: Vec<Said> = ways
        .map(|(item, way)| Said {
            item: item.to_owned(),
            way: if way == "mended" {
                Way::Mended
            } else {
                Way::Case
            },
            severity: value(&pairs, &format!("severity-{item}")).to_owned(),
            title: value(&pairs, &format!("title-{item}")).to_owned(),
            note: value(&pairs, &format!("note-{item}")).to_owned(),
            owner: value(&pairs, &format!("owner-{item}")).to_owned(),
        })
        .collect();
    let done = async {
        let paper = match value(&pairs, "paper-on") {
            "" => None,
            text => Some(Paper {
                on: kernel::parse_date(text)
                    .ok_or_else(|| Error::field("paper-on", Msg::new("inspection-day-wrong")))?,
                files: s.attachments.keep(&files).await?,
            }),
        };
        let rest = (paper.as_ref(), value(&pairs, "reason"));
        s.hand_in(
            x.task.id,
            version,
            &said,
            rest,
            &Eyes::from(&access),
            &actor,
        )
        .await
    };
    match done.await {
        Ok(_) => {
            s.attachments.release(&files).await;
            shell.done(&task_href(x.task.id), "inspection-handed-in-done")
        }
        Err(e) => {
            let mut form = Form::default();
            for (name, text) in &pairs {
                form = form.with(name, text);
            }
            let form = form.reject(&shell, e)?;
            let context = hand_context(&s, &shell, &x, form, &files).await?;
            shell.refused("inspections/hand-in.html", context)
        }
    }
}

/// Looked over, objected, decided: the small forms of the page.
pub(crate) async fn act(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let version: i64 = value(&pairs, "version").parse().unwrap_or_default();
    let done = match value(&pairs, "act") {
        "pass" => s.look_over(id, version, None, &eyes, &actor).await,
        "back" => {
            let back = Some(value(&pairs, "back"));
            s.look_over(id, version, back, &eyes, &actor).await
        }
        "object" => {
            s.object(id, version, value(&pairs, "objection"), &eyes, &actor)
                .await
        }
        decision @ ("uphold" | "refuse") => {
            let objection = (id, id_of(value(&pairs, "id"))?);
            let answer = value(&pairs, "answer");
            s.decide_objection(objection, decision == "uphold", answer, &eyes, &actor)
                .await
        }
        _ => Err(Error::NotFound),
    };
    match done {
        Ok(()) => shell.done(&task_href(id), "inspection-saved-done"),
        Err(e) => {
            let mut form = Form::default();
            for (name, text) in &pairs {
                form = form.with(name, text);
            }
            let form = form.reject(&shell, e)?;
            let context = context(&s, &shell, &access, id, form).await?;
            shell.refused("inspections/task.html", context)
        }
    }
}

pub(crate) async fn file(
    With(s): With<Inspections>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let x = s.standing(id_of(&id)?, &Eyes::from(&access)).await?;
    let mut shown: Vec<&String> = x.filled.answers.values().flat_map(|a| &a.files).collect();
    for o in &x.outcomes {
        shown.extend(o.filled.answers.values().flat_map(|a| &a.files));
        shown.extend(o.paper.iter().map(|f| &f.sha256));
    }
    if !shown.contains(&&sha256) {
        return Err(Error::NotFound.into());
    }
    let mut tx = s.db.read().await?;
    let named = store::results::files(&mut tx, &[x.task.id]).await?;
    drop(tx);
    let named = named
        .get(&x.task.id)
        .and_then(|f| f.iter().find(|f| f.sha256 == sha256));
    let file = desk::Attached {
        name: named.map_or_else(|| "evidence".into(), |f| f.name.clone()),
        sha256,
        size: 0,
    };
    Ok(s.attachments.download(&file).await?)
}

/// The empty form on paper, with the code that leads back to the task.
pub(crate) async fn sheet(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let x = s.standing(id_of(&id)?, &Eyes::from(&access)).await?;
    let origins = Default::default();
    let sections = crate::view::sections_view(&shell, &x.form, &s.words, &origins);
    let head = head(&s, &shell, &x).await?;
    shell.page(
        "inspections/sheet.html",
        json!({ "head": head, "sections": sections }),
    )
}
