//! What is not kept for ever, and who is told.
//!
//! Owns the two ways in which an entry can be lost to a reader: the room's retention, and the bound on
//! what is kept for an absent bot. **Invariant:** whatever is dropped is announced to the reader (by
//! `gap` or `lost`), to the sender (by a receipt or `ack.dropped`), and to `status`.

use bot_protocol::frame::server::GapReason;
use bot_protocol::receipt::ReceiptState;

use crate::ask::Ask;
use crate::change::{Change, Query, Removed, Span};
use crate::hub::Hub;
use crate::pending::Pending;
use crate::settings::{PAGE_BYTES_MAX, TRIM_ENTRIES_MAX};
use crate::world::{BotIx, RoomIx};

impl Hub {
    /// Keeps the newest `limit` entries for an absent bot. Returns how many it dropped just now.
    pub(crate) fn limit_buffer(&mut self, room: RoomIx, bot: BotIx, head: u64, limit: u64) -> u64 {
        let Some(member) = self.world.member_mut(room, bot) else { return 0 };
        let known = member.dropped.map_or(member.cursor(), |range| range.to.max(member.cursor()));
        let to = head.saturating_sub(limit);
        let Some(range) = member.drop_through(to, GapReason::BufferLimit) else { return 0 };
        let lost = to - known;
        self.stats.dropped += lost;
        self.record_drop(room, bot, range);
        self.look_up_dropped(room, bot, known, to);
        lost
    }

    /// Fetches what was dropped, if any of its senders may want to hear of it.
    fn look_up_dropped(&mut self, room: RoomIx, bot: BotIx, after: u64, to: u64) {
        let wants = |member: &crate::member::Member| {
            let sender = self.world.bot(member.bot);
            let mut conns = sender.conn.iter().chain(&sender.sides);
            conns.any(|conn| self.conn(*conn).is_some_and(|state| state.caps.receipts))
        };
        if !self.world.room(room).members.iter().any(wants) {
            return;
        }
        let query = Query::Page {
            room: self.room_name(room),
            span: Span::After(after),
            entries_max: u32::try_from(to - after).unwrap_or(u32::MAX),
            bytes_max: PAGE_BYTES_MAX,
        };
        self.ask(query, Ask::Dropped { room, bot, to, reason: "buffer_per_bot_per_room" });
    }

    /// Looks for rooms that keep more than they should.
    pub(crate) fn sweep_retention(&mut self) {
        for room in (0_u32..).map(RoomIx).take(self.world.rooms.len()) {
            self.trim(room);
        }
    }

    /// Removes a step's worth of what the room's rule no longer keeps.
    pub(crate) fn trim(&mut self, room: RoomIx) {
        let state = self.world.room(room);
        let retain = state.retain.unwrap_or(self.settings.retention);
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
        let age_max = self.world.room(room).retain.unwrap_or(self.settings.retention).age_ms;
        let now = self.now;
        let state = self.world.room_mut(room);
        state.trimming = false;
        state.bytes -= removed.iter().map(|it| it.bytes).sum::<u64>().min(state.bytes);
        if let Some(last) = removed.last() {
            state.first = last.seq + 1;
            for bot in state.members.iter().map(|member| member.bot).collect::<Vec<_>>() {
                self.drop_removed(room, bot, removed);
            }
        }
        if more {
            return self.trim(room);
        }
        // How old the oldest one is now, only the store knows: look again well before the whole age
        // has passed once more.
        let state = self.world.room_mut(room);
        state.oldest_at = age_max.map(|age_ms| now - (age_ms - age_ms / 16));
    }

    /// A member that had not been handed the removed entries loses them.
    fn drop_removed(&mut self, room: RoomIx, bot: BotIx, removed: &[Removed]) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let known = member.dropped.map_or(member.sent(), |range| range.to.max(member.sent()));
        let own = self.bot_id(bot).clone();
        let lost: Vec<&Removed> =
            removed.iter().filter(|it| it.seq > known && it.from != own).collect();
        let Some(last) = lost.last() else { return };
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let Some(range) = member.drop_through(last.seq, GapReason::Retention) else { return };
        self.stats.dropped += lost.len() as u64;
        self.record_drop(room, bot, range);
        for it in lost {
            let sender = self.world.intern_bot(&it.from);
            let state = ReceiptState::Dropped;
            self.notify(sender, room, &it.id, bot, state, Some("retention"), None);
        }
    }
}
