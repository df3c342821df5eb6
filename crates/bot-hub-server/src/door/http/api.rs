//! `/api/v1/…`: the JSON API over HTTP.
//!
//! Owns the form of these requests: their bodies, and over which way they may come. Never checks a code or
//! a token: the engine does.

use bot_protocol::frame::operator::{InviteWish, Page};
use bot_protocol::secret::Secret;
use hyper::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::reply::{JSON, reply};
use super::{HttpConn, Refusal, Reply};
use crate::door::code::HttpCode;
use crate::door::intent::{Answer, Asker, ClaimWish, InviteCall, Question};

/// Example bodies for hints: a claim, and a new invite.
const CLAIM_BODY: &str = r#"{"code":"K7QF-2M9D-XR4T-8W3A"}"#;
const INVITE_BODY: &str = r#"{"name":"pelouse","rooms":["lab"]}"#;

#[derive(Deserialize)]
struct ClaimBody {
    code: Secret,
    #[serde(default)]
    client: String,
    #[serde(default)]
    name: Option<String>,
}

/// `POST /api/v1/invites/claim`
pub(super) async fn claim(call: Call<'_>) -> Result<Reply, Refusal> {
    let base = call.open_to_secrets()?;
    let (conn, address) = (call.conn, call.client.address);
    let ClaimBody { code, client, name } = read(call, CLAIM_BODY).await?;
    let wish = ClaimWish { code, client, name, address, base };
    conn.tell(Question::Claim(Box::new(wish)), Asker::Remote(address, None)).await
}

/// `POST /api/v1/invites`
pub(super) async fn create(call: Call<'_>) -> Result<Reply, Refusal> {
    let (token, address) = call.holder()?;
    let conn = call.conn;
    let wish: InviteWish = read(call, INVITE_BODY).await?;
    let question = Question::Invite(token, address, InviteCall::Create(wish));
    conn.tell(question, Asker::Remote(address, None)).await
}

/// `GET /api/v1/invites`
pub(super) async fn list(call: Call<'_>) -> Result<Reply, Refusal> {
    let (token, address) = call.holder()?;
    let page = page_of(call.request.uri().query());
    let question = Question::Invite(token, address, InviteCall::List(page));
    call.conn.tell(question, Asker::Remote(address, None)).await
}

/// `DELETE /api/v1/invites/ID`
pub(super) async fn revoke(call: Call<'_>) -> Result<Reply, Refusal> {
    let (token, address) = call.holder()?;
    let id = InviteCall::Revoke(call.tail.as_str().into());
    call.conn.tell(Question::Invite(token, address, id), Asker::Remote(address, None)).await
}

impl HttpConn<'_> {
    /// The engine's answer as JSON.
    async fn tell(&self, question: Question, asker: Asker) -> Result<Reply, Refusal> {
        match self.ask(question, asker).await {
            Some(Answer::Good(body)) => Ok(reply(StatusCode::OK, JSON, body)),
            Some(Answer::Refused(error)) => Err(Refusal::from(*error)),
            Some(Answer::Bad(_) | Answer::Denied) | None => {
                let refusal = Refusal::new(HttpCode::Unavailable, "the hub does not answer");
                Err(refusal.hint("try again in a minute"))
            }
        }
    }
}

/// `?after=` continues after a page; its value is that page's `next`.
fn page_of(query: Option<&str>) -> Page {
    let mut pairs = query.unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
    let after = pairs.find(|(name, _)| *name == "after").map(|(_, place)| place.into());
    Page { after, limit: None }
}

/// Parses the body. A refusal does not repeat its content.
async fn read<T: DeserializeOwned>(call: Call<'_>, example: &str) -> Result<T, Refusal> {
    let body = call.into_body().whole().await?;
    serde_json::from_slice(&body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "lacks a field, or has one of another type",
            _ => "is no JSON object",
        };
        let hint = format!("docs/invites.md shows it; it is like {example}");
        Refusal::new(HttpCode::BadRequest, format!("the body {what}")).hint(hint)
    })
}
