//! Puts the modules together into one router: layers, errors, headers, assets, API description.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use kernel::{Env, Error, Id};
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};

use crate::assets::Assets;
use crate::render::Templates;
use crate::shell::{Brand, Shell, Tenant};
use crate::{
    Catalog, Failure, Lang, MenuEntry, Module, Principal, Routes, SearchSource, SecrecyCheck,
    assets, own,
};

/// How the modules are put together.
pub struct Options {
    /// Clock, randomness, time zone.
    pub env: Env,
    /// Wraps the router in the sign-in middleware, which puts `Option<Principal>` into the request.
    pub auth: Box<dyn FnOnce(Router) -> Router>,
    /// Wraps everything but the direct lane, outermost: what watches over requests.
    pub around: Box<dyn FnOnce(Router) -> Router>,
    /// What the tenant shows of itself; asked for on every request.
    pub tenant: Box<dyn Fn() -> Tenant + Send + Sync>,
    /// Cookies are sent over HTTPS only.
    pub secure: bool,
    /// Browsers are told to stay on HTTPS (HSTS): only where the certificate is sure to stay valid.
    pub hsts: bool,
    /// Largest body of a request in bytes; uploads have their own limit on their route.
    pub body_limit: usize,
    /// What looks through texts before they are kept; none: nothing does.
    pub secrecy: Option<Arc<dyn SecrecyCheck>>,
    /// Other origins that may post here, for example behind a proxy that changes the host.
    pub trusted_origins: Vec<String>,
}

impl Options {
    /// Nobody is ever signed in, a nameless tenant, plain HTTP, bodies up to 1 MiB.
    pub fn new(env: Env) -> Self {
        Self {
            env,
            auth: Box::new(|router| router),
            around: Box::new(|router| router),
            tenant: Box::new(|| Tenant {
                name: String::new(),
                brand: Brand::Blue,
                lang: Lang::Zh,
            }),
            secure: false,
            hsts: false,
            body_limit: 1 << 20,
            secrecy: None,
            trusted_origins: Vec::new(),
        }
    }
}

/// Everything that the shell of a page needs; one for the whole program.
pub(crate) struct App {
    pub env: Env,
    pub catalog: Arc<Catalog>,
    pub templates: Templates,
    pub tenant: Box<dyn Fn() -> Tenant + Send + Sync>,
    pub menu: Vec<MenuEntry>,
    pub search: Vec<Arc<dyn SearchSource>>,
    pub secrecy: Option<Arc<dyn SecrecyCheck>>,
    pub body_limit: usize,
    pub secure: bool,
    pub hsts: bool,
    pub openapi: Value,
    routes: BTreeSet<(&'static str, &'static str)>,
}

impl App {
    pub fn has(&self, method: &'static str, path: &'static str) -> bool {
        self.routes.contains(&(method, path))
    }
}

/// Templates of all modules with the texts of all modules.
pub(crate) fn templates(modules: &[Module], env: &Env) -> Result<(Templates, Arc<Catalog>), Error> {
    let catalog = Arc::new(Catalog::new(
        modules.iter().flat_map(|m| m.messages.clone()),
    ));
    let assets = Arc::new(Assets::new());
    let sources = modules.iter().flat_map(|m| m.templates.clone());
    Ok((Templates::new(sources, &catalog, &assets, env)?, catalog))
}

/// The whole program's router. Fails on a broken template or origin: defects that stop the start.
pub fn assemble(mut modules: Vec<Module>, options: Options) -> Result<Router, Error> {
    modules.insert(0, own::module());
    let (templates, catalog) = templates(&modules, &options.env)?;
    let mut menu: Vec<MenuEntry> = modules.iter().flat_map(|m| m.menu.clone()).collect();
    menu.sort_by_key(|e| (e.group, e.order));
    let table = modules.iter().flat_map(|m| [&m.routes, &m.direct]);
    let table = table.flat_map(Routes::table);
    let search = modules.iter().flat_map(|m| m.search.clone()).collect();
    let app = Arc::new(App {
        routes: table.map(|row| (row.method, row.path)).collect(),
        openapi: openapi(&modules),
        env: options.env,
        tenant: options.tenant,
        secure: options.secure,
        hsts: options.hsts,
        catalog,
        templates,
        menu,
        search,
        secrecy: options.secrecy,
        body_limit: options.body_limit,
    });
    let mut csrf = CsrfLayer::new();
    for origin in &options.trusted_origins {
        csrf = csrf.add_trusted_origin(origin).map_err(Error::internal)?;
    }
    let csrf = csrf.with_rejection_response(|_| Failure::cross_site().into_response());

    let (mut router, mut direct) = (Router::new(), Router::new());
    for module in modules {
        router = router.merge(module.routes.into_router());
        direct = direct.merge(module.direct.into_router());
    }
    let router = router
        .fallback(async || Failure::from(Error::NotFound))
        .layer(from_fn(remember));
    let router = (options.auth)(router)
        // Assets stand outside of the sign-in: no session is looked up for them.
        .route("/assets/{hash}/{*name}", axum::routing::get(assets::serve))
        .layer(DefaultBodyLimit::max(options.body_limit))
        .layer(csrf)
        .layer(CatchPanicLayer::custom(caught))
        .layer(from_fn_with_state(app.clone(), dress))
        .layer(CompressionLayer::new())
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|request: &Request| {
                    let id = request.extensions().get::<RequestId>();
                    let id = id.map_or(String::new(), |id| id.0.to_string());
                    // The path only: a query may carry names.
                    let path = request.uri().path();
                    tracing::info_span!("request", method = %request.method(), path, id)
                })
                .on_response(DefaultOnResponse::new().level(tracing::Level::INFO))
                .on_failure(()),
        )
        .layer(from_fn_with_state(app.clone(), number));
    let direct = direct.layer(from_fn_with_state(app, plain));
    Ok((options.around)(router).merge(direct))
}

