//! What the brain asks of the store, and what it gets back.
//!
//! Owns the vocabulary between the two. The brain puts [`Change`]s into one ordered queue; the store
//! commits them in that order and answers each with an [`Outcome`]. Reads are [`Query`] and [`Answer`].

use std::sync::Arc;

use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::pause::PauseLine;
use bot_protocol::frame::server::{GapReason, Redaction};
use bot_protocol::id::{Epoch, MessageId};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::entry::{Draft, Entry};
use crate::pause::PauseKey;

/// One thing to make durable. Changes of a batch are committed together, in order, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Put a message at the end of its room's log, unless its `(room, from, id)` is there already.
    /// → `Appended`, `Duplicate` or `Conflict`. Refused if there is no such room.
    Append(Arc<Draft>),
    /// Say whether this message is in its room's log already, after everything before it in the queue.
    /// Stores nothing. → `Duplicate`, `Conflict` or `Unsaid`; the last one also if there is no such room.
    WasSaid(Arc<Draft>),
    /// Make a room. → `Made`, also if it exists.
    CreateRoom {
        /// The room.
        room: RoomName,
        /// Only an operator admits members.
        closed: bool,
    },
    /// Give a room its own retention. → `Done`.
    Retain {
        /// The room.
        room: RoomName,
        /// The rule.
        retain: Retention,
    },
    /// Make a bot a member, with its cursor at the room's head as it is then; a member stays as it
    /// is. → `Done`. Refused if there is no such room.
    Join {
        /// The room.
        room: RoomName,
        /// The bot.
        bot: BotId,
    },
    /// Say what a member may do. One that thereby begins or ceases to read is where the room's head
    /// is, as if it had joined just now. Nothing happens to a bot that is no member. → `Done`.
    Grant {
        /// The room.
        room: RoomName,
        /// The bot.
        bot: BotId,
        /// What it may do from now on.
        rights: Rights,
    },
    /// End a membership. → `Done`.
    Leave {
        /// The room.
        room: RoomName,
        /// The bot.
        bot: BotId,
        /// `Left`, or `Kicked`. Nothing of it is stored: what was dropped says why.
        why: Loss,
    },
    /// A bot's cursor is at `seq`; it never goes back. → `Done`.
    Cursor {
        /// The room.
        room: RoomName,
        /// The bot.
        bot: BotId,
        /// Everything up to here is dealt with.
        seq: u64,
        /// What that means for the entries since the cursor's last place: `Received`, or `Delivered`
        /// for a client that can promise no more.
        state: ReceiptState,
        /// When it got there.
        at: Timestamp,
    },
    /// Everything up to `seq` was written to a live socket of the bot. → `Done`.
    Delivered {
        /// The room.
        room: RoomName,
        /// The bot.
        bot: BotId,
        /// Up to here.
        seq: u64,
        /// When.
        at: Timestamp,
    },
    /// What a bot did with one entry, beyond its cursor. → `Done`, or `Late` if what is recorded of the
    /// same bot and entry is as high already, by [`ReceiptState::may_follow`], or the entry was dropped
    /// with the bot's membership; then nothing is stored.
    Receipt(ReceiptRecord),
    /// A bot will never get these entries, as far as the room's log has them by now. Ranges of one bot
    /// and room that begin at the same `from` are one range that grew. → `Done`.
    Drop {
        /// The room.
        room: RoomName,
        /// The bot.
        bot: BotId,
        /// What was lost.
        range: DroppedRange,
        /// When.
        at: Timestamp,
    },
    /// Take what an entry says out of the log, as [`Draft::redact`] does; its place in the log stays, and so
    /// does the answer to its id. → `Redacted`, `Late` if that was done before, or `Unsaid` if the log has
    /// no such entry or cannot tell what it was.
    Redact {
        /// The room.
        room: RoomName,
        /// The entry.
        seq: u64,
        /// Its sender.
        from: BotId,
        /// Its id.
        id: MessageId,
        /// Who does it, when and why.
        redaction: Redaction,
    },
    /// Remove a room with everything in it. From then on its name is free, and nothing of it can be read.
    /// → `RoomRemoved`, or `Done` if there is no such room.
    RemoveRoom {
        /// The room.
        room: RoomName,
        /// Why.
        why: Removal,
    },
    /// Clear away some of what is left of a removed room: at most `entries_max` entries, or so many rows of
    /// another kind. → `Cleared`.
    Clear {
        /// Of which room.
        remains: Remains,
        /// A bound on the work of one step.
        entries_max: u32,
    },
    /// Remove what the rule no longer keeps, at most `entries_max` entries. → `Trimmed`.
    Trim {
        /// The room.
        room: RoomName,
        /// The rule.
        retain: Retention,
        /// The time to measure age by.
        now: Timestamp,
        /// A bound on the work of one step.
        entries_max: u32,
    },
    /// A pause holds from now on, instead of an earlier one of the same key. → `Done`.
    Pause(Box<PauseLine>),
    /// A pause holds no more, if it did. → `Done`.
    Resume(Box<PauseKey>),
}

