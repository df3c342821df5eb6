//! What the hub answers to `operate`.
//!
//! Owns one type for each answer; [`Ask`] says which operation has which one. Never decides anything.
//! Fields stand in the order of their names, which is how answers have always been written. A field that
//! an older hub does not send has a default, and a field that only a newer hub sends is ignored.

mod ask;
mod bots;
mod invites;
mod numbers;
mod order;
mod pauses;
mod rooms;
#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use super::audit::{ActOutcome, ActWay, AuditLine, AuditList};
pub use super::pause::PauseLine;
pub use ask::{ANSWERS, Ask};
pub use bots::{
    BotLine, BotList, BotOrigin, BotProfile, BotRemoved, BotSwitched, Ends, TokenKept, TokenMade,
    TokensRevoked,
};
pub use invites::{ClaimLine, InviteLine, InviteList, InviteMade, InviteRevoked, InviteState};
pub use numbers::HubNumbers;
pub use pauses::{PauseList, Resumed};
pub use rooms::{
    Done, EntryRedacted, EveryRoom, MemberLine, Observed, Observing, PendingList, RoomLine,
    RoomList, RoomRemoved, WaitReason, Waiting,
};

/// One of the answers, as a type.
pub trait Reply: Into<Answer> + DeserializeOwned {}

/// Defines the enum of all answers, and how each one becomes a part of it.
macro_rules! answers {
    ($($(#[$doc:meta])* $answer:ident,)*) => {
        /// The answer to an `operate`. On the wire it is the fields of the answer alone: a reader knows from
        /// its own question which answer it is.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Answer {
            $($(#[$doc])* $answer($answer),)*
            /// An answer that was received. [`Answer::read`] makes the type of it that was asked for.
            #[cfg_attr(feature = "schema", schemars(skip))]
            Unread(Value),
        }

        $(impl From<$answer> for Answer {
            fn from(answer: $answer) -> Self {
                Self::$answer(answer)
            }
        }

        impl Reply for $answer {})*
    };
}

answers! {
    /// To `bot_add`, `bot_rotate_token` and `bot_prepare_token`.
    TokenMade,
    /// To `bot_keep_token`.
    TokenKept,
    /// To `bot_revoke_token`.
    TokensRevoked,
    /// To `bot_disable` and `bot_enable`.
    BotSwitched,
    /// To `bot_remove`.
    BotRemoved,
    /// To `bot_list`.
    BotList,
    /// To `bot_show`.
    BotLine,
    /// To `room_create`, `room_add`, `room_kick` and `room_retain`.
    Done,
    /// To `redact`.
    EntryRedacted,
    /// To `room_remove`.
    RoomRemoved,
    /// To `room_list`.
    RoomList,
    /// To `room_show`.
    RoomLine,
    /// To `pending`.
    PendingList,
    /// To `observe`.
    Observing,
    /// To `hub_status`.
    HubNumbers,
    /// To `invite_create`.
    InviteMade,
    /// To `invite_list`.
    InviteList,
    /// To `invite_revoke`.
    InviteRevoked,
    /// To `bot_set`.
    BotProfile,
    /// To `audit`.
    AuditList,
    /// To `pause`.
    PauseLine,
    /// To `resume`.
    Resumed,
    /// To `pause_list`.
    PauseList,
}

impl Answer {
    /// The answer as the type that the question says.
    ///
    /// # Errors
    ///
    /// The answer is none of that type.
    pub fn read<A: Reply>(self) -> Result<A, serde_json::Error> {
        A::deserialize(self.into_json())
    }

    /// The answer as JSON, with every field that the hub sent.
    ///
    /// # Panics
    ///
    /// Never: answers hold nothing that JSON cannot express.
    #[must_use]
    pub fn into_json(self) -> Value {
        match self {
            Self::Unread(json) => json,
            known => serde_json::to_value(known)
                .expect("an answer is made of strings, numbers and lists"),
        }
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::Unread)
    }
}
