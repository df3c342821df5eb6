//! What one bot will never get of a room, and who knows of it.
//!
//! Owns ranges of seqs after the bot's cursor, each with its reason and how much of it was given to the
//! store. A gap is told in its place in the log, and again on every connection, until something after
//! it was taken: then the bot has read of it.

use super::marks::Marks;
use crate::change::{DroppedRange, Loss};

/// Ranges remembered per member. Expired entries that alternate with others make more of them; those
/// beyond are only marked, so that they do not count as waiting, and told when the reader meets them.
const RANGES_MAX: usize = 128;

/// One range. Of what the retention removed nothing is given to the store, which knows: there the mark
/// says of how much the senders were told.
#[derive(Clone, Copy, Debug)]
struct Lost {
    range: DroppedRange,
    /// The last one that was given to the store; before the first one if none was.
    given: u64,
}

impl Lost {
    /// The part that was not given to the store, as `(after, to)`.
    fn rest(&self) -> Option<(u64, u64)> {
        (self.given < self.range.to).then_some((self.given, self.range.to))
    }

    fn has_to_be_given(&self) -> bool {
        self.range.reason != Loss::Retention && self.rest().is_some()
    }
}

/// Ranges after the cursor, in order.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    ranges: Vec<Lost>,
    /// Expired entries for which there was no range left.
    expired: Marks,
    /// So many entries are missing before the next one, and a reader that knows no `gap` has not
    /// been told.
    untold: u64,
}

impl Losses {
    /// Entries from `from` to `to` are lost; what was lost before stays what it was. Calls `each`
    /// with every new stretch.
    pub(crate) fn add(
        &mut self,
        mut from: u64,
        to: u64,
        reason: Loss,
        sent: u64,
        mut each: impl FnMut(DroppedRange),
    ) {
        while from <= to {
            let at = self.ranges.partition_point(|it| it.range.to < from);
            let next = self.ranges.get(at).map(|it| (it.range.from, it.range.to));
            if let Some((_, last)) = next.filter(|(first, _)| *first <= from) {
                from = last + 1;
                continue;
            }
            let end = next.map_or(to, |(first, _)| to.min(first - 1));
            let stretch = DroppedRange { from, to: end, reason };
            self.expired.clear(from, end);
            if !self.insert(at, stretch, sent) {
                return;
            }
            each(stretch);
            from = end + 1;
        }
    }

    /// A stretch that follows a range with the same reason is one with it, unless the reader has been
    /// told of that one. Returns whether there was space for it.
    fn insert(&mut self, mut at: usize, stretch: DroppedRange, sent: u64) -> bool {
        if let Some(before) = at.checked_sub(1).and_then(|before| self.ranges.get_mut(before))
            && before.range.to + 1 == stretch.from
            && before.range.reason == stretch.reason
            && before.range.from > sent
        {
            before.range.to = stretch.to;
            return true;
        }
        if stretch.reason == Loss::Expired && self.ranges.len() >= RANGES_MAX {
            self.join();
            if self.ranges.len() >= RANGES_MAX {
                (stretch.from..=stretch.to).for_each(|seq| self.expired.set(seq));
                return false;
            }
            at = self.ranges.partition_point(|it| it.range.to < stretch.from);
        }
        self.ranges.insert(at, Lost { range: stretch, given: stretch.from - 1 });
        true
    }

