//! What an operator can choose about the brain.
//!
//! Owns the bounds that only the brain enforces, with their units and reasons. Never reads a file.

use bot_protocol::frame::operator::Retention;
use bot_protocol::limits::Limits;
use smol_str::SmolStr;

/// Everything about the brain that can be configured, also while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The hub's version, for `auth_ok`.
    pub version: SmolStr,
    /// Bounds that clients are told.
    pub limits: Limits,
    /// How long a room keeps its entries unless it has its own rule.
    pub retention: Retention,
    /// Whether joining a room that nobody made makes it. The seed's clients expect that.
    pub create_rooms_on_join: bool,
    /// Whether guests may speak directly with every bot, and not only with those that they share a
    /// room with.
    pub guests_reach_all: bool,
    /// Bytes handed to one connection and not yet written. A reader that is slower than its rooms
    /// waits in the log beyond this, not in memory.
    pub outstanding_bytes_max: usize,
    /// How often an entry is handed over again after a connection ended without a receipt for it.
    /// Ten crashes on one message are not an accident.
    pub redeliveries_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: SmolStr::new_static(env!("CARGO_PKG_VERSION")),
            limits: Limits::default(),
            retention: Retention::default(),
            create_rooms_on_join: true,
            guests_reach_all: false,
            outstanding_bytes_max: 256 * 1024,
            redeliveries_max: 10,
        }
    }
}

/// Cursors are saved at most this long after they moved. A crash in between costs redeliveries, never
/// messages, so one write for many moves is the better bargain.
pub(crate) const CURSOR_SAVE_MS: u64 = 200;

/// How often rooms are checked against their retention.
pub(crate) const RETENTION_SWEEP_MS: u64 = 60_000;

/// Rooms that are checked at once: well below a millisecond.
pub(crate) const SWEEP_ROOMS_MAX: u32 = 2_000;

/// Members of these rooms that are looked at at once, give or take one room.
pub(crate) const SWEEP_MEMBERS_MAX: usize = 10_000;

/// Then others have their turn.
pub(crate) const SWEEP_PAUSE_MS: u64 = 20;

/// Entries removed in one step, so that retention never holds up messages for long.
pub(crate) const TRIM_ENTRIES_MAX: u32 = 512;

/// Between two steps that clear away what a removed room left behind: others have their turn.
pub(crate) const CLEAR_PAUSE_MS: u64 = 5;

/// Entries asked of the store at once for one reader.
pub(crate) const PAGE_ENTRIES_MAX: u32 = 64;

/// Bytes asked of the store at once for one reader.
pub(crate) const PAGE_BYTES_MAX: u32 = 256 * 1024;

/// Wait before a look-up that the store could not answer is tried again.
pub(crate) const READ_RETRY_MS: u64 = 1_000;

/// Takeovers of one bot's connection within [`FIGHT_WINDOW_MS`] before the newcomer is sent away.
pub(crate) const TAKEOVERS_MAX: usize = 4;

/// See [`TAKEOVERS_MAX`].
pub(crate) const FIGHT_WINDOW_MS: u64 = 10_000;

/// How long the newcomer of a fight is asked to stay away.
pub(crate) const FIGHT_PAUSE_MS: u64 = 15_000;

/// How long an observer that could not keep up is asked to stay away.
pub(crate) const SLOW_PAUSE_MS: u64 = 1_000;
