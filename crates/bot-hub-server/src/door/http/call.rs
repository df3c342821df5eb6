//! One request on its way to an endpoint.
//!
//! Owns what every endpoint may know about it: the client, the host name and the token. Reads the body only
//! for endpoints that want it.

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

/// A request with its route.
pub(in crate::door) struct Call<'a> {
    pub(super) conn: &'a HttpConn<'a>,
    /// The configuration at the time of the request.
    pub(super) config: Rc<DoorConfig>,
    pub(super) route: &'static Route,
    pub(super) request: Request<Incoming>,
    pub(super) client: Client,
    pub(super) asked: Asked,
    /// The segment of the path that matches the route's `{}`.
    pub(super) tail: String,
}

impl Call<'_> {
    pub(super) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    pub(super) fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// The body of the request, up to the limit of its route.
    pub(super) fn into_body(self) -> RequestBody {
        RequestBody::new(self.request.into_body(), self.route.body_bytes_max)
    }

    /// The address of the hub as the asker knows it.
    pub(super) fn base(&self) -> Result<String, Refusal> {
        base(self.headers(), self.client, &self.config)
    }

    /// Whether the client is on this machine. Through a local proxy, every client has a loopback address,
    /// and so does a foreign page in a local browser; both are excluded.
    fn is_local(&self) -> bool {
        let peer = self.conn.peer.to_canonical();
        peer.is_loopback() && !is_forwarded(self.headers()) && self.asked.may_be_local()
    }

    /// The client, for answers that depend on it.
    pub(super) fn asker(&self) -> Result<Asker, Refusal> {
        if self.is_local() {
            return Ok(Asker::Local);
        }
        Ok(Asker::Remote(self.client.address, bearer(self.headers())?))
    }

    /// Refuses secrets on an unsafe way. Returns the address of the hub as the client knows it.
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

    /// The token of the request, which must have come on a safe way, and the client's address.
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
    /// Asks the engine. `None` if it does not answer in time.
    pub(super) async fn ask(&self, what: Question, asker: Asker) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            self.door.intents.send(Intent::Ask(Ask { what, asker, reply })).await.ok()?;
            answer.await.ok()
        };
        timeout(self.limits.answer, exchange).await.ok().flatten()
    }
}
