//! Under which names the hub may be reached, and which pages count as its own.
//!
//! Owns the defence against DNS rebinding. A foreign page whose name resolves to this machine can reach
//! everything that a local browser can reach, but it cannot use a name that its owner does not control. All
//! requests are checked here: pages, `/api`, `/metrics` and WebSocket upgrades.

use std::net::{IpAddr, SocketAddr};

use hyper::Uri;
use hyper::header::{self, HeaderMap};

use super::check::bearer;
use super::refusal::Refusal;
use crate::door::DoorConfig;
use crate::door::code::HttpCode;
use crate::net::Origin;

/// The kind of name in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A loopback name, an address, or a configured name of the hub. Only such a request may come from a
    /// program on this machine.
    Own(String),
    /// A name that cannot be registered in the DNS, as in container and home networks.
    Neighbour(String),
    /// Another name, from a trusted proxy. A page cannot pretend to be a proxy.
    Proxied,
    /// Another name, with a token that was not checked yet. A page can invent a token, so this is allowed
    /// only for requests whose token is checked ([`Asked::judged`]).
    Claimed(String),
}

impl Asked {
    /// Judges the `Host` header, and the host of the request line if there is one.
    pub(super) fn of(
        headers: &HeaderMap,
        uri: &Uri,
        peer: IpAddr,
        config: &DoorConfig,
    ) -> Result<Self, Refusal> {
        let host = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
        let target = uri.authority().map(hyper::http::uri::Authority::as_str);
        let mut asked = Self::Own(host.unwrap_or_default().to_ascii_lowercase());
        for authority in host.into_iter().chain(target) {
            match judge(authority, config) {
                Some(Self::Own(_)) => {}
                Some(other) => asked = other,
                None if config.trusted_proxies.iter().any(|it| it.contains(peer)) => {
                    return Ok(Self::Proxied);
                }
                None if matches!(bearer(headers), Ok(Some(_))) => {
                    return Ok(Self::Claimed(authority.to_owned()));
                }
                None => return Err(foreign(authority)),
            }
        }
        Ok(asked)
    }

    /// Refuses a foreign name for requests that do not depend on a valid token.
    pub(super) fn judged(&self) -> Result<(), Refusal> {
        match self {
            Self::Claimed(name) => Err(foreign(name)),
            Self::Own(_) | Self::Neighbour(_) | Self::Proxied => Ok(()),
        }
    }

