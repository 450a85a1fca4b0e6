//! Accounts of people whose personal data are erased (清除).

use db::Tx;
use kernel::{AccountId, Error, Msg, PersonId, Result};
use serde_json::json;

use crate::service::record;
use crate::{Actor, Identity, store};

impl Identity {
    /// Closes the account of a person, in the transaction that erases their data, and takes away what it tells: login
    /// name, passwords, second factor, sessions, what a directory told. Its id stays, so that the audit trail
    /// and all that was recorded still name somebody.
    ///
    /// # Errors
    /// `Conflict` while the account holds a duty of administrators (三员).
    pub async fn erase_account_of(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        person: PersonId,
    ) -> Result<Option<AccountId>> {
        let Some(account) = store::erasure::account_of(tx, person).await? else {
            return Ok(None);
        };
        if store::duties::of(tx, account).await?.is_some() {
            return Err(Error::Conflict(Msg::new("identity-erase-duty")));
        }
        let text = account.to_string();
        let login = format!("erased-{}", &text[text.len() - 12..]);
        let now = self.env.now();
        store::erasure::erase(tx, account, &login, now, actor.account).await?;
        store::delegations::end_all(tx, account, actor.account, now).await?;
        let entry = actor.audit("account.erased", ("account", account), json!({}));
        record(tx, &self.env, &entry).await?;
        Ok(Some(account))
    }
}
