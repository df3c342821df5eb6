//! What a bot received though something before it was not.
//!
//! Owns the entries after the cursor that were received on earlier connections, and which of all that
//! are out of turn have to be given to the store: what a sender was told is not forgotten with the
//! process. Those of the present connection are in its window.

use bot_protocol::time::Timestamp;

#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// In order.
    taken: Vec<u64>,
    /// What has to be given to the store, also of what is in the window.
    due: Vec<u64>,
    /// When the last of those was received, once that was noted.
    noted: Option<Timestamp>,
}

impl Ahead {
    pub(crate) fn seqs(&self) -> &[u64] {
        &self.taken
    }

    pub(crate) fn has(&self, seq: u64) -> bool {
        self.taken.binary_search(&seq).is_ok()
    }

    /// They are not in a window any more, or never were in one of this start.
    pub(crate) fn keep(&mut self, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            if let Err(at) = self.taken.binary_search(&seq) {
                self.taken.insert(at, seq);
            }
        }
    }

    /// The store has to know it.
    pub(crate) fn owe(&mut self, seq: u64) {
        self.due.push(seq);
    }

    pub(crate) fn owes(&self, seq: u64) -> bool {
        self.due.contains(&seq)
    }

    /// It may have grown by now.
    pub(crate) fn note(&mut self, now: Timestamp) {
        if !self.due.is_empty() {
            self.noted = Some(now);
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        self.noted.is_some()
    }

    /// Gives to the store what it has not got, and when that was so.
    pub(crate) fn give(&mut self) -> Option<(Vec<u64>, Timestamp)> {
        let at = self.noted.take()?;
        Some((std::mem::take(&mut self.due), at))
    }

    /// The store did not take it.
    pub(crate) fn take_back(&mut self, seq: u64, at: Timestamp) {
        self.due.push(seq);
        self.noted = self.noted.max(Some(at));
    }

    /// The cursor is at `to`. If its place says that everything up to there was received, nothing else
    /// has to.
    pub(crate) fn forget_through(&mut self, to: u64, is_said: bool) {
        self.taken.retain(|&seq| seq > to);
        if is_said {
            self.due.retain(|&seq| seq > to);
            self.noted = self.noted.filter(|_| !self.due.is_empty());
        }
    }
}
