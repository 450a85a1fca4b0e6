//! The table of contents of the product: what every room of the house brings.

use std::collections::HashMap;
use std::sync::Arc;

use db::Migration;
use db::jobs::Handler;
use kernel::{Error, Result, Timestamp};
use organization::Imports;
use web::{Lang, Module};

use crate::rooms::Rooms;
use crate::world::World;

/// The schema of all rooms, in the order in which they build on each other.
pub fn migrations() -> Vec<Migration> {
    [
        db::jobs::MIGRATIONS,
        crypt::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        organization::MIGRATIONS,
        ledger::MIGRATIONS,
        identity::MIGRATIONS,
        guard::MIGRATIONS,
        notices::MIGRATIONS,
        approvals::MIGRATIONS,
        requests::MIGRATIONS,
        activities::MIGRATIONS,
        registers::MIGRATIONS,
        hours::MIGRATIONS,
        questions::MIGRATIONS,
        exams::MIGRATIONS,
        bulletins::MIGRATIONS,
        cases::MIGRATIONS,
        inspections::MIGRATIONS,
        campaigns::MIGRATIONS,
        commitments::MIGRATIONS,
        tasks::MIGRATIONS,
        projects::MIGRATIONS,
        matters::MIGRATIONS,
        obligations::MIGRATIONS,
        reports::MIGRATIONS,
        crate::editing::MIGRATIONS,
    ]
    .concat()
}

/// Pages, API and menu of all rooms.
pub fn modules(world: &World, rooms: &Rooms) -> Vec<Module> {
    vec![
        crate::home::module(world, rooms),
        activities::module(rooms.activities.clone()),
        registers::module(rooms.registers.clone()),
        hours::module(rooms.hours.clone()),
        questions::module(rooms.questions.clone()),
        exams::module(rooms.exam_office.clone(), rooms.identity.clone()),
        bulletins::module(rooms.bulletins.clone()),
        cases::module(rooms.cases.clone()),
        inspections::module(rooms.inspections.clone()),
        campaigns::module(rooms.campaigns.clone()),
        commitments::module(rooms.commitments.clone(), rooms.answering.clone()),
        tasks::module(rooms.tasks.clone()),
        projects::module(rooms.projects.clone()),
        matters::module(rooms.matters.clone()),
        obligations::module(rooms.obligations.clone()),
        cockpit::module(
            rooms
                .cockpit
                .clone()
                .with_desks(vec![Arc::new(crate::attention::Desks::new(world, rooms))]),
        ),
        indicators::module(rooms.indicators.clone()),
        reports::module(rooms.reports.clone()),
        approvals::module(rooms.approvals.clone()),
        requests::module(rooms.requests.clone()),
        notices::module(
            rooms.notices.clone(),
            vec![
                rooms.approvals.calendar_source(),
                std::sync::Arc::new(rooms.activities.clone()),
                Arc::new(rooms.requests.clone()),
                Arc::new(rooms.cases.clone()),
                Arc::new(rooms.campaigns.clone()),
                Arc::new(rooms.tasks.clone()),
                Arc::new(rooms.projects.clone()),
                Arc::new(rooms.matters.clone()),
            ],
        ),
        organization::module(
            rooms.organization.clone(),
            world.files.clone(),
            rooms.attributes.clone(),
            rooms.body_kinds.clone(),
        ),
        identity::module(rooms.identity.clone()),
        guard::module(rooms.guard.clone()),
        desk::module(world.desk()),
        crate::health::module(world),
        crate::tls::module(world),
        crate::jobs_page::module(world),
        crate::packs_page::module(world),
    ]
}

