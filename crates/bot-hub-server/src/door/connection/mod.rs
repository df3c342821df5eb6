//! One WebSocket from its upgrade to its end. Moves bytes between the socket, the outbox and the engine.
//!
//! Owns reading, writing, the timeouts and closing. Never parses a frame or decides what it means. Four
//! loops run in one task ([`Connection::run`]). A change by one of them is seen by the later ones in the
//! same pass, so they need no wake-ups among themselves.

mod clock;
mod control;
mod read;
mod reports;
mod write;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use bot_protocol::secret::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::admission::Permit;
use super::buffers::Buffers;
use super::intent::{ConnId, Ended, Intent};
use super::limits::DoorLimits;
use super::linger::linger;
use super::outbox::{Batch, Closing, Outbox};
use super::ws::{CloseCode, DecodeLimits, Decoder, Violation};
use clock::Liveness;
use control::ControlRate;
use reports::{OwedClosed, Reports};

/// The parts of the door that a connection uses.
pub(super) struct Line {
    pub(super) intents: mpsc::Sender<Intent>,
    pub(super) buffers: Rc<Buffers>,
}

/// A socket after its upgrade was answered.
pub(super) struct Upgraded<S> {
    pub(super) stream: S,
    /// Bytes that arrived behind the upgrade request.
    pub(super) early: Vec<u8>,
    pub(super) peer: IpAddr,
    pub(super) bearer: Option<Secret>,
}

pub(super) struct Connection<S> {
    id: ConnId,
    line: Line,
    limits: Rc<DoorLimits>,
    outbox: Rc<Outbox>,
    permit: RefCell<Permit>,
    /// Borrowed only while one of the loops is polled.
    stream: RefCell<S>,
    decoder: RefCell<Decoder>,
    /// How many frames the last reads gave; the next one likely gives as many.
    frames_hint: Cell<usize>,
    /// Received bytes that are not decoded yet: the rest of a read with more than one batch.
    kept: RefCell<Vec<u8>>,
    /// The batch that is being written. It is stored here and not in the writing loop, so that a partly
    /// written frame is finished after the loop ended.
    batch: RefCell<Batch>,
    /// Before authentication: the outbox's count of appends when frames were passed on.
    asked_at: Cell<Option<u64>>,
    liveness: Liveness,
    controls: Cell<ControlRate>,
    reports: Reports,
}

/// How to end a connection.
#[derive(Debug)]
enum End {
    /// With a close frame from us.
    Say(CloseCode, Cow<'static, str>, Ended),
    /// With the answer to the peer's close frame.
    Echo(Option<CloseCode>),
    /// Without a close frame, because nobody would read it.
    Cut(Ended),
}

impl End {
    fn why(&self) -> Ended {
        match self {
            Self::Say(_, _, why) | Self::Cut(why) => *why,
            Self::Echo(_) => Ended::ByPeer,
        }
    }

    fn overloaded() -> Self {
        Self::Say(CloseCode::TRY_LATER, Cow::Borrowed("the hub is overloaded"), Ended::ByHub)
    }

    fn evicted() -> Self {
        let reason =
            Cow::Borrowed("it did not say in time who it is, and others wait for the place");
        Self::Say(CloseCode::TRY_LATER, reason, Ended::AuthTimeout)
    }

