//! A conversation: all acts with one request id, and what has become of it.
//!
//! Owns who may change its status, and when it is overdue. Never reads a clock; the shape is that
//! of v0.1's state file, and fields that we do not know stay in it.

use std::collections::BTreeSet;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use super::object::{Object, raw};
use super::stamp::{parse_stamp, write_stamp};
use super::{Kind, Message};
use crate::time::Timestamp;
use crate::work::spend;

const MINUTE_MS: u64 = 60_000;

/// How long a conversation waits for an answer to a message of this type.
pub fn timeout_ms(message_type: &str) -> u64 {
    let minutes = match Kind::parse(message_type) {
        Some(Kind::Clarify) => 10,
        Some(Kind::Broadcast) => 5,
        Some(Kind::Request | Kind::Handoff | Kind::Response) | None => 30,
    };
    minutes * MINUTE_MS
}

/// Something that was recorded although it is odd.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A second REQUEST or BROADCAST opens a conversation that there is.
    #[error("duplicate RequestId `{id}`: `{from}` opens a conversation that exists")]
    Duplicate {
        /// The conversation.
        id: String,
        /// Who sent the second one.
        from: String,
    },
    /// Somebody who is no party to a conversation speaks in it.
    #[error("`{from}` is no party to `{id}`: the {kind} is recorded and changes nothing")]
    NotAsked {
        /// The conversation.
        id: String,
        /// Who spoke.
        from: String,
        /// What it was.
        kind: String,
    },
}

/// One line of a conversation's history: a message, or the end of waiting (`TIMEOUT`). Other
/// programs may have written others, so anything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are those of the state file")]
pub struct Event {
    #[serde(rename = "type")]
    pub kind: String,
    pub from: String,
    pub to: String,
    pub status: Option<String>,
    pub at: String,
    pub content: Option<String>,
    pub reason: Option<String>,
}

/// A message as it is written into the history.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    from: &'a str,
    to: &'a str,
    status: Option<&'a str>,
    at: String,
    content: Option<String>,
}

/// The end of waiting as it is written into the history.
#[derive(Serialize)]
struct TimedOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    reason: &'a str,
    at: &'a str,
}

/// What has become of the acts with one request id.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The type of its first message.
    pub kind: String,
    /// Who was asked.
    pub to: String,
    /// Who asked.
    pub from: String,
    /// What was asked.
    pub task: Option<String>,
    /// `open`, `clarifying`, `done`, `partial`, `failed` or `timeout`.
    pub status: String,
    /// The depth of its first message, a number.
    pub depth: Box<RawValue>,
    /// When it was first heard of, in ISO 8601.
    pub created_at: String,
    /// When a party to it last spoke.
    pub updated_at: String,
    /// The type of that message.
    pub last_type: Option<String>,
    /// Everything that was said, in order; [`Conversation::events`] reads it.
    pub history: Vec<Box<RawValue>>,
    /// Fields that we do not know.
    extra: Object,
}

impl Serialize for Conversation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry("to", &self.to)?;
        map.serialize_entry("from", &self.from)?;
        map.serialize_entry("task", &self.task)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("depth", &self.depth)?;
        map.serialize_entry("createdAt", &self.created_at)?;
        map.serialize_entry("updatedAt", &self.updated_at)?;
        if let Some(last_type) = &self.last_type {
            map.serialize_entry("lastType", last_type)?;
        }
        map.serialize_entry("history", &self.history)?;
        for (name, value) in &self.extra.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Conversation {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::from_object(Object::deserialize(input)?).map_err(de::Error::custom)
    }
}

impl Conversation {
    fn from_object(mut object: Object) -> Result<Self, serde_json::Error> {
        let mut text = |name: &str| object.take::<String>(name);
        let required = |text: Option<String>, name| {
            text.ok_or_else(|| de::Error::custom(format_args!("there is no `{name}`")))
        };
        Ok(Self {
            kind: required(text("type")?, "type")?,
            to: text("to")?.unwrap_or_default(),
            from: text("from")?.unwrap_or_default(),
            task: text("task")?,
            status: required(text("status")?, "status")?,
            created_at: text("createdAt")?.unwrap_or_default(),
            updated_at: text("updatedAt")?.unwrap_or_default(),
            last_type: text("lastType")?,
            depth: object.take("depth")?.unwrap_or_else(|| raw(&1)),
            history: object.take("history")?.unwrap_or_default(),
            extra: object,
        })
    }

