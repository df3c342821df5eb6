//! The durable storage of the hub.
//!
//! Owns the promises that every backend makes; `conformance` tests them. Makes no decisions: the brain says
//! what to write, the store reports when it is durable.
//!
//! * [`memory`] and [`sqlite`]: the backends.
//! * [`driver`]: a backend beside the engine, with group commit.
//! * [`export`]: a whole log, for people.
//! * [`record`]: facts that are no message and need no table of their own.
//!
//! What all backends have in common, beyond what [`Change`] says:
//! * A cursor or mark beyond the head is taken as one at the head. One of a bot that is no member, and
//!   a receipt for an entry that is not kept, are done by doing nothing. So is whatever else concerns a room
//!   that does not exist, other than an `Append`, a `Join` and a `Retain`: it may have been removed meanwhile.
//! * A mark takes in the marks of the same bot within 100 ms: a receipt is at most so much late.
//! * Per bot and state there is one receipt; what the bot said itself stands above its mark.
//! * Rooms, members, bots and tokens are loaded in the order of their names, or hashes; invites of their ids.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod driver;
pub mod export;
mod histogram;
pub mod memory;
mod own;
mod pause;
pub mod record;
mod rule;
pub mod sqlite;

pub use self::histogram::{Histogram, bucket_of};
pub use self::own::pass_own;
pub use bot_hub_core::access::{AccessWrite, BotRecord, ClaimRecord, InviteRecord, TokenRecord};

use std::cmp::Ordering;

use bot_hub_core::change::{Answer, Change, Found, Outcome, Query, Snapshot};
use bot_protocol::id::Epoch;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use self::record::{RecordPage, RecordQuery, RecordWrite};

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space left. Nothing of the batch was stored; later batches may succeed without a restart.
    #[error("no space left on the device that holds `{path}`")]
    Full {
        /// The store's file.
        path: String,
    },
    /// A write or a sync failed. What is on the disk is unknown until the store is reopened, so this handle
    /// must not acknowledge anything any more.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The data was written by a newer program.
    #[error(
        "`{path}` was written by a newer Bot Hub (schema {found}, this one knows {known}): \
         upgrade this program, or restore a backup"
    )]
    Newer {
        /// The store's file.
        path: String,
        /// Its schema number.
        found: u32,
        /// The highest that this program knows.
        known: u32,
    },
    /// A message, a member or a rule for a room that does not exist. Nothing of the batch was stored; the
    /// handle remains usable. Happens after a `CreateRoom` was refused with `Full`, before the brain knows about it.
    #[error("there is no room `{room}` in the store")]
    NoSuchRoom {
        /// The room.
        room: RoomName,
    },
    /// Another process has it open.
    #[error("`{path}` is in use by another process")]
    InUse {
        /// The store's file.
        path: String,
    },
}

impl StoreError {
    /// Whether the handle remains usable because only the batch was refused.
    pub fn is_survivable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::NoSuchRoom { .. })
    }
}

/// One write: of the brain, or about who may come in.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// From the brain.
    Change(Change),
    /// Bots, tokens and invites.
    Access(AccessWrite),
    /// Store the newest known time, for judging the clock at the next start.
    Clock(Timestamp),
    /// Retention by age pauses until this time, or works again.
    AgeWaits(Option<Timestamp>),
    /// Change a small record.
    Record(RecordWrite),
}

impl From<AccessWrite> for Write {
    fn from(write: AccessWrite) -> Self {
        Self::Access(write)
    }
}

/// Everything that the hub needs at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// For the brain.
    pub snapshot: Snapshot,
    /// The bots made at run time.
    pub bots: Vec<BotRecord>,
    /// Their tokens.
    pub tokens: Vec<TokenRecord>,
    /// Invites, including used and expired ones.
    pub invites: Vec<InviteRecord>,
    /// Every name that a bot ever had here, sorted, including names of removed bots.
    pub names: Vec<BotId>,
    /// Until when retention by age pauses; [`RESTORED`] in a restored store.
    pub age_waits: Option<Timestamp>,
}

/// Means "as long as possible", because a restore cannot know when the store will be opened.
pub const RESTORED: Timestamp = Timestamp(i64::MAX as u64);

/// A store of the log. One writer at a time.
///
/// Promises:
/// 1. `commit` returns `Ok` only when all of the batch survives `kill -9` and loss of power.
/// 2. A batch is stored whole or not at all, and batches in the order of the calls.
/// 3. Entries of a room are numbered from 1 without a hole, in the order of their `Append`s.
/// 4. The same `(room, from, id)` is never stored twice while the first one is kept.
/// 5. What a reader returns is what was written, bit by bit: a damaged entry or record is named, not
///    returned.
/// 6. After `StoreError::Full` and `NoSuchRoom` the handle lives on; after `Failed` it must be
///    dropped.
pub trait Store: Send {
    /// Everything that is needed at start, without reading the log itself.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Makes a batch durable. One outcome per write, in order.
    fn commit(&mut self, batch: &[Write]) -> Result<Vec<Outcome>, StoreError>;

    /// A reader that can live on another thread, beside the writer. It sees every batch that was committed
    /// before the call.
    fn reader(&self) -> Result<Box<dyn Reader>, StoreError>;
}

/// Reads beside the writer.
pub trait Reader: Send {
    /// Answers a query. An error of the medium gives `Answer::Failed`.
    fn answer(&mut self, query: &Query) -> Answer;

    /// Reads small records. Damaged ones are named, and all others are returned as far as the medium can be
    /// read.
    fn records(&mut self, query: &RecordQuery) -> Result<RecordPage, StoreError>;
}

/// A random epoch; never 0, which means "none" where an epoch is optional.
fn random_epoch() -> Result<Epoch, StoreError> {
    let random = getrandom::u64()
        .map_err(|error| StoreError::Failed(format!("the system gives no randomness: {error}")))?;
    Ok(Epoch(random.max(1)))
}

/// The newest time to store for an entry sent at `at`: the end of that second, so that a busy store writes
/// it only once per second.
fn newest(at: Timestamp) -> Timestamp {
    Timestamp((at.0 / 1_000 + 1) * 1_000)
}

/// The room that must exist for a change; `None` for one that does nothing without it.
fn room_of(change: &Change) -> Option<&RoomName> {
    match change {
        Change::Append(draft) => Some(&draft.room),
        Change::Retain { room, .. } | Change::Join { room, .. } => Some(room),
        _ => None,
    }
}

/// The order of the messages in `Answer::Found`.
fn oldest_first(one: &Found, other: &Found) -> Ordering {
    let key = |found: &Found| (found.sent_at, found.seq);
    key(one).cmp(&key(other)).then_with(|| (&one.room, &one.from).cmp(&(&other.room, &other.from)))
}
