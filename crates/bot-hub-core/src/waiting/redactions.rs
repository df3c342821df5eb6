//! Redactions on their way to the store, and those that an answer of the store may not know yet.
//!
//! Owns two facts: which entry is being redacted, so that it is redacted once; and what was redacted while
//! pages were on their way from the store, which may still hold the text. Never keeps a text.

use std::collections::BTreeMap;
use std::sync::Arc;

use bot_protocol::frame::server::Redacted;
use smol_str::SmolStr;

use crate::change::Answer;
use crate::index::RoomIx;
use crate::io::{ConnId, Ticket};

/// An operator that waits for an answer: its connection, and the `ref` of its request.
type Asker = (ConnId, SmolStr);

/// What an operator wants to be redacted.
#[derive(Debug)]
pub(crate) struct RedactWish {
    pub(crate) reference: SmolStr,
    pub(crate) room: RoomIx,
    pub(crate) seq: u64,
    pub(crate) why: Option<SmolStr>,
}

#[derive(Debug, Default)]
pub(crate) struct Redactions {
    /// By entry: who asked for the same afterwards.
    under_way: BTreeMap<(RoomIx, u64), Vec<Asker>>,
    /// Pages that were asked for up to this ticket may hold what was redacted since.
    hidden: Vec<(Ticket, Redacted)>,
}

impl Redactions {
    /// Who else waits for the redaction of this entry, if that is on its way.
    pub(crate) fn under_way(&mut self, room: RoomIx, seq: u64) -> Option<&mut Vec<Asker>> {
        self.under_way.get_mut(&(room, seq))
    }

    pub(crate) fn begin(&mut self, room: RoomIx, seq: u64) {
        self.under_way.insert((room, seq), Vec::new());
    }

    /// It is stored, or refused. Returns who else waited for it.
    pub(crate) fn end(&mut self, room: RoomIx, seq: u64) -> Vec<Asker> {
        self.under_way.remove(&(room, seq)).unwrap_or_default()
    }

    /// No answer to a question up to `newest` may show the text any more.
    pub(crate) fn hide(&mut self, newest: Ticket, redacted: &Redacted) {
        self.hidden.push((newest, redacted.clone()));
    }

    /// Takes out of an answer what was redacted since the question.
    pub(crate) fn cover(&self, ticket: Ticket, answer: &mut Answer) {
        let Answer::Page(page) = answer else { return };
        for (_, it) in self.hidden.iter().filter(|(newest, _)| ticket <= *newest) {
            let shown = page.entries.iter_mut();
            let shown = shown.filter(|entry| entry.seq == it.seq && entry.draft.room == it.room);
            for entry in shown.filter(|entry| entry.draft.redaction().is_none()) {
                entry.draft = Arc::new(entry.draft.redact(it.redacted.clone()));
            }
        }
    }

    /// Every question before `oldest` is answered.
    pub(crate) fn forget(&mut self, oldest: impl FnOnce() -> Option<Ticket>) {
        if self.hidden.is_empty() {
            return;
        }
        let oldest = oldest();
        self.hidden.retain(|(newest, _)| oldest.is_some_and(|oldest| oldest <= *newest));
    }
}