    /// What was said, as far as it is legible.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        self.history.iter().filter_map(|event| {
            spend(event.get().len());
            serde_json::from_str(event.get()).ok()
        })
    }

    /// The conversation that `message` opens.
    pub fn open(message: &Message, now: Timestamp) -> Self {
        let at = write_stamp(now);
        let mut conversation = Self {
            kind: message.kind.clone(),
            to: message.to.clone(),
            from: message.from.clone(),
            task: message.subject(),
            status: "open".to_owned(),
            depth: raw(&message.depth.map_or(1, |depth| depth.current)),
            created_at: at.clone(),
            updated_at: at,
            last_type: Some(message.kind.clone()),
            history: Vec::new(),
            extra: Object::default(),
        };
        if message.is(Kind::Response) {
            conversation.status = closing_status(message);
        }
        conversation.record(message, now);
        conversation
    }

    /// Takes in one more message. It is always recorded; only the parties move anything.
    pub fn hear(&mut self, message: &Message, now: Timestamp) -> Option<Warning> {
        let id = message.request_id.clone();
        let (from, kind) = (message.from.clone(), message.kind.clone());
        let is_asked = self.is_asked(&message.from);
        if !is_asked && !same(&message.from, &self.from) {
            self.record(message, now);
            return Some(Warning::NotAsked { id, from, kind });
        }
        let opens = [Kind::Request, Kind::Broadcast].into_iter().any(|kind| message.is(kind));
        if message.is(Kind::Clarify) {
            self.status = "clarifying".to_owned();
        } else if message.is(Kind::Response) && is_asked {
            self.status = closing_status(message);
        } else if message.is(Kind::Response) && self.status == "clarifying" {
            // The asker answers the question; the answer that was asked for is still owed.
            self.status = "open".to_owned();
        }
        self.updated_at = write_stamp(now);
        self.last_type = Some(kind);
        self.record(message, now);
        opens.then_some(Warning::Duplicate { id, from })
    }

    /// Stops waiting.
    pub fn time_out(&mut self, reason: &str, now: Timestamp) {
        let at = write_stamp(now);
        self.status = "timeout".to_owned();
        self.updated_at.clone_from(&at);
        self.history.push(raw(&TimedOut { kind: "TIMEOUT", reason, at: &at }));
    }

    /// Whether an answer is still awaited.
    pub fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "open" | "clarifying")
    }

    /// When waiting ends, for an open conversation with a legible date.
    pub fn deadline(&self) -> Option<Timestamp> {
        let last_type = self.last_type.as_deref().unwrap_or(&self.kind);
        let updated_at = parse_stamp(&self.updated_at).filter(|_| self.is_open())?;
        Some(updated_at + timeout_ms(last_type))
    }

    /// Milliseconds since a party last spoke.
    pub fn age_ms(&self, now: Timestamp) -> Option<u64> {
        parse_stamp(&self.updated_at).map(|updated_at| now.since(updated_at))
    }

    /// Whether `name` owes an answer: who was addressed first, and whoever it was handed to by a
    /// party. What was said to all, all may answer; of a conversation that we know only by its
    /// answer, whoever gave it may give more.
    fn is_asked(&self, name: &str) -> bool {
        if same(&self.to, "all") || (self.kind == Kind::Response.as_str() && same(&self.from, name))
        {
            return true;
        }
        let mut asked = BTreeSet::from([plain(&self.to)]);
        for Event { kind, from, to, .. } in self.events() {
            let by_party = same(&from, &self.from) || asked.contains(&plain(&from));
            if kind == Kind::Handoff.as_str() && by_party {
                asked.insert(plain(&to));
            }
        }
        asked.contains(&plain(name))
    }

    fn record(&mut self, message: &Message, now: Timestamp) {
        self.history.push(raw(&Said {
            kind: &message.kind,
            from: &message.from,
            to: &message.to,
            status: message.status.as_deref(),
            at: write_stamp(now),
            content: message.content(),
        }));
    }
}

