//! What the rules are, and what comes out of them.
//!
//! Owns the words of the governor: presets, limits, why something was paused. Counts nothing.

use bot_protocol::time::Timestamp;

use crate::index::{BotIx, RoomIx};

/// How much bots may say to each other in a room without a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// 10 turns: for bots that are new, or expensive.
    Careful,
    /// 30 turns.
    #[default]
    Normal,
    /// 100 turns, and repetition only warns: for long work that nobody watches.
    Long,
    /// Nothing is counted and nothing refused.
    Off,
}

impl Preset {
    /// A bot's answers in one conversation without a person.
    pub fn turns(self) -> u16 {
        match self {
            Self::Careful => 10,
            Self::Normal => 30,
            Self::Long => 100,
            Self::Off => u16::MAX,
        }
    }
}

/// The limits that hold for every room, whatever its preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A bot's answers in a row that say nothing new.
    pub repetition: u8,
    /// A bot's answers beyond the third of a conversation, in one room within 24 hours.
    pub day: u32,
    /// The same in all rooms together.
    pub day_everywhere: u32,
    /// A bot's messages within a minute; 0 for any number.
    pub per_minute: u16,
    /// What a bot may report as spent within 24 hours, in millionths of a US dollar.
    pub usd_micro_per_day: Option<u64>,
    /// A pause by a rule ends by itself after so long, in milliseconds.
    pub resume_after_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            repetition: 6,
            day: 150,
            day_everywhere: 600,
            per_minute: 60,
            usd_micro_per_day: None,
            resume_after_ms: 6 * 3_600_000,
        }
    }
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// One bot's answers in one conversation.
    Turns,
    /// The answers of many bots in one conversation. Stops what goes on under ever new names.
    Conversation,
    /// A bot's messages within a day that it says nothing caused though something had reached it, or that name a cause that
    /// cannot be one.
    Unproven,
    /// Answers in a row without news.
    Repetition,
    /// Answers within a day in one room.
    Day,
    /// Answers within a day in all rooms.
    DayEverywhere,
    /// Money within a day.
    Money,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Turns,
        Self::Conversation,
        Self::Unproven,
        Self::Repetition,
        Self::Day,
        Self::DayEverywhere,
        Self::Money,
    ];

    /// Its name, as clients and operators see it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Conversation => "conversation",
            Self::Unproven => "unproven",
            Self::Repetition => "repetition",
            Self::Day => "day",
            Self::DayEverywhere => "day_everywhere",
            Self::Money => "money",
        }
    }
}

/// A conversation, by the entry that began it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId {
    /// Where it began.
    pub room: RoomIx,
    /// The entry.
    pub seq: u64,
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why {
    /// Which one.
    pub rule: Rule,
    /// So much; for money in millionths of a US dollar.
    pub used: u64,
    /// Of so much.
    pub limit: u64,
    /// In which conversation, for the rules that count in one.
    pub conversation: Option<ConversationId>,
}

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These bots are to be delivered nothing: their cursors stand still.
    Pause(Trip),
    /// A pause by a rule is over: what waits is handed over.
    Resume(Release),
    /// Somebody should look.
    Warn(Warning),
}

/// A limit was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// Where they are paused; `None`: in all rooms.
    pub room: Option<RoomIx>,
    /// Who, in the order of their names' numbers.
    pub bots: Vec<Paused>,
    /// Why.
    pub why: Why,
}

/// A bot of a [`Trip`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    /// The bot.
    pub bot: BotIx,
    /// When the pause ends by itself; `None`: when a person ends it.
    pub until: Option<Timestamp>,
}

/// The end of a pause by a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Where; `None`: in all rooms.
    pub room: Option<RoomIx>,
    /// Who.
    pub bot: BotIx,
    /// Why.
    pub because: Because,
}

/// Why a pause ended without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It was long enough.
    Time,
    /// The bot went on at its pace though nothing was delivered to it: it was not answering.
    Pace,
    /// Those that it answered were released, because they were not answering.
    Alone,
    /// Nothing is counted in the room any more.
    Off,
}

/// A part of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where; `None`: in all rooms.
    pub room: Option<RoomIx>,
    /// Who.
    pub bot: BotIx,
    /// Which limit, and how much.
    pub why: Why,
    /// 50 or 80; 100 where a rule warns and does not pause.
    pub percent: u8,
}

/// A message was refused because its bot says too much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFast {
    /// After so many milliseconds it will be taken.
    pub retry_after_ms: u64,
}

/// The part of a limit that is reached now and was not before: 80, 50, or 0 for none.
pub(super) fn part(used: u64, limit: u64) -> u8 {
    match used.saturating_mul(100) / limit.max(1) {
        0..50 => 0,
        50..80 => 50,
        _ => 80,
    }
}
