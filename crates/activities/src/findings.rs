//! What a meeting finds or gives as more than a question (会议发现的问题、交办的任务): a case of whoever keeps cases, raised in
//! the transaction that records what was decided. A duty is a request or a case, never both. What was raised stays when the
//! decision is taken back: only who keeps it can end it, and the page says so.

use std::collections::HashMap;
use std::sync::Arc;

use commons::findings::{Finder, Finding, Found, Intake};
use db::Tx;
use identity::Actor;
use kernel::{ActivityId, Error, Id, Msg, Result};

use crate::decisions::Duty;
use crate::{Activities, Activity};

/// What sort of record these come from.
const ACTIVITY: &str = "activity";
/// Where they come from, by the vocabulary of cases.
const ORIGIN: &str = "meeting";

/// What somebody is asked for by a duty (交办方式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DutyWay {
    /// An answer (待办).
    #[default]
    Request,
    /// More than an answer: a case of the kind of tasks (任务台账).
    Task,
    /// To mend a problem that the meeting named (问题台账).
    Problem,
}

impl DutyWay {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Request, Self::Task, Self::Problem];

    /// Its code in forms; of a case its kind, by the packs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Task => "task",
            Self::Problem => "problem",
        }
    }

    /// The one with a code; without one it is a request.
    pub fn from_code(code: &str) -> Option<Self> {
        match code.trim() {
            "" => Some(Self::Request),
            code => Self::ALL.into_iter().find(|w| w.code() == code),
        }
    }
}

impl Activities {
    /// The same, whose findings and tasks somebody keeps until they are done.
    pub fn with_intake(mut self, intake: Arc<dyn Intake>) -> Self {
        self.intake = Some(intake);
        self
    }

    /// Raises a duty as a case; the same unit or person is named once by a decision, however often it is sent.
    pub(crate) async fn raise_case(
        &self,
        tx: &mut Tx,
        a: &Activity,
        (because, what): (Id, &str),
        duty: &Duty,
        actor: &Actor,
    ) -> Result<()> {
        let intake = self.intake.as_ref().ok_or(Error::NotFound)?;
        let today = self.env.today();
        let unit = match (duty.unit, duty.person) {
            (Some(unit), _) => unit,
            (None, Some(person)) => self
                .organization
                .unit_of(person, today)
                .await?
                .ok_or_else(|| Error::field("duty-unit", Msg::new("duty-case-unit")))?,
            (None, None) => return Err(Error::field("duty-unit", Msg::new("duty-case-unit"))),
        };
        let whom = duty
            .person
            .map_or_else(|| unit.to_string(), |p| p.to_string());
        let mut detail = what.to_owned();
        if let Some(day) = duty.due {
            detail += &format!("\n会议要求 {} 前完成", kernel::format_date(day));
        }
        let finding = Finding {
            key: format!("{because}/{}/{whom}", duty.way.code()),
            source_kind: ACTIVITY,
            source_id: a.id.into(),
            source_title: a.title.clone(),
            source_href: format!("/activities/{}", a.id),
            origin: ORIGIN.to_owned(),
            kind: duty.way.code().to_owned(),
            title: what.chars().take(100).collect(),
            detail,
            severity: String::new(),
            area: String::new(),
            clause: String::new(),
            unit,
            owner: duty.person,
            from: a.host,
        };
        let by = Finder {
            account: actor.account,
            on_behalf: actor.on_behalf,
            address: actor.address.clone(),
        };
        intake.raise(tx, &finding, &by).await.map(|_| ())
    }

    /// The cases of an activity, by the decision or resolution because of which each was raised.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cases(&self, id: ActivityId) -> Result<HashMap<Id, Vec<Found>>> {
        let mut by: HashMap<Id, Vec<Found>> = HashMap::new();
        let Some(intake) = &self.intake else {
            return Ok(by);
        };
        let mut tx = self.db.read().await?;
        for found in intake.of_source(&mut tx, ACTIVITY, id.into()).await? {
            let because = found.key.split('/').next().and_then(|id| id.parse().ok());
            if let Some(because) = because {
                by.entry(because).or_default().push(found);
            }
        }
        Ok(by)
    }
}
