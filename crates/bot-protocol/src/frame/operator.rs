//! What those who run the hub ask of it: `operate` frames, sent by the command line.
//!
//! Owns the shapes of administration. Only a bot with operator rights may send them.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::audit::AuditWish;
use crate::limits::LIST_PAGE;
use crate::line::{OneLine, Skills};
use crate::name::{BotId, RoomName};
use crate::right::Rights;
use crate::time::Timestamp;

/// `operate`: one administrative request; the answer carries the same `ref`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Operate {
    /// Comes back in the answer.
    #[serde(rename = "ref")]
    pub reference: SmolStr,
    /// What to do.
    #[serde(rename = "do")]
    pub operation: Operation,
    /// Why, for the record that is kept of what operators do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<OneLine>,
}

/// One administrative request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Makes a bot and a token for it; the answer holds the token, once.
    BotAdd {
        /// The new bot.
        bot: BotId,
        /// Whether it gets operator rights.
        #[serde(default)]
        operator: bool,
    },
    /// Lists every bot, page by page.
    BotList(Page),
    /// Everything known about one bot.
    BotShow {
        /// The bot.
        bot: BotId,
    },
    /// Makes a new token. The ones made before at run time end.
    BotRotateToken {
        /// The bot.
        bot: BotId,
        /// So much later; at once when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overlap_ms: Option<u64>,
    },
    /// Makes a token beside those that there are. It ends after five minutes unless `bot_keep_token` names
    /// it before: for whoever must be sure to have it before the others end.
    BotPrepareToken {
        /// The bot.
        bot: BotId,
    },
    /// Keeps a token of `bot_prepare_token`. The others that were made at run time end.
    BotKeepToken {
        /// The bot.
        bot: BotId,
        /// Which one, as the answer of `bot_prepare_token` names it; no secret.
        token_id: SmolStr,
        /// When the others end; at once when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old_ends_at: Option<Timestamp>,
    },
    /// Ends the bot's tokens that were made at run time, and closes its connections.
    BotRevokeToken {
        /// The bot.
        bot: BotId,
    },
    /// Refuses the bot's tokens until it is enabled again, and closes its connections.
    BotDisable {
        /// The bot.
        bot: BotId,
    },
    /// Undoes `bot_disable`.
    BotEnable {
        /// The bot.
        bot: BotId,
    },
    /// Forgets the bot, its tokens and memberships; what it said stays.
    BotRemove {
        /// The bot.
        bot: BotId,
    },
    /// Says what a bot is for. An operator may say it of every bot, and a bot of itself. What is left out
    /// stays as it is; an empty text, and no skills, take away what was said.
    BotSet {
        /// The bot.
        bot: BotId,
        /// What it is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<OneLine>,
        /// What it can do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skills: Option<Skills>,
    },
    /// Lists every room with its members, page by page. A room whose members do not fit into one page
    /// goes on in the next one, with the rest of them.
    RoomList(Page),
    /// Everything known about one room; its members page by page.
    RoomShow {
        /// The room.
        room: RoomName,
        /// Goes on after a page of members: what its `next` was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<SmolStr>,
        /// At most so many members in one answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// Makes a room.
    RoomCreate {
        /// The new room.
        room: RoomName,
        /// Only an operator admits members; otherwise bots may join by themselves.
        #[serde(default)]
        closed: bool,
    },
    /// Makes a bot a member, or changes what a member may do.
    RoomAdd {
        /// The room.
        room: RoomName,
        /// The bot.
        bot: BotId,
        /// What it may do there. When absent: the usual for a new member, no change for another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        can: Option<Rights>,
    },
    /// Ends a membership.
    RoomKick {
        /// The room.
        room: RoomName,
        /// The bot.
        bot: BotId,
    },
    /// Removes a room with everything that was said in it. What waited for its members is dropped. Its name
    /// is free then; a room that has it later has another epoch. One that the configuration declares stays.
    RoomRemove {
        /// The room.
        room: RoomName,
    },
    /// Changes how long a room keeps its entries.
    RoomRetain {
        /// The room.
        room: RoomName,
        /// The new rule.
        retain: Retention,
    },
    /// Takes what an entry says out of the room's log: its text, thread, act and meta. Its number, id, sender
    /// and time stay, and so do who did it, when, and the reason that the request gives.
    Redact {
        /// The room.
        room: RoomName,
        /// The entry's number in it.
        seq: u64,
    },
    /// What waits for whom, and why, page by page. A page may hold less than its bound, or nothing, and
    /// still not be the last.
    Pending {
        /// Only for this bot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bot: Option<BotId>,
        /// Goes on after a page: what its `next` was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<SmolStr>,
        /// At most so many memberships in one answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// Sends every new entry of these rooms to this connection, without membership.
    Observe {
        /// The rooms; all of them when absent, also those made later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rooms: Option<Vec<RoomName>>,
    },
    /// The hub in numbers.
    HubStatus {},
    /// Makes an invite; the answer holds its code, once. Also for bots with the right to invite into
    /// every one of the rooms.
    InviteCreate(InviteWish),
    /// Lists invites, page by page: all of them for an operator, its own for a bot.
    InviteList(Page),
    /// Revokes an invite; also one's own.
    InviteRevoke {
        /// Which one.
        id: SmolStr,
    },
    /// Lists what operators did, page by page.
    Audit(AuditWish),
    /// Lets cursors stand still: nothing is delivered, and what is said waits. Who is paused may not speak there
    /// either. Without a room in all rooms, without a bot all bots. `why` of the request is told to whom it
    /// concerns.
    Pause {
        /// The room; all rooms when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomName>,
        /// The bot, a member of the room if there is one; all bots when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bot: Option<BotId>,
        /// It ends by itself after so many milliseconds, at most a year; when absent, somebody has to resume.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ms: Option<u64>,
    },
    /// Ends all pauses of a room, of a bot, of a bot in a room, or every pause, also those by rules.
    Resume {
        /// The pauses of this room; of all rooms when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomName>,
        /// The pauses of this bot; of all bots when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bot: Option<BotId>,
        /// What waits is settled as `declined` instead of handed over.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        skip: bool,
    },
    /// Lists the pauses, page by page.
    PauseList(Page),
}

impl Operation {
    /// The same request for the page after one whose `next` this is; `None` where an answer has no pages.
    #[must_use]
    pub fn page_after(&self, next: SmolStr) -> Option<Self> {
        let mut operation = self.clone();
        let after = match &mut operation {
            Self::BotList(page)
            | Self::RoomList(page)
            | Self::InviteList(page)
            | Self::PauseList(page) => &mut page.after,
            Self::RoomShow { after, .. } | Self::Pending { after, .. } => after,
            Self::Audit(wish) => &mut wish.after,
            _ => return None,
        };
        *after = Some(next);
        Some(operation)
    }
}

/// Which part of a list. An answer that is not the last one has a `next`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page {
    /// Goes on after a page: what its `next` was. The first page when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SmolStr>,
    /// At most so many lines in one answer; a thousand when absent, and never more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Page {
    /// How many lines the answer may hold.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.limit.unwrap_or(LIST_PAGE).clamp(1, LIST_PAGE) as usize
    }
}

/// Whom to invite, and to what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteWish {
    /// What the bot that comes by it is called, unless it asks for another name.
    pub name: BotId,
    /// Where it becomes a member.
    pub rooms: Vec<RoomName>,
    /// What it may do there; the usual when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<Rights>,
    /// How long the code is good for; a day when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
}

/// How long a room keeps its entries; whichever bound is reached first. `None` is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Retention {
    /// Entries older than this go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// The oldest entries beyond this number go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// The oldest entries beyond this many bytes of text and extras go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Default for Retention {
    /// 30 days, 100,000 entries, 256 MiB: a year of two bots talking every morning fits many times.
    fn default() -> Self {
        Self {
            age_ms: Some(30 * 24 * 3_600 * 1_000),
            entries: Some(100_000),
            bytes: Some(256 * 1024 * 1024),
        }
    }
}
