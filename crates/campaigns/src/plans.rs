//! The plan of a campaign (工作方案): versions with text and files; issued under a number once an approval agreed.

use approvals::By;
use db::Tx;
use desk::{Attached, Waiting};
use identity::{Actor, Author};
use jiff::civil::Date;
use kernel::{Error, Id, Msg, Result, Timestamp, format_date};
use serde_json::json;

use crate::approving::{self, PLAN_ISSUE};
use crate::model::{Campaign, Eyes, LONGEST, State, TITLE, tidy, unfit};
use crate::service::Campaigns;
use crate::store::{self, parts};

/// Where a version of a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// Written (起草).
    Draft,
    /// Somebody was asked (送审).
    Asked,
    /// Issued (已印发).
    Issued,
    /// Refused or withdrawn (未通过).
    Refused,
    /// A later one was issued (已更新).
    Replaced,
}

impl PlanState {
    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Asked => "asked",
            Self::Issued => "issued",
            Self::Refused => "refused",
            Self::Replaced => "replaced",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::Draft,
            Self::Asked,
            Self::Issued,
            Self::Refused,
            Self::Replaced,
        ]
        .into_iter()
        .find(|s| s.code() == code)
    }
}

/// A version of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its number in the campaign, from 1.
    pub n: i64,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Files.
    pub files: Vec<Attached>,
    /// The organ's word in the number (机关代字): 澜司发.
    pub mark: String,
    /// Where it stands.
    pub state: PlanState,
    /// The approval that was asked for.
    pub approval: Option<Id>,
    /// Its number (文号), once it was issued.
    pub number: Option<String>,
    /// When it was issued.
    pub issued_on: Option<Date>,
    /// When it was written.
    pub at: Timestamp,
}

