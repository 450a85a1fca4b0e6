//! Lists of what posts answer for: all of them with who has not reported, written, in versions.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::words::Words;
use kernel::{Error, Id, Msg, PersonId, Result, Scope, UnitId, format_date};
use organization::finding;
use serde_json::{Value, json};
use web::table::{Asked, Window};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Shell};

use super::model::{Item, List, NewList, Report, ReportState, items_text, timeliness};
use super::service::{Answering, Seen};
use crate::ISSUE;
use crate::pages::{Typed, id_of, me, reads, told};
use crate::service::TITLE;

const PAGE: i64 = 50;

pub(crate) fn seen(access: &Access) -> Seen {
    let issues = access.principal.scope(ISSUE).cloned();
    Seen {
        me: me(access),
        reads: reads(access),
        issues: issues.unwrap_or_else(Scope::nothing),
    }
}

pub(crate) fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("commitments-lists"),
        href: "/answering".into(),
    }]
}

pub(crate) fn tag(shell: &Shell, r: &Report) -> Tag {
    Tag {
        text: shell.t(&format!("commitments-report-{}", r.state.code())),
        tone: match r.state {
            ReportState::Open => Tone::Plain,
            ReportState::Handed => Tone::Brand,
            ReportState::Returned => Tone::Warn,
            ReportState::Accepted => Tone::Ok,
        },
        icon: (r.state == ReportState::Accepted).then_some("check"),
    }
}

async fn report_rows(s: &Answering, shell: &Shell, list: &[Report]) -> Result<Vec<Value>> {
    let units: Vec<UnitId> = list.iter().map(|r| r.unit).collect();
    let people: Vec<PersonId> = list.iter().map(|r| r.holder).collect();
    let org = &s.base.organization;
    let (units, people) = (org.names(&units).await?, org.person_names(&people).await?);
    let today = s.base.env.today();
    let row = |r: &Report| {
        json!({ "href": r.href(), "title": r.title, "year": r.year, "unit": units.get(&r.unit), "holder": people.get(&r.holder),
            "due": format_date(r.due), "handed": r.handed_on.map(format_date), "late": r.is_late(today), "tag": tag(shell, r),
            "timeliness": r.handed_on.map(|on| shell.t(&format!("commitments-report-{}", timeliness(Some(on), r.due)))) })
    };
    Ok(list.iter().map(row).collect())
}

/// The year that is asked for, and whether only those that are not handed in.
fn wanted(s: &Answering, asked: &Asked) -> (i16, bool) {
    let now = s.base.env.today().year();
    let year = asked.get("year").and_then(|y| y.parse().ok());
    let year = year.filter(|y| (1990..2200).contains(y)).unwrap_or(now);
    (year, asked.get("show") == Some("missing"))
}

