//! A histogram of durations with a bounded error (under 1 %) and a fixed size.

const SUB_BITS: u32 = 7;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = (64 - SUB_BITS as usize) * SUB;

/// Counts of durations in nanoseconds.
#[derive(Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
        self.max = self.max.max(nanos);
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The longest, in microseconds.
    pub fn max_us(&self) -> f64 {
        self.max as f64 / 1e3
    }

    /// The duration in microseconds that a `share` (0 to 1) of all did not exceed; `None` when nothing was counted.
    pub fn quantile_us(&self, share: f64) -> Option<f64> {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Some(upper(index).min(self.max) as f64 / 1e3);
            }
        }
        None
    }
}

/// The first `2 * SUB` values have a bucket each; after that every power of two is cut into `SUB` pieces.
fn bucket(nanos: u64) -> usize {
    let exponent = (63 - (nanos | 1).leading_zeros()).saturating_sub(SUB_BITS);
    let piece = (nanos >> exponent) as usize;
    (exponent as usize * SUB + piece).min(BUCKETS - 1)
}

fn upper(index: usize) -> u64 {
    let exponent = (index / SUB).saturating_sub(1);
    let piece = (index - exponent * SUB) as u64;
    ((piece + 1) << exponent) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_value_within_one_percent() {
        for nanos in [0, 1, 127, 128, 255, 256, 1_000, 55_555, 1_000_000, 987_654_321] {
            let top = upper(bucket(nanos));
            assert!(top >= nanos && top as f64 <= nanos as f64 * 1.01, "{nanos} in {top}");
        }
    }

    #[test]
    fn quantiles_of_one_to_a_thousand_are_where_they_belong() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|micros| histogram.record(micros * 1_000));
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let got = histogram.quantile_us(share).unwrap();
            assert!((got / expected - 1.0).abs() < 0.01, "{share}: {got}");
        }
        assert_eq!(Histogram::default().quantile_us(0.5), None);
    }
}
