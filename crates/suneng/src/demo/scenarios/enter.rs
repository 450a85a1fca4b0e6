//! One thing after the other, entered as its clerk would have entered it.

use activities::{Details, Item, Mark, New, NewFile, Pair, Role, Session};
use bytes::Bytes;
use identity::Actor;
use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{Date, Error, Id, PersonId, Result, Scope};
use organization::{Audience, Body, Rule};
use registers::{Attached, Given, Verdict};

use super::spec::{AudienceSpec, BodySpec, EntrySpec, Held, Scenario, Talk, Turns, day};
use super::{ABOVE, Stage};

impl Stage<'_> {
    /// The code of the unit whose turn it is; `*` stands for all below the scenario's unit but some.
    pub(super) fn turn(
        &self,
        scenario: &Scenario,
        (units, except): (&Turns, &[String]),
        n: usize,
    ) -> String {
        match units.at(n) {
            "*" => {
                let mut below: Vec<&str> = self.people.keys().map(String::as_str).collect();
                below.retain(|c| c.starts_with(&scenario.root) && *c != scenario.root);
                below.retain(|c| !except.iter().any(|e| e == c));
                below.sort_unstable();
                below[n % below.len()].to_owned()
            }
            code => code.to_owned(),
        }
    }

    pub(super) fn scope(&self) -> Result<Scope> {
        Ok(Scope::Under(vec![self.unit(ABOVE)?]))
    }

    pub(super) async fn person(&self, staff_no: &str) -> Result<PersonId> {
        let identity = &self.rooms.identity;
        identity.person_by_staff_no(staff_no, &Scope::All).await
    }

    pub(super) async fn found(&mut self, spec: &BodySpec) -> Result<()> {
        let body = Body {
            id: self.world.env.new_id(),
            kind: spec.kind.clone(),
            name: spec.name.clone(),
            unit: self.unit(&spec.unit)?,
            charter: spec.charter.clone(),
            from: day(&spec.from)?,
            to: None,
        };
        let (org, kinds) = (&self.world.organization, &self.rooms.body_kinds);
        let scope = self.scope()?;
        org.keep_body(kinds, &body, Some(self.clerk), &scope)
            .await?;
        for line in &spec.members {
            let (who, role) = line.split_once(':').unwrap_or((line, "member"));
            for staff_no in self.named(who)? {
                org.join(
                    kinds,
                    body.id,
                    staff_no,
                    role,
                    body.from,
                    Some(self.clerk),
                    &scope,
                )
                .await?;
            }
        }
        self.groups.insert(spec.name.clone(), body.id);
        Ok(())
    }

    pub(super) async fn gather(&mut self, spec: &AudienceSpec) -> Result<()> {
        let mut rule = Rule {
            under: Some(self.unit(&spec.unit)?),
            categories: spec.categories.clone(),
            post: spec.post.clone(),
            ..Rule::default()
        };
        for line in &spec.people {
            for staff_no in self.named(line)? {
                rule.plus.push(self.person(staff_no).await?);
            }
        }
        let audience = Audience {
            id: self.world.env.new_id(),
            name: spec.name.clone(),
            unit: self.unit(&spec.unit)?,
            rule,
        };
        let (org, attributes) = (&self.world.organization, &self.rooms.attributes);
        org.keep_audience(attributes, &audience, Some(self.clerk), &self.scope()?)
            .await?;
        self.groups.insert(spec.name.clone(), audience.id);
        Ok(())
    }

    pub(super) async fn hold(&mut self, spec: &Held, n: usize, date: Date) -> Result<()> {
        let kind = self.kinds.get(&spec.kind).ok_or(Error::NotFound)?.clone();
        let (host, scope) = (self.unit(&spec.unit)?, self.scope()?);
        let of = match &spec.of {
            Some(name) => {
                let name = name.at(n);
                let unknown = || Error::internal(format!("no group {name}"));
                Some(*self.groups.get(name).ok_or_else(unknown)?)
            }
            None => None,
        };
        let activities = &self.rooms.activities;
        let expected = activities.expected(&kind, host, of, date, &scope).await?;
        let present = spec.present.unwrap_or(expected.len());
        if expected.len() < present {
            let expected = expected.len();
            return Err(Error::internal(format!(
                "{present} of {expected} at {}",
                spec.kind
            )));
        }
        // Whoever is missing is not always the same.
        let missing = expected.len() - present;
        let mark = |(i, line): (usize, &organization::RosterEntry)| Mark {
            person: line.person,
            role: match (i + n * 7) % expected.len().max(1) {
                i if i >= missing => Role::Present,
                i if i % 5 == 4 => Role::Absent,
                _ => Role::Leave,
            },
        };
        let title = spec.titles.at(n);
        let mut roles = Vec::new();
        for (role, turns) in &spec.roles {
            for staff_no in self.named(turns.at(n))? {
                roles.push((role.clone(), self.person(staff_no).await?));
            }
        }
        let agenda = spec.agenda.iter().map(|line| {
            let (code, text) = line.split_once('=').unwrap_or((line, ""));
            Item {
                code: code.to_owned(),
                title: text.replace("{title}", title),
            }
        });
        let observers = match &spec.came {
            Some(turns) => self.named(turns.at(n))?,
            None => Vec::new(),
        };
        let starts = match &spec.starts {
            Some(text) => text.parse().map_err(Error::internal)?,
            None => kind.starts,
        };
        let minutes = spec.minutes.unwrap_or(kind.minutes);
        let new = New {
            id: self.world.env.new_id(),
            kind: spec.kind.clone(),
            host,
            title: title.to_owned(),
            date,
            starts,
            ends: after(starts, minutes),
            location: spec.place.clone(),
            level: String::new(),
            marks: expected.iter().enumerate().map(mark).collect(),
            observers: observers.into_iter().map(str::to_owned).collect(),
            another: true,
            details: Details {
                of,
                roles,
                agenda: agenda.collect(),
                fields: filled(&spec.fields, n, title),
                session: session(&spec.series, &spec.sessions, n),
                pair: None,
                files: spec
                    .evidence
                    .iter()
                    .map(|name| file(name, title, date))
                    .collect(),
                ..Details::default()
            },
        };
        activities.record(&new, &scope, self.clerk).await?;
        Ok(())
    }

    pub(super) async fn talk(&mut self, spec: &Talk, n: usize, date: Date) -> Result<()> {
        let kind = self.kinds.get(&spec.kind).ok_or(Error::NotFound)?.clone();
        let one = |turns: &super::spec::Turns| -> Result<String> {
            let named = self.named(turns.at(n))?;
            Ok(named.first().copied().unwrap_or_default().to_owned())
        };
        let pair = Pair {
            person: self.person(&one(&spec.with)?).await?,
            other: self.person(&one(&spec.by)?).await?,
        };
        let new = New {
            id: self.world.env.new_id(),
            kind: spec.kind.clone(),
            host: self.unit(&spec.unit)?,
            title: spec.title.clone(),
            date,
            starts: kind.starts,
            ends: after(kind.starts, kind.minutes),
            location: String::new(),
            level: String::new(),
            marks: Vec::new(),
            observers: Vec::new(),
            another: true,
            details: Details {
                pair: Some(pair),
                fields: filled(&spec.fields, n, &spec.title),
                ..Details::default()
            },
        };
        let scope = self.scope()?;
        self.rooms
            .activities
            .record(&new, &scope, self.clerk)
            .await?;
        Ok(())
    }

    pub(super) async fn register(
        &mut self,
        scenario: &Scenario,
        spec: &EntrySpec,
        n: usize,
        date: Date,
    ) -> Result<Id> {
        let book = &self.rooms.registers;
        let register = book
            .registers()
            .get(&spec.register)
            .ok_or(Error::NotFound)?;
        let scope = self.scope()?;
        let code = self.turn(scenario, (&spec.units, &spec.except), n);
        let title = spec.titles.at(n);
        let mut evidence = Vec::new();
        if let Some(name) = &spec.evidence {
            let file = file(name, &format!("{title}（{}）", n + 1), date);
            let stored = self.world.files.put(file.bytes.clone()).await?;
            evidence.push(Attached {
                name: file.name,
                sha256: stored.sha256.to_string(),
                size: stored.size,
            });
        }
        let people = match &spec.people {
            Some(turns) => self.named(turns.at(n))?,
            None => Vec::new(),
        };
        let new = registers::New {
            id: self.world.env.new_id(),
            register: spec.register.clone(),
            unit: self.unit(&code)?,
            given: Given {
                title: title.to_owned(),
                date: kernel::format_date(date),
                values: filled(&spec.values, n, title),
                people: people
                    .into_iter()
                    .map(|no| (no.to_owned(), String::new()))
                    .collect(),
                evidence,
                ..Given::default()
            },
            source: "form",
            another: true,
        };
        let id = book.record(&new, &scope, self.clerk).await?;
        if register.review {
            book.review(&[(id, 1)], Verdict::Accept, &scope, self.reviewer)
                .await?;
        }
        Ok(id)
    }

    pub(super) async fn close(&self, id: Id, date: Date) -> Result<()> {
        let on = kernel::format_date(date);
        let book = &self.rooms.registers;
        book.close(id, &on, "已办结。", &self.scope()?, self.clerk)
            .await
    }

    /// Drafts its reports as its office would have done.
    pub(super) async fn report(&mut self, scenario: &Scenario) -> Result<()> {
        self.world.ledger.settle().await?;
        let (scope, actor) = (self.scope()?, Actor::from(self.clerk));
        for report in &scenario.reports {
            let (unit, template) = report.split_once(':').unwrap_or((&scenario.root, report));
            let wanted = reports::Wanted {
                template: template.to_owned(),
                unit: self.unit(unit)?,
                period: kernel::Period {
                    from: day(&scenario.since)?,
                    to: day(&scenario.as_of)?,
                },
                id: self.world.env.new_id(),
                level: String::new(),
            };
            self.rooms.reports.make(&wanted, &scope, &actor).await?;
        }
        Ok(())
    }
}

