//! Duties of a unit: the catalogue in versions, and the gaps in it.

use axum::Form as Body;
use axum::extract::State as Shared;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use desk::{Typed, told};
use identity::Actor;
use kernel::{Date, Error, Msg, Result, UnitId, format_date};
use organization::Unit;
use serde_json::{Value, json};
use web::table::{Asked, Window};
use web::{Access, Failure, Form, Shell};

use crate::duties::{Duty, Gap, MOST};
use crate::kind::Frequency;
use crate::list_page::{year_of, years};
use crate::model::{Eyes, PlanState, REASON};
use crate::service::Tasks;
use crate::store::PlanFilter;
use crate::typed::{crumbs, tabs};

/// Duties as they are typed: one a line; code, what, source, article, how often, post, code of the claim between bars.
fn duties_of(s: &Tasks, text: &str) -> Result<Vec<Duty>> {
    let mut found = Vec::new();
    let lines = text.lines().map(str::trim).enumerate();
    for (n, line) in lines.filter(|(_, l)| !l.is_empty()) {
        let wrong = |key| Error::field("duties", Msg::new(key).with("line", n + 1));
        let parts: Vec<&str> = line.split(['|', '｜', '\t']).map(str::trim).collect();
        let part = |n: usize| parts.get(n).copied().unwrap_or_default();
        let frequency = match part(4) {
            "每月" | "月" => Some(Frequency::Month),
            "每季度" | "季度" | "季" => Some(Frequency::Quarter),
            "每半年" | "半年" => Some(Frequency::Half),
            "每年" | "年" | "" => Some(Frequency::Year),
            "按需" | "适时" => Some(Frequency::Cause),
            code => Frequency::from_code(code),
        };
        let claim = match part(6) {
            "" => None,
            code => Some(
                s.words
                    .claim(code)
                    .cloned()
                    .ok_or_else(|| wrong("tasks-duty-claim"))?,
            ),
        };
        found.push(Duty {
            code: part(0).to_owned(),
            text: part(1).to_owned(),
            source: part(2).to_owned(),
            article: part(3).to_owned(),
            frequency: frequency.ok_or_else(|| wrong("tasks-duty-frequency"))?,
            post: part(5).to_owned(),
            claim,
        });
    }
    Ok(found)
}

fn typed_line(d: &Duty) -> String {
    let claim = d.claim.as_ref().map_or("", |c| c.code.as_str());
    let parts = [
        d.code.as_str(),
        &d.text,
        &d.source,
        &d.article,
        d.frequency.code(),
        &d.post,
        claim,
    ];
    parts.join(" | ")
}

fn sample(s: &Tasks, code: &str, lang: &str) -> Vec<Duty> {
    let duties = s
        .words
        .catalogue(code)
        .map_or(&[][..], |c| c.duties.as_slice());
    let duty = |d: &crate::PackDuty| Duty {
        code: d.code.clone(),
        text: d.text.get(lang).to_owned(),
        source: d.source.get(lang).to_owned(),
        article: d.article.clone(),
        frequency: d.frequency,
        post: String::new(),
        claim: d.claim.as_ref().and_then(|c| s.words.claim(c)).cloned(),
    };
    duties.iter().map(duty).collect()
}

/// The unit asked for, or the first that one sees.
async fn id_of(s: &Tasks, access: &Access, asked: &Asked) -> Result<Option<Unit>> {
    match asked.get("unit").unwrap_or_default() {
        "" => Ok(s
            .organization
            .units(&access.scope)
            .await?
            .into_iter()
            .next()),
        text => s
            .organization
            .unit_picked("unit", text, &access.scope)
            .await
            .map(Some),
    }
}

fn reasons(shell: &Shell, g: &Gap) -> Vec<String> {
    let each = [
        (g.no_entry, "tasks-gap-entry"),
        (g.nobody, "tasks-gap-nobody"),
        (g.no_record, "tasks-gap-record"),
    ];
    let there = each.into_iter().filter(|(there, _)| *there);
    there.map(|(_, key)| shell.t(key)).collect()
}

