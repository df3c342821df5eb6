//! The opening handshake of a WebSocket (RFC 6455 section 4.2). Each condition has its own error.
//!
//! Owns these conditions. Never checks a token: it passes it on.

use bot_protocol::secret::Secret;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};

use super::body::ReplyBody;
use super::call::Call;
use super::check::{bearer, lists};
use super::{Accepted, Refusal, Reply};
use crate::door::code::HttpCode;
use crate::door::ws;
use crate::net::Origin;

/// Accepts a WebSocket, or says why not.
pub(super) fn open(call: &Call<'_>) -> Result<Reply, Refusal> {
    let conn = call.conn;
    let may_come_from = |origin: &Origin| call.asked.may_come_from(origin, &call.config);
    let bearer = check(&call.request, may_come_from)?;
    let reply = accept(&call.request)?;
    conn.accepted.set(Some(Accepted { peer: call.client.address, bearer }));
    Ok(reply)
}

/// Refuses an upgrade that cannot be served. Returns the token, if one was sent.
fn check(
    request: &Request<Incoming>,
    may_come_from: impl Fn(&Origin) -> bool,
) -> Result<Option<Secret>, Refusal> {
    let headers = request.headers();
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        let cause = "a WebSocket is opened by `GET` over HTTP/1.1";
        return Err(bad(cause));
    }
    if !lists(headers, header::UPGRADE, "websocket")
        || !lists(headers, header::CONNECTION, "upgrade")
    {
        return Err(required());
    }
    if once(headers, header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let cause = "only version 13 of WebSocket is spoken here";
        return Err(Refusal::new(HttpCode::UpgradeRequired, cause)
            .hint("update the client's library")
            .header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
    }
    check_origin(headers, may_come_from)?;
    bearer(headers)
}

/// The answer 101. The key is the last thing that can be wrong.
fn accept(request: &Request<Incoming>) -> Result<Reply, Refusal> {
    let key = once(request.headers(), header::SEC_WEBSOCKET_KEY);
    let accept = key.and_then(|key| ws::accept_key(key.as_bytes()));
    let accept = accept
        .and_then(|accept| HeaderValue::from_str(&accept).ok())
        .ok_or_else(|| bad("`Sec-WebSocket-Key` is not the base64 of 16 bytes"))?;
    let mut reply = Response::new(ReplyBody::whole(""));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(reply)
}

/// The answer to a request without an upgrade.
pub(super) fn required() -> Refusal {
    let hint = "connect with a WebSocket client; \
        behind a proxy, let it pass the `Upgrade` and `Connection` headers";
    Refusal::new(HttpCode::UpgradeRequired, "this address is for WebSockets")
        .hint(hint)
        .header(header::UPGRADE, HeaderValue::from_static("websocket"))
        .header(header::CONNECTION, HeaderValue::from_static("Upgrade, close"))
}

fn bad(cause: &str) -> Refusal {
    Refusal::new(HttpCode::BadRequest, cause).hint("use a WebSocket client library")
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
    Err(Refusal::new(HttpCode::ForeignOrigin, cause).hint(hint))
}

/// The value of a header that must occur exactly once.
fn once(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}
