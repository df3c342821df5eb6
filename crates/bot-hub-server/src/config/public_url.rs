//! The public address of the hub.
//!
//! Owns its canonical form, and addresses derived from it. Never looks a name up or connects: `doctor`
//! tests whether it can be reached.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `https://host[:port]`, in lower case, without the port that the scheme has anyway.
///
/// There is no path: the hub answers at the root of a host (`/`, `/ws`, `/healthz`), and clients of the
/// original hub connect to nothing but `wss://host`. A proxy that maps a folder to it would have to
/// rewrite every address that the hub prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    encrypted: bool,
    /// A name or an IPv4 address, or an IPv6 address in its brackets.
    host: String,
    port: Option<u16>,
}

/// Why a text is no valid public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// Neither `https://` nor `http://` is in front.
    #[error("has no scheme")]
    NoScheme,
    /// `ws://` or `wss://`: right for bots, but no page opens there.
    #[error("is the address of a socket")]
    Socket,
    /// Another scheme.
    #[error("has a scheme that the hub does not speak")]
    OtherScheme,
    /// User or password before an `@`.
    #[error("must not hold a user or a password")]
    User,
    /// More than a host: a path, a query or a fragment.
    #[error("must end with its host")]
    Path,
    /// `0.0.0.0`, `[::]` or `*`: addresses to listen on, not to connect to.
    #[error("names every address, and nobody can connect to that")]
    Everywhere,
    /// Letters that a DNS name cannot contain unencoded.
    #[error("has letters that a host name cannot have")]
    NotAscii,
    /// No host, or one that cannot exist.
    #[error("has no host that could exist")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("has a port that does not exist")]
    Port,
}

impl PublicUrl {
    /// Where bots connect: `wss://host`, or `ws://host` if the address is not encrypted.
    pub fn ws_url(&self) -> String {
        format!("{}://{}", if self.encrypted { "wss" } else { "ws" }, self.authority())
    }

    /// The address of a page or an endpoint; `path` begins with `/`.
    pub fn at(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Whether it begins with `https://`.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The host alone; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, also if it is the usual one.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(default_port(self.encrypted))
    }

    /// Whether the address refers to the machine that opens it, so that it cannot lead to a hub elsewhere.
    pub fn is_loopback(&self) -> bool {
        let name = self.host();
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }

    fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.encrypted { "https" } else { "http" }, self.authority())
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let lower = text.to_lowercase();
        let (scheme, rest) = lower.split_once("://").ok_or(PublicUrlError::NoScheme)?;
        let encrypted = match scheme {
            "https" => true,
            "http" => false,
            "ws" | "wss" => return Err(PublicUrlError::Socket),
            _ => return Err(PublicUrlError::OtherScheme),
        };
        // Browsers show a bare host with one slash at the end.
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(PublicUrlError::Path);
        }
        if authority.contains('@') {
            return Err(PublicUrlError::User);
        }
        let (host, port) = split_port(authority)?;
        let port = port.filter(|port| *port != default_port(encrypted));
        Ok(Self { encrypted, host: normal_host(host)?, port })
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), PublicUrlError> {
    let Some((host, port)) = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'))
    else {
        return Ok((authority, None));
    };
    if host.contains(':') && !host.starts_with('[') {
        return Err(PublicUrlError::Host);
    }
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let number = port.parse().ok().filter(|port: &u16| is_number && *port > 0);
    Ok((host, Some(number.ok_or(PublicUrlError::Port)?)))
}

fn normal_host(host: &str) -> Result<String, PublicUrlError> {
    if let Some(bare) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address: Ipv6Addr = bare.parse().map_err(|_| PublicUrlError::Host)?;
        return if address.is_unspecified() {
            Err(PublicUrlError::Everywhere)
        } else {
            Ok(format!("[{address}]"))
        };
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    if matches!(host, "*" | "0.0.0.0") {
        return Err(PublicUrlError::Everywhere);
    }
    if !host.is_ascii() {
        return Err(PublicUrlError::NotAscii);
    }
    let is_address = host.parse::<IpAddr>().is_ok();
    if is_address || is_name(host) { Ok(host.to_owned()) } else { Err(PublicUrlError::Host) }
}

