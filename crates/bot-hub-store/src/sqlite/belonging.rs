//! Checks whether a database and the write-ahead log beside it belong together.
//!
//! Owns the mark: a random number in the database and in the directory's lock file, which no copy gets.
//! SQLite applies any log that it finds beside a database, and that destroys a database which somebody put
//! there by hand. Only reads, except in [`note`].

use std::fs;
use std::io::Write as _;
use std::path::Path;

use rusqlite::Connection;

use super::connect::immutable;
use super::error::SqliteError;
use super::leftovers::{WAL, suffixed};
use super::lock::LOCK;
use super::schema::{int, nat, read_meta, write_meta};
use crate::{StoreError, random_epoch};

/// The row with the mark.
const MARK: &str = "mark";

/// Refuses a database with the log of another one, before anything is written.
pub(super) fn check(path: &Path) -> Result<(), StoreError> {
    let (log, lock) = (suffixed(path, WAL), path.with_file_name(LOCK));
    if !log.metadata().is_ok_and(|it| it.len() > 0) {
        return Ok(());
    }
    // If one of them cannot be read, nothing is refused.
    let (Some(noted), Ok(found)) = (noted(&lock), Found::in_file(path)) else { return Ok(()) };
    if found.may_be(noted) {
        return Ok(());
    }
    let (path, log, lock) = (path.display(), log.display(), lock.display());
    Err(StoreError::Failed(format!(
        "`{path}` is not the file that `{log}` belongs to: another one was put in its place\n\
         hint: stop the hub if it runs; if it is a backup: mv '{path}' FILE, and then bot-hub restore FILE, which \
         puts the log aside; if both files were put there together: echo > '{lock}'"
    )))
}

/// The mark in a database without its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    None,
    Damaged,
    Mark(u64),
}

impl Found {
    fn in_file(path: &Path) -> Result<Self, SqliteError> {
        let conn = immutable(path)?;
        let sql = "SELECT count(*) FROM meta WHERE key = ?1";
        let count: i64 = conn.query_row(sql, [MARK], |row| row.get(0))?;
        Ok(match (count, read_meta(&conn, MARK)?) {
            (0, _) => Self::None,
            (_, None) => Self::Damaged,
            (_, Some(mark)) => Self::Mark(nat(mark)),
        })
    }

    fn may_be(self, mark: u64) -> bool {
        self == Self::Damaged || self == Self::Mark(mark)
    }
}

fn noted(lock: &Path) -> Option<u64> {
    u64::from_str_radix(fs::read_to_string(lock).ok()?.trim(), 16).ok()
}

/// Gives a database a mark and stores it in the lock file. The caller must hold the lock.
///
/// The mark is stored only after it is in the database itself and not just in its log. An interruption in
/// between leaves no stored mark, which refuses nothing.
pub(super) fn note(conn: &Connection, path: &Path) -> Result<(), SqliteError> {
    let lock = path.with_file_name(LOCK);
    let found = read_meta(conn, MARK)?.map(nat);
    if found.is_some() && found == noted(&lock) {
        return Ok(());
    }
    let io = |error: std::io::Error| StoreError::Failed(format!("`{}`: {error}", lock.display()));
    write(&lock, "").map_err(io)?;
    let mark = match found {
        Some(mark) => mark,
        None => random_epoch()?.0,
    };
    if found.is_none() {
        write_meta(conn, MARK, int(mark))?;
    }
    let (is_busy, in_log, moved): (bool, i64, i64) =
        conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    // While another process reads an older state or runs a checkpoint, nothing is stored; the next start
    // tries again.
    if !is_busy && in_log == moved {
        write(&lock, &format!("{mark:016x}\n")).map_err(io)?;
    }
    Ok(())
}

/// Syncs before it returns: after a loss of power, an old mark must not stand beside a new database.
fn write(lock: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open(lock)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Removes the mark from a copy, which is another file and gets its own mark when a hub starts on it.
pub(super) fn forget(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute("DELETE FROM meta WHERE key = ?1", [MARK]).map(drop)
}
