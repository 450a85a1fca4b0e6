//! Security settings (登录安全设置) and what they ask of a password.

use std::path::PathBuf;

use axum::http::{HeaderMap, header};
use kernel::{Error, FieldError, Msg, Result, Timestamp};

/// Longest password: more is not more secure, only slower.
pub(crate) const LONGEST: usize = 128;
/// Seconds of a day.
const DAY: i64 = 24 * 3600;

/// A text that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// What a claim of a provider is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// The login name.
    Login,
    /// The identifier that a directory gave the account by SCIM.
    External,
    /// The staff number of the account's person.
    StaffNo,
}

/// Sign-in by an OpenID Connect provider (统一身份认证).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// Issuer, such as `https://id.example`.
    pub issuer: String,
    /// Identifier of this program there.
    pub client_id: String,
    /// Its secret; empty for a public client.
    pub client_secret: Secret,
    /// The name on the button; empty: the usual one.
    pub name: String,
    /// Scopes asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim that says who it is.
    pub claim: String,
    /// What it is compared with.
    pub binding: Binding,
    /// A second factor there counts here.
    pub trust_second: bool,
    /// Code of the unit in which accounts are opened for unknown people; empty: none are opened.
    pub open_in: String,
    /// Authorities that are trusted instead of the system's (PEM).
    pub ca: Option<PathBuf>,
}

/// Sign-in with the password of an LDAP directory (目录).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapSettings {
    /// `ldaps://…` or `ldap://…`, asked in this order.
    pub urls: Vec<String>,
    /// Encrypts `ldap://` by StartTLS.
    pub start_tls: bool,
    /// Authorities that are trusted instead of the system's (PEM).
    pub ca: Option<PathBuf>,
    /// Where people are looked for.
    pub base: String,
    /// How they are looked for; `{login}` stands for the login name.
    pub filter: String,
    /// Who looks; empty: anybody may.
    pub bind_dn: String,
    /// Their password.
    pub bind_password: Secret,
    /// The name of an entry made from `{login}`; nobody is looked for then.
    pub dn_template: String,
    /// The directory is asked also for accounts that have a password here, whose own password then counts
    /// only where the directory does not know them or is away.
    pub all_accounts: bool,
}

/// How strict sign-in is. The defaults are the usual values for level 3 of GB/T 22239.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecuritySettings {
    /// Shortest password, in characters.
    pub shortest: usize,
    /// How many of the four classes of characters a password needs.
    pub classes: usize,
    /// How many of the last passwords may not come back; the present one is the first of them.
    pub history: i64,
    /// Days after which a password must be changed; 0: never.
    pub change_days: i64,
    /// Seconds without a request after which a session ends.
    pub idle_seconds: i64,
    /// Seconds after which a session ends in any case.
    pub absolute_seconds: i64,
    /// Failed sign-ins in a row that lock an account.
    pub most_failures: i64,
    /// Seconds an account stays locked.
    pub lock_seconds: i64,
    /// Whoever has a duty needs a second factor.
    pub duty_second: bool,
    /// Days for which an activation code is good.
    pub code_days: i64,
    /// Most days for which somebody lets another act in their place.
    pub delegation_days: i64,
    /// Days for which the audit trail is kept; never fewer than [`SecuritySettings::LEAST_AUDIT_DAYS`].
    pub audit_days: i64,
    /// The cookie is for HTTPS only; must be the same as `web::Options::secure`.
    pub secure: bool,
    /// The address by which others reach this server, such as `https://suneng.example`; empty: as they call it.
    pub public_url: String,
    /// Sign-in by a provider.
    pub oidc: Option<OidcSettings>,
    /// Sign-in with the password of a directory.
    pub ldap: Option<LdapSettings>,
}

impl Default for SecuritySettings {
    fn default() -> Self {
        Self {
            shortest: 8,
            classes: 3,
            history: 5,
            change_days: 90,
            idle_seconds: 15 * 60,
            absolute_seconds: 12 * 3600,
            most_failures: 5,
            lock_seconds: 30 * 60,
            duty_second: false,
            code_days: 7,
            delegation_days: 90,
            audit_days: 3 * 365,
            secure: false,
            public_url: String::new(),
            oidc: None,
            ldap: None,
        }
    }
}

impl SecuritySettings {
    /// The law asks for six months of audit trail.
    pub const LEAST_AUDIT_DAYS: i64 = 180;

    /// Refuses weak passwords and says everything that is missing. `names` are those of its owner, such
    /// as login and staff number: the password may contain none of them.
    pub fn check_password(&self, field: &str, password: &str, names: &[&str]) -> Result<()> {
        let mut errors = Vec::new();
        let mut wrong = |message| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let length = password.chars().count();
        if length < self.shortest {
            let message = Msg::new("identity-password-short").with("shortest", self.shortest);
            wrong(message.with("length", length));
        } else if length > LONGEST {
            wrong(Msg::new("identity-password-long").with("longest", LONGEST));
        }
        let has = |f: fn(char) -> bool| i32::from(password.chars().any(f));
        let upper = has(|c| c.is_ascii_uppercase());
        let lower = has(|c| c.is_ascii_lowercase());
        let digit = has(|c| c.is_ascii_digit());
        let symbol = has(|c| !c.is_ascii_alphanumeric());
        if upper + lower + digit + symbol < self.classes as i32 {
            let message = Msg::new("identity-password-simple").with("classes", self.classes);
            let message = message.with("upper", upper).with("lower", lower);
            wrong(message.with("digit", digit).with("symbol", symbol));
        }
        let said = password.to_lowercase();
        let named = |name: &&str| !name.is_empty() && said.contains(&name.to_lowercase());
        if names.iter().any(named) {
            wrong(Msg::new("identity-password-login"));
        }
        Error::if_any(errors)
    }

    /// The address of this server in what it tells other programs.
    pub(crate) fn own_url(&self, headers: &HeaderMap) -> String {
        if !self.public_url.is_empty() {
            return self.public_url.trim_end_matches('/').to_owned();
        }
        let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", host.unwrap_or("localhost"))
    }

    /// Whether a password set at an instant has grown too old.
    pub(crate) fn too_old(&self, set_at: Timestamp, now: Timestamp) -> bool {
        self.change_days > 0 && set_at.plus_seconds(self.change_days * DAY) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(password: &str) -> Vec<&'static str> {
        let settings = SecuritySettings::default();
        match settings.check_password("p", password, &["linxl", "LZ0101"]) {
            Ok(()) => Vec::new(),
            Err(Error::Invalid(errors)) => errors.iter().map(|e| e.message.key).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn weak_passwords_are_refused_for_every_reason() {
        assert_eq!(why("Ab3-"), ["identity-password-short"]);
        let all = ["identity-password-short", "identity-password-simple"];
        assert_eq!(why("abc"), all);
        assert_eq!(why(&"aB3".repeat(50)), ["identity-password-long"]);
        assert_eq!(why("abcdefgh1234"), ["identity-password-simple"]);
        assert_eq!(why("LinXL-2026"), ["identity-password-login"]);
        assert_eq!(why("Ab-lz0101"), ["identity-password-login"]);
        assert_eq!(why("春风又绿Ab江南岸"), [""; 0]);
        assert_eq!(why("Friday-15"), [""; 0]);
    }
}
