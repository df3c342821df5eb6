//! What operators did: which operations are acts, and what is kept of one.
//!
//! Owns the shape of such a record, which is the same in the store and on the wire. No secret has a
//! place in it. Never decides who may do something.

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

use super::operator::{Operation, Retention};
use crate::block::write_stamp;
use crate::name::{BotId, RoomName};
use crate::right::{Granted, Rights};
use crate::time::Timestamp;
use crate::word::{Open, words};

/// Which acts to list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditWish {
    /// Only acts about this bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotId>,
    /// Only acts of this one: a bot, or `config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<SmolStr>,
    /// Only acts from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The newest first; otherwise the oldest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub newest: bool,
    /// Goes on after a page: what its `next` was. The first page when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SmolStr>,
    /// So many acts are looked at for one answer; 500 when absent, and never more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of acts. It may hold less than was asked for, or nothing, and still not be the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditList {
    /// The acts.
    pub acts: Vec<AuditLine>,
    /// Records of this page that cannot be read any more. They may be of something else.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damaged: u64,
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "that is how serde passes a field")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One act: who did what, when, from where and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditLine {
    /// From which address; absent where nobody connected for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SmolStr>,
    /// When.
    pub at: Timestamp,
    /// About which bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotId>,
    /// Who: a bot; `config` where the file of the configuration changed; `restore` where a copy became
    /// the store.
    pub by: SmolStr,
    /// With which rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<Granted>,
    /// The program that asked, as it named itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<SmolStr>,
    /// What else is to know about it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<SmolStr>,
    /// The id of which invite; no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<SmolStr>,
    /// What was done: the name of the operation; or `invite_claim`, `config_reload`, `restore`.
    pub operation: SmolStr,
    /// What became of it.
    pub outcome: Open<ActOutcome>,
    /// In which rooms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomName>,
    /// How it came to the hub.
    pub via: Open<ActWay>,
    /// Why, as whoever did it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<SmolStr>,
}

words! {
    /// How an act came to the hub.
    pub enum ActWay {
        /// In an `operate` frame.
        Frame = "frame",
        /// In a request over HTTP.
        Http = "http",
        /// By the code of an invite.
        Invite = "invite",
        /// The file of the configuration changed while the hub ran.
        Config = "config",
        /// By a command on the data directory, while no hub ran.
        Command = "command",
    }
}

words! {
    /// What became of an act.
    pub enum ActOutcome {
        /// It is stored, together with this record.
        Done = "done",
        /// The hub does it. It stores nothing but this record.
        Applied = "applied",
    }
}

/// What an operation does, and to whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Act {
    /// The name of the operation.
    pub operation: &'static str,
    /// About which bot.
    pub bot: Option<BotId>,
    /// In which rooms.
    pub rooms: Vec<RoomName>,
    /// With which rights.
    pub can: Option<Rights>,
    /// The id of which invite.
    pub invite: Option<SmolStr>,
    /// What else is to know about it, for people.
    pub detail: Option<SmolStr>,
}

impl Act {
    fn on_bot(operation: &'static str, bot: &BotId) -> Self {
        Self { operation, bot: Some(bot.clone()), ..Self::default() }
    }

    fn in_room(operation: &'static str, room: &RoomName) -> Self {
        Self { operation, rooms: vec![room.clone()], ..Self::default() }
    }

    fn on(operation: &'static str, room: Option<&RoomName>, bot: Option<&BotId>) -> Self {
        let (rooms, bot) = (room.into_iter().cloned().collect(), bot.cloned());
        Self { operation, bot, rooms, ..Self::default() }
    }

    fn detail(self, detail: Option<SmolStr>) -> Self {
        Self { detail, ..self }
    }

    /// Says so where it names neither a room nor a bot.
    fn or_everything(self) -> Self {
        if self.bot.is_some() || !self.rooms.is_empty() {
            return self;
        }
        let detail = match &self.detail {
            Some(detail) => format_smolstr!("everything, {detail}"),
            None => "everything".into(),
        };
        self.detail(Some(detail))
    }
}

impl Operation {
    /// What it does; `None` where it only reads.
    #[must_use]
    pub fn act(&self) -> Option<Act> {
        Some(match self {
            Self::BotAdd { bot, operator } => {
                Act::on_bot("bot_add", bot).detail(operator.then(|| "an operator".into()))
            }
            Self::BotRotateToken { bot, overlap_ms } => Act::on_bot("bot_rotate_token", bot)
                .detail(overlap_ms.map(|it| format_smolstr!("the old tokens end in {it} ms"))),
            Self::BotPrepareToken { bot } => Act::on_bot("bot_prepare_token", bot),
            Self::BotKeepToken { bot, old_ends_at, .. } => Act::on_bot("bot_keep_token", bot)
                .detail(
                    old_ends_at
                        .map(|at| format_smolstr!("the old tokens end at {}", write_stamp(at))),
                ),
            Self::BotRevokeToken { bot } => Act::on_bot("bot_revoke_token", bot),
            Self::BotDisable { bot } => Act::on_bot("bot_disable", bot),
            Self::BotEnable { bot } => Act::on_bot("bot_enable", bot),
            Self::BotRemove { bot } => Act::on_bot("bot_remove", bot),
            Self::BotSet { bot, about, skills } => Act::on_bot("bot_set", bot)
                .detail(set_fields(about.is_some(), skills.is_some()).map(Into::into)),
            Self::RoomCreate { room, closed } => Act::in_room("room_create", room)
                .detail(Some(if *closed { "closed" } else { "open" }.into())),
            Self::RoomAdd { room, bot, can } => {
                Act { bot: Some(bot.clone()), can: *can, ..Act::in_room("room_add", room) }
            }
            Self::RoomKick { room, bot } => {
                Act { bot: Some(bot.clone()), ..Act::in_room("room_kick", room) }
            }
            Self::RoomRemove { room } => Act::in_room("room_remove", room),
            Self::RoomRetain { room, retain } => {
                Act::in_room("room_retain", room).detail(Some(rule(retain)))
            }
            Self::Redact { room, seq } => {
                Act::in_room("redact", room).detail(Some(format_smolstr!("entry {seq}")))
            }
            Self::InviteCreate(wish) => Act {
                rooms: wish.rooms.clone(),
                can: wish.can,
                ..Act::on_bot("invite_create", &wish.name)
            },
            Self::InviteRevoke { id } => {
                Act { operation: "invite_revoke", invite: Some(id.clone()), ..Act::default() }
            }
            Self::Pause { room, bot, for_ms } => Act::on("pause", room.as_ref(), bot.as_ref())
                .detail(for_ms.map(|it| format_smolstr!("for {it} ms")))
                .or_everything(),
            Self::Resume { room, bot, skip } => Act::on("resume", room.as_ref(), bot.as_ref())
                .detail(skip.then(|| "what waited is skipped".into()))
                .or_everything(),
            Self::BotList(_)
            | Self::BotShow { .. }
            | Self::RoomList(_)
            | Self::RoomShow { .. }
            | Self::Pending { .. }
            | Self::Observe { .. }
            | Self::HubStatus {}
            | Self::InviteList(_)
            | Self::Audit(_)
            | Self::PauseList(_) => return None,
        })
    }
}

