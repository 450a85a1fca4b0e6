//! My account: where I am signed in, and my password.

use axum::Form as Posted;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::{Error, Msg};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::{Access, Failure, Form, Shell};

use crate::service::{Hold, hash_of};
use crate::{Actor, Door, Identity, SecuritySettings};

const TEMPLATE: &str = "identity/account.html";

#[derive(Serialize)]
struct SessionView {
    /// Names it in the form that ends it.
    hash: String,
    address: String,
    agent: String,
    began: i64,
    seen: i64,
    /// When it ends if nothing more is done.
    ends: i64,
    /// Through which door it came, where that is not the usual one.
    door: Option<String>,
    here: bool,
}

async fn context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    headers: &HeaderMap,
    form: Form,
) -> Result<serde_json::Value, Failure> {
    let id = access.principal.account;
    let account = identity.account(id, &kernel::Scope::All).await?;
    let own = identity.token(headers).map(|t| hash_of(&t));
    let settings = &identity.settings;
    let sessions = identity.sessions(id).await?.into_iter();
    let sessions: Vec<SessionView> = sessions
        .map(|s| SessionView {
            here: own.as_ref() == Some(&s.hash),
            hash: hex::encode(&s.hash),
            agent: browser(&s.agent),
            address: s.address,
            began: s.created_at.0,
            seen: s.last_seen_at.0,
            ends: s
                .expires_at
                .min(s.last_seen_at.plus_seconds(settings.idle_seconds))
                .0,
            door: (s.door != Door::Password).then(|| shell.t(s.door.key())),
        })
        .collect();
    let doors = identity.doors(&account.login).await?;
    let by_password = match &own {
        None => true,
        Some(hash) => {
            let known = identity.lookup(false, hash).await?;
            known.is_none_or(|known| known.door == Door::Password)
        }
    };
    let must_change = identity.must_change(account.password_changed_at);
    Ok(json!({
        "login": account.login,
        "name": account.name,
        "changed": account.password_changed_at.map(|at| at.0),
        "must_change": must_change.filter(|_| by_password).map(|why| match why {
            Hold::OneTime => "one-time",
            _ => "too-old",
        }),
        "rule": rule(&identity.settings),
        "sessions": sessions,
        "own": doors.contains(&Door::Password),
        "doors": doors.iter().map(|d| shell.t(d.key())).collect::<Vec<_>>(),
        "limits": { "idle": settings.idle_seconds / 60, "hours": settings.absolute_seconds / 3600 },
        "acting": access.principal.on_behalf.as_ref().map(|of| &of.name),
        "delegations": identity.delegation_views(shell, id).await?,
        "form": form,
    }))
}

/// What is asked of a password, for the hint beside the field.
pub(crate) fn rule(settings: &SecuritySettings) -> serde_json::Value {
    json!({
        "shortest": settings.shortest, "classes": settings.classes, "history": settings.history,
        "days": settings.change_days,
    })
}

/// A browser and its system in few words, out of what it says of itself.
fn browser(agent: &str) -> String {
    // Order matters: Edge also calls itself Chrome, Chrome calls itself Safari.
    const KNOWN: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("360SE", "360"),
        ("Firefox/", "Firefox"),
        ("MicroMessenger/", "微信"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let first = |list: &[(&str, &'static str)]| {
        let found = list.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    match (first(&KNOWN), first(&SYSTEMS)) {
        (Some(name), Some(system)) => format!("{name} · {system}"),
        (Some(name), None) => name.to_owned(),
        _ => agent.chars().take(40).collect(),
    }
}

pub(crate) async fn show(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let context = context(&identity, &shell, &access, &headers, Form::default()).await?;
    shell.page(TEMPLATE, context)
}

#[derive(Deserialize)]
pub(crate) struct Input {
    current: String,
    new: String,
    again: String,
}

pub(crate) async fn change_password(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Posted(input): Posted<Input>,
) -> Result<Response, Failure> {
    let token = identity.token(&headers).unwrap_or_default();
    let done = if input.new == input.again {
        let Input { current, new, .. } = &input;
        identity.change_password(&actor, current, new, &token).await
    } else {
        Err(Error::field("again", Msg::new("identity-password-differs")))
    };
    match done {
        Ok(()) => shell.done("/account", "identity-password-changed"),
        Err(e) => {
            let form = Form::default().reject(&shell, e)?;
            let context = context(&identity, &shell, &access, &headers, form).await?;
            shell.refused(TEMPLATE, context)
        }
    }
}

pub(crate) async fn sign_out_others(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let token = identity.token(&headers).unwrap_or_default();
    identity.sign_out_others(&actor, &token).await?;
    shell.done("/account", "identity-others-signed-out")
}

#[derive(Deserialize)]
pub(crate) struct One {
    #[serde(default)]
    session: String,
}

pub(crate) async fn end_session(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    Posted(one): Posted<One>,
) -> Result<Response, Failure> {
    let hash = hex::decode(&one.session).map_err(|_| Error::NotFound)?;
    identity.end_session(&actor, &hash).await?;
    shell.done("/account", "identity-session-ended-done")
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_named_in_few_words() {
        let edge =
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0";
        assert_eq!(browser(edge), "Edge · Windows");
        assert_eq!(browser("curl/8.5"), "curl/8.5");
        assert_eq!(browser(""), "");
    }
}
