//! Committed entries as bytes for sockets.
//!
//! Owns the forms of a `message` frame. A fan-out is encoded once per form and framing, WebSocket
//! header included, and the same bytes go to every reader of both. For one reader the frame is made in
//! its outbox.

use bot_hub_core::entry::Entry;
use bot_hub_core::io::{Caps, Circumstances};
use bot_protocol::frame::Opaque;
use bot_protocol::frame::json::{write_count, write_string};
use bot_protocol::frame::server::Redaction;
use bot_protocol::id::MessageId;

use crate::door::Framing;

/// What a reader is shown of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The seed's fields, and what such a client must know all the same.
    Seed,
    /// Every field but `act` and `redacted`.
    Full,
    /// Every field but `redacted`.
    FullWithAct,
    /// Every field but `act`.
    FullWithRedaction,
    /// Every field.
    Whole,
}

impl Form {
    pub(super) fn of(plain: bool, caps: Caps) -> Self {
        match (plain, caps.acts, caps.redactions) {
            (true, ..) => Self::Seed,
            (false, false, false) => Self::Full,
            (false, true, false) => Self::FullWithAct,
            (false, false, true) => Self::FullWithRedaction,
            (false, true, true) => Self::Whole,
        }
    }

    fn has_act(self) -> bool {
        matches!(self, Self::FullWithAct | Self::Whole)
    }

    fn has_redaction(self) -> bool {
        matches!(self, Self::FullWithRedaction | Self::Whole)
    }
}

/// Encodes one entry, each form at most once.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// By framing, and in each by form.
    framed: [[Vec<u8>; 5]; Framing::COUNT],
}

impl Encoder {
    /// Forgets the entry before.
    pub(super) fn begin(&mut self) {
        for bytes in self.framed.as_flattened_mut() {
            bytes.clear();
        }
    }

    /// The entry as one whole message.
    pub(super) fn bytes(
        &mut self,
        entry: &Entry,
        how: &Circumstances,
        form: Form,
        framing: Framing,
    ) -> &[u8] {
        let bytes = &mut self.framed[framing as usize][form as usize];
        if bytes.is_empty() {
            framing.append_text_by(bytes, |out| write_message(out, entry, how, form));
        }
        bytes
    }
}

