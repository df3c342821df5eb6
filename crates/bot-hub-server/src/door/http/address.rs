//! The address of the hub as the client knows it.
//!
//! Owns which address is trusted: the configured one, or else a `Host` header that is a valid address.
//! Pages and answers take addresses only from here.

use hyper::header::{self, HeaderMap};

use super::Refusal;
use super::forwarded::Client;
use crate::config::PublicUrl;
use crate::door::DoorConfig;
use crate::door::code::HttpCode;

/// `https://hub.example`, without a slash at its end.
pub(super) fn base(
    headers: &HeaderMap,
    client: Client,
    config: &DoorConfig,
) -> Result<String, Refusal> {
    if let Some(url) = &config.public_url {
        return Ok(url.to_string());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = if client.is_encrypted { "https" } else { "http" };
    let url = host.and_then(|host| format!("{scheme}://{host}").parse::<PublicUrl>().ok());
    url.map(|url| url.to_string()).ok_or_else(|| {
        let message = "the `Host` header is no address";
        Refusal::new(HttpCode::BadHost, message).hint("ask by the name of the hub")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(public: Option<&str>, host: &str, is_encrypted: bool, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header value"));
        let client = Client { address: [192, 0, 2, 1].into(), is_encrypted };
        let public_url = public.map(|url| url.parse().expect("an address"));
        let config = DoorConfig { public_url, ..DoorConfig::default() };
        assert_eq!(base(&headers, client, &config).ok().as_deref(), expected, "{host}");
    }

    #[test]
    fn what_the_operator_wrote_wins_and_a_host_header_must_be_a_host() {
        check(Some("https://hub.example"), "evil.example", false, Some("https://hub.example"));
        check(None, "Hub.Example:443", true, Some("https://hub.example"));
        check(None, "127.0.0.1:18795", false, Some("http://127.0.0.1:18795"));
        check(None, "[::1]:18795", false, Some("http://[::1]:18795"));
        for bad in ["<script>", "a b", "hub.example/x", "u@hub.example", "`x`", "0.0.0.0", ""] {
            check(None, bad, false, None);
        }
    }
}
