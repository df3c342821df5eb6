//! What a member loses with the end of its membership.
//!
//! Owns what was dropped by a change that is on its way to the store, until that is known.

use super::Member;
use crate::change::DroppedRange;
use crate::world::losses::kept;

/// Stretches `(after, to)` of a log.
type Stretches = Vec<(u64, u64)>;

/// What a member loses by a change that is on its way to the store. Receipts that the member
/// sends before that change is stored do not alter this.
#[derive(Debug)]
pub(super) struct Parting {
    stretches: Vec<Parted>,
    /// The head when that was noted.
    head: u64,
}

/// A stretch that a member loses with what it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parted {
    after: u64,
    /// Without an end while it is on its way to the store: the log may have more by then than is known here.
    to: u64,
    /// How many entries of others are in it, up to the head that was known.
    others: u64,
}

impl Member {
    /// The stretches `(after, to)` up to `to` that were neither received nor lost.
    pub(crate) fn not_received(&self, to: u64) -> Vec<(u64, u64)> {
        let taken = self.received_out_of_turn();
        if taken.is_empty() && self.losses.is_empty() {
            // Mostly so, and then it needs no lists.
            return if self.cursor < to { vec![(self.cursor, to)] } else { Vec::new() };
        }
        let of = |(after, to)| kept(&taken, after + 1, to);
        self.losses.kept_between(self.cursor, to).into_iter().flat_map(of).collect()
    }

    /// What was received though something before it was not, in order.
    pub(crate) fn received_out_of_turn(&self) -> Vec<u64> {
        let mut taken: Vec<u64> =
            self.ahead.seqs().iter().copied().chain(self.window.taken()).collect();
        taken.sort_unstable();
        taken
    }

    /// Everything that it has not received by now is dropped by a change that is on its way to the store.
    /// Returns that, without an end.
    pub(crate) fn part(&mut self, head: u64) -> Stretches {
        self.settle_buffer();
        let stretches = self.not_received(u64::MAX);
        let parted = stretches.iter().map(|&(after, to)| {
            let others = self.others_of(&between(&[(after, to)], 0, head));
            Parted { after, to, others }
        });
        let parting = Parting { stretches: parted.collect(), head };
        self.partings.push_back(parting);
        stretches
    }

    /// The store has dropped that, and what the member reads ends in the same batch. How much it is was
    /// counted when this brain asked for it.
    pub(crate) fn part_with(&mut self, range: DroppedRange) {
        let (after, to) = (range.from.saturating_sub(1), range.to);
        let same = |it: &&Parted| it.after == after;
        let asked = self.partings.front();
        let asked = asked.and_then(|it| Some((it.stretches.iter().find(same)?.others, it.head)));
        let (known, since) = asked.unwrap_or((0, after.max(self.since)));
        let others = known + self.others_of(&between(&[(after, to)], since, to));
        self.parted.push(Parted { after: after.max(self.since), to, others });
    }

    /// What it loses with what it reads, up to `head`, and how many entries of others that is.
    pub(crate) fn parts_with(&self, head: u64) -> (Stretches, u64) {
        if !self.parted.is_empty() {
            let others = self.parted.iter().map(|it| it.others).sum();
            return (self.parted.iter().map(|it| (it.after, it.to)).collect(), others);
        }
        match self.partings.front() {
            Some(it) => {
                let known: u64 = it.stretches.iter().map(|it| it.others).sum();
                let stretches: Stretches =
                    it.stretches.iter().map(|it| (it.after, it.to)).collect();
                let since = self.others_of(&between(&stretches, it.head, head));
                (between(&stretches, 0, head), known + since)
            }
            None => {
                let stretches = self.not_received(head);
                let others = self.others_of(&stretches);
                (stretches, others)
            }
        }
    }

    fn others_of(&self, stretches: &[(u64, u64)]) -> u64 {
        stretches.iter().map(|(after, to)| self.own.others(after + 1, *to)).sum()
    }

    /// The oldest of those changes was refused.
    pub(crate) fn goes_on(&mut self) {
        self.partings.pop_front();
    }

    /// Whether such a change is on its way.
    pub(crate) fn is_parting(&self) -> bool {
        !self.partings.is_empty()
    }
}

/// Those stretches, as far as they lie after `after` and up to `to`.
fn between(stretches: &[(u64, u64)], after: u64, to: u64) -> Stretches {
    let cut = stretches.iter().map(|it| (it.0.max(after), it.1.min(to)));
    cut.filter(|(after, to)| after < to).collect()
}
