//! The small endpoints. What they say comes from the engine, which also decides who may know it.

use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::address::base;
use super::forwarded::Client;
use super::guide;
use super::host::Asked;
use super::package;
use super::reply::{JSON, PROMETHEUS, TEXT, refuse, reply};
use super::{HttpConn, Refusal, Reply, bearer};
use crate::door::intent::{Answer, Ask, Asker, Intent, Question};

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

impl HttpConn<'_> {
    pub(super) async fn page(
        &self,
        path: &str,
        headers: &HeaderMap,
        client: Client,
        asked: &Asked,
    ) -> Result<Reply, Refusal> {
        if path == "/plugin.tgz" {
            return package::reply_with(self.config.plugin.as_deref()).await;
        }
        let has_package = path == "/join" && package::is_there(self.config.plugin.as_deref()).await;
        if let Some(page) = guide::page(path, has_package, || base(headers, client, &self.config)) {
            return page;
        }
        let (what, content_type) = match path {
            "/" => return Ok(reply(StatusCode::OK, TEXT, WELCOME.to_owned())),
            "/livez" => return self.liveness(),
            "/readyz" => (Question::Ready, TEXT),
            "/healthz" => (Question::Health, JSON),
            "/version" => (Question::Version, JSON),
            "/metrics" => (Question::Metrics, PROMETHEUS),
            _ => {
                let hint = "bots connect to `/ws`; `/` says what else there is";
                return Err(refuse(StatusCode::NOT_FOUND, "there is nothing at this path", hint));
            }
        };
        let asker = if self.is_local(headers, asked) {
            Asker::Local
        } else {
            Asker::Remote(client.address, bearer(headers)?)
        };
        match self.ask(what, asker).await {
            Some(Answer::Good(body)) => Ok(reply(StatusCode::OK, content_type, body)),
            Some(Answer::Bad(body)) => {
                Ok(reply(StatusCode::SERVICE_UNAVAILABLE, content_type, body))
            }
            Some(Answer::Json(..)) | None => Err(no_answer()),
            Some(Answer::Denied) => Err(denied()),
        }
    }

    /// The runtime runs, or this would not be answered; the engine lives as long as it listens.
    fn liveness(&self) -> Result<Reply, Refusal> {
        if self.door.intents.is_closed() {
            return Err(no_answer());
        }
        Ok(reply(StatusCode::OK, TEXT, "ok\n".to_owned()))
    }

    pub(super) async fn ask(&self, what: Question, asker: Asker) -> Option<Answer> {
        // The certificate is the door's: the engine knows nothing of it.
        let more = if what == Question::Metrics { self.door.tls_metrics() } else { String::new() };
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            self.door.intents.send(Intent::Ask(Ask { what, asker, reply })).await.ok()?;
            answer.await.ok()
        };
        match timeout(self.config.limits.answer, exchange).await.ok().flatten() {
            Some(Answer::Good(page)) => Some(Answer::Good(page + &more)),
            other => other,
        }
    }
}

fn denied() -> Refusal {
    let cause = "this is for operators";
    let hint = "ask from the machine of the hub, or send `Authorization: Bearer <operator token>`";
    let mut reply = refuse(StatusCode::UNAUTHORIZED, cause, hint);
    reply.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    reply
}

fn no_answer() -> Refusal {
    let hint = "look into the hub's log; it is overloaded or it stops";
    refuse(StatusCode::SERVICE_UNAVAILABLE, "the hub does not answer", hint)
}
