//! Buffers that the connections share: one for reading, and spare ones for writing.
//!
//! All connections live on one thread and none keeps a buffer while it waits, so an idle connection holds
//! none.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::ws::Room;

/// How much one read can take. Only one such buffer exists.
const SCRATCH_BYTES: usize = 64 << 10;
/// Larger buffers are freed: only an unusually slow reader needs them. This is the size of two windows of 4
/// KB entries; a smaller limit would make a buffer grow again, and copy its content, with every batch.
const SPARE_BYTES_MAX: usize = 256 << 10;
/// The bytes of all spare buffers. Without this limit, one burst would keep its memory forever. Enough to
/// send small messages to two thousand connections at once.
const SPARES_BYTES_MAX: usize = 8 << 20;
/// Capacity of a new buffer; a handful of messages.
const FRESH_BYTES: usize = 4 << 10;

/// The memory that a thread's connections share.
pub struct Buffers {
    scratch: RefCell<Box<[u8]>>,
    spares: RefCell<Vec<Vec<u8>>>,
    /// Capacity of all of them.
    spare_bytes: Cell<usize>,
    /// For messages that arrive in many pieces.
    large: Rc<Room>,
}

impl Buffers {
    /// The read buffer and no spares yet.
    #[must_use]
    pub fn new() -> Self {
        let scratch = vec![0; SCRATCH_BYTES].into_boxed_slice();
        Self {
            scratch: RefCell::new(scratch),
            spares: RefCell::default(),
            spare_bytes: Cell::default(),
            large: Rc::default(),
        }
    }

    /// The memory for large messages that are arriving.
    pub(super) fn large(&self) -> &Rc<Room> {
        &self.large
    }

    /// Lends the read buffer to a closure, which cannot wait while it has it.
    pub(super) fn with_scratch<T>(&self, read: impl FnOnce(&mut [u8]) -> T) -> T {
        read(&mut self.scratch.borrow_mut())
    }

    /// An empty buffer with some capacity.
    pub(super) fn take(&self) -> Vec<u8> {
        let Some(spare) = self.spares.borrow_mut().pop() else {
            return Vec::with_capacity(FRESH_BYTES);
        };
        self.spare_bytes.set(self.spare_bytes.get() - spare.capacity());
        spare
    }

    /// Takes a buffer back, or frees it if there are enough.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        let held = self.spare_bytes.get() + buffer.capacity();
        if (1..=SPARE_BYTES_MAX).contains(&buffer.capacity()) && held <= SPARES_BYTES_MAX {
            buffer.clear();
            self.spare_bytes.set(held);
            self.spares.borrow_mut().push(buffer);
        }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers")
            .field("spares", &self.spares.borrow().len())
            .finish_non_exhaustive()
    }
}