fn set_fields(about: bool, skills: bool) -> Option<&'static str> {
    match (about, skills) {
        (true, true) => Some("about, skills"),
        (true, false) => Some("about"),
        (false, true) => Some("skills"),
        (false, false) => None,
    }
}

/// `age_ms 5, entries 7`; `no bound` where nothing bounds what a room keeps.
fn rule(retain: &Retention) -> SmolStr {
    let bounds = [("age_ms", retain.age_ms), ("entries", retain.entries), ("bytes", retain.bytes)];
    let bounds = bounds.into_iter().filter_map(|(name, bound)| Some(format!("{name} {}", bound?)));
    let bounds: Vec<String> = bounds.collect();
    if bounds.is_empty() { "no bound".into() } else { bounds.join(", ").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_says_what_is_done_to_whom_and_no_secret() {
        let check = |json: &str, expected: Option<&str>| {
            let operation: Operation = serde_json::from_str(json).expect(json);
            let told = operation.act().map(|act| {
                let rooms: Vec<&str> = act.rooms.iter().map(RoomName::as_str).collect();
                let bot = act.bot.map_or_else(String::new, |bot| bot.to_string());
                let can = act.can.map_or_else(String::new, |can| format!("can {can}"));
                let (invite, detail) = (act.invite.unwrap_or_default(), act.detail);
                let parts = [act.operation, &bot, &rooms.join("+"), &can, &invite];
                let parts = parts.into_iter().chain(detail.as_deref());
                parts.filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
            });
            assert_eq!(told.as_deref(), expected, "{json}");
        };
        check(r#"{"bot_add":{"bot":"dora"}}"#, Some("bot_add dora"));
        check(r#"{"bot_add":{"bot":"dora","operator":true}}"#, Some("bot_add dora an operator"));
        check(r#"{"bot_list":{}}"#, None);
        check(r#"{"audit":{"since":5}}"#, None);
        check(r#"{"bot_set":{"bot":"dora","about":""}}"#, Some("bot_set dora about"));
        let keep = r#"{"bot_keep_token":{"bot":"dora","token_id":"00ff","old_ends_at":7}}"#;
        check(keep, Some("bot_keep_token dora the old tokens end at 1970-01-01T00:00:00.007Z"));
        check(r#"{"room_remove":{"room":"lab"}}"#, Some("room_remove lab"));
        let retain = r#"{"room_retain":{"room":"lab","retain":{"entries":5}}}"#;
        check(retain, Some("room_retain lab entries 5"));
        check(r#"{"redact":{"room":"lab","seq":7}}"#, Some("redact lab entry 7"));
        let add = r#"{"room_add":{"room":"lab","bot":"dora","can":["read","post"]}}"#;
        check(add, Some("room_add dora lab can read,post"));
        check(r#"{"room_kick":{"room":"lab","bot":"dora"}}"#, Some("room_kick dora lab"));
        let wish = r#"{"invite_create":{"name":"fern","rooms":["lab","den"],"can":["read"]}}"#;
        check(wish, Some("invite_create fern lab+den can read"));
        check(r#"{"invite_revoke":{"id":"inv_01"}}"#, Some("invite_revoke inv_01"));
        check(r#"{"pause":{}}"#, Some("pause everything"));
        check(r#"{"resume":{"skip":true}}"#, Some("resume everything, what waited is skipped"));
        check(r#"{"pause":{"room":"lab","for_ms":5}}"#, Some("pause lab for 5 ms"));
        let skip = r#"{"resume":{"room":"lab","bot":"dora","skip":true}}"#;
        check(skip, Some("resume dora lab what waited is skipped"));
        check(r#"{"pause_list":{}}"#, None);
    }

    #[test]
    fn damaged_records_are_named_only_if_there_are_any() {
        let check = |damaged: u64, expected: &str| {
            let list = AuditList { acts: Vec::new(), damaged, next: None };
            assert_eq!(serde_json::to_string(&list).expect("a list is JSON"), expected);
        };
        check(0, r#"{"acts":[]}"#);
        check(2, r#"{"acts":[],"damaged":2}"#);
    }
}
