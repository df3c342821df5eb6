//! What the task shares with the handles and the events.
//!
//! Owns the shapes that cross between tasks. Every queue among them is bounded.

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

/// Where a client stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// The first attempt is under way.
    Connecting,
    /// Connected; with what the hub said.
    Connected(Arc<AuthOk>),
    /// Not connected; tries again by itself.
    Waiting {
        /// Why.
        why: Why,
        /// When, counted from the moment when this was said.
        retry_in_ms: u64,
    },
    /// Over for good.
    Ended(End),
}

/// What a handle asks of the task.
#[derive(Debug)]
pub(crate) enum Command {
    Send(MessageId, Box<Message>, SendWaiter),
    Ask(Box<ClientFrame>, oneshot::Sender<Result<Box<ServerFrame>, AskError>>),
    Tell(Box<ClientFrame>),
    Positions(oneshot::Sender<BTreeMap<RoomName, Position>>),
    Stop,
}

/// Who waits for an `ack`, and the place that the message takes meanwhile.
#[derive(Debug)]
pub(crate) struct SendWaiter {
    pub(crate) answer: oneshot::Sender<Result<Ack, SendError>>,
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// An event and its number.
pub(crate) type Numbered = (u64, Event);

/// Up to which event the application took them: one number, so that no queue is needed.
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

/// What the task shares with handles and events.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) events: mpsc::Sender<Numbered>,
    pub(crate) taken: Arc<Taken>,
    pub(crate) state: watch::Sender<State>,
}