impl Campaigns {
    /// Writes another version of the plan.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when one is being decided about, or the campaign is over.
    pub(crate) async fn write_plan(
        &self,
        id: Id,
        (title, body, mark): (&str, &str, &str),
        files: &[Waiting],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<i64> {
        let (title, mark) = (tidy(title), tidy(mark));
        let wrong = |field: &str, key, most: usize| {
            Err(Error::field(field, Msg::new(key).with("most", most)))
        };
        if title.chars().count() < 2 || unfit(&title, TITLE) || title.contains('\n') {
            return wrong("title", "campaigns-title-wrong", TITLE);
        }
        if unfit(body, LONGEST) || (body.trim().is_empty() && files.is_empty()) {
            return wrong("body", "campaigns-plan-empty", LONGEST);
        }
        if mark.is_empty() || mark.chars().count() > 20 || !mark.chars().all(char::is_alphanumeric)
        {
            return wrong("mark", "campaigns-mark-wrong", 20);
        }
        let kept = self.attachments.keep(files).await?;
        db::transaction!(self.db, |tx| {
            let (mut c, _) = self.planned(tx, id, None, eyes).await?;
            if !matches!(c.state, State::Planned | State::Running) {
                return Err(Error::Conflict(Msg::new("campaigns-over")));
            }
            let plans = parts::plans(tx, id).await?;
            if plans.iter().any(|p| p.state == PlanState::Asked) {
                return Err(Error::Conflict(Msg::new("campaigns-plan-asked")));
            }
            let plan = Plan {
                n: plans.first().map_or(1, |p| p.n + 1),
                title: title.clone(),
                body: tidy(body),
                files: kept.clone(),
                mark: mark.clone(),
                state: PlanState::Draft,
                approval: None,
                number: None,
                issued_on: None,
                at: self.env.now(),
            };
            parts::put_plan(tx, id, &plan, actor.into()).await?;
            let body = json!({ "n": plan.n });
            self.happened(tx, &mut c, "plan", body, "", actor).await?;
            Ok(plan.n)
        })
    }

    /// Asks those who approve to issue the last version of the plan.
    ///
    /// # Errors
    /// `Conflict` when it is no draft, or nobody is there who could approve.
    pub async fn ask_plan(&self, id: Id, n: i64, eyes: &Eyes, by: &By) -> Result<()> {
        let approvals = self.approvals.as_ref();
        let approvals = approvals.ok_or_else(|| Error::internal("no approvals"))?;
        let actor = approving::actor(by);
        db::transaction!(self.db, |tx| {
            let (mut c, _) = self.planned(tx, id, None, eyes).await?;
            if !matches!(c.state, State::Planned | State::Running) {
                return Err(Error::Conflict(Msg::new("campaigns-over")));
            }
            let plans = parts::plans(tx, id).await?;
            let last = plans
                .first()
                .filter(|p| p.n == n && p.state == PlanState::Draft);
            let plan = last.ok_or_else(|| Error::Conflict(Msg::new("campaigns-plan-old")))?;
            let approval: Id = self.env.new_id();
            let (from, to) = (PlanState::Draft, PlanState::Asked);
            if !parts::turn_plan(tx, (id, n), from, to, Some(approval)).await? {
                return Err(Error::Retry("a plan was changed meanwhile".into()));
            }
            let new = approvals::New {
                id: approval,
                kind: PLAN_ISSUE,
                unit: c.unit,
                subject: None,
                payload: json!({ "campaign": id, "n": n, "title": plan.title, "body": plan.body, "mark": plan.mark,
                    "files": plan.files, "from": format_date(c.content.from), "to": format_date(c.content.to) }),
            };
            let body = json!({ "n": n });
            self.happened(tx, &mut c, "asked", body, "", &actor).await?;
            approvals.start_in(tx, &new, by).await.map(|_| ())
        })
    }

    /// Issues a plan that was agreed to: number, day, and the units hear of it.
    pub(crate) async fn issue(&self, tx: &mut Tx, id: Id, n: i64, actor: &Actor) -> Result<()> {
        let moved = || Error::Conflict(Msg::new("campaigns-plan-old"));
        let mut c = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
        if !matches!(c.state, State::Planned | State::Running) {
            return Err(Error::Conflict(Msg::new("campaigns-over")));
        }
        let kind = self.rule(tx, &c.rule).await?;
        let plans = parts::plans(tx, id).await?;
        let plan = plans.iter().find(|p| p.n == n).ok_or_else(moved)?;
        let (from, to) = (PlanState::Asked, PlanState::Issued);
        if !parts::turn_plan(tx, (id, n), from, to, plan.approval).await? {
            return Err(moved());
        }
        let today = self.env.today();
        let serial = parts::next_number(tx, &plan.mark, today.year()).await?;
        let number = kind.number_of(&plan.mark, today.year(), serial);
        parts::number_plan(tx, (id, n), (today.year(), serial, &number), today).await?;
        let first = !c.told;
        c.told = true;
        let body = json!({ "n": n, "number": number });
        self.happened(tx, &mut c, "issued", body, "", actor).await?;
        let key = match first {
            true => "campaigns-notice-named",
            false => "campaigns-notice-plan",
        };
        self.tell_units(tx, &c, key).await
    }

    /// A plan that was refused or withdrawn can be written anew.
    pub(crate) async fn not_issued(&self, tx: &mut Tx, id: Id, n: i64) -> Result<()> {
        let Some(mut c): Option<Campaign> = store::hold(tx, id).await? else {
            return Ok(());
        };
        let (from, to) = (PlanState::Asked, PlanState::Refused);
        if parts::turn_plan(tx, (id, n), from, to, None).await? {
            let body = json!({ "n": n });
            let nobody = Actor::default();
            self.happened(tx, &mut c, "refused", body, "", &nobody)
                .await?;
        }
        Ok(())
    }

    /// The checklist that a campaign begins with.
    pub(crate) async fn first_list(
        &self,
        tx: &mut Tx,
        c: &Campaign,
        kind: &crate::CampaignKind,
        actor: &Actor,
    ) -> Result<()> {
        if kind.checklist.is_empty() {
            return Ok(());
        }
        let listed = crate::checklist::Listed {
            n: 1,
            effective: c.content.from,
            sections: kind.checklist.clone(),
            reason: String::new(),
            name: None,
            at: self.env.now(),
        };
        store::scores::put_list(tx, c.id, &listed, Author::from(actor), self.env.now()).await
    }
}
