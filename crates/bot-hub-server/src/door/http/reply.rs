//! The shapes of HTTP answers.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use super::{Refusal, Reply};

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const JSON: &str = "application/json";
pub(super) const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A whole answer. The connection ends with it: whatever follows in the same socket is not read as a
/// second request.
pub(super) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONNECTION, "close"),
    ] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// A whole answer in JSON.
pub(super) fn json(status: StatusCode, body: String) -> Reply {
    reply(status, JSON, body)
}

/// An error in JSON, for programs.
pub(super) fn refuse_json(status: StatusCode, kind: &str, message: &str, hint: &str) -> Refusal {
    let error = serde_json::json!({ "type": kind, "message": message, "hint": hint });
    Box::new(json(status, serde_json::json!({ "ok": false, "error": error }).to_string()))
}

/// An error in words: what is wrong, and what to do.
pub(super) fn refuse(status: StatusCode, cause: &str, hint: &str) -> Refusal {
    Box::new(reply(status, TEXT, format!("{cause}\nhint: {hint}\n")))
}
