//! What the governor is told.
//!
//! Owns the shape of one message as far as it matters here.

use crate::index::{BotIx, RoomIx};

/// A message that was committed.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Its room.
    pub room: RoomIx,
    /// Its number there.
    pub seq: u64,
    /// Who said it.
    pub from: BotIx,
    /// On whose account.
    pub by: By,
    /// What its sender has been handed in this room; `None` if it may not read there.
    pub heard: Option<Heard>,
    /// How many others are members of the room.
    pub others: u32,
    /// Its id.
    pub id: &'a str,
    /// The id of what it answers, if it says so.
    pub reply_to: Option<&'a str>,
    /// What made the sender say it.
    pub cause: Cause,
    /// Its sender wants no answer to it.
    pub notice: bool,
    /// What was said.
    pub text: &'a str,
}

/// On whose account a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A person, by its token; never by a claim of the message.
    Person,
    /// A bot. It counts for `payer`: itself, or who invited it.
    Bot {
        /// For whom it counts.
        payer: BotIx,
    },
}

/// What a bot has been handed in a room: all entries of others after the first number up to the second one. While
/// it is paused the second one stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The room's head when it joined.
    pub after: u64,
    /// The newest entry that its connection was handed.
    pub to: u64,
}

/// What a client says made it say something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// It does not name causes.
    #[default]
    Unknown,
    /// It does, and names none: a timer, a person elsewhere.
    Nothing,
    /// This entry.
    Entry {
        /// In which room.
        room: RoomIx,
        /// Its number.
        seq: u64,
        /// What the client has been handed there.
        heard: Heard,
    },
}
