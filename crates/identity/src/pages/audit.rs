//! The audit trail: searched on a page, taken out as a sheet.

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::sheets::write::{Value as Cell, csv_head, csv_rows};
use kernel::{AccountId, Error, Id, Result, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::table::{Asked, Column, Order, Table};
use web::view::Chip;
use web::{Access, Failure, Shell};

use super::crumb;
use crate::{Actor, AuditFilter, AuditRow, Identity};

const PAGE: i64 = 50;
/// What the list can show.
pub(crate) const COLUMNS: [Column; 6] = [
    Column::new("at", "identity-audit-at").sorts(),
    Column::new("login", "identity-audit-login"),
    Column::new("action", "identity-audit-action"),
    Column::new("object", "identity-audit-object"),
    Column::new("detail", "identity-audit-detail"),
    Column::new("address", "identity-audit-address"),
];
const USUAL: Order = Order {
    by: "at",
    down: true,
};
/// Days that a search goes back when nothing else is asked for.
const DAYS: i64 = 30;

#[derive(Deserialize, Serialize, Clone, Default)]
pub(crate) struct Search {
    from: Option<String>,
    #[serde(default)]
    to: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    login: String,
    #[serde(default)]
    object: String,
    #[serde(default)]
    address: String,
}

impl Search {
    /// The filter, with the last 30 days when no first day is named.
    fn read(&mut self, identity: &Identity) -> AuditFilter {
        let today = identity.env.today();
        let back = || kernel::format_date(today.saturating_sub(days(DAYS)));
        let from = self.from.get_or_insert_with(back);
        AuditFilter {
            from: kernel::parse_date(from),
            to: kernel::parse_date(&self.to),
            action: self.action.clone(),
            login: self.login.clone(),
            object: self.object.clone(),
            address: self.address.clone(),
            oldest_first: false,
        }
    }
}

fn days(n: i64) -> jiff::Span {
    jiff::Span::new().days(n)
}

#[derive(Serialize)]
struct Line {
    href: String,
    at: i64,
    login: Option<String>,
    on_behalf: Option<String>,
    action: String,
    object: String,
    detail: String,
    address: String,
}

/// A flat JSON object as `name: value`, what is empty left out; anything else as it is.
fn in_words(detail: &str) -> String {
    let Ok(serde_json::Value::Object(map)) = serde_json::from_str(detail) else {
        return detail.to_owned();
    };
    let said = map.iter().filter(|(_, value)| !value.is_null());
    let said = said.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}: {text}"),
        None => format!("{name}: {value}"),
    });
    said.collect::<Vec<_>>().join("; ")
}

