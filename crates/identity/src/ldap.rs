//! Passwords of an LDAP directory: the directory is asked whether a password is right; accounts, sessions,
//! locks and the audit trail stay those of this house.

use std::sync::Arc;

use kernel::Result;
use ldap3::{Ldap as Connection, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry};
use rustls::ClientConfig;

use crate::LdapSettings;
use crate::outgoing::{PATIENCE, tls};

/// What the directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// That is the password.
    Right,
    /// That is not.
    Wrong,
    /// The directory does not know this login name.
    Unknown,
    /// No answer that can be relied upon.
    Away,
}

/// Result codes of a bind that mean "no": invalid credentials, no such object, inappropriate authentication,
/// invalid DN, insufficient rights, unwilling, constraint violation.
const NO: [u32; 7] = [49, 32, 48, 34, 50, 53, 19];

/// A directory.
pub(crate) struct Ldap {
    settings: LdapSettings,
    tls: Arc<ClientConfig>,
}

impl Ldap {
    pub(crate) fn new(settings: LdapSettings) -> Result<Self> {
        let tls = Arc::new(tls(settings.ca.as_deref())?);
        Ok(Self { settings, tls })
    }

    /// Whether the directory is asked about an account.
    pub(crate) fn asks(&self, has_password: bool) -> bool {
        self.settings.all_accounts || !has_password
    }

    /// Whether a password is right.
    pub(crate) async fn check(&self, login: &str, password: &str) -> Verdict {
        // A bind without a password is anonymous: it succeeds and says nothing.
        if password.is_empty() || login.is_empty() {
            return Verdict::Wrong;
        }
        for url in &self.settings.urls {
            let asked = tokio::time::timeout(PATIENCE, self.ask(url, login, password)).await;
            match asked {
                Ok(Ok(Verdict::Away)) => {}
                Ok(Ok(verdict)) => return verdict,
                Ok(Err(error)) => tracing::warn!(url, %error, "the directory gave no answer"),
                Err(_) => tracing::warn!(url, "the directory gave no answer in time"),
            }
        }
        Verdict::Away
    }

    async fn ask(&self, url: &str, login: &str, password: &str) -> Result<Verdict, LdapError> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(PATIENCE)
            .set_starttls(self.settings.start_tls && url.starts_with("ldap://"))
            .set_config(self.tls.clone());
        let (connection, mut ldap) = LdapConnAsync::with_settings(settings, url).await?;
        let driven = tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "the connection to the directory ended");
            }
        });
        let verdict = self.ask_on(&mut ldap, login, password).await;
        // The server may have hung up already.
        let _ = ldap.unbind().await;
        driven.abort();
        verdict
    }

    async fn ask_on(
        &self,
        ldap: &mut Connection,
        login: &str,
        password: &str,
    ) -> Result<Verdict, LdapError> {
        let s = &self.settings;
        let name = if s.dn_template.is_empty() {
            if !s.bind_dn.is_empty() {
                let bound = ldap.simple_bind(&s.bind_dn, &s.bind_password.0).await?;
                if bound.rc != 0 {
                    tracing::error!(code = bound.rc, "the directory refuses ldap-bind-dn");
                    return Ok(Verdict::Away);
                }
            }
            let filter = search_filter(&s.filter, login);
            let found = ldap
                .search(&s.base, Scope::Subtree, &filter, ["1.1"])
                .await?;
            if found.1.rc != 0 {
                tracing::error!(
                    code = found.1.rc,
                    "the directory refuses to search ldap-base"
                );
                return Ok(Verdict::Away);
            }
            let mut entries = found.0.into_iter().filter(|entry| !entry.is_ref());
            match (entries.next(), entries.next()) {
                (None, _) => return Ok(Verdict::Unknown),
                (Some(_), Some(_)) => {
                    tracing::error!(login, "several entries of the directory fit ldap-filter");
                    return Ok(Verdict::Wrong);
                }
                (Some(entry), None) => SearchEntry::construct(entry).dn,
            }
        } else {
            s.dn_template.replace(LOGIN, &ldap3::dn_escape(login))
        };
        if name.is_empty() {
            return Ok(Verdict::Wrong);
        }
        let bound = ldap.simple_bind(&name, password).await?;
        Ok(match bound.rc {
            0 => Verdict::Right,
            no if NO.contains(&no) => Verdict::Wrong,
            code => {
                tracing::warn!(code, "the directory could not check a password");
                Verdict::Away
            }
        })
    }
}

/// What stands for the login name in filters and names.
const LOGIN: &str = "{login}";

/// The filter that finds a login name and nothing else.
fn search_filter(template: &str, login: &str) -> String {
    template.replace(LOGIN, &ldap3::ldap_escape(login))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_login_name_stays_one_value_of_the_filter(login in any::<String>()) {
            let filter = search_filter("(&(uid={login})(active=1))", &login);
            let inside = filter.strip_prefix("(&(uid=").and_then(|f| f.strip_suffix(")(active=1))"));
            let inside = inside.expect("nothing else is changed");
            prop_assert!(!inside.contains(['(', ')', '*', '\0']));
        }
    }

    #[test]
    fn what_looks_like_a_filter_is_a_name() {
        let filter = search_filter("(uid={login})", "*)(uid=*");
        assert_eq!(filter, "(uid=\\2a\\29\\28uid=\\2a)");
    }
}
