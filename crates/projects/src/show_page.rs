//! One project: what it says, its stages, milestones, people, what was written down, and what the reader may do.

use std::collections::HashMap;

use axum::Form as Body;
use axum::extract::{Multipart, Path, State as Shared};
use axum::response::Response;
use desk::{Typed, Waiting, day_of, id_of, paragraphs, told};
use identity::Actor;
use kernel::{Error, Id, PersonId, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::kind::FieldKind;
use crate::model::{END, Eyes, LONGEST, Milestone, NewEntry, Outcome, SHORT, State, What, missing};
use crate::running::Settle;
use crate::service::{Projects, Whole};
use crate::typed::{crumbs, named_in, tabs, tag};

/// Stages as the stepper shows them.
fn steps(w: &Whole, shell: &Shell) -> Vec<Value> {
    let lang = shell.lang().code();
    let at = w.kind.stages.iter().position(|s| s.code == w.project.stage);
    let over = matches!(w.project.state, State::Checking | State::Closed);
    let step = |(n, s): (usize, &crate::Stage)| {
        let state = match at {
            Some(now) if n < now || over => "done",
            Some(now) if n == now => "now",
            _ => "wait",
        };
        json!({ "label": s.name.get(lang), "state": state, "note": "" })
    };
    w.kind.stages.iter().enumerate().map(step).collect()
}

/// What the present stage needs, and whether it is there.
fn needs(w: &Whole, shell: &Shell) -> Vec<Value> {
    let open = matches!(w.project.state, State::Draft | State::Running);
    let Some(stage) = w.kind.stage(&w.project.stage).filter(|_| open) else {
        return Vec::new();
    };
    let has = w.has();
    let short = missing(&stage.needs, &has);
    let need = |(need, n): (&crate::Need, &i64)| {
        let text = shell.t_with(
            &format!("projects-need-{}", need.code()),
            &[("n", &n.to_string())],
        );
        json!({ "text": text, "there": short.iter().all(|(m, ..)| m != need) })
    };
    stage.needs.iter().map(need).collect()
}

fn milestone_tag(shell: &Shell, stands: &str) -> Tag {
    Tag {
        text: shell.t(&format!("projects-milestone-{stands}")),
        tone: match stands {
            "done" => Tone::Ok,
            "late" => Tone::Bad,
            "soon" | "done-late" => Tone::Warn,
            _ => Tone::Plain,
        },
        icon: (stands == "done").then_some("check"),
    }
}

fn milestones(
    s: &Projects,
    shell: &Shell,
    w: &Whole,
    eyes: &Eyes,
    people: &HashMap<PersonId, String>,
) -> Vec<Value> {
    let today = s.env.today();
    let running = w.project.state == State::Running;
    let row = |m: &Milestone| {
        let more = w.more.iter().filter(|x| x.no == m.no);
        let files = m.files.iter().map(|f| json!({ "name": f.name, "href": format!("{}/files/{}", w.project.href(), f.sha256) }));
        let mine = eyes.person == Some(m.owner);
        let stands = if running || !m.is_open() {
            m.stands(today, w.kind.timers.before)
        } else {
            "open"
        };
        json!({ "no": m.no, "text": m.text, "owner": people.get(&m.owner), "due": format_date(m.due),
            "until": (m.until != m.due).then(|| format_date(m.until)), "done": m.done_on.map(format_date), "said": m.said,
            "files": files.collect::<Vec<_>>(), "tag": milestone_tag(shell, stands), "more": more.map(|x| time(shell, x)).collect::<Vec<_>>(),
            "may_done": running && m.is_open() && (w.may_write || mine), "may_time": running && m.is_open() && (w.may_write || mine),
            "may_drop": running && m.is_open() && w.may_write, "may_again": running && !m.is_open() && w.may_write,
            "may_remove": w.project.state == State::Draft && w.may_write })
    };
    w.milestones.iter().map(row).collect()
}

/// More time that was asked for, in words.
fn time(shell: &Shell, more: &crate::More) -> Value {
    let text = shell.t_with(
        &format!("projects-time-{}", more.state),
        &[
            ("until", &format_date(more.until)),
            ("name", more.by.as_deref().unwrap_or_default()),
        ],
    );
    json!({ "text": text, "reason": more.reason, "href": format!("/approvals/{}", more.approval) })
}

/// What happened, in words.
fn history(
    s: &Projects,
    shell: &Shell,
    w: &Whole,
    people: &HashMap<PersonId, String>,
) -> Vec<Value> {
    let lang = shell.lang().code();
    let line = |e: &crate::store::Event| {
        let text = |name: &str| e.body[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| {
            e.body[name]
                .as_i64()
                .map_or(String::new(), |n| n.to_string())
        };
        let person = text("person").parse::<PersonId>().ok();
        let word = |prefix: &str, code: String| match code.is_empty() {
            true => code,
            false => shell.t(&format!("projects-{prefix}-{code}")),
        };
        let stage = w
            .kind
            .stage(&text("to"))
            .map_or(String::new(), |st| st.name.get(lang).to_owned());
        let args = [
            ("no", number("no")),
            ("n", number("n")),
            ("number", text("number")),
            ("until", text("until")),
            ("document", text("document")),
            ("stage", stage),
            ("what", word("what", text("what"))),
            ("outcome", word("outcome", text("outcome"))),
            (
                "person",
                person
                    .and_then(|p| people.get(&p).cloned())
                    .unwrap_or_default(),
            ),
        ];
        let args: Vec<(&str, &str)> = args.iter().map(|(k, v)| (*k, v.as_str())).collect();
        json!({ "text": shell.t_with(&format!("projects-event-{}", e.act), &args), "who": e.name, "reason": e.reason,
            "at": e.at.minute_text(s.env.zone()) })
    };
    w.events.iter().map(line).collect()
}

async fn context(
    s: &Projects,
    shell: &Shell,
    eyes: &Eyes,
    w: &Whole,
    mut form: Form,
    files: &[Waiting],
) -> Result<Value> {
    let (lang, today, p) = (shell.lang().code(), s.env.today(), &w.project);
    let mut people: Vec<PersonId> = w.members.iter().map(|m| m.person).collect();
    people.extend(w.milestones.iter().map(|m| m.owner));
    people.push(p.lead);
    let of_event = |e: &crate::store::Event| {
        e.body["person"]
            .as_str()
            .and_then(|t| t.parse::<PersonId>().ok())
    };
    people.extend(w.events.iter().filter_map(of_event));
    let people = s.organization.person_names(&people).await?;
    let units: Vec<UnitId> = w.members.iter().map(|m| m.unit).chain([p.unit]).collect();
    let units = s.organization.names(&units).await?;
    let running = p.state == State::Running;
    let working = matches!(p.state, State::Draft | State::Running);
    let values = w.kind.fields.iter().filter_map(|f| {
        let value = p.content.values.get(&f.code)?;
        let value = match f.kind {
            FieldKind::Choice => {
                let choice = f.values.iter().find(|c| c.code == *value);
                choice.map_or(value.as_str(), |c| c.name.get(lang))
            }
            _ => value,
        };
        Some(json!({ "label": f.name.get(lang), "text": paragraphs(value) }))
    });
    let texts = [
        ("projects-question", &p.content.question),
        ("projects-outline", &p.content.outline),
        ("projects-method", &p.content.method),
        ("projects-basis", &p.content.basis),
    ];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let texts = texts.map(|(key, text)| json!({ "label": shell.t(key), "text": paragraphs(text) }));
    let goals = json!({ "label": shell.t("projects-goals"), "text": paragraphs(&p.content.goals) });
    let said: Vec<Value> = [goals].into_iter().chain(texts).chain(values).collect();
    let members = w.members.iter().map(|m| {
        let mine = eyes.person == Some(m.person);
        json!({ "id": m.person, "name": people.get(&m.person), "unit": units.get(&m.unit), "said": paragraphs(&m.said),
            "role": w.kind.role(&m.role).map_or(m.role.as_str(), |r| r.name.get(lang)), "since": format_date(m.since),
            "left": m.left_on.map(format_date), "may_say": running && (w.may_write || mine),
            "may_leave": working && w.may_write && m.left_on.is_none() && m.person != p.lead })
    });
    let entries = w.entries.iter().map(|e| {
        let files = e.files.iter().map(|f| json!({ "name": f.name, "href": format!("{}/files/{}", p.href(), f.sha256) }));
        json!({ "id": e.id, "what": shell.t(&format!("projects-what-{}", e.what.code())), "day": format_date(e.day), "place": e.place,
            "heard": e.heard, "text": paragraphs(&e.text), "files": files.collect::<Vec<_>>(), "who": e.name,
            "at": e.at.minute_text(s.env.zone()), "struck": e.struck, "may_strike": running && w.may_write && e.struck.is_none() })
    });
    let whats = What::ALL
        .into_iter()
        .filter(|x| w.kind.research || !x.is_field_work());
    let whats: Vec<(&str, String)> = whats
        .map(|x| (x.code(), shell.t(&format!("projects-what-{}", x.code()))))
        .collect();
    let roles: Vec<(&str, &str)> = w
        .kind
        .roles
        .iter()
        .map(|r| (r.code.as_str(), r.name.get(lang)))
        .collect();
    let outcomes =
        Outcome::ALL.map(|o| (o.code(), shell.t(&format!("projects-outcome-{}", o.code()))));
    let has_next = w.kind.after(&p.stage).is_some();
    if !form.values.contains_key("id") {
        form = form
            .with("id", s.env.new_id::<Id>())
            .with("day", format_date(today));
    }
    let settled = w.milestones.iter().filter(|m| !m.is_open()).count();
    let end = w
        .more
        .iter()
        .filter(|m| m.no == END)
        .map(|m| time(shell, m));
    let mut page = json!({
        "id": p.id, "title": p.content.title, "number": p.number, "kind": w.kind.name.get(lang), "tag": tag(shell, p),
        "unit": units.get(&p.unit), "lead": people.get(&p.lead), "from": format_date(p.content.from), "due": format_date(p.content.due),
        "until": (p.until != p.content.due).then(|| format_date(p.until)), "late": p.is_late(today), "more": end.collect::<Vec<_>>(),
        "started": p.started_on.map(format_date), "handed": p.handed_on.map(format_date), "closed": p.closed_on.map(format_date),
        "outcome": p.outcome.map(|o| shell.t(&format!("projects-outcome-{}", o.code()))),
        "approval": p.approval.filter(|_| matches!(p.state, State::Asked | State::Checking)).map(|a| format!("/approvals/{a}")),
        "steps": steps(w, shell), "needs": needs(w, shell), "said": said, "settled": settled,
        "milestones": milestones(s, shell, w, eyes, &people), "members": members.collect::<Vec<_>>(), "entries": entries.collect::<Vec<_>>(),
    });
    let more = json!({
        "events": history(s, shell, w, &people), "whats": whats, "roles": roles, "outcomes": outcomes, "research": w.kind.research,
        "may_change": working && w.may_write, "may_ask": p.state == State::Draft && w.may_write, "may_write": w.may_write,
        "may_advance": running && w.may_write && has_next, "may_hand_in": running && w.may_write, "may_time": running && w.may_write,
        "may_reopen": p.state == State::Closed && w.may_review, "may_enter": running && (w.may_write || w.member),
        "running": running, "seen": p.version, "today": format_date(today), "most": LONGEST, "short": SHORT,
        "waiting": desk::waiting(files), "nav": tabs(shell, p.id, &w.kind, ""), "crumbs": crumbs(shell, None), "form": form,
    });
    if let (Value::Object(page), Value::Object(more)) = (&mut page, more) {
        page.extend(more);
    }
    Ok(page)
}

pub(crate) async fn show(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(&access);
    let w = s.project(id_of(&id)?, &eyes).await?;
    let context = context(&s, &shell, &eyes, &w, Form::default(), &[]).await?;
    shell.page("projects/show.html", context)
}

/// Back to the page, or the page with what was wrong.
async fn settled(
    s: &Projects,
    (shell, access, id): (&Shell, &Access, Id),
    done: Result<()>,
    (typed, files): (&Typed, &[Waiting]),
) -> Result<Response, Failure> {
    match done {
        Ok(()) => {
            s.attachments.release(files).await;
            shell.done(&crate::model::href(id), "projects-done")
        }
        Err(error) => {
            let form = typed.form().reject(shell, told(error))?;
            let eyes = Eyes::from(access);
            let w = s.project(id, &eyes).await?;
            shell.refused(
                "projects/show.html",
                context(s, shell, &eyes, &w, form, files).await?,
            )
        }
    }
}

type Posted = Body<Vec<(String, String)>>;

pub(crate) async fn act(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, word)): Path<(String, String)>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let (seen, reason, by) = (typed.seen(), typed.get("reason"), (&eyes, &actor));
    let done = async {
        match word.as_str() {
            "ask" => {
                let by = approvals::By::of(&access)?;
                s.ask_start(id, seen, &eyes, &by).await
            }
            "hand-in" => {
                let by = approvals::By::of(&access)?;
                let wrong = || Error::field("outcome", kernel::Msg::new("projects-choice-unknown"));
                let outcome = Outcome::from_code(typed.get("outcome")).ok_or_else(wrong)?;
                s.hand_in(id, seen, (outcome, reason), (&eyes, &by)).await
            }
            "drop" => s.drop_proposal(id, seen, reason, by).await,
            "advance" => s.advance(id, seen, by).await,
            "reopen" => s.reopen(id, seen, reason, by).await,
            _ => Err(Error::NotFound),
        }
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, (&typed, &[])).await
}