/// The name of an action in the reader's language; one without a name is shown as it is.
fn action_name(shell: &Shell, action: &str) -> String {
    const NAMED: &[(&str, &str)] = &[
        ("session.began", "identity-action-session-began"),
        ("session.refused", "identity-action-session-refused"),
        ("session.ended", "identity-action-session-ended"),
        ("account.opened", "identity-action-account-opened"),
        ("account.disabled", "identity-action-account-disabled"),
        ("account.enabled", "identity-action-account-enabled"),
        ("account.closed", "identity-action-account-closed"),
        ("account.provisioned", "identity-action-account-provisioned"),
        ("group.made", "identity-action-group-made"),
        ("group.changed", "identity-action-group-changed"),
        ("group.dropped", "identity-action-group-dropped"),
        ("account.locked", "identity-action-account-locked"),
        ("password.changed", "identity-action-password-changed"),
        ("password.refused", "identity-action-password-refused"),
        ("password.reset", "identity-action-password-reset"),
        ("account.activated", "identity-action-account-activated"),
        ("code.issued", "identity-action-code-issued"),
        ("code.refused", "identity-action-code-refused"),
        ("client.made", "identity-action-client-made"),
        ("client.rotated", "identity-action-client-rotated"),
        ("client.revoked", "identity-action-client-revoked"),
        ("client.refused", "identity-action-client-refused"),
        ("second.begun", "identity-action-second-begun"),
        ("second.enrolled", "identity-action-second-enrolled"),
        ("second.passed", "identity-action-second-passed"),
        ("second.refused", "identity-action-second-refused"),
        ("second.reset", "identity-action-second-reset"),
        (
            "second.recovery-renewed",
            "identity-action-recovery-renewed",
        ),
        ("duty.conflict", "identity-action-duty-conflict"),
        ("secrecy.confirmed", "identity-action-secrecy-confirmed"),
        ("role.granted", "identity-action-role-granted"),
        ("role.revoked", "identity-action-role-revoked"),
        ("delegation.made", "identity-action-delegation-made"),
        ("delegation.ended", "identity-action-delegation-ended"),
        ("delegation.began", "identity-action-delegation-began"),
        ("delegation.left", "identity-action-delegation-left"),
        ("audit.expired", "identity-action-audit-expired"),
        ("audit.exported", "identity-action-audit-exported"),
        ("list.exported", "identity-action-list-exported"),
        ("commitment.issued", "identity-action-commitment-issued"),
        ("commitment.signed", "identity-action-commitment-signed"),
        (
            "commitment.countersigned",
            "identity-action-commitment-countersigned",
        ),
        ("commitment.urged", "identity-action-commitment-urged"),
        ("commitment.closed", "identity-action-commitment-closed"),
        ("answering.written", "identity-action-answering-written"),
        ("answering.used", "identity-action-answering-used"),
        ("answering.handed", "identity-action-answering-handed"),
        ("answering.judged", "identity-action-answering-judged"),
        ("task.planned", "identity-action-task-planned"),
        ("task.issued", "identity-action-task-issued"),
        ("task.changed", "identity-action-task-changed"),
        ("task.closed", "identity-action-task-closed"),
        ("task.reported", "identity-action-task-reported"),
        ("task.judged", "identity-action-task-judged"),
        ("task.duties", "identity-action-task-duties"),
        ("task.gap", "identity-action-task-gap"),
        ("task.practical", "identity-action-task-practical"),
        ("project.made", "identity-action-project-made"),
        ("project.changed", "identity-action-project-changed"),
        ("project.moved", "identity-action-project-moved"),
        ("project.worked", "identity-action-project-worked"),
        ("project.reported", "identity-action-project-reported"),
        ("project.used", "identity-action-project-used"),
        ("matter.written", "identity-action-matter-written"),
        ("matter.moved", "identity-action-matter-moved"),
        ("matter.answered", "identity-action-matter-answered"),
        ("visit.written", "identity-action-visit-written"),
        ("visit.struck", "identity-action-visit-struck"),
        ("visit.raised", "identity-action-visit-raised"),
        ("campaign.made", "identity-action-campaign-made"),
        ("campaign.changed", "identity-action-campaign-changed"),
        ("campaign.moved", "identity-action-campaign-moved"),
        ("campaign.issued", "identity-action-campaign-issued"),
        ("campaign.reported", "identity-action-campaign-reported"),
        ("campaign.scored", "identity-action-campaign-scored"),
        ("campaign.node", "identity-action-campaign-node"),
        ("case.raised", "identity-action-case-raised"),
        ("case.acted", "identity-action-case-acted"),
        ("case.closed", "identity-action-case-closed"),
        ("case.reopened", "identity-action-case-reopened"),
        ("case.reporter-shown", "identity-action-case-reporter-shown"),
        ("case.imported", "identity-action-case-imported"),
        ("request.asked", "identity-action-request-asked"),
        ("request.accepted", "identity-action-request-accepted"),
        ("request.declined", "identity-action-request-declined"),
        ("request.answered", "identity-action-request-answered"),
        ("request.time-wanted", "identity-action-request-time-wanted"),
        ("request.time-given", "identity-action-request-time-given"),
        (
            "request.time-refused",
            "identity-action-request-time-refused",
        ),
        ("request.confirmed", "identity-action-request-confirmed"),
        ("request.sent-back", "identity-action-request-sent-back"),
        ("request.withdrawn", "identity-action-request-withdrawn"),
        ("activity.decided", "identity-action-activity-decided"),
        (
            "activity.decision-reversed",
            "identity-action-activity-decision-reversed",
        ),
        (
            "activity.duty-changed",
            "identity-action-activity-duty-changed",
        ),
        (
            "activity.unit-joined",
            "identity-action-activity-unit-joined",
        ),
        ("activity.unit-left", "identity-action-activity-unit-left"),
        (
            "activity.part-entered",
            "identity-action-activity-part-entered",
        ),
        (
            "activity.opinions-asked",
            "identity-action-activity-opinions-asked",
        ),
        (
            "activity.opinion-given",
            "identity-action-activity-opinion-given",
        ),
        (
            "activity.opinion-answered",
            "identity-action-activity-opinion-answered",
        ),
        (
            "activity.opinions-closed",
            "identity-action-activity-opinions-closed",
        ),
        (
            "activity.speech-kept",
            "identity-action-activity-speech-kept",
        ),
        (
            "activity.speech-dropped",
            "identity-action-activity-speech-dropped",
        ),
        (
            "activity.history-imported",
            "identity-action-activity-history-imported",
        ),
        (
            "activity.history-reversed",
            "identity-action-activity-history-reversed",
        ),
        ("activity.declared", "identity-action-activity-declared"),
        ("activity.recorded", "identity-action-activity-recorded"),
        ("activity.corrected", "identity-action-activity-corrected"),
        ("activity.reversed", "identity-action-activity-reversed"),
        ("activity.confirmed", "identity-action-activity-confirmed"),
        ("activity.returned", "identity-action-activity-returned"),
        (
            "activity.level-changed",
            "identity-action-activity-level-changed",
        ),
        ("activity.amended", "identity-action-activity-amended"),
        ("activity.planned", "identity-action-activity-planned"),
        ("activity.moved", "identity-action-activity-moved"),
        ("activity.cancelled", "identity-action-activity-cancelled"),
        (
            "activity.check-in-opened",
            "identity-action-activity-check-in-opened",
        ),
        (
            "activity.check-in-closed",
            "identity-action-activity-check-in-closed",
        ),
        (
            "activity.check-in-refused",
            "identity-action-activity-check-in-refused",
        ),
        (
            "activity.leave-asked",
            "identity-action-activity-leave-asked",
        ),
        (
            "activity.leave-withdrawn",
            "identity-action-activity-leave-withdrawn",
        ),
        (
            "activity.leave-granted",
            "identity-action-activity-leave-granted",
        ),
        (
            "activity.leave-refused",
            "identity-action-activity-leave-refused",
        ),
        ("activity.made-up", "identity-action-activity-made-up"),
        (
            "activity.make-up-reversed",
            "identity-action-activity-make-up-reversed",
        ),
        ("activity.resolved", "identity-action-activity-resolved"),
        (
            "activity.resolution-reversed",
            "identity-action-activity-resolution-reversed",
        ),
        ("activity.reflected", "identity-action-activity-reflected"),
        (
            "activity.reflection-reviewed",
            "identity-action-activity-reflection-reviewed",
        ),
        ("activity.file-added", "identity-action-activity-file-added"),
        ("activities.exported", "identity-action-activities-exported"),
        ("indicators.exported", "identity-action-indicators-exported"),
        ("register.recorded", "identity-action-register-recorded"),
        ("register.corrected", "identity-action-register-corrected"),
        ("register.attached", "identity-action-register-attached"),
        ("register.accepted", "identity-action-register-accepted"),
        ("register.returned", "identity-action-register-returned"),
        ("register.closed", "identity-action-register-closed"),
        ("register.reopened", "identity-action-register-reopened"),
        ("register.rechecked", "identity-action-register-rechecked"),
        ("register.reversed", "identity-action-register-reversed"),
        ("register.imported", "identity-action-register-imported"),
        ("registers.exported", "identity-action-registers-exported"),
        ("bulletin.written", "identity-action-bulletin-written"),
        ("bulletin.changed", "identity-action-bulletin-changed"),
        ("bulletin.proposed", "identity-action-bulletin-proposed"),
        ("bulletin.recalled", "identity-action-bulletin-recalled"),
        ("bulletin.returned", "identity-action-bulletin-returned"),
        ("bulletin.published", "identity-action-bulletin-published"),
        ("bulletin.withdrawn", "identity-action-bulletin-withdrawn"),
        ("bulletin.dropped", "identity-action-bulletin-dropped"),
        ("bulletin.exported", "identity-action-bulletin-exported"),
        ("checklist.drafted", "identity-action-checklist-drafted"),
        ("checklist.proposed", "identity-action-checklist-proposed"),
        ("checklist.recalled", "identity-action-checklist-recalled"),
        ("checklist.dropped", "identity-action-checklist-dropped"),
        ("checklist.returned", "identity-action-checklist-returned"),
        ("checklist.used", "identity-action-checklist-used"),
        ("inspection.planned", "identity-action-inspection-planned"),
        ("inspection.team", "identity-action-inspection-team"),
        ("inspection.assigned", "identity-action-inspection-assigned"),
        ("inspection.drawn", "identity-action-inspection-drawn"),
        ("inspection.recused", "identity-action-inspection-recused"),
        ("inspection.started", "identity-action-inspection-started"),
        ("inspection.ended", "identity-action-inspection-ended"),
        (
            "inspection.withdrawn",
            "identity-action-inspection-withdrawn",
        ),
        (
            "inspection.handed-in",
            "identity-action-inspection-handed-in",
        ),
        (
            "inspection.corrected",
            "identity-action-inspection-corrected",
        ),
        ("inspection.passed", "identity-action-inspection-passed"),
        (
            "inspection.sent-back",
            "identity-action-inspection-sent-back",
        ),
        ("inspection.chosen", "identity-action-inspection-chosen"),
        ("inspection.objected", "identity-action-inspection-objected"),
        (
            "inspection.objection-upheld",
            "identity-action-inspection-objection-upheld",
        ),
        (
            "inspection.objection-refused",
            "identity-action-inspection-objection-refused",
        ),
        ("inspection.exported", "identity-action-inspection-exported"),
        ("exam.extended", "identity-action-exam-extended"),
        ("exam.unlocked", "identity-action-exam-unlocked"),
        ("exam.collected", "identity-action-exam-collected"),
        ("exam.announced", "identity-action-exam-announced"),
        ("exam.incident", "identity-action-exam-incident"),
        ("guard.proposed", "identity-action-guard-proposed"),
        ("guard.confirmed", "identity-action-guard-confirmed"),
        ("guard.declined", "identity-action-guard-declined"),
        ("guard.ended", "identity-action-guard-ended"),
        ("pack.saved", "identity-action-pack-saved"),
        ("pack.used", "identity-action-pack-used"),
        ("pack.returned", "identity-action-pack-returned"),
        ("exam.made", "identity-action-exam-made"),
        ("exam.changed", "identity-action-exam-changed"),
        ("exam.published", "identity-action-exam-published"),
        ("exam.cancelled", "identity-action-exam-cancelled"),
        ("exam.paper-changed", "identity-action-exam-paper-changed"),
        ("exam.paper-seen", "identity-action-exam-paper-seen"),
        ("exam.admitted", "identity-action-exam-admitted"),
        (
            "exam.candidate-changed",
            "identity-action-exam-candidate-changed",
        ),
        ("exam.tickets-issued", "identity-action-exam-tickets-issued"),
        (
            "exam.tickets-printed",
            "identity-action-exam-tickets-printed",
        ),
        ("exam.released", "identity-action-exam-released"),
        ("exam.attempt-voided", "identity-action-exam-attempt-voided"),
        (
            "exam.attempt-restored",
            "identity-action-exam-attempt-restored",
        ),
        ("exam.remarked", "identity-action-exam-remarked"),
        ("exam.gap", "identity-action-exam-gap"),
        ("exam.scored", "identity-action-exam-scored"),
        ("exam.file-seen", "identity-action-exam-file-seen"),
        ("questions.bank-kept", "identity-action-questions-bank-kept"),
        ("questions.written", "identity-action-questions-written"),
        ("questions.proposed", "identity-action-questions-proposed"),
        ("questions.accepted", "identity-action-questions-accepted"),
        ("questions.returned", "identity-action-questions-returned"),
        ("questions.retired", "identity-action-questions-retired"),
        ("questions.imported", "identity-action-questions-imported"),
        ("questions.exported", "identity-action-questions-exported"),
        ("questions.looked", "identity-action-questions-looked"),
        ("hours.recorded", "identity-action-hours-recorded"),
        ("hours.corrected", "identity-action-hours-corrected"),
        ("hours.accepted", "identity-action-hours-accepted"),
        ("hours.returned", "identity-action-hours-returned"),
        ("hours.reversed", "identity-action-hours-reversed"),
        ("hours.imported", "identity-action-hours-imported"),
        ("hours.exported", "identity-action-hours-exported"),
        ("excuse.asked", "identity-action-excuse-asked"),
        ("excuse.granted", "identity-action-excuse-granted"),
        ("excuse.refused", "identity-action-excuse-refused"),
        ("excuse.withdrawn", "identity-action-excuse-withdrawn"),
        ("draw.made", "identity-action-draw-made"),
        ("pack.asked", "identity-action-pack-asked"),
        ("pack.taken", "identity-action-pack-taken"),
        ("report.made", "identity-action-report-made"),
        ("pack.exported", "identity-action-pack-exported"),
        (
            "report.level-changed",
            "identity-action-report-level-changed",
        ),
        ("report.exported", "identity-action-report-exported"),
        ("report.paper-kept", "identity-action-report-paper-kept"),
        ("report.drafted", "identity-action-report-drafted"),
        ("report.dropped", "identity-action-report-dropped"),
        ("unit.added", "identity-action-unit-added"),
        ("unit.renamed", "identity-action-unit-renamed"),
        ("unit.coded", "identity-action-unit-coded"),
        ("unit.moved", "identity-action-unit-moved"),
        ("unit.merged", "identity-action-unit-merged"),
        ("unit.split", "identity-action-unit-split"),
        ("unit.closed", "identity-action-unit-closed"),
        ("person.added", "identity-action-person-added"),
        ("person.renamed", "identity-action-person-renamed"),
        ("person.renumbered", "identity-action-person-renumbered"),
        ("person.assigned", "identity-action-person-assigned"),
        ("person.left", "identity-action-person-left"),
        ("person.described", "identity-action-person-described"),
        ("person.identified", "identity-action-person-identified"),
        (
            "person.identity-shown",
            "identity-action-person-identity-shown",
        ),
        (
            "people.identities-exported",
            "identity-action-identities-exported",
        ),
        ("person.erased", "identity-action-person-erased"),
        ("pairing.made", "identity-action-pairing-made"),
        ("pairing.ended", "identity-action-pairing-ended"),
        (
            "responsibility.given",
            "identity-action-responsibility-given",
        ),
        (
            "responsibility.ended",
            "identity-action-responsibility-ended",
        ),
        ("people.imported", "identity-action-people-imported"),
        ("people.exported", "identity-action-people-exported"),
        ("audience.kept", "identity-action-audience-kept"),
        ("audience.dropped", "identity-action-audience-dropped"),
        ("body.added", "identity-action-body-added"),
        ("body.changed", "identity-action-body-changed"),
        ("body.joined", "identity-action-body-joined"),
        ("body.left", "identity-action-body-left"),
        ("approval.sent", "identity-action-approval-sent"),
        ("approval.agreed", "identity-action-approval-agreed"),
        ("approval.returned", "identity-action-approval-returned"),
        ("approval.refused", "identity-action-approval-refused"),
        ("approval.delegated", "identity-action-approval-delegated"),
        (
            "approval.countersigner-added",
            "identity-action-approval-countersigner-added",
        ),
        ("approval.withdrawn", "identity-action-approval-withdrawn"),
        ("approval.reminded", "identity-action-approval-reminded"),
        ("approval.passed-on", "identity-action-approval-passed-on"),
        (
            "approval.not-applied",
            "identity-action-approval-not-applied",
        ),
        ("approval.applied", "identity-action-approval-applied"),
        ("approval.erased", "identity-action-approval-erased"),
        ("approval.exported", "identity-action-approval-exported"),
        ("account.erased", "identity-action-account-erased"),
        ("keyring.rotated", "identity-action-keyring-rotated"),
        ("job.hastened", "identity-action-job-hastened"),
        ("job.dropped", "identity-action-job-dropped"),
    ];
    let named = NAMED.iter().find(|(code, _)| *code == action);
    named.map_or_else(|| action.to_owned(), |(_, key)| shell.t(key))
}

