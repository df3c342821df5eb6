//! What waits to be written to one connection: the engine appends, the connection takes.
//!
//! Both live on one thread, so there is no lock, and nothing is borrowed across an await. The outbox
//! handles framed bytes, marks and probes. It never writes to a socket, and the engine decides when a
//! reader is too slow: the outbox only returns [`Refused::Full`].

mod framing;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::door::buffers::Buffers;
use crate::door::ws::{self, CloseCode};

pub use framing::Framing;

/// Why nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The peer reads too slowly. Close it with [`CloseCode::TOO_SLOW`]; what it has not read stays in the
    /// log.
    #[error("the connection's outbox is full")]
    Full,
    /// The connection is closing or gone. The message is not delivered.
    #[error("the connection is closing")]
    Closing,
}

/// How many bytes an outbox may hold.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// See `DoorLimits::outbox_bytes_max`.
    pub bytes_max: usize,
    /// See `DoorLimits::outbox_high_water_bytes`.
    pub high_water_bytes: usize,
}

/// The queue between the engine and one connection, shared as `Rc<Outbox>`.
pub struct Outbox {
    framing: Framing,
    limits: OutboxLimits,
    buffers: Rc<Buffers>,
    /// Complete framed messages. Has no capacity while it is empty.
    queue: RefCell<Vec<u8>>,
    /// Bytes that the connection took and has not written yet.
    in_flight: Cell<usize>,
    /// The waiting bytes of the one large frame that does not count.
    oversize: Cell<usize>,
    /// Deliveries appended so far.
    mark: Cell<u64>,
    /// The latest probe appended; numbers grow.
    probe: Cell<Option<u64>>,
    /// The count of the engine's appends; the connection waits for the answer to its first frames.
    appends: Cell<u64>,
    vouched_for: Cell<bool>,
    authenticated: Cell<bool>,
    /// Reading is paused, because other connections wait for their turn.
    slowed: Cell<bool>,
    closing: RefCell<Option<Closing>>,
    /// The latest unanswered ping, until there is room again.
    pong: RefCell<Option<Box<[u8]>>>,
    /// The connection's task, and whether it waits for an append.
    waker: RefCell<Option<Waker>>,
    is_waiting: Cell<bool>,
}

/// The last frame to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::door) struct Closing {
    pub(in crate::door) code: CloseCode,
    pub(in crate::door) reason: Cow<'static, str>,
}

/// Frames that the connection took together.
#[derive(Debug, Default)]
pub(in crate::door) struct Batch {
    pub(in crate::door) bytes: Vec<u8>,
    /// How many of its bytes the socket has taken.
    pub(in crate::door) written: usize,
    /// The value of [`Outbox::mark`], reported when the batch is written.
    pub(in crate::door) mark: u64,
    /// The latest probe in this or an earlier batch.
    pub(in crate::door) probe: Option<u64>,
    /// Whether this batch made the reading stop.
    pub(in crate::door) was_high: bool,
}

impl Batch {
    pub(in crate::door) fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }
}

/// The engine's side.
impl Outbox {
    /// An open, empty outbox of a WebSocket.
    #[must_use]
    pub fn new(limits: OutboxLimits, buffers: Rc<Buffers>) -> Self {
        Self::framed(Framing::WebSocket, limits, buffers)
    }

    /// An open, empty outbox.
    #[must_use]
    pub fn framed(framing: Framing, limits: OutboxLimits, buffers: Rc<Buffers>) -> Self {
        Self {
            framing,
            limits,
            buffers,
            queue: RefCell::default(),
            in_flight: Cell::default(),
            oversize: Cell::default(),
            mark: Cell::default(),
            probe: Cell::default(),
            appends: Cell::default(),
            vouched_for: Cell::default(),
            authenticated: Cell::default(),
            slowed: Cell::default(),
            closing: RefCell::default(),
            pong: RefCell::default(),
            waker: RefCell::default(),
            is_waiting: Cell::default(),
        }
    }

    /// The framing of everything that goes to this connection.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Queues complete messages in this outbox's framing ([`Framing::append_text`]), which carry this many
    /// deliveries. Returns the mark: the count of deliveries so far, including these. `Intent::Written`
    /// with this mark or a greater one says that they were written.
    ///
    /// # Errors
    /// Nothing was queued; see [`Refused`].
    pub fn append(&self, frames: &[u8], deliveries: u32) -> Result<u64, Refused> {
        self.admit(frames.len())?;
        self.push(|queue| queue.extend_from_slice(frames));
        Ok(self.count(deliveries))
    }

