//! Rules that all backends apply in the same way.
//!
//! Owns what retention removes and how marks are merged. Never touches a medium.

use bot_protocol::frame::operator::Retention;
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
    fn a_rule_without_bounds_keeps_everything() {
        let rule = Retention { age_ms: None, entries: None, bytes: None };
        let kept = Kept { entries: u64::MAX, bytes: u64::MAX };
        assert!(!removes(&rule, kept, Timestamp(0), Timestamp(u64::MAX)));
    }
}
