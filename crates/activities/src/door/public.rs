//! The pages of those who come: the phone that scanned, and the kiosk in the room.

use axum::Form as Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, PersonId, Result, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use super::codes::{SCAN_SECONDS, Worth};
use super::{Door, Receipt, Way};
use crate::{Activities, Plan, store};

/// Where a phone keeps its scan while its owner signs in.
const COOKIE: &str = "suneng_scan";
/// Seconds after which the kiosk is ready for the next one.
const CLEARS: u32 = 5;

async fn plan_and_door(s: &Activities, id: &str) -> Result<(Plan, Door)> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let (plan, _) = s.planned(id, &Scope::All).await?;
    let door = s.door(id).await?.ok_or(Error::NotFound)?;
    Ok((plan, door))
}

fn about(s: &Activities, plan: &Plan) -> Value {
    let zone = s.env.zone();
    json!({ "id": plan.id, "title": plan.title, "location": plan.location, "starts": plan.starts.minute_text(zone),
        "refused": null, "receipt": null, "name": "" })
}

fn receipt_of(s: &Activities, shell: &Shell, receipt: Receipt) -> Value {
    json!({ "at": receipt.at.minute_text(s.env.zone()), "first": receipt.first,
        "role": shell.t(&format!("role-{}", receipt.role.code())) })
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Scanned {
    c: String,
}

/// What the code on the screen leads to: a code that holds becomes a scan kept by the phone, and only then its owner
/// signs in.
pub(crate) async fn scan(
    State(s): State<Activities>,
    shell: Shell,
    actor: Actor,
    Path(id): Path<String>,
    Query(scanned): Query<Scanned>,
) -> Result<Response, Failure> {
    let (plan, door) = plan_and_door(&s, &id).await?;
    let now = s.env.now();
    let refused = match door.key.worth(plan.id, scanned.c.trim(), now) {
        Worth::Fresh => {
            let mut response = shell.redirect(&format!("/check-in/{}/me", plan.id))?;
            let kept = format!("{}~{}", plan.id, door.key.scan(plan.id, now));
            shell.set_cookie(&mut response, COOKIE, &kept, SCAN_SECONDS as u32);
            return Ok(response);
        }
        Worth::Old => "old",
        Worth::Forged => "forged",
    };
    if !scanned.c.is_empty() {
        s.refuse_code(plan.id, refused, &actor).await?;
    }
    let mut page = about(&s, &plan);
    // Whoever guesses addresses reads nothing of what is planned.
    if refused == "forged" {
        page = json!({ "id": plan.id, "title": "", "location": "", "starts": "", "receipt": null, "name": "" });
    }
    page["refused"] = json!(shell.t("door-code-old"));
    shell.refused("activities/checkin.html", page)
}

/// The moment at which this phone scanned, while that holds.
fn scanned_at(
    s: &Activities,
    plan: &Plan,
    door: &Door,
    headers: &HeaderMap,
) -> Option<kernel::Timestamp> {
    let (of, scan) = web::cookie(headers, COOKIE)?.split_once('~')?;
    let own = of == plan.id.to_string();
    own.then(|| door.key.scanned(plan.id, scan, s.env.now()))
        .flatten()
}

fn person_of(access: &Access) -> Result<PersonId> {
    let message = || Error::Conflict(Msg::new("door-no-person"));
    access.principal.person.ok_or_else(message)
}

async fn phone(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    headers: &HeaderMap,
    (plan, door): (&Plan, &Door),
    error: Option<Error>,
) -> Result<Response, Failure> {
    let person = person_of(access)?;
    let mut page = about(s, plan);
    page["name"] = json!(access.principal.name);
    if let Some(receipt) = s.receipt(plan.id, person).await? {
        page["receipt"] = receipt_of(s, shell, receipt);
        return shell.page("activities/checkin.html", page);
    }
    match error {
        Some(Error::Conflict(message)) => page["refused"] = json!(shell.text(&message)),
        Some(other) => return Err(other.into()),
        None if scanned_at(s, plan, door, headers).is_none() => {
            // Who did not scan reads nothing of what is planned.
            page = json!({ "id": plan.id, "title": "", "location": "", "starts": "", "receipt": null, "name": "" });
            page["refused"] = json!(shell.t("door-scan-first"));
        }
        None => return shell.page("activities/checkin.html", page),
    }
    shell.refused("activities/checkin.html", page)
}

/// The page after the scan: one tap, or the receipt.
pub(crate) async fn mine(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (plan, door) = plan_and_door(&s, &id).await?;
    phone(&s, &shell, &access, &headers, (&plan, &door), None).await
}

pub(crate) async fn tap(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (plan, door) = plan_and_door(&s, &id).await?;
    let person = person_of(&access)?;
    let Some(at) = scanned_at(&s, &plan, &door, &headers) else {
        return phone(&s, &shell, &access, &headers, (&plan, &door), None).await;
    };
    let by = Some(access.principal.account);
    match s.check_in(plan.id, person, Way::Code, at, by).await {
        Ok(_) => {
            let mut response = shell.redirect(&format!("/check-in/{}/me", plan.id))?;
            shell.set_cookie(&mut response, COOKIE, "", 0);
            Ok(response)
        }
        Err(error) => phone(&s, &shell, &access, &headers, (&plan, &door), Some(error)).await,
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct KioskQuery {
    k: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Typed {
    k: String,
    staff_no: String,
    room: String,
}

fn kiosk_page(s: &Activities, plan: &Plan, k: &str, form: Form) -> Value {
    let mut page = about(s, plan);
    page["k"] = json!(k);
    page["form"] = json!(form);
    page
}

async fn kiosk_of(s: &Activities, id: &str, k: &str) -> Result<(Plan, Door)> {
    let (plan, door) = plan_and_door(s, id).await?;
    match door.key.is_kiosk(plan.id, k) {
        true => Ok((plan, door)),
        false => Err(Error::NotFound),
    }
}

/// The kiosk waits for the next one.
pub(crate) async fn kiosk(
    State(s): State<Activities>,
    shell: Shell,
    Path(id): Path<String>,
    Query(query): Query<KioskQuery>,
) -> Result<Response, Failure> {
    let (plan, _) = kiosk_of(&s, &id, &query.k).await?;
    shell.page(
        "activities/kiosk.html",
        kiosk_page(&s, &plan, &query.k, Form::default()),
    )
}

/// Somebody typed staff number and the code of the room.
pub(crate) async fn kiosk_tap(
    State(s): State<Activities>,
    shell: Shell,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let (plan, door) = kiosk_of(&s, &id, &typed.k).await?;
    let now = s.env.now();
    if s.doors.tired(plan.id, now) {
        return Err(Failure::too_many(60));
    }
    let done = kiosk_check(&s, &plan, &door, &typed, &actor).await;
    let (page, refused) = match done {
        Ok((receipt, name)) => {
            let mut page = kiosk_page(&s, &plan, &typed.k, Form::default());
            page["receipt"] = receipt_of(&s, &shell, receipt);
            page["name"] = json!(name);
            (page, false)
        }
        Err(Error::Conflict(message)) => {
            let mut page = kiosk_page(&s, &plan, &typed.k, Form::default());
            page["refused"] = json!(shell.text(&message));
            (page, true)
        }
        Err(error) => {
            // The next one must not find the code typed already.
            let form = Form::default().with("staff-no", typed.staff_no.trim());
            (
                kiosk_page(&s, &plan, &typed.k, form.reject(&shell, error)?),
                true,
            )
        }
    };
    let mut response = match refused {
        true => shell.refused("activities/kiosk.html", page)?,
        false => shell.page("activities/kiosk.html", page)?,
    };
    // It clears itself, without script too.
    let seconds = if refused { 3 * CLEARS } else { CLEARS };
    let next = format!(
        "{seconds}; url=/check-in/{}/kiosk?k={}",
        plan.id,
        web::encode(&typed.k)
    );
    let next = HeaderValue::from_str(&next).map_err(Error::internal)?;
    response.headers_mut().insert(header::REFRESH, next);
    Ok(response)
}

async fn kiosk_check(
    s: &Activities,
    plan: &Plan,
    door: &Door,
    typed: &Typed,
    actor: &Actor,
) -> Result<(Receipt, String)> {
    let now = s.env.now();
    let room: String = typed.room.chars().filter(|c| !c.is_whitespace()).collect();
    if !door.key.is_room(plan.id, &room, now) {
        s.refuse_code(plan.id, "room", actor).await?;
        return Err(Error::field("room", Msg::new("door-room-wrong")));
    }
    let numbers = [typed.staff_no.trim().to_owned()];
    let found = store::people_by_staff_no(&mut s.db.read().await?, &numbers, plan.date).await?;
    let Some((_, person, _)) = found.first() else {
        s.doors.wrong(plan.id, true, now);
        let message = Msg::new("observer-unknown").with("number", &numbers[0]);
        return Err(Error::field("staff-no", message));
    };
    let receipt = s.check_in(plan.id, *person, Way::Kiosk, now, None).await?;
    let names = s.organization.person_names(&[*person]).await?;
    Ok((receipt, names.get(person).cloned().unwrap_or_default()))
}