    /// Queues one text message that goes to this connection only.
    ///
    /// # Errors
    /// Nothing was queued; see [`Refused`].
    pub fn append_text(&self, text: &[u8], deliveries: u32) -> Result<u64, Refused> {
        self.admit(self.framing.framed_len(text.len()))?;
        self.push(|queue| self.framing.append_text(queue, text));
        Ok(self.count(deliveries))
    }

    /// Queues what `write` appends as one text message.
    ///
    /// # Errors
    /// Nothing was queued; see [`Refused`].
    pub fn append_text_by(
        &self,
        deliveries: u32,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<u64, Refused> {
        if !self.is_open() {
            return Err(Refused::Closing);
        }
        // The length is known only after writing.
        let is_refused = self.push(|queue| {
            let before = queue.len();
            self.framing.append_text_by(queue, write);
            let (queued, bytes) = (before + self.in_flight.get(), queue.len() - before);
            let is_refused = !self.fits(queued, bytes);
            if is_refused {
                queue.truncate(before);
            }
            is_refused
        });
        if is_refused { Err(Refused::Full) } else { Ok(self.count(deliveries)) }
    }

    /// Queues a ping with `number`, which must be greater than that of the previous probe. `Intent::Proven`
    /// with this number or a greater one says that the peer's WebSocket stack consumed everything queued
    /// before it. In other framings nothing is queued, because their peers prove nothing.
    ///
    /// # Errors
    /// Nothing was queued; see [`Refused`].
    pub fn probe(&self, number: u64) -> Result<(), Refused> {
        if !self.framing.proves() {
            return if self.is_open() { Ok(()) } else { Err(Refused::Closing) };
        }
        let payload = number.to_be_bytes();
        self.admit(payload.len() + 2)?;
        debug_assert!(self.probe.get() < Some(number), "probes grow");
        self.probe.set(Some(number));
        self.push(|queue| ws::append_ping(queue, &payload));
        self.count(0);
        Ok(())
    }

    /// The upgrade request had a valid token, and `auth` has not come yet. The peer may send as much at
    /// once as an authenticated one. Its deadline and its place remain those of an unauthenticated one;
    /// otherwise the holder of one token could take every place without ever authenticating.
    pub fn vouch(&self) {
        self.vouched_for.set(true);
        self.wake();
    }

    /// The peer is authenticated: limits for unauthenticated connections no longer apply.
    pub fn authenticate(&self) {
        self.authenticated.set(true);
        self.vouch();
    }

    /// Pauses or resumes reading from the connection.
    pub fn slow(&self, is_slowed: bool) {
        if self.slowed.replace(is_slowed) && !is_slowed {
            self.wake();
        }
    }

    /// Closes the connection after the queue was written, or after `DoorLimits::close`. Only the first call
    /// counts. `reason` is sent to the peer, cut at 123 bytes: never put a secret into it.
    pub fn close(&self, code: CloseCode, reason: impl Into<Cow<'static, str>>) {
        let mut closing = self.closing.borrow_mut();
        if closing.is_none() {
            *closing = Some(Closing { code, reason: reason.into() });
            drop(closing);
            self.wake();
        }
    }

    /// The code of our close frame, if the connection is being closed.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        self.closing.borrow().as_ref().map(|closing| closing.code)
    }