/// Writes what `serde_json` makes of a [`Delivery`](bot_protocol::frame::server::Delivery), in its order
/// of fields, without making one. Names need no escaping.
pub(super) fn write_message(out: &mut Vec<u8>, entry: &Entry, how: &Circumstances, form: Form) {
    let draft = &*entry.draft;
    out.extend_from_slice(br#"{"type":"message","room":""#);
    out.extend_from_slice(draft.room.as_str().as_bytes());
    out.extend_from_slice(br#"","from":""#);
    out.extend_from_slice(draft.from.as_str().as_bytes());
    out.extend_from_slice(br#"","text":"#);
    write_string(out, &draft.text);
    if form == Form::Seed {
        write_count(out, br#","age_ms":"#, how.late.then_some(how.age_ms));
        write_count(out, br#","lost":"#, how.lost);
    } else {
        write_more(out, entry, how, form);
    }
    out.push(b'}');
}

/// The fields that no seed client knows.
fn write_more(out: &mut Vec<u8>, entry: &Entry, how: &Circumstances, form: Form) {
    write_field(out, br#","id":"#, Some(entry.draft.id.as_str()));
    write_count(out, br#","seq":"#, Some(entry.seq));
    write_count(out, br#","prev":"#, Some(entry.seq - 1));
    write_count(out, br#","sent_at":"#, Some(entry.draft.sent_at.0));
    if let Some(extras) = &entry.draft.extras {
        write_field(out, br#","reply_to":"#, extras.reply_to.as_ref().map(MessageId::as_str));
        write_field(out, br#","thread":"#, extras.thread.as_deref());
        write_count(out, br#","expires_at":"#, extras.expires_at.map(|at| at.0));
        let act = extras.act.as_ref().filter(|_| form.has_act());
        write_raw(out, br#","act":"#, act);
        write_raw(out, br#","meta":"#, extras.meta.as_ref());
        if let Some(redaction) = extras.redacted.as_ref().filter(|_| form.has_redaction()) {
            write_redaction(out, redaction);
        }
    }
    write_count(out, br#","age_ms":"#, Some(how.age_ms));
    if how.redelivered {
        out.extend_from_slice(br#","redelivered":true"#);
    }
    if let Some((index, total)) = how.backlog {
        write_count(out, br#","backlog":{"index":"#, Some(index));
        write_count(out, br#","total":"#, Some(total));
        out.push(b'}');
    }
}

fn write_redaction(out: &mut Vec<u8>, redaction: &Redaction) {
    write_count(out, br#","redacted":{"at":"#, Some(redaction.at.0));
    write_field(out, br#","by":"#, Some(redaction.by.as_str()));
    write_field(out, br#","why":"#, redaction.why.as_deref());
    out.push(b'}');
}

fn write_field(out: &mut Vec<u8>, key: &[u8], text: Option<&str>) {
    if let Some(text) = text {
        out.extend_from_slice(key);
        write_string(out, text);
    }
}

fn write_raw(out: &mut Vec<u8>, key: &[u8], json: Option<&Opaque>) {
    if let Some(json) = json {
        out.extend_from_slice(key);
        out.extend_from_slice(json.as_json().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bot_hub_core::entry::{Draft, Extras};
    use bot_protocol::frame::ServerFrame;
    use bot_protocol::frame::server::{Backlog, Delivery};
    use bot_protocol::name::{BotId, RoomName};
    use bot_protocol::time::Timestamp;

    use super::*;

    /// What a form shows, as protocol.md says it.
    fn shape(entry: &Entry, how: &Circumstances, form: Form) -> Delivery {
        let mut shown = bot_hub_core::delivery(entry);
        if form == Form::Seed {
            let hidden = r#"{"room":"r","from":"f","text":""}"#;
            let hidden: Delivery = serde_json::from_str(hidden).unwrap();
            let Delivery { room, from, text, .. } = shown;
            let age_ms = how.late.then_some(how.age_ms);
            return Delivery { room, from, text, age_ms, lost: how.lost, ..hidden };
        }
        shown.age_ms = Some(how.age_ms);
        shown.redelivered = how.redelivered;
        shown.backlog = how.backlog.map(|(index, total)| Backlog { index, total });
        shown.act = shown.act.filter(|_| form.has_act());
        shown.redacted = shown.redacted.filter(|_| form.has_redaction());
        shown
    }

    fn entry(text: &str, extras: Option<Extras>) -> Entry {
        let draft = Draft {
            room: RoomName::new("dm:ann:bob").unwrap(),
            from: BotId::new("ann").unwrap(),
            id: MessageId::new(r#"m"\1"#).unwrap(),
            text: text.into(),
            sent_at: Timestamp(1_700_000_000_123),
            extras: extras.map(Box::new),
        };
        Entry { seq: 7, draft: Arc::new(draft) }
    }

    #[test]
    fn every_form_is_written_as_serde_writes_its_shape() {
        let json = |json: &str| Opaque::from_json(json.to_owned()).ok();
        let all = Extras {
            reply_to: MessageId::new("m0").ok(),
            thread: Some("a \"thread\"\n".into()),
            expires_at: Some(Timestamp(5)),
            act: json(r#"{"kind": "REQUEST"}"#),
            meta: json("[1.0, null]"),
            redacted: None,
        };
        let by = BotId::new("op").unwrap();
        let redaction = Redaction { at: Timestamp(7), by, why: Some("a \"key\"".into()) };
        let redacted = entry("a key", Some(all.clone())).draft.redact(redaction);
        let plain = Circumstances::default();
        let late = Circumstances {
            age_ms: 90,
            late: true,
            redelivered: true,
            backlog: Some((2, 3)),
            lost: Some(4),
        };
        for (entry, how) in [
            (entry("hi", None), plain),
            (entry("", Some(Extras::default())), late),
            (entry("\u{0}\u{1f}\" \\ é\n", Some(all)), late),
            (Entry { seq: 7, draft: Arc::new(redacted) }, late),
        ] {
            use Form::{Full, FullWithAct, FullWithRedaction, Seed, Whole};
            for form in [Seed, Full, FullWithAct, FullWithRedaction, Whole] {
                let mut encoder = Encoder::default();
                let expected = ServerFrame::Message(shape(&entry, &how, form)).encode();
                for framing in [Framing::WebSocket, Framing::Sse, Framing::JsonLines] {
                    let mut framed = Vec::new();
                    framing.append_text(&mut framed, expected.as_bytes());
                    let bytes = encoder.bytes(&entry, &how, form, framing);
                    assert_eq!(bytes, framed, "{form:?}: {expected}");
                }
            }
        }
    }
}
