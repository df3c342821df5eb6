//! What the hub sends to a bot.
//!
//! Owns the types of these frames, and which of their fields hold words that a newer hub may add to. The
//! order of fields is part of the seed's promise: `type` first, then the seed's fields, then ours.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::answer::Answer;
pub use super::beat::{Beat, Pong, Slowed};
use super::client::BotState;
pub use super::directory::{BotDirectory, BotInfo, RoomDirectory, RoomInfo};
pub use super::error::ErrorFrame;
use super::json::{write_count, write_string};
pub use super::pause::Pause;
pub use super::reason::{GapReason, GoingAwayReason};
pub use super::redaction::{REDACTED, Redacted, Redaction};
use super::{FrameError, Opaque, frame_type, frames};
use crate::id::{Epoch, MessageId, Position};
use crate::limits::Limits;
use crate::name::{BotId, RoomName};
use crate::receipt::ReceiptState;
use crate::right::Granted;
use crate::time::Timestamp;
use crate::word::Open;

frames! {
    /// A frame from the hub.
    ServerFrame {
        /// The token was accepted.
        "auth_ok" => AuthOk(AuthOk),
        /// The room was entered.
        "joined" => Joined(Joined),
        /// The membership ended.
        "left" => Left(Left),
        /// An entry of a room.
        "message" => Message(Delivery),
        /// A message is stored.
        "ack" => Ack(Ack),
        /// What became of a message of yours.
        "receipt" => Receipt(Receipt),
        /// The same happened to a range of your messages.
        "receipts" => Receipts(RangeReceipt),
        /// What another bot is doing.
        "presence" => Presence(Presence),
        /// Another bot is composing something.
        "typing" => Typing(Typing),
        /// A page of a room's log.
        "history" => History(HistoryPage),
        /// What became of a message.
        "status" => Status(StatusReport),
        /// The rooms that you may see.
        "rooms" => Rooms(RoomDirectory),
        /// Bots.
        "who" => Who(BotDirectory),
        /// What an entry said was taken out of its room's log.
        "redacted" => Redacted(Redacted),
        /// Something was dropped before you could read it.
        "gap" => Gap(Gap),
        /// The connection is about to end.
        "going_away" => GoingAway(GoingAway),
        /// A frame of yours was refused.
        "error" => Error(ErrorFrame),
        /// The hub asks whether you are there.
        "ping" => Ping(Beat),
        /// The answer to `ping`.
        "pong" => Pong(Pong),
        /// The answer to `operate`.
        "operated" => Operated(Operated),
        /// What is for this bot waits until somebody resumes it, or waits no more.
        "pause" => Pause(Pause),
    }
}

impl ServerFrame {
    /// Parses a frame from a hub; `Ok(None)` is a type from a newer hub, to be ignored.
    pub fn decode(json: &[u8]) -> Result<Option<Self>, FrameError> {
        let kind = frame_type(json).map_err(|error| error.in_frame(json))?;
        Self::decode_as(&kind, json)
    }

    /// Appends the frame as JSON text.
    ///
    /// # Panics
    ///
    /// Never: frames hold nothing that JSON cannot express.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ack(ack) => ack.write(out),
            other => serde_json::to_writer(out, other)
                .expect("a frame is made of strings, numbers and lists"),
        }
    }

    /// Replaces words that the receiver does not know by the nearest older ones. `knows` says which
    /// capabilities it has.
    pub fn limit_to(&mut self, knows: impl Fn(&str) -> bool + Copy) {
        match self {
            Self::AuthOk(ok) => {
                for room in ok.rooms.iter_mut().flatten() {
                    limit_rights(&mut room.can, knows);
                }
            }
            Self::Joined(joined) => {
                if let Some(policy) = &mut joined.policy {
                    limit_rights(&mut policy.can, knows);
                }
            }
            Self::Receipt(receipt) => receipt.state.limit_to(knows),
            Self::Receipts(range) => range.state.limit_to(knows),
            Self::Presence(presence) => presence.state.limit_to(knows),
            Self::Status(report) => {
                report.redacted = report.redacted.take().filter(|_| knows("redactions"));
                for recipient in &mut report.recipients {
                    recipient.state.limit_to(knows);
                    recipient.steps.iter_mut().for_each(|step| step.state.limit_to(knows));
                }
            }
            Self::Who(who) => who.bots.iter_mut().for_each(|bot| bot.state.limit_to(knows)),
            Self::Gap(gap) => gap.reason.limit_to(knows),
            Self::GoingAway(going) => going.reason.limit_to(knows),
            Self::Error(error) => error.retry.limit_to(knows),
            Self::Message(message) => message.limit_to(knows),
            Self::History(page) => page.entries.iter_mut().for_each(|it| it.limit_to(knows)),
            Self::Rooms(directory) => {
                if !knows("governor") {
                    directory.rooms.iter_mut().for_each(|room| room.paused = None);
                }
            }
            // No words in these.
            Self::Left(_)
            | Self::Ack(_)
            | Self::Typing(_)
            | Self::Redacted(_)
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Operated(_)
            | Self::Pause(_) => {}
        }
    }
}

