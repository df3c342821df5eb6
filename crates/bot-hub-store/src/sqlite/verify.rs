//! Verifies a whole store and reports the damage.
//!
//! Owns the list of checks. Only reads, page by page, so that a running hub is not slowed down.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use bot_protocol::frame::server::Redacted;
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connect::{self, Options};
use super::error::{SqliteError, is_damage};
use super::fate::receipt_row;
use super::load::{
    bot_columns, bot_row, dropped_row, invite_columns, invite_row, token_columns, token_row,
};
use super::names::Names;
use super::numbers;
use super::read::{SqliteReader, Way};
use super::records;
use super::row::{Intact, StoredId};
use super::rows::{mark_sum, state_of};
use super::schema::{self, SEQ_BITS, nat, place};
use super::stored::{self, member_columns, room_columns};
use super::sum::{Sum, Wide, link};
use crate::StoreError;

/// How many entries are checked on one snapshot of the store.
const STRETCH: u64 = 1_000;

/// How many lines of SQLite's own check are reported.
const STRUCTURE_LINES: u32 = 100;

/// The result of verifying a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many rooms were checked, without direct conversations.
    pub rooms: u64,
    /// How many entries are intact.
    pub entries: u64,
    /// How many small records are intact, by kind, including kinds that this program does not know.
    pub records: BTreeMap<String, u64>,
    /// The entries whose texts were redacted; they count as intact.
    pub redacted: Vec<Redacted>,
    /// All damage that was found.
    pub damage: Vec<Damage>,
}

