//! What is not kept for ever, and who is told.
//!
//! Owns the two ways in which an entry can be lost to a reader: the room's retention, and the bound on
//! what is kept for an absent bot. **Invariant:** whatever is dropped is announced to the reader (by
//! `gap` or `lost`), to the sender (by a receipt or `ack.dropped`), and to `status`.

use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::server::GapReason;
use bot_protocol::receipt::ReceiptState;
use smol_str::SmolStr;

use crate::change::{Change, Removed};
use crate::facts::News;
use crate::hub::Hub;
use crate::notice::Notice;
use crate::pending::Pending;
use crate::settings::TRIM_ENTRIES_MAX;
use crate::world::{BotIx, RoomIx};

impl Hub {
    /// Keeps the newest `limit` entries of others for an absent bot. Returns how many it dropped just
    /// now, and what to tell their senders.
    pub(crate) fn limit_buffer(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        head: u64,
        limit: u64,
    ) -> Option<(u64, Notice)> {
        let member = self.world.member(room, bot)?;
        let (after, to) = (member.lost_through(), member.cut(head, limit));
        let lost = self.lose(room, bot, after + 1, to, GapReason::BufferLimit);
        self.stats.dropped += lost;
        let (state, reason) = (ReceiptState::Dropped, Some("buffer_per_bot_per_room"));
        (lost > 0).then_some((lost, Notice { bot, after, to, state, reason }))
    }

    /// What a room keeps now. By age nothing is removed while the clock cannot be trusted.
    fn rule_of(&self, room: RoomIx) -> Retention {
        let rule = self.world.room(room).retain.unwrap_or(self.settings.retention);
        match &self.age_waits {
            Some(_) => Retention { age_ms: None, ..rule },
            None => rule,
        }
    }

    /// Looks for rooms that keep more than they should.
    pub(crate) fn sweep_retention(&mut self) {
        for room in self.world.known_rooms().collect::<Vec<_>>() {
            self.trim(room);
        }
    }

    /// A room that fills faster than it is looked at is trimmed at once: its bounds hold to an eighth
    /// and one step.
    pub(crate) fn trim_overfull(&mut self, room: RoomIx) {
        let retain = self.rule_of(room);
        let state = self.world.room(room);
        let kept = (state.head + 1).saturating_sub(state.first);
        let step = u64::from(TRIM_ENTRIES_MAX);
        let is_over =
            |count, max: Option<u64>, step| max.is_some_and(|it| count > it + it / 8 + step);
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

    pub(crate) fn trimmed(&mut self, room: RoomIx, removed: &[Removed], more: bool) {
        let age_max = self.rule_of(room).age_ms;
        let now = self.now;
        let state = self.world.room_mut(room);
        state.trimming = false;
        state.bytes -= removed.iter().map(|it| it.bytes).sum::<u64>().min(state.bytes);
        if let Some(last) = removed.last() {
            state.first = last.seq + 1;
            for bot in state.members.iter().map(|member| member.bot).collect::<Vec<_>>() {
                self.lose_removed(room, bot, removed);
            }
        }
        if more {
            return self.trim(room);
        }
        let state = self.world.room_mut(room);
        if state.first > state.head {
            state.oldest_at = None;
        } else if let Some(age_ms) = age_max {
            // How old the oldest one is now, only the store knows: look again well before the whole
            // age has passed once more.
            state.oldest_at = state.oldest_at.max(Some(now - (age_ms - age_ms / 16)));
        }
    }

    /// A member that had not been handed the removed entries loses them.
    fn lose_removed(&mut self, room: RoomIx, bot: BotIx, removed: &[Removed]) {
        let Some(member) = self.world.member(room, bot) else { return };
        let own = self.bot_id(bot);
        // A reader may have met the hole already, before it was known here what had been in it.
        let gone = |seq| match member.losses.why(seq) {
            Some(reason) => reason == GapReason::Retention,
            None => seq > member.sent() && !member.is_taken_ahead(seq),
        };
        let lost = removed.iter().filter(|it| it.from != *own && gone(it.seq));
        let lost: Vec<&Removed> = lost.collect();
        let Some(last) = lost.last() else { return };
        self.lose(room, bot, 0, last.seq, GapReason::Retention);
        self.stats.dropped += lost.len() as u64;
        let news = lost.into_iter().map(|it| News {
            sender: self.world.intern_bot(&it.from),
            room,
            id: it.id.clone(),
            bot,
            state: ReceiptState::Dropped,
            at: self.now,
            reason: Some(SmolStr::new_static("retention")),
            reply: None,
        });
        let news = news.collect();
        self.tell_when_stored(room, news, Vec::new());
    }
}
