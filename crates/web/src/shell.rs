//! The shell (页面外壳) around every page: who reads, in which language and dress, and how pages are
//! rendered for them.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use kernel::{Env, Error, Msg};
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use crate::assemble::App;
use crate::{Catalog, Failure, Lang, MenuEntry, Principal};

/// What a tenant shows of itself (租户门面).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Name beside the product's name, for example 澜州市司法局.
    pub name: String,
    /// Colours of bar and buttons.
    pub brand: Brand,
    /// Language for readers who have not chosen one.
    pub lang: Lang,
}

/// Colours of the chrome (主题色); numbers, links and states never follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Brand {
    /// 政务蓝.
    Blue,
    /// 党务红.
    Red,
}

impl Brand {
    /// By its code in settings, `blue` or `red`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "blue" => Some(Self::Blue),
            "red" => Some(Self::Red),
            _ => None,
        }
    }
}

/// What the reader chose; kept in cookies, none of it personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preferences {
    pub lang: Option<Lang>,
    /// Text size: empty, `l` or `xl`.
    pub size: &'static str,
    /// `light` or `dark`.
    pub theme: &'static str,
}

/// Cookie with the key of a message for the next page.
const NOTICE: &str = "notice";

pub(crate) const SIZES: [&str; 3] = ["", "l", "xl"];
pub(crate) const THEMES: [&str; 2] = ["light", "dark"];

impl Preferences {
    pub fn read(headers: &HeaderMap) -> Self {
        let pick = |known: &[&'static str], name| {
            let have = cookie(headers, name).unwrap_or_default();
            known
                .iter()
                .find(|k| **k == have)
                .copied()
                .unwrap_or(known[0])
        };
        Self {
            lang: cookie(headers, "lang").and_then(Lang::from_code),
            size: pick(&SIZES, "size"),
            theme: pick(&THEMES, "theme"),
        }
    }
}

/// Media type of spreadsheets.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Media type of plain tables.
pub const CSV: &str = "text/csv; charset=utf-8";

/// A file that is kept, not shown; its name may be Chinese.
pub fn attachment(kind: &str, name: &str, bytes: impl Into<Body>) -> Response {
    let disposition = format!("attachment; filename*=UTF-8''{}", encode(name));
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, bytes.into()).into_response()
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Extractor: renders pages for this reader. Cheap to clone.
#[derive(Clone)]
pub struct Shell(Arc<Reader>);

struct Reader {
    app: Arc<App>,
    preferences: Preferences,
    lang: Lang,
    tenant: Tenant,
    method: Method,
    path: String,
    /// Path and query.
    place: String,
    htmx: bool,
    /// Key of a message that the page before left for this one.
    notice: Option<String>,
    /// Filled once the sign-in middleware has run.
    principal: OnceLock<Principal>,
}

impl Shell {
    pub(crate) fn new(app: Arc<App>, parts: &Parts) -> Self {
        let tenant = (app.tenant)();
        let path = parts.uri.path().to_owned();
        let headers = &parts.headers;
        let preferences = Preferences::read(headers);
        // Programs say their language in the header; people have a switch and start in the tenant's.
        let asked = headers
            .get(header::ACCEPT_LANGUAGE)
            .filter(|_| path.starts_with("/api/"))
            .and_then(|h| Lang::negotiate(h.to_str().ok()?));
        Self(Arc::new(Reader {
            lang: asked.or(preferences.lang).unwrap_or(tenant.lang),
            method: parts.method.clone(),
            place: parts
                .uri
                .path_and_query()
                .map_or(&*path, |p| p.as_str())
                .to_owned(),
            htmx: headers.contains_key("hx-request") && !headers.contains_key("hx-boosted"),
            principal: OnceLock::new(),
            notice: cookie(headers, NOTICE)
                .filter(|key| app.catalog.has(key))
                .map(str::to_owned),
            app,
            preferences,
            tenant,
            path,
        }))
    }

    pub(crate) fn set_principal(&self, principal: &Principal) {
        let _ = self.0.principal.set(principal.clone());
    }

