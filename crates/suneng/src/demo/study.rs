//! Two years of Friday study in the bureau, and the last weeks of the other agencies.

use std::ops::RangeInclusive;
use std::sync::Arc;

use activities::{Mark, New, Role};
use identity::Actor;
use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{
    AccountId, Calendar, Date, Error, Period, PeriodKind, Result, Scope, Shift, TestClock, UnitId,
};
use organization::RosterEntry;

use super::{chance, forward};
use crate::World;
use crate::rooms::Rooms;

/// How many weeks of study lie behind.
pub const WEEKS: i64 = 96;
/// In how many of them other agencies studied as well.
const OTHERS: i64 = 6;

/// Activities that are confirmed together.
const PAGE: i64 = 200;

/// Who records the study of an agency: beginning of the unit's code, login.
const RECORDERS: [(&str, &str); 5] = [
    ("LZ", "clerk"),
    ("LF", "court"),
    ("LJ", "procuracy"),
    ("LG", "police"),
    ("LW", "committee"),
];

/// What studies: a unit with its roster.
struct Host {
    unit: UnitId,
    /// Who records it.
    by: AccountId,
    code: String,
    roster: Vec<RosterEntry>,
}

/// The study of the city.
pub struct Study<'a> {
    world: &'a World,
    rooms: &'a Rooms,
    clock: &'a Arc<TestClock>,
    calendar: &'a Calendar,
    /// Monday of the first week.
    first: Date,
    today: Date,
    bureau: Scope,
    bound: Vec<Host>,
    others: Vec<Host>,
}

impl<'a> Study<'a> {
    /// With the rosters of the first day.
    pub async fn new(
        world: &'a World,
        rooms: &'a Rooms,
        (clock, calendar): (&'a Arc<TestClock>, &'a Calendar),
        (first, today): (Date, Date),
    ) -> Result<Self> {
        let org = &world.organization;
        let mut recorders = Vec::new();
        for (code, login) in RECORDERS {
            let account = rooms.identity.account_by_login(login).await?;
            recorders.push((code, account.ok_or(Error::NotFound)?.id));
        }
        let mut study = Self {
            world,
            rooms,
            clock,
            calendar,
            first,
            today,
            bureau: Scope::Under(vec![org.unit_by_code("LZ", &Scope::All).await?.id]),
            bound: Vec::new(),
            others: Vec::new(),
        };
        for unit in org.units(&Scope::All).await? {
            let bound = ["处室", "县区局", "直属单位"].contains(&unit.category.as_str());
            if !bound && unit.category != "内设机构" {
                continue;
            }
            let day = if bound {
                first
            } else {
                today.saturating_sub(OTHERS.weeks())
            };
            let by = recorders
                .iter()
                .find(|(code, _)| unit.code.starts_with(code));
            let host = Host {
                unit: unit.id,
                by: by.ok_or(Error::NotFound)?.1,
                roster: org.roster(unit.id, day, true, &Scope::All).await?,
                code: unit.code,
            };
            if bound {
                study.bound.push(host);
            } else {
                study.others.push(host);
            }
        }
        Ok(study)
    }

    /// Records some weeks of every unit that is bound, as its clerk would have done. The political
    /// department's last week is left open: it is the one to try.
    pub async fn record(&self, weeks: RangeInclusive<i64>) -> Result<()> {
        for week in weeks {
            let monday = self.first.saturating_add(week.weeks());
            let friday = self
                .calendar
                .shift(monday.saturating_add(4.days()), Shift::Earlier);
            if !Period::containing(PeriodKind::Week, monday).contains(friday) || friday > self.today
            {
                continue;
            }
            // Facts are entered on the evening of their day, as they would have been.
            forward(self.clock, &self.world.env, friday, 18, 30);
            for (u, host) in self.bound.iter().enumerate() {
                let last_for_trying =
                    host.code == "LZ01" && friday.saturating_add(7.days()) > self.today;
                // Weaker units skip a week now and then; the year before was a little weaker everywhere.
                let diligence = if host.code == "LZ15" { 86 } else { 97 };
                let diligence = diligence - i64::from(week < WEEKS / 2) * 4;
                if !last_for_trying && chance(week, u, 999) < diligence {
                    self.hold(host, (week, u), friday, &self.bureau).await?;
                }
            }
            if week > WEEKS - OTHERS {
                for (u, host) in self.others.iter().enumerate() {
                    if chance(week, u, 998) < 80 {
                        self.hold(host, (week, u), friday, &Scope::All).await?;
                    }
                }
            }
            self.world.ledger.settle().await?;
        }
        Ok(())
    }

    /// The leader of the bureau confirms what was recorded so far, as they do every week.
    pub async fn confirm(&self) -> Result<()> {
        let leader = self.rooms.identity.account_by_login("leader").await?;
        let actor = Actor::from(leader.ok_or(Error::NotFound)?.id);
        let activities = &self.rooms.activities;
        loop {
            let (_, waiting) = activities.unconfirmed(&self.bureau, &actor, PAGE).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            // None was changed since it was recorded.
            let picks: Vec<_> = waiting.iter().map(|a| (a.id, 0)).collect();
            let outcomes = activities.confirm(&picks, &self.bureau, actor.clone());
            if outcomes.await?.iter().all(|o| o.refused.is_some()) {
                return Err(Error::internal(
                    "the leader may confirm what the clerk recorded",
                ));
            }
        }
    }

    async fn hold(
        &self,
        host: &Host,
        (week, u): (i64, usize),
        friday: Date,
        scope: &Scope,
    ) -> Result<()> {
        let mark = |(p, line): (usize, &RosterEntry)| Mark {
            person: line.person,
            role: match chance(week, u, p) {
                0..=92 => Role::Present,
                93..=97 => Role::Leave,
                _ => Role::Absent,
            },
        };
        let new = New {
            id: self.world.env.new_id(),
            kind: "friday-study".into(),
            host: host.unit,
            title: TOPICS[(week as usize + u) % TOPICS.len()].into(),
            date: friday,
            starts: Time::constant(15, 0, 0, 0),
            ends: Time::constant(16, 30, 0, 0),
            location: "会议室".into(),
            level: String::new(),
            marks: host.roster.iter().enumerate().map(mark).collect(),
            observers: Vec::new(),
            another: false,
            details: Default::default(),
        };
        let recorded = self.rooms.activities.record(&new, scope, host.by).await;
        recorded.map(|_| ())
    }
}

const TOPICS: [&str; 8] = [
    "周五集中学习：行政复议法条文精讲",
    "周五集中学习：社区矫正工作规范",
    "周五集中学习：人民调解典型案例",
    "周五集中学习：公文写作常见错误",
    "周五集中学习：保密纪律与网络安全",
    "周五集中学习：法律援助办案质量",
    "周五集中学习：行政执法监督要点",
    "周五集中学习：群众工作方法",
];
