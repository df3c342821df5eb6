//! Pauses: for whom cursors stand still, by whom and why.
//!
//! Owns the shape of a pause on the wire and in lists, and how it is told in words. Never decides whom a pause
//! holds.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::name::{BotId, RoomName};
use crate::time::Timestamp;
use crate::word::{Open, words};

words! {
    /// A rule that pauses by itself.
    pub enum PauseRule {
        /// Answers in one conversation, without a person.
        Turns = "turns",
        /// Answers in a row that said nothing new.
        Repetition = "repetition",
        /// Answers within a day.
        Day = "day",
        /// What the answers cost, in millionths of a dollar.
        Money = "money",
    }
}

/// Why something is paused: a rule with its numbers, or what an operator said, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PauseWhy {
    /// In which conversation, as the rule names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<SmolStr>,
    /// How much the rule allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The rule; absent where an operator paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Open<PauseRule>>,
    /// What the operator said, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<SmolStr>,
    /// How much of the limit was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
}

impl PauseWhy {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// For people: `30 of 30 turns`, or the operator's words; nothing where nothing is said.
impl fmt::Display for PauseWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rule) = &self.rule else {
            return f.write_str(self.text.as_deref().unwrap_or_default());
        };
        match (self.used, self.limit) {
            (Some(used), Some(limit)) => write!(f, "{used} of {limit} {}", counted(rule)),
            _ => write!(f, "the rule `{rule}`"),
        }
    }
}

/// What a rule counts, in words.
fn counted(rule: &Open<PauseRule>) -> SmolStr {
    match rule.known() {
        Some(PauseRule::Turns) => "turns without a person".into(),
        Some(PauseRule::Repetition) => "answers in a row without anything new".into(),
        Some(PauseRule::Day) => "answers within a day".into(),
        Some(PauseRule::Money) => "millionths of a dollar".into(),
        None => smol_str::format_smolstr!("by the rule `{rule}`"),
    }
}

/// One pause. Without a room it holds in all rooms, without a bot for all bots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PauseLine {
    /// Which bot; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotId>,
    /// The operator who paused; absent where a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<BotId>,
    /// In which room; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "PauseWhy::is_empty")]
    pub why: PauseWhy,
}

impl PauseLine {
    /// For people: `by ana: TEXT`, `by an operator` where that one is not to be named, or what a rule counted.
    #[must_use]
    pub fn reason(&self) -> SmolStr {
        let why = self.why.to_string();
        match (&self.by, why.as_str()) {
            (None, "") => "by a rule".into(),
            (None, why) => why.into(),
            (Some(by), "") => smol_str::format_smolstr!("by {by}"),
            (Some(by), why) => smol_str::format_smolstr!("by {by}: {why}"),
        }
    }

    /// What it holds, for people: `bob in #lab`, `everything`.
    #[must_use]
    pub fn subject(&self) -> SmolStr {
        match (&self.room, &self.bot) {
            (None, None) => "everything".into(),
            (None, Some(bot)) => smol_str::format_smolstr!("{bot} in all rooms"),
            (Some(room), None) => smol_str::format_smolstr!("all bots in {room}"),
            (Some(room), Some(bot)) => smol_str::format_smolstr!("{bot} in {room}"),
        }
    }
}

/// `pause`: a pause that holds for the bot, or that its connection watches, begins, holds already, or ends.
/// Only for the cap `governor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pause {
    /// In which room; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// Which bot; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotId>,
    /// Whether it holds; otherwise it has ended. Another one may still hold.
    pub on: bool,
    /// The operator who paused; absent where a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<BotId>,
    /// Why.
    #[serde(default, skip_serializing_if = "PauseWhy::is_empty")]
    pub why: PauseWhy,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Pause {
    /// What is said of a pause when it begins or holds (`on`), or ends.
    #[must_use]
    pub fn of(line: &PauseLine, on: bool) -> Self {
        let PauseLine { bot, by, room, since, until, why } = line.clone();
        Self { room, bot, on, by, why, since, until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_words() {
        let check = |json: &str, subject: &str, reason: &str| {
            let line: PauseLine = serde_json::from_str(json).expect(json);
            assert_eq!((line.subject().as_str(), line.reason().as_str()), (subject, reason));
            assert_eq!(serde_json::to_string(&line).expect("a pause is JSON"), json);
        };
        check(r#"{"by":"ana","since":1}"#, "everything", "by ana");
        let loud = r#"{"bot":"bob","by":"ana","since":1,"until":2,"why":{"text":"too loud"}}"#;
        check(loud, "bob in all rooms", "by ana: too loud");
        let turns =
            r#"{"bot":"bob","room":"lab","since":1,"why":{"limit":30,"rule":"turns","used":30}}"#;
        check(turns, "bob in lab", "30 of 30 turns without a person");
        let newer = r#"{"room":"lab","since":1,"why":{"limit":5,"rule":"mood","used":6}}"#;
        check(newer, "all bots in lab", "6 of 5 by the rule `mood`");
        check(
            r#"{"room":"lab","since":1,"why":{"rule":"turns"}}"#,
            "all bots in lab",
            "the rule `turns`",
        );
        check(r#"{"room":"lab","since":1}"#, "all bots in lab", "by a rule");
    }
}
