//! Memory that connections use in turns: one buffer to read into, spare ones to write from.
//!
//! All connections live on one thread and none uses a buffer while it waits, so an idle connection
//! holds none.

use std::cell::RefCell;
use std::fmt;

/// What one read can take. Large while busy; there is only one of it.
const SCRATCH_BYTES: usize = 64 << 10;
/// Buffers that grew beyond this are freed, or one burst would hold its memory for ever.
const SPARE_BYTES_MAX: usize = 32 << 10;
/// Spares kept: 8 MiB at most, enough for a fan-out to some hundred connections at once.
const SPARES_MAX: usize = 256;
/// Capacity of a new buffer; a handful of messages.
const FRESH_BYTES: usize = 4 << 10;

/// The memory that a thread's connections share.
pub struct Buffers {
    scratch: RefCell<Box<[u8]>>,
    spares: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// The read buffer and no spares yet.
    #[must_use]
    pub fn new() -> Self {
        let scratch = vec![0; SCRATCH_BYTES].into_boxed_slice();
        Self { scratch: RefCell::new(scratch), spares: RefCell::default() }
    }

    /// Lends the read buffer. `read` must not wait in between, which a plain closure cannot.
    pub(super) fn with_scratch<T>(&self, read: impl FnOnce(&mut [u8]) -> T) -> T {
        read(&mut self.scratch.borrow_mut())
    }

    /// An empty buffer with some capacity.
    pub(super) fn take(&self) -> Vec<u8> {
        self.spares.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(FRESH_BYTES))
    }

    /// Takes a buffer back, or frees it.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        let mut spares = self.spares.borrow_mut();
        if (1..=SPARE_BYTES_MAX).contains(&buffer.capacity()) && spares.len() < SPARES_MAX {
            buffer.clear();
            spares.push(buffer);
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
