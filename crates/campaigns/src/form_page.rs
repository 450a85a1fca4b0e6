//! The form of a campaign: new, or changed with a reason.

use axum::Form as Body;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use desk::{Typed, id_of, told};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::kind::CampaignKind;
use crate::model::{Campaign, Content, Eyes, LONGEST, Measure, New, Stretch, TITLE, Taken};
use crate::nodes::laid;
use crate::service::Campaigns;
use crate::typed::{crumbs, named_in};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    kind: String,
    parent: String,
    node: String,
    from: String,
}

/// Measures as they are typed: one a line, what, unit and day between bars; a number in front is one that is there.
async fn measures(
    s: &Campaigns,
    text: &str,
    before: &[Measure],
    access: &Access,
) -> Result<Vec<Measure>> {
    let scope = named_in(access);
    let mut next = before.iter().map(|m| m.no).max().unwrap_or(0);
    let (mut found, mut units): (Vec<Measure>, Vec<(String, UnitId)>) = (Vec::new(), Vec::new());
    let lines = text.lines().map(str::trim).enumerate();
    for (n, line) in lines.filter(|(_, l)| !l.is_empty()) {
        let wrong = |key| Error::field("measures", Msg::new(key).with("line", n + 1));
        let parts: Vec<&str> = line.split(['|', '｜', '\t']).map(str::trim).collect();
        let (mut what, mut no) = (parts[0], None);
        if let Some((number, rest)) = what.split_once('.')
            && let Ok(number) = number.trim().parse::<i64>()
            && before.iter().any(|m| m.no == number)
            && found.iter().all(|m| m.no != number)
        {
            (what, no) = (rest.trim(), Some(number));
        }
        let code = parts.get(1).copied().unwrap_or("");
        let unit = match units.iter().find(|(known, _)| known == code) {
            Some((_, unit)) => *unit,
            None => {
                let unit = s.organization.unit_picked("measures", code, &scope).await;
                let unit = unit.map_err(|_| wrong("campaigns-measure-unit-line"))?.id;
                units.push((code.to_owned(), unit));
                unit
            }
        };
        let due = kernel::parse_date(parts.get(2).copied().unwrap_or(""));
        found.push(Measure {
            no: no.unwrap_or_else(|| {
                next += 1;
                next
            }),
            text: what.to_owned(),
            unit,
            due: due.ok_or_else(|| wrong("campaigns-measure-day-line"))?,
        });
    }
    Ok(found)
}

/// What was ticked of the claims of the packs, with the categories that narrow them.
pub(crate) fn claims_of(s: &Campaigns, typed: &Typed, before: &[Taken]) -> Vec<Taken> {
    let mut found = Vec::new();
    for ticked in typed.all("claim") {
        let (track, code) = ticked.split_once('/').unwrap_or(("", ticked));
        let list = typed.get(&format!("cat-{track}-{code}"));
        let split = list.split(|c: char| c.is_whitespace() || "、,，;；".contains(c));
        let mut categories: Vec<String> =
            split.filter(|c| !c.is_empty()).map(str::to_owned).collect();
        categories.truncate(40);
        let old = before
            .iter()
            .find(|t| t.track == track && t.claim.code == code);
        let claim = old
            .map(|t| t.claim.clone())
            .or_else(|| s.kinds.claim(code).cloned());
        found.extend(claim.map(|claim| Taken {
            track: track.to_owned(),
            claim,
            categories,
        }));
    }
    found
}

/// What a form of claims offers: every claim in every track, what is taken ticked.
pub(crate) fn claim_rows(
    s: &Campaigns,
    tracks: &[(&str, String)],
    taken: &[Taken],
    lang: &str,
) -> Vec<Value> {
    let track = |(code, name): &(&str, String)| {
        let rows = s.kinds.claims().map(|claim| {
            let has = taken.iter().find(|t| t.track == *code && t.claim.code == claim.code);
            json!({ "value": format!("{code}/{}", claim.code), "name": claim.name.get(lang), "on": has.is_some(),
                "cat": format!("cat-{code}-{}", claim.code), "categories": has.map_or(String::new(), |t| t.categories.join("、")) })
        });
        json!({ "name": name, "rows": rows.collect::<Vec<_>>() })
    };
    tracks.iter().map(track).collect()
}

