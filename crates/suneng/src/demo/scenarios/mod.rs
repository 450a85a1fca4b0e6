//! The scenarios (情景): five invented agencies as published reports of such agencies describe them, each on a fixed
//! day. What they did is entered through the services that the pages use, in the order in which it happened; the
//! figures of those reports are then counted from the records (see `crate::figures`).

mod enter;
mod mend;
mod spec;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use identity::{Actor, Identity, NewAccount, NewGrant, NewPassword};
use jiff::ToSpan;
use kernel::{AccountId, Calendar, Date, Error, Result, Scope, TestClock, UnitId};
use organization::{PersonRow, Rows, TraitRow, UnitRow};

use self::mend::Raised;
use self::spec::{
    AudienceSpec, BodySpec, CampaignSpec, CaseSpec, CheckSpec, EntrySpec, ExamSpec, Held, Scenario,
    Talk, day,
};
use super::{chance, city, names};
use crate::World;
use crate::rooms::Rooms;

/// Code of the unit above all scenarios.
pub const ABOVE: &str = "X";
/// Who enters what happens in them, and who accepts it.
pub const CLERK: &str = "scenario";
pub const REVIEWER: &str = "reviewer";

const FILES: [&str; 5] = [
    include_str!("bureau.toml"),
    include_str!("committee.toml"),
    include_str!("campaign.toml"),
    include_str!("county.toml"),
    include_str!("organs.toml"),
];

/// Reads them.
pub fn read() -> Result<Vec<Scenario>> {
    let read = FILES.iter().map(|text| toml::from_str(text));
    read.collect::<std::result::Result<_, _>>()
        .map_err(Error::internal)
}

/// The day on which the first of them begins.
pub fn begin(scenarios: &[Scenario]) -> Result<Date> {
    let days: Vec<Date> = scenarios
        .iter()
        .map(|s| day(&s.founded))
        .collect::<Result<_>>()?;
    days.into_iter().min().ok_or(Error::NotFound)
}

