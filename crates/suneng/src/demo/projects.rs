//! Projects of the demo: a reform with a late milestone, research whose report was accepted, a proposal that waits, and visits of
//! leaders to their counties.

use ::projects::{Content, Eyes, New, NewEntry, NewVisit, Projects, What, Written};
use approvals::{Asked, By, Tab};
use identity::Actor;
use jiff::ToSpan;
use kernel::{Error, Id, PersonId, Result, Scope, UnitId};
use organization::{NewTie, finding};

use crate::World;
use crate::rooms::Rooms;

/// Leader and county that they look after.
const PAIRS: [(&str, &str); 3] = [("LZ0001", "LZ13"), ("LZ0002", "LZ14"), ("LZ0003", "LZ15")];

struct Part {
    eyes: Eyes,
    actor: Actor,
    by: By,
}

struct Room<'a> {
    world: &'a World,
    rooms: &'a Rooms,
    projects: &'a Projects,
    bureau: UnitId,
}

/// Fills the room.
pub async fn run(world: &World, rooms: &Rooms) -> Result<()> {
    let bureau = world.organization.unit_by_code("LZ", &Scope::All).await?.id;
    let room = Room {
        world,
        rooms,
        projects: &rooms.projects,
        bureau,
    };
    let (officer, leader) = (room.part("officer").await?, room.part("leader").await?);
    let clerk = room.part("clerk").await?;
    room.reform(&officer, &leader, &clerk).await?;
    room.research(&officer, &leader, &clerk).await?;
    room.proposal(&officer).await?;
    room.visits(&officer, &leader).await
}

