//! The rooms of the house put together: readings and features over one world.

use std::sync::Arc;

use activities::{Activities, ActivityKinds};
use approvals::Approvals;
use bulletins::{BulletinFacts, BulletinKinds, Bulletins};
use campaigns::{CampaignFacts, CampaignKinds, Campaigns, Issue};
use cases::{CaseFacts, CaseKinds, Cases, Decision};
use cockpit::{Cockpit, Views};
use commitments::{AnswerLists, Answering, Commitments, LetterKinds, PledgeFacts};
use commons::packs::levels::Levels;
use commons::packs::secrecy::SecrecyWords;
use commons::packs::{PackProblem, Packs};
use crypt::Vault;
use desk::Attachments;
use guard::Guard;
use hours::{HourFacts, HourRules, Hours};
use identity::{Identity, Roles};
use indicators::{IndicatorList, Indicators};
use inspections::{Checklists, FindingWords, InspectionFacts, Inspections, TaskOwner};
use kernel::{Calendar, Result};
use ledger::{Definition, Sources};
use matters::{Decision as MatterDecision, MatterFacts, MatterKinds, Matters};
use notices::{Notices, Smtp};
use obligations::{Obligations, Rules};
use organization::{Attributes, BodyKinds, Organization, PersonChanges};
use projects::{Decision as ProjectDecision, ProjectFacts, ProjectKinds, Projects};
use registers::{RegisterBook, RegisterFacts, Registers};
use reports::{Reports, Templates};
use requests::{RequestKinds, Requests};
use tasks::{TaskFacts, TaskWords, Tasks};

use crate::World;
use crate::approving::{House, Kept};

/// Every permission that a role may hold.
pub const PERMISSIONS: &[&str] = &[
    activities::READ,
    activities::RECORD,
    activities::REVERSE,
    activities::CONFIRM,
    registers::READ,
    registers::WRITE,
    registers::REVIEW,
    registers::REVERSE,
    bulletins::READ,
    bulletins::WRITE,
    bulletins::REVIEW,
    questions::READ,
    questions::WRITE,
    questions::REVIEW,
    exams::READ,
    exams::WRITE,
    exams::SUPERVISE,
    exams::RESULTS,
    hours::READ,
    hours::RECORD,
    hours::REVIEW,
    activities::CONFIDENTIAL,
    activities::PLAN,
    obligations::READ,
    obligations::EXCUSE,
    obligations::PACK,
    obligations::NAMES,
    indicators::READ,
    reports::READ,
    reports::WRITE,
    organization::READ,
    organization::MANAGE,
    organization::PROPOSE,
    organization::IDENTITY,
    organization::ERASE,
    identity::READ,
    identity::MANAGE,
    identity::RESET,
    identity::GRANT,
    identity::CLIENT,
    identity::SCIM,
    identity::AUDIT,
    approvals::READ,
    requests::ASK,
    requests::ANSWER,
    cases::READ,
    cases::RAISE,
    cases::HANDLE,
    cases::SUPERVISE,
    cases::REPORTER,
    inspections::READ,
    inspections::PLAN,
    inspections::FILL,
    inspections::REVIEW,
    campaigns::READ,
    campaigns::PLAN,
    campaigns::REPORT,
    campaigns::SCORE,
    commitments::READ,
    commitments::ISSUE,
    tasks::READ,
    tasks::PLAN,
    tasks::ISSUE,
    tasks::REPORT,
    tasks::REVIEW,
    projects::READ,
    projects::WRITE,
    projects::REVIEW,
    matters::READ,
    matters::WRITE,
    matters::ANSWER,
    matters::SEALED,
    guard::READ,
    guard::PROPOSE,
    guard::CONFIRM,
    "ledger.verify",
    crate::jobs_page::JOBS,
    crate::packs_page::READ,
    crate::editing::EDIT,
];

/// What the packs bring to the rooms.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    kinds: ActivityKinds,
    registers: Registers,
    bulletins: BulletinKinds,
    exams: exams::ExamKinds,
    hours: HourRules,
    rules: Rules,
    indicators: IndicatorList,
    views: Views,
    templates: Templates,
    roles: Roles,
    attributes: Attributes,
    body_kinds: BodyKinds,
    routes: approvals::Routes,
    request_kinds: RequestKinds,
    case_kinds: CaseKinds,
    checklists: Checklists,
    campaign_kinds: CampaignKinds,
    letter_kinds: LetterKinds,
    answer_lists: AnswerLists,
    task_words: TaskWords,
    project_kinds: ProjectKinds,
    matter_kinds: MatterKinds,
    calendar: Calendar,
    secrecy: SecrecyWords,
    levels: Levels,
}

