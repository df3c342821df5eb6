//! Why entries are missing, and why a connection ends.
//!
//! Owns these two lists of words. Never decides which word applies.

use crate::word::words;

words! {
    /// Why entries are missing.
    pub enum GapReason {
        /// More waited than `limits.buffer_per_bot_per_room` keeps.
        BufferLimit = "buffer_limit",
        /// The room's retention removed them.
        Retention = "retention",
        /// They are damaged in the store.
        Corrupt = "corrupt",
        /// They were handed over many times and never received.
        Dead = "dead",
        /// Their `expires_at` passed.
        Expired = "expired",
        /// The client's position belongs to another life of the store; how many it missed is unknown.
        Epoch = "epoch",
        /// An operator skipped them when a pause ended.
        Skipped = "skipped" (cap "governor", else Retention),
    }
}

words! {
    /// Why a connection ends.
    pub enum GoingAwayReason {
        /// A newer connection of the same bot took over.
        Replaced = "replaced",
        /// The bot was disabled or removed, or its token revoked.
        Revoked = "revoked",
        /// The hub restarts or stops.
        Shutdown = "shutdown",
        /// The client does not read what it is sent.
        TooSlow = "too_slow",
    }
}
