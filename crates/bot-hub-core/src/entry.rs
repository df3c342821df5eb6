//! What is in a room's log.
//!
//! Owns the shape of an entry before and after it has a place in the log. Never changes one: from the
//! moment it is read off the wire it is shared, not copied.

use std::sync::Arc;

use bot_protocol::frame::Opaque;
use bot_protocol::frame::server::{REDACTED, Redacted, Redaction};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

/// Something that a bot said, before the store has given it a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where it goes.
    pub room: RoomName,
    /// The authenticated sender.
    pub from: BotId,
    /// The sender's idempotency key, or one that the hub made.
    pub id: MessageId,
    /// What was said, as it was read off the wire: drafts are shared, so their text need not be.
    pub text: String,
    /// When the hub took it.
    pub sent_at: Timestamp,
    /// The parts that most messages do not have.
    pub extras: Option<Box<Extras>>,
}

/// The optional parts of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The sender's label.
    pub thread: Option<String>,
    /// From then on it is not delivered any more.
    pub expires_at: Option<Timestamp>,
    /// The message as a structured act.
    pub act: Option<Opaque>,
    /// Whatever else the sender attached.
    pub meta: Option<Opaque>,
    /// What was said is gone: the text is a marker, and there is no act, meta or label.
    pub redacted: Option<Redaction>,
}

impl Draft {
    /// When it stops being worth delivering.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.extras.as_ref().and_then(|extras| extras.expires_at)
    }

    /// Who took out what was said.
    pub fn redaction(&self) -> Option<&Redaction> {
        self.extras.as_ref().and_then(|extras| extras.redacted.as_ref())
    }

    /// The message without what was said. What the log needs stays: who said it where and when, which message
    /// it answers, and until when it is delivered.
    #[must_use]
    pub fn redact(&self, redaction: Redaction) -> Self {
        let extras = Extras {
            reply_to: self.extras.as_ref().and_then(|extras| extras.reply_to.clone()),
            expires_at: self.expires_at(),
            redacted: Some(redaction),
            ..Extras::default()
        };
        Self {
            room: self.room.clone(),
            from: self.from.clone(),
            id: self.id.clone(),
            text: REDACTED.to_owned(),
            sent_at: self.sent_at,
            extras: Some(Box::new(extras)),
        }
    }

    /// What others are told of its redaction, as the entry with this number.
    #[must_use]
    pub fn told_of(&self, seq: u64, redacted: Redaction) -> Redacted {
        let (room, id, from) = (self.room.clone(), self.id.clone(), self.from.clone());
        Redacted { room, seq, id, from, redacted }
    }

    /// Whether `other` is this message again: room, sender, id and body are the same. The time is not
    /// part of it, since a retransmission arrives later.
    ///
    /// This is the one place that decides so. Whoever meets an id again asks here: every store, and
    /// through the store the brain. What was said by a redacted message only a store can tell.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.room == other.room
            && self.from == other.from
            && self.id == other.id
            && self.text == other.text
            && self.said_besides() == other.said_besides()
    }

    /// The extras; those without anything in them are none.
    fn said_besides(&self) -> Option<&Extras> {
        self.extras.as_deref().filter(|extras| **extras != Extras::default())
    }

    /// Bytes of what the sender chose, as they go over a socket: a line break there is two, a control six.
    /// What flow control counts.
    pub fn wire_size(&self) -> usize {
        self.size().max(self.text.len()) + escapes(&self.text)
    }

    /// Bytes of what the sender chose: text, act and meta. What retention counts.
    pub fn size(&self) -> usize {
        if self.redaction().is_some() {
            return 0;
        }
        let raw = |json: &Option<Opaque>| json.as_ref().map_or(0, |json| json.as_json().len());
        let extras = self.extras.as_ref().map_or(0, |it| raw(&it.act) + raw(&it.meta));
        self.text.len() + extras
    }
}

/// A message with its place in the log: committed, and the same for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the room: from 1, each one more than the one before.
    pub seq: u64,
    /// What was said.
    pub draft: Arc<Draft>,
}

/// How much longer a text is as a JSON string. Without an early end, so that the compiler makes vector
/// instructions of it.
fn escapes(text: &str) -> usize {
    let more = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.bytes().fold(0, |sum, byte| sum + more(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let json = |text: &str| Some(Opaque::from_json(text.to_owned()).unwrap());
        let extras = Extras { act: json("123"), meta: json("12345"), ..Extras::default() };
        Draft {
            room: RoomName::new("lab").unwrap(),
            from: BotId::new("ana").unwrap(),
            id: MessageId::new("m1").unwrap(),
            text: "hello".into(),
            sent_at: Timestamp(1),
            extras: Some(Box::new(extras)),
        }
    }

    #[test]
    fn an_id_is_bound_to_everything_that_was_said_but_not_to_when() {
        let said = draft();
        assert!(said.says_the_same(&Draft { sent_at: Timestamp(2), ..draft() }));
        let others = [
            Draft { room: RoomName::new("den").unwrap(), ..draft() },
            Draft { from: BotId::new("bob").unwrap(), ..draft() },
            Draft { id: MessageId::new("m2").unwrap(), ..draft() },
            Draft { text: "goodbye".into(), ..draft() },
            Draft { extras: None, ..draft() },
        ];
        for other in others {
            assert!(!said.says_the_same(&other) && !other.says_the_same(&said), "{other:?}");
        }
    }

    #[test]
    fn extras_without_anything_in_them_are_none() {
        let plain = Draft { extras: None, ..draft() };
        let empty = Draft { extras: Some(Box::default()), ..draft() };
        assert!(plain.says_the_same(&empty) && empty.says_the_same(&plain));
    }

    #[test]
    fn an_entry_is_as_large_as_what_its_sender_chose() {
        assert_eq!(draft().size(), 5 + 3 + 5);
        assert_eq!(Draft { extras: None, ..draft() }.size(), 5);
    }

    #[test]
    fn what_goes_over_a_socket_is_as_long_as_json_makes_it() {
        for text in ["hello", "a\nb", "\"\\\t", "\u{1}\u{0}\u{1f}\u{7f}", "é😀\u{8}"] {
            let draft = Draft { extras: None, text: text.into(), ..draft() };
            assert_eq!(
                draft.wire_size() + 2,
                serde_json::to_string(text).unwrap().len(),
                "{text:?}"
            );
        }
    }
}