impl Vocabulary {
    /// Reads the packs for every room; names every mistake of every room with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut problems = Vec::new();
        let mut vocabulary = Self::default();
        fn take<T>(
            into: &mut T,
            read: Result<T, Vec<PackProblem>>,
            problems: &mut Vec<PackProblem>,
        ) {
            match read {
                Ok(found) => *into = found,
                Err(more) => problems.extend(more),
            }
        }
        take(
            &mut vocabulary.kinds,
            ActivityKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.registers,
            Registers::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.bulletins,
            BulletinKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.exams,
            exams::ExamKinds::read(packs),
            &mut problems,
        );
        take(&mut vocabulary.hours, HourRules::read(packs), &mut problems);
        take(&mut vocabulary.rules, Rules::read(packs), &mut problems);
        take(
            &mut vocabulary.indicators,
            IndicatorList::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.views,
            Views::read(packs, &vocabulary.indicators),
            &mut problems,
        );
        take(
            &mut vocabulary.templates,
            Templates::read(packs, &vocabulary.indicators),
            &mut problems,
        );
        take(
            &mut vocabulary.roles,
            Roles::read(packs, PERMISSIONS),
            &mut problems,
        );
        take(
            &mut vocabulary.attributes,
            Attributes::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.body_kinds,
            BodyKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.routes,
            approvals::Routes::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.request_kinds,
            RequestKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.case_kinds,
            CaseKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.checklists,
            Checklists::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.campaign_kinds,
            CampaignKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.letter_kinds,
            LetterKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.answer_lists,
            AnswerLists::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.task_words,
            TaskWords::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.project_kinds,
            ProjectKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.matter_kinds,
            MatterKinds::read(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.calendar,
            commons::packs::holidays::calendar(packs),
            &mut problems,
        );
        take(
            &mut vocabulary.secrecy,
            SecrecyWords::read(packs),
            &mut problems,
        );
        take(&mut vocabulary.levels, Levels::read(packs), &mut problems);
        if problems.is_empty() {
            Ok(vocabulary)
        } else {
            Err(problems)
        }
    }

    /// The components that indicators and obligations look at.
    pub fn definitions(&self) -> Vec<Definition> {
        let mut all = self.indicators.definitions();
        all.extend(self.rules.definitions());
        all
    }
}

/// The words in which inspections say what they find: those of the kind of case that it becomes.
fn finding_words(lists: &Checklists, kinds: &CaseKinds) -> FindingWords {
    let mut named = lists.kinds().iter().filter_map(|k| kinds.get(&k.case_kind));
    let Some(kind) = named.next().or_else(|| kinds.iter().next()) else {
        return FindingWords::default();
    };
    let severities = kind.severities.iter();
    let areas = kind.areas.iter();
    FindingWords {
        severities: severities
            .map(|s| (s.code.clone(), s.name.clone()))
            .collect(),
        areas: areas.map(|a| (a.code.clone(), a.name.clone())).collect(),
    }
}

/// Features and readings, ready to serve.
#[derive(Clone)]
pub struct Rooms {
    /// Attributes that people can have.
    pub attributes: Attributes,
    /// Kinds of bodies.
    pub body_kinds: BodyKinds,
    /// Personal data at rest.
    pub vault: Vault,
    /// Words that call for a secrecy check.
    pub secrecy: SecrecyWords,
    /// Accounts, sessions, roles, audit.
    pub identity: Identity,
    /// Notices.
    pub notices: Notices,
    /// Approvals.
    pub approvals: Approvals,
    /// Requests.
    pub requests: Requests,
    /// Cases: whoever finds something raises it through `commons::findings::Intake`, which these are.
    pub cases: Cases,
    /// Inspections.
    pub inspections: Inspections,
    /// Campaigns and programmes.
    pub campaigns: Campaigns,
    /// Letters that people sign.
    pub commitments: Commitments,
    /// What posts answer for, and their yearly self-reports.
    pub answering: Answering,
    /// Yearly plans, monthly reports, duties, practical things.
    pub tasks: Tasks,
    /// Projects, research, visits of pairs.
    pub projects: Projects,
    /// Matters reported and asked.
    pub matters: Matters,
    /// Units and people, whose changes can be asked for.
    pub organization: Organization,
    /// Activities.
    pub activities: Activities,
    /// Registers.
    pub registers: RegisterBook,
    /// What is off until a legal basis switches it on.
    pub guard: Guard,
    /// Bulletins.
    pub bulletins: Bulletins,
    /// Study hours.
    pub hours: Hours,
    /// Questions.
    pub questions: questions::Questions,
    /// Examinations.
    pub exams: exams::Exams,
    /// Their office: made, organised, their results.
    pub exam_office: exams::Office,
    /// Obligations.
    pub obligations: Obligations,
    /// Indicators.
    pub indicators: Indicators,
    /// The leader's page, without what other rooms put on it.
    pub cockpit: Cockpit,
    /// Reports.
    pub reports: Reports,
}

