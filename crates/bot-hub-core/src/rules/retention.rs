//! What is not kept for ever, and who is told.
//!
//! Owns the two ways in which an entry can be lost to a reader: the room's retention, and the bound on
//! what is kept for an absent bot. **Invariant:** whatever is dropped is announced to the reader (by
//! `gap` or `lost`), to the sender (by a receipt or `ack.dropped`), and to `status`.

use std::collections::BTreeMap;

use bot_protocol::frame::operator::Retention;
use bot_protocol::time::Timestamp;

use crate::change::{Change, DroppedRange, Loss, Removed};
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::settings::{
    RETENTION_SWEEP_MS, SWEEP_MEMBERS_MAX, SWEEP_PAUSE_MS, SWEEP_ROOMS_MAX, TRIM_ENTRIES_MAX,
};
use crate::waiting::{About, Pending, RangeNotification};

impl Hub {
    /// Keeps the newest `limit` entries of others for an absent bot. Returns how many it dropped just
    /// now.
    pub(crate) fn limit_buffer(&mut self, room: RoomIx, at: usize, head: u64, limit: u64) -> u64 {
        let member = &mut self.world.rooms[room.0 as usize].members[at];
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
        let (mut rooms, mut members) = (0, 0);
        while rooms < SWEEP_ROOMS_MAX && members < SWEEP_MEMBERS_MAX {
            let Some(state) = self.world.rooms.get(self.swept as usize) else { break };
            members += state.members.len();
            self.counting.add(state);
            if state.durable {
                self.trim(RoomIx(self.swept));
            }
            self.swept += 1;
            rooms += 1;
        }
        let is_over = self.swept as usize >= self.world.rooms.len();
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
        let kept = (state.head + 1).saturating_sub(state.first);
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
        let kept = (state.head + 1).saturating_sub(state.first);
        let old = |age_ms| state.oldest_at.is_some_and(|at| self.now.since(at) > age_ms);
        let due = retain.entries.is_some_and(|max| kept > max)
            || retain.bytes.is_some_and(|max| state.bytes > max)
            || retain.age_ms.is_some_and(old);
        if !due || kept == 0 || state.trimming {
            return;
        }
        self.world.room_mut(room).trimming = true;
        let (name, now) = (self.room_name(room), self.now);
        let change = Change::Trim { room: name, retain, now, entries_max: TRIM_ENTRIES_MAX };
        self.change(change, Pending::Trim { room });
    }

    /// The store removed these entries: members that were not handed them have lost them. `oldest_at` is
    /// when the oldest entry that stays was sent.
    pub(crate) fn trimmed(
        &mut self,
        room: RoomIx,
        removed: &[Removed],
        oldest_at: Option<Timestamp>,
    ) {
        let (age_max, now) = (self.rule_of(room).age_ms, self.now);
        let state = self.world.room_mut(room);
        state.trimming = false;
        state.bytes -= removed.iter().map(|it| it.bytes).sum::<u64>().min(state.bytes);
        let last = removed.last().map(|it| it.seq);
        state.first = last.map_or(state.first, |last| last + 1);
        state.oldest_at = match oldest_at {
            _ if state.first > state.head => None,
            // What is damaged has no age: look again well before the whole age has passed once more.
            None => state.oldest_at.max(age_max.map(|age_ms| now - (age_ms - age_ms / 16))),
            known => known,
        };
        if let Some(last) = last {
            self.lose_removed(room, removed);
            self.age_anew(room, last, oldest_at);
        }
    }

    /// What waits is not older than what the room still has.
    fn age_anew(&mut self, room: RoomIx, removed: u64, oldest_at: Option<Timestamp>) {
        let head = self.world.room(room).head;
        for member in &mut self.world.room_mut(room).members {
            // What a bot has in its hands waits for its receipt, wherever it stands.
            if member.window.first().is_some_and(|slot| slot.seq <= removed) {
                continue;
            }
            member.waiting_since = match member.waiting_since {
                Some(_) if removed >= head => None,
                since => since.map(|since| oldest_at.map_or(since, |at| at.max(since))),
            };
        }
    }

    /// Members that had not been handed the removed entries lose them.
    fn lose_removed(&mut self, room: RoomIx, removed: &[Removed]) {
        let Some(last) = removed.last().map(|it| it.seq) else { return };
        let mut losers: BTreeMap<(u64, u64), Vec<BotIx>> = BTreeMap::new();
        let mut readers = Vec::new();
        for at in 0..self.world.room(room).members.len() {
            let member = &mut self.world.rooms[room.0 as usize].members[at];
            // A reader may have met the hole already, before it was known here what had been in it.
            member.lose(0, last, Loss::Retention);
            for (after, to) in member.losses.tell_removed(last) {
                let range = DroppedRange { from: after + 1, to, reason: Loss::Retention };
                self.stats.dropped += member.others_in(range);
                losers.entry((after, to)).or_default().push(member.bot);
            }
            let (bot, reads) = (member.bot, member.reader.is_some());
            self.note_losses(room, bot);
            readers.extend(Some(bot).filter(|_| reads));
        }
        for bot in readers {
            self.pump(room, bot);
        }
        let notifications = losers.into_iter().map(|((after, to), bots)| {
            let about = About::lost(Loss::Retention, bots.into());
            RangeNotification { after, to, about }
        });
        self.tell_of_removed(room, notifications.collect(), removed);
    }
}