/// Whether this is a DNS name (RFC 1123) or has underscores, as names in home networks do. A text like an
/// IPv4 address that is none is a typing error.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or(host);
    host.len() <= 253
        && host.split('.').all(label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

const fn default_port(encrypted: bool) -> u16 {
    if encrypted { 443 } else { 80 }
}

impl Serialize for PublicUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, PublicUrlError>) {
        let parsed = text.parse::<PublicUrl>().map(|url| url.to_string());
        assert_eq!(parsed.as_deref(), expected.as_ref().map(|url| *url), "{text}");
    }

    #[test]
    fn an_address_has_one_normal_form() {
        check("https://hub.example.org", Ok("https://hub.example.org"));
        check("HTTPS://Hub.Example.ORG/", Ok("https://hub.example.org"));
        check("https://hub.example.org.:443/", Ok("https://hub.example.org"));
        check("https://hub.example.org:8443", Ok("https://hub.example.org:8443"));
        check("http://hub.lan:80", Ok("http://hub.lan"));
        check("http://hub.lan:443", Ok("http://hub.lan:443"));
        check("http://192.168.1.5:18795", Ok("http://192.168.1.5:18795"));
        check("https://[2001:DB8:0::1]:443", Ok("https://[2001:db8::1]"));
        check("https://[2001:db8::1]:8443", Ok("https://[2001:db8::1]:8443"));
        check("http://localhost", Ok("http://localhost"));
    }

    #[test]
    fn what_is_no_address_for_the_world_is_refused_with_its_reason() {
        use PublicUrlError::*;
        check("", Err(NoScheme));
        check("hub.example.org", Err(NoScheme));
        check("hub.example.org:443", Err(NoScheme));
        check("wss://hub.example.org", Err(Socket));
        check("ftp://hub.example.org", Err(OtherScheme));
        check("https://ada:pw@hub.example.org", Err(User));
        check("https://hub.example.org/bots", Err(Path));
        check("https://hub.example.org//", Err(Path));
        check("https://hub.example.org/#code", Err(Path));
        check("https://hub.example.org?x", Err(Path));
        check("https://", Err(Host));
        check("https:///", Err(Host));
        check("https://:443", Err(Host));
        check("https://hub example.org", Err(Host));
        check("https://-hub.example.org", Err(Host));
        check("https://hub..example.org", Err(Host));
        check("https://192.168.1.500", Err(Host));
        check("https://2001:db8::1", Err(Host));
        check("https://[::1", Err(Host));
        check("https://*", Err(Everywhere));
        check("https://0.0.0.0:18795", Err(Everywhere));
        check("https://[::]", Err(Everywhere));
        check("https://bücher.example", Err(NotAscii));
        check("https://hub.example.org:0", Err(Port));
        check("https://hub.example.org:", Err(Port));
        check("https://hub.example.org:+1", Err(Port));
        check("https://hub.example.org:70000", Err(Port));
    }

    #[test]
    fn other_addresses_are_derived_from_it() {
        let url = |text: &str| text.parse::<PublicUrl>().expect("is valid");
        let hub = url("https://hub.example.org");
        assert_eq!(hub.ws_url(), "wss://hub.example.org");
        assert_eq!(hub.at("/join"), "https://hub.example.org/join");
        assert_eq!((hub.host(), hub.port(), hub.is_encrypted()), ("hub.example.org", 443, true));
        let lan = url("http://[fd00::5]:18795");
        assert_eq!(lan.ws_url(), "ws://[fd00::5]:18795");
        assert_eq!((lan.host(), lan.port(), lan.is_encrypted()), ("fd00::5", 18795, false));
        for loopback in
            ["http://localhost:1", "http://127.0.0.9", "http://[::1]", "http://a.localhost"]
        {
            assert!(url(loopback).is_loopback(), "{loopback}");
        }
        assert!(!hub.is_loopback() && !lan.is_loopback());
    }
}
