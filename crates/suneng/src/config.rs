//! The configuration (配置): settings of flags, environment, file and defaults, read and checked once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use identity::SecuritySettings;
use kernel::{Error, Msg, Result};
use toml::Spanned;
use web::{Brand, Lang};

use crate::operation::{Operation, Tls};
use crate::settings::{Kind, SETTINGS, Setting, setting};

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A flag.
    Flag,
    /// An environment variable.
    Environment,
    /// The configuration file.
    File,
    /// Nothing was given.
    Default,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// A text whose password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// A text with a password in it.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The whole text, for connecting.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl std::fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The same URL with its password hidden, wherever it stands in it; a URL that cannot be read is
/// hidden whole.
pub fn mask(text: &str) -> String {
    if !text.contains("://") {
        return text.to_owned();
    }
    let Ok(mut url) = url::Url::parse(text) else {
        return "***".to_owned();
    };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    let secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["password", "secret", "token", "key"]
            .iter()
            .any(|word| name.contains(word))
    };
    if url.query_pairs().any(|(name, _)| secret(&name)) {
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut query = url.query_pairs_mut();
        query.clear();
        for (name, value) in &pairs {
            query.append_pair(name, if secret(name) { "***" } else { value });
        }
    }
    url.to_string()
}

/// Everything that is set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Data folder (数据目录).
    pub data: PathBuf,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Database.
    pub database_url: SecretUrl,
    /// Most connections to it.
    pub connections: u32,
    /// Where files are kept.
    pub blob_url: SecretUrl,
    /// Folder of more packs.
    pub packs: Option<PathBuf>,
    /// Name of the agency.
    pub tenant_name: String,
    /// Colour of the pages (页面主题色).
    pub brand: Brand,
    /// Cookies over HTTPS only.
    pub secure_cookies: bool,
    /// Code of the highest level of secrecy that records may have.
    pub highest_level: String,
    /// How strict sign-in is.
    pub security: SecuritySettings,
    /// Other origins that may post.
    pub trusted_origins: Vec<String>,
    /// How it stands in its network and keeps its data.
    pub operation: Operation,
    /// Format of the log.
    pub log: LogFormat,
    /// Language of the command line and default of the pages.
    pub lang: Lang,
    /// Every setting as it was given, masked where secret, and where it came from.
    pub given: Vec<(&'static Setting, String, Source)>,
}

/// What flags or environment say about a setting; nothing: not given there.
pub type Lookup<'a> = &'a dyn Fn(&Setting) -> Option<Vec<String>>;

/// What was given, before it is read.
pub(crate) struct Given {
    values: BTreeMap<&'static str, (Vec<String>, Source)>,
}

impl Given {
    pub(crate) fn text(&self, flag: &str) -> String {
        self.values
            .get(flag)
            .and_then(|(values, _)| values.last())
            .filter(|value| !value.is_empty())
            .map_or(setting(flag).default, String::as_str)
            .to_owned()
    }

    pub(crate) fn parse<T>(
        &self,
        flag: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let text = self.text(flag);
        read(&text).ok_or_else(|| {
            Error::Conflict(
                Msg::new("config-value")
                    .with("setting", flag)
                    .with("value", &text)
                    .with("expected", expected),
            )
        })
    }

    /// A whole number within bounds.
    fn number(&self, flag: &str, bounds: RangeInclusive<i64>) -> Result<i64> {
        let expected = format!("{}–{}", bounds.start(), bounds.end());
        self.parse(flag, &expected, |t| {
            t.parse().ok().filter(|n| bounds.contains(n))
        })
    }

    /// Several values, each read by itself.
    pub(crate) fn list<T>(
        &self,
        flag: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>> {
        let values = self.values.get(flag).map_or(&[][..], |(values, _)| values);
        let values = values.iter().filter(|value| !value.is_empty());
        let one = |value: &String| {
            read(value).ok_or_else(|| {
                Error::Conflict(
                    Msg::new("config-value")
                        .with("setting", flag)
                        .with("value", value)
                        .with("expected", expected),
                )
            })
        };
        values.map(one).collect()
    }
}

impl Config {
    /// The configuration of this process: what the flags say, then the environment.
    pub fn of_process(flags: Lookup<'_>) -> Result<Self> {
        Self::resolve(flags, &|s| {
            let value = std::env::var(s.env)
                .ok()
                .filter(|value| !value.is_empty())?;
            Some(match s.kind {
                Kind::List => value
                    .split(',')
                    .map(|part| part.trim().to_owned())
                    .collect(),
                _ => vec![value],
            })
        })
    }

