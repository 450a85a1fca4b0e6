//! Tasks of the demo: the plan of the year, its report of the month, duties with gaps, practical things.

use ::tasks::{
    Content, Duty, Eyes, Frequency, Judgement, Line, Milestone, NewPlan, NewPractical, PlanAct,
    ReportFilter, ReportState, Written,
};
use identity::Actor;
use kernel::{Date, Error, Id, PersonId, Result, Scope, UnitId};
use web::table::Window;

use crate::World;
use crate::rooms::Rooms;

/// What is to be done, what makes it done, owner kind, claim with how many, duty.
type Entry = (
    &'static str,
    &'static str,
    &'static str,
    Option<(&'static str, i64)>,
    &'static str,
);
const ENTRIES: [Entry; 5] = [
    (
        "每周组织集中学习，全员参加",
        "全年不少于四十五场",
        "offices",
        Some(("activities", 45)),
        "theory-study",
    ),
    (
        "开展执法案卷评查，提高办案质量",
        "上半年、下半年各评查一次，问题全部整改",
        "leaders",
        None,
        "",
    ),
    (
        "组织法律知识考试，人人过关",
        "全年两次",
        "offices",
        Some(("exams", 60)),
        "law-exam",
    ),
    (
        "推动查摆问题按期整改销号",
        "按期整改率不低于百分之九十",
        "county-cadres",
        Some(("cases-accepted", 5)),
        "problem-mending",
    ),
    (
        "完成公共法律服务窗口规范化改造",
        "年底前全部达标",
        "counties",
        None,
        "",
    ),
];

struct Part {
    eyes: Eyes,
    actor: Actor,
    person: PersonId,
}

/// Writes and issues the plan, has one unit report and the report judged, keeps duties, promises things.
pub async fn set(world: &World, rooms: &Rooms) -> Result<()> {
    let org = &world.organization;
    let (bureau, office) = (
        org.unit_by_code("LZ", &Scope::All).await?.id,
        org.unit_by_code("LZ01", &Scope::All).await?.id,
    );
    let part = async |login: &str| -> Result<Part> {
        let account = rooms.identity.account_by_login(login).await?;
        let account = account.ok_or(Error::NotFound)?;
        let all = || Scope::All;
        let person = account.person.ok_or(Error::NotFound)?;
        Ok(Part {
            eyes: Eyes {
                account: account.id,
                person: Some(person),
                reads: all(),
                plans: all(),
                issues: all(),
                reports: all(),
                reviews: all(),
            },
            actor: Actor::from(account.id),
            person,
        })
    };
    let (officer, clerk, leader) = (
        part("officer").await?,
        part("clerk").await?,
        part("leader").await?,
    );
    let (tasks, today) = (&rooms.tasks, world.env.today());
    let year = today.year();
    let by = (&officer.eyes, &officer.actor);
    let plan = NewPlan {
        id: world.env.new_id(),
        kind: "annual".to_owned(),
        unit: bureau,
        year,
        title: format!("{year}年度重点目标任务"),
        goals: vec!["建强队伍".to_owned(), "提升执法质量和服务".to_owned()],
    };
    let plan = tasks.create(&plan, by.0, by.1).await?;
    let first = Date::constant(year, 1, 1);
    let last = Date::constant(year, 12, 31);
    let content = |n: usize, unit: UnitId| -> Content {
        let (text, target, owner, claim, duty) = ENTRIES[n];
        Content {
            goal: n % 2 + 1,
            text: text.to_owned(),
            target: target.to_owned(),
            claim: claim
                .and_then(|(code, _)| tasks.words().claim(code))
                .cloned(),
            wanted: claim.map(|(_, wanted)| wanted),
            owner: owner.to_owned(),
            unit,
            person: Some(if unit == office {
                clerk.person
            } else {
                officer.person
            }),
            leader: Some(leader.person),
            from: first,
            to: last,
            milestones: vec![Milestone {
                month: Date::constant(year, 6, 1),
                text: "半年小结".to_owned(),
            }],
            weight: None,
            duty: duty.to_owned(),
        }
    };
    for n in 0..ENTRIES.len() {
        let unit = if n < 3 { office } else { bureau };
        let of = (world.env.new_id(), plan);
        tasks.add(of, None, &content(n, unit), "", by).await?;
    }
    tasks.act((plan, None), PlanAct::Ask, "", by).await?;
    let issuer = (&leader.eyes, &leader.actor);
    tasks.act((plan, None), PlanAct::Issue, "", issuer).await?;
    report(world, rooms, office, (&clerk, &leader)).await?;
    let duty = |code: &str, text: &str, frequency, claim: &str| Duty {
        code: code.to_owned(),
        text: text.to_owned(),
        source: "本局工作规定".to_owned(),
        article: String::new(),
        frequency,
        post: String::new(),
        claim: tasks.words().claim(claim).cloned(),
    };
    let duties = [
        duty(
            "theory-study",
            "组织理论学习",
            Frequency::Month,
            "activities",
        ),
        duty("law-exam", "组织法律知识考试", Frequency::Half, "exams"),
        duty(
            "problem-mending",
            "督促问题整改",
            Frequency::Quarter,
            "cases-accepted",
        ),
        duty("mediation-training", "培训人民调解员", Frequency::Year, ""),
    ];
    tasks.keep_catalogue((bureau, 0), &duties, "", by).await?;
    let promise = |title: &str, served: &str, days: i64| NewPractical {
        id: world.env.new_id(),
        kind: "people".to_owned(),
        unit: office,
        title: title.to_owned(),
        served: served.to_owned(),
        detail: String::new(),
        person: Some(clerk.person),
        due: today.saturating_add(jiff::Span::new().days(days)),
    };
    for (title, served, days) in [
        ("窗口周末延时服务", "上班时间不便办事的群众", 30),
        ("为行动不便的老人上门办理公证咨询", "社区老年居民", 45),
    ] {
        let new = promise(title, served, days);
        tasks.promise(&new, &clerk.eyes, &clerk.actor).await?;
    }
    Ok(())
}

/// One unit reports on the month; the leader accepts it.
async fn report(
    world: &World,
    rooms: &Rooms,
    unit: UnitId,
    (clerk, leader): (&Part, &Part),
) -> Result<()> {
    let tasks = &rooms.tasks;
    let filter = ReportFilter {
        units: Some(vec![unit]),
        ..ReportFilter::default()
    };
    let find = async || -> Result<::tasks::Report> {
        let window = Window::new(1, 1);
        let (_, mut found) = tasks.reports(&filter, &Scope::All, window).await?;
        found.pop().ok_or(Error::NotFound)
    };
    let own = ::tasks::EntryFilter {
        unit: Some(unit),
        year: Some(world.env.today().year()),
        ..Default::default()
    };
    let order = web::table::Order {
        by: "number",
        down: false,
    };
    let window = Window::new(1, 10);
    let (_, entries) = tasks.list(&own, &clerk.eyes, order, window).await?;
    let line = |(n, id): (usize, Id)| Line {
        entry: id,
        percent: [80, 60, 50][n % 3],
        said: [
            "本月集中学习按计划开展，缺课人员已补课。",
            "第二次评查进入整改阶段。",
            "",
        ][n % 3]
            .to_owned(),
        reached_on: None,
        counted: None,
    };
    let written = Written {
        summary: "各项任务总体按计划推进。".to_owned(),
        problems: "个别科室报送材料不够及时。".to_owned(),
        next: "抓紧组织下半年考试。".to_owned(),
        lines: entries.iter().map(|e| e.id).enumerate().map(line).collect(),
    };
    let r = find().await?;
    let by = (&clerk.eyes, &clerk.actor);
    tasks.write((r.id, r.version), &written, true, by).await?;
    let r = find().await?;
    if r.state != ReportState::Handed {
        return Err(Error::internal("the report of the demo is not handed in"));
    }
    let by = (&leader.eyes, &leader.actor);
    tasks
        .judge((r.id, r.version), Judgement::Accept, "", by)
        .await
}
