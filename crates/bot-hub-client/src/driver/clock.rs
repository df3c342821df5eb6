//! The clock of a real link.
//!
//! Owns the conversion from the monotonic clock. The link itself never reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bot_protocol::time::Timestamp;
use tokio::time::Instant;

/// Starts with the system's time and is monotonic from then on.
#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
    start_ms: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), start_ms: unix_ms() }
    }

    pub(super) fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp(self.start_ms) + elapsed
    }

    pub(super) fn instant(&self, at: Timestamp) -> Instant {
        self.start + Duration::from_millis(at.since(Timestamp(self.start_ms)))
    }
}

/// Milliseconds since the Unix epoch, by the system's clock.
pub(crate) fn unix_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
