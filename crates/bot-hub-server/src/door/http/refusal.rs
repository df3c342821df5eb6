//! Answers to refused requests: text for people, JSON for programs.
//!
//! Owns both forms. An [`HttpError`] says what went wrong; checks, endpoints and the engine make it.

use hyper::StatusCode;
use hyper::header::{self, HeaderName, HeaderValue};

use super::Reply;
use super::reply::{JSON, TEXT, reply};
use crate::door::code::{HttpCode, HttpError};

/// The likely reader of the answers of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// People, and programs that look only at the status.
    Text,
    /// Programs.
    Json,
}

/// All paths below this one answer in JSON.
const API: &str = "/api/";

impl Face {
    pub(super) fn of(path: &str) -> Self {
        if path.starts_with(API) { Self::Json } else { Self::Text }
    }
}

/// An error with its headers. Boxed, because results carry it through every check.
#[derive(Debug)]
pub(super) struct Refusal(Box<Inner>);

#[derive(Debug)]
struct Inner {
    error: HttpError,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(code: HttpCode, message: impl Into<String>) -> Self {
        HttpError::new(code, message).into()
    }

    /// The same, with what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.error = self.0.error.hint(hint);
        self
    }

    /// The same, with a header of the answer.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The answer.
    pub(super) fn reply(self, face: Face) -> Reply {
        let Inner { error, headers } = *self.0;
        let mut reply = in_form_of(face, &error);
        if let Some(seconds) = error.retry_after_s {
            reply.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        reply.headers_mut().extend(headers);
        reply
    }
}

impl From<HttpError> for Refusal {
    fn from(error: HttpError) -> Self {
        Self(Box::new(Inner { error, headers: Vec::new() }))
    }
}

fn in_form_of(face: Face, error: &HttpError) -> Reply {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let HttpError { kind, message, hint, .. } = error;
    match face {
        Face::Text => reply(status, TEXT, format!("{message}\nhint: {hint}\n")),
        Face::Json => {
            let mut error = serde_json::json!({ "type": kind, "message": message });
            if !hint.is_empty() {
                error["hint"] = hint.as_str().into();
            }
            reply(status, JSON, serde_json::json!({ "ok": false, "error": error }).to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn check(refusal: Refusal, face: Face, expected: &str) {
        let body = refusal.reply(face).into_body().collect().await.expect("a whole body");
        assert_eq!(String::from_utf8_lossy(&body.to_bytes()), expected);
    }

    #[tokio::test]
    async fn a_refusal_is_worded_by_the_face_that_shows_it() {
        let refusal = || Refusal::new(HttpCode::UsedCode, "y");
        check(refusal(), Face::Json, r#"{"error":{"message":"y","type":"used_code"},"ok":false}"#)
            .await;
        let whole = r#"{"error":{"hint":"z","message":"y","type":"used_code"},"ok":false}"#;
        check(refusal().hint("z"), Face::Json, whole).await;
        check(refusal().hint("z"), Face::Text, "y\nhint: z\n").await;
    }

    #[test]
    fn a_refusal_carries_the_seconds_to_wait_and_its_headers() {
        let error = HttpError::new(HttpCode::Busy, "y").retry_after_s(7);
        let refusal = Refusal::from(error).header(header::ALLOW, HeaderValue::from_static("GET"));
        let reply = refusal.reply(Face::Json);
        assert_eq!(reply.status(), 429);
        assert_eq!(
            (&reply.headers()["retry-after"], &reply.headers()["allow"]),
            (&"7".parse().expect("a value"), &"GET".parse().expect("a value"))
        );
    }
}