fn limit_rights(can: &mut Option<Granted>, knows: impl Fn(&str) -> bool + Copy) {
    for right in can.iter_mut().flat_map(|granted| &mut granted.0) {
        right.limit_to(knows);
    }
}

/// `auth_ok`. A seed client gets none of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuthOk {
    /// Who the token belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotId>,
    /// Name and version of the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<HubInfo>,
    /// Which of the wished `caps` are granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caps: Option<Vec<SmolStr>>,
    /// Bounds to respect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The life of the hub's store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// The hub's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
    /// Memberships, and where this bot stands in each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Vec<Membership>>,
}

/// Name and version of the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HubInfo {
    /// `bot-hub`.
    pub name: SmolStr,
    /// Its version.
    pub version: SmolStr,
}

/// A room that the bot belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Membership {
    /// The room.
    pub room: RoomName,
    /// Up to where this bot has received.
    pub position: Position,
    /// The seq of the room's newest entry.
    pub head: u64,
    /// What it may do there; absent for the usual: reading, posting and requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<Granted>,
}

/// `joined`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Joined {
    /// The room.
    pub room: RoomName,
    /// The other members that are connected.
    pub members: Vec<BotId>,
    /// Up to where this bot has received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The room's rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// The rules of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Policy {
    /// Only an operator admits members.
    pub closed: bool,
    /// What this bot may do there; absent for the usual: reading, posting and requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<Granted>,
}

/// `left`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Left {
    /// The room.
    pub room: RoomName,
    /// Why, when it was not the bot's own wish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<SmolStr>,
    /// How many messages that waited for it are dropped, when it was the bot's own wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

/// `message`: one entry. The seed's fields first; a seed client gets only those, and what it must
/// know besides (`age_ms` when it is late, `lost` when something is missing before it).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delivery {
    /// The room; `dm:<a>:<b>` for a direct message.
    pub room: RoomName,
    /// The authenticated sender.
    pub from: BotId,
    /// What was said.
    pub text: Arc<str>,
    /// The entry's id: deduplicate by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// Its number in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The number of the entry before it, so that a hole is noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<u64>,
    /// When the hub took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The sender's label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<SmolStr>,
    /// When it stops being worth reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The message as a structured act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Opaque>,
    /// Whatever else the sender attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Opaque>,
    /// How many bots a chain of replies has passed through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hops: Option<u32>,
    /// What it said was taken out of the log, and `text` is a marker. Only for the cap `redactions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Redaction>,
    /// How long ago it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// It may have been delivered before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redelivered: bool,
    /// Where it stands in what waited for this bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog: Option<Backlog>,
    /// So many entries before it were dropped (only for clients that do not know `gap`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
}

impl Delivery {
    fn limit_to(&mut self, knows: impl Fn(&str) -> bool) {
        self.redacted = self.redacted.take().filter(|_| knows("redactions"));
    }
}

/// A place in what waited for a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Backlog {
    /// From 1.
    pub index: u64,
    /// How many there were when the bot came back.
    pub total: u64,
}

/// `ack`: the message is committed and survives a crash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ack {
    /// The room.
    pub room: RoomName,
    /// The message's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// Its number in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// To how many other members it was handed live.
    pub delivered: u32,
    /// For how many other members it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued: Option<u32>,
    /// It had been stored before; this is the first answer again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// So many older entries were dropped from full buffers of absent members because of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