async fn context(
    s: &Tasks,
    (shell, access): (&Shell, &Access),
    (unit, year): (&Unit, i16),
    (asked, form): (&Asked, Form),
) -> Result<Value> {
    let (lang, today) = (shell.lang().code(), s.env.today());
    let eyes = Eyes::from(access);
    let day = Date::constant(year, 12, 31).min(today);
    let (now, versions) = s.catalogue(unit.id, day).await?;
    let gaps = s.gaps(unit.id, year).await?.unwrap_or_default();
    let raised = s.raised(unit.id).await?;
    let may = s.organization.reaches(&eyes.plans, unit.id).await?;
    let filter = PlanFilter {
        year: Some(year),
        unit: Some(unit.id),
        state: None,
    };
    let (_, plans) = s.plans(&filter, &eyes, Window::new(1, 20)).await?;
    let plan = plans
        .iter()
        .find(|(p, ..)| p.unit == unit.id && p.state != PlanState::Closed);
    let plan = plan.filter(|_| may).map(|(p, ..)| p.href());
    let wanted = asked.get("show") == Some("gaps");
    let count = gaps.iter().filter(|g| g.is_gap()).count();
    let rows = gaps.iter().filter(|g| !wanted || g.is_gap()).map(|g| {
        let d = &g.duty;
        let key = format!("{year}-{}", d.code);
        let entry = plan.as_ref().filter(|_| g.no_entry).map(|href| {
            let text: String = d.text.chars().take(100).collect();
            format!("{href}/entries/new?duty={}&text={}&unit={}", d.code, web::encode(&text), web::encode(&unit.code))
        });
        json!({ "code": d.code, "text": d.text, "source": d.source, "article": d.article, "post": d.post,
            "frequency": shell.t(&format!("tasks-every-{}", d.frequency.code())), "records": g.records, "claim": d.claim.as_ref().map(|c| c.name.get(lang)),
            "gap": g.is_gap(), "reasons": reasons(shell, g), "case": raised.get(&key), "entry": entry,
            "raise": may && s.intake.is_some() && g.is_gap() && !raised.contains_key(&key) })
    });
    let catalogues: Vec<(&str, &str)> = s
        .words
        .catalogues()
        .iter()
        .map(|c| (c.code.as_str(), c.name.get(lang)))
        .collect();
    let shows = [("", "all"), ("gaps", "gaps")];
    let shows = shows.map(|(code, word)| {
        json!({ "label": shell.t(&format!("tasks-duties-{word}")), "href": asked.with("show", code), "current": wanted == (code == "gaps") })
    });
    let versions = versions.iter().map(|v| {
        json!({ "n": v.n, "from": format_date(v.effective), "count": v.duties.len(), "reason": v.reason, "at": v.at.minute_text(s.env.zone()) })
    });
    let at = |show: &str| format!("/tasks/duties/{show}?unit={}&year={year}", unit.id);
    Ok(json!({
        "unit": [&unit.code, &unit.name], "unit_id": unit.id, "year": year, "years": years(s), "rows": rows.collect::<Vec<_>>(), "count": count,
        "all": gaps.len(), "shows": shows, "has": now.is_some(), "versions": versions.collect::<Vec<_>>(), "may": may, "catalogues": catalogues,
        "edit": at("edit"), "export": at("list.xlsx"), "nav": tabs(shell, access, "duties"), "crumbs": crumbs(shell, &[]), "form": form,
    }))
}

