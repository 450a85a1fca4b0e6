//! Practical things for people: the list, a thing with all that is done to it, the slips.

use axum::Form as Body;
use axum::extract::{Multipart, Path, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use desk::{Typed, Waiting, id_of, paragraphs, told, waiting};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Window};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::REPORT;
use crate::list_page::{year_of, years};
use crate::model::{Eyes, LONGEST, REASON, TITLE};
use crate::practical::{NewPractical, Practical, PracticalState, SLIPS, Whole};
use crate::service::Tasks;
use crate::store::practicals::PracticalFilter;
use crate::typed::{Names, crumbs, history, named_in, number_in, practical_tag, tabs};

const PAGE: i64 = 30;
pub(crate) const SHEET: &str = "/tasks/practical/list.xlsx";

/// A score in thousandths as it is written.
pub(crate) fn mean_text(mean: i64) -> String {
    format!("{}.{:02}", mean / 1_000, mean % 1_000 / 10)
}

fn row(shell: &Shell, s: &Tasks, p: &Practical, names: &Names) -> Value {
    let lang = shell.lang().code();
    json!({ "href": p.href(), "number": p.call(), "title": p.title, "served": p.served, "kind": p.kind.name.get(lang), "unit": names.units.get(&p.unit),
        "person": names.person(p.person), "due": format_date(p.due), "percent": p.percent, "done": p.done_on.map(format_date),
        "mean": p.mean.map(mean_text), "asked": p.asked, "best": p.kind.best, "tag": practical_tag(shell, p, s.env.today()),
        "late": p.done_on.is_some() && p.is_late(s.env.today()) })
}

async fn filter(s: &Tasks, access: &Access, asked: &Asked) -> Result<PracticalFilter> {
    let unit = match asked.get("unit").unwrap_or_default() {
        "" => None,
        text => Some(
            s.organization
                .unit_picked("unit", text, &access.scope)
                .await?
                .id,
        ),
    };
    let state = asked.get("state").and_then(PracticalState::from_code);
    Ok(PracticalFilter {
        year: year_of(asked),
        unit,
        person: None,
        states: state.into_iter().collect(),
    })
}

