//! Reads beside the writer.
//!
//! Owns pages and look-ups by id. Everything returned was verified. An entry that was changed, or is
//! missing although the room's tail includes it, is reported as damaged. Never writes.

use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;

use bot_hub_core::change::{Answer, Found, LOCATED_MAX, Located, Page, Query, Recipients, Span};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rusqlite::{CachedStatement, Connection, Row, params};
use rustc_hash::FxHashMap;

use super::connect::{self, Options};
use super::error::is_damage;
use super::fate::said_of;
use super::names::Names;
use super::numbers;
use super::records;
use super::row::{self, Intact, StoredId, entry_columns};
use super::rows::Tail;
use super::schema::{nat, place, seq_of};
use super::stored;
use super::sum::Sum;
use crate::record::{RecordPage, RecordQuery};
use crate::{Reader, StoreError, oldest_first};

/// A connection for reading.
#[derive(Debug)]
pub struct SqliteReader {
    pub(super) conn: Connection,
    pub(super) names: Names,
    pub(super) sum: Sum,
    /// Rooms that the index of names does not find.
    lost: FxHashMap<RoomName, i64>,
}

/// The direction of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// Why a look-up by id has no answer.
pub(super) enum Unknown {
    Sql(rusqlite::Error),
    Damaged,
}

impl From<rusqlite::Error> for Unknown {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Reader for SqliteReader {
    fn answer(&mut self, query: &Query) -> Answer {
        let answer = self.snapshot(|reader| match query {
            Query::Page { room, span, entries_max, bytes_max } => {
                let page =
                    reader.page(room, *span, u64::from(*entries_max), *bytes_max as usize)?;
                Ok(Answer::Page(page))
            }
            Query::Locate { room, id, from, by } => {
                Ok(Answer::Located(reader.locate(room, id, from.as_ref(), by)?))
            }
            Query::Find { id, from, room, recipients } => {
                let found = reader.find(id, from.as_ref(), room.as_ref(), recipients)?;
                Ok(Answer::Found(found))
            }
        });
        answer.unwrap_or_else(|error| {
            match error {
                Unknown::Sql(error) => tracing::error!(%error, "the store cannot be read"),
                Unknown::Damaged => tracing::error!(?query, "what was asked for is damaged"),
            }
            Answer::Failed
        })
    }

    fn records(&mut self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        let page = self.snapshot(|reader| records::page(&reader.conn, &mut reader.sum, query));
        page.map_err(|error| StoreError::Failed(format!("records cannot be read: {error}")))
    }
}

impl SqliteReader {
    /// Opens the store of a data directory, also while a hub runs on it.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = connect::database(directory);
        let conn = connect::existing(&path, &Options::default());
        Ok(Self::new(conn.map_err(|error| error.at(&path))?))
    }

    /// Every room, by name.
    pub fn rooms(&mut self) -> Result<Vec<RoomName>, StoreError> {
        let names = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.conn.prepare("SELECT name FROM room ORDER BY name")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        let names = names().map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(names.iter().filter_map(|name| RoomName::new(name).ok()).collect())
    }

    pub(super) fn new(conn: Connection) -> Self {
        Self { conn, names: Names::default(), sum: Sum::default(), lost: FxHashMap::default() }
    }