    /// Makes one of neighbours of which the same is known.
    fn join(&mut self) {
        self.ranges.dedup_by(|next, before| {
            let is_one = before.range.to + 1 == next.range.from
                && before.range.reason == next.range.reason
                && before.rest().is_none()
                && next.rest().is_none();
            if is_one {
                (before.range.to, before.given) = (next.range.to, next.given);
            }
            is_one
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether something of it must be given to the store before the reader is told.
    pub(crate) fn has_to_be_given(&self) -> bool {
        self.ranges.iter().any(Lost::has_to_be_given)
    }

    /// Gives to the store what it has not got: every range that grew, and what is new about it as
    /// `(after, to)`.
    pub(crate) fn give(&mut self) -> Vec<(DroppedRange, (u64, u64))> {
        let mut given = Vec::new();
        for it in self.ranges.iter_mut().filter(|it| it.has_to_be_given()) {
            given.push((it.range, (it.given, it.range.to)));
            it.given = it.range.to;
        }
        given
    }

    /// The store did not take that.
    pub(crate) fn take_back(&mut self, after: u64, to: u64) {
        for it in self.ranges.iter_mut().filter(|it| it.range.from <= to && it.range.to > after) {
            it.given = it.given.min(after.max(it.range.from - 1));
        }
    }

    /// That is known wherever it has to be. Where it follows something that is not, it is given with
    /// that.
    pub(crate) fn mark_given(&mut self, from: u64, to: u64) {
        let meant = |it: &&mut Lost| it.range.from <= to && from <= it.range.to;
        for it in self.ranges.iter_mut().filter(meant).filter(|it| it.given + 1 >= from) {
            it.given = it.given.max(to.min(it.range.to));
        }
    }

    /// What the retention removed up to `to` and no sender has been told of, as `(after, to)`; they are
    /// told now.
    pub(crate) fn tell_removed(&mut self, to: u64) -> Vec<(u64, u64)> {
        let mut news = Vec::new();
        for it in self.ranges.iter_mut().filter(|it| it.range.reason == Loss::Retention) {
            let end = it.range.to.min(to);
            if it.given < end {
                news.push((it.given, end));
                it.given = end;
            }
        }
        news
    }

    /// Whether all entries from `from` to `to` are in ranges.
    pub(crate) fn cover(&self, from: u64, to: u64) -> bool {
        self.kept_between(from - 1, to).is_empty()
    }

    pub(crate) fn why(&self, seq: u64) -> Option<Loss> {
        let at = self.ranges.partition_point(|it| it.range.to < seq);
        let it = self.ranges.get(at).filter(|it| it.range.from <= seq);
        it.map(|it| it.range.reason)
    }

    /// The range that comes right after `sent`, with those that go on from it for the same reason.
    pub(crate) fn next(&self, sent: u64) -> Option<DroppedRange> {
        let at = self.ranges.partition_point(|it| it.range.to <= sent);
        let (first, rest) = self.ranges.get(at..)?.split_first()?;
        let mut whole = first.range;
        for it in rest {
            if it.range.from != whole.to + 1 || it.range.reason != whole.reason {
                break;
            }
            whole.to = it.range.to;
        }
        (whole.from <= sent + 1).then_some(whole)
    }

    /// Where the first range begins that a bot which took `taken` cannot have read of.
    pub(crate) fn unread_from(&self, taken: u64) -> Option<u64> {
        self.ranges.iter().find(|it| it.range.to > taken).map(|it| it.range.from)
    }

    /// The stretches `(after, to)` between `after` and `to` that are not lost.
    pub(crate) fn kept_between(&self, mut after: u64, to: u64) -> Vec<(u64, u64)> {
        let mut kept = Vec::new();
        for it in self.ranges.iter().take_while(|it| it.range.from <= to) {
            kept.push((after, it.range.from - 1));
            after = after.max(it.range.to);
        }
        kept.push((after, to));
        kept.retain(|(after, to)| after < to);
        kept
    }

    /// The ranges, as far as they lie after `sent`.
    pub(crate) fn after(&self, sent: u64) -> impl Iterator<Item = DroppedRange> {
        let at = self.ranges.partition_point(|it| it.range.to <= sent);
        let cut = move |it: &Lost| DroppedRange { from: it.range.from.max(sent + 1), ..it.range };
        self.ranges[at..].iter().map(cut)
    }

    /// Entries from `from` to `to` that have expired and are in no range.
    pub(crate) fn expired_between(&self, from: u64, to: u64) -> impl Iterator<Item = u64> {
        self.expired.between(from, to)
    }

    pub(crate) fn count_expired(&self, from: u64, to: u64) -> u64 {
        self.expired.count(from, to)
    }

    /// The cursor is at `cursor`.
    pub(crate) fn forget_through(&mut self, cursor: u64) {
        self.expired.forget_through(cursor);
        self.ranges.retain(|it| it.range.to > cursor);
        if let Some(first) = self.ranges.first_mut() {
            first.range.from = first.range.from.max(cursor + 1);
            first.given = first.given.max(first.range.from - 1);
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

/// The stretches `(after, to)` from `from` to `to` without the entries that were taken ahead, which are in
/// order.
pub(crate) fn kept(taken_ahead: &[u64], from: u64, to: u64) -> Vec<(u64, u64)> {
    let (mut stretches, mut after) = (Vec::new(), from.saturating_sub(1));
    let first = taken_ahead.partition_point(|&seq| seq < from);
    for &seq in taken_ahead[first..].iter().take_while(|&&seq| seq <= to) {
        stretches.push((after, seq - 1));
        after = seq;
    }
    stretches.push((after, to));
    stretches.retain(|(after, to)| after < to);
    stretches
}

#[cfg(test)]
mod tests;
