//! Statistics about the store's transactions.
//!
//! Owns counters that the writer's thread updates and the engine reads. Each counter is exact; two counters
//! that are read during an update may differ by one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{Histogram, bucket_of};

/// Writes per transaction: one when the disk is faster than the bots, thousands when it is slower.
const WRITES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_048.0];

/// Seconds per transaction.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// Counts of transactions.
#[derive(Debug, Default)]
pub(super) struct Tally {
    writes: [AtomicU64; WRITES.len() + 1],
    writes_sum: AtomicU64,
    seconds: [AtomicU64; SECONDS.len() + 1],
    nanos_sum: AtomicU64,
}

impl Tally {
    pub(super) fn note(&self, writes: usize, took: Duration) {
        let add = |to: &AtomicU64, much: u64| {
            to.fetch_add(much, Ordering::Relaxed);
        };
        add(&self.writes[bucket_of(WRITES, writes as f64)], 1);
        add(&self.writes_sum, writes as u64);
        add(&self.seconds[bucket_of(SECONDS, took.as_secs_f64())], 1);
        add(&self.nanos_sum, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Writes per transaction, and seconds.
    pub(super) fn histograms(&self) -> [Histogram; 2] {
        let read = |it: &AtomicU64| it.load(Ordering::Relaxed);
        let counts = |buckets: &[AtomicU64]| buckets.iter().map(read).collect();
        let seconds = read(&self.nanos_sum) as f64 / 1e9;
        [
            Histogram::of(WRITES, counts(&self.writes), read(&self.writes_sum) as f64),
            Histogram::of(SECONDS, counts(&self.seconds), seconds),
        ]
    }
}
