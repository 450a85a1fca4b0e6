//! What the pages show of an approval, in the reader's language.

use std::collections::HashSet;

use kernel::{Error, Msg, PersonId, Result, Timestamp, UnitId, format_date};
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Shell};

use crate::case::{State, TaskState};
use crate::hooks::Known;
use crate::model::{Approval, Event};
use crate::service::Approvals;

/// The state in words.
pub(crate) fn tag(shell: &Shell, state: State) -> Tag {
    let (tone, icon) = match state {
        State::Open => (Tone::Brand, None),
        State::Returned => (Tone::Warn, Some("arrow-back-up")),
        State::Applied => (Tone::Ok, Some("check")),
        State::Refused => (Tone::Bad, Some("x")),
        State::Withdrawn => (Tone::Plain, None),
    };
    Tag {
        text: shell.t(&format!("approvals-state-{}", state.code())),
        tone,
        icon,
    }
}

impl Approvals {
    /// Names of all people and units of approvals and events: asked once.
    pub(crate) async fn names_in(&self, list: &[Approval], events: &[Event]) -> Result<Known> {
        let mut people: HashSet<PersonId> = HashSet::new();
        let mut units: HashSet<UnitId> = HashSet::new();
        for a in list {
            people.insert(a.case.applicant);
            people.extend(a.case.tasks.iter().map(|t| t.person));
            units.insert(a.unit);
        }
        for e in events {
            people.extend([e.person, e.acted_for, e.other].into_iter().flatten());
        }
        let people: Vec<PersonId> = people.into_iter().collect();
        let units: Vec<UnitId> = units.into_iter().collect();
        self.directory.names(&people, &units).await
    }

    /// Rows of a list.
    pub(crate) async fn rows(
        &self,
        shell: &Shell,
        me: Option<PersonId>,
        list: &[Approval],
    ) -> Result<Vec<Value>> {
        let (lang, today) = (shell.lang().code(), self.env.today());
        let names = self.names_in(list, &[]).await?;
        let summaries = self.summaries(list, lang).await?;
        let mut acts_for = Vec::new();
        if me.is_some() {
            acts_for = self.people_of(&mut self.db.read().await?, me).await?;
        }
        let mut rows = Vec::with_capacity(list.len());
        for (a, summary) in list.iter().zip(summaries) {
            let open = a.case.state == State::Open;
            let rule = a.case.rule().filter(|_| open);
            let turn = me.and_then(|me| a.case.turn(me, &acts_for));
            let picks = turn.is_some() && rule.is_some_and(|rule| !rule.signature);
            let due = a.due.filter(|_| open);
            rows.push(json!({
                "href": format!("/approvals/{}", a.id),
                "pick": picks.then(|| format!("{}:{}:{}", a.id, a.case.round, a.case.step)),
                "about": summary.about, "kind": shell.t(self.kind(&a.kind)?.title()),
                "unit": names.units.get(&a.unit), "applicant": names.people.get(&a.case.applicant),
                "at": a.created_at.0, "step": rule.map(|rule| rule.name.get(lang)),
                "due": due.map(format_date), "late": due.is_some_and(|due| due < today),
                "tag": tag(shell, a.case.state),
            }));
        }
        Ok(rows)
    }

    /// A line of the timeline: who, what, when, what was said.
    fn line(&self, shell: &Shell, a: &Approval, e: &Event, names: &Known) -> Value {
        let name = |id: Option<PersonId>| id.and_then(|id| names.people.get(&id).cloned());
        let lang = shell.lang().code();
        let step = usize::try_from(e.step)
            .ok()
            .and_then(|n| a.case.route.steps.get(n));
        let step = step.map_or("", |step| step.name.get(lang));
        let other = name(e.other).unwrap_or_default();
        let key = format!("approvals-event-{}", e.act);
        let mut text = shell.t_with(&key, &[("step", step), ("other", &other)]);
        if let Some(of) = name(e.acted_for) {
            text = shell.t_with("approvals-for", &[("person", &of), ("text", &text)]);
        }
        if e.act == "sent" && e.round > 1 {
            let round = e.round.to_string();
            text = shell.t_with("approvals-event-sent-again", &[("round", &round)]);
        }
        let problem = e.problem.as_ref();
        let problem =
            problem.map(|(key, args)| notices::say(shell.catalog(), shell.lang(), key, args));
        let said = Some(e.reason.clone()).filter(|reason| !reason.is_empty());
        let state = match &*e.act {
            "returned" | "refused" | "not-applied" | "overdue" | "withdrawn" => "bad",
            _ => "ok",
        };
        json!({ "state": state, "who": name(e.person), "text": text, "at": e.at.0, "quote": said.or(problem),
            "signed": e.signed.as_ref().map(|hash| hash.chars().take(16).collect::<String>()) })
    }

