//! Pages of activities: list, recording by roster, one activity, its correction and its reversal.

use axum::Form as Body;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{ActivityId, Error, Msg, PersonId, Result, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::door::{pages as door_pages, public as door_public};
use crate::{
    Activities, Activity, ActivityKind, CONFIRM, Confirmation, PLAN, Part, READ, RECORD, REVERSE,
    Role, confirm, confirm_pages,
};
use crate::{
    amend_page, decision_pages, evidence_pages, form_page, list_page, mine_pages, plan_pages,
    sheet_pages,
};
use crate::{opinion_pages, reflection_pages, vote_pages};

/// What the crate brings to the house.
pub fn module(activities: Activities) -> Module {
    let source = crate::searching::Source(activities.clone());
    let routes = Routes::new()
        .get("/activities", Policy::Permission(READ), list_page::list)
        .get(
            "/activities/export",
            Policy::Permission(READ),
            list_page::export,
        )
        .get(
            "/activities/new",
            Policy::Permission(RECORD),
            form_page::form,
        )
        .get(
            "/activities/unit-options",
            Policy::Permission(READ),
            list_page::unit_options,
        )
        .get(
            "/activities/new/unit-options",
            Policy::Permission(RECORD),
            list_page::unit_options,
        )
        .get(
            "/activities/new/people-options",
            Policy::Permission(RECORD),
            form_page::people_options,
        )
        .get(
            "/activities/new/sheet",
            Policy::Permission(RECORD),
            sheet_pages::template,
        )
        .post_up_to(
            "/activities/new/sheet",
            Policy::Permission(RECORD),
            sheet_pages::BODY,
            sheet_pages::import,
        )
        .get("/activities/mine", Policy::SignedIn, mine_pages::show)
        .post(
            "/activities/mine/{id}/leave",
            Policy::SignedIn,
            mine_pages::ask,
        )
        .post(
            "/activities/mine/{id}/leave/withdraw",
            Policy::SignedIn,
            mine_pages::withdraw,
        )
        .post_up_to(
            "/activities/mine/{id}/makeup",
            Policy::SignedIn,
            evidence_pages::BODY,
            mine_pages::make_up,
        )
        .post(
            "/activities/plans/{id}/leave/{leave}",
            Policy::Permission(RECORD),
            mine_pages::decide,
        )
        .post_up_to(
            "/activities/{id}/makeup",
            Policy::Permission(RECORD),
            evidence_pages::BODY,
            mine_pages::make_up_of,
        )
        .post(
            "/activities/{id}/makeup/{person}/reversal",
            Policy::Permission(RECORD),
            mine_pages::take_back,
        )
        .post(
            "/activities/{id}/resolutions",
            Policy::Permission(RECORD),
            vote_pages::add,
        )
        .post(
            "/activities/{id}/resolutions/{resolution}/reversal",
            Policy::Permission(RECORD),
            vote_pages::take_back,
        )
        .post(
            "/activities/{id}/decisions",
            Policy::Permission(RECORD),
            decision_pages::add,
        )
        .post(
            "/activities/{id}/decisions/{decision}/reversal",
            Policy::Permission(RECORD),
            decision_pages::take_back,
        )
        .post(
            "/activities/{id}/duties/{request}",
            Policy::Permission(RECORD),
            decision_pages::change,
        )
        .get(
            "/activities/mine/{id}/reflection",
            Policy::SignedIn,
            reflection_pages::mine,
        )
        .post(
            "/activities/mine/{id}/reflection",
            Policy::SignedIn,
            reflection_pages::submit,
        )
        .get(
            "/activities/{id}/reflections",
            Policy::Permission(RECORD),
            reflection_pages::list,
        )
        .post(
            "/activities/{id}/reflections/{reflection}",
            Policy::Permission(RECORD),
            reflection_pages::review,
        )
        .get(
            "/activities/{id}/minutes",
            Policy::Permission(READ),
            vote_pages::minutes,
        )
        .get(
            "/activities/plans/{id}/screen",
            Policy::Permission(RECORD),
            door_pages::screen,
        )
        .get(
            "/activities/plans/{id}/screen/code",
            Policy::Permission(RECORD),
            door_pages::code,
        )
        .post(
            "/activities/plans/{id}/check-in/open",
            Policy::Permission(RECORD),
            door_pages::open,
        )
        .post(
            "/activities/plans/{id}/check-in/close",
            Policy::Permission(RECORD),
            door_pages::close,
        )
        .get("/check-in/{id}", Policy::Public, door_public::scan)
        .get("/check-in/{id}/me", Policy::SignedIn, door_public::mine)
        .post("/check-in/{id}/me", Policy::SignedIn, door_public::tap)
        .get("/check-in/{id}/kiosk", Policy::Public, door_public::kiosk)
        .post(
            "/check-in/{id}/kiosk",
            Policy::Public,
            door_public::kiosk_tap,
        )
        .get(
            "/activities/plans/{id}/sheet",
            Policy::Permission(READ),
            sheet_pages::of_plan,
        )
        .get(
            "/activities/{id}/sheet",
            Policy::Permission(READ),
            sheet_pages::of_activity,
        )
        .get(
            "/activities/{id}/amend",
            Policy::Permission(RECORD),
            amend_page::form,
        )
        .post(
            "/activities/{id}/amend",
            Policy::Permission(RECORD),
            amend_page::keep,
        )
        .get(
            "/activities/calendar",
            Policy::Permission(READ),
            plan_pages::calendar,
        )
        .get(
            "/activities/plans/new",
            Policy::Permission(PLAN),
            form_page::plan_form,
        )
        .get(
            "/activities/plans/new/people-options",
            Policy::Permission(PLAN),
            form_page::people_options,
        )
        .get(
            "/activities/plans/new/unit-options",
            Policy::Permission(PLAN),
            list_page::unit_options,
        )
        .post(
            "/activities/plans",
            Policy::Permission(PLAN),
            plan_pages::keep,
        )
        .get(
            "/activities/plans/{id}",
            Policy::Permission(READ),
            plan_pages::show,
        )
        .post(
            "/activities/plans/{id}/move",
            Policy::Permission(PLAN),
            plan_pages::shift,
        )
        .post(
            "/activities/plans/{id}/cancel",
            Policy::Permission(PLAN),
            plan_pages::cancel,
        )
        .post_up_to(
            "/activities/{id}/files",
            Policy::Permission(RECORD),
            evidence_pages::BODY,
            evidence_pages::add,
        )
        .get(
            "/activities/{id}/files/{file}",
            Policy::Permission(READ),
            evidence_pages::download,
        )
        .post("/activities", Policy::Permission(RECORD), form_page::record)
        .get(
            "/activities/confirm",
            Policy::Permission(CONFIRM),
            confirm_pages::list,
        )
        .post(
            "/activities/confirm",
            Policy::Permission(CONFIRM),
            confirm_pages::confirm,
        )
        .post(
            "/activities/{id}/return",
            Policy::Permission(CONFIRM),
            confirm_pages::give_back,
        )
        .get("/activities/{id}", Policy::Permission(READ), show)
        .post(
            "/activities/{id}/parts/{person}",
            Policy::Permission(RECORD),
            correct,
        )
        .post(
            "/activities/{id}/reversal",
            Policy::Permission(REVERSE),
            reverse,
        )
        .post(
            "/activities/{id}/level",
            Policy::Permission(RECORD),
            set_level,
        )
        .merge(crate::api::routes())
        .merge(opinion_pages::routes())
        .merge(crate::history_pages::routes())
        .with_state(activities);
    Module {
        name: "activities",
        search: vec![std::sync::Arc::new(source)],
        routes,
        menu: vec![
            MenuEntry {
                group: MenuGroup::Work,
                order: 20,
                label_key: "menu-activities",
                href: "/activities",
                icon: "calendar-event",
                permission: Some(READ),
            },
            MenuEntry {
                group: MenuGroup::Work,
                order: 25,
                label_key: "mine-title",
                href: "/activities/mine",
                icon: "checklist",
                permission: None,
            },
        ],
        messages: vec![
            (
                web::Lang::Zh,
                include_str!("../locales/zh-CN/activities.ftl"),
            ),
            (web::Lang::En, include_str!("../locales/en/activities.ftl")),
        ],
        templates: vec![
            (
                "activities/list.html",
                include_str!("../templates/list.html"),
            ),
            (
                "activities/form.html",
                include_str!("../templates/form.html"),
            ),
            (
                "activities/details.html",
                include_str!("../templates/details.html"),
            ),
            (
                "activities/amend.html",
                include_str!("../templates/amend.html"),
            ),
            (
                "activities/calendar.html",
                include_str!("../templates/calendar.html"),
            ),
            (
                "activities/plan.html",
                include_str!("../templates/plan.html"),
            ),
            (
                "activities/confirm.html",
                include_str!("../templates/confirm.html"),
            ),
            (
                "activities/confirmed.html",
                include_str!("../templates/confirmed.html"),
            ),
            (
                "activities/look.html",
                include_str!("../templates/look.html"),
            ),
            (
                "activities/sheet.html",
                include_str!("../templates/sheet.html"),
            ),
            (
                "activities/mine.html",
                include_str!("../templates/mine.html"),
            ),
            (
                "activities/minutes.html",
                include_str!("../templates/minutes.html"),
            ),
            (
                "activities/reflection.html",
                include_str!("../templates/reflection.html"),
            ),
            (
                "activities/reflections.html",
                include_str!("../templates/reflections.html"),
            ),
            (
                "activities/call.html",
                include_str!("../templates/call.html"),
            ),
            (
                "activities/call_form.html",
                include_str!("../templates/call_form.html"),
            ),
            (
                "activities/opinion.html",
                include_str!("../templates/opinion.html"),
            ),
            (
                "activities/part.html",
                include_str!("../templates/part.html"),
            ),
            (
                "activities/history.html",
                include_str!("../templates/history.html"),
            ),
            (
                "activities/history_preview.html",
                include_str!("../templates/history_preview.html"),
            ),
            (
                "activities/history_show.html",
                include_str!("../templates/history_show.html"),
            ),
            (
                "activities/screen.html",
                include_str!("../templates/screen.html"),
            ),
            (
                "activities/screen_part.html",
                include_str!("../templates/screen_part.html"),
            ),
            (
                "activities/checkin.html",
                include_str!("../templates/checkin.html"),
            ),
            (
                "activities/kiosk.html",
                include_str!("../templates/kiosk.html"),
            ),
            (
                "activities/show.html",
                include_str!("../templates/show.html"),
            ),
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
        ..Module::default()
    }
}

async fn show(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let (activity, parts) = s.activity(id, opinion_pages::reader(&access)).await?;
    let context = show_context(&s, &shell, &access, &activity, &parts, Form::default()).await?;
    if shell.is_htmx() {
        return shell.partial("activities/look.html", context);
    }
    shell.page("activities/show.html", context)
}

pub(crate) async fn show_context(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    a: &Activity,
    parts: &[Part],
    form: Form,
) -> Result<Value> {
    let people: Vec<PersonId> = parts.iter().map(|p| p.person).collect();
    let names = s.organization.person_names(&people).await?;
    let mut units: Vec<UnitId> = parts.iter().map(|p| p.unit).chain([a.host]).collect();
    units.sort_unstable();
    units.dedup();
    let units = s.organization.names(&units).await?;
    let count = |role: Role| parts.iter().filter(|p| p.role == role).count();
    let may = |permission: &str| access.principal.scope(permission).cloned();
    let may_record = match may(RECORD) {
        Some(scope) => a.reversed_at.is_none() && s.organization.reaches(&scope, a.host).await?,
        None => false,
    };
    let may_reverse = match may(REVERSE) {
        Some(scope) => a.reversed_at.is_none() && s.organization.reaches(&scope, a.host).await?,
        None => false,
    };
    let actor = Actor {
        account: Some(access.principal.account),
        on_behalf: access.principal.on_behalf.as_ref().map(|of| of.account),
        address: String::new(),
    };
    let may_confirm = match may(CONFIRM) {
        Some(scope) => {
            a.reversed_at.is_none()
                && confirm::may_confirm(a, &actor)
                && s.organization.reaches(&scope, a.host).await?
        }
        None => false,
    };
    let history = s.confirmations(a.id, opinion_pages::reader(access)).await?;
    let history: Vec<Value> = history
        .iter()
        .map(|h| {
            let name = h.name.as_deref().unwrap_or("—");
            let who = match &h.on_behalf {
                Some(of) => shell.t_with("confirmation-for", &[("name", name), ("of", of)]),
                None => name.to_owned(),
            };
            let (key, state) = match h.act.as_str() {
                "confirmed" => ("confirmation-act-confirmed", "done"),
                "returned" => ("confirmation-act-returned", "bad"),
                _ => ("confirmation-act-taken-back", "now"),
            };
            json!({
                "title": shell.t_with(key, &[("who", &who)]), "quote": h.reason, "state": state,
                "at": h.at.zoned(s.env.zone()).strftime("%Y-%m-%d %H:%M").to_string(),
            })
        })
        .collect();
    let lines: Vec<Value> = parts
        .iter()
        .map(|p| {
            let tone = match p.role {
                Role::Present => Tone::Ok,
                Role::Leave => Tone::Warn,
                Role::Absent => Tone::Bad,
                Role::Observer => Tone::Brand,
            };
            json!({
                "person": p.person,
                "name": names.get(&p.person),
                "unit": units.get(&p.unit),
                "role": p.role.code(),
                "minutes": p.minutes.filter(|_| p.role.studied()),
                "tag": Tag { text: shell.t(&format!("role-{}", p.role.code())), tone, icon: None },
            })
        })
        .collect();
    let made_up = s.make_ups(a.id).await?;
    let missing: Vec<Value> = parts
        .iter()
        .filter(|p| matches!(p.role, Role::Leave | Role::Absent))
        .map(|p| {
            let made = made_up.iter().find(|m| m.person == p.person);
            let made = made.map(|m| {
                json!({ "content": m.content, "date": kernel::format_date(m.date), "minutes": m.minutes })
            });
            json!({ "person": p.person, "name": names.get(&p.person), "made": made })
        })
        .collect();
    let roles: Vec<(&str, String)> = Role::ALL
        .iter()
        .map(|r| (r.code(), shell.t(&format!("role-{}", r.code()))))
        .collect();
    let (zone, lang) = (s.env.zone(), shell.lang().code());
    let mut page = json!({
        "id": a.id, "title": a.title, "form": form,
        "kind": s.kinds.get(&a.kind).map_or(a.kind.as_str(), |k| k.name.get(lang)),
        "host": units.get(&a.host), "date": kernel::format_date(a.date),
        "starts": a.starts.minute_text(zone), "ends": a.ends.minute_text(zone),
        "minutes": a.minutes, "location": a.location, "tags": tags(shell, a),
        "recorded_at": a.recorded_at.minute_text(zone),
        "reversed_at": a.reversed_at.map(|t| t.minute_text(zone)), "reason": a.reversal_reason,
        "level": s.levels.name(&a.level, lang), "level_code": a.level, "levels": s.levels.options(lang),
        "mark": s.levels.mark(&a.level, lang), "parts": lines, "roles": roles, "crumbs": crumbs(shell),
        "present": count(Role::Present), "leave": count(Role::Leave), "absent": count(Role::Absent),
        "observers": count(Role::Observer), "expected": parts.len() - count(Role::Observer),
        "may_confirm": may_confirm && a.confirmed_at.is_none(),
        "may_return": may_confirm && a.returned_at.is_none(),
        "pick": format!("{}.{}", a.id, a.changes), "history": history,
        "confirmation": confirmation_tag(shell, a),
        "may_record": may_record, "may_reverse": may_reverse, "missing": missing,
        "votes": crate::vote_pages::card(s, shell, a, parts).await?, "code": crate::short_code(a.id), "reflects": may_record && s.reflection_due(&a.kind, a.date).is_some(),
    });
    crate::shown::add(s, shell, access, a, may_record, &mut page).await?;
    decision_pages::card(s, shell, a, &mut page).await?;
    page["import"] = json!(s.import_of(a.id).await?);
    crate::speeches::card(s, access, a, parts, &mut page).await?;
    page["participants"] = opinion_pages::participants(s, access, a, parts).await?;
    let may_call = may_record && s.requests.is_some() && a.pair.is_none() && !a.confidential;
    page["may_call"] = json!(may_call);
    page["calls"] = match may_call {
        true => opinion_pages::calls(s, None, Some(a.id)).await?,
        false => json!([]),
    };
    Ok(page)
}

#[derive(Deserialize)]
struct Correction {
    role: String,
}

async fn correct(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, person)): Path<(String, String)>,
    Body(correction): Body<Correction>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let person: PersonId = person.parse().map_err(|_| Error::NotFound)?;
    let role = Role::from_code(&correction.role).ok_or(Error::NotFound)?;
    s.correct(id, person, role, &access, actor).await?;
    shell.done(&format!("/activities/{id}"), "part-corrected")
}

