//! The client's side of the protocol, as a state machine without IO.
//!
//! Owns every decision: when to connect, what to send and to repeat, what to report to the application, and
//! when to end. Reads no clock, makes no randomness and touches no socket: time comes with each input,
//! randomness from a seed. So the same type runs in the real driver and in simulations with thousands of
//! clients.
//!
//! Usage: [`Link::handle`] an [`Input`], then drain [`Link::poll`], then come back with
//! [`Input::Tick`] at [`Link::deadline`] at the latest. The first deadline is in the past, so that
//! the first tick asks for a connection.
//!
//! ```
//! use bot_hub_client::Options;
//! use bot_hub_client::bot_protocol::time::Timestamp;
//! use bot_hub_client::link::{Config, Input, Link, Output};
//!
//! let config = Config::from(&Options::new("ws://unused", "token"));
//! let mut link = Link::new(config, 42);
//! link.handle(Timestamp(0), Input::Tick);
//! assert_eq!(link.poll(), Some(Output::Connect));
//! link.handle(Timestamp(5), Input::Opened);
//! let Some(Output::Frame(auth)) = link.poll() else { panic!() };
//! assert_eq!(auth.kind(), "auth");
//! assert_eq!(link.poll(), None);
//! assert_eq!(link.deadline(), Some(Timestamp(10_005)));
//! ```
//!
//! ```text
//!            Connect                Opened               auth_ok
//! Waiting ───────────▶ Opening ───────────▶ Greeting ───────────▶ Ready
//!    ▲                    │ Closed             │ Closed, error       │ Closed, silence
//!    └────────────────────┴────────────────────┴─────────────────────┘
//!                                      a definite refusal, `replaced`, `revoked`, Stop ──▶ Over
//! ```

mod asks;
mod hear;
mod inbox;
mod outbox;
#[cfg(test)]
mod properties;
mod ready;
mod told;
#[cfg(test)]
mod transcripts;
mod vocabulary;

use std::collections::{BTreeMap, VecDeque};

use bot_protocol::frame::FrameError;
use bot_protocol::frame::client::{self, ClientFrame, Join, Message, Receipt};
use bot_protocol::frame::server::{Ack, ServerFrame};
use bot_protocol::id::{MessageId, Position};
use bot_protocol::limits::Limits;
use bot_protocol::name::RoomName;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use crate::backoff::{Backoff, Random};
use crate::error::{AskError, End, SendError, Why};
use crate::event::Event;
use asks::{Asks, Turn};
use inbox::Inbox;
use outbox::Outbox;
use ready::Ready;
use told::Told;

pub use vocabulary::{Config, Input, Output};

/// How long the hub may take to answer `auth`.
pub const AUTH_TIMEOUT_MS: u64 = 10_000;
/// After this much silence the client sends a `ping`.
pub const SILENCE_MS: u64 = 20_000;
/// After this much silence the connection counts as dead.
pub const DEAD_MS: u64 = 45_000;
/// After `going_away`, the hub closes the connection within this time; otherwise the client does.
pub const GOING_AWAY_GRACE_MS: u64 = 5_000;
/// A connection that lasted this long, or on which anything was achieved, resets the backoff. A hub that
/// accepts and closes at once is therefore not flooded with attempts.
pub const STABLE_MS: u64 = 5_000;
/// When to repeat a postponed message if the hub does not say when.
pub const RETRY_MS: u64 = 1_000;

/// One client as a state machine.
#[derive(Debug)]
pub struct Link {
    config: Config,
    phase: Phase,
    random: Random,
    backoff: Backoff,
    limits: Limits,
    /// The hub granted `ack`, and this connection receives the messages.
    acks: bool,
    deaf: bool,
    /// The application was told that there is no connection.
    told_lost: bool,
    outbox: Outbox,
    asks: Asks,
    inbox: Inbox,
    told: Told,
    presence: Option<client::Presence>,
    /// Frames sent on this connection.
    frames: u64,
    /// Frames of the hub that could not be read.
    unreadable: u64,
    /// How many events were reported.
    events: u64,
    outputs: VecDeque<Output>,
}

/// The state of the connection.
#[derive(Debug)]
enum Phase {
    Waiting { until: Timestamp },
    Opening,
    Greeting { deadline: Timestamp },
    Ready(Ready),
    Over(End),
}

