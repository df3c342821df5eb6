//! HTTP: the upgrade to a WebSocket, a few small pages, and what programs ask for.
//!
//! hyper parses; this module selects the route, refuses what two parsers could read differently, and ends
//! connections in time. The content of answers comes from the engine.
//!
//! A connection serves one request after the other. It ends after an answer to a request that was refused,
//! that asked for the end, or whose body was chunked; after a maximum number of requests; after an idle
//! time; and when a newer connection needs its place.

mod address;
mod api;
mod body;
mod call;
mod check;
mod clock;
mod drive;
mod forwarded;
mod guide;
mod host;
mod package;
mod pages;
mod query;
mod refusal;
mod reply;
mod routes;
#[cfg(test)]
mod tests;
mod upgrade;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::net::IpAddr;
use std::rc::Rc;

use bot_protocol::secret::Secret;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode, Version};

use body::ReplyBody;
use call::Call;
use check::{BodyIs, check_carrier, check_framing, check_query, is_chunked, lists};
use clock::{Answered, Clock};
use forwarded::Client;
use host::Asked;
use refusal::{Face, Refusal};

use super::code::HttpCode;
use super::{Carrier, Door, DoorConfig, DoorLimits, Permit};

pub(super) use drive::{Arrival, serve};
pub(super) use routes::{ROUTES, Route};

type Reply = Response<ReplyBody>;

/// One connection that speaks HTTP.
pub(super) struct HttpConn<'a> {
    door: &'a Door,
    /// The limits at the time it was accepted.
    limits: Rc<DoorLimits>,
    carrier: Carrier,
    /// The address of the socket's other end.
    peer: IpAddr,
    permit: RefCell<Permit>,
    clock: Rc<Clock>,
    /// Requests so far.
    requests: Cell<u32>,
    /// The next answer is the last one, because the hub stops.
    is_ending: Cell<bool>,
    /// Set when the answer is 101.
    accepted: Cell<Option<Accepted>>,
}

/// A granted WebSocket upgrade.
struct Accepted {
    /// The client's address, behind trusted proxies.
    peer: IpAddr,
    bearer: Option<Secret>,
}

impl HttpConn<'_> {
    async fn answer(&self, request: Request<Incoming>) -> Result<Reply, Infallible> {
        if self.clock.begin() {
            // hyper would answer a dozen of them before anybody else has a turn.
            tokio::task::yield_now().await;
        }
        if self.requests.replace(self.requests.get() + 1) > 0 {
            self.permit.borrow_mut().renew();
        }
        let (face, version) = (Face::of(request.uri().path()), request.version());
        let may_go_on = self.may_go_on(&request);
        let (mut reply, was_served) = match self.route(request).await {
            Ok(reply) => (reply, true),
            Err(refusal) => (refusal.reply(face), false),
        };
        // Otherwise hyper tells an older client that the connection is kept.
        *reply.version_mut() = version;
        let goes_on = was_served && may_go_on && !self.is_ending.get();
        if !goes_on && reply.status() != StatusCode::SWITCHING_PROTOCOLS {
            let close = HeaderValue::from_static("close");
            reply.headers_mut().entry(header::CONNECTION).or_insert(close);
        }
        reply.body_mut().tell(Answered(Rc::clone(&self.clock)));
        Ok(reply)
    }

    /// Whether another request may follow this one.
    fn may_go_on(&self, request: &Request<Incoming>) -> bool {
        request.version() == Version::HTTP_11
            && !lists(request.headers(), header::CONNECTION, "close")
            && !is_chunked(request.headers())
            && self.requests.get() < self.limits.requests_per_connection_max
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Reply, Refusal> {
        let config = self.door.config();
        let path = request.uri().path();
        let is_upgrade = request.headers().contains_key(header::UPGRADE);
        let found = routes::find(self.door.routes, request.method(), path, is_upgrade);
        let body = match &found {
            Ok((route, _)) if route.body_bytes_max > 0 => BodyIs::Taken,
            // The request will be refused with a more precise error.
            Err(_) if Face::of(path) == Face::Json => BodyIs::Taken,
            _ => BodyIs::Refused,
        };
        check_framing(&request, body)?;
        check_query(&request)?;
        check_carrier(self.carrier, request.headers())?;
        let asked = Asked::of(request.headers(), request.uri(), self.peer, &config)?;
        let client = self.find_client(request.headers(), &config)?;
        if !matches!(&found, Ok((route, _)) if route.judges_token()) {
            asked.judged()?;
        }
        let (route, tail) = found?;
        if let Some(time) = route.time {
            self.clock.allow(time);
        }
        let tail = tail.to_owned();
        (route.endpoint)(Call { conn: self, config, route, request, client, asked, tail }).await
    }

    fn find_client(&self, headers: &HeaderMap, config: &DoorConfig) -> Result<Client, Refusal> {
        let client = Client::of(self.peer, headers, &config.trusted_proxies, self.carrier);
        let (address, is_encrypted) = (client.address, client.is_encrypted);
        if let Err(reason) = self.permit.borrow_mut().belongs_to(address, &config.limits) {
            let hint = "close connections that you do not need, or wait a moment";
            return Err(Refusal::new(HttpCode::AddressFull, reason.to_string()).hint(hint));
        }
        tracing::debug!(peer = %self.peer, %address, is_encrypted, "a request");
        Ok(client)
    }
}
