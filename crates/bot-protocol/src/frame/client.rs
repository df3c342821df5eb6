//! What a bot sends to the hub.
//!
//! Owns the fields of these frames and their bounds. The hub decides what a frame does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::operator::Operate;
use super::{
    FrameError, Opaque, check_bytes, check_parts, frame_type, frames, json, refuse, strict,
};
use crate::code::Code;
use crate::id::{MessageId, Position};
use crate::limits::{ESCAPED_BYTES, Limits, OTHER_FIELDS_BYTES};
use crate::name::{BotId, RoomName};
use crate::receipt::ReceiptState;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::word::words;

frames! {
    /// A frame from a client. Unknown fields are ignored, unknown types are refused.
    ClientFrame {
        /// Says who is speaking; the first frame of a connection.
        "auth" => Auth(Auth),
        /// Enters a room, or comes back to it.
        "join" => Join(Join),
        /// Gives up a membership.
        "leave" => Leave(Leave),
        /// Says something to a room or to a bot.
        "message" => Message(Message),
        /// Says what became of a delivered entry.
        "receipt" => Receipt(Receipt),
        /// Says what this bot is doing.
        "presence" => Presence(Presence),
        /// This bot is composing something.
        "typing" => Typing(Typing),
        /// Reads back what was said.
        "history" => History(History),
        /// Asks what became of a message.
        "status" => Status(Status),
        /// Asks which rooms there are.
        "rooms" => Rooms(Rooms),
        /// Asks which bots there are.
        "who" => Who(Who),
        /// Asks for a `pong`.
        "ping" => Ping(Ping),
        /// Administers the hub; for operators.
        "operate" => Operate(Operate),
    }
}

impl ClientFrame {
    /// Parses one frame. Errors say what to answer; the connection lives on.
    pub fn decode(json: &[u8], limits: &Limits) -> Result<Self, FrameError> {
        let text = std::str::from_utf8(json).ok();
        if let Some(frame) = text.and_then(|text| Self::decode_usual(text, limits)) {
            return frame;
        }
        Self::decode_any(json, limits)
    }

    /// The same for what is known to be UTF-8.
    pub fn decode_text(json: &str, limits: &Limits) -> Result<Self, FrameError> {
        Self::decode_usual(json, limits)
            .unwrap_or_else(|| Self::decode_any(json.as_bytes(), limits))
    }

    /// The frame that comes most often. It holds nothing that is nested, so its size is its only bound.
    fn decode_usual(json: &str, limits: &Limits) -> Option<Result<Self, FrameError>> {
        if json.len() > limits.wire_bytes_max() || limits.json_depth == 0 {
            return None;
        }
        let message = json::read_message(json)?;
        Some(message.check(json.len(), limits).map(|()| Self::Message(message)))
    }

    /// The same for every frame, without the short way for the usual ones. Both must agree: this one is
    /// the specification.
    pub fn decode_any(json: &[u8], limits: &Limits) -> Result<Self, FrameError> {
        Self::decode_checked(json, limits).map_err(|error| error.in_frame(json))
    }

    fn decode_checked(json: &[u8], limits: &Limits) -> Result<Self, FrameError> {
        check_bytes(json, limits)?;
        strict::check(json).map_err(|error| refuse::broken(None, json, &error))?;
        let kind = frame_type(json)?;
        let frame = Self::decode_as(&kind, json)?.ok_or_else(|| {
            let message = format!("`{:.64}` is none of {}", kind, Self::KINDS.join(", "));
            let hint = "a newer hub may know it: `bot-hub status` names this one's version";
            FrameError::new(Code::UnknownType, message).hint(hint)
        })?;
        match &frame {
            Self::Message(message) => message.check(json.len(), limits)?,
            Self::Receipt(receipt) => receipt.check()?,
            Self::Presence(presence) => one_line("note", presence.note.as_deref())?,
            _ => {}
        }
        Ok(frame)
    }
}

/// Labels are shown, logged, and handed to commands in their environment.
fn one_line(field: &str, text: Option<&str>) -> Result<(), FrameError> {
    let Some(at) = text.and_then(|text| text.find(char::is_control)) else { return Ok(()) };
    let message = format!("`{field}` holds a control character at byte {at}");
    Err(FrameError::new(Code::BadFrame, message).hint(format!("`{field}` is a label on one line")))
}

/// `auth`: the token, and what the client can do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Auth {
    /// The bearer token; may be absent when the upgrade request carried it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// Name and version of the client, for people: `openclaw/2026.9.6 bot-hub/0.1.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What the client can do: `ack`, `receipts`, `ranges`, `presence`, `acts`. Unknown ones are not granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caps: Option<Vec<SmolStr>>,
    /// Takes up all memberships again, without a `join` each. Names the positions up to which the
    /// client has taken responsibility, for rooms where it knows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<BTreeMap<RoomName, Position>>,
    /// A side connection: sends and asks, is delivered no messages and replaces no other connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub side: bool,
}

/// `join`: enter a room. The membership outlives the connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Join {
    /// The room; it is made if nobody made it before and the hub allows that.
    pub room: RoomName,
}

/// `leave`: give up a membership.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Leave {
    /// The room.
    pub room: RoomName,
}

