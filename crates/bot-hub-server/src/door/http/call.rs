//! One request on its way to an endpoint, and what endpoints ask of the connection.
//!
//! Owns what every endpoint may know: who asks, under which name, with which token. Never reads a body
//! unless an endpoint wants it.

use std::net::IpAddr;
use std::rc::Rc;

use bot_protocol::secret::Secret;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::HttpConn;
use super::address::base;
use super::body::RequestBody;
use super::check::bearer;
use super::forwarded::{Client, is_forwarded};
use super::host::Asked;
use super::refusal::Refusal;
use super::routes::Route;
use crate::door::DoorConfig;
use crate::door::code::HttpCode;
use crate::door::intent::{Answer, Ask, Asker, Intent, Question};
use crate::net::Origin;

/// A request that has found its route.
pub(in crate::door) struct Call<'a> {
    pub(super) conn: &'a HttpConn<'a>,
    /// As it is at this request.
    pub(super) config: Rc<DoorConfig>,
    pub(super) route: &'static Route,
    pub(super) request: Request<Incoming>,
    pub(super) client: Client,
    pub(super) asked: Asked,
    /// What stands in the path in place of the route's `{}`.
    pub(super) tail: String,
}

impl Call<'_> {
    pub(super) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    pub(super) fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// What the request carries, up to what its route takes.
    pub(super) fn into_body(self) -> RequestBody {
        RequestBody::new(self.request.into_body(), self.route.body_bytes_max)
    }

    /// The address of the hub as the asker knows it.
    pub(super) fn base(&self) -> Result<String, Refusal> {
        base(self.headers(), self.client, &self.config)
    }

    /// Whether somebody on this machine asks. Through a proxy here the whole world comes from a loopback
    /// address, and so does a page from elsewhere in a browser here.
    fn is_local(&self) -> bool {
        let peer = self.conn.peer.to_canonical();
        peer.is_loopback() && !is_forwarded(self.headers()) && self.asked.may_be_local()
    }

    /// Who asks, where the answer may depend on it.
    pub(super) fn asker(&self) -> Result<Asker, Refusal> {
        if self.is_local() {
            return Ok(Asker::Local);
        }
        Ok(Asker::Remote(self.client.address, bearer(self.headers())?))
    }

    /// Whether a secret may travel on this way; the address of the hub as the asker knows it.
    pub(super) fn open_to_secrets(&self) -> Result<String, Refusal> {
        let own = self.base();
        if let Some(origin) = self.headers().get(header::ORIGIN) {
            let origin = origin.to_str().ok().and_then(|text| text.parse::<Origin>().ok());
            let is_known = |origin: &Origin| self.asked.may_come_from(origin, &self.config);
            if !origin.as_ref().is_some_and(is_known) {
                let message = "a web page from elsewhere may not ask this";
                let hint = "the operator of the hub names the page's origin in `allowedOrigins`";
                return Err(Refusal::new(HttpCode::ForeignOrigin, message).hint(hint));
            }
        }
        if self.client.is_encrypted || self.is_local() {
            return own;
        }
        let message = "codes and tokens do not travel unencrypted";
        let hint =
            "use `https://`; the operator of a hub behind a proxy names it in `trustProxies`";
        Err(Refusal::new(HttpCode::HttpsRequired, message).hint(hint))
    }

    /// The token of the request, which must have come on a safe way, and the address that it came from.
    pub(super) fn holder(&self) -> Result<(Secret, IpAddr), Refusal> {
        self.open_to_secrets()?;
        let token = bearer(self.headers())?.ok_or_else(|| {
            let hint = "send `Authorization: Bearer <token of the bot>`";
            Refusal::new(HttpCode::NoToken, "this needs a bot's token").hint(hint)
        })?;
        Ok((token, self.client.address))
    }
}

impl HttpConn<'_> {
    /// Asks the engine. `None`: it does not answer in time.
    pub(super) async fn ask(&self, what: Question, asker: Asker) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            self.door.intents.send(Intent::Ask(Ask { what, asker, reply })).await.ok()?;
            answer.await.ok()
        };
        timeout(self.limits.answer, exchange).await.ok().flatten()
    }
}
