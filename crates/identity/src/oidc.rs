//! Sign-in by an OpenID Connect provider: authorization code with PKCE, state and nonce. The provider says who
//! somebody is; the account, its session and its roles are this house's.

use std::sync::Arc;

use axum::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use db::transaction;
use kernel::{Error, Msg, Result, Scope, Timestamp};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadataWithLogout, RedirectUrl,
    RequestTokenError, SignatureVerificationError, TokenResponse,
};
use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::outgoing::Outgoing;
use crate::scim::Scim;
use crate::service::{Arrival, hash_of, record};
use crate::store::doors::{self, Flow};
use crate::{Actor, Binding, Door, Identity, OidcSettings, SignIn, store};

/// Seconds that somebody may stay at the provider.
pub(crate) const MOST_SECONDS: i64 = 600;
/// Seconds by which the clocks may differ.
const SLACK: i64 = 60;
/// Seconds for which the provider's description and keys are kept.
const KEPT: i64 = 3600;
/// Seconds before they may be asked for again because a key is unknown.
const ANEW: i64 = 60;

/// Signatures that are accepted: only such as nobody but the provider can make.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Words of `amr` and `acr` (RFC 8176) that mean more than a password.
const STRONG: [&str; 6] = ["mfa", "otp", "hwk", "swk", "sc", "pop"];

type Provider = Arc<ProviderMetadataWithLogout>;

/// A provider.
pub(crate) struct Oidc {
    pub settings: OidcSettings,
    http: Outgoing,
    known: RwLock<Option<(Timestamp, Provider)>>,
}

/// What came back from the provider.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    pub state: String,
    pub code: Option<String>,
    /// The provider's word for why there is none.
    pub error: Option<String>,
    /// Token of the browser's cookie.
    pub browser: String,
}

fn away(reason: impl std::fmt::Display) -> Error {
    tracing::warn!(%reason, "the provider gave no answer");
    said("identity-oidc-away")
}

fn said(key: &'static str) -> Error {
    Error::field("login", Msg::new(key))
}

impl Oidc {
    pub(crate) fn new(settings: OidcSettings) -> Result<Self> {
        Ok(Self {
            http: Outgoing::new(settings.ca.as_deref())?,
            settings,
            known: RwLock::new(None),
        })
    }

    /// The provider's description with its keys, not older than so many seconds.
    async fn provider(&self, now: Timestamp, oldest: i64) -> Result<Provider> {
        let fresh = |known: &Option<(Timestamp, Provider)>| match known {
            Some((at, provider)) if now < at.plus_seconds(oldest) && *at <= now => {
                Some(provider.clone())
            }
            _ => None,
        };
        if let Some(provider) = fresh(&*self.known.read().await) {
            return Ok(provider);
        }
        let mut known = self.known.write().await;
        if let Some(provider) = fresh(&known) {
            return Ok(provider);
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(away)?;
        let found = ProviderMetadataWithLogout::discover_async(issuer, &self.http).await;
        let found = Arc::new(found.map_err(away)?);
        *known = Some((now, found.clone()));
        Ok(found)
    }

    /// Where the session at the provider is ended, if it is known.
    pub(crate) async fn leave_url(&self, back: &str) -> Option<String> {
        let known = self.known.read().await;
        let (_, provider) = known.as_ref()?;
        let end = provider
            .additional_metadata()
            .end_session_endpoint
            .as_ref()?;
        let mut url = end.url().clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", back);
        Some(url.to_string())
    }

    fn redirect(own: &str) -> Result<RedirectUrl> {
        RedirectUrl::new(format!("{own}/sign-in/oidc/callback")).map_err(Error::internal)
    }

    fn secret(&self) -> Option<ClientSecret> {
        let secret = &self.settings.client_secret.0;
        (!secret.is_empty()).then(|| ClientSecret::new(secret.clone()))
    }
}

impl Identity {
    fn provider(&self) -> Result<&Oidc> {
        self.oidc.as_deref().ok_or(Error::NotFound)
    }

    /// Sends somebody to the provider: gives its address and the token of the browser's cookie.
    pub(crate) async fn begin_oidc(
        &self,
        next: &str,
        headers: &HeaderMap,
    ) -> Result<(String, String)> {
        let oidc = self.provider()?;
        let now = self.env.now();
        let provider = oidc.provider(now, KEPT).await?;
        let random = || hex::encode(self.env.random::<32>());
        let (state, nonce, verifier, browser) = (random(), random(), random(), random());
        let flow = Flow {
            state: hash_of(&state),
            browser: hash_of(&browser),
            nonce: nonce.clone(),
            verifier: verifier.clone(),
            next: next.to_owned(),
            expires_at: now.plus_seconds(MOST_SECONDS),
        };
        transaction!(self.db, |tx| doors::put_flow(tx, &flow).await)?;
        let verifier = PkceCodeVerifier::new(verifier);
        let client = CoreClient::from_provider_metadata(
            (*provider).clone(),
            ClientId::new(oidc.settings.client_id.clone()),
            oidc.secret(),
        )
        .set_redirect_uri(Oidc::redirect(&self.settings.own_url(headers))?);
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for scope in &oidc.settings.scopes {
            request = request.add_scope(openidconnect::Scope::new(scope.clone()));
        }
        let (url, ..) = request.url();
        Ok((url.to_string(), browser))
    }