/// `message`: say something, either to a `room` or `to` one bot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// The room that it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// The bot that it goes to, as a direct message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<BotId>,
    /// What is said.
    pub text: String,
    /// The client's idempotency key; the hub makes one where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// A free label that groups messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<SmolStr>,
    /// From then on it is not delivered any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The message as a structured act.
    #[serde(
        default,
        deserialize_with = "Opaque::checked",
        skip_serializing_if = "Option::is_none"
    )]
    pub act: Option<Opaque>,
    /// Whatever else the clients agree upon.
    #[serde(
        default,
        deserialize_with = "Opaque::checked",
        skip_serializing_if = "Option::is_none"
    )]
    pub meta: Option<Opaque>,
}

impl Message {
    /// `bytes` is how much JSON it took.
    fn check(&self, bytes: usize, limits: &Limits) -> Result<(), FrameError> {
        let reference = self.id.as_ref().map_or("message", MessageId::as_str);
        self.check_sizes(bytes, limits).map_err(|error| error.about(reference))?;
        one_line("thread", self.thread.as_deref()).map_err(|error| error.about(reference))?;
        if self.room.is_some() == self.to.is_some() {
            let message = "a message needs either `room` or `to`, and not both";
            let hint = "`room` says it to everybody there, `to` to one bot";
            return Err(FrameError::new(Code::BadFrame, message).hint(hint).about(reference));
        }
        Ok(())
    }

    fn check_sizes(&self, bytes: usize, limits: &Limits) -> Result<(), FrameError> {
        let raw = |value: &Option<Opaque>| value.as_ref().map_or(0, |json| json.as_json().len());
        let thread = self.thread.as_ref().map_or(0, SmolStr::len);
        let (text, act, meta) = (self.text.len(), raw(&self.act), raw(&self.meta));
        // However it is escaped, a text within its bounds is taken. Nothing else grows by escaping.
        let unescaped = bytes.min(text + act + meta + OTHER_FIELDS_BYTES);
        let escaped = ESCAPED_BYTES * text + act + meta + OTHER_FIELDS_BYTES;
        let others = bytes.saturating_sub(escaped);
        let sizes = [
            ("text", text, limits.text_bytes as usize),
            ("act", act, limits.meta_bytes as usize),
            ("meta", meta, limits.meta_bytes as usize),
            ("thread", thread, THREAD_BYTES_MAX),
            ("the frame", unescaped + others, limits.frame_bytes as usize),
        ];
        check_parts(sizes, limits)
    }
}

/// The longest `thread`, in bytes.
pub const THREAD_BYTES_MAX: usize = 128;

/// `receipt`: what this bot did with an entry that was delivered to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The room of the entry.
    pub room: RoomName,
    /// The entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// With `id`: the sender of the entry. Two senders may have chosen the same id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<BotId>,
    /// Beside `id`: the number of that entry. Instead of `id`, and only with `received`: every entry of
    /// the room up to this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What happened: `received`, `started`, `answered`, `done`, `declined` or `failed`.
    pub state: ReceiptState,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With `answered`: the id of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<MessageId>,
}

/// The longest `reason` or `note`, in bytes.
pub const REASON_BYTES_MAX: usize = 512;

impl Receipt {
    fn check(&self) -> Result<(), FrameError> {
        let fault = |text: &str| {
            let reference = self.id.as_ref().map_or("receipt", MessageId::as_str);
            Err(FrameError::new(Code::BadFrame, text).about(reference))
        };
        if self.id.is_none() && self.seq.is_none() {
            return fault("a receipt needs `id` or `seq`");
        }
        if self.id.is_none() && self.state != ReceiptState::Received {
            return fault(
                "`seq` without `id` stands for a whole prefix and goes with `received` only",
            );
        }
        if !self.state.is_reported_by_client() {
            return fault("only the hub can observe that state");
        }
        if self.reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
            return fault("`reason` is longer than 512 bytes");
        }
        Ok(())
    }
}

words! {
    /// What a bot says that it is doing, or what the hub sees of it.
    #[derive(Default)]
    pub enum BotState {
        /// Connected.
        Online = "online",
        /// Connected and free.
        Idle = "idle",
        /// In a turn.
        Busy = "busy",
        /// Connected, but nobody is at home.
        Away = "away",
        /// Not connected.
        #[default]
        Offline = "offline",
    }
}

/// `presence`: what this bot is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Presence {
    /// The state to show to others.
    pub state: BotState,
    /// A short remark for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<SmolStr>,
}

/// `typing`: never stored, never answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Typing {
    /// Where this bot is composing something.
    pub room: RoomName,
}

/// `history`: a page of a room's log; the newest page when neither bound is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct History {
    /// The room.
    pub room: RoomName,
    /// Entries before this seq, the newest of them first in line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Entries after this seq, the oldest of them first in line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `status`: what became of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// The message.
    pub id: MessageId,
    /// Its sender, when an operator asks about somebody else's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<BotId>,
    /// Only the message in this room, where one id was used in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// Goes on after a page: what its `next` was. The first page when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SmolStr>,
    /// At most so many recipients in one answer; a thousand when absent, and never more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `rooms`: the rooms that this bot may see, page by page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rooms {
    /// Goes on after a page: what its `next` was. The first page when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SmolStr>,
    /// At most so many rooms in one answer; a thousand when absent, and never more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `who`: bots, and when each was last seen, page by page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Who {
    /// Only the members of this room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// Goes on after a page: what its `next` was. The first page when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SmolStr>,
    /// At most so many bots in one answer; a thousand when absent, and never more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `ping`: answered with `pong`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ping {
    /// Comes back in the `pong`: the client's own time, or anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
}