async fn content_of(
    s: &Campaigns,
    kind: &CampaignKind,
    typed: &Typed,
    before: Option<&Content>,
    access: &Access,
) -> Result<Content> {
    let scope = named_in(access);
    let body = async |field: &str| match typed.get(field).trim() {
        "" => Ok(None),
        text => {
            let unknown = || Error::field(field, Msg::new("campaigns-body-unknown"));
            let id: Id = text.parse().map_err(|_| unknown())?;
            let known = before.is_some_and(|b| b.group == Some(id) || b.office == Some(id));
            if !known {
                s.organization
                    .body(id, &scope)
                    .await
                    .map_err(|_| unknown())?;
            }
            Ok::<_, Error>(Some(id))
        }
    };
    let mut phases = Vec::new();
    for phase in &kind.phases {
        phases.push(Stretch {
            code: phase.code.clone(),
            from: typed.day(&format!("from-{}", phase.code))?,
            to: typed.day(&format!("to-{}", phase.code))?,
        });
    }
    let known = before.map_or(&[][..], |b| b.measures.as_slice());
    let taken = before.map_or(&[][..], |b| b.claims.as_slice());
    let lead = match (typed.get("lead").trim(), before.and_then(|b| b.lead)) {
        ("=", Some(lead)) => Some(lead),
        (text, _) => s.organization.person_picked("lead", text, &scope).await?,
    };
    Ok(Content {
        title: typed.get("title").to_owned(),
        goals: typed.get("goals").to_owned(),
        group: body("group").await?,
        office: body("office").await?,
        lead,
        from: typed.day("from")?,
        to: typed.day("to")?,
        phases,
        measures: measures(s, typed.get("measures"), known, access).await?,
        claims: claims_of(s, typed, taken),
    })
}

/// A form filled with what a campaign says.
async fn filled(s: &Campaigns, c: &Content) -> Result<Form> {
    let units: Vec<UnitId> = c.measures.iter().map(|m| m.unit).collect();
    let units = s
        .organization
        .units_by_id(&units, &kernel::Scope::All)
        .await?;
    let code = |id: UnitId| {
        units
            .iter()
            .find(|u| u.id == id)
            .map_or("", |u| u.code.as_str())
    };
    let lines = c.measures.iter().map(|m| {
        format!(
            "{}. {} | {} | {}",
            m.no,
            m.text,
            code(m.unit),
            format_date(m.due)
        )
    });
    let id = |id: Option<Id>| id.map(|id| id.to_string()).unwrap_or_default();
    let mut form = Form::default()
        .with("title", &c.title)
        .with("goals", &c.goals)
        .with("group", id(c.group))
        .with("office", id(c.office))
        .with("lead", if c.lead.is_some() { "=" } else { "" })
        .with("from", format_date(c.from))
        .with("to", format_date(c.to))
        .with("measures", lines.collect::<Vec<_>>().join("\n"));
    for p in &c.phases {
        form = form
            .with(&format!("from-{}", p.code), format_date(p.from))
            .with(&format!("to-{}", p.code), format_date(p.to));
    }
    Ok(form)
}

async fn context(
    s: &Campaigns,
    shell: &Shell,
    access: &Access,
    (kind, known): (&CampaignKind, Option<&Campaign>),
    (form, taken): (Form, &[Taken]),
) -> Result<Value> {
    let lang = shell.lang().code();
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let tracks: Vec<(&str, String)> = kind
        .tracks
        .iter()
        .map(|t| (t.code.as_str(), t.name.get(lang).to_owned()))
        .collect();
    let phases = kind.phases.iter().map(|p| {
        json!({ "from": format!("from-{}", p.code), "to": format!("to-{}", p.code), "name": p.name.get(lang) })
    });
    let scope = named_in(access);
    let nodes = s.nodes(&scope).await?;
    let node = |(depth, n): (usize, &crate::Node)| {
        (
            n.id.to_string(),
            format!("{}{} {}", "　".repeat(depth), n.code, n.name),
        )
    };
    let none = (String::new(), shell.t("campaigns-none"));
    let nodes: Vec<(String, String)> = [none]
        .into_iter()
        .chain(laid(&nodes).into_iter().map(node))
        .collect();
    let named = async |field: &str| -> Result<String> {
        let id = form.values.get(field).and_then(|t| t.parse().ok());
        match id {
            Some(id) => {
                let body = s.organization.body(id, &kernel::Scope::All).await;
                Ok(body.map_or(String::new(), |(b, _)| b.name))
            }
            None => Ok(String::new()),
        }
    };
    let lead = match known.and_then(|c| c.content.lead) {
        Some(lead) => s.organization.person_names(&[lead]).await?.remove(&lead),
        None => None,
    };
    let parent = form.values.get("parent").and_then(|t| t.parse::<Id>().ok());
    let parent = match parent {
        Some(id) => s
            .campaign(id, &Eyes::from(access))
            .await
            .ok()
            .map(|w| w.campaign),
        None => None,
    };
    Ok(json!({
        "kinds": kinds, "kind": kind.code, "kind_name": kind.name.get(lang), "id": known.map(|c| c.id),
        "told": known.is_some_and(|c| c.told), "phases": phases.collect::<Vec<_>>(), "nodes": nodes,
        "tracks": claim_rows(s, &tracks, taken, lang), "group_name": named("group").await?, "office_name": named("office").await?,
        "lead_name": lead, "parent": parent.map(|c| json!({ "title": c.content.title, "href": c.href() })),
        "title_most": TITLE, "most": LONGEST, "crumbs": crumbs(shell, known), "form": form,
    }))
}