#[derive(Deserialize)]
struct Reversal {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    confirm: String,
}

async fn reverse(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(reversal): Body<Reversal>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let result = if reversal.confirm.trim() == shell.t("reversal-word") {
        s.reverse(id, &reversal.reason, &access, actor).await
    } else {
        Err(Error::field("reason", Msg::new("reversal-unconfirmed")))
    };
    match result {
        Ok(()) => shell.done(&format!("/activities/{id}"), "activity-reversed-done"),
        Err(e) => refused(&s, &shell, &access, id, ("reason", &reversal.reason), e).await,
    }
}

#[derive(Deserialize)]
struct NewLevel {
    #[serde(default)]
    level: String,
    #[serde(default, rename = "level-reason")]
    reason: String,
}

async fn set_level(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(new): Body<NewLevel>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let set = s.set_level(id, &new.level, &new.reason, &access, actor);
    match set.await {
        Ok(()) => shell.done(&format!("/activities/{id}"), "level-changed"),
        Err(e) => refused(&s, &shell, &access, id, ("level-reason", &new.reason), e).await,
    }
}

/// The level that the form begins with; none where what is usual may not be here.
pub(crate) fn usual_level(s: &Activities, kind: &ActivityKind) -> String {
    let level = s.levels.take("", kind.level.as_deref());
    level.map_or_else(|_| String::new(), |l| l.code.clone())
}

