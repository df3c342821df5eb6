//! What is in a room's log.
//!
//! Owns its head, its beginning, its size, and which members lose what the retention removed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bot_protocol::time::Timestamp;

use super::Effect;
use crate::change::{DroppedRange, Loss, Outcome};
use crate::entry::{Draft, Entry};
use crate::index::{BotIx, Named, RoomIx};
use crate::world::World;

/// What the retention took from members that had not been handed it.
#[derive(Debug, Default)]
pub(crate) struct Losers {
    /// Of each stretch `(after, to)`.
    pub(crate) of: BTreeMap<(u64, u64), Vec<BotIx>>,
    /// How many entries of others that are.
    pub(crate) count: u64,
}

impl World {
    #[inline]
    pub(super) fn append(&mut self, draft: Arc<Draft>, named: Named, outcome: &Outcome) -> Effect {
        let (room, from) = self.named(named, &draft.room, &draft.from);
        match *outcome {
            Outcome::Appended { seq } => self.appended(room, from, Entry { seq, draft }),
            Outcome::Duplicate { seq, sent_at: first_at } => {
                Effect::Repeated { room, from, entry: Entry { seq, draft }, first_at }
            }
            _ => Effect::NotThere(draft),
        }
    }

    #[inline]
    fn appended(&mut self, room: RoomIx, from: BotIx, entry: Entry) -> Effect {
        self.room_is_there(room);
        let state = self.room_mut(room);
        if entry.seq <= state.head {
            // It was told before: whoever asks for it finds it, and no reader gets it twice.
            let first_at = entry.draft.sent_at;
            return Effect::Repeated { room, from, entry, first_at };
        }
        let is_next = entry.seq == state.head + 1;
        state.head = entry.seq;
        state.bytes += entry.draft.size() as u64;
        state.oldest_at.get_or_insert(entry.draft.sent_at);
        self.expiries.add(room, &entry, from);
        self.expiries.forget_gone(|room| self.rooms.has(room));
        Effect::Appended { room, from, entry, is_next }
    }

    pub(super) fn was_said(&self, draft: Arc<Draft>, named: Named, outcome: &Outcome) -> Effect {
        match (outcome, self.room_ix(&draft.room), named.bot.or_else(|| self.bot_ix(&draft.from))) {
            (&Outcome::Duplicate { seq, sent_at: first_at }, Some(room), Some(from)) => {
                Effect::Repeated { room, from, entry: Entry { seq, draft }, first_at }
            }
            _ => Effect::NotThere(draft),
        }
    }

    /// What an entry said takes no more space. Returns whether the store has taken it out.
    pub(super) fn redacted(&mut self, room: RoomIx, outcome: &Outcome) -> bool {
        let &Outcome::Redacted { bytes } = outcome else { return false };
        let state = self.room_mut(room);
        state.bytes -= bytes.min(state.bytes);
        true
    }

    /// The store removed entries, or found that there are none to remove. `aged` is the age that the rule
    /// allows, and the time by which it was measured.
    pub(super) fn trimmed(
        &mut self,
        room: RoomIx,
        aged: Option<(u64, Timestamp)>,
        outcome: Outcome,
    ) -> Effect {
        let Outcome::Trimmed { removed, more, oldest_at } = outcome else {
            return Effect::Nothing;
        };
        let state = self.room_mut(room);
        state.bytes -= removed.iter().map(|it| it.bytes).sum::<u64>().min(state.bytes);
        let last = removed.last().map(|it| it.seq);
        state.first = last.map_or(state.first, |last| state.first.max(last + 1));
        state.oldest_at = match oldest_at {
            _ if state.first > state.head => None,
            // What is damaged has no age: look again well before the whole age has passed once more.
            None => state.oldest_at.max(aged.map(|(age_ms, now)| now - (age_ms - age_ms / 16))),
            known => known,
        };
        let mut losers = Losers::default();
        if let Some(last) = last {
            losers = self.lose_removed(room, last);
            self.age_anew(room, last, oldest_at);
        }
        Effect::Trimmed { room, removed, losers, more }
    }

    /// Members that had not been handed the removed entries lose them.
    fn lose_removed(&mut self, room: RoomIx, last: u64) -> Losers {
        let mut losers = Losers::default();
        for member in &mut self.room_mut(room).members {
            // A reader may have met the hole already, before it was known here what had been in it.
            member.lose(0, last, Loss::Retention);
            for (after, to) in member.losses.tell_removed(last) {
                let range = DroppedRange { from: after + 1, to, reason: Loss::Retention };
                losers.count += member.others_in(range);
                losers.of.entry((after, to)).or_default().push(member.bot);
            }
        }
        losers
    }

    /// What waits is not older than what the room still has.
    fn age_anew(&mut self, room: RoomIx, removed: u64, oldest_at: Option<Timestamp>) {
        let head = self.room(room).head;
        for member in &mut self.room_mut(room).members {
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
}
