//! Events that the application did not ask for.
//!
//! Owns the types; [`crate::link`] decides when they occur.

use bot_protocol::frame::server::{
    AuthOk, Delivery, ErrorFrame, Gap, GoingAway, Joined, Left, Pause, Presence, RangeReceipt,
    Receipt, Redacted, Typing,
};
use bot_protocol::id::MessageId;

use crate::error::Why;

/// An event. Events of one room arrive in the order of its log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The hub accepted the token, for the first time or again.
    Connected(Box<AuthOk>),
    /// The connection was lost or could not be made. Reported once until the next [`Event::Connected`],
    /// however many attempts fail in between.
    Disconnected {
        /// What happened.
        why: Why,
        /// When the next attempt is made.
        retry_in_ms: u64,
    },
    /// A message. Each is delivered once, however often the hub sends it.
    Message(Box<Delivery>),
    /// A receipt for a message of this bot.
    Receipt(Box<Receipt>),
    /// The same receipt for several messages of this bot in a range of a room. Only with
    /// [`crate::Cap::Ranges`].
    Receipts(Box<RangeReceipt>),
    /// The state of another bot.
    Presence(Presence),
    /// Another bot is composing something.
    Typing(Typing),
    /// What an entry said was taken out of its room's log: a client that keeps a copy removes it. Only with
    /// [`crate::Cap::Redactions`].
    Redacted(Redacted),
    /// Messages for this bot wait from now on, or since before it connected; or they wait no more because of
    /// this pause. Only with [`crate::Cap::Governor`].
    Pause(Box<Pause>),
    /// Entries that will never arrive. With the reason `epoch` the log was replaced: how much was lost is
    /// unknown, and `from_seq` follows the last entry received.
    Gap(Gap),
    /// This bot became a member of a room without asking on this connection.
    Joined(Joined),
    /// This bot lost its membership of a room without asking.
    Left(Left),
    /// The connection is about to end; [`Event::Disconnected`] or the end of the client follows.
    GoingAway(GoingAway),
    /// The hub cannot take a message now. The client sends it again by itself.
    Postponed {
        /// The message.
        id: MessageId,
        /// What the hub said.
        error: Box<ErrorFrame>,
        /// When it is sent again.
        retry_in_ms: u64,
    },
    /// The hub sent something that this program cannot read, perhaps because the hub is newer. The client
    /// skipped it.
    Unreadable {
        /// How many there were so far.
        count: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The hub refused something that waits for no answer: a receipt, a presence, a `typing`.
    Refused(Box<ErrorFrame>),
}
