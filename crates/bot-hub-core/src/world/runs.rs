//! Which of the entries that wait for a bot are its own.
//!
//! Owns a few ranges of seqs. A bot's own messages neither fill its buffer nor count as lost; all
//! others of a stretch of the log are for it.

use std::collections::VecDeque;

/// Runs remembered per member. A bot whose messages alternate with others' while something old waits
/// for it has more; those beyond count as others', which only announces a loss as larger than it is.
const RUNS_MAX: usize = 1_024;

/// Ranges `(first, last)` of a bot's own entries after its cursor, in order.
#[derive(Debug, Default)]
pub(crate) struct Runs(VecDeque<(u64, u64)>);

impl Runs {
    /// Notes an own entry; they come in the order of the log.
    pub(crate) fn note(&mut self, seq: u64) {
        let has_space = self.0.len() < RUNS_MAX;
        match self.0.back_mut() {
            Some((_, last)) if seq <= *last => {}
            Some((_, last)) if seq == *last + 1 => *last = seq,
            _ if has_space => self.0.push_back((seq, seq)),
            _ => {}
        }
    }

    /// Notes a range that begins behind what was noted before, or overlaps the last of it.
    pub(crate) fn note_all(&mut self, from: u64, to: u64) {
        let has_space = self.0.len() < RUNS_MAX;
        match self.0.back_mut() {
            Some((_, last)) if from <= *last + 1 => *last = to.max(*last),
            _ if has_space => self.0.push_back((from, to)),
            _ => {}
        }
    }

    /// Forgets everything up to `seq`.
    pub(crate) fn forget_through(&mut self, seq: u64) {
        while self.0.front().is_some_and(|&(_, last)| last <= seq) {
            self.0.pop_front();
        }
    }

    /// The last one of the run that an own entry belongs to; `None` for one that is not known to be own.
    pub(crate) fn end_of(&self, seq: u64) -> Option<u64> {
        let at = self.0.partition_point(|&(_, last)| last < seq);
        self.0.get(at).filter(|(first, _)| *first <= seq).map(|&(_, last)| last)
    }

    /// How many entries of others there are from `from` to `to`.
    pub(crate) fn others(&self, from: u64, to: u64) -> u64 {
        let own = |&(first, last): &(u64, u64)| (last.min(to) + 1).saturating_sub(first.max(from));
        (to + 1).saturating_sub(from) - self.0.iter().map(own).sum::<u64>()
    }

    /// These runs together with other ranges, which may be in any order and overlap.
    pub(crate) fn with(&self, others: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut all: Vec<(u64, u64)> = self.0.iter().copied().chain(others).collect();
        all.sort_unstable();
        let mut joined: VecDeque<(u64, u64)> = VecDeque::with_capacity(all.len());
        for (from, to) in all {
            match joined.back_mut() {
                Some((_, last)) if from <= *last + 1 => *last = to.max(*last),
                _ => joined.push_back((from, to)),
            }
        }
        Self(joined)
    }

    /// The seq behind which exactly `limit` entries of others stand up to `head`; `floor` if there
    /// are not more of them than that after it.
    pub(crate) fn cut(&self, floor: u64, head: u64, limit: u64) -> u64 {
        let (mut end, mut free) = (head, limit);
        let runs = self.0.iter().rev().copied().take_while(|&(_, last)| last > floor);
        for (first, last) in runs.chain([(0, floor)]) {
            let others = end - last.min(end);
            if others > free {
                return end - free;
            }
            (end, free) = (first.max(floor + 1) - 1, free - others);
        }
        floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(own: &[u64]) -> Runs {
        let mut runs = Runs::default();
        own.iter().for_each(|&seq| runs.note(seq));
        runs
    }

    #[test]
    fn own_entries_are_not_counted() {
        let runs = runs(&[3, 4, 7]);
        assert_eq!(runs.others(1, 8), 5);
        assert_eq!(runs.others(4, 7), 2);
        assert_eq!(runs.others(3, 4), 0);
    }

    #[test]
    fn a_cut_keeps_so_many_of_others() {
        let check = |own: &[u64], floor, head, limit, expected| {
            assert_eq!(
                runs(own).cut(floor, head, limit),
                expected,
                "{own:?} {floor} {head} {limit}"
            );
        };
        check(&[], 0, 60, 50, 10);
        check(&[], 0, 50, 50, 0);
        check(&[], 20, 60, 50, 20);
        check(&[3, 4], 0, 6, 2, 2);
        check(&[3, 4], 0, 6, 3, 1);
        check(&[3, 4], 0, 6, 4, 0);
        check(&[6], 0, 6, 0, 5);
        check(&[1, 2], 2, 5, 1, 4);
    }

    #[test]
    fn what_is_noted_twice_counts_once() {
        assert_eq!(runs(&[3, 4, 4, 3, 7]).others(1, 8), 5);
        let mut all = Runs::default();
        for (from, to) in [(3, 4), (5, 6), (9, 10), (10, 12), (11, 11)] {
            all.note_all(from, to);
        }
        assert_eq!(all.others(1, 13), 5, "1, 2, 7, 8 and 13");
    }

    #[test]
    fn an_own_entry_knows_where_its_run_ends() {
        let runs = runs(&[3, 4, 7]);
        let ends = (2..=8).map(|seq| runs.end_of(seq)).collect::<Vec<_>>();
        assert_eq!(ends, [None, Some(4), Some(4), None, None, Some(7), None]);
    }

    #[test]
    fn a_run_is_forgotten_when_all_of_it_is_passed() {
        let mut runs = runs(&[3, 4, 7]);
        runs.forget_through(3);
        assert_eq!(runs.others(1, 8), 5);
        runs.forget_through(4);
        assert_eq!(runs.others(1, 8), 7);
        runs.forget_through(8);
        assert_eq!(runs.others(1, 8), 8);
    }

    #[test]
    fn so_many_runs_are_remembered_and_the_last_goes_on_growing() {
        let last = 2 * RUNS_MAX as u64 - 1;
        let mut one_by_one = Runs::default();
        let mut at_once = Runs::default();
        for seq in (1..=last).step_by(2) {
            one_by_one.note(seq);
            at_once.note_all(seq, seq);
        }
        one_by_one.note(last + 1);
        at_once.note_all(last + 1, last + 1);
        for mut runs in [one_by_one, at_once] {
            let others = RUNS_MAX as u64 - 1;
            assert_eq!(runs.others(1, last + 1), others);
            runs.note(last + 3);
            runs.note_all(last + 5, last + 6);
            assert_eq!(runs.others(1, last + 6), others + 5, "there is no room for another");
        }
    }
}
