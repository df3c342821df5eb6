//! Reading a whole log, for `export`.
//!
//! Owns the walk through a room's pages; the caller chooses the output format. Works with any reader, also
//! beside a running hub. Never writes.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;

use bot_hub_core::change::{Answer, Page, Query, Span};
use bot_hub_core::entry::Entry;
use bot_protocol::name::RoomName;

use super::sqlite::SqliteReader;
use super::{Reader, StoreError};

/// How many entries a page has at most.
const PAGE_ENTRIES: u32 = 500;

/// A page ends after this many bytes.
const PAGE_BYTES: u32 = 1024 * 1024;

/// One line of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// An entry.
    Entry(Entry),
    /// The seq of a damaged entry, whose text is withheld.
    Damaged(u64),
}

/// The log of one room, oldest first, up to the end at the time it is reached.
pub struct Entries<'a> {
    reader: &'a mut dyn Reader,
    room: RoomName,
    after: u64,
    waiting: VecDeque<Exported>,
    is_over: bool,
}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("room", &self.room)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

/// Opens the store of a data directory for reading, also while a hub runs on it.
pub fn open(directory: &Path) -> Result<SqliteReader, StoreError> {
    SqliteReader::open(directory)
}

/// The log of one room after a seq; empty for an unknown room.
pub fn entries(reader: &mut dyn Reader, room: RoomName, after: u64) -> Entries<'_> {
    Entries { reader, room, after, waiting: VecDeque::new(), is_over: false }
}

impl Iterator for Entries<'_> {
    type Item = Result<Exported, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.waiting.is_empty() && !self.is_over {
            if let Err(error) = self.fetch() {
                self.is_over = true;
                return Some(Err(error));
            }
        }
        self.waiting.pop_front().map(Ok)
    }
}

impl Entries<'_> {
    fn fetch(&mut self) -> Result<(), StoreError> {
        let query = Query::Page {
            room: self.room.clone(),
            span: Span::After(self.after),
            entries_max: PAGE_ENTRIES,
            bytes_max: PAGE_BYTES,
        };
        let Answer::Page(page) = self.reader.answer(&query) else {
            return Err(StoreError::Failed(format!("`{}` cannot be read", self.room)));
        };
        self.is_over = !page.more;
        self.waiting.extend(merged(page));
        if let Some(last) = self.waiting.back() {
            self.after = last.seq();
        }
        Ok(())
    }
}

impl Exported {
    /// Its place.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.seq,
            Self::Damaged(seq) => *seq,
        }
    }
}

/// Intact and damaged entries, merged by seq.
fn merged(page: Page) -> Vec<Exported> {
    let damaged = page.corrupt.into_iter().map(Exported::Damaged);
    let mut all: Vec<_> = page.entries.into_iter().map(Exported::Entry).chain(damaged).collect();
    all.sort_by_key(Exported::seq);
    all
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bot_hub_core::change::Change;
    use bot_hub_core::entry::Draft;
    use bot_protocol::id::MessageId;
    use bot_protocol::name::BotId;
    use bot_protocol::time::Timestamp;

    use super::*;
    use crate::memory::MemoryStore;
    use crate::{Store, Write};

    #[test]
    fn a_log_of_several_pages_comes_in_order() {
        let room = RoomName::new("lab").unwrap();
        let mut writes =
            vec![Write::Change(Change::CreateRoom { room: room.clone(), closed: false })];
        writes.extend((1..=1_234).map(|number| {
            Write::Change(Change::Append(Arc::new(Draft {
                room: room.clone(),
                from: BotId::new("ann").unwrap(),
                id: MessageId::new(&format!("m{number}")).unwrap(),
                text: "x".into(),
                sent_at: Timestamp(number),
                extras: None,
            })))
        }));
        let mut store = MemoryStore::new().unwrap();
        store.commit(&writes).unwrap();
        let mut reader = store.reader().unwrap();
        let mut seqs = |after| -> Vec<u64> {
            entries(reader.as_mut(), room.clone(), after).map(|it| it.unwrap().seq()).collect()
        };
        assert_eq!(seqs(0), (1..=1_234).collect::<Vec<_>>());
        assert_eq!(seqs(1_200), (1_201..=1_234).collect::<Vec<_>>());
        assert_eq!(seqs(1_234), [0; 0]);
    }
}
