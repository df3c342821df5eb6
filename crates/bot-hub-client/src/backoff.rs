//! How long to wait before the next attempt.
//!
//! Owns the arithmetic of jitter. The caller passes in the seed of the randomness, so a simulation can be
//! replayed exactly.

/// The upper bound of the first wait.
const FIRST_MS: u64 = 500;
/// The upper bound of every later wait.
const LONGEST_MS: u64 = 30_000;

/// Random numbers from a seed (splitmix64). They spread clients in time and are unfit for secrets.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `most`, both included.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        // The bias of `%` is far below a millisecond for every wait that occurs.
        let drawn = self.next();
        most.checked_add(1).map_or(drawn, |bound| drawn % bound)
    }

    /// `ms` plus or minus a quarter, because the hub told all clients the same number at the same moment.
    pub(crate) fn around(&mut self, ms: u64) -> u64 {
        ms - ms / 4 + self.up_to(ms / 2)
    }

    /// `ms` or up to a quarter more. Trying earlier would get the same answer.
    pub(crate) fn not_before(&mut self, ms: u64) -> u64 {
        ms.saturating_add(self.up_to(ms / 4))
    }
}

/// Exponential backoff with full jitter: each wait is a random time up to a bound that doubles. Clients
/// that lost their hub at the same moment come back spread over time.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait before the next attempt.
    pub(crate) fn next_ms(&mut self, random: &mut Random) -> u64 {
        let ceiling = FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        random.up_to(ceiling)
    }

    /// Starts again with short waits.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_stays_below_a_ceiling_that_doubles() {
        for seed in 0..200 {
            let (mut backoff, mut random) = (Backoff::default(), Random(seed));
            for ceiling in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
                assert!(backoff.next_ms(&mut random) <= ceiling);
            }
            backoff.reset();
            assert!(backoff.next_ms(&mut random) <= 500);
        }
    }

    #[test]
    fn waits_are_spread_over_the_whole_range() {
        let waits: Vec<u64> =
            (0..200).map(|seed| Backoff::default().next_ms(&mut Random(seed))).collect();
        assert!(waits.iter().any(|&ms| ms < 50) && waits.iter().any(|&ms| ms > 450));
    }

    #[test]
    fn jitter_stays_near_what_was_asked() {
        for seed in 0..200 {
            assert!((750..=1_250).contains(&Random(seed).around(1_000)));
            assert!((1_000..=1_250).contains(&Random(seed).not_before(1_000)));
        }
        assert_eq!(Random(1).around(0), 0);
    }
}