    /// Flags before environment before file before defaults.
    pub fn resolve(flags: Lookup<'_>, environment: Lookup<'_>) -> Result<Self> {
        let mut given = Given {
            values: BTreeMap::new(),
        };
        for s in SETTINGS {
            let found = flags(s)
                .map(|values| (values, Source::Flag))
                .or_else(|| environment(s).map(|values| (values, Source::Environment)));
            given.values.extend(found.map(|found| (s.flag, found)));
        }
        let data = PathBuf::from(given.text("data"));
        let named = given.text("config");
        let file = match named.as_str() {
            "" => Some(data.join("suneng.toml")).filter(|file| file.exists()),
            named => Some(PathBuf::from(named)),
        };
        if let Some(file) = &file {
            for (flag, values) in read_file(file)? {
                given.values.entry(flag).or_insert((values, Source::File));
            }
        }
        let or_in_data = |flag: &str, scheme: &str, name: &str| match given.text(flag) {
            text if text.is_empty() => format!("{scheme}:{}", data.join(name).display()),
            text => text,
        };
        let database_url = SecretUrl(or_in_data("database-url", "sqlite", "suneng.db"));
        let blob_url = SecretUrl(or_in_data("blob-url", "file", "files"));
        let operation = Operation::read(&given, &data)?;
        let secure_cookies = given.parse("secure-cookies", "true, false", |t| t.parse().ok())?
            || operation.tls != Tls::Off;
        let security = SecuritySettings {
            shortest: given.number("password-length", 8..=64)? as usize,
            classes: given.number("password-classes", 1..=4)? as usize,
            history: given.number("password-history", 1..=24)?,
            change_days: given.number("password-days", 0..=3650)?,
            most_failures: given.number("lock-failures", 1..=100)?,
            lock_seconds: 60 * given.number("lock-minutes", 1..=1440)?,
            idle_seconds: 60 * given.number("session-idle-minutes", 1..=1440)?,
            absolute_seconds: 3600 * given.number("session-hours", 1..=168)?,
            duty_second: given.parse("duty-second-factor", "true, false", |t| t.parse().ok())?,
            code_days: given.number("activation-days", 1..=60)?,
            delegation_days: given.number("delegation-days", 1..=366)?,
            audit_days: given.number("audit-days", SecuritySettings::LEAST_AUDIT_DAYS..=36_500)?,
            secure: secure_cookies,
            public_url: crate::doors::public_url(&given)?,
            oidc: crate::doors::oidc(&given)?,
            ldap: crate::doors::ldap(&given)?,
        };
        let mut config = Self {
            security,
            listen: given.parse("listen", "127.0.0.1:8080", |t| t.parse().ok())?,
            connections: given.parse("database-connections", "1–500", |t| {
                t.parse().ok().filter(|n| (1..=500).contains(n))
            })?,
            packs: Some(given.text("packs"))
                .filter(|t| !t.is_empty())
                .map(Into::into),
            tenant_name: given.text("tenant-name"),
            highest_level: given.text("highest-level"),
            brand: given.parse("brand", "blue, red", Brand::from_code)?,
            secure_cookies,
            trusted_origins: given
                .values
                .get("trusted-origin")
                .map(|(values, _)| values.iter().filter(|v| !v.is_empty()).cloned().collect())
                .unwrap_or_default(),
            log: given.parse("log", "text, json", |t| match t {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?,
            lang: given.parse("lang", "zh, en", Lang::from_code)?,
            operation,
            given: Vec::new(),
            data,
            database_url,
            blob_url,
        };
        config.given = SETTINGS
            .iter()
            .map(|s| {
                let source = given
                    .values
                    .get(s.flag)
                    .map_or(Source::Default, |(_, source)| *source);
                (s, config.shown(s, &given, file.as_deref()), source)
            })
            .collect();
        Ok(config)
    }

    fn shown(&self, s: &Setting, given: &Given, file: Option<&Path>) -> String {
        match s.flag {
            "config" => file.map_or(String::new(), |file| file.display().to_string()),
            "database-url" => self.database_url.to_string(),
            "blob-url" => self.blob_url.to_string(),
            "trusted-origin" => self.trusted_origins.join(", "),
            "keyring" => self.operation.keyring.display().to_string(),
            "backup-folder" => self.operation.backup_folder.display().to_string(),
            flag if s.kind == Kind::List => given
                .values
                .get(flag)
                .map_or(String::new(), |(values, _)| values.join(", ")),
            "oidc-client-secret" | "ldap-bind-password" => {
                let none = given.text(s.flag).is_empty();
                if none { "" } else { "***" }.to_owned()
            }
            flag if s.secret => mask(&given.text(flag)),
            flag => given.text(flag),
        }
    }

    /// The same with database and files inside the data folder; a PostgreSQL database stays.
    pub fn with_own_places(mut self) -> Self {
        if self.sqlite_file().is_some() {
            let file = self.data.join("suneng.db");
            self.database_url = SecretUrl(format!("sqlite:{}", file.display()));
        }
        self.blob_url = SecretUrl(format!("file:{}", self.data.join("files").display()));
        self.operation.keyring = self.data.join("keyring");
        self
    }

    /// The SQLite file, where the database is one.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let url = self.database_url.reveal();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return None;
        }
        let path = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("sqlite:"));
        Some(PathBuf::from(path.unwrap_or(url)))
    }
}

