//! A table read once, in the order of its key, by somebody who goes through the rooms in that order.
//!
//! Owns the merge of the two. A look-up per room or per member costs several times as much, and a hub
//! with a hundred thousand rooms would be away for as long.

use rusqlite::{Row, Rows};

/// What a row belongs to: the number of a room, and of a bot where the table has one.
pub(super) type Key = (i64, i64);

/// Rows in the ascending order of their keys.
pub(super) struct Scan<'s> {
    rows: Rows<'s>,
    key: fn(&Row<'_>) -> rusqlite::Result<Key>,
    /// The key of the row that was read and that nobody has taken.
    ahead: Option<Key>,
    is_over: bool,
}

impl<'s> Scan<'s> {
    pub(super) fn new(rows: Rows<'s>, key: fn(&Row<'_>) -> rusqlite::Result<Key>) -> Self {
        Self { rows, key, ahead: None, is_over: false }
    }

    /// The next row between both keys, these included. Rows before them are passed over: what they
    /// belong to is not there. An error ends the scan.
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
            // SQLite begins anew after an error, and after the last row.
            self.is_over = true;
            if let Some(row) = self.rows.next()? {
                self.ahead = Some((self.key)(row)?);
                self.is_over = false;
            }
        }
        Ok(self.ahead)
    }
}