impl Link {
    /// A link that has not connected yet. The seed decides all jitter.
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            phase: Phase::Waiting { until: Timestamp(0) },
            random: Random(seed),
            backoff: Backoff::default(),
            limits: Limits::default(),
            acks: false,
            deaf: false,
            told_lost: false,
            outbox: Outbox::new(config.unacked_max),
            asks: Asks::default(),
            inbox: Inbox::new(config.positions.clone(), config.acknowledge),
            told: Told::default(),
            presence: None,
            frames: 0,
            unreadable: 0,
            events: 0,
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Handles an input.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Tick => self.tick(now),
            Input::Opened => self.greet(now),
            Input::Frame(frame) => self.hear(now, *frame),
            Input::Heard => self.note_life(now),
            Input::Unreadable(error) => self.not_understood(now, error),
            Input::Closed(why) => self.closed(now, why),
            Input::Send { id, message } => self.send(id, *message),
            Input::Ask { key, frame } => self.ask(now, key, *frame),
            Input::Tell(frame) => self.tell(*frame),
            Input::Taken(event) => self.take(event),
            Input::Deaf => self.deaf = true,
            Input::Stop => self.stop(),
        }
        self.pump(now);
    }

    /// The next output to execute.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call with [`Input::Tick`], unless something else happens before.
    pub fn deadline(&self) -> Option<Timestamp> {
        let (connection, outbox) = match &self.phase {
            Phase::Waiting { until } => (Some(*until), None),
            Phase::Opening => (None, None),
            Phase::Greeting { deadline } => (Some(*deadline), None),
            Phase::Ready(ready) => {
                let outbox = if ready.leaving.is_none() { self.outbox.deadline() } else { None };
                (Some(ready.deadline()), outbox)
            }
            Phase::Over(_) => return None,
        };
        [connection, outbox, self.asks.deadline()].into_iter().flatten().min()
    }

    /// Up to where everything was received, for rooms where that is known.
    pub fn positions(&self) -> BTreeMap<RoomName, Position> {
        self.inbox.positions()
    }

    /// Whether something is pending that only the hub can finish. Then the driver must read, even while the
    /// application takes no events.
    pub fn awaits_hub(&self) -> bool {
        let greeting = matches!(self.phase, Phase::Greeting { .. });
        greeting || !self.outbox.is_empty() || self.asks.is_waiting()
    }

    fn tick(&mut self, now: Timestamp) {
        match &mut self.phase {
            Phase::Waiting { until } if *until <= now => {
                self.phase = Phase::Opening;
                self.outputs.push_back(Output::Connect);
            }
            Phase::Greeting { deadline } if *deadline <= now => {
                self.drop_connection(now, Why::Silent(AUTH_TIMEOUT_MS));
            }
            Phase::Ready(ready) => match ready.is_over(now) {
                Some(why) => self.drop_connection(now, why),
                None if ready.wants_ping(now) => {
                    ready.pinged = true;
                    self.frame(ClientFrame::Ping(client::Ping { at: None }));
                }
                None => {}
            },
            Phase::Waiting { .. } | Phase::Greeting { .. } | Phase::Opening | Phase::Over(_) => {}
        }
        let ms = self.config.ask_timeout_ms;
        for (key, kind) in self.asks.expired(now) {
            self.answer(key, Err(AskError::TimedOut { kind, ms }));
        }
    }

    fn greet(&mut self, now: Timestamp) {
        if !matches!(self.phase, Phase::Opening) {
            return;
        }
        self.phase = Phase::Greeting { deadline: now + AUTH_TIMEOUT_MS };
        self.frames = 0;
        let mut auth = self.config.auth.clone();
        auth.resume = (!auth.side).then(|| self.inbox.resume());
        self.frame(ClientFrame::Auth(auth));
    }

    fn closed(&mut self, now: Timestamp, why: Why) {
        match self.phase {
            Phase::Opening | Phase::Greeting { .. } | Phase::Ready(_) => self.lost(now, why),
            Phase::Waiting { .. } | Phase::Over(_) => {}
        }
    }

    fn drop_connection(&mut self, now: Timestamp, why: Why) {
        self.outputs.push_back(Output::Disconnect);
        self.lost(now, why);
    }

    /// Handles the loss of the connection: everything unanswered is repeated on the next one.
    fn lost(&mut self, now: Timestamp, why: Why) {
        let mut announced = None;
        if let Phase::Ready(ready) = &mut self.phase {
            announced = ready.leaving.take();
            self.told_lost = false;
            if now.since(ready.since) >= STABLE_MS {
                self.backoff.reset();
            }
        }
        match announced {
            Some(leaving) => self.wait(now, leaving.why, leaving.back_at.since(now)),
            None => {
                let retry_in_ms = self.retry_in_ms(&why);
                self.wait(now, why, retry_in_ms);
            }
        }
    }

    /// Waits before the next attempt.
    fn wait(&mut self, now: Timestamp, why: Why, retry_in_ms: u64) {
        self.outbox.disconnected();
        self.told.disconnected();
        self.inbox.disconnected();
        for key in self.asks.disconnected() {
            self.answer(key, Err(AskError::Lost));
        }
        self.phase = Phase::Waiting { until: now + retry_in_ms };
        self.outputs.push_back(Output::Waiting { why: why.clone(), retry_in_ms });
        if !std::mem::replace(&mut self.told_lost, true) {
            self.event(Event::Disconnected { why, retry_in_ms });
        }
    }

    fn retry_in_ms(&mut self, why: &Why) -> u64 {
        let backoff_ms = self.backoff.next_ms(&mut self.random);
        match why {
            Why::Refused(error) => match error.retry_after_ms {
                Some(ms) => self.random.not_before(ms).max(backoff_ms),
                None => backoff_ms,
            },
            _ => backoff_ms,
        }
    }

    fn send(&mut self, id: MessageId, mut message: Message) {
        message.id = Some(id.clone());
        let pushed = match &self.phase {
            Phase::Over(end) => Err(SendError::Ended(end.clone())),
            _ => self.outbox.push(id.clone(), message),
        };
        if let Err(error) = pushed {
            self.sent(id, Err(error));
        }
    }

    fn ask(&mut self, now: Timestamp, key: u64, frame: ClientFrame) {
        if let Phase::Over(end) = &self.phase {
            let end = end.clone();
            return self.answer(key, Err(AskError::Ended(end)));
        }
        if !self.asks.push(Some(key), frame, now + self.config.ask_timeout_ms) {
            self.answer(key, Err(AskError::Full));
        }
    }

    fn tell(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Receipt(mut receipt) => {
                self.inbox.name_sender(&mut receipt);
                self.inbox.note(&receipt);
                if receipt.state != ReceiptState::Received {
                    self.told.push(receipt);
                } else if let Some(receipt) = self.inbox.hold(receipt) {
                    self.frame_if_ready(ClientFrame::Receipt(receipt));
                }
            }
            ClientFrame::Presence(presence) => {
                self.presence = Some(presence.clone());
                self.frame_if_ready(ClientFrame::Presence(presence));
            }
            other => self.frame_if_ready(other),
        }
    }

    fn take(&mut self, event: u64) {
        for receipt in self.inbox.take(event) {
            if self.acks {
                self.frame_if_ready(ClientFrame::Receipt(receipt));
            }
        }
    }

    fn stop(&mut self) {
        if !matches!(self.phase, Phase::Over(_)) {
            self.end(End::Closed);
        }
    }

    /// Ends the client and tells everybody who waits.
    fn end(&mut self, end: End) {
        let connected = !matches!(self.phase, Phase::Waiting { .. });
        self.phase = Phase::Over(end.clone());
        for id in self.outbox.drain() {
            self.sent(id, Err(SendError::Ended(end.clone())));
        }
        for key in self.asks.drain() {
            self.answer(key, Err(AskError::Ended(end.clone())));
        }
        if connected {
            self.outputs.push_back(Output::Disconnect);
        }
        self.outputs.push_back(Output::Ended(end));
    }

    /// Sends whatever may be sent now: first joins, then messages, then receipts (which may name a reply
    /// among the messages), then everything else.
    fn pump(&mut self, now: Timestamp) {
        if !self.may_send() {
            return;
        }
        while let Some(join) = self.asks.next_due(Turn::Joins) {
            self.frame(join);
        }
        for (id, message) in self.outbox.due(now) {
            self.transmit(id, message);
        }
        // The hub ignores receipts for entries that it has not delivered on this connection.
        let inbox = &self.inbox;
        let may_go = |it: &Receipt| !inbox.is_awaited(it) && !inbox.is_behind_gap(it);
        for receipt in self.told.due(self.frames, may_go) {
            self.frame(ClientFrame::Receipt(receipt));
        }
        while let Some(ask) = self.asks.next_due(Turn::Others) {
            self.frame(ask);
        }
    }

    fn transmit(&mut self, id: MessageId, message: Message) {
        let frame = ClientFrame::Message(message);
        // The hub could refuse a frame that is too large or too deep without knowing its id. Such a frame
        // would be sent again after every reconnect.
        if let Err(error) = self.check(&frame) {
            self.outbox.remove(&id);
            return self.sent(id, Err(SendError::Invalid(error)));
        }
        self.frame(frame);
        self.outbox.sent(&id, self.frames);
    }

    fn check(&self, frame: &ClientFrame) -> Result<(), FrameError> {
        ClientFrame::decode(frame.encode().as_bytes(), &self.limits).map(drop)
    }

    fn may_send(&self) -> bool {
        matches!(&self.phase, Phase::Ready(ready) if ready.leaving.is_none())
    }

    fn frame_if_ready(&mut self, frame: ClientFrame) {
        if self.may_send() {
            self.frame(frame);
        }
    }

    fn frame(&mut self, frame: ClientFrame) {
        self.frames += 1;
        self.outputs.push_back(Output::Frame(Box::new(frame)));
    }

    fn event(&mut self, event: Event) {
        self.events += 1;
        self.outputs.push_back(Output::Event { number: self.events, event });
    }

    fn sent(&mut self, id: MessageId, result: Result<Ack, SendError>) {
        self.outputs.push_back(Output::Sent { id, result });
    }

    fn answer(&mut self, key: u64, result: Result<Box<ServerFrame>, AskError>) {
        self.outputs.push_back(Output::Answer { key, result });
    }

    /// Joins again without a waiter.
    fn rejoin(&mut self, now: Timestamp, room: RoomName) {
        let join = ClientFrame::Join(Join { room });
        self.asks.push(None, join, now + self.config.ask_timeout_ms);
    }
}
