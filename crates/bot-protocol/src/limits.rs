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
    /// Bytes of one frame, not counting what escaping adds to `text`.
    pub frame_bytes: u32,
    /// Bytes of `text` in UTF-8, in whatever way it is escaped.
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
    /// Rooms that one bot may make by joining them; a guest makes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms_made_per_bot: Option<u32>,
    /// Rooms of the hub, direct conversations counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms_max: Option<u32>,
    /// Bytes of messages that one bot may say within a day; operators are not bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_bot_per_day: Option<u64>,
    /// The same for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_guest_per_day: Option<u64>,
    /// Side connections that one bot may have open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side_connections_per_bot: Option<u32>,
    /// Bytes of one frame as it arrives, escapes included. A hub that does not name it takes no more
    /// than `frame_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire_bytes: Option<u32>,
}

/// Lines in one page of a list: of rooms, bots, members, recipients. Enough that nearly every hub answers
/// with one page, and a program that knows of no pages misses nothing there.
pub const LIST_PAGE: u32 = 1_000;

/// The most bytes that escaping makes of one: `\u0001`.
pub const ESCAPED_BYTES: usize = 6;

/// What a message may take beside `text`, `act` and `meta`: names, ids and a thread, all of it escaped.
pub const OTHER_FIELDS_BYTES: usize = 4 << 10;

impl Limits {
    /// The longest frame that can be one within these bounds.
    pub fn wire_bytes_max(&self) -> usize {
        self.wire_bytes.unwrap_or(self.frame_bytes) as usize
    }

    /// The same bounds, with room for every way to escape what is within them.
    #[must_use]
    pub fn for_any_escaping(self) -> Self {
        let parts = ESCAPED_BYTES as u64 * u64::from(self.text_bytes)
            + 2 * u64::from(self.meta_bytes)
            + OTHER_FIELDS_BYTES as u64;
        let wire_bytes = parts.max(self.frame_bytes.into());
        Self { wire_bytes: Some(u32::try_from(wire_bytes).unwrap_or(u32::MAX)), ..self }
    }
}

impl Limits {
    /// What a hub enforces that is not told otherwise.
    pub const DEFAULT: Self = Self {
        frame_bytes: 256 * 1024,
        text_bytes: 128 * 1024,
        meta_bytes: 16 * 1024,
        json_depth: 32,
        rooms_per_bot: 1_000,
        members_per_room: 5_000,
        window_entries: 64,
        history_page: 200,
        buffer_per_bot_per_room: None,
        rooms_made_per_bot: None,
        rooms_max: None,
        bytes_per_bot_per_day: None,
        bytes_per_guest_per_day: None,
        side_connections_per_bot: None,
        wire_bytes: None,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_room_for_every_way_to_escape_what_is_within_the_bounds() {
        let check = |(text_bytes, meta_bytes, frame_bytes): (u32, u32, u32), expected: usize| {
            let limits = Limits { text_bytes, meta_bytes, frame_bytes, ..Limits::DEFAULT };
            assert_eq!(limits.wire_bytes_max(), frame_bytes as usize);
            assert_eq!(limits.for_any_escaping().wire_bytes_max(), expected);
        };
        check((1_000, 100, 300), 6 * 1_000 + 2 * 100 + 4_096);
        check((1_000, 100, 20_000), 20_000);
        check((u32::MAX, u32::MAX, 300), u32::MAX as usize);
    }
}