    /// Somebody has come back: begins a session, and gives its token and where they wanted to go.
    pub(crate) async fn finish_oidc(
        &self,
        returned: &Returned,
        attempt: &SignIn,
        headers: &HeaderMap,
    ) -> Result<(String, String)> {
        let oidc = self.provider()?;
        let now = self.env.now();
        let (state, browser) = (hash_of(&returned.state), hash_of(&returned.browser));
        let flow = transaction!(self.db, |tx| {
            doors::take_flow(tx, &state, &browser, now).await
        })?;
        let Some(flow) = flow else {
            return self
                .turned_away(attempt, "oidc-state", "identity-oidc-stale")
                .await;
        };
        let Some(code) = &returned.code else {
            let word = returned.error.as_deref().unwrap_or_default();
            tracing::info!(error = %word.chars().take(60).collect::<String>(), "the provider refused");
            return self
                .turned_away(attempt, "oidc-denied", "identity-oidc-denied")
                .await;
        };
        let claims = match self.claims(oidc, code, &flow, headers).await? {
            Ok(claims) => claims,
            Err(reason) => {
                tracing::warn!(reason, "a token of the provider was refused");
                return self
                    .turned_away(attempt, reason, "identity-oidc-refused")
                    .await;
            }
        };
        let text = |name: &str| claims[name].as_str().map(str::trim).unwrap_or_default();
        let who = text(&oidc.settings.claim).to_owned();
        if who.is_empty() {
            tracing::error!(
                claim = oidc.settings.claim,
                "the provider's token lacks the claim"
            );
            return self
                .turned_away(attempt, "oidc-claim", "identity-oidc-unknown")
                .await;
        }
        let mut login = self.bound(oidc.settings.binding, &who).await?;
        if login.is_none() && !oidc.settings.open_in.is_empty() {
            login = self.open_for(oidc, &who, &claims, attempt).await?;
        }
        let Some(login) = login else {
            return self
                .turned_away(attempt, "unknown", "identity-oidc-unknown")
                .await;
        };
        let trusted = oidc.settings.trust_second && strong(&claims);
        let token = hex::encode(self.env.random::<32>());
        let began = transaction!(self.db, |tx| {
            let known = store::credentials(tx, &login).await?;
            let Some(known) = known else {
                return Ok(false);
            };
            let account = known.account;
            if known.disabled {
                let actor = Actor {
                    on_behalf: None,
                    account: Some(account),
                    address: attempt.address.clone(),
                };
                let detail = json!({ "reason": "disabled", "door": Door::Oidc.code() });
                let entry = actor.audit("session.refused", ("account", account), detail);
                record(tx, &self.env, &entry).await?;
                return Ok(false);
            }
            let second = store::second::since(tx, account).await?.is_some();
            let arrival = Arrival {
                account,
                door: Door::Oidc,
                second_due: second && !trusted,
                trusted,
            };
            self.begin(tx, &arrival, attempt, &token).await?;
            Ok(true)
        })?;
        if began {
            return Ok((token, flow.next));
        }
        Err(said("identity-oidc-unknown"))
    }

