//! How many messages a bot said within a minute.
//!
//! Owns the arithmetic of a rolling minute, in steps of five seconds: never more than the limit within any minute.

use bot_protocol::time::Timestamp;

const STEP_MS: u64 = 5_000;

/// A step counts until so many more are over.
const STEPS: usize = 12;

/// **Bound:** always the same size.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Speed {
    /// The number of the newest step.
    pub(super) newest: u64,
    /// By number, modulo their count: how many messages.
    pub(super) counts: [u16; STEPS + 1],
}

impl Speed {
    /// Counts a message, unless it is one too many: then says how long to wait, in milliseconds.
    pub(super) fn take(&mut self, now: Timestamp, max: u16) -> Result<(), u64> {
        self.begin(now);
        let sum: u64 = self.counts.iter().map(|it| u64::from(*it)).sum();
        if sum < u64::from(max) {
            let count = &mut self.counts[slot(self.newest)];
            *count = count.saturating_add(1);
            return Ok(());
        }
        let mut left = sum;
        // The oldest first: when enough of them are a minute old there is room again.
        for age in (0..=STEPS as u64).rev() {
            let Some(step) = self.newest.checked_sub(age) else { continue };
            left -= u64::from(self.counts[slot(step)]);
            if left < u64::from(max) {
                return Err(Timestamp((step + STEPS as u64 + 1) * STEP_MS).since(now).max(1));
            }
        }
        Err(STEP_MS)
    }

    fn begin(&mut self, now: Timestamp) {
        let step = now.0 / STEP_MS;
        if step < self.newest || step - self.newest > STEPS as u64 {
            // Also if the clock was set back: nobody waits for a time that it showed before.
            *self = Self { newest: step, ..Self::default() };
        }
        while self.newest < step {
            self.newest += 1;
            self.counts[slot(self.newest)] = 0;
        }
    }
}

fn slot(step: u64) -> usize {
    (step % (STEPS as u64 + 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_that_is_too_many_says_when_it_will_be_taken() {
        let mut speed = Speed::default();
        for at in 0..60 {
            assert_eq!(speed.take(Timestamp(100_000 + at * 100), 60), Ok(()));
        }
        let wait = speed.take(Timestamp(106_000), 60).unwrap_err();
        assert_eq!(wait, 59_000, "50 of them are a minute old at the end of their step");
        assert_eq!(speed.take(Timestamp(106_000 + wait - 1), 60), Err(1));
        assert_eq!(speed.take(Timestamp(106_000 + wait), 60), Ok(()));
    }

    #[test]
    fn a_clock_that_was_ahead_silences_nobody() {
        let mut speed = Speed::default();
        for _ in 0..60 {
            speed.take(Timestamp(900_000_000), 60).unwrap();
        }
        assert_eq!(speed.take(Timestamp(100_000), 60), Ok(()));
    }
}
