//! Raising a case: what is checked, what may recur, what is said at once.

use commons::packs::hash_of;
use db::Tx;
use identity::Actor;
use jiff::ToSpan;
use kernel::{Error, FieldError, Id, Msg, Result, UnitId};
use serde_json::json;

use crate::case::{Act, Case, Evidence, Hand, Measure};
use crate::kind::{Field, FieldType, Kind, Side, Stage};
use crate::model::{Eyes, Matter, Raise};
use crate::searching;
use crate::service::{Cases, LONGEST, MANY, TITLE, tidy, unfit};
use crate::store;

impl Cases {
    pub(crate) fn check_field(&self, field: &Field, value: &str) -> Option<Msg> {
        if value.is_empty() {
            return field.required.then(|| Msg::new("cases-field-missing"));
        }
        let fits = match field.kind {
            FieldType::Text => value.chars().count() <= 500 && !value.chars().any(char::is_control),
            FieldType::Number => value.parse::<i64>().is_ok(),
            FieldType::Date => kernel::parse_date(value).is_some(),
            FieldType::YesNo => matches!(value, "yes" | "no"),
        };
        (!fits).then(|| Msg::new("cases-field-wrong"))
    }

    /// What is wrong with what is to be raised.
    pub(crate) fn check(&self, kind: &Kind, raise: &Raise) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            });
        };
        let title = raise.title.trim();
        if !(2..=TITLE).contains(&title.chars().count()) || title.contains(char::is_control) {
            wrong("title", Msg::new("cases-title-wrong").with("most", TITLE));
        }
        if unfit(&raise.detail) {
            wrong("detail", Msg::new("cases-text-wrong").with("most", LONGEST));
        }
        if kind.severity(&raise.severity).is_none() {
            wrong("severity", Msg::new("cases-choice-missing"));
        }
        let lists = [
            ("area", &kind.areas, &raise.area),
            ("source", &kind.sources, &raise.source),
            ("clause", &kind.clauses, &raise.clause),
        ];
        for (field, list, value) in lists {
            if !value.is_empty() && !list.iter().any(|c| c.code == *value) {
                wrong(field, Msg::new("cases-choice-missing"));
            }
        }
        for field in &kind.fields {
            let value = raise.values.get(&field.code).map_or("", String::as_str);
            if field.after && !value.is_empty() {
                wrong(&format!("v-{}", field.code), Msg::new("cases-field-after"));
                continue;
            }
            if let Some(message) = self.check_field(field, value) {
                wrong(&format!("v-{}", field.code), message);
            }
        }
        if raise.co.len() > MANY {
            wrong("co", Msg::new("cases-many").with("most", MANY));
        }
        if let Some((text, files)) = &raise.fixed {
            if !kind.quick {
                wrong("fixed", Msg::new("cases-not-quick"));
            }
            if text.trim().chars().count() < 2 || unfit(text) {
                wrong("fixed", Msg::new("cases-text-missing"));
            }
            if files.is_empty() {
                wrong("file", Msg::new("cases-file-missing"));
            }
            if raise.owner.is_none() {
                wrong("owner", Msg::new("cases-owner-missing"));
            }
        }
        errors
    }

    /// Earlier cases of the same unit and clause, within the months of the kind: what may recur.
    pub async fn similar(
        &self,
        tx: &mut Tx,
        kind: &Kind,
        unit: UnitId,
        clause: &str,
    ) -> Result<Vec<Matter>> {
        let Some(months) = kind.recurs.filter(|_| !clause.is_empty()) else {
            return Ok(Vec::new());
        };
        let since = self.env.today().saturating_sub(months.months());
        store::similar(tx, (unit, clause), since).await
    }

    /// Raises a case in the transaction of whoever does; the same id, or the same key within its origin, is raised once.
    /// Whether the units and people may be named is the caller's to know.
    ///
    /// # Errors
    /// `Invalid` per field (`recurs` when it has to be said whether it is the same again); `Conflict` when the id stands for
    /// something else.
    pub async fn raise_in(&self, tx: &mut Tx, raise: &Raise, actor: &Actor) -> Result<Id> {
        let kind = self.kinds.get(&raise.kind);
        let kind = kind.ok_or_else(|| Error::field("kind", Msg::new("cases-choice-missing")))?;
        Error::if_any(self.check(kind, raise))?;
        if let Some(known) = store::one(tx, raise.id).await? {
            let same = known.raiser == actor.account && known.title == raise.title.trim();
            let taken = || Error::Conflict(Msg::new("cases-id-taken"));
            return same.then_some(raise.id).ok_or_else(taken);
        }
        if let (Some(origin), Some(key)) = (&raise.origin, &raise.key)
            && let Some(known) = store::by_key(tx, origin, key).await?
        {
            return Ok(known);
        }
        let before = self.similar(tx, kind, raise.unit, &raise.clause).await?;
        if !before.is_empty() && raise.recurs.is_none() {
            let message = Msg::new("cases-recurs-ask").with("count", before.len());
            return Err(Error::field("recurs", message));
        }
        let recurs = before.first().filter(|_| raise.recurs == Some(true));
        let (today, now) = (self.env.today(), self.env.now());
        let due = kind.due(&raise.severity, today, &self.calendar);
        let due = due.ok_or_else(|| Error::internal("a checked severity"))?;
        let person = match actor.account {
            Some(account) => store::person_of(tx, account).await?,
            None => None,
        };
        let first = &kind.states[0].code;
        let raised = Act::Raised {
            due,
            unit: raise.unit,
        };
        let mut events = vec![self.event(1, raised, first, actor, person)];
        let mut case = Case::of(kind, &events)?;
        if let Some(of) = recurs {
            let act = Act::Recurs { of: of.id };
            events.push(self.event(2, act, first, actor, person));
        }
        // Whoever raises may say at once who mends it, and even that it is mended.
        let mut go = |case: &mut Case, act: Act, text: &str, files: &[Evidence]| -> Result<()> {
            let hand = Hand {
                person,
                sides: [Side::Raiser, Side::Owner].into(),
                ..Hand::default()
            };
            let state = case.decide(kind, &hand, &act, (text, files.len()), today)?;
            let mut event = self.event(events.len() as i64 + 1, act, &state, actor, person);
            (event.text, event.files) = (tidy(text), files.to_vec());
            case.apply(kind, &event);
            events.push(event);
            Ok(())
        };
        if raise.owner.is_some() || !raise.co.is_empty() || raise.fixed.is_some() {
            let act = Act::Assigned {
                unit: raise.unit,
                owner: raise.owner,
                co: raise.co.clone(),
                supervisor: raise.supervisor,
            };
            go(&mut case, act, "", &[])?;
        }
        if let (Some((text, files)), Some(owner)) = (&raise.fixed, raise.owner) {
            let measure = Measure {
                no: 1,
                text: tidy(text),
                owner,
                due: today.max(due),
                done: Some(today),
            };
            let planned = Act::Planned {
                cause: kind.name.zh.clone() + "：即知即改",
                measures: vec![measure],
            };
            go(&mut case, planned, "", &[])?;
            go(&mut case, Act::Submitted, text, files)?;
        }
        let hash = hash_of(kind)?;
        store::put_rule(tx, &hash, kind).await?;
        let number = store::next_number(tx, &kind.code, today.year()).await?;
        let mut matter = Matter {
            id: raise.id,
            number: kind.number_of(today.year(), number),
            kind: kind.code.clone(),
            rule: hash,
            title: raise.title.trim().to_owned(),
            detail: tidy(&raise.detail),
            severity: raise.severity.clone(),
            area: raise.area.clone(),
            source: raise.source.clone(),
            clause: raise.clause.clone(),
            values: raise.values.clone(),
            unit: raise.unit,
            from: raise.from,
            raiser: actor.account,
            owner: None,
            supervisor: raise.supervisor,
            state: String::new(),
            stage: Stage::Point,
            end: None,
            due,
            until: due,
            raised_on: today,
            closed_on: None,
            measures: 0,
            done: 0,
            extensions: 0,
            reopenings: 0,
            recurred: if recurs.is_some() {
                before.len() as i64
            } else {
                0
            },
            look_on: None,
            looking: false,
            next_on: None,
            declared: false,
            confidential: raise.reporter.as_ref().is_some_and(|r| r.confidential),
            origin: raise.origin.clone(),
            version: events.len() as i64,
            created_at: now,
            updated_at: now,
        };
        let yesterday = today.saturating_sub(1.day());
        self.project(&mut matter, kind, &case);
        matter.supervisor = case.supervisor.or(raise.supervisor);
        matter.next_on = self.next_rung(kind, due, yesterday);
        if !store::insert(tx, &matter, raise.key.as_deref()).await? {
            return Err(Error::Retry("a case was sent twice".into()));
        }
        for event in &events {
            store::note(tx, matter.id, event).await?;
        }
        let mut shown = case.clone();
        shown.supervisor = matter.supervisor;
        store::put_parts(tx, matter.id, &shown, person).await?;
        if let Some(reporter) = raise
            .reporter
            .as_ref()
            .filter(|r| !r.name.trim().is_empty())
        {
            self.keep_reporter(tx, matter.id, reporter).await?;
        }
        if let Some(of) = recurs {
            store::link(tx, matter.id, "recurs", of.id).await?;
        }
        searching::index(tx, kind, &matter).await?;
        self.write_raised(tx, &matter, actor.account).await?;
        let detail = json!({ "kind": matter.kind, "number": matter.number, "unit": matter.unit });
        self.audit(tx, actor, "case.raised", matter.id, detail)
            .await?;
        let to = self.owners_of(tx, &matter, &case).await?;
        self.say(tx, &matter, &to, "cases-notice-raised", person)
            .await?;
        if case.stage(kind) == Stage::Check {
            let to = self.supervisors_of(tx, &matter, &case).await?;
            self.say(tx, &matter, &to, "cases-notice-submitted", person)
                .await?;
        }
        Ok(matter.id)
    }

    /// Raises a case by itself.
    ///
    /// # Errors
    /// As [`Cases::raise_in`]; `NotFound` when one may not raise for that unit.
    pub async fn raise(&self, raise: &Raise, eyes: &Eyes, actor: &Actor) -> Result<Id> {
        self.organization.unit(raise.from, &eyes.raises).await?;
        db::transaction!(self.db, |tx| self.raise_in(tx, raise, actor).await)
    }
}
