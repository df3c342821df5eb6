//! The history while it happens, shared by everybody who knows something.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::judge::History;
use crate::words::now_us;

/// What happened, and figures about it.
#[derive(Debug, Default)]
pub struct Book {
    /// What is judged.
    pub history: History,
    /// Which message an id stands for, for receipts.
    pub by_id: HashMap<String, String>,
    /// Receivers that stand still now, and since when.
    pub stopped: HashMap<String, u64>,
    /// Until when the disk has been full, as far as it is known.
    pub full_until_us: u64,
    /// Figures.
    pub counts: Counts,
    /// From the first attempt to the `ack`, in microseconds.
    pub ack_us: Vec<u64>,
}

/// That something happened at all.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Counts {
    /// Messages that were said at least once.
    pub said: u64,
    /// Frames that said a message once more.
    pub said_again: u64,
    /// Refusals of the kind `later`: a full disk, an overload.
    pub refused_for_now: u64,
    /// Messages that a seed client gave up after a refusal.
    pub refused: u64,
    /// Receipts that senders heard.
    pub receipts: u64,
    /// Of those, `received`.
    pub received: u64,
    /// `delivered` for a receiver that stood still at that time: its socket took the bytes.
    pub delivered_while_stopped: u64,
    /// `received` for a receiver that stood still at that time, of messages that it had seen before.
    pub received_while_stopped: u64,
    /// Acknowledgements with `duplicate`.
    pub duplicates: u64,
    /// Frames that broke a rule of the protocol, in words.
    pub objections: Vec<String>,
}

/// A book in many hands.
#[derive(Clone, Debug, Default)]
pub struct SharedBook(Arc<Mutex<Book>>);

impl SharedBook {
    /// The book, for a moment.
    pub fn open(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("nobody panics with the book")
    }

    /// Somebody is about to say something new.
    pub fn said(&self, sender: &str, room: &str, key: &str, id: Option<&str>) {
        let mut book = self.open();
        book.counts.said += 1;
        book.history.said(sender, room, key);
        if let Some(id) = id {
            book.by_id.insert(id.to_owned(), key.to_owned());
        }
    }

    /// The hub acknowledged what was said first at `since`.
    pub fn acked(&self, key: &str, seq: Option<u64>, since: u64) {
        let mut book = self.open();
        book.history.acked(key, seq);
        // It may have been refused for now, and the word of it lost with its connection: what its sender had
        // said behind it is then stored before it.
        if book.full_until_us >= since {
            book.history.postponed(key);
        }
        book.ack_us.push(now_us().saturating_sub(since));
    }

    /// A sender hears a receipt.
    pub fn receipt(&self, id: &str, reader: &str, state: &str) {
        let now = now_us();
        let mut book = self.open();
        book.counts.receipts += 1;
        let stopped = u64::from(book.stopped.contains_key(reader));
        if state == "delivered" {
            book.counts.delivered_while_stopped += stopped;
        }
        if state == "received" {
            book.counts.received += 1;
            book.counts.received_while_stopped += stopped;
            let key = book.by_id.get(id).cloned();
            book.history.told_received(key.as_deref().unwrap_or(id), reader, now);
        }
    }

    /// The hub said something that it must not say.
    pub fn object(&self, what: String) {
        let mut book = self.open();
        if book.counts.objections.len() < 20 {
            book.counts.objections.push(what);
        }
    }
}
