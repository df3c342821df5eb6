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

    /// How many of them are behind `seq`.
    pub(crate) fn count_after(&self, seq: u64) -> u64 {
        (self.taken.len() - self.taken.partition_point(|&it| it <= seq)) as u64
    }

    /// These entries are in no window: their connection ended, or they were received before this start.
    pub(crate) fn keep(&mut self, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            if let Err(at) = self.taken.binary_search(&seq) {
                self.taken.insert(at, seq);
            }
        }
    }

    /// The store has to be given this one.
    pub(crate) fn owe(&mut self, seq: u64) {
        self.due.push(seq);
    }

    pub(crate) fn owes(&self, seq: u64) -> bool {
        self.due.contains(&seq)
    }

    /// Something may have been added to `due` by now.
    pub(crate) fn note(&mut self, now: Timestamp) {
        if !self.due.is_empty() {
            self.noted = Some(now);
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        self.noted.is_some()
    }

    /// Takes out what the store has to be given, with the time of the last of it.
    pub(crate) fn give(&mut self) -> Option<(Vec<u64>, Timestamp)> {
        let at = self.noted.take()?;
        Some((std::mem::take(&mut self.due), at))
    }

    /// The store refused this one: it is given again.
    pub(crate) fn take_back(&mut self, seq: u64, at: Timestamp) {
        self.due.push(seq);
        self.noted = self.noted.max(Some(at));
    }

    /// The cursor went from `from` to `to`. If it says that everything in between was received, those entries
    /// need no receipts of their own.
    pub(crate) fn forget_through(&mut self, from: u64, to: u64, is_said: bool) {
        let passed = self.taken.partition_point(|&seq| seq <= to);
        self.taken.drain(..passed);
        if is_said {
            self.due.retain(|&seq| seq <= from || seq > to);
            self.noted = self.noted.filter(|_| !self.due.is_empty());
        }
    }
}
