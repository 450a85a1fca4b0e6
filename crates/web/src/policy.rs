//! Who may come in: the person behind a request and the policy (访问策略) of every route. A route
//! cannot be added without one.

use std::collections::BTreeMap;
use std::fmt;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use kernel::{AccountId, Error, PersonId, Scope};

use crate::Failure;

/// In whose place somebody acts (被代办人).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnBehalf {
    /// The account whose permissions are used.
    pub account: AccountId,
    /// Its name.
    pub name: String,
}

/// Who makes the request (登录主体). The identity crate's middleware puts `Option<Principal>` into
/// the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account that signed in.
    pub account: AccountId,
    /// The person it belongs to; none for a technical account.
    pub person: Option<PersonId>,
    /// The name shown in the bar.
    pub name: String,
    /// In whose place it acts just now; its grants are then what that one gave it.
    pub on_behalf: Option<OnBehalf>,
    /// What the account may do, and on which subtrees of units.
    pub grants: BTreeMap<String, Scope>,
}

impl Principal {
    /// Somebody who has signed in and holds nothing yet.
    pub fn new(account: AccountId, name: impl Into<String>) -> Self {
        Self {
            account,
            person: None,
            name: name.into(),
            on_behalf: None,
            grants: BTreeMap::new(),
        }
    }

    /// The same principal with one more permission.
    pub fn with(mut self, permission: impl Into<String>, scope: Scope) -> Self {
        self.grants.insert(permission.into(), scope);
        self
    }

    /// Where a permission is held; `None` when it is held nowhere.
    pub fn scope(&self, permission: &str) -> Option<&Scope> {
        self.grants.get(permission).filter(|s| !s.is_empty())
    }

    /// Where any of some permissions is held.
    pub fn reach(&self, permissions: &[&str]) -> Scope {
        let held = permissions.iter().filter_map(|p| self.scope(p));
        held.fold(Scope::nothing(), |own, more| own.or(more))
    }
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Anybody (公开).
    Public,
    /// Whoever brings a proof that the handler itself checks (自带凭证): a ticket, a token of its own.
    Proof,
    /// Anybody who has signed in (已登录).
    SignedIn,
    /// Who holds this permission on some unit (持有权限). For everybody else the route does not exist.
    Permission(&'static str),
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Proof => f.write_str("proof"),
            Self::SignedIn => f.write_str("signed-in"),
            Self::Permission(name) => f.write_str(name),
        }
    }
}

/// One row of the route table, which an auditor can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteRow {
    /// Path pattern, for example `/activities/{id}`.
    pub path: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Who may use it.
    pub policy: Policy,
}

impl fmt::Display for RouteRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.policy)
    }
}

/// Routes with their policies (路由表), generic over axum's state until `with_state`.
pub struct Routes<S = ()> {
    router: Router<S>,
    table: Vec<RouteRow>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $upper:ident),* $(,)?) => {$(
        $(#[$doc])*
        pub fn $name<H, T>(self, path: &'static str, policy: Policy, handler: H) -> Self
        where
            H: Handler<T, S>,
            T: 'static,
        {
            let route = on(MethodFilter::$upper, handler);
            self.add(stringify!($upper), path, policy, route)
        }
    )*};
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes.
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            table: Vec::new(),
        }
    }

    methods! {
        /// Adds a GET route (it answers HEAD too).
        get GET,
        /// Adds a POST route.
        post POST,
        /// Adds a PUT route.
        put PUT,
        /// Adds a PATCH route.
        patch PATCH,
        /// Adds a DELETE route.
        delete DELETE,
    }

    /// Adds a POST route that takes bodies of up to so many bytes (uploads, imports).
    pub fn post_up_to<H, T>(
        self,
        path: &'static str,
        policy: Policy,
        bytes: usize,
        handler: H,
    ) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let route = on(MethodFilter::POST, handler).layer(DefaultBodyLimit::max(bytes));
        self.add("POST", path, policy, route)
    }

    fn add(
        mut self,
        method: &'static str,
        path: &'static str,
        policy: Policy,
        route: MethodRouter<S>,
    ) -> Self {
        let route = match policy {
            // Nobody is turned away here, so there is nothing to go through.
            Policy::Public | Policy::Proof => route,
            _ => route.route_layer(from_fn_with_state(policy, guard)),
        };
        self.router = self.router.route(path, route);
        self.table.push(RouteRow {
            path,
            method,
            policy,
        });
        self
    }

    /// These routes and those.
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.table.extend(other.table);
        self
    }

    /// The routes with the state their handlers want.
    pub fn with_state(self, state: S) -> Routes {
        Routes {
            router: self.router.with_state(state),
            table: self.table,
        }
    }

    /// Every route with its policy, in order of path.
    pub fn table(&self) -> Vec<RouteRow> {
        let mut table = self.table.clone();
        table.sort();
        table
    }
}

impl Routes {
    pub(crate) fn into_router(self) -> Router {
        self.router
    }
}

async fn guard(State(policy): State<Policy>, mut request: Request, next: Next) -> Response {
    let signed_in = request.extensions().get::<Option<Principal>>();
    let told = request.extensions().get::<ClientAddress>();
    let address = told.map_or_else(String::new, |told| told.0.clone());
    let access = match (policy, signed_in) {
        (Policy::Public | Policy::Proof, _) => None,
        (_, None | Some(None)) => return Failure::from(Error::Unauthenticated).into_response(),
        (Policy::SignedIn, Some(Some(principal))) => Some(Access {
            principal: principal.clone(),
            // What wants no permission is one's own: nobody changes their password for another.
            on_behalf: None,
            scope: Scope::nothing(),
            address,
        }),
        (Policy::Permission(name), Some(Some(principal))) => match principal.scope(name) {
            None => return Failure::from(Error::NotFound).into_response(),
            Some(scope) => Some(Access {
                scope: scope.clone(),
                on_behalf: principal.on_behalf.as_ref().map(|of| of.account),
                principal: principal.clone(),
                address,
            }),
        },
    };
    if let Some(access) = access {
        request = match crate::secrecy::check(&access, request).await {
            Ok(request) => request,
            Err(asked) => return asked,
        };
        request.extensions_mut().insert(access);
    }
    next.run(request).await
}

/// Extractor: who is asking, and the scope of the route's permission (nothing where the route only
/// wants a signed-in person).
#[derive(Debug, Clone)]
pub struct Access {
    /// Who is asking.
    pub principal: Principal,
    /// In whose place the route's permission is used.
    pub on_behalf: Option<AccountId>,
    /// Where the route's permission is held.
    pub scope: Scope,
    /// The reader's network address; empty when it is not known.
    pub address: String,
}

/// The reader's network address: put into the request's extensions by the program, which knows its
/// proxies.
#[derive(Debug, Clone)]
pub struct ClientAddress(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Access {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::internal("Access asked for on a public route").into())
    }
}

/// Whether a text is a path on this server that a browser cannot read as another host.
pub fn is_local_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(['\\', '#'])
        && path.bytes().all(|b| b.is_ascii_graphic())
}

/// Where to go after signing in: `next` when it is a local path, else the home page.
pub fn safe_next(next: Option<&str>) -> &str {
    next.filter(|path| is_local_path(path)).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_paths_are_next() {
        for good in ["/", "/activities?unit=1&page=2", "/a/%E4%B8%AD"] {
            assert_eq!(safe_next(Some(good)), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x",
            "/a b",
            "activities",
            "/\t/evil.example",
        ] {
            assert_eq!(safe_next(Some(bad)), "/", "{bad:?}");
        }
    }
}
