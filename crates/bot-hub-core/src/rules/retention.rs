//! What is not kept for ever, and who is told.
//!
//! Owns the two ways in which an entry can be lost to a reader: the room's retention, and the bound on
//! what is kept for an absent bot. **Invariant:** whatever is dropped is announced to the reader (by
//! `gap` or `lost`), to the sender (by a receipt or `ack.dropped`), and to `status`.

use bot_protocol::frame::operator::Retention;

use crate::apply::Losers;
use crate::change::{Change, Loss, Removed};
use crate::hub::Hub;
use crate::index::{Named, RoomIx};
use crate::settings::{
    RETENTION_SWEEP_MS, SWEEP_MEMBERS_MAX, SWEEP_PAUSE_MS, SWEEP_ROOMS_MAX, TRIM_ENTRIES_MAX,
};
use crate::waiting::{About, RangeNotification, Waiter};

impl Hub {
    /// Keeps the newest `limit` entries of others for an absent bot. Returns how many it dropped just
    /// now.
    pub(crate) fn limit_buffer(&mut self, room: RoomIx, at: usize, head: u64, limit: u64) -> u64 {
        let member = &mut self.world.rooms[room].members[at];
        let lost = member.queue(head, limit);
        if lost > 0 {
            self.stats.dropped += lost;
            if !std::mem::replace(&mut member.is_lossy, true) {
                let bot = member.bot;
                self.list_lossy(room, bot);
            }
        }
        lost
    }

    /// What a room keeps now. By age nothing is removed while the clock cannot be trusted.
    fn rule_of(&self, room: RoomIx) -> Retention {
        let rule = self.world.room(room).retain.unwrap_or(self.settings.retention);
        match &self.age_waits {
            Some(_) => Retention { age_ms: None, ..rule },
            None => rule,
        }
    }

    /// Looks for rooms that keep more than they should, and counts what is in all of them: so many at
    /// once, and then soon again for the rest, so that nobody waits for a hub with many rooms.
    pub(crate) fn sweep_retention(&mut self) {
        let (mut rooms, mut members, mut left_over) = (0, 0, Vec::new());
        while rooms < SWEEP_ROOMS_MAX && members < SWEEP_MEMBERS_MAX {
            let Some((room, state)) = self.world.rooms.in_place(self.swept) else { break };
            members += state.members.len();
            self.counting.add(state);
            if state.durable {
                self.trim(room);
            }
            if self.is_left_over(room) {
                left_over.push(room);
            }
            self.swept += 1;
            rooms += 1;
        }
        self.remove_left_over(left_over);
        let is_over = self.world.rooms.in_place(self.swept).is_none();
        if is_over {
            self.swept = 0;
            self.census = std::mem::take(&mut self.counting);
        }
        let pause = if is_over { RETENTION_SWEEP_MS } else { SWEEP_PAUSE_MS };
        self.sweep_at = self.now + pause;
    }

    /// A room that fills faster than it is looked at is trimmed at once: its bounds hold to an eighth
    /// and one step.
    pub(crate) fn trim_overfull(&mut self, room: RoomIx) {
        let retain = self.rule_of(room);
        let state = self.world.room(room);
        let kept = state.kept();
        let step = u64::from(TRIM_ENTRIES_MAX);
        // A bound may be as large as a number can be.
        let bound = |max: u64, step| max.saturating_add(max / 8).saturating_add(step);
        let is_over = |count, max: Option<u64>, step| max.is_some_and(|it| count > bound(it, step));
        if is_over(kept, retain.entries, step) || is_over(state.bytes, retain.bytes, step * 1_024) {
            self.trim(room);
        }
    }

    /// Removes a step's worth of what the room's rule no longer keeps.
    pub(crate) fn trim(&mut self, room: RoomIx) {
        let retain = self.rule_of(room);
        let state = self.world.room(room);
        let kept = state.kept();
        let old = |age_ms| state.oldest_at.is_some_and(|at| self.now.since(at) > age_ms);
        let due = retain.entries.is_some_and(|max| kept > max)
            || retain.bytes.is_some_and(|max| state.bytes > max)
            || retain.age_ms.is_some_and(old);
        if !due || kept == 0 || state.trimming || state.is_going() {
            return;
        }
        self.world.room_mut(room).trimming = true;
        let (name, now) = (self.room_name(room), self.now);
        let change = Change::Trim { room: name, retain, now, entries_max: TRIM_ENTRIES_MAX };
        self.change(change, Named::room(room), Waiter::Nobody);
    }

    /// The store removed entries: members that had not been handed them have lost them.
    pub(crate) fn trim_answered(&mut self, room: RoomIx, removed: &[Removed], losers: Losers) {
        if removed.is_empty() {
            return;
        }
        self.stats.dropped += losers.count;
        let mut readers = Vec::new();
        for at in 0..self.world.room(room).members.len() {
            let member = &self.world.room(room).members[at];
            let (bot, reads) = (member.bot, member.reader.is_some());
            self.note_losses(room, bot);
            readers.extend(Some(bot).filter(|_| reads));
        }
        for bot in readers {
            self.pump(room, bot);
        }
        let mut told = Vec::new();
        for ((after, to), bots) in losers.of {
            let (paused, others): (Vec<_>, Vec<_>) =
                bots.into_iter().partition(|bot| self.world.pauses.hold(room, *bot));
            for (bots, is_paused) in [(others, false), (paused, true)] {
                let about = About::lost(Loss::Retention, bots.into()).while_paused(is_paused);
                told.push(RangeNotification { after, to, about });
            }
        }
        told.retain(|it| !it.about.bots.is_empty());
        self.tell_of_removed(room, told, removed);
    }
}