pub(crate) async fn add_milestone(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    s.project(id, &eyes).await?;
    let done = async {
        let scope = named_in(&access);
        let owner = s.person("owner", typed.get("owner"), &scope).await?;
        let what = (typed.get("text"), owner, typed.day("due")?);
        s.add_milestone(id, what, (&eyes, &actor)).await.map(|_| ())
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, (&typed, &[])).await
}

pub(crate) async fn milestone(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path((id, no, word)): Path<(String, String, String)>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, no, eyes) = (id_of(&id)?, id_of(&no)?, Eyes::from(&access));
    s.project(id, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let (reason, by) = (typed.get("reason"), (&eyes, &actor));
    let done = async {
        match word.as_str() {
            "done" => {
                let how = Settle::Done(day_of("day", typed.get("day"))?, &files);
                s.settle(id, no, (how, reason), by).await
            }
            "let-go" => s.settle(id, no, (Settle::LetGo, reason), by).await,
            "again" => s.settle(id, no, (Settle::Again, reason), by).await,
            "remove" => s.remove_milestone(id, no, by).await,
            "time" => {
                let by = approvals::By::of(&access)?;
                let until = typed.day("until")?;
                s.ask_time(id, no, (until, reason), (&eyes, &by)).await
            }
            _ => Err(Error::NotFound),
        }
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, (&typed, &files)).await
}

