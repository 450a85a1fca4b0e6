//! Who looks: the scope, and what of the confidential is theirs.

use db::Args;
use kernel::{AccountId, PersonId, Scope};
use organization::scope_sql;
use web::Access;

use crate::CONFIDENTIAL;
use crate::store::participants;

/// Who looks at activities. A confidential one is there for its two people, for whoever entered it and for who holds
/// the permission; for all others it does not exist, and only the numbers count it.
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) scope: Scope,
    account: Option<AccountId>,
    person: Option<PersonId>,
    confidential: Scope,
    part: bool,
}

impl From<&Scope> for View {
    /// Nobody in particular: nothing confidential.
    fn from(scope: &Scope) -> Self {
        Self {
            scope: scope.clone(),
            account: None,
            person: None,
            confidential: Scope::nothing(),
            part: false,
        }
    }
}

impl From<&Access> for View {
    fn from(access: &Access) -> Self {
        let principal = &access.principal;
        // Who acts for another sees nothing of what concerns that one's person.
        let own = principal.on_behalf.is_none();
        let held = principal.scope(CONFIDENTIAL).cloned();
        Self {
            scope: access.scope.clone(),
            account: Some(principal.account),
            person: principal.person.filter(|_| own),
            confidential: held.unwrap_or_else(Scope::nothing),
            part: false,
        }
    }
}

impl View {
    /// The same, by this account.
    pub(crate) fn by(mut self, account: AccountId) -> Self {
        self.account = self.account.or(Some(account));
        self
    }

    /// The same, also reaching what is confidential in a scope.
    pub fn with_confidential(mut self, scope: Scope) -> Self {
        self.confidential = scope;
        self
    }

    /// The same, as a person sees it.
    pub fn of(mut self, person: PersonId) -> Self {
        self.person = Some(person);
        self
    }

    /// The same, also reaching what units of the scope take part in: to be read, not to be changed.
    pub fn taking_part(mut self) -> Self {
        self.part = true;
        self
    }

    /// The condition on a row of activities, named `a`.
    pub(crate) fn sql(&self, args: &mut Args) -> String {
        let scope = scope_sql(&self.scope, "a.host", args);
        let mut open = "NOT a.confidential".to_owned();
        if let Some(account) = self.account {
            let account = args.push(account);
            open += &format!(" OR a.recorded_by = {account}");
        }
        if !self.confidential.is_empty() {
            open += " OR ";
            open += &scope_sql(&self.confidential, "a.host", args);
        }
        let mut sql = format!("({scope} AND ({open})");
        if self.part {
            sql += " OR ";
            sql += &participants::taking_part(&self.scope, args);
        }
        if let Some(person) = self.person {
            let person = args.push(person);
            sql += &format!(
                " OR (a.confidential AND (a.pair_person = {person} OR a.pair_other = {person}))"
            );
        }
        sql + ")"
    }
}
