//! Where bots stand, and that it survives a restart.
//!
//! Owns when cursors and marks are saved: a little after they moved, many at once. A crash in between
//! costs redeliveries, never messages. What the store refused is repeated here too.

use crate::change::Change;
use crate::hub::Hub;
use crate::pending::Pending;
use crate::settings::CURSOR_SAVE_MS;
use crate::world::{BotIx, RoomIx};

/// Facts kept in memory while the disk is full. What is said beyond that is forgotten: it is then
/// known as "delivered" or "received" only, which is true.
const REFUSED_FACTS_MAX: usize = 10_000;

impl Hub {
    /// A cursor or a mark may have moved: then it has to be saved, and something else is now the
    /// oldest that waits.
    pub(crate) fn note_place(&mut self, room: RoomIx, bot: BotIx) {
        let (now, head) = (self.now, self.world.room(room).head);
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let is_listed = member.unsaved_cursor.is_some() || member.unsaved_delivered.is_some();
        if std::mem::take(&mut member.cursor_moved) {
            member.refresh_waiting(head);
            member.unsaved_cursor = Some(now);
        }
        if std::mem::take(&mut member.delivered_moved) {
            member.unsaved_delivered = Some(now);
        }
        if !is_listed && (member.unsaved_cursor.is_some() || member.unsaved_delivered.is_some()) {
            // A hub that is about to stop may not come to a later save.
            self.save_after(if self.draining { 0 } else { CURSOR_SAVE_MS });
            self.unsaved.push((room, bot));
        }
    }

    fn save_after(&mut self, millis: u64) {
        self.save_at.get_or_insert(self.now + millis);
    }

    /// The store refused to save a place. Not again at once, even if the hub is about to stop.
    pub(crate) fn save_again(&mut self, room: RoomIx, bot: BotIx) {
        self.save_after(CURSOR_SAVE_MS);
        self.unsaved.push((room, bot));
    }

    /// The store refused something that nobody waits for: the brain tries it again, with the next
    /// save.
    pub(crate) fn retry(&mut self, pending: Pending) {
        self.save_after(CURSOR_SAVE_MS);
        if self.refused.len() < REFUSED_FACTS_MAX {
            self.refused.push(pending);
        }
    }

    /// Saves everything that moved since the last time, and what was refused then.
    pub(crate) fn save_places(&mut self) {
        self.save_at = None;
        for pending in std::mem::take(&mut self.refused) {
            match pending {
                Pending::Fact(fact) => self.state(*fact),
                Pending::Room { room, waiter } => self.wish_for_room(room, waiter),
                Pending::Join { room, bot, waiter } => self.add_member(room, bot, waiter),
                Pending::Cursor { room, bot, news, .. } => self.tell_when_saved(room, bot, news),
                _ => {}
            }
        }
        for (room, bot) in std::mem::take(&mut self.unsaved) {
            self.save_place(room, bot);
        }
    }

    /// Saves where a bot stands in a room, if it moved.
    pub(crate) fn save_place(&mut self, room: RoomIx, bot: BotIx) {
        let (id, name) = (self.bot_id(bot).clone(), self.room_name(room));
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let (cursor, delivered, state) = (member.cursor(), member.delivered(), member.meaning());
        let (cursor_at, delivered_at) =
            (member.unsaved_cursor.take(), member.unsaved_delivered.take());
        member.mark_saved();
        if let Some(at) = delivered_at {
            let (room_name, bot_id) = (name.clone(), id.clone());
            let change = Change::Delivered { room: room_name, bot: bot_id, seq: delivered, at };
            self.change(change, Pending::Delivered { room, bot, at });
        }
        if let Some(at) = cursor_at {
            let change = Change::Cursor { room: name, bot: id, seq: cursor, state, at };
            self.change(change, Pending::Cursor { room, bot, at, news: Vec::new() });
        }
    }
}
