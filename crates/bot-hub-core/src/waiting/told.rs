//! What senders hear about their messages, once it is stored.

use std::sync::Arc;

use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use smol_str::{SmolStr, format_smolstr};

use crate::change::{Loss, ReceiptRecord, Removed};
use crate::index::{BotIx, RoomIx};

/// What a sender is told of one of its messages.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    pub(crate) sender: BotIx,
    pub(crate) room: RoomIx,
    pub(crate) seq: u64,
    pub(crate) id: MessageId,
    /// When the message was sent.
    pub(crate) sent_at: Timestamp,
    pub(crate) bot: BotIx,
    pub(crate) state: ReceiptState,
    pub(crate) at: Timestamp,
    pub(crate) reason: Option<SmolStr>,
    pub(crate) reply: Option<MessageId>,
}

/// What a bot did with an entry, or the hub saw, and what the entry's sender is told when that is stored.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) record: ReceiptRecord,
    pub(crate) notification: Notification,
}

/// What senders are told of a stretch of a room's log, of which the same became.
#[derive(Clone, Debug)]
pub(crate) struct RangeNotification {
    /// Before the first entry.
    pub(crate) after: u64,
    /// The last entry.
    pub(crate) to: u64,
    pub(crate) about: About,
}

impl RangeNotification {
    /// The same became of all these stretches `(after, to)`.
    pub(crate) fn all(stretches: Vec<(u64, u64)>, about: &About) -> Vec<Self> {
        let of = |(after, to)| Self { after, to, about: about.clone() };
        stretches.into_iter().map(of).collect()
    }
}

/// What became of it, and for whom.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) bots: Arc<[BotIx]>,
    pub(crate) state: ReceiptState,
    pub(crate) reason: Option<SmolStr>,
    pub(crate) reply: Option<MessageId>,
    /// When, if that was before the senders are told.
    pub(crate) at: Option<Timestamp>,
}

impl About {
    /// These bots will never get it.
    pub(crate) fn lost(why: Loss, bots: Arc<[BotIx]>) -> Self {
        let reason = Some(SmolStr::new_static(why.word()));
        Self { bots, state: why.state(), reason, reply: None, at: None }
    }

    /// The same, and why it had not got it before.
    pub(crate) fn while_paused(self, is_paused: bool) -> Self {
        let because = |why: SmolStr| format_smolstr!("paused: {why}");
        Self { reason: if is_paused { self.reason.map(because) } else { self.reason }, ..self }
    }

    /// This is recorded of one bot.
    pub(crate) fn recorded(bot: BotIx, record: ReceiptRecord) -> Self {
        let ReceiptRecord { state, at, reason, reply, .. } = record;
        Self { bots: [bot].into(), state, reason: reason.map(SmolStr::from), reply, at: Some(at) }
    }

    /// This bot has brought it to that rung.
    pub(crate) fn reached(bot: BotIx, state: ReceiptState) -> Self {
        Self { bots: [bot].into(), state, reason: None, reply: None, at: None }
    }
}

/// Notifications about one room, and what they are about if the log has it no more.
#[derive(Debug)]
pub(crate) struct Notifications {
    pub(crate) room: RoomIx,
    pub(crate) notifications: Vec<RangeNotification>,
    pub(crate) removed: Option<Arc<[Removed]>>,
}

impl Notifications {
    /// Everything up to `last` is told.
    pub(crate) fn go_on_after(&mut self, last: u64) {
        self.notifications.retain(|it| it.to > last);
        self.notifications.iter_mut().for_each(|it| it.after = it.after.max(last));
    }
}
