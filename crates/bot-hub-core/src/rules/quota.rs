//! How much a bot may say in a day, and what the last space of the disk is kept for.
//!
//! Owns both refusals. What was said is counted in memory, from the start of the hub on. Operators are not bound:
//! who can raise a limit is not stopped by it.

use bot_protocol::code::{Code, Retry};
use bot_protocol::frame::Opaque;
use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::ErrorFrame;

use crate::entry::Draft;
use crate::hub::Hub;
use crate::index::BotIx;

impl Hub {
    /// Whether a bot may say so many bytes more.
    pub(crate) fn may_say(&mut self, bot: BotIx, bytes: u64) -> Result<(), ErrorFrame> {
        if self.is_operator(bot) {
            return Ok(());
        }
        self.has_disk_space(bot)?;
        self.world.bot_mut(bot).said.begin(self.now);
        let (limit, name) = self.quota_of(bot);
        let said = self.world.bot(bot).said.bytes(self.now);
        if said.saturating_add(bytes) <= limit {
            return Ok(());
        }
        let message = format!(
            "this bot has said {said} bytes within a day and may say {limit}; this message has {bytes}"
        );
        let error = ErrorFrame::new(Code::OverQuota).message(message);
        if bytes > limit {
            let hint = format!(
                "say it in parts over several days, or an operator can raise `limits.{name}`"
            );
            return Err(ErrorFrame { retry: Retry::AfterFix.into(), ..error.hint(hint) });
        }
        let wait_ms = self.world.bot(bot).said.wait_ms(self.now, limit - bytes);
        let minutes = wait_ms.div_ceil(60_000);
        let hint = format!("it fits in {minutes} minutes; an operator can raise `limits.{name}`");
        Err(ErrorFrame { retry_after_ms: Some(wait_ms), ..error.hint(hint) })
    }

    /// Refuses what fills the disk while its last space is kept for receipts, cursors and operators.
    pub(crate) fn has_disk_space(&self, bot: BotIx) -> Result<(), ErrorFrame> {
        match self.disk_left {
            Some(bytes) if !self.is_operator(bot) => Err(ErrorFrame::new(Code::StorageFull)
                .message(format!(
                    "the hub's disk has {bytes} bytes left, which are kept for receipts and operators: nothing was stored"
                ))
                .hint("an operator can make space or lower `limits.freeDiskReserve`")),
            _ => Ok(()),
        }
    }

    /// A message that was accepted takes no space after all, and does not count against what its sender may say.
    pub(crate) fn was_not_stored(&mut self, draft: &Draft) {
        if let Some(bot) = self.world.bot_ix(&draft.from) {
            self.world.bot_mut(bot).said.take_back(draft.size() as u64);
        }
    }

    /// What a bot may say in a day, and the name of that limit.
    fn quota_of(&self, bot: BotIx) -> (u64, &'static str) {
        let limits = &self.settings.limits;
        let (limit, name) = if self.world.bot(bot).standing.guest {
            (limits.bytes_per_guest_per_day, "bytesPerGuestPerDay")
        } else {
            (limits.bytes_per_bot_per_day, "bytesPerBotPerDay")
        };
        (limit.unwrap_or(u64::MAX), name)
    }

    /// How many bytes the disk has left, while they are kept for receipts and operators.
    pub fn disk_left(&self) -> Option<u64> {
        self.disk_left
    }

    /// How many bytes a bot has said within a day, as far as the hub runs that long.
    pub fn said_in_a_day(&self, bot: &bot_protocol::name::BotId) -> u64 {
        self.world.bot_ix(bot).map_or(0, |bot| self.world.bot(bot).said.bytes(self.now))
    }
}

/// Bytes of a message, as `Draft::size` counts them.
pub(super) fn size_of(message: &Message) -> u64 {
    let raw = |json: &Option<Opaque>| json.as_ref().map_or(0, |json| json.as_json().len());
    (message.text.len() + raw(&message.act) + raw(&message.meta)) as u64
}