    /// Whether a program on this machine may have used this name.
    pub(super) fn may_be_local(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Whether a page of this origin may connect: one of the hub's own pages, or a configured origin.
    pub(super) fn may_come_from(&self, origin: &Origin, config: &DoorConfig) -> bool {
        let is_public = config.public_url.as_ref().is_some_and(|url| *origin == url.to_string());
        let is_asked = match self {
            Self::Own(host) | Self::Neighbour(host) => origin.is_at(host),
            Self::Proxied | Self::Claimed(_) => false,
        };
        is_public || is_asked || config.allowed_origins.contains(origin)
    }
}

/// The kind of a host; `None` if it is foreign.
fn judge(authority: &str, config: &DoorConfig) -> Option<Asked> {
    let lower = authority.to_ascii_lowercase();
    let name = name_of(&lower)?;
    let is_given = config.public_url.as_ref().is_some_and(|url| url.host() == name)
        || config.names.iter().any(|given| given.eq_ignore_ascii_case(name));
    if is_given || is_loopback(name) || name.parse::<IpAddr>().is_ok() {
        return Some(Asked::Own(lower));
    }
    is_neighbour(name).then_some(Asked::Neighbour(lower))
}

/// The name or address without port, brackets and the dot of the root.
fn name_of(authority: &str) -> Option<&str> {
    if authority.parse::<SocketAddr>().is_ok() || authority.starts_with('[') {
        let (address, port) = match authority.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => authority.rsplit_once(':')?,
        };
        let is_port = port.trim_start_matches(':').bytes().all(|it| it.is_ascii_digit());
        return is_port.then_some(address);
    }
    let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
    let is_port = port.bytes().all(|it| it.is_ascii_digit());
    let name = name.strip_suffix('.').unwrap_or(name);
    (is_port && !name.is_empty()).then_some(name)
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Names that nobody can register: single labels as in container networks, `.local` of mDNS, and the names
/// that RFC 6761, RFC 8375, ICANN (`.internal`) and Kubernetes (`.svc`) reserve for private use.
fn is_neighbour(name: &str) -> bool {
    const PRIVATE: [&str; 7] =
        [".local", ".internal", ".home.arpa", ".test", ".svc", ".lan", ".svc.cluster.local"];
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
    name.chars().all(is_plain)
        && (!name.contains('.') || PRIVATE.iter().any(|suffix| name.ends_with(suffix)))
}

fn foreign(authority: &str) -> Refusal {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || ".-_:[]".contains(it);
    if authority.is_empty() || !authority.chars().all(is_plain) {
        // The value is not repeated, because it is no name.
        let cause = "the `Host` header is no address";
        return Refusal::new(HttpCode::BadHost, cause).hint("ask by the name of the hub");
    }
    let shown: String = authority.chars().take(100).collect();
    let cause = format!("`{shown}` is no name of this hub");
    let hint = "if it is one, its operator sets `publicUrl: \"https://NAME\"`; \
        ask by address otherwise";
    Refusal::new(HttpCode::ForeignHost, cause).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &str, headers: &[(&'static str, &str)], peer: &str) -> Option<&'static str> {
        let mut map = HeaderMap::new();
        map.insert(header::HOST, host.parse().expect("a header value"));
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header value"));
        }
        let config = DoorConfig {
            public_url: "https://hub.example.org".parse().ok(),
            names: vec!["Bots.Example.org".to_owned()],
            trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")],
            ..DoorConfig::default()
        };
        let peer = peer.parse().expect("an address");
        match Asked::of(&map, &Uri::from_static("/metrics"), peer, &config).ok()? {
            Asked::Own(_) => Some("own"),
            Asked::Neighbour(_) => Some("neighbour"),
            Asked::Proxied => Some("proxied"),
            Asked::Claimed(_) => Some("claimed"),
        }
    }

    #[test]
    fn a_name_that_somebody_else_can_own_is_no_name_of_the_hub() {
        let check = |host: &str, expected: Option<&str>| {
            assert_eq!(asked(host, &[], "127.0.0.1"), expected, "{host}");
        };
        for own in [
            "127.0.0.1:18795",
            "127.0.0.1",
            "[::1]:18795",
            "[::1]",
            "192.168.1.20:18795",
            "localhost:18795",
            "LOCALHOST",
            "localhost.",
            "hub.localhost",
            "hub.example.org",
            "hub.example.org:443",
            "Hub.Example.Org.",
            "bots.example.org:18795",
        ] {
            check(own, Some("own"));
        }
        for neighbour in [
            "bot-hub:18795",
            "raspberrypi.local",
            "bot-hub.bots.svc",
            "hub.home.arpa",
            "bot-hub.bots.svc.cluster.local:18795",
            "2130706433",
            "my_hub",
        ] {
            check(neighbour, Some("neighbour"));
        }
        for foreign in [
            "evil.com:18795",
            "hub.example.org.evil.com",
            "xhub.example.org",
            "localhost.evil.com",
            "127.0.0.1.nip.io",
            "127.0.0.1.evil.com:18795",
            "evil.com:18795@127.0.0.1",
            "",
            ":18795",
            "[::1].evil.com",
            "evil.local.com",
            "a b",
        ] {
            check(foreign, None);
        }
    }

    #[test]
    fn a_foreign_name_is_taken_from_a_proxy_and_from_whoever_shows_a_token_to_be_judged() {
        let claim = |value| asked("evil.com", &[("authorization", value)], "192.0.2.1");
        assert_eq!(claim("Bearer x"), Some("claimed"));
        // A browser sends the first for `http://u:p@evil.com`; a page could write the others into the
        // header.
        assert_eq!((claim("Basic dTpw"), claim("x"), claim("")), (None, None, None));
        assert_eq!(asked("evil.com", &[], "10.1.2.3"), Some("proxied"));
        assert_eq!(asked("evil.com", &[("x-forwarded-for", "10.0.0.1")], "127.0.0.1"), None);
    }
}
