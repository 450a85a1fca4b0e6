//! What the rooms put on the leader's page: obligations that are overdue or due, what waits to be confirmed or
//! reviewed, what is planned this week.

use std::collections::BTreeMap;

use cockpit::{Concern, Desk, Event, Put};
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::Actor;
use kernel::{Date, Result, Scope, UnitId};
use obligations::{State, Todo};
use web::view::{Tag, Tone};
use web::{Access, Shell};

use crate::World;
use crate::rooms::Rooms;

/// Obligations that are looked at, and units that are named, at most.
const MOST: usize = 500;
const MOST_UNITS: usize = 4;

/// What lies on the desks of the rooms.
pub struct Desks {
    world: World,
    rooms: Rooms,
}

impl Desks {
    /// The desks of a world.
    pub fn new(world: &World, rooms: &Rooms) -> Self {
        Self {
            world: world.clone(),
            rooms: rooms.clone(),
        }
    }

    /// What is asked for below a unit, if the reader's permission reaches it.
    async fn reached(
        &self,
        access: &Access,
        permission: &str,
        unit: UnitId,
        under: &Scope,
    ) -> Result<Option<Scope>> {
        let Some(scope) = access.principal.scope(permission) else {
            return Ok(None);
        };
        let reached = self.world.organization.reaches(scope, unit).await?;
        Ok(reached.then(|| under.clone()))
    }

    /// Who acts, as the rooms ask for it.
    fn actor(access: &Access) -> Actor {
        Actor {
            account: Some(access.principal.account),
            on_behalf: access.on_behalf,
            address: access.address.clone(),
        }
    }

    /// Units with overdue obligations, the worst first.
    fn overdue(&self, shell: &Shell, todo: &[Todo]) -> Vec<Concern> {
        let (today, lang) = (self.world.env.today(), shell.lang().code());
        let mut units: BTreeMap<UnitId, Vec<&Todo>> = BTreeMap::new();
        for t in todo.iter().filter(|t| t.state == State::Overdue) {
            units.entry(t.unit.id).or_default().push(t);
        }
        let mut units: Vec<Vec<&Todo>> = units.into_values().collect();
        let age = |list: &[&Todo]| -> i64 {
            let days = list.iter().map(|t| i64::from((today - t.due).get_days()));
            days.max().unwrap_or(0)
        };
        units.sort_by_key(|list| std::cmp::Reverse((list.len(), age(list))));
        let concern = |list: &Vec<&Todo>| {
            let (unit, count, days) =
                (&list[0].unit, list.len().to_string(), age(list).to_string());
            let mut names: Vec<String> = Vec::new();
            for t in list {
                let name = self
                    .rooms
                    .obligations
                    .rule_name(&t.rule, lang)
                    .unwrap_or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let with = [
                ("unit", unit.name.as_str()),
                ("count", &count),
                ("days", &days),
            ];
            Concern {
                title: shell.t_with("attention-overdue", &with),
                detail: names.join(&shell.t("attention-comma")),
                when: shell.t_with("attention-days", &[("days", &days)]),
                href: format!("/obligations?unit={}", unit.id),
                icon: "alert-triangle",
                tone: Tone::Bad,
                headline: Some(shell.t_with("attention-headline", &with)),
            }
        };
        units.iter().take(MOST_UNITS).map(concern).collect()
    }

    async fn waiting(
        &self,
        shell: &Shell,
        access: &Access,
        unit: UnitId,
        under: &Scope,
    ) -> Result<Vec<Concern>> {
        let actor = Self::actor(access);
        let mut found = Vec::new();
        let mut add = |count: i64, key: &str, href: &str, icon: &'static str| {
            if count > 0 {
                found.push(Concern {
                    title: shell.t_with(key, &[("count", &count.to_string())]),
                    detail: String::new(),
                    when: String::new(),
                    href: href.to_owned(),
                    icon,
                    tone: Tone::Brand,
                    headline: None,
                });
            }
        };
        if let Some(scope) = self
            .reached(access, activities::CONFIRM, unit, under)
            .await?
        {
            let (count, _) = self.rooms.activities.unconfirmed(&scope, &actor, 1).await?;
            add(
                count,
                "home-confirm",
                "/activities/confirm",
                "clipboard-check",
            );
        }
        if let Some(scope) = self.reached(access, registers::REVIEW, unit, under).await? {
            let (_, count) = self.rooms.registers.waiting(&scope, &actor, 1).await?;
            add(count, "home-review", "/registers/review", "stack-2");
        }
        if let Some(scope) = self.reached(access, bulletins::REVIEW, unit, under).await? {
            let count = self.rooms.bulletins.waiting(&scope, &actor).await?;
            let href = "/bulletins?show=desk&state=proposed";
            add(count, "home-bulletins", href, "writing");
        }
        Ok(found)
    }
}

