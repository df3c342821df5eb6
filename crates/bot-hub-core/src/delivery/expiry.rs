//! Entries that expire.
//!
//! Owns what follows. An entry expires for the members to whom it was not handed over yet; what is on its way
//! is not called back, and expires when it comes back.

use bot_protocol::receipt::ReceiptState;

use crate::change::Loss;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::world::Slot;

impl Hub {
    pub(crate) fn expire(&mut self) {
        while let Some(it) = self.world.expiries.due(self.now) {
            // A room that was removed has no members.
            let mut waits: Vec<BotIx> = Vec::new();
            for member in &mut self.world.room_mut(it.room).members {
                if member.sent() >= it.seq {
                    if let Some(slot) = member.window.get_mut(it.seq) {
                        slot.lost = Some(Loss::Expired);
                    }
                } else if member.bot != it.from
                    && !member.is_taken_ahead(it.seq)
                    && member.losses.why(it.seq).is_none()
                {
                    // What a full buffer pushed out was lost before.
                    member.settle_buffer();
                    waits.push(member.bot);
                }
            }
            for bot in waits {
                self.stats.expired += self.lose(it.room, bot, it.seq, it.seq, Loss::Expired);
            }
        }
    }

    pub(crate) fn expired(&mut self, room: RoomIx, bot: BotIx, slot: &Slot) {
        self.stats.expired += 1;
        let reason = Loss::Expired.word();
        self.observe(room, bot, slot, ReceiptState::Expired, reason);
        self.lose(room, bot, slot.seq, slot.seq, Loss::Expired);
        if let Some(member) = self.world.member_mut(room, bot) {
            // It was recorded and told by itself.
            member.losses.mark_given(slot.seq, slot.seq);
        }
    }
}