impl Ack {
    /// Appends the frame as JSON text: there is one for every message. A name needs no escaping.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { room, id, seq, delivered, queued, duplicate, dropped } = self;
        out.extend_from_slice(br#"{"type":"ack","room":""#);
        out.extend_from_slice(room.as_str().as_bytes());
        out.push(b'"');
        if let Some(id) = id {
            out.extend_from_slice(br#","id":"#);
            write_string(out, id.as_str());
        }
        write_count(out, br#","seq":"#, *seq);
        write_count(out, br#","delivered":"#, Some((*delivered).into()));
        write_count(out, br#","queued":"#, queued.map(u64::from));
        if *duplicate {
            out.extend_from_slice(br#","duplicate":true"#);
        }
        write_count(out, br#","dropped":"#, *dropped);
        out.push(b'}');
    }
}

/// `receipt`: what somebody did with a message of yours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The room.
    pub room: RoomName,
    /// Your message.
    pub id: MessageId,
    /// The recipient.
    pub bot: BotId,
    /// What happened.
    pub state: Open<ReceiptState>,
    /// When, by the hub's clock.
    pub at: Timestamp,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<SmolStr>,
    /// With `answered`: the answer's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<MessageId>,
    /// The same happened to the message for so many recipients more, which are not named one by one;
    /// `status` names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<u32>,
}

/// `receipts`: the same happened to all messages of yours in a stretch of a room, for the same
/// recipients. Only for the cap `ranges`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RangeReceipt {
    /// The room.
    pub room: RoomName,
    /// The first of your messages that it is about.
    pub from_seq: u64,
    /// The last one; whatever you said in between is meant as well.
    pub to_seq: u64,
    /// How many messages of yours those are.
    pub count: u64,
    /// For how many recipients it happened.
    pub recipients: u32,
    /// Some of them; all, where there are few.
    pub bots: Vec<BotId>,
    /// What happened.
    pub state: Open<ReceiptState>,
    /// When, by the hub's clock.
    pub at: Timestamp,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<SmolStr>,
}

/// `presence`: what another bot is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Presence {
    /// The bot.
    pub bot: BotId,
    /// Its state.
    pub state: Open<BotState>,
    /// Its remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<SmolStr>,
    /// Since when.
    pub since: Timestamp,
}

/// `typing`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Typing {
    /// Where.
    pub room: RoomName,
    /// Who.
    pub from: BotId,
}

/// `history`: entries in the order of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryPage {
    /// The room.
    pub room: RoomName,
    /// The entries, oldest first.
    pub entries: Vec<Delivery>,
    /// Whether there is more in the direction that was asked for.
    pub has_more: bool,
    /// Entries that are damaged in the store and withheld, by seq.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrupt: Vec<u64>,
}

/// `status`: a message's life, per recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusReport {
    /// The message.
    pub id: MessageId,
    /// Its room.
    pub room: RoomName,
    /// Its number in the room.
    pub seq: u64,
    /// Its sender.
    pub from: BotId,
    /// When it was stored.
    pub sent_at: Timestamp,
    /// What it said was taken out of the log. Only for the cap `redactions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Redaction>,
    /// Everybody whom it was for.
    pub recipients: Vec<RecipientStatus>,
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
}

/// How far a message got with one recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecipientStatus {
    /// The recipient.
    pub bot: BotId,
    /// The highest rung reached, or the way off the ladder.
    pub state: Open<ReceiptState>,
    /// Every rung that is known, in order.
    pub steps: Vec<Step>,
}

/// One rung that a message reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// The rung.
    pub state: Open<ReceiptState>,
    /// When at the latest, by the hub's clock.
    pub at: Timestamp,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<SmolStr>,
    /// With `answered`: the answer's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<MessageId>,
}

/// `gap`: entries that this bot will never get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gap {
    /// The room.
    pub room: RoomName,
    /// The first of them.
    pub from_seq: u64,
    /// The last of them.
    pub to_seq: u64,
    /// How many.
    pub lost: u64,
    /// Why.
    pub reason: Open<GapReason>,
}

/// `going_away`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoingAway {
    /// Why.
    pub reason: Open<GoingAwayReason>,
    /// When to come back; absent means not by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnect_in_ms: Option<u64>,
}

/// `operated`: the answer to `operate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Operated {
    /// The `ref` of the request.
    #[serde(rename = "ref")]
    pub reference: SmolStr,
    /// What came of it. Which answer that is follows from the operation.
    pub result: Answer,
}
