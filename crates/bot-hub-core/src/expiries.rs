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
pub(crate) struct Expiries {
    heap: BinaryHeap<Reverse<Expiry>>,
    /// How many were of rooms that are there when that was looked at last.
    kept: usize,
}

/// So few are not worth a look.
const FEW: usize = 1_024;

impl Expiries {
    pub(crate) fn add(&mut self, room: RoomIx, entry: &Entry, from: BotIx) {
        if let Some(at) = entry.draft.expires_at() {
            let (seq, id) = (entry.seq, entry.draft.id.clone());
            self.heap.push(Reverse(Expiry { at, room, seq, from, id }));
        }
    }

    /// An entry of an earlier start expires.
    pub(crate) fn restore(&mut self, expiry: Expiry) {
        self.heap.push(Reverse(expiry));
    }

    /// Forgets entries of rooms that are gone, once they may be half of all: a room may go long before what
    /// was said in it expires.
    pub(crate) fn forget_gone(&mut self, is_there: impl Fn(RoomIx) -> bool) {
        if self.heap.len() >= (2 * self.kept).max(FEW) {
            self.heap.retain(|Reverse(it)| is_there(it.room));
            self.kept = self.heap.len();
        }
    }

    /// Takes out one that is due.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<Expiry> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(expiry)| expiry)
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse(expiry)| expiry.at)
    }
}
