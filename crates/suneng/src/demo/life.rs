//! What people do together: party branches, groups and task forces, audiences, requests that are decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use approvals::{Asked, By};
use jiff::ToSpan;
use kernel::{Date, Error, Id, Period, PeriodKind, Result, Scope, TestClock, UnitId};
use organization::{Audience, Body, NewAssignment, PersonChange, Rule};

use super::city::{CITY, Place, Service};
use super::forward;
use super::people::Someone;
use crate::World;
use crate::rooms::Rooms;

/// The city as it is filled.
pub struct Life<'a> {
    pub world: &'a World,
    pub rooms: &'a Rooms,
    pub places: &'a [Place],
    pub people: &'a [Someone],
    pub clock: &'a Arc<TestClock>,
    pub today: Date,
}

/// Kind, name, code of the unit, task, days since it began and until it ended, members with their roles.
type Group = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    (i64, Option<i64>),
    &'static [(&'static str, &'static str)],
);

const GROUPS: [Group; 8] = [
    (
        "centre-group",
        "局党委理论学习中心组",
        "LZ",
        "每月集中学习研讨一次，学习秘书做好记录。",
        (660, None),
        &[
            ("LZ0001", "head"),
            ("LZ0002", "member"),
            ("LZ0003", "member"),
            ("LZ0004", "member"),
            ("LZ0101", "clerk"),
            ("LZ0601", "member"),
        ],
    ),
    (
        "leading-group",
        "全市政法队伍能力建设领导小组",
        "LW",
        "统筹政法各单位干警素质能力培养，办公室设在市委政法委政治部。",
        (420, None),
        &[
            ("LW001", "head"),
            ("LZ0001", "deputy"),
            ("LF001", "deputy"),
            ("LJ001", "deputy"),
            ("LG001", "deputy"),
            ("LW02001", "office"),
            ("LZ0101", "office"),
            ("LF08001", "member"),
            ("LJ06001", "member"),
            ("LG02001", "member"),
        ],
    ),
    (
        "task-force",
        "涉企行政执法专项监督工作专班",
        "LZ",
        "澜司发〔2026〕8号：对全市涉企行政执法开展专项监督，年底前完成整改核查。",
        (200, None),
        &[
            ("LZ0002", "head"),
            ("LZ0201", "contact"),
            ("LZ0202", "member"),
            ("LZ0501", "member"),
            ("LZ1101", "member"),
            ("LZ1301", "member"),
            ("F02001", "member"),
        ],
    ),
    (
        "task-force",
        "矛盾纠纷排查化解百日行动专班",
        "LW",
        "百日行动期间统筹各单位排查化解工作，行动结束后撤销。",
        (330, Some(200)),
        &[
            ("LW04001", "head"),
            ("LZ0401", "contact"),
            ("LG05001", "member"),
            ("LF01001", "member"),
            ("A17001", "member"),
        ],
    ),
    (
        "supervision-group",
        "第一督导组",
        "LZ",
        "督导澜湖区、霁陵区司法局及所属司法所。",
        (150, None),
        &[
            ("LZ0003", "head"),
            ("LZ0203", "member"),
            ("LZ0301", "member"),
        ],
    ),
    (
        "study-group",
        "青年理论学习小组",
        "LZ06",
        "三十五岁以下青年干部，每两周学习一次。",
        (500, None),
        &[
            ("LZ0105", "head"),
            ("LZ0106", "member"),
            ("LZ0204", "member"),
            ("LZ0305", "member"),
            ("LZ0406", "member"),
            ("LZ0504", "member"),
        ],
    ),
    (
        "party-group",
        "政治部第一党小组",
        "LZ01",
        "",
        (600, None),
        &[
            ("LZ0103", "head"),
            ("LZ0104", "member"),
            ("LZ0105", "member"),
            ("LZ0107", "member"),
        ],
    ),
    (
        "party-group",
        "政治部第二党小组",
        "LZ01",
        "",
        (600, None),
        &[
            ("LZ0108", "head"),
            ("LZ0109", "member"),
            ("LZ0110", "member"),
            ("LZ0111", "member"),
        ],
    ),
];

/// Roles of a branch in the order in which its people take them.
const BRANCH: [&str; 5] = [
    "secretary",
    "deputy-secretary",
    "organisation",
    "publicity",
    "discipline",
];