    /// Bytes that the socket has not taken yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.borrow().len() + self.in_flight.get()
    }

    /// Whether everything was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Deliveries appended so far.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.mark.get()
    }

    /// Whether something can still be appended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closing.borrow().is_none()
    }

    /// What is queued, for tests that read it.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.queue.borrow()).into_owned()
    }

    /// The bytes of memory held, used or not.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let pong = self.pong.borrow().as_ref().map_or(0, |pong| pong.len());
        self.queue.borrow().capacity() + self.in_flight.get() + pong
    }

    fn admit(&self, bytes: usize) -> Result<(), Refused> {
        if !self.is_open() {
            return Err(Refused::Closing);
        }
        if self.fits(self.len(), bytes) { Ok(()) } else { Err(Refused::Full) }
    }

    /// One large frame does not count while it waits: a message or a page of the largest size may be longer
    /// than the limit, and does not show a slow reader.
    fn fits(&self, queued: usize, bytes: usize) -> bool {
        let (oversize, limit) = (self.oversize.get(), self.limits.bytes_max);
        if queued.saturating_sub(oversize) + bytes <= limit {
            return true;
        }
        let is_large = bytes > limit / 4;
        let is_taken = is_large && oversize == 0 && queued <= limit;
        if is_taken {
            self.oversize.set(bytes);
        }
        is_taken
    }

    fn push<T>(&self, append: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut queue = self.queue.borrow_mut();
        if queue.capacity() == 0 {
            *queue = self.buffers.take();
        }
        let appended = append(&mut queue);
        drop(queue);
        if self.is_waiting.replace(false) {
            self.wake();
        }
        appended
    }

    fn count(&self, deliveries: u32) -> u64 {
        let mark = self.mark.get() + u64::from(deliveries);
        self.mark.set(mark);
        self.appends.set(self.appends.get() + 1);
        mark
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

/// The connection's side.
impl Outbox {
    /// Resolves when there is something to write or the outbox is closing.
    pub(in crate::door) fn poll_work(&self, cx: &Context<'_>) -> Poll<()> {
        if self.has_work() || !self.is_open() {
            return Poll::Ready(());
        }
        self.wait(cx);
        Poll::Pending
    }

    /// Wakes the task of `cx` at the next append.
    pub(in crate::door) fn wait(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        self.is_waiting.set(true);
    }

    pub(in crate::door) fn has_work(&self) -> bool {
        !self.queue.borrow().is_empty() || self.pong.borrow().is_some()
    }

    /// Takes everything queued. The previous batch must be written.
    pub(in crate::door) fn take(&self) -> Batch {
        let was_high = self.is_high();
        let mut bytes = self.queue.take();
        if let Some(pong) = self.pong.take() {
            ws::append_pong(&mut bytes, &pong);
        }
        self.in_flight.set(bytes.len());
        Batch { bytes, written: 0, mark: self.mark.get(), probe: self.probe.get(), was_high }
    }

    /// Records that the socket took `bytes` of the batch.
    pub(in crate::door) fn wrote(&self, bytes: usize) {
        self.in_flight.set(self.in_flight.get() - bytes);
        self.oversize.set(self.oversize.get().min(self.len()));
    }

    /// Answers a ping: at once if there is room, otherwise only the latest one.
    pub(in crate::door) fn pong(&self, payload: &[u8]) {
        if self.is_high() {
            *self.pong.borrow_mut() = Some(payload.into());
        } else if self.is_open() {
            self.push(|queue| ws::append_pong(queue, payload));
        }
    }

    /// Queues the heartbeat ping without content.
    pub(in crate::door) fn heartbeat(&self) {
        if self.is_open() {
            self.push(|queue| self.framing.append_ping(queue, b""));
        }
    }

    /// Whether so much is queued that reading must stop.
    pub(in crate::door) fn is_high(&self) -> bool {
        self.len() > self.limits.high_water_bytes
    }

    pub(crate) fn is_slowed(&self) -> bool {
        self.slowed.get()
    }

    pub(in crate::door) fn is_vouched_for(&self) -> bool {
        self.vouched_for.get()
    }

    pub(in crate::door) fn is_authenticated(&self) -> bool {
        self.authenticated.get()
    }

    pub(in crate::door) fn appends(&self) -> u64 {
        self.appends.get()
    }

    /// Queues the close frame behind everything else.
    pub(in crate::door) fn last(&self, code: Option<CloseCode>, reason: &str) {
        self.pong.take();
        self.push(|queue| self.framing.append_close(queue, code, reason));
    }

    /// The connection ended: nothing can be appended, and all memory is freed.
    pub(in crate::door) fn end(&self) {
        let over = Closing { code: CloseCode::GOING_AWAY, reason: Cow::Borrowed("") };
        self.closing.borrow_mut().get_or_insert(over);
        self.queue.take();
        self.pong.take();
        self.in_flight.set(0);
    }

    pub(in crate::door) fn closing(&self) -> Option<Closing> {
        self.closing.borrow().clone()
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("len", &self.len())
            .field("mark", &self.mark.get())
            .field("closing", &self.closing.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