/// The claims that a kind begins with.
fn usual(s: &Campaigns, kind: &CampaignKind) -> Vec<Taken> {
    let of = |track: &crate::Track| {
        let taken = |code: &String| {
            Some(Taken {
                track: track.code.clone(),
                claim: s.kinds.claim(code)?.clone(),
                categories: Vec::new(),
            })
        };
        track.claims.iter().filter_map(taken).collect::<Vec<_>>()
    };
    kind.tracks.iter().flat_map(of).collect()
}

pub(crate) async fn new(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(&access);
    let above = match wanted.parent.as_str() {
        "" => None,
        text => Some(s.campaign(id_of(text)?, &eyes).await?.campaign),
    };
    let code = above
        .as_ref()
        .map_or(wanted.kind.as_str(), |c| c.kind.as_str());
    let kind = s
        .kinds
        .get(code)
        .or_else(|| s.kinds.iter().next())
        .ok_or(Error::NotFound)?;
    let from = kernel::parse_date(&wanted.from).unwrap_or_else(|| s.env.today());
    // What is below another one begins with its phases.
    let phases = |c: &Campaign| {
        c.content
            .phases
            .iter()
            .map(|p| &p.code)
            .eq(kind.phases.iter().map(|p| &p.code))
    };
    let (phases, from, to) = match above.as_ref().filter(|c| phases(c)) {
        Some(c) => (c.content.phases.clone(), c.content.from, c.content.to),
        None => {
            let (phases, to) = Content::laid_out(kind, from);
            (phases, from, to)
        }
    };
    let taken = above
        .as_ref()
        .map_or_else(|| usual(&s, kind), |c| c.content.claims.clone());
    let content = Content {
        title: String::new(),
        goals: above
            .as_ref()
            .map_or(String::new(), |c| c.content.goals.clone()),
        group: None,
        office: None,
        lead: None,
        from,
        to,
        phases,
        measures: Vec::new(),
        claims: taken.clone(),
    };
    let mut form = filled(&s, &content).await?.with("id", s.env.new_id::<Id>());
    form = form
        .with("parent", &wanted.parent)
        .with("node", &wanted.node);
    let context = context(&s, &shell, &access, (kind, None), (form, &taken)).await?;
    shell.page("campaigns/form.html", context)
}

fn place(typed: &Typed) -> Result<(Option<Id>, Option<Id>)> {
    let id = |name: &str| match typed.get(name) {
        "" => Ok(None),
        text => id_of(text).map(Some),
    };
    Ok((id("parent")?, id("node")?))
}

pub(crate) async fn create(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed(pairs);
    let kind = s.kinds.get(typed.get("kind")).ok_or(Error::NotFound)?;
    let made = async {
        let unit = s
            .organization
            .unit_picked("unit", typed.get("unit"), &access.scope)
            .await?;
        let (parent, node) = place(&typed)?;
        let new = New {
            id: typed.id("id")?,
            kind: kind.code.clone(),
            unit: unit.id,
            parent,
            node,
            content: content_of(&s, kind, &typed, None, &access).await?,
        };
        s.create(&new, &Eyes::from(&access), &actor).await
    };
    match made.await {
        Ok(id) => shell.done(&format!("/campaigns/{id}/units"), "campaigns-done-made"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let taken = claims_of(&s, &typed, &[]);
            let context = context(&s, &shell, &access, (kind, None), (form, &taken)).await?;
            shell.refused("campaigns/form.html", context)
        }
    }
}

pub(crate) async fn edit(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    if !w.may_plan || !w.campaign.state.is_open() {
        return Err(Error::Forbidden.into());
    }
    let c = &w.campaign;
    let id = |id: Option<Id>| id.map(|id| id.to_string()).unwrap_or_default();
    let form = filled(&s, &c.content).await?;
    let form = form
        .with("seen", c.version)
        .with("parent", id(c.parent))
        .with("node", id(c.node));
    let taken = &c.content.claims;
    let context = context(&s, &shell, &access, (&w.kind, Some(c)), (form, taken)).await?;
    shell.page("campaigns/form.html", context)
}

pub(crate) async fn change(
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
        let before = &w.campaign.content;
        let content = content_of(&s, &w.kind, &typed, Some(before), &access).await?;
        let (seen, reason) = (typed.seen().unwrap_or(-1), typed.get("reason"));
        let place = place(&typed)?;
        s.change(id, seen, &content, place, reason, (&eyes, &actor))
            .await
    };
    match done.await {
        Ok(()) => shell.done(&format!("/campaigns/{id}"), "campaigns-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let taken = claims_of(&s, &typed, &w.campaign.content.claims);
            let known = (&*w.kind, Some(&w.campaign));
            let context = context(&s, &shell, &access, known, (form, &taken)).await?;
            shell.refused("campaigns/form.html", context)
        }
    }
}