impl Life<'_> {
    async fn unit(&self, code: &str) -> Result<UnitId> {
        let found = self
            .world
            .organization
            .unit_by_code(code, &Scope::All)
            .await;
        Ok(found?.id)
    }

    /// A party branch in every office of the political and legal system and in every agency, and the groups.
    pub async fn bodies(&self) -> Result<()> {
        let mut members: BTreeMap<&str, Vec<&Someone>> = BTreeMap::new();
        for someone in self
            .people
            .iter()
            .filter(|p| p.is("political", "party-member"))
        {
            members.entry(&someone.unit).or_default().push(someone);
        }
        for place in self.places {
            let here = members
                .get(place.code.as_str())
                .map_or(&[][..], Vec::as_slice);
            let above = self.places.iter().find(|p| p.code == place.parent);
            let offices = ["内设机构", "处室", "派出所", "司法所", "公安分局"];
            let name = match (above, place.service) {
                (Some(above), _) if offices.contains(&place.category) => {
                    format!("{}{}党支部", above.name, place.name)
                }
                (_, Service::Company | Service::Institution) => format!("{}党支部", place.name),
                _ => format!("{}机关党支部", place.name),
            };
            // Three members make a branch; only the bureau's are complete, the others have their committee.
            let most = if place.service == Service::Justice {
                here.len()
            } else {
                3
            };
            if here.len() < 3 || place.name.ends_with("机关党委") {
                continue;
            }
            let body = self.body("party-branch", &name, place.code.as_str(), "", 640, None);
            let body = self.keep(body.await?).await?;
            for (n, someone) in here.iter().take(most).enumerate() {
                let role = BRANCH.get(n).copied().unwrap_or("member");
                self.join(&body, &someone.staff_no, role).await?;
            }
        }
        for (kind, name, unit, charter, (begun, ended), members) in GROUPS {
            let body = self.body(kind, name, unit, charter, begun, None).await?;
            let body = self.keep(body).await?;
            for (staff_no, role) in members {
                self.join(&body, staff_no, role).await?;
            }
            if let Some(days) = ended {
                let to = Some(self.today.saturating_sub(days.days()));
                self.keep(Body { to, ..body }).await?;
            }
        }
        Ok(())
    }

    async fn body(
        &self,
        kind: &str,
        name: &str,
        unit: &str,
        charter: &str,
        begun: i64,
        to: Option<Date>,
    ) -> Result<Body> {
        Ok(Body {
            id: self.world.env.new_id(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            unit: self.unit(unit).await?,
            charter: charter.to_owned(),
            from: self.today.saturating_sub(begun.days()),
            to,
        })
    }

    async fn keep(&self, body: Body) -> Result<Body> {
        let (org, kinds) = (&self.world.organization, &self.rooms.body_kinds);
        org.keep_body(kinds, &body, None, &Scope::All).await?;
        Ok(body)
    }

    async fn join(&self, body: &Body, staff_no: &str, role: &str) -> Result<()> {
        let known = self.people.iter().find(|p| p.staff_no == staff_no);
        let from = known.ok_or(Error::NotFound)?.from.max(body.from);
        let (org, kinds) = (&self.world.organization, &self.rooms.body_kinds);
        org.join(kinds, body.id, staff_no, role, from, None, &Scope::All)
            .await
    }

    /// Groups of people by rule.
    pub async fn audiences(&self) -> Result<()> {
        let account = self.rooms.identity.account_by_login("sysadmin").await?;
        let by = account.map(|a| a.id);
        let (city, bureau) = (self.unit(CITY).await?, self.unit("LZ").await?);
        let rule = |attributes: &[(&str, &[&str])]| Rule {
            attributes: attributes
                .iter()
                .map(|(code, values)| {
                    (
                        (*code).to_owned(),
                        values.iter().map(|v| (*v).to_owned()).collect(),
                    )
                })
                .collect(),
            ..Rule::default()
        };
        let under = |unit, rule| Rule {
            under: Some(unit),
            ..rule
        };
        let list = [
            (
                "全市员额法官、员额检察官",
                city,
                rule(&[("class", &["judge", "prosecutor"])]),
            ),
            (
                "全市新入职人员（一年内）",
                city,
                Rule {
                    months_to: Some(12),
                    ..rule(&[("state", &["probation"])])
                },
            ),
            ("市直单位主要负责人", city, rule(&[("leading", &["chief"])])),
            (
                "基层司法所人员",
                bureau,
                under(
                    bureau,
                    Rule {
                        categories: vec!["司法所".into()],
                        ..Rule::default()
                    },
                ),
            ),
            (
                "局机关中层以上干部",
                bureau,
                under(bureau, rule(&[("leading", &["chief", "deputy", "middle"])])),
            ),
            (
                "国有企业法务人员",
                city,
                Rule {
                    categories: vec!["国有企业".into()],
                    post: "法务".into(),
                    ..Rule::default()
                },
            ),
        ];
        for (name, unit, rule) in list {
            let audience = Audience {
                id: self.world.env.new_id(),
                name: name.to_owned(),
                unit,
                rule,
            };
            let (org, attributes) = (&self.world.organization, &self.rooms.attributes);
            org.keep_audience(attributes, &audience, by, &Scope::All)
                .await?;
        }
        Ok(())
    }

    async fn by(&self, login: &str) -> Result<By> {
        let account = self.rooms.identity.account_by_login(login).await?;
        let account = account.ok_or(Error::NotFound)?;
        Ok(By {
            person: account.person.ok_or(Error::NotFound)?,
            account: account.id,
            on_behalf: None,
            address: String::new(),
        })
    }

    async fn ask(&self, login: &str, change: PersonChange, note: &str) -> Result<Id> {
        let by = self.by(login).await?;
        let (org, id) = (&self.world.organization, self.world.env.new_id());
        let (engine, attributes) = (&self.rooms.approvals, &self.rooms.attributes);
        org.ask_change(
            engine,
            attributes,
            (id, by.person),
            change,
            note.to_owned(),
            &by,
        )
        .await
    }

    async fn decide(&self, id: Id, login: &str, act: &str, reason: &str) -> Result<()> {
        let by = self.by(login).await?;
        let engine = &self.rooms.approvals;
        let (approval, ..) = engine.approval(id, Some(by.person), &Scope::All).await?;
        let step = i64::try_from(approval.case.step).map_err(Error::internal)?;
        let asked = Asked {
            act: act.to_owned(),
            seen: (approval.case.round, step),
            reason: reason.to_owned(),
            ..Asked::default()
        };
        engine.act(id, &asked, &by, &Scope::All).await.map(|_| ())
    }

    /// Requests of a week before: one done, one returned, in the week after the present one.
    pub async fn decided(&self) -> Result<()> {
        let week = Period::containing(PeriodKind::Week, self.world.env.today());
        let monday = week.from.saturating_add(7.days());
        let at = |days: i64, hour, minute| {
            let day = monday.saturating_add(days.days());
            forward(self.clock, &self.world.env, day, hour, minute);
        };
        at(0, 9, 12);
        let today = self.world.env.today();
        let mail = |text: &str| PersonChange::Describe {
            attribute: "email".into(),
            value: text.into(),
            from: today,
        };
        let id = self
            .ask("staff", mail("lz0103@justice.example"), "启用新的工作邮箱")
            .await?;
        at(1, 8, 47);
        self.decide(id, "leader", "agree", "同意。").await?;
        at(1, 15, 30);
        self.decide(id, "personnel", "agree", "已核对。").await?;
        let change = PersonChange::Assign(NewAssignment {
            unit: self.unit("LZ06").await?,
            post: "兼职组织员".into(),
            from: today,
            to: None,
            primary: false,
            nature: Default::default(),
        });
        at(2, 10, 5);
        let id = self.ask("officer", change, "协助党务工作").await?;
        at(3, 16, 20);
        self.decide(id, "leader", "return", "请补充任职文件文号后再提交。")
            .await
    }

    /// Requests of today: one waits for the leader, one for the personnel office. `pass` seconds go by before the
    /// leader decides.
    pub async fn waiting(&self, pass: i64) -> Result<()> {
        let today = self.world.env.today();
        let second = PersonChange::Assign(NewAssignment {
            unit: self.unit("LZ02").await?,
            post: "法治督察员".into(),
            from: today,
            to: None,
            primary: false,
            nature: Default::default(),
        });
        self.ask("staff", second, "澜司发〔2026〕12号").await?;
        let studies = PersonChange::Describe {
            attribute: "state".into(),
            value: "study".into(),
            from: today,
        };
        let id = self
            .ask("supervisor", studies, "参加市委党校秋季班脱产学习")
            .await?;
        self.clock.advance(pass);
        self.decide(id, "leader", "agree", "同意。").await
    }
}