fn caught(payload: Box<dyn std::any::Any + Send>) -> Response {
    Failure::panic(payload.as_ref()).into_response()
}

/// What the direct lane answers: its own JSON, or a failure in the reader's language. One layer does it all: each costs
/// as much as reading the request.
async fn plain(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let asked = [header::ACCEPT_LANGUAGE, header::COOKIE];
    let asked = asked.map(|name| (request.headers().get(&name).cloned(), name));
    let answered = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = answered.await.unwrap_or_else(caught);
    let status = response.status();
    let failure = match response.extensions_mut().remove::<Failure>() {
        None if (status.is_client_error() || status.is_server_error()) && !is_ours(&response) => {
            Some(Failure::http(status))
        }
        found => found,
    };
    if let Some(failure) = failure {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = uri;
        for (value, name) in asked {
            parts.headers.extend(value.map(|value| (name, value)));
        }
        response = failure.render(&Shell::new(app, &parts));
    }
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::CACHE_CONTROL, "no-store");
    response
}

/// Id of a request, in the log and in the header `x-request-id` of the response.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(pub Id);

async fn number(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = RequestId(app.env.new_id());
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.0.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// Runs right after sign-in: lets the shell, which was made before it, know who reads.
async fn remember(request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    if let (Some(shell), Some(Some(principal))) = (
        extensions.get::<Shell>(),
        extensions.get::<Option<Principal>>(),
    ) {
        shell.set_principal(principal);
    }
    next.run(request).await
}

/// Makes the shell, renders failures, sets the headers.
async fn dress(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let shell = Shell::new(app.clone(), &parts);
    parts.extensions.insert(shell.clone());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let failure = match response.extensions_mut().remove::<Failure>() {
        None if (status.is_client_error() || status.is_server_error()) && !is_ours(&response) => {
            Some(Failure::http(status))
        }
        found => found,
    };
    if let Some(failure) = failure {
        response = failure.render(&shell);
    }
    let signed_in = shell.principal().is_some();
    secure(&mut response, signed_in, app.hsts);
    let language = HeaderValue::from_static(shell.lang().code());
    response
        .headers_mut()
        .entry(header::CONTENT_LANGUAGE)
        .or_insert(language);
    response
}

/// Whether an error response has a body that a handler wrote for the reader; the HTTP layer's own
/// refusals are plain text or empty.
fn is_ours(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.and_then(|k| k.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html") || kind.contains("json"))
}

/// No inline script or style, nothing from elsewhere, no framing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; worker-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn secure(response: &mut Response, signed_in: bool, hsts: bool) {
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    if hsts {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    let cache = if signed_in { "no-store" } else { "no-cache" };
    let cache = HeaderValue::from_static(cache);
    headers.entry(header::CACHE_CONTROL).or_insert(cache);
}

/// One OpenAPI description out of all modules' parts.
fn openapi(modules: &[Module]) -> Value {
    let mut whole = json!({
        "openapi": "3.1.0",
        "info": { "title": "Suneng", "version": env!("CARGO_PKG_VERSION") },
        "paths": {},
        "components": {},
        "tags": [],
    });
    for part in modules.iter().filter_map(|m| m.openapi.as_ref()) {
        for key in ["paths", "components", "tags"] {
            if let Some(part) = part.get(key) {
                join(&mut whole[key], part);
            }
        }
    }
    whole
}

fn join(whole: &mut Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, value) in part {
                join(whole.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(whole), Value::Array(part)) => whole.extend(part.iter().cloned()),
        (whole, part) => *whole = part.clone(),
    }
}
