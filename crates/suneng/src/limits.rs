//! Rate limits (访问频率限制): a token bucket for each network address, in memory.
//!
//! They keep one machine from taking all of the server. Guessing passwords is stopped by the locking of
//! accounts, so that a whole agency behind one address may sign in at nine.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use metrics::counter;
use web::{Failure, RouteRow};

use crate::operation::Operation;
use crate::proxies::Origin;

/// More addresses than this are not remembered one by one.
const MOST: usize = 100_000;
/// A full memory is swept at most this often.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// What watches over the server must never be turned away.
const NEVER: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Whether a path leads to a provider of identities or back: each use is remembered until it is over.
fn to_provider(path: &str) -> bool {
    path.starts_with("/sign-in/")
}

/// The buckets of all addresses.
pub struct Limits {
    general: Option<Bucket>,
    sign_in: Option<Bucket>,
    /// Paths where anybody may post: sign-in, activation and the like.
    doors: HashSet<&'static str>,
}

impl Limits {
    /// As it is set; doors are those routes that change something for anybody.
    pub fn new(operation: &Operation, routes: &[RouteRow]) -> Arc<Self> {
        let open = |row: &&RouteRow| {
            row.policy == web::Policy::Public && (row.method != "GET" || to_provider(row.path))
        };
        Arc::new(Self {
            general: Bucket::new(operation.rate_limit, MonotonicClock),
            sign_in: Bucket::new(operation.rate_limit_sign_in, MonotonicClock),
            doors: routes.iter().filter(open).map(|row| row.path).collect(),
        })
    }

    /// Which limit turns a request away, and for how many seconds.
    fn refuse(&self, address: IpAddr, method: &Method, path: &str) -> Option<(&'static str, u32)> {
        // From this machine comes what runs beside the server, or a proxy that nobody named: then everybody
        // seems to sit here, and a limit would shut them all out.
        if NEVER.contains(&path) || address.is_loopback() {
            return None;
        }
        let at_door = self.sign_in.as_ref();
        let at_door = at_door
            .filter(|_| (!method.is_safe() || to_provider(path)) && self.doors.contains(path));
        if let Some(seconds) = at_door.and_then(|bucket| bucket.take(address)) {
            return Some(("sign-in", seconds));
        }
        let general = self.general.as_ref();
        let seconds = general.and_then(|bucket| bucket.take(address))?;
        Some(("general", seconds))
    }
}

/// Turns away who asks too often.
pub async fn limit(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let path = extensions.get::<MatchedPath>();
    let path = path.map_or("", MatchedPath::as_str);
    let origin = extensions.get::<Origin>();
    let refused = origin.and_then(|origin| limits.refuse(origin.address, request.method(), path));
    let Some((limit, seconds)) = refused else {
        return next.run(request).await;
    };
    counter!("http_rate_limited_total", "limit" => limit).increment(1);
    Failure::too_many(seconds).into_response()
}

/// So many a minute for each address, and as many at once.
struct Bucket<C: Clock<Instant = Instant> = MonotonicClock> {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, C>,
    clock: C,
    swept: Mutex<Option<Instant>>,
}

impl<C: Clock<Instant = Instant> + Clone> Bucket<C> {
    fn new(a_minute: u32, clock: C) -> Option<Self> {
        let burst = NonZeroU32::new(a_minute)?;
        let quota = Quota::per_minute(burst);
        Some(Self {
            limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()),
            clock,
            swept: Mutex::default(),
        })
    }

    /// Takes one; seconds to wait when there is none.
    fn take(&self, address: IpAddr) -> Option<u32> {
        let mut key = holder(address);
        if self.limiter.len() >= MOST {
            self.sweep();
            if self.limiter.len() >= MOST {
                // A flood from everywhere: strangers share one bucket for each first byte.
                key = crowd(address);
            }
        }
        let not_until = self.limiter.check_key(&key).err()?;
        let wait = not_until.wait_time_from(self.clock.now());
        Some(wait.as_secs_f64().ceil().max(1.0) as u32)
    }

    /// Forgets whose buckets are full again.
    fn sweep(&self) {
        let now = self.clock.now();
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_none_or(|at| now.saturating_duration_since(at) >= SWEEP_EVERY) {
            *swept = Some(now);
            self.limiter.retain_recent();
        }
    }
}

