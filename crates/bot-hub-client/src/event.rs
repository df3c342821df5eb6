//! What the application learns without having asked.
//!
//! Owns the shapes; [`crate::link`] decides when they occur.

use bot_protocol::frame::server::{
    AuthOk, Delivery, ErrorFrame, Gap, GoingAway, Joined, Left, Presence, RangeReceipt, Receipt,
    Typing,
};
use bot_protocol::id::MessageId;

use crate::error::Why;

/// Something happened. Events of one room arrive in the order of its log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The hub accepted the token, for the first time or again.
    Connected(Box<AuthOk>),
    /// The connection was lost, or could not be made. Told once until it is [`Event::Connected`]
    /// again, however many attempts fail in between.
    Disconnected {
        /// What happened.
        why: Why,
        /// When the next attempt is made.
        retry_in_ms: u64,
    },
    /// Somebody said something. Each message is given once, however often the hub delivers it.
    Message(Box<Delivery>),
    /// Somebody did something with a message of ours.
    Receipt(Box<Receipt>),
    /// The same happened to all messages of ours in a stretch of a room. Only with
    /// [`crate::Cap::Ranges`].
    Receipts(Box<RangeReceipt>),
    /// What another bot is doing.
    Presence(Presence),
    /// Another bot is composing something.
    Typing(Typing),
    /// Entries that will never arrive. With the reason `epoch` the log itself is another one:
    /// how much was lost is unknown, and `from_seq` is the place after the last one received.
    Gap(Gap),
    /// This bot is in a room without having asked on this connection.
    Joined(Joined),
    /// This bot is no longer in a room, without having asked.
    Left(Left),
    /// The connection is about to end; what follows is [`Event::Disconnected`] or the end.
    GoingAway(GoingAway),
    /// The hub cannot take a message now. It is sent again by itself.
    Postponed {
        /// The message.
        id: MessageId,
        /// What the hub said.
        error: Box<ErrorFrame>,
        /// When it is sent again.
        retry_in_ms: u64,
    },
    /// The hub sent something that this program cannot read, perhaps because the hub is newer. It was
    /// skipped.
    Unreadable {
        /// How many there were so far.
        count: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The hub refused something that waits for no answer: a receipt, a presence, a `typing`.
    Refused(Box<ErrorFrame>),
}
