//! The audit trail as far as this crate needs one. The trail itself knows accounts and therefore people, so it
//! stands above this crate: the program brings it.

use db::Tx;
use futures::future::BoxFuture;
use kernel::{AccountId, PersonId, Result};
use serde_json::Value;
use web::Access;

use crate::service::Organization;

/// On whose behalf something is done, and from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    /// The account; none for the program itself.
    pub account: Option<AccountId>,
    /// In whose place, where somebody acts for another.
    pub on_behalf: Option<AccountId>,
    /// Network address; empty when it is not known.
    pub address: String,
}

impl From<&Access> for By {
    fn from(access: &Access) -> Self {
        Self {
            account: Some(access.principal.account),
            on_behalf: access.on_behalf,
            address: access.address.clone(),
        }
    }
}

impl From<Option<AccountId>> for By {
    fn from(account: Option<AccountId>) -> Self {
        Self {
            account,
            on_behalf: None,
            address: String::new(),
        }
    }
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Deed {
    /// On whose behalf.
    pub by: By,
    /// Such as `unit.merged`.
    pub action: &'static str,
    /// Kind and id of what it was done to.
    pub object: (&'static str, String),
    /// What else there is to know; no personal data.
    pub detail: Value,
}

/// Where deeds are written down, in the transaction that does them.
pub trait Trail: Send + Sync {
    /// Writes one down.
    fn record<'a>(&'a self, tx: &'a mut Tx, deed: Deed) -> BoxFuture<'a, Result<()>>;
}

/// What else is kept of a person elsewhere (account, approvals), which goes along with their personal data.
pub trait Traces: Send + Sync {
    /// Erases it, in the transaction that erases the person.
    ///
    /// # Errors
    /// `Conflict` when something has to be done first.
    fn erase<'a>(
        &'a self,
        tx: &'a mut Tx,
        person: PersonId,
        by: &'a By,
    ) -> BoxFuture<'a, Result<()>>;
}

impl Organization {
    /// The same, which erases traces elsewhere along with a person.
    pub fn with_traces(mut self, traces: impl Traces + 'static) -> Self {
        self.traces = Some(std::sync::Arc::new(traces));
        self
    }

    /// The same, whose deeds are written down.
    pub fn with_trail(mut self, trail: impl Trail + 'static) -> Self {
        self.trail = Some(std::sync::Arc::new(trail));
        self
    }

    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        by: &By,
        action: &'static str,
        object: (&'static str, impl ToString),
        detail: Value,
    ) -> Result<()> {
        let Some(trail) = &self.trail else {
            return Ok(());
        };
        let deed = Deed {
            by: by.clone(),
            action,
            object: (object.0, object.1.to_string()),
            detail,
        };
        trail.record(tx, deed).await
    }

    /// Writes down that a list without people left the program.
    pub(crate) async fn tell_list(
        &self,
        by: impl Into<By>,
        list: &'static str,
        rows: usize,
    ) -> Result<()> {
        let by = by.into();
        db::transaction!(self.db, |tx| {
            let detail = serde_json::json!({ "rows": rows });
            self.tell(tx, &by, "list.exported", (list, ""), detail)
                .await
        })
    }

    /// Writes down that a list of people left the program.
    pub async fn tell_export(
        &self,
        by: impl Into<By>,
        object: (&'static str, impl ToString),
        rows: usize,
    ) -> Result<()> {
        let (by, object) = (by.into(), (object.0, object.1.to_string()));
        db::transaction!(self.db, |tx| {
            let detail = serde_json::json!({ "rows": rows });
            self.tell(tx, &by, "people.exported", (object.0, &object.1), detail)
                .await
        })
    }
}