pub(crate) async fn take_in(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    s.project(id, &eyes).await?;
    let done = async {
        let scope = named_in(&access);
        let person = s.person("person", typed.get("person"), &scope).await?;
        let what = (person, typed.get("role"));
        s.take_in(id, what, (&eyes, &actor)).await
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, (&typed, &[])).await
}

pub(crate) async fn member(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, person, word)): Path<(String, String, String)>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let (person, by) = (id_of(&person)?, (&eyes, &actor));
    let done = match word.as_str() {
        "said" => s.contribute(id, person, typed.get("said"), by).await,
        "leave" => s.leave(id, person, by).await,
        _ => Err(Error::NotFound),
    };
    settled(&s, (&shell, &access, id), done, (&typed, &[])).await
}

pub(crate) async fn enter(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    s.project(id, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let done = async {
        let wrong = || Error::field("what", kernel::Msg::new("projects-choice-unknown"));
        let new = NewEntry {
            id: typed.id("id")?,
            what: What::from_code(typed.get("what")).ok_or_else(wrong)?,
            day: typed.day("day")?,
            place: typed.get("place").to_owned(),
            heard: typed.get("heard").to_owned(),
            text: typed.get("text").to_owned(),
        };
        let done = s.write_down(id, &new, &files, (&eyes, &actor)).await;
        done.map(|_| ())
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, (&typed, &files)).await
}

pub(crate) async fn strike(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, entry)): Path<(String, String)>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let (entry, reason) = (id_of(&entry)?, typed.get("reason"));
    let done = s.strike(id, entry, reason, (&eyes, &actor)).await;
    settled(&s, (&shell, &access, id), done, (&typed, &[])).await
}

/// A file of a project: of what was written down or of a milestone.
pub(crate) async fn file(
    Shared(s): Shared<Projects>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let w = s.project(id_of(&id)?, &Eyes::from(&access)).await?;
    let files = w.entries.iter().flat_map(|e| &e.files);
    let mut files = files.chain(w.milestones.iter().flat_map(|m| &m.files));
    let found = files.find(|f| f.sha256 == sha256).ok_or(Error::NotFound)?;
    Ok(s.attachments.download(found).await?)
}

/// The page on which a thing is that a fact tells of.
pub(crate) async fn of(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let project = s.project_of(id_of(&id)?).await?;
    let w = s.project(project, &Eyes::from(&access)).await?;
    shell.redirect(&w.project.href())
}
