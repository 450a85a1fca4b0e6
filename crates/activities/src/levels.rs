//! The level of secrecy (密级) of an activity, raised and lowered.

use identity::Actor;
use kernel::{ActivityId, Error, Msg, Result};
use serde_json::json;

use crate::service::who;
use crate::{Activities, View, store};

impl Activities {
    /// Gives an activity another level of secrecy, with a reason that the audit trail keeps.
    ///
    /// # Errors
    /// `Invalid` without a reason, or for a level that may not be here; `NotFound`; `Conflict` when it was changed
    /// meanwhile.
    pub async fn set_level(
        &self,
        id: ActivityId,
        level: &str,
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let reason = reason.trim();
        let length = reason.chars().count();
        if level.trim().is_empty() {
            return Err(Error::field("level", Msg::new("secrecy-level-unknown")));
        }
        let level = self.levels.take(level, None)?;
        if !(2..=200).contains(&length) || reason.contains(char::is_control) {
            return Err(Error::field(
                "level-reason",
                Msg::new("level-reason-missing"),
            ));
        }
        db::transaction!(self.db, |tx| {
            let known = store::activity(tx, id, &view).await?;
            if known.level == level.code {
                return Ok(());
            }
            if !store::change_level(tx, id, &known.level, &level.code).await? {
                return Err(Error::Conflict(Msg::new("changed-meanwhile")));
            }
            let detail = json!({ "from": known.level, "to": level.code, "reason": reason });
            self.audit(tx, &actor, "activity.level-changed", id, detail)
                .await
        })
    }
}
