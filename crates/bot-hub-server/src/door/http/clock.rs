//! Deadlines of an HTTP connection, and a stream wrapper that observes its progress.
//!
//! Owns three deadlines: for a request with its answer, for the time between two requests, and for a peer
//! that does not take its answer. `drive` ends the connection.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::door::DoorLimits;

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The last answer was sent, and no byte of the next request has arrived.
    Idle,
    /// The head of a request is arriving.
    Head,
    /// A request is being read or answered.
    Exchange,
    /// The answer is complete, and the peer has not taken all of it.
    Answered,
}

/// The deadlines of one connection.
#[derive(Debug)]
pub(super) struct Clock {
    phase: Cell<Phase>,
    /// When the current phase must be over.
    until: Cell<Instant>,
    /// Since when the peer takes no bytes.
    write_blocked_since: Cell<Option<Instant>>,
    request: Duration,
    idle: Duration,
    write_stall: Duration,
}

impl Clock {
    /// A clock for a connection whose first request must be answered at `until`, and which may be `idle`
    /// for that long between two requests.
    pub(super) fn new(until: Instant, idle: Duration, limits: &DoorLimits) -> Self {
        Self {
            phase: Cell::new(Phase::Head),
            until: Cell::new(until),
            write_blocked_since: Cell::default(),
            request: limits.request,
            idle,
            write_stall: limits.write_stall,
        }
    }

    /// When to end the connection if nothing changes.
    pub(super) fn deadline(&self) -> Instant {
        let stalled = self.write_blocked_since.get().map(|since| since + self.write_stall);
        stalled.map_or(self.until.get(), |stalled| stalled.min(self.until.get()))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.phase.get() == Phase::Idle
    }

    /// The head of a request is complete. Its time started with the first byte of the head. Returns whether it
    /// came in one read with the request before.
    pub(super) fn begin(&self) -> bool {
        let came_together = self.phase.replace(Phase::Exchange) != Phase::Head;
        if came_together {
            self.until.set(Instant::now() + self.request);
        }
        came_together
    }

    /// Gives the current request more or less time than usual.
    pub(super) fn allow(&self, time: Duration) {
        self.until.set(Instant::now() + time);
    }

    fn heard(&self) {
        if self.is_idle() {
            self.phase.set(Phase::Head);
            self.until.set(Instant::now() + self.request);
        }
    }

    fn answered(&self) {
        self.phase.set(Phase::Answered);
    }

    fn flushed(&self) {
        if self.phase.get() == Phase::Answered {
            self.phase.set(Phase::Idle);
            self.until.set(Instant::now() + self.idle);
        }
    }

    fn wrote(&self, is_blocked: bool) {
        let since = self.write_blocked_since.get();
        self.write_blocked_since.set(is_blocked.then(|| since.unwrap_or_else(Instant::now)));
    }
}

/// Held by the body of an answer; when it is dropped, the answer is complete.
#[derive(Debug)]
pub(super) struct Answered(pub(super) Rc<Clock>);

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.answered();
    }
}

/// A stream that reports its progress to the clock.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    clock: Rc<Clock>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, clock: Rc<Clock>) -> Self {
        Self { stream, clock }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.clock.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.clock.wrote(progress.is_pending());
        progress
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(cx);
        self.clock.wrote(progress.is_pending());
        if progress.is_ready() {
            self.clock.flushed();
        }
        progress
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