    /// How long the present step has lasted.
    fn lasted(&self, shell: &Shell, a: &Approval, events: &[Event]) -> String {
        let here = i64::try_from(a.case.step).unwrap_or(0);
        let before = |e: &&Event| e.round < a.case.round || e.step < here || e.act == "sent";
        let since = events.iter().rev().find(before);
        let since = since.map_or(a.created_at, |e| e.at);
        let minutes = (self.env.now().0 - since.0).max(0) / (60 * Timestamp::SECOND);
        let (days, hours) = (minutes / 1440, minutes % 1440 / 60);
        let (key, days, hours) = if days > 0 {
            ("approvals-lasted-days", days, hours)
        } else {
            ("approvals-lasted-hours", days, hours)
        };
        shell.t_with(
            key,
            &[("days", &days.to_string()), ("hours", &hours.to_string())],
        )
    }

    /// The page of one approval.
    pub(crate) async fn page(
        &self,
        shell: &Shell,
        access: &Access,
        (a, events, turn): &(Approval, Vec<Event>, Option<PersonId>),
        form: web::Form,
        problem: Option<&Msg>,
    ) -> Result<Value> {
        let (lang, me) = (shell.lang().code(), access.principal.person);
        let kind = self.kind(&a.kind)?;
        let list = std::slice::from_ref(a);
        let names = self.names_in(list, events).await?;
        let summary = self.summaries(list, lang).await?.pop();
        let summary = summary.ok_or_else(|| Error::internal("an approval without summary"))?;
        let open = a.case.state == State::Open;
        let mine = me == Some(a.case.applicant);
        let rule = a.case.rule().filter(|_| open);
        let lines = summary.lines.iter();
        let lines = lines.map(|l| {
            let label = notices::say(shell.catalog(), shell.lang(), l.label.key, &l.label.args);
            json!({ "label": label, "before": l.before, "after": l.after })
        });
        let people = a.case.tasks.iter().filter(|t| t.step == a.case.step);
        let people = people.map(|t| {
            let state = match t.state {
                TaskState::Open => "open",
                TaskState::Agreed => "agreed",
                TaskState::Passed => "passed",
                TaskState::Closed => "closed",
            };
            json!({ "name": names.people.get(&t.person), "state": state,
                "note": shell.t(&format!("approvals-part-{state}")) })
        });
        let now = rule.map(|rule| {
            json!({ "name": rule.name.get(lang), "people": people.collect::<Value>(),
                "since": self.lasted(shell, a, events), "due": a.due.map(format_date),
                "late": a.due.is_some_and(|due| due < self.env.today()) })
        });
        let later = a
            .case
            .route
            .steps
            .iter()
            .skip(a.case.step + 1)
            .filter(|_| open);
        let later: Vec<&str> = later.map(|step| step.name.get(lang)).collect();
        let acting = turn.filter(|of| me != Some(*of));
        let mend = kind
            .mend_href(a)
            .filter(|_| mine && a.case.state == State::Returned);
        Ok(json!({
            "id": a.id, "kind": shell.t(kind.title()), "about": summary.about, "href": summary.href,
            "unit": names.units.get(&a.unit), "applicant": names.people.get(&a.case.applicant),
            "sent": a.created_at.0, "round": a.case.round, "seen": [a.case.round, a.case.step as i64],
            "tag": tag(shell, a.case.state), "lines": lines.collect::<Value>(), "intact": a.intact, "erased": a.erased_at.is_some(), "hash": a.hash,
            "events": events.iter().map(|e| self.line(shell, a, e, &names)).collect::<Value>(),
            "now": now, "later": later, "turn": turn.is_some(),
            "acting_for": acting.and_then(|of| names.people.get(&of)),
            "delegate": rule.is_some_and(|rule| rule.delegate),
            "signature": rule.is_some_and(|rule| rule.signature),
            "mine": mine, "open": open, "mend": mend, "form": form,
            "problem": problem.map(|m| notices::say(shell.catalog(), shell.lang(), m.key, &m.args)),
            "crumbs": [web::view::Crumb { label: shell.t("approvals-menu"), href: "/approvals".into() }],
        }))
    }
}
