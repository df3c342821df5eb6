//! Checks of every request before its route is called.
//!
//! Owns ambiguities that two parsers could read differently, secrets in the URL, and the `Authorization`
//! header. Each check has its own error.

use bot_protocol::secret::Secret;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, Version};

use super::forwarded;
use super::query;
use super::refusal::Refusal;
use crate::door::Carrier;
use crate::door::code::HttpCode;

/// Whether a path takes a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyIs {
    Taken,
    Refused,
}

/// Refuses a request that a proxy in front may have understood differently.
pub(super) fn check_framing(request: &Request<Incoming>, body: BodyIs) -> Result<(), Refusal> {
    let headers = request.headers();
    let count = |name| headers.get_all(name).iter().count();
    if is_chunked(headers) && lists_other_codings(headers) {
        let cause = "the only transfer coding that is taken here is `chunked`";
        return Err(bad(cause, "send the body as it is"));
    }
    if body == BodyIs::Refused && !request.body().is_end_stream() {
        let cause = "requests with a body are not taken here";
        return Err(bad(cause, "send the request without a body"));
    }
    // hyper merges equal `Content-Length` headers and refuses different ones. Beside `Transfer-Encoding` it
    // ignores them and closes the connection after the answer (RFC 9112, section 6.1).
    if count(header::HOST) > 1 || count(header::UPGRADE) > 1 {
        let cause = "a header that must stand once stands twice";
        return Err(bad(cause, "send `Host` and `Upgrade` once"));
    }
    if request.version() == Version::HTTP_11 && count(header::HOST) == 0 {
        return Err(bad("the `Host` header is missing", "HTTP/1.1 requires it"));
    }
    Ok(())
}

/// Whether the body comes in chunks.
pub(super) fn is_chunked(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
}

fn lists_other_codings(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_plain = |value: &header::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    !(values.next().is_some_and(is_plain) && values.next().is_none())
}

/// Refuses a token in the URL. The query is never repeated.
pub(super) fn check_query(request: &Request<Incoming>) -> Result<(), Refusal> {
    if !query::has_secret(request.uri().query().unwrap_or_default()) {
        return Ok(());
    }
    let cause = "a token does not belong in a URL: URLs are logged on the way";
    let hint = "replace that token, and send the new one in the first frame \
        ({\"type\":\"auth\",\"token\":\"...\"}) or as `Authorization: Bearer ...`";
    Err(bad(cause, hint))
}

/// Refuses a request that reached a local proxy unencrypted, if the operator configured TLS.
pub(super) fn check_carrier(carrier: Carrier, headers: &HeaderMap) -> Result<(), Refusal> {
    if carrier != Carrier::PlainBesideTls || !forwarded::came_plain(headers) {
        return Ok(());
    }
    let cause = "this hub speaks TLS, and you came to its proxy without";
    let hint = "use `wss://` instead of `ws://`, `https://` instead of `http://`";
    Err(Refusal::new(HttpCode::UpgradeRequired, cause).hint(hint))
}

/// The token of `Authorization: Bearer`, if there is such a header.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<Secret>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    let Some(value) = value else { return Ok(None) };
    let token = value.to_str().ok().filter(|_| more.is_none()).and_then(|value| {
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    // The token is not empty: trailing blanks were removed before the scheme was split off.
    token.map(|token| Some(Secret::new(token))).ok_or_else(|| {
        let cause = "the `Authorization` header is not understood";
        bad(cause, "send it once, as `Authorization: Bearer <token>`")
    })
}

/// Whether one of the comma-separated words of a header is `word`.
pub(super) fn lists(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}

fn bad(cause: &str, hint: &str) -> Refusal {
    Refusal::new(HttpCode::BadRequest, cause).hint(hint)
}