pub(crate) async fn list(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let filter = filter(&s, &access, &asked).await?;
    let eyes = Eyes::from(&access);
    let (total, found) = s.practicals(&filter, &eyes, asked.window(PAGE)).await?;
    let people = found.iter().filter_map(|p| p.person);
    let names = Names::of(&s, found.iter().map(|p| p.unit), people).await?;
    let states = PracticalState::ALL.map(|st| {
        (
            st.code(),
            shell.t(&format!("tasks-practical-{}", st.code())),
        )
    });
    let mut chips = Vec::new();
    chips.extend(filter.year.map(|y| asked.chip("year", y.to_string())));
    let state = filter.states.first().map(|st| st.code());
    let chosen = states.iter().find(|(code, _)| Some(*code) == state);
    chips.extend(chosen.map(|(_, name)| asked.chip("state", name.clone())));
    let context = json!({
        "rows": found.iter().map(|p| row(&shell, &s, p, &names)).collect::<Vec<_>>(), "years": years(&s), "year": filter.year, "states": states,
        "state": state, "chips": chips, "clear": "/tasks/practical", "may_report": access.principal.scope(REPORT).is_some(),
        "export": asked.filtered(SHEET), "nav": tabs(&shell, &access, "practical"), "crumbs": crumbs(&shell, &[]),
        "pager": asked.pager(total, PAGE),
    });
    shell.page("tasks/practicals.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let filter = filter(&s, &access, &asked).await?;
    let eyes = Eyes::from(&access);
    let (total, found) = s.practicals(&filter, &eyes, Window::EXPORT).await?;
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "task-practical", found.len()).await?;
    let people = found.iter().filter_map(|p| p.person);
    let names = Names::of(&s, found.iter().map(|p| p.unit), people).await?;
    let header = [
        "number",
        "title",
        "served",
        "unit",
        "person",
        "due",
        "percent",
        "done-on",
        "state",
        "satisfaction",
        "asked",
    ];
    let header = header.map(|key| shell.t(&format!("tasks-{key}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let text = |t: Option<&String>| Cell::Text(t.cloned().unwrap_or_default());
    let rows = found.iter().map(|p| {
        vec![
            Cell::Text(p.call()),
            Cell::Text(p.title.clone()),
            Cell::Text(p.served.clone()),
            text(names.units.get(&p.unit)),
            text(names.person(p.person)),
            p.due.into(),
            p.percent.into(),
            p.done_on.map_or(Cell::Empty, Cell::Date),
            Cell::Text(practical_tag(&shell, p, s.env.today()).text),
            p.mean.map_or(Cell::Empty, |m| Cell::Decimal(m / 10, 2)),
            p.mean.map_or(Cell::Empty, |_| Cell::Int(p.asked)),
        ]
    });
    let bytes = xlsx(&shell.t("tasks-tab-practical"), &header, rows)?;
    let name = format!(
        "{}-{}.xlsx",
        shell.t("tasks-tab-practical"),
        format_date(s.env.today())
    );
    Ok(web::attachment(web::XLSX, &name, bytes))
}

fn form_context(s: &Tasks, shell: &Shell, form: Form) -> Value {
    let lang = shell.lang().code();
    let kinds: Vec<(&str, &str)> = s
        .words
        .practicals()
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let at = (
        shell.t("tasks-tab-practical"),
        "/tasks/practical".to_owned(),
    );
    json!({ "kinds": kinds, "title_most": TITLE, "most": LONGEST, "crumbs": crumbs(shell, &[(&at.0, at.1.clone())]), "form": form })
}

pub(crate) async fn new(Shared(s): Shared<Tasks>, shell: Shell) -> Result<Response, Failure> {
    let form = Form::default().with("id", s.env.new_id::<Id>());
    shell.page("tasks/practical_form.html", form_context(&s, &shell, form))
}

pub(crate) async fn create(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (typed, eyes) = (Typed(pairs), Eyes::from(&access));
    let done = async {
        let scope = named_in(&access);
        let unit = s
            .organization
            .unit_picked("unit", typed.get("unit"), &eyes.reports)
            .await?;
        let new = NewPractical {
            id: typed.id("id")?,
            kind: typed.get("kind").to_owned(),
            unit: unit.id,
            title: typed.get("title").to_owned(),
            served: typed.get("served").to_owned(),
            detail: typed.get("detail").to_owned(),
            person: s
                .person("person", typed.get("person"), None, &scope)
                .await?,
            due: typed.day("due")?,
        };
        s.promise(&new, &eyes, &actor).await
    };
    match done.await {
        Ok(id) => shell.done(&format!("/tasks/practical/{id}"), "tasks-done-kept"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused("tasks/practical_form.html", form_context(&s, &shell, form))
        }
    }
}

async fn context(
    s: &Tasks,
    shell: &Shell,
    w: &Whole,
    (form, held): (Form, &[Waiting]),
) -> Result<Value> {
    let p = &w.practical;
    let names = Names::of(s, [p.unit], p.person).await?;
    let (running, done) = (PracticalState::Running, PracticalState::Done);
    let confirmed = p.state == PracticalState::Confirmed;
    let files = p.files.iter();
    let files = files
        .map(|f| json!({ "name": f.name, "href": format!("{}/files/{}", p.href(), f.sha256) }));
    let declared = w.events.iter().any(|e| e.act == "declared");
    let page = p.code.as_ref().map(|code| format!("/score/{code}"));
    Ok(json!({
        "id": p.id, "seen": p.version, "head": row(shell, s, p, &names), "title": p.title, "detail": paragraphs(&p.detail),
        "said": paragraphs(&p.said), "promised": format_date(p.promised_on), "files": files.collect::<Vec<_>>(),
        "settled": p.settled_on.map(format_date), "declared": declared && p.mean.is_some(), "given": w.slips.0, "used": w.slips.1,
        "answers": w.scores.0, "mean": w.scores.1.map(mean_text), "least": p.kind.smallest_group, "best": p.kind.best, "words": w.words,
        "page": page, "may_report": w.may_report && p.state == running, "may_confirm": w.may_review && p.state == done,
        "may_ask": w.may_review && confirmed, "may_settle": w.may_review && confirmed,
        "may_drop": w.may_review && (p.state == running || p.state == done),
        "may_reopen": w.may_review && matches!(p.state, PracticalState::Confirmed | PracticalState::Settled | PracticalState::Dropped),
        "today": format_date(s.env.today()), "waiting": waiting(held), "most": LONGEST, "reason_most": REASON, "slips_most": SLIPS,
        "events": history(s, shell, &w.events), "crumbs": crumbs(shell, &[(&shell.t("tasks-tab-practical"), "/tasks/practical".to_owned())]),
        "form": form,
    }))
}

pub(crate) async fn show(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.practical(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = context(&s, &shell, &w, (Form::default(), &[])).await?;
    shell.page("tasks/practical.html", context)
}

/// A mean as it is typed, `4.65`, in thousandths.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || whole.len() > 4 || part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 1_000 + part)
}

pub(crate) async fn act(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path((id, act)): Path<(String, String)>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    // What one may not see is no place to send files to.
    s.practical(id, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let (of, by, reason) = (
        (id, typed.seen().unwrap_or(-1)),
        (&eyes, &actor),
        typed.get("reason"),
    );
    let done = async {
        match act.as_str() {
            "progress" => {
                let wrong = || Error::field("percent", Msg::new("tasks-percent-wrong"));
                let percent = number_in(&typed, "percent")?.ok_or_else(wrong)?;
                s.progress(of, (percent, typed.get("said")), by).await
            }
            "finish" => {
                let on = typed.day("day")?;
                s.finish(of, (on, typed.get("said")), &files, by).await
            }
            "confirm" => s.confirm(of, true, reason, by).await,
            "return" => s.confirm(of, false, reason, by).await,
            "drop" => s.correct(of, false, reason, by).await,
            "reopen" => s.correct(of, true, reason, by).await,
            "settle" => s.settle(of, None, &[], by).await,
            "declare" => {
                let wrong = || Error::field("mean", Msg::new("tasks-number-unread"));
                let mean = thousandths(typed.get("mean")).ok_or_else(wrong)?;
                let asked = number_in(&typed, "asked")?.unwrap_or(0);
                s.settle(of, Some((mean, asked)), &files, by).await
            }
            _ => Err(Error::NotFound),
        }
    };
    match done.await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/tasks/practical/{id}"), "tasks-done")
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.practical(id, &eyes).await?;
            let context = context(&s, &shell, &w, (form, &files)).await?;
            shell.refused("tasks/practical.html", context)
        }
    }
}

/// Slips with codes, to be printed and cut; shown this once.
pub(crate) async fn slips(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed, eyes) = (id_of(&id)?, Typed(pairs), Eyes::from(&access));
    let done = async {
        let count = number_in(&typed, "slips")?.unwrap_or(0);
        s.slips((id, typed.seen().unwrap_or(-1)), count, (&eyes, &actor))
            .await
    };
    match done.await {
        Ok((p, codes)) => {
            let at = p.code.as_deref().unwrap_or_default();
            let page = format!("{}/score/{at}", s.origin.of(&headers));
            let slip = |code: &String| {
                let picture = web::qr(&format!("{page}?code={}", web::encode(code)), 120)?;
                Ok(json!({ "code": code, "picture": picture }))
            };
            let slips = codes.iter().map(slip).collect::<Result<Vec<_>>>()?;
            let context = json!({ "title": p.title, "page": page, "slips": slips,
                "crumbs": crumbs(&shell, &[(&p.title, p.href())]) });
            shell.page("tasks/slips.html", context)
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.practical(id, &eyes).await?;
            let context = context(&s, &shell, &w, (form, &[])).await?;
            shell.refused("tasks/practical.html", context)
        }
    }
}

pub(crate) async fn file(
    Shared(s): Shared<Tasks>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let w = s.practical(id_of(&id)?, &Eyes::from(&access)).await?;
    let found = w.practical.files.iter().find(|f| f.sha256 == sha256);
    Ok(s.attachments
        .download(found.ok_or(Error::NotFound)?)
        .await?)
}