/// Entries in words.
async fn lines(identity: &Identity, shell: &Shell, rows: Vec<AuditRow>) -> Result<Vec<Line>> {
    let accounts = rows.iter().filter(|r| r.object_kind == "account");
    let accounts: Vec<AccountId> = accounts.filter_map(|r| r.object_id.parse().ok()).collect();
    let logins = identity.logins(&accounts).await?;
    let line = |row: AuditRow| Line {
        href: format!("/audit/{}", row.id),
        at: row.at.0,
        login: row.login,
        on_behalf: row.on_behalf,
        action: action_name(shell, &row.action),
        object: match row.object_id.parse().ok().and_then(|id| logins.get(&id)) {
            Some(login) => login.clone(),
            None => format!("{} {}", row.object_kind, row.object_id),
        },
        detail: in_words(&row.detail),
        address: row.address,
    };
    Ok(rows.into_iter().map(line).collect())
}

pub(crate) async fn show(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    asked: Asked,
    Query(mut search): Query<Search>,
) -> Result<Response, Failure> {
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let filter = AuditFilter {
        oldest_first: !order.down,
        ..search.read(&identity)
    };
    let window = asked.window(PAGE);
    let (rows, total) = identity.audit(&filter, &access.scope, window).await?;
    let lines = lines(&identity, &shell, rows).await?;
    let mut actions = vec![(String::new(), shell.t("identity-audit-all"))];
    for action in identity.audit_actions().await? {
        let name = action_name(&shell, &action);
        actions.push((action, name));
    }
    let chips: Vec<Chip> = [
        ("from", "identity-audit-from"),
        ("to", "identity-audit-to"),
        ("login", "identity-audit-login"),
        ("action", "identity-audit-action"),
        ("object", "identity-audit-object"),
        ("address", "identity-audit-address"),
    ]
    .into_iter()
    .filter_map(|(name, key)| {
        let value = asked.get(name)?;
        let value = match name {
            "action" => action_name(&shell, value),
            _ => value.to_owned(),
        };
        let said = [("label", &*shell.t(key)), ("value", &*value)];
        Some(asked.chip(name, shell.t_with("identity-audit-chip", &said)))
    })
    .collect();
    let context = json!({
        "lines": lines, "pager": asked.pager(total, PAGE), "actions": actions, "search": search, "chips": chips,
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some("/audit.csv")),
    });
    shell.page("identity/audit.html", context)
}