impl Room<'_> {
    async fn part(&self, login: &str) -> Result<Part> {
        let account = self.rooms.identity.account_by_login(login).await?;
        let account = account.ok_or(Error::NotFound)?;
        let person = account.person.ok_or(Error::NotFound)?;
        let own = || Scope::Under(vec![self.bureau]);
        Ok(Part {
            eyes: Eyes {
                account: account.id,
                person: Some(person),
                reads: own(),
                writes: own(),
                reviews: own(),
            },
            actor: Actor::from(account.id),
            by: By {
                person,
                account: account.id,
                on_behalf: None,
                address: String::new(),
            },
        })
    }

    async fn person(&self, staff_no: &str) -> Result<PersonId> {
        let today = self.world.env.today();
        let mut tx = self.world.db.read().await?;
        let found = finding::serving(&mut tx, staff_no, today).await?;
        found.ok_or(Error::NotFound)
    }

    /// Proposes a project with members and milestones: text, owner and days from today.
    async fn propose(
        &self,
        officer: &Part,
        (kind, title, goals): (&str, &str, &str),
        values: &[(&str, &str)],
        members: &[(&str, &str)],
        milestones: &[(&str, &str, i64)],
    ) -> Result<Id> {
        let today = self.world.env.today();
        let new = New {
            id: self.world.env.new_id(),
            kind: kind.to_owned(),
            unit: self.bureau,
            lead: self.person(members[0].0).await?,
            content: Content {
                title: title.to_owned(),
                goals: goals.to_owned(),
                basis: "年度重点工作安排".to_owned(),
                values: values
                    .iter()
                    .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                    .collect(),
                question: "基层司法所人手和任务是否匹配，缺口在哪里".to_owned(),
                outline: "一、现有人员结构\n二、近三年任务变化\n三、兄弟县区的做法".to_owned(),
                method: "实地走访、座谈会、数据比对".to_owned(),
                from: today,
                due: today.saturating_add(150.days()),
            },
        };
        let by = (&officer.eyes, &officer.actor);
        let id = self.projects.propose(&new, by.0, by.1).await?;
        for (staff_no, role) in &members[1..] {
            let member = (self.person(staff_no).await?, *role);
            self.projects.take_in(id, member, by).await?;
        }
        for (text, owner, days) in milestones {
            let due = today.saturating_add(days.days());
            let milestone = (*text, self.person(owner).await?, due);
            self.projects.add_milestone(id, milestone, by).await?;
        }
        Ok(id)
    }

    /// Sends a proposal; the leader agrees.
    async fn begin(&self, id: Id, officer: &Part, leader: &Part) -> Result<()> {
        let projects = self.projects;
        projects
            .ask_start(id, None, &officer.eyes, &officer.by)
            .await?;
        let engine = &self.rooms.approvals;
        let me = Some(leader.by.person);
        let scope = Scope::nothing();
        let (_, found) = engine
            .list(Tab::Waiting, ("", None), me, &scope, (1, 50))
            .await?;
        let payload = serde_json::json!(id);
        let waits = found.into_iter().find(|a| a.payload["project"] == payload);
        let waits = waits.ok_or(Error::NotFound)?;
        let step = i64::try_from(waits.case.step).map_err(Error::internal)?;
        let asked = Asked {
            act: "agree".to_owned(),
            seen: (waits.case.round, step),
            reason: "同意立项".to_owned(),
            ..Asked::default()
        };
        engine
            .act(waits.id, &asked, &leader.by, &scope)
            .await
            .map(|_| ())
    }

    async fn write(
        &self,
        id: Id,
        who: &Part,
        what: What,
        (place, heard, text): (&str, &str, &str),
    ) -> Result<()> {
        let new = NewEntry {
            id: self.world.env.new_id(),
            what,
            day: self.world.env.today(),
            place: place.to_owned(),
            heard: heard.to_owned(),
            text: text.to_owned(),
        };
        let by = (&who.eyes, &who.actor);
        self.projects
            .write_down(id, &new, &[], by)
            .await
            .map(|_| ())
    }

    /// A reform that is under way: one milestone done, one that falls late, one ahead.
    async fn reform(&self, officer: &Part, leader: &Part, clerk: &Part) -> Result<()> {
        let what = (
            "reform-projects",
            "公共法律服务“一窗通办”改革",
            "窗口平均办理时间缩短三成，群众只跑一次",
        );
        let values = [
            ("problem", "五类事项分设窗口，群众多头跑"),
            ("measure", "收件、分办、反馈由综合窗口统一承担"),
        ];
        let members = [
            ("LZ0002", "lead"),
            ("LZ0102", "member"),
            ("LZ0101", "office"),
        ];
        let milestones = [
            ("事项清单和流程图定稿", "LZ0102", 2),
            ("综合窗口试运行", "LZ0102", 4),
            ("县区推开", "LZ0101", 60),
        ];
        let id = self
            .propose(officer, what, &values, &members, &milestones)
            .await?;
        self.begin(id, officer, leader).await?;
        let by = (&clerk.eyes, &clerk.actor);
        let today = self.world.env.today();
        self.projects.milestone_done(id, 1, today, by).await?;
        let note = (
            "",
            "",
            "清单 42 项、流程图 42 张已定稿，窗口人员完成两轮培训。",
        );
        self.write(id, clerk, What::Note, note).await
    }

    /// Research: field work, a report that the leader accepted, a problem that became a case, a recommendation that was adopted.
    async fn research(&self, officer: &Part, leader: &Part, clerk: &Part) -> Result<()> {
        let what = (
            "research",
            "基层司法所人手与任务匹配情况",
            "摸清缺口，提出可操作的调配办法",
        );
        let members = [
            ("LZ0002", "lead"),
            ("LZ0102", "writer"),
            ("LZ0204", "member"),
        ];
        let milestones = [("完成县区走访", "LZ0102", 20), ("形成报告", "LZ0102", 60)];
        let id = self
            .propose(officer, what, &[], &members, &milestones)
            .await?;
        self.begin(id, officer, leader).await?;
        let visit = (
            "云岭县茶亭司法所",
            "",
            "所内 4 人承担社区矫正、调解等 9 项职责，台账靠手工。",
        );
        self.write(id, clerk, What::Visit, visit).await?;
        let hearing = (
            "云岭县司法局",
            "司法所长 6 人、社区工作者 8 人",
            "普遍反映重复填报多、专职调解员缺口大。",
        );
        self.write(id, clerk, What::Hearing, hearing).await?;
        let by = (&clerk.eyes, &clerk.actor);
        self.projects
            .advance(id, None, (&officer.eyes, &officer.actor))
            .await?;
        let written = Written {
            overview: "全市司法所平均在编 4.2 人，近三年任务量增加四成。".to_owned(),
            problems: "重复填报占用工作时间\n专职调解员缺口较大".to_owned(),
            causes: "职责下沉时没有同步调配人员；各条线系统互不相通。".to_owned(),
            advice: "一次填报、多处使用\n县区统筹聘用专职调解员".to_owned(),
        };
        self.projects.write_report(id, &written, by).await?;
        self.projects.send_report(id, 1, by).await?;
        let reviews = (&leader.eyes, &leader.actor);
        self.projects
            .review_report(id, 1, (true, "同意，抓紧转化"), reviews)
            .await?;
        let county = self
            .world
            .organization
            .unit_by_code("LZ13", &Scope::All)
            .await?
            .id;
        let run = (&officer.eyes, &officer.actor);
        self.projects.raise_problem(id, 1, county, run).await?;
        let document = (
            "澜司发〔2026〕31号《关于精简填报的通知》",
            self.world.env.today(),
        );
        self.projects.adopt(id, 1, document, run).await
    }

    async fn proposal(&self, officer: &Part) -> Result<()> {
        let what = (
            "innovation-topics",
            "说理式行政复议文书",
            "文书说理充分，撤回率提高",
        );
        let values = [("level", "municipal"), ("new", "争点清单和说理模板")];
        let members = [("LZ0101", "lead"), ("LZ0504", "member")];
        let milestones = [("样本文书 20 份", "LZ0504", 30)];
        let id = self
            .propose(officer, what, &values, &members, &milestones)
            .await?;
        let (eyes, by) = (&officer.eyes, &officer.by);
        self.projects.ask_start(id, None, eyes, by).await
    }

    /// Three pairs, one of which was visited.
    async fn visits(&self, officer: &Part, leader: &Part) -> Result<()> {
        let (org, today) = (&self.world.organization, self.world.env.today());
        let from = today.saturating_sub(300.days());
        let mut first = None;
        for (staff_no, county) in PAIRS {
            let tie = NewTie {
                kind: "contact-point".to_owned(),
                staff_no: staff_no.to_owned(),
                end: county.to_owned(),
                to: None,
                basis: "领导干部联系县区制度".to_owned(),
            };
            let kinds = &self.rooms.body_kinds;
            let id = org
                .tie(kinds, &tie, from, officer.actor.account, &Scope::All)
                .await?;
            first = first.or(Some(id));
        }
        let new = NewVisit {
            id: self.world.env.new_id(),
            tie: first.ok_or(Error::NotFound)?,
            day: today,
            looked: "看了公共法律服务中心和茶亭司法所，抽查调解卷宗 10 件。".to_owned(),
            difficulties: "专职调解员只有 2 名，节假日排班困难\n矫正对象定位手环老化".to_owned(),
            promised: "手环更新列入下月采购；调解员聘用由政治部牵头研究。".to_owned(),
        };
        let by = (&leader.eyes, &leader.actor);
        let id = self.projects.write_visit(&new, &[], by).await?;
        let county = org.unit_by_code("LZ13", &Scope::All).await?.id;
        self.projects
            .raise_difficulty(id, 1, county, by)
            .await
            .map(|_| ())
    }
}
