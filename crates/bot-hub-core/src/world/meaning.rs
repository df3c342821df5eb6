//! What a cursor says, where readers of two kinds moved it.
//!
//! Owns the difference between a reader that acknowledges, whose cursor says `received`, and one that
//! only proves that it goes on reading, whose cursor says `delivered`. What one of them did is never
//! saved as if the other had done it, however often the store refuses it.

use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

/// A place as the store has to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) state: ReceiptState,
    pub(crate) at: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Meaning {
    /// Whether the cursor moves by proof instead of by receipts, so that it means less.
    proves: bool,
    /// Where the cursor stood when that began.
    since: u64,
    /// The cursor, as far as the store is known to have it.
    stored: u64,
    /// Where readers of the other kind had brought it, until the store has that.
    earlier: Option<Place>,
    /// `earlier` has to be given to the store, or given again.
    is_due: bool,
}

impl Meaning {
    pub(crate) fn new(cursor: u64) -> Self {
        Self { proves: true, since: cursor, stored: cursor, earlier: None, is_due: false }
    }

    pub(crate) fn proves(&self) -> bool {
        self.proves
    }

    /// What it means for an entry that the cursor passes it now.
    pub(crate) fn state(&self) -> ReceiptState {
        if self.proves { ReceiptState::Delivered } else { ReceiptState::Received }
    }

    /// Whether readers of this kind brought the cursor over an entry.
    pub(crate) fn covers(&self, seq: u64) -> bool {
        seq > self.since
    }

    /// Whether the store is known to have the cursor there, or beyond.
    pub(crate) fn is_stored(&self, seq: u64) -> bool {
        seq <= self.stored
    }

    /// Readers of one kind follow, perhaps after others; the cursor came to `cursor` by `at`.
    pub(crate) fn turn(&mut self, proves: bool, cursor: u64, at: Timestamp) {
        if self.proves == proves {
            return;
        }
        if self.stored < cursor {
            // Where it is not known how much each kind did, the lower rung is true of all.
            let earlier = self.earlier.map_or(self.state(), |it| it.state.min(self.state()));
            self.earlier = Some(Place { seq: cursor, state: earlier, at });
            self.is_due = true;
        }
        (self.proves, self.since) = (proves, cursor);
    }

    /// What readers of the other kind did, until the store has it. It is saved in one batch with the
    /// cursor of this kind, before it.
    pub(crate) fn earlier(&self) -> Option<Place> {
        self.earlier
    }

    /// Whether something has to be saved though the cursor stands still.
    pub(crate) fn is_due(&self) -> bool {
        self.is_due
    }

    /// It was given to the store.
    pub(crate) fn mark_given(&mut self) {
        self.is_due = false;
    }

    /// The store did not take a place. Returns whether readers of this kind had brought it there.
    pub(crate) fn refused(&mut self, seq: u64) -> bool {
        self.is_due = self.earlier.is_some();
        self.covers(seq)
    }

    /// The store has the cursor up to there.
    pub(crate) fn mark_stored(&mut self, seq: u64) {
        self.stored = self.stored.max(seq);
        self.earlier.take_if(|it| it.seq <= seq);
        self.is_due &= self.earlier.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp(millis)
    }

    #[test]
    fn what_is_stored_has_no_earlier_part() {
        let mut meaning = Meaning::new(3);
        meaning.turn(false, 3, at(10));
        assert_eq!(meaning.earlier(), None);
        meaning.mark_stored(7);
        meaning.turn(true, 7, at(20));
        assert_eq!(meaning.earlier(), None);
    }

    #[test]
    fn what_a_proving_reader_did_stays_delivered_until_it_is_stored() {
        let mut meaning = Meaning::new(3);
        meaning.turn(false, 7, at(10));
        let place = Place { seq: 7, state: ReceiptState::Delivered, at: at(10) };
        assert_eq!((meaning.earlier(), meaning.state()), (Some(place), ReceiptState::Received));
        meaning.mark_stored(6);
        assert_eq!(meaning.earlier(), Some(place));
        meaning.mark_stored(7);
        assert_eq!(meaning.earlier(), None);
    }

    #[test]
    fn an_earlier_part_is_given_once_and_again_if_it_was_refused() {
        let mut meaning = Meaning::new(3);
        meaning.turn(false, 7, at(10));
        assert!(meaning.is_due());
        meaning.mark_given();
        assert!(!meaning.is_due());
        meaning.mark_stored(6);
        assert!(!meaning.is_due(), "it is on its way");
        assert!(!meaning.refused(7), "readers of the other kind did that");
        assert!(meaning.is_due());
        meaning.mark_stored(7);
        assert!(!meaning.is_due());
    }

    #[test]
    fn of_two_unsaved_parts_the_lower_rung_is_said() {
        let mut meaning = Meaning::new(3);
        meaning.turn(false, 7, at(10));
        meaning.turn(true, 9, at(20));
        let place = Place { seq: 9, state: ReceiptState::Delivered, at: at(20) };
        assert_eq!(meaning.earlier(), Some(place));
    }
}
