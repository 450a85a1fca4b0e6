//! Units in a campaign: who takes part, who does not and why, how far each is.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use desk::{Typed, id_of, told};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Window};
use web::{Access, Failure, Form, Shell};

use crate::model::{Eyes, Side, Solid, Taking};
use crate::service::{Campaigns, Whole};
use crate::store::scores;
use crate::typed::{crumbs, named_in, tabs};

const PAGE: i64 = 60;
const SHOWS: [&str; 3] = ["all", "joined", "absent"];

fn shown<'w>(w: &'w Whole, show: &str) -> Vec<&'w Taking> {
    let fits = |t: &&Taking| match show {
        "joined" => t.joined,
        "absent" => !t.joined,
        _ => true,
    };
    w.units.iter().filter(fits).collect()
}

async fn context(
    s: &Campaigns,
    shell: &Shell,
    access: &Access,
    w: &Whole,
    form: Form,
    asked: &Asked,
) -> Result<Value> {
    let c = &w.campaign;
    let show = asked
        .get("show")
        .filter(|s| SHOWS.contains(s))
        .unwrap_or("all");
    let all = shown(w, show);
    let window = asked.window(PAGE);
    let total = all.len() as i64;
    let at = window.offset(total) as usize;
    let page: Vec<&Taking> = all.into_iter().skip(at).take(PAGE as usize).collect();
    let ids: Vec<UnitId> = page.iter().map(|t| t.unit).collect();
    let units = s
        .organization
        .units_by_id(&ids, &kernel::Scope::All)
        .await?;
    let shares = scores::shares(&mut s.db.read().await?, c.id, Side::Inspection).await?;
    let row = |t: &&Taking| {
        let unit = units.iter().find(|u| u.id == t.unit);
        let report = w.reports.get(&t.unit);
        json!({ "id": t.unit, "name": unit.map(|u| &u.name), "category": unit.map(|u| &u.category), "joined": t.joined, "visible": w.visible.contains(&t.unit), "reason": t.reason,
            "since": format_date(t.since), "percent": report.map(|r| r.percent), "said": report.map(|r| r.said.clone()),
            "at": report.map(|r| r.at.minute_text(s.env.zone())), "score": shares.get(&t.unit).filter(|_| w.visible.contains(&t.unit)).map(|n| Solid(n / 100 * 100).to_string()),
            "score_href": format!("{}/scores/{}", c.href(), t.unit) })
    };
    let tabs_of = |code: &&str| {
        let n = match *code {
            "joined" => c.joined,
            "absent" => c.absent,
            _ => c.joined + c.absent,
        };
        json!({ "label": shell.t_with(&format!("campaigns-show-{code}"), &[("n", &n.to_string())]), "href": asked.with("show", code), "current": *code == show })
    };
    let scope = named_in(access);
    let audiences = match w.may_plan {
        true => s.organization.audiences(&scope).await?,
        false => Vec::new(),
    };
    let audiences: Vec<(Id, String)> = audiences.into_iter().map(|a| (a.id, a.name)).collect();
    let categories = match w.may_plan {
        true => s.organization.categories(&scope).await?,
        false => Vec::new(),
    };
    Ok(json!({
        "id": c.id, "title": c.content.title, "rows": page.iter().map(row).collect::<Vec<_>>(), "shows": SHOWS.iter().map(tabs_of).collect::<Vec<_>>(),
        "joined": c.joined, "named": c.joined + c.absent, "may": w.may_plan && c.state.is_open(), "may_drop": w.may_plan && !c.told,
        "audiences": audiences, "categories": categories, "export": asked.clone().filtered(&format!("{}/units.xlsx", c.href())),
        "pager": asked.pager(total, PAGE), "nav": tabs(shell, c.id, "units"), "crumbs": crumbs(shell, None), "form": form,
    }))
}

