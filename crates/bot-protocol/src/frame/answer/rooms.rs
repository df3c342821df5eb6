//! Answers about rooms, their members and what waits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::order;
use crate::frame::operator::Retention;
use crate::frame::pause::PauseLine;
use crate::frame::server::Redaction;
use crate::id::MessageId;
use crate::name::{BotId, RoomName};
use crate::right::Granted;
use crate::word::{Open, words};

/// The change is committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Done {
    /// How many messages waited for the bot and are dropped. Absent if that is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// Always true.
    pub ok: bool,
}

impl Done {
    /// The change is committed, and it dropped so many messages.
    #[must_use]
    pub fn dropping(count: u64) -> Self {
        Self { dropped: Some(count).filter(|count| *count > 0), ok: true }
    }
}

/// What an entry said is gone from the log, and who took it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EntryRedacted {
    /// It was redacted before: nothing changed now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// The entry's sender.
    pub from: BotId,
    /// The entry's id.
    pub id: MessageId,
    /// Who redacted it, and when.
    pub redacted: Redaction,
    /// The room.
    pub room: RoomName,
    /// The entry's number in it.
    pub seq: u64,
}

/// A room is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomRemoved {
    /// How much waited for its members and is dropped: a message that waited for two counts twice.
    pub dropped: u64,
    /// How many messages it had.
    pub entries: u64,
    /// Which room.
    pub room: RoomName,
}

/// A page of the rooms, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomList {
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
    /// The rooms. The last one may go on in the next page, with the rest of its members.
    pub rooms: Vec<RoomLine>,
}

/// Everything known about one room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomLine {
    /// How many bytes of text and extras its entries have.
    pub bytes: u64,
    /// Whether only an operator admits members.
    pub closed: bool,
    /// How many entries it keeps.
    pub entries: u64,
    /// The seq of its oldest entry; one more than `head` in a room without entries.
    pub first: u64,
    /// The seq of its newest entry; 0 before the first one.
    pub head: u64,
    /// Its members; in `room_show` by name.
    pub members: Vec<MemberLine>,
    /// Only in `room_show`: there are more members, and the same request with this as `after` has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
    /// A pause that holds for all its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseLine>,
    /// How long it keeps its entries.
    #[serde(serialize_with = "order::retention")]
    pub retain: Retention,
    /// Its name.
    pub room: RoomName,
}

/// One member of a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberLine {
    /// The member.
    pub bot: BotId,
    /// What it may do there.
    pub can: Granted,
    /// Up to which seq it has received.
    pub cursor: u64,
    /// Whether it has a reading connection.
    pub online: bool,
    /// A pause that holds for it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseLine>,
    /// How many entries wait for it, or are not received yet.
    pub waiting: u64,
}

/// A page of what waits: one line for each bot and room. It may hold less than its bound, or nothing, and
/// still not be the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PendingList {
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
    /// What waits.
    pub pending: Vec<Waiting>,
}

/// What waits for one bot in one room, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Waiting {
    /// For whom.
    pub bot: BotId,
    /// How many entries are delivered and not received yet.
    pub in_flight: u64,
    /// For how many milliseconds the oldest one has waited; `null` if that is not known.
    pub oldest_age_ms: Option<u64>,
    /// The seq of the oldest one.
    #[serde(default)]
    pub oldest_seq: u64,
    /// The pause because of which it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseLine>,
    /// Why it waits.
    pub reason: Open<WaitReason>,
    /// Where.
    pub room: RoomName,
    /// How many entries wait, or are not received yet.
    pub waiting: u64,
}

words! {
    /// Why something waits, in words for people.
    pub enum WaitReason {
        /// The bot may not come in.
        ShutOut = "disabled, or without a token",
        /// It has no reading connection.
        Offline = "offline",
        /// It is connected, and did not enter the room.
        NotJoined = "connected, but has not joined the room on this connection",
        /// It was handed as much as it may hold, and has received nothing of it.
        WindowFull = "window full: delivered, not received",
        /// Its socket is full.
        Slow = "slow: does not read its socket",
        /// It was handed over a moment ago.
        Delivered = "delivered, not received",
        /// It is on its way from the disk.
        BeingRead = "being read from the store",
        /// It is paused there.
        Paused = "paused",
    }
}

/// From now on new entries are shown to this connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observing {
    /// Of which rooms.
    pub observing: Observed,
}

/// The rooms that an observer is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Observed {
    /// All of them, also those made later.
    All(Open<EveryRoom>),
    /// These, each with the seq of its newest entry: what is shown begins after it.
    Rooms(BTreeMap<RoomName, u64>),
}

words! {
    /// The word that stands for all rooms.
    pub enum EveryRoom {
        /// All of them.
        All = "all",
    }
}