/// The page of an activity with what was wrong.
pub(crate) async fn refused(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: ActivityId,
    typed: (&str, &str),
    error: Error,
) -> Result<Response, Failure> {
    let form = Form::default().with(typed.0, typed.1);
    refused_form(s, shell, access, id, form, error).await
}

/// The same, with all that was typed.
pub(crate) async fn refused_form(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: ActivityId,
    form: Form,
    error: Error,
) -> Result<Response, Failure> {
    let form = form.reject(shell, error)?;
    let (activity, parts) = s.activity(id, access).await?;
    let context = show_context(s, shell, access, &activity, &parts, form).await?;
    shell.refused("activities/show.html", context)
}

/// The tag of how far an activity has been confirmed.
pub(crate) fn confirmation_tag(shell: &Shell, a: &Activity) -> Tag {
    let (key, tone) = match a.confirmation() {
        Confirmation::Waiting => ("confirmation-waiting", Tone::Plain),
        Confirmation::Confirmed => ("confirmation-confirmed", Tone::Ok),
        Confirmation::Returned => ("confirmation-returned", Tone::Bad),
    };
    Tag {
        text: shell.t(key),
        tone,
        icon: None,
    }
}

pub(crate) fn tags(shell: &Shell, a: &Activity) -> Vec<Tag> {
    let mut tags = Vec::new();
    if a.late {
        tags.push(Tag {
            text: shell.t("late-entry"),
            tone: Tone::Warn,
            icon: None,
        });
    }
    if a.reversed_at.is_some() {
        tags.push(Tag {
            text: shell.t("state-reversed"),
            tone: Tone::Bad,
            icon: None,
        });
    }
    tags
}

pub(crate) fn kind_options<'a>(s: &'a Activities, lang: &str) -> Vec<(&'a str, &'a str)> {
    s.kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect()
}

pub(crate) fn group_options<'a>(s: &'a Activities, lang: &str) -> Vec<(&'a str, &'a str)> {
    s.kinds
        .groups()
        .map(|g| (g.code.as_str(), g.name.get(lang)))
        .collect()
}

pub(crate) fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("menu-activities"),
        href: "/activities".into(),
    }]
}
