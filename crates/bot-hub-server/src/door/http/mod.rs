//! HTTP: the upgrade to a WebSocket and a few small pages. One request per connection.
//!
//! hyper parses; this module decides what is asked for and refuses what two parsers could read
//! differently. It answers nothing about the hub by itself: contents come from the engine.

mod address;
mod api;
mod forwarded;
mod guide;
mod host;
mod package;
mod pages;
mod query;
mod reply;
mod upgrade;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;

use bot_protocol::secret::Secret;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use forwarded::{Client, is_forwarded};
use host::Asked;
use reply::refuse;

use super::admission::Permit;
use super::connection::Upgraded;
use super::linger::linger;
use super::{Carrier, Door, DoorConfig};

type Reply = Response<Full<Bytes>>;
/// The answer to a request that is not served. Boxed, because results carry it through every check.
type Refusal = Box<Reply>;

/// hyper refuses a smaller buffer.
const HEADER_BYTES_MIN: usize = 8 << 10;

/// The one request of a connection.
pub(super) struct HttpConn<'a> {
    door: &'a Door,
    config: Rc<DoorConfig>,
    carrier: Carrier,
    /// Who holds the other end of the socket.
    peer: IpAddr,
    permit: RefCell<&'a mut Permit>,
    /// Set when the answer is 101.
    accepted: Cell<Option<Accepted>>,
}

struct Accepted {
    peer: IpAddr,
    bearer: Option<Secret>,
}

/// Serves one request. `Some`: it was an upgrade, and the stream is a WebSocket now.
pub(super) async fn serve<S>(
    door: &Door,
    config: Rc<DoorConfig>,
    carrier: Carrier,
    stream: S,
    peer: IpAddr,
    permit: &mut Permit,
) -> Option<Upgraded<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limits = config.limits.clone();
    let permit = RefCell::new(permit);
    let conn = HttpConn { door, config, carrier, peer, permit, accepted: Cell::new(None) };
    let service = service_fn(|request| Box::pin(conn.answer(request)));
    let mut http = http1::Builder::new();
    http.max_buf_size(limits.header_bytes_max.max(HEADER_BYTES_MIN))
        .max_headers(limits.headers_max)
        .half_close(false)
        // The caller's timeout covers the whole request, which bounds the header too.
        .header_read_timeout(None);
    let mut exchange = http.serve_connection(TokioIo::new(stream), service);
    // Without shutdown, because after 101 the stream is to live on.
    if let Err(error) = poll_fn(|cx| exchange.poll_without_shutdown(cx)).await {
        tracing::debug!(%peer, %error, "request failed");
    }
    let Some(Accepted { peer, bearer }) = conn.accepted.take() else {
        drop((&mut exchange).await);
        linger(exchange.into_parts().io.into_inner(), &door.buffers, limits.close).await;
        return None;
    };
    let parts = exchange.into_parts();
    Some(Upgraded { stream: parts.io.into_inner(), early: parts.read_buf.into(), peer, bearer })
}

