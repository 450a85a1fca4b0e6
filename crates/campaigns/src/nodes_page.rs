//! The tree of programmes, and one node rolled up.

use axum::Form as Body;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use desk::{Typed, id_of, told};
use identity::Actor;
use kernel::{Date, Error, Id, Period, Result, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::Asked;
use web::{Access, Failure, Form, Shell};

use crate::PLAN;
use crate::cockpit_page::told_of;
use crate::form_page::{claim_rows, claims_of};
use crate::list_page::rows;
use crate::model::{Eyes, State, Taken};
use crate::nodes::{Level, Node, laid};
use crate::service::Campaigns;
use crate::typed::{crumbs, named_in};

const ROWS: usize = 50;

fn level(shell: &Shell, level: Level) -> String {
    shell.t(&format!("campaigns-level-{}", level.code()))
}

pub(crate) async fn tree(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let all = s.nodes(&access.scope).await?;
    let units: Vec<UnitId> = all.iter().map(|n| n.unit).collect();
    let names = s.organization.names(&units).await?;
    let row = |(depth, n): (usize, &Node)| {
        json!({ "depth": depth, "pad": "　".repeat(depth), "code": n.code, "name": n.name, "level": level(&shell, n.level), "unit": names.get(&n.unit),
            "from": format_date(n.from), "to": format_date(n.to), "href": format!("/campaigns/nodes/{}", n.id), "over": n.to < s.env.today() })
    };
    let rows: Vec<Value> = laid(&all).into_iter().map(row).collect();
    let may = access.principal.scope(PLAN).is_some();
    shell.page(
        "campaigns/nodes.html",
        json!({ "rows": rows, "may_plan": may, "crumbs": crumbs(&shell, None) }),
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    parent: String,
}

async fn form_context(
    s: &Campaigns,
    shell: &Shell,
    access: &Access,
    known: Option<&Node>,
    form: Form,
    taken: &[Taken],
) -> Result<Value> {
    let lang = shell.lang().code();
    let tracks = [("", shell.t("campaigns-claims"))];
    let parent = form.values.get("parent").and_then(|t| t.parse::<Id>().ok());
    let all = s.nodes(&named_in(access)).await?;
    let parent = parent.and_then(|id| all.iter().find(|n| n.id == id));
    let levels = Level::ALL
        .into_iter()
        .filter(|l| parent.is_none_or(|p| p.level < *l));
    let levels: Vec<(&str, String)> = levels.map(|l| (l.code(), level(shell, l))).collect();
    Ok(
        json!({ "id": known.map(|n| n.id), "code": known.map(|n| &n.code), "levels": levels, "tracks": claim_rows(s, &tracks, taken, lang),
        "parent": parent.map(|p| format!("{} {}", p.code, p.name)), "crumbs": crumbs(shell, None), "form": form }),
    )
}

pub(crate) async fn new(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let today = s.env.today();
    let form = Form::default()
        .with("id", s.env.new_id::<Id>())
        .with("parent", &wanted.parent)
        .with("from", format_date(today.first_of_year()))
        .with("to", format_date(today.last_of_year()));
    shell.page(
        "campaigns/node_form.html",
        form_context(&s, &shell, &access, None, form, &[]).await?,
    )
}

async fn keep(
    s: &Campaigns,
    (shell, access, actor): (&Shell, &Access, &Actor),
    known: Option<&Node>,
    typed: Typed,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(access);
    let done = async {
        let days = (typed.day("from")?, typed.day("to")?);
        let node = match known {
            Some(known) => Node {
                name: typed.get("name").to_owned(),
                claims: claims_of(s, &typed, &known.claims),
                from: days.0,
                to: days.1,
                version: typed.seen().unwrap_or(-1).max(1),
                ..known.clone()
            },
            None => Node {
                id: typed.id("id")?,
                code: typed.get("code").trim().to_owned(),
                level: Level::from_code(typed.get("level")).ok_or(Error::NotFound)?,
                parent: match typed.get("parent") {
                    "" => None,
                    text => Some(id_of(text)?),
                },
                unit: s
                    .organization
                    .unit_picked("unit", typed.get("unit"), &access.scope)
                    .await?
                    .id,
                name: typed.get("name").to_owned(),
                claims: claims_of(s, &typed, &[]),
                from: days.0,
                to: days.1,
                version: 0,
            },
        };
        s.keep_node(&node, typed.get("reason"), (&eyes, actor))
            .await
            .map(|()| node.id)
    };
    match done.await {
        Ok(id) => shell.done(&format!("/campaigns/nodes/{id}"), "campaigns-done"),
        Err(error) => {
            let form = typed.form().reject(shell, told(error))?;
            let before = known.map_or(&[][..], |n| n.claims.as_slice());
            let taken = claims_of(s, &typed, before);
            shell.refused(
                "campaigns/node_form.html",
                form_context(s, shell, access, known, form, &taken).await?,
            )
        }
    }
}

pub(crate) async fn create(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    keep(&s, (&shell, &access, &actor), None, Typed(pairs)).await
}

pub(crate) async fn edit(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let r = s.rolled(id_of(&id)?, &Eyes::from(&access)).await?;
    if !r.may_plan {
        return Err(Error::Forbidden.into());
    }
    let n = &r.node;
    let form = Form::default()
        .with("name", &n.name)
        .with("seen", n.version)
        .with(
            "parent",
            n.parent.map(|p| p.to_string()).unwrap_or_default(),
        )
        .with("from", format_date(n.from))
        .with("to", format_date(n.to));
    shell.page(
        "campaigns/node_form.html",
        form_context(&s, &shell, &access, Some(n), form, &n.claims).await?,
    )
}

pub(crate) async fn change(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let r = s.rolled(id_of(&id)?, &Eyes::from(&access)).await?;
    keep(&s, (&shell, &access, &actor), Some(&r.node), Typed(pairs)).await
}

/// A node with all below it: what was claimed, and the campaigns that hang on it.
pub(crate) async fn show(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let r = s.rolled(id_of(&id)?, &Eyes::from(&access)).await?;
    let (lang, n) = (shell.lang().code(), &r.node);
    let node = |id: &Id| r.subtree.iter().find(|n| n.id == *id);
    let lines = r.lines.iter().zip(&r.whose).map(|(l, whose)| {
        json!({ "name": l.taken.claim.name.get(lang), "categories": l.taken.categories.join("、"), "value": l.cell.text(&l.taken.claim),
            "unit": l.taken.claim.unit.get(lang), "node": node(whose).map(|n| format!("{} {}", n.code, n.name)),
            "href": format!("/campaigns/nodes/{whose}/rows?claim={}", l.no) })
    });
    let below: Vec<Node> = r.subtree.iter().filter(|x| x.id != n.id).cloned().collect();
    let tree = laid(&below).into_iter().map(|(depth, x)| {
        json!({ "pad": "　".repeat(depth), "code": x.code, "name": x.name, "level": level(&shell, x.level), "href": format!("/campaigns/nodes/{}", x.id) })
    });
    let by_state = State::ALL.map(|st| {
        let n = r.campaigns.iter().filter(|c| c.state == st).count();
        json!([shell.t(&format!("campaigns-state-{}", st.code())), n])
    });
    let events = r.events.iter().map(|e| {
        json!({ "text": shell.t(&format!("campaigns-event-{}", e.act)), "who": e.name, "reason": e.reason, "at": e.at.minute_text(s.env.zone()) })
    });
    let unit = s.organization.names(&[n.unit]).await?.remove(&n.unit);
    let mut path = crumbs(&shell, None);
    path.push(web::view::Crumb {
        label: shell.t("campaigns-nodes"),
        href: "/campaigns/nodes".into(),
    });
    path.extend(r.above.iter().map(|a| web::view::Crumb {
        label: a.name.clone(),
        href: format!("/campaigns/nodes/{}", a.id),
    }));
    let context = json!({
        "id": n.id, "name": n.name, "code": n.code, "level": level(&shell, n.level), "unit": unit, "from": format_date(n.from), "to": format_date(n.to),
        "lines": lines.collect::<Vec<_>>(), "tree": tree.collect::<Vec<_>>(), "campaigns": rows(&s, &shell, &r.campaigns).await?, "by_state": by_state,
        "events": events.collect::<Vec<_>>(), "may_plan": r.may_plan, "lowest": n.level == Level::Activity, "crumbs": path,
    });
    shell.page("campaigns/node.html", context)
}

/// The facts behind a number of a node.
pub(crate) async fn facts(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let r = s.rolled(id_of(&id)?, &Eyes::from(&access)).await?;
    let (lang, n) = (shell.lang().code(), &r.node);
    let no = asked.get("claim").and_then(|n| n.parse::<usize>().ok());
    let taken = no.and_then(|no| n.claims.get(no)).ok_or(Error::NotFound)?;
    let days = Period {
        from: n.from,
        to: n.to,
    };
    let after = asked.get("after").and_then(|text| {
        let (date, id) = text.split_once('_')?;
        Some((kernel::parse_date(date)?, id.parse().ok()?))
    });
    let after: Option<(Date, kernel::FactId)> = after;
    let mut reading = s.ledger.reading().await?;
    let ground = crate::claims::Ground::default();
    let page = s
        .rows(
            &mut reading,
            (&ground, taken),
            Some(n.unit),
            days,
            after,
            ROWS,
        )
        .await?;
    drop(reading);
    let next = page
        .next
        .map(|(date, id)| asked.with("after", &format!("{}_{id}", format_date(date))));
    let mut path = crumbs(&shell, None);
    path.push(web::view::Crumb {
        label: n.name.clone(),
        href: format!("/campaigns/nodes/{}", n.id),
    });
    let context = json!({
        "title": n.name, "claim": taken.claim.name.get(lang), "unit_word": taken.claim.unit.get(lang), "categories": taken.categories.join("、"),
        "from": format_date(days.from), "to": format_date(days.to), "unit": null, "all": null, "rows": told_of(&s, &shell, &page.facts).await?,
        "by_unit": [], "next": next, "crumbs": path,
    });
    shell.page("campaigns/rows.html", context)
}