    /// Runs several look-ups on one snapshot of the store.
    pub(super) fn snapshot<T, E: From<rusqlite::Error>>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.conn.prepare_cached("BEGIN")?.execute([])?;
        let result = body(self);
        let ended = self.conn.prepare_cached("COMMIT").and_then(|mut it| it.execute([]));
        if ended.is_err() && !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK")?;
        }
        result
    }

    /// Looked up anew each time: another room may have the name by now.
    pub(super) fn room_number(&self, room: &RoomName) -> rusqlite::Result<Option<i64>> {
        match stored::room_number(&self.conn, room)? {
            None => self.lost_room_number(room),
            number => Ok(number),
        }
    }

    /// The number of a room that was found in another way before, unless it is gone.
    fn lost_room_number(&self, room: &RoomName) -> rusqlite::Result<Option<i64>> {
        let Some(number) = self.lost.get(room) else { return Ok(None) };
        let has_name = stored::has_name(&self.conn, *number, room)?;
        Ok(Some(*number).filter(|_| has_name))
    }

    /// The same for a room that existed when the store was loaded. If the index of names does not find it,
    /// the index is damaged, and all rooms are searched: an empty page would hide existing entries.
    fn loaded_room_number(&mut self, room: &RoomName) -> rusqlite::Result<Option<i64>> {
        let mut number = self.room_number(room)?;
        if number.is_none() {
            number = stored::room_number_without_index(&self.conn, room)?;
            if let Some(number) = number {
                tracing::error!(%room, "the index of room names is damaged: run `bot-hub verify`");
                self.lost.insert(room.clone(), number);
            }
        }
        Ok(number)
    }

    fn page(
        &mut self,
        room: &RoomName,
        span: Span,
        entries_max: u64,
        bytes_max: usize,
    ) -> rusqlite::Result<Page> {
        let Some(number) = self.loaded_room_number(room)? else { return Ok(Page::default()) };
        let tail = stored::tail(&self.conn, &mut self.sum, room, number)?;
        let (way, all) = wanted(span, &tail);
        let part = first_of(way, &all, entries_max);
        let mut page = Page { more: part != all, ..Page::default() };
        let mut bytes = 0;
        let last = if way == Way::Up { *all.end() } else { *all.start() };
        self.walk(room, number, part, way, |seq, found| {
            match found {
                Some(Intact { entry, .. }) => {
                    bytes += entry.draft.size();
                    page.entries.push(entry);
                }
                None => page.corrupt.push(seq),
            }
            if bytes >= bytes_max {
                page.more = seq != last;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if way == Way::Down {
            page.entries.reverse();
            page.corrupt.reverse();
        }
        Ok(page)
    }

    /// Visits every seq of the range in order, with the entry if it exists and is intact.
    ///
    /// As long as the tree yields exactly the expected entries, this is one scan. At the first sign of
    /// damage it continues seq by seq, to reach everything that can still be read.
    pub(super) fn walk(
        &mut self,
        room: &RoomName,
        number: i64,
        range: RangeInclusive<u64>,
        way: Way,
        mut visit: impl FnMut(u64, Option<Intact>) -> ControlFlow<()>,
    ) -> rusqlite::Result<()> {
        let Self { conn, names, sum, .. } = self;
        let mut left = range;
        let mut statement = conn.prepare_cached(scan_sql(way))?;
        let mut rows =
            statement.query((place(number, *left.start()), place(number, *left.end())))?;
        while !left.is_empty() {
            let seq = if way == Way::Up { *left.start() } else { *left.end() };
            let row = match rows.next() {
                Err(error) if !is_damage(&error) => return Err(error),
                Ok(Some(row)) if row.get(0) == Ok(place(number, seq)) => row,
                _ => break,
            };
            let found = row::decode(conn, names, sum, room, row)?;
            left = rest(left, way);
            if visit(seq, found).is_break() {
                return Ok(());
            }
        }
        drop(rows);
        if left.is_empty() {
            return Ok(());
        }
        let mut one = conn.prepare_cached(ONE)?;
        while !left.is_empty() {
            let seq = if way == Way::Up { *left.start() } else { *left.end() };
            left = rest(left, way);
            let found = single(conn, &mut one, names, sum, (room, number), seq)?;
            if visit(seq, found).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn find(
        &mut self,
        id: &MessageId,
        from: Option<&BotId>,
        room: Option<&RoomName>,
        recipients: &Recipients,
    ) -> Result<Vec<Found>, Unknown> {
        let sender = match from {
            None => None,
            Some(from) => match self.names.number(&self.conn, from)? {
                Some(sender) => Some(sender),
                None => return Ok(Vec::new()),
            },
        };
        let room = match room {
            None => None,
            Some(room) => match self.room_number(room)? {
                Some(room) => Some(room),
                None => return Ok(Vec::new()),
            },
        };
        let mut found = Vec::new();
        let places = self.places(sender, room, id)?;
        let max = recipients.of_each(places.len());
        for (room, place) in places {
            if numbers::is_removed(&self.conn, room)? {
                continue;
            }
            found.push(self.fate(room, place, recipients.after.as_deref(), max)?);
        }
        found.sort_by(oldest_first);
        Ok(found)
    }

    fn locate(
        &mut self,
        room: &RoomName,
        id: &MessageId,
        from: Option<&BotId>,
        by: &BotId,
    ) -> rusqlite::Result<Vec<Located>> {
        let Some(number) = self.room_number(room)? else { return Ok(Vec::new()) };
        let by = self.names.number(&self.conn, by)?;
        let sender = match from {
            None => None,
            Some(from) => match self.names.number(&self.conn, from)? {
                Some(sender) => Some(sender),
                None => return Ok(Vec::new()),
            },
        };
        let Self { conn, names, .. } = self;
        let mut statement = conn.prepare_cached(LOCATE)?;
        let mut rows = statement.query(params![StoredId::of(id), number, sender])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(from) = names.name(conn, row.get(0)?)? else { continue };
            let (seq, sent_at) = (seq_of(row.get(1)?), Timestamp(nat(row.get(2)?)));
            let said = by.map(|by| said_of(conn, number, seq, by)).transpose()?;
            found.push(Located { seq, from, sent_at, said: said.unwrap_or_default() });
        }
        found.sort_by_key(|it| it.seq);
        found.truncate(LOCATED_MAX);
        Ok(found)
    }

    fn places(
        &self,
        sender: Option<i64>,
        room: Option<i64>,
        id: &MessageId,
    ) -> rusqlite::Result<Vec<(i64, i64)>> {
        let place = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        if let (Some(sender), Some(room)) = (sender, room) {
            let mut statement = self.conn.prepare_cached(PLACE)?;
            return statement.query_map(params![StoredId::of(id), sender, room], place)?.collect();
        }
        let mut statement = self.conn.prepare_cached(PLACES)?;
        let key = params![StoredId::of(id), sender, LOCATED_MAX as i64, room];
        statement.query_map(key, place)?.collect()
    }
}

const PLACE: &str = "SELECT room, place FROM entry WHERE id = ?1 AND sender = ?2 AND room = ?3";

/// The limit is inside the subquery, so an id that was used in very many rooms costs no more.
const PLACES: &str = "
    SELECT room, place
    FROM (SELECT room, place FROM entry
          WHERE id = ?1 AND sender BETWEEN ifnull(?2, 0) AND ifnull(?2, 9223372036854775807)
          LIMIT 256)
    WHERE room = ifnull(?4, room)
    LIMIT ?3";

/// The limit is inside the subquery, so an id that was used in very many rooms costs no more.
const LOCATE: &str = "
    SELECT sender, place, sent_at
    FROM (SELECT room, sender, place, sent_at FROM entry
          WHERE id = ?1 AND sender BETWEEN ifnull(?3, 0) AND ifnull(?3, 9223372036854775807)
          LIMIT 256)
    WHERE room = ?2";

/// The seqs of a span in a log, and the direction to visit them.
fn wanted(span: Span, tail: &Tail) -> (Way, RangeInclusive<u64>) {
    match span {
        Span::After(seq) => (Way::Up, seq.saturating_add(1).max(tail.first)..=tail.head),
        Span::Before(seq) => (Way::Down, tail.first..=seq.saturating_sub(1).min(tail.head)),
    }
}

/// The first `count` seqs of the range, in its direction.
fn first_of(way: Way, all: &RangeInclusive<u64>, count: u64) -> RangeInclusive<u64> {
    let (start, end) = (*all.start(), *all.end());
    let length = if all.is_empty() { 0 } else { end - start + 1 };
    if count >= length {
        return all.clone();
    }
    match way {
        Way::Up => start..=(start + count).saturating_sub(1),
        Way::Down => end + 1 - count..=end,
    }
}

fn rest(range: RangeInclusive<u64>, way: Way) -> RangeInclusive<u64> {
    match way {
        Way::Up => *range.start() + 1..=*range.end(),
        Way::Down => *range.start()..=*range.end() - 1,
    }
}

fn scan_sql(way: Way) -> &'static str {
    match way {
        Way::Up => concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry WHERE place BETWEEN ?1 AND ?2 ORDER BY place"
        ),
        Way::Down => concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC"
        ),
    }
}

pub(super) const ONE: &str = concat!("SELECT ", entry_columns!(), " FROM entry WHERE place = ?1");

/// One entry; `None` if it is missing or damaged.
pub(super) fn single(
    conn: &Connection,
    statement: &mut CachedStatement<'_>,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    seq: u64,
) -> rusqlite::Result<Option<Intact>> {
    let mut rows = statement.query([place(number, seq)])?;
    match rows.next() {
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(error),
        Ok(None) => Ok(None),
        Ok(Some(row)) => row::decode(conn, names, sum, room, row),
    }
}
