//! The reading loop: passes frames to the engine, and stops reading when the engine is full.
//!
//! Owns when reading pauses and continues. Never interprets a frame.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, timeout};

use super::{Connection, End};
use crate::door::intent::{Ended, Intent, RawFrame};
use crate::door::ws::{CloseCode, DecodeLimits, Event, Input};

/// The result of one read.
struct Read {
    frames: Vec<RawFrame>,
    end: Option<End>,
    /// A frame was refused by the door, and its sender must be told, whatever follows.
    owes_answer: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) async fn read(&self) -> End {
        loop {
            poll_fn(|cx| self.poll_may_read(cx)).await;
            let read = poll_fn(|cx| self.poll_read(cx)).await;
            if !read.frames.is_empty()
                && let Err(end) = self.hand_on(read.frames).await
            {
                return end;
            }
            if let Some(end) = read.end {
                if read.owes_answer {
                    self.until_answered().await;
                }
                return end;
            }
        }
    }

    /// Gives the engine time to answer before the connection ends.
    async fn until_answered(&self) {
        let answered = poll_fn(|cx| {
            if !self.outbox.is_open() || self.asked_at.get() != Some(self.outbox.appends()) {
                return Poll::Ready(());
            }
            self.outbox.wait(cx);
            Poll::Pending
        });
        // The connection ends even without the answer.
        drop(timeout(self.limits.close, answered).await);
    }

    /// Whether frames of the peer may be handled now.
    fn poll_may_read(&self, cx: &Context<'_>) -> Poll<()> {
        // A peer that does not read its answers is not read from. The first two states need no waker,
        // because the writing loop ends them and is polled before this one.
        if !self.outbox.is_open() || self.outbox.is_high() {
            self.liveness.pause_reading();
            return Poll::Pending;
        }
        // The bot uses more than its share while others wait; the engine says when to continue.
        if self.outbox.is_slowed() {
            self.outbox.wait(cx);
            self.liveness.pause_reading();
            return Poll::Pending;
        }
        // Before authentication, frames are passed on one at a time. So an unknown peer cannot fill the
        // engine's queue, and a large frame behind `auth` is measured by the limits of the authenticated
        // bot.
        let is_waiting = self.asked_at.get() == Some(self.outbox.appends());
        if is_waiting && !self.outbox.is_vouched_for() {
            self.outbox.wait(cx);
            self.liveness.pause_reading();
            return Poll::Pending;
        }
        self.liveness.resume_reading();
        Poll::Ready(())
    }

    fn poll_read(&self, cx: &mut Context<'_>) -> Poll<Read> {
        let mut kept = self.kept.take();
        if !kept.is_empty() {
            return Poll::Ready(self.decode(&mut kept));
        }
        self.line.buffers.with_scratch(|scratch| {
            let mut buf = ReadBuf::new(scratch);
            let mut stream = self.stream.borrow_mut();
            let result = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf));
            if result.is_err() || buf.filled().is_empty() {
                let end = Some(End::Cut(Ended::Lost));
                return Poll::Ready(Read { frames: Vec::new(), end, owes_answer: false });
            }
            self.liveness.heard(Instant::now());
            Poll::Ready(self.decode(buf.filled_mut()))
        })
    }

    /// Decodes one batch and keeps the remaining bytes.
    fn decode(&self, bytes: &mut [u8]) -> Read {
        let mut decoder = self.decoder.borrow_mut();
        let mut frames_max = 1;
        if self.outbox.is_vouched_for() {
            frames_max = self.limits.batch_frames_max;
            decoder.set_limits(DecodeLimits {
                message_bytes_max: self.limits.frame_bytes_max,
                skipped_bytes_max: self.limits.skipped_bytes_max,
                fragments_max: self.limits.fragments_max,
            });
        }
        let mut input = Input::new(bytes);
        let mut frames = Vec::with_capacity(self.frames_hint.get());
        let mut owes_answer = false;
        while frames.len() < frames_max {
            let end = match decoder.next(&mut input) {
                Ok(Some(Event::Text(text))) => {
                    frames.push(RawFrame::from(text));
                    Ok(())
                }
                Ok(Some(Event::Skipped(skipped))) => {
                    frames.push(RawFrame::Skipped(skipped.clone()));
                    owes_answer = true;
                    Ok(())
                }
                Ok(Some(event)) => self.take_control(event),
                Ok(None) => {
                    self.frames_hint.set(frames.len().max(self.frames_hint.get() / 2));
                    return Read { frames, end: None, owes_answer };
                }
                Err(violation) => Err(violation.into()),
            };
            if let Err(end) = end {
                return Read { frames, end: Some(end), owes_answer };
            }
        }
        *self.kept.borrow_mut() = input.rest().to_vec();
        Read { frames, end: None, owes_answer }
    }

    fn take_control(&self, event: Event<'_>) -> Result<(), End> {
        match event {
            Event::Close(close) => return Err(End::Echo(close.code)),
            Event::Pong(payload) if self.was_asked_for(payload) => return Ok(()),
            Event::Ping(payload) => self.outbox.pong(payload),
            Event::Pong(_) | Event::Text(_) | Event::Skipped(_) => {}
        }
        let mut controls = self.controls.get();
        let is_admitted = controls.admit(Instant::now(), &self.limits);
        self.controls.set(controls);
        if is_admitted {
            return Ok(());
        }
        Err(End::Say(CloseCode::POLICY, "too many pings or pongs".into(), Ended::Violation))
    }

    /// Whether a pong answers the heartbeat or a probe. A number that was not sent yet proves nothing.
    fn was_asked_for(&self, payload: &[u8]) -> bool {
        let Ok(number) = payload.try_into().map(u64::from_be_bytes) else {
            return payload.is_empty() && self.liveness.heartbeat_answered();
        };
        let is_new = Some(number) > self.reports.proven.get();
        let is_asked = Some(number) <= self.reports.probe_taken.get();
        if is_new && is_asked {
            self.reports.proven.set(Some(number));
        }
        is_new && is_asked
    }

    async fn hand_on(&self, frames: Vec<RawFrame>) -> Result<(), End> {
        self.asked_at.set(Some(self.outbox.appends()));
        let frames = Intent::Frames { conn: self.id, frames };
        let full = match self.line.intents.try_send(frames) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(End::hub_gone()),
            Err(TrySendError::Full(frames)) => frames,
        };
        self.liveness.pause_reading();
        self.line.intents.send(full).await.map_err(|_| End::hub_gone())
    }
}