/// One item of damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The room that it belongs to, if any.
    pub room: Option<RoomName>,
    /// The seq of the entry that it belongs to, if any.
    pub seq: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(room) = &self.room {
            write!(f, "room `{room}`")?;
            if let Some(seq) = self.seq {
                write!(f, " entry {seq}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.what)
    }
}

/// Verifies the store of a data directory, also while a hub runs on it.
pub fn verify(directory: &Path) -> Result<Report, StoreError> {
    verify_with(directory, Options::default())
}

/// Verifies a store that is opened with other options than the defaults.
pub fn verify_with(directory: &Path, options: Options) -> Result<Report, StoreError> {
    let path = connect::database(directory);
    verify_file(&path, &options)
}

/// Verifies a database file at any path.
pub(super) fn verify_file(path: &Path, options: &Options) -> Result<Report, StoreError> {
    let conn = connect::existing(path, options).map_err(|error| error.at(path))?;
    let mut walk = Walk { reader: SqliteReader::new(conn), report: Report::default() };
    walk.all().map_err(|error| SqliteError::Sql(error).at(path))?;
    Ok(walk.report)
}

struct Walk {
    reader: SqliteReader,
    report: Report,
}

impl Walk {
    fn all(&mut self) -> rusqlite::Result<()> {
        if self.reader.snapshot(|reader| schema::read_epoch(&reader.conn))?.is_none() {
            self.damage(None, None, "the epoch is damaged");
        }
        if self.reader.snapshot(|reader| numbers::is_damaged(&reader.conn))? {
            self.damage(None, None, "which rooms have epochs of their own is damaged");
        }
        for (number, room) in self.checked("rooms", Self::rooms)?.unwrap_or_default() {
            self.report.rooms += u64::from(room.direct_pair().is_none());
            self.log(number, &room)?;
            let small = |walk: &mut Self| walk.small_rows(number, &room);
            self.checked(&format!("what belongs to room `{room}`"), small)?;
        }
        self.checked("what belongs to rooms", Self::orphans)?;
        self.checked("bots and tokens", Self::registry)?;
        self.checked("records", Self::records)?;
        self.checked("the file's structure", Self::structure)?;
        Ok(())
    }

    fn damage(&mut self, room: Option<&RoomName>, seq: Option<u64>, what: impl Into<String>) {
        self.report.damage.push(Damage { room: room.cloned(), seq, what: what.into() });
    }

    /// Runs a part of the verification; if the file's structure makes it fail, that counts as damage.
    fn checked<T>(
        &mut self,
        what: &str,
        part: impl FnOnce(&mut Self) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        match part(self) {
            Err(error) if is_damage(&error) => {
                self.damage(None, None, format!("{what}: {error}"));
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    fn rooms(&mut self) -> rusqlite::Result<Vec<(i64, RoomName)>> {
        let mut rooms = Vec::new();
        let mut damage = Vec::new();
        let SqliteReader { conn, sum, .. } = &mut self.reader;
        let sql = concat!("SELECT ", room_columns!(), " FROM room ORDER BY id");
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match stored::room_row(sum, row)? {
                Some(room) if room.is_intact => rooms.push((room.id, room.room)),
                Some(room) => {
                    damage.push((Some(room.room.clone()), "the room's own row is damaged"));
                    rooms.push((room.id, room.room));
                }
                // Nobody can read what it left behind, and that is on its way out.
                None if numbers::remains_row(sum, row)?.is_some() => {}
                None => damage.push((None, "the name of a room is damaged")),
            }
        }
        drop(rows);
        drop(statement);
        for (room, what) in damage {
            self.damage(room.as_ref(), None, what);
        }
        Ok(rooms)
    }

    /// Checks every entry of a room: the checksum, the chain, and whether its id leads to it.
    fn log(&mut self, number: i64, room: &RoomName) -> rusqlite::Result<()> {
        let mut chain = None;
        let mut next = 0;
        loop {
            let part = self.reader.snapshot(|reader| stretch(reader, number, room, next, chain))?;
            for (seq, what) in part.damage {
                self.damage(Some(room), seq, what);
            }
            self.report.entries += part.entries;
            self.report.redacted.extend(part.redacted);
            (next, chain) = (part.next, part.chain);
            if part.is_last {
                return Ok(());
            }
        }
    }

    fn small_rows(&mut self, number: i64, room: &RoomName) -> rusqlite::Result<()> {
        let SqliteReader { conn, names, sum, .. } = &mut self.reader;
        let mut damage = Vec::new();
        damaged_members(conn, names, sum, (room, number), &mut damage)?;
        damaged_marks(conn, names, sum, (room, number), &mut damage)?;
        damaged_receipts(conn, names, sum, (room, number), &mut damage)?;
        damaged_ranges(conn, names, sum, (room, number), &mut damage)?;
        for (seq, what) in damage {
            self.damage(Some(room), seq, what);
        }
        Ok(())
    }

    /// Every row must belong to a room, or to one that was removed and is not cleared away yet.
    fn orphans(&mut self) -> rusqlite::Result<()> {
        let found = self.reader.snapshot(|reader| {
            let mut found = Vec::new();
            for (table, next) in OF_ROOMS {
                found.extend(has_orphans(&reader.conn, table, next)?.then_some(table));
            }
            Ok::<_, rusqlite::Error>(found)
        })?;
        for table in found {
            self.damage(None, None, format!("`{table}` has rows of a room that is not there"));
        }
        Ok(())
    }

    fn registry(&mut self) -> rusqlite::Result<()> {
        let SqliteReader { conn, sum, .. } = &mut self.reader;
        let counts = [
            (
                "a bot",
                damaged(conn, sum, concat!("SELECT ", bot_columns!(), " FROM bot"), bot_row)?,
            ),
            (
                "a token",
                damaged(conn, sum, concat!("SELECT ", token_columns!(), " FROM token"), token_row)?,
            ),
            (
                "an invite",
                damaged(
                    conn,
                    sum,
                    concat!("SELECT ", invite_columns!(), " FROM invite"),
                    invite_row,
                )?,
            ),
        ];
        for (what, count) in counts {
            for _ in 0..count {
                self.damage(None, None, format!("the row of {what} is damaged"));
            }
        }
        Ok(())
    }

    fn records(&mut self) -> rusqlite::Result<()> {
        let mut damaged = Vec::new();
        let counts = &mut self.report.records;
        self.reader.snapshot(|reader| {
            records::walk(&reader.conn, &mut reader.sum, |found| match found {
                Ok(record) => {
                    *counts.entry(record.kind().as_str().to_owned()).or_default() += 1;
                }
                Err(name) => damaged.push(name),
            })
        })?;
        for name in damaged {
            self.damage(None, None, format!("the record `{name}` is damaged"));
        }
        Ok(())
    }

    /// SQLite's own check of its trees: orphaned pages, rows that are missing in an index, and so on.
    fn structure(&mut self) -> rusqlite::Result<()> {
        let sql = format!("PRAGMA integrity_check({STRUCTURE_LINES})");
        let lines = {
            let mut statement = self.reader.conn.prepare(&sql)?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            lines.collect::<Result<Vec<_>, _>>()?
        };
        for line in lines.into_iter().filter(|line| line != "ok") {
            self.damage(None, None, format!("structure: {line}"));
        }
        Ok(())
    }
}

/// Where rows belong to rooms, and the first row after a key. A room's key is its number, an entry's and a redaction's its place.
const OF_ROOMS: [(&str, &str); 7] = [
    ("entry", "SELECT place FROM entry WHERE place > ?1 ORDER BY place LIMIT 1"),
    ("redaction", "SELECT place FROM redaction WHERE place > ?1 ORDER BY place LIMIT 1"),
    ("tail", "SELECT room FROM tail WHERE room > ?1 ORDER BY room LIMIT 1"),
    ("member", "SELECT room FROM member WHERE room > ?1 ORDER BY room LIMIT 1"),
    ("mark", "SELECT room FROM mark WHERE room > ?1 ORDER BY room LIMIT 1"),
    ("receipt", "SELECT room FROM receipt WHERE room > ?1 ORDER BY room LIMIT 1"),
    ("dropped", "SELECT room FROM dropped WHERE room > ?1 ORDER BY room LIMIT 1"),
];

/// Whether a table has rows of a room that is not there. Goes from one room to the next.
fn has_orphans(conn: &Connection, table: &str, next: &str) -> rusqlite::Result<bool> {
    let mut statement = conn.prepare_cached(next)?;
    let mut last = i64::MIN;
    while let Some(key) = statement.query_row([last], |row| row.get::<_, i64>(0)).optional()? {
        if key <= last {
            // The tree is out of order, which the check of its structure says.
            return Ok(false);
        }
        let is_by_place = matches!(table, "entry" | "redaction");
        let room = if is_by_place { key >> SEQ_BITS } else { key };
        if !stored::has_number(conn, room)? {
            return Ok(true);
        }
        last = if is_by_place { place(room, u64::MAX) } else { room };
    }
    Ok(false)
}

/// A part of a room's log that was checked.
#[derive(Default)]
struct Stretch {
    entries: u64,
    next: u64,
    /// The chain link before `next`, if it is known.
    chain: Option<Wide>,
    redacted: Vec<Redacted>,
    damage: Vec<(Option<u64>, String)>,
    is_last: bool,
}

fn stretch(
    reader: &mut SqliteReader,
    number: i64,
    room: &RoomName,
    from: u64,
    chain: Option<Wide>,
) -> rusqlite::Result<Stretch> {
    if numbers::is_gone(&reader.conn, number)? {
        // It was removed since the rooms were listed.
        return Ok(Stretch { is_last: true, ..Stretch::default() });
    }
    let mut damage = Vec::new();
    let stored = stored::checked_tail(&reader.conn, &mut reader.sum, room, number)?;
    if stored.is_none() && from == 0 {
        damage.push((None, "where the log begins and ends is damaged".to_owned()));
    }
    let tail = match &stored {
        Some(tail) => *tail,
        None => stored::tail(&reader.conn, &mut reader.sum, room, number)?,
    };
    let from = from.max(tail.first);
    let upto = tail.head.min(from + STRETCH - 1);
    // Retention may have removed the entries before.
    let base = stored.is_some().then_some(tail.base);
    let mut chain = if from == tail.first { base } else { chain };
    let mut found = Vec::new();
    reader.walk(room, number, from..=upto, Way::Up, |seq, intact| {
        let link_holds = intact.as_ref().is_none_or(|it| follows(chain, it));
        chain = intact.as_ref().map(|it| it.chain);
        found.push((seq, intact, link_holds));
        ControlFlow::Continue(())
    })?;
    let (mut entries, mut redacted) = (0, Vec::new());
    for (seq, intact, link_holds) in found {
        let Some(Intact { entry, .. }) = intact else {
            damage.push((Some(seq), "the entry is damaged".to_owned()));
            continue;
        };
        entries += 1;
        if !link_holds {
            damage.push((Some(seq), "its link to the entry before does not hold".to_owned()));
        }
        let draft = &entry.draft;
        redacted.extend(draft.redaction().map(|it| draft.told_of(seq, it.clone())));
        if !leads_to(reader, &draft.from, &draft.id, number, seq)? {
            damage.push((Some(seq), "its id does not lead to it".to_owned()));
        }
    }
    let is_last = upto >= tail.head;
    let ends_elsewhere = chain.is_some_and(|chain| chain != tail.chain);
    if is_last && stored.is_some() && tail.entries() > 0 && ends_elsewhere {
        let what = "the chain does not end where the room says".to_owned();
        damage.push((Some(tail.head), what));
    }
    Ok(Stretch { entries, next: upto + 1, chain, redacted, damage, is_last })
}

fn follows(before: Option<Wide>, entry: &Intact) -> bool {
    before.is_none_or(|before| link(&before, &entry.sum) == entry.chain)
}

fn leads_to(
    reader: &mut SqliteReader,
    from: &BotId,
    id: &MessageId,
    room: i64,
    seq: u64,
) -> rusqlite::Result<bool> {
    let Some(sender) = reader.names.number(&reader.conn, from)? else { return Ok(false) };
    let mut statement = reader.conn.prepare_cached(
        "SELECT place FROM entry INDEXED BY entry_id
         WHERE sender = ?1 AND id = ?2 AND room = ?3",
    )?;
    let found = statement.query_row(params![sender, StoredId::of(id), room], |row| row.get(0));
    match found.optional() {
        Err(error) if is_damage(&error) => Ok(false),
        found => Ok(found? == Some(place(room, seq))),
    }
}

/// How many rows are damaged.
fn damaged<T>(
    conn: &Connection,
    sum: &mut Sum,
    sql: &str,
    read: fn(&mut Sum, &Row<'_>) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<usize> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| read(sum, row))?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(rows.iter().filter(|row| row.is_none()).count())
}

type Found = Vec<(Option<u64>, String)>;

fn damaged_members(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    damage: &mut Found,
) -> rusqlite::Result<()> {
    let sql = concat!("SELECT ", member_columns!(), ", bot FROM member WHERE room = ?1");
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        let (joined, expected) = stored::joined_row(row)?;
        match names.name(conn, row.get(10)?)? {
            Some(bot) if joined.sum(sum, room, &bot) == expected => {}
            Some(bot) => damage.push((None, format!("the cursor of `{bot}` is damaged"))),
            None => damage.push((None, "the name of a member is damaged".to_owned())),
        }
    }
    Ok(())
}

fn damaged_marks(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    damage: &mut Found,
) -> rusqlite::Result<()> {
    let mut statement =
        conn.prepare_cached("SELECT start, upto, at, sum, bot, state FROM mark WHERE room = ?1")?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        let (run, expected) = stored::run_row(row)?;
        let bot = names.name(conn, row.get(4)?)?;
        let is_intact = bot
            .zip(state_of(row.get(5)?))
            .is_some_and(|(bot, state)| mark_sum(sum, room, &bot, state, &run) == expected);
        if !is_intact {
            damage.push((Some(run.start), "a mark of when it was passed is damaged".to_owned()));
        }
    }
    Ok(())
}

fn damaged_receipts(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    damage: &mut Found,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT bot, state, at, reason, reply, sum, seq FROM receipt WHERE room = ?1",
    )?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        let seq = nat(row.get(6)?);
        if receipt_row(conn, names, sum, room, seq, row)?.is_none() {
            damage.push((Some(seq), "a receipt is damaged".to_owned()));
        }
    }
    Ok(())
}

fn damaged_ranges(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    damage: &mut Found,
) -> rusqlite::Result<()> {
    let mut statement = conn
        .prepare_cached("SELECT start, upto, reason, at, sum, bot FROM dropped WHERE room = ?1")?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        let intact = match names.name(conn, row.get(5)?)? {
            Some(bot) => dropped_row(sum, room, &bot, row)?,
            None => None,
        };
        if intact.is_none() {
            let seq = nat(row.get(0)?);
            damage.push((Some(seq), "a range that was dropped is damaged".to_owned()));
        }
    }
    Ok(())
}
