//! A connection after the hub accepted the token.
//!
//! Owns the heartbeat and the announced end of the connection.

use bot_protocol::name::RoomName;
use bot_protocol::time::Timestamp;

use super::{DEAD_MS, SILENCE_MS};
use crate::error::Why;

#[derive(Debug)]
pub(super) struct Ready {
    pub(super) since: Timestamp,
    pub(super) heard: Timestamp,
    /// Whether a ping was sent since the last sign of life.
    pub(super) pinged: bool,
    pub(super) leaving: Option<Leaving>,
    /// Rooms whose new log was already reported to the application; the hub may report it as well.
    pub(super) new_logs: Vec<RoomName>,
}

/// The end that the hub announced.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    pub(super) why: Why,
    pub(super) grace: Timestamp,
    pub(super) back_at: Timestamp,
}

impl Ready {
    pub(super) fn deadline(&self) -> Timestamp {
        let silence_ms = if self.pinged { DEAD_MS } else { SILENCE_MS };
        let silent = self.heard + silence_ms;
        self.leaving.as_ref().map_or(silent, |leaving| silent.min(leaving.grace))
    }

    pub(super) fn is_over(&self, now: Timestamp) -> Option<Why> {
        if now.since(self.heard) >= DEAD_MS {
            return Some(Why::Silent(DEAD_MS));
        }
        self.leaving
            .as_ref()
            .filter(|leaving| leaving.grace <= now)
            .map(|leaving| leaving.why.clone())
    }

    pub(super) fn wants_ping(&self, now: Timestamp) -> bool {
        !self.pinged && now.since(self.heard) >= SILENCE_MS
    }
}
