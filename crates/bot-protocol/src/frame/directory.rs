//! What the hub answers to `rooms` and `who`.
//!
//! Owns the lines of both directories, and how a page says that there is more.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::client::BotState;
use super::pause::PauseLine;
use crate::name::{BotId, RoomName};
use crate::time::Timestamp;
use crate::word::Open;

/// `rooms`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomDirectory {
    /// The rooms, by name.
    pub rooms: Vec<RoomInfo>,
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
}

/// One room of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomInfo {
    /// Its name.
    pub room: RoomName,
    /// How many members it has.
    pub members: u32,
    /// How many of them are connected.
    pub online: u32,
    /// The seq of its newest entry.
    pub head: u64,
    /// Whether the asking bot is a member.
    pub member: bool,
    /// Only an operator admits members.
    pub closed: bool,
    /// A pause that holds there for the asking bot, or for all where it is no member. Only for the cap
    /// `governor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseLine>,
}

/// `who`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BotDirectory {
    /// The room that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// The bots, by name. Without `room`, a later page may name one again.
    pub bots: Vec<BotInfo>,
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
}

/// One bot of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BotInfo {
    /// Its name.
    pub bot: BotId,
    /// What it is doing.
    pub state: Open<BotState>,
    /// Its remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<SmolStr>,
    /// When it was last connected; absent if never since the hub knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// What it is for; absent if nobody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<SmolStr>,
    /// What it can do; absent if nobody has said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<SmolStr>,
}
