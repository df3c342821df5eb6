//! The state that the task shares with handles and event streams.
//!
//! Owns the types that cross between tasks. Every queue among them is bounded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bot_protocol::frame::client::{ClientFrame, Message};
use bot_protocol::frame::server::{Ack, AuthOk, ServerFrame};
use bot_protocol::id::{MessageId, Position};
use bot_protocol::name::RoomName;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::error::{AskError, End, SendError, Why};
use crate::event::Event;

/// The state of a client.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// The first attempt to connect is running.
    Connecting,
    /// Connected; holds the hub's greeting.
    Connected(Arc<AuthOk>),
    /// Not connected; the client reconnects by itself.
    Waiting {
        /// Why the connection ended.
        why: Why,
        /// When the next attempt starts, counted from the moment of this state.
        retry_in_ms: u64,
    },
    /// The client has ended and will not reconnect.
    Ended(End),
}

/// A request from a handle to the task.
#[derive(Debug)]
pub(crate) enum Command {
    Send(MessageId, Box<Message>, SendWaiter),
    Ask(Box<ClientFrame>, oneshot::Sender<Result<Box<ServerFrame>, AskError>>),
    Tell(Box<ClientFrame>),
    Positions(oneshot::Sender<BTreeMap<RoomName, Position>>),
    Stop,
}

/// Waits for the `ack` of a message, and holds the message's permit until then.
#[derive(Debug)]
pub(crate) struct SendWaiter {
    pub(crate) answer: oneshot::Sender<Result<Ack, SendError>>,
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// An event and its number.
pub(crate) type Numbered = (u64, Event);

/// The number of the last event that the application took. A single number needs no queue.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    event: AtomicU64,
    changed: Notify,
}

impl Taken {
    pub(crate) fn set(&self, event: u64) {
        self.event.fetch_max(event, Ordering::AcqRel);
        self.changed.notify_one();
    }

    pub(super) async fn next(&self) -> u64 {
        self.changed.notified().await;
        self.event.load(Ordering::Acquire)
    }
}

/// The ends of the task's channels that handles and event streams hold.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) events: mpsc::Sender<Numbered>,
    pub(crate) taken: Arc<Taken>,
    pub(crate) state: watch::Sender<State>,
}
