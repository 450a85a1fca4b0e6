//! The settings of operation (运行设置): proxies, rate limits, TLS, keyring, scheduled backups.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jiff::civil::Time;
use kernel::{Error, Msg, Result};

use crate::config::{Given, SecretUrl};

/// Where TLS ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not here: plain HTTP, for a proxy or a look from the machine itself.
    Off,
    /// Here, with certificates of an authority that the program makes for itself.
    Own,
    /// Here, with a certificate and a key from files.
    Files,
}

/// How the server stands in its network and keeps its data.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Proxies whose word about the reader's address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests a minute from one address; 0: no limit.
    pub rate_limit: u32,
    /// Sign-ins and other public posts a minute from one address; 0: no limit.
    pub rate_limit_sign_in: u32,
    /// Where TLS ends.
    pub tls: Tls,
    /// Certificate chain, with [`Tls::Files`].
    pub tls_cert: PathBuf,
    /// Its key, with [`Tls::Files`].
    pub tls_key: PathBuf,
    /// Names and addresses of the certificate, with [`Tls::Own`]; none: those of the machine.
    pub tls_names: Vec<String>,
    /// File of master keys (密钥文件).
    pub keyring: PathBuf,
    /// Algorithm of new master keys.
    pub keyring_algorithm: &'static str,
    /// When backups are made, every day.
    pub backup_at: Option<Time>,
    /// How many of them are kept.
    pub backup_keep: usize,
    /// Where they are kept.
    pub backup_folder: PathBuf,
    /// Days for which uploads are kept that nobody publishes.
    pub import_days: i64,
    /// How notices are kept and told.
    pub notices: notices::Settings,
    /// The mail server; none: no mail.
    pub mail_url: Option<SecretUrl>,
}

impl Operation {
    pub(crate) fn read(given: &Given, data: &Path) -> Result<Self> {
        let rate = |flag| {
            given.parse(flag, "0–1000000", |t| {
                t.parse().ok().filter(|n| *n <= 1_000_000)
            })
        };
        let path_in_data = |flag, name: &str| match given.text(flag) {
            text if text.is_empty() => data.join(name),
            text => PathBuf::from(text),
        };
        let tls = given.parse("tls", "off, self, files", |t| match t {
            "off" => Some(Tls::Off),
            "self" => Some(Tls::Own),
            "files" => Some(Tls::Files),
            _ => None,
        })?;
        let operation = Self {
            trusted_proxies: given.list(
                "trusted-proxies",
                "10.0.0.5, 10.0.0.0/8, fd00::/8",
                network,
            )?,
            rate_limit: rate("rate-limit")?,
            rate_limit_sign_in: rate("rate-limit-sign-in")?,
            tls,
            tls_cert: given.text("tls-cert").into(),
            tls_key: given.text("tls-key").into(),
            tls_names: given.list("tls-names", "suneng.example, 10.0.0.5", |t| {
                name_of_host(t).then(|| t.to_owned())
            })?,
            keyring: path_in_data("keyring", "keyring"),
            keyring_algorithm: given.parse("keyring-algorithm", "sm4-gcm, aes-256-gcm", |t| {
                [crypt::SM4, crypt::AES].into_iter().find(|id| *id == t)
            })?,
            backup_at: given.parse("backup-schedule", "02:30", |t| match t {
                "" => Some(None),
                t => Time::strptime("%H:%M", t).ok().map(Some),
            })?,
            backup_keep: given.parse("backup-keep", "1–1000", |t| {
                t.parse().ok().filter(|n| (1..=1000).contains(n))
            })?,
            backup_folder: path_in_data("backup-folder", "backups"),
            import_days: given.parse("import-days", "1–365", |t| {
                t.parse().ok().filter(|n| (1..=365).contains(n))
            })?,
            notices: notices(given)?,
            mail_url: Some(given.text("mail-url"))
                .filter(|t| !t.is_empty())
                .map(SecretUrl::new),
        };
        if let Some(url) = &operation.mail_url {
            notices::Smtp::check(url.reveal())?;
            for flag in ["mail-from", "public-url"] {
                if given.text(flag).is_empty() {
                    return Err(Error::Conflict(
                        Msg::new("mail-setting").with("setting", flag),
                    ));
                }
            }
        }
        for (flag, path) in [
            ("tls-cert", &operation.tls_cert),
            ("tls-key", &operation.tls_key),
        ] {
            if tls == Tls::Files && path.as_os_str().is_empty() {
                return Err(Error::Conflict(
                    Msg::new("tls-file-unnamed").with("setting", flag),
                ));
            }
        }
        Ok(operation)
    }
}

