//! What a connection reports to the engine: what was written, what is proven, and its end.
//!
//! Owns which facts are still to be reported. Never decides what they mean.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::mpsc;

use crate::door::intent::{ConnId, Ended, Intent};
use crate::door::outbox::Outbox;

/// The facts that the engine must still be told; newer ones replace older ones.
#[derive(Default)]
pub(super) struct Reports {
    pub(super) written: Cell<u64>,
    written_told: Cell<u64>,
    pub(super) has_drained: Cell<bool>,
    pub(super) probe_taken: Cell<Option<u64>>,
    pub(super) proven: Cell<Option<u64>>,
    proven_told: Cell<Option<u64>>,
}

impl Reports {
    pub(super) fn any(&self) -> bool {
        self.written.get() > self.written_told.get()
            || self.has_drained.get()
            || self.proven.get() > self.proven_told.get()
    }

    /// The next fact to report; marks it as reported.
    pub(super) fn next(&self, conn: ConnId) -> Option<Intent> {
        let mark = self.written.get();
        if self.has_drained.take() | (mark > self.written_told.replace(mark)) {
            return Some(Intent::Written { conn, mark });
        }
        let probe = self.proven.get()?;
        let is_news = Some(probe) > self.proven_told.replace(Some(probe));
        is_news.then_some(Intent::Proven { conn, probe })
    }
}

/// Makes sure that `Closed` is sent once the engine received `Opened`.
pub(super) struct OwedClosed {
    conn: ConnId,
    outbox: Rc<Outbox>,
    intents: Option<mpsc::Sender<Intent>>,
}

impl OwedClosed {
    pub(super) fn new(conn: ConnId, outbox: Rc<Outbox>, intents: mpsc::Sender<Intent>) -> Self {
        Self { conn, outbox, intents: Some(intents) }
    }

    pub(super) async fn settle(mut self, why: Ended) {
        if let Some(intents) = &self.intents {
            // An error means that the engine is gone.
            drop(intents.send(Intent::Closed { conn: self.conn, why }).await);
        }
        self.intents = None;
    }
}

impl Drop for OwedClosed {
    /// If [`OwedClosed::settle`] was not called, the task panicked or was aborted at the end of the drain,
    /// and waiting is impossible here. Either way, nobody may append to an outbox that nobody empties.
    fn drop(&mut self) {
        self.outbox.end();
        let Some(intents) = self.intents.take() else { return };
        let closed = Intent::Closed { conn: self.conn, why: Ended::Lost };
        if let Err(mpsc::error::TrySendError::Full(_)) = intents.try_send(closed) {
            tracing::error!(conn = %self.conn, "connection was cut and the engine could not be told");
        }
    }
}
