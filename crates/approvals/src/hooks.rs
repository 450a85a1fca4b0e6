//! What only the program knows: features with their kinds, people and units, passwords, deputies, the trail.

use std::collections::HashMap;

use db::{Args, Tx};
use futures::future::BoxFuture;
use kernel::{Date, Msg, PersonId, Result, Scope, UnitId};
use serde_json::Value;

use crate::model::{Approval, By};
use crate::route::Who;

/// A line of what would change (变更内容).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub label: Msg,
    /// What it is now; empty: nothing.
    pub before: String,
    /// What it would be; empty: nothing.
    pub after: String,
}

/// How an approval reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// What or whom it is about, such as a person's name.
    pub about: String,
    /// Where that is shown.
    pub href: Option<String>,
    /// What would change.
    pub lines: Vec<Line>,
}

/// What can be asked for (审批事项), registered by the feature that does it.
pub trait Kind: Send + Sync {
    /// Code, as routes of packs name it.
    fn code(&self) -> &'static str;

    /// Message key of its name.
    fn title(&self) -> &'static str;

    /// How approvals of this kind read in a language, in their order; no query for each.
    fn summaries<'a>(
        &'a self,
        approvals: &'a [Approval],
        lang: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Summary>>>;

    /// Does what was asked for, in the transaction of the last agreement. A rule that forbids it leaves the
    /// approval open.
    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        approval: &'a Approval,
        by: &'a By,
    ) -> BoxFuture<'a, Result<()>>;

    /// It was refused or withdrawn.
    fn dropped<'a>(&'a self, tx: &'a mut Tx, approval: &'a Approval) -> BoxFuture<'a, Result<()>> {
        let _ = (tx, approval);
        Box::pin(async { Ok(()) })
    }

    /// The page on which anybody may ask for it for themselves, offered on the list of approvals.
    fn ask_href(&self) -> Option<&'static str> {
        None
    }

    /// The form in which who asked mends it after it was returned.
    fn mend_href(&self, approval: &Approval) -> Option<String> {
        let _ = approval;
        None
    }
}

/// Names of people and units.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// People.
    pub people: HashMap<PersonId, String>,
    /// Units.
    pub units: HashMap<UnitId, String>,
}

/// People and units.
pub trait Directory: Send + Sync {
    /// Those whom a step means in exactly this unit on a day; people without an account who could sign in are
    /// no use here.
    fn who<'a>(
        &'a self,
        tx: &'a mut Tx,
        who: &'a Who,
        unit: UnitId,
        day: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>>;

    /// The units from the top down to this one.
    fn path<'a>(&'a self, tx: &'a mut Tx, unit: UnitId) -> BoxFuture<'a, Result<Vec<UnitId>>>;

    /// The person in service with this staff number.
    fn by_staff_no<'a>(
        &'a self,
        tx: &'a mut Tx,
        staff_no: &'a str,
        day: Date,
    ) -> BoxFuture<'a, Result<Option<PersonId>>>;

    /// Names, for rows that may be seen.
    fn names<'a>(
        &'a self,
        people: &'a [PersonId],
        units: &'a [UnitId],
    ) -> BoxFuture<'a, Result<Known>>;

    /// A person's name inside a transaction; empty when there is no such person.
    fn name<'a>(&'a self, _: &'a mut Tx, person: PersonId) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let people = [person];
            let mut known = self.names(&people, &[]).await?;
            Ok(known.people.remove(&person).unwrap_or_default())
        })
    }

    /// `column IN (the units a scope reaches)`; adds its arguments.
    fn within(&self, scope: &Scope, column: &str, args: &mut Args) -> String;
}

/// Asks for a password once more.
pub trait Signers: Send + Sync {
    /// # Errors
    /// `Invalid` for the field `password`; guesses count like guesses at sign-in.
    fn confirm<'a>(&'a self, by: &'a By, password: &'a str) -> BoxFuture<'a, Result<()>>;
}

/// Who acts for whom (代理), by day.
pub trait Deputies: Send + Sync {
    /// Those for whom somebody acts on a day.
    fn acts_for<'a>(
        &'a self,
        tx: &'a mut Tx,
        me: PersonId,
        today: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>>;

    /// Whether somebody may act for a person on a day.
    fn may_act_for<'a>(
        &'a self,
        tx: &'a mut Tx,
        me: PersonId,
        person: PersonId,
        today: Date,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.acts_for(tx, me, today).await?.contains(&person)) })
    }
}

/// Nobody acts for anybody.
pub struct Nobody;

impl Deputies for Nobody {
    fn acts_for<'a>(
        &'a self,
        _: &'a mut Tx,
        _: PersonId,
        _: Date,
    ) -> BoxFuture<'a, Result<Vec<PersonId>>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// What was done, for the audit trail.
#[derive(Debug, Clone)]
pub struct Deed {
    /// On whose behalf; none: by the clock.
    pub by: Option<By>,
    /// Such as `approval.agreed`.
    pub action: &'static str,
    /// Id of the approval.
    pub approval: String,
    /// What else there is to know; no personal data.
    pub detail: Value,
}

/// Where deeds are written down, in the transaction that does them.
pub trait Trail: Send + Sync {
    /// Writes one down.
    fn record<'a>(&'a self, tx: &'a mut Tx, deed: Deed) -> BoxFuture<'a, Result<()>>;
}