pub(crate) async fn units(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = context(&s, &shell, &access, &w, Form::default(), &asked).await?;
    shell.page("campaigns/units.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let all = shown(&w, asked.get("show").unwrap_or("all"));
    Window::fits(all.len() as i64)?;
    identity::tell_list(&s.db, &s.env, &actor, "campaign-units", all.len()).await?;
    let ids: Vec<UnitId> = all.iter().map(|t| t.unit).collect();
    let units = s
        .organization
        .units_by_id(&ids, &kernel::Scope::All)
        .await?;
    let mut tx = s.db.read().await?;
    let own = scores::shares(&mut tx, w.campaign.id, Side::Own).await?;
    let inspected = scores::shares(&mut tx, w.campaign.id, Side::Inspection).await?;
    drop(tx);
    let keys = [
        "code",
        "unit",
        "takes",
        "reason",
        "percent",
        "said",
        "own",
        "inspection",
    ];
    let header = keys.map(|key| shell.t(&format!("campaigns-column-{key}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let score = |n: Option<&i64>| Cell::Text(n.map_or(String::new(), |n| Solid(*n).to_string()));
    let rows = all.iter().map(|t| {
        let unit = units.iter().find(|u| u.id == t.unit);
        let report = w.reports.get(&t.unit);
        let takes = if t.joined {
            "campaigns-joined"
        } else {
            "campaigns-absent"
        };
        vec![
            Cell::Text(unit.map_or(String::new(), |u| u.code.clone())),
            Cell::Text(unit.map_or(String::new(), |u| u.name.clone())),
            Cell::Text(shell.t(takes)),
            Cell::Text(t.reason.clone()),
            Cell::Text(report.map_or(String::new(), |r| format!("{}%", r.percent))),
            Cell::Text(report.map_or(String::new(), |r| r.said.clone())),
            score(own.get(&t.unit).filter(|_| w.visible.contains(&t.unit))),
            score(
                inspected
                    .get(&t.unit)
                    .filter(|_| w.visible.contains(&t.unit)),
            ),
        ]
    });
    let name = shell.t("campaigns-tab-units");
    let bytes = xlsx(&name, &header, rows)?;
    Ok(web::attachment(
        web::XLSX,
        &format!("{}-{name}.xlsx", w.campaign.content.title),
        bytes,
    ))
}

/// The units that a form means: those typed, those of a category, those below one, those of the people of an audience.
async fn meant(s: &Campaigns, access: &Access, w: &Whole, typed: &Typed) -> Result<Vec<UnitId>> {
    let scope = named_in(access);
    let today = s.env.today();
    let under = s.organization.units_under(w.campaign.unit).await?;
    let mut units = Vec::new();
    match typed.get("by") {
        "children" => {
            let below = s.organization.children(w.campaign.unit, &scope).await?;
            units.extend(below.into_iter().filter(|u| u.stands(today)).map(|u| u.id));
        }
        "category" => {
            let wanted: Vec<&str> = typed.all("category").collect();
            let all = s.organization.units(&scope).await?;
            let fits = |u: &organization::Unit| {
                wanted.contains(&u.category.as_str()) && u.stands(today) && under.contains(&u.id)
            };
            units.extend(all.into_iter().filter(fits).map(|u| u.id));
        }
        "audience" => {
            let audience = s
                .organization
                .audience(typed.id("audience")?, &scope)
                .await?;
            let (mut at, most) = (0, 2_000);
            loop {
                let rule = &audience.rule;
                let (total, people) = s
                    .organization
                    .audience_page(rule, today, &scope, most, at)
                    .await?;
                units.extend(people.into_iter().map(|p| p.unit));
                at += most;
                if at >= total {
                    break;
                }
            }
        }
        _ => {
            let codes = typed
                .get("codes")
                .split(|c: char| c.is_whitespace() || "、,，;；".contains(c));
            let wanted: Vec<&str> = codes.filter(|c| !c.is_empty()).collect();
            let all = s.organization.units(&scope).await?;
            for code in wanted {
                let found = all.iter().find(|u| u.code == code && u.stands(today));
                let unknown = || {
                    Error::field(
                        "units",
                        Msg::new("campaigns-unit-unknown").with("code", code),
                    )
                };
                units.push(found.ok_or_else(unknown)?.id);
            }
        }
    }
    units.sort_unstable();
    units.dedup();
    Ok(units)
}

async fn settled(
    s: &Campaigns,
    (shell, access, id): (&Shell, &Access, Id),
    done: Result<()>,
    typed: &Typed,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done(&format!("/campaigns/{id}/units"), "campaigns-done"),
        Err(error) => {
            let form = typed.form().reject(shell, told(error))?;
            let w = s.campaign(id, &Eyes::from(access)).await?;
            let asked = Asked::read(&format!("/campaigns/{id}/units"));
            shell.refused(
                "campaigns/units.html",
                context(s, shell, access, &w, form, &asked).await?,
            )
        }
    }
}

pub(crate) async fn name(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let w = s.campaign(id, &eyes).await?;
    let done = async {
        let units = meant(&s, &access, &w, &typed).await?;
        s.name_units(id, &units, (&eyes, &actor)).await.map(|_| ())
    };
    let done = done.await;
    settled(&s, (&shell, &access, id), done, &typed).await
}

pub(crate) async fn take(
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
    let by = (&eyes, &actor);
    let done = match typed.get("take") {
        "drop" => s.unname(id, unit, by).await,
        word => {
            s.set_taking(id, unit, word == "joined", typed.get("reason"), by)
                .await
        }
    };
    settled(&s, (&shell, &access, id), done, &typed).await
}
