//! Limits the control frames of a peer by a token bucket.
//!
//! Owns the bucket. Never decides what happens to a peer that exceeds it.

use tokio::time::Instant;

use crate::door::limits::DoorLimits;

/// The bucket counts thousandths of frames, so that it gains N of them per millisecond at N frames per
/// second.
const FRAME: u64 = 1000;

#[derive(Clone, Copy, Debug)]
pub(super) struct ControlRate {
    left: u64,
    at: Instant,
}

impl ControlRate {
    pub(super) fn new(now: Instant, limits: &DoorLimits) -> Self {
        Self { left: full(limits), at: now }
    }

    /// Counts one frame. Returns `false` if it exceeds the limit.
    pub(super) fn admit(&mut self, now: Instant, limits: &DoorLimits) -> bool {
        let elapsed_ms = u64::try_from((now - self.at).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed_ms.saturating_mul(limits.control_frames_per_s_max.into());
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(full(limits));
            self.at = now;
        }
        let rest = self.left.checked_sub(FRAME);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }
}

fn full(limits: &DoorLimits) -> u64 {
    u64::from(limits.control_frames_burst_max) * FRAME
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let limits = DoorLimits {
            control_frames_burst_max: 3,
            control_frames_per_s_max: 10,
            ..DoorLimits::default()
        };
        let start = Instant::now();
        let mut rate = ControlRate::new(start, &limits);
        // (milliseconds since the start, admitted)
        let cases = [
            (0, true),
            (0, true),
            (0, true),
            (0, false),
            (99, false),
            (100, true),
            (100, false),
            (9_000, true),
            (9_000, true),
            (9_000, true),
            (9_000, false),
        ];
        for (ms, expected) in cases {
            let now = start + Duration::from_millis(ms);
            assert_eq!(rate.admit(now, &limits), expected, "at {ms} ms");
        }
    }
}