impl Change {
    /// The pause that it makes or ends.
    pub(crate) fn pause_key(&self) -> Option<PauseKey> {
        match self {
            Self::Pause(line) => Some(PauseKey::of(line)),
            Self::Resume(key) => Some(PauseKey::clone(key)),
            _ => None,
        }
    }
}

/// What a removed room left behind in the store: a number that no other room ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remains(pub u64);

/// Why a room goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// An operator asked for it.
    Asked,
    /// It is empty, and nobody declared it.
    Empty,
}

/// What became of a [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is committed.
    Done,
    /// The room is there.
    Made {
        /// Its epoch: another one than that of every room that had its name before.
        epoch: Epoch,
    },
    /// The room is gone.
    RoomRemoved {
        /// What has to be cleared away.
        remains: Remains,
    },
    /// These entries of a removed room are gone, oldest first, without their text.
    Cleared {
        /// What was cleared away.
        removed: Vec<Removed>,
        /// Whether something is left.
        more: bool,
    },
    /// The message has this place in its room.
    Appended {
        /// The place.
        seq: u64,
    },
    /// The same sender said the same with that id before, at this place; nothing was stored.
    Duplicate {
        /// The first one's place.
        seq: u64,
        /// When the hub took the first one.
        sent_at: Timestamp,
    },
    /// The same sender said something else with that id, or there is something of that name already;
    /// nothing was stored.
    Conflict,
    /// The sender has said nothing with that id in that room, as far as the log is kept; or the log does not
    /// have the entry.
    Unsaid,
    /// Something higher was recorded before, or that it was dropped with a membership; or the entry was
    /// redacted before.
    Late,
    /// What the entry said is gone.
    Redacted {
        /// Its size before, as `Draft::size` counts it; it has none now.
        bytes: u64,
    },
    /// These entries are gone, oldest first, without their text.
    Trimmed {
        /// What was removed.
        removed: Vec<Removed>,
        /// Whether the rule would remove more.
        more: bool,
        /// When the oldest entry that stays was sent, if that is known.
        oldest_at: Option<Timestamp>,
    },
}

/// An entry that the retention removed, or that went with its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its place.
    pub seq: u64,
    /// Its sender.
    pub from: BotId,
    /// Its id.
    pub id: MessageId,
    /// When the hub took it.
    pub sent_at: Timestamp,
    /// Its size, as `Draft::size` counts it.
    pub bytes: u64,
}

/// Entries that one bot will never get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedRange {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
    /// Why.
    pub reason: Loss,
}