/// What runs in the background, by kind of job.
pub fn jobs(world: &World, rooms: &Rooms) -> HashMap<&'static str, Handler> {
    let by_clock = crate::schedule::jobs(world, rooms);
    let (activities, reports) = (rooms.activities.clone(), rooms.reports.clone());
    let inspections = rooms.inspections.clone();
    let (node, notices) = (world.clone(), rooms.notices.clone());
    let attributes = rooms.attributes.clone().into();
    let imports = Imports::new(rooms.organization.clone(), world.files.clone(), attributes)
        .keeping(world.config.operation.import_days);
    let pack = inspection_packs(rooms.obligations.clone());
    let packs = rooms.obligations.clone();
    let (world, identity) = (world.clone(), rooms.identity.clone());
    let purge: Handler = Arc::new(move |_| {
        let (world, identity, notices) = (world.clone(), identity.clone(), notices.clone());
        let (imports, packs) = (imports.clone(), packs.clone());
        Box::pin(async move {
            let ended = identity.purge_sessions().await?;
            tracing::info!(ended, "sessions that have ended were removed");
            let expired = identity.expire_audit().await?;
            tracing::info!(
                expired,
                "audit entries that were kept long enough were removed"
            );
            let old = world.desk().expire_drafts().await?;
            let untaken = world.desk().expire_uploads().await?;
            tracing::info!(
                old,
                untaken,
                "old drafts and uploads that nobody took were removed"
            );
            let old = packs.expire_packs().await?;
            tracing::info!(
                old,
                "inspection packs that were kept long enough were removed"
            );
            let (imports, files) = imports.tidy(&packs.held_for_packs().await?).await?;
            tracing::info!(
                imports,
                files,
                "imports that nobody went on with and their files were removed"
            );
            let old = notices.expire().await?;
            tracing::info!(old, "notices that were kept long enough were removed");
            next_purge(&world).await
        })
    });
    let fill: Handler = Arc::new(move |_| {
        let (activities, reports) = (activities.clone(), reports.clone());
        let inspections = inspections.clone();
        Box::pin(async move {
            activities.fill_search().await?;
            reports.fill_search().await?;
            inspections.fill_search().await
        })
    });
    let ours = [
        (PURGE, purge),
        (FILL_SEARCH, fill),
        (obligations::INSPECTION_JOB, pack),
        (MINUTE, each_minute(&node, rooms)),
    ];
    by_clock.into_iter().chain(ours).collect()
}

/// Makes inspection packs: packing would hold up the requests that a thread of the runtime answers.
fn inspection_packs(obligations: obligations::Obligations) -> Handler {
    let texts = Arc::new(web::Catalog::new(command_texts()));
    Arc::new(move |job| {
        let (obligations, texts) = (obligations.clone(), texts.clone());
        Box::pin(async move {
            let runtime = tokio::runtime::Handle::current();
            let work = move || {
                runtime.block_on(async { obligations.make_pack(&job.payload, &texts).await })
            };
            tokio::task::spawn_blocking(work)
                .await
                .map_err(Error::internal)?
        })
    })
}

/// Mail about notices and time limits of approvals, every minute, by one node.
const MINUTE: &str = "mail-and-limits";

fn each_minute(world: &World, rooms: &Rooms) -> Handler {
    let texts = Arc::new(web::Catalog::new(command_texts()));
    let (world, rooms) = (world.clone(), rooms.clone());
    Arc::new(move |_| {
        let (world, rooms, texts) = (world.clone(), rooms.clone(), texts.clone());
        Box::pin(async move {
            rooms.approvals.mind_limits().await?;
            rooms.notices.deliver(&texts).await?;
            next_minute(&world).await
        })
    })
}

async fn next_minute(world: &World) -> Result<()> {
    const STEP: i64 = 60 * Timestamp::SECOND;
    let minute = world.env.now().0 / STEP + 1;
    let (key, at) = (format!("{MINUTE}-{minute}"), Timestamp(minute * STEP));
    db::transaction!(world.db, |tx| {
        db::jobs::enqueue(tx, &world.env, MINUTE, Some(&key), "", at)
            .await
            .map(|_| ())
    })
}

