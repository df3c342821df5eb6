//! The inputs and outputs of a link.
//!
//! Owns the types; [`super::Link`] gives them their meaning.

use std::collections::BTreeMap;

use bot_protocol::frame::FrameError;
use bot_protocol::frame::client::{Auth, ClientFrame, Message};
use bot_protocol::frame::server::{Ack, ServerFrame};
use bot_protocol::id::{MessageId, Position};
use bot_protocol::name::RoomName;

use crate::error::{AskError, End, SendError, Why};
use crate::event::Event;
use crate::options::{Acknowledge, Options};

/// The configuration of a link.
#[derive(Clone, Debug)]
pub struct Config {
    /// Token, name of the program, caps, side connection. `resume` is filled in by the link.
    pub auth: Auth,
    /// When a delivered entry counts as received.
    pub acknowledge: Acknowledge,
    /// Positions saved by an earlier process.
    pub positions: BTreeMap<RoomName, Position>,
    /// Messages that may wait for their `ack`; more end with [`SendError::Full`].
    pub unacked_max: usize,
    /// How long a question waits for its answer.
    pub ask_timeout_ms: u64,
}

impl From<&Options> for Config {
    fn from(options: &Options) -> Self {
        let auth = Auth {
            token: Some(options.token.clone()),
            client: Some(options.client.clone()),
            caps: Some(options.caps.iter().map(|cap| cap.name().into()).collect()),
            resume: None,
            side: options.side,
        };
        Self {
            auth,
            acknowledge: options.acknowledge,
            positions: options.positions.clone(),
            unacked_max: options.unacked_max,
            ask_timeout_ms: u64::try_from(options.ask_timeout.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// An input of a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// The connection that [`Output::Connect`] asked for is open.
    Opened,
    /// The hub sent a frame.
    Frame(Box<ServerFrame>),
    /// The hub gave another sign of life, or there is a reason not to expect one.
    Heard,
    /// The hub sent a frame that this program cannot read: its `type` or `ref`, and what is wrong.
    Unreadable(FrameError),
    /// The connection ended, or could not be made.
    Closed(Why),
    /// Send a message. Ends in exactly one [`Output::Sent`].
    Send {
        /// Its id; the `id` of the message is overwritten with it.
        id: MessageId,
        /// What is said, and to whom.
        message: Box<Message>,
    },
    /// Ask a question: `join`, `leave`, `history`, `status`, `rooms`, `who`, `ping` or `operate`. Ends in
    /// one [`Output::Answer`] with this key.
    Ask {
        /// Chosen by the caller.
        key: u64,
        /// The question. The `at` of a `ping` and the `ref` of an `operate` should be unique.
        frame: Box<ClientFrame>,
    },
    /// Send something without an answer: `receipt`, `presence` or `typing`. After a lost connection,
    /// `presence` and receipts are sent again, `typing` is not.
    Tell(Box<ClientFrame>),
    /// The application took all events up to this number. Also needed with manual acknowledgement, because
    /// receipts for entries behind a gap wait until the application has seen the gap.
    Taken(u64),
    /// The application takes no more events, so entries stay at the hub.
    Deaf,
    /// The application wants to end.
    Stop,
}

/// An output of a link; they must be executed in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection now; [`Input::Opened`] or [`Input::Closed`] follows.
    Connect,
    /// Send this frame on the open connection.
    Frame(Box<ClientFrame>),
    /// Drop the connection. No [`Input::Closed`] is expected for it.
    Disconnect,
    /// There is no connection; the next attempt starts after this time.
    Waiting {
        /// Why.
        why: Why,
        /// Milliseconds from now.
        retry_in_ms: u64,
    },
    /// Report an event to the application.
    Event {
        /// Counts from 1; [`Input::Taken`] refers to it.
        number: u64,
        /// What happened.
        event: Event,
    },
    /// A message has its result: stored, or definitely failed.
    Sent {
        /// Which.
        id: MessageId,
        /// How it ended.
        result: Result<Ack, SendError>,
    },
    /// A question has its result.
    Answer {
        /// Which.
        key: u64,
        /// The frame that answers it.
        result: Result<Box<ServerFrame>, AskError>,
    },
    /// The client has ended. Only answers to later inputs follow.
    Ended(End),
}
