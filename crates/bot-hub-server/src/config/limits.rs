//! Every bound of the hub, with its unit and the reason for its default.
//!
//! Owns names, defaults and ranges. Never enforces one: the doors, the brain and the engine do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::ByteSize;

/// Bounds on what one party can make the hub hold or do. A limit that is hit is announced to
/// whoever ran into it; nothing is dropped silently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one frame as JSON text, not counting what escaping adds to `text`: any text within
    /// `textBytes` is taken in any escaping. A larger frame is refused with its id and read over; one
    /// of more than 16 MiB closes the connection with 1009.
    #[schemars(extend("minimum" = 1024, "maximum" = 16_777_216, "x-applies" = "new connections"))]
    pub frame_bytes: ByteSize,
    /// Bytes of a message's `text` in UTF-8.
    #[schemars(extend("maximum" = 16_777_216))]
    pub text_bytes: ByteSize,
    /// Bytes of `meta` and of `act` as JSON, each.
    #[schemars(extend("maximum" = 16_777_216))]
    pub meta_bytes: ByteSize,
    /// Arrays and objects inside one another, counted over the whole frame. Deeper values crash
    /// other people's JSON readers, so they are not relayed either.
    #[schemars(range(min = 4, max = 128))]
    pub json_depth: u32,
    /// Rooms that one bot may be a member of, direct conversations not counted.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub rooms_per_bot: u32,
    /// Rooms that one bot may make by joining them, counted since the hub started. A guest makes none,
    /// and operators are not bound.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub rooms_made_per_bot: u32,
    /// Rooms of the hub, direct conversations counted: each costs about 3 KiB of memory and a part of
    /// every start.
    #[schemars(range(min = 1, max = 8_000_000))]
    pub rooms_max: u32,
    /// Bytes of messages (text, act and meta) that one bot may say within a day, counted since the hub started. What is
    /// beyond is refused with `over_quota` and when it fits. Operators are not bound.
    #[schemars(extend("minimum" = 1024))]
    pub bytes_per_bot_per_day: ByteSize,
    /// The same for a guest.
    #[schemars(extend("minimum" = 1024))]
    pub bytes_per_guest_per_day: ByteSize,
    /// Space of the disk, but no more than a tenth of it, that is kept for receipts, cursors and operators: while less is
    /// free, messages and new rooms of others are refused with `storage_full`.
    pub free_disk_reserve: ByteSize,
    /// Members of one room. Each costs a cursor, and one delivery per message.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub members_per_room: u32,
    /// Entries that wait for one absent bot in one room; what is older is dropped and announced to
    /// both sides. `null` keeps whatever the room's retention keeps; the original hub kept 50.
    #[schemars(range(min = 1))]
    pub buffer_per_bot_per_room: Option<u32>,
    /// Entries that are on their way to one bot in one room and not yet received. A bot works
    /// through them one turn at a time, so more would only age on its side.
    #[schemars(range(min = 1, max = 65_536))]
    pub window_entries: u32,
    /// Open connections from one address. Behind a proxy all bots share the proxy's address, so
    /// this is generous.
    #[schemars(range(min = 1))]
    pub connections_per_address: u32,
    /// Side connections that one bot may have open: those that send and ask, and are delivered nothing.
    /// Operators on the machine of the hub are not bound, so that nobody can lock them out.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub side_connections_per_bot: u32,
    /// Open connections altogether, and sixteen more from the machine of the hub itself; about 16 KiB of memory each.
    #[schemars(range(min = 1))]
    pub connections_max: u32,
    /// Connections that have not authenticated yet, altogether. This bound, not the time that they
    /// are given, is what keeps silent sockets from crowding out honest ones. When all places are taken, one is closed for a
    /// new connection: the oldest of the address that has most of them, if these are more than four; else, of those that
    /// have been here for at least a tenth of `timeouts.auth`, the one that has been silent longest. Sixteen more places are
    /// for the hub's own machine.
    #[schemars(range(min = 1))]
    pub unauthenticated_max: u32,
    /// Failed authentications from one address (IPv6: one /64) within a minute; after that the
    /// address has to wait. A bot is never locked out by somebody else's failures.
    #[schemars(range(min = 1))]
    pub auth_failures_per_minute: u32,
    /// WebSocket pings and pongs from one connection within a second; more is abuse and closes it.
    #[schemars(range(min = 1), extend("x-applies" = "new connections"))]
    pub control_frames_per_second: u32,
    /// Fragments that one WebSocket message may be split into; more closes the connection.
    #[schemars(range(min = 1), extend("x-applies" = "new connections"))]
    pub fragments_per_message: u32,
    /// Bytes of the request line and headers of one HTTP request.
    #[schemars(extend("minimum" = 8192, "maximum" = 1_048_576, "x-applies" = "new connections"))]
    pub header_bytes: ByteSize,
    /// Bytes that are queued for one slow connection before the hub stops reading ahead for it;
    /// the rest waits in the log and costs no memory.
    #[schemars(extend("maximum" = 268_435_456, "x-applies" = "new connections"))]
    pub outbox_bytes: ByteSize,
    /// Entries in one answer to `history`; a longer one is asked for page by page.
    #[schemars(range(min = 1, max = 10_000))]
    pub history_page_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: ByteSize::kib(256),
            text_bytes: ByteSize::kib(128),
            meta_bytes: ByteSize::kib(16),
            json_depth: 32,
            rooms_per_bot: 1_000,
            rooms_made_per_bot: 100,
            rooms_max: 100_000,
            bytes_per_bot_per_day: ByteSize::mib(64),
            bytes_per_guest_per_day: ByteSize::mib(16),
            free_disk_reserve: ByteSize::mib(1024),
            members_per_room: 5_000,
            buffer_per_bot_per_room: None,
            window_entries: 64,
            connections_per_address: 1_000,
            side_connections_per_bot: 16,
            connections_max: 10_000,
            unauthenticated_max: 512,
            auth_failures_per_minute: 10,
            control_frames_per_second: 10,
            fragments_per_message: 1_024,
            header_bytes: ByteSize::kib(16),
            outbox_bytes: ByteSize::kib(512),
            history_page_max: 200,
        }
    }
}
