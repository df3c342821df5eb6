//! What is on its way to the store, and who waits for it.
//!
//! Owns the shapes: changes ([`Pending`]), questions ([`Ask`]), and in `told` what senders hear when something
//! is stored. `apply` owns what follows. Never changes anything.

mod refused;
mod told;

use std::sync::Arc;

use bot_protocol::frame::client::Receipt;
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::id::MessageId;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

pub(crate) use self::refused::Refused;
pub(crate) use self::told::{About, Notification, Notifications, Observation, RangeNotification};

use crate::change::Loss;
use crate::entry::Draft;
use crate::index::{BotIx, RoomIx};
use crate::io::ConnId;

/// What waits for a change.
#[derive(Debug)]
pub(crate) enum Pending {
    /// A message; its sender waits for the `ack`.
    Append(Said),
    /// A message that is refused, unless it was said before.
    WasSaid(Box<Doubted>),
    /// A new room.
    Room { room: RoomIx, waiter: Waiter },
    /// A room's own retention.
    Retain { room: RoomIx, retain: Retention, waiter: Waiter },
    /// A new membership.
    Join { room: RoomIx, bot: BotIx, waiter: Waiter },
    /// What a member may do.
    Grant { room: RoomIx, bot: BotIx, rights: Rights, waiter: Waiter },
    /// The end of a membership.
    Leave { room: RoomIx, bot: BotIx, why: Loss, waiter: Waiter },
    /// What waited is dropped, together with the end of the membership that follows.
    Parting,
    /// A cursor: if it is refused, the next save repeats it.
    Cursor {
        room: RoomIx,
        bot: BotIx,
        seq: u64,
        at: Timestamp,
        notifications: Vec<Notification>,
        /// What a client received by its own account.
        claims: Vec<RangeNotification>,
    },
    /// An entry that was received out of turn, likewise.
    Ahead { room: RoomIx, bot: BotIx, seq: u64, at: Timestamp, notifications: Vec<Notification> },
    /// What was written to a bot's socket, likewise.
    Delivered { room: RoomIx, bot: BotIx, at: Timestamp },
    /// An observation that must not be forgotten: if it is refused, it is tried again.
    Observation(Box<Observation>),
    /// What a member will never get; if it is refused, it is recorded again.
    Drop {
        room: RoomIx,
        bot: BotIx,
        after: u64,
        to: u64,
        notifications: Vec<(RoomIx, RangeNotification)>,
    },
    /// A removal.
    Trim { room: RoomIx },
}

/// Who wants to hear that a change is committed.
#[derive(Clone, Debug)]
pub(crate) enum Waiter {
    /// The configuration: what it declares is tried again until it is stored.
    Nobody,
    /// Somebody who waits for a later change of the same batch, and hears when that one is refused.
    Another,
    /// The bot that joins or leaves.
    Client(ConnId),
    /// An operator.
    Operator {
        /// Its connection.
        conn: ConnId,
        /// The `ref` of the request.
        reference: SmolStr,
    },
}

/// Whose message it is, and where the answer goes: to the connection that it came from.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) room: RoomIx,
    pub(crate) from: BotIx,
    pub(crate) draft: Arc<Draft>,
    pub(crate) conn: ConnId,
    pub(crate) chosen_id: bool,
}

/// A message that is refused, unless it was said before. Its room need not exist.
#[derive(Debug)]
pub(crate) struct Doubted {
    pub(crate) draft: Arc<Draft>,
    pub(crate) conn: ConnId,
    pub(crate) from: BotIx,
    pub(crate) error: ErrorFrame,
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
}

/// The direction in which somebody reads back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// From older to newer entries, up to this one.
    Forward { before: u64 },
    /// From newer to older entries.
    Backward,
}