/// The settings of notices.
fn notices(given: &Given) -> Result<notices::Settings> {
    Ok(notices::Settings {
        keep_days: given.parse("notice-days", "1–3650", |t| {
            t.parse().ok().filter(|n| (1..=3650).contains(n))
        })?,
        mail_by_default: given.parse("notice-mail", "true, false", |t| t.parse().ok())?,
        lang: given.parse("lang", "zh, en", web::Lang::from_code)?,
        public_url: match crate::doors::public_url(given)? {
            none if none.is_empty() => format!("http://{}", given.text("listen")),
            named => named,
        },
        from: given.parse("mail-from", "suneng@bureau.example", |t| {
            (t.is_empty() || notices::is_sender(t)).then(|| t.to_owned())
        })?,
    })
}

/// A network, or an address as the network of itself.
fn network(text: &str) -> Option<IpNet> {
    let net = text.parse().ok();
    net.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
        .map(|net| net.trunc())
}

/// Whether a certificate can stand for this name: an address, or a host name in ASCII.
pub(crate) fn name_of_host(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn with(flags: &[(&str, &str)]) -> Result<Operation> {
        let find = |name: &str| {
            let found: Vec<String> = flags
                .iter()
                .filter(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
                .collect();
            Some(found).filter(|found| !found.is_empty())
        };
        Config::resolve(&|s| find(s.flag), &|_| None).map(|config| config.operation)
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (flag, wrong) in [
            ("trusted-proxies", "10.0.0.0/33"),
            ("trusted-proxies", "proxy.example"),
            ("rate-limit", "-1"),
            ("rate-limit-sign-in", "many"),
            ("tls", "on"),
            ("tls-names", "a b"),
            ("tls-names", "澜州.example"),
            ("keyring-algorithm", "rot13"),
            ("backup-schedule", "25:00"),
            ("backup-keep", "0"),
            ("notice-days", "0"),
            ("notice-mail", "maybe"),
            ("public-url", "suneng.example"),
            ("mail-from", "nobody"),
        ] {
            let Err(Error::Conflict(msg)) = with(&[(flag, wrong)]) else {
                panic!("{flag} {wrong}");
            };
            assert_eq!(msg.key, "config-value");
            let said = format!("{:?}", msg.args);
            assert!(said.contains(flag) && said.contains(wrong), "{said}");
        }
        let Err(Error::Conflict(msg)) = with(&[("tls", "files"), ("tls-cert", "a.pem")]) else {
            panic!("no key");
        };
        assert!(msg.key == "tls-file-unnamed" && msg.args[0].1 == "tls-key");
    }

    #[test]
    fn mail_needs_a_sender_and_an_address_and_its_password_is_not_shown() {
        let url = ("mail-url", "smtps://suneng:hunter2@mail.example");
        let Err(Error::Conflict(msg)) = with(&[url]) else {
            panic!("no sender");
        };
        assert!(msg.key == "mail-setting" && msg.args[0].1 == "mail-from");
        let more = [
            url,
            ("mail-from", "s@b.example"),
            ("public-url", "https://s.example/"),
        ];
        let read = with(&more).unwrap();
        assert_eq!(read.notices.public_url, "https://s.example");
        assert!(!format!("{read:?}").contains("hunter2"));
        let Err(Error::Conflict(msg)) = with(&[("mail-url", "hunter2@mail.example")]) else {
            panic!("no such server");
        };
        assert_eq!((msg.key, msg.args.len()), ("notices-smtp-url", 0));
    }

    #[test]
    fn what_is_given_is_read() {
        let read = with(&[
            ("data", "/d"),
            ("trusted-proxies", "10.1.2.3/8"),
            ("trusted-proxies", "::1"),
            ("tls-names", "suneng.example"),
            ("backup-schedule", "2:30"),
        ])
        .unwrap();
        let shown: Vec<String> = read.trusted_proxies.iter().map(|n| n.to_string()).collect();
        assert_eq!(shown, ["10.0.0.0/8", "::1/128"]);
        assert_eq!(read.keyring, Path::new("/d/keyring"));
        assert_eq!(read.backup_at, Some(jiff::civil::time(2, 30, 0, 0)));
    }
}
