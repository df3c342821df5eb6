//! The opening handshake of a WebSocket (RFC 6455 section 4.2), every condition with its own answer.

use bot_protocol::secret::Secret;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};

use super::reply::refuse;
use super::{Refusal, Reply, bearer};
use crate::door::ws;
use crate::net::Origin;

/// Refuses what is not an upgrade that we can serve. Returns the token, if one was sent along.
pub(super) fn check(
    request: &Request<Incoming>,
    may_come_from: impl Fn(&Origin) -> bool,
) -> Result<Option<Secret>, Refusal> {
    let headers = request.headers();
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        let cause = "a WebSocket is opened by `GET` over HTTP/1.1";
        return Err(refuse(StatusCode::BAD_REQUEST, cause, "use a WebSocket client library"));
    }
    if !lists(headers, header::UPGRADE, "websocket")
        || !lists(headers, header::CONNECTION, "upgrade")
    {
        return Err(required());
    }
    if once(headers, header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let cause = "only version 13 of WebSocket is spoken here";
        let mut reply = refuse(StatusCode::UPGRADE_REQUIRED, cause, "update the client's library");
        let version = HeaderValue::from_static("13");
        reply.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, version);
        return Err(reply);
    }
    check_origin(headers, may_come_from)?;
    bearer(headers)
}

/// The answer 101. The key is the last thing that can be wrong.
pub(super) fn accept(request: &Request<Incoming>) -> Result<Reply, Refusal> {
    let key = once(request.headers(), header::SEC_WEBSOCKET_KEY);
    let accept = key.and_then(|key| ws::accept_key(key.as_bytes()));
    let accept =
        accept.and_then(|accept| HeaderValue::from_str(&accept).ok()).ok_or_else(|| {
            let cause = "`Sec-WebSocket-Key` is not the base64 of 16 bytes";
            refuse(StatusCode::BAD_REQUEST, cause, "use a WebSocket client library")
        })?;
    let mut reply = Response::new(Full::new(Bytes::new()));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(reply)
}

/// The answer to somebody who came without an upgrade.
pub(super) fn required() -> Refusal {
    let cause = "this address is for WebSockets";
    let hint = "connect with a WebSocket client; \
        behind a proxy, let it pass the `Upgrade` and `Connection` headers";
    let mut reply = refuse(StatusCode::UPGRADE_REQUIRED, cause, hint);
    reply.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade, close"));
    reply
}

fn check_origin(
    headers: &HeaderMap,
    may_come_from: impl Fn(&Origin) -> bool,
) -> Result<(), Refusal> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let text = once(headers, header::ORIGIN).unwrap_or_default();
    if text.parse::<Origin>().is_ok_and(|origin| may_come_from(&origin)) {
        return Ok(());
    }
    let shown: String = text.escape_debug().take(100).collect();
    let cause = format!("the web origin `{shown}` may not connect");
    let hint = "name it in `allowedOrigins`, or in `publicUrl` if it is the hub's own; programs leave the `Origin` header out";
    Err(refuse(StatusCode::FORBIDDEN, &cause, hint))
}

/// The value of a header that stands exactly once.
fn once(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// Whether one of the comma-separated words of a header is `word`.
fn lists(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}