pub(crate) async fn show(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let year = year_of(&asked).unwrap_or(s.env.today().year());
    let Some(unit) = id_of(&s, &access, &asked).await? else {
        return Err(Error::NotFound.into());
    };
    let of = (&asked, Form::default());
    let context = context(&s, (&shell, &access), (&unit, year), of).await?;
    shell.page("tasks/duties.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let year = year_of(&asked).unwrap_or(s.env.today().year());
    let Some(unit) = id_of(&s, &access, &asked).await? else {
        return Err(Error::NotFound.into());
    };
    let gaps = s.gaps(unit.id, year).await?.unwrap_or_default();
    identity::tell_list(&s.db, &s.env, &actor, "task-duties", gaps.len()).await?;
    let header = [
        "duty-code",
        "duty",
        "source",
        "article",
        "frequency",
        "post",
        "records",
        "gap",
    ];
    let header = header.map(|key| shell.t(&format!("tasks-{key}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = gaps.iter().map(|g| {
        let d = &g.duty;
        vec![
            Cell::Text(d.code.clone()),
            Cell::Text(d.text.clone()),
            Cell::Text(d.source.clone()),
            Cell::Text(d.article.clone()),
            Cell::Text(shell.t(&format!("tasks-every-{}", d.frequency.code()))),
            Cell::Text(d.post.clone()),
            g.records.map_or(Cell::Empty, Cell::Int),
            Cell::Text(reasons(&shell, g).join("；")),
        ]
    });
    let bytes = xlsx(&shell.t("tasks-tab-duties"), &header, rows)?;
    let name = format!("{}-{}-{year}.xlsx", shell.t("tasks-tab-duties"), unit.name);
    Ok(web::attachment(web::XLSX, &name, bytes))
}

fn form_context(s: &Tasks, shell: &Shell, unit: &Unit, form: Form) -> Value {
    let claims: Vec<String> = s
        .words
        .claims()
        .iter()
        .map(|c| format!("{} {}", c.code, c.name.get(shell.lang().code())))
        .collect();
    let back = format!("/tasks/duties?unit={}", unit.id);
    json!({ "unit": unit.name, "unit_id": unit.id, "claims": claims, "most": MOST, "reason_most": REASON,
        "replaces": form.values.get("seen").is_some_and(|n| n != "0"), "back": back,
        "crumbs": crumbs(shell, &[(&shell.t("tasks-tab-duties"), back.clone())]), "form": form })
}

pub(crate) async fn edit(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let Some(unit) = id_of(&s, &access, &asked).await? else {
        return Err(Error::NotFound.into());
    };
    let (now, versions) = s.catalogue(unit.id, s.env.today()).await?;
    let duties = match (asked.get("from"), now) {
        (Some(code), _) => sample(&s, code, shell.lang().code()),
        (None, Some(now)) => now.duties,
        (None, None) => Vec::new(),
    };
    let lines: Vec<String> = duties.iter().map(typed_line).collect();
    let form = Form::default()
        .with("duties", lines.join("\n"))
        .with("seen", versions.first().map_or(0, |v| v.n));
    shell.page(
        "tasks/duties_form.html",
        form_context(&s, &shell, &unit, form),
    )
}

pub(crate) async fn keep(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (typed, eyes) = (Typed(pairs), Eyes::from(&access));
    let id: UnitId = typed.get("unit").parse().map_err(|_| Error::NotFound)?;
    let unit = s.organization.unit(id, &access.scope).await?;
    let done = async {
        let list = duties_of(&s, typed.get("duties"))?;
        let of = (unit.id, typed.seen().unwrap_or(0));
        s.keep_catalogue(of, &list, typed.get("reason"), (&eyes, &actor))
            .await
    };
    match done.await {
        Ok(()) => shell.done(&format!("/tasks/duties?unit={id}"), "tasks-done-kept"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused(
                "tasks/duties_form.html",
                form_context(&s, &shell, &unit, form),
            )
        }
    }
}

pub(crate) async fn raise(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (typed, eyes) = (Typed(pairs), Eyes::from(&access));
    let id: UnitId = typed.get("unit").parse().map_err(|_| Error::NotFound)?;
    let year: i16 = typed.get("year").parse().map_err(|_| Error::NotFound)?;
    let unit = s.organization.unit(id, &access.scope).await?;
    let gaps = s.gaps(id, year).await?.unwrap_or_default();
    let gap = gaps.iter().find(|g| g.duty.code == typed.get("code"));
    let words = gap.map(|g| {
        format!(
            "{} {} {}",
            g.duty.source,
            g.duty.article,
            reasons(&shell, g).join("；")
        )
    });
    let (words, code) = (words.unwrap_or_default(), typed.get("code"));
    let done = s.raise((id, year), code, &words, (&eyes, &actor));
    let path = format!("/tasks/duties?unit={id}&year={year}");
    match done.await {
        Ok(_) => shell.done(&path, "tasks-done-raised"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let asked = Asked::read(&path);
            let of = (&asked, form);
            let context = context(&s, (&shell, &access), (&unit, year), of).await?;
            shell.refused("tasks/duties.html", context)
        }
    }
}
