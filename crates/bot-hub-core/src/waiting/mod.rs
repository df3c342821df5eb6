//! What is on its way to the store, and who waits for it.
//!
//! Owns the shapes: changes ([`Underway`]) with who waits for them ([`Waiter`]), questions ([`Ask`]), and in
//! `told` what senders hear when something is stored. `apply` owns what a change does to the tables, `answer`
//! what follows. Never changes anything.

mod leftover;
mod redactions;
mod refused;
mod told;

use bot_protocol::frame::client::Receipt;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::id::MessageId;
use smol_str::SmolStr;

pub(crate) use self::leftover::{Clearing, Leftover};
pub(crate) use self::redactions::{RedactWish, Redactions};
pub(crate) use self::refused::Refused;
pub(crate) use self::told::{About, Notification, Notifications, Observation, RangeNotification};

use crate::change::Change;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::ConnId;
use crate::world::{Key, Scope};

/// A change on its way to the store.
#[derive(Debug)]
pub(crate) struct Underway {
    pub(crate) change: Change,
    pub(crate) named: Named,
    pub(crate) waiter: Waiter,
}

/// Who wants to hear that a change is committed, or refused.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// Nobody: of a change that somebody else has made, or that is simply asked for again later.
    Nobody,
    /// Somebody who waits for a later change of the same batch, and hears when that one is refused.
    Another,
    /// The configuration: what it declares is tried again until it is stored.
    Configuration,
    /// The bot that joins or leaves.
    Client(ConnId),
    /// An operator.
    Operator {
        /// Its connection.
        conn: ConnId,
        /// The `ref` of the request.
        reference: SmolStr,
    },
    /// Whoever said a message waits for its `ack`.
    Sender(Sender),
    /// Whoever said a message that is refused with this error, unless it was said before.
    Doubted {
        /// Its connection.
        conn: ConnId,
        /// Why it is refused.
        error: Box<ErrorFrame>,
    },
    /// An operator that ends pauses, of which this is the last.
    Resuming(Box<Resuming>),
    /// Senders of what a bot received, if any of them want to know; the bot itself repeats its place.
    Senders(Vec<Notification>),
    /// Senders of what a client received by its own account.
    Claimed(Vec<RangeNotification>),
    /// The sender of one entry. If the observation is refused, it is tried again.
    Observed(Box<Notification>),
    /// A member that lost what lies in `(after, to]`, and the senders. If that is refused, it is recorded
    /// again.
    Losers {
        /// Before the first entry.
        after: u64,
        /// The last entry.
        to: u64,
        /// Who else lost what, of all losses that were recorded together.
        notifications: Vec<(RoomIx, RangeNotification)>,
    },
}

/// Pauses that an operator ends, some at a time.
#[derive(Debug)]
pub(crate) struct Resuming {
    /// Its connection.
    pub(crate) conn: ConnId,
    /// The `ref` of the request.
    pub(crate) reference: SmolStr,
    pub(crate) scope: Scope,
    /// What waits is not handed over.
    pub(crate) skip: bool,
    /// How many pauses end.
    pub(crate) ended: u64,
    /// How many entries are skipped.
    pub(crate) skipped: u64,
    /// The last pause that was ended.
    pub(crate) last: Option<Key>,
}

/// Where the answer to a message goes: to the connection that it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    pub(crate) conn: ConnId,
    /// It gave the message an id, and not the hub.
    pub(crate) chosen_id: bool,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A member that is behind; `until` was the room's head.
    Pump { room: RoomIx, bot: BotIx, until: u64 },
    /// Somebody who reads back.
    History { conn: ConnId, room: RoomIx, way: Way },
    /// Somebody who wants to know what became of a message.
    Status { conn: ConnId, id: MessageId },
    /// A receipt for an entry that is not in the window any more.
    Receipt { conn: ConnId, bot: BotIx, room: RoomIx, receipt: Receipt },
    /// Senders of entries that are not in memory any more.
    Notifications,
    /// An operator who wants an entry to be redacted.
    Redact { conn: ConnId, wish: Box<RedactWish> },
}

/// The direction in which somebody reads back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// From older to newer entries, up to this one.
    Forward { before: u64 },
    /// From newer to older entries.
    Backward,
}
