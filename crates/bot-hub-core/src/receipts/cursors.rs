//! Where bots stand, and that it survives a restart.
//!
//! Owns when cursors and marks are saved: a little after they moved, many at once. A crash in between
//! costs redeliveries, never messages.

use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use crate::apply::Learned;
use crate::change::{Change, ReceiptRecord};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::settings::CURSOR_SAVE_MS;
use crate::waiting::{About, RangeNotification, Waiter};
use crate::world::Place;

impl Hub {
    /// A cursor or a mark may have moved: then it has to be saved, and something else is now the
    /// oldest that waits.
    pub(crate) fn note_place(&mut self, room: RoomIx, bot: BotIx) {
        let (now, head) = (self.now, self.world.room(room).head);
        let Some(member) = self.world.member_mut(room, bot) else { return };
        if std::mem::take(&mut member.cursor_moved) {
            member.refresh_waiting(head, now);
            member.unsaved_cursor = Some(now);
        }
        if std::mem::take(&mut member.delivered_moved) {
            member.unsaved_delivered = Some(now);
        }
        member.ahead.note(now);
        if member.is_unsaved() && !std::mem::replace(&mut member.is_listed, true) {
            // A hub that is about to stop may not come to a later save.
            self.save_after(if self.draining { 0 } else { CURSOR_SAVE_MS });
            self.unsaved.push_back((room, bot));
        }
    }

    pub(crate) fn save_after(&mut self, millis: u64) {
        let wait = self.patience(millis);
        self.save_at.get_or_insert(self.now + wait);
    }

    /// The store refused to save a place. Not again at once, even if the hub is about to stop.
    pub(crate) fn save_again(&mut self, room: RoomIx, bot: BotIx) {
        self.save_after(CURSOR_SAVE_MS);
        let Some(member) = self.world.member_mut(room, bot) else { return };
        if !std::mem::replace(&mut member.is_listed, true) {
            self.unsaved.push_back((room, bot));
        }
    }

    /// Saves everything that moved since the last time, and what was refused then: as long as the store
    /// takes nothing, only some of it.
    pub(crate) fn save_places(&mut self) {
        self.save_at = None;
        let places = self.retry_refused().min(self.unsaved.len());
        for (room, bot) in self.unsaved.drain(..places).collect::<Vec<_>>() {
            if let Some(member) = self.world.member_mut(room, bot) {
                member.is_listed = false;
            }
            self.save_place(room, bot);
        }
        if !self.unsaved.is_empty() || !self.refused.is_empty() {
            self.save_after(CURSOR_SAVE_MS);
        }
    }

    /// Saves where a bot stands in a room, if it moved.
    pub(crate) fn save_place(&mut self, room: RoomIx, bot: BotIx) {
        if self.world.member(room, bot).is_none() {
            return;
        }
        let (id, name) = (self.bot_id(bot).clone(), self.room_name(room));
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let (delivered, places) = (member.delivered(), member.unsaved_places());
        let ahead = member.ahead.give();
        let delivered_at = member.unsaved_delivered.take();
        member.unsaved_cursor = None;
        member.mark_saved();
        if let Some(at) = delivered_at {
            let (room_name, bot_id) = (name.clone(), id.clone());
            let change = Change::Delivered { room: room_name, bot: bot_id, seq: delivered, at };
            self.change(change, Named::member(room, bot), Waiter::Nobody);
        }
        if let Some((seqs, at)) = ahead {
            self.save_ahead(room, bot, seqs, at);
        }
        for Place { seq, state, at } in places {
            self.give_cursor(room, bot, Place { seq, state, at });
        }
    }

    /// The same place once more, for what has to wait until the store has it.
    pub(crate) fn repeat_place(&mut self, room: RoomIx, bot: BotIx) {
        let Some(member) = self.world.member(room, bot) else { return };
        let (meaning, seq, at) = (&member.meaning, member.cursor(), self.now);
        // The lower rung, if the store may not have what another kind of reader did.
        let state = meaning.earlier().map_or(meaning.state(), |it| it.state.min(meaning.state()));
        self.give_cursor(room, bot, Place { seq, state, at });
    }

    /// A bot has received an entry, and what it did with it is about to be stored: once more with that, unless
    /// the store is known to have it. It may refuse the one batch and take the next one, and an entry that was
    /// dealt with must not wait again after a crash.
    pub(crate) fn repeat_received(&mut self, room: RoomIx, bot: BotIx, seq: u64) {
        let Some(member) = self.world.member(room, bot).filter(|it| it.since < seq) else { return };
        if seq > member.cursor() {
            if !member.ahead.owes(seq) {
                self.save_ahead(room, bot, vec![seq], self.now);
            }
        } else if member.unsaved_cursor.is_none() && !member.meaning.is_stored(seq) {
            self.repeat_place(room, bot);
        }
    }

    fn give_cursor(&mut self, room: RoomIx, bot: BotIx, Place { seq, state, at }: Place) {
        let (name, id) = (self.room_name(room), self.bot_id(bot).clone());
        let change = Change::Cursor { room: name, bot: id, seq, state, at };
        self.change(change, Named::member(room, bot), Waiter::Senders(Vec::new()));
    }

    /// What was received out of turn has a receipt of its own: the cursor says nothing of it.
    fn save_ahead(&mut self, room: RoomIx, bot: BotIx, seqs: Vec<u64>, at: Timestamp) {
        for seq in seqs {
            let receipt = Change::Receipt(self.received_record(room, bot, seq, at));
            self.change(receipt, Named::member(room, bot), Waiter::Senders(Vec::new()));
        }
    }

    pub(crate) fn received_record(
        &self,
        room: RoomIx,
        bot: BotIx,
        seq: u64,
        at: Timestamp,
    ) -> ReceiptRecord {
        ReceiptRecord {
            room: self.room_name(room),
            seq,
            bot: self.bot_id(bot).clone(),
            state: ReceiptState::Received,
            at,
            reason: None,
            reply: None,
        }
    }

    /// The store refused a cursor. What another kind of reader did is tried again as it was.
    pub(crate) fn cursor_refused(&mut self, room: RoomIx, bot: BotIx, (seq, at): (u64, Timestamp)) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        if member.meaning.refused(seq) {
            member.unsaved_cursor.get_or_insert(at);
        }
        self.save_again(room, bot);
    }

    /// The same of what was written to a socket.
    pub(crate) fn mark_refused(&mut self, room: RoomIx, bot: BotIx, at: Timestamp) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        member.unsaved_delivered.get_or_insert(at);
        self.save_again(room, bot);
    }

    /// The same of what was received out of turn.
    pub(crate) fn ahead_refused(&mut self, room: RoomIx, bot: BotIx, seq: u64, at: Timestamp) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        member.ahead.take_back(seq, at);
        self.save_again(room, bot);
    }

    /// A place is stored of a membership that goes on: senders may hear of it.
    pub(crate) fn tell_of_place(&mut self, room: RoomIx, waiter: Waiter) {
        match waiter {
            Waiter::Senders(told) => told.into_iter().for_each(|it| self.notify(it)),
            Waiter::Claimed(claims) => self.look_up_notifications(room, claims),
            _ => {}
        }
    }

    /// Somebody else has stored a place of a bot: its senders hear of what it passed, and its reader here
    /// goes on after it.
    pub(crate) fn placed_elsewhere(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        state: ReceiptState,
        learned: Learned,
    ) {
        let Some(learned) = learned else { return };
        let told = RangeNotification::all(learned, &About::reached(bot, state));
        self.look_up_notifications(room, told);
        self.note_place(room, bot);
        self.pump(room, bot);
    }
}