/// One entry: a page, or the part of it that the drawer shows.
pub(crate) async fn one(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let row = identity.audit_entry(id, &access.scope).await?;
    let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap_or_default();
    let said = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let detail = detail.as_object().map_or_else(Vec::new, |map| {
        let pairs = map.iter().filter(|(_, value)| !value.is_null());
        pairs
            .map(|(name, value)| (name.clone(), said(value)))
            .collect()
    });
    let code = row.action.clone();
    let line = lines(&identity, &shell, vec![row]).await?.pop();
    let context = json!({
        "crumbs": [crumb(&shell, "identity-audit", "/audit")], "id": id, "code": code, "entry": line,
        "detail": detail,
    });
    if shell.is_htmx() {
        return shell.partial("identity/audit_look.html", context);
    }
    shell.page("identity/audit_one.html", context)
}

/// Everything that matches, as a stream: memory does not grow with the trail. Taking it out is itself
/// recorded.
pub(crate) async fn export(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(mut search): Query<Search>,
) -> Result<Response, Failure> {
    let filter = search.read(&identity);
    let detail = serde_json::to_value(&search).map_err(Error::internal)?;
    let entry = actor.audit("audit.exported", ("audit", ""), detail);
    identity.record_now(entry).await?;
    let header: Vec<String> = [
        "identity-audit-at",
        "identity-audit-login",
        "identity-audit-on-behalf",
        "identity-audit-action",
        "identity-audit-action-code",
        "identity-audit-object-kind",
        "identity-audit-object",
        "identity-audit-detail",
        "identity-audit-address",
    ]
    .iter()
    .map(|key| shell.t(key))
    .collect();
    let names: Vec<&str> = header.iter().map(String::as_str).collect();
    let head = Bytes::from(csv_head(&names)?);
    let file = format!(
        "attachment; filename=\"audit-{}.csv\"",
        identity.env.today()
    );
    let rest = futures::stream::try_unfold(Some(None), move |last| {
        let (identity, filter, shell) = (identity.clone(), filter.clone(), shell.clone());
        let scope = access.scope.clone();
        async move {
            let Some(last) = last else { return Ok(None) };
            chunk(&identity, &filter, &shell, &scope, last).await
        }
    });
    let first = futures::stream::once(async { Ok::<_, std::io::Error>(head) });
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, file),
    ];
    Ok((headers, body).into_response())
}