/// Why a bot will never get an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// More waited than `limits.buffer_per_bot_per_room` keeps.
    BufferLimit,
    /// The room's retention removed it.
    Retention,
    /// It is damaged in the store.
    Corrupt,
    /// It was handed over many times and never received.
    Dead,
    /// Its `expires_at` passed.
    Expired,
    /// An operator took the bot out of the room.
    Kicked,
    /// The bot left the room.
    Left,
    /// The bot was removed from the hub.
    Removed,
    /// The bot may not read the room any more.
    NoRight,
    /// The room was removed.
    RoomRemoved,
    /// It waited for a bot that was paused, and an operator skipped it.
    Skipped,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::BufferLimit,
        Self::Retention,
        Self::Corrupt,
        Self::Dead,
        Self::Expired,
        Self::Kicked,
        Self::Left,
        Self::Removed,
        Self::NoRight,
        Self::RoomRemoved,
        Self::Skipped,
    ];

    /// What the reader is told. Whoever is no reader of the room any more is told nothing.
    pub fn gap(self) -> GapReason {
        match self {
            Self::BufferLimit => GapReason::BufferLimit,
            Self::Corrupt => GapReason::Corrupt,
            Self::Dead => GapReason::Dead,
            Self::Expired => GapReason::Expired,
            Self::Skipped => GapReason::Skipped,
            Self::Retention
            | Self::Kicked
            | Self::Left
            | Self::Removed
            | Self::NoRight
            | Self::RoomRemoved => GapReason::Retention,
        }
    }

    /// Whether it goes with the end of a membership, or of what was read in it.
    pub fn ends_reading(self) -> bool {
        matches!(
            self,
            Self::Kicked | Self::Left | Self::Removed | Self::NoRight | Self::RoomRemoved
        )
    }

    /// Where it takes the entry off the ladder of receipts.
    pub fn state(self) -> ReceiptState {
        match self {
            Self::Expired => ReceiptState::Expired,
            Self::Dead => ReceiptState::Dead,
            Self::Skipped => ReceiptState::Declined,
            _ => ReceiptState::Dropped,
        }
    }

    /// What the sender is told.
    pub fn word(self) -> &'static str {
        match self {
            Self::BufferLimit => "buffer_per_bot_per_room",
            Self::Retention => "retention",
            Self::Corrupt => "corrupt",
            Self::Dead => "delivered many times and never received",
            Self::Expired => "expires_at passed before it was received",
            Self::Kicked => "kicked",
            Self::Left => "left",
            Self::Removed => "removed",
            Self::NoRight => "no_right",
            Self::RoomRemoved => "room_removed",
            Self::Skipped => "skipped by an operator",
        }
    }
}

/// What a bot did with one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRecord {
    /// The room.
    pub room: RoomName,
    /// The entry.
    pub seq: u64,
    /// The recipient.
    pub bot: BotId,
    /// What happened.
    pub state: ReceiptState,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// With `Answered`: the answer.
    pub reply: Option<MessageId>,
}

/// Something to look up in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// Entries of a room. → `Answer::Page`.
    Page {
        /// The room.
        room: RoomName,
        /// Which entries.
        span: Span,
        /// At most so many entries.
        entries_max: u32,
        /// Stop after the entry that reaches this many bytes.
        bytes_max: u32,
    },
    /// Messages with this id. → `Answer::Found`.
    Find {
        /// The id.
        id: MessageId,
        /// Only from this sender.
        from: Option<BotId>,
        /// Only in this room.
        room: Option<RoomName>,
        /// Whose fate is of interest.
        recipients: Recipients,
    },
    /// The entries of a room with this id. → `Answer::Located`.
    Locate {
        /// The room.
        room: RoomName,
        /// The id.
        id: MessageId,
        /// Only from this sender.
        from: Option<BotId>,
        /// Whose own receipts are of interest.
        by: BotId,
    },
}

/// Which part of those whom a message was for, in an order of the store's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients {
    /// Goes on after a part: what its `next` was.
    pub after: Option<SmolStr>,
    /// At most so many, of all messages that match together.
    pub max: u32,
}

impl Recipients {
    /// All of them.
    pub const ALL: Self = Self { after: None, max: u32::MAX };

    /// How many of one message, if so many match.
    pub fn of_each(&self, messages: usize) -> usize {
        let messages = u32::try_from(messages).unwrap_or(u32::MAX).max(1);
        (self.max / messages).max(RECIPIENTS_MIN) as usize
    }
}

/// So many recipients of each message are looked at, however many messages match.
const RECIPIENTS_MIN: u32 = 8;

/// Which part of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The oldest entries after this seq.
    After(u64),
    /// The newest entries before this seq.
    Before(u64),
}

