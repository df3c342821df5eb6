//! Rules that all backends apply in the same way.
//!
//! Owns what retention removes, how marks are merged, and which epoch a room has. Never touches a medium.

use bot_protocol::frame::operator::Retention;
use bot_protocol::id::Epoch;
use bot_protocol::time::Timestamp;

/// Marks within this time are merged. A receipt's time is then late by at most this much, and never early.
/// In exchange, a busy reader costs ten rows a second instead of one per entry.
pub(crate) const MARK_RUN_MS: u64 = 100;

/// A range of a room's log that one bot's mark passed within [`MARK_RUN_MS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The first entry.
    pub(crate) start: u64,
    /// The last entry.
    pub(crate) upto: u64,
    /// When the mark reached the last entry.
    pub(crate) at: Timestamp,
    /// When the run began, while it may still grow.
    pub(crate) opened: Option<Timestamp>,
}

impl Run {
    /// The run that follows `before` when the mark moves to `upto`. It does not cover entries up to
    /// `floor`.
    pub(crate) fn after(before: Option<&Self>, floor: u64, upto: u64, at: Timestamp) -> Self {
        let start = before.map_or(0, |run| run.upto).max(floor) + 1;
        Self { start, upto, at, opened: Some(at) }
    }

    /// Extends the run to the mark, if the mark follows soon enough and without a gap.
    pub(crate) fn absorb(&mut self, floor: u64, upto: u64, at: Timestamp) -> bool {
        let soon = self.opened.is_some_and(|opened| at.since(opened) < MARK_RUN_MS);
        let grows = soon && self.upto >= floor;
        if grows {
            self.upto = upto;
            self.at = self.at.max(at);
        }
        grows
    }
}

/// How many rooms were made in a store, and when the first one was removed. Rooms are numbered in the order in
/// which they are made, and no number is given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The highest number when the first room was removed, if one was.
    pub(crate) before: Option<u64>,
    /// The highest number of all that were removed or there at a removal.
    pub(crate) highest: u64,
}

impl Numbers {
    /// The same after a room was removed, when the highest number in the store was that.
    pub(crate) fn after_removal(self, highest: u64) -> Self {
        let highest = self.highest.max(highest);
        Self { before: self.before.or(Some(highest)), highest }
    }

    /// The epoch of a room. Before the first removal no name had two rooms, so these rooms have the epoch of
    /// the store, as ever. Any later one may have the name of an earlier room, and has an epoch that no other
    /// room has: the multiplier is odd, so different numbers never give the same. A restored store has
    /// another epoch, and so have all its rooms.
    pub(crate) fn epoch_of(self, number: u64, store: Epoch) -> Epoch {
        match self.before {
            Some(before) if number > before => {
                Epoch(store.0.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).max(1))
            }
            _ => store,
        }
    }
}

/// How much a room holds when retention examines its oldest entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// Entries.
    pub(crate) entries: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// Whether the rule removes the oldest entry, which was sent at `sent_at`.
pub(crate) fn removes(rule: &Retention, kept: Kept, sent_at: Timestamp, now: Timestamp) -> bool {
    rule.entries.is_some_and(|max| kept.entries > max)
        || rule.bytes.is_some_and(|max| kept.bytes > max)
        || rule.age_ms.is_some_and(|max| now.since(sent_at) > max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_grows_for_a_tenth_of_a_second() {
        let mut run = Run::after(None, 4, 6, Timestamp(1_000));
        assert_eq!((run.start, run.upto), (5, 6));
        assert!(run.absorb(4, 7, Timestamp(1_099)));
        assert!(!run.absorb(8, 9, Timestamp(1_099)), "8 was passed in another way");
        assert!(!run.absorb(4, 8, Timestamp(1_100)));
        assert_eq!((run.upto, run.at), (7, Timestamp(1_099)));
        let next = Run::after(Some(&run), 4, 8, Timestamp(1_100));
        assert_eq!((next.start, next.upto), (8, 8));
    }

    #[test]
    fn rooms_made_after_the_first_removal_have_epochs_of_their_own() {
        let store = Epoch(7);
        let none = Numbers::default();
        assert_eq!((none.epoch_of(1, store), none.epoch_of(900, store)), (store, store));
        let once = none.after_removal(3);
        let twice = once.after_removal(9);
        assert_eq!(twice, Numbers { before: Some(3), highest: 9 });
        assert_eq!(once.epoch_of(3, store), store);
        let mut epochs: Vec<Epoch> = (3..5_000).map(|it| twice.epoch_of(it, store)).collect();
        epochs.sort_unstable();
        epochs.dedup();
        assert_eq!(epochs.len(), 4_997);
        assert!(epochs.iter().all(|it| *it != twice.epoch_of(6_000, Epoch(8))));
    }

    #[test]
    fn a_rule_without_bounds_keeps_everything() {
        let rule = Retention { age_ms: None, entries: None, bytes: None };
        let kept = Kept { entries: u64::MAX, bytes: u64::MAX };
        assert!(!removes(&rule, kept, Timestamp(0), Timestamp(u64::MAX)));
    }
}
