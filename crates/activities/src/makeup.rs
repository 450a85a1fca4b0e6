//! Make-up study (补课): who was absent or on leave studies later what was missed. The absence stays; what was made up
//! is a fact of its own kind, on its own day.

use identity::Actor;
use kernel::{
    AccountId, ActivityId, Date, Error, FactId, FieldError, Id, Msg, PersonId, Result, Timestamp,
};
use serde_json::json;

use crate::service::who;
use crate::store::{files, leave as rows};
use crate::{Activities, NewFile, Role, View, store};

/// What was made up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeUp {
    /// The activity that was missed.
    pub activity: ActivityId,
    /// Who.
    pub person: PersonId,
    /// When.
    pub date: Date,
    /// How long.
    pub minutes: i64,
    /// What.
    pub content: String,
    /// Its fact.
    pub fact: FactId,
    /// When it was entered.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: AccountId,
}

/// What is entered of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewMakeUp {
    /// When.
    pub date: Option<Date>,
    /// How long.
    pub minutes: i64,
    /// What.
    pub content: String,
    /// Proof.
    pub files: Vec<NewFile>,
}

/// Who enters it.
#[derive(Debug, Clone)]
pub enum MadeUpBy {
    /// The person themselves.
    Oneself,
    /// Whoever may record.
    Recorder(View),
}

/// An activity that somebody missed, with what they made up of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The activity.
    pub activity: ActivityId,
    /// Its title.
    pub title: String,
    /// Its day.
    pub date: Date,
    /// Its minutes.
    pub minutes: i64,
    /// Absent or on leave.
    pub role: Role,
    /// What was made up: when and how long.
    pub made_up: Option<(Date, i64)>,
}

impl Activities {
    /// Records what somebody made up of an activity that they missed.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when they were there, made it up before, or it was taken back.
    pub async fn make_up(
        &self,
        id: ActivityId,
        person: PersonId,
        new: &NewMakeUp,
        door: MadeUpBy,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        self.ledger.admit()?;
        let oneself = matches!(door, MadeUpBy::Oneself);
        let view = match door {
            MadeUpBy::Oneself => View::from(&kernel::Scope::All),
            MadeUpBy::Recorder(view) => view.by(by),
        };
        let (a, _) = self.activity(id, view).await?;
        let kind = self.kinds.get(&a.kind).ok_or(Error::NotFound)?;
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        let today = self.env.today();
        let date = new.date.filter(|d| (a.date..=today).contains(d));
        if date.is_none() {
            wrong(
                "date",
                Msg::new("makeup-date").with("date", kernel::format_date(a.date)),
            );
        }
        if !(1..=kind.longest).contains(&new.minutes) {
            wrong(
                "minutes",
                Msg::new("makeup-minutes").with("most", kind.longest),
            );
        }
        let content = new.content.trim();
        let odd = |c: char| c.is_control() && c != '\n' && c != '\r';
        if !(2..=1_000).contains(&content.chars().count()) || content.contains(odd) {
            wrong("content", Msg::new("makeup-content"));
        }
        Error::if_any(errors)?;
        let date = date.ok_or_else(|| Error::internal("a checked date"))?;
        let files = self
            .keep_files(&new.files, date, true, (by, actor.on_behalf))
            .await?;
        db::transaction!(self.db, |tx| {
            let held = store::hold(tx, &[id]).await?;
            let activity = held.get(&id).filter(|a| a.reversed_at.is_none());
            let activity =
                activity.ok_or_else(|| Error::Conflict(Msg::new("activity-reversed")))?;
            let roles = store::roles(tx, &[(id, person)]).await?;
            match roles.get(&(id, person)) {
                Some(Role::Leave | Role::Absent) => {}
                Some(_) => return Err(Error::Conflict(Msg::new("makeup-was-there"))),
                None => return Err(Error::NotFound),
            }
            if rows::made_up(tx, id, person).await? {
                return Err(Error::Conflict(Msg::new("makeup-before")));
            }
            let units = organization::Organization::units_on(tx, &[(person, date)]).await?;
            let unit = units.get(&(person, date)).copied();
            let unit = unit.ok_or_else(|| {
                let message = Msg::new("activity-role-nowhere");
                Error::field("date", message.with("date", kernel::format_date(date)))
            })?;
            let places = self.places(tx, [activity.host, unit], date).await?;
            let fact: FactId = self.env.new_id();
            let mut f = activity.fact(fact, "makeup", places[&activity.host]);
            (f.date, f.minutes, f.starts, f.ends) = (date, Some(new.minutes), None, None);
            (f.person, f.unit) = (Some(person), Some(places[&unit]));
            (f.recorded_at, f.recorded_by) = (self.env.now(), Some(by));
            f.late = kind.is_late(date, today);
            f.source = if oneself { "self" } else { "roster" }.to_owned();
            for file in &files {
                files::add(tx, id, file).await?;
                f.evidence.push(file.sha256.clone());
            }
            let row = MakeUp {
                activity: id,
                person,
                date,
                minutes: new.minutes,
                content: content.to_owned(),
                fact,
                recorded_at: self.env.now(),
                recorded_by: by,
            };
            let row_id: Id = self.env.new_id();
            rows::make_up(tx, row_id, &row).await?;
            self.ledger.append(tx, &[f]).await?;
            // Whoever confirms looks at it again.
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail =
                json!({ "person": person, "date": date.to_string(), "minutes": new.minutes });
            self.audit(tx, &actor, "activity.made-up", id, detail).await
        })
    }

    /// Takes back what was made up (冲正), with a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound` when nothing stands; `Conflict` when the activity was taken back.
    pub async fn take_make_up_back(
        &self,
        id: ActivityId,
        person: PersonId,
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let reason = reason.trim();
        if !(2..=200).contains(&reason.chars().count()) {
            return Err(Error::field("reason", Msg::new("reversal-reason-missing")));
        }
        db::transaction!(self.db, |tx| {
            store::activity(tx, id, &view).await?;
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let fact = rows::unmake(tx, id, person, self.env.now(), reason).await?;
            self.ledger
                .reverse(tx, &[fact.ok_or(Error::NotFound)?], Some(by))
                .await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "person": person, "reason": reason });
            self.audit(tx, &actor, "activity.make-up-reversed", id, detail)
                .await
        })
    }

    /// What was made up of an activity.
    pub async fn make_ups(&self, id: ActivityId) -> Result<Vec<MakeUp>> {
        rows::make_ups(&mut self.db.read().await?, id).await
    }

    /// What a person missed since a day, the newest first.
    pub async fn missed(&self, person: PersonId, since: Date) -> Result<Vec<Missed>> {
        rows::missed(&mut self.db.read().await?, person, since).await
    }
}
