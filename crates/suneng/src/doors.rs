//! Settings of the doors other than passwords kept here: a directory, a provider.

use identity::{Binding, LdapSettings, OidcSettings, Secret};
use kernel::{Error, Msg, Result};

use crate::config::Given;

/// Refuses a value that does not fit the others.
fn wrong(given: &Given, flag: &str, expected: &str) -> Error {
    let message = Msg::new("config-value").with("setting", flag);
    let message = message.with("value", given.text(flag));
    Error::Conflict(message.with("expected", expected))
}

fn switch(given: &Given, flag: &str) -> Result<bool> {
    given.parse(flag, "true, false", |t| t.parse().ok())
}

fn file(given: &Given, flag: &str) -> Option<std::path::PathBuf> {
    Some(given.text(flag))
        .filter(|t| !t.is_empty())
        .map(Into::into)
}

/// Whether a URL leads to this machine.
fn local(url: &url::Url) -> bool {
    url.host_str()
        .is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host))
}

/// The address by which others reach this server.
pub(crate) fn public_url(given: &Given) -> Result<String> {
    given.parse("public-url", "https://suneng.example", |text| {
        let plain = text.is_empty()
            || url::Url::parse(text).is_ok_and(|url| {
                ["http", "https"].contains(&url.scheme())
                    && url.path() == "/"
                    && url.query().is_none()
            });
        plain.then(|| text.trim_end_matches('/').to_owned())
    })
}

/// Sign-in by a provider, where one is named.
pub(crate) fn oidc(given: &Given) -> Result<Option<OidcSettings>> {
    let issuer = given.text("oidc-issuer");
    if issuer.is_empty() {
        return Ok(None);
    }
    let safe = url::Url::parse(&issuer)
        .is_ok_and(|url| url.scheme() == "https" || (url.scheme() == "http" && local(&url)));
    if !safe {
        return Err(wrong(given, "oidc-issuer", "https://…"));
    }
    let client_id = given.text("oidc-client-id");
    if client_id.is_empty() {
        return Err(wrong(given, "oidc-client-id", "…"));
    }
    let binding = given.parse(
        "oidc-binding",
        "login, external-id, staff-no",
        |t| match t {
            "login" => Some(Binding::Login),
            "external-id" => Some(Binding::External),
            "staff-no" => Some(Binding::StaffNo),
            _ => None,
        },
    )?;
    let scopes = given.list("oidc-scope", "profile", |t| Some(t.to_owned()))?;
    Ok(Some(OidcSettings {
        issuer,
        client_id,
        client_secret: Secret(given.text("oidc-client-secret")),
        name: given.text("oidc-name"),
        scopes: if scopes.is_empty() {
            vec!["profile".to_owned()]
        } else {
            scopes
        },
        claim: given.text("oidc-claim"),
        binding,
        trust_second: switch(given, "oidc-trust-second-factor")?,
        open_in: given.text("oidc-open-unit"),
        ca: file(given, "oidc-ca"),
    }))
}

/// Sign-in with the password of a directory, where one is named.
pub(crate) fn ldap(given: &Given) -> Result<Option<LdapSettings>> {
    let (start_tls, plain) = (
        switch(given, "ldap-start-tls")?,
        switch(given, "ldap-plain")?,
    );
    let expected = "ldaps://…, ldap://… + ldap-start-tls";
    let urls = given.list("ldap-url", expected, |text| {
        let url = url::Url::parse(text).ok()?;
        let sealed = url.scheme() == "ldaps" || start_tls || plain || local(&url);
        let fits = ["ldap", "ldaps"].contains(&url.scheme()) && url.has_host() && sealed;
        fits.then(|| text.to_owned())
    })?;
    if urls.is_empty() {
        return Ok(None);
    }
    let (filter, dn_template) = (given.text("ldap-filter"), given.text("ldap-dn-template"));
    if !filter.contains("{login}") {
        return Err(wrong(given, "ldap-filter", "(uid={login})"));
    }
    if !dn_template.is_empty() && !dn_template.contains("{login}") {
        return Err(wrong(
            given,
            "ldap-dn-template",
            "uid={login},ou=people,dc=example",
        ));
    }
    let base = given.text("ldap-base");
    if base.is_empty() && dn_template.is_empty() {
        return Err(wrong(given, "ldap-base", "ou=people,dc=example"));
    }
    let all_accounts = given.parse("ldap-accounts", "without-password, all", |t| match t {
        "without-password" => Some(false),
        "all" => Some(true),
        _ => None,
    })?;
    Ok(Some(LdapSettings {
        urls,
        start_tls,
        ca: file(given, "ldap-ca"),
        base,
        filter,
        bind_dn: given.text("ldap-bind-dn"),
        bind_password: Secret(given.text("ldap-bind-password")),
        dn_template,
        all_accounts,
    }))
}
