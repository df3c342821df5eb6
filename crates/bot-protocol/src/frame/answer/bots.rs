//! Answers about bots and their tokens.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::order;
use crate::frame::pause::PauseLine;
use crate::frame::server::Slowed;
use crate::name::BotId;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::word::{Open, words};

/// A token was made. This is the only time that it leaves the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenMade {
    /// Whose token it is.
    pub bot: BotId,
    /// After `bot_prepare_token`: the token ends then, unless it is kept before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_until: Option<Timestamp>,
    /// The tokens made before end then. Absent where they have ended, or do not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_ends_at: Option<Timestamp>,
    /// The address of the hub as others see it, if the configuration says one.
    pub public_url: Option<String>,
    /// The token.
    pub token: Secret,
    /// After `bot_prepare_token`: what `bot_keep_token` names the token by. It is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<SmolStr>,
}

/// A prepared token is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenKept {
    /// Whose token it is.
    pub bot: BotId,
    /// The tokens made before end then; `null` if they have ended.
    pub old_ends_at: Option<Timestamp>,
}

/// The tokens that were made at run time are revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokensRevoked {
    /// Whose tokens they were.
    pub bot: BotId,
    /// How many tokens of the bot stand in the configuration file and stay good.
    #[serde(default)]
    pub tokens: u64,
}

/// A bot is disabled, or enabled again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BotSwitched {
    /// Which bot.
    pub bot: BotId,
    /// Whether it is disabled now.
    pub disabled: bool,
}

/// A bot is removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BotRemoved {
    /// Which bot.
    pub bot: BotId,
    /// How many messages waited for it and are dropped.
    #[serde(default)]
    pub dropped: u64,
    /// Always true.
    pub removed: bool,
}

/// A page of the bots, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BotList {
    /// The bots.
    pub bots: Vec<BotLine>,
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
}

/// Everything known about one bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BotLine {
    /// What it is for; absent if nobody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<SmolStr>,
    /// Its name.
    pub bot: BotId,
    /// The program of its reading connection, as that named itself; `null` without one.
    pub client: Option<SmolStr>,
    /// When it was made; `null` if only the configuration file knows it.
    pub created_at: Option<Timestamp>,
    /// Whether it is kept out: disabled, or without a token that is good.
    pub disabled: bool,
    /// The connections of it that ended in the last ten minutes; `null` if that says nothing.
    pub ended_lately: Option<Ends>,
    /// Whether it came by an invite.
    #[serde(default)]
    pub guest: bool,
    /// When it was last connected; `null` if it never was.
    pub last_seen: Option<Timestamp>,
    /// Whether it has a reading connection.
    pub online: bool,
    /// Whether it has operator rights.
    #[serde(default)]
    pub operator: bool,
    /// Where it was made.
    #[serde(default)]
    pub origin: Open<BotOrigin>,
    /// A pause that holds for it in all rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseLine>,
    /// Bytes of messages that it said within a day, as far as the hub runs that long.
    #[serde(default)]
    pub said_in_a_day: u64,
    /// What it can do; absent if nobody has said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<SmolStr>,
    /// That it was slowed down, because it took more than its share of the hub's time; `null` if it was not.
    #[serde(serialize_with = "order::slowed")]
    pub slowed: Option<Slowed>,
    /// How many tokens of it are good.
    #[serde(default)]
    pub tokens: u64,
}

/// What is said of a bot, from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BotProfile {
    /// What it is for; absent if nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<SmolStr>,
    /// Which bot.
    pub bot: BotId,
    /// What it can do.
    pub skills: Vec<SmolStr>,
}

/// How often the reading connections of a bot ended lately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ends {
    /// How often.
    pub count: u64,
    /// When the first of them was.
    pub since: Timestamp,
    /// The commonest reason, for people.
    pub why: SmolStr,
}

words! {
    /// Where a bot was made.
    pub enum BotOrigin {
        /// At run time: by an operator, or by an invite.
        Store = "store",
        /// It stands in the configuration file.
        ConfigurationFile = "configuration file",
        /// By the hub itself at its start: the operator of this machine, who is nobody's bot.
        ThisProcess = "this process",
    }
}

impl Default for Open<BotOrigin> {
    /// A hub that does not say it knows only the one.
    fn default() -> Self {
        Self::Known(BotOrigin::Store)
    }
}
