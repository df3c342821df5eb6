//! A histogram of values.
//!
//! Owns the counting. Buckets are separate and summed up only for output, so an observation touches a
//! single one.

/// A histogram with fixed upper bounds.
#[derive(Clone, Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One bucket more than bounds, for larger values.
    buckets: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, buckets: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// A histogram from existing counts: one per bound, and one for larger values.
    #[must_use]
    pub fn of(bounds: &'static [f64], buckets: Vec<u64>, sum: f64) -> Self {
        debug_assert_eq!(buckets.len(), bounds.len() + 1, "a bucket per bound, and one more");
        Self { bounds, buckets, sum }
    }

    /// Counts a value `times` times.
    pub fn observe(&mut self, value: f64, times: u64) {
        self.buckets[bucket_of(self.bounds, value)] += times;
        self.sum += value * times as f64;
    }

    /// Every bound with the number of values up to it.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let counts = self.buckets.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        self.bounds.iter().copied().zip(counts)
    }

    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The sum of all values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum
    }
}

/// The bucket of a value.
#[must_use]
pub fn bucket_of(bounds: &[f64], value: f64) -> usize {
    bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_is_at_most_their_bound() {
        let mut histogram = Histogram::new(&[1.0, 10.0]);
        for (value, times) in [(0.5, 1), (1.0, 2), (1.5, 1), (11.0, 3)] {
            histogram.observe(value, times);
        }
        assert_eq!(histogram.cumulative().collect::<Vec<_>>(), [(1.0, 3), (10.0, 4)]);
        assert_eq!((histogram.count(), histogram.sum()), (7, 37.0));
    }
}
