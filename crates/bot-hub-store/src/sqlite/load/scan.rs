//! Reads a table once, ordered by its key, for a caller that visits the rooms in the same order.
//!
//! Owns the merge of the two orders. A look-up per room or member would cost several times as much, and
//! delay the start of a hub with a hundred thousand rooms.

use rusqlite::{Row, Rows};

/// The key of a row: the number of a room, and that of a bot where the table has one.
pub(super) type Key = (i64, i64);

/// Rows in the ascending order of their keys.
pub(super) struct Scan<'s> {
    rows: Rows<'s>,
    key: fn(&Row<'_>) -> rusqlite::Result<Key>,
    /// The key of the row that was read and not returned yet.
    ahead: Option<Key>,
    is_over: bool,
}

impl<'s> Scan<'s> {
    pub(super) fn new(rows: Rows<'s>, key: fn(&Row<'_>) -> rusqlite::Result<Key>) -> Self {
        Self { rows, key, ahead: None, is_over: false }
    }

    /// The next row between both keys, inclusive. Rows before them are skipped, because their room does not
    /// exist. An error ends the scan.
    pub(super) fn next(&mut self, from: Key, to: Key) -> rusqlite::Result<Option<&Row<'s>>> {
        loop {
            match self.peek()? {
                Some(key) if key < from => self.ahead = None,
                Some(key) if key <= to => {
                    self.ahead = None;
                    return Ok(
                        rusqlite::fallible_streaming_iterator::FallibleStreamingIterator::get(
                            &self.rows,
                        ),
                    );
                }
                _ => return Ok(None),
            }
        }
    }

    fn peek(&mut self) -> rusqlite::Result<Option<Key>> {
        if self.ahead.is_none() && !self.is_over {
            // After an error or the last row, SQLite would start again from the beginning.
            self.is_over = true;
            if let Some(row) = self.rows.next()? {
                self.ahead = Some((self.key)(row)?);
                self.is_over = false;
            }
        }
        Ok(self.ahead)
    }
}