/// Who holds an address: of IPv6 a network of 64 bits is given to one.
fn holder(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

/// One of at most 512 keys that stand for many.
fn crowd(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::from([v4.octets()[0], 0, 0, 0]),
        IpAddr::V6(v6) => Ipv6Addr::new(0, v6.segments()[0] >> 8, 0, 0, 0, 0, 0, 0).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands still until it is moved.
    #[derive(Clone)]
    struct Hands(Arc<Mutex<Instant>>);

    impl Hands {
        fn new() -> Self {
            Self(Arc::new(Mutex::new(Instant::now())))
        }

        fn advance(&self, by: Duration) {
            *self.0.lock().unwrap() += by;
        }
    }

    impl Clock for Hands {
        type Instant = Instant;

        fn now(&self) -> Instant {
            *self.0.lock().unwrap()
        }
    }

    fn address(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn a_bucket_is_for_each_address_and_fills_again() {
        let clock = Hands::new();
        let bucket = Bucket::new(6, clock.clone()).unwrap();
        for _ in 0..6 {
            assert_eq!(bucket.take(address(1)), None);
        }
        assert_eq!(bucket.take(address(1)), Some(10));
        assert_eq!(bucket.take(address(2)), None);
        clock.advance(Duration::from_secs(4));
        assert_eq!(bucket.take(address(1)), Some(6));
        clock.advance(Duration::from_secs(6));
        assert_eq!(bucket.take(address(1)), None);
        assert!(bucket.take(address(1)).is_some());
    }

    #[test]
    fn one_network_of_ipv6_is_one_holder() {
        let bucket = Bucket::new(1, Hands::new()).unwrap();
        assert_eq!(bucket.take("2001:db8:1:2::3".parse().unwrap()), None);
        assert!(
            bucket
                .take("2001:db8:1:2:ffff::3".parse().unwrap())
                .is_some()
        );
        assert_eq!(bucket.take("2001:db8:1:3::3".parse().unwrap()), None);
    }

    #[test]
    fn a_flood_of_addresses_does_not_fill_the_memory() {
        let clock = Hands::new();
        let bucket = Bucket::new(1, clock.clone()).unwrap();
        for n in 0..(MOST as u32 + 1000) {
            // Long runs of strangers, each once.
            let _ = bucket.take(address(n));
        }
        assert!(bucket.limiter.len() <= MOST + 512);
        clock.advance(Duration::from_secs(120));
        assert_eq!(bucket.take(address(77)), None, "forgotten after a while");
        assert!(bucket.limiter.len() < 10);
    }

    #[test]
    fn an_agency_behind_one_address_signs_in_at_nine() {
        let setting = |flag| crate::settings::setting(flag).default.parse().unwrap();
        let limits = Limits {
            general: Bucket::new(setting("rate-limit"), MonotonicClock),
            sign_in: Bucket::new(setting("rate-limit-sign-in"), MonotonicClock),
            doors: HashSet::from(["/sign-in", "/sign-in/oidc"]),
        };
        let from = address(0x0a00_0001);
        for _ in 0..500 {
            // A slip of the finger each, and some pages before and after.
            for (method, path) in [
                (Method::GET, "/"),
                (Method::GET, "/sign-in"),
                (Method::POST, "/sign-in"),
                (Method::POST, "/sign-in"),
                (Method::GET, "/"),
                (Method::GET, "/activities"),
                (Method::GET, "/obligations"),
                (Method::GET, "/indicators"),
            ] {
                assert_eq!(limits.refuse(from, &method, path), None);
            }
        }
        let more = (0..1000).find_map(|_| limits.refuse(from, &Method::POST, "/sign-in"));
        assert_eq!(more.unwrap().0, "sign-in");
        assert_eq!(limits.refuse(from, &Method::GET, "/sign-in"), None);
        let provider = limits.refuse(from, &Method::GET, "/sign-in/oidc");
        assert_eq!(provider.unwrap().0, "sign-in");
        let most = (0..100_000).find_map(|_| limits.refuse(from, &Method::GET, "/"));
        assert_eq!(most.unwrap().0, "general");
        let here = IpAddr::from([127, 0, 0, 1]);
        let most = (0..100_000).find_map(|_| limits.refuse(here, &Method::POST, "/sign-in"));
        assert_eq!(most, None, "a proxy that nobody named");
        assert_eq!(limits.refuse(from, &Method::GET, "/healthz"), None);
    }
}
