//! Who is behind a proxy (反向代理): the reader's address and scheme, as trusted proxies tell them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use crate::metrics::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Where a request really comes from; in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The reader's address.
    pub address: IpAddr,
    /// Whether the reader came by HTTPS.
    pub https: bool,
}

/// Tells the rooms where the reader is, for the audit trail and the limits, and keeps cookies that
/// came over HTTPS on HTTPS.
pub async fn tell(
    State(trusted): State<Arc<[IpNet]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let Some(peer) = peer.map(|peer| peer.0) else {
        return next.run(request).await;
    };
    let origin = origin(peer, request.headers(), &trusted);
    let extensions = request.extensions_mut();
    extensions.insert(web::ClientAddress(origin.address.to_string()));
    extensions.insert(origin);
    let mut response = next.run(request).await;
    if origin.https {
        secure_cookies(response.headers_mut());
    }
    response
}

fn secure_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .cloned()
        .collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let text = cookie.to_str().unwrap_or_default();
        let has = text
            .split(';')
            .any(|part| part.trim().eq_ignore_ascii_case("secure"));
        let secured = HeaderValue::from_str(&format!("{text}; Secure"));
        let cookie = match secured {
            Ok(secured) if !has && !text.is_empty() => secured,
            _ => cookie,
        };
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// The nearest address that no trusted proxy has: what stands to the left of it anybody may have
/// written.
pub fn origin(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Origin {
    let trusts = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut address = peer.address.ip().to_canonical();
    let mut https = peer.tls;
    if !trusts(address) {
        return Origin { address, https };
    }
    let (hops, proto) = if headers.contains_key(FORWARDED_FOR) {
        let hops = values(headers, &FORWARDED_FOR).map(host).collect();
        (hops, None)
    } else {
        forwarded(headers)
    };
    let told = values(headers, &FORWARDED_PROTO).last();
    if let Some(proto) = told.map(str::to_owned).or(proto) {
        https = proto.eq_ignore_ascii_case("https");
    }
    for hop in hops.into_iter().rev() {
        // Rubbish ends the chain: the proxy before it is the last that is known.
        let Some(hop) = hop else { break };
        address = hop;
        if !trusts(address) {
            break;
        }
    }
    Origin { address, https }
}

/// The values of a header that is a list, also when it comes in several lines.
fn values<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).into_iter();
    lines
        .flat_map(|line| line.to_str().unwrap_or("?").split(','))
        .map(str::trim)
}

/// The hops of `Forwarded` (RFC 7239), and the scheme that the last one tells.
fn forwarded(headers: &HeaderMap) -> (Vec<Option<IpAddr>>, Option<String>) {
    let mut hops = Vec::new();
    let mut proto = None;
    for element in values(headers, &header::FORWARDED) {
        let find = |wanted: &str| {
            let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
            let mut found = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            found
                .next()
                .map(|(_, value)| value.trim().trim_matches('"'))
        };
        hops.push(find("for").and_then(host));
        proto = find("proto").map(str::to_owned);
    }
    (hops, proto)
}

/// An address, perhaps with a port, perhaps in brackets.
fn host(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|at| at.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(peer: &str, trusted: &[&str], lines: &[(&str, &str)]) -> (String, bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let peer = Peer {
            address: SocketAddr::new(peer.parse().unwrap(), 1),
            tls: false,
        };
        let origin = origin(peer, &headers, &trusted);
        (origin.address.to_string(), origin.https)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let nets = ["10.0.0.0/8", "fd00::/8"];
        let xff = "x-forwarded-for";
        for (peer, lines, wanted) in [
            // Nobody in between.
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &[(xff, "198.51.100.1")], "192.0.2.1"),
            (
                "192.0.2.1",
                &[("forwarded", "for=198.51.100.1")],
                "192.0.2.1",
            ),
            // One proxy, one reader who lies about the rest.
            ("10.0.0.1", &[(xff, "198.51.100.1")], "198.51.100.1"),
            (
                "10.0.0.1",
                &[(xff, "1.1.1.1, 198.51.100.1")],
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                &[(xff, "10.9.9.9,198.51.100.1")],
                "198.51.100.1",
            ),
            // Chains, in one line or several.
            (
                "10.0.0.1",
                &[(xff, "1.1.1.1, 198.51.100.1, 10.0.0.2")],
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                &[(xff, "198.51.100.1"), (xff, "10.0.0.2")],
                "198.51.100.1",
            ),
            ("10.0.0.1", &[(xff, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            // IPv6, ports, brackets, and IPv4 in the clothes of IPv6.
            ("fd00::1", &[(xff, "2001:db8::7")], "2001:db8::7"),
            ("fd00::1", &[(xff, "[2001:db8::7]:4711")], "2001:db8::7"),
            (
                "::ffff:10.0.0.1",
                &[(xff, "198.51.100.1:4711")],
                "198.51.100.1",
            ),
            ("10.0.0.1", &[(xff, "::ffff:198.51.100.1")], "198.51.100.1"),
            (
                "10.0.0.1",
                &[(
                    "forwarded",
                    "for=\"[2001:db8::7]:1\";proto=https, For=10.0.0.2",
                )],
                "2001:db8::7",
            ),
            // Rubbish.
            ("10.0.0.1", &[(xff, "")], "10.0.0.1"),
            ("10.0.0.1", &[(xff, "198.51.100.1, <script>")], "10.0.0.1"),
            (
                "10.0.0.1",
                &[(xff, "198.51.100.1, 局, 10.0.0.2")],
                "10.0.0.1",
            ),
            ("10.0.0.1", &[(xff, "198.51.100.1,,10.0.0.2")], "10.0.0.2"),
            (
                "10.0.0.1",
                &[("forwarded", "for=unknown;;=;proto")],
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=_hidden, for=10.0.0.2")],
                "10.0.0.2",
            ),
        ] {
            assert_eq!(ask(peer, &nets, lines).0, wanted, "{peer} {lines:?}");
        }
        assert_eq!(ask("10.0.0.1", &[], &[(xff, "198.51.100.1")]).0, "10.0.0.1");
    }

    #[test]
    fn the_scheme_is_what_the_nearest_proxy_says() {
        let proto = "x-forwarded-proto";
        for (peer, lines, wanted) in [
            ("192.0.2.1", &[(proto, "https")][..], false),
            ("10.0.0.1", &[(proto, "https")], true),
            ("10.0.0.1", &[(proto, "https, http")], false),
            ("10.0.0.1", &[(proto, "wss")], false),
            (
                "10.0.0.1",
                &[("forwarded", "for=1.1.1.1;proto=HTTPS")],
                true,
            ),
            (
                "10.0.0.1",
                &[("forwarded", "proto=https, for=10.0.0.2;proto=http")],
                false,
            ),
        ] {
            assert_eq!(
                ask(peer, &["10.0.0.0/8"], lines).1,
                wanted,
                "{peer} {lines:?}"
            );
        }
    }

    #[test]
    fn cookies_are_kept_on_https_once() {
        let mut headers = HeaderMap::new();
        for cookie in ["a=1; Path=/", "b=2; Path=/; Secure", "c=secure"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        secure_cookies(&mut headers);
        let all: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(
            all,
            [
                "a=1; Path=/; Secure",
                "b=2; Path=/; Secure",
                "c=secure; Secure"
            ]
        );
    }
}
