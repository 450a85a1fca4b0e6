//! Matters of the demo: a request that was answered, one that waits, a report that came too late, a trip that was agreed to; lists of
//! what two posts answer for.

use ::matters::{Answer, Content, Eyes, New, Outcome};
use approvals::{Asked, By, Tab};
use commitments::{NewList, Seen};
use identity::Actor;
use jiff::ToSpan;
use kernel::{Error, Id, Result, Scope, UnitId, format_date};

use crate::World;
use crate::rooms::Rooms;

struct Part {
    eyes: Eyes,
    actor: Actor,
    by: By,
}

struct Room<'a> {
    world: &'a World,
    rooms: &'a Rooms,
    bureau: UnitId,
    office: UnitId,
}

/// Fills the room.
pub async fn run(world: &World, rooms: &Rooms) -> Result<()> {
    let bureau = world.organization.unit_by_code("LZ", &Scope::All).await?.id;
    let room = Room {
        world,
        rooms,
        bureau,
        office: world
            .organization
            .unit_by_code("LZ01", &Scope::All)
            .await?
            .id,
    };
    let (officer, leader) = (room.part("officer").await?, room.part("leader").await?);
    let clerk = room.part("clerk").await?;
    let asked = |title: &str, text: &str, area: &str| Content {
        title: title.to_owned(),
        text: text.to_owned(),
        level: String::new(),
        values: [("area".to_owned(), area.to_owned())].into(),
    };
    let content = asked(
        "关于设立素能实训专班的请示",
        "为落实年度培训计划，拟从各科室抽调人员设立实训专班，为期三个月。",
        "cadre",
    );
    let first = room.write("major-request", content, &officer).await?;
    room.send(first, &officer).await?;
    room.decide(&leader).await?;
    let answer = Answer {
        outcome: Outcome::Agreed,
        text: "同意设立，请培训科牵头，按月报告进展。".to_owned(),
        document: "澜司批〔2026〕6号".to_owned(),
    };
    let by = (&leader.eyes, &leader.actor);
    rooms
        .matters
        .answer(first, None, (&answer, &[]), by)
        .await?;
    let content = asked(
        "关于调剂模拟法庭使用时间的请示",
        "模拟法庭场次不足，拟与市法官学院共用，请批示。",
        "event",
    );
    let second = room.write("major-request", content, &officer).await?;
    room.send(second, &officer).await?;
    room.decide(&leader).await?;
    let day = |n: i64| format_date(world.env.today().saturating_add(n.days()));
    let content = Content {
        title: "培训场地漏水情况报告".to_owned(),
        text: "三楼教室漏水，已转移设备，当天课程改在二楼进行，没有人员受伤。".to_owned(),
        level: String::new(),
        values: [
            ("happened", day(-6)),
            ("measures", "已停用三楼教室并报修".to_owned()),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .into(),
    };
    let report = room.write("major-report", content, &officer).await?;
    room.send(report, &officer).await?;
    let content = Content {
        title: "赴邻市交流外出报备".to_owned(),
        text: String::new(),
        level: String::new(),
        values: [
            ("destination", "邻市法官学院".to_owned()),
            ("from", day(3)),
            ("to", day(5)),
            ("why", "official".to_owned()),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .into(),
    };
    let trip = room.write("leave-town", content, &clerk).await?;
    room.send(trip, &clerk).await?;
    room.decide(&leader).await?;
    room.answering(&officer, &leader, &clerk).await
}

impl Room<'_> {
    async fn part(&self, login: &str) -> Result<Part> {
        let account = self.rooms.identity.account_by_login(login).await?;
        let account = account.ok_or(Error::NotFound)?;
        let person = account.person.ok_or(Error::NotFound)?;
        let own = || Scope::Under(vec![self.bureau]);
        Ok(Part {
            eyes: Eyes {
                account: Some(account.id),
                person: Some(person),
                reads: own(),
                writes: own(),
                answers: own(),
                sealed: Scope::nothing(),
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

    /// Lists of what two posts answer for; the report of one is handed in where its time has come.
    async fn answering(&self, officer: &Part, leader: &Part, clerk: &Part) -> Result<()> {
        let a = &self.rooms.answering;
        let personnel = self.part("personnel").await?;
        let seen = |who: &Part| Seen {
            me: Some(who.by.person),
            reads: Scope::Under(vec![self.bureau]),
            issues: Scope::Under(vec![self.bureau]),
        };
        for (sample, title, unit, holder) in [
            (
                "first-responsible",
                "主要负责人责任清单",
                self.bureau,
                leader,
            ),
            ("in-charge", "培训科负责人责任清单", self.office, clerk),
        ] {
            let new = NewList {
                id: self.world.env.new_id(),
                sample: sample.to_owned(),
                title: title.to_owned(),
                unit,
                holder: holder.by.person,
                items: String::new(),
            };
            let id = a.write(&new, &seen(officer), &officer.actor).await?;
            a.put_to_use(id, 1, &seen(&personnel), &personnel.actor)
                .await?;
        }
        a.mind().await?;
        for r in a.waiting(clerk.by.person).await? {
            let said = r.items.iter().map(|i| {
                let text = format!("{}：已按清单要求落实，{}。", i.text, i.expected);
                (i.code.clone(), text)
            });
            let said = said.collect();
            a.keep((r.id, r.version), &said, true, &seen(clerk), &clerk.actor)
                .await?;
        }
        Ok(())
    }

    async fn write(&self, kind: &str, content: Content, who: &Part) -> Result<Id> {
        let new = New {
            id: self.world.env.new_id(),
            kind: kind.to_owned(),
            unit: Some(self.office),
            person: None,
            to: None,
            content,
        };
        let by = (&who.eyes, &who.actor);
        self.rooms.matters.write(&new, &[], by).await
    }

    async fn send(&self, id: Id, who: &Part) -> Result<()> {
        self.rooms.matters.send(id, None, &who.eyes, &who.by).await
    }

    /// Agrees to the matter that waits for somebody, if there is one: somebody else may be asked first.
    async fn decide(&self, who: &Part) -> Result<()> {
        let nothing = Scope::nothing();
        let me = Some(who.by.person);
        let approvals = &self.rooms.approvals;
        let listed = approvals.list(Tab::Waiting, ("", None), me, &nothing, (1, 20));
        let (_, found) = listed.await?;
        for a in found.iter().filter(|a| a.kind.starts_with("matter-")) {
            let asked = Asked {
                act: "agree".to_owned(),
                seen: (a.case.round, a.case.step as i64),
                reason: "同意。".to_owned(),
                ..Asked::default()
            };
            approvals.act(a.id, &asked, &who.by, &nothing).await?;
        }
        Ok(())
    }
}