fn read_file(file: &Path) -> Result<Vec<(&'static str, Vec<String>)>> {
    let wrong = |line: usize, reason: &str| {
        Error::Conflict(
            Msg::new("config-file-wrong")
                .with("file", file.display())
                .with("line", line)
                .with("reason", reason),
        )
    };
    let text = std::fs::read_to_string(file).map_err(|e| {
        Error::Conflict(
            Msg::new("config-file-unreadable")
                .with("file", file.display())
                .with("reason", e),
        )
    })?;
    let line_at = |at: usize| {
        text.get(..at)
            .map_or(1, |before| before.matches('\n').count() + 1)
    };
    let table: BTreeMap<Spanned<String>, Spanned<toml::Value>> = toml::from_str(&text)
        .map_err(|e| wrong(line_at(e.span().map_or(0, |span| span.start)), e.message()))?;
    let mut found = Vec::new();
    for (key, value) in table {
        let line = line_at(key.span().start);
        let Some(s) = SETTINGS
            .iter()
            .find(|s| s.key == Some(key.get_ref().as_str()))
        else {
            return Err(Error::Conflict(
                Msg::new("config-key-unknown")
                    .with("file", file.display())
                    .with("line", line)
                    .with("key", key.get_ref())
                    .with(
                        "known",
                        SETTINGS
                            .iter()
                            .filter_map(|s| s.key)
                            .collect::<Vec<_>>()
                            .join(", "),
                    ),
            ));
        };
        let one = |value: &toml::Value| match value {
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Integer(n) => Some(n.to_string()),
            toml::Value::Boolean(b) => Some(b.to_string()),
            _ => None,
        };
        let values = match (s.kind, value.get_ref()) {
            (Kind::List, toml::Value::Array(list)) => list.iter().map(one).collect(),
            (_, value) => one(value).map(|value| vec![value]),
        };
        let values = values.ok_or_else(|| wrong(line, &format!("{}: ?", key.get_ref())))?;
        found.push((s.flag, values));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(flags: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Config> {
        let find = |list: &[(&str, &str)], name: &str| {
            let found: Vec<String> = list
                .iter()
                .filter(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
                .collect();
            Some(found).filter(|found| !found.is_empty())
        };
        Config::resolve(&|s| find(flags, s.flag), &|s| find(environment, s.env))
    }

    fn key(result: Result<Config>) -> (String, String) {
        match result {
            Err(Error::Conflict(msg)) => (msg.key.to_owned(), format!("{:?}", msg.args)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn doors_are_read_and_their_secrets_are_never_shown() {
        let oidc = [
            ("oidc-issuer", "https://id.example"),
            ("oidc-client-id", "suneng"),
            ("oidc-client-secret", "s3cret"),
            ("ldap-url", "ldaps://directory.example"),
            ("ldap-base", "dc=example"),
            ("ldap-bind-password", "s3cret"),
        ];
        let config = resolve(&oidc, &[]).unwrap();
        let provider = config.security.oidc.as_ref().unwrap();
        assert_eq!(
            (provider.claim.as_str(), &provider.scopes[..]),
            ("preferred_username", &["profile".to_owned()][..])
        );
        assert_eq!(
            config.security.ldap.as_ref().unwrap().filter,
            "(uid={login})"
        );
        assert!(!format!("{config:?}").contains("s3cret"));
        assert!(
            config
                .given
                .iter()
                .all(|(_, shown, _)| !shown.contains("s3cret"))
        );
        assert_eq!(resolve(&[], &[]).unwrap().security.oidc, None);
        for (flag, value) in [
            ("oidc-issuer", "http://id.example"),
            ("oidc-client-id", ""),
            ("oidc-binding", "mail"),
            ("ldap-url", "ldap://directory.example"),
            ("ldap-url", "https://directory.example"),
            ("ldap-filter", "(uid=*)"),
            ("ldap-dn-template", "uid=x"),
            ("ldap-base", ""),
            ("ldap-accounts", "some"),
            ("public-url", "suneng.example/x"),
        ] {
            let mut flags = oidc.to_vec();
            flags.retain(|(f, _)| *f != flag);
            flags.push((flag, value));
            let (key, args) = key(resolve(&flags, &[]));
            assert_eq!(key, "config-value", "{flag}");
            assert!(args.contains(flag), "{args}");
        }
    }

    #[test]
    fn flags_come_before_environment_before_file_before_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        std::fs::write(
            folder.path().join("suneng.toml"),
            "listen = \"127.0.0.1:3\"\ntenant-name = \"澜州市司法局\"\nlog = \"json\"\nsecure-cookies = true\n\
             trusted-origin = [\"https://a.example\", \"https://b.example\"]\n",
        )
        .unwrap();
        let flags = [("data", data), ("listen", "127.0.0.1:1")];
        let environment = [("SUNENG_LISTEN", "127.0.0.1:2"), ("SUNENG_LOG", "text")];
        let config = resolve(&flags, &environment).unwrap();
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.log, LogFormat::Text);
        assert_eq!(config.tenant_name, "澜州市司法局");
        assert!(config.secure_cookies);
        assert_eq!(config.trusted_origins.len(), 2);
        assert_eq!(config.connections, 8);
        assert_eq!(config.security.audit_days, 1095);
        assert_eq!(config.security.lock_seconds, 1800);
        assert!(config.security.secure);
        let source = |flag| {
            config
                .given
                .iter()
                .find(|(s, ..)| s.flag == flag)
                .unwrap()
                .2
        };
        assert_eq!(
            ["listen", "log", "tenant-name", "packs"].map(source),
            [
                Source::Flag,
                Source::Environment,
                Source::File,
                Source::Default
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        let of = |text: &str| {
            std::fs::write(&file, text).unwrap();
            key(resolve(&[("config", file.to_str().unwrap())], &[]))
        };
        let (found, args) = of("# first\n\nlisten = \"127.0.0.1:1\"\nlistne = 1\n");
        assert_eq!(found, "config-key-unknown");
        assert!(
            args.contains("\"4\"") && args.contains("listne") && args.contains("x.toml"),
            "{args}"
        );
        assert_eq!(of("listen = [1]\n").0, "config-file-wrong");
        let (found, args) = of("\nlisten = \n");
        assert_eq!(found, "config-file-wrong");
        assert!(args.contains("\"2\""), "{args}");
        assert_eq!(of("listen = \"here\"\n").0, "config-value");
        assert_eq!(of("database-connections = 0\n").0, "config-value");
        assert_eq!(of("data = \"elsewhere\"\n").0, "config-key-unknown");
        assert_eq!(
            key(resolve(&[("config", "/nowhere/x.toml")], &[])).0,
            "config-file-unreadable"
        );
        assert_eq!(key(resolve(&[("lang", "xx")], &[])).0, "config-value");
        assert_eq!(key(resolve(&[("brand", "green")], &[])).0, "config-value");
        let red = resolve(&[("brand", "red")], &[]).expect("a colour");
        assert_eq!(red.brand, Brand::Red);
        for (flag, value) in [
            ("password-length", "4"),
            ("audit-days", "179"),
            ("lock-minutes", "x"),
        ] {
            assert_eq!(
                key(resolve(&[(flag, value)], &[])).0,
                "config-value",
                "{flag}"
            );
        }
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        for url in [
            "postgres://user:hunter2@db/suneng",
            "postgres://db/suneng?user=a&password=hunter2",
            "postgres://user:hunter2@[::/x",
        ] {
            let config = resolve(&[("database-url", url)], &[]).unwrap();
            assert_eq!(config.database_url.reveal(), url);
            let shown = format!("{config:?} {} {:?}", config.database_url, config.given);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(mask("sqlite:/a/b.db"), "sqlite:/a/b.db");
    }
}
