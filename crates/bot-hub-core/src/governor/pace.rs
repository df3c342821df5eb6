//! The last few lengths of time between two things, and what is usual.
//!
//! Owns the median and the question whether something keeps to a clock.

/// So many are kept.
const KEPT: usize = 8;

/// **Bound:** always the same size.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pace {
    /// Milliseconds, the newest anywhere: their order does not matter.
    pub(super) lengths: [u32; KEPT],
    pub(super) count: u8,
    pub(super) next: u8,
}

impl Pace {
    pub(super) fn add(&mut self, millis: u64) {
        self.lengths[usize::from(self.next) % KEPT] = u32::try_from(millis).unwrap_or(u32::MAX);
        self.next = (self.next + 1) % KEPT as u8;
        self.count = (self.count + 1).min(KEPT as u8);
    }

    pub(super) fn add_known(&mut self, millis: Option<u64>) {
        if let Some(millis) = millis {
            self.add(millis);
        }
    }

    /// The median in milliseconds, if there are enough to say what is usual.
    pub(super) fn usual(&self) -> Option<u64> {
        self.sorted(3).map(|sorted| u64::from(sorted[sorted.len() / 2]))
    }

    /// The length that all of them have, give or take a tenth: then it is a clock that makes them.
    pub(super) fn regular(&self) -> Option<u64> {
        let sorted = self.sorted(6)?;
        let median = u64::from(sorted[sorted.len() / 2]);
        let (shortest, longest) = (u64::from(sorted[0]), u64::from(sorted[sorted.len() - 1]));
        is_about(shortest, median).then_some(median).filter(|_| is_about(longest, median))
    }

    fn sorted(&self, least: usize) -> Option<Vec<u32>> {
        let mut sorted = self.lengths[..usize::from(self.count)].to_vec();
        sorted.sort_unstable();
        (sorted.len() >= least).then_some(sorted)
    }
}

/// Whether two lengths differ by a tenth of the second at most.
pub(super) fn is_about(length: u64, of: u64) -> bool {
    length.abs_diff(of) <= of / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(lengths: &[u64]) -> Pace {
        let mut pace = Pace::default();
        lengths.iter().for_each(|it| pace.add(*it));
        pace
    }

    #[test]
    fn the_usual_length_is_that_of_the_last_few() {
        assert_eq!(pace(&[5, 5]).usual(), None);
        assert_eq!(pace(&[5, 1, 9]).usual(), Some(5));
        assert_eq!(pace(&[1, 1, 1, 1, 7, 7, 7, 7, 7, 7, 7, 7]).usual(), Some(7));
    }

    #[test]
    fn a_clock_is_right_each_time() {
        assert_eq!(pace(&[60, 60, 61, 60, 59, 60]).regular(), Some(60));
        assert_eq!(pace(&[60, 60, 61, 60, 59]).regular(), None, "too few");
        assert_eq!(pace(&[60, 60, 61, 60, 59, 60, 67]).regular(), None);
        assert_eq!(pace(&[60, 60, 61, 20, 59, 60]).regular(), None);
    }
}