/// What happened, and when.
enum Step<'s> {
    Body(&'s BodySpec),
    Audience(&'s AudienceSpec),
    Held(&'s Held, usize),
    Talk(&'s Talk, usize),
    Entry(&'s EntrySpec, usize),
    Close(kernel::Id),
    Begin(&'s CampaignSpec),
    Conclude(&'s CampaignSpec),
    /// All of one day.
    Raise(&'s CaseSpec, Vec<usize>),
    Accept(&'s CaseSpec, Vec<Raised>),
    Exam(&'s ExamSpec),
    Check(&'s CheckSpec),
    Reports,
}

/// The scenarios on their way.
pub struct Stage<'a> {
    world: &'a World,
    rooms: &'a Rooms,
    kinds: activities::ActivityKinds,
    clock: &'a Arc<TestClock>,
    /// Steps that are still to come, by day and by their order in it, each of a scenario.
    steps: BTreeMap<(Date, usize), (usize, Step<'a>)>,
    scenarios: &'a [Scenario],
    units: HashMap<String, UnitId>,
    /// Staff numbers by unit, in order, with whether they are members of the party.
    people: HashMap<String, Vec<(String, bool)>>,
    /// Bodies and audiences by name.
    groups: HashMap<String, kernel::Id>,
    clerk: AccountId,
    reviewer: AccountId,
}

impl<'a> Stage<'a> {
    /// Imports units and people, opens the accounts and lines up what happened.
    pub async fn set(
        world: &'a World,
        rooms: &'a Rooms,
        clock: &'a Arc<TestClock>,
        calendar: &Calendar,
        scenarios: &'a [Scenario],
    ) -> Result<Self> {
        let mut rows = Rows::default();
        let mut people = HashMap::new();
        rows.units.push(UnitRow {
            parent: "".into(),
            code: ABOVE.into(),
            name: "情景示例".into(),
            category: "示例".into(),
            sort: Some(9_000),
            from: Some(Date::constant(2010, 1, 1)),
            to: None.into(),
            credit_code: None.into(),
        });
        for scenario in scenarios {
            line_up(scenario, &mut rows, &mut people)?;
        }
        let org = &world.organization;
        org.import(&rows, &Scope::All, None).await?;
        let units = org.units(&Scope::All).await?;
        let units = units.into_iter().map(|u| (u.code, u.id)).collect();
        let mut steps = Vec::new();
        for (n, scenario) in scenarios.iter().enumerate() {
            scenario.steps(n, calendar, &mut steps)?;
        }
        let steps = (0..).zip(steps);
        let steps = steps.map(|(order, (date, n, step))| ((date, order), (n, step)));
        let mut stage = Self {
            world,
            rooms,
            kinds: activities::ActivityKinds::read(&world.packs)
                .map_err(crate::world::pack_errors)?,
            clock,
            steps: steps.collect(),
            scenarios,
            units,
            people,
            groups: HashMap::new(),
            clerk: AccountId(kernel::Id::NIL),
            reviewer: AccountId(kernel::Id::NIL),
        };
        stage.clerk = stage
            .account(CLERK, &["unit-admin", "training-officer"])
            .await?;
        stage.reviewer = stage.account(REVIEWER, &["leader"]).await?;
        Ok(stage)
    }

    async fn account(&self, login: &str, roles: &[&str]) -> Result<AccountId> {
        let unit = self.unit(ABOVE)?;
        let grant = |role: &&str| NewGrant {
            role: (*role).to_owned(),
            unit,
            from: Date::constant(2010, 1, 1),
            to: None,
        };
        let new = NewAccount {
            login: login.to_owned(),
            person: None,
            unit: Some(unit),
            password: NewPassword::None,
            grants: roles.iter().map(grant).collect(),
        };
        let identity: &Identity = &self.rooms.identity;
        identity
            .create_account(&Actor::default(), &new, &Scope::All)
            .await?;
        let account = identity.account_by_login(login).await?;
        Ok(account.ok_or(Error::NotFound)?.id)
    }

    fn unit(&self, code: &str) -> Result<UnitId> {
        let unknown = || Error::internal(format!("no unit {code}"));
        self.units.get(code).copied().ok_or_else(unknown)
    }

    /// Lets happen what happened up to a day.
    pub async fn until(&mut self, last: Date) -> Result<()> {
        while let Some(next) = self.steps.first_entry()
            && next.key().0 <= last
        {
            let ((date, _), (n, step)) = next.remove_entry();
            if self.world.env.today() < date {
                // A day is sealed before the next one begins: facts never wait for long.
                self.world.ledger.settle().await?;
                super::forward(self.clock, &self.world.env, date, 18, 40);
            }
            let number = self.scenarios[n].number;
            self.enter(n, date, step)
                .await
                .inspect_err(|e| tracing::error!(number, %date, "scenario: {e}"))?;
        }
        self.world.ledger.settle().await.map(|_| ())
    }

    async fn enter(&mut self, of: usize, date: Date, step: Step<'a>) -> Result<()> {
        let scenarios = self.scenarios;
        let scenario = &scenarios[of];
        match step {
            Step::Body(spec) => self.found(spec).await,
            Step::Audience(spec) => self.gather(spec).await,
            Step::Held(spec, n) => self.hold(spec, n, date).await,
            Step::Talk(spec, n) => self.talk(spec, n, date).await,
            Step::Entry(spec, n) => {
                let id = self.register(scenario, spec, n, date).await?;
                if let Some((count, days)) = spec.closed
                    && n < count
                {
                    let on = date.saturating_add(days.days()).min(day(&scenario.as_of)?);
                    // What lies on one day keeps its order by its id.
                    let order = 1_000_000 + n;
                    self.steps.insert((on, order), (of, Step::Close(id)));
                }
                Ok(())
            }
            Step::Close(id) => self.close(id, date).await,
            Step::Begin(spec) => self.begin(spec).await,
            Step::Conclude(spec) => self.conclude(spec).await,
            Step::Raise(spec, which) => {
                let raised = self.raise(scenario, spec, &which).await?;
                if !raised.is_empty() {
                    let on = date.saturating_add(spec.accepted.days.days());
                    let on = on.min(day(&scenario.as_of)?);
                    let order = 1_000_000 + which[0];
                    self.steps
                        .insert((on, order), (of, Step::Accept(spec, raised)));
                }
                Ok(())
            }
            Step::Accept(spec, raised) => self.accept(spec, &raised).await,
            Step::Exam(spec) => self.examine(spec).await,
            Step::Check(spec) => self.check(spec, date).await,
            Step::Reports => self.report(scenario).await,
        }
    }

    /// The people that a line names, `X101/2-5`: so many of a unit's own in their order, `X101/all`, those who are
    /// members of the party with `X101/party`, with all below `X1/under`.
    fn named(&self, line: &str) -> Result<Vec<&str>> {
        let mut found = Vec::new();
        for part in line.split_whitespace() {
            let wrong = || Error::internal(format!("nobody: {part}"));
            let (unit, which) = part.split_once('/').ok_or_else(wrong)?;
            let own = |unit: &str| self.people.get(unit).map_or(&[][..], Vec::as_slice);
            let before = found.len();
            match which {
                "all" => found.extend(own(unit).iter().map(|(no, _)| no.as_str())),
                "party" => {
                    let members = own(unit).iter().filter(|(_, member)| *member);
                    found.extend(members.map(|(no, _)| no.as_str()));
                }
                "under" => {
                    let mut below: Vec<_> = self.people.keys().collect();
                    below.retain(|code| code.starts_with(unit));
                    below.sort();
                    for code in below {
                        found.extend(own(code).iter().map(|(no, _)| no.as_str()));
                    }
                }
                range => {
                    let (from, to) = range.split_once('-').unwrap_or((range, range));
                    let from: usize = from.parse().map_err(|_| wrong())?;
                    let to: usize = to.parse().map_err(|_| wrong())?;
                    let list = own(unit).iter().skip(from - 1).take(to + 1 - from);
                    found.extend(list.map(|(no, _)| no.as_str()));
                    if found.len() - before != to + 1 - from {
                        return Err(wrong());
                    }
                }
            }
            if found.len() == before {
                return Err(wrong());
            }
        }
        Ok(found)
    }
}

impl Scenario {
    fn steps<'s>(
        &'s self,
        n: usize,
        calendar: &Calendar,
        steps: &mut Vec<(Date, usize, Step<'s>)>,
    ) -> Result<()> {
        let begin = day(&self.founded)?;
        for body in &self.body {
            steps.push((day(&body.from)?.max(begin), n, Step::Body(body)));
        }
        for audience in &self.audience {
            steps.push((begin, n, Step::Audience(audience)));
        }
        for held in &self.held {
            for (i, date) in held.when.days(calendar)?.into_iter().enumerate() {
                steps.push((date, n, Step::Held(held, i)));
            }
        }
        for talk in &self.talk {
            for (i, date) in talk.when.days(calendar)?.into_iter().enumerate() {
                steps.push((date, n, Step::Talk(talk, i)));
            }
        }
        for entry in &self.entry {
            for (i, date) in entry.when.days(calendar)?.into_iter().enumerate() {
                steps.push((date, n, Step::Entry(entry, i)));
            }
        }
        for campaign in &self.campaign {
            steps.push((day(&campaign.from)?, n, Step::Begin(campaign)));
            steps.push((day(&campaign.closed)?, n, Step::Conclude(campaign)));
        }
        for case in &self.case {
            let mut by_day: BTreeMap<Date, Vec<usize>> = BTreeMap::new();
            for (i, date) in case.when.days(calendar)?.into_iter().enumerate() {
                by_day.entry(date).or_default().push(i);
            }
            let raise = |(date, which)| (date, n, Step::Raise(case, which));
            steps.extend(by_day.into_iter().map(raise));
        }
        for exam in &self.exam {
            steps.push((day(&exam.on)?, n, Step::Exam(exam)));
        }
        for check in &self.checked {
            for date in &check.on {
                steps.push((day(date)?, n, Step::Check(check)));
            }
        }
        steps.push((day(&self.as_of)?, n, Step::Reports));
        Ok(())
    }
}

/// The units of a scenario and their people, as they are imported.
fn line_up(
    scenario: &Scenario,
    rows: &mut Rows,
    people: &mut HashMap<String, Vec<(String, bool)>>,
) -> Result<()> {
    let founded = day(&scenario.founded)?;
    let mut units: Vec<(String, String, String, String, usize)> = Vec::new();
    for line in scenario.units.lines().filter(|l| !l.trim().is_empty()) {
        let words: Vec<&str> = line.split('|').map(str::trim).collect();
        let wrong = || Error::internal(format!("no unit: {line}"));
        let [code, parent, name, category, count] = words[..] else {
            return Err(wrong());
        };
        let parent = if parent.is_empty() { ABOVE } else { parent };
        let count = count.parse().map_err(|_| wrong())?;
        units.push((
            code.into(),
            parent.into(),
            name.into(),
            category.into(),
            count,
        ));
    }
    if let Some((prefix, city, count)) = &scenario.agencies {
        for (code, name, category) in city::agencies(city) {
            let code = format!("{prefix}{code}");
            units.push((code, scenario.root.clone(), name, category.into(), *count));
        }
    }
    for (code, parent, name, category, count) in units {
        let lead = code == scenario.root;
        for rank in 1..=count {
            let n = 20_000 + rows.persons.len() as i64;
            let staff_no = format!("{code}{rank:03}");
            let leads = if lead { rank <= 8 } else { rank == 1 };
            let party = leads || chance(n, rank, 51) < 82;
            let leading = match (lead, rank) {
                (true, 1) => Some("chief"),
                (true, _) if leads => Some("deputy"),
                (false, 1) => Some("middle"),
                _ => None,
            };
            let post = match (lead, rank) {
                (true, 1) => "主要负责人",
                (true, _) if leads => "班子成员",
                (false, 1) => "负责人",
                (false, 2) if category == "科室" => "新任科长",
                _ => ["一级主任科员", "二级主任科员", "四级主任科员", "一级科员"][rank % 4],
            };
            let level = match leading {
                Some("chief" | "deputy") => "county",
                Some(_) => "township",
                None if post.contains("主任科员") => "township",
                None => "staff",
            };
            let mut traits = vec![
                ("class", "civil-servant"),
                ("level", level),
                ("political", if party { "party-member" } else { "other" }),
            ];
            traits.extend(leading.map(|value| ("leading", value)));
            let stated = |(code, value): (&str, &str)| TraitRow {
                code: code.to_owned(),
                value: value.into(),
                from: Some(founded),
                fills: false,
            };
            rows.persons.push(PersonRow {
                staff_no: staff_no.as_str().into(),
                name: names::name(n).as_str().into(),
                unit: code.as_str().into(),
                post: post.to_owned(),
                from: Some(founded).into(),
                to: None.into(),
                primary: true,
                nature: Default::default(),
                traits: traits.into_iter().map(stated).collect(),
            });
            people
                .entry(code.clone())
                .or_default()
                .push((staff_no, party));
        }
        rows.units.push(UnitRow {
            parent: parent.as_str().into(),
            code: code.as_str().into(),
            name: name.as_str().into(),
            category: category.as_str().into(),
            sort: Some(9_000 + rows.units.len() as i64),
            from: Some(founded),
            to: None.into(),
            credit_code: None.into(),
        });
    }
    Ok(())
}
