//! The organiser's pages of a door: the screen of the room with the code and the count, opening and closing.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Result};
use serde_json::{Value, json};
use web::{Access, Failure, Shell};

use crate::store::door as rows;
use crate::{Activities, PlanState, Role};

/// Names shown of those who came last.
const LAST: usize = 12;

/// What the screen shows just now.
async fn context(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    headers: &HeaderMap,
    id: Id,
) -> Result<Value> {
    let (plan, _) = s.planned(id, &access.scope).await?;
    let (zone, now) = (s.env.zone(), s.env.now());
    let clock = |at: kernel::Timestamp| at.zoned(zone).strftime("%H:%M").to_string();
    let expected = s.expected_at(&plan, &access.scope).await?.len();
    let came = s.came(id).await?;
    let present = came.iter().filter(|c| c.role == Role::Present).count();
    let last: Vec<Value> = came
        .iter()
        .rev()
        .take(LAST)
        .map(|c| json!({ "name": c.name, "at": clock(c.at), "observer": c.role == Role::Observer }))
        .collect();
    let door = s
        .door(id)
        .await?
        .filter(|_| plan.state == PlanState::Planned);
    let state = match &door {
        Some(door) if door.open_at(now) => "open",
        Some(door) if now < door.opens => "early",
        _ => "closed",
    };
    let mut page = json!({
        "id": id, "title": plan.title, "location": plan.location, "starts": clock(plan.starts), "state": state,
        "present": present, "expected": expected, "others": came.len() - present, "last": last,
        "opens": door.as_ref().map(|d| d.opens.minute_text(zone)), "closes": door.as_ref().map(|d| clock(d.closes)),
        "picture": null, "room": null, "kiosk": null, "at": now.zoned(zone).strftime("%H:%M:%S").to_string(),
        "recorded": plan.state == PlanState::Held, "host": s.organization.names(&[plan.host]).await?.get(&plan.host),
        "crumbs": [{ "label": plan.title, "href": format!("/activities/plans/{id}") }],
        "may_record": plan.state == PlanState::Planned && plan.starts <= now,
        "lang": shell.lang().code(),
    });
    if let Some(door) = door.filter(|d| d.open_at(now)) {
        let url = format!(
            "{}/check-in/{id}?c={}",
            s.origin(headers),
            door.key.code(id, now)
        );
        page["picture"] = json!(web::qr(&url, 380)?);
        page["room"] = json!(door.key.room(id, now));
        page["kiosk"] = json!(format!("/check-in/{id}/kiosk?k={}", door.key.kiosk(id)));
    }
    Ok(page)
}

pub(crate) async fn screen(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let context = context(&s, &shell, &access, &headers, id).await?;
    shell.page("activities/screen.html", context)
}

/// The part of the screen that changes; the page asks for it every few seconds.
pub(crate) async fn code(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let context = context(&s, &shell, &access, &headers, id).await?;
    shell.partial("activities/screen_part.html", context)
}

pub(crate) async fn open(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    s.open_door(id, &access.scope, actor).await?;
    shell.redirect(&format!("/activities/plans/{id}/screen"))
}

pub(crate) async fn close(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    s.close_door(id, &access.scope, actor).await?;
    shell.done(&format!("/activities/plans/{id}"), "door-closed-done")
}

/// What the page of a plan says of its door.
pub(crate) async fn card(s: &Activities, id: Id) -> Result<Value> {
    let (zone, now) = (s.env.zone(), s.env.now());
    let Some(door) = s.door(id).await? else {
        return Ok(json!({ "state": "none", "opens": null, "closes": null, "came": 0 }));
    };
    let came = rows::count(&mut s.db.read().await?, id).await?;
    let state = match now {
        now if door.open_at(now) => "open",
        now if now < door.opens => "early",
        _ => "closed",
    };
    Ok(
        json!({ "state": state, "opens": door.opens.minute_text(zone), "closes": door.closes.minute_text(zone), "came": came }),
    )
}