/// The time some minutes later, over midnight.
fn after(starts: Time, minutes: i64) -> Time {
    starts.wrapping_add(minutes.minutes())
}

/// Values whose turn it is, with the title where they name it.
fn filled(
    turns: &std::collections::BTreeMap<String, super::spec::Turns>,
    n: usize,
    title: &str,
) -> std::collections::BTreeMap<String, String> {
    let value = |t: &super::spec::Turns| t.at(n).replace("{title}", title);
    turns
        .iter()
        .map(|(code, t)| (code.clone(), value(t)))
        .collect()
}

/// The place of the n-th activity in a series.
fn session(series: &str, sessions: &[i64], n: usize) -> Option<Session> {
    if series.is_empty() {
        return None;
    }
    let (mut issue, mut left) = (1, n as i64);
    while let Some(of) = sessions.get(issue as usize - 1)
        && left >= *of
    {
        left -= of;
        issue += 1;
    }
    let (issue, session) = match sessions.is_empty() {
        true => (n as i64 + 1, 1),
        false => (issue, left + 1),
    };
    Some(Session {
        series: series.to_owned(),
        issue,
        session,
    })
}

/// A plain sheet of text as evidence.
fn file(name: &str, title: &str, date: Date) -> NewFile {
    let text = format!("{title}\n{}\n（演示材料）\n", kernel::format_date(date));
    NewFile {
        name: format!("{name}.txt"),
        bytes: Bytes::from(text),
        dated: None,
    }
}
