//! The tables, the number of the schema, and the upgrades.
//!
//! Owns the layout on disk. Reads and writes no rows except for the epoch and other single numbers.
//!
//! Reasons for the layout:
//! * The key of an entry, `place`, combines room and seq in one integer: one tree holds all rooms, the
//!   entries of a room are adjacent, and they need no second index.
//! * Entries have only one other index, for ids. It begins with the id, because UUIDv7s grow with time for
//!   all senders, so a batch of many senders changes only its last page. When it began with the sender, it
//!   changed a page per sender, which was half of what a batch wrote.
//! * Data that changes with every batch (`tail`, `member`) is in small rows, apart from the rest. Therefore
//!   the newest mark of a member is in its row, and `mark` has only past ones.

use std::path::Path;

use bot_protocol::id::Epoch;
use rusqlite::{Connection, OptionalExtension};

use super::error::SqliteError;
use super::sum::Sum;
use crate::{StoreError, random_epoch};

/// `PRAGMA application_id`: "BHub".
const APPLICATION: i32 = 0x4248_7562;

/// How many bits of `place` hold the seq: enough for 10^12 entries per room and 8 million rooms.
pub(super) const SEQ_BITS: u32 = 40;

/// The highest room number.
pub(super) const ROOMS_MAX: i64 = (1 << (63 - SEQ_BITS)) - 1;

/// An upgrade from the schema with the number of its index to the next one.
pub(super) type Step = &'static str;

/// All upgrades; the first one creates an empty store.
pub(super) const STEPS: &[Step] = &[FIRST, INVITES, REASONS, HOLDERS, AHEAD, RECORDS, REDACTIONS];

