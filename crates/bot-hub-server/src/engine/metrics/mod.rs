//! What is counted about a running hub.
//!
//! Owns the numbers; [`page`] and [`families`] own how they are shown (`docs/monitoring.md` lists the
//! names). Counting is an addition to a plain number; text is made when somebody asks. No label ever
//! holds a room, a bot, an address or an id: their number has no bound.

mod families;
mod page;
mod surroundings;

use std::time::Duration;

use bot_hub_store::Histogram;
use bot_protocol::code::Code;

pub(super) use self::families::Now;
pub use self::surroundings::{Process, Sockets, StoreSpace, Surroundings};
use crate::door::Ended;

/// Upper bounds of the buckets of a commit's duration, in seconds: an fsync takes 0.1 ms on good
/// hardware and 30 ms on a bad disk.
const COMMIT_SECONDS: &[f64] = &[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 1.0];

/// Upper bounds for the age of an entry when it is handed over, in seconds: from "at once" to what
/// waited for a bot that was away for a weekend.
const AGE_SECONDS: &[f64] =
    &[0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0, 900.0, 3_600.0, 86_400.0, 259_200.0];

/// Counters of the engine.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) opened: u64,
    pub(super) frames: u64,
    pub(super) auth_failures: u64,
    pub(super) clock_jumps: u64,
    pub(super) too_slow: u64,
    pub(super) slowed: u64,
    pub(super) slowed_for: Duration,
    pub(super) store_refusals: u64,
    pub(super) store_is_full: bool,
    pub(super) unsettled: usize,
    reloads: [u64; 2],
    ended: [u64; 7],
    /// Answers of the kind `error`, in the order of [`Code::ALL`].
    refusals: [u64; Code::ALL.len()],
    commits: Histogram,
    ages: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            opened: 0,
            frames: 0,
            auth_failures: 0,
            clock_jumps: 0,
            too_slow: 0,
            slowed: 0,
            slowed_for: Duration::ZERO,
            store_refusals: 0,
            store_is_full: false,
            unsettled: 0,
            reloads: [0; 2],
            ended: [0; 7],
            refusals: [0; Code::ALL.len()],
            commits: Histogram::new(COMMIT_SECONDS),
            ages: Histogram::new(AGE_SECONDS),
        }
    }
}

impl Metrics {
    pub(super) fn ended(&mut self, why: Ended) {
        self.ended[why as usize] += 1;
    }

    pub(super) fn reloaded(&mut self, applied: bool) {
        self.reloads[usize::from(!applied)] += 1;
    }

    pub(super) fn committed(&mut self, took: Duration) {
        self.commits.observe(took.as_secs_f64(), 1);
    }

    /// An entry of that age was handed to so many connections.
    pub(super) fn handed_over(&mut self, age_ms: u64, connections: usize) {
        self.ages.observe(age_ms as f64 / 1_000.0, connections as u64);
    }

    /// Somebody was answered with the error of that number.
    pub(super) fn refused(&mut self, number: u16) {
        if let Some(at) = Code::ALL.iter().position(|code| code.number() == number) {
            self.refusals[at] += 1;
        }
    }
}
