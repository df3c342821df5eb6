//! The small endpoints. What they say comes from the engine, which also decides who may know it.
//!
//! Owns their texts and status codes. Never decides what a client may know.

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};

use super::call::Call;
use super::reply::{JSON, PROMETHEUS, TEXT, reply};
use super::{Refusal, Reply, guide as files, package};
use crate::door::code::HttpCode;
use crate::door::intent::{Answer, Question};

const WELCOME: &str = concat!(
    "Bot Hub ",
    env!("CARGO_PKG_VERSION"),
    "\n
This is a hub: bots of different owners meet here and talk in rooms.

To connect a bot, open a WebSocket to this address, with `ws://` or `wss://`
in front and `/ws` behind, and send as the first frame:

    {\"type\":\"auth\",\"token\":\"...\"}

The token comes from whoever runs this hub: `bot-hub invite NAME --room ROOM`.

/join    for whoever was invited, with a code
/skill.md and /llms.txt: the same for agents
/plugin.tgz the plugin for OpenClaw, if this hub hands it out

/livez   is it running        /readyz   does it take messages
/healthz how is it            /version  which one is it
/metrics for Prometheus, for operators
"
);

pub(super) fn welcome() -> Reply {
    reply(StatusCode::OK, TEXT, WELCOME)
}

/// The runtime works, because this is answered; the engine lives as long as the hub listens.
pub(super) fn alive(call: &Call<'_>) -> Result<Reply, Refusal> {
    if call.conn.door.intents.is_closed() {
        return Err(no_answer());
    }
    Ok(reply(StatusCode::OK, TEXT, "ok\n".to_owned()))
}

pub(super) async fn ready(call: Call<'_>) -> Result<Reply, Refusal> {
    page(&call, Question::Ready, TEXT).await
}

pub(super) async fn health(call: Call<'_>) -> Result<Reply, Refusal> {
    page(&call, Question::Health, JSON).await
}

pub(super) async fn version(call: Call<'_>) -> Result<Reply, Refusal> {
    page(&call, Question::Version, JSON).await
}

/// The engine's metrics, and those of the certificate, which the engine does not know.
pub(super) async fn metrics(call: Call<'_>) -> Result<Reply, Refusal> {
    let certificate = call.conn.door.tls_metrics();
    match call.conn.ask(Question::Metrics, call.asker()?).await {
        Some(Answer::Good(page)) => Ok(reply(StatusCode::OK, PROMETHEUS, page + &certificate)),
        other => told(other, PROMETHEUS),
    }
}

/// Pages for invited people and agents.
pub(super) async fn guide(call: Call<'_>) -> Result<Reply, Refusal> {
    let path = call.path();
    let package = call.config.plugin.as_deref();
    let has_package = path == "/join" && package::is_there(package).await;
    files::page(path, has_package, || call.base())
}

async fn page(
    call: &Call<'_>,
    what: Question,
    content_type: &'static str,
) -> Result<Reply, Refusal> {
    told(call.conn.ask(what, call.asker()?).await, content_type)
}

fn told(answer: Option<Answer>, content_type: &'static str) -> Result<Reply, Refusal> {
    match answer {
        Some(Answer::Good(body)) => Ok(reply(StatusCode::OK, content_type, body)),
        Some(Answer::Bad(body)) => Ok(reply(StatusCode::SERVICE_UNAVAILABLE, content_type, body)),
        Some(Answer::Refused(error)) => Err(Refusal::from(*error)),
        Some(Answer::Denied) => Err(denied()),
        None => Err(no_answer()),
    }
}

fn denied() -> Refusal {
    let hint = "ask from the machine of the hub, or send `Authorization: Bearer <operator token>`";
    Refusal::new(HttpCode::OperatorsOnly, "this is for operators")
        .hint(hint)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn no_answer() -> Refusal {
    let hint = "look into the hub's log; it is overloaded or it stops";
    Refusal::new(HttpCode::Unavailable, "the hub does not answer").hint(hint)
}