const FIRST: Step = "
    CREATE TABLE meta (
        key TEXT PRIMARY KEY, value INTEGER NOT NULL, sum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Numbers for the names of bots, given once and never again.
    CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

    CREATE TABLE room (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, closed INTEGER NOT NULL,
        retained INTEGER NOT NULL, age_ms INTEGER, entries INTEGER, bytes INTEGER,
        sum INTEGER NOT NULL
    ) STRICT;

    -- Where a room's log begins and ends. `base` is the chain before the first entry that is kept,
    -- `chain` the one at the head.
    CREATE TABLE tail (
        room INTEGER PRIMARY KEY, head INTEGER NOT NULL, first INTEGER NOT NULL,
        bytes INTEGER NOT NULL, oldest_at INTEGER, base BLOB NOT NULL, chain BLOB NOT NULL,
        sum INTEGER NOT NULL
    ) STRICT;

    -- `id` is 16 bytes if it is a UUID, else text; `proof` is the entry's checksum and the chain.
    -- The text stands last: whoever wants only what comes before it reads no overflow page.
    CREATE TABLE entry (
        place INTEGER PRIMARY KEY, room INTEGER NOT NULL, sender INTEGER NOT NULL, id ANY NOT NULL,
        sent_at INTEGER NOT NULL, size INTEGER NOT NULL, proof BLOB NOT NULL,
        reply_to TEXT, thread TEXT, expires_at INTEGER, act TEXT, meta TEXT, text TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX entry_id ON entry (id, sender, room);

    -- The entries that have an expiry.
    CREATE TABLE expiring (place INTEGER PRIMARY KEY) STRICT;

    CREATE TABLE member (
        room INTEGER NOT NULL, bot INTEGER NOT NULL, since INTEGER NOT NULL,
        cursor INTEGER NOT NULL,
        delivered_start INTEGER, delivered_upto INTEGER, delivered_at INTEGER,
        received_start INTEGER, received_upto INTEGER, received_at INTEGER,
        sum INTEGER NOT NULL, PRIMARY KEY (room, bot)
    ) STRICT, WITHOUT ROWID;

    -- The past of the marks: one went from `start` to `upto`, and was at `upto` at `at`.
    CREATE TABLE mark (
        room INTEGER NOT NULL, bot INTEGER NOT NULL, state INTEGER NOT NULL, start INTEGER NOT NULL,
        upto INTEGER NOT NULL, at INTEGER NOT NULL, sum INTEGER NOT NULL,
        PRIMARY KEY (room, bot, state, start)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE receipt (
        room INTEGER NOT NULL, seq INTEGER NOT NULL, bot INTEGER NOT NULL, state INTEGER NOT NULL,
        at INTEGER NOT NULL, reason TEXT, reply TEXT, sum INTEGER NOT NULL,
        PRIMARY KEY (room, seq, bot, state)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE dropped (
        room INTEGER NOT NULL, bot INTEGER NOT NULL, start INTEGER NOT NULL, upto INTEGER NOT NULL,
        reason INTEGER NOT NULL, at INTEGER NOT NULL, sum INTEGER NOT NULL,
        PRIMARY KEY (room, bot, start)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE bot (
        name TEXT PRIMARY KEY, operator INTEGER NOT NULL, disabled INTEGER NOT NULL,
        created_at INTEGER NOT NULL, last_seen INTEGER, sum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE token (
        hash BLOB PRIMARY KEY, bot TEXT NOT NULL, created_at INTEGER NOT NULL, sum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- For people with a SQL prompt.
    CREATE VIEW log AS SELECT
        room.name AS room, entry.place & 1099511627775 AS seq,
        strftime('%Y-%m-%dT%H:%M:%fZ', entry.sent_at / 1000.0, 'unixepoch') AS sent_at,
        name.name AS sender, entry.text AS text,
        CASE typeof(entry.id) WHEN 'blob' THEN lower(hex(entry.id)) ELSE entry.id END AS id
    FROM entry JOIN room ON room.id = entry.room JOIN name ON name.id = entry.sender;
";

/// Rights, guests, invites, and tokens that expire. Default values in the new columns are left out of a
/// row's checksum, so that rows of the first schema keep theirs.
const INVITES: Step = "
    ALTER TABLE member ADD COLUMN rights INTEGER NOT NULL DEFAULT 7;
    ALTER TABLE bot ADD COLUMN guest INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE token ADD COLUMN expires_at INTEGER;

    -- `rooms` are names with a space between two.
    CREATE TABLE invite (
        id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, rooms TEXT NOT NULL,
        rights INTEGER NOT NULL, by TEXT NOT NULL, created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, revoked_at INTEGER,
        claimed_at INTEGER, claimed_as TEXT, client TEXT, address TEXT, sum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Dropped ranges have more reasons (`rows::reason_number`), which an older program would report as damage.
const REASONS: Step = "-- Nothing to change in the tables.";

/// An index to find the tokens of a bot without scanning all.
const HOLDERS: Step = "CREATE INDEX token_bot ON token (bot);";

/// An index to find what a bot received out of order without scanning all receipts: only such entries have
/// a receipt `received` (2) of their own.
const AHEAD: Step = "CREATE INDEX receipt_ahead ON receipt (room, bot, seq) WHERE state = 2;";

/// Data that is no message. A new kind of record needs no new schema, unless an older program must not run
/// without knowing it; then an empty upgrade refuses that program.
const RECORDS: Step = "
    -- `name` is kind and key, with a slash between them. It has an index of its own, since a value may be
    -- long: a look-up in a tree of names and values would read every value that it passes.
    CREATE TABLE record (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value BLOB NOT NULL, sum INTEGER NOT NULL
    ) STRICT;
";

/// Which entries are redacted, by their places, and by whom; `by` is a number of `name`. The entry's own row
/// keeps its proof, so that the chain holds, and does not match its checksum any more.
const REDACTIONS: Step = "
    CREATE TABLE redaction (
        place INTEGER PRIMARY KEY, by INTEGER NOT NULL, at INTEGER NOT NULL, why TEXT,
        sum INTEGER NOT NULL
    ) STRICT;
";

/// The key of an entry.
pub(super) fn place(room: i64, seq: u64) -> i64 {
    // A room would need ten thousand years at a thousand messages per second to exceed these bits. But a
    // reader may ask for any bound.
    (room << SEQ_BITS) | int(seq.min((1 << SEQ_BITS) - 1))
}

/// The seq in the key of an entry.
pub(super) fn seq_of(place: i64) -> u64 {
    nat(place & ((1 << SEQ_BITS) - 1))
}

/// SQLite has only signed integers; the bits stay the same.
pub(super) fn int(number: u64) -> i64 {
    number.cast_signed()
}

/// The reverse of `int`.
pub(super) fn nat(number: i64) -> u64 {
    number.cast_unsigned()
}

/// What a file contains.
enum Found {
    /// Nothing: it is new.
    Empty,
    /// A store with this schema.
    Ours(u32),
    /// Something else.
    Foreign,
}

fn identify(conn: &Connection) -> rusqlite::Result<Found> {
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    if number("PRAGMA application_id")? == i64::from(APPLICATION) {
        return Ok(Found::Ours(self::number(conn)?));
    }
    let is_empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    Ok(if is_empty { Found::Empty } else { Found::Foreign })
}

/// Brings a store to the last schema of `steps`: creates an empty one, upgrades an older one step by step
/// after `backup` has copied it, and refuses a newer one.
///
/// A failed step is undone when the connection is closed, as the caller does after an error.
pub(super) fn prepare(
    conn: &Connection,
    path: &Path,
    steps: &[Step],
    backup: impl FnOnce(u32) -> Result<(), StoreError>,
) -> Result<(), SqliteError> {
    let known = u32::try_from(steps.len()).expect("there are fewer steps than numbers");
    let found = match identify(conn)? {
        Found::Empty => return create(conn, steps, known),
        Found::Foreign => return Err(foreign(path).into()),
        Found::Ours(found) if found > known => return Err(newer(path, found, known).into()),
        Found::Ours(found) => found,
    };
    if found < known {
        backup(found)?;
    }
    for (number, step) in (1..).zip(steps).skip(found as usize) {
        in_transaction(conn, || {
            conn.execute_batch(step)?;
            Ok(conn.pragma_update(None, "user_version", number)?)
        })?;
    }
    Ok(())
}

/// Refuses a file that is no store, or one that cannot be upgraded.
pub(super) fn check(conn: &Connection, path: &Path) -> Result<(), SqliteError> {
    let error = match identify(conn)? {
        Found::Ours(found) if found <= newest() => return Ok(()),
        Found::Ours(found) => newer(path, found, newest()),
        Found::Empty | Found::Foreign => foreign(path),
    };
    Err(error.into())
}

/// Whether a checked store has the current tables, so that no pending upgrade changes them.
pub(super) fn reads(conn: &Connection) -> rusqlite::Result<bool> {
    let changes = |step: &Step| {
        step.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with("--"))
    };
    Ok(!STEPS.iter().skip(number(conn)? as usize).any(changes))
}

/// The number of a store's schema.
pub(super) fn number(conn: &Connection) -> rusqlite::Result<u32> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The number of the current schema.
pub(super) fn newest() -> u32 {
    u32::try_from(STEPS.len()).expect("there are fewer steps than numbers")
}

fn newer(path: &Path, found: u32, known: u32) -> StoreError {
    StoreError::Newer { path: path.display().to_string(), found, known }
}

fn foreign(path: &Path) -> StoreError {
    let path = path.display();
    StoreError::Failed(format!(
        "`{path}` is no store of this program; hint: name another directory"
    ))
}

fn create(conn: &Connection, steps: &[Step], known: u32) -> Result<(), SqliteError> {
    let epoch = random_epoch()?;
    in_transaction(conn, || {
        for step in steps {
            conn.execute_batch(step)?;
        }
        write_epoch(conn, epoch)?;
        conn.pragma_update(None, "application_id", APPLICATION)?;
        Ok(conn.pragma_update(None, "user_version", known)?)
    })
}

fn in_transaction(
    conn: &Connection,
    body: impl FnOnce() -> Result<(), SqliteError>,
) -> Result<(), SqliteError> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    body()?;
    Ok(conn.execute_batch("COMMIT")?)
}

fn meta_sum(key: &str, value: i64) -> i64 {
    Sum::default().of("meta").text(key).number(nat(value)).narrow()
}

/// Writes a number that belongs to the store as a whole.
pub(super) fn write_meta(conn: &Connection, key: &str, value: i64) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value, sum) VALUES (?1, ?2, ?3)";
    conn.prepare_cached(sql)?.execute((key, value, meta_sum(key, value)))?;
    Ok(())
}

/// Reads a number that belongs to the store as a whole; `None` if it is missing or damaged.
pub(super) fn read_meta(conn: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = conn.prepare_cached("SELECT value, sum FROM meta WHERE key = ?1")?;
    let row = statement.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let intact = row.filter(|(value, sum): &(i64, i64)| meta_sum(key, *value) == *sum);
    Ok(intact.map(|(value, _)| value))
}

/// Whether there is such a number and it is damaged.
pub(super) fn is_meta_damaged(conn: &Connection, key: &str) -> rusqlite::Result<bool> {
    let mut statement = conn.prepare_cached("SELECT value, sum FROM meta WHERE key = ?1")?;
    let row = statement.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(row.is_some_and(|(value, sum): (i64, i64)| meta_sum(key, value) != sum))
}

/// The numbers whose keys begin with `prefix`, by the rest of the key; without damaged ones.
pub(super) fn read_metas(conn: &Connection, prefix: &str) -> rusqlite::Result<Vec<(String, i64)>> {
    let sql = "SELECT key, value, sum FROM meta WHERE key >= ?1 AND key < ?1 || char(1114111)
               ORDER BY key";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([prefix], |row| {
        let (key, value, sum): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_intact = meta_sum(&key, value) == sum;
        Ok(key.strip_prefix(prefix).filter(|_| is_intact).map(|rest| (rest.to_owned(), value)))
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// Begins a new epoch.
pub(super) fn write_epoch(conn: &Connection, epoch: Epoch) -> rusqlite::Result<()> {
    write_meta(conn, "epoch", int(epoch.0))
}

/// The epoch; `None` if it is damaged.
pub(super) fn read_epoch(conn: &Connection) -> rusqlite::Result<Option<Epoch>> {
    Ok(read_meta(conn, "epoch")?.map(|epoch| Epoch(nat(epoch))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[Step] = &["CREATE TABLE meta (key TEXT PRIMARY KEY, value, sum)"];
    const NEW: &[Step] = &[OLD[0], "ALTER TABLE meta ADD COLUMN note", "CREATE TABLE more (x)"];
    const WRONG: &[Step] = &[OLD[0], NEW[1], "CREATE TABLE more (x); this is no SQL"];

    fn version(conn: &Connection) -> (u32, i64) {
        let version = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'more'";
        (version, conn.query_row(sql, [], |row| row.get(0)).unwrap())
    }

    fn run(conn: &Connection, steps: &[Step]) -> (Result<(), String>, Vec<u32>) {
        let mut copied = Vec::new();
        let outcome = prepare(conn, Path::new("x"), steps, |found| {
            copied.push(found);
            Ok(())
        });
        (outcome.map_err(|error| error.at(Path::new("x")).to_string()), copied)
    }

    #[test]
    fn an_older_store_is_copied_and_brought_up_step_by_step() {
        let conn = Connection::open_in_memory().unwrap();
        assert_eq!(run(&conn, OLD), (Ok(()), vec![]));
        let epoch = read_epoch(&conn).unwrap();
        assert_eq!(run(&conn, OLD), (Ok(()), vec![]));
        assert_eq!(run(&conn, NEW), (Ok(()), vec![1]));
        assert_eq!(version(&conn), (3, 1));
        assert_eq!(run(&conn, NEW), (Ok(()), vec![]));
        assert_eq!(read_epoch(&conn).unwrap(), epoch);
        let (refused, copied) = run(&conn, OLD);
        assert!(refused.unwrap_err().contains("schema 3, this one knows 1"));
        assert!(copied.is_empty());
    }

    #[test]
    fn a_step_that_fails_leaves_what_the_one_before_made() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Connection::open(directory.path().join("x")).unwrap();
        let conn = open();
        assert_eq!(run(&conn, OLD), (Ok(()), vec![]));
        let (failed, copied) = run(&conn, WRONG);
        assert!(failed.unwrap_err().contains("syntax error"));
        assert_eq!(copied, [1]);
        drop(conn);
        let conn = open();
        assert_eq!(version(&conn), (2, 0));
        assert_eq!(run(&conn, NEW), (Ok(()), vec![2]));
        assert_eq!(version(&conn), (3, 1));
    }

    #[test]
    fn a_place_holds_room_and_seq() {
        for (room, seq) in [(1, 1), (ROOMS_MAX, (1 << SEQ_BITS) - 1), (7, 0)] {
            let place = place(room, seq);
            assert_eq!((place >> SEQ_BITS, seq_of(place)), (room, seq));
        }
        assert_eq!(seq_of(place(3, u64::MAX)), (1 << SEQ_BITS) - 1);
    }
}