impl Rooms {
    /// Puts them together and makes what they need in the database: roles and components. Must be called
    /// inside the runtime.
    pub async fn open(world: &World, vocabulary: Vocabulary) -> Result<Self> {
        let levels = vocabulary
            .levels
            .clone()
            .up_to(&world.config.highest_level)?;
        let settings = world.config.security.clone();
        let vault = world.vault().await?;
        let identity = Identity::new(world.db.clone(), world.env.clone(), settings)
            .with_vault(vault.clone())
            .with_organization(world.organization.clone())
            .with_doors()?;
        identity.sync_roles(&vocabulary.roles).await?;
        world.ledger.define(&vocabulary.definitions()).await?;
        let (db, env) = (world.db.clone(), world.env.clone());
        let house = House {
            env: env.clone(),
            organization: world.organization.clone(),
            identity: identity.clone(),
            db: db.clone(),
        };
        let operation = &world.config.operation;
        let settings = operation.notices.clone();
        let mut notices = Notices::new(db.clone(), env.clone(), settings, house.clone());
        if let Some(url) = &operation.mail_url {
            notices = notices.with_courier(Smtp::at(url.reveal())?);
        }
        let attributes = vocabulary.attributes.clone();
        let changes = PersonChanges::new(world.organization.clone(), attributes);
        let (ledger, organization) = (world.ledger.clone(), world.organization.clone());
        let cases = Cases::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            notices.clone(),
            (vocabulary.case_kinds, vocabulary.calendar.clone()),
            Attachments::new(world.desk(), world.files.clone()),
        )
        .with_deputies(house.clone())
        .with_vault(vault.clone());
        let [extension, closing] = Decision::both(&cases);
        let campaigns = Campaigns::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            notices.clone(),
            vocabulary.campaign_kinds,
            Attachments::new(world.desk(), world.files.clone()),
        );
        let projects = Projects::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            notices.clone(),
            vocabulary.project_kinds,
            Attachments::new(world.desk(), world.files.clone()),
        )
        .with_intake(Arc::new(cases.clone()));
        let matters = Matters::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            notices.clone(),
            (vocabulary.matter_kinds, vocabulary.calendar.clone()),
            Attachments::new(world.desk(), world.files.clone()),
        )
        .with_levels(levels.clone());
        let [begin, more_time, review] = ProjectDecision::all(&projects);
        let approvals = Approvals::new(
            (db.clone(), env.clone(), notices.clone()),
            (vocabulary.routes, vocabulary.calendar.clone()),
            house.clone(),
            house.clone(),
            house.clone(),
        )
        .with_deputies(house)
        .with_kind(changes)
        .with_kind(extension)
        .with_kind(closing)
        .with_kind(Issue(campaigns.clone()))
        .with_kind(begin)
        .with_kind(more_time)
        .with_kind(review);
        let approvals = MatterDecision::all(&matters)
            .into_iter()
            .fold(approvals, Approvals::with_kind);
        let projects = projects.with_approvals(approvals.clone());
        let matters = matters.with_approvals(approvals.clone());
        let cases = cases.with_approvals(approvals.clone());
        let requests = Requests::new(
            (db.clone(), env.clone()),
            organization.clone(),
            notices.clone(),
            (vocabulary.request_kinds, vocabulary.calendar.clone()),
            Attachments::new(world.desk(), world.files.clone()),
        )
        .with_owner(activities::OpinionOwner)
        .with_owner(exams::AppealOwner)
        .with_owner(TaskOwner);
        let words = finding_words(&vocabulary.checklists, cases.kinds());
        let inspections = Inspections::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            vocabulary.checklists,
            world.files.clone(),
        )
        .with_notices(notices.clone())
        .with_requests(requests.clone())
        .with_intake(Arc::new(cases.clone()), words.clone())
        .with_bodies(vocabulary.body_kinds.clone());
        for problem in inspections.keep_packs().await? {
            tracing::error!(%problem, "a checklist that was kept cannot change");
        }
        let registers = RegisterBook::new(
            db.clone(),
            env.clone(),
            ledger.clone(),
            organization.clone(),
            vocabulary.registers,
            world.files.clone(),
        )
        .with_levels(levels.clone())
        .with_notices(notices.clone());
        let guard = Guard::new(db.clone(), env.clone(), organization.clone());
        let bulletins = Bulletins::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            vocabulary.bulletins,
            world.files.clone(),
        )
        .with_levels(levels.clone())
        .with_notices(notices.clone());
        let hours = Hours::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            vocabulary.hours,
            vocabulary.calendar.clone(),
            world.files.clone(),
        )
        .with_notices(notices.clone());
        let sources = Sources::new(vec![
            Arc::new(activities::ActivityFacts::new(vocabulary.kinds.clone())),
            Arc::new(RegisterFacts(registers.registers().clone())),
            Arc::new(HourFacts(hours.rules().clone())),
            Arc::new(BulletinFacts(bulletins.kinds().clone())),
            Arc::new(CaseFacts(cases.kinds().clone())),
            Arc::new(InspectionFacts(inspections.checklists().clone(), words)),
            Arc::new(CampaignFacts),
            Arc::new(PledgeFacts),
            Arc::new(TaskFacts),
            Arc::new(ProjectFacts(projects.kinds().clone())),
            Arc::new(MatterFacts),
            Arc::new(exams::ExamFacts(vocabulary.exams.clone().into())),
        ]);
        let hours = hours.with_sources(sources.clone());
        let cases = cases.with_sources(sources.clone());
        let findings = Arc::new(cases.clone());
        let commitments = Commitments::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            notices.clone(),
            identity.clone(),
            vocabulary.letter_kinds,
        );
        let answering = Answering::new(
            commitments.clone(),
            vocabulary.answer_lists,
            vocabulary.calendar.clone(),
        );
        let tasks = Tasks::new(
            (db.clone(), env.clone()),
            ledger.clone(),
            organization.clone(),
            notices.clone(),
            (vocabulary.task_words, vocabulary.calendar.clone()),
            Attachments::new(world.desk(), world.files.clone()),
        )
        .with_intake(Arc::new(cases.clone()))
        .with_origin(web::Origin::new(
            &world.config.security.public_url,
            world.config.security.secure,
        ))
        .with_sources(sources.clone());
        let campaigns = campaigns
            .with_approvals(approvals.clone())
            .with_intake(Arc::new(cases.clone()))
            .with_sources(sources.clone());
        let questions = questions::Questions::new(
            world.db.clone(),
            world.env.clone(),
            world.organization.clone(),
            world.files.clone(),
        );
        let exams = exams::Exams::new(
            world.db.clone(),
            world.env.clone(),
            world.organization.clone(),
        )
        .with_vault(vault.clone())
        .with_files(world.files.clone())
        .with_requests(requests.clone())
        .with_notices(notices.clone());
        let exam_office = exams::Office::new(
            exams.clone(),
            questions.clone(),
            ledger.clone(),
            vocabulary.exams,
            levels.clone(),
        )
        .with_address(
            &world.config.security.public_url,
            world.config.security.secure,
        )
        .with_intake(Arc::new(cases.clone()));
        let indicators = Indicators::new(
            env.clone(),
            ledger.clone(),
            organization.clone(),
            vocabulary.indicators,
            sources.clone(),
        )
        .with_audit(db.clone());
        let cases = cases.with_rates(Arc::new(indicators.clone()));
        let kept = Kept {
            identity: identity.clone(),
            approvals: approvals.clone(),
            notices: notices.clone(),
            env: env.clone(),
        };
        let people = world.organization.clone().with_vault(vault.clone());
        Ok(Self {
            attributes: vocabulary.attributes,
            body_kinds: vocabulary.body_kinds,
            secrecy: vocabulary.secrecy,
            vault,
            identity,
            notices: notices.clone(),
            organization: people.with_approvals(approvals.clone()).with_traces(kept),
            approvals,
            requests: requests.clone(),
            cases,
            inspections,
            campaigns,
            commitments,
            answering,
            tasks,
            projects,
            matters,
            activities: Activities::new(
                db.clone(),
                env.clone(),
                ledger.clone(),
                organization.clone(),
                vocabulary.kinds,
            )
            .with_levels(levels.clone())
            .with_notices(notices.clone())
            .with_address(
                &world.config.security.public_url,
                world.config.security.secure,
            )
            .with_files(world.files.clone(), world.desk())
            .with_requests(requests)
            .with_intake(findings),
            registers,
            bulletins: bulletins.with_sources(sources.clone()),
            hours,
            questions,
            exams,
            exam_office,
            obligations: Obligations::new(
                (db.clone(), env.clone()),
                ledger,
                organization.clone(),
                vocabulary.rules,
                vocabulary.calendar,
            )
            .with_notices(notices.clone())
            .with_files(world.files.clone())
            .with_sources(sources),
            cockpit: Cockpit::new(
                env.clone(),
                indicators.clone(),
                organization.clone(),
                vocabulary.views,
            )
            .with_guard(guard.clone()),
            reports: Reports::new(
                db,
                env,
                organization,
                indicators.clone(),
                vocabulary.templates,
            )
            .with_levels(levels)
            .with_notices(notices)
            .with_guard(guard.clone()),
            guard,
            indicators,
        })
    }
}