impl Desks {
    /// What is due soon, as one line.
    fn soon(&self, shell: &Shell, unit: UnitId, todo: &[Todo]) -> Option<Concern> {
        let soon: Vec<&Todo> = todo.iter().filter(|t| t.state == State::Soon).collect();
        let days = (soon.first()?.due - self.world.env.today())
            .get_days()
            .max(0);
        let count = soon.len().to_string();
        Some(Concern {
            title: shell.t_with("attention-soon", &[("count", &count)]),
            detail: String::new(),
            when: shell.t_with("due-in", &[("days", &days.to_string())]),
            href: format!("/obligations?unit={unit}"),
            icon: "calendar-event",
            tone: Tone::Warn,
            headline: None,
        })
    }

    /// What is planned between two days, and what was held of it.
    async fn planned(
        &self,
        shell: &Shell,
        scope: &Scope,
        span: (Date, Date),
    ) -> Result<Vec<Event>> {
        let plans = self.rooms.activities.plans(span, scope, None).await?;
        let hosts: Vec<UnitId> = plans.iter().map(|p| p.host).collect();
        let names = self.world.organization.names(&hosts).await?;
        let event = |p: activities::Plan| {
            let starts = p.starts.zoned(self.world.env.zone());
            let state = match p.state {
                activities::PlanState::Held => tag(shell, "attention-held", Tone::Ok),
                activities::PlanState::Planned => tag(shell, "attention-planned", Tone::Brand),
                activities::PlanState::Cancelled => return None,
            };
            Some(Event {
                date: starts.date(),
                when: format!("{} {}", day(shell, starts.date()), starts.strftime("%H:%M")),
                title: p.title,
                unit: names.get(&p.host).cloned().unwrap_or_default(),
                href: format!("/activities/plans/{}", p.id),
                state,
            })
        };
        Ok(plans.into_iter().filter_map(event).collect())
    }

    /// What is owed on a day of a stretch.
    fn due(&self, shell: &Shell, t: Todo) -> Event {
        let rule = self
            .rooms
            .obligations
            .rule_name(&t.rule, shell.lang().code());
        Event {
            date: t.due,
            when: day(shell, t.due),
            title: rule.unwrap_or_default(),
            href: format!("/obligations?unit={}", t.unit.id),
            unit: t.unit.name,
            state: match t.state {
                State::Overdue => tag(shell, "attention-undone", Tone::Bad),
                _ => tag(shell, "attention-due", Tone::Warn),
            },
        }
    }
}

fn tag(shell: &Shell, key: &str, tone: Tone) -> Tag {
    Tag {
        text: shell.t(key),
        tone,
        icon: None,
    }
}

/// A day with its weekday.
fn day(shell: &Shell, date: Date) -> String {
    let weekday = format!("weekday-{}", date.weekday().to_monday_one_offset());
    format!("{} {}", kernel::format_date(date), shell.t(&weekday))
}

impl Desk for Desks {
    fn put<'a>(
        &'a self,
        shell: &'a Shell,
        access: &'a Access,
        unit: UnitId,
        (from, to): (Date, Date),
    ) -> BoxFuture<'a, Result<Put>> {
        async move {
            let under = Scope::Under(vec![unit]);
            let mut put = Put::default();
            if let Some(scope) = self.reached(access, activities::READ, unit, &under).await? {
                put.events = self.planned(shell, &scope, (from, to)).await?;
            }
            if let Some(scope) = self
                .reached(access, obligations::READ, unit, &under)
                .await?
            {
                let todo = self.rooms.obligations.todo(&scope, MOST).await?;
                put.concerns = self.overdue(shell, &todo);
                put.concerns.extend(self.soon(shell, unit, &todo));
                let here = todo.into_iter().filter(|t| (from..=to).contains(&t.due));
                put.events.extend(here.map(|t| self.due(shell, t)));
            }
            put.concerns
                .extend(self.waiting(shell, access, unit, &under).await?);
            Ok(put)
        }
        .boxed()
    }
}
