//! When entries expire.
//!
//! Owns the order of the times. What happens at such a time is the delivery's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bot_protocol::id::MessageId;
use bot_protocol::time::Timestamp;

use crate::entry::Entry;
use crate::index::{BotIx, RoomIx};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expiry {
    pub(crate) at: Timestamp,
    pub(crate) room: RoomIx,
    pub(crate) seq: u64,
    pub(crate) from: BotIx,
    pub(crate) id: MessageId,
}

/// What expires when.
#[derive(Debug, Default)]
pub(crate) struct Expiries(BinaryHeap<Reverse<Expiry>>);

impl Expiries {
    pub(crate) fn add(&mut self, room: RoomIx, entry: &Entry, from: BotIx) {
        if let Some(at) = entry.draft.expires_at() {
            let (seq, id) = (entry.seq, entry.draft.id.clone());
            self.0.push(Reverse(Expiry { at, room, seq, from, id }));
        }
    }

    /// An entry of an earlier start expires.
    pub(crate) fn restore(&mut self, expiry: Expiry) {
        self.0.push(Reverse(expiry));
    }

    /// Takes out one that is due.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<Expiry> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop().map(|Reverse(expiry)| expiry)
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.peek().map(|Reverse(expiry)| expiry.at)
    }
}