fn closing_status(message: &Message) -> String {
    message.status.clone().filter(|status| !status.is_empty()).unwrap_or_else(|| "done".to_owned())
}

/// Names are compared without case, as the hub does.
fn same(one: &str, other: &str) -> bool {
    one == other || plain(one) == plain(other)
}

fn plain(name: &str) -> String {
    name.trim_start_matches('@').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of `minute from kind to [status]`, and then the status and the deadline's minute.
    #[track_caller]
    fn check(script: &str, status: &str, deadline: Option<u64>) {
        let mut conversation: Option<Conversation> = None;
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let now = Timestamp(words[0].parse::<u64>().unwrap() * MINUTE_MS);
            let message = Message {
                kind: words[2].to_owned(),
                to: words[3].to_owned(),
                from: words[1].to_owned(),
                request_id: "a-1".to_owned(),
                status: words.get(4).map(|status| (*status).to_owned()),
                ..Message::default()
            };
            match &mut conversation {
                None => conversation = Some(Conversation::open(&message, now)),
                Some(conversation) => drop(conversation.hear(&message, now)),
            }
        }
        let conversation = conversation.unwrap();
        assert_eq!(conversation.status, status, "{script}");
        let deadline = deadline.map(|minute| Timestamp(minute * MINUTE_MS));
        assert_eq!(conversation.deadline(), deadline, "{script}");
    }

    #[test]
    fn a_request_is_open_until_it_is_answered() {
        check("0 ann REQUEST ben", "open", Some(30));
        check("0 ann REQUEST ben\n1 ben RESPONSE ann", "done", None);
        check("0 ann REQUEST ben\n1 ben RESPONSE ann partial", "partial", None);
        check("0 ann REQUEST ben\n1 Ben RESPONSE ann failed", "failed", None);
        check("0 ben RESPONSE ann", "done", None);
    }

    #[test]
    fn the_deadline_follows_from_the_last_message() {
        check("0 ann REQUEST ben\n7 ben CLARIFY ann", "clarifying", Some(17));
        check("0 ann BROADCAST all", "open", Some(5));
        check("0 ann REQUEST ben\n9 ben HANDOFF cat", "open", Some(39));
    }

    #[test]
    fn the_answer_to_a_question_does_not_close_what_was_asked() {
        let script = "0 ann REQUEST ben\n1 ben CLARIFY ann\n2 ann RESPONSE ben";
        check(script, "open", Some(32));
        check(&format!("{script}\n3 ben RESPONSE ann"), "done", None);
    }

    #[test]
    fn only_who_was_asked_closes_a_conversation() {
        check("0 ann REQUEST ben\n9 eve RESPONSE ann", "open", Some(30));
        check("0 ann REQUEST ben\n9 eve CLARIFY ann", "open", Some(30));
        check("0 ann REQUEST ben\n9 eve HANDOFF eve\n10 eve RESPONSE ann", "open", Some(30));
        check("0 ann REQUEST ben\n1 ben HANDOFF cat\n2 cat RESPONSE ann", "done", None);
        check("0 ann BROADCAST all\n1 eve RESPONSE ann", "done", None);
    }

    #[test]
    fn a_duplicate_is_recorded_with_a_warning() {
        let request = Message {
            kind: "REQUEST".into(),
            to: "ben".into(),
            from: "ann".into(),
            request_id: "a-1".into(),
            ..Message::default()
        };
        let mut conversation = Conversation::open(&request, Timestamp(0));
        let warning = conversation.hear(&request, Timestamp(1)).unwrap().to_string();
        assert_eq!(warning, "duplicate RequestId `a-1`: `ann` opens a conversation that exists");
        assert_eq!(conversation.history.len(), 2);
        let stranger = Message { from: "eve".into(), ..request };
        let warning = conversation.hear(&stranger, Timestamp(2)).unwrap().to_string();
        let expected = "`eve` is no party to `a-1`: the REQUEST is recorded and changes nothing";
        assert_eq!(warning, expected);
    }
}
