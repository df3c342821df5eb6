//! `/api/v1/…`: what programs ask for over HTTP, in JSON.
//!
//! Owns the forms of those requests: method, size, who may ask over which way. Never looks into a code
//! or a token: the engine does.

use std::net::IpAddr;

use bot_protocol::frame::operator::{InviteWish, Page};
use bot_protocol::secret::Secret;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::address::base;
use super::forwarded::Client;
use super::host::Asked;
use super::reply::{json, refuse_json};
use super::{HttpConn, Refusal, Reply, bearer};
use crate::door::intent::{Answer, Asker, ClaimWish, InviteCall, Question};
use crate::net::Origin;

/// What these requests need is a tenth of it.
const BODY_BYTES_MAX: usize = 4 << 10;

/// Below this every path is answered here.
pub(super) const API: &str = "/api/";

const CLAIM: &str = "/api/v1/invites/claim";
const INVITES: &str = "/api/v1/invites";

/// Whether nothing is done at that path without a token in the header.
pub(super) fn needs_token(path: &str) -> bool {
    path.starts_with(INVITES) && path != CLAIM
}

#[derive(Deserialize)]
struct ClaimBody {
    code: Secret,
    #[serde(default)]
    client: String,
    #[serde(default)]
    name: Option<String>,
}

/// `?after=` goes on after a page: what its `next` was.
fn page_of(query: Option<&str>) -> Page {
    let mut pairs = query.unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
    let after = pairs.find(|(name, _)| *name == "after").map(|(_, place)| place.into());
    Page { after, limit: None }
}

impl HttpConn<'_> {
    pub(super) async fn api(
        &self,
        request: Request<Incoming>,
        client: Client,
        asked: &Asked,
    ) -> Result<Reply, Refusal> {
        let path = request.uri().path().to_owned();
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let question = match (path.as_str(), &method) {
            (CLAIM, &Method::POST) => {
                let base = self.open_to(&headers, client, asked)?;
                let ClaimBody { code, client: program, name } = read(request).await?;
                let address = client.address;
                Question::Claim(Box::new(ClaimWish { code, client: program, name, address, base }))
            }
            (CLAIM, _) => return Err(only("POST", "`GET` never uses a code")),
            (INVITES, &Method::POST) => {
                let (token, address) = self.holder(&headers, client, asked)?;
                let wish: InviteWish = read(request).await?;
                Question::Invite(token, address, InviteCall::Create(wish))
            }
            (INVITES, &Method::GET) => {
                let (token, address) = self.holder(&headers, client, asked)?;
                let page = page_of(request.uri().query());
                Question::Invite(token, address, InviteCall::List(page))
            }
            (INVITES, _) => return Err(only("GET, POST", "`POST` makes an invite")),
            (path, method) => match path.strip_prefix("/api/v1/invites/") {
                Some(id) if method == Method::DELETE && !id.contains('/') => {
                    let (token, address) = self.holder(&headers, client, asked)?;
                    Question::Invite(token, address, InviteCall::Revoke(id.into()))
                }
                Some(_) => return Err(only("DELETE", "`DELETE` makes an invite worthless")),
                None => return Err(nothing_here()),
            },
        };
        match self.ask(question, Asker::Remote(client.address, None)).await {
            Some(Answer::Json(status, body, retry_after_s)) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                let mut reply = json(status, body);
                if let Some(seconds) = retry_after_s {
                    reply.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                Ok(reply)
            }
            _ => Err(refuse_json(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the hub does not answer",
                "try again in a minute",
            )),
        }
    }

    /// Whether a secret may travel on this way; the address of the hub as the asker knows it.
    fn open_to(
        &self,
        headers: &HeaderMap,
        client: Client,
        asked: &Asked,
    ) -> Result<String, Refusal> {
        let own = base(headers, client, &self.config);
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin.to_str().ok().and_then(|text| text.parse::<Origin>().ok());
            let is_known = |origin: &Origin| asked.may_come_from(origin, &self.config);
            if !origin.as_ref().is_some_and(is_known) {
                let message = "a web page from elsewhere may not ask this";
                return Err(refuse_json(StatusCode::FORBIDDEN, "foreign_origin", message, ""));
            }
        }
        if client.is_encrypted || self.is_local(headers, asked) {
            return own;
        }
        let message = "codes and tokens do not travel unencrypted";
        let hint =
            "use `https://`; the operator of a hub behind a proxy names it in `trustProxies`";
        Err(refuse_json(StatusCode::FORBIDDEN, "https_required", message, hint))
    }

    fn holder(
        &self,
        headers: &HeaderMap,
        client: Client,
        asked: &Asked,
    ) -> Result<(Secret, IpAddr), Refusal> {
        self.open_to(headers, client, asked)?;
        let token = bearer(headers).ok().flatten().ok_or_else(|| {
            let hint = "send `Authorization: Bearer <token of the bot>`";
            refuse_json(StatusCode::UNAUTHORIZED, "no_token", "this needs a bot's token", hint)
        })?;
        Ok((token, client.address))
    }
}

/// Reads a body of known and small length. What stands in it is not repeated in the refusal.
async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refusal> {
    let length = request.body().size_hint().exact();
    if length.is_none_or(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|_| too_large())?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "lacks a field, or has one of another type",
            _ => "is no JSON object",
        };
        let hint = "docs/invites.md shows it; for a claim it is {\"code\":\"K7QF-2M9D-XR4T-8W3A\"}";
        refuse_json(StatusCode::BAD_REQUEST, "bad_request", &format!("the body {what}"), hint)
    })
}

fn too_large() -> Refusal {
    let message = format!("a body has a length, of at most {BODY_BYTES_MAX} bytes");
    refuse_json(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message, "send less")
}

fn only(methods: &'static str, hint: &str) -> Refusal {
    let message = format!("this is asked with {methods}");
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut reply = refuse_json(status, "method_not_allowed", &message, hint);
    reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    reply
}

fn nothing_here() -> Refusal {
    let hint = "docs/invites.md says what there is";
    refuse_json(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path", hint)
}
