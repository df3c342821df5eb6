//! Web origins: which pages may open a connection.
//!
//! Owns their normal form. Never decides which origins are allowed.

use std::fmt;
use std::str::FromStr;

/// Scheme, host and port of a web page, compared as a whole.
///
/// Browsers send it, programs do not. A page that the operator did not name must not be able to use
/// the reach of its visitor's machine, so an origin that is not allowed is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

/// Not an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an origin\nhint: write scheme, host and, if it is unusual, port, as in `https://hub.example.org`"
)]
pub struct NotAnOrigin(String);

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let lower = text.to_ascii_lowercase();
        let parsed = lower.parse::<hyper::Uri>().ok().and_then(|uri| {
            let has_path = lower.matches('/').count() != 2;
            let scheme = uri.scheme_str()?;
            let authority = uri.authority()?;
            if has_path || uri.query().is_some() || authority.as_str().contains('@') {
                return None;
            }
            let port = authority.port_u16().filter(|port| default_port(scheme) != Some(*port));
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            Some(format!("{scheme}://{}{port}", authority.host()))
        });
        parsed.map(Self).ok_or_else(|| NotAnOrigin(text.escape_debug().take(100).collect()))
    }
}

impl Origin {
    /// Whether its page was loaded from that host. Some clients say `http` for whatever they do, so the
    /// usual port of either scheme is the same as none.
    pub(crate) fn is_at(&self, authority: &str) -> bool {
        let bare = |text: &str| {
            let usual = [":80", ":443"].iter().find_map(|port| text.strip_suffix(port));
            usual.unwrap_or(text).to_owned()
        };
        let at = self.0.split_once("://").map_or("", |(_, at)| at);
        !at.is_empty() && bare(at) == bare(authority)
    }
}

impl PartialEq<String> for Origin {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let parsed = text.parse::<Origin>().ok().map(|origin| origin.to_string());
        assert_eq!(parsed.as_deref(), expected, "{text}");
    }

    #[test]
    fn origins_are_normal_or_nothing() {
        check("https://hub.example.org", Some("https://hub.example.org"));
        check("HTTPS://Hub.Example.org:443", Some("https://hub.example.org"));
        check("http://localhost:8080", Some("http://localhost:8080"));
        check("http://[::1]:80", Some("http://[::1]"));
        check("null", None);
        check("", None);
        check("hub.example.org", None);
        check("https://hub.example.org/", None);
        check("https://hub.example.org/path", None);
        check("https://user@hub.example.org", None);
        check("https://hub.example.org?x", None);
        check("https://a b", None);
    }

    #[test]
    fn a_host_that_only_begins_like_an_allowed_one_is_another() {
        let allowed: Origin = "https://hub.example.org".parse().expect("an origin");
        for other in ["https://hub.example.org.evil.com", "http://hub.example.org"] {
            assert_ne!(other.parse(), Ok(allowed.clone()), "{other}");
        }
    }
}
