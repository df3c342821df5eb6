//! The newest entries of a room: who said them, when, and in which conversation.
//!
//! Owns what of an entry may be a cause. Knows no text.

use std::collections::VecDeque;
use std::hash::Hasher;

use bot_protocol::time::Timestamp;
use rustc_hash::FxHasher;

use super::rules::ConversationId;
use crate::index::BotIx;

/// So many entries are remembered. An answer to an older one counts as an answer to nothing known.
pub(super) const ENTRIES_MAX: usize = 256;

/// What an entry is to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Bot,
    Person,
    /// Its sender wants no answer: it is a cause only to who names it.
    Notice,
    /// Its sender reads nothing, and is part of no loop: it is a cause only to who names it.
    PostOnly,
}

impl Kind {
    /// Whether it is one for those who do not name it.
    pub(super) fn is_cause(self) -> bool {
        matches!(self, Self::Bot | Self::Person)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slot {
    pub(super) at: Timestamp,
    pub(super) conversation: ConversationId,
    pub(super) from: BotIx,
    /// From its id; two entries may share it.
    pub(super) id: u32,
    /// Answers between the beginning of its conversation and it.
    pub(super) hops: u16,
    pub(super) kind: Kind,
}

/// **Bound:** [`ENTRIES_MAX`] slots.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Log {
    /// The number of the first one.
    pub(super) first: u64,
    pub(super) slots: VecDeque<Slot>,
}

impl Log {
    /// Takes the next entry. If others are missing before it, what came before them is forgotten.
    pub(super) fn push(&mut self, seq: u64, slot: Slot) {
        if seq != self.end() {
            self.slots.clear();
        }
        if self.slots.len() == ENTRIES_MAX {
            self.slots.pop_front();
        }
        self.slots.push_back(slot);
        self.first = seq + 1 - self.slots.len() as u64;
    }

    fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)
    }

    /// The newest entry with that id.
    pub(super) fn by_id(&self, id: u32) -> Option<u64> {
        let at = self.slots.iter().rposition(|slot| slot.id == id)?;
        Some(self.first + at as u64)
    }

    /// Entries after the first number up to the second one, oldest first.
    pub(super) fn between(
        &self,
        after: u64,
        to: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, &Slot)> {
        let place = |seq: u64| seq.saturating_sub(self.first).min(self.slots.len() as u64) as usize;
        let (from, end) = (place(after + 1), place(to.saturating_add(1)));
        let first = self.first;
        let slots = self.slots.range(from..end.max(from)).enumerate();
        slots.map(move |(at, slot)| (first + (from + at) as u64, slot))
    }
}

/// 32 bits of an id: enough to tell 256 of them apart, and no more than naming another one is worth.
pub(super) fn id_of(id: &str) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(id.as_bytes());
    (hasher.finish() >> 32) as u32
}
