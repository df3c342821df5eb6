//! The clock loop: timeouts and heartbeats of a connection.
//!
//! Owns the deadlines of an open WebSocket. Never reads or writes the socket.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::{Connection, End};
use crate::door::intent::{ConnId, Ended};
use crate::door::limits::DoorLimits;
use crate::door::ws::CloseCode;

/// Times that the other loops record for the clock. They only set values; deadlines are computed when one
/// is due, so reading and writing touch no timer.
pub(super) struct Liveness {
    /// Since when its first frame is awaited.
    opened: Cell<Instant>,
    heartbeat: Duration,
    silence: Duration,
    heard: Cell<Instant>,
    is_reading_paused: Cell<bool>,
    /// The heartbeat was sent after the last sign of life.
    has_pinged: Cell<bool>,
    /// The heartbeat was not answered yet.
    is_pong_awaited: Cell<bool>,
    write_blocked_since: Cell<Option<Instant>>,
    closing_since: Cell<Option<Instant>>,
    /// A deadline moved nearer than the timer's.
    has_changed: Cell<bool>,
    /// When the timer fires.
    planned: Cell<Instant>,
}

/// What to do now.
#[derive(Debug)]
enum Due {
    End(End),
    Heartbeat,
    /// Nothing before this time.
    At(Instant),
}

impl Liveness {
    pub(super) fn new(id: ConnId, now: Instant, limits: &DoorLimits) -> Self {
        Self {
            opened: Cell::new(now),
            heartbeat: spread(limits.heartbeat, id),
            silence: spread(limits.silence, id),
            heard: Cell::new(now),
            is_reading_paused: Cell::default(),
            has_pinged: Cell::default(),
            is_pong_awaited: Cell::default(),
            write_blocked_since: Cell::default(),
            closing_since: Cell::default(),
            has_changed: Cell::new(true),
            planned: Cell::new(now),
        }
    }

    pub(super) fn heard(&self, now: Instant) {
        self.heard.set(now);
        self.has_pinged.set(false);
    }

    /// Whether a heartbeat was waiting for this answer. Clears it.
    pub(super) fn heartbeat_answered(&self) -> bool {
        self.is_pong_awaited.take()
    }

    /// Records that reading is paused: a peer that we do not read cannot show that it lives.
    pub(super) fn pause_reading(&self) {
        self.is_reading_paused.set(true);
    }

    pub(super) fn resume_reading(&self) {
        if self.is_reading_paused.replace(false) {
            self.heard(Instant::now());
        }
    }

    pub(super) fn write_blocked(&self, now: Instant) {
        if self.write_blocked_since.get().is_none() {
            self.write_blocked_since.set(Some(now));
            self.has_changed.set(true);
        }
    }

    /// Records that a full socket accepted bytes again. The peer is reading, which is a sign of life, and
    /// the only one while our ping waits behind other bytes.
    pub(super) fn write_went_on(&self) {
        if self.write_blocked_since.take().is_some() {
            self.heard(Instant::now());
        }
    }

    fn is_closing(&self, now: Instant) {
        if self.closing_since.get().is_none() {
            self.closing_since.set(Some(now));
            self.has_changed.set(true);
        }
    }

    /// Restarts all timeouts if the process was stopped or the machine slept: in that time nothing was read
    /// or written, so nobody could be heard.
    fn forgive_standstill(&self, now: Instant) {
        if now <= self.planned.get() + self.heartbeat / 2 {
            return;
        }
        self.opened.set(now);
        self.heard(now);
        for since in [&self.write_blocked_since, &self.closing_since] {
            since.set(since.get().map(|_| now));
        }
    }

    /// What is due at `now`, or when to check again.
    fn due(&self, now: Instant, is_authenticated: bool, limits: &DoorLimits) -> Due {
        self.forgive_standstill(now);
        let due = self.next(now, is_authenticated, limits);
        self.planned.set(if let Due::At(at) = due { at } else { now });
        due
    }