/// The answer to a [`Query`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To `Query::Page`.
    Page(Page),
    /// To `Query::Find`: what matched, at most [`LOCATED_MAX`], oldest first.
    Found(Vec<Found>),
    /// To `Query::Locate`: what matched, at most [`LOCATED_MAX`], oldest first.
    Located(Vec<Located>),
    /// The store could not answer now.
    Failed,
}

/// Entries that one look-up by id names at most. More than one is too many for whoever asks: so many
/// leave out nothing that matters, and a look-up costs no more however often an id was used.
pub const LOCATED_MAX: usize = 64;

/// An entry that was looked up by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its place.
    pub seq: u64,
    /// Its sender.
    pub from: BotId,
    /// When the hub took it.
    pub sent_at: Timestamp,
    /// What the bot that asked said of it so far.
    pub said: Vec<ReceiptState>,
}

/// A stretch of a room's log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries that are there and intact.
    pub entries: Vec<Entry>,
    /// Entries whose checksum does not match, by seq: named and withheld.
    pub corrupt: Vec<u64>,
    /// Whether the log goes on in the direction that was asked for.
    pub more: bool,
}

/// A message with everything that the store knows of its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its room.
    pub room: RoomName,
    /// Its place.
    pub seq: u64,
    /// Its sender.
    pub from: BotId,
    /// When the hub took it.
    pub sent_at: Timestamp,
    /// Who took out what it said, if that was done.
    pub redaction: Option<Redaction>,
    /// Per bot: the first time at which its mark had passed the entry (state `Delivered` or
    /// `Received`, with `reason` and `reply` absent), every receipt of its own, and what a dropped
    /// range that covers it says (see [`Loss`]). Ordered by bot, then state.
    pub receipts: Vec<ReceiptRecord>,
    /// The bots that this is about, by name: those with a receipt, and all members, also those of whom
    /// nothing is known.
    pub bots: Vec<BotId>,
    /// There are more: the same look-up with this as `after` has them.
    pub next: Option<SmolStr>,
}

/// Everything that the brain must know of the past when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The life of the store.
    pub epoch: Epoch,
    /// The rooms.
    pub rooms: Vec<RoomRecord>,
    /// What removed rooms left behind.
    pub remains: Vec<Remains>,
    /// Entries with an expiry that somebody has not received yet.
    pub expiring: Vec<Expiring>,
    /// Names of bots that were removed, and when. A bot that has such a name now did not send what was
    /// sent until then.
    pub ended: Vec<(BotId, Timestamp)>,
    /// No entry was sent later than this, by the clocks of all earlier starts.
    pub newest_at: Timestamp,
    /// The pauses that hold.
    pub pauses: Vec<PauseLine>,
}

/// A room as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// Its name.
    pub room: RoomName,
    /// Its epoch.
    pub epoch: Epoch,
    /// Only an operator admits members.
    pub closed: bool,
    /// Its own retention.
    pub retain: Option<Retention>,
    /// The seq of its newest entry ever; 0 if there was none.
    pub head: u64,
    /// The seq of the oldest entry that is kept; `head + 1` if none is.
    pub first: u64,
    /// Bytes of the entries that are kept.
    pub bytes: u64,
    /// When the oldest entry that is kept was sent.
    pub oldest_at: Option<Timestamp>,
    /// Its members.
    pub members: Vec<MemberRecord>,
}

/// A membership as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// The bot.
    pub bot: BotId,
    /// The room's head when it joined: what came before was not for it.
    pub since: u64,
    /// What it may do.
    pub rights: Rights,
    /// Up to where it has received.
    pub cursor: u64,
    /// When the first entry after the cursor was sent, if there is one.
    pub waiting_since: Option<Timestamp>,
    /// Entries after the cursor with a receipt `Received` of its own, in order.
    pub received: Vec<u64>,
    /// Ranges after the cursor that it will never get, in order.
    pub dropped: Vec<DroppedRange>,
}

/// An entry with an expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// Its room.
    pub room: RoomName,
    /// Its place.
    pub seq: u64,
    /// Its sender.
    pub from: BotId,
    /// Its id.
    pub id: MessageId,
    /// When it expires.
    pub at: Timestamp,
}
