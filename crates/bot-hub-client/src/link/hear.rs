//! How a link reacts to the hub's frames.
//!
//! Owns the meaning of every frame that a client receives. Sends nothing directly: [`Link::pump`] decides
//! what may be sent.

use bot_protocol::code::Code;
use bot_protocol::frame::FrameError;
use bot_protocol::frame::client::{self, ClientFrame};
use bot_protocol::frame::server::{
    Ack, AuthOk, Delivery, ErrorFrame, Gap, GapReason, GoingAway, GoingAwayReason, Joined, Left,
    Membership, ServerFrame,
};
use bot_protocol::id::{MessageId, Position};
use bot_protocol::name::RoomName;
use bot_protocol::time::Timestamp;

use super::inbox::Arrival;
use super::ready::{Leaving, Ready};
use super::{GOING_AWAY_GRACE_MS, Link, Output, Phase, RETRY_MS};
use crate::error::{AskError, End, SendError, Why};
use crate::event::Event;

impl Link {
    pub(super) fn hear(&mut self, now: Timestamp, frame: ServerFrame) {
        self.note_life(now);
        match (&self.phase, frame) {
            (Phase::Greeting { .. }, ServerFrame::AuthOk(auth_ok)) => self.welcome(now, auth_ok),
            (Phase::Greeting { .. }, ServerFrame::Error(error)) => self.turned_away(now, error),
            (Phase::Greeting { .. } | Phase::Ready(_), ServerFrame::GoingAway(going)) => {
                self.going_away(now, going);
            }
            (Phase::Ready(_), frame) => self.hear_when_ready(now, frame),
            // The frame comes from a connection that was given up.
            _ => {}
        }
    }

    fn hear_when_ready(&mut self, now: Timestamp, frame: ServerFrame) {
        match frame {
            ServerFrame::Message(delivery) => self.delivered(now, delivery),
            ServerFrame::Ack(ack) => self.acked(ack),
            ServerFrame::Error(error) => self.refused(now, error),
            ServerFrame::Joined(joined) => self.joined(joined),
            ServerFrame::Left(left) => self.left(left),
            ServerFrame::Redacted(redacted) => self.event(Event::Redacted(redacted)),
            ServerFrame::Gap(gap) => self.gap(gap),
            ServerFrame::Receipt(receipt) => self.event(Event::Receipt(Box::new(receipt))),
            ServerFrame::Receipts(range) => self.event(Event::Receipts(Box::new(range))),
            ServerFrame::Presence(presence) => self.event(Event::Presence(presence)),
            ServerFrame::Typing(typing) => self.event(Event::Typing(typing)),
            ServerFrame::Pause(pause) => self.event(Event::Pause(Box::new(pause))),
            // A client cannot send `pong`; a `ping` of its own proves just as well that it is alive.
            ServerFrame::Ping(beat) => {
                self.frame(ClientFrame::Ping(client::Ping { at: beat.at }));
            }
            answer => self.answered(answer),
        }
    }

    /// Handles a frame that a newer hub sent and this program cannot read. It is counted and skipped,
    /// unless it is the greeting, which is indispensable.
    pub(super) fn not_understood(&mut self, now: Timestamp, error: FrameError) {
        self.note_life(now);
        if matches!(self.phase, Phase::Greeting { .. }) {
            return self.drop_connection(now, Why::BadFrame(error.to_string()));
        }
        self.unreadable += 1;
        let about = error.reference.clone().unwrap_or_default();
        if let Some(Some(key)) = self.asks.unreadable(&about) {
            self.answer(key, Err(AskError::Unreadable(error.to_string())));
        }
        let (count, problem) = (self.unreadable, error.to_string());
        self.event(Event::Unreadable { count, problem });
    }

    pub(super) fn note_life(&mut self, now: Timestamp) {
        if let Phase::Ready(ready) = &mut self.phase {
            ready.heard = now;
            ready.pinged = false;
        }
    }

    fn welcome(&mut self, now: Timestamp, auth_ok: AuthOk) {
        let granted = |cap: &str| auth_ok.caps.iter().flatten().any(|granted| granted == cap);
        self.acks = granted("ack") && !self.config.auth.side;
        self.limits = auth_ok.limits.unwrap_or_default();
        self.told_lost = false;
        let stale = self.inbox.enter_epoch(auth_ok.epoch, auth_ok.rooms.as_deref());
        let memberships = auth_ok.rooms.clone();
        self.phase = Phase::Ready(Ready {
            since: now,
            heard: now,
            pinged: false,
            leaving: None,
            new_logs: stale.iter().map(|(room, _)| room.clone()).collect(),
        });
        self.event(Event::Connected(Box::new(auth_ok)));
        self.announce_new_logs(&stale);
        for membership in memberships.iter().flatten() {
            let adopted = self.inbox.adopt(&membership.room, membership.position);
            debug_assert!(adopted.is_none(), "a position of another log is forgotten by now");
        }
        for room in self.inbox.wanted() {
            let listed = |rooms: &Vec<_>| rooms.iter().any(|own: &Membership| own.room == room);
            match &memberships {
                Some(rooms) if listed(rooms) => {}
                Some(_) if !stale.iter().any(|(stale, _)| *stale == room) => self.gone(room),
                // The hub does not store memberships, or lost them with its log.
                _ => self.rejoin(now, room),
            }
        }
        if let Some(presence) = self.presence.clone() {
            self.frame(ClientFrame::Presence(presence));
        }
    }

    fn announce_new_logs(&mut self, stale: &[(RoomName, Position)]) {
        for (room, position) in stale {
            let from_seq = position.seq + 1;
            let reason = GapReason::Epoch.into();
            // The range is empty, because nobody knows how much the old log held.
            let to_seq = position.seq;
            let gap = Gap { room: room.clone(), from_seq, to_seq, lost: 0, reason };
            self.event(Event::Gap(gap));
        }
    }

