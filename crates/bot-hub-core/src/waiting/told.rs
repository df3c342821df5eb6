//! What senders hear about their messages, once it is stored.

use std::sync::Arc;

use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::change::{Loss, ReceiptRecord, Removed};
use crate::index::{BotIx, RoomIx};

/// What a sender hears about one of its messages.
#[derive(Clone, Debug)]
pub(crate) struct News {
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

/// A fact on its way to the store, and who hears of it when it is there.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) record: ReceiptRecord,
    pub(crate) news: News,
}

/// The same became of a stretch of the log.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// Before the first entry.
    pub(crate) after: u64,
    /// The last entry.
    pub(crate) to: u64,
    pub(crate) about: About,
}

/// What became of it, and for whom.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) bots: Arc<[BotIx]>,
    pub(crate) state: ReceiptState,
    pub(crate) reason: Option<&'static str>,
}

impl About {
    /// These bots will never get it.
    pub(crate) fn lost(why: Loss, bots: Arc<[BotIx]>) -> Self {
        Self { bots, state: why.state(), reason: Some(why.word()) }
    }

    /// This bot has received it.
    pub(crate) fn received(bot: BotIx) -> Self {
        Self { bots: [bot].into(), state: ReceiptState::Received, reason: None }
    }
}

/// Notices about one room, and what they are about if the log has it no more.
#[derive(Debug)]
pub(crate) struct Notices {
    pub(crate) room: RoomIx,
    pub(crate) notices: Vec<Notice>,
    pub(crate) removed: Option<Arc<[Removed]>>,
}

impl Notices {
    /// Everything up to `last` is told.
    pub(crate) fn go_on_after(&mut self, last: u64) {
        self.notices.retain(|it| it.to > last);
        self.notices.iter_mut().for_each(|it| it.after = it.after.max(last));
    }
}
