//! The shapes of HTTP answers.
//!
//! Owns the headers that all answers share. Never chooses a status.

use std::time::SystemTime;

use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use super::Reply;
use super::body::ReplyBody;

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const JSON: &str = "application/json";
pub(super) const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A whole answer.
pub(super) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Reply {
    reply_with(status, content_type, ReplyBody::whole(body))
}

/// An answer whose body may come piece by piece.
pub(super) fn reply_with(status: StatusCode, content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    // The one that hyper would set stands still after the clock was set back.
    let date = httpdate::fmt_http_date(SystemTime::now());
    if let Ok(date) = HeaderValue::from_maybe_shared(Bytes::from(date)) {
        reply.headers_mut().insert(header::DATE, date);
    }
    reply
}
