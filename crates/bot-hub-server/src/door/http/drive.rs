//! One HTTP connection from its first byte to its end.
//!
//! Owns the loop around hyper: when and how a connection ends. Never parses a request.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::clock::{Clock, Watched};
use super::{Accepted, HttpConn};
use crate::door::connection::Upgraded;
use crate::door::linger::linger;
use crate::door::{Carrier, Door, Permit};

/// The smallest buffer that hyper accepts.
const HEADER_BYTES_MIN: usize = 8 << 10;

/// How a connection arrived.
#[derive(Clone, Copy, Debug)]
pub(in crate::door) struct Arrival {
    /// When its first request must be answered.
    pub(in crate::door) deadline: Instant,
    pub(in crate::door) carrier: Carrier,
    /// The address of the socket's other end.
    pub(in crate::door) peer: IpAddr,
}

/// Why a connection is aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// A deadline passed.
    Late,
    /// A newer connection needs its place.
    Evicted,
}

/// What to do with a connection.
enum Order {
    /// End it after the current answer; at once if there is none.
    Finish,
    /// End it now.
    Cut(Cut),
}

/// Serves requests until the connection ends. Returns the stream if the last request was an upgrade and it
/// is a WebSocket now.
pub(in crate::door) async fn serve<S>(
    door: &Door,
    stream: S,
    arrival: Arrival,
    permit: Permit,
) -> Option<(Upgraded<S>, Permit)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let conn = HttpConn::new(door, arrival, permit);
    let limits = Rc::clone(&conn.limits);
    let service = service_fn(|request| Box::pin(conn.answer(request)));
    let mut http = http1::Builder::new();
    http.max_buf_size(limits.header_bytes_max.max(HEADER_BYTES_MIN))
        .max_headers(limits.headers_max)
        .half_close(false)
        // The clock bounds the header too.
        .header_read_timeout(None);
    let stream = TokioIo::new(Watched::new(stream, Rc::clone(&conn.clock)));
    let mut exchange = http.serve_connection(stream, service);
    let mut supervisor = Supervisor::of(&conn);
    let end = poll_fn(|cx| {
        loop {
            // Without shutdown, because the stream lives on after a 101.
            if let Poll::Ready(done) = exchange.poll_without_shutdown(cx) {
                return Poll::Ready(Ok(done));
            }
            match ready!(supervisor.poll(cx)) {
                Order::Finish => Pin::new(&mut exchange).graceful_shutdown(),
                Order::Cut(cut) => return Poll::Ready(Err(cut)),
            }
        }
    });
    let peer = arrival.peer;
    match end.await {
        Ok(Ok(())) => {}
        // The answer could not be completed, and must not look complete.
        Ok(Err(error)) if error.is_user() => {
            tracing::debug!(%peer, %error, "an answer is cut");
            return None;
        }
        Ok(Err(error)) => tracing::debug!(%peer, %error, "request failed"),
        Err(cut) => {
            tracing::debug!(%peer, ?cut, "no whole request in time");
            return None;
        }
    }
    let Some(Accepted { peer, bearer }) = conn.accepted.take() else {
        let was_idle = supervisor.is_finishing;
        let ending = async {
            drop(timeout(limits.close, &mut exchange).await);
            // Between two requests there is no data that a reset could destroy.
            if !was_idle {
                let stream = exchange.into_parts().io.into_inner().into_inner();
                linger(stream, &door.buffers, limits.close).await;
            }
        };
        tokio::select! {
            biased;
            () = supervisor.evicted => {}
            () = ending => {}
        }
        return None;
    };
    let parts = exchange.into_parts();
    let stream = parts.io.into_inner().into_inner();
    let upgraded = Upgraded { stream, early: parts.read_buf.into(), peer, bearer };
    drop(supervisor);
    Some((upgraded, conn.permit.into_inner()))
}

impl<'a> HttpConn<'a> {
    fn new(door: &'a Door, arrival: Arrival, permit: Permit) -> Self {
        let config = door.config();
        let limits = Rc::clone(&config.limits);
        let Arrival { deadline, carrier, peer } = arrival;
        let is_proxy = config.trusted_proxies.iter().any(|network| network.contains(peer));
        let idle = if is_proxy { limits.idle_of_proxy } else { limits.idle };
        let clock = Rc::new(Clock::new(deadline, idle, &limits));
        let (requests, is_ending, accepted) = (Cell::new(0), Cell::new(false), Cell::new(None));
        let permit = RefCell::new(permit);
        Self { door, limits, carrier, peer, permit, clock, requests, is_ending, accepted }
    }
}

/// Everything that can end the connection from outside.
struct Supervisor<'a> {
    conn: &'a HttpConn<'a>,
    evicted: Pin<Box<dyn Future<Output = ()>>>,
    stopped: Pin<Box<dyn Future<Output = ()>>>,
    timer: Pin<Box<Sleep>>,
    /// hyper was told to finish.
    is_finishing: bool,
}

impl<'a> Supervisor<'a> {
    fn of(conn: &'a HttpConn<'a>) -> Self {
        Self {
            conn,
            evicted: Box::pin(conn.permit.borrow().evicted()),
            stopped: Box::pin(conn.door.stopped()),
            timer: Box::pin(sleep_until(conn.clock.deadline())),
            is_finishing: false,
        }
    }

    /// Checks for reasons to end the connection. Called after each step of hyper.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Order> {
        let Self { conn, .. } = *self;
        if self.evicted.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Order::Cut(Cut::Evicted));
        }
        if !conn.is_ending.get() && self.stopped.as_mut().poll(cx).is_ready() {
            conn.is_ending.set(true);
        }
        if conn.clock.is_idle() {
            conn.permit.borrow_mut().returns();
            if conn.is_ending.get() && !self.is_finishing {
                return self.finish();
            }
        }
        let deadline = conn.clock.deadline();
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        ready!(self.timer.as_mut().poll(cx));
        if conn.clock.is_idle() && !self.is_finishing {
            return self.finish();
        }
        Poll::Ready(Order::Cut(Cut::Late))
    }

    fn finish(&mut self) -> Poll<Order> {
        self.is_finishing = true;
        self.conn.clock.allow(self.conn.limits.close);
        Poll::Ready(Order::Finish)
    }
}
