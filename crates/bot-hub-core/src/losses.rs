//! What one bot will never get of a room, and whether it has been told.
//!
//! Owns ranges of seqs after the bot's cursor, each with its reason. A gap is told in its place in the
//! log, and again on every connection, until something after it was taken: then the bot has read of
//! it.

use bot_protocol::frame::server::GapReason;

use crate::change::DroppedRange;

/// Ranges after the cursor, in order, none of them touching another.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    ranges: Vec<DroppedRange>,
    /// So many entries are missing before the next one, and a reader that knows no `gap` has not
    /// been told.
    untold: u64,
}

impl Losses {
    /// Entries from `from` to `to` are lost; what was lost before stays what it was. Calls `each`
    /// with every new stretch and the range that it makes or becomes part of.
    pub(crate) fn add(
        &mut self,
        mut from: u64,
        to: u64,
        reason: GapReason,
        sent: u64,
        mut each: impl FnMut(DroppedRange, DroppedRange),
    ) {
        while from <= to {
            let at = self.ranges.partition_point(|range| range.to < from);
            let next = self.ranges.get(at).map(|range| (range.from, range.to));
            if let Some((_, last)) = next.filter(|(first, _)| *first <= from) {
                from = last + 1;
                continue;
            }
            let end = next.map_or(to, |(first, _)| to.min(first - 1));
            let stretch = DroppedRange { from, to: end, reason };
            each(stretch, self.insert(at, stretch, sent));
            from = end + 1;
        }
    }

    /// A stretch that follows a range with the same reason is one with it, unless the reader has been
    /// told of that one.
    fn insert(&mut self, at: usize, stretch: DroppedRange, sent: u64) -> DroppedRange {
        if let Some(before) = at.checked_sub(1).and_then(|before| self.ranges.get_mut(before))
            && before.to + 1 == stretch.from
            && before.reason == stretch.reason
            && before.from > sent
        {
            before.to = stretch.to;
            return *before;
        }
        self.ranges.insert(at, stretch);
        stretch
    }

    /// The last of all.
    pub(crate) fn through(&self) -> Option<u64> {
        self.ranges.last().map(|range| range.to)
    }

    pub(crate) fn why(&self, seq: u64) -> Option<GapReason> {
        let range = self.ranges.iter().find(|range| (range.from..=range.to).contains(&seq));
        range.map(|range| range.reason)
    }

    /// The range that comes right after `sent`.
    pub(crate) fn next(&self, sent: u64) -> Option<DroppedRange> {
        let next = self.ranges.iter().find(|range| range.to > sent);
        next.filter(|range| range.from <= sent + 1).copied()
    }

    /// Where the first range begins that a bot which took `taken` cannot have read of.
    pub(crate) fn unread_from(&self, taken: u64) -> Option<u64> {
        self.ranges.iter().find(|range| range.to > taken).map(|range| range.from)
    }

    /// The stretches `(after, to)` between `after` and `to` that are not lost.
    pub(crate) fn kept_between(&self, mut after: u64, to: u64) -> Vec<(u64, u64)> {
        let mut kept = Vec::new();
        for range in self.ranges.iter().take_while(|range| range.from <= to) {
            kept.push((after, range.from - 1));
            after = range.to;
        }
        kept.push((after, to));
        kept.retain(|(after, to)| after < to);
        kept
    }

    /// The ranges, as far as they lie after `sent`.
    pub(crate) fn after(&self, sent: u64) -> impl Iterator<Item = DroppedRange> {
        let cut =
            move |range: &DroppedRange| DroppedRange { from: range.from.max(sent + 1), ..*range };
        self.ranges.iter().filter(move |range| range.to > sent).map(cut)
    }

    /// The cursor is at `cursor`.
    pub(crate) fn forget_through(&mut self, cursor: u64) {
        self.ranges.retain(|range| range.to > cursor);
        if let Some(first) = self.ranges.first_mut() {
            first.from = first.from.max(cursor + 1);
        }
    }

    /// The next entry has to say that so many are missing before it.
    pub(crate) fn owe(&mut self, lost: u64) {
        self.untold += lost;
    }

    pub(crate) fn owes(&self) -> bool {
        self.untold > 0
    }

    /// What the next entry has to say.
    pub(crate) fn pay(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.untold)).filter(|&lost| lost > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: u64, to: u64) -> DroppedRange {
        DroppedRange { from, to, reason: GapReason::BufferLimit }
    }

    /// Adds a loss to a reader that was told everything up to `sent`; returns the ranges it changed.
    fn add(losses: &mut Losses, from: u64, to: u64, sent: u64) -> Vec<DroppedRange> {
        let mut ranges = Vec::new();
        losses.add(from, to, GapReason::BufferLimit, sent, |_, range| ranges.push(range));
        ranges
    }

    #[test]
    fn a_range_grows_until_the_reader_is_told() {
        let mut losses = Losses::default();
        assert_eq!(add(&mut losses, 4, 5, 3), [range(4, 5)]);
        assert_eq!(add(&mut losses, 4, 6, 3), [range(4, 6)]);
        assert_eq!(losses.next(3), Some(range(4, 6)));
        assert_eq!(add(&mut losses, 7, 8, 6), [range(7, 8)]);
        assert_eq!(losses.next(6), Some(range(7, 8)));
        assert_eq!(losses.next(8), None);
        assert_eq!(losses.next(2), None, "entry 3 comes first");
    }

    #[test]
    fn a_range_that_was_told_to_its_end_does_not_grow() {
        let mut losses = Losses::default();
        assert_eq!(add(&mut losses, 4, 4, 3), [range(4, 4)]);
        assert_eq!(add(&mut losses, 5, 6, 4), [range(5, 6)]);
        assert_eq!(losses.next(4), Some(range(5, 6)));
    }

    #[test]
    fn only_what_lies_behind_a_place_is_still_to_come() {
        let mut losses = Losses::default();
        add(&mut losses, 2, 3, 0);
        add(&mut losses, 6, 8, 0);
        let after = |losses: &Losses, sent| losses.after(sent).collect::<Vec<_>>();
        assert_eq!(after(&losses, 1), [range(2, 3), range(6, 8)]);
        assert_eq!(after(&losses, 2), [range(3, 3), range(6, 8)]);
        assert_eq!(after(&losses, 3), [range(6, 8)]);
        assert_eq!(after(&losses, 6), [range(7, 8)]);
        losses.forget_through(3);
        assert_eq!(after(&losses, 0), [range(6, 8)]);
        losses.forget_through(8);
        assert_eq!((losses.through(), after(&losses, 0)), (None, vec![]));
    }

    #[test]
    fn what_was_lost_before_keeps_its_reason() {
        let mut losses = Losses::default();
        losses.add(4, 5, GapReason::Dead, 0, |_, _| {});
        assert_eq!(add(&mut losses, 1, 8, 0), [range(1, 3), range(6, 8)]);
        assert_eq!(losses.why(4), Some(GapReason::Dead));
        assert_eq!(losses.why(9), None);
        assert_eq!(losses.kept_between(0, 10), [(8, 10)]);
    }

    #[test]
    fn the_cursor_forgets_what_it_has_passed() {
        let mut losses = Losses::default();
        add(&mut losses, 2, 3, 0);
        add(&mut losses, 6, 8, 0);
        assert_eq!(losses.kept_between(0, 7), [(0, 1), (3, 5)]);
        assert_eq!(losses.unread_from(4), Some(6));
        losses.forget_through(6);
        assert_eq!(losses.after(0).collect::<Vec<_>>(), [range(7, 8)]);
        assert_eq!(losses.unread_from(8), None);
    }
}
