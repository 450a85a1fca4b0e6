//! Cases of the demo: problems at every stage of the loop.

use std::collections::BTreeMap;

use ::cases::{Act, AskRemedy, Eyes, Measure, Raise, Said};
use identity::Actor;
use jiff::ToSpan;
use kernel::{Error, PersonId, Result, Scope};

use crate::World;
use crate::rooms::Rooms;

/// Title, field, clause, severity, source, and how far it has come.
const PROBLEMS: [(&str, &str, &str, &str, &str, usize); 8] = [
    (
        "窗口等候时间偏长，群众反映较多",
        "service",
        "time-limit",
        "common",
        "complaint",
        6,
    ),
    (
        "集中学习记录要素不全",
        "political",
        "record",
        "common",
        "self-check",
        6,
    ),
    (
        "执法文书告知事项表述不规范",
        "law-enforcement",
        "procedure",
        "serious",
        "supervision",
        5,
    ),
    (
        "个别干警旁听庭审少于规定次数",
        "team",
        "study",
        "common",
        "inspection",
        4,
    ),
    (
        "会议费报销附件不齐",
        "finance",
        "expense",
        "serious",
        "audit",
        3,
    ),
    (
        "涉密载体清点不及时",
        "safety",
        "secrecy",
        "grave",
        "inspection",
        2,
    ),
    (
        "热线工单首次回复超过时限",
        "service",
        "time-limit",
        "common",
        "hotline",
        1,
    ),
    (
        "请销假手续补办较多",
        "discipline",
        "duty",
        "common",
        "democratic-life",
        0,
    ),
];

struct Part {
    eyes: Eyes,
    actor: Actor,
    person: PersonId,
}

/// Raises them and takes each as far as it has come.
pub async fn mend(world: &World, rooms: &Rooms) -> Result<()> {
    let org = &world.organization;
    let (bureau, office) = (
        org.unit_by_code("LZ", &Scope::All).await?.id,
        org.unit_by_code("LZ01", &Scope::All).await?.id,
    );
    let part = async |login: &str| -> Result<Part> {
        let account = rooms.identity.account_by_login(login).await?;
        let account = account.ok_or(Error::NotFound)?;
        let person = account.person.ok_or(Error::NotFound)?;
        let all = || Scope::All;
        Ok(Part {
            eyes: Eyes {
                account: account.id,
                person: Some(person),
                me: Some(person),
                on_behalf: None,
                reads: all(),
                raises: all(),
                handles: all(),
                supervises: all(),
                reporters: Scope::nothing(),
            },
            actor: Actor::from(account.id),
            person,
        })
    };
    let (officer, clerk) = (part("officer").await?, part("clerk").await?);
    let supervisor = part("supervisor").await?;
    let today = world.env.today();
    for (title, area, clause, severity, source, far) in PROBLEMS {
        let raise = Raise {
            id: world.env.new_id(),
            kind: "problem".to_owned(),
            title: title.to_owned(),
            detail: "检查中发现，已向责任单位反馈。".to_owned(),
            severity: severity.to_owned(),
            area: area.to_owned(),
            source: source.to_owned(),
            clause: clause.to_owned(),
            values: BTreeMap::new(),
            unit: office,
            from: bureau,
            owner: None,
            co: Vec::new(),
            supervisor: Some(supervisor.person),
            reporter: None,
            origin: None,
            key: None,
            recurs: Some(false),
            fixed: None,
        };
        let cases = &rooms.cases;
        let id = cases.raise(&raise, &officer.eyes, &officer.actor).await?;
        let done = |no| Act::MeasureDone { no, on: today };
        let measure = |text: &str, days: i64| Measure {
            no: 0,
            text: text.to_owned(),
            owner: clerk.person,
            due: today.saturating_add(days.days()),
            done: None,
        };
        let assigned = Act::Assigned {
            unit: office,
            owner: Some(clerk.person),
            co: Vec::new(),
            supervisor: Some(supervisor.person),
        };
        let planned = Act::Planned {
            cause: "责任分工不细，日常检查没有跟上。".to_owned(),
            measures: vec![measure("修订办事规程", 10), measure("每周抽查并通报", 30)],
        };
        let steps = [
            (assigned, &supervisor, "请按期整改"),
            (planned, &clerk, ""),
            (done(1), &clerk, "规程已修订印发"),
            (done(2), &clerk, "连续四周抽查未再发生"),
            (Act::Submitted, &clerk, "措施已全部完成，请验收"),
            (Act::Accepted, &supervisor, "现场抽查属实"),
        ];
        for (act, who, text) in steps.into_iter().take(far) {
            let said = Said {
                text: text.to_owned(),
                ..Said::default()
            };
            cases.act(id, &act, &said, &who.eyes, &who.actor).await?;
        }
        // Whoever mends these has to learn something first: one is waited for, one is not.
        let learned = match clause {
            "study" => ("study", 7, false),
            "procedure" => ("exam", 20, true),
            _ => continue,
        };
        let ask = AskRemedy {
            code: learned.0.to_owned(),
            person: clerk.person,
            by: today.saturating_add(learned.1.days()),
            needed: learned.2,
        };
        let said = Said {
            text: "先学透规定，再谈整改。".to_owned(),
            ..Said::default()
        };
        cases
            .ask_remedy(id, &ask, &said, &supervisor.eyes, &supervisor.actor)
            .await?;
    }
    Ok(())
}
