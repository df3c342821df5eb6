//! A sum over the last 24 hours.
//!
//! Owns the arithmetic of one rolling day, in steps of ten minutes: what was counted counts for 24 hours, and for at
//! most ten minutes more. Coarser steps would count the work of every morning twice.

use std::collections::VecDeque;

use bot_protocol::time::Timestamp;

pub(super) const DAY_MS: u64 = 24 * 3_600_000;

const STEP_MS: u64 = 600_000;

/// A step counts until so many more are over.
const STEPS: u64 = DAY_MS / STEP_MS;

/// **Bound:** 146 steps, and none where nothing was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Day {
    /// Number of the step and sum, oldest first; steps without anything are left out.
    pub(super) steps: VecDeque<(u64, u64)>,
}

impl Day {
    pub(super) fn add(&mut self, now: Timestamp, count: u64) {
        let step = self.begin(now);
        match self.steps.back_mut() {
            Some((newest, sum)) if *newest == step => *sum = sum.saturating_add(count),
            _ => self.steps.push_back((step, count)),
        }
    }

    pub(super) fn sum(&self, now: Timestamp) -> u64 {
        let step = now.0 / STEP_MS;
        let counted = self.steps.iter().filter(|(at, _)| at + STEPS >= step);
        counted.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Forgets what is older than a day. After a clock was set back, what was counted in steps that are still to
    /// come counts as of now: it must not count for longer than a day.
    fn begin(&mut self, now: Timestamp) -> u64 {
        let step = now.0 / STEP_MS;
        while self.steps.front().is_some_and(|(at, _)| at + STEPS < step) {
            self.steps.pop_front();
        }
        let mut early = 0_u64;
        while let Some((_, count)) = self.steps.pop_back_if(|(at, _)| *at > step) {
            early = early.saturating_add(count);
        }
        if early > 0 {
            self.steps.push_back((step, early));
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_counts_for_a_day_and_ten_minutes_at_most() {
        let mut day = Day::default();
        day.add(Timestamp(5 * STEP_MS + 1), 3);
        day.add(Timestamp(5 * STEP_MS + 2), 2);
        day.add(Timestamp(100 * STEP_MS), 4);
        let sum = |at| day.sum(Timestamp(at));
        assert_eq!(sum(5 * STEP_MS + 1 + DAY_MS), 9);
        assert_eq!(sum(6 * STEP_MS + DAY_MS), 4);
        assert_eq!(sum(101 * STEP_MS + DAY_MS), 0);
    }

    #[test]
    fn a_clock_that_was_ahead_counts_for_no_longer_than_a_day() {
        let mut day = Day::default();
        day.add(Timestamp(9_000 * STEP_MS), 3);
        day.add(Timestamp(100 * STEP_MS), 1);
        assert_eq!(day.sum(Timestamp(100 * STEP_MS)), 4);
        assert_eq!(day.sum(Timestamp(101 * STEP_MS + DAY_MS)), 0);
    }

    #[test]
    fn a_day_has_a_bound() {
        let mut day = Day::default();
        for at in 0..2_000 {
            day.add(Timestamp(at * STEP_MS), 1);
        }
        assert_eq!(day.steps.len() as u64, STEPS + 1);
    }
}
