//! Messages that are too large: skipped, and reported with their id.
//!
//! Owns the state of a message that is being skipped, and the shared memory for large messages that are
//! held. Keeps no byte of a skipped message.

use std::cell::Cell;
use std::rc::Rc;

use bot_protocol::frame::Skim;

/// Messages up to this size are held without a reservation: they are ordinary, however many connections
/// send some at once. In larger ones nearly every character is escaped.
pub(super) const ORDINARY_BYTES_MAX: usize = 256 << 10;

/// How much memory the large messages of all connections may use, beyond the ordinary size of each.
const LARGE_BYTES_MAX: usize = 64 << 20;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is larger than any message may be.
    TooLarge,
    /// Too many large messages are arriving at this moment.
    NoRoom,
}

/// A message that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Why.
    pub why: Refusal,
    /// How many of its bytes have arrived.
    pub bytes: usize,
    /// What is known about it.
    pub skim: Skim,
}

impl Skipped {
    /// A skipped message of which `begun` was held so far.
    pub(super) fn new(why: Refusal, begun: &[u8]) -> Box<Self> {
        let mut skipped = Box::new(Self { why, bytes: 0, skim: Skim::default() });
        skipped.read(begun);
        skipped
    }

    pub(super) fn read(&mut self, piece: &[u8]) {
        self.skim.read(piece);
        self.bytes += piece.len();
    }
}

/// The memory for large messages, shared by all connections of a door.
#[derive(Debug)]
pub struct Room(Cell<usize>);

impl Default for Room {
    fn default() -> Self {
        Self(Cell::new(LARGE_BYTES_MAX))
    }
}

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self(Cell::new(bytes))
    }
}

/// One connection's share of it.
#[derive(Debug)]
pub(super) struct Share {
    room: Rc<Room>,
    taken: usize,
}

impl Share {
    pub(super) fn of(room: Rc<Room>) -> Self {
        Self { room, taken: 0 }
    }

    /// Whether a message of this size may be held; reserves the memory.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        let wanted = bytes.saturating_sub(ORDINARY_BYTES_MAX).saturating_sub(self.taken);
        let Some(left) = self.room.0.get().checked_sub(wanted) else { return false };
        self.room.0.set(left);
        self.taken += wanted;
        true
    }

    pub(super) fn give_back(&mut self) {
        self.room.0.set(self.room.0.get() + std::mem::take(&mut self.taken));
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}
