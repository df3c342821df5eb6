//! Entries that stop being worth delivering.
//!
//! Owns the times at which that happens. An entry expires for the members to whom it was not handed
//! over yet; what is on its way is not called back, and expires when it comes back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use crate::change::{Expiring, Loss};
use crate::entry::Entry;
use crate::hub::Hub;
use crate::window::Slot;
use crate::world::{BotIx, RoomIx, World};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Expiry {
    at: Timestamp,
    room: RoomIx,
    seq: u64,
    from: BotIx,
    id: MessageId,
}

/// What expires when.
#[derive(Debug, Default)]
pub(crate) struct Expiries(BinaryHeap<Reverse<Expiry>>);

impl Expiries {
    pub(crate) fn add(&mut self, room: RoomIx, entry: &Entry, from: BotIx) {
        if let Some(at) = entry.draft.expires_at() {
            let (seq, id) = (entry.seq, entry.draft.id.clone());
            self.0.push(Reverse(Expiry { at, room, seq, from, id }));
        }
    }

    pub(crate) fn restore(&mut self, world: &mut World, stored: Vec<Expiring>) {
        for it in stored {
            let (room, from) = (world.intern_room(&it.room), world.intern_bot(&it.from));
            self.0.push(Reverse(Expiry { at: it.at, room, seq: it.seq, from, id: it.id }));
        }
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.peek().map(|Reverse(expiry)| expiry.at)
    }
}

impl Hub {
    pub(crate) fn expire(&mut self) {
        while self.expiries.next().is_some_and(|at| at <= self.now) {
            let Some(Reverse(it)) = self.expiries.0.pop() else { return };
            let mut waits: Vec<BotIx> = Vec::new();
            for member in &mut self.world.room_mut(it.room).members {
                if member.sent() >= it.seq {
                    if let Some(slot) = member.window.get_mut(it.seq) {
                        slot.expired = true;
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