    /// Who reads, if signed in.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.get()
    }

    /// The reader's language.
    pub fn lang(&self) -> Lang {
        self.0.lang
    }

    /// Path of the request.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Path and query of the request.
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// Clock, randomness and time zone.
    pub fn env(&self) -> &Env {
        &self.0.app.env
    }

    /// Whether htmx asks for a part of the page (answer with [`Shell::partial`]).
    pub fn is_htmx(&self) -> bool {
        self.0.htmx
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    pub(crate) fn openapi(&self) -> &serde_json::Value {
        &self.0.app.openapi
    }

    pub(crate) fn is_api(&self) -> bool {
        ["/api/", "/scim/"]
            .iter()
            .any(|root| self.0.path.starts_with(root))
    }

    /// The text of a message in the reader's language.
    pub fn text(&self, msg: &Msg) -> String {
        self.0.app.catalog.msg(self.0.lang, msg)
    }

    /// The text of a key in the reader's language.
    pub fn t(&self, key: &str) -> String {
        self.t_with(key, &[])
    }

    /// The text of a key with named arguments in the reader's language.
    pub fn t_with(&self, key: &str, args: &[(&str, &str)]) -> String {
        self.0.app.catalog.say(self.0.lang, key, args)
    }

    /// The message catalog, for what is said in another language than the reader's.
    pub fn catalog(&self) -> &Catalog {
        &self.0.app.catalog
    }

    /// A whole page: the template extends `layout.html`.
    pub fn page(&self, template: &str, context: impl Serialize) -> Result<Response, Failure> {
        let mut response = self.render(template, context)?;
        if self.0.notice.is_some() {
            self.set_cookie(&mut response, NOTICE, "", 0);
        }
        Ok(response)
    }

    fn render(&self, template: &str, context: impl Serialize) -> Result<Response, Failure> {
        let templates = &self.0.app.templates;
        let html = templates.render(self.0.lang, template, self.view(), context)?;
        Ok(Html(html).into_response())
    }

    /// A part of a page, for htmx to swap in: the template has no layout.
    pub fn partial(&self, template: &str, context: impl Serialize) -> Result<Response, Failure> {
        self.render(template, context)
    }

    /// The page of a form whose input was refused: status 422, typing kept.
    pub fn refused(&self, template: &str, context: impl Serialize) -> Result<Response, Failure> {
        let mut response = self.page(template, context)?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        Ok(response)
    }

    /// After a form was taken: 303 to a path on this server, percent-encoded (see [`crate::encode`]);
    /// anything else leads home.
    pub fn redirect(&self, path: &str) -> Result<Response, Failure> {
        let path = if crate::is_local_path(path) {
            path
        } else {
            "/"
        };
        let to = HeaderValue::from_str(path).map_err(Error::internal)?;
        let mut response = StatusCode::SEE_OTHER.into_response();
        if self.0.htmx {
            *response.status_mut() = StatusCode::NO_CONTENT;
            response.headers_mut().insert("hx-redirect", to);
        } else {
            response.headers_mut().insert(header::LOCATION, to);
        }
        Ok(response)
    }

    /// After a form was taken: 303, and the next page shows the message with this key (which takes no
    /// arguments), for example "saved".
    pub fn done(&self, path: &str, key: &'static str) -> Result<Response, Failure> {
        let mut response = self.redirect(path)?;
        self.set_cookie(&mut response, NOTICE, key, 60);
        Ok(response)
    }

    /// A cookie with the house's attributes; `max_age` in seconds, 0 removes it.
    pub fn set_cookie(&self, response: &mut Response, name: &str, value: &str, max_age: u32) {
        let secure = if self.0.app.secure { "; Secure" } else { "" };
        let line =
            format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        if let Ok(line) = HeaderValue::from_str(&line) {
            response.headers_mut().append(header::SET_COOKIE, line);
        }
    }

    /// Label and address of every menu entry that the reader sees.
    pub(crate) fn menu_entries(&self) -> Vec<(String, &'static str)> {
        let Some(principal) = self.principal() else {
            return Vec::new();
        };
        let seen = seen(&self.0.app.menu, principal);
        seen.map(|e| (self.t(e.label_key), e.href)).collect()
    }

    pub(crate) fn sign_in_url(&self) -> String {
        // Back to where a form was filled in is not known for a POST: the page itself is in history.
        let next = if self.0.method.is_safe() {
            self.place()
        } else {
            "/"
        };
        format!("/sign-in?next={}", encode(next))
    }

    /// Where a reader who has not signed in goes instead. A form that was just sent gets a page with
    /// the reason, so that going back keeps what was typed.
    pub(crate) fn to_sign_in(&self) -> Option<Response> {
        if self.is_api() || !self.0.method.is_safe() {
            return None;
        }
        self.redirect(&self.sign_in_url()).ok()
    }

    fn view(&self) -> View {
        let reader = &*self.0;
        let principal = self.principal();
        View {
            lang: reader.lang.code(),
            size: reader.preferences.size,
            theme: reader.preferences.theme,
            brand: reader.tenant.brand,
            tenant: reader.tenant.name.clone(),
            name: principal.map(|p| match &p.on_behalf {
                Some(of) => self.t_with("acting-for", &[("name", &p.name), ("of", &of.name)]),
                None => p.name.clone(),
            }),
            initials: principal.map(|p| initials(&p.name)),
            place: if reader.method.is_safe() {
                reader.place.clone()
            } else {
                "/".to_owned()
            },
            menu: principal
                .map(|p| menu(&reader.app.menu, p, &reader.path))
                .unwrap_or_default(),
            search: reader.app.has("GET", "/search"),
            account: reader.app.has("GET", "/account"),
            notices: principal.is_some() && reader.app.has("GET", "/notices/count"),
            desk: principal
                .filter(|_| reader.app.has("PUT", "/desk/draft"))
                .map(|p| p.account.to_string()),
            notice: reader.notice.as_deref().map(|key| self.t(key)),
            sign_in: (reader.path != "/sign-in" && reader.app.has("GET", "/sign-in"))
                .then(|| self.sign_in_url()),
            sign_out: reader.app.has("POST", "/sign-out"),
        }
    }
}

