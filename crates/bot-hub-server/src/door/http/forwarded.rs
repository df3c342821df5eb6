//! The client of a request that came through proxies.
//!
//! Owns which `X-Forwarded-*` headers are believed. Never reads any other header.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;

use crate::door::Carrier;
use crate::net::Network;

/// The client, as far as it can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    /// Whether the way to us, or to the proxy that we trust, was encrypted.
    pub(super) is_encrypted: bool,
}

impl Client {
    pub(super) fn of(
        peer: IpAddr,
        headers: &HeaderMap,
        trusted: &[Network],
        carrier: Carrier,
    ) -> Self {
        let is_trusted = trusted.iter().any(|network| network.contains(peer));
        let came_encrypted = is_trusted.then(|| came_encrypted(headers)).flatten();
        Self {
            address: client_address(peer, headers, trusted),
            is_encrypted: came_encrypted.unwrap_or(carrier == Carrier::Tls),
        }
    }
}

/// Whether a proxy says that the request reached it encrypted; `None` if it says nothing. Of several values
/// only the last counts, because the proxy next to us wrote it. For a WebSocket, Traefik writes `wss`.
fn came_encrypted(headers: &HeaderMap) -> Option<bool> {
    let last = headers.get_all("x-forwarded-proto").iter().next_back()?;
    let word = last.to_str().ok()?.rsplit(',').next()?.trim();
    Some(["https", "wss"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme)))
}

/// Whether a proxy says that the request reached it unencrypted. A false value gains nothing: a client that
/// omits the header must be on this machine.
pub(super) fn came_plain(headers: &HeaderMap) -> bool {
    came_encrypted(headers) == Some(false)
}

/// The address of the client. `X-Forwarded-For` counts only from a trusted proxy, and is read from the
/// right up to the first untrusted address: anybody could have written what is left of it.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.to_canonical();
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    for line in lines.into_iter().rev() {
        for hop in line.to_str().unwrap_or_default().rsplit(',') {
            if !is_trusted(nearest) {
                return nearest;
            }
            let Some(address) = parse_hop(hop.trim()) else { return nearest };
            nearest = address.to_canonical();
        }
    }
    nearest
}

/// Whether the request says that it came through a proxy, trusted or not.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

fn parse_hop(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, name: &'static str, lines: &[&str]) -> Client {
        client_over(Carrier::Plain, peer, name, lines)
    }

    fn client_over(carrier: Carrier, peer: &str, name: &'static str, lines: &[&str]) -> Client {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().expect("a header value"));
        }
        let trusted =
            ["10.0.0.0/8", "127.0.0.1", "fd00::/8"].map(|n| n.parse().expect("a network"));
        Client::of(peer.parse().expect("an address"), &headers, &trusted, carrier)
    }

    fn check(peer: &str, lines: &[&str], expected: &str) {
        let address = client(peer, "x-forwarded-for", lines).address;
        assert_eq!(address.to_string(), expected, "{peer} {lines:?}");
    }

    #[test]
    fn only_a_trusted_proxy_can_say_that_a_request_came_encrypted() {
        let check = |peer: &str, lines: &[&str], expected: bool| {
            let client = client(peer, "x-forwarded-proto", lines);
            assert_eq!(client.is_encrypted, expected, "{peer} {lines:?}");
        };
        check("10.1.2.3", &["https"], true);
        check("::ffff:10.1.2.3", &["https"], true);
        check("10.1.2.3", &["wss"], true);
        check("10.1.2.3", &["HTTPS"], true);
        check("10.1.2.3", &["http"], false);
        check("10.1.2.3", &["ws"], false);
        check("10.1.2.3", &[], false);
        check("192.0.2.1", &["https"], false);
        check("10.1.2.3", &["https, http"], false);
        check("10.1.2.3", &["http", "https"], true);
        check("10.1.2.3", &["https", "http"], false);
        check("10.1.2.3", &["https,"], false);
    }

    #[test]
    fn over_tls_only_a_trusted_proxy_can_say_that_a_request_came_plain() {
        let check = |peer: &str, lines: &[&str], expected: bool| {
            let client = client_over(Carrier::Tls, peer, "x-forwarded-proto", lines);
            assert_eq!(client.is_encrypted, expected, "{peer} {lines:?}");
        };
        check("192.0.2.1", &[], true);
        check("192.0.2.1", &["http"], true);
        check("10.1.2.3", &[], true);
        check("10.1.2.3", &["https"], true);
        check("10.1.2.3", &["http"], false);
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_from_the_right() {
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("10.1.2.3", &["198.51.100.7"], "198.51.100.7");
        check("::ffff:10.1.2.3", &["198.51.100.7"], "198.51.100.7");
        check("10.1.2.3", &["1.1.1.1, 198.51.100.7"], "198.51.100.7");
        check("10.1.2.3", &["198.51.100.7, 10.9.9.9"], "198.51.100.7");
        check("10.1.2.3", &["1.1.1.1", "198.51.100.7, 10.9.9.9"], "198.51.100.7");
        check("10.1.2.3", &["198.51.100.7:4711"], "198.51.100.7");
        check("fd00::1", &["[2001:db8::7]:80"], "2001:db8::7");
    }

    #[test]
    fn garbage_in_the_header_ends_the_search_at_the_last_that_is_known() {
        check("10.1.2.3", &["198.51.100.7, garbage"], "10.1.2.3");
        check("10.1.2.3", &["127.evil.com"], "10.1.2.3");
        check("10.1.2.3", &[""], "10.1.2.3");
        check("10.1.2.3", &["1.1.1.1, , 10.4.4.4"], "10.4.4.4");
    }
}