/// Where the next part begins; nothing: at the end.
type Place = Option<Option<AuditRow>>;

async fn chunk(
    identity: &Identity,
    filter: &AuditFilter,
    shell: &Shell,
    scope: &Scope,
    last: Option<AuditRow>,
) -> Result<Option<(Bytes, Place)>, std::io::Error> {
    const ROWS: i64 = 1000;
    let mut rows = identity
        .audit_after(filter, scope, last.as_ref(), ROWS)
        .await
        .map_err(std::io::Error::other)?;
    let zone = identity.env.zone();
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                Cell::from(row.at.zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()),
                Cell::from(row.login.clone().unwrap_or_default()),
                Cell::from(row.on_behalf.clone().unwrap_or_default()),
                Cell::from(action_name(shell, &row.action)),
                Cell::from(row.action.clone()),
                Cell::from(row.object_kind.clone()),
                Cell::from(row.object_id.clone()),
                Cell::from(row.detail.clone()),
                Cell::from(row.address.clone()),
            ]
        })
        .collect();
    let bytes = csv_rows(&cells).map_err(std::io::Error::other)?;
    let next = rows.pop().map(Some);
    if bytes.is_empty() && next.is_none() {
        return Ok(None);
    }
    Ok(Some((Bytes::from(bytes), next)))
}
