//! Committed entries as bytes for sockets.
//!
//! Owns the three forms of a `message` frame. A fan-out is encoded once per form, WebSocket header
//! included, and the same bytes go to every reader of that form.

use bot_hub_core::entry::Entry;
use bot_hub_core::io::{Caps, Circumstances};
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::{Backlog, Delivery};

use crate::door::ws;

/// What a reader is shown of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The seed's fields, and what such a client must know all the same.
    Seed,
    /// Every field but `act`.
    Full,
    /// Every field.
    FullWithAct,
}

impl Form {
    pub(super) fn of(plain: bool, caps: Caps) -> Self {
        match (plain, caps.acts) {
            (true, _) => Self::Seed,
            (false, false) => Self::Full,
            (false, true) => Self::FullWithAct,
        }
    }
}

/// Encodes one entry, each form at most once.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    forms: [Vec<u8>; 3],
    json: Vec<u8>,
}

impl Encoder {
    /// Forgets the entry before.
    pub(super) fn begin(&mut self) {
        for form in &mut self.forms {
            form.clear();
        }
    }

    /// The entry as one whole WebSocket frame.
    pub(super) fn bytes(&mut self, entry: &Entry, how: &Circumstances, form: Form) -> &[u8] {
        let bytes = &mut self.forms[form as usize];
        if bytes.is_empty() {
            let frame = ServerFrame::Message(shape(entry, how, form));
            self.json.clear();
            serde_json::to_writer(&mut self.json, &frame)
                .expect("a frame is made of strings, numbers and lists");
            ws::append_text(bytes, &self.json);
        }
        bytes
    }
}

fn shape(entry: &Entry, how: &Circumstances, form: Form) -> Delivery {
    let mut delivery = bot_hub_core::delivery(entry);
    if form == Form::Seed {
        return Delivery {
            age_ms: how.late.then_some(how.age_ms),
            lost: how.lost,
            ..seed_fields(delivery)
        };
    }
    delivery.age_ms = Some(how.age_ms);
    delivery.redelivered = how.redelivered;
    delivery.backlog = how.backlog.map(|(index, total)| Backlog { index, total });
    if form == Form::Full {
        delivery.act = None;
    }
    delivery
}

fn seed_fields(delivery: Delivery) -> Delivery {
    Delivery {
        room: delivery.room,
        from: delivery.from,
        text: delivery.text,
        id: None,
        seq: None,
        prev: None,
        sent_at: None,
        reply_to: None,
        thread: None,
        expires_at: None,
        act: None,
        meta: None,
        hops: None,
        age_ms: None,
        redelivered: false,
        backlog: None,
        lost: None,
    }
}
