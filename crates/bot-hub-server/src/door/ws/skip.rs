//! Messages that are too large to be held: read over, and reported with what they were about.
//!
//! Owns the state of a message that is being read over, and the memory that all connections share for the
//! large ones that are held. Never keeps a byte of what it reads over.

use std::cell::Cell;
use std::rc::Rc;

use bot_protocol::frame::Skim;

/// A message up to here is held without asking: an ordinary one, however many connections send theirs at
/// once. Larger ones are those in which nearly every character is escaped.
pub(super) const ORDINARY_BYTES_MAX: usize = 256 << 10;

/// What the large messages of all connections may take together, beyond the ordinary size of each.
const LARGE_BYTES_MAX: usize = 64 << 20;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is larger than any message may be.
    TooLarge,
    /// Too many large ones are arriving at this moment.
    NoRoom,
}

/// A message that was read over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Why.
    pub why: Refusal,
    /// How much of it has come.
    pub bytes: usize,
    /// What it is about.
    pub skim: Skim,
}

impl Skipped {
    /// A message of which `begun` has been held so far.
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

/// Memory for large messages, shared by the connections of a door.
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

/// What one connection has taken of it.
#[derive(Debug)]
pub(super) struct Share {
    room: Rc<Room>,
    taken: usize,
}

impl Share {
    pub(super) fn of(room: Rc<Room>) -> Self {
        Self { room, taken: 0 }
    }

    /// Whether a message of so many bytes may be held; takes the room for it.
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
