//! What a member loses with the end of its membership.
//!
//! Owns what was dropped by a change that is on its way to the store, until that is known.

use super::Member;
use crate::world::losses::kept;

/// Stretches `(after, to)` of a log.
type Stretches = Vec<(u64, u64)>;

/// What a member loses by a change that is on its way to the store. Receipts that the member
/// sends before that change is stored do not alter this.
#[derive(Debug)]
pub(super) struct Parting {
    /// Without an end: the log may have more by then than is known here.
    stretches: Stretches,
    /// The head when that was noted.
    head: u64,
    /// How many entries of others that were then.
    others: u64,
}

impl Member {
    /// The stretches `(after, to)` up to `to` that were neither received nor lost.
    pub(crate) fn not_received(&self, to: u64) -> Vec<(u64, u64)> {
        let taken = self.received_out_of_turn();
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
        let others = self.others_of(&between(&stretches, 0, head));
        self.partings.push_back(Parting { stretches: stretches.clone(), head, others });
        stretches
    }

    /// What the oldest of those changes drops up to `head`, and how many entries of others that is.
    pub(crate) fn parts_with(&self, head: u64) -> (Stretches, u64) {
        match self.partings.front() {
            Some(it) => {
                let since = self.others_of(&between(&it.stretches, it.head, head));
                (between(&it.stretches, 0, head), it.others + since)
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
