//! The bounds that both sides of a connection have to know.
//!
//! Owns names, units and defaults. Who enforces a bound is said beside it.

use serde::{Deserialize, Serialize};

/// Bounds announced in `auth_ok.limits`. All of them can be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
// A hub from before a limit was added does not name it; what it enforced then was the default.
#[serde(default)]
pub struct Limits {
    /// Bytes of one frame, as JSON text (enforced by the door: larger closes with 1009).
    pub frame_bytes: u32,
    /// Bytes of `text` in UTF-8. Half of a frame, so that escaping rarely matters.
    pub text_bytes: u32,
    /// Bytes of `meta` and of `act` as JSON, each.
    pub meta_bytes: u32,
    /// Arrays and objects inside one another, over the whole frame.
    pub json_depth: u32,
    /// Rooms that one bot may be a member of, direct conversations not counted.
    pub rooms_per_bot: u32,
    /// Members of one room.
    pub members_per_room: u32,
    /// Entries per bot and room that are delivered and not yet received.
    pub window_entries: u32,
    /// Entries in one answer to `history`.
    pub history_page: u32,
    /// Entries kept per absent bot and room; `None` keeps whatever the room's retention keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_per_bot_per_room: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 256 * 1024,
            text_bytes: 128 * 1024,
            meta_bytes: 16 * 1024,
            json_depth: 32,
            rooms_per_bot: 1_000,
            members_per_room: 5_000,
            window_entries: 64,
            history_page: 200,
            buffer_per_bot_per_room: None,
        }
    }
}