    fn next(&self, now: Instant, is_authenticated: bool, limits: &DoorLimits) -> Due {
        let mut next = now + self.heartbeat;
        let mut is_past = |deadline: Instant| {
            next = next.min(deadline);
            deadline <= now
        };
        if let Some(since) = self.closing_since.get()
            && is_past(since + limits.close)
        {
            return Due::End(End::Cut(Ended::ByHub));
        }
        if let Some(since) = self.write_blocked_since.get()
            && is_past(since + limits.write_stall)
        {
            return Due::End(End::Cut(Ended::Stalled));
        }
        if !is_authenticated && is_past(self.opened.get() + limits.auth) {
            let reason = format!("authenticate within {} s of connecting", limits.auth.as_secs());
            return Due::End(End::Say(CloseCode::AUTH_TIMEOUT, reason.into(), Ended::AuthTimeout));
        }
        // While reading is paused or writing is blocked, no sign of life can arrive; other limits apply.
        if self.is_reading_paused.get() || self.write_blocked_since.get().is_some() {
            return Due::At(next);
        }
        if is_past(self.heard.get() + self.silence) {
            return Due::End(End::Say(CloseCode::SILENT, "nothing heard".into(), Ended::Silent));
        }
        let is_quiet = self.heard.get() + self.heartbeat <= now;
        if is_quiet && self.heard.get() + self.silence > now && !self.has_pinged.replace(true) {
            self.is_pong_awaited.set(true);
            return Due::Heartbeat;
        }
        if !is_quiet {
            next = next.min(self.heard.get() + self.heartbeat);
        }
        Due::At(next)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) async fn clock(&self) -> End {
        let mut timer = pin!(sleep_until(self.liveness.opened.get()));
        poll_fn(|cx: &mut Context<'_>| {
            self.note_engine();
            loop {
                let has_fired = timer.as_mut().poll(cx).is_ready();
                if !self.liveness.has_changed.take() && !has_fired {
                    return Poll::Pending;
                }
                let is_authenticated = self.outbox.is_authenticated();
                match self.liveness.due(Instant::now(), is_authenticated, &self.limits) {
                    Due::End(end) => return Poll::Ready(end),
                    Due::Heartbeat => self.outbox.heartbeat(),
                    Due::At(at) => timer.as_mut().reset(at),
                }
            }
        })
        .await
    }

    /// Takes over what the engine decided since the last pass.
    fn note_engine(&self) {
        if self.outbox.is_authenticated() {
            self.permit.borrow_mut().authenticated();
        }
        if !self.outbox.is_open() {
            self.liveness.is_closing(Instant::now());
        }
    }
}

/// Adds up to a tenth to `duration`, always the same for one connection: connections that were opened at
/// the same moment then send their pings at different ones.
fn spread(duration: Duration, id: ConnId) -> Duration {
    /// 2^64 divided by the golden ratio: it spreads consecutive numbers.
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let thousandths = (id.0.wrapping_mul(GOLDEN) >> 32) % 201;
    duration * (900 + u32::try_from(thousandths).expect("at most 200")) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is due if the timer fires `late` after its time.
    fn due_after(late: Duration) -> Due {
        let (limits, begin) = (DoorLimits::default(), Instant::now());
        let liveness = Liveness::new(ConnId(1), begin, &limits);
        let mut at = begin;
        // A heartbeat is sent, and nothing is received.
        for _ in 0..2 {
            while let Due::At(next) = liveness.due(at, true, &limits) {
                if next >= begin + liveness.silence {
                    return liveness.due(next + late, true, &limits);
                }
                at = next;
            }
        }
        panic!("nothing was ever due")
    }

    #[test]
    fn a_peer_that_was_not_heard_while_the_process_ran_is_given_up() {
        assert!(matches!(due_after(Duration::ZERO), Due::End(End::Say(CloseCode::SILENT, ..))));
    }

    #[test]
    fn a_peer_that_could_not_be_heard_because_the_process_stood_still_stays() {
        assert!(matches!(due_after(Duration::from_secs(3_600)), Due::At(_)));
    }
}