    fn hub_gone() -> Self {
        Self::Say(CloseCode::RESTART, Cow::Borrowed("the hub stops"), Ended::ByHub)
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self::Say(violation.code(), violation.to_string().into(), Ended::Violation)
    }
}

impl From<Closing> for End {
    fn from(closing: Closing) -> Self {
        Self::Say(closing.code, closing.reason, Ended::ByHub)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(
        id: ConnId,
        line: Line,
        limits: Rc<DoorLimits>,
        outbox: Rc<Outbox>,
        permit: Permit,
        socket: Upgraded<S>,
    ) -> (Self, Intent) {
        let first = DecodeLimits {
            message_bytes_max: limits.unauthenticated_frame_bytes_max.min(limits.frame_bytes_max),
            skipped_bytes_max: 0,
            fragments_max: limits.fragments_max,
        };
        let now = Instant::now();
        let opened = Intent::Opened {
            conn: id,
            peer: socket.peer,
            outbox: Rc::clone(&outbox),
            bearer: socket.bearer,
        };
        let waits_for_bearer = matches!(opened, Intent::Opened { bearer: Some(_), .. });
        let decoder = Decoder::sharing(first, Rc::clone(line.buffers.large()));
        let connection = Self {
            id,
            line,
            liveness: Liveness::new(id, now, &limits),
            controls: Cell::new(ControlRate::new(now, &limits)),
            limits,
            outbox,
            permit: RefCell::new(permit),
            stream: RefCell::new(socket.stream),
            decoder: RefCell::new(decoder),
            frames_hint: Cell::default(),
            kept: RefCell::new(socket.early),
            batch: RefCell::default(),
            asked_at: Cell::new(waits_for_bearer.then_some(0)),
            reports: Reports::default(),
        };
        (connection, opened)
    }

    /// Runs the connection to its end. `opened` is sent first; from then on `Closed` is always sent.
    pub(super) async fn run(self, opened: Intent) {
        // If the engine does not accept the new connection in this time, it could not authenticate it in
        // time either.
        if !matches!(timeout(self.limits.auth, self.line.intents.send(opened)).await, Ok(Ok(()))) {
            self.say_farewell(End::overloaded()).await;
            return;
        }
        let owed = OwedClosed::new(self.id, Rc::clone(&self.outbox), self.line.intents.clone());
        let evicted = self.permit.borrow().evicted();
        // The order of the biased select matters: writing makes room, which allows reading; both leave
        // something to report; the clock looks at what all of them did.
        let end = tokio::select! {
            biased;
            end = self.write() => end,
            end = self.read() => end,
            end = self.report() => end,
            end = self.clock() => end,
            () = evicted => End::evicted(),
        };
        tracing::debug!(conn = %self.id, why = ?end.why(), "connection ends");
        let why = end.why();
        let may_linger = self.say_farewell(end).await;
        self.outbox.end();
        self.report_rest().await;
        owed.settle(why).await;
        if may_linger {
            linger(self.stream.into_inner(), &self.line.buffers, self.limits.close).await;
        }
    }

    /// Reports to the engine what was written and what was proven.
    async fn report(&self) -> End {
        loop {
            // Needs no waker: both loops that leave something to report are polled before this one.
            poll_fn(|_| if self.reports.any() { Poll::Ready(()) } else { Poll::Pending }).await;
            let Ok(permit) = self.line.intents.reserve().await else { return End::hub_gone() };
            if let Some(intent) = self.reports.next(self.id) {
                permit.send(intent);
            }
        }
    }

    async fn report_rest(&self) {
        while let Some(intent) = self.reports.next(self.id) {
            if self.line.intents.send(intent).await.is_err() {
                return;
            }
        }
    }

    /// Writes what is queued and the close frame. Returns whether the peer may still read it.
    async fn say_farewell(&self, end: End) -> bool {
        let (code, reason) = match end {
            End::Cut(_) => return false,
            End::Say(code, reason, _) => (Some(code), reason),
            End::Echo(code) => (code, Cow::Borrowed("")),
        };
        // Frames that came just before the end may be answered at once; the answer should be sent too.
        once_around().await;
        let words = async {
            self.write_batch().await?;
            self.outbox.last(code, &reason);
            self.take_batch();
            self.write_batch().await?;
            poll_fn(|cx| Pin::new(&mut *self.stream.borrow_mut()).poll_shutdown(cx)).await
        };
        matches!(timeout(self.limits.close, words).await, Ok(Ok(())))
    }
}

/// Lets every ready task run once. Unlike `tokio::task::yield_now`, it does not ask the kernel for events
/// in between.
async fn once_around() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