impl HttpConn<'_> {
    async fn answer(&self, request: Request<Incoming>) -> Result<Reply, Infallible> {
        Ok(self.route(request).await.unwrap_or_else(|refusal| *refusal))
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Reply, Refusal> {
        check_framing(&request)?;
        check_query(&request)?;
        self.check_carrier(request.headers())?;
        let asked = Asked::of(request.headers(), request.uri(), self.peer, &self.config)?;
        let client = self.find_client(request.headers())?;
        let is_upgrade = request.headers().contains_key(header::UPGRADE);
        if !judges_token(&request, is_upgrade) {
            asked.judged()?;
        }
        match request.uri().path() {
            "/" | "/ws" if is_upgrade => {
                let bearer =
                    upgrade::check(&request, |origin| asked.may_come_from(origin, &self.config))?;
                let reply = upgrade::accept(&request)?;
                self.accepted.set(Some(Accepted { peer: client.address, bearer }));
                Ok(reply)
            }
            "/ws" => Err(upgrade::required()),
            path if path.starts_with(api::API) => self.api(request, client, &asked).await,
            path => {
                check_method(request.method())?;
                self.page(path, request.headers(), client, &asked).await
            }
        }
    }

    /// Whether somebody on this machine asks. Through a proxy here the whole world comes from a loopback
    /// address, and so does a page from elsewhere in a browser here.
    fn is_local(&self, headers: &HeaderMap, asked: &Asked) -> bool {
        self.peer.to_canonical().is_loopback() && !is_forwarded(headers) && asked.may_be_local()
    }

    /// Refuses what came plain to a proxy on this machine, at a hub whose operator wants TLS.
    fn check_carrier(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.carrier != Carrier::PlainBesideTls || !forwarded::came_plain(headers) {
            return Ok(());
        }
        let cause = "this hub speaks TLS, and you came to its proxy without";
        let hint = "use `wss://` instead of `ws://`, `https://` instead of `http://`";
        Err(refuse(StatusCode::UPGRADE_REQUIRED, cause, hint))
    }

    fn find_client(&self, headers: &HeaderMap) -> Result<Client, Refusal> {
        let client = Client::of(self.peer, headers, &self.config.trusted_proxies, self.carrier);
        if let Err(reason) =
            self.permit.borrow_mut().belongs_to(client.address, &self.config.limits)
        {
            let hint = "close connections that you do not need, or wait a moment";
            return Err(refuse(StatusCode::TOO_MANY_REQUESTS, &reason.to_string(), hint));
        }
        let (address, is_encrypted) = (client.address, client.is_encrypted);
        tracing::debug!(peer = %self.peer, %address, is_encrypted, "a request");
        Ok(client)
    }
}

/// Refuses what a proxy in front may have read as another request than we do.
fn check_framing(request: &Request<Incoming>) -> Result<(), Refusal> {
    let headers = request.headers();
    let count = |name| headers.get_all(name).iter().count();
    let bad = |cause, hint| Err(refuse(StatusCode::BAD_REQUEST, cause, hint));
    let may_have_body = request.uri().path().starts_with(api::API);
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return bad("a body without a length is not taken here", "send `Content-Length`");
    }
    if !may_have_body && !request.body().is_end_stream() {
        return bad("requests with a body are not taken here", "send the request without a body");
    }
    // Of `Content-Length` hyper joins equal ones, and refuses others.
    if count(header::HOST) > 1 || count(header::UPGRADE) > 1 {
        return bad("a header that must stand once stands twice", "send `Host` and `Upgrade` once");
    }
    if request.version() == Version::HTTP_11 && count(header::HOST) == 0 {
        return bad("the `Host` header is missing", "HTTP/1.1 requires it");
    }
    Ok(())
}

/// Refuses a token in the URL. The query is not repeated anywhere.
fn check_query(request: &Request<Incoming>) -> Result<(), Refusal> {
    if !query::has_secret(request.uri().query().unwrap_or_default()) {
        return Ok(());
    }
    let cause = "a token does not belong in a URL: URLs are logged on the way";
    let hint = "replace that token, and send the new one in the first frame \
        ({\"type\":\"auth\",\"token\":\"...\"}) or as `Authorization: Bearer ...`";
    Err(refuse(StatusCode::BAD_REQUEST, cause, hint))
}

/// Whether the token in the request's header decides about the answer. All other answers are public.
fn judges_token(request: &Request<Incoming>, is_upgrade: bool) -> bool {
    match request.uri().path() {
        "/" | "/ws" => is_upgrade,
        "/metrics" => true,
        path => api::needs_token(path),
    }
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut reply = refuse(status, "only `GET` and `HEAD` are answered here", "use `GET`");
    reply.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
    Err(reply)
}

/// The token of `Authorization: Bearer`, if there is such a header.
fn bearer(headers: &HeaderMap) -> Result<Option<Secret>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(header::AUTHORIZATION) {
            Err(bad_bearer())
        } else {
            Ok(None)
        };
    };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    // Never empty: the blanks at the end were gone before the scheme was split off.
    token.map(|token| Some(Secret::new(token))).ok_or_else(bad_bearer)
}

fn bad_bearer() -> Refusal {
    let cause = "the `Authorization` header is not understood";
    refuse(StatusCode::BAD_REQUEST, cause, "send it once, as `Authorization: Bearer <token>`")
}