/// What `layout.html` knows about the reader, under the name `shell`.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    pub lang: &'static str,
    pub size: &'static str,
    pub theme: &'static str,
    pub brand: Brand,
    pub tenant: String,
    pub name: Option<String>,
    pub initials: Option<String>,
    pub place: String,
    pub menu: Vec<MenuView>,
    pub search: bool,
    pub account: bool,
    /// Whether there are notices to count.
    pub notices: bool,
    /// The account whose drafts are kept; none where there is no desk.
    pub desk: Option<String>,
    pub notice: Option<String>,
    pub sign_in: Option<String>,
    pub sign_out: bool,
}

impl From<View> for Value {
    fn from(view: View) -> Self {
        Value::from(Serde(view))
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct MenuView {
    label_key: &'static str,
    items: Vec<ItemView>,
}

#[derive(Debug, Serialize)]
struct ItemView {
    label_key: &'static str,
    href: &'static str,
    icon: &'static str,
    current: bool,
}

fn seen<'a>(
    entries: &'a [MenuEntry],
    principal: &'a Principal,
) -> impl Iterator<Item = &'a MenuEntry> {
    let may = |e: &&MenuEntry| e.permission.is_none_or(|p| principal.scope(p).is_some());
    entries.iter().filter(may)
}

/// The menu of a principal: entries in order, the longest one that matches the path is current.
pub(crate) fn menu(entries: &[MenuEntry], principal: &Principal, path: &str) -> Vec<MenuView> {
    let within = |href: &str| {
        path.strip_prefix(href)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let current = seen(entries, principal)
        .map(|e| e.href)
        .filter(|h| within(h));
    let current = current.max_by_key(|h| h.len());
    let mut groups: Vec<MenuView> = Vec::new();
    for entry in seen(entries, principal) {
        let label_key = entry.group.label_key();
        if groups.last().is_none_or(|g| g.label_key != label_key) {
            groups.push(MenuView {
                label_key,
                items: Vec::new(),
            });
        }
        if let Some(group) = groups.last_mut() {
            group.items.push(ItemView {
                label_key: entry.label_key,
                href: entry.href,
                icon: entry.icon,
                current: Some(entry.href) == current,
            });
        }
    }
    groups
}

/// The last two characters of a Chinese name, the first letters of another one.
fn initials(name: &str) -> String {
    if name.is_ascii() {
        return name
            .split_whitespace()
            .filter_map(|w| w.chars().next())
            .take(2)
            .collect();
    }
    let chars: Vec<char> = name.chars().collect();
    chars[chars.len().saturating_sub(2)..].iter().collect()
}

/// Percent-encodes a text as the value of a query.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl<S: Send + Sync> FromRequestParts<S> for Shell {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::internal("a handler runs outside of web::assemble").into())
    }
}