    /// Reports a membership that ended while this client was away.
    fn gone(&mut self, room: RoomName) {
        self.inbox.forget(&room);
        let reason = Some("the membership ended while this client was away".into());
        self.event(Event::Left(Left { room, reason, dropped: None }));
    }

    fn turned_away(&mut self, now: Timestamp, error: ErrorFrame) {
        let error = Box::new(error);
        if error.is_for_now() {
            self.drop_connection(now, Why::Refused(error));
        } else {
            self.end(End::Refused(error));
        }
    }

    fn going_away(&mut self, now: Timestamp, going: GoingAway) {
        let reason = going.reason.clone();
        let back_in_ms = going.reconnect_in_ms;
        self.event(Event::GoingAway(going));
        match (reason.known(), back_in_ms) {
            (Some(GoingAwayReason::Revoked), _) => self.end(End::Revoked),
            // A time to return means that two connections keep replacing each other. The other one may be
            // this client's own broken connection, so it does not end.
            (Some(GoingAwayReason::Replaced), None) => self.end(End::Replaced),
            (_, None) => self.end(End::SentAway(reason)),
            (_, Some(ms)) => {
                let back_at = now + self.random.around(ms);
                let grace = now + GOING_AWAY_GRACE_MS.min(ms);
                let leaving = Leaving { why: Why::GoingAway(reason), grace, back_at };
                match &mut self.phase {
                    Phase::Ready(ready) => ready.leaving = Some(leaving),
                    _ => {
                        self.outputs.push_back(Output::Disconnect);
                        self.wait(now, leaving.why, back_at.since(now));
                    }
                }
            }
        }
    }

    fn delivered(&mut self, now: Timestamp, delivery: Delivery) {
        if self.deaf {
            return;
        }
        match self.inbox.arrive(&delivery, self.events + 1) {
            Arrival::New => {
                self.backoff.reset();
                self.event(Event::Message(Box::new(delivery)));
            }
            Arrival::Again(Some(receipt)) if self.acks => {
                if let Some(receipt) = self.inbox.hold(receipt) {
                    self.frame(ClientFrame::Receipt(receipt));
                }
            }
            Arrival::Again(_) => {}
            Arrival::TooMany => self.drop_connection(now, Why::TooManyUnreceived),
        }
    }

    fn acked(&mut self, ack: Ack) {
        let Some(id) = self.outbox.acked(&ack) else { return };
        self.backoff.reset();
        if let Some(frame) = self.outbox.remove(&id) {
            self.told.confirmed(frame);
        }
        self.sent(id, Ok(ack));
    }

    fn refused(&mut self, now: Timestamp, error: ErrorFrame) {
        let reference = error.reference.clone().unwrap_or_default();
        let about_status =
            error.code == Code::NoSuchMessage.number() && self.asks.asks_about(&reference);
        if let Some(id) = self.outbox.in_flight(&reference).filter(|_| !about_status) {
            return self.message_refused(now, id, error);
        }
        match self.asks.refused(&error) {
            Some(Some(key)) => self.answer(key, Err(AskError::Refused(Box::new(error)))),
            // Nobody waits, but a failed automatic `join` must be reported.
            Some(None) => self.event(Event::Refused(Box::new(error))),
            None => {
                self.told.refused(&reference);
                self.event(Event::Refused(Box::new(error)));
            }
        }
    }

    fn message_refused(&mut self, now: Timestamp, id: MessageId, error: ErrorFrame) {
        let error = Box::new(error);
        if !error.is_for_now() {
            self.outbox.remove(&id);
            return self.sent(id, Err(SendError::Refused(error)));
        }
        let retry_in_ms = self.random.not_before(error.retry_after_ms.unwrap_or(RETRY_MS));
        self.outbox.postpone(&id, now + retry_in_ms);
        self.event(Event::Postponed { id, error, retry_in_ms });
    }

    fn joined(&mut self, joined: Joined) {
        self.inbox.want(&joined.room);
        let stale = joined.position.and_then(|position| self.inbox.adopt(&joined.room, position));
        // The room was removed and made again while this client was not in it.
        self.announce_new_logs(&Vec::from_iter(stale.map(|at| (joined.room.clone(), at))));
        let frame = ServerFrame::Joined(joined);
        match (self.asks.answered(&frame), frame) {
            (Some(key), frame) => self.answer_to(key, frame),
            (None, ServerFrame::Joined(joined)) => self.event(Event::Joined(joined)),
            (None, _) => {}
        }
    }

    fn left(&mut self, left: Left) {
        self.inbox.forget(&left.room);
        let frame = ServerFrame::Left(left);
        match (self.asks.answered(&frame), frame) {
            (Some(key), frame) => self.answer_to(key, frame),
            (None, ServerFrame::Left(left)) => self.event(Event::Left(left)),
            (None, _) => {}
        }
    }

    fn gap(&mut self, gap: Gap) {
        let known =
            matches!(&self.phase, Phase::Ready(ready) if ready.new_logs.contains(&gap.room));
        if gap.reason != GapReason::Epoch || !known {
            self.inbox.gap(&gap.room, gap.from_seq, self.events + 1);
            self.event(Event::Gap(gap));
        }
    }

    fn answered(&mut self, frame: ServerFrame) {
        if let Some(key) = self.asks.answered(&frame) {
            self.answer_to(key, frame);
        }
    }

    fn answer_to(&mut self, key: Option<u64>, frame: ServerFrame) {
        if let Some(key) = key {
            self.outputs.push_back(Output::Answer { key, result: Ok(Box::new(frame)) });
        }
    }
}