    /// What a verified token says; or, for the log and the audit trail, why it is none.
    async fn claims(
        &self,
        oidc: &Oidc,
        code: &str,
        flow: &Flow,
        headers: &HeaderMap,
    ) -> Result<std::result::Result<Value, &'static str>> {
        let now = self.env.now();
        let mut provider = oidc.provider(now, KEPT).await?;
        let id = ClientId::new(oidc.settings.client_id.clone());
        let client =
            CoreClient::from_provider_metadata((*provider).clone(), id.clone(), oidc.secret())
                .set_redirect_uri(Oidc::redirect(&self.settings.own_url(headers))?);
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(away)?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()));
        let tokens = match request.request_async(&oidc.http).await {
            Ok(tokens) => tokens,
            Err(RequestTokenError::ServerResponse(_)) => return Ok(Err("oidc-code")),
            Err(RequestTokenError::Parse(..)) => return Ok(Err("oidc-token")),
            Err(e) => return Err(away(e)),
        };
        let Some(token) = tokens.id_token() else {
            return Ok(Err("oidc-token"));
        };
        let at = chrono::DateTime::from_timestamp_micros(now.plus_seconds(-SLACK).0);
        let at = at.unwrap_or_default();
        let nonce = Nonce::new(flow.nonce.clone());
        let mut again = true;
        loop {
            let client =
                CoreClient::from_provider_metadata((*provider).clone(), id.clone(), oidc.secret());
            let verifier = client
                .id_token_verifier()
                .set_allowed_algs(ALGORITHMS)
                .set_time_fn(move || at);
            let reason = match token.claims(&verifier, &nonce) {
                Ok(_) => break,
                // The provider may have changed its keys.
                Err(ClaimsVerificationError::SignatureVerification(
                    SignatureVerificationError::NoMatchingKey,
                )) if again => {
                    again = false;
                    provider = oidc.provider(now, ANEW).await?;
                    continue;
                }
                Err(ClaimsVerificationError::Expired(_)) => "oidc-expired",
                Err(ClaimsVerificationError::InvalidAudience(_)) => "oidc-audience",
                Err(ClaimsVerificationError::InvalidIssuer(_)) => "oidc-issuer",
                Err(ClaimsVerificationError::InvalidNonce(_)) => "oidc-nonce",
                Err(ClaimsVerificationError::SignatureVerification(_)) => "oidc-signature",
                Err(_) => "oidc-token",
            };
            return Ok(Err(reason));
        }
        // The same text whose signature was verified, with all of its claims.
        let text = token.to_string();
        let body = text.split('.').nth(1).unwrap_or_default();
        let body = BASE64_URL_SAFE_NO_PAD
            .decode(body)
            .map_err(Error::internal)?;
        serde_json::from_slice(&body)
            .map(Ok)
            .map_err(Error::internal)
    }

    /// The login name of the account that a claim means.
    async fn bound(&self, binding: Binding, who: &str) -> Result<Option<String>> {
        let mut tx = self.db.read().await?;
        match binding {
            Binding::Login => {
                let login = who.to_lowercase();
                let account = store::account_by_login(&mut tx, &login).await?;
                Ok(account.map(|account| account.login))
            }
            Binding::External => store::scim::by_external(&mut tx, who).await,
            Binding::StaffNo => store::scim::by_staff_no(&mut tx, who).await,
        }
    }

    /// Opens an account for somebody whom the provider knows and this house does not.
    async fn open_for(
        &self,
        oidc: &Oidc,
        who: &str,
        claims: &Value,
        attempt: &SignIn,
    ) -> Result<Option<String>> {
        let organization = self.organization.clone().ok_or(Error::NotFound)?;
        let unit = organization.unit_by_code(&oidc.settings.open_in, &Scope::All);
        let unit = match unit.await {
            Ok(unit) => unit.id,
            Err(Error::NotFound) => {
                tracing::error!(
                    code = oidc.settings.open_in,
                    "there is no unit oidc-open-unit"
                );
                return Ok(None);
            }
            Err(e) => return Err(e),
        };
        let text = |name: &str| claims[name].as_str().filter(|text| !text.is_empty());
        let mut user = json!({ "userName": text("preferred_username").unwrap_or(who) });
        match oidc.settings.binding {
            Binding::Login => user["userName"] = json!(who),
            Binding::External => user["externalId"] = json!(who),
            Binding::StaffNo => user[crate::scim::ENTERPRISE] = json!({ "employeeNumber": who }),
        }
        if let Some(name) = text("name") {
            user["displayName"] = json!(name);
        }
        let scim = Scim::new(self.clone(), organization);
        let actor = Actor {
            on_behalf: None,
            account: None,
            address: attempt.address.clone(),
        };
        match scim.open_for_provider(actor, unit, &user).await {
            Ok(login) => Ok(Some(login)),
            Err(error @ (Error::Invalid(_) | Error::Conflict(_) | Error::NotFound)) => {
                tracing::warn!(%error, "no account could be opened for somebody the provider knows");
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// Records that nobody came in, and says so.
    async fn turned_away<T>(&self, attempt: &SignIn, reason: &str, key: &'static str) -> Result<T> {
        let nobody = Actor {
            on_behalf: None,
            account: None,
            address: attempt.address.clone(),
        };
        let detail = json!({ "reason": reason, "door": Door::Oidc.code() });
        let entry = nobody.audit("session.refused", ("login", ""), detail);
        self.record_now(entry).await?;
        Err(said(key))
    }
}

/// Whether the provider asked for more than a password.
fn strong(claims: &Value) -> bool {
    let word = |value: &Value| value.as_str().is_some_and(|word| STRONG.contains(&word));
    let amr = claims["amr"].as_array();
    amr.is_some_and(|words| words.iter().any(word)) || word(&claims["acr"])
}