pub(crate) async fn list(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let seen = seen(&access);
    let (year, missing) = wanted(&s, &asked);
    let (total, reports) = s
        .reports(&seen, (Some(year), None, missing), asked.window(PAGE))
        .await?;
    let (_, lists) = s.lists(&seen, Window::new(1, 200)).await?;
    let org = &s.base.organization;
    let units: Vec<UnitId> = lists.iter().map(|l| l.unit).collect();
    let people: Vec<PersonId> = lists.iter().map(|l| l.holder).collect();
    let (units, people) = (org.names(&units).await?, org.person_names(&people).await?);
    let row = |l: &List| {
        json!({ "href": format!("/answering/lists/{}", l.id), "title": l.title, "unit": units.get(&l.unit), "holder": people.get(&l.holder),
            "used": l.used, "newest": l.newest })
    };
    let now = s.base.env.today().year();
    let shows = [("", "all"), ("missing", "missing")];
    let shows = shows.map(|(code, key)| {
        json!({ "label": shell.t(&format!("commitments-lists-{key}")), "href": asked.with("show", code), "current": missing != code.is_empty() })
    });
    let years = (0..8).map(|n| now - n).map(
        |y| json!({ "label": y, "href": asked.with("year", &y.to_string()), "current": y == year }),
    );
    let context = json!({ "lists": lists.iter().map(row).collect::<Vec<_>>(), "rows": report_rows(&s, &shell, &reports).await?, "shows": shows,
        "year": year, "years": years.collect::<Vec<_>>(), "may_issue": !seen.issues.is_empty(), "reads": !seen.reads.is_empty(),
        "export": asked.filtered("/answering/reports.xlsx"), "pager": asked.pager(total, PAGE) });
    shell.page("commitments/lists.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (year, missing) = wanted(&s, &asked);
    let all = s
        .reports(&seen(&access), (Some(year), None, missing), Window::EXPORT)
        .await?;
    Window::fits(all.0)?;
    identity::tell_list(&s.base.db, &s.base.env, &actor, "self-reports", all.1.len()).await?;
    let keys = [
        "unit",
        "title",
        "list-holder",
        "due",
        "handed",
        "timely",
        "state",
    ];
    let header = keys.map(|key| shell.t(&format!("commitments-{key}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = report_rows(&s, &shell, &all.1).await?;
    let cells = rows.iter().map(|row| {
        let text = |v: &Value| Cell::Text(v.as_str().unwrap_or_default().to_owned());
        let keys = ["unit", "title", "holder", "due", "handed", "timeliness"];
        let cells = keys.iter().map(|key| text(&row[*key]));
        cells.chain([text(&row["tag"]["text"])]).collect()
    });
    let name = format!("{} {year}", shell.t("commitments-self-reports"));
    let bytes = xlsx(&name, &header, cells)?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}

async fn form_context(s: &Answering, shell: &Shell, form: Form) -> Result<Value> {
    let lang = shell.lang().code();
    let samples = s
        .samples
        .iter()
        .map(|l| (l.code.as_str(), l.name.get(lang)));
    let texts = s.samples.iter().map(|l| {
        let lines = Answering::sample_items(l);
        json!({ "name": l.name.get(lang), "due": l.due, "lines": items_text(&lines).lines().collect::<Vec<_>>() })
    });
    let texts: Vec<Value> = texts.collect();
    Ok(
        json!({ "samples": samples.collect::<Vec<_>>(), "texts": texts, "most": TITLE, "crumbs": crumbs(shell), "form": form }),
    )
}

pub(crate) async fn new(Shared(s): Shared<Answering>, shell: Shell) -> Result<Response, Failure> {
    let form = Form::default().with("id", s.base.env.new_id::<Id>());
    let context = form_context(&s, &shell, form).await?;
    shell.page("commitments/list_form.html", context)
}

/// One person by staff number, in units of a scope.
async fn person(s: &Answering, text: &str, scope: &Scope) -> Result<PersonId> {
    let (no, today) = (text.trim(), s.base.env.today());
    let unknown = || Error::field("holder", Msg::new("commitments-list-person").with("no", no));
    let person = finding::serving(&mut s.base.db.read().await?, no, today).await?;
    let person = person.ok_or_else(unknown)?;
    let home = s.base.organization.unit_of(person, today).await?;
    let home = home.ok_or_else(unknown)?;
    match s.base.organization.reaches(scope, home).await? {
        true => Ok(person),
        false => Err(unknown()),
    }
}

pub(crate) async fn people_options(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    axum::extract::Query(pairs): axum::extract::Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = pairs.into_iter().next().map_or_else(String::new, |p| p.1);
    let words = Words::new(&typed).list;
    let org = &s.base.organization;
    let found = org.people_named(&words, &access.scope, 20).await?;
    let option =
        |p: organization::RosterEntry| [p.staff_no, format!("{} · {}", p.name, p.unit_name)];
    let list: Vec<[String; 2]> = found.into_iter().map(option).collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}

pub(crate) async fn create(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (typed, seen) = (Typed(pairs), seen(&access));
    let done = async {
        let unit = typed.get("unit");
        let org = &s.base.organization;
        let unit = org.unit_picked("unit", unit, &access.scope).await?;
        let new = NewList {
            id: id_of(typed.get("id"))?,
            sample: typed.get("sample").to_owned(),
            title: typed.get("title").to_owned(),
            unit: unit.id,
            holder: person(&s, typed.get("holder"), &access.scope).await?,
            items: typed.get("items").to_owned(),
        };
        s.write(&new, &seen, &actor).await
    };
    match done.await {
        Ok(id) => shell.done(&format!("/answering/lists/{id}"), "commitments-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let context = form_context(&s, &shell, form).await?;
            shell.refused("commitments/list_form.html", context)
        }
    }
}

fn item_row(i: &Item, lang: &str) -> Value {
    json!({ "text": i.text, "basis": i.basis, "expected": i.expected, "figure": i.figure.as_ref().map(|f| f.unit.get(lang)) })
}

async fn list_context(
    s: &Answering,
    shell: &Shell,
    access: &Access,
    id: Id,
    mut form: Form,
) -> Result<Value> {
    let (seen, lang) = (seen(access), shell.lang().code());
    let (l, versions) = s.list(id, &seen).await?;
    let org = &s.base.organization;
    let (units, people) = (
        org.names(&[l.unit]).await?,
        org.person_names(&[l.holder]).await?,
    );
    let (_, reports) = s
        .reports(&seen, (None, Some(id), false), Window::new(1, 50))
        .await?;
    let may = org.reaches(&seen.issues, l.unit).await?;
    if let (Some(newest), false) = (versions.first(), form.values.contains_key("items")) {
        form = form.with("items", items_text(&newest.items));
    }
    form = form.with("newest", l.newest);
    let shown = |v: &super::Version| {
        let own = access.principal.account;
        json!({ "n": v.n, "items": v.items.iter().map(|i| item_row(i, lang)).collect::<Vec<_>>(), "reason": v.reason, "used": v.used_on.map(format_date),
            "current": l.used == Some(v.n), "at": v.at.minute_text(s.base.env.zone()),
            "may_use": may && v.n == l.newest && l.used != Some(v.n) && v.author != Some(own) && seen.me != Some(l.holder) })
    };
    Ok(
        json!({ "id": l.id, "title": l.title, "unit": units.get(&l.unit), "holder": people.get(&l.holder), "used": l.used,
        "versions": versions.iter().map(shown).collect::<Vec<_>>(), "rows": report_rows(s, shell, &reports).await?, "may": may,
        "crumbs": crumbs(shell), "form": form }),
    )
}

pub(crate) async fn show(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let context = list_context(&s, &shell, &access, id_of(&id)?, Form::default()).await?;
    shell.page("commitments/list_show.html", context)
}

pub(crate) async fn act(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, word)): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed, seen) = (id_of(&id)?, Typed(pairs), seen(&access));
    let number = |name| {
        let number = typed.get(name).parse::<i64>();
        number.map_err(|_| Error::NotFound)
    };
    let done = async {
        match word.as_str() {
            "revise" => {
                let what = (typed.get("items"), typed.get("reason"));
                s.revise((id, number("newest")?), what, &seen, &actor).await
            }
            "use" => s.put_to_use(id, number("n")?, &seen, &actor).await,
            "hand-over" => {
                let holder = person(&s, typed.get("holder"), &access.scope).await?;
                s.hand_over(id, holder, &seen, &actor).await
            }
            _ => Err(Error::NotFound),
        }
    };
    match done.await {
        Ok(()) => shell.done(&format!("/answering/lists/{id}"), "commitments-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let context = list_context(&s, &shell, &access, id, form).await?;
            shell.refused("commitments/list_show.html", context)
        }
    }
}