/// Sessions that have ended and audit entries that have expired are removed every hour, by one node.
const PURGE: &str = "purge-sessions";

/// The words of records that are older than the search are written once.
const FILL_SEARCH: &str = "fill-search";

/// Queues what runs by the clock; what is queued already stays once.
pub async fn schedule(world: &World) -> Result<()> {
    next_minute(world).await?;
    crate::schedule::plan(world).await?;
    db::transaction!(world.db, |tx| {
        if search::to_fill(tx).await?.is_empty() {
            return Ok(());
        }
        let now = world.env.now();
        db::jobs::enqueue(tx, &world.env, FILL_SEARCH, Some(FILL_SEARCH), "", now)
            .await
            .map(|_| ())
    })?;
    next_purge(world).await
}

async fn next_purge(world: &World) -> Result<()> {
    let hour = world.env.now().0 / (3600 * Timestamp::SECOND) + 1;
    let (key, at) = (
        format!("{PURGE}-{hour}"),
        Timestamp(hour * 3600 * Timestamp::SECOND),
    );
    db::transaction!(world.db, |tx| {
        db::jobs::enqueue(tx, &world.env, PURGE, Some(&key), "", at)
            .await
            .map(|_| ())
    })
}

/// Tables of packs that some room reads; any other is a slip of the pen.
pub const PACK_TABLES: &[&str] = &[
    "holiday",
    "activity-kind",
    "register",
    "activity-group",
    "agenda-item",
    "bulletin",
    "exam-kind",
    "hour-way",
    "hour-content",
    "hour-rule",
    "hour-requirement",
    "hour-leave-limit",
    "obligation",
    "obligation-set",
    "inspection-checklist",
    "indicator",
    "cockpit",
    "report",
    "report-check",
    "role",
    "person-attribute",
    "body-kind",
    "pairing-kind",
    "secrecy-word",
    "secrecy-level",
    "approval-route",
    "request-kind",
    "case-list",
    "case-flow",
    "case-kind",
    "case-remedy",
    "case-paper",
    "form",
    "inspection-kind",
    "campaign-claim",
    "campaign-kind",
    "letter-kind",
    "answer-list",
    "task-claim",
    "task-plan",
    "task-owner",
    "task-catalogue",
    "task-practical",
    "project-kind",
    "visit-kind",
    "matter-kind",
];

/// Message files of the rooms that are no [`Module`], and of the program itself.
pub fn texts() -> Vec<(Lang, &'static str)> {
    tagged([commons::MESSAGES, crypt::MESSAGES, MESSAGES])
}

/// The program's own texts.
const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/suneng.ftl")),
    ("en", include_str!("../locales/en/suneng.ftl")),
];

type Messages = &'static [(&'static str, &'static str)];

fn tagged(messages: impl IntoIterator<Item = Messages>) -> Vec<(Lang, &'static str)> {
    let all = messages.into_iter().flatten();
    all.filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
        .collect()
}

/// All texts that the command line may need: its own and the errors of every room.
pub fn command_texts() -> Vec<(Lang, &'static str)> {
    let rooms = [
        web::MESSAGES,
        desk::MESSAGES,
        organization::MESSAGES,
        identity::MESSAGES,
        notices::MESSAGES,
        approvals::MESSAGES,
        requests::MESSAGES,
        activities::MESSAGES,
        questions::MESSAGES,
        exams::MESSAGES,
        registers::MESSAGES,
        hours::MESSAGES,
        bulletins::MESSAGES,
        cases::MESSAGES,
        inspections::MESSAGES,
        campaigns::MESSAGES,
        commitments::MESSAGES,
        tasks::MESSAGES,
        projects::MESSAGES,
        matters::MESSAGES,
        guard::MESSAGES,
        obligations::MESSAGES,
        indicators::MESSAGES,
        cockpit::MESSAGES,
        reports::MESSAGES,
    ];
    [texts(), tagged(rooms)].concat()
}
